"""A time that varies has the mean and the percentile that were written, by the closed forms of its law."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from toscale.quantity.errors import CODES, QuantityError
from toscale.quantity.sheet import Sheet
from toscale.quantity.times import RandomTime, Shape, lognormal_sigma, parse_time, parse_time_expression

SHEET = Sheet.evaluate(
    {"session": "40 min", "asks_every": "20 s", "work": "2 to 4 ms", "n": "3", "bad": "3 mb"}
)


def law(time: RandomTime) -> Any:
    mean, cv = time.mean or 0.0, time.cv or 0.0
    sigma = math.sqrt(math.log1p(cv**2))
    match time.shape:
        case Shape.EXPONENTIAL:
            return stats.expon(scale=mean)
        case Shape.LOGNORMAL:
            return stats.lognorm(s=sigma, scale=mean * math.exp(-(sigma**2) / 2))
        case Shape.PARETO:
            alpha = time.alpha or 0.0
            return stats.pareto(alpha, scale=mean * (alpha - 1) / alpha)
        case Shape.UNIFORM:
            low, high = time.low or 0.0, time.high or 0.0
            return stats.uniform(low, high - low)
        case _:
            raise AssertionError(time.shape)


@pytest.mark.parametrize(
    ("text", "shape", "mean", "cv"),
    [
        ("4 ms", Shape.UNSTATED, 0.004, None),
        ("4 ms fixed", Shape.FIXED, 0.004, 0),
        ("4 ms exponential", Shape.EXPONENTIAL, 0.004, 1),
        ("25 s exponential", Shape.EXPONENTIAL, 25, 1),
        ("4 ms gamma(cv 2)", Shape.GAMMA, 0.004, 2),
        ("4 ms lognormal(cv 1)", Shape.LOGNORMAL, 0.004, 1),
        ("4 ms pareto(alpha 2.5)", Shape.PARETO, 0.004, 1 / math.sqrt(1.25)),
        ("4 ms pareto(alpha 1.5)", Shape.PARETO, 0.004, None),
        ("between 1 s and 30 s", Shape.UNIFORM, 15.5, 29 / math.sqrt(12) / 15.5),
        ("between 1 and 30 s", Shape.UNIFORM, 15.5, 29 / math.sqrt(12) / 15.5),
        ("session, exponential", Shape.EXPONENTIAL, 2400, 1),
        ("session exponential", Shape.EXPONENTIAL, 2400, 1),
        ("asks_every, between 0.8x and 1.2x", Shape.UNIFORM, 20, 0.4 / math.sqrt(12)),
        ("n * asks_every / 2", Shape.UNSTATED, 30, None),
        ("0 ms", Shape.UNSTATED, 0, None),
        ("from times of checkout.csv", Shape.EMPIRICAL, None, None),
    ],
)
def test_read(text: str, shape: Shape, mean: float | None, cv: float | None) -> None:
    time = parse_time(text, SHEET)
    assert time.shape is shape
    assert time.mean == (mean if mean is None else pytest.approx(mean))
    assert time.cv == (cv if cv is None else pytest.approx(cv))
    assert time.spread_given == (shape is not Shape.UNSTATED)
    assert not time.per_batch


@pytest.mark.parametrize("text", ["4 ms", "4 ms exponential", "4 ms (p99 30 ms)", "between 1 s and 2 s"])
def test_per_batch_changes_nothing_else(text: str) -> None:
    alone, batched = parse_time(text), parse_time(f"{text} per batch")
    assert batched.per_batch
    assert (batched.shape, batched.mean, batched.cv, batched.spread_given) == (
        alone.shape,
        alone.mean,
        alone.cv,
        alone.spread_given,
    )


@pytest.mark.parametrize(
    "text",
    [
        "4 ms exponential",
        "4 ms lognormal(cv 1.5)",
        "4 ms pareto(alpha 2.5)",
        "between 1 s and 30 s",
        "4 ms (p99 30 ms)",
    ],
)
@pytest.mark.parametrize("p", [0.01, 0.5, 0.9, 0.99, 0.999])
def test_quantiles_and_moments_are_those_of_the_law(text: str, p: float) -> None:
    time = parse_time(text)
    assert time.quantile(p) == pytest.approx(law(time).ppf(p), rel=1e-9)
    assert time.mean == pytest.approx(law(time).mean(), rel=1e-9)
    if time.shape is not Shape.LOGNORMAL:
        assert (time.cv or 0) * (time.mean or 0) == pytest.approx(law(time).std(), rel=1e-9)


@given(st.floats(1e-6, 1e3), st.floats(1.001, 14.9))
def test_a_p99_is_hit_and_the_mean_kept(mean: float, ratio: float) -> None:
    time = parse_time(f"{mean!r} s (p99 {mean * ratio!r} s)")
    assert time.shape is Shape.LOGNORMAL
    assert time.mean == pytest.approx(mean)
    assert time.quantile(0.99) == pytest.approx(mean * ratio, rel=1e-6)


@given(st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]), st.floats(0.01, 5))
def test_sigma_is_found_again(p: float, sigma: float) -> None:
    """On the branch that begins at no spread; beyond z the same ratio belongs to a smaller sigma."""
    z = float(stats.norm.ppf(p))
    found = lognormal_sigma(math.exp(z * sigma - sigma**2 / 2), p)
    if p == 0.5 or sigma < z - 1e-6:
        assert found == pytest.approx(sigma, rel=1e-5)
    elif sigma < 2 * z and found is not None:
        assert found == pytest.approx(2 * z - sigma, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "code", "place", "mend"),
    [
        (
            "300 ms (p99 5 s)",
            "impossible-time",
            "5 s",
            "a mean of at least 335 ms, or a p99 of at most 4.49 s",
        ),
        ("4 ms (p99 3 ms)", "impossible-time", "3 ms", "above 4 ms"),
        ("4 ms (p50 5 ms)", "impossible-time", "5 ms", "below 4 ms"),
        ("0 ms (p99 5 ms)", "impossible-time", "5 ms", "p99 out"),
        ("4 ms (p0 5 ms)", "unreadable-time", "(p0 5 ms)", "p99"),
        ("4 ms (p99 5)", "wrong-dimension", "5", "`4 ms`"),
        ("4 ms (p99 5 mb)", "unknown-unit", "mb", "MB"),
        ("4 ms pareto(alpha 1)", "impossible-time", "1", "above 1"),
        ("4 ms gamma(cv 0)", "impossible-time", "0", "`fixed`"),
        ("4 ms gamma(sd 2)", "unreadable-time", "sd", "`gamma(cv 2)`"),
        ("4 ms gamma", "unreadable-time", "gamma", "`gamma(cv 2)`"),
        ("4 ms exponental", "unreadable-time", "exponental", "`exponential`"),
        ("4 ms constant", "unreadable-time", "constant", "`fixed`"),
        ("4", "wrong-dimension", "4", "`4 ms`"),
        ("4 GB exponential", "wrong-dimension", "4 GB", "`4 ms`"),
        ("-4 ms", "impossible-time", "-4 ms", ""),
        ("between 5 s and 3 s", "impossible-time", "5 s", "smaller end first"),
        ("between 1 to 2 s and 3 s", "impossible-time", "1 to 2 s", "0.8x"),
        ("sesion, exponential", "unknown-name", "sesion", "`session`"),
        ("bad, exponential", "not-computed", "bad", "Mend"),
        ("", "empty-formula", "", ""),
        ("4 ms " + "+ 1 ms" * 400, "formula-too-long", None, ""),
    ],
)
def test_refused_with_place_and_mend(text: str, code: str, place: str | None, mend: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_time(text, SHEET)
    error = caught.value
    assert error.code == code
    assert mend in error.suggestion
    if place is not None:
        assert text[error.start : error.end] == place


def test_what_a_mend_says_is_possible() -> None:
    assert parse_time("335 ms (p99 5 s)").mean == pytest.approx(0.335)
    assert parse_time("300 ms (p99 4.49 s)").quantile(0.99) == pytest.approx(4.49)


def test_a_kind_gives_its_spread_only_where_none_was_written() -> None:
    plain, written = parse_time("4 ms"), parse_time("4 ms (p99 30 ms)")
    assert written.with_spread(Shape.EXPONENTIAL) is written
    assert plain.with_spread(Shape.EXPONENTIAL).quantile(0.5) == pytest.approx(0.004 * math.log(2))
    assert plain.with_spread(Shape.LOGNORMAL, 0.5).cv == 0.5
    assert plain.with_spread(Shape.FIXED).cv == 0
    assert not plain.with_spread(Shape.GAMMA, 2).spread_given
    assert plain.quantile(0.99) is None
    with pytest.raises(ValueError, match="pareto"):
        plain.with_spread(Shape.PARETO)


def test_an_uncertain_mean_is_known_at_its_quantiles() -> None:
    time = parse_time("work (p99 20 ms)", SHEET)
    assert time.is_uncertain
    assert time.mean == pytest.approx(math.sqrt(8) / 1000, rel=1e-9)
    upper = time.at(0.95)
    assert upper.mean == pytest.approx(0.004, rel=1e-3)
    assert upper.cv == time.cv
    assert upper.quantile(0.99) == pytest.approx(0.02 * 0.004 / (math.sqrt(8) / 1000), rel=1e-3)
    assert parse_time("4 ms").at(0.95) == parse_time("4 ms")


@given(st.floats(0.01, 100))
def test_scaling_multiplies_every_quantile(factor: float) -> None:
    for text in ("4 ms exponential", "4 ms (p99 30 ms)", "between 1 s and 3 s", "4 ms pareto(alpha 3)"):
        time = parse_time(text)
        for p in (0.1, 0.5, 0.99):
            assert time.scaled(factor).quantile(p) == pytest.approx(
                factor * (time.quantile(p) or 0), rel=1e-9
            )


def test_names_are_known_before_anything_is_computed() -> None:
    expression = parse_time_expression("asks_every * n (p99 session)", ["asks_every", "n", "session"])
    assert expression.names == ("asks_every", "n", "session")


PIECES = [
    "4 ms",
    "0 s",
    "session",
    " exponential",
    " fixed",
    " gamma(cv 2)",
    "(p99 ",
    ")",
    "between ",
    " and ",
    ", ",
]
PIECES += [
    "30 ms",
    "1e308 s",
    "1e-320 s",
    "0.8x",
    "from ",
    "x.csv",
    " per batch",
    "3",
    "-",
    " to ",
    "pareto(alpha 0)",
    "p50",
]


def outcome(text: str) -> tuple[RandomTime | None, QuantityError | None]:
    try:
        return parse_time(text, SHEET), None
    except QuantityError as error:
        return None, error


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=8).map("".join)))
def test_any_text_is_a_time_or_a_quantity_error(text: str) -> None:
    time, error = outcome(text)
    if error is not None:
        assert error.code in CODES
        assert 0 <= error.start <= error.end <= len(text)
    if time is not None:
        for value in (time.mean, time.cv, time.low, time.high):
            assert value is None or (math.isfinite(value) and value >= 0)
