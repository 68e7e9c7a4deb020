"""What work does a phase still lack, and what should the clock say about it?

`missing_work` looks at the design and at the accord, `advice` at the clock too. A line of `CHECKS` is one thing
that can be missing; most count problems of `toscale.requirements.vague`, by their rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from toscale.architecture.agreement import Accord, Prints
from toscale.design.model import Design
from toscale.interview.clock import Reading, Status
from toscale.interview.phases import PHASES, Phase
from toscale.interview.times import SECOND, minutes

__all__ = ["CHECKS", "Advice", "Check", "Missing", "advice", "missing_work"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a phase may lack, as it is said of one and of several."""

    phase: Phase
    one: str
    many: str
    count: Callable[[_Seen], int]


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that a phase lacks, said in a sentence without its full stop; `count` of it."""

    phase: Phase
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """A design with what the checks look at."""

    design: Design
    rules: Mapping[str, int]
    accord: Accord[Any]
    prints: Prints


def _rules(*codes: str) -> Callable[[_Seen], int]:
    return lambda seen: sum(seen.rules.get(code, 0) for code in codes)


def _empty(section: str) -> Callable[[_Seen], int]:
    return lambda seen: int(section not in seen.prints)


def _nothing_agreed(seen: _Seen) -> int:
    return int(bool(seen.prints) and not any(one.holding for one in seen.accord.standing(seen.prints)))


def _outdated(seen: _Seen) -> int:
    return sum(bool(one.outdated) for one in seen.accord.standing(seen.prints))


def _open_concerns(seen: _Seen) -> int:
    return sum(one.status == "open" for one in seen.accord.concerns)


_1, _2, _3, _4 = PHASES

CHECKS: tuple[Check, ...] = (
    Check(_1, "no requirement is written down", "", _empty("requirements")),
    Check(_1, "one requirement has no number", "{} requirements have no number", _rules("TS601", "TS602")),
    Check(_1, "one question has no answer", "{} questions have no answer", _rules("TS609")),
    Check(_1, "nobody confirmed one assumption", "nobody confirmed {} assumptions", _rules("TS607")),
    Check(_1, "one uncertain estimate was not asked for", "{} uncertain estimates were not asked for", _rules("TS608")),
    Check(_1, "nothing is estimated", "", _empty("estimates")),
    Check(_2, "there are no components", "", _empty("components")),
    Check(_2, "there are no flows", "", _empty("flows")),
    Check(_2, "no flow serves one requirement", "no flow serves {} requirements", _rules("TS603")),
    Check(_2, "one flow has no target", "{} flows have no target", _rules("TS611")),
    Check(_2, "one rate may be an average or a peak", "{} rates may be averages or peaks", _rules("TS612")),
    Check(_2, "nothing is agreed on", "", _nothing_agreed),
    Check(_2, "one section changed since it was agreed on", "{} sections changed since they were agreed on", _outdated),
    Check(_2, "one concern is open", "{} concerns are open", _open_concerns),
    Check(_3, "there is no API", "", _empty("api")),
    Check(_3, "there is no data model", "", _empty("data")),
    Check(_3, "no decision is justified", "", _empty("decisions")),
    Check(_4, "no fault is considered", "", _empty("faults")),
    Check(_4, "growth is not considered", "", _empty("growth")),
    Check(_4, "operations are not considered", "", _empty("operations")),
)  # fmt: skip
"""In the order of the phases. Where nothing is said of several, there is only one."""


def missing_work(design: Design, prints: Prints, accord: Accord[Any] | None = None) -> tuple[Missing, ...]:
    """What the phases lack, by phase. `prints` are the design's (`agreement.prints`). It computes the design's
    estimates, which takes some milliseconds.
    """
    from toscale.requirements.vague import vague  # computes, and so needs NumPy

    rules: dict[str, int] = {}
    for problem in vague(design):
        rules[problem.code] = rules.get(problem.code, 0) + 1
    seen = _Seen(design, rules, accord if accord is not None else Accord(), prints)
    found = []
    for check in CHECKS:
        count = check.count(seen)
        if count:
            text = check.one if count == 1 else check.many.format(count)
            found.append(Missing(check.phase, text, count))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Advice:
    """What the clock says in a sentence: that the minima cannot be honoured, that time is borrowed or over,
    or that a phase is about to end with work undone.
    """

    about: Literal["starved", "over", "late", "work"]
    text: str


def advice(reading: Reading, missing: tuple[Missing, ...] = ()) -> tuple[Advice, ...]:
    """What there is to say at a moment, the weightiest first; nothing unless the clock runs or pauses."""
    if reading.phase is None or reading.status is Status.ENDED:
        return ()
    said: list[Advice] = []
    now = reading.of(reading.phase)
    if reading.starved_since is not None:
        lacking = ", ".join(f"{one.phase.called} {minutes(one.need)}" for one in reading.phases if one.need)
        since = minutes(reading.starved_since)
        said.append(
            Advice("starved", f"Since {since} there is too little time left for what is lacking: {lacking}.")
        )
    if reading.remaining < 0:
        said.append(Advice("over", f"The session is over its time by {minutes(-reading.remaining)}."))
    elif now.over is not None:
        beyond = minutes(now.spent - (now.plan if now.over == "plan" else now.maximum))
        sources = ", ".join(f"{minutes(one.amount)} from {one.source.called}" for one in reading.borrowed)
        borrowed = f" This borrows {sources}." if sources else ""
        said.append(Advice("over", f"Over the {now.over} for {reading.phase.called} by {beyond}.{borrowed}"))
    # So near to its end a phase should know what it lacks: 3 minutes of 45.
    near = reading.length * 3 // 45
    left = now.plan - now.spent
    to_latest = (now.latest if now.latest is not None else reading.length) - reading.elapsed
    if 0 <= to_latest <= near and reading.remaining >= 0 and reading.starved_since is None:
        needy = [one.phase.called for one in reading.phases if one.need and one.phase is not reading.phase]
        if needy:
            text = (
                f"Leave {reading.phase.called} within {minutes(to_latest)}: {', '.join(needy)} need the rest."
            )
            said.append(Advice("late", text))
    undone = [one.text for one in missing if one.phase.position <= reading.phase.position]
    if undone and left <= near:
        listed = "; ".join(undone)
        time = f"{minutes(left)} left" if left >= SECOND else "no time left"
        said.append(Advice("work", f"{listed[0].upper()}{listed[1:]}: {time} for {reading.phase.called}."))
    return tuple(said)
