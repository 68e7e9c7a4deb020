"""What calls mean, on models without chance, where each time is known by hand."""

from __future__ import annotations

import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Buffer,
    Call,
    Clock,
    Consume,
    Delay,
    Discipline,
    Each,
    End,
    Flow,
    Link,
    Model,
    Outcome,
    Parallel,
    Poisson,
    Policy,
    Retry,
    Send,
    Span,
    Station,
    Step,
    Steps,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK

MS = 1e-3


def delay(name: str, ms: float) -> Delay:
    return Delay(name, Work.of(Law.fixed(ms * MS)))


def visit(name: str, station: str, ms: float, *body: Step, link: Link | None = None) -> Visit:
    return Visit(name, station, Work.of(Law.fixed(ms * MS)), link or Link(), body=body)


def run(
    *steps: Step,
    stations: tuple[Station, ...] = (),
    every: float = 1.0,
    number: int = 1,
    seconds: float = 100.0,
) -> Replication:
    """One flow, ticking, for so long; conservation checked."""
    model = Model(stations=stations, flows=(Flow("f", Clock(every, number), steps),))
    made = Replication(model, compile_model(model), "1", seconds)
    made.run(1)
    made.check_conservation()
    return made


def mean_ms(made: Replication, meter: int = 0) -> float:
    row = made.state.meters[meter]
    return float(row.total) / int(row.done) * TICK / MS


def failed(made: Replication, outcome: Outcome) -> int:
    return int(made.state.meters[0].causes[int(outcome)])


@pytest.mark.parametrize(
    ("steps", "latency"),
    [
        ((delay("a", 3), delay("b", 4)), 7.0),
        ((Parallel("p", ((delay("a", 3),), (delay("b", 5),))),), 5.0),
        ((Parallel("p", ((delay("a", 3),), (delay("b", 5),)), wait=1),), 3.0),
        ((Parallel("p", ((delay("a", 3),), (delay("b", 5),), (delay("c", 9),)), wait=2),), 5.0),
        ((Each("e", 5.0, (delay("a", 2),)),), 10.0),
        ((Each("e", 5.0, (delay("a", 2),), at_once=2),), 6.0),
        ((Each("e", 5.0, (delay("a", 2),), at_once=None),), 2.0),
        ((Each("e", 5.0, (delay("a", 2),), batch=2),), 6.0),
        ((Each("e", 0.0, (delay("a", 2),)), delay("b", 1)), 1.0),
        ((Call("c", (delay("a", 9),), timeout=4 * MS, handlers={Outcome.TIMED_OUT: ()}), delay("b", 1)), 5.0),
        (
            (
                Call(
                    "c",
                    (delay("a", 9),),
                    timeout=4 * MS,
                    retry=Retry(2, 1 * MS),
                    handlers={Outcome.TIMED_OUT: ()},
                ),
            ),
            4 + 1 + 4 + 2 + 4.0,
        ),
        ((Call("c", (End("e", Outcome.FAILED),), handlers={Outcome.FAILED: (delay("b", 2),)}),), 2.0),
        ((delay("a", 2), End("e", Outcome.ANSWERED), delay("b", 5)), 2.0),
    ],
)
def test_latency_by_hand(steps: Steps, latency: float) -> None:
    assert mean_ms(run(*steps)) == pytest.approx(latency, abs=1e-5)


def test_a_round_trip_is_two_links_and_a_lost_message_is_sent_again() -> None:
    link = Link(far=Law.fixed(3 * MS))
    stations = (Station("s", slots=1),)
    assert mean_ms(run(visit("v", "s", 4, link=link), stations=stations)) == pytest.approx(10.0, abs=1e-5)
    lossy = Link(far=Law.fixed(3 * MS), loss=0.5, resend_after=100 * MS)
    # resendings after 100, 200, 400 ... ms, each with one chance in two: the first is lost half the time, and so on
    made = run(visit("v", "s", 4, link=lossy), stations=(Station("s"),), every=0.001, seconds=60.0)
    again = sum(0.5**k * 100 * 2 ** (k - 1) for k in range(1, 16))
    assert mean_ms(made) == pytest.approx(10 + 2 * again, rel=0.25)


def test_an_unhandled_failure_goes_up_and_gives_every_slot_back() -> None:
    stations = (Station("a", slots=1), Station("b", slots=1))
    inside = visit("b", "b", 1, End("e", Outcome.FAILED))
    made = run(visit("a", "a", 1, inside), stations=stations, every=0.01, seconds=10.0)
    assert failed(made, Outcome.FAILED) == int(made.state.meters[0].started) > 900
    assert int(made.state.stations["busy"].sum()) == 0


def test_retries_are_so_many_further_attempts() -> None:
    body = (visit("v", "s", 1, End("e", Outcome.FAILED)),)
    made = run(Call("c", body, retry=Retry(2)), stations=(Station("s", slots=5),), seconds=50.5)
    assert int(made.state.stations[0].arrived) == 3 * int(made.state.meters[0].started)
    assert failed(made, Outcome.FAILED) == int(made.state.meters[0].started)


