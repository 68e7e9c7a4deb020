"""How does a traced request become a picture? A waterfall: a bar for each place that it came to, from left to right
in time, with what it did there.

What a request did is told by shape as well as colour: work is a full bar, waiting a hatched one, the wire a thin
one, a pause a dotted line; what is called lies below who calls it. Attempts are numbered, and what nobody waited
for any longer is crossed out from there on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from toscale.architecture.geometry import Rect
from toscale.architecture.metrics import shortened
from toscale.architecture.palette import Theme
from toscale.architecture.pen import Sheet, escaped, number
from toscale.quantity.formatting import format_number, format_quantity
from toscale.quantity.units import TIME
from toscale.simulate.spans import Doing, Part, Span, Trace

__all__ = [
    "RULES",
    "Row",
    "explained",
    "heading",
    "own_words",
    "rows_of",
    "seconds",
    "shown_until",
    "spent_in_words",
    "ticks",
    "waterfall",
    "waterfall_sheet",
]

RULES = (
    ".toscale .ts-grid{stroke:@track}"
    ".toscale .ts-worked{fill:@code}"
    ".toscale .ts-waited{fill:@memory-fill;stroke:@memory}"
    ".toscale .ts-waited-hatch{fill:none;stroke:@memory;stroke-width:1.3}"
    ".toscale .ts-wire{fill:@line}"
    ".toscale .ts-called{fill:@track;fill-opacity:.55}"
    ".toscale .ts-paused{stroke:@busy;stroke-dasharray:1 4;stroke-linecap:round}"
    ".toscale .ts-unheard{opacity:.5}"
    ".toscale .ts-bad{fill:@overloaded}"
    ".toscale .ts-bad-line{stroke:@overloaded}"
)

TEXT, QUIET = 12.0, 11.0
"""Sizes of fonts."""
ROW, BAR, WIRE = 23.0, 12.0, 4.0
"""The height of a row, of a bar, and of a bar that is the wire."""
WIDE = 560.0
"""The width of the whole time."""
NAMES = 250.0
"""No name is wider, with what was asked for behind it."""
STEP = 13.0
"""How far what is called stands to the right of who calls it."""
BEYOND = 1.2
"""What goes on after the answer is shown for so much of the latency."""
ALIKE = 4
"""More of the same, called side by side, are not all shown: the slowest of them, and how many others there were."""

WORDS = {
    Doing.WIRE: "on the wire",
    Doing.WAITED: "waited",
    Doing.WORKED: "worked",
    Doing.PAUSED: "paused before trying again",
    Doing.CALLED: "waited for what it called",
}
"""What a request does, in words."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the waterfall: a span, or so many `others` of the same that are not shown."""

    depth: int
    span: Span
    name: str
    asked: str
    others: int = 0


def seconds(value: float) -> str:
    """A time as it is written: `44.9 ms`."""
    return format_quantity(value, TIME)


def heading(trace: Trace) -> str:
    """Which request it is, and how long it took."""
    return f"{_WHICH.get(trace.why, trace.why)}: {seconds(trace.latency)}"


_WHICH = {
    "typical": "A typical request",
    "slow": "A slow request",
    "failed": "A request that failed",
    "troubled": "A request on which something went wrong",
}


def explained(trace: Trace) -> str:
    """How the request stands among the others, and how it ended."""
    said = []
    if trace.slower_than is not None:
        said.append(
            f"slower than {100 * trace.slower_than:.3g}% of {format_number(float(trace.among))} requests"
        )
    if trace.outcome not in ("done", "answered"):
        said.append(f"ended {trace.outcome}" if trace.outcome != "failed" else "ended as failed")
    return "; ".join(said)


def rows_of(trace: Trace) -> tuple[Row, ...]:
    """The lines of a trace, each with its name; spans that belong to no place are left out, and so are all but
    the slowest of many that are alike.
    """
    return (Row(0, trace.root, trace.flow, ""), *_rows(trace.root, 1))


def _rows(span: Span, depth: int) -> Iterator[Row]:
    for group in _groups(span.children):
        if len(group) <= ALIKE:
            for child in group:
                yield from _row(child, depth)
            continue
        shown = sorted(sorted(group, key=lambda one: one.end - one.begin)[-2:], key=lambda one: one.begin)
        for child in shown:
            yield from _row(child, depth)
        rest = [child for child in group if child not in shown]
        yield Row(depth, rest[-1], f"{len(rest)} more alike", "", len(rest))


