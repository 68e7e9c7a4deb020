"""A message with a size takes size / bandwidth longer, by the link that it takes and by what it carries."""

from __future__ import annotations

import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Attribute,
    Buffer,
    Chance,
    Clock,
    Flow,
    If,
    Key,
    Link,
    Load,
    Model,
    Pick,
    Population,
    Scatter,
    Send,
    Set,
    Station,
    Steps,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK
from toscale.theory import solve

KEYS = Population("k", 1, 1_000)
WIDE = Link(Law.fixed(0.001), Law.fixed(0.002), near_bandwidth=1e6, far_bandwidth=1e5)


def mean(steps: Steps, zones: tuple[int, ...] = (0,), shards: int = 1) -> tuple[float, float]:
    """The mean time of a flow, simulated and by theory."""
    model = Model(
        stations=(Station("a", zones=(0,)), Station("b", shards=shards, zones=zones)),
        buffers=(Buffer("q"),),
        flows=(Flow("f", Clock(0.01), (Visit("a", "a", body=steps),)),),
    )
    run = Replication(model, compile_model(model), "1", 400.0)
    run.run(1)
    run.check_conservation()
    meter = run.state.meters[0]
    latency = solve(model).flows["f"].latency
    assert latency is not None
    return float(meter.total) / int(meter.done) * TICK, latency


@pytest.mark.parametrize(
    ("zone", "link", "exact"),
    [
        (0, WIDE, 2 * 0.001 + 3_000 / 1e6),  # 1 kB there, 2 kB back, within a zone
        (1, WIDE, 2 * 0.002 + 3_000 / 1e5),
        (1, Link(near_bandwidth=1e6), 0.0),  # no bandwidth beyond the zone: any size at once
        (0, Link(near_bandwidth=1e6), 3_000 / 1e6),
    ],
)
def test_both_ways_take_the_time_of_their_size(zone: int, link: Link, exact: float) -> None:
    visit = Visit("v", "b", None, link, Pick.PRIMARY, sends=Load(1_000.0), returns=Load(2_000.0))
    simulated, theory = mean((visit,), (zone,))
    assert simulated == pytest.approx(exact, abs=1e-9)
    assert theory == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_a_message_carries_as_many_records_as_there_are_and_nothing_that_was_not_found() -> None:
    """Rows: the whole part of an exponential of mean 3, 1 / (e^(1/3) - 1); found by half of the requests."""
    rows = Attribute(Law.exponential(3.0), "key", "n")
    found = (If("i", Chance(0.5), (Set("found", 1),), (Set("found", 0),)),)
    visit = Visit(
        "v",
        "b",
        None,
        WIDE,
        Pick.PRIMARY,
        "key",
        found,
        sends=Load(1_000.0, rows),
        returns=Load(4_000.0, found="found"),
    )
    exact = 0.002 + 1_000 / 1e6 / (2.718281828459045 ** (1 / 3) - 1) + 0.5 * 4_000 / 1e6
    simulated, theory = mean((Key("k", "key", KEYS), visit))
    assert simulated == pytest.approx(exact, rel=0.03)  # a thousand keys have their own numbers
    assert theory == pytest.approx(exact, rel=0.01)


def test_each_shard_of_a_call_for_several_keys_carries_its_own() -> None:
    """Of one shard: all of them."""
    several = Scatter(
        "s", "b", KEYS, Work(Law.fixed(1.0), 0.0), 5.0, link=WIDE, pick=Pick.PRIMARY, returns=Load(1_000.0)
    )
    exact = 0.002 + 5_000 / 1e6
    assert mean((several,)) == (pytest.approx(exact, abs=1e-9), pytest.approx(exact, rel=1e-6))


def test_what_is_sent_to_a_queue_takes_its_time_too() -> None:
    exact = 0.004 + 1_000 / 1e5
    send = Send("q", "q", link=WIDE, sends=Load(1_000.0))
    assert mean((send,)) == (pytest.approx(exact, abs=1e-9), pytest.approx(exact, rel=1e-6))
