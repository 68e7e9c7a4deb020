"""How is a drawing written in D2? Keys are ids, texts stand in double quotes, and frames are containers."""

from __future__ import annotations

from collections.abc import Iterator

from toscale.architecture.draw import Drawing
from toscale.architecture.graph import Node
from toscale.architecture.palette import CATEGORIES, LIGHT
from toscale.document.exports.identifiers import identifier, labelled_edges, one_line, shown_name
from toscale.document.exports.nesting import Nest, nested
from toscale.kinds import KINDS, Category
from toscale.kinds import Drawing as Outline

__all__ = ["d2"]

SHAPES: dict[Outline, str] = {
    Outline.PERSON: "person",
    Outline.CLOUD: "cloud",
    Outline.DIAMOND: "hexagon",
    Outline.BOX: "rectangle",
    Outline.STACK: "rectangle",
    Outline.CYLINDER: "cylinder",
    Outline.BUCKET: "stored_data",
    Outline.PIPE: "queue",
    Outline.OUTSIDE: "rectangle",
}
"""D2's shape for an outline; a stack is drawn `multiple`, what is outside with dashes."""


def d2(drawing: Drawing) -> str:
    """The drawing as a text of D2. Figures are in the labels of edges; loads and positions are left out."""
    lines = ["direction: right"]
    title = one_line(drawing.graph.title)
    if title:
        lines.append(f"design_title: {_text(title)} {{shape: text; near: top-center; style.font-size: 24}}")
    lines += _nest(nested(drawing.graph), 0)
    for source, target, label, waits in labelled_edges(drawing):
        said = f": {_text(label)}" if label else ""
        dashed = "" if waits else (" " if said else ": ") + "{style.stroke-dash: 4}"
        lines.append(f"{_path(drawing, source)} -> {_path(drawing, target)}{said}{dashed}")
    return "\n".join(lines) + "\n"


def _nest(nest: Nest, depth: int) -> Iterator[str]:
    margin = "  " * depth
    for node in nest.nodes:
        yield f"{margin}{_id(node.name)}: {_text(*_rows(node))} {{{_style(node)}}}"
    for inner in nest.inner.values():
        label = "" if inner.group is None else one_line(inner.group.label)
        yield f"{margin}{identifier(' '.join(inner.path), 'group')}: {_text(label)} {{"
        yield from _nest(inner, depth + 1)
        yield f"{margin}}}"


def _rows(node: Node) -> tuple[str, ...]:
    return (shown_name(node),) if node.is_actor else (shown_name(node), one_line(node.caption))


def _style(node: Node) -> str:
    category = CATEGORIES[Category.USER if node.is_actor else KINDS[node.kind].category]
    said = [
        f"shape: {SHAPES[node.drawing]}",
        f'style.fill: "{LIGHT[f"{category}-fill"]}"',
        f'style.stroke: "{LIGHT[category]}"',
    ]
    if node.drawing is Outline.STACK:
        said.append("style.multiple: true")
    if node.drawing is Outline.OUTSIDE:
        said.append("style.stroke-dash: 4")
    return "; ".join(said)


def _id(name: str) -> str:
    """The key of a box: never that of the title."""
    return identifier(name, "box" if name == "design_title" else "")


def _path(drawing: Drawing, name: str) -> str:
    """The key of a box from the outermost container on."""
    keys = drawing.graph.nodes[name].groups
    within = [identifier(" ".join(keys[: place + 1]), "group") for place in range(len(keys))]
    return ".".join([*within, _id(name)])


def _text(*rows: str) -> str:
    """Rows of text in double quotes; `$` would begin a substitution."""
    escaped = (row.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") for row in rows)
    return '"' + "\\n".join(escaped) + '"'
