"""What shows only in the whole design? Queues that nobody reads, flows that nothing starts, steps without an
end.
"""

from __future__ import annotations

from collections.abc import Iterator

from toscale.design.flow import (
    After,
    Call,
    Consume,
    Each,
    Every,
    Flow,
    FlowDone,
    FromActor,
    Replicas,
    RunFlow,
    walk_steps,
)
from toscale.design.kinds_vocabulary import BOUNDED_OPERATIONS, BUFFERS
from toscale.design.model import Design
from toscale.design.parts import NOWHERE, Place
from toscale.design.problems import quoted
from toscale.design.reader import Reader
from toscale.design.source import Mapping
from toscale.design.step_reader import MOST_STEPS

__all__ = ["check_whole"]


def check_whole(design: Design, reader: Reader) -> None:
    """Add the problems of the whole to those of the reader."""
    _check_runs(design, reader)
    _check_starts(design, reader)
    _check_causes(design, reader)
    _check_buffers(design, reader)
    _check_entities(design, reader)
    _check_reach(design, reader)


def key_place(reader: Reader, section: str, name: str) -> Place:
    """Where the name of an entry of a section stands."""
    root = reader.source.root
    node = root.get(section) if isinstance(root, Mapping) else None
    key = node.key(name) if isinstance(node, Mapping) else None
    return NOWHERE if key is None else key.place


def _runs(flow: Flow) -> Iterator[RunFlow]:
    return (step for step in walk_steps(flow.steps) if isinstance(step, RunFlow))


def _check_runs(design: Design, reader: Reader) -> None:
    """No flow is a part of itself, nor are there too many steps, those of the flows that are run among them."""
    lengths: dict[str, int] = {}
    runs = {name: tuple(_runs(flow)) for name, flow in design.flows.items()}
    done: set[str] = set()
    for start in runs:
        trail: list[str] = []
        waiting: list[tuple[str, RunFlow | None, bool]] = [(start, None, False)]
        while waiting:
            name, step, leaving = waiting.pop()
            if leaving:
                trail.pop()
                done.add(name)
                own = sum(1 for _ in walk_steps(design.flows[name].steps)) if name in runs else 0
                whole = own + sum(lengths.get(run.flow, 0) for run in runs.get(name, ()))
                lengths[name] = min(whole, MOST_STEPS + 1)
                continue
            if name in trail:
                cycle = " -> ".join(f"`{each}`" for each in (*trail[trail.index(name) :], name))
                said = f"The flow {quoted(name)} is a part of itself: {cycle}."
                reader.wrong(
                    "TS408", step.place if step else NOWHERE, said, "Use `repeat:` for what is done again."
                )
                continue
            if name in done:
                continue
            trail.append(name)
            waiting.append((name, step, True))
            waiting.extend((run.flow, run, False) for run in reversed(runs.get(name, ())))
    if sum(lengths.values()) > MOST_STEPS:
        longest = max(lengths, key=lambda name: lengths[name])
        said = f"The flows have more than {MOST_STEPS:,} steps, those of the flows that they run included."
        mend = f"Run fewer flows within flows: {quoted(longest)} has the most steps."
        reader.wrong("TS109", key_place(reader, "flows", longest), said, mend)


def _check_starts(design: Design, reader: Reader) -> None:
    run = {step.flow for flow in design.flows.values() for step in _runs(flow)}
    for name, flow in design.flows.items():
        if isinstance(flow.trigger, FromActor) and flow.trigger.rate is None:
            said = f"How often {quoted(name)} happens is not said, so nothing is computed for it."
            reader.wrong("TS502", key_place(reader, "flows", name), said, "Add `rate: ... / s`.")
        node = reader.names.flows.get(name)
        says = isinstance(node, Mapping) and any(
            key.text in ("from", "every", "after") for key, _ in node.items
        )
        if flow.trigger is None and name not in run and not says:
            said = f"Nothing starts {quoted(name)}."
            mend = "Add `from: ACTOR`, `from: QUEUE`, `every: TIME` or `after: FLOW`, or `run:` it in another flow."
            reader.wrong("TS503", key_place(reader, "flows", name), said, mend)


def _check_causes(design: Design, reader: Reader) -> None:
    """No flow causes itself for certain, directly or through others."""
    sure = {
        name: {cause.flow for cause in flow.trigger.causes if isinstance(cause, FlowDone)}
        for name, flow in design.flows.items()
        if isinstance(flow.trigger, After) and flow.trigger.chance is None
    }
    judged: set[str] = set()
    for name in sure:
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            for cause in sure.get(waiting.pop(), ()):
                if cause not in reached:
                    reached.add(cause)
                    waiting.append(cause)
        if name in reached and name not in judged:
            judged |= reached
            said = f"{quoted(name)} causes itself, each time for certain: its number grows without end."
            reader.wrong(
                "TS507", key_place(reader, "flows", name), said, "Give a cause a `chance` below 100%."
            )


def _check_buffers(design: Design, reader: Reader) -> None:
    read = {flow.trigger.buffer for flow in design.flows.values() if isinstance(flow.trigger, Consume)}
    letters = {component.dead_letters for component in design.components.values()}
    for name, component in design.components.items():
        if component.kind in BUFFERS and name not in read | letters:
            said = f"Nobody reads the {component.kind} {quoted(name)}."
            reader.wrong(
                "TS501", key_place(reader, "components", name), said, f"Add a flow with `from: {name}`."
            )


def _check_entities(design: Design, reader: Reader) -> None:
    """Bounded things are bounded, and stores are asked for what they store."""
    carrying = (*BUFFERS, "cache", "cdn", "dns", "search")
    for flow in design.flows.values():
        for step in walk_steps(flow.steps):
            if not isinstance(step, Call) or step.operation is None or step.entity is None:
                continue
            entity = design.data.get(step.entity)
            if entity is None:
                continue
            if step.operation in BOUNDED_OPERATIONS and entity.bound is None:
                said = f"`{step.operation}` needs a bounded thing, and {quoted(entity.name)} has no bound."
                reader.wrong("TS414", step.place, said, "Say in `data` how many there may be: `at most: 1`.")
            component = design.components.get(step.target)
            if component is None or component.kind in carrying or entity.stored_in in (None, step.target):
                continue
            said = f"{quoted(entity.name)} is stored in {quoted(entity.stored_in or '')}, not in {quoted(step.target)}."
            reader.wrong("TS506", step.place, said, f"Call `{entity.stored_in}`, or correct `stored in`.")


def _check_reach(design: Design, reader: Reader) -> None:
    """Components that no flow, no connection and no other component uses."""
    if not design.flows:
        return
    reached: set[str | None] = {connection.to for connection in design.connections.values()}
    for flow in design.flows.values():
        trigger = flow.trigger
        reached |= {trigger.buffer} if isinstance(trigger, Consume) else set()
        reached |= {trigger.per} if isinstance(trigger, Every) else set()
        for step in walk_steps(flow.steps):
            if isinstance(step, Call):
                reached |= set(step.route)
            elif isinstance(step, Each) and isinstance(step.of, Replicas):
                reached.add(step.of.component)
    for component in design.components.values():
        reached |= {component.beside, component.dead_letters}
    for name in design.components:
        if name not in reached:
            said = f"No flow reaches the component {quoted(name)}."
            reader.wrong(
                "TS508", key_place(reader, "components", name), said, "Call it in a flow, or remove it."
            )
