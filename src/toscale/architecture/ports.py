"""Where along the side of a box does each line end? In the order of the other ends, so that lines do not cross at
the box.

Heights are measured from the top of an item; a box is as high as its lines need. Once all boxes have their places,
the ends at a side move together, where that makes more of their lines straight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from toscale.architecture.crossings import Order
from toscale.architecture.geometry import Box, Room

__all__ = ["Ports", "ported", "straightened"]


KEPT = 0.6
"""Ends that move stay this part of the usual distance from the corners of a box."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The heights of all items, and for each hop (by line and number) where it leaves and where it arrives."""

    heights: tuple[int, ...]
    leaves: dict[tuple[int, int], int]
    arrives: dict[tuple[int, int], int]


def ported(order: Order, boxes: Sequence[Box], room: Room) -> Ports:
    """The ends of all hops at their items."""
    chains, place = order.chains, order.places()
    right: list[list[tuple[int, int, int]]] = [[] for _ in chains.items]
    left: list[list[tuple[int, int, int]]] = [[] for _ in chains.items]
    for line, hops in enumerate(chains.hops):
        for number, hop in enumerate(hops):
            right[hop.left].append((place[hop.right], line, number))
            left[hop.right].append((place[hop.left], line, number))
    heights = []
    leaves: dict[tuple[int, int], int] = {}
    arrives: dict[tuple[int, int], int] = {}
    for item, one in enumerate(chains.items):
        if one.box is None:
            height = 0
        else:
            most = max(len(left[item]), len(right[item]), 1)
            needed = (most - 1) * room.between_lines + 2 * room.corner
            height = math.ceil(max(boxes[one.box].height, needed))
        heights.append(height)
        for ends, into in ((right[item], leaves), (left[item], arrives)):
            first = max(0, height - 1 - (len(ends) - 1) * room.between_lines) // 2
            for slot, (_, line, number) in enumerate(sorted(ends)):
                into[line, number] = first + slot * room.between_lines
    return Ports(tuple(heights), leaves, arrives)


def straightened(order: Order, ports: Ports, tops: Sequence[int], room: Room) -> Ports:
    """The ends moved a little along the sides of their boxes, to make lines straight. `tops`: of all items."""
    chains = order.chains
    leaves, arrives = dict(ports.leaves), dict(ports.arrives)
    sides: dict[tuple[int, bool], list[tuple[int, int]]] = {}
    for line, hops in enumerate(chains.hops):
        for number, hop in enumerate(hops):
            sides.setdefault((hop.right, False), []).append((line, number))
            sides.setdefault((hop.left, True), []).append((line, number))
    least = KEPT * room.corner
    for (item, is_right), here in sides.items():
        if chains.items[item].box is None:
            continue
        mine = leaves if is_right else arrives
        most = ports.heights[item] - 1 - least
        missing = [_missing(order, leaves, arrives, tops, end) * (1 if is_right else -1) for end in here]
        low, high = min(mine[end] for end in here), max(mine[end] for end in here)
        fitting = [by for by in missing if by and low + by >= least and high + by <= most]
        best = max(fitting, key=lambda by: (missing.count(by), -abs(by)), default=0)
        if missing.count(best) > missing.count(0):
            for end in here:
                mine[end] += best
    return Ports(ports.heights, leaves, arrives)


def _missing(
    order: Order,
    leaves: dict[tuple[int, int], int],
    arrives: dict[tuple[int, int], int],
    tops: Sequence[int],
    at: tuple[int, int],
) -> int:
    """How much further down a hop arrives than it leaves."""
    hop = order.chains.hops[at[0]][at[1]]
    return tops[hop.right] + arrives[at] - tops[hop.left] - leaves[at]
