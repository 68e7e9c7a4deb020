"""How often is each key drawn? A population of up to billions of keys, laid out in less than a thousand
cells.

The keys of the head stand alone; the tail is cut into cells of ranks whose ends grow by 3% each, and the keys
of one cell are taken as equally popular. Sums of powers over a cell are integrals by the midpoint rule
(Euler-Maclaurin to first order), whose error falls with the square of the rank and is below 1e-7 of a cell
from rank 256 on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from toscale.engine.model import Drop, Get, Key, NewKey, Put, Scatter, walk

if TYPE_CHECKING:
    from toscale.engine.model import Model, Population

Array = np.ndarray[Any, np.dtype[np.float64]]

HEAD = 256  # keys that stand alone
GROWTH = 1.03  # of the ranks, from one cell of the tail to the next


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The cells of a population: `counts[j]` keys, drawn with chance `weights[j]` together (the weights sum
    to 1).
    """

    counts: Array
    weights: Array


def keys(population: Population) -> Keys:
    """The cells of a population."""
    return zipf(population.size, population.exponent)


@lru_cache(maxsize=256)
def zipf(size: int, exponent: float) -> Keys:
    """The cells of `size` keys, of which key i (from 1) is drawn in proportion to i ** -exponent (0:
    uniformly).
    """
    if size < 1:
        raise ValueError("a population has at least one key")
    if exponent == 0:
        return Keys(np.array([float(size)]), np.ones(1))
    head = np.arange(1, min(size, HEAD) + 1, dtype=np.float64)
    edges = [head[-1] + 1]
    while edges[-1] <= size:
        edges.append(min(float(int(edges[-1] * GROWTH) + 1), size + 1.0))
    ends = np.asarray(edges)
    counts = np.concatenate([np.ones(len(head)), np.diff(ends)])
    low, high = np.log(ends[:-1] - 0.5), np.log(ends[1:] - 0.5)
    p = 1 - exponent
    # the integral of x^-s from exp(low) to exp(high), without cancellation near s = 1
    width = high - low
    tail = np.exp(p * low) * (width if abs(p) < 1e-12 else np.expm1(p * width) / p)
    weights = np.concatenate([head**-exponent, tail])
    return Keys(counts, weights / weights.sum())


def populations(model: Model) -> dict[int, Population]:
    """Those whose keys a model's steps touch, by number."""
    found: dict[int, Population] = {}
    for flow in model.flows:
        for step in walk(flow.steps):
            if isinstance(step, Key | NewKey | Get | Put | Drop | Scatter):
                found.setdefault(step.population.number, step.population)
    return found
