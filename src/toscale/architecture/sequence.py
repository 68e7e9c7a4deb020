"""How does a conversation become a picture? A life line for each party, arrows from one to the next in the order of
time, frames around what is done at times or again and again.

Texts stand beside the line of whoever speaks, between it and its neighbour, and the lines keep so much distance
that no text meets another or a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from toscale.architecture.conversation import Conversation, Event, Frame, Kind, Message, Note
from toscale.architecture.geometry import Rect
from toscale.architecture.metrics import shortened, width
from toscale.architecture.outlines import OUTLINES, Outline
from toscale.architecture.palette import CATEGORIES, Theme
from toscale.architecture.pen import SLACK, Sheet, escaped, number
from toscale.architecture.signs import SIGNS
from toscale.kinds import KINDS, Category, Drawing

__all__ = ["RULES", "sequence", "sequence_sheet"]

RULES = (
    ".toscale .ts-life{stroke:@frame;stroke-dasharray:3 4}"
    ".toscale .ts-active{fill:@paper;stroke:@line;stroke-width:1.2}"
    ".toscale .ts-answer{stroke-dasharray:6 4}"
    ".toscale .ts-wrong{stroke:@overloaded}"
    ".toscale .ts-wrong-head{fill:@overloaded;stroke:@overloaded;stroke-linejoin:round}"
    ".toscale .ts-bad{fill:@overloaded}"
    ".toscale .ts-case{fill:none;stroke:@frame;stroke-width:1.2}"
    ".toscale .ts-tab{fill:@track}"
    ".toscale .ts-note{fill:@user-fill;stroke:@frame}"
)

NAME, TEXT, QUIET = 13.0, 11.5, 10.5
"""Sizes of fonts."""
HEAD, SIGN, GAP = 34.0, 16.0, 7.0
"""The height of a head, its sign, and what is free beside that."""
MOST = 210.0
"""No text is wider."""
APART = 22.0
"""What is free between two heads."""
BAR = 9.0
"""The width of the bar on the line of whoever is at work."""
INSET = 12.0
"""How far a frame stands out from what is in it."""


def sequence(conversation: Conversation, theme: Theme = "auto") -> str:
    """The conversation as SVG."""
    sheet = sequence_sheet(conversation)
    said = ". ".join(
        f"{one.source} {_VERBS[one.kind]} {one.target}" + (f": {one.text}" if one.text else "")
        for one in conversation.messages()
    )
    return sheet.svg(f"{conversation.flow}: {conversation.way.value}", said, theme, RULES)


_VERBS = {
    Kind.CALL: "calls",
    Kind.ANSWER: "answers",
    Kind.SEND: "sends to",
    Kind.ERROR: "fails towards",
    Kind.LOST: "does not answer",
}


@dataclass(slots=True)
class _Drawn:
    """The state of the drawing: where it has come to, and who is at work since when."""

    sheet: Sheet
    lines: dict[str, float]
    order: list[str]
    y: float = 0.0
    active: dict[str, list[float]] = field(default_factory=dict)
    bars: list[tuple[float, int, float, float]] = field(default_factory=list)
    reached: list[tuple[float, float]] = field(default_factory=list)  # of the frames that are open


def sequence_sheet(conversation: Conversation) -> Sheet:
    """The conversation, drawn, with the rectangles of its texts."""
    order = [name for name, _ in conversation.parties]
    lines = _columns(conversation, order)
    content = _Drawn(Sheet(), lines, order, y=HEAD + 14)
    _events(conversation.events, content)
    for name in order:  # whoever sends on without an answer, or fails
        while content.active.get(name):
            _rest(content, name)
    end = content.y + 12
    sheet = Sheet()
    sheet.left = min(lines.values(), default=0.0)
    for name in order:
        sheet.line(lines[name], HEAD, lines[name], end, "life")
    for x, depth, top, bottom in sorted(content.bars, key=lambda bar: bar[1]):
        sheet.box(Rect(x - BAR / 2 + 4 * depth, top, BAR, bottom - top), "active", 1.5)
    for name, kind in conversation.parties:
        _head(sheet, name, kind, lines[name])
    sheet.parts += content.sheet.parts
    sheet.texts += content.sheet.texts
    sheet.reach(content.sheet.left, 0.0)
    sheet.reach(content.sheet.right, max(content.sheet.bottom, end))
    return sheet


# ---- where the lines are


def _columns(conversation: Conversation, order: list[str]) -> dict[str, float]:
    """The x of each party's line: its neighbours are as far away as what is said between them needs."""
    heads = {name: _head_width(name, kind) for name, kind in conversation.parties}
    apart = [(heads[a] + heads[b]) / 2 + APART for a, b in pairwise(order)]

    def needs(place: int, room: float) -> None:
        if 0 <= place < len(apart):
            apart[place] = max(apart[place], room)

    def measure(events: tuple[Event, ...]) -> None:
        for event in events:
            match event:
                case Message(source, target, _, text, quiet):
                    at, to = order.index(source), order.index(target)
                    wide = max(_wide(text, TEXT), _wide(quiet, QUIET)) + 2 * BAR + 14
                    needs(at - 1 if to < at else at, wide + (20 if at == to else 0))
                case Note():
                    pass
                case Frame(_, sections):
                    for section in sections:
                        measure(section.events)

    measure(conversation.events)
    lines: dict[str, float] = {}
    x = 0.0
    for place, name in enumerate(order):
        lines[name] = x
        if place < len(apart):
            x += apart[place]
    return lines


