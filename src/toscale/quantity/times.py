"""How does a time vary from request to request? `4 ms (p99 30 ms)`, `between 1 s and 30 s`, `20 s exponential`.

That is another thing than what we do not know (`2 to 4 ms`, whose mean is uncertain and then the same for all).
A `RandomTime` has a mean and a shape. Where no shape is written, `spread_given` is false and the kind of the
component that works puts its own in with `with_spread`.

| written | shape |
|---|---|
| `4 ms` | mean only |
| `4 ms (p99 30 ms)` | lognormal with that mean and that percentile |
| `4 ms exponential`, `4 ms fixed` | as they say |
| `4 ms gamma(cv 2)`, `4 ms lognormal(cv 1)`, `4 ms pareto(alpha 2.5)` | with that mean |
| `between 1 s and 30 s` | uniform |
| `session, between 0.8x and 1.2x` | uniform, in parts of the mean |
| `from file.csv` | empirical: the values of a file, which is read elsewhere |
| `... per batch` | once for a batch, whatever its size |
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from toscale.quantity.errors import QuantityError, did_you_mean, excerpt
from toscale.quantity.formatting import format_number, format_quantity
from toscale.quantity.formula import Formula, Literal
from toscale.quantity.grammar import Vocabulary, parse
from toscale.quantity.sheet import Sheet, evaluate_expression
from toscale.quantity.tokens import MOST_CHARACTERS
from toscale.quantity.uncertain import DEFAULT_SEED, Quantity
from toscale.quantity.units import NUMBER, TIME

if TYPE_CHECKING:
    from toscale.quantity.estimate import Estimate


class Shape(Enum):
    """The distribution of a time that varies."""

    UNSTATED = "unstated"
    FIXED = "fixed"
    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"
    GAMMA = "gamma"
    PARETO = "pareto"
    UNIFORM = "uniform"
    EMPIRICAL = "empirical"


MOST_CV = 100.0
"""The largest coefficient of variation: beyond it no simulation of any length says anything."""


@dataclass(frozen=True)
class RandomTime:
    """A time that varies from request to request, in seconds.

    `mean` is the mean, at the median of what is uncertain in it; None for values from a file, which has them.
    `cv` is the standard deviation over the mean: None where the shape is unstated or empirical, infinite
    never (a Pareto with alpha of 2 or less has none: `cv` is None then, and `alpha` says so). `low` and `high`
    are the ends of a uniform. `percentile` is a probability with its time, where the spread was fitted to one.
    `estimate` is the mean with what is uncertain in it; at another quantile of it the shape stays as it is.
    """

    shape: Shape
    mean: float | None
    cv: float | None = None
    low: float | None = None
    high: float | None = None
    alpha: float | None = None
    percentile: tuple[float, float] | None = None
    file: str | None = None
    spread_given: bool = True
    per_batch: bool = False
    estimate: Estimate | None = field(default=None, compare=False)
    text: str = field(default="", compare=False)

    @property
    def is_uncertain(self) -> bool:
        """Whether its mean is something that we do not know exactly."""
        return self.estimate is not None and not self.estimate.is_certain

    def with_spread(self, shape: Shape, cv: float = 1.0) -> RandomTime:
        """The same time with the spread of its kind, where none was written; else unchanged."""
        if self.spread_given or self.mean is None:
            return self
        if shape is Shape.FIXED or self.mean == 0 or cv == 0:
            return replace(self, shape=Shape.FIXED, cv=0.0)
        if shape is Shape.EXPONENTIAL:
            return replace(self, shape=shape, cv=1.0)
        if shape not in (Shape.LOGNORMAL, Shape.GAMMA):
            raise ValueError(f"a kind's spread is fixed, exponential, lognormal or gamma, not {shape.value}")
        return replace(self, shape=shape, cv=cv)

    def scaled(self, factor: float) -> RandomTime:
        """The time with every value multiplied by a factor, which is positive (`slow: by 10x`)."""

        def times(value: float | None) -> float | None:
            return None if value is None else float(value * factor)

        percentile = (self.percentile[0], self.percentile[1] * factor) if self.percentile else None
        return replace(
            self, mean=times(self.mean), low=times(self.low), high=times(self.high), percentile=percentile
        )

    def at(self, probability: float) -> RandomTime:
        """The time with its uncertain mean at that quantile of what we know (0.95: the upper end)."""
        if self.estimate is None or self.estimate.median == 0:
            return self
        return self.scaled(max(0.0, self.estimate.quantile(probability)) / self.estimate.median)

    def quantile(self, probability: float) -> float | None:
        """The time that so many of the requests do not exceed, in seconds; 0 < probability < 1.

        None where it has no closed form: a gamma, values from a file, a spread that is not stated.
        """
        if not 0 < probability < 1:
            raise ValueError(f"a probability lies between 0 and 1, not {probability}")
        mean = self.mean
        if mean is None or self.shape in (Shape.UNSTATED, Shape.GAMMA, Shape.EMPIRICAL):
            return None
        match self.shape:
            case Shape.EXPONENTIAL:
                return -mean * math.log1p(-probability)
            case Shape.LOGNORMAL:
                sigma = math.sqrt(math.log1p((self.cv or 0.0) ** 2))
                return mean * math.exp(sigma * _normal_quantile(probability) - sigma * sigma / 2)
            case Shape.PARETO:
                alpha = self.alpha or math.inf
                return mean * (alpha - 1) / alpha * math.pow(1 - probability, -1 / alpha)
            case Shape.UNIFORM:
                low, high = self.low or 0.0, self.high or 0.0
                return low + (high - low) * probability
            case _:
                return mean


def lognormal_sigma(ratio: float, probability: float) -> float | None:
    """The sigma of the lognormal whose quantile is `ratio` times its mean, or None where there is none.

    With mean m and quantile q = m * ratio, ln(ratio) = z sigma - sigma^2 / 2, z being the normal quantile. Of
    two solutions the smaller is meant, the one that is continuous with no spread. For p99 the ratio cannot
    exceed exp(z^2 / 2) = 14.97: a lognormal with a larger p99 has a larger mean.
    """
    if ratio <= 0:
        return None
    z, log_ratio = _normal_quantile(probability), math.log(ratio)
    inside = z * z - 2 * log_ratio
    if inside < 0:
        return None
    root = math.sqrt(inside)
    # Below the mean only percentiles up to the median are of use: a p99 under the mean is a mistake.
    if log_ratio < 0:
        return z + root if z <= 0 else None
    return z - root if z > 0 and log_ratio > 0 else None


def _normal_quantile(probability: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """A time as it was written, read and not yet computed: its formulas may name estimates.

    `value` is the mean; `parameters` are what the shape has: the percentile, cv or alpha, or both ends.
    `offsets` are the places of value and parameters in `text`.
    """

    text: str
    shape: Shape
    value: Formula | None
    parameters: tuple[Formula, ...] = ()
    offsets: tuple[int, ...] = (0,)
    probability: float | None = None
    file: str | None = None
    per_batch: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The estimates that it names, each once."""
        formulas = ([self.value] if self.value else []) + list(self.parameters)
        return tuple(dict.fromkeys(name for formula in formulas for name in formula.names))


