"""Which column does each box stand in? Callers to the left of those they call, as near as may be.

The first step of Sugiyama, Tagawa and Toda (1981): circles are broken by turning the lines that lead back to a
box from which the search came (in the order of the file), columns are longest paths, and boxes then move
between their neighbours to shorten the lines. Boxes without a line go round the columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["layers", "turned"]

PASSES = 8
"""So often is every box moved at most; the lines get no longer, and it soon comes to rest."""


def turned(count: int, lines: Sequence[tuple[int, int]], first: Sequence[int]) -> frozenset[int]:
    """The places of the lines that must be turned so that no circle is left. `first`: boxes to start from."""
    below: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    called = [0] * count
    for place, (source, target) in enumerate(lines):
        below[source].append((place, target))
        called[target] += 1
    starts = [*first, *(box for box in range(count) if not called[box]), *range(count)]
    state = [0] * count  # 1: on the way to where the search is; 2: done
    back = set()
    for start in starts:
        if state[start]:
            continue
        state[start] = 1
        way = [(start, iter(below[start]))]
        while way:
            box, ahead = way[-1]
            step = next(ahead, None)
            if step is None:
                state[box] = 2
                way.pop()
            elif state[step[1]] == 1:
                back.add(step[0])
            elif state[step[1]] == 0:
                state[step[1]] = 1
                way.append((step[1], iter(below[step[1]])))
    return frozenset(back)


def layers(count: int, lines: Sequence[tuple[int, int]], first: Sequence[int]) -> list[int]:
    """The column of each box, from 0 on, for lines without a circle: each leads at least one column on.

    `first` stay in column 0 where nothing leads to them.
    """
    into: list[list[int]] = [[] for _ in range(count)]
    out: list[list[int]] = [[] for _ in range(count)]
    for source, target in lines:
        into[target].append(source)
        out[source].append(target)
    column = [0] * count
    order = _sorted(count, into, out)
    for box in order:
        column[box] = max((column[one] + 1 for one in into[box]), default=0)
    stays = {box for box in first if not into[box]}
    for turn in range(PASSES):
        moved = False
        for box in order if turn % 2 else reversed(order):
            if box in stays or not (into[box] or out[box]):
                continue
            least = max((column[one] + 1 for one in into[box]), default=None)
            most = min((column[one] - 1 for one in out[box]), default=None)
            wanted = column[box]
            if most is not None and (least is None or len(out[box]) > len(into[box])):
                wanted = most
            elif least is not None and (most is None or len(into[box]) > len(out[box])):
                wanted = least
            moved = moved or wanted != column[box]
            column[box] = wanted
        for box in reversed(order):
            moved = (box not in stays and _moved_along(box, column, into, out, order)) or moved
        if not moved:
            break
    alone = [box for box in range(count) if not (into[box] or out[box])]
    joined = [column[box] for box in range(count) if into[box] or out[box]]
    used = {old: new for new, old in enumerate(sorted(set(joined)))}
    return _spread(alone, [used.get(old, 0) for old in column], len(used))


def _moved_along(
    box: int,
    column: list[int],
    into: Sequence[Sequence[int]],
    out: Sequence[Sequence[int]],
    order: Sequence[int],
) -> bool:
    """Moves a box to the right together with those that only it and they call, if that shortens more lines than
    it lengthens: none of them could go first.
    """
    along = {box}
    for one in order:
        if into[one] and along.issuperset(into[one]):
            along.add(one)
    spare = [column[target] - column[one] - 1 for one in along for target in out[one] if target not in along]
    if len(spare) <= len(into[box]) or not min(spare):
        return False
    for one in along:
        column[one] += min(spare)
    return True


def _spread(alone: Sequence[int], column: list[int], columns: int) -> list[int]:
    """Puts the boxes that no line reaches into one column after the other; boxes are about three times as wide
    as high.
    """
    columns = max(columns, math.ceil(math.sqrt(len(alone) / 3)))
    for place, box in enumerate(alone):
        column[box] = place % columns
    return column


def _sorted(count: int, into: Sequence[Sequence[int]], out: Sequence[Sequence[int]]) -> list[int]:
    """The boxes so that every line leads on (Kahn 1962); ties in the order that they came in."""
    waiting = [len(into[box]) for box in range(count)]
    ready = [box for box in range(count) if not waiting[box]]
    for box in ready:
        for target in out[box]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return ready
