"""Whatever people do in a room: the log rebuilds the state, and nobody's browser gets what its role may not see.

Canaries are texts that only some may see. After every step each one is looked for in all that each browser was
sent, and in the snapshot that it would be sent on coming back.
"""

from __future__ import annotations

import re

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.interview.rooms import Room
from toscale.architecture.agreement import SECTIONS
from toscale.interview import commands as c
from toscale.interview.clock import Status, read
from toscale.interview.codec import written
from toscale.interview.decider import Refusal, decide, may
from toscale.interview.log import Session, decode, encode, event_values, replay
from toscale.interview.phases import PHASES
from toscale.interview.roles import Role, SessionKind
from toscale.interview.view import project, seen_by

PHASE = st.sampled_from(PHASES)
WHO = st.integers(0, 15)
NUMBER = st.integers(1, 10)
PATHS = (
    "requirements",
    "requirements.functional.read",
    "components",
    "components.cache",
    "flows",
    "flows.read",
)
PRINTS = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(("a1", "b2", "c3")))


def canaries(text):
    """The canaries in a text, be it within a key, a value or a longer text."""
    return set(re.findall("canary[0-9]+bird", text))


class TheRoom(RuleBasedStateMachine):
    @initialize(
        kind=st.sampled_from(SessionKind),
        host=st.sampled_from(Role),
        factor=st.sampled_from((100, 150)),
        started=st.booleans(),
    )
    def begin(self, kind, host, factor, started):
        self.canaries = {}
        self.wire: dict[int, set[str]] = {}
        self.read: dict[int, int] = {}
        self.room = Room(kind, host, factor=factor)
        self.room.join("Host", 1)
        for role in Role:
            self.invite(role, 1)
            self.room.join(role, len(self.room.state.invitations))
        self.ask(1)
        self.add_fact(1)
        self.mark(dict.fromkeys(PATHS, "a1"))
        self.raise_concern(1, "components.cache")
        if started:
            self.room.did(c.Start(), 1)

    def one(self, who, name=None):
        """Mostly someone who may give the command, else anyone, who was in the room or is."""
        everyone = [one.number for one in self.room.state.participants]
        able = [number for number in everyone if name and may(self.room.state, name, number) is None]
        among = able if able and who % 4 else everyone
        return among[who % len(among)]

    def some(self, number, things):
        """Mostly the number of a thing that is there."""
        return number if number % 5 == 0 or not things else number % len(things) + 1

    def canary(self, may_see):
        name = f"canary{len(self.canaries)}bird"
        self.canaries[name] = may_see
        return name

    def do(self, command, who):
        """Give a command as someone; it must come to what it comes to for one who sees only what they see."""
        by = self.one(who, command.NAME)
        viewer = self.room.state.participants[by - 1].viewer
        view = Session(seen_by(self.room.state, viewer), len(self.room.sent[by]), self.room.session.at)
        blind = decide(view, command, by, self.room.now)
        made = self.room.do(command, by)
        if isinstance(made, Refusal):
            assert blind == made
        else:
            assert not isinstance(blind, Refusal)
            assert [event.what for event in blind] == [event.what for event in made]
        return made

    # ---- the room

    @rule(role=st.sampled_from(Role), who=WHO)
    def invite(self, role, who):
        self.do(c.Invite(role, self.canary(lambda viewer: viewer.host)), who)

    @rule(invitation=NUMBER)
    def join(self, invitation):
        self.room.do(c.Join("Somebody", self.some(invitation, self.room.state.invitations)))

    @rule(role=st.sampled_from(Role))
    def a_program_joins(self, role):
        self.room.do(c.Join("The program", None, role))

    @rule(who=WHO, invitation=NUMBER, made=st.sampled_from((c.Revoke, c.Rotate)))
    def close(self, who, invitation, made):
        self.do(made(self.some(invitation, self.room.state.invitations)), who)

    @rule(who=WHO)
    def leave(self, who):
        if len(self.room.state.present) > 3:
            self.do(c.Leave(), who)

    @rule(who=WHO, agreed=st.booleans())
    def choose(self, who, agreed):
        self.do(c.ChooseRecording(agreed), who)

    # ---- the clock

    @rule(seconds=st.integers(0, 900))
    def wait(self, seconds):
        self.room.wait(seconds)

    @rule(seconds=st.integers(1, 100))
    def the_clock_is_set_back(self, seconds):
        self.room.wait(-seconds)

    @rule(who=WHO)
    def start(self, who):
        self.do(c.Start(), who)

    @rule(who=WHO, odd=st.booleans())
    def pause_or_resume(self, who, odd):
        paused = self.room.state.clock.status is Status.PAUSED
        self.do(c.Resume() if paused is not odd else c.Pause(), who)

    @rule(who=WHO, phase=PHASE)
    def move(self, who, phase):
        self.do(c.Move(phase), who)

    @rule(who=WHO, source=st.one_of(st.none(), PHASE), to=PHASE, seconds=st.integers(0, 900))
    def lend(self, who, source, to, seconds):
        self.do(c.Lend(source, to, seconds * 1_000), who)

    @rule(who=WHO, sure=st.integers(0, 4))
    def end(self, who, sure):
        if sure == 0:
            self.do(c.End(), who)

    # ---- what is said

    @rule(who=WHO)
    def ask(self, who):
        self.do(c.Ask(self.canary(lambda viewer: True)), who)

    @rule(who=WHO, question=NUMBER)
    def answer(self, who, question):
        self.do(
            c.Answer(self.some(question, self.room.state.questions), self.canary(lambda viewer: True)), who
        )

    @rule(who=WHO)
    def add_fact(self, who):
        told = self.canary(lambda viewer: viewer.role is Role.INTERVIEWER)
        self.do(c.AddFact(told, (told,)), who)

    @rule(who=WHO, fact=NUMBER, question=st.one_of(st.none(), NUMBER))
    def disclose(self, who, fact, question):
        made = self.do(
            c.Disclose(
                self.some(fact, self.room.state.facts),
                question and self.some(question, self.room.state.questions),
            ),
            who,
        )
        if not isinstance(made, Refusal):
            self.canaries[made[0].what.text] = lambda viewer: True

    @rule(who=WHO)
    def note(self, who):
        author = self.one(who, "note")
        self.do(c.Note(self.canary(lambda viewer: viewer.participant == author)), who)

    # ---- the design

    @rule(prints=PRINTS)
    def mark(self, prints):
        self.room.do(c.Mark("r", prints))

    @rule(who=WHO, sections=st.lists(st.sampled_from(PATHS), max_size=2), odd=st.integers(0, 9))
    def agree(self, who, sections, odd):
        prints, stale = self.room.state.file.prints, odd == 0
        if odd > 1:
            sections = [name for name in sections if name in SECTIONS and name in prints]
        made = self.do(
            c.Agree({name: "old" if stale else prints.get(name, "none") for name in sections}), who
        )
        if not isinstance(made, Refusal):
            standing = {one.section: one for one in self.room.state.accord.standing(prints)}
            assert sections
            assert all(standing[name].agreed_by(made[0].by) for name in sections)

    @rule(who=WHO, sections=st.lists(st.sampled_from(PATHS), max_size=2).map(tuple))
    def withdraw(self, who, sections):
        """Most withdraw all, so that there is something to withdraw now and then."""
        sections = sections if who % 3 == 0 else SECTIONS
        self.do(c.Withdraw(sections), who)

    @rule(who=WHO, subject=st.sampled_from((*PATHS, "components.nothing", "api")))
    def raise_concern(self, who, subject):
        self.do(c.RaiseConcern(subject, self.canary(lambda viewer: True)), who)

    @rule(who=WHO, concern=NUMBER, made=st.sampled_from((c.AnswerConcern, c.ReopenConcern)))
    def concern(self, who, concern, made):
        self.do(
            made(self.some(concern, self.room.state.accord.concerns), self.canary(lambda viewer: True)), who
        )

    @rule(who=WHO, kind=st.sampled_from(("fault", "surge", "growth", "curveball")))
    def throw(self, who, kind):
        self.do(c.Throw(kind, self.canary(lambda viewer: True)), who)

    @rule(who=WHO, injection=NUMBER)
    def clear(self, who, injection):
        self.do(c.Clear(self.some(injection, self.room.state.injections)), who)

    # ---- what must be true

    @invariant()
    def the_state_of_what_someone_saw_is_what_they_may_see_of_the_state(self):
        for viewer in self.room.viewers:
            assert self.room.seen[viewer.participant].state == seen_by(self.room.state, viewer)

    @invariant()
    def no_canary_sings_where_it_must_not_and_each_sings_where_it_may(self):
        sung = canaries(written(self.room.state))
        for viewer in self.room.viewers:
            wire, sent = self.wire.setdefault(viewer.participant, set()), self.room.sent[viewer.participant]
            for event in sent[self.read.get(viewer.participant, 0) :]:
                wire |= canaries(encode(event))
            self.read[viewer.participant] = len(sent)
            assert wire == {name for name in sung if self.canaries[name](viewer)}
            assert wire == canaries(written(seen_by(self.room.state, viewer)))

    @invariant()
    def the_factor_is_hidden_from_those_who_score(self):
        for viewer in self.room.viewers:
            if viewer.role is Role.INTERVIEWER:
                assert seen_by(self.room.state, viewer).factor is None
            if viewer.role is Role.CANDIDATE:
                assert seen_by(self.room.state, viewer).factor == self.room.state.factor

    @invariant()
    def the_minima_can_be_honoured_or_the_clock_says_since_when_not(self):
        reading = read(self.room.state.clock, self.room.now)
        assert reading.honourable is (reading.starved_since is None)

    def teardown(self):
        if not hasattr(self, "room"):
            return
        assert [event.seq for event in self.room.log] == list(range(1, len(self.room.log) + 1))
        assert replay(self.room.log) == self.room.session
        assert replay(decode(encode(event)) for event in self.room.log) == self.room.session
        for viewer in self.room.viewers:
            assert list(project(self.room.log, viewer)) == self.room.sent[viewer.participant]


