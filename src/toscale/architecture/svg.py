"""How does a laid-out design become a picture? As SVG that stands by itself or within a page, in Python alone.

All texts of the design are escaped; the picture runs no script and fetches nothing; its classes are its own
(`ts-`), so that the styles of a page do not reach it. Boxes and lines have titles,
for those who point at them and for those who hear the page. A line is the thicker the more runs along it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from toscale.architecture.geometry import Layout, Point, Rect, Route
from toscale.architecture.graph import ACTOR, Edge, Graph, Node
from toscale.architecture.load import Figures, Load, State
from toscale.architecture.metrics import shortened, width
from toscale.architecture.outlines import OUTLINES
from toscale.architecture.palette import CATEGORIES, Theme, style
from toscale.architecture.pen import escaped as _text
from toscale.architecture.pen import number as _n
from toscale.architecture.pen import words as _words
from toscale.architecture.picture import (
    BAR,
    CAPTION,
    GAP,
    LABEL,
    MARGIN,
    NAME,
    ROWS,
    SIGN,
    Card,
    edge_label,
)
from toscale.architecture.signs import SIGNS
from toscale.kinds import KINDS, Category

__all__ = ["sheet_of_paper", "svg"]

BORDER = 22.0
"""What is free around everything."""
TITLE = 17.0
LEAST_WIDTH = 240.0
"""A picture is no narrower, so that its legend has room."""
CORNER = 7.0
"""The radius of the corners of lines."""
THIN, THICK, DECADES = 1.2, 3.4, 4.0
"""The width of a line: the thickest for the greatest rate, the thinnest for one so many powers of ten below."""
HEAD = 8.0
"""The length of an arrow's head."""


def svg(
    graph: Graph,
    figures: Figures,
    cards: Mapping[str, Card],
    layout: Layout,
    theme: Theme = "auto",
    *,
    heading: bool = True,
) -> str:
    """The picture as a text of SVG, with the title of the design as a `heading`."""
    body = layout.bounds
    paper = sheet_of_paper(graph, figures, layout, heading=heading)
    left, top, wide, high = paper.x, paper.y, paper.width, paper.height
    legend = _legend(graph, figures, body)
    title = graph.title
    thickness = _thickness(graph.edges, figures)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="toscale" role="img" aria-label="{_text(title or "Design")}" '
        f'width="{_n(wide)}" height="{_n(high)}" viewBox="{_n(left)} {_n(top)} {_n(wide)} {_n(high)}">',
        f"<title>{_text(title or 'Design')}</title>",
        f"<desc>{_text(_described(graph, figures))}</desc>",
        f"<style>{style(theme)}</style>",
        f'<rect class="ts-paper" x="{_n(left)}" y="{_n(top)}" width="{_n(wide)}" height="{_n(high)}"/>',
    ]
    if title and heading:
        parts.append(_words(title, body.x, top + BORDER + TITLE * 0.75, TITLE, "name"))
    parts += [_frame(graph.groups[key].label, rect) for key, rect in layout.frames.items()]
    routes = list(zip(graph.edges, layout.routes, strict=True))
    parts += [_edge(edge, route, layout, graph, figures, thickness) for edge, route in routes]
    parts += [_node(graph.nodes[name], rect, cards[name], figures) for name, rect in layout.boxes.items()]
    parts += [
        _label(edge_label(edge, figures), route.label) for edge, route in routes if route.label is not None
    ]
    parts += _drawn_legend(legend, body)
    parts.append("</svg>")
    return "\n".join(part for part in parts if part) + "\n"


def sheet_of_paper(graph: Graph, figures: Figures, layout: Layout, *, heading: bool = True) -> Rect:
    """The rectangle that the picture shows: what is laid out, with heading, legend and border."""
    body = layout.bounds
    title = graph.title if heading else ""
    left, top = body.x - BORDER, body.y - BORDER - (TITLE + 14 if title else 0.0)
    wide = max(body.width, width(title, TITLE, bold=True), LEAST_WIDTH) + 2 * BORDER
    legend = _legend(graph, figures, body)
    return Rect(left, top, wide, body.bottom + BORDER + 18.0 * len(legend) + (10.0 if legend else 0.0) - top)


