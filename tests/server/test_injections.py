"""What is thrown in changes what is computed, by the design's own words; what cannot be computed is refused."""

from __future__ import annotations

import pytest

from toscale.design import Design
from toscale.interview.state import Injection
from toscale.server.compute import QuickJob, ThrowJob, quick, throwable
from toscale.server.injections import HOW, apply
from toscale.simulate.lower import lower
from toscale.theory import solve

TEXT = """\
title: A counter
requirements:
  users: {visitor: looks, bot: looks, crowd: looks}
estimates:
  visits: 2M to 4M / day
components:
  app: {kind: service, replicas: 9, cores: 2}
flows:
  look: {from: visitor, rate: visits in 1/s, steps: [{app: 5 ms}]}
  scan: {from: bot, rate: {users: 20, think: 5 s}, steps: [{app: 5 ms}]}
  rush: {from: crowd, rate: {total: 1000, shape: {0 s: 0, 1 min: 1, 2 min: 0}}, steps: [{app: 5 ms}]}
  then: {after: look, steps: [{app: 1 ms}]}
faults:
  the app goes: {lose: app}
growth: {of: visits, curve: [1x, 10x]}
"""


def thrown(*pairs):
    return tuple(Injection(number, kind, text, 1, 0) for number, (kind, text) in enumerate(pairs, 1))


def rates(applied):
    return {
        name: flow.rate
        for name, flow in solve(lower(applied.design, multiple=applied.multiple).model).flows.items()
    }


@pytest.fixture(scope="module")
def design():
    return Design.from_text(TEXT)


def test_growth_multiplies_what_grows_and_adds_up(design):
    applied = apply(design, thrown(("growth", "10x"), ("growth", "2x")))
    assert applied.multiple == 20
    assert rates(applied)["look"] == pytest.approx(20 * rates(apply(design, ()))["look"])
    assert not applied.refused


@pytest.mark.parametrize("text", ["{surge: look, by: 4x}", "surge: look, by: 4x", "surge: look\nby: 4"])
def test_a_surge_is_of_one_flow_and_of_what_it_causes(design, text):
    before, after = rates(apply(design, ())), rates(apply(design, thrown(("surge", text))))
    assert after["look"] == pytest.approx(4 * before["look"])
    assert after["then"] == pytest.approx(4 * before["then"])
    assert after["rush"] == pytest.approx(before["rush"])


def test_a_surge_of_all_reaches_every_kind_of_rate(design):
    applied = apply(design, thrown(("surge", "3x")))
    before, after = rates(apply(design, ())), rates(applied)
    assert not applied.refused
    for name in ("look", "rush"):
        assert after[name] == pytest.approx(3 * before[name], rel=0.02), name
    assert applied.design.flows["scan"].trigger.rate.users.text == "(20) * 3.0"
    assert design.flows["look"].trigger.rate.text == "visits in 1/s", "the design itself is not touched"


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("growth", "a lot", "no multiple"),
        ("growth", "0x", "above 0"),
        ("growth", "1e9x", "at most"),
        ("growth", "5 ms", "write a multiple"),
        ("surge", "{surge: lok, by: 4x}", "Did you mean `look`"),
        ("surge", "{surge: then, by: 4x}", "what starts it"),
        ("surge", "{surge: look, by: 4x, at: 60 s}", "leave out `at`"),
        ("surge", "{surge: look}", "factor"),
        ("surge", "{lose: app}", "a fault, not a surge"),
        ("surge", "{surge: look, bye: 4x}", "bye"),
        ("fault", "{lose: ap}", "Did you mean `app`"),
        ("fault", "the cat", "No fault of the design is called"),
        ("fault", "{lose: app, slow: app}", ""),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(design, kind, text, why):
    applied = apply(design, thrown((kind, text)))
    assert applied.refused.keys() == {1}
    assert why in applied.refused[1]
    assert throwable(ThrowJob(TEXT, (), *thrown((kind, text)))) == applied.refused[1]


def test_one_that_is_refused_keeps_no_other_out(design):
    applied = apply(design, thrown(("growth", "nonsense"), ("growth", "3x")))
    assert applied.refused.keys() == {1}
    assert applied.multiple == 3


@pytest.mark.parametrize("text", ["{lose: app}", "the app goes"])
def test_a_fault_counts_as_computed_when_the_simulation_carries_it_out(design, text):
    """Whatever the engine has learnt by now: the answer says what lowering says, and the fault is in the design."""
    (new,) = thrown(("fault", text))
    applied = apply(design, (new,))
    assert not applied.refused
    left_out = {one.path for one in lower(applied.design).not_simulated}
    name = "the app goes" if text == "the app goes" else "thrown in 1"
    assert name in applied.design.faults
    (said,) = quick(QuickJob(TEXT, (new,))).answer["injections"]
    assert said["computed"] == (f"faults/{name}" not in left_out)
    assert (said["why"] is None) == said["computed"]


def test_a_curveball_is_for_people(design):
    (new,) = thrown(("curveball", "It must work offline."))
    assert throwable(ThrowJob(TEXT, (), new)) is None
    (said,) = quick(QuickJob(TEXT, (new,))).answer["injections"]
    assert not said["computed"]
    assert "people" in said["why"]


def test_a_text_that_does_not_read_refuses_nothing():
    assert throwable(ThrowJob("title: [", (), *thrown(("growth", "nonsense")))) is None


def test_each_kind_of_injection_has_its_line():
    from typing import get_args

    from toscale.interview.events import InjectionKind

    assert HOW.keys() == set(get_args(InjectionKind))


@pytest.mark.parametrize(
    "text", ["", "title: [", "a: 1", "\x00", "flows: {x: {from: y}}", TEXT.replace("9", "-9")]
)
def test_the_quick_answer_has_problems_or_figures_and_never_raises(text):
    found = quick(QuickJob(text))
    assert "problems" in found.answer
    if found.answer.get("theory") is None:
        assert not found.simulable
