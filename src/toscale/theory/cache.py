"""What share of the look-ups does a cache answer? Che's approximation, for LRU, FIFO and random eviction,
with and without a TTL; and what perfect LFU holds.

Every key stays in memory for about the same time T without being touched, the *characteristic time*, which
follows from the memory: the expected bytes of what is inside must fill it. Sources: Che, Tung and Wang
(2002), IEEE JSAC 20; why it is so good: Fricker, Robert and Roberts (2012), ITC 24; FIFO and random, and that
both have the same hit ratio: Martina, Garetto and Leonardi (2014), INFOCOM; Gelenbe (1973), IEEE Trans.
Computers 22.

The keys of one store are spread over its shards by a hash, so that each shard sees its part of every
population; the shards are taken as alike, which is good while no single key fills a shard.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import Evict
from toscale.engine.stores import TIES
from toscale.theory.popularity import Array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What happens to the keys of one population in one store, by cells; rates are per second and per key.

    A key comes in by an `enter` (a put without a look-up before it) or by a get that missed and was followed
    by a put (`fill` is that share of the misses). `renew` are puts of what is there (the TTL starts anew, as
    does its place among the recent). `drop` are removals. `bytes` is the size of an entry.
    """

    counts: Array
    gets: Array
    fill: Array | float = 1.0
    enter: Array | float = 0.0
    renew: Array | float = 0.0
    drop: Array | float = 0.0
    bytes: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """The stationary state: `present[d][j]` is the chance that a key of demand d's cell j is there."""

    characteristic_time: float | None  # seconds; None: nothing is ever evicted
    present: tuple[Array, ...]
    occupancy: float | None  # bytes; None: grows without bound


def stay(evict: Evict, time: float, ttl: float, touch: Array, put: Array, drop: Array) -> Array:
    """The mean time that an entry stays, from its insertion until it is evicted, expires or is removed.

    `touch`: the rate at which the key's place is renewed (LRU), `put`: at which its TTL starts anew. Under
    LRU it stays for the busy period of M/D/infinity, (exp(r T) - 1) / r: until for the first time nobody asks
    for T. With a TTL from the insertion, that period is cut off: it is T exactly with chance exp(-r T), and
    decays exponentially beyond (an approximation with the exact mean). Under FIFO only puts renew its
    place; under random eviction it stays for an exponential time of mean T.
    """
    # a TTL that each put starts anew ends where no put comes for so long: a busy period too
    life = np.full_like(touch, inf) if ttl == inf else _busy_period(put, ttl)
    if evict is Evict.RANDOM:
        hazard = drop + (0.0 if time == inf else 1 / time)
        return _discounted(life, hazard)
    if time == inf:
        return _discounted(life, drop)
    if evict is Evict.FIFO:
        touch = put
    if ttl == inf and not drop.any():
        return _busy_period(touch, time)
    first = _discounted(np.minimum(life, time), drop)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x = touch * time
        survives = -np.expm1(-x)
        # h = r (1 - exp(-x)) / (exp(x) - 1 - x), the rate of the decay beyond T
        excess = np.where(x < 1e-4, x * x / 2 * (1 + x / 3), np.expm1(np.minimum(x, 700.0)) - x)
        hazard = np.where(x < 1e-9, inf, touch * survives / np.maximum(excess, 1e-300))
        rest = np.maximum(life - time, 0.0)
        beyond = survives * np.exp(-drop * time) * _discounted(rest, hazard + drop)
    return first + np.where(rest > 0, beyond, 0.0)


def _busy_period(rate: Array, time: float) -> Array:
    with np.errstate(over="ignore"):  # it may last for ever
        x = np.minimum(rate * time, 700.0)
        return np.where(x < 1e-9, time, np.expm1(x) / np.maximum(rate, 1e-300))


def _discounted(length: Array, hazard: Array) -> Array:
    """The integral of exp(-hazard t) from 0 to `length`; either may be infinite."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        x = hazard * length
        return np.where(
            (hazard == 0) | (x < 1e-9), np.where(hazard == inf, 0.0, length), -np.expm1(-x) / hazard
        )


def present(demand: Demand, evict: Evict, time: float, ttl: float) -> Array:
    """The chance that each cell's key is there, given the characteristic time: stays and absences alternate."""
    gets = np.asarray(demand.gets, dtype=np.float64)
    zero = np.zeros_like(gets)
    enter, renew, drop = zero + demand.enter, zero + demand.renew, zero + demand.drop
    comes = enter + gets * demand.fill
    staying = stay(evict, time, ttl, gets + enter + renew, enter + renew, drop)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(comes > 0, 1 / (1 + 1 / np.maximum(comes * staying, 1e-300)), 0.0)


