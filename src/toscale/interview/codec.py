"""How does a frozen dataclass become JSON, and back without believing a byte of it?

Reading is strict: a key too many or too few, a number for a text, a text that is too long or that no file can
hold, a key given twice are errors that name the place. Types are those of the dataclass's fields: `str`,
`int`, `bool`, an enum, a `Literal`, one of these or None, a tuple of them, a mapping from texts to texts;
`Annotated` with `Within` bounds them.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from toscale.design.problems import listed, nearest, quoted
from toscale.interview.times import LAST_MOMENT

__all__ = [
    "Amount",
    "CodecError",
    "Line",
    "Moment",
    "Number",
    "Path",
    "Prose",
    "Within",
    "kind_of",
    "object_from",
    "parse",
    "plain",
    "written",
]

T = TypeVar("T")

MOST_CHARACTERS = 8_000_000
"""No event is longer: not the first mark of the largest design, with every path in it."""
MOST_ENTRIES = 50_000
"""A list or a mapping has no more; a design has up to 2,000 names in each of its sections."""


class CodecError(ValueError):
    """JSON that is not what it should be; the message says where, why and what it could be."""


@dataclass(frozen=True, slots=True)
class Within:
    """The bounds of a number, or of the length of a text after its blanks are taken off its ends."""

    least: int
    most: int


Line = Annotated[str, Within(1, 200)]
"""A name, a title: one line."""
Path = Annotated[str, Within(1, 400)]
"""Names a part of a design: `components.cache`."""
Prose = Annotated[str, Within(1, 4_000)]
"""A text that someone wrote; it may have several lines."""
Number = Annotated[int, Within(1, 1_000_000)]
"""A thing's own number within a session, from 1."""
Moment = Annotated[int, Within(0, LAST_MOMENT)]
Amount = Annotated[int, Within(0, 48 * 60 * 60 * 1_000)]
"""A span of time in milliseconds."""


# --- writing ------------------------------------------------------------------------------------------------


def plain(value: object) -> Any:
    """A value as JSON has it: a dataclass as an object of its fields, a tuple as a list."""
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case tuple() | list():
            return [plain(one) for one in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} is no part of a session")


def written(value: object) -> str:
    """A value as JSON text, on one line, always the same for the same value."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


# --- reading ------------------------------------------------------------------------------------------------


def parse(text: str | bytes, most: int = MOST_CHARACTERS) -> Any:
    """The values in a JSON text. Raises `CodecError` for what is longer than `most`, no JSON, or has a key
    twice.
    """
    if len(text) > most:
        raise CodecError(f"{len(text):,} characters are more than {most:,}")
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except CodecError:
        raise
    except RecursionError:
        raise CodecError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise CodecError("it is no UTF-8") from None
    except ValueError as error:
        raise CodecError(f"it is no JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CodecError(f"the key {quoted(twice)} stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise CodecError(f"{name} is no number of JSON")


def object_from(made: type[T], value: object, where: str) -> T:
    """The dataclass `made` from the values of a JSON object; `where` names it in errors, as `event 3`."""
    of: Any = made
    known = _hints(of)
    if not isinstance(value, Mapping):
        raise CodecError(f"{where} must be an object, not {kind_of(value)}")
    for key in value:
        if key not in known:
            close = nearest(key, known) if isinstance(key, str) else None
            mend = f"did you mean {quoted(close)}?" if close else f"it has {listed(known) or 'no keys'}"
            raise CodecError(f"{where} has no {quoted(str(key))}: {mend}")
    missing = [name for name in known if name not in value]
    if missing:
        raise CodecError(f"{where} lacks {listed(missing)}")
    try:
        return made(**{name: _read(hint, value[name], f"{where}: {name}") for name, hint in known.items()})
    except CodecError:
        raise
    except ValueError as error:
        raise CodecError(f"{where}: {error}") from None


@cache
def _hints(made: Any) -> dict[str, Any]:
    hints = get_type_hints(made, include_extras=True)
    return {field.name: hints[field.name] for field in fields(made)}


def kind_of(value: object) -> str:
    """What a JSON value is, in a word."""
    names = {bool: "true or false", int: "a number", float: "a fraction", str: "a text", type(None): "null"}
    return names.get(type(value), "an object" if isinstance(value, Mapping) else "a list")


def _read(hint: Any, value: object, where: str) -> Any:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *marks = get_args(hint)
        return _bounded(_read(inner, value, where), marks[0], where)
    if origin in (Union, types.UnionType):
        (inner,) = (one for one in get_args(hint) if one is not type(None))
        return None if value is None else _read(inner, value, where)
    if origin is Literal:
        if not isinstance(value, str) or value not in get_args(hint):
            raise CodecError(f"{where} is {_said(value)}, and can be {listed(get_args(hint))}")
        return value
    if origin is tuple:
        return _tuple(get_args(hint), value, where)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(get_args(hint), value, where)
    if issubclass(hint, Enum):
        if not isinstance(value, str) or value not in {one.value for one in hint}:
            raise CodecError(f"{where} is {_said(value)}, and can be {listed(one.value for one in hint)}")
        return hint(value)
    if hint is str:
        return _text(value, where)
    if type(value) is not hint:
        raise CodecError(f"{where} must be {kind_of(hint())}, not {kind_of(value)}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise CodecError(f"{where} must be a text, not {kind_of(value)}")
    for character in value:
        if (character < " " and character not in "\n\t") or "\ud800" <= character <= "\udfff":
            raise CodecError(f"{where} holds U+{ord(character):04X}, which is no character of a text")
    return value


def _bounded(value: Any, bounds: Within, where: str) -> Any:
    if isinstance(value, str):
        if not bounds.least <= len(value.strip()) or len(value) > bounds.most:
            raise CodecError(f"{where} must have {bounds.least} to {bounds.most:,} characters")
    elif value is not None and not bounds.least <= value <= bounds.most:
        raise CodecError(f"{where} must be within {bounds.least:,} and {bounds.most:,}")
    return value


def _tuple(of: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise CodecError(f"{where} must be a list, not {kind_of(value)}")
    if len(of) == 2 and of[1] is ...:
        if len(value) > MOST_ENTRIES:
            raise CodecError(f"{where} has {len(value):,} entries; {MOST_ENTRIES:,} are the most")
        of = (of[0],) * len(value)
    elif len(value) != len(of):
        raise CodecError(f"{where} must have {len(of)} entries, not {len(value)}")
    pairs = enumerate(zip(of, value, strict=True))
    return tuple(_read(hint, one, f"{where}[{index}]") for index, (hint, one) in pairs)


def _mapping(of: tuple[Any, ...], value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise CodecError(f"{where} must be an object, not {kind_of(value)}")
    if len(value) > MOST_ENTRIES:
        raise CodecError(f"{where} has {len(value):,} keys; {MOST_ENTRIES:,} are the most")
    key_hint, value_hint = of
    return {
        _read(key_hint, key, f"a key of {where}"): _read(value_hint, one, f"{where}[{quoted(str(key))}]")
        for key, one in value.items()
    }


def _said(value: object) -> str:
    return quoted(value) if isinstance(value, str) else kind_of(value)
