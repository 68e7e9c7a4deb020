"""Each rule on what is vague finds its bad example at the place that is marked, and leaves its good one alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.design.load import read_design
from toscale.design.problems import Problem
from toscale.design.rules import RULES
from toscale.requirements.vague import vague
from toscale.requirements.vague_rules import QUALITIES, VAGUE_RULES

CODES = sorted(VAGUE_RULES)


def found(text: str) -> tuple[Problem, ...]:
    loaded = read_design(text)
    assert loaded.design is not None
    assert not loaded.errors, loaded.errors
    return vague(loaded.design)


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_is_found_where_it_is_marked(code: str) -> None:
    rule = VAGUE_RULES[code]
    before, marked, _ = rule.bad.partition("«")
    assert marked
    problems = [problem for problem in found(rule.bad_text) if problem.code == code]
    assert len(problems) == 1
    (problem,) = problems
    line = before.count("\n") + 1
    assert problem.place.line == line
    assert problem.severity == rule.severity
    assert problem.message.endswith((".", "`"))
    assert problem.suggestion.endswith(".")


@pytest.mark.parametrize("code", CODES)
def test_the_good_example_is_left_alone(code: str) -> None:
    assert code not in {problem.code for problem in found(VAGUE_RULES[code].good)}


def test_codes_are_of_their_own() -> None:
    assert not set(VAGUE_RULES) & set(RULES)
    assert all(code.startswith("TS6") for code in VAGUE_RULES)


@pytest.mark.parametrize(
    "text",
    [
        "It is fast",
        "highly available",
        "The system scales",
        "low latency",
        "It must never fail",
        "handles a lot of users",
        "Real-time updates",
    ],
)
def test_words_without_a_number(text: str) -> None:
    assert QUALITIES.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "A committed link survives the loss of a zone",
        "breakfast is served",
        "All see the same order",
        "steadfast",
    ],
)
def test_words_that_are_no_quality(text: str) -> None:
    assert not QUALITIES.search(text)


def test_a_quality_with_a_number_or_a_target_is_said() -> None:
    base = (
        "requirements:\n  users: {user: asks}\n  functional: {ask: A user gets a fast answer.}\n"
        "  non_functional: {TARGET}\nestimates: {peak: 5 / s}\ncomponents: {app: {kind: service}}\n"
        "flows: {ask: {from: user, rate: peak, steps: [{app: 1 ms}]}}\n"
    )
    assert "TS601" in {p.code for p in found(base.replace("TARGET", ""))}
    assert "TS601" not in {p.code for p in found(base.replace("TARGET", "quick: p99(ask) <= 1 s"))}


def test_a_named_step_and_another_form_of_the_word_serve_a_requirement() -> None:
    text = (
        "requirements:\n  users: {user: asks}\n  functional: {pay: A user pays., count clicks: Clicks are counted.}\n"
        "components: {app: {kind: service}}\n"
        "flows:\n  buy: {from: user, rate: 5 / s, steps: [{app: 1 ms, name: pay}]}\n"
        "  counting click: {every: 5 s, steps: [{app: 1 ms}]}\n"
    )
    assert not {p.code for p in found(text)} & {"TS603", "TS604"}


def test_a_step_may_have_the_target_of_its_flow() -> None:
    text = (
        "requirements:\n  users: {user: asks}\n  non_functional: {quick: p99(pay) <= 1 s}\ncomponents: {app: {kind: service}}\n"
        "flows: {buy: {from: user, rate: 5 / s, steps: [{app: 1 ms, name: pay}]}}\n"
    )
    assert "TS611" not in {p.code for p in found(text)}


def test_an_uncertain_estimate_that_decides_nothing_is_no_question() -> None:
    text = "estimates:\n  big: 1M to 9M\n  small: 1.00 to 1.01\n  rate: big * small / day\n"
    named = [p.message for p in found(text) if p.code == "TS608"]
    assert len(named) == 1
    assert "`big`" in named[0]
    assert "100% of the uncertainty of `rate`" in named[0]


@pytest.mark.parametrize(
    "use",
    [
        "components: {app: {kind: service, replicas: n}}",
        "growth: {of: n}",
        "data: {item: {how many: n, stored in: nowhere here}}",
    ],
)
def test_an_input_may_be_used_anywhere(use: str) -> None:
    problems = {p.code for p in found(f"estimates: {{n: 5}}\n{use}\n")}
    assert ("TS610" in problems) == use.startswith("growth")


@pytest.mark.parametrize(
    ("rate", "rest", "said"),
    [
        ("requests", "estimates: {requests: 5 / s}", True),
        ("busy", "estimates: {requests: 5 / s, peak: 3, busy: requests * peak}", False),
        (
            "requests",
            "estimates: {requests: 5 / s}\nfaults: {more: {at: 60 s, surge: ask, by: 4x, for: 1 min}}",
            False,
        ),
        ("{total: 5M, shape: {0 s: 1, 60 s: 1}}", "", False),
    ],
)
def test_a_peak_is_known_by_name_by_shape_or_by_surge(rate: str, rest: str, said: bool) -> None:
    text = (
        "requirements: {users: {user: asks}}\ncomponents: {app: {kind: service}}\n"
        f"flows: {{ask: {{from: user, rate: {rate}, steps: [{{app: 1 ms}}]}}}}\n{rest}\n"
    )
    assert ("TS612" in {p.code for p in found(text)}) == said


def test_an_empty_design_is_not_vague() -> None:
    assert found("") == ()


@given(st.sampled_from([VAGUE_RULES[code].bad_text for code in CODES]))
def test_problems_come_in_the_order_of_the_file(text: str) -> None:
    places = [problem.place for problem in found(text)]
    assert places == sorted(places)
