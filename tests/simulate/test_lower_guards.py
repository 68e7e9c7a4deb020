"""Breakers, hedges and budgets of a file: what they become, what is taken from a default, and their figures."""

from __future__ import annotations

import json

import pytest

from toscale.document.as_json import run_json, text_of
from toscale.document.figures import DASH
from toscale.document.simulated_tables import calls_table
from toscale.engine.model import Breaker, Call, Hedge, Outcome, Retry
from toscale.simulate.run import simulate

from .lower_designs import design_of, lowered, one_flow, only

COMPONENTS = "{app: {kind: service, replicas: 2, concurrency: 50}, slow: {kind: service, replicas: 1, concurrency: 1, queue: 0}}"


def design(policies: str, rate: str = "200 / s", time: str = "20 ms fixed") -> str:
    """Calls of 20 ms at a place for one at a time: most are refused."""
    steps = f"[{{app: 1 ms, then: [{{slow: {time}, {policies}, failed: [go on], refused: [go on]}}]}}]"
    return one_flow(components=COMPONENTS, steps=steps, rate=rate)


def call_of(policies: str) -> Call:
    return only(Call, lowered(design(policies)))


def test_a_breaker_has_its_share_its_times_and_a_default_with_its_source() -> None:
    text = design("breaker: {opens at: 40% errors over 3 s, tries again after: 2 s}")
    result = lowered(text)
    call = only(Call, result)
    everything = (Outcome.REFUSED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.ENDED)
    assert call.breaker == Breaker(0.4, 3.0, 2.0, 20, everything)
    (default,) = [d for d in result.defaults if "breaker" in d.what]
    assert "Hystrix" in default.source
    assert result.not_simulated == ()


def test_what_the_file_says_is_taken() -> None:
    call = call_of("breaker: {opens at: 40% errors over 3 s, tries again after: 2 s, at least: 5}")
    assert call.breaker is not None
    assert call.breaker.least == 5
    assert call_of("hedge: {after: 10 ms}").hedge == Hedge(0.01, 1)
    assert call_of("hedge: {after: 10 ms, at most: 3}").hedge == Hedge(0.01, 3)
    assert call_of("retry: {times: 2, budget: 15%}").retry == Retry(2, budget=0.15)


@pytest.mark.parametrize(
    ("policies", "because"),
    [
        ("breaker: {opens at: 40% errors over 0 s, tries again after: 2 s}", "over a time"),
        ("hedge: {after: 10 ms, at most: 1000}", "at most 100"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(policies: str, because: str) -> None:
    result = lowered(design(policies))
    (found,) = [one for one in result.not_simulated if one.left_out and because in one.text]
    assert found.place.line > 0


def test_their_figures_reach_json_and_the_tables() -> None:
    """Two callers, most of whose calls are refused: their breakers are open most of the time."""
    policies = (
        "breaker: {opens at: 30% errors over 1 s, tries again after: 0.5 s}, "
        "retry: {times: 2, backoff: 1 ms, budget: 10%}"
    )
    simulation = simulate(design_of(design(policies)), duration=400.0)
    (path,) = simulation.median.calls
    call = simulation.median.calls[path]
    assert call.cut is not None
    assert call.open is not None
    assert call.retries is not None
    assert call.hedged is None
    assert call.cut.value is not None
    assert call.open.value is not None
    assert call.cut.value > 0.5
    assert call.open.value == pytest.approx(call.cut.value, abs=0.05)
    assert call.retries.value == pytest.approx(0.1, abs=0.005)
    said = json.loads(text_of(run_json(simulation.median)))["calls"][path]
    assert set(said) == {"calls", "cut", "open", "opened", "retries", "denied"}
    assert said["cut"]["value"] == call.cut.value
    table = calls_table(simulation)
    assert [row[0] for row in table.rows] == [path]
    assert "Hedged" not in [column.head for column in table.columns]
    assert DASH not in table.rows[0]


def test_a_design_without_them_has_no_such_table() -> None:
    simulation = simulate(design_of(design("timeout: 1 s")), duration=10.0)
    assert simulation.median.calls == {}
    assert calls_table(simulation).rows == ()
