"""Who holds a connection, and at which machine? Members of a population of any size, as counts and by name.

Those who hold one at the beginning are a count for each machine. Every member has a place among all by a
permutation of his own (a Feistel network over hashes; Black & Rogaway, "Ciphers with arbitrary finite domains",
2002), and the first places are those that are held, machine after machine: so that whether someone is connected,
and where, is a pure function of the key, and someone who is, or is not, can be drawn directly. Only what has
changed in the run is remembered, by name: connections that were opened, and early ones that have closed.

Someone without a connection opens one after an exponential time, and it lasts as long as its law says, of the
early ones the residual of it: an M/G/infinity queue, with finitely many customers (Engset; insensitive to the law).
The next early one to close is the first of so many independent residual times.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, draw_index, draw_law, mix, unit
from toscale.engine.jit import jit
from toscale.engine.model import Happening
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
_ROUNDS = 4  # of the permutation: with four it cannot be told from a random one (Luby & Rackoff, 1988)
_TRIES = 64  # draws before one looks through all places instead
_BY_NAME = 256  # draws by popularity of someone who is connected, before all who are count as equally popular
_ONE = np.uint64(1)
_RANDOM, _LEAST, _TWO = 1, 2, 3  # the station's policies, as in `toscale.engine.machines`


def event_code(connection, happens):  # type: ignore[no-untyped-def]
    """What stands in place of the number of a flow in a rule of `after`, where an event starts another."""
    return -(2 + 2 * connection + happens)


# ---- places ------------------------------------------------------------------------------------------------------


@jit
def half_of(place, salt, k):  # type: ignore[no-untyped-def]
    """One round's hash of half a place."""
    return mix(mix(place + salt) + np.uint64(k) * GOLDEN)


@jit
def place_of(S, n, member):  # type: ignore[no-untyped-def]
    """The place of a member, both from 0."""
    c = S.connections[n]
    half = np.uint64(c.half)
    mask = (_ONE << half) - _ONE
    y = np.uint64(member)
    while True:
        left = y >> half
        right = y & mask
        for k in range(_ROUNDS):
            other = left ^ (half_of(right, c.salt, k) & mask)
            left = right
            right = other
        y = (left << half) | right
        if np.int64(y) < c.members:
            return np.int64(y)


@jit
def member_at(S, n, place):  # type: ignore[no-untyped-def]
    """The member who has a place: the inverse of `place_of`."""
    c = S.connections[n]
    half = np.uint64(c.half)
    mask = (_ONE << half) - _ONE
    y = np.uint64(place)
    while True:
        left = y >> half
        right = y & mask
        for k in range(_ROUNDS):
            other = right ^ (half_of(left, c.salt, _ROUNDS - 1 - k) & mask)
            right = left
            left = other
        y = (left << half) | right
        if np.int64(y) < c.members:
            return np.int64(y)


@jit
def machine_at(S, n, place):  # type: ignore[no-untyped-def]
    """The machine that holds an early connection, by its place."""
    c = S.connections[n]
    low = np.int64(0)
    high = S.stations[c.station].machines - 1
    while low < high:
        middle = (low + high + 1) // 2
        if S.holds[c.first + middle].first <= place:
            low = middle
        else:
            high = middle - 1
    return low


@jit
def places_end(S, n, machine):  # type: ignore[no-untyped-def]
    """The place behind the last of a machine's early connections."""
    c = S.connections[n]
    if machine + 1 < S.stations[c.station].machines:
        return np.int64(S.holds[c.first + machine + 1].first)
    return np.int64(c.first_open)


# ---- what is remembered ------------------------------------------------------------------------------------------


@jit
def socket_bucket(S, n, key):  # type: ignore[no-untyped-def]
    """Where the chain of a member's sockets begins."""
    hashed = mix(np.uint64(key) + np.uint64(n + 1) * GOLDEN)
    return np.int64(hashed & np.uint64(S.control[0].n_socket_buckets - 1))


@jit
def find_socket(S, n, key):  # type: ignore[no-untyped-def]
    """What is remembered of a member; -1 where nothing has changed."""
    e = np.int64(S.socket_buckets[socket_bucket(S, n, key)])
    while e >= 0 and (S.sockets[e].key != key or S.sockets[e].connection != n):
        e = np.int64(S.sockets[e].chain)
    return e


@jit
def add_socket(S, n, key):  # type: ignore[no-untyped-def]
    """Remembers a member of whom nothing was; closed."""
    c = S.control[0]
    e = c.free_socket
    if e >= 0:
        c.free_socket = S.sockets[e].chain
    else:
        e = c.used_sockets
        c.used_sockets += 1
    s = S.sockets[e]
    s.key = key
    s.connection = n
    s.machine = -1
    s.waiting = 0
    s.at = -1
    s.newer = -1
    s.older = -1
    b = socket_bucket(S, n, key)
    s.chain = S.socket_buckets[b]
    S.socket_buckets[b] = e
    return e


