"""A formula has one meaning: precedence is that of algebra, and what has two readings is refused."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from toscale.quantity.errors import CODES, QuantityError
from toscale.quantity.estimate import Estimate
from toscale.quantity.formula import Binary, Formula, Name, Range, walk
from toscale.quantity.grammar import ARGUMENTS, MULTIPLIERS, is_reserved, parse
from toscale.quantity.sheet import Sheet, evaluate_expression
from toscale.quantity.units import PLURALS, UNITS


def value(text: str) -> float:
    return evaluate_expression(text).median


def refusal(text: str, known: tuple[str, ...] = ()) -> QuantityError:
    with pytest.raises(QuantityError) as caught:
        parse(text, known)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("100 / 10 / 5", 2),
        ("100 / 10 * 5", 50),
        ("2^3^2", 512),
        ("-2^2", -4),
        ("2^-2", 0.25),
        ("2 * -3", -6),
        ("- -3", 3),
        ("2 - -3", 5),
        ("+3", 3),
        ("3k^2", 9e6),
        (".5 * 1_000", 500),
        ("1e3 + 2.5E-1", 1000.25),
        ("2 billion + 1 thousand", 2_000_001_000),
        ("5 M", 5e6),
        ("3k bytes / 1 kB", 3),
        ("min(3, 1, 2) + max(4, 5)", 6),
        ("sqrt(16) + ceil(2.1)", 7),
        ("ceil(0.1 * 30)", 3),
        ("sqrt(4 s * 9 s) / 1 s", 6),
        ("1 hour / 1 min", 60),
        ("10 / 2 s * 1 s", 5),
        ("20 per s * 1 min", 1200),
        ("20%", 0.2),
        ("10x", 10),
        ("5 min", 300),
        ("1 MiB / 1 KiB", 1024),
        ("8 bits / 1 byte", 1),
        ("1 year / 1 month", 12),
    ],
)
def test_value(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("60M to 160M / month", "(60M to 160M) / (1 month)"),
        ("3 to 6 ms", "3 ms to 6 ms"),
        ("1 s to 30 s", "(1 s) to (30 s)"),
        ("20 to 40%", "20% to 40%"),
        ("4 to 6 TB / day", "(4 TB to 6 TB) / 1 day"),
        ("-5 to 5 ms", "-5 ms to 5 ms"),
        ("900 to 2k", "900 to 2000"),
        ("0 to 5M", "0 to 5000000"),
        ("2 * 3 to 6", "2 * (3 to 6)"),
        ("10^3 to 10^6", "1000 to 1000000"),
        ("1 + 2 to 3", "1 + (2 to 3)"),
        ("60M to 160M per month", "60M to 160M / month"),
    ],
)
def test_range_reads_as(text: str, same: str) -> None:
    first, second = evaluate_expression(text, name="a"), evaluate_expression(same, name="a")
    assert first.dimension == second.dimension
    for probability in (0.05, 0.5, 0.95):
        assert first.quantile(probability) == pytest.approx(second.quantile(probability), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "code", "place", "mend"),
    [
        ("500B", "ambiguous-number", "500B", "`500 bytes` or `500 billion`"),
        ("5m", "ambiguous-number", "5m", "`5 min` or `5M`"),
        ("3 * 500 B", "ambiguous-number", "500 B", "`500 bytes` or `500 billion`"),
        ("5K", "ambiguous-number", "5K", "`5k`"),
        ("1,000", "ambiguous-number", "1,000", "`1000`"),
        ("min(20,300)", "ambiguous-number", "20,300", "`20, 300`"),
        ("3 s^2", "ambiguous-number", "3 s^", "(3 s)"),
        ("1,5", "unreadable", ",", "dot"),
        ("10mb", "unknown-unit", "mb", "`MB` (megabyte) or `Mbit`"),
        ("2 to 3 to 4", "ambiguous-range", "2 to 3 to", "`low to high`"),
        ("2 to 5M", "ambiguous-range", "2 to 5M", "`2M to 5M`"),
        ("2 to 5 million", "ambiguous-range", "2 to 5 million", "`2 million to 5 million`"),
        ("3 ms to 6", "ambiguous-range", "3 ms to 6", "`6 ms`"),
        ("20 / s to 40 / s", "ambiguous-range", "s to", "`20 to 40 / s`"),
        ("5 GB 3", "missing-operator", "5 GB 3", "`5 GB * 3`"),
        ("5 peak", "missing-operator", "5 peak", "`5 * peak`"),
        ("5 GB s", "missing-operator", "5 GB s", "`5 GB/s`"),
        ("peak peak", "missing-operator", "peak peak", "`peak * peak`"),
        ("GB * 3", "unit-alone", "GB", "`1 GB`"),
        ("5 requests", "unknown-unit", "requests", "Leave `requests` out"),
        ("5 bn", "unknown-unit", "bn", "`billion`"),
        ("5 Million", "unknown-unit", "Million", "`million`"),
        ("5 k M", "ambiguous-number", "5 k M", "one out"),
        ("2 ** 3", "unexpected-character", "**", "`^`"),
        ("2 × 3", "unexpected-character", "×", "`*`"),
        ("a = 3", "unexpected-character", "=", "right-hand"),
        ("(1 + 2", "unclosed-bracket", "(", "`)`"),
        ("1 + 2)", "unclosed-bracket", ")", "out"),
        ("3 *", "missing-operand", "*", ""),
        ("* 3", "missing-operand", "*", ""),
        ("5.", "unreadable", "5.", "`5`"),
        ("sqr(4)", "unknown-function", "sqr", "`sqrt`"),
        ("sqrt(4, 5)", "wrong-arguments", "sqrt(4, 5)", "`sqrt(a)`"),
        ("(3 GB in TB) * 2", "misplaced-conversion", "in", ""),
        ("3 GB in", "unknown-unit", "", "GB"),
        ("3 GB in TB / dy", "unknown-unit", "dy", "day"),
        ("usual rat", "missing-operator", "usual rat", "`usual rate`"),
        ("", "empty-formula", "", ""),
        ("1e999", "overflow", "1e999", ""),
        ("(" * 101 + "1" + ")" * 101, "formula-too-deep", None, "named estimates"),
        ("+".join("1" * 200), "formula-too-deep", None, "named estimates"),
        ("^".join("1" * 200), "formula-too-deep", None, "named estimates"),
        ("-" * 200 + "1", "formula-too-deep", None, "named estimates"),
        ("1 " * 2000, "formula-too-long", None, "named estimates"),
        ("__import__('os').system('ls')", "unexpected-character", "'", "quotes"),
        ("open(3)", "unknown-function", "open", ""),
    ],
)
def test_refused_with_place_and_mend(text: str, code: str, place: str | None, mend: str) -> None:
    error = refusal(text, ("peak", "usual rate"))
    assert error.code == code
    if place is not None:
        assert text[error.start : error.end] == place
    assert mend in error.suggestion


def test_names_of_several_words() -> None:
    known = {"usual rate", "recent list.size", "recent list", "post.author.followers", "rate"}
    text = "max(20 / s, 2 * usual   rate) * recent list.size + post.author.followers - recent list"
    formula = parse(text, known)
    assert formula.names == ("usual rate", "recent list.size", "post.author.followers", "recent list")
    for node in walk(formula.expr):
        if isinstance(node, Name):
            assert " ".join(text[node.start : node.end].split()) == node.name


def test_a_path_that_is_not_known_is_still_a_name() -> None:
    assert parse("tenant.limit * 1 s").names == ("tenant.limit",)


@given(st.sampled_from([*UNITS, *PLURALS, *MULTIPLIERS, *ARGUMENTS, "to", "in", "per"]))
def test_words_of_the_language_are_reserved(word: str) -> None:
    assert is_reserved(word)
    assert [p.error.code for p in Sheet.evaluate({word: "3"}).problems] == ["reserved-name"]


def outcome(text: str, names: Mapping[str, Estimate]) -> tuple[Estimate | None, QuantityError | None]:
    try:
        return evaluate_expression(text, names), None
    except QuantityError as error:
        return None, error


ALPHABET = st.sampled_from(
    [
        *"0123456789.,+-*/^()%_ $\n",
        " to ",
        " in ",
        " per ",
        "k",
        "M",
        " billion",
        "ms",
        "GB",
        "B",
        "m",
        "1e308",
    ]
    + [
        "min(",
        "sqrt(",
        "uniform(",
        "lognormal(",
        "triangular(",
        "a",
        "b c",
        "a.b",
        "é",
        "\x00",
        "\ud800",
        "𝟙",
    ]
)


@settings(max_examples=400)
@given(st.one_of(st.text(max_size=80), st.lists(ALPHABET, max_size=25).map("".join)))
@example("1e308 * 1e308")
@example("9^9^9")
@example("0 / 0")
@example("0^-1")
@example("(-8)^(1/3)")
@example("1e-300 to 1e300")
@example("lognormal(1e-300, 1e300)")
@example("uniform(-1e308, 1e308)")
@example("(1 EB)^12 * (1 EB)^12")
@example("sqrt(sqrt(1 s))")
def test_any_text_is_a_finite_value_or_a_quantity_error(text: str) -> None:
    names = {"a": Sheet.evaluate({"a": "3 to 6"})["a"], "b c": Sheet.evaluate({"b": "2 GB"})["b"]}
    estimate, error = outcome(text, names)
    if error is not None:
        assert error.code in CODES
        assert error.message
        assert 0 <= error.start <= error.end <= len(text)
    if estimate is not None:
        assert all(math.isfinite(estimate.quantile(p)) for p in (0, 0.05, 0.5, 0.95, 1))
        assert "nan" not in estimate.shown()
        assert "inf" not in estimate.shown()


def numbers() -> st.SearchStrategy[str]:
    return st.integers(1, 99).map(str)


def trees() -> st.SearchStrategy[str]:
    """Formulas with every operation in brackets, which Python reads as we must."""
    return st.recursive(
        numbers(),
        lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        max_leaves=12,
    )


def python_value(text: str) -> float | None:
    try:
        # An oracle, on text of our own making.
        return float(eval(text, {"__builtins__": {}}))
    except ZeroDivisionError:
        return None


@given(trees(), st.randoms(use_true_random=False))
def test_precedence_is_that_of_algebra(text: str, chance: random.Random) -> None:
    """Dropping brackets at random changes the meaning as it does in Python's own algebra."""
    pairs, stack = [], []
    for i, c in enumerate(text):
        if c == "(":
            stack.append(i)
        elif c == ")":
            pairs.append((stack.pop(), i))
    dropped = {i for pair in pairs if chance.random() < 0.5 for i in pair}
    looser = "".join(c for i, c in enumerate(text) if i not in dropped)
    expected = python_value(looser)
    if expected is None:
        with pytest.raises(QuantityError, match="zero"):
            value(looser)
    else:
        assert value(looser) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(trees())
def test_spaces_do_not_matter(text: str) -> None:
    if python_value(text) is not None:
        assert value(text) == value(text.replace(" ", "")) == value(text.replace(" ", "  \n"))


def test_spans_cover_what_they_name() -> None:
    formula: Formula = parse("3 * (1 to 2) / (peak + 4 GB)", ("peak",))
    pieces = {formula.piece(node) for node in walk(formula.expr)}
    assert {"(1 to 2)", "peak", "4 GB", "(peak + 4 GB)", "3 * (1 to 2) / (peak + 4 GB)"} <= pieces
    assert isinstance(formula.expr, Binary)
    assert [node.ordinal for node in formula.uncertain if isinstance(node, Range)] == [0]
