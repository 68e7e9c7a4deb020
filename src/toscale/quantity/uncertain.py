"""How is what we do not know carried? As 10,001 samples, drawn once for each assumption.

Each uncertain literal of a formula (`60M to 160M`, `uniform(1, 3)`) is an assumption with a stream of its own,
found by the seed, the name of the estimate and its place in the formula: adding another assumption changes
no sample of this one. The samples are the midpoints of equally likely strata, in a random order (a Latin
hypercube; McKay, Beckman and Conover 1979), so that each assumption has its exact quantiles.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from toscale.quantity.errors import QuantityError
from toscale.quantity.units import Dimension

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]
    Value = float | Samples

SAMPLES = 10_001
"""How many samples an uncertain value has; odd, so that the median of an assumption is one of them."""

DEFAULT_SEED = 1

Z95 = 1.6448536269514722
"""The 95th percentile of the standard normal: the ends of a 90% interval are so many deviations away."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A value in s, byte and USD with its dimension: a float where it is certain, else samples.

    Arrays of another length than `SAMPLES` may be handed to formulas as well (a number for each tenant,
    say), as long as one formula does not mix lengths.
    """

    value: Value
    dimension: Dimension

    def __post_init__(self) -> None:
        if isinstance(self.value, int):
            object.__setattr__(self, "value", float(self.value))

    @property
    def is_certain(self) -> bool:
        return isinstance(self.value, float)


@dataclass(frozen=True, slots=True)
class Assumption:
    """One uncertain literal: `name` for reports, `key` for its stream, `text` as it was written."""

    name: str
    key: str
    text: str


def _order(seed: int, key: str) -> NDArray[np.int64]:
    import numpy as np

    digest = hashlib.blake2b(f"{seed}/{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
    return generator.permutation(SAMPLES)


@lru_cache(maxsize=1)
def _normal_grid() -> Samples:
    """The standard normal at the midpoints of the strata, ascending."""
    from statistics import NormalDist

    import numpy as np

    inverse, half = NormalDist().inv_cdf, SAMPLES // 2
    below = np.array([inverse((i + 0.5) / SAMPLES) for i in range(half)])
    return np.concatenate([below, [0.0], -below[::-1]])


def probabilities(seed: int, key: str) -> Samples:
    """The stream of an assumption as `SAMPLES` probabilities in (0, 1)."""
    return (_order(seed, key) + 0.5) / SAMPLES


def normal_scores(seed: int, key: str) -> Samples:
    """The same stream as standard normal deviates."""
    return _normal_grid()[_order(seed, key)]


def draw_range(low: float, high: float, seed: int, key: str) -> Value:
    """Samples of `low to high`: 5% lie below `low` and 5% above `high`.

    A lognormal where both ends are positive, else a normal; a float where the ends are equal. `low` must
    not exceed `high`. Samples may be infinite where the ends are far apart: the caller checks.
    """
    import numpy as np

    if low == high:
        return low
    with np.errstate(all="ignore"):
        scores = normal_scores(seed, key)
        if low > 0:
            middle, spread = (math.log(low) + math.log(high)) / 2, (math.log(high) - math.log(low)) / 2
            return np.exp(middle + spread / Z95 * scores)
        return low / 2 + high / 2 + (high / 2 - low / 2) / Z95 * scores


def draw_shape(shape: str, parameters: Sequence[float], seed: int, key: str) -> Value:
    """Samples of a named shape, a float where it has no spread.

    `uniform(low, high)`; `triangular(low, mode, high)`; `normal(mean, sd)`; `lognormal(mean, sd)`, with mean
    and standard deviation of the value itself, not of its logarithm. Raises `QuantityError` without a place
    for parameters that no such distribution has.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        if shape == "uniform":
            low, high = parameters
            _ascending(shape, parameters)
            return low if low == high else low + (high - low) * probabilities(seed, key)
        if shape == "triangular":
            low, mode, high = parameters
            _ascending(shape, parameters)
            if low == high:
                return low
            share, at = (mode - low) / (high - low), probabilities(seed, key)
            rising = low + np.sqrt(at * (high - low) * (mode - low))
            falling = high - np.sqrt((1 - at) * (high - low) * (high - mode))
            return np.where(at < share, rising, falling)
        mean, sd = parameters
        if sd < 0:
            raise QuantityError(
                "impossible-shape",
                f"The standard deviation of `{shape}` is negative.",
                f"Write `{shape}(mean, sd)`.",
            )
        if shape == "normal":
            return mean if sd == 0 else mean + sd * normal_scores(seed, key)
        if mean <= 0:
            raise QuantityError(
                "impossible-shape", "The mean of a lognormal is positive.", "Write `normal(mean, sd)`."
            )
        if sd == 0:
            return mean
        variance = math.log1p(min((sd / mean) * (sd / mean), 1e300))
        return np.exp(math.log(mean) - variance / 2 + math.sqrt(variance) * normal_scores(seed, key))


def _ascending(shape: str, parameters: Sequence[float]) -> None:
    if sorted(parameters) != list(parameters):
        order = "low, high" if shape == "uniform" else "low, mode, high"
        raise QuantityError(
            "reversed-range", f"The parameters of `{shape}` do not ascend.", f"Write `{shape}({order})`."
        )


def quantile(value: Value, probability: float) -> float:
    """The quantile of a value; that of a certain value is the value.

    Hazen's rule, which takes sample i of N as the quantile (i - 1/2)/N: the strata's midpoints are so.
    """
    if isinstance(value, float):
        return value
    import numpy as np

    return float(np.quantile(value, probability, method="hazen"))
