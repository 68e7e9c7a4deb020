"""Where between two columns does each line go up or down? On a track of its own, so that lines meet as little as
may be.

Between two columns, a hop that is not straight is a step: along, up or down, along. Which of two steps is to the
left decides whether they cross, or lie on each other; an order of all is sought by exchanging neighbours, and
steps that have nothing to do with each other share a track (channel routing, after Hashimoto and Stevens 1971).
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["tracks"]

ON_EACH_OTHER = 10
"""Two lines that lie on each other are as bad as so many crossings."""

BACKWARDS = 1000
"""The second part of a step to the left of its first."""

MOST_SPLITS = 8
"""So many steps between two columns go half of the way first, at most."""

Step = tuple[float, float]
"""The height at the left, and that at the right."""


Turn = tuple[int, float]
"""On which track a line goes up or down, and to which height."""


def tracks(steps: Sequence[Step], near: float) -> list[tuple[Turn, ...]]:
    """The turns of each step, on tracks from 0 at the left; steps closer than `near` do not share one.

    Where two steps lie on each other whichever is to the left, as those do that exchange heights, one of them
    goes half of the way first.
    """
    parts = [[step] for step in steps]
    for _ in range(MOST_SPLITS):
        flat = [part for step in parts for part in step]
        place = _placed([(part, number) for number, step in enumerate(parts) for part in step], near)
        again = _on_each_other(parts, flat, place, near)
        if again is None or len(parts[again]) > 1:
            break
        left, right = parts[again][0]
        middle = _free_height(left, right, flat, near)
        parts[again] = [(left, middle), (middle, right)]
    place = _placed([(part, number) for number, step in enumerate(parts) for part in step], near)
    ahead = iter(place)
    return [tuple((next(ahead), part[1]) for part in step) for step in parts]


def _placed(parts: Sequence[tuple[Step, int]], near: float) -> list[int]:
    """The track of each part; `parts` are steps, or parts of them, with the number of the step."""

    def bad_before(one: int, other: int) -> int:
        (step, number), (another, other_number) = parts[one], parts[other]
        if number == other_number:
            return BACKWARDS * int(one > other)
        return _bad(step, another, near)

    count = range(len(parts))
    bad = [[bad_before(one, other) for other in count] for one in count]
    order = _greedy(sorted(count, key=lambda one: _key(parts[one][0])), bad)
    gained = True
    while gained:
        gained = False
        for slot in range(len(order) - 1):
            one, other = order[slot], order[slot + 1]
            if bad[other][one] < bad[one][other]:
                order[slot], order[slot + 1] = other, one
                gained = True
    found = [0] * len(parts)
    for slot, one in enumerate(order):
        left = (other for other in order[:slot] if _related(parts[one][0], parts[other][0], near))
        found[one] = max((found[other] + 1 for other in left), default=0)
    return found


def _on_each_other(
    parts: Sequence[Sequence[Step]], flat: Sequence[Step], place: Sequence[int], near: float
) -> int | None:
    """The number of the first step that lies on another one, if there is one."""
    owner = [number for number, step in enumerate(parts) for _ in step]
    for one, step in enumerate(flat):
        for other, another in enumerate(flat):
            if owner[one] != owner[other] and place[one] < place[other]:
                if _bad(step, another, near) >= ON_EACH_OTHER:
                    return owner[one]
    return None


def _free_height(left: float, right: float, flat: Sequence[Step], near: float) -> float:
    """A height between two, as near to the middle as may be, at which no step begins or ends."""
    taken = [height for step in flat for height in step]
    middle = (left + right) // 2
    tried = [middle + sign * away for away in range(int(abs(right - left) / 2)) for sign in (1, -1)]
    return next((y for y in tried if all(abs(y - other) >= near / 2 for other in taken)), middle)


def _greedy(waiting: list[int], bad: Sequence[Sequence[int]]) -> list[int]:
    """Takes, one after the other, the step that it is least bad to have to the left of all that are left."""
    gain = {one: sum(bad[one][other] - bad[other][one] for other in waiting) for one in waiting}
    blocked = {
        one: sum(bad[one][other] >= ON_EACH_OTHER > bad[other][one] for other in waiting) for one in waiting
    }
    order: list[int] = []
    while waiting:
        one = min(waiting, key=lambda step: (blocked[step], gain[step]))
        waiting.remove(one)
        order.append(one)
        for other in waiting:
            gain[other] -= bad[other][one] - bad[one][other]
            blocked[other] -= bad[other][one] >= ON_EACH_OTHER > bad[one][other]
    return order


def _key(step: Step) -> tuple[bool, float, float]:
    """Steps that go up first, from the top on; then those that go down, from the bottom on."""
    left, right = step
    return (False, left, right) if right < left else (True, -left, -right)


def _span(step: Step) -> tuple[float, float]:
    return min(step), max(step)


def _related(one: Step, other: Step, near: float) -> bool:
    (low, high), (other_low, other_high) = _span(one), _span(other)
    return low < other_high + near and other_low < high + near


def _bad(one: Step, other: Step, near: float) -> int:
    """How bad it is that the first is to the left of the second."""
    low, high = _span(one)
    other_low, other_high = _span(other)
    found = int(other_low < one[1] < other_high)  # the first goes on to the right through the second
    found += int(low < other[0] < high)  # the second comes from the left through the first
    found += ON_EACH_OTHER * int(abs(one[1] - other[0]) < near / 2)  # both are there at one height
    return found
