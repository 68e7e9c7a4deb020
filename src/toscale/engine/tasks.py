"""A task is a request, or a part of one, that is on its way: how it begins, waits for its parts, is given up,
and ends.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, draw_law, mix, unit
from toscale.engine.jit import inlined, jit
from toscale.engine.locked import leave_locked, touch_lock
from toscale.engine.model import Outcome
from toscale.engine.state import BITS, CELL_COUNT, Op
from toscale.engine.tree import schedule

LAST_FIRST, BY_PRIORITY = 1, 2
"""Numbers of the disciplines in the tables; 0: in the order of arrival."""

GOING, QUEUED, JOINING, LINED, WAITING, ALOFT, GATHERING = 0, 1, 2, 3, 4, 5, 6
"""What a task is doing: on its way, waiting for a slot, for its children, standing in line, waiting for a lock, for a
flight to end, for enough of its children, of whom the others then go on by themselves.
"""

_DONE, _ANSWERED, _STOPPED, _TIMED_OUT, _ENDED = (
    int(Outcome.DONE),
    int(Outcome.ANSWERED),
    int(Outcome.STOPPED),
    int(Outcome.TIMED_OUT),
    int(Outcome.ENDED),
)
_BUSY, _HEDGE = int(Outcome.BUSY), int(Op.HEDGE)
_CELLS_PER_OCTAVE = 1 << BITS
_ONE = np.uint64(1)


# ---- figures -----------------------------------------------------------------------------------------------------


@jit
def cell(ticks):  # type: ignore[no-untyped-def]
    """The histogram's cell of a time: exact below 2 ** BITS ticks, log-linear above."""
    if ticks < _CELLS_PER_OCTAVE:
        return max(ticks, 0)
    top = np.int64(0)
    rest = ticks
    if rest >> 32:
        rest >>= 32
        top += 32
    if rest >> 16:
        rest >>= 16
        top += 16
    if rest >> 8:
        rest >>= 8
        top += 8
    if rest >> 4:
        rest >>= 4
        top += 4
    if rest >> 2:
        rest >>= 2
        top += 2
    if rest >> 1:
        top += 1
    return min(((top - BITS) << BITS) + (ticks >> (top - BITS)), CELL_COUNT - 1)


@jit
def record(S, meter, ticks):  # type: ignore[no-untyped-def]
    """One more request of this meter was answered, after so long."""
    m = S.meters[meter]
    m.done += 1
    m.total += ticks
    if ticks > m.longest:
        m.longest = ticks
    S.histogram[S.control[0].window, meter, cell(ticks)] += 1


@jit
def touch(S, station):  # type: ignore[no-untyped-def]
    """Brings a station's integrals over time up to now; to be called before any of its counts changes."""
    s = S.stations[station]
    now = S.control[0].now
    passed = now - s.touched
    if passed > 0:
        s.waiting_time += passed * s.waiting
        s.busy_time += passed * s.busy
        s.working_time += passed * s.working
        s.inside_time += passed * s.inside
        s.touched = now


# ---- beginning ---------------------------------------------------------------------------------------------------


@jit
def ready(S, i):  # type: ignore[no-untyped-def]
    """The task goes on now, after those that are already ready."""
    c = S.control[0]
    size = c.n_tasks
    at = c.ready_head + c.ready_count
    S.ready[at if at < size else at - size] = i
    c.ready_count += 1


@jit
def new_task(S, flow, pc):  # type: ignore[no-untyped-def]
    """A task at the start of `pc`, not yet ready; its registers are not set."""
    c = S.control[0]
    i = c.free
    t = S.tasks[i]
    c.free = t.ahead
    c.live += 1
    t.pc = pc
    t.state = GOING
    t.flow = flow
    t.start = c.now
    return i


