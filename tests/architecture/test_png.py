"""A picture in pixels: of the size asked for, with texts in it, the same every time."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from toscale.architecture import draw
from toscale.architecture.png import png
from toscale.design.model import Design

EXAMPLE = Path(__file__).parents[2] / "examples" / "rate_limiter.design.yaml"


def size(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    wide, high = struct.unpack(">II", data[16:24])
    return wide, high


def test_it_is_as_large_as_asked_for() -> None:
    drawing = draw(Design.load(EXAMPLE))
    for scale in (1.0, 2.0):
        wide, high = size(drawing.png("light", scale))
        assert abs(wide - scale * drawing.size[0]) <= 1
        assert abs(high - scale * drawing.size[1]) <= 1


def test_texts_are_drawn_without_a_font_of_the_system() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><text x="2" y="15" font-family="{}">{}</text></svg>'
    blank = png(svg.format("Roboto", ""), 1.0)
    for text in ("Hg", "Привет", "λμ"):
        assert png(svg.format("Roboto", text), 1.0) != blank
        # The family that ends the list of the drawing's fonts is the same font.
        assert png(svg.format("sans-serif", text), 1.0) == png(svg.format("Roboto", text), 1.0)


def test_the_themes_differ_and_each_is_the_same_every_time() -> None:
    drawing = draw(Design.load(EXAMPLE))
    light, dark = drawing.png("light", 1.0), drawing.png("dark", 1.0)
    assert light != dark
    assert drawing.png("auto", 1.0) == light == drawing.png("light", 1.0)


def test_it_can_be_decoded() -> None:
    data = draw(Design.load(EXAMPLE)).png("dark", 1.0)
    wide, high = size(data)
    at, pixels = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            pixels += data[at + 8 : at + 8 + length]
        at += 12 + length
    assert len(zlib.decompress(pixels)) == high * (1 + 4 * wide)
