"""Markdown: read by a parser, it has the words of the document and nothing else; its pictures and links are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.document.documents import HOSTILE, NAMES, example, findings_of, ids, made
from toscale.document.text import Document, Paragraph, Section, Strong, one_line
from toscale.document.writers.markdown import Markdown, markdown
from toscale.document.written import written

if TYPE_CHECKING:
    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]


def tokens(text: str) -> list[Token]:
    """The text as a parser of CommonMark with tables reads it, flat."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    found = []
    for token in parser.parse(text):
        found += token.children if token.children else [token]
    return found


def of(document: Document) -> Markdown:
    return markdown(document, "pictures", "made.design.yaml")


def shown(text: str) -> str:
    """What a reader sees."""
    return "".join(
        one.content for one in tokens(text) if one.type in ("text", "code_inline", "fence", "image")
    )


@pytest.mark.parametrize("name", NAMES)
def test_its_pictures_exist_and_are_pictures(name: str) -> None:
    document = example(name)
    files = written(document, ROOT / "build" / f"{name}.md")
    text = files[ROOT / "build" / f"{name}.md"].decode()
    named = {unquote(str(one.attrs["src"])) for one in tokens(text) if one.type == "image"}
    beside = {
        path.relative_to(ROOT / "build").as_posix(): content
        for path, content in files.items()
        if path.suffix == ".svg"
    }
    assert named == set(beside)
    assert all(one.content for one in tokens(text) if one.type == "image")
    for content in beside.values():
        assert ET.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("name", NAMES)
def test_its_links_lead_to_its_anchors_or_to_the_lines_of_the_file(name: str) -> None:
    files = written(example(name), ROOT / "build" / f"{name}.md")
    text = files[ROOT / "build" / f"{name}.md"].decode()
    anchors = re.findall(r'<a id="([^"]*)"></a>', text)
    assert len(anchors) == len(set(anchors))
    lines = len(findings_of(name).design.source.text.splitlines())
    found = [unquote(str(one.attrs["href"])) for one in tokens(text) if one.type == "link_open"]
    assert len(found) > 50
    for link in found:
        file, _, place = link.partition("#")
        if not file:
            assert place in anchors
        else:
            assert (ROOT / "build" / file).resolve() == ROOT / "examples" / f"{name}.design.yaml"
            assert not place or 1 <= int(place.removeprefix("L")) <= lines


@pytest.mark.parametrize("name", NAMES)
def test_every_condition_and_estimate_appears_with_its_value(name: str) -> None:
    seen, findings = shown(of(example(name)).text), findings_of(name)
    for verdict in findings.verdicts:
        assert verdict.text in seen
        assert verdict.reason.replace("`", "")[1:] in seen
    for estimate, one in findings.estimates.sheet.items():
        assert estimate in seen
        assert one.shown_median() in seen


def parts(found: list[Token]) -> list[str]:
    """The parts that are no words. What is code or stands out is written in one of two ways, by its signs."""
    words = ("text", "text_special", "code_inline", "strong_open", "strong_close")
    styles = ("<code>", "</code>", "<b>", "</b>")
    return [
        one.content if one.type.startswith("html") else one.type
        for one in found
        if one.type not in words and one.content not in styles
    ]


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_texts_come_out_as_text(title: str) -> None:
    ordinary, hostile = (tokens(of(made(text)).text) for text in ("A counter", title))
    # The same document but for the words: the same kinds of parts, the same tags, the same links.
    assert [parts(found) for found in (ordinary, hostile)] == [parts(ordinary)] * 2
    assert shown(of(made(title)).text).count(one_line(title)) >= 20


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_any_text_comes_out_as_itself(text: str) -> None:
    """In a paragraph, in a cell, and where it stands out."""
    section = Section("s", "x", (Paragraph((text,)), Paragraph(("a ", Strong(text), " b"))))
    found = tokens(markdown(Document("x", "f", (), (section,), "y", "z"), "p", None).text)
    parts = "".join(one.content for one in found if one.type in ("text", "text_special"))
    said = one_line(text)
    assert said.strip() in parts
    assert f"a {said} b" in parts
    allowed = ("<a id", "<b>", "</b>", "</a>")
    assert all(one.content.startswith(allowed) for one in found if one.type.startswith("html"))


def test_without_a_file_it_has_the_lines_and_no_link_to_them() -> None:
    text = markdown(example("url_shortener"), "p", None).text
    assert "```yaml" in text
    assert "#L" not in text
    assert "line-" not in text
    assert set(re.findall(r'<a id="([^"]*)"></a>', text)) <= set(ids(example("url_shortener")))
