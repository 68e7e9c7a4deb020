"""Che's approximation against caches that are simulated in plain Python, and the exact integral against King's sum."""

from __future__ import annotations

import random
from collections import OrderedDict
from itertools import accumulate, permutations
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.engine.model import Evict
from toscale.theory.cache import Demand, contents, lru_hit_ratio, lru_hit_ratio_exact, stay
from toscale.theory.popularity import zipf


def zipf_weights(keys: int, exponent: float) -> np.ndarray:
    weights = np.arange(1, keys + 1, dtype=np.float64) ** -exponent
    return weights / weights.sum()


def simulated(
    weights: np.ndarray,
    capacity: int,
    evict: Evict = Evict.LRU,
    ttl: float = inf,
    drops: float = 0.0,
    fill: float = 1.0,
    requests: int = 200_000,
) -> float:
    """The hit ratio of a cache that is asked once a second. An expired entry stays until it is asked for or evicted.

    `drops`: so many removals for each look-up, of keys drawn alike; `fill`: the share of misses that are inserted.
    """
    dice = random.Random(11)
    cumulative = list(accumulate(weights))
    drawn = dice.choices(range(len(weights)), cum_weights=cumulative, k=requests)
    held: OrderedDict[int, float] = OrderedDict()
    hits = 0
    start = requests // 4
    for now, key in enumerate(drawn):
        if drops and dice.random() < drops:
            held.pop(dice.choices(range(len(weights)), cum_weights=cumulative)[0], None)
        inserted = held.get(key)
        if inserted is not None and now - inserted < ttl:
            if now >= start:
                hits += 1
            if evict is Evict.LRU:
                held.move_to_end(key)
            continue
        held.pop(key, None)
        if fill < 1 and dice.random() >= fill:
            continue
        if len(held) >= capacity:
            if evict is Evict.RANDOM:
                del held[dice.choice(list(held))]
            else:
                held.popitem(last=False)
        held[key] = now
    return hits / (requests - start)


def theory(
    weights: np.ndarray, capacity: int, fill: float = 1.0, drop: float = 0.0, **options: object
) -> float:
    demand = Demand(np.ones(len(weights)), weights, fill, drop=drop * weights)
    return float(weights @ contents([demand], float(capacity), **options).present[0])


# ---- the exact integral ------------------------------------------------------------------------------------------


def king(p: np.ndarray, capacity: int) -> float:
    """The hit ratio of LRU as King's (1971) sum over the ordered contents."""
    hit = 0.0
    for order in permutations(range(len(p)), capacity):
        chance, rest = 1.0, 1.0
        for i in order:
            chance *= p[i] / rest
            rest -= p[i]
        hit += chance * sum(p[i] for i in order)
    return hit


@settings(max_examples=15)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), st.data())
def test_the_integral_is_kings_sum(weights, data):
    p = np.asarray(weights) / sum(weights)
    capacity = data.draw(st.integers(1, len(weights) - 1))
    assert lru_hit_ratio_exact(p, capacity) == pytest.approx(king(p, capacity), abs=1e-8)


def test_the_integral_is_kings_sum_for_six_keys():
    p = zipf_weights(6, 1.0)
    for capacity in range(1, 6):
        assert lru_hit_ratio_exact(p, capacity) == pytest.approx(king(p, capacity), abs=1e-9)


def test_the_integral_does_not_depend_on_its_nodes():
    weights = zipf_weights(1000, 0.9)
    assert lru_hit_ratio_exact(weights, 100, 300) == pytest.approx(
        lru_hit_ratio_exact(weights, 100), abs=1e-9
    )


def test_one_entry_holds_the_last_key():
    weights = zipf_weights(50, 1.0)
    assert lru_hit_ratio_exact(weights, 1) == pytest.approx(float(weights @ weights), abs=1e-9)


def test_no_room_hits_nothing_and_room_for_all_hits_always():
    weights = zipf_weights(10, 1.0)
    assert lru_hit_ratio_exact(weights, 0) == 0
    assert lru_hit_ratio_exact(weights, 10) == lru_hit_ratio(weights, 10) == 1


def test_a_simulated_lru_agrees_with_the_integral():
    weights = zipf_weights(1000, 0.9)
    # 150,000 look-ups: a standard error of about 0.0015, correlation included; 4 of them are missed by chance once in 16,000
    assert simulated(weights, 100) == pytest.approx(lru_hit_ratio_exact(weights, 100), abs=0.006)


