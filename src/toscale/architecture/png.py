"""How does a picture become PNG? By resvg, a renderer of SVG in a Python wheel, and Roboto, a font in another: no
system library, no browser, and no font of the system for Latin, Greek and Cyrillic letters.
"""

from __future__ import annotations

from functools import cache

__all__ = ["png"]


def png(svg: str, scale: float) -> bytes:
    """The picture as PNG, `scale` pixels for each of the SVG, which must name its colours (no variables)."""
    import resvg_py

    return bytes(
        resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, font_files=_fonts(), sans_serif_family="Roboto")
    )


@cache
def _fonts() -> list[str]:
    import font_roboto as fonts

    return [fonts.Roboto, fonts.RobotoBold]
