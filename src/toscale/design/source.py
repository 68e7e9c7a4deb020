"""How is the text of a design read? By PyYAML's C parser into nodes that know where they stand; nothing else
is built.

The scalars are resolved by the core schema of YAML 1.2: only `true` and `false` are booleans, so that `on`,
`yes`, `12:30` and `1_000` stay what they look like. Whatever bytes come in, what comes out is nodes or
problems: size, depth, number of nodes and aliases are bounded, and the nodes are built from events without
recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from toscale.design.parts import NOWHERE, Place
from toscale.design.problems import Problems, quoted
from toscale.design.syntax import add_syntax_error, line_breaks

__all__ = ["Mapping", "Node", "Plain", "Scalar", "Sequence", "Source", "plain", "read_source"]

MOST_BYTES = 1_000_000
MOST_DEPTH = 40
MOST_NODES = 60_000  # aliases counted as often as they are used
MOST_ALIASES = 100
MOST_SCALAR = 20_000  # characters

Plain: TypeAlias = "str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `text` is as written, without quotes; `start` and `end` are the range in the source, in
    characters.
    """

    value: Plain
    text: str = field(compare=False)
    quoted: bool = field(default=False, compare=False)
    place: Place = field(default=NOWHERE, compare=False, repr=False)
    start: int = field(default=-1, compare=False, repr=False)
    end: int = field(default=-1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with their values, in the order of the file. `flow` says that it is written in braces."""

    items: tuple[tuple[Scalar, Node], ...]
    flow: bool = field(default=False, compare=False)
    place: Place = field(default=NOWHERE, compare=False, repr=False)
    start: int = field(default=-1, compare=False, repr=False)
    end: int = field(default=-1, compare=False, repr=False)

    def get(self, key: str) -> Node | None:
        """The value under a key."""
        return next((value for name, value in self.items if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """The key itself, with its place."""
        return next((name for name, _ in self.items if name.text == key), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list. `flow` says that it is written in brackets."""

    items: tuple[Node, ...]
    flow: bool = field(default=False, compare=False)
    place: Place = field(default=NOWHERE, compare=False, repr=False)
    start: int = field(default=-1, compare=False, repr=False)
    end: int = field(default=-1, compare=False, repr=False)


Node: TypeAlias = Scalar | Mapping | Sequence


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its name and its nodes; `root` is None when the text says nothing."""

    file: str
    text: str
    root: Node | None


def plain(node: Node) -> Any:
    """The node as plain Python values: dict, list, str, int, float, bool, None."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.items}
    return [plain(item) for item in node.items]


# --- text ---------------------------------------------------------------------------------------------------


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")


def _place_at(text: str, at: int, file: str, length: int = 1) -> Place:
    line, start = 1, 0
    for found in line_breaks(text, at):
        if found.end() > at:
            break
        line, start = line + 1, found.end()
    column = at - start + 1
    return Place(file, line, column, line, column + length)


def _decoded(data: bytes, file: str, problems: Problems) -> str | None:
    start = Place(file, 1, 1, 1, 1)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:4] == b"\x00\x00\xfe\xff":
        problems.add("TS002", start, "The file is encoded in UTF-16 or UTF-32.", "Save it as UTF-8.")
        return None
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="replace").removeprefix("\ufeff")
        place = _place_at(before, len(before), file)
        byte = data[error.start]
        problems.add("TS002", place, f"The byte {byte:#04x} is not UTF-8.", "Save the file as UTF-8.")
        return None


def read_source(data: bytes | str, file: str = "<text>") -> tuple[Source | None, Problems]:
    """The nodes of a text, and what is wrong with it as YAML. Without nodes (None) there is at least one
    error.

    `data` is the content, of at most 1 MB; a byte order mark at its start is left out. `file` is the name in
    places.
    """
    problems = Problems()
    start = Place(file, 1, 1, 1, 1)
    size = len(data)
    if size > MOST_BYTES:
        problems.add(
            "TS001",
            start,
            f"The file has {size / 1e6:.1f} MB; at most {MOST_BYTES / 1e6:.0f} MB are read.",
            "A design is a text for people: leave out what is not design, or split the system.",
        )
        return None, problems
    if isinstance(data, bytes):
        decoded = _decoded(data, file, problems)
        if decoded is None:
            return None, problems
        text = decoded
    else:
        text = data.removeprefix("\ufeff")
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        problems.add(
            "TS003",
            _place_at(text, unprintable.start(), file),
            f"The character U+{ord(unprintable[0]):04X} cannot stand in a YAML text.",
            "Remove it; it is invisible in most editors.",
        )
        return None, problems
    try:
        root = _Composer(text, file, problems).compose()
    except yaml.YAMLError as error:
        add_syntax_error(error, text, file, problems)
        return None, problems
    except _TooMuch:
        return None, problems
    return (None if problems.failed and root is None else Source(file, text, root)), problems