@pytest.mark.parametrize("exponent", [0.0, 0.6, 0.9, 1.2])
@pytest.mark.parametrize("capacity", [10, 100, 500])
def test_che_is_within_a_fifth_of_a_percent_of_the_integral(exponent, capacity):
    weights = zipf_weights(1000, exponent)
    assert lru_hit_ratio(weights, capacity) == pytest.approx(
        lru_hit_ratio_exact(weights, capacity, 250), abs=0.002
    )


# ---- other policies, ttl, removals -------------------------------------------------------------------------------


@pytest.mark.parametrize("evict", [Evict.FIFO, Evict.RANDOM])
def test_first_in_first_out_and_random_agree_with_a_simulation(evict):
    weights = zipf_weights(1000, 0.9)
    assert theory(weights, 100, evict=evict) == pytest.approx(simulated(weights, 100, evict), abs=0.01)


def test_first_in_first_out_and_random_have_the_same_hit_ratio():
    weights = zipf_weights(1000, 0.9)
    assert theory(weights, 100, evict=Evict.FIFO) == pytest.approx(
        theory(weights, 100, evict=Evict.RANDOM), abs=1e-6
    )


@pytest.mark.parametrize("ttl", [50, 300, 3000])
def test_a_ttl_from_the_insertion_agrees_with_a_simulation(ttl):
    weights = zipf_weights(1000, 0.9)
    assert theory(weights, 100, ttl=float(ttl)) == pytest.approx(simulated(weights, 100, ttl=ttl), abs=0.012)


def test_a_ttl_alone_is_exact():
    # renewals: present for ttl, absent for 1 / rate
    weights = zipf_weights(100, 1.0)
    state = contents([Demand(np.ones(100), weights)], None, ttl=30.0)
    assert state.characteristic_time is None
    assert state.present[0] == pytest.approx(weights * 30 / (1 + weights * 30))


@pytest.mark.parametrize("fill", [0.1, 0.5])
def test_misses_that_are_not_all_inserted_agree_with_a_simulation(fill):
    weights = zipf_weights(1000, 0.9)
    assert theory(weights, 100, fill=fill) == pytest.approx(simulated(weights, 100, fill=fill), abs=0.012)


def test_removals_agree_with_a_simulation():
    weights = zipf_weights(1000, 0.9)
    assert theory(weights, 100, drop=0.3) == pytest.approx(simulated(weights, 100, drops=0.3), abs=0.012)


# ---- memory ------------------------------------------------------------------------------------------------------


@given(
    st.integers(10, 100_000_000),
    st.floats(0, 2),
    st.floats(1e-4, 0.9),
    st.sampled_from(list(Evict)),
    st.one_of(st.none(), st.floats(0.1, 1e6)),
)
def test_what_is_inside_fills_the_memory(size, exponent, share, evict, ttl):
    cells = zipf(size, exponent)
    memory = share * size * 100
    demand = Demand(cells.counts, cells.weights / cells.counts * 1000, bytes=100.0)
    state = contents([demand], memory, evict=evict, ttl=ttl)
    if memory < 100:
        assert np.all(state.present[0] == 0)  # not even one entry fits
        return
    assert np.all((state.present[0] >= 0) & (state.present[0] <= 1))
    assert state.characteristic_time is not None
    assert state.occupancy == pytest.approx(memory, rel=1e-6)
    if evict is Evict.LFU:
        memory = 100 * np.floor(share * size + 1e-9)  # whole entries
    if ttl is None:
        assert float(cells.counts @ state.present[0]) * 100 == pytest.approx(memory, rel=1e-5)


@given(st.integers(2, 1_000), st.floats(0, 2), st.floats(0, 1))
def test_the_most_popular_keys_but_one_are_kept_and_the_last_of_the_others(size, exponent, share):
    """Perfect LFU with independent references: exact, from the chain that the last room is."""
    weights = zipf_weights(size, exponent)
    room = min(size - 1, 1 + int(share * (size - 1)))
    others = weights[room - 1 :]
    exact = weights[: room - 1].sum() + (others**2).sum() / others.sum()
    assert theory(weights, room, evict=Evict.LFU) == pytest.approx(exact, rel=1e-6)
    assert theory(weights, size, evict=Evict.LFU) == pytest.approx(1.0)


