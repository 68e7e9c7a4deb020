"""Which steps are there in a flow of the file, and inside its steps? In the order of the file, outer before
inner.
"""

from __future__ import annotations

from collections.abc import Iterator

from toscale.design.flow import Call, Each, If, Parallel, Repeat, Step

__all__ = ["blocks_of", "walk"]


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
