"""Breakers, hedges and budgets of retries against what renewal theory says exactly.

Statistical tests have fixed seeds; each asserts within five standard deviations of its estimate (a false alarm
in two million for a new seed).
"""

from __future__ import annotations

from math import exp, sqrt

import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.guards import OPEN
from toscale.engine.laws import Law
from toscale.engine.model import (
    Breaker,
    Call,
    Chance,
    Clock,
    Delay,
    End,
    Flow,
    Hedge,
    If,
    Model,
    Outcome,
    Parallel,
    Poisson,
    Retry,
    Source,
    Station,
    Steps,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK

FAILS: Steps = (End("e", Outcome.FAILED),)


def run(
    *steps: object,
    source: Source,
    stations: tuple[Station, ...] = (),
    seconds: float = 1000.0,
    windows: int = 1,
) -> Replication:
    model = Model(stations=stations, flows=(Flow("f", source, steps),))  # type: ignore[arg-type]
    made = Replication(model, compile_model(model), "1", seconds / windows)
    made.run(windows)
    made.check_conservation()
    return made


def delay(name: str, ms: float) -> Delay:
    return Delay(name, Work.of(Law.fixed(ms * 1e-3)))


# ---- breakers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chance", "rate", "stays"), [(1.0, 20.0, 0.2), (0.5, 20.0, 0.2), (0.2, 50.0, 0.05)])
def test_the_share_of_time_open_is_that_of_the_renewal_process(
    chance: float, rate: float, stays: float
) -> None:
    """A breaker that opens at the first failure of a Poisson process of calls that each fail with this chance.

    Closed for 1 / (rate chance) on average, up to the first failure. Then open for `stays` and until the next
    call, 1 / rate, over and over until one ends well: 1 / (1 - chance) times. Where all fail it never closes.
    """
    fails = If("i", Chance(chance), FAILS)
    call = Call("c", (fails,), handlers={Outcome.FAILED: ()}, breaker=Breaker(1e-9, 1.0, stays))
    seconds = 4000.0
    made = run(call, source=Poisson.at(rate), seconds=seconds)
    guard = made.state.guards[0]
    rounds = 1 / (1 - chance) if chance < 1 else 1.0
    cycle = (1 / (rate * chance) if chance < 1 else 0.0) + rounds * (stays + 1 / rate)
    share = rounds * stays / cycle
    spread = 5 * 1.5 * sqrt(cycle / seconds)
    assert float(guard.open_time) * TICK / seconds == pytest.approx(
        share, abs=spread * share * (1 - share) * 2
    )
    # Poisson arrivals see time averages: the same share of the calls is cut short
    assert int(guard.cut) / int(guard.calls) == pytest.approx(
        share, abs=5 * sqrt(share / int(guard.calls)) * 3
    )
    assert int(guard.opened) / seconds == pytest.approx(rounds / cycle, rel=spread)


def test_it_opens_at_its_share_of_errors_and_not_before_so_many_calls() -> None:
    """Every other call fails, ten a second: 50% of errors, counted over ten seconds."""
    passes = (Call("x", FAILS, handlers={Outcome.FAILED: FAILS}, breaker=Breaker(0.5, 10.0, 5.0, 20)),)
    made = run(Call("o", passes, handlers={Outcome.FAILED: ()}), source=Clock(0.1), seconds=9.95)
    # twenty failures at 0.1 s each, open for 5 s, one that tries and fails, and open to the end
    guard = made.state.guards[0]
    assert (int(guard.calls) - int(guard.cut), int(guard.opened)) == (21, 2)
    never = Call("x", FAILS, handlers={Outcome.FAILED: ()}, breaker=Breaker(0.5, 1.0, 5.0, 20))
    made = run(never, source=Clock(0.1), seconds=60.0)  # ten calls within a second are too few
    assert (int(made.state.guards[0].cut), int(made.state.guards[0].opened)) == (0, 0)


def test_what_it_lets_through_while_it_tries_is_one_call() -> None:
    """Calls of 300 ms that fail, 100 a second, half of a second open: one call, 300 ms, 500 ms, one call ..."""
    slow = (delay("d", 300), *FAILS)
    call = Call("c", slow, handlers={Outcome.FAILED: ()}, breaker=Breaker(0.5, 1.0, 0.5))
    made = run(call, source=Clock(0.01), seconds=80.0)
    guard = made.state.guards[0]
    assert int(guard.opened) == pytest.approx(80 / 0.81, abs=2)
    # 30 or so got through before the first failure was known
    assert int(guard.calls) - int(guard.cut) == pytest.approx(80 / 0.81 + 30, abs=3)
    assert float(guard.open_time) * TICK == pytest.approx(80 - 0.3 - 80 / 0.81 * 0.005, abs=0.6)


def test_each_machine_that_calls_has_a_breaker_of_its_own() -> None:
    """Four machines in turn: each needs its own 20 failures before it opens."""
    call = Call("c", FAILS, handlers={Outcome.FAILED: ()}, breaker=Breaker(0.5, 1e6, 1e6, 20))
    for station in (Station("s", machines=4, slots=9), Station("s", machines=4)):  # the other only passes on
        made = run(Visit("v", "s", body=(call,)), source=Clock(0.01), stations=(station,), seconds=100.0)
        guard = made.state.guards[0]
        assert (int(guard.callers), int(guard.opened)) == (4, 4)
        assert int(guard.calls) - int(guard.cut) == 4 * 20
    made = run(call, source=Clock(0.01), seconds=100.0)  # nobody's machine: one breaker
    assert int(made.state.guards[0].calls) - int(made.state.guards[0].cut) == 20


def test_who_tries_and_is_given_up_does_not_keep_it_open() -> None:
    """The try hangs and its caller gives it up: the next call tries, instead of nobody for ever."""
    fails_then_hangs = Call("c", (Delay("d", Work.of(Law.fixed(50.0))),), breaker=Breaker(0.5, 10.0, 0.1))
    outer = Call("o", (fails_then_hangs,), timeout=0.2, handlers={Outcome.TIMED_OUT: (), Outcome.FAILED: ()})
    made = run(outer, source=Clock(1.0), seconds=50.5)
    assert int(made.state.guards[0].cut) == 0  # closed: what was given up has ended neither well nor badly
    caller = made.state.callers[0]
    caller.state, caller.until = OPEN, 0  # opened by hand; every try from now on is given up
    made.cut(50.0)
    made.run(1)
    made.check_conservation()
    assert int(made.state.guards[0].cut) == 0
    assert int(made.state.guards[0].calls) >= 100


def test_retries_ask_the_breaker_each_time() -> None:
    call = Call(
        "c",
        FAILS,
        retry=Retry(3),
        handlers={Outcome.FAILED: ()},
        breaker=Breaker(0.5, 1e6, 1e6, 2),
    )
    made = run(call, source=Clock(1.0), seconds=100.5)
    guard = made.state.guards[0]
    assert int(guard.calls) == 4 * int(made.state.meters[0].started)
    assert int(guard.calls) - int(guard.cut) == 2


# ---- hedges ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0.0, 0.5, 1.0, 3.0])
def test_the_first_of_two_shifted_exponentials(after: float) -> None:
    """min(X, a + Y), X and Y exponential of mean 1: 1 - e^-a + e^-a / 2; a share e^-a is hedged."""
    call = Call("c", (Delay("d", Work.of(Law.exponential(1.0))),), hedge=Hedge(after))
    made = run(call, source=Poisson.at(100.0), seconds=1000.0)
    meter, guard = made.state.meters[0], made.state.guards[0]
    n = int(meter.done)
    mean = 1 - exp(-after) / 2
    assert float(meter.total) / n * TICK == pytest.approx(mean, abs=5 / sqrt(n))
    hedged = exp(-after)
    assert int(guard.hedged) / int(guard.sent) == pytest.approx(hedged, abs=5 * sqrt(hedged / n) + 1e-3)


def test_so_many_hedges_one_after_the_other() -> None:
    """Never an answer within its 10 s: at 1, 2, 3 s another one, then no more."""
    call = Call("c", (Delay("d", Work.of(Law.fixed(10.0))),), hedge=Hedge(1.0, 3))
    made = run(call, source=Clock(100.0), seconds=1000.0)
    guard, meter = made.state.guards[0], made.state.meters[0]
    assert int(guard.hedged) == 3 * int(guard.sent) == 30
    assert float(meter.total) / int(meter.done) * TICK == pytest.approx(10.0, abs=1e-6)


def test_the_loser_goes_on_where_it_runs_and_is_removed_where_it_waits() -> None:
    """10 s of work; after 1 s another at a free machine, done at 11 s: the first one wins, both work to the end."""
    visit = Visit("v", "s", Work.of(Law.fixed(10.0)))
    hedged = Call("c", (visit,), hedge=Hedge(1.0))
    made = run(hedged, source=Clock(100.0), stations=(Station("s", machines=2, slots=1),), seconds=1000.0)
    assert float(made.state.stations[0].busy_time) * TICK == pytest.approx(200.0, abs=11)
    # one machine: the hedges wait; the slot goes to the first of them before it can hear, the second is removed
    twice = Call("c", (visit,), hedge=Hedge(1.0, 2))
    made = run(twice, source=Clock(100.0), stations=(Station("s", machines=1, slots=1),), seconds=1000.0)
    station = made.state.stations[0]
    assert float(station.busy_time) * TICK == pytest.approx(200.0, abs=11)
    assert int(station.abandoned) in (9, 10)


def test_a_failure_counts_only_when_no_other_call_is_on_its_way() -> None:
    """Fails after 3 s; the hedge, sent after 1 s, would take until 4 s: the whole fails then. Alone, at once."""
    late = (delay("d", 3000), *FAILS)
    made = run(Call("c", late, hedge=Hedge(1.0), handlers={Outcome.FAILED: ()}), source=Clock(100.0))
    meter = made.state.meters[0]
    assert float(meter.total) / int(meter.done) * TICK == pytest.approx(4.0, abs=1e-6)
    early = (delay("d", 500), *FAILS)
    made = run(Call("c", early, hedge=Hedge(1.0), handlers={Outcome.FAILED: ()}), source=Clock(100.0))
    meter = made.state.meters[0]
    assert float(meter.total) / int(meter.done) * TICK == pytest.approx(0.5, abs=1e-6)
    assert int(made.state.guards[0].hedged) == 0
    ends = (delay("d", 3000), End("a", Outcome.ANSWERED))  # an answer is one, also where it ends the request
    made = run(Call("c", ends, hedge=Hedge(1.0)), source=Clock(100.0))
    meter = made.state.meters[0]
    assert float(meter.total) / int(meter.done) * TICK == pytest.approx(3.0, abs=1e-6)


def test_a_hedge_leaves_the_draws_of_the_first_call_as_they_were() -> None:
    body = (Delay("d", Work.of(Law.exponential(1.0))),)
    found = []
    for call in (
        Call("c", body, timeout=2.0, handlers={Outcome.TIMED_OUT: ()}),
        Call("c", body, timeout=2.0, handlers={Outcome.TIMED_OUT: ()}, hedge=Hedge(1.9)),
    ):
        found.append(float(run(call, source=Poisson.at(10.0), seconds=500.0).state.meters[0].total))
    assert found[1] < found[0] < found[1] * 1.02


# ---- budgets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "times"), [(0.2, 3), (0.5, 1), (1.0, 5), (2.0, 1)])
def test_retries_are_their_share_of_the_calls_and_no_more(share: float, times: int) -> None:
    """All calls fail: the load is 1 + min(share, times) calls for each, once the budget is in its stride."""
    call = Call("c", FAILS, retry=Retry(times, budget=share), handlers={Outcome.FAILED: ()})
    made = run(call, source=Poisson.at(50.0), seconds=1000.0)
    guard = made.state.guards[0]
    assert int(guard.retries) <= share * int(guard.begun)
    assert int(guard.retries) / int(guard.begun) == pytest.approx(min(share, times), rel=0.01)
    whole = int(guard.retries) + int(guard.denied)
    assert whole <= times * int(guard.begun)


def test_a_budget_is_not_saved_up() -> None:
    """A minute of calls that all end well, then failures: what ten seconds have paid in is there, not sixty."""
    ok = Flow("ok", Clock(0.1), (Call("c", (), retry=Retry(9, budget=0.1)),))
    model = Model(flows=(ok,))
    made = Replication(model, compile_model(model), "1", 60.0)
    made.run(1)
    tokens = float(made.state.callers[0].tokens.sum())
    assert tokens == pytest.approx(0.1 * 10 * 10, abs=1.1)


def test_calls_that_seldom_fail_have_all_their_retries() -> None:
    fails = If("i", Chance(0.02), FAILS)
    call = Call("c", (fails,), retry=Retry(3, budget=0.2), handlers={Outcome.FAILED: ()})
    made = run(call, source=Poisson.at(100.0), seconds=300.0)
    guard = made.state.guards[0]
    assert int(guard.denied) == 0
    n = int(guard.begun)
    assert int(guard.retries) / n == pytest.approx(0.02 + 0.02**2 + 0.02**3, abs=5 * sqrt(0.02 / n))


def test_all_of_them_in_windows_are_all_of_them() -> None:
    """The figures of windows add up to those of the run, breakers that stay open across them included."""
    call = Call(
        "c",
        (Parallel("p", ((delay("d", 30),), FAILS)),),
        retry=Retry(1, budget=0.5),
        handlers={Outcome.FAILED: ()},
        breaker=Breaker(0.5, 1.0, 0.7, 3),
        hedge=Hedge(0.01),
    )
    one = run(call, source=Poisson.at(40.0), seconds=64.0).readings().guards
    many = run(call, source=Poisson.at(40.0), seconds=64.0, windows=16).readings().guards
    for name in ("calls", "cut", "opened", "open_time", "sent", "hedged", "begun", "retries", "denied"):
        assert many[name][-1, 0] == pytest.approx(one[name][-1, 0], abs=1)
