"""draw.io: well-formed XML with the structure of an mxGraph model, its boxes where the layout has them.

No schema of draw.io is at hand offline: the rules checked are those that its editor needs to open a file (two root
cells, unique ids, parents, sources and targets that are there, a geometry for each).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.document.exports.drawings import EXAMPLES, drawings, example, hostile
from toscale.architecture import Drawing
from toscale.document.exports import export
from toscale.document.exports.identifiers import labelled_edges, one_line, shown_name

VERTEX, EDGE = (
    {"id", "value", "style", "vertex", "parent"},
    {"id", "value", "style", "edge", "parent", "source", "target"},
)


def xml_only(text: str) -> str:
    """Without the signs that XML cannot hold."""
    return "".join(sign for sign in text if sign in "\t\n\r" or (sign >= " " and sign not in "\ufffe\uffff"))


def check(drawing: Drawing) -> None:
    root = ET.fromstring(export(drawing, "drawio").encode("utf-8"))
    assert root.tag == "mxfile"
    assert root.attrib["compressed"] == "false"
    (page,) = root
    assert page.tag == "diagram"
    (model,) = page
    assert model.tag == "mxGraphModel"
    (cells,) = model
    assert cells.tag == "root"
    assert [dict(cell.attrib) for cell in cells[:2]] == [{"id": "0"}, {"id": "1", "parent": "0"}]
    ids = [cell.attrib["id"] for cell in cells]
    assert len(ids) == len(set(ids))
    vertices = {cell.attrib["id"]: cell for cell in cells if cell.get("vertex") == "1"}
    edges = [cell for cell in cells if cell.get("edge") == "1"]
    assert len(vertices) + len(edges) + 2 == len(cells)
    for cell in vertices.values():
        assert set(cell.attrib) == VERTEX
        (geometry,) = cell
        assert float(geometry.attrib["width"]) > 0
        assert float(geometry.attrib["height"]) > 0
        assert float(geometry.attrib["x"]) >= 0
        assert float(geometry.attrib["y"]) >= 0
    for cell in edges:
        assert set(cell.attrib) == EDGE
        (geometry,) = cell
        assert geometry.attrib == {"relative": "1", "as": "geometry"}
        assert [array.attrib for array in geometry] in ([], [{"as": "points"}])
    for cell in cells[2:]:
        assert cell.attrib["parent"] == "1"
        assert "html=0" in cell.attrib["style"]
        assert all("=" in word or word.isalpha() for word in cell.attrib["style"].strip(";").split(";"))
        assert cell[0].attrib["as"] == "geometry"
    shown = sorted(cell.attrib["value"] for cell in vertices.values())
    nodes = drawing.graph.nodes
    assert shown == sorted(
        [
            *(
                xml_only(
                    shown_name(node) if node.is_actor else f"{shown_name(node)}\n{one_line(node.caption)}"
                )
                for node in nodes.values()
            ),
            *(xml_only(one_line(group.label)) for group in drawing.graph.groups.values()),
        ]
    )
    said = [
        tuple(vertices[cell.attrib[end]].attrib["value"].split("\n")[0] for end in ("source", "target"))
        + (cell.attrib["value"], "dashed=1" not in cell.attrib["style"])
        for cell in edges
    ]
    assert said == [
        (xml_only(shown_name(nodes[source])), xml_only(shown_name(nodes[target])), label, waits)
        for source, target, label, waits in labelled_edges(drawing)
    ]


@settings(max_examples=40, deadline=None)
@given(drawings)
def test_any_names_are_read_back_as_they_are(drawing: Drawing) -> None:
    check(drawing)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_have_the_structure_of_a_model(path: Path) -> None:
    check(example(path))


def test_hostile_names_are_only_texts() -> None:
    check(hostile())


def test_boxes_and_corners_are_those_of_the_layout() -> None:
    drawing = example(EXAMPLES[-1])
    root = ET.fromstring(export(drawing, "drawio"))
    places = {
        cell.attrib["value"].split("\n")[0]: {
            key: float(value) for key, value in cell[0].attrib.items() if key != "as"
        }
        for cell in root.iter("mxCell")
        if cell.get("vertex") == "1"
    }
    one, other = list(drawing.layout.boxes)[:2]
    moved = places[other]["x"] - places[one]["x"]
    assert moved == pytest.approx(drawing.layout.boxes[other].x - drawing.layout.boxes[one].x, abs=0.02)
    corners = sum(max(0, len(route.points) - 2) for route in drawing.layout.routes)
    assert len(list(root.iter("mxPoint"))) == corners
