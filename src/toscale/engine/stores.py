"""What is in a store when a key is asked for: real keys, in lists with real eviction, or by Che's
approximation.

A store with lists holds its entries one by one, newest first, and evicts until the next one fits. A store
without lists keeps, for each key touched in this run, when it was last used and inserted; an entry is there
until nobody has used it for the characteristic time (Che, Tung & Wang, "Hierarchical web caching systems",
2002), which the twin has solved for. The stationary state of a key is drawn when the key is first touched, so
that a population of any size is never laid out.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, mix, unit, weight
from toscale.engine.jit import inlined, jit
from toscale.engine.tree import NEVER

LRU, FIFO, RANDOM, LFU = 0, 1, 2, 3
HISTORY = 86_400_000_000_000
"""Ticks for which an LFU store has counted when a run begins: a day."""
TIES = 0.005
"""Which of equally popular keys an LFU store without lists keeps is drawn: their rates are taken as so much apart."""
_SHARD_BITS, _TAG_BITS = np.uint64(44), np.uint64(48)
OFTEN = 6.0
INDEX = np.uint64((1 << 47) - 1)
FRESH = np.uint64(1 << 47)
"""The bit that marks a key as one that was inserted during the run."""


@jit
def bucket_of(S, store, key):  # type: ignore[no-untyped-def]
    """Where the chain of a key's entries begins."""
    return np.int64(mix(key + np.uint64(store) * GOLDEN) & np.uint64(S.control[0].n_buckets - 1))


@jit
def find(S, store, key):  # type: ignore[no-untyped-def]
    """The entry of a key, present or known to be absent; -1 where it was never touched."""
    e = np.int64(S.buckets[bucket_of(S, store, key)])
    while e >= 0 and (S.entries[e].key != key or S.entries[e].store != store):
        e = np.int64(S.entries[e].chain)
    return e


@jit
def add_entry(S, store, key):  # type: ignore[no-untyped-def]
    """An entry for a key that has none yet; absent."""
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
    row.shard = S.stores[store].first + shard_of(key, S.stores[store].shards)
    row.present = 0
    row.newer = -1
    row.older = -1
    row.spare = 1
    b = bucket_of(S, store, key)
    row.chain = S.buckets[b]
    S.buckets[b] = e
    return e


@jit
def remove_entry(S, e):  # type: ignore[no-untyped-def]
    """Forgets an entry of a store with lists."""
    if S.entries[e].present:
        detach(S, e)
    unchain(S, e)


@jit
def unchain(S, e):  # type: ignore[no-untyped-def]
    """Takes an entry out of its bucket: it is free."""
    row = S.entries[e]
    b = bucket_of(S, np.int64(row.store), row.key)
    at = np.int64(S.buckets[b])
    if at == e:
        S.buckets[b] = row.chain
    else:
        while S.entries[at].chain != e:
            at = np.int64(S.entries[at].chain)
        S.entries[at].chain = row.chain
    c = S.control[0]
    row.store = -1
    row.chain = c.free_entry
    c.free_entry = e


@jit
def shard_of(key, shards):  # type: ignore[no-untyped-def]
    """The shard that a key lies on: by its hash, so that a popular key makes a hot shard."""
    return np.int64(mix(key ^ GOLDEN) % np.uint64(shards))


@jit
def attach(S, e):  # type: ignore[no-untyped-def]
    """Puts an entry in front of its shard's list."""
    row = S.entries[e]
    h = S.shards[row.shard]
    row.older = h.newest
    row.newer = -1
    if h.newest >= 0:
        S.entries[h.newest].newer = e
    else:
        h.oldest = e
    h.newest = e


@jit
def unhook(S, e):  # type: ignore[no-untyped-def]
    """Takes an entry out of its shard's list, but not out of the shard."""
    row = S.entries[e]
    h = S.shards[row.shard]
    if row.newer >= 0:
        S.entries[row.newer].older = row.older
    else:
        h.newest = row.older
    if row.older >= 0:
        S.entries[row.older].newer = row.newer
    else:
        h.oldest = row.newer


@jit
def detach(S, e):  # type: ignore[no-untyped-def]
    """Takes an entry out of its shard."""
    row = S.entries[e]
    if S.stores[row.store].evict == LFU:
        leave_run(S, e)
    unhook(S, e)
    h = S.shards[row.shard]
    h.used -= row.bytes
    h.entries -= 1
    row.present = 0


