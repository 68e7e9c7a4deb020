"""Which assumption matters most, and was anybody asked about it?"""

from __future__ import annotations

from dataclasses import dataclass

from toscale.design.model import Design
from toscale.quantity.estimate import Estimate
from toscale.requirements.estimates import Estimates

__all__ = ["Driver", "drivers", "results"]


@dataclass(frozen=True, slots=True)
class Driver:
    """An assumption, with the result that it is most responsible for.

    `share` is its share of the variance of `result`; `question` the one whose answer sets it, if any.
    """

    name: str
    written: str
    share: float
    result: str
    question: str | None


def results(estimates: Estimates) -> tuple[Estimate, ...]:
    """The uncertain estimates that nothing else is computed from and that rest on more than one assumption;
    all that rest on several if there is none.
    """
    used = {other.name for one in estimates.sheet.values() for other in one.uses}
    several = [one for one in estimates.sheet.values() if len(one.shares) > 1]
    ends = [one for one in several if one.name not in used or _is_a_rate(estimates, one)]
    return tuple(ends or several)


def _is_a_rate(estimates: Estimates, one: Estimate) -> bool:
    """Whether a flow runs at this rate."""
    return any(flow.how == f"given: {one.name}" for flow in estimates.rates.values())


def drivers(design: Design, estimates: Estimates) -> tuple[Driver, ...]:
    """The assumptions behind the results, the one with the largest part in all of them first."""
    questions = {
        name: question.ask
        for question in design.requirements.questions
        for name in question.sets
        if question.ask
    }
    written = {a.name: a.text for one in estimates.sheet.values() for a in one.assumptions}
    total: dict[str, float] = {}
    largest: dict[str, tuple[float, str]] = {}
    for one in results(estimates):
        for name, share in one.shares.items():
            total[name] = total.get(name, 0.0) + share
            largest[name] = max(largest.get(name, (0.0, "")), (share, one.name))
    names = sorted(total, key=lambda name: -total[name])
    return tuple(Driver(name, written.get(name, ""), *largest[name], questions.get(name)) for name in names)
