"""What stands on the wire between a browser's Yjs and the room? The messages of the y-protocols, and the updates.

Every byte from outside is read here, strictly, before anything else sees it: an update for a text document holds
texts, deletions and gaps, and nothing else (no maps, no embedded things, no marks). So noise is refused with a
reason in microseconds, and never reaches the library that merges updates, which is entitled to trust them.

Formats: y-protocols PROTOCOL.md (sync, awareness, auth) and Yjs INTERNALS.md (update, version 1). A message of type
100 is our own: `saved`, the first how many updates of this connection are on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = [
    "EMPTY",
    "Deleted",
    "Message",
    "Presence",
    "State",
    "Update",
    "WireError",
    "denied",
    "read_message",
    "read_presence",
    "read_state",
    "read_update",
    "saved",
    "step1",
    "step2",
    "update",
    "written_presence",
]

SYNC, AWARENESS, AUTH, SAVED = 0, 1, 2, 100
_STEP1, _STEP2, _UPDATE = 0, 1, 2
_GC, _DELETED, _STRING, _SKIP = 0, 1, 4, 10

_STEPS: dict[int, Literal["step1", "step2", "update"]] = {_STEP1: "step1", _STEP2: "step2", _UPDATE: "update"}

EMPTY = b"\x00\x00"
"""The update that says nothing."""
MOST_NUMBER = 2**53 - 1
"""No number is larger: so far a browser counts exactly."""

State: TypeAlias = dict[int, int]
"""How many characters of each client a document has, its state vector."""


class WireError(ValueError):
    """A message that is none; the text says why."""


# --- numbers and texts ------------------------------------------------------------------------------------------


class _Reader:
    """Reads numbers, bytes and texts, one after the other."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self) -> int:
        found = shift = 0
        while True:
            if self.at >= len(self.data):
                raise WireError("it ends within a number")
            byte = self.data[self.at]
            self.at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 49:
                raise WireError("a number is too long")
        if found > MOST_NUMBER:
            raise WireError("a number is too large")
        return found

    def byte(self) -> int:
        if self.at >= len(self.data):
            raise WireError("it ends too early")
        self.at += 1
        return self.data[self.at - 1]

    def bytes(self) -> bytes:
        length = self.number()
        if length > len(self.data) - self.at:
            raise WireError("it ends too early")
        self.at += length
        return self.data[self.at - length : self.at]

    def text(self) -> str:
        try:
            return self.bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise WireError("a text is no UTF-8") from None

    def end(self) -> None:
        if self.at != len(self.data):
            raise WireError("there is something behind its end")


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _bytes(data: bytes) -> bytes:
    return _number(len(data)) + data


