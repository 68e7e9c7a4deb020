"""The simulator's loop: take what happens next, follow the task it concerns until that must wait, again.

Reads the model's code and tables (`toscale.engine.compiler` writes them) and keeps the run's state in the
arrays of `toscale.engine.state`. To add an instruction: name it in `Op`, emit it in `compiler`, add its
branch in `run_step` of `toscale.engine.steps`.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.arrivals import LONGEST, next_arrival
from toscale.engine.cores import end_work, start_work
from toscale.engine.draws import GOLDEN, mix
from toscale.engine.guards import touch_guard
from toscale.engine.jit import entry, inlined, jit, prefetch
from toscale.engine.leases import touch_pool
from toscale.engine.locked import touch_lock
from toscale.engine.machines import (
    BY_POLICY,
    ROUND_ROBIN,
    admit,
    demand,
    join_queue,
    pick_machine,
    release,
    wire,
)
from toscale.engine.messages import end_request, send, touch_buffer
from toscale.engine.model import Outcome
from toscale.engine.notes import note
from toscale.engine.ops import (
    ACQUIRE,
    AWAIT,
    COUNT,
    DELAY,
    DIE,
    DONE,
    END,
    ENTER,
    FAIL,
    GET,
    HOP,
    IF_FLAG,
    JUMP,
    KEY,
    NOTE,
    PICK,
    RELEASE,
    RETRY,
    SEND,
    WORK,
)
from toscale.engine.parts import (
    ABANDON,
    BOUNDED,
    CHANGE,
    CONNECTIONS,
    FAULTS,
    GUARDS,
    HAPPEN,
    HEDGES,
    INSTANCES,
    MACHINES,
    SCALING,
    STREAM,
    TERMS,
    WAKE,
    WINDOW,
    call_part,
)
from toscale.engine.state import Status
from toscale.engine.steps import back_off, key_of_population, run_step
from toscale.engine.stores import bucket_of, get
from toscale.engine.tasks import (
    end_child,
    end_task,
    start_request,
    time_out,
    touch,
)
from toscale.engine.tree import NEVER, schedule
from toscale.engine.users import enter

O_DONE, O_REFUSED, O_FAILED, O_TIMED_OUT, O_BUSY = (
    int(Outcome.DONE),
    int(Outcome.REFUSED),
    int(Outcome.FAILED),
    int(Outcome.TIMED_OUT),
    int(Outcome.BUSY),
)
S_SOCKETS = int(Status.SOCKETS)
S_DONE, S_TASKS, S_MESSAGES, S_TRACKERS, S_ENTRIES, S_EVENTS, S_ACCOUNTS, S_LOCKED = (
    int(Status.DONE),
    int(Status.TASKS),
    int(Status.MESSAGES),
    int(Status.TRACKERS),
    int(Status.ENTRIES),
    int(Status.EVENTS),
    int(Status.ACCOUNTS),
    int(Status.LOCKED),
)
O_ANSWERED, O_STOPPED = int(Outcome.ANSWERED), int(Outcome.STOPPED)


LEAF_FLOW, LEAF_MACHINE, LEAF_RING, LEAF_USERS, LEAF_TERM, LEAF_CONNECTION = 0, 1, 2, 3, 4, 5
LEAF_CHANGE, LEAF_STREAM, LEAF_HEDGE, LEAF_SCALER = 6, 7, 8, 9
IN_PARTS = {
    LEAF_TERM: BOUNDED,
    LEAF_CONNECTION: CONNECTIONS,
    LEAF_CHANGE: FAULTS,
    LEAF_STREAM: FAULTS,
    LEAF_HEDGE: GUARDS,
    LEAF_SCALER: SCALING,
}
"""The parts that the events of these kinds of leaves concern."""


@inlined
def run_task(S, i):  # type: ignore[no-untyped-def]
    """Follows a task until it waits or ends; returns the time at which it goes on, or NEVER where something
    else wakes it.

    The steps that most requests take are here, and become a part of the loop in `advance`; the others are in
    `run_step`.
    """
    t = S.tasks[i]
    now = S.control[0].now
    pc = t.pc
    if t.abandoned and t.held == 0 and S.code[pc].op != ACQUIRE and S.code[pc].op != ENTER:
        if S.code[pc].op == AWAIT:
            call_part(S, BOUNDED, ABANDON, t.machine, -1)
        end_task(S, i)
        return NEVER
    passed = 0.0  # time on the wire or at work that has been decided but has not yet passed
    while True:
        step = S.code[pc]
        if step.sync and passed >= 0.5:
            t.pc = pc
            return now + np.int64(min(passed + 0.5, LONGEST))
        op = step.op
        if op == PICK:
            s = S.stations[step.a]
            if s.machines == 1:
                machine = s.first
            elif step.c == BY_POLICY and s.policy == ROUND_ROBIN:
                machine = s.first + s.turn
                s.turn = s.turn + 1 if s.turn + 1 < s.machines else 0
            else:
                machine = pick_machine(S, i, step)
            S.registers[i, step.b] = machine
            S.machines[machine].outstanding += 1
            pc += 1
        elif op == HOP:
            passed += wire(S, i, step)
            pc += 1
        elif op == ACQUIRE:
            machine = S.registers[i, step.b]
            m = S.machines[machine]
            s = S.stations[step.a]
            touch(S, np.int64(step.a))
            s.arrived += 1
            s.inside += 1
            if s.slots < 0 or m.busy < s.slots:
                admit(S, i, machine)
                pc += 1
            elif t.abandoned and t.held == 0:
                s.inside -= 1
                s.abandoned += 1
                m.outstanding -= 1
                end_task(S, i)
                return NEVER
            elif s.places >= 0 and m.queued >= s.places:
                s.inside -= 1
                s.refused += 1
                m.outstanding -= 1
                t.outcome = O_REFUSED
                pc = np.int64(step.fail)
            else:
                t.pc = pc
                join_queue(S, i, machine)
                return NEVER
        elif op == WORK:
            work = demand(S, i, step)
            pc += 1
            if step.c >= 0:
                bucket = bucket_of(S, np.int64(step.c), np.uint64(S.registers[i, step.d]))
                prefetch(S.entries, np.int64(S.buckets[bucket]))
            if S.stations[step.a].cores > 0:
                t.pc = pc
                start_work(S, S.registers[i, step.b], i, work)
                return NEVER
            passed += work
        elif op == RELEASE:
            release(S, i, S.registers[i, step.b])
            if t.abandoned and t.held == 0:
                end_task(S, i)
                return NEVER
            pc += 1
        elif op == COUNT:
            S.stations[step.a].arrived += 1
            S.stations[step.a].admitted += 1
            pc += 1
        elif op == KEY:
            if S.registers[i, step.a] < 0:
                key = key_of_population(S, np.int64(step.b), t.request + step.salt)
                S.registers[i, step.a] = key
                if step.c >= 0:
                    prefetch(S.buckets, bucket_of(S, np.int64(step.c), np.uint64(key)))
            pc += 1
        elif op == GET:
            S.registers[i, step.c] = get(
                S, np.int64(step.a), np.uint64(S.registers[i, step.b]), np.int64(step.d), step.y, step.x
            )
            pc += 1
        elif op == IF_FLAG:
            pc = pc + 1 if S.registers[i, step.b] > 0 else np.int64(step.a)
        elif op == SEND:
            send(S, i, np.int64(step.a), np.int64(step.b), step.salt)
            pc += 1
        elif op == END or op == FAIL:
            return end_request(S, i, np.int64(min(passed + 0.5, LONGEST)))
        elif op == JUMP:
            pc = np.int64(step.a)
        elif op == DONE or op == DIE:
            end_child(S, i)
            return NEVER
        elif op == DELAY:
            passed += demand(S, i, step)
            pc += 1
        elif op == RETRY:
            pc += 1
            if O_REFUSED <= t.outcome <= O_BUSY and S.registers[i, step.a] < step.b:
                passed += back_off(S, i, step)
                pc = np.int64(step.c)
        elif op == NOTE:
            note(S, i, step, passed)
            pc += 1
        else:
            pc = run_step(S, i, pc)
            if pc < 0:
                return NEVER


@inlined
def arrive(S, flow):  # type: ignore[no-untyped-def]
    """A request of a flow begins, and the next one's time is drawn."""
    f = S.flows[flow]
    c = S.control[0]
    salt = mix(c.seed ^ f.salt)
    i = start_request(S, flow, mix(salt + np.uint64(f.count) * GOLDEN))
    f.count += 1
    schedule(S, flow, next_arrival(S, flow))
    return i


