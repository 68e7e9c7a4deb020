"""What is the value of a formula? Its tree is computed in s, byte and USD, with dimensions checked.

Certain values are floats and need no numpy; what depends on an assumption is an array of samples. A result
is always finite: what overflows, divides by zero or has no value is refused with its place.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from toscale.quantity.errors import QuantityError, did_you_mean, excerpt, sentence
from toscale.quantity.formula import Binary, Call, Expr, Formula, Literal, Name, Negate, Range, walk
from toscale.quantity.grammar import SHAPES
from toscale.quantity.uncertain import Assumption, Quantity, draw_range, draw_shape
from toscale.quantity.units import MOST_EXPONENT, NUMBER, Dimension, describe

if TYPE_CHECKING:
    from toscale.quantity.uncertain import Value


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation: the formula, what its names are, and where the streams of its assumptions begin.

    `owner` names the formula; it is part of the key of each of its assumptions.
    """

    formula: Formula
    names: Mapping[str, Quantity]
    owner: str
    seed: int
    assumptions: dict[int, Assumption] = field(default_factory=dict)

    def run(self) -> Quantity:
        """The quantity of the whole formula. Raises `QuantityError` with its place."""
        self.assumptions.update(enumerate(assumptions_of(self.formula, self.owner)))
        return self.value_of(self.formula.expr)

    def value_of(self, expr: Expr) -> Quantity:
        match expr:
            case Literal():
                return self.literal(expr)
            case Name():
                return self.names[expr.name]
            case Negate():
                operand = self.value_of(expr.operand)
                return Quantity(-operand.value, operand.dimension)
            case Binary():
                return self.binary(expr)
            case Range():
                return self.range(expr)
            case Call():
                return self.call(expr)

    def literal(self, literal: Literal) -> Quantity:
        if literal.unit is None:
            return Quantity(literal.value, NUMBER)
        value = literal.value * literal.unit.factor_to_si
        return self.checked(value, literal.unit.dimension, literal)

    def checked(self, value: Value, dimension: Dimension, node: Expr) -> Quantity:
        if not all_finite(value):
            raise self.error(
                node, "overflow", "The value of {} is too large to be held.", "The bound is about 1e308."
            )
        if not dimension.is_reasonable:
            raise self.error(node, "wrong-dimension", "No quantity has a dimension such as that of {}.")
        return Quantity(value, dimension)

    def error(self, node: Expr, code: str, message: str, suggestion: str = "") -> QuantityError:
        shown = f"`{excerpt(self.formula.piece(node))}`"
        return QuantityError(code, message.replace("{}", shown), suggestion, node.start, node.end)

    # ---- operators

    def binary(self, node: Binary) -> Quantity:
        left, right = self.value_of(node.left), self.value_of(node.right)
        self.same_length(node, left, right)
        match node.operator:
            case "+" | "-":
                return self.sum(node, left, right)
            case "*":
                return self.checked(
                    arithmetic(operator.mul, left.value, right.value), left.dimension * right.dimension, node
                )
            case "/":
                self.refuse_zero(node.right, right)
                return self.checked(
                    arithmetic(operator.truediv, left.value, right.value),
                    left.dimension / right.dimension,
                    node,
                )
            case _:
                return self.power(node, left, right)

    def sum(self, node: Binary, left: Quantity, right: Quantity) -> Quantity:
        if left.dimension != right.dimension:
            first, second = describe(left.dimension), describe(right.dimension)
            said = (
                f"{sentence(second)} cannot be added to {first}: "
                if node.operator == "+"
                else f"{sentence(second)} cannot be subtracted from {first}: "
            )
            raise self.error(
                node,
                "mixed-dimensions",
                said + "{}.",
                _mend_of_mixture(self.formula, node.left, node.right, left.dimension, right.dimension),
            )
        if node.operator == "+":
            return self.checked(arithmetic(operator.add, left.value, right.value), left.dimension, node)
        return self.checked(arithmetic(operator.sub, left.value, right.value), left.dimension, node)

    def refuse_zero(self, node: Expr, divisor: Quantity) -> None:
        low, high = _extremes(divisor.value)
        if low > 0 or high < 0:
            return
        if low == high == 0:
            raise self.error(node, "division-by-zero", "{} is zero, and nothing can be divided by it.")
        raise self.error(
            node,
            "division-by-zero",
            "{} may be zero, and nothing can be divided by it.",
            "Give it a range whose ends are both positive.",
        )

    def power(self, node: Binary, base: Quantity, exponent: Quantity) -> Quantity:
        if not exponent.dimension.is_number:
            raise self.error(
                node.right,
                "not-a-plain-number",
                f"An exponent is a plain number; {{}} is {describe(exponent.dimension)}.",
            )
        dimension = NUMBER
        if not base.dimension.is_number:
            dimension = base.dimension ** self.whole_exponent(node, exponent)
        low, _ = _extremes(base.value)
        whole = isinstance(exponent.value, float) and exponent.value.is_integer()
        if low < 0 and not whole:
            raise self.error(
                node,
                "not-a-number",
                "{} is, or may be, the power of a negative number with an exponent that is no whole number.",
            )
        if _extremes(exponent.value)[0] < 0:
            self.refuse_zero(node.left, base)
        return self.checked(_power(base.value, exponent.value), dimension, node)

    def whole_exponent(self, node: Binary, exponent: Quantity) -> Fraction:
        value = exponent.value
        if isinstance(value, float) and (2 * value).is_integer() and abs(value) <= MOST_EXPONENT:
            return Fraction(int(2 * value), 2)
        raise self.error(
            node.right,
            "not-a-plain-number",
            "A quantity with a unit can be raised to a small whole number or a half; {} is neither.",
        )

    # ---- uncertain values

    def range(self, node: Range) -> Quantity:
        low, high = self.value_of(node.low), self.value_of(node.high)
        if low.dimension != high.dimension:
            raise self.error(
                node,
                "mixed-dimensions",
                f"A range cannot go from {describe(low.dimension)} to {describe(high.dimension)}: {{}}.",
                _mend_of_mixture(self.formula, node.low, node.high, low.dimension, high.dimension),
            )
        first, last = self.certain(node.low, low), self.certain(node.high, high)
        if first > last:
            swapped = f"{self.formula.piece(node.high)} to {self.formula.piece(node.low)}"
            raise self.error(
                node, "reversed-range", "{} has its larger end first.", f"Write `{excerpt(swapped)}`."
            )
        return self.checked(
            draw_range(first, last, self.seed, self.assumptions[node.ordinal].key), low.dimension, node
        )

    def certain(self, node: Expr, quantity: Quantity) -> float:
        if isinstance(quantity.value, float):
            return quantity.value
        raise self.error(
            node,
            "uncertain-range",
            "{} is itself uncertain, and cannot be an end or a parameter of what is uncertain.",
            "Multiply the one by the other instead.",
        )

    # ---- functions

    def call(self, node: Call) -> Quantity:
        arguments = [self.value_of(argument) for argument in node.arguments]
        if node.function in SHAPES:
            return self.shape(node, arguments)
        if node.function in ("min", "max"):
            self.same_dimension(node, arguments)
            self.same_length(node, *arguments)
            return Quantity(_extreme(node.function, [a.value for a in arguments]), arguments[0].dimension)
        (argument,) = arguments
        if node.function == "sqrt":
            if _extremes(argument.value)[0] < 0:
                raise self.error(
                    node.arguments[0], "not-a-number", "{} is, or may be, negative, and has no square root."
                )
            return self.checked(_power(argument.value, 0.5), argument.dimension ** Fraction(1, 2), node)
        if not argument.dimension.is_number:
            raise self.error(
                node.arguments[0],
                "not-a-plain-number",
                f"`ceil` rounds a plain number up; {{}} is {describe(argument.dimension)}.",
                "Divide it by the unit first, as in `ceil(a / 1 GB)`.",
            )
        return Quantity(_ceil(argument.value), NUMBER)

    def shape(self, node: Call, arguments: list[Quantity]) -> Quantity:
        self.same_dimension(node, arguments)
        parameters = [self.certain(n, q) for n, q in zip(node.arguments, arguments, strict=True)]
        try:
            value = draw_shape(node.function, parameters, self.seed, self.assumptions[node.ordinal].key)
        except QuantityError as error:
            raise QuantityError(error.code, error.message, error.suggestion, node.start, node.end) from None
        return self.checked(value, arguments[0].dimension, node)

    def same_dimension(self, node: Call, arguments: list[Quantity]) -> None:
        first = arguments[0].dimension
        for other, quantity in zip(node.arguments[1:], arguments[1:], strict=True):
            if quantity.dimension != first:
                raise self.error(
                    node,
                    "mixed-dimensions",
                    f"`{node.function}` cannot have {describe(first)} beside {describe(quantity.dimension)}: {{}}.",
                    _mend_of_mixture(self.formula, node.arguments[0], other, first, quantity.dimension),
                )

    def same_length(self, node: Expr, *quantities: Quantity) -> None:
        lengths = {len(q.value) for q in quantities if not isinstance(q.value, float)}
        if len(lengths) > 1:
            raise self.error(
                node, "mixed-lengths", "{} combines what is uncertain with what differs from one to the next."
            )


