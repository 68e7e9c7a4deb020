"""Steps on what there is only so much of: tokens, seats, holds, places in line.

What is let through and what is refused is counted against the truth: `bound` of an account (see
`toscale.engine.accounts`), or what is held and not over.
"""

from __future__ import annotations

import math

import numpy as np

from toscale.engine.accounts import (
    account_of,
    add_account,
    at_machine,
    capacity_of,
    find_account,
    share_of,
    stationary_stash,
)
from toscale.engine.arrivals import LONGEST
from toscale.engine.draws import GOLDEN, draw_index, mix, number, unit
from toscale.engine.jit import jit
from toscale.engine.leases import (
    HELD,
    WAITING,
    all_held,
    give_back,
    handle_of,
    hold,
    lease_of,
    leave_line,
    new_lease,
    prolong,
    set_term,
    step_in,
    sweep,
    touch_pool,
)
from toscale.engine.model import Outcome
from toscale.engine.state import Op
from toscale.engine.stores import find as find_entry
from toscale.engine.tasks import LINED

CHOICES = 64
"""Keys that are drawn by popularity before the next free one is looked for."""
LOOKED_THROUGH = 1024
"""Keys that are looked through for a free one behind the last that was drawn."""

ROUNDED = 4.0
"""Ticks by which what was promised may come too early: times are whole ticks."""

FINE = 1048576.0
"""What a `Look` has read is kept in such parts of a unit."""

_REFUSED = int(Outcome.REFUSED)
CHOOSE, SEE, CLAIM, AHEAD, STASH, AWAIT_ = (
    int(Op.CHOOSE),
    int(Op.SEE),
    int(Op.CLAIM),
    int(Op.AHEAD),
    int(Op.STASH),
    int(Op.AWAIT),
)
RETURN, EXTEND, KEEP, SWEEP, COUNT_OVER, LOOK = (
    int(Op.RETURN),
    int(Op.EXTEND),
    int(Op.KEEP),
    int(Op.SWEEP),
    int(Op.OVER),
    int(Op.LOOK),
)
WRITE, PASS, IF_HOLDS = int(Op.WRITE), int(Op.PASS), int(Op.IF_HOLDS)


# ---- the truth ----------------------------------------------------------------------------------------------------


@jit
def free_units(S, a):  # type: ignore[no-untyped-def]
    """Units of an account that can be had now."""
    row = S.accounts[a]
    if S.pools[row.pool].spends:
        return row.left
    return row.capacity - row.held


@jit
def within_bound(S, a):  # type: ignore[no-untyped-def]
    """Units of an account that could be had if the bound were kept exactly: those that are over are free."""
    row = S.accounts[a]
    if S.pools[row.pool].spends:
        return row.bound
    return row.capacity - (row.held - row.over)


@jit
def heard(S, i):  # type: ignore[no-untyped-def]
    """Whether anybody still wants what a task does: neither it nor one that waits for it was given up."""
    while i >= 0:
        if S.tasks[i].abandoned:
            return False
        i = np.int64(S.tasks[i].parent)
    return True


@jit
def let_through(S, i, a, units, register):  # type: ignore[no-untyped-def]
    """A request goes past a pool that is refilled, with or without a unit of it. All tasks that it consists of are
    told, so that it is counted once, though an answer may come too late and the call be made again. Where it was given
    up meanwhile, what it has taken is lost.
    """
    if S.registers[i, register] > 0 or not heard(S, i):
        return
    j = np.int64(i)
    while j >= 0:
        S.registers[j, register] = 1
        j = np.int64(S.tasks[j].parent)
    row = S.accounts[a]
    p = S.pools[row.pool]
    p.passed += units
    if row.bound >= units - ROUNDED * row.refill:
        row.bound = max(0.0, row.bound - units)
    else:
        p.beyond += units


@jit
def turn_away(S, i, pool, units, within, step):  # type: ignore[no-untyped-def]
    """The request does not get its units; returns where it goes on."""
    p = S.pools[pool]
    if heard(S, i):
        p.refused += units
        if within:
            p.within += units
    S.tasks[i].outcome = _REFUSED
    return np.int64(step.fail)


# ---- steps ---------------------------------------------------------------------------------------------------------


@jit
def key_in(S, i, register):  # type: ignore[no-untyped-def]
    """The key in a register; 0 where a pool has none."""
    return np.uint64(S.registers[i, register]) if register >= 0 else np.uint64(0)


