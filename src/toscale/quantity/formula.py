"""What is a formula once it has been read? A tree of frozen nodes, each with its place in the text.

The tree says what was written, not what it means: units and names are looked up when it is evaluated
(`evaluate.py`). Places are character offsets into `Formula.text`, the end exclusive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from toscale.quantity.units import Unit


@dataclass(frozen=True, slots=True)
class Literal:
    """A number with its multiplier and unit (`60M`, `3 ms`), or a unit alone after `/` or `*` (`/ month`).

    `value` is the number times the multiplier, in `unit`; `mantissa` the number alone.
    """

    value: float
    unit: Unit | None
    start: int
    end: int
    mantissa: float
    multiplier: str = ""
    is_unit_alone: bool = False
    depth: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A reference to an estimate or to a known quantity (`peak`, `tenant.limit`, `usual rate`)."""

    name: str
    start: int
    end: int
    depth: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negate:
    """The negative of a value."""

    operand: Expr
    start: int
    end: int
    depth: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """`+`, `-`, `*`, `/` or `^` between two values."""

    operator: str
    left: Expr
    right: Expr
    start: int
    end: int
    depth: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """`low to high`: what we do not know. `ordinal` counts the uncertain literals of its formula from 0."""

    low: Expr
    high: Expr
    ordinal: int
    start: int
    end: int
    depth: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values: `max(a, b)`, or a named shape such as `uniform(1, 3)`.

    `ordinal` is that of an uncertain literal for a shape, -1 for any other function.
    """

    function: str
    arguments: tuple[Expr, ...]
    ordinal: int
    start: int
    end: int
    depth: int = field(default=1, compare=False, repr=False)


Expr = Literal | Name | Negate | Binary | Range | Call


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node of the tree, from left to right in the order of the text."""
    yield expr
    match expr:
        case Negate(operand=operand):
            yield from walk(operand)
        case Binary(left=left, right=right):
            yield from walk(left)
            yield from walk(right)
        case Range(low=low, high=high):
            yield from walk(low)
            yield from walk(high)
        case Call(arguments=arguments):
            for argument in arguments:
                yield from walk(argument)
        case _:
            pass


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as it was read: its text, its tree, and the unit after `in`, if there is one.

    `unit_start` is the place of that `in`, -1 without one.
    """

    text: str
    expr: Expr
    unit: Unit | None = None
    unit_start: int = -1

    @property
    def names(self) -> tuple[str, ...]:
        """The names it refers to, each once, in the order of the text."""
        return tuple(dict.fromkeys(node.name for node in walk(self.expr) if isinstance(node, Name)))

    @property
    def uncertain(self) -> tuple[Range | Call, ...]:
        """Its uncertain literals, in the order of their ordinals."""
        found = (n for n in walk(self.expr) if isinstance(n, Range | Call) and n.ordinal >= 0)
        return tuple(sorted(found, key=lambda node: node.ordinal))

    def piece(self, node: Expr) -> str:
        """The text of a node as it was written."""
        return self.text[node.start : node.end]
