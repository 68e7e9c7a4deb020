"""Breakers, hedges and budgets in theory: exact where there is a closed form, near the engine where there is none."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.engine.laws import Law
from toscale.engine.model import (
    Breaker,
    Call,
    Chance,
    Delay,
    End,
    Flow,
    Hedge,
    If,
    Model,
    Outcome,
    Poisson,
    Retry,
    Station,
    Step,
    Visit,
    Work,
)
from toscale.simulate.run import simulate_model
from toscale.theory import Twin, solve
from toscale.theory.guards import cut_short, first, retried
from toscale.theory.queues import attempts
from toscale.theory.times import Dice, Time

FAILS = End("e", Outcome.FAILED)


def model(*steps: Step, rate: float = 50.0, stations: tuple[Station, ...] = ()) -> Model:
    return Model(stations=stations, flows=(Flow("f", Poisson.at(rate), steps),))


def share(twin: Twin, name: str) -> float:
    found = getattr(twin.guards["c"], name)
    assert found is not None
    return float(found)


@given(st.floats(0.01, 1.0), st.floats(0.0, 20.0), st.integers(1, 50), st.floats(0.0, 100.0))
def test_a_breaker_cuts_a_share_and_the_more_the_more_calls_fail(
    fails: float, stays: float, least: int, rate: float
) -> None:
    breaker = Breaker(0.5, 1.0, stays, least)
    cut = cut_short(rate, fails, 0.01, breaker)
    assert 0 <= cut <= 1
    assert cut <= cut_short(rate, min(1.0, fails + 0.1), 0.01, breaker) + 1e-9


def test_where_all_calls_fail_a_breaker_lets_one_through_each_time() -> None:
    """A cycle is the time that it stays open and the wait for the next call."""
    call = Call("c", (FAILS,), handlers={Outcome.FAILED: ()}, breaker=Breaker(0.5, 1.0, 0.4, 20))
    cut = share(solve(model(call, rate=50.0)), "cut")
    assert cut == pytest.approx(0.4 / (0.4 + 1 / 50), rel=1e-6)


@pytest.mark.parametrize(("chance", "cut"), [(0.1, 0.0), (0.9, None)])
def test_a_breaker_in_theory_and_in_the_engine(chance: float, cut: float | None) -> None:
    """Far below its share of errors it never opens; far above it, theory is within 5% of the engine."""
    fails = If("i", Chance(chance), (FAILS,))
    call = Call("c", (fails,), handlers={Outcome.FAILED: ()}, breaker=Breaker(0.5, 1.0, 0.4, 20))
    made = model(call, rate=100.0)
    theory = share(solve(made), "cut")
    seen = simulate_model(made, duration=2000.0).calls["c"].cut
    assert seen is not None
    assert seen.value is not None
    assert theory == pytest.approx(seen.value, rel=0.05, abs=1e-6)
    if cut is not None:
        assert theory == pytest.approx(cut, abs=1e-6)


def test_what_a_breaker_cuts_does_not_reach_the_station() -> None:
    visit = Visit("v", "s", Work.of(Law.fixed(0.001)), body=(FAILS,))
    call = Call("c", (visit,), handlers={Outcome.FAILED: ()}, breaker=Breaker(0.5, 1.0, 1.98, 20))
    twin = solve(model(call, rate=50.0, stations=(Station("s"),)))
    assert twin.stations["s"].arrivals == pytest.approx(50 * (1 - share(twin, "cut")), rel=1e-6)


@pytest.mark.parametrize("after", [0.1, 0.5, 2.0])
def test_a_hedge_is_the_first_of_two_shifted_exponentials(after: float) -> None:
    number, time = first(Time(1.0, 1.0), Hedge(after), Dice(False))
    assert number == pytest.approx(exp(-after), rel=1e-3)
    assert time.mean == pytest.approx(1 - exp(-after) / 2, rel=1e-3)
    # E[min^2] = integral of 2 t S(t): (2 - 2 e^-a (1 + a)) + e^-a (1/2 + a), for mean-1 exponentials
    square = 2 - 2 * exp(-after) * (1 + after) + exp(-after) * (0.5 + after)
    assert time.second == pytest.approx(square, rel=5e-3)


def test_hedges_are_a_load() -> None:
    visit = Visit("v", "s", Work.of(Law.exponential(0.1)))
    twin = solve(model(Call("c", (visit,), hedge=Hedge(0.1)), rate=5.0, stations=(Station("s"),)))
    assert twin.stations["s"].arrivals == pytest.approx(5 * (1 + exp(-1)), rel=1e-3)
    assert twin.flows["f"].latency == pytest.approx(0.1 * (1 - exp(-1) / 2), rel=1e-3)
    assert twin.converged


@given(st.floats(0.0, 1.0), st.integers(0, 5), st.floats(0.0, 3.0))
def test_a_budget_bounds_the_retries(fails: float, more: int, budget: float) -> None:
    tries, last, follows = retried(fails, more, budget)
    assert tries == pytest.approx(min(attempts(fails, more), 1 + budget), rel=1e-6)
    assert 0 <= follows <= fails
    # each call ends once: well in one of its attempts, or by a failure that is not tried again
    assert tries * (1 - fails) + fails * last == pytest.approx(1.0, abs=1e-6)


def test_all_calls_fail_and_the_load_is_one_and_the_budget() -> None:
    visit = Visit("v", "s", Work.of(Law.fixed(0.001)), body=(FAILS,))
    call = Call("c", (visit,), retry=Retry(3, budget=0.2), handlers={Outcome.FAILED: ()})
    twin = solve(model(call, rate=50.0, stations=(Station("s"),)))
    assert twin.stations["s"].arrivals == pytest.approx(60.0, rel=1e-6)
    assert share(twin, "retries") == pytest.approx(0.2, rel=1e-6)


def test_all_three_around_one_call_settle() -> None:
    slow = Delay("d", Work.of(Law.exponential(0.05)))
    call = Call(
        "c",
        (Visit("v", "s", body=(slow,)),),
        timeout=0.05,
        retry=Retry(2, budget=0.3),
        handlers={Outcome.TIMED_OUT: (), Outcome.FAILED: ()},
        breaker=Breaker(0.3, 1.0, 0.5, 20),
        hedge=Hedge(0.02),
    )
    twin = solve(model(call, rate=100.0, stations=(Station("s"),)))
    assert twin.flows["f"].latency is not None
    assert 0 <= share(twin, "cut") < 1
