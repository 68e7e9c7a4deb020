"""Which curves show the course of a fault? p99, failures and answers of the flow that suffers most, hits that are
lost, messages that wait; each with the moments at which the fault begins and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from toscale.document.fault_tables import most_raised
from toscale.document.figures import number, percent, rate, seconds
from toscale.document.pictures import Picture
from toscale.document.plots import Axis, Line, Mark, linear, lines
from toscale.simulate.fault_result import FaultFlow, FaultResult, FaultRun

__all__ = ["FaultCurves", "curves"]

Values = tuple[float | None, ...]

CHANGED = 1.25
"""A curve of waiting messages is drawn where it rises to so many times what it was."""
HITS = 0.02
"""Hits are drawn where they fall by so much."""
MACHINES = 0.5
"""Machines are drawn where they become more, or fewer, by so many."""


@dataclass(frozen=True, slots=True)
class FaultCurves:
    """A fault with its pictures; `said` is what became of it, in a sentence."""

    name: str
    said: str
    pictures: tuple[Picture, ...]


def curves(results: Mapping[str, FaultResult]) -> tuple[FaultCurves, ...]:
    """The curves of every fault that was simulated, at the median rates."""
    return tuple(
        FaultCurves(name, result.median.recovery.text, tuple(_pictures(result.median)))
        for name, result in results.items()
        if result.median is not None
    )


def _pictures(run: FaultRun) -> Iterable[Picture]:
    slowest = most_raised(run)
    yield from _drawn(run, f"p99 of {slowest.name}", slowest.p99, seconds)
    failing = max(run.flows.values(), key=lambda flow: flow.worst_failed.value or 0.0)
    if failing.worst_failed.value:
        yield from _drawn(run, f"failures of {failing.name}", failing.failed_share, percent)
    answered = _busiest(run)
    yield from _drawn(run, f"answers of {answered.name}", answered.completed, rate)
    for one in run.components.values():
        hits = [x for x in one.hit_ratio if x is not None]
        if hits and min(hits) < hits[0] - HITS:
            yield from _drawn(run, f"hits of {one.name}", one.hit_ratio, percent)
        machines = [x for x in one.machines if x is not None]
        if machines and max(machines) > min(machines) + MACHINES:
            yield from _drawn(run, f"machines of {one.name}", one.machines, number)
        depth = [x for x in one.depth if x is not None]
        if depth and max(depth) > CHANGED * depth[0] + 1:
            yield from _drawn(run, f"messages in {one.name}", one.depth, number)


def _busiest(run: FaultRun) -> FaultFlow:
    flows = [flow for flow in run.flows.values() if flow.kind == "flow"]
    return max(flows, key=lambda flow: max(x or 0.0 for x in flow.offered))


def _drawn(run: FaultRun, name: str, values: Values, write: Callable[[float], str]) -> Iterable[Picture]:
    known = [value for value in values if value is not None]
    if not known:
        return
    middles = [start + run.window / 2 for start in run.starts]
    first, last = run.starts[0], run.starts[-1] + run.window
    x = linear("time since the warm-up", [first, last], seconds, low=first)
    x = Axis(x.label, first, last, tuple(tick for tick in x.ticks if first <= tick <= last), seconds)
    y = linear(name, known, write, low=0.0)
    marks = [Mark("begins", run.begins)]
    if run.ends is not None and run.begins < run.ends < last:
        marks.append(Mark("ends", run.ends))
    described = f"From {write(min(known))} to {write(max(known))}; the fault begins at {seconds(run.begins)}."
    points = list(zip(middles, values, strict=True))
    yield Picture(name, lines(name, described, x, y, [Line(name, points)], marks), described)
