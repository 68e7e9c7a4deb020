"""Which way does a line go between boxes that stand anywhere? The shortest with few bends and crossings, along the
edges of the boxes and between them, never through one.

A* (Hart, Nilsson and Raphael 1968) on the grid of the interesting heights and columns: those beside the boxes, and
those at which lines end. Lines that are laid already are crossed at a price, and shared at a high one.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from toscale.architecture.geometry import Point, Rect

__all__ = ["Maze"]

BEND = 30.0
CROSSING = 25.0
SHARING = 90.0
"""What a bend, a crossed line and a stretch of a shared one cost, in pixels of way."""

MOST_STEPS = 60_000
"""So many places are looked at for one line; beyond, it is drawn straight."""

_Place = tuple[int, int]


class Maze:
    """The grid between boxes, with the lines that are laid. `room` is what lines keep from boxes, `track` from
    each other.
    """

    def __init__(self, boxes: Sequence[Rect], ends: Iterable[Point], room: float, track: float) -> None:
        xs: set[float] = set()
        ys: set[float] = set()
        for box in boxes:
            for lane in (0, 1):
                away = room + lane * track
                xs.update((box.x - away, box.right + away))
                ys.update((box.y - away, box.bottom + away))
        ends = list(ends)
        xs.update(x for x, _ in ends)
        ys.update(y for _, y in ends)
        self.xs, self.ys = sorted(xs), sorted(ys)
        self.blocked = [self._covered(boxes, share * room) for share in (0.97, 0.3)]
        self.along: dict[_Place, int] = {}  # lines that go on to the right from a place
        self.down: dict[_Place, int] = {}  # lines that go on downwards

    def _covered(self, boxes: Sequence[Rect], room: float) -> set[_Place]:
        return {
            (i, j)
            for box in boxes
            for i in range(bisect_left(self.xs, box.x - room), bisect_right(self.xs, box.right + room))
            for j in range(bisect_left(self.ys, box.y - room), bisect_right(self.ys, box.bottom + room))
        }

    def way(self, start: Point, end: Point) -> list[Point] | None:
        """The corners of a way between two ends of the grid, which is laid at once: with all the room that
        lines want, else with less; None if there is none.
        """
        return self._way(start, end, self.blocked[0]) or self._way(start, end, self.blocked[1])

    def _way(self, start: Point, end: Point, blocked: set[_Place]) -> list[Point] | None:
        first, last = self._place(start), self._place(end)
        queue: list[tuple[float, float, _Place, bool]] = [(0.0, 0.0, first, True)]
        cost: dict[tuple[_Place, bool], float] = {(first, True): 0.0}
        before: dict[tuple[_Place, bool], tuple[_Place, bool]] = {}
        for _ in range(MOST_STEPS):
            if not queue:
                return None
            _, spent, place, level = heapq.heappop(queue)
            if spent > cost[place, level]:
                continue
            if place == last:
                return self._laid(before, (place, level))
            for reached, is_level, more in self._steps(place, level, (first, last), blocked):
                total = spent + more
                if total < cost.get((reached, is_level), float("inf")):
                    cost[reached, is_level] = total
                    before[reached, is_level] = place, level
                    heapq.heappush(queue, (total + self._least(reached, last), total, reached, is_level))
        return None

    def _place(self, point: Point) -> _Place:
        return bisect_left(self.xs, point[0]), bisect_left(self.ys, point[1])

    def _least(self, place: _Place, last: _Place) -> float:
        across, down = self.xs[place[0]] - self.xs[last[0]], self.ys[place[1]] - self.ys[last[1]]
        return abs(across) + abs(down)

    def _steps(
        self, place: _Place, level: bool, ends: tuple[_Place, _Place], blocked: set[_Place]
    ) -> Iterable[tuple[_Place, bool, float]]:
        """The places beside a place, whether the way there is level, and what it costs."""
        i, j = place
        for reached, is_level in (
            ((i + 1, j), True),
            ((i - 1, j), True),
            ((i, j + 1), False),
            ((i, j - 1), False),
        ):
            if not (0 <= reached[0] < len(self.xs) and 0 <= reached[1] < len(self.ys)):
                continue
            if reached in blocked and reached not in ends:
                continue
            low = min(place, reached)
            taken = (self.along if is_level else self.down).get(low, 0)
            across, reached_low = (
                (self.down, (reached[0], reached[1] - 1))
                if is_level
                else (
                    self.along,
                    (reached[0] - 1, reached[1]),
                )
            )
            crossed = min(across.get(reached, 0), across.get(reached_low, 0))
            far = self._least(place, reached)
            yield (
                reached,
                is_level,
                far
                + BEND * ((is_level != level) + (reached == ends[1] and not is_level))
                + SHARING * taken
                + CROSSING * crossed,
            )

    def _laid(
        self, before: dict[tuple[_Place, bool], tuple[_Place, bool]], state: tuple[_Place, bool]
    ) -> list[Point]:
        places = [state[0]]
        while state in before:
            state = before[state]
            places.append(state[0])
        places.reverse()
        for one, other in pairwise(places):
            laid = self.along if one[1] == other[1] else self.down
            laid[min(one, other)] = laid.get(min(one, other), 0) + 1
        corners = [places[0]]
        for one, corner, other in zip(places, places[1:], places[2:], strict=False):
            if (one[0] == corner[0]) != (corner[0] == other[0]):
                corners.append(corner)
        corners.append(places[-1])
        return [(self.xs[i], self.ys[j]) for i, j in corners]
