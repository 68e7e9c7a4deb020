"""How much of a bounded thing is left for one key? An account of each key that was touched, found by its hash.

An account of a pool that is refilled is a token bucket, brought up to date when it is looked at: `left` is what the
store would hand out, `bound` what would be left if exactly those that were let through had taken one each, at the
moment at which they were. Nothing but sidecars, stale writes and requests that go past the pool makes the two
differ, so that `bound` is the truth against which excess and shortfall are measured. The state of a key at the
beginning is drawn when the key is first touched, so that ten million of them are never laid out.
"""

from __future__ import annotations

import math

import numpy as np

from toscale.engine.draws import GOLDEN, mix, unit, weight
from toscale.engine.jit import jit
from toscale.engine.stores import INDEX

PLAYED = 32
"""Takes that are played before the beginning, after a first guess of what was missing of a bucket."""
_MOST_PLAYED = 4096


@jit
def account_bucket(S, pool, key):  # type: ignore[no-untyped-def]
    """Where the chain of a key's accounts begins."""
    return np.int64(mix(key + np.uint64(pool) * GOLDEN) & np.uint64(S.control[0].n_account_buckets - 1))


@jit
def find_account(S, pool, key):  # type: ignore[no-untyped-def]
    """The account of a key in a pool; -1 where it was never touched."""
    a = np.int64(S.account_buckets[account_bucket(S, pool, key)])
    while a >= 0 and (S.accounts[a].key != key or S.accounts[a].pool != pool):
        a = np.int64(S.accounts[a].chain)
    return a


@jit
def add_account(S, pool, key):  # type: ignore[no-untyped-def]
    """An account for a key that has none yet: nobody holds anything of it."""
    c = S.control[0]
    a = c.accounts
    c.accounts += 1
    if c.accounts + c.touches >= c.n_accounts:
        c.scarce = 1
    row = S.accounts[a]
    row.key = key
    row.pool = pool
    row.machine = -1
    row.since = -(np.int64(1) << 62)
    row.head = -1
    row.tail = -1
    b = account_bucket(S, pool, key)
    row.chain = S.account_buckets[b]
    S.account_buckets[b] = a
    return a


@jit
def by_share(S, first, number, share):  # type: ignore[no-untyped-def]
    """A number by its key's share of the draws: straight lines between points, level beyond them."""
    if share <= S.shares[first, 0]:
        return S.shares[first, 1]
    low = first
    high = first + number - 1
    if share >= S.shares[high, 0]:
        return S.shares[high, 1]
    while high - low > 1:
        middle = (low + high) // 2
        if S.shares[middle, 0] <= share:
            low = middle
        else:
            high = middle
    part = (share - S.shares[low, 0]) / (S.shares[high, 0] - S.shares[low, 0])
    return S.shares[low, 1] + part * (S.shares[high, 1] - S.shares[low, 1])


@jit
def share_of(S, pool, key):  # type: ignore[no-untyped-def]
    """The share of the draws that a key of a pool has; 1 where the pool has no keys."""
    population = S.pools[pool].population
    if population < 0:
        return 1.0
    index = np.int64(key & INDEX)
    if index < 1 or index > S.populations[population].keys:  # made during the run: nobody knows it yet
        return 0.0
    return weight(S, population, index)


@jit
def capacity_of(S, pool, share):  # type: ignore[no-untyped-def]
    """The units of a key with that share of the draws."""
    p = S.pools[pool]
    if p.n_capacities > 0:
        return by_share(S, p.capacities, p.n_capacities, share)
    return p.capacity


@jit
def at_machine(key, machine):  # type: ignore[no-untyped-def]
    """What stands for a key at a machine, where each machine has accounts of its own."""
    return mix(key + np.uint64(machine + 1) * GOLDEN) >> np.uint64(1)


@jit
def account_of(S, pool, own, key):  # type: ignore[no-untyped-def]
    """The account of a key (`own`: that, or what stands for it at a machine), brought up to date; made, in its
    stationary state, where it was never touched.
    """
    a = find_account(S, pool, own)
    if a < 0:
        a = add_account(S, pool, own)
        p = S.pools[pool]
        row = S.accounts[a]
        share = share_of(S, pool, key)
        row.capacity = capacity_of(S, pool, share)
        row.refill = p.refill
        if p.n_refills > 0:
            row.refill = by_share(S, p.refills, p.n_refills, share)
        row.left = row.capacity
        row.bound = row.capacity
        rate = p.asked * share / max(1, p.machines)
        if p.spends and rate > 0.0 and row.refill > 0.0 and row.capacity >= 1.0:
            salt = mix(own ^ mix(S.control[0].seed + p.salt))
            row.bound = row.capacity - stationary_debt(rate, row.refill, row.capacity, 1.0, salt)
            row.left = row.bound
            if p.ahead > 1.0:
                called = rate / asks_per_call(rate / p.shared * p.keep, p.ahead)
                row.left = row.capacity - stationary_debt(
                    called, row.refill, row.capacity, p.ahead, mix(salt + GOLDEN)
                )
    refresh(S, a)
    return a


