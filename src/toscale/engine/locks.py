"""One at a time: a task takes the locks of the keys that it is about to change, and gives them back.

A step that needs several keys takes them in ascending order, and several locks in the order of the model, so
that no two tasks can wait for each other. What a step has taken is a chain of entries that begins in a
register; the next register tells how far it has come, so that a task that has waited goes on from there. A
locked key counts as held by its task, as a slot does.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.jit import jit
from toscale.engine.locked import (
    add_locked,
    find_locked,
    leave_locked,
    remove_locked,
    touch_lock,
    wait_for_locked,
)
from toscale.engine.machines import SHARD
from toscale.engine.model import Outcome
from toscale.engine.state import Op
from toscale.engine.stores import shard_of
from toscale.engine.tasks import GOING, WAITING, end_task, ready

_BUSY = int(Outcome.BUSY)
_LOCK, _SET, _TAKE = int(Op.LOCK), int(Op.SET), int(Op.TAKE)


@jit
def _sort(S, i, first, n):  # type: ignore[no-untyped-def]
    """Sorts n registers in place, by insertion: the keys of one step are few."""
    for j in range(first + 1, first + n):
        key = S.registers[i, j]
        k = j - 1
        while k >= first and S.registers[i, k] > key:
            S.registers[i, k + 1] = S.registers[i, k]
            k -= 1
        S.registers[i, k + 1] = key


@jit
def take_locks(S, i, step, pc):  # type: ignore[no-untyped-def]
    """Takes the lock for one key, or for each of a list that lies on this task's shard. Returns where the task goes
    on, or -1 where it waits: then it comes back here.

    `b`: the registers of what is taken; `c`: that of the key, or the list's first; `d`: the shards that a list is
    split over (-1: one key); `x`: whether to wait.
    """
    t = S.tasks[i]
    lock = np.int64(step.a)
    chain = np.int64(step.b)
    n = np.int64(1)
    first = np.int64(step.c)
    if step.d >= 0:
        n = S.registers[i, first]
        first += 1
        if S.registers[i, chain + 1] == 0:
            _sort(S, i, first, n)
    while S.registers[i, chain + 1] < n:
        at = S.registers[i, chain + 1]
        key = np.uint64(S.registers[i, first + at])
        again = at > 0 and S.registers[i, first + at] == S.registers[i, first + at - 1]
        if again or (step.d > 1 and shard_of(key, np.int64(step.d)) != S.registers[i, SHARD]):
            S.registers[i, chain + 1] = at + 1
            continue
        touch_lock(S, lock)
        k = S.locks[lock]
        k.asked += 1
        e = find_locked(S, lock, key)
        if e < 0:
            e = add_locked(S, lock, key)
            k.held += 1
            _has(S, i, e, chain)
            continue
        if step.x <= 0.0:
            k.refused += 1
            t.outcome = _BUSY
            return np.int64(step.fail)
        k.waiting += 1
        wait_for_locked(S, i, e)
        t.state = WAITING
        t.pc = pc
        return np.int64(-1)
    return pc + 1


@jit
def _has(S, i, e, chain):  # type: ignore[no-untyped-def]
    """The task has this key, and goes on to the next one."""
    S.locks[S.locked[e].lock].granted += 1
    S.locked[e].next = S.registers[i, chain]
    S.registers[i, chain] = e
    S.registers[i, chain + 1] += 1
    S.tasks[i].held += 1


@jit
def give_locks(S, i, step, pc):  # type: ignore[no-untyped-def]
    """Gives back what the step has taken; of each key, the first who waits for it has it next. Returns where the task
    goes on, or -1 where that was the last thing held by one that nobody waits for.
    """
    t = S.tasks[i]
    give_chain(S, i, np.int64(step.b))
    if t.abandoned and t.held == 0:
        end_task(S, i)
        return np.int64(-1)
    return pc + 1


@jit
def give_chain(S, i, chain):  # type: ignore[no-untyped-def]
    """Gives back the keys whose chain begins in a register."""
    t = S.tasks[i]
    now = S.control[0].now
    e = S.registers[i, chain]
    while e >= 0:
        row = S.locked[e]
        following = np.int64(row.next)
        lock = np.int64(row.lock)
        touch_lock(S, lock)
        k = S.locks[lock]
        t.held -= 1
        if row.head >= 0:
            j = np.int64(row.head)
            u = S.tasks[j]
            leave_locked(S, j)
            k.waiting -= 1
            k.waited += now - u.asked
            u.state = GOING
            _has(S, j, e, np.int64(S.code[u.pc].b))
            ready(S, j)
        else:
            k.held -= 1
            remove_locked(S, e)
        e = following
    S.registers[i, chain] = -1


@jit
def keys_of(S, i, visit):  # type: ignore[no-untyped-def]
    """How many keys a task has for the call whose ENTER is at `visit`: its LOCKs stand right behind that."""
    n = 0
    pc = visit + 1
    while S.code[pc].op == _LOCK or S.code[pc].op == _SET or S.code[pc].op == _TAKE:
        if S.code[pc].op == _LOCK:
            e = S.registers[i, S.code[pc].b]
            while e >= 0:
                n += 1
                e = np.int64(S.locked[e].next)
        pc += 1
    return n


@jit
def give_keys_of(S, i, visit):  # type: ignore[no-untyped-def]
    """Gives them back."""
    pc = visit + 1
    while S.code[pc].op == _LOCK or S.code[pc].op == _SET or S.code[pc].op == _TAKE:
        if S.code[pc].op == _LOCK:
            give_chain(S, i, np.int64(S.code[pc].b))
        pc += 1