# ---- texts and numbers


def _said(load: Load | None) -> str:
    if load is None or load.state is State.UNKNOWN:
        return "" if load is None or not load.why else f"; load not known: {load.why}"
    said = ", ".join(part for part in (load.state.value, load.text) if part)
    return f"; {said}" + (f" ({load.why})" if load.why else "")


def _described(graph: Graph, figures: Figures) -> str:
    """The whole drawing in words."""
    boxes = ". ".join(
        f"{node.name}: {node.caption}{_said(figures.loads.get(node.name))}" for node in graph.nodes.values()
    )
    edges = ". ".join(_edge_said(edge, figures) for edge in graph.edges)
    return f"Boxes: {boxes}. Lines: {edges}. Figures from {figures.source}."


def _edge_said(edge: Edge, figures: Figures) -> str:
    label = edge_label(edge, figures)
    verb = "is connected to" if edge.held else "calls" if edge.waits else "sends to"
    return (
        f"{edge.source} {verb} {edge.target}"
        + (f", {label}" if label else "")
        + (f", in {', '.join(edge.flows)}" if edge.flows else "")
    )


# ---- boxes


def _node(node: Node, rect: Rect, card: Card, figures: Figures) -> str:
    outline = OUTLINES[node.drawing]
    category = Category.USER if node.kind == ACTOR else KINDS[node.kind].category
    load = figures.loads.get(node.name)
    beyond = " ts-beyond" if outline.beyond else ""
    parts = [
        f'<g class="ts-node ts-of-{CATEGORIES[category]}" data-node="{_text(node.name)}">',
        f"<title>{_text(f'{node.name}: {node.caption}{_said(load)}')}</title>",
    ]
    parts += [f'<path class="ts-outline" d="{path}"/>' for path in outline.behind(rect)]
    parts.append(f'<path class="ts-outline{beyond}" d="{outline.path(rect)}"/>')
    details = outline.details(rect)
    if details:
        parts.append(f'<path class="ts-detail" d="{details}"/>')
    free = (
        rect.height - outline.top - outline.bottom - (card.height - outline.top - outline.bottom - 2 * MARGIN)
    )
    y = rect.y + outline.top + free / 2
    x = rect.x + outline.sides
    sign = SIGNS.get(node.kind)
    if sign:
        down = y + (ROWS["name"] + (ROWS["caption"] if card.caption else 0.0) - SIGN) / 2
        parts.append(f'<path class="ts-detail" transform="translate({_n(x)} {_n(down)})" d="{sign}"/>')
    x += SIGN + GAP
    parts.append(_words(card.name, x, y + 13, NAME, "name"))
    y += ROWS["name"]
    if card.caption:
        parts.append(_words(card.caption, x, y + 11, CAPTION, "quiet"))
        y += ROWS["caption"]
    if card.load is not None:
        parts += _meter(card.load, x, y)
    parts.append("</g>")
    return "".join(parts)


