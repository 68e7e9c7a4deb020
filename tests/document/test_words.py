"""Sentences: the worst comes first, a run says how it ended, a disagreement says by how much."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.document.made import about, simulation
from toscale.document.words import (
    MARKS,
    disagreement,
    how_it_ran,
    overload_text,
    runs,
    sentence,
    summary,
    worst,
)
from toscale.requirements.verdicts import Status, Verdict
from toscale.simulate.result import Disagreement, Ending, Overload


def verdicts(*statuses: Status) -> list[Verdict]:
    return [Verdict("n", "t", status, None, None, "r") for status in statuses]


@pytest.mark.parametrize(
    ("statuses", "said", "status"),
    [
        ((), "There is no target to judge", Status.UNKNOWN),
        ((Status.MET,), "The target is met.", Status.MET),
        ((Status.MET,) * 2, "Both targets are met.", Status.MET),
        ((Status.MET,) * 3, "All 3 targets are met.", Status.MET),
        ((Status.MISSED,), "1 target: 1 missed.", Status.MISSED),
        (
            (Status.MET, Status.AT_RISK, Status.UNKNOWN, Status.MISSED),
            "4 targets: 1 missed, 1 unknown, 1 at risk, 1 met.",
            Status.MISSED,
        ),
        ((Status.MET, Status.AT_RISK), "2 targets: 1 at risk, 1 met.", Status.AT_RISK),
    ],
)
def test_verdicts_in_one_line(statuses: tuple[Status, ...], said: str, status: Status) -> None:
    assert summary(verdicts(*statuses)).startswith(said)
    assert worst(verdicts(*statuses)) is status


def test_every_status_has_a_sign_of_its_own() -> None:
    assert len({MARKS[status] for status in Status}) == len(Status)


def test_a_run_says_how_long_it_was_and_how_it_ended() -> None:
    ran = simulation()
    (load, run), (upper, _) = runs(ran)
    said = how_it_ran(load, run, ran)
    for part in ("the median rates", "4 times 1 min", "5 s of warm-up", "24k requests", "seed 1", "±5%"):
        assert part in said
    assert "upper end" in upper
    late = how_it_ran(load, replace(run, ending=Ending.NOT_TIGHT), ran)
    assert Ending.NOT_TIGHT.value in late
    assert "±" not in late


def test_a_disagreement_has_both_figures_in_their_unit() -> None:
    said = disagreement(Disagreement("app", "waiting", 0.002, about(0.001), "calls come in batches"))
    assert said.startswith("app, waiting: 1 ms (")
    assert said.endswith(" simulated, 2 ms by theory. Calls come in batches.")
    assert "90% (" in disagreement(Disagreement("c", "hit ratio", 0.8, about(0.9), "why"))


def test_an_overload_says_what_grows_and_how_fast() -> None:
    assert "12 each second" in overload_text("the median rates", Overload("app", 12.0, ""))
    assert (
        overload_text("the median rates", Overload("app", 12.0, "app grows"))
        == "At the median rates: app grows."
    )


def test_a_sentence_ends_once() -> None:
    assert (sentence("a"), sentence("a."), sentence("a?")) == ("a.", "a.", "a?")