_PER_BATCH = re.compile(r"\s+per\s+batch\s*\Z")
_PERCENTILE = re.compile(r"\(\s*p([0-9]{1,2}(?:\.[0-9]{1,3})?)\s+(.*)\)\s*\Z", re.DOTALL)
_WORD = re.compile(r"[\s,]+(fixed|exponential)\s*\Z")
_SHAPED = re.compile(r"[\s,]+(gamma|lognormal|pareto)\s*\(\s*([a-z]+)\s+([^()]*)\)\s*\Z")
_BETWEEN = re.compile(r"(?:(?P<value>.*?)\s*,\s*)?between\s(?P<low>.*?)\sand\s(?P<high>.*)\Z", re.DOTALL)
_FROM = re.compile(r"\s*from\s+(\S(?:.*\S)?)\s*\Z")
_PARAMETER = {"gamma": "cv", "lognormal": "cv", "pareto": "alpha"}
_LAST_WORD = re.compile(r"[\s,]([a-z]{3,20})(\s*\([^()]*\))?\s*\Z")


def parse_time_expression(text: str, known: Collection[str] = ()) -> TimeExpression:
    """A time that varies, read and not computed; `known` are the names that its formulas may have.

    Raises `QuantityError` with the place in `text`; nothing else, for any text.
    """
    if len(text) > MOST_CHARACTERS:
        message = f"A time has at most {MOST_CHARACTERS} characters, this one {len(text)}."
        raise QuantityError("formula-too-long", message, "", MOST_CHARACTERS, len(text))
    vocabulary = known if isinstance(known, Vocabulary) else Vocabulary(known)
    batch = _PER_BATCH.search(text)
    body = text[: batch.start()] if batch else text
    return replace(_read_body(body, vocabulary), text=text, per_batch=batch is not None)


