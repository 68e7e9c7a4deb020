"""What does every section of a document need? The findings, the ids of their parts, and how tables and pictures of
the report become those of a document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from toscale.document import tables
from toscale.document.anchors import Anchors, Taken, in_code
from toscale.document.figures import DASH
from toscale.document.findings import Findings
from toscale.document.pictures import Picture
from toscale.document.plots import alone
from toscale.document.text import (
    Block,
    Bullets,
    Cell,
    Column,
    Figure,
    Figures,
    Item,
    Meter,
    Row,
    Section,
    Span,
    Spans,
    Table,
    Term,
    Terms,
)

__all__ = ["Draft", "bullets", "figure_of", "section", "table", "terms"]

HIGH = 0.8
"""From this share in use on, a bar says that it is too much."""

Linking = Callable[[str], Spans]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a section is written from. `file` is where the design was read from."""

    findings: Findings
    file: str
    anchors: Anchors
    taken: Taken

    def figures(self, kind: str, pictures: Iterable[Picture]) -> tuple[Block, ...]:
        """Plots side by side, each with an id."""
        found = tuple(self.figure(kind, picture) for picture in pictures)
        return (Figures(found),) if found else ()

    def figure(self, kind: str, picture: Picture) -> Figure:
        """A plot with an id."""
        return figure_of(picture, self.taken.new(f"figure-{kind}", picture.title))


def figure_of(picture: Picture, known: str) -> Figure:
    """A plot with the id `known`."""
    return Figure(known, picture.title, picture.svg, alone(picture.svg), picture.alt, picture.caption)


def section(name: str, title: str, *blocks: Block | None, sections: Iterable[Section | None] = ()) -> Section:
    """A section with the id `name` of what there is: blocks that are None, and sections of nothing, are left out."""
    return Section(
        name,
        title,
        tuple(block for block in blocks if block is not None),
        tuple(one for one in sections if one is not None and not one.is_empty),
    )


def table(
    given: tables.Table,
    *,
    ids: Callable[[str], str] | None = None,
    links: Mapping[str, Linking] | None = None,
    caption: str | None = None,
    meters_are_loads: bool = True,
    more: tuple[Column, Callable[[str], Spans]] | None = None,
) -> Table | None:
    """A table of the report as one of the document; None where it has no rows.

    `ids`: the id of a row, by the text of its first cell. `links`: by the head of a column, how its texts become
    links. `more`: a last column, by the text of the first cell. Columns in which no row has anything are left out.
    """
    if not given.rows:
        return None
    linking = links or {}
    kept = [
        at
        for at, _ in enumerate(given.columns)
        if at == 0 or any(row[at] not in (DASH, "") for row in given.rows)
    ]
    heads = [given.columns[at] for at in kept]
    rows = []
    for row in given.rows:
        cells: list[Cell] = [
            _cell(row[at], linking.get(given.columns[at].head), meters_are_loads) for at in kept
        ]
        first = row[0] if isinstance(row[0], str) else row[0].text
        if more is not None:
            cells.append(more[1](first))
        rows.append(Row(tuple(cells), ids(first) if ids is not None and first else ""))
    columns = tuple(Column(one.head, one.is_number, one.is_sentence) for one in heads)
    return Table(
        given.title if caption is None else caption,
        (*columns, more[0]) if more is not None else columns,
        tuple(rows),
        in_code(given.note) if given.note else (),
    )


def _cell(cell: tables.Cell, linked: Linking | None, are_loads: bool) -> Cell:
    if isinstance(cell, tables.Meter):
        return Meter(cell.share, cell.text, are_loads and cell.share >= HIGH)
    return in_code(cell) if linked is None else linked(cell)


def terms(pairs: Iterable[tuple[Span | Spans, Span | Spans]], ids: Iterable[str] = ()) -> Terms | None:
    """Words with what they stand for; None where there are none."""
    found = tuple(Term(_spans(head), _spans(body)) for head, body in pairs)
    given = tuple(ids)
    if given:
        found = tuple(Term(one.head, one.body, known) for one, known in zip(found, given, strict=True))
    return Terms(found) if found else None


def bullets(lines: Iterable[Span | Spans], *, is_ordered: bool = False) -> Bullets | None:
    """A list; None where it is empty."""
    items = tuple(Item(_spans(line)) for line in lines)
    return Bullets(items, is_ordered) if items else None


def _spans(said: Span | Spans) -> Spans:
    return said if isinstance(said, tuple) else (said,)
