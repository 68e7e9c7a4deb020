"""Who may do what, and who sees what? Two tables; whatever decides or filters looks here.

`MAY` has a line for each command, `AUDIENCES` one for each event: who it reaches, and which of its fields only
some of those see. What the host may is independent of the host's role: a host who is a candidate sees no
hidden fact. Only `view` and `decider` read these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from toscale.interview.clock import Status

__all__ = ["AUDIENCES", "MAY", "Audience", "May", "Role", "Sees", "SessionKind", "Viewer"]


class Role(StrEnum):
    """What an invitation link makes of whoever follows it."""

    CANDIDATE = "candidate"
    INTERVIEWER = "interviewer"
    OBSERVER = "observer"


class SessionKind(StrEnum):
    """An interview, a practice of one person alone, or a review of a design that exists."""

    INTERVIEW = "interview"
    PRACTICE = "practice"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose eyes: a participant's number, role, and whether that participant is the host."""

    participant: int
    role: Role
    host: bool


# --- what each may do ---------------------------------------------------------------------------------------

_C, _I, _O = Role.CANDIDATE, Role.INTERVIEWER, Role.OBSERVER
_ALL = frozenset(Role)
_TALKERS = frozenset({_C, _I})
_NOBODY: frozenset[Role] = frozenset()

_BEFORE = frozenset({Status.WAITING})
_DURING = frozenset({Status.RUNNING, Status.PAUSED})
_UNTIL_END = _BEFORE | _DURING
_ALWAYS = frozenset(Status)


@dataclass(frozen=True, slots=True)
class May:
    """Who may give a command, and when.

    `alone`: in a practice the candidate may too, there being nobody else. `server`: only the server itself
    gives it.
    """

    roles: frozenset[Role]
    when: frozenset[Status]
    host: bool = False
    alone: bool = False
    server: bool = False


MAY: Mapping[str, May] = {
    # the room
    "join": May(_NOBODY, _ALWAYS, server=True),
    "mark": May(_NOBODY, _UNTIL_END, server=True),
    "leave": May(_ALL, _ALWAYS),
    "choose_recording": May(_ALL, _ALWAYS),
    "invite": May(_NOBODY, _ALWAYS, host=True),
    "revoke": May(_NOBODY, _ALWAYS, host=True),
    "rotate": May(_NOBODY, _ALWAYS, host=True),
    # the clock
    "start": May(_NOBODY, _BEFORE, host=True),
    "pause": May(_NOBODY, frozenset({Status.RUNNING}), host=True),
    "resume": May(_NOBODY, frozenset({Status.PAUSED}), host=True),
    "lend": May(_NOBODY, _UNTIL_END, host=True),
    "end": May(_NOBODY, _DURING, host=True),
    "move": May(_TALKERS, _DURING, host=True),
    # what is said
    "ask": May(_TALKERS, _UNTIL_END),
    "answer": May(frozenset({_I}), _UNTIL_END, alone=True),
    "add_fact": May(frozenset({_I}), _UNTIL_END),
    "disclose": May(frozenset({_I}), _UNTIL_END),
    "note": May(_ALL, _ALWAYS),
    # the design
    "edit": May(_TALKERS, _UNTIL_END),
    "agree": May(_TALKERS, _UNTIL_END),
    "withdraw": May(_TALKERS, _UNTIL_END),
    "raise_concern": May(_TALKERS, _UNTIL_END),
    "answer_concern": May(_TALKERS, _UNTIL_END),
    "reopen_concern": May(_TALKERS, _UNTIL_END),
    "throw": May(frozenset({_I}), _UNTIL_END, alone=True),
    "clear": May(frozenset({_I}), _UNTIL_END, alone=True),
}
"""By the command's name. `edit` is the shared document's: the server asks `decider.may` before it takes an
update.
"""


# --- what each may see --------------------------------------------------------------------------------------


class Audience(StrEnum):
    """Who something reaches."""

    EVERYONE = "everyone"
    INTERVIEWERS = "interviewers"
    AUTHOR = "author"
    HOST = "host"
    NOT_SCORING = "not_scoring"

    def includes(self, viewer: Viewer, author: int | None) -> bool:
        """Whether someone belongs to it; `author` is who did what is looked at.

        The factor is hidden from whoever scores, so from an interviewer who is the host too; who has set it
        knows it. An observer has no need of it.
        """
        match self:
            case Audience.EVERYONE:
                return True
            case Audience.INTERVIEWERS:
                return viewer.role is Role.INTERVIEWER
            case Audience.AUTHOR:
                return viewer.participant == author
            case Audience.HOST:
                return viewer.host
            case Audience.NOT_SCORING:
                return viewer.role is Role.CANDIDATE or (viewer.host and viewer.role is Role.OBSERVER)


@dataclass(frozen=True, slots=True)
class Sees:
    """Who an event reaches, and who sees those of its fields that not all of them do; others see None."""

    audience: Audience
    fields: Mapping[str, Audience] = field(default_factory=dict)


_EVERYONE = Sees(Audience.EVERYONE)

AUDIENCES: Mapping[str, Sees] = {
    "opened": Sees(Audience.EVERYONE, {"factor": Audience.NOT_SCORING}),
    "invited": Sees(Audience.HOST),
    "invitation_closed": Sees(Audience.HOST),
    "joined": Sees(Audience.EVERYONE, {"invitation": Audience.HOST}),
    "left": _EVERYONE,
    "recording_chosen": _EVERYONE,
    "started": _EVERYONE,
    "moved": _EVERYONE,
    "paused": _EVERYONE,
    "resumed": _EVERYONE,
    "lent": _EVERYONE,
    "ended": _EVERYONE,
    "asked": _EVERYONE,
    "answered": _EVERYONE,
    "fact_added": Sees(Audience.INTERVIEWERS),
    "disclosed": Sees(Audience.EVERYONE, {"fact": Audience.INTERVIEWERS}),
    "noted": Sees(Audience.AUTHOR),
    "marked": _EVERYONE,
    "agreed": _EVERYONE,
    "withdrew": _EVERYONE,
    "concern_raised": _EVERYONE,
    "concern_answered": _EVERYONE,
    "concern_reopened": _EVERYONE,
    "thrown": _EVERYONE,
    "cleared": _EVERYONE,
}
"""By the event's type in the log."""
