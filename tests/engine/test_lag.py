"""Copies that lag: the share of stale reads, the writes that are lost with a primary, what a quorum spares.

Statistical tests have fixed seeds and tolerances of some five standard errors.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.copies_code import MOST_COPIES
from toscale.engine.laws import Law
from toscale.engine.model import (
    Commit,
    Copied,
    Flow,
    Key,
    Model,
    Parallel,
    Pick,
    Poisson,
    Population,
    Replicated,
    Set,
    Station,
    Version,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK
from toscale.engine.tables import ModelError
from toscale.engine.timeline import Change, Timeline, What
from toscale.engine.tree import NEVER

KEYS = Population("k", 1, 50, 1.0)
ONE = Population("one", 2, 1)
WORK = Work.of(Law.fixed(1e-4))
SLOW = Law.exponential(0.2)


def write(keys: Population, confirmed: int, copies: int, copy: Law) -> Visit:
    """A write at the primary, of which so many copies must confirm their own."""
    body = (Commit("w", "db", "key", keys, "have it" if confirmed else None),)
    if confirmed:
        branches = tuple(
            (
                Copied(
                    f"c{k}",
                    "db",
                    "key",
                    "have it",
                    (Visit(f"c{k}", "db", Work.of(copy), pick=Pick.COPY, key="key", nth=k),),
                ),
            )
            for k in range(1, copies)
        )
        body = (Set("have it", 0), Parallel("p", branches, confirmed, goes_on=True), *body)
    return Visit("w", "db", WORK, pick=Pick.PRIMARY, key="key", body=body)


def model(
    lag: Law | None,
    *,
    keys: Population = KEYS,
    writes: float = 20.0,
    reads: float = 100.0,
    copies: int = 3,
    confirmed: int = 0,
    copy: Law = SLOW,
    pick: Pick = Pick.COPY,
) -> Model:
    read = Visit("r", "db", WORK, pick=pick, key="key", body=(Version("r", "db", "key", keys),))
    return Model(
        stations=(Station("db", shards=4, copies=copies),),
        flows=(
            Flow("writes", Poisson.at(writes), (Key("k", "key", keys), write(keys, confirmed, copies, copy))),
            Flow("reads", Poisson.at(reads), (Key("k", "key", keys), read)),
        ),
        replicated=(Replicated("db", lag, confirmed > 0),),
    )


def ran(made: Model, seconds: float = 2_000.0) -> Replication:
    run = Replication(made, compile_model(made), "1", seconds)
    run.run(1)
    run.check_conservation()
    return run


def weights(keys: Population) -> np.ndarray:
    p = np.arange(1, keys.size + 1, dtype=np.float64) ** -keys.exponent
    return p / p.sum()


@pytest.mark.parametrize(
    ("lag", "transform"),
    [
        (Law.fixed(0.3), lambda w: np.exp(-0.3 * w)),
        (Law.exponential(0.3), lambda w: 1 / (1 + 0.3 * w)),
        (Law.gamma(0.3, 0.5), lambda w: (1 + 0.3 * 0.25 * w) ** -4.0),
    ],
)
def test_a_read_at_a_copy_is_stale_as_often_as_a_write_is_younger_than_the_lag(
    lag: Law, transform: object
) -> None:
    """1 - E[exp(-w lag)] for a key that is written w times a second, over the keys that are read."""
    row = ran(model(lag)).state.replicated[0]
    p = weights(KEYS)
    exact = float(p @ (1 - transform(20.0 * p)))  # type: ignore[operator]
    assert int(row.read) == pytest.approx(200_000, rel=0.02)
    assert int(row.stale) / int(row.read) == pytest.approx(exact, rel=0.02)
    assert float(row.behind) * TICK / int(row.copied) == pytest.approx(0.3, rel=0.02)
    assert int(row.copied) == 2 * int(row.committed)


def test_one_in_so_many_reads_at_any_machine_goes_to_the_primary_and_is_not_counted() -> None:
    row = ran(model(Law.fixed(0.3), pick=Pick.ANY)).state.replicated[0]
    assert int(row.read) == pytest.approx(200_000 * 2 / 3, rel=0.02)


def test_nothing_is_stale_at_the_primary_or_without_a_lag() -> None:
    assert ran(model(Law.fixed(0.3), pick=Pick.PRIMARY), 100.0).state.replicated[0].read == 0
    row = ran(model(None), 100.0).state.replicated[0]
    assert int(row.read) > 0
    assert int(row.stale) == 0


def test_only_writes_on_their_way_are_remembered() -> None:
    """Little's law: the rate times the lag of the slowest copy, whatever has passed; and the room grows with them."""
    run = ran(model(Law.fixed(1.0), keys=ONE, writes=2_000.0, reads=1.0), 20.0)
    assert int(run.state.control[0].written) == pytest.approx(2_000, abs=250)
    assert len(run.state.writes) == 4_096
    assert int(run.state.replicated[0].committed) > 35_000


