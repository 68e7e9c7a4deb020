"""How is each flow walked through in a report? As it is told, on its happy path and on a failing one, and by what a
typical and a slow request of the simulation went through.
"""

from __future__ import annotations

from dataclasses import dataclass

from toscale.architecture import sequence, waterfall
from toscale.architecture.pen import Sheet
from toscale.architecture.walk import walk_through as walk_of
from toscale.design.model import Design
from toscale.simulate.result import Simulation
from toscale.simulate.spans import Trace

__all__ = ["Step", "Walk", "walk_through"]

MOST_EVENTS = 2_000_000
"""So far the simulation is made again to find requests that are worth showing."""

READABLE = 0.8
"""A picture is not made smaller than this part of its size: a wider one is moved to and fro instead."""


@dataclass(frozen=True, slots=True)
class Step:
    """One picture: what stands above it, what is said of it, itself as SVG that follows the reader's colours, the
    same in the light (`alone`), and the least width at which it can be read.
    """

    heading: str
    said: str
    svg: str
    alone: str
    least: int


@dataclass(frozen=True, slots=True)
class Walk:
    """The pictures of one flow."""

    flow: str
    steps: tuple[Step, ...]


def walk_through(
    design: Design, simulation: Simulation | None = None, *, most_events: int = MOST_EVENTS
) -> tuple[Walk, ...]:
    """Each flow of a design with its pictures, which follow the reader's colours: sequences from the design alone
    and, with a simulation, waterfalls of the requests of its first replication, at the median of the rates.
    """
    traces: tuple[Trace, ...] = ()
    if simulation is not None and simulation.median.requests > 0:
        from toscale.simulate.traces import trace

        traces = trace(design, simulation=simulation, most_events=most_events)
    found = []
    for flow in design.flows:
        walk = walk_of(design, flow, traces)
        steps = [
            _step(
                one.way.value,
                "",
                (sequence.sequence(one), sequence.sequence(one, "light")),
                sequence.sequence_sheet(one),
            )
            for one in walk.conversations
        ]
        steps += [
            _step(
                waterfall.heading(one),
                waterfall.explained(one),
                (waterfall.waterfall(one), waterfall.waterfall(one, "light")),
                waterfall.waterfall_sheet(one),
            )
            for one in walk.traces
        ]
        found.append(Walk(flow, tuple(steps)))
    return tuple(found)


def _step(heading: str, said: str, pictures: tuple[str, str], sheet: Sheet) -> Step:
    head = heading[:1].upper() + heading[1:]
    return Step(head, said, *pictures, round(READABLE * (sheet.right - sheet.left)))