def _meter(load: Load, x: float, y: float) -> Iterable[str]:
    """The bar of a load: hatched where it is nearly full, crossed where it cannot keep up."""
    verdict = {State.BUSY: "busy", State.OVERLOADED: "overloaded"}.get(load.state, "calm")
    if load.used is not None:
        filled = BAR if load.state is State.OVERLOADED else max(1.5, BAR * min(1.0, load.used))
        yield f'<rect class="ts-track" x="{_n(x)}" y="{_n(y + 4)}" width="{_n(BAR)}" height="7" rx="1.5"/>'
        yield f'<rect class="ts-{verdict}" x="{_n(x)}" y="{_n(y + 4)}" width="{_n(filled)}" height="7" rx="1.5"/>'
        if verdict != "calm":
            steps = range(int(filled // 6))
            lines = "".join(f"M{_n(x + 6 * step + 1)} {_n(y + 11)}l5 -7" for step in steps)
            if load.state is State.OVERLOADED:
                lines += "".join(f"M{_n(x + 6 * step + 1)} {_n(y + 4)}l5 7" for step in steps)
            yield f'<path class="ts-hatch" d="{lines}"/>'
        x += BAR + 7
    bold = "quiet" if verdict == "calm" else f"{verdict} name"
    yield _words(load.text, x, y + 11.5, CAPTION, bold)


def _frame(label: str, rect: Rect) -> str:
    shown = shortened(label, rect.width - 20, LABEL, bold=True)
    return (
        f'<g class="ts-group" data-group="{_text(label)}"><title>{_text(label)}</title>'
        f'<rect class="ts-frame" x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}" '
        f'height="{_n(rect.height)}" rx="10"/>'
        + _words(shown, rect.x + 10, rect.y + 16, LABEL, "quiet name")
        + "</g>"
    )


# ---- lines


def _thickness(edges: Iterable[Edge], figures: Figures) -> dict[tuple[str, str], float]:
    most = max((rate.value for rate in figures.rates.values()), default=0.0)
    found = {}
    for edge in edges:
        rate = figures.rates.get((edge.source, edge.target))
        share = 0.0 if rate is None or rate.value <= 0 else 1 + math.log10(rate.value / most) / DECADES
        found[edge.source, edge.target] = THIN + (THICK - THIN) * max(0.0, share)
    return found


def _edge(
    edge: Edge,
    route: Route,
    layout: Layout,
    graph: Graph,
    figures: Figures,
    thickness: Mapping[tuple[str, str], float],
) -> str:
    """A line with its head; it ends at the outlines of its boxes."""
    points = list(route.points)
    for at, beside, name in ((0, 1, edge.source), (-1, -2, edge.target)):
        points[at] = _met(points[at], points[beside], layout.boxes[name], graph.nodes[name])
    wide = 4.5 if edge.held else thickness[edge.source, edge.target]
    kind = "held" if edge.held else "call" if edge.waits else "message"
    head, end = ("", points[-1]) if edge.held else _head(points, wide, is_open=not edge.waits)
    drawn = _rounded([*points[:-1], end])
    lines = f'<path class="ts-line ts-{kind}" stroke-width="{_n(wide)}" d="{drawn}"/>'
    if edge.held:
        lines += f'<path class="ts-line ts-inner" stroke-width="{_n(wide - 2.4)}" d="{drawn}"/>'
    return (
        f'<g class="ts-edge" data-from="{_text(edge.source)}" data-to="{_text(edge.target)}">'
        f"<title>{_text(_edge_said(edge, figures))}</title>{lines}{head}</g>"
    )


def _met(end: Point, before: Point, rect: Rect, node: Node) -> Point:
    """Where a level line meets the outline of a box."""
    if before[1] != end[1]:
        return end
    inset = OUTLINES[node.drawing].inset(end[1] - rect.y, rect.height)
    return (end[0] - inset, end[1]) if before[0] > end[0] else (end[0] + inset, end[1])


def _head(points: list[Point], wide: float, *, is_open: bool) -> tuple[str, Point]:
    """The head of an arrow, and where its line ends."""
    (x, y), (to_x, to_y) = points[-2], points[-1]
    far = math.hypot(to_x - x, to_y - y) or 1.0
    along = ((to_x - x) / far, (to_y - y) / far)
    long, half = HEAD + wide, 3.0 + wide * 0.8
    back = (to_x - long * along[0], to_y - long * along[1])
    side = (-along[1] * half, along[0] * half)
    corners = [(to_x, to_y), (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])]
    path = "M" + "L".join(f"{_n(a)} {_n(b)}" for a, b in corners) + "Z"
    return f'<path class="ts-head{" ts-open" if is_open else ""}" d="{path}"/>', back


def _rounded(points: list[Point]) -> str:
    """A path through the points with round corners."""
    ways = [points[0]]
    for point in points[1:]:
        if point != ways[-1]:
            ways.append(point)
    path = f"M{_n(ways[0][0])} {_n(ways[0][1])}"
    for before, corner, after in zip(ways, ways[1:], ways[2:], strict=False):
        radius = min(CORNER, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        path += f"L{_n(start[0])} {_n(start[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(end[0])} {_n(end[1])}"
    return path + f"L{_n(ways[-1][0])} {_n(ways[-1][1])}"


def _towards(start: Point, end: Point, far: float) -> Point:
    whole = math.dist(start, end)
    share = far / whole if whole else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _label(text: str, rect: Rect) -> str:
    x, y = rect.middle
    return (
        f'<g class="ts-label"><rect class="ts-paper" x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}" '
        f'height="{_n(rect.height)}" rx="3"/>'
        + _words(text, x, y + LABEL * 0.36, LABEL, "", "middle")
        + "</g>"
    )


# ---- what the signs mean

_SAMPLES = {
    "call": "waits for the answer",
    "message": "a message: nobody waits",
    "held": "held open",
    "busy": "nearly full",
    "overloaded": "cannot keep up",
}


def _legend(graph: Graph, figures: Figures, body: Rect) -> list[list[tuple[str, str]]]:
    """The signs that the drawing uses, in lines that are no wider than it."""
    used = ["held" if edge.held else "call" if edge.waits else "message" for edge in graph.edges]
    used += [
        {State.BUSY: "busy", State.OVERLOADED: "overloaded"}.get(one.state, "")
        for one in figures.loads.values()
    ]
    entries = [(sign, text) for sign, text in _SAMPLES.items() if sign in used]
    if any(load.state is not State.UNKNOWN for load in figures.loads.values()) or figures.rates:
        entries.append(("", f"figures: {figures.source}"))
    if any(rate.at_least for rate in figures.rates.values()) or any(
        "≥" in one.text for one in figures.loads.values()
    ):
        entries.append(("", "≥: a part of it is not known"))
    rows: list[list[tuple[str, str]]] = []
    room = 0.0
    for entry in entries:
        needed = _entry_width(entry)
        if not rows or room < needed:
            rows.append([])
            room = max(body.width, LEAST_WIDTH)
        rows[-1].append(entry)
        room -= needed
    return rows


def _entry_width(entry: tuple[str, str]) -> float:
    return (40.0 if entry[0] else 0.0) + width(entry[1], LABEL) * 1.06 + 22.0


def _drawn_legend(rows: list[list[tuple[str, str]]], body: Rect) -> Iterable[str]:
    y = body.bottom + 26.0
    for row in rows:
        x = body.x
        for sign, text in row:
            if sign in ("busy", "overloaded"):
                load = Load(State.BUSY if sign == "busy" else State.OVERLOADED, 0.7)
                yield "".join(part for part in _meter(load, x - 10, y - 11) if "<text" not in part)
            elif sign:
                end = [(x, y - 4.0), (x + 32.0, y - 4.0)]
                head, back = ("", end[1]) if sign == "held" else _head(end, 1.4, is_open=sign == "message")
                wide = 4.5 if sign == "held" else 1.4
                path = _rounded([end[0], back])
                inner = (
                    f'<path class="ts-line ts-inner" stroke-width="2.1" d="{path}"/>'
                    if sign == "held"
                    else ""
                )
                yield f'<path class="ts-line ts-{sign}" stroke-width="{wide}" d="{path}"/>' + inner + head
            yield _words(text, x + (40.0 if sign else 0.0), y, LABEL, "quiet")
            x += _entry_width((sign, text))
        y += 18.0
