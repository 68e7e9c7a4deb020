"""Connections that are held: as many as M/G/infinity says, each at one machine while it lasts, none lost on the way.

Statistical tests have fixed seeds; each is wrong with a chance of about one in ten thousand for seeds not looked at.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.engine import connections, members
from toscale.engine.compiler import compile_model
from toscale.engine.held import overlap, stationary
from toscale.engine.laws import Law
from toscale.engine.model import (
    After,
    Connected,
    Connection,
    Delay,
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
from toscale.engine.room import Limits
from toscale.engine.run import Replication
from toscale.engine.state import Status
from toscale.engine.tables import ModelError
from toscale.theory.queues import erlang_b

OPENS, CLOSES = Event("socket", Happening.OPENS), Event("socket", Happening.CLOSES)
SURE = 3.9  # standard deviations: one in ten thousand, two-sided


def population(size: int, exponent: float = 0.0) -> Population:
    return Population("member", 7, size, exponent)


def model_of(
    size: int = 60,
    held: float = 20.0,
    lasts: Law | None = None,
    *,
    machines: int = 4,
    policy: Policy = Policy.RANDOM,
    limit: int | None = None,
    again: Law | None = None,
    looks: float = 0.0,
    exponent: float = 0.0,
    told: bool = True,
) -> Model:
    """Members of a gateway; flows that start when one connects or leaves, that look for one, that send."""
    people = population(size, exponent)
    over = Visit("over", "gateway", Work.of(Law.fixed(1e-6)), key="key:m", over="socket")
    found = Visit("found", "gateway", key="key:r", over="socket")
    flows = (
        Flow("hello", After((), events=(OPENS,)), (over,)),
        Flow("bye", After((), events=(CLOSES,)), (Delay("d", Work.of(Law.fixed(0.001))),)),
    )
    look = (
        Key("k", "key:r", people),
        If("i", Connected("socket", "key:r"), (found,), (End("e", Outcome.FAILED),)),
    )
    return Model(
        stations=(Station("gateway", machines=machines, policy=policy),),
        flows=(
            *(flows if told else ()),
            Flow("look", Poisson.at(looks), look),
            Flow("send", Poisson.at(looks), (Holder("h", "key:m", "socket"), over)),
        ),
        connections=(
            Connection(
                "socket",
                "gateway",
                people,
                held,
                lasts or Law.exponential(1.0),
                "key:m",
                limit,
                again=again,
            ),
        ),
    )


def started(model: Model, seed: str = "1", window: float = 1.0, **more: object) -> Replication:
    return Replication(model, compile_model(model), seed, window, most_windows=32, **more)  # type: ignore[arg-type]


def holders(run: Replication, size: int) -> list[int]:
    """The machine of each member, -1 where he is not connected."""
    tag = int(run.state.connections[0].tag)
    with np.errstate(over="ignore"):
        return [int(members.holder_of(run.state, 0, tag + 1 + k)) for k in range(size)]


def lose(run: Replication, machine: int, noticed: int = 0) -> None:
    with np.errstate(over="ignore"):
        connections.lose_connections(run.state, machine, noticed)


# ---- places ------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 700))
def test_places_are_a_permutation_of_the_members(size: int) -> None:
    run = started(model_of(size, size / 2))
    with np.errstate(over="ignore"):
        places = [int(members.place_of(run.state, 0, k)) for k in range(size)]
        assert sorted(places) == list(range(size))
        assert [int(members.member_at(run.state, 0, p)) for p in places] == list(range(size))


def test_as_many_are_connected_at_each_machine_as_are_counted() -> None:
    run = started(model_of(500, 100.0, machines=7))
    assert (
        np.bincount(np.array(holders(run, 500)) + 1, minlength=8)[1:].tolist()
        == run.state.holds["open"].tolist()
    )


# ---- one event after the other -----------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(list(Policy)),
    st.sampled_from([None, 3, 8]),
    st.sampled_from([None, Law.uniform(0.1, 0.5)]),
    st.sampled_from([Law.exponential(1.0), Law.fixed(1.0), Law.lognormal(1.0, 2.0), Law.gamma(1.0, 0.5)]),
    st.sampled_from([0.0, 0.9]),
    st.lists(st.integers(1, 150), max_size=4),
    st.booleans(),
)
def test_a_member_stays_at_one_machine_while_connected_and_nobody_is_lost_count_of(
    policy: Policy,
    limit: int | None,
    again: Law | None,
    lasts: Law,
    exponent: float,
    losses: list[int],
    empty: bool,
) -> None:
    """After every event: who is connected before and after it is so at the same machine; and all counts agree."""
    size = 40
    model = model_of(
        size, 15.0, lasts, policy=policy, limit=limit, again=again, looks=20.0, exponent=exponent
    )
    run = started(model, window=1000.0, empty=empty)
    before, counted = holders(run, size), run.state.connections[0].copy()
    for step in range(160):
        if step in losses:
            machine = step % len(run.state.machines)
            gone = int(run.state.holds[machine].open)
            lose(run, machine)
            assert int(run.state.connections[0].lost) == int(counted.lost) + gone
            assert machine not in holders(run, size)
            before, counted = holders(run, size), run.state.connections[0].copy()
        assert run.run(1, 1) is Status.EVENTS
        run.check_conservation()
        after, row = holders(run, size), run.state.connections[0]
        moved = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert all(a < 0 or b < 0 for a, b in moved)
        assert sum(a < 0 for a, _ in moved) == int(row.opened) - int(counted.opened)
        assert sum(b < 0 for _, b in moved) == int(row.closed) - int(counted.closed)
        assert sum(b >= 0 for b in after) == int(row.open)
        assert int(row.tries) <= int(row.opened) + int(row.refused)
        if limit is not None:
            assert int(run.state.holds["open"].max()) <= limit
        before, counted = after, row.copy()


def test_a_flow_that_an_event_starts_knows_whose_connection_it_is() -> None:
    """`hello` goes over the connection that has just opened, and never fails; `bye` begins as often as one closes."""
    run = started(model_of(5_000, 1_000.0))
    run.run(4)
    hello, bye = run.state.meters[0], run.state.meters[1]
    row = run.state.connections[0]
    assert int(hello.started) == int(row.opened) > 3_000
    assert int(bye.started) == int(row.closed) > 3_000
    assert int(hello.causes.sum()) == 0


def test_what_goes_over_a_connection_goes_to_the_machine_that_holds_it() -> None:
    model = model_of(200, 50.0, looks=500.0, told=False)
    run = started(model, window=100.0)
    seen = 0
    for _ in range(400):
        before = holders(run, 200)
        busy = run.state.machines["outstanding"].copy()
        run.run(1, 1)
        now = np.flatnonzero(run.state.machines["outstanding"] > busy)
        for i in np.flatnonzero(run.state.tasks["pc"] >= 0):
            if run.state.tasks[i].held and len(now):
                key = int(run.state.registers[i, run.tables.register_of["key:m"]])
                key = key if key >= 0 else int(run.state.registers[i, run.tables.register_of["key:r"]])
                index = key - int(run.state.connections[0].tag) - 1
                assert before[index] in now.tolist()
                seen += 1
    assert seen > 50


# ---- how many ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lasts", [Law.exponential(1.0), Law.fixed(1.0), Law.lognormal(1.0, 1.5)], ids=lambda law: law.shape
)
@pytest.mark.parametrize("policy", [Policy.RANDOM, Policy.ROUND_ROBIN])
def test_the_number_that_is_open_is_binomial_whatever_the_law(lasts: Law, policy: Policy) -> None:
    """M/G/infinity with finitely many customers (Engset): binomial, at the beginning and after two lifetimes.

    Its mean and variance over 300 seeds, each against the normal law of its estimate.
    """
    size, held, seeds = 400, 100.0, 300
    model = model_of(size, held, lasts, policy=policy, told=False)
    tables = compile_model(model)
    counts = []
    for seed in range(seeds):
        run = Replication(model, tables, f"{seed}", 2.0, most_windows=1)
        first = int(run.state.connections[0].open)
        assert run.run(1) is Status.DONE
        counts.append((first, int(run.state.connections[0].open)))
    share = held / size
    variance = size * share * (1 - share)
    for number in np.array(counts, dtype=float).T:
        assert abs(number.mean() - held) < SURE * np.sqrt(variance / seeds)
        assert abs(number.var(ddof=1) / variance - 1) < SURE * np.sqrt(2 / (seeds - 1))


@pytest.mark.parametrize(
    ("policy", "dispersion"),
    [(Policy.RANDOM, 1.0), (Policy.ROUND_ROBIN, 0.5), (Policy.LEAST_OUTSTANDING, 0.0)],
)
def test_a_machine_holds_a_poisson_number_where_connections_come_at_random(
    policy: Policy, dispersion: float
) -> None:
    """The variance over the machines, over the mean: 1 at random; in turn half of it, as of D/M/infinity; none
    where the emptiest is chosen. At the beginning and after three lifetimes.
    """
    machines = 300
    run = started(model_of(10**9, 50.0 * machines, machines=machines, policy=policy, told=False))
    for _ in range(2):
        number = run.state.holds["open"].astype(float)
        found = number.var(ddof=1) / number.mean()
        assert abs(found - dispersion) < max(SURE * dispersion * np.sqrt(2 / (machines - 1)), 0.15)
        run.run(3)


def test_what_the_machines_hold_in_turn_varies_less_the_less_times_vary() -> None:
    assert overlap(Law.exponential(3.0)) == pytest.approx(0.5, abs=1e-3)
    assert overlap(Law.fixed(2.0)) == pytest.approx(1.0)
    assert overlap(Law.uniform(0.0, 1.0)) == pytest.approx(2 / 3, abs=1e-3)
    held = Connection("s", "g", population(10**6), 1_000.0, Law.fixed(1.0), "k")
    drawn = stationary(held, 10, Policy.ROUND_ROBIN, np.random.Generator(np.random.Philox(1)))
    assert drawn.max() - drawn.min() <= 1


def test_someone_drawn_is_connected_as_often_as_members_are() -> None:
    """The share of looks that find a connection: held / members, by the binomial's normal law."""
    run = started(model_of(10**6, 0.0625 * 10**6, Law.exponential(100.0), looks=20_000.0, told=False))
    run.run(2)
    look, send = run.state.meters[0], run.state.meters[1]
    done, missed = int(look.done), int(look.causes.sum())
    assert int(send.causes.sum()) == 0
    share = done / (done + missed)
    assert abs(share - 0.0625) < SURE * np.sqrt(0.0625 * 0.9375 / (done + missed))


