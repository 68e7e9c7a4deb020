"""The stretches of a trace add up to the request's latency, exactly; what happened is told as it happened."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.engine.test_conservation import models
from tests.engine.test_two_ways_to_run import everything
from toscale.design.model import Design
from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Buffer,
    Call,
    Chance,
    Consume,
    Delay,
    Each,
    End,
    Flow,
    Fork,
    Hedge,
    If,
    Link,
    Model,
    Outcome,
    Parallel,
    Poisson,
    Repeat,
    Retry,
    Send,
    Station,
    Steps,
    Users,
    Visit,
    Work,
)
from toscale.engine.replay import Replay
from toscale.engine.run import StoreStart
from toscale.simulate.noted import spans_of
from toscale.simulate.run import simulate
from toscale.simulate.traces import Doing, Span, Trace, follow, trace

EXAMPLES = Path(__file__).parents[2] / "examples"
START = {"c": StoreStart(0.4, {"k": 1500.0})}


def traces_of(model: Model, seed: str = "1", seconds: float = 20.0) -> tuple[Trace, ...]:
    replay = Replay(model, compile_model(model), seed, {}, empty=False)
    return follow(replay, [flow.name for flow in model.flows], 0.0, seconds, most_events=200_000)


def fixed(path: str, station: str, seconds: float, *body: Visit, link: Link = Link()) -> Visit:  # noqa: B008
    return Visit(path, station, Work.of(Law.fixed(seconds)), link, body=body)


def one_flow(*steps: object, stations: Iterable[Station], rate: float = 1.0) -> Model:
    found: Steps = tuple(steps)  # type: ignore[assignment]
    return Model(stations=tuple(stations), flows=(Flow("f", Poisson.at(rate), found),))


def ticks(seconds: float) -> int:
    return round(seconds / 1e-9)


def check(one: Trace) -> None:
    """Whatever was traced: everything tiles."""
    now = 0
    for leg in one.legs:
        assert ticks(leg.begin) == now
        assert ticks(leg.end) > now
        now = ticks(leg.end)
    assert now == ticks(one.latency)
    assert ticks(one.root.begin) == 0
    assert ticks(one.root.end) == ticks(one.latency)
    assert abs(sum(one.spent().values()) - one.latency) < 1e-12 * max(1, len(one.legs))
    for _, span in one.root.walk():
        at = ticks(span.begin)
        for part in span.parts:
            assert ticks(part.begin) == at
            at = ticks(part.end)
        assert at == ticks(span.end)
        for child in span.children:
            assert ticks(child.begin) >= ticks(span.begin)
            if child.awaited:
                assert ticks(child.end) <= ticks(span.end)
    json.dumps(one.to_json(), allow_nan=False)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_the_stretches_of_any_request_add_up_to_its_latency(model: Model) -> None:
    for one in traces_of(model, seconds=2.5):
        check(one)


def test_the_stretches_of_a_request_with_everything_in_it_add_up() -> None:
    model = everything()
    replay = Replay(model, compile_model(model), "7", START, empty=False)
    followed = ["f", "con", "aft", "tick", "loop", "trace"]
    found = follow(replay, followed, 0.0, 0.15)
    assert {one.flow for one in found} == set(followed)
    for one in found:
        check(one)
        if one.flow in ("loop", "trace") and one.outcome != "busy":  # each pass is a part of the request
            assert spans(one, "worker")


# ---- what happened


def test_passes_of_a_repetition_are_parts_of_the_request_also_of_a_user_who_asks_again() -> None:
    """Three passes of 10 ms every 30 ms, each with a call that is tried again: after 70 ms there is an answer."""
    tried = Call(
        "c", (fixed("v", "s", 0.005),), timeout=0.004, retry=Retry(1), handlers={Outcome.TIMED_OUT: ()}
    )
    body: Steps = (tried, Delay("d", Work.of(Law.fixed(0.002))))
    again = Repeat("r", (Repeat("q", body, times=1),), Law.fixed(0.03), times=3)
    for source in (Poisson.at(1.0), Users(3, Law.fixed(0.5))):
        model = Model(stations=(Station("s"),), flows=(Flow("f", source, (again,)),))
        found = traces_of(model)
        assert {one.why for one in found} == {"typical", "slow", "troubled"}
        for one in found:
            check(one)
            assert ticks(one.latency) == 70_000_000
            assert [ticks(span.begin) for span in spans(one, "s")] == [
                first + second for first in (0, 30_000_000, 60_000_000) for second in (0, 4_000_000)
            ]
            assert [span.attempt for span in spans(one, "s")] == [1, 2] * 3


def test_each_delivery_of_a_message_is_followed_by_itself() -> None:
    """Half of the deliveries fail; the second one begins where the first one has ended."""
    take = (fixed("w", "worker", 0.01), If("i", Chance(0.5), (End("e", Outcome.FAILED),)))
    model = Model(
        stations=(Station("worker"),),
        buffers=(Buffer("q", 1, deliveries=3),),
        flows=(Flow("f", Poisson.at(1.0), (Send("s", "q"),)), Flow("take", Consume("q"), take)),
    )
    replay = Replay(model, compile_model(model), "1", {}, empty=False)
    found = replay.requests(0.0, 50.0, 1 << 40, 1 << 40)
    found = found[found["flow"] == 1]
    for one in found[:20]:
        root, legs = spans_of(replay, replay.notes(np.array([one]), 0), one)
        assert ticks(root.end) == int(one["end"] - one["start"])
        assert ticks(sum(leg.end - leg.begin for leg in legs)) == ticks(root.end)
        (span,) = root.children
        assert ticks(span.end - span.begin) == 10_000_000
    assert len(np.unique(found["request"])) < len(np.unique(found["key"])) == len(found)


def spans(one: Trace, component: str | None) -> list[Span]:
    return [span for _, span in one.root.walk() if span.component == component]


def test_a_request_alone_works_and_is_on_the_wire_for_as_long_as_the_model_says() -> None:
    wire = Link(None, Law.fixed(0.002))
    model = one_flow(
        fixed("a", "web", 0.003, fixed("b", "db", 0.005), link=wire),
        stations=(Station("web", slots=5), Station("db")),
    )
    (one, *_) = traces_of(model)
    web, db = spans(one, "web")[0], spans(one, "db")[0]
    assert ticks(one.latency) == 12_000_000
    assert ticks(web.spent(Doing.WIRE)) == 4_000_000
    assert ticks(web.spent(Doing.WORKED)) == 3_000_000
    assert ticks(web.spent(Doing.CALLED)) == 5_000_000
    assert (ticks(db.begin), ticks(db.end)) == (5_000_000, 10_000_000)
    assert db in web.children
    assert {doing: ticks(time) for (_, doing), time in one.spent().items() if doing is Doing.WIRE} == {
        Doing.WIRE: 4_000_000
    }


def test_who_waits_for_a_slot_is_seen_to_wait() -> None:
    """One slot, fixed work: the latency is the wait and the work."""
    model = one_flow(fixed("a", "s", 0.009), stations=(Station("s", slots=1),), rate=100.0)
    slow = next(one for one in traces_of(model, seconds=20.0) if one.why == "slow")
    (span,) = spans(slow, "s")
    assert ticks(span.spent(Doing.WORKED)) == 9_000_000
    assert span.spent(Doing.WAITED) > 0.009
    assert ticks(span.spent(Doing.WAITED)) + 9_000_000 == ticks(slow.latency)


def test_attempts_are_numbered_and_those_given_up_are_said_to_be() -> None:
    attempt = Call("c", (fixed("v", "db", 0.1),), timeout=0.05, retry=Retry(2, backoff=0.01, factor=2.0))
    model = one_flow(attempt, stations=(Station("db"),))
    found = traces_of(model, seconds=20.0)
    (one,) = [one for one in found if one.why == "failed"]
    check(one)
    assert one.outcome == "timed out"
    tries = spans(one, "db")
    assert [span.attempt for span in tries] == [1, 2, 3]
    assert [ticks(span.begin) for span in tries] == [0, 60_000_000, 130_000_000]
    assert [ticks(span.left or 0) for span in tries] == [50_000_000, 110_000_000, 180_000_000]
    assert all(span.outcome == "given up" and not span.awaited for span in tries)
    assert [ticks(span.end - span.begin) for span in tries] == [100_000_000] * 3  # it goes on to its end
    assert ticks(one.latency) == 180_000_000
    assert ticks(one.root.spent(Doing.PAUSED)) == 30_000_000


def test_what_was_tried_again_and_went_well_is_a_troubled_request() -> None:
    work = Work.of(Law.exponential(0.04))
    attempt = Call("c", (Visit("v", "db", work),), timeout=0.05, retry=Retry(5))
    found = traces_of(one_flow(attempt, stations=(Station("db"),), rate=20.0), seconds=20.0)
    (one,) = [one for one in found if one.why == "troubled"]
    check(one)
    assert one.outcome == "done"
    assert one.attempts >= 2
    tries = spans(one, "db")
    assert [span.awaited for span in tries] == [False] * (len(tries) - 1) + [True]


def test_a_call_that_is_made_once_more_is_seen_twice_and_the_late_one_given_up() -> None:
    """The second call is sent after 20 ms, and each has a span of its own."""
    call = Call("c", (Visit("v", "db", Work.of(Law.exponential(0.02))),), hedge=Hedge(0.02))
    found = traces_of(one_flow(call, stations=(Station("db"),)), seconds=200.0)
    for one in found:
        check(one)
    (slow,) = [one for one in found if one.why == "slow"]
    first, second = spans(slow, "db")
    assert (ticks(first.begin), ticks(second.begin)) == (0, 20_000_000)
    assert [span.outcome for span in (first, second)].count("given up") == 1
    assert sorted(span.awaited for span in (first, second)) == [False, True]
    assert max(ticks(span.end) for span in (first, second) if span.awaited) == ticks(slow.latency)


def test_who_is_refused_is_seen_to_be() -> None:
    model = one_flow(fixed("a", "s", 0.01), stations=(Station("s", slots=1, waiting=0),), rate=100.0)
    (one,) = [one for one in traces_of(model, seconds=5.0) if one.why == "failed"]
    assert one.outcome == "refused"
    assert spans(one, "s")[0].outcome == "refused"
    assert one.latency == 0.0


@pytest.mark.parametrize(("wait", "latency"), [(None, 0.03), (1, 0.01), (2, 0.02)])
def test_of_branches_side_by_side_the_last_that_was_needed_is_waited_for(
    wait: int | None, latency: float
) -> None:
    branches: tuple[Steps, ...] = tuple((fixed(f"v{k}", f"s{k}", 0.01 * k),) for k in (3, 1, 2))
    model = one_flow(Parallel("p", branches, wait), stations=[Station(f"s{k}") for k in (1, 2, 3)])
    one = traces_of(model, seconds=20.0)[0]
    check(one)
    assert ticks(one.latency) == ticks(latency)
    assert [(leg.component, ticks(leg.end - leg.begin)) for leg in one.legs] == [
        (f"s{round(latency * 100)}", ticks(latency))
    ]
    needed = 3 if wait is None else wait
    awaited = [span.awaited for k in (1, 2, 3) for span in spans(one, f"s{k}")]
    assert awaited == [k <= needed for k in (1, 2, 3)]


def test_passes_are_children_and_those_that_follow_each_other_all_count() -> None:
    each = Each("e", 5.0, (fixed("v", "s", 0.004),), at_once=2)
    one = traces_of(one_flow(each, stations=(Station("s"),)), seconds=20.0)[0]
    check(one)
    assert ticks(one.latency) == 12_000_000  # five passes, two at a time: three rounds
    assert len(spans(one, "s")) == 5
    assert [(leg.component, ticks(leg.end - leg.begin)) for leg in one.legs] == [("s", 12_000_000)]


def test_what_nobody_waits_for_is_there_and_takes_nothing_of_the_latency() -> None:
    model = one_flow(
        Fork("k", (fixed("v", "log", 0.005),)),
        Delay("d", Work.of(Law.fixed(0.01))),
        stations=(Station("log"),),
    )
    one = traces_of(model, seconds=20.0)[0]
    check(one)
    (span,) = spans(one, "log")
    assert not span.awaited
    assert [leg.component for leg in one.legs] == [None]


# ---- of a design


@cache
def shortener() -> Design:
    return Design.load(EXAMPLES / "url_shortener.design.yaml")


def test_requests_are_those_of_the_simulation_and_lie_at_its_figures() -> None:
    design = shortener()
    simulation = simulate(design, seed=3, duration=12.0, upper=False)
    found = {one.why: one for one in trace(design, "redirect", simulation=simulation, most_events=1_000_000)}
    latency = simulation.median.flows["redirect"].latency.answered
    for why, name in (("typical", "p50"), ("slow", "p99")):
        assert found[why].latency == pytest.approx(latency[name].value, rel=0.002)
        assert found[why].begins >= simulation.median.warm_up
        check(found[why])
    miss = found["troubled"]
    assert spans(miss, "cache")[0].found is False
    assert [span.attempt for span in spans(miss, "links")] == [1, 2]
    assert [span.component for span in miss.root.children] == ["edge"]


def test_a_flow_is_asked_for_by_its_name() -> None:
    with pytest.raises(KeyError):
        trace(shortener(), "nothing of the kind")
    found = trace(shortener(), most_events=300_000)
    assert {one.flow for one in found} == set(shortener().flows)
    again = trace(shortener(), most_events=300_000)
    assert [one.to_json() for one in found] == [one.to_json() for one in again]
    assert int(Outcome.DONE) == 0
