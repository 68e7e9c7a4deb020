"""How is the section `data` read? Entities: fields with types, relations, popularity, bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, cast

from toscale.design.model import Bound, Entity, Field, FieldType, HasMany, Keep, Popularity, Share
from toscale.design.parts import Formula
from toscale.design.problems import listed, quoted
from toscale.design.reader import Reader
from toscale.design.source import Mapping, Node, Scalar, Sequence
from toscale.design.vocabulary import FIELD_TYPES, SHAPES

__all__ = ["DATA_PARTS", "DATA_WORDS", "entity"]

_TYPE = re.compile(r"([a-z]+)(?:\((~?)([0-9]{1,9})\))?")
_SIZED = ("string", "bytes", "uri", "json", "decimal")


def entity(reader: Reader, node: Node, what: str) -> Entity | None:
    """An entity; `stored in: nowhere here` is no component."""
    mapping = reader.mapping(node, what)
    if mapping is None:
        return None
    stored = mapping.get("stored in")
    elsewhere = isinstance(stored, Scalar) and stored.text == "nowhere here"
    kept = tuple((k, v) for k, v in mapping.items if not (elsewhere and k.text == "stored in"))
    values = reader.shape(replace(mapping, items=kept), SHAPES["entity"]) or {}
    values["fields"] = fields(reader, mapping.get("fields"))
    check_fields(reader, mapping, values["fields"], values.get("keep"))
    bound = None
    if "at_most" in values:
        bound = Bound(
            at_most=values.pop("at_most"),
            refills=values.pop("refills", None),
            held_for=values.pop("held_for", None),
            waiting=values.pop("waiting", None),
            place=mapping.place,
        )
    for word in ("refills", "for", "waiting"):
        key = mapping.key(word)
        if key is not None and bound is None:
            values.pop("held_for" if word == "for" else word, None)
            reader.wrong(
                "TS103",
                key,
                f"`{word}` belongs to a bounded thing.",
                "Say how many there may be: `at most: 1`.",
            )
    return Entity(name="", elsewhere=elsewhere, bound=bound, place=mapping.place, **values)


def fields(reader: Reader, node: Node | None) -> dict[str, Field]:
    """The fields with their types: `string(7) key`, `uuid`, or the name of an entity."""
    found: dict[str, Field] = {}
    for key, value in node.items if isinstance(node, Mapping) else ():
        if not isinstance(value, Scalar) or value.value is None or not reader.name(key, "a field"):
            continue
        text = value.text.strip()
        is_key = text.endswith(" key")
        text = text.removesuffix(" key").strip()
        if text in reader.names.entities:
            start = value.text.index(text)
            reader.refer("entity", text, reader.part(value, start, start + len(text)))
            found[key.text] = Field(name=key.text, reference=text, key=is_key, place=value.place)
            continue
        match = _TYPE.fullmatch(text)
        if match is None or match[1] not in FIELD_TYPES:
            word = match[1] if match else text
            mend = reader.did_you_mean(word, (*FIELD_TYPES, *reader.names.entities))
            types = ", ".join(f"`{name}`" for name in FIELD_TYPES)
            reader.wrong(
                "TS409",
                value,
                f"{quoted(text)} is neither a type nor an entity.",
                mend or f"Types are {types}.",
            )
            continue
        if match[3] and match[1] not in _SIZED:
            reader.wrong("TS409", value, f"A `{match[1]}` has no length.", f"Write `{match[1]}`.")
            continue
        kind = FieldType(match[1], int(match[3]) if match[3] else None, match[2] == "~")
        found[key.text] = Field(name=key.text, type=kind, key=is_key, place=value.place)
    return found


def check_fields(reader: Reader, node: Mapping, known: dict[str, Field], kept: Keep | None) -> None:
    """Indexes and the shard's key are fields; what is kept per owner, is so of something that is known."""
    keep_node = node.get("keep")
    owner = kept.per if kept is not None else None
    owners = {**known, **reader.names.actors, **reader.names.entities}
    if owner is not None and owner not in owners and isinstance(keep_node, Scalar):
        place = reader.part(keep_node, keep_node.text.rindex(owner), len(keep_node.text))
        mend = reader.did_you_mean(owner, owners, "It is a field, an entity or an actor.")
        reader.wrong("TS206", place, f"Nothing is called {quoted(owner)} here.", mend)
    if not known:
        return
    for word in ("indexes", "shard by"):
        for item in _scalars(node.get(word)):
            if item.text not in known:
                mend = reader.did_you_mean(item.text, known, f"Fields are {listed(known)}.")
                reader.wrong("TS206", item, f"There is no field {quoted(item.text)}.", mend)


