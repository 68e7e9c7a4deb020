"""When do connections open and close, and what happens then? One after the other, or all of a machine at once.

Someone without a connection opens one after an exponential time, and it lasts as long as its law says, of those
held at the beginning (the early ones) the residual of it: an M/G/infinity queue, with finitely many customers
(Engset; insensitive to the law). The next early one to close is the first of so many independent residual times.
Who they are is in `toscale.engine.members`.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, draw_law, mix, unit
from toscale.engine.jit import jit
from toscale.engine.members import (
    add_socket,
    await_due,
    connected_one,
    early_one,
    find_socket,
    forget_socket,
    free_one,
    holder_of,
    is_open,
    leave_due,
    machine_at,
    member_at,
    place_of,
    places_end,
)
from toscale.engine.model import Happening
from toscale.engine.state import Op
from toscale.engine.tasks import start_request
from toscale.engine.tree import NEVER, schedule

OPENING, CLOSING, DUE, SWEEP = 0, 1, 2, 3
"""What the leaves of a connection are for: someone opens one; an early one closes; the first of those that are
remembered closes, or tries again; what was lost is seen to.
"""
LEAVES = 4

CELLS, LAST = 256, 24
"""The table of residual times: when so much of the early ones' own time, a unit exponential, is over, in so many
cells a unit, up to LAST.
"""

OPENS, CLOSES = int(Happening.OPENS), int(Happening.CLOSES)
_TRIES = 64  # draws of a machine before one takes the next that is in
_HOLDER = int(Op.HOLDER)
_RANDOM, _LEAST, _TWO = 1, 2, 3  # the station's policies, as in `toscale.engine.machines`


def event_code(connection, happens):  # type: ignore[no-untyped-def]
    """What stands in place of the number of a flow in a rule of `after`, where an event starts another."""
    return -(2 + 2 * connection + happens)


# ---- opening and closing -----------------------------------------------------------------------------------------


@jit
def settle(S, n):  # type: ignore[no-untyped-def]
    """Brings a connection's integral and the next opening's own time up to now; before any count changes."""
    c = S.connections[n]
    passed = np.float64(S.control[0].now - c.touched)
    if passed > 0.0:
        c.open_time += passed * c.open
        c.debt -= passed * c.rate * (c.members - c.open - c.waiting)
        c.touched = S.control[0].now


@jit
def plan_opening(S, n):  # type: ignore[no-untyped-def]
    """Schedules the next opening, by the number of those who have none."""
    c = S.connections[n]
    rate = c.rate * (c.members - c.open - c.waiting)
    wait = max(c.debt, 0.0) / rate if rate > 0.0 else 4.0e18
    time = NEVER
    if wait < 4.0e18 - np.float64(S.control[0].now):
        time = S.control[0].now + np.int64(wait + 0.5)
    schedule(S, c.leaf + OPENING, time)


@jit
def plan_closing(S, n, seed):  # type: ignore[no-untyped-def]
    """Schedules the closing of the next early one: the first of so many residual times."""
    c = S.connections[n]
    if c.early == 0:
        schedule(S, c.leaf + CLOSING, NEVER)
        return
    c.outlived -= np.log(unit(mix(seed))) / c.early
    x = c.outlived * CELLS
    k = min(np.int64(x), np.int64(LAST * CELLS - 1))
    low = S.residuals[n, k]
    time = np.int64(min(low + (x - k) * (S.residuals[n, k + 1] - low), 4.0e18))
    schedule(S, c.leaf + CLOSING, max(time, S.control[0].now))


@jit
def plan_due(S, n):  # type: ignore[no-untyped-def]
    """Schedules the first of what is due."""
    c = S.connections[n]
    time = S.sockets[S.due[n, 0]].until if c.due > 0 else NEVER
    schedule(S, c.leaf + DUE, time)


@jit
def draw_machine(S, n, seed):  # type: ignore[no-untyped-def]
    """A machine that new connections are sent to, each as likely; any, where there is none."""
    c = S.connections[n]
    machines = S.stations[c.station].shards * S.stations[c.station].copies
    k = np.int64(seed % np.uint64(machines))
    tries = np.uint64(0)
    while S.holds[c.first + k].out and tries < np.uint64(_TRIES):
        tries += np.uint64(1)
        k = np.int64(mix(seed + tries * GOLDEN) % np.uint64(machines))
    for _ in range(machines):
        if not S.holds[c.first + k].out:
            break
        k = k + 1 if k + 1 < machines else np.int64(0)
    return k


@jit
def choose(S, n, seed):  # type: ignore[no-untyped-def]
    """The machine that a new connection goes to, by its station's policy."""
    c = S.connections[n]
    s = S.stations[c.station]
    machines = s.shards * s.copies
    if machines == 1:
        return np.int64(0)
    if s.policy == _RANDOM or s.policy == _TWO:
        first = draw_machine(S, n, mix(seed + GOLDEN))
        if s.policy == _RANDOM:
            return first
        other = np.int64(mix(seed + GOLDEN + GOLDEN) % np.uint64(machines - 1))
        other += other >= first
        if S.holds[c.first + other].out:
            return first
        return other if S.holds[c.first + other].open < S.holds[c.first + first].open else first
    if s.policy == _LEAST:
        start = np.int64(mix(seed + GOLDEN) % np.uint64(machines))
        best = np.int64(-1)
        for k in range(machines):
            m = start + k if start + k < machines else start + k - machines
            h = S.holds[c.first + m]
            if not h.out and (best < 0 or h.open < S.holds[c.first + best].open):
                best = m
        return best if best >= 0 else start
    turn = np.int64(c.turn if c.turn < machines else 0)
    c.turn = turn
    for _ in range(machines):
        turn = np.int64(c.turn)
        c.turn = turn + 1 if turn + 1 < machines else 0
        if not S.holds[c.first + turn].out:
            break
    return turn