def _read_body(body: str, known: Vocabulary) -> TimeExpression:
    if found := _FROM.match(body):
        return TimeExpression(body, Shape.EMPIRICAL, None, file=found[1])
    if found := _BETWEEN.match(body):
        given = found["value"]
        value = _parse_at(given, 0, known) if given is not None else None
        low, high = (_parse_at(found[end], found.start(end), known) for end in ("low", "high"))
        first, last = low.expr, high.expr
        if isinstance(first, Literal) and isinstance(last, Literal) and first.unit is None:
            low = replace(low, expr=replace(first, unit=last.unit))  # `between 1 and 30 s`
        return TimeExpression(
            body, Shape.UNIFORM, value, (low, high), (0, found.start("low"), found.start("high"))
        )
    if found := _PERCENTILE.search(body):
        value = _parse_at(body[: found.start()], 0, known)
        parameter = _parse_at(found[2], found.start(2), known)
        probability = round(float(found[1]) / 100, 6)
        if not 0 < probability < 1:
            raise _wrong("`p0` is no percentile.", "Write `(p99 30 ms)`.", found.start(), found.end())
        return TimeExpression(body, Shape.LOGNORMAL, value, (parameter,), (0, found.start(2)), probability)
    if found := _WORD.search(body):
        return TimeExpression(body, Shape(found[1]), _parse_at(body[: found.start()], 0, known))
    if found := _SHAPED.search(body):
        wanted = _PARAMETER[found[1]]
        if found[2] != wanted:
            mend = f"Write `{found[1]}({wanted} 2)`."
            raise _wrong(f"`{found[1]}` has no `{excerpt(found[2])}`.", mend, found.start(2), found.end(2))
        value = _parse_at(body[: found.start()], 0, known)
        parameter = _parse_at(found[3], found.start(3), known)
        return TimeExpression(body, Shape(found[1]), value, (parameter,), (0, found.start(3)))
    try:
        return TimeExpression(body, Shape.UNSTATED, _parse_at(body, 0, known))
    except QuantityError:
        _refuse_almost(body, known)
        raise


def _parse_at(text: str, offset: int, known: Vocabulary) -> Formula:
    try:
        return parse(text, known)
    except QuantityError as error:
        raise error.shifted(offset) from None


def _refuse_almost(body: str, known: Vocabulary) -> None:
    """Say what was probably meant where the end of a time looks like a shape and is none."""
    found = _LAST_WORD.search(body)
    if not found or found[1] in known:
        return
    words = ("fixed", "exponential", "gamma", "lognormal", "pareto")
    usage = {"gamma": "gamma(cv 2)", "lognormal": "lognormal(cv 1)", "pareto": "pareto(alpha 2.5)"}
    synonyms = {"constant": "fixed", "uniform": "between 1 s and 30 s", "normal": "lognormal(cv 1)"}
    near = found[1] if found[1] in words else synonyms.get(found[1], "")
    near = near or next((word for word in words if word.startswith(found[1])), "")
    mend = f"Write `{usage.get(near, near)}`." if near else did_you_mean(found[1], words)
    if mend:
        message = f"`{excerpt(body[found.start(1) :])}` is not the shape of a time."
        raise _wrong(message, mend, found.start(1), found.end())


