"""What is known at a place in a flow? Who calls, which keys have been drawn, what the items of an `each`
are called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from toscale.engine.model import Holder, Key, NewKey, Step
from toscale.simulate.lowering.entities import Held

__all__ = ["Scope", "Touched"]


@dataclass(slots=True)
class Touched:
    """The registers that a flow uses, those that it can hand on beside them, and those of inner blocks."""

    registers: set[str] = field(default_factory=set)
    offered: set[str] = field(default_factory=set)
    _open: list[set[str]] = field(default_factory=list)

    def add(self, register: str) -> None:
        self.registers.add(register)
        for block in self._open:
            block.add(register)

    def begin(self) -> set[str]:
        """A block whose registers are wanted apart; to be ended by `end`."""
        block: set[str] = set()
        self._open.append(block)
        return block

    def end(self) -> None:
        self._open.pop()


@dataclass(slots=True)
class Scope:
    """A place in a flow. `known` are the registers that surely hold something there; it grows from step to
    step.

    `caller` is the component that is at work, or the actor; None where nobody calls. `prefix` stands before
    the paths of steps that belong to another flow, run as a part of this one. `missed` names the list of
    keys that an entity's steps act on.
    """

    flow: str
    caller: str | None
    touched: Touched
    known: set[str] = field(default_factory=set)
    prefix: str = ""
    items: dict[str, str | None] = field(default_factory=dict)
    missed: Mapping[str, str] = field(default_factory=dict)
    running: tuple[str, ...] = ()
    in_batch: bool = False
    batch: int = 1  # of the flow's messages
    sweeps: str | None = None  # the bounded thing whose ended terms are gone through
    asks: bool = False  # each step is a request that the actor makes
    keeps: bool = (
        False  # the caller's slot is held whatever happens here: by what is beside it, or for a lock
    )
    locked: frozenset[str] = frozenset()  # the locks that are had here

    def path(self, path: str) -> str:
        return f"{self.prefix}{path}"

    def branch(self, **changes: object) -> Scope:
        """A block that may or may not be done: what it draws is not known behind it."""
        changes.setdefault("known", set(self.known))
        return replace(self, **changes)  # type: ignore[arg-type]

    def within(self, **changes: object) -> Scope:
        """A block that is done in any case: what it draws is known behind it."""
        if "caller" in changes:
            changes = {"asks": False, "keeps": False, **changes}
        return replace(self, **changes)  # type: ignore[arg-type]

    def draw(self, path: str, keys: Iterable[Held]) -> list[Step]:
        """The steps that make sure that these keys are there."""
        steps: list[Step] = []
        for held in keys:
            self.touched.add(held.register)
            if held.register in self.known:
                continue
            self.known.add(held.register)
            step = NewKey if held.own else Key
            steps.append(step(path, held.register, held.population))
        return steps

    def hold(self, path: str, register: str, connection: str) -> list[Step]:
        """The step that makes sure that somebody is there who has this connection open."""
        self.touched.add(register)
        if register in self.known:
            return []
        self.known.add(register)
        return [Holder(path, register, connection)]

    def make(self, path: str, held: Held) -> list[Step]:
        """The step that makes a new key."""
        self.touched.add(held.register)
        self.known.add(held.register)
        return [NewKey(path, held.register, held.population)]
