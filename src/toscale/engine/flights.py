"""Who asks for what is being fetched already waits for that instead of fetching it again.

Those who miss one key at the same moment become one call: a flight, that belongs to the cache and not to
whoever asked first, so that it goes on when that one gives up (request collapsing in a proxy's cache,
`singleflight` in a process). All who ask wait for its end, the first among them, holding what they hold, and go
on with its outcome. A flight lies among the entries, under a number beyond those of the stores.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.jit import jit
from toscale.engine.stores import bucket_of, find, remove_entry
from toscale.engine.tasks import ALOFT, end_task, resume, spawn


@jit
def join_flight(S, i, step):  # type: ignore[no-untyped-def]
    """The task waits for the flight of its key, which is started where there is none."""
    group = np.int64(step.b)
    f = S.flights[group]
    f.asked += 1
    key = np.uint64(S.registers[i, step.c])
    store = S.control[0].n_stores + group
    e = find(S, store, key)
    if e < 0:
        f.led += 1
        f.aloft += 1
        e = add_flight(S, store, key)
        j = spawn(S, i, np.int64(step.a), step.salt, np.int64(0), False)
        S.registers[j, step.d] = e
    t = S.tasks[i]
    row = S.entries[e]
    t.state = ALOFT
    t.behind = -1
    if row.spare < 0:
        row.spare = i
    else:
        S.tasks[row.last].behind = i
    row.last = i
    f.waiting += 1


@jit
def add_flight(S, store, key):  # type: ignore[no-untyped-def]
    """An entry for a flight, with nobody who waits for it yet."""
    c = S.control[0]
    e = c.free_entry
    if e >= 0:
        c.free_entry = S.entries[e].chain
    else:
        e = c.entries
        c.entries += 1
    row = S.entries[e]
    row.key = key
    row.store = store
    row.shard = -1
    row.present = 0
    row.newer = -1
    row.older = -1
    row.spare = -1
    b = bucket_of(S, store, key)
    row.chain = S.buckets[b]
    S.buckets[b] = e
    return e


@jit
def leave_flight(S, i):  # type: ignore[no-untyped-def]
    """A task that waits for a flight no longer does."""
    step = S.code[S.tasks[i].pc]
    group = np.int64(step.b)
    e = find(S, S.control[0].n_stores + group, np.uint64(S.registers[i, step.c]))
    row = S.entries[e]
    before = np.int64(-1)
    j = np.int64(row.spare)
    while j != i:
        before = j
        j = np.int64(S.tasks[j].behind)
    following = S.tasks[i].behind
    S.tasks[i].behind = -1
    if before < 0:
        row.spare = following
    else:
        S.tasks[before].behind = following
    if row.last == i:
        row.last = before
    S.flights[group].waiting -= 1


@jit
def land(S, i, step):  # type: ignore[no-untyped-def]
    """The flight has ended; all who wait for it go on with its outcome, in the order in which they came."""
    f = S.flights[step.b]
    e = S.registers[i, step.d]
    j = S.entries[e].spare
    while j >= 0:
        following = S.tasks[j].behind
        S.tasks[j].behind = -1
        f.waiting -= 1
        if S.tasks[j].abandoned and S.tasks[j].held == 0:
            end_task(S, j)
        else:
            resume(S, j, np.int64(S.tasks[i].outcome))
        j = following
    S.entries[e].spare = 0
    remove_entry(S, e)
    f.aloft -= 1
