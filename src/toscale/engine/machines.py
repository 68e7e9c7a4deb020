"""A call finds its machine, waits there for a slot, and gives it back."""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, draw_law, mix, number, unit
from toscale.engine.jit import inlined, jit
from toscale.engine.model import Outcome
from toscale.engine.stores import shard_of
from toscale.engine.tasks import BY_PRIORITY, GOING, LAST_FIRST, QUEUED, leave_queue, ready, touch

_FAILED = int(Outcome.FAILED)

ROUND_ROBIN, RANDOM, LEAST, TWO = 0, 1, 2, 3
"""Numbers of the policies in the tables; a shared queue is one machine."""

BY_POLICY, BY_PRIMARY, BY_COPY, BY_ANY, BY_SHARD, BY_BESIDE, BY_NUMBER = 0, 1, 2, 3, 4, 5, 6
"""Numbers of the picks in the tables; BY_SHARD: the register holds the shard's number, BY_BESIDE: the caller's
machine; BY_NUMBER: the copy of that number.
"""

SHARD, PART = 0, 1
"""Registers of a scattered call's children: the shard, and how many keys of it."""


@jit
def pick_machine(S, i, step):  # type: ignore[no-untyped-def]
    """The machine that a call goes to, at a station with several that does not take them in turn."""
    s = S.stations[step.a]
    if step.c == BY_POLICY:
        n = s.machines
        key = mix(S.tasks[i].key + step.salt)
        k = np.int64(key % np.uint64(n))
        if s.policy == RANDOM:
            return s.first + k
        if s.policy == TWO:
            other = np.int64(mix(key + GOLDEN) % np.uint64(n - 1))
            other += other >= k
            if S.machines[s.first + other].outstanding < S.machines[s.first + k].outstanding:
                return s.first + other
            return s.first + k
        best = k
        for j in range(n):
            m = k + j
            if m >= n:
                m -= n
            if S.machines[s.first + m].outstanding < S.machines[s.first + best].outstanding:
                best = m
        return s.first + best
    if step.c == BY_BESIDE:
        caller = S.registers[i, step.d]
        return s.first + (caller - S.stations[S.machines[caller].station].first) % s.machines
    if step.c == BY_SHARD:
        shard = S.registers[i, SHARD]
        turning = step.d
    elif step.d >= 0:
        shard = shard_of(np.uint64(S.registers[i, step.d]), s.shards)
        turning = 0
    else:
        shard = np.int64(mix(S.tasks[i].key + step.salt) % np.uint64(s.shards))
        turning = 0
    machine = s.first + shard * s.copies
    if step.c == BY_NUMBER:
        return machine + np.int64(step.x)
    if s.copies > 1 and (step.c == BY_COPY or step.c == BY_ANY or turning > 0):
        skip = 1 if step.c == BY_COPY or turning == BY_COPY else 0
        s.turn = s.turn + 1 if s.turn + 1 < s.machines else 0
        machine += skip + s.turn % (s.copies - skip)
    return machine


@inlined
def wire(S, i, step):  # type: ignore[no-untyped-def]
    """The time a message takes, resendings included."""
    link = S.links[step.a]
    here = S.machines[S.registers[i, step.b]].zone if step.b >= 0 else -1
    there = S.machines[S.registers[i, step.c]].zone if step.c >= 0 else -1
    law = link.near if here == there and here >= 0 else link.far
    key = S.tasks[i].key + step.salt
    delay = 0.0
    if law >= 0:
        delay = draw_law(S, law, unit(mix(key)))
    if step.x > 0.0:
        delay += weigh(S, i, step, here == there and here >= 0)
    if link.loss > 0.0:
        again = link.resend
        k = np.uint64(1)
        now = S.control[0].now
        while k < np.uint64(16) and unit(mix(key + k * GOLDEN)) < (
            link.loss if now + delay < link.until else link.usual
        ):
            delay += again
            again *= 2.0
            k += np.uint64(1)
    return delay


@jit
def weigh(S, i, step, near):  # type: ignore[no-untyped-def]
    """The time that a message takes for its size."""
    if step.d >= 0 and S.registers[i, step.d] <= 0:
        return 0.0
    size = step.x
    if step.num >= 0:
        size *= max(number(S, i, np.int64(step.num)), 0.0)
    link = S.links[step.a]
    return size * (link.near_byte if near else link.far_byte)


