"""How do the locks of a call become code? Each is taken behind the slot, in the order of the model.

`c` is the compiler that collects the rows.
"""

from __future__ import annotations

from typing import Any

from toscale.engine.layout import Label
from toscale.engine.model import Locked
from toscale.engine.state import Op
from toscale.engine.tables import ModelError

__all__ = ["take_locks"]


def take_locks(
    c: Any, locks: tuple[Locked, ...], frame: Any, shards: int, listed: str | None
) -> list[tuple[int, Label]]:
    """The register of what each lock has taken, and the way out of whoever does not get it.

    `listed` is the list of keys of a scattered call; `shards` those that it is split over.
    """
    if listed is None and not all(lock.key or lock.keys for lock in locks):
        raise ModelError("a lock of a single call needs the register of its key, or a list of keys")
    taken: list[tuple[int, Label]] = []
    for lock in sorted(locks, key=lambda each: int(c.find(c.locks, each.lock, "lock"))):
        chain = c.register(f"locked:{frame.depth}:{len(taken)}")
        c.register(f"locked:{frame.depth}:{len(taken)}:next")  # which lies behind it
        c.emit(Op.SET, a=chain, b=-1)
        c.emit(Op.SET, a=chain + 1, b=0)
        c.locked += 1
        given = Label()
        keys = lock.keys or listed
        if lock.keys:  # one that no step makes is empty
            c.locked_lists.append(c.list_of(lock.keys, 0))
        c.emit(
            Op.LOCK,
            a=c.locks[lock.lock],
            b=chain,
            c=c.register(lock.key) if lock.key else c.list_at(keys),
            d=-1 if lock.key else 1 if lock.keys else max(1, shards),
            x=1.0 if lock.wait else 0.0,
            fail=given,
        )
        taken.append((chain, given))
    return taken
