"""Runs a model, replication by replication, until its figures are as tight as wished or a bound is reached.

A run has REPLICATIONS independent replications however many cores there are, so that its figures do not
depend on the machine; threads share them out. After the warm-up, a pilot shows how much the figures vary;
from that the length is planned at which they will be tight, and measured anew: a run that was allowed to end
where its interval happens to be narrow would favour calm runs, and be too low, and too sure (of pilots that
were kept whenever they seemed tight, the p99 was 5% too low at M/M/8). Therefore the pilot is a result only
where it is tight by far; a plan is never short, for the short ones are those of calm pilots, and are kept
again only where they are calm; and plans have a margin, so that few runs must be made longer than planned.
`python -m benchmarks.validate` counts how often the intervals are right.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from toscale.engine.model import Model
from toscale.engine.run import Limits, Readings, Replication, StoreStart
from toscale.engine.state import TICK, Status
from toscale.engine.tables import Tables
from toscale.simulate.pace import Pace
from toscale.simulate.result import Ending

REPLICATIONS = 4
BATCHES = 8
"""Batches of each replication; windows come in multiples of them."""
PILOT_WINDOWS = 16
MOST_WINDOWS = 64
ROUNDS = 5
MARGIN = 1.5
"""Runs are planned so much longer than the variance so far asks for."""
ENOUGH = 0.5
"""A pilot whose intervals are so narrow, against what is wished, is a result already."""
AFRESH = 3.0
"""A run that must become so many times longer begins to measure anew; so does every run after its pilot, which is
then at least so many times as long as that.
"""
LEAP = 16.0
"""No plan is longer than this many times what it rests on: how much so few batches vary is not known so well."""
WARMING, MEASURING = 0.4, 0.7
"""Where the warm-up that theory asks for may not be affordable, with what is to be measured behind it, a beginning
shows what a second costs, which is more when all is full. The warm-up goes on for this part of what seems left then,
and what is measured takes this part of what is left behind that.
"""
_NOT_COUNTED = {"memory", "salt"}  # what rows hold beside counts
_T_9995 = 12.92  # the 99.95% quantile of Student's t with 3 degrees of freedom, for 4 replications
_CHUNK = 1_000_000  # events between two looks at the clock and at the user


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the replications have counted, by batch: all batches of all replications, one after the other.

    `meters`, `stations`, `stores`, `buffers`, `pools`, `locks`, `connections`: record arrays (batches, parts) of
    increments. `cumulated`: (batches, meters, cells), answered requests at or below each cell. `seconds`: each
    batch's length.
    """

    meters: Any
    stations: Any
    stores: Any
    buffers: Any
    pools: Any
    locks: Any
    connections: Any
    cumulated: Any
    seconds: float
    growth: Any  # (replications, meters): requests more on their way, per second
    waiting_growth: Any  # (replications, stations): requests more waiting, per second
    inside_growth: Any  # (replications, stations): requests more inside, per second
    depth_growth: Any  # (replications, buffers)
    longest: Any  # ticks, by meter
    series: Mapping[str, Any]  # (windows, parts) of the first replication, and its window's length
    guards: Any  # (batches, guarded calls) of increments
    flights: Any  # (batches, groups)
    instances: Any  # (batches, functions) of increments
    scalers: Any  # (batches, stations whose machines follow the load) of increments
    tops: Any  # by scaler: the most machines that served at one time
    replicated: Any  # (batches, stations whose copies lag)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the replications went."""

    sampled: Sampled | None
    ending: Ending
    measured: float  # seconds per replication
    warm_up: float
    replications: int
    requests: int
    events: int
    bound: str | None
    asked: float | None = (
        None  # the warm-up that theory asks for, where a shorter one was all that is affordable
    )


Judge = Callable[[Sampled], float]
"""How far from tight: the largest half width over what is wished (at most 1: tight)."""


class Cancelled(Exception):
    """The user no longer wants the result."""


def run_until_tight(
    model: Model,
    tables: Tables,
    pace: Pace,
    judge: Judge,
    *,
    seed: int,
    start: Mapping[str, StoreStart],
    duration: float | None = None,
    transient: float | None = None,
    empty: bool = False,
    most_events: int,
    workers: int | None = None,
    report: Callable[[float, Sampled | None], None] | None = None,
    cancelled: threading.Event | None = None,
    limits: Limits | None = None,
) -> Outcome:
    """A stationary run, until tight or for `duration` seconds in all; or, with `transient`, runs from 0 to
    that time.
    """
    run = Runner(model, tables, seed, start, empty, most_events, workers, report, cancelled, limits)
    if transient is not None:
        return run.transient(transient, judge)
    return run.stationary(pace, judge, duration)


def seed_of(seed: int, replication: int) -> str:
    """What the draws of one replication depend on."""
    return f"{seed}/{replication}"


