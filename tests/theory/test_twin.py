"""The twin on whole models: against closed forms where there are some, and sound on any model at all."""

from __future__ import annotations

import dataclasses
import json
from math import isfinite, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.engine.laws import Law
from toscale.engine.model import (
    After,
    Attribute,
    Buffer,
    Call,
    Chance,
    Clock,
    Compare,
    Consume,
    Delay,
    Drop,
    Each,
    End,
    Evict,
    Flag,
    Flow,
    Fork,
    Get,
    If,
    Key,
    Link,
    Measure,
    Model,
    NewKey,
    Outcome,
    Parallel,
    Pick,
    Poisson,
    Policy,
    Population,
    Put,
    Register,
    Retry,
    Scatter,
    Send,
    Set,
    Station,
    Store,
    Visit,
    Work,
)
from toscale.theory import Twin, average, queues, solve

LINKS = Population("link", 1, 100_000, 0.9)


def exponential(mean: float) -> Work:
    return Work.of(Law.exponential(mean))


def fixed(mean: float) -> Work:
    return Work.of(Law.fixed(mean))


def one_flow(*steps: object, rate: float = 1.0, **parts: object) -> Model:
    return Model(flows=(Flow("f", Poisson.at(rate), steps),), **parts)  # type: ignore[arg-type]


# ---- one station -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.2, 0.7, 0.9])
def test_mm1_has_its_mean_and_its_percentiles(rho):
    twin = solve(one_flow(Visit("v", "s", exponential(1.0)), rate=rho, stations=(Station("s", slots=1),)))
    flow, mean = twin.flows["f"], 1 / (1 - rho)
    assert flow.latency == pytest.approx(mean)
    # the response time is exponential: deviation = mean, quantiles -mean ln(1 - u); draws are good to a few percent
    assert flow.deviation == pytest.approx(mean, rel=1e-6)
    assert flow.p50 == pytest.approx(mean * log(2), rel=0.05)
    assert flow.p99 == pytest.approx(mean * log(100), rel=0.08)


def test_a_general_server_is_pollaczek_khinchine():
    work = Work.of(Law.lognormal(1.0, 2.0))
    twin = solve(one_flow(Visit("v", "s", work), rate=0.7, stations=(Station("s", slots=1),)))
    assert twin.stations["s"].wait == pytest.approx(queues.mg1(0.7, 1.0, 4.0).wait)


def test_two_kinds_of_work_at_one_station_are_one_law():
    flows = (
        Flow("a", Poisson.at(0.3), (Visit("v", "s", fixed(1.0)),)),
        Flow("b", Poisson.at(0.1), (Visit("v", "s", fixed(3.0)),)),
    )
    twin = solve(Model((Station("s", slots=1),), flows=flows))
    # E[S] = 1.5, E[S^2] = 3: W = 0.4 * 3 / (2 * 0.4)
    assert twin.stations["s"].wait == pytest.approx(1.5)
    assert twin.stations["s"].slot_utilisation == pytest.approx(0.6)


def test_a_full_station_refuses_and_the_flow_fails():
    twin = solve(
        one_flow(Visit("v", "s", exponential(1.0)), rate=8.0, stations=(Station("s", slots=10, waiting=0),))
    )
    blocked = queues.erlang_b(8.0, 10)
    assert twin.stations["s"].refused == pytest.approx(blocked)
    assert twin.flows["f"].failed == {"refused": pytest.approx(blocked)}


def test_jackson_tandem_with_feedback():
    # after each visit of the second, a quarter goes round again: once more is enough to see the rates
    visit = Visit("two", "two", exponential(0.4))
    again = If("again", Chance(0.25), (Visit("three", "two", exponential(0.4)),))
    twin = solve(
        one_flow(
            Visit("one", "one", exponential(0.5)),
            visit,
            again,
            rate=1.2,
            stations=(Station("one", slots=1), Station("two", slots=1)),
        )
    )
    first, second = queues.mm1(1.2, 0.5), queues.mm1(1.5, 0.4)
    assert twin.flows["f"].latency == pytest.approx(first.response + 1.25 * second.response)


