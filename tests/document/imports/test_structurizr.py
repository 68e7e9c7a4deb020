"""Structurizr DSL: our own export comes back with the same components and relations; the DSL's own style of writing
is read; what is wrong is named with its line.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.architecture.random_designs import random_values
from tests.document.exports.drawings import EXAMPLES, HOSTILE, drawings, hostile
from tests.document.imports.reading import imported, imported_or_refused, kinds, relations
from toscale.architecture import Drawing, draw
from toscale.design import Design
from toscale.document.exports import export
from toscale.document.imports import NotImported, import_text

BANK = """
/* a workspace
   in the style of the documentation */
workspace "Big Bank" "An example" {
    !identifiers hierarchical
    !const ORG "Bank"
    model {
        customer = person "Customer ${ORG}" "Has accounts" "External"
        group "zone a" {
            bank = softwareSystem "Internet Banking" {
                web = container "Web Application" "Delivers pages" "Java and Spring" {
                    signin = component "Sign In"
                    reset = component "Reset" "" "Spring" {
                        -> bank.database "Updates" "SQL"
                    }
                    signin -> reset "passes on"
                }
                database = container "Accounts" {
                    technology "PostgreSQL"
                    tags "Relational" "Important"
                }
                events = container "Events" "" "Kafka topic"
                web -> database "Reads from" "JDBC"
                web -> events "Publishes" \\
                    "Avro" "Asynchronous"
            }
        }
        mainframe = softwareSystem "Mainframe" "Keeps it all" "Existing System"
        customer -> bank "Uses"
        customer -> bank.web "Visits" "HTTPS"
        bank.web -> mainframe "Asks"
        mainframe -> customer "Sends letters to"
        // a deployment is passed over
        live = deploymentEnvironment "Live" {
            deploymentNode "Server" {
                containerInstance bank.web
            }
        }
    }
    views {
        container bank "containers" {
            include *
        }
    }
}
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_export_of_an_example_comes_back_whole(path: Path) -> None:
    design = Design.load(path)
    back = imported(export(draw(design), "structurizr"), "shop.dsl")
    assert kinds(back) == kinds(design)
    assert relations(back) == relations(design)
    assert back.title == design.title


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_an_export_of_any_design_comes_back_whole(seed: int) -> None:
    design = Design.from_dict(random_values(seed, most=20))
    back = imported(export(draw(design), "structurizr"), "shop.dsl")
    assert kinds(back) == kinds(design)
    assert relations(back) == relations(design)


@settings(max_examples=40, deadline=None)
@given(drawings)
def test_an_export_with_any_names_comes_back_as_a_design(drawing: Drawing) -> None:
    components = sum(not node.is_actor for node in drawing.graph.nodes.values())
    text = export(drawing, "structurizr")
    if components:
        assert len(imported(text, "shop.dsl").components) == components
    else:
        with pytest.raises(NotImported, match="no component"):
            import_text(text, "shop.dsl")


def test_hostile_names_come_back_as_names_of_the_language() -> None:
    back = imported(export(hostile(), "structurizr"), "shop.dsl")
    assert len(back.components) + len(back.requirements.users) == len(set(HOSTILE))


def test_a_workspace_in_the_style_of_the_documentation() -> None:
    design = imported(BANK, "bank.dsl")
    assert {name: part.kind for name, part in design.components.items()} == {
        "Web Application": "service",
        "Accounts": "database",
        "Events": "stream",
        "Mainframe": "external",
    }
    assert dict(design.requirements.users)["Customer Bank"].text == "Has accounts"
    assert relations(design) == {
        ("Customer Bank", "Web Application", True),
        ("Web Application", "Accounts", True),
        ("Web Application", "Events", False),
        ("Web Application", "Mainframe", True),
        ("Mainframe", "Customer Bank", True),
    }
    assert design.components["Accounts"].zones == ("a",)
    assert design.title == "Big Bank"


def test_what_is_lost_is_named() -> None:
    text, sketch = import_text(BANK, "bank.dsl")
    assert len(sketch.lost) == 3
    for said in (
        "Internet Banking is related as a whole",
        "Sign In -> Reset is within Web Application",
        "once more",
    ):
        assert any(said in lost for lost in sketch.lost)
        assert said in text


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("workspace {\n model {\n a = person A\n a -> b\n }\n}", 4, "No element has the id `b`"),
        ("workspace {\n model {\n web = container Web\n wbe -> web\n }\n}", 4, "Did you mean `web`?"),
        ("workspace {\n model {\n a = person A\n a = person B\n}\n}", 4, "line 3 already"),
        ("workspace {\n model {\n", 2, "is not closed"),
        ("workspace {\n}\n}", 3, "closes nothing"),
        ('workspace "x {\n}', 1, "quotation mark"),
        ("workspace {\n model {\n container\n}\n}", 3, "has no name"),
        ("workspace {\n !include other.dsl\n}", 2, "needs more than this file"),
        ("workspace extends base.dsl {\n}", 1, "needs more than this file"),
        ("workspace {\n model {\n a ->\n}\n}", 3, "leads nowhere"),
        ("hello\nworkspace {\n}", 1, "outside of a workspace"),
        ("workspace {\n model {\n a = person A\n}\n}", 1, "no component"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(NotImported) as error:
        import_text(text, "x.dsl")
    assert error.value.line == line
    assert said in str(error.value)
    assert error.value.mend


LINES = st.sampled_from([line.strip() for line in BANK.split("\n")])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(LINES, LINES, st.text(max_size=20)), max_size=25))
def test_any_lines_are_a_design_or_are_refused(lines: list[str]) -> None:
    imported_or_refused("\n".join(["workspace {", "model {", "a = container A", *lines]), "x.dsl")
