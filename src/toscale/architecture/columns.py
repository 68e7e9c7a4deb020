"""From places in columns to a drawing: how far to the right is everything, and which way does each line go?

Between two columns there is, from left to right: the edges of frames that end, the tracks of the lines, room for
the labels of lines, the edges of frames that begin. A label stands on the last level part of its line before the
box at its right end, where nothing but level lines passes, each at its own height.
"""

from __future__ import annotations

from collections.abc import Sequence

from toscale.architecture.chains import Path
from toscale.architecture.coordinates import Heights
from toscale.architecture.crossings import Order
from toscale.architecture.geometry import Layout, Point, Rect, Room, Route, Sketch
from toscale.architecture.ports import Ports
from toscale.architecture.tracks import Turn, tracks

__all__ = ["drawn"]


def drawn(sketch: Sketch, order: Order, ports: Ports, heights: Heights, room: Room) -> Layout:
    """The layout of a sketch of which everything but the x axis is known."""
    chains = order.chains
    widths = [0] * chains.columns
    for item in chains.items:
        if item.box is not None:
            widths[item.column] = max(widths[item.column], round(sketch.boxes[item.box].width))
    on_track = _tracks(order, ports, heights, room)
    labels = _label_room(sketch, order, room)
    begins, ends = _depths(order.spans, chains.columns)
    x = [0] * chains.columns
    first_track = [0] * chains.columns
    at = begins[0] * room.frame if chains.columns else 0
    for column in range(chains.columns):
        x[column] = at
        at += widths[column] + ends[column] * room.frame + room.beside_box
        first_track[column] = at
        used = [
            track for (between, _, _), turns in on_track.items() if between == column for track, _ in turns
        ]
        at += max(used, default=0) * room.between_tracks + room.beside_box
        if column + 1 < chains.columns:
            at += labels[column + 1] + begins[column + 1] * room.frame
    boxes = {
        sketch.boxes[item.box].name: Rect(
            x[item.column], heights.tops[number], widths[item.column], ports.heights[number]
        )
        for number, item in enumerate(chains.items)
        if item.box is not None
    }
    frames = {path: _frame(path, order, heights, x, widths, room) for path in order.spans}
    routes = tuple(
        _route(line, sketch, order, ports, heights, x, widths, first_track, on_track, begins, room)
        for line in range(len(sketch.lines))
    )
    return Layout(boxes, {path[-1]: rect for path, rect in frames.items()}, routes)


def _height(order: Order, ports: Ports, heights: Heights, line: int, number: int) -> tuple[int, int]:
    """Where a hop leaves at its left end, and where it arrives."""
    hop = order.chains.hops[line][number]
    return (
        heights.tops[hop.left] + ports.leaves[line, number],
        heights.tops[hop.right] + ports.arrives[line, number],
    )


def _tracks(
    order: Order, ports: Ports, heights: Heights, room: Room
) -> dict[tuple[int, int, int], tuple[Turn, ...]]:
    """The turns of all steps, by the column to their left, the line and the number of the hop."""
    between: dict[int, list[tuple[int, int]]] = {}
    for line, hops in enumerate(order.chains.hops):
        for number, hop in enumerate(hops):
            left, right = _height(order, ports, heights, line, number)
            if left != right:
                between.setdefault(order.chains.items[hop.left].column, []).append((line, number))
    found = {}
    for column, hops_here in between.items():
        steps = [_height(order, ports, heights, *hop) for hop in hops_here]
        for hop_here, turns in zip(hops_here, tracks(steps, room.between_lines), strict=True):
            found[column, *hop_here] = turns
    return found


def _label_room(sketch: Sketch, order: Order, room: Room) -> list[int]:
    """The room that the labels before each column need."""
    found = [0] * order.chains.columns
    for line, hops in zip(sketch.lines, order.chains.hops, strict=True):
        if line.width and hops:
            column = order.chains.items[hops[-1].right].column
            found[column] = max(found[column], round(line.width) + room.around_label)
    return found


def _depths(spans: dict[Path, tuple[int, int]], columns: int) -> tuple[list[int], list[int]]:
    """How many frames, one in the other, begin before each column and end behind it."""
    begins, ends = [0] * columns, [0] * columns
    for path in spans:
        inner = [spans[path[:depth]] for depth in range(1, len(path) + 1)]
        first, last = spans[path]
        begins[first] = max(begins[first], sum(low == first for low, _ in inner))
        ends[last] = max(ends[last], sum(high == last for _, high in inner))
    return begins, ends


def _frame(
    path: Path, order: Order, heights: Heights, x: Sequence[int], widths: Sequence[int], room: Room
) -> Rect:
    """A frame stands around its columns, and around the frames in it that reach as far."""
    first, last = order.spans[path]
    deeper = [
        [(order.spans[other[:depth]]) for depth in range(len(path), len(other) + 1)]
        for other in order.spans
        if other[: len(path)] == path
    ]
    left = max(sum(low == first for low, _ in chain) for chain in deeper)
    right = max(sum(high == last for _, high in chain) for chain in deeper)
    top, height = heights.frames[path]
    start = x[first] - left * room.frame
    return Rect(start, top, x[last] + widths[last] + right * room.frame - start, height)


def _route(
    line: int,
    sketch: Sketch,
    order: Order,
    ports: Ports,
    heights: Heights,
    x: Sequence[int],
    widths: Sequence[int],
    first_track: Sequence[int],
    on_track: dict[tuple[int, int, int], tuple[Turn, ...]],
    begins: Sequence[int],
    room: Room,
) -> Route:
    chains, wanted = order.chains, sketch.lines[line]
    points: list[Point] = []
    column = 0
    for number, hop in enumerate(chains.hops[line]):
        column = chains.items[hop.left].column
        left, right = _height(order, ports, heights, line, number)
        if not number:
            points.append((x[column] + widths[column], left))
        height: float = left
        for track, to_height in on_track.get((column, line, number), ()):
            across = first_track[column] + track * room.between_tracks
            points += [(across, height), (across, to_height)]
            height = to_height
        if number == len(chains.hops[line]) - 1:
            points.append((x[column + 1], right))
    label = None
    if wanted.width:
        end = x[column + 1] - begins[column + 1] * room.frame - 2 * room.around_label // 3
        label = Rect(end - wanted.width, points[-1][1] - wanted.height / 2, wanted.width, wanted.height)
    if line in chains.turned:
        points.reverse()
    return Route(wanted.source, wanted.target, tuple(points), label)