def test_fork_and_join_of_two_is_the_independent_maximum_above_the_exact_mean():
    branches = Parallel("p", ((Visit("a", "a", exponential(1.0)),), (Visit("b", "b", exponential(1.0)),)))
    twin = solve(one_flow(branches, rate=0.6, stations=(Station("a", slots=1), Station("b", slots=1))))
    independent = 1.5 / (1 - 0.6)
    assert twin.flows["f"].latency == pytest.approx(independent, rel=0.01)
    # the two queues are positively correlated, so the exact mean is lower: by (12 - rho) / 12
    assert twin.flows["f"].latency == pytest.approx(queues.fork_join_two(0.6, 1.0), rel=0.08)


def test_the_hottest_shard_stands_out():
    station = Station("s", shards=10, slots=4)
    steps = (
        Key("k", "key", Population("x", 1, 1000, 1.5)),
        Visit("v", "s", exponential(1.0), pick=Pick.PRIMARY, key="key"),
    )
    twin = solve(one_flow(*steps, rate=8.0, stations=(station,)))
    weights = np.arange(1, 1001) ** -1.5
    top = weights[0] / weights.sum()
    assert twin.stations["s"].hottest_share == pytest.approx(top + (1 - top) / 10, rel=1e-3)


# ---- how often steps run -----------------------------------------------------------------------------------------


def test_only_misses_go_to_the_database():
    steps = (
        Key("k", "link", LINKS),
        Visit("cache", "cache", exponential(1e-4)),
        Get("get", "cache", "link", "found", 1.0, LINKS),
        If(
            "miss",
            Flag("found"),
            (),
            (Visit("db", "db", exponential(1e-3)), Put("put", "cache", "link", 1.0, LINKS)),
        ),
    )
    stations = (Station("cache"), Station("db", slots=50))
    twin = solve(one_flow(*steps, rate=1000.0, stations=stations, stores=(Store("cache", memory=10_000.0),)))
    hit = twin.stores["cache"].hit_ratio
    assert hit is not None
    assert 0.5 < hit < 0.9
    assert twin.stations["db"].arrivals == pytest.approx(1000 * (1 - hit))
    assert twin.stores["cache"].occupancy == pytest.approx(10_000)
    assert twin.stores["cache"].gets == {"link": pytest.approx(1000)}


def test_a_second_cache_sees_the_keys_that_missed_the_first():
    def look(store: str, then: tuple[object, ...]) -> tuple[object, ...]:
        return (
            Get(f"get {store}", store, "link", f"in {store}", 1.0, LINKS),
            If(
                f"miss {store}",
                Flag(f"in {store}"),
                (),
                (*then, Put(f"put {store}", store, "link", 1.0, LINKS)),
            ),
        )

    steps = (Key("k", "link", LINKS), *look("near", look("far", ())))  # type: ignore[arg-type]
    alike = solve(one_flow(*steps, stores=(Store("near", memory=5000.0), Store("far", memory=5000.0))))
    near, far = alike.stores["near"].hit_ratio, alike.stores["far"].hit_ratio
    # as large as the first, the second is asked for what has just left both
    assert near is not None
    assert far is not None
    assert far < near / 3


def test_a_cache_that_nobody_fills_never_hits():
    steps = (Key("k", "link", LINKS), Get("get", "cache", "link", "found", 1.0, LINKS))
    twin = solve(one_flow(*steps, stores=(Store("cache"),)))
    assert twin.stores["cache"].hit_ratio == 0


def test_a_branch_on_an_attribute_conditions_what_follows():
    """Only authors with few followers are pushed: the fan-out is the mean of the few, not of all."""
    followers = Attribute(Law.pareto(200.0, 1.2, 1e7), "post", "followers")
    push = If(
        "few", Compare(followers, "<=", 10_000.0), (Each("each", followers, (Visit("v", "s", fixed(1e-6)),)),)
    )
    twin = solve(one_flow(NewKey("n", "post", LINKS), push, rate=10.0, stations=(Station("s"),)))
    law = followers.law
    draws = np.floor(law.quantile((np.arange(2_000_000) + 0.5) / 2_000_000))
    assert twin.stations["s"].arrivals == pytest.approx(
        10 * np.where(draws <= 10_000, draws, 0).mean(), rel=0.01
    )