def test_a_full_machine_refuses_as_erlangs_loss_formula_says() -> None:
    """At random, from very many members: each machine is M/M/c/c. The mean of 40 machines over 25 lifetimes; the
    interval by Student's t over the machines, which are independent.
    """
    machines, load, limit = 40, 20.0, 22
    run = started(model_of(10**12, load * machines, machines=machines, limit=limit, told=False))
    run.run(30)
    row = run.state.connections[0]
    tried = int(row.opened) + int(row.refused)
    share = int(row.refused) / tried
    expected = erlang_b(load, limit)
    correlated = np.sqrt(2 * expected / tried * load)  # refusals come in clusters of a busy spell
    assert abs(share - expected) < SURE * correlated
    assert int(row.opened) + int(row.first_open) == int(row.open) + int(row.closed)


# ---- all at once -------------------------------------------------------------------------------------------------


def test_a_machine_of_67_thousand_connections_is_lost_and_its_members_come_back() -> None:
    """50M of 800M hold one, at 750 machines: those of one are lost, and come back evenly between 1 s and 30 s."""
    model = model_of(800_000_000, 50e6, Law.exponential(2400.0), machines=750, again=Law.uniform(1.0, 30.0))
    run = started(model)
    there = int(run.state.holds[3].open)
    assert 60_000 < there < 75_000
    assert run.run(1) is Status.DONE
    before = run.state.connections[0].copy()
    there = int(run.state.holds[3].open)
    lose(run, 3, noticed=500_000_000)
    bye = int(run.state.meters[1].done)
    assert run.run(2) is Status.DONE
    run.check_conservation()
    row = run.state.connections[0]
    assert int(row.lost) - int(before.lost) == there
    assert int(row.waiting) == there  # nobody comes back within the first second
    normal = int(row.closed) - int(before.closed)
    assert int(run.state.meters[1].done) - bye == pytest.approx(there + normal, abs=200)
    opened = int(row.opened)
    assert run.run(12) is Status.DONE
    row = run.state.connections[0]
    back = there - int(row.waiting)
    expected = there * 10 / 29
    assert abs(back - expected) < SURE * np.sqrt(expected * (1 - 10 / 29))
    assert int(row.opened) - opened > back
    assert run.run(32) is Status.DONE
    assert int(run.state.connections[0].waiting) == 0
    run.check_conservation()


