"""One at a time by key: queues in order of arrival, refusals, several keys at once, and nothing kept for ever."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Call,
    Chance,
    Clock,
    Delay,
    End,
    Flow,
    If,
    Key,
    Lock,
    Locked,
    Model,
    Outcome,
    Pause,
    Pick,
    Poisson,
    Population,
    Repeat,
    Scatter,
    Station,
    Steps,
    Visit,
    Work,
)
from toscale.engine.run import Limits, Replication
from toscale.engine.state import TICK
from toscale.engine.tables import ModelError
from toscale.engine.tree import schedule

ONE = Population("one", 1, 1)
MANY = Population("many", 2, 40, 0.5)
LOCK = (Lock("l", "s"),)
WINDOWS = 20


def ran(
    flows: tuple[Flow, ...], seconds: float, *stations: Station, locks: Any = LOCK, **options: Any
) -> Replication:
    model = Model(stations=stations or (Station("s"),), flows=flows, locks=locks)
    run = Replication(
        model, compile_model(model), "1", seconds / WINDOWS, empty=True, most_windows=WINDOWS, **options
    )
    run.run(WINDOWS)
    run.check_conservation()
    return run


def alone(law: Law, wait: bool = True, keys: Population = ONE, rate: float = 50.0, **visit: Any) -> Flow:
    call = Visit("v", "s", Work.of(law), locks=(Locked("l", "key", wait),), **visit)
    return Flow("f", Poisson.at(rate), (Key("k", "key", keys), call))


def wait_by_batch(run: Replication) -> Any:
    rows = run.readings().locks[:, 0]
    return np.diff(rows["waited"])[1:] * TICK / np.diff(rows["granted"])[1:]


@pytest.mark.parametrize("law", [Law.exponential(0.01), Law.fixed(0.012), Law.lognormal(0.01, 1.5)])
def test_one_lock_is_a_queue_with_one_server(law: Law) -> None:
    """The mean wait is that of Pollaczek and Khinchine. Batches of 100 s, t of 18 degrees at 1 in 10,000: 5.0."""
    waits = wait_by_batch(ran((alone(law),), 2_000.0))
    load = 50.0 * law.mean
    expected = 50.0 * law.second_moment / (2 * (1 - load))
    assert abs(waits.mean() - expected) < 5.0 * waits.std(ddof=1) / sqrt(len(waits))


def test_each_key_has_a_queue_of_its_own() -> None:
    """The average of M/M/1 over the keys, each asked for as often as it is popular. One false alarm in 10,000 seeds."""
    rate, mean = 400.0, 0.01
    weights = np.arange(1, MANY.size + 1, dtype=float) ** -MANY.exponent
    weights /= weights.sum()
    loads = rate * weights * mean
    expected = float(weights @ (loads * mean / (1 - loads)))
    waits = wait_by_batch(ran((alone(Law.exponential(mean), keys=MANY, rate=rate),), 600.0))
    assert abs(waits.mean() - expected) < 5.0 * waits.std(ddof=1) / sqrt(len(waits))


@pytest.mark.parametrize("law", [Law.exponential(0.02), Law.fixed(0.02)])
def test_who_does_not_wait_is_refused_as_by_a_line_that_is_engaged(law: Law) -> None:
    """Erlang's loss formula with one line, whatever the law. 4.5 standard errors, taken as for independent trials of
    which each half of a busy period counts once: a false alarm in 100,000 seeds at most.
    """
    run = ran((alone(law, wait=False),), 1_000.0)
    row = run.state.locks[0]
    expected = 50.0 * 0.02 / (1 + 50.0 * 0.02)
    assert abs(int(row.refused) / int(row.asked) - expected) < 4.5 * sqrt(2 * 0.25 / int(row.asked))
    assert int(run.state.meters[0].causes[int(Outcome.BUSY)]) == int(row.refused)


def test_those_who_wait_are_served_in_order_of_arrival() -> None:
    """Three come 10 ms after one another, each for 100 ms: they are done after 100, 190 and 280 ms."""
    flows = tuple(
        Flow(
            f"f{k}",
            Clock(10.0),
            (
                Delay("d", Work.of(Law.fixed(0.01 + 0.01 * k))),
                Key("k", "key", ONE),
                Visit("v", "s", Work.of(Law.fixed(0.1)), locks=(Locked("l", "key"),)),
            ),
        )
        for k in range(3)
    )
    model = Model(stations=(Station("s"),), flows=flows, locks=LOCK)
    run = Replication(model, compile_model(model), "1", 40.0)
    for k in range(3):
        run.state.phases[k] = 0.0
        schedule(run.state, k, np.int64(0))
    run.run(1)
    done = [float(m.total) * TICK / int(m.done) for m in run.state.meters]
    assert done == pytest.approx([0.11, 0.21, 0.31])


def test_a_slot_is_held_while_the_lock_is_waited_for() -> None:
    """Ten connections, one hot row: all are in use, and those who want another row wait with the rest."""
    hot = Flow("hot", Poisson.at(200.0), alone(Law.fixed(0.01)).steps)
    cold = Flow("cold", Poisson.at(10.0), (Visit("w", "s", Work.of(Law.fixed(0.001))),))
    run = ran((hot, cold), 20.0, Station("s", slots=10))
    station = run.state.stations[0]
    assert float(station.busy_time) * TICK / 20.0 == pytest.approx(10.0, rel=0.02)
    assert int(run.state.meters[1].done) < 190


def test_a_lock_is_given_back_however_the_call_ends() -> None:
    outcomes = [If(f"i{k}", Chance(0.2), (End(f"e{k}", o),)) for k, o in enumerate(list(Outcome)[1:])]
    run = ran((alone(Law.fixed(0.001), body=tuple(outcomes)),), 20.0)
    row = run.state.locks[0]
    assert int(row.granted) > 900
    assert int(row.held) <= 1
    assert float(row.held_time) * TICK == pytest.approx(0.001 * int(row.granted), rel=1e-3)


def test_who_is_given_up_leaves_the_queue_and_gives_back_what_it_held() -> None:
    """One holds the key for 10 s, the others wait for at most 0.1 s each."""
    long = Flow("long", Clock(20.0), alone(Law.fixed(10.0)).steps)
    call = Call("c", alone(Law.fixed(0.001)).steps, timeout=0.1)
    run = ran((long, Flow("f", Poisson.at(20.0), (call,))), 100.0, Station("s", slots=50))
    row = run.state.locks[0]
    timed_out = int(run.state.meters[1].causes[int(Outcome.TIMED_OUT)])
    assert int(row.abandoned) == timed_out > 500
    assert int(run.state.stations[0].busy) <= 3
    assert int(row.waiting) <= 3


def both(wait: bool = True) -> Model:
    """Each wants 5 of 8 keys on two shards, and one key of another lock, the later ones in the other order."""
    few = Population("few", 3, 8)
    other = Population("other", 4, 2)
    flows = []
    for k in range(2):
        locks = (Locked("a", wait=wait), Locked("b", "other", wait))
        scatter = Scatter(
            f"s{k}", "s", few, Work(Law.exponential(1.0), 0.01, 0.001), 5.0, pick=Pick.PRIMARY, at_most=5,
            locks=locks if k else locks[::-1],
        )  # fmt: skip
        flows.append(
            Flow(f"f{k}", Poisson((8.0, 8.0, 0.0), (0.0, 50.0, 50.001)), (Key("o", "other", other), scatter))
        )
    station = Station("s", shards=2, copies=1, slots=None)
    return Model(stations=(station,), flows=tuple(flows), locks=(Lock("a", "s"), Lock("b", "s")))


@pytest.mark.parametrize("wait", [True, False])
def test_several_keys_at_once_never_wait_for_each_other_in_a_ring(wait: bool) -> None:
    """When no more come, all get what they want and leave; or, where nobody waits, have all of it or nothing."""
    run = Replication(model := both(wait), compile_model(model), "1", 50.0, empty=True)
    run.run(1)
    run.check_conservation()
    assert (int(run.state.locks[0].refused) == 0) == (float(run.state.locks[0].waited) > 0) == wait
    run.run(10)
    assert int(run.state.control[0].live) == int(run.state.control[0].locked_keys) == 0
    meters = run.state.meters
    assert (
        int(meters["started"].sum())
        == int(meters["done"].sum()) + int(meters["causes"][:, Outcome.BUSY].sum())
        > 700
    )


def test_the_table_of_locked_keys_grows_up_to_its_limit() -> None:
    many = Population("m", 1, 10**9)
    steps: Steps = (
        Key("k", "key", many),
        Visit("v", "s", Work.of(Law.fixed(100.0)), locks=(Locked("l", "key"),)),
    )
    flow = Flow("f", Poisson.at(1_000.0), steps)
    run = ran((flow,), 10.0)
    assert len(run.state.locked) > int(run.state.control[0].locked_keys) > 9_000
    small = ran((flow,), 10.0, limits=Limits(entries=1_000))
    assert small.windows < WINDOWS


def test_a_pause_inside_a_lock_keeps_the_slot() -> None:
    flow = alone(Law.fixed(0.001), body=(Pause("p", Work.of(Law.fixed(0.01))),))
    run = ran((flow,), 20.0, Station("s", slots=5))
    assert int(run.state.stations[0].admitted) == int(run.state.meters[0].done) + int(
        run.state.stations[0].busy
    )


def test_a_lock_may_be_asked_for_again_and_again() -> None:
    call = Visit("v", "s", Work.of(Law.fixed(0.01)), locks=(Locked("l", "key", False),))
    steps = (Key("k", "key", ONE), Repeat("r", (call,), Law.fixed(0.01), (Chance(0.2),), times=50))
    run = ran((Flow("f", Poisson.at(5.0), steps),), 50.0)
    assert int(run.state.locks[0].granted) > 100
    assert int(run.state.locks[0].refused) > 100


def test_a_single_call_has_the_locks_of_a_list_of_keys() -> None:
    """Three draws out of three keys, 19/9 different ones on average: each is locked once."""
    few = Population("few", 3, 3)
    choose = Scatter("c", "t", few, Work.of(Law.fixed(0.0)), 3.0, keep="chosen", at_most=3)
    call = Visit("v", "s", Work.of(Law.exponential(0.01)), locks=(Locked("l", keys="chosen"),))
    run = ran((Flow("f", Poisson.at(40.0), (choose, call)),), 50.0, Station("s"), Station("t"))
    row = run.state.locks[0]
    assert int(row.granted) > 1.5 * int(run.state.meters[0].done)
    assert float(row.waited) > 0
    none = ran((Flow("f", Clock(1.0), (call,)),), 50.0)  # a list that nobody has made is empty
    assert int(none.state.meters[0].done) >= 49
    assert int(none.state.locks[0].asked) == 0


def test_a_lock_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(ModelError, match="no lock named"):
        compile_model(Model(stations=(Station("s"),), flows=(alone(Law.fixed(1.0)),)))
    nothing = Flow("f", Clock(1.0), (Visit("v", "s", locks=(Locked("l"),)),))
    with pytest.raises(ModelError, match="register"):
        compile_model(Model(stations=(Station("s"),), flows=(nothing,), locks=LOCK))