@pytest.mark.parametrize(("count", "batch", "passes"), [(7.0, 3, 3), (6.0, 3, 2), (0.0, 3, 0), (5.9, 1, 5)])
def test_each_runs_once_for_each_batch(count, batch, passes):
    step = Each("e", count, (Visit("v", "s", fixed(1.0)),), batch=batch)
    twin = solve(one_flow(step, stations=(Station("s"),)))
    assert twin.stations["s"].arrivals == pytest.approx(passes)
    assert twin.flows["f"].latency == pytest.approx(passes)


def test_passes_side_by_side_take_as_long_as_the_longest():
    step = Each("e", 10.0, (Delay("d", exponential(1.0)),), at_once=None)
    assert solve(one_flow(step)).flows["f"].latency == pytest.approx(
        sum(1 / k for k in range(1, 11)), rel=0.01
    )


def test_the_size_of_a_batch_travels_with_the_message():
    send = Each("e", 1200.0, (Send("s", "chunks"),), batch=500, size="size")
    work = Work(Law.fixed(1.0), 0.0, 1e-6, Register("size"))
    flows = (
        Flow("split", Poisson.at(1.0), (send,)),
        Flow("deliver", Consume("chunks"), (Visit("v", "s", work),)),
    )
    twin = solve(Model((Station("s"),), buffers=(Buffer("chunks", 4, ("size",)),), flows=flows))
    assert twin.flows["deliver"].rate == pytest.approx(3)
    assert twin.stations["s"].work == pytest.approx(400e-6)  # 500, 500 and 200


@pytest.mark.parametrize(("failing", "times"), [(0.3, 2), (0.9, 5), (0.0, 3)])
def test_retries_amplify_the_load(failing, times):
    body = (Visit("v", "s", fixed(1.0)), If("fails", Chance(failing), (End("end", Outcome.FAILED),)))
    call = Call("call", body, retry=Retry(times, backoff=2.0))
    twin = solve(one_flow(call, stations=(Station("s"),)))
    assert twin.stations["s"].arrivals == pytest.approx(queues.attempts(failing, times))
    assert twin.flows["f"].failed.get("failed", 0.0) == pytest.approx(failing ** (times + 1), abs=1e-12)
    pauses = sum(failing**k * 2.0 * 2.0 ** (k - 1) for k in range(1, times + 1))
    assert twin.flows["f"].latency == pytest.approx(queues.attempts(failing, times) + pauses)


def test_a_handler_runs_as_often_as_its_outcome():
    body = (If("fails", Chance(0.2), (End("end", Outcome.FAILED),)), Visit("v", "s", fixed(1.0)))
    call = Call("call", body, handlers={Outcome.FAILED: (Visit("h", "t", fixed(1.0)),)})
    twin = solve(
        one_flow(call, Visit("after", "u", fixed(1.0)), stations=(Station("s"), Station("t"), Station("u")))
    )
    assert {name: s.arrivals for name, s in twin.stations.items()} == pytest.approx(
        {"s": 0.8, "t": 0.2, "u": 1.0}
    )
    assert twin.flows["f"].failed == {}


def test_a_timeout_cuts_an_exponential_time_where_it_should():
    twin = solve(one_flow(Call("call", (Delay("d", exponential(1.0)),), timeout=2.0)))
    assert twin.flows["f"].failed["timed out"] == pytest.approx(np.exp(-2))
    assert twin.flows["f"].latency == pytest.approx(1 - np.exp(-2))


def test_a_scatter_touches_as_many_shards_as_have_a_key():
    scatter = Scatter("s", "db", LINKS, Work(Law.fixed(1.0), 0.001, 0.0001), count=20.0)
    twin = solve(one_flow(scatter, stations=(Station("db", shards=16, slots=10),)))
    shards = 16 * (1 - (15 / 16) ** 20)
    assert twin.stations["db"].arrivals == pytest.approx(shards)
    assert twin.stations["db"].work == pytest.approx(0.001 + 0.0001 * 20 / shards)


