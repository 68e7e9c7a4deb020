"""What must hold? A target compares a measure of the running system with a value: `p99(redirect) <= 150 ms`.

A line of `non_functional` that is a target is judged; one that looks like a target and is none is an error; others are prose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from toscale.design.flow import Comparator, Event, FlowDone
from toscale.design.parts import NOWHERE, Formula, Place

__all__ = ["Measure", "OfBound", "OfComponent", "OfFlow", "OfStep", "OfSystem", "Span", "Subject", "Target"]

Measure: TypeAlias = Literal[
    "percentile",
    "mean",
    "max",
    "availability",
    "error_rate",
    "throughput",
    "utilisation",
    "lag",
    "depth",
    "staleness",
    "excess",
    "shortfall",
    "cost",
]


@dataclass(frozen=True, slots=True)
class OfFlow:
    """From the moment that the actor sends until it has the answer."""

    flow: str


@dataclass(frozen=True, slots=True)
class OfStep:
    """From the start of a named step to its end. `path` is that of the step."""

    flow: str
    step: str
    path: str


@dataclass(frozen=True, slots=True)
class Span:
    """`A until B`: from the start of flow A, or an event, to the end of the last flow B that it caused, through queues."""

    start: FlowDone | Event
    end: str


@dataclass(frozen=True, slots=True)
class OfComponent:
    """A component: its utilisation, its lag and depth if it is a queue, the staleness of its copies."""

    component: str


@dataclass(frozen=True, slots=True)
class OfBound:
    """A bounded thing: what was given out beyond its bound, or refused within it."""

    entity: str


@dataclass(frozen=True, slots=True)
class OfSystem:
    """The whole: its cost."""


Subject: TypeAlias = OfFlow | OfStep | Span | OfComponent | OfBound | OfSystem


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A condition with its name. `percentile` is 99.9 for `p99.9`, None unless the measure is "percentile".

    `during` names a fault; `at` is a multiple of the load, `10x`.
    """

    name: str
    text: str
    measure: Measure
    percentile: float | None = None
    subject: Subject
    comparator: Comparator
    value: Formula
    during: str | None = None
    at: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)
