"""How are figures drawn? As small SVG pictures that stand in a page, take its colours and need no script.

Every plot has a title and a description for those who do not see it, and its lines differ by dash as well as
by colour. `RULES` is the style of their classes, its colours by name (`@one`): a page fills them with variables,
`alone` with the colours of white paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from toscale.document.colours import LIGHT

__all__ = ["RULES", "Axis", "Line", "Mark", "alone", "bars", "filled", "lines", "linear", "logarithmic"]

WIDTH, HEIGHT = 560, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 38
ROW = 24
"""Height of one bar with its room."""
LETTER = 6.4
"""Width of a letter of the labels, on average; an estimate is enough, as they are cut before they overlap."""

LEGEND = 20
"""Height of the line that says which line is which."""

FONT = 'Roboto, "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif'
RULES = (
    f".plot text{{font:11.5px {FONT};fill:@quiet}}"
    ".plot .grid{stroke:@rule}.plot .axis{stroke:@quiet}"
    ".plot .line{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".plot .line.one{stroke:@one}.plot .line.two{stroke:@two;stroke-dasharray:6 4}"
    ".plot line.target{stroke:@target;stroke-width:1.5;stroke-dasharray:2 3}"
    ".plot circle.target{fill:none;stroke:@target;stroke-width:2}"
    ".plot .track{fill:@rule}.plot .bar.one{fill:@one}.plot .bar.two{fill:@bar-two}.plot .bar.high{fill:@high}"
)
"""The style of the classes, the names of colours after an @."""

Write = Callable[[float], str]
Points = Sequence[tuple[float, float | None]]

_SIZE = re.compile(r'^<svg class="plot" viewBox="0 0 (\d+) (\d+)"')


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from `low` to `high` with its ticks; `write` says a value in words."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    write: Write
    is_log: bool = False

    def part(self, value: float) -> float:
        """Where a value is, from 0 at the low end to 1 at the high one; beyond the ends it is at them."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return (at - low) / (high - low) if high > low else 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; a gap where a value is None. `kind`: `one` or `two`. `steps`: it rises in steps."""

    name: str
    points: Points
    kind: str = "one"


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the plot at `x`, with a word on it: a target, say. `y`: where it is crossed, if it matters."""

    name: str
    x: float
    y: float | None = None


def linear(label: str, values: Sequence[float], write: Write, low: float | None = None) -> Axis:
    """A linear axis over the values, its ticks at round numbers."""
    least = min(values, default=0.0) if low is None else low
    most = max(values, default=1.0)
    if most <= least:
        most = least + (abs(least) or 1.0)
    step = _round_step((most - least) / 4)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    ticks = tuple(k * step for k in range(first, last + 1))
    return Axis(label, ticks[0] if low is None else least, ticks[-1], ticks, write)


def _round_step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * m for m in (1, 2, 2.5, 5, 10) if rough <= size * m * (1 + 1e-9))


def logarithmic(label: str, values: Sequence[float], write: Write) -> Axis:
    """A logarithmic axis over positive values: ticks at powers of ten, at 1, 2 and 5 of them, or at powers
    apart.
    """
    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive), max(positive)
    if high < low * 4:
        low, high = low / 2, high * 2
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**k for k in decades for m in steps if low <= m * 10.0**k <= high]
        if len(ticks) <= 9:
            break
    else:
        ticks = ticks[:: math.ceil(len(ticks) / 8)]
    return Axis(label, low, high, tuple(ticks), write, is_log=True)


# ---- the plots


def lines(
    title: str, description: str, x: Axis, y: Axis, drawn: Sequence[Line], marks: Sequence[Mark] = ()
) -> str:
    """Lines over two axes."""
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = []
    for tick in y.ticks:
        at = TOP + down * (1 - y.part(tick))
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(_label(LEFT - 6, at + 4, y.write(tick), "end"))
    for tick in _apart(x, across):
        at = LEFT + across * x.part(tick)
        parts.append(
            f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP + down}" y2="{TOP + down + 4}"/>'
        )
        parts.append(_label(at, TOP + down + 16, x.write(tick), "middle"))
    parts.append(
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{TOP + down}" y2="{TOP + down}"/>'
        + _label(LEFT + across / 2, HEIGHT - 4, x.label, "middle")
    )
    for line in drawn:
        path = _path(line.points, x, y, across, down)
        if path:
            parts.append(f'<path class="line {line.kind}" d="{path}"/>')
    for mark in marks:
        parts.append(_marked(mark, x, y, across, down))
    legend = _legend(drawn)
    return _svg(title, description, WIDTH, HEIGHT + (LEGEND if legend else 0), parts + legend)


def _apart(x: Axis, across: float) -> list[float]:
    """The ticks whose labels have room beside each other, and within the picture."""
    kept: list[float] = []
    free = -math.inf
    for tick in x.ticks:
        at, half = across * x.part(tick), LETTER * len(x.write(tick)) / 2
        if at - half > free and at + half < across + RIGHT:
            kept.append(tick)
            free = at + half + 8
    return kept


def _path(points: Points, x: Axis, y: Axis, across: float, down: float) -> str:
    said = []
    pen = "M"
    for here, value in points:
        if value is None:
            pen = "M"
            continue
        said.append(f"{pen}{LEFT + across * x.part(here):.1f} {TOP + down * (1 - y.part(value)):.1f}")
        pen = "L"
    return "".join(said)


def _marked(mark: Mark, x: Axis, y: Axis, across: float, down: float) -> str:
    at = LEFT + across * x.part(mark.x)
    is_late = x.part(mark.x) > 0.6
    said = f'<line class="target" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{TOP + down}"/>'
    if mark.y is not None:
        said += f'<circle class="target" cx="{at:.1f}" cy="{TOP + down * (1 - y.part(mark.y)):.1f}" r="4"/>'
    word_at = at - 6 if is_late else at + 6
    return said + _label(word_at, TOP + down - 8, mark.name, "end" if is_late else "start")


def bars(
    title: str, description: str, rows: Sequence[tuple[str, float, str, str]], high: float = math.inf
) -> str:
    """Shares as horizontal bars: rows of a name, a share from 0 to 1, its words, and the kind of the bar
    (`one`, `two`).

    A share from `high` on is drawn as such. Two rows that follow each other with the same name are labelled once.
    """
    names = max((len(name) for name, *_ in rows), default=0)
    left = min(180, 14 + LETTER * names)
    words = max((len(text) for _, _, text, _ in rows), default=0)
    across = WIDTH - left - LETTER * words - 16
    parts = []
    top = 4.0
    before = None
    for name, share, text, kind in rows:
        again = name == before
        top += 0 if before is None else (ROW - 8 if again else ROW)
        if not again:
            parts.append(_label(left - 8, top + 11, _cut(name, 26), "end"))
        length = across * min(1.0, max(0.0, share))
        style = "high" if share >= high else kind
        parts.append(
            f'<rect class="track" x="{left:.0f}" y="{top:.0f}" width="{across:.0f}" height="13" rx="2"/>'
        )
        parts.append(
            f'<rect class="bar {style}" x="{left:.0f}" y="{top:.0f}" width="{length:.1f}" height="13" rx="2"/>'
        )
        parts.append(_label(left + across + 8, top + 11, text, "start"))
        before = name
    return _svg(title, description, WIDTH, round(top + ROW), parts)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, description: str, width: int, height: int, parts: Sequence[str]) -> str:
    said = f"{title}. {description}"
    return (
        f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(said)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )


def _legend(drawn: Sequence[Line]) -> list[str]:
    """Which line is which, below the plot; nothing where there is one line."""
    if len(drawn) < 2:
        return []
    parts = []
    left, middle = float(LEFT), HEIGHT + LEGEND / 2
    for line in drawn:
        parts.append(
            f'<line class="line {line.kind}" x1="{left:.1f}" x2="{left + 26:.1f}" y1="{middle}" y2="{middle}"/>'
        )
        parts.append(_label(left + 32, middle + 4, line.name, "start"))
        left += 32 + LETTER * len(line.name) + 24
    return parts


# ---- the style


def filled(rules: str, colours: Mapping[str, str]) -> str:
    """The rules with colours in the place of their names; the longest name is looked for first."""
    for name in sorted(colours, key=len, reverse=True):
        rules = rules.replace(f"@{name}", colours[name])
    return rules


def alone(svg: str) -> str:
    """A plot as a picture for a file of its own: with its size, its style, and white paper behind it."""
    found = _SIZE.search(svg)
    if found is None:
        raise ValueError("this is no plot of `lines` or `bars`")
    wide, high = found[1], found[2]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}"{svg[len("<svg") :]}'
    paper = (
        f'<style>{filled(RULES, LIGHT)}</style><rect width="{wide}" height="{high}" fill="{LIGHT["paper"]}"/>'
    )
    at = head.index("</desc>") + len("</desc>")
    return head[:at] + paper + head[at:]
