"""What is different in another design? What was added, removed and changed, in the words of the file.

Only meaning counts: comments, the order of keys, the layout, agreements and how a number is written make no
difference, as they make none to a fingerprint. The order of steps and of lists is meaning. Each difference is
said of the smallest part that it is true of: of `replicas`, not of the component that has them.

A part is known by its name; one that was renamed is one removed and one added. Steps and entries of lists, which
have no keys, are aligned: what is the same in both stays, and of the rest those with the same head, such as
`edge > app`, are compared with each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from toscale.design.build import inline
from toscale.design.fingerprint import fingerprint, fingerprints
from toscale.design.model import Design
from toscale.design.parts import Formula, Time
from toscale.design.source import Mapping, Node, Scalar
from toscale.design.source import Sequence as Listing
from toscale.design.step_reader import find_head
from toscale.quantity.errors import QuantityError
from toscale.quantity.grammar import parse
from toscale.quantity.times import parse_time_expression

__all__ = ["Difference", "differences"]

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that is not in both designs, or not the same.

    `path` leads to it through the keys of the file, and through the heads of steps and entries; `what` is said of
    the part at its end. `subject` names the part that has a name of its own, as ``component `app` ``, and `key`
    what is different in it, empty where that is all of it. `before` and `after` are as written, in one line; None
    where the part is missing.
    """

    path: Path
    what: Literal["added", "removed", "changed"]
    subject: str
    key: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        said = self.subject if not self.key else f"{self.subject}: {self.key}"
        gap = " " if self.key else ": "
        if self.before is None or self.after is None:
            value = self.after if self.before is None else self.before
            return said if value is None or self.path[-1] == value.strip("{}") else f"{said}{gap}{value}"
        return f"{said}{gap}{self.before} → {self.after}"


def differences(before: Design, after: Design) -> tuple[Difference, ...]:
    """All differences in meaning, in the order of the sections of a file; none between equal designs.

    Raises ValueError for a design without a source, as one that was put together part by part.
    """
    then, now = fingerprints(before), fingerprints(after)
    sections = [name for name in _SECTIONS if then.get(name) != now.get(name)]
    roots = tuple(_root(design) for design in (before, after))
    found: list[Difference] = []
    for section in sections:
        pair = _Pair(before, after, section)
        found += pair.differences(roots[0].get(section), roots[1].get(section))
    return tuple(found)


_SECTIONS = tuple(
    name for name in Design.__dataclass_fields__ if name not in ("layout", "agreements", "source", "problems")
)

_NOUNS: dict[Path, str] = {
    ("estimates",): "estimate",
    ("components",): "component",
    ("connections",): "connection",
    ("flows",): "flow",
    ("focus",): "focus",
    ("api",): "endpoint",
    ("data",): "entity",
    ("decisions",): "decision",
    ("faults",): "fault",
    ("prices",): "price",
    ("refinements",): "refinement",
    ("network",): "network",
    ("requirements", "users"): "actor",
    ("requirements", "questions"): "question",
    ("requirements", "functional"): "requirement",
    ("requirements", "non_functional"): "requirement",
    ("requirements", "extra"): "extra requirement",
    ("requirements", "out_of_scope"): "out of scope",
    ("requirements", "suggestions"): "suggestion",
}
"""What the entries of a section, or of a part of one, are called; other sections are named by their keys."""


def _root(design: Design) -> Mapping:
    if design.source is None:
        raise ValueError("a design that was put together part by part has no source: use Design.from_dict")
    root = design.source.root
    return root if isinstance(root, Mapping) else Mapping(())


