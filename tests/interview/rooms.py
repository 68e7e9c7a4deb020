"""A room to try things in: it does what a server does, and keeps what it would send to each browser."""

from __future__ import annotations

from toscale.interview.commands import Command, Join
from toscale.interview.decider import Refusal, decide, open_session
from toscale.interview.events import Event
from toscale.interview.log import Session, replay
from toscale.interview.roles import Role, SessionKind, Viewer
from toscale.interview.view import project

START = 1_764_000_000_000


class Room:
    def __init__(self, kind=SessionKind.INTERVIEW, host=Role.INTERVIEWER, now=START, **how):
        self.now = now
        self.log: list[Event] = []
        self.session = Session()
        self.sent: dict[int, list[Event]] = {}
        self.seen: dict[int, Session] = {}
        self.refused: list[Refusal] = []
        self.keep(open_session(kind, "A room", host, now, **how))

    @property
    def state(self):
        return self.session.state

    @property
    def viewers(self) -> list[Viewer]:
        return [one.viewer for one in self.state.participants]

    def keep(self, events):
        self.session = replay(events, self.session)
        self.log += events
        for viewer in self.viewers:
            got = self.sent.setdefault(viewer.participant, [])
            before = self.seen.setdefault(viewer.participant, Session())
            new = list(project(events if got else self.log, viewer, after=len(got)))
            got += new
            self.seen[viewer.participant] = replay(new, before)

    def do(self, command: Command, by: int | None = None):
        """The events that a command made, or the refusal."""
        made = decide(self.session, command, by, self.now)
        if isinstance(made, Refusal):
            self.refused.append(made)
        else:
            self.keep(made)
        return made

    def did(self, command: Command, by: int | None = None):
        made = self.do(command, by)
        assert not isinstance(made, Refusal), str(made)
        return made

    def join(self, name, invitation) -> int:
        self.did(Join(name, invitation))
        return len(self.state.participants)

    def wait(self, seconds: float):
        self.now += int(seconds * 1_000)
