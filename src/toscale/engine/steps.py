"""What do the less frequent instructions do? One branch each, most of them a call of where it belongs."""

from __future__ import annotations

import numpy as np

from toscale.engine.bounded import bounded_step
from toscale.engine.connections import meet_holder
from toscale.engine.copies import commit, copied, look_at_version
from toscale.engine.draws import GOLDEN, draw_index, mix, number, unit
from toscale.engine.faults import choose, enter_or_fail, faulty, hot
from toscale.engine.flights import join_flight, land
from toscale.engine.guards import deposit, guard, report, spend
from toscale.engine.hedges import start_hedged
from toscale.engine.jit import jit
from toscale.engine.locks import give_locks, take_locks
from toscale.engine.machines import (
    PART,
    SHARD,
    come_back,
)
from toscale.engine.members import holder_of
from toscale.engine.messages import offer, take_batch
from toscale.engine.model import Outcome
from toscale.engine.ops import (
    AGAIN,
    ANSWERED,
    BACK,
    BEGIN,
    CALL,
    CHOOSE,
    COMMIT,
    COPIED,
    DEPOSIT,
    DROP,
    EACH,
    ENTER,
    FAULTY,
    FLY,
    FORK,
    GATHER,
    GUARD,
    HANDLE,
    HEDGE,
    HOLDER,
    HOT,
    IF_CHANCE,
    IF_COMPARE,
    IF_ENDED,
    IF_LEFT,
    IF_OPEN,
    JOIN,
    JUDGE,
    LAND,
    LEAVE,
    LOCK,
    MARK,
    MARKFAIL,
    MGET,
    NEWKEY,
    NEXT,
    OFFER,
    PUT,
    RAISE,
    REACH,
    REPEAT,
    REPORT,
    ROUTE,
    SCATTER,
    SET,
    SPAWN,
    SPEND,
    TAKE,
    UNLOCK,
    UNMARK,
    VAIN,
    VERSION,
)
from toscale.engine.repeat import begin_pass, in_vain, judge_pass, leave_repeat, pass_again
from toscale.engine.stores import FRESH, INDEX, drop, get, put, shard_of
from toscale.engine.tasks import (
    GATHERING,
    JOINING,
    record,
    set_time_out,
    spawn,
    start_pass,
)
from toscale.engine.users import begin_request, next_request

O_DONE, O_REFUSED, O_FAILED, O_TIMED_OUT, O_BUSY = (
    int(Outcome.DONE),
    int(Outcome.REFUSED),
    int(Outcome.FAILED),
    int(Outcome.TIMED_OUT),
    int(Outcome.BUSY),
)
O_ANSWERED, O_STOPPED = int(Outcome.ANSWERED), int(Outcome.STOPPED)


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


@jit
def back_off(S, i, step):  # type: ignore[no-untyped-def]
    """The wait before the next attempt, which is counted here."""
    t = S.tasks[i]
    attempt = S.registers[i, step.a] + 1
    S.registers[i, step.a] = attempt
    S.retries[t.flow] += 1
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
        if not take_batch(S, i):
            t.outcome = O_STOPPED
            return np.int64(step.fail)
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
    elif op == GATHER:
        wait_for_children(S, i, pc, np.int64(t.pending), np.int64(step.a))
        t.state = GATHERING
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
    elif CHOOSE <= op <= IF_LEFT:
        return bounded_step(S, i, pc)
    elif op == LOCK:
        return take_locks(S, i, step, pc)
    elif op == UNLOCK:
        return give_locks(S, i, step, pc)
    elif op == REPEAT:
        begin_pass(S, i, step)
    elif op == JUDGE:
        return judge_pass(S, i, step, pc)
    elif op == LEAVE:
        leave_repeat(S, i, np.int64(step.a))
    elif op == AGAIN:
        return pass_again(S, i, step, pc)
    elif op == VAIN:
        return in_vain(S, i, step, pc)
    elif op == IF_ENDED:
        if (step.mask >> np.uint64(S.registers[i, step.b])) & np.uint64(1) == np.uint64(0):
            return np.int64(step.a)
    elif op == ANSWERED:
        if t.outcome != O_ANSWERED:
            return np.int64(step.fail)
        t.outcome = O_DONE
    elif op == BACK:
        return come_back(S, i, step, pc)
    elif op == BEGIN:
        begin_request(S, i)
    elif op == NEXT:
        return next_request(S, i)
    elif op == IF_OPEN:
        if holder_of(S, np.int64(step.c), S.registers[i, step.b]) < 0:
            return np.int64(step.a)
    elif op == REACH or op == HOLDER:
        if not meet_holder(S, i, step):
            t.outcome = O_FAILED
            return np.int64(step.fail)
    elif op == ROUTE:
        machine = choose(S, i, step)
        S.registers[i, step.b] = machine
        S.machines[machine].outstanding += 1
    elif op == ENTER:
        return enter_or_fail(S, i, pc)
    elif op == FAULTY:
        if faulty(S, i, step):
            return np.int64(step.fail)
    elif op == HOT:
        hot(S, i, step)
    elif op == GUARD:
        if not guard(S, i, step):
            t.outcome = O_FAILED
            return np.int64(step.fail)
    elif op == REPORT:
        report(S, i, step)
    elif op == HEDGE:
        wait_for_children(S, i, pc, 1, 1)
        start_hedged(S, i, step)
        set_time_out(S, i, np.int64(step.b))
        return np.int64(-1)
    elif op == FLY:
        t.pc = pc
        join_flight(S, i, step)
        return np.int64(-1)
    elif op == LAND:
        land(S, i, step)
    elif op == OFFER:
        if not offer(S, i, np.int64(step.a), np.int64(step.b), step.salt):
            t.outcome = O_REFUSED
            return np.int64(step.fail)
    elif op == COMMIT:
        commit(S, i, step)
    elif op == COPIED:
        copied(S, i, step)
    elif op == VERSION:
        look_at_version(S, i, step)
    elif op == DEPOSIT:
        deposit(S, i, step)
    elif op == SPEND:
        if O_REFUSED <= t.outcome <= O_BUSY and S.registers[i, step.c] < step.d and not spend(S, i, step):
            return np.int64(step.fail)
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
