"""The page: whole, alone, harmless whatever the design says, and readable without seeing the plots."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from tests.document.made import design, simulation
from tests.document.pages import Read, page
from toscale.document.colours import DARK, LIGHT
from toscale.document.findings import find
from toscale.simulate.result import Overload, Simulation

HOSTILE = [
    "<script>alert(1)</script>",
    "</style></title><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "]]> --> &amp; &lt;b&gt;",
    "javascript:alert(1) https://elsewhere.example/x.js",
]


def rendered(title: str = "A counter", ran: Simulation | None = None) -> str:
    ran = simulation(title) if ran is None else ran
    return page(find(design(title), {ran.multiple: ran}, multiple=ran.multiple), "made.design.yaml")


@pytest.mark.parametrize("title", ["A counter", *HOSTILE])
def test_it_is_well_formed_and_asks_for_nothing_from_elsewhere(title: str) -> None:
    read = Read.of(rendered(title))
    assert read.wrong == []
    assert read.asks == []
    assert len(read.ids) == len(set(read.ids))


@pytest.mark.parametrize("title", HOSTILE)
def test_every_text_of_the_design_arrives_as_text(title: str) -> None:
    ordinary, hostile = Read.of(rendered()), Read.of(rendered(title))
    assert hostile.text.count(title) >= 20
    # The same page but for the words.
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in ordinary.tags]


def test_it_has_the_four_steps_the_verdict_and_the_plots() -> None:
    html = rendered()
    read = Read.of(html)
    assert [name for name in read.ids if name.startswith("step-")] == ["step-1", "step-2", "step-3", "step-4"]
    assert "✓ met" in read.text
    for words in (
        "The target is met.",
        "Not simulated:",
        "figures taken from defaults",
        "p99(look) <= 200 ms",
        "200 ms",
    ):
        assert words in read.text
    plots = [given for tag, given in read.tags if tag == "svg" and given.get("class") == "plot"]
    # Latency of a flow and of a step, what is in use, the uncertainty of the rate, hits over memory, growth, three
    # over time.
    assert len(plots) == 9
    for plot in plots:
        assert plot["role"] == "img"
        assert len(plot["aria-label"]) > 10
    (drawing,) = re.findall(r'<figure id="figure-drawing".*?</figure>', html, re.DOTALL)
    assert "visitor calls app" in drawing
    walks = re.findall(r'<figure id="figure-walk[^"]*" class="drawing".*?</figure>', html, re.DOTALL)
    assert len(walks) == 3  # the happy path, a typical and a slow request; nothing is provided for a failure
    for walk in walks:
        assert "<title>" in walk
        html = html.replace(walk, "")
    assert html.replace(drawing, "").count("<title>") == len(plots) + 1
    assert html.count("<desc>") == len(plots) + 1


def test_its_tables_say_what_their_columns_and_rows_are() -> None:
    read = Read.of(rendered())
    heads = [given.get("scope") for tag, given in read.tags if tag == "th"]
    assert set(heads) == {"col", "row"}
    tables = sum(tag == "table" for tag, _ in read.tags)
    assert tables == sum(tag == "caption" for tag, _ in read.tags) >= 8


def test_it_is_the_same_each_time() -> None:
    assert rendered() == rendered()


def test_an_overload_stands_at_the_top() -> None:
    ran = simulation("x", (Overload("app", 12.0, "app grows without bound: 12 more waiting each second"),))
    text = Read.of(rendered(ran=ran)).text
    assert text.index("Overload.") < text.index("Who uses it", text.index("In short") + 200)
    assert "app grows without bound: 12 more waiting each second" in text


def test_it_says_the_multiple_that_it_is_about() -> None:
    text = Read.of(rendered(ran=simulation(multiple=10.0))).text
    assert "At 10 times the load." in text
    assert "times the load" not in Read.of(rendered()).text


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("found", [LIGHT, DARK], ids=["light", "dark"])
def test_words_and_lines_stand_out_from_what_is_behind_them(found: dict[str, str]) -> None:
    assert set(found) == set(LIGHT)

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(found[one]), luminance(found[other])))
        return (high + 0.05) / (low + 0.05)

    for behind in ("paper", "panel"):
        for words in ("ink", "quiet", "met", "at-risk", "missed", "unknown", "link"):
            assert contrast(words, behind) >= 4.5, (words, behind)
        for drawn in ("one", "two", "high", "target"):
            assert contrast(drawn, behind) >= 3, (drawn, behind)


def test_the_templates_are_part_of_the_package() -> None:
    for name in ("page.html.j2", "fragment.css.j2", "document.typ"):
        assert files("toscale.document.writers").joinpath(name).is_file()
    assert files("toscale.cli").joinpath("starting.design.yaml").is_file()
