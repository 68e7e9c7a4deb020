"""How is a design laid out when the file says where some boxes stand? They stand there, exactly; the others stand
where the automatic layout would have them, moved along, or at the nearest free place.

Lines go around the boxes (`maze`). Where boxes are placed so close that no line fits between them, or on each
other, that is how they are drawn: the file has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from toscale.architecture.geometry import Layout, Line, Point, Rect, Room, Route, Sketch
from toscale.architecture.maze import Maze

__all__ = ["laid_around"]

RINGS = 60
"""So many rings of places are tried around the place that a box would have."""

CLEAR, STEP = 12.0, 8.0
"""How far a label stays from the corners of its line, and how far the places are apart that are tried for it."""


def laid_around(sketch: Sketch, automatic: Layout, room: Room) -> Layout:
    """The layout with the boxes of `sketch.placed` in their places. `automatic` is the one without places."""
    boxes = _boxes(sketch, automatic, room)
    frames: dict[str, Rect] = {}
    for box in sketch.boxes:
        for depth, key in enumerate(reversed(box.groups)):
            rect = boxes[box.name].grown((depth + 1) * room.frame)
            labelled = Rect(rect.x, rect.y - room.frame_label, rect.width, rect.height + room.frame_label)
            frames[key] = frames[key].around(labelled) if key in frames else labelled
    ends = _ends(sketch.lines, boxes, room)
    maze = Maze(
        list(boxes.values()),
        [point for pair in ends for point in pair],
        room.beside_box,
        room.between_tracks,
    )
    order = sorted(range(len(ends)), key=lambda line: _far(*ends[line]))
    ways = {line: maze.way(*ends[line]) or list(ends[line]) for line in order}
    labels = _labels(sketch.lines, ways, boxes)
    routes = tuple(
        Route(
            line.source, line.target, tuple(_joined(ends[place], ways[place], boxes, line)), labels.get(place)
        )
        for place, line in enumerate(sketch.lines)
    )
    return Layout(boxes, frames, routes)


def _far(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


# ---- boxes


def _boxes(sketch: Sketch, automatic: Layout, room: Room) -> dict[str, Rect]:
    found = {
        name: Rect(x, y, automatic.boxes[name].width, automatic.boxes[name].height)
        for name, (x, y) in sketch.placed.items()
    }
    shift_x = median(rect.x - automatic.boxes[name].x for name, rect in found.items())
    shift_y = median(rect.y - automatic.boxes[name].y for name, rect in found.items())
    for box in sketch.boxes:
        if box.name not in found:
            rect = automatic.boxes[box.name]
            wanted = Rect(rect.x + shift_x, rect.y + shift_y, rect.width, rect.height)
            found[box.name] = _free(wanted, list(found.values()), room)
    return {box.name: found[box.name] for box in sketch.boxes}


def _free(wanted: Rect, taken: Sequence[Rect], room: Room) -> Rect:
    """The nearest place that keeps its distance."""
    across, down = 3 * room.beside_box, room.between_boxes
    for dx, dy in _around():
        rect = Rect(wanted.x + dx * across, wanted.y + dy * down, wanted.width, wanted.height)
        if not any(
            rect.meets(Rect(o.x - across, o.y - down, o.width + 2 * across, o.height + 2 * down))
            for o in taken
        ):
            return rect
    below = max(other.bottom for other in taken)
    return Rect(wanted.x, below + down, wanted.width, wanted.height)


def _around() -> Iterator[tuple[int, int]]:
    """Steps on a grid, the nearest first; down before up, and right before left."""
    for ring in range(RINGS):
        edge = [
            (dx, dy)
            for dx in range(-ring, ring + 1)
            for dy in range(-ring, ring + 1)
            if max(abs(dx), abs(dy)) == ring
        ]
        yield from sorted(edge, key=lambda step: (abs(step[0]) + abs(step[1]), -step[1], -step[0]))


# ---- lines


def _ends(lines: Sequence[Line], boxes: Mapping[str, Rect], room: Room) -> list[tuple[Point, Point]]:
    """Where each line leaves its source and reaches its target, at some distance from the box: at the sides that
    face each other, in the order of the other ends.
    """
    sides: dict[tuple[str, bool], list[tuple[float, int, bool]]] = {}
    for place, line in enumerate(lines):
        source, target = boxes[line.source], boxes[line.target]
        right = target.x >= source.right or not target.right <= source.x
        into_right = not (target.x >= source.right)
        sides.setdefault((line.source, right), []).append((target.middle[1], place, True))
        sides.setdefault((line.target, into_right), []).append((source.middle[1], place, False))
    found: dict[tuple[int, bool], Point] = {}
    for (name, is_right), here in sides.items():
        rect = boxes[name]
        between = min(room.between_lines, (rect.height - 2 * room.corner) / max(1, len(here) - 1))
        first = rect.y + (rect.height - (len(here) - 1) * between) / 2
        for slot, (_, place, leaves) in enumerate(sorted(here)):
            y = round(first + slot * between)
            away = _room_beside(rect, y, is_right, boxes.values(), room)
            found[place, leaves] = (rect.right + away if is_right else rect.x - away), y
    return [(found[place, True], found[place, False]) for place in range(len(lines))]


def _room_beside(rect: Rect, y: float, is_right: bool, boxes: Iterable[Rect], room: Room) -> float:
    """How far a line leads straight away from a box: half of the way to the next box, at most."""
    gaps = [
        other.x - rect.right if is_right else rect.x - other.right
        for other in boxes
        if other.y - room.between_lines / 2 < y < other.bottom + room.between_lines / 2
    ]
    return min([room.beside_box, *(gap / 2 for gap in gaps if gap > 0)])


def _joined(
    ends: tuple[Point, Point], way: list[Point], boxes: Mapping[str, Rect], line: Line
) -> list[Point]:
    """The way with the level pieces that lead to the boxes."""
    return [_beside(ends[0], boxes[line.source]), *way, _beside(ends[1], boxes[line.target])]


def _beside(end: Point, rect: Rect) -> Point:
    return (rect.right if end[0] > rect.right else rect.x), end[1]


# ---- labels


def _labels(
    lines: Sequence[Line], ways: Mapping[int, list[Point]], boxes: Mapping[str, Rect]
) -> dict[int, Rect]:
    """A place on its line for each label, where it meets no box, no label and no other line; a label that
    finds none is left to the title of its line.
    """
    taken = [rect.grown(2) for rect in boxes.values()]
    parts = {place: [_part(one, other) for one, other in pairwise(way)] for place, way in ways.items()}
    found: dict[int, Rect] = {}
    for place, line in enumerate(lines):
        if not line.width:
            continue
        foreign = [part for other, of_other in parts.items() if other != place for part in of_other]
        for rect in _candidates(ways[place], line):
            if not any(rect.meets(other) for other in taken) and not any(
                rect.meets(part) for part in foreign
            ):
                found[place] = rect
                taken.append(rect.grown(2))
                break
    return found


def _part(one: Point, other: Point) -> Rect:
    x, y = min(one[0], other[0]), min(one[1], other[1])
    return Rect(x - 1, y - 1, abs(one[0] - other[0]) + 2, abs(one[1] - other[1]) + 2)


def _candidates(way: Sequence[Point], line: Line) -> Iterator[Rect]:
    """Places along the line, from its end on, clear of corners and heads; level parts first, which a text can
    lie on.
    """
    parts = list(pairwise(way))[::-1]
    for (x, y), (to_x, to_y) in sorted(parts, key=lambda part: part[0][1] != part[1][1]):
        far = abs(to_x - x) + abs(to_y - y)
        clear = CLEAR + (line.width if y == to_y else line.height) / 2
        steps = int((far - 2 * clear) // STEP)
        for step in range(steps + 1):
            share = (clear + step * STEP) / far if far else 0.5
            middle = (to_x + (x - to_x) * share, to_y + (y - to_y) * share)
            yield Rect(middle[0] - line.width / 2, middle[1] - line.height / 2, line.width, line.height)
