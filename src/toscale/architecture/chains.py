"""How does a line get past the columns between its ends? By a place of its own in each of them.

Each line becomes a chain of items from left to right, one in each column: its two boxes, and between them
points that the line passes. A point stands in the frame of an end as long as that frame reaches, so that a line
leaves a frame at its edge and no line passes through a frame that it has no business in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from toscale.architecture.geometry import Box

__all__ = ["Chains", "Hop", "Item", "Path", "chained", "spans"]

Path = tuple[str, ...]
"""The frames that something stands in, from the outermost on."""


@dataclass(frozen=True, slots=True)
class Item:
    """What takes a place in a column: a box (by its number) or a point of a line (None)."""

    column: int
    path: Path
    box: int | None


@dataclass(frozen=True, slots=True)
class Hop:
    """The part of a line between two columns: from an item to one in the next column, to its right."""

    left: int
    right: int
    line: int


@dataclass(frozen=True, slots=True)
class Chains:
    """Items (the boxes first, in their order), and the hops of each line from left to right. `turned`: lines
    whose source is at their right end.
    """

    items: tuple[Item, ...]
    hops: tuple[tuple[Hop, ...], ...]
    turned: frozenset[int]
    columns: int


def spans(items: Iterable[Item]) -> dict[Path, tuple[int, int]]:
    """The first and the last column of each frame."""
    found: dict[Path, tuple[int, int]] = {}
    for item in items:
        for depth in range(1, len(item.path) + 1):
            low, high = found.get(item.path[:depth], (item.column, item.column))
            found[item.path[:depth]] = min(low, item.column), max(high, item.column)
    return found


def chained(boxes: Sequence[Box], lines: Sequence[tuple[int, int]], columns: Sequence[int]) -> Chains:
    """The chains of lines between boxes whose columns are known; no line stays in its column."""
    items = [Item(columns[place], box.groups, place) for place, box in enumerate(boxes)]
    reach = spans(items)
    chains, turned = [], set()
    for place, (source, target) in enumerate(lines):
        left, right = source, target
        if columns[source] > columns[target]:
            left, right = target, source
            turned.add(place)
        way = [left]
        for column in range(columns[left] + 1, columns[right]):
            path = _path(boxes[left].groups, boxes[right].groups, column, reach)
            items.append(Item(column, path, None))
            way.append(len(items) - 1)
        way.append(right)
        chains.append(tuple(Hop(*ends, place) for ends in pairwise(way)))
    return Chains(tuple(items), tuple(chains), frozenset(turned), max(columns, default=-1) + 1)


def _path(left: Path, right: Path, column: int, reach: Mapping[Path, tuple[int, int]]) -> Path:
    """The frame of a point: as deep in the frames of the left end as they reach to the column, else of the
    right end, else what both share.
    """
    shared = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        shared += 1
    for path in (left, right):
        depth = len(path)
        while depth > shared and not reach[path[:depth]][0] <= column <= reach[path[:depth]][1]:
            depth -= 1
        if depth > shared:
            return path[:depth]
    return left[:shared]
