"""Mermaid: what is written is a flowchart with the boxes, frames and lines of the drawing, whatever they are called.

Mermaid itself, in the package mermaidx, renders all hostile texts and every example; a strict reader of the
subset that is written holds for any text.
"""

from __future__ import annotations

import importlib.util
import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.document.exports.drawings import EXAMPLES, HOSTILE, drawing_of, drawings, example, hostile
from toscale.architecture import Drawing
from toscale.document.exports import export
from toscale.document.exports.identifiers import identifier, labelled_edges, one_line, shown_name

ID = r"[a-z][a-z0-9_]*"
TEXT = r'"(?P<text>[^"`<>{}|\\\[\]]*(?:<br/>[^"`<>{}|\\\[\]]*)?)"'
SHAPES = [
    ("([", "])"),
    ("[(", ")]"),
    ("[[", "]]"),
    ("[\\", "/]"),
    ("[/", "/]"),
    ("{{", "}}"),
    ("(", ")"),
    ("[", "]"),
    (">", "]"),
]
EDGE = re.compile(rf"  (?P<source>{ID}) (?P<arrow>-->|-\.->)(?:\|{TEXT}\|)? (?P<target>{ID})")
GROUP = re.compile(rf"\s*subgraph (?P<id>{ID})\[{TEXT}\]")
CLASSES = re.compile(rf"  (classDef [a-z]+Kind [a-z0-9:#, -]+|class {ID}(,{ID})* [a-z]+Kind)")


PART = 15
"""So many boxes are rendered at once: Mermaid's layout takes much longer for more."""


def decoded(text: str) -> str:
    """As a reader sees it: entity codes are signs, and word joiners are invisible."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text).replace("\u2060", "")


def parts(text: str) -> tuple[dict[str, str], list[str], list[tuple[str, str, str, str]]]:
    """Boxes by id, labels of frames, and edges; every line must be one of the language."""
    nodes: dict[str, str] = {}
    frames: list[str] = []
    edges: list[tuple[str, str, str, str]] = []
    lines = text.split("\n")
    if lines[0] == "---":
        assert lines[2] == "---"
        lines = lines[3:]
    assert lines[0] == "flowchart LR"
    assert lines[-1] == ""
    depth = 0
    for line in lines[1:-1]:
        group, edge = GROUP.fullmatch(line), EDGE.fullmatch(line)
        if group:
            frames.append(decoded(group["text"]))
            depth += 1
        elif line.strip() == "end":
            depth -= 1
        elif edge:
            edges.append((edge["source"], edge["arrow"], decoded(edge["text"] or ""), edge["target"]))
        elif not CLASSES.fullmatch(line):
            found = [
                match
                for opening, closing in SHAPES
                if (match := re.fullmatch(rf"\s*({ID}){re.escape(opening)}{TEXT}{re.escape(closing)}", line))
            ]
            assert len(found) == 1, line
            assert found[0][1] not in nodes
            nodes[found[0][1]] = decoded(found[0]["text"])
    assert depth == 0
    return nodes, frames, edges


def check(drawing: Drawing) -> None:
    nodes, frames, edges = parts(export(drawing, "mermaid"))
    assert nodes == {
        identifier(node.name): shown_name(node)
        if node.is_actor
        else f"{shown_name(node)}<br/>{one_line(node.caption)}"
        for node in drawing.graph.nodes.values()
    }
    assert sorted(frames) == sorted(one_line(group.label) for group in drawing.graph.groups.values())
    assert edges == [
        (identifier(source), "-->" if waits else "-.->", label, identifier(target))
        for source, target, label, waits in labelled_edges(drawing)
    ]


@settings(max_examples=60, deadline=None)
@given(drawings)
def test_any_names_are_read_back_as_they_are(drawing: Drawing) -> None:
    check(drawing)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_flowcharts_with_their_rates(path: Path) -> None:
    check(example(path))


def test_a_text_of_html_or_of_a_directive_is_only_a_text() -> None:
    text = export(hostile(), "mermaid")
    assert "<script" not in text
    assert "%%" not in text
    assert "``" not in text.replace("classDef", "")


@pytest.mark.skipif(importlib.util.find_spec("mermaidx") is None, reason="mermaidx is not installed: `make`")
class TestMermaidItself:
    """Mermaid 11 in an embedded JavaScript engine: what it shows is what was meant."""

    def shown(self, drawing: Drawing) -> str:
        import mermaidx

        return " ".join(
            unescape(re.sub(r"<[^>]*>", " ", mermaidx.render(export(drawing, "mermaid")).svg())).split()
        )

    def test_it_refuses_what_is_no_flowchart(self) -> None:
        import mermaidx

        with pytest.raises(RuntimeError, match="Parse error"):
            mermaidx.render('flowchart LR\n a["x" --> b\n').svg()

    @pytest.mark.parametrize("start", range(0, len(HOSTILE), PART))
    def test_it_shows_every_hostile_name(self, start: int) -> None:
        names = list(HOSTILE[start : start + PART])
        drawing = drawing_of(names, names[:2], names[0], start)
        shown = self.shown(drawing).replace(" ", "").replace("\u2060", "")
        missing = [
            name
            for node in drawing.graph.nodes.values()
            if (name := shown_name(node)).replace(" ", "") not in shown
        ]
        assert missing == []

    def test_it_shows_an_example_with_its_rates(self) -> None:
        drawing = example(EXAMPLES[-1])
        shown = self.shown(drawing)
        assert all(label in shown for _, _, label, _ in labelled_edges(drawing))
