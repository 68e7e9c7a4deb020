"""How is a design built by a program, and written as text? Plain Python values in the form of the file, and
YAML.

`from_dict` takes dictionaries, lists, texts and numbers as the file would have them; the same checks run
over them. `to_yaml` gives back the text that a design was read from, comments and all; for one that was
built it writes the values in the style of the examples.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence as AnySequence

from toscale.design.load import read_design
from toscale.design.model import Design
from toscale.design.source import MOST_DEPTH, Mapping, Node, Scalar, Sequence, plain, resolve

__all__ = ["from_dict", "node_of", "quote", "to_dict", "to_yaml", "write"]


def from_dict(values: AnyMapping[str, object], file: str = "<values>") -> Design:
    """The design in plain values. Raises `DesignError` if it has errors, TypeError for values that no file
    could have.

    The values are written as text first and read from it, so that a problem's place is one in
    `design.source.text`.
    """
    return read_design(write(node_of(values)), file).sound()


def to_dict(design: Design) -> dict[str, object]:
    """The design as plain values, in the form and the order of the file."""
    if design.source is None:
        raise ValueError("a design that was put together part by part has no source: use Design.from_dict")
    return {} if design.source.root is None else dict(plain(design.source.root))


def to_yaml(design: Design) -> str:
    """The text of a design: as it was read, comments and all, or written from its nodes if it was changed."""
    source = design.source
    if source is None:
        raise ValueError("a design that was put together part by part has no source: use Design.from_dict")
    root = source.root
    read = read_design(source.text, source.file).design
    if read is not None and read.source is not None and read.source.root == root:
        return source.text
    return "" if root is None else write(root)


def node_of(value: object, depth: int = 0) -> Node:
    """A plain value as a node. Raises TypeError for what no file could have."""
    if depth > MOST_DEPTH:
        raise TypeError(f"the values are nested deeper than {MOST_DEPTH} levels")
    if isinstance(value, Scalar | Mapping | Sequence):
        return value
    if value is None:
        return Scalar(None, "")
    if isinstance(value, bool):
        return Scalar(value, "true" if value else "false")
    if isinstance(value, int | float):
        if isinstance(value, float) and not math.isfinite(value):
            raise TypeError(f"{value} is no number that a design can have")
        return Scalar(value, _number(value))
    if isinstance(value, str):
        return Scalar(value, value, quoted=resolve(value) != value if value else True)
    if isinstance(value, AnyMapping):
        items = ((_key(key), node_of(inner, depth + 1)) for key, inner in value.items())
        return Mapping(tuple(items))
    if isinstance(value, AnySequence):
        return Sequence(tuple(node_of(inner, depth + 1) for inner in value))
    raise TypeError(f"{type(value).__name__} is no value that a design can have")


def _number(value: float) -> str:
    return repr(value)


def _key(key: object) -> Scalar:
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise TypeError(f"a key is a text, not {type(key).__name__}")
    return Scalar(str(key), str(key))


# --- writing ------------------------------------------------------------------------------------------------


_WIDTH = 110
_PLAIN = re.compile(
    r"[^\s\-?:,\[\]{}#&*!|>'\"%@`][^\n\r\t]*|-[^\s\-?:,\[\]{}#&*!|>'\"%@`][^\n\r\t]*|[-?:](?=\S)[^\n\r\t]*"
)


def quote(text: str, in_flow: bool = False) -> str:
    """The text as a YAML scalar that reads as this text: plain where it can be, else in double quotes."""
    fits = (
        _PLAIN.fullmatch(text) is not None
        and text == text.strip()
        and ": " not in text
        and " #" not in text
        and not text.endswith(":")
        and text.isprintable()
        and not re.match(r"(---|\.\.\.)(\s|$)", text)
        and not (in_flow and re.search(r"^[?:]|[,\[\]{}]", text))
        and resolve(text) == text
    )
    if fits:
        return text
    escaped = "".join(_escape(character) for character in text)
    return f'"{escaped}"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def write(root: Node) -> str:
    """The nodes as YAML: short collections in one line, as a person would write them. Reads back to equal
    nodes.
    """
    if isinstance(root, Mapping) and root.items:
        return "".join(f"{line}\n" for line in _block(root, ""))
    return f"{inline(root)}\n"


def scalar_text(node: Scalar, in_flow: bool = False) -> str:
    """A scalar as it is written."""
    if isinstance(node.value, str):
        return quote(node.value, in_flow)
    if node.value is None:
        return "null" if in_flow else ""
    return node.text


def inline(node: Node) -> str:
    """The node in one line."""
    if isinstance(node, Scalar):
        return scalar_text(node, in_flow=True)
    if isinstance(node, Sequence):
        return f"[{', '.join(inline(item) for item in node.items)}]"
    return "{" + ", ".join(f"{quote(key.text, True)}: {inline(value)}" for key, value in node.items) + "}"


def _is_small(node: Node) -> bool:
    """Whether a collection is written in one line: few plain values, nothing nested deeply."""
    if isinstance(node, Scalar):
        return True
    values = node.items if isinstance(node, Sequence) else tuple(value for _, value in node.items)
    return not values or (
        len(inline(node)) <= _WIDTH - 30 and all(isinstance(v, Scalar) or not _has_mapping(v) for v in values)
    )


def _has_mapping(node: Node) -> bool:
    return isinstance(node, Mapping) or (
        isinstance(node, Sequence) and any(not isinstance(item, Scalar) for item in node.items)
    )


def _block(node: Node, indent: str) -> list[str]:
    lines: list[str] = []
    if isinstance(node, Mapping):
        for key, value in node.items:
            lines += _entry(f"{indent}{quote(key.text)}:", value, indent + "  ", top=not indent)
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Mapping) and item.items and not (_is_small(item) and len(item.items) > 1):
                inner = _block(item, indent + "  ")
                lines += [f"{indent}- {inner[0].lstrip()}", *inner[1:]]
            else:
                lines.append(f"{indent}- {_in_line(item)}")
    return lines


def _in_line(node: Node) -> str:
    return scalar_text(node) if isinstance(node, Scalar) else inline(node)


def _entry(head: str, value: Node, indent: str, top: bool) -> list[str]:
    if isinstance(value, Scalar):
        return [f"{head} {scalar_text(value)}".rstrip()]
    if not value.items or (not top and _is_small(value) and not _is_steps(value)):
        return [f"{head} {inline(value)}"]
    return [head, *_block(value, indent)]


def _is_steps(node: Node) -> bool:
    return isinstance(node, Sequence) and any(isinstance(item, Mapping) for item in node.items)
