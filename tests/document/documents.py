"""Documents to look at: of the examples, with a short simulation where that costs nothing, and of a design by hand
whose every text is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.document.made import design as made_design
from tests.document.made import simulation as made_simulation
from toscale.design import Design
from toscale.document.compose import document_of
from toscale.document.findings import Findings, find
from toscale.document.text import (
    Bullets,
    Document,
    Figure,
    Figures,
    Item,
    Link,
    Listing,
    Meter,
    Paragraph,
    Span,
    Table,
    Terms,
    line_id,
    sections_of,
)
from toscale.simulate.run import simulate

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = tuple(sorted(path.name.partition(".")[0] for path in EXAMPLES.glob("*.design.yaml")))
CHEAP = ("rate_limiter", "url_shortener")
"""Those that a short simulation of costs little; the others are looked at as far as they are known without one."""

HOSTILE = (
    "<script>alert(1)</script>",
    '</style></title><img src=x onerror="alert(1)">',
    "{{ 7 * 7 }}{% raw %} #eval(\"1\") #set page(paper: \"a0\") $x^2$ \\ ] ) } @label <label>",
    "**bold** _it_ [a](javascript:alert(1)) ![i](x) code | cell | ~~x~~ # h > q - l 1. n",
    "]]> --> &amp; &lt;b&gt; https://elsewhere.example/x www.elsewhere.example",
    "日本語 العربية 🚲 \u202eevil\u202c \\",
)  # fmt: skip
"""Texts that would be something else than text in one of the formats, if they were not escaped."""


@cache
def findings_of(name: str) -> Findings:
    """What is known of an example."""
    design = Design.load(EXAMPLES / f"{name}.design.yaml")
    return find(design, {1.0: simulate(design, duration=0.5)} if name in CHEAP else {})


@cache
def example(name: str) -> Document:
    """The document of an example."""
    return document_of(findings_of(name), f"examples/{name}.design.yaml")


def made(title: str = "A counter") -> Document:
    """The document of a design whose texts are all `title`."""
    return document_of(find(made_design(title), {1.0: made_simulation(title)}), "made.design.yaml")


def ids(document: Document) -> list[str]:
    """The ids of all that a link may lead to."""
    found = []
    for _, section in sections_of(document.sections):
        found.append(section.id)
        for block in section.blocks:
            match block:
                case Table(rows=rows):
                    found += [row.id for row in rows if row.id]
                case Terms(terms=terms):
                    found += [term.id for term in terms if term.id]
                case Figure(id=known):
                    found.append(known)
                case Figures(figures=figures):
                    found += [figure.id for figure in figures]
                case Listing(lines=lines):
                    found += [line_id(number) for number in range(1, len(lines) + 1)]
                case _:
                    pass
    return found


def figures(document: Document) -> list[Figure]:
    """All pictures."""
    found = []
    for _, section in sections_of(document.sections):
        for block in section.blocks:
            found += (
                [block] if isinstance(block, Figure) else block.figures if isinstance(block, Figures) else []
            )
    return found


def spans(document: Document) -> Iterator[Span]:
    """All words, wherever they stand."""
    for _, section in sections_of(document.sections):
        for block in section.blocks:
            match block:
                case Paragraph(spans=inner):
                    yield from inner
                case Bullets(items=items):
                    yield from _of_items(items)
                case Terms(terms=terms):
                    for term in terms:
                        yield from (*term.head, *term.body)
                case Table(rows=rows, note=note):
                    yield from note
                    for row in rows:
                        for cell in row.cells:
                            yield from () if isinstance(cell, Meter) else cell
                case _:
                    pass


def _of_items(items: tuple[Item, ...]) -> Iterator[Span]:
    for item in items:
        yield from item.spans
        yield from _of_items(item.below)


def links(document: Document) -> list[Link]:
    """All links."""
    return [span for span in spans(document) if isinstance(span, Link)]
