"""How is a design edited by a program, so that its comments, its order and its style stay? By patches of the
text at the marks of nodes.

Every function takes a text and gives the new text; what is not touched is the same to the character. A path
is a tuple of keys and of positions in lists: `("components", "app", "replicas")`, `("flows", "shorten",
"steps", 0, "then")`. A comment beside or within what is removed goes with it; all others stay. The result is
read again before it is given back: an edit that does not read as what was meant raises `EditError`, and
never gives a broken text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from toscale.design.build import inline, node_of, quote, scalar_text, write
from toscale.design.source import Mapping, Node, Scalar, Sequence, plain, read_source

__all__ = ["EditError", "Path", "append", "insert", "remove", "rename_key", "set_value"]

Path: TypeAlias = tuple[str | int, ...]


class EditError(ValueError):
    """An edit that cannot be made; the message says why."""


def set_value(text: str, path: Path, value: object) -> str:
    """The text with a value at a path; keys on the way that are missing are added. None says nothing: see
    `remove`.

    A mapping over a mapping changes only the keys that differ, and a list over a list only its entries, so
    that comments within them stay. Raises `EditError` if the path leads through something else, TypeError
    for a value that no file can have.
    """
    wanted = node_of(value)
    root = _read(text)
    edited = _Editor(text, root).set(path, wanted)
    return _checked(edited, _expected(root, path, wanted), path)


def remove(text: str, path: Path) -> str:
    """The text without the key, or the entry of a list, at a path. Raises `EditError` if there is none."""
    root = _read(text)
    found = _find(root, path)
    if found is None or not path:
        raise EditError(f"there is nothing at {_shown(path)}")
    edited = _Editor(text, root).remove(path)
    return _checked(edited, _without(root, path), path)


def append(text: str, path: Path, value: object) -> str:
    """The text with one more entry at the end of the list at a path; the list is made if there is none."""
    root = _read(text)
    node = _find(root, path)
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return set_value(text, path, [plain(node_of(value))])
    if not isinstance(node, Sequence):
        raise EditError(f"at {_shown(path)} there is no list")
    return insert(text, path, len(node.items), value)


def insert(text: str, path: Path, position: int, value: object) -> str:
    """The text with an entry put into the list at a path, before the entry of that position."""
    root = _read(text)
    node = _find(root, path)
    if not isinstance(node, Sequence):
        raise EditError(f"at {_shown(path)} there is no list")
    if not 0 <= position <= len(node.items):
        raise EditError(f"the list at {_shown(path)} has {len(node.items)} entries, and no place {position}")
    wanted = node_of(value)
    edited = _Editor(text, root).insert(node, position, wanted)
    items = (*node.items[:position], wanted, *node.items[position:])
    return _checked(edited, _expected(root, path, Sequence(items)), path)


def rename_key(text: str, path: Path, name: str) -> str:
    """The text with the last key of a path renamed, in its place. Other uses of the name stay: see
    `rename.rename`.
    """
    root = _read(text)
    parent = _find(root, path[:-1])
    if not isinstance(parent, Mapping) or not path or not isinstance(path[-1], str):
        raise EditError(f"there is no key at {_shown(path)}")
    key = parent.key(path[-1])
    if key is None:
        raise EditError(f"there is no key at {_shown(path)}")
    if name != path[-1] and parent.key(name) is not None:
        raise EditError(f"there is a key {name!r} already")
    edited = text[: key.start] + quote_key(name, parent.flow) + text[key.end :]
    items = tuple((Scalar(name, name) if k is key else k, v) for k, v in parent.items)
    return _checked(edited, _expected(root, path[:-1], Mapping(items)), path)


def quote_key(name: str, in_flow: bool) -> str:
    """A key as it is written: a number stays plain, as status codes are."""
    return name if re.fullmatch(r"[0-9]{1,9}", name) else quote(name, in_flow)


# --- nodes --------------------------------------------------------------------------------------------------


def _read(text: str) -> Node:
    source, problems = read_source(text)
    if source is None or problems.failed:
        found = problems.sorted()
        raise EditError(f"the text cannot be read: {found[0] if found else 'it is no YAML'}")
    return Mapping((), start=0, end=0) if source.root is None else source.root


def _find(node: Node | None, path: Path) -> Node | None:
    for name in path:
        if isinstance(name, str) and isinstance(node, Mapping):
            node = node.get(name)
        elif isinstance(name, int) and isinstance(node, Sequence) and 0 <= name < len(node.items):
            node = node.items[name]
        else:
            return None
    return node


def _shown(path: Path) -> str:
    return ".".join(str(name) for name in path) or "the top"


def _expected(node: Node | None, path: Path, value: Node) -> Node:
    """The nodes after setting a value at a path, as they must read."""
    if not path:
        return value
    name, rest = path[0], path[1:]
    if isinstance(name, int):
        if not isinstance(node, Sequence) or not 0 <= name < len(node.items):
            raise EditError(f"there is no entry {name}")
        items = tuple(_expected(n, rest, value) if i == name else n for i, n in enumerate(node.items))
        return Sequence(items)
    if node is None or (isinstance(node, Scalar) and node.value is None):
        node = Mapping(())
    if not isinstance(node, Mapping):
        raise EditError(f"{name!r} is asked of what has no keys")
    pairs = [(key, old) for key, old in node.items]
    for index, (key, old) in enumerate(pairs):
        if key.text == name:
            pairs[index] = (key, _expected(old, rest, value))
            return Mapping(tuple(pairs))
    return Mapping((*pairs, (Scalar(name, name), _expected(None, rest, value))))


def _without(node: Node, path: Path) -> Node:
    name, rest = path[0], path[1:]
    if isinstance(node, Sequence):
        items = [
            new
            for index, old in enumerate(node.items)
            if (new := old if index != name else (_without(old, rest) if rest else None)) is not None
        ]
        return Sequence(tuple(items))
    assert isinstance(node, Mapping), "a path that was found goes through collections"
    pairs = [
        (key, new)
        for key, old in node.items
        if (new := old if key.text != name else (_without(old, rest) if rest else None)) is not None
    ]
    return Mapping(tuple(pairs))


def _checked(text: str, expected: Node, path: Path) -> str:
    """The text, if it reads as expected. An empty collection may read as nothing."""
    source, problems = read_source(text)
    if source is None or problems.failed or _shape(source.root) != _shape(expected):
        raise EditError(f"the text around {_shown(path)} is written in a way that cannot be edited safely")
    return text


def _shape(node: Node | None) -> object:
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return None
    if isinstance(node, Scalar):
        return node.value if isinstance(node.value, bool) else node.text
    if isinstance(node, Sequence):
        return [_shape(item) for item in node.items] or None
    return {key.text: _shape(value) for key, value in node.items} or None


# --- patches ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Patch:
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str


class _Editor:
    """Makes one edit of a text whose nodes are known."""

    def __init__(self, text: str, root: Node) -> None:
        self.text, self.root = text, root
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def patched(self, *patches: _Patch) -> str:
        text = self.text
        for patch in sorted(patches, key=lambda p: (p.start, p.end), reverse=True):
            text = text[: patch.start] + patch.new + text[patch.end :]
        return text

    def block(self, text: str) -> str:
        return text.replace("\n", self.newline)

    # --- setting

    def set(self, path: Path, value: Node) -> str:
        """The text with a value at a path."""
        old = _find(self.root, path)
        if old is None:
            return self.add(path, value)
        if isinstance(value, Mapping) and isinstance(old, Mapping) and value.items and old.items:
            return self.merge(path, old, value)
        if isinstance(value, Sequence) and isinstance(old, Sequence) and value.items and old.items:
            return self.align(path, old, value)
        if _shape(old) == _shape(value):
            return self.text
        return self.overwrite(path, old, value)

    def again(self, text: str, path: Path, value: Node) -> str:
        return _Editor(text, _read(text)).set(path, value)

    def merge(self, path: Path, old: Mapping, value: Mapping) -> str:
        text = self.text
        wanted = {key.text for key, _ in value.items}
        for key, _ in old.items:
            if key.text not in wanted:
                text = _Editor(text, _read(text)).remove((*path, key.text))
        for key, new in value.items:
            text = self.again(text, (*path, key.text), new)
        return text

    def align(self, path: Path, old: Sequence, value: Sequence) -> str:
        text = self.text
        for index in range(len(old.items) - 1, len(value.items) - 1, -1):
            text = _Editor(text, _read(text)).remove((*path, index))
        for index, new in enumerate(value.items):
            if index < len(old.items):
                text = self.again(text, (*path, index), new)
            else:
                root = _read(text)
                node = _find(root, path)
                assert isinstance(node, Sequence), "entries are added to the list that was there"
                text = _Editor(text, root).insert(node, len(node.items), new)
        return text

    def in_flow(self, path: Path) -> bool:
        """Whether what is at a path stands within braces or brackets."""
        found = [_find(self.root, path[:length]) for length in range(len(path))]
        return any(isinstance(node, Mapping | Sequence) and node.flow for node in found)

    def column(self, at: int) -> int:
        """How far a position is from the start of its line."""
        return at - self.line_start(at)

    def line_start(self, at: int) -> int:
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def line_end(self, at: int) -> int:
        """Where the line of a position ends, its break included."""
        found = re.compile(r"\r\n|[\n\r]").search(self.text, at)
        return len(self.text) if found is None else found.end()

    def overwrite(self, path: Path, old: Node, value: Node) -> str:
        """Another value in the place of one; the comment behind it stays."""
        flow = self.in_flow(path)
        start, end = old.start, old.end
        tail = ""
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1  # a literal block takes its line break with it
        if start == end:  # nothing was there
            start = end = self.behind_colon(path)
            tail = " "
        if isinstance(value, Scalar) or flow or not self.is_large(value):
            written = inline(value) if flow or not isinstance(value, Scalar) else scalar_text(value)
            return self.patched(_Patch(start, end, (tail + written).rstrip() if written else ""))
        return self.overwrite_with_block(path, old, value, start, end)

    def overwrite_with_block(self, path: Path, old: Node, value: Node, start: int, end: int) -> str:
        key = self.key_at(path)
        if key is None:  # an entry of a list
            return self.patched(_Patch(start, end, inline(value)))
        lines = self.lines_of(value, self.column(key.start) + 2)
        colon = self.behind_colon(path)
        if old.place.line == key.place.line or old.start == old.end:
            stop = self.line_end(end)
            rest = self.text[end:stop].rstrip()
            head = self.text[:colon] + (f" {rest.strip()}" if rest.strip() else "")
            return head + self.newline + lines + self.text[stop:]
        stop = self.line_end(end)
        return self.text[: self.line_start(old.start)] + lines + self.text[stop:]

    def key_at(self, path: Path) -> Scalar | None:
        parent = _find(self.root, path[:-1])
        return parent.key(path[-1]) if isinstance(parent, Mapping) and isinstance(path[-1], str) else None

    def behind_colon(self, path: Path) -> int:
        """The position behind the colon of a key, or behind the dash of an entry."""
        key = self.key_at(path)
        if key is not None:
            return self.text.index(":", key.end) + 1
        node = _find(self.root, path)
        assert node is not None, "only what is there is overwritten"
        return max(node.start, self.text.rfind("-", 0, node.start + 1) + 1)

    @staticmethod
    def is_large(value: Node) -> bool:
        """Whether a value is written over several lines in block style."""
        if isinstance(value, Scalar):
            return False
        values = value.items if isinstance(value, Sequence) else tuple(v for _, v in value.items)
        nested = any(not isinstance(v, Scalar) and v.items for v in values)
        return bool(values) and (nested or len(inline(value)) > 80)

    def lines_of(self, value: Node, indent: int) -> str:
        """A collection as lines of block style, indented."""
        pad = " " * indent
        if isinstance(value, Sequence):
            # written as the value of a key, whose line is then left out
            written = write(Mapping(((Scalar("x", "x"), value),)))
            body = written.split("\n", 1)[1] if not written.startswith("x: ") else f"  - {written[3:]}"
            lines = [line[2:] for line in body.rstrip("\n").split("\n")]
        else:
            lines = write(value).rstrip("\n").split("\n")
        return "".join(f"{pad}{line}{self.newline}" for line in lines)

    # --- adding

    def add(self, path: Path, value: Node) -> str:
        """A key that is not there yet, with all that is missing on the way."""
        depth = len(path)
        while _find(self.root, path[: depth - 1]) is None:
            depth -= 1
        for name in reversed(path[depth:]):
            if isinstance(name, int):
                raise EditError(f"there is no entry {name} at {_shown(path)}")
            value = Mapping(((Scalar(name, name), value),))
        parent_path, name = path[: depth - 1], path[depth - 1]
        parent = _find(self.root, parent_path)
        if isinstance(name, int):
            raise EditError(f"there is no entry {name} at {_shown(path)}")
        if isinstance(parent, Scalar) and parent.value is None:
            return self.overwrite_nothing(parent_path, Mapping(((Scalar(name, name), value),)))
        if not isinstance(parent, Mapping):
            raise EditError(f"{name!r} is asked of what has no keys")
        if not parent.items:
            wanted = Mapping(((Scalar(name, name), value),))
            if not parent_path:
                return self.with_end() + self.lines_of(wanted, 0)
            return self.patched(_Patch(parent.start, parent.end, inline(wanted)))
        if parent.flow or self.in_flow(parent_path):
            last = parent.items[-1][1]
            return self.patched(_Patch(last.end, last.end, f", {quote_key(name, True)}: {inline(value)}"))
        return self.add_line(parent, name, value)

    def overwrite_nothing(self, path: Path, value: Mapping) -> str:
        """Keys below a key that says nothing yet."""
        key = self.key_at(path)
        if self.in_flow(path) or key is None:
            at = self.behind_colon(path)
            return self.patched(_Patch(at, at, f" {inline(value)}"))
        stop = self.line_end(key.end)
        before = self.text[:stop]
        before += "" if before.endswith(("\n", "\r")) else self.newline
        return before + self.lines_of(value, self.column(key.start) + 2) + self.text[stop:]

    def add_line(self, parent: Mapping, name: str, value: Node) -> str:
        indent = self.column(parent.items[0][0].start)
        stop = self.end_of(parent)
        before = self.text[:stop]
        before += "" if before.endswith(("\n", "\r")) or not before else self.newline
        pad, head = " " * indent, f"{quote_key(name, False)}:"
        if isinstance(value, Scalar):
            line = f"{pad}{head} {scalar_text(value)}".rstrip() + self.newline
        elif self.is_large(value):
            line = f"{pad}{head}{self.newline}" + self.lines_of(value, indent + 2)
        else:
            line = f"{pad}{head} {inline(value)}{self.newline}"
        return before + line + self.text[stop:]

    def with_end(self) -> str:
        """The text, ended by a line break."""
        return self.text if not self.text or self.text.endswith(("\n", "\r")) else self.text + self.newline

    def end_of(self, node: Node) -> int:
        """Where the last line of a block ends, with the comment behind it."""
        last = node
        key: Scalar | None = None
        while isinstance(last, Mapping | Sequence) and last.items and not last.flow:
            if isinstance(last, Mapping):
                key, last = last.items[-1]
            else:
                key, last = None, last.items[-1]
        end = max(last.end, key.end) if key is not None else last.end
        if end > 0 and self.text[end - 1 : end] in ("\n", "\r"):
            return end  # a literal block ends behind its line break
        return self.line_end(end)

    def insert(self, node: Sequence, position: int, value: Node) -> str:
        """An entry in a list."""
        if node.flow:
            if not node.items:
                return self.patched(_Patch(node.start, node.end, f"[{inline(value)}]"))
            if position == len(node.items):
                end = node.items[-1].end
                return self.patched(_Patch(end, end, f", {inline(value)}"))
            start = node.items[position].start
            return self.patched(_Patch(start, start, f"{inline(value)}, "))
        indent = self.column(node.start)
        lines = self.lines_of(Sequence((value,)), indent)
        if position == len(node.items):
            stop = self.end_of(node)
            before = self.text[:stop]
            before += "" if before.endswith(("\n", "\r")) else self.newline
            return before + lines + self.text[stop:]
        dash = self.dash_before(node, position)
        start = self.line_start(dash)
        if self.text[start:dash].strip():  # `- - a`: the line begins with another entry
            raise EditError("a list within the line of another cannot be edited safely")
        return self.text[:start] + lines + self.text[start:]

    def dash_before(self, node: Sequence, position: int) -> int:
        floor = node.start if position == 0 else node.items[position - 1].end
        at = self.text.find("-", floor, node.items[position].start + 1)
        while at >= 0 and "#" in self.text[self.line_start(at) : at]:
            at = self.text.find("-", self.line_end(at), node.items[position].start + 1)
        if at < 0:
            raise EditError("the entry is written in a way that cannot be edited safely")
        return at

    # --- removing

    def remove(self, path: Path) -> str:
        """The text without what is at a path."""
        parent = _find(self.root, path[:-1])
        name = path[-1]
        if isinstance(parent, Mapping):
            index = next(i for i, (key, _) in enumerate(parent.items) if key.text == name)
            parts = [(key.start, max(key.end, value.end)) for key, value in parent.items]
        else:
            assert isinstance(parent, Sequence), "the path was found"
            assert isinstance(name, int), "the path was found"
            index = name
            parts = [(item.start, item.end) for item in parent.items]
        if parent.flow:
            return self.remove_in_flow(parent, parts, index)
        if len(parts) == 1 and len(path) > 1:
            return self.remove_only(parent)
        start = parts[index][0] if isinstance(parent, Mapping) else self.dash_before(parent, index)
        node = parent.items[index][1] if isinstance(parent, Mapping) else parent.items[index]
        stop = self.end_of(node) if node.start != node.end else self.line_end(parts[index][1])
        line = self.line_start(start)
        before = self.text[line:start]
        if not before.strip():
            return self.text[:line] + self.text[stop:]
        # the first key in the line of a dash: the next key takes its place there
        if index + 1 >= len(parts):
            raise EditError("the entry is written in a way that cannot be edited safely")
        following = parts[index + 1][0]
        between = self.text[stop : self.line_start(following)]
        return self.text[:line] + between + before + self.text[following:]

    def remove_in_flow(self, parent: Node, parts: list[tuple[int, int]], index: int) -> str:
        start, end = parts[index]
        if len(parts) == 1:
            if self.text[parent.start] not in "{[":  # `[a: 1]`, a pair without braces
                raise EditError("a pair without braces cannot be edited safely")
            return self.patched(_Patch(parent.start + 1, parent.end - 1, ""))
        if index + 1 < len(parts):
            return self.patched(_Patch(start, parts[index + 1][0], ""))
        return self.patched(_Patch(parts[index - 1][1], end, ""))

    def remove_only(self, parent: Node) -> str:
        """The only entry of a block: what is left says nothing."""
        start = parent.start
        line = self.line_start(start)
        stop = self.end_of(parent)
        if not self.text[line:start].strip():
            return self.text[:line] + self.text[stop:]
        return self.text[:start].rstrip(" ") + self.newline + self.text[stop:]
