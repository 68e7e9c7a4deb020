"""Which steps are there in a flow of the file, and inside its steps? In the order of the file, outer before
inner.
"""

from __future__ import annotations

from collections.abc import Iterator

from toscale.design.flow import Call, Each, If, Parallel, Repeat, RunFlow, Step
from toscale.design.model import Design

__all__ = ["blocks_of", "buffers_of", "holds", "walk"]


def blocks_of(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The blocks of steps inside a step."""
    match step:
        case Call() | Each():
            return (step.then, *step.on.values())
        case Parallel():
            return (*step.branches, *step.on.values())
        case If():
            return (step.then, step.otherwise)
        case Repeat():
            return (step.steps, step.in_vain)
        case _:
            return ()


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step of a block and of the blocks inside."""
    for step in steps:
        yield step
        for block in blocks_of(step):
            yield from walk(block)


def holds(design: Design, flow: str) -> bool:
    """Whether a flow extends, keeps or gives back something that it has not taken itself."""
    taken: set[str | None] = set()
    for step in walk(design.flows[flow].steps):
        if isinstance(step, Call) and step.operation in ("take", "queue for"):
            taken.add(step.entity)
        elif isinstance(step, Call) and step.operation in ("extend", "keep", "give back"):
            if step.entity not in taken:
                return True
    return False


def buffers_of(design: Design, flow: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """The buffers that a flow sends to, by itself or by the flows that it runs."""
    found: set[str] = set()
    for step in walk(design.flows[flow].steps):
        if isinstance(step, Call) and step.operation == "send":
            found.add(step.target)
        elif isinstance(step, RunFlow) and step.flow in design.flows and step.flow not in seen:
            found |= buffers_of(design, step.flow, seen | {flow})
    return found
