"""Where along the side of a box does each line end? In the order of the other ends, so that lines do not cross at
the box.

Heights are measured from the top of an item; a box is as high as its lines need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from toscale.architecture.crossings import Order
from toscale.architecture.geometry import Box, Room

__all__ = ["Ports", "ported"]


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
