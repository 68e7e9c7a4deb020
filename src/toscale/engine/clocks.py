"""What becomes of what is counted by the clock of a machine when that jumps? It is so much older at once.

A bucket is refilled for the time that seems to have passed, or, where the clock has gone back, not until it shows again
what it did; an entry with a time to live seems so much older, or younger; and so do units that a machine has taken
ahead. Who counts is who holds: a bucket in a store that of the first machine of its key's shard, that of a machine, and
what it has taken ahead, the machine. The truth, by which excess and shortfall are measured, knows the right time.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.accounts import refresh
from toscale.engine.jit import jit
from toscale.engine.stores import shard_of
from toscale.engine.tree import NEVER


@jit
def keeper(S, a):  # type: ignore[no-untyped-def]
    """The machine by whose clock an account is counted; -1: nobody knows it."""
    row = S.accounts[a]
    if row.machine >= 0:
        return np.int64(row.machine)
    station = S.pool_stations[row.pool]
    if station < 0:
        return np.int64(-1)
    return first_of(S, station, shard_of(row.key, S.stations[station].shards))


@jit
def first_of(S, station, shard):  # type: ignore[no-untyped-def]
    """The machine of a shard that takes the writes."""
    base = S.stations[station].first + shard * S.stations[station].copies
    return np.int64(base + S.conditions[base].lead)


@jit
def jump_clocks(S):  # type: ignore[no-untyped-def]
    """The clocks of some machines have just jumped, by `jump` of their conditions, in ticks."""
    c = S.control[0]
    for a in range(c.accounts):
        row = S.accounts[a]
        machine = keeper(S, a)
        if machine < 0 or S.conditions[machine].jump == 0:
            continue
        jump = S.conditions[machine].jump
        if S.pool_stations[row.pool] == STASH:
            row.at -= jump
        elif row.refill > 0.0:
            refresh(S, a)
            if jump > 0:
                row.left = min(row.capacity, row.left + row.refill * np.float64(jump))
            else:
                row.at -= jump
    for e in range(c.entries):
        entry = S.entries[e]
        if entry.store < 0 or entry.store >= c.n_store_stations or S.store_stations[entry.store] < 0:
            continue
        st = S.stores[entry.store]
        machine = first_of(S, S.store_stations[entry.store], entry.shard - st.first)
        if st.ttl < NEVER:
            entry.inserted -= S.conditions[machine].jump
    for m in range(c.n_conditions):
        S.conditions[m].jump = 0


STASH = -2
"""In place of the station of a pool: what machines have taken ahead."""