def test_keys_that_missed_are_fetched_together():
    look = Scatter(
        "get", "cache", LINKS, fixed(1e-4), count=20.0, store="c", found="all", missed="missing", bytes=1.0
    )
    fetch = Scatter("db", "db", LINKS, fixed(1e-3), source="missing")
    put = Scatter("put", "cache", LINKS, fixed(1e-4), source="missing", store="c", put=True, bytes=1.0)
    model = one_flow(
        look,
        If("miss", Flag("all"), (), (fetch, put)),
        rate=100.0,
        stations=(Station("cache"), Station("db", slots=100)),
        stores=(Store("c", memory=20_000.0),),
    )
    twin = solve(model)
    hit = twin.stores["c"].hit_ratio
    assert hit is not None
    assert 0.6 < hit < 0.95
    assert twin.stores["c"].gets == {"link": pytest.approx(2000)}
    assert twin.stations["db"].arrivals == pytest.approx(100 * (1 - hit**20), rel=1e-6)


# ---- rates of flows ----------------------------------------------------------------------------------------------


def test_rates_of_caused_flows_solve_their_equations():
    fails = If("fails", Chance(0.2), (End("end", Outcome.ENDED),))
    flows = (
        Flow("open", Poisson.at(10.0), (fails, Send("s", "events"))),
        Flow("tick", Clock(5.0, 20), ()),
        Flow("scroll", After(("open", "scroll"), 0.5), ()),
        Flow("consume", Consume("events", 10), (Visit("v", "w", exponential(0.01)),)),
    )
    twin = solve(Model((Station("w", slots=4),), buffers=(Buffer("events", 2),), flows=flows))
    rates = {name: flow.rate for name, flow in twin.flows.items()}
    # what follows an open or a scroll is a scroll in half of the cases: s is half of 8 + s
    assert rates == pytest.approx({"open": 10, "tick": 4, "scroll": 8, "consume": 8})
    assert twin.flows["open"].failed == {"ended": pytest.approx(0.2)}


def test_flows_that_cause_each_other_more_at_each_turn_are_said_to():
    flows = (Flow("a", Poisson.at(1.0), ()), Flow("b", After(("a", "b"), 1.0), ()))
    twin = solve(Model(flows=flows))
    assert any("more at each turn" in a.text for a in twin.assumptions)
    assert isfinite(twin.flows["b"].rate)


def test_a_rate_can_be_given():
    model = one_flow(Visit("v", "s", exponential(1.0)), rate=0.1, stations=(Station("s", slots=1),))
    assert solve(model, {"f": 0.5}).flows["f"].latency == pytest.approx(2.0)


def test_a_varying_rate_is_averaged():
    assert average(Poisson((0.0, 10.0, 10.0), (0.0, 10.0, 20.0))) == pytest.approx(7.5)
    assert average(Poisson.at(3.0)) == 3


def test_consumers_take_larger_batches_under_load_instead_of_overloading():
    consume = Flow("c", Consume("b", 100), (Visit("v", "w", fixed(0.1)),))
    sends = Flow("p", Poisson.at(200.0), (Send("s", "b"),))
    twin = solve(Model((Station("w", slots=2),), buffers=(Buffer("b", 4),), flows=(sends, consume)))
    # four consumers share two slots: 20 batches a second of 10 each
    assert twin.overloaded == ()
    assert twin.stations["w"].arrivals == pytest.approx(20, rel=0.1)
    assert twin.buffers["b"].batch == pytest.approx(10, rel=0.1)


# ---- overload ----------------------------------------------------------------------------------------------------


def test_an_overload_is_a_result():
    visit = Visit("a", "app", exponential(0.001), body=(Visit("d", "db", exponential(0.1)),))
    twin = solve(one_flow(visit, rate=100.0, stations=(Station("app", slots=64), Station("db", slots=5))))
    assert [(o.name, pytest.approx(o.excess)) for o in twin.overloaded] == [("db", 50.0)]
    assert twin.flows["f"].latency is None
    assert "db" in twin.flows["f"].reason
    assert "cannot keep up" in twin.stations["app"].reason
    assert twin.stations["app"].wait is None


