"""How large are the boxes of a picture, and what stands in them? The graph with its figures as a sketch, in pixels.

A box holds a sign, a name, a caption and, where anything is known of its load, a bar with a figure. Its texts are
shortened before it gets too wide; the whole of them is in its title.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toscale.architecture.geometry import Box, Frame, Line, Point, Room, Sketch
from toscale.architecture.graph import Edge, Graph, Node
from toscale.architecture.load import Figures, Load
from toscale.architecture.metrics import shortened, width
from toscale.architecture.outlines import OUTLINES

__all__ = [
    "BAR",
    "CAPTION",
    "GAP",
    "LABEL",
    "NAME",
    "ROOM",
    "SIGN",
    "Card",
    "edge_label",
    "card_of",
    "sketch_of",
]

NAME, CAPTION, LABEL, FRAME_LABEL = 13.5, 11.0, 11.0, 11.0
"""Sizes of fonts."""
SIGN, GAP = 16.0, 8.0
"""The sign, and what is free beside it."""
BAR = 44.0
"""The width of the bar of a load."""
MOST = 190.0
"""No text is wider."""
SLACK = 1.06
"""Fonts that are a little wider than Arial fit too."""
ROWS = {"name": 17.0, "caption": 15.0, "load": 16.0}
"""The heights of the lines of a box."""
MARGIN = 8.0
"""What is free above and below the texts."""

ROOM = Room(
    between_boxes=26,
    between_lines=18,
    beside_line=18,
    between_tracks=11,
    beside_box=18,
    around_label=24,
    frame=16,
    frame_label=14,
    corner=17,
)
"""The distances of a picture, in pixels."""


@dataclass(frozen=True, slots=True)
class Card:
    """The texts of a box as they fit, and the size that they need."""

    name: str
    caption: str
    load: Load | None
    width: float
    height: float


def card_of(node: Node, load: Load | None) -> Card:
    """What stands in the box of a node."""
    outline = OUTLINES[node.drawing]
    name = shortened(node.name, MOST, NAME, bold=True)
    caption = "" if node.is_actor else shortened(node.caption, MOST, CAPTION)
    shown = load if load is not None and load.text else None
    widths = [width(name, NAME, bold=True), width(caption, CAPTION)]
    height = ROWS["name"] + (ROWS["caption"] if caption else 0.0)
    if shown is not None:
        widths.append((BAR + 7 if shown.used is not None else 0.0) + width(shown.text, CAPTION))
        height += ROWS["load"]
    return Card(
        name,
        caption,
        shown,
        2 * outline.sides + SIGN + GAP + SLACK * max(widths),
        height + 2 * MARGIN + outline.top + outline.bottom,
    )


def edge_label(edge: Edge, figures: Figures) -> str:
    """What stands on an edge: its rate, or how much is held; empty where nothing is known."""
    if edge.held:
        return edge.held
    rate = figures.rates.get((edge.source, edge.target))
    return "" if rate is None else rate.text


def sketch_of(
    graph: Graph, figures: Figures, cards: Mapping[str, Card], placed: Mapping[str, Point]
) -> Sketch:
    """The graph as boxes and lines with their sizes. `placed`: upper left corners that are given."""
    boxes = tuple(
        Box(name, cards[name].width, cards[name].height, node.groups, node.is_actor)
        for name, node in graph.nodes.items()
    )
    lines = []
    for edge in graph.edges:
        label = edge_label(edge, figures)
        lines.append(
            Line(edge.source, edge.target, SLACK * width(label, LABEL) + 6, LABEL + 3)
            if label
            else Line(edge.source, edge.target)
        )
    frames = {key: Frame(key, SLACK * width(group.label, FRAME_LABEL)) for key, group in graph.groups.items()}
    return Sketch(
        boxes, tuple(lines), frames, {name: at for name, at in placed.items() if name in graph.nodes}
    )
