"""How does a design look in a terminal? Boxes and lines of Unicode characters that fit its width; where they do
not, a list of who calls whom.

The same layout as that of pictures, with a character for a pixel. What a box says gets less until it fits: the
caption goes first, then the rates on the lines, then the queues, then the loads.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from toscale.architecture.geometry import Box, Frame, Layout, Line, Room, Route, Sketch
from toscale.architecture.graph import Edge, Graph, Node
from toscale.architecture.layout import lay_out
from toscale.architecture.load import Figures, State
from toscale.architecture.picture import edge_label

__all__ = ["columns", "in_characters"]

ROOM = Room(
    between_boxes=0,
    between_lines=1,
    beside_line=1,
    between_tracks=2,
    beside_box=2,
    around_label=3,
    frame=1,
    frame_label=1,
    corner=1.5,
)
"""The distances of a drawing in characters."""

MOST = 24
"""No name or caption is longer."""

UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
_JOINTS = " ╵╶└╷│┌├╴┘─┴┐┤┬┼"
"""The character for each set of the four directions in which lines leave it."""

_ASCII = str.maketrans("╵╶└╷│┌├╴┘─┴┐┤┬┼┄┆═║╭╮╰╯►◄▷◁…×·≥µ", "'-+.|++-+-+++++-:=|++++><><.x->u")
"""What stands for it where there is only ASCII."""


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much is said."""

    caption: bool
    load: bool
    queue: bool
    rates: bool
    longest: int = MOST


_DETAILS = (
    _Detail(caption=True, load=True, queue=True, rates=True),
    _Detail(caption=False, load=True, queue=True, rates=True),
    _Detail(caption=False, load=True, queue=True, rates=False),
    _Detail(caption=False, load=True, queue=False, rates=False),
    _Detail(caption=False, load=False, queue=False, rates=False),
    _Detail(caption=False, load=False, queue=False, rates=False, longest=10),
)


