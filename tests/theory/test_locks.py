"""The wait for a lock, by the formulas of queues with one server."""

from __future__ import annotations

import numpy as np
import pytest

from toscale.engine.laws import Law
from toscale.engine.model import (
    Flow,
    Key,
    Lock,
    Locked,
    Model,
    NewKey,
    Poisson,
    Population,
    Scatter,
    Station,
    Visit,
    Work,
)
from toscale.theory import solve
from toscale.theory.popularity import keys

ONE = Population("one", 1, 1)


def twin(law: Law, rate: float, keys: Population = ONE, wait: bool = True, slots: int | None = None):
    visit = Visit("v", "s", Work.of(law), locks=(Locked("l", "key", wait),))
    flow = Flow("f", Poisson.at(rate), (Key("k", "key", keys), visit))
    return solve(Model(stations=(Station("s", slots=slots),), flows=(flow,), locks=(Lock("l", "s"),)))


@pytest.mark.parametrize("law", [Law.exponential(0.01), Law.fixed(0.01), Law.lognormal(0.01, 2.0)])
def test_one_lock_is_mg1(law: Law) -> None:
    load = 60 * 0.01
    expected = 60 * law.second_moment / (2 * (1 - load)) + 0.01
    assert twin(law, 60.0).flows["f"].latency == pytest.approx(expected)


def test_keys_wait_by_their_popularity_and_who_does_not_wait_is_refused_by_it() -> None:
    population = Population("p", 1, 200, 1.0)
    found = keys(population)
    each = 300.0 * found.weights / found.counts * 0.005
    waiting = twin(Law.exponential(0.005), 300.0, population)
    expected = float(found.weights @ (each * 0.005 / (1 - each)))
    assert waiting.flows["f"].latency == pytest.approx(0.005 + expected)
    refusing = twin(Law.exponential(0.005), 300.0, population, wait=False)
    assert refusing.flows["f"].failed == {"busy": pytest.approx(float(found.weights @ (each / (1 + each))))}


def test_the_wait_for_a_lock_holds_the_slot() -> None:
    found = twin(Law.exponential(0.01), 50.0, slots=10)
    assert found.stations["s"].slot_utilisation == pytest.approx(50 * 0.02 / 10, rel=1e-3)


def test_a_key_that_cannot_keep_up_is_a_result() -> None:
    found = twin(Law.exponential(0.05), 50.0, slots=10)
    assert found.flows["f"].latency is None
    assert found.flows["f"].reason


def test_a_new_key_is_never_contended_and_several_keys_each_are() -> None:
    visit = Visit("v", "s", Work.of(Law.fixed(0.01)), locks=(Locked("l", "key"),))
    fresh = Model(
        stations=(Station("s"),),
        flows=(Flow("f", Poisson.at(500.0), (NewKey("k", "key", ONE), visit)),),
        locks=(Lock("l", "s"),),
    )
    assert solve(fresh).flows["f"].latency == pytest.approx(0.01)
    ten = Population("ten", 2, 10)
    scatter = Scatter("x", "s", ten, Work(Law.fixed(1.0), 0.01), 2.0, locks=(Locked("l"),))
    several = solve(
        Model(
            stations=(Station("s"),),
            flows=(Flow("f", Poisson.at(20.0), (scatter,)),),
            locks=(Lock("l", "s"),),
        )
    )
    one = 4.0 * 0.01**2 / (2 * (1 - 4.0 * 0.01))  # each key is asked for four times a second
    assert several.flows["f"].latency == pytest.approx(0.01 + 2 * one, rel=1e-4)
    assert any("lock l" in each.text for each in several.assumptions)
    assert np.isfinite(several.flows["f"].latency)
