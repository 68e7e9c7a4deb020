"""PDF: pages that can be read again, with the words of the document, and no text of the design taken for anything else."""

from __future__ import annotations

import re

import pypdfium2 as pdfium
import pytest
import typst

from tests.document.documents import HOSTILE, NAMES, example, findings_of, made
from toscale.document.text import Document, Figure, Figures, printable, sections_of
from toscale.document.writers.pdf import _fonts, pdf, typst_of


def seen(document: Document) -> str:
    """All words, without the spaces and hyphens that lines are broken at."""
    return squeezed(
        " ".join(page.get_textpage().get_text_bounded() for page in pdfium.PdfDocument(pdf(document)))
    )


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b\u00ad\u2010-]+", "", text)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_set_without_a_warning_and_can_be_used_by_everyone(name: str) -> None:
    """PDF/UA: a title, headings in order, pictures with words for them, tables with heads."""
    content, warnings = typst.compile_with_warnings(
        typst_of(example(name)).encode(), format="pdf", font_paths=_fonts(), pdf_standards="ua-1"
    )
    assert warnings == []
    read = pdfium.PdfDocument(content)
    assert read.get_metadata_value("Title") == example(name).title
    assert len(read) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_every_condition_and_estimate_appears_with_its_value(name: str) -> None:
    words, findings = seen(example(name)), findings_of(name)
    for verdict in findings.verdicts:
        assert squeezed(verdict.text) in words
        assert squeezed(verdict.reason.replace("`", ""))[1:] in words
    for estimate, one in findings.estimates.sheet.items():
        assert squeezed(estimate + one.shown_median()) in words


def test_its_outline_has_all_steps_and_sections() -> None:
    read = pdfium.PdfDocument(pdf(example("url_shortener")))
    titles = [one.get_title() for one in read.get_toc()]
    assert titles == [one.title for _, one in sections_of(example("url_shortener").sections)]


def test_it_is_the_same_each_time() -> None:
    assert pdf(example("rate_limiter")) == pdf(example("rate_limiter"))


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_texts_come_out_as_text(title: str) -> None:
    source = typst_of(made(title))
    # Outside of strings, the source is that of any other text: nothing of the design is read as Typst.
    strings = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
    ordinary = strings.sub('""', typst_of(made()))
    widths = re.compile(r"\b\d+fr\b|\bauto\b")
    assert widths.sub("", strings.sub('""', source)) == widths.sub("", ordinary)
    words = seen(made(title))
    letters = squeezed(printable(title))
    if letters.isascii():
        assert words.count(letters) >= 20
    assert "/JavaScript" not in pdf(made(title)).decode("latin-1")


def test_every_picture_is_on_a_page() -> None:
    drawn = [
        figure
        for _, section in sections_of(example("url_shortener").sections)
        for block in section.blocks
        for figure in (
            [block] if isinstance(block, Figure) else block.figures if isinstance(block, Figures) else []
        )
    ]
    words = seen(example("url_shortener"))
    assert len(drawn) > 10
    for figure in drawn:
        assert squeezed(figure.title) in words
