"""How does a document become Markdown? One text as GitHub, GitLab and others show it, with its pictures as SVG files
beside it.

Every sign that means something in Markdown is escaped, so that a text of the design is only a text. Ids are written
as empty anchors, as headings have ids of their own there. The design file itself is not copied: links to its lines
lead to the file, if it is known where that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from toscale.document.text import (
    Alarm,
    Block,
    Bullets,
    Cell,
    Code,
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
    Term,
    Terms,
    Toned,
    line_id,
    one_line,
    printable,
)

__all__ = ["Markdown", "markdown"]


@dataclass(frozen=True, slots=True)
class Markdown:
    """The text, and the pictures by their paths as the text names them."""

    text: str
    pictures: dict[str, str]


def markdown(document: Document, folder: str, design: str | None) -> Markdown:
    """The document as Markdown.

    `folder` is where its pictures are to lie, `design` where the design file is, both as seen from the text; without
    a `design`, the file is copied at the end, and no link leads to its lines.
    """
    writer = _Writer(folder, design)
    parts = [f"# {writer.text(document.title)}", *writer.blocks(document.lead), *writer.contents(document)]
    for section in document.sections:
        parts += writer.section(section, 2)
    parts += ["---", writer.text(document.colophon)]
    return Markdown("\n\n".join(part for part in parts if part) + "\n", writer.pictures)


_SIGNS = re.compile(
    r"([\\`*\[\]<>|~$&]|(?<![^\W_])_|_(?![^\W_])|!(?=\[)|:(?=//)|(?<=\bwww)\.)", re.IGNORECASE
)
"""What would be markup anywhere in a line; an underscore within a word is none. Addresses are not made links."""

_AT_START = re.compile(r"^(\s*)(?:([#+=-])|(\d+)([.)]))")
"""What would be markup at the beginning of a line."""


class _Writer:
    """Writes blocks, and gathers the pictures that they name."""

    def __init__(self, folder: str, design: str | None) -> None:
        self.folder, self.design = folder, design
        self.pictures: dict[str, str] = {}

    # ---- sections and blocks

    def contents(self, document: Document) -> list[str]:
        """The steps with their sections, one line each."""
        lines = []
        for section in document.sections:
            lines.append(f"- {self.link(section.title, section.id)}")
            if section.kicker:
                inner = ", ".join(self.link(one.title, one.id) for one in section.sections)
                lines[-1] = f"- {self.text(section.kicker)}: {self.link(section.title, section.id)}"
                lines[-1] += f": {inner}" if inner else ""
        return ["**Contents**", "\n".join(lines)]

    def section(self, section: Section, level: int) -> Iterator[str]:
        if self.design is not None and section.blocks and isinstance(section.blocks[0], Listing):
            yield from (self.anchor(section.id), f"{'#' * level} {self.text(section.title)}")
            link = f"[{self.text(self.design)}]({_address(self.design)})"
            yield f"The lines that this document names are those of {link}."
            return
        kicker = f"{self.text(section.kicker)}: " if section.kicker else ""
        yield self.anchor(section.id)
        yield f"{'#' * min(level, 6)} {kicker}{self.text(section.title)}"
        yield from self.blocks(section.blocks)
        for one in section.sections:
            yield from self.section(one, level + 1)

    def blocks(self, blocks: tuple[Block, ...]) -> Iterator[str]:
        for block in blocks:
            yield from self.block(block)

    def block(self, block: Block) -> Iterator[str]:
        match block:
            case Paragraph(spans=spans):
                yield self.start(self.spans(spans))
            case Alarm(spans=spans):
                yield f"> {self.start(self.spans(spans))}"
            case Bullets(items=items, is_ordered=is_ordered):
                yield "\n".join(self.items(items, 0, is_ordered))
            case Terms(terms=terms):
                yield "\n".join(self.term(term) for term in terms)
            case Table():
                yield from self.table(block)
            case Figure():
                yield from self.figure(block)
            case Figures(figures=figures):
                for figure in figures:
                    yield from self.figure(figure)
            case Listing(lines=lines):
                yield self.listing(lines)

    def items(self, items: tuple[Item, ...], depth: int, is_ordered: bool) -> Iterator[str]:
        for number, item in enumerate(items, 1):
            head = f"{number}. " if is_ordered else "- "
            yield f"{' ' * depth}{head}{self.start(self.spans(item.spans))}"
            yield from self.items(item.below, depth + len(head), False)

    def term(self, term: Term) -> str:
        return f"- {self.anchor(term.id)}{self.strong(self.spans(term.head))}: {self.spans(term.body)}"

    def table(self, table: Table) -> Iterator[str]:
        yield f"**{self.text(table.caption)}**"
        sides = ["---:" if column.is_number else "---" for column in table.columns]
        lines = [[self.text(column.head) or " " for column in table.columns], sides]
        for row in table.rows:
            cells = [self.cell(cell) for cell in row.cells]
            cells[0] = self.anchor(row.id) + cells[0]
            lines.append(cells)
        yield "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        if table.note:
            yield self.start(self.spans(table.note))

    def cell(self, cell: Cell) -> str:
        return self.text(cell.text) if isinstance(cell, Meter) else self.spans(cell)

    def figure(self, figure: Figure) -> Iterator[str]:
        name = f"{self.folder}/{figure.id.removeprefix('figure-')}.svg"
        self.pictures[name] = figure.alone
        yield f"{self.anchor(figure.id)}**{self.text(figure.title)}**"
        yield f"![{self.text(figure.alt)}]({_address(name)})"
        if figure.caption:
            yield self.start(self.text(figure.caption))

    def listing(self, lines: tuple[str, ...]) -> str:
        """The file between fences that are longer than any in it."""
        text = "\n".join(printable(line) for line in lines)
        longest = max((len(run) for run in re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}yaml\n{text}\n{fence}"

    # ---- within a line

    def spans(self, spans: Spans) -> str:
        return "".join(map(self.span, spans)).strip()

    def span(self, span: Span) -> str:
        match span:
            case str():
                return self.text(span)
            case Strong(text=text) | Toned(text=text):
                return self.strong(self.text(text))
            case Code(text=text):
                return self.code(text)
            case Quiet(text=text):
                return self.text(text)
            case Link(text=text, to=to):
                return self.link(text, to)

    def strong(self, written: str) -> str:
        """Words that stand out: as HTML where asterisks would mean nothing, beside signs and spaces."""
        plain = written[:1].isalnum() and (written[-1:].isalnum() or written[-1:] in ".:")
        return f"**{written}**" if plain else f"<b>{written}</b>"

    def code(self, text: str) -> str:
        """Words to be read letter by letter: as HTML where they have signs that cannot stand in such code."""
        said = one_line(text)
        if said.strip() == said and said and not set(said) & set("`|"):
            return f"`{said}`"
        return f"<code>{self.text(text)}</code>"

    def link(self, text: str, to: str) -> str:
        line = to.removeprefix(line_id(0)[:-1])
        if line != to and line.isdigit():
            if self.design is None:
                return self.text(text)
            return f"[{self.text(text)}]({_address(self.design)}#L{line})"
        return f"[{self.text(text)}](#{to})"

    def text(self, text: str) -> str:
        return _SIGNS.sub(r"\\\1", one_line(text))

    def start(self, line: str) -> str:
        """A line whose first sign is not markup."""
        return _AT_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", line)

    def anchor(self, name: str) -> str:
        return f'<a id="{escape(name)}"></a>' if name else ""


def _address(path: str) -> str:
    """A path as it stands in a link."""
    return quote(path, safe="/.-_~")
