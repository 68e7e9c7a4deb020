"""What does a simulated load say of the measure of a target? One `Reading`: a figure, or beyond every
bound, or why nothing is known.

A percentile is of all requests: one that failed is never answered in time. Where more fail than the
percentile leaves out, it is beyond every bound, and so is the latency of what waits for a component that is
overloaded. Times are seconds, rates per second, shares between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from toscale.design.conditions import OfBound, OfComponent, OfFlow, OfStep, Span, Target
from toscale.design.flow import Consume, Event
from toscale.design.model import Design
from toscale.quantity.formatting import format_number, format_quantity
from toscale.quantity.units import NUMBER, UNITS
from toscale.requirements.reach import Reach
from toscale.simulate.result import (
    PERCENTILES,
    ComponentResult,
    Ending,
    Figure,
    FlowResult,
    Overload,
    RunResult,
)

__all__ = ["Reading", "flows_of", "read", "subject_name"]

HOLDS_NO_SLOT = frozenset({"client", "dns", "cdn", "load_balancer"})
"""Kinds that pass a request on without a slot of their own, so that they do not fill up behind what is
slow.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """One measure at one load.

    `unbounded`: the measure is beyond every bound, and the figure has no value but the reason.
    `unless_violated`: why the figure cannot show that a target is met, though it can show that one is
    missed (empty: it can do both). `note` is what a reader of the figure must know.
    """

    figure: Figure
    unbounded: bool = False
    unless_violated: str = ""
    note: str = ""

    @property
    def value(self) -> float | None:
        """The value to compare with; infinite where it is beyond every bound, None where it is not known."""
        return math.inf if self.unbounded else self.figure.value

    @staticmethod
    def unknown(reason: str) -> Reading:
        """Nothing is known, for this reason."""
        return Reading(Figure(None, reason=reason))

    @staticmethod
    def endless(reason: str) -> Reading:
        """Beyond every bound, for this reason."""
        return Reading(Figure(None, reason=reason), unbounded=True)


def subject_name(target: Target) -> str:
    """What a target is about, as results call it."""
    match target.subject:
        case OfFlow(flow=name) | OfComponent(component=name) | OfBound(entity=name):
            return name
        case OfStep(step=name):
            return name
        case Span(start=start, end=end):
            return f"{start if isinstance(start, Event) else start.flow} until {end}"
        case _:
            return "the whole"


