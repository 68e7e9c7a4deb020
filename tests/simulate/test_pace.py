"""The first guess of a run's length is long against the system's own times, and not absurdly so."""

from __future__ import annotations

from math import sqrt

import pytest

from toscale.engine.laws import Law
from toscale.engine.model import (
    After,
    Buffer,
    Consume,
    Delay,
    Flow,
    Model,
    Poisson,
    Send,
    Station,
    Visit,
    Work,
)
from toscale.simulate.pace import PILOT, WARM_UP, pace
from toscale.theory import solve


def queue(load: float, law: Law | None = None, servers: int = 1) -> Model:
    work = law or Law.exponential(0.01)
    rate = load * servers / work.mean
    visit = Visit("v", "s", Work.of(work))
    return Model(stations=(Station("s", slots=servers),), flows=(Flow("f", Poisson.at(rate), (visit,)),))


def warm_up(model: Model) -> float:
    return pace(model, solve(model)).warm_up


@pytest.mark.parametrize("load", [0.3, 0.5, 0.8, 0.9, 0.95])
def test_the_warm_up_is_several_relaxation_times_of_a_queue(load: float) -> None:
    """Of M/M/1 it is known: 1 / (mu (1 - sqrt rho)^2)."""
    relaxation = 0.01 / (1 - sqrt(load)) ** 2
    assert 4 * relaxation < warm_up(queue(load)) < 20 * relaxation


def test_busier_more_varying_and_fewer_servers_take_longer() -> None:
    base = warm_up(queue(0.8))
    assert warm_up(queue(0.9)) > 2 * base
    assert warm_up(queue(0.8, Law.lognormal(0.01, 2.0))) > 2 * base
    assert warm_up(queue(0.8, servers=8)) < base / 2


@pytest.mark.parametrize("load", [1.0, 1.5, 50.0])
def test_an_overloaded_system_has_a_pace_all_the_same(load: float) -> None:
    found = pace(queue(load), solve(queue(load)))
    assert 0 < found.warm_up < 1_000
    excess = (load - 1) * 100
    assert excess * (found.warm_up + found.pilot) <= 125_000  # so many pile up meanwhile


@pytest.mark.parametrize("load", [5e3, 1e6])
def test_an_overload_elsewhere_lets_other_flows_come_to_their_end(load: float) -> None:
    """The pilot lasts some of their latencies, unless far more than the usual would pile up meanwhile."""
    slow = (Delay("d", Work.of(Law.fixed(0.2))),)
    flood = queue(load)
    model = Model(flood.stations, flows=(*flood.flows, Flow("slow", Poisson.at(1e5), slow)))
    found = pace(model, solve(model))
    excess = (load - 1) * 100
    assert excess * (found.warm_up + found.pilot) <= 750_000
    if load < 1e5:
        assert found.warm_up > 0.2
        assert found.pilot > 0.4


def test_batches_of_the_pilot_are_twenty_relaxation_times() -> None:
    found = pace(queue(0.8), solve(queue(0.8)))
    assert found.pilot == pytest.approx(PILOT * found.warm_up)
    assert found.pilot / 8 >= 20 * found.warm_up / WARM_UP * 0.99


def test_seldom_flows_are_seen_often_enough() -> None:
    model = Model(flows=(Flow("often", Poisson.at(1_000.0), ()), Flow("seldom", Poisson.at(0.1), ())))
    assert pace(model, solve(model), wanted=500).pilot >= 5_000.0


def test_waits_before_what_follows_are_waited_for() -> None:
    follow = Flow("g", After(("f",), wait=Law.fixed(30.0)), (Delay("d", Work.of(Law.fixed(0.01))),))
    model = Model(flows=(Flow("f", Poisson.at(10.0), ()), follow))
    assert warm_up(model) > 100.0


def test_a_station_that_only_consumers_call_forgets_within_their_turns() -> None:
    """A worker that is busy all the time because its one consumer always has work is not near saturation."""
    model = Model(
        stations=(Station("w", slots=1),),
        buffers=(Buffer("q"),),
        flows=(
            Flow("f", Poisson.at(90.0), (Send("s", "q"),)),
            Flow("con", Consume("q", 100), (Visit("v", "w", Work.of(Law.fixed(0.01))),)),
        ),
    )
    assert warm_up(model) < 10.0


def test_events_are_guessed_within_a_factor_of_a_few() -> None:
    found = pace(queue(0.5), solve(queue(0.5)))
    assert 50 <= found.events_per_second <= 1_000
