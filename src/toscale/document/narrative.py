"""How does a flow read in plain sentences? What starts it, and who then does what, one step after the other; what
is done inside a step, or when it goes wrong, stands below it.

The sentences say what the file says, and nothing of how it is simulated.
"""

from __future__ import annotations

from toscale.architecture import step_words
from toscale.design.flow import (
    After,
    Answer,
    Call,
    Chance,
    ClosedLoop,
    Condition,
    Consume,
    Each,
    Event,
    Every,
    Flow,
    FlowDone,
    FromActor,
    GoOn,
    HeldSet,
    HeldState,
    If,
    Operation,
    Outcome,
    Parallel,
    Policies,
    Repeat,
    Replicas,
    RunFlow,
    ShapedRate,
    Step,
    Stop,
    Trace,
    Trigger,
    Wait,
)
from toscale.document.anchors import Anchors
from toscale.document.text import Code, Item, Span, Spans, plain

__all__ = ["steps_of", "trigger_of"]

_OPERATIONS: dict[Operation, tuple[str, str]] = {
    "read": ("reads ", " from "),
    "get": ("looks up ", " in "),
    "put": ("puts ", " into "),
    "insert": ("inserts ", " into "),
    "update": ("updates ", " in "),
    "delete": ("deletes ", " from "),
    "increment": ("increments ", " in "),
    "send": ("sends ", " to "),
    "take": ("takes ", " from "),
    "queue for": ("asks for ", " in line at "),
    "extend": ("extends ", " in "),
    "keep": ("makes ", " its own in "),
    "give back": ("gives ", " back to "),
}
"""What is said before the entity, and between it and where it is."""

_OUTCOMES: dict[Outcome, str] = {
    "miss": "If it is not there:",
    "refused": "If it is refused:",
    "failed": "If it fails:",
    "timed out": "If it is not answered in time:",
    "busy": "If someone else is at it:",
}


def trigger_of(flow: Flow, anchors: Anchors) -> Spans:
    """What starts a flow, as a sentence without its full stop."""
    trigger: Trigger | None = flow.trigger
    match trigger:
        case FromActor(actor=actor, over=over):
            how = f", over a {over.connection} held open" if over is not None else ""
            return (f"A {actor} starts it{how}{_rate(trigger)}",)
        case Consume(buffer=buffer, batch=batch, linger=linger):
            what = "Each message" if batch is None else f"Up to {batch} messages at once"
            waits = f", after waiting up to {linger} for more" if linger is not None else ""
            return (
                f"{what} of ",
                anchors.link("component", buffer),
                f" start{'s' if batch is None else ''} it{waits}",
            )
        case Every(period=period, per=per):
            if per is None:
                return (f"It starts every {period}",)
            return (f"It starts every {period}, once for each ", anchors.link("component", per))
        case After(causes=causes, chance=chance, wait=wait):
            found: list[Span] = ["It follows "]
            for number, cause in enumerate(causes):
                found += [" or "] if number else []
                found.append(_cause(cause, anchors))
            found += [f", {chance} of the time"] if chance is not None else []
            found += [f", {wait} later"] if wait is not None else []
            return tuple(found)
        case None:
            return ("It is a part of other flows",)


def _cause(cause: FlowDone | Event, anchors: Anchors) -> Span:
    if isinstance(cause, FlowDone):
        return anchors.link("flow", cause.flow)
    return f"when a {cause.subject} {cause.happens}"


def _rate(trigger: FromActor) -> str:
    match trigger.rate:
        case ShapedRate(total=total):
            return f", {total} times in all, spread over time"
        case Trace(file=file):
            return f", as recorded in {file}"
        case ClosedLoop(users=users, think=think):
            return f": {users} users, each of whom waits {think} between an answer and the next request"
        case _:
            return ""


def steps_of(flow: Flow, anchors: Anchors) -> tuple[Item, ...]:
    """The steps of a flow, one after the other."""
    trigger = flow.trigger
    who = trigger.actor if isinstance(trigger, FromActor) else ""
    return _Steps(anchors).several(flow.steps, who)


