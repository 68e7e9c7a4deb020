"""What is a document made of? Sections of paragraphs, lists, tables and figures, as values that know no format.

What a design says is held here as it was written; each writer (`writers/`) makes plain text of it in its own
way, so that nothing in a design can become markup. A `Link` leads to the `id` of a section, a row, a term, a
figure, or a line of the design file (`line_id`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "Alarm",
    "Block",
    "Bullets",
    "Cell",
    "Code",
    "Column",
    "Document",
    "Figure",
    "Figures",
    "Item",
    "Link",
    "Listing",
    "Meter",
    "Paragraph",
    "Quiet",
    "Row",
    "Section",
    "Span",
    "Spans",
    "Strong",
    "Table",
    "Term",
    "Terms",
    "Tone",
    "Toned",
    "line_id",
    "one_line",
    "plain",
    "printable",
    "sections_of",
]


# ---- within a line


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that stand out."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Words of the file, or of another language, to be read letter by letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """Words that may be passed over."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to another place of the document. `is_quiet`: where something comes from."""

    text: str
    to: str
    is_quiet: bool = False


Tone: TypeAlias = Literal["met", "at risk", "missed", "unknown"]


@dataclass(frozen=True, slots=True)
class Toned:
    """Words with the colour of a verdict; they say the same without it."""

    text: str
    tone: Tone


Span: TypeAlias = str | Strong | Code | Quiet | Link | Toned
Spans: TypeAlias = tuple[Span, ...]


# ---- blocks


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences. `is_note`: in smaller print."""

    spans: Spans
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """What must not be overlooked."""

    spans: Spans


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a list, with the lines below it."""

    spans: Spans
    below: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; `is_ordered`: numbered."""

    items: tuple[Item, ...]
    is_ordered: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A word and what it stands for."""

    head: Spans
    body: Spans
    id: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """Words with what they stand for."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Meter:
    """A share from 0 to 1, drawn as a bar beside its text. `is_high`: it is too much."""

    share: float
    text: str
    is_high: bool = False


Cell: TypeAlias = Spans | Meter


@dataclass(frozen=True, slots=True)
class Column:
    """A column: numbers stand to the right, sentences are broken into lines before anything else is."""

    head: str
    is_number: bool = False
    is_sentence: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, the first of which says what it is of."""

    cells: tuple[Cell, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table under its caption, with what must be known to read it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: Spans = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture under its title. `alone` is the same picture with colours of its own, for where there is no page
    around it; `alt` says in words what it shows. `least_width`: pixels below which it cannot be read.
    """

    id: str
    title: str
    svg: str
    alone: str
    alt: str
    caption: str = ""
    least_width: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Small pictures that stand side by side where there is room."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The text of the design file; its lines have the ids that `line_id` gives them."""

    lines: tuple[str, ...]


Block: TypeAlias = Paragraph | Alarm | Bullets | Terms | Table | Figure | Figures | Listing


# ---- the whole


@dataclass(frozen=True, slots=True)
class Section:
    """A part with its heading; `kicker` is a word above it."""

    id: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    kicker: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.blocks or self.sections)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole text. `file` is the design's, `verdict` the worst of its verdicts, `colophon` the last line."""

    title: str
    file: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]
    colophon: str
    generator: str


def sections_of(sections: tuple[Section, ...], level: int = 2) -> Iterator[tuple[int, Section]]:
    """All sections in their order, each with the level of its heading."""
    for section in sections:
        yield level, section
        yield from sections_of(section.sections, level + 1)


def line_id(line: int) -> str:
    """The id of a line of the design file, counted from 1."""
    return f"line-{line}"


# ---- plain text

_NOT_CHARACTERS = "".join(chr(plane * 0x10000 + last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    # Marks that change the order in which letters are shown: what is read would not be what is written.
    f"\u202a-\u202e\u2066-\u2069{_NOT_CHARACTERS}]"
)
_BLANK = re.compile(r"\s+")


def printable(text: str) -> str:
    """The text with a sign of replacement for what cannot be printed, or turns the order of letters round."""
    return _UNSAFE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The text on one line, as it stands in a paragraph."""
    return _BLANK.sub(" ", printable(text))


def plain(spans: Spans) -> str:
    """The words alone."""
    return "".join(span if isinstance(span, str) else span.text for span in spans)
