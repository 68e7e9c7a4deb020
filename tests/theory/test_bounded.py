"""What theory says of bounded things: how much is asked for, how many calls sidecars save, and that it knows no more."""

from __future__ import annotations

import numpy as np
import pytest

from toscale.engine.laws import Law
from toscale.engine.model import (
    Await,
    Choose,
    Extend,
    Flag,
    Flow,
    FromStash,
    GiveBack,
    Holds,
    If,
    Keep,
    Key,
    Left,
    Look,
    Model,
    Over,
    Pass,
    Poisson,
    Pool,
    Population,
    Register,
    See,
    Station,
    Sweep,
    Take,
    TakeAhead,
    Visit,
    Work,
    Write,
)
from toscale.theory import solve
from toscale.theory.bounded import calls_per_ask

TENANTS = Population("tenant", 1, 50, 1.0)


def test_sidecars_save_the_calls_that_a_renewal_process_says() -> None:
    """Each key for itself: of the popular ones a call serves many, of the others one."""
    call = Visit("v", "store", Work.of(Law.fixed(1e-4)), body=(TakeAhead("t", "p", "key", 10, 0.5),))
    steps = (
        Key("k", "key", TENANTS),
        FromStash("s", "p", "key", "found", 10, 0.5, 4),
        If("i", Flag("found"), (), (call,)),
    )
    model = Model(
        stations=(Station("store", slots=10),),
        flows=(Flow("f", Poisson.at(400.0), steps),),
        pools=(Pool("p", 100.0, 100.0, per=TENANTS),),
    )
    twin = solve(model)
    weights = np.arange(1, 51) ** -1.0
    share = weights / weights.sum()
    called = float(share @ calls_per_ask(share * 400.0 / 4 * 0.5, 10))
    assert 0.1 < called < 0.5
    assert twin.stations["store"].arrivals == pytest.approx(400.0 * called, rel=0.02)  # keys by cells
    assert twin.asked == {"p": pytest.approx(400.0)}


def test_it_walks_every_step_and_says_that_it_takes_all_for_enough() -> None:
    steps = (
        Key("k", "key", TENANTS),
        See("seen"),
        Choose("c", "p", "list", 2.0, 4, "seen"),
        Take("t", "p", keys="list"),
        Take("l", "q", line=True),
        Await("a", "q"),
        If("h", Holds("q"), (Extend("e", "q", 1.0), Keep("ke", "q"), GiveBack("g", "q"))),
        If("n", Left("q", none=True), (Sweep("sw", "p", Register("over")), Over("p", "over"))),
        Look("lo", "q"),
        Write("w", "q"),
        Pass("pa", "r"),
    )
    pools = (Pool("p", 1.0, per=TENANTS), Pool("q", 3.0), Pool("r", 1.0, 1.0))
    twin = solve(Model(flows=(Flow("f", Poisson.at(10.0), steps),), pools=pools))
    assert twin.converged
    assert twin.asked == {"p": pytest.approx(10.0), "q": pytest.approx(20.0)}
    assert {a.name for a in twin.assumptions if a.what == "pool"} == {"p", "q", "r"}
