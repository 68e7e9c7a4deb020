"""Instances of a function: warm, cold, kept and gone, against theory that is exact; and nothing is lost.

Statistical tests have fixed seeds and compare with exact values at 4.5 standard deviations (one seed in 150,000 would
fail by chance).
"""

from __future__ import annotations

from dataclasses import replace
from math import exp, sqrt

import numpy as np
import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Buffer,
    Call,
    Chance,
    Consume,
    Delay,
    End,
    Flow,
    If,
    Instances,
    Model,
    Outcome,
    Pause,
    Poisson,
    Send,
    Station,
    Trace,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK, Status
from toscale.engine.tables import ModelError
from toscale.engine.timeline import Change, Timeline, What
from toscale.theory.instances import records


def function(
    source: Poisson | Trace,
    mean: float = 0.1,
    keep: float = 1.0,
    cold: float = 0.0,
    slots: int | None = None,
    waiting: int | None = None,
) -> Model:
    station = Station("fn", slots=slots, waiting=waiting, instances=Instances(Law.fixed(cold), keep))
    visit = Visit("v", "fn", Work.of(Law.exponential(mean) if mean else Law.fixed(0.0)))
    return Model(stations=(station,), flows=(Flow("f", source, (visit,)),))


def ran(model: Model, seconds: float, windows: int = 4, empty: bool = True) -> Replication:
    run = Replication(model, compile_model(model), "1", seconds / windows, most_windows=windows, empty=empty)
    assert run.run(windows) is Status.DONE
    run.check_conservation()
    return run


def counted(run: Replication) -> tuple[int, int, float]:
    """Calls, cold starts, and the mean number of instances, busy or idle, from the second window on."""
    rows, stations = run.readings().instances[:, 0], run.readings().stations[:, 0]
    time = (run.windows - 1) * run.window_seconds
    there = rows["idle_time"] + stations["busy_time"]
    return (
        int(rows["calls"][-1] - rows["calls"][1]),
        int(rows["cold"][-1] - rows["cold"][1]),
        float(there[-1] - there[1]) * TICK / time,
    )


@pytest.mark.parametrize(("rate", "keep"), [(2.0, 1.0), (20.0, 1.0), (20.0, 10.0), (0.5, 3.0)])
def test_as_many_calls_are_cold_as_are_records_of_the_time_that_instances_are_kept(
    rate: float, keep: float
) -> None:
    """Cold starts come in bursts no more than calls do; five times their Poisson variance bounds theirs."""
    run = ran(function(Poisson.at(rate), keep=keep), 60_000 / rate)
    calls, cold, number = counted(run)
    share, mean = records(rate, 0.1, keep)
    assert abs(cold - share * calls) < 4.5 * sqrt(5 * share * calls)
    assert number == pytest.approx(mean, rel=0.05)


def test_of_one_instance_that_refuses_a_second_call_it_is_the_chance_of_an_idle_time_so_long() -> None:
    """M/G/1/1: after each call the next comes after an exponential time (renewal), cold if that is longer than the keep."""
    rate, keep = 2.0, 0.6
    run = ran(function(Poisson.at(rate), 0.3, keep, slots=1, waiting=0), 20_000.0)
    calls, cold, _ = counted(run)
    share = exp(-rate * keep)
    assert abs(cold / calls - share) < 4.5 * sqrt(share * (1 - share) / calls)


def test_a_cold_start_takes_its_time_and_a_warm_one_none() -> None:
    """Calls at 1 s (cold), 2 s (warm: idle for 0.75 s) and 5 s (cold: that was gone at 3 s)."""
    run = ran(function(Trace((1.0, 2.0, 5.0)), 0.0, keep=1.0, cold=0.25), 10.0, 10)
    meters = run.readings().meters
    assert meters["total"][-1, 0] * TICK == pytest.approx(0.25 + 0.0 + 0.25)
    assert run.state.instances[0].cold == 2
    assert run.state.instances[0].gone == 2
    there = np.diff(run.readings().instances["idle_time"][:, 0]) * TICK
    assert there.tolist() == pytest.approx([0, 0.75, 1.0, 0, 0, 0.75, 0.25, 0, 0, 0])


def test_the_one_that_became_idle_last_is_used_first() -> None:
    """Two at once at 1 s; then one each half second: one stays warm, the other is gone after a second."""
    run = ran(function(Trace((1.0, 1.0, 1.5, 2.0, 2.5, 3.0)), 0.0, keep=1.0), 3.2, 2)
    assert run.state.instances[0].cold == 1  # of no length, the second finds the first one's idle
    run = ran(function(Trace((1.0, 1.0, 1.5, 2.0, 2.5, 3.0)), 0.0, keep=1.0, cold=0.1), 3.2, 2)
    assert (run.state.instances[0].cold, run.state.instances[0].gone, run.state.instances[0].idle) == (
        2,
        1,
        1,
    )


def test_there_are_never_more_than_calls_are_let_in() -> None:
    run = ran(function(Poisson.at(100.0), 0.2, keep=50.0, slots=5), 20.0)
    assert run.state.instances[0].cold <= 5
    assert run.state.instances[0].idle + run.state.stations[0].busy <= 5


def test_a_run_that_is_not_empty_begins_with_warm_ones() -> None:
    model = function(Poisson.at(20.0), keep=10.0)
    station = replace(
        model.stations[0], instances=Instances(Law.fixed(0.0), 10.0, records(20.0, 0.1, 10.0)[1])
    )
    warm = ran(replace(model, stations=(station,)), 4.0, empty=False)
    cold = ran(model, 4.0)
    assert warm.state.instances[0].cold < cold.state.instances[0].cold


def test_a_function_that_goes_down_has_no_instance_left() -> None:
    lost = Timeline(tuple(Change(at, what, "fn") for at, what in ((3.2, What.DOWN), (3.4, What.UP))))
    model = replace(function(Trace((1.0, 2.0, 3.0, 4.0)), 0.0, keep=10.0), timeline=lost)
    assert ran(model, 5.0).state.instances[0].cold == 2


def test_whatever_calls_do_their_instances_are_given_back() -> None:
    """Pauses, failures, time-outs that leave work behind, and batches of messages."""
    body = (
        Pause("p", Work.of(Law.exponential(0.05))),
        If("i", Chance(0.3), (End("e", Outcome.FAILED),)),
        Delay("d", Work.of(Law.exponential(0.02))),
        Send("s", "q"),
    )
    visit = Visit("v", "fn", Work.of(Law.exponential(0.02)), body=body)
    station = Station("fn", slots=6, waiting=3, instances=Instances(Law.exponential(0.05), 0.2))
    ends = (0.0, 20.0, 20.001)
    model = Model(
        stations=(station,),
        buffers=(Buffer("q", 2, keep=0.3),),
        flows=(
            Flow("f", Poisson((60.0, 60.0, 0.0), ends), (Call("c", (visit,), timeout=0.15),)),
            Flow("g", Consume("q", 3), (Visit("w", "fn", Work.of(Law.exponential(0.05))),)),
        ),
    )
    run = ran(model, 40.0, 8)
    row = run.state.instances[0]
    assert int(run.state.control[0].live) == 0
    assert row.calls > 1000
    assert row.cold == row.gone > 0
    assert row.idle == 0


def test_a_function_has_one_machine_without_cores() -> None:
    for change in ({"machines": 2}, {"cores": 1}, {"shards": 2}):
        model = function(Poisson.at(1.0))
        broken = replace(model, stations=(replace(model.stations[0], **change),))
        with pytest.raises(ModelError):
            Replication(broken, compile_model(broken), "1", 1.0)
