"""In which order do the items of a column stand, so that few lines cross?

The second step of Sugiyama, Tagawa and Toda (1981): each item goes to the average place of its neighbours in the
column beside, in sweeps to and fro, and neighbours change places where that saves a crossing. What stands in one
frame stays together, and two frames stand in the same order in every column that both reach, so that frames can
be rectangles. The first order is that of the file; another one must have fewer crossings, and ties keep it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from toscale.architecture.chains import Chains, Path, spans

__all__ = ["Child", "Order", "crossings", "ordered"]

SWEEPS = 16
PATIENCE = 5
"""So many sweeps without a gain end the search."""

Child = int | Path
"""What stands in a frame: an item, or another frame."""


class Order:
    """For each frame and column, what stands in it from top to bottom. The outermost frame is `()`."""

    def __init__(self, chains: Chains) -> None:
        self.chains = chains
        self.spans = spans(chains.items)
        self.children: dict[tuple[Path, int], list[Child]] = {((), c): [] for c in range(chains.columns)}
        for path, (first, last) in self.spans.items():
            for column in range(first, last + 1):
                self.children.setdefault((path, column), [])
                self.children.setdefault((path[:-1], column), []).append(path)
        for number, item in enumerate(chains.items):
            self.children[item.path, item.column].append(number)
        self.rank = self._first_rank()
        for held in self.children.values():
            held.sort(key=lambda child: self.rank[child])

    def _first_rank(self) -> dict[Child, float]:
        """The place of everything in the file: a point has that of the box from which its line came."""
        rank: dict[Child, float] = {
            number: float(number) for number, item in enumerate(self.chains.items) if item.box is not None
        }
        for hops in self.chains.hops:
            for hop in hops:
                rank.setdefault(hop.right, rank[hop.left] + 1e-3)
        for number, item in enumerate(self.chains.items):
            for depth in range(1, len(item.path) + 1):
                path = item.path[:depth]
                rank[path] = min(rank.get(path, rank[number]), rank[number])
        return rank

    def flat(self, column: int, path: Path = ()) -> list[int]:
        """The items of a column from top to bottom."""
        found: list[int] = []
        for child in self.children[path, column]:
            found += [child] if isinstance(child, int) else self.flat(column, child)
        return found

    def places(self) -> dict[int, int]:
        """The place of every item in its column, from 0 at the top."""
        return {
            item: place
            for column in range(self.chains.columns)
            for place, item in enumerate(self.flat(column))
        }

    def copy(self) -> dict[tuple[Path, int], list[Child]]:
        return {key: list(held) for key, held in self.children.items()}

    def frames(self) -> dict[Path, list[Path]]:
        """The frames that stand directly in each frame."""
        found: dict[Path, list[Path]] = {}
        for path in self.spans:
            found.setdefault(path[:-1], []).append(path)
        return found


def ordered(chains: Chains) -> Order:
    """An order with few crossings."""
    order = Order(chains)
    links = _Links(chains)
    _agree(order)
    best, fewest, since = order.copy(), crossings(order), 0
    for turn in range(SWEEPS):
        if not fewest or since >= PATIENCE:
            break
        _sweep(order, links, rightwards=turn % 2 == 0)
        _agree(order)
        _swap(order, links)
        now = crossings(order)
        since += 1
        if now < fewest:
            best, fewest, since = order.copy(), now, 0
    order.children = best
    _swap(order, links, back=True)
    return order


def crossings(order: Order) -> int:
    """How many pairs of hops cross."""
    place = order.places()
    between: list[list[tuple[int, int]]] = [[] for _ in range(order.chains.columns)]
    for hops in order.chains.hops:
        for hop in hops:
            between[order.chains.items[hop.left].column].append((place[hop.left], place[hop.right]))
    total = 0
    for pairs in between:
        seen: list[int] = []
        for _, right in sorted(pairs):
            total += len(seen) - bisect_right(seen, right)
            insort(seen, right)
    return total


class _Links:
    """The neighbours of every item, in the columns to its left and to its right."""

    def __init__(self, chains: Chains) -> None:
        self.left: list[list[int]] = [[] for _ in chains.items]
        self.right: list[list[int]] = [[] for _ in chains.items]
        for hops in chains.hops:
            for hop in hops:
                self.right[hop.left].append(hop.right)
                self.left[hop.right].append(hop.left)


def _sweep(order: Order, links: _Links, *, rightwards: bool) -> None:
    columns = range(1, order.chains.columns) if rightwards else range(order.chains.columns - 2, -1, -1)
    neighbours = links.left if rightwards else links.right
    place = order.places()
    for column in columns:
        wanted: dict[Child, float] = {}
        for item in order.flat(column):
            if neighbours[item]:
                wanted[item] = sum(place[one] for one in neighbours[item]) / len(neighbours[item])
        _sort(order, column, (), wanted)
        for number, item in enumerate(order.flat(column)):
            place[item] = number


def _sort(order: Order, column: int, path: Path, wanted: dict[Child, float]) -> None:
    """Sorts what stands in a frame by where it wants to be; what wants nothing keeps its place."""
    held = order.children[path, column]
    for child in held:
        if isinstance(child, tuple):
            _sort(order, column, child, wanted)
            inside = [wanted[item] for item in order.flat(column, child) if item in wanted]
            if inside:
                wanted[child] = sum(inside) / len(inside)
    slots = [slot for slot, child in enumerate(held) if child in wanted]
    moved = sorted((held[slot] for slot in slots), key=lambda child: wanted[child])
    for slot, child in zip(slots, moved, strict=True):
        held[slot] = child


def _agree(order: Order) -> None:
    """Lets frames stand in one order in all columns: that of their average places."""
    for path, frames in order.frames().items():
        if len(frames) < 2:
            continue
        heights: dict[Path, list[float]] = {frame: [] for frame in frames}
        for (inside, _), held in order.children.items():
            if inside == path:
                for place, child in enumerate(held):
                    if isinstance(child, tuple):
                        heights[child].append((place + 0.5) / len(held))
        rank = {frame: sum(found) / len(found) for frame, found in heights.items()}
        first = {frame: place for place, frame in enumerate(frames)}
        for (inside, _), held in order.children.items():
            if inside == path:
                slots = [slot for slot, child in enumerate(held) if isinstance(child, tuple)]
                here = sorted(
                    (child for child in held if isinstance(child, tuple)),
                    key=lambda one: (rank[one], first[one]),
                )
                for slot, child in zip(slots, here, strict=True):
                    held[slot] = child


def _swap(order: Order, links: _Links, *, back: bool = False) -> None:
    """Lets neighbours change places as long as that saves crossings; two frames never do. `back`: also where it
    costs none and brings them back into the order of the file.
    """
    place = order.places()
    gained = True
    while gained:
        gained = False
        for (_, column), held in order.children.items():
            for slot in range(len(held) - 1):
                upper, lower = held[slot], held[slot + 1]
                if isinstance(upper, tuple) and isinstance(lower, tuple):
                    continue
                above = [upper] if isinstance(upper, int) else order.flat(column, upper)
                below = [lower] if isinstance(lower, int) else order.flat(column, lower)
                saved = _saved(above, below, links, place)
                if saved > 0 or (back and saved == 0 and order.rank[lower] < order.rank[upper]):
                    held[slot], held[slot + 1] = lower, upper
                    gained = True
                    start = min((place[item] for item in above + below), default=0)
                    for number, item in enumerate(below + above, start):
                        place[item] = number


def _saved(above: Sequence[int], below: Sequence[int], links: _Links, place: dict[int, int]) -> int:
    """How many crossings less there are when the two change places."""
    saved = 0
    for side in (links.left, links.right):
        ends_above = sorted(place[end] for item in above for end in side[item])
        ends_below = sorted(place[end] for item in below for end in side[item])
        for end in ends_above:
            saved += bisect_left(ends_below, end)  # crossed now
            saved -= len(ends_below) - bisect_right(ends_below, end)  # crossed then
    return saved
