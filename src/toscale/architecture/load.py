"""How busy is each box, and how much runs along each edge? From theory at one load, or from a simulation.

Rates along edges are those of theory where the flow is simulated, else those that follow from the file alone;
an edge that one of its flows uses at an unknown rate has a rate of "at least". All rates are per second, all
shares between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from toscale.architecture.graph import Edge, Graph, Use
from toscale.design.flow import Consume
from toscale.design.model import Design
from toscale.design.problems import DesignError
from toscale.quantity.formatting import format_number, format_quantity
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import quantile
from toscale.quantity.units import RATE
from toscale.requirements.values import rate_factor
from toscale.requirements.workload import flow_rates, occurrences

if TYPE_CHECKING:
    from toscale.simulate.lowering.lowered import At, Lowered
    from toscale.simulate.result import ComponentResult, RunResult
    from toscale.theory import Twin

__all__ = ["BUSY", "Figures", "Load", "Rate", "State", "by_theory", "with_run"]

BUSY = 0.8
"""From this share in use on, queues grow steeply: at 80% a wait is four times the work (M/M/1)."""

SHORTEST_QUEUE = 0.05
"""A queue that is shorter on average is not worth a word in a box."""


class State(Enum):
    """The verdict on a box."""

    CALM = "holds"
    BUSY = "nearly full"
    OVERLOADED = "cannot keep up"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a component is: `used` is the share of its slots or cores, whichever is larger (None: no
    limit, or not known); `queue` the mean number that waits. `text` says it in a box; `why` in a sentence.
    """

    state: State
    used: float | None = None
    queue: float | None = None
    text: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls or messages per second along an edge; `at_least`: some of its flows have an unknown rate."""

    value: float
    at_least: bool = False

    @property
    def text(self) -> str:
        return ("≥ " if self.at_least else "") + format_quantity(self.value, RATE)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a drawing says in numbers: loads by component, rates by the two ends of an edge, and `source`,
    where they are from.
    """

    loads: Mapping[str, Load]
    rates: Mapping[tuple[str, str], Rate]
    source: str


def by_theory(
    design: Design, graph: Graph, sheet: Sheet, *, at: At = "median", multiple: float = 1.0
) -> Figures:
    """What queueing theory says, at the medians of the rates or each at its own 95th percentile ("upper"), at
    a multiple of what grows. Where the design cannot be lowered, only what follows from the file is known.
    """
    from toscale.simulate.lower import lower
    from toscale.theory import solve

    lowered: Lowered | None = None
    twin: Twin | None = None
    with suppress(DesignError):
        lowered = lower(design, at=at, multiple=multiple)
        twin = solve(lowered.model)
    from_file = _rates_of_the_file(design, sheet, 0.5 if at == "median" else 0.95, multiple)
    rates = _rates(design, graph.edges, twin, from_file)
    names = [name for name, node in graph.nodes.items() if not node.is_actor]
    loads = {name: _load(name, twin, lowered) for name in names}
    return Figures(loads, rates, _source(design, twin, at, multiple))


def _source(design: Design, twin: Twin | None, at: At, multiple: float) -> str:
    simulated = [name for name in design.flows if twin is not None and name in twin.flows]
    missing = [
        name for name, flow in design.flows.items() if flow.trigger is not None and name not in simulated
    ]
    if not missing:
        source = "theory"
    elif simulated:
        source = "theory, and the file alone where a flow cannot be simulated"
    else:
        source = "the file alone, as no flow can be simulated"
    load = "the median of the rates" if at == "median" else "the upper end of the rates"
    times = "" if multiple == 1 else f", {format_number(multiple)} times the load"
    return f"{source}, at {load}{times}"


# ---- rates along edges


def _rates(
    design: Design,
    edges: Iterable[Edge],
    twin: Twin | None,
    from_file: Mapping[tuple[str, str], float | None],
) -> dict[tuple[str, str], Rate]:
    by_step = {} if twin is None else _rates_of_steps(design, twin)
    found = {}
    for edge in edges:
        known, unknown = 0.0, False
        for flow, uses in _by_flow(edge.uses).items():
            if twin is not None and flow in twin.flows:
                messages = twin.flows[flow].rate
                # A step that theory does not name is never reached: the miss of a cache that holds everything, say.
                known += sum(messages if use.consumes else by_step.get((flow, use.path), 0.0) for use in uses)
                continue
            parts = [from_file.get((flow, call)) for call in dict.fromkeys(use.call for use in uses)]
            known += sum(part for part in parts if part is not None)
            unknown = unknown or None in parts
        if edge.uses and (known > 0 or not unknown):
            found[edge.source, edge.target] = Rate(known, unknown)
    return found


def _by_flow(uses: Iterable[Use]) -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = {}
    for use in uses:
        found.setdefault(use.flow, []).append(use)
    return found