@given(st.integers(100, 10_000_000), st.floats(0, 1.5), st.floats(0.01, 0.4))
def test_more_memory_and_a_higher_rate_scale_as_they_should(size, exponent, share):
    cells = zipf(size, exponent)
    per_key = cells.weights / cells.counts
    few = contents([Demand(cells.counts, per_key)], share * size)
    more = contents([Demand(cells.counts, per_key)], 2 * share * size)
    faster = contents([Demand(cells.counts, 10 * per_key)], share * size)
    assert float(cells.weights @ more.present[0]) >= float(cells.weights @ few.present[0])
    assert few.characteristic_time is not None
    assert faster.characteristic_time == pytest.approx(few.characteristic_time / 10, rel=1e-6)


def test_two_populations_share_one_memory_by_bytes():
    # twins of one population, one half as large an entry: as one population where sizes are equal
    cells = zipf(1000, 0.8)
    gets = cells.weights / cells.counts
    both = contents([Demand(cells.counts, gets, bytes=10.0), Demand(cells.counts, gets, bytes=10.0)], 4000.0)
    alone = contents([Demand(cells.counts, gets, bytes=10.0)], 2000.0)
    assert both.characteristic_time == pytest.approx(alone.characteristic_time)
    mixed = contents([Demand(cells.counts, gets, bytes=10.0), Demand(cells.counts, gets, bytes=30.0)], 4000.0)
    inside = [float(cells.counts @ p) for p in mixed.present]
    assert inside[0] == pytest.approx(inside[1])  # who stays is decided by time, not by size
    assert 10 * inside[0] + 30 * inside[1] == pytest.approx(4000)


def test_new_keys_take_room_until_they_are_evicted():
    cells = zipf(1000, 0.8)
    demand = Demand(cells.counts, cells.weights / cells.counts, bytes=1.0)
    without, with_new = contents([demand], 200.0), contents([demand], 200.0, fresh=0.5)
    assert with_new.characteristic_time is not None
    assert without.characteristic_time is not None
    assert with_new.characteristic_time < without.characteristic_time
    kept = float(cells.counts @ with_new.present[0])
    assert kept + 0.5 * with_new.characteristic_time == pytest.approx(200)


def test_new_keys_alone_leave_after_memory_over_rate():
    state = contents([], 1000.0, fresh=10.0)
    assert state.characteristic_time == pytest.approx(100)
    assert contents([], None, fresh=10.0).occupancy is None
    assert contents([], None, fresh=10.0, ttl=5.0).occupancy == pytest.approx(50)


def test_expired_entries_that_go_at_once_leave_room_for_others():
    cells = zipf(10_000, 0.8)
    demand = Demand(cells.counts, cells.weights / cells.counts, bytes=1.0)
    lazy = contents([demand], 1000.0, ttl=1000.0)
    swept = contents([demand], 1000.0, ttl=1000.0, expired_stay=False)
    assert lazy.characteristic_time is not None
    assert swept.characteristic_time is None or swept.characteristic_time > lazy.characteristic_time


def test_an_entry_larger_than_the_memory_is_never_in():
    cells = zipf(10, 1.0)
    state = contents([Demand(cells.counts, cells.weights, bytes=100.0)], 99.0)
    assert np.all(state.present[0] == 0)
    assert state.occupancy == 0


@given(st.floats(0.01, 10), st.floats(0.01, 20))
def test_the_stay_under_lru_is_a_busy_period(rate, time):
    none = np.zeros(1)
    staying = stay(Evict.LRU, time, inf, np.array([rate]), none, none)[0]
    assert staying == pytest.approx(np.expm1(rate * time) / rate, rel=1e-6)


@given(st.floats(0.01, 5), st.floats(0.01, 5), st.floats(0.01, 50), st.floats(0, 2))
def test_a_ttl_and_removals_only_shorten_the_stay(rate, time, ttl, drop):
    none = np.zeros(1)
    r = np.array([rate])
    whole = stay(Evict.LRU, time, inf, r, none, none)[0]
    cut = stay(Evict.LRU, time, ttl, r, none, np.array([drop]))[0]
    assert cut <= min(whole, ttl) * (1 + 1e-9)
    assert cut > 0
