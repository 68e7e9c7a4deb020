"""Who holds how many of what there is only so much of, until when, and who stands in line for it?

A pool without refill hands out leases: one for each key that a request has taken. A lease is held until it is given
back, or until its term is over; those of one term come due in the order in which they were set, so that only the
first of them is in the tree of events. A request knows its lease by a handle, in a register: the lease's number and
its generation, so that a lease that is over is not taken for the next one in its place. Who stands in line has a
lease too, which is given to it when its turn comes.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import number
from toscale.engine.jit import jit
from toscale.engine.tasks import GOING, ready, record
from toscale.engine.tree import NEVER, schedule

FREE, WAITING, HELD, OVER, KEPT = 0, 1, 2, 3, 4
"""What a lease is: unused, in line, held, over but not swept, held without end."""

_LAST = np.int64((1 << 31) - 1)


# ---- figures -------------------------------------------------------------------------------------------------------


@jit
def touch_pool(S, pool):  # type: ignore[no-untyped-def]
    """Brings a pool's integrals over time up to now; to be called before its counts change."""
    p = S.pools[pool]
    now = S.control[0].now
    passed = np.float64(now - p.touched)
    p.held_time += passed * p.held
    p.lined_time += passed * p.lined
    p.touched = now


# ---- leases --------------------------------------------------------------------------------------------------------


@jit
def lease_of(S, handle):  # type: ignore[no-untyped-def]
    """The lease of a handle; -1 where it is over and free."""
    if handle < 0:
        return np.int64(-1)
    k = handle & _LAST
    if S.leases[k].state == FREE or S.leases[k].generation != handle >> 32:
        return np.int64(-1)
    return k


@jit
def handle_of(S, k):  # type: ignore[no-untyped-def]
    """What a request knows a lease by."""
    return (np.int64(S.leases[k].generation) << 32) | k


@jit
def new_lease(S, a, units, state):  # type: ignore[no-untyped-def]
    """A lease of an account, with no term."""
    c = S.control[0]
    k = np.int64(c.free_lease)
    row = S.leases[k]
    c.free_lease = row.later
    c.leases += 1
    if c.leases + c.touches >= c.n_leases:
        c.scarce = 1
    row.account = a
    row.units = units
    row.state = state
    row.also = -1
    row.term = -1
    row.task = -1
    row.sooner = -1
    row.later = -1
    return k


@jit
def free_lease(S, k):  # type: ignore[no-untyped-def]
    """The lease is gone; its number will be used again, by another generation."""
    c = S.control[0]
    row = S.leases[k]
    row.state = FREE
    row.generation = (row.generation + 1) & 0x3FFFFFFF
    row.later = c.free_lease
    c.free_lease = k
    c.leases -= 1


@jit
def set_term(S, k, term):  # type: ignore[no-untyped-def]
    """The lease will be over a term from now."""
    row = S.leases[k]
    t = S.terms[term]
    row.term = term
    row.until = S.control[0].now + t.length
    row.later = -1
    row.sooner = t.tail
    if t.tail >= 0:
        S.leases[t.tail].later = k
    else:
        t.head = k
    t.tail = k
    if not t.set:
        t.set = 1
        schedule(S, t.leaf, row.until)


@jit
def unset_term(S, k):  # type: ignore[no-untyped-def]
    """The lease has no end; the leaf of its term is corrected when it comes up."""
    row = S.leases[k]
    if row.term < 0:
        return
    t = S.terms[row.term]
    if row.sooner >= 0:
        S.leases[row.sooner].later = row.later
    else:
        t.head = row.later
    if row.later >= 0:
        S.leases[row.later].sooner = row.sooner
    else:
        t.tail = row.sooner
    row.term = -1


@jit
def hold(S, a, units):  # type: ignore[no-untyped-def]
    """So many more units of an account are held."""
    row = S.accounts[a]
    p = S.pools[row.pool]
    row.held += units
    p.held += units
    p.taken += units
    p.passed += units
    if row.held >= row.capacity:
        row.since = S.control[0].now
    if row.held - row.over > row.capacity:
        p.beyond += min(np.float64(units), row.held - row.over - row.capacity)


@jit
def unhold(S, a, units):  # type: ignore[no-untyped-def]
    """So many units of an account are free again; who stands in line for them gets them."""
    row = S.accounts[a]
    p = S.pools[row.pool]
    if row.held >= row.capacity:
        row.since = S.control[0].now
    row.held -= units
    p.held -= units
    serve(S, a)


@jit
def serve(S, a):  # type: ignore[no-untyped-def]
    """Those in line get theirs, in order, as long as there is enough for the first of them."""
    row = S.accounts[a]
    p = S.pools[row.pool]
    while row.head >= 0:
        k = np.int64(row.head)
        lease = S.leases[k]
        if row.capacity - row.held < lease.units:
            return
        step_out(S, k)
        p.served += 1
        p.waited += S.control[0].now - lease.until
        lease.state = HELD
        hold(S, a, np.int64(lease.units))
        if lease.term >= 0:
            set_term(S, k, np.int64(lease.term))
        if lease.task >= 0:
            t = S.tasks[lease.task]
            t.state = GOING
            t.pc += 1
            ready(S, np.int64(lease.task))
            lease.task = -1


