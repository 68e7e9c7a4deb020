"""A waterfall shows every place of a trace, its figures add up, and no text meets another."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.test_conservation import models
from tests.simulate.test_traces import traces_of
from toscale.architecture.pen import Sheet
from toscale.architecture.walk import walk_through, written
from toscale.architecture.walk_text import waterfall_text
from toscale.architecture.waterfall import ALIKE, rows_of, spent_in_words, ticks, waterfall, waterfall_sheet
from toscale.design.model import Design
from toscale.engine.model import Model
from toscale.simulate.spans import Trace
from toscale.simulate.traces import trace

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def example(name: str) -> tuple[Design, tuple[Trace, ...]]:
    design = Design.load(EXAMPLES / f"{name}.design.yaml")
    return design, trace(design, most_events=1_000_000)


def assert_free(sheet: Sheet) -> None:
    for place, (text, rect) in enumerate(sheet.texts):
        for other, elsewhere in sheet.texts[:place]:
            assert not rect.meets(elsewhere), (text, other)
        assert sheet.left <= rect.x, text
        assert rect.right <= sheet.right, text


@pytest.mark.parametrize("name", ["url_shortener", "news_feed", "chat", "rate_limiter"])
def test_no_text_meets_another_in_the_examples(name: str) -> None:
    design, traces = example(name)
    assert traces
    for one in traces:
        assert_free(waterfall_sheet(one))
    assert_free(written([walk_through(design, flow, traces) for flow in design.flows]).sheet)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_no_text_meets_another_whatever_happened(model: Model) -> None:
    for one in traces_of(model, seconds=2.5):
        assert_free(waterfall_sheet(one))
        ET.fromstring(waterfall(one))
        for width in (50, 100):
            assert waterfall_text(one, width, ascii_only=True).isascii()


def test_every_place_has_its_row_or_is_among_those_alike() -> None:
    for name in ("url_shortener", "news_feed"):
        for one in example(name)[1]:
            rows = rows_of(one)
            shown = [row.span for row in rows if not row.others]
            hidden = sum(row.others for row in rows)
            places = [span for _, span in one.root.walk() if span.component is not None]
            assert sum(span.component is not None for span in shown) <= len(places)
            if not hidden:
                assert all(span in shown for span in places)
            assert all(row.others > ALIKE - 2 for row in rows if row.others)


def test_what_the_answer_waited_for_adds_up() -> None:
    for one in example("url_shortener")[1]:
        assert sum(time for _, time in spent_in_words(one)) == pytest.approx(one.latency, abs=1e-12)


def test_attempts_and_what_was_given_up_are_said() -> None:
    (one,) = [t for t in example("url_shortener")[1] if t.why == "troubled" and t.flow == "redirect"]
    drawn = "\n".join(text for text, _ in waterfall_sheet(one).texts)
    for words in ("attempt 2", "given up at", "miss", "paused"):
        assert words in drawn
    assert "✗" in waterfall_text(one, 120)


@given(st.floats(1e-9, 1e9))
def test_the_axis_has_a_few_round_marks(end: float) -> None:
    marks = ticks(end)
    assert 2 <= len(marks) <= 8
    assert marks[0] == 0
    assert marks[-1] <= end * (1 + 1e-6)
    assert float(f"{marks[1]:.0e}") == pytest.approx(marks[1])
