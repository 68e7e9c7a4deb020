"""What is the outline of a kind? A path around the rectangle of its box, with some details in it.

Each outline says how far its sides stand back from those of the rectangle at a height, so that lines end at it,
and how much room its texts have. The signs of the kinds, 16 by 16, are in `signs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from toscale.architecture.geometry import Rect
from toscale.kinds import Drawing

__all__ = ["OUTLINES", "Outline"]

_ROUND = 8.0
_CUT = 13.0
_LID = 6.0
_CARD = 4.0
_PIPE = 9.0
_SLANT = 10.0
_BUMP = 8.0
_PILL = 20.0


@dataclass(frozen=True, slots=True)
class Outline:
    """`path` and `details` draw it around a rectangle, `behind` what stands behind it; `inset` is how far the
    side stands back at a height below the top, in a box of a height. `sides`, `top` and `bottom` are the room
    that a text leaves free.
    """

    path: Callable[[Rect], str]
    inset: Callable[[float, float], float] = lambda _down, _height: 0.0
    details: Callable[[Rect], str] = lambda _: ""
    behind: Callable[[Rect], tuple[str, ...]] = lambda _: ()
    sides: float = 10.0
    top: float = 0.0
    bottom: float = 0.0
    beyond: bool = False


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _path(*parts: str | float) -> str:
    return " ".join(part if isinstance(part, str) else _n(part) for part in parts)


def _rounded(rect: Rect, r: float) -> str:
    r = min(r, rect.height / 2, rect.width / 2)
    return _path(
        *("M", rect.x + r, rect.y, "H", rect.right - r, "A", r, r, "0 0 1", rect.right, rect.y + r),
        *("V", rect.bottom - r, "A", r, r, "0 0 1", rect.right - r, rect.bottom),
        *("H", rect.x + r, "A", r, r, "0 0 1", rect.x, rect.bottom - r),
        *("V", rect.y + r, "A", r, r, "0 0 1", rect.x + r, rect.y, "Z"),
    )


def _pill_inset(down: float, height: float) -> float:
    r = min(_PILL, height / 2)
    away = max(r - down, down - (height - r), 0.0)
    return r - math.sqrt(max(0.0, r * r - away * away))


def _hexagon(rect: Rect) -> str:
    middle = rect.middle[1]
    return _path(
        *("M", rect.x + _CUT, rect.y, "H", rect.right - _CUT, "L", rect.right, middle),
        *("L", rect.right - _CUT, rect.bottom, "H", rect.x + _CUT, "L", rect.x, middle, "Z"),
    )


def _cylinder(rect: Rect) -> str:
    half = rect.width / 2
    return _path(
        *("M", rect.x, rect.y + _LID, "A", half, _LID, "0 0 1", rect.right, rect.y + _LID),
        *("V", rect.bottom - _LID, "A", half, _LID, "0 0 1", rect.x, rect.bottom - _LID, "Z"),
    )


def _lid(rect: Rect) -> str:
    half = rect.width / 2
    return _path("M", rect.x, rect.y + _LID, "A", half, _LID, "0 0 0", rect.right, rect.y + _LID)


def _bucket(rect: Rect) -> str:
    half, low = rect.width / 2, rect.width / 2 - _SLANT
    return _path(
        *("M", rect.x, rect.y + _LID, "A", half, _LID, "0 0 1", rect.right, rect.y + _LID),
        *(
            "L",
            rect.right - _SLANT,
            rect.bottom - 4,
            "A",
            low,
            4.0,
            "0 0 1",
            rect.x + _SLANT,
            rect.bottom - 4,
        ),
        "Z",
    )


def _cards(rect: Rect) -> str:
    return _rounded(Rect(rect.x, rect.y + 2 * _CARD, rect.width, rect.height - 2 * _CARD), 5.0)


def _cards_behind(rect: Rect) -> tuple[str, ...]:
    return tuple(
        _rounded(Rect(rect.x + 6 * back, rect.y + _CARD * (2 - back), rect.width - 12 * back, 20.0), 5.0)
        for back in (2, 1)
    )


def _pipe(rect: Rect) -> str:
    half = rect.height / 2
    return _path(
        *("M", rect.x + _PIPE, rect.y, "H", rect.right - _PIPE, "A", _PIPE, half, "0 0 1"),
        *(rect.right - _PIPE, rect.bottom, "H", rect.x + _PIPE, "A", _PIPE, half, "0 0 1"),
        *(rect.x + _PIPE, rect.y, "Z"),
    )


def _pipe_end(rect: Rect) -> str:
    x = rect.right - _PIPE
    return _path("M", x, rect.y, "A", _PIPE, rect.height / 2, "0 0 0", x, rect.bottom)


def _pipe_inset(down: float, height: float) -> float:
    away = (down - height / 2) / (height / 2)
    return _PIPE * (1 - math.sqrt(max(0.0, 1 - away * away)))


def _cloud(rect: Rect) -> str:
    body = Rect(rect.x, rect.y + _BUMP, rect.width, rect.height - _BUMP)
    r = min(_PILL, body.height / 2)
    start, whole = body.x + r, body.width - 2 * r
    parts: list[str | float] = ["M", start, body.y]
    for share, rise in ((0.3, 5.0), (0.42, _BUMP), (0.28, 5.0)):
        start += share * whole
        parts += ["A", share * whole / 2, rise, "0 0 1", start, body.y]
    parts += ["A", r, r, "0 0 1", body.right, body.y + r, "V", body.bottom - r]
    parts += ["A", r, r, "0 0 1", body.right - r, body.bottom, "H", body.x + r]
    parts += ["A", r, r, "0 0 1", body.x, body.bottom - r, "V", body.y + r]
    parts += ["A", r, r, "0 0 1", body.x + r, body.y, "Z"]
    return _path(*parts)


OUTLINES: dict[Drawing, Outline] = {
    Drawing.PERSON: Outline(lambda rect: _rounded(rect, _PILL), _pill_inset, sides=12),
    Drawing.CLOUD: Outline(
        _cloud, lambda down, height: _pill_inset(max(0.0, down - _BUMP), height - _BUMP), sides=14, top=_BUMP
    ),
    Drawing.DIAMOND: Outline(
        _hexagon, lambda down, height: _CUT * abs(down - height / 2) / (height / 2), sides=_CUT + 3
    ),
    Drawing.BOX: Outline(lambda rect: _rounded(rect, _ROUND)),
    Drawing.STACK: Outline(_cards, behind=_cards_behind, top=2 * _CARD),
    Drawing.CYLINDER: Outline(_cylinder, details=_lid, top=2 * _LID - 2, bottom=3),
    Drawing.BUCKET: Outline(
        _bucket,
        lambda down, height: _SLANT * max(0.0, down - _LID) / max(1.0, height - _LID - 4),
        details=_lid,
        sides=_SLANT + 6,
        top=2 * _LID - 2,
        bottom=2,
    ),
    Drawing.PIPE: Outline(_pipe, _pipe_inset, details=_pipe_end, sides=_PIPE + 5),
    Drawing.OUTSIDE: Outline(lambda rect: _rounded(rect, 2.0), beyond=True),
}
"""The outline of every drawing that the catalogue of kinds knows."""
