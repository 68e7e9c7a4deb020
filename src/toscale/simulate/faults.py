"""A fault of a design in, its course out: `simulate_fault(design, name)`, and `simulate_faults` for all of them.

A fault is a transient run. The replications warm up, are looked at for a while in the stationary state, then the
fault begins; they go on until it has ended and all is as it was, or a bound is reached. The figures of a window
have their intervals from the replications. The run with the fault and the one without see the same arrivals and
demands. A design whose run begins and ends has no stationary state to come back to: it is run twice, with the
fault and without, and what it has to come back to is what it would have been.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from toscale.design.model import Design, Fault
from toscale.engine.compiler import compile_model
from toscale.engine.run import Limits, Readings
from toscale.engine.state import TICK, Status
from toscale.simulate.fault_figures import Course, Windows, fault_run, part
from toscale.simulate.fault_result import FaultResult, FaultRun
from toscale.simulate.lower import lower
from toscale.simulate.lowering.faults import FaultPlan, plan
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.lowered import At, Lowered
from toscale.simulate.pace import Pace, pace
from toscale.simulate.replications import Runner
from toscale.simulate.run import Progress, lasts, quantiles_of, stationary_stores, with_asked
from toscale.theory import Twin, solve

__all__ = ["MOST_EVENTS", "simulate_fault", "simulate_faults"]

MOST_EVENTS = 200_000_000
"""The bound on one fault's work at one load: some fifteen seconds on two cores."""
MOST_TASKS = 1 << 20
"""Requests, and parts of them, on their way at one time, in all replications together."""
REPLICATIONS = 8
FEWEST_REPLICATIONS = 4
WINDOWS_BEFORE = 6
WINDOWS_WITHIN = 24
"""Windows from the beginning of a fault until its last change."""
ROUND = 6
"""So many windows more are simulated before it is looked whether all has recovered."""
AT_ONCE = 20.0
"""So many seconds are looked at first after a fault that happens at one moment."""
PER_WINDOW = 800.0
"""Requests of the busiest flow in a window, all replications together, at least."""
FEWEST_WINDOWS = 8
"""A fault that ends at its bound after fewer windows is looked at again, in shorter ones."""
LONGEST = 3_600.0
"""So long after its last change a fault is followed, in seconds."""


def simulate_fault(
    design: Design,
    name: str,
    *,
    seed: int = 1,
    multiple: float = 1.0,
    upper: bool = True,
    most_events: int = MOST_EVENTS,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
) -> FaultResult:
    """Simulates one fault of a design that was read without errors.

    At the median of the rates and, with `upper`, each rate at its own 95th percentile. A fault that cannot be
    simulated has a `reason` instead of figures. Raises KeyError for a name that is not under `faults`,
    LoweringError where the design cannot be simulated at all, Cancelled after `cancelled` was set.
    """
    fault = design.faults[name]
    runs: dict[str, FaultRun] = {}
    ledger = Ledger()
    first: Lowered | None = None
    loads: tuple[At, ...] = ("median", "upper") if upper else ("median",)
    for load in loads:
        pair = (fault.target[0], fault.target[1]) if fault.action in ("cut", "lossy") else None
        lowered = lower(design, at=load, multiple=multiple, apart=pair)
        if first is not None and lowered.model == first.model:
            break  # nothing is uncertain
        first = first or lowered
        try:
            found = _Fault(design, fault, lowered, ledger if load == "median" else Ledger(), seed, load)
            runs[load] = found.run(most_events, workers, progress, cancelled)
        except NotComputable as error:
            return FaultResult(name, fault.action, None, None, seed, multiple, error.because)
    assert first is not None
    return FaultResult(
        name,
        fault.action,
        runs["median"],
        runs.get("upper"),
        seed,
        multiple,
        defaults=ledger.defaults,
        notes=ledger.notes,
        not_simulated=first.not_simulated,
    )


def simulate_faults(
    design: Design, names: Iterable[str] | None = None, *, upper: bool = False, **options: Any
) -> dict[str, FaultResult]:
    """Simulates the faults of a design, all of them or those named; the options are those of `simulate_fault`."""
    wanted = design.faults if names is None else names
    return {name: simulate_fault(design, name, upper=upper, **options) for name in wanted}