def assumptions_of(formula: Formula, owner: str) -> list[Assumption]:
    """The assumptions of a formula, in order: the owner's name where there is one, else with its text."""
    nodes = formula.uncertain
    made: list[Assumption] = []
    for node in nodes:
        # A range without the brackets that it may stand in.
        inside = formula.text[node.low.start : node.high.end] if isinstance(node, Range) else ""
        text = inside or formula.piece(node)
        name = owner if len(nodes) == 1 else f"{owner}: {text}"
        same = sum(1 for other in made if other.text == text)
        made.append(Assumption(name if not same else f"{name} ({same + 1})", f"{owner}/{node.ordinal}", text))
    return made


def unknown_names(
    formula: Formula, known: Collection[str], most: int = 10, suggested: int = 10
) -> list[QuantityError]:
    """An error for each of the first `most` names that are not known, the first `suggested` with the nearest."""
    errors: list[QuantityError] = []
    for node in walk(formula.expr):
        if isinstance(node, Name) and node.name not in known:
            if len(errors) == most:
                break
            shown = excerpt(node.name)
            near = did_you_mean(node.name, known) if len(errors) < suggested else ""
            errors.append(
                QuantityError(
                    "unknown-name",
                    f"`{shown}` is not known.",
                    near or f"Add an estimate `{shown}`, or write its value.",
                    node.start,
                    node.end,
                )
            )
    return errors


