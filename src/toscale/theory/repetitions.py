"""How often is a step repeated, and how long does that take? The passes of a repetition are geometric in number.

After each pass the repetition goes on with a chance that is the same for every pass, since the draws of passes
are independent: the number of passes is geometric, cut off at the most that are made. A bound in time is taken
as a bound on the number of passes, at the mean time from one start to the next.
"""

from __future__ import annotations

from math import isfinite, log
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import Ended, Outcome, Repeat
from toscale.theory import times
from toscale.theory.knowledge import Known
from toscale.theory.numbers import Spread
from toscale.theory.tally import Here, Part, Ran
from toscale.theory.times import Time

if TYPE_CHECKING:
    from toscale.theory.traffic import Walk

LONGEST = 10_000
"""So many passes are told apart; of longer repetitions the mean is right, and the spread that of these."""
MOST = 1e9


def mean_passes(again: float, most: float) -> float:
    """How many passes are made on average, where each is followed by another one with chance `again`, up to
    `most`: (1 - again ^ most) / (1 - again).
    """
    if again >= 1 - 1e-12:
        return most
    return -float(np.expm1(most * log(again))) / (1 - again) if again > 0 else 1.0


def passes(again: float, most: float) -> Spread:
    """The distribution of the number of passes."""
    if again <= 0 or most <= 1:
        return Spread(np.ones(1), np.ones(1))
    if again >= 1 - 1e-12:
        return Spread(np.array([most]), np.ones(1))
    told = int(min(most, LONGEST, max(2.0, -30 / log(again))))
    values = np.arange(1, told + 1, dtype=np.float64)
    weights = again ** (values - 1) * (1 - again)
    weights[-1] = again ** (told - 1)
    values[-1] += mean_passes(again, most) - float(values @ weights) if told < most else 0.0
    return Spread(values, weights / weights.sum()).compressed(200)


def repeat(walk: Walk, step: Repeat, known: Known, reach: float, here: Here) -> Ran:
    """A walk through a repetition; how often it goes on is known from the round before."""
    place = (here.flow, step.path)
    before = walk.last.failing.get(place, 0.0)
    most = walk.last.failing.get((here.flow, f"{step.path}/most"), 0.0)  # as a share of MOST
    number = mean_passes(before, max(1.0, most * MOST))
    inside = known.without(step.fresh)
    ran = walk.block(step.body, inside, reach * number, here)
    every = times.of_law(step.every, walk.dice)
    period = later(ran.time, every) if step.every is not None else ran.time
    bound = bound_of(step, period.mean)
    ways = {Outcome.DONE: ran.done, **ran.ends}
    stopped = ways.pop(Outcome.STOPPED, 0.0)
    goes_on: dict[Outcome, float] = {}
    for outcome, chance in ways.items():
        misses = 1.0
        for test in step.until:
            if isinstance(test, Ended):
                misses *= 0.0 if outcome in test.outcomes else 1.0
            else:
                misses *= 1 - ran.known.branch(test)[0]
        goes_on[outcome] = chance * misses
    again = min(1.0, sum(goes_on.values()))
    walk.tally.failing[place] = again
    walk.tally.failing[here.flow, f"{step.path}/most"] = bound / MOST
    number = mean_passes(again, bound)
    vain = again**bound
    spread = passes(again, bound).mapped(lambda n: n - 1)
    gaps = times.repeated(period, spread, 1, walk.dice)
    time = gaps.plus(ran.time)
    idle = (number - 1) * max(0.0, period.mean - ran.time.mean) if isfinite(period.mean) else 0.0
    if here.parts is not None and idle > 0:
        part = here.parts.setdefault(step.path, Part(None))
        part.visits += reach * (number - 1)
        part.waiting += reach * idle
    away = idle + number * ran.away.mean
    ends = {Outcome.STOPPED: min(1.0, stopped * number)} if stopped > 0 else {}
    done = max(0.0, 1 - vain - stopped * number)
    if vain > 0 and again > 0 and step.in_vain is None:
        for outcome, chance in goes_on.items():
            share = vain * chance / again
            if outcome in (Outcome.DONE, Outcome.ANSWERED):
                done += share
            else:
                ends[outcome] = ends.get(outcome, 0.0) + share
    elif vain > 0:
        end = walk.block(step.in_vain or (), ran.known, reach * vain, here)
        time = time.plus(times.sometimes(vain, end.time, walk.dice))
        done += vain * end.done
        for outcome, chance in end.ends.items():
            ends[outcome] = ends.get(outcome, 0.0) + vain * chance
    return Ran(time, min(1.0, done), ends, ran.known, ran.stuck, Time(away, 0.0))


def later(time: Time, every: Time) -> Time:
    """The time from one start of a pass to the next: `every`, or the pass where that is longer."""
    if not isfinite(time.mean):
        return time
    draws = None
    if time.draws is not None or every.draws is not None:
        ones = 0.0 if time.draws is None else time.draws
        others = 0.0 if every.draws is None else every.draws
        draws = np.maximum(ones, others)
    if time.mean >= every.mean:
        return Time(time.mean, time.var, draws)
    return Time(every.mean, every.var, draws)


def bound_of(step: Repeat, period: float) -> float:
    """How many passes are made at most."""
    bound = MOST if step.times is None else float(min(step.times, MOST))
    if step.lasts is not None and isfinite(period):
        bound = min(bound, step.lasts // max(period, 1e-9) + 1)
    return max(1.0, bound)
