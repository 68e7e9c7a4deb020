"""How wide is a text? By the widths of Arial's letters, which Helvetica, Liberation Sans and Arimo share.

The usual fonts of browsers are as wide or narrower (Roboto, Source Sans), so that a text that is measured here
fits there too; boxes keep some room for wider ones. Widths are thousandths of the size of the font.
"""

from __future__ import annotations

import unicodedata

__all__ = ["shortened", "width"]

# The characters from the space to the tilde; from the metrics of Liberation Sans, which are those of Arial.
_REGULAR = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 "
    "278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 "
    "667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 "
    "556 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
_BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 333 "
    "333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 667 778 722 667 611 722 "
    "667 944 667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 "
    "611 389 556 333 611 556 778 556 556 500 389 280 389 584"
)
_WIDTHS = {
    is_bold: {chr(32 + place): int(value) for place, value in enumerate(table.split())}
    for is_bold, table in ((False, _REGULAR), (True, _BOLD))
}
_SIGNS = {"×": 584, "·": 278, "–": 556, "…": 1000, "≥": 584, "≤": 584, "µ": 576, "±": 584}
_OTHER = 720
"""Letters of other alphabets: Cyrillic in bold is the widest of the usual ones, on average 692."""
_WIDE = 1000
"""Characters of East Asian scripts, and pictures, fill a square."""


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a text in a font of a size, both in the same unit."""
    table = _WIDTHS[bold]
    return size / 1000 * sum(table.get(sign) or _SIGNS.get(sign) or _unusual(sign) for sign in text)


def _unusual(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Cc", "Cf"):
        return 0
    return _WIDE if unicodedata.east_asian_width(sign) in "WF" or ord(sign) > 0xFFFF else _OTHER


def shortened(text: str, most: float, size: float, *, bold: bool = False) -> str:
    """The text, or as much of its beginning as fits with an ellipsis behind it."""
    if width(text, size, bold=bold) <= most:
        return text
    room = most - width("…", size, bold=bold)
    kept = ""
    for sign in text:
        room -= width(sign, size, bold=bold)
        if room < 0:
            break
        kept += sign
    return kept.rstrip() + "…"
