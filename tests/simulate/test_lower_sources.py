"""What starts a flow, how often, and what a pause between two flows becomes."""

from __future__ import annotations

from math import exp
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulate.lower_designs import all_of, flow_of, lowered, only
from toscale.design.load import load
from toscale.engine.laws import Law
from toscale.engine.model import After, Clock, Get, Poisson, Span, Trace, Users
from toscale.simulate.lower import lower
from toscale.simulate.lowering import Found, Unknown
from toscale.simulate.lowering.presence import presence
from toscale.simulate.lowering.sources import traffic

HEAD = """
toscale: 1
requirements:
  users: {user: somebody}
  non_functional: {%s}
estimates: {writes: 100 to 400 / s, chance: 55%%, growing: 10, users_rate: growing * 1 / s}
components: {app: {kind: service, replicas: 5}, kv: {kind: key_value, ttl: 100 s}, q: {kind: queue}, w: {kind: worker}}
data: {feed: {stored in: kv, fields: {id: uuid key}}}
"""


def of(flows: str, *, conditions: str = "", more: str = "", **level: object):
    return lowered(HEAD % conditions + f"flows:\n{flows}\n{more}", **level)  # type: ignore[arg-type]


WRITE = "  f: {from: user, rate: writes, steps: [{app: 1 ms}]}\n"


def test_a_rate_is_taken_at_its_median_and_at_its_own_95th_percentile() -> None:
    assert of(WRITE).rates["f"] == pytest.approx(
        200, rel=1e-3
    )  # of a lognormal: the geometric mean of the ends
    assert of(WRITE, at="upper").rates["f"] == pytest.approx(400, rel=1e-3)


def test_growth_multiplies_the_estimates_that_grow_and_what_follows_from_them() -> None:
    flows = "  f: {from: user, rate: users_rate, steps: [{app: 1 ms}]}\n  g: {from: user, rate: 3 / s, steps: [{app: 1 ms}]}\n"
    grown = of(flows, more="growth: {of: growing, curve: [1x, 10x]}", multiple=10.0)
    assert grown.rates == {"f": pytest.approx(100.0), "g": pytest.approx(3.0)}


def test_without_growth_the_rates_themselves_are_multiplied_and_that_is_said() -> None:
    grown = of("  f: {from: user, rate: 3 / s, steps: [{app: 1 ms}]}\n", multiple=10.0)
    assert grown.rates == {"f": pytest.approx(30.0)}
    assert any("all rates are multiplied by 10" in note.text for note in grown.notes)


def test_a_total_with_a_shape_has_the_total_below_its_lines() -> None:
    source = flow_of(
        of(
            "  f: {from: user, rate: {total: 9000, shape: {0 s: 0, 30 s: 24, 3 min: 9, 10 min: 0}}, steps: [{app: 1 ms}]}\n"
        )
    ).source
    assert isinstance(source, Poisson)
    area = sum(
        (t1 - t0) * (r0 + r1) / 2
        for t0, t1, r0, r1 in zip(
            source.times, source.times[1:], source.rates, source.rates[1:], strict=False
        )
    )
    assert source.times == (0.0, 30.0, 180.0, 600.0)
    assert area == pytest.approx(9000)


def test_a_clock_ticks_in_each_replica() -> None:
    result = of("  f: {every: 20 s, per: app, steps: [{app: 1 ms}]}\n")
    assert flow_of(result).source == Clock(20.0, 5)
    assert result.rates["f"] == pytest.approx(0.25)


def test_a_flow_without_a_rate_is_said_and_left_out() -> None:
    result = of("  f: {from: user, steps: [{app: 1 ms}]}\n")
    assert "nobody says how often" in result.left_out["f"]
    assert isinstance(result.find(_subject("f")), Unknown)


def _subject(flow: str):
    from toscale.design.conditions import OfFlow

    return OfFlow(flow)


AFTER = WRITE + "  g: {after: [f, g], chance: chance, wait: %s, steps: [{app: 1 ms}]}\n"


