"""Who says what to whom in a flow? The flow as a conversation, from the design alone: calls and answers in their
order, with frames around what is repeated, done side by side, or done only at times.

There are three ways to tell it: the happy path, on which look-ups find and calls are answered; a failing path, on
which look-ups miss and the first call that the design provides for is not answered; and all branches in frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from typing import Any, TypeAlias

from toscale.architecture.graph import ACTOR
from toscale.architecture.step_words import around, condition, of, operation
from toscale.design.flow import (
    After,
    Answer,
    Call,
    Consume,
    Each,
    Every,
    Flow,
    FlowDone,
    FromActor,
    GoOn,
    If,
    Parallel,
    Repeat,
    RunFlow,
    Step,
    Stop,
    Wait,
    walk_steps,
)
from toscale.design.model import Design

__all__ = ["Conversation", "Event", "Frame", "Kind", "Message", "Note", "Section", "Way", "converse"]

CLOCK = "clock"
"""Who starts what nobody asks for, and its kind among the parties."""
_DEEPEST = 20
"""So deep may flows that run others be nested; deeper ones are circles."""


class Way(Enum):
    """Which way through a flow is told."""

    HAPPY = "the happy path"
    FAILING = "when something goes wrong"
    ALL = "all branches"


class Kind(Enum):
    """What a message is."""

    CALL = "call"
    ANSWER = "answer"
    SEND = "send"  # nobody waits for an answer
    ERROR = "error"  # an answer that says that it went wrong
    LOST = "lost"  # an answer that never came, or too late


@dataclass(frozen=True, slots=True)
class Message:
    """From one party to another, or to itself. `quiet`: what stands below the text, such as a time-out."""

    source: str
    target: str
    kind: Kind
    text: str = ""
    quiet: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "from": self.source,
            "to": self.target,
            "kind": self.kind.value,
            "text": self.text,
            "quiet": self.quiet,
        }


@dataclass(frozen=True, slots=True)
class Note:
    """What a party does or learns."""

    over: str
    text: str

    def to_json(self) -> dict[str, Any]:
        return {"over": self.over, "note": self.text}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a frame, with the condition under which it is done."""

    label: str
    events: tuple[Event, ...]

    def to_json(self) -> dict[str, Any]:
        return {"label": self.label, "events": [event.to_json() for event in self.events]}


@dataclass(frozen=True, slots=True)
class Frame:
    """What is done again and again (loop), at times (opt, alt) or side by side (par)."""

    kind: str
    sections: tuple[Section, ...]

    def to_json(self) -> dict[str, Any]:
        return {"frame": self.kind, "sections": [section.to_json() for section in self.sections]}


Event: TypeAlias = Message | Note | Frame


@dataclass(frozen=True, slots=True)
class Conversation:
    """A flow as told. `parties`: names and kinds, in the order in which they appear."""

    flow: str
    way: Way
    parties: tuple[tuple[str, str], ...]
    events: tuple[Event, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "way": self.way.value,
            "parties": [{"name": name, "kind": kind} for name, kind in self.parties],
            "events": [event.to_json() for event in self.events],
        }

    def messages(self) -> Iterator[Message]:
        """All messages, in order, those in frames included."""
        yield from _messages(self.events)


def _messages(events: tuple[Event, ...]) -> Iterator[Message]:
    for event in events:
        if isinstance(event, Message):
            yield event
        elif isinstance(event, Frame):
            for section in event.sections:
                yield from _messages(section.events)


def converse(design: Design, flow: str, way: Way = Way.HAPPY) -> Conversation | None:
    """A flow as a conversation; None for the failing path of a flow in which nothing is looked up, and for which
    the design says nothing of time-outs, retries or what is done when a call fails. Raises KeyError for a flow
    that is not there.
    """
    found = design.flows[flow]
    teller = _Teller(design, way)
    events = teller.flow(found)
    if way is Way.FAILING and not (teller.missed or teller.failed):
        return None
    parties = dict.fromkeys(_parties(events))
    return Conversation(flow, way, tuple((name, _kind(design, name)) for name in parties), events)


def _kind(design: Design, party: str) -> str:
    """A component's kind; of who is none, whether somebody asks or the clock has struck."""
    if party in design.components:
        return design.components[party].kind
    return CLOCK if party == CLOCK and party not in design.requirements.users else ACTOR


def _parties(events: tuple[Event, ...]) -> Iterator[str]:
    for event in events:
        match event:
            case Message(source, target):
                yield source
                yield target
            case Note(over):
                yield over
            case Frame(_, sections):
                for section in sections:
                    yield from _parties(section.events)


STOPPED, FAILED = "", "error"
"""How a flow may end, other than with the code of an answer."""