# --- nodes --------------------------------------------------------------------------------------------------


_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}


def resolve(text: str) -> Plain:
    """The value of a plain scalar by the core schema of YAML 1.2; a number that is too long or too large
    stays text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 40 or text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) <= 1.7976931348623157e308 else text
    return text


class _TooMuch(Exception):
    """A bound was passed; the problem has been added."""


@dataclass(slots=True)
class _Open:
    """A collection that is being read: its children so far, and the key that waits for its value."""

    event: Any
    is_mapping: bool
    children: list[Node]
    items: list[tuple[Scalar, Node]]
    seen: dict[str, Scalar]
    key: Scalar | None = None
    key_is_bad: bool = False
    weight: int = 1


class _Composer:
    """Builds nodes from the parser's events, with a stack of its own."""

    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self.text, self.file, self.problems = text, file, problems
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        self.stack: list[_Open] = []
        self.nodes = self.aliases = 0
        self.root: Node | None = None

    def compose(self) -> Node | None:
        documents = 0
        for event in self.events():
            name = type(event).__name__
            if name == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self.problems.add(
                        "TS010",
                        self.place(event),
                        "A second document begins here.",
                        "Keep one design in a file: remove the line `---`.",
                    )
                    break
            elif name == "ScalarEvent":
                self.scalar(event)
            elif name == "AliasEvent":
                self.alias(event)
            elif name in ("MappingStartEvent", "SequenceStartEvent"):
                self.begin(event, name == "MappingStartEvent")
            elif name in ("MappingEndEvent", "SequenceEndEvent"):
                self.end(event)
        if isinstance(self.root, Scalar) and self.root.value is None:
            return None
        return self.root

    def events(self) -> Iterator[Any]:
        loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        loader = loader_class(self.text)
        try:
            while loader.check_event():
                yield loader.get_event()
        finally:
            loader.dispose()

    def place(self, event: Any) -> Place:
        begin, end = event.start_mark, event.end_mark
        return Place(self.file, begin.line + 1, begin.column + 1, end.line + 1, end.column + 1)

    def too_much(self, code: str, place: Place, message: str, suggestion: str) -> _TooMuch:
        self.problems.add(code, place, message, suggestion)
        return _TooMuch()

    def count(self, event: Any, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise self.too_much(
                "TS008",
                self.place(event),
                f"The file has more than {MOST_NODES:,} values, aliases counted as often as they are used.",
                "Leave out what is not design.",
            )

    def check_tag(self, event: Any) -> None:
        if event.tag is not None:
            self.problems.add(
                "TS009",
                self.place(event),
                f"The tag {quoted(event.tag)} has no meaning in a design.",
                "Remove it; quote a text that begins with `!`.",
            )

    def scalar(self, event: Any) -> None:
        self.count(event, 1)
        self.check_tag(event)
        text, place = event.value, self.place(event)
        if len(text) > MOST_SCALAR:
            raise self.too_much(
                "TS008",
                place,
                f"A text has {len(text):,} characters; at most {MOST_SCALAR:,} are read.",
                "Shorten it, or keep it in another file.",
            )
        is_plain = not event.style
        if is_plain and len(text) != event.end_mark.index - event.start_mark.index and event.anchor is None:
            text = " ".join(text.split())
        value = resolve(text) if is_plain else text
        node = Scalar(value, text, not is_plain, place, event.start_mark.index, event.end_mark.index)
        self.add(node, event, 1)

    def alias(self, event: Any) -> None:
        self.aliases += 1
        place = self.place(event)
        if self.aliases > MOST_ALIASES:
            raise self.too_much(
                "TS007", place, f"There are more than {MOST_ALIASES} aliases.", "Write the values out."
            )
        if event.anchor not in self.anchors:
            raise self.too_much(
                "TS007",
                place,
                f"No anchor {quoted(event.anchor)} was set above this alias.",
                "Quote a text that begins with `*`.",
            )
        target = self.anchors[event.anchor]
        if target is None:
            raise self.too_much(
                "TS007", place, "An alias stands within its own anchor.", "Write the value out."
            )
        node, weight = target
        self.count(event, weight)
        self.add(node, event, weight, anchored=False)

    def begin(self, event: Any, is_mapping: bool) -> None:
        self.count(event, 1)
        self.check_tag(event)
        if len(self.stack) >= MOST_DEPTH:
            raise self.too_much(
                "TS006",
                self.place(event),
                f"Values are nested deeper than {MOST_DEPTH} levels.",
                "Use `run:` to give the inner steps a name of their own.",
            )
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(event, is_mapping, [], [], {}))

    def end(self, event: Any) -> None:
        done = self.stack.pop()
        begin = done.event.start_mark
        last: Node | None = None
        if done.event.flow_style:
            end, end_line, end_column = (
                event.end_mark.index,
                event.end_mark.line + 1,
                event.end_mark.column + 1,
            )
        else:
            last = done.items[-1][1] if done.items else done.children[-1] if done.children else None
            if last is None or last.start < begin.index or last.end > event.start_mark.index:
                # nothing but an alias at the end, or nothing at all: the parser's mark is the best there is
                end, end_line, end_column = (
                    event.start_mark.index,
                    event.start_mark.line + 1,
                    event.start_mark.column + 1,
                )
            else:
                end, end_line, end_column = last.end, last.place.end_line, last.place.end_column
        place = Place(self.file, begin.line + 1, begin.column + 1, end_line, end_column)
        flow = bool(done.event.flow_style)
        node: Node
        if done.is_mapping:
            node = Mapping(tuple(done.items), flow, place, begin.index, end)
        else:
            node = Sequence(tuple(done.children), flow, place, begin.index, end)
        self.add(node, done.event, done.weight)

    def add(self, node: Node, event: Any, weight: int, anchored: bool = True) -> None:
        """Hand a finished node to the collection around it."""
        if anchored and event.anchor is not None:
            self.anchors[event.anchor] = (node, weight)
        if not self.stack:
            if self.root is None:
                self.root = node
            return
        parent = self.stack[-1]
        parent.weight += weight
        if not parent.is_mapping:
            parent.children.append(node)
        elif parent.key is None and not parent.key_is_bad:
            self.add_key(parent, node)
        else:
            self.add_value(parent, node)

    def add_key(self, parent: _Open, node: Node) -> None:
        if isinstance(node, Scalar) and (node.text or node.quoted):
            parent.key = Scalar(node.text, node.text, node.quoted, node.place, node.start, node.end)
            return
        parent.key_is_bad = True
        if isinstance(node, Scalar):
            message, suggestion = "A key is missing before the colon.", "Write `key: value`."
        else:
            message = "A key must be one word or text, not a list or a mapping."
            suggestion = "Quote a text that has braces or brackets in it."
        self.problems.add("TS011", node.place, message, suggestion)

    def add_value(self, parent: _Open, node: Node) -> None:
        key, parent.key = parent.key, None
        if key is None:
            parent.key_is_bad = False
            return
        first = parent.seen.setdefault(key.text, key)
        if first is not key:
            self.problems.add(
                "TS012",
                key.place,
                f"The key {quoted(key.text)} stands here a second time; first in line {first.place.line}.",
                "Keep one of them, or give one another name.",
            )
            return
        if parent.event.flow_style and isinstance(node, Scalar) and node.value is None and not node.text:
            self.empty_value(parent, key, node)
            return
        parent.items.append((key, node))

    def empty_value(self, parent: _Open, key: Scalar, node: Scalar) -> None:
        if ":" not in self.text[key.end : max(node.start, key.end) + 1] or node.start <= key.end:
            before = parent.items[-1] if parent.items else None
            said = f"The key {quoted(key.text)} has no value: a comma in braces starts a new key."
            mend = f"Write `{key.text}: VALUE`."
            if before is not None and isinstance(before[1], Scalar) and not before[1].quoted:
                whole = f"{before[1].text}, {key.text}"
                mend = f'If it belongs to the value before it, quote that: `{before[0].text}: "{whole}"`.'
            self.problems.add("TS013", key.place, said, mend)
        else:
            self.problems.add(
                "TS013",
                key.place,
                f"The key {quoted(key.text)} has no value.",
                f"Write `{key.text}: VALUE`, or remove it.",
            )