@dataclass
class _Fault:
    """One fault at one load."""

    design: Design
    fault: Fault
    lowered: Lowered
    ledger: Ledger
    seed: int
    load: At

    def run(
        self,
        most_events: int,
        workers: int | None,
        progress: Callable[[Progress], None] | None,
        cancelled: threading.Event | None,
    ) -> FaultRun:
        twin = solve(self.lowered.model)
        before = solve(self.lowered.model, self.lowered.averages) if self.lowered.averages else twin
        self.lowered = replace(
            self.lowered, model=with_asked(self.lowered.model, before, self.design.run.start == "empty")
        )
        model = self.lowered.model
        length = lasts(self.design, model, self.lowered.multiple)
        paced = pace(model, twin)
        count, windows, fault = self.planned(paced, twin, most_events, length)

        def report(fraction: float, _: object) -> None:
            if progress is not None:
                progress(Progress(self.load, fraction))

        def runner(of: FaultPlan | None) -> Runner:
            made = model if of is None else of.model
            return Runner(
                made,
                compile_model(made),
                self.seed,
                stationary_stores(before),
                self.design.run.start == "empty",
                most_events,
                workers,
                report,
                cancelled,
                Limits(tasks=MOST_TASKS // count),
            )

        faulty = _Replicas(runner(fault), count, windows)
        quantiles = quantiles_of(self.design, self.lowered)
        if length is None:
            faulty.until_recovered(fault.settled)
            if faulty.bound is not None and faulty.windows_within < FEWEST_WINDOWS:
                seen = faulty.seconds_within / FEWEST_WINDOWS / 2
                if seen <= 0:  # not even to the fault's beginning: with less of the time before it
                    seen = faulty.seconds / (WINDOWS_BEFORE + FEWEST_WINDOWS) / 4
                windows = windows.of_length(_round(max(seen, TICK)), WINDOWS_BEFORE)
                fault = plan(self.design, self.fault, self.lowered, windows.zero, self.ledger)
                bound, faulty = faulty.bound, _Replicas(runner(fault), count, windows)
                faulty.until_bound(bound)
                if faulty.windows_within < 1:
                    raise NotComputable(f"{faulty.bound}, before the fault began")
            return fault_run(faulty.course(), twin, quantiles)
        without = _Replicas(runner(None), count, windows)
        without.to_the_end(length)
        faulty.to_the_end(length)
        usual = without.readings()
        course = faulty.course(usual)
        least = min(course.count, usual[0].windows)
        usual = [part(reading, 0, least) for reading in usual]
        course = replace(course, readings=[part(r, 0, least) for r in course.readings], baseline=usual)
        if least <= faulty.windows.first:
            raise NotComputable(f"{course.bound or without.bound}, before the fault began")
        return fault_run(course, twin, quantiles)

    def planned(
        self, paced: Pace, twin: Twin, most_events: int, length: float | None
    ) -> tuple[int, Windows, FaultPlan]:
        """How many replications, how long a window, and the fault on the clock of the run."""
        zero = plan(self.design, self.fault, self.lowered, 0.0, self.ledger)
        within = zero.settled - zero.begins
        if length is not None:
            room = max(length / 60, 1e-3)
            windows = Windows(0.0, room, zero.begins, zero.begins, zero.ends)
            return self.affordable(paced, length, most_events), windows, zero
        active = within if within > 0 else AT_ONCE
        busiest = max([f.rate for f in twin.flows.values()], default=0.0)
        count = self.affordable(paced, active * (1 + WINDOWS_BEFORE / WINDOWS_WITHIN) * 1.5, most_events)
        lasts_for = 0.0 if zero.ends is None else zero.ends - zero.begins
        window = _round(max(active / WINDOWS_WITHIN, PER_WINDOW / max(busiest, 1e-9) / count), lasts_for)
        warm_up = max(paced.warm_up, 1e-3)
        windows = Windows(warm_up, window, WINDOWS_BEFORE * window, zero.begins, zero.ends)
        return count, windows, plan(self.design, self.fault, self.lowered, windows.zero, self.ledger)

    def affordable(self, paced: Pace, seconds: float, most_events: int) -> int:
        """So many replications as can be paid for, from four to eight."""
        can = most_events / max(paced.events_per_second * seconds, 1.0)
        return int(min(max(can, FEWEST_REPLICATIONS), REPLICATIONS))


def _round(seconds: float, of: float = 0.0) -> float:
    """The next round length; `of`: a time that it divides, where there is such a length up to twice as long."""
    size = 10.0 ** np.floor(np.log10(seconds))
    lengths = [
        size * m for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20) if seconds <= size * m * (1 + 1e-9)
    ]
    whole = [x for x in lengths if x <= 2 * seconds and abs(of / x - round(of / x)) < 1e-6]
    return float((whole or lengths)[0])