@jit
def spawn(S, parent, pc, salt, k, attached):  # type: ignore[no-untyped-def]
    """A child that inherits its parent's registers; `k` distinguishes passes and attempts."""
    p = S.tasks[parent]
    i = new_task(S, p.flow, pc)
    t = S.tasks[i]
    t.key = mix(p.key + salt + np.uint64(k) * GOLDEN)
    t.request = p.request
    for r in range(S.control[0].n_registers):
        S.registers[i, r] = S.registers[parent, r]
    if p.tracker >= 0:
        t.tracker = p.tracker
        S.trackers[p.tracker].pending += 1
    if attached:
        t.parent = parent
        t.elder = p.child
        if p.child >= 0:
            S.tasks[p.child].younger = i
        p.child = i
        p.pending += 1
    ready(S, i)
    return i


@jit
def start_pass(S, parent):  # type: ignore[no-untyped-def]
    """The next pass of the parent's EACH."""
    p = S.tasks[parent]
    step = S.code[p.each_pc]
    k = p.each_next
    p.each_next = k + 1
    i = spawn(S, parent, np.int64(step.a), step.salt, k + 1, True)
    S.tasks[i].request = mix(p.request + step.salt + np.uint64(k + 1) * GOLDEN)
    mask = step.mask
    for r in range(64):
        if mask >> np.uint64(r) == np.uint64(0):
            break
        if (mask >> np.uint64(r)) & _ONE == _ONE:
            S.registers[i, r] = -1
    if step.b >= 0:
        S.registers[i, step.b] = min(step.d, p.each_things - k * step.d)


@inlined
def track(S, i, flow):  # type: ignore[no-untyped-def]
    """The request that the task begins is followed to the last that it causes."""
    c = S.control[0]
    tracker = c.free_tracker
    k = S.trackers[tracker]
    c.free_tracker = k.pending
    c.trackers += 1
    k.start = c.now
    k.pending = 1
    k.flow = flow
    for column in range(S.control[0].n_lasts):
        S.lasts[tracker, column] = -1
    S.tasks[i].tracker = tracker


@inlined
def start_request(S, flow, request):  # type: ignore[no-untyped-def]
    """The first task of a request of a flow, counted as started; not yet ready."""
    f = S.flows[flow]
    i = new_task(S, flow, f.entry)
    t = S.tasks[i]
    t.root = 1
    t.request = request
    t.key = mix(request + GOLDEN)
    for r in range(S.control[0].n_registers):
        S.registers[i, r] = -1
    S.meters[flow].started += 1
    if f.spans:
        track(S, i, flow)
    return i


# ---- followed to the last that it causes ---------------------------------------------------------------------------


@jit
def caused(S, tracker, flow):  # type: ignore[no-untyped-def]
    """A request of `flow`, caused by the tracked one, has ended well."""
    k = S.trackers[tracker]
    for s in range(S.control[0].n_spans):
        span = S.spans[s]
        if span.first == k.flow and span.last == flow:
            S.lasts[tracker, span.column] = S.control[0].now


@jit
def untrack(S, tracker):  # type: ignore[no-untyped-def]
    """One thing less that the tracked request has caused and that goes on; after the last, its spans are
    known.
    """
    k = S.trackers[tracker]
    k.pending -= 1
    if k.pending > 0:
        return
    for s in range(S.control[0].n_spans):
        span = S.spans[s]
        if span.first == k.flow:
            last = S.lasts[tracker, span.column]
            if last >= 0:
                S.meters[span.meter].started += 1
                record(S, span.meter, last - k.start)
    c = S.control[0]
    k.pending = c.free_tracker
    c.free_tracker = tracker
    c.trackers -= 1


# ---- ending --------------------------------------------------------------------------------------------------------


@jit
def unlink(S, i):  # type: ignore[no-untyped-def]
    """Takes a task out of its parent's children."""
    t = S.tasks[i]
    if t.younger >= 0:
        S.tasks[t.younger].elder = t.elder
    else:
        S.tasks[t.parent].child = t.elder
    if t.elder >= 0:
        S.tasks[t.elder].younger = t.younger
    t.parent = -1
    t.elder = -1
    t.younger = -1


