"""Numbers are written as an engineer writes them, and what is written is read back as the same value."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toscale.quantity.formatting import format_number, format_quantity, format_range, round_to
from toscale.quantity.sheet import evaluate_expression
from toscale.quantity.units import (
    BANDWIDTH,
    COST_RATE,
    MONEY,
    NUMBER,
    RATE,
    SIZE,
    TIME,
    UNITS,
    Dimension,
    Unit,
    parse_unit,
)

DIMENSIONS = [NUMBER, TIME, SIZE, RATE, BANDWIDTH, MONEY, COST_RATE, SIZE * TIME, TIME**2, SIZE**2 / MONEY]
SHOWN = [
    parse_unit(name) for name in ("%", "ms", "TB", "1/s", "TB/day", "Mbit/s", "USD/month", "x", "KiB", "hour")
]


@pytest.mark.parametrize(
    ("value", "dimension", "unit", "text"),
    [
        (3800, RATE, None, "3.8k/s"),
        (4.1e12, SIZE, None, "4.1 TB"),
        (0.0125, TIME, None, "12.5 ms"),
        (0.3, TIME, None, "300 ms"),
        (0.9995, NUMBER, "%", "99.95%"),
        (0.99993, NUMBER, "%", "99.993%"),
        (0.106, NUMBER, "%", "10.6%"),
        (2.4e6, NUMBER, None, "2.4M"),
        (6e9, NUMBER, None, "6 billion"),
        (9999, NUMBER, None, "9999"),
        (20, NUMBER, None, "20"),
        (0.106, NUMBER, None, "0.106"),
        (1e18, NUMBER, None, "1e18"),
        (999_960, RATE, None, "1M/s"),
        (0.9999, TIME, None, "1 s"),
        (59.99, TIME, None, "1 min"),
        (90, TIME, None, "1.5 min"),
        (86_400, TIME, None, "1 day"),
        (172_800, TIME, None, "2 days"),
        (5 * 365.25 * 86_400, TIME, None, "5 years"),
        (500, SIZE, None, "500 bytes"),
        (1, SIZE, None, "1 byte"),
        (0.5, RATE, None, "0.5/s"),
        (1 / 600, RATE, None, "0.1/min"),
        (15e6, BANDWIDTH, "Mbit/s", "120 Mbit/s"),
        (15e6, BANDWIDTH, None, "15 MB/s"),
        (6e12 / 86_400, BANDWIDTH, "TB/day", "6 TB/day"),
        (1234.5, MONEY, None, "1.23k USD"),
        (10, NUMBER, "x", "10x"),
        (-0.25, TIME, None, "-250 ms"),
        (0, TIME, None, "0 s"),
        (0, RATE, None, "0/s"),
        (0, NUMBER, None, "0"),
        (0, NUMBER, "%", "0%"),
    ],
)
def test_written(value: float, dimension: Dimension, unit: str | None, text: str) -> None:
    assert format_quantity(value, dimension, parse_unit(unit) if unit else None) == text


@pytest.mark.parametrize(
    ("low", "high", "dimension", "unit", "text"),
    [
        (22.8, 60.8, RATE, None, "23 to 61 per s"),
        (3800, 12_000, RATE, None, "3.8k to 12k per s"),
        (60e6, 160e6, NUMBER, None, "60M to 160M"),
        (4.1e12, 5.6e12, SIZE, None, "4.1 to 5.6 TB"),
        (0.02, 1.2, TIME, None, "20 ms to 1.2 s"),
        (0.3, 1.2, TIME, None, "0.3 to 1.2 s"),
        (0.2, 0.4, NUMBER, "%", "20% to 40%"),
        (2, 3, NUMBER, "x", "2x to 3x"),
        (20, 5e6, NUMBER, None, "20 to 5M"),
        (2, 5e6, NUMBER, None, "0.002k to 5M"),
        (0, 5e6, NUMBER, None, "0 to 5M"),
        (1.001, 1.002, TIME, None, "1.001 to 1.002 s"),
        (3, 3, TIME, None, "3 s"),
        (-5, 3, NUMBER, None, "-5 to 3"),
    ],
)
def test_written_range(low: float, high: float, dimension: Dimension, unit: str | None, text: str) -> None:
    assert format_range(low, high, dimension, parse_unit(unit) if unit else None) == text


def magnitudes() -> st.SearchStrategy[float]:
    return st.tuples(st.floats(1, 10), st.integers(-12, 20), st.sampled_from([1, -1])).map(
        lambda t: t[2] * t[0] * 10.0 ** t[1]
    )


@given(magnitudes(), st.sampled_from(DIMENSIONS), st.integers(1, 6))
@example(9.9996e3, NUMBER, 3)
def test_reads_back(value: float, dimension: Dimension, digits: int) -> None:
    read = evaluate_expression(format_quantity(value, dimension, None, digits), expect=dimension)
    assert read.median == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))


@given(magnitudes(), st.sampled_from(SHOWN))
def test_reads_back_in_a_given_unit(value: float, unit: Unit) -> None:
    read = evaluate_expression(format_quantity(value, unit.dimension, unit, 4), expect=unit.dimension)
    assert read.median == pytest.approx(value, rel=0.51e-3)


@given(magnitudes().map(abs), st.floats(1, 1e7), st.sampled_from(DIMENSIONS), st.integers(2, 4))
@example(2.0, 2.5e6, NUMBER, 2)
@example(500.0, 2.0, SIZE, 2)
def test_range_reads_back(low: float, ratio: float, dimension: Dimension, digits: int) -> None:
    high = low * ratio
    read = evaluate_expression(format_range(low, high, dimension, None, digits), expect=dimension)
    assert read.low == pytest.approx(low, rel=0.51 * 10.0 ** (1 - digits) + 1e-3)
    assert read.high == pytest.approx(high, rel=0.51 * 10.0 ** (1 - digits) + 1e-3)


@given(st.floats(0.0001, 0.09))
def test_close_to_all_is_never_all(missing: float) -> None:
    text = format_quantity(1 - missing, NUMBER, UNITS["%"])
    assert text != "100%"
    assert 1 - float(text.rstrip("%")) / 100 == pytest.approx(missing, rel=0.1)


@given(st.floats(), st.floats(), st.sampled_from(DIMENSIONS))
def test_never_nan_or_infinity(low: float, high: float, dimension: Dimension) -> None:
    for text in (
        format_quantity(low, dimension),
        format_range(low, high, dimension),
        format_number(low),
        format_quantity(low, NUMBER, UNITS["%"]),
    ):
        assert "nan" not in text
        assert "inf" not in text


@given(st.floats(1e-300, 1e300), st.integers(1, 15))
def test_rounding(value: float, digits: int) -> None:
    assert round_to(value, digits) == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))
    assert round_to(round_to(value, digits), digits) == round_to(value, digits)
    assert not math.isinf(round_to(value, digits))


def test_a_small_range_has_no_multiplier() -> None:
    assert format_range(0.0067, 0.017, NUMBER) == "0.0067 to 0.017"
