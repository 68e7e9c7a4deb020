"""Numbers that differ from request to request: rounded down exactly, conditioned and mixed without losing the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.engine.laws import Law
from toscale.theory.numbers import OPERATORS, Spread, bernoulli, constant, floored, holds, mixture

LAWS = [
    Law.exponential(3.0),
    Law.lognormal(200.0, 2.0),
    Law.pareto(200.0, 1.1, 5e7),
    Law.gamma(0.3, 2.0),
    Law.uniform(0.0, 10.0),
    Law.fixed(7.0),
    Law.empirical([1.0, 2.5, 2.5, 90.0]),
]


@pytest.mark.parametrize("law", LAWS)
def test_a_rounded_law_has_the_mean_of_its_rounded_draws(law):
    u = (np.arange(200_000) + 0.5) / 200_000
    draws = np.floor(law.quantile(u))
    spread = floored(law)
    assert spread.weights.sum() == pytest.approx(1)
    assert np.all(spread.weights >= 0)
    if law.shape != "pareto":  # whose mean lies in a tail that the grid misses: see below
        assert spread.mean == pytest.approx(draws.mean(), rel=2e-3, abs=1e-6)
    for k in (0, 1, 7, 60):
        below = float(spread.weights[spread.values <= k].sum())
        assert below == pytest.approx(float((draws <= k).mean()), abs=2e-3)


def test_the_mean_of_a_heavy_tail_is_kept():
    # rounding down takes between 0 and 1 of the mean
    law = Law.pareto(200.0, 1.1, 5e7)
    assert law.mean - 1 <= floored(law).mean <= law.mean + 0.2


spreads = st.builds(
    lambda pairs: Spread(
        np.array([v for v, _ in pairs]), np.array([w for _, w in pairs]) / sum(w for _, w in pairs)
    ),
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.01, 1)), min_size=1, max_size=80),
)


@given(spreads, st.integers(3, 30))
def test_compressing_keeps_the_mean(spread, most):
    small = spread.compressed(most)
    assert len(small.values) <= max(most, 1) or len(spread.values) <= most
    assert small.mean == pytest.approx(spread.mean, rel=1e-9, abs=1e-9)
    assert small.weights.sum() == pytest.approx(1)


@given(spreads, spreads, st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_mixture_has_the_mean_of_its_parts(one, other, w, v):
    assert mixture([(w, one), (v, other)]).mean == pytest.approx((w * one.mean + v * other.mean) / (w + v))


@given(spreads, spreads, st.sampled_from(sorted(OPERATORS)))
def test_conditions_and_their_opposites_share_the_whole(left, right, symbol):
    opposite = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "!=", "!=": "="}[symbol]
    chance, given_left, given_right = holds(symbol, left, right)
    assert chance + holds(opposite, left, right)[0] == pytest.approx(1)
    assert float(given_left @ left.weights) == pytest.approx(chance)
    assert float(given_right @ right.weights) == pytest.approx(chance)


def test_a_coin_against_a_constant():
    assert holds("=", bernoulli(0.3), constant(1.0))[0] == pytest.approx(0.3)