@jit
def end_task(S, i):  # type: ignore[no-untyped-def]
    """The task is gone; its number will be used again."""
    t = S.tasks[i]
    if t.tracker >= 0:
        untrack(S, t.tracker)
        t.tracker = -1
    c = S.control[0]
    t.pc = -1
    t.root = 0
    t.abandoned = 0
    t.hands_back = 0
    t.outcome = _DONE
    t.each_pc = -1
    t.ahead = c.free
    c.free = i
    c.live -= 1


@jit
def leave_queue(S, i):  # type: ignore[no-untyped-def]
    """Takes a task that waits for a slot out of its queue."""
    t = S.tasks[i]
    m = S.machines[t.machine]
    if S.stations[m.station].discipline == BY_PRIORITY:
        own = S.flows[t.flow].priority
        if S.lasts_by_class[t.machine, own] == i:
            alike = t.ahead >= 0 and S.flows[S.tasks[t.ahead].flow].priority == own
            S.lasts_by_class[t.machine, own] = t.ahead if alike else -1
    if t.ahead >= 0:
        S.tasks[t.ahead].behind = t.behind
    else:
        m.head = t.behind
    if t.behind >= 0:
        S.tasks[t.behind].ahead = t.ahead
    else:
        m.tail = t.ahead
    m.queued -= 1
    t.ahead = -1
    t.behind = -1


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


@jit
def unring(S, i):  # type: ignore[no-untyped-def]
    """Takes a task's time-out out of its ring; the ring's leaf is corrected when it comes up."""
    t = S.tasks[i]
    r = S.rings[t.ring]
    if t.sooner >= 0:
        S.tasks[t.sooner].later = t.later
    else:
        r.head = t.later
    if t.later >= 0:
        S.tasks[t.later].sooner = t.sooner
    else:
        r.tail = t.sooner
    t.ring = -1


@jit
def give_up(S, parent):  # type: ignore[no-untyped-def]
    """The parent no longer waits: children that hold nothing and only wait are removed, the others go on
    unheard.

    Works down the tree of children without recursion: a child that only waits for its own children is given
    up with them.
    """
    p = parent
    while True:
        i = S.tasks[p].child
        if i < 0:
            if p == parent:
                return
            above = S.tasks[p].parent
            if S.tasks[p].ring >= 0:
                unring(S, p)
            unlink(S, p)
            end_task(S, p)
            p = above
            continue
        t = S.tasks[i]
        S.tasks[p].pending -= 1
        if t.held == 0 and t.state == JOINING:
            p = i  # its children first, then itself
            continue
        unlink(S, i)
        t.abandoned = 1
        if t.held == 0 and t.state == QUEUED:
            m = S.machines[t.machine]
            touch(S, m.station)
            s = S.stations[m.station]
            s.waiting -= 1
            s.inside -= 1
            s.abandoned += 1
            m.outstanding -= 1
            leave_queue(S, i)
            end_task(S, i)
        elif t.held == 0 and t.state == LINED:  # it leaves the line in its own turn, at this moment
            S.leases[t.machine].task = -1
            t.state = GOING
            ready(S, i)
        elif t.state == WAITING:
            give_up_lock(S, i)


@jit
def give_up_lock(S, i):  # type: ignore[no-untyped-def]
    """Nobody waits any more for a task that only waits for a lock: it leaves the queue, and gives back what it
    holds.
    """
    t = S.tasks[i]
    stop_waiting_for_lock(S, i)
    if t.held == 0:
        end_task(S, i)
        return
    t.state = GOING
    t.outcome = _ENDED  # which no handler takes for its own
    t.pc = np.int64(S.code[t.pc].fail)
    ready(S, i)


@jit
def stop_waiting_for_lock(S, i):  # type: ignore[no-untyped-def]
    """Takes a task out of the queue for the lock that it waits for."""
    lock = np.int64(S.locked[S.tasks[i].machine].lock)
    touch_lock(S, lock)
    S.locks[lock].waiting -= 1
    S.locks[lock].abandoned += 1
    leave_locked(S, i)


