"""What is done one at a time? The locks that a call asks for, by the keys that it names.

A lock belongs to the component that keeps what is changed: `stock: take seat` and `stock: keep seat`, both
`one at a time: per seat`, wait for each other. It is asked for when the call has its place there (a database's
connection, say), and given back when the call is done, however it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toscale.design import flow as language
from toscale.engine.model import Lock, Locked, Step
from toscale.simulate.lowering.entities import Entities
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.record import Record
from toscale.simulate.lowering.scope import Scope

__all__ = ["LockLowering", "lock_name"]


def lock_name(component: str, entity: str) -> str:
    """What a lock is called in the model."""
    return f"{component} per {entity}"


@dataclass(frozen=True, slots=True)
class LockLowering:
    """Lowers `one at a time`; the locks of the model collect in `record`."""

    entities: Entities
    record: Record
    ledger: Ledger

    def of(
        self, step: language.Call, component: str, scope: Scope, *, listed: bool = False, keys: str = ""
    ) -> tuple[list[Step], tuple[Locked, ...]]:
        """The locks of a call of a component, and the steps before it that draw their keys.

        `listed`: the call is split over the shards of several keys of its entity, and has the lock of each of them.
        `keys` names the list of them where the call is one. Raises `NotComputable` where it would wait for itself.
        """
        before: list[Step] = []
        locks: list[Locked] = []
        for entity in dict.fromkeys(step.one_at_a_time):
            name = lock_name(component, entity)
            if name in scope.locked:
                raise NotComputable(
                    f"it would wait for itself: a step around it has `{component}` one at a time per `{entity}`",
                    step.place,
                )
            for outer in sorted(scope.locked):
                self._inside(outer, name, step)
            self.record.locks.setdefault(name, Lock(name, component))
            wait = step.when_busy != "refuse"
            if (listed or keys) and entity == step.entity:
                locks.append(Locked(name, wait=wait, keys=keys))
                continue
            if entity == step.entity:
                held = self.entities.key(entity, step.of)
            else:
                held = self.entities.holder(language.AttributePath((entity,), step.place), scope.items)
            before += scope.draw(scope.path(step.path), [held])
            locks.append(Locked(name, held.register, wait))
        return before, tuple(locks)

    def _inside(self, outer: str, inner: str, step: language.Call) -> None:
        """A lock is asked for by one who has another. If others ask the other way round, both may wait for ever,
        as they would in the system itself.
        """
        self.record.nested.add((outer, inner))
        if (inner, outer) in self.record.nested:
            self.ledger.note(
                f"`{step.path}` asks for `{inner}` while it has `{outer}`, and other steps ask the other way round: "
                "two requests may wait for each other until one of them times out.",
                step.place,
            )


def held_inside(step: language.Call, component: str, locked: frozenset[str]) -> Mapping[str, object]:
    """What a scope must know about the steps inside a call that has locks: which, and that its slot is kept."""
    if not step.one_at_a_time:
        return {}
    names = {lock_name(component, entity) for entity in step.one_at_a_time}
    return {"locked": locked | names, "keeps": True}
