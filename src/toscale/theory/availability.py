"""How much of the time does something work, from how often it fails and how long its repair takes?

Machines fail and are repaired independently of each other (Trivedi, "Probability and Statistics with Reliability,
Queuing, and Computer Science Applications", 2nd edition, 2002, sections 3.6 and 8.2): each works with the
probability MTTF / (MTTF + MTTR), k of n in parallel with that of a binomial count, parts in series with the
product.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb, prod

__all__ = ["at_least", "in_series", "working"]


def working(fails_every: float, repaired_in: float) -> float:
    """The share of the time that one machine works; both times in the same unit, `fails_every` above 0.

    `fails_every` is the mean time that it works until it fails.
    """
    if not fails_every > 0 or repaired_in < 0:
        raise ValueError(f"a machine fails after a positive time: {fails_every!r}, {repaired_in!r}")
    return fails_every / (fails_every + repaired_in)


def at_least(needed: int, number: int, share: float) -> float:
    """The share of the time that at least `needed` of `number` machines work, each for this share of it."""
    if needed <= 0:
        return 1.0
    if needed > number:
        return 0.0
    lost = sum(  # of how many fail: small, so that what is near 1 keeps its digits
        comb(number, failed) * (1 - share) ** failed * share ** (number - failed)
        for failed in range(number - needed + 1, number + 1)
    )
    return max(0.0, 1.0 - lost)


def in_series(shares: Iterable[float]) -> float:
    """The share of the time that all of these work."""
    return prod(shares)