def _even(windows: int) -> int:
    """So many, or one more: two windows become one where there are too many."""
    return windows + windows % 2


class _Replicas:
    """The replications of a fault, run as far as is needed."""

    def __init__(self, runner: Runner, count: int, windows: Windows) -> None:
        self.runner, self.count, self.windows = runner, count, windows
        self.bound: str | None = None

    def until_recovered(self, settled: float) -> None:
        """Warm up, look at the stationary state, go through the fault and on until all is as it was.

        `settled`: when the last change is made, on the clock of the run.
        """
        runner, windows = self.runner, self.windows
        if not self.warm():
            return
        settled -= windows.warm_up
        wanted = WINDOWS_BEFORE + max(ceil((settled - windows.lead) / windows.length - 1e-9), ROUND) + ROUND
        wanted, most = _even(wanted), runner.most_windows
        while True:
            while wanted > most:
                if windows.first <= 1:
                    seen = windows.length * runner.replications[0].windows - windows.lead
                    self.bound = f"it was followed for {seen:,.0f} s from its beginning"
                    return
                for replication in runner.replications:
                    replication.merge_windows()
                windows = replace(windows, length=2 * windows.length)
                wanted = _even(-(-wanted // 2))
            self.windows = windows
            end = settled + LONGEST
            runner.planned = round(
                runner.events * wanted * windows.length / max(runner.now - windows.warm_up, windows.length)
            )
            status = runner.advance([wanted] * self.count)
            if status is not Status.DONE:
                self.bound = runner.why(status)
                self.level()
                return
            course = self.course()
            if course.recovered and (course.remembers or wanted >= most):
                if not course.remembers:
                    self.bound = course.forgotten
                return
            if wanted * windows.length >= end:
                self.bound = f"it was followed for {LONGEST:,.0f} s after its last change"
                return
            wanted += ROUND

    def until_bound(self, bound: str) -> None:
        """The same again, for as many windows as there are: it is known that the run will not go further."""
        self.bound = bound
        if self.warm() and self.runner.advance([self.runner.most_windows] * self.count) is not Status.DONE:
            self.level()

    def warm(self) -> bool:
        """Runs through the warm-up and forgets it; False where a bound ended that."""
        runner = self.runner
        runner.begin(self.count, self.windows.warm_up)
        status = runner.advance([1] * self.count)
        if status is not Status.DONE:
            self.bound = runner.why(status)
            return False
        for replication in runner.replications:
            replication.cut(self.windows.length)
        return True

    def level(self) -> None:
        """One replication has come to its bound: the others go as far as that one."""
        reached = max(r.windows for r in self.runner.replications)
        while self.runner.advance([reached] * self.count) is not Status.DONE and reached > 0:
            reached -= 1

    def to_the_end(self, length: float) -> None:
        """A run from its beginning to its end."""
        runner = self.runner
        windows = min(runner.most_windows, 60)
        self.windows = replace(self.windows, length=length / windows)
        runner.begin(self.count, length / windows)
        status = runner.advance([windows] * self.count)
        if status is not Status.DONE:
            self.bound = runner.why(status)
            self.level()

    @property
    def seconds_within(self) -> float:
        """So long after the fault's beginning the run has come."""
        return self.seconds - self.windows.lead

    @property
    def seconds(self) -> float:
        """So long after the warm-up the run has come."""
        now = max(float(r.state.control[0].now) for r in self.runner.replications) * TICK
        return now - self.windows.warm_up

    @property
    def windows_within(self) -> int:
        """So many windows from the fault's beginning on all replications have gone through."""
        return min(r.windows for r in self.runner.replications) - self.windows.first

    def readings(self) -> list[Readings]:
        """The windows that all replications have gone through."""
        found = [r.readings() for r in self.runner.replications]
        least = min(reading.windows for reading in found)
        return [part(reading, 0, least) for reading in found]

    def course(self, baseline: list[Readings] | None = None) -> Course:
        return Course(
            self.runner.model,
            self.runner.tables.meters,
            self.windows,
            self.readings(),
            self.runner.events,
            self.bound,
            baseline,
        )
