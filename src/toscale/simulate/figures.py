"""From counts to figures: what each flow, named step, span and component shows, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from toscale.engine.model import Model, Outcome, Pool
from toscale.engine.state import TICK
from toscale.engine.tables import Guarded
from toscale.quantity.formatting import format_number
from toscale.simulate.machine_time import machine_time, machines, machines_of, scaler_of
from toscale.simulate.replications import Outcome as Went
from toscale.simulate.replications import Sampled, growing, piling_up
from toscale.simulate.result import (
    PERCENTILES,
    BoundResult,
    CallResult,
    ComponentResult,
    ConnectionResult,
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
SMALL = 0.001
"""A share beyond, or short of, a bound is known well enough when it is known to so much of the whole."""
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
    begins_calm = went.asked is not None and not twin.overloaded  # what fills up is no overload then
    overloads = tuple(reader.overloads()) if went.ending is not Ending.BOUND and not begins_calm else ()
    ending = went.ending if not begins_calm or went.ending is not Ending.OVERLOADED else Ending.NOT_TIGHT
    return RunResult(
        flows=reader.flows(bool(overloads)),
        components=reader.components(flights),
        bounds=reader.bounds(),
        ending=Ending.OVERLOADED if overloads else ending,
        overloads=overloads,
        simulated=went.measured,
        warm_up=went.warm_up,
        replications=went.replications,
        requests=went.requests,
        events=went.events,
        notes=_notes(went),
        series=reader.series(),
        connections=reader.connections(),
        calls=reader.calls(guarded),
    )


def _notes(went: Went) -> tuple[str, ...]:
    notes = [f"The run was not made longer: {went.bound}."] if went.bound else []
    if went.asked is not None:
        notes.append(
            f"Only {went.warm_up:.2g} s of warm-up are within the bound of events, instead of the "
            f"{went.asked:.2g} s that theory asks for: what takes longer than that begins too calm."
        )
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
    return max(worst, _looseness(sampled.pools, precision))


def _looseness(pools: Any, precision: float) -> float:
    """How far from tight the shares beyond and short of the bounds are, at worst."""
    worst = 0.0
    for k in range(pools.shape[1]):
        for figure in _shares(pools[:, k]):
            if figure is not None and figure.value and figure.low is not None and figure.high is not None:
                worst = max(worst, (figure.high - figure.low) / 2 / max(precision * figure.value, SMALL))
    return worst


def _shares(rows: Any) -> tuple[Figure | None, Figure | None]:
    """Of a bounded thing: let through beyond the bound, of what that allows; refused within it, of all within."""
    beyond, within = rows["beyond"].astype(np.float64), rows["within"].astype(np.float64)
    allowed = rows["passed"] - beyond
    return ratio(beyond, allowed), ratio(within, allowed + within, most=1.0)


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
        spans = {s.name for s in self.model.spans} | {p.swept for p in self.model.pools}
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
            latency = self.unbounded(name)
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

    def unbounded(self, name: str) -> Latency:
        reason = "grows without bound: more requests arrive than can be served"
        ends = next(((s.first, s.last) for s in self.model.spans if s.name == name), (name,))
        theory = [self.twin.flows[flow].latency for flow in ends if flow in self.twin.flows]
        if self.twin.overloaded and theory and None not in theory:
            reason = (
                "too few of its requests came to their end before what grows without bound filled the memory"
            )
        grows = Figure(None, reason=reason)
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
            found.setdefault(name, ComponentResult(name, *(nothing,) * 8))
        for name in dict.fromkeys(lock.station for lock in self.model.locks):
            if name in found:
                waiting, refused = self.locks(name)
                found[name] = replace(found[name], lock_waiting=waiting, lock_refused=refused)
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
        for k, replicated in enumerate(self.model.replicated):
            rows = self.sampled.replicated[:, k]
            stale = self.share(ratio(rows["stale"], rows["read"], most=1.0), "nothing was read at a copy")
            behind = ratio(rows["behind"], rows["copied"], TICK)
            behind = self.seen(behind, "nothing was written", tight=False)
            found[replicated.station] = replace(found[replicated.station], stale=stale, staleness=behind)
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
        busy = rows["busy_time"] * TICK
        unlimited = Figure(None, reason="it has no limit of slots")
        coreless = Figure(None, reason="nobody gave cores")
        slots = unlimited if station.slots is None else self.share_of(busy, k, station.slots)
        cores = (
            coreless
            if station.cores is None
            else self.share_of(rows["working_time"] * TICK, k, station.cores)
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
            **machines(self.model, k, self.sampled, self.rate, self.part),
        )

    def share_of(self, used: Any, k: int, each: int) -> Figure:
        """The share that is used of what the machines have, `each` of them."""
        if scaler_of(self.model, k) is None:
            return self.rate(used / (machines_of(self.model.stations[k]) * each), 1.0)
        there = ratio(used, self.machine_time(k) * each, most=1.0)
        return self.seen(there, "no machine was there", tight=False)

    def machine_time(self, k: int) -> Any:
        return machine_time(self.model, k, self.sampled.scalers["serving_time"] * TICK, self.time)

    # ---- bounded things --------------------------------------------------------------------------------------------

    def bounds(self) -> dict[str, BoundResult]:
        return {pool.name: self.bound(k, pool) for k, pool in enumerate(self.model.pools)}

    def bound(self, k: int, pool: Pool) -> BoundResult:
        rows = self.sampled.pools[:, k]
        spent = Figure(None, reason="what is taken is spent, not held")
        nobody = Figure(None, reason="nobody stood in line")
        excess, shortfall = _shares(rows)
        lined = rows["joined"].any() or rows["lined_time"].any()
        held, line = self.rate(rows["held_time"] * TICK), self.rate(rows["lined_time"] * TICK)
        return BoundResult(
            name=pool.name,
            taken=self.rate(rows["taken"]),
            refused=self.rate(rows["refused"]),
            held=held if pool.refill is None else spent,
            line=line if lined else nobody,
            wait=self.seen(
                ratio(rows["waited"], rows["served"], TICK), "nobody got theirs from a line", False
            )
            if lined
            else nobody,
            excess=self.share(excess),
            shortfall=self.share(shortfall),
        )

    def share(self, figure: Figure | None, nothing: str = "nobody asked for it") -> Figure:
        """A share that may well be 0: tight where it is known to the precision, or to SMALL of the whole."""
        if figure is None or figure.value is None or figure.low is None or figure.high is None:
            return self.seen(figure, nothing, tight=False)
        half = (figure.high - figure.low) / 2
        return replace(figure, tight=half <= max(self.precision * figure.value, SMALL))

    def locks(self, station: str) -> tuple[Figure, Figure]:
        """The mean wait for a component's locks, all of them together, and the share of those refused."""
        own = [k for k, lock in enumerate(self.model.locks) if lock.station == station]
        rows = {
            name: self.sampled.locks[name][:, own].sum(axis=1).astype(np.float64)
            for name in ("waited", "granted", "refused")
        }
        nothing = "nobody asked for a lock"
        waiting = ratio(rows["waited"], rows["granted"], TICK)
        refused = ratio(rows["refused"], rows["refused"] + rows["granted"], most=1.0)
        return self.seen(waiting, nothing, tight=False), self.seen(refused, nothing, tight=False)

    def connections(self) -> dict[str, ConnectionResult]:
        found = {}
        machines = {s.name: s.machines for s in self.model.stations}
        for k, held in enumerate(self.model.connections):
            rows = self.sampled.connections[:, k]
            fullest = self.seen(ratio(rows["fullest"], rows["windows"]), "no time has passed", tight=False)
            number = rows["open_time"] * TICK
            weighed = ratio(rows["fullest"] * held.memory, rows["windows"]) if held.memory else None
            found[held.name] = ConnectionResult(
                name=held.name,
                component=held.station,
                held=self.rate(number),
                opened=self.rate(rows["opened"]),
                closed=self.rate(rows["closed"]),
                lost=self.rate(rows["lost"]),
                refused=self.rate(rows["refused"]),
                each=self.rate(number / machines[held.station]),
                fullest=fullest,
                memory=self.seen(weighed, "nobody gave the `memory` of one", tight=False),
                limit=held.limit,
            )
        return found

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
        if not found and self.twin.overloaded:  # it was too short to show where
            return _theory_overloads(self.twin)
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
        used = float(self.sampled.stations[:, k]["working_time"].sum()) * TICK
        return used > 0.97 * float(self.machine_time(k).sum()) * station.cores

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
            serving = self.sampled.series["serving"] * TICK
            there = machine_time(self.model, k, serving, np.full(windows, length))
            limit, time = (station.slots, "busy_time") if station.slots else (station.cores, "working_time")
            if limit:
                values[f"{station.name}: utilisation"] = tuple(
                    float(x) * TICK / (y * limit) if y else None
                    for x, y in zip(stations[time][:, k], there, strict=True)
                )
            if station.scaling is not None:
                values[f"{station.name}: machines"] = tuple(float(x) / length for x in there)
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
