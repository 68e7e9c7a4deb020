"""Plots: every point within the frame and where its value says, every word escaped, ticks at round numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.document.plots import (
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Line,
    Mark,
    bars,
    linear,
    lines,
    logarithmic,
)

HOSTILE = "<script>\"'&</script>"
POSITIVE = st.floats(1e-9, 1e12)
FINITE = st.floats(-1e9, 1e9)


def parsed(svg: str) -> ET.Element:
    """The picture as XML; raises where it is not well-formed."""
    return ET.fromstring(f"<div>{svg}</div>")


def numbers(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path)]


@given(st.lists(st.tuples(POSITIVE, FINITE | st.none()), min_size=1, max_size=20))
def test_every_point_lies_within_the_frame(points: list[tuple[float, float | None]]) -> None:
    x = logarithmic("x", [here for here, _ in points], str)
    y = linear("y", [value for _, value in points if value is not None], str)
    tree = parsed(lines("title", "description", x, y, [Line("a", points)], [Mark("m", points[0][0])]))
    drawn = [at for path in tree.iter("path") for at in numbers(path.attrib["d"])]
    assert len(drawn) == sum(value is not None for _, value in points)
    for across, down in drawn:
        assert LEFT - 0.1 <= across <= WIDTH - RIGHT + 0.1
        assert TOP - 0.1 <= down <= HEIGHT


def test_higher_is_up_and_later_is_to_the_right() -> None:
    x, y = linear("x", [0, 10], str), linear("y", [0, 1], str)
    tree = parsed(lines("t", "d", x, y, [Line("a", [(0, 0.0), (5, None), (10, 1.0)])]))
    (path,) = (path.attrib["d"] for path in tree.iter("path"))
    assert path.count("M") == 2, "a gap where a value is not known"
    (left, low), (right, high) = numbers(path)
    assert left < right
    assert low > high


@given(FINITE, FINITE)
def test_a_linear_axis_covers_its_values_with_few_round_ticks(one: float, other: float) -> None:
    axis = linear("x", [one, other], str)
    hair = 1e-8 * (axis.high - axis.low)
    assert axis.low <= min(one, other) + hair
    assert axis.high >= max(one, other) - hair
    assert 2 <= len(axis.ticks) <= 7
    assert 0 <= axis.part(one) <= 1


@given(st.lists(POSITIVE, min_size=1))
def test_a_logarithmic_axis_covers_its_values_with_few_ticks(values: list[float]) -> None:
    axis = logarithmic("x", values, str)
    assert axis.low <= min(values)
    assert axis.high >= max(values)
    assert 1 <= len(axis.ticks) <= 12
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)


def test_a_decade_is_as_wide_as_the_next_on_a_logarithmic_axis() -> None:
    axis = logarithmic("x", [1, 1000], str)
    assert axis.part(10) == pytest.approx(1 / 3)
    assert axis.part(100) == pytest.approx(2 / 3)


def test_every_word_is_escaped() -> None:
    x, y = linear(HOSTILE, [0, 1], lambda v: HOSTILE), linear("y", [0, 1], lambda v: HOSTILE)
    two = [Line(HOSTILE, [(0, 0.0)]), Line(HOSTILE, [(1, 1.0)], "two")]
    for svg in (
        lines(HOSTILE, HOSTILE, x, y, two, [Mark(HOSTILE, 0.5, 0.5)]),
        bars(HOSTILE, HOSTILE, [(HOSTILE, 0.5, HOSTILE, "one")]),
    ):
        assert "<script" not in svg
        tree = parsed(svg)
        assert tree.find("svg/title").text == HOSTILE  # type: ignore[union-attr]
        assert tree.find("svg/desc").text == HOSTILE  # type: ignore[union-attr]


@given(st.lists(st.tuples(st.text(max_size=60), st.floats(-1, 3), st.text(max_size=8)), max_size=6))
def test_a_bar_is_as_long_as_its_share(rows: list[tuple[str, float, str]]) -> None:
    rows = [(re.sub(r"[^ -~]", "", name), share, re.sub(r"[^ -~]", "", text)) for name, share, text in rows]
    tree = parsed(bars("t", "d", [(*row, "one") for row in rows], 0.8))
    tracks = [float(r.attrib["width"]) for r in tree.iter("rect") if r.attrib["class"] == "track"]
    drawn = [r for r in tree.iter("rect") if r.attrib["class"] != "track"]
    assert len(drawn) == len(rows)
    for (_, share, _), whole, bar in zip(rows, tracks, drawn, strict=True):
        assert float(bar.attrib["width"]) == pytest.approx(whole * min(1, max(0, share)), abs=0.6)
        assert bar.attrib["class"] == ("bar high" if share >= 0.8 else "bar one")
