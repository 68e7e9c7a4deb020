"""A design in, a simulation out: `simulate(design)` runs it at the median of its rates and at their upper
end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf

from toscale.design.model import Design
from toscale.engine.compiler import compile_model
from toscale.engine.jit import compiled_before
from toscale.engine.laws import Law
from toscale.engine.model import Flow, Model, Poisson, Station, Trace, Visit, Work
from toscale.engine.replay import Replay
from toscale.engine.run import Replication, StoreStart
from toscale.engine.tables import ModelError
from toscale.simulate.compare import disagreements
from toscale.simulate.figures import run_result, tightness
from toscale.simulate.lower import lower
from toscale.simulate.lowering.ledger import Ledger
from toscale.simulate.lowering.lowered import At, Found, Lowered
from toscale.simulate.lowering.values import Values
from toscale.simulate.pace import pace
from toscale.simulate.replications import Sampled, run_until_tight, seed_of
from toscale.simulate.result import Ending, RunResult, Simulation
from toscale.simulate.statistics import half_width, percentile
from toscale.theory import Twin, solve

DEFAULT_PRECISION = 0.05
MOST_EVENTS = 60_000_000
"""The bound on one load's work: some ten seconds on two cores."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one load has come: `fraction` of the planned work, and a figure whose interval narrows."""

    load: str  # median | upper
    fraction: float
    what: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None


def compile_engine() -> float:
    """Compiles the engine, or loads what was compiled before; seconds that it took. Happens once for each
    version.
    """
    began = time.perf_counter()
    work = Visit("warm", "warm", Work.of(Law.exponential(1.0)))
    model = Model(stations=(Station("warm", slots=1),), flows=(Flow("warm", Poisson.at(0.5), (work,)),))
    Replication(model, compile_model(model), "compile", 1.0).run(1)
    return time.perf_counter() - began


def simulate(
    design: Design,
    *,
    seed: int = 1,
    precision: float = DEFAULT_PRECISION,
    duration: float | None = None,
    multiple: float = 1.0,
    upper: bool = True,
    most_events: int = MOST_EVENTS,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
) -> Simulation:
    """Simulates a design that was read without errors.

    Runs until the mean and the p99 of each flow, and each percentile that a condition names, have a 95%
    interval of +- `precision` (relative), or for `duration` seconds of traffic in all, or up to `most_events`
    for each load. `multiple` scales what grows. Rates that are not certain are simulated at their medians and
    (`upper`) each at its own 95th percentile. The figures depend on design, seed and options only, not on
    `workers` (threads; all cores by default). Raises LoweringError where the design cannot be simulated at
    all, with all problems and their places, and `toscale.simulate.replications.Cancelled` after `cancelled`
    was set.
    """
    if not 0 < precision < 1:
        raise ValueError(f"the precision is a share between 0 and 1, not {precision!r}")
    if duration is not None and not 0 < duration < 1e9:
        raise ValueError(f"the duration is a positive number of seconds, not {duration!r}")
    compiled = compile_engine() if not compiled_before() else None
    results: dict[str, RunResult] = {}
    lowered: Lowered | None = None
    twin: Twin | None = None
    for load in ("median", "upper") if upper else ("median",):
        here = lower(design, at="upper" if load == "upper" else "median", multiple=multiple)
        if load == "upper" and lowered is not None and here.model == lowered.model:
            break  # nothing is uncertain
        theory = solve(here.model)
        before = solve(here.model, here.averages) if here.averages else theory
        results[load] = simulate_model(
            with_asked(here.model, before, design.run.start == "empty"),
            seed=seed,
            precision=precision,
            duration=duration,
            transient=lasts(design, here.model, multiple),
            empty=design.run.start == "empty",
            quantiles=quantiles_of(design, here),
            start=stationary_stores(before),
            twin=theory,
            most_events=most_events,
            workers=workers,
            load=load,
            progress=progress,
            cancelled=cancelled,
        )
        if load == "median":
            lowered, twin = here, theory
    assert lowered is not None
    assert twin is not None
    return Simulation(
        median=results["median"],
        upper=results.get("upper"),
        seed=seed,
        precision=precision,
        multiple=multiple,
        disagreements=disagreements(twin, results["median"]),
        defaults=lowered.defaults,
        not_simulated=lowered.not_simulated,
        notes=lowered.notes,
        compiled_in=compiled,
    )


