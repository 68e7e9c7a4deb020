"""Draws are what they should be: hashes are uniform, laws have their quantiles, keys follow their popularity.

Seeds are fixed. Bounds: Kolmogorov-Smirnov and chi-square at 1e-6, five standard deviations elsewhere.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from toscale.engine import draws
from toscale.engine.compiler import compile_model
from toscale.engine.draws import GOLDEN, draw_index, draw_law, mix, unit, weight
from toscale.engine.laws import Law
from toscale.engine.model import (
    Attribute,
    Chance,
    Clock,
    Delay,
    Each,
    End,
    Flow,
    If,
    Key,
    Model,
    Outcome,
    Poisson,
    Population,
    Set,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK

ALARM = 1e-6


def units(number: int, seed: int = 7) -> np.ndarray:
    """Uniform numbers as the engine makes them: of counted keys."""
    with np.errstate(over="ignore"):
        base = np.uint64(mix(np.uint64(seed)))
        keys = [base + np.uint64(k) * GOLDEN for k in range(number)]
        return np.array([unit(np.uint64(mix(key))) for key in keys])


def state_of(model: Model) -> object:
    return Replication(model, compile_model(model), "1", 1.0).state


# ---- uniform numbers -------------------------------------------------------------------------------------------------


def test_hashes_of_counted_keys_are_uniform() -> None:
    u = units(100_000)
    assert u.min() > 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > ALARM


@pytest.mark.parametrize("lag", [1, 2, 7])
def test_neighbours_are_independent(lag: int) -> None:
    """Pairs fill a grid of 20 by 20 evenly."""
    u = units(100_000)
    cells = np.histogram2d(u[:-lag], u[lag:], bins=20, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(cells.ravel()).pvalue > ALARM


def test_one_bit_of_the_key_changes_half_of_the_hash() -> None:
    flips = []
    with np.errstate(over="ignore"):
        for k in range(200):
            key = np.uint64(k * 0x1234567)
            flips += [(int(mix(key)) ^ int(mix(key ^ np.uint64(1 << b)))).bit_count() for b in range(64)]
    mean = float(np.mean(flips))
    assert mean == pytest.approx(32, abs=5 * 4 / sqrt(len(flips)))


def test_unit_is_never_0_or_1() -> None:
    assert 0 < unit(np.uint64(0)) < 1e-15
    assert 1 - 1e-15 < unit(np.uint64(2**64 - 1)) < 1


# ---- laws ------------------------------------------------------------------------------------------------------------

LAWS = [
    Law.exponential(1.0),
    Law.lognormal(1.0, 0.3),
    Law.lognormal(1.0, 2.0),
    Law.gamma(1.0, 0.5),
    Law.gamma(1.0, 2.0),
    Law.pareto(1.0, 2.5),
    Law.pareto(1.0, 1.2, 50.0),
    Law.uniform(0.5, 1.5),
    Law.fixed(1.0),
    Law.empirical([1.0, 2.0, 5.0]),
    Law.mixture([(0.9, Law.fixed(1.0)), (0.1, Law.exponential(10.0))]),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.shape}-{law.cv:.2g}")
def test_a_law_is_drawn_by_its_quantiles(law: Law) -> None:
    """From the bulk to the far tail: one draw is one quantile, in order. The lowest thousandth is a straight line."""
    model = Model(flows=(Flow("f", Clock(1.0), (Delay("d", Work(law, 1.0)),)),))
    tables = compile_model(model)
    state = Replication(model, tables, "1", 1.0).state
    bulk = np.linspace(0.002, 0.999, 998)
    tail = 1 - 10.0 ** -np.arange(3.5, 9, 0.5)
    u = np.concatenate([[1e-9, 1e-6, 1e-4], bulk, tail])
    drawn = np.array([draw_law(state, tables.law_of[law], x) for x in u])
    assert np.all(np.diff(drawn) >= 0)
    assert drawn[0] >= 0
    exact = law.quantile(u)
    close = (np.abs(drawn - exact) < 0.01 * exact + 1e-4 * law.mean)[3:]
    if law.shape in ("mixture", "empirical"):  # where the law jumps, a table has a slope
        assert np.mean(close) > 0.99
    else:
        assert np.all(close)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.shape}-{law.cv:.2g}")
def test_the_mean_of_what_is_drawn_is_the_law_s(law: Law) -> None:
    """Over a hundred thousand delays of a clock's flow."""
    model = Model(flows=(Flow("f", Clock(0.001), (Delay("d", Work.of(law.scaled(1e-3))),)),))
    made = Replication(model, compile_model(model), "1", 100.0)
    made.run(1)
    row = made.state.meters[0]
    mean = float(row.total) / int(row.done) * TICK
    assert mean == pytest.approx(1e-3 * law.mean, rel=5 * law.cv / sqrt(int(row.done)) + 1e-6)


