"""What values has a number that differs from request to request? Weighted values, conditioned on the branches
taken.

`Spread` is a discrete distribution: exact where the number is small, by quadrature in the tail, so that the
mean of a number of followers with a tail up to millions comes out right with a few hundred values.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from toscale.theory.popularity import Array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toscale.engine.laws import Law

EXACT = 64  # whole numbers below this have their exact chance
OPERATORS: dict[str, Callable[[Array, Array], Array]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """`values[i]` with chance `weights[i]`; the weights sum to 1."""

    values: Array
    weights: Array

    @property
    def mean(self) -> float:
        return float(self.values @ self.weights)

    @property
    def second(self) -> float:
        """E[N^2]."""
        return float((self.values * self.values) @ self.weights)

    @property
    def variance(self) -> float:
        return max(0.0, self.second - self.mean**2)

    def mapped(self, function: Callable[[Array], Array]) -> Spread:
        """The distribution of a function of the number."""
        return Spread(function(self.values), self.weights)

    def weighted(self, by: Array) -> Spread:
        """As seen by a thing that is met in proportion to `by` (one factor for each value)."""
        weights = self.weights * by
        total = float(weights.sum())
        return Spread(self.values, weights / total) if total > 0 else self

    def quantiles(self, u: Array) -> Array:
        """The u-quantiles."""
        order = np.argsort(self.values, kind="stable")
        reached = np.cumsum(self.weights[order])
        return self.values[order][np.minimum(np.searchsorted(reached, u), len(order) - 1)]

    def compressed(self, most: int) -> Spread:
        """At most that many values, each the mean of a group of neighbours: the mean is kept."""
        if len(self.values) <= most:
            return self
        order = np.argsort(self.values, kind="stable")
        values, weights = self.values[order], self.weights[order]
        # groups of equal chance in the body; the last half of them halve again and again towards the tail
        half = most // 2
        edges = np.concatenate(
            [np.linspace(0, 0.9, half + 1)[1:], 1 - 0.1 * 0.5 ** np.arange(1, most - half)]
        )
        group = np.searchsorted(edges, np.cumsum(weights) - weights / 2)
        share = np.bincount(group, weights, minlength=most)
        total = np.bincount(group, weights * values, minlength=most)
        kept = share > 0
        return Spread(np.asarray(total[kept] / share[kept]), np.asarray(share[kept], dtype=np.float64))


def constant(value: float) -> Spread:
    """Always the same."""
    return Spread(np.array([float(value)]), np.ones(1))


def bernoulli(chance: float) -> Spread:
    """1 with that chance, else 0."""
    return Spread(np.array([0.0, 1.0]), np.array([1 - chance, chance]))


def mixture(parts: Sequence[tuple[float, Spread]]) -> Spread:
    """Each with its weight, which need not sum to 1."""
    total = sum(w for w, _ in parts)
    if total <= 0:
        return parts[0][1]
    values = parts[0][1].values
    if all(s.values is values for _, s in parts):  # they differ only by what is known
        return Spread(values, sum((w / total * s.weights for w, s in parts), np.zeros_like(values)))
    mixed = Spread(
        np.concatenate([s.values for _, s in parts]),
        np.concatenate([s.weights * (w / total) for w, s in parts]),
    )
    return mixed.compressed(400) if len(mixed.values) > 2000 else mixed


@lru_cache(maxsize=512)
def floored(law: Law) -> Spread:
    """The law of a draw rounded down, as the engine's attributes are.

    Small values by the distribution function; the tail by Gauss-Legendre in u = F(x), in cells that halve
    towards 1.
    """
    ends = np.arange(0, EXACT + 1, dtype=np.float64)
    below = law.cdf(np.maximum(np.nextafter(ends, -1.0), 0.0))  # P(X < k)
    below[0] = 0.0
    chances = np.diff(below)
    kept = chances > 0
    values, weights = [ends[:-1][kept]], [chances[kept]]
    start = float(below[-1])
    if start < 1:
        nodes, shares = np.polynomial.legendre.leggauss(6)
        edges = 1 - (1 - start) * 2.0 ** -np.arange(0, 45)
        low, high = edges[:-1, None], edges[1:, None]
        u = (low + high) / 2 + (high - low) / 2 * nodes
        values.append(np.floor(law.quantile(np.minimum(u, 1 - 1e-16)).ravel()))
        weights.append(((high - low) / 2 * shares).ravel())
    value, weight = np.concatenate(values), np.concatenate(weights)
    return Spread(value, weight / weight.sum())


def holds(symbol: str, left: Spread, right: Spread) -> tuple[float, Array, Array]:
    """The chance that `left symbol right` for independent numbers, and that chance given each value of the
    left and of the right.
    """
    true = OPERATORS[symbol](left.values[:, None], right.values[None, :]).astype(np.float64)
    given_left = true @ right.weights
    given_right = left.weights @ true
    return float(left.weights @ given_left), given_left, given_right