@jit
def close_window(S):  # type: ignore[no-untyped-def]
    """The counts as they stand at the end of a window."""
    c = S.control[0]
    w = c.window
    end = c.window_ends
    c.now = end
    for k in range(c.n_stations):
        touch(S, k)
        S.snap_stations[w, k] = S.stations[k]
    for k in range(c.n_meters):
        S.snap_meters[w, k] = S.meters[k]
    for k in range(c.n_stores):
        S.snap_stores[w, k] = S.stores[k]
    for k in range(c.n_buffers):
        touch_buffer(S, k)
        S.snap_buffers[w, k] = S.buffers[k]
    for k in range(c.n_pools):
        touch_pool(S, k)
        S.snap_pools[w, k] = S.pools[k]
    for k in range(c.n_locks):
        touch_lock(S, k)
        S.snap_locks[w, k] = S.locks[k]
    for k in range(c.n_connections):
        if S.connections[k].members > 0:
            call_part(S, CONNECTIONS, WINDOW, k, -1)
        S.snap_connections[w, k] = S.connections[k]
    for k in range(c.n_retries):
        S.snap_retries[w, k] = S.retries[k]
    for k in range(c.n_guards):
        touch_guard(S, k)
        S.snap_guards[w, k] = S.guards[k]
    for k in range(c.n_flights):
        S.snap_flights[w, k] = S.flights[k]
    for k in range(c.n_scalers):
        if S.scalers[k].most > 0:
            call_part(S, SCALING, MACHINES, k, -1)
        S.snap_scalers[w, k] = S.scalers[k]
        S.scalers[k].top = S.scalers[k].serving
    for k in range(c.n_instances):
        if S.instances[k].room > 0:
            call_part(S, SCALING, INSTANCES, k, -1)
        S.snap_instances[w, k] = S.instances[k]
    for k in range(c.n_replicated):
        S.snap_replicated[w, k] = S.replicated[k]
    S.snap_live[w] = c.live + c.messages
    c.window = w + 1
    c.window_ends = end + c.window_length