def _wide(text: str, size: float) -> float:
    return SLACK * width(shortened(text, MOST, size), size) if text else 0.0


def _head_width(name: str, kind: str) -> float:
    text = SLACK * width(shortened(name, MOST / 1.5, NAME, bold=True), NAME, bold=True)
    return 2 * (_outline(kind).sides + 4) + (SIGN + GAP if kind in SIGNS else 0) + text


def _outline(kind: str) -> Outline:
    return OUTLINES[KINDS[kind].drawing if kind in KINDS else Drawing.PERSON]


def _head(sheet: Sheet, name: str, kind: str, x: float) -> None:
    """The head of a life line: the outline, sign and colour of its kind, and its name."""
    category = KINDS[kind].category if kind in KINDS else Category.USER  # an actor, or the clock
    outline = _outline(kind)
    wide = _head_width(name, kind)
    rect = Rect(x - wide / 2, 0.0, wide, HEAD)
    parts = [
        f'<g class="ts-node ts-of-{CATEGORIES[category]}" data-node="{escaped(name)}"><title>{escaped(name)}</title>'
    ]
    parts += [f'<path class="ts-outline" d="{path}"/>' for path in outline.behind(rect)]
    parts.append(f'<path class="ts-outline" d="{outline.path(rect)}"/>')
    if outline.details(rect):
        parts.append(f'<path class="ts-detail" d="{outline.details(rect)}"/>')
    middle = (outline.top + HEAD - outline.bottom) / 2
    sign = SIGNS.get(kind)
    left = x - wide / 2 + outline.sides + 4
    if sign:
        parts.append(
            f'<path class="ts-detail" transform="translate({number(left)} {number(middle - SIGN / 2)})" d="{sign}"/>'
        )
        left += SIGN + GAP
    for part in parts:
        sheet.draw(part)
    shown = shortened(name, MOST / 1.5, NAME, bold=True)
    sheet.write(shown, left if sign else x, middle + 4.5, NAME, "name", "" if sign else "middle")
    sheet.draw("</g>")
    sheet.reach(rect.x, rect.y)
    sheet.reach(rect.right, rect.bottom)


# ---- what is said


def _events(events: tuple[Event, ...], drawn: _Drawn) -> None:
    for event in events:
        match event:
            case Message():
                _message(event, drawn)
            case Note():
                _note(event, drawn)
            case Frame():
                _frame(event, drawn)


def _reach(drawn: _Drawn, left: float, right: float) -> None:
    """What is drawn within the open frames widens them."""
    drawn.reached[:] = [(min(a, left), max(b, right)) for a, b in drawn.reached]


def _work(drawn: _Drawn, name: str) -> None:
    drawn.active.setdefault(name, []).append(drawn.y)


def _rest(drawn: _Drawn, name: str) -> None:
    since = drawn.active.get(name)
    if since:
        top = since.pop()
        drawn.bars.append((drawn.lines[name], len(since), top, drawn.y))


