"""How sure is a measured figure? 95% intervals from batches of a few independent replications.

Every replication is cut into batches of equal length; all batches together give one point estimate and one
interval. Means, shares and rates are ratios of sums over the batches (the classical ratio estimator). A
percentile's interval is that of the distribution function at the percentile, carried over to times (Iglehart
1976; Nakayama 2014): it needs no density and may be lopsided. Its lower end is judged by how much the counts
vary there: more requests are above it, in longer bursts, than above the estimate. Batches are long against the
system's own times (`toscale.simulate.pace`), so that they are nearly independent.

Queues make batches skewed: a few are far above the rest, and where none of those came along, mean and variance
are both too low. Intervals are therefore Student's with the correction for skewness by Willink ("A confidence
interval and test for the mean of an asymmetric distribution", Communications in Statistics 34, 2005), as in
the batch-means procedure N-Skart (Tafazzoli and Wilson 2011); as there, what one batch tells of the next widens them.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np

from toscale.engine.state import BITS, CELL_COUNT, TICK
from toscale.simulate.result import Figure

FEWEST_BEYOND = 5
"""A percentile needs so many requests beyond it; with fewer it is not known."""


def t_quantile_975(degrees: int) -> float:
    """The 97.5% quantile of Student's t, by Hill's expansion (1970), to four digits for 3 degrees and more."""
    if degrees < 1:
        raise ValueError("an interval needs at least two batches")
    exact = {1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645}
    if degrees in exact:
        return exact[degrees]
    z = 1.959963984540054
    n = float(degrees)
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    g4 = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + g1 / n + g2 / n**2 + g3 / n**3 + g4 / n**4


_MOST_SKEW = 0.05
"""The largest correction: with 32 batches that of a skewness of 1.7.

More of it rests on single batches, and near 0.08 the cube root has its zero: the long side of an interval would
jump from 4 deviations to 8, and runs be planned several times too long, or not, by the luck of their pilots.
"""
_STEPS_DOWN = 2
"""So many times the lower end of a percentile's interval is judged anew where it has come to lie; it then stays."""
_MOST_LIKE = 0.5
"""The largest correlation of neighbouring batches that is allowed for; below 0 it is taken for chance."""


def _reach(residual: Any) -> tuple[float, float]:
    """How far below (at most 0) and above its estimate a sum over batches may truly be, by the deviations."""
    n = len(residual)
    squares = float(residual @ residual)
    if squares <= 0:
        return 0.0, 0.0
    like = min(max(float(residual[:-1] @ residual[1:]) / squares, 0.0), _MOST_LIKE)
    error = sqrt(n / (n - 1) * squares * (1 + like) / (1 - like))
    t = t_quantile_975(n - 1)
    if n < 3:
        return -t * error, t * error
    skewness = n / ((n - 1) * (n - 2)) * float(np.sum(residual**3)) / (squares / (n - 1)) ** 1.5
    a = min(max(skewness / (6 * sqrt(n)), -_MOST_SKEW), _MOST_SKEW)
    if abs(a) < 1e-6:
        return -t * error, t * error

    def straightened(r: float) -> float:
        return float((np.cbrt(1 + 6 * a * (r - a)) - 1) / (2 * a))

    return -straightened(t) * error, -straightened(-t) * error


def ratio(above: Any, below: Any, scale: float = 1.0, most: float = inf) -> Figure | None:
    """sum(above) / sum(below), both per batch, times `scale`; None where below is nothing at all.

    What is counted is never below 0, and a share, with `most` 1, not above: neither are the interval's ends.
    """
    above = np.asarray(above, dtype=np.float64)
    below = np.asarray(below, dtype=np.float64)
    total = below.sum()
    if total <= 0:
        return None
    value = above.sum() / total
    n = len(above)
    if n < 2:
        return Figure(float(value * scale), None, None, "one batch has no interval")
    residual = above - value * below
    lower, upper = _reach(residual)
    low, high = (value + lower / total) * scale, (value + upper / total) * scale
    return Figure(float(value * scale), float(max(low, 0.0)), float(max(min(high, most), value * scale)))


def _lower_edges() -> Any:
    index = np.arange(CELL_COUNT + 1, dtype=np.int64)
    octave = np.maximum((index >> BITS) - 1, 0)
    return ((index - (octave << BITS)) << octave).astype(np.float64) * TICK


EDGES = _lower_edges()
"""Seconds: cell k of a histogram holds the times from EDGES[k] up to EDGES[k + 1]."""


def quantile_at(cumulated: Any, rank: float) -> float:
    """The time that `rank` requests have not exceeded, interpolated within its cell."""
    k = int(np.searchsorted(cumulated, rank, side="left"))
    k = min(k, len(cumulated) - 1)
    before = float(cumulated[k - 1]) if k else 0.0
    within = float(cumulated[k]) - before
    share = (rank - before) / within if within > 0 else 1.0
    last = EDGES[k + 1] - TICK  # times are whole ticks
    return float(EDGES[k] + min(max(share, 0.0), 1.0) * (last - EDGES[k]))


def percentile(cumulated: Any, counted: Any, q: float) -> Figure:
    """The q-quantile of times with its interval.

    `cumulated`: (batches, cells), the answered requests at or below each cell. `counted`: all requests of
    each batch; those that were not answered (counted, but in no cell) took longer than any time.
    """
    counted = np.asarray(counted, dtype=np.float64)
    total = float(counted.sum())
    whole = cumulated.sum(axis=0).astype(np.float64)
    answered = float(whole[-1]) if len(whole) else 0.0
    if total == 0:
        return Figure(None, reason="no request ended")
    rank = q * total
    if total * (1 - q) < FEWEST_BEYOND:
        return Figure(None, reason=f"{int(total):,} requests are too few for this percentile")
    n = len(counted)
    if rank > answered:
        return Figure(None, reason=f"{(total - answered) / total:.2%} of the requests were not answered")
    value = quantile_at(whole, rank)
    if n < 2:
        return Figure(value, None, None, "one batch has no interval")
    lower, upper = _reach(_deviations(cumulated, whole, counted, rank))
    lowest = rank - upper
    for _ in range(_STEPS_DOWN):
        if lowest > 0:
            lowest = rank - _reach(_deviations(cumulated, whole, counted, lowest))[1]
    low = quantile_at(whole, lowest) if lowest > 0 else 0.0
    high = quantile_at(whole, rank - lower) if rank - lower <= answered else None
    return Figure(value, low, high)


def _deviations(cumulated: Any, whole: Any, counted: Any, rank: float) -> Any:
    """By batch: how many more requests than on average ended within the time that `rank` have not exceeded."""
    k = min(int(np.searchsorted(whole, rank, side="left")), len(whole) - 1)
    # the count at the quantile itself, interpolated within its cell as the quantile is
    before = cumulated[:, k - 1].astype(np.float64) if k else np.zeros(len(counted))
    within = cumulated[:, k] - before
    share = (rank - before.sum()) / max(float(within.sum()), 1.0)
    return before + share * within - rank / counted.sum() * counted


def half_width(figure: Figure | None) -> float | None:
    """The relative half width of an interval; None where there is none."""
    if figure is None or figure.value is None or figure.low is None or figure.high is None:
        return None
    if figure.value == 0:
        return 0.0 if figure.high == figure.low else None
    return (figure.high - figure.low) / 2 / abs(figure.value)
