"""How does a call that may be given up, tried again, hedged or cut short become code?

`c` is the compiler that collects the rows.
"""

from __future__ import annotations

from typing import Any

from toscale.engine.frames import Frame, Hedged
from toscale.engine.layout import Label
from toscale.engine.model import (
    HANDLED,
    Call,
    Outcome,
    Retry,
    Steps,
)
from toscale.engine.state import TICK, Op
from toscale.engine.tables import (
    Guarded,
)


def number_of_guard(c: Any, step: Call, frame: Frame) -> int:
    """The number of a guarded call among the tables' guards."""
    budget = None if step.retry is None else step.retry.budget
    guarded = Guarded(step.path, frame.station, step.breaker, budget, step.hedge is not None)
    number: int = c.guards.setdefault(guarded, len(c.guards))
    return number


def emit_call(c: Any, step: Call, frame: Frame) -> None:
    """A call: its attempts, what surrounds them, and its handlers."""
    handlers = {o: s for o, s in step.handlers.items() if o in HANDLED}
    # nothing that could be given up: the same task goes through it
    alone = step.timeout is None and step.retry is None
    if alone and not step.guarded:
        emit_handled(c, handlers, frame, lambda out: c.block(step.body, frame.inside(out)))
        return
    attempt = -1 if alone else c.register(f"attempt:{frame.depth}")
    guard = number_of_guard(c, step, frame) if step.guarded else -1
    budget = step.retry is not None and step.retry.budget is not None
    tried: Steps = step.body if step.hedge is None else (Hedged(step, guard),)  # type: ignore[assignment]

    def body(out: Label) -> None:
        again, failed, short, over = Label(), Label(), Label(), Label()
        if not alone:
            c.emit(Op.SET, a=attempt, b=0)
        if budget:
            c.emit(Op.DEPOSIT, a=guard, b=frame.machine)
        c.place(again)
        if step.breaker is not None:
            c.emit(Op.GUARD, a=guard, b=frame.machine, fail=short)
        if alone:
            c.block(tried, frame.inside(failed))
        else:
            c.emit(
                Op.CALL,
                step.path,
                a=c.child(tried, frame.inside(out)),
                b=-1 if step.timeout is None else c.ring(step.timeout),
                c=attempt,
                fail=failed,
            )
        if step.breaker is not None:
            c.emit(Op.REPORT, a=guard, b=frame.machine)
        c.emit(Op.JUMP, a=over)
        c.place(failed)
        if step.breaker is not None:
            c.emit(Op.REPORT, a=guard, b=frame.machine)
            c.place(short)
        if step.retry is not None:
            retry: Retry = step.retry
            if budget:
                c.emit(Op.SPEND, a=guard, b=frame.machine, c=attempt, d=retry.times, fail=out)
            c.emit(
                Op.RETRY,
                step.path,
                a=attempt,
                b=retry.times,
                c=again,
                x=retry.backoff / TICK,
                y=retry.factor,
                z=retry.jitter,
            )
        c.emit(Op.JUMP, a=out)
        c.place(over)

    emit_handled(c, handlers, frame, body)


def emit_hedge(c: Any, step: Hedged, frame: Frame) -> None:
    """An attempt, made once more when it is late."""
    hedge = step.call.hedge
    assert hedge is not None, "only what has a hedge is hedged"
    c.margin += 1
    c.emit(
        Op.HEDGE,
        step.call.path,
        a=c.child(step.call.body, frame.inside(frame.out)),
        b=c.ring(hedge.after, hedges=True),
        d=hedge.at_most,
        num=step.guard,
        fail=frame.out,
    )


def emit_handled(c: Any, handlers: dict[Outcome, Steps], frame: Frame, body: Any) -> None:
    """A body whose outcomes are handled: each handler ends behind it."""
    if not handlers:
        body(frame.out)
        return
    out, over = Label(), Label()
    body(out)
    c.emit(Op.JUMP, a=over)
    c.place(out)
    at = {outcome: Label() for outcome in handlers}
    none = Label(-1)
    c.emit(
        Op.HANDLE,
        a=at.get(Outcome.REFUSED, none),
        b=at.get(Outcome.FAILED, none),
        c=at.get(Outcome.TIMED_OUT, none),
        d=at.get(Outcome.BUSY, none),
        fail=frame.out,
    )
    for outcome, steps in handlers.items():
        c.place(at[outcome])
        c.block(steps, frame)
        c.emit(Op.JUMP, a=over)
    c.place(over)