@jit
def victim(S, store, shard, salt):  # type: ignore[no-untyped-def]
    """The entry to be evicted next."""
    h = S.shards[shard]
    if S.stores[store].evict != RANDOM:
        return h.oldest
    k = np.uint64(0)
    while (
        True
    ):  # a place drawn among all entries until one of this shard comes up: each of them is equally likely
        e = np.int64(mix(salt + k * GOLDEN) % np.uint64(S.control[0].entries))
        if S.entries[e].present and S.entries[e].shard == shard and S.entries[e].store == store:
            return e
        k += np.uint64(1)


# ---- the least frequently used -----------------------------------------------------------------------------------
# A shard's list is in the order of its entries' counts (`spare`), among equals of the last use: a run for each count.
# The last of each run is found by a node among the entries (its `spare`), under a number beyond those of the stores
# and flights. So a use, which moves an entry to the end of the next run, takes the same time however many there are:
# Matani, Shah and Mitra, "An O(1) algorithm for implementing the LFU cache eviction scheme" (2010), whose lists of
# lists are one list here.


@jit
def node_of(S, store, shard, uses, make):  # type: ignore[no-untyped-def]
    """The node of a run; -1 where there is none, unless it is to be made."""
    c = S.control[0]
    number = c.n_stores + c.n_flights + store
    key = np.uint64(shard) << _SHARD_BITS | np.uint64(uses)
    node = find(S, number, key)
    if node >= 0 or not make:
        return node
    node = c.free_entry
    if node >= 0:
        c.free_entry = S.entries[node].chain
    else:
        node = c.entries
        c.entries += 1
    row = S.entries[node]
    row.key = key
    row.store = number
    row.shard = -1
    row.present = 0
    b = bucket_of(S, number, key)
    row.chain = S.buckets[b]
    S.buckets[b] = node
    return node


@jit
def leave_run(S, e):  # type: ignore[no-untyped-def]
    """The entry is about to leave its place: the run ends before it, or is no more."""
    row = S.entries[e]
    node = node_of(S, np.int64(row.store), np.int64(row.shard), np.int64(row.spare), False)
    if S.entries[node].spare != e:
        return
    if row.older >= 0 and S.entries[row.older].spare == row.spare:
        S.entries[node].spare = row.older
    else:
        unchain(S, node)


@jit
def put_behind(S, e, before):  # type: ignore[no-untyped-def]
    """The entry comes into its shard's list behind another (-1: as the first to go), at the end of its run."""
    row = S.entries[e]
    h = S.shards[row.shard]
    row.older = before
    if before >= 0:
        row.newer = S.entries[before].newer
        S.entries[before].newer = e
    else:
        row.newer = h.oldest
        h.oldest = e
    if row.newer >= 0:
        S.entries[row.newer].older = e
    else:
        h.newest = e
    node = node_of(S, np.int64(row.store), np.int64(row.shard), np.int64(row.spare), True)
    S.entries[node].spare = e


@jit
def join_runs(S, e):  # type: ignore[no-untyped-def]
    """An entry comes in: behind all that are used as often or less. Those are few, for they go first."""
    row = S.entries[e]
    store, shard = np.int64(row.store), np.int64(row.shard)
    h = S.shards[shard]
    before = np.int64(-1)
    if h.newest >= 0 and S.entries[h.newest].spare <= row.spare:
        before = np.int64(h.newest)
    else:
        run = np.int64(h.oldest)
        while run >= 0 and S.entries[run].spare <= row.spare:
            node = node_of(S, store, shard, np.int64(S.entries[run].spare), False)
            before = np.int64(S.entries[node].spare)
            run = np.int64(S.entries[before].newer)
    put_behind(S, e, before)


@jit
def count_use(S, e):  # type: ignore[no-untyped-def]
    """One more use: the entry moves to the end of the next run."""
    row = S.entries[e]
    store, shard = np.int64(row.store), np.int64(row.shard)
    node = node_of(S, store, shard, np.int64(row.spare) + 1, False)
    if node < 0:
        node = node_of(S, store, shard, np.int64(row.spare), False)
    before = np.int64(S.entries[node].spare)
    if before == e:
        before = np.int64(row.older)
    leave_run(S, e)
    unhook(S, e)
    row.spare += 1
    put_behind(S, e, before)


