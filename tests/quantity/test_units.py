"""Units agree with an independent table (pint), compose, and refuse what is no unit with a mend."""

from __future__ import annotations

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.quantity.errors import QuantityError
from toscale.quantity.units import (
    BANDWIDTH,
    COST_RATE,
    MONEY,
    NUMBER,
    PLURALS,
    RATE,
    SIZE,
    TIME,
    UNITS,
    Unit,
    base_unit,
    find_unit,
    parse_unit,
)

ORACLE: pint.UnitRegistry[float] = pint.UnitRegistry()
PINT_NAMES = {"min": "minute", "month": "year/12", "us": "microsecond", "B": "byte", "%": "percent"}


def of_pint(name: str) -> float:
    spelled = PINT_NAMES.get(name, name)
    quantity = ORACLE.parse_expression(spelled)
    if name in ("%",):
        return float(quantity.to("dimensionless").magnitude)
    base = "second" if quantity.check("[time]") else "byte"
    return float(quantity.to(base).magnitude)


@pytest.mark.parametrize("name", [n for n in UNITS if n not in ("USD", "x")])
def test_factor_is_that_of_pint(name: str) -> None:
    assert UNITS[name].factor_to_si == pytest.approx(of_pint(name), rel=1e-14)


@pytest.mark.parametrize(("plural", "name"), PLURALS.items())
def test_plural_is_the_same_unit(plural: str, name: str) -> None:
    assert find_unit(plural) is UNITS[name]


@pytest.mark.parametrize(
    ("text", "factor", "dimension"),
    [
        ("TB / day", 1e12 / 86_400, BANDWIDTH),
        ("Mbit/s", 125_000, BANDWIDTH),
        ("Mbit per s", 125_000, BANDWIDTH),
        ("1/s", 1, RATE),
        ("1 / month", 12 / (365.25 * 86_400), RATE),
        ("per hour", 1 / 3600, RATE),
        ("USD / hour", 1 / 3600, COST_RATE),
        ("years", 365.25 * 86_400, TIME),
        ("%", 0.01, NUMBER),
        ("GiB", 2**30, SIZE),
        ("USD", 1, MONEY),
        ("s^2", 1, TIME**2),
        ("byte*s", 1, SIZE * TIME),
    ],
)
def test_composed_unit(text: str, factor: float, dimension: object) -> None:
    unit = parse_unit(text)
    assert unit.factor_to_si == pytest.approx(factor, rel=1e-14)
    assert unit.dimension == dimension


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("Kb", "`kB` (kilobyte) or `kbit`"),
        ("mb", "`MB` (megabyte) or `Mbit`"),
        ("gib", "`GiB`"),
        ("Ms", "`ms`"),
        ("Days", "`days`"),
        ("sec", "`s`"),
        ("h", "`hour`"),
        ("percent", "`%`"),
        ("requests", "Leave `requests` out"),
        ("users", "Leave `users` out"),
        ("qps", "`/ s`"),
        ("yaers", "`years`"),
        ("usd", "`USD`"),
        ("mbps", "`Mbit/s`"),
        ("B", "`byte`"),
    ],
)
def test_wrong_unit_has_its_mend(text: str, mend: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_unit(text)
    assert caught.value.code == "unknown-unit"
    assert mend in caught.value.suggestion
    assert (caught.value.start, caught.value.end) == (0, len(text))


def test_place_of_a_wrong_part() -> None:
    with pytest.raises(QuantityError) as caught:
        parse_unit("TB / dy")
    assert (caught.value.start, caught.value.end) == (5, 7)


def outcome(text: str) -> tuple[Unit | None, QuantityError | None]:
    try:
        return parse_unit(text), None
    except QuantityError as error:
        return None, error


@given(st.text(max_size=60))
def test_nothing_but_quantity_errors(text: str) -> None:
    unit, error = outcome(text)
    assert (unit is None) != (error is None)
    if unit is not None:
        assert unit.factor_to_si > 0
    if error is not None:
        assert 0 <= error.start <= error.end <= len(text)


@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3))
def test_name_of_a_base_unit_reads_back(time: int, information: int, money: int) -> None:
    dimension = TIME**time * SIZE**information * MONEY**money
    if not dimension.is_number:
        assert parse_unit(base_unit(dimension).name).dimension == dimension