def test_a_loss_is_noticed_when_it_is_said_to_be() -> None:
    run = started(model_of(10_000, 2_000.0, Law.exponential(1e6)), window=0.1)
    lose(run, 0, noticed=250_000_000)
    lost = int(run.state.connections[0].lost)
    done = []
    for k in range(1, 4):
        run.run(k)
        done.append(int(run.state.meters[1].done))
    assert done[0] == done[1] < 5
    assert lost <= done[2] < lost + 5


@pytest.mark.parametrize("policy", [p for p in Policy if p is not Policy.SHARED])
def test_a_machine_that_is_out_gets_no_new_ones_and_one_that_is_down_refuses_them(policy: Policy) -> None:
    """First it is down, and not yet out: its members try elsewhere and there. Then it is out, and in again."""
    model = model_of(20_000, 4_000.0, Law.exponential(5.0), policy=policy, again=Law.uniform(0.1, 0.3))
    run = started(model, window=0.5)

    def admit(out: int, down: int) -> None:
        with np.errstate(over="ignore"):
            connections.admit_connections(run.state, 2, out, down)

    lose(run, 2)
    admit(0, 1)
    run.run(1)
    row = run.state.connections[0]
    refused = int(row.refused)
    assert refused > 50
    admit(1, 1)
    run.run(4)
    assert int(run.state.connections[0].refused) == refused
    assert int(run.state.holds[2].open) == 0
    assert int(run.state.connections[0].waiting) == 0
    admit(0, 0)
    run.run(8)
    assert int(run.state.holds[2].open) > 200
    run.check_conservation()