@jit
def own_key(S, i, step):  # type: ignore[no-untyped-def]
    """What a pool's account is found by: the key, at the machine in a register where each has its own."""
    key = key_in(S, i, step.b)
    if step.mask == np.uint64(0):
        return key
    return at_machine(key, S.registers[i, np.int64(step.mask) - 1])


@jit
def account_at(S, i, step, pool):  # type: ignore[no-untyped-def]
    """The account that a step is about, brought up to date."""
    a = account_of(S, pool, own_key(S, i, step), key_in(S, i, step.b))
    if step.mask != np.uint64(0):
        S.accounts[a].machine = S.registers[i, np.int64(step.mask) - 1]
    return a


@jit
def listed_key(S, i, step, j):  # type: ignore[no-untyped-def]
    """The j-th key that is taken at once."""
    return np.uint64(S.registers[i, step.b + 1 + j])


@jit
def claim(S, i, pc):  # type: ignore[no-untyped-def]
    """Units of a pool for this request: all of them, or none; where it may, it stands in line for them."""
    step = S.code[pc]
    pool = np.int64(step.a)
    touch_pool(S, pool)
    p = S.pools[pool]
    units = np.int64(max(number(S, i, np.int64(step.num)), 1.0))
    if p.spends:
        a = account_at(S, i, step, pool)
        if step.d == 1:
            return promise(S, i, pc, a, units)
        if S.accounts[a].left < units:
            return turn_away(S, i, pool, units, within_bound(S, a) >= units, step)
        S.accounts[a].left -= units
        p.taken += units
        let_through(S, i, a, units, np.int64(step.c))
        return pc + 1
    listed = step.d == 2
    keys = S.registers[i, step.b] if listed else np.int64(1)
    got = np.int64(0)
    within = True
    for j in range(keys):
        if listed:
            a = account_of(S, pool, listed_key(S, i, step, j), listed_key(S, i, step, j))
        else:
            a = account_at(S, i, step, pool)
        row = S.accounts[a]
        within = bool(within and within_bound(S, a) >= units)
        if got == j and row.head < 0 and row.capacity - row.held >= units:
            row.held += units  # so that a key that is named twice is counted twice
            got += 1
    for j in range(got):
        a = find_account(S, pool, listed_key(S, i, step, j) if listed else own_key(S, i, step))
        S.accounts[a].held -= units
    if got < keys and step.d != 1:
        return turn_away(S, i, pool, units * keys, within, step)
    also = np.int64(-1)
    for j in range(keys):
        a = find_account(S, pool, listed_key(S, i, step, j) if listed else own_key(S, i, step))
        k = new_lease(S, a, units, HELD)
        S.leases[k].also = also
        also = handle_of(S, k)
        if got < keys:
            S.leases[k].state = WAITING
            S.leases[k].term = step.law
            step_in(S, k)
        else:
            hold(S, a, units)
            if step.law >= 0:
                set_term(S, k, np.int64(step.law))
    S.registers[i, step.c] = also
    return pc + 1


@jit
def promise(S, i, pc, a, units):  # type: ignore[no-untyped-def]
    """The next units of a bucket are this request's: it is told how many ticks it must wait for them. What others
    have been promised before is missing of the bucket, which may so be less than empty.
    """
    step = S.code[pc]
    row = S.accounts[a]
    p = S.pools[row.pool]
    row.left -= units
    p.taken += units
    wait = np.int64(0)
    if row.left < 0.0:
        ticks = LONGEST if row.refill <= 0.0 else math.ceil(-row.left / row.refill) + 1.0
        wait = np.int64(min(ticks, LONGEST))
        p.joined += 1
        p.served += 1
        p.waited += wait
        p.lined_time += wait
    S.registers[i, step.law] = wait
    return pc + 1


@jit
def claim_ahead(S, i, pc):  # type: ignore[no-untyped-def]
    """As many units as there are, up to a number: one for this request, the others for the machine's stash."""
    step = S.code[pc]
    pool = np.int64(step.a)
    p = S.pools[pool]
    a = account_at(S, i, step, pool)
    row = S.accounts[a]
    if row.left < 1.0:
        return turn_away(S, i, pool, np.int64(1), row.bound >= 1.0, step)
    got = np.int64(math.floor(min(step.x, row.left)))
    row.left -= got
    p.taken += got
    let_through(S, i, a, np.int64(1), np.int64(step.num))
    stash = np.int64(step.c)
    e = find_account(S, stash, np.uint64(S.registers[i, step.d]))
    if got > 1 and e >= 0:
        more = S.accounts[e]
        outdate(S, stash, e)
        more.left += got - 1
        more.at = S.control[0].now + np.int64(step.y)
        S.pools[stash].taken += got - 1
    return pc + 1


