"""What machines that go down, are slow or fail do to requests: closed forms, and nothing is lost.

Statistical tests have fixed seeds; each compares with an exact value at 4.5 standard deviations, so that one of
them would fail by chance in one of 150,000 choices of the seed.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.test_conservation import ENDS, models
from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Attribute,
    Buffer,
    Call,
    Compare,
    Consume,
    Delay,
    End,
    Flow,
    Get,
    If,
    Key,
    Link,
    Measure,
    Model,
    Outcome,
    Pick,
    Poisson,
    Policy,
    Population,
    Put,
    Retry,
    Send,
    Station,
    Steps,
    Store,
    Visit,
    Work,
)
from toscale.engine.run import Replication, StoreStart
from toscale.engine.state import Status
from toscale.engine.tables import ModelError
from toscale.engine.timeline import Change, Given, Hot, Stream, Timeline, What

FAILED = int(Outcome.FAILED)
SIGMAS = 4.5


def ran(model: Model, windows: int, window: float, seed: str = "1", empty: bool = False) -> Replication:
    made = Replication(
        model,
        compile_model(model),
        seed,
        window,
        start={s.name: StoreStart(None, {"k": 100.0}) for s in model.stores},
        empty=empty,
    )
    assert made.run(windows) is Status.DONE
    made.check_conservation()
    return made


def one_station(station: Station, rate: float, work: Law, timeline: Timeline, **visit: object) -> Model:
    steps = (Visit("v", station.name, Work.of(work), **visit),)  # type: ignore[arg-type]
    return Model(stations=(station,), flows=(Flow("f", Poisson.at(rate), steps),), timeline=timeline)


def increments(run: Replication, name: str, meter: int = 0) -> np.ndarray:
    return np.diff(run.readings().meters[name][:, meter], axis=0)


def near(counted: float, expected: float, deviation: float) -> None:
    assert abs(counted - expected) < SIGMAS * deviation, (counted, expected, deviation)


# ---- machines that are gone ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [1, 3])
def test_the_machines_that_are_left_are_queues_of_their_own_with_the_whole_rate(lost: int) -> None:
    """M/M/1 each, at random: with k of n gone, each of the others has rate / (n - k), and 1 / (mu - that)."""
    n, rate, mean = 5, 200.0, 0.005
    station = Station("s", machines=n, slots=1, policy=Policy.RANDOM)
    gone = tuple(range(lost))
    timeline = Timeline((Change(0.5, What.DOWN, "s", gone), Change(0.5, What.OUT, "s", gone)))
    times = []
    for seed in range(4):
        run = ran(one_station(station, rate, Law.exponential(mean), timeline), 6, 50.0, str(seed))
        done, total = increments(run, "done")[1:], increments(run, "total")[1:]
        times += list(total / done * 1e-9)
    expected = 1 / (1 / mean - rate / (n - lost))
    near(float(np.mean(times)), expected, float(np.std(times, ddof=1)) / sqrt(len(times)))


def test_before_the_health_check_its_share_of_the_calls_fails_and_after_it_none() -> None:
    station = Station("s", machines=4, policy=Policy.RANDOM)
    changes = (
        Change(1.0, What.DOWN, "s", (2,)),
        Change(2.0, What.OUT, "s", (2,)),
        Change(3.0, What.UP, "s", (2,)),
        Change(4.0, What.IN, "s", (2,)),
    )
    run = ran(one_station(station, 4_000.0, Law.fixed(0.0001), Timeline(changes)), 6, 1.0)
    started, failed = increments(run, "started"), increments(run, "causes")[:, FAILED]
    near(failed[1], started[1] / 4, sqrt(started[1] * 3 / 16) + 2)
    assert list(failed[[0, 2, 3, 4, 5]]) == [0, 0, 0, 0, 0]
    assert int(run.state.losses[0]) <= failed[1]


@pytest.mark.parametrize("policy", [Policy.ROUND_ROBIN, Policy.LEAST_OUTSTANDING, Policy.TWO_CHOICES])
def test_every_policy_leaves_out_what_is_out_of_the_balancing(policy: Policy) -> None:
    station = Station("s", machines=4, slots=2, policy=policy)
    gone = (0, 3)
    timeline = Timeline((Change(0.0, What.OUT, "s", gone), Change(0.5, What.DOWN, "s", gone)))
    run = ran(one_station(station, 300.0, Law.exponential(0.004), timeline), 4, 1.0)
    assert increments(run, "causes").sum() == 0
    assert increments(run, "done").sum() > 900


def test_what_runs_or_waits_on_a_machine_fails_at_once_and_its_slots_are_free_when_it_is_back() -> None:
    station = Station("s", machines=1, slots=1)
    timeline = Timeline((Change(1.0, What.DOWN, "s"), Change(2.0, What.UP, "s")))
    run = ran(one_station(station, 100.0, Law.fixed(5.0), timeline), 3, 1.0)
    failed, started = increments(run, "causes")[:, FAILED], increments(run, "started")
    assert failed[0] == 0  # one runs, the others wait
    assert failed[1] == started[0] + started[1]  # what was there, and what came meanwhile
    assert failed[2] == 0
    assert int(run.state.stations[0].busy) == 1
    assert int(run.state.stations[0].waiting) == started[2] - 1


@pytest.mark.parametrize("cores", [None, 2])
def test_the_caller_fails_at_once_and_what_its_callee_does_for_it_goes_on(cores: int | None) -> None:
    """The work at the callee takes 2 s; the caller's machine dies at 1 s. Its slots are held until they are done."""
    inner = Visit("i", "db", Work.of(Law.fixed(2.0)))
    model = Model(
        stations=(Station("app"), Station("db", slots=1_000, cores=cores)),
        flows=(
            Flow(
                "f",
                Poisson((50.0, 50.0, 0.0), (0.0, 0.5, 0.50001)),
                (Visit("v", "app", None, body=(inner,)),),
            ),
        ),
        timeline=Timeline((Change(1.0, What.DOWN, "app"), Change(1.2, What.UP, "app"))),
    )
    run = ran(model, 2, 1.1)
    began = int(run.state.meters[0].started)
    assert increments(run, "causes")[:, FAILED].tolist() == [began, 0]
    assert int(run.readings().stations["busy"][1, 1]) == began  # at 1.1 s they are still at work
    assert run.run(60) is Status.DONE
    assert int(run.state.control[0].live) == int(run.state.stations["busy"].sum()) == 0