@jit
def tell(S, n, happens, key, seed, wait):  # type: ignore[no-untyped-def]
    """Starts the flows that an event starts, with the member's key; `wait`: ticks until it is noticed."""
    c = S.control[0]
    code = -(2 + 2 * n + happens)
    for a in range(c.n_after):
        rule = S.after[a]
        if rule.flow != code:
            continue
        drawn = mix(seed + rule.salt)
        if unit(drawn) >= rule.chance:
            continue
        j = start_request(S, rule.then, mix(drawn + GOLDEN))
        S.registers[j, S.connections[n].register] = key
        pause = wait
        if rule.law >= 0:
            pause += np.int64(draw_law(S, rule.law, unit(mix(drawn + GOLDEN + GOLDEN))))
        S.tasks[j].start = c.now + pause
        schedule(S, c.fixed + j, c.now + pause)


@jit
def connect(S, n, e, key, seed):  # type: ignore[no-untyped-def]
    """A member tries to open a connection; refused where his machine is full, or down. Returns whether it is open."""
    c = S.connections[n]
    machine = choose(S, n, seed)
    h = S.holds[c.first + machine]
    if h.down or (c.limit >= 0 and h.open >= c.limit):
        c.refused += 1
        return False
    if e < 0:
        e = add_socket(S, n, key)
    s = S.sockets[e]
    s.machine = machine
    s.epoch = h.epoch
    s.until = S.control[0].now + np.int64(draw_law(S, c.lasts, unit(mix(seed + np.uint64(3) * GOLDEN))))
    s.newer = -1
    s.older = h.newest
    if h.newest >= 0:
        S.sockets[h.newest].newer = e
    h.newest = e
    h.open += 1
    c.open += 1
    c.opened += 1
    await_due(S, n, e)
    tell(S, n, OPENS, key, mix(seed + np.uint64(4) * GOLDEN), np.int64(0))
    return True


@jit
def open_next(S, n):  # type: ignore[no-untyped-def]
    """Someone without a connection tries to open one."""
    c = S.connections[n]
    c.tries += 1
    seed = mix(mix(S.control[0].seed ^ c.salt) + np.uint64(c.tries) * GOLDEN)
    key = free_one(S, n, seed)
    connect(S, n, find_socket(S, n, key), key, mix(seed + GOLDEN))
    c.debt = -np.log(unit(mix(seed + c.salt)))
    plan_due(S, n)


