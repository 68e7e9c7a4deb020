"""From the windows of a fault's replications to its figures: curves, phases, and when all is as it was.

A window is out of order for a flow where more requests took longer than TOLERANCE times the p99 of before, or
failed, than before and by more than chance explains. The flow has recovered after the last such window, if
STEADY windows follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np

from toscale.engine.model import Model
from toscale.engine.run import Readings
from toscale.engine.state import TICK
from toscale.engine.timeline import What
from toscale.quantity.formatting import format_quantity
from toscale.quantity.units import TIME
from toscale.simulate.fault_result import FaultComponent, FaultFlow, FaultRun, Recovery
from toscale.simulate.figures import run_result
from toscale.simulate.machine_time import machine_time
from toscale.simulate.replications import Outcome as Went
from toscale.simulate.replications import Sampled, sample_readings
from toscale.simulate.result import Ending, Figure, RunResult
from toscale.simulate.statistics import EDGES, percentile, quantile_at, ratio
from toscale.theory import Twin

__all__ = ["Course", "Windows", "fault_run", "part"]

TOLERANCE = 1.1
STEADY = 3
_SIGMAS = 4.0
_SHARE = 1e-4
"""A share of failures that is smaller is none."""
_HITS = 0.01
"""A hit ratio that is lower by less is as it was."""
_PRECISION = 0.05
_MORE = 0.5
"""Half a machine more, on the mean of the replications, is more machines."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The time of a run that is looked at: `lead` seconds before the fault begins, in windows of `length`, after
    a warm-up that is forgotten. `begins` and `ends` are the fault's on the clock of the file.
    """

    warm_up: float
    length: float
    lead: float
    begins: float
    ends: float | None

    @property
    def first(self) -> int:
        """The window in which the fault begins."""
        return int(self.lead / self.length + 1e-6)

    @property
    def zero(self) -> float:
        """Zero of the file's clock on that of the run."""
        return self.warm_up + self.lead - self.begins

    def of_length(self, length: float, before: int) -> Windows:
        """The same time in windows of this length, so many of them before the fault."""
        return replace(self, length=length, lead=before * length)

    def start(self, window: int) -> float:
        """The beginning of a window, on the clock of the file."""
        return self.begins - self.lead + window * self.length


