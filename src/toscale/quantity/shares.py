"""Which assumption is the uncertainty of a result due to? The share of the variance of each.

The result (its logarithm where it is positive throughout, so that a product is a sum) is regressed on
Hermite polynomials of the normal scores of each assumption. The variance of the part that is a function of
one assumption alone, over the whole variance, is its first-order Sobol index (Sudret, "Global sensitivity
analysis using polynomial chaos expansions", 2008). For products and quotients of lognormal ranges the
indices are exact and add up to one; what is missing to one is due to assumptions that act together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from toscale.quantity.uncertain import SAMPLES, Assumption, normal_scores

if TYPE_CHECKING:
    from toscale.quantity.uncertain import Samples, Value

MOST_CURVED = 50
"""Up to so many assumptions each has a curve of third degree; beyond, a straight line bounds the work."""


def variance_shares(value: Value, assumptions: Sequence[Assumption], seed: int) -> dict[str, float]:
    """The share of each assumption by its name, from 0 to 1, the largest first; empty without variance."""
    import numpy as np

    if isinstance(value, float) or not assumptions or len(value) != SAMPLES:
        return {}
    whole_target = np.log(value) if value.min() > 0 else np.asarray(value)
    target = whole_target - whole_target.mean()
    # A scale of one keeps the squares of very large values finite.
    widest = float(np.abs(target).max())
    if widest <= 1e-12 * max(1e-300, float(np.abs(whole_target).max())):
        return {}
    target = target / widest
    degree = 3 if len(assumptions) <= MOST_CURVED else 1
    blocks = [_hermite(normal_scores(seed, assumption.key), degree) for assumption in assumptions]
    design = np.concatenate(blocks, axis=1)
    coefficients = np.linalg.lstsq(design.T @ design, design.T @ target, rcond=None)[0]
    alone = [
        float(np.var(block @ coefficients[i * degree : (i + 1) * degree])) for i, block in enumerate(blocks)
    ]
    whole = sum(alone) + float(np.var(target - design @ coefficients))
    shares = {a.name: part / whole for a, part in zip(assumptions, alone, strict=True)}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _hermite(scores: Samples, degree: int) -> Samples:
    """Orthonormal Hermite polynomials of degree 1 to `degree`, a column each, centred on the samples."""
    import numpy as np

    columns = [scores]
    if degree == 3:
        columns += [(scores**2 - 1) / np.sqrt(2), (scores**3 - 3 * scores) / np.sqrt(6)]
    made = np.stack(columns, axis=1)
    return np.asarray(made - made.mean(axis=0))
