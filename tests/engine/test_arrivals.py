"""Requests begin when they should: constant and varying rates, clocks, and what follows or is caused.

Seeds are fixed; bounds are five standard deviations.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    After,
    Attribute,
    Buffer,
    Call,
    Chance,
    Clock,
    Consume,
    Delay,
    Each,
    End,
    Flow,
    Fork,
    If,
    Key,
    Link,
    Model,
    Outcome,
    Poisson,
    Population,
    Send,
    Span,
    Station,
    Steps,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK
from toscale.engine.tables import ModelError

MS = 1e-3


def fixed(ms: float) -> Work:
    return Work.of(Law.fixed(ms * MS))


def simulated(model: Model, seconds: float, windows: int = 1) -> Replication:
    made = Replication(model, compile_model(model), "1", seconds / windows)
    made.run(windows)
    made.check_conservation()
    return made


def row(made: Replication, name: str) -> np.record:
    return made.state.meters[made.tables.meters.index(name)]


def mean_ms(made: Replication, name: str) -> float:
    meter = row(made, name)
    return float(meter.total) / int(meter.done) * TICK / MS


# ---- rates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "times"),
    [
        ((500.0,), (0.0,)),
        ((0.0, 1_000.0), (0.0, 10.0)),
        ((1_000.0, 0.0, 0.0, 600.0), (0.0, 2.0, 6.0, 10.0)),
        ((100.0, 100.0, 2_000.0, 2_000.0, 100.0), (0.0, 3.0, 3.001, 5.0, 5.001)),
    ],
)
def test_each_second_brings_the_integral_of_its_rate(
    rates: tuple[float, ...], times: tuple[float, ...]
) -> None:
    model = Model(flows=(Flow("f", Poisson(rates, times), ()),))
    made = simulated(model, 12.0, 12)
    counts = np.diff(made.readings().meters["started"][:, 0])
    at = np.linspace(0, 12, 120_001)
    passed = np.concatenate([[0], np.cumsum(np.interp((at[1:] + at[:-1]) / 2, times, rates) * np.diff(at))])
    expected = np.diff(passed[::10_000])
    assert np.all(np.abs(counts - expected) <= 5 * np.sqrt(expected) + 1)


@pytest.mark.parametrize(
    ("rates", "times"),
    [((1.0, 2.0), (0.0,)), ((1.0, 2.0), (0.0, 0.0)), ((1.0, -1.0), (0.0, 1.0)), ((1.0, 2.0), (1.0, 2.0))],
)
def test_a_curve_that_is_none_is_refused(rates: tuple[float, ...], times: tuple[float, ...]) -> None:
    model = Model(flows=(Flow("f", Poisson(rates, times), ()),))
    with pytest.raises(ModelError, match="the rate of 'f'"):
        Replication(model, compile_model(model), "1", 1.0)


def test_clocks_tick_every_so_often_each_from_a_phase_of_its_own() -> None:
    model = Model(flows=(Flow("f", Clock(2.0, 1_000), ()),))
    made = simulated(model, 10.0, 20)
    counts = np.diff(made.readings().meters["started"][:, 0])
    assert int(counts.sum()) == 5_000  # five ticks of each
    assert np.array_equal(counts[:4], counts[4:8])  # the same phases again after two seconds
    assert np.all(np.abs(counts - 250) < 5 * sqrt(250))


# ---- what follows ----------------------------------------------------------------------------------------------------


def test_what_follows_begins_after_its_wait_with_its_chance_where_the_first_ended_well() -> None:
    """A quarter of the first flow fails, half of the rest is followed a second later."""
    first: Steps = (If("i", Chance(0.25), (End("e", Outcome.FAILED),)),)
    model = Model(
        flows=(
            Flow("f", Poisson((1_000.0, 1_000.0, 0.0), (0.0, 20.0, 20.001)), first),
            Flow("g", After(("f",), 0.5, Law.fixed(1.0)), (Delay("d", fixed(5)),)),
        )
    )
    made = simulated(model, 22.0, 22)
    assert int(made.readings().meters["done"][1, 1]) == 0  # nothing in the first second
    well, followed = int(row(made, "f").done), int(row(made, "g").started)
    assert followed == pytest.approx(well / 2, abs=5 * sqrt(well / 4))
    assert int(row(made, "g").done) == followed  # the last began at 21.0 at the latest
    assert mean_ms(made, "g") == pytest.approx(5.0)  # the wait is no part of the latency


def test_a_follower_keeps_what_it_carries() -> None:
    """Both look at the same key, so that each is a chain of equal keys; without it the draws would be apart."""
    keys = Population("k", 1, 10**9)
    passes = Each("e", Attribute(Law.uniform(1.0, 100.0), "key", "n"), (Delay("d", fixed(1)),), at_once=1)
    model = Model(
        flows=(
            Flow("f", Clock(0.1), (Key("k", "key", keys), passes)),
            Flow("g", After(("f",), carries=("key",)), (Key("k", "key", keys), passes)),
            Flow("h", After(("f",)), (Key("k", "key", keys), passes)),
        )
    )
    made = simulated(model, 100.0)
    begun, same, other = made.readings().histogram[0, :3].astype(int)
    assert same.sum() > 990
    assert np.abs(begun - same).sum() <= 3  # the last few have not ended yet
    assert np.abs(begun - other).sum() > 100


# ---- messages --------------------------------------------------------------------------------------------------------


def queue(
    batch: int, work: float, partitions: int = 1, station: Station | None = None, rate: float = 500.0
) -> Model:
    place = station or Station("w")
    return Model(
        stations=(place,),
        buffers=(Buffer("q", partitions),),
        flows=(
            Flow("f", Poisson.at(rate), (Send("s", "q"),)),
            Flow("con", Consume("q", batch), (Visit("v", "w", fixed(work)),)),
        ),
    )


def test_one_consumer_with_batches_of_one_is_a_queue_with_one_server() -> None:
    """M/D/1: the latency of a message is its wait and the work (Pollaczek and Khinchine)."""
    made = simulated(queue(1, 1.0), 200.0)
    wait = 0.5 * 1.0 / (2 * (1 - 0.5))
    assert mean_ms(made, "con") == pytest.approx(1.0 + wait, rel=0.05)


def test_a_batch_takes_all_that_is_there_up_to_its_size() -> None:
    """At a load of ten in a batch's time, batches of at most 20: fewer visits than messages, and no message lost."""
    made = simulated(queue(20, 20.0), 100.0)
    sent, visits = int(made.state.buffers[0].sent), int(made.state.stations[0].admitted)
    assert int(made.state.buffers[0].taken) == pytest.approx(sent, abs=40)
    assert sent / 20 <= visits < sent / 5
    # one visit at a time: as many as fit into the time, since something always waits
    assert visits == pytest.approx(100.0 / 0.020, rel=0.01)


