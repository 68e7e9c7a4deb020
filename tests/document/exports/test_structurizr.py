"""Structurizr: a workspace that a strict reader of the DSL's grammar takes, with the people, containers and relations
of the drawing.

Structurizr's own parser needs Java and cannot be had from the registries of this project; the rules are those of
its language reference: quoted tokens without line breaks, blocks, unique names, no relation twice.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.document.exports.drawings import EXAMPLES, drawings, example, hostile
from toscale.architecture import Drawing
from toscale.document.exports import export
from toscale.document.exports.identifiers import labelled_edges, one_line, shown_name

TOKEN = re.compile(r'"(?P<quoted>(?:[^"\\\n]|\\")*)"|(?P<word>[A-Za-z0-9_#*=]+|->|\{|\})|(?P<space> +)')
ID = re.compile(r"[a-z][a-z0-9_]*")


def tokens(line: str) -> list[tuple[str, bool]]:
    found, at = [], 0
    while at < len(line):
        match = TOKEN.match(line, at)
        assert match, line
        at = match.end()
        if match["quoted"] is not None:
            found.append((match["quoted"].replace('\\"', '"'), True))
        elif match["word"]:
            found.append((match["word"], False))
    return found


def plain(text: str) -> str:
    """What the DSL cannot hold is written otherwise: a backslash, and the beginning of a substitution."""
    return text.replace("\\", "⧵").replace("${", "$ {")


def check(drawing: Drawing) -> None:
    elements: dict[str, tuple[str, str]] = {}
    relations: list[tuple[str, ...]] = []
    names: dict[str, list[str]] = {}
    inside: list[str] = []
    for line in export(drawing, "structurizr").rstrip("\n").split("\n"):
        said = tokens(line)
        words = [text for text, _ in said]
        opens = said[-1] == ("{", False)
        if words == ["}"]:
            inside.pop()
            continue
        if words[1:2] == ["="]:
            kind = words[2]
            assert inside[:2] == ["workspace", "model"]
            assert kind in ("person", "softwareSystem", "container")
            assert ("softwareSystem" in inside) == (kind == "container")
            assert ID.fullmatch(words[0])
            assert words[0] not in elements
            assert all(is_quoted for _, is_quoted in said[3 : -1 if opens else None])
            elements[words[0]] = (kind, words[3])
            names.setdefault("container" if kind == "container" else "top", []).append(words[3].casefold())
        elif words[1:2] == ["->"]:
            assert inside == ["workspace", "model"]
            relations.append(
                (words[0], words[2], words[3] if len(words) > 3 else "", "message" if words[5:] else "")
            )
        if opens:
            inside.append(words[2] if words[1:2] == ["="] else words[0])
    assert inside == []
    assert len({relation[:3] for relation in relations}) == len(relations)
    nodes = drawing.graph.nodes
    expected = sorted(plain(shown_name(node)) for node in nodes.values())
    found = sorted(name for mark, (_, name) in elements.items() if mark != "design_system")
    assert found == expected
    said_edges = [
        (elements[source][1], elements[target][1], tag == "") for source, target, _, tag in relations
    ]
    assert said_edges == [
        (plain(shown_name(nodes[source])), plain(shown_name(nodes[target])), waits)
        for source, target, _, waits in labelled_edges(drawing)
    ]
    system = elements["design_system"][1].casefold()
    assert names["top"].count(system) == 1


@settings(max_examples=60, deadline=None)
@given(drawings)
def test_any_names_are_read_back_as_they_are(drawing: Drawing) -> None:
    check(drawing)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_workspaces(path: Path) -> None:
    check(example(path))


def test_hostile_names_are_only_texts() -> None:
    check(hostile())


def test_frames_are_groups() -> None:
    text = export(hostile(), "structurizr")
    labels = {one_line(group.label) for group in hostile().graph.groups.values()}
    found = {tokens(line)[1][0] for line in text.split("\n") if line.strip().startswith("group ")}
    assert found == {plain(label) for label in labels}
