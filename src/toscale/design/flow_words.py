"""How are the small grammars of flows read? Conditions, amounts, locks, causes, rates: one function each.

Each function takes the reader, the node and what it is called in messages; it returns a part of the model,
or None after it has added a problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, cast

from toscale.design.flow import (
    AttributePath,
    Breaker,
    Chance,
    ClosedLoop,
    Comparator,
    Comparison,
    Condition,
    Event,
    FlowDone,
    Hedge,
    HeldSet,
    HeldState,
    Optional,
    Over,
    Retry,
    ShapedRate,
    Trace,
)
from toscale.design.parts import Formula
from toscale.design.problems import quoted
from toscale.design.reader import Reader
from toscale.design.source import Mapping, Node, Scalar

__all__ = ["FLOW_WORDS", "RATE_PARTS", "amount", "comparator_in", "condition", "event", "held_set"]

_PATH = re.compile(r"[^\W\d][\w ]*(\.[^\W\d][\w ]*)+")
_COMPARATOR = re.compile(r"<=|>=|!=|==|<|>|=")


def comparator_in(text: str, start: int = 0) -> tuple[int, int, str] | None:
    """The first comparator of a text: where it begins and ends, and what it is."""
    found = _COMPARATOR.search(text, start)
    return None if found is None else (found.start(), found.end(), found[0])


# --- amounts and paths --------------------------------------------------------------------------------------


def held_set(reader: Reader, node: Scalar) -> HeldSet | None:
    """`those whose hold is over`, `seat whose hold is over`."""
    found = re.fullmatch(r"(.+?) whose (.+) is over", node.text)
    if not found:
        reader.wrong(
            "TS404", node, f"{quoted(node.text)} cannot be understood.", "Write `ENTITY whose HOLD is over`."
        )
        return None
    entity = (
        None
        if found[1] == "those"
        else reader.known(found[1], ("entity",), reader.part(node, *found.span(1)))
    )
    if entity is None and found[1] != "those":
        return None
    if not term(reader, found[2], node, found.start(2)):
        return None
    return HeldSet(entity, found[2], node.place)


def term(reader: Reader, name: str, node: Scalar, start: int) -> bool:
    """Whether something that is held has this name, or this term."""
    names = reader.names
    if name in names.terms or name in names.entities:
        sort = "estimate" if name in names.terms else "entity"
        reader.refer(sort, name, reader.part(node, start, start + len(name)))
        return True
    mend = reader.did_you_mean(
        name,
        (*names.terms, *names.entities),
        "It is a bounded thing of `data`, or the estimate in the `for:` of a `take`.",
    )
    place = reader.part(node, start, start + len(name))
    reader.wrong("TS206", place, f"Nothing that is held is called {quoted(name)}.", mend)
    return False


def amount(reader: Reader, node: Node, what: str) -> Formula | AttributePath | HeldSet | None:
    """How many: a formula, a number of the request's data, or those whose hold is over."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    if scalar.text.endswith(" is over"):
        return held_set(reader, scalar)
    if _PATH.fullmatch(scalar.text) and scalar.text not in reader.names.estimates:
        return reader.attribute(scalar.text, scalar.place)
    return reader.formula(scalar, "number", what)


def attribute(reader: Reader, node: Node, what: str) -> AttributePath | None:
    """A path such as `message.conversation`."""
    scalar = reader.scalar(node, what)
    return None if scalar is None else reader.attribute(scalar.text, scalar.place)


# --- conditions ---------------------------------------------------------------------------------------------


def condition(reader: Reader, node: Scalar) -> Condition | None:
    """The condition of a branch or of a repetition."""
    text = node.text
    if text.endswith(" of the time"):
        end = len(text) - len(" of the time")
        share = reader.formula_in(node, 0, end, "share", "A chance")
        return None if share is None else Chance(share, node.place)
    if text == "answered":
        return HeldState("answered", place=node.place)
    for pattern, state in (
        (r"no (.+) is left", "none left"),
        (r"(.+) is taken", "taken"),
        (r"(.+) is free", "free"),
    ):
        found = re.fullmatch(pattern, text)
        if found:
            place = reader.part(node, *found.span(1))
            entity = reader.known(found[1], ("entity",), place)
            return None if entity is None else HeldState(cast("Any", state), entity, place=node.place)
    found = re.fullmatch(r"(.+) has an? (.+)", text)
    if found:
        return _connected(reader, node, found)
    found_sign = comparator_in(text)
    if found_sign is None:
        reader.wrong(
            "TS404",
            node,
            f"{quoted(text)} is no condition.",
            "Write `60% of the time`, `post.author.followers > 10k`, `seat is taken`, `no seat is left`, "
            "`recipient has a socket` or `answered`.",
        )
        return None
    start, end, sign = found_sign
    if sign == "==":
        reader.wrong("TS404", reader.part(node, start, end), "Equality is written `=`.", "Write `=`.")
        return None
    left = reader.formula_in(node, 0, start, "any", "The left side of a condition")
    right = reader.formula_in(node, end, len(text), "any", "The right side of a condition")
    if left is None or right is None:
        return None
    return Comparison(left, cast("Comparator", sign), right, node.place)


