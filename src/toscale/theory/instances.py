"""How often does a call of a function find no instance that is warm? Exactly, where calls are Poisson and times
exponential.

As the instance that became idle last is used first, there are as many of them as there were calls at once at
most in the last `keep` seconds. So a call starts one exactly where it is one more at once than there ever were
in that time. It finds n others with the probability of a Poisson number of mean `load` (calls per second times
the time of one; PASTA), and as M/M/infinity looks the same backwards in time (Kelly, Reversibility and
Stochastic Networks, 1979, chapter 1), that the number was n at most so long is as likely as that from n on it
needs longer than that to reach n + 1. The time of that has the Laplace transform

    f[n](s) = rate / (rate + s + n (1 - f[n - 1](s)) / mean)

(the first step up, or down and then up twice), which is inverted numerically (Abate & Whitt, "Numerical inversion of
Laplace transforms of probability distributions", ORSA Journal on Computing 7, 1995, the Euler algorithm).
Mahmoudi & Khazaei ("Performance modeling of serverless computing platforms", IEEE Transactions on Cloud Computing 10,
2022) have the same system with instances that are used in the order of their age, by approximation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb, exp, isfinite, log, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toscale.engine.model import Model, Station
    from toscale.theory.stations import StationTheory

__all__ = ["InstanceTheory", "instances", "records"]

_TERMS, _AVERAGED = 24, 11
_ACCURACY = 18.4  # the discretisation error is e^-18.4, 1e-8
_MOST = 1_000.0
"""More calls at once vary as these do, over the square root of their number (the limit is the process of Ornstein and
Uhlenbeck).
"""


@dataclass(frozen=True, slots=True)
class InstanceTheory:
    """Of a function: the share of its calls that start an instance, and how many instances there are, busy or idle."""

    name: str
    cold: float
    number: float


def instances(model: Model, states: Mapping[str, StationTheory]) -> dict[str, InstanceTheory]:
    """Those of each function."""
    return {s.name: instances_of(s, states[s.name]) for s in model.stations if s.instances is not None}


def instances_of(place: Station, state: StationTheory) -> InstanceTheory:
    """The instances of a function whose calls come and stay as its `state` says (the time of a cold start included)."""
    assert place.instances is not None
    rate = state.arrivals * (1 - state.refused)
    if rate <= 0:
        return InstanceTheory(place.name, 1.0, 0.0)
    if state.holding is None:  # all that there can be are busy
        return InstanceTheory(place.name, 0.0, float(place.slots or 0))
    load = rate * state.holding
    wide = max(1.0, load / _MOST)
    cold, number = records(rate / wide, state.holding, place.instances.keep)
    cold, number = cold / sqrt(wide), load + (number - load / wide) * sqrt(wide)
    return InstanceTheory(place.name, cold, min(number, float(place.slots or number)))


@lru_cache(maxsize=256)
def records(rate: float, holding: float, keep: float) -> tuple[float, float]:
    """The share of calls that are one more at once than there were in the last `keep` seconds, and the mean of the most
    that there were in such a time; `rate` per second, `holding` in seconds.
    """
    load = rate * holding
    if load <= 0 or keep <= 0:
        return 1.0 if keep <= 0 else exp(-rate * keep), load
    if not isfinite(keep):
        return 0.0, load
    s = _points(keep)
    last = int(load + 12 * sqrt(load) + 30)  # beyond which no number is, within 1e-15 or so
    f = np.zeros(len(s), dtype=complex)
    reached = np.zeros(len(s), dtype=complex)
    cold, number, below, chance = 0.0, 0.0, 0.0, -load
    for n in range(last + 1):
        f = rate / (rate + s + n * (1 - f) / holding)
        probability = exp(chance)
        reached = f * (reached + probability)
        below += probability
        survives = _inverted(np.stack([(1 - f) / s, (below - reached) / s]), keep)
        cold += probability * min(max(float(survives[0]), 0.0), 1.0)
        number += 1 - min(max(float(survives[1]), 0.0), 1.0)
        chance += log(load) - log(n + 1)
    return min(cold, 1.0), max(number, load)


def _points(time: float) -> Any:
    """Where the transform is needed: (terms,) complex numbers."""
    k = np.arange(_TERMS + _AVERAGED + 1)
    return (_ACCURACY + 2j * pi * k) / (2 * time)


def _inverted(transform: Any, time: float) -> Any:
    """The functions at `time` whose transforms at the points are the rows."""
    terms = transform.real * np.where(np.arange(transform.shape[1]) % 2, -1.0, 1.0)
    terms[:, 0] /= 2
    sums = np.cumsum(terms, axis=1)[:, _TERMS:]
    weights = np.array([comb(_AVERAGED, k) for k in range(_AVERAGED + 1)]) / 2.0**_AVERAGED
    return exp(_ACCURACY / 2) / time * (sums @ weights)