@jit
def close_early(S, n):  # type: ignore[no-untyped-def]
    """One of those held since the beginning closes."""
    c = S.connections[n]
    seed = mix(mix(S.control[0].seed ^ mix(c.salt)) + np.uint64(c.early) * GOLDEN)
    key = early_one(S, n, seed)
    h = S.holds[c.first + machine_at(S, n, place_of(S, n, key - c.tag - 1))]
    add_socket(S, n, key)
    h.open -= 1
    h.early -= 1
    c.open -= 1
    c.early -= 1
    c.closed += 1
    tell(S, n, CLOSES, key, mix(seed + GOLDEN), np.int64(0))
    plan_closing(S, n, mix(seed + c.salt))


@jit
def unlist(S, n, e):  # type: ignore[no-untyped-def]
    """Takes a connection out of its machine's list."""
    s = S.sockets[e]
    if s.newer >= 0:
        S.sockets[s.newer].older = s.older
    else:
        S.holds[S.connections[n].first + s.machine].newest = s.older
    if s.older >= 0:
        S.sockets[s.older].newer = s.newer
    s.newer = -1
    s.older = -1


@jit
def wait_again(S, n, e, seed):  # type: ignore[no-untyped-def]
    """Who has lost a connection tries again a little later."""
    c = S.connections[n]
    s = S.sockets[e]
    s.waiting = 1
    c.waiting += 1
    s.until = S.control[0].now + np.int64(draw_law(S, c.again, unit(mix(seed))))
    await_due(S, n, e)


@jit
def end_or_try(S, n):  # type: ignore[no-untyped-def]
    """What is due first: a connection closes, or one who has lost his tries again."""
    c = S.connections[n]
    e = np.int64(S.due[n, 0])
    leave_due(S, n, e)
    s = S.sockets[e]
    key = np.int64(s.key)
    seed = mix(mix(S.control[0].seed ^ c.salt) + mix(np.uint64(key) + np.uint64(s.until)))
    if s.waiting:
        s.waiting = 0
        c.waiting -= 1
        if not connect(S, n, e, key, seed):
            wait_again(S, n, e, mix(seed + GOLDEN))
    elif is_open(S, n, e):
        unlist(S, n, e)
        h = S.holds[c.first + s.machine]
        h.open -= 1
        c.open -= 1
        c.closed += 1
        s.machine = -1
        if place_of(S, n, key - c.tag - 1) >= c.first_open:
            forget_socket(S, e)
        tell(S, n, CLOSES, key, mix(seed + GOLDEN), np.int64(0))
    plan_due(S, n)


# ---- all at once -------------------------------------------------------------------------------------------------


@jit
def lose_connections(S, machine, noticed):  # type: ignore[no-untyped-def]
    """Closes all connections that a machine (its number among all) holds, at this moment.

    What their closing starts begins `noticed` ticks later. Each member tries again after a draw of `again`: the
    load is spread as that law says, and each that succeeds is an opening like any other. One after the other is
    seen to at this same moment, however many there are, so that no array must hold them all at once.
    """
    station = np.int64(S.machines[machine].station)
    for n in range(S.control[0].n_connections):
        c = S.connections[n]
        if c.station != station or c.members == 0:
            continue
        settle(S, n)
        here = machine - S.stations[station].first
        h = S.holds[c.first + here]
        if h.place < 0:
            h.sweep = c.sweep
            c.sweep = here
            h.place = h.first if h.epoch == 0 else places_end(S, n, here)
        last = np.int64(h.newest)
        if last >= 0:  # before those lost at this moment already, of which there are hardly ever any
            while h.lost >= 0 and S.sockets[last].older >= 0:
                last = np.int64(S.sockets[last].older)
            if h.lost >= 0:
                S.sockets[last].older = h.lost
                S.sockets[h.lost].newer = last
            h.lost = h.newest
        h.newest = -1
        h.noticed = noticed
        h.epoch += 1
        c.lost += h.open
        c.open -= h.open
        c.early -= h.early
        h.open = 0
        h.early = 0
        schedule(S, c.leaf + SWEEP, S.control[0].now)
        if c.early == 0:
            schedule(S, c.leaf + CLOSING, NEVER)