class _Steps:
    """The sentences of steps; `who` is who makes a call: an actor at first, inside a call the one that was called."""

    def __init__(self, anchors: Anchors) -> None:
        self.anchors = anchors

    def several(self, steps: tuple[Step, ...], who: str) -> tuple[Item, ...]:
        return tuple(self.one(step, who) for step in steps)

    def one(self, step: Step, who: str) -> Item:
        match step:
            case Call():
                return self.call(step, who)
            case Each():
                return self.each(step, who)
            case Parallel(branches=branches, wait=wait):
                how = {None: "all", "all": "all", "any": "the first"}.get(
                    wait if wait is None or isinstance(wait, str) else "", f"{wait}"
                )
                said = f"These are done side by side, until {how} of them {'is' if how == 'the first' else 'are'} done"
                return Item(
                    (f"{said}{_around(step.policies)}:",),
                    (*(self.branch(branch, who) for branch in branches), *self.outcomes(step, who)),
                )
            case If(condition=condition, then=then, otherwise=otherwise):
                below = self.several(then, who)
                if otherwise:
                    below = (*below, Item(("Otherwise:",), self.several(otherwise, who)))
                return Item((f"If {self.condition(condition)}:",), below)
            case Repeat():
                return self.repeat(step, who)
            case Wait(time=time):
                return Item((f"{time} pass.",))
            case Answer(code=code):
                return Item((f"It is answered with {code}, and ends.",))
            case GoOn():
                return Item(("It goes on as if nothing had happened.",))
            case Stop():
                return Item(("It ends here.",))
            case RunFlow(flow=flow):
                return Item(("The steps of ", self.anchors.link("flow", flow), " are done."))

    def branch(self, steps: tuple[Step, ...], who: str) -> Item:
        if len(steps) == 1:
            return self.one(steps[0], who)
        return Item(("One after the other:",), self.several(steps, who))

    def name(self, name: str) -> Span:
        return self.anchors.link("component", name)

    def call(self, call: Call, who: str) -> Item:
        *through, target = call.route
        found: list[Span] = []
        caller = who
        if through:
            found += [*self.sentence_start(who), "goes through "] if who else ["It goes through "]
            for number, name in enumerate(through):
                found += [" and "] if number else []
                found.append(self.name(name))
            found.append(" to ") if call.operation is None else found.append(", which ")
            caller = through[-1]
            if call.operation is None:
                found.append(self.name(target))
                found += self.works(call)
            else:
                found += self.operates(call)
        elif call.operation is not None:
            found += [*self.sentence_start(caller)] if caller else ["It "]
            found += self.operates(call)
        elif caller and caller != target:
            found += [*self.sentence_start(caller), "calls ", self.name(target), *self.works(call)]
        else:
            found += [self.name(target), " works", *self.time(call)]
        found += self.details(call)
        named: Spans = (" This step is called ", Code(call.name), ".") if call.name else ()
        below = (*self.several(call.then, target), *self.outcomes(call, caller or target))
        end = "." if named or not call.then else ", and:"
        said = _joined((*found, end, *named))
        if named and call.then:
            said = (*said, " Then:")
        return Item(said, below)

    def sentence_start(self, who: str) -> Spans:
        """Who does it. Actors have no place of their own in the document, components do."""
        link = self.name(who)
        return (f"The {who} ",) if link == who else (link, " ")

    def works(self, call: Call) -> list[Span]:
        return [", which works", *self.time(call)] if call.time is not None else []

    def time(self, call: Call) -> list[Span]:
        if call.time is None:
            return []
        text = f"{call.time}".removesuffix(" per batch")
        return [f" for {text}" + (" on each batch" if call.per_batch else "")]

    def operates(self, call: Call) -> list[Span]:
        before, between = _OPERATIONS[call.operation] if call.operation is not None else ("calls ", "")
        entity = call.entity or ""
        found: list[Span] = [before]
        if entity:
            found.append(self.anchors.link("entity", entity))
        if call.of:
            found.append(f" of {call.of}")
        return [*found, between, self.name(call.target)]

    def details(self, call: Call) -> list[Span]:
        said = [
            f", {self.of(call.rows)} rows at once" if call.rows is not None else "",
            f", for {self.of(call.keys)} keys" if call.keys is not None else "",
            ", from a copy, which may be a little old" if call.from_copy else "",
            f", in the order of {call.key}" if call.key is not None else "",
            f", over the {call.over.connection} held open" if call.over is not None else "",
            f", for {call.held_for}" if call.held_for is not None else "",
            f", {call.at_a_time} ahead at a time" if call.at_a_time is not None else "",
            f", one at a time for each {' and '.join(call.one_at_a_time)}" if call.one_at_a_time else "",
            _around(call.policies),
        ]
        return [part for part in said if part]

    def each(self, step: Each, who: str) -> Item:
        called = f", here called {step.called}" if step.called else ""
        excluding = f", except {step.excluding}" if step.excluding is not None else ""
        batch = f", {step.batch} of them at a time" if step.batch is not None else ""
        if step.at_once is None:
            side = ", one after the other"
        elif step.at_once == "all":
            side = ", all at once"
        else:
            side = f", {step.at_once} side by side"
        of: Spans
        if isinstance(step.of, Replicas):
            of = ("For every replica of ", self.name(step.of.component))
        else:
            of = (f"For each of {self.of(step.of)}",)
        said = (*of, f"{called}{excluding}{batch}{side}{_around(step.policies)}:")
        return Item(_joined(said), (*self.several(step.then, who), *self.outcomes(step, who)))

    def repeat(self, step: Repeat, who: str) -> Item:
        said = "This is repeated"
        said += f" every {step.every}" if step.every is not None else " at once"
        if step.until:
            said += f" until {' or '.join(self.condition(one) for one in step.until)}"
        said += f", at most {step.at_most_times} times" if step.at_most_times is not None else ""
        said += f", for at most {step.at_most_time}" if step.at_most_time is not None else ""
        below = self.several(step.steps, who)
        if step.in_vain:
            below = (*below, Item(("If that was in vain:",), self.several(step.in_vain, who)))
        return Item((f"{said}:",), below)

    def outcomes(self, step: Call | Each | Parallel, who: str) -> tuple[Item, ...]:
        return tuple(
            Item((_OUTCOMES[outcome],), self.several(steps, who)) for outcome, steps in step.on.items()
        )

    def condition(self, condition: Condition) -> str:
        match condition:
            case Chance(share=share):
                return f"chance will have it, {share} of the time"
            case HeldState(state="answered"):
                return "that was answered"
            case HeldState(state=state, subject=subject) if state not in ("none left", "connected"):
                return f"the {subject} is {state}"
            case _:
                return step_words.condition(condition)

    def of(self, what: object) -> str:
        if isinstance(what, HeldSet):
            return "those" if what.entity is None else f"each {what.entity} whose {what.term} is over"
        return str(what)