def test_ten_messages_in_batches_of_four_are_four_and_four_and_two() -> None:
    model = Model(
        stations=(Station("w"),),
        buffers=(Buffer("q"),),
        flows=(
            Flow("f", Clock(1.0), (Each("e", 10.0, (Send("s", "q"),), at_once=None),)),
            Flow("con", Consume("q", 4), (Visit("v", "w", fixed(10)),)),
        ),
    )
    made = simulated(model, 50.5)
    assert int(row(made, "con").done) == 10 * int(row(made, "f").done)
    assert int(made.state.stations[0].admitted) == 3 * int(row(made, "f").done)
    assert mean_ms(made, "con") == pytest.approx((4 * 10 + 4 * 20 + 2 * 30) / 10, abs=1e-4)


def test_partitions_work_side_by_side() -> None:
    made = simulated(queue(1, 1.0, partitions=4), 50.0)
    assert mean_ms(made, "con") < 1.1  # at a load of 1/8 each, in turn


def test_a_consumer_without_room_tries_again_whatever_the_way_back_takes() -> None:
    """The only worker is taken half of the time and nobody may wait there; all messages are dealt with all the same."""
    for link in (Link(), Link(far=Law.fixed(0.0001))):
        model = Model(
            stations=(Station("w", slots=1, waiting=0),),
            buffers=(Buffer("q"),),
            flows=(
                Flow("f", Clock(0.1), (Send("s", "q"),)),
                Flow("con", Consume("q"), (Visit("v", "w", fixed(1), link),)),
                Flow("other", Clock(0.07), (Visit("x", "w", fixed(35)),)),
            ),
        )
        made = simulated(model, 100.0)
        assert int(made.state.stations[0].refused) > 100
        assert int(row(made, "con").done) >= 998


