"""There is only so much of it: leases as in a loss system, lines as in a queue, token buckets as in a dam.

Where a closed form exists, the share of refusals (or the mean wait) must lie within `SURE` standard errors of it; the
errors are taken from batches of one run with a fixed seed, so that a test that passes goes on to pass. A right engine
would fail a new seed with a chance of 1 in 15,000 (four standard errors) for each figure.
"""

from __future__ import annotations

from math import exp, factorial, sqrt

import numpy as np
import pytest

from toscale.engine.accounts import asks_per_call
from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Await,
    ByShare,
    Call,
    Chance,
    Choose,
    Clock,
    Delay,
    End,
    Extend,
    Flag,
    Flow,
    Fork,
    FromStash,
    GiveBack,
    Holds,
    If,
    Keep,
    Key,
    Left,
    Look,
    Model,
    Outcome,
    Over,
    Parallel,
    Pass,
    Pick,
    Poisson,
    Policy,
    Pool,
    Population,
    Register,
    Retry,
    See,
    Set,
    Station,
    Step,
    Steps,
    Sweep,
    Take,
    TakeAhead,
    Visit,
    Work,
    Write,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK, Status
from toscale.engine.tables import ModelError
from toscale.theory.bounded import calls_per_ask

SURE = 4.0
BATCHES = 32


def run(
    model: Model, seconds: float, *, warm: float = 0.0, seed: str = "1", empty: bool = False
) -> Replication:
    """A run of BATCHES windows behind a warm-up, with everything accounted for."""
    replication = Replication(model, compile_model(model), seed, max(warm, 1e-3), empty=empty)
    assert replication.run(1) is Status.DONE
    replication.cut(seconds / BATCHES)
    assert replication.run(BATCHES) is Status.DONE
    replication.check_conservation()
    return replication


def counts(replication: Replication, name: str, pool: int = 0) -> np.ndarray:
    """The increments of a count of a pool, by batch."""
    return np.diff(replication.readings().pools[name][:, pool].astype(np.float64))


def agrees(above: np.ndarray, below: np.ndarray, exact: float) -> bool:
    """Whether a ratio of two counts is the exact one, as far as its batches can tell."""
    value = above.sum() / below.sum()
    error = sqrt(float(np.sum((above - value * below) ** 2))) / below.sum()
    print(value, exact, error)
    return bool(abs(value - exact) < SURE * error)


def one_flow(rate: float, *steps: Step, pools: tuple[Pool, ...], stations: tuple[Station, ...] = ()) -> Model:
    return Model(stations=stations, pools=pools, flows=(Flow("f", Poisson.at(rate), steps),))


def busy(path: str, law: Law) -> Delay:
    return Delay(path, Work.of(law))


# ---- what is held -----------------------------------------------------------------------------------------------


def erlang_b(load: float, servers: int) -> float:
    """The share that is lost of M/G/c/c, whatever the holding times (Erlang 1917; insensitive: Sevastyanov 1957)."""
    lost = 1.0
    for k in range(1, servers + 1):
        lost = load * lost / (k + load * lost)
    return lost


@pytest.mark.parametrize("law", [Law.exponential(0.1), Law.fixed(0.1)])
def test_what_is_given_back_is_lost_as_often_as_erlang_says(law: Law) -> None:
    model = one_flow(40.0, Take("t", "p"), busy("d", law), GiveBack("g", "p"), pools=(Pool("p", 5.0),))
    found = run(model, 300.0, warm=2.0)
    refused, taken = counts(found, "refused"), counts(found, "taken")
    assert agrees(refused, refused + taken, erlang_b(4.0, 5))
    assert agrees(
        counts(found, "held_time") * TICK, np.full(BATCHES, 300.0 / BATCHES), 4.0 * (1 - erlang_b(4.0, 5))
    )


