"""What a command comes to, where the machine of `test_session` does not look: bounds, words, and the odd cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interview.rooms import START, Room
from toscale.interview import commands as c
from toscale.interview.clock import Clock, lendable
from toscale.interview.decider import MOST, Refusal, decide, open_session
from toscale.interview.log import Session, decode, encode
from toscale.interview.phases import PHASES, Phase, Schedule
from toscale.interview.roles import Role, SessionKind
from toscale.interview.times import MINUTE


def two() -> Room:
    room = Room()
    room.join("Ann", 1)
    room.did(c.Invite(Role.CANDIDATE, "Bob"), 1)
    room.join("Bob", 2)
    return room


def test_a_session_opens_with_the_host_s_invitation():
    opened, invited = open_session(SessionKind.REVIEW, " Links ", Role.OBSERVER, START, factor=150)
    assert opened.what.title == "Links"
    assert opened.what.length == 67.5 * MINUTE
    assert opened.what.factor == 150
    assert (invited.what.invitation, invited.what.role, invited.what.host) == (1, Role.OBSERVER, True)


@pytest.mark.parametrize("title", ["", " ", "x" * 201, "a\x07"])
def test_a_title_that_cannot_be_is_refused(title):
    with pytest.raises(ValueError, match="title"):
        open_session(SessionKind.INTERVIEW, title, Role.CANDIDATE, START)


def test_nothing_happens_in_a_session_that_is_not_open():
    assert decide(Session(), c.Start(), 1, START).code == "time"


@given(st.text(max_size=5))
def test_what_python_hands_over_makes_no_event_that_the_log_could_not_read(text):
    room = two()
    for command, by in (
        (c.Join(text, 1), None), (c.Ask(text), 2), (c.Note(text), 1), (c.Mark(text, {text: "a"}), None),
        (c.AddFact("x", (text,)), 1), (c.Ask(3), 2), (c.Lend(None, Phase.WRAP_UP, -5), 1),
    ):  # fmt: skip
        made = room.do(command, by)
        if isinstance(made, Refusal):
            assert made.code == "value"
        else:
            assert [decode(encode(event)) for event in made] == list(made)


def test_minutes_are_lent_up_to_what_there_is_and_the_refusal_says_how_many():
    room = two()
    refusal = room.do(c.Lend(Phase.DEEP_DIVE, Phase.REQUIREMENTS, 4 * MINUTE), 1)
    assert refusal.instead == "Lend at most 3 min, or make the session longer."
    room.did(c.Lend(Phase.DEEP_DIVE, Phase.REQUIREMENTS, 3 * MINUTE), 1)
    refusal = room.do(c.Lend(Phase.DEEP_DIVE, Phase.REQUIREMENTS, MINUTE), 1)
    assert refusal.instead == "Lend from another phase, or make the session longer."
    assert room.do(c.Lend(None, Phase.REQUIREMENTS, 999), 1).code == "value"
    assert room.do(c.Lend(Phase.WRAP_UP, Phase.WRAP_UP, MINUTE), 1).code == "value"


@given(st.sampled_from(PHASES), st.sampled_from(PHASES), st.integers(0, 40), st.integers(0, 1))
def test_exactly_what_is_lendable_is_lent(source, to, passed, more):
    room = two()
    room.did(c.Start(), 1)
    room.wait(passed * 60)
    most = lendable(room.state.clock, source, to, room.now)
    made = room.do(c.Lend(source, to, most + more), 1)
    assert isinstance(made, Refusal) is (source is to or most + more < 1_000 or more == 1)


def test_lendable_keeps_the_minimum_and_what_was_spent():
    clock = Clock(Schedule.of()).started(START)
    assert lendable(clock, Phase.REQUIREMENTS, Phase.DEEP_DIVE, START) == 4 * MINUTE
    assert lendable(clock, Phase.REQUIREMENTS, Phase.DEEP_DIVE, START + 6 * MINUTE) == 1 * MINUTE
    assert lendable(clock, Phase.REQUIREMENTS, Phase.DEEP_DIVE, START + 9 * MINUTE) == 0


def test_a_revoked_invitation_puts_out_who_came_by_it_and_a_rotated_one_does_not():
    room = two()
    room.did(c.Rotate(2), 1)
    assert room.do(c.Join("Eve", 2), None).code == "role"
    assert room.join("Bea", 3) == 3
    assert [one.name for one in room.state.present] == ["Ann", "Bob", "Bea"]
    room.did(c.Revoke(2), 1)
    assert [one.name for one in room.state.present] == ["Ann", "Bea"]
    assert room.do(c.Ask("May I?"), 2).code == "role"


def test_a_host_does_not_put_itself_out():
    room = two()
    refusal = room.do(c.Revoke(1), 1)
    assert (refusal.code, refusal.instead) == ("value", "Rotate it instead.")
    room.did(c.Rotate(1), 1)
    assert room.state.invitations[-1].host
    assert room.do(c.Revoke(1), 1).code == "value"


def test_an_invitation_carries_its_role():
    room = two()
    assert room.do(c.Join("Eve", 2, Role.INTERVIEWER), None).code == "role"
    assert room.do(c.Join("Nobody", 9), None).code == "value"
    assert room.do(c.Join("A program", None), None).code == "value"
    (joined,) = room.did(c.Join("A program", None, Role.INTERVIEWER))
    assert (joined.what.host, joined.what.invitation) == (False, None)


@pytest.mark.parametrize(
    ("what", "command", "by"),
    [
        ("questions", c.Ask("?"), 2),
        ("facts", c.AddFact("x", ()), 1),
        ("notes", c.Note("x"), 2),
        ("concerns", c.RaiseConcern("flows", "x"), 1),
        ("injections", c.Throw("growth", "10x"), 1),
        ("invitations", c.Invite(Role.OBSERVER, "x"), 1),
        ("participants", c.Join("x", 1), None),
        ("loans", c.Lend(None, Phase.WRAP_UP, 1_000), 1),
    ],
)
def test_a_room_has_room_for_so_much(what, command, by, monkeypatch):
    monkeypatch.setitem(MOST, what, 4)
    room = two()
    while not isinstance(made := room.do(command, by), Refusal):
        assert len(room.log) < 20
    assert made == Refusal("full", f"There are 4 {what} already, and no room for more.")


def test_the_notes_of_others_are_not_felt(monkeypatch):
    monkeypatch.setitem(MOST, "notes", 1)
    room = two()
    room.did(c.Note("x"), 1)
    assert room.do(c.Note("x"), 1).code == "full"
    room.did(c.Note("x"), 2)


def test_a_concern_is_about_something_that_is_there_or_about_a_section():
    room = two()
    room.did(c.Mark("r", {"components": "c1", "components.cache": "k1"}))
    assert "Did you mean `components.cache`?" in str(room.do(c.RaiseConcern("components.cahce", "x"), 1))
    assert room.do(c.RaiseConcern("agreements", "x"), 1).code == "value"
    room.did(c.RaiseConcern("faults", "Nothing fails?"), 1)
    room.did(c.RaiseConcern("components.cache", "How cold?"), 1)
    assert [one.fingerprint for one in room.state.accord.concerns] == [None, "k1"]
    assert room.do(c.ReopenConcern(1, "x"), 2).code == "stale"
    assert room.do(c.AnswerConcern(3, "x"), 2).code == "value"


def test_agreeing_needs_something_to_agree_to():
    room = two()
    room.did(c.Mark("r", {"components": "c1", "components.cache": "k1"}))
    assert "There are `components`." in str(room.do(c.Agree({"flows": "x"}), 2))
    assert room.do(c.Agree({"components.cache": "k1"}), 2).code == "value"
    assert room.do(c.Agree({}), 2).code == "value"
