"""The laws of numbers that belong to an instance: drawn and rounded down, they have the mean that the file gives."""

from __future__ import annotations

from math import comb, exp, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulate.lower_designs import design_of
from toscale.engine.laws import Law
from toscale.simulate.lowering.ledger import Ledger
from toscale.simulate.lowering.relations import count_law, geometric, poisson
from toscale.simulate.lowering.values import Values

GRID = (np.arange(200_000) + 0.5) / 200_000


def counts(law: Law) -> np.ndarray:  # type: ignore[type-arg]
    """What the engine draws, at equally likely points: the quantiles, rounded down."""
    return np.floor(law.quantile(GRID) + 1e-9)


def relation(text: str) -> Law:
    design = design_of(f"toscale: 1\ndata: {{user: {{how many: 5, has many: {{friends: {text}}}}}}}")
    return count_law(design.data["user"].has_many["friends"], Values.of(design, "median", 1.0, Ledger()))


@given(st.floats(0.05, 50))
def test_geometric_counts_from_zero_with_its_mean_and_its_chances(mean: float) -> None:
    drawn = counts(geometric(mean))
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    q = mean / (1 + mean)
    for k in range(3):
        assert np.mean(drawn == k) == pytest.approx((1 - q) * q**k, abs=1e-4)


@given(st.floats(0.05, 40))
def test_poisson_has_its_chances(mean: float) -> None:
    drawn = counts(poisson(mean))
    for k in range(5):
        assert np.mean(drawn == k) == pytest.approx(exp(-mean) * mean**k / factorial(k), abs=5e-4)


def test_a_large_poisson_has_its_mean_and_variance() -> None:
    drawn = counts(poisson(400.0))
    assert drawn.mean() == pytest.approx(400, rel=1e-3)
    assert drawn.var() == pytest.approx(400, rel=0.02)


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("{exactly: 3}", 3.0),
        ("{mean: 8, shape: geometric}", 8.0),
        ("{mean: 8, shape: poisson}", 8.0),
        ("{mean: 8, shape: uniform}", 8.0),
        ("{mean: 200, shape: pareto(2.5)}", 200.0),
        ("{mean: 200, shape: pareto(1.2), at most: 50M}", 200.0),
        ("{mean: 20, shape: lognormal, p99: 200, at most: 100k}", 20.0),
        (
            "{one of: [{share: 85%, exactly: 2}, {share: 15%, mean: 20, shape: geometric}]}",
            0.85 * 2 + 0.15 * 20,
        ),
        ("{mean: 0, shape: geometric}", 0.0),
    ],
)
def test_the_mean_of_the_rounded_number_is_that_of_the_file(text: str, mean: float) -> None:
    law = relation(text)
    # the mean of the law itself, by its closed form, less what rounding takes off where it is smooth
    if "pareto" in text:
        assert law.mean - 0.5 == pytest.approx(mean, rel=0.01)
    else:
        assert counts(law).mean() == pytest.approx(mean, rel=0.01, abs=1e-9)


def test_there_are_never_more_than_at_most() -> None:
    assert counts(relation("{mean: 8, shape: geometric, at most: 20}")).max() == 20


def test_a_binomial_check_of_the_geometric_sum() -> None:
    # the sum of two geometric counts is negative binomial: P(sum = 2) = C(3, 1) (1 - q)^2 q^2
    drawn = counts(geometric(1.0))
    chance = [float(np.mean(drawn == k)) for k in range(3)]
    assert 2 * chance[0] * chance[2] + chance[1] ** 2 == pytest.approx(comb(3, 1) * 0.5**4, abs=1e-4)
