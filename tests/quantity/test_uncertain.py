"""What we do not know has the quantiles that were written, and streams that are independent of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from toscale.quantity.errors import QuantityError
from toscale.quantity.sheet import Sheet, evaluate_expression
from toscale.quantity.uncertain import SAMPLES, draw_range, normal_scores, probabilities

POSITIVE = st.floats(1e-6, 1e9)


@settings(max_examples=50)
@given(POSITIVE, st.floats(1.0001, 1e4))
def test_a_range_hits_its_ends(low: float, ratio: float) -> None:
    estimate = evaluate_expression(f"{low!r} to {low * ratio!r}")
    assert estimate.low == pytest.approx(low, rel=1e-3)
    assert estimate.high == pytest.approx(low * ratio, rel=1e-3)
    assert estimate.median == pytest.approx(low * ratio**0.5, rel=1e-9)
    assert np.mean(np.asarray(estimate.value) < low) == pytest.approx(0.05, abs=1 / SAMPLES)


@given(st.floats(-1e6, 0), st.floats(1e-3, 1e6))
def test_a_range_that_is_not_positive_is_a_normal(low: float, high: float) -> None:
    values = np.asarray(draw_range(low, high, 1, "a"))
    assert np.quantile(values, [0.05, 0.5, 0.95], method="hazen") == pytest.approx(
        [low, (low + high) / 2, high], rel=1e-3, abs=1e-3 * (high - low)
    )


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("2 to 8", stats.lognorm(s=np.log(4) / 2 / stats.norm.ppf(0.95), scale=4)),
        ("-2 to 8", stats.norm(3, 5 / stats.norm.ppf(0.95))),
        ("uniform(2, 8)", stats.uniform(2, 6)),
        ("triangular(2, 3, 8)", stats.triang(1 / 6, 2, 6)),
        ("triangular(2, 2, 8)", stats.triang(0, 2, 6)),
        ("triangular(2, 8, 8)", stats.triang(1, 2, 6)),
        ("normal(5, 2)", stats.norm(5, 2)),
        ("lognormal(5, 2)", stats.lognorm(s=np.sqrt(np.log(1.16)), scale=5 / np.sqrt(1.16))),
    ],
)
def test_shape_has_the_quantiles_of_its_law(text: str, law: stats.rv_continuous) -> None:
    estimate = evaluate_expression(text)
    for p in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99):
        assert estimate.quantile(p) == pytest.approx(law.ppf(p), rel=2e-3)
    assert np.mean(estimate.value) == pytest.approx(law.mean(), rel=2e-3)
    assert np.std(estimate.value) == pytest.approx(law.std(), rel=1e-2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("6 to 3", "reversed-range"),
        ("uniform(8, 2)", "reversed-range"),
        ("triangular(2, 9, 8)", "reversed-range"),
        ("normal(5, -2)", "impossible-shape"),
        ("lognormal(0, 2)", "impossible-shape"),
        ("lognormal(-3, 2)", "impossible-shape"),
        ("(1 to 2) to 5", "uncertain-range"),
        ("uniform(1 to 2, 5)", "uncertain-range"),
        ("1 s to 5 GB", "mixed-dimensions"),
        ("normal(5 s, 2)", "mixed-dimensions"),
        ("1e-300 to 1e300", "overflow"),
        ("1 / (-1 to 5)", "division-by-zero"),
        ("sqrt(-1 to 5)", "not-a-number"),
        ("(-1 to 5) ^ 0.5", "not-a-number"),
        ("(-1 to 5) ^ -1", "division-by-zero"),
    ],
)
def test_impossible_uncertainty_is_refused(text: str, code: str) -> None:
    with pytest.raises(QuantityError) as caught:
        evaluate_expression(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text", ["3 to 3", "uniform(3, 3)", "triangular(3, 3, 3)", "normal(3, 0)", "lognormal(3, 0)"]
)
def test_no_spread_is_certain(text: str) -> None:
    estimate = evaluate_expression(text)
    assert estimate.value == 3.0
    assert estimate.shares == {}


def test_each_stream_is_a_permutation_of_the_strata() -> None:
    assert np.array_equal(np.sort(probabilities(7, "x")), (np.arange(SAMPLES) + 0.5) / SAMPLES)
    assert stats.norm.cdf(normal_scores(7, "x")) == pytest.approx(probabilities(7, "x"), abs=1e-12)


def test_streams_of_different_names_and_seeds_are_independent() -> None:
    """Correlations of 190 pairs: each within 4.5 standard errors (false alarm about 0.1% for a new seed)."""
    streams = [normal_scores(seed, f"name{i}") for seed in (1, 2) for i in range(10)]
    correlations = np.asarray(np.corrcoef(streams))[np.triu_indices(20, 1)]
    assert np.abs(correlations).max() < 4.5 / SAMPLES**0.5


def test_adding_an_assumption_leaves_the_others_alone() -> None:
    before = Sheet.evaluate({"a": "1 to 2", "b": "a * (3 to 4)"})
    after = Sheet.evaluate({"new": "5 to 6", "a": "1 to 2", "c": "new * 2", "b": "a * (3 to 4)"})
    for name in ("a", "b"):
        assert np.array_equal(np.asarray(before[name].value), np.asarray(after[name].value))
    assert not np.array_equal(
        np.asarray(before["a"].value), np.asarray(Sheet.evaluate({"a": "1 to 2"}, seed=2)["a"].value)
    )


def test_the_same_name_twice_is_the_same_unknown() -> None:
    sheet = Sheet.evaluate(
        {"a": "1 to 9", "ratio": "a / a", "double": "a + a", "other": "(1 to 9) / (1 to 9)"}
    )
    assert sheet["ratio"].is_certain
    assert sheet["double"].high == pytest.approx(2 * sheet["a"].high, rel=1e-12)
    assert not sheet["other"].is_certain


@pytest.mark.parametrize("seed", range(5))
def test_median_of_a_product_is_the_product_of_the_medians(seed: int) -> None:
    """Within four standard errors of a sample median, 1.25 sigma / sqrt(N) (false alarm under 0.1%)."""
    sheet = Sheet.evaluate({"a": "60 to 160", "b": "60 to 150", "c": "3 to 6", "p": "a * b * c"}, seed=seed)
    sigma = float(np.std(np.log(np.asarray(sheet["p"].value))))
    exact = (60 * 160 * 60 * 150 * 3 * 6) ** 0.5
    assert np.log(sheet["p"].median / exact) == pytest.approx(0, abs=4 * 1.25 * sigma / SAMPLES**0.5)
