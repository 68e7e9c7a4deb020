"""Which writes does a copy not have yet? The writes of replicated stations that are still on their way.

A write counts (is committed) at one moment, when the machine that takes the writes has done it and as many copies as
must have confirmed it. Each other copy has it later: a draw of the station's lag, or when its own write is done. A
read at a copy is stale where the latest write of its key has not arrived there. Draws are independent from write to
write, and the latest write counts whichever order they arrive in; so the share of stale reads of a key that is written
w times a second is 1 - E[exp(-w lag)], as it is where a copy shows the state of a lag ago.

Only writes on their way are remembered: by Little's law, rate times lag of them. The oldest of a station go as soon as
all its copies have them; those of a key stand in one chain, the latest first, so that a read looks at one of them.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.arrivals import LONGEST
from toscale.engine.draws import GOLDEN, draw_law, mix, unit
from toscale.engine.jit import jit
from toscale.engine.tree import NEVER


@jit
def chain_of(S, r, key):  # type: ignore[no-untyped-def]
    """Where the chain of a key's writes begins."""
    buckets = S.control[0].n_write_buckets
    return np.int64(mix(key + np.uint64(r + 1) * GOLDEN) & np.uint64(buckets - 1))


@jit
def latest(S, r, key):  # type: ignore[no-untyped-def]
    """The latest write of a key that is remembered; -1 where all copies have it."""
    w = np.int64(S.write_buckets[chain_of(S, r, key)])
    while w >= 0 and (S.writes[w].key != key or S.writes[w].replicated != r):
        w = np.int64(S.writes[w].chain)
    return w


@jit
def lag_of(S, i, step, machine):  # type: ignore[no-untyped-def]
    """How long until a machine has a write, in ticks."""
    if step.law < 0:
        return np.int64(0)
    key = S.tasks[i].key + step.salt + np.uint64(machine + 1) * GOLDEN
    return np.int64(min(draw_law(S, np.int64(step.law), unit(mix(key))), LONGEST))


@jit
def commit(S, i, step):  # type: ignore[no-untyped-def]
    """A write counts from now on."""
    r = np.int64(step.a)
    row = S.replicated[r]
    c = S.control[0]
    now = c.now
    forget_arrived(S, r)
    machine = S.registers[i, step.c]
    s = S.stations[row.station]
    base = machine - (machine - s.first) % s.copies
    w = c.free_write
    c.free_write = S.writes[w].chain
    c.written += 1
    write = S.writes[w]
    write.key = np.uint64(S.registers[i, step.b])
    write.request = S.tasks[i].request
    write.at = now
    write.lowest = base
    write.until = now
    write.replicated = r
    row.committed += 1
    for k in range(s.copies):
        seen = now
        if base + k != machine:
            if step.d < 0:
                seen = now + lag_of(S, i, step, base + k)
                count(S, r, seen - now)
            elif (S.registers[i, step.d] >> k) & 1:
                count(S, r, np.int64(0))
            elif (
                S.registers[i, step.d] >> (s.copies + k)
            ) & 1:  # its own write has failed: it gets this one later
                seen = now + lag_of(S, i, step, base + k)
                count(S, r, seen - now)
            else:
                seen = NEVER  # it will say so
        S.seen[w, k] = seen
        write.until = max(write.until, seen)
    b = chain_of(S, r, write.key)
    write.chain = S.write_buckets[b]
    write.newer = -1
    if write.chain >= 0:
        S.writes[write.chain].newer = w
    S.write_buckets[b] = w
    write.later = -1
    if row.newest >= 0:
        S.writes[row.newest].later = w
    else:
        row.oldest = w
    row.newest = w
    if c.written + c.touches >= c.n_writes:
        c.scarce = 1


@jit
def count(S, r, ticks):  # type: ignore[no-untyped-def]
    """A copy has got a write, or will, so long after it counted."""
    S.replicated[r].copied += 1
    S.replicated[r].behind += ticks


@jit
def forget_arrived(S, r):  # type: ignore[no-untyped-def]
    """Forgets the oldest writes, as far as all copies have them."""
    row = S.replicated[r]
    c = S.control[0]
    while row.oldest >= 0 and S.writes[row.oldest].until <= c.now:
        w = row.oldest
        write = S.writes[w]
        row.oldest = write.later
        if row.oldest < 0:
            row.newest = -1
        if write.newer >= 0:
            S.writes[write.newer].chain = write.chain
        else:
            S.write_buckets[chain_of(S, r, write.key)] = write.chain
        if write.chain >= 0:
            S.writes[write.chain].newer = write.newer
        write.replicated = -1
        write.chain = c.free_write
        c.free_write = w
        c.written -= 1


