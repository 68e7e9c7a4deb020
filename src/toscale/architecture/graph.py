"""Who is there, and who calls whom? The graph of a design: actors and components, and an edge for each pair of
which one calls, or sends to, the other.

Edges follow from the steps of the flows: a call goes from whoever makes it along its route; a message goes
to its buffer, and from the buffer to whoever consumes it. Calls of a component to itself are work inside its
box, and have no edge. Everything is in the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from toscale.design.flow import (
    After,
    Call,
    Consume,
    Event,
    Every,
    Flow,
    FlowDone,
    FromActor,
    RunFlow,
    Step,
    inner_steps,
)
from toscale.design.model import Component, Design
from toscale.design.parts import Formula
from toscale.kinds import KINDS, Drawing, Kind, Primitive
from toscale.quantity.formatting import format_number
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import Quantity, quantile
from toscale.requirements.machines import number_of, shards_of

__all__ = ["ACTOR", "Edge", "Graph", "Group", "Node", "Use", "graph_of"]

ACTOR = "actor"
"""What stands for the kind of an actor."""

MOST_DEPTH = 20
"""So deep may flows that run others be nested before the walk stops; deeper ones are circles."""


@dataclass(frozen=True, slots=True)
class Node:
    """An actor or a component. `caption` says its kind and size; `groups` are the frames that it stands in,
    from the outermost on.
    """

    name: str
    kind: str
    caption: str
    groups: tuple[str, ...] = ()

    @property
    def is_actor(self) -> bool:
        return self.kind == ACTOR

    @property
    def drawing(self) -> Drawing:
        """The outline of its kind."""
        return Drawing.PERSON if self.is_actor else KINDS[self.kind].drawing


@dataclass(frozen=True, slots=True)
class Use:
    """A place in a flow where an edge is used: the path of the step, as theory names it.

    `call` is the path of the call in its own flow; `consumes` says that the edge carries the messages that
    start the flow.
    """

    flow: str
    path: str
    call: str
    consumes: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """From whoever calls to whoever answers. `waits`: somebody waits for the answer, in at least one of its
    uses. `held`: of a connection that is held open, how many of it; it carries no rate.
    """

    source: str
    target: str
    uses: tuple[Use, ...] = ()
    waits: bool = True
    held: str = ""

    @property
    def flows(self) -> tuple[str, ...]:
        """The flows that use it, each once."""
        return tuple(dict.fromkeys(use.flow for use in self.uses))


@dataclass(frozen=True, slots=True)
class Group:
    """A frame: a region, a zone, or the machines that components share."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by name, edges, and groups by key."""

    title: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    groups: Mapping[str, Group]


def graph_of(design: Design, sheet: Sheet) -> Graph:
    """The graph of a design; `sheet` holds its estimates, for the numbers of machines."""
    edges = _edges(design, sheet)
    actors = [name for edge in edges for name in (edge.source, edge.target) if name not in design.components]
    clocks = _clocks(design)
    nodes = {name: Node(name, ACTOR, "actor") for name in dict.fromkeys(actors)}
    groups: dict[str, Group] = {}
    machines = _shared_machines(design)
    for name, component in design.components.items():
        inside = _groups(component, machines, design, groups)
        nodes[name] = Node(name, component.kind, _caption(component, sheet, clocks.get(name, "")), inside)
    return Graph(design.title or "", nodes, edges, groups)


# ---- what stands in a box


def _caption(component: Component, sheet: Sheet, clock: str) -> str:
    kind = KINDS[component.kind]
    said = [component.kind.replace("_", " ") + _size(component, kind, sheet)]
    if len(component.zones) > 1:
        said.append(f"{len(component.zones)} zones")
    if clock:
        said.append(clock)
    return " · ".join(said)


def _size(component: Component, kind: Kind, sheet: Sheet) -> str:
    """Machines in short: ` ×9`, and ` 4×3` for four shards of three copies each."""
    if component.beside:
        return ""
    path = f"components.{component.name}"
    if kind.primitive is Primitive.BUFFER:
        return _times(number_of(sheet, component.partitions, f"{path}.partitions"), component.partitions)
    if kind.primitive is Primitive.STATION:
        return _times(number_of(sheet, component.replicas, f"{path}.replicas"), component.replicas)
    shards, copies = (
        shards_of(sheet, component),
        number_of(sheet, component.copies, f"{path}.copies"),
    )
    if component.shards is not None and component.copies is not None:
        return f" {_number(shards)}×{_number(copies)}"
    given = component.shards if component.shards is not None else component.copies
    return _times(shards if component.copies is None else copies, given or component.replicas)


def _times(amount: Quantity | str, given: Formula | None) -> str:
    return "" if given is None else f" ×{_number(amount)}"


def _number(amount: Quantity | str) -> str:
    return "?" if isinstance(amount, str) else format_number(quantile(amount.value, 0.5))


def _clocks(design: Design) -> dict[str, str]:
    """The components that the clock calls, with how often."""
    found: dict[str, str] = {}
    for flow in design.flows.values():
        if isinstance(flow.trigger, Every):
            for call, _, _ in _calls(design, flow):
                found.setdefault(call.route[0], f"every {flow.trigger.period}")
                break
    return found


