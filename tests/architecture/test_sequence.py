"""No text of a sequence meets another, or a life line that it does not belong to; hostile names stay texts."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.random_designs import random_design
from toscale.architecture.conversation import Conversation, Frame, Kind, Message, Note, Section, Way, converse
from toscale.architecture.geometry import Rect
from toscale.architecture.palette import DARK, LIGHT
from toscale.architecture.sequence import sequence, sequence_sheet
from toscale.architecture.walk_text import sequence_text
from toscale.design.model import Design

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.design.yaml"))
SVG = "{http://www.w3.org/2000/svg}"


@cache
def conversations() -> tuple[Conversation, ...]:
    designs = [Design.load(path) for path in EXAMPLES] + [random_design(seed, 25) for seed in range(30)]
    found = [converse(design, flow, way) for design in designs for flow in design.flows for way in Way]
    return tuple(one for one in found if one is not None)


def test_no_text_meets_another() -> None:
    for conversation in conversations():
        texts = sequence_sheet(conversation).texts
        for place, (text, rect) in enumerate(texts):
            for other, elsewhere in texts[:place]:
                assert not rect.meets(elsewhere), (conversation.flow, conversation.way, text, other)


def test_no_text_on_an_arrow_lies_on_a_life_line() -> None:
    """Notes and the labels of frames stand on paper of their own, and may."""
    for conversation in conversations():
        root = ET.fromstring(sequence(conversation))
        lines = [
            float(match[1])
            for path in root.iter(f"{SVG}path")
            if "ts-life" in path.get("class", "") and (match := re.match(r"M([-\d.]+) ", path.get("d", "")))
        ]
        assert len(lines) == len(conversation.parties)
        spoken = {text for one in conversation.messages() for text in (one.text, one.quiet) if text}
        for text, rect in sequence_sheet(conversation).texts:
            if text in spoken and rect.y > 40:
                assert not any(rect.x < x < rect.right for x in lines), (conversation.flow, text)


def test_all_of_it_is_on_the_paper() -> None:
    for conversation in conversations():
        root = ET.fromstring(sequence(conversation))
        left, top, wide, high = map(float, root.get("viewBox", "").split())
        paper = Rect(left, top, wide, high)
        for text, rect in sequence_sheet(conversation).texts:
            assert paper.x <= rect.x, text
            assert rect.right <= paper.right, text
            assert paper.y <= rect.y, text
            assert rect.bottom <= paper.bottom, text


def test_every_message_has_its_arrow_and_every_party_its_head() -> None:
    for conversation in conversations():
        root = ET.fromstring(sequence(conversation))
        heads = [node.get("data-node") for node in root.iter(f"{SVG}g") if node.get("data-node")]
        assert heads == [name for name, _ in conversation.parties]
        tips = [path for path in root.iter(f"{SVG}path") if "head" in path.get("class", "")]
        lost = sum(one.kind.value == "lost" for one in conversation.messages())
        assert len(tips) == sum(1 for _ in conversation.messages()) - lost


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_a_theme_has_its_own_colours_and_no_variables(theme: str, colours: dict[str, str]) -> None:
    drawn = sequence(conversations()[0], theme)  # type: ignore[arg-type]
    assert colours["paper"] in drawn
    assert "var(" not in drawn
    assert "@" not in drawn.split("</style>")[0].replace("@media", "")


def test_hostile_texts_are_only_texts() -> None:
    bad = 'a <script>alert(1)</script> & "b" \x00'
    events = (Message("u", "web", Kind.CALL, bad, bad), Note("web", bad), Frame("opt", (Section(bad, ()),)))
    drawn = sequence(Conversation(bad, Way.HAPPY, (("u", "actor"), ("web", "service")), events))
    assert "<script" not in drawn
    assert ET.fromstring(drawn).get("class") == "toscale"


@pytest.mark.parametrize("width", [40, 72, 100, 200])
def test_in_a_terminal_it_fits_or_is_a_list(width: int) -> None:
    for conversation in conversations()[:60]:
        text = sequence_text(conversation, width)
        drawn = "│" in text
        if drawn:
            assert max(map(len, text.splitlines())) <= width
        for one in conversation.messages():
            assert one.target[:10] in text, (conversation.flow, one)


def test_where_there_is_only_ascii_nothing_else_is_written() -> None:
    for conversation in conversations()[:60]:
        assert sequence_text(conversation, 120, ascii_only=True).isascii()
