"""How does a design become a model that can be simulated? Its estimates are evaluated, its components and
flows lowered.

`lower` takes a design that was read without errors and gives a `Lowered`: the model for the engine and the
twin, with everything that must be told about it. Nothing is skipped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite

from toscale.design import flow as language
from toscale.design.conditions import Span as DesignSpan
from toscale.design.flow import Event, FlowDone
from toscale.design.model import Design
from toscale.engine.model import After, Clock, Consume, Flow, Measure, Model, Poisson, Send, Span, Station
from toscale.engine.model import walk as walk_model
from toscale.simulate.lowering.attempts import Attempts
from toscale.simulate.lowering.bounded import Bounds, Usual
from toscale.simulate.lowering.connections import Connections
from toscale.simulate.lowering.copies import CopyLowering
from toscale.simulate.lowering.entities import Entities
from toscale.simulate.lowering.flows import FlowLowering
from toscale.simulate.lowering.ledger import Ledger
from toscale.simulate.lowering.locks import LockLowering
from toscale.simulate.lowering.lowered import At, Lowered
from toscale.simulate.lowering.machines import Machines
from toscale.simulate.lowering.operations import Operations
from toscale.simulate.lowering.record import Record
from toscale.simulate.lowering.sources import Sources, usual_rates
from toscale.simulate.lowering.steps import MOST_STEPS, StepLowering, TooManySteps
from toscale.simulate.lowering.values import Values
from toscale.simulate.lowering.walks import walk
from toscale.simulate.lowering.wire import Wire

__all__ = ["lower"]


def lower(
    design: Design, *, at: At = "median", multiple: float = 1.0, apart: tuple[str, str] | None = None
) -> Lowered:
    """The design as a model: rates at their medians, or each at its own 95th percentile ("upper").

    `multiple` is a multiple of what grows (`growth.of`); `apart` are two ends whose link a fault will change.
    Raises `LoweringError`, with all problems and
    their places, where the design cannot be simulated at all: impossible figures of components, too many
    machines or steps.
    """
    if at not in ("median", "upper"):
        raise ValueError(f"rates are taken at 'median' or 'upper', not at {at!r}")
    if not (isfinite(multiple) and multiple > 0):
        raise ValueError(f"a multiple of the load is positive and finite, not {multiple!r}")
    ledger = Ledger()
    values = Values.of(design, at, multiple, ledger)
    machines = Machines(design, values, ledger)
    machines.build()
    ledger.stop_on_problems()
    connections = Connections(design, values, machines, Entities(design, values, ledger), ledger)
    connections.find()
    sources = Sources(design, values, machines, ledger, connections)
    sources.find()
    measures = measure_names(design)
    usual = Usual(usual_rates(design, values))

    def lowering(
        into: Ledger, unread: frozenset[str], sized: frozenset[str], present: Mapping[tuple[str, str], float]
    ) -> StepLowering:
        seen = Values(design, values.sheet, at, multiple, into)
        parts = Machines(design, seen, into, machines.parts, machines.zones)
        wire = Wire(design, seen, into, apart=apart)
        entities = Entities(design, seen, into)
        record = Record(into)
        locks = LockLowering(entities, record, into)
        copies = CopyLowering(design, seen, into, record)
        operations = Operations(
            design, seen, parts, wire, entities, into, unread, sized, dict(present), locks, copies
        )
        attempts = Attempts(seen, into)
        bounds = Bounds(design, operations, usual)
        held = replace(connections, entities=entities)
        return StepLowering(
            design, seen, parts, wire, entities, operations, attempts, record, into, measures, bounds, held
        )

    flows = FlowLowering(design, machines, sources, connections, ledger, lowering)
    try:
        flows.run()
    except TooManySteps:
        ledger.problem(
            "TS903",
            f"The flows have more than {MOST_STEPS:,} steps, those of the flows that they `run` included.",
            "Let fewer flows run others, or simulate a part of the design.",
        )
        ledger.stop_on_problems()
    flows.used |= {connection.station for connection in connections.models.values()}
    _say_what_stays_out(design, flows, ledger)
    spans = _spans(design, flows.flows, connections)
    stations = [part.station for name, part in machines.parts.items() if name in flows.used]
    stations += [Station(actor) for actor in sorted(flows.actors)]
    stores = [
        part.store for name, part in machines.parts.items() if name in flows.used and part.store is not None
    ]
    return Lowered(
        model=Model(
            tuple(stations),
            tuple(stores),
            flows.buffers,
            flows.flows,
            spans,
            flows.pools,
            flows.locks,
            tuple(connections.models.values()),
            flows.replicated,
        ),
        at=at,
        multiple=multiple,
        defaults=tuple(
            used
            for used in ledger.defaults
            if used.component in flows.used or used.component not in machines.parts
        ),
        notes=ledger.notes,
        not_simulated=ledger.not_simulated,
        rates={flow.name: _rate(flow, connections) for flow in flows.flows},
        averages={name: rate for name, rate in sources.averages.items() if name not in flows.left_out},
        left_out=flows.left_out,
        understated=flows.understated,
        machines={name: part.machines for name, part in machines.parts.items()},
        stations=frozenset(station.name for station in stations),
        stores=frozenset(store.name for store in stores),
        buffers=frozenset(buffer.name for buffer in flows.buffers),
        steps={path: name for path, name in measures.items() if name in _measured(flows.flows)},
        zones=dict(machines.zones),
    )


def measure_names(design: Design) -> dict[str, str]:
    """What each named step is called in the figures, by its path: its name, or its path where the name is
    not its own.
    """
    named = [
        (step.path, step.name) for flow in design.flows.values() for step in walk(flow.steps) if step.name
    ]
    names = [name for _, name in named]
    return {
        path: name if names.count(name) == 1 and name not in design.flows else path for path, name in named
    }


def _rate(flow: Flow, connections: Connections) -> float | None:
    """The starts of a flow per second, where they are known beforehand."""
    match flow.source:
        case Poisson(rates=(rate,)):
            return rate
        case Clock(every, number):
            return number / every
        case After(flows=(), events=events, chance=chance):
            return chance * sum(map(connections.rate, events))
        case _:
            return None


def _spans(design: Design, flows: tuple[Flow, ...], connections: Connections) -> tuple[Span, ...]:
    """The spans that conditions need, where the first flow causes the last."""
    simulated = {flow.name: flow for flow in flows}
    wanted = [
        target.subject for target in design.requirements.targets if isinstance(target.subject, DesignSpan)
    ]
    found: dict[tuple[str, str], Span] = {}
    for subject in wanted:
        if isinstance(subject.start, FlowDone) and {subject.start.flow, subject.end} <= set(simulated):
            if subject.end in _caused_by(subject.start.flow, flows):
                found[subject.start.flow, subject.end] = Span(subject.start.flow, subject.end)
        elif isinstance(subject.start, Event) and subject.end in simulated:
            event = connections.event(subject.start)
            begun = [
                flow.name for flow in flows if isinstance(flow.source, After) and event in flow.source.events
            ]
            begun = [name for name in begun if subject.end in _caused_by(name, flows)]
            if len(begun) == 1 and not simulated[begun[0]].source.flows:  # type: ignore[union-attr]
                found[begun[0], subject.end] = Span(begun[0], subject.end, str(subject.start))
    return tuple(found.values())


def _caused_by(first: str, flows: tuple[Flow, ...]) -> set[str]:
    """The flows that a flow causes, through queues and by following it."""
    sends = {flow.name: {s.buffer for s in walk_model(flow.steps) if isinstance(s, Send)} for flow in flows}
    reached = {first}
    while True:
        more = set()
        for flow in flows:
            match flow.source:
                case Consume(buffer=buffer):
                    caused = any(buffer in sends[other] for other in reached)
                case After(flows=causes):
                    caused = bool(reached & set(causes))
                case _:
                    caused = False
            if caused and flow.name not in reached:
                more.add(flow.name)
        if not more:
            return reached
        reached |= more


def _measured(flows: tuple[Flow, ...]) -> set[str]:
    return {step.name for flow in flows for step in walk_model(flow.steps) if isinstance(step, Measure)}


def _say_what_stays_out(design: Design, flows: FlowLowering, ledger: Ledger) -> None:
    """The parts of the file that no simulated flow meets."""
    for name, component in design.components.items():
        if name not in flows.used and not flows.left_out:
            ledger.note(f"No flow uses `{name}`.", component.place)
    run = {
        step.flow
        for flow in design.flows.values()
        for step in walk(flow.steps)
        if isinstance(step, language.RunFlow)
    }
    for name, flow in design.flows.items():
        if flow.trigger is None and name not in run:
            ledger.note(f"Nothing starts `{name}`, and no other flow runs it.", flow.place)