# ---- frames


def _shared_machines(design: Design) -> dict[str, str]:
    """For each component that shares machines with others, the one whose machines they are."""
    found: dict[str, str] = {}
    for name, component in design.components.items():
        host, seen = component, {name}
        while host.beside in design.components and host.beside not in seen:
            seen.add(host.beside or "")
            host = design.components[host.beside or ""]
        if host.name != name:
            found[name] = found[host.name] = host.name
    return found


def _groups(
    component: Component, machines: Mapping[str, str], design: Design, groups: dict[str, Group]
) -> tuple[str, ...]:
    """The keys of the frames that a component stands in; new ones are added to `groups`.

    A component in several zones stands in none of them. What shares machines stands where their owner does.
    """
    host = machines.get(component.name)
    owner = design.components[host] if host else component
    inside = []
    if owner.region:
        inside.append(Group(f"region {owner.region}", f"region {owner.region}"))
    if len(owner.zones) == 1:
        zone = owner.zones[0]
        inside.append(Group(f"zone {owner.region or ''}/{zone}", f"zone {zone}"))
    if host:
        inside.append(Group(f"machines {host}", f"each machine of {host}"))
    for group in inside:
        groups.setdefault(group.key, group)
    return tuple(group.key for group in inside)


# ---- who calls whom


def _edges(design: Design, sheet: Sheet) -> tuple[Edge, ...]:
    uses: dict[tuple[str, str], list[Use]] = {}
    waits: set[tuple[str, str]] = set()
    for flow in design.flows.values():
        starts = _starters(design, flow)
        first = True
        for call, caller, prefix in _calls(design, flow):
            route = _route(call, caller, prefix)
            consumed = first and isinstance(flow.trigger, Consume) and caller is None
            first = False
            path = f"{prefix}{call.path}"
            hops = [
                *((start, route[0]) for start in (starts if caller is None else (caller,))),
                *pairwise(route),
            ]
            for source, target in hops:
                if source == target:
                    continue
                used = path if target == call.target else f"{path} @ {target}"
                message = consumed and source in starts
                uses.setdefault((source, target), []).append(Use(flow.name, used, call.path, message))
                if not (message or call.operation == "send" or call.policies.is_async):
                    waits.add((source, target))
    found = [Edge(*ends, tuple(dict.fromkeys(used)), ends in waits) for ends, used in uses.items()]
    for name, one in design.connections.items():
        held = "" if one.held is None else _number(number_of(sheet, one.held, f"connections.{name}.held"))
        found.append(Edge(one.from_actor, one.to, waits=False, held=f"{held} held".strip()))
    return tuple(found)


def _route(call: Call, caller: str | None, prefix: str) -> tuple[str, ...]:
    """The components that a call passes. The steps of a flow that is run within another one begin where their
    caller already is: the way there is not gone again.
    """
    if prefix and caller in call.route:
        return call.route[call.route.index(caller) :]
    return call.route


def _starters(design: Design, flow: Flow, seen: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Who makes the first calls of a flow: an actor or a buffer; nobody where the clock or an end starts it."""
    match flow.trigger:
        case FromActor(actor=actor):
            return (actor,)
        case Consume(buffer=buffer):
            return (buffer,)
        case After(causes=causes):
            found: list[str] = []
            for cause in causes:
                match cause:
                    case FlowDone(flow=other) if other not in seen and other in design.flows:
                        found += _starters(design, design.flows[other], seen | {flow.name, other})
                    case Event(subject=subject) if subject in design.connections:
                        found.append(design.connections[subject].from_actor)
                    case _:
                        continue
            # What follows a flow that a buffer started is done by its consumers, not for its messages.
            return tuple(name for name in dict.fromkeys(found) if name not in _buffers(design))
        case _:
            return ()


def _buffers(design: Design) -> set[str]:
    return {name for name, one in design.components.items() if KINDS[one.kind].primitive is Primitive.BUFFER}


def _calls(design: Design, flow: Flow) -> Iterator[tuple[Call, str | None, str]]:
    """Every call of a flow, those of flows that it runs among them, with who makes it (None: whoever starts
    the flow) and what stands before its path there.
    """
    waiting: list[tuple[Step, str | None, str, int]] = [(step, None, "", 0) for step in reversed(flow.steps)]
    while waiting:
        step, caller, prefix, depth = waiting.pop()
        if isinstance(step, RunFlow):
            if depth < MOST_DEPTH and step.flow in design.flows:
                inner = design.flows[step.flow].steps
                before = f"{prefix}{step.path}/"
                waiting += [(one, caller, before, depth + 1) for one in reversed(inner)]
            continue
        if isinstance(step, Call):
            yield step, caller, prefix
            after = [(one, caller) for steps in step.on.values() for one in steps]
            below = [(one, step.target) for one in step.then] + after
        else:
            below = [(one, caller) for steps in inner_steps(step) for one in steps]
        waiting += [(one, by, prefix, depth) for one, by in reversed(below)]