def test_a_write_that_all_copies_confirm_is_never_stale_anywhere() -> None:
    row = ran(model(Law.fixed(5.0), confirmed=2), 500.0).state.replicated[0]
    assert int(row.read) > 40_000
    assert int(row.stale) == 0
    assert float(row.behind) == 0.0


@pytest.mark.parametrize("lag", [None, Law.fixed(0.1)])
def test_of_a_quorum_only_the_copy_that_was_late_is_stale(lag: Law | None) -> None:
    """One of two copies confirms; the other is an exponential later by the memory that it lacks, and the lag."""
    row = ran(model(lag, confirmed=1, keys=ONE, writes=2.0)).state.replicated[0]
    late = 0.2 + (0.1 if lag else 0.0)
    assert float(row.behind) * TICK / int(row.copied) == pytest.approx(late / 2, rel=0.05)
    # a write is in flight at the late copy for `late`: half of the reads go there
    fresh = exp(-2.0 * (0.1 if lag else 0.0)) / (1 + 2.0 * 0.2)
    assert int(row.stale) / int(row.read) == pytest.approx((1 - fresh) / 2, rel=0.05)


@pytest.mark.parametrize(
    ("copy", "station"),
    [
        (Law.exponential(0.1), Station("db", shards=4, copies=3, slots=1, waiting=0)),
        (Law.fixed(0.0), Station("db", shards=4, copies=3)),
    ],
    ids=["one refuses before the write counts", "both end at the moment at which it does"],
)
def test_a_copy_whose_own_write_has_ended_before_the_write_counts_has_it_too(
    copy: Law, station: Station
) -> None:
    """A copy whose write fails gets it by the log; in the end nothing is on its way, and nothing is remembered."""
    steps = (Key("k", "key", KEYS), write(KEYS, 1, 3, copy))
    made = Model(
        stations=(station,),
        flows=(Flow("writes", Poisson((50.0, 50.0, 0.0, 0.0), (0.0, 5.0, 5.000001, 99.0)), steps),),
        replicated=(Replicated("db", Law.fixed(0.01), True),),
    )
    run = Replication(made, compile_model(made), "1", 10.0)
    run.run(1)
    run.check_conservation()
    row, state = run.state.replicated[0], run.state
    assert int(row.committed) > 100
    assert int(row.copied) == 2 * int(row.committed)
    assert NEVER not in state.seen[state.writes["replicated"] >= 0]


def test_a_register_holds_what_so_many_copies_say() -> None:
    compile_model(model(None, copies=MOST_COPIES, confirmed=1))
    with pytest.raises(ModelError, match=f"more than {MOST_COPIES} machines of a shard of 'db' confirm"):
        compile_model(model(None, copies=MOST_COPIES + 1, confirmed=1))


def failing(made: Model, at: float, replaced: float) -> Model:
    """The primary of each shard goes down, and the first copy takes its place."""
    changes = (
        Change(at, What.DOWN, "db", (0, 3, 6, 9)),
        Change(at + replaced, What.LEAD, "db", (0, 1, 2, 3), 1.0),
        Change(at + replaced, What.OUT, "db", (0, 3, 6, 9)),
    )
    return replace(made, timeline=Timeline(changes))


def test_a_primary_takes_with_it_what_its_follower_does_not_have_yet() -> None:
    """Poisson with mean rate times lag: writes on their way to one copy, each to a key of its own."""
    keys = Population("many", 3, 1_000_000_000)
    found = []
    for seed in range(40):
        made = failing(model(Law.fixed(0.5), keys=keys, writes=100.0, reads=10.0), 5.0, 2.0)
        run = Replication(made, compile_model(made), str(seed), 10.0)
        run.run(1)
        run.check_conservation()
        found.append(int(run.state.replicated[0].lost))
    assert np.mean(found) == pytest.approx(50.0, abs=5 * (50 / 40) ** 0.5)
    assert np.var(found) == pytest.approx(50.0, rel=5 * (2 / 40) ** 0.5)


def test_of_a_quorum_nothing_is_lost() -> None:
    made = failing(model(Law.fixed(0.5), confirmed=1, writes=100.0), 5.0, 2.0)
    run = Replication(made, compile_model(made), "1", 10.0)
    run.run(1)
    run.check_conservation()
    assert int(run.state.replicated[0].committed) > 600
    assert int(run.state.replicated[0].lost) == 0
