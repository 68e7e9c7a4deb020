"""What is laid out, and what comes of it? Boxes and lines without a place, and a layout that gives them one.

A layout knows neither kinds nor figures, and no unit: a pixel for a picture, a character for a terminal. The x
axis goes to the right, the y axis down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Box", "Frame", "Layout", "Line", "Point", "Rect", "Room", "Route", "Sketch"]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle by its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    def meets(self, other: Rect, room: float = 0.0) -> bool:
        """Whether they overlap, or come closer than `room`; touching at room 0 is not overlapping."""
        return (
            self.x < other.right + room
            and other.x < self.right + room
            and self.y < other.bottom + room
            and other.y < self.bottom + room
        )

    def grown(self, by: float) -> Rect:
        """The rectangle with a margin around it."""
        return Rect(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def moved(self, right: float, down: float) -> Rect:
        """The rectangle elsewhere."""
        return Rect(self.x + right, self.y + down, self.width, self.height)

    def around(self, other: Rect) -> Rect:
        """The smallest rectangle that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)


@dataclass(frozen=True, slots=True)
class Box:
    """A box to be placed: the size that its texts need, and the frames that it stands in, from the outermost
    on. `first`: it stands in the first column, if nothing calls it.
    """

    name: str
    width: float
    height: float
    groups: tuple[str, ...] = ()
    first: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame around boxes, with the room that its label needs."""

    key: str
    width: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line to be drawn from one box to another, with the size of its label (0: none)."""

    source: str
    target: str
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True, slots=True)
class Room:
    """How far things stay apart; in whole numbers, so that a layout in characters falls on characters."""

    between_boxes: int  # one below the other
    between_lines: int  # ends of lines at a box, and lines that pass each other
    beside_line: int  # between a box and a line that passes above or below it
    between_tracks: int  # the upright parts of lines side by side
    beside_box: int  # between a box and the nearest upright part of a line
    around_label: (
        int  # free beside a label, a third of it before the label, the rest for the head of the line
    )
    frame: int  # between a frame and what is in it
    frame_label: int  # the height of a frame's label
    corner: float  # no line ends closer to the corner of a box


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is to be laid out. `placed`: where the upper left corners of some boxes must be."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    frames: Mapping[str, Frame] = field(default_factory=dict)
    placed: Mapping[str, Point] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A line as it is drawn: its corners from source to target, and where its label stands."""

    source: str
    target: str
    points: tuple[Point, ...]
    label: Rect | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is: boxes by name, frames by key, and the lines in the order of the sketch."""

    boxes: Mapping[str, Rect]
    frames: Mapping[str, Rect]
    routes: tuple[Route, ...]

    @property
    def bounds(self) -> Rect:
        """The smallest rectangle that holds everything."""
        rects = [*self.boxes.values(), *self.frames.values()]
        rects += [route.label for route in self.routes if route.label is not None]
        rects += [Rect(x, y, 0.0, 0.0) for route in self.routes for x, y in route.points]
        found = rects[0] if rects else Rect(0.0, 0.0, 0.0, 0.0)
        for rect in rects[1:]:
            found = found.around(rect)
        return found