def _around(policies: Policies) -> str:
    """What surrounds a step: how long it is waited for, what is tried again."""
    said = ""
    if policies.timeout is not None:
        said += f", and waits for at most {policies.timeout}"
    if policies.retry is not None:
        times = "once" if policies.retry.times.text == "1" else f"up to {policies.retry.times} times"
        backoff = f" after {policies.retry.backoff}" if policies.retry.backoff is not None else ""
        said += f", and tries again {times}{backoff}"
    if policies.breaker is not None:
        said += f", and does not ask while {policies.breaker.opens_at} of the calls fail"
    if policies.hedge is not None:
        said += f", and asks a second time if there is no answer after {policies.hedge.after}"
    if policies.optional is not None:
        after = policies.optional.after
        said += ", and goes on without it " + (f"after {after}" if after is not None else "if it fails")
    if policies.is_async:
        said += ", and does not wait for the answer"
    return said


def _joined(spans: Spans) -> Spans:
    """The spans with neighbouring words in one, and a capital at the beginning of a sentence."""
    found: list[Span] = []
    for span in spans:
        if isinstance(span, str) and found and isinstance(found[-1], str):
            found[-1] += span
        elif not isinstance(span, str) or span:
            found.append(span)
    return tuple(found) if plain(tuple(found)) else ()