def test_where_every_machine_is_out_one_of_them_is_tried_all_the_same() -> None:
    for policy in Policy:
        run = started(model_of(2_000, 500.0, policy=policy))
        with np.errstate(over="ignore"):
            for machine in range(len(run.state.machines)):
                connections.admit_connections(run.state, machine, 1, 0)
        run.run(1)
        assert int(run.state.connections[0].opened) > 300


def test_who_does_not_try_again_comes_back_like_everyone() -> None:
    run = started(model_of(10_000, 2_000.0, Law.exponential(1.0)))
    lose(run, 0)
    run.run(1)
    row = run.state.connections[0]
    assert int(row.waiting) == 0
    assert int(row.open) > 1_500


def test_more_than_can_be_remembered_end_the_run_with_its_own_status() -> None:
    model = model_of(10**7, 10**6, Law.exponential(1.0))
    run = started(model, limits=Limits(sockets=1 << 13))
    assert run.run(2) is Status.SOCKETS


# ---- what cannot be ----------------------------------------------------------------------------------------------


def test_as_many_must_be_there_as_hold_one() -> None:
    with pytest.raises(ModelError, match="some must hold none"):
        started(model_of(10, 10.0))


def test_a_call_over_a_connection_must_say_whose_and_go_where_it_leads() -> None:
    base = model_of()
    nobody = Visit("x", "gateway", over="socket")
    elsewhere = Visit("x", "other", key="key:m", over="socket")
    for step, message in ((nobody, "nobody's"), (elsewhere, "another station")):
        with pytest.raises(ModelError, match=message):
            compile_model(
                Model(
                    stations=(*base.stations, Station("other")),
                    flows=(Flow("f", Poisson.at(1.0), (step,)),),
                    connections=base.connections,
                )
            )


@cache
def _residual(law: Law) -> Law:
    return Law.residual(law)


@pytest.mark.parametrize(
    "law",
    [Law.gamma(2.0, 0.5), Law.lognormal(1.0, 1.0), Law.uniform(1.0, 3.0), Law.empirical([1.0, 2.0, 6.0])],
)
def test_the_residual_of_a_law_has_the_mean_that_renewal_theory_gives(law: Law) -> None:
    """E[X^2] / (2 E[X]) (Feller, volume 2, XI.4)."""
    assert _residual(law).mean == pytest.approx(law.second_moment / (2 * law.mean), rel=2e-3)
    u = np.linspace(0.01, 0.99, 50)
    assert _residual(law).cdf(_residual(law).quantile(u)) == pytest.approx(u, abs=1e-6)
