"""Estimates refer to each other; every problem is told at once, each with its place."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.quantity.errors import QuantityError
from toscale.quantity.sheet import MOST_ASSUMPTIONS, MOST_FORMULAS, MOST_TEXT, Sheet, evaluate_expression
from toscale.quantity.uncertain import Quantity
from toscale.quantity.units import BANDWIDTH, MONEY, NUMBER, RATE, SIZE, TIME, Dimension

LINKS = {
    "new_links": "60M to 160M / month",
    "reads_per_write": "60 to 150",
    "peak": "3 to 6",
    "writes": "new_links in 1/s",
    "reads": "writes * reads_per_write",
    "peak_reads": "reads * peak",
}


def codes(sheet: Sheet) -> list[tuple[str, str]]:
    return [(problem.name, problem.error.code) for problem in sheet.problems]


def test_order_in_the_file_does_not_matter() -> None:
    forwards, backwards = Sheet.evaluate(LINKS), Sheet.evaluate(dict(reversed(LINKS.items())))
    for name in LINKS:
        assert np.array_equal(np.asarray(forwards[name].value), np.asarray(backwards[name].value))


def test_all_problems_at_once() -> None:
    sheet = Sheet.evaluate(
        {
            "good": "3 GB",
            "typo": "god * 2 + goood",
            "unit": "3 mb",
            "sum": "good + 3 s",
            "difference": "3 s - good",
            "bare": "good + 3",
            "waits": "typo * 2",
            "waits_more": "waits + unit",
            "loop": "pool * 2",
            "pool": "loop / 2",
            "self": "self + 1",
            "hangs": "pool + 1",
            "shown": "good in 1/s",
            "month": "3",
        }
    )
    assert codes(sheet) == [
        ("typo", "unknown-name"),
        ("typo", "unknown-name"),
        ("unit", "unknown-unit"),
        ("sum", "mixed-dimensions"),
        ("difference", "mixed-dimensions"),
        ("bare", "mixed-dimensions"),
        ("loop", "cycle"),
        ("self", "cycle"),
        ("shown", "wrong-dimension"),
        ("month", "reserved-name"),
    ]
    told = {(p.name, p.error.start): p.error for p in sheet.problems}
    assert told["typo", 0].suggestion == "Did you mean `good`?"
    assert told["sum", 0].message == "A time cannot be added to a size: `good + 3 s`."
    assert told["difference", 0].message == "A size cannot be subtracted from a time: `3 s - good`."
    assert told["bare", 0].suggestion == "Give `3` a unit, as a size has."
    assert told["loop", 0].message == "`loop` depends on itself: loop -> pool -> loop."
    assert (told["shown", 5].start, told["shown", 5].end) == (5, 11)
    assert sheet.not_computed == {
        "waits": ("typo",),
        "waits_more": ("typo", "unit"),
        "pool": ("loop",),
        "hangs": ("loop",),
    }
    assert list(sheet) == ["good"]


def test_two_cycles_are_each_told_once() -> None:
    ring = {f"r{i}": f"r{(i + 1) % 5}" for i in range(5)}
    sheet = Sheet.evaluate({"a": "b", "b": "a", **ring, "tail": "r3 + a"})
    assert codes(sheet) == [("a", "cycle"), ("r0", "cycle")]
    assert "r0 -> r1 -> r2 -> r3 -> r4 -> r0" in sheet.problems[1].error.message
    assert set(sheet.not_computed["tail"]) == {"r0", "a"}


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=8, max_size=8))
def test_every_formula_is_computed_or_waits_for_a_cycle(uses: list[list[int]]) -> None:
    formulas = {f"n{i}": " + ".join(["1", *(f"n{u}" for u in used)]) for i, used in enumerate(uses)}
    sheet = Sheet.evaluate(formulas)
    broken = {p.name for p in sheet.problems}
    assert {p.error.code for p in sheet.problems} <= {"cycle"}
    assert len(sheet) + len(broken) + len(sheet.not_computed) == 8
    assert all(roots and set(roots) <= broken for roots in sheet.not_computed.values())

    def is_on_a_cycle(i: int) -> bool:
        return i in _descendants(uses, i)

    for i in range(8):
        hangs = any(is_on_a_cycle(j) for j in {i, *_descendants(uses, i)})
        assert (f"n{i}" in sheet) == (not hangs)


def _descendants(uses: list[list[int]], i: int) -> set[int]:
    seen: set[int] = set()
    todo = list(uses[i])
    while todo:
        j = todo.pop()
        if j not in seen:
            seen.add(j)
            todo += uses[j]
    return seen


def test_a_long_chain_is_no_deep_recursion() -> None:
    formulas = {f"n{i}": f"n{i + 1} + 1" for i in range(MOST_FORMULAS - 1)} | {f"n{MOST_FORMULAS - 1}": "1"}
    sheet = Sheet.evaluate(formulas)
    assert sheet["n0"].median == MOST_FORMULAS
    assert sum(1 for _ in sheet["n0"].derivation_lines()) == MOST_FORMULAS


def test_bounds_of_a_sheet() -> None:
    many = Sheet.evaluate({f"n{i}": "1" for i in range(MOST_FORMULAS + 5)})
    assert codes(many) == [(f"n{MOST_FORMULAS}", "too-many-estimates")]
    unsure = Sheet.evaluate({f"n{i}": "1 to 2" for i in range(MOST_ASSUMPTIONS + 5)} | {"sum": "n0 + n304"})
    assert codes(unsure) == [(f"n{MOST_ASSUMPTIONS}", "too-many-estimates")]
    assert "sum" in unsure.not_computed
    long = Sheet.evaluate({f"n{i}": "1" + " " * 1000 for i in range(MOST_TEXT // 1000)})
    assert [code for _, code in codes(long)] == ["too-many-estimates"]
    assert len(long) == MOST_TEXT // 1001


def test_growth_multiplies_what_depends_on_it() -> None:
    sheet, grown = Sheet.evaluate(LINKS), Sheet.evaluate(LINKS).scaled({"new_links": 10})
    for name in ("new_links", "writes", "reads", "peak_reads"):
        assert np.asarray(grown[name].value) == pytest.approx(10 * np.asarray(sheet[name].value), rel=1e-12)
    assert grown["peak"].median == sheet["peak"].median
    assert grown.scaled({"new_links": 10, "peak": 2})["peak_reads"].median == pytest.approx(
        200 * sheet["peak_reads"].median, rel=1e-12
    )
    assert "* 10" in grown["new_links"].derivation


def test_override_puts_a_certain_value_in_place() -> None:
    sheet = Sheet.evaluate(LINKS, overrides={"writes": 100, "peak": 2})
    assert sheet["writes"].is_certain
    assert sheet["peak_reads"].median == pytest.approx(200 * sheet["reads_per_write"].median, rel=1e-12)
    assert sheet["peak_reads"].dimension == RATE
    assert list(sheet["peak_reads"].shares) == ["reads_per_write"]
    assert codes(Sheet.evaluate(LINKS, overrides={"peek": 3, "peak": math.nan})) == [
        ("peak", "overflow"),
        ("peek", "unknown-name"),
    ]


@pytest.mark.parametrize(("given_number", "expected"), [(20, 20.0), (1e-7, 1e-7), (-3, -3.0), (10**20, 1e20)])
def test_numbers_are_formulas_too(given_number: float, expected: float) -> None:
    assert Sheet.evaluate({"a": given_number})["a"].median == expected


@pytest.mark.parametrize("bad", [True, math.inf, math.nan, 10**400])
def test_what_is_no_number_is_said(bad: float) -> None:
    assert codes(Sheet.evaluate({"a": bad})) == [("a", "unreadable")]


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        ("20 / s", RATE),
        ("20 ms", TIME),
        ("16 GB", SIZE),
        ("3 USD", MONEY),
        ("3", NUMBER),
        ("3 MB/s", BANDWIDTH),
    ],
)
def test_expected_dimension(text: str, expect: Dimension) -> None:
    assert evaluate_expression(text, expect=expect).dimension == expect
    for other in (RATE, TIME, SIZE, MONEY, NUMBER, BANDWIDTH):
        if other != expect:
            with pytest.raises(QuantityError) as caught:
                evaluate_expression(text, expect=other)
            assert caught.value.code == "wrong-dimension"
            assert "such as" in caught.value.suggestion


def test_expression_over_a_sheet_shares_its_unknowns() -> None:
    sheet = Sheet.evaluate({**LINKS, "bad": "3 mb"})
    twice = sheet.evaluate_expression("peak_reads * 2", expect=RATE)
    assert np.array_equal(np.asarray(twice.value), 2 * np.asarray(sheet["peak_reads"].value))
    assert evaluate_expression("peak_reads * 2", sheet).median == twice.median
    for text, code in (("bad * 2", "not-computed"), ("peek * 2", "unknown-name")):
        with pytest.raises(QuantityError) as caught:
            sheet.evaluate_expression(text)
        assert caught.value.code == code


def test_numbers_that_differ_from_one_to_the_next() -> None:
    usual = Quantity(np.array([1.0, 5.0, 40.0]), RATE)
    limit = evaluate_expression("max(20 / s, 2 * usual rate)", {"usual rate": usual}, expect=RATE)
    assert np.asarray(limit.value).tolist() == [20.0, 20.0, 80.0]
    with pytest.raises(QuantityError) as caught:
        evaluate_expression("usual rate * (1 to 2)", {"usual rate": usual})
    assert caught.value.code == "mixed-lengths"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(1.05, 50), min_size=1, max_size=6),
    st.lists(st.sampled_from([-2, -1, 1, 2]), min_size=6, max_size=6),
)
def test_shares_of_a_product_are_the_analytic_ones(ratios: list[float], powers: list[int]) -> None:
    formulas = {f"a{i}": f"1 to {ratio!r}" for i, ratio in enumerate(ratios)}
    product = " * ".join(f"a{i}^{powers[i]}" for i in range(len(ratios)))
    shares = Sheet.evaluate({**formulas, "p": product})["p"].shares
    variances = [(powers[i] * math.log(ratio)) ** 2 for i, ratio in enumerate(ratios)]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-9)
    for i, variance in enumerate(variances):
        assert shares[f"a{i}"] == pytest.approx(variance / sum(variances), abs=0.002)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_shares_of_a_sum_of_normals_and_of_a_pure_interaction() -> None:
    total = Sheet.evaluate({"a": "normal(0, 3)", "b": "normal(0, 4)", "c": "a + b"})["c"].shares
    assert total == pytest.approx({"a": 0.36, "b": 0.64}, abs=0.01)
    # The product of two centred normals depends on neither alone (Sobol: both first-order indices are 0).
    product = Sheet.evaluate({"a": "normal(0, 1)", "b": "normal(0, 1)", "c": "a * b"})["c"].shares
    assert product == pytest.approx({"a": 0, "b": 0}, abs=0.01)
    # An even function has no correlation with its argument and yet depends on it alone.
    square = Sheet.evaluate({"a": "normal(0, 1)", "b": "1 to 1.01", "c": "a^2 - b"})["c"].shares
    assert square["a"] == pytest.approx(1, abs=0.01)


def test_assumptions_of_one_formula_are_told_apart() -> None:
    sheet = Sheet.evaluate({"a": "(1 to 2) * (3 to 9) * (1 to 2)"})
    assert set(sheet["a"].shares) == {"a: 1 to 2", "a: 1 to 2 (2)", "a: 3 to 9"}


@settings(max_examples=30)
@given(st.floats(1e-3, 1e3))
def test_a_change_of_units_changes_nothing(factor: float) -> None:
    first = Sheet.evaluate({"a": "3 to 6 GB", "b": "a / 2 min"})
    second = Sheet.evaluate({"a": "3000 to 6000 MB", "b": "a / 120 s"})
    assert np.asarray(first["b"].value) == pytest.approx(np.asarray(second["b"].value), rel=1e-9)
    scaled = first.scaled({"a": factor})
    assert scaled["b"].shares == pytest.approx(first["b"].shares, abs=1e-9)
    assert scaled["b"].median == pytest.approx(factor * first["b"].median, rel=1e-9)


def test_derivations_read_as_one_would_write_them() -> None:
    sheet = Sheet.evaluate(
        {
            **LINKS,
            "kept": "new_links * 5 years",
            "storage": "kept * 500 bytes * 3 in TB",
            "page": "20",
            "hold": "10 min",
        }
    )
    assert sheet["new_links"].derivation == "60M to 160M / month = 23 to 61 per s"
    assert sheet["page"].derivation == "20"
    assert sheet["hold"].derivation == "10 min"
    assert sheet["storage"].derivation.startswith("kept * 500 bytes * 3 in TB = 5.")
    assert sheet["storage"].derivation.endswith(" TB (5.4 to 14 TB)")
    lines = list(sheet["storage"].derivation_lines())
    assert [line.split(":")[0] for line in lines] == ["storage", "  kept", "    new_links"]


def test_shown_unit() -> None:
    sheet = Sheet.evaluate(
        {"a": "5 years", "b": "20% to 40%", "c": "a in days", "d": "6 TB / day in TB / day", "e": "3"}
    )
    assert [e.unit.name if e.unit else None for e in sheet.values()] == ["year", "%", "day", "TB/day", None]
    assert sheet["c"].in_unit(sheet["c"].median) == pytest.approx(5 * 365.25)
    assert sheet["b"].in_unit(sheet["b"].high) == pytest.approx(40, rel=1e-3)


def test_certain_work_needs_no_numpy() -> None:
    program = (
        "import sys\n"
        "from toscale.quantity.sheet import Sheet\n"
        "from toscale.quantity.times import parse_time\n"
        "from toscale.quantity.grammar import parse\n"
        "parse('3 to 6 ms')\n"
        "print(Sheet.evaluate({'a': '3 GB', 'b': 'a * 2'})['b'].shown(), parse_time('4 ms (p99 30 ms)').mean)\n"
        "print('numpy' in sys.modules, 'scipy' in sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["6 GB 0.004", "False False"]


def test_values_are_plain_numbers_for_json() -> None:
    estimate = Sheet.evaluate(LINKS)["peak_reads"]
    json.dumps([estimate.median, estimate.low, estimate.high, estimate.shares], allow_nan=False)


def test_a_large_result_has_its_shares_too() -> None:
    sheet = Sheet.evaluate({"a": "1G to 9G", "b": "a * 1 MB"})
    assert sheet["b"].shares == pytest.approx({"a": 1.0}, abs=1e-6)