def test_a_term_ends_by_itself_and_the_loss_is_the_same() -> None:
    """Erlang's formula once more: a term is a holding time, and nothing is given back."""
    model = one_flow(40.0, Take("t", "p"), pools=(Pool("p", 5.0, term=0.1),))
    found = run(model, 300.0, warm=2.0)
    refused, taken = counts(found, "refused"), counts(found, "taken")
    assert agrees(refused, refused + taken, erlang_b(4.0, 5))
    assert int(found.state.pools[0].given_back) == 0


def test_each_key_is_bounded_for_itself() -> None:
    """Seats, one of each: key i is its own loss system with one server."""
    seats = Population("seat", 1, 4, 1.0)
    pool = Pool("p", 1.0, term=0.05, per=seats)
    model = one_flow(40.0, Key("k", "key", seats), Take("t", "p", "key"), pools=(pool,))
    found = run(model, 300.0, warm=1.0)
    weights = np.arange(1, 5) ** -1.0
    rates = 40.0 * weights / weights.sum()
    lost = sum(rate * erlang_b(rate * 0.05, 1) for rate in rates) / 40.0
    refused, taken = counts(found, "refused"), counts(found, "taken")
    assert agrees(refused, refused + taken, lost)


def test_a_line_is_a_queue_in_order_of_arrival() -> None:
    """M/M/c: the mean wait is C / (c mu - lambda) (Erlang C), and nobody is refused."""
    model = one_flow(
        80.0,
        Take("t", "p", line=True),
        Await("a", "p"),
        busy("d", Law.exponential(0.05)),
        GiveBack("g", "p"),
        pools=(Pool("p", 5.0),),
    )
    found = run(model, 400.0, warm=5.0)
    load, servers = 4.0, 5
    blocked = erlang_b(load, servers)
    waits = servers * blocked / (servers - load * (1 - blocked))
    taken = counts(found, "taken")
    assert agrees(counts(found, "waited") * TICK, taken, waits / (servers / 0.05 - 80.0))
    assert counts(found, "refused").sum() == 0


def test_who_gives_up_leaves_the_line_and_who_has_it_keeps_it_until_its_term() -> None:
    """The call is given up after 10 ms: whoever stands in line then takes nothing; whoever has got it, and would have
    given it back after 20 ms, does not: it is held until its term is over.
    """
    body: Steps = (Take("t", "p", line=True), Await("a", "p"), busy("d", Law.fixed(0.02)), GiveBack("g", "p"))
    model = one_flow(
        50.0,
        Call("c", body, timeout=0.01, handlers={Outcome.TIMED_OUT: ()}),
        pools=(Pool("p", 1.0, term=0.2),),
    )
    found = run(model, 40.0)
    row = found.state.pools[0]
    assert row.left_line > 100
    assert row.given_back == 0
    assert row.ended > 100
    assert int(row.joined) == int(row.served) + int(row.left_line) + int(row.lined)
    forgotten = one_flow(50.0, Take("t", "p"), End("e", Outcome.FAILED), pools=(Pool("p", 1.0, term=0.2),))
    lost = run(forgotten, 40.0)
    assert int(lost.state.pools[0].given_back) == 0
    assert agrees(counts(lost, "taken"), np.full(BATCHES, 40.0 / BATCHES), 50.0 / (1 + 50.0 * 0.2))


def test_several_are_taken_at_once_or_none() -> None:
    """Two of three seats at a time: never one alone, and never one seat twice."""
    seats = Population("seat", 1, 3, 0.0)
    pool = Pool("p", 1.0, term=0.1, per=seats)
    model = one_flow(
        60.0,
        Choose("c", "p", "list", 2.0, 8),
        Take("t", "p", keys="list"),
        If("i", Holds("p"), (Set("got", 1),), (End("e", Outcome.FAILED),)),
        pools=(pool,),
    )
    found = run(model, 60.0)
    row = found.state.pools[0]
    assert int(row.taken) % 2 == 0
    assert int(row.beyond) == 0
    assert int(row.held) <= 2
    assert int(found.state.meters[0].causes[Outcome.FAILED]) == 0
    refused, taken = counts(found, "refused"), counts(found, "taken")
    assert agrees(
        refused, refused + taken, erlang_b(6.0, 1)
    )  # one pair fits, the third seat never has a partner