@jit
def counted_before(S, store, key):  # type: ignore[no-untyped-def]
    """How often a key has been asked for when it is first met: as often as its popularity says; else once."""
    if key & FRESH != FRESH:
        for p in range(S.store_rates.shape[1]):
            if S.populations[p].tag >> 48 == np.int64(key >> _TAG_BITS) and S.store_rates[store, p] > 0.0:
                rate = S.store_rates[store, p] * weight(S, p, np.int64(key & INDEX))
                return max(np.int64(rate * np.float64(HISTORY + S.control[0].now)), np.int64(1))
    return np.int64(1)


@jit
def forget(S, store, e):  # type: ignore[no-untyped-def]
    """Takes an entry out of its shard; how often a key of a population was asked for is remembered by LFU."""
    if S.stores[store].evict == LFU and S.entries[e].key & FRESH != FRESH:
        detach(S, e)
    else:
        remove_entry(S, e)


@jit
def often_enough(S, store, key, population):  # type: ignore[no-untyped-def]
    """Whether a key is among those that an LFU store without lists keeps: asked for once in `recent`, or more."""
    if S.stores[store].recent == NEVER:
        return True
    if not popular(S, store, key, population):
        return False
    rate = S.store_rates[store, population] * weight(S, population, np.int64(key & INDEX))
    rate *= (1.0 + TIES) * ((1.0 - TIES) / (1.0 + TIES)) ** unit(mix(key))
    return rate * np.float64(S.stores[store].recent) >= 1.0


@jit
def put(S, store, key, size):  # type: ignore[no-untyped-def]
    """Inserts a key: its ttl starts anew, others are evicted until it fits; what is larger than the memory is
    not kept.
    """
    st = S.stores[store]
    now = S.control[0].now
    e = find(S, store, key)
    if e < 0:
        e = add_entry(S, store, key)
        if st.evict == LFU and not S.emptied[S.entries[e].shard]:
            S.entries[e].spare = counted_before(S, store, key)
    row = S.entries[e]
    if st.lists:
        h = S.shards[row.shard]
        if row.present:
            detach(S, e)
        if size > st.memory:
            remove_entry(S, e)
            return
        while h.used + size > st.memory:
            v = victim(S, store, np.int64(row.shard), mix(key + np.uint64(now)))
            st.evicted += 1
            forget(S, store, v)
        if st.evict == LFU:
            join_runs(S, e)
        else:
            attach(S, e)
        h.used += size
        h.entries += 1
    row.bytes = size
    row.present = 1
    row.inserted = now
    row.last = now


@inlined
def get(S, store, key, population, prior, size):  # type: ignore[no-untyped-def]
    """Whether a key is there; if so, it has now been used."""
    st = S.stores[store]
    st.gets += 1
    now = S.control[0].now
    if st.evict == LFU and not st.lists and not often_enough(S, store, key, population):
        return 0
    e = find(S, store, key)
    if e < 0:
        if st.lists and (prior <= 0.0 or popular(S, store, key, population)):
            return 0  # what is popular was laid out at the start
        e = add_entry(S, store, key)
        first_touch(S, store, e, population, prior, size)
        if st.lists:  # what is larger than the memory is gone again
            e = find(S, store, key)
            if e < 0:
                return 0
    row = S.entries[e]
    if not row.present:
        if st.evict == LFU:
            row.spare += 1
        return 0
    if now - row.inserted >= st.ttl:
        if st.lists:
            forget(S, store, e)
        else:
            row.present = 0
        return 0
    if st.lists:
        if st.evict == LRU:
            unhook(S, e)
            attach(S, e)
        elif st.evict == LFU:
            count_use(S, e)
    elif st.evict == LFU:
        pass  # it is asked for often enough to stay
    elif now - (row.last if st.evict == LRU else row.inserted) >= st.recent:
        row.present = 0
        return 0
    row.last = now
    st.hits += 1
    return 1


@jit
def drop(S, store, key):  # type: ignore[no-untyped-def]
    """Removes a key; without lists it is remembered as absent."""
    e = find(S, store, key)
    if S.stores[store].lists:
        if e >= 0:
            remove_entry(S, e)
    else:
        if e < 0:
            e = add_entry(S, store, key)
        S.entries[e].present = 0


@jit
def popular(S, store, key, population):  # type: ignore[no-untyped-def]
    """Whether a key is asked for again and again, from before the run: not one that the run itself has made."""
    return S.store_rates[store, population] > 0.0 and key & FRESH != FRESH


