"""How many calls does a breaker cut, how many does a hedge make twice, and how many does a budget let be
tried again?

The engine's rules are those of `toscale.engine.guards` and `toscale.engine.hedges`. Errors are taken as
independent of each other; where they come together, as in an overload, a breaker opens sooner and stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, erfc, isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import HANDLED
from toscale.theory.queues import attempts
from toscale.theory.results import GuardTheory
from toscale.theory.tally import Ran
from toscale.theory.times import Dice, Time, exceeds, grid, of_survival

if TYPE_CHECKING:
    from toscale.engine.model import Breaker, Call, Hedge


@dataclass(slots=True)
class Guard:
    """What a walk has counted at a guarded call, per second, as the engine counts it."""

    calls: float = 0.0
    cut: float = 0.0
    sent: float = 0.0
    hedged: float = 0.0
    begun: float = 0.0
    retries: float = 0.0

    def count(self, step: Call, rate: float, tries: float, let: float, further: float) -> None:
        """Adds a call's: `rate` first attempts, `tries` for each, of which the breaker has `let` through this
        share, each with so many `further` ones of its hedge.
        """
        if step.breaker is not None:
            self.calls += rate * tries
            self.cut += rate * tries * (1 - let)
        if step.hedge is not None:
            self.sent += rate * tries * let
            self.hedged += rate * tries * let * further
        if step.retry is not None and step.retry.budget is not None:
            self.begun += rate
            self.retries += rate * (tries - 1)


def cut_short(rate: float, fails: float, takes: float, breaker: Breaker) -> float:
    """The share of its calls that a caller's breaker cuts, of `rate` calls per second that fail with chance
    `fails` and take `takes` seconds.

    A renewal process. Closed until the share of errors is reached: after `least` calls, and as many windows
    more as it takes, each of which reaches it with the chance that a binomial has (by the normal law, with
    continuity). Then open for `stays` seconds, until the next call has come and has ended, again and again
    until one ends well, 1 / (1 - fails) times. Exact where `least` calls decide; all of them fail, say.
    """
    if rate <= 0 or fails <= 0 or not isfinite(takes):
        return 1.0 if rate > 0 and not isfinite(takes) else 0.0
    window = max(float(breaker.least), rate * breaker.over)
    spread = sqrt(window * fails * (1 - fails))
    reached = ceil(breaker.share * window - 1e-9) - 0.5
    trips = 1.0 if spread <= 0 else erfc((reached - window * fails) / spread / sqrt(2)) / 2
    if trips <= 1e-12:
        return 0.0
    closed = breaker.least + window * (1 - trips) / trips + rate * takes
    if fails >= 1:
        return rate * (breaker.stays + takes) / (rate * (breaker.stays + takes) + 1)
    rounds = 1 / (1 - fails)
    cut = rounds * rate * (breaker.stays + takes)
    return cut / (closed + rounds + cut)


def hedged(ran: Ran, hedge: Hedge, dice: Dice) -> tuple[Ran, float]:
    """The first good answer of a call and its hedges, and how many hedges there are for each.

    A failure counts where there was no hedge, or that failed too.
    """
    number, time = first(ran.time, hedge, dice)
    share = number / hedge.at_most
    fails = sum(ran.ends.get(outcome, 0.0) for outcome in HANDLED)
    stays = 1 - share + share * fails
    ends = {o: c * stays if o in HANDLED else c for o, c in ran.ends.items()}
    return Ran(time, ran.done + fails * (1 - stays), ends, ran.known, ran.stuck), number


def first(time: Time, hedge: Hedge, dice: Dice) -> tuple[float, Time]:
    """How many further calls there are for each, and when the first has answered: min(X, a + X', ...), each
    independent of the others.
    """
    if time.mean <= 0:
        return 0.0, time
    if not isfinite(time.mean):
        return float(hedge.at_most), time
    draws = time.draws
    if draws is not None and time.draws is not None:
        for k in range(1, hedge.at_most + 1):
            draws = np.minimum(draws, k * hedge.after + time.draws[dice.ranks()])
    number = 0.0
    for k in range(1, hedge.at_most + 1):  # none has answered by the time of the k-th
        sent = np.array([(k - j) * hedge.after for j in range(k)])
        number += float(np.prod(exceeds(time, sent)))
    t = grid([time], 1.0)
    survives = exceeds(time, t)
    for k in range(1, hedge.at_most + 1):
        survives = survives * np.where(t < k * hedge.after, 1.0, exceeds(time, t - k * hedge.after))
    mean, var = of_survival(t, survives)
    return number, Time(mean, var, draws)


def retried(fails: float, more: int, budget: float | None) -> tuple[float, float, float]:
    """The mean number of attempts, the chance that a failure is not tried again over all attempts (of those
    that a call comes to), and the chance with which an attempt is followed by another.

    With a budget, failures are tried again with the chance g at which sum over k of (fails g)^k is the
    budget, where it would be more without.
    """
    tries = attempts(fails, more)
    follows = fails
    if budget is not None and tries - 1 > budget:
        low, high = 0.0, fails
        for _ in range(60):
            follows = (low + high) / 2
            low, high = (follows, high) if attempts(follows, more) - 1 < budget else (low, follows)
        tries = attempts(follows, more)
    again = follows / fails if fails > 0 else 1.0
    last = follows**more
    return tries, last + (1 - again) * (tries - last), follows


def guard_theory(path: str, guard: Guard) -> GuardTheory:
    """What a walk has counted, as shares."""
    return GuardTheory(
        path,
        guard.cut / guard.calls if guard.calls > 0 else None,
        guard.hedged / guard.sent if guard.sent > 0 else None,
        guard.retries / guard.begun if guard.begun > 0 else None,
    )
