"""What is known of one estimate: its value with its 90% interval, how it came about, and what it rests on.

An `Estimate` is what a formula is worth. Its numbers are in s, byte and USD; `unit` is the one in which it
is shown, and `in_unit` converts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from toscale.quantity.formatting import choose_unit, format_quantity, format_range
from toscale.quantity.formula import Formula, Literal, Name, Negate, Range, walk
from toscale.quantity.shares import variance_shares
from toscale.quantity.uncertain import Assumption, quantile
from toscale.quantity.units import Dimension, Unit

if TYPE_CHECKING:
    from toscale.quantity.uncertain import Value


@dataclass(frozen=True, eq=False)
class Estimate:
    """The value of one formula.

    `value` is a float where it is certain, else an array of samples, in s, byte and USD. `uses` are the
    estimates that its formula names, `assumptions` all uncertain literals that it depends on, directly or not.
    `factor` is what it was multiplied by (growth), `override` the value that was put in the formula's place.
    """

    name: str
    parsed: Formula
    value: Value
    dimension: Dimension
    seed: int
    uses: tuple[Estimate, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    factor: float = 1.0
    override: float | None = None

    @property
    def formula(self) -> str:
        """The text of the formula."""
        return self.parsed.text

    @property
    def is_certain(self) -> bool:
        return isinstance(self.value, float)

    def quantile(self, probability: float) -> float:
        """The value that is not exceeded with that probability, in s, byte and USD."""
        return quantile(self.value, probability)

    @cached_property
    def median(self) -> float:
        return self.quantile(0.5)

    @cached_property
    def low(self) -> float:
        """The 5th percentile, the low end of the 90% interval."""
        return self.quantile(0.05)

    @cached_property
    def high(self) -> float:
        """The 95th percentile, the high end of the 90% interval."""
        return self.quantile(0.95)

    @cached_property
    def unit(self) -> Unit | None:
        """The unit in which it is shown, None for a plain number.

        It is the one after `in`, else that of a value as it was written, else the one that fits.
        """
        return self.parsed.unit or _unit_as_written(self.parsed) or choose_unit(self.dimension, self.median)

    def in_unit(self, si_value: float) -> float:
        """A value of this estimate (its median, say) in the unit shown."""
        return si_value / self.unit.factor_to_si if self.unit else si_value

    def shown_median(self, digits: int = 3) -> str:
        """The median alone: `38.1/s`."""
        return format_quantity(self.median, self.dimension, self.unit, digits)

    def shown_interval(self, digits: int = 2) -> str:
        """The 90% interval: `23 to 61 per s`; the value where it is certain."""
        if self.is_certain:
            return self.shown_median()
        return format_range(self.low, self.high, self.dimension, self.unit, digits)

    def shown(self, digits: int = 3) -> str:
        """The median, and the 90% interval where it is uncertain: `38.1/s (23 to 61 per s)`."""
        if self.is_certain:
            return self.shown_median(digits)
        return f"{self.shown_median(digits)} ({self.shown_interval(max(2, digits - 1))})"

    @cached_property
    def shares(self) -> dict[str, float]:
        """The share of the variance that each assumption is responsible for; see `shares.py`."""
        return variance_shares(self.value, self.assumptions, self.seed)

    @cached_property
    def derivation(self) -> str:
        """How it came about, on one line: `60M to 160M / month = 23 to 61 per s`."""
        written = " ".join(self.formula.split())
        if self.override is not None:
            return f"set to {self.shown()}, in place of {written}"
        steps = [written]
        substituted = self._substituted()
        if substituted not in (written, self.shown_median()):
            steps.append(substituted)
        if self.factor != 1.0:
            steps[-1] = f"({steps[-1]}) * {self.factor:g}"
        result = self.shown_interval() if not self.uses else self.shown()
        says_nothing = isinstance(self.parsed.expr, Literal | Range) and self.factor == 1.0
        if not says_nothing and result != steps[-1].replace(" ", ""):
            steps.append(result)
        return " = ".join(steps)

    def derivation_lines(self) -> Iterator[str]:
        """The derivation as a tree, what is used indented below what uses it; each estimate once."""
        seen: set[str] = set()
        waiting: list[tuple[Estimate, int]] = [(self, 0)]
        while waiting:
            estimate, level = waiting.pop()
            if estimate.name in seen:
                continue
            seen.add(estimate.name)
            yield f"{'  ' * min(level, 20)}{estimate.name}: {estimate.derivation}"
            waiting.extend((used, level + 1) for used in reversed(estimate.uses))

    def _substituted(self) -> str:
        """The formula with the medians of what it names in their place."""
        medians = {used.name: used.shown_median() for used in self.uses}
        text = self.formula[: self.parsed.unit_start] if self.parsed.unit else self.formula
        names = [n for n in walk(self.parsed.expr) if isinstance(n, Name) and n.name in medians]
        for node in sorted(names, key=lambda n: n.start, reverse=True):
            value = medians[node.name]
            # `a / 3/s` would be read as (a / 3) / s.
            shown = f"({value})" if "/" in value and _is_divided(text, node.start) else value
            text = text[: node.start] + shown + text[node.end :]
        return " ".join(text.split())


def _is_divided(text: str, start: int) -> bool:
    return text[:start].rstrip().endswith(("/", "^"))


def _unit_as_written(formula: Formula) -> Unit | None:
    """The unit of a value that is no computation: `5 years`, `20% to 40%`."""
    expr = formula.expr
    if isinstance(expr, Range):
        expr = expr.high
    if isinstance(expr, Negate):
        expr = expr.operand
    return expr.unit if isinstance(expr, Literal) else None
