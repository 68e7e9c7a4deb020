"""How does a repetition become code? A pass, its tests, and a jump back; around it the slot is given back.

`c` is the compiler that collects the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toscale.engine.branch_code import emit_test
from toscale.engine.instance_code import emit_cool, emit_warm
from toscale.engine.laws import Law
from toscale.engine.layout import Label
from toscale.engine.model import Register, Repeat, Users, Work
from toscale.engine.repeat import PASSES, REGISTERS, WAIT
from toscale.engine.state import TICK, Op

__all__ = ["away", "repeat", "think"]


def repeat(c: Any, step: Repeat, frame: Any) -> None:
    """The registers of a repetition lie side by side; those of another one at the same depth are the same."""
    at, *_ = (c.register(f"repeat:{frame.depth}:{k}") for k in range(REGISTERS))
    mask = sum(1 << c.register(name) for name in set(step.fresh))
    ended = c.register("ended")
    again, out, vain, over = Label(), Label(), Label(), Label()
    c.emit(Op.SET, a=at + PASSES, b=0)
    c.place(again)
    c.emit(Op.REPEAT, step.path, a=at, mask=mask)
    c.block(step.body, frame.inside(out))
    c.place(out)
    c.emit(Op.JUDGE, a=at, b=ended, fail=frame.out)
    for k, test in enumerate(step.until):
        otherwise = Label()
        emit_test(c, f"{step.path}/until {k}", test, otherwise, frame)
        c.emit(Op.LEAVE, a=at)
        c.emit(Op.JUMP, a=over)
        c.place(otherwise)
    c.emit(
        Op.AGAIN,
        step.path,
        a=at,
        b=-1 if step.times is None else step.times,
        law=-1 if step.every is None else c.law(step.every.scaled(1 / TICK)),
        x=-1.0 if step.lasts is None else step.lasts / TICK,
        fail=vain,
    )
    wait = c.number(Register(f"repeat:{frame.depth}:{WAIT}"))
    law = c.law(Law.fixed(1.0))

    def passes() -> None:
        c.emit(Op.DELAY, y=1.0, law=law, num=wait)

    if step.every is None:
        passes()
    else:
        away(c, frame, passes)
    c.emit(Op.JUMP, a=again)
    c.place(vain)
    if step.in_vain is None:
        c.emit(Op.VAIN, b=ended, fail=frame.out)
    else:
        c.block(step.in_vain, frame)
    c.place(over)


def away(c: Any, frame: Any, passes: Callable[[], None]) -> None:
    """Time passes, and the slot of the visit around is free meanwhile."""
    if frame.leaves < 0:
        passes()
        return
    failing = c.model.stations[frame.leaves].name in c.failing
    emit_cool(c, frame.leaves)
    c.emit(Op.RELEASE, a=frame.leaves, b=frame.machine)
    within, c.within = c.within, frame.around
    passes()
    c.emit(Op.BACK, a=frame.leaves, b=frame.machine, x=1.0 if failing else 0.0, fail=frame.refused)
    c.within = within
    emit_warm(c, frame.leaves, f"{c.model.stations[frame.leaves].name}/back")


def think(c: Any, flow: str, users: Users) -> None:
    """What comes before each request of a user; at least a tick, so that no user stops the clock."""
    c.work(Op.DELAY, f"{flow}/think", Work.of(users.think))
    c.emit(Op.DELAY, x=1.0, law=c.law(Law.fixed(1.0)))
    c.emit(Op.BEGIN)
