"""Where do things stand that want to be somewhere, but must keep apart?

Minimises the sum of squared distances between places and wishes, under constraints "this one at least so far
above that one". The method is `satisfy_VPSC` of Dwyer, Marriott and Stuckey (Fast node overlap removal, 2005),
without its refinement: things that touch are joined into blocks, which stand at the average wish of their parts.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Apart", "separated", "topological"]

Apart = tuple[int, int, float]
"""The second stands at least so far behind the first."""

TINY = 1e-9


def topological(count: int, apart: Sequence[Apart]) -> list[int] | None:
    """The things so that each comes after those it must stand behind; None where they stand in a circle."""
    behind: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for first, second, _ in apart:
        behind[first].append(second)
        waiting[second] += 1
    ready = [one for one in range(count) if not waiting[one]]
    for one in ready:
        for other in behind[one]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return ready if len(ready) == count else None


def separated(
    wishes: Sequence[float], weights: Sequence[float], apart: Sequence[Apart], order: Sequence[int]
) -> list[float]:
    """The places, in the order of the wishes; `order` is a topological order under `apart`."""
    before: list[list[tuple[int, float]]] = [[] for _ in wishes]
    for first, second, distance in apart:
        before[second].append((first, distance))
    block = list(range(len(wishes)))  # of each thing
    offset = [0.0] * len(wishes)  # from the place of its block
    members = {one: [one] for one in block}
    weight = dict(enumerate(weights))
    place = dict(enumerate(wishes))
    for one in order:
        mine = block[one]
        while True:
            worst, violated = None, TINY
            for member in members[mine]:
                at = place[mine] + offset[member]
                for first, distance in before[member]:
                    if block[first] != mine:
                        missing = place[block[first]] + offset[first] + distance - at
                        if missing > violated:
                            worst, violated = (first, member, distance), missing
            if worst is None:
                break
            first, member, distance = worst
            other = block[first]
            # The block of `member` moves so that the constraint holds, and becomes a part of the other one.
            shift = offset[first] + distance - offset[member]
            total = weight[other] + weight[mine]
            place[other] = (place[other] * weight[other] + (place[mine] - shift) * weight[mine]) / total
            weight[other] = total
            for moved in members[mine]:
                offset[moved] += shift
                block[moved] = other
            members[other] += members.pop(mine)
            mine = other
    return [place[block[one]] + offset[one] for one in range(len(wishes))]