def test_a_timeout_bounds_the_time_at_an_overloaded_station():
    call = Call("call", (Visit("d", "db", exponential(0.1)),), timeout=0.5)
    twin = solve(one_flow(call, rate=100.0, stations=(Station("db", slots=5),)))
    assert twin.flows["f"].latency == pytest.approx(0.5)
    assert twin.flows["f"].failed["timed out"] == pytest.approx(0.5)


def test_a_consumer_that_cannot_keep_up_is_an_overload_of_the_buffer():
    consume = Flow("c", Consume("b", 1), (Visit("v", "w", fixed(0.1)),))
    sends = Flow("p", Poisson.at(100.0), (Send("s", "b"),))
    twin = solve(Model((Station("w", slots=8),), buffers=(Buffer("b", 4),), flows=(sends, consume)))
    assert [(o.name, pytest.approx(o.excess)) for o in twin.overloaded] == [("b", 60.0)]
    assert twin.flows["c"].latency is None
    assert twin.buffers["b"].wait is None
    assert "40 of 100" in twin.buffers["b"].reason


# ---- the wire, the parts -----------------------------------------------------------------------------------------


def test_zones_decide_which_wire_a_call_takes():
    link = Link(near=Law.fixed(0.001), far=Law.fixed(0.010))
    inner = Visit("db", "db", None, link)
    outer = Visit("app", "app", None, Link(), body=(inner,))
    stations = (Station("app", 3, zones=(0, 1, 2)), Station("db", 3, zones=(0, 1, 2)))
    latency = solve(one_flow(outer, stations=stations)).flows["f"].latency
    assert latency == pytest.approx(2 * (0.001 / 3 + 0.010 * 2 / 3))


def test_lost_messages_are_sent_again_after_doubling_time_outs():
    link = Link(far=Law.fixed(0.0), loss=0.1, resend_after=0.2)
    latency = solve(one_flow(Visit("v", "s", None, link), stations=(Station("s"),))).flows["f"].latency
    # each way: 0.2 (l + 2 l^2 + 4 l^3 + ...) = 0.2 l / (1 - 2 l)
    assert latency == pytest.approx(2 * 0.2 * 0.1 / 0.8, rel=1e-6)


def test_the_parts_of_a_sequence_add_up_to_its_latency():
    link = Link(far=Law.lognormal(0.01, 0.5), loss=0.01)
    body = (Visit("db", "db", exponential(0.02), link), Delay("pause", fixed(0.003)))
    steps = (
        Visit("app", "app", exponential(0.01), link, body=body),
        If("half", Chance(0.5), (Visit("x", "db", fixed(0.01)),)),
    )
    stations = (Station("app", slots=8, cores=2), Station("db", slots=3))
    flow = solve(one_flow(*steps, rate=60.0, stations=stations)).flows["f"]
    assert [part.path for part in flow.parts] == ["app", "db", "pause", "x"]
    assert sum(p.work + p.waiting + p.wire for p in flow.parts if p.waiting is not None) == pytest.approx(
        flow.latency
    )
    assert flow.overlap == pytest.approx(0, abs=1e-9)
    assert [part.visits for part in flow.parts] == pytest.approx([1, 1, 1, 0.5])


def test_what_nobody_waits_for_is_no_part_of_the_latency():
    steps = (Visit("a", "s", fixed(0.1)), Fork("fork", (Visit("b", "s", fixed(0.5)),)))
    twin = solve(one_flow(*steps, stations=(Station("s"),)))
    assert twin.flows["f"].latency == pytest.approx(0.1)
    assert twin.stations["s"].arrivals == pytest.approx(2)


def test_a_named_step_is_measured():
    step = If("x", Chance(0.25), (Measure("m", (Delay("d", exponential(2.0)),)),))
    measured = solve(one_flow(step, rate=8.0)).steps["m"]
    assert measured.rate == pytest.approx(2)
    assert measured.latency == pytest.approx(2)
    assert measured.p99 == pytest.approx(2 * log(100), rel=0.05)


def test_an_empty_model_has_an_empty_twin():
    twin = solve(Model())
    assert twin.flows == twin.stations == twin.stores == {}
    assert twin.converged


