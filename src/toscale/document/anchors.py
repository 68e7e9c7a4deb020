"""Where in a document does each part of a design stand? An id for every estimate, component, flow, ..., and links
to them wherever a text names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, TypeAlias

from toscale.design.model import Design
from toscale.design.parts import Place
from toscale.design.syntax import line_breaks
from toscale.document.text import Code, Link, Span, Spans, line_id

__all__ = ["Anchors", "Kind", "Taken", "file_lines", "in_code"]

Kind: TypeAlias = Literal["quality", "estimate", "component", "flow", "entity", "decision", "fault"]


def file_lines(design: Design) -> tuple[str, ...]:
    """The lines of the file that the design was read from, counted as its places are; none if there is no file."""
    if design.source is None:
        return ()
    text, at, found = design.source.text, 0, []
    for line_break in line_breaks(text):
        found.append(text[at : line_break.start()])
        at = line_break.end()
    return (*found, text[at:]) if text[at:] else tuple(found)


def in_code(text: str) -> tuple[str | Code, ...]:
    """What stands between backticks in a sentence of a report, as words of the file."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one that has no partner is a sign like any other
        return (text,)
    return tuple(Code(part) if at % 2 else part for at, part in enumerate(parts) if part)


class Taken:
    """Ids that are given out once: a name that would have that of another gets a number behind it."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def new(self, kind: str, name: str) -> str:
        """An id of letters, digits and hyphens that no other name has."""
        words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        first = f"{kind}-{words}" if words else kind
        found, number = first, 1
        while found in self._ids:
            number += 1
            found = f"{first}-{number}"
        self._ids.add(found)
        return found


class Anchors:
    """The ids of the parts of one design."""

    def __init__(self, design: Design) -> None:
        parts: dict[Kind, Iterable[str]] = {
            "quality": design.requirements.non_functional,
            "estimate": design.estimates,
            "component": design.components,
            "flow": design.flows,
            "entity": design.data,
            "decision": design.decisions,
            "fault": design.faults,
        }
        taken = Taken()
        self._ids = {(kind, name): taken.new(kind, name) for kind, names in parts.items() for name in names}
        self._names = {kind: [name for k, name in self._ids if k == kind] for kind in parts}
        self._patterns: dict[tuple[Kind, ...], re.Pattern[str] | None] = {}
        self._lines = file_lines(design)

    def id(self, kind: Kind, name: str) -> str:
        """The id of a part that the design has."""
        return self._ids[kind, name]

    def link(self, kind: Kind, name: str, text: str | None = None) -> Span:
        """A link to the part; the words alone where the design has none of that name."""
        said = name if text is None else text
        to = self._ids.get((kind, name))
        return said if to is None else Link(said, to)

    def first(self, name: str, *kinds: Kind) -> Span:
        """A link to the first of these kinds that has a part of that name."""
        for kind in kinds:
            if (kind, name) in self._ids:
                return self.link(kind, name)
        return name

    def links(self, kind: Kind, names: Iterable[str]) -> Spans:
        """Links to several parts, with commas between them."""
        found: list[Span] = []
        for name in names:
            found += [", "] if found else []
            found.append(self.link(kind, name))
        return tuple(found)

    def within(self, text: str, *kinds: Kind) -> Spans:
        """The text with a link at each whole word that is the name of such a part; words between backticks are
        those of the file.
        """
        found: list[Span] = []
        for span in in_code(text):
            if isinstance(span, str):
                found += self._within(span, kinds)
            else:
                link = self.first(span.text, *kinds)
                found.append(link if isinstance(link, Link) else span)
        return tuple(found)

    def _within(self, text: str, kinds: tuple[Kind, ...]) -> Spans:
        if kinds not in self._patterns:
            self._patterns[kinds] = self._pattern(kinds)
        pattern = self._patterns[kinds]
        if pattern is None:
            return (text,)
        found: list[Span] = []
        at = 0
        for match in pattern.finditer(text):
            found += [text[at : match.start()]] if match.start() > at else []
            found.append(self.first(match[0], *kinds))
            at = match.end()
        return (*found, text[at:]) if at < len(text) or not found else tuple(found)

    def _pattern(self, kinds: tuple[Kind, ...]) -> re.Pattern[str] | None:
        names = sorted({name for kind in kinds for name in self._names[kind] if name.strip()}, key=len)
        if not names:
            return None
        return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, reversed(names)))})(?!\w)")

    def line(self, place: Place, name: str = "") -> Span:
        """A link to the line of the file where something stands; nothing if it stands in no file.

        What has a `name` and several lines is placed at the first line below its name: the link leads to the name.
        """
        number = self._line_of(place, name)
        return Link(f"line {number}", line_id(number), is_quiet=True) if number else ""

    def number(self, place: Place, name: str = "") -> Spans:
        """The same with the number alone, for a column of lines."""
        number = self._line_of(place, name)
        return (Link(str(number), line_id(number), is_quiet=True),) if number else ()

    def _line_of(self, place: Place, name: str) -> int:
        """The number of the line, 0 if there is none."""
        number = place.line
        if not 0 < number <= len(self._lines):
            return 0
        if name in self._lines[number - 1]:
            return number
        above = number - 1
        while above > 1 and self._lines[above - 1].lstrip()[:1] in ("", "#"):
            above -= 1
        return above if above > 0 and name in self._lines[above - 1] else number
