"""What is still vague? Words without a number, requirements that nothing serves, assumptions that nobody
confirmed.

None of it makes a design wrong: a vague line is one that the interviewer, or the reviewer, will ask about.
Each has a code, a place and a mend. The rules are in `vague_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from toscale.design.conditions import OfFlow, OfStep, Span, Target
from toscale.design.flow import Event, Flow, FlowDone, FromActor, HeldSet
from toscale.design.model import Design, Prose
from toscale.design.parts import Formula, Place, Time
from toscale.design.problems import Problem, quoted
from toscale.quantity.sheet import Sheet
from toscale.requirements.reach import Reach, reach, walk
from toscale.requirements.vague_rules import QUALITIES, VAGUE_RULES
from toscale.requirements.values import sheet_of

__all__ = ["vague"]

_PEAK = re.compile(r"peak|busiest|burst|rush|surge|max", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")
_SMALL = frozenset("a an the of to for and or in on at by with its their it".split())
_SMALLEST_SHARE = 0.05
"""An uncertain estimate is worth a question from this share of the variance of some result on."""


def vague(design: Design, *, sheet: Sheet | None = None) -> tuple[Problem, ...]:
    """All that is vague in a design, in the order of the file. `sheet` are its estimates, if they are
    computed already.
    """
    found = _Vague(design, sheet or sheet_of(design))
    return tuple(sorted(found.problems(), key=lambda problem: (problem.place, problem.code)))


def _problem(code: str, place: Place, message: str, suggestion: str) -> Problem:
    return Problem(code, VAGUE_RULES[code].severity, message, suggestion, place)


class _Vague:
    """The design, with what several rules look up in it."""

    def __init__(self, design: Design, sheet: Sheet) -> None:
        self.design, self.sheet = design, sheet
        self.reach: Reach = reach(design)
        self.steps = {
            name: {step.name for step in walk(flow.steps) if step.name is not None}
            for name, flow in design.flows.items()
        }

    def problems(self) -> Iterator[Problem]:
        yield from self.qualities()
        yield from self.unserved()
        yield from self.serving_nothing()
        yield from self.out_of_scope()
        yield from self.questions()
        yield from self.unasked()
        yield from self.unused()
        yield from self.without_target()
        yield from self.without_peak()
        yield from self.idle_users()

    # ---- requirements

    def qualities(self) -> Iterator[Problem]:
        """TS601, TS602: prose where a number should be."""
        requirements = self.design.requirements
        targeted = {_flow_of(target) for target in requirements.targets}
        for name, line in requirements.non_functional.items():
            if not isinstance(line, Prose):
                continue
            quality = _quality(line.text)
            if quality:
                yield _quality_problem(quality, line)
            else:
                yield _problem(
                    "TS602",
                    line.place,
                    f"{quoted(name)} is prose: it is shown, and nothing checks it.",
                    "Where it can be measured, write a condition, such as `availability(FLOW) >= 99.95%`.",
                )
        for name, line in requirements.functional.items():
            quality = _quality(line.text)
            if quality and name not in targeted:
                yield _quality_problem(quality, line)
        for line in requirements.extra:
            quality = _quality(line.text)
            if quality:
                yield _quality_problem(quality, line)

    def unserved(self) -> Iterator[Problem]:
        """TS603: a functional requirement that no flow and no step is called after."""
        if not self.design.flows:
            return
        names = {_key(name) for name in (*self.design.flows, *self.design.api)}
        names |= {_key(step) for steps in self.steps.values() for step in steps}
        for name, line in self.design.requirements.functional.items():
            if _key(name) not in names:
                yield _problem(
                    "TS603",
                    line.place,
                    f"No flow serves {quoted(name)}: none is called so, and no step of one.",
                    f"Call the flow, or the step, that does it {quoted(name)}; or move it to `out_of_scope`.",
                )

    def serving_nothing(self) -> Iterator[Problem]:
        """TS604: a flow of an actor that no functional requirement asks for."""
        functional = {_key(name) for name in self.design.requirements.functional}
        if not functional:
            return
        excluded = {flow.name for flow in self.excluded()}
        for name, flow in self.design.flows.items():
            if not isinstance(flow.trigger, FromActor) or name in excluded:
                continue
            if functional.isdisjoint({_key(name), *(_key(step) for step in self.steps[name])}):
                yield _problem(
                    "TS604",
                    flow.place,
                    f"The flow {quoted(name)} serves no functional requirement.",
                    f"Add {quoted(name)} to `functional`, or leave the flow out.",
                )

    def excluded(self) -> Iterator[Flow]:
        """The flows whose name an out-of-scope line has."""
        functional = {_key(name) for name in self.design.requirements.functional}
        lines = [set(_stems(line.text)) for line in self.design.requirements.out_of_scope]
        for name, flow in self.design.flows.items():
            words = set(_stems(name))
            if words and _key(name) not in functional and any(words <= line for line in lines):
                yield flow

    def out_of_scope(self) -> Iterator[Problem]:
        """TS605, TS606: a flow, or a component, that serves only what was excluded."""
        excluded = {flow.name: flow for flow in self.excluded()}
        for name, flow in excluded.items():
            yield _problem(
                "TS605",
                flow.place,
                f"The flow {quoted(name)} serves what is out of scope.",
                "Leave it out, or take the line out of `out_of_scope`.",
            )
        if not excluded:
            return
        touched = {
            name: {flow for flow, components in self.reach.touches.items() if name in components}
            | {flow for flow, buffers in self.reach.sends.items() if name in buffers}
            for name in self.design.components
        }
        for name, component in self.design.components.items():
            if touched[name] and touched[name] <= set(excluded):
                yield _problem(
                    "TS606",
                    component.place,
                    f"The component {quoted(name)} serves only what is out of scope.",
                    "Leave it out until that is in scope.",
                )

    def idle_users(self) -> Iterator[Problem]:
        """TS613: an actor who starts nothing."""
        if not self.design.flows:
            return
        acting = {
            flow.trigger.actor for flow in self.design.flows.values() if isinstance(flow.trigger, FromActor)
        }
        acting |= {connection.from_actor for connection in self.design.connections.values()}
        for name, line in self.design.requirements.users.items():
            if name not in acting:
                yield _problem(
                    "TS613",
                    line.place,
                    f"{quoted(name)} starts no flow: nothing says what such a user does.",
                    f"Add a flow `from: {name}`, or leave the user out.",
                )

    # ---- questions and estimates

    def questions(self) -> Iterator[Problem]:
        """TS607, TS609: what was assumed, and what was asked without an answer."""
        for question in self.design.requirements.questions:
            if question.assume is not None:
                yield _problem(
                    "TS607",
                    question.place,
                    f"Nobody confirmed this: {quoted(question.assume)}",
                    "Ask it, and write `ask:` with the `answer:` in its place.",
                )
            elif question.ask is not None and not question.answer:
                yield _problem(
                    "TS609",
                    question.place,
                    f"The question {quoted(question.ask)} has no answer.",
                    "Write the `answer:`, or `assume:` what you go on with.",
                )

    def unasked(self) -> Iterator[Problem]:
        """TS608: an uncertain estimate that no question sets, and on which something depends."""
        asked = {name for question in self.design.requirements.questions for name in question.sets}
        for name, estimate in self.sheet.items():
            if name in asked or not estimate.parsed.uncertain or estimate.is_certain:
                continue
            keys = {a.key for a in estimate.assumptions}
            own = {a.name for a in estimate.assumptions if a.key.startswith(f"{name}/")}
            best, most = "", 0.0
            for other, result in self.sheet.items():
                if other == name or not keys & {a.key for a in result.assumptions}:
                    continue
                share = sum(part for which, part in result.shares.items() if which in own)
                if share > most + 1e-9:
                    best, most = other, share
            if most < _SMALLEST_SHARE:
                continue
            yield _problem(
                "TS608",
                self.design.estimates[name].place,
                f"No question sets {quoted(name)}, which {most:.0%} of the uncertainty of {quoted(best)} is due to.",
                f"Ask for it, and add a question with `sets: {name}`.",
            )

    def unused(self) -> Iterator[Problem]:
        """TS610: an input that nothing is computed from."""
        used = set(_names_in(self.design))
        for name, formula in self.design.estimates.items():
            if formula.names or formula.attributes or name in used:
                continue
            yield _problem(
                "TS610",
                formula.place,
                f"Nothing is computed from {quoted(name)}.",
                "Use it in a formula, or leave it out.",
            )

    # ---- flows

    def without_target(self) -> Iterator[Problem]:
        """TS611: a flow of an actor that no condition is about."""
        targeted = {_flow_of(target) for target in self.design.requirements.targets}
        for name, flow in self.design.flows.items():
            if isinstance(flow.trigger, FromActor) and name not in targeted:
                yield _problem(
                    "TS611",
                    flow.place,
                    f"No target is about the flow {quoted(name)}: nothing says how quick it must be, or how available.",
                    f"Add one to `non_functional`, such as `p99({name}) <= 300 ms`.",
                )

    def without_peak(self) -> Iterator[Problem]:
        """TS612: a rate of which nothing says whether it is the average or the peak."""
        surged = {
            name for fault in self.design.faults.values() if fault.action == "surge" for name in fault.target
        }
        for name, flow in self.design.flows.items():
            trigger = flow.trigger
            if not isinstance(trigger, FromActor) or flow.average is not None or name in surged:
                continue
            rate = trigger.rate
            if isinstance(rate, Formula) and not self.mentions_peak(rate):
                yield _problem(
                    "TS612",
                    rate.place,
                    f"Nothing says whether {quoted(rate.text)} is the average of {quoted(name)} or its peak.",
                    "Estimate the busiest minute over the average, `peak: 3 to 6`, and multiply; or add `average:` to "
                    "the flow.",
                )

    def mentions_peak(self, rate: Formula) -> bool:
        """Whether a rate, or what it rests on, is called a peak."""
        if _PEAK.search(rate.text):
            return True
        seen: set[str] = set()
        waiting = list(rate.names)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if _PEAK.search(name):
                return True
            formula = self.design.estimates.get(name)
            waiting += formula.names if formula is not None else ()
        return False


# ---- words


def _quality(text: str) -> str | None:
    """The first word for a quality in a text that has no number."""
    if any(character.isdigit() for character in text):
        return None
    found = QUALITIES.search(text)
    return found[0] if found else None


def _quality_problem(quality: str, line: Prose) -> Problem:
    return _problem(
        "TS601",
        line.place,
        f"{quoted(quality)} is not a number: nobody can say whether it holds.",
        "Say how much, of what, as a condition: `p99(FLOW) <= 150 ms`, `availability(FLOW) >= 99.95%`, "
        "`throughput(FLOW) >= 5k / s`.",
    )


def _stems(text: str) -> list[str]:
    """The words of a text without endings, so that `payments` is `pay`ment's kin: `count clicks` and
    `counting a click` are the same.
    """
    return [_stem(word) for word in _WORDS.findall(text.casefold()) if word not in _SMALL]


def _stem(word: str) -> str:
    for ending in ("ing", "es", "ed", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _key(name: str) -> tuple[str, ...]:
    return tuple(_stems(name))


def _flow_of(target: Target) -> str:
    """The flow that a target is about, empty if it is about none."""
    match target.subject:
        case OfFlow(flow=flow) | OfStep(flow=flow):
            return flow
        case Span(start=FlowDone(flow=flow)):
            return flow
        case Span(start=Event(), end=end):
            return end
        case _:
            return ""


# ---- what the design names


def _names_in(design: Design) -> Iterator[str]:
    """Every estimate that some formula, time, growth or term of the design names."""
    for part in fields(design):
        if part.name not in ("source", "layout", "agreements"):
            yield from _names_of(getattr(design, part.name))


def _names_of(value: Any) -> Iterator[str]:
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        match part:
            case Formula(names=names) | Time(names=names):
                yield from names
            case HeldSet(term=term):
                yield term
            case Event(subject=subject):
                yield subject
            case str() | Place() | None:
                pass
            case Mapping():
                waiting += part.values()
            case Sequence() | frozenset():
                waiting += list(part)
            case _ if is_dataclass(part):
                waiting += [getattr(part, one.name) for one in fields(part)]
            case _:
                pass
