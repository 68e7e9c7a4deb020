"""Which values of a design cannot be? A division by zero, a sum that is too large, a tail that no law has, a
negative rate, a period of zero, a choice among no keys, a file of times that is not there.

Reading a file finds what is wrong with its words and units; these are wrong with its numbers, and are found by
computing every formula and every time that the file gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any

from toscale.design.flow import Every
from toscale.design.model import Design
from toscale.design.parts import Formula, Time
from toscale.design.problems import Problem
from toscale.design.rules import FORMULA_RULES
from toscale.quantity.errors import QuantityError
from toscale.quantity.estimate import Estimate
from toscale.quantity.measured import read_measured
from toscale.quantity.sheet import Sheet
from toscale.quantity.times import RandomTime, evaluate_time
from toscale.quantity.units import BANDWIDTH, RATE, SIZE, TIME, describe, example_of
from toscale.requirements.values import sheet_of

__all__ = ["impossible"]

_NEVER_NEGATIVE = (TIME, RATE, SIZE, BANDWIDTH)


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
                _not_negative(sheet.evaluate_expression(value.text, name=value.text), value)
            else:
                _read(evaluate_time(value.expr, sheet, name=value.text), value)
        except QuantityError as error:
            found.append(_problem(error, value))
    told = {problem.place for problem in found}
    for value, refusal in _out_of_range(design, sheet, broken):
        if value.place not in told:
            found.append(_problem(refusal, value))
    return tuple(dict.fromkeys(found))


def _not_negative(estimate: Estimate, value: Formula) -> None:
    """Outside the estimates, which may be differences, no time, rate or size is negative. Plain numbers are left
    to their places: what is compared with an attribute may be anything.
    """
    if estimate.dimension in _NEVER_NEGATIVE and estimate.median < 0:
        kind, example = describe(estimate.dimension), example_of(estimate.dimension)
        raise _refusal(f"`{value.text}` is negative.", f"Write {kind} of zero or more, such as `{example}`.")


def _read(time: RandomTime, value: Time) -> None:
    """Reads the file of a time that has one, so that what is wrong with it is known before a simulation."""
    if time.file is not None:
        read_measured(time.file, value.place.file or "")


def _out_of_range(
    design: Design, sheet: Sheet, broken: set[str]
) -> Iterator[tuple[Formula | Time, QuantityError]]:
    """Values that can be, but not where they stand. What cannot be computed is told elsewhere."""
    for flow in design.flows.values():
        period = flow.trigger.period if isinstance(flow.trigger, Every) else None
        if period is None or period.names & broken:
            continue
        with suppress(QuantityError):
            if evaluate_time(period.expr, sheet, name=period.text).mean == 0:
                said = f"`{flow.name}` cannot run every `{period.text}`: it would never end."
                yield period, _refusal(said, "Write a period longer than zero, such as `every: 20 ms`.")
    for entity in design.data.values():
        over = entity.popularity.over if entity.popularity else None
        if not isinstance(over, Formula) or over.attributes or over.names & broken:
            continue
        with suppress(QuantityError):
            if sheet.evaluate_expression(over.text, name=over.text).median < 1:
                said = f"The popularity of `{entity.name}` is over `{over.text}`: there is no key to choose."
                yield over, _refusal(said, "Write how many are asked for at all, such as `over 50M`.")


def _refusal(message: str, suggestion: str) -> QuantityError:
    return QuantityError("impossible-value", message, suggestion)


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