@jit
def outdate(S, stash, e):  # type: ignore[no-untyped-def]
    """What was taken ahead and is no longer good is lost."""
    row = S.accounts[e]
    if row.left > 0.0 and S.control[0].now >= row.at:
        S.pools[stash].ended += np.int64(row.left)
        row.left = 0.0


@jit
def from_stash(S, i, pc):  # type: ignore[no-untyped-def]
    """One of the units that this machine has taken ahead, if it has one."""
    step = S.code[pc]
    stash = np.int64(step.a)
    pool = np.int64(step.num)
    p = S.pools[pool]
    key = key_in(S, i, step.b)
    machine = S.registers[i, step.law] if step.law >= 0 else np.int64(-1)
    own = at_machine(key, machine)
    S.registers[i, step.d] = np.int64(own)
    e = find_account(S, stash, own)
    if e < 0:
        e = add_account(S, stash, own)
        S.accounts[e].machine = machine
        share = share_of(S, pool, key)
        rate = p.asked * share / p.shared
        if rate > 0.0:
            most = min(p.ahead, math.floor(capacity_of(S, pool, share)))
            salt = mix(own ^ mix(S.control[0].seed + p.salt))
            stationary_stash(S, e, rate, max(most, 1.0), np.float64(p.keep), salt)
            S.pools[stash].taken += np.int64(S.accounts[e].left)
    row = S.accounts[e]
    outdate(S, stash, e)
    if row.left >= 1.0:
        row.left -= 1.0
        S.pools[stash].passed += 1
        let_through(S, i, account_of(S, pool, key, key), np.int64(1), np.int64(step.x))
        S.registers[i, step.c] = 1
    else:
        S.registers[i, step.c] = 0
    return pc + 1


@jit
def shown_free(S, pool, key, seen):  # type: ignore[no-untyped-def]
    """Whether a key was free at a moment in the past, as far as its last change tells."""
    a = find_account(S, pool, key)
    if a < 0:
        return True
    row = S.accounts[a]
    free = row.held < row.capacity
    return free if row.since <= seen else not free


@jit
def chosen_before(S, i, at, n, key):  # type: ignore[no-untyped-def]
    """Whether a key is among the first n of a list."""
    for j in range(n):
        if S.registers[i, at + 1 + j] == key:
            return True
    return False


@jit
def choose(S, i, pc):  # type: ignore[no-untyped-def]
    """Different keys among those that are shown as free."""
    step = S.code[pc]
    pool = np.int64(step.a)
    population = S.pools[pool].population
    pop = S.populations[population]
    most = min(np.int64(step.x), pop.keys)
    n = np.int64(min(max(number(S, i, np.int64(step.num)), 1.0), np.float64(most)))
    seen = S.control[0].now
    if step.c >= 0 and S.registers[i, step.c] >= 0:
        seen = S.registers[i, step.c]
    base = mix(S.tasks[i].key + step.salt)
    draws = np.uint64(0)
    for j in range(n):
        key = np.int64(0)
        found = False
        for _ in range(CHOICES):
            draws += np.uint64(1)
            key = pop.tag + draw_index(S, population, unit(mix(base + draws * GOLDEN)))
            if not chosen_before(S, i, step.b, j, key) and shown_free(S, pool, np.uint64(key), seen):
                found = True
                break
        looked = np.int64(0)
        while not found and looked < LOOKED_THROUGH + j:
            looked += 1
            key = pop.tag + 1 + (key - pop.tag) % pop.keys
            if not chosen_before(S, i, step.b, j, key):
                found = bool(looked >= LOOKED_THROUGH or shown_free(S, pool, np.uint64(key), seen))
        S.registers[i, step.b + 1 + j] = key
    S.registers[i, step.b] = n
    return pc + 1


@jit
def look(S, i, pc):  # type: ignore[no-untyped-def]
    """How much is left, for a later `write`."""
    step = S.code[pc]
    pool = np.int64(step.a)
    a = account_at(S, i, step, pool)
    left = free_units(S, a)
    S.registers[i, step.c] = np.int64(left * FINE)
    if left < 1.0:
        return turn_away(S, i, pool, np.int64(1), within_bound(S, a) >= 1.0, step)
    return pc + 1


