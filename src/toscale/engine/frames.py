"""Where does a block of code stand, and what stands in it beside the steps of the model?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from toscale.engine.layout import Label
from toscale.engine.model import (
    Call,
    Number,
    Once,
    Pick,
    Visit,
)
from toscale.engine.state import Op

__all__ = ["Flight", "Frame", "Hedged", "ListAt", "OnMachine", "Raw", "Shard"]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a block stands: its way out, the register with the machine that it runs on (-1: none), how deep it is,
    the station of that machine, whose slot it may leave, and what (group and key) it is done once for.
    """

    out: Label
    machine: int = -1
    depth: int = 0
    station: int = -1
    leaves: int = -1  # the station of the slot that this task may give back for a while; -1: none
    refused: Label | None = None  # the way out of that visit without the slot
    around: Label | None = None  # the visit around that one
    once: frozenset[tuple[str, str]] = frozenset()

    def inside(self, out: Label, machine: int | None = None, station: int = -1) -> Frame:
        """A block with its own way out; on another machine, whose slot is not to be left."""
        if machine is None:
            return replace(self, out=out, depth=self.depth + 1)
        return replace(
            self,
            out=out,
            machine=machine,
            depth=self.depth + 1,
            station=station,
            leaves=-1,
            refused=None,
            around=None,
        )


@dataclass(frozen=True, slots=True)
class ListAt:
    """The register at which a list of keys begins; known when all registers are."""

    name: str | None


@dataclass(frozen=True, slots=True)
class Shard:
    """The part of a scattered call that goes to one shard."""

    visit: Visit
    pick: Pick
    listed: str | None  # the keys that are locked


@dataclass(frozen=True, slots=True)
class OnMachine:
    """A piece of work in ticks, on the machine in this register, which may be slow."""

    base: float
    each: float
    count: Number
    machine: int


@dataclass(frozen=True, slots=True)
class Hedged:
    """An attempt that is made once more when it is late."""

    call: Call
    guard: int


@dataclass(frozen=True, slots=True)
class Flight:
    """What is done once for all, and its end: its group's number, the register with its entry."""

    once: Once
    group: int
    entry: int


@dataclass(frozen=True, slots=True)
class Raw:
    """A SEND that happens while the buffer's machine holds the message."""

    fields: tuple[Op, str, int, int]
