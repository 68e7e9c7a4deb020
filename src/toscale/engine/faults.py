"""What does a fault do to what is there? Machines go down and come back, are slow, fail; keys become hot.

A model with a timeline is compiled to instructions of its own (ROUTE in place of PICK, ENTER in place of
ACQUIRE, FAULTY, HOT); one without has none of them. The changes are rows in the order of their times, and one
leaf of the tree that stands at the next of them. A leaf comes up only when no task is ready: every task then
stands where its `pc` says.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.clocks import jump_clocks
from toscale.engine.connections import admit_connections, lose_connections
from toscale.engine.copies import lose_writes, stop_sending
from toscale.engine.crashes import lose
from toscale.engine.draws import GOLDEN, mix, unit
from toscale.engine.instances import lose_instances
from toscale.engine.jit import jit
from toscale.engine.machines import (
    BY_ANY,
    BY_BESIDE,
    BY_COPY,
    BY_NUMBER,
    BY_POLICY,
    BY_SHARD,
    RANDOM,
    ROUND_ROBIN,
    SHARD,
    TWO,
    admit,
    join_queue,
    pick_machine,
)
from toscale.engine.model import Outcome
from toscale.engine.scaling import BY_FAULT
from toscale.engine.state import Op
from toscale.engine.stores import remove_entry, shard_of
from toscale.engine.tasks import (
    end_task,
    start_request,
    touch,
)
from toscale.engine.timeline import What
from toscale.engine.tree import NEVER, schedule

_FAILED, _REFUSED = int(Outcome.FAILED), int(Outcome.REFUSED)
_ACQUIRE, _ENTER, _MARK = int(Op.ACQUIRE), int(Op.ENTER), int(Op.MARK)
DOWN, UP, OUT, IN, SLOW, ERRORS, LEAD, EMPTY, LOSS = (
    int(What.DOWN),
    int(What.UP),
    int(What.OUT),
    int(What.IN),
    int(What.SLOW),
    int(What.ERRORS),
    int(What.LEAD),
    int(What.EMPTY),
    int(What.LOSS),
)
VARYING = 1  # of `arrivals`, by number: a rate that changes
CLOCK = int(What.CLOCK)
_TRIES = 64


# ---- the instructions --------------------------------------------------------------------------------------------


@jit
def choose(S, i, step):  # type: ignore[no-untyped-def]
    """The machine that a call goes to, among those that are in the balancing; any, where none is.

    While all are in, it is the one that `pick_machine` would choose.
    """
    s = S.stations[step.a]
    if step.c == BY_BESIDE:
        return np.int64(pick_machine(S, i, step))
    if step.c != BY_POLICY:
        return choose_copy(S, i, step)
    n = s.shards * s.copies  # those in use, where their number follows the load
    if n == 1:
        return np.int64(s.first)
    if s.policy == ROUND_ROBIN:
        machine = np.int64(s.first)
        s.turn = s.turn if s.turn < n else 0
        for _ in range(n):
            machine = s.first + s.turn
            s.turn = s.turn + 1 if s.turn + 1 < n else 0
            if not S.conditions[machine].out:
                return machine
        return machine
    key = mix(S.tasks[i].key + step.salt)
    if s.policy == RANDOM:
        return draw_machine(S, step.a, key)
    if s.policy == TWO:
        one = draw_machine(S, step.a, key)
        other = mix(key + GOLDEN)
        k = np.int64(other % np.uint64(n - 1))
        second = s.first + k + (k >= one - s.first)
        if S.conditions[second].out:
            second = draw_machine(S, step.a, other)
        if S.machines[second].outstanding < S.machines[one].outstanding:
            return second
        return one
    start = np.int64(key % np.uint64(n))
    best = np.int64(-1)
    for j in range(n):
        m = s.first + (start + j if start + j < n else start + j - n)
        if not S.conditions[m].out and (best < 0 or S.machines[m].outstanding < S.machines[best].outstanding):
            best = m
    return best if best >= 0 else s.first + start


@jit
def draw_machine(S, station, key):  # type: ignore[no-untyped-def]
    """A machine that is in the balancing, each as likely: drawn again while it is out."""
    s = S.stations[station]
    n = np.uint64(s.shards * s.copies)
    machine = s.first + np.int64(key % n)
    tries = 0
    while S.conditions[machine].out and tries < _TRIES:
        key = mix(key + GOLDEN + GOLDEN)
        machine = s.first + np.int64(key % n)
        tries += 1
    tries = 0
    while S.conditions[machine].out and tries < s.shards * s.copies:  # hardly any is left: the next one
        machine = machine + 1 if machine + 1 < s.first + s.shards * s.copies else np.int64(s.first)
        tries += 1
    return machine


@jit
def choose_copy(S, i, step):  # type: ignore[no-untyped-def]
    """The machine of a key's shard: the one that takes the writes, or one of the others that are in, in turn."""
    s = S.stations[step.a]
    turning = 0
    if step.c == BY_SHARD:
        shard = S.registers[i, SHARD]
        turning = step.d
    elif step.d >= 0:
        shard = shard_of(np.uint64(S.registers[i, step.d]), s.shards)
    else:
        shard = np.int64(mix(S.tasks[i].key + step.salt) % np.uint64(s.shards))
    base = s.first + shard * s.copies
    lead = S.conditions[base].lead
    if step.c == BY_NUMBER:
        return base + (lead + np.int64(step.x)) % s.copies
    if s.copies > 1 and (step.c == BY_COPY or step.c == BY_ANY or turning > 0):
        skip = 1 if step.c == BY_COPY or turning == BY_COPY else 0
        s.turn = s.turn + 1 if s.turn + 1 < s.machines else 0
        begin = s.turn % (s.copies - skip)
        for j in range(s.copies - skip):
            machine = base + (lead + skip + (begin + j) % (s.copies - skip)) % s.copies
            if not S.conditions[machine].out:
                return machine
    return base + lead