def _connected(reader: Reader, node: Scalar, found: re.Match[str]) -> HeldState | None:
    connection = reader.known(found[2], ("connection",), reader.part(node, *found.span(2)))
    who = found[1]
    reader.refer_to_someone(who, reader.part(node, *found.span(1)))
    known = {**reader.items, **reader.names.actors, **reader.names.entities}
    if who not in known:
        mend = reader.did_you_mean(who, known, "Name the items of the `each` around it with `as:`.")
        reader.wrong(
            "TS206", reader.part(node, *found.span(1)), f"Nothing is called {quoted(who)} here.", mend
        )
        return None
    return None if connection is None else HeldState("connected", who, connection, node.place)


def until(reader: Reader, node: Node, what: str) -> tuple[Condition, ...]:
    scalars = (reader.scalar(item, what) for item in reader.items_of(node, what))
    conditions = (condition(reader, scalar) for scalar in scalars if scalar is not None)
    return tuple(found for found in conditions if found is not None)


# --- words of a step ----------------------------------------------------------------------------------------


def optional(reader: Reader, node: Node, what: str) -> Optional | None:
    """`true`, or `after 40 ms`."""
    scalar = reader.scalar(node, what)
    if scalar is None or scalar.value is False:
        return None
    if scalar.value is True:
        return Optional(place=node.place)
    if scalar.text.startswith("after "):
        after = reader.formula_in(scalar, len("after "), len(scalar.text), "time", what)
        return None if after is None else Optional(after, node.place)
    reader.wrong(
        "TS104",
        node,
        f"{what} is `true` or `after TIME`, not {quoted(scalar.text)}.",
        "Write `optional: true`.",
    )
    return None


def over(reader: Reader, node: Node, what: str) -> Over | None:
    """`socket`, `socket of recipient`."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    name, separator, of = scalar.text.partition(" of ")
    known = reader.known(name, ("connection",), reader.part(scalar, 0, len(name)))
    if separator:
        everybody = {**reader.items, **reader.names.actors, **reader.names.entities}
        start = len(name) + len(separator)
        place = reader.part(scalar, start, start + len(of))
        reader.refer_to_someone(of, place)
        if of not in everybody:
            mend = reader.did_you_mean(of, everybody, "Name the items of the `each` around it with `as:`.")
            reader.wrong("TS206", place, f"Nothing is called {quoted(of)} here.", mend)
            return None
    return None if known is None else Over(known, of or None, node.place)


def locks(reader: Reader, node: Node, what: str) -> tuple[str, ...]:
    """`per seat`, or several of them."""
    found: list[str] = []
    for item in reader.items_of(node, what):
        scalar = reader.scalar(item, what)
        if scalar is None:
            continue
        if not scalar.text.startswith("per "):
            reader.wrong(
                "TS104", item, f"{what} says by which key, not {quoted(scalar.text)}.", "Write `per ENTITY`."
            )
            continue
        name = scalar.text.removeprefix("per ").strip()
        place = reader.part(scalar, len(scalar.text) - len(name), len(scalar.text))
        known = reader.known(name, ("entity", "actor"), place)
        if known is not None:
            found.append(known)
    return tuple(found)


def busy(reader: Reader, node: Node, _what: str) -> str | None:
    return reader.word(node, ("wait", "refuse"), "way to be busy")


def copy(reader: Reader, node: Node, _what: str) -> bool | None:
    word = reader.word(node, ("a copy", "the primary"), "place to read from")
    return None if word is None else word == "a copy"


def join(reader: Reader, node: Node, what: str) -> Formula | str | None:
    scalar = reader.scalar(node, what)
    if scalar is None or scalar.text in ("all", "any"):
        return None if scalar is None else scalar.text
    return reader.formula(scalar, "number", what)


def bound(reader: Reader, node: Node, what: str) -> tuple[str, Formula] | None:
    """`5 times` or `2 hours`."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    for ending in (" times", " time"):
        if scalar.text.endswith(ending):
            times = reader.formula_in(scalar, 0, len(scalar.text) - len(ending), "number", what)
            return None if times is None else ("times", times)
    time = reader.formula(scalar, "time", what)
    return None if time is None else ("time", time)


