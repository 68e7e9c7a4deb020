"""What is everything in a design made of? Of texts with a place, formulas and times.

A `Place` is where something stands in the file. A `Formula` is an expression that is evaluated by
`toscale.quantity`; a `Time` is one that differs from request to request. Two parts are equal when they mean
the same, wherever they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toscale.quantity.formula import Formula as ParsedFormula
    from toscale.quantity.times import TimeExpression

__all__ = ["NOWHERE", "Formula", "Place", "Time"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A range in a file. Lines and columns count from 1, columns in characters; the end is behind the last
    character.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Place("", 0, 0, 0, 0)
"""The place of what was built by a program and stands in no file."""


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression of the file, such as `peak_reads * 700 bytes in Mbit/s`.

    `text` is the expression as written, without the space around it. `names` are the estimates that it
    refers to; `attributes` the dotted paths, such as `post.author.followers`, and the words, such as `usual
    rate`, whose values belong to a request or to an instance. `expr` is the expression as `toscale.quantity`
    has read it, with the unit after `in`.
    """

    text: str
    expr: ParsedFormula = field(compare=False, repr=False)
    names: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Time:
    """A time that differs from one request to the next, such as `4 ms (p99 30 ms)`, `20 s exponential` or
    `from waits.csv`.

    `expr` is what `toscale.quantity` has read; `evaluate_time(time.expr, sheet)` makes the `RandomTime` of
    it. `names` are the estimates that it refers to.
    """

    text: str
    expr: TimeExpression = field(compare=False, repr=False)
    names: frozenset[str] = frozenset()
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return self.text