class Runner:
    """The replications of one load; `stationary` and `transient` are the two ways to run them."""

    def __init__(
        self,
        model: Model,
        tables: Tables,
        seed: int,
        start: Mapping[str, StoreStart],
        empty: bool,
        most_events: int,
        workers: int | None,
        report: Callable[[float, Sampled | None], None] | None,
        cancelled: threading.Event | None,
        limits: Limits | None,
    ) -> None:
        self.model, self.tables, self.seed, self.start, self.empty = model, tables, seed, start, empty
        self.most_events, self.workers = most_events, workers or os.cpu_count() or 1
        self.report, self.cancelled, self.limits = report, cancelled, limits or Limits()
        self.replications: list[Replication] = []
        self.passed: dict[int, int] = {}
        self.planned = most_events
        self.asked: float | None = None
        room = max(2 * BATCHES, min(MOST_WINDOWS, 40_000 // max(1, len(tables.meters) * 10)))
        self.most_windows = room // BATCHES * BATCHES

    # ---- the two ways to run -----------------------------------------------------------------------------------------

    def stationary(self, pace: Pace, judge: Judge, duration: float | None) -> Outcome:
        affordable = self.most_events / pace.events_per_second / REPLICATIONS
        warm_up = pace.warm_up
        if 3 * warm_up > affordable and not pace.overloaded:
            self.asked, warm_up = warm_up, min(warm_up, affordable / 4)
        length = (
            duration / REPLICATIONS
            if duration is not None
            else min(pace.pilot, max(affordable / 20, 2 * warm_up))
        )
        self.begin(REPLICATIONS, warm_up)
        status = self.advance([1] * REPLICATIONS)
        if status is not Status.DONE:
            return self.ended(None, Ending.BOUND, 0.0, 0.0, self.why(status))
        if self.asked is not None:  # what a second costs is known now
            more = min(self.asked - warm_up, WARMING * self.affordable())
            for replication in self.replications:
                replication.cut(more)
            status = self.advance([1] * REPLICATIONS)
            if status is not Status.DONE:
                return self.ended(None, Ending.BOUND, 0.0, warm_up, self.why(status))
            warm_up += more
            if duration is None:
                length = min(pace.pilot, MEASURING * self.affordable())
            if length <= 0:
                return self.ended(None, Ending.BOUND, 0.0, warm_up, self.why(Status.EVENTS))
            if warm_up >= 0.999 * self.asked:
                self.asked = None
        windows = PILOT_WINDOWS
        for replication in self.replications:
            replication.cut(length / windows)
        status = self.advance([windows] * REPLICATIONS)
        if status is not Status.DONE:
            return self.ended(None, Ending.BOUND, 0.0, warm_up, self.why(status))
        dropped = self.unsettled()
        if dropped and duration is None:
            for replication in self.replications:
                replication.forget(dropped)
            warm_up += dropped * self.seconds
            status = self.advance([windows] * REPLICATIONS)
            if status is not Status.DONE:
                return self.ended(None, Ending.BOUND, 0.0, warm_up, self.why(status))
        sampled = self.sampled()
        if duration is not None:
            return self.ended(sampled, Ending.TIME, length, warm_up, None)
        pilot = True
        for _ in range(ROUNDS):
            far = judge(sampled)
            self.show(sampled)
            if far <= (ENOUGH if pilot else 1.0) or growing(sampled):
                break
            measured = windows * self.seconds
            factor = max(AFRESH if pilot else 1.0, far**2 * MARGIN)
            wished, affordable = measured * min(factor, LEAP), self.affordable()
            if affordable >= measured and (pilot or min(wished, affordable) >= AFRESH * measured):
                pilot = False
                windows = self.most_windows
                for replication in self.replications:
                    replication.cut(min(wished, affordable) / windows)
            else:
                while min(wished, measured + affordable) > self.most_windows * self.seconds:
                    for replication in self.replications:
                        replication.merge_windows()
                    windows //= 2
                batch = BATCHES * self.seconds
                more = min(ceil(wished / batch), int((measured + affordable) / batch)) * BATCHES
                if more <= windows:
                    break
                windows = more
            self.planned = round(self.events * (1 + windows * self.seconds / self.now))
            status = self.advance([windows] * REPLICATIONS)
            if status is not Status.DONE:  # what was whole before stands
                return self.ended(sampled, Ending.NOT_TIGHT, measured, warm_up, self.why(status))
            sampled = self.sampled()
        ending = (
            Ending.OVERLOADED
            if growing(sampled)
            else Ending.TIGHT
            if judge(sampled) <= 1.0
            else Ending.NOT_TIGHT
        )
        return self.ended(sampled, ending, windows * self.seconds, warm_up, None)

    def transient(self, length: float, judge: Judge) -> Outcome:
        """Replications of the whole time: the first few, then as many as the judge asks for, within the
        bound.
        """
        count, most = 2 * REPLICATIONS, 64
        windows = self.most_windows
        self.begin(count, length / windows)
        status = self.advance([windows] * count)
        if status is not Status.DONE:
            return self.ended(None, Ending.BOUND, 0.0, 0.0, self.why(status))
        sampled = self.sampled(batches=1)
        far = judge(sampled)
        more = min(
            ceil(count * far**2 * MARGIN), most, int(count * self.most_events / max(self.events, 1) * 0.95)
        )
        if far > 1.0 and more > count:
            self.planned = self.events * more // count
            self.begin(more - count, length / windows)
            status = self.advance([windows] * more)
            if status is not Status.DONE:
                return self.ended(None, Ending.BOUND, 0.0, 0.0, self.why(status))
            sampled = self.sampled(batches=1)
        ending = Ending.TIGHT if judge(sampled) <= 1.0 else Ending.NOT_TIGHT
        return self.ended(sampled, ending, length, 0.0, None)

    # ---- parts -------------------------------------------------------------------------------------------------------

    def affordable(self) -> float:
        """How many more seconds each replication can run within the bound of events, at what a second has
        cost.
        """
        return max(0.0, (0.95 * self.most_events / max(self.events, 1) - 1) * self.now)

    @property
    def now(self) -> float:
        """Seconds simulated so far in each replication, warm-up included."""
        return float(self.replications[0].state.control[0].now) * TICK

    def begin(self, count: int, window: float) -> None:
        first = len(self.replications)
        self.replications += [
            Replication(
                self.model,
                self.tables,
                seed_of(self.seed, first + k),
                window,
                start=self.start,
                empty=self.empty,
                most_windows=self.most_windows,
                limits=self.limits,
            )
            for k in range(count)
        ]

    def advance(self, windows: list[int]) -> Status:
        """Runs each replication until it has so many windows; the first status that is not DONE, if any."""
        share = self.most_events // max(len(self.replications), REPLICATIONS)
        failed = threading.Event()

        def go(k: int) -> Status:
            replication = self.replications[k]
            if replication.windows >= windows[k]:  # it had come so far before
                return Status.DONE
            while True:
                room = min(_CHUNK, share - replication.events)
                if room <= 0:
                    failed.set()
                    return Status.EVENTS
                status = replication.run(windows[k], room)
                self.passed[k] = replication.events
                if status is Status.DONE:
                    replication.check_conservation()
                    return status
                if status is not Status.EVENTS:
                    failed.set()
                    return status
                if failed.is_set() or (self.cancelled is not None and self.cancelled.is_set()):
                    return Status.EVENTS
                self.show(None)

        with ThreadPoolExecutor(min(self.workers, len(self.replications))) as pool:
            futures = [pool.submit(go, k) for k in range(len(self.replications))]
            try:
                statuses = [future.result() for future in futures]
            except KeyboardInterrupt:
                failed.set()
                raise
        if self.cancelled is not None and self.cancelled.is_set():
            raise Cancelled
        bad = [s for s in statuses if s is not Status.DONE]
        other = [s for s in bad if s is not Status.EVENTS]
        return (other or bad or [Status.DONE])[0]

    @property
    def events(self) -> int:
        return sum(r.events for r in self.replications)

    @property
    def seconds(self) -> float:
        return self.replications[0].window_seconds

    def show(self, sampled: Sampled | None) -> None:
        if self.report is not None:
            self.report(min(1.0, sum(self.passed.values()) / max(self.planned, 1)), sampled)

    def unsettled(self) -> int:
        """Windows at the beginning that are still part of the warm-up: the first quarter, where it differs from
        the last half in all replications alike.

        By Student's t over the replications at 0.1%, so that an excursion in one of them is not taken for a
        warm-up: to cut off what happens to be high makes the rest too low.
        """
        level = np.array([r.live for r in self.replications], dtype=np.float64)
        n = level.shape[1]
        gap = level[:, : n // 4].mean(axis=1) - level[:, n // 2 :].mean(axis=1)
        alike = abs(gap.mean()) > _T_9995 * gap.std(ddof=1) / np.sqrt(len(gap))
        return n // 4 if alike else 0

    def sampled(self, batches: int = BATCHES) -> Sampled:
        return sample(self.replications, batches)

    def why(self, status: Status) -> str:
        match status:
            case Status.EVENTS:
                return f"the bound of {self.most_events:,} events was reached"
            case Status.TASKS:
                return f"more than {self.limits.tasks:,} requests (and parts of them) were on their way at one time"
            case Status.MESSAGES | Status.TRACKERS:
                return f"more than {self.limits.messages:,} messages were waiting"
            case Status.SOCKETS:
                return f"more than {self.limits.sockets:,} members opened, closed or lost a connection"
            case Status.ENTRIES:
                return f"more than {self.limits.entries:,} keys were touched"
            case Status.ACCOUNTS:
                most = f"{self.limits.accounts:,}"
                return f"more than {most} keys of bounded things were touched, or so many of them held"
            case Status.LOCKED:
                return f"more than {self.limits.entries:,} keys were locked at one time"
            case _:
                return "the simulated time is longer than the clock can count"

    def ended(
        self, sampled: Sampled | None, ending: Ending, measured: float, warm_up: float, bound: str | None
    ) -> Outcome:
        return Outcome(
            sampled=sampled,
            ending=ending,
            measured=measured,
            warm_up=warm_up,
            replications=len(self.replications),
            requests=sum(r.started for r in self.replications),
            events=self.events,
            bound=bound,
            asked=self.asked,
        )


def sample(replications: list[Replication], batches: int = BATCHES) -> Sampled:
    """The readings of replications as batches, `batches` of each."""
    return sample_readings([r.readings() for r in replications], batches)


def sample_readings(readings: list[Readings], batches: int) -> Sampled:
    """Readings of the same windows as batches, `batches` of each replication."""
    windows = readings[0].windows
    per_batch = windows // batches
    edges = np.arange(0, batches * per_batch + 1, per_batch)

    def increments(part: str) -> Any:
        cumulated = [getattr(r, part)[edges] for r in readings]
        out = np.empty((len(readings) * batches, cumulated[0].shape[1]), dtype=cumulated[0].dtype)
        for name in cumulated[0].dtype.names:
            if name in _NOT_COUNTED:
                continue
            out[name] = np.concatenate([np.diff(c[name], axis=0) for c in cumulated])
        return out

    histograms = [
        r.histogram[: batches * per_batch]
        .reshape(batches, per_batch, *r.histogram.shape[1:])
        .sum(axis=1, dtype=np.int64)
        for r in readings
    ]
    length = readings[0].length

    def trend(part: str, level: Callable[[Any], Any]) -> Any:
        """The slope of a level over the windows, by least squares, for each replication."""
        at = (np.arange(windows + 1) - windows / 2) * length
        return np.stack([at @ level(getattr(r, part)) / (at @ at) for r in readings])

    first = readings[0]
    return Sampled(
        meters=increments("meters"),
        stations=increments("stations"),
        stores=increments("stores"),
        buffers=increments("buffers"),
        pools=increments("pools"),
        locks=increments("locks"),
        connections=increments("connections"),
        cumulated=np.cumsum(np.concatenate(histograms), axis=2),
        seconds=per_batch * length,
        growth=trend("meters", lambda m: m["started"] - m["done"] - m["causes"].sum(axis=2)),
        waiting_growth=trend("stations", lambda s: s["waiting"].astype(np.float64)),
        inside_growth=trend("stations", lambda s: s["inside"].astype(np.float64)),
        depth_growth=trend("buffers", lambda b: b["depth"].astype(np.float64)),
        longest=np.max([r.meters[-1]["longest"] for r in readings], axis=0),
        series={
            "meters": {n: np.diff(first.meters[n], axis=0) for n in ("started", "done", "total")},
            "stations": {
                n: np.diff(first.stations[n], axis=0) for n in ("busy_time", "working_time", "waiting_time")
            },
            "serving": np.diff(first.scalers["serving_time"], axis=0),
            "length": length,
        },
        guards=increments("guards"),
        flights=increments("flights"),
        instances=increments("instances"),
        scalers=increments("scalers"),
        tops=np.max([r.scalers["top"][1:].max(axis=0) for r in readings], axis=0),
        replicated=increments("replicated"),
    )


def growing(sampled: Sampled) -> bool:
    """Whether requests pile up without an end in sight: those of a flow, or, where one request asks for
    thousands of calls, the calls before a station.
    """
    arrived = sampled.stations["arrived"].sum(axis=0)
    return bool(np.any(piling_up(sampled)) or np.any(_piling_up(sampled, sampled.waiting_growth, arrived)))


def piling_up(sampled: Sampled) -> Any:
    """By meter: whether its requests pile up."""
    return _piling_up(sampled, sampled.growth, sampled.meters["started"].sum(axis=0))


def _piling_up(sampled: Sampled, grows: Any, begun: Any) -> Any:
    """Whether something grows in every replication, by at least a hundredth of what begins, and by more than
    a hundred in a run.
    """
    rate = begun / (len(sampled.meters) * sampled.seconds)
    run = len(sampled.meters) / len(grows) * sampled.seconds
    return (grows.min(axis=0) > 0.01 * rate) & (grows.mean(axis=0) * run > 100)
