"""How is a Mermaid flowchart read? Statement by statement: boxes with their shapes and texts, and the links between
them. In a page of Markdown, the first fenced block of Mermaid is read.

Styles, classes and clicks are passed over. A box in the shape of a stadium is an actor; other shapes suggest a kind
where no word of the text does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

from toscale.design.problems import quoted
from toscale.document.imports.guesses import guessed, kind_named
from toscale.document.imports.sketch import NotImported, Part, Relation, Sketch, free_name

__all__ = ["mermaid"]

MOST_LINES = 20
"""So many further lines may a text in quotes have."""

ACTOR = "stadium"
_SHAPES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("(((", (")))",), "circle"),
    ("((", ("))",), "circle"),
    ("([", ("])",), ACTOR),
    ("[(", (")]",), "cylinder"),
    ("[[", ("]]",), "subroutine"),
    ("[/", ("/]", "\\]"), "parallelogram"),
    ("[\\", ("/]", "\\]"), "trapezoid"),
    ("{{", ("}}",), "hexagon"),
    ("{", ("}",), "diamond"),
    ("(", (")",), "rounded"),
    ("[", ("]",), "rectangle"),
    (">", ("]",), "flag"),
)
"""How a shape begins, how it may end, and what it is called; longer beginnings first."""
_NAMED_SHAPES = {
    "cyl": "cylinder",
    "database": "cylinder",
    "db": "cylinder",
    "das": "parallelogram",
    "hex": "hexagon",
}
_NAMED_SHAPES |= {
    "stadium": ACTOR,
    "terminal": ACTOR,
    "pill": ACTOR,
    "queue": "parallelogram",
    "fr-rect": "subroutine",
}
_BY_SHAPE = {
    "cylinder": "database",
    "subroutine": "cache",
    "parallelogram": "queue",
    "trapezoid": "object_store",
    "hexagon": "load_balancer",
    "flag": "external",
}

_ID = re.compile(r"\w+(?:[-./]\w+)*")
_LINK = re.compile(r"(?P<left>[<xo])?(?:--+[->xo]|==+[=>xo]|-\.+-[>xo]?|~~~+)")
_BEGUN = re.compile(r"(?P<left>[<xo])?(?:--|==|-\.)(?=\s*[^\s\->=.])")
_ENDED = {"-": re.compile(r"--+[->xo]"), "=": re.compile(r"==+[=>xo]"), ".": re.compile(r"\.+-[>xo]?")}
_IGNORED = re.compile(r"(classDef|class|style|linkStyle|click|direction|accTitle|accDescr)\b")
_HEADER = re.compile(r"(?:flowchart|graph)(?:-elk)?(?:\s+(?:TB|TD|BT|RL|LR|[<>v^]))?\s*")
_WITH = re.compile(r"@\{([^{}]*)\}")
_FENCE = re.compile(r"\s*(```|~~~|:::)\s*\{?mermaid")
_FENCE_END = re.compile(r"\s*(```|~~~|:::)\s*$")
_SUBGRAPH = re.compile(r"subgraph\b\s*")


@dataclass(slots=True)
class _Box:
    line: int
    text: str = ""
    shape: str = ""
    groups: tuple[str, ...] = ()


@dataclass(slots=True)
class _Chart:
    title: str = ""
    boxes: dict[str, _Box] = field(default_factory=dict)
    links: list[tuple[str, str, str, bool, int]] = field(default_factory=list)
    groups: list[tuple[str, str, int]] = field(default_factory=list)  # id, label, line
    frames: set[str] = field(default_factory=set)


def mermaid(text: str) -> Sketch:
    """The sketch of a flowchart. Raises NotImported for what is none."""
    chart = _Chart()
    begun = False
    for number, statement in _statements(text, chart):
        if not begun:
            header = _HEADER.match(statement)
            if header is None:
                mend = "Begin with `flowchart LR`; other diagrams of Mermaid have no components."
                raise NotImported(number, f"{quoted(statement)} begins no flowchart.", mend)
            begun, statement = True, statement[header.end() :]
        if statement:
            _read(chart, statement, number)
    if chart.groups:
        raise NotImported(
            chart.groups[-1][2], "The `subgraph` has no `end`.", "Write a line `end` behind it."
        )
    return _sketch(chart)


# ---- lines


def _statements(text: str, chart: _Chart) -> Iterator[tuple[int, str]]:
    """The statements with their lines: without comments, the front matter, and what is around a fence."""
    lines = _without_front_matter(_fenced(list(enumerate(text.splitlines(), 1))), chart)
    for number, line in _whole([(at, line) for at, line in lines if not line.strip().startswith("%%")]):
        for part in re.findall(r'(?:"[^"]*"|#\w+;|[^;"]|")+', line):
            if part.strip():
                yield number, part.strip()


def _whole(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines, where a text in quotes goes on over several of them as one; each with the number of its first."""
    at = 0
    while at < len(lines):
        number, line = lines[at]
        at += 1
        further = [text for _, text in lines[at : at + MOST_LINES]]
        quotes, closing = line.count('"'), 0
        for place, text in enumerate(further, 1):
            if quotes % 2 == 0:
                break
            quotes += text.count('"')
            closing = place
        closing = closing if quotes % 2 == 0 else 0
        yield number, "\n".join([line, *further[:closing]])
        at += closing