def test_what_runs_when_its_caller_gives_up_goes_on_and_holds_its_slot() -> None:
    call = Call("c", (visit("v", "s", 10),), timeout=4 * MS)
    made = run(call, stations=(Station("s", slots=1),), every=0.02, seconds=100.0)
    assert failed(made, Outcome.TIMED_OUT) >= int(made.state.meters[0].started) - 1 > 4_900
    busy = float(made.state.stations[0].busy_time) * TICK / 100.0
    assert busy == pytest.approx(0.5, abs=0.001)


def test_what_only_waits_when_its_caller_gives_up_is_removed() -> None:
    call = Call("c", (visit("v", "s", 20),), timeout=4 * MS)
    made = run(call, stations=(Station("s", slots=1),), every=0.005, seconds=10.0)
    station = made.state.stations[0]
    # one in four finds the slot free, the three behind it give up while they wait
    assert int(station.abandoned) == pytest.approx(0.75 * int(station.arrived), abs=3)
    assert int(station.waiting) <= 1


def test_the_caller_holds_its_slot_while_it_waits() -> None:
    made = run(
        visit("a", "a", 2, visit("b", "b", 8)),
        stations=(Station("a", slots=1), Station("b", slots=1)),
        every=0.02,
        seconds=100.0,
    )
    busy = made.state.stations["busy_time"] * TICK / 100.0
    assert busy[0] == pytest.approx(0.5, abs=0.001)
    assert busy[1] == pytest.approx(0.4, abs=0.001)


def test_a_full_queue_refuses() -> None:
    made = run(visit("v", "s", 30), stations=(Station("s", slots=1, waiting=1),), every=0.01, seconds=30.0)
    station = made.state.stations[0]
    assert int(station.refused) == failed(made, Outcome.REFUSED)
    assert int(station.refused) == pytest.approx(int(station.arrived) * 2 / 3, abs=3)


def test_cores_are_shared_equally() -> None:
    """Two requests of 10 ms that come together share one core: both take 20 ms; on two cores, 10 ms."""
    both = Parallel("p", ((visit("a", "s", 10),), (visit("b", "s", 10),)))
    for cores, latency in ((1, 20.0), (2, 10.0)):
        made = run(both, stations=(Station("s", cores=cores),))
        assert mean_ms(made) == pytest.approx(latency, abs=1e-4)


@pytest.mark.parametrize(
    ("discipline", "order"), [(Discipline.FIFO, (10, 20, 30)), (Discipline.LIFO, (10, 30, 20))]
)
def test_the_discipline_is_the_order_of_service(discipline: Discipline, order: tuple[int, ...]) -> None:
    branches = tuple((delay(f"d{k}", k), visit(f"v{k}", "s", 10)) for k in range(3))
    stations = (Station("s", slots=1, discipline=discipline),)
    for wait, latency in enumerate(sorted(order), 1):
        made = run(Parallel("p", branches, wait=wait), stations=stations)
        assert mean_ms(made) == pytest.approx(latency, abs=1e-4)
    # who came last but was served second has waited less
    made = run(*branches[2], stations=stations)
    assert mean_ms(made) == pytest.approx(12.0, abs=1e-4)


@pytest.mark.parametrize("policy", [p for p in Policy if p is not Policy.SHARED])
def test_every_policy_spreads_the_calls(policy: Policy) -> None:
    made = run(
        visit("v", "s", 1),
        stations=(Station("s", machines=4, slots=1, policy=policy),),
        every=0.001,
        seconds=20.0,
    )
    assert int(made.state.stations[0].admitted) > 19_000
    # machines are equally likely, so that none holds more than a third of what has been served
    assert float(made.state.stations[0].busy_time) * TICK / 20.0 == pytest.approx(1.0, rel=0.02)


def test_a_batch_takes_what_is_there_and_a_span_waits_for_the_last() -> None:
    """Ten messages a second at once; a batch of at most four takes 10 ms: three batches, the last done after 30 ms."""
    model = Model(
        stations=(Station("w", slots=1),),
        buffers=(Buffer("q", 1),),
        flows=(
            Flow("f", Clock(1.0), (Each("e", 10.0, (Send("s", "q"),), at_once=None),)),
            Flow("con", Consume("q", 4), (visit("v", "w", 10),)),
        ),
        spans=(Span("f", "con"),),
    )
    made = Replication(model, compile_model(model), "1", 100.0)
    made.run(1)
    made.check_conservation()
    rows = made.state.meters
    assert int(rows[1].done) == 10 * int(rows[0].done)
    assert mean_ms(made, 2) == pytest.approx(10 * -(-10 // 4), rel=0.35)
    assert int(made.state.stations[0].admitted) == pytest.approx(int(rows[0].done) * 3, rel=0.34)


def test_a_varying_rate_brings_its_integral() -> None:
    model = Model(flows=(Flow("f", Poisson((0.0, 2000.0, 0.0), (0.0, 5.0, 10.0)), ()),))
    made = Replication(model, compile_model(model), "1", 5.0)
    made.run(2)
    counts = made.readings().meters["started"][:, 0]
    # 5,000 in each half; six standard deviations (a false alarm in 5e8)
    assert abs(int(counts[1]) - 5_000) < 6 * 5_000**0.5
    assert abs(int(counts[2]) - 10_000) < 6 * 10_000**0.5
