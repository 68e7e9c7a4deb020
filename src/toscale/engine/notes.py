"""What did one request go through? Notes of a run that is made again, written by the requests that are followed.

The followed requests run through a copy of the code in which a NOTE stands before the instructions that matter;
all others run through the code as it is. So a run costs nothing more where nobody follows, and the followed
request is the very one of the run: a note takes no time, draws nothing and makes no event.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from toscale.engine.jit import jit
from toscale.engine.state import CODE, Op, records
from toscale.engine.tables import Tables

_END, _FAIL, _NEXT = int(Op.END), int(Op.FAIL), int(Op.NEXT)

_SHOWN = {
    Op.ACQUIRE: "b",
    Op.WORK: "b",
    Op.RELEASE: "b",
    Op.CALL: "c",
    Op.RETRY: "a",
}
"""The field that names the register whose value says more: the machine, or the attempt."""


@jit
def note(S, i, step, passed):  # type: ignore[no-untyped-def]
    """Writes down that a task is about to do an instruction; at its end a consumer names all messages of its
    batch.
    """
    t = S.tasks[i]
    value = np.int64(-1)
    if step.b >= 0:
        value = S.registers[i, step.b]
    write(S, i, np.int64(step.a), passed, t.key, value)
    if step.c > 0:
        n = t.message
        while n >= 0:
            write(S, i, np.int64(-1), passed, S.messages[n].request, np.int64(0))
            n = S.messages[n].next


@jit
def write(S, i, row, passed, key, value):  # type: ignore[no-untyped-def]
    """One note; where there is no more room it is only counted."""
    c = S.control[0]
    k = c.noted
    c.noted = k + 1
    if k >= c.n_notes:
        return
    t = S.tasks[i]
    n = S.notes[k]
    n.parent = np.uint64(0)
    if t.parent >= 0:
        n.parent = S.tasks[t.parent].key
    root = np.int64(i)
    while S.tasks[root].parent >= 0:
        root = np.int64(S.tasks[root].parent)
    n.root = root
    n.top = S.tasks[root].request
    n.since = S.tasks[root].start
    n.key = key
    n.request = t.request
    n.start = t.start
    n.now = c.now
    n.passed = passed
    n.value = value
    n.row = row
    n.task = i
    n.above = t.parent
    n.outcome = t.outcome
    n.flow = t.flow


def with_notes(
    tables: Tables, room: int, only: Collection[int] | None = None
) -> tuple[Tables, tuple[int, ...]]:
    """The tables with a second copy of the code, in which a NOTE stands before each instruction that does
    something (before those of the rows `only`, if given), with room for so many notes; and the entries of the flows
    in that copy.
    """
    code = tables.arrays["code"]
    size = len(tables.labels)
    noted = [row in only if only is not None else code[row].op != Op.JUMP for row in range(size)]
    first = size + np.concatenate([[0], np.cumsum([1 + one for one in noted])])  # of what stands for a row
    copy = records(CODE, int(first[-1]) - size)
    for row in range(size):
        at = int(first[row]) - size
        if noted[row]:
            copy[at].op, copy[at].a = int(Op.NOTE), row
            copy[at].b = _register(tables, row)
            copy[at].c = int(code[row].op) in (_END, _FAIL)
            if int(code[row].op) in (
                _END,
                _FAIL,
                _NEXT,
            ):  # a request has ended when the run says so, not before
                copy[at].sync = code[row].sync
            copy[at].fail = -1
            at += 1
        copy[at] = code[row]
        for name in tables.labels[row]:
            to = int(code[row][name])
            copy[at][name] = to if to < 0 else int(first[to])
    both: Any = records(CODE, len(code) + len(copy))
    both[: len(code)] = code
    both[len(code) :] = copy
    more = replace(tables, arrays={**tables.arrays, "code": both}, notes=room)
    return more, tuple(int(first[entry]) for entry in tables.entries)


def _register(tables: Tables, row: int) -> int:
    """The register whose value a note of this row shows: what a look-up before it has found, else what matters
    to the instruction itself; -1: none.
    """
    code = tables.arrays["code"]
    if row > 0 and int(code[row - 1].op) in (Op.GET, Op.MGET):
        return int(code[row - 1].c)
    op = Op(int(code[row].op))
    return int(code[row][_SHOWN[op]]) if op in _SHOWN else -1
