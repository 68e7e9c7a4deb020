"""Does the drawing of characters fit the terminal, and say what the picture says?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.random_designs import full_figures, graph, random_design
from toscale.architecture import draw
from toscale.architecture.characters import columns, in_characters
from toscale.architecture.graph import Edge, Graph, Node
from toscale.architecture.load import Figures, Load, Rate, State
from toscale.design.model import Design

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.design.yaml"))


def small(name: str = "db") -> tuple[Graph, Figures]:
    nodes = {"me": Node("me", "actor", "actor"), "app": Node("app", "service", "service ×2")}
    nodes[name] = Node(name, "queue", "queue")
    of = Graph("", nodes, (Edge("me", "app"), Edge("app", name, waits=False)), {})
    figures = Figures(
        {"app": Load(State.BUSY, 0.85, 2.0, "85% · queue 2")}, {("me", "app"): Rate(50.0)}, "theory"
    )
    return of, figures


def test_a_small_design_is_drawn_whole() -> None:
    assert in_characters(*small(), 80) == (
        "                 ┌─────────────────┐\n"
        "╭────╮           │ app             │    ┌───────┐\n"
        "│ me │─────50/s─►│ service ×2      │┄┄┄▷│ db    │\n"
        "╰────╯           │ 85% · queue 2 ! │    │ queue │\n"
        "                 └─────────────────┘    └───────┘"
    )


def test_less_is_said_where_it_is_narrow() -> None:
    wide, narrow, list_ = (in_characters(*small(), width) for width in (80, 40, 30))
    assert "service" in wide
    assert "service" not in narrow
    assert "app" in narrow
    assert max(map(columns, narrow.splitlines())) <= 40
    assert max(map(columns, list_.splitlines())) <= 30


@pytest.mark.parametrize("width", [30, 60, 100, 200])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.split(".")[0])
def test_an_example_fits_and_names_everything(path: Path, width: int) -> None:
    drawing = draw(Design.load(path))
    text = drawing.text(width)
    assert max(map(columns, text.splitlines())) <= width
    for name in drawing.graph.nodes:
        assert name in text or any(name[:length] + "…" in text for length in range(3, len(name)))


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_random_designs_fit_and_no_line_hides_a_name(seed: int) -> None:
    of = graph(random_design(seed))
    for width in (80, 400):
        text = in_characters(of, full_figures(of, seed), width)
        assert max(map(columns, text.splitlines())) <= width
        if width == 400:
            for name in of.nodes:
                assert name[:8] in text


@pytest.mark.parametrize("seed", range(0, 40, 8))
def test_where_there_is_only_ascii_it_is_ascii(seed: int) -> None:
    of = graph(random_design(seed))
    for width in (60, 300):
        text = in_characters(of, full_figures(of, seed), width, ascii_only=True)
        assert text.isascii()
        assert "?" not in text


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "日本語" * 9, "\u202eright to left", "", "e\u0301"])
def test_odd_names_neither_break_the_lines_nor_reach_the_terminal(name: str) -> None:
    for width in (30, 60, 120):
        text = in_characters(*small(name), width)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert max(map(columns, text.splitlines())) <= width


def test_an_empty_design_is_an_empty_drawing() -> None:
    assert in_characters(Graph("", {}, (), {}), Figures({}, {}, "theory"), 80) == ""
