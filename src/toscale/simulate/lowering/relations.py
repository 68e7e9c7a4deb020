"""How many followers has an author? The law of a number that differs from one instance to the next.

The engine rounds a draw down to a whole number, so that each law here is one whose rounded draws have the
mean that the file gives. Laws are those of counts from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log1p, sqrt

from toscale.design.model import HasMany
from toscale.engine.laws import Law
from toscale.simulate.lowering.ledger import NotComputable
from toscale.simulate.lowering.values import Values

__all__ = ["count_law", "geometric", "poisson"]

_HALF = 0.5
"""What rounding down takes off the mean of a smooth law."""
_GRID = 4096
MOST = 1e12
"""The largest mean number of anything that belongs to one instance."""
_NORMAL_FROM = 50.0
"""From this mean on a Poisson count is drawn as a lognormal with its variance: their p99 differ by less
than 2%.
"""


def geometric(mean: float) -> Law:
    """The law whose draws, rounded down, are 0, 1, 2, ... with chances (1 - q) q^k and this mean.

    An exponential of mean 1 / ln(1 + 1 / mean), rounded down: P(at least k) = exp(-k ln(1 + 1/mean)) = q^k,
    q = mean / (1 + mean).
    """
    return Law.fixed(0.0) if mean == 0 else Law.exponential(1 / log1p(1 / mean))


def poisson(mean: float) -> Law:
    """The law whose draws, rounded down, are Poisson with this mean, up to a grid of quantiles."""
    if mean == 0:
        return Law.fixed(0.0)
    if mean >= _NORMAL_FROM:
        return Law.lognormal(mean + _HALF, 1 / sqrt(mean))
    values: list[float] = []
    k, weight = 0, exp(-mean)
    below = weight
    for cell in range(_GRID):
        while below < (cell + 0.5) / _GRID:
            k += 1
            weight *= mean / k
            below += weight
        values.append(float(k))
    return Law.empirical(values)


def count_law(relation: HasMany, values: Values, *, less: int = 0) -> Law:
    """The law of the number of a relation; `less`: so many of them are left out of it (`except`), by a mean
    that is smaller.

    Raises `NotComputable` for figures without a value, or impossible ones. Source of the geometric and of
    the rounding: above; of the capped Pareto: `Law.pareto`.
    """
    if relation.one_of:
        return Law.mixture(
            [
                (values.share(part.share), count_law(part.number, values, less=less))
                for part in relation.one_of
            ]
        )
    if relation.exactly is not None:
        return Law.fixed(float(max(0, round(values.number(relation.exactly)) - less)))
    if relation.mean is None:
        raise NotComputable("the relation gives neither `exactly` nor a `mean`", relation.place)
    mean = max(0.0, values.at_least_zero(relation.mean, values.number(relation.mean)) - less)
    if mean > MOST:
        raise NotComputable(f"a mean of {mean:.3g} is more than {MOST:g}", relation.place)
    cap = None if relation.at_most is None else max(0.0, values.number(relation.at_most) - less)
    if mean == 0 or cap == 0:
        return Law.fixed(0.0)
    try:
        law = _Shape(relation, values, mean, cap, less).law()
    except ValueError as error:
        raise NotComputable(f"the relation is impossible: {error}", relation.place) from None
    return law if cap is None else law.at_most(cap)


@dataclass(frozen=True, slots=True)
class _Shape:
    relation: HasMany
    values: Values
    mean: float
    cap: float | None
    less: int

    def law(self) -> Law:
        mean, cap = self.mean, self.cap
        match self.relation.shape:
            case "geometric":
                return geometric(mean)
            case "poisson":
                return poisson(mean)
            case "uniform":
                return Law.uniform(0.0, 2 * mean + 1)
            case "pareto":
                if self.relation.tail is None:
                    raise NotComputable(
                        "a Pareto relation needs its exponent, as in `pareto(1.2)`", self.relation.place
                    )
                tail = self.values.number(self.relation.tail)
                return Law.pareto(mean + _HALF, tail) if cap is None else Law.pareto(mean + _HALF, tail, cap)
            case "lognormal":
                if self.relation.p99 is None:
                    raise NotComputable("a lognormal relation needs its `p99`", self.relation.place)
                high = self.values.number(self.relation.p99) - self.less
                return Law.lognormal_p99(mean + _HALF, high + _HALF)
            case _:
                return Law.fixed(float(round(mean)))