@dataclass(frozen=True, eq=False)
class Course:
    """The windows that all replications have gone through, and what they tell."""

    model: Model
    names: tuple[str, ...]
    windows: Windows
    readings: list[Readings]
    events: int
    bound: str | None
    baseline: list[Readings] | None = None  # of the same run without the fault

    @property
    def count(self) -> int:
        return self.readings[0].windows

    @cached_property
    def histogram(self) -> Any:
        """(windows, meters, cells), all replications together."""
        return np.sum([r.histogram for r in self.readings], axis=0, dtype=np.int64)

    @cached_property
    def done(self) -> Any:
        return _increments(self.readings, "done")

    @cached_property
    def failed(self) -> Any:
        return _increments(self.readings, "failed")

    @cached_property
    def usual(self) -> tuple[Any, Any]:
        """What each meter should be, by window and meter: the p99 in seconds, and the share that fails."""
        if self.baseline is not None:
            histogram: Any = np.sum([r.histogram for r in self.baseline], axis=0, dtype=np.int64)
            done, failed = _increments(self.baseline, "done"), _increments(self.baseline, "failed")
        else:
            first = max(self.windows.first, 1)
            histogram = np.sum(self.histogram[:first], axis=0)[None]
            done = self.done[:first].sum(axis=0)[None]
            failed = self.failed[:first].sum(axis=0)[None]
        p99: Any = np.zeros(done.shape)
        for w in range(len(done)):
            for k in range(done.shape[1]):
                p99[w, k] = _p99(histogram[w, k], done[w, k]) if done[w, k] else np.inf
        share = failed / np.maximum(done + failed, 1)
        shape = (self.count, done.shape[1])
        if self.baseline is not None:
            return p99[: self.count], share[: self.count]
        return np.broadcast_to(p99, shape), np.broadcast_to(share, shape)

    @cached_property
    def out_of_order(self) -> Any:
        """(windows, meters): whether a window is other than before."""
        p99, share = self.usual
        done, failed = self.done, self.failed
        limits: Any = np.searchsorted(EDGES, TOLERANCE * p99, side="left")
        longer = np.zeros(done.shape)
        for w in range(self.count):
            for k in range(done.shape[1]):
                longer[w, k] = self.histogram[w, k, min(limits[w, k], len(EDGES) - 1) :].sum()
        expected = 0.01 * done
        slow = longer > expected + _SIGMAS * np.sqrt(expected) + 2
        ended = done + failed
        usual = share * ended
        failing = failed > usual + _SIGMAS * np.sqrt(usual) + _SHARE * ended + 2
        before = np.arange(self.count)[:, None] < self.windows.first
        return (slow | failing) & ~before

    def recovery(self, meters: list[int]) -> Recovery:
        """When these meters are as they were, for good."""
        windows = self.windows
        bad = np.flatnonzero(self.out_of_order[:, meters].any(axis=1))
        if len(bad) == 0:
            return Recovery(False, 0.0, "nothing is other than before")
        last = int(bad[-1])
        after = windows.start(last + 1) - windows.begins
        if self.count - last - 1 < STEADY:
            seen = windows.start(self.count) - windows.begins
            return Recovery(True, None, f"not recovered {_time(seen)} after it began")
        said = f"{_time(after)} after it began"
        if windows.ends is not None and windows.ends > windows.begins:
            rest = after - (windows.ends - windows.begins)
            if abs(rest) < windows.length / 2:
                said += ", when it ended"
            else:
                said += f", {_time(rest)} after its end" if rest > 0 else ", before its end"
        return Recovery(True, after, said)

    @property
    def recovered(self) -> bool:
        """Whether all flows are as they were."""
        return self.recovery(list(range(len(self.names)))).at is not None

    @property
    def forgotten(self) -> str:
        """Which store that was emptied does not yet hold again what it held, in words; empty where all do."""
        first = max(self.windows.first, 1)
        emptied = self.model.timeline.machines_of(What.EMPTY)
        for k, store in enumerate(self.model.stores):
            if store.name not in emptied:
                continue
            gets, hits = (
                np.sum([np.diff(r.stores[name][:, k]) for r in self.readings], axis=0)
                for name in ("gets", "hits")
            )
            before = hits[:first].sum() / max(gets[:first].sum(), 1)
            now = hits[-STEADY:].sum() / max(gets[-STEADY:].sum(), 1)
            if gets[-STEADY:].sum() and now < before - _HITS:
                return (
                    f"`{store.name}` answered {now:.1%} of what it was asked for when the run ended, "
                    f"{before:.1%} before"
                )
        return ""

    @property
    def remembers(self) -> bool:
        return not self.forgotten


def _increments(readings: list[Readings], what: str) -> Any:
    """Requests that ended in each window, (windows, meters), all replications together."""

    def of(reading: Readings) -> Any:
        meters = reading.meters
        level = meters["done"] if what == "done" else meters["causes"].sum(axis=2)
        return np.diff(level, axis=0)

    return np.sum([of(reading) for reading in readings], axis=0)


def _p99(histogram: Any, done: int) -> float:
    return quantile_at(np.cumsum(histogram), 0.99 * done)


def _time(seconds: float) -> str:
    return format_quantity(seconds, TIME, None, 2)


def part(reading: Readings, first: int, last: int) -> Readings:
    """The windows from `first` to before `last`."""
    return replace(
        reading,
        meters=reading.meters[first : last + 1],
        stations=reading.stations[first : last + 1],
        stores=reading.stores[first : last + 1],
        buffers=reading.buffers[first : last + 1],
        replicated=reading.replicated[first : last + 1],
        retries=reading.retries[first : last + 1],
        histogram=reading.histogram[first:last],
        live=reading.live[first:last],
        scalers=reading.scalers[first : last + 1],
    )