@jit
def enter_or_fail(S, i, pc):  # type: ignore[no-untyped-def]
    """A call arrives at a machine that may be down: it gets a slot, waits for one, or fails. Returns where the
    task goes on; -1 where it waits or is gone.
    """
    t = S.tasks[i]
    step = S.code[pc]
    machine = S.registers[i, step.b]
    m = S.machines[machine]
    s = S.stations[step.a]
    touch(S, np.int64(step.a))
    s.arrived += 1
    unheard = t.abandoned and t.held == 0
    if S.conditions[machine].down:
        S.losses[step.a] += 1
        m.outstanding -= 1
        if unheard:
            end_task(S, i)
            return np.int64(-1)
        t.outcome = _FAILED
        return np.int64(step.fail)
    if s.slots < 0 or m.busy < s.slots:
        s.inside += 1
        admit(S, i, machine)
        return pc + 1
    if unheard:
        s.abandoned += 1
        m.outstanding -= 1
        end_task(S, i)
        return np.int64(-1)
    if s.places >= 0 and m.queued >= s.places:
        s.refused += 1
        m.outstanding -= 1
        t.outcome = _REFUSED
        return np.int64(step.fail)
    s.inside += 1
    t.pc = pc
    join_queue(S, i, machine)
    return np.int64(-1)


@jit
def faulty(S, i, step):  # type: ignore[no-untyped-def]
    """Whether the work on this machine ends in an error."""
    errors = S.conditions[S.registers[i, step.b]].errors
    if errors > 0.0 and unit(mix(S.tasks[i].key + step.salt)) < errors:
        S.tasks[i].outcome = _FAILED
        return True
    return False


@jit
def hot(S, i, step):  # type: ignore[no-untyped-def]
    """A key has been drawn: the one that was given to this request, or the hot one, may take its place."""
    if step.b >= 0 and S.registers[i, step.b] >= 0:
        S.registers[i, step.a] = S.registers[i, step.b]
    elif step.c >= 0:
        h = S.hots[step.c]
        now = S.control[0].now
        if h.begins <= now < h.ends and unit(mix(S.tasks[i].request + step.salt)) < h.share:
            S.registers[i, step.a] = h.key


# ---- the timeline ------------------------------------------------------------------------------------------------


@jit
def change_or_arrive(S, leaf, change, which):  # type: ignore[no-untyped-def]
    """The next changes, or the next request of a stream. Returns the task that begins, or -1."""
    if change:
        make_changes(S, leaf)
        return np.int64(-1)
    return arrive_beside(S, which)


