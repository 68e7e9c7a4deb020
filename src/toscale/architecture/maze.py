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

HURRY = 1.25
"""A way may be so much longer than the best one, so that it is found sooner (weighted A*, Pohl 1970)."""

SHARES = (0.97, 0.45, 0.05)
"""The parts of the room beside boxes that lines keep free: all of it, else less, else hardly any."""


class Maze:
    """The grid between boxes, with the lines that are laid. `room` is what lines keep from boxes, `track` from
    each other.

    A place of the grid is a number: `column * rows + row`. A state is twice that, and one more where the place was
    reached on a level way.
    """

    def __init__(self, boxes: Sequence[Rect], ends: Iterable[Point], room: float, track: float) -> None:
        xs: set[float] = set()
        ys: set[float] = set()
        for box in boxes:
            for away in (room / 4, room, room + track):
                xs.update((box.x - away, box.right + away))
                ys.update((box.y - away, box.bottom + away))
        for x, y in ends:
            xs.add(x)
            ys.add(y)
        self.xs, self.ys = sorted(xs), sorted(ys)
        self.rows = len(self.ys)
        self.blocked = [self._covered(boxes, share * room) for share in SHARES]
        count = len(self.xs) * self.rows
        self.along = bytearray(count)  # lines that go on to the right from a place
        self.down = bytearray(count)  # lines that go on downwards

    def _covered(self, boxes: Sequence[Rect], room: float) -> bytearray:
        found = bytearray(len(self.xs) * self.rows)
        for box in boxes:
            top, bottom = bisect_left(self.ys, box.y - room), bisect_right(self.ys, box.bottom + room)
            for i in range(bisect_left(self.xs, box.x - room), bisect_right(self.xs, box.right + room)):
                found[i * self.rows + top : i * self.rows + bottom] = b"\x01" * (bottom - top)
        return found

    def way(self, start: Point, end: Point) -> list[Point] | None:
        """The corners of a way between two ends of the grid, which is laid at once: with all the room that
        lines want, else with less; None if there is none.
        """
        first, last = self._place(start), self._place(end)
        for blocked in self.blocked:
            places = self._found(first, last, blocked)
            if places is not None:
                return self._laid(places)
        return None

    def _place(self, point: Point) -> int:
        return bisect_left(self.xs, point[0]) * self.rows + bisect_left(self.ys, point[1])

    def _found(self, first: int, last: int, blocked: bytearray) -> list[int] | None:
        """The places of the cheapest way; both ends are level."""
        xs, ys, rows, along, down = self.xs, self.ys, self.rows, self.along, self.down
        last_x, last_y = xs[last // rows], ys[last % rows]
        begin = 2 * first + 1
        cost = {begin: 0.0}
        before: dict[int, int] = {}
        queue = [(0.0, begin)]
        done: set[int] = set()
        while queue:
            _, state = heapq.heappop(queue)
            if state in done:
                continue
            done.add(state)
            place, level = state >> 1, state & 1
            if place == last:
                return self._back(before, state)
            i, j = divmod(place, rows)
            spent = cost[state]
            for reached, way_is_level, is_there in (
                (place + rows, 1, i + 1 < len(xs)),
                (place - rows, 1, i > 0),
                (place + 1, 0, j + 1 < rows),
                (place - 1, 0, j > 0),
            ):
                if not is_there or (blocked[reached] and reached != last and reached != first):
                    continue
                after = 2 * reached + way_is_level
                if after in done:
                    continue
                x, y = xs[reached // rows], ys[reached % rows]
                low = min(place, reached)
                if way_is_level:
                    total = spent + abs(x - xs[i]) + SHARING * along[low]
                    crossed = reached % rows and min(down[reached], down[reached - 1])
                else:
                    total = spent + abs(y - ys[j]) + SHARING * down[low]
                    crossed = reached >= rows and min(along[reached], along[reached - rows])
                    if reached == last:
                        total += BEND
                total += CROSSING * crossed + BEND * (way_is_level != level)
                if total < cost.get(after, float("inf")):
                    cost[after] = total
                    before[after] = state
                    ahead = abs(x - last_x) + abs(y - last_y) + (BEND if x != last_x and y != last_y else 0.0)
                    heapq.heappush(queue, (total + HURRY * ahead, after))
        return None

    @staticmethod
    def _back(before: dict[int, int], state: int) -> list[int]:
        places = [state >> 1]
        while state in before:
            state = before[state]
            places.append(state >> 1)
        return places[::-1]

    def _laid(self, places: Sequence[int]) -> list[Point]:
        """The corners of a way, whose stretches are taken from now on."""
        for one, other in pairwise(places):
            laid = (
                self.down if abs(one - other) == 1 and one // self.rows == other // self.rows else self.along
            )
            laid[min(one, other)] = min(255, laid[min(one, other)] + 1)
        points = [(self.xs[place // self.rows], self.ys[place % self.rows]) for place in places]
        corners = points[:1]
        for one_point, corner, other_point in zip(points, points[1:], points[2:], strict=False):
            if (one_point[0] == corner[0]) != (corner[0] == other_point[0]):
                corners.append(corner)
        if len(points) > 1:
            corners.append(points[-1])
        return corners