def test_the_free_are_chosen_by_popularity_and_a_stale_picture_leads_to_refusals() -> None:
    seats = Population("seat", 1, 50, 0.8)
    pool = Pool("p", 1.0, term=1.0, per=seats)

    def refused(seen: str | None, wait: float) -> float:
        steps: Steps = (
            *(() if seen is None else (See(seen),)),
            busy("d", Law.fixed(wait)),
            Choose("c", "p", "list", 1.0, 4, seen),
            Take("t", "p", keys="list"),
        )
        row = run(one_flow(20.0, *steps, pools=(pool,)), 30.0).state.pools[0]
        return float(row.refused / (row.refused + row.taken))

    assert refused(None, 0.5) == 0.0  # what is free now is free
    assert 0.02 < refused("seen", 0.5) < 0.5
    assert refused("seen", 0.1) < refused("seen", 0.5)


def See_now(register: str) -> Step:
    from toscale.engine.model import See

    return See(register)


def test_extend_and_keep_are_refused_when_the_term_is_over() -> None:
    def outcome(wait: float, step: Step) -> Replication:
        steps = (Take("t", "p"), busy("d", Law.fixed(wait)), step)
        return run(one_flow(5.0, *steps, pools=(Pool("p", 1000.0, term=0.1),)), 20.0)

    early = outcome(0.05, Extend("e", "p", 0.3))
    assert not early.state.meters[0].causes.any()
    assert agrees(counts(early, "held_time") * TICK, counts(early, "taken"), 0.35)
    assert int(outcome(0.2, Extend("e", "p", 0.3)).state.meters[0].causes[Outcome.REFUSED]) > 50
    assert int(outcome(0.2, Keep("k", "p")).state.meters[0].causes[Outcome.REFUSED]) > 50
    kept = outcome(0.05, Keep("k", "p")).state.pools[0]
    assert int(kept.kept) > 50
    assert int(kept.ended) == 0


def test_what_is_over_is_free_only_once_it_is_swept_and_the_times_until_then_are_measured() -> None:
    """Terms end at any time between two sweeps, a second apart: half a second passes on average until then."""
    model = Model(
        pools=(Pool("p", 1e6, term=0.3, swept="hold ends until free"),),
        flows=(
            Flow("f", Poisson.at(100.0), (Take("t", "p"),)),
            Flow("free", Clock(1.0), (Over("p", "n"), Sweep("s", "p", Register("n")))),
        ),
    )
    tables = compile_model(model)
    found = Replication(model, tables, "1", 100.0)
    found.run(1)
    found.check_conservation()
    meter = found.state.meters[tables.meters.index("hold ends until free")]
    assert int(meter.done) == int(found.state.pools[0].ended)
    assert meter.total / meter.done * TICK == pytest.approx(0.5, abs=4 * sqrt(1 / 12 / 1e4))
    assert meter.longest * TICK <= 1.0


def test_reading_and_writing_back_lets_two_take_the_last_one() -> None:
    """The same design, in one step and in two with a pause between: only the latter sells more than there is."""
    pool = Pool("p", 1.0, term=0.2)
    atomic = run(one_flow(20.0, Take("t", "p"), pools=(pool,)), 100.0).state.pools[0]
    assert atomic.beyond == 0
    careless = one_flow(20.0, Look("l", "p"), busy("d", Law.fixed(0.01)), Write("w", "p"), pools=(pool,))
    sold = run(careless, 100.0).state.pools[0]
    assert sold.beyond > 50
    buckets = Pool("p", 5.0, 10.0)
    assert run(one_flow(20.0, Take("t", "p"), pools=(buckets,)), 100.0).state.pools[0].beyond == 0
    twice = one_flow(20.0, Look("l", "p"), busy("d", Law.fixed(0.01)), Write("w", "p"), pools=(buckets,))
    assert run(twice, 100.0).state.pools[0].beyond > 50


# ---- what is spent ----------------------------------------------------------------------------------------------


