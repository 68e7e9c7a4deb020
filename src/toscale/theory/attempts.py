"""How does a call go that may be given up, tried again, hedged or cut short?"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from toscale.engine.model import (
    HANDLED,
    Call,
    Outcome,
)
from toscale.theory import guards, times
from toscale.theory.knowledge import Known, meet
from toscale.theory.tally import (
    Here,
    Ran,
)
from toscale.theory.times import Time

if TYPE_CHECKING:
    from toscale.theory.traffic import Walk


def call(walk: Walk, step: Call, known: Known, reach: float, here: Here) -> Ran:
    """Its attempts, as often as they are made, and its handlers."""
    place = (here.flow, step.path)
    failing = walk.last.failing.get(place, 0.0)
    more = step.retry.times if step.retry is not None else 0
    budget = None if step.retry is None else step.retry.budget
    tries = guards.retried(failing, more, budget)[0]
    let, once_more = guarded(walk, step, here.flow)
    inside = here
    if step.timeout is not None and failing > 0.01:
        inside = replace(here, holder=None)  # what was given up goes on, and nobody holds a slot for it
    ran = walk.block(step.body, known, reach * tries * let * (1 + once_more), inside)
    late = 0.0
    further = 0.0
    if step.hedge is not None:
        ran, further = guards.hedged(ran, step.hedge, walk.dice)
        walk.tally.failing[here.flow, f"{step.path} hedged"] = further / step.hedge.at_most
    time = ran.time
    if step.timeout is not None:
        late, time = times.capped(time, step.timeout)
        if not isfinite(ran.time.mean):
            late = max(ran.stuck, late if ran.stuck <= 0 else 0.0)
    ends = {outcome: chance * (1 - late) for outcome, chance in ran.ends.items()}
    if late > 0:
        ends[Outcome.TIMED_OUT] = ends.get(Outcome.TIMED_OUT, 0.0) + late
    done = ran.done * (1 - late)
    if step.breaker is not None:
        rate = here.rate * reach * tries / here.machines
        wrong = min(1.0, sum(ends.get(outcome, 0.0) for outcome in step.breaker.errors))
        cut = guards.cut_short(rate, wrong, time.mean, step.breaker)
        walk.tally.failing[here.flow, f"{step.path} cut"] = cut
        ends = {outcome: chance * (1 - cut) for outcome, chance in ends.items()}
        ends[Outcome.FAILED] = ends.get(Outcome.FAILED, 0.0) + cut
        done *= 1 - cut
        time = times.sometimes(1 - cut, time, walk.dice)
    fails = min(1.0, sum(ends.get(outcome, 0.0) for outcome in HANDLED))
    walk.tally.failing[place] = fails
    tries, last, follows = guards.retried(fails, more, budget)
    time = again(walk, step, time, follows, more)
    if step.guarded:
        guard = walk.guards.setdefault(step.path, guards.Guard())
        guard.count(step, here.rate * reach, tries, let, further)
    result = {o: c * (last if o in HANDLED else tries) for o, c in ends.items()}
    done *= tries
    ways = [(done, ran.known)]
    for outcome, steps in step.handlers.items():
        chance = result.pop(outcome, 0.0)
        if chance <= 0:
            continue
        handled = walk.block(steps, known, reach * chance, here)
        time = time.plus(times.sometimes(chance, handled.time, walk.dice))
        ways.append((chance * handled.done, handled.known))
        done += chance * handled.done
        for end, share in handled.ends.items():
            result[end] = result.get(end, 0.0) + chance * share
    stuck = 0.0 if step.timeout is not None else ran.stuck
    return Ran(time, min(1.0, done), result, meet(ways) if len(ways) > 1 else ran.known, stuck)


def guarded(walk: Walk, step: Call, flow: str) -> tuple[float, float]:
    """By the last round: the share of the calls that the breaker lets through, and how many more a hedge
    makes of each.
    """
    cut = walk.last.failing.get((flow, f"{step.path} cut"), 0.0)
    most = 0 if step.hedge is None else step.hedge.at_most
    return 1 - cut, most * walk.last.failing.get((flow, f"{step.path} hedged"), 0.0)


def again(walk: Walk, step: Call, time: Time, fails: float, more: int) -> Time:
    """The time of an attempt and of those after it, with the pauses between."""
    if more == 0 or fails <= 0 or step.retry is None:
        return time
    whole = time
    chance = 1.0
    for k in range(1, more + 1):
        chance *= fails
        if chance < 1e-12:
            break
        pause = step.retry.backoff * step.retry.factor ** (k - 1)
        spread = step.retry.jitter * pause  # evenly from -jitter to +jitter of it
        draws = None
        if walk.dice.wanted:
            draws = pause + spread * (2 * walk.dice.uniform() - 1)
            if time.draws is not None:
                draws = draws + time.draws[walk.dice.ranks()]
        another = Time(time.mean + pause, time.var + spread * spread / 3, draws)
        whole = whole.plus(times.sometimes(chance, another, walk.dice))
    return whole
