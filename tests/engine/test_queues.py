"""Queues with a bound, batches that linger, messages that are delivered again, die or grow too old: by hand, and by
closed forms. Statistical tests have fixed seeds and tolerances of some five standard errors.
"""

from __future__ import annotations

import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Buffer,
    Call,
    Chance,
    Clock,
    Consume,
    Delay,
    Each,
    End,
    Flow,
    If,
    Key,
    Model,
    Outcome,
    Poisson,
    Population,
    Send,
    Source,
    Step,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK


def fixed(name: str, seconds: float) -> Delay:
    return Delay(name, Work.of(Law.fixed(seconds)))


def run(
    source: Source,
    sends: tuple[Step, ...],
    buffers: tuple[Buffer, ...],
    consume: Consume,
    consumer: tuple[Step, ...],
    *more: Flow,
    seconds: float,
) -> Replication:
    flows = (Flow("f", source, sends), Flow("con", consume, consumer), *more)
    model = Model(buffers=buffers, flows=flows)
    made = Replication(model, compile_model(model), "1", seconds / 4)
    made.run(4)
    made.check_conservation()
    return made


def mean(made: Replication, meter: int) -> float:
    row = made.state.meters[meter]
    return float(row.total) / int(row.done) * TICK


# ---- bounds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "places"), [(5.0, 3), (9.0, 1), (20.0, 10)])
def test_a_bound_loses_what_m_m_1_k_loses(rate: float, places: int) -> None:
    """One partition, exponential service at 10 / s: of Poisson messages P(K) of M/M/1/K, K = places + 1, are lost."""
    refused = Call("c", (Send("s", "q"),), handlers={Outcome.REFUSED: ()})
    seconds = 20_000.0
    made = run(
        Poisson.at(rate),
        (refused,),
        (Buffer("q", most=places),),
        Consume("q"),
        (Delay("w", Work.of(Law.exponential(0.1))),),
        seconds=seconds,
    )
    k = places + 1
    rho = rate / 10.0
    lost = (1 - rho) * rho**k / (1 - rho ** (k + 1))
    buffer = made.state.buffers[0]
    offered = int(buffer.sent) + int(buffer.refused)
    assert int(buffer.refused) / offered == pytest.approx(lost, rel=0.04, abs=0.002)


def test_who_is_refused_can_handle_it_and_else_fails() -> None:
    full = (Buffer("q", most=0),)
    work = (fixed("w", 1.0),)
    made = run(Clock(1.0), (Send("s", "q"),), full, Consume("q"), work, seconds=100.0)
    assert int(made.state.meters[0].causes[int(Outcome.REFUSED)]) == int(made.state.meters[0].started) > 98
    handled = Call("c", (Send("s", "q"),), handlers={Outcome.REFUSED: ()})
    made = run(Clock(1.0), (handled,), full, Consume("q"), work, seconds=100.0)
    assert int(made.state.meters[0].done) == int(made.state.meters[0].started)


# ---- batches that linger -----------------------------------------------------------------------------------------


def test_a_batch_that_lingers_waits_for_others() -> None:
    """Poisson messages at rate r, a batch that takes no time: the first waits L, and of the r L others each L / 2."""
    rate, linger = 4.0, 0.5
    made = run(
        Poisson.at(rate), (Send("s", "q"),), (Buffer("q"),), Consume("q", 1000, linger), (), seconds=20_000.0
    )
    n = rate * linger
    assert mean(made, 1) == pytest.approx((linger + n * linger / 2) / (1 + n), rel=0.02)
    assert float(made.state.meters[1].longest) * TICK == pytest.approx(linger, abs=1e-6)


def test_a_full_batch_does_not_linger() -> None:
    """A message each 100 ms, batches of four: they wait 300, 200, 100 and 0 ms, whatever the linger beyond that."""
    made = run(Clock(0.1), (Send("s", "q"),), (Buffer("q"),), Consume("q", 4, 60.0), (), seconds=1_000.0)
    assert mean(made, 1) == pytest.approx(0.15, abs=0.001)
    made = run(Clock(0.1), (Send("s", "q"),), (Buffer("q"),), Consume("q", 4, 0.25), (), seconds=1_000.0)
    assert mean(made, 1) == pytest.approx((0.25 + 0.15 + 0.05) / 3, abs=0.001)