def test_a_crash_far_inside_fails_what_is_around_it_unless_that_handles_it() -> None:
    inner = Visit("i", "db", Work.of(Law.fixed(0.01)))
    handled = Call("c", (inner,), handlers={Outcome.FAILED: (Delay("d", Work.of(Law.fixed(0.001))),)})
    for body, share in (((inner,), 1.0), ((handled,), 0.0)):
        model = Model(
            stations=(Station("app", slots=50), Station("db", slots=5)),
            flows=(Flow("f", Poisson.at(100.0), (Visit("v", "app", Work.of(Law.fixed(0.001)), body=body),)),),
            timeline=Timeline((Change(1.0, What.DOWN, "db"),)),
        )
        run = ran(model, 4, 1.0)
        started, failed = increments(run, "started")[2:], increments(run, "causes")[2:, FAILED]
        assert abs(failed.sum() - share * started.sum()) <= 3


def test_a_named_step_that_a_crash_cuts_short_has_failed() -> None:
    body = (Measure("m", (Delay("d", Work.of(Law.fixed(0.5))),)),)
    model = one_station(
        Station("s"), 100.0, Law.fixed(0.001), Timeline((Change(1.0, What.DOWN, "s"),)), body=body
    )
    run = ran(model, 3, 1.0)
    step = run.state.meters[1]
    assert int(step.started) == int(step.done) + int(step.causes[FAILED])
    assert int(step.causes[FAILED]) > 0


def test_a_primary_is_replaced_by_a_copy_and_writes_fail_until_then() -> None:
    station = Station("s", shards=2, copies=3, machines=6)
    changes = (
        Change(1.0, What.DOWN, "s", (0,)),
        Change(2.0, What.LEAD, "s", (0,), 1.0),
        Change(3.0, What.UP, "s", (0,)),
    )
    model = one_station(station, 2_000.0, Law.fixed(0.0001), Timeline(changes), pick=Pick.PRIMARY)
    run = ran(model, 5, 1.0)
    started, failed = increments(run, "started"), increments(run, "causes")[:, FAILED]
    near(failed[1], started[1] / 2, sqrt(started[1]) / 2 + 2)
    assert list(failed[[0, 2, 3, 4]]) == [0, 0, 0, 0]


# ---- slow, failing ---------------------------------------------------------------------------------------------------


