"""How do the flows of a design become those of a model? Each is lowered on its own; what they hand to each
other is found between.

Flows are gone through twice. The first time tells what each needs, draws, sends and cannot do; from that
follow the flows that are left out, the queues that nobody reads, and the keys that a message or a following
flow takes along. The second time makes the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from toscale.design import flow as language
from toscale.design.model import Design
from toscale.engine.model import (
    After,
    Buffer,
    Call,
    Consume,
    Flow,
    Lock,
    Poisson,
    Pool,
    Priority,
    Replicated,
    Source,
    Steps,
    Visit,
)
from toscale.simulate.lowering.connections import Connections
from toscale.simulate.lowering.entities import SIZE_REGISTER
from toscale.simulate.lowering.ledger import Ledger
from toscale.simulate.lowering.machines import Machines
from toscale.simulate.lowering.scope import Scope, Touched
from toscale.simulate.lowering.sources import Sources
from toscale.simulate.lowering.steps import StepLowering
from toscale.simulate.lowering.walks import walk

__all__ = ["FlowLowering", "Survey"]

Lowering = Callable[[Ledger, frozenset[str], frozenset[str], Mapping[tuple[str, str], float]], StepLowering]
"""Makes what lowers steps: with a ledger, the buffers that nobody reads, those whose messages tell how many
things they hold, and the chances that inherited keys are there.
"""


@dataclass(slots=True)
class Survey:
    """What the first time through has told."""

    touched: dict[str, set[str]] = field(default_factory=dict)
    offered: dict[str, set[str]] = field(default_factory=dict)
    sends: dict[str, set[str]] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class FlowLowering:
    """The flows of a design. `left_out` says why a flow is missing; `understated` what is missing where."""

    design: Design
    machines: Machines
    sources: Sources
    connections: Connections
    ledger: Ledger
    lowering: Lowering
    left_out: dict[str, str] = field(default_factory=dict)
    understated: dict[str, tuple[str, ...]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    actors: set[str] = field(default_factory=set)
    flows: tuple[Flow, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    pools: tuple[Pool, ...] = ()
    locks: tuple[Lock, ...] = ()
    replicated: tuple[Replicated, ...] = ()

    def run(self) -> None:
        """Both times through; the results are in `flows`, `buffers` and beside them."""
        survey = self._survey()
        self._leave_out(survey)
        kept = {name: source for name, source in self.sources.sources.items() if name not in self.left_out}
        consumers = {source.buffer for source in kept.values() if isinstance(source, Consume)}
        sent = {buffer for flow in kept for buffer in survey.sends.get(flow, ())}
        self._say_unread(sent - consumers)
        carried, certain = self._carried(kept, survey)
        sized = frozenset(name for name in consumers if SIZE_REGISTER in carried.get(name, ()))
        lowering = self.lowering(self.ledger, frozenset(sent - consumers), sized, self._present(kept, survey))
        made = []
        for name, source in kept.items():
            steps = self._lower(lowering, name, certain.get(name, frozenset()))
            if isinstance(source, After):
                causes = tuple(cause for cause in source.flows if cause in kept)
                source = replace(source, flows=causes, carries=carried.get(name, ()))
            elif (
                isinstance(source, Consume)
                and steps
                and isinstance(steps[0], Visit)
                and steps[0].key is not None
            ):
                # The message tells which key it is, and so must be taken before its machine is chosen.
                steps = (Call(f"{name}/taken", steps[:1]), *steps[1:])
            priority = self.design.flows[name].priority or "normal"
            made.append(Flow(name, source, steps, Priority[priority.upper()]))
        lowering.finish()
        self.flows = tuple(made)
        self.buffers = tuple(
            replace(
                part.buffer,
                carries=carried.get(name, ()),
                dead=part.buffer.dead if part.buffer.dead in consumers else None,
            )
            for name, part in self.machines.parts.items()
            if name in consumers and part.buffer is not None
        )
        self.pools = tuple(lowering.bounds.pools.values())
        self.used = set(lowering.record.used)
        self.actors = lowering.record.actors
        self.locks = tuple(lowering.record.locks.values())
        self.replicated = tuple(lowering.record.replicated.values())
        self._understate(survey)

    # ---- once through ------------------------------------------------

    def _survey(self) -> Survey:
        """Goes through every flow without writing down more than what breaks it."""
        survey = Survey()
        lowering = self.lowering(Ledger(), frozenset(), frozenset(), {})
        for name, flow in self.design.flows.items():
            if flow.trigger is None:
                continue
            scope = self._scope(flow, set())
            self.connections.opening(flow, scope)
            lowering.block(flow.steps, scope)
            scope.touched.offered.update(self.connections.begins_with(flow))
            survey.touched[name] = set(scope.touched.registers)
            survey.offered[name] = scope.touched.registers | scope.touched.offered
        record = lowering.record
        for name, source in self.sources.sources.items():  # dead letters are sent on by who consumes
            part = self.machines.parts.get(source.buffer) if isinstance(source, Consume) else None
            if part is not None and part.buffer is not None and part.buffer.dead is not None:
                record.sends.setdefault(name, set()).add(part.buffer.dead)
        survey.sends, survey.broken, survey.used = record.sends, record.broken, record.used
        for broken, reasons in survey.broken.items():
            if broken in self.sources.sources:
                self.left_out[broken] = reasons[0]
        for each in lowering.ledger.not_simulated:  # of flows that are left out nothing else is said
            if each.left_out or each.flow in self.left_out or each.flow not in self.sources.sources:
                self.ledger.missing(
                    each.text, each.place, path=each.path, flow=each.flow, left_out=each.left_out
                )
        return survey

    def _lower(self, lowering: StepLowering, name: str, certain: frozenset[str]) -> Steps:
        flow = self.design.flows[name]
        scope = self._scope(flow, set(certain))
        return (*self.connections.opening(flow, scope), *lowering.block(flow.steps, scope))

    def _scope(self, flow: language.Flow, known: set[str]) -> Scope:
        source = self.sources.sources.get(flow.name)
        batch = source.batch if isinstance(source, Consume) else 1
        caller = self._caller(flow)
        asks = caller is not None and caller not in self.design.components
        known |= set(self.connections.begins_with(flow))
        return Scope(flow.name, caller, Touched(), known, batch=batch, asks=asks)

    def _caller(self, flow: language.Flow) -> str | None:
        """Who calls the first step: the actor, the queue, or the actor of the flow before; else nobody does."""
        if isinstance(flow.trigger, language.Consume):
            return flow.trigger.buffer
        return self._actor(flow, frozenset())

    def _actor(self, flow: language.Flow, seen: frozenset[str]) -> str | None:
        if isinstance(flow.trigger, language.FromActor):
            return flow.trigger.actor
        if isinstance(flow.trigger, language.After):
            for cause in flow.trigger.causes:
                if isinstance(cause, language.Event) and cause.subject in self.design.connections:
                    return self.design.connections[cause.subject].from_actor
            causes = [cause.flow for cause in flow.trigger.causes if isinstance(cause, language.FlowDone)]
            for name in causes:
                if name in self.design.flows and name not in seen and name != flow.name:
                    return self._actor(self.design.flows[name], seen | {flow.name})
        return None

    # ---- who is left out ------------------------------------------------

    def _leave_out(self, survey: Survey) -> None:
        """Flows that are broken, that have no source, or that nothing simulated starts."""
        self.left_out.update(self.sources.because)
        readers: dict[str, str] = {}
        for name, source in self.sources.sources.items():
            if isinstance(source, Consume) and name not in self.left_out:
                first = readers.setdefault(source.buffer, name)
                if first != name:
                    self._leave(
                        name, (f"`{first}` takes the messages of `{source.buffer}`, and one flow only can")
                    )
        started: set[str] = set()
        while True:
            more = {
                name
                for name in self.sources.sources
                if name not in started
                and name not in self.left_out
                and self._is_started(name, started, survey)
            }
            if not more:
                break
            started |= more
        for name in self.sources.sources:
            if name not in started and name not in self.left_out:
                self._leave(name, self._orphaned(name, survey))

    def _leave(self, name: str, because: str) -> None:
        self.left_out[name] = because
        text = f"`{name}` is left out: {because}."
        self.ledger.missing(text, self.design.flows[name].place, path=name, flow=name, left_out=True)

    def _starters(self, name: str, survey: Survey) -> list[str] | None:
        """The flows that start a flow, whether they are simulated or not; None where it starts by itself."""
        trigger = self.design.flows[name].trigger
        if isinstance(trigger, language.Consume):
            return [flow for flow, buffers in survey.sends.items() if trigger.buffer in buffers]
        if isinstance(trigger, language.After):
            return [cause.flow for cause in trigger.causes if isinstance(cause, language.FlowDone)]
        return None

    def _is_started(self, name: str, started: set[str], survey: Survey) -> bool:
        source = self.sources.sources[name]
        if isinstance(source, After) and source.events:
            return True
        starters = self._starters(name, survey)
        return starters is None or any(starter in started for starter in starters)

    def _orphaned(self, name: str, survey: Survey) -> str:
        """Why nothing that is simulated starts the flow."""
        trigger = self.design.flows[name].trigger
        does, do = f"starts `{name}`", f"start `{name}`"
        if isinstance(trigger, language.Consume):
            does, do = f"sends to `{trigger.buffer}`", f"send to `{trigger.buffer}`"
        missing = [f"`{flow}`" for flow in self._starters(name, survey) or () if flow != name]
        if not missing:
            return f"nothing {does}"
        if len(missing) == 1:
            return f"{missing[0]}, which {does}, is not simulated"
        return f"{' and '.join(missing)}, which {do}, are not simulated"

    def _say_unread(self, unread: set[str]) -> None:
        for buffer in sorted(unread):
            readers = [
                flow.name
                for flow in self.design.flows.values()
                if isinstance(flow.trigger, language.Consume) and flow.trigger.buffer == buffer
            ]
            place = self.design.components[buffer].place
            if readers:
                self.ledger.missing(
                    f"Messages sent to `{buffer}` are acknowledged and then forgotten: `{readers[0]}`, "
                    "which takes them, is left out.",
                    place,
                    path=f"components/{buffer}",
                )
            else:
                self.ledger.note(
                    f"Nobody reads `{buffer}`: its messages are acknowledged, and then nothing is "
                    "computed of them.",
                    place,
                )

    def _understate(self, survey: Survey) -> None:
        """The components that would have more to do if nothing were left out."""
        incomplete: dict[str, set[str]] = {}
        for name in self.machines.parts:
            absent = {flow for flow in survey.used.get(name, ()) if flow in self.left_out}
            if absent:
                incomplete[name] = absent
        for flow in self.flows:
            if flow.name in self.sources.displaced:  # its rate follows from those of its causes all the same
                continue
            lost = {
                starter for starter in self._starters(flow.name, survey) or () if starter in self.left_out
            }
            if lost:
                names = " and ".join(f"`{name}`" for name in sorted(lost))
                self.ledger.missing(
                    f"`{flow.name}` is simulated without those that {names} would cause.",
                    self.design.flows[flow.name].place,
                    path=flow.name,
                    flow=flow.name,
                )
                for component, flows in survey.used.items():
                    if flow.name in flows:
                        incomplete.setdefault(component, set()).update(lost)
        self.understated = {
            name: tuple(sorted(flows)) for name, flows in incomplete.items() if name in self.used
        }
        for name, absentees in self.understated.items():
            missing = " and ".join(f"`{flow}`" for flow in absentees)
            self.ledger.missing(
                f"The load of `{name}` is too small: {missing}, left out, would use it too.",
                self.design.components[name].place,
                path=f"components/{name}",
            )

    # ---- what is handed on ------------------------------------------------

    def _carried(
        self, kept: Mapping[str, Source], survey: Survey
    ) -> tuple[dict[str, tuple[str, ...]], dict[str, frozenset[str]]]:
        """The registers that each buffer and each following flow take along, and those that each flow
        surely begins with.
        """
        starts = {name: self._kept_starters(name, kept, survey) for name in kept}
        needs = {name: set(survey.touched[name]) for name in kept}
        _spread(needs, {name: [f for f, by in starts.items() if name in by] for name in kept})
        for name in kept:  # each sender says the size of its own messages
            if SIZE_REGISTER not in survey.touched[name]:
                needs[name].discard(SIZE_REGISTER)
        has = {name: set(survey.offered[name]) for name in kept}
        _spread(has, starts)
        sure = {name: set(has[name]) for name in kept}
        changed = True
        while changed:  # certain is only what every starter has
            changed = False
            for name, by in starts.items():
                begins = set.intersection(*(sure[other] for other in by)) if by else set()
                new = set(survey.offered[name]) | (begins & needs[name])
                if new < sure[name]:
                    sure[name] = new
                    changed = True
        carried: dict[str, tuple[str, ...]] = {}
        certain: dict[str, frozenset[str]] = {}
        for name, by in starts.items():
            if not by:
                continue
            taken = {register for other in by for register in has[other] & needs[name] if _travels(register)}
            source = kept[name]
            carried[source.buffer if isinstance(source, Consume) else name] = tuple(sorted(taken))
            certain[name] = frozenset(r for r in taken if all(r in sure[other] for other in by))
        for name, by in starts.items():  # a dead letter has what the message had, not what was drawn since
            for other in by:
                source, cause = kept[name], kept[other]
                if isinstance(source, Consume) and isinstance(cause, Consume):
                    part = self.machines.parts[cause.buffer]
                    if part.buffer is not None and part.buffer.dead == source.buffer:
                        had = set(carried.get(cause.buffer, ())) & set(certain.get(other, frozenset()))
                        certain[name] &= had
        return carried, certain

    def _kept_starters(self, name: str, kept: Mapping[str, Source], survey: Survey) -> list[str]:
        if name in self.sources.displaced:
            return []
        return [flow for flow in self._starters(name, survey) or () if flow in kept]

    def _present(self, kept: Mapping[str, Source], survey: Survey) -> dict[tuple[str, str], float]:
        """For each displaced flow and entity, the chance that what an earlier flow put in is still there."""
        followers: dict[str, After] = {}
        for name in self.sources.displaced:
            trigger = self.design.flows[name].trigger
            if name in kept and isinstance(trigger, language.After):
                causes = tuple(
                    c.flow for c in trigger.causes if isinstance(c, language.FlowDone) and c.flow in kept
                )
                followers[name] = After(causes, wait=self.sources.waits.get(name))
        if not followers:
            return {}
        from toscale.simulate.lowering.presence import presence

        rates = {name: s.rates[0] for name, s in kept.items() if isinstance(s, Poisson)}
        found: dict[tuple[str, str], float] = {}
        for entity in self.design.data:
            register = f"key:{entity}"
            putters = frozenset(n for n in kept if n not in followers and register in survey.touched[n])
            for name in followers:
                if putters and register in survey.touched[name]:
                    for ttl in self._ttls(name, entity):
                        found[name, entity] = presence(name, ttl, putters, followers, rates)
        return found

    def _ttls(self, flow: str, entity: str) -> list[float | None]:
        """The ttl of the store that the flow asks for the entity."""
        stores = {
            step.target
            for step in walk(self.design.flows[flow].steps)
            if isinstance(step, language.Call) and step.entity == entity and step.operation in ("get", "read")
        }
        found = [self.machines.parts[name].store for name in sorted(stores) if name in self.machines.parts]
        return [store.ttl for store in found if store is not None][:1]


def _travels(register: str) -> bool:
    """Whether a register means something outside the flow that filled it."""
    return register.startswith(("key:", "held:")) or register == SIZE_REGISTER


def _spread(sets: dict[str, set[str]], sources: Mapping[str, list[str]]) -> None:
    """Adds to each set those of its sources, until nothing changes."""
    changed = True
    while changed:
        changed = False
        for name, others in sources.items():
            for other in others:
                if not sets[other] <= sets[name]:
                    sets[name] |= sets[other]
                    changed = True
