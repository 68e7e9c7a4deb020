"""How does a document become one page of HTML that needs nothing from elsewhere?

Everything that comes from the design is escaped here, where it becomes markup; pictures escape their own labels.
`fragment` writes blocks without a page around them, for a notebook.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from toscale.document.colours import DARK, LIGHT, declared, variables
from toscale.document.plots import RULES, filled
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
    printable,
)

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["fragment", "html"]


def html(document: Document) -> str:
    """The whole page."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=one_line(document.title),
            generator=document.generator,
            colours={"light": declared(LIGHT), "dark": declared(DARK)},
            plots=filled(RULES, variables()),
            lead=_blocks(document.lead),
            sections=document.sections,
            body="".join(_section(one, 2) for one in document.sections),
            colophon=one_line(document.colophon),
        )
    )


def fragment(blocks: Iterable[Block]) -> str:
    """Blocks on a sheet of white paper with a style of its own, whatever page they are put into."""
    style = _environment().get_template("fragment.css.j2").render(plots=filled(RULES, LIGHT), light=LIGHT)
    return f'<div class="toscale-sheet"><style>{style}</style>{_blocks(tuple(blocks))}</div>'


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("toscale.document.writers", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


# ---- sections and blocks


def _section(section: Section, level: int) -> str:
    kicker = f"<small>{_text(section.kicker)}</small>" if section.kicker else ""
    heading = f"<h{min(level, 6)}>{kicker}{_text(section.title)}</h{min(level, 6)}>"
    inner = "".join(_section(one, level + 1) for one in section.sections)
    return f'<section id="{escape(section.id)}">\n{heading}\n{_blocks(section.blocks)}{inner}</section>\n'


def _blocks(blocks: tuple[Block, ...]) -> str:
    return "".join(f"{_block(block)}\n" for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Paragraph(spans=spans, is_note=is_note):
            style = ' class="note"' if is_note else ""
            return f"<p{style}>{_spans(spans)}</p>"
        case Alarm(spans=spans):
            return f'<p class="alarm">{_spans(spans)}</p>'
        case Bullets(items=items, is_ordered=is_ordered):
            return _list(items, "ol" if is_ordered else "ul")
        case Terms(terms=terms):
            inner = "".join(
                f"<dt{_id(term.id)}>{_spans(term.head)}</dt><dd>{_spans(term.body)}</dd>" for term in terms
            )
            return f"<dl>{inner}</dl>"
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Figures(figures=figures):
            return f'<div class="plots">{"".join(map(_figure, figures))}</div>'
        case Listing(lines=lines):
            inner = "".join(
                f'<li id="{line_id(number)}"><code>{escape(printable(line)) or " "}</code></li>'
                for number, line in enumerate(lines, 1)
            )
            return f'<ol class="listing">{inner}</ol>'


def _list(items: tuple[Item, ...], tag: str) -> str:
    inner = "".join(
        f"<li>{_spans(item.spans)}{_list(item.below, 'ul') if item.below else ''}</li>" for item in items
    )
    return f"<{tag}>{inner}</{tag}>"


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col"{_style(column)}>{_text(column.head)}</th>' for column in table.columns)
    rows = "".join(
        f"<tr{_id(row.id)}>{''.join(_cell(cell, *at) for cell, at in _placed(row.cells, table.columns))}</tr>\n"
        for row in table.rows
    )
    note = f'<p class="note">{_spans(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{_text(table.caption)}"><table>'
        f"<caption>{_text(table.caption)}</caption><thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}</tbody></table></div>{note}"
    )


def _placed(cells: tuple[Cell, ...], columns: tuple[Column, ...]) -> list[tuple[Cell, tuple[Column, bool]]]:
    return [(cell, (column, at == 0)) for at, (cell, column) in enumerate(zip(cells, columns, strict=True))]


def _cell(cell: Cell, column: Column, is_first: bool) -> str:
    if isinstance(cell, Meter):
        share = 100 * min(1.0, max(0.0, cell.share))
        style = ' class="high"' if cell.is_high else ""
        bar = f'<span class="meter" aria-hidden="true"><span style="width:{share:.1f}%"{style}></span></span>'
        return f'<td class="share">{bar}{_text(cell.text)}</td>'
    said = _spans(cell)
    if is_first and said:
        return f'<th scope="row"{_style(column)}>{said}</th>'
    return f"<td{_style(column)}>{said}</td>"


def _style(column: Column) -> str:
    return ' class="number"' if column.is_number else ' class="sentence"' if column.is_sentence else ""


def _figure(figure: Figure) -> str:
    caption = f"<figcaption>{_text(figure.caption)}</figcaption>" if figure.caption else ""
    title = f'<p class="title">{_text(figure.title)}</p>'
    if not figure.least_width:
        return f"<figure{_id(figure.id)}>{title}{figure.svg}{caption}</figure>"
    moved = (
        f'<div class="moved" tabindex="0" role="group" aria-label="{_text(figure.title)}">'
        f'<div style="min-width:{figure.least_width}px">{figure.svg}</div></div>'
    )
    return f'<figure id="{escape(figure.id)}" class="drawing">{title}{moved}{caption}</figure>'


# ---- within a line


def _spans(spans: Spans) -> str:
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    match span:
        case str():
            return _text(span)
        case Strong(text=text):
            return f"<strong>{_text(text)}</strong>"
        case Code(text=text):
            return f"<code>{_text(text)}</code>"
        case Quiet(text=text):
            return f'<span class="quiet">{_text(text)}</span>'
        case Link(text=text, to=to, is_quiet=is_quiet):
            style = ' class="quiet"' if is_quiet else ""
            return f'<a href="#{escape(to)}"{style}>{_text(text)}</a>'
        case Toned(text=text, tone=tone):
            return f'<strong class="{tone.replace(" ", "-")}">{_text(text)}</strong>'


def _text(text: str) -> str:
    return escape(one_line(text))


def _id(name: str) -> str:
    return f' id="{escape(name)}"' if name else ""
