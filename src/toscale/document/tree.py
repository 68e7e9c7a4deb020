"""How does a flow read as a tree? Each step in the words of the file, what is done inside it below it."""

from __future__ import annotations

from dataclasses import dataclass

from toscale.architecture.step_words import condition, of, work
from toscale.design.flow import (
    After,
    Answer,
    Call,
    ClosedLoop,
    Consume,
    Each,
    Every,
    Flow,
    FlowDone,
    FromActor,
    GoOn,
    If,
    Parallel,
    Policies,
    Rate,
    Repeat,
    RunFlow,
    ShapedRate,
    Step,
    Stop,
    Trace,
    Trigger,
    Wait,
)

__all__ = ["Branch", "flow_tree"]


@dataclass(frozen=True, slots=True)
class Branch:
    """A line with the lines below it. `quiet` is what stands beside the line, in smaller print."""

    text: str
    quiet: str = ""
    below: tuple[Branch, ...] = ()


def flow_tree(flow: Flow) -> Branch:
    """The flow: what starts it, and its steps."""
    return Branch(flow.name, _trigger(flow.trigger), _steps(flow.steps))


# ---- what starts a flow


def _trigger(trigger: Trigger | None) -> str:
    match trigger:
        case FromActor(actor=actor, rate=rate):
            return f"from {actor}" + (f", {_rate(rate)}" if rate is not None else "")
        case Consume(buffer=buffer, batch=batch):
            return f"from {buffer}" + (f", up to {batch} at once" if batch is not None else "")
        case Every(period=period, per=per):
            return f"every {period}" + (f" per {per}" if per else "")
        case After(causes=causes, chance=chance, wait=wait):
            said = " or ".join(cause.flow if isinstance(cause, FlowDone) else str(cause) for cause in causes)
            said = f"after {said}" + (f", {chance} of the time" if chance is not None else "")
            return said + (f", {wait} later" if wait is not None else "")
        case None:
            return "run by other flows"


def _rate(rate: Rate) -> str:
    match rate:
        case ShapedRate(total=total):
            return f"{total} in all, spread over time"
        case Trace(file=file):
            return f"as recorded in {file}"
        case ClosedLoop(users=users, think=think):
            return f"{users} users who think for {think}"
        case _:
            return str(rate)


# ---- steps


def _steps(steps: tuple[Step, ...]) -> tuple[Branch, ...]:
    return tuple(_step(step) for step in steps)


def _step(step: Step) -> Branch:
    match step:
        case Call():
            return _call(step)
        case Each(of=things, batch=batch, at_once=at_once):
            said = _joined(
                f"batch {batch}" if batch else "",
                f"{at_once} at once" if at_once else "",
                *_around(step.policies),
            )
            return Branch(f"each {of(things)}", said, (*_steps(step.then), *_outcomes(step)))
        case Parallel(branches=branches, wait=wait):
            said = _joined(f"wait for {wait}" if wait is not None else "", *_around(step.policies))
            inner = tuple(branch[0] if len(branch) == 1 else branch for branch in branches)
            below = tuple(
                _step(one) if not isinstance(one, tuple) else Branch("branch", "", _steps(one))
                for one in inner
            )
            return Branch("in parallel", said, (*below, *_outcomes(step)))
        case If(condition=test, then=then, otherwise=otherwise):
            more = (Branch("else", "", _steps(otherwise)),) if otherwise else ()
            return Branch(f"if {condition(test)}", "", (*_steps(then), *more))
        case Repeat():
            return _repeat(step)
        case Wait(time=time):
            return Branch(f"wait {time}")
        case Answer(code=code):
            return Branch(f"answer {code}")
        case GoOn():
            return Branch("go on")
        case Stop():
            return Branch("stop")
        case RunFlow(flow=flow):
            return Branch(f"run {flow}")


def _call(call: Call) -> Branch:
    head = " > ".join(call.route)
    done = f"{call.operation} {call.entity or ''}".strip() if call.operation else ""
    said = _joined(
        f"called {call.name}" if call.name else "",
        f"of {call.of}" if call.of else "",
        f"rows {of(call.rows)}" if call.rows is not None else "",
        f"keys {of(call.keys)}" if call.keys is not None else "",
        "from a copy" if call.from_copy else "",
        f"over {call.over.connection}" if call.over is not None else "",
        f"one at a time per {', '.join(call.one_at_a_time)}" if call.one_at_a_time else "",
        *_around(call.policies),
    )
    return Branch(f"{head}: {done or work(call)}", said, (*_steps(call.then), *_outcomes(call)))


def _repeat(step: Repeat) -> Branch:
    said = _joined(
        f"every {step.every}" if step.every is not None else "",
        f"until {' or '.join(condition(one) for one in step.until)}" if step.until else "",
        f"at most {step.at_most_times} times" if step.at_most_times is not None else "",
        f"at most for {step.at_most_time}" if step.at_most_time is not None else "",
    )
    more = (Branch("in vain", "", _steps(step.in_vain)),) if step.in_vain else ()
    return Branch("repeat", said, (*_steps(step.steps), *more))


def _outcomes(step: Call | Each | Parallel) -> tuple[Branch, ...]:
    return tuple(Branch(f"{outcome}:", "", _steps(steps)) for outcome, steps in step.on.items())


def _around(policies: Policies) -> list[str]:
    said = []
    if policies.timeout is not None:
        said.append(f"timeout {policies.timeout}")
    if policies.retry is not None:
        backoff = f" after {policies.retry.backoff}" if policies.retry.backoff is not None else ""
        said.append(f"retry {policies.retry.times}x{backoff}")
    if policies.breaker is not None:
        said.append(f"breaker at {policies.breaker.opens_at}")
    if policies.hedge is not None:
        said.append(f"hedged after {policies.hedge.after}")
    if policies.optional is not None:
        said.append("optional")
    if policies.is_async:
        said.append("async")
    return said


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
