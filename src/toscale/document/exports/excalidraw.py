"""How is a drawing written for Excalidraw? As its JSON: a shape with its text for a box, an arrow with its label for
a line, at the places of ToScale's own layout.

Every element has all fields that Excalidraw's own files have (version 2 of its format), so that nothing is left
for a reader to guess; seeds and ids follow from names.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from toscale.architecture.draw import Drawing
from toscale.architecture.geometry import Point, Rect, Route
from toscale.architecture.graph import Node
from toscale.architecture.metrics import width
from toscale.architecture.palette import CATEGORIES, LIGHT
from toscale.document.exports.identifiers import identifier, labelled_edges, one_line, shown_name
from toscale.kinds import KINDS, Category
from toscale.kinds import Drawing as Outline

__all__ = ["excalidraw"]

SIZE, LABEL_SIZE, TITLE_SIZE = 12.0, 11.0, 20.0
"""Sizes of the font."""
LINE_HEIGHT = 1.25
FONT = 2
"""Excalidraw's number of its plain font (Helvetica), whose widths the layout has measured."""
ROUND = {"type": 3}
"""Corners of a fixed radius."""
SLACK = 1.08
"""A text is given a little more room than it was measured to need."""

Element = dict[str, Any]


def excalidraw(drawing: Drawing) -> str:
    """The drawing as a text of Excalidraw's JSON. Loads are left out."""
    layout, graph = drawing.layout, drawing.graph
    elements: list[Element] = []
    title = one_line(graph.title)
    if title:
        at = layout.bounds.x, layout.bounds.y - 2 * TITLE_SIZE
        elements.append(_text("title", title, at, TITLE_SIZE, align="left"))
    for key, rect in layout.frames.items():
        frame = _shape("rectangle", identifier(key, "frame"), rect)
        frame |= {"strokeColor": LIGHT["frame"], "strokeStyle": "dotted", "strokeWidth": 1}
        label = one_line(graph.groups[key].label)
        elements += [
            frame,
            _text(identifier(key, "frame label"), label, (rect.x + 6, rect.y + 3), LABEL_SIZE, align="left"),
        ]
    boxes = {name: _box(graph.nodes[name], rect) for name, rect in layout.boxes.items()}
    arrows: list[Element] = []
    seen: dict[tuple[str, str], int] = {}
    for (source, target, label, waits), route in zip(labelled_edges(drawing), layout.routes, strict=True):
        number = seen[source, target] = seen.get((source, target), 0) + 1
        mark = identifier(f"{source}\0{target}\0{number}", "edge")
        for name in (source, target):
            boxes[name][-1]["boundElements"].append({"id": mark, "type": "arrow"})
        arrows += _arrow(mark, label, waits, route, (boxes[source][-1]["id"], boxes[target][-1]["id"]))
    for name, parts in boxes.items():
        elements += [*parts, _label(graph.nodes[name], parts[-1])]
    elements += arrows
    state = {"gridSize": None, "viewBackgroundColor": LIGHT["paper"]}
    file = {"type": "excalidraw", "version": 2, "source": "toscale", "elements": elements}
    return json.dumps(file | {"appState": state, "files": {}}, ensure_ascii=False, indent=1) + "\n"


# ---- elements


def _element(kind: str, mark: str, x: float, y: float, wide: float, high: float) -> Element:
    """What every element has, as Excalidraw's own files have it."""
    seed = int.from_bytes(blake2b(mark.encode(), digest_size=4).digest()) >> 1
    return {
        "id": mark,
        "type": kind,
        "x": round(x, 2),
        "y": round(y, 2),
        "width": round(wide, 2),
        "height": round(high, 2),
        "angle": 0,
        "strokeColor": LIGHT["ink"],
        "backgroundColor": "transparent",
        "fillStyle": "solid",
        "strokeWidth": 1,
        "strokeStyle": "solid",
        "roughness": 0,
        "opacity": 100,
        "groupIds": [],
        "frameId": None,
        "roundness": None,
        "seed": seed,
        "version": 1,
        "versionNonce": seed,
        "isDeleted": False,
        "boundElements": [],
        "updated": 1,
        "link": None,
        "locked": False,
    }


def _shape(kind: str, mark: str, rect: Rect) -> Element:
    return _element(kind, mark, rect.x, rect.y, rect.width, rect.height)


