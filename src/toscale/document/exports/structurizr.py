"""How is a drawing written in the Structurizr DSL? As a workspace after the C4 model: actors are people, the design
is one software system, its components are containers, and what is outside is a software system of its own.

The kind of a component is its first tag, its caption its technology; `toscale import` reads both back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from toscale.architecture.draw import Drawing
from toscale.architecture.graph import Node
from toscale.architecture.palette import CATEGORIES, LIGHT
from toscale.document.exports.identifiers import identifier, labelled_edges, one_line, shown_name
from toscale.kinds import KINDS, Category
from toscale.kinds import Drawing as Outline

__all__ = ["DESIGN", "HELD", "MESSAGE", "OUTSIDE", "structurizr"]

OUTSIDE = "external"
"""The kind that becomes a software system of its own."""
MESSAGE = "message"
"""The tag of a relation for whose answer nobody waits."""
HELD = "held"
"""The tag of a connection that is held open; how many of it is its description."""

SHAPES: dict[Outline, str] = {
    Outline.PERSON: "Person",
    Outline.CLOUD: "Ellipse",
    Outline.DIAMOND: "Hexagon",
    Outline.BOX: "RoundedBox",
    Outline.STACK: "Component",
    Outline.CYLINDER: "Cylinder",
    Outline.BUCKET: "Folder",
    Outline.PIPE: "Pipe",
    Outline.OUTSIDE: "Box",
}
"""Structurizr's shape for an outline."""

SYSTEM, DESIGN = "design_system", "design"
"""The id and the tag of the software system that the design is."""


def structurizr(drawing: Drawing) -> str:
    """The drawing as a workspace. Loads and positions are left out; nested frames become one group."""
    title = one_line(drawing.graph.title) or "Design"
    nodes = list(drawing.graph.nodes.values())
    lines = [f"workspace {_text(title)} {{", "    model {"]
    for node in nodes:
        if node.is_actor:
            lines.append(f'        {_id(node.name)} = person {_text(shown_name(node))} "" "actor"')
        elif node.kind == OUTSIDE:
            said = f"{_text(shown_name(node))} {_text(one_line(node.caption))} {_text(node.kind)}"
            lines.append(f"        {_id(node.name)} = softwareSystem {said}")
    system = f'{_text(_free(title, nodes))} "" {_text(DESIGN)}'
    lines.append(f"        {SYSTEM} = softwareSystem {system} {{")
    lines += _containers(drawing, [node for node in nodes if not node.is_actor and node.kind != OUTSIDE])
    lines.append("        }")
    said_before: set[tuple[str, str, str]] = set()
    for edge, (source, target, label, waits) in zip(
        drawing.graph.edges, labelled_edges(drawing), strict=True
    ):
        description = _unlike(label, (source, target), said_before)
        tags = "" if waits else f' "" {_text(f"{MESSAGE},{HELD}" if edge.held else MESSAGE)}'
        said = f" {_text(description)}{tags}" if description or tags else ""
        lines.append(f"        {_id(source)} -> {_id(target)}{said}")
    lines += ["    }", "    views {"]
    lines += [
        f'        container {SYSTEM} "components" {{',
        "            include *",
        "            autoLayout lr",
    ]
    lines += ["        }", "        styles {", *_styles(nodes), "        }", "    }", "}"]
    return "\n".join(lines) + "\n"


def _containers(drawing: Drawing, nodes: Iterable[Node]) -> Iterator[str]:
    by_group: dict[str, list[Node]] = {}
    for node in nodes:
        by_group.setdefault(", ".join(drawing.graph.groups[key].label for key in node.groups), []).append(
            node
        )
    for label, members in by_group.items():
        margin = " " * (16 if label else 12)
        if label:
            yield f"            group {_text(one_line(label))} {{"
        for node in members:
            said = f'{_text(shown_name(node))} "" {_text(one_line(node.caption))} {_text(node.kind)}'
            yield f"{margin}{_id(node.name)} = container {said}"
        if label:
            yield "            }"


def _styles(nodes: Iterable[Node]) -> Iterator[str]:
    kinds = {("actor" if node.is_actor else node.kind): node for node in nodes}
    for tag, node in kinds.items():
        category = CATEGORIES[Category.USER if node.is_actor else KINDS[node.kind].category]
        yield f"            element {_text(tag)} {{"
        yield f"                shape {SHAPES[node.drawing]}"
        yield f"                background {LIGHT[f'{category}-fill']}"
        yield f"                color {LIGHT['ink']}"
        yield f"                stroke {LIGHT[category]}"
        if node.kind == OUTSIDE:
            yield "                border dashed"
        yield "            }"
    yield f"            relationship {_text(MESSAGE)} {{"
    yield "                style dashed"
    yield "            }"


def _free(title: str, nodes: Iterable[Node]) -> str:
    """The name of the system: no person and no other system may have it."""
    taken = {shown_name(node).casefold() for node in nodes if node.is_actor or node.kind == OUTSIDE}
    while title.casefold() in taken:
        title += " (the system)"
    return title


def _unlike(label: str, ends: tuple[str, str], said_before: set[tuple[str, str, str]]) -> str:
    """The label, with a number where the same two are already related by it, which the DSL refuses."""
    description, number = label, 1
    while (*ends, description) in said_before:
        number += 1
        description = f"{label} ({number})".strip()
    said_before.add((*ends, description))
    return description


def _id(name: str) -> str:
    return identifier(name, "element" if name == SYSTEM else "")


def _text(text: str) -> str:
    """A text in double quotes. The DSL has no escape for a backslash, so that a look-alike stands for it; `${`
    would begin a substitution.
    """
    return '"' + re.sub(r"\$(?=\{)", "$ ", text.replace("\\", "⧵")).replace('"', '\\"') + '"'