@jit
def let_go(S, parent):  # type: ignore[no-untyped-def]
    """The parent no longer waits; its children go on by themselves, and nobody hears of them.

    They know whose they were (`elder`): a copy's write that ends at this very moment still tells it.
    """
    p = S.tasks[parent]
    while p.child >= 0:
        i = np.int64(p.child)
        unlink(S, i)
        S.tasks[i].elder = parent
        p.pending -= 1


@jit
def resume(S, i, outcome):  # type: ignore[no-untyped-def]
    """A task that waited for its children goes on, at the next step or at its step's way out."""
    t = S.tasks[i]
    if t.ring >= 0:
        unring(S, i)
    t.state = GOING
    t.each_pc = -1
    t.outcome = outcome
    t.pc = t.pc + 1 if outcome == _DONE else np.int64(S.code[t.pc].fail)
    ready(S, i)


@jit
def end_child(S, i):  # type: ignore[no-untyped-def]
    """A child ends with its outcome and tells its parent, if that still listens."""
    t = S.tasks[i]
    parent = t.parent
    outcome = np.int64(t.outcome)
    if parent >= 0:
        unlink(S, i)
        p = S.tasks[parent]
        p.pending -= 1
        if outcome == _DONE:
            p.done += 1
            if t.hands_back:
                for r in range(S.control[0].n_registers):
                    S.registers[parent, r] = S.registers[i, r]
        else:
            p.failed += 1
        if p.state == JOINING:
            if outcome == _DONE and p.each_pc >= 0 and p.each_next < p.total:
                start_pass(S, parent)
            elif p.done >= p.need:
                give_up(S, parent)
                resume(S, parent, _DONE)
            elif p.failed > p.total - p.need or (outcome > _BUSY and S.code[p.pc].op == _HEDGE):
                give_up(S, parent)
                resume(S, parent, outcome)
        elif p.state == GATHERING:
            if p.done >= p.need:
                let_go(S, parent)
                resume(S, parent, _DONE)
            elif p.failed > p.total - p.need:
                let_go(S, parent)
                resume(S, parent, outcome)
    else:
        t.elder = -1
    end_task(S, i)


@jit
def time_out(S, ring):  # type: ignore[no-untyped-def]
    """The first time-out of a ring is due, unless it was called off meanwhile."""
    r = S.rings[ring]
    now = S.control[0].now
    while r.head >= 0 and S.tasks[r.head].deadline <= now:
        i = r.head
        give_up(S, i)
        resume(S, i, _TIMED_OUT)
    schedule(S, r.leaf, S.tasks[r.head].deadline if r.head >= 0 else np.int64(2**63 - 1))
    r.set = 1 if r.head >= 0 else 0


@jit
def follow(S, i):  # type: ignore[no-untyped-def]
    """Starts the requests of other flows that this one, ended well, is followed by."""
    t = S.tasks[i]
    for a in range(S.control[0].n_after):
        rule = S.after[a]
        if rule.flow != t.flow:
            continue
        key = mix(t.key + rule.salt)
        if unit(key) >= rule.chance:
            continue
        j = start_request(S, rule.then, mix(t.request + rule.salt))
        u = S.tasks[j]
        for r in range(64):
            if (rule.mask >> np.uint64(r)) & _ONE == _ONE:
                S.registers[j, r] = S.registers[i, r]
        if t.tracker >= 0:
            if u.tracker >= 0:
                untrack_unused(S, u.tracker)
            u.tracker = t.tracker
            S.trackers[t.tracker].pending += 1
        wait = np.int64(0)
        if rule.law >= 0:
            wait = np.int64(draw_law(S, rule.law, unit(mix(key + GOLDEN))))
        u.start = S.control[0].now + wait
        schedule(S, S.control[0].fixed + j, u.start)


@jit
def untrack_unused(S, tracker):  # type: ignore[no-untyped-def]
    """Gives back a tracker that has followed nothing yet."""
    c = S.control[0]
    S.trackers[tracker].pending = c.free_tracker
    c.free_tracker = tracker
    c.trackers -= 1
