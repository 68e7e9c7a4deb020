"""How is a design laid out? In columns from those who call to those who are called, after Sugiyama, Tagawa and
Toda (1981); around positions that are given, by `around`.

`lay_out` gives every box, frame, line and label its place; without given positions, nothing overlaps by
construction. The same sketch has the same layout, and the order of the file decides where nothing else does, so
that a box that is added moves the others little.
"""

from __future__ import annotations

from toscale.architecture.around import laid_around
from toscale.architecture.chains import chained
from toscale.architecture.columns import drawn
from toscale.architecture.coordinates import placed
from toscale.architecture.crossings import ordered
from toscale.architecture.geometry import Layout, Room, Sketch
from toscale.architecture.layers import layers, turned
from toscale.architecture.ports import ported, straightened

__all__ = ["lay_out"]


def lay_out(sketch: Sketch, room: Room) -> Layout:
    """The layout of a sketch."""
    number = {box.name: place for place, box in enumerate(sketch.boxes)}
    lines = [(number[line.source], number[line.target]) for line in sketch.lines]
    first = [place for place, box in enumerate(sketch.boxes) if box.first]
    back = turned(len(sketch.boxes), lines, first)
    onwards = [
        (target, source) if place in back else (source, target)
        for place, (source, target) in enumerate(lines)
    ]
    order = ordered(chained(sketch.boxes, lines, layers(len(sketch.boxes), onwards, first)))
    ports = ported(order, sketch.boxes, room)
    heights = placed(order, ports, room)
    automatic = drawn(sketch, order, straightened(order, ports, heights.tops, room), heights, room)
    return laid_around(sketch, automatic, room) if sketch.placed else automatic
