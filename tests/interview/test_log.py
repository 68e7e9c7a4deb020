"""A log is read strictly, or refused with a sentence that says where and why; noise never gets through."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interview.rooms import START
from toscale.interview.codec import MOST_CHARACTERS, CodecError, parse
from toscale.interview.commands import COMMANDS, command_from
from toscale.interview.events import Event, Paused
from toscale.interview.log import LogError, Session, UnknownEvent, decode, encode, event_from, replay

LINES = Path(__file__).with_name("walk.jsonl").read_text(encoding="utf-8").splitlines()
LINE = st.sampled_from(LINES)
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**60), 2**60),
        st.floats(allow_nan=False),
        st.text(max_size=9),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.one_of(st.text(), st.binary()))
def test_noise_is_refused_with_a_sentence(noise):
    with pytest.raises((CodecError, LogError)) as refused:
        decode(noise)
    assert str(refused.value)


@given(LINE, st.data())
def test_a_damaged_line_is_refused_or_reads_as_an_event_that_writes_itself(line, data):
    at = data.draw(st.integers(0, len(line) - 1))
    cut = data.draw(st.integers(0, 3))
    damaged = line[:at] + data.draw(st.text(max_size=3)) + line[at + cut :]
    try:
        event = decode(damaged)
    except (CodecError, LogError):
        return
    assert decode(encode(event)) == event


@given(LINE, st.data(), JSON)
def test_a_value_of_another_type_is_refused_or_read_as_it_is(line, data, value):
    values = json.loads(line)
    into = data.draw(st.sampled_from([values, values["data"]]))
    if not into:
        return
    key = data.draw(st.sampled_from(sorted(into)))
    into[key] = value
    try:
        event = event_from(values)
    except (CodecError, LogError):
        return
    assert json.loads(encode(event)) == values


@given(LINE, st.data())
def test_a_key_too_few_or_too_many_is_named(line, data):
    values = json.loads(line)
    into = data.draw(st.sampled_from([values, values["data"]]))
    if into and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(into)))
        del into[key]
    else:
        key = "colour"
        into[key] = "red"
    with pytest.raises(CodecError, match=key):
        event_from(values)


def changed(**changes):
    return json.dumps({**json.loads(LINES[-1]), **changes})


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        (changed(type="scored"), UnknownEvent, r"`scored`.*newer"),
        (changed(version=2), UnknownEvent, r"version 2.*reads version 1"),
        (changed(version=True), CodecError, "version must be a number"),
        (changed(type=3), CodecError, "type must be a text, not a number"),
        (changed(seq=0), CodecError, "seq must be within 1"),
        (changed(seq=1.0), CodecError, "seq must be a number, not a fraction"),
        (changed(at=2**53), CodecError, "at must be within"),
        (changed(by="Ann"), CodecError, "by must be a number, not a text"),
        (changed(data={"text": " "}), CodecError, "text must have 1 to 4,000"),
        (changed(data={"text": "x" * 4001}), CodecError, "text must have 1 to 4,000"),
        (changed(data={"text": "a\x00b"}), CodecError, r"U\+0000"),
        (changed(data={"text": "\ud800"}), CodecError, r"U\+D800"),
        (changed(data={"txt": "a"}), CodecError, "did you mean `text`"),
        (changed(data=[]), CodecError, "must be an object, not a list"),
        ('{"seq": 1, "seq": 2}', CodecError, "`seq` stands twice"),
        ('{"seq": NaN}', CodecError, "NaN"),
        ("[" * 100_000, CodecError, "nested too deeply"),
        ("9" * 5_000, CodecError, "no JSON"),
        (b"\xff\xfe\x00", CodecError, "it is no"),
        ("[]", CodecError, "an event must be an object, not a list"),
        (" " * (MOST_CHARACTERS + 1), CodecError, "more than"),
    ],
)
def test_each_error_says_what_is_wrong(line, error, said):
    with pytest.raises(error, match=said):
        decode(line)


def test_a_gap_a_repetition_and_a_step_back_in_time_are_refused():
    events = [decode(line) for line in LINES]
    for wrong, said in (
        (events[:5] + events[6:], "event 7 does not follow event 5"),
        (events[:5] + events[4:], "event 5 does not follow event 5"),
        (events[1:], "event 2 does not follow event 0"),
        ([*events, Event(len(events) + 1, START, None, Paused())], "before event"),
    ):
        with pytest.raises(LogError, match=said):
            replay(wrong)


def test_an_event_that_does_not_fit_is_named():
    opened = decode(LINES[0])
    for line in LINES[-1:3:-1]:
        event = decode(line)
        if event.what.NAME in ("answered", "concern_answered", "cleared", "moved", "left", "disclosed"):
            with pytest.raises(LogError, match=rf"event 2 \({event.what.NAME}\) does not fit: "):
                replay([opened, Event(2, event.at, event.by, event.what)])
    with pytest.raises(LogError, match="opened once"):
        replay([Event(1, START, None, Paused())])
    with pytest.raises(LogError, match="opened once"):
        replay([opened, Event(2, opened.at, None, opened.what)])
    with pytest.raises(LogError, match="the clock is waiting, not running"):
        replay([opened, Event(2, opened.at, None, Paused())])


@given(st.permutations(range(1, len(LINES))), st.integers(1, len(LINES) - 1))
def test_events_in_any_order_give_a_state_or_a_refusal(order, count):
    session = replay([decode(LINES[0])])
    for index in order[:count]:
        event = decode(LINES[index])
        try:
            session = session.after(Event(session.seq + 1, session.at, event.by, event.what))
        except LogError:
            continue
    assert isinstance(session, Session)


@given(st.one_of(JSON, st.fixed_dictionaries({"command": st.sampled_from(sorted(COMMANDS))}), st.builds(
    lambda name, rest: {**rest, "command": name}, st.sampled_from(sorted(COMMANDS)), st.dictionaries(st.text(max_size=9), JSON, max_size=3)
)))  # fmt: skip
def test_noise_is_no_command(noise):
    try:
        command = command_from(noise)
    except CodecError:
        return
    assert noise == {"command": command.NAME}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "its name under `command`"),
        ({"command": "aks"}, "did you mean `ask`"),
        ({"command": "ask"}, "the command `ask` lacks `text`"),
        ({"command": "move", "phase": "lunch"}, "phase is `lunch`, and can be `requirements`"),
        ({"command": "throw", "kind": "stone", "text": "x"}, "kind is `stone`, and can be `fault`"),
        ({"command": "withdraw", "sections": "all"}, "sections must be a list"),
        ({"command": "agree", "sections": {"flows": 3}}, r"sections\[`flows`\] must be a text"),
        (None, "must be an object, not null"),
    ],
)
def test_each_error_of_a_command_says_what_is_wrong(values, said):
    with pytest.raises(CodecError, match=said):
        command_from(values)


def test_what_is_longer_than_a_message_may_be_is_not_read():
    assert parse("[1]", 3) == [1]
    with pytest.raises(CodecError, match="4 characters are more than 3"):
        parse("[12]", 3)
