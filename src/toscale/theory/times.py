"""How long does it take, how much does that vary, and what is its 99th percentile? Times that add, branch,
repeat and race.

A `Time` carries its mean and variance, and in the last pass of the twin also `DRAWS` draws, from which the
percentiles are read. The draws of every step are the law's own quantiles at (i + 1/2) / n in a fixed random
order of the step's own, so that they repeat exactly, add nothing to the noise of the mean, and are as good as
independent between steps. The standard error of a 99th percentile is a few percent.

Where only two moments are known and a distribution is needed (the later of two, the chance of exceeding a
timeout), it is a shifted exponential for a coefficient of variation up to 1, two exponentials with balanced
means above (Tijms, Stochastic Models (1994), appendix B).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from toscale.engine.laws import normal_quantile
from toscale.theory.numbers import Spread
from toscale.theory.popularity import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toscale.engine.laws import Law
    from toscale.engine.model import Link

Ranks = np.ndarray[Any, np.dtype[np.int64]]

DRAWS = 2048
_ORDERS = 61
RESENDINGS = 15  # of one message at most; Linux's tcp_retries2


@lru_cache(maxsize=1)
def _orders() -> Ranks:
    generator = np.random.Generator(np.random.PCG64(20_02))
    orders = np.stack([generator.permutation(DRAWS) for _ in range(_ORDERS)])
    return np.concatenate([orders, orders], axis=1)  # twice, so that to begin elsewhere is to look elsewhere


class Dice:
    """A fresh order of the n ranks each time; the same sequence in every run. Falsy where no draws are
    wanted.
    """

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self.thrown = 0

    def ranks(self) -> Ranks:
        """Every rank from 0 to n - 1 once."""
        k = self.thrown
        self.thrown += 1
        start = 37 * (k // _ORDERS) % DRAWS
        return _orders()[k % _ORDERS, start : start + DRAWS]

    def uniform(self) -> Array:
        return (self.ranks() + 0.5) / DRAWS

    def of(self, law: Law) -> Array:
        return _table(law)[self.ranks()]


@lru_cache(maxsize=512)
def _table(law: Law) -> Array:
    return law.quantile((np.arange(DRAWS) + 0.5) / DRAWS)


@lru_cache(maxsize=1024)
def moments(law: Law) -> tuple[float, float]:
    """Mean and variance; an infinite second moment (Pareto with alpha <= 2, uncapped) is taken at its value
    up to the 1e-6 tail.
    """
    mean, second = law.mean, law.second_moment
    if not isfinite(second):
        second = law.at_most(float(law.quantile(np.array([1 - 1e-6]))[0])).second_moment
    return mean, max(0.0, second - mean * mean)


@dataclass(slots=True, eq=False)
class Time:
    """Seconds: the mean, the variance, and draws where they are wanted."""

    mean: float = 0.0
    var: float = 0.0
    draws: Array | None = None

    def plus(self, other: Time) -> Time:
        draws = other.draws if self.draws is None else self.draws
        if self.draws is not None and other.draws is not None:
            draws = self.draws + other.draws
        return Time(self.mean + other.mean, self.var + other.var, draws)

    def times(self, factor: float) -> Time:
        draws = None if self.draws is None else self.draws * factor
        return Time(self.mean * factor, self.var * factor * factor, draws)

    @property
    def second(self) -> float:
        return self.var + self.mean * self.mean


NONE = Time()


def of_law(law: Law | None, dice: Dice) -> Time:
    """A time with that law; None is no time."""
    if law is None:
        return NONE
    mean, var = moments(law)
    return Time(mean, var, dice.of(law) if dice.wanted else None)


def sometimes(chance: float, time: Time, dice: Dice) -> Time:
    """That time with that chance, else none."""
    if chance >= 1:
        return time
    if chance <= 0:
        return NONE
    return either(chance, time, NONE, dice)


def either(chance: float, first: Time, second: Time, dice: Dice) -> Time:
    """The first with that chance, else the second."""
    if chance >= 1:
        return first
    if chance <= 0:
        return second
    mean = chance * first.mean + (1 - chance) * second.mean
    square = chance * first.second + (1 - chance) * second.second
    var = max(0.0, square - mean * mean) if isfinite(square) else inf
    draws = None
    if dice.wanted:
        ones = 0.0 if first.draws is None else first.draws
        others = 0.0 if second.draws is None else second.draws
        draws = np.where(dice.uniform() < chance, ones, others)
    return Time(mean, var, draws)


def waiting(mean: float, chance: float, dice: Dice) -> Time:
    """A wait: none with chance 1 - `chance`, else exponential. Exact in M/M/c; in heavy traffic everywhere
    (Kingman 1962).
    """
    if mean <= 0:
        return NONE
    if not isfinite(mean):
        return Time(inf, inf, np.full(DRAWS, inf) if dice.wanted else None)
    chance = min(1.0, max(chance, 1e-12))
    whole = mean / chance
    draws = None
    if dice.wanted:
        u = dice.uniform()
        draws = -whole * np.log(np.minimum((1 - u) / chance, 1.0)) + 0.0
    return Time(mean, chance * 2 * whole * whole - mean * mean, draws)


# ---- the wire
# ----------------------------------------------------------------------------------------------------


def crossing(link: Link, near: float, dice: Dice) -> Time:
    """One message, one way: within a zone with chance `near`, resent when lost, after 1, 2, 4, ... times the
    time-out.
    """
    if link.near == link.far:
        time = of_law(link.near, dice)
    else:
        time = either(near, of_law(link.near, dice), of_law(link.far, dice), dice)
    loss = link.loss
    if loss <= 0:
        return time
    times = np.arange(RESENDINGS + 1, dtype=np.float64)
    chances: Array = (1 - loss) * loss**times
    chances[-1] += loss ** (RESENDINGS + 1)
    delays: Array = link.resend_after * (2.0**times - 1)
    mean = float(chances @ delays)
    draws = Spread(delays, chances).quantiles(dice.uniform()) if dice.wanted else None
    return time.plus(Time(mean, max(0.0, float(chances @ delays**2) - mean * mean), draws))


# ---- distributions from two moments
# ------------------------------------------------------------------------------


def _shape(time: Time) -> tuple[float, float, float, float, float]:
    """(shift, weight, rate, weight, rate) of P(T > t) = sum of weight * exp(-rate (t - shift)) beyond the
    shift.
    """
    mean, var = time.mean, time.var
    cv2 = var / (mean * mean) if mean > 0 else 0.0
    if cv2 <= 1:
        spread = max(sqrt(var), 1e-9 * mean, 1e-300)
        return max(0.0, mean - spread), 1.0, 1 / spread, 0.0, 1.0
    p = (1 + sqrt((cv2 - 1) / (cv2 + 1))) / 2
    return 0.0, p, 2 * p / mean, 1 - p, 2 * (1 - p) / mean


def exceeds(time: Time, t: Array) -> Array:
    """P(T > t) at each t, from the two moments."""
    shift, w1, r1, w2, r2 = _shape(time)
    past = np.maximum(t - shift, 0.0)
    return np.where(t < shift, 1.0, w1 * np.exp(-r1 * past) + w2 * np.exp(-r2 * past))


def capped(time: Time, most: float) -> tuple[float, Time]:
    """The chance of taking longer than `most` seconds, and the time until it has ended or `most` is over."""
    draws = None if time.draws is None else np.minimum(time.draws, most)
    if not isfinite(time.mean):
        return 1.0, Time(most, 0.0, draws)
    if time.mean <= 0 or most > time.mean + 60 * sqrt(time.var):
        return 0.0, time
    shift, w1, r1, w2, r2 = _shape(time)
    if most <= shift:
        return 1.0, Time(most, 0.0, draws)
    past = most - shift
    chance = mean = square = 0.0
    for weight, rate in ((w1, r1), (w2, r2)):
        left = float(np.exp(-rate * past))
        chance += weight * left
        mean += weight * (1 - left) / rate
        square += weight * 2 * (1 - left * (1 + rate * past)) / rate**2  # E[min(X, past)^2], X exponential
    var = max(0.0, square - mean * mean)
    return chance, Time(shift + mean, var, draws)


def of_survival(t: Array, survives: Array) -> tuple[float, float]:
    """Mean and variance from P(T > t) at the points t."""
    steps = np.diff(t)
    mean = float(steps @ (survives[:-1] + survives[1:])) / 2
    weighted = t * survives
    square = float(steps @ (weighted[:-1] + weighted[1:]))
    return mean, max(0.0, square - mean * mean)


def grid(times: Sequence[Time], copies: float) -> Array:
    """Points in time that cover what so many copies of these times can take."""
    top = 0.0
    for time in times:
        shift, _, r1, w2, r2 = _shape(time)
        slowest = min(r1, r2) if w2 > 0 else r1
        top = max(top, shift + (np.log(max(copies, 1.0)) + 16) / slowest)
    return np.asarray(top * np.linspace(0.0, 1.0, 500) ** 2)  # closer where most of it happens


def race(times: Sequence[Time], needed: int, dice: Dice) -> Time:
    """When `needed` of several independent times are over (all of them: the latest; one: the first)."""
    if needed <= 0 or not times:
        return NONE
    if len(times) == 1:
        return times[0]
    draws = None
    if dice.wanted:
        stack = np.stack([np.zeros(DRAWS) if t.draws is None else t.draws for t in times])
        draws = np.sort(stack, axis=0)[needed - 1]
    infinite = sum(not isfinite(t.mean) for t in times)
    if len(times) - infinite < needed:
        return Time(inf, inf, draws)
    finite = [t for t in times if isfinite(t.mean)]
    if all(t.var <= 1e-18 * t.mean**2 for t in finite):
        return Time(sorted(t.mean for t in finite)[needed - 1], 0.0, draws)
    t = grid(finite, len(finite))
    # the chance that exactly k are over by t, for k below `needed`
    over = np.zeros((needed, len(t)))
    over[0] = 1.0
    for time in finite:
        ended = 1 - exceeds(time, t)
        moved = over[:-1] * ended
        over *= 1 - ended
        over[1:] += moved
    mean, var = of_survival(t, over.sum(axis=0))
    return Time(mean, var, draws)


def latest(time: Time, copies: Spread, dice: Dice) -> Time:
    """The latest of a varying number of independent copies (none where the number is 0)."""
    if copies.mean <= 0:
        return NONE
    if not isfinite(time.mean):
        return Time(inf, inf, np.full(DRAWS, inf) if dice.wanted else None)
    numbers = copies.compressed(24)
    draws = None
    if dice.wanted and time.draws is not None:
        # the largest of n draws has the quantile u^(1/n)
        n = numbers.quantiles(dice.uniform())
        rank = dice.uniform() ** (1 / np.maximum(n, 1e-9))
        ordered = np.sort(time.draws)
        position = np.minimum((rank * DRAWS).astype(np.int64), DRAWS - 1)
        draws = np.where(n > 0, ordered[position], 0.0)
    if time.var <= 1e-18 * time.mean**2:
        some = float(numbers.weights[numbers.values > 0].sum())
        return Time(some * time.mean, some * (1 - some) * time.mean**2, draws)
    t = grid([time], float(numbers.values.max()))
    ended = 1 - exceeds(time, t)
    survives = 1 - numbers.weights @ ended[None, :] ** numbers.values[:, None]
    mean, var = of_survival(t, survives)
    return Time(mean, var, draws)


def repeated(time: Time, number: Spread, at_once: int | None, dice: Dice) -> Time:
    """A varying number of independent passes, so many side by side (None: all).

    One after the other the moments are exact. With w side by side, n > w passes take about (n - w) / w means
    and then the latest of w: list scheduling keeps every place busy until the end.
    """
    mean_number = number.mean
    if mean_number <= 0:
        return NONE
    if not isfinite(time.mean):
        return Time(inf, inf, np.full(DRAWS, inf) if dice.wanted else None)
    if at_once is None:
        return latest(time, number, dice)
    if at_once == 1:
        mean = mean_number * time.mean
        var = mean_number * time.var + number.variance * time.mean**2
        return Time(mean, var, _summed(time, number, dice))
    head = number.mapped(lambda n: np.minimum(n, at_once))
    tail = number.mapped(lambda n: np.maximum(n - at_once, 0.0) / at_once)
    last = latest(time, head, dice)
    mean = tail.mean * time.mean
    var = tail.mean * time.var / at_once + tail.variance * time.mean**2
    return Time(mean, var, _summed(time, tail, dice)).plus(last)


def _summed(time: Time, number: Spread, dice: Dice) -> Array | None:
    """Draws of a sum of as many copies: one by one while they are few, else their mean and a normal
    deviation.
    """
    if not dice.wanted or time.draws is None:
        return None
    n = number.quantiles(dice.uniform())
    if n.max() <= 8:
        total = np.zeros(DRAWS)
        for k in range(int(np.ceil(n.max()))):
            total += np.where(n > k, np.minimum(n - k, 1.0), 0.0) * time.draws[dice.ranks()]
        return total
    deviation = normal_quantile((np.arange(DRAWS) + 0.5) / DRAWS)[dice.ranks()]
    return np.asarray(np.maximum(n * time.mean + np.sqrt(n * time.var) * deviation, 0.0))


def percentile(time: Time, share: float) -> float | None:
    """From the draws; None where it is not finite."""
    if time.draws is None:
        return time.mean if isfinite(time.mean) else None
    value = float(np.sort(time.draws)[min(DRAWS - 1, int(share * DRAWS))])
    return value if isfinite(value) else None