def _scalars(node: Node | None) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node] if node.value is not None else []
    if isinstance(node, Sequence):
        return [found for item in node.items for found in _scalars(item)]
    return []


def index(_reader: Reader, node: Node, _what: str) -> tuple[str, ...]:
    """One field, or a list of fields that make one index."""
    return tuple(item.text for item in _scalars(node))


def popularity(reader: Reader, node: Node, what: str) -> Popularity | None:
    """`zipf(0.95) over 50M`, `uniform`, `zipf(0.8) over those that are free`."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    shape, separator, over = scalar.text.partition(" over ")
    found = re.fullmatch(r"(zipf)\((.+)\)|(uniform)", shape.strip())
    if not found:
        reader.wrong(
            "TS104",
            node,
            f"{quoted(scalar.text)} is no popularity.",
            "Write `zipf(0.9) over 50M` or `uniform`.",
        )
        return None
    exponent = (
        reader.formula_in(scalar, *found.span(2), "number", "The exponent of zipf") if found[1] else None
    )
    if found[1] and exponent is None:
        return None
    start = len(shape) + len(separator)
    asked: Formula | Literal["free"] | None = None
    if over.strip() == "those that are free":
        asked = "free"
    elif over:
        asked = reader.formula_in(scalar, start, len(scalar.text), "number", "How many are asked for")
    return Popularity(cast("Any", found[1] or found[3]), exponent, asked, node.place)


_NUMBER_SHAPES = ("geometric", "poisson", "lognormal", "pareto", "uniform")


def number_shape(reader: Reader, node: Node, what: str) -> tuple[str, Formula | None] | None:
    """`geometric`, `pareto(1.2)`."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    found = re.fullmatch(r"pareto\((.+)\)", scalar.text)
    if found:
        tail = reader.formula_in(scalar, *found.span(1), "number", "The tail of pareto")
        return None if tail is None else ("pareto", tail)
    if scalar.text == "pareto":
        reader.wrong("TS104", node, "A pareto needs the exponent of its tail.", "Write `pareto(1.2)`.")
        return None
    word = reader.word(node, _NUMBER_SHAPES, "shape of a number")
    return None if word is None else (word, None)


def has_many(reader: Reader, node: Mapping, values: dict[str, Any]) -> HasMany:
    """A relation: exactly so many, a mean with a shape, or a mixture."""
    given = [word for word in ("exactly", "mean", "one of") if node.get(word) is not None]
    if len(given) > 1:
        said = f"A relation has one of {listed(given)}."
        reader.wrong("TS108", node, said, "Remove the others.")
    shape, tail = values.pop("shape", (None, None))
    shares = tuple(
        Share(share=part["share"], number=part["number"])
        for part in values.pop("one_of", ())
        if part is not None
    )
    return HasMany(shape=shape, tail=tail, one_of=shares, place=node.place, **values)


def mixture(_reader: Reader, node: Mapping, values: dict[str, Any]) -> dict[str, Any]:
    share = values.pop("share")
    shape, tail = values.pop("shape", (None, None))
    return {"share": share, "number": HasMany(shape=shape, tail=tail, place=node.place, **values)}


def keep(reader: Reader, node: Node, what: str) -> Keep | None:
    """`500 per reader`, `30 days`."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    number, separator, owner = scalar.text.partition(" per ")
    if separator and owner.strip() not in (
        "s",
        "second",
        "min",
        "minute",
        "hour",
        "day",
        "week",
        "month",
        "year",
    ):
        amount = reader.formula_in(scalar, 0, len(number), "number", what)
        start = scalar.text.rindex(owner.strip())
        reader.refer_to_someone(owner.strip(), reader.part(scalar, start, len(scalar.text)))
        return None if amount is None else Keep(amount, owner.strip(), place=node.place)
    time = reader.formula(scalar, "time", what)
    return None if time is None else Keep(time=time, place=node.place)


DATA_WORDS: dict[str, Callable[[Reader, Node, str], Any]] = {
    "index": index,
    "keep": keep,
    "number_shape": number_shape,
    "popularity": popularity,
}
"""The readers of this module, by the names that `shapes.Custom` uses."""

DATA_PARTS: dict[str, Callable[[Reader, Mapping, dict[str, Any]], Any]] = {
    "has_many": has_many,
    "mixture": mixture,
}
"""What makes the parts of entities from their values, by the names of their shapes."""
