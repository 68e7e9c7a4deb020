"""A verdict follows from the figures by rules that anyone can check by hand: here as truth tables, with hand-made figures."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.design.load import read_design
from toscale.design.model import Design
from toscale.requirements.verdicts import Status, Verdict, judge
from toscale.simulate.lowering.lowered import NotSimulated
from toscale.simulate.result import (
    PERCENTILES,
    ComponentResult,
    Ending,
    Figure,
    FlowResult,
    Latency,
    Overload,
    RunResult,
    Simulation,
)

SHOP = """
requirements:
  users: {buyer: buys}
  non_functional:
    target: CONDITION
estimates: {orders: RATE, peak: 2}
components:
  edge: {kind: load_balancer}
  app: {kind: service, replicas: 4, concurrency: 8}
  stock: {kind: database, connections: 10}
  mails: {kind: queue}
  mailer: {kind: worker}
flows:
  buy:
    from: buyer
    rate: orders * peak
    steps:
      - edge > app: 2 ms
        name: serve
        then: [stock: read seat, mails: send mail]
  look:
    from: buyer
    rate: orders
    steps: [{edge > app: 1 ms}]
  help:
    from: buyer
    rate: orders
    steps: [{edge: 1 ms}]
  send mails:
    from: mails
    steps: [{mailer: 5 ms}]
data:
  seat: {stored in: stock, how many: 100}
  mail: {stored in: mails}
