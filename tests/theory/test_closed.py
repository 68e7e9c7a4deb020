"""Closed loops: exact with one user, near saturation and in light traffic, and never beyond what is possible."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.engine.laws import Law
from toscale.engine.model import Flow, Model, Poisson, Station, Trace, Users, Visit, Work
from toscale.theory import solve


def mva(users: int, think: float, services: list[float]) -> float:
    """Requests per second by mean value analysis (Reiser and Lavenberg 1980)."""
    queues = [0.0] * len(services)
    rate = 0.0
    for n in range(1, users + 1):
        times = [s * (1 + q) for s, q in zip(services, queues, strict=True)]
        rate = n / (think + sum(times))
        queues = [rate * t for t in times]
    return rate


def loop(users: int, think: float, services: list[float]) -> Model:
    stations = tuple(Station(f"s{k}", slots=1) for k in range(len(services)))
    steps = tuple(Visit(f"v{k}", f"s{k}", Work.of(Law.exponential(s))) for k, s in enumerate(services))
    return Model(stations=stations, flows=(Flow("f", Users(users, Law.exponential(think)), steps),))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 200), st.floats(0.01, 2.0), st.lists(st.floats(0.001, 0.05), min_size=1, max_size=3))
def test_the_rate_is_within_a_tenth_of_mean_value_analysis(
    users: int, think: float, services: list[float]
) -> None:
    found = solve(loop(users, think, services)).flows["f"]
    exact = mva(users, think, services)
    assert found.rate == pytest.approx(exact, rel=0.1)
    assert found.rate <= 1 / max(services)
    assert found.latency == pytest.approx(users / found.rate - think, rel=1e-6)
    if users == 1:
        assert found.rate == pytest.approx(exact, rel=1e-4)


def test_a_loop_beside_an_open_flow_sees_its_load() -> None:
    model = loop(5, 0.1, [0.02])
    visit = Visit("w", "s0", Work.of(Law.exponential(0.02)))
    beside = Model(stations=model.stations, flows=(*model.flows, Flow("g", Poisson.at(20.0), (visit,))))
    assert solve(beside).flows["f"].rate < solve(model).flows["f"].rate


def test_several_loops_at_one_station_share_it() -> None:
    one = loop(6, 0.1, [0.02])
    other = Flow("g", *[getattr(one.flows[0], name) for name in ("source", "steps")])
    both = solve(Model(stations=one.stations, flows=(*one.flows, other)))
    assert both.flows["f"].rate == pytest.approx(both.flows["g"].rate, rel=0.02)
    assert both.flows["f"].rate + both.flows["g"].rate == pytest.approx(mva(12, 0.1, [0.02]), rel=0.1)


def test_a_given_rate_is_taken_and_a_trace_has_its_mean() -> None:
    assert solve(loop(5, 0.1, [0.02]), {"f": 7.0}).flows["f"].rate == 7.0
    trace = Model(
        stations=(Station("s"),), flows=(Flow("f", Trace((1.0, 2.0, 2.5, 4.0)), (Visit("v", "s"),)),)
    )
    assert solve(trace).flows["f"].rate == pytest.approx(1.0)