@jit
def first_touch(S, store, e, population, prior, size):  # type: ignore[no-untyped-def]
    """Draws the stationary state of a key that has an entry, so far absent.

    A key with popularity is asked for at its own rate; its state is that at the beginning of the run, since
    when nobody has touched it. One without is there with the chance `prior`, inserted at any moment of the
    last ttl; among lists it takes its room, as the newest.
    """
    st = S.stores[store]
    row = S.entries[e]
    now = S.control[0].now
    salt = mix(row.key + mix(S.control[0].seed + np.uint64(store)))
    rate = S.store_rates[store, population]
    if S.emptied[row.shard]:
        if st.lists:
            remove_entry(S, e)
        return
    if not popular(S, store, row.key, population):
        if unit(salt) < prior:
            age = np.float64(min(st.ttl, np.int64(10) ** 18)) * unit(mix(salt + GOLDEN))
            put(S, store, row.key, size)
            row.inserted = now - np.int64(age)
        return
    index = np.int64(row.key & INDEX)
    recent = np.int64(NEVER) if st.evict == LFU else np.int64(st.recent)
    age, idle = stationary_age(rate * weight(S, population, index), recent, st.ttl, st.evict == LRU, salt)
    if age >= 0.0:
        row.present = 1
        row.inserted = -np.int64(age)
        row.last = -np.int64(idle)


@jit
def stationary_age(rate, recent, ttl, renewed, salt):  # type: ignore[no-untyped-def]
    """How old an entry is at a random moment, and how long unused; (-1, 0) where it is absent.

    The key is asked for as a Poisson process of this rate (per tick). It is inserted when it is asked for and
    absent, and goes when it is `ttl` old or, with `renewed`, unused for `recent` (else `recent` old). Drawn
    exactly, by looking back to a gap so long that the use after it inserted the key; beyond OFTEN uses within
    `recent` such gaps (fewer than one in four hundred) are left out.
    """
    k = np.uint64(1)
    if not renewed:
        life = min(recent, ttl)
        if life == NEVER:
            return 0.0, 0.0
        if unit(salt) < rate * life / (1.0 + rate * life):
            return unit(mix(salt + GOLDEN)) * life, 0.0
        return -1.0, 0.0
    gap = -np.log(unit(salt)) / rate  # since the last use
    if ttl == NEVER:
        if gap < recent:
            return 0.0, gap
        return -1.0, 0.0
    if recent >= ttl or rate * recent > OFTEN:  # it hardly ever goes for want of use
        if unit(mix(salt + GOLDEN)) < rate * ttl / (1.0 + rate * ttl):
            age = unit(mix(salt + GOLDEN + GOLDEN)) * ttl
            return age, min(gap, age)
        return -1.0, 0.0
    if gap >= recent:
        return -1.0, 0.0
    age = gap  # back to the oldest use before which nobody had used it for so long: there it was inserted
    while True:
        before = -np.log(unit(mix(salt + k * GOLDEN))) / rate
        if before >= recent:
            break
        age += before
        k += np.uint64(1)
    inserted = age
    while k > np.uint64(1):  # forward again: a use after the ttl inserts anew
        k -= np.uint64(1)
        age += np.log(unit(mix(salt + k * GOLDEN))) / rate
        if inserted - age >= ttl:
            inserted = age
    if inserted >= ttl:
        return -1.0, 0.0
    return inserted, gap


@jit
def rehash(S):  # type: ignore[no-untyped-def]
    """Fills the (empty, larger) buckets from the entries."""
    c = S.control[0]
    for e in range(c.entries):
        row = S.entries[e]
        if row.store >= 0:
            b = bucket_of(S, np.int64(row.store), row.key)
            row.chain = S.buckets[b]
            S.buckets[b] = e


@jit
def lay_out(S, store, keys, sizes, idle, ages):  # type: ignore[no-untyped-def]
    """Puts the stationary content of a store with lists into it, the longest unused first."""
    now = S.control[0].now
    for n in range(keys.shape[0]):
        put(S, store, keys[n], sizes[n])
        e = find(S, store, keys[n])
        if e >= 0:
            S.entries[e].last = now - np.int64(idle[n])
            S.entries[e].inserted = now - np.int64(ages[n])
    S.stores[store].evicted = 0