def _row(span: Span, depth: int) -> Iterator[Row]:
    if span.component is None and span.attempt == 1 and span.awaited:
        yield from _rows(span, depth)
        return
    name = span.component or "attempt"
    if span.machine is not None:
        name += f" {span.machine}"
    asked = [asked_for(span)]
    if span.attempt > 1:
        asked.append(f"attempt {span.attempt}")
    if span.found is not None:
        asked.append("hit" if span.found else "miss")
    yield Row(depth, span, name, ", ".join(part for part in asked if part))
    yield from _rows(span, depth + 1)


def _groups(spans: tuple[Span, ...]) -> Iterator[list[Span]]:
    """Spans that follow each other at one component, by one step."""
    group: list[Span] = []
    for span in spans:
        if group and (group[0].component, group[0].path) != (span.component, span.path):
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def asked_for(span: Span) -> str:
    """What was asked for there: the end of the step's path behind its colon."""
    last = span.path.rsplit("/", 1)[-1]
    if " @ " in last or ": " not in last:
        return ""
    return last.split(": ", 1)[1]


def spent_in_words(trace: Trace) -> list[tuple[Doing, float]]:
    """How much of the latency the request spent with what, the most first."""
    found: dict[Doing, float] = {}
    for leg in trace.legs:
        found[leg.doing] = found.get(leg.doing, 0.0) + leg.end - leg.begin
    return sorted(found.items(), key=lambda one: -one[1])