# ---- any model ---------------------------------------------------------------------------------------------------


def plain(value: object) -> None:
    """Every number in a result is a plain finite float, or None."""
    if isinstance(value, float):
        assert type(value) is float
        assert isfinite(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            assert isinstance(key, str)
            plain(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            plain(inner)
    else:
        assert value is None or type(value) in (str, int, bool), repr(value)


POPULATIONS = [
    Population("a", 1, 1_000, 0.0),
    Population("b", 2, 50_000_000, 0.95),
    Population("c", 3, 1, 2.0),
]
STATIONS, STORES, BUFFERS = ["s0", "s1", "s2"], ["c0", "c1"], ["b0", "b1"]
REGISTERS = ["k0", "k1"]

seconds = st.sampled_from([0.0, 1e-6, 1e-3, 0.02, 1.0, 100.0])
laws = st.one_of(
    st.builds(Law.fixed, seconds),
    st.builds(Law.exponential, seconds.filter(bool)),
    st.builds(Law.lognormal, seconds.filter(bool), st.floats(0.1, 3)),
    st.builds(Law.pareto, seconds.filter(bool), st.floats(1.1, 3)),
)
works = st.builds(Work.of, laws)
chances = st.sampled_from([0.0, 1e-9, 0.1, 0.5, 0.999, 1.0])
links = st.one_of(st.just(Link()), st.builds(Link, laws, laws, st.sampled_from([0.0, 0.01, 0.4, 0.9])))
populations = st.sampled_from(POPULATIONS)
attributes = st.builds(
    Attribute,
    st.sampled_from(
        [Law.pareto(200.0, 0.9, 1e7), Law.exponential(5.0), Law.fixed(0.0), Law.uniform(0.0, 9.0)]
    ),
    st.sampled_from(REGISTERS),
    st.just("salt"),
)
numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 20.0, 1e4]),
    attributes,
    st.builds(Register, st.sampled_from(["found", "size", "n"])),
)
tests = st.one_of(
    st.builds(Chance, chances),
    st.builds(Flag, st.sampled_from(["found", "all", "n"])),
    st.builds(Compare, numbers, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), numbers),
)
leaves = st.one_of(
    st.builds(Delay, st.just("delay"), works),
    st.builds(Key, st.just("key"), st.sampled_from(REGISTERS), populations),
    st.builds(NewKey, st.just("new"), st.sampled_from(REGISTERS), populations),
    st.builds(
        Get,
        st.just("get"),
        st.sampled_from(STORES),
        st.sampled_from(REGISTERS),
        st.just("found"),
        st.sampled_from([1.0, 500.0, 1e12]),
        populations,
        chances,
    ),
    st.builds(
        Put,
        st.just("put"),
        st.sampled_from(STORES),
        st.sampled_from(REGISTERS),
        st.sampled_from([1.0, 1e12]),
        populations,
    ),
    st.builds(Drop, st.just("drop"), st.sampled_from(STORES), st.sampled_from(REGISTERS), populations),
    st.builds(
        Scatter,
        st.just("scatter"),
        st.sampled_from(STATIONS),
        populations,
        works,
        count=numbers,
        fresh=st.booleans(),
        source=st.sampled_from([None, "kept", "missing"]),
        store=st.sampled_from([None, *STORES]),
        found=st.sampled_from([None, "all"]),
        missed=st.sampled_from([None, "missing"]),
        put=st.booleans(),
        bytes=st.just(100.0),
        keep=st.sampled_from([None, "kept"]),
    ),
    st.builds(
        Send, st.just("send"), st.sampled_from(BUFFERS), st.sampled_from([None, *STATIONS]), works, links
    ),
    st.builds(Set, st.just("n"), st.integers(0, 3)),
    st.builds(End, st.just("end"), st.sampled_from([o for o in Outcome if o is not Outcome.DONE])),
)