@entry
def advance(S, windows):  # type: ignore[no-untyped-def]
    """Simulates until so many windows are full, or an array or a bound is; says which (`Status`)."""
    c = S.control[0]
    tasks = c.n_tasks
    while True:
        if c.live + c.margin >= tasks:
            return S_TASKS
        if c.messages + c.margin >= c.n_messages:
            return S_MESSAGES
        if c.trackers + c.margin >= c.n_trackers:
            return S_TRACKERS
        if 2 * (c.entries + c.touches) >= c.n_buckets:
            return S_ENTRIES
        if c.scarce:
            return S_ACCOUNTS
        if c.locked_keys + c.locked_margin > c.n_locked:
            return S_LOCKED
        if c.events >= c.budget:
            return S_EVENTS
        c.events += 1
        leaf = np.int64(-1)
        if c.ready_count > 0:
            i = S.ready[c.ready_head]
            c.ready_head = c.ready_head + 1 if c.ready_head + 1 < tasks else 0
            c.ready_count -= 1
        else:
            key = S.tree[1]
            time = key >> c.leaf_bits
            if time >= c.window_ends:
                close_window(S)
                if c.window >= windows:
                    return S_DONE
                continue
            c.now = time
            leaf = key & (c.leaves - 1)
            if leaf >= c.fixed:
                i = leaf - c.fixed
            else:
                which = S.leaves[leaf].which
                kind = S.leaves[leaf].kind
                if kind == LEAF_FLOW:
                    i = arrive(S, which)
                elif kind == LEAF_MACHINE:
                    i = end_work(S, which)
                elif kind == LEAF_USERS:
                    i = enter(S, which)
                elif kind == LEAF_RING:
                    time_out(S, which)
                    continue
                elif kind == LEAF_TERM:
                    call_part(S, BOUNDED, TERMS, which, -1)
                    continue
                elif kind == LEAF_CONNECTION:
                    if c.used_sockets + 1 >= c.n_sockets:  # it comes up again where there is room
                        c.events -= 1
                        return S_SOCKETS
                    call_part(S, CONNECTIONS, HAPPEN, which, -1)
                    continue
                elif kind == LEAF_HEDGE:
                    call_part(S, GUARDS, HEDGES, which, -1)
                    continue
                elif kind == LEAF_SCALER:
                    call_part(S, SCALING, WAKE, which, -1)
                    continue
                else:
                    if 2 * c.live + c.margin >= tasks:  # what is lost may go on in two parts
                        return S_TASKS
                    i = call_part(S, FAULTS, CHANGE if kind == LEAF_CHANGE else STREAM, leaf, which)
                    if i < 0:
                        continue
        time = run_task(S, i)
        if time != NEVER or leaf >= c.fixed:
            schedule(S, c.fixed + i, time)