@inlined
def demand(S, i, step):  # type: ignore[no-untyped-def]
    """The ticks of work that a step asks for."""
    base = step.x
    if step.y > 0.0:
        base += step.y * number(S, i, np.int64(step.num))
    return base * draw_law(S, np.int64(step.law), unit(mix(S.tasks[i].key + step.salt)))


@jit
def admit(S, i, machine):  # type: ignore[no-untyped-def]
    """The task gets a slot of the machine; the station's integrals are up to date."""
    m = S.machines[machine]
    s = S.stations[m.station]
    m.busy += 1
    s.busy += 1
    s.admitted += 1
    S.tasks[i].held += 1


@jit
def join_queue(S, i, machine):  # type: ignore[no-untyped-def]
    """The task waits for a slot: behind the others; before them at a LIFO station; behind those of its class
    and of more urgent ones at a station by priority.
    """
    t = S.tasks[i]
    m = S.machines[machine]
    s = S.stations[m.station]
    t.state = QUEUED
    t.asked = S.control[0].now
    t.machine = machine
    t.ahead = -1
    t.behind = -1
    if s.discipline == BY_PRIORITY:
        put_in_class(S, i, machine)
    elif m.queued == 0:
        m.head = i
        m.tail = i
    elif s.discipline == LAST_FIRST:
        t.behind = m.head
        S.tasks[m.head].ahead = i
        m.head = i
    else:
        t.ahead = m.tail
        S.tasks[m.tail].behind = i
        m.tail = i
    m.queued += 1
    s.waiting += 1


@jit
def put_in_class(S, i, machine):  # type: ignore[no-untyped-def]
    """Puts a task behind the last of its own class, or of the nearest more urgent one; else in front."""
    t = S.tasks[i]
    m = S.machines[machine]
    own = S.flows[t.flow].priority
    before = np.int64(-1)
    for k in range(own, -1, -1):
        if S.lasts_by_class[machine, k] >= 0:
            before = S.lasts_by_class[machine, k]
            break
    S.lasts_by_class[machine, own] = i
    t.ahead = before
    if before >= 0:
        t.behind = S.tasks[before].behind
        S.tasks[before].behind = i
    else:
        t.behind = m.head if m.queued > 0 else -1
        m.head = i
    if t.behind >= 0:
        S.tasks[t.behind].ahead = i
    else:
        m.tail = i


@inlined
def release(S, i, machine):  # type: ignore[no-untyped-def]
    """The task gives its slot back; the next who waits gets it."""
    m = S.machines[machine]
    touch(S, m.station)
    s = S.stations[m.station]
    m.busy -= 1
    m.outstanding -= 1
    s.busy -= 1
    s.inside -= 1
    S.tasks[i].held -= 1
    if m.queued > 0 and (s.slots < 0 or m.busy < s.slots):
        j = m.head
        leave_queue(S, j)
        u = S.tasks[j]
        s.waiting -= 1
        s.waited += S.control[0].now - u.asked
        u.state = GOING
        u.pc += 1
        admit(S, j, machine)
        ready(S, j)


@jit
def come_back(S, i, step, pc):  # type: ignore[no-untyped-def]
    """The task wants a slot again of the machine that it left for a while. Returns where it goes on, or -1 where it
    waits.
    """
    machine = S.registers[i, step.b]
    m = S.machines[machine]
    s = S.stations[step.a]
    if step.x > 0.0 and S.conditions[machine].down:  # the machine has gone meanwhile
        touch(S, np.int64(step.a))
        s.arrived += 1
        S.losses[step.a] += 1
        S.tasks[i].outcome = _FAILED
        return np.int64(step.fail)
    touch(S, np.int64(step.a))
    m.outstanding += 1
    s.arrived += 1
    s.inside += 1
    if s.slots < 0 or m.busy < s.slots:
        admit(S, i, machine)
        return pc + 1
    S.tasks[i].pc = pc
    join_queue(S, i, machine)
    return np.int64(-1)