class _Teller:
    """Tells the steps of a flow; `over` is how it has ended, if it has."""

    def __init__(self, design: Design, way: Way) -> None:
        self.design, self.way = design, way
        self.missed = self.failed = False
        self.over: str | None = None
        self.framed = 0
        self.passes = 0
        self.depth = 0
        self.actor: str | None = None

    def flow(self, flow: Flow) -> tuple[Event, ...]:
        starter, said = self.starter(flow, frozenset())
        self.actor = starter if isinstance(flow.trigger, FromActor) else None
        events = self.steps(flow.steps, starter)
        if events and isinstance(events[0], Message) and not events[0].text:
            events = (replace(events[0], text=flow.name), *events[1:])
        return (*((Note(starter, said),) if said else ()), *events)

    def starter(self, flow: Flow, seen: frozenset[str]) -> tuple[str, str]:
        """Who starts a flow, and what is to be said of that."""
        match flow.trigger:
            case FromActor(actor=actor):
                return actor, ""
            case Consume(buffer=buffer, batch=batch):
                return buffer, f"up to {batch} messages at once" if batch is not None else ""
            case Every(period=period, per=per):
                return CLOCK, f"every {period}" + (f", for each {per}" if per else "")
            case After(causes=causes, wait=wait):
                said = " or ".join(
                    cause.flow if isinstance(cause, FlowDone) else str(cause) for cause in causes
                )
                said = f"after {said}" + (f", {wait} later" if wait is not None else "")
                for cause in causes:
                    if isinstance(cause, FlowDone) and cause.flow not in seen and cause.flow != flow.name:
                        before = self.design.flows[cause.flow]
                        return self.starter(before, seen | {flow.name})[0], said
                return CLOCK, said
            case None:
                return "another flow", ""

    # ---- steps

    def steps(self, steps: tuple[Step, ...], here: str) -> tuple[Event, ...]:
        """What is done at a place, until the flow is over."""
        told: list[Event] = []
        for step in steps:
            if self.over is not None:
                break
            told += self.step(step, here)
        return tuple(told)

    def step(self, step: Step, here: str) -> tuple[Event, ...]:
        match step:
            case Call():
                return self.call(step, here)
            case Each(of=things, batch=batch, at_once=at_once):
                label = ", ".join(
                    part
                    for part in (
                        f"each {of(things)}",
                        f"{batch} at a time" if batch is not None else "",
                        f"{at_once} side by side" if at_once is not None else "",
                        *around(step.policies),
                    )
                    if part
                )
                return self.frame("loop", [(label, step.then)], here) + self.outcomes(step, here)
            case Parallel(branches=branches, wait=wait):
                label = "side by side" + (f", until {wait} is done" if wait not in (None, "all") else "")
                labelled = [(label if k == 0 else "", branch) for k, branch in enumerate(branches)]
                return self.frame("par", labelled, here) + self.outcomes(step, here)
            case If(condition=test, then=then, otherwise=otherwise):
                sections = [(f"if {condition(test)}", then)]
                if otherwise:
                    sections.append(("else", otherwise))
                return self.frame("alt" if otherwise else "opt", sections, here)
            case Repeat():
                return self.repeat(step, here)
            case Wait(time=time):
                return (Note(here, f"waits {time}"),)
            case Answer(code=code):
                return self.ends(here, f"{code}", f"answers {code}: the {self.whole()} ends here")
            case GoOn():
                return (Note(here, "goes on all the same"),)
            case Stop():
                return self.ends(here, STOPPED, "the flow ends here")
            case RunFlow(flow=name):
                if self.depth >= _DEEPEST or name not in self.design.flows:
                    return (Note(here, f"runs `{name}`"),)
                self.depth += 1
                told = self.steps(self.design.flows[name].steps, here)
                self.depth -= 1
                return told

    def whole(self) -> str:
        """What an answer ends: of an actor, the request, behind which the flow may go on."""
        return "pass" if self.passes else "flow" if self.actor is None else "request"

    def ends(self, here: str, over: str, said: str) -> tuple[Event, ...]:
        """The flow is over; within a frame, where it goes on otherwise, that is said."""
        self.over = over
        return (Note(here, said),) if self.framed or not over else ()

    def frame(self, kind: str, sections: list[tuple[str, tuple[Step, ...]]], here: str) -> tuple[Event, ...]:
        """A frame; what ends the flow within it ends it only there. One in which nothing is said is left out."""
        told = []
        self.framed += 1
        for label, steps in sections:
            events = self.steps(steps, here)
            self.over = None
            if events:
                told.append(Section(label, events))
        self.framed -= 1
        return (Frame(kind, tuple(told)),) if told else ()

    def repeat(self, step: Repeat, here: str) -> tuple[Event, ...]:
        said = [
            "again and again" if step.every is None else f"every {step.every}",
            f"until {' or '.join(condition(one) for one in step.until)}" if step.until else "",
            f"at most {step.at_most_times} times" if step.at_most_times is not None else "",
            f"at most for {step.at_most_time}" if step.at_most_time is not None else "",
        ]
        self.passes += 1
        told = self.frame("loop", [(", ".join(part for part in said if part), step.steps)], here)
        self.passes -= 1
        if self.way is Way.ALL and step.in_vain:
            told += self.frame("opt", [("in vain", step.in_vain)], here)
        return told

    def outcomes(self, step: Call | Each | Parallel, here: str, but: str = "") -> tuple[Event, ...]:
        """What is done when it ends otherwise than well, where all branches are told."""
        if self.way is not Way.ALL:
            return ()
        told: tuple[Event, ...] = ()
        for outcome, steps in step.on.items():
            if outcome != but:
                label = "on a miss" if outcome == "miss" else f"when {outcome}"
                told += self.frame("opt", [(label, steps)], here)
        return told

    # ---- calls

    def call(self, call: Call, here: str) -> tuple[Event, ...]:
        """A call along its route, what is done within it, and its answer; or how it goes without one."""
        route = call.route[call.route.index(here) + 1 :] if here in call.route else call.route
        text = operation(call)
        quiet = ", ".join(around(call.policies))
        if not route:
            return (Message(here, here, Kind.CALL, text, quiet), *self.steps(call.then, here))
        stops = (here, *route)
        asks, target = stops[-2], stops[-1]
        forgets = call.operation == "send" or bool(call.policies.is_async)
        last = Message(asks, target, Kind.SEND if forgets else Kind.CALL, text, quiet)
        there = [Message(a, b, Kind.CALL) for a, b in pairwise(stops[:-1])]
        told: list[Event] = [*there, last]
        if forgets:
            told += self.steps(call.then, target)
        elif self.is_to_fail(call):
            told += self.failing(call, last)
        else:
            told += self.answered(call, asks, target)
        for a, b in reversed(list(pairwise(stops[:-1]))):
            told.append(self.answer(b, a))
        if here == self.actor and self.over not in (None, STOPPED, FAILED) and not self.over.startswith("5"):
            self.over = None  # that was one of the actor's requests, which was answered
        return tuple(told)

    def answer(self, source: str, target: str, text: str = "") -> Message:
        """An answer; once the flow is over it carries how."""
        if self.over == FAILED:
            return Message(source, target, Kind.ERROR, "failed")
        return Message(source, target, Kind.ANSWER, self.over or text)

    def answered(self, call: Call, asks: str, target: str) -> list[Event]:
        told: list[Event] = list(self.steps(call.then, target))
        looks_up = "miss" in call.on
        if looks_up and self.way is Way.FAILING and self.over is None:
            self.missed = True
            told.append(Message(target, asks, Kind.ANSWER, "miss"))
            told += self.steps(call.on["miss"], asks)
            return told
        told.append(self.answer(target, asks, "hit" if looks_up and self.way is Way.HAPPY else ""))
        told += self.outcomes(call, asks)
        return told

    def is_to_fail(self, call: Call) -> bool:
        """Whether this is the call that is not answered: the first for which the design provides."""
        if self.way is not Way.FAILING or self.failed or (self.framed and not _dealt_with(call)):
            return False
        return _provided_for(call) and not self.rather_within(call)

    def rather_within(self, call: Call) -> bool:
        """Whether something is provided for what happens in a call that itself has no more than a time-out."""
        inside = [*call.then, *call.on.get("miss", ())]
        return not _dealt_with(call) and any(
            isinstance(step, Call) and _provided_for(step) for step in walk_steps(tuple(inside))
        )

    def failing(self, call: Call, last: Message) -> list[Event]:
        """The call is not answered, and what is done then."""
        self.failed = True
        policies = call.policies
        handled = [outcome for outcome in ("timed out", "failed", "refused", "busy") if outcome in call.on]
        late = policies.timeout is not None or (not handled and policies.optional is not None)
        outcome = "timed out" if late else handled[0] if handled else "failed"
        if late:
            limit = policies.timeout
            if limit is None and policies.optional is not None:
                limit = policies.optional.after
            said = "no answer" + (f" within {limit}" if limit is not None else "")
            told: list[Event] = [Message(last.target, last.source, Kind.LOST, said)]
        else:
            told = [Message(last.target, last.source, Kind.ERROR, outcome)]
        if policies.retry is not None:
            backoff = policies.retry.backoff
            told.append(
                Note(last.source, "tries again" + (f" after {backoff}" if backoff is not None else ""))
            )
            told.append(Message(last.source, last.target, Kind.CALL, last.text, "second attempt"))
            told += self.answered(call, last.source, last.target)
            return told
        for name in (outcome, "failed" if late else outcome):
            if name in call.on:
                return [*told, *self.steps(call.on[name], last.source)]  # type: ignore[index]
        if "miss" in call.on:
            told.append(Note(last.source, "as if it had missed"))
            return [*told, *self.steps(call.on["miss"], last.source)]
        if policies.optional is not None:
            return [*told, Note(last.source, "goes on without it")]
        if self.framed:
            return [*told, Note(last.source, "fails")]
        self.over = FAILED
        return told


def _dealt_with(call: Call) -> bool:
    """Whether the design says how the flow goes on when the call is not answered."""
    policies = call.policies
    return (
        policies.retry is not None
        or policies.optional is not None
        or any(outcome != "miss" for outcome in call.on)
    )


def _provided_for(call: Call) -> bool:
    return call.policies.timeout is not None or _dealt_with(call)