@jit
def forget_socket(S, e):  # type: ignore[no-untyped-def]
    """A member is again as at the beginning."""
    s = S.sockets[e]
    b = socket_bucket(S, np.int64(s.connection), np.int64(s.key))
    at = np.int64(S.socket_buckets[b])
    if at == e:
        S.socket_buckets[b] = s.chain
    else:
        while S.sockets[at].chain != e:
            at = np.int64(S.sockets[at].chain)
        S.sockets[at].chain = s.chain
    c = S.control[0]
    s.connection = -1
    s.chain = c.free_socket
    c.free_socket = e


@jit
def rehash_sockets(S):  # type: ignore[no-untyped-def]
    """Fills the (empty, larger) buckets."""
    for e in range(S.control[0].used_sockets):
        s = S.sockets[e]
        if s.connection >= 0:
            b = socket_bucket(S, np.int64(s.connection), np.int64(s.key))
            s.chain = S.socket_buckets[b]
            S.socket_buckets[b] = e


# ---- what is due -------------------------------------------------------------------------------------------------


@jit
def sooner(S, one, other):  # type: ignore[no-untyped-def]
    """Which of two is due first; the number decides at one moment."""
    a = S.sockets[one].until
    b = S.sockets[other].until
    return a < b or (a == b and one < other)


@jit
def sift(S, n, k):  # type: ignore[no-untyped-def]
    """Moves the entry at k up or down a connection's heap, to where it belongs."""
    size = S.connections[n].due
    e = np.int64(S.due[n, k])
    while k > 0:
        up = (k - 1) // 2
        other = np.int64(S.due[n, up])
        if not sooner(S, e, other):
            break
        S.due[n, k] = other
        S.sockets[other].at = k
        k = up
    while 2 * k + 1 < size:
        down = 2 * k + 1
        if down + 1 < size and sooner(S, np.int64(S.due[n, down + 1]), np.int64(S.due[n, down])):
            down += 1
        other = np.int64(S.due[n, down])
        if not sooner(S, other, e):
            break
        S.due[n, k] = other
        S.sockets[other].at = k
        k = down
    S.due[n, k] = e
    S.sockets[e].at = k


@jit
def await_due(S, n, e):  # type: ignore[no-untyped-def]
    """Puts a member into the heap of what is due."""
    c = S.connections[n]
    S.due[n, c.due] = e
    c.due += 1
    sift(S, n, c.due - 1)


@jit
def leave_due(S, n, e):  # type: ignore[no-untyped-def]
    """Takes a member out of the heap, wherever he is."""
    c = S.connections[n]
    k = np.int64(S.sockets[e].at)
    c.due -= 1
    last = np.int64(S.due[n, c.due])
    S.sockets[e].at = -1
    if last != e:
        S.due[n, k] = last
        sift(S, n, k)


# ---- who is connected --------------------------------------------------------------------------------------------


@jit
def is_open(S, n, e):  # type: ignore[no-untyped-def]
    """Whether the connection that is remembered so is open: not closed, and not lost with its machine."""
    s = S.sockets[e]
    return s.machine >= 0 and s.epoch == S.holds[S.connections[n].first + s.machine].epoch


@jit
def holder_of(S, n, key):  # type: ignore[no-untyped-def]
    """The machine, counted from its station's first, that holds a member's connection; -1 where none is open."""
    e = find_socket(S, n, key)
    if e >= 0:
        return np.int64(S.sockets[e].machine) if is_open(S, n, e) else np.int64(-1)
    c = S.connections[n]
    member = key - c.tag - 1
    if member < 0 or member >= c.members:
        return np.int64(-1)
    place = place_of(S, n, member)
    if place >= c.first_open:
        return np.int64(-1)
    machine = machine_at(S, n, place)
    return machine if S.holds[c.first + machine].epoch == 0 else np.int64(-1)


@jit
def is_free(S, n, key):  # type: ignore[no-untyped-def]
    """Whether a member neither has a connection nor waits to open one anew."""
    e = find_socket(S, n, key)
    if e >= 0:
        s = S.sockets[e]
        return s.machine < 0 and s.waiting == 0
    c = S.connections[n]
    return place_of(S, n, key - c.tag - 1) >= c.first_open


@jit
def early_at(S, n, place):  # type: ignore[no-untyped-def]
    """The key of the member whose early connection has that place; -1 where it is no longer open."""
    c = S.connections[n]
    key = c.tag + 1 + member_at(S, n, place)
    if find_socket(S, n, key) >= 0 or S.holds[c.first + machine_at(S, n, place)].epoch > 0:
        return np.int64(-1)
    return key


