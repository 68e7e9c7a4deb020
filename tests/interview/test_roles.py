"""The two tables say something of every command and of every event, and hold what the room promises."""

from dataclasses import fields

import pytest

from tests.interview.rooms import Room
from toscale.interview import commands as c
from toscale.interview.clock import Status
from toscale.interview.commands import COMMANDS
from toscale.interview.decider import Refusal, may
from toscale.interview.events import EVENTS
from toscale.interview.roles import AUDIENCES, MAY, Audience, Role, SessionKind, Viewer


def test_every_command_and_every_event_has_its_line():
    assert set(MAY) == {*COMMANDS, "edit"}
    assert set(AUDIENCES) == set(EVENTS)


def test_what_is_hidden_is_a_field_that_can_be_missing():
    for name, sees in AUDIENCES.items():
        of = {field.name: field.type for field in fields(EVENTS[name])}
        for hidden in sees.fields:
            assert str(of[hidden]).endswith("| None"), f"{name}.{hidden}"


@pytest.mark.parametrize(
    ("audience", "sees"),
    [
        (Audience.EVERYONE, {"candidate", "interviewer", "observer", "host candidate", "host interviewer", "host observer"}),
        (Audience.INTERVIEWERS, {"interviewer", "host interviewer"}),
        (Audience.HOST, {"host candidate", "host interviewer", "host observer"}),
        (Audience.NOT_SCORING, {"candidate", "host candidate", "host observer"}),
        (Audience.AUTHOR, set()),
    ],
)  # fmt: skip
def test_an_audience_is_who_it_says(audience, sees):
    everyone = {f"{'host ' * host}{role}": Viewer(1, role, host) for role in Role for host in (False, True)}
    assert {name for name, viewer in everyone.items() if audience.includes(viewer, 2)} == sees
    assert Audience.AUTHOR.includes(Viewer(2, Role.OBSERVER, False), 2)


def able(kind: SessionKind, status: Status) -> dict[str, set[str]]:
    room = Room(kind, Role.OBSERVER)
    host = room.join("host", 1)
    for role in Role:
        room.did(c.Invite(role, "link"), host)
        room.join(str(role), len(room.state.invitations))
    steps = {Status.WAITING: [], Status.RUNNING: [c.Start()], Status.PAUSED: [c.Start(), c.Pause()]}
    for command in steps.get(status, [c.Start(), c.End()]):
        room.did(command, host)
    return {
        name: {one.name for one in room.state.participants if may(room.state, name, one.number) is None}
        for name in MAY
    }


def test_who_may_do_what_in_an_interview():
    both = {"candidate", "interviewer"}
    now = able(SessionKind.INTERVIEW, Status.RUNNING)
    assert now["join"] == now["mark"] == set()
    for name in ("pause", "lend", "end", "invite", "revoke", "rotate"):
        assert now[name] == {"host"}, name
    for name in ("answer", "add_fact", "disclose", "throw", "clear"):
        assert now[name] == {"interviewer"}, name
    for name in ("ask", "edit", "agree", "withdraw", "raise_concern", "answer_concern", "reopen_concern"):
        assert now[name] == both, name
    assert now["move"] == {*both, "host"}
    assert now["note"] == now["leave"] == now["choose_recording"] == {*both, "host", "observer"}


def test_alone_a_candidate_does_what_an_interviewer_would_but_sees_no_hidden_fact():
    now = able(SessionKind.PRACTICE, Status.RUNNING)
    assert now["throw"] == now["answer"] == {"candidate", "interviewer"}
    assert now["disclose"] == now["add_fact"] == {"interviewer"}


def test_what_may_be_done_before_the_start_and_after_the_end():
    before, after = able(SessionKind.REVIEW, Status.WAITING), able(SessionKind.REVIEW, Status.ENDED)
    assert before["start"] == before["lend"] == {"host"}
    assert before["pause"] == before["move"] == before["end"] == set()
    assert before["edit"]
    assert {name for name, who in after.items() if who} == {
        "note", "leave", "choose_recording", "invite", "revoke", "rotate"
    }  # fmt: skip
    paused = able(SessionKind.REVIEW, Status.PAUSED)
    assert paused["resume"] == {"host"}
    assert paused["pause"] == set()


def test_who_left_may_do_nothing_and_the_server_only_its_own():
    room = Room()
    ann = room.join("Ann", 1)
    room.did(c.Leave(), ann)
    for name in MAY:
        refusal = may(room.state, name, ann)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "role"
        assert (may(room.state, name, None) is None) is (name in ("join", "mark"))
        assert may(room.state, name, 99) is not None


def test_a_refusal_says_who_may():
    room = Room()
    room.join("Ann", 1)
    room.did(c.Invite(Role.CANDIDATE, "Bob"), 1)
    bob = room.join("Bob", 2)
    assert str(room.do(c.End(), 1)) == "The session is waiting: nobody can end now."
    room.did(c.Start(), 1)
    assert str(room.do(c.End(), bob)) == "Only the host can end. Ask `Ann`."
    assert str(room.do(c.AddFact("x", ()), bob)) == "Only the interviewer can add fact. Ask `Ann`."


def test_no_event_and_no_command_is_without_a_description():
    for made in (*EVENTS.values(), *COMMANDS.values()):
        assert not made.__doc__.startswith(f"{made.__name__}("), (
            "this is what dataclasses write of themselves"
        )
