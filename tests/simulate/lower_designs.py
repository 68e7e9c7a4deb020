"""Small designs for the tests of the lowering: read from YAML, lowered, and taken apart."""

from __future__ import annotations

from textwrap import dedent
from typing import TypeVar

from toscale.design.load import read_design
from toscale.design.model import Design
from toscale.engine.model import Flow, Station, Step, Visit, walk
from toscale.simulate.lower import lower
from toscale.simulate.lowering import At, Lowered

T = TypeVar("T")


def design_of(text: str) -> Design:
    """The design in a text, which has no errors."""
    return read_design(dedent(text), "test.design.yaml").sound()


def lowered(text: str, *, at: At = "median", multiple: float = 1.0) -> Lowered:
    return lower(design_of(text), at=at, multiple=multiple)


def steps(result: Lowered, flow: str = "f") -> list[Step]:
    """All steps of a flow, outer before inner."""
    return list(walk(flow_of(result, flow).steps))


def flow_of(result: Lowered, name: str = "f") -> Flow:
    return next(flow for flow in result.model.flows if flow.name == name)


def all_of(kind: type[T], result: Lowered, flow: str = "f") -> list[T]:
    return [step for step in steps(result, flow) if isinstance(step, kind)]


def only(kind: type[T], result: Lowered, flow: str = "f") -> T:
    """The only step of its class in a flow."""
    found = all_of(kind, result, flow)
    assert len(found) == 1, found
    return found[0]


def visit(result: Lowered, station: str, flow: str = "f") -> Visit:
    """The only visit of a station in a flow."""
    found = [step for step in all_of(Visit, result, flow) if step.station == station]
    assert len(found) == 1, found
    return found[0]


def station(result: Lowered, name: str) -> Station:
    return next(each for each in result.model.stations if each.name == name)


def one_flow(
    *,
    components: str,
    steps: str,
    data: str = "{}",
    network: str = "{}",
    rate: str = "10 / s",
    more: str = "",
) -> str:
    """A design with one flow `f` from an actor `user`."""
    return (
        "toscale: 1\nrequirements: {users: {user: somebody}}\n"
        f"components: {components}\nnetwork: {network}\ndata: {data}\n"
        f"flows:\n  f:\n    from: user\n    rate: {rate}\n    steps: {steps}\n{more}"
    )
