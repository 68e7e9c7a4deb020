"""How long does one wait for a lock? For each key there is a queue of its own.

The requests for one key are taken as Poisson, and what is done while it is locked as a general service time:
the wait for a key is that of M/G/1 (Pollaczek 1930, Khinchine 1932), and where nobody waits, the chance of
finding it locked is that of M/G/1/1 (Erlang 1917, insensitive). Both are averaged over the keys by their
popularity.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from toscale.theory.popularity import keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toscale.theory.knowledge import Drawn


@dataclass(frozen=True, slots=True)
class Held:
    """Requests for a lock: so many a second, held for a time of these moments (seconds, seconds squared)."""

    rate: float
    mean: float
    second: float


@dataclass(frozen=True, slots=True)
class Wait:
    """How one request for a lock fares: its mean wait, the chance of finding the key locked (or, where nobody waits,
    of being refused), and the share of the requests for keys that cannot keep up.
    """

    mean: float = 0.0
    chance: float = 0.0
    excess: float = 0.0


def together(held: Sequence[Held]) -> Held:
    """All requests for a lock as one stream."""
    rate = sum(h.rate for h in held)
    if rate <= 0:
        return Held(0.0, 0.0, 0.0)
    finite = [h for h in held if isfinite(h.mean) and isfinite(h.second)]
    if len(finite) < len(held):
        return Held(rate, inf, inf)
    return Held(rate, sum(h.rate * h.mean for h in held) / rate, sum(h.rate * h.second for h in held) / rate)


def wait(held: Held, drawn: Drawn | None, waits: bool) -> Wait:
    """How a request for a key drawn so fares among all the others."""
    if drawn is None or drawn.weights is None or held.rate <= 0:
        return Wait()  # each has a key of its own
    if not isfinite(held.mean):
        return Wait(inf, 1.0, 1.0) if waits else Wait(0.0, 1.0, 0.0)
    weights = drawn.weights
    rates = held.rate * weights / keys(drawn.population).counts
    load = rates * held.mean
    if not waits:
        return Wait(0.0, float(weights @ (load / (1 + load))), 0.0)
    if load.max() >= 1:
        return Wait(inf, 1.0, float(weights @ np.maximum(0.0, 1 - 1 / np.maximum(load, 1e-300))))
    return Wait(float(weights @ (rates * held.second / (2 * (1 - load)))), float(weights @ load), 0.0)