def test_an_attribute_belongs_to_its_key() -> None:
    """The same key always has the same number, and over keys the numbers have the law, rounded down."""
    law = Law.exponential(20.0)
    one, many = Population("k", 1, 1), Population("k", 2, 10**9)
    for population, number in ((one, 1), (many, None)):
        passes = Each("e", Attribute(law, "key", "n"), (Delay("d", Work.of(Law.fixed(1e-3))),), at_once=1)
        model = Model(flows=(Flow("f", Clock(0.01), (Key("k", "key", population), passes)),))
        made = Replication(model, compile_model(model), "1", 200.0)
        made.run(1)
        row = made.state.meters[0]
        milliseconds = float(row.total) / int(row.done) * TICK * 1e3
        if number is not None:
            assert milliseconds == pytest.approx(round(milliseconds), abs=1e-6)
        else:
            # the floor of an exponential of mean m is geometric: 1 / (e^(1/m) - 1)
            assert milliseconds == pytest.approx(1 / np.expm1(1 / 20.0), rel=5 * 1.0 / sqrt(int(row.done)))


def test_a_chance_is_taken_as_often_as_it_says() -> None:
    steps = (If("i", Chance(0.3), (Set("x", 1), End("e", Outcome.FAILED))),)
    model = Model(flows=(Flow("f", Clock(0.001), steps),))
    made = Replication(model, compile_model(model), "1", 100.0)
    made.run(1)
    row = made.state.meters[0]
    failed, started = int(row.causes[int(Outcome.FAILED)]), int(row.started)
    assert failed / started == pytest.approx(0.3, abs=5 * sqrt(0.21 / started))


def test_gaps_between_arrivals_are_exponential() -> None:
    """The numbers of arrivals in many windows are Poisson: dispersion 1, and each number as often as it should."""
    model = Model(flows=(Flow("f", Poisson.at(5_000.0), ()),))
    made = Replication(model, compile_model(model), "1", 0.001, most_windows=4_000)
    made.run(4_000)
    counts = np.diff(made.readings().meters["started"][:, 0])
    seen = np.bincount(np.minimum(counts, 13), minlength=14)
    chance = np.append(stats.poisson.pmf(np.arange(13), 5.0), stats.poisson.sf(12, 5.0))
    assert stats.chisquare(seen, chance * len(counts)).pvalue > ALARM


# ---- keys ------------------------------------------------------------------------------------------------------------

POPULATIONS = [
    Population("p", 1, 500, 0.0),
    Population("p", 1, 500, 0.9),
    Population("p", 1, 100_000, 0.8),
    Population("p", 1, 100_000, 1.0),
    Population("p", 1, 2_000_000, 1.2),
]


def population_state(population: Population) -> object:
    return state_of(Model(flows=(Flow("f", Clock(1.0), (Key("k", "key", population),)),)))


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda p: f"{p.size}^{p.exponent}")
def test_keys_are_drawn_by_their_weight(population: Population) -> None:
    """The first fifty one by one, the rest in ranges of doubling rank, against the sums of i^-s."""
    state = population_state(population)
    number = 60_000
    drawn = np.array([draw_index(state, 0, u) for u in units(number)])
    assert drawn.min() >= 1
    assert drawn.max() <= population.size
    weights = np.arange(1, population.size + 1, dtype=np.float64) ** -population.exponent
    weights /= weights.sum()
    edges = [
        *range(1, 51),
        *(e for e in (100, 200, 400, 800, 1_600, 3_200, 12_800, 51_200) if e < population.size),
    ]
    edges.append(population.size + 1)
    chance = np.add.reduceat(weights, np.array(edges[:-1]) - 1)
    seen = np.histogram(drawn, bins=edges)[0]
    assert stats.chisquare(seen, chance * number).pvalue > ALARM
    for index in (1, 2, 37, 450):
        assert weight(state, 0, index) == pytest.approx(weights[index - 1], rel=1e-3)


def test_the_tail_begins_where_the_head_ends() -> None:
    """The key around HEAD + 1 is neither left out nor drawn twice as often."""
    population = Population("p", 1, 1_000_000, 0.5)
    state = population_state(population)
    head = draws.HEAD
    row = state.populations[0]  # type: ignore[attr-defined]
    inside = np.linspace(float(row.head_mass), 1.0, 2_000_001)[:-1]
    first = np.array([draw_index(state, 0, u) for u in inside[:4_000]])
    # so many of the evenly spaced draws should hit each of the next keys
    each = (head + 1) ** -0.5 / float(row.total) * 2_000_000 / (1 - float(row.head_mass))
    for key in range(head + 1, head + 4):
        assert np.sum(first == key) == pytest.approx(each, rel=0.02, abs=1.5)
