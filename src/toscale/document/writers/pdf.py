"""How does a document become PDF? Written as calls of Typst with every text as a string, set by Typst in one wheel,
in Roboto from another: no browser, and no font of the system for Latin, Greek and Cyrillic letters.

A string of Typst is only a string, so that nothing in a design is read as markup; `_string` is the one place where
texts enter.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from toscale.document.colours import LIGHT
from toscale.document.text import (
    Alarm,
    Block,
    Bullets,
    Cell,
    Code,
    Column,
    Document,
    Figure,
    Figures,
    Item,
    Link,
    Listing,
    Meter,
    Paragraph,
    Quiet,
    Section,
    Span,
    Spans,
    Strong,
    Table,
    Terms,
    Toned,
    line_id,
    one_line,
    plain,
    printable,
    sections_of,
)

if TYPE_CHECKING:
    from typst import Fonts

__all__ = ["pdf", "typst_of"]

PAGE = 480
"""Points from margin to margin of an upright page."""
POINTS = 0.7
"""A pixel of a picture is so many points on paper."""

_PIXELS = re.compile(r'^<svg [^>]*?\bwidth="([\d.]+)"')
_JOINT = re.compile(r"(?<=\w)([_/])(?=\w)")

FONTS = ("Roboto", "Libertinus Serif", "DejaVu Sans Mono")
"""The first has the letters, the last the signs that it lacks; both others are within Typst."""

ACROSS = 104
"""So many letters of a table stand beside each other on a page."""
GUTTER = 2
"""Room between two columns, in letters."""
LONGEST, NAME = 30, 26
"""A column of sentences, and one of names, asks for so many letters; of what is longer, sentences ask for a fifth."""
WIDE = 800
"""A drawing that needs more pixels across has a page to itself, on its side."""


def pdf(document: Document) -> bytes:
    """The document as PDF. The same document gives the same bytes."""
    import typst

    source = typst_of(document)
    return typst.compile(source.encode(), format="pdf", font_paths=_fonts())


@cache
def _fonts() -> Fonts:
    """Roboto, then the fonts within Typst, then those of the system for letters that neither has."""
    import font_roboto
    import typst

    return typst.Fonts(font_paths=[str(Path(font_roboto.Roboto).parent)])


def typst_of(document: Document) -> str:
    """The document in the language of Typst."""
    colours = ", ".join(f'"{name}": rgb("{colour}")' for name, colour in LIGHT.items())
    fonts = ", ".join(map(_string, FONTS))
    title = _string(document.title)
    known = {section.id for _, section in sections_of(document.sections)} | _ids(document)
    writer = _Writer(known)
    head = [
        f"#let colours = ({colours})",
        f"#let fonts = ({fonts})",
        '#let code-fonts = ("DejaVu Sans Mono",)',
        f"#let title-text = {title}",
        f"#set document(title: {title}, date: none)",
        _look(),
        f'#block(below: 1.5em, text(22pt, weight: "bold", title({title})))',
        *(f"#{writer.block(block)}" for block in document.lead),
        "#v(0.6em)",
        "#outline(depth: 2, title: none, indent: 1.2em)",
    ]
    body = [f"#{line}" for section in document.sections for line in writer.section(section, 1)]
    return "\n".join([*head, *body, f"#v(2em)\n#note({_string(document.colophon)})"]) + "\n"


@cache
def _look() -> str:
    from importlib.resources import files

    return files("toscale.document.writers").joinpath("document.typ").read_text(encoding="utf-8")


def _ids(document: Document) -> set[str]:
    """The ids of all that a link may lead to, beside sections."""
    found: set[str] = set()
    for _, section in sections_of(document.sections):
        for block in section.blocks:
            match block:
                case Table(rows=rows):
                    found |= {row.id for row in rows}
                case Terms(terms=terms):
                    found |= {term.id for term in terms}
                case Figure(id=id):
                    found.add(id)
                case Figures(figures=figures):
                    found |= {figure.id for figure in figures}
                case Listing(lines=lines):
                    found |= {line_id(number) for number in range(1, len(lines) + 1)}
                case Paragraph() | Alarm() | Bullets():
                    pass
    return found - {""}


class _Writer:
    """Writes blocks as expressions of Typst. `known` are the ids that links may lead to."""

    def __init__(self, known: set[str]) -> None:
        self.known = known

    def section(self, section: Section, level: int) -> list[str]:
        """The calls for a section: its heading, its blocks, what is within it."""
        if _starts_wide(section):
            return self.sideways(section, level)
        lines = [self.heading(section, level)]
        lines += [self.block(block) for block in section.blocks]
        for one in section.sections:
            lines += self.section(one, level + 1)
        return lines

    def sideways(self, section: Section, level: int) -> list[str]:
        """A section that begins with a wide drawing: its heading stands on the page of the drawing."""
        headings: list[str] = []
        rest: list[tuple[Section, int]] = []
        inner, depth = section, level
        while True:
            headings.append(self.heading(inner, depth))
            if inner.blocks:
                break
            rest = [(one, depth + 1) for one in inner.sections[1:]] + rest
            inner, depth = inner.sections[0], depth + 1
        first, *others = inner.blocks
        lines = [f"sideways({{\n{chr(10).join([*headings, self.block(first)])}\n}})"]
        lines += [self.block(block) for block in others]
        rest = [(one, depth + 1) for one in inner.sections] + rest
        for one, at in rest:
            lines += self.section(one, at)
        return lines

    def heading(self, section: Section, level: int) -> str:
        said = ", ".join(map(_string, (section.id, section.kicker, section.title)))
        return f"headed({min(level, 6)}, {said})"

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(spans=spans, is_note=is_note):
                return f"{'note' if is_note else 'said'}({self.spans(spans)})"
            case Alarm(spans=spans):
                return f"alarm({self.spans(spans)})"
            case Bullets(items=items, is_ordered=is_ordered):
                return self.items(items, is_ordered)
            case Terms(terms=terms):
                inner = ", ".join(
                    f"term({_string(one.id)}, {self.spans(one.head)}, {self.spans(one.body)})"
                    for one in terms
                )
                return f"terms({inner})"
            case Table():
                return self.table(block)
            case Figure():
                return self.figure(block, _natural(block))
            case Figures(figures=(one,)):
                return self.figure(one, "60%")
            case Figures(figures=figures):
                return f"pictures({', '.join(map(self.figure, figures))})"
            case Listing(lines=lines):
                return f"listing({', '.join(_string(line, whole=True) for line in lines)})"

    def items(self, items: tuple[Item, ...], is_ordered: bool) -> str:
        word = "enum" if is_ordered else "list"
        inner = ", ".join(
            self.spans(item.spans) + (f" + {self.items(item.below, False)}" if item.below else "")
            for item in items
        )
        return f"{word}({inner})"

    def table(self, table: Table) -> str:
        cells = []
        for row in table.rows:
            for at, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
                said = self.cell(cell, column)
                if at == 0:
                    said = f"{f'anchor({_string(row.id)}) + ' if row.id else ''}strong({said})"
                cells.append(said)
        sides = ", ".join("right" if column.is_number else "left" for column in table.columns)
        heads = ", ".join(_string(column.head) for column in table.columns)
        framed = f"framed({_string(table.caption)}, ({_widths(table)},), ({sides},), ({heads},), {', '.join(cells)})"
        return f"({framed} + note({self.spans(table.note)}))" if table.note else framed

    def cell(self, cell: Cell, column: Column) -> str:
        if isinstance(cell, Meter):
            share = min(1.0, max(0.0, cell.share))
            return f"meter({share:.4f}, {'true' if cell.is_high else 'false'}, {_string(cell.text)})"
        said = self.spans(cell, breaks=True)
        return f"box({said})" if column.is_number and cell else said

    def figure(self, figure: Figure, width: str = "100%") -> str:
        parts = (figure.id, figure.title)
        said = ", ".join(map(_string, parts))
        return (
            f"picture({said}, {_string(figure.alone, whole=True)}, {_string(figure.alt)}, {_string(figure.caption)}, "
            f"{width})"
        )

    def spans(self, spans: Spans, *, breaks: bool = False) -> str:
        return " + ".join(self.span(span, breaks) for span in spans) if spans else '""'

    def span(self, span: Span, breaks: bool) -> str:
        said = _string(_breakable(_text(span)) if breaks else _text(span))
        match span:
            case str():
                return said
            case Strong():
                return f"strong({said})"
            case Code():
                return f"code({said})"
            case Quiet():
                return f"quiet({said})"
            case Link(to=to, is_quiet=is_quiet):
                if to not in self.known:
                    return said
                return f"{'source' if is_quiet else 'to'}({_string(to)}, {said})"
            case Toned(tone=tone):
                return f"toned({_string(tone.replace(' ', '-'))}, {said})"


def _natural(figure: Figure) -> str:
    """The width of a picture: its own in points, or that of the page if it has more."""
    found = _PIXELS.search(figure.alone)
    points = POINTS * float(found[1]) if found is not None else PAGE
    return "100%" if points >= PAGE else f"{points:.0f}pt"


def _starts_wide(section: Section) -> bool:
    """Whether the first thing in a section is a drawing that needs a page on its side."""
    if section.blocks:
        first = section.blocks[0]
        return isinstance(first, Figure) and first.least_width > WIDE
    return bool(section.sections) and _starts_wide(section.sections[0])


def _text(span: Span) -> str:
    return span if isinstance(span, str) else span.text


def _breakable(text: str) -> str:
    """The text with places where a long name may be broken: behind its underscores and slashes."""
    return _JOINT.sub("\\1\u200b", text)


def _widths(table: Table) -> str:
    """The widths of the columns: as wide as they need where all fit, else the numbers first and the rest by share."""
    needs = [
        max([len(column.head), *(_length(row.cells[at]) for row in table.rows)])
        for at, column in enumerate(table.columns)
    ]
    room = ACROSS - GUTTER * (len(needs) - 1)
    if sum(needs) <= room:
        return ", ".join("1fr" if column.is_sentence else "auto" for column in table.columns)
    return ", ".join(
        "auto" if column.is_number or need <= 9 else f"{_share(column, need)}fr"
        for column, need in zip(table.columns, needs, strict=True)
    )


def _share(column: Column, need: int) -> int:
    """How much of the room a column has: that of sentences may be broken into many lines."""
    if not column.is_sentence:
        return min(need, NAME)
    return need if need <= LONGEST else min(LONGEST + (need - LONGEST) // 5, 2 * LONGEST)


def _length(cell: Cell) -> int:
    return 14 + len(cell.text) if isinstance(cell, Meter) else len(plain(cell))


def _string(text: str, *, whole: bool = False) -> str:
    """A text as a string of Typst; `whole`: with its line breaks and blanks."""
    said = printable(text) if whole else one_line(text)
    said = said.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + said.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t") + '"'
