"""How is a picture written down? Numbers and texts of SVG, and a sheet that knows what it holds and where.

All texts of a design are escaped; signs that XML does not know are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape

from toscale.architecture.geometry import Rect
from toscale.architecture.metrics import width
from toscale.architecture.palette import Theme, style

__all__ = ["Sheet", "escaped", "number", "words"]

SLACK = 1.06
"""Fonts that are a little wider than Arial fit too."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def number(value: float) -> str:
    """A coordinate, to a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def escaped(text: str) -> str:
    """A text of the design, so that it is only a text; signs that XML does not know are left out."""
    return escape(_NOT_XML.sub("", text), quote=True)


def words(text: str, x: float, y: float, size: float, kind: str, anchor: str = "") -> str:
    """A text at its base line. `kind`: the classes that it has, without their `ts-`."""
    anchored = f' text-anchor="{anchor}"' if anchor else ""
    classes = " ".join(f"ts-{one}" for one in kind.split())
    named = f' class="{classes}"' if kind else ""
    return f'<text{named} x="{number(x)}" y="{number(y)}" font-size="{number(size)}"{anchored}>{escaped(text)}</text>'


@dataclass(slots=True)
class Sheet:
    """A picture in the making: its parts in the order in which they are drawn, the rectangles of its texts, and
    how far it reaches.
    """

    parts: list[str] = field(default_factory=list)
    texts: list[tuple[str, Rect]] = field(default_factory=list)
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    def draw(self, part: str) -> None:
        """Something without a text; what it covers is said by `reach`."""
        self.parts.append(part)

    def reach(self, x: float, y: float) -> None:
        """The picture holds this point."""
        self.left, self.right = min(self.left, x), max(self.right, x)
        self.top, self.bottom = min(self.top, y), max(self.bottom, y)

    def write(self, text: str, x: float, y: float, size: float, kind: str = "", anchor: str = "") -> Rect:
        """A text at its base line; gives the rectangle that it covers."""
        wide = SLACK * width(text, size, bold="name" in kind.split())
        left = x - wide if anchor == "end" else x - wide / 2 if anchor == "middle" else x
        rect = Rect(left, y - 0.76 * size, wide, 0.98 * size)
        self.parts.append(words(text, x, y, size, kind, anchor))
        self.texts.append((text, rect))
        self.reach(rect.x, rect.y)
        self.reach(rect.right, rect.bottom)
        return rect

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str, wide: float = 1.2) -> None:
        """A straight line."""
        self.parts.append(
            f'<path class="ts-line{"".join(f" ts-{one}" for one in kind.split())}" stroke-width="{number(wide)}" '
            f'd="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"/>'
        )
        self.reach(x1, y1)
        self.reach(x2, y2)

    def box(self, rect: Rect, kind: str, radius: float = 0.0, title: str = "") -> None:
        """A rectangle."""
        shape = (
            f'class="{" ".join(f"ts-{one}" for one in kind.split())}" x="{number(rect.x)}" y="{number(rect.y)}" '
            f'width="{number(rect.width)}" height="{number(rect.height)}"'
            + (f' rx="{number(radius)}"' if radius else "")
        )
        self.parts.append(
            f"<rect {shape}><title>{escaped(title)}</title></rect>" if title else f"<rect {shape}/>"
        )
        self.reach(rect.x, rect.y)
        self.reach(rect.right, rect.bottom)

    def svg(self, title: str, described: str, theme: Theme, rules: str, border: float = 16.0) -> str:
        """The whole picture, with the border around what it holds."""
        left, top = self.left - border, self.top - border
        wide, high = self.right + border - left, self.bottom + border - top
        frame = f'x="{number(left)}" y="{number(top)}" width="{number(wide)}" height="{number(high)}"'
        head = (
            '<svg xmlns="http://www.w3.org/2000/svg" class="toscale" role="img" '
            f'aria-label="{escaped(title)}" width="{number(wide)}" height="{number(high)}" '
            f'viewBox="{number(left)} {number(top)} {number(wide)} {number(high)}">'
        )
        lines = [
            head,
            f"<title>{escaped(title)}</title>",
            f"<desc>{escaped(described)}</desc>",
            f"<style>{style(theme, rules)}</style>",
            f'<rect class="ts-paper" {frame}/>',
            *self.parts,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"
