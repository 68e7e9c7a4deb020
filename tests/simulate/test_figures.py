"""From counts to figures: what a known run must show, by flow and by component, and what is said where nothing is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from toscale.engine.laws import Law
from toscale.engine.model import (
    Buffer,
    Chance,
    Clock,
    Consume,
    Delay,
    End,
    Flow,
    Get,
    If,
    Key,
    Measure,
    Model,
    Outcome,
    Population,
    Put,
    Send,
    Span,
    Station,
    Store,
    Visit,
    Work,
)
from toscale.engine.state import POOL
from toscale.simulate.figures import _looseness
from toscale.simulate.result import PERCENTILES, Figure, RunResult
from toscale.simulate.run import simulate_model

KEYS = Population("k", 1, 10)


def fixed(ms: float) -> Work:
    return Work.of(Law.fixed(ms * 1e-3))


@pytest.fixture(scope="module")
def result() -> RunResult:
    """Ten clocks of 10 Hz: 100 requests a second of 20 ms and a message each; one in five fails in its 5 ms."""
    steps = (
        If("fails", Chance(0.2), (Delay("early", fixed(5)), End("e", Outcome.FAILED))),
        Key("k", "key", KEYS),
        Get("g", "cache", "key", "found", 1.0, KEYS),
        Put("p", "cache", "key", 1.0, KEYS),
        Measure("serving", (Visit("v", "web", fixed(20)),)),
        Send("s", "queue"),
    )
    model = Model(
        stations=(Station("web", machines=2, slots=2), Station("idle", slots=3), Station("worker", cores=1)),
        stores=(Store("cache"),),
        buffers=(Buffer("queue", partitions=4),),
        flows=(
            Flow("flow", Clock(0.1, 10), steps),
            Flow("work", Consume("queue"), (Visit("w", "worker", fixed(2)),)),
        ),
        spans=(Span("flow", "work"),),
    )
    return simulate_model(model, duration=400.0)


def value(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.value is not None
    return figure.value


def test_flows_steps_and_spans_are_told_apart(result: RunResult) -> None:
    assert {name: flow.kind for name, flow in result.flows.items()} == {
        "flow": "flow",
        "work": "flow",
        "serving": "step",
        "flow until work": "span",
    }


def test_rates_are_per_second_and_add_up(result: RunResult) -> None:
    flow = result.flows["flow"]
    assert value(flow.offered) == pytest.approx(100.0, rel=1e-3)
    assert value(flow.completed) + sum(value(f) for f in flow.failed.values()) == pytest.approx(
        100.0, rel=1e-2
    )
    assert set(flow.failed) == {"failed"}
    assert value(flow.availability) == pytest.approx(0.8, abs=0.02)
    assert value(result.flows["work"].offered) == pytest.approx(80.0, rel=0.03)


def test_latency_is_that_of_the_answered_and_percentiles_of_all_count_the_failed(result: RunResult) -> None:
    latency = result.flows["flow"].latency
    assert value(latency.answered["mean"]) == pytest.approx(0.020, rel=0.05)
    assert value(latency.answered["p50"]) == pytest.approx(0.020, rel=0.01)
    assert value(latency.of_all["p50"]) == pytest.approx(0.020, rel=0.01)
    for name in ("p90", "p99", "p999"):  # a fifth is never answered
        assert latency.of_all[name].value is None
        assert "not answered" in (latency.of_all[name].reason or "")
    assert set(latency.answered) == {"mean", *PERCENTILES}
    assert latency.longest is not None
    assert latency.longest >= 0.020


def test_a_histogram_is_a_distribution_function(result: RunResult) -> None:
    for flow in result.flows.values():
        ends, shares = zip(*flow.latency.histogram, strict=True)
        assert list(ends) == sorted(ends)
        assert list(shares) == sorted(shares)
        assert shares[-1] == 1.0


def test_stations_show_their_slots_or_their_cores(result: RunResult) -> None:
    web, worker, idle = (result.components[n] for n in ("web", "worker", "idle"))
    assert value(web.utilisation) == pytest.approx(80 * 0.020 / 4, rel=0.03)
    assert value(web.busy) == pytest.approx(80 * 0.020, rel=0.03)
    assert web.core_utilisation.value is None
    assert "cores" in (web.core_utilisation.reason or "")
    assert value(worker.utilisation) == value(worker.core_utilisation) == pytest.approx(80 * 0.002, rel=0.03)
    assert value(idle.utilisation) == 0.0
    assert idle.waiting.value is None
    assert "nothing arrived" in (idle.waiting.reason or "")


def test_stores_and_queues_show_their_own(result: RunResult) -> None:
    assert value(result.components["cache"].hit_ratio) == pytest.approx(1.0, abs=1e-3)
    assert result.components["cache"].utilisation.value is None
    queue = result.components["queue"]
    assert value(queue.arrivals) == pytest.approx(80.0, rel=0.03)
    assert value(queue.depth) == pytest.approx(value(queue.arrivals) * value(queue.lag), rel=0.05, abs=1e-6)


def test_a_span_is_the_flow_and_what_it_caused(result: RunResult) -> None:
    mean = value(result.flows["flow until work"].latency.answered["mean"])
    assert mean == pytest.approx(0.022, rel=0.06)


def test_every_interval_holds_its_value_and_everything_is_json(result: RunResult) -> None:
    figures = [f for flow in result.flows.values() for f in (flow.offered, flow.completed, flow.availability)]
    figures += [f for flow in result.flows.values() for f in flow.latency.answered.values()]
    for component in result.components.values():
        figures += [
            component.arrivals,
            component.utilisation,
            component.waiting,
            component.queue,
            component.busy,
        ]
    for figure in figures:
        json.dumps(figure.to_json(), allow_nan=False)
        if figure.value is None:
            assert figure.reason
        else:
            assert figure.low is None or figure.low <= figure.value
            assert figure.high is None or figure.value <= figure.high


def test_the_series_is_the_first_replication_by_windows(result: RunResult) -> None:
    series = result.series
    assert series is not None
    assert len(series.starts) > 4
    rates = [v for v in series.values["flow: requests per second"] if v is not None]
    assert sum(rates) / len(rates) == pytest.approx(100.0, rel=0.01)
    for values in series.values.values():
        assert len(values) == len(series.starts)


def test_the_shares_of_a_bound_are_tight_when_they_are_known_to_a_thousandth() -> None:
    """A run goes on until excess and shortfall are known well enough; where nothing was beyond, they are."""
    pools = np.zeros((32, 2), dtype=POOL)
    pools["passed"] = 1000
    assert _looseness(pools, 0.05) == 0.0
    pools["beyond"][:, 0] = np.tile([0, 4], 16)  # 0.2%, give or take 0.07%
    assert 0.0 < _looseness(pools, 0.05) < 1.0
    pools["within"][:, 1] = np.tile([0, 200], 16)  # 9%, give or take 3%
    assert _looseness(pools, 0.05) > 1.0
