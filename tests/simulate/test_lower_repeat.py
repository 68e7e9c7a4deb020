"""What a repetition becomes: passes, the time between them, what ends them, and what is done in vain."""

from __future__ import annotations

import pytest

from tests.simulate.lower_designs import all_of, flow_of, lowered, one_flow, only
from toscale.engine.laws import Law
from toscale.engine.model import Chance, Compare, End, Ended, Measure, Outcome, Repeat, Request, Visit
from toscale.simulate.lowering import Lowered

SERVICES = "{app: {kind: service, concurrency: 8}, db: {kind: database}, q: {kind: queue}, w: {kind: worker, concurrency: 4}}"
DATA = """{post: {stored in: db, how many: 1k, popularity: zipf(1), fields: {id: uuid key, author: user}},
  user: {how many: 100, has many: {friends: {of: user, mean: 4, shape: geometric, at most: 50}}}}"""


def of(steps: str, more: str = "") -> Lowered:
    return lowered(one_flow(components=SERVICES, data=DATA, steps=steps, more=more))


def repeat(words: str, steps: str = "[{app: 1 ms}]", more: str = "") -> Repeat:
    return only(Repeat, of(f"[{{repeat: {{{words}}}, steps: {steps}{more}}}]"))


def test_the_words_of_a_repetition() -> None:
    made = repeat('every: "20 s, between 0.8x and 1.2x", until: 30% of the time, at most: 5 times')
    assert made.every is not None
    assert (made.every.mean, made.every.cap, made.every.shape) == (
        pytest.approx(20.0),
        float("inf"),
        "uniform",
    )
    assert made.every.quantile([0.0, 1.0]).tolist() == pytest.approx([16.0, 24.0])  # type: ignore[arg-type]
    assert (made.until, made.times, made.lasts) == ((Chance(0.3),), 5, None)
    lasting = repeat("every: 1 s, until: answered, at most: 2 hours")
    assert (lasting.every, lasting.times, lasting.lasts) == (Law.fixed(1.0), None, 7200.0)
    assert lasting.until == (Ended((Outcome.DONE, Outcome.ANSWERED)),)
    both = repeat("until: [answered, post.author.friends > 3]")
    assert [type(test) for test in both.until] == [Ended, Compare]
    assert both.every is None


def test_what_is_done_in_vain_is_told_from_nothing_that_is() -> None:
    assert repeat("at most: 2 times").in_vain is None
    assert repeat("at most: 2 times", more=", in vain: [go on]").in_vain == ()
    (end,) = repeat("at most: 2 times", more=", in vain: [stop]").in_vain or ()
    assert isinstance(end, End)


def test_a_name_is_that_of_each_pass() -> None:
    result = of("[{repeat: {at most: 2 times}, name: look, steps: [{app: 1 ms}]}]")
    assert [type(step) for step in flow_of(result).steps] == [Repeat]
    (measured,) = only(Repeat, result).body
    assert isinstance(measured, Measure)
    assert result.steps == {"f/look": "look"}


def test_a_pass_of_somebody_is_another_request_and_one_of_a_component_is_not() -> None:
    assert repeat("at most: 2 times", "[{app > db: read post}]").fresh == ("key:post",)
    known = only(Repeat, of("[{db: read post}, {repeat: {at most: 2 times}, steps: [{db: read post}]}]"))
    assert known.fresh == ()
    inside = only(Repeat, of("[{app: 1 ms, then: [{repeat: {at most: 2 times}, steps: [{db: read post}]}]}]"))
    assert inside.fresh == ()


def test_an_answer_ends_one_of_the_requests_that_somebody_makes() -> None:
    """But for the last: behind that the flow is at its end anyway."""
    answer = "then: [{if: 10% of the time, then: [{answer: 404}]}]"
    result = of(f"[{{app: 1 ms, {answer}}}, {{wait: 1 s}}, {{app: 1 ms, {answer}}}]")
    assert [type(step).__name__ for step in flow_of(result).steps] == ["Request", "Pause", "Visit"]
    assert not all_of(Request, of(f"[{{app: 1 ms, {answer}}}]"))
    assert (
        len(all_of(Request, of(f"[{{repeat: {{at most: 2 times}}, steps: [{{app: 1 ms, {answer}}}]}}]"))) == 1
    )
    below = of(f"[{{app: 1 ms, then: [{{db: read post, {answer}}}, {{db: read post}}]}}]")
    assert not all_of(Request, below)


def test_a_time_that_is_too_short_or_no_pass_at_all_is_refused() -> None:
    result = of("[{repeat: {at most: 0 times}, steps: [{app: 1 ms}]}]")
    assert "f" in result.left_out
    assert any("at least one pass" in each.text for each in result.not_simulated)


def test_a_condition_that_is_not_simulated_leaves_the_flow_out() -> None:
    result = of("[{repeat: {until: post is free, at most: 2 times}, steps: [{db: read post}]}]")
    assert [each for each in result.not_simulated if "held" in each.text and each.left_out]
    assert not result.model.flows


def test_a_consumer_repeats_and_its_worker_is_free_in_between() -> None:
    more = "  g: {from: q, steps: [{w: 1 ms, then: [{repeat: {every: 1 s, until: answered}, steps: [{app: 1 ms}]}]}]}\n"
    result = of("[{q: send post}]", more)
    assert not result.not_simulated
    assert only(Repeat, result, "g").every == Law.fixed(1.0)
    assert isinstance(flow_of(result, "g").steps[0], Visit)
