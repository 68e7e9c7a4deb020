"""From counts to figures: what each flow, named step, span and component shows, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from toscale.engine.model import Model, Outcome
from toscale.engine.state import TICK
from toscale.engine.tables import Guarded
from toscale.quantity.formatting import format_number
from toscale.simulate.replications import Outcome as Went
from toscale.simulate.replications import Sampled, growing, piling_up
from toscale.simulate.result import (
    PERCENTILES,
    CallResult,
    ComponentResult,
    Ending,
    Figure,
    FlowResult,
    Latency,
    Overload,
    RunResult,
    Series,
)
from toscale.simulate.statistics import EDGES, half_width, percentile, ratio
from toscale.theory import Twin

CAUSES = {
    int(Outcome.REFUSED): "refused",
    int(Outcome.FAILED): "failed",
    int(Outcome.TIMED_OUT): "timed out",
    int(Outcome.BUSY): "busy",
    int(Outcome.ENDED): "answered with an error",
}
_POINTS = 200  # of a latency curve, at most


def run_result(
    model: Model,
    names: tuple[str, ...],
    twin: Twin,
    went: Went,
    precision: float,
    quantiles: Mapping[str, set[float]],
    guarded: tuple[Guarded, ...] = (),
    flights: tuple[str, ...] = (),
) -> RunResult:
    """The figures of one load. `quantiles`: further ones that conditions ask for, by flow, step or span;
    `guarded`: the calls with breakers, hedges or budgets; `flights`: the components that coalesce misses.
    """
    if went.sampled is None:
        reason = went.bound or "nothing was measured"
        return RunResult(
            flows={},
            components={},
            ending=went.ending,
            overloads=tuple(_theory_overloads(twin)),
            simulated=went.measured,
            warm_up=went.warm_up,
            replications=went.replications,
            requests=went.requests,
            events=went.events,
            notes=(f"Nothing is known of this load: {reason}.",),
        )
    reader = _Reader(model, names, twin, went.sampled, precision, quantiles)
    overloads = tuple(reader.overloads()) if went.ending is not Ending.BOUND else ()
    return RunResult(
        flows=reader.flows(bool(overloads)),
        components=reader.components(flights),
        ending=Ending.OVERLOADED if overloads else went.ending,
        overloads=overloads,
        simulated=went.measured,
        warm_up=went.warm_up,
        replications=went.replications,
        requests=went.requests,
        events=went.events,
        notes=_notes(went),
        series=reader.series(),
        calls=reader.calls(guarded),
    )


def _notes(went: Went) -> tuple[str, ...]:
    notes = [f"The run was not made longer: {went.bound}."] if went.bound else []
    if went.requests == 0:
        notes.append("No request began in the time that was simulated.")
    return tuple(notes)


def tightness(
    names: tuple[str, ...], sampled: Sampled, precision: float, quantiles: Mapping[str, set[float]]
) -> float:
    """The largest relative half width, of the mean and the p99 of each meter and of the quantiles asked for,
    over `precision`.

    A figure that is not known yet asks for four times the run. Meters that piled up, or counted nothing, ask
    for nothing.
    """
    piles = piling_up(sampled)
    worst = 0.0
    for k, name in enumerate(names):
        rows = sampled.meters[:, k]
        done = rows["done"].astype(np.float64)
        if done.sum() == 0 or piles[k]:
            continue
        ended = done + rows["causes"].sum(axis=1)
        figures = [ratio(rows["total"], done, TICK), percentile(sampled.cumulated[:, k], done, 0.99)]
        figures += [percentile(sampled.cumulated[:, k], ended, q) for q in quantiles.get(name, ())]
        for figure in figures:
            half = half_width(figure)
            if half is not None:
                worst = max(worst, half / precision)
            elif figure is not None and figure.value is None and "not answered" in (figure.reason or ""):
                continue
            else:
                worst = max(worst, 2.0)
    return worst


class _Reader:
    def __init__(
        self,
        model: Model,
        names: tuple[str, ...],
        twin: Twin,
        sampled: Sampled,
        precision: float,
        quantiles: Mapping[str, set[float]],
    ) -> None:
        self.model, self.names, self.twin, self.sampled = model, names, twin, sampled
        self.precision, self.quantiles = precision, quantiles
        self.batches = len(sampled.meters)
        self.time = np.full(self.batches, sampled.seconds)
        self.piles = piling_up(sampled)

    def seen(self, figure: Figure | None, reason: str, tight: bool = True) -> Figure:
        """A figure, with whether it is tight; the reason where there is none."""
        if figure is None:
            return Figure(None, reason=reason)
        half = half_width(figure)
        loose = tight and figure.value is not None and (half is None or half > self.precision)
        return replace(figure, tight=not loose)

    def rate(self, counts: Any, most: float = inf) -> Figure:
        return self.seen(ratio(counts, self.time, most=most), "no time has passed", tight=False)

    # ---- flows -------------------------------------------------------------------------------------------------------

    def flows(self, overloaded: bool) -> dict[str, FlowResult]:
        flows = {f.name for f in self.model.flows}
        spans = {s.name for s in self.model.spans}
        found = {}
        for k, name in enumerate(self.names):
            kind = "flow" if name in flows else "span" if name in spans else "step"
            found[name] = self.meter(k, name, kind, self.piled(k, name, overloaded))
        return found

    def piled(self, k: int, name: str, overloaded: bool) -> bool:
        """A span piles up with the flow at its end, a step with itself."""
        if not overloaded:
            return False
        for span in self.model.spans:
            if span.name == name:
                return any(self.piles[self.names.index(flow)] for flow in (span.first, span.last))
        return bool(self.piles[k])

    def meter(self, k: int, name: str, kind: str, piles: bool) -> FlowResult:
        rows = self.sampled.meters[:, k]
        done = rows["done"].astype(np.float64)
        failed = rows["causes"].sum(axis=1).astype(np.float64)
        ended = done + failed
        cumulated = self.sampled.cumulated[:, k]
        nothing = "no request ended in the time that was simulated"
        if piles:
            latency = self.unbounded()
        else:
            answered = {"mean": self.seen(ratio(rows["total"], done, TICK), nothing)}
            answered |= {
                p: self.seen(percentile(cumulated, done, q), nothing) for p, q in PERCENTILES.items()
            }
            of_all = {p: self.seen(percentile(cumulated, ended, q), nothing) for p, q in PERCENTILES.items()}
            wanted = {
                q: self.seen(percentile(cumulated, ended, q), nothing)
                for q in sorted(self.quantiles.get(name, ()))
            }
            longest = float(self.sampled.longest[k]) * TICK if done.sum() else None
            latency = Latency(answered, of_all, longest, self.curve(cumulated), wanted)
        return FlowResult(
            name=name,
            kind=kind,
            offered=self.rate(rows["started"]),
            completed=self.rate(done),
            failed={
                cause: self.rate(rows["causes"][:, c])
                for c, cause in CAUSES.items()
                if rows["causes"][:, c].any()
            },
            latency=latency,
            availability=self.seen(ratio(done, ended, most=1.0), nothing, tight=False),
            counted=int(done.sum()),
        )

    def unbounded(self) -> Latency:
        grows = Figure(None, reason="grows without bound: more requests arrive than can be served")
        every = {"mean": grows, **dict.fromkeys(PERCENTILES, grows)}
        return Latency(every, dict.fromkeys(PERCENTILES, grows), None, (), {})

    def curve(self, cumulated: Any) -> tuple[tuple[float, float], ...]:
        """The distribution of the answered requests' latency, thinned to what a plot can show."""
        whole = cumulated.sum(axis=0)
        total = int(whole[-1])
        if total == 0:
            return ()
        cells = np.flatnonzero(np.diff(np.concatenate([[0], whole])))
        keep = np.unique(np.linspace(0, len(cells) - 1, min(_POINTS, len(cells))).astype(int))
        return tuple((float(EDGES[c + 1] - TICK), float(whole[c]) / total) for c in cells[keep])

    # ---- components ----------------------------------------------------------------------------------------------

    def components(self, flights: tuple[str, ...]) -> dict[str, ComponentResult]:
        found: dict[str, ComponentResult] = {}
        stores = {s.name: k for k, s in enumerate(self.model.stores)}
        buffers = {b.name: k for k, b in enumerate(self.model.buffers)}
        for k, station in enumerate(self.model.stations):
            found[station.name] = self.station(k)
        nothing = Figure(None, reason="it has no machines in this model")
        for name in (*stores, *buffers):
            found.setdefault(name, ComponentResult(name, *[nothing] * 8))
        for name, k in stores.items():
            rows = self.sampled.stores[:, k]
            hits = self.seen(
                ratio(rows["hits"], rows["gets"], most=1.0), "nothing was asked for", tight=False
            )
            found[name] = replace(found[name], hit_ratio=hits)
        for k, name in enumerate(flights):
            asked, led = (self.sampled.flights[:, k][x].astype(np.float64) for x in ("asked", "led"))
            if name in found:
                joined = self.part(np.maximum(asked - led, 0.0), asked, 1.0)
                found[name] = replace(found[name], coalesced=joined)
        for name, k in buffers.items():
            rows = self.sampled.buffers[:, k]
            depth = self.seen(ratio(rows["depth_time"] * TICK, self.time), "no time has passed", tight=False)
            lag = self.seen(
                ratio(rows["depth_time"], rows["taken"], TICK), "no message was taken", tight=False
            )
            arrivals = self.rate(rows["sent"])
            if found[name].arrivals.value in (None, 0):
                found[name] = replace(found[name], arrivals=arrivals)
            found[name] = replace(found[name], depth=depth, lag=lag)
            buffer = self.model.buffers[k]
            if buffer.most is not None:
                found[name] = replace(found[name], refused=self.rate(rows["refused"]))
            if buffer.deliveries > 1 or buffer.dead is not None:
                again, dead = self.rate(rows["again"]), self.rate(rows["buried"])
                found[name] = replace(found[name], redelivered=again, dead=dead)
            if buffer.keep is not None:
                found[name] = replace(found[name], expired=self.rate(rows["expired"]))
        return found

    def station(self, k: int) -> ComponentResult:
        station = self.model.stations[k]
        rows = self.sampled.stations[:, k]
        machines = station.shards * station.copies if station.shards else station.machines
        busy = rows["busy_time"] * TICK
        unlimited = Figure(None, reason="it has no limit of slots")
        coreless = Figure(None, reason="nobody gave cores")
        slots = unlimited if station.slots is None else self.rate(busy / (machines * station.slots), 1.0)
        cores = (
            coreless
            if station.cores is None
            else self.rate(rows["working_time"] * TICK / (machines * station.cores), 1.0)
        )
        waited = rows["waited"] * TICK
        return ComponentResult(
            name=station.name,
            arrivals=self.rate(rows["arrived"]),
            utilisation=cores if station.slots is None and station.cores is not None else slots,
            core_utilisation=cores,
            busy=self.rate(busy),
            waiting=self.seen(ratio(waited, rows["admitted"]), "nothing arrived", tight=False),
            queue=self.rate(rows["waiting_time"] * TICK),
            refused=self.rate(rows["refused"]),
            abandoned=self.rate(rows["abandoned"]),
        )

    # ---- calls with breakers, hedges and budgets -----------------------------------------------------------------

    def calls(self, guarded: tuple[Guarded, ...]) -> dict[str, CallResult]:
        """By path; a call that is made at several stations (or in several handlers) is counted as one."""
        found: dict[str, CallResult] = {}
        for path in dict.fromkeys(one.path for one in guarded):
            here = [k for k, one in enumerate(guarded) if one.path == path]
            rows = self.sampled.guards[:, here]
            count = {name: rows[name].sum(axis=1).astype(np.float64) for name in rows.dtype.names}
            one = guarded[here[0]]
            callers = sum(guarded[k].callers(self.model) for k in here)
            made = count["calls"] if one.breaker is not None else count["begun"] + count["retries"]
            result = CallResult(path, self.rate(made if made.any() else count["sent"]))
            if one.breaker is not None:
                result = replace(
                    result,
                    cut=self.part(count["cut"], count["calls"], 1.0),
                    open=self.rate(count["open_time"] * TICK / callers, 1.0),
                    opened=self.rate(count["opened"]),
                )
            if one.hedges:
                result = replace(result, hedged=self.part(count["hedged"], count["sent"]))
            if one.budget is not None:
                result = replace(
                    result,
                    retries=self.part(count["retries"], count["begun"]),
                    denied=self.part(count["denied"], count["begun"]),
                )
            found[path] = result
        return found

    def part(self, counts: Any, of: Any, most: float = inf) -> Figure:
        return self.seen(ratio(counts, of, most=most), "no such call was made", tight=False)

    # ---- overload ----------------------------------------------------------------------------------------------------

    def overloads(self) -> list[Overload]:
        """The stations and buffers that fill up, the fastest first; none where nothing piles up."""
        if not growing(self.sampled):
            return []
        found = []
        for parts, grows, what in (
            ([s.name for s in self.model.stations], self.sampled.waiting_growth, "waiting"),
            ([b.name for b in self.model.buffers], self.sampled.depth_growth, "messages"),
        ):
            for k, name in enumerate(parts):
                if self.filling(grows[:, k]):
                    rate = float(grows[:, k].mean())
                    text = f"{name} grows without bound: {_count(rate)} more {what} each second"
                    found.append(Overload(name, rate, text))
        for k, station in enumerate(
            self.model.stations
        ):  # no limit of slots: requests wait for cores, inside
            grows = self.sampled.inside_growth[:, k]
            if station.slots is None and self.all_cores_busy(k) and self.filling(grows):
                rate = float(grows.mean())
                text = f"{station.name} grows without bound: {_count(rate)} more on its cores each second"
                found.append(Overload(station.name, rate, text))
        if not found:
            k = int(np.argmax(self.sampled.growth.mean(axis=0) * self.piles))
            rate = float(self.sampled.growth[:, k].mean())
            found = [
                Overload(
                    self.names[k],
                    rate,
                    f"{self.names[k]} piles up: {_count(rate)} more on their way each second",
                )
            ]
        return sorted(found, key=lambda o: -o.growth)

    def filling(self, growth: Any) -> bool:
        """Whether something grows in every replication, and by so much that it is no accident."""
        return bool(growth.min() > 0 and growth.mean() * self.time.sum() / len(growth) > 50)

    def all_cores_busy(self, k: int) -> bool:
        station = self.model.stations[k]
        if station.cores is None:
            return False
        machines = station.shards * station.copies if station.shards else station.machines
        used = float(self.sampled.stations[:, k]["working_time"].sum()) * TICK
        return used > 0.97 * machines * station.cores * float(self.time.sum())

    # ---- over time ---------------------------------------------------------------------------------------------------

    def series(self) -> Series:
        """The first replication's windows: requests per second and mean latency of each flow, load of each
        station.
        """
        length = self.sampled.series["length"]
        meters, stations = self.sampled.series["meters"], self.sampled.series["stations"]
        windows = len(meters["done"])
        values: dict[str, tuple[float | None, ...]] = {}
        for k, flow in enumerate(self.model.flows):
            done = meters["done"][:, k]
            values[f"{flow.name}: requests per second"] = tuple(
                float(x) / length for x in meters["started"][:, k]
            )
            values[f"{flow.name}: mean latency"] = tuple(
                float(t) / n * TICK if n else None for t, n in zip(meters["total"][:, k], done, strict=True)
            )
        for k, station in enumerate(self.model.stations):
            machines = station.shards * station.copies if station.shards else station.machines
            limit, time = (station.slots, "busy_time") if station.slots else (station.cores, "working_time")
            if limit:
                values[f"{station.name}: utilisation"] = tuple(
                    float(x) * TICK / (length * machines * limit) for x in stations[time][:, k]
                )
        return Series(tuple(k * length for k in range(windows)), values)


def _theory_overloads(twin: Twin) -> list[Overload]:
    return [
        Overload(
            o.name,
            o.excess,
            f"{o.name} is overloaded in theory: {_count(o.excess)} more arrive each second than can be served",
        )
        for o in twin.overloaded
    ]


def _count(rate: float) -> str:
    if rate >= 1e6:
        return format_number(rate)
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
