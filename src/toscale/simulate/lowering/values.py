"""What is a formula or a time of the file worth in a run? A plain number in s and bytes, or a law.

Rates are taken at their median or at their own 95th percentile; everything else at its median. Growth
multiplies the estimates that `growth.of` names; where it names none, it multiplies the rates themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toscale.design.model import Design
from toscale.design.parts import Formula, Time
from toscale.engine.laws import Law
from toscale.quantity.errors import QuantityError
from toscale.quantity.estimate import Estimate
from toscale.quantity.formatting import format_quantity
from toscale.quantity.measured import read_measured
from toscale.quantity.sheet import Sheet, evaluate_expression
from toscale.quantity.times import RandomTime, Shape, evaluate_time
from toscale.quantity.units import NUMBER, RATE, SIZE, TIME, Dimension
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.lowered import At

__all__ = ["NEVER", "Values", "law_of", "shown_time"]

UPPER = 0.95
NEVER = 9e9
"""A time of so many seconds (285 years) or more does not come: the clock of the engine ends there."""
MOST_RATE = 1e18
"""The largest rate, per second: a thousand million for each tick of the clock."""


@dataclass(frozen=True)
class Values:
    """Evaluates the formulas of a design at one level of its rates. All methods raise `NotComputable` for
    what has no value.
    """

    design: Design
    sheet: Sheet
    at: At
    multiple: float
    ledger: Ledger

    @classmethod
    def of(cls, design: Design, at: At, multiple: float, ledger: Ledger) -> Values:
        formulas = {name: formula.expr for name, formula in design.estimates.items()}
        grows = [name for name in design.growth.of if name in formulas]
        factors: Mapping[str, float] = dict.fromkeys(grows, multiple) if multiple != 1 else {}
        if multiple != 1 and not grows:
            ledger.note(f"`growth` names no estimate that grows: all rates are multiplied by {multiple:g}.")
        return cls(design, Sheet.evaluate(formulas, factors=factors), at, multiple, ledger)

    def estimate(self, formula: Formula, dimension: Dimension | None = None) -> Estimate:
        """The formula's value with its uncertainty."""
        if formula.attributes:
            known = ", ".join(f"`{name}`" for name in sorted(formula.attributes))
            raise NotComputable(
                f"`{formula.text}` depends on {known}, which differs from request to request", formula.place
            )
        try:
            estimate = evaluate_expression(
                formula.expr, self.sheet, expect=dimension, name=formula.text, seed=self.sheet.seed
            )
        except QuantityError as error:
            raise NotComputable(
                f"`{formula.text}` cannot be computed: {_lower(error.message)}", formula.place
            ) from None
        return estimate

    def number(self, formula: Formula, dimension: Dimension | None = NUMBER) -> float:
        """The median of a plain number (or of another dimension)."""
        estimate = self.estimate(formula, dimension)
        if not estimate.is_certain:
            self.ledger.at_median(formula.text)
        return estimate.median

    def time(self, formula: Formula) -> float:
        """A time that does not vary, in seconds."""
        return self.at_least_zero(formula, self.number(formula, TIME))

    def size(self, formula: Formula) -> float:
        """Bytes."""
        return self.at_least_zero(formula, self.number(formula, SIZE))

    def share(self, formula: Formula) -> float:
        """A chance, between 0 and 1; what lies outside is cut, and said."""
        value = self.number(formula)
        if not 0 <= value <= 1:
            self.ledger.note(
                f"`{formula.text}` is {value:.3g}: as a chance it counts as {min(max(value, 0), 1):g}.",
                formula.place,
            )
        return min(max(value, 0.0), 1.0)

    def rate(self, formula: Formula, dimension: Dimension = RATE) -> float:
        """A rate per second (or a total), at the level of this run."""
        estimate = self.estimate(formula, dimension)
        value = estimate.quantile(UPPER) if self.at == "upper" else estimate.median
        rate = self.at_least_zero(formula, value) * self.rate_factor
        if rate > MOST_RATE:
            raise NotComputable(
                f"`{formula.text}` is {rate:.3g}: more than {MOST_RATE:g} a second are not simulated",
                formula.place,
            )
        return rate

    @property
    def rate_factor(self) -> float:
        """What rates are multiplied by, where no estimate grows in their stead."""
        return 1.0 if any(name in self.design.estimates for name in self.design.growth.of) else self.multiple

    def at_least_zero(self, formula: Formula, value: float) -> float:
        if value < 0:
            raise NotComputable(f"`{formula.text}` is negative", formula.place)
        return value

    def random(self, time: Time) -> RandomTime:
        """A time that varies, as the file gives it."""
        try:
            random = evaluate_time(time.expr, self.sheet, name=time.text, seed=self.sheet.seed)
        except QuantityError as error:
            raise NotComputable(
                f"`{time.text}` cannot be computed: {_lower(error.message)}", time.place
            ) from None
        return random

    def law(self, time: Time, cv: float) -> tuple[Law, bool]:
        """The law of a time, and whether its spread is the `cv` given here, because the file gives none."""
        random = self.random(time)
        if random.shape is Shape.EMPIRICAL:
            return Law.empirical(self.measured(time, random)), False
        spread = Shape.FIXED if cv == 0 else Shape.LOGNORMAL
        return self.bounded(time, random.with_spread(spread, cv)), not random.spread_given and bool(
            random.mean
        )

    def bounded(self, time: Time, random: RandomTime) -> Law:
        """The law of a time whose shape is stated, if the clock can tell it."""
        if (random.mean or 0.0) >= NEVER:
            raise NotComputable(
                f"`{time.text}` is longer than the clock of the simulation runs, 285 years", time.place
            )
        return law_of(random)

    def measured(self, time: Time, random: RandomTime) -> list[float]:
        """The measured times of a file, in seconds; the file's place is told from that of the design."""
        try:
            return read_measured(random.file or "", time.place.file or "")
        except QuantityError as error:
            raise NotComputable(_lower(error.message), time.place) from None


def law_of(random: RandomTime) -> Law:
    """The law of a time whose shape is stated. Seconds."""
    mean = random.mean or 0.0
    cv = random.cv or 0.0
    if mean == 0:
        return Law.fixed(0.0)
    match random.shape:
        case Shape.EXPONENTIAL:
            return Law.exponential(mean)
        case Shape.LOGNORMAL:
            return Law.lognormal(mean, cv)
        case Shape.GAMMA if cv > 0:
            return Law.gamma(mean, cv)
        case Shape.PARETO if random.alpha is not None:
            return Law.pareto(mean, random.alpha)
        case Shape.UNIFORM if random.low is not None and random.high is not None:
            return Law.uniform(random.low, random.high)
        case _:
            return Law.fixed(mean)


def shown_time(seconds: float) -> str:
    """A time in words: `0.5 ms`."""
    return format_quantity(seconds, TIME)


def _lower(sentence: str) -> str:
    return (sentence[:1].lower() + sentence[1:]).rstrip(".")
