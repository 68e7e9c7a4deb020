"""The characteristic time is a root; it must be one, however far from it the search begins."""

from __future__ import annotations

from math import exp

from hypothesis import example, given
from hypothesis import strategies as st

from toscale.theory.cache import _increasing_root

logs = st.floats(-8, 8)


@given(
    grow=logs,
    most=logs,
    rate=logs,
    share=st.floats(0.05, 0.95),
    guess=st.floats(-20, 20),
    first=st.floats(0.01, 2),
)
@example(grow=-4.0, most=7.0, rate=-3.0, share=0.9, guess=-12.0, first=0.1)
def test_the_root_of_what_a_store_fills_with(
    grow: float, most: float, rate: float, share: float, guess: float, first: float
) -> None:
    """Keys with popularity fill it up to a limit, inserted ones for ever: a t + b (1 - exp(-c t)) = level."""
    a, b, c = exp(grow), exp(most), exp(rate)
    level = share * b + a * 1.0

    def missing(t: float) -> float:
        return a * t + b * (1 - exp(-c * t)) - level

    root = _increasing_root(missing, exp(guess), first)
    assert missing(root * (1 - 1e-8)) <= 1e-9 * level
    assert missing(root * (1 + 1e-8)) >= -1e-9 * level