@jit
def refresh(S, a):  # type: ignore[no-untyped-def]
    """Adds what has been refilled since an account was last looked at."""
    row = S.accounts[a]
    now = S.control[0].now
    if row.refill > 0.0:
        if now > row.at:
            row.left = min(row.capacity, row.left + row.refill * np.float64(now - row.at))
        row.bound = min(row.capacity, row.bound + row.refill * np.float64(now - row.true))
    row.at = max(row.at, now)  # a clock that went back
    row.true = now


@jit
def rehash(S):  # type: ignore[no-untyped-def]
    """Fills the (empty, larger) buckets from the accounts."""
    for a in range(S.control[0].accounts):
        row = S.accounts[a]
        b = account_bucket(S, np.int64(row.pool), row.key)
        row.chain = S.account_buckets[b]
        S.account_buckets[b] = a


# ---- before the beginning ------------------------------------------------------------------------------------------


@jit
def asks_per_call(asks, number):  # type: ignore[no-untyped-def]
    """How many requests one call serves that takes `number` units ahead, where `asks` more come on average while
    they are kept: E[min(number, 1 + N)], N Poisson. (A cycle ends with the request that finds none left, or with
    the first one after the units are no longer good, whichever comes first.)
    """
    if asks > 500.0:
        return min(number, 1.0 + asks)
    chance = math.exp(-asks)  # of exactly j
    more = 1.0 - chance  # of more than j
    served = 1.0
    j = 1.0
    while j < number and more > 1e-12:
        served += more
        chance *= asks / j
        more -= chance
        j += 1.0
    return served


@jit
def decay(rate, refill, jump):  # type: ignore[no-untyped-def]
    """How fast the chance falls that much is missing of a bucket: the root other than 0 of rate (exp(x jump) - 1) =
    refill x, by Newton's method from the side from which it cannot miss.
    """
    load = rate * jump / refill
    if abs(load - 1.0) < 1e-9:
        return 0.0
    x = min(2.0 * (1.0 - load) / load, 50.0) / jump if load < 1.0 else -rate / refill
    for _ in range(100):
        slope = rate * jump * math.exp(x * jump) - refill
        step = (rate * (math.exp(x * jump) - 1.0) - refill * x) / slope
        x -= step
        if abs(step) <= 1e-9 * abs(x):
            break
    return x


@jit
def stationary_debt(rate, refill, capacity, jump, salt):  # type: ignore[no-untyped-def]
    """How much is missing of a bucket at a random moment, where takes of up to `jump` units come as a Poisson process.

    What is missing is the work in a queue with bounded room. Far from its ends it has the density exp(-decay x)
    (Cramer-Lundberg); from a draw of that, cut to the bucket, PLAYED takes are played as they happen.
    """
    x = decay(rate, refill, jump)
    u = unit(salt)
    missing = capacity * u
    if abs(x) * capacity > 1e-9:
        missing = -math.log(1.0 - u * (1.0 - math.exp(-abs(x) * capacity))) / abs(x)
        if x < 0.0:
            missing = capacity - missing
    for k in range(PLAYED):
        if capacity - missing >= 1.0:
            missing += min(jump, math.floor(capacity - missing))
        gap = -math.log(unit(mix(salt + np.uint64(k + 1) * GOLDEN))) / rate
        missing = max(0.0, missing - refill * gap)
    return missing


@jit
def stationary_stash(S, a, rate, number, keep, salt):  # type: ignore[no-untyped-def]
    """What a machine has taken ahead for a key when the run begins: its requests of the last two terms (a Poisson
    process of this rate), played as they happen. What was taken was there.
    """
    row = S.accounts[a]
    at = -2.0 * keep
    for k in range(_MOST_PLAYED):
        at -= math.log(unit(mix(salt + np.uint64(k) * GOLDEN))) / rate
        if at >= 0.0:
            break
        if row.left >= 1.0 and at < row.at:
            row.left -= 1.0
        else:
            row.left = number - 1.0
            row.at = np.int64(at + keep)