TheRoom.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
test_the_room = TheRoom.TestCase


def test_what_a_factor_did_looks_like_a_longer_session_to_an_interviewer():
    from toscale.interview.phases import Schedule
    from toscale.interview.times import MINUTE

    def wire(room):
        room.join("Ann", 1)
        room.did(c.Start(), 1)
        return [event_values(event) for event in room.sent[1]]

    with_factor = Room(host=Role.INTERVIEWER, schedule=Schedule.of(40 * MINUTE, 150), factor=150)
    longer = Room(host=Role.INTERVIEWER, schedule=Schedule.of(60 * MINUTE))
    assert wire(with_factor) == wire(longer)


def test_a_browser_that_comes_back_gets_what_it_missed_and_no_gap():
    room = Room()
    room.join("Ann", 1)
    room.did(c.Invite(Role.CANDIDATE, "for Bob"), 1)
    bob = room.join("Bob", 2)
    had = len(room.sent[bob])
    room.did(c.Note("hm"), 1)
    room.did(c.AddFact("A billion.", ("links",)), 1)
    room.did(c.Ask("How many?"), bob)
    viewer = room.state.participants[bob - 1].viewer
    missed = list(project(room.log, viewer))[had:]
    assert [event.what.NAME for event in missed] == ["asked"]
    assert missed[0].seq == had + 1
    assert replay(missed, Session(replay(room.sent[bob][:had]).state, had)).state == seen_by(
        room.state, viewer
    )


def test_time_never_goes_back():
    room = Room()
    room.join("Ann", 1)
    room.did(c.Start(), 1)
    room.wait(-3_600)
    (event,) = room.did(c.Pause(), 1)
    assert event.at == room.log[-2].at
