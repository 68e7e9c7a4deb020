"""Theory knows how often a connection opens, who is connected, and what a full machine refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toscale.engine.laws import Law
from toscale.engine.model import (
    After,
    Connected,
    Connection,
    Consume,
    End,
    Event,
    Flow,
    Happening,
    Holder,
    If,
    Key,
    Model,
    Outcome,
    Poisson,
    Policy,
    Population,
    Station,
    Visit,
    Work,
)
from toscale.theory import solve
from toscale.theory.connections import connection
from toscale.theory.queues import erlang_b

MEMBERS = Population("member", 3, 10_000)
WORK = Work.of(Law.exponential(0.01))


def socket(limit: int | None = None, held: float = 2_500.0) -> Connection:
    return Connection("socket", "gateway", MEMBERS, held, Law.exponential(50.0), "key:m", limit, 1_000.0)


def model_of(*flows: Flow, limit: int | None = None, policy: Policy = Policy.RANDOM) -> Model:
    return Model(
        stations=(Station("gateway", machines=5, policy=policy), Station("app", slots=100)),
        flows=flows,
        connections=(socket(limit),),
    )


def test_littles_law_and_the_share_of_members() -> None:
    theory = connection(socket(), Station("gateway", machines=5))
    assert theory.opened == theory.closed == 50.0
    assert theory.refused == 0.0
    assert (theory.held, theory.each, theory.memory) == (2_500.0, 500.0, 500e3)
    assert theory.share == 0.25


def test_a_full_machine_refuses_by_erlangs_formula() -> None:
    """Who is refused tries again: all tries together are what is offered, by those who have none."""
    for limit in (450, 510):
        theory = connection(socket(limit=limit), Station("gateway", machines=5))
        tried = theory.opened + theory.refused
        assert tried == pytest.approx((10_000 - theory.held) * 2_500 / 7_500 / 50)
        assert theory.refused / tried == pytest.approx(erlang_b(tried * 50 / 5, limit), rel=1e-6)
        assert theory.held == pytest.approx(theory.opened * 50)
        assert theory.each < limit


def test_events_start_flows_as_often_as_they_happen_and_others_follow() -> None:
    opens, closes = Event("socket", Happening.OPENS), Event("socket", Happening.CLOSES)
    over = Visit("v", "gateway", WORK, key="key:m", over="socket")
    twin = solve(
        model_of(
            Flow("hello", After((), 0.4, events=(opens,)), (Visit("w", "app", WORK),)),
            Flow("sync", After(("hello",), carries=("key:m",)), (over,)),
            Flow("bye", After((), events=(closes,)), (over,)),
            Flow("both", After(("sync",), events=(closes,)), (Visit("x", "app", WORK),)),
        )
    )
    assert twin.flows["hello"].rate == pytest.approx(20.0)
    assert twin.flows["sync"].rate == pytest.approx(20.0)
    assert twin.flows["both"].rate == pytest.approx(70.0)
    assert twin.flows["sync"].failed == {}
    assert twin.flows["bye"].failed == {"failed": pytest.approx(1.0)}  # what has closed leads nowhere
    assert twin.stations["gateway"].arrivals == pytest.approx(20.0)


def test_of_anyone_a_quarter_is_connected_and_then_surely() -> None:
    over = Visit("v", "gateway", WORK, key="key:r", over="socket")
    asked = If("i", Connected("socket", "key:r"), (over,), (End("e", Outcome.ANSWERED),))
    twin = solve(
        model_of(
            Flow("ask", Poisson.at(40.0), (Key("k", "key:r", MEMBERS), asked)),
            Flow("try", Poisson.at(40.0), (Key("k", "key:r", MEMBERS), over, over)),
            Flow("send", Poisson.at(40.0), (Holder("h", "key:m", "socket"), Visit("s", "app", WORK))),
        )
    )
    assert twin.flows["ask"].failed == {}
    assert twin.flows["try"].failed == {"failed": pytest.approx(0.75)}
    assert twin.stations["gateway"].arrivals == pytest.approx(10.0 + 20.0)
    assert twin.stations["app"].arrivals == pytest.approx(40.0)


def test_where_fewer_are_refused_than_at_random_the_theory_says_so() -> None:
    said = {p: [a.name for a in solve(model_of(limit=480, policy=p)).assumptions] for p in Policy}
    assert "socket" not in said[Policy.RANDOM]
    assert "socket" in said[Policy.ROUND_ROBIN]


def test_a_message_carries_who_is_connected() -> None:
    """Also where several flows send it, of which only some know."""
    from toscale.engine.model import Buffer, Send

    over = Visit("v", "gateway", WORK, key="key:m", over="socket")
    send = Send("s", "queue")
    model = model_of(
        Flow("one", Poisson.at(10.0), (Holder("h", "key:m", "socket"), send)),
        Flow("other", Poisson.at(30.0), (Key("k", "key:m", MEMBERS), send)),
        Flow("take", Consume("queue"), (over,)),
    )
    whole = replace(model, buffers=(Buffer("queue", 4, ("key:m",)),))
    failed = solve(whole).flows["take"].failed["failed"]
    assert 0.5 < failed <= 0.75  # a quarter of the messages are surely of someone who is
