"""Eviction by frequency: the store is a list sorted by counts, and keeps the most popular keys.

Statistical tests have fixed seeds and tolerances of some five standard errors.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.engine import stores as engine_stores
from toscale.engine.compiler import compile_model
from toscale.engine.model import (
    Evict,
    Flag,
    Flow,
    Get,
    If,
    Key,
    Model,
    Poisson,
    Population,
    Put,
    Steps,
    Store,
)
from toscale.engine.run import Replication, StoreStart
from toscale.engine.state import TICK
from toscale.theory import solve

KEYS = Population("k", 1, 1_000, 0.9)


def read_through(keys: Population) -> Steps:
    return (
        Key("k", "key", keys),
        Get("g", "c", "key", "found", 1.0, keys),
        If("i", Flag("found"), (), (Put("p", "c", "key", 1.0, keys),)),
    )


def model(keys: Population, memory: float, rate: float, shards: int = 1, ttl: float | None = None) -> Model:
    store = Store("c", shards, memory, ttl, Evict.LFU)
    return Model(stores=(store,), flows=(Flow("f", Poisson.at(rate), read_through(keys)),))


def hit_ratio(made: Model, seconds: float, start: StoreStart | None) -> float:
    run = Replication(made, compile_model(made), "1", seconds, start={} if start is None else {"c": start})
    run.run(1)
    run.check_conservation()
    return int(run.state.stores[0].hits) / int(run.state.stores[0].gets)


def perfect(keys: Population, room: int) -> float:
    """The most popular keys but one, and in the last room whoever of the others came last (see `theory.cache`)."""
    p = np.arange(1, keys.size + 1, dtype=np.float64) ** -keys.exponent
    p /= p.sum()
    others = p[room - 1 :]
    return float(p[: room - 1].sum() + (others**2).sum() / others.sum())


@pytest.mark.parametrize("room", [1, 10, 100])
def test_it_keeps_the_most_popular_keys_and_theory_says_the_same(room: int) -> None:
    exact = perfect(KEYS, room)
    made = model(KEYS, float(room), 3_000.0)
    theory = solve(made).stores["c"]
    assert theory.hit_ratio == pytest.approx(exact, abs=1e-6)
    start = StoreStart(theory.characteristic_time, {"k": 3_000.0})
    assert hit_ratio(made, 100.0, start) == pytest.approx(exact, abs=5 * (0.25 / 300_000) ** 0.5)


def test_from_an_empty_store_the_counts_come_to_the_same() -> None:
    """It has to learn which keys are popular: more than random eviction hits, and nearly what is best."""
    found = hit_ratio(model(KEYS, 100.0, 3_000.0), 200.0, None)
    assert perfect(KEYS, 100) - 0.02 < found < perfect(KEYS, 100) + 0.005


def test_a_population_too_large_for_lists_hits_as_theory_says() -> None:
    keys = Population("many", 1, 50_000_000, 1.0)
    made = model(keys, 1_000_000.0, 5_000.0)
    theory = solve(made).stores["c"]
    ranks = np.arange(1, keys.size + 1, dtype=np.float64)
    exact = float((1 / ranks[:999_999]).sum() / (1 / ranks).sum())
    assert theory.hit_ratio == pytest.approx(exact, abs=0.002)
    found = hit_ratio(made, 20.0, StoreStart(theory.characteristic_time, theory.gets))
    assert found == pytest.approx(exact, abs=0.002 + 5 * (0.25 / 100_000) ** 0.5)


def test_of_equally_popular_keys_as_many_hit_as_fit() -> None:
    keys = Population("alike", 1, 1_000_000)
    made = model(keys, 300_000.0, 1_000.0)
    theory = solve(made).stores["c"]
    assert theory.hit_ratio == pytest.approx(0.3, abs=1e-5)
    found = hit_ratio(made, 100.0, StoreStart(theory.characteristic_time, theory.gets))
    assert found == pytest.approx(0.3, abs=5 * (0.21 / 100_000) ** 0.5)


def test_a_ttl_runs_on_for_the_most_popular() -> None:
    """Those that are kept are there for r T / (1 + r T) of the time; the others hardly ever."""
    made = model(KEYS, 100.0, 1_000.0, ttl=0.5)
    p = np.arange(1, 1_001, dtype=np.float64) ** -0.9
    p /= p.sum()
    each = 1_000.0 * p * 0.5
    exact = float((p * each / (1 + each))[:99].sum())
    theory = solve(made).stores["c"]
    assert theory.hit_ratio == pytest.approx(exact, abs=0.005)
    start = StoreStart(theory.characteristic_time, theory.gets)
    assert hit_ratio(made, 100.0, start) == pytest.approx(exact, abs=0.01)


operations = st.lists(
    st.tuples(st.sampled_from(["get", "put", "drop"]), st.integers(1, 12), st.integers(0, 40)), max_size=300
)


@settings(max_examples=60)
@given(operations, st.integers(1, 8), st.sampled_from([None, 30, 100]))
def test_a_store_is_a_list_sorted_by_counts(
    done: list[tuple[str, int, int]], room: int, ttl: int | None
) -> None:
    """Against a plain list: of those least often asked for, the one goes whose last use or insertion is the oldest."""
    store = Store("c", memory=float(room), ttl=None if ttl is None else ttl * TICK, evict=Evict.LFU)
    made = Model(stores=(store,), flows=(Flow("f", Poisson.at(1.0), read_through(KEYS)),))
    run = Replication(made, compile_model(made), "1", 1.0)
    state = run.state
    counts: dict[int, int] = {}
    held: dict[int, tuple[int, int]] = {}  # key: when it came to its place, when it was inserted
    now = 0
    for turn, (what, number, passes) in enumerate(done):
        now += passes
        state.control[0].now = now
        key = np.uint64((1 << 48) + number)
        with np.errstate(over="ignore"):
            if what == "get":
                hit = number in held and (ttl is None or now - held[number][1] < ttl)
                assert engine_stores.get(state, 0, key, 0, 0.0, 1.0) == hit
                if number in held and not hit:
                    del held[number]
                elif number in counts:
                    counts[number] += 1
                    if hit:
                        held[number] = (turn, held[number][1])
            elif what == "put":
                engine_stores.put(state, 0, key, 1.0)
                held.pop(number, None)
                counts.setdefault(number, 1)
                while len(held) >= room:
                    del held[min(held, key=lambda one: (counts[one], held[one][0]))]
                held[number] = (turn, now)
            else:
                engine_stores.drop(state, 0, key)
                held.pop(number, None)
                counts.pop(number, None)
        assert int(state.shards[0].entries) == len(held)
    run.check_conservation()
    entries = state.entries[(state.entries["present"] > 0) & (state.entries["store"] == 0)]
    assert {int(e.key) - (1 << 48) for e in entries} == held.keys()
