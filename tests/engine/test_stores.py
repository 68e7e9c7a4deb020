"""Stores hold what they should: compared with a plain dictionary, with exact hit ratios, and with Che where keys are
too many to hold.

Statistical bounds are five standard deviations and more: a false alarm in a few millions. (The seeds are fixed.)
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.engine import stores as engine_stores
from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Clock,
    Delay,
    Evict,
    Flag,
    Flow,
    Get,
    If,
    Key,
    Model,
    NewKey,
    Poisson,
    Population,
    Put,
    Scatter,
    Station,
    Store,
    Visit,
    Work,
)
from toscale.engine.run import Replication, StoreStart
from toscale.engine.state import TICK
from toscale.theory.cache import lru_hit_ratio, lru_hit_ratio_exact
from toscale.theory.popularity import zipf

KEYS = Population("k", 1, 1_000, 0.9)


def read_through(population: Population, size: float = 1.0, present: float = 0.0) -> tuple[Key, Get, If]:
    """Draw a key, look it up, put it in where it is missing."""
    return (
        Key("key", "key", population),
        Get("get", "c", "key", "found", size, population, present),
        If("found", Flag("found"), (), (Put("put", "c", "key", size, population),)),
    )


def cache(
    store: Store,
    population: Population,
    rate: float,
    seconds: float,
    start: StoreStart | None = None,
    **get: float,
) -> Replication:
    model = Model(stores=(store,), flows=(Flow("f", Poisson.at(rate), read_through(population, **get)),))
    made = Replication(model, compile_model(model), "1", seconds, start={} if start is None else {"c": start})
    made.run(1)
    made.check_conservation()
    return made


def hits(made: Replication) -> tuple[int, int]:
    row = made.state.stores[0]
    return int(row.hits), int(row.gets)


def hit_ratio(made: Replication) -> float:
    found, asked = hits(made)
    return found / asked


# ---- against a plain dictionary --------------------------------------------------------------------------------------


@dataclass
class Plain:
    """What a store is: an ordered dictionary of insertion times, the next victim first."""

    room: int
    ttl: float
    evict: Evict
    held: OrderedDict[int, float]

    def get(self, key: int, now: float) -> bool:
        if key not in self.held:
            return False
        if now - self.held[key] >= self.ttl:
            del self.held[key]
            return False
        if self.evict is Evict.LRU:
            self.held.move_to_end(key)
        return True

    def put(self, key: int, now: float) -> None:
        self.held.pop(key, None)
        while len(self.held) >= self.room:
            self.held.popitem(last=False)
        self.held[key] = now


operations = st.lists(
    st.tuples(st.sampled_from(["get", "put", "drop"]), st.integers(1, 12), st.integers(0, 40)), max_size=300
)


@settings(max_examples=60)
@given(
    operations,
    st.integers(1, 8),
    st.sampled_from([None, 30, 100]),
    st.sampled_from([Evict.LRU, Evict.FIFO]),
)
def test_a_store_is_an_ordered_dictionary(
    done: list[tuple[str, int, int]], room: int, ttl: int | None, evict: Evict
) -> None:
    store = Store("c", memory=float(room) * 0.1, ttl=None if ttl is None else ttl * TICK, evict=evict)
    model = Model(stores=(store,), flows=(Flow("f", Clock(1.0), read_through(KEYS)),))
    state = Replication(model, compile_model(model), "1", 1.0).state
    plain = Plain(room, np.inf if ttl is None else ttl, evict, OrderedDict())
    now = 0
    for what, number, passes in done:
        now += passes
        state.control[0].now = now
        key = np.uint64((1 << 48) + number)
        with np.errstate(over="ignore"):
            if what == "get":
                assert engine_stores.get(state, 0, key, 0, 0.0, 0.1) == plain.get(number, now)
            elif what == "put":
                engine_stores.put(state, 0, key, 0.1)
                plain.put(number, now)
            else:
                engine_stores.drop(state, 0, key)
                plain.held.pop(number, None)
        assert int(state.shards[0].entries) == len(plain.held)
        assert float(state.shards[0].used) == pytest.approx(0.1 * len(plain.held), abs=1e-9)


# ---- hit ratios ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("started", [True, False])
def test_lru_has_the_exact_hit_ratio(started: bool) -> None:
    """300,000 look-ups; from an empty store the first 100 of 1,000 keys are misses, which is less than the bound."""
    exact = lru_hit_ratio_exact(np.arange(1, 1_001) ** -0.9, 100)
    start = StoreStart(None, {"k": 3_000.0}) if started else None
    found = hit_ratio(cache(Store("c", memory=100.0), KEYS, 3_000.0, 100.0, start))
    assert found == pytest.approx(exact, abs=5 * (0.25 / 300_000) ** 0.5 * 1.5)


def test_fifo_and_random_eviction_hit_equally_often_and_less_than_lru() -> None:
    """Gelenbe (1973): FIFO and random have the same hit ratio under independent requests, LRU a higher one."""
    found = {
        evict: hit_ratio(cache(Store("c", memory=100.0, evict=evict), KEYS, 3_000.0, 100.0))
        for evict in Evict
    }
    bound = 5 * (2 * 0.25 / 300_000) ** 0.5 * 1.5
    assert found[Evict.FIFO] == pytest.approx(found[Evict.RANDOM], abs=bound)
    assert found[Evict.LRU] > found[Evict.FIFO] + bound


def test_the_ttl_runs_from_the_insertion_however_often_the_key_is_used() -> None:
    """One key, asked for 100 times a second, kept for a second: after each insertion a mean of 100 hits."""
    one = Population("one", 1, 1)
    found = hit_ratio(cache(Store("c", ttl=1.0), one, 100.0, 2_000.0))
    # insertions are a renewal process of mean 1 + 1/100 seconds: misses = 1 / 101; standard deviation of their number < 1%
    assert 1 - found == pytest.approx(1 / 101, rel=0.03)


def test_memory_is_bytes_per_shard() -> None:
    """Uniform keys of 3 bytes in 4 shards of 100 bytes: 33 entries each, 132 of 1,000 keys."""
    uniform = Population("u", 1, 1_000)
    made = cache(Store("c", shards=4, memory=100.0), uniform, 3_000.0, 100.0, size=3.0)
    assert [int(n) for n in made.state.shards["entries"]] == [33] * 4
    # each shard holds 33 of the keys that hash to it: the hit ratio is the mean of those shares over the keys, 0.132
    assert hit_ratio(made) == pytest.approx(0.132, abs=5 * (0.132 * 0.868 / 300_000) ** 0.5)


def test_what_is_larger_than_the_memory_is_never_kept() -> None:
    made = cache(Store("c", memory=2.0), Population("one", 1, 1), 100.0, 10.0, size=3.0)
    assert hits(made)[0] == 0
    assert int(made.state.shards[0].entries) == 0


@pytest.mark.parametrize(("exponent", "ttl"), [(0.8, None), (1.0, None), (0.9, 5.0)])
def test_a_population_of_50_million_keys_hits_as_che_says(exponent: float, ttl: float | None) -> None:
    """Such a store is not held entry by entry: an entry is there unless unused for the characteristic time."""
    size, held, rate, seconds = 50_000_000, 1_000_000, 20_000.0, 10.0
    population = Population("huge", 1, size, exponent)
    keys = zipf(size, exponent)
    each = keys.weights / keys.counts
    low, high = 1e-6, 1e9
    for _ in range(200):  # the characteristic time: as many are there as fit
        time = (low * high) ** 0.5
        if float(np.dot(keys.counts, -np.expm1(-rate * each * time))) < held:
            low = time
        else:
            high = time
    if ttl is None:
        che = float(np.dot(keys.weights, -np.expm1(-rate * each * time)))
    else:
        time, che = 1e9, float(np.dot(keys.weights, rate * each * ttl / (1 + rate * each * ttl)))
    store = Store("c", memory=float(held), ttl=ttl)
    start = StoreStart(None if ttl is not None else time, {"huge": rate})
    made = cache(store, population, rate, seconds, start)
    assert not made.state.stores[0].lists
    found, asked = hits(made)
    # hits are nearly independent; the population's cells are within a thousandth of the weights
    assert found / asked == pytest.approx(che, abs=5 * (0.25 / asked) ** 0.5 + 0.002)
    assert int(made.state.control[0].entries) <= asked  # as many as were touched
    assert len(made.state.entries) < 1 << 21  # not as many as there are


# ---- keys that are made, and lists of keys ---------------------------------------------------------------------------


def test_a_new_key_is_found_after_it_was_put_and_never_before() -> None:
    population = Population("made", 1, 10)
    steps = (
        NewKey("new", "key", population),
        Get("before", "c", "key", "early", 1.0, population),
        Put("put", "c", "key", 1.0, population),
        Get("after", "c", "key", "late", 1.0, population),
    )
    model = Model(stores=(Store("c"),), flows=(Flow("f", Clock(0.01), steps),))
    made = Replication(model, compile_model(model), "1", 50.0)
    made.run(1)
    found, asked = hits(made)
    assert 2 * found == asked >= 9_998
    assert int(made.state.shards[0].entries) == found


def test_a_key_present_by_chance_takes_its_room() -> None:
    """Keys that nobody asked for before are there with the chance given, and memory holds for them too."""
    uniform = Population("u", 1, 100_000)
    made = cache(Store("c"), uniform, 1_000.0, 20.0, present=0.3)
    found, asked = hits(made)
    distinct = int(made.state.shards[0].entries)
    repeated = asked - distinct  # asked for a second time: put by then
    assert found - repeated == pytest.approx(0.3 * distinct, abs=5 * (0.21 * distinct) ** 0.5)
    small = cache(Store("c", memory=50.0), uniform, 1_000.0, 20.0, present=0.3)
    assert int(small.state.shards[0].entries) == 50
    assert float(small.state.shards[0].used) == 50.0


@pytest.mark.parametrize("put", [True, False])
def test_a_thousand_keys_at_one_moment_have_room(put: bool) -> None:
    """A list of keys touches as many entries at once; the arrays must have grown before."""
    many = Population("many", 1, 10**9, 0.5)
    step = Scatter(
        "s",
        "s",
        many,
        Work(Law.fixed(1.0), 0.001),
        1_000.0,
        store="c",
        put=put,
        found=None if put else "found",
        bytes=1.0,
    )
    model = Model(
        stations=(Station("s", shards=2),),
        stores=(Store("c"),),
        flows=(Flow("f", Poisson.at(100.0), (step,)),),
    )
    made = Replication(model, compile_model(model), "1", 1.0, start={"c": StoreStart(10.0, {"many": 1e5})})
    made.run(1)
    made.check_conservation()
    started = int(made.state.meters[0].started)
    assert 0.99 * 1_000 * started < int(made.state.control[0].entries) <= 1_000 * started


def test_a_list_is_split_over_the_shards_that_have_its_keys() -> None:
    """Eight keys over three shards: each shard's work is its share, and the call ends with the busiest shard's."""
    uniform = Population("u", 1, 10**6)
    work = Work(Law.fixed(1.0), 0.0, 0.001)
    step = Scatter("s", "s", uniform, work, 8.0)
    model = Model(stations=(Station("s", shards=3),), flows=(Flow("f", Clock(0.05), (step,)),))
    made = Replication(model, compile_model(model), "1", 500.0)
    made.run(1)
    row, meter = made.state.stations[0], made.state.meters[0]
    done = int(meter.done)
    draws = np.random.default_rng(1).multinomial(8, [1 / 3] * 3, 200_000)
    # all work is 8 ms a call; a shard is called unless it has none of the keys; the latency is the largest share's
    assert float(row.busy_time) * TICK == pytest.approx(0.008 * done, rel=1e-3)
    assert int(row.arrived) / done == pytest.approx(float((draws > 0).sum(axis=1).mean()), rel=0.01)
    assert float(meter.total) * TICK / done == pytest.approx(float(draws.max(axis=1).mean()) * 1e-3, rel=0.01)


def test_a_miss_costs_a_call_and_a_hit_does_not() -> None:
    """The database is called as often as the cache misses."""
    steps = (
        *read_through(KEYS)[:2],
        If(
            "found",
            Flag("found"),
            (Delay("d", Work.of(Law.fixed(0.001))),),
            (Visit("db", "db", Work.of(Law.fixed(0.005))), Put("put", "c", "key", 1.0, KEYS)),
        ),
    )
    model = Model(
        stations=(Station("db"),),
        stores=(Store("c", memory=100.0),),
        flows=(Flow("f", Poisson.at(1_000.0), steps),),
    )
    made = Replication(model, compile_model(model), "1", 20.0, start={"c": StoreStart(None, {"k": 1_000.0})})
    made.run(1)
    found, asked = hits(made)
    assert int(made.state.stations[0].arrived) == asked - found > 5_000


def test_che_and_the_exact_ratio_agree_for_a_thousand_keys() -> None:
    """That the two references of this file are the same thing."""
    weights = np.arange(1, 1_001) ** -0.9
    assert lru_hit_ratio(weights, 100) == pytest.approx(lru_hit_ratio_exact(weights, 100), abs=0.002)
