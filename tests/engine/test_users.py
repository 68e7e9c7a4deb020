"""Closed loops are those of the textbook, and a trace comes when it says."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    After,
    Buffer,
    Consume,
    Delay,
    End,
    Flow,
    Model,
    Outcome,
    Send,
    Span,
    Station,
    Trace,
    Users,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK
from toscale.engine.tables import ModelError

WINDOWS = 21


def ran(model: Model, seconds: float) -> Replication:
    run = Replication(model, compile_model(model), "1", seconds / WINDOWS, most_windows=WINDOWS)
    run.run(WINDOWS)
    run.check_conservation()
    return run


def rates(run: Replication) -> np.ndarray:
    """Requests answered per second in each window, the first left out."""
    return np.asarray(np.diff(run.readings().meters[:, 0]["done"])[1:] / run.window_seconds)


def repairmen(users: int, think: float, service: float, slots: int) -> float:
    """Requests per second of the machine repairmen model M/M/c//N (Palm 1947)."""
    weights = [1.0]
    for n in range(1, users + 1):
        weights.append(weights[-1] * (users - n + 1) / think * service / min(n, slots))
    busy = sum(w * min(n, slots) for n, w in enumerate(weights)) / sum(weights)
    return busy / service


def mva(users: int, think: float, services: list[float]) -> float:
    """Requests per second by mean value analysis (Reiser and Lavenberg 1980), of stations with one slot each."""
    queues = [0.0] * len(services)
    rate = 0.0
    for n in range(1, users + 1):
        times = [s * (1 + q) for s, q in zip(services, queues, strict=True)]
        rate = n / (think + sum(times))
        queues = [rate * t for t in times]
    return rate


@pytest.mark.parametrize(("users", "slots"), [(1, 1), (6, 1), (12, 3), (40, 2)])
def test_a_closed_loop_of_one_station_is_that_of_the_machine_repairmen(users: int, slots: int) -> None:
    """20 windows, t of 19 degrees at 1 in 10,000: 4.9."""
    visit = Visit("v", "s", Work.of(Law.exponential(0.02)))
    model = Model(
        stations=(Station("s", slots=slots),),
        flows=(Flow("f", Users(users, Law.exponential(0.1)), (visit,)),),
    )
    found = rates(ran(model, 420.0))
    expected = repairmen(users, 0.1, 0.02, slots)
    assert abs(found.mean() - expected) < 4.9 * found.std(ddof=1) / sqrt(len(found))


@pytest.mark.parametrize("think", [Law.exponential(0.1), Law.fixed(0.1), Law.lognormal(0.1, 2.0)])
def test_a_closed_network_is_that_of_mean_value_analysis_however_users_think(think: Law) -> None:
    """The law of the time to think does not matter, but for its mean (BCMP 1975). As above."""
    steps = (
        Visit("v", "s", Work.of(Law.exponential(0.02))),
        Visit("w", "u", Work.of(Law.exponential(0.015))),
    )
    model = Model(
        stations=(Station("s", slots=1), Station("u", slots=1)), flows=(Flow("f", Users(8, think), steps),)
    )
    found = rates(ran(model, 420.0))
    assert abs(found.mean() - mva(8, 0.1, [0.02, 0.015])) < 4.9 * found.std(ddof=1) / sqrt(len(found))


def test_users_think_again_after_a_failure_and_each_request_is_counted_from_its_beginning() -> None:
    steps = (Delay("d", Work.of(Law.fixed(0.3))), End("e", Outcome.FAILED))
    run = ran(Model(flows=(Flow("f", Users(3, Law.fixed(0.7)), steps),)), 100.0)
    meter = run.state.meters[0]
    assert int(meter.causes[int(Outcome.FAILED)]) == pytest.approx(300, abs=4)
    well = ran(Model(flows=(Flow("f", Users(3, Law.fixed(0.7)), steps[:1]),)), 100.0).state.meters[0]
    assert float(well.total) * TICK / int(well.done) == pytest.approx(0.3)


def test_what_users_ask_for_is_followed_and_causes_other_flows() -> None:
    model = Model(
        buffers=(Buffer("q"),),
        flows=(
            Flow("f", Users(2, Law.fixed(0.5)), (Send("s", "q"),)),
            Flow("con", Consume("q"), (Delay("d", Work.of(Law.fixed(0.1))),)),
            Flow("aft", After(("f",)), ()),
        ),
        spans=(Span("f", "con"),),
    )
    run = ran(model, 100.0)
    done = int(run.state.meters[0].done)
    assert done == pytest.approx(400, abs=4)
    assert int(run.state.meters[2].done) == done
    span = run.state.meters[3]
    assert int(span.done) == pytest.approx(done, abs=2)
    assert float(span.total) * TICK / int(span.done) > 0.1


def test_users_who_neither_think_nor_wait_do_not_stop_the_clock() -> None:
    model = Model(flows=(Flow("f", Users(2, Law.fixed(0.0)), ()),))
    run = Replication(model, compile_model(model), "1", 1.0)
    run.run(1, 10_000)
    assert run.events >= 10_000


def test_a_trace_comes_when_it_says_and_then_no_more() -> None:
    moments = (0.25, 0.25, 1.5, 3.0, 7.75)
    run = Replication(
        model := Model(flows=(Flow("f", Trace(moments), (Delay("d", Work.of(Law.fixed(0.5))),)),)),
        compile_model(model), "1", 1.0, most_windows=20,
    )  # fmt: skip
    run.run(20)
    run.check_conservation()
    started = np.diff(run.readings().meters[:, 0]["started"])
    assert started.tolist() == [2, 1, 0, 1, 0, 0, 0, 1, *[0] * 12]
    assert float(run.state.meters[0].total) * TICK == pytest.approx(2.5)


@pytest.mark.parametrize("moments", [(), (2.0, 1.0), (-1.0, 1.0)])
def test_a_trace_that_is_none_is_refused(moments: tuple[float, ...]) -> None:
    model = Model(flows=(Flow("f", Trace(moments), ()),))
    with pytest.raises(ModelError, match="moments"):
        Replication(model, compile_model(model), "1", 1.0)
