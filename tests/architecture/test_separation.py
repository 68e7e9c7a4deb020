"""Things that must keep apart: do they, and are they as near to their wishes as can be?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.architecture.separation import separated, topological


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[float], list[float], list[tuple[int, int, float]]]:
    count = draw(st.integers(1, 12))
    wishes = draw(st.lists(st.floats(-100, 100), min_size=count, max_size=count))
    weights = draw(st.lists(st.floats(0.1, 10), min_size=count, max_size=count))
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=20))
    distances = draw(st.lists(st.floats(0, 50), min_size=len(pairs), max_size=len(pairs)))
    apart = [(min(a, b), max(a, b), d) for (a, b), d in zip(pairs, distances, strict=True) if a != b]
    return wishes, weights, apart


@given(columns())
def test_distances_are_kept(problem: tuple[list[float], list[float], list[tuple[int, int, float]]]) -> None:
    wishes, weights, apart = problem
    order = topological(len(wishes), apart)
    assert order is not None
    places = separated(wishes, weights, apart, order)
    for first, second, distance in apart:
        assert places[second] - places[first] >= distance - 1e-6


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=10))
def test_wishes_that_keep_apart_are_granted(wishes: list[float]) -> None:
    wishes = sorted(wishes)
    apart = [(place, place + 1, 0.0) for place in range(len(wishes) - 1)]
    assert separated(wishes, [1.0] * len(wishes), apart, range(len(wishes))) == pytest.approx(wishes)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8), st.floats(0, 30))
def test_in_a_column_the_places_are_the_best(wishes: list[float], distance: float) -> None:
    """The optimum is that of isotonic regression (pool adjacent violators), which SciPy also solves."""
    from scipy.optimize import isotonic_regression

    apart = [(place, place + 1, distance) for place in range(len(wishes) - 1)]
    found = separated(wishes, [1.0] * len(wishes), apart, range(len(wishes)))
    shifted = [wish - place * distance for place, wish in enumerate(wishes)]
    best = [value + place * distance for place, value in enumerate(isotonic_regression(shifted).x)]
    cost = sum((a - b) ** 2 for a, b in zip(found, wishes, strict=True))
    least = sum((a - b) ** 2 for a, b in zip(best, wishes, strict=True))
    assert cost <= least * 1.0001 + 1e-6


def test_a_circle_has_no_order() -> None:
    assert topological(3, [(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)]) is None
