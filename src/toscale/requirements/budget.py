"""Where does the time of a flow go? Its latency budget, hop by hop, against the targets on it.

A hop is one step of the flow as the analytic twin sees it: time on the wire, work, and waiting for slots
and cores, each a mean per request of the flow. A step that is done now and then, such as the read on a
miss, counts with its share of the requests. The means add up to the mean latency; a percentile is more than
that, and is set beside its target where the twin knows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toscale.design.conditions import OfFlow, OfStep, Target
from toscale.design.flow import Call
from toscale.design.model import Component, Design
from toscale.kinds import KINDS
from toscale.quantity.formatting import format_quantity
from toscale.quantity.sheet import Sheet
from toscale.quantity.units import NUMBER, TIME, UNITS
from toscale.requirements.reach import walk
from toscale.requirements.values import sheet_of, value_of
from toscale.theory.results import FlowTheory, Part, Twin

__all__ = ["Allowance", "Budget", "Hop", "budgets"]

TARGETED = {50.0: "p50", 90.0: "p90", 99.0: "p99"}
"""The percentiles that the twin knows."""


WORTH_SAYING = 1e-3
"""A component with a smaller part of the time is left out of the sentence; it is in the hops."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a flow: mean seconds per request of the flow, all of its visits together.

    `visits` is how often it is made in a request. `waiting` is None where it grows without bound. `source`
    says where the time is from that the file does not give; empty where the file gives it.
    """

    path: str
    component: str | None
    visits: float
    wire: float
    work: float
    waiting: float | None
    source: str = ""

    @property
    def total(self) -> float | None:
        """All of it together."""
        return None if self.waiting is None else self.wire + self.work + self.waiting


@dataclass(frozen=True, slots=True)
class Allowance:
    """A target on the flow, or on one of its steps, and what the budget leaves of it.

    `spent` is the figure of the target's own measure where theory knows it, else the mean; `left` is the
    target less that, negative where it is not enough. Seconds.
    """

    target: str
    text: str
    allowed: float
    spent: float
    measure: str  # "mean", "p50", "p90", "p99"

    @property
    def left(self) -> float:
        return self.allowed - self.spent


@dataclass(frozen=True, slots=True)
class Budget:
    """The latency budget of one flow. Seconds.

    `mean` is None, with the `reason`, where something grows without bound. `overlap` is what passed side by
    side, and is counted in the hops twice: hops less overlap are the mean. `unknown` are targets without a
    value to compare with.
    """

    flow: str
    hops: tuple[Hop, ...]
    mean: float | None
    overlap: float
    allowances: tuple[Allowance, ...]
    unknown: tuple[str, ...] = ()
    reason: str = ""

    @property
    def wire(self) -> float:
        return sum(hop.wire for hop in self.hops)

    @property
    def waiting(self) -> float | None:
        waits = [hop.waiting for hop in self.hops]
        return None if None in waits else sum(wait for wait in waits if wait is not None)

    def work_by_component(self) -> dict[str, float]:
        """The work in each component, the largest first."""
        found: dict[str, float] = {}
        for hop in self.hops:
            if hop.work > 0:
                name = hop.component or "pauses"
                found[name] = found.get(name, 0.0) + hop.work
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def sentence(self) -> str:
        """The budget in words: `40 ms on the wire, 0.8 ms in app, ... 44 ms on average; of 150 ms (p99) 90
        ms are left`.
        """
        parts = [f"{_time(self.wire)} on the wire"] if self.wire > 0 else []
        least = WORTH_SAYING * sum(hop.wire + hop.work for hop in self.hops)
        works = self.work_by_component().items()
        parts += [f"{_time(work)} in {name}" for name, work in works if work >= least]
        waiting = self.waiting
        if waiting is None:
            return f"{', '.join(parts)}, and waiting without bound: {self.reason}"
        if waiting > 0:
            parts.append(f"{_time(waiting)} waiting")
        said = ", ".join(parts) if parts else "no time at all"
        if self.overlap > 1e-9:
            said += f", less {_time(self.overlap)} side by side"
        if self.mean is None:
            return f"{said}: {self.reason}"
        said += f": {_time(self.mean)} on average"
        return said + "".join(f"; {_left(one)}" for one in self.allowances)

    def to_json(self) -> dict[str, Any]:
        return {
            "mean": self.mean,
            "reason": self.reason or None,
            "wire": self.wire,
            "waiting": self.waiting,
            "overlap": self.overlap,
            "hops": [
                {
                    "path": hop.path,
                    "component": hop.component,
                    "visits": hop.visits,
                    "wire": hop.wire,
                    "work": hop.work,
                    "waiting": hop.waiting,
                    "source": hop.source or None,
                }
                for hop in self.hops
            ],
            "targets": [
                {
                    "name": one.target,
                    "text": one.text,
                    "measure": one.measure,
                    "allowed": one.allowed,
                    "spent": one.spent,
                    "left": one.left,
                }
                for one in self.allowances
            ],
            "unit": "s",
        }


def budgets(design: Design, twin: Twin, sheet: Sheet | None = None) -> dict[str, Budget]:
    """The budget of every flow that the twin knows, by its name.

    `twin` is that of the design at the load that is looked at; `sheet` its estimates, if they are computed
    already.
    """
    known = sheet or sheet_of(design)
    return {
        name: _budget(design, known, flow, twin) for name, flow in twin.flows.items() if name in design.flows
    }


def _budget(design: Design, sheet: Sheet, flow: FlowTheory, twin: Twin) -> Budget:
    calls = {
        step.path: step for one in design.flows.values() for step in walk(one.steps) if isinstance(step, Call)
    }
    hops = tuple(_hop(design, part, calls) for part in flow.parts)
    allowances: list[Allowance] = []
    unknown: list[str] = []
    for target in design.requirements.targets:
        found = _allowance(sheet, target, flow, twin)
        if isinstance(found, Allowance):
            allowances.append(found)
        elif found is not None:
            unknown.append(found)
    return Budget(
        flow.name,
        hops,
        flow.latency,
        max(0.0, flow.overlap or 0.0),
        tuple(allowances),
        tuple(unknown),
        flow.reason,
    )


def _allowance(sheet: Sheet, target: Target, flow: FlowTheory, twin: Twin) -> Allowance | str | None:
    """What a target leaves; None if it is not about the time of this flow, or why it cannot be said."""
    if target.measure not in ("percentile", "mean") or target.during is not None or target.at is not None:
        return None
    match target.subject:
        case OfFlow(flow=name) if name == flow.name:
            latency, known = flow.latency, {"p50": flow.p50, "p90": flow.p90, "p99": flow.p99}
        case OfStep(flow=name, step=step, path=path) if name == flow.name:
            # the figures of a step have its name, or its path where the name is not its own
            theory = twin.steps.get(path) or twin.steps.get(step)
            if theory is None:
                return f"`{target.text}`: theory does not know the step"
            latency, known = theory.latency, {"p50": theory.p50, "p90": theory.p90, "p99": theory.p99}
        case _:
            return None
    allowed = value_of(sheet, target.value, f"requirements.non_functional.{target.name}", TIME)
    if isinstance(allowed, str):
        return f"`{target.text}`: {allowed}"
    percentile = TARGETED.get(target.percentile or 0.0, "")
    spent = known.get(percentile)
    if spent is not None:
        return Allowance(target.name, target.text, allowed.median, spent, percentile)
    if latency is None:
        return f"`{target.text}`: {flow.reason}"
    return Allowance(target.name, target.text, allowed.median, latency, "mean")


def _hop(design: Design, part: Part, calls: Mapping[str, Call]) -> Hop:
    call = calls.get(part.path)
    path = part.path
    while call is None and "/" in path:
        path = path.rpartition("/")[0]
        call = calls.get(path)
    name = part.station
    if name is None and part.path in design.components:
        name = part.path  # the wait in a queue, of what consumes it
    elif name is None and call is not None and call.operation == "send":
        name = call.target
    component = design.components.get(name or "")
    source = _source(component, call) if component is not None and part.work > 0 else ""
    return Hop(part.path, name, part.visits, part.wire, part.work, part.waiting, source)


def _source(component: Component, call: Call | None) -> str:
    """Where the work of a hop is from, if not from the file."""
    kind = KINDS.get(component.kind)
    if kind is None or component.time is not None:
        return ""
    if call is not None and call.target == component.name:
        if call.time is not None:
            return ""
        operation = kind.operations.get(call.operation or "")
        if operation is not None:
            return operation.source
    return kind.time.source if kind.time is not None else ""


def _time(seconds: float) -> str:
    return format_quantity(seconds, TIME, None, 2)


def _left(one: Allowance) -> str:
    share = format_quantity(one.spent / one.allowed, NUMBER, UNITS["%"], 2) if one.allowed > 0 else "all"
    if one.left >= 0:
        return f"`{one.text}`: {one.measure} {_time(one.spent)} by theory, which leaves {_time(one.left)}"
    return f"`{one.text}`: {one.measure} {_time(one.spent)} by theory is {share} of it"