def _mend_of_mixture(formula: Formula, left: Expr, right: Expr, first: Dimension, second: Dimension) -> str:
    """The likely mend where one of two values is a bare number: its unit is missing."""
    for node, dimension, other in ((left, first, second), (right, second, first)):
        if isinstance(node, Literal) and dimension.is_number and node.unit is None:
            return f"Give `{excerpt(formula.piece(node))}` a unit, as {describe(other)} has."
    return ""


# ---- arithmetic on floats and samples alike


def arithmetic(operation: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    """The result of an operation whose overflow the caller checks."""
    if isinstance(left, float) and isinstance(right, float):
        return float(operation(left, right))
    import numpy as np

    with np.errstate(all="ignore"):
        return np.asarray(operation(left, right))


def all_finite(value: Value) -> bool:
    """Whether a value, or each of its samples, is a finite number."""
    if isinstance(value, float):
        return math.isfinite(value)
    import numpy as np

    return bool(np.isfinite(value).all())


def _extremes(value: Value) -> tuple[float, float]:
    if isinstance(value, float):
        return value, value
    return float(value.min()), float(value.max())


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(base, float) and isinstance(exponent, float):
        try:
            return math.pow(base, exponent)
        except (OverflowError, ValueError):
            return math.inf
    import numpy as np

    with np.errstate(all="ignore"):
        return np.power(base, exponent)


def _extreme(function: str, values: list[Value]) -> Value:
    if all(isinstance(value, float) for value in values):
        floats = [value for value in values if isinstance(value, float)]
        return min(floats) if function == "min" else max(floats)
    import numpy as np

    result = values[0]
    for value in values[1:]:
        result = np.minimum(result, value) if function == "min" else np.maximum(result, value)
    return result


def _ceil(value: Value) -> Value:
    """The next whole number; what is a billionth above one by rounding alone stays on it."""
    if isinstance(value, float):
        return float(math.ceil(value - 1e-9 * abs(value)))
    import numpy as np

    return np.ceil(value - 1e-9 * np.abs(value))
