"""A law's mean, second moment, quantiles and distribution function agree with each other and with scipy."""

from __future__ import annotations

from math import exp, inf, isfinite, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from toscale.engine.laws import Law, normal_quantile

means = st.floats(1e-6, 1e6)
cvs = st.floats(0.05, 4)

LAWS = {
    "fixed": Law.fixed(3.0),
    "exponential": Law.exponential(2.0),
    "lognormal": Law.lognormal(4.0, 1.5),
    "gamma": Law.gamma(3.0, 0.5),
    "gamma, variable": Law.gamma(3.0, 2.5),
    "pareto": Law.pareto(3.0, 2.5),
    "pareto, capped": Law.pareto(200.0, 0.9, 1e6),
    "uniform": Law.uniform(1.0, 5.0),
    "empirical": Law.empirical([1.0, 2.0, 2.0, 7.0]),
    "mixture": Law.mixture([(0.7, Law.exponential(1.0)), (0.3, Law.lognormal(9.0, 0.8))]),
    "exponential, capped": Law.exponential(2.0).at_most(3.0),
    "lognormal, capped": Law.lognormal(4.0, 1.5).at_most(6.0),
    "gamma, capped": Law.gamma(3.0, 0.5).at_most(4.0),
    "uniform, capped": Law.uniform(1.0, 5.0).at_most(4.0),
    "mixture, capped": Law.mixture([(0.5, Law.exponential(1.0)), (0.5, Law.fixed(3.0))]).at_most(4.0),
}
ORACLES = {
    "exponential": stats.expon(scale=2.0),
    "lognormal": stats.lognorm(s=LAWS["lognormal"].b, scale=exp(LAWS["lognormal"].a)),
    "gamma": stats.gamma(a=4.0, scale=0.75),
    "gamma, variable": stats.gamma(a=1 / 6.25, scale=3.0 * 6.25),
    "pareto": stats.pareto(b=2.5, scale=LAWS["pareto"].a),
    "uniform": stats.uniform(1.0, 4.0),
}
U = np.array([1e-9, 1e-4, 0.01, 0.2, 0.5, 0.8, 0.99, 0.9999, 1 - 1e-9])


def integral(law: Law, power: int) -> float:
    """E[X^n] as the mean of the quantiles' powers, on points that crowd at both ends."""
    e = np.linspace(-28, 28, 40_001)
    u = special.expit(e)
    density = u * special.expit(-e)
    return float(np.trapezoid(law.quantile(np.clip(u, 1e-300, 1 - 1e-16)) ** power * density, e))


# ---- moments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
def test_the_moments_are_those_of_the_quantiles(name):
    law = LAWS[name]
    assert law.mean == pytest.approx(integral(law, 1), rel=2e-4)
    if name != "pareto":  # its second moment lies in a tail that no grid reaches
        assert law.second_moment == pytest.approx(integral(law, 2), rel=2e-3)


@given(means, cvs)
def test_a_law_has_the_mean_and_variation_it_was_made_with(mean, cv):
    for law in (Law.lognormal(mean, cv), Law.gamma(mean, cv)):
        assert law.mean == pytest.approx(mean, rel=1e-9)
        assert law.cv == pytest.approx(cv, rel=1e-6)


@given(means, st.floats(1.05, 10))
def test_a_pareto_law_has_its_mean(mean, alpha):
    law = Law.pareto(mean, alpha)
    assert law.mean == pytest.approx(mean)
    if alpha <= 2:
        assert law.second_moment == inf
    else:
        assert law.cv == pytest.approx(sqrt(1 / (alpha * (alpha - 2))), rel=1e-5)


@given(st.floats(1, 1e3), st.floats(0.2, 4), st.floats(2, 1e5))
def test_a_capped_pareto_law_has_its_mean_below_the_cap(mean, alpha, factor):
    cap = mean * factor
    law = Law.pareto(mean, alpha, cap)
    assert law.mean == pytest.approx(mean, rel=1e-6)
    assert isfinite(law.second_moment)
    assert float(law.quantile(np.array([1 - 1e-15]))[0]) <= cap


@given(means, st.floats(1.01, 14.9))
def test_a_lognormal_by_its_p99_has_mean_and_p99(mean, ratio):
    law = Law.lognormal_p99(mean, mean * ratio)
    assert law.mean == pytest.approx(mean, rel=1e-9)
    assert float(law.quantile(np.array([0.99]))[0]) == pytest.approx(mean * ratio, rel=1e-8)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 15.1, 100.0])