def ticks(end: float, most: int = 7) -> tuple[float, ...]:
    """Round times from 0 on, at most so many that are not beyond the end."""
    if end <= 0:
        return (0.0,)
    power = 10.0 ** math.floor(math.log10(end / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if end / (power * factor) <= most)
    return tuple(k * step for k in range(int(end / step + 1e-9) + 1))


def shown_until(trace: Trace) -> float:
    """The end of the axis: that of the request, and a part of what goes on after it."""
    last = max(span.end for _, span in trace.root.walk())
    return min(last, BEYOND * trace.latency) if trace.latency > 0 else max(last, 1e-9)


# ---- the picture


def waterfall(trace: Trace, theme: Theme = "auto") -> str:
    """The waterfall as SVG."""
    sheet = waterfall_sheet(trace)
    said = ". ".join(
        f"{row.name}{f' ({row.asked})' if row.asked else ''}: from {seconds(row.span.begin)} "
        f"to {seconds(row.span.end)}, {row.span.outcome}"
        for row in rows_of(trace)
    )
    return sheet.svg(f"{trace.flow}: {heading(trace)}", said, theme, RULES)


def waterfall_sheet(trace: Trace) -> Sheet:
    """The waterfall, drawn, with the rectangles of its texts."""
    sheet = Sheet()
    rows = rows_of(trace)
    end = shown_until(trace)
    left = _names(sheet, rows)
    bottom = (len(rows)) * ROW
    _axis(sheet, end, left, bottom)
    names = sheet.parts
    sheet.parts = []
    for place, row in enumerate(rows):
        _bars(sheet, row, place * ROW, left, end)
    sheet.parts = names + sheet.parts
    for place, row in enumerate(rows):
        _numbers(sheet, row, place * ROW + ROW / 2 + 4, left + WIDE + 14)
    _legend(sheet, trace, bottom + 34, left)
    return sheet


def _names(sheet: Sheet, rows: tuple[Row, ...]) -> float:
    """The names of the rows; gives where the bars begin."""
    right = 0.0
    for place, row in enumerate(rows):
        y = place * ROW + ROW / 2 + 4
        x = row.depth * STEP
        if row.others:
            right = max(right, sheet.write(row.name, x, y, QUIET, "quiet").right)
            continue
        name = shortened(row.name, NAMES * 0.7, TEXT, bold=True)
        at = sheet.write(name, x, y, TEXT, "name").right
        if row.asked:
            asked = shortened(row.asked, NAMES * 0.8, QUIET)
            at = sheet.write(asked, at + 6, y, QUIET, "quiet").right
        right = max(right, at)
    return right + 16


def _axis(sheet: Sheet, end: float, left: float, bottom: float) -> None:
    marks = ticks(end)
    for mark in marks:
        x = left + WIDE * mark / end
        sheet.line(x, -4, x, bottom + 4, "grid", 1.0)
        sheet.write(seconds(mark) if mark else "0", x, -9, QUIET, "quiet", "middle")
    sheet.line(left, bottom + 4, left + WIDE, bottom + 4, "grid", 1.0)


def _bars(sheet: Sheet, row: Row, top: float, left: float, end: float) -> None:
    """The parts of a span."""
    span = row.span

    def at(time: float) -> float:
        return left + WIDE * min(time, end) / end

    title = f"{row.name}: {seconds(span.end - span.begin)}, {span.outcome}"
    sheet.draw(f'<g class="ts-span"><title>{escaped(title)}</title>')
    if row.others:
        y = top + ROW / 2
        sheet.line(at(span.begin), y, max(at(span.end), at(span.begin) + 1), y, "paused", 2.0)
        sheet.draw("</g>")
        return
    for part in span.parts:
        heard = span.left is None or part.begin < span.left
        if not heard or span.left is None or part.end <= span.left:
            _part(sheet, part, at(part.begin), at(part.end), top, heard)
        else:
            middle = at(span.left)
            _part(sheet, part, at(part.begin), middle, top, True)
            _part(sheet, part, middle, at(part.end), top, False)
    if span.left is not None and span.left <= end:
        x, y = at(span.left), top + ROW / 2
        for slant in (-1, 1):
            sheet.line(x - 5, y - 5 * slant, x + 5, y + 5 * slant, "bad-line", 2.0)
    sheet.draw("</g>")


def _part(sheet: Sheet, part: Part, left: float, right: float, top: float, heard: bool) -> None:
    if right <= left:
        return
    unheard = "" if heard else " unheard"
    middle = top + ROW / 2
    wide = max(right - left, 0.8)
    match part.doing:
        case Doing.WORKED:
            sheet.box(Rect(left, middle - BAR / 2, wide, BAR), f"worked{unheard}")
        case Doing.WAITED:
            sheet.box(Rect(left, middle - BAR / 2, wide, BAR), f"waited{unheard}")
            lines = "".join(
                f"M{number(left + 5 * k + 1)} {number(middle + BAR / 2)}l4 {number(-BAR)}"
                for k in range(int((wide - 1) // 5))
            )
            if lines:
                sheet.draw(f'<path class="ts-waited-hatch{" ts-unheard" if unheard else ""}" d="{lines}"/>')
        case Doing.WIRE:
            sheet.box(Rect(left, middle - WIRE / 2, wide, WIRE), f"wire{unheard}")
        case Doing.PAUSED:
            sheet.line(left + 1, middle, right - 1, middle, f"paused{unheard}", 3.0)
        case Doing.CALLED:
            sheet.box(Rect(left, middle - BAR / 2, wide, BAR), f"called{unheard}")


def _numbers(sheet: Sheet, row: Row, y: float, x: float) -> None:
    """How long it took, and what it did in that time."""
    span = row.span
    if row.others:
        return
    wrong = span.outcome not in ("done", "answered")
    at = sheet.write(seconds(span.end - span.begin), x, y, QUIET, "bad name" if wrong else "name").right
    said = own_words(row)
    if said:
        sheet.write(said, max(at + 8, x + 62), y, QUIET, "quiet")


def own_words(row: Row) -> str:
    """What a span did itself, the longest first, and how it ended where that was not well."""
    span = row.span
    own = [(span.spent(doing), doing) for doing in Doing if doing is not Doing.CALLED]
    said = [
        f"{_SHORT[doing]} {seconds(time)}" for time, doing in sorted(own, key=lambda one: -one[0]) if time > 0
    ]
    if span.left is not None:
        said.insert(0, f"given up at {seconds(span.left)}")
    elif span.outcome not in ("done", "answered"):
        said.insert(0, span.outcome)
    return " · ".join(said[:3])


_SHORT = {Doing.WIRE: "wire", Doing.WAITED: "waited", Doing.WORKED: "worked", Doing.PAUSED: "paused"}


def _legend(sheet: Sheet, trace: Trace, y: float, left: float) -> None:
    """What the answer waited for, added up, beside what each bar means."""
    x = 0.0
    sheet.write("The answer waited for:", x, y, QUIET, "quiet")
    y += 19
    for doing, time in spent_in_words(trace):
        share = f"{WORDS[doing]} {seconds(time)} ({_percent(time, trace.latency)})"
        _part(sheet, Part(doing, 0, 1), x, x + 26, y - ROW / 2 - 4, True)
        right = sheet.write(share, x + 32, y, QUIET).right
        x = right + 20
        if x > left + WIDE:
            x, y = 0.0, y + 19


def _percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole > 0 else 0.0
    return f"{share:.0f}%" if share >= 1 else "<1%"
