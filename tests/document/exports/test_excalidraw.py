"""Excalidraw: JSON of version 2 of its format, every element with the fields of its documented schema, and bindings
that lead both ways.

The fields are those of `packages/excalidraw/element/types.ts` in Excalidraw's repository (0.17 and 0.18).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from tests.document.exports.drawings import EXAMPLES, drawings, example, hostile
from toscale.architecture import Drawing
from toscale.document.exports import export
from toscale.document.exports.identifiers import labelled_edges, one_line, shown_name

NUMBER, TEXT = {"type": "number"}, {"type": "string"}
BINDING = {
    "type": ["object", "null"],
    "required": ["elementId", "focus", "gap"],
    "properties": {"elementId": TEXT, "focus": NUMBER, "gap": {"type": "number", "minimum": 0}},
}
ARROWHEAD = {"enum": [None, "arrow", "bar", "dot", "circle", "triangle", "diamond"]}
BASE: dict[str, Any] = {
    "id": {"type": "string", "minLength": 1},
    "type": {"enum": ["rectangle", "ellipse", "diamond", "line", "arrow", "text"]},
    "x": NUMBER,
    "y": NUMBER,
    "width": {"type": "number", "minimum": 0},
    "height": {"type": "number", "minimum": 0},
    "angle": {"const": 0},
    "strokeColor": {"pattern": "^#[0-9a-f]{6}$"},
    "backgroundColor": {"pattern": "^(transparent|#[0-9a-f]{6})$"},
    "fillStyle": {"enum": ["hachure", "cross-hatch", "solid", "zigzag"]},
    "strokeWidth": {"type": "number", "exclusiveMinimum": 0},
    "strokeStyle": {"enum": ["solid", "dashed", "dotted"]},
    "roughness": {"enum": [0, 1, 2]},
    "opacity": {"type": "integer", "minimum": 0, "maximum": 100},
    "groupIds": {"type": "array", "items": TEXT},
    "frameId": {"type": ["string", "null"]},
    "roundness": {
        "type": ["object", "null"],
        "required": ["type"],
        "properties": {"type": {"enum": [1, 2, 3]}},
    },
    "seed": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "version": {"type": "integer", "minimum": 1},
    "versionNonce": {"type": "integer", "minimum": 0},
    "isDeleted": {"type": "boolean"},
    "boundElements": {
        "type": "array",
        "items": {
            "required": ["id", "type"],
            "properties": {"id": TEXT, "type": {"enum": ["arrow", "text"]}},
        },
    },
    "updated": {"type": "integer"},
    "link": {"type": ["string", "null"]},
    "locked": {"type": "boolean"},
}
LINEAR: dict[str, Any] = {
    "points": {
        "type": "array",
        "minItems": 2,
        "items": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
    },
    "lastCommittedPoint": {},
    "startBinding": BINDING,
    "endBinding": BINDING,
    "startArrowhead": ARROWHEAD,
    "endArrowhead": ARROWHEAD,
}
TEXTUAL: dict[str, Any] = {
    "fontSize": {"type": "number", "exclusiveMinimum": 0},
    "fontFamily": {"enum": [1, 2, 3, 5, 6, 7, 8]},
    "text": {"type": "string", "minLength": 1},
    "originalText": TEXT,
    "textAlign": {"enum": ["left", "center", "right"]},
    "verticalAlign": {"enum": ["top", "middle", "bottom"]},
    "containerId": {"type": ["string", "null"]},
    "lineHeight": {"type": "number", "exclusiveMinimum": 0},
    "autoResize": {"type": "boolean"},
}


def shape(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


SCHEMAS = {
    **{kind: Draft202012Validator(shape(BASE)) for kind in ("rectangle", "ellipse", "diamond")},
    "line": Draft202012Validator(shape(BASE | LINEAR)),
    "arrow": Draft202012Validator(shape(BASE | LINEAR | {"elbowed": {"type": "boolean"}})),
    "text": Draft202012Validator(shape(BASE | TEXTUAL)),
}


def check(drawing: Drawing) -> None:
    file = json.loads(export(drawing, "excalidraw"))
    assert set(file) == {"type", "version", "source", "elements", "appState", "files"}
    assert (file["type"], file["version"], file["files"]) == ("excalidraw", 2, {})
    elements = {element["id"]: element for element in file["elements"]}
    assert len(elements) == len(file["elements"])
    for element in elements.values():
        problems = [
            f"{error.json_path}: {error.message}" for error in SCHEMAS[element["type"]].iter_errors(element)
        ]
        assert problems == []
        for bound in element["boundElements"]:
            other = elements[bound["id"]]
            assert other["type"] == bound["type"]
            if bound["type"] == "text":
                assert other["containerId"] == element["id"]
            else:
                assert element["id"] in [other[end]["elementId"] for end in ("startBinding", "endBinding")]
        if element["type"] == "text" and element["containerId"] is not None:
            holder = elements[element["containerId"]]
            assert {"id": element["id"], "type": "text"} in holder["boundElements"]
        if element["type"] in ("arrow", "line"):
            assert element["points"][0] == [0, 0]

    def words(element: dict[str, Any]) -> str:
        (text,) = [
            elements[bound["id"]]["text"] for bound in element["boundElements"] if bound["type"] == "text"
        ] or [""]
        return str(text)

    nodes = drawing.graph.nodes
    boxes = [
        element
        for element in elements.values()
        if element["type"] in ("rectangle", "ellipse") and words(element)
    ]
    assert sorted(map(words, boxes)) == sorted(
        shown_name(node) if node.is_actor else f"{shown_name(node)}\n{one_line(node.caption)}"
        for node in nodes.values()
    )
    arrows = [element for element in elements.values() if element["type"] == "arrow"]
    said = [
        (
            *(
                words(elements[arrow[end]["elementId"]]).split("\n")[0]
                for end in ("startBinding", "endBinding")
            ),
            words(arrow),
            arrow["strokeStyle"] == "solid",
        )
        for arrow in arrows
    ]
    assert said == [
        (shown_name(nodes[source]), shown_name(nodes[target]), label, waits)
        for source, target, label, waits in labelled_edges(drawing)
    ]


@settings(max_examples=40, deadline=None)
@given(drawings)
def test_any_names_are_read_back_as_they_are(drawing: Drawing) -> None:
    check(drawing)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_have_every_field_of_the_schema(path: Path) -> None:
    check(example(path))


def test_hostile_names_are_only_texts() -> None:
    check(hostile())
