"""Is a picture sound? XML whatever the names, readable in both themes, in black and white, and to those who hear it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.architecture.pictures import SVG, read
from tests.architecture.random_designs import full_figures, graph, random_design
from toscale.architecture.draw import Drawing
from toscale.architecture.graph import Edge, Graph, Group, Node
from toscale.architecture.load import Figures, Load, Rate, State
from toscale.architecture.palette import CATEGORIES, DARK, LIGHT, Theme, style
from toscale.architecture.picture import card_of
from toscale.architecture.signs import SIGNS
from toscale.kinds import KINDS, Category


def two(name: str, other: str, title: str = "T", zone: str = "z") -> Drawing:
    nodes = {
        name: Node(name, "service", f"service of {name}", ("z",)),
        other: Node(other, "database", "database", ()),
    }
    of = Graph(title, nodes, (Edge(name, other),), {"z": Group("z", zone)})
    figures = Figures(
        {name: Load(State.BUSY, 0.9, 2.0, f"90% {name}", other)}, {(name, other): Rate(5.0)}, "x"
    )
    return Drawing.of(of, figures, {})


HOSTILE = [
    "</text><script>alert(1)</script>",
    '" onload="alert(1)',
    "a & b < c > d",
    "]]>",
    "<!-- -->",
    "&amp;",
    "\x00\x01\x1b[31m\x7f",
    "\ud800 half",
    "a\nb\tc",
    "שלום مرحبا",
    "日本語" * 30,
    "i" * 500,
    "W" * 500,
    " ",
    "🚀 rocket",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_is_only_a_text(name: str) -> None:
    for theme in ("auto", "light", "dark"):
        svg = two(name, "db", title=name, zone=name).svg(theme)  # type: ignore[arg-type]
        root = ET.fromstring(svg)
        allowed = {f"{SVG}{tag}" for tag in ("svg", "g", "path", "rect", "text", "title", "desc", "style")}
        assert {one.tag for one in root.iter()} <= allowed
        assert not [
            key for one in root.iter() for key in one.attrib if key.lower().startswith("on") or "href" in key
        ]


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_any_name_gives_xml_whose_texts_are_the_names(name: str, other: str) -> None:
    if name == other:
        return
    drawing = two(name, other)
    picture = read(drawing.svg())
    assert len(picture.boxes) == len({_clean(name), _clean(other)})
    assert _clean(name) in picture.boxes


def _clean(text: str) -> str:
    """The text as an attribute of XML keeps it."""
    kept = re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
    return re.sub("[\t\n\r]", " ", kept.replace("\r\n", "\n"))


def test_nothing_is_fetched_and_nothing_runs() -> None:
    of = graph(random_design(5))
    for theme in ("auto", "light", "dark"):
        svg = Drawing.of(of, full_figures(of), {}).svg(theme)  # type: ignore[arg-type]
        assert not re.search(r"script|https?://(?!www\.w3\.org/2000/svg)|url\(|@import|href", svg)


def test_its_classes_are_its_own() -> None:
    of = graph(random_design(5))
    root = ET.fromstring(Drawing.of(of, full_figures(of), {}).svg())
    classes = {name for one in root.iter() for name in one.attrib.get("class", "").split()}
    assert {name for name in classes if not name.startswith("ts-")} == {"toscale"}
    styled = set(re.findall(r"\.(ts-[a-z-]+)", style("auto")))
    assert styled <= classes | {"ts-held", "ts-message", "ts-inner", "ts-open"} | {
        f"ts-of-{one}" for one in CATEGORIES.values()
    }


def test_boxes_and_lines_are_said_in_words() -> None:
    root = ET.fromstring(two("app", "db").svg())
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "T"
    titles = [one.text for one in root.iter(f"{SVG}title")]
    assert titles[0] == "T"
    assert any(title and title.startswith("app: service of app; nearly full, 90% app") for title in titles)
    assert any(title and title.startswith("app calls db, 5/s") for title in titles)
    (said,) = root.iter(f"{SVG}desc")
    assert "app calls db, 5/s" in (said.text or "")


# ---- colours


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrasts_are_those_that_accessibility_asks_for(colours: dict[str, str]) -> None:
    for name in CATEGORIES.values():
        assert contrast(colours[name], colours["paper"]) >= 3
        assert contrast(colours[name], colours[f"{name}-fill"]) >= 3
        for text in ("ink", "quiet"):
            assert contrast(colours[text], colours[f"{name}-fill"]) >= 4.5
    for name in ("busy", "overloaded"):  # words in these colours stand in boxes
        assert contrast(colours[name], colours["code-fill"]) >= 3
    assert contrast(colours["line"], colours["paper"]) >= 3
    for text in ("ink", "quiet"):
        assert contrast(colours[text], colours["paper"]) >= 4.5


def test_both_themes_have_all_colours_and_every_category_has_one() -> None:
    assert set(LIGHT) == set(DARK)
    assert set(CATEGORIES) == set(Category)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_fixed_theme_needs_no_variables(theme: Theme) -> None:
    assert "var(" not in style(theme)
    assert "@" not in style(theme)


def test_the_automatic_theme_follows_the_reader_and_prints_on_white() -> None:
    assert "prefers-color-scheme:dark" in style("auto")
    assert "@media print" in style("auto")
    used = set(re.findall(r"var\(--toscale-([a-z-]+)\)", style("auto")))
    assert used == set(LIGHT)


def test_kinds_differ_without_their_colours() -> None:
    looks = [(kind.drawing, SIGNS.get(name)) for name, kind in KINDS.items()]
    assert len(set(looks)) == len(looks)
    assert set(KINDS) <= set(SIGNS)


def test_what_is_full_is_hatched_and_said() -> None:
    for state, count in ((State.CALM, 0), (State.BUSY, 1), (State.OVERLOADED, 1)):
        nodes = {"app": Node("app", "service", "service")}
        figures = Figures({"app": Load(state, 0.9, None, "90%")}, {}, "x")
        svg = Drawing.of(Graph("", nodes, (), {}), figures, {}).svg()
        node = svg[svg.index('data-node="app"') : svg.index("</g>")]
        assert node.count('class="ts-hatch"') == count
        assert (f">{state.value}</text>" in svg) is bool(count)  # the legend


def test_a_line_is_the_thicker_the_more_runs_along_it() -> None:
    nodes = {name: Node(name, "service", "service") for name in "abc"}
    of = Graph("", nodes, (Edge("a", "b"), Edge("b", "c")), {})
    svg = Drawing.of(of, Figures({}, {("a", "b"): Rate(1e4), ("b", "c"): Rate(10.0)}, "x"), {}).svg()
    wide, thin = (
        float(found) for found in re.findall(r'class="ts-line ts-call" stroke-width="([\d.]+)"', svg)[:2]
    )
    assert wide > thin


@pytest.mark.parametrize("kind", list(KINDS))
def test_texts_fit_into_the_box_of_every_kind(kind: str) -> None:
    for name in ("db", "W" * 80, "a quite ordinary name"):
        node = Node(name, kind, f"{kind} ×12345 · 3 zones · every 5 s")
        card = card_of(node, Load(State.BUSY, 0.9, 3.0, "+12.3k/s too many"))
        assert len(card.name) <= len(name)
        figures = Figures({name: Load(State.BUSY, 0.9, 3.0, "+12.3k/s too many")}, {}, "x")
        picture = read(Drawing.of(Graph("", {name: node}, (), {}), figures, {}).svg())
        (box,) = picture.boxes.values()
        for rect in picture.inner[name]:
            assert box.x + 3 <= rect.x
            assert rect.right <= box.right - 3
            assert box.y <= rect.y
            assert rect.bottom <= box.bottom
