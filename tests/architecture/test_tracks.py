"""Tracks between two columns: no two lines lie on each other, and few cross."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toscale.architecture.tracks import tracks

NEAR = 18


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Steps whose ends are apart on each side, as ports are."""
    count = draw(st.integers(1, 9))
    heights = st.lists(st.integers(0, 12), min_size=count, max_size=count, unique=True)
    pairs = zip(draw(heights), draw(heights), strict=True)
    return [(NEAR * left, NEAR * right) for left, right in pairs if left != right]


@given(steps())
def test_lines_never_lie_on_each_other(found: list[tuple[float, float]]) -> None:
    level: list[tuple[float, float, float, int]] = []  # height, from, to, line
    upright: list[tuple[int, float, float, int]] = []
    for line, ((left, right), turns) in enumerate(zip(found, tracks(found, NEAR), strict=True)):
        height, at = left, -1
        for track, to in turns:
            assert track > at
            level.append((height, at, track, line))
            upright.append((track, min(height, to), max(height, to), line))
            height, at = to, track
        level.append((height, at, 99, line))
        assert height == right
    for parts in (level, upright):
        for place, (one, low, high, line) in enumerate(parts):
            for other, other_low, other_high, other_line in parts[place + 1 :]:
                if line != other_line and one == other:
                    assert min(high, other_high) <= max(low, other_low)


def test_steps_side_by_side_in_one_direction_do_not_cross() -> None:
    down = [(0.0, 100.0), (20.0, 120.0), (40.0, 140.0)]
    assert [turns[0][0] for turns in tracks(down, NEAR)] == [2, 1, 0]


def test_steps_that_have_nothing_to_do_with_each_other_share_a_track() -> None:
    assert [turns[0][0] for turns in tracks([(0.0, 50.0), (200.0, 300.0)], NEAR)] == [0, 0]


def test_two_that_exchange_heights_take_a_detour() -> None:
    found = tracks([(0.0, 100.0), (100.0, 0.0)], NEAR)
    assert sorted(len(turns) for turns in found) == [1, 2]