def refusals(load: float, capacity: int) -> float:
    """The share refused of a token bucket: what is missing of it is the work of an M/D/1 queue that takes a request
    only while at most capacity - 1 is missing. Its law on [0, capacity - 1] is that of the unbounded queue up to a
    factor (Takacs 1955; Erlang's series for M/D/1), and what is served is what is accepted: load (1 - L) = 1 - P(0).
    """
    x = capacity - 1
    series = sum((load * (k - x)) ** k / factorial(k) * exp(-load * (k - x)) for k in range(x + 1))
    return 1 - series / (1 + load * series)


@pytest.mark.parametrize(("rate", "capacity"), [(60.0, 4), (45.0, 3), (90.0, 10)])
def test_a_token_bucket_refuses_as_often_as_it_must(rate: float, capacity: int) -> None:
    model = one_flow(rate, Take("t", "p"), pools=(Pool("p", float(capacity), 50.0),))
    found = run(model, 400.0, warm=2.0)
    refused, taken = counts(found, "refused"), counts(found, "taken")
    assert agrees(refused, refused + taken, refusals(rate / 50.0, capacity))
    assert counts(found, "beyond").sum() == counts(found, "within").sum() == 0


def test_a_line_before_a_bucket_lets_through_at_its_rate_and_never_more() -> None:
    """Whoever finds none waits for the next token: the waits are those of M/D/1 behind `capacity` who need not wait,
    and with a bucket of one token they are those of M/D/1: load / (2 (1 - load)) tokens' time on average.
    """
    model = one_flow(40.0, Take("t", "p", line=True), Await("a", "p"), pools=(Pool("p", 1.0, 50.0),))
    found = run(model, 400.0, warm=2.0)
    meter = found.readings().meters
    times, done = (np.diff(meter[name][:, 0].astype(np.float64)) for name in ("total", "done"))
    assert agrees(times * TICK, done, 0.8 / (2 * 0.2) / 50.0)
    assert counts(found, "beyond").sum() == counts(found, "refused").sum() == 0
    assert counts(found, "passed").sum() == pytest.approx(done.sum(), abs=1)


def test_each_machine_has_units_of_its_own() -> None:
    """Requests come to three machines at random: each has a bucket, and a third of them."""
    take: Steps = (Take("t", "p"),)
    model = one_flow(
        135.0,
        Visit("v", "api", body=take),
        pools=(Pool("p", 3.0, 50.0, machines=3),),
        stations=(Station("api", 3, slots=5, policy=Policy.RANDOM),),
    )
    found = run(model, 200.0, warm=2.0)
    refused, taken = counts(found, "refused"), counts(found, "taken")
    assert agrees(refused, refused + taken, refusals(0.9, 3))
    assert int(found.state.control[0].accounts) == 3


def test_a_key_is_in_its_stationary_state_when_it_is_first_touched() -> None:
    """Without a warm-up, and each key touched but a few times: refusals are as frequent as in the long run."""
    tenants = Population("tenant", 1, 20_000, 0.0)
    for rate in (0.6, 1.1):
        asked = rate * tenants.size
        pool = Pool("p", 3.0, 1.0, per=tenants, asked=asked)
        model = one_flow(asked, Key("k", "key", tenants), Take("t", "p", "key"), pools=(pool,))
        found = run(model, 1.0)
        refused, taken = counts(found, "refused"), counts(found, "taken")
        assert agrees(refused, refused + taken, refusals(rate, 3))


def test_a_number_by_share_is_that_of_its_key() -> None:
    """A quarter of a second of the key's own usual rate, but at least 2, refilled at 1.2 times that: as many buckets
    of M/D/1 as there are keys.
    """
    keys = Population("k", 1, 3, 1.0)
    weights = np.arange(1, 4) ** -1.0
    shares = weights / weights.sum()
    capacities = [float(c) for c in (3, 5, 6)]  # of the rarest first
    points = sorted(zip(shares, reversed(capacities), strict=True))
    refills = tuple((float(s), float(s * 120.0)) for s in sorted(shares))
    pool = Pool("p", ByShare(tuple((float(s), c) for s, c in points)), ByShare(refills), per=keys)
    model = one_flow(100.0, Key("k", "key", keys), Take("t", "p", "key"), pools=(pool,))
    found = run(model, 200.0, warm=2.0)
    exact = sum(
        s * refusals(100.0 / 120.0, int(c)) for s, c in zip(shares, reversed(capacities), strict=True)
    )
    refused, taken = counts(found, "refused"), counts(found, "taken")
    assert agrees(refused, refused + taken, exact)


