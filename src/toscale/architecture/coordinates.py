"""How far down does everything stand? Near its neighbours, with lines as straight as may be.

Frames are laid out from the innermost on, and are rigid blocks for what stands around them. The points of a line
that passes several columns are one block too, so that it is straight there. Within a frame, the squared
distances along the lines are made small under the constraint that nothing comes too close (`separation`); then
everything moves, one after the other, to where the most lines of its own are straight. All places are whole
numbers. The last step does what Brandes and Koepf (2002) aim at, alignment with a neighbour, by local search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from toscale.architecture.chains import Hop, Path
from toscale.architecture.crossings import Child, Order
from toscale.architecture.geometry import Room
from toscale.architecture.ports import Ports
from toscale.architecture.separation import Apart, separated, topological

__all__ = ["Heights", "placed"]

ROUNDS = 14
POLISHES = 6
BEND = 40.0
"""A line that is not straight costs as much as this distance."""

STIFF = {0: 1.0, 1: 2.0, 2: 8.0}
"""The weight of a hop by how many of its ends are points of a line (Gansner et al. 1993)."""


@dataclass(frozen=True, slots=True)
class Heights:
    """The tops of all items, and of the frames with their heights."""

    tops: tuple[int, ...]
    frames: Mapping[Path, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Unit:
    """What moves as one: items with how far they stand below its top."""

    items: tuple[tuple[int, int], ...]
    frame: Path | None
    height: int


@dataclass(frozen=True, slots=True)
class _Pull:
    """A hop between two units: both ends at one height would be `one + at_one == other + at_other`."""

    one: int
    at_one: int
    other: int
    at_other: int
    weight: float


def placed(order: Order, ports: Ports, room: Room) -> Heights:
    """The places of all items and frames, from 0 at the top."""
    inside: dict[Path, _Unit] = {}
    frames: dict[Path, dict[Path, int]] = {}
    for path in sorted([(), *order.spans], key=lambda one: -len(one)):
        units = _units(order, path, ports, inside, _straight(order, path))
        apart = _apart(order, path, units, room)
        if topological(len(units), apart) is None:
            # A frame stands between two parts of what was to be one straight line: no line of this frame is then.
            units = _units(order, path, ports, inside, {})
            apart = _apart(order, path, units, room)
        tops = _solved(order, units, apart, ports)
        above, below = (room.frame + room.frame_label, room.frame) if path else (0, 0)
        highest = min(tops, default=0) - above
        inside[path] = _Unit(
            tuple(
                (item, top - highest + down)
                for unit, top in zip(units, tops, strict=True)
                for item, down in unit.items
            ),
            path,
            max((top - highest + unit.height for unit, top in zip(units, tops, strict=True)), default=0)
            + below,
        )
        frames[path] = {}
        for unit, top in zip(units, tops, strict=True):
            if unit.frame is not None:
                frames[path][unit.frame] = top - highest
                for inner, down in frames[unit.frame].items():
                    frames[path][inner] = top - highest + down
    found = dict(inside[()].items)
    return Heights(
        tuple(found[item] for item in range(len(order.chains.items))),
        {path: (top, inside[path].height) for path, top in frames[()].items()},
    )


# ---- what moves as one


def _units(
    order: Order, path: Path, ports: Ports, inside: Mapping[Path, _Unit], straight: Mapping[int, int]
) -> list[_Unit]:
    """The frames in a frame, the boxes, and the straight parts of lines."""
    units = [inside[frame] for frame in order.spans if frame[:-1] == path]
    seen: set[int] = set()
    for item, one in enumerate(order.chains.items):
        if one.path != path or item in seen:
            continue
        if one.box is not None:
            units.append(_Unit(((item, 0),), None, ports.heights[item]))
            continue
        run = [item]
        while run[-1] in straight:
            run.append(straight[run[-1]])
        seen.update(run)
        units.append(_Unit(tuple((point, 0) for point in run), None, 0))
    return units


def _straight(order: Order, path: Path) -> dict[int, int]:
    """For points of lines the next point of the same line, where both may stand at one height: of two such
    hops that cross only one is straight.
    """
    items, place = order.chains.items, order.places()
    found: dict[int, int] = {}
    kept: dict[int, list[Hop]] = {}
    for hops in order.chains.hops:
        for hop in hops:
            left, right = items[hop.left], items[hop.right]
            if left.box is not None or right.box is not None or left.path != path or right.path != path:
                continue
            others = kept.setdefault(left.column, [])
            if all(
                (place[hop.left] < place[other.left]) == (place[hop.right] < place[other.right])
                for other in others
            ):
                others.append(hop)
                found[hop.left] = hop.right
    return found


def _apart(order: Order, path: Path, units: Sequence[_Unit], room: Room) -> list[tuple[int, int, int]]:
    """Which unit must stand how far below which: neighbours in a column keep their distance."""
    of_child: dict[Child, int] = {}
    for number, unit in enumerate(units):
        if unit.frame is not None:
            of_child[unit.frame] = number
        else:
            for item, _ in unit.items:
                of_child[item] = number
    items = order.chains.items

    def is_point(child: Child) -> bool:
        return isinstance(child, int) and items[child].box is None

    found: dict[tuple[int, int], int] = {}
    for (inner, _), held in order.children.items():
        if inner != path:
            continue
        for upper, lower in pairwise(held):
            one, other = of_child[upper], of_child[lower]
            if is_point(upper) and is_point(lower):
                distance = room.between_lines
            elif is_point(upper) or is_point(lower):
                distance = room.beside_line
            else:
                distance = room.between_boxes
            distance += units[one].height
            found[one, other] = max(found.get((one, other), 0), distance)
    return [(one, other, distance) for (one, other), distance in found.items()]


def _pulls(order: Order, units: Sequence[_Unit], ports: Ports) -> list[_Pull]:
    """The hops between units of a frame."""
    unit_of = {item: (number, down) for number, unit in enumerate(units) for item, down in unit.items}
    found = []
    for line, hops in enumerate(order.chains.hops):
        for number, hop in enumerate(hops):
            if hop.left not in unit_of or hop.right not in unit_of:
                continue
            (one, down), (other, other_down) = unit_of[hop.left], unit_of[hop.right]
            if one != other:
                points = sum(order.chains.items[end].box is None for end in (hop.left, hop.right))
                found.append(
                    _Pull(
                        one,
                        down + ports.leaves[line, number],
                        other,
                        other_down + ports.arrives[line, number],
                        STIFF[points],
                    )
                )
    return found


# ---- places within a frame


def _solved(order: Order, units: Sequence[_Unit], apart: Sequence[Apart], ports: Ports) -> list[int]:
    """The tops of the units."""
    sequence = topological(len(units), apart)
    if sequence is None:
        raise AssertionError("frames stand in one order in all columns, and so do all things within one")
    pulls = _pulls(order, units, ports)
    tops = [0.0] * len(units)
    behind: list[list[tuple[int, float]]] = [[] for _ in units]
    for first, second, distance in apart:
        behind[first].append((second, distance))
    for one in sequence:
        for second, distance in behind[one]:
            tops[second] = max(tops[second], tops[one] + distance)
    weights = [1.0] * len(units)
    for pull in pulls:
        weights[pull.one] += pull.weight
        weights[pull.other] += pull.weight
    for _ in range(ROUNDS):
        tops = separated(_wishes(tops, pulls), weights, apart, sequence)
    # All distances are whole numbers: rounding all places the same way keeps them.
    return _Polish([math.floor(top + 0.5) for top in tops], pulls, apart).polish()


def _wishes(tops: Sequence[float], pulls: Sequence[_Pull]) -> list[float]:
    """Half of the way from where everything is to where its neighbours are on average."""
    total, weight = [0.0] * len(tops), [0.0] * len(tops)
    for pull in pulls:
        total[pull.one] += pull.weight * (tops[pull.other] + pull.at_other - pull.at_one)
        total[pull.other] += pull.weight * (tops[pull.one] + pull.at_one - pull.at_other)
        weight[pull.one] += pull.weight
        weight[pull.other] += pull.weight
    return [(top + total[one] / weight[one]) / 2 if weight[one] else top for one, top in enumerate(tops)]


class _Polish:
    """Moves one thing after the other, or several that straight lines join, within the room that their
    neighbours leave, to where the lines are straightest.
    """

    def __init__(self, tops: list[int], pulls: Sequence[_Pull], apart: Sequence[Apart]) -> None:
        self.tops = tops
        self.above: list[list[tuple[int, float]]] = [[] for _ in tops]
        self.below: list[list[tuple[int, float]]] = [[] for _ in tops]
        for first, second, distance in apart:
            self.above[second].append((first, distance))
            self.below[first].append((second, distance))
        self.ends: list[list[tuple[int, int, float]]] = [[] for _ in tops]
        for pull in pulls:
            self.ends[pull.one].append((pull.other, pull.at_other - pull.at_one, pull.weight))
            self.ends[pull.other].append((pull.one, pull.at_one - pull.at_other, pull.weight))

    def polish(self) -> list[int]:
        sequence = sorted(range(len(self.tops)), key=lambda one: (len(self.ends[one]), one))
        for turn in range(POLISHES):
            moved = [self._move(one) for one in (sequence if turn % 2 == 0 else reversed(sequence))]
            moved += [self._move_together(one) for one in sequence]
            if not any(moved):
                break
        return self.tops

    def _cost(self, one: int, top: float, still: frozenset[int] = frozenset()) -> float:
        """What the lines of a thing cost if it stood there; those to things that move along do not count."""
        total = 0.0
        for other, shift, weight in self.ends[one]:
            if other not in still:
                distance = abs(self.tops[other] + shift - top)
                total += weight * (distance + (BEND if distance else 0.0))
        return total

    def _move(self, one: int) -> bool:
        if not self.ends[one]:
            return False
        least = max((self.tops[first] + distance for first, distance in self.above[one]), default=-math.inf)
        most = min((self.tops[second] - distance for second, distance in self.below[one]), default=math.inf)
        wanted = {min(max(self.tops[other] + shift, least), most) for other, shift, _ in self.ends[one]}
        best = min(sorted(wanted), key=lambda top: self._cost(one, top))
        if self._cost(one, best) >= self._cost(one, self.tops[one]):
            return False
        self.tops[one] = int(best)
        return True

    def _move_together(self, one: int) -> bool:
        """Makes a line of a thing straight by moving all that straight lines join to it."""
        together = frozenset(self._joined(one))
        if len(together) == 1:
            return False
        for other, shift, _ in self.ends[one]:
            by = self.tops[other] + shift - self.tops[one]
            if other in together or not by or not self._is_free(together, by):
                continue
            now = sum(self._cost(each, self.tops[each], together) for each in together)
            then = sum(self._cost(each, self.tops[each] + by, together) for each in together)
            if then < now:
                for each in together:
                    self.tops[each] += by
                return True
        return False

    def _joined(self, one: int) -> list[int]:
        found, seen = [one], {one}
        for each in found:
            for other, shift, _ in self.ends[each]:
                if other not in seen and self.tops[other] + shift == self.tops[each]:
                    seen.add(other)
                    found.append(other)
        return found

    def _is_free(self, together: frozenset[int], by: int) -> bool:
        return all(
            first in together or self.tops[first] + distance <= self.tops[each] + by
            for each in together
            for first, distance in self.above[each]
        ) and all(
            second in together or self.tops[each] + by + distance <= self.tops[second]
            for each in together
            for second, distance in self.below[each]
        )