@jit
def admit_connections(S, machine, out, down):  # type: ignore[no-untyped-def]
    """Whether new connections are sent elsewhere than to a machine (its number among all), and whether those that
    come all the same are refused: from now on.
    """
    station = np.int64(S.machines[machine].station)
    for n in range(S.control[0].n_connections):
        c = S.connections[n]
        if c.station == station and c.members > 0:
            h = S.holds[c.first + machine - S.stations[station].first]
            h.out = out
            h.down = down


@jit
def see_to_lost(S, n):  # type: ignore[no-untyped-def]
    """The next member who has lost a connection knows it, and will try again."""
    c = S.connections[n]
    here = np.int64(c.sweep)
    h = S.holds[c.first + here]
    key = np.int64(-1)
    e = np.int64(-1)
    if h.lost >= 0:
        e = np.int64(h.lost)
        h.lost = S.sockets[e].older
        if h.lost >= 0:
            S.sockets[h.lost].newer = -1
        S.sockets[e].older = -1
        if S.sockets[e].at >= 0:
            leave_due(S, n, e)
        S.sockets[e].machine = -1
        key = np.int64(S.sockets[e].key)
    else:
        end = places_end(S, n, here)
        while h.place < end and key < 0:
            candidate = c.tag + 1 + member_at(S, n, np.int64(h.place))
            h.place += 1
            if find_socket(S, n, candidate) < 0:
                key = candidate
        if key >= 0:
            e = add_socket(S, n, key)
        else:
            h.place = -1
            c.sweep = h.sweep
    if key >= 0:
        seed = mix(mix(S.control[0].seed ^ mix(c.salt)) + mix(np.uint64(key) + np.uint64(S.control[0].now)))
        if c.again >= 0:
            wait_again(S, n, e, seed)
        elif place_of(S, n, key - c.tag - 1) >= c.first_open:
            forget_socket(S, e)
        tell(S, n, CLOSES, key, mix(seed + GOLDEN), np.int64(h.noticed))
    schedule(S, c.leaf + SWEEP, S.control[0].now if c.sweep >= 0 else NEVER)
    plan_due(S, n)


@jit
def happen(S, leaf):  # type: ignore[no-untyped-def]
    """What comes next of a connection; `leaf` counts those of all connections, four each."""
    n = leaf // LEAVES
    what = leaf % LEAVES
    settle(S, n)
    if what == OPENING:
        open_next(S, n)
    elif what == CLOSING:
        close_early(S, n)
    elif what == DUE:
        end_or_try(S, n)
    else:
        see_to_lost(S, n)
    plan_opening(S, n)


@jit
def count_connection(S, n):  # type: ignore[no-untyped-def]
    """The counts as they stand at the end of a window, with what the fullest machine holds."""
    settle(S, n)
    c = S.connections[n]
    fullest = np.int64(0)
    for k in range(S.stations[c.station].machines):
        fullest = max(fullest, np.int64(S.holds[c.first + k].open))
    c.fullest += fullest
    c.windows += 1


# ---- steps -------------------------------------------------------------------------------------------------------


@jit
def meet_holder(S, i, step):  # type: ignore[no-untyped-def]
    """HOLDER: someone who is connected, into a register that holds nobody. REACH: the machine that holds the
    member's connection, into a register. Returns whether there is one.
    """
    if step.op == _HOLDER:
        if S.registers[i, step.a] < 0:
            S.registers[i, step.a] = connected_one(S, np.int64(step.b), mix(S.tasks[i].request + step.salt))
        return S.registers[i, step.a] >= 0
    machine = holder_of(S, np.int64(step.c), S.registers[i, step.d])
    if machine < 0:
        return False
    machine += S.stations[step.a].first
    S.registers[i, step.b] = machine
    S.machines[machine].outstanding += 1
    return True