def limited(
    number: int, keep: float, *, rate: float = 400.0, capacity: float = 60.0, refill: float = 500.0
) -> Model:
    """One key, four sidecars beside four servers, and what they take ahead from a bucket."""
    take: Steps = (TakeAhead("t", "p", None, number, keep),)
    check: Steps = (
        FromStash("s", "p", None, "found", number, keep, 4),
        If("i", Flag("found"), (), (Visit("v", "store", body=take),)),
    )
    return one_flow(
        rate,
        Visit("a", "api", body=(Visit("b", "side", pick=Pick.BESIDE, body=check),)),
        pools=(Pool("p", capacity, refill),),
        stations=(Station("api", 4, slots=50), Station("side", 4, slots=50), Station("store", slots=50)),
    )


def test_a_call_serves_as_many_as_it_takes_ahead_or_as_come_while_that_is_good() -> None:
    """E[min(number, 1 + N)] requests, in both of the places where that is computed, and as simulated."""
    for asks in (0.0, 0.3, 4.0, 60.0, 800.0):
        for number in (1, 2, 10, 50):
            chances = [exp(-asks)]
            for k in range(1, number + 1):
                chances.append(chances[-1] * asks / k)
            exact = (
                float(number)
                if asks > 500
                else number - sum((number - 1 - k) * chances[k] for k in range(number))
            )
            assert asks_per_call(asks, float(number)) == pytest.approx(exact, rel=1e-9)
            assert 1 / calls_per_ask(np.array([asks]), number)[0] == pytest.approx(exact, rel=1e-9)
    model = limited(5, 0.03, refill=2000.0)
    found = run(model, 40.0, warm=1.0)
    stations = np.diff(found.readings().stations["arrived"].astype(np.float64), axis=0)
    assert counts(found, "refused").sum() == 0
    # round robin over four servers: each sees every fourth request, whose gaps are gammas; of one server alone: Poisson
    alone = limited(5, 0.03, rate=100.0, refill=2000.0)
    one = Model(
        alone.stations[:0] + tuple(Station(s.name, 1, slots=50) for s in alone.stations),
        (),
        (),
        alone.flows,
        (),
        alone.pools,
    )
    lonely = run(one, 100.0, warm=1.0)
    arrived = np.diff(lonely.readings().stations["arrived"].astype(np.float64), axis=0)
    assert agrees(arrived[:, 2], arrived[:, 1], float(calls_per_ask(np.array([3.0]), 5)[0]))
    assert stations[:, 2].sum() < 0.5 * stations[:, 1].sum()


def test_what_sidecars_take_ahead_is_refused_to_others_and_goes_through_later() -> None:
    """One at a time is exact. Ten at a time, kept for a while, are lost to the others (shortfall) or used when the
    bucket has been refilled behind them (excess); conservation holds all the while.
    """
    exact = run(limited(1, 1.0, refill=390.0), 60.0).state.pools[0]
    assert exact.beyond == exact.within == 0
    assert exact.refused > 0
    ahead = run(limited(20, 0.02, refill=390.0), 60.0).state.pools[0]
    assert ahead.within > exact.within
    later = run(limited(20, 1.0, capacity=20.0, refill=390.0), 60.0).state.pools[0]
    assert later.beyond > 0