def contents(
    demands: Sequence[Demand],
    memory: float | None,
    *,
    evict: Evict = Evict.LRU,
    ttl: float | None = None,
    fresh: float = 0.0,
    expired_stay: bool = True,
    guess: float | None = None,
) -> Contents:
    """The stationary state of a store with `memory` bytes in all its shards together (None: no bound).

    `fresh`: bytes per second of keys that are inserted once and not asked for again; they take room for T, or
    until they expire. `expired_stay`: an expired entry keeps its room until somebody asks for it or it is
    evicted, as in the engine, in memcached and, between two sweeps, in Redis; else it is gone at once.
    (Without a bound the occupancy is that of the entries that have not expired.) `guess`: a characteristic
    time to start from. Memory for which nothing at all is evicted gives the time None.
    """
    life = inf if ttl is None else ttl
    bound = inf if memory is None else memory
    demands = [d if d.bytes <= bound else _never(d) for d in demands]
    if evict is Evict.LFU and memory is not None:
        return _most_frequent(demands, memory, life)

    # how long an entry that is not evicted takes room
    room = inf if expired_stay and memory is not None else life

    def filled(time: float) -> float:
        total = sum(float(np.dot(d.counts, present(d, evict, time, room))) * d.bytes for d in demands)
        if fresh > 0:
            zero = np.zeros(1)
            total += fresh * float(stay(evict, time, room, zero, zero, zero)[0])
        return total

    whole = filled(inf)
    if whole <= bound:
        return Contents(
            None, tuple(present(d, evict, inf, life) for d in demands), None if whole == inf else whole
        )
    if bound <= 0:
        return Contents(0.0, tuple(np.zeros_like(np.asarray(d.gets)) for d in demands), 0.0)
    start, step = (guess, 1e-3) if guess else (1.0, 0.5)
    time = _increasing_root(lambda t: filled(t) - bound, start, step)
    return Contents(time, tuple(present(d, evict, time, life) for d in demands), bound)


def _most_frequent(demands: Sequence[Demand], memory: float, ttl: float) -> Contents:
    """What perfect LFU holds: the keys that are asked for most often, and in the room of one the last other one.

    Each miss is inserted, in place of the least frequent: that is the last that was inserted, unless it belongs to
    the most frequent. So of the others the one that came last is there: with the share of its rate among theirs.
    The characteristic time is the mean time between two uses of the least frequent that stays.
    """
    rates = [np.asarray(d.gets, dtype=np.float64) for d in demands]
    comes = [rate * d.fill + d.enter for rate, d in zip(rates, demands, strict=True)]
    found = [present(d, Evict.LRU, inf, ttl) for d in demands]  # of those that stay
    kept = [np.zeros(len(rate)) for rate in rates]
    order = sorted(
        ((rate[j], k, j) for k, rate in enumerate(rates) for j in range(len(rate)) if comes[k][j] > 0),
        key=lambda one: -one[0],
    )
    left, time = memory, None
    for rate, k, j in order:
        number, size = float(demands[k].counts[j]), demands[k].bytes
        fits = number if size <= 0 else min(number, max(0.0, np.floor(left / size + 1e-9)))
        kept[k][j] = fits / number if number > 0 else 1.0
        left -= fits * size
        if fits < number:
            # within a cell the rates fall as from one neighbour to the next
            higher = sqrt(rate * rates[k][j - 1]) if j > 0 else rate * (1 + TIES)
            lower = sqrt(rate * rates[k][j + 1]) if j + 1 < len(rates[k]) else rate * (1 - TIES)
            part = fits / number
            time = 1 / max(higher ** (1 - part) * lower**part, 1e-300)
            break
    if time is None:
        full = sum(float(np.dot(d.counts, there)) * d.bytes for d, there in zip(demands, found, strict=True))
        return Contents(None, tuple(found), full)
    last = 1.0  # the room of the last one changes hands
    for _, k, j in reversed(order):
        number = float(demands[k].counts[j])
        gone = min(last, kept[k][j] * number)
        kept[k][j] -= gone / number
        last -= gone
    others = sum(float(np.dot(demands[k].counts, comes[k] * (1 - kept[k]))) for k in range(len(demands)))
    there = tuple(
        found[k] * (kept[k] + (1 - kept[k]) * (comes[k] / others if others > 0 else 0.0))
        for k in range(len(demands))
    )
    return Contents(time, there, memory)