# --- messages ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """What came: a question for what is missing (`step1`, with a state vector), the answer to such a question
    (`step2`, an update with all of it), an update, or what browsers say of themselves (`presence`).
    """

    kind: Literal["step1", "step2", "update", "presence"]
    data: bytes


def read_message(data: bytes) -> Message:
    """The message in a frame. Raises `WireError`."""
    reader = _Reader(data)
    kind = reader.number()
    if kind == SYNC:
        step = reader.number()
        if step not in _STEPS:
            raise WireError(f"a sync message is of kind {_STEP1}, {_STEP2} or {_UPDATE}, not {step}")
        message = Message(_STEPS[step], reader.bytes())
    elif kind == AWARENESS:
        message = Message("presence", reader.bytes())
    else:
        raise WireError(f"nobody sends messages of type {kind} to the room")
    reader.end()
    return message


def step1(state: bytes) -> bytes:
    """The message that asks for all that this state vector lacks."""
    return bytes((SYNC, _STEP1)) + _bytes(state)


def step2(data: bytes) -> bytes:
    """The message that answers such a question."""
    return bytes((SYNC, _STEP2)) + _bytes(data)


def update(data: bytes) -> bytes:
    """The message that brings an update."""
    return bytes((SYNC, _UPDATE)) + _bytes(data)


def denied(reason: str) -> bytes:
    """The message that says that an update was not taken."""
    return bytes((AUTH, 0)) + _bytes(reason.encode("utf-8"))


def saved(count: int) -> bytes:
    """The message that says that the first so many updates that a connection has sent are durable."""
    return bytes((SAVED,)) + _number(count)


# --- updates ----------------------------------------------------------------------------------------------------


def read_state(data: bytes) -> State:
    """A state vector. Raises `WireError`."""
    reader = _Reader(data)
    found = {reader.number(): reader.number() for _ in range(_count(reader, 2))}
    reader.end()
    return found


@dataclass(frozen=True, slots=True)
class Deleted:
    """Characters of a client that are deleted: `length` of them from `start`."""

    client: int
    start: int
    length: int


@dataclass(slots=True)
class Update:
    """What an update holds: from where to where it has each client's characters, which characters of others must be
    there already, and what it deletes.
    """

    ranges: dict[int, tuple[int, int]] = field(default_factory=dict)
    needs: State = field(default_factory=dict)
    deleted: list[Deleted] = field(default_factory=list)
    characters: int = 0  # of text

    def need(self, client: int, upto: int) -> None:
        if self.needs.get(client, 0) < upto:
            self.needs[client] = upto

    def fits(self, state: State) -> bool:
        """Whether a document of this state has all that the update builds on."""

        def has(client: int, upto: int) -> bool:
            start, end = self.ranges.get(client, (0, 0))
            known = state.get(client, 0)
            return upto <= (max(known, end) if start <= known else known)

        return (
            all(start <= state.get(client, 0) for client, (start, _) in self.ranges.items())
            and all(has(client, upto) for client, upto in self.needs.items())
            and all(has(one.client, one.start + one.length) for one in self.deleted)
        )

    def after(self, state: State) -> State:
        """The state of such a document once it has the update."""
        new = {c: end for c, (_, end) in self.ranges.items() if end > state.get(c, 0)}
        return {**state, **new}


def read_update(data: bytes, root: str) -> Update:
    """What an update (version 1) for the text called `root` holds. Raises `WireError` for anything else."""
    reader, found = _Reader(data), Update()
    for _ in range(_count(reader, 4)):
        structs, client, clock = reader.number(), reader.number(), reader.number()
        if client in found.ranges:
            raise WireError("a client stands in it twice")
        if structs > len(data):
            raise WireError("it has more parts than bytes")
        start = clock
        for _ in range(structs):
            clock += _struct(reader, found, root)
            if clock > MOST_NUMBER:
                raise WireError("a number is too large")
        found.ranges[client] = (start, clock)
    for _ in range(_count(reader, 2)):
        client = reader.number()
        for _ in range(_count(reader, 2)):
            found.deleted.append(Deleted(client, reader.number(), reader.number()))
    reader.end()
    return found


def _count(reader: _Reader, least: int) -> int:
    """A number of things that take at least so many bytes each."""
    count = reader.number()
    if count * least > len(reader.data) - reader.at:
        raise WireError("it has more parts than bytes")
    return count


def _struct(reader: _Reader, found: Update, root: str) -> int:
    """Read one run of characters; how many it has."""
    info = reader.byte()
    kind = info & 0x1F
    if kind == _SKIP:
        raise WireError("it has a gap, and only whole updates are taken")
    if kind == _GC:
        if info != _GC:
            raise WireError("a removed part has no neighbours")
        return _positive(reader.number())
    if info & 0x20:
        raise WireError("a text has no keys")
    for side in (0x80, 0x40):
        if info & side:
            client, clock = reader.number(), reader.number()
            found.need(client, clock + 1)
    if not info & 0xC0:
        if reader.number() == 1:
            if reader.text() != root:
                raise WireError("it is for another document")
        else:
            raise WireError("it is for a part of a document that has none")
    if kind == _DELETED:
        return _positive(reader.number())
    if kind == _STRING:
        text = reader.text()
        length = len(text) + sum(character > "\uffff" for character in text)  # as JavaScript counts
        found.characters += length
        return _positive(length)
    raise WireError(f"a text holds characters, not content of kind {kind}")


def _positive(length: int) -> int:
    if length < 1:
        raise WireError("a part of it is empty")
    return length


# --- presence ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Presence:
    """What one browser says of itself, as JSON text; `clock` counts how often it did."""

    client: int
    clock: int
    state: str


def read_presence(data: bytes) -> Iterator[Presence]:
    """The entries of an awareness update. Raises `WireError`."""
    reader = _Reader(data)
    entries = [Presence(reader.number(), reader.number(), reader.text()) for _ in range(_count(reader, 3))]
    reader.end()
    return iter(entries)


def written_presence(entries: list[Presence]) -> bytes:
    """The message with such entries."""
    data = _number(len(entries)) + b"".join(
        _number(one.client) + _number(one.clock) + _bytes(one.state.encode("utf-8")) for one in entries
    )
    return bytes((AWARENESS,)) + _bytes(data)
