"""What does a design become when it is to be simulated? A model, and everything that a reader must know
about how it came about.

`Lowered.model` is what the engine and the twin take. Beside it stand the defaults with their sources, the
notes on how the file was read, and what is not simulated: a flow whose meaning would be wrong is left out
whole, anything else that is missing is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from toscale.design.conditions import OfBound, OfComponent, OfFlow, OfStep, OfSystem, Span, Subject
from toscale.design.flow import FlowDone
from toscale.design.parts import NOWHERE, Place
from toscale.design.problems import DesignError
from toscale.engine.model import Model

__all__ = [
    "At",
    "DefaultUsed",
    "Found",
    "LOWERING_CODES",
    "Lowered",
    "LoweringError",
    "NotSimulated",
    "Note",
    "Unknown",
]

At: TypeAlias = Literal["median", "upper"]
"""Rates at their medians, or each rate at its own 95th percentile."""

LOWERING_CODES: dict[str, str] = {
    "TS901": "A figure of a component is impossible, or cannot be computed.",
    "TS902": "The design has more machines than can be simulated.",
    "TS903": "The flows have more steps than can be simulated.",
}
"""The rules that a design may break only when it is to be simulated, each in one sentence."""


class LoweringError(DesignError):
    """The design cannot be simulated as it stands. `problems` says all that is in the way, with places."""


@dataclass(frozen=True, slots=True)
class DefaultUsed:
    """A figure that the file does not give: whose it is, what it is, its value in words, and where that is
    from.
    """

    component: str
    what: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Note:
    """How something in the file was read, where a reader may have meant something else."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class NotSimulated:
    """A part of the design that the simulation does not carry out, and what that means for its figures.

    `path` is that of the step, or the name of the part. With `left_out`, all of `flow` is missing from the
    simulation.
    """

    text: str
    place: Place = field(default=NOWHERE, compare=False)
    path: str = ""
    flow: str | None = None
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Where a subject of a condition is measured: in the figures of a `flow`, `step`, `span`, `component` or
    `bound` (of a bounded thing) of this name.
    """

    kind: Literal["flow", "step", "span", "component", "bound"]
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A subject that is not measured, and why, as the end of a sentence: "unknown, because ..."."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A design as a model, at one level of its rates.

    `rates` are the starts per second of each simulated flow that are known beforehand (None: they follow
    from others, or vary), `averages` those that have filled caches and queues before the run, where the
    file says so. `left_out` says why a flow is not simulated. `understated` are the components whose load
    is too small, with the flows that are missing there. `machines` counts the machines of each component
    (for costs). A component is the station, store or buffer of its own name; `stations`, `stores` and
    `buffers` say which of them it is.
    """

    model: Model
    at: At
    multiple: float
    defaults: tuple[DefaultUsed, ...] = ()
    notes: tuple[Note, ...] = ()
    not_simulated: tuple[NotSimulated, ...] = ()
    rates: Mapping[str, float | None] = field(default_factory=dict)
    averages: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    understated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    machines: Mapping[str, int] = field(default_factory=dict)
    stations: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    buffers: frozenset[str] = frozenset()
    steps: Mapping[str, str] = field(default_factory=dict)  # path of a named step -> its name in the figures
    zones: Mapping[str, int] = field(default_factory=dict)  # name of a zone -> its number in the model

    def find(self, subject: Subject) -> Found | Unknown:
        """Where the subject of a condition is measured, or why it is not.

        Not every measure exists where the subject does: `lag` and `depth` are those of a buffer,
        `utilisation` that of a station, `staleness` that of a store whose copies lag; `cost` is computed from prices.
        """
        match subject:
            case OfFlow(flow):
                return self._flow(flow)
            case OfStep(flow, step, path):
                missing = self._flow(flow)
                if isinstance(missing, Unknown):
                    return missing
                name = self.steps.get(path)
                return (
                    Unknown(f"the step `{step}` of `{flow}` is not simulated")
                    if name is None
                    else Found("step", name)
                )
            case Span(start, end):
                return self._span(start, end)
            case OfComponent(component):
                if component in self.stations or component in self.stores or component in self.buffers:
                    return Found("component", component)
                return Unknown(f"no simulated flow uses `{component}`")
            case OfBound(entity):
                if any(pool.name == entity for pool in self.model.pools):
                    return Found("bound", entity)
                return Unknown(f"no simulated flow takes `{entity}`")
            case OfSystem():
                return Unknown("the cost is computed from prices, not simulated")

    def _flow(self, flow: str) -> Found | Unknown:
        if flow in self.left_out:
            return Unknown(f"`{flow}` is not simulated: {self.left_out[flow]}")
        if any(simulated.name == flow for simulated in self.model.flows):
            return Found("flow", flow)
        return Unknown(f"nothing starts `{flow}`")

    def _span(self, start: object, end: str) -> Found | Unknown:
        if not isinstance(start, FlowDone):
            if any(pool.swept == f"{start} until {end}" for pool in self.model.pools):
                return Found("span", f"{start} until {end}")
            return self._from_event(str(start), end)
        for flow in (start.flow, end):
            found = self._flow(flow)
            if isinstance(found, Unknown):
                return found
        name = f"{start.flow} until {end}"
        if any(span.name == name for span in self.model.spans):
            return Found("span", name)
        return Unknown(f"`{start.flow}` does not cause `{end}`")

    def _from_event(self, start: str, end: str) -> Found | Unknown:
        """A span that begins with an event: with the one flow that the event starts, and that leads to `end`."""
        found = self._flow(end)
        if isinstance(found, Unknown):
            return found
        name = f"{start} until {end}"
        if any(span.name == name for span in self.model.spans):
            return Found("span", name)
        return Unknown(f"no one simulated flow that `{start}` starts leads to `{end}`")
