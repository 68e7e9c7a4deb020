"""How many machines does a station have at the moment? As many as its load asks for, a little later.

Every so often the mean number of slots (or cores) in use since the last look is divided by what one machine gives
times the share of it that is to be used. That many machines are wanted; they are not changed while it is within the
tolerance of those there are, and reduced only to the most that was wanted in the last while (the rule of
Kubernetes' horizontal autoscaler: its documentation, "Algorithm details" and "Stabilization window"). A new
machine takes no calls until it has started. One that goes takes no further calls, and is gone when what is there
is done; connections that it holds are closed at once.

Of the rows of a station's machines, those with the lowest numbers are in use. Machines behind one shared queue are
one row, whose slots and cores are changed.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.connections import admit_connections, lose_connections
from toscale.engine.cores import advance_work, plan_next
from toscale.engine.draws import GOLDEN, draw_law, mix, unit
from toscale.engine.jit import jit
from toscale.engine.machines import admit
from toscale.engine.tasks import GOING, leave_queue, ready, touch
from toscale.engine.tree import schedule

AWAY, STARTING, SERVING, LEAVING = 0, 1, 2, 3
"""Stages of a machine. All but the first are paid for."""

BY_FAULT, BY_SCALING = 1, 2
"""Why no calls are sent to a machine: bits of `out` of its condition."""

POLLS = 16
"""In the time between two looks it is seen so often whether a machine that leaves has done its work."""


@jit
def touch_scaler(S, k):  # type: ignore[no-untyped-def]
    """Brings the integrals over time up to now; before any count changes."""
    r = S.scalers[k]
    now = S.control[0].now
    passed = np.float64(now - r.touched)
    if passed > 0.0:
        r.there_time += passed * r.there
        r.serving_time += passed * r.serving
        if r.serving < r.wanted:
            r.short_time += passed
        r.touched = now


@jit
def wake_scaler(S, k):  # type: ignore[no-untyped-def]
    """Machines that have started, or have done their work; a look at the load where it is time for that."""
    touch_scaler(S, k)
    r = S.scalers[k]
    now = S.control[0].now
    for m in range(r.most):
        g = S.stages[r.first + m]
        if g.stage == STARTING and g.until <= now:
            put_in(S, k, m)
        elif g.stage == LEAVING and is_empty(S, k, m):
            g.stage = AWAY
            r.there -= 1
    if now >= r.look:
        look(S, k)
        r.look = now + r.every
    time = np.int64(r.look)
    for m in range(r.most):
        g = S.stages[r.first + m]
        if g.stage == STARTING:
            time = min(time, np.int64(g.until))
        elif g.stage == LEAVING:
            time = min(time, now + max(r.every // POLLS, 1))
    schedule(S, np.int64(r.leaf), max(time, now))


@jit
def look(S, k):  # type: ignore[no-untyped-def]
    """How many machines are wanted, by the load since the last look; starts or stops what differs from that."""
    r = S.scalers[k]
    s = S.stations[r.station]
    now = S.control[0].now
    touch(S, np.int64(r.station))
    work = s.working_time if r.by_cores else s.busy_time
    need = (work - r.work_before) / np.float64(now - r.looked) / (r.each * r.target)
    r.work_before = work
    r.looked = now
    advice = r.desired
    if abs(need - r.desired) > r.tolerance * r.desired:
        advice = np.int64(np.ceil(need - 1e-9))
    advice = min(max(advice, r.least), r.most)
    S.advice[k, r.looks % r.memory] = advice
    r.looks += 1
    r.wanted = advice
    highest = advice
    for j in range(min(r.looks, r.memory)):
        highest = max(highest, S.advice[k, j])
    goal = advice if advice >= r.desired else min(r.desired, highest)
    if goal != r.desired and now - r.changed >= r.pause:
        r.changed = now
        r.desired = goal
    have = np.int64(0)
    for m in range(r.most):
        stage = S.stages[r.first + m].stage
        if stage == STARTING or (stage == SERVING and not is_lost(S, k, m)):
            have += 1
    if r.desired > have:
        start_machines(S, k, r.desired - have)
    elif r.desired < have:
        stop_machines(S, k, have - r.desired)


@jit
def is_lost(S, k, m):  # type: ignore[no-untyped-def]
    """Whether a fault has taken a machine, and it has been found out. (One behind a shared queue is not lost alone.)"""
    r = S.scalers[k]
    return r.shared == 0 and (S.conditions[S.stations[r.station].first + m].out & BY_FAULT) > 0


@jit
def is_empty(S, k, m):  # type: ignore[no-untyped-def]
    """Whether nothing is left to do on a machine that takes no calls any more."""
    s = S.stations[S.scalers[k].station]
    if S.scalers[k].shared:
        return s.slots < 0 or s.busy <= s.slots
    return S.machines[s.first + m].outstanding == 0


@jit
def start_machines(S, k, number):  # type: ignore[no-untyped-def]
    """Starts so many machines, those with the lowest numbers first, as far as there are any."""
    r = S.scalers[k]
    s = S.stations[r.station]
    for m in range(r.most):
        if number == 0:
            return
        g = S.stages[r.first + m]
        if g.stage != AWAY or (not r.shared and S.conditions[s.first + m].down):
            continue
        key = mix(mix(S.control[0].seed ^ r.salt) + np.uint64(r.started) * GOLDEN)
        g.until = S.control[0].now + np.int64(draw_law(S, np.int64(r.boot), unit(mix(key))) + 0.5)
        g.stage = STARTING
        r.there += 1
        r.started += 1
        number -= 1
        if g.until <= S.control[0].now:
            put_in(S, k, m)


@jit
def stop_machines(S, k, number):  # type: ignore[no-untyped-def]
    """Lets so many machines go: those that have not started yet, then those with the highest numbers."""
    r = S.scalers[k]
    for stage in (STARTING, SERVING):
        for m in range(r.most - 1, -1, -1):
            if number == 0:
                return
            g = S.stages[r.first + m]
            if g.stage != stage or (stage == SERVING and is_lost(S, k, m)):
                continue
            number -= 1
            r.stopped += 1
            if stage == STARTING:
                g.stage = AWAY
                r.there -= 1
            else:
                take_out(S, k, m)


@jit
def put_in(S, k, m):  # type: ignore[no-untyped-def]
    """A machine has started: calls are sent to it."""
    r = S.scalers[k]
    S.stages[r.first + m].stage = SERVING
    r.serving += 1
    r.top = max(r.top, r.serving)
    if r.shared:
        share_out(S, k)
        return
    machine = S.stations[r.station].first + m
    condition = S.conditions[machine]
    condition.out &= ~BY_SCALING
    admit_connections(S, machine, condition.out, condition.down)
    count_in_use(S, k)


@jit
def take_out(S, k, m):  # type: ignore[no-untyped-def]
    """No further calls are sent to a machine; it goes when what is there is done."""
    r = S.scalers[k]
    S.stages[r.first + m].stage = LEAVING
    r.serving -= 1
    if r.shared:
        share_out(S, k)
        return
    machine = S.stations[r.station].first + m
    condition = S.conditions[machine]
    condition.out |= BY_SCALING
    admit_connections(S, machine, condition.out, condition.down)
    lose_connections(S, machine, np.int64(0))
    count_in_use(S, k)


@jit
def count_in_use(S, k):  # type: ignore[no-untyped-def]
    """The rows among which a call's machine is chosen: up to the last that is in use."""
    r = S.scalers[k]
    in_use = 1
    for m in range(r.most):
        if S.stages[r.first + m].stage == SERVING:
            in_use = m + 1
    S.stations[r.station].copies = in_use


@jit
def share_out(S, k):  # type: ignore[no-untyped-def]
    """The slots, cores and places of machines behind one shared queue, after their number has changed."""
    r = S.scalers[k]
    s = S.stations[r.station]
    machine = np.int64(s.first)
    m = S.machines[machine]
    touch(S, np.int64(r.station))
    if s.cores > 0:
        advance_work(S, machine)
        s.working -= min(m.active, s.cores)
        s.cores = r.cores * r.serving
        s.working += min(m.active, s.cores)
        plan_next(S, machine)
    if s.places >= 0:
        s.places = r.places * r.serving
    if s.slots >= 0:
        s.slots = r.slots * r.serving
        while m.queued > 0 and m.busy < s.slots:
            i = np.int64(m.head)
            leave_queue(S, i)
            s.waiting -= 1
            s.waited += S.control[0].now - S.tasks[i].asked
            S.tasks[i].state = GOING
            S.tasks[i].pc += 1
            admit(S, i, machine)
            ready(S, i)