def test_a_short_wait_is_waited_for() -> None:
    source = flow_of(of(AFTER % "500 ms exponential"), "g").source
    assert source == After(("f", "g"), 0.55, Law.exponential(0.5))


def test_a_long_pause_becomes_a_poisson_process_with_the_rate_of_the_traffic_equations() -> None:
    result = of(AFTER % "25 s exponential")
    assert result.rates["g"] == pytest.approx(200 * 0.55 / 0.45, rel=1e-3)
    assert any("Poisson process of its own rate" in note.text for note in result.notes)


def test_a_pause_that_a_condition_is_measured_over_is_waited_for() -> None:
    result = of(AFTER % "25 s exponential", conditions="soon: p99(f until g) <= 1 min")
    assert isinstance(flow_of(result, "g").source, After)
    assert result.model.spans == (Span("f", "g"),)


def test_a_run_that_begins_and_ends_waits_for_every_pause() -> None:
    result = of(AFTER % "25 s exponential", more="run: {for: 10 min, start: empty}")
    assert isinstance(flow_of(result, "g").source, After)


def test_a_loop_without_end_is_left_out() -> None:
    result = of(WRITE + "  g: {after: [f, g], wait: 25 s, steps: [{app: 1 ms}]}\n")
    assert "without end" in result.left_out["g"]


def test_a_key_that_was_put_in_before_the_pauses_is_there_while_they_are_shorter_than_the_ttl() -> None:
    flows = (
        "  f: {from: user, rate: writes, steps: [{app: 1 ms, then: [{kv: put feed}]}]}\n"
        "  g: {after: [f, g], chance: chance, wait: 25 s exponential, steps: [{app: 1 ms, then: [{kv: get feed, name: page, "
        "miss: [{run: f}]}]}]}\n"
    )
    # a geometric number of exponential pauses is an exponential one with the mean 25 s / (1 - 0.55)
    assert only(Get, of(flows), "g").present == pytest.approx(1 - exp(-100 * 0.45 / 25), rel=1e-4)


@given(st.floats(0.0, 0.9), st.floats(1.0, 200.0))
def test_presence_after_geometric_exponential_pauses(chance: float, mean: float) -> None:
    followers = {"g": After(("f", "g") if chance > 0 else ("f",), 1.0, Law.exponential(mean))}
    rates = {"f": 1.0, "g": chance / (1 - chance)}  # so that this share of the starts of g comes after g
    expected = 1 - exp(-100.0 * (1 - chance) / mean)
    assert presence("g", 100.0, frozenset({"f"}), followers, rates) == pytest.approx(expected, abs=2e-4)


def test_presence_of_fixed_pauses_counts_those_that_fit_into_the_ttl() -> None:
    followers = {"g": After(("f",), 1.0, Law.fixed(30.0)), "h": After(("g",), 1.0, Law.fixed(80.0))}
    rates = {"f": 1.0, "g": 1.0, "h": 1.0}
    assert presence("g", 100.0, frozenset({"f"}), followers, rates) == pytest.approx(1.0)
    assert presence("h", 100.0, frozenset({"f"}), followers, rates) == pytest.approx(0.0)
    assert presence("h", None, frozenset({"f"}), followers, rates) == pytest.approx(1.0)


@given(st.floats(0.1, 1e5), st.floats(0, 0.95), st.floats(0, 0.95))
def test_traffic_of_a_chain_and_a_loop(rate: float, loop: float, onward: float) -> None:
    rates = traffic({"a": rate}, {"b": After(("a", "b"), loop), "c": After(("b",), onward)})
    assert rates["b"] == pytest.approx(rate * loop / (1 - loop), rel=1e-6, abs=1e-9)
    assert rates["c"] == pytest.approx(rate * loop / (1 - loop) * onward, rel=1e-6, abs=1e-9)


def test_traffic_that_nothing_is_known_of_or_that_has_no_end() -> None:
    assert traffic({}, {"b": After(("a",), 0.5)}) == {"b": None}
    assert traffic({"a": 1.0}, {"b": After(("a", "b"), 1.0)}) == {"b": None}