def fault_run(course: Course, twin: Twin, quantiles: Mapping[str, set[float]]) -> FaultRun:
    """All figures of a fault at one load."""
    windows, count = course.windows, course.count
    flows = {name: _flow(course, k, name) for k, name in enumerate(course.names)}
    recovery = course.recovery(list(range(len(course.names))))
    first = windows.first
    if windows.ends is not None and windows.ends > windows.begins:
        over = first + ceil((windows.ends - windows.begins) / windows.length - 1e-9)
    elif recovery.at:
        over = first + round(recovery.at / windows.length)
    else:
        over = count
    over = min(max(over, first + 1), count)

    def phase(begin: int, end: int) -> RunResult:
        readings = [part(reading, begin, end) for reading in course.readings]
        return _phase(course, readings, twin, quantiles)

    return FaultRun(
        begins=windows.begins,
        ends=windows.ends,
        window=windows.length,
        starts=tuple(windows.start(k) for k in range(count)),
        flows=flows,
        components=_components(course),
        before=phase(0, max(first, 1)),
        during=phase(first, over),
        after=phase(over, count) if over < count else None,
        recovery=recovery,
        replications=len(course.readings),
        events=course.events,
        bound=_bound(course),
    )


def _bound(course: Course) -> str | None:
    """Which bound ended the run, and what had not recovered then."""
    if course.bound is None or course.forgotten in course.bound:
        return course.bound
    return f"{course.bound}; {course.forgotten}"


def _phase(
    course: Course, readings: list[Readings], twin: Twin, quantiles: Mapping[str, set[float]]
) -> RunResult:
    """The figures of a phase. What piles up in it does so for a while only: nothing is without bound."""
    sampled = sample_readings(readings, batches=1)
    names = ("growth", "waiting_growth", "inside_growth", "depth_growth")
    still: Sampled = replace(sampled, **{n: np.zeros_like(getattr(sampled, n)) for n in names})
    went = Went(
        sampled=still,
        ending=Ending.TIME,
        measured=readings[0].windows * readings[0].length,
        warm_up=course.windows.warm_up,
        replications=len(readings),
        requests=int(still.meters["started"][:, : len(course.model.flows)].sum()),
        events=course.events,
        bound=None,
    )
    return run_result(course.model, course.names, twin, went, _PRECISION, quantiles)


def _flow(course: Course, k: int, name: str) -> FaultFlow:
    windows, readings, count = course.windows, course.readings, course.count
    first, length, number = windows.first, windows.length, len(course.readings)
    started = np.stack([np.diff(r.meters["started"][:, k]) for r in readings])
    done = np.stack([np.diff(r.meters["done"][:, k]) for r in readings])
    failed = np.stack([np.diff(r.meters["causes"][:, k].sum(axis=1)) for r in readings])
    cells = np.stack([r.histogram[:, k] for r in readings])  # replications, windows, cells
    cumulated = np.cumsum(cells, axis=2)
    ended = done + failed
    p99 = [percentile(cumulated[:, w], done[:, w], 0.99) for w in range(count)]
    p50 = [percentile(cumulated[:, w], done[:, w], 0.5) for w in range(count)]
    shares = [ratio(failed[:, w], ended[:, w], most=1.0) for w in range(count)]
    flow = {f.name: n for n, f in enumerate(course.model.flows)}.get(name)
    nothing = Figure(None, reason="no request ended")
    lost = failed[:, first:].sum(axis=1) - ended[:, first:].sum(axis=1) * (
        failed[:, :first].sum() / max(ended[:, :first].sum(), 1)
    )
    retries: tuple[float | None, ...] = (None,) * count
    amplified = None
    if flow is not None and any(r.retries[-1, flow] for r in readings):
        tried = np.sum([np.diff(r.retries[:, flow]) for r in readings], axis=0)
        began = started.sum(axis=0)
        retries = _ratios(tried, began)
        usual = 1 + tried[:first].sum() / max(began[:first].sum(), 1)
        amplified = max([1 + x for x in retries[first:] if x is not None], default=usual) / usual
    spans = {span.name for span in course.model.spans}
    return FaultFlow(
        name=name,
        kind="flow" if flow is not None else "span" if name in spans else "step",
        offered=tuple(float(x) for x in started.sum(axis=0) / length / number),
        completed=tuple(float(x) for x in done.sum(axis=0) / length / number),
        failed_share=tuple(None if s is None else s.value for s in shares),
        p50=tuple(figure.value for figure in p50),
        p99=tuple(figure.value for figure in p99),
        p99_low=tuple(figure.low for figure in p99),
        p99_high=tuple(figure.high for figure in p99),
        worst_p99=_worst(p99[first:]) or nothing,
        worst_failed=_worst([s for s in shares[first:] if s is not None]) or nothing,
        lost=_mean(np.maximum(lost, 0.0)),
        retries=retries,
        amplified=amplified,
        recovery=course.recovery([k]),
    )