def _box(node: Node, rect: Rect) -> list[Element]:
    """The shapes of a box, grouped; the last of them is the one that text and arrows are bound to."""
    mark = identifier(node.name)
    category = CATEGORIES[Category.USER if node.is_actor else KINDS[node.kind].category]
    look = {"strokeColor": LIGHT[category], "backgroundColor": LIGHT[f"{category}-fill"]}
    body = _shape("ellipse" if node.drawing is Outline.CLOUD else "rectangle", mark, rect) | look
    if node.drawing in (Outline.BOX, Outline.PERSON):
        body["roundness"] = dict(ROUND)
    if node.drawing is Outline.OUTSIDE:
        body["strokeStyle"] = "dashed"
    parts = [body]
    for number, extra in enumerate(_behind(node.drawing, rect)):
        parts.insert(0, _drawn(identifier(f"{node.name}\0{number}", "part"), extra) | look)
    if len(parts) > 1:
        for part in parts:
            part["groupIds"] = [identifier(node.name, "parts")]
    return parts


def _behind(drawing: Outline, rect: Rect) -> list[tuple[Point, ...]]:
    """Lines around a box that tell its kind: the lid of a cylinder, the mouth of a pipe, the tips of a diamond, a
    second box behind the first.
    """
    x, y, right, bottom = rect.x, rect.y, rect.right, rect.bottom
    middle_y = rect.middle[1]
    match drawing:
        case Outline.CYLINDER:
            return [((x, y), (x + rect.width * 0.2, y - 5), (right - rect.width * 0.2, y - 5), (right, y))]
        case Outline.PIPE:
            return [((right, y), (right + 5, y + 6), (right + 5, bottom - 6), (right, bottom))]
        case Outline.DIAMOND:
            return [
                ((x, y), (x - 6, middle_y), (x, bottom)),
                ((right, y), (right + 6, middle_y), (right, bottom)),
            ]
        case Outline.BUCKET:
            return [((x, y), (x - 5, y - 4), (right + 5, y - 4), (right, y))]
        case Outline.STACK:
            return [
                ((x + 5, y), (x + 5, y - 5), (right + 5, y - 5), (right + 5, bottom - 5), (right, bottom - 5))
            ]
        case _:
            return []


def _drawn(mark: str, points: tuple[Point, ...]) -> Element:
    """A line through points."""
    return _path("line", mark, points) | {"startArrowhead": None, "endArrowhead": None}


def _path(kind: str, mark: str, points: tuple[Point, ...]) -> Element:
    """An element that runs through points: they are written relative to the first."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    element = _element(kind, mark, *points[0], max(xs) - min(xs), max(ys) - min(ys))
    relative = [[round(x - xs[0], 2), round(y - ys[0], 2)] for x, y in points]
    return element | {
        "points": relative,
        "lastCommittedPoint": None,
        "startBinding": None,
        "endBinding": None,
    }


def _arrow(mark: str, label: str, waits: bool, route: Route, ends: tuple[str, str]) -> list[Element]:
    arrow = _path("arrow", mark, route.points)
    arrow |= {
        "startBinding": {"elementId": ends[0], "focus": 0, "gap": 1},
        "endBinding": {"elementId": ends[1], "focus": 0, "gap": 1},
        "startArrowhead": None,
        "endArrowhead": "triangle" if waits else "arrow",
        "elbowed": False,
        "strokeColor": LIGHT["line"],
        "strokeStyle": "solid" if waits else "dashed",
    }
    if not label:
        return [arrow]
    at = route.label if route.label is not None else Rect(*route.points[0], 0.0, 0.0)
    text = _text(identifier(mark, "label"), label, (at.x, at.y), LABEL_SIZE, inside=mark)
    arrow["boundElements"].append({"id": text["id"], "type": "text"})
    return [arrow, text]


def _label(node: Node, box: Element) -> Element:
    """The text of a box, bound to it."""
    text = shown_name(node) if node.is_actor else f"{shown_name(node)}\n{one_line(node.caption)}"
    mark = identifier(node.name, "text")
    label = _text(mark, text, (box["x"], box["y"]), SIZE, inside=box["id"])
    label["x"] = round(box["x"] + (box["width"] - label["width"]) / 2, 2)
    label["y"] = round(box["y"] + (box["height"] - label["height"]) / 2, 2)
    box["boundElements"].append({"id": mark, "type": "text"})
    return label


def _text(
    mark: str, text: str, at: Point, size: float, *, align: str = "center", inside: str | None = None
) -> Element:
    rows = text.split("\n")
    wide = SLACK * max(width(row, size) for row in rows)
    element = _element("text", mark, *at, wide, LINE_HEIGHT * size * len(rows))
    return element | {
        "fontSize": size,
        "fontFamily": FONT,
        "text": text,
        "originalText": text,
        "textAlign": align,
        "verticalAlign": "top" if inside is None else "middle",
        "containerId": inside,
        "lineHeight": LINE_HEIGHT,
        "autoResize": True,
    }