def test_a_slow_shard_is_an_m_m_1_at_its_new_rate_and_the_others_are_as_they_were() -> None:
    rate, mean, factor = 120.0, 0.004, 3.0
    station = Station("s", shards=2, machines=2, slots=1)
    timeline = Timeline((Change(0.5, What.SLOW, "s", (1,), factor),))
    key = Key("k", "key", Population("k", 1, 1_000_000))
    visit = Visit("v", "s", Work.of(Law.exponential(mean)), pick=Pick.PRIMARY, key="key")
    model = Model(stations=(station,), flows=(Flow("f", Poisson.at(rate), (key, visit)),), timeline=timeline)
    times = []
    for seed in range(6):
        run = ran(model, 5, 100.0, str(seed))
        times += list((increments(run, "total") / increments(run, "done"))[1:] * 1e-9)
    each = [1 / (1 / (mean * f) - rate / 2) for f in (1.0, factor)]
    near(float(np.mean(times)), sum(each) / 2, float(np.std(times, ddof=1)) / sqrt(len(times)))


@pytest.mark.parametrize("cores", [None, 1])
@pytest.mark.parametrize("each", [0.0, 0.001])
def test_work_on_a_slow_machine_takes_so_many_times_as_long(cores: int | None, each: float) -> None:
    work = Work(Law.fixed(1.0), 0.002, each, 3.0)
    model = Model(
        stations=(Station("s", cores=cores),),
        flows=(Flow("f", Poisson.at(1.0), (Visit("v", "s", work),)),),
        timeline=Timeline((Change(10.0, What.SLOW, "s", (0,), 4.0), Change(20.0, What.SLOW, "s", (0,), 1.0))),
    )
    run = ran(model, 3, 10.0, seed="4")
    times = increments(run, "total") / increments(run, "done") * 1e-9
    once = 0.002 + 3 * each
    assert times == pytest.approx([once, 4 * once, once], rel=0.05)
    assert times[1] == pytest.approx(4 * times[0], rel=0.05)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_errors_with_a_chance_and_retries_leave_the_chance_to_the_power(retries: int) -> None:
    errors = 0.4
    visit = Visit("v", "s", Work.of(Law.fixed(0.001)))
    call = Call("c", (visit,), retry=Retry(retries, 0.002))
    model = Model(
        stations=(Station("s"),),
        flows=(Flow("f", Poisson.at(5_000.0), (call,)),),
        timeline=Timeline((Change(0.0, What.ERRORS, "s", (0,), errors),)),
    )
    run = ran(model, 1, 4.0)
    meter = run.state.meters[0]
    ended = int(meter.done) + int(meter.causes[FAILED])
    share = errors ** (retries + 1)
    near(int(meter.causes[FAILED]), share * ended, sqrt(share * (1 - share) * ended))
    attempts = (1 - errors ** (retries + 1)) / (1 - errors)  # of each request, on average
    tried = int(run.state.retries[0])
    near(tried, (attempts - 1) * ended, sqrt(ended) * (retries + 0.1))


# ---- more requests, hot keys, given values ---------------------------------------------------------------------------


def test_a_surge_multiplies_the_rate_and_leaves_the_own_requests_as_they_were() -> None:
    station = Station("s")
    surge = Timeline(streams=(Stream("f", 1.0, 2.0, 2.5),))
    with_it = ran(one_station(station, 2_000.0, Law.fixed(0.001), surge), 3, 1.0)
    without = ran(one_station(station, 2_000.0, Law.fixed(0.001), Timeline()), 3, 1.0)
    more, own = increments(with_it, "started"), increments(without, "started")
    assert more[0] == own[0]
    assert more[2] == own[2]
    near(more[1] - own[1], 5_000.0, sqrt(5_000.0))


def test_a_surge_of_a_rate_that_varies_is_its_share_at_each_moment() -> None:
    model = Model(
        stations=(Station("s"),),
        flows=(
            Flow("f", Poisson((0.0, 4_000.0), (0.0, 4.0)), (Visit("v", "s", Work.of(Law.fixed(0.001))),)),
        ),
    )
    with_it = ran(replace(model, timeline=Timeline(streams=(Stream("f", 0.0, 4.0, 1.0),))), 4, 1.0)
    more = increments(with_it, "started") - increments(ran(model, 4, 1.0), "started")
    for k in range(4):
        expected = 1_000.0 * (k + 0.5)
        near(more[k], expected, sqrt(expected))


def test_so_many_requests_are_sent_at_the_moment() -> None:
    run = ran(
        one_station(Station("s"), 0.001, Law.fixed(0.0), Timeline(streams=(Stream("f", 1.5, times=333),))),
        3,
        1.0,
    )
    assert increments(run, "started").tolist() == [0, 333, 0]