def _worst(figures: list[Figure]) -> Figure | None:
    known = [figure for figure in figures if figure.value is not None]
    return max(known, key=lambda figure: figure.value or 0.0) if known else None


def _mean(values: Any) -> Figure:
    """The mean over the replications with its interval."""
    found = ratio(values, np.ones(len(values)))
    return found if found is not None else Figure(0.0, 0.0, 0.0)


def _ratios(above: Any, below: Any, scale: float = 1.0) -> tuple[float | None, ...]:
    return tuple(float(a) / float(b) * scale if b else None for a, b in zip(above, below, strict=True))


def _components(course: Course) -> dict[str, FaultComponent]:
    """One value for each window, all replications together."""
    length, count = course.windows.length, course.count
    time = length * len(course.readings)
    none: tuple[float | None, ...] = (None,) * count

    def grown(part: str, k: int, name: str) -> Any:
        return np.sum([np.diff(getattr(r, part)[name][:, k]) for r in course.readings], axis=0)

    serving = np.sum([np.diff(r.scalers["serving_time"], axis=0) for r in course.readings], axis=0) * TICK
    found: dict[str, FaultComponent] = {}
    for k, station in enumerate(course.model.stations):
        there = machine_time(course.model, k, serving, np.full(count, time))
        limit, used = (station.slots, "busy_time") if station.slots else (station.cores, "working_time")
        utilisation = none
        if limit:
            utilisation = _ratios(grown("stations", k, used) * TICK, there * limit)
        machines = none if station.scaling is None else tuple(float(x) / time for x in there)
        found[station.name] = FaultComponent(
            name=station.name,
            calls=tuple(float(x) / time for x in grown("stations", k, "arrived")),
            utilisation=utilisation,
            queue=tuple(float(x) * TICK / time for x in grown("stations", k, "waiting_time")),
            hit_ratio=none,
            depth=none,
            machines=machines,
            grown=_grown(course.windows, machines),
        )
    empty = FaultComponent("", none, none, none, none, none, none)
    for k, store in enumerate(course.model.stores):
        hits = _ratios(grown("stores", k, "hits"), grown("stores", k, "gets"))
        found[store.name] = replace(found.get(store.name, empty), name=store.name, hit_ratio=hits)
    for k, replicated in enumerate(course.model.replicated):
        lost = [float(r.replicated["lost"][-1, k] - r.replicated["lost"][0, k]) for r in course.readings]
        found[replicated.station] = replace(
            found[replicated.station],
            stale=_ratios(grown("replicated", k, "stale"), grown("replicated", k, "read")),
            lost_writes=_mean(np.array(lost)),
        )
    for k, buffer in enumerate(course.model.buffers):
        depth = tuple(float(x) * TICK / time for x in grown("buffers", k, "depth_time"))
        found[buffer.name] = replace(found.get(buffer.name, empty), name=buffer.name, depth=depth)
    return found


def _grown(windows: Windows, machines: tuple[float | None, ...]) -> float | None:
    """How long after the fault's beginning as many machines serve as ever do after it; None where no more do."""
    known = [x or 0.0 for x in machines]
    before, after = known[: max(windows.first, 1)], known[windows.first :]
    if not after or max(after) < max(before) + _MORE:
        return None
    reached = next(k for k, x in enumerate(after) if x >= max(after) - _MORE / 2)
    return windows.start(windows.first + reached + 1) - windows.begins
