"""What does `--json` say? The public interface for programs, documented in `docs/json.md`: plain values
without NaN and infinity.

Where a number is not known there is null, and a `reason` beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from toscale.design.model import Design
from toscale.design.problems import Problem
from toscale.requirements.estimates import Estimates
from toscale.requirements.verdicts import Verdict
from toscale.simulate.result import (
    BoundResult,
    CallResult,
    ComponentResult,
    ConnectionResult,
    Figure,
    FlowResult,
    RunResult,
    Simulation,
)

__all__ = ["estimates_json", "problem_json", "simulation_json", "text_of", "verdict_json"]

Plain = dict[str, Any]

OPEN = "the interval is open on this side: too little was measured to bound it"
BEYOND = "beyond every bound that can be written"


def text_of(value: object) -> str:
    """The value as JSON text, indented; every number in it is finite."""
    return json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)


def finite(value: object) -> Any:
    """The value with null in the place of every number that JSON does not have, and the reason beside it."""
    if isinstance(value, Mapping):
        said = {str(key): finite(inner) for key, inner in value.items()}
        beyond = [
            key for key, inner in value.items() if isinstance(inner, float) and not math.isfinite(inner)
        ]
        if beyond and not said.get("reason"):
            said["reason"] = f"{', '.join(map(str, beyond))}: {BEYOND}"
        return said
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def problem_json(problem: Problem) -> Plain:
    """One problem; the place is null for what stands in no file."""
    place = problem.place
    return {
        "code": problem.code,
        "severity": problem.severity,
        "file": place.file or None,
        "line": place.line or None,
        "column": place.column or None,
        "end_line": place.end_line or None,
        "end_column": place.end_column or None,
        "message": problem.message,
        "suggestion": problem.suggestion or None,
    }


def estimates_json(estimates: Estimates) -> Plain:
    """What `toscale estimate --json` says, without the file."""
    return dict(finite(estimates.to_json()))


def figure_json(figure: Figure | None) -> Plain:
    """A figure with the ends of its interval; with a reason wherever one of the three is null."""
    if figure is None:
        return {"value": None, "low": None, "high": None, "reason": "it was not measured"}
    said = figure.to_json()
    if said["value"] is None and not said.get("reason"):
        said["reason"] = "it was not measured"
    elif (said["low"] is None or said["high"] is None) and not said.get("reason"):
        said["reason"] = OPEN
    return dict(finite(said))


def _figures(figures: Mapping[str, Figure]) -> Plain:
    return {name: figure_json(figure) for name, figure in figures.items()}


def flow_json(flow: FlowResult) -> Plain:
    """A flow, a step or a span: rates per second, times in seconds."""
    return {
        "offered": figure_json(flow.offered),
        "completed": figure_json(flow.completed),
        "failed": _figures(flow.failed),
        "availability": figure_json(flow.availability),
        "latency": _figures(flow.latency.answered),
        "latency_of_all": _figures(flow.latency.of_all),
        "longest": flow.latency.longest,
        "counted": flow.counted,
    }


def component_json(component: ComponentResult) -> Plain:
    """A component; `hit_ratio`, `lag`, `depth`, `lock_waiting` and `lock_refused` where it has them."""
    said: Plain = {
        "arrivals": figure_json(component.arrivals),
        "utilisation": figure_json(component.utilisation),
        "core_utilisation": figure_json(component.core_utilisation),
        "busy": figure_json(component.busy),
        "waiting": figure_json(component.waiting),
        "queue": figure_json(component.queue),
        "refused": figure_json(component.refused),
        "abandoned": figure_json(component.abandoned),
    }
    for name in (
        "hit_ratio",
        "lag",
        "depth",
        "lock_waiting",
        "lock_refused",
        "redelivered",
        "dead",
        "expired",
        "coalesced",
        "cold",
        "instances",
        "machines",
        "short",
        "stale",
        "staleness",
    ):
        figure = getattr(component, name)
        if figure is not None:
            said[name] = figure_json(figure)
    if component.most_machines is not None:
        said["most_machines"] = component.most_machines
    return said


def bound_json(bound: BoundResult) -> Plain:
    """A bounded thing: units per second, mean numbers, seconds; `excess` and `shortfall` as shares."""
    names = ("taken", "refused", "held", "line", "wait", "excess", "shortfall")
    return {name: figure_json(getattr(bound, name)) for name in names}


def connection_json(held: ConnectionResult) -> Plain:
    """What is held open: numbers, rates per second, bytes."""
    said: Plain = {
        name: figure_json(getattr(held, name))
        for name in ("held", "opened", "closed", "lost", "refused", "each", "fullest", "memory")
    }
    return {"component": held.component, **said, "limit": held.limit}


def call_json(call: CallResult) -> Plain:
    """A call with a breaker, a hedge or a budget: rates per second, shares, and what it has none of left out."""
    said = {"calls": figure_json(call.calls)}
    for name in ("cut", "open", "opened", "hedged", "retries", "denied"):
        figure = getattr(call, name)
        if figure is not None:
            said[name] = figure_json(figure)
    return said


def run_json(run: RunResult) -> Plain:
    """One simulated load."""
    kinds = {"flow": "flows", "step": "steps", "span": "spans"}
    measured: dict[str, Plain] = {name: {} for name in kinds.values()}
    for name, flow in run.flows.items():
        measured[kinds[flow.kind]][name] = flow_json(flow)
    return {
        **measured,
        "components": {name: component_json(component) for name, component in run.components.items()},
        "bounds": {name: bound_json(bound) for name, bound in run.bounds.items()},
        "connections": {name: connection_json(held) for name, held in run.connections.items()},
        "calls": {path: call_json(call) for path, call in run.calls.items()},
        "run": {
            "ending": run.ending.name.lower(),
            "ending_text": run.ending.value,
            "overloads": [
                {"component": overload.component, "growth": overload.growth, "text": overload.text}
                for overload in run.overloads
            ],
            "simulated": run.simulated,
            "warm_up": run.warm_up,
            "replications": run.replications,
            "requests": run.requests,
            "events": run.events,
            "notes": list(run.notes),
        },
    }


def verdict_json(verdict: Verdict) -> Plain:
    """One condition with its status, the figures at the two loads, and the reason."""
    said = verdict.to_json()
    for load in ("median", "upper"):
        figure = getattr(verdict, load)
        said[load] = None if figure is None else figure_json(figure)
    return dict(finite(said))


def simulation_json(
    design: Design, simulation: Simulation, verdicts: Iterable[Verdict], problems: Iterable[Problem] = ()
) -> Plain:
    """What `toscale simulate --json` says, without the file."""
    said = {
        "title": design.title,
        **run_json(simulation.median),
        "upper": None if simulation.upper is None else run_json(simulation.upper),
        "conditions": [verdict_json(verdict) for verdict in verdicts],
        "multiple": simulation.multiple,
        "seed": simulation.seed,
        "precision": simulation.precision,
        "disagreements": [
            {
                "subject": one.subject,
                "measure": one.measure,
                "theory": one.theory,
                "simulated": figure_json(one.simulated),
                "why": one.why,
            }
            for one in simulation.disagreements
        ],
        "defaults": [
            {"component": one.component, "what": one.what, "value": one.value, "source": one.source}
            for one in simulation.defaults
        ],
        "not_simulated": [
            {
                "text": one.text,
                "path": one.path or None,
                "flow": one.flow,
                "left_out": one.left_out,
                "line": one.place.line or None,
            }
            for one in simulation.not_simulated
        ],
        "notes": [{"text": one.text, "line": one.place.line or None} for one in simulation.notes],
        "problems": [problem_json(problem) for problem in problems],
    }
    if simulation.upper is None:
        said["upper_reason"] = "no rate is uncertain: the median is the only load"
    return dict(finite(said))