growth: {of: orders, curve: [1x, 10x]}
prices: {app: 0.1 USD / hour each}
"""


def design(condition: str, rate: str = "10 to 20 / s") -> Design:
    return read_design(SHOP.replace("CONDITION", condition).replace("RATE", rate)).sound()


NONE = Figure(None, reason="not measured")


def exact(value: float) -> Figure:
    return Figure(value, value, value)


def flow(name: str, kind: str = "flow", **parts: Figure) -> FlowResult:
    """A flow all of whose percentiles are `p`, and whose other figures are given or harmless."""
    p = parts.get("p", exact(0.1))
    return FlowResult(
        name,
        kind,
        parts.get("offered", exact(10.0)),
        parts.get("completed", exact(10.0)),
        {},
        Latency({**dict.fromkeys(PERCENTILES, p), "mean": p}, dict.fromkeys(PERCENTILES, p), p.value),
        parts.get("availability", exact(1.0)),
        10_000,
    )


def component(name: str, **parts: Figure) -> ComponentResult:
    figures = (
        "arrivals",
        "utilisation",
        "core_utilisation",
        "busy",
        "waiting",
        "queue",
        "refused",
        "abandoned",
    )
    values = {figure: parts.get(figure, NONE) for figure in figures}
    return ComponentResult(name, **values, lag=parts.get("lag"), depth=parts.get("depth"))


def run(*results: FlowResult | ComponentResult, ending: Ending = Ending.TIGHT, **parts: object) -> RunResult:
    flows = {r.name: r for r in results if isinstance(r, FlowResult)}
    components = {r.name: r for r in results if isinstance(r, ComponentResult)}
    overloads = parts.get("overloads", ())
    assert isinstance(overloads, tuple)
    return RunResult(flows, components, ending, overloads, 60.0, 1.0, 1, 10_000, 100_000)


def simulated(median: RunResult, upper: RunResult | None = None, multiple: float = 1.0) -> Simulation:
    return Simulation(median, upper, 1, 0.05, multiple)


def verdict(
    condition: str, median: RunResult, upper: RunResult | None = None, rate: str = "10 to 20 / s"
) -> Verdict:
    (found,) = judge(design(condition, rate), simulated(median, upper))
    return found


# ---- the four statuses


@pytest.mark.parametrize(
    ("median", "upper", "status"),
    [
        (0.100, 0.140, Status.MET),
        (0.150, 0.150, Status.MET),  # the bound itself is allowed by <=
        (0.100, 0.160, Status.AT_RISK),
        (0.160, 0.200, Status.MISSED),
        (0.160, 0.140, Status.MISSED),
        (None, 0.140, Status.UNKNOWN),
        (None, 0.200, Status.UNKNOWN),
        (0.100, None, Status.UNKNOWN),
        (0.160, None, Status.MISSED),
    ],
)
def test_status_by_the_values_at_both_loads(
    median: float | None, upper: float | None, status: Status
) -> None:
    figures = [NONE if value is None else exact(value) for value in (median, upper)]
    found = verdict("p99(buy) <= 150 ms", *(run(flow("buy", p=figure)) for figure in figures))
    assert found.status is status
    assert (found.median, found.upper) == tuple(figures)
    assert found.reason


@pytest.mark.parametrize(
    ("comparator", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
        ("=", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_every_comparator(comparator: str, below: bool, equal: bool, above: bool) -> None:
    for value, holds in ((0.9, below), (1.0, equal), (1.1, above)):
        seen = run(flow("buy", p=exact(value)))
        found = verdict(f"p99(buy) {comparator} 1 s", seen, seen)
        assert found.status is (Status.MET if holds else Status.MISSED), (comparator, value)


def test_certain_rates_need_no_upper_end() -> None:
    seen = run(flow("buy"))
    assert verdict("p99(buy) <= 150 ms", seen, None, rate="10 / s").status is Status.MET
    uncertain = verdict("p99(buy) <= 150 ms", seen, None, rate="10 to 20 / s")
    assert uncertain.status is Status.UNKNOWN
    assert "upper end was not simulated" in uncertain.reason


# ---- precision


@pytest.mark.parametrize(
    ("value", "low", "high", "tight", "status", "close"),
    [
        (0.140, 0.130, 0.149, True, Status.MET, False),
        (0.140, 0.130, 0.149, False, Status.MET, False),  # wide, and yet all on one side
        (0.148, 0.140, 0.156, True, Status.MET, True),
        (0.152, 0.145, 0.159, True, Status.MISSED, True),
        (0.148, 0.100, 0.196, False, Status.UNKNOWN, False),
        (0.200, 0.160, 0.240, False, Status.MISSED, False),
        (0.148, 0.140, None, True, Status.MET, True),  # an open end may lie anywhere
        (0.148, None, 0.149, True, Status.MET, False),  # ... but an open lower end is on the right side
    ],
)
def test_a_target_inside_the_interval(
    value: float, low: float | None, high: float | None, tight: bool, status: Status, close: bool
) -> None:
    seen = run(flow("buy", p=Figure(value, low, high, tight=tight)))
    found = verdict("p99(buy) <= 150 ms", seen, seen)
    assert (found.status, found.close) == (status, close)
    assert ("close" in found.reason) == close


@given(st.floats(0.001, 10), st.floats(0, 0.5), st.floats(0.001, 10))
def test_where_the_interval_tells_its_width_does_not_matter(
    value: float, width: float, threshold: float
) -> None:
    figure = Figure(value, value * (1 - width), value * (1 + width), tight=False)
    assert figure.low is not None
    assert figure.high is not None
    seen = run(flow("buy", p=figure))
    found = verdict(f"p99(buy) <= {threshold * 1000:.12f} ms", seen, seen)
    if figure.high < threshold * (1 - 1e-6):
        assert found.status is Status.MET
    elif figure.low > threshold * (1 + 1e-6):
        assert found.status is Status.MISSED
    elif width > 1e-3:
        assert found.status in (Status.UNKNOWN, Status.MET, Status.MISSED)
        strictly_inside = figure.low < threshold * (1 - 1e-6) and figure.high > threshold * (1 + 1e-6)
        assert not strictly_inside or found.status is Status.UNKNOWN


# ---- failures


@pytest.mark.parametrize(
    ("availability", "percentile", "status"),
    [
        (0.97, "p99", Status.MISSED),  # 3% fail, p99 leaves out 1%
        (0.97, "p95", Status.UNKNOWN),  # p95 has a value, which is not in the figures here
        (0.995, "p99", Status.UNKNOWN),
    ],
)
def test_a_failed_request_is_never_answered_in_time(
    availability: float, percentile: str, status: Status
) -> None:
    seen = run(flow("buy", p=Figure(None, reason="beyond the histogram"), availability=exact(availability)))
    found = verdict(f"{percentile}(buy) <= 150 ms", seen, seen)
    assert found.status is status
    if status is Status.MISSED:
        assert "3% of the requests are never answered, more than the 1% that p99 leaves out" in found.reason
        assert found.median is not None
        assert found.median.value is None


def test_the_mean_is_of_the_answered_and_says_so_and_the_longest_of_all() -> None:
    seen = run(flow("buy", availability=exact(0.98)))
    mean = verdict("mean(buy) <= 150 ms", seen, seen)
    assert mean.status is Status.MET
    assert "2% were not" in mean.reason
    longest = verdict("max(buy) <= 150 ms", seen, seen)
    assert longest.status is Status.MISSED
    assert "never answered" in longest.reason


def test_a_longest_time_may_be_exceeded_by_a_longer_run() -> None:
    seen = run(flow("buy", p=exact(0.1)))
    assert verdict("max(buy) <= 50 ms", seen, seen).status is Status.MISSED
    met = verdict("max(buy) <= 150 ms", seen, seen)
    assert (met.status, met.close) == (Status.MET, True)


def test_a_percentile_beyond_the_usual_ones() -> None:
    odd = flow("buy")
    odd = replace(odd, latency=replace(odd.latency, quantiles_of_all={0.97: exact(0.1)}))
    assert verdict("p97(buy) <= 150 ms", run(odd), run(odd)).status is Status.MET
    missing = verdict("p98(buy) <= 150 ms", run(odd), run(odd))
    assert missing.status is Status.UNKNOWN
    assert "p98 was not measured" in missing.reason
    assert verdict("p99.9(buy) <= 150 ms", run(odd), run(odd)).status is Status.MET


# ---- measures


@pytest.mark.parametrize(
    ("condition", "figures", "status"),
    [
        ("availability(buy) >= 99.9%", {"availability": exact(0.9995)}, Status.MET),
        ("availability(buy) >= 99.9%", {"availability": exact(0.998)}, Status.MISSED),
        ("error_rate(buy) <= 0.1%", {"availability": exact(0.9995)}, Status.MET),
        ("error_rate(buy) <= 0.1%", {"availability": exact(0.998)}, Status.MISSED),
        ("throughput(buy) >= 9 / s", {"completed": exact(10.0)}, Status.MET),
        ("throughput(buy) >= 11 / s", {"completed": exact(10.0)}, Status.MISSED),
    ],
)
def test_measures_of_a_flow(condition: str, figures: dict[str, Figure], status: Status) -> None:
    seen = run(flow("buy", **figures))
    assert verdict(condition, seen, seen).status is status


def test_an_error_rate_has_the_interval_of_the_availability_turned_round() -> None:
    seen = run(flow("buy", availability=Figure(0.99, 0.98, 0.995)))
    found = verdict("error_rate(buy) <= 5%", seen, seen).median
    assert found is not None
    assert found.value == pytest.approx(0.01)
    assert found.low == pytest.approx(0.005)
    assert found.high == pytest.approx(0.02)


def test_a_step_and_a_span_are_found_by_their_kind() -> None:
    seen = run(
        flow("serve", "step", p=exact(0.01)),
        flow("buy until send mails", "span", p=exact(2.0)),
        flow("buy", p=exact(9.0)),
    )
    assert verdict("p99(serve) <= 20 ms", seen, seen).status is Status.MET
    assert verdict("p99(buy until send mails) <= 3 s", seen, seen).status is Status.MET
    assert verdict("p99(buy until send mails) <= 1 s", seen, seen).status is Status.MISSED


def test_a_component_is_as_full_as_what_runs_out_first() -> None:
    slots = run(component("app", utilisation=exact(0.5), core_utilisation=exact(0.8)))
    found = verdict("utilisation(app) <= 70%", slots, slots)
    assert found.status is Status.MISSED
    assert "of its cores" in found.reason
    assert verdict("utilisation(app) <= 85%", slots, slots).status is Status.MET


def test_lag_and_depth_of_a_queue() -> None:
    seen = run(component("mails", lag=exact(3.0), depth=exact(40.0)))
    assert verdict("lag(mails) <= 5 s", seen, seen).status is Status.MET
    assert verdict("depth(mails) <= 30", seen, seen).status is Status.MISSED


def test_an_uncertain_value_is_taken_at_the_level_of_the_rates() -> None:
    # `orders` is 10 to 20 / s: the geometric mean is its median, 20 its 95th percentile.
    median, upper = run(flow("buy", completed=exact(14.2))), run(flow("buy", completed=exact(19.0)))
    found = verdict("throughput(buy) >= orders", median, upper)
    assert found.status is Status.AT_RISK
    assert found.threshold == pytest.approx((math.sqrt(200), 20.0), rel=1e-6)


# ---- what is not known


def test_what_was_not_simulated_is_unknown_with_the_reason() -> None:
    empty = run()
    for condition, reason in (
        ("p99(buy) <= 150 ms", "`buy` was not simulated"),
        ("utilisation(app) <= 70%", "`app` was not simulated"),
        ("staleness(stock) <= 1 s", "`stock` was not simulated"),
        ("p99(buy) at 10x <= 150 ms", "10x"),
    ):
        found = verdict(condition, empty, empty)
        assert found.status is Status.UNKNOWN
        assert reason in found.reason


def test_a_flow_that_was_left_out_says_why() -> None:
    text = "it takes a bounded thing"
    simulation = replace(
        simulated(run(), run()), not_simulated=(NotSimulated(text, flow="buy", left_out=True),)
    )
    (found,) = judge(design("p99(buy) <= 150 ms"), simulation)
    assert found.status is Status.UNKNOWN
    assert text in found.reason


def test_a_verdict_says_what_its_flow_was_simulated_without() -> None:
    without = NotSimulated("Locks are not simulated.", flow="buy"), NotSimulated("Nor is this.", flow="look")
    seen = run(flow("buy"))
    (found,) = judge(design("p99(buy) <= 150 ms"), replace(simulated(seen, seen), not_simulated=without))
    assert found.status is Status.MET
    assert "Locks are not simulated" in found.reason
    assert "Nor is this" not in found.reason


def test_what_holds_during_a_fault_that_was_not_simulated_is_unknown() -> None:
    text = SHOP.replace("CONDITION", "p99(buy) during it is slow <= 1 s").replace("RATE", "10 / s")
    shop = read_design(text + "faults: {it is slow: {at: 5 s, slow: stock, by: 10x, for: 1 min}}\n").sound()
    (found,) = judge(shop, simulated(run(flow("buy"))))
    assert found.status is Status.UNKNOWN
    assert "the fault was not simulated: run `toscale faults`" in found.reason


def test_a_multiple_is_judged_by_its_own_simulation() -> None:
    slow, quick = run(flow("buy", p=exact(0.4))), run(flow("buy", p=exact(0.1)))
    shop = design("p99(buy) at 10x <= 150 ms")
    (unknown,) = judge(shop, {1.0: simulated(quick, quick)})
    (missed,) = judge(shop, {1.0: simulated(quick, quick), 10.0: simulated(slow, slow, 10.0)})
    assert unknown.status is Status.UNKNOWN
    assert "--at 10x" in unknown.reason
    assert missed.status is Status.MISSED


def test_a_value_grows_with_its_estimates() -> None:
    seen = run(flow("buy", completed=exact(100.0)))
    (found,) = judge(
        design("throughput(buy) at 10x >= orders", rate="9 / s"), {10.0: simulated(seen, None, 10.0)}
    )
    assert found.threshold == pytest.approx((90.0, 90.0))
    assert found.status is Status.MET


def test_a_run_that_measured_nothing_is_unknown() -> None:
    seen = run(flow("buy"), ending=Ending.BOUND)
    found = verdict("p99(buy) <= 150 ms", seen, seen)
    assert found.status is Status.UNKNOWN
    assert "before it had measured anything" in found.reason


# ---- overload

OVERLOAD = (Overload("stock", 12.0, "stock grows without bound, 12 more waiting each second"),)


def overloaded(**parts: Figure) -> RunResult:
    return run(
        flow("buy", **parts),
        flow("look", **parts),
        flow("help", **parts),
        flow("send mails", **parts),
        ending=Ending.OVERLOADED,
        overloads=OVERLOAD,
    )


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("buy", Status.MISSED),  # calls what is overloaded
        ("look", Status.UNKNOWN),  # shares `app`, which fills up with those that wait for it
        ("help", Status.MET),  # shares a load balancer only, which holds nothing
        ("send mails", Status.MET),  # another part of the system
    ],
)
def test_an_overload_concerns_those_who_wait_for_it(name: str, status: Status) -> None:
    seen = overloaded()
    found = verdict(f"p99({name}) <= 150 ms", seen, seen)
    assert found.status is status
    if status is Status.MISSED:
        assert "12 more waiting each second" in found.reason
    if status is Status.UNKNOWN:
        assert "`stock` grows without bound" in found.reason


def test_what_is_missed_while_something_else_grows_is_missed() -> None:
    seen = overloaded(p=exact(0.4))
    assert verdict("p99(look) <= 150 ms", seen, seen).status is Status.MISSED


def test_under_overload_throughput_is_what_comes_out() -> None:
    seen = overloaded(completed=exact(8.0))
    assert verdict("throughput(buy) >= 7 / s", seen, seen).status is Status.MET
    assert verdict("throughput(buy) >= 9 / s", seen, seen).status is Status.MISSED


def test_availability_under_overload_can_be_missed_but_not_met() -> None:
    assert verdict("availability(buy) >= 99%", *[overloaded()] * 2).status is Status.UNKNOWN
    failing = overloaded(availability=exact(0.5))
    assert verdict("availability(buy) >= 99%", failing, failing).status is Status.MISSED


def test_an_overload_at_the_upper_end_only_is_a_risk() -> None:
    found = verdict("p99(buy) <= 150 ms", run(flow("buy")), overloaded())
    assert found.status is Status.AT_RISK
    assert "without bound" in found.reason


def test_a_queue_grows_with_the_worker_that_cannot_keep_up() -> None:
    seen = run(
        component("mails", lag=exact(3.0)),
        flow("send mails"),
        flow("buy"),
        flow("buy until send mails", "span"),
        ending=Ending.OVERLOADED,
        overloads=(Overload("mailer", 2.0, ""),),
    )
    assert verdict("lag(mails) <= 5 s", seen, seen).status is Status.MISSED
    assert verdict("p99(buy until send mails) <= 5 s", seen, seen).status is Status.MISSED
    assert (
        verdict("p99(buy) <= 5 s", seen, seen).status is Status.MET
    )  # it is acknowledged once it is in the queue


# ---- cost


def test_an_unpriced_component_leaves_a_cost_open_unless_it_is_too_much_already() -> None:
    # 4 x 0.1 USD / hour is 292.2 USD / month of 730.5 hours; edge, stock, mails and mailer have no price.
    open_, missed = (verdict(f"cost <= {most} USD / month", run(), run()) for most in (300, 200))
    assert open_.status is Status.UNKNOWN
    assert "`stock`" in open_.reason
    assert missed.status is Status.MISSED
    assert missed.median is not None
    assert missed.median.value == pytest.approx(0.4 / 3600)


# ---- JSON


@given(
    st.one_of(st.none(), st.floats(0, 1e6)),
    st.sampled_from(
        ["p99(buy) <= 150 ms", "availability(buy) >= 99%", "lag(mails) <= 1 s", "cost <= 1 USD / month"]
    ),
    st.booleans(),
)
def test_json_holds_neither_nan_nor_infinity(value: float | None, condition: str, grows: bool) -> None:
    figure = NONE if value is None else Figure(value, value / 2, None)
    seen = run(
        flow("buy", p=figure, availability=figure),
        component("mails", lag=figure),
        ending=Ending.OVERLOADED,
        overloads=OVERLOAD if grows else (),
    )
    said = verdict(condition, seen, seen).to_json()
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert set(said) >= {"text", "name", "status", "median", "upper", "reason"}
    assert said["status"] in {"met", "at risk", "missed", "unknown"}
