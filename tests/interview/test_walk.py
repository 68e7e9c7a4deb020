"""A whole session of 45 minutes, from the invitation to the end, as it is in `walk.jsonl`.

The file is a log of format version 1 as it was written. It must be readable for ever: where this test fails
because an event has changed, give the event a new version and keep reading the old one. Written anew by
`python -m tests.interview.test_walk`.
"""

from __future__ import annotations

from pathlib import Path

from tests.interview.rooms import START, Room
from toscale.interview import commands as c
from toscale.interview.clock import Borrowed, Loan, Status, read
from toscale.interview.decider import Refusal
from toscale.interview.events import EVENTS
from toscale.interview.log import decode, encode, replay
from toscale.interview.phases import Phase
from toscale.interview.roles import Role
from toscale.interview.times import MINUTE
from toscale.interview.view import seen_by

LOG = Path(__file__).with_name("walk.jsonl")
ANN, BOB, CY, EVE = 1, 2, 3, 4
"""The interviewer, who is the host; the candidate; an observer; someone who found the observer's link."""

FIRST = {"requirements": "r1", "requirements.functional.read": "q1", "estimates": "e1"}
DRAWN = {**FIRST, "components": "c1", "components.app": "a1", "flows": "f1", "flows.read": "g1"}
MENDED = {**DRAWN, "components": "c2", "components.app": "a1", "components.cache": "k1"}


def walk() -> Room:
    room = Room(now=START)

    def minute(number):
        room.now = START + number * MINUTE

    def clock():
        return read(room.state.clock, room.now)

    assert room.join("Ann", 1) == ANN
    room.did(c.Invite(Role.CANDIDATE, "for Bob"), ANN)
    room.did(c.Invite(Role.OBSERVER, "for Cy"), ANN)
    assert room.join("Bob", 2) == BOB
    assert room.join("Cy", 3) == CY
    for who in (ANN, BOB, CY):
        assert room.state.recording is False
        room.did(c.ChooseRecording(True), who)
    assert room.state.recording is True
    room.did(c.AddFact("A hundred million new links a month.", ("new_links",)), ANN)
    room.did(c.AddFact("Links never expire.", ()), ANN)
    room.did(c.Start(), ANN)

    minute(1)  # of requirements
    room.did(c.Ask("How many links are made?"), BOB)
    room.did(c.Disclose(1, 1), ANN)
    room.did(c.Ask("Who may see the counts?"), BOB)
    room.did(c.Answer(2, "Whoever made the link."), ANN)
    room.did(c.Note("Asked for numbers at once."), ANN)
    assert isinstance(room.do(c.Disclose(1, None), ANN), Refusal)
    assert isinstance(room.do(c.Pause(), BOB), Refusal)
    minute(6)
    room.did(c.Mark("rev-1", FIRST))
    assert room.did(c.Mark("rev-1", FIRST)) == ()
    assert clock().of(Phase.REQUIREMENTS).latest == 22 * MINUTE
    minute(8)
    assert clock().borrowed == (Borrowed(Phase.DEEP_DIVE, 1 * MINUTE),)
    room.did(c.Lend(Phase.DEEP_DIVE, Phase.REQUIREMENTS, 1 * MINUTE), ANN)
    assert clock().borrowed == ()
    room.did(c.Move(Phase.HIGH_LEVEL), BOB)

    minute(15)
    room.did(c.Mark("rev-2", DRAWN))
    room.did(c.Pause(), ANN)
    minute(17)
    room.did(c.Resume(), ANN)
    assert clock().elapsed == 15 * MINUTE
    room.did(c.Agree({"requirements": "r1", "components": "c1"}), BOB)
    room.did(c.Agree({"requirements": "r1", "components": "c1"}), ANN)
    room.did(c.RaiseConcern("components.app", "What if it is down?"), ANN)
    room.did(c.AnswerConcern(1, "There are two."), BOB)
    room.did(c.ReopenConcern(1, "In one zone?"), ANN)
    minute(23)
    room.did(c.Mark("rev-3", MENDED))
    stale = room.do(c.Agree({"components": "c1"}), BOB)
    assert isinstance(stale, Refusal)
    assert stale.code == "stale"
    (components,) = (one for one in room.state.accord.standing(MENDED) if one.section == "components")
    assert [str(change) for _, changes in components.outdated for change in changes] == [
        "`components.cache` was added"
    ] * 2
    room.did(c.Withdraw(("components",)), ANN)
    minute(24)
    room.did(c.Move(Phase.DEEP_DIVE), BOB)

    minute(30)
    assert room.join("Eve", 3) == EVE
    assert room.state.recording is False
    room.did(c.Revoke(3), ANN)
    assert [one.name for one in room.state.present] == ["Ann", "Bob"]
    assert room.state.recording is True
    assert isinstance(room.do(c.Join("Eve", 3)), Refusal)
    room.did(c.Rotate(2), ANN)
    room.did(c.Throw("fault", "lose: cache"), ANN)
    room.did(c.Throw("growth", "10x"), ANN)
    minute(38)
    room.did(c.Clear(1), ANN)
    assert clock().of(Phase.DEEP_DIVE).latest == 42 * MINUTE
    room.did(c.Lend(None, Phase.DEEP_DIVE, 2 * MINUTE), ANN)
    assert clock().length == 47 * MINUTE

    minute(45)
    assert clock().honourable
    room.did(c.Move(Phase.WRAP_UP), ANN)
    minute(48)
    assert clock().of(Phase.WRAP_UP).need == 0
    room.did(c.End(), ANN)
    room.did(c.Note("A clear recap."), ANN)
    assert isinstance(room.do(c.Ask("How was I?"), BOB), Refusal)
    minute(100)
    assert clock().elapsed == 46 * MINUTE
    return room


def test_a_whole_session_comes_to_what_it_should():
    room = walk()
    reading = read(room.state.clock, room.now)
    assert reading.status is Status.ENDED
    assert [one.spent // MINUTE for one in reading.phases] == [8, 14, 21, 3]
    assert reading.honourable
    assert reading.loans == (
        Loan(Phase.DEEP_DIVE, Phase.REQUIREMENTS, 1 * MINUTE, 8 * MINUTE),
        Loan(None, Phase.DEEP_DIVE, 2 * MINUTE, 36 * MINUTE),
    )
    assert [one.text for one in room.state.disclosures] == ["A hundred million new links a month."]
    assert [one.elapsed // MINUTE for one in room.state.notes] == [1, 46]


def test_every_event_happens_in_it():
    assert {event.what.NAME for event in walk().log} == set(EVENTS)


def test_the_log_of_then_still_says_the_same():
    lines = LOG.read_text(encoding="utf-8").splitlines()
    room = walk()
    assert [encode(event) for event in room.log] == lines
    assert replay(decode(line) for line in lines) == room.session


def test_the_candidate_sees_what_was_disclosed_and_nothing_of_what_was_not():
    room = walk()
    view = seen_by(room.state, room.state.participants[BOB - 1].viewer)
    assert [(one.fact, one.text) for one in view.disclosures] == [
        (None, "A hundred million new links a month.")
    ]
    assert view.facts == view.notes == view.invitations == ()
    assert "never expire" not in "".join(encode(event) for event in room.sent[BOB])


if __name__ == "__main__":
    LOG.write_text("".join(f"{encode(event)}\n" for event in walk().log), encoding="utf-8")