@jit
def write(S, i, pc):  # type: ignore[no-untyped-def]
    """What was read, less one unit: what others have taken since is forgotten."""
    step = S.code[pc]
    pool = np.int64(step.a)
    touch_pool(S, pool)
    p = S.pools[pool]
    a = account_at(S, i, step, pool)
    if p.spends:
        S.accounts[a].left = S.registers[i, step.c] / FINE - 1.0
        p.taken += 1
        let_through(S, i, a, np.int64(1), np.int64(step.d))
        return pc + 1
    k = new_lease(S, a, np.int64(1), HELD)
    hold(S, a, np.int64(1))
    if step.law >= 0:
        set_term(S, k, np.int64(step.law))
    S.registers[i, step.d] = handle_of(S, k)
    return pc + 1


@jit
def stand_still(S, i, pc):  # type: ignore[no-untyped-def]
    """Waits for what the request stands in line for; -1 where it must."""
    k = lease_of(S, S.registers[i, S.code[pc].c])
    if k < 0 or S.leases[k].state != WAITING:
        return pc + 1
    t = S.tasks[i]
    t.pc = pc
    t.state = LINED
    t.machine = k
    S.leases[k].task = i
    return np.int64(-1)


@jit
def abandon_line(S, k):  # type: ignore[no-untyped-def]
    """Nobody waits any more for what a request that was given up stands in line for."""
    if S.leases[k].state == WAITING:
        touch_pool(S, S.accounts[S.leases[k].account].pool)
        leave_line(S, k)


@jit
def is_left(S, i, step):  # type: ignore[no-untyped-def]
    """Whether a unit of a pool can be had: of a key, or of any."""
    p = S.pools[step.c]
    if step.b >= 0 or step.mask > np.uint64(0) or p.spends:
        return free_units(S, account_at(S, i, step, np.int64(step.c))) >= 1.0
    return p.total < 0.0 or p.held < p.total


@jit
def bounded_step(S, i, pc):  # type: ignore[no-untyped-def]
    """A step on something bounded; returns where the task goes on, or -1 where it stands still."""
    step = S.code[pc]
    op = step.op
    if op == CLAIM:
        return claim(S, i, pc)
    if op == STASH:
        return from_stash(S, i, pc)
    if op == AHEAD:
        return claim_ahead(S, i, pc)
    if op == AWAIT_:
        return stand_still(S, i, pc)
    if op == CHOOSE:
        return choose(S, i, pc)
    if op == LOOK:
        return look(S, i, pc)
    if op == WRITE:
        return write(S, i, pc)
    if op == IF_HOLDS:
        return pc + 1 if all_held(S, S.registers[i, step.c]) else np.int64(step.a)
    if op == SEE:
        S.registers[i, step.a] = S.control[0].now
        if step.b >= 0:
            e = find_entry(S, np.int64(step.b), np.uint64(S.registers[i, step.c]))
            if e >= 0 and S.entries[e].present:
                S.registers[i, step.a] = S.entries[e].inserted
    elif op == PASS:
        a = account_at(S, i, step, np.int64(step.a))
        let_through(S, i, a, np.int64(1), np.int64(step.c))
    elif op == RETURN:
        if S.pools[step.a].spends:
            a = account_at(S, i, step, np.int64(step.a))
            row = S.accounts[a]
            row.left = min(row.capacity, row.left + 1.0)
            row.bound = min(row.capacity, row.bound + 1.0)
            S.pools[step.a].given_back += 1
        else:
            give_back(S, S.registers[i, step.c])
            S.registers[i, step.c] = -1
    elif op == EXTEND or op == KEEP:
        touch_pool(S, np.int64(step.a))
        if not all_held(S, S.registers[i, step.c]):
            S.tasks[i].outcome = _REFUSED
            return np.int64(step.fail)
        prolong(S, S.registers[i, step.c], np.int64(step.law))
    elif op == SWEEP:
        sweep(S, i, step)
    elif op == COUNT_OVER:
        S.registers[i, step.b] = S.pools[step.a].over
    else:  # IF_LEFT
        return pc + 1 if is_left(S, i, step) == (step.d == 0) else np.int64(step.a)
    return pc + 1