def test_a_key_s_messages_stay_in_one_partition() -> None:
    """A single key: one consumer does all the work, and the other partition stays empty."""
    model = Model(
        stations=(Station("w"),),
        buffers=(Buffer("q", 2, ("key",)),),
        flows=(
            Flow("f", Clock(0.01), (Key("k", "key", Population("k", 1, 1)), Send("s", "q", key="key"))),
            Flow("con", Consume("q"), (Visit("v", "w", fixed(8)),)),
        ),
    )
    made = simulated(model, 100.0)
    assert sorted(int(n) for n in made.state.partitions["starts"])[0] == 0
    assert mean_ms(made, "con") == pytest.approx(8.0, abs=0.1)


def test_a_failed_batch_counts_for_each_of_its_messages() -> None:
    model = Model(
        buffers=(Buffer("q"),),
        flows=(
            Flow("f", Clock(1.0), (Each("e", 6.0, (Send("s", "q"),), at_once=None),)),
            Flow("con", Consume("q", 10), (Delay("d", fixed(1)), End("e", Outcome.FAILED))),
        ),
    )
    made = simulated(model, 10.0)
    assert int(row(made, "con").causes[int(Outcome.FAILED)]) == 6 * int(row(made, "f").done)


def test_a_span_ends_with_the_last_that_was_caused() -> None:
    """Five messages, one after the other in one partition, each 10 ms of work: the span ends with the fifth."""
    model = Model(
        stations=(Station("w"),),
        buffers=(Buffer("q"),),
        flows=(
            Flow("f", Clock(1.0), (Fork("k", (Delay("d", fixed(3)), Each("e", 5.0, (Send("s", "q"),)))),)),
            Flow("con", Consume("q"), (Visit("v", "w", fixed(10)),)),
        ),
        spans=(Span("f", "con"),),
    )
    made = simulated(model, 100.0)
    assert mean_ms(made, "f") == pytest.approx(0.0, abs=1e-6)  # nobody waits for what was forked
    assert mean_ms(made, "f until con") == pytest.approx(53.0, abs=1e-4)
    assert int(row(made, "f until con").done) >= int(row(made, "f").done) - 1


def test_a_given_up_branch_holds_the_span_until_it_is_over() -> None:
    """The call is given up after 5 ms; what it started goes on and sends its message after 20."""
    body = (Visit("v", "s", fixed(20), body=(Send("m", "q"),)),)
    model = Model(
        stations=(Station("s", slots=9),),
        buffers=(Buffer("q"),),
        flows=(
            Flow("f", Clock(1.0), (Call("c", body, timeout=5 * MS, handlers={Outcome.TIMED_OUT: ()}),)),
            Flow("con", Consume("q"), (Delay("d", fixed(1)),)),
        ),
        spans=(Span("f", "con"),),
    )
    made = simulated(model, 50.0)
    assert mean_ms(made, "f") == pytest.approx(5.0, abs=1e-4)
    assert mean_ms(made, "f until con") == pytest.approx(21.0, abs=1e-4)