def test_who_goes_past_is_counted_against_the_bound_once() -> None:
    """A limiter that fails half of the time and lets through then: what it lets through beyond the bound is excess.

    Whoever was given a token in time is not counted again when the answer is late.
    """
    half = Call(
        "c",
        (If("i", Chance(0.5), (End("e", Outcome.FAILED),)), Take("t", "p")),
        handlers={Outcome.FAILED: (Pass("past", "p"),), Outcome.REFUSED: (End("no", Outcome.ANSWERED, 429),)},
    )
    found = run(one_flow(100.0, Set("passed:p", 0), half, pools=(Pool("p", 5.0, 60.0),)), 60.0)
    row = found.state.pools[0]
    answered = int(found.state.meters[0].done)
    assert abs(int(row.passed) + int(row.refused) - answered) <= 1
    assert row.beyond > 0.05 * row.passed  # the half that goes past takes what is left from the truth
    late = Call(
        "c",
        (Take("t", "p"), busy("d", Law.fixed(0.05))),
        timeout=0.01,
        handlers={Outcome.TIMED_OUT: (Pass("past", "p"),)},
    )
    slow = run(one_flow(100.0, Set("passed:p", 0), late, pools=(Pool("p", 1e6, 1e6),)), 20.0)
    assert int(slow.state.pools[0].passed) == int(slow.state.pools[0].taken)
    again = Call("c", (Take("t", "p"), busy("d", Law.fixed(0.05))), timeout=0.01, retry=Retry(2))
    twice = run(one_flow(100.0, Set("passed:p", 0), again, pools=(Pool("p", 1e6, 1e6),)), 20.0)
    assert int(twice.state.pools[0].taken) == pytest.approx(3 * int(twice.state.pools[0].passed), abs=5)


# ---- the rest ---------------------------------------------------------------------------------------------------


def test_left_tells_what_is_left_of_a_key_and_of_all() -> None:
    keys = Population("k", 1, 2, 0.0)
    steps: Steps = (
        Key("k", "key", keys),
        If("i", Left("p", "key"), (Take("t", "p", "key"),), (End("e", Outcome.STOPPED),)),
        If("j", Left("p", none=True), (Sweep("none", "p"),)),
    )
    found = run(one_flow(20.0, *steps, pools=(Pool("p", 3.0, term=0.5, per=keys),)), 30.0)
    assert int(found.state.pools[0].refused) == 0
    assert int(found.state.pools[0].taken) > 100


def test_a_call_beside_goes_to_the_machine_of_the_same_number() -> None:
    model = one_flow(
        100.0,
        Visit("a", "api", body=(Visit("b", "side", Work.of(Law.fixed(0.01)), pick=Pick.BESIDE),)),
        pools=(),
        stations=(Station("api", 3, slots=1), Station("side", 3, slots=1)),
    )
    found = run(model, 30.0)
    assert int(found.state.stations[1].waiting_time) == 0  # each machine of api has one request at a time


def test_what_a_child_takes_is_the_childs_and_nothing_is_lost() -> None:
    steps: Steps = (
        Parallel("p", ((Take("t1", "p"), GiveBack("g", "p")), (Take("t2", "p"), busy("d", Law.fixed(0.01))))),
        Fork("f", (Take("t3", "p"),)),
    )
    found = run(one_flow(20.0, *steps, pools=(Pool("p", 10.0, term=0.1),)), 20.0)
    row = found.state.pools[0]
    assert row.given_back > 0
    assert row.ended > 0


def test_many_keys_and_leases_make_the_arrays_grow() -> None:
    keys = Population("k", 1, 1 << 40, 0.0)
    model = one_flow(5000.0, Key("k", "key", keys), Take("t", "p", "key"), pools=(Pool("p", 1.0, per=keys),))
    found = run(model, 2.0)
    assert len(found.state.accounts) > 4096
    assert int(found.state.control[0].leases) == int(found.state.pools[0].held) > 4096


@pytest.mark.parametrize(
    "steps",
    [
        (Take("t", "nowhere"),),
        (Choose("c", "p", "list"),),
        (Take("t", "q", keys="list"),),
        (TakeAhead("t", "q", None, 5, 1.0),),
    ],
)
def test_what_a_pool_cannot_do_is_said(steps: Steps) -> None:
    with pytest.raises(ModelError):
        compile_model(one_flow(1.0, *steps, pools=(Pool("p"), Pool("q", 1.0, 1.0))))
