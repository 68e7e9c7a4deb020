"""What is the state of a session, and what does each event do to it? `apply` is the only way from one to the next.

A state follows from its events alone, so a log rebuilds it. What someone may see is a state too: that of the
events they may see (`view`). Therefore `apply` never asks for what an event's audience could lack.

An event that does not fit the state it comes to raises ValueError: `decide` makes no such event, so the log
was damaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from toscale.architecture.agreement import Accord, Prints
from toscale.interview import events as e
from toscale.interview.clock import Clock
from toscale.interview.phases import Schedule
from toscale.interview.roles import Role, SessionKind, Viewer

__all__ = [
    "Answer",
    "Disclosure",
    "Fact",
    "FileMark",
    "Injection",
    "Invitation",
    "Note",
    "Participant",
    "Question",
    "State",
    "apply",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Participant:
    """Someone who is or was in the room. `invitation` is what they came by, where that may be seen."""

    number: int
    name: str
    role: Role
    host: bool
    invitation: int | None
    present: bool = True
    records: bool = False

    @property
    def viewer(self) -> Viewer:
        return Viewer(self.number, self.role, self.host)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation link, by number; its secret is the server's."""

    number: int
    role: Role
    host: bool
    label: str
    open: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in someone's own words, at a moment."""

    text: str
    by: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answers; the facts disclosed for it are among the disclosures."""

    number: int
    text: str
    by: int | None
    at: int
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A hidden fact, with the estimates that it sets."""

    number: int
    text: str
    sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A fact that is hidden no more. `fact` is its number, where that may be seen."""

    fact: int | None
    question: int | None
    text: str
    sets: tuple[str, ...]
    by: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Note:
    """A private note; `elapsed` is the running time that it is stamped with."""

    text: str
    by: int | None
    at: int
    elapsed: int


@dataclass(frozen=True, slots=True)
class FileMark:
    """The design by the fingerprints of its parts, at a revision of its text."""

    revision: str | None = None
    prints: Prints = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault, a surge, growth or a curveball, in effect from `at` until `cleared`."""

    number: int
    kind: e.InjectionKind
    text: str
    by: int | None
    at: int
    cleared: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A session. Things that have a number are in its order, from 1.

    `factor` is the accommodation in percent, None where it is not seen. The scorecard, and what a problem or
    the debrief add, will be fields here, each with the events that fill it.
    """

    kind: SessionKind | None = None
    title: str = ""
    factor: int | None = None
    clock: Clock = field(default_factory=lambda: Clock(Schedule.of()))
    participants: tuple[Participant, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    questions: tuple[Question, ...] = ()
    facts: tuple[Fact, ...] = ()
    disclosures: tuple[Disclosure, ...] = ()
    notes: tuple[Note, ...] = ()
    file: FileMark = field(default_factory=FileMark)
    accord: Accord[int | None] = field(default_factory=Accord)
    injections: tuple[Injection, ...] = ()

    @property
    def present(self) -> tuple[Participant, ...]:
        """Who is in the room."""
        return tuple(one for one in self.participants if one.present)

    @property
    def recording(self) -> bool:
        """Whether everyone in the room has agreed to be recorded; false in an empty room."""
        return bool(self.present) and all(one.records for one in self.present)

    def participant(self, number: int) -> Participant:
        """Raises ValueError if there is none of that number."""
        return _numbered(self.participants, number, "participant")


def apply(state: State, event: e.Event) -> State:
    """The state after an event. Raises ValueError if the event does not fit."""
    if (state.kind is None) is not isinstance(event.what, e.Opened):
        raise ValueError("a session is opened once, before all else")
    what, at, by = event.what, event.at, event.by
    match what:
        case e.Opened():
            schedule = Schedule(what.length, what.minima, what.maxima, what.plan)
            return replace(state, kind=what.kind, title=what.title, factor=what.factor, clock=Clock(schedule))
        case e.Started() | e.Moved() | e.Paused() | e.Resumed() | e.Lent() | e.Ended():
            return replace(state, clock=_clock(state.clock, what, at))
        case e.Invited() | e.InvitationClosed() | e.Joined() | e.Left() | e.RecordingChosen():
            return _room(state, what, by)
        case e.Asked() | e.Answered() | e.FactAdded() | e.Disclosed() | e.Noted():
            return _said(state, what, at, by)
        case e.Agreed() | e.Withdrew() | e.ConcernRaised() | e.ConcernAnswered() | e.ConcernReopened():
            return replace(state, accord=_accord(state, what, at, by))
        case e.Marked():
            kept = {path: own for path, own in state.file.prints.items() if path not in what.removed}
            return replace(state, file=FileMark(what.revision, {**kept, **what.changed}))
        case e.Thrown():
            new = Injection(what.injection, what.kind, what.text, by, at)
            return replace(state, injections=_added(state.injections, new, what.injection))
        case e.Cleared():
            old = _numbered(state.injections, what.injection, "injection")
            return replace(
                state, injections=_with(state.injections, what.injection, replace(old, cleared=at))
            )
        case _:
            raise ValueError(f"nothing is known of what a {type(what).__name__} does")


def _clock(clock: Clock, what: e.Happening, at: int) -> Clock:
    match what:
        case e.Started():
            return clock.started(at)
        case e.Moved():
            return clock.moved(what.phase, at)
        case e.Paused():
            return clock.paused(at)
        case e.Resumed():
            return clock.went_on(at)
        case e.Lent():
            return clock.lent(what.source, what.to, what.amount, at)
        case _:
            return clock.ended(at)


def _room(state: State, what: e.Happening, by: int | None) -> State:
    match what:
        case e.Invited():
            link = Invitation(what.invitation, what.role, what.host, what.label)
            return replace(state, invitations=_added(state.invitations, link, what.invitation))
        case e.InvitationClosed():
            closed = replace(_numbered(state.invitations, what.invitation, "invitation"), open=False)
            return replace(state, invitations=_with(state.invitations, what.invitation, closed))
        case e.Joined():
            new = Participant(what.participant, what.name, what.role, what.host, what.invitation)
            return replace(state, participants=_added(state.participants, new, what.participant))
        case e.Left():
            number, gone = what.participant, replace(state.participant(what.participant), present=False)
            return replace(state, participants=_with(state.participants, number, gone))
        case e.RecordingChosen():
            if by is None:
                raise ValueError("nobody chose")
            chosen = replace(state.participant(by), records=what.agreed)
            return replace(state, participants=_with(state.participants, by, chosen))
        case _:
            raise TypeError(type(what).__name__)


def _said(state: State, what: e.Happening, at: int, by: int | None) -> State:
    match what:
        case e.Asked():
            asked = Question(what.question, what.text, by, at)
            return replace(state, questions=_added(state.questions, asked, what.question))
        case e.Answered():
            old = _numbered(state.questions, what.question, "question")
            new = replace(old, answers=(*old.answers, Answer(what.text, by, at)))
            return replace(state, questions=_with(state.questions, what.question, new))
        case e.FactAdded():
            fact = Fact(what.fact, what.text, what.sets)
            return replace(state, facts=_added(state.facts, fact, what.fact))
        case e.Disclosed():
            if what.question is not None:
                _numbered(state.questions, what.question, "question")
            told = Disclosure(what.fact, what.question, what.text, what.sets, by, at)
            return replace(state, disclosures=(*state.disclosures, told))
        case e.Noted():
            note = Note(what.text, by, at, state.clock.elapsed(at))
            return replace(state, notes=(*state.notes, note))
        case _:
            raise TypeError(type(what).__name__)


def _accord(state: State, what: e.Happening, at: int, by: int | None) -> Accord[int | None]:
    accord = state.accord
    match what:
        case e.Agreed():
            return accord.agreed(by, what.sections, what.prints, at)
        case e.Withdrew():
            return accord.withdrawn(by, what.sections)
        case e.ConcernRaised():
            if what.concern != len(accord.concerns) + 1:
                raise ValueError(f"concern {what.concern} does not follow concern {len(accord.concerns)}")
            prints: Mapping[str, str] = {} if what.fingerprint is None else {what.subject: what.fingerprint}
            return accord.raised(by, what.subject, what.text, prints, at)
        case e.ConcernAnswered():
            return accord.answered(what.concern, by, what.text, at)
        case e.ConcernReopened():
            return accord.answered(what.concern, by, what.text, at, reopens=True)
        case _:
            raise TypeError(type(what).__name__)


def _numbered(things: tuple[T, ...], number: int, called: str) -> T:
    if not 1 <= number <= len(things):
        raise ValueError(f"there is no {called} {number}")
    return things[number - 1]


def _added(things: tuple[T, ...], new: T, number: int) -> tuple[T, ...]:
    if number != len(things) + 1:
        raise ValueError(f"number {number} does not follow number {len(things)}")
    return (*things, new)


def _with(things: tuple[T, ...], number: int, new: T) -> tuple[T, ...]:
    return (*things[: number - 1], new, *things[number:])
