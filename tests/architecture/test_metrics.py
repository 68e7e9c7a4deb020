"""Widths of texts: those of the letters of Arial, and never more than asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toscale.architecture.metrics import shortened, width


def test_widths_are_those_of_the_published_metrics() -> None:
    # Adobe's metrics of Helvetica, which Arial shares: "H" 722, "e" 556, "l" 222, "o" 556; in bold 722, 556, 278, 611.
    assert width("Hello", 1000) == 722 + 556 + 2 * 222 + 556
    assert width("Hello", 1000, bold=True) == 722 + 556 + 2 * 278 + 611


@given(st.text(max_size=60), st.floats(30, 300), st.booleans())
def test_a_shortened_text_fits_and_is_a_beginning(text: str, most: float, bold: bool) -> None:
    short = shortened(text, most, 13, bold=bold)
    assert width(short, 13, bold=bold) <= most + 1e-9
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@given(st.text(max_size=30), st.text(max_size=30))
def test_widths_add_up(one: str, other: str) -> None:
    assert abs(width(one + other, 13) - width(one, 13) - width(other, 13)) < 1e-9
