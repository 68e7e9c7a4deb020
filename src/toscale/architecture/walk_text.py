"""How is a flow walked through in a terminal? The sequence with a column for each party, and waterfalls of
characters; where the columns do not fit, a list of who calls whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from toscale.architecture.characters import columns
from toscale.architecture.conversation import Conversation, Event, Frame, Kind, Message, Note
from toscale.architecture.waterfall import Row, own_words, rows_of, seconds, shown_until, spent_in_words
from toscale.simulate.spans import Doing, Span, Trace

__all__ = ["sequence_text", "waterfall_text"]

MOST = 26
"""No name, and no text on an arrow, is longer, in columns."""

SIGNS = {
    Doing.WORKED: "█",
    Doing.WAITED: "░",
    Doing.WIRE: "─",
    Doing.PAUSED: "~",
    Doing.CALLED: "·",
}
"""What a request does, as a character."""

WORDS = {
    Doing.WORKED: "worked",
    Doing.WAITED: "waited",
    Doing.WIRE: "wire",
    Doing.PAUSED: "paused",
    Doing.CALLED: "waited for what it called",
}

_ASCII = str.maketrans("█░─·│├┌└┐┘╌▶◀▷◁✗→…×µ", "#:-.||++++-><><x>.xu")
"""What stands for it where there is only ASCII."""


def _plain(text: str, ascii_only: bool) -> str:
    return text.translate(_ASCII).encode("ascii", "replace").decode() if ascii_only else text


def _cut(text: str, most: int = MOST) -> str:
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    if columns(text) <= most:
        return text
    kept = ""
    for sign in text:
        if columns(kept + sign) > most - 1:
            break
        kept += sign
    return kept.rstrip() + "…"


# ---- sequences


def sequence_text(conversation: Conversation, width: int, *, ascii_only: bool = False) -> str:
    """The conversation in lines of at most `width` columns."""
    at = _columns(conversation)
    gutter = 2 * _deepest(conversation.events)
    names = [name for name, _ in conversation.parties]
    last = names[-1] if names else ""
    right = max([at.get(last, 0) + (columns(_cut(last)) + 1) // 2, *_ends(conversation.events, at)])
    if gutter + right >= width:
        lines = list(_listed(conversation.events, 0))
    else:
        head = [" "] * (gutter + right + 1)
        for name in names:
            _put(head, gutter + at[name] - (columns(_cut(name)) - 1) // 2, _cut(name))
        body = _drawn(conversation.events, at, "", gutter)
        lines = ["".join(head).rstrip(), *body]
    return _plain("\n".join(lines), ascii_only)


def _columns(conversation: Conversation) -> dict[str, int]:
    """The column of each party."""
    names = [name for name, _ in conversation.parties]
    apart = [(columns(_cut(a)) + 1) // 2 + (columns(_cut(b)) + 1) // 2 + 2 for a, b in pairwise(names)]
    for one in conversation.messages():
        place, to = names.index(one.source), names.index(one.target)
        wide = max(columns(text) for text in _texts(one)) + (7 if place == to else 4)
        gap = place - 1 if to < place else place
        if 0 <= gap < len(apart):
            apart[gap] = max(apart[gap], wide)
    at: dict[str, int] = {}
    x = (columns(_cut(names[0])) - 1) // 2 if names else 0
    for place, name in enumerate(names):
        at[name] = x
        if place < len(apart):
            x += apart[place]
    return at


def _texts(one: Message) -> tuple[str, str]:
    text = f"✗ {one.text}" if one.kind in (Kind.LOST, Kind.ERROR) else one.text
    return _cut(text, MOST + 8), _cut(one.quiet, MOST + 8)


def _deepest(events: tuple[Event, ...]) -> int:
    return max(
        (
            1 + max((_deepest(section.events) for section in event.sections), default=0)
            for event in events
            if isinstance(event, Frame)
        ),
        default=0,
    )


def _ends(events: tuple[Event, ...], at: dict[str, int]) -> Iterator[int]:
    """How far to the right notes and frames reach."""
    for event in events:
        match event:
            case Message(source, target) if source == target:
                yield at[source] + 7 + max(columns(text) for text in _texts(event))
            case Note(over, text):
                yield at[over] + columns(text) + 4
            case Frame(kind, sections):
                for section in sections:
                    yield columns(section.label) + len(kind) + 4
                    yield from _ends(section.events, at)


def _put(cells: list[str], at: int, text: str) -> None:
    while len(cells) < at + columns(text):
        cells.append(" ")
    for sign in text:
        wide = columns(sign)
        if wide == 0:
            cells[at - 1] += sign
            continue
        cells[at] = sign
        if wide == 2:
            cells[at + 1] = ""
        at += wide


def _line(at: dict[str, int], before: str, gutter: int) -> list[str]:
    """A line with the life lines of all parties."""
    cells = list(before.ljust(gutter)) + [" "] * (max(at.values(), default=0) + 1)
    for x in at.values():
        cells[gutter + x] = "│"
    return cells


def _drawn(events: tuple[Event, ...], at: dict[str, int], before: str, gutter: int) -> Iterator[str]:
    for event in events:
        match event:
            case Message():
                yield from _arrow(event, at, before, gutter)
            case Note(over, text):
                cells = _line(at, before, gutter)
                _put(cells, gutter + at[over], f"( {text} )")
                yield "".join(cells).rstrip()
            case Frame(kind, sections):
                for place, section in enumerate(sections):
                    said = f"{kind} {section.label}".strip() if place == 0 else section.label
                    cells = _line(at, f"{before}{'┌' if place == 0 else '├'}─", gutter)
                    _put(cells, len(before) + 2, f" {said} " if said else "")
                    yield "".join(cells).rstrip()
                    yield from _drawn(section.events, at, f"{before}│ ", gutter)
                yield "".join(_line(at, f"{before}└─", gutter)).rstrip()


def _arrow(one: Message, at: dict[str, int], before: str, gutter: int) -> Iterator[str]:
    x, to = gutter + at[one.source], gutter + at[one.target]
    for text in _texts(one):
        if text and one.source != one.target:
            cells = _line(at, before, gutter)
            _put(cells, x + 2 if to > x else x - 1 - columns(text), text)
            yield "".join(cells).rstrip()
    cells = _line(at, before, gutter)
    if one.source == one.target:
        text = " ".join(part for part in _texts(one) if part)
        _put(cells, x + 1, f"──┐ {text}")
        yield "".join(cells).rstrip()
        cells = _line(at, before, gutter)
        _put(cells, x + 1, "◀─┘")
        yield "".join(cells).rstrip()
        return
    dash = "─" if one.kind is Kind.CALL else "╌"
    low, high = min(x, to), max(x, to)
    for cell in range(low + 1, high):
        cells[cell] = dash
    solid = one.kind in (Kind.CALL, Kind.ERROR)
    if one.kind is Kind.LOST:
        middle = (low + high) // 2
        cells[middle] = "✗"
        for cell in range(low + 1, middle) if to < x else range(middle + 1, high):
            cells[cell] = "│" if cell - gutter in at.values() else " "
    elif to > x:
        cells[to - 1] = "▶" if solid else "▷"
    else:
        cells[to + 1] = "◀" if solid else "◁"
    yield "".join(cells).rstrip()


def _listed(events: tuple[Event, ...], depth: int) -> Iterator[str]:
    """Who calls whom, one below the other."""
    for event in events:
        space = "  " * depth
        match event:
            case Message(source, target, kind, text, quiet):
                if kind is Kind.ANSWER and not text:
                    continue
                said = f"{'✗ ' if kind in (Kind.LOST, Kind.ERROR) else ''}{text}" + (
                    f" ({quiet})" if quiet else ""
                )
                yield f"{space}{source} → {target}" + (f": {said}" if said else "")
            case Note(over, text):
                yield f"{space}{over}: {text}"
            case Frame(kind, sections):
                for place, section in enumerate(sections):
                    yield f"{space}{kind if place == 0 else 'and'} {section.label}".rstrip()
                    yield from _listed(section.events, depth + 1)


# ---- waterfalls


def waterfall_text(trace: Trace, width: int, *, ascii_only: bool = False) -> str:
    """The waterfall in lines of at most `width` columns, and a line that adds it up."""
    rows = rows_of(trace)
    end = shown_until(trace)
    most = max(14, width // 3)
    names = [_cut(_named(row), most) for row in rows]
    label = max(map(columns, names)) + 2
    figures = [seconds(row.span.end - row.span.begin) if not row.others else "" for row in rows]
    numbers = max(map(columns, figures)) + 1
    bar = max(10, min(80, width - label - numbers))
    lines = []
    for row, name, figure in zip(rows, names, figures, strict=True):
        line = name + " " * (label - columns(name)) + _bar(row, end, bar)
        free = bar + label - columns(line)
        line += " " * (free + numbers - columns(figure)) + figure
        said = own_words(row) if not row.others else ""
        if said and columns(line) + 2 + columns(said) <= width:
            line += f"  {said}"
        lines.append(line.rstrip())
    spent = spent_in_words(trace)
    lines.append("")
    added = " + ".join(f"{WORDS[doing]} {seconds(time)}" for doing, time in spent)
    lines += _wrapped(f"{seconds(trace.latency)} = {added}" if spent else seconds(trace.latency), width)
    key = "  ".join(f"{SIGNS[doing]} {WORDS[doing]}" for doing in SIGNS)
    lines += _wrapped(key, width)
    return _plain("\n".join(lines), ascii_only)


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(width, 10), subsequent_indent="  ")


def _named(row: Row) -> str:
    return "  " * row.depth + row.name + (f": {row.asked}" if row.asked else "")


def _bar(row: Row, end: float, cells: int) -> str:
    """The span as characters, each the one of what took the most of its time."""
    span = row.span
    first = min(cells - 1, int(span.begin / end * cells))
    last = max(first, min(cells - 1, int(span.end / end * cells - 1e-9)))
    if row.others:
        return " " * first + "~" * (last - first + 1)
    drawn = [" "] * first
    for cell in range(first, last + 1):
        drawn.append(_most(span, cell * end / cells, (cell + 1) * end / cells))
    if span.left is not None and span.left <= end:
        drawn[max(first, min(last, int(span.left / end * cells)))] = "✗"
    return "".join(drawn)


def _most(span: Span, begin: float, end: float) -> str:
    spent: dict[Doing, float] = {}
    for part in span.parts:
        time = min(part.end, end) - max(part.begin, begin)
        if time > 0:
            spent[part.doing] = spent.get(part.doing, 0.0) + time
    if not spent:
        return SIGNS[Doing.CALLED]
    return SIGNS[max(spent, key=lambda doing: (spent[doing], doing is not Doing.CALLED))]