@jit
def copied(S, i, step):  # type: ignore[no-untyped-def]
    """A copy's own write has ended: it tells the machine that waits for it, or it was late.

    One that has failed (`y` 0) confirms nothing, and is made up for like a late one. What a copy says before the write
    counts is kept in a register of who waits: a bit for each copy that has confirmed, and behind those of all copies a
    bit for each that has failed.
    """
    t = S.tasks[i]
    r = np.int64(step.a)
    row = S.replicated[r]
    machine = S.registers[i, step.c]
    s = S.stations[row.station]
    k = (machine - s.first) % s.copies
    said = k if step.y > 0.0 else s.copies + k
    if t.parent >= 0:
        S.registers[t.parent, step.d] |= np.int64(1) << said
        return
    w = latest(S, r, np.uint64(S.registers[i, step.b]))
    while w >= 0 and not (
        S.writes[w].request == t.request and S.writes[w].replicated == r and S.seen[w, k] == NEVER
    ):
        w = np.int64(S.writes[w].chain)
    if w < 0:  # it is not committed yet, where who waits has heard enough at this moment; or it never will be
        p = np.int64(t.elder)
        if p >= 0 and S.tasks[p].pc >= 0 and S.tasks[p].request == t.request:
            S.registers[p, step.d] |= np.int64(1) << said
        return
    write = S.writes[w]
    S.seen[w, k] = S.control[0].now + lag_of(S, i, step, machine)
    count(S, r, S.seen[w, k] - write.at)
    write.until = S.control[0].now
    for j in range(s.copies):
        write.until = max(write.until, S.seen[w, j])


@jit
def look_at_version(S, i, step):  # type: ignore[no-untyped-def]
    """A key is read: whether at a copy, and then whether that lacks the latest write."""
    r = np.int64(step.a)
    row = S.replicated[r]
    machine = S.registers[i, step.c]
    s = S.stations[row.station]
    k = (machine - s.first) % s.copies
    if k == S.conditions[machine - k].lead:
        return
    row.read += 1
    w = latest(S, r, np.uint64(S.registers[i, step.b]))
    if w >= 0 and S.seen[w, k] > S.control[0].now:
        row.stale += 1


# ---- a primary that is lost ------------------------------------------------------------------------------------------


@jit
def stop_sending(S, machine):  # type: ignore[no-untyped-def]
    """A machine goes down: what each of its copies lacks now is lost where that copy takes its place."""
    for r in range(S.control[0].n_replicated):
        row = S.replicated[r]
        if row.station < 0 or S.machines[machine].station != row.station:
            continue
        s = S.stations[row.station]
        base = machine - (machine - s.first) % s.copies
        if machine != base + S.conditions[base].lead:
            continue
        for k in range(s.copies):
            S.exposed[base + k] = 0
        if row.elects:
            continue
        w = np.int64(row.oldest)
        while w >= 0:
            if S.writes[w].lowest == base and S.writes[w].until > S.control[0].now:
                newest = latest(S, r, S.writes[w].key)
                for k in range(s.copies):
                    if S.seen[w, k] > S.control[0].now and S.seen[newest, k] > S.control[0].now:
                        S.exposed[base + k] += 1
            w = np.int64(S.writes[w].later)


@jit
def lose_writes(S, base, lead):  # type: ignore[no-untyped-def]
    """Another machine of a shard, number `lead`, takes the writes: what it lacked when the first went down is lost."""
    for r in range(S.control[0].n_replicated):
        row = S.replicated[r]
        if row.station < 0 or S.machines[base].station != row.station:
            continue
        row.lost += S.exposed[base + lead]
        w = np.int64(row.oldest)
        while w >= 0:
            if S.writes[w].lowest == base:  # it sends nothing any more
                S.writes[w].until = min(S.writes[w].until, S.control[0].now)
                for k in range(S.stations[row.station].copies):
                    S.seen[w, k] = min(S.seen[w, k], S.control[0].now)
            w = np.int64(S.writes[w].later)


@jit
def rehash_writes(S):  # type: ignore[no-untyped-def]
    """Fills the (empty, larger) buckets from the writes, the latest of each first."""
    for r in range(S.control[0].n_replicated):
        w = np.int64(S.replicated[r].oldest) if S.replicated[r].station >= 0 else np.int64(-1)
        while w >= 0:
            write = S.writes[w]
            b = chain_of(S, r, write.key)
            write.chain = S.write_buckets[b]
            write.newer = -1
            if write.chain >= 0:
                S.writes[write.chain].newer = w
            S.write_buckets[b] = w
            w = np.int64(write.later)
