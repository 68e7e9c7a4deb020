"""What does a flow touch, and what does it set off? Read from the steps alone, without a number.

A flow touches the components of its calls, those of the flows that it runs as a subroutine among them; it
sets off the flows that consume what it sends, and those that begin when it is done. `holders` are the
components that keep a slot while another answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from toscale.design.flow import (
    After,
    Call,
    Consume,
    Each,
    Event,
    FlowDone,
    If,
    Parallel,
    Repeat,
    RunFlow,
    Step,
)
from toscale.design.model import Design

__all__ = ["Reach", "blocks", "reach", "walk"]


def blocks(step: Step) -> Iterator[tuple[Step, ...]]:
    """The blocks of steps directly inside a step, in the order of the file."""
    match step:
        case Call() | Each():
            yield step.then
            yield from step.on.values()
        case Parallel():
            yield from step.branches
            yield from step.on.values()
        case If():
            yield step.then
            yield step.otherwise
        case Repeat():
            yield step.steps
            yield step.in_vain
        case _:
            pass


def walk(steps: Iterable[Step]) -> Iterator[Step]:
    """Every step of a block and of the blocks inside, outer before inner; flows that are run are not
    entered.
    """
    waiting = [iter(steps)]
    while waiting:
        step = next(waiting[-1], None)
        if step is None:
            waiting.pop()
            continue
        yield step
        waiting.append(iter([inner for block in blocks(step) for inner in block]))


@dataclass(frozen=True, slots=True)
class Reach:
    """What each flow of a design touches and sets off; all sets by the name of the flow.

    `touches`: components, buffers that it only sends to left out. `sends`: buffers. `runs`: flows that it
    runs as a part of itself, at any depth. `causes`: flows that it sets off directly. `holds`: pairs
    (holder, callee), where the holder keeps a slot until the callee has answered.
    """

    touches: dict[str, frozenset[str]] = field(default_factory=dict)
    sends: dict[str, frozenset[str]] = field(default_factory=dict)
    runs: dict[str, frozenset[str]] = field(default_factory=dict)
    causes: dict[str, frozenset[str]] = field(default_factory=dict)
    holds: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def between(self, first: str | None, last: str) -> frozenset[str]:
        """The flows on a way from `first` to `last`, both included; None begins anywhere."""
        behind = self._closure(last, {flow: frozenset(c) for flow, c in self._causers().items()})
        if first is None:
            return behind
        return behind & self._closure(first, self.causes)

    def _causers(self) -> dict[str, set[str]]:
        causers: dict[str, set[str]] = {}
        for flow, caused in self.causes.items():
            for other in caused:
                causers.setdefault(other, set()).add(flow)
        return causers

    @staticmethod
    def _closure(start: str, ways: dict[str, frozenset[str]]) -> frozenset[str]:
        seen, waiting = {start}, [start]
        while waiting:
            for other in ways.get(waiting.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return frozenset(seen)


def reach(design: Design) -> Reach:
    """What each flow touches and sets off."""
    runs: dict[str, frozenset[str]] = {}
    for name in design.flows:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            flow = design.flows.get(waiting.pop())
            for step in walk(flow.steps) if flow else ():
                if isinstance(step, RunFlow) and step.flow not in seen:
                    seen.add(step.flow)
                    waiting.append(step.flow)
        runs[name] = frozenset(seen)
    own = {name: _own(flow.steps) for name, flow in design.flows.items()}
    touches, sends, holds = {}, {}, {}
    for name in design.flows:
        parts = [own[part] for part in (name, *runs[name]) if part in own]
        touches[name] = frozenset().union(*(part[0] for part in parts)) & set(design.components)
        sends[name] = frozenset().union(*(part[1] for part in parts))
        holds[name] = frozenset().union(*(part[2] for part in parts))
    return Reach(touches, sends, runs, _causes(design, sends), holds)


def _own(steps: tuple[Step, ...]) -> tuple[frozenset[str], frozenset[str], frozenset[tuple[str, str]]]:
    """The components that are called, the buffers that are sent to, and who holds a slot for whom."""
    touched: set[str] = set()
    sent: set[str] = set()
    held: set[tuple[str, str]] = set()

    def visit(block: tuple[Step, ...], holders: tuple[str, ...]) -> None:
        for step in block:
            inside = holders
            if isinstance(step, Call):
                if step.operation == "send":
                    sent.add(step.target)
                    touched.update(step.route[:-1])
                else:
                    touched.update(step.route)
                waiting = () if step.policies.is_async else holders
                for i, component in enumerate(step.route):
                    held.update((holder, component) for holder in (*waiting, *step.route[:i]))
                inside = (*waiting, *step.route)
                visit(step.then, inside)
                for handler in step.on.values():
                    visit(handler, (*waiting, *step.route[:-1]))
                continue
            for inner in blocks(step):
                visit(inner, inside)

    visit(steps, ())
    return frozenset(touched), frozenset(sent), frozenset(held)


def _causes(design: Design, sends: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    causes: dict[str, set[str]] = {name: set() for name in design.flows}
    for name, flow in design.flows.items():
        match flow.trigger:
            case Consume(buffer=buffer):
                for sender, buffers in sends.items():
                    if buffer in buffers:
                        causes[sender].add(name)
            case After(causes=events):
                for event in events:
                    match event:
                        case FlowDone(flow=other) if other in causes:
                            causes[other].add(name)
                        case Event() | FlowDone():
                            pass
            case _:
                pass
    return {name: frozenset(caused) for name, caused in causes.items()}
