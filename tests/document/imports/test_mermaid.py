"""Mermaid: flowcharts as people write them, and our own exports; what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.document.exports.drawings import EXAMPLES, HOSTILE, drawings, hostile
from tests.document.imports.reading import imported, imported_or_refused, kinds, pairs, relations
from toscale.architecture import Drawing, draw
from toscale.design import Design
from toscale.document.exports import export
from toscale.document.imports import NotImported, import_text

CHART = """---
title: A shop
---
%% a comment
flowchart TD
  user([Customer]) --> lb{{Balancer}}
  lb -->|HTTPS| web[Web server] & api["API (v2)"]; api -- reads --> db[(Orders)]
  subgraph back [zone b]
    direction LR
    api -. events .-> bus[/Order events/]
    bus ==> mailer
  end
  mailer <--> ext>Mail provider]:::outside
  api --- cache[[Sessions]]
  web ~~~ cache
  store@{ shape: cyl, label: "Blobs" } --o api
  classDef outside stroke:#f00
  style db fill:#eee
"""


def test_a_chart_as_people_write_it() -> None:
    design = imported(CHART, "shop.mmd")
    assert design.title == "A shop"
    assert {name: part.kind for name, part in design.components.items()} == {
        "Balancer": "load_balancer",
        "Web server": "service",
        "API v2": "service",
        "Orders": "database",
        "Order events": "queue",
        "mailer": "service",
        "Mail provider": "external",
        "Sessions": "cache",
        "Blobs": "object_store",
    }
    assert relations(design) == {
        ("Customer", "Balancer", True),
        ("Balancer", "Web server", True),
        ("Balancer", "API v2", True),
        ("API v2", "Orders", True),
        ("API v2", "Order events", False),
        ("Order events", "mailer", False),
        ("mailer", "Mail provider", True),
        ("Mail provider", "mailer", True),
        ("API v2", "Sessions", True),
        ("Blobs", "API v2", True),
    }


def test_links_of_every_form_are_links() -> None:
    forms = [
        "-->",
        "---",
        "--o",
        "--x",
        "==>",
        "===",
        "-.->",
        "-.-",
        "---->",
        "-- t -->",
        "== t ==>",
        "-. t .->",
    ]
    forms += ["-->|t|", '-->|"t"|', "-..->", "e1@-->"]
    for form in forms:
        assert pairs(imported(f"graph LR\n  a {form} b\n", "x.mmd")) == {("a", "b")}, form
        assert pairs(imported(f"graph LR\n  a{form if '@' not in form else ' ' + form}b\n", "x.mmd")), form


def test_a_text_may_go_on_over_lines() -> None:
    design = imported(
        'flowchart LR\n  a["`The **big**\n  store`"] -- "much\nmore" --> b\n  b --> c\n', "x.mmd"
    )
    assert pairs(design) == {("The big", "b"), ("b", "c")}


def test_a_chart_in_a_page_of_markdown() -> None:
    page = f"# Title\n\nText.\n\n```mermaid\n{CHART}```\n\nMore --> text.\n"
    assert pairs(imported(page, "page.md")) == pairs(imported(CHART, "shop.mmd"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_export_of_an_example_comes_back_whole(path: Path) -> None:
    design = Design.load(path)
    back = imported(export(draw(design), "mermaid"), "x.mmd")
    assert kinds(back) == kinds(design)
    assert relations(back) == relations(design)
    assert back.title == design.title


@settings(max_examples=40, deadline=None)
@given(drawings)
def test_an_export_with_any_names_comes_back_as_a_design(drawing: Drawing) -> None:
    components = sum(not node.is_actor for node in drawing.graph.nodes.values())
    text = export(drawing, "mermaid")
    if components:
        assert len(imported(text, "x.mmd").components) == components
    else:
        with pytest.raises(NotImported, match="no component"):
            import_text(text, "x.mmd")


def test_hostile_names_come_back_as_names_of_the_language() -> None:
    back = imported(export(hostile(), "mermaid"), "x.mmd")
    assert len(back.components) + len(back.requirements.users) == len(set(HOSTILE))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("sequenceDiagram\n a->>b: x", 1, "begins no flowchart"),
        ("flowchart LR\n a --> ", 2, "is no box"),
        ("flowchart LR\n\n a -> b", 3, "neither a link"),
        ("flowchart LR\n a[x --> b", 2, "is not closed"),
        ('flowchart LR\n a["x" y] --> b', 2, "is not closed"),
        ('flowchart LR\n a["x\n b --> c', 2, "is not closed"),
        ("flowchart LR\n subgraph s\n a --> b", 2, "has no `end`"),
        ("flowchart LR\n a --> b\n end", 3, "ends nothing"),
        ("---\ntitle: x\nflowchart LR", 1, "front matter"),
        ("flowchart LR\n", 1, "no component"),
        ("", 1, "no component"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(NotImported) as error:
        import_text(text, "x.mmd")
    assert error.value.line == line
    assert said in str(error.value)
    assert error.value.mend


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "c1",
        "-->",
        "-.->",
        " & ",
        '["x"]',
        "[(y)]",
        "|t|",
        "\n",
        ";",
        "end",
        "subgraph s",
        "--",
        "==",
        "@{ shape: cyl }",
        "&lt;",
        "#35;",
        "%%",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(PIECES, PIECES, st.text(max_size=5)), max_size=25))
def test_any_text_is_a_design_or_is_refused(pieces: list[str]) -> None:
    imported_or_refused("flowchart LR\n a --> b\n" + "".join(pieces), "x.mmd")