def test_the_places_where_conditions_are_measured() -> None:
    from toscale.design.conditions import OfBound, OfComponent, OfStep, OfSystem
    from toscale.design.conditions import Span as DesignSpan
    from toscale.design.flow import Event, FlowDone

    flows = (
        "  f: {from: user, rate: writes, steps: [{app: 1 ms, name: work, then: [{q: send feed}]}]}\n"
        "  g: {from: q, steps: [{w: 1 ms}]}\n"
    )
    result = of(flows, conditions="soon: p99(f until g) <= 1 min")
    assert result.find(_subject("f")) == Found("flow", "f")
    assert result.find(OfStep("f", "work", "f/work")) == Found("step", "work")
    assert result.find(DesignSpan(FlowDone("f"), "g")) == Found("span", "f until g")
    assert result.find(OfComponent("app")) == Found("component", "app")
    for subject in (
        DesignSpan(FlowDone("g"), "f"),
        DesignSpan(Event("s", "opens"), "g"),
        OfBound("x"),
        OfSystem(),
        OfComponent("kv"),
    ):
        unknown = result.find(subject)
        assert isinstance(unknown, Unknown)
        assert unknown.because


def test_all_flows_of_a_queue_start_from_roots_only() -> None:
    flows = WRITE + "  g: {from: q, steps: [{w: 1 ms, then: [{q: send feed}]}]}\n"
    result = of(flows)
    assert "g" in result.left_out  # it only feeds itself
    assert [flow.name for flow in result.model.flows] == ["f"]
    assert not all_of(Get, result)


def test_users_who_think_are_a_closed_loop_and_grow_with_the_load() -> None:
    flows = "  f: {from: user, rate: {users: 20, think: 2 s exponential}, steps: [{app: 1 ms}]}\n"
    assert flow_of(of(flows)).source == Users(20, Law.exponential(2.0))
    assert flow_of(of(flows, multiple=3.0)).source == Users(60, Law.exponential(2.0))
    assert of(flows).rates == {"f": None}
    assert not of(flows).not_simulated


@pytest.mark.parametrize(("number", "word"), [("0", "less than one"), ("10M", "too many")])
def test_too_few_or_too_many_users_are_refused(number: str, word: str) -> None:
    result = of(f"  f: {{from: user, rate: {{users: {number}, think: 2 s}}, steps: [{{app: 1 ms}}]}}\n")
    assert word in result.left_out["f"]


def test_a_trace_is_read_beside_the_design(tmp_path: Path) -> None:
    (tmp_path / "moments.csv").write_text("# seconds\n0.5, GET\n1.25\n\n7\n")
    design = tmp_path / "d.design.yaml"
    flows = "  f: {from: user, rate: {trace: moments.csv}, steps: [{app: 1 ms}]}\n"
    design.write_text(dedent(HEAD % "" + f"flows:\n{flows}"))
    assert flow_of(lower(load(design))).source == Trace((0.5, 1.25, 7.0))
    assert flow_of(lower(load(design), multiple=2.0)).source == Trace((0.25, 0.625, 3.5))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("2\n1\n", "ascend"),
        ("1700000000\n1700000050\n", "time of day"),
        ("", "no values"),
        ("soon\n", "no number"),
        ("-1\n", "negative"),
        (None, "no file"),
    ],
)
def test_a_trace_that_cannot_be_replayed_says_why(tmp_path: Path, text: str | None, word: str) -> None:
    if text is not None:
        (tmp_path / "moments.csv").write_text(text)
    design = tmp_path / "d.design.yaml"
    flows = "  f: {from: user, rate: {trace: moments.csv}, steps: [{app: 1 ms}]}\n"
    design.write_text(dedent(HEAD % "" + f"flows:\n{flows}"))
    result = lower(load(design))
    assert word in result.left_out["f"]
    assert result.not_simulated[0].place.line > 0