@jit
def step_in(S, k):  # type: ignore[no-untyped-def]
    """The lease goes to the end of its account's line."""
    lease = S.leases[k]
    row = S.accounts[lease.account]
    p = S.pools[row.pool]
    lease.until = S.control[0].now
    lease.sooner = row.tail
    if row.tail >= 0:
        S.leases[row.tail].later = k
    else:
        row.head = k
    row.tail = k
    p.joined += 1
    p.lined += 1


@jit
def step_out(S, k):  # type: ignore[no-untyped-def]
    """The lease leaves its account's line."""
    lease = S.leases[k]
    row = S.accounts[lease.account]
    if lease.sooner >= 0:
        S.leases[lease.sooner].later = lease.later
    else:
        row.head = lease.later
    if lease.later >= 0:
        S.leases[lease.later].sooner = lease.sooner
    else:
        row.tail = lease.sooner
    lease.sooner = -1
    lease.later = -1
    S.pools[row.pool].lined -= 1


@jit
def leave_line(S, k):  # type: ignore[no-untyped-def]
    """Who stood in line no longer does."""
    a = np.int64(S.leases[k].account)
    step_out(S, k)
    S.pools[S.accounts[a].pool].left_line += 1
    free_lease(S, k)
    serve(S, a)


@jit
def end_terms(S, term):  # type: ignore[no-untyped-def]
    """The first leases of a term are over, unless they were given back or extended meanwhile."""
    t = S.terms[term]
    now = S.control[0].now
    while t.head >= 0 and S.leases[t.head].until <= now:
        end_lease(S, np.int64(t.head))
    schedule(S, t.leaf, S.leases[t.head].until if t.head >= 0 else NEVER)
    t.set = 1 if t.head >= 0 else 0


@jit
def end_lease(S, k):  # type: ignore[no-untyped-def]
    """A lease is over: its units are free, or wait to be swept."""
    unset_term(S, k)
    lease = S.leases[k]
    a = np.int64(lease.account)
    pool = S.accounts[a].pool
    touch_pool(S, pool)
    p = S.pools[pool]
    if not p.swept:
        units = np.int64(lease.units)
        p.ended += units
        free_lease(S, k)
        unhold(S, a, units)
        return
    lease.state = OVER
    lease.later = -1
    lease.sooner = p.over_tail
    if p.over_tail >= 0:
        S.leases[p.over_tail].later = k
    else:
        p.over_head = k
    p.over_tail = k
    p.over += lease.units
    S.accounts[a].over += lease.units


@jit
def swept(S, k):  # type: ignore[no-untyped-def]
    """Takes a lease that is over out of the list of these."""
    lease = S.leases[k]
    p = S.pools[S.accounts[lease.account].pool]
    if lease.sooner >= 0:
        S.leases[lease.sooner].later = lease.later
    else:
        p.over_head = lease.later
    if lease.later >= 0:
        S.leases[lease.later].sooner = lease.sooner
    else:
        p.over_tail = lease.sooner
    p.over -= lease.units
    S.accounts[lease.account].over -= lease.units


@jit
def sweep(S, i, step):  # type: ignore[no-untyped-def]
    """Those that are over are given back, the longest over first."""
    p = S.pools[step.a]
    touch_pool(S, np.int64(step.a))
    wanted = number(S, i, np.int64(step.num))
    while wanted >= 1.0 and p.over_head >= 0:
        k = np.int64(p.over_head)
        lease = S.leases[k]
        a = np.int64(lease.account)
        units = np.int64(lease.units)
        wanted -= 1.0
        if p.meter >= 0:
            S.meters[p.meter].started += 1
            record(S, p.meter, S.control[0].now - lease.until)
        swept(S, k)
        p.ended += units
        free_lease(S, k)
        unhold(S, a, units)


@jit
def give_back(S, handle):  # type: ignore[no-untyped-def]
    """All that was taken at one moment is given back, or no longer waited for."""
    while handle >= 0:
        k = lease_of(S, handle)
        if k < 0:
            return
        lease = S.leases[k]
        handle = np.int64(lease.also)
        a = np.int64(lease.account)
        pool = np.int64(S.accounts[a].pool)
        p = S.pools[pool]
        touch_pool(S, pool)
        if lease.state == WAITING:
            leave_line(S, k)
            continue
        units = np.int64(lease.units)
        if lease.state == OVER:
            swept(S, k)
        else:
            unset_term(S, k)
        if lease.state == KEPT:
            p.kept -= units
        p.given_back += units
        free_lease(S, k)
        unhold(S, a, units)


@jit
def all_held(S, handle):  # type: ignore[no-untyped-def]
    """Whether everything that was taken with a handle is still held."""
    if handle < 0:
        return False
    while handle >= 0:
        k = lease_of(S, handle)
        if k < 0 or (S.leases[k].state != HELD and S.leases[k].state != KEPT):
            return False
        handle = np.int64(S.leases[k].also)
    return True


@jit
def prolong(S, handle, term):  # type: ignore[no-untyped-def]
    """What is held is held for a term from now at least; without end where the term is -1."""
    while handle >= 0:
        k = lease_of(S, handle)
        lease = S.leases[k]
        handle = np.int64(lease.also)
        if lease.state == KEPT:
            continue
        if term < 0:
            unset_term(S, k)
            lease.state = KEPT
            S.pools[S.accounts[lease.account].pool].kept += lease.units
        elif lease.term < 0 or lease.until < S.control[0].now + S.terms[term].length:
            unset_term(S, k)
            set_term(S, k, term)
