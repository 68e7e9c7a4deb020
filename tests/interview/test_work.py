"""The clock warns of missing work, and not only of minutes."""

from pathlib import Path

import pytest

from toscale.architecture.agreement import Accord, prints
from toscale.design import Design
from toscale.interview.clock import Clock, read
from toscale.interview.phases import PHASES, Phase, Schedule
from toscale.interview.times import MINUTE
from toscale.interview.work import CHECKS, advice, missing_work
from toscale.requirements.vague_rules import VAGUE_RULES

VAGUE = """requirements:
  users: {visitor: opens links}
  questions:
    - ask: How many?
  non_functional:
    quick: It is fast.
    there: It is highly available.
components:
  app: {kind: service}
"""


def missing(text, accord=None):
    design = Design.from_text(text)
    return missing_work(design, prints(design), accord)


def texts(found, phase):
    return [one.text for one in found if one.phase is phase]


def test_of_an_empty_file_everything_is_missing_and_nothing_is_vague():
    found = missing("toscale: 1\n")
    assert texts(found, Phase.REQUIREMENTS) == ["no requirement is written down", "nothing is estimated"]
    assert texts(found, Phase.HIGH_LEVEL) == ["there are no components", "there are no flows"]
    assert texts(found, Phase.DEEP_DIVE) == [
        "there is no API",
        "there is no data model",
        "no decision is justified",
    ]
    assert len(texts(found, Phase.WRAP_UP)) == 3


def test_what_is_vague_is_counted():
    found = texts(missing(VAGUE), Phase.REQUIREMENTS)
    assert found == [
        "2 requirements have no number",
        "one question has no answer",
        "nothing is estimated",
    ]


def test_agreements_and_concerns_are_work_of_the_second_step():
    design = Design.from_text(VAGUE)
    now = prints(design)
    assert "nothing is agreed on" in texts(missing(VAGUE), Phase.HIGH_LEVEL)
    accord = Accord().agreed("Ann", ["components"], now).raised("Ann", "components.app", "One?", now)
    found = texts(missing(VAGUE, accord), Phase.HIGH_LEVEL)
    assert "nothing is agreed on" not in found
    assert "one concern is open" in found
    after = texts(missing(VAGUE.replace("service", "worker"), accord), Phase.HIGH_LEVEL)
    assert "one section changed since it was agreed on" in after


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "examples").glob("*.yaml")), ids=lambda p: p.name
)
def test_the_examples_lack_no_section_of_the_first_two_steps(path):
    design = Design.load(path)
    early = [one.text for one in missing_work(design, prints(design)) if one.phase.position < 2]
    assert not any(
        text.startswith(("no requirement", "nothing is estimated", "there are no")) for text in early
    )


def test_every_check_stands_in_the_order_of_the_phases_and_counts_rules_that_exist():
    assert [one.phase for one in CHECKS] == sorted((one.phase for one in CHECKS), key=PHASES.index)
    assert {"TS601", "TS602", "TS603", "TS607", "TS608", "TS609", "TS611", "TS612"} <= set(VAGUE_RULES)
    assert all(one.many == "" or "{}" in one.many for one in CHECKS)


def said(minute, *moves, text=VAGUE):
    clock = Clock(Schedule.of()).started(0)
    for at, phase in moves:
        clock = clock.moved(phase, at * MINUTE)
    return [one.text for one in advice(read(clock, minute * MINUTE), missing(text))]


def test_it_says_what_is_missing_while_there_is_time_for_it():
    assert said(3) == []
    assert said(5) == [
        "2 requirements have no number; one question has no answer; nothing is estimated: 2 min left for "
        "requirements."
    ]


def test_it_says_from_where_time_is_borrowed_and_until_when_it_can_be():
    assert said(9)[0] == "Over the plan for requirements by 2 min. This borrows 2 min from deep dive."
    assert (
        said(20)[1] == "Leave requirements within 2 min: high-level design, deep dive, wrap-up need the rest."
    )


def test_it_says_since_when_the_minima_cannot_be_honoured():
    (starved, *_) = said(30, (25, Phase.HIGH_LEVEL))
    assert starved == (
        "Since 22 min there is too little time left for what is lacking: high-level design 5 min, deep dive 10 min, "
        "wrap-up 3 min."
    )


def test_it_says_that_the_session_is_over_its_time_and_then_nothing():
    moves = (7, Phase.HIGH_LEVEL), (20, Phase.DEEP_DIVE), (41, Phase.WRAP_UP)
    assert said(47, *moves)[0] == "The session is over its time by 2 min."
    clock = Clock(Schedule.of())
    assert advice(read(clock, 0)) == advice(read(clock.started(0).ended(0), 0)) == ()
