"""How is a session kept, and rebuilt? As an append-only log of events, each a line of JSON.

A line is `{"seq": 7, "at": 1764000000000, "by": 2, "type": "asked", "version": 1, "data": {...}}`. Numbers count
from 1 without a gap, and time never goes back. Replaying the log gives the state that was live, to the last
field. An event of a type, or of a version, that is not known is refused: a state without it would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from toscale.design.problems import quoted
from toscale.interview.codec import (
    CodecError,
    Moment,
    Number,
    kind_of,
    object_from,
    parse,
    plain,
    written,
)
from toscale.interview.events import EVENTS, Event
from toscale.interview.state import State, apply

__all__ = ["LogError", "Session", "UnknownEvent", "decode", "encode", "event_from", "event_values", "replay"]


class LogError(ValueError):
    """A log that cannot be replayed; the message names the event and says why."""


class UnknownEvent(LogError):
    """An event that this ToScale does not know, as a newer one may have written it."""


@dataclass(frozen=True, slots=True)
class Session:
    """A state with its place in the log: the number and the moment of the last event, 0 before the first."""

    state: State = field(default_factory=State)
    seq: int = 0
    at: int = 0

    def after(self, event: Event) -> Session:
        """The session after one more event. Raises `LogError` if it does not follow."""
        if event.seq != self.seq + 1:
            raise LogError(
                f"event {event.seq} does not follow event {self.seq}: one is missing, or came twice"
            )
        if event.at < self.at:
            raise LogError(f"event {event.seq} is of {event.at}, before event {self.seq} of {self.at}")
        try:
            return Session(apply(self.state, event), event.seq, event.at)
        except ValueError as error:
            raise LogError(f"event {event.seq} ({event.what.NAME}) does not fit: {error}") from None


def replay(events: Iterable[Event], start: Session | None = None) -> Session:
    """The session after all events, from the beginning or from a session. Raises `LogError`."""
    session = start or Session()
    for event in events:
        session = session.after(event)
    return session


# --- JSON ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    seq: Number
    at: Moment
    by: Number | None


def event_values(event: Event) -> dict[str, object]:
    """An event as JSON values."""
    what = event.what
    return {
        "seq": event.seq,
        "at": event.at,
        "by": event.by,
        "type": what.NAME,
        "version": what.VERSION,
        "data": plain(what),
    }


def event_from(values: object, where: str = "an event") -> Event:
    """The event in JSON values. Raises `UnknownEvent` for a type or a version from elsewhere, and `CodecError`
    for what is wrong with a known one.
    """
    if not isinstance(values, dict):
        raise CodecError(f"{where} must be an object, not {kind_of(values)}")
    rest = {key: value for key, value in values.items() if key not in ("type", "version", "data")}
    for key in ("type", "version", "data"):
        if key not in values:
            raise CodecError(f"{where} lacks `{key}`")
    line = object_from(_Line, rest, where)
    name, version = values["type"], values["version"]
    where = f"event {line.seq}"
    if not isinstance(name, str):
        raise CodecError(f"{where}: type must be a text, not {kind_of(name)}")
    if type(version) is not int or version < 1:
        raise CodecError(f"{where}: version must be a number from 1")
    made = EVENTS.get(name)
    if made is None:
        raise UnknownEvent(
            f"{where} is of the type {quoted(name)}, which this version of ToScale does not know: a newer one wrote "
            "the log. Read it with that one."
        )
    if version != made.VERSION:
        raise UnknownEvent(
            f"{where} ({name}) is in version {version}, and this version of ToScale reads version {made.VERSION}. "
            "Read the log with the ToScale that wrote it."
        )
    return Event(line.seq, line.at, line.by, object_from(made, values["data"], f"{where} ({name})"))


def encode(event: Event) -> str:
    """An event as a line of the log, without the line's end."""
    return written(event_values(event))


def decode(line: str | bytes) -> Event:
    """The event in a line of the log. Raises `CodecError` or `UnknownEvent`."""
    return event_from(parse(line))