def grown(children: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    blocks = st.lists(children, max_size=3).map(tuple)
    return st.one_of(
        st.builds(
            Visit,
            st.sampled_from(["v", "w"]),
            st.sampled_from(STATIONS),
            st.one_of(st.none(), works),
            links,
            st.sampled_from(Pick),
            st.sampled_from([None, *REGISTERS]),
            blocks,
        ),
        st.builds(
            Call,
            st.sampled_from(["call", "other"]),
            blocks,
            st.sampled_from([None, 0.001, 1.0]),
            st.one_of(st.none(), st.builds(Retry, st.integers(0, 4), seconds)),
            st.dictionaries(
                st.sampled_from([Outcome.REFUSED, Outcome.FAILED, Outcome.TIMED_OUT]), blocks, max_size=2
            ),
        ),
        st.builds(Fork, st.just("fork"), blocks),
        st.builds(
            Parallel,
            st.just("parallel"),
            st.lists(blocks, min_size=1, max_size=3).map(tuple),
            st.sampled_from([None, 0, 1]),
        ),
        st.builds(
            Each,
            st.just("each"),
            numbers,
            blocks,
            st.sampled_from([1, 500]),
            st.sampled_from([None, 1, 4]),
            st.sampled_from([None, "size"]),
            st.sampled_from([(), ("k0",)]),
        ),
        st.builds(If, st.just("if"), tests, blocks, blocks),
        st.builds(Measure, st.just("measure"), blocks),
    )


steps = st.recursive(leaves, grown, max_leaves=8)
sources = st.one_of(
    st.builds(Poisson.at, st.sampled_from([0.0, 0.01, 5.0, 1e4, 1e9])),
    st.builds(Consume, st.sampled_from(BUFFERS), st.sampled_from([1, 100])),
    st.builds(After, st.just(("f0",)), chances),
    st.builds(Clock, st.just(2.0), st.integers(1, 5)),
)
stations = st.tuples(
    *(
        st.builds(
            Station,
            st.just(name),
            st.integers(1, 9),
            st.sampled_from([None, 1, 7, 64, 5000]),
            st.sampled_from([None, 1, 4]),
            st.sampled_from([None, None, 0, 10]),
            st.sampled_from(Policy),
            shards=st.sampled_from([0, 0, 4]),
            copies=st.sampled_from([1, 3]),
            zones=st.sampled_from([(), (0, 1, 2)]),
        )
        for name in STATIONS
    )
)
stores = st.tuples(
    *(
        st.builds(
            Store,
            st.just(name),
            st.integers(1, 3),
            st.sampled_from([None, 0.0, 50.0, 1e6, 1e15]),
            st.sampled_from([None, 0.5, 1e5]),
            st.sampled_from(Evict),
        )
        for name in STORES
    )
)
models = st.builds(
    lambda stations, stores, flows: Model(
        stations,
        stores,
        (Buffer("b0", 3, ("k0", "size")), Buffer("b1")),
        tuple(Flow(f"f{i}", source, block) for i, (source, block) in enumerate(flows)),
    ),
    stations,
    stores,
    st.lists(st.tuples(sources, st.lists(steps, max_size=4).map(tuple)), min_size=1, max_size=3),
)


def figures(twin: Twin) -> None:
    plain(dataclasses.asdict(twin))
    json.dumps(dataclasses.asdict(twin), allow_nan=False)
    for place in twin.stations.values():
        assert place.arrivals >= 0
        for share in (place.slot_utilisation, place.core_utilisation, place.wait_probability, place.refused):
            assert share is None or 0 <= share <= 1
        assert place.wait is None or place.wait >= 0
        assert (place.excess > 0) <= (place.wait is None)
        assert place.wait is not None or place.reason
    for shelf in twin.stores.values():
        assert shelf.hit_ratio is None or 0 <= shelf.hit_ratio <= 1
    for flow in twin.flows.values():
        assert flow.latency is None or flow.latency >= 0
        assert flow.latency is not None or flow.reason
        assert all(0 <= share <= 1 + 1e-9 for share in flow.failed.values())


@settings(max_examples=150)
@given(models)
def test_any_model_gives_finite_figures_or_none_with_a_reason(model):
    figures(solve(model))


@settings(max_examples=25)
@given(models)
def test_the_same_model_gives_the_same_twin(model):
    assert solve(model) == solve(model)
