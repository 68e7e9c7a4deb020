"""The laws of numbers that vary from request to request: service times, waits, sizes, numbers of followers.

A `Law` knows its mean, its second moment and its quantile function in closed form or to machine precision;
the engine draws from a table of the quantiles (`toscale.engine.tables`), so that any law costs the same and
one uniform number gives one draw, in order (which common random numbers need).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import erfc, exp, gamma, inf, lgamma, log, sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

SHAPES = (
    "fixed", "exponential", "lognormal", "gamma", "pareto", "uniform", "empirical", "mixture", "residual",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Law:
    """The distribution of a non-negative number. Build one with the class methods.

    `a` and `b` are the parameters of the shape: lognormal (mu, sigma of the logarithm), gamma (shape, scale),
    pareto (lowest value, exponent), uniform (low, high), fixed and exponential (mean, unused). `cap` cuts
    off: larger draws become `cap`.
    """

    shape: str
    a: float
    b: float = 0.0
    cap: float = inf
    values: tuple[float, ...] = ()
    parts: tuple[tuple[float, Law], ...] = ()

    # ---- making one ----------------------------------------------------------------------------------------------

    @classmethod
    def fixed(cls, value: float) -> Law:
        return cls("fixed", _positive(value, "value", zero=True))

    @classmethod
    def exponential(cls, mean: float) -> Law:
        return cls("exponential", _positive(mean, "mean"))

    @classmethod
    def lognormal(cls, mean: float, cv: float) -> Law:
        """By its mean and its coefficient of variation."""
        if cv == 0:
            return cls.fixed(mean)
        variance = log(1 + _positive(cv, "cv") ** 2)
        return cls("lognormal", log(_positive(mean, "mean")) - variance / 2, sqrt(variance))

    @classmethod
    def lognormal_p99(cls, mean: float, p99: float) -> Law:
        """By its mean and its 99th percentile, the flatter of the two solutions.

        ln p99 = ln mean - s^2/2 + z s, with z the standard normal's 99th percentile, has a solution where
        p99 <= mean * exp(z^2/2), about 15 times the mean.
        """
        z = _Z99
        ratio = _positive(p99, "p99") / _positive(mean, "mean")
        if not 1 < ratio <= exp(z * z / 2):
            raise ValueError(
                f"a lognormal's p99 lies between 1 and {exp(z * z / 2):.1f} times its mean, not at {ratio:.3g}"
            )
        sigma = z - sqrt(z * z - 2 * log(ratio))
        return cls("lognormal", log(mean) - sigma * sigma / 2, sigma)

    @classmethod
    def gamma(cls, mean: float, cv: float) -> Law:
        """By its mean and its coefficient of variation (cv 1 is the exponential)."""
        k = 1 / _positive(cv, "cv") ** 2
        return cls("gamma", k, _positive(mean, "mean") / k)

    @classmethod
    def pareto(cls, mean: float, alpha: float, cap: float = inf) -> Law:
        """By its mean and its tail exponent; with a cap, the mean is that of the capped law.

        Without a cap alpha must be above 1, where the mean is infinite otherwise. Source: Arnold, Pareto
        Distributions (1983); the mean of min(X, cap) is lowest * (alpha - (lowest / cap)^(alpha - 1)) /
        (alpha - 1).
        """
        _positive(mean, "mean")
        _positive(alpha, "alpha")
        if cap == inf:
            if alpha <= 1:
                raise ValueError("a Pareto law with alpha <= 1 has an infinite mean: give it a cap")
            return cls("pareto", mean * (alpha - 1) / alpha, alpha)
        if mean >= cap:
            raise ValueError("the mean of a capped law lies below its cap")
        low, high = 0.0, cap
        for _ in range(200):
            middle = (low + high) / 2
            if cls("pareto", middle, alpha, cap).mean < mean:
                low = middle
            else:
                high = middle
        return cls("pareto", (low + high) / 2, alpha, cap)

    @classmethod
    def uniform(cls, low: float, high: float) -> Law:
        if not 0 <= low <= high < inf:
            raise ValueError("a uniform law needs 0 <= low <= high")
        return cls("uniform", low, high)

    @classmethod
    def empirical(cls, values: tuple[float, ...] | list[float]) -> Law:
        """As measured: every value equally likely."""
        if not values or min(values) < 0 or not max(values) < inf:
            raise ValueError("measured values are at least one, finite and not negative")
        return cls("empirical", float(np.mean(values)), values=tuple(sorted(float(v) for v in values)))

    @classmethod
    def mixture(cls, parts: list[tuple[float, Law]]) -> Law:
        """With probability w, a draw of the law beside it; the weights are normalised."""
        total = sum(w for w, _ in parts)
        if not parts or min(w for w, _ in parts) < 0 or not total > 0:
            raise ValueError("a mixture needs parts with weights that are not negative and not all zero")
        return cls("mixture", 0.0, parts=tuple((w / total, law) for w, law in parts))

    @classmethod
    def residual(cls, law: Law) -> Law:
        """How much longer it lasts, of something that lasts so long, looked at in its stationary state.

        The density is P(X > t) / E[X] (renewal theory; Feller, volume 2, XI.4): the same exponential, a uniform
        law for a fixed time.
        """
        if law.shape == "exponential" and law.cap == inf:
            return law
        if law.shape == "fixed":
            return cls.uniform(0.0, law.mean)
        return cls("residual", 0.0, parts=((1.0, law),))

    def scaled(self, factor: float) -> Law:
        """The law of `factor` times a draw."""
        cap = self.cap * factor
        match self.shape:
            case "lognormal":
                return Law("lognormal", self.a + log(factor), self.b, cap)
            case "gamma":
                return Law("gamma", self.a, self.b * factor, cap)
            case "pareto":
                return Law("pareto", self.a * factor, self.b, cap)
            case "uniform":
                return Law("uniform", self.a * factor, self.b * factor, cap)
            case "empirical":
                return Law(
                    "empirical", self.a * factor, cap=cap, values=tuple(v * factor for v in self.values)
                )
            case "mixture" | "residual":
                return Law(
                    self.shape, 0.0, cap=cap, parts=tuple((w, law.scaled(factor)) for w, law in self.parts)
                )
            case _:
                return Law(self.shape, self.a * factor, self.b, cap)

    def at_most(self, cap: float) -> Law:
        """The law with larger draws replaced by `cap` (the mean falls accordingly)."""
        return Law(self.shape, self.a, self.b, min(self.cap, cap), self.values, self.parts)

    # ---- what is known of it -------------------------------------------------------------------------------------

    @property
    def mean(self) -> float:
        return self._moment(1)

    @property
    def second_moment(self) -> float:
        """E[X^2]; infinite for a Pareto law with alpha <= 2 and no cap."""
        return self._moment(2)

    @property
    def cv(self) -> float:
        """Standard deviation over mean; 0 where the mean is 0."""
        mean = self.mean
        if mean == 0:
            return 0.0
        return sqrt(max(0.0, self.second_moment / mean**2 - 1))

    def _moment(self, n: int) -> float:
        a, b, cap = self.a, self.b, self.cap
        match self.shape:
            case "fixed":
                return min(a, cap) ** n
            case "uniform" if cap >= b:
                return a if a == b else (b ** (n + 1) - a ** (n + 1)) / ((n + 1) * (b - a))
            case "exponential" if cap == inf:
                return a**n * gamma(n + 1)
            case "lognormal" if cap == inf:
                return exp(n * a + n * n * b * b / 2)
            case "lognormal":
                d = (log(cap) - a) / b
                return exp(n * a + n * n * b * b / 2) * _normal_cdf(d - n * b) + cap**n * _normal_cdf(-d)
            case "gamma" if cap == inf:
                return b**n * (a if n == 1 else a * (a + 1))
            case "pareto" if cap == inf:
                return b * a**n / (b - n) if b > n else inf
            case "pareto":
                if cap <= a:
                    return cap**n
                # E[min(X, c)^n] = a^n + n * integral from a to c of x^(n-1) (a/x)^alpha dx
                tail = log(cap / a) * a**n if b == n else (cap ** (n - b) * a**b - a**n) / (n - b)
                return a**n + n * tail
            case "mixture":
                return sum(w * law.at_most(cap)._moment(n) for w, law in self.parts)
            case "empirical":
                return float(np.mean(np.minimum(np.asarray(self.values), cap) ** n))
            case _:
                return _numeric_moment(self, n)

    def quantile(self, u: Array) -> Array:
        """The u-quantiles, for u in (0, 1); any shape of array."""
        u = np.asarray(u, dtype=np.float64)
        return np.minimum(self._raw_quantile(u), self.cap)

    def _raw_quantile(self, u: Array) -> Array:
        a, b = self.a, self.b
        match self.shape:
            case "fixed":
                return np.full_like(u, a)
            case "exponential":
                return -a * np.log1p(-u)
            case "lognormal":
                return np.exp(a + b * normal_quantile(u))
            case "gamma":
                return b * _gamma_quantile(a, u)
            case "pareto":
                return a * (1 - u) ** (-1 / b)
            case "uniform":
                return a + (b - a) * u
            case "empirical":
                values = np.asarray(self.values)
                return values[np.minimum((u * len(values)).astype(np.int64), len(values) - 1)]
            case "mixture":
                return _mixture_quantile(self.parts, u)
            case "residual":
                at, below = _residual_table(self.parts[0][1])
                return np.interp(u, below, at)
            case _:
                raise ValueError(f"unknown shape {self.shape!r}: one of {', '.join(SHAPES)}")

    def cdf(self, x: Array) -> Array:
        """The chance of a draw of at most x."""
        x = np.asarray(x, dtype=np.float64)
        a, b = self.a, self.b
        positive = np.maximum(x, 1e-300)
        match self.shape:
            case "fixed":
                below = (x >= a).astype(np.float64)
            case "exponential":
                below = -np.expm1(-np.maximum(x, 0) / a)
            case "lognormal":
                below = np.vectorize(_normal_cdf)((np.log(positive) - a) / b)
            case "gamma":
                below = _gamma_cdf(a, np.maximum(x, 0) / b)
            case "pareto":
                below = np.where(x < a, 0.0, 1 - (a / np.maximum(positive, a)) ** b)
            case "uniform":
                below = np.clip((x - a) / (b - a), 0, 1) if b > a else (x >= a).astype(np.float64)
            case "empirical":
                below = np.searchsorted(np.asarray(self.values), x, side="right") / len(self.values)
            case "residual":
                at, passed = _residual_table(self.parts[0][1])
                below = np.interp(x, at, passed)
            case _:
                below = np.sum([w * law.cdf(x) for w, law in self.parts], axis=0)
        reached: Array = np.where(x >= self.cap, 1.0, below)
        return reached


def _positive(value: float, name: str, *, zero: bool = False) -> float:
    if not (0 < value < inf or (zero and value == 0)):
        raise ValueError(f"the {name} of a law must be positive and finite, not {value!r}")
    return float(value)


def _normal_cdf(x: float) -> float:
    return 0.5 * erfc(-x / sqrt(2))


def normal_quantile(u: Array) -> Array:
    """The standard normal's quantile: Acklam's rational approximation and one step of Halley; error below
    1e-14.
    """
    u = np.asarray(u, dtype=np.float64)
    lower = np.minimum(u, 1 - u)
    with np.errstate(divide="ignore"):
        q = np.sqrt(-2 * np.log(lower))
    c = (
        -7.784894002430293e-03,
        -3.223964580411365e-01,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    )
    d = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996, 3.754408661907416)
    tail = np.polyval(c, q) / np.polyval((*d, 1.0), q)
    a = (
        -3.969683028665376e01,
        2.209460984245205e02,
        -2.759285104469687e02,
        1.383577518672690e02,
        -3.066479806614716e01,
        2.506628277459239,
    )
    b = (
        -5.447609879822406e01,
        1.615858368580409e02,
        -1.556989798598866e02,
        6.680131188771972e01,
        -1.328068155288572e01,
    )
    centre = lower - 0.5
    r = centre * centre
    middle = np.polyval(a, r) * centre / np.polyval((*b, 1.0), r)
    x = np.where(lower < 0.02425, tail, middle)
    error = np.vectorize(_normal_cdf)(x) - lower
    step = error * sqrt(2 * np.pi) * np.exp(x * x / 2)
    x = x - step / (1 + x * step / 2)
    quantile: Array = np.where(u < 0.5, x, -x)
    return quantile


_Z99 = 2.3263478740408408


def _gamma_cdf(k: float, x: Array) -> Array:
    """The regularised lower incomplete gamma function P(k, x): its series below k + 1, Lentz's fraction
    above.

    Source: Press et al., Numerical Recipes (2007), section 6.2.
    """
    x = np.asarray(x, dtype=np.float64)
    safe = np.maximum(x, 1e-300)
    front = np.exp(k * np.log(safe) - safe - lgamma(k))
    small = np.minimum(safe, k + 1)
    term = np.full_like(safe, 1 / k)
    total = term.copy()
    for n in range(1, 2000):
        term = term * small / (k + n)
        total = total + term
        if np.all(term < total * 1e-16):
            break
    series = front * total
    large = np.maximum(safe, k + 1)
    b = large + 1 - k
    c = np.full_like(large, 1e300)
    d = 1 / b
    h = d.copy()
    for n in range(1, 2000):
        an = -n * (n - k)
        b = b + 2
        d = 1 / (an * d + b)
        c = b + an / c
        h = h * d * c
        if np.all(np.abs(d * c - 1) < 1e-14):
            break
    fraction = 1 - front * h
    return np.where(x <= 0, 0.0, np.where(safe < k + 1, series, fraction))


def _gamma_quantile(k: float, u: Array) -> Array:
    """By interpolation in a table of P(k, x), then Newton's steps on the logarithm of x."""
    u = np.asarray(u, dtype=np.float64)
    grid = np.linspace(
        log(k) - 60 / min(k, 1.0) ** 0.5 / max(1.0, sqrt(k) / 4), log(k + 40 * sqrt(k) + 60), 4001
    )
    at = np.interp(u, _gamma_cdf(k, np.exp(grid)), grid)
    for _ in range(6):
        x = np.exp(at)
        slope = np.exp(k * at - x - lgamma(k))  # dP / d log x
        at = at - np.clip((_gamma_cdf(k, x) - u) / np.maximum(slope, 1e-300), -0.5, 0.5)
    return np.exp(at)


