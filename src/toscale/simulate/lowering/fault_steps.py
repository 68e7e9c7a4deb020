"""Where in a model's steps does a fault take hold? The keys that a flow draws, the attributes that are read, a
named step that is taken more often.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from toscale.engine.model import (
    Attribute,
    Call,
    Each,
    Flow,
    Fork,
    If,
    Key,
    Knob,
    Measure,
    Model,
    NewKey,
    Parallel,
    Poisson,
    Population,
    Step,
    Steps,
    Visit,
    walk,
)

__all__ = ["attributes_of", "draws_of", "more_often", "sources_changed"]


def draws_of(flow: Flow) -> list[tuple[str, Population]]:
    """The registers that a flow draws keys into, each once, with their populations."""
    found = [(s.register, s.population) for s in walk(flow.steps) if isinstance(s, Key | NewKey)]
    return list(dict.fromkeys(found))


def attributes_of(model: Model, salt: str) -> list[Attribute]:
    """The attributes with this salt that any flow reads, those with some left out (`salt - 1`) among them."""
    found: dict[Attribute, None] = {}

    def look(value: Any) -> None:
        if isinstance(value, Attribute) and (value.salt == salt or value.salt.startswith(f"{salt} - ")):
            found[value] = None
        elif is_dataclass(value) and not isinstance(value, type):
            for part in fields(value):
                look(getattr(value, part.name))

    for flow in model.flows:
        for step in walk(flow.steps):
            for part in fields(step):
                value = getattr(step, part.name)
                if not isinstance(value, tuple | dict):
                    look(value)
    return list(found)


def more_often(flows: tuple[Flow, ...], name: str, knob: str) -> tuple[Flow, ...]:
    """The flows, each passage through the named step followed by as many more as the knob says, side by side,
    that nobody waits for.
    """

    def again(step: Step) -> Steps:
        if isinstance(step, Measure) and step.name == name:
            path = f"{knob} of {name}"
            return (step, Fork(path, (Each(path, Knob(knob, 0.0), (step,), at_once=None),)))
        return (step,)

    return tuple(replace(flow, steps=_changed(flow.steps, again)) for flow in flows)


def _changed(steps: Steps, change: Callable[[Step], Steps]) -> Steps:
    """The steps with what `change` makes of each, inner ones first."""
    return tuple(new for step in steps for new in change(_within(step, change)))


def _within(step: Step, change: Callable[[Step], Steps]) -> Step:
    match step:
        case Visit() | Fork() | Each() | Measure():
            return replace(step, body=_changed(step.body, change))
        case Call():
            handlers = {outcome: _changed(block, change) for outcome, block in step.handlers.items()}
            return replace(step, body=_changed(step.body, change), handlers=handlers)
        case Parallel():
            return replace(step, branches=tuple(_changed(block, change) for block in step.branches))
        case If():
            return replace(step, then=_changed(step.then, change), otherwise=_changed(step.otherwise, change))
        case _:
            return step


_MOMENT = 1e-6
"""Seconds in which a rate falls from one level to another."""


def sources_changed(
    flows: tuple[Flow, ...], name: str, factor: float, begins: float, ends: float | None
) -> tuple[Flow, ...]:
    """The flows, one of them with `factor` times its own rate from `begins` to `ends`."""

    def changed(flow: Flow) -> Flow:
        if flow.name != name or not isinstance(flow.source, Poisson):
            return flow
        edges = [begins, begins + _MOMENT]
        if ends is not None:
            edges += [ends, ends + _MOMENT]
        times = sorted({*flow.source.times, *edges})
        rates = tuple(
            _rate(flow.source, time)
            * (factor if begins + _MOMENT <= time and (ends is None or time <= ends) else 1.0)
            for time in times
        )
        return replace(flow, source=Poisson(rates, tuple(times)))

    return tuple(changed(flow) for flow in flows)


def _rate(source: Poisson, time: float) -> float:
    """The rate of a source at a time: straight lines between its points."""
    for k in range(len(source.times) - 1):
        if source.times[k] <= time < source.times[k + 1]:
            part = (time - source.times[k]) / (source.times[k + 1] - source.times[k])
            return source.rates[k] + part * (source.rates[k + 1] - source.rates[k])
    return source.rates[-1]
