"""What do the parts of the interpreter do that few designs need? Each is compiled by itself, when one first does.

A part is reached by the number of an instruction, from `run_step`, or by that of an event (a negative number), from
the loop; `i`: the task, or what the event concerns; `pc`: where its instruction stands. It returns where the task goes
on, or -1 where it waits; for an event the task that begins, or -1.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.bounded import abandon_line, bounded_step
from toscale.engine.connections import count_connection, happen, meet_holder
from toscale.engine.copies import commit, copied, look_at_version
from toscale.engine.faults import change_or_arrive, choose, enter_or_fail, faulty, hot
from toscale.engine.flights import join_flight, land
from toscale.engine.guards import deposit, guard, report, spend
from toscale.engine.hedges import send_hedge, start_hedged
from toscale.engine.instances import find_warm, keep_warm, touch_instances
from toscale.engine.jit import entry
from toscale.engine.leases import end_terms
from toscale.engine.locks import give_locks, take_locks
from toscale.engine.members import holder_of
from toscale.engine.model import Outcome
from toscale.engine.ops import (
    AGAIN,
    COMMIT,
    COOL,
    COPIED,
    DEPOSIT,
    ENTER,
    FAULTY,
    FLY,
    GUARD,
    HEDGE,
    IF_OPEN,
    JUDGE,
    LAND,
    LEAVE,
    LOCK,
    REPEAT,
    REPORT,
    ROUTE,
    SPEND,
    UNLOCK,
    WARM,
)
from toscale.engine.parts import (
    BOUNDED,
    CHANGE,
    CONNECTIONS,
    COPIES,
    FAULTS,
    FUNCTIONS,
    GUARDS,
    HAPPEN,
    HEDGES,
    MACHINES,
    REPEATS,
    SCALING,
    STREAM,
    TERMS,
    WAKE,
    WINDOW,
)
from toscale.engine.repeat import begin_pass, in_vain, judge_pass, leave_repeat, pass_again
from toscale.engine.scaling import touch_scaler, wake_scaler
from toscale.engine.steps import wait_for_children
from toscale.engine.tasks import set_time_out

_FAILED, _REFUSED, _BUSY = int(Outcome.FAILED), int(Outcome.REFUSED), int(Outcome.BUSY)


@entry
def bounded_part(S, what, i, pc):  # type: ignore[no-untyped-def]
    """Pools: what is claimed, held for a time, waited for in line and swept."""
    if what >= 0:
        return np.int64(bounded_step(S, i, pc))
    if what == TERMS:
        end_terms(S, i)
    else:  # ABANDON
        abandon_line(S, i)
    return np.int64(-1)


@entry
def connected_part(S, what, i, pc):  # type: ignore[no-untyped-def]
    """Connections that stay open."""
    if what == HAPPEN:
        happen(S, i)
        return np.int64(-1)
    if what == WINDOW:
        count_connection(S, i)
        return np.int64(-1)
    step = S.code[pc]
    if what == IF_OPEN:
        if holder_of(S, np.int64(step.c), S.registers[i, step.b]) < 0:
            return np.int64(step.a)
    elif not meet_holder(S, i, step):  # REACH, HOLDER
        S.tasks[i].outcome = _FAILED
        return np.int64(step.fail)
    return np.int64(pc + 1)


@entry
def faults_part(S, what, i, pc):  # type: ignore[no-untyped-def]
    """The timeline: machines that fail, are slow or err, and loads that change."""
    if what == CHANGE or what == STREAM:
        return np.int64(change_or_arrive(S, i, what == CHANGE, pc))
    step = S.code[pc]
    if what == ENTER:
        return np.int64(enter_or_fail(S, i, pc))
    if what == ROUTE:
        machine = choose(S, i, step)
        S.registers[i, step.b] = machine
        S.machines[machine].outstanding += 1
    elif what == FAULTY:
        if faulty(S, i, step):
            return np.int64(step.fail)
    else:  # HOT
        hot(S, i, step)
    return np.int64(pc + 1)


@entry
def guards_part(S, what, i, pc):  # type: ignore[no-untyped-def]
    """Breakers, hedges, budgets of retries, and misses that are one call for all."""
    if what == HEDGES:
        send_hedge(S, i)
        return np.int64(-1)
    t = S.tasks[i]
    step = S.code[pc]
    if what == GUARD:
        if not guard(S, i, step):
            t.outcome = _FAILED
            return np.int64(step.fail)
    elif what == REPORT:
        report(S, i, step)
    elif what == HEDGE:
        wait_for_children(S, i, pc, 1, 1)
        start_hedged(S, i, step)
        set_time_out(S, i, np.int64(step.b))
        return np.int64(-1)
    elif what == FLY:
        t.pc = pc
        join_flight(S, i, step)
        return np.int64(-1)
    elif what == LAND:
        land(S, i, step)
    elif what == DEPOSIT:
        deposit(S, i, step)
    elif what == SPEND:
        again = _REFUSED <= t.outcome <= _BUSY and S.registers[i, step.c] < step.d
        if again and not spend(S, i, step):
            return np.int64(step.fail)
    return np.int64(pc + 1)


@entry
def repeats_part(S, what, i, pc):  # type: ignore[no-untyped-def]
    """Repetitions and locks."""
    step = S.code[pc]
    if what == LOCK:
        return np.int64(take_locks(S, i, step, pc))
    if what == UNLOCK:
        return np.int64(give_locks(S, i, step, pc))
    if what == JUDGE:
        return np.int64(judge_pass(S, i, step, pc))
    if what == AGAIN:
        return np.int64(pass_again(S, i, step, pc))
    if what == REPEAT:
        begin_pass(S, i, step)
    elif what == LEAVE:
        leave_repeat(S, i, np.int64(step.a))
    else:  # VAIN
        return np.int64(in_vain(S, i, step, pc))
    return np.int64(pc + 1)


@entry
def scaling_part(S, what, i, pc):  # type: ignore[no-untyped-def]
    """Machines that follow the load, and instances of functions."""
    if what == WARM:
        step = S.code[pc]
        return np.int64(step.b) if find_warm(S, np.int64(step.a)) else np.int64(pc + 1)
    if what == COOL:
        keep_warm(S, np.int64(S.code[pc].a))
        return np.int64(pc + 1)
    if what == WAKE:
        wake_scaler(S, i)
    elif what == MACHINES:
        touch_scaler(S, i)
    else:  # INSTANCES
        touch_instances(S, i)
    return np.int64(-1)


@entry
def copies_part(S, what, i, pc):  # type: ignore[no-untyped-def]
    """Copies that have writes later."""
    step = S.code[pc]
    if what == COMMIT:
        commit(S, i, step)
    elif what == COPIED:
        copied(S, i, step)
    else:  # VERSION
        look_at_version(S, i, step)
    return np.int64(pc + 1)


FUNCTIONS.update(
    {
        BOUNDED: bounded_part,
        CONNECTIONS: connected_part,
        FAULTS: faults_part,
        GUARDS: guards_part,
        REPEATS: repeats_part,
        SCALING: scaling_part,
        COPIES: copies_part,
    }
)
