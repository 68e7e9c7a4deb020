"""Columns: do lines lead on, and are they short?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toscale.architecture.layers import layers, turned

Lines = list[tuple[int, int]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Lines]:
    count = draw(st.integers(1, 15))
    ends = st.integers(0, count - 1)
    lines = draw(st.lists(st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1]), max_size=40))
    return count, lines


def onwards(lines: Lines, back: frozenset[int]) -> Lines:
    return [(b, a) if place in back else (a, b) for place, (a, b) in enumerate(lines)]


@given(graphs())
def test_every_line_leads_at_least_one_column_on(graph: tuple[int, Lines]) -> None:
    count, lines = graph
    turned_lines = onwards(lines, turned(count, lines, [0]))
    column = layers(count, turned_lines, [0])
    assert all(column[a] < column[b] for a, b in turned_lines)
    assert min(column) == 0
    joined = {column[end] for line in lines for end in line}
    assert joined == set(range(len(joined)))  # no column is left empty


@given(graphs())
def test_nothing_is_turned_where_there_is_no_circle(graph: tuple[int, Lines]) -> None:
    count, lines = graph
    forward = [(min(pair), max(pair)) for pair in lines]
    assert turned(count, forward, []) == frozenset()


def test_a_box_without_callers_stands_beside_what_it_calls() -> None:
    # 0 > 1 > 2 > 3, and 4 calls 3 and 5: both stand as near as may be.
    column = layers(6, [(0, 1), (1, 2), (2, 3), (4, 3), (4, 5)], [0])
    assert column == [0, 1, 2, 3, 2, 3]


def test_what_comes_first_stays_there() -> None:
    assert layers(4, [(0, 1), (1, 2), (3, 2)], [0, 3]) == [0, 1, 2, 0]
