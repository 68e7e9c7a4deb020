"""Which keys are locked, and who waits for them? A hash table of the keys that somebody has, each with a queue.

A key that nobody has has no entry: the table is as long as there are keys locked at one time, and its entries
are used again.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, mix
from toscale.engine.jit import jit


@jit
def touch_lock(S, lock):  # type: ignore[no-untyped-def]
    """Brings a lock's integrals over time up to now; to be called before its counts change."""
    k = S.locks[lock]
    now = S.control[0].now
    passed = np.float64(now - k.touched)
    k.waiting_time += passed * k.waiting
    k.held_time += passed * k.held
    k.touched = now


@jit
def locked_bucket(S, lock, key):  # type: ignore[no-untyped-def]
    """Where the chain of a key's entries begins."""
    return np.int64(mix(key + np.uint64(lock) * GOLDEN) & np.uint64(S.control[0].n_locked_buckets - 1))


@jit
def find_locked(S, lock, key):  # type: ignore[no-untyped-def]
    """The entry of a key that somebody has; -1 where nobody does."""
    e = np.int64(S.locked_buckets[locked_bucket(S, lock, key)])
    while e >= 0 and (S.locked[e].key != key or S.locked[e].lock != lock):
        e = np.int64(S.locked[e].chain)
    return e


@jit
def add_locked(S, lock, key):  # type: ignore[no-untyped-def]
    """An entry for a key that nobody had."""
    c = S.control[0]
    e = c.free_locked
    row = S.locked[e]
    c.free_locked = row.chain
    c.locked_keys += 1
    row.key = key
    row.lock = lock
    row.head = -1
    row.tail = -1
    b = locked_bucket(S, lock, key)
    row.chain = S.locked_buckets[b]
    S.locked_buckets[b] = e
    return e


@jit
def remove_locked(S, e):  # type: ignore[no-untyped-def]
    """The key is free: its entry may be used for another."""
    c = S.control[0]
    row = S.locked[e]
    b = locked_bucket(S, np.int64(row.lock), row.key)
    at = np.int64(S.locked_buckets[b])
    if at == e:
        S.locked_buckets[b] = row.chain
    else:
        while S.locked[at].chain != e:
            at = np.int64(S.locked[at].chain)
        S.locked[at].chain = row.chain
    row.lock = -1
    row.chain = c.free_locked
    c.free_locked = e
    c.locked_keys -= 1


@jit
def rehash_locked(S):  # type: ignore[no-untyped-def]
    """Puts every entry into its bucket, after the buckets have become more."""
    for e in range(S.control[0].n_locked):
        row = S.locked[e]
        if row.lock >= 0:
            b = locked_bucket(S, np.int64(row.lock), row.key)
            row.chain = S.locked_buckets[b]
            S.locked_buckets[b] = e


@jit
def wait_for_locked(S, i, e):  # type: ignore[no-untyped-def]
    """The task stands behind the others who wait for the key."""
    t = S.tasks[i]
    row = S.locked[e]
    t.machine = e
    t.asked = S.control[0].now
    t.behind = -1
    t.ahead = row.tail
    if row.tail >= 0:
        S.tasks[row.tail].behind = i
    else:
        row.head = i
    row.tail = i


@jit
def leave_locked(S, i):  # type: ignore[no-untyped-def]
    """Takes a task out of the queue for the key that it waits for."""
    t = S.tasks[i]
    row = S.locked[t.machine]
    if t.ahead >= 0:
        S.tasks[t.ahead].behind = t.behind
    else:
        row.head = t.behind
    if t.behind >= 0:
        S.tasks[t.behind].ahead = t.ahead
    else:
        row.tail = t.ahead
    t.ahead = -1
    t.behind = -1
