"""Which values of a design cannot be? A division by zero, a sum that is too large, a tail that no law has.

Reading a file finds what is wrong with its words and units; these are wrong with its numbers, and are found by
computing every formula and every time that the file gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from toscale.design.model import Design
from toscale.design.parts import Formula, Time
from toscale.design.problems import Problem
from toscale.design.rules import FORMULA_RULES
from toscale.quantity.errors import QuantityError
from toscale.quantity.sheet import Sheet
from toscale.quantity.times import evaluate_time
from toscale.requirements.values import sheet_of

__all__ = ["impossible"]


def impossible(design: Design, sheet: Sheet | None = None) -> tuple[Problem, ...]:
    """An error for each value that cannot be computed, at its place; what follows from a broken estimate is not
    told again.
    """
    sheet = sheet_of(design) if sheet is None else sheet
    found = [
        _problem(error.error, design.estimates[error.name])
        for error in sheet.problems
        if error.name in design.estimates
    ]
    broken = {error.name for error in sheet.problems} | set(sheet.not_computed)
    for value in _values(design):
        if value.names & broken or (isinstance(value, Formula) and value.attributes):
            continue
        try:
            if isinstance(value, Formula):
                sheet.evaluate_expression(value.text, name=value.text)
            else:
                evaluate_time(value.expr, sheet, name=value.text)
        except QuantityError as error:
            found.append(_problem(error, value))
    return tuple(dict.fromkeys(found))


def _problem(error: QuantityError, value: Formula | Time) -> Problem:
    return Problem(FORMULA_RULES[error.code], "error", error.message, error.suggestion, value.place)


def _values(design: Design) -> Iterator[Formula | Time]:
    """Every formula and time of the design, but for the estimates, which the sheet computes."""
    waiting: list[Any] = [
        getattr(design, f.name)
        for f in fields(design)
        if f.name not in ("estimates", "decisions", "problems")
    ]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, Formula | Time):
            if id(part) not in seen:
                seen.add(id(part))
                yield part
        elif isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, tuple | list):
            waiting.extend(part)
        elif is_dataclass(part) and not isinstance(part, type):
            waiting.extend(getattr(part, f.name) for f in fields(part))
