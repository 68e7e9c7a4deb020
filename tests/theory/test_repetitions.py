"""The number of passes, and what becomes of those that never come to an end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.engine.laws import Law
from toscale.engine.model import (
    Chance,
    End,
    Ended,
    Flow,
    If,
    Measure,
    Model,
    Outcome,
    Pause,
    Poisson,
    Repeat,
    Request,
    Station,
    Steps,
    Visit,
    Work,
)
from toscale.theory import solve
from toscale.theory.repetitions import mean_passes, passes

VISIT = Visit("v", "s", Work.of(Law.fixed(0.01)))
ANSWERED = Ended((Outcome.DONE, Outcome.ANSWERED))


def twin(steps: Steps, slots: int | None = None):
    return solve(Model(stations=(Station("s", slots=slots),), flows=(Flow("f", Poisson.at(10.0), steps),)))


@given(st.floats(0.0, 0.999), st.integers(1, 10_000_000))
def test_the_mean_number_of_passes_is_that_of_their_distribution(again: float, most: int) -> None:
    spread = passes(again, float(most))
    assert spread.weights.sum() == pytest.approx(1.0)
    assert spread.mean == pytest.approx(mean_passes(again, float(most)), rel=1e-6)
    few = min(most, 2_000)
    exact = float(sum(again ** np.arange(few)))
    if most == few:
        assert mean_passes(again, float(most)) == pytest.approx(exact, rel=1e-9)


def test_the_calls_of_a_repetition_are_its_passes_and_its_time_is_from_start_to_start() -> None:
    step = Repeat("r", (Measure("look", (VISIT,)),), Law.fixed(0.1), (Chance(0.5),), times=3, in_vain=())
    found = twin((step,))
    assert found.stations["s"].arrivals == pytest.approx(17.5)
    assert found.steps["look"].rate == pytest.approx(17.5)
    assert found.flows["f"].latency == pytest.approx(0.75 * 0.1 + 0.01)
    assert found.flows["f"].failed == {}
    assert found.flows["f"].overlap == pytest.approx(0.0, abs=1e-9)


def test_a_vain_repetition_ends_as_its_last_pass_did_or_in_its_own_way() -> None:
    failing = (If("i", Chance(0.5), (End("e", Outcome.FAILED),)),)
    found = twin((Repeat("r", failing, None, (ANSWERED,), times=4), VISIT))
    assert found.flows["f"].failed == {"failed": pytest.approx(1 / 16)}
    assert found.stations["s"].arrivals == pytest.approx(10 * 15 / 16)
    handled = twin((Repeat("r", failing, None, (ANSWERED,), times=4, in_vain=(VISIT,)),))
    assert handled.flows["f"].failed == {}
    assert handled.stations["s"].arrivals == pytest.approx(10 / 16)
    answered = (If("i", Chance(0.5), (End("e", Outcome.ANSWERED),)), VISIT)
    assert twin((Repeat("r", answered, None, (ANSWERED,), times=4),)).stations["s"].arrivals == pytest.approx(
        5
    )


def test_stop_ends_it_and_a_bound_in_time_is_one_in_passes() -> None:
    stopping = (If("i", Chance(0.5), (End("e", Outcome.STOPPED),)), VISIT)
    found = twin((Repeat("r", stopping, None, times=2), VISIT))
    assert found.stations["s"].arrivals == pytest.approx(10 * (0.5 + 0.25 + 0.25))
    lasting = twin((Repeat("r", (VISIT,), Law.fixed(0.1), lasts=0.35),))
    assert lasting.stations["s"].arrivals == pytest.approx(40)


def test_an_answer_ends_one_request_of_several() -> None:
    request = Request("q", (If("i", Chance(0.5), (End("e", Outcome.ANSWERED),)), VISIT))
    assert twin((request, VISIT)).stations["s"].arrivals == pytest.approx(15)


@pytest.mark.parametrize(
    "inside",
    [
        (Pause("p", Work.of(Law.fixed(0.5))),),
        (Repeat("r", (), Law.fixed(0.5), times=2),),
    ],
)
def test_a_slot_that_is_given_back_is_not_held(inside: Steps) -> None:
    found = twin((Visit("v", "s", Work.of(Law.fixed(0.01)), body=inside),), slots=1)
    assert found.stations["s"].slot_utilisation == pytest.approx(0.1, rel=1e-6)
    assert found.flows["f"].latency > 0.5


def test_what_repeats_for_ever_is_a_result() -> None:
    found = twin((Repeat("r", (VISIT,), Law.fixed(1.0), (Chance(0.0),), lasts=1e9),))
    assert found.stations["s"].arrivals > 1e9