def _message(one: Message, drawn: _Drawn) -> None:
    """An arrow with its texts above it."""
    sheet = drawn.sheet
    x, to = drawn.lines[one.source], drawn.lines[one.target]
    kind = "wrong name" if one.kind in (Kind.ERROR, Kind.LOST) else ""
    text, quiet = shortened(one.text, MOST, TEXT), shortened(one.quiet, MOST, QUIET)
    drawn.y += 6 + (13 if text else 0) + (12 if quiet else 0)
    if one.source == one.target:
        _to_itself(one, drawn, text, quiet)
        return
    right = to > x
    away = BAR / 2 + 5 + (4 * max(0, len(drawn.active.get(one.source, ())) - 1) if right else 0)
    at, anchor = (x + away, "") if right else (x - away, "end")
    y = drawn.y
    below = 0.0
    if quiet:
        sheet.write(quiet, at, y - 5, QUIET, "quiet", anchor)
        below = 12.0
    if text:
        sheet.write(text, at, y - 5 - below, TEXT, "bad name" if kind else "", anchor)
    drawn.y += 4
    y = drawn.y
    if one.kind is Kind.CALL:
        _work(drawn, one.target)
    begin = x + (BAR / 2 if right else -BAR / 2)
    end = to - (BAR / 2 if right else -BAR / 2)
    if one.kind is Kind.SEND:
        end = to
    wrong = " wrong" if kind else ""
    dashed = "answer" if one.kind in (Kind.ANSWER, Kind.ERROR, Kind.LOST) else "call"
    if one.kind is Kind.SEND:
        dashed = "message"
    if one.kind is Kind.LOST:
        stop = end + (begin - end) * 0.45
        sheet.line(begin, y, stop, y, f"{dashed}{wrong}", 1.4)
        for slant in (-1, 1):
            sheet.line(stop - 5, y - 5 * slant, stop + 5, y + 5 * slant, f"solid{wrong}", 1.8)
    else:
        tip = end - 8 if right else end + 8
        sheet.line(begin, y, tip, y, f"{dashed}{wrong}", 1.4)
        head = f"M{number(end)} {number(y)}L{number(tip)} {number(y - 4)}L{number(tip)} {number(y + 4)}Z"
        open_ = " ts-open" if one.kind is not Kind.CALL and not wrong else ""
        sheet.draw(f'<path class="ts-{"wrong-" if wrong else ""}head{open_}" stroke-width="1.2" d="{head}"/>')
    if one.kind in (Kind.ANSWER, Kind.ERROR, Kind.LOST):
        _rest(drawn, one.source)
    _reach(drawn, min(x, to) - BAR, max(x, to) + BAR)
    drawn.y += 8


def _to_itself(one: Message, drawn: _Drawn, text: str, quiet: str) -> None:
    """More work where the request is already."""
    sheet, x = drawn.sheet, drawn.lines[one.source] + BAR / 2
    y = drawn.y
    top = y - 6
    path = f"M{number(x)} {number(top)}H{number(x + 18)}V{number(y + 4)}H{number(x + 8)}"
    sheet.draw(f'<path class="ts-line ts-call" stroke-width="1.4" d="{path}"/>')
    head = f"M{number(x)} {number(y + 4)}L{number(x + 8)} {number(y)}L{number(x + 8)} {number(y + 8)}Z"
    sheet.draw(f'<path class="ts-head" stroke-width="1.2" d="{head}"/>')
    right = x + 24
    if text:
        right = sheet.write(text, x + 24, y + 3 - (12 if quiet else 0), TEXT).right
    if quiet:
        right = max(right, sheet.write(quiet, x + 24, y + 3, QUIET, "quiet").right)
    _reach(drawn, x - BAR, right)
    drawn.y += 14


def _note(note: Note, drawn: _Drawn) -> None:
    """A slip of paper on the line of whoever it is about."""
    text = shortened(note.text, 1.6 * MOST, TEXT)
    wide = SLACK * width(text, TEXT) + 16
    rect = Rect(drawn.lines[note.over] - 12, drawn.y + 2, wide, 20)
    drawn.sheet.box(rect, "note", 3.0, note.text)
    drawn.sheet.write(text, rect.x + 8, rect.y + 14, TEXT)
    _reach(drawn, rect.x, rect.right)
    drawn.y = rect.bottom + 6


def _frame(frame: Frame, drawn: _Drawn) -> None:
    """A frame around its sections, with what kind it is in its corner and a line between two of them."""
    sheet = drawn.sheet
    before = drawn.reached
    drawn.reached = [*before, (float("inf"), float("-inf"))]
    top = drawn.y + 4
    drawn.y = top
    labels: list[tuple[str, float]] = []
    for section in frame.sections:
        labels.append((section.label, drawn.y))
        drawn.y += 24 if section.label or not labels[1:] else 10
        _events(section.events, drawn)
        drawn.y += 6
    bottom = drawn.y
    left, right = drawn.reached[-1]
    left, right = left - INSET, right + INSET
    tab = SLACK * width(frame.kind, QUIET, bold=True) + 12
    shown = [(shortened(label, 1.8 * MOST, TEXT), y) for label, y in labels]
    for place, (label, _) in enumerate(shown):
        right = max(right, left + (tab if place == 0 else 0) + SLACK * width(label, TEXT) + 20)
    sheet.box(Rect(left, top, right - left, bottom - top), "case", 4.0)
    sheet.box(Rect(left, top, tab, 17), "tab", 4.0)
    sheet.write(frame.kind, left + 6, top + 12, QUIET, "name")
    for place, (label, y) in enumerate(shown):
        if place:
            sheet.line(left, y, right, y, "answer", 1.0)
        if label:
            at = left + (tab if place == 0 else 0) + 8
            paper = Rect(at - 3, y + 2, SLACK * width(label, TEXT) + 6, 15)
            sheet.box(paper, "paper")
            sheet.write(label, at, y + 13, TEXT, "quiet")
    drawn.reached = before
    _reach(drawn, left, right)
    drawn.y = bottom + 8
