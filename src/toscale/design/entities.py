"""What is stored, how many of it, how unequally is it asked for, and how many may there be at once? The
model of `data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from toscale.design.parts import NOWHERE, Formula, Place

__all__ = ["Bound", "Entity", "Field", "FieldType", "HasMany", "Keep", "Popularity", "Share"]


@dataclass(frozen=True, slots=True)
class FieldType:
    """`string(7)`, `string(~120)`, `uuid`, `integer`. `about` says that the length is an average, not a
    limit.
    """

    name: str
    length: int | None = None
    about: bool = False

    def __str__(self) -> str:
        return self.name if self.length is None else f"{self.name}({'~' if self.about else ''}{self.length})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of an entity. Either a `type`, or a `reference` to the entity that it names."""

    name: str
    type: FieldType | None = None
    reference: str | None = None
    key: bool = False
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Popularity:
    """How unequally the instances are asked for: `zipf(0.95) over 50M`, `uniform`.

    `over` is how many instances are asked for at all (None: all of them), or "free": those that nobody holds.
    """

    shape: Literal["zipf", "uniform"]
    exponent: Formula | None = None
    over: Formula | Literal["free"] | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One part of a mixture: this share of the instances has exactly so many, or a number by its own
    shape.
    """

    share: Formula
    number: HasMany


@dataclass(frozen=True, slots=True, kw_only=True)
class HasMany:
    """A relation whose number differs from one instance to the next: `exactly`, or a `mean` with a `shape`,
    or a mixture.

    `shape` is one of geometric, poisson, lognormal (with `p99`), pareto (with `tail`, its exponent), uniform.
    """

    of: str | None = None
    exactly: Formula | None = None
    mean: Formula | None = None
    shape: Literal["geometric", "poisson", "lognormal", "pareto", "uniform"] | None = None
    tail: Formula | None = None
    p99: Formula | None = None
    at_most: Formula | None = None
    one_of: tuple[Share, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How many there may be, of each and per what: a rate limit, a seat, a hold, a lease, a place in line.

    `refills` is a rate, up to `at_most`; `held_for` how long one is held at the longest; `waiting` that who
    finds none stands in line.
    """

    at_most: Formula
    refills: Formula | None = None
    held_for: Formula | None = None
    waiting: Literal["in order of arrival", "in random order"] | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept: a number `per` owner (the oldest goes when a new one comes), or all for a time."""

    number: Formula | None = None
    per: str | None = None
    time: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A kind of record: its fields, how many there are, how they are spread, how they are bounded.

    `elsewhere` is `stored in: nowhere here`: it belongs to another system. `per` holds entities or
    components: one for each.
    """

    name: str
    stored_in: str | None = None
    elsewhere: bool = False
    fields: Mapping[str, Field] = field(default_factory=dict)
    indexes: tuple[tuple[str, ...], ...] = ()
    size: Formula | None = None  # of one, by hand, instead of from its fields
    how_many: Formula | None = None
    shard_by: tuple[str, ...] = ()
    popularity: Popularity | None = None
    has_many: Mapping[str, HasMany] = field(default_factory=dict)
    each_has: Mapping[str, Formula] = field(default_factory=dict)
    per: tuple[str, ...] = ()
    bound: Bound | None = None
    keep: Keep | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)