def test_a_p99_that_no_lognormal_has_is_refused(ratio):
    with pytest.raises(ValueError, match="p99 lies between"):
        Law.lognormal_p99(1.0, ratio)


def test_variation_zero_is_fixed():
    assert Law.lognormal(4.0, 0.0) == Law.fixed(4.0)
    assert Law.fixed(4.0).cv == 0
    assert Law.fixed(0.0).cv == 0


# ---- quantiles and distribution functions ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ORACLES)
def test_quantiles_and_distribution_agree_with_scipy(name):
    law, oracle = LAWS[name], ORACLES[name]
    assert law.quantile(U) == pytest.approx(oracle.ppf(U), rel=1e-7)
    x = oracle.ppf(U)
    assert law.cdf(x) == pytest.approx(oracle.cdf(x), abs=1e-9)
    assert law.mean == pytest.approx(oracle.mean())
    assert law.cv == pytest.approx(oracle.std() / oracle.mean())


@pytest.mark.parametrize("name", LAWS)
def test_the_distribution_function_inverts_the_quantile(name):
    law = LAWS[name]
    x = law.quantile(U)
    assert np.all(np.diff(x) >= 0)
    # a jump reaches at least u; to the left of a quantile there is less than u
    assert np.all(law.cdf(x) >= U - 1e-9)
    assert np.all(law.cdf(x * (1 - 1e-6) - 1e-12) <= U + 1e-5)


@pytest.mark.parametrize("name", LAWS)
def test_the_distribution_function_grows_from_nought_to_one(name):
    law = LAWS[name]
    x = np.linspace(0, 20, 500)
    assert np.all(np.diff(law.cdf(x)) >= -1e-12)
    assert np.all((law.cdf(x) >= 0) & (law.cdf(x) <= 1))
    assert float(law.cdf(np.array([-1.0]))[0]) == 0
    assert float(law.cdf(np.array([1e12]))[0]) == pytest.approx(1)


@given(st.floats(1e-12, 1 - 1e-12))
def test_the_normal_quantile_agrees_with_scipy(u):
    assert float(normal_quantile(np.array([u]))[0]) == pytest.approx(special.ndtri(u), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_quantiles_keep_the_shape(shape):
    for law in LAWS.values():
        assert law.quantile(np.full(shape, 0.5)).shape == shape
        assert law.cdf(np.full(shape, 0.5)).shape == shape


# ---- scaling and capping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("factor", [1e-3, 7.0])
def test_a_scaled_law_scales_everything(name, factor):
    law, scaled = LAWS[name], LAWS[name].scaled(factor)
    assert scaled.mean == pytest.approx(factor * law.mean)
    assert scaled.cv == pytest.approx(law.cv)
    assert scaled.quantile(U) == pytest.approx(factor * law.quantile(U))


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("cap", [0.5, 2.5, 1e9])
def test_a_cap_replaces_what_is_above_it(name, cap):
    law, capped = LAWS[name], LAWS[name].at_most(cap)
    assert capped.quantile(U) == pytest.approx(np.minimum(law.quantile(U), cap))
    assert capped.mean <= min(cap, law.mean) * (1 + 1e-9)
    assert float(capped.cdf(np.array([cap]))[0]) == 1
    assert capped.at_most(2 * cap) == capped


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: Law.exponential(0.0),
        lambda: Law.exponential(inf),
        lambda: Law.exponential(float("nan")),
        lambda: Law.fixed(-1.0),
        lambda: Law.gamma(1.0, 0.0),
        lambda: Law.lognormal(-1.0, 1.0),
        lambda: Law.pareto(1.0, 1.0),
        lambda: Law.pareto(5.0, 2.0, 5.0),
        lambda: Law.uniform(2.0, 1.0),
        lambda: Law.uniform(-1.0, 1.0),
        lambda: Law.empirical([]),
        lambda: Law.empirical([1.0, -1.0]),
        lambda: Law.empirical([1.0, inf]),
        lambda: Law.mixture([]),
        lambda: Law.mixture([(0.0, Law.fixed(1.0))]),
        lambda: Law.mixture([(-1.0, Law.fixed(1.0)), (2.0, Law.fixed(1.0))]),
    ],
)
def test_what_is_no_law_is_refused(make):
    with pytest.raises(ValueError):
        make()


def test_laws_are_values():
    assert Law.gamma(2.0, 0.5) == Law.gamma(2.0, 0.5)
    assert hash(Law.mixture([(1, Law.fixed(1.0))])) == hash(Law.mixture([(2, Law.fixed(1.0))]))
