"""What is a trace made of? Spans, one at each place that a request came to, with what it did there.

All times are seconds since the request began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

__all__ = ["Doing", "Leg", "Part", "Span", "Trace"]


class Doing(Enum):
    """What a request does at a place."""

    WIRE = "wire"
    WAITED = "waited"
    WORKED = "worked"
    PAUSED = "paused"  # before it tries again
    CALLED = "called"  # and waits for what it has called


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a span, from `begin` to `end`: seconds since the request began."""

    doing: Doing
    begin: float
    end: float

    def to_json(self) -> dict[str, Any]:
        return {"doing": self.doing.value, "begin": self.begin, "end": self.end}


@dataclass(frozen=True, slots=True)
class Span:
    """What happened at one place: the `parts` tile it from `begin` to `end` (seconds since the request began).

    `component` is None for what belongs to no place: the flow itself, a branch, an attempt at several steps.
    `machine` counts from 1. `attempt` is 1 at first. `outcome`: done, refused, failed, timed out, busy, or given
    up, where nobody waited for it any longer. `found`: whether a look-up hit; None where nothing was looked up.
    `awaited`: whether the request went on only after it. `left`: when whoever had called it waited no longer, where
    that was before its end.
    """

    component: str | None
    machine: int | None
    path: str
    begin: float
    end: float
    parts: tuple[Part, ...]
    outcome: str
    attempt: int = 1
    found: bool | None = None
    awaited: bool = True
    left: float | None = None
    children: tuple[Span, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Span]]:
        """The span and all within it, each with its depth, before what stands within it."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)

    def spent(self, doing: Doing) -> float:
        """Seconds that it did so."""
        return sum(part.end - part.begin for part in self.parts if part.doing is doing)

    def to_json(self) -> dict[str, Any]:
        return {
            "component": self.component,
            "machine": self.machine,
            "path": self.path,
            "begin": self.begin,
            "end": self.end,
            "outcome": self.outcome,
            "attempt": self.attempt,
            "found": self.found,
            "awaited": self.awaited,
            "left": self.left,
            "parts": [part.to_json() for part in self.parts],
            "children": [child.to_json() for child in self.children],
        }


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of the way that the answer waited for: where, and doing what."""

    component: str | None
    doing: Doing
    begin: float
    end: float

    def to_json(self) -> dict[str, Any]:
        return {
            "component": self.component,
            "doing": self.doing.value,
            "begin": self.begin,
            "end": self.end,
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """One request of a simulated run. `why` it was chosen: typical, slow, failed, tried again.

    `latency` is the end of `root`, in seconds; `legs` is the path that it waited for: its stretches follow each
    other without a gap from 0 to `latency`. `begins`: seconds since the run began. `slower_than`: the share of
    the answered requests that were quicker; `among`: how many requests it was chosen from.
    """

    flow: str
    why: str
    seed: str
    begins: float
    latency: float
    outcome: str
    slower_than: float | None
    among: int
    root: Span
    legs: tuple[Leg, ...]

    @property
    def attempts(self) -> int:
        """The most attempts that any of its calls needed."""
        return max(span.attempt for _, span in self.root.walk())

    def spent(self) -> Mapping[tuple[str | None, Doing], float]:
        """The latency by place and doing, along the path that the answer waited for."""
        found: dict[tuple[str | None, Doing], float] = {}
        for leg in self.legs:
            key = leg.component, leg.doing
            found[key] = found.get(key, 0.0) + leg.end - leg.begin
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "why": self.why,
            "seed": self.seed,
            "begins": self.begins,
            "latency": self.latency,
            "outcome": self.outcome,
            "slower_than": self.slower_than,
            "among": self.among,
            "root": self.root.to_json(),
            "legs": [leg.to_json() for leg in self.legs],
        }
