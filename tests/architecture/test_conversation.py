"""A flow is told as the file has it: who calls whom, what is handled, and how it ends."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.architecture.random_designs import random_design
from toscale.architecture.conversation import (
    Conversation,
    Event,
    Frame,
    Kind,
    Message,
    Note,
    Way,
    converse,
)
from toscale.design.model import Design

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.design.yaml"))


def told(text: str, way: Way = Way.HAPPY, flow: str = "f") -> Conversation | None:
    whole = (
        "requirements: {users: {u: comes}}\n"
        "components: {web: {kind: service}, db: {kind: database}, mem: {kind: cache}, q: {kind: queue}, "
        "w: {kind: worker}}\n"
        "data: {row: {stored in: db, size: 1 kB, how many: 10}, msg: {stored in: q, size: 1 kB}}\n"
        + dedent(text)
    )
    return converse(Design.from_text(whole), flow, way)


def said(conversation: Conversation | None) -> list[str]:
    assert conversation is not None
    return list(lines(conversation.events))


def lines(events: tuple[Event, ...]) -> list[str]:
    found = []
    for event in events:
        match event:
            case Message(source, target, kind, text):
                found.append(f"{source} {kind.value} {target}" + (f": {text}" if text else ""))
            case Note(over, text):
                found.append(f"{over}: {text}")
            case Frame(kind, sections):
                for section in sections:
                    found += [f"[{kind} {section.label}]", *lines(section.events), "[end]"]
    return found


READ = """
    flows:
      f:
        from: u
        rate: 1 / s
        steps:
          - web: 2 ms
            then:
              - mem: get row
                miss:
                  - db: read row
                    timeout: 60 ms
                    retry: {times: 1, backoff: 10 ms}
                  - mem: put row
