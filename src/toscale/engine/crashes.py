"""What does a machine that goes down take with it?

What runs or waits on it. `within` tells of every instruction which visit
it is a step of, and of a visit's ENTER the visit around that, so that the machines on which a task holds slots
are found from its `pc`. The call of the outermost one that is down fails at once. What the task holds or has sent
further inside goes on without it, as after a time-out: an orphan, which ends when it holds nothing any more.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.bounded import abandon_line
from toscale.engine.cores import count_cores, without_root
from toscale.engine.flights import leave_flight
from toscale.engine.jit import jit
from toscale.engine.locks import give_keys_of, keys_of
from toscale.engine.messages import touch_buffer
from toscale.engine.model import Outcome
from toscale.engine.state import Op
from toscale.engine.tasks import (
    ALOFT,
    GATHERING,
    GOING,
    JOINING,
    LINED,
    QUEUED,
    WAITING,
    give_up,
    leave_queue,
    new_task,
    ready,
    stop_waiting_for_lock,
    touch,
    unring,
    untrack,
)
from toscale.engine.tree import NEVER, schedule

_FAILED, _REFUSED = int(Outcome.FAILED), int(Outcome.REFUSED)
_ACQUIRE, _ENTER, _MARK = int(Op.ACQUIRE), int(Op.ENTER), int(Op.MARK)


@jit
def lose(S):  # type: ignore[no-untyped-def]
    """Ends what runs or waits on the machines that are dying."""
    c = S.control[0]
    for k in range(c.n_stations):
        s = S.stations[k]
        for machine in range(s.first, s.first + s.machines):
            if S.conditions[machine].dying:
                stop_cores(S, machine)
    for i in range(c.n_tasks):
        if S.tasks[i].pc >= 0:
            lose_task(S, i)
    for k in range(c.n_stations):
        s = S.stations[k]
        for machine in range(s.first, s.first + s.machines):
            S.conditions[machine].dying = 0


@jit
def stop_cores(S, machine):  # type: ignore[no-untyped-def]
    """No work goes on; whose it was is found by their slots."""
    m = S.machines[machine]
    if m.heap < 0:
        return
    while m.heap >= 0:
        m.heap = without_root(S, m.heap)
        count_cores(S, machine, -1)
    m.at = S.control[0].now
    schedule(S, m.leaf, NEVER)


@jit
def lose_task(S, i):  # type: ignore[no-untyped-def]
    """Ends the calls of a task that are on machines which are dying, from the outermost one on."""
    t = S.tasks[i]
    outer = np.int64(-1)
    inside = 0  # slots that it holds inside the outermost call that ends
    held = 0
    alive = np.int64(t.pc)  # the outermost call on a machine that goes on
    keeps = alive  # that one inside the call that ends
    v = S.within[t.pc]
    while v >= 0:
        machine = S.registers[i, S.code[v].b]
        if S.code[v].op != _MARK:
            if S.conditions[machine].dying:
                give_keys_of(S, i, v)
                free_slot(S, i, machine)
                outer = v
                inside = held
                keeps = alive
            else:
                held += 1 + keys_of(S, i, v)
                alive = v
        v = S.within[v]
    waits = t.state == QUEUED
    waits_here = waits and S.conditions[t.machine].dying == 1
    if outer < 0:
        if waits_here:
            stop_waiting(S, i)
            fail_at(S, i, np.int64(S.code[t.pc].fail))
        return
    v = S.within[keeps]
    while v != outer:  # named steps that have begun and will not end
        if S.code[v].op == _MARK:
            S.meters[S.code[v].a].causes[_FAILED] += 1
        v = S.within[v]
    op = S.code[t.pc].op
    travels = t.state == GOING and (op == _ACQUIRE or op == _ENTER)
    if inside > 0 or travels:
        j = go_on_without(S, i, held - inside)
        t.held = inside
        if waits_here:
            stop_waiting(S, i)
            fail_at(S, i, np.int64(S.code[t.pc].fail))
        i = j
    elif waits:
        stop_waiting(S, i)
    elif t.state == WAITING:
        stop_waiting_for_lock(S, i)
    elif t.state == LINED:
        abandon_line(S, np.int64(t.machine))
    elif t.state == ALOFT:
        leave_flight(S, i)
    elif t.state == JOINING or t.state == GATHERING:
        give_up(S, i)
        if t.ring >= 0:
            unring(S, i)
        t.each_pc = -1
    else:
        schedule(S, S.control[0].fixed + i, NEVER)
    if S.tasks[i].message >= 0 and S.within[outer] < 0 and S.code[outer].d == 1:
        return_batch(S, i)
    fail_at(S, i, np.int64(S.code[outer].fail))


@jit
def fail_at(S, i, pc):  # type: ignore[no-untyped-def]
    """The task goes on now, on a way out."""
    t = S.tasks[i]
    t.state = GOING
    t.outcome = _FAILED
    t.pc = pc
    if not is_ready(S, i):
        ready(S, i)


@jit
def is_ready(S, i):  # type: ignore[no-untyped-def]
    """Whether a task goes on at this moment anyway: whoever was lost before it has let it go."""
    c = S.control[0]
    for k in range(c.ready_count):
        at = c.ready_head + k
        if S.ready[at if at < c.n_tasks else at - c.n_tasks] == i:
            return True
    return False


@jit
def free_slot(S, i, machine):  # type: ignore[no-untyped-def]
    """The slot of a machine that is dying: nobody gets it."""
    m = S.machines[machine]
    touch(S, m.station)
    s = S.stations[m.station]
    m.busy -= 1
    m.outstanding -= 1
    s.busy -= 1
    s.inside -= 1
    S.tasks[i].held -= 1


@jit
def stop_waiting(S, i):  # type: ignore[no-untyped-def]
    """Takes a task out of its queue: its caller has gone, or the machine."""
    t = S.tasks[i]
    m = S.machines[t.machine]
    touch(S, m.station)
    s = S.stations[m.station]
    s.waiting -= 1
    s.inside -= 1
    m.outstanding -= 1
    if S.conditions[t.machine].dying:
        S.losses[m.station] += 1
    else:
        s.abandoned += 1
    leave_queue(S, i)


@jit
def go_on_without(S, i, held):  # type: ignore[no-untyped-def]
    """Splits a task: a new one takes its place, with so many of its slots, and the old one becomes an orphan."""
    t = S.tasks[i]
    j = new_task(S, t.flow, t.pc)
    u = S.tasks[j]
    u.key = t.key
    u.request = t.request
    u.start = t.start
    u.held = held
    u.abandoned = t.abandoned
    u.root = t.root
    u.hands_back = t.hands_back
    u.partition = t.partition
    u.message = t.message
    u.messages = t.messages
    u.tracker = t.tracker
    if t.tracker >= 0:
        S.trackers[t.tracker].pending += 1
    if t.partition >= 0:
        S.partitions[t.partition].consumer = j
    for r in range(S.control[0].n_registers):
        S.registers[j, r] = S.registers[i, r]
    u.parent = t.parent
    u.elder = t.elder
    u.younger = t.younger
    if t.parent >= 0:
        if t.younger >= 0:
            S.tasks[t.younger].elder = j
        else:
            S.tasks[t.parent].child = j
        if t.elder >= 0:
            S.tasks[t.elder].younger = j
    t.parent = -1
    t.elder = -1
    t.younger = -1
    t.partition = -1
    t.message = -1
    t.messages = 0
    t.root = 0
    t.hands_back = 0
    t.abandoned = 1
    return j


@jit
def return_batch(S, i):  # type: ignore[no-untyped-def]
    """The messages that a worker had when it went down are taken again, by the next (at least once)."""
    t = S.tasks[i]
    p = S.partitions[t.partition]
    b = S.buffers[p.buffer]
    touch_buffer(S, p.buffer)
    last = t.message
    while S.messages[last].next >= 0:
        last = S.messages[last].next
    S.messages[last].next = p.head
    if p.head < 0:
        p.tail = last
    p.head = t.message
    p.length += t.messages
    b.depth += t.messages
    b.taken -= t.messages
    if t.tracker >= 0:  # that of the first of them, which it is taken with again
        untrack(S, t.tracker)
        t.tracker = -1
    t.message = -1
    t.messages = 0
