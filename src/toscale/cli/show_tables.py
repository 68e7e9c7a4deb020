"""How is a table drawn in a terminal? With as many of its columns as fit, the least important leaving first.

Where the rest has no room either, sentences move beneath their rows, and at last every row becomes a block of
lines. Numbers stand to the right and are never cut; shares are drawn as bars.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.padding import Padding
from rich.text import Text

from toscale.cli.terminal import Terminal
from toscale.document.tables import Cell, Column, Meter, Table

__all__ = ["bar", "heading", "show_table"]

BAR = 10
"""Columns of a bar."""
HIGH = 0.8
"""From this share in use on, a bar is drawn in red: queues grow steeply beyond."""
GAP = 2
NAME, SENTENCE = 24, 30
"""Columns that a name, and a sentence, need at least before they are broken into lines."""
NARROW = 60
"""Below so many columns a bar takes room that its text needs."""


def heading(terminal: Terminal, text: str) -> None:
    """A line that begins a part."""
    terminal.say()
    terminal.say(Text(text, "head"))


def show_table(table: Table, terminal: Terminal, indent: int = 2) -> None:
    """Draws the table under its title; nothing where it has no rows."""
    if not table.rows:
        return
    heading(terminal, table.title)
    rows = [[_text(cell, terminal) for cell in row] for row in table.rows]
    for line in _layout(table.columns, rows, terminal.width - indent):
        terminal.say(Padding(line, (0, 0, 0, indent), expand=False))
    if table.note:
        terminal.say(Padding(Text(table.note, "quiet"), (0, 0, 0, indent), expand=False))


def bar(share: float, text: str, terminal: Terminal) -> Text:
    """A share as a bar beside its text: `██████░░░░ 62%`."""
    if terminal.width < NARROW:
        return Text(text)
    full = round(BAR * min(1.0, max(0.0, share)))
    full = max(full, 1 if share >= 0.005 else 0)
    style = "bar.high" if share >= HIGH else "bar"
    return Text.assemble(("█" * full, style), ("░" * (BAR - full), "quiet"), f" {text}")


def _text(cell: Cell, terminal: Terminal) -> Text:
    return bar(cell.share, cell.text, terminal) if isinstance(cell, Meter) else Text(cell)


def _layout(columns: Sequence[Column], rows: list[list[Text]], width: int) -> list[Text]:
    """The lines of the table in the first of the forms that fits."""
    kept = list(range(len(columns)))
    natural = [max(cell_len(columns[i].head), *(row[i].cell_len for row in rows)) for i in kept]
    least = [_least(columns[i], natural[i]) for i in kept]
    while _sum(least, kept) > width and any(columns[i].rank for i in kept):
        kept.remove(max(kept, key=lambda i: columns[i].rank))
    if _sum(least, kept) <= width:
        return _in_columns(columns, rows, _widths(columns, kept, natural, least, width), [])
    beneath = [i for i in kept if columns[i].is_sentence]
    beside = [i for i in kept if i not in beneath]
    if _sum(least, beside) <= width:
        return _in_columns(columns, rows, _widths(columns, beside, natural, least, width), beneath, width)
    return _in_blocks(columns, rows, kept, width)


def _least(column: Column, natural: int) -> int:
    return natural if column.is_number else min(natural, SENTENCE if column.is_sentence else NAME)


def _sum(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[i] for i in kept) + GAP * max(0, len(kept) - 1)


def _widths(
    columns: Sequence[Column], kept: Sequence[int], natural: Sequence[int], least: Sequence[int], width: int
) -> dict[int, int]:
    """The width of each column: what is left over goes to those that would be broken, names first."""
    spare = width - _sum(least, kept)
    widths = {i: least[i] for i in kept}
    for i in sorted(kept, key=lambda i: columns[i].is_sentence):
        more = min(spare, natural[i] - least[i])
        widths[i] += more
        spare -= more
    return widths


def _in_columns(
    columns: Sequence[Column],
    rows: list[list[Text]],
    widths: dict[int, int],
    beneath: Sequence[int],
    width: int = 0,
) -> list[Text]:
    lines = _row([Text(column.head, "quiet") for column in columns], columns, widths)
    for row in rows:
        lines += _row(row, columns, widths)
        for i in beneath:
            lines += [Text("    ").append_text(line) for line in _broken(row[i], width - 4)]
    return lines


def _row(row: Sequence[Text], columns: Sequence[Column], widths: dict[int, int]) -> list[Text]:
    """The lines of one row."""
    cells = {i: _broken(row[i], width) for i, width in widths.items()}
    first, *_ = widths
    lines = []
    for number in range(max(len(cell) for cell in cells.values())):
        line = Text()
        for i, width in widths.items():
            part = cells[i][number].copy() if number < len(cells[i]) else Text()
            if i == first and not part.style:
                part.style = "name"
            free = max(0, width - part.cell_len)
            parts = (" " * free, part) if columns[i].is_number else (part, " " * free)
            line = Text.assemble(line, " " * GAP if i != first else "", *parts)
        line.rstrip()
        lines.append(line)
    return lines


def _in_blocks(
    columns: Sequence[Column], rows: list[list[Text]], kept: Sequence[int], width: int
) -> list[Text]:
    """Every row as its first cell, and below it one line for each of the others."""
    lines = []
    for row in rows:
        lines += [Text(line.plain, "name") for line in _broken(row[kept[0]], width)]
        for i in kept[1:]:
            if row[i].plain:
                said = Text.assemble((f"{columns[i].head}: ", "quiet"), row[i])
                lines += [Text("  ").append_text(line) for line in _broken(said, width - 2)]
    return lines


def _broken(text: Text, width: int) -> list[Text]:
    """The text in lines of at most so many columns, broken between words where there is a place."""
    if text.cell_len <= width:
        return [text]
    from rich.console import Console

    return list(text.wrap(Console(width=width), max(1, width))) or [Text()]
