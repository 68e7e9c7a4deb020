"""What does a command come to? The events that it makes, or a refusal that says why and what to do instead.

`decide` is pure: the session, the command, who gives it, and the moment by the server's clock go in. Who may
do what is in `roles.MAY`; here is what else must be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from toscale.architecture.agreement import SECTIONS, section_of
from toscale.design.problems import listed, nearest, quoted
from toscale.interview import commands as c
from toscale.interview import events as e
from toscale.interview.clock import lendable
from toscale.interview.codec import CodecError, object_from, plain
from toscale.interview.events import Event, Happening
from toscale.interview.log import Session
from toscale.interview.phases import Schedule
from toscale.interview.roles import MAY, Role, SessionKind
from toscale.interview.state import Participant, State
from toscale.interview.times import SECOND, minutes

__all__ = ["MOST", "Refusal", "decide", "may", "open_session"]

Code: TypeAlias = Literal["role", "time", "value", "stale", "full"]

MOST: Mapping[str, int] = {
    "participants": 200,
    "invitations": 200,
    "questions": 1_000,
    "answers": 100,
    "facts": 500,
    "notes": 5_000,
    "concerns": 500,
    "injections": 500,
    "loans": 500,
}
"""So many a session holds of each; `answers` are those to one question or one concern."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command came to nothing: `why` is the cause and `instead` the mend, whole sentences.

    The code is `role` (not yours to do), `time` (not now), `value` (there is no such thing, or it cannot be),
    `stale` (it was so a moment ago) or `full`.
    """

    code: Code
    why: str
    instead: str = ""

    def __str__(self) -> str:
        return f"{self.why} {self.instead}".rstrip()


def open_session(
    kind: SessionKind,
    title: str,
    host: Role,
    now: int,
    *,
    schedule: Schedule | None = None,
    factor: int = 100,
) -> tuple[Event, ...]:
    """The first events of a session: it is opened, and the host's invitation is number 1.

    `factor` is what `schedule` was made with (`Schedule.of(length, factor)`); without a schedule it is the
    method's. Raises ValueError for a title that cannot be one.
    """
    times = schedule or Schedule.of(factor=factor)
    opened = e.Opened(kind, title.strip(), times.length, times.minima, times.maxima, times.plan, factor)
    object_from(e.Opened, plain(opened), "the session")
    return _numbered(Session(), None, now, (opened, e.Invited(1, host, True, "host")))


def decide(session: Session, command: c.Command, by: int | None, now: int) -> tuple[Event, ...] | Refusal:
    """The events that a command makes, in order; none if it changes nothing.

    `by` is a participant's number, None for the server itself. `now` is the server's moment; if its clock was
    set back, the log's last moment counts, so that time never goes back. Whoever keeps the log applies the
    events with `Session.after`, all or none.
    """
    refusal = may(session.state, command.NAME, by)
    if refusal is not None:
        return refusal
    try:
        object_from(type(command), plain(command), f"the command {quoted(command.NAME)}")
    except CodecError as error:
        # What comes from Python has not been through `command_from`; no event may be written that cannot be read.
        return Refusal("value", f"This cannot be: {error}.")
    moment = max(now, session.at)
    made = _decided(session.state, command, by, moment)
    return made if isinstance(made, Refusal) else _numbered(session, by, moment, made)


def may(state: State, name: str, by: int | None) -> Refusal | None:
    """Why someone may not give a command of this name now; None if they may."""
    rule = MAY[name]
    if state.kind is None:
        return Refusal("time", "The session is not open yet.")
    if by is None:
        if not rule.server:
            return Refusal("role", f"{quoted(name)} is for someone in the room, not for the server.")
    elif not 1 <= by <= len(state.participants) or not state.participants[by - 1].present:
        return Refusal("role", "You are not in the room.", "Join by an invitation link.")
    elif not _is_for(name, state.participants[by - 1], state.kind):
        return Refusal("role", f"{_who(name)} can {_words(name)}.", _ask(state, name))
    if state.clock.status not in rule.when:
        return Refusal("time", f"The session is {state.clock.status}: nobody can {_words(name)} now.")
    return None


def _is_for(name: str, one: Participant, kind: SessionKind) -> bool:
    rule = MAY[name]
    alone = rule.alone and kind is SessionKind.PRACTICE and one.role is Role.CANDIDATE
    return one.role in rule.roles or (rule.host and one.host) or alone


def _who(name: str) -> str:
    rule = MAY[name]
    who = [f"the {role}" for role in Role if role in rule.roles] + ["the host"] * rule.host
    if not who:
        return "Only the server"
    return f"Only {' or '.join(who)}"


def _ask(state: State, name: str) -> str:
    if state.kind is None:
        return ""
    able = [one.name for one in state.present if _is_for(name, one, state.kind)]
    return f"Ask {listed(able, 3)}." if able else ""


def _words(name: str) -> str:
    return name.replace("_", " ")


def _numbered(session: Session, by: int | None, at: int, made: Iterable[Happening]) -> tuple[Event, ...]:
    return tuple(Event(session.seq + count, at, by, what) for count, what in enumerate(made, 1))


# --- each command ---------------------------------------------------------------------------------------------

_Made: TypeAlias = tuple[Happening, ...] | Refusal


def _decided(state: State, command: c.Command, by: int | None, now: int) -> _Made:
    match command:
        case c.Join() | c.Leave() | c.ChooseRecording() | c.Invite() | c.Revoke() | c.Rotate():
            return _room(state, command, by)
        case c.Start():
            return (e.Started(),)
        case c.Pause():
            return (e.Paused(),)
        case c.Resume():
            return (e.Resumed(),)
        case c.End():
            return (e.Ended(),)
        case c.Move():
            return () if command.phase is state.clock.phase else (e.Moved(command.phase),)
        case c.Lend():
            return _lent(state, command, now)
        case c.Ask() | c.Answer() | c.AddFact() | c.Disclose() | c.Note():
            return _said(state, command, by)
        case c.Mark():
            return _marked(state, command)
        case c.Agree() | c.Withdraw():
            return _agreed(state, command, by)
        case c.RaiseConcern() | c.AnswerConcern() | c.ReopenConcern():
            return _concern(state, command)
        case c.Throw():
            if full := _full("injections", state.injections):
                return full
            return (e.Thrown(len(state.injections) + 1, command.kind, command.text.strip()),)
        case c.Clear():
            if not 1 <= command.injection <= len(state.injections):
                return Refusal("value", f"Nothing of the number {command.injection} was thrown in.")
            gone = state.injections[command.injection - 1].cleared is not None
            return () if gone else (e.Cleared(command.injection),)
        case _:
            raise TypeError(f"nothing is known of what a {type(command).__name__} comes to")


def _room(state: State, command: c.Command, by: int | None) -> _Made:
    match command:
        case c.Join():
            return _joined(state, command)
        case c.Leave():
            return (e.Left(_someone(by), False),)
        case c.ChooseRecording():
            same = state.participant(_someone(by)).records is command.agreed
            return () if same else (e.RecordingChosen(command.agreed),)
        case c.Invite():
            if full := _full("invitations", state.invitations):
                return full
            number = len(state.invitations) + 1
            return (e.Invited(number, command.role, False, command.label.strip()),)
        case c.Revoke() | c.Rotate():
            return _closed(state, command, by)
        case _:
            raise TypeError(type(command).__name__)


def _joined(state: State, command: c.Join) -> _Made:
    if full := _full("participants", state.participants):
        return full
    number, name = len(state.participants) + 1, command.name.strip()
    if command.invitation is None:
        if command.role is None:
            return Refusal("value", "Whoever comes by no invitation needs a role.")
        return (e.Joined(number, name, command.role, False, None),)
    if not 1 <= command.invitation <= len(state.invitations):
        return Refusal("value", "There is no such invitation.", "Ask the host for a new link.")
    link = state.invitations[command.invitation - 1]
    if not link.open:
        return Refusal("role", "This invitation is no longer open.", "Ask the host for a new link.")
    if command.role not in (None, link.role):
        return Refusal("role", f"This invitation is for {_a(link.role)}, not for {_a(command.role)}.")
    return (e.Joined(number, name, link.role, link.host, link.number),)


def _closed(state: State, command: c.Revoke | c.Rotate, by: int | None) -> _Made:
    if not 1 <= command.invitation <= len(state.invitations):
        return Refusal("value", f"There is no invitation {command.invitation}.")
    link = state.invitations[command.invitation - 1]
    came = [one for one in state.present if one.invitation == link.number]
    if isinstance(command, c.Rotate):
        if not link.open:
            return Refusal("value", "This invitation is no longer open.", "Make a new one.")
        if full := _full("invitations", state.invitations):
            return full
        new = e.Invited(len(state.invitations) + 1, link.role, link.host, link.label)
        return (e.InvitationClosed(link.number), new)
    if any(one.number == by for one in came):
        return Refusal(
            "value", "You came by this invitation: you would put yourself out.", "Rotate it instead."
        )
    closed = (e.InvitationClosed(link.number),) if link.open else ()
    return (*closed, *(e.Left(one.number, True) for one in came))


def _lent(state: State, command: c.Lend, now: int) -> _Made:
    clock, source, to = state.clock, command.source, command.to
    if full := _full("loans", clock.loans):
        return full
    if command.amount < SECOND:
        return Refusal("value", "Less than a second is nothing to lend.")
    if source is to:
        return Refusal("value", f"The {to.called} cannot lend to itself.")
    if source is not None:
        most = lendable(clock, source, to, now)
        if command.amount > most:
            return Refusal(
                "value",
                f"The {source.called} cannot lend {minutes(command.amount)} to the {to.called}: it keeps its minimum "
                "and what it has had, and the other its maximum.",
                f"Lend at most {minutes(most)}, or make the session longer."
                if most >= SECOND
                else "Lend from another phase, or make the session longer.",
            )
    return (e.Lent(source, to, command.amount),)


def _said(state: State, command: c.Command, by: int | None) -> _Made:
    match command:
        case c.Ask():
            if full := _full("questions", state.questions):
                return full
            return (e.Asked(len(state.questions) + 1, command.text.strip()),)
        case c.Answer():
            if not 1 <= command.question <= len(state.questions):
                return Refusal("value", f"There is no question {command.question}.")
            if full := _full("answers", state.questions[command.question - 1].answers):
                return full
            return (e.Answered(command.question, command.text.strip()),)
        case c.AddFact():
            if full := _full("facts", state.facts):
                return full
            sets = tuple(dict.fromkeys(name.strip() for name in command.sets))
            return (e.FactAdded(len(state.facts) + 1, command.text.strip(), sets),)
        case c.Disclose():
            return _disclosed(state, command)
        case c.Note():
            # Counted for each author, so that a full notebook tells nothing of the others'.
            if full := _full("notes", [one for one in state.notes if one.by == by]):
                return full
            return (e.Noted(command.text.strip()),)
        case _:
            raise TypeError(type(command).__name__)


def _disclosed(state: State, command: c.Disclose) -> _Made:
    if not 1 <= command.fact <= len(state.facts):
        return Refusal("value", f"There is no fact {command.fact}.")
    if command.question is not None and not 1 <= command.question <= len(state.questions):
        return Refusal("value", f"There is no question {command.question}.")
    fact = state.facts[command.fact - 1]
    if any(one.fact == fact.number for one in state.disclosures):
        return Refusal("stale", "This fact was disclosed already.")
    return (e.Disclosed(fact.number, command.question, fact.text, fact.sets),)


def _marked(state: State, command: c.Mark) -> _Made:
    then = state.file.prints
    changed = {path: own for path, own in command.prints.items() if then.get(path) != own}
    removed = tuple(path for path in then if path not in command.prints)
    if not changed and not removed:
        return ()
    return (e.Marked(command.revision, changed, removed),)


def _agreed(state: State, command: c.Agree | c.Withdraw, by: int | None) -> _Made:
    prints = state.file.prints
    if isinstance(command, c.Withdraw):
        mine = {one.section for one in state.accord.agreements if one.by == by}
        sections = tuple(name for name in dict.fromkeys(command.sections) if name in mine)
        return (e.Withdrew(sections),) if sections else ()
    missing = [name for name in command.sections if name not in SECTIONS or name not in prints]
    if missing:
        return Refusal(
            "value",
            f"The design says nothing under {listed(missing)} that could be agreed on.",
            f"There are {listed(name for name in SECTIONS if name in prints)}.",
        )
    other = [name for name, seen in command.sections.items() if prints[name] != seen]
    if other:
        return Refusal(
            "stale", f"{listed(other)} changed while you looked.", "Look again, and agree to what is there."
        )
    if not command.sections:
        return Refusal("value", "Agree to what?", "Name the sections.")
    own = {path: value for path, value in prints.items() if section_of(path) in command.sections}
    return (e.Agreed(tuple(command.sections), own),)


def _concern(state: State, command: c.RaiseConcern | c.AnswerConcern | c.ReopenConcern) -> _Made:
    concerns, prints = state.accord.concerns, state.file.prints
    if isinstance(command, c.RaiseConcern):
        if full := _full("concerns", concerns):
            return full
        subject = command.subject
        if subject not in prints and subject not in SECTIONS:
            close = nearest(subject, prints)
            return Refusal(
                "value",
                f"There is no {quoted(subject)} in the design.",
                f"Did you mean {quoted(close)}?"
                if close
                else "Name a section, or a part such as `components.app`.",
            )
        return (e.ConcernRaised(len(concerns) + 1, subject, command.text.strip(), prints.get(subject)),)
    if not 1 <= command.concern <= len(concerns):
        return Refusal("value", f"There is no concern {command.concern}.")
    concern = concerns[command.concern - 1]
    if full := _full("answers", concern.answers):
        return full
    if isinstance(command, c.AnswerConcern):
        return (e.ConcernAnswered(command.concern, command.text.strip()),)
    if concern.status == "open":
        return Refusal("stale", "This concern is open already.")
    return (e.ConcernReopened(command.concern, command.text.strip()),)


def _full(what: str, things: Sequence[object]) -> Refusal | None:
    count = sum(1 for _ in things)
    return (
        Refusal("full", f"There are {count:,} {what} already, and no room for more.")
        if count >= MOST[what]
        else None
    )


def _someone(by: int | None) -> int:
    if by is None:
        raise TypeError("the server is nobody in the room")
    return by


def _a(role: Role | None) -> str:
    return "no role" if role is None else f"an {role}" if role[0] in "aeio" else f"a {role}"
