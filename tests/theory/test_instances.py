"""How many instances of a function there are, and how often a call starts one: closed forms, and a chain solved exactly."""

from __future__ import annotations

from math import exp, factorial

import numpy as np
import pytest

from toscale.engine.laws import Law
from toscale.engine.model import Flow, Instances, Model, Poisson, Station, Visit, Work
from toscale.theory import solve
from toscale.theory.instances import records


def power(matrix: np.ndarray) -> np.ndarray:
    """E to the power of a matrix: of a part of it by its series, squared again and again."""
    small = matrix / 2.0**24
    found = term = np.eye(len(matrix))
    for k in range(1, 7):
        term = term @ small / k
        found = found + term
    for _ in range(24):
        found = found @ found
    return found


def by_chain(rate: float, holding: float, keep: float, most: int = 30) -> tuple[float, float]:
    """The same from the chain of the calls at once itself."""
    load = rate * holding
    chance = np.array([exp(-load) * load**n / factorial(n) for n in range(most)])
    cold = number = 0.0
    for top in range(most - 1):
        up = np.full(top + 1, rate)
        down = np.arange(top + 1) / holding
        chain = np.diag(-(up + down)) + np.diag(up[:-1], 1) + np.diag(down[1:], -1)
        stays = power(chain * keep).sum(axis=1)
        cold += chance[top] * stays[top]
        number += 1 - chance[: top + 1] @ stays
    return cold, number


@pytest.mark.parametrize(
    ("rate", "holding", "keep"),
    [(1.0, 0.5, 2.0), (20.0, 0.1, 1.0), (20.0, 0.1, 0.05), (5.0, 1.0, 20.0), (0.1, 0.2, 3.0)],
)
def test_it_is_what_the_chain_says(rate: float, holding: float, keep: float) -> None:
    assert records(rate, holding, keep) == pytest.approx(by_chain(rate, holding, keep), rel=1e-5, abs=1e-7)


def test_of_very_short_calls_one_is_cold_where_none_came_for_so_long() -> None:
    cold, number = records(2.0, 1e-9, 1.5)
    assert cold == pytest.approx(exp(-2.0 * 1.5), rel=1e-5)
    assert number == pytest.approx(1 - exp(-2.0 * 1.5), rel=1e-5)


def test_kept_for_no_time_all_are_cold_and_for_ever_none() -> None:
    assert records(10.0, 0.1, 0.0) == (1.0, 1.0)
    assert records(10.0, 0.1, float("inf"))[0] == 0.0


@pytest.mark.parametrize("load", [0.5, 10.0, 300.0])
def test_longer_kept_fewer_are_cold_and_more_are_there(load: float) -> None:
    found = [records(load, 1.0, keep) for keep in (0.1, 1.0, 10.0, 100.0)]
    assert sorted(found, key=lambda one: -one[0]) == found
    assert sorted(found, key=lambda one: one[1]) == found
    assert all(0 <= cold <= 1 and number >= load for cold, number in found)


def test_the_twin_counts_the_time_of_cold_starts() -> None:
    """One call in e^3 is cold, and takes 2 s more."""
    station = Station("f", instances=Instances(Law.fixed(2.0), 300.0))
    visit = Visit("v", "f", Work.of(Law.exponential(1e-4)))
    twin = solve(Model(stations=(station,), flows=(Flow("g", Poisson.at(0.01), (visit,)),)))
    cold = twin.instances["f"].cold
    assert cold == pytest.approx(exp(-3.0), rel=0.03)
    assert twin.flows["g"].latency == pytest.approx(1e-4 + 2.0 * cold)
    assert twin.converged
    assert any("cold starts" in one.text for one in twin.assumptions)


def test_thousands_at_once_vary_as_a_thousand_do() -> None:
    from toscale.theory.instances import instances

    def at(rate: float) -> tuple[float, float]:
        station = Station("f", instances=Instances(Law.fixed(0.0), 60.0))
        visit = Visit("v", "f", Work.of(Law.exponential(1.0)))
        twin = solve(Model(stations=(station,), flows=(Flow("g", Poisson.at(rate), (visit,)),)))
        found = instances(Model(stations=(station,)), twin.stations)["f"]
        return found.cold, found.number

    for rate in (999.0, 1_500.0):
        assert at(rate) == pytest.approx(records(rate, 1.0, 60.0), rel=0.03)
