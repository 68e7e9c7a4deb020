"""Steps on bounded things as instructions.

What a request holds of a pool is known by a handle in the register `held:POOL`; a list of keys lies in registers of
its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toscale.engine.laws import Law
from toscale.engine.model import (
    Await,
    Choose,
    Extend,
    FromStash,
    GiveBack,
    Holds,
    Keep,
    Left,
    Look,
    Over,
    Pass,
    Register,
    See,
    Sweep,
    Take,
    TakeAhead,
    Work,
    Write,
)
from toscale.engine.state import TICK, Op
from toscale.engine.tables import ModelError

if TYPE_CHECKING:
    from toscale.engine.layout import Label

__all__ = ["bounded", "bounded_test", "handle_register", "passed_register"]

ALONE, IN_LINE, LISTED = 0, 1, 2
"""How a take is made: of one key, or not; with or without a line."""


def handle_register(pool: str) -> str:
    """The register with the handle of what a request holds of a pool."""
    return f"held:{pool}"


def passed_register(pool: str) -> str:
    """The register that says that a request has been let through a pool that is refilled; to be set to 0 before."""
    return f"passed:{pool}"


def wait_register(pool: str) -> str:
    """The register that says for how many ticks a request must wait for what it was promised."""
    return f"wait:{pool}"


def bounded(compiler: Any, step: Any, frame: Any) -> None:
    """Emits a step on a pool. Raises `ModelError` where it asks for what the pool does not have."""
    if isinstance(step, See):
        store = -1 if step.store is None else compiler.find(compiler.stores, step.store, "store")
        key = -1 if step.key is None else compiler.register(step.key)
        compiler.emit(Op.SEE, a=compiler.register(step.register), b=store if key >= 0 else -1, c=key)
        return
    index = compiler.find(compiler.pools, step.pool, "pool")
    pool = compiler.model.pools[index]
    key = _key(compiler, step)
    handle = compiler.register(handle_register(step.pool))
    passed = compiler.register(passed_register(step.pool))
    compiler.touches += 2
    place = frame.machine + 1 if pool.machines else 0
    match step:
        case Choose():
            if pool.per is None:
                raise ModelError(f"{step.path}: {step.pool!r} has no keys to choose among")
            compiler.touches += 2 * step.at_most
            into = compiler.list_of(step.into, step.at_most)
            compiler.emit(
                Op.CHOOSE,
                step.path,
                a=index,
                b=compiler.list_at(into),
                c=-1 if step.seen is None else compiler.register(step.seen),
                num=compiler.number(step.count),
                x=float(step.at_most),
            )
        case Take():
            if step.keys is not None and (step.line or pool.refill is not None):
                raise ModelError(
                    f"{step.path}: several keys are taken at once only of what is held, and without a line"
                )
            term = pool.term if step.term is None else step.term
            compiler.emit(
                Op.CLAIM,
                step.path,
                a=index,
                b=key if step.keys is None else compiler.list_at(compiler.list_of(step.keys, 0)),
                c=handle if pool.refill is None else passed,
                d=LISTED if step.keys is not None else IN_LINE if step.line else ALONE,
                num=compiler.number(step.amount),
                law=_term(compiler, term)
                if pool.refill is None
                else compiler.register(wait_register(step.pool)),
                mask=place,
                fail=frame.out,
            )
        case FromStash():
            _, first = compiler.stashes.setdefault(
                step.pool, (len(compiler.pools) + len(compiler.stashes), step)
            )
            if (first.number, first.keep, first.machines) != (step.number, step.keep, step.machines):
                raise ModelError(
                    f"{step.path}: what is taken ahead of {step.pool!r} is taken in one way only"
                )
            compiler.emit(
                Op.STASH,
                step.path,
                a=compiler.stashes[step.pool][0],
                b=key,
                c=compiler.register(step.found),
                d=compiler.register(f"stash:{step.pool}"),
                num=index,
                law=frame.machine,
                x=float(passed),
            )
        case TakeAhead():
            if step.pool not in compiler.stashes or pool.refill is None:
                raise ModelError(
                    f"{step.path}: it needs a `FromStash` before it, and a pool that is refilled"
                )
            compiler.emit(
                Op.AHEAD,
                step.path,
                a=index,
                b=key,
                c=compiler.stashes[step.pool][0],
                d=compiler.register(f"stash:{step.pool}"),
                num=passed,
                x=float(step.number),
                y=_ticks(step.keep),
                fail=frame.out,
            )
        case Await() if pool.refill is not None:
            wait = Work(Law.fixed(1.0), 0.0, TICK, Register(wait_register(step.pool)))
            compiler.work(Op.DELAY, step.path, wait)
            compiler.emit(Op.PASS, a=index, b=key, c=passed, mask=place)
        case Await():
            compiler.emit(Op.AWAIT, a=index, c=handle)
        case GiveBack():
            compiler.emit(Op.RETURN, a=index, b=key, c=handle, mask=place)
        case Extend():
            compiler.emit(Op.EXTEND, a=index, c=handle, law=_term(compiler, step.term), fail=frame.out)
        case Keep():
            compiler.emit(Op.KEEP, a=index, c=handle, fail=frame.out)
        case Sweep():
            compiler.emit(Op.SWEEP, a=index, num=compiler.number(step.count))
        case Over():
            compiler.emit(Op.OVER, a=index, b=compiler.register(step.register))
        case Look():
            compiler.emit(
                Op.LOOK, a=index, b=key, c=compiler.register(f"read:{step.pool}"), mask=place, fail=frame.out
            )
        case Write():
            read = compiler.register(f"read:{step.pool}")
            compiler.emit(
                Op.WRITE,
                a=index,
                b=key,
                c=read,
                d=handle if pool.refill is None else passed,
                law=_term(compiler, pool.term),
            )
        case Pass():
            compiler.emit(Op.PASS, a=index, b=key, c=passed, mask=place)


def bounded_test(compiler: Any, test: Holds | Left, otherwise: Label, frame: Any) -> None:
    """Emits a test on a pool, which goes to `otherwise` where it does not hold."""
    index = compiler.find(compiler.pools, test.pool, "pool")
    place = frame.machine + 1 if compiler.model.pools[index].machines else 0
    if isinstance(test, Holds):
        compiler.emit(Op.IF_HOLDS, a=otherwise, b=-1, c=compiler.register(handle_register(test.pool)))
    else:
        compiler.emit(Op.IF_LEFT, a=otherwise, b=_key(compiler, test), c=index, d=int(test.none), mask=place)


def _key(compiler: Any, step: Any) -> int:
    key = getattr(step, "key", None)
    return -1 if key is None else int(compiler.register(key))


def _term(compiler: Any, seconds: float | None) -> int:
    return -1 if seconds is None else int(compiler.terms.setdefault(seconds, len(compiler.terms)))


def _ticks(seconds: float) -> float:
    return seconds / TICK
