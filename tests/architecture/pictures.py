"""What is really drawn? The shapes of a picture, read back from its SVG, and what lies on what.

Paths are followed as a renderer would, arcs and curves in small straight pieces; texts are as wide as the table of
Arial's letters says.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

from toscale.architecture.geometry import Rect
from toscale.architecture.metrics import width

SVG = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]

_TOKEN = re.compile(r"[MLHVAQSCZl]|-?\d+(?:\.\d+)?")


def followed(path: str) -> list[list[Point]]:
    """The points of each stroke of a path."""
    tokens = _TOKEN.findall(path)
    strokes: list[list[Point]] = []
    at, command = 0, ""

    def take(count: int) -> list[float]:
        nonlocal at
        found = [float(token) for token in tokens[at : at + count]]
        at += count
        return found

    while at < len(tokens):
        if tokens[at].isalpha():
            command = tokens[at]
            at += 1
            if command == "Z":
                strokes[-1].append(strokes[-1][0])
                continue
        here = strokes[-1][-1] if strokes else (0.0, 0.0)
        match command:
            case "M":
                x, y = take(2)
                strokes.append([(x, y)])
            case "L":
                x, y = take(2)
                strokes[-1].append((x, y))
            case "l":
                x, y = take(2)
                strokes[-1].append((here[0] + x, here[1] + y))
            case "H":
                strokes[-1].append((take(1)[0], here[1]))
            case "V":
                strokes[-1].append((here[0], take(1)[0]))
            case "Q":
                bx, by, x, y = take(4)
                for step in range(1, 9):
                    t = step / 8
                    strokes[-1].append(
                        (
                            (1 - t) ** 2 * here[0] + 2 * t * (1 - t) * bx + t * t * x,
                            (1 - t) ** 2 * here[1] + 2 * t * (1 - t) * by + t * t * y,
                        )
                    )
            case "A":
                rx, ry, _, large, sweep, x, y = take(7)
                strokes[-1] += _arc(here, rx, ry, bool(large), bool(sweep), (x, y))
            case _:
                raise AssertionError(f"a path of a drawing has {command}")
    return strokes


def _arc(start: Point, rx: float, ry: float, large: bool, sweep: bool, end: Point) -> list[Point]:
    """Points of an arc whose axes are level (SVG 1.1, appendix F.6)."""
    half = ((start[0] - end[0]) / 2, (start[1] - end[1]) / 2)
    over = (half[0] / rx) ** 2 + (half[1] / ry) ** 2
    if over > 1:
        rx, ry = rx * math.sqrt(over), ry * math.sqrt(over)
    spare = (rx * ry) ** 2 - (rx * half[1]) ** 2 - (ry * half[0]) ** 2
    factor = math.sqrt(max(0.0, spare / ((rx * half[1]) ** 2 + (ry * half[0]) ** 2)))
    factor *= -1 if large == sweep else 1
    turned = (factor * rx * half[1] / ry, -factor * ry * half[0] / rx)
    centre = (turned[0] + (start[0] + end[0]) / 2, turned[1] + (start[1] + end[1]) / 2)
    first = math.atan2((half[1] - turned[1]) / ry, (half[0] - turned[0]) / rx)
    last = math.atan2((-half[1] - turned[1]) / ry, (-half[0] - turned[0]) / rx)
    if sweep and last < first:
        last += 2 * math.pi
    if not sweep and last > first:
        last -= 2 * math.pi
    angles = [first + (last - first) * step / 24 for step in range(1, 25)]
    return [(centre[0] + rx * math.cos(a), centre[1] + ry * math.sin(a)) for a in angles]


def around(points: list[Point]) -> Rect:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Rect(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


@dataclass
class Edge:
    source: str
    target: str
    points: list[Point]
    heads: list[Rect]
    pieces: list[Rect] = field(init=False)  # straight, without a width; those of round corners are small
    whole: Rect = field(init=False)

    def __post_init__(self) -> None:
        self.pieces = [around([one, other]) for one, other in pairwise(self.points)]
        self.whole = around(self.points)

    def meets(self, rect: Rect) -> bool:
        return self.whole.meets(rect) and any(piece.meets(rect) for piece in self.pieces)

    @property
    def tip(self) -> Point:
        return self.points[-1]


@dataclass
class Picture:
    """The shapes of a drawing, by what they are."""

    root: ET.Element
    paper: Rect
    boxes: dict[str, Rect] = field(default_factory=dict)
    outlines: dict[str, list[Point]] = field(default_factory=dict)
    inner: dict[str, list[Rect]] = field(default_factory=dict)  # texts and bars in boxes
    edges: list[Edge] = field(default_factory=list)
    labels: list[Rect] = field(default_factory=list)
    label_texts: list[Rect] = field(default_factory=list)
    frames: dict[str, Rect] = field(default_factory=dict)
    frame_texts: list[Rect] = field(default_factory=list)


def read(svg: str) -> Picture:
    root = ET.fromstring(svg)
    picture = Picture(root, Rect(*map(float, root.attrib["viewBox"].split())))
    for group in root.iter(f"{SVG}g"):
        kind = group.attrib["class"].split()[0].removeprefix("ts-")
        texts = [_text(one) for one in group.iter(f"{SVG}text")]
        rects = {one.attrib["class"]: _rect(one) for one in group.iter(f"{SVG}rect")}
        if kind == "node":
            outlines = [
                followed(one.attrib["d"])
                for one in group.iter(f"{SVG}path")
                if "ts-outline" in one.attrib["class"].split()
            ]
            points = [point for strokes in outlines for stroke in strokes for point in stroke]
            name = group.attrib["data-node"]
            picture.boxes[name] = around(points)
            picture.outlines[name] = outlines[-1][0]
            picture.inner[name] = texts + list(rects.values())
        elif kind == "edge":
            lines = [one for one in group.iter(f"{SVG}path") if "ts-line" in one.attrib["class"].split()]
            heads = [one for one in group.iter(f"{SVG}path") if "ts-head" in one.attrib["class"].split()]
            points = followed(lines[0].attrib["d"])[0]
            corners = [followed(one.attrib["d"])[0] for one in heads]
            if corners:
                points = [*points, corners[0][0]]
            picture.edges.append(
                Edge(
                    group.attrib["data-from"],
                    group.attrib["data-to"],
                    points,
                    [around(one) for one in corners],
                )
            )
        elif kind == "label":
            picture.labels += rects.values()
            picture.label_texts += texts
        elif kind == "group":
            picture.frames[group.attrib["data-group"]] = rects["ts-frame"]
            picture.frame_texts += texts
    return picture


def _rect(one: ET.Element) -> Rect:
    return Rect(*(float(one.attrib[key]) for key in ("x", "y", "width", "height")))


def _text(one: ET.Element) -> Rect:
    size = float(one.attrib["font-size"])
    wide = width(one.text or "", size, bold="ts-name" in one.attrib.get("class", "").split())
    x = float(one.attrib["x"]) - (wide / 2 if one.attrib.get("text-anchor") == "middle" else 0.0)
    return Rect(x, float(one.attrib["y"]) - 0.72 * size, wide, 0.94 * size)


# ---- what lies on what


def inside(inner: Rect, outer: Rect, slack: float = 0.01) -> bool:
    return (
        inner.x >= outer.x - slack
        and inner.y >= outer.y - slack
        and inner.right <= outer.right + slack
        and inner.bottom <= outer.bottom + slack
    )


def overlapping(rects: dict[str, Rect] | list[Rect], room: float = 0.0) -> list[tuple[object, object]]:
    items = list(rects.items()) if isinstance(rects, dict) else list(enumerate(rects))
    return [(a, b) for (a, one), (b, other) in combinations(items, 2) if one.meets(other, room)]


def through_boxes(picture: Picture) -> list[tuple[str, str, str]]:
    """The lines that touch a box that is not their end."""
    return [
        (edge.source, edge.target, name)
        for edge in picture.edges
        for name, box in picture.boxes.items()
        if name not in (edge.source, edge.target)
        and (edge.meets(box) or any(head.meets(box) for head in edge.heads))
    ]


def into_own_boxes(picture: Picture) -> list[tuple[str, str]]:
    """The lines that go deeper into the boxes at their ends than the outline stands back."""
    return [
        (edge.source, edge.target)
        for edge in picture.edges
        for name in (edge.source, edge.target)
        if edge.meets(picture.boxes[name].grown(-14))
    ]


def away_from_outline(picture: Picture) -> float:
    """How far the worst end of a line is from the outline of its box."""
    return max(
        (
            _to_outline(point, picture.outlines[name])
            for edge in picture.edges
            for point, name in ((edge.points[0], edge.source), (edge.tip, edge.target))
        ),
        default=0.0,
    )


def _to_outline(point: Point, outline: list[Point]) -> float:
    return min(_to_piece(point, one, other) for one, other in pairwise(outline))


def _to_piece(point: Point, one: Point, other: Point) -> float:
    across, down = other[0] - one[0], other[1] - one[1]
    whole = across**2 + down**2
    share = 0.0 if not whole else ((point[0] - one[0]) * across + (point[1] - one[1]) * down) / whole
    share = min(1.0, max(0.0, share))
    return math.dist(point, (one[0] + share * across, one[1] + share * down))


def _long(edge: Edge) -> list[tuple[Point, Point]]:
    return [
        (one, other)
        for one, other in pairwise(edge.points)
        if math.dist(one, other) > 3 and (one[0] == other[0] or one[1] == other[1])
    ]


def shared(picture: Picture) -> float:
    """The length over which two lines lie on each other."""
    total = 0.0
    for axis in (0, 1):
        parts = sorted(
            (a[axis], min(a[1 - axis], b[1 - axis]), max(a[1 - axis], b[1 - axis]), number)
            for number, edge in enumerate(picture.edges)
            for a, b in _long(edge)
            if a[axis] == b[axis]
        )
        for place, (at, low, high, number) in enumerate(parts):
            for other_at, other_low, other_high, other in parts[place + 1 :]:
                if other_at - at >= 1:
                    break
                if other != number:
                    total += max(0.0, min(high, other_high) - max(low, other_low))
    return total


def crossings(picture: Picture) -> int:
    """How often a level part of a line crosses an upright part of another."""
    level, upright = (
        [
            (number, *part)
            for number, edge in enumerate(picture.edges)
            for part in _long(edge)
            if part[0][axis] == part[1][axis]
        ]
        for axis in (1, 0)
    )
    return sum(
        min(a[0], b[0]) < c[0] < max(a[0], b[0]) and min(c[1], d[1]) < a[1] < max(c[1], d[1])
        for number, a, b in level
        for other, c, d in upright
        if number != other
    )


def bends(picture: Picture) -> float:
    """The average number of corners of a line."""
    return sum(max(0, len(_long(edge)) - 1) for edge in picture.edges) / max(1, len(picture.edges))


def steps(picture: Picture) -> list[float]:
    """How far lines go up or down, at each step."""
    found = []
    for edge in picture.edges:
        level = [a[1] for a, b in _long(edge) if a[1] == b[1]]
        found += [abs(one - other) for one, other in pairwise(level) if one != other]
    return found


def crossed_labels(picture: Picture) -> int:
    """Labels that a line other than their own passes: more than one line touches them."""
    return sum(sum(edge.meets(label) for edge in picture.edges) > 1 for label in picture.labels)