class _Pair:
    """One section in two designs whose meaning differs."""

    def __init__(self, before: Design, after: Design, section: str) -> None:
        self.models = getattr(before, section), getattr(after, section)
        self.section = section
        self.callable: dict[str, object] = {}
        for design in (before, after):
            self.callable |= {**design.components, **design.requirements.users}

    def differences(self, old: Node | None, new: Node | None) -> list[Difference]:
        for exact in (False, True):
            self.exact = exact
            found = list(self.walk((self.section,), old, new))
            if found:
                return found
        # its nodes are the same, and what they mean is not: a name that it uses has come to mean another thing
        return [self.said((self.section,), old, new)]

    def same(self, old: Node, new: Node) -> bool:
        if self.exact:
            return old == new and inline(old) == inline(new)
        return _meaning(old) == _meaning(new)

    def walk(self, path: Path, old: Node | None, new: Node | None) -> Iterator[Difference]:
        """The differences at a path and below it."""
        if _is_nothing(old) and _is_nothing(new):
            return
        at_names = path in _NOUNS or path == ("requirements",)
        if at_names and not (isinstance(old, Scalar | Listing) or isinstance(new, Scalar | Listing)):
            old, new = old or Mapping(()), new or Mapping(())
        if at_names and (isinstance(old, Listing) or isinstance(new, Listing)):
            old, new = old or Listing(()), new or Listing(())
        if old is None or new is None or _is_nothing(old) or _is_nothing(new):
            yield self.said(path, old, new)
        elif self.same(old, new):
            return
        elif isinstance(old, Mapping) and isinstance(new, Mapping):
            names = dict.fromkeys(key.text for key, _ in (*old.items, *new.items))
            for name in names:
                if not self.same_in_model((*path, name)):
                    yield from self.walk((*path, name), old.get(name), new.get(name))
        elif not at_names and _of_scalars(old) and _of_scalars(new):
            yield self.said(path, old, new)
        elif isinstance(old, Listing) or isinstance(new, Listing):
            yield from self.align(path, _entries(old), _entries(new))
        else:
            yield self.said(path, old, new)

    def same_in_model(self, path: Path) -> bool:
        """Whether the part is in both models and means the same there, however it is written."""
        found = [_in_model(model, path[1:]) for model in self.models]
        return None not in found and fingerprint(found[0]) == fingerprint(found[1])

    def align(self, path: Path, old: Sequence[Node], new: Sequence[Node]) -> Iterator[Difference]:
        """The differences of two lists."""
        keys = [[_meaning(node) for node in nodes] for nodes in (old, new)]
        for what, i, j, k, m in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
            if what == "equal" and not self.exact:
                continue
            left, right = list(old[i:j]), list(new[k:m])
            for node in left:
                head = self.head(node)
                twin = next((other for other in right if self.head(other) == head), None)
                if twin is None:
                    yield self.said((*path, head), node, None)
                    continue
                right.remove(twin)
                yield from self.walk((*path, head), node, twin)
            for node in right:
                yield self.said((*path, self.head(node)), None, node)

    def head(self, node: Node) -> str:
        """What an entry of a list is known by: the name or the head of a step, the question, the text."""
        if not isinstance(node, Mapping):
            return inline(node)
        named = node.get("name") or node.get("ask") or node.get("assume") or node.get("text")
        if isinstance(named, Scalar):
            return named.text
        key = find_head(node, self.callable)
        if key is None:
            return inline(node)
        value = node.get(key.text)
        # a call of a store is known by what it does; how long work takes may change
        named_by_value = isinstance(value, Scalar) and " > " not in key.text and not _is_quantity(value)
        return f"{key.text}: {value.text}" if named_by_value and isinstance(value, Scalar) else key.text

    def said(self, path: Path, old: Node | None, new: Node | None) -> Difference:
        before, after = (None if _is_nothing(node) or node is None else inline(node) for node in (old, new))
        what: Literal["added", "removed", "changed"] = (
            "added" if before is None else "removed" if after is None else "changed"
        )
        subject, key = _words(path)
        return Difference(path, what, subject, key, before, after)


_OF_TEXTS = ("focus", "refinement", "extra requirement", "out of scope")
"""Entries that are their own text."""


def _words(path: Path) -> tuple[str, str]:
    """The part that has a name, and what is different in it."""
    length = next((length for length in (2, 1) if path[:length] in _NOUNS), 1)
    noun = _NOUNS.get(path[:length], path[0].replace("_", " "))
    if path[:length] not in _NOUNS or noun == "network":
        return noun, " ".join(path[1:])
    if len(path) == length:
        return noun, ""
    name, rest = path[length], path[length + 1 :]
    if noun in _OF_TEXTS:
        return f"{noun}: {name}", ""
    subject = f"{noun} `{name}`"
    steps = [at for at in range(1, len(rest)) if rest[at - 1] in _STEP_LISTS]
    if noun != "flow" or not steps:
        return subject, " ".join(rest)
    last = steps[-1]
    subject += f", step `{rest[last]}`"
    if len(steps) > 1:
        outcome = rest[last - 1]
        subject += (
            f" in `{rest[steps[-2]]}`" if outcome == "then" else f" on {outcome} of `{rest[steps[-2]]}`"
        )
    inner = rest[last + 1 :]
    return subject, "" if inner == rest[last : last + 1] else " ".join(inner)


_STEP_LISTS = frozenset(
    ("steps", "then", "else", "miss", "refused", "failed", "timed out", "busy", "in vain", "parallel")
)
"""Keys under which steps stand."""


# --- nodes --------------------------------------------------------------------------------------------------


def _is_nothing(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.value is None)


def _entries(node: Node) -> tuple[Node, ...]:
    """The entries of a list; a single value stands for a list of one."""
    return node.items if isinstance(node, Listing) else (node,)


def _of_scalars(node: Node) -> bool:
    return isinstance(node, Scalar) or (
        isinstance(node, Listing) and all(isinstance(item, Scalar) for item in node.items)
    )


def _in_model(part: object, path: Path) -> object:
    """The part of the model that a name leads to; None where its names are not those of the file."""
    for name in path:
        if isinstance(part, AnyMapping):
            part = part.get(name)
        elif hasattr(type(part), "__dataclass_fields__"):
            part = getattr(part, name, None)
        else:
            return None
    return part


def _quantity(text: str) -> str | None:
    """The meaning of a number, a formula or a time; None for any other text."""
    try:
        return fingerprint(Formula(text, parse(text)))
    except QuantityError:
        pass
    try:
        return fingerprint(Time(text, parse_time_expression(text)))
    except QuantityError:
        return None


def _is_quantity(node: Scalar) -> bool:
    return isinstance(node.value, int | float) or _quantity(node.text) is not None


def _meaning(node: Node) -> str:
    """A text that is the same for all ways to write a node."""
    if isinstance(node, Scalar):
        if node.value is None or isinstance(node.value, bool):
            return repr(node.value)
        return _quantity(node.text) or " ".join(node.text.split())
    if isinstance(node, Listing):
        return f"[{', '.join(_meaning(item) for item in node.items)}]"
    return "{" + ", ".join(sorted(f"{key.text!r}: {_meaning(value)}" for key, value in node.items)) + "}"
