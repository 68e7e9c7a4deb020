"""Tables in a terminal of any width: nothing wider than it, no number cut, nothing left out that is not said to be."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from toscale.cli.show_tables import show_table
from toscale.cli.terminal import Terminal
from toscale.document.tables import Column, Meter, Table

WORD = st.text("abcdefgh é事", min_size=1, max_size=30)
NUMBER = st.from_regex(r"[1-9]{1,3}(\.[0-9]{2})? (ms|TB|per s)", fullmatch=True)


def drawn(table: Table, width: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    show_table(table, Terminal(console, console))
    return out.getvalue().splitlines()


@st.composite
def tables(draw: st.DrawFn) -> Table:
    numbers = draw(st.integers(0, 4))
    columns = [Column("Name"), *(Column(f"N{k}", True, draw(st.integers(0, 3))) for k in range(numbers))]
    columns += [Column("Why", is_sentence=True)] * draw(st.integers(0, 1))
    rows = draw(
        st.lists(
            st.tuples(*(NUMBER if column.is_number else WORD for column in columns)), min_size=1, max_size=4
        )
    )
    return Table("Title", tuple(columns), tuple(rows))


@given(tables(), st.integers(30, 130))
def test_no_line_is_wider_than_the_terminal_and_kept_numbers_are_whole(table: Table, width: int) -> None:
    lines = drawn(table, width)
    assert max(map(cell_len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for number, column in enumerate(table.columns):
        for row in table.rows:
            cell = row[number]
            if column.is_number and not column.rank:
                assert isinstance(cell, str)
                assert cell in text


@given(tables())
def test_with_enough_room_everything_stands_in_columns(table: Table) -> None:
    lines = drawn(table, 300)
    # A blank line, the title, the heads, and one line a row.
    assert len(lines) == 3 + len(table.rows)
    for column in table.columns:
        assert column.head in lines[2]


def test_the_column_of_the_highest_rank_goes_first() -> None:
    columns = (Column("Name"), Column("Keep", True), Column("Second", True, 1), Column("First", True, 2))
    table = Table("T", columns, (("a" * 10, "1234567890", "1234567890", "1234567890"),))
    assert "First" in "".join(drawn(table, 60))
    assert "First" not in "".join(drawn(table, 42))
    assert "Second" in "".join(drawn(table, 42))
    assert "Second" not in "".join(drawn(table, 30))
    assert "Keep" in "".join(drawn(table, 30))


def test_a_share_is_a_bar_with_its_words() -> None:
    table = Table(
        "T", (Column("Name"), Column("In use")), (("a", Meter(0.5, "50%")), ("b", Meter(0.0, "0%")))
    )
    _, _, _, half, none = drawn(table, 80)
    assert half.count("█") == half.count("░") == 5
    assert none.count("█") == 0
    assert "50%" in half
    # No room for bars: the words remain.
    assert "50%" in " ".join(drawn(table, 40))
    assert "█" not in " ".join(drawn(table, 40))


def test_a_table_without_rows_is_not_drawn() -> None:
    assert drawn(Table("T", (Column("Name"),), ()), 80) == []