def simulate_model(
    model: Model,
    *,
    seed: int = 1,
    precision: float = DEFAULT_PRECISION,
    duration: float | None = None,
    transient: float | None = None,
    empty: bool = False,
    quantiles: Mapping[str, set[float]] | None = None,
    start: Mapping[str, StoreStart] | None = None,
    twin: Twin | None = None,
    most_events: int = MOST_EVENTS,
    workers: int | None = None,
    load: str = "median",
    progress: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
) -> RunResult:
    """Simulates one model: a stationary run, or with `transient` runs from time 0 to that time.

    `quantiles`: further percentiles (0.999, say) by flow, step or span, to be measured and made tight.
    `start`: the stationary state of its stores, if not that of the twin.
    """
    tables = compile_model(model)
    twin = solve(model) if twin is None else twin
    wanted = quantiles or {}
    latest: list[tuple[str, float, float | None, float | None]] = []

    def judge(sampled: Sampled) -> float:
        return tightness(tables.meters, sampled, precision, wanted)

    def report(fraction: float, sampled: Sampled | None) -> None:
        if progress is None:
            return
        if sampled is not None:
            latest[:] = _narrowing(tables.meters, sampled)
        what, value, low, high = latest[0] if latest else ("", None, None, None)
        progress(Progress(load, fraction, what, value, low, high))

    went = run_until_tight(
        model,
        tables,
        pace(model, twin),
        judge,
        seed=seed,
        start=stationary_stores(twin) if start is None else start,
        duration=duration,
        transient=transient,
        empty=empty,
        most_events=most_events,
        workers=workers,
        report=report,
        cancelled=cancelled,
    )
    result = run_result(model, tables.meters, twin, went, precision, wanted, tables.guards, tables.flights)
    # no interval is wide where there is none
    return replace(result, ending=Ending.NOTHING) if result.requests == 0 else result


def with_asked(model: Model, twin: Twin, empty: bool = False) -> Model:
    """The model with what each of its pools is asked for: the state in which its buckets are when the run begins;
    and with as many machines as the load asks for, unless it begins `empty`.
    """
    if not empty and any(station.scaling or station.instances for station in model.stations):
        model = replace(model, stations=tuple(_grown(s, twin) for s in model.stations))
    if not model.pools:
        return model
    pools = tuple(replace(pool, asked=twin.asked.get(pool.name, 0.0)) for pool in model.pools)
    return replace(model, pools=pools)


def _grown(station: Station, twin: Twin) -> Station:
    """The station with as many machines, or warm instances, at the beginning as the load asks for."""
    if station.instances is not None:
        return replace(
            station, instances=replace(station.instances, begins=twin.instances[station.name].number)
        )
    if station.scaling is None:
        return station
    return replace(station, scaling=replace(station.scaling, begins=twin.stations[station.name].machines))


def replay_of(
    design: Design, *, seed: int = 1, at: At = "median", multiple: float = 1.0
) -> tuple[Replay, float, float]:
    """The first replication that `simulate` makes of a load, to be made again; when its warm-up is over, and
    when it ends at the latest (seconds).
    """
    here = lower(design, at=at, multiple=multiple)
    theory = solve(here.model)
    before = solve(here.model, here.averages) if here.averages else theory
    end = lasts(design, here.model, multiple)
    model = with_asked(here.model, before, design.run.start == "empty")
    replay = Replay(
        model,
        compile_model(model),
        seed_of(seed, 0),
        stationary_stores(before),
        design.run.start == "empty",
    )
    if end is not None:
        return replay, 0.0, end
    return replay, pace(here.model, theory).warm_up, inf


def stationary_stores(twin: Twin) -> dict[str, StoreStart]:
    """The state of each store in which a run begins, as the twin knows it."""
    return {s.name: StoreStart(s.characteristic_time, s.gets) for s in twin.stores.values()}


def lasts(design: Design, model: Model, multiple: float) -> float | None:
    """How long a run with a beginning and an end takes: what the file says, or as long as the rates vary."""
    if design.run.lasts is not None:
        return Values.of(design, "median", multiple, Ledger()).time(design.run.lasts)
    curves = [
        f.source.times[-1]
        for f in model.flows
        if (isinstance(f.source, Poisson) and len(f.source.rates) > 1) or isinstance(f.source, Trace)
    ]
    return max(curves, default=None)


def quantiles_of(design: Design, lowered: Lowered) -> Mapping[str, set[float]]:
    """The quantiles that conditions name, by the meter that shows them."""
    found: dict[str, set[float]] = {}
    for target in design.requirements.targets:
        place = lowered.find(target.subject)
        if (
            target.percentile is not None
            and isinstance(place, Found)
            and place.kind not in ("component", "bound")
        ):
            found.setdefault(place.name, set()).add(target.percentile / 100)
    return found


def _narrowing(
    names: tuple[str, ...], sampled: Sampled
) -> list[tuple[str, float, float | None, float | None]]:
    """The p99 whose interval is the widest."""
    found = []
    for k, name in enumerate(names):
        done = sampled.meters[:, k]["done"]
        figure = percentile(sampled.cumulated[:, k], done, 0.99)
        half = half_width(figure)
        if figure.value is not None and half is not None:
            found.append((half, (f"p99({name})", figure.value, figure.low, figure.high)))
    return [max(found)[1]] if found else []


__all__ = [
    "DEFAULT_PRECISION",
    "MOST_EVENTS",
    "ModelError",
    "Progress",
    "compile_engine",
    "replay_of",
    "lasts",
    "quantiles_of",
    "simulate",
    "simulate_model",
    "stationary_stores",
]
