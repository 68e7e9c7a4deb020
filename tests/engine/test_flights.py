"""Misses of one key at the same moment are one call: renewal theory says exactly how many, and how long all wait.

Statistical tests have fixed seeds and tolerances of some five standard errors.
"""

from __future__ import annotations

import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Call,
    Clock,
    Delay,
    End,
    Flag,
    Flow,
    Get,
    If,
    Key,
    Model,
    Once,
    Outcome,
    Poisson,
    Population,
    Put,
    Station,
    Step,
    Store,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK
from toscale.theory import solve

ONE = Population("k", 1, 1)
KEY = Key("k", "key", ONE)


def run(model: Model, seconds: float) -> Replication:
    made = Replication(model, compile_model(model), "1", seconds, empty=True)
    made.run(1)
    made.check_conservation()
    return made


def model(
    *steps: Step, rate: float, stores: tuple[Store, ...] = (), stations: tuple[Station, ...] = ()
) -> Model:
    return Model(stations=stations, stores=stores, flows=(Flow("f", Poisson.at(rate), (KEY, *steps)),))


@pytest.mark.parametrize(("rate", "takes"), [(10.0, 0.05), (100.0, 0.05), (100.0, 0.5)])
def test_one_in_one_and_what_comes_meanwhile_makes_the_call(rate: float, takes: float) -> None:
    """Calls of a fixed time D at rate r: 1 / (1 + r D) of those who come lead; the others wait D / 2 on average."""
    once = model(Once("o", "g", "key", (Delay("d", Work.of(Law.fixed(takes))),)), rate=rate)
    made = run(once, 4_000.0)
    flight, meter = made.state.flights[0], made.state.meters[0]
    led = 1 / (1 + rate * takes)
    assert int(flight.led) / int(flight.asked) == pytest.approx(led, rel=0.02)
    latency = led * takes + (1 - led) * takes / 2
    assert float(meter.total) / int(meter.done) * TICK == pytest.approx(latency, rel=0.02)
    twin = solve(once)
    assert twin.flows["f"].latency == pytest.approx(latency, rel=1e-6)


def test_a_cache_in_front_is_filled_by_one_call_each_time_its_entry_is_too_old() -> None:
    """A cycle: the call D, the ttl, and until somebody asks again: D + ttl + 1 / r, with one call."""
    rate, takes, ttl = 200.0, 0.02, 0.1
    miss = (Delay("d", Work.of(Law.fixed(takes))), Put("p", "c", "key", 1.0, ONE))
    steps = (
        Get("g", "c", "key", "found", 1.0, ONE),
        If("i", Flag("found"), (), (Once("o", "c", "key", miss),)),
    )
    made = run(model(*steps, rate=rate, stores=(Store("c", ttl=ttl),)), 2_000.0)
    flight, store = made.state.flights[0], made.state.stores[0]
    cycle = takes + ttl + 1 / rate
    assert int(flight.led) / 2_000.0 == pytest.approx(1 / cycle, rel=0.01)
    assert int(flight.asked) / int(flight.led) == pytest.approx(1 + rate * takes, rel=0.02)
    assert int(store.hits) / int(store.gets) == pytest.approx(rate * ttl / (rate * cycle), rel=0.01)


def test_all_who_wait_have_the_outcome() -> None:
    fails = (Delay("d", Work.of(Law.fixed(0.1))), End("e", Outcome.FAILED))
    call = Call(
        "c",
        (Once("o", "g", "key", fails),),
        handlers={Outcome.FAILED: (Delay("h", Work.of(Law.fixed(1.0))),)},
    )
    made = run(model(call, rate=100.0), 100.0)
    meter, flight = made.state.meters[0], made.state.flights[0]
    assert int(flight.led) == pytest.approx(100 / 0.11, rel=0.05)
    assert float(meter.total) / int(meter.done) * TICK > 1.04  # each of them went through the handler
    answered = (Delay("d", Work.of(Law.fixed(0.1))), End("e", Outcome.ANSWERED))
    made = run(model(Once("o", "g", "key", answered), Delay("n", Work.of(Law.fixed(9.0))), rate=100.0), 100.0)
    meter = made.state.meters[0]
    assert float(meter.longest) * TICK <= 0.1 + 1e-6
    assert int(meter.done) >= int(meter.started) - 20


def test_a_flight_goes_on_when_who_asked_first_gives_up_and_serves_the_others() -> None:
    """The first gives up after 50 ms of 100; the second, 60 ms after it, has its answer 40 ms later."""
    work = Visit("v", "s", Work.of(Law.fixed(0.1)))
    call = Call("c", (Once("o", "g", "key", (work,)),), timeout=0.05, handlers={Outcome.TIMED_OUT: ()})
    made = run(
        Model(
            stations=(Station("s", slots=1),),
            flows=(Flow("f", Clock(10.0), (KEY, call, Delay("d", Work.of(Law.fixed(0.01))), call)),),
        ),
        1_000.0,
    )
    meter, station = made.state.meters[0], made.state.stations[0]
    # 50 ms in vain, 10 ms between, and the rest of the first call
    assert float(meter.total) / int(meter.done) * TICK == pytest.approx(0.1, abs=1e-6)
    assert int(station.admitted) == int(made.state.flights[0].led) == int(meter.started)


def test_different_keys_do_not_wait_for_each_other() -> None:
    many = Population("many", 1, 1_000_000)
    steps = (Key("k", "key", many), Once("o", "g", "key", (Delay("d", Work.of(Law.fixed(0.1))),)))
    made = run(Model(flows=(Flow("f", Poisson.at(100.0), steps),)), 100.0)
    flight = made.state.flights[0]
    assert int(flight.led) >= int(flight.asked) - 3


def test_what_is_done_once_does_not_wait_for_itself() -> None:
    inner = Once("i", "g", "key", (Delay("d", Work.of(Law.fixed(0.1))),))
    made = run(model(Once("o", "g", "key", (inner,)), rate=1.0), 100.0)
    meter = made.state.meters[0]
    assert int(meter.done) >= int(meter.started) - 1 > 50
    assert float(meter.longest) * TICK <= 0.1 + 1e-6
