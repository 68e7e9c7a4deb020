"""How is a drawing written for draw.io? As uncompressed XML of its mxGraph model, with every box, frame and corner
where ToScale's own layout has it.

Labels are plain text (`html=0`), so that nothing in a name is markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from toscale.architecture.draw import Drawing
from toscale.architecture.geometry import Point, Rect, Route
from toscale.architecture.graph import Node
from toscale.architecture.palette import CATEGORIES, LIGHT
from toscale.document.exports.identifiers import identifier, labelled_edges, one_line, shown_name
from toscale.kinds import KINDS, Category
from toscale.kinds import Drawing as Outline

__all__ = ["drawio"]

SHAPES: dict[Outline, str] = {
    Outline.PERSON: "rounded=1;arcSize=50",
    Outline.CLOUD: "ellipse;shape=cloud",
    Outline.DIAMOND: "shape=hexagon;perimeter=hexagonPerimeter2;fixedSize=1;size=10",
    Outline.BOX: "rounded=1;arcSize=12",
    Outline.STACK: "rounded=0;shape=ext;double=1",
    Outline.CYLINDER: "shape=cylinder3;boundedLbl=1;size=6",
    Outline.BUCKET: "shape=trapezoid;perimeter=trapezoidPerimeter;flipV=1;fixedSize=1;size=8",
    Outline.PIPE: "shape=cylinder3;direction=south;size=6",
    Outline.OUTSIDE: "rounded=0;dashed=1",
}
"""draw.io's style for an outline."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BORDER = 20.0
"""What is free to the left of everything and above it."""


def drawio(drawing: Drawing) -> str:
    """The drawing as an XML text of draw.io. Loads are left out."""
    layout, graph = drawing.layout, drawing.graph
    left, top = BORDER - layout.bounds.x, BORDER - layout.bounds.y
    title = one_line(graph.title) or "Design"
    cells = ['<mxCell id="0"/>', '<mxCell id="1" parent="0"/>']
    for key, rect in layout.frames.items():
        cells += _vertex(
            _id("frame", key), one_line(graph.groups[key].label), _frame_style(), _moved(rect, left, top)
        )
    for name, rect in layout.boxes.items():
        node = graph.nodes[name]
        text = shown_name(node) if node.is_actor else f"{shown_name(node)}\n{one_line(node.caption)}"
        cells += _vertex(_id("box", name), text, _style(node), _moved(rect, left, top))
    seen: dict[tuple[str, str], int] = {}
    for (source, target, label, waits), route in zip(labelled_edges(drawing), layout.routes, strict=True):
        number = seen[source, target] = seen.get((source, target), 0) + 1
        mark = _id("edge", f"{source}\0{target}\0{number}")
        ends = layout.boxes[source], layout.boxes[target]
        cells += _edge(mark, label, (source, target), _edge_style(route, ends, waits), route, (left, top))
    body = "\n".join(f"        {cell}" for cell in cells)
    return (
        '<mxfile host="toscale" compressed="false">\n'
        f'  <diagram id="{_id("page", title)}" name="{_text(title)}">\n'
        '    <mxGraphModel grid="1" gridSize="10" guides="1" tooltips="1" connect="1" arrows="1" fold="1" '
        'page="0" math="0" shadow="0">\n'
        f"      <root>\n{body}\n      </root>\n"
        "    </mxGraphModel>\n  </diagram>\n</mxfile>\n"
    )


def _id(sort: str, name: str) -> str:
    """Ids of boxes are those of the other formats, where those are not draw.io's own."""
    return identifier(name, "" if sort == "box" else sort)


def _moved(rect: Rect, left: float, top: float) -> Rect:
    return Rect(rect.x + left, rect.y + top, rect.width, rect.height)


def _vertex(mark: str, text: str, style: str, rect: Rect) -> Iterator[str]:
    yield f'<mxCell id="{mark}" value="{_text(text)}" style="{style}" vertex="1" parent="1">'
    yield (
        f'  <mxGeometry x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}" height="{_n(rect.height)}" '
        'as="geometry"/>'
    )
    yield "</mxCell>"


def _edge(
    mark: str, label: str, ends: tuple[str, str], style: str, route: Route, moved: Point
) -> Iterator[str]:
    source, target = (_id("box", end) for end in ends)
    yield (
        f'<mxCell id="{mark}" value="{_text(label)}" style="{style}" edge="1" parent="1" source="{source}" '
        f'target="{target}">'
    )
    yield '  <mxGeometry relative="1" as="geometry">'
    if len(route.points) > 2:
        yield '    <Array as="points">'
        for x, y in route.points[1:-1]:
            yield f'      <mxPoint x="{_n(x + moved[0])}" y="{_n(y + moved[1])}"/>'
        yield "    </Array>"
    yield "  </mxGeometry>"
    yield "</mxCell>"


# ---- styles


def _style(node: Node) -> str:
    category = CATEGORIES[Category.USER if node.is_actor else KINDS[node.kind].category]
    colours = f"fillColor={LIGHT[f'{category}-fill']};strokeColor={LIGHT[category]};fontColor={LIGHT['ink']}"
    return f"{SHAPES[node.drawing]};html=0;whiteSpace=wrap;{colours};"


def _frame_style() -> str:
    return (
        "rounded=0;html=0;whiteSpace=wrap;fillColor=none;dashed=1;dashPattern=1 4;verticalAlign=top;align=left;"
        f"spacingLeft=6;strokeColor={LIGHT['frame']};fontColor={LIGHT['quiet']};"
    )


def _edge_style(route: Route, ends: tuple[Rect, Rect], waits: bool) -> str:
    """The line runs through its given corners, from where it leaves its box to where it enters the other."""
    (exit_x, exit_y), (entry_x, entry_y) = _share(route.points[0], ends[0]), _share(route.points[-1], ends[1])
    arrow = "endArrow=block" if waits else "endArrow=open;dashed=1"
    return (
        f"edgeStyle=orthogonalEdgeStyle;rounded=1;html=0;{arrow};exitX={exit_x};exitY={exit_y};exitDx=0;exitDy=0;"
        f"entryX={entry_x};entryY={entry_y};entryDx=0;entryDy=0;strokeColor={LIGHT['line']};fontSize=11;"
        f"labelBackgroundColor={LIGHT['paper']};fontColor={LIGHT['ink']};"
    )


def _share(point: Point, rect: Rect) -> tuple[str, str]:
    """Where a point is on a box, as shares of its width and its height."""
    return _n(_bounded((point[0] - rect.x) / rect.width), 4), _n(
        _bounded((point[1] - rect.y) / rect.height), 4
    )


def _bounded(share: float) -> float:
    return min(1.0, max(0.0, share))


# ---- texts and numbers


def _n(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def _text(text: str) -> str:
    """A text as an attribute: an XML parser reads it as it is, line breaks too."""
    return escape(_NOT_XML.sub("", text), quote=True).replace("\n", "&#10;")