def read(
    target: Target,
    run: RunResult,
    design: Design,
    reach: Reach,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> Reading:
    """The measure of a target in a run, its `during`, `at` and `cost` left to the caller.

    `left_out` says why a flow is not simulated, by its name.
    """
    if run.ending is not Ending.BOUND:
        for flow in sorted(flows_of(target, reach) & left_out.keys()):
            return Reading.unknown(f"`{flow}` is not simulated: {left_out[flow]}")
    if run.ending is Ending.BOUND:
        if target.measure in ("percentile", "mean", "max") and not isinstance(target.subject, OfComponent):
            full = _Concern.of(run.overloads, design, reach).direct(flows_of(target, reach), reach)
            if full is not None:  # by theory: the run could only fill up
                return Reading.endless(full.text or _grows(full))
        return Reading.unknown(
            _with_notes("the run stopped at a bound before it had measured anything", run.notes)
        )
    if isinstance(target.subject, OfBound):
        bound = run.bounds.get(target.subject.entity)
        if bound is None:
            return Reading.unknown(f"no simulated flow takes `{target.subject.entity}`")
        return _given(bound.excess if target.measure == "excess" else bound.shortfall)
    if isinstance(target.subject, OfComponent):
        return _of_component(target, target.subject.component, run, design, reach)
    return _of_flow(target, run, design, reach)


def _with_notes(reason: str, notes: tuple[str, ...]) -> str:
    return f"{reason} ({'; '.join(str(note) for note in notes)})" if notes else reason


# ---- flows, steps and spans


def _of_flow(target: Target, run: RunResult, design: Design, reach: Reach) -> Reading:
    result = _result(target, run)
    if result is None:
        return Reading.unknown(_not_there(target))
    concern = _Concern.of(run.overloads, design, reach)
    flows = flows_of(target, reach)
    overload = concern.direct(flows, reach)
    near = concern.near(flows, reach)
    if target.measure in ("percentile", "mean", "max"):
        if overload is not None:
            return Reading.endless(overload.text or _grows(overload))
        reading = _latency(target, result)
    elif target.measure == "throughput":
        return _given(result.completed)
    else:
        reading = _given(result.availability)
        if target.measure == "error_rate":
            reading = replace(reading, figure=_complement(reading.figure))
        near = overload or near
    if near is not None and not reading.unbounded and reading.figure.value is not None:
        why = (
            f"`{near.component}` grows without bound, and what waits for it serves this too: the figure depends "
            "on how long the run was"
        )
        return replace(reading, unless_violated=why)
    return reading


def _result(target: Target, run: RunResult) -> FlowResult | None:
    names = [subject_name(target)]
    if isinstance(target.subject, OfStep):
        names += [target.subject.path, f"{target.subject.flow}/{target.subject.step}"]
    kinds = {OfFlow: "flow", OfStep: "step", Span: "span"}
    kind = kinds.get(type(target.subject))
    return next((run.flows[n] for n in names if n in run.flows and run.flows[n].kind == kind), None)


def _not_there(target: Target) -> str:
    name = subject_name(target)
    match target.subject:
        case OfStep():
            return f"the step `{name}` was not simulated"
        case Span():
            return f"nothing was measured from the one end of `{name}` to the other"
        case _:
            return f"the flow `{name}` was not simulated"


def flows_of(target: Target, reach: Reach) -> frozenset[str]:
    """The flows whose time a measure contains."""
    match target.subject:
        case OfFlow(flow=flow) | OfStep(flow=flow):
            return frozenset({flow})
        case Span(start=Event(), end=end):
            return reach.between(None, end)
        case Span(start=start, end=end) if not isinstance(start, Event):
            return reach.between(start.flow, end) | {start.flow, end}
        case _:
            return frozenset()


def _latency(target: Target, result: FlowResult) -> Reading:
    failed = _failed(result)
    if target.measure == "mean":
        reading = _given(result.latency.answered.get("mean"))
        share = _share(failed)
        return replace(reading, note=f"of those that were answered; {share} were not") if failed else reading
    if target.measure == "max":
        if failed:
            return Reading.endless(f"{_share(failed)} of the requests are never answered")
        if result.latency.longest is None:
            return Reading.unknown("no request was answered")
        longest = result.latency.longest
        note = f"the longest of {format_number(float(result.counted))} requests; a longer run may see a longer one"
        return Reading(Figure(longest, longest, None), note=note)
    left_out = 1 - (target.percentile or 0.0) / 100
    figure = _quantile(result, 1 - left_out)
    name = f"p{target.percentile:g}"
    if figure is None:
        return Reading.unknown(f"{name} was not measured")
    if figure.value is None:
        if failed is not None and failed > left_out * (1 + 1e-9):
            return Reading.endless(
                f"{_share(failed)} of the requests are never answered, more than the "
                f"{_share(left_out)} that {name} leaves out"
            )
        return Reading.unknown(figure.reason or f"{name} is not known")
    return Reading(figure, note=f"{_share(failed)} of the requests failed" if failed else "")


def _quantile(result: FlowResult, q: float) -> Figure | None:
    for name, level in PERCENTILES.items():
        if math.isclose(level, q, abs_tol=1e-9):
            return result.latency.of_all.get(name)
    for level, figure in result.latency.quantiles_of_all.items():
        if math.isclose(level, q, abs_tol=1e-9):
            return figure
    return None


def _failed(result: FlowResult) -> float | None:
    """The share of the requests that were not answered; None if it is not known, and 0.0 is nobody."""
    if result.availability.value is not None:
        return 1 - result.availability.value
    causes = [figure.value for figure in result.failed.values() if figure.value is not None]
    offered = result.offered.value
    return sum(causes) / offered if causes and offered else None


def _share(share: float | None) -> str:
    return format_quantity(share or 0.0, NUMBER, UNITS["%"], 2)


def _complement(figure: Figure) -> Figure:
    def from_one(value: float | None) -> float | None:
        return None if value is None else 1 - value

    return replace(figure, value=from_one(figure.value), low=from_one(figure.high), high=from_one(figure.low))


def _given(figure: Figure | None) -> Reading:
    if figure is None or figure.value is None:
        return Reading.unknown((figure.reason if figure else None) or "it was not measured")
    return Reading(figure)


# ---- components


def _of_component(target: Target, name: str, run: RunResult, design: Design, reach: Reach) -> Reading:
    result = run.components.get(name)
    if result is None:
        return Reading.unknown(f"the component `{name}` was not simulated")
    if target.measure == "utilisation":
        return _utilisation(result)
    if target.measure == "staleness":
        return _staleness(result, name)
    figures: Mapping[str, Figure | None] = {"lag": result.lag, "depth": result.depth}
    if target.measure not in figures:
        return Reading.unknown(f"`{target.measure}` of a component is not measured")
    overload = _overload_of_buffer(name, run, design, reach)
    if overload is not None:
        return Reading.endless(overload.text or _grows(overload))
    return _given(figures[target.measure])


def _staleness(result: ComponentResult, name: str) -> Reading:
    """The mean time until a copy has a write; nothing is known where nobody says how far copies are behind."""
    if result.staleness is None:
        return Reading.unknown(f"nobody gave the `lag` of the copies of `{name}`")
    reading = _given(result.staleness)
    if result.stale is None or result.stale.value is None:
        return reading
    return replace(reading, note=f"{_share(result.stale.value)} of the reads at copies are stale")


def _utilisation(result: ComponentResult) -> Reading:
    """Of slots or of cores, whichever is used more: the one that runs out first."""
    slots, cores = result.utilisation, result.core_utilisation
    if cores.value is not None and (slots.value is None or cores.value > slots.value):
        return Reading(cores, note="of its cores")
    return _given(slots)


def _overload_of_buffer(name: str, run: RunResult, design: Design, reach: Reach) -> Overload | None:
    """What makes a queue grow without bound: it itself, or what its consumers wait for."""
    own = next((overload for overload in run.overloads if overload.component == name), None)
    consumers = frozenset(
        flow.name
        for flow in design.flows.values()
        if isinstance(flow.trigger, Consume) and flow.trigger.buffer == name
    )
    return own or _Concern.of(run.overloads, design, reach).direct(consumers, reach)


def _grows(overload: Overload) -> str:
    more = f", {format_number(overload.growth, 2)} more each second" if overload.growth > 0 else ""
    return f"`{overload.component}` grows without bound{more}"


@dataclass(frozen=True, slots=True)
class _Concern:
    """Whom an overload concerns: who calls what is overloaded, and who shares a component that fills up
    behind it.
    """

    overloads: tuple[Overload, ...]
    behind: Mapping[str, Overload]  # component that fills up -> what it waits for
    consumed: Mapping[str, str]  # flow -> the buffer whose messages start it

    @staticmethod
    def of(overloads: tuple[Overload, ...], design: Design, reach: Reach) -> _Concern:
        pairs = {pair for held in reach.holds.values() for pair in held}
        behind = {overload.component: overload for overload in overloads}
        waiting = list(behind)
        while waiting:
            callee = waiting.pop()
            for holder, called in pairs:
                component = design.components.get(holder)
                if called != callee or component is None or holder in behind:
                    continue
                if component.kind not in HOLDS_NO_SLOT and not component.is_async:
                    behind[holder] = behind[callee]
                    waiting.append(holder)
        consumed = {
            flow.name: flow.trigger.buffer
            for flow in design.flows.values()
            if isinstance(flow.trigger, Consume)
        }
        return _Concern(overloads, behind, consumed)

    def direct(self, flows: frozenset[str], reach: Reach) -> Overload | None:
        """The overload of something that one of the flows calls, or consumes from."""
        touched = frozenset().union(*(reach.touches.get(flow, frozenset()) for flow in flows))
        touched |= {self.consumed[flow] for flow in flows if flow in self.consumed}
        return next((overload for overload in self.overloads if overload.component in touched), None)

    def near(self, flows: frozenset[str], reach: Reach) -> Overload | None:
        """The overload behind which something fills up that one of the flows calls."""
        for flow in sorted(flows):
            for component in sorted(reach.touches.get(flow, ())):
                if component in self.behind:
                    return self.behind[component]
        return None
