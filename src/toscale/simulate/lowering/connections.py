"""What is a held connection to the simulation? So many of the members of a population, each at one machine.

The actor at its end is an entity of `data` where a field of that name refers to one (`session.member: user key`),
or has that name itself: then it is known how many there are, and how likely it is that one of them is connected.
The member that a flow is about lies in the register of the actor, `key:member`; it is drawn among those who are
connected, unless the flow was started by, or for, one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor

from toscale.design import flow as language
from toscale.design.model import Connection as Held
from toscale.design.model import Design
from toscale.design.parts import Formula, Place
from toscale.engine.laws import Law
from toscale.engine.model import Connected, Connection, Event, Happening, Steps
from toscale.simulate.lowering.entities import Entities
from toscale.simulate.lowering.entities import Held as Key
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.machines import Machines
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import Values, shown_time

__all__ = ["Connections", "Route"]

_HAPPENS = {"opens": Happening.OPENS, "closes": Happening.CLOSES}


@dataclass(frozen=True, slots=True)
class Route:
    """How a call finds its machine: the steps before it, the connection (None: by policy), and the register
    of its member.
    """

    before: Steps = ()
    over: str | None = None
    key: str | None = None


@dataclass(slots=True)
class Connections:
    """The connections of a design that can be simulated, by name; `because` says why another cannot."""

    design: Design
    values: Values
    machines: Machines
    entities: Entities
    ledger: Ledger
    models: dict[str, Connection] = field(default_factory=dict)
    because: dict[str, str] = field(default_factory=dict)

    def find(self) -> None:
        """Every connection; what cannot be computed is said."""
        for held in self.design.connections.values():
            try:
                self.models[held.name] = self._connection(held)
            except NotComputable as error:
                self.because[held.name] = error.because
                text = f"The connection `{held.name}` is not simulated: {error.because}."
                self.ledger.missing(text, held.place, path=f"connections/{held.name}")
                self.ledger.note(text, held.place)
        reached = {connection.station for connection in self.models.values()}
        for component in self.design.components.values():
            if component.sockets is not None and component.name not in reached:
                self.ledger.note(
                    f"No connection that is simulated goes to `{component.name}`: its `sockets` limit nothing.",
                    component.places.get("sockets", component.place),
                )

    # ---- figures ------------------------------------------------

    def _connection(self, held: Held) -> Connection:
        part = self.machines.parts.get(held.to)
        if part is None or part.is_buffer or part.station.shards or part.kind.name == "function":
            what = "it" if part is None else f"a {part.kind.name}"
            raise NotComputable(f"`{held.to}` has no replicas that hold any: {what} keeps none", held.place)
        if held.held is None or held.lasts is None:
            missing = (
                "how many are open (`held`)" if held.held is None else "how long one stays open (`lasts`)"
            )
            raise NotComputable(f"nothing says {missing}", held.place)
        number = self.values.at_least_zero(held.held, self.values.number(held.held)) * self.values.rate_factor
        lasts = self._lasts(held)
        key = self.entities.actor(held.from_actor)
        if number >= key.population.size:
            raise NotComputable(
                f"`{held.held.text}` is {number:,.6g}, and there are {key.population.size:,} of `{held.from_actor}`",
                held.held.place,
            )
        each = 0.0 if held.memory is None else self.values.size(held.memory)
        limit = self._limit(held, each)
        if limit is not None and number > limit * part.machines:
            self.ledger.note(
                f"`{held.to}` has room for {limit * part.machines:,} connections, and {number:,.6g} are to be held: "
                "the others are refused.",
                held.place,
            )
        again = None
        if held.reconnect_after is not None:
            again = self.values.law(held.reconnect_after, 0.0)[0]
        return Connection(held.name, held.to, key.population, number, lasts, key.register, limit, each, again)

    def _lasts(self, held: Held) -> Law:
        assert held.lasts is not None
        law, by_default = self.values.law(held.lasts, 0.0)
        if law.mean <= 0:
            raise NotComputable("it is closed as soon as it is opened (`lasts`)", held.lasts.place)
        if by_default:
            self.ledger.default(
                held.name,
                "spread of how long it lasts",
                f"fixed: {shown_time(law.mean)}",
                "What the file does not mention does not happen: without a shape each lasts as long.",
            )
        return law

    def _limit(self, held: Held, each: float) -> int | None:
        """The most that a machine can hold: its `sockets`, or as many as its `memory` has room for."""
        component = self.design.components[held.to]
        limits: list[int] = []
        if component.sockets is not None:
            limits.append(self._whole(component.sockets))
        if component.memory is not None and each > 0:
            limits.append(floor(self.values.size(component.memory) / each))
        return min(limits, default=None)

    def _whole(self, formula: Formula) -> int:
        return ceil(self.values.at_least_zero(formula, self.values.number(formula)))

    # ---- what starts a flow ------------------------------------------------

    def event(self, event: language.Event) -> Event | str:
        """An event of a connection, or why it is not simulated."""
        happens = _HAPPENS.get(event.happens)
        if happens is None:
            return f"the event `{event}` is not simulated yet"
        if event.subject not in self.models:
            return f"the connection `{event.subject}` is not simulated: {self._why(event.subject)}"
        return Event(event.subject, happens)

    def rate(self, event: Event) -> float:
        """How often an event happens, per second, in the stationary state."""
        connection = self.models[event.connection]
        return connection.held / connection.lasts.mean

    def _why(self, name: str) -> str:
        return self.because.get(name, "it is not under `connections`")

    def begins_with(self, flow: language.Flow) -> tuple[str, ...]:
        """The registers that hold a member when a flow begins: its events say whose connection it was."""
        trigger = flow.trigger
        if not isinstance(trigger, language.After):
            return ()
        registers = set[str]()
        for cause in trigger.causes:
            if not isinstance(cause, language.Event) or cause.subject not in self.models:
                return ()
            registers.add(self.models[cause.subject].register)
        return tuple(registers) if len(registers) == 1 else ()

    def of_flow(self, flow: language.Flow) -> str | None:
        """The connection whose holders start a flow: they send `over` it, or the clock ticks `per` connection."""
        trigger = flow.trigger
        name = None
        if isinstance(trigger, language.FromActor) and trigger.over is not None:
            name = trigger.over.connection
        elif isinstance(trigger, language.Every):
            name = trigger.per
        return name if name in self.models else None

    def opening(self, flow: language.Flow, scope: Scope) -> Steps:
        """The steps that a flow begins with, before its own: whose it is."""
        name = self.of_flow(flow)
        if name is None:
            return ()
        return tuple(scope.hold(f"{flow.name}/{name}", self.models[name].register, name))

    # ---- steps ------------------------------------------------

    def route(self, step: language.Call, component: str, caller: str | None, scope: Scope) -> Route:
        """How a call of a component finds its machine. Raises `NotComputable`."""
        over = step.over
        name = None if over is None else over.connection
        if name in self.models and component != self.models[name].station:
            if component != step.target or self.models[name].station in step.route:
                return Route()  # it is another place of the route that holds it
            there = self.models[name].station
            raise NotComputable(f"`{name}` goes to `{there}`, not to `{component}`", step.place)
        if name is None and caller is not None and caller == scope.caller:  # the flow's own, from its actor
            name = self.of_flow(self.design.flows[scope.flow])
            if name is None or component != self.models[name].station:
                return Route()
            if self.design.connections[name].from_actor != caller:
                return Route()
        if name is None or name not in self.models:
            return Route()
        connection = self.models[name]
        path = scope.path(step.path)
        if over is None or over.of is None:
            return Route(tuple(scope.hold(path, connection.register, name)), name, connection.register)
        key = self.member(over.of, name, scope, over.place)
        return Route(tuple(scope.draw(path, [key])), name, key.register)

    def member(self, who: str, name: str, scope: Scope, place: Place) -> Key:
        """The key of somebody who may hold a connection: an item of an `each`, an actor, or an entity."""
        connection = self.models[name]
        key = self.entities.somebody(who, scope.items, connection.population)
        if key.population.number != connection.population.number:
            actor = self.design.connections[name].from_actor
            raise NotComputable(f"`{who}` is no `{actor}`, who holds `{name}`", place)
        return key

    def test(self, condition: language.HeldState, scope: Scope, path: str) -> tuple[Steps, Connected] | None:
        """`recipient has a socket`: the steps before it, and the test; None where it is not simulated."""
        name, who = condition.connection or "", condition.subject or ""
        if condition.state != "connected" or name not in self.models:
            return None
        key = self.member(who, name, scope, condition.place)
        return tuple(scope.draw(path, [key])), Connected(name, key.register)
