"""What may stand where in a design file? Types of values, and shapes: which keys a mapping has, each with
its type.

The reader, the JSON Schema and the reference pages all use the shapes of `vocabulary` and `kinds_vocabulary`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "Custom",
    "Dimension",
    "Key",
    "Listing",
    "Part",
    "Quantity",
    "Ref",
    "Shape",
    "Table",
    "Text",
    "Type",
    "Varying",
    "Word",
    "YesNo",
]

Dimension: TypeAlias = Literal["number", "share", "time", "rate", "size", "bandwidth", "cost", "any"]
"""What a formula must come out as. A share is a number between 0 and 1, as `50%`; a cost is money over
something.
"""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A formula of the given dimension, or one of a few words."""

    dimension: Dimension
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Varying:
    """A time that differs from one request to the next."""


@dataclass(frozen=True, slots=True)
class Word:
    """One of a few words."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Any text; a number counts as its digits."""


@dataclass(frozen=True, slots=True)
class YesNo:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A name that is declared elsewhere in the file."""

    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list; a single value stands for a list of one."""

    of: Type


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping whose keys are names that the author chooses."""

    of: Type


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping of the shape of this name; with `short`, that key's value may stand alone for the whole."""

    shape: str
    short: str | None = None


@dataclass(frozen=True, slots=True)
class Custom:
    """A value with a grammar of its own, read by hand. `schema` names its definition in the JSON Schema."""

    schema: str


Type: TypeAlias = Quantity | Varying | Word | Text | YesNo | Ref | Listing | Table | Part | Custom


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a mapping: how it is written, its type, what it says, and the attribute of the model that
    takes it.
    """

    name: str
    type: Type
    doc: str
    field: str = ""
    required: bool = False

    @property
    def attribute(self) -> str:
        """The attribute of the model's class."""
        return self.field or self.name.replace(" ", "_")


class Shape:
    """The keys that a mapping may have. `what` names it in messages, with its article: "a retry"."""

    def __init__(self, what: str, *keys: Key) -> None:
        self.what = what
        self.keys = {key.name: key for key in keys}