"""


def test_on_the_happy_path_a_look_up_hits_and_every_call_is_answered() -> None:
    assert said(told(READ)) == [
        "u call web: 2 ms",
        "web call mem: get row",
        "mem answer web: hit",
        "web answer u",
    ]


def test_on_the_failing_path_it_misses_and_the_call_with_a_time_out_is_tried_again() -> None:
    assert said(told(READ, Way.FAILING)) == [
        "u call web: 2 ms",
        "web call mem: get row",
        "mem answer web: miss",
        "web call db: read row",
        "db lost web: no answer within 60 ms",
        "web: tries again after 10 ms",
        "web call db: read row",
        "db answer web",
        "web call mem: put row",
        "mem answer web",
        "web answer u",
    ]


def test_all_branches_stand_in_frames() -> None:
    assert said(told(READ, Way.ALL)) == [
        "u call web: 2 ms",
        "web call mem: get row",
        "mem answer web",
        "[opt on a miss]",
        "web call db: read row",
        "db answer web",
        "web call mem: put row",
        "mem answer web",
        "[end]",
        "web answer u",
    ]


def test_a_call_that_fails_without_remedy_fails_the_flow() -> None:
    flow = """
    flows:
      f:
        from: u
        rate: 1 / s
        steps:
          - web > w: 2 ms
            then:
              - {db: read row, timeout: 60 ms}
              - db: update row
    """
    assert said(told(flow, Way.FAILING)) == [
        "u call web: f",
        "web call w: 2 ms",
        "w call db: read row",
        "db lost w: no answer within 60 ms",
        "w error web: failed",
        "web error u: failed",
    ]


def test_a_handler_is_told_and_so_is_the_answer_that_it_gives() -> None:
    flow = """
    flows:
      f:
        from: u
        rate: 1 / s
        steps:
          - web: 2 ms
            then:
              - db: read row
                refused:
                  - answer: 503
              - db: update row
    """
    assert said(told(flow, Way.FAILING)) == [
        "u call web: 2 ms",
        "web call db: read row",
        "db error web: refused",
        "web answer u: 503",
    ]
    assert "db answer web" in said(told(flow))


def test_nobody_waits_for_a_message_and_its_consumer_tells_its_own_flow() -> None:
    flow = """
    flows:
      f: {from: u, rate: 1 / s, steps: [{web: 1 ms, then: [{q: send msg}]}]}
      g: {from: q, batch: 50, steps: [{w: 5 ms per batch}]}
    """
    assert said(told(flow)) == ["u call web: 1 ms", "web send q: send msg", "web answer u"]
    assert said(told(flow, flow="g")) == [
        "q: up to 50 messages at once",
        "q call w: 5 ms per batch",
        "w answer q",
    ]


def test_where_nothing_is_provided_for_a_failure_there_is_no_failing_path() -> None:
    flow = "flows: {f: {from: u, rate: 1 / s, steps: [{web: 1 ms}]}}"
    assert told(flow, Way.FAILING) is None
    with pytest.raises(KeyError):
        told(flow, flow="none")


def test_frames_stand_around_what_is_repeated_chosen_or_done_side_by_side() -> None:
    flow = """
    flows:
      f:
        from: u
        rate: 1 / s
        steps:
          - web: 1 ms
            then:
              - each: 30
                at once: 4
                then: [{db: read row}]
              - if: 20% of the time
                then: [{db: update row}]
                else: [{answer: 404}]
              - parallel: [{mem: get row}, {w: 1 ms}]
    """
    assert said(told(flow)) == [
        "u call web: 1 ms",
        "[loop each 30, 4 side by side]",
        "web call db: read row",
        "db answer web",
        "[end]",
        "[alt if 20% of the time]",
        "web call db: update row",
        "db answer web",
        "[end]",
        "[alt else]",
        "web: answers 404: the request ends here",
        "[end]",
        "[par side by side]",
        "web call mem: get row",
        "mem answer web",
        "[end]",
        "[par ]",
        "web call w: 1 ms",
        "w answer web",
        "[end]",
        "web answer u",
    ]


def test_an_answer_ends_a_request_and_the_actor_goes_on() -> None:
    """Unless it is a failure, or the design says `stop`; within a repetition it is the pass that ends."""
    flow = """
    flows:
      f:
        from: u
        rate: 1 / s
        steps:
          - web: 1 ms
            then: [{answer: %s}]
          - repeat: {at most: 2 times}
            steps:
              - web: 2 ms
                then:
                  - if: 20%% of the time
                    then: [{answer: 404}]
          - web: 3 ms
            then: [%s]
          - web: 4 ms
    """
    first = ["u call web: 1 ms", "web answer u: 303"]
    behind = [
        "[loop again and again, at most 2 times]",
        "u call web: 2 ms",
        "[opt if 20% of the time]",
        "web: answers 404: the pass ends here",
        "[end]",
        "web answer u",
        "[end]",
        "u call web: 3 ms",
    ]
    assert said(told(flow % (303, "answer: 200"))) == [
        *first, *behind, "web answer u: 200", "u call web: 4 ms", "web answer u"
    ]  # fmt: skip
    assert said(told(flow % (303, "stop"))) == [*first, *behind, "web: the flow ends here", "web answer u"]
    assert said(told(flow % (503, "stop"))) == ["u call web: 1 ms", "web answer u: 503"]


def every() -> list[Conversation]:
    designs = [Design.load(path) for path in EXAMPLES] + [random_design(seed, 20) for seed in range(20)]
    found = [converse(design, flow, way) for design in designs for flow in design.flows for way in Way]
    return [one for one in found if one is not None]


def test_every_call_is_answered_once_in_turn() -> None:
    """On any way, answers come back in the reverse order of the calls, whatever happens."""
    for conversation in every():
        waiting: list[tuple[str, str]] = []
        for one in conversation.messages():
            if one.source == one.target or one.kind is Kind.SEND:
                continue
            if one.kind is Kind.CALL:
                waiting.append((one.source, one.target))
            else:
                while waiting and waiting[-1] != (one.target, one.source):
                    waiting.pop()  # within what was sent on without waiting
                assert waiting, (conversation.flow, one)
                waiting.pop()
        assert {one.source for one in conversation.messages()} <= {name for name, _ in conversation.parties}
