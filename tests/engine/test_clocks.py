"""The clocks of some machines jump: what they count is so much older at once, and what is true stays true.

Statistical tests have fixed seeds; bounds are more than 4.5 standard deviations away.
"""

from __future__ import annotations

from math import sqrt

import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Flag,
    Flow,
    FromStash,
    Get,
    If,
    Key,
    Model,
    Pick,
    Poisson,
    Pool,
    Population,
    Put,
    Station,
    Steps,
    Store,
    Take,
    TakeAhead,
    Trace,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import Status
from toscale.engine.timeline import Change, Timeline, What

ONE = Population("one", 1, 1)
MANY = Population("many", 2, 1_000)


def bucket(
    source: Poisson | Trace, *jumps: tuple[float, float], per: Population = ONE, shards: int = 1
) -> Model:
    """Takes out of buckets of 10 that get 10 a second, in a store; jumps of its first shard's clock."""
    steps: Steps = (
        Key("k", "key", per),
        Visit("v", "db", pick=Pick.PRIMARY, key="key", body=(Take("t", "limit", "key"),)),
    )
    return Model(
        stations=(Station("db", slots=1_000, shards=shards),),
        pools=(Pool("limit", 10.0, 10.0, per=per, station="db"),),
        flows=(Flow("f", source, steps),),
        timeline=Timeline(tuple(Change(at, What.CLOCK, "db", (0,), off) for at, off in jumps)),
    )


def ran(model: Model, windows: int, window: float) -> Replication:
    run = Replication(model, compile_model(model), "1", window, most_windows=windows, empty=True)
    assert run.run(windows) is Status.DONE
    run.check_conservation()
    return run


def at_once(*moments: float) -> Trace:
    """Thirty calls at each moment."""
    return Trace(tuple(moment for moment in moments for _ in range(30)))


def test_a_clock_that_jumps_ahead_refills_a_bucket_for_the_time_that_seems_to_have_passed() -> None:
    row = ran(bucket(at_once(1.0, 1.2), (1.1, 0.5)), 2, 1.0).state.pools[0]
    assert row.taken == 10 + 2 + 5
    assert row.beyond == 5
    assert row.refused == 60 - 17


def test_a_bucket_gets_no_more_than_it_holds() -> None:
    row = ran(bucket(at_once(1.0, 1.2), (1.1, 1_000.0)), 2, 1.0).state.pools[0]
    assert row.taken == 20
    assert row.beyond == 8


def test_a_clock_that_jumps_back_refills_nothing_until_it_shows_again_what_it_did() -> None:
    row = ran(bucket(at_once(1.0, 1.4, 2.0), (1.1, -0.5)), 3, 1.0).state.pools[0]
    assert row.taken == 10 + 1 + 0 + 4  # 1.0 to 1.1, and 1.6 to 2.0
    assert row.beyond == 0
    assert row.within == 29 + 26  # all who were refused, though the true bucket had some left


def test_ahead_and_back_again_is_an_excess_once() -> None:
    """At twice the rate, for 100 s: the jump ahead by 0.5 s lets 5 more through, the one back as many fewer."""
    row = ran(bucket(Poisson.at(20.0), (30.0, 0.5), (60.0, -0.5)), 4, 25.0).state.pools[0]
    plain = ran(bucket(Poisson.at(20.0)), 4, 25.0).state.pools[0]
    assert plain.beyond == plain.within == 0
    assert 4 <= row.beyond <= 5
    assert abs(int(row.taken) - int(plain.taken)) <= 2
    assert row.within > 0


def test_only_the_keys_of_that_shard_are_concerned() -> None:
    """Five times as much is asked for as there is of 1,000 keys: each whose clock jumps is full again, nine or ten more.
    Of four shards one has so many of them as a binomial number of 1,000 and 1/4 is.
    """
    some = ran(bucket(Poisson.at(50_000.0), (1.5, 1_000.0), per=MANY, shards=4), 2, 1.0).state.pools[0]
    whole = ran(bucket(Poisson.at(50_000.0), (1.5, 1_000.0), per=MANY), 2, 1.0).state.pools[0]
    assert 9_000 <= whole.beyond <= 10_000
    assert abs(some.beyond / whole.beyond - 0.25) < 4.5 * sqrt(0.25 * 0.75 / 1_000)


def test_an_entry_with_a_time_to_live_ends_sooner_by_a_clock_ahead_and_later_by_one_that_went_back() -> None:
    def hits(*jumps: tuple[float, float]) -> list[int]:
        look = (Key("k", "key", ONE), Get("g", "c", "key", "found", 1.0, ONE), Put("p", "c", "key", 1.0, ONE))
        model = Model(
            stations=(Station("c", shards=1),),
            stores=(Store("c", ttl=2.0),),
            flows=(
                Flow("fill", Trace((1.0,)), (look[0], look[2])),
                Flow("look", Trace((2.05, 2.5, 4.05, 6.0)), look[:2]),
            ),
            timeline=Timeline(tuple(Change(at, What.CLOCK, "c", (0,), off) for at, off in jumps)),
        )
        rows = ran(model, 7, 1.0).readings().stores["hits"][:, 0]
        return [int(rows[3] - rows[2]), int(rows[5] - rows[4])]

    assert hits() == [2, 0]
    assert hits((2.2, 1.0)) == [1, 0]
    assert hits((2.2, -1.5)) == [2, 1]
    assert hits((2.2, 1.0), (2.3, -1.0)) == [2, 0]


def test_units_taken_ahead_are_lost_by_a_machine_whose_clock_jumps_and_by_no_other() -> None:
    own = FromStash("s", "limit", "key", "found", 50, 100.0, 2)
    body = (
        own,
        If("i", Flag("found"), (), (Visit("w", "db", body=(TakeAhead("t", "limit", "key", 50, 100.0),)),)),
    )
    steps: Steps = (Key("k", "key", ONE), Visit("v", "side", Work.of(Law.fixed(0.0)), body=body))
    lost = []
    for which in ((), (0,), (0, 1)):
        jumps = (Change(5.0, What.CLOCK, "side", which, 1_000.0),) if which else ()
        model = Model(
            stations=(Station("side", machines=2, slots=10), Station("db", slots=100)),
            pools=(Pool("limit", 1e6, 1e6, per=ONE, station="db"),),
            flows=(Flow("f", Trace(tuple(1.0 + 0.5 * k for k in range(20))), steps),),
            timeline=Timeline(jumps),
        )
        lost.append(int(ran(model, 2, 10.0).state.pools[1].ended))
    assert lost[0] == 0
    assert 40 <= lost[1] < 50
    assert 80 <= lost[2] < 100


@pytest.mark.parametrize("off", [0.5, -0.5])
def test_a_jump_elsewhere_changes_nothing(off: float) -> None:
    model = bucket(Poisson.at(20.0))
    other = Model(
        stations=(*model.stations, Station("other")),
        pools=model.pools,
        flows=model.flows,
        timeline=Timeline((Change(3.0, What.CLOCK, "other", (0,), off),)),
    )
    one, two = ran(model, 2, 5.0).state.pools[0], ran(other, 2, 5.0).state.pools[0]
    assert (one.taken, one.refused, one.beyond) == (two.taken, two.refused, two.beyond)
