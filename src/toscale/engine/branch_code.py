"""How do tests become code? Each goes on behind where it holds, else elsewhere.

`c` is the compiler that collects the rows.
"""

from __future__ import annotations

from typing import Any

from toscale.engine.bounded_code import bounded_test
from toscale.engine.frames import Frame
from toscale.engine.layout import Label
from toscale.engine.model import (
    Chance,
    Compare,
    Connected,
    Ended,
    Flag,
    Holds,
    If,
    Left,
    Test,
)
from toscale.engine.state import Op
from toscale.engine.tables import (
    ModelError,
)

OPERATORS = ("<", "<=", ">", ">=", "=", "!=")


def emit_branch(c: Any, step: If, frame: Frame) -> None:
    """A test, and a block for either way."""
    if isinstance(step.test, Ended):
        raise ModelError(f"{step.path}: how a pass ended is known behind a repetition only")
    otherwise, over = Label(), Label()
    emit_test(c, step.path, step.test, otherwise, frame)
    c.block(step.then, frame)
    c.emit(Op.JUMP, a=over)
    c.place(otherwise)
    c.block(step.otherwise, frame)
    c.place(over)


def emit_test(c: Any, path: str, test: Test, otherwise: Label, frame: Frame) -> None:
    """Goes on behind where the test holds, else at `otherwise`."""
    match test:
        case Chance(probability):
            c.emit(Op.IF_CHANCE, path, a=otherwise, x=probability)
        case Holds() | Left():
            bounded_test(c, test, otherwise, frame)
        case Connected(connection, of):
            held = c.find(c.connections, connection, "connection")
            c.emit(Op.IF_OPEN, a=otherwise, b=c.register(of), c=held)
        case Flag(register):
            c.emit(Op.IF_FLAG, a=otherwise, b=c.register(register))
        case Compare(left, operator, right):
            if operator not in OPERATORS:
                raise ModelError(f"{operator!r} compares nothing: one of {' '.join(OPERATORS)}")
            c.emit(
                Op.IF_COMPARE,
                a=otherwise,
                b=c.number(left),
                c=OPERATORS.index(operator),
                d=c.number(right),
            )
        case Ended(outcomes):
            mask = sum(1 << int(outcome) for outcome in set(outcomes))
            c.emit(Op.IF_ENDED, a=otherwise, b=c.register("ended"), mask=mask)
