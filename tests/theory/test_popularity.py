"""The cells of a population stand for all its keys: counts and chances add up, and sums over keys come out right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.engine.model import Population
from toscale.theory.popularity import keys, zipf

sizes = st.one_of(st.integers(1, 2000), st.integers(1, 500_000_000))


@given(sizes, st.floats(0, 2))
def test_every_key_is_in_one_cell_and_the_chances_add_up(size, exponent):
    cells = zipf(size, exponent)
    assert cells.counts.sum() == size
    assert cells.weights.sum() == pytest.approx(1)
    assert np.all(cells.weights > 0)
    assert len(cells.counts) < 1000
    each = cells.weights / cells.counts
    assert np.all(np.diff(each) <= 1e-15)


@pytest.mark.parametrize("exponent", [0.0, 0.4, 0.95, 1.0, 1.3, 2.0])
@pytest.mark.parametrize("size", [1, 100, 257, 100_000])
def test_the_head_and_any_sum_agree_with_the_keys_laid_out(size, exponent):
    weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    weights /= weights.sum()
    cells = zipf(size, exponent)
    each = cells.weights / cells.counts
    assert each[0] == pytest.approx(weights[0], rel=1e-6)
    # the share of keys met in a while, which a cache depends on
    for t in (10.0, 1e3, 1e5):
        whole = float(weights @ -np.expm1(-weights * t))
        assert float(cells.weights @ -np.expm1(-each * t)) == pytest.approx(whole, rel=1e-4)


def test_a_population_without_keys_is_refused():
    with pytest.raises(ValueError, match="at least one key"):
        keys(Population("link", 1, 0))