def breaker_threshold(reader: Reader, node: Node, what: str) -> tuple[Formula, Formula] | None:
    """`50% errors over 1 s`."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    found = re.fullmatch(r"(.+) errors over (.+)", scalar.text)
    if not found:
        reader.wrong(
            "TS104",
            node,
            f"{what} says which share of errors over which time.",
            "Write `50% errors over 1 s`.",
        )
        return None
    share = reader.formula_in(scalar, *found.span(1), "share", what)
    time = reader.formula_in(scalar, *found.span(2), "time", what)
    return None if share is None or time is None else (share, time)


# --- what starts a flow -------------------------------------------------------------------------------------


def event(reader: Reader, node: Scalar, start: int, end: int) -> FlowDone | Event | None:
    """A flow that is done, or `socket opens`, `socket closes`, `hold ends`, in a range of a scalar's text."""
    piece = node.text[start:end]
    start += len(piece) - len(piece.lstrip())
    text = piece.strip()
    place = reader.part(node, start, start + len(text))
    if text in reader.names.flows:
        reader.refer("flow", text, place)
        return FlowDone(text, place)
    subject, _, happens = text.rpartition(" ")
    at = reader.part(node, start, start + max(len(subject), 1))
    if subject and happens in ("opens", "closes"):
        known = reader.known(subject, ("connection",), at)
        return None if known is None else Event(known, cast("Literal['opens', 'closes']", happens), place)
    if subject and happens == "ends":
        return Event(subject, "ends", place) if term(reader, subject, node, start) else None
    known = reader.known(text, ("flow",), place)
    return None if known is None else FlowDone(known, place)


def causes(reader: Reader, node: Node, what: str) -> tuple[FlowDone | Event, ...]:
    scalars = (reader.scalar(item, what) for item in reader.items_of(node, what))
    found = (event(reader, scalar, 0, len(scalar.text)) for scalar in scalars if scalar is not None)
    return tuple(cause for cause in found if cause is not None)


def points(reader: Reader, node: Node, what: str) -> tuple[tuple[Formula, Formula], ...] | None:
    """Times with relative rates."""
    mapping = reader.mapping(node, what)
    if mapping is None:
        return None
    found = []
    for key, value in mapping.items:
        time = reader.formula(key, "time", "A time of the shape")
        rate = reader.formula(value, "number", "A relative rate")
        if time is not None and rate is not None:
            found.append((time, rate))
    if len(mapping.items) < 2:
        reader.wrong("TS104", node, "A shape needs two points at least.", "Write `{0 s: 0, 10 min: 1}`.")
        return None
    return tuple(found) if len(found) == len(mapping.items) else None


def rate(reader: Reader, node: Node, what: str) -> object:
    """A rate, or a mapping that says how it varies."""
    if isinstance(node, Mapping):
        return reader.part_of(node, "rate", None)
    return reader.formula(node, "rate", what)


def _rate_part(reader: Reader, node: Mapping, values: dict[str, Any]) -> object:
    sorts: dict[str, Callable[[], object]] = {
        "total": lambda: ShapedRate(values["total"], values["shape"], node.place),
        "trace": lambda: Trace(values["trace"], node.place),
        "users": lambda: ClosedLoop(values["users"], values["think"], node.place),
    }
    wanted = {"total": ("total", "shape"), "trace": ("trace",), "users": ("users", "think")}
    given = [sort for sort in sorts if node.get(sort) is not None]
    if len(given) != 1:
        reader.wrong(
            "TS108" if given else "TS103",
            node,
            "A rate that varies is a `total` with a `shape`, a `trace`, or `users` that `think`: one of them.",
            "Write `{total: 10M, shape: {0 s: 0, 10 min: 1}}`, `{trace: FILE}` or `{users: 500, think: 5 s}`.",
        )
        return None
    (sort,) = given
    for word in wanted[sort]:
        if node.get(word) is None:
            reader.wrong("TS103", node, f"A rate by `{sort}` needs `{word}` too.", f"Add `{word}: ...`.")
    for key, _ in node.items:
        if key.text not in wanted[sort]:
            reader.wrong("TS108", key, f"`{key.text}` does not go with `{sort}`.", "Remove it.")
    return sorts[sort]() if all(word in values for word in wanted[sort]) else None


# --- parts made from their values ---------------------------------------------------------------------------


def _repeat(_reader: Reader, _node: Mapping, values: dict[str, Any]) -> dict[str, Any]:
    most = values.pop("at_most", None)
    if most is not None:
        values[f"at_most_{'times' if most[0] == 'times' else 'time'}"] = most[1]
    return values


def _breaker(_reader: Reader, node: Mapping, values: dict[str, Any]) -> Breaker:
    share, time = values["opens_at"]
    return Breaker(share, time, values["tries_again_after"], values.get("at_least"), node.place)


FLOW_WORDS: dict[str, Callable[[Reader, Node, str], Any]] = {
    "amount": amount,
    "attribute": attribute,
    "bound": bound,
    "breaker_threshold": breaker_threshold,
    "busy": busy,
    "causes": causes,
    "copy": copy,
    "join": join,
    "locks": locks,
    "optional": optional,
    "over": over,
    "points": points,
    "rate": rate,
    "until": until,
}
"""The readers of this module, by the names that `shapes.Custom` uses."""

RATE_PARTS: dict[str, Callable[[Reader, Mapping, dict[str, Any]], Any]] = {
    "breaker": _breaker,
    "hedge": lambda _, node, values: Hedge(place=node.place, **values),
    "rate": _rate_part,
    "repeat": _repeat,
    "retry": lambda _, node, values: Retry(place=node.place, **values),
}
"""What makes the parts of flows from their values, by the names of their shapes."""
