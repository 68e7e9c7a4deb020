"""A repetition makes as many passes as its conditions say, at the times they say, each with draws of its own."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Attribute,
    Call,
    Chance,
    Clock,
    Compare,
    Delay,
    Each,
    End,
    Ended,
    Flow,
    Fork,
    If,
    Key,
    Measure,
    Model,
    Outcome,
    Parallel,
    Pause,
    Poisson,
    Population,
    Repeat,
    Request,
    Station,
    Steps,
    Test,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK
from toscale.engine.tables import ModelError

KEYS = Population("k", 1, 1_000_000)
ANSWERED = Ended((Outcome.DONE, Outcome.ANSWERED))


def ran(steps: Steps, seconds: float = 100.0, *stations: Station, rate: float = 0.0) -> Replication:
    source = Poisson.at(rate) if rate else Clock(1.0)
    model = Model(stations=stations, flows=(Flow("f", source, steps),))
    run = Replication(model, compile_model(model), "1", seconds)
    run.run(1)
    run.check_conservation()
    return run


def wait(seconds: float, path: str = "w") -> Delay:
    return Delay(path, Work.of(Law.fixed(seconds)))


def look(*steps: object) -> Steps:
    return (Measure("look", tuple(steps)),)  # type: ignore[arg-type]


def mean(run: Replication, meter: str = "f") -> float:
    row = run.state.meters[run.tables.meters.index(meter)]
    return float(row.total) * TICK / int(row.done)


def passes(run: Replication) -> float:
    return int(run.state.meters[run.tables.meters.index("look")].started) / int(run.state.meters[0].started)


def causes(run: Replication, meter: int = 0) -> dict[str, int]:
    return {o.name: int(n) for o, n in zip(Outcome, run.state.meters[meter].causes, strict=True) if n}


def test_the_time_from_one_start_to_the_next_is_that_of_every_unless_a_pass_is_longer() -> None:
    short = ran((Repeat("r", look(wait(0.01)), Law.fixed(0.1), times=3),))
    assert mean(short) == pytest.approx(0.1 * 2 + 0.01)
    long = ran((Repeat("r", look(wait(0.15)), Law.fixed(0.1), times=3),))
    assert mean(long) == pytest.approx(0.45)


def test_without_every_one_pass_follows_another_at_once() -> None:
    run = ran((Repeat("r", look(wait(0.01)), times=4),))
    assert passes(run) == 4
    assert mean(run) == pytest.approx(0.04, rel=1e-6)


def test_no_pass_begins_after_the_time_that_the_repetition_lasts() -> None:
    run = ran((Repeat("r", look(wait(0.01)), Law.fixed(0.1), lasts=0.35),))
    assert passes(run) == 4  # at 0, 0.1, 0.2 and 0.3 s
    assert mean(run) == pytest.approx(0.31)


def test_the_number_of_passes_is_geometric_and_cut_off() -> None:
    """Each pass decides anew. 4.5 standard errors: a false alarm in 150,000 seeds."""
    n, p = 5, 0.3
    run = ran((Repeat("r", look(), Law.fixed(0.001), (Chance(p),), times=n),), 400.0, rate=50.0)
    q = 1 - p
    at_least = q ** np.arange(n)
    number = np.arange(1, n + 1)
    chances = np.append(at_least[:-1] * p, at_least[-1])
    expected = float(number @ chances)
    error = sqrt(float(number**2 @ chances) - expected**2) / sqrt(int(run.state.meters[0].started))
    assert abs(passes(run) - expected) < 4.5 * error


@pytest.mark.parametrize(
    ("outcome", "until", "made"),
    [
        (None, (ANSWERED,), 1),
        (Outcome.ANSWERED, (ANSWERED,), 1),
        (Outcome.FAILED, (ANSWERED,), 3),
        (Outcome.ENDED, (ANSWERED,), 3),
        (Outcome.FAILED, (Ended((Outcome.FAILED,)),), 1),
        (None, (Ended((Outcome.FAILED,)), Chance(0.0)), 3),
        (None, (Ended((Outcome.FAILED,)), Chance(1.0)), 1),
        (Outcome.ANSWERED, (), 3),
    ],
)
def test_a_pass_is_over_however_it_ends_and_the_tests_say_whether_that_was_the_last(
    outcome: Outcome | None, until: tuple[Test, ...], made: int
) -> None:
    end = () if outcome is None else (End("e", outcome),)
    run = ran((Repeat("r", look(wait(0.01), *end), None, until, times=3, in_vain=()),))
    assert passes(run) == made
    assert causes(run) == {}


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED, Outcome.ENDED])
def test_without_steps_for_it_a_vain_repetition_ends_as_its_last_pass_did(outcome: Outcome) -> None:
    failing = ran((Repeat("r", (wait(0.01), End("e", outcome)), until=(ANSWERED,), times=2), wait(0.5)))
    assert causes(failing) == {outcome.name: int(failing.state.meters[0].started)}
    fine = ran((Repeat("r", (wait(0.01),), until=(Chance(0.0),), times=2), wait(0.5)))
    assert mean(fine) == pytest.approx(0.52)


def test_what_is_done_in_vain_takes_the_place_of_the_failure() -> None:
    run = ran((Repeat("r", (End("e", Outcome.FAILED),), until=(ANSWERED,), times=2, in_vain=(wait(0.2),)),))
    assert causes(run) == {}
    assert mean(run) == pytest.approx(0.2)


def test_stop_within_a_pass_ends_the_flow() -> None:
    run = ran((Repeat("r", look(wait(0.01), End("e", Outcome.STOPPED)), times=5), wait(9.0)))
    assert passes(run) == 1
    assert mean(run) == pytest.approx(0.01)


def test_a_repetition_of_nothing_for_ever_does_not_stop_the_clock() -> None:
    model = Model(flows=(Flow("f", Clock(1.0), (Repeat("r", (), None, (Chance(0.0),), lasts=1e9),)),))
    run = Replication(model, compile_model(model), "1", 1.0)
    run.run(1, 10_000)
    assert run.events >= 10_000


def test_passes_that_take_no_time_take_none_unless_there_are_very_many_of_them() -> None:
    none = Repeat("r", look(), until=(Chance(0.0),), times=1_000)
    assert int(ran((none,), 2.5).state.meters[0].longest) == 0
    inner = replace(none, times=2)
    for body in (look(), look(inner)):  # also where they are passes of passes
        many = Repeat("m", body, until=(Chance(0.0),), times=1_500)
        run = ran((many,), 2.5)
        assert mean(run) == pytest.approx(499 * 10e-6)  # the waits behind the passes 1001 to 1499


def test_passes_that_take_no_time_may_begin_very_many_things() -> None:
    """Each pass sends something off: a thousand of them are on their way at once."""
    many = Repeat("r", (Fork("k", look(wait(0.1))),), times=1_000)
    run = ran((many,), 2.05)
    assert passes(run) == 1_000
    assert int(run.state.meters[0].longest) == 0


def test_however_short_a_pass_is_it_takes_as_long_as_it_does() -> None:
    """Half of a microsecond, two thousand times; also where `every` says so."""
    for step in (
        Repeat("r", look(wait(0.5e-6)), times=2_000),
        Repeat("r", look(), Law.fixed(0.5e-6), times=2_001),
    ):
        assert mean(ran((step,), 1.5)) == pytest.approx(1e-3)


def test_keys_are_drawn_anew_in_each_pass_where_that_is_asked_for() -> None:
    """Half of the keys are good. With a new key in each of three passes one makes 1 + 1/2 + 1/4 of them, with the same
    key 1 or 3. 4.5 standard errors: a false alarm in 150,000 seeds.
    """
    good = Compare(Attribute(Law.uniform(0.0, 100.0), "key", "n"), "<", 50.0)
    for fresh, expected, deviation in ((("key",), 1.75, 0.83), ((), 2.0, 1.0)):
        steps = (Key("k", "key", KEYS), *look(wait(0.001)))
        run = ran((Repeat("r", steps, None, (good,), times=3, fresh=fresh),), 100.0, rate=100.0)
        assert abs(passes(run) - expected) < 4.5 * deviation / sqrt(int(run.state.meters[0].started))


def test_an_answer_ends_one_request_and_the_flow_goes_on_behind_it() -> None:
    first = Request("q", look(wait(0.1), End("e", Outcome.ANSWERED), wait(5.0)))
    run = ran((first, wait(0.2)))
    assert mean(run) == pytest.approx(0.3)
    failed = ran((Request("q", (End("e", Outcome.FAILED),)), wait(0.2)))
    assert causes(failed) == {"FAILED": int(failed.state.meters[0].started)}


def test_between_two_passes_and_in_a_pause_the_slot_is_free() -> None:
    """Each visit takes 0.1 s and pauses for 0.9 s: one slot is enough for nine of them at once, but not for ten."""
    body: Steps = (Pause("p", Work.of(Law.fixed(0.9))),)
    again: Steps = (Repeat("r", (wait(0.001),), Law.fixed(0.9), times=2),)
    for inside in (body, again):
        steps = (Visit("v", "s", Work.of(Law.fixed(0.09)), body=(*inside, wait(0.009, "after"))),)
        run = ran(steps, 100.0, Station("s", slots=1), rate=5.0)
        station = run.state.stations[0]
        used = float(station.busy_time) * TICK / 100.0
        assert used == pytest.approx(int(run.state.meters[0].done) / 100 * 0.1, rel=0.05)
        assert int(station.admitted) >= 2 * int(run.state.meters[0].done)
        assert int(run.state.meters[0].done) > 450


def test_what_runs_side_by_side_or_within_a_time_out_keeps_the_slot_of_its_visit() -> None:
    pause = (Pause("p", Work.of(Law.fixed(0.5))),)
    for inside in (Each("e", 1.0, pause), Parallel("p", (pause,)), Call("c", pause, timeout=2.0)):
        run = ran((Visit("v", "s", body=(inside,)),), 100.0, Station("s", slots=4))
        station = run.state.stations[0]
        assert float(station.busy_time) * TICK == pytest.approx(0.5 * int(station.admitted), rel=0.02)


def test_whoever_comes_back_is_not_refused_and_waits_for_a_slot() -> None:
    """One slot, no places: 0.4 s of work, a pause of 0.5 s, 0.1 s of work; a second one comes in the pause."""
    body: Steps = (Pause("p", Work.of(Law.fixed(0.5))), wait(0.1))
    model = Model(
        stations=(Station("s", slots=1, waiting=0),),
        flows=(Flow("f", Clock(1.3, 2), (Visit("v", "s", Work.of(Law.fixed(0.4)), body=body),)),),
    )
    run = Replication(model, compile_model(model), "1", 60.0)
    run.run(1)
    run.check_conservation()
    assert causes(run).keys() <= {"REFUSED"}
    assert int(run.state.stations[0].refused) == int(run.state.meters[0].causes[int(Outcome.REFUSED)])
    assert int(run.state.stations[0].admitted) > int(run.state.meters[0].done)


def test_a_test_of_how_a_pass_ended_has_no_place_in_a_branch() -> None:
    with pytest.raises(ModelError, match="repetition"):
        compile_model(Model(flows=(Flow("f", Clock(1.0), (If("i", ANSWERED),)),)))


def test_nobody_repeats_for_those_who_have_given_up() -> None:
    forever = Repeat("r", look(wait(0.1)), until=(Chance(0.0),), lasts=1e6)
    run = ran((Call("c", (Visit("v", "s", body=(forever,)),), timeout=0.25),), 100.0, Station("s", slots=5))
    assert passes(run) == pytest.approx(3, abs=0.1)  # the third was under way
    assert causes(run).keys() == {"TIMED_OUT"}
