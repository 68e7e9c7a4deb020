"""What does a fault change? One entry for each action: the changes that it makes while the system runs.

`plan` lowers a fault of the file to a `FaultPlan`: the model with its timeline, and when the fault begins and
ends. An action is a function in ACTIONS that fills a `Planning`; a new one is a new entry here and its words in
`toscale.design.vocabulary`. What cannot be simulated raises `NotComputable`, which says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from toscale.design.flow import AttributePath
from toscale.design.model import Component, Design, Fault
from toscale.design.parts import Formula
from toscale.engine.model import (
    Attribute,
    Extend,
    Flow,
    FromStash,
    Model,
    Poisson,
    Policy,
    Population,
    Scatter,
    Send,
    Station,
    Take,
    Visit,
    walk,
)
from toscale.engine.timeline import Change, Given, Hot, Stream, Timeline, What
from toscale.kinds import KINDS, Category
from toscale.quantity.units import TIME
from toscale.simulate.lowering.entities import Entities, Held
from toscale.simulate.lowering.fault_steps import attributes_of, draws_of, more_often, sources_changed
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.lowered import Lowered
from toscale.simulate.lowering.scaling import STARTS_IN
from toscale.simulate.lowering.values import Values, shown_time

__all__ = ["ACTIONS", "FaultPlan", "plan"]

_IN_MEMORY = (Category.MEMORY, Category.EDGE)
"""Kinds of these categories lose what they hold when they go down."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A fault as a model with a timeline. Times in seconds from the beginning of the run.

    `ends` is when what broke is whole again by itself (None: never); `settled` when the last change is made.
    """

    model: Model
    begins: float
    ends: float | None
    settled: float


@dataclass(slots=True)
class Planning:
    """What an action reads, and where it puts its changes."""

    design: Design
    fault: Fault
    lowered: Lowered
    values: Values
    ledger: Ledger
    begins: float
    ends: float | None
    model: Model
    changes: list[Change] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    hots: list[Hot] = field(default_factory=list)
    givens: list[Given] = field(default_factory=list)

    # ---- what the file says ------------------------------------------------

    @property
    def target(self) -> str:
        return self.fault.target[0]

    def component(self, name: str) -> Component:
        return self.design.components[name]

    def station(self, name: str) -> Station:
        found = next((s for s in self.model.stations if s.name == name), None)
        if found is None:
            raise NotComputable(f"no simulated flow uses `{name}`", self.fault.place)
        return found

    def number(self, formula: Formula | None, what: str) -> float:
        if formula is None:
            raise NotComputable(f"the fault does not say `{what}`", self.fault.place)
        return self.values.at_least_zero(formula, self.values.number(formula))

    def machines(self, station: Station) -> tuple[int, ...]:
        """The machines that the fault concerns: all, or those of a shard, of a role, or the first few."""
        fault = self.fault
        number = _machines(station)
        found = list(range(number))
        if fault.replicas is None and fault.action in ("slow", "break", "deploy"):
            found = list(range(max(number, station.machines)))  # those that scaling brings, too
        if (fault.shard is not None or fault.role is not None) and not station.shards:
            raise NotComputable(f"`{station.name}` has no shards and no primary", fault.place)
        if fault.shard is not None:
            shard = round(self.number(fault.shard, "shard"))
            if shard >= station.shards:
                raise NotComputable(
                    f"`{station.name}` has {station.shards} shards, counted from 0: there is no shard {shard}",
                    fault.place,
                )
            found = [m for m in found if m // station.copies == shard]
        if fault.role is not None:
            found = [m for m in found if (m % station.copies == 0) == (fault.role == "primary")]
        if fault.replicas is not None:
            wanted = self.number(fault.replicas, "replicas")
            is_share = "%" in fault.replicas.text
            found = found[: ceil(wanted * len(found) - 1e-9) if is_share else round(wanted)]
        if _is_one(station) and len(found) < number:
            raise NotComputable(
                f"the replicas of `{station.name}` share one queue, and are simulated as one machine: a fault of "
                "a part of them is not simulated",
                fault.place,
            )
        return (0,) if _is_one(station) else tuple(found)

    # ---- detection and recovery ------------------------------------------------

    def health_check(self, name: str) -> float:
        """How long until a machine that is gone gets no calls any more, and one that is back gets them again."""
        component = self.component(name)
        if component.health_check is not None:
            return self.values.time(component.health_check)
        default = KINDS[component.kind].health_check
        return self.ledger.take(name, "health check", default, shown_time(default.value))

    def failover(self, name: str) -> float:
        """How long until a lost primary is replaced."""
        component = self.component(name)
        if component.failover is not None:
            return self.values.law(component.failover, 0.0)[0].mean
        default = KINDS[component.kind].failover
        return self.ledger.take(name, "failover", default, shown_time(default.value))

    def change(self, time: float, what: What, part: str, which: Iterable[int], value: float = 0.0) -> None:
        machines = tuple(which)
        if machines:
            self.changes.append(Change(time, what, part, machines, value))

    def for_a_time(self, what: What, part: str, which: Iterable[int], value: float, usual: float) -> None:
        """A condition that holds while the fault lasts."""
        machines = tuple(which)
        self.change(self.begins, what, part, machines, value)
        if self.ends is not None:
            self.change(self.ends, what, part, machines, usual)

    def down(self, station: Station, machines: tuple[int, ...], at: float, until: float | None) -> None:
        """Machines are gone for a time: they are found out, replaced, and put in again."""
        name = station.name
        self.change(at, What.DOWN, name, machines)
        if station.shards and station.copies > 1:
            self._replaced(station, machines, at, until)
        number = _machines(station)
        if number > 1:
            found = at + self.health_check(name)
            if until is None or found < until:
                self.change(found, What.OUT, name, machines)
                if until is not None:
                    self.change(until + self.health_check(name), What.IN, name, machines)
        if until is not None:
            self.change(until, What.UP, name, machines)
        if KINDS[self.component(name).kind].category in _IN_MEMORY:
            self.forget(station, machines, at)

    def _replaced(self, station: Station, machines: tuple[int, ...], at: float, until: float | None) -> None:
        """The shards whose primary is gone get another, if a copy is left."""
        gone = set(machines)
        new: dict[int, list[int]] = {}
        for shard in range(station.shards):
            base = shard * station.copies
            if base in gone:
                left = [copy for copy in range(1, station.copies) if base + copy not in gone]
                if left:
                    new.setdefault(left[0], []).append(shard)
        if not new:
            return
        replaced = at + self.failover(station.name)
        if until is None or replaced < until:
            for copy, shards in new.items():
                self.change(replaced, What.LEAD, station.name, shards, float(copy))

    def forget(self, station: Station, machines: tuple[int, ...], at: float) -> None:
        """The shards of which no machine is left have forgotten what they held."""
        if not any(store.name == station.name for store in self.model.stores):
            return
        gone = set(machines)
        shards = [
            shard
            for shard in range(station.shards)
            if all(shard * station.copies + copy in gone for copy in range(station.copies))
        ]
        self.change(at, What.EMPTY, station.name, shards)


# ---- the actions ------------------------------------------------------------------------------------------------


def lose(p: Planning) -> None:
    station = p.station(p.target)
    p.down(station, p.machines(station), p.begins, p.ends)


def lose_zone(p: Planning) -> None:
    zone = p.lowered.zones.get(p.target)
    found = False
    for station in p.model.stations:
        if station.name not in p.design.components or zone not in station.zones:
            continue
        found = True
        machines = [m for m in range(_machines(station)) if station.zones[m % len(station.zones)] == zone]
        if _is_one(station):
            if len(machines) < station.machines:
                p.ledger.note(
                    f"The replicas of `{station.name}` share one queue, and are simulated as one machine: it is not "
                    f"touched by the loss of `{p.target}`.",
                    p.fault.place,
                )
                continue
            machines = [0]
        p.down(station, tuple(machines), p.begins, p.ends)
    if not found:
        raise NotComputable(f"no simulated flow uses a component in `{p.target}`", p.fault.place)


def lose_region(p: Planning) -> None:
    found = False
    for station in p.model.stations:
        component = p.design.components.get(station.name)
        if component is not None and component.region == p.target:
            found = True
            machines = 1 if _is_one(station) else _machines(station)
            p.down(station, tuple(range(machines)), p.begins, p.ends)
    if not found:
        raise NotComputable(f"no simulated flow uses a component in `{p.target}`", p.fault.place)


def slow(p: Planning) -> None:
    _slower(p, p.station(p.target))


def break_(p: Planning) -> None:
    station = p.station(p.target)
    errors = 1.0 if p.fault.errors is None else p.values.share(p.fault.errors)
    p.for_a_time(What.ERRORS, station.name, p.machines(station), errors, 0.0)


def deploy(p: Planning) -> None:
    station = p.station(p.target)
    machines = p.machines(station)
    if p.fault.by is None and p.fault.errors is None:
        raise NotComputable(
            "the new version is neither slow (`by`) nor does it fail (`errors`)", p.fault.place
        )
    if p.fault.by is not None:
        _slower(p, station)
    if p.fault.errors is not None:
        p.for_a_time(What.ERRORS, station.name, machines, p.values.share(p.fault.errors), 0.0)


def empty(p: Planning) -> None:
    station = p.station(p.target)
    if not any(store.name == p.target for store in p.model.stores):
        kind = p.component(p.target).kind
        raise NotComputable(
            f"what `{p.target}` holds, a {kind}, is never missed in the simulation", p.fault.place
        )
    p.forget(station, p.machines(station), p.begins)


def restart(p: Planning) -> None:
    """Down as long as a start takes, one after the other; a planned restart takes no calls meanwhile."""
    station = p.station(p.target)
    scale = p.component(p.target).scale
    if scale is not None and scale.boot is not None:
        starts = p.values.law(scale.boot, 0.0)[0].mean
    else:
        starts = p.ledger.take(p.target, "time of a start", STARTS_IN, shown_time(STARTS_IN.value))
    each = 0.0 if p.fault.each is None else p.values.time(p.fault.each)
    machines = p.machines(station)
    number = _machines(station)
    for k, machine in enumerate(machines):
        at = p.begins + k * each
        p.change(at, What.DOWN, station.name, (machine,))
        p.change(at + starts, What.UP, station.name, (machine,))
        if number > 1:
            p.change(at, What.OUT, station.name, (machine,))
            p.change(at + starts, What.IN, station.name, (machine,))
        if KINDS[p.component(p.target).kind].category in _IN_MEMORY:
            p.forget(station, (machine,), at)
    p.ends = p.begins + each * (len(machines) - 1) + starts


def surge(p: Planning) -> None:
    by = p.number(p.fault.by, "by") if p.fault.by is not None else 1.0
    if p.fault.by is None and p.fault.one is None:
        raise NotComputable("the surge does not say `by` how much", p.fault.place)
    flow = next((f for f in p.model.flows if f.name == p.target), None)
    if flow is None:
        _surge_of_step(p, by)
        return
    given = _given(p, flow)
    if by != 1.0 and not isinstance(flow.source, Poisson):
        raise NotComputable(
            f"`{flow.name}` is started by others, not at a rate of its own: surge what starts it",
            p.fault.place,
        )
    if by > 1.0:
        hot = () if p.fault.one is not None else given
        p.streams.append(Stream(flow.name, p.begins, p.ends, by - 1.0, given=hot))
    elif by < 1.0:
        p.model = replace(p.model, flows=sources_changed(p.model.flows, flow.name, by, p.begins, p.ends))
    if p.fault.one is not None:
        share = p.values.share(p.fault.one.share)
        for register, population in _drawn(p, flow, p.fault.one.of):
            p.hots.append(Hot(flow.name, register, population, population.size, share, p.begins, p.ends))


def _surge_of_step(p: Planning, by: float) -> None:
    """Whoever comes to a named step takes it `by` times while the surge lasts."""
    if p.fault.one is not None or p.fault.where:
        raise NotComputable("`one` and `where` are those of a flow, not of a named step", p.fault.place)
    name = next(
        (name for path, name in p.lowered.steps.items() if name == p.target or path.endswith(f"/{p.target}")),
        None,
    )
    if name is None:
        raise NotComputable(f"`{p.target}` is not simulated", p.fault.place)
    if by < 1 or by != round(by):
        raise NotComputable("a named step is taken a whole number of times: `by: 2x`", p.fault.place)
    knob = f"surge of {name}"
    p.model = replace(p.model, flows=more_often(p.model.flows, name, knob))
    p.changes.append(Change(p.begins, What.KNOB, knob, value=by - 1))
    if p.ends is not None:
        p.changes.append(Change(p.ends, What.KNOB, knob, value=0.0))


def send(p: Planning) -> None:
    flow = next((f for f in p.model.flows if f.name == p.target), None)
    if flow is None:
        raise NotComputable(f"`{p.target}` is not simulated", p.fault.place)
    times = 1 if p.fault.times is None else round(p.number(p.fault.times, "times"))
    p.streams.append(Stream(flow.name, p.begins, times=times, given=_given(p, flow)))
    p.ends = p.begins


def cut(p: Planning) -> None:
    _lossy(p, 1.0)


def lossy(p: Planning) -> None:
    if p.fault.errors is None:
        raise NotComputable("the fault does not say `loss`", p.fault.place)
    _lossy(p, p.values.share(p.fault.errors))


def _lossy(p: Planning, loss: float) -> None:
    """Messages between two ends are lost, and sent again by the transport."""
    pair = " - ".join(p.fault.target)
    steps = [step for flow in p.model.flows for step in walk(flow.steps)]
    if not any(isinstance(s, Visit | Scatter | Send) and s.link.between == pair for s in steps):
        raise NotComputable(f"no simulated flow passes between `{pair}`", p.fault.place)
    p.changes.append(Change(p.begins, What.LOSS, pair, value=loss, until=p.ends))


def clock(p: Planning) -> None:
    """The clocks jump, and jump back: what is counted by them is so much older at once, or younger."""
    station = p.station(p.target)
    if p.fault.off_by is None:
        raise NotComputable("the fault does not say how wrong the clocks are (`off by`)", p.fault.place)
    off = p.values.number(p.fault.off_by, TIME)
    steps = [step for flow in p.model.flows for step in walk(flow.steps)]
    own = {pool.name for pool in p.model.pools if pool.station == p.target}
    takes = {s.pool for s in steps if isinstance(s, Take | Extend) and s.term is not None}
    leased = sorted(
        pool.name for pool in p.model.pools if pool.name in own and (pool.term or pool.name in takes)
    )
    if leased:
        raise NotComputable(
            f"the terms of `{leased[0]}` are kept in the order in which they end, by one clock for all machines",
            p.fault.place,
        )
    refilled = any(pool.refill is not None and pool.name in own for pool in p.model.pools)
    ahead = any(
        isinstance(inner, FromStash)
        for step in steps
        if isinstance(step, Visit) and step.station == p.target
        for inner in walk(step.body)
    )
    lives = any(store.name == p.target and store.ttl is not None for store in p.model.stores)
    if not (refilled or ahead or lives):
        raise NotComputable(
            f"nothing that is simulated is counted by the clocks of `{p.target}`: a limit that refills and a `ttl` are "
            "counted where they are stored, what is taken ahead (`keep for`) at the machine that has it",
            p.fault.place,
        )
    machines = p.machines(station)
    p.change(p.begins, What.CLOCK, station.name, machines, off)
    if p.ends is not None:
        p.change(p.ends, What.CLOCK, station.name, machines, -off)


ACTIONS: Mapping[str, Callable[[Planning], None]] = {
    "lose": lose,
    "lose zone": lose_zone,
    "lose region": lose_region,
    "slow": slow,
    "break": break_,
    "empty": empty,
    "restart": restart,
    "deploy": deploy,
    "surge": surge,
    "send": send,
    "cut": cut,
    "lossy": lossy,
    "clock": clock,
}
"""What each action of the language changes."""


def plan(design: Design, fault: Fault, lowered: Lowered, zero: float, ledger: Ledger) -> FaultPlan:
    """The fault in a design that was lowered, its times counted from `zero`, the end of the warm-up.

    Raises `NotComputable` where it cannot be simulated.
    """
    values = Values.of(design, lowered.at, lowered.multiple, ledger)
    begins = zero + (0.0 if fault.at is None else values.time(fault.at))
    ends = None if fault.lasts is None else begins + values.time(fault.lasts)
    planning = Planning(design, fault, lowered, values, ledger, begins, ends, lowered.model)
    ACTIONS[fault.action](planning)
    timeline = Timeline(
        tuple(planning.changes), tuple(planning.streams), tuple(planning.hots), tuple(planning.givens)
    )
    last = [change.until or change.time for change in planning.changes]
    last += [stream.ends for stream in planning.streams if stream.ends is not None]
    last += [hot.ends for hot in planning.hots if hot.ends is not None]
    model = replace(planning.model, timeline=timeline)
    return FaultPlan(model, begins, planning.ends, max([begins, *last]))


# ---- parts ------------------------------------------------------------------------------------------------------


def _machines(station: Station) -> int:
    return station.shards * station.copies if station.shards else station.running


def _is_one(station: Station) -> bool:
    """Whether all its machines are simulated as one, behind their shared queue."""
    return station.policy is Policy.SHARED and not station.shards


def _slower(p: Planning, station: Station) -> None:
    """Work on these machines takes longer."""
    steps = [step for flow in p.model.flows for step in walk(flow.steps)]
    works = any(
        isinstance(s, Visit | Scatter | Send)
        and s.work is not None
        and station.name in (s.station, s.buffer if isinstance(s, Send) else None)
        for s in steps
    )
    if not works:
        raise NotComputable(f"`{station.name}` does no work of its own that could be slower", p.fault.place)
    p.for_a_time(What.SLOW, station.name, p.machines(station), p.number(p.fault.by, "by"), 1.0)


def _drawn(p: Planning, flow: Flow, of: str) -> list[tuple[str, Population]]:
    """The registers of a flow that hold keys of an entity, or of an actor."""
    number = _held(p, AttributePath((of,))).population.number
    found = [(r, population) for r, population in draws_of(flow) if population.number == number]
    if not found:
        raise NotComputable(f"no step of `{flow.name}` draws a `{of}` that could be hot", p.fault.place)
    return found


def _held(p: Planning, path: AttributePath) -> Held:
    return Entities(p.design, p.values, p.ledger).holder(path, {})


def _given(p: Planning, flow: Flow) -> tuple[tuple[str, Population, int], ...]:
    """The keys whose attributes have the values that `where` gives; these are given from now on."""
    found: dict[str, tuple[str, Population, int]] = {}
    for name, comparator, formula in p.fault.where:
        path = AttributePath(tuple(part.strip() for part in name.split(".")), p.fault.place)
        number, held = Entities(p.design, p.values, p.ledger).number(path, {})
        if not isinstance(number, Attribute) or comparator != "=":
            raise NotComputable(f"`{name}` does not differ from one to the next", p.fault.place)
        register, population = held[0].register, held[0].population
        if (register, population) not in draws_of(flow):
            raise NotComputable(f"no step of `{flow.name}` draws what `{name}` belongs to", p.fault.place)
        value = p.values.number(formula, None)
        for attribute in attributes_of(p.model, number.salt):
            less = int(attribute.salt.rpartition(" - ")[2]) if " - " in attribute.salt else 0
            p.givens.append(Given(population, population.size, attribute.salt, max(0.0, value - less)))
        found[register] = (register, population, population.size)
    return tuple(found.values())