@jit
def early_one(S, n, seed):  # type: ignore[no-untyped-def]
    """One of those who have held theirs since the beginning; there is one."""
    places = S.connections[n].first_open
    place = np.int64(0)
    for k in range(_TRIES):
        place = np.int64(unit(mix(seed + np.uint64(k) * GOLDEN)) * places)
        key = early_at(S, n, place)
        if key >= 0:
            return key
    while True:
        place = place + 1 if place + 1 < places else np.int64(0)
        key = early_at(S, n, place)
        if key >= 0:
            return key


@jit
def free_one(S, n, seed):  # type: ignore[no-untyped-def]
    """Someone without a connection; there is one."""
    c = S.connections[n]
    member = np.int64(0)
    for k in range(_TRIES):
        member = np.int64(unit(mix(seed + np.uint64(k) * GOLDEN)) * c.members)
        if is_free(S, n, c.tag + 1 + member):
            return c.tag + 1 + member
    while True:
        member = member + 1 if member + 1 < c.members else np.int64(0)
        if is_free(S, n, c.tag + 1 + member):
            return c.tag + 1 + member


@jit
def connected_one(S, n, seed):  # type: ignore[no-untyped-def]
    """Someone who is connected, by popularity; -1 where nobody is."""
    c = S.connections[n]
    if c.open == 0:
        return np.int64(-1)
    if S.populations[c.population].exponent > 0.0:
        for k in range(_BY_NAME):
            key = c.tag + draw_index(S, c.population, unit(mix(seed + np.uint64(k) * GOLDEN)))
            if holder_of(S, n, key) >= 0:
                return key
    if unit(mix(seed)) * c.open < c.early:
        return early_one(S, n, mix(seed + GOLDEN))
    at = np.int64(0)
    for k in range(1, _TRIES):
        at = np.int64(unit(mix(seed + np.uint64(k) * GOLDEN)) * c.due)
        e = np.int64(S.due[n, at])
        if is_open(S, n, e):
            return np.int64(S.sockets[e].key)
    for _ in range(c.due):
        at = at + 1 if at + 1 < c.due else np.int64(0)
        e = np.int64(S.due[n, at])
        if is_open(S, n, e):
            return np.int64(S.sockets[e].key)
    return np.int64(-1)


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
def choose(S, n, seed):  # type: ignore[no-untyped-def]
    """The machine that a new connection goes to, by its station's policy."""
    c = S.connections[n]
    s = S.stations[c.station]
    machines = s.machines
    if machines == 1:
        return np.int64(0)
    first = np.int64(mix(seed + GOLDEN) % np.uint64(machines))
    if s.policy == _RANDOM:
        return first
    if s.policy == _TWO:
        other = np.int64(mix(seed + GOLDEN + GOLDEN) % np.uint64(machines - 1))
        other += other >= first
        return other if S.holds[c.first + other].open < S.holds[c.first + first].open else first
    if s.policy == _LEAST:
        best = first
        for k in range(machines):
            m = first + k if first + k < machines else first + k - machines
            if S.holds[c.first + m].open < S.holds[c.first + best].open:
                best = m
        return best
    turn = np.int64(c.turn)
    c.turn = turn + 1 if turn + 1 < machines else 0
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
    """A member tries to open a connection; refused where his machine is full. Returns whether it is open."""
    c = S.connections[n]
    machine = choose(S, n, seed)
    h = S.holds[c.first + machine]
    if c.limit >= 0 and h.open >= c.limit:
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
def count_connections(S):  # type: ignore[no-untyped-def]
    """The counts as they stand at the end of a window, with what the fullest machine holds."""
    for n in range(S.control[0].n_connections):
        c = S.connections[n]
        if c.members == 0:
            continue
        settle(S, n)
        fullest = np.int64(0)
        for k in range(S.stations[c.station].machines):
            fullest = max(fullest, np.int64(S.holds[c.first + k].open))
        c.fullest += fullest
        c.windows += 1


# ---- steps -------------------------------------------------------------------------------------------------------


@jit
def draw_holder(S, i, step):  # type: ignore[no-untyped-def]
    """HOLDER: someone who is connected, into a register that holds nobody. Returns whether there is one."""
    if S.registers[i, step.a] < 0:
        S.registers[i, step.a] = connected_one(S, np.int64(step.b), mix(S.tasks[i].request + step.salt))
    return S.registers[i, step.a] >= 0


@jit
def reach_holder(S, i, step):  # type: ignore[no-untyped-def]
    """REACH: the machine that holds the member's connection, into a register. Returns whether there is one."""
    machine = holder_of(S, np.int64(step.c), S.registers[i, step.d])
    if machine < 0:
        return False
    machine += S.stations[step.a].first
    S.registers[i, step.b] = machine
    S.machines[machine].outstanding += 1
    return True