def _never(demand: Demand) -> Demand:
    """An entry larger than the memory is never in."""
    return Demand(demand.counts, demand.gets, fill=0.0, drop=demand.drop, bytes=0.0)


def _increasing_root(function: Callable[[float], float], guess: float, first: float) -> float:
    """The positive root of an increasing function, to 1e-10 of itself.

    From the guess, brackets whose width in the logarithm grows from `first` by a factor of 4; then Illinois
    steps, and every third one a halving.
    """
    low = high = log(guess)
    value = function(guess)
    f_low = f_high = value
    step = first
    while f_low > 0 and low > -600:
        high, f_high = low, f_low
        low -= step
        f_low = function(exp(low))
        step *= 4
    step = first
    while f_high < 0 and high < 600:
        low, f_low = high, f_high
        high += step
        f_high = function(exp(high))
        step *= 4
    if f_low >= 0 or f_high <= 0:  # at an end, or beyond all times: what is asked for once in 1e260 s, say
        return exp(low if f_low >= 0 else high)
    side, middle = 0, low
    for turn in range(200):
        middle = (low * f_high - high * f_low) / (f_high - f_low)
        if turn % 3 == 2 or not low < middle < high:  # one end may stand still for long: halving moves it
            middle = (low + high) / 2
        value = function(exp(middle))
        if value == 0 or high - low < 1e-11:
            break
        if value > 0:
            high, f_high = middle, value
            f_low *= 0.5 if side > 0 else 1.0
            side = 1
        else:
            low, f_low = middle, value
            f_high *= 0.5 if side < 0 else 1.0
            side = -1
    return exp(middle)


def lru_hit_ratio(weights: Array, capacity: int) -> float:
    """Che's approximation for LRU of `capacity` entries and independent references with the given weights."""
    p = np.asarray(weights, dtype=np.float64)
    p = p / p.sum()
    if capacity >= np.count_nonzero(p):
        return 1.0
    state = contents([Demand(np.ones(len(p)), p)], float(capacity))
    return float(np.dot(p, state.present[0]))


@lru_cache(maxsize=8)
def _legendre(nodes: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(nodes)
    return x, w


def lru_hit_ratio_exact(weights: Array, capacity: int, nodes: int = 600) -> float:
    """The exact hit ratio of LRU with `capacity` entries under independent references; nothing is approximate
    but the quadrature.

    Let references come at the points of a Poisson process of rate 1, and look back from a moment in the
    stationary state. LRU holds key i if, going back, it is met before `capacity` others are; so with N(t) the
    number of keys met within t,

        hit = integral over t > 0 of  E[ sum of p_i^2 over the keys i not met within t;  N(t) <= capacity - 1
        ]  dt,

    because a key i is met first at t with density p_i exp(-p_i t), asked for with chance p_i, and keys are
    met independently, with chance 1 - exp(-p_j t). Source: Flajolet, Gardy and Thimonier (1992), Discrete
    Applied Mathematics 39, theorem 4.3 (this integral, the condition on N as a sum of coefficients of a
    generating function); it equals the sum over ordered sets of King (1971), which the tests compare. Both
    factors of the expectation follow together key by key, from positive terms only. O(nodes * keys *
    capacity): 1,000 keys and 100 entries take a few tenths of a second.
    """
    p = np.asarray(weights, dtype=np.float64)
    p = p[p > 0] / p.sum()
    if capacity >= len(p):
        return 1.0
    if capacity < 1:
        return 0.0
    # in the logarithm of t, from where nothing has happened yet to where more than `capacity` keys have
    # surely been met
    low, high = log(1e-10), log(60 / p.min())
    enough = capacity + 12 * sqrt(capacity) + 60
    for _ in range(60):
        middle = (low + high) / 2
        met = float(-np.expm1(-p * exp(middle)).sum())
        low, high = (low, middle) if met > enough else (middle, high)
    low = log(1e-10)
    x, w = _legendre(nodes)
    times = np.exp((high - low) / 2 * x + (high + low) / 2)
    chance = np.zeros((capacity, nodes))  # of k keys met so far, for k below the capacity
    unmet = np.zeros((capacity, nodes))  # the sum of p^2 over those not met, on that event
    chance[0] = 1.0
    for share in p:
        stays = np.exp(-share * times)
        met_now = -np.expm1(-share * times)
        moved = unmet[:-1] * met_now
        unmet += share * share * chance
        unmet *= stays
        unmet[1:] += moved
        moved = chance[:-1] * met_now
        chance *= stays
        chance[1:] += moved
    return float(np.sum(w * times * unmet.sum(axis=0))) * (high - low) / 2
