"""Does each formula come out as what its place asks for? Dimensions are followed through the expressions,
without computing them.

So a check needs no samples: `timeout: 60` is refused because a number is no time, `peak + 3 s` because they
cannot be added. What is not known (an attribute that nothing describes) is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from toscale.design.parts import Formula, Place
from toscale.design.problems import Problems, quoted
from toscale.design.reader import Reader, Use
from toscale.design.rules import FORMULA_RULES
from toscale.quantity.formula import Binary, Call, Expr, Literal, Name, Negate, Range
from toscale.quantity.units import (
    BANDWIDTH,
    COST_RATE,
    MONEY,
    NUMBER,
    RATE,
    SIZE,
    TIME,
    Dimension,
    describe,
    example_of,
)

__all__ = ["check_dimensions"]

_WANTED: dict[str, Dimension] = {
    "number": NUMBER,
    "share": NUMBER,
    "time": TIME,
    "rate": RATE,
    "size": SIZE,
    "bandwidth": BANDWIDTH,
}
_COSTS = (COST_RATE, COST_RATE / SIZE, MONEY / SIZE)


def check_dimensions(
    reader: Reader, estimates: Mapping[str, Formula], figures: Mapping[str, Mapping[str, Formula]]
) -> None:
    """Check all formulas that the reader has met. `figures` are the `each has` of entities. Problems are
    added to the reader's.
    """
    checker = _Checker(reader, dict(estimates), figures)
    checker.order_estimates()
    for use in reader.uses:
        checker.check(use)


class _Wrong(Exception):
    """A sub-expression is wrong; the problem has been added."""


@dataclass
class _Checker:
    reader: Reader
    estimates: dict[str, Formula]
    figures: Mapping[str, Mapping[str, Formula]]
    known: dict[str, Dimension | None] = field(default_factory=dict)
    formula: Formula | None = None

    @property
    def problems(self) -> Problems:
        return self.reader.problems

    # --- estimates, each after those that it refers to

    def order_estimates(self) -> None:
        """Find the dimension of every estimate; those that depend on themselves are a problem."""
        waiting = {name: set(formula.names) & set(self.estimates) for name, formula in self.estimates.items()}
        users: dict[str, list[str]] = {}
        for name, needs in waiting.items():
            for need in needs:
                users.setdefault(need, []).append(name)
        ready = [name for name, needs in waiting.items() if not needs]
        while ready:
            name = ready.pop()
            self.known[name] = self.of(self.estimates[name])
            for user in users.get(name, ()):
                waiting[user].discard(name)
                if not waiting[user]:
                    ready.append(user)
        left = {name: needs for name, needs in waiting.items() if name not in self.known}
        for name in left:
            self.known[name] = None
        while left:
            cycle = _cycle(left)
            shown = " -> ".join(f"`{name}`" for name in (*cycle, cycle[0]))
            self.problems.add(
                FORMULA_RULES["cycle"],
                self.estimates[cycle[0]].place,
                f"The estimate {quoted(cycle[0])} depends on itself: {shown}.",
                "Give one of them a value of its own.",
            )
            for name in cycle:
                left.pop(name)
            left = {name: needs & left.keys() for name, needs in left.items()}
            while settled := [name for name, needs in left.items() if not needs]:
                for name in settled:
                    left.pop(name)
                left = {name: needs & left.keys() for name, needs in left.items()}

    def of(self, formula: Formula) -> Dimension | None:
        """The dimension of a formula; None if it is not known, or wrong."""
        self.formula = formula
        try:
            found = self.dimension(formula.expr.expr)
        except _Wrong:
            return None
        unit = formula.expr.unit
        if unit is None:
            return found
        if found is not None and found != unit.dimension:
            said = f"{quoted(formula.text)} is {describe(found)}, and `{unit.name}` is {describe(unit.dimension)}."
            self.problems.add(
                FORMULA_RULES["wrong-dimension"],
                formula.place,
                said,
                "Convert it into a unit of its own kind.",
            )
            return None
        return unit.dimension

    def check(self, use: Use) -> None:
        """Check one formula against the dimension that its place asks for."""
        before = self.problems.count
        found = self.of(use.formula)
        if found is None or self.problems.count > before:
            return
        place, text = use.formula.place, quoted(use.formula.text)
        if use.dimension == "any":
            return
        if use.dimension == "cost":
            if found not in _COSTS:
                said = f"{use.of} is a cost per time, and {text} is {describe(found)}."
                self.problems.add(
                    FORMULA_RULES["wrong-dimension"], place, said, "Write it as `0.17 USD / hour`."
                )
            return
        wanted = _WANTED[use.dimension]
        if found != wanted:
            example = "50%" if use.dimension == "share" else example_of(wanted)
            said = f"{use.of} is {describe(wanted)}, and {text} is {describe(found)}."
            self.problems.add(FORMULA_RULES["wrong-dimension"], place, said, f"Write it as `{example}`.")
        elif use.dimension == "share":
            self.check_share(use)

    def check_share(self, use: Use) -> None:
        literal = use.formula.expr.expr
        if isinstance(literal, Literal) and literal.unit is None and literal.value > 1:
            said = f"{use.of} is a share, and {quoted(use.formula.text)} is more than all."
            mend = (
                f"Write `{literal.value:g}%`."
                if literal.value <= 100
                else "A share lies between 0% and 100%."
            )
            self.problems.add("TS350", use.formula.place, said, mend)
        elif (
            isinstance(literal, Literal)
            and literal.unit is not None
            and literal.value * literal.unit.factor_to_si > 1
        ):
            said = f"{use.of} is a share, and {quoted(use.formula.text)} is more than all."
            self.problems.add("TS350", use.formula.place, said, "A share lies between 0% and 100%.")

    # --- expressions

    def place(self, node: Expr) -> Place:
        formula = self.formula
        assert formula is not None
        place = formula.place
        if place.line != place.end_line or place.end_column - place.column != len(formula.text):
            return place
        return Place(place.file, place.line, place.column + node.start, place.line, place.column + node.end)

    def wrong(self, code: str, node: Expr, message: str, suggestion: str = "") -> _Wrong:
        self.problems.add(FORMULA_RULES[code], self.place(node), message, suggestion)
        return _Wrong()

    def piece(self, node: Expr) -> str:
        assert self.formula is not None
        return quoted(self.formula.expr.piece(node))

    def dimension(self, node: Expr) -> Dimension | None:
        match node:
            case Literal(unit=unit):
                return NUMBER if unit is None else unit.dimension
            case Name(name=name):
                return self.name(name)
            case Negate(operand=operand):
                return self.dimension(operand)
            case Range():
                return self.range(node)
            case Call():
                return self.call(node)
            case Binary():
                return self.binary(node)

    def name(self, name: str) -> Dimension | None:
        if name == "usual rate":
            return RATE
        if name in self.known:
            return self.known[name]
        if "." in name:
            return self.attribute(name)
        return None

    def attribute(self, path: str) -> Dimension | None:
        """The dimension of the last name of a path, where the data say it."""
        before, _, last = path.rpartition(".")
        if last == "size":
            return NUMBER
        entity = before if before in self.figures else None
        if entity is not None and last in self.figures[entity]:
            return self.of_figure(self.figures[entity][last])
        return NUMBER if self.reader.paths.is_relation(last) else None

    def of_figure(self, formula: Formula) -> Dimension | None:
        if any("." in name for name in formula.attributes):
            return None  # a figure made of other figures is not followed further
        before, self.formula = self.formula, formula
        try:
            return self.dimension(formula.expr.expr)
        except _Wrong:
            return None
        finally:
            self.formula = before

    def range(self, node: Range) -> Dimension | None:
        low, high = self.dimension(node.low), self.dimension(node.high)
        if low is None or high is None:
            return low or high
        if low != high:
            raise self.wrong(
                "mixed-dimensions",
                node,
                f"A range cannot go from {describe(low)} to {describe(high)}: {self.piece(node)}.",
                "Give both ends the same unit.",
            )
        first, last = node.low, node.high
        if isinstance(first, Literal) and isinstance(last, Literal) and _si(first) > _si(last):
            raise self.wrong(
                "reversed-range", node, f"{self.piece(node)} has its larger end first.", "Swap the ends."
            )
        return low

    def binary(self, node: Binary) -> Dimension | None:
        left, right = self.dimension(node.left), self.dimension(node.right)
        if node.operator == "^":
            return self.power(node, left, right)
        if node.operator in "+-":
            if left is not None and right is not None and left != right:
                verb = "added to" if node.operator == "+" else "subtracted from"
                said = f"{describe(right)} cannot be {verb} {describe(left)}: {self.piece(node)}."
                raise self.wrong(
                    "mixed-dimensions", node, said[:1].upper() + said[1:], "Give both the same unit."
                )
            return left if left is not None else right
        if left is None or right is None:
            return None
        found = left * right if node.operator == "*" else left / right
        if not found.is_reasonable:
            raise self.wrong(
                "wrong-dimension", node, f"No quantity has a dimension such as that of {self.piece(node)}."
            )
        return found

    def power(self, node: Binary, base: Dimension | None, exponent: Dimension | None) -> Dimension | None:
        if exponent is not None and not exponent.is_number:
            said = f"An exponent is a plain number; {self.piece(node.right)} is {describe(exponent)}."
            raise self.wrong("not-a-plain-number", node.right, said)
        if base is None or base.is_number:
            return base
        literal = node.right.operand if isinstance(node.right, Negate) else node.right
        if (
            not isinstance(literal, Literal)
            or literal.unit is not None
            or not (2 * literal.value).is_integer()
        ):
            return None
        value = -literal.value if isinstance(node.right, Negate) else literal.value
        if abs(value) > 12:
            return None
        found = base ** Fraction(int(2 * value), 2)
        if not found.is_reasonable:
            raise self.wrong(
                "wrong-dimension", node, f"No quantity has a dimension such as that of {self.piece(node)}."
            )
        return found

    def call(self, node: Call) -> Dimension | None:
        arguments = [self.dimension(argument) for argument in node.arguments]
        given = [dimension for dimension in arguments if dimension is not None]
        if node.function == "sqrt":
            found = given[0] ** Fraction(1, 2) if given else None
            return found if found is None or found.is_reasonable else None
        if node.function == "ceil":
            if given and not given[0].is_number:
                said = f"`ceil` rounds a plain number up; {self.piece(node.arguments[0])} is {describe(given[0])}."
                raise self.wrong(
                    "not-a-plain-number", node.arguments[0], said, "Divide it by the unit first."
                )
            return NUMBER
        for dimension in given[1:]:
            if dimension != given[0]:
                both = f"{describe(given[0])} beside {describe(dimension)}"
                said = f"`{node.function}` cannot have {both}: {self.piece(node)}."
                raise self.wrong("mixed-dimensions", node, said, "Give all of them the same unit.")
        return given[0] if given else None


def _si(literal: Literal) -> float:
    return literal.value * (literal.unit.factor_to_si if literal.unit else 1.0)


def _cycle(needs: dict[str, set[str]]) -> list[str]:
    """A cycle, in the order of reference; every name needs another one that is left."""
    seen: dict[str, int] = {}
    order: list[str] = []
    name = next(iter(needs))
    while name not in seen:
        seen[name] = len(order)
        order.append(name)
        name = min(needs[name])
    return order[seen[name] :]
