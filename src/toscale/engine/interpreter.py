"""The simulator's loop: take what happens next, follow the task it concerns until that must wait, again.

Reads the model's code and tables (`toscale.engine.compiler` writes them) and keeps the run's state in the
arrays of `toscale.engine.state`. To add an instruction: name it in `Op`, emit it in `compiler`, add its
branch in `run_step`.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.arrivals import LONGEST, next_arrival
from toscale.engine.cores import end_work, start_work
from toscale.engine.draws import GOLDEN, draw_index, mix, number, unit
from toscale.engine.jit import inlined, jit, prefetch
from toscale.engine.machines import (
    BY_POLICY,
    PART,
    ROUND_ROBIN,
    SHARD,
    admit,
    demand,
    join_queue,
    pick_machine,
    release,
    wire,
)
from toscale.engine.messages import end_request, send, take_batch, touch_buffer
from toscale.engine.model import Outcome
from toscale.engine.notes import note
from toscale.engine.state import Op, Status
from toscale.engine.stores import FRESH, INDEX, bucket_of, drop, get, put, shard_of
from toscale.engine.tasks import (
    JOINING,
    end_child,
    end_task,
    record,
    spawn,
    start_pass,
    start_request,
    time_out,
    touch,
)
from toscale.engine.tree import NEVER, schedule

JUMP, PICK, HOP, ACQUIRE, WORK, RELEASE = (
    int(Op.JUMP),
    int(Op.PICK),
    int(Op.HOP),
    int(Op.ACQUIRE),
    int(Op.WORK),
    int(Op.RELEASE),
)
COUNT, DELAY, KEY, NEWKEY, GET, PUT, DROP = (
    int(Op.COUNT),
    int(Op.DELAY),
    int(Op.KEY),
    int(Op.NEWKEY),
    int(Op.GET),
    int(Op.PUT),
    int(Op.DROP),
)
SCATTER, MGET, MPUT, SEND, CALL, RETRY = (
    int(Op.SCATTER),
    int(Op.MGET),
    int(Op.MPUT),
    int(Op.SEND),
    int(Op.CALL),
    int(Op.RETRY),
)
HANDLE, SPAWN, FORK, JOIN, EACH = int(Op.HANDLE), int(Op.SPAWN), int(Op.FORK), int(Op.JOIN), int(Op.EACH)
IF_CHANCE, IF_FLAG, IF_COMPARE, SET, RAISE = (
    int(Op.IF_CHANCE),
    int(Op.IF_FLAG),
    int(Op.IF_COMPARE),
    int(Op.SET),
    int(Op.RAISE),
)
MARK, UNMARK, MARKFAIL, TAKE, DONE, DIE, END, FAIL = (
    int(Op.MARK),
    int(Op.UNMARK),
    int(Op.MARKFAIL),
    int(Op.TAKE),
    int(Op.DONE),
    int(Op.DIE),
    int(Op.END),
    int(Op.FAIL),
)
NOTE = int(Op.NOTE)

O_DONE, O_REFUSED, O_FAILED, O_TIMED_OUT, O_BUSY = (
    int(Outcome.DONE),
    int(Outcome.REFUSED),
    int(Outcome.FAILED),
    int(Outcome.TIMED_OUT),
    int(Outcome.BUSY),
)
S_DONE, S_TASKS, S_MESSAGES, S_TRACKERS, S_ENTRIES, S_EVENTS = (
    int(Status.DONE),
    int(Status.TASKS),
    int(Status.MESSAGES),
    int(Status.TRACKERS),
    int(Status.ENTRIES),
    int(Status.EVENTS),
)
O_ANSWERED, O_STOPPED = int(Outcome.ANSWERED), int(Outcome.STOPPED)

LEAF_FLOW, LEAF_MACHINE, LEAF_RING = 0, 1, 2


@jit
def key_of_population(S, population, seed):  # type: ignore[no-untyped-def]
    """A key, drawn by its popularity."""
    return S.populations[population].tag + draw_index(S, population, unit(mix(seed)))


@jit
def scatter(S, i, step):  # type: ignore[no-untyped-def]
    """Splits a call for several keys over the shards that have them: one child for each. Returns how many
    children.
    """
    t = S.tasks[i]
    s = S.stations[step.law]
    pop = np.int64(step.b)
    if step.c >= 0:
        n = S.registers[i, step.c]
    else:
        wanted = number(S, i, np.int64(step.num))
        n = np.int64(min(max(wanted, 0.0), step.x))
        if wanted > step.x:
            S.control[0].lost_passes += 1
    if step.d >= 0:
        S.registers[i, step.d] = n
    base = mix(t.request + step.salt)
    shards = 0
    for j in range(n):
        if step.c >= 0:
            key = S.registers[i, step.c + 1 + j]
        else:
            seed = base + np.uint64(j) * GOLDEN
            if step.y > 0.0:
                key = S.populations[pop].tag + np.int64((mix(seed) & INDEX) | FRESH)
            else:
                key = key_of_population(S, pop, seed)
            if step.d >= 0:
                S.registers[i, step.d + 1 + j] = key
        shard = shard_of(np.uint64(key), s.shards)
        if S.counts[shard] == 0:
            S.distinct[shards] = shard
            shards += 1
        S.counts[shard] += 1
    for k in range(shards):
        shard = S.distinct[k]
        j = spawn(S, i, np.int64(step.a), step.salt, shard + 1, True)
        S.registers[j, SHARD] = shard
        S.registers[j, PART] = S.counts[shard]
        S.counts[shard] = 0
    return shards


@jit
def wait_for_children(S, i, pc, total, need):  # type: ignore[no-untyped-def]
    """The task waits until `need` of `total` children have ended well, or no longer can."""
    t = S.tasks[i]
    t.pc = pc
    t.state = JOINING
    t.done = 0
    t.failed = 0
    t.total = total
    t.need = need


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
    if t.abandoned and t.held == 0 and S.code[pc].op != ACQUIRE:
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


@jit
def back_off(S, i, step):  # type: ignore[no-untyped-def]
    """The wait before the next attempt, which is counted here."""
    t = S.tasks[i]
    attempt = S.registers[i, step.a] + 1
    S.registers[i, step.a] = attempt
    t.outcome = O_DONE
    vary = 1.0 + step.z * (2.0 * unit(mix(t.key + step.salt + np.uint64(attempt) * GOLDEN)) - 1.0)
    return step.x * step.y ** (attempt - 1) * vary


@jit
def run_step(S, i, pc):  # type: ignore[no-untyped-def]
    """One of the less frequent steps; returns where the task goes on, or -1 where it waits for its children."""
    t = S.tasks[i]
    now = S.control[0].now
    step = S.code[pc]
    op = step.op
    if op == PUT:
        put(S, np.int64(step.a), np.uint64(S.registers[i, step.b]), step.x)
    elif op == CALL:
        wait_for_children(S, i, pc, 1, 1)
        j = spawn(S, i, np.int64(step.a), step.salt, S.registers[i, step.c], True)
        S.tasks[j].hands_back = 1
        if step.b >= 0:
            set_time_out(S, i, np.int64(step.b))
        return np.int64(-1)
    elif op == NEWKEY:
        key = np.int64((mix(t.request + step.salt) & INDEX) | FRESH)
        S.registers[i, step.a] = S.populations[step.b].tag + key
    elif op == HANDLE:
        target = np.int64(-1)
        if t.outcome == O_REFUSED:
            target = np.int64(step.a)
        elif t.outcome == O_FAILED:
            target = np.int64(step.b)
        elif t.outcome == O_TIMED_OUT:
            target = np.int64(step.c)
        elif t.outcome == O_BUSY:
            target = np.int64(step.d)
        if target < 0:
            return np.int64(step.fail)
        t.outcome = O_DONE
        return target
    elif op == TAKE:
        take_batch(S, i)
    elif op == IF_CHANCE:
        if unit(mix(t.key + step.salt)) >= step.x:
            return np.int64(step.a)
    elif op == IF_COMPARE:
        left = number(S, i, np.int64(step.b))
        if not compare(left, step.c, number(S, i, np.int64(step.d))):
            return np.int64(step.a)
    elif op == SET:
        S.registers[i, step.a] = step.b
    elif op == RAISE:
        t.outcome = step.a
        return np.int64(step.fail)
    elif op == MARK:
        S.registers[i, step.b] = now
        S.meters[step.a].started += 1
    elif op == UNMARK:
        record(S, np.int64(step.a), now - S.registers[i, step.b])
    elif op == MARKFAIL:
        if t.outcome == O_ANSWERED or t.outcome == O_STOPPED:
            record(S, np.int64(step.a), now - S.registers[i, step.b])
        else:
            S.meters[step.a].causes[t.outcome] += 1
        return np.int64(step.fail)
    elif op == DROP:
        drop(S, np.int64(step.a), np.uint64(S.registers[i, step.b]))
    elif op == SPAWN:
        spawn(S, i, np.int64(step.a), step.salt, np.int64(step.b), True)
    elif op == FORK:
        spawn(S, i, np.int64(step.a), step.salt, np.int64(0), False)
    elif op == JOIN:
        wait_for_children(S, i, pc, np.int64(t.pending), np.int64(step.a))
        return np.int64(-1)
    elif op == EACH:
        things = np.int64(min(max(number(S, i, np.int64(step.num)), 0.0), 1e9))
        passes = (things + step.d - 1) // step.d
        if passes > 0:
            t.each_pc = pc
            t.each_next = 0
            t.each_things = things
            wait_for_children(S, i, pc, passes, passes)
            for _ in range(min(passes, step.c)):
                start_pass(S, i)
            return np.int64(-1)
    elif op == SCATTER:
        children = scatter(S, i, step)
        if children > 0:
            wait_for_children(S, i, pc, children, children)
            return np.int64(-1)
    elif op == MGET:
        get_many(S, i, step)
    else:  # MPUT
        for j in range(S.registers[i, step.b]):
            put(S, np.int64(step.a), np.uint64(S.registers[i, step.b + 1 + j]), step.x)
    return pc + 1


@jit
def get_many(S, i, step):  # type: ignore[no-untyped-def]
    """Looks up each key of a list; those that missed form a list of their own."""
    missed = 0
    for j in range(S.registers[i, step.b]):
        key = S.registers[i, step.b + 1 + j]
        if get(S, np.int64(step.a), np.uint64(key), np.int64(step.law), step.y, step.x) == 0:
            if step.d >= 0:
                S.registers[i, step.d + 1 + missed] = key
            missed += 1
    if step.d >= 0:
        S.registers[i, step.d] = missed
    if step.c >= 0:
        S.registers[i, step.c] = 1 if missed == 0 else 0


@jit
def compare(left, operator, right):  # type: ignore[no-untyped-def]
    """By the number of the operator in `tables.OPERATORS`."""
    if operator == 0:
        return left < right
    if operator == 1:
        return left <= right
    if operator == 2:
        return left > right
    if operator == 3:
        return left >= right
    if operator == 4:
        return left == right
    return left != right


@jit
def set_time_out(S, i, ring):  # type: ignore[no-untyped-def]
    """Time-outs of one length come due in the order in which they were set: a queue, of which only the head
    is in the tree.
    """
    r = S.rings[ring]
    t = S.tasks[i]
    t.ring = ring
    t.deadline = S.control[0].now + r.length
    t.later = -1
    t.sooner = r.tail
    if r.tail >= 0:
        S.tasks[r.tail].later = i
    else:
        r.head = i
    r.tail = i
    if not r.set:
        r.set = 1
        schedule(S, r.leaf, t.deadline)


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
    S.snap_live[w] = c.live + c.messages
    c.window = w + 1
    c.window_ends = end + c.window_length


@jit
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
                else:
                    time_out(S, which)
                    continue
        time = run_task(S, i)
        if time != NEVER or leaf >= c.fixed:
            schedule(S, c.fixed + i, time)