def columns(text: str) -> int:
    """How many columns a text takes: East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def in_characters(graph: Graph, figures: Figures, width: int, *, ascii_only: bool = False) -> str:
    """The drawing in lines of at most `width` columns, at least 30."""
    drawn = ""
    for detail in _DETAILS:
        layout = lay_out(_sketch(graph, figures, detail), ROOM)
        if layout.bounds.right <= width:
            drawn = _drawn(graph, figures, layout, detail)
            break
    text = drawn or _listed(graph, figures, width)
    return text.translate(_ASCII).encode("ascii", "replace").decode() if ascii_only else text


def _cut(text: str, longest: int) -> str:
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    if columns(text) <= longest:
        return text
    kept = ""
    for sign in text:
        if columns(kept + sign) > longest - 1:
            break
        kept += sign
    return kept.rstrip() + "…"


def _lines(node: Node, figures: Figures, detail: _Detail) -> list[str]:
    """What stands in a box, line by line."""
    said = [_cut(node.name, detail.longest)]
    if detail.caption and not node.is_actor:
        said.append(_cut(node.caption, detail.longest))
    load = figures.loads.get(node.name)
    if detail.load and load is not None and load.text:
        mark = {State.BUSY: " !", State.OVERLOADED: " !!"}.get(load.state, "")
        short = "overloaded" if load.state is State.OVERLOADED else load.text.split(" · ")[0]
        shown = load.text if detail.queue else short
        said.append(_cut(shown + mark, detail.longest))
    return said


def _sketch(graph: Graph, figures: Figures, detail: _Detail) -> Sketch:
    boxes = []
    for node in graph.nodes.values():
        said = _lines(node, figures, detail)
        boxes.append(Box(node.name, max(map(columns, said)) + 4, len(said) + 2, node.groups, node.is_actor))
    lines = []
    for edge in graph.edges:
        label = edge_label(edge, figures) if detail.rates else ""
        lines.append(Line(edge.source, edge.target, columns(label), 0))
    frames = {key: Frame(key, columns(group.label)) for key, group in graph.groups.items()}
    return Sketch(tuple(boxes), tuple(lines), frames)


# ---- drawing


class _Canvas:
    """Characters by row and column, with the lines as directions until the end."""

    def __init__(self) -> None:
        self.signs: dict[tuple[int, int], str] = {}
        self.joints: dict[tuple[int, int], int] = {}
        self.dashed: dict[tuple[int, int], bool] = {}

    def line(self, points: list[tuple[int, int]], *, dashed: bool) -> None:
        for (x, y), (to_x, to_y) in pairwise(points):
            level = y == to_y
            low, high = (min(x, to_x), max(x, to_x)) if level else (min(y, to_y), max(y, to_y))
            for at in range(low, high + 1):
                cell = (y, at) if level else (at, x)
                before, after = (LEFT, RIGHT) if level else (UP, DOWN)
                ways = (before if at > low else 0) | (after if at < high else 0)
                self.joints[cell] = self.joints.get(cell, 0) | ways
                self.dashed[cell] = self.dashed.get(cell, True) and dashed

    def write(self, row: int, column: int, text: str) -> None:
        for sign in text:
            wide = columns(sign)
            if wide == 0:
                self.signs[row, column - 1] = self.signs.get((row, column - 1), "") + sign
                continue
            self.signs[row, column] = sign
            if wide == 2:
                self.signs[row, column + 1] = ""
            column += wide

    def box(self, row: int, column: int, height: int, width: int, edges: str) -> None:
        level, upright, corners = edges[0], edges[1], edges[2:]
        for at in range(column + 1, column + width - 1):
            self.signs[row, at] = self.signs[row + height - 1, at] = level
        for down in range(row + 1, row + height - 1):
            self.signs[down, column] = self.signs[down, column + width - 1] = upright
            for at in range(column + 1, column + width - 1):
                self.signs[down, at] = " "
        for corner, cell in zip(
            corners,
            (
                (row, column),
                (row, column + width - 1),
                (row + height - 1, column),
                (row + height - 1, column + width - 1),
            ),
            strict=True,
        ):
            self.signs[cell] = corner

    def text(self) -> str:
        cells = {cell: self._joint(cell) for cell in self.joints} | self.signs
        rows: dict[int, dict[int, str]] = {}
        for (row, column), sign in cells.items():
            rows.setdefault(row, {})[column] = sign
        if not rows:
            return ""
        lines = []
        for row in range(min(rows), max(rows) + 1):
            here = rows.get(row, {})
            lines.append(
                "".join(here.get(column, " ") for column in range(max(here, default=-1) + 1)).rstrip()
            )
        return "\n".join(lines)

    def _joint(self, cell: tuple[int, int]) -> str:
        ways = self.joints[cell]
        if self.dashed[cell] and ways in (LEFT | RIGHT, UP | DOWN):
            return "┄" if ways == LEFT | RIGHT else "┆"
        return _JOINTS[ways]


def _drawn(graph: Graph, figures: Figures, layout: Layout, detail: _Detail) -> str:
    canvas = _Canvas()
    for key, rect in layout.frames.items():
        x, y, w, h = round(rect.x), round(rect.y), round(rect.width), round(rect.height)
        canvas.box(y, x, h, w, "┄┆╭╮╰╯")
        canvas.write(y, x + 2, _cut(f" {graph.groups[key].label} ", w - 4))
    # Lines are over frames, boxes over lines.
    for sign in list(canvas.signs):
        if canvas.signs[sign] == " ":
            del canvas.signs[sign]
    frames, canvas.signs = canvas.signs, {}
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        canvas.line(_cells(route, layout), dashed=not edge.waits and not edge.held)
    canvas.signs = {cell: sign for cell, sign in frames.items() if cell not in canvas.joints}
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        _head(canvas, edge, route)
        if route.label is not None:
            canvas.write(round(route.label.y), round(route.label.x), edge_label(edge, figures))
    for name, rect in layout.boxes.items():
        x, y, w, h = round(rect.x), round(rect.y), round(rect.width), round(rect.height)
        node = graph.nodes[name]
        canvas.box(y, x, h, w, "─│╭╮╰╯" if node.is_actor else "─│┌┐└┘")
        said = _lines(node, figures, detail)
        for row, text in enumerate(said, y + (h - len(said)) // 2):
            canvas.write(row, x + 2, text)
    return canvas.text()


def _cells(route: Route, layout: Layout) -> list[tuple[int, int]]:
    """The corners of a line as characters; a line reaches up to the border of its box."""
    points = [(round(x), round(y)) for x, y in route.points]
    for at, name in ((0, route.source), (-1, route.target)):
        right = round(layout.boxes[name].right)
        if points[at][0] == right:
            points[at] = right - 1, points[at][1]
    return points


def _head(canvas: _Canvas, edge: Edge, route: Route) -> None:
    if edge.held:
        return
    (x, _), (to_x, y) = route.points[-2], route.points[-1]
    rightwards = to_x > x
    heads = ("►", "◄") if edge.waits else ("▷", "◁")
    canvas.write(round(y), round(to_x) - 1 if rightwards else round(to_x), heads[0 if rightwards else 1])


# ---- the list


def _listed(graph: Graph, figures: Figures, width: int) -> str:
    """Each box with those that it calls below it."""
    calls: Mapping[str, list[Edge]] = {name: [] for name in graph.nodes}
    for edge in graph.edges:
        calls[edge.source].append(edge)
    lines = []
    for name, node in graph.nodes.items():
        load = figures.loads.get(name)
        said = [node.caption, load.text if load is not None else ""]
        if load is not None and load.state in (State.BUSY, State.OVERLOADED):
            said.append(load.state.value)
        lines.append(_cut(f"{name}  ({'; '.join(part for part in said if part)})", width))
        for place, edge in enumerate(calls[name]):
            branch = "└" if place == len(calls[name]) - 1 else "├"
            arrow = "═" if edge.held else "─►" if edge.waits else "┄▷"
            label = edge_label(edge, figures)
            lines.append(_cut(f"  {branch}{arrow} {edge.target}" + (f"  {label}" if label else ""), width))
    return "\n".join(lines)