def parse_time(
    text: str,
    names: Mapping[str, Estimate | Quantity] = MappingProxyType({}),
    *,
    name: str = "",
    seed: int = DEFAULT_SEED,
) -> RandomTime:
    """A time that varies, computed over known estimates. `name` is its path in the design.

    Raises `QuantityError` with the place in `text`; nothing else, for any text.
    """
    known = names.vocabulary if isinstance(names, Sheet) else names
    return evaluate_time(parse_time_expression(text, known), names, name=name, seed=seed)


def evaluate_time(
    time: TimeExpression,
    names: Mapping[str, Estimate | Quantity] = MappingProxyType({}),
    *,
    name: str = "",
    seed: int = DEFAULT_SEED,
) -> RandomTime:
    """A time that was read, computed over known estimates. Raises `QuantityError` with the place in its text."""
    return _TimeEvaluation(time, names, name or time.text, seed).run()


@dataclass(frozen=True, slots=True)
class _TimeEvaluation:
    time: TimeExpression
    names: Mapping[str, Estimate | Quantity]
    name: str
    seed: int

    def run(self) -> RandomTime:
        time = self.time
        if time.shape is Shape.EMPIRICAL:
            return self.made(None, file=time.file)
        if time.shape is Shape.UNIFORM:
            return self.uniform()
        estimate = self.mean()
        mean = estimate.median
        match time.shape:
            case Shape.FIXED:
                return self.made(estimate, cv=0.0)
            case Shape.EXPONENTIAL:
                return self.made(estimate, cv=1.0)
            case Shape.PARETO:
                return self.pareto(estimate)
            case Shape.LOGNORMAL | Shape.GAMMA:
                if time.probability is not None:
                    return self.fitted(estimate, mean)
                cv = self.parameter(0)
                if not 0 < cv <= MOST_CV:
                    mend = "Write `fixed` for none." if cv == 0 else f"It is at most {MOST_CV:g}."
                    raise self.wrong(f"A cv of {format_number(cv)} is impossible.", mend, 0)
                return self.made(estimate, cv=cv)
            case _:
                return replace(self.made(estimate), spread_given=False)

    def made(
        self,
        estimate: Estimate | None,
        *,
        cv: float | None = None,
        alpha: float | None = None,
        percentile: tuple[float, float] | None = None,
        file: str | None = None,
    ) -> RandomTime:
        return RandomTime(
            self.time.shape,
            estimate.median if estimate else None,
            cv,
            alpha=alpha,
            percentile=percentile,
            file=file,
            per_batch=self.time.per_batch,
            estimate=estimate,
            text=self.time.text,
        )

    def evaluate(self, formula: Formula, offset: int, part: str) -> Estimate:
        try:
            return evaluate_expression(formula, self.names, name=f"{self.name}{part}", seed=self.seed)
        except QuantityError as error:
            raise error.shifted(offset) from None

    def mean(self) -> Estimate:
        formula = self.time.value
        assert formula is not None, "only a uniform and a file have no mean of their own"
        return self.duration(formula, self.time.offsets[0], "")

    def duration(self, formula: Formula, offset: int, part: str) -> Estimate:
        estimate = self.evaluate(formula, offset, part)
        shown = excerpt(formula.text)
        end = offset + len(formula.text)
        if estimate.dimension != TIME:
            raise QuantityError(
                "wrong-dimension", f"`{shown}` is not a time.", "Write one, such as `4 ms`.", offset, end
            )
        # The low end of a range whose ends are not both positive may be a little below zero by its tail.
        if estimate.low < -1e-9 * abs(estimate.high):
            raise QuantityError("impossible-time", f"`{shown}` is, or may be, negative.", "", offset, end)
        return estimate

    def certain_duration(self, index: int) -> float:
        formula = self.time.parameters[index]
        estimate = self.duration(formula, self.time.offsets[index + 1], f" ({index + 1})")
        if not estimate.is_certain:
            message = f"`{excerpt(formula.text)}` is uncertain: only the mean of a time may be."
            raise self.wrong(message, "Write it in parts of the mean: `4 ms, between 0.8x and 1.2x`.", index)
        return estimate.median

    def parameter(self, index: int) -> float:
        formula, offset = self.time.parameters[index], self.time.offsets[index + 1]
        estimate = self.evaluate(formula, offset, f" ({index + 1})")
        if estimate.dimension != NUMBER or not estimate.is_certain:
            raise self.wrong(
                f"`{excerpt(formula.text)}` is not a plain number.", "Write one, such as `2`.", index
            )
        return estimate.median

    def pareto(self, estimate: Estimate) -> RandomTime:
        alpha = self.parameter(0)
        if not 1 < alpha <= 1000:
            shown = format_number(alpha)
            raise self.wrong(
                f"A Pareto distribution with alpha {shown} has no mean.", "Write an alpha above 1.", 0
            )
        return self.made(estimate, alpha=alpha, cv=1 / math.sqrt(alpha * (alpha - 2)) if alpha > 2 else None)

    def fitted(self, estimate: Estimate, mean: float) -> RandomTime:
        time = self.time
        probability = time.probability or 0.5
        value = self.certain_duration(0)
        label = f"p{100 * probability:g}"
        if mean == 0:
            raise self.wrong("A time of zero has no spread.", f"Leave the {label} out.", 0)
        sigma = lognormal_sigma(value / mean, probability)
        if sigma is None:
            raise self.impossible_percentile(mean, value, probability, label)
        cv = math.sqrt(math.expm1(sigma * sigma))
        return self.made(estimate, cv=cv, percentile=(probability, value))

    def impossible_percentile(
        self, mean: float, value: float, probability: float, label: str
    ) -> QuantityError:
        z = _normal_quantile(probability)
        times = [format_quantity(t, TIME) for t in (mean, value)]
        if z <= 0:
            message = f"The {label} of a lognormal lies below its mean: {times[1]} is not below {times[0]}."
            return self.wrong(message, f"Write a {label} below {times[0]}, or the `p99`.", 0)
        if value <= mean:
            message = f"The {label}, {times[1]}, is not above the mean, {times[0]}."
            return self.wrong(message, f"Write a {label} above {times[0]}, or `fixed` for no spread.", 0)
        most = math.exp(z * z / 2)
        least_mean = format_quantity(_rounded_up(value / most), TIME)
        most_value = format_quantity(-_rounded_up(-mean * most), TIME)
        return self.wrong(
            f"No lognormal with a mean of {times[0]} has a {label} of {times[1]}: so heavy a tail would lift the mean.",
            f"Write a mean of at least {least_mean}, or a {label} of at most {most_value}.",
            0,
        )

    def uniform(self) -> RandomTime:
        time = self.time
        if time.value is None:
            low, high = (self.certain_duration(i) for i in range(2))
            estimate = None
        else:
            estimate = self.mean()
            low, high = (self.parameter(i) * estimate.median for i in range(2))
        if not 0 <= low <= high:
            mend = "" if low < 0 else "Write the smaller end first."
            raise self.wrong("The ends of `between` do not ascend from zero.", mend, 0)
        mean = low / 2 + high / 2
        cv = (high - low) / math.sqrt(12) / mean if mean > 0 else 0.0
        return replace(self.made(estimate, cv=cv), mean=mean, low=low, high=high)

    def wrong(self, message: str, suggestion: str, index: int) -> QuantityError:
        offset = self.time.offsets[index + 1]
        end = offset + len(self.time.parameters[index].text)
        return QuantityError("impossible-time", message, suggestion, offset, end)


def _rounded_up(value: float) -> float:
    """The value rounded to three digits, away from what would be impossible again."""
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    return math.ceil(value / step) * step


def _wrong(message: str, suggestion: str, start: int, end: int) -> QuantityError:
    return QuantityError("unreadable-time", message, suggestion, start, end)