@jit
def make_changes(S, leaf):  # type: ignore[no-untyped-def]
    """All changes that are due now; the leaf's `which` is the first of those that are not yet made."""
    c = S.control[0]
    k = S.leaves[leaf].which
    losing = False
    jumping = False
    while k < c.n_changes and S.changes[k].time <= c.now:
        row = S.changes[k]
        if row.what == EMPTY:
            empty(S, row.which)
        elif row.what == LOSS:
            S.links[row.which].loss = row.value
            S.links[row.which].until = row.until
        elif row.what == CLOCK:
            S.conditions[row.which].jump += np.int64(row.value)
            jumping = True
        elif row.what > LOSS:
            S.numbers[row.which].value = row.value
        else:
            losing = change_machine(S, row.which, row.what, row.value) or losing
        k += 1
    S.leaves[leaf].which = k
    schedule(S, leaf, S.changes[k].time if k < c.n_changes else NEVER)
    if jumping:
        jump_clocks(S)
    if losing:
        lose(S)


@jit
def change_machine(S, machine, what, value):  # type: ignore[no-untyped-def]
    """One machine's condition; returns whether it has just gone down."""
    condition = S.conditions[machine]
    if what == DOWN:
        if condition.down:
            return False
        condition.down = 1
        condition.dying = 1
        lose_instances(S, S.machines[machine].station)
        stop_sending(S, machine)
        lose_connections(S, machine, np.int64(0))
        admit_connections(S, machine, condition.out, condition.down)
        return True
    if what == UP:
        condition.down = 0
    elif what == OUT:
        condition.out |= BY_FAULT
    elif what == IN:
        condition.out &= ~BY_FAULT
    elif what == SLOW:
        condition.slow = value
    elif what == ERRORS:
        condition.errors = value
    else:
        lose_writes(S, machine, np.int64(value))
        condition.lead = np.int64(value)
    admit_connections(S, machine, condition.out, condition.down)
    return False


@jit
def empty(S, shard):  # type: ignore[no-untyped-def]
    """Forgets what a shard of a store holds, and what was there before the run."""
    S.emptied[shard] = 1
    for e in range(S.control[0].entries):
        row = S.entries[e]
        if row.store >= 0 and row.shard == shard:
            if S.stores[row.store].lists:
                remove_entry(S, e)
            else:
                row.present = 0


@jit
def arrive_beside(S, k):  # type: ignore[no-untyped-def]
    """The next request of a stream, and the time of the one after it; -1 where there is none.

    Where the flow's own rate varies, the stream comes at its highest and is thinned to what it is at the moment.
    """
    row = S.streams[k]
    c = S.control[0]
    key = mix(row.salt + np.uint64(row.count) * GOLDEN)
    begins = row.times > 0
    if row.times > 0:
        row.times -= 1
        schedule(S, row.leaf, c.now if row.times > 0 else NEVER)
    else:
        begins = row.count > 0 and unit(mix(key + GOLDEN)) < rate_now(S, row.flow) / top_rate(S, row.flow)
        row.clock += -np.log(unit(key)) / (row.factor * top_rate(S, row.flow))
        at = row.begins + np.int64(min(row.clock, 4.0e18))
        schedule(S, row.leaf, at if at < row.ends else NEVER)
    row.count += 1
    if not begins:
        return np.int64(-1)
    i = start_request(S, row.flow, mix(key + row.salt))
    for p in range(row.presets):
        preset = S.presets[row.first + p]
        S.registers[i, preset.register] = preset.key
    return i


@jit
def top_rate(S, flow):  # type: ignore[no-untyped-def]
    """The highest rate of a flow, per tick."""
    f = S.flows[flow]
    if f.kind != VARYING:
        return f.rate
    top = 0.0
    for k in range(f.points):
        top = max(top, S.points[f.first + k, 1])
    return top


@jit
def rate_now(S, flow):  # type: ignore[no-untyped-def]
    """The rate of a flow at this moment, per tick."""
    f = S.flows[flow]
    if f.kind != VARYING:
        return f.rate
    now = S.control[0].now
    k = f.first
    while k < f.first + f.points - 1 and S.points[k + 1, 0] <= now:
        k += 1
    if k == f.first + f.points - 1:
        return S.points[k, 1]
    part = (now - S.points[k, 0]) / (S.points[k + 1, 0] - S.points[k, 0])
    return S.points[k, 1] + part * (S.points[k + 1, 1] - S.points[k, 1])


# ---- machines that go down ---------------------------------------------------------------------------------------
