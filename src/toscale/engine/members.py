"""Who holds a connection, and at which machine? Members of a population of any size, as counts and by name.

Those who hold one at the beginning are a count for each machine. Every member has a place among all by a
permutation of his own (a Feistel network over hashes; Black & Rogaway, "Ciphers with arbitrary finite domains",
2002), and the first places are those that are held, machine after machine: so that whether someone is connected,
and where, is a pure function of the key, and someone who is, or is not, can be drawn directly. Only what has
changed in the run is remembered, by name: connections that were opened, and early ones that have closed.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, draw_index, mix, unit
from toscale.engine.jit import jit

_ROUNDS = 4  # of the permutation: with four it cannot be told from a random one (Luby & Rackoff, 1988)
_TRIES = 64  # draws before one looks through all places instead
_BY_NAME = 256  # draws by popularity of someone who is connected, before all who are count as equally popular
_ONE = np.uint64(1)


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
