"""Instructions before they have their numbers, and the order in which they are laid out.

Each is followed by the one that a request goes on to when all goes well, so that the interpreter seldom
jumps; ways out lie behind. What nothing leads to is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toscale.engine.state import Op
from toscale.engine.tables import Passage

_NEVER_GOES_ON = {Op.JUMP, Op.HANDLE, Op.RAISE, Op.MARKFAIL, Op.DONE, Op.DIE, Op.END, Op.FAIL}


@dataclass(slots=True)
class Label:
    """A place in the code that is known later."""

    at: int = -1


@dataclass(slots=True)
class Row:
    """One instruction before its labels are known."""

    op: Op
    a: Any = -1  # a number, a Label, or a list's place
    b: Any = -1
    c: Any = -1
    d: Any = -1
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    law: int = -1
    num: int = -1
    fail: Label | None = None
    salt: int = 0
    mask: int = 0
    sync: bool = False
    path: str = ""
    passages: tuple[Passage, ...] = ()

    def leads_to(self) -> list[Label]:
        """Where it may go on, other than at the row behind it."""
        return [
            to for to in (self.fail, self.d, self.c, self.b, self.a) if isinstance(to, Label) and to.at >= 0
        ]


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The rows in their last order, and where each of the old ones now is."""

    rows: list[Row]
    new: dict[int, int]
    old: list[Row]

    def place(self, label: Label | int | None) -> int:
        """The number of the row that a label (or an old number) leads to; -1 where it leads nowhere."""
        at = label.at if isinstance(label, Label) else label
        return -1 if at is None or at < 0 else self.new[_through(self.old, at)]


def lay_out(rows: list[Row], entries: list[int]) -> LaidOut:
    """The rows that can be reached from the entries."""
    order: list[Row] = []
    new: dict[int, int] = {}
    ahead = list(reversed(entries))
    while ahead:
        at = _through(rows, ahead.pop())
        while at not in new:
            row = rows[at]
            new[at] = len(order)
            order.append(row)
            ahead.extend(label.at for label in row.leads_to())
            if row.op in _NEVER_GOES_ON:
                break
            at = _through(rows, at + 1)
            if at in new:
                order.append(Row(Op.JUMP, a=Label(at)))
    return LaidOut(order, new, rows)


def _through(rows: list[Row], at: int) -> int:
    """Where one arrives, through the jumps that one lands on."""
    while rows[at].op is Op.JUMP:
        at = rows[at].a.at
    return at
