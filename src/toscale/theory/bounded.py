"""How many requests need no call because a sidecar has taken ahead? By key, as a renewal process.

Theory takes every bounded thing as enough for all: what is refused, waits in line or ends is left to the simulation,
and said to be (`toscale.theory.assumptions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import Register
from toscale.theory.numbers import Spread
from toscale.theory.popularity import Array, keys

if TYPE_CHECKING:
    from toscale.engine.model import FromStash
    from toscale.theory.knowledge import Known
    from toscale.theory.tally import Tally

__all__ = ["calls_per_ask", "from_stash"]


def calls_per_ask(asks: Array, number: int) -> Array:
    """The share of requests that make a call which takes `number` units ahead, where `asks` more come on average
    (Poisson) for as long as they are kept.

    A call serves E[min(number, 1 + N)] requests: those until the one that finds none left, or the first one after
    the units are no longer good, whichever comes first (Wald's equation on the cycle between two calls).
    """
    served = np.ones_like(asks)
    small = asks <= 500.0
    mean = np.where(small, asks, 0.0)
    chance = np.exp(-mean)
    more = 1.0 - chance
    for j in range(1, number):
        if float(more.max(initial=0.0)) < 1e-12:
            break
        served = served + more
        chance = chance * mean / j
        more = np.maximum(more - chance, 0.0)
    return np.asarray(1.0 / np.where(small, served, np.minimum(float(number), 1.0 + asks)))


def from_stash(step: FromStash, known: Known, rate: float, tally: Tally) -> Known:
    """What is known behind a look into what was taken ahead: `rate` requests per second ask for one unit each."""
    tally.asked[step.pool] = tally.asked.get(step.pool, 0.0) + rate
    drawn = known.keys.get(step.key) if step.key is not None else None
    each = rate / step.machines * step.keep
    if drawn is None or drawn.weights is None:
        called = float(calls_per_ask(np.array([each if step.key is None else 0.0]), step.number)[0])
    else:
        per_key = drawn.weights / keys(drawn.population).counts
        called = float(drawn.weights @ calls_per_ask(per_key * each, step.number))
    found = Spread(np.array([0.0, 1.0]), np.array([called, 1.0 - called]))
    return known.with_number(Register(step.found), found)
