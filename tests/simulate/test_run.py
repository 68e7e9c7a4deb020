"""One call from a model to its figures: determinism, progress, precision, percentiles asked for, transient runs."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from toscale.design.load import load
from toscale.engine.laws import Law
from toscale.engine.model import (
    Call,
    Flow,
    Measure,
    Model,
    Outcome,
    Poisson,
    Retry,
    Station,
    Visit,
    Work,
)
from toscale.simulate.replications import Cancelled
from toscale.simulate.result import Ending, RunResult
from toscale.simulate.run import Progress, compile_engine, simulate, simulate_model
from toscale.simulate.statistics import half_width


def shop(rate: float = 300.0) -> Model:
    """A tier whose calls of a database time out now and then."""
    query = Visit("query", "database", Work.of(Law.lognormal(0.01, 1.0)))
    ask = Call("ask", (query,), timeout=0.04, retry=Retry(1), handlers={Outcome.TIMED_OUT: ()})
    serve = Visit("serve", "web", Work.of(Law.exponential(0.004)), body=(Measure("asking", (ask,)),))
    return Model(
        stations=(Station("web", machines=2, slots=8), Station("database", slots=8)),
        flows=(Flow("orders", Poisson.at(rate), (serve,)),),
    )


def test_the_same_seed_gives_the_same_result_on_any_number_of_threads() -> None:
    one, four = (simulate_model(shop(), seed=3, precision=0.1, workers=workers) for workers in (1, 4))
    assert one == four
    assert simulate_model(shop(), seed=4, precision=0.1) != one


@pytest.mark.parametrize("precision", [0.2, 0.05])
def test_intervals_are_as_narrow_as_asked_for(precision: float) -> None:
    result = simulate_model(shop(), precision=precision, quantiles={"orders": {0.9}})
    assert result.ending is Ending.TIGHT
    for name in ("orders", "asking"):
        latency = result.flows[name].latency
        for figure in (latency.answered["mean"], latency.answered["p99"], *latency.quantiles_of_all.values()):
            half = half_width(figure)
            assert half is not None
            assert half <= precision
            assert figure.tight
    assert set(result.flows["orders"].latency.quantiles_of_all) == {0.9}


def test_tighter_takes_longer() -> None:
    loose, tight = (simulate_model(shop(), precision=p).requests for p in (0.1, 0.01))
    assert tight > 4 * loose


def test_a_duration_is_traffic_in_all() -> None:
    result = simulate_model(shop(), duration=80.0)
    assert result.ending is Ending.TIME
    assert result.simulated * result.replications == pytest.approx(80.0)
    assert result.flows["orders"].counted == pytest.approx(80 * 300, rel=0.05)


def test_figures_belong_together() -> None:
    """Little's law, flow by flow and station by station, within the intervals."""
    result = simulate_model(shop(), precision=0.02)
    flow, web = result.flows["orders"], result.components["web"]
    rate, mean = flow.completed.value, flow.latency.answered["mean"].value
    queue, wait, busy = web.queue.value, web.waiting.value, web.busy.value
    assert rate is not None
    assert mean is not None
    assert queue is not None
    assert wait is not None
    assert busy is not None
    assert rate == pytest.approx(300.0, rel=0.02)
    assert queue + busy == pytest.approx(rate * mean, rel=0.02)
    assert queue == pytest.approx(rate * wait, rel=0.05, abs=1e-3)
    assert web.utilisation.value == pytest.approx(busy / 16, rel=1e-9)


def test_progress_goes_on_and_narrows() -> None:
    seen: list[Progress] = []
    simulate_model(shop(), precision=0.02, progress=seen.append, workers=1)
    assert seen
    assert all(0 <= p.fraction <= 1 for p in seen)
    told = [p for p in seen if p.value is not None and p.low is not None and p.high is not None]
    assert told
    widths = [p.high - p.low for p in told if p.high is not None and p.low is not None]
    assert widths[-1] < widths[0] or len(widths) == 1
    assert told[-1].what.startswith("p99(")


def test_cancelling_ends_it() -> None:
    cancelled = threading.Event()

    def stop(_: Progress) -> None:
        cancelled.set()

    with pytest.raises(Cancelled):
        simulate_model(shop(), precision=1e-6, progress=stop, cancelled=cancelled)


def test_a_transient_run_shows_the_whole_curve() -> None:
    """Ten seconds, in the middle of which twice as much comes as can be served; then the queue is served."""
    times, rates = (0.0, 3.0, 3.01, 5.0, 5.01, 10.0), (200.0, 200.0, 1_500.0, 1_500.0, 100.0, 100.0)
    base = shop()
    model = replace(base, flows=(replace(base.flows[0], source=Poisson(rates, times)),))
    result = simulate_model(model, transient=10.0, precision=0.2)
    assert result.simulated == 10.0
    assert result.warm_up == 0.0
    assert not result.overloads
    series = result.series
    assert series is not None
    seen = series.values["orders: requests per second"]
    begun = [
        sum(v for v, t in zip(seen, series.starts, strict=True) if v is not None and a <= t < b)
        for a, b in ((0, 3), (3, 5))
    ]
    assert begun[1] > 3 * begun[0]


def test_overload_is_named_and_its_latency_is_not() -> None:
    result = simulate_model(shop(6_000.0), precision=0.1)
    assert result.ending is Ending.OVERLOADED
    assert result.overloads
    assert result.overloads[0].growth > 100
    assert "grows without bound" in result.overloads[0].text
    mean = result.flows["orders"].latency.answered["mean"]
    assert mean.value is None
    assert mean.reason is not None


@pytest.mark.parametrize("duration", [None, 5.0])
def test_a_run_without_a_request_has_measured_nothing_and_says_so(duration: float | None) -> None:
    result = simulate_model(shop(1e-12), duration=duration)
    assert result.requests == 0
    assert result.ending is Ending.NOTHING
    assert result.flows["orders"].latency.answered["p99"].value is None


def test_a_bound_of_events_is_kept() -> None:
    result = simulate_model(shop(), precision=1e-4, most_events=200_000)
    assert result.ending is Ending.NOT_TIGHT
    assert result.events <= 200_000
    assert result.flows["orders"].latency.answered["mean"].value is not None


def test_a_design_is_simulated_at_both_loads_and_beside_its_theory() -> None:
    design = load("examples/url_shortener.design.yaml")
    found = simulate(design, precision=0.3, most_events=1_500_000)
    assert found.upper is not None
    assert found.median.requests > 1_000
    offered = {name: flow.offered.value for name, flow in found.median.flows.items()}
    above = {name: flow.offered.value for name, flow in found.upper.flows.items()}
    assert any((above[n] or 0) > 1.2 * (offered[n] or 0) for n in offered)
    assert found.defaults


@pytest.mark.parametrize(
    "options", [{"precision": 0.0}, {"precision": 1.0}, {"duration": 0.0}, {"duration": 1e12}]
)
def test_what_cannot_be_asked_for_is_refused(options: dict[str, float]) -> None:
    design = load("examples/url_shortener.design.yaml")
    with pytest.raises(ValueError, match=next(iter(options))):
        simulate(design, **options)  # type: ignore[arg-type]


def test_compiling_again_costs_nothing() -> None:
    compile_engine()
    assert isinstance(simulate_model(shop(), duration=1.0), RunResult)