# ---- delivered again, and dead -----------------------------------------------------------------------------------


@pytest.mark.parametrize("deliveries", [1, 2, 4])
def test_deliveries_are_so_many_attempts_and_then_it_is_dead(deliveries: int) -> None:
    """Each delivery fails with chance 0.4, on its own: 0.4 ** deliveries die, of whom all reach the other queue."""
    made = run(
        Poisson.at(50.0),
        (Send("s", "q"),),
        (Buffer("q", deliveries=deliveries, dead="dead"), Buffer("dead")),
        Consume("q"),
        (If("i", Chance(0.4), (End("e", Outcome.FAILED),)),),
        Flow("bury", Consume("dead"), ()),
        seconds=2_000.0,
    )
    meters, buffers = made.state.meters, made.state.buffers
    n = int(buffers[0].sent)
    again = sum(0.4**k for k in range(1, deliveries))
    assert int(buffers[0].again) / n == pytest.approx(again, abs=0.01)
    assert int(meters[1].causes[int(Outcome.FAILED)]) / n == pytest.approx(0.4**deliveries, abs=0.006)
    assert int(buffers[0].buried) == int(buffers[1].sent) == int(meters[2].done)


def test_what_is_delivered_again_holds_up_what_is_behind_it() -> None:
    """Ten at once; the work takes 1 s and always fails, three times each: in order, 30 s in all."""
    made = run(
        Clock(1_000.0),
        (Each("a", 10.0, (Send("s", "q"),), at_once=None),),
        (Buffer("q", deliveries=3, dead="dead"), Buffer("dead")),
        Consume("q"),
        (fixed("w", 1.0), End("e", Outcome.FAILED)),
        Flow("bury", Consume("dead"), (fixed("b", 0.0),)),
        seconds=4_000.0,
    )
    assert int(made.state.meters[1].causes[int(Outcome.FAILED)]) == 10 * int(made.state.meters[0].done)
    assert float(made.state.buffers[0].depth_time) * TICK == pytest.approx(
        int(made.state.meters[0].done) * sum(3 * k for k in range(10)), abs=0.01
    )


def test_a_dead_letter_keeps_what_it_carries() -> None:
    """The key of the message decides the partition of a later queue: the same key, the same partition."""
    keys = Population("k", 1, 1)
    made = run(
        Clock(1.0),
        (Key("k", "key", keys), Send("s", "q")),
        (
            Buffer("q", carries=("other", "key"), deliveries=2, dead="dead"),
            Buffer("dead", carries=("key",)),
            Buffer("last", 7),
        ),
        Consume("q"),
        (End("e", Outcome.FAILED),),
        Flow("bury", Consume("dead"), (Send("s2", "last", key="key"),)),
        Flow("end", Consume("last"), ()),
        seconds=100.0,
    )
    started = made.state.partitions["starts"][2:9]
    assert sorted(started)[:-1] == [0] * 6
    assert max(started) > 90


# ---- too old -----------------------------------------------------------------------------------------------------


def test_what_is_too_old_when_its_turn_comes_is_dropped() -> None:
    """A message a second, work of 3 s, kept for 10 s: one in three is served, once it is nearly 10 s old."""
    made = run(
        Clock(1.0),
        (Send("s", "q"),),
        (Buffer("q", keep=10.0),),
        Consume("q"),
        (fixed("w", 3.0),),
        seconds=3_000.0,
    )
    buffer, meter = made.state.buffers[0], made.state.meters[1]
    assert int(meter.done) == pytest.approx(1_000, abs=5)
    assert int(buffer.expired) == int(meter.causes[int(Outcome.TIMED_OUT)]) == pytest.approx(2_000, abs=15)
    assert 10.0 < mean(made, 1) < 13.0