def test_a_hot_key_has_exactly_its_share_of_the_draws() -> None:
    keys = Population("k", 1, 1_000_000, 0.8)
    attribute = Attribute(Law.fixed(0.0), "key", "is hot")
    hot = If("i", Compare(attribute, "=", 7.0), (End("e", Outcome.FAILED),))
    timeline = Timeline(
        hots=(Hot("f", "key", keys, keys.size, 0.3, 1.0, 2.0),),
        givens=(Given(keys, keys.size, "is hot", 7.0),),
    )
    model = Model(
        flows=(
            Flow(
                "f", Poisson.at(20_000.0), (Key("k", "key", keys), Delay("d", Work.of(Law.fixed(0.0))), hot)
            ),
        ),
        timeline=timeline,
    )
    run = ran(model, 3, 1.0)
    started, failed = increments(run, "started"), increments(run, "causes")[:, FAILED]
    assert failed[0] <= 2
    assert failed[2] <= 2
    near(failed[1], 0.3 * started[1], sqrt(0.21 * started[1]))


def test_requests_with_given_values_have_them_and_others_do_not() -> None:
    keys = Population("k", 1, 1_000_000)
    followers = Attribute(Law.uniform(0.0, 100.0), "key", "followers")
    many = If("i", Compare(followers, ">=", 9_000.0), (End("e", Outcome.FAILED),))
    timeline = Timeline(
        streams=(Stream("f", 1.0, times=50, given=(("key", keys, keys.size),)),),
        givens=(Given(keys, keys.size, "followers", 9_999.0),),
    )
    model = Model(flows=(Flow("f", Poisson.at(100.0), (Key("k", "key", keys), many)),), timeline=timeline)
    run = ran(model, 2, 1.5)
    assert int(run.state.meters[0].causes[FAILED]) == 50


# ---- stores, links, queues -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [500, 400_000], ids=["entry by entry", "by Che's approximation"])
def test_a_store_that_was_emptied_answers_nothing_until_it_is_filled_again(size: int) -> None:
    keys = Population("k", 1, size, 0.9)
    miss = If("m", Compare(1.0, ">", 0.0), (Put("p", "c", "key", 1.0, keys),))
    steps: Steps = (Key("k", "key", keys), Get("g", "c", "key", "found", 1.0, keys), miss)
    model = Model(
        stores=(Store("c", shards=2),),
        flows=(Flow("f", Poisson.at(3_000.0), steps),),
        timeline=Timeline((Change(1.0, What.EMPTY, "c", (0, 1)),)),
    )
    run = ran(model, 3, 1.0)
    hits = np.diff(run.readings().stores["hits"][:, 0]) / np.diff(run.readings().stores["gets"][:, 0])
    assert hits[1] < hits[0] - 0.1
    assert hits[2] > hits[1]
    # the n-th request finds its key where one of those before it was for the same
    weights = _weights(size)
    expected = float(np.mean([np.sum(weights * (1 - (1 - weights) ** n)) for n in range(0, 3_000, 50)]))
    near(hits[1], expected, 0.5 / sqrt(3_000))


def _weights(size: int) -> np.ndarray:
    weights = np.arange(1, size + 1) ** -0.9
    return weights / weights.sum()


def test_nothing_passes_a_link_that_is_cut_and_all_is_sent_again_after_it() -> None:
    link = Link(Law.fixed(0.0), Law.fixed(0.0), between="a - s", resend_after=0.1)
    cut = Timeline((Change(1.0, What.LOSS, "a - s", value=1.0, until=1.5),))
    run = ran(one_station(Station("s"), 1_000.0, Law.fixed(0.0), cut, link=link), 8, 0.25)
    done, started = increments(run, "done"), increments(run, "started")
    assert done[4] == done[5] == 0
    assert done.sum() == started.sum()
    longest = float(run.state.meters[0].longest) * 1e-9
    assert longest == pytest.approx(0.7, abs=0.01)  # lost until after 0.1 + 0.2 + 0.4 s


def test_the_messages_that_a_worker_had_when_it_went_down_are_taken_again() -> None:
    send: Steps = (Send("s", "q"),)
    take: Steps = (Visit("w", "worker", Work.of(Law.fixed(0.05))),)
    model = Model(
        stations=(Station("worker", slots=4),),
        buffers=(Buffer("q", 4),),
        flows=(
            Flow("f", Poisson((100.0, 100.0, 0.0), (0.0, 2.0, 2.00001)), send),
            Flow("con", Consume("q", 10), take),
        ),
        timeline=Timeline((Change(1.0, What.DOWN, "worker"), Change(1.5, What.UP, "worker"))),
    )
    run = ran(model, 4, 1.0)
    flow, consumer = run.state.meters[0], run.state.meters[1]
    assert int(consumer.causes.sum()) == 0
    assert int(consumer.done) == int(flow.done)
    assert float(consumer.longest) * 1e-9 > 0.45


