"""Times that add, branch, repeat and race: moments against closed forms, and draws that agree with the moments."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.engine.laws import Law
from toscale.engine.model import Link
from toscale.theory import times
from toscale.theory.numbers import Spread, constant
from toscale.theory.times import Dice, Time

means = st.floats(1e-3, 10)
cvs = st.floats(0, 3)


def timed(mean: float, cv: float) -> Time:
    return Time(mean, (mean * cv) ** 2)


@given(means, cvs, st.floats(0.01, 30))
def test_a_cap_agrees_with_the_survival_it_is_cut_from(mean, cv, most):
    chance, cut = times.capped(timed(mean, cv), most)
    t = most * np.linspace(0, 1, 20_001) ** 2
    survives = times.exceeds(timed(mean, cv), t)
    assert cut.mean == pytest.approx(float(np.trapezoid(survives, t)), rel=1e-2, abs=2e-3)
    assert cut.mean <= min(mean, most) * (1 + 1e-9)
    assert chance == pytest.approx(float(survives[-1]), abs=1e-6)


@given(means, st.floats(0.2, 3), st.integers(1, 6))
def test_the_first_is_never_later_than_the_last(mean, cv, number):
    several = [timed(mean, cv)] * number
    order = [times.race(several, k, Dice(False)).mean for k in range(1, number + 1)]
    assert order == sorted(order)
    assert sum(order) == pytest.approx(number * mean, rel=0.02)  # order statistics add up to the sum


@pytest.mark.parametrize("number", [1, 2, 10, 500])
def test_the_latest_of_exponentials_is_a_harmonic_number(number):
    harmonic = sum(1 / k for k in range(1, number + 1))
    assert times.latest(timed(1.0, 1.0), constant(number), Dice(False)).mean == pytest.approx(
        harmonic, rel=0.01
    )


def test_the_latest_of_a_varying_number_is_the_mixture():
    some = Spread(np.array([0.0, 1.0, 4.0]), np.array([0.2, 0.3, 0.5]))
    exact = 0.3 * 1 + 0.5 * (1 + 1 / 2 + 1 / 3 + 1 / 4)
    assert times.latest(timed(1.0, 1.0), some, Dice(False)).mean == pytest.approx(exact, rel=0.01)


def test_a_varying_number_one_after_the_other_has_walds_moments():
    number = Spread(np.array([1.0, 5.0]), np.array([0.5, 0.5]))
    total = times.repeated(timed(2.0, 0.5), number, 1, Dice(False))
    assert total.mean == pytest.approx(6)
    assert total.var == pytest.approx(3 * 1 + 4 * 4)


def test_draws_repeat_and_agree_with_the_moments():
    law = Law.gamma(2.0, 0.7)

    def built(dice: Dice) -> Time:
        one, other = times.of_law(law, dice), times.of_law(Law.exponential(1.0), dice)
        both = one.plus(times.sometimes(0.3, other, dice)).plus(times.waiting(0.5, 0.4, dice))
        return times.race([both, times.of_law(law, dice)], 2, dice)

    first, second = built(Dice(True)), built(Dice(True))
    assert first.draws is not None
    assert second.draws is not None
    assert np.array_equal(first.draws, second.draws)
    assert float(first.draws.mean()) == pytest.approx(first.mean, rel=0.03)
    assert float(first.draws.std()) == pytest.approx(first.var**0.5, rel=0.08)


def test_a_wait_is_none_or_exponential():
    wait = times.waiting(2.0, 0.25, Dice(True))
    assert wait.draws is not None
    assert float((wait.draws > 0).mean()) == pytest.approx(0.25, abs=0.001)
    assert times.percentile(wait, 0.99) == pytest.approx(8 * log(25), rel=0.03)
    assert wait.var == pytest.approx(0.25 * 2 * 64 - 4)


@given(st.floats(0, 0.24))
def test_resending_doubles(loss):
    sent = times.crossing(Link(None, None, loss, 0.2), 0.0, Dice(False))
    assert sent.mean == pytest.approx(0.2 * loss / (1 - 2 * loss), rel=1e-3)


def test_what_never_ends_is_cut_by_a_timeout():
    chance, cut = times.capped(Time(float("inf"), float("inf")), 3.0)
    assert (chance, cut.mean) == (1.0, 3.0)


def test_the_chance_of_an_exponential_to_exceed():
    assert float(times.exceeds(timed(2.0, 1.0), np.array([3.0]))[0]) == pytest.approx(exp(-1.5))
