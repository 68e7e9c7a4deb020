"""A write that copies must confirm: the k-th of n exponential times, and all copies work, awaited or not.

Statistical tests have fixed seeds and tolerances of some five standard errors.
"""

from __future__ import annotations

import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import Flow, Key, Model, Parallel, Pick, Poisson, Population, Station, Visit, Work
from toscale.engine.run import Replication
from toscale.engine.state import TICK
from toscale.theory import solve

KEYS = Population("k", 1, 1_000_000)


def model(copies: int, need: int, *, shards: int = 4, goes_on: bool = True) -> Model:
    """Writes of 10 ms at the primary, and then of 100 ms (exponential) at each copy, of which `need` are awaited."""
    branches = tuple(
        (Visit(f"c{k}", "db", Work.of(Law.exponential(0.1)), pick=Pick.COPY, key="key", nth=k),)
        for k in range(1, copies)
    )
    write = Visit(
        "w",
        "db",
        Work.of(Law.fixed(0.01)),
        pick=Pick.PRIMARY,
        key="key",
        body=(Parallel("p", branches, need, goes_on),),
    )
    return Model(
        stations=(Station("db", slots=100, shards=shards, copies=copies),),
        flows=(Flow("f", Poisson.at(20.0), (Key("k", "key", KEYS), write)),),
    )


@pytest.mark.parametrize(
    ("copies", "need", "last"),
    [(3, 1, 1 / 2), (3, 2, 1 + 1 / 2), (5, 2, 1 / 4 + 1 / 3), (5, 4, 1 + 1 / 2 + 1 / 3 + 1 / 4)],
)
def test_a_write_takes_until_enough_copies_have_it(copies: int, need: int, last: float) -> None:
    """The k-th of n exponentials: 1/n + 1/(n-1) + ... (k terms), in means of one."""
    made = Replication(model(copies, need), compile_model(model(copies, need)), "1", 4_000.0)
    made.run(1)
    made.check_conservation()
    meter, station = made.state.meters[0], made.state.stations[0]
    exact = 0.01 + 0.1 * last
    assert float(meter.total) / int(meter.done) * TICK == pytest.approx(exact, rel=0.02)
    # all copies work to the end, and the primary holds its slot until enough have
    busy = 20.0 * ((copies - 1) * 0.1 + exact)
    assert float(station.busy_time) * TICK / 4_000.0 == pytest.approx(busy, rel=0.02)
    assert int(station.arrived) == pytest.approx(copies * int(meter.started), abs=30)
    twin = solve(model(copies, need))
    assert twin.flows["f"].latency == pytest.approx(exact, rel=0.01)
    assert twin.stations["db"].arrivals == pytest.approx(20.0 * copies)


def test_each_copy_has_its_own_machine() -> None:
    """One slot a machine: two copies of one write never wait for each other."""
    one = model(3, 2, shards=1)
    alone = Model(
        stations=(Station("db", slots=1, shards=1, copies=3),),
        flows=(Flow("f", Poisson.at(0.01), one.flows[0].steps),),
    )
    made = Replication(alone, compile_model(alone), "1", 100_000.0)
    made.run(1)
    station = made.state.stations[0]
    assert int(station.admitted) > 2_500
    assert float(station.waited) * TICK / int(station.admitted) < 1e-3