# ---- whatever happens ------------------------------------------------------------------------------------------------

moments = st.floats(0.1, ENDS)
changes = st.lists(
    st.one_of(
        st.builds(
            Change,
            time=moments,
            what=st.sampled_from([What.DOWN, What.DOWN, What.UP, What.OUT, What.IN]),
            part=st.sampled_from(["s0", "s1", "s2"]),
            which=st.just((0,)),
        ),
        st.builds(
            Change,
            time=moments,
            what=st.sampled_from([What.SLOW, What.ERRORS]),
            part=st.sampled_from(["s0", "s1", "s2"]),
            which=st.just((0,)),
            value=st.sampled_from([0.0, 0.5, 1.0]),
        ),
        st.builds(
            Change,
            time=moments,
            what=st.just(What.CLOCK),
            part=st.sampled_from(["s0", "s1", "s2"]),
            which=st.just((0,)),
            value=st.sampled_from([-5.0, -0.1, 0.1, 5.0]),
        ),
        st.builds(Change, time=moments, what=st.just(What.EMPTY), part=st.just("c"), which=st.just((0,))),
    ),
    max_size=8,
)
streams = st.lists(
    st.one_of(
        st.builds(Stream, flow=st.just("f"), begins=moments, ends=st.just(ENDS), factor=st.floats(0.1, 2.0)),
        st.builds(Stream, flow=st.just("f"), begins=moments, times=st.integers(1, 40)),
    ),
    max_size=2,
)


def _machines(station: Station) -> int:
    if station.shards:
        return station.shards * station.copies
    return 1 if station.policy is Policy.SHARED else station.machines


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(models(), changes, streams)
def test_whatever_goes_wrong_nothing_is_lost_and_no_slot_stays_held(
    model: Model, happens: list[Change], more: list[Stream]
) -> None:
    last = [  # all go down and come back: a request that waits for a slot which it holds itself ends, too
        Change(ENDS + at, what, station.name, tuple(range(_machines(station))))
        for at, what in ((3.0, What.DOWN), (3.1, What.UP))
        for station in model.stations
    ]
    model = replace(model, timeline=Timeline((*happens, *last), tuple(more)))
    run = Replication(
        model,
        compile_model(model),
        "1",
        ENDS / 4,
        start={"c": StoreStart(0.05, {"k": 100.0})},
        most_windows=64,
    )
    assert run.run(4) is Status.DONE
    run.check_conservation()
    assert run.run(60, 3_000_000) is Status.DONE
    run.check_conservation()
    state = run.state
    assert int(state.control[0].live) == 0
    assert int(state.stations["busy"].sum()) == int(state.stations["waiting"].sum()) == 0
    assert int(state.stations["working"].sum()) == 0
    assert int(state.machines["outstanding"].sum()) == 0
    assert int(state.control[0].messages) == int(state.control[0].trackers) == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(models())
def test_a_timeline_in_which_nothing_happens_changes_no_figure(model: Model) -> None:
    """A model with a timeline has instructions of its own; before anything happens they do as the others do."""
    late = [
        Change(1e6, what, f"s{k}", (0,)) for k in range(3) for what in (What.DOWN, What.SLOW, What.ERRORS)
    ]
    figures = []
    for timeline in (Timeline(), Timeline(tuple(late))):
        changed = replace(model, timeline=timeline)
        run = Replication(
            changed, compile_model(changed), "1", ENDS, start={"c": StoreStart(0.05, {"k": 100.0})}
        )
        run.run(2)
        figures.append(run.state.meters.copy())
    assert np.array_equal(figures[0], figures[1])


def test_a_change_of_what_is_not_there_is_refused() -> None:
    for change in (
        Change(1.0, What.DOWN, "t"),
        Change(1.0, What.DOWN, "s", (3,)),
        Change(1.0, What.KNOB, "none"),
    ):
        model = one_station(Station("s"), 1.0, Law.fixed(0.1), Timeline((change,)))
        with pytest.raises(ModelError):
            Replication(model, compile_model(model), "1", 1.0)