def _mixture_quantile(parts: tuple[tuple[float, Law], ...], u: Array) -> Array:
    """The smallest x whose mixed distribution function reaches u, by bisection between the parts' own
    quantiles.
    """
    ends = np.stack([law.quantile(u) for w, law in parts if w > 0])
    low, high = ends.min(axis=0), ends.max(axis=0)
    mixed = Law("mixture", 0.0, parts=parts)
    reached = mixed.cdf(low) >= u
    for _ in range(80):
        middle = (low + high) / 2
        below = mixed.cdf(middle) < u
        low = np.where(below & ~reached, middle, low)
        high = np.where(below | reached, high, middle)
    smallest: Array = np.where(reached, ends.min(axis=0), high)
    return smallest


@lru_cache(maxsize=64)
def _residual_table(law: Law) -> tuple[Array, Array]:
    """Times, and the chance that what is looked at lasts no longer than each: the integral of P(X > t) / E[X].

    Between the law's own quantiles, which are close where it ends, the chance falls along straight lines.
    """
    fine = np.concatenate([np.arange(1, 4096) / 4096, 1 - np.geomspace(1 / 4096, 1e-12, 512)[1:]])
    ends = np.concatenate([[0.0], law.quantile(fine)])
    outlasts = 1 - np.concatenate([[0.0], fine])
    spans = np.diff(ends)
    if law.shape == "empirical":  # it falls in steps, each at the end of its span
        passed = np.concatenate([[0.0], np.cumsum(spans * outlasts[:-1])])
    else:
        passed = np.concatenate([[0.0], np.cumsum(spans * (outlasts[:-1] + outlasts[1:]) / 2)])
    kept = np.concatenate([[True], np.diff(passed) > 0])
    return ends[kept], passed[kept] / passed[-1]


def _numeric_moment(law: Law, n: int) -> float:
    """E[min(X, cap)^n] as the mean of the quantile function's power, by Gauss-Legendre on cells that halve to
    both ends.
    """
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = [2.0**-k for k in range(50, 0, -1)]
    edges = [0.0, *edges, *(1 - e for e in reversed(edges[:-1])), 1.0]
    total = 0.0
    for low, high in pairwise(edges):
        u = (low + high) / 2 + (high - low) / 2 * nodes
        total += float(np.sum(weights * law.quantile(np.clip(u, 1e-300, 1 - 1e-16)) ** n)) * (high - low) / 2
    return total
