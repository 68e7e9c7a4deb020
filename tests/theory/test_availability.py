"""Steady-state availability: closed forms of one machine, of parallel ones, of a series, and what must hold of all."""

from __future__ import annotations

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.theory.availability import at_least, in_series, working

shares = st.floats(0.0, 1.0)


def test_one_machine_works_for_its_part_of_the_time() -> None:
    assert working(99.0, 1.0) == 0.99
    with pytest.raises(ValueError, match="positive"):
        working(0.0, 1.0)


@given(st.integers(1, 30), shares)
def test_one_of_n_fails_with_all_and_n_of_n_with_any(number: int, share: float) -> None:
    assert isclose(at_least(1, number, share), 1 - (1 - share) ** number, abs_tol=1e-12)
    assert isclose(at_least(number, number, share), share**number, abs_tol=1e-12)


@given(st.integers(1, 20), shares, st.data())
def test_more_machines_help_and_more_needed_ones_do_not(
    number: int, share: float, data: st.DataObject
) -> None:
    needed = data.draw(st.integers(1, number))
    here = at_least(needed, number, share)
    assert at_least(needed, number + 1, share) >= here - 1e-12
    assert at_least(needed + 1, number, share) <= here + 1e-12


@given(st.lists(shares, max_size=6))
def test_a_series_is_never_better_than_its_worst_part(parts: list[float]) -> None:
    assert in_series(parts) <= min(parts, default=1.0)
