"""How long is each of the four phases? At least, at most, and as planned.

For 45 minutes the method gives each phase a minimum and a maximum that add up to less and to more than 45:
one constraint, not four timers. Other lengths scale all of them alike. Times are whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

from toscale.interview.times import MINUTE, minutes

__all__ = [
    "FACTORS",
    "LONGEST",
    "PHASES",
    "SHORTEST",
    "Four",
    "Phase",
    "Schedule",
    "fitted",
]

Four: TypeAlias = tuple[int, int, int, int]
"""One time for each phase, in their order, in milliseconds."""


class Phase(StrEnum):
    """The four steps of the method, as phases of the clock. The work spaces are open in any of them."""

    REQUIREMENTS = "requirements"
    HIGH_LEVEL = "high_level"
    DEEP_DIVE = "deep_dive"
    WRAP_UP = "wrap_up"

    @property
    def position(self) -> int:
        """Its place among the four, from 0."""
        return PHASES.index(self)

    @property
    def called(self) -> str:
        """As it is called in a sentence."""
        return _TITLES[self]


PHASES = tuple(Phase)
_TITLES = {
    Phase.REQUIREMENTS: "requirements",
    Phase.HIGH_LEVEL: "high-level design",
    Phase.DEEP_DIVE: "deep dive",
    Phase.WRAP_UP: "wrap-up",
}

_USUAL = 45
"""The minutes that the bounds and the plan below are for."""
_MINIMA = (3, 10, 10, 3)
_MAXIMA = (10, 15, 25, 5)
_PLAN = (7, 14, 20, 4)

SHORTEST, LONGEST = 5 * MINUTE, 12 * 60 * MINUTE
"""The lengths that a session can be given, before an accommodation."""

FACTORS = (100, 125, 150, 200)
"""The accommodations, in percent of the length."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The length of a session with the bounds and the plan of its phases.

    The plan adds up to the length, and is within the bounds. Raises ValueError if not.
    """

    length: int
    minima: Four
    maxima: Four
    plan: Four

    def __post_init__(self) -> None:
        for phase, least, most, planned in zip(PHASES, self.minima, self.maxima, self.plan, strict=True):
            if not 0 <= least <= planned <= most:
                raise ValueError(
                    f"{minutes(planned)} for {phase.called} is not within {minutes(least)} to {minutes(most)}"
                )
        if sum(self.plan) != self.length:
            raise ValueError(f"the plan adds up to {minutes(sum(self.plan))}, not to {minutes(self.length)}")

    @classmethod
    def of(
        cls, length: int = _USUAL * MINUTE, factor: int = 100, plan: Sequence[int] | None = None
    ) -> Schedule:
        """The schedule of a session of so many milliseconds, times `factor` percent.

        `plan` has a time for each phase, before the factor; without one the method's is proposed. A longer
        length and a factor are the same thing to the clock: 45 minutes at 150% are 67.5 minutes. Raises
        ValueError for a length, a factor or a plan that cannot be.
        """
        if factor not in FACTORS:
            raise ValueError(f"a factor of {factor}% is none of {', '.join(f'{one}%' for one in FACTORS)}")
        if not SHORTEST <= length <= LONGEST:
            raise ValueError(
                f"{minutes(length)} is not within {minutes(SHORTEST)} and {minutes(LONGEST)}, as a session is"
            )
        if plan is not None and (len(plan) != len(PHASES) or sum(plan) != length):
            raise ValueError(
                f"the plan must have a time for each of the {len(PHASES)} phases, {minutes(length)} in all"
            )
        total = length * factor // 100
        scale = Fraction(total, _USUAL)
        # Rounded outwards, so that what is just within the bounds of 45 minutes stays within.
        minima = _four(int(scale * one) for one in _MINIMA)
        maxima = _four(-int(-scale * one // 1) for one in _MAXIMA)
        if plan is None:
            return cls(total, minima, maxima, fitted([scale * one for one in _PLAN], minima, maxima, total))
        wanted = [Fraction(one * factor, 100) for one in plan]
        for phase, least, most, planned in zip(PHASES, minima, maxima, wanted, strict=True):
            if not least <= planned <= most:
                raise ValueError(
                    f"{minutes(int(planned))} for {phase.called} is not within {minutes(least)} to {minutes(most)}"
                )
        return cls(total, minima, maxima, fitted(wanted, minima, maxima, total))

    def lent(self, source: Phase | None, to: Phase, amount: int) -> Schedule:
        """The schedule after `amount` of the plan went from one phase to another.

        Without a source the session gets longer, and the maximum of the phase gives way if it must. Raises
        ValueError if a phase would leave its bounds.
        """
        plan, maxima = list(self.plan), list(self.maxima)
        plan[to.position] += amount
        if source is not None:
            plan[source.position] -= amount
            return Schedule(self.length, self.minima, self.maxima, _four(plan))
        maxima[to.position] = max(maxima[to.position], plan[to.position])
        return Schedule(self.length + amount, self.minima, _four(maxima), _four(plan))


def fitted(wish: Sequence[Fraction], minima: Four, maxima: Four, total: int) -> Four:
    """Whole milliseconds within the bounds that add up to `total`, near to the wish.

    What the wish lacks, or has too much of, is spread in proportion to the room that each phase has left.
    Raises ValueError if the bounds do not allow the total.
    """
    if not sum(minima) <= total <= sum(maxima):
        raise ValueError(f"{minutes(total)} are not within the bounds of the four phases")
    plan = [min(max(int(one), least), most) for one, least, most in zip(wish, minima, maxima, strict=True)]
    missing = total - sum(plan)
    ends = maxima if missing > 0 else minima
    room = [abs(end - one) for end, one in zip(ends, plan, strict=True)]
    left, left_room = abs(missing), sum(room)
    for index, own in enumerate(room):
        # A share of what is left, by the room that is left: the last phase with room takes the rest.
        share = left * own // left_room if left_room else 0
        share = min(own, max(share, left - (left_room - own)))
        plan[index] += share if missing > 0 else -share
        left, left_room = left - share, left_room - own
    return _four(plan)


def _four(values: Iterable[int]) -> Four:
    first, second, third, fourth = values
    return first, second, third, fourth
