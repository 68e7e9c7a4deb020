"""How is the text of a design read? By PyYAML's C parser into nodes that know where they stand, and nothing is built from it.

The scalars are resolved by the core schema of YAML 1.2: only `true` and `false` are booleans, so that `on`, `yes`, `12:30` and `1_000`
stay what they look like. Whatever bytes come in, what comes out is nodes or problems.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from toscale.design.parts import NOWHERE, Place

__all__ = ["Mapping", "Node", "Scalar", "Sequence", "Source"]

Plain: TypeAlias = "str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `text` is as written, without quotes; `start` and `end` are the range in the source, in characters."""

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
    """A text with its name and its nodes; `root` is None when the text is empty."""

    file: str
    text: str
    root: Node | None