def _fenced(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines of the first fenced block of Mermaid, where there is one; else all."""
    begins = [at for at, (_, line) in enumerate(lines) if _FENCE.match(line)]
    if not begins:
        return lines
    inside = lines[begins[0] + 1 :]
    ends = [at for at, (_, line) in enumerate(inside) if _FENCE_END.match(line)]
    return inside[: ends[0]] if ends else inside


def _without_front_matter(lines: list[tuple[int, str]], chart: _Chart) -> list[tuple[int, str]]:
    """The lines behind the front matter, whose title is taken."""
    first = next((at for at, (_, line) in enumerate(lines) if line.strip()), 0)
    lines = lines[first:]
    if not lines or lines[0][1].strip() != "---":
        return lines
    ends = [at for at, (_, line) in enumerate(lines) if at and line.strip() == "---"]
    if not ends:
        raise NotImported(lines[0][0], "The front matter is not closed.", "Write a second line `---`.")
    for _, line in lines[1 : ends[0]]:
        found = re.match(r"title:\s*(.+)", line)
        if found:
            chart.title = _title(found[1].strip())
    return lines[ends[0] + 1 :]


def _title(text: str) -> str:
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text.strip("'")


def _read(chart: _Chart, statement: str, number: int) -> None:
    """One statement: a frame, an end, or boxes with links."""
    subgraph = _SUBGRAPH.match(statement)
    if subgraph:
        rest = statement[subgraph.end() :]
        name = _ID.match(rest)
        label = rest
        if name and rest[name.end() :].lstrip().startswith("["):
            label = rest[name.end() :].strip()[1:].removesuffix("]")
        chart.groups.append((name[0] if name else rest, _plain(label), number))
        chart.frames.add(name[0] if name else rest)
    elif statement == "end":
        if not chart.groups:
            raise NotImported(number, "An `end` ends nothing.", "Remove it.")
        chart.groups.pop()
    elif not _IGNORED.match(statement):
        _chain(chart, statement, number)


# ---- boxes and links


def _chain(chart: _Chart, text: str, number: int) -> None:
    """`a & b --> c -- text --> d`"""
    sources, at = _boxes(chart, text, 0, number)
    while at < len(text):
        link, said, at = _link(text, at, number)
        targets, at = _boxes(chart, text, at, number)
        body = link.group(0)
        if body.startswith("~"):
            sources = targets
            continue
        waits = "." not in body
        for source in sources:
            for target in targets:
                chart.links.append((source, target, said, waits, number))
                if link["left"] == "<":
                    chart.links.append((target, source, said, waits, number))
        sources = targets


def _link(text: str, at: int, number: int) -> tuple[re.Match[str], str, int]:
    """A link with its text, and where it ends."""
    rest = re.compile(r"(?:\w+@(?=[<xo]?[-=~]))?").match(text, at)
    at = rest.end() if rest else at
    whole, begun = _LINK.match(text, at), _BEGUN.match(text, at)
    if whole:
        at = _skipped(text, whole.end())
        label = re.compile(r'\|\s*("[^"]*"|[^|]*)\|').match(text, at)
        if label:
            return whole, _plain(label[1]), _skipped(text, label.end())
        return whole, "", at
    if begun:
        ended = _ENDED[begun[0][-1]].search(text, begun.end())
        if ended:
            return begun, _plain(text[begun.end() : ended.start()]), _skipped(text, ended.end())
    raise NotImported(
        number,
        f"{quoted(text[at:])} is neither a link nor the end of the line.",
        "Write `A --> B`, or `A -->|text| B`.",
    )


def _boxes(chart: _Chart, text: str, at: int, number: int) -> tuple[list[str], int]:
    """Boxes that are joined by `&`."""
    found = []
    while True:
        at = _skipped(text, at)
        name = _ID.match(text, at)
        if name is None:
            what = quoted(text[at:]) if at < len(text) else "The end of the line"
            raise NotImported(
                number, f"{what} is no box.", "Write its id, such as `app` or `app[Web server]`."
            )
        at = _shape(chart, name[0], text, name.end(), number)
        found.append(name[0])
        at = _skipped(text, at)
        if not text.startswith("&", at):
            return found, at
        at += 1


def _shape(chart: _Chart, name: str, text: str, at: int, number: int) -> int:
    """What stands behind an id: brackets with a text, `@{ ... }`, `:::class`. Where it ends."""
    new = chart.boxes.setdefault(name, _Box(number))
    if not new.groups:
        new.groups = tuple(label for _, label, _ in chart.groups)
    attributes = _WITH.match(text, at)
    if attributes:
        for key, value in re.findall(r"(\w+)\s*:\s*(\"[^\"]*\"|[^,]+)", attributes[1]):
            if key == "label":
                new.text = _plain(value)
            elif key == "shape":
                new.shape = _NAMED_SHAPES.get(value.strip(), value.strip())
        at = attributes.end()
    for opening, closings, shape in _SHAPES:
        if text.startswith(opening, at):
            start = at + len(opening)
            quote = re.compile(r'\s*"([^"]*)"\s*').match(text, start)
            ends = [(text.find(closing, quote.end() if quote else start), closing) for closing in closings]
            ends = [(end, closing) for end, closing in ends if end >= 0]
            if not ends or (quote and min(ends)[0] != quote.end()):
                mend = f"Close it with `{closings[0]}`; a text with brackets stands in quotes."
                raise NotImported(number, f"The box {quoted(name)} is not closed.", mend)
            end, closing = min(ends)
            new.text, new.shape = _plain(quote[1] if quote else text[start:end]), shape
            at = end + len(closing)
            break
    styled = re.compile(r":::[\w,-]+").match(text, at)
    return styled.end() if styled else at


def _skipped(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _plain(text: str) -> str:
    """A text as it is shown: line breaks as such, without tags, entity codes as signs."""
    text = text.strip().removeprefix('"').removesuffix('"').removeprefix("`").removesuffix("`")
    text = re.sub(r"<[a-zA-Z/][^<>]*>", " ", re.sub(r"<br\s*/?>", "\n", text))
    text = re.sub(r"#(\d+);", lambda found: unescape(f"&#{found[1]};"), text)
    return unescape(re.sub(r"#(\w+);", r"&\1;", text)).replace("\u2060", "").strip()


# ---- what comes of it


def _sketch(chart: _Chart) -> Sketch:
    sketch = Sketch("Mermaid flowchart", chart.title)
    names: dict[str, str] = {}
    for mark, box in chart.boxes.items():
        if mark in chart.frames:
            continue
        name = free_name(box.text.split("\n")[0] or mark, {*sketch.actors, *sketch.components})
        names[mark] = name
        sketch.add(_part(name, mark, box), box.line)
    for source, target, said, waits, number in chart.links:
        frame = next((end for end in (source, target) if end not in names), None)
        if frame is not None:
            sketch.lost.append(f"{source} -> {target}: {frame} is a frame, not one of its boxes.")
            continue
        held = not waits and re.fullmatch(r"(\S+ )?held", said) is not None
        sketch.relate(Relation(names[source], names[target], said, waits, held), number)
    return sketch


def _part(name: str, mark: str, box: _Box) -> Part:
    first, _, caption = box.text.partition("\n")
    said = kind_named(caption)
    if said:
        return Part(name, said, groups=box.groups)
    if box.shape == ACTOR:
        return Part(name, None, about=caption)
    kind, why = guessed(first, caption, mark) or ("", "")
    if not kind:
        shaped = _BY_SHAPE.get(box.shape)
        kind, why = (shaped, f"the shape {box.shape}") if shaped else ("service", "nothing better known")
    return Part(name, kind, why, caption.replace("\n", " "), groups=box.groups)
