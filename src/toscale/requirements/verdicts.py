"""Does the design meet its targets? Each is met, at risk, missed or unknown, with the figures and the reason.

A target is *met* when it holds at the median of the design's rates and at their upper end (each rate at its
own 95th percentile), *at risk* when it holds at the median only, *missed* when it does not hold at the
median, and *unknown* when the figures cannot tell.

Every figure has a 95% interval. Where all of the interval is on one side of the target, it tells. Where the
target lies inside the interval, and the interval is as narrow as was asked for, the value decides, and the
verdict says that it is close: a finer precision may turn it. Where the interval is wider than was asked for,
the verdict is unknown, and a longer run is needed.

A value that is itself an estimate (`throughput(call) >= peak_calls`) is taken at its median and at its own
95th percentile, as the rates are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from toscale.design.conditions import OfSystem, Target
from toscale.design.flow import Comparator
from toscale.design.model import Design, Prose
from toscale.design.parts import NOWHERE, Place
from toscale.quantity.estimate import Estimate
from toscale.quantity.formatting import format_number, format_quantity, format_range
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import DEFAULT_SEED
from toscale.quantity.units import COST_RATE, NUMBER, RATE, TIME, UNITS, Dimension, Unit
from toscale.requirements.cost import Cost, cost
from toscale.requirements.reach import reach
from toscale.requirements.readings import Reading, flows_of, read
from toscale.requirements.values import sheet_of, value_of
from toscale.requirements.workload import rates_are_uncertain
from toscale.simulate.fault_result import FaultResult
from toscale.simulate.lowering.lowered import NotSimulated
from toscale.simulate.result import Figure, Simulation

__all__ = ["Status", "Verdict", "decide", "judge", "judged_during"]


class Status(Enum):
    """What can be said of a target."""

    MET = "met"
    AT_RISK = "at risk"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what became of it.

    `median` and `upper` are the figures at the two loads, None where there is none; their values, like the
    thresholds, are in s, byte and USD, shares between 0 and 1. A figure without a value says why. `close`:
    the target lies inside an interval that is as narrow as was asked for.
    """

    name: str
    text: str
    status: Status
    median: Figure | None
    upper: Figure | None
    reason: str
    threshold: tuple[float, float] | None = None  # at the median, at the upper end
    close: bool = False
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain values, without NaN and infinity."""
        said: dict[str, Any] = {
            "text": self.text,
            "name": self.name,
            "status": self.status.value,
            "median": None if self.median is None else self.median.to_json(),
            "upper": None if self.upper is None else self.upper.to_json(),
            "reason": self.reason,
            "close": self.close,
        }
        if self.threshold is not None:
            said["threshold"] = {"median": self.threshold[0], "upper": self.threshold[1]}
        return said


def judge(
    design: Design,
    simulations: Simulation | Mapping[float, Simulation],
    *,
    seed: int = DEFAULT_SEED,
    faults: Mapping[str, FaultResult] | None = None,
) -> tuple[Verdict, ...]:
    """The verdict on each target of the design, in the order of the file.

    `simulations` is one, or several by the multiple of the growth that they were run at; a target `at 10x`
    is judged by the one at 10, the others by the one at 1. `seed` is that of the estimates. A target `during` a
    fault is judged by that one's figures while it lasts.
    """
    runs = {simulations.multiple: simulations} if isinstance(simulations, Simulation) else simulations
    judging = _Judging(design, runs, seed, faults or {})
    return tuple(judging.verdict(target) for target in design.requirements.targets)


def judged_during(design: Design, result: FaultResult, seed: int) -> tuple[Verdict, ...]:
    """What becomes of each target while the fault lasts: those that name this fault, and those that name none.

    For the latter it says what the fault does to them, not that they are missed: nobody asked for that. Where only
    the median was simulated, it is judged alone.
    """
    moved = {
        name: replace(line, during=result.name, at=None)
        for name, line in design.requirements.non_functional.items()
        if not isinstance(line, Prose)
        and line.during in (None, result.name)
        and line.at is None
        and not isinstance(line.subject, OfSystem)
    }
    wanted = replace(design, requirements=replace(design.requirements, non_functional=moved))
    return judge(
        wanted,
        {},
        seed=seed,
        faults={result.name: replace(result, multiple=1.0, upper=result.upper or result.median)},
    )


class _Judging:
    """The design, its runs, and its estimates at each multiple, computed once."""

    def __init__(
        self, design: Design, runs: Mapping[float, Simulation], seed: int, faults: Mapping[str, FaultResult]
    ) -> None:
        self.design, self.runs, self.seed, self.faults = design, runs, seed, faults
        self.reach = reach(design)
        self.sheets: dict[float, Sheet] = {}

    def sheet(self, multiple: float) -> Sheet:
        if multiple not in self.sheets:
            self.sheets[multiple] = sheet_of(self.design, multiple=multiple, seed=self.seed)
        return self.sheets[multiple]

    def verdict(self, target: Target) -> Verdict:
        multiple = self.multiple(target)
        if isinstance(multiple, str):
            return _unknown(target, multiple)
        sheet = self.sheet(multiple)
        threshold = value_of(sheet, target.value, f"requirements.non_functional.{target.name}")
        if isinstance(threshold, str):
            return _unknown(target, threshold)
        if target.during is not None:
            return self.during(target, target.during, multiple, threshold)
        simulation = self.runs.get(multiple)
        if simulation is None:
            why = "the design was not simulated"
            if multiple != 1:
                command = f"run `toscale simulate --at {multiple:g}x`"
                why = f"the design was not simulated at {multiple:g}x: {command}"
            return _unknown(target, why)
        median: Reading
        upper: Reading | None
        if target.measure == "cost":
            busiest = simulation.upper or simulation.median
            median = _cost_reading(cost(self.design, sheet, simulation.median), 0.5)
            upper = _cost_reading(cost(self.design, sheet, busiest), 0.95)
        else:
            left_out = _left_out(simulation.not_simulated)
            runs = (simulation.median, simulation.upper)
            read_at = [
                None if run is None else read(target, run, self.design, self.reach, left_out) for run in runs
            ]
            median, upper = read_at[0] or Reading.unknown("it was not simulated"), read_at[1]
        missing = ""
        if upper is None and rates_are_uncertain(self.design, sheet):
            missing = "its rates are uncertain, and their upper end was not simulated"
        verdict = decide(target, threshold, median, upper, missing)
        return verdict if verdict.status is Status.UNKNOWN else self.qualified(verdict, target, simulation)

    def during(self, target: Target, name: str, multiple: float, threshold: Estimate) -> Verdict:
        """The verdict on a target while a fault lasts."""
        fault = self.faults.get(name)
        if fault is None or fault.multiple != multiple:
            return _unknown(
                target, f"the fault was not simulated: run `toscale faults`, or `--fault {name!r}`"
            )
        if fault.median is None:
            return _unknown(target, f"the fault is not simulated: {fault.reason}")
        if target.measure == "cost":
            return _unknown(target, "the cost during a fault is not computed")
        left_out = _left_out(fault.not_simulated)
        read_at = [
            None if run is None else read(target, run.during, self.design, self.reach, left_out)
            for run in (fault.median, fault.upper)
        ]
        missing = ""
        if read_at[1] is None and rates_are_uncertain(self.design, self.sheet(multiple)):
            missing = "its rates are uncertain, and their upper end was not simulated"
        median = read_at[0] or Reading.unknown("it was not simulated")
        verdict = decide(target, threshold, median, read_at[1], missing)
        bounds = [run.bound for run in (fault.median, fault.upper) if run is not None and run.bound]
        if bounds and verdict.status is not Status.UNKNOWN:
            verdict = replace(verdict, reason=f"{verdict.reason}; not followed to its end: {bounds[0]}")
        return verdict if verdict.status is Status.UNKNOWN else self.qualified(verdict, target, fault)

    def qualified(self, verdict: Verdict, target: Target, simulation: Simulation | FaultResult) -> Verdict:
        """The verdict with what the simulation leaves out of the flows that it is about."""
        flows = flows_of(target, self.reach)
        without = [
            part.text.rstrip(".")
            for part in simulation.not_simulated
            if isinstance(part, NotSimulated) and part.flow in flows
        ]
        if not without:
            return verdict
        more = f"; and {len(without) - 2} more" if len(without) > 2 else ""
        return replace(verdict, reason=f"{verdict.reason}. Not simulated: {'; '.join(without[:2])}{more}")

    def multiple(self, target: Target) -> float | str:
        if target.at is None:
            return 1.0
        value = value_of(self.sheet(1.0), target.at, f"requirements.non_functional.{target.name}.at", NUMBER)
        return value if isinstance(value, str) else value.median


def _left_out(parts: Iterable[object]) -> dict[str, str]:
    """Why a flow is not simulated, by its name."""
    return {
        part.flow: part.text
        for part in parts
        if isinstance(part, NotSimulated) and part.left_out and part.flow is not None
    }


def _unknown(target: Target, reason: str) -> Verdict:
    return Verdict(target.name, target.text, Status.UNKNOWN, None, None, reason, place=target.place)


def _cost_reading(spent: Cost, quantile: float) -> Reading:
    known = spent.total(quantile)
    if not spent.parts:
        return Reading.unknown("nothing has a price: add `prices`")
    figure = Figure(known, known, known)
    if not spent.unpriced:
        return Reading(figure)
    listed = ", ".join(f"`{name}`" for name in spent.unpriced)
    return Reading(
        figure,
        unless_violated=f"the cost is at least this: {listed} {'has' if len(spent.unpriced) == 1 else 'have'} no price",
    )


# ---- from figures to a status


@dataclass(frozen=True, slots=True)
class _Level:
    """What one load says of a target: whether it holds (None: it cannot tell), and why."""

    holds: bool | None
    close: bool
    said: str
    why_not: str = ""


def decide(
    target: Target, threshold: Estimate, median: Reading, upper: Reading | None, missing: str = ""
) -> Verdict:
    """The verdict from what was read at the two loads.

    `upper` is None where no rate is uncertain, so that the median is all there is; or, with `missing`,
    where it was not simulated.
    """
    show = _Show.of(target, threshold)
    at = (threshold.median, threshold.high)
    middle = _level(median, target.comparator, at[0], show)
    end = _level(upper, target.comparator, at[1], show) if upper is not None else None
    close = middle.close or (end is not None and end.close)
    status, reason = _status(middle, end, missing, show, at)
    last = upper.note if upper is not None and upper.note else ""
    note = median.note or last
    if note and last and note != last:
        note = f"{note} at the median, {last} at the upper end"
    if note and note not in reason:
        reason += f" ({note})"
    return Verdict(
        target.name,
        target.text,
        status,
        median.figure,
        None if upper is None else upper.figure,
        reason,
        at,
        close and status is not Status.UNKNOWN,
        target.place,
    )


def _status(
    middle: _Level, end: _Level | None, missing: str, show: _Show, at: tuple[float, float]
) -> tuple[Status, str]:
    if middle.holds is None:
        return Status.UNKNOWN, middle.why_not
    if not middle.holds:
        where = " at the median" if end is not None or missing else ""
        return Status.MISSED, f"{middle.said}{where}, against {show.one(at[0])}{_closeness(middle)}"
    if missing:
        return Status.UNKNOWN, f"{middle.said} at the median, which meets it; but {missing}"
    if end is None:
        return Status.MET, f"{middle.said}, against {show.one(at[0])}{_closeness(middle)}"
    both = f"{middle.said} at the median, {end.said} at the upper end, against {show.both(at)}"
    if end.holds is None:
        return Status.UNKNOWN, f"{middle.said} at the median, which meets it; at the upper end, {end.why_not}"
    return (Status.MET if end.holds else Status.AT_RISK), both + _closeness(middle, end)


def _closeness(*levels: _Level) -> str:
    return "; close: a finer precision may turn it" if any(level.close for level in levels) else ""


def _level(reading: Reading, comparator: Comparator, threshold: float, show: _Show) -> _Level:
    value, figure = reading.value, reading.figure
    if value is None:
        reason = figure.reason or "it was not measured"
        return _Level(None, False, reason, reason)
    said = f"without bound ({figure.reason})" if reading.unbounded else show.figure(figure)
    holds = _holds(value, comparator, threshold)
    low, high = (value, value) if reading.unbounded else _ends(figure)
    straddles = _straddles(low, high, comparator, threshold)
    if straddles and not figure.tight:
        why = f"{said} is too wide an interval around {show.one(threshold)} to tell: simulate longer"
        return _Level(None, False, said, why)
    if holds and reading.unless_violated:
        return _Level(None, False, said, f"{said} would meet it, but {reading.unless_violated}")
    return _Level(holds, straddles, said)


def _ends(figure: Figure) -> tuple[float, float]:
    """The interval; an open end is infinite."""
    return (
        -math.inf if figure.low is None else figure.low,
        math.inf if figure.high is None else figure.high,
    )


def _holds(value: float, comparator: Comparator, threshold: float) -> bool:
    equal = value == threshold or math.isclose(value, threshold, rel_tol=1e-9)
    match comparator:
        case "<":
            return value < threshold and not equal
        case "<=":
            return value < threshold or equal
        case ">":
            return value > threshold and not equal
        case ">=":
            return value > threshold or equal
        case "=":
            return equal
        case "!=":
            return not equal


def _straddles(low: float, high: float, comparator: Comparator, threshold: float) -> bool:
    """Whether the two ends of an interval would be judged differently."""
    if comparator in ("=", "!="):
        return low < high and low <= threshold <= high
    return _holds(low, comparator, threshold) != _holds(high, comparator, threshold)


@dataclass(frozen=True, slots=True)
class _Show:
    """How the figures of a target are written: in the unit of its measure."""

    dimension: Dimension
    unit: Unit | None

    @staticmethod
    def of(target: Target, threshold: Estimate) -> _Show:
        match target.measure:
            case "percentile" | "mean" | "max" | "lag" | "staleness":
                return _Show(TIME, None)
            case "throughput":
                return _Show(RATE, None)
            case "depth":
                return _Show(NUMBER, None)
            case "cost":
                return _Show(COST_RATE, threshold.unit)
            case _:
                return _Show(NUMBER, UNITS["%"])

    def one(self, value: float) -> str:
        if self.dimension == NUMBER and self.unit is None:
            return format_number(value)
        return format_quantity(value, self.dimension, self.unit)

    def both(self, at: tuple[float, float]) -> str:
        return self.one(at[0]) if at[0] == at[1] else f"{self.one(at[0])} and {self.one(at[1])}"

    def figure(self, figure: Figure) -> str:
        """A value with its interval, as far as both are known: `112 ms (110 to 115 ms)`."""
        if figure.value is None:
            return figure.reason or "nothing"
        shown = self.one(figure.value)
        if figure.low is None or figure.high is None or figure.low == figure.high:
            return shown
        return f"{shown} ({format_range(figure.low, figure.high, self.dimension, self.unit, 3)})"
