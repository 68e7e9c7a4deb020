"""Figures in words: nothing shown narrower than it is, nothing unknown shown as known."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.document.made import flow
from toscale.document.figures import DASH, causes, failures, interval, margin, seconds, used, with_margin
from toscale.quantity.units import TIME
from toscale.simulate.result import Figure

VALUE = st.floats(1e-6, 1e6)


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (Figure(0.0712, 0.0708, 0.0716), "71.2 ms ±0.6%"),
        (Figure(0.0712, 0.0700, 0.0716), "71.2 ms ±1.7%"),
        (Figure(0.0712, 0.0712, 0.0712), "71.2 ms"),
        (Figure(0.0712, 0.07119, 0.07121), "71.2 ms"),
        (Figure(0.1, 0.05, 0.16), "100 ms ±60%"),
        (Figure(0.1, 0.05, None), "100 ms ±?"),
        (Figure(None, reason="none"), DASH),
        (None, DASH),
        (Figure(0.0, 0.0, 0.0), "0 s"),
    ],
)
def test_a_figure_with_the_half_of_its_interval(figure: Figure | None, said: str) -> None:
    assert with_margin(figure, seconds) == said


@given(VALUE, st.floats(0, 0.9), st.floats(0, 0.9))
def test_the_wider_half_counts(value: float, below: float, above: float) -> None:
    half = margin(Figure(value, value * (1 - below), value * (1 + above)))
    assert half == pytest.approx(max(below, above), abs=1e-9)


def test_an_interval_that_is_open_says_what_is_known() -> None:
    assert interval(Figure(0.1, 0.09, 0.12), TIME) == "100 ms (90 to 120 ms)"
    assert interval(Figure(0.1, 0.09, None), TIME) == "100 ms (at least 90 ms)"
    assert interval(Figure(0.1, None, 0.12), TIME) == "100 ms (at most 120 ms)"
    assert interval(None, TIME) == DASH


@given(st.floats(0, 1.5))
def test_a_share_in_use_is_never_rounded_to_nothing(share: float) -> None:
    said = used(share)
    assert re.fullmatch(r"<?\d+(\.\d)?%", said)
    if share > 0:
        assert said != "0.0%"


def test_failures_are_a_share_and_their_causes() -> None:
    assert (failures(flow(failed=0.02)), causes(flow(failed=0.02))) == ("2%", "timed out")
    assert (failures(flow()), causes(flow())) == ("0%", "")
