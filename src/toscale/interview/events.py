"""What can happen in a session? Each event, with its name and its version in the log.

An event says what happened, not what was asked for: it holds what was decided (the bounds in milliseconds,
the number a question got), so that rules that change later never change an old session. What becomes visible
to someone later is carried by the event that makes it visible; no event changes its audience. Who sees which
event is in `roles`, what an event does in `state`, JSON in `log`.

A new event is a class here, its line in `roles.AUDIENCES`, and its case in `state`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar, dataclass_transform

from toscale.interview.codec import Amount, Line, Moment, Number, Path, Prose, Within
from toscale.interview.phases import Phase
from toscale.interview.roles import Role, SessionKind

__all__ = [
    "EVENTS",
    "Agreed",
    "Answered",
    "Asked",
    "Cleared",
    "ConcernAnswered",
    "ConcernRaised",
    "ConcernReopened",
    "Disclosed",
    "Ended",
    "Event",
    "FactAdded",
    "Fingerprint",
    "Happening",
    "InjectionKind",
    "InvitationClosed",
    "Invited",
    "Joined",
    "Left",
    "Lent",
    "Marked",
    "Moved",
    "Noted",
    "Opened",
    "Paused",
    "RecordingChosen",
    "Resumed",
    "Started",
    "Withdrew",
    "Thrown",
]

Fingerprint: TypeAlias = Annotated[str, Within(1, 64)]
InjectionKind: TypeAlias = Literal["fault", "surge", "growth", "curveball"]
"""A fault or a surge in the words of the design file, a multiple such as `10x`, or a requirement that changes."""

_Four = tuple[Amount, Amount, Amount, Amount]


EVENTS: dict[str, type[Happening]] = {}
"""Every event by its type in the log."""


class Happening:
    """What an event says. `NAME` is its type in the log and `VERSION` that of its fields."""

    NAME: ClassVar[str]
    VERSION: ClassVar[int]


_Made = TypeVar("_Made", bound=type[Happening])


@dataclass_transform(frozen_default=True)
def _event(name: str, version: int = 1) -> Callable[[_Made], _Made]:
    """Make an event of a class: a frozen dataclass that the log knows by its name."""

    def make(made: _Made) -> _Made:
        made.NAME, made.VERSION = name, version
        EVENTS[name] = dataclass(frozen=True, slots=True)(made)
        return EVENTS[name]  # type: ignore[return-value]  # with slots it is another class of the same name

    return make


# --- the room -----------------------------------------------------------------------------------------------


@_event("opened")
class Opened(Happening):
    """The session exists, with its schedule. `factor` is the accommodation in percent, already within the
    times; None where it is not seen.
    """

    kind: SessionKind
    title: Line
    length: Amount
    minima: _Four
    maxima: _Four
    plan: _Four
    factor: Number | None


@_event("invited")
class Invited(Happening):
    """There is an invitation link. Its secret is not here: the server keeps a hash of it by this number."""

    invitation: Number
    role: Role
    host: bool
    label: Line


@_event("invitation_closed")
class InvitationClosed(Happening):
    """Nobody can join by an invitation any more; those whom that put out have `left` events of their own."""

    invitation: Number


@_event("joined")
class Joined(Happening):
    """Someone is in the room. `invitation` is seen by the host; None too for a program, which came by none."""

    participant: Number
    name: Line
    role: Role
    host: bool
    invitation: Number | None


@_event("left")
class Left(Happening):
    """Someone is out of the room for good; `removed` if their invitation was revoked."""

    participant: Number
    removed: bool


@_event("recording_chosen")
class RecordingChosen(Happening):
    """Someone agreed that the session is recorded, or no longer does."""

    agreed: bool


# --- the clock ----------------------------------------------------------------------------------------------


@_event("started")
class Started(Happening):
    """The clock runs, in the first phase."""


@_event("moved")
class Moved(Happening):
    """The present phase was left for another."""

    phase: Phase


@_event("paused")
class Paused(Happening):
    """No time passes."""


@_event("resumed")
class Resumed(Happening):
    """Time passes again."""


@_event("lent")
class Lent(Happening):
    """Minutes of the plan went from one phase to another; without a source the session got longer."""

    source: Phase | None
    to: Phase
    amount: Amount


@_event("ended")
class Ended(Happening):
    """The session is over."""


# --- what is said -------------------------------------------------------------------------------------------


@_event("asked")
class Asked(Happening):
    """A question about the problem."""

    question: Number
    text: Prose


@_event("answered")
class Answered(Happening):
    """An answer in someone's own words."""

    question: Number
    text: Prose


@_event("fact_added")
class FactAdded(Happening):
    """A fact about the problem that is hidden until it is asked for; `sets` names estimates."""

    fact: Number
    text: Prose
    sets: tuple[Line, ...]


@_event("disclosed")
class Disclosed(Happening):
    """A hidden fact is hidden no more. It carries the text; which of the hidden ones it was, interviewers see."""

    fact: Number | None
    question: Number | None
    text: Prose
    sets: tuple[Line, ...]


@_event("noted")
class Noted(Happening):
    """A private note of its author."""

    text: Prose


# --- the design ---------------------------------------------------------------------------------------------


@_event("marked")
class Marked(Happening):
    """The design came to mean something else. `revision` is by what the server finds the text again; `changed`
    holds the fingerprints that are new or other, by path, and `removed` the paths that are gone.
    """

    revision: Line
    changed: Mapping[Path, Fingerprint]
    removed: tuple[Path, ...]


@_event("agreed")
class Agreed(Happening):
    """Someone agreed to sections as they were: `prints` has their fingerprints, and those of their parts."""

    sections: tuple[Line, ...]
    prints: Mapping[Path, Fingerprint]


@_event("withdrew")
class Withdrew(Happening):
    """Someone no longer agrees to sections."""

    sections: tuple[Line, ...]


@_event("concern_raised")
class ConcernRaised(Happening):
    """A doubt about a part of the design, at the fingerprint that it had; None if it was missing."""

    concern: Number
    subject: Path
    text: Prose
    fingerprint: Fingerprint | None


@_event("concern_answered")
class ConcernAnswered(Happening):
    """What was said to a concern."""

    concern: Number
    text: Prose


@_event("concern_reopened")
class ConcernReopened(Happening):
    """What the answers to a concern left open."""

    concern: Number
    text: Prose


@_event("thrown")
class Thrown(Happening):
    """A fault, a surge, growth or a curveball was thrown into the running design."""

    injection: Number
    kind: InjectionKind
    text: Prose


@_event("cleared")
class Cleared(Happening):
    """What was thrown in is taken out again."""

    injection: Number


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the log: what happened, when by the server's clock, and who did it.

    `seq` counts from 1 without a gap. `by` is a participant's number, None for the server itself.
    """

    seq: Number
    at: Moment
    by: Number | None
    what: Happening