def _rates_of_steps(design: Design, twin: Twin) -> dict[tuple[str, str], float]:
    """Calls per second by theory, of each step of each flow by its path."""
    batches = {one.consumer: one.batch or 1.0 for one in twin.buffers.values() if one.consumer is not None}
    found: dict[tuple[str, str], float] = {}
    for name, flow in twin.flows.items():
        consumed = name in design.flows and isinstance(design.flows[name].trigger, Consume)
        runs = flow.rate / (batches.get(name, 1.0) if consumed else 1.0)
        for part in flow.parts:
            found[name, part.path] = found.get((name, part.path), 0.0) + runs * part.visits
    return found


def _rates_of_the_file(
    design: Design, sheet: Sheet, probability: float, multiple: float
) -> dict[tuple[str, str], float | None]:
    """Calls per second that follow from the file alone, by flow and path of the call; None: it does not say."""
    found: dict[tuple[str, str], float | None] = {}
    for name, rate in flow_rates(design, sheet, rate_factor(design, multiple)).items():
        for one in occurrences(design, sheet, name):
            key = name, one.call.path
            if isinstance(rate.rate, str) or isinstance(one.times, str):
                found[key] = None
                continue
            times = quantile(rate.rate.value, probability) * quantile(one.times.value, 0.5)
            before = found.get(key, 0.0)
            found[key] = None if before is None else before + times
    return found


# ---- loads of boxes


def _load(name: str, twin: Twin | None, lowered: Lowered | None) -> Load:
    if twin is None or lowered is None:
        return Load(State.UNKNOWN, why="the design cannot be simulated as it stands")
    if name in twin.buffers:
        buffer = twin.buffers[name]
        return _judged(buffer.utilisation, buffer.utilisation, buffer.depth, buffer.excess, "messages")
    station = twin.stations.get(name)
    missing = lowered.understated.get(name, ())
    if station is None or (station.arrivals <= 0 and missing):
        flows = f" (it is used by {', '.join(missing)})" if missing else ""
        return Load(State.UNKNOWN, why=f"no simulated flow uses it{flows}")
    limits = [one for one in (station.slot_utilisation, station.core_utilisation) if one is not None]
    used = max(limits, default=None)
    found = _judged(used, station.hottest_utilisation, station.queue, station.excess, "calls")
    if not missing:
        return found
    why = f"at least: {', '.join(missing)} also {'uses' if len(missing) == 1 else 'use'} it, and cannot be simulated"
    text = f"≥ {100 * (found.used or 0.0):.2g}%" if found.used is not None else found.text
    return replace(found, text=text, why=why)


def _judged(used: float | None, hottest: float | None, queue: float | None, excess: float, of: str) -> Load:
    if excess > 0:
        more = format_quantity(excess, RATE)
        return Load(State.OVERLOADED, used, None, f"+{more} too many", f"{more} {of} more than it can take")
    state = State.BUSY if (hottest or 0.0) >= BUSY else State.CALM
    if used is None:
        why = "it has no limit"
    elif hottest is None or hottest < used * 1.05:
        why = ""
    else:
        why = f"its busiest machine: {_share(hottest)}"
    return Load(state, used, queue, _text(used, queue), why)


def _text(used: float | None, queue: float | None) -> str:
    said = [] if used is None else [_share(used)]
    if queue is not None and queue >= SHORTEST_QUEUE:
        said.append(f"queue {format_number(queue, 2)}")
    return " · ".join(said)


def _share(share: float) -> str:
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{100 * share:.1f}%" if share < 0.0995 else f"{100 * share:.0f}%"


# ---- a simulation instead


def with_run(figures: Figures, run: RunResult, source: str) -> Figures:
    """The same with the loads of a simulated run; rates along edges stay those of theory. `source` names it."""
    overloads = {one.component: one for one in run.overloads}
    loads = dict(figures.loads)
    for name, load in figures.loads.items():
        if name in overloads:
            more = format_quantity(overloads[name].growth, RATE)
            loads[name] = Load(State.OVERLOADED, load.used, None, f"+{more} too many", overloads[name].text)
        elif name in run.components:
            loads[name] = _simulated(run.components[name], load)
    return Figures(loads, figures.rates, source)


def _simulated(result: ComponentResult, theory: Load) -> Load:
    """The load of a component as it was measured. What theory says of its busiest machine still counts: the
    simulation gives the average of all.
    """
    shares = [one.value for one in (result.utilisation, result.core_utilisation) if one.value is not None]
    used = max(shares, default=theory.used)
    waiting = result.depth if result.depth is not None and result.depth.value is not None else result.queue
    if used is None and waiting.value is None:
        return theory
    busy = used is not None and used >= BUSY
    state = State.BUSY if busy or theory.state is State.BUSY else State.CALM
    said = _text(used, waiting.value)
    if theory.text.startswith("≥") and used is not None:
        said = f"≥ {said}"
    return Load(state, used, waiting.value, said, theory.why)
