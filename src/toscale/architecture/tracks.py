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

Step = tuple[float, float]
"""The height at the left, and that at the right."""


def tracks(steps: Sequence[Step], near: float) -> list[int]:
    """The track of each step, from 0 at the left; steps closer than `near` do not share one."""
    bad = [[_bad(one, other, near) for other in steps] for one in steps]
    related = [[_related(one, other, near) for other in steps] for one in steps]
    order = sorted(range(len(steps)), key=lambda one: _key(steps[one]))
    gained = True
    while gained:
        gained = False
        for slot in range(len(order) - 1):
            one, other = order[slot], order[slot + 1]
            if bad[other][one] < bad[one][other]:
                order[slot], order[slot + 1] = other, one
                gained = True
    found = [0] * len(steps)
    for slot, one in enumerate(order):
        found[one] = max((found[other] + 1 for other in order[:slot] if related[one][other]), default=0)
    return found


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
