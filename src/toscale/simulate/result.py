"""What a simulation says: figures with their 95% intervals, by flow and by component, and how the run went.

All times are seconds, all rates per second, all shares between 0 and 1. A figure that is not known is None
with the reason why; no figure is ever NaN or infinite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and the ends of its 95% confidence interval.

    An end is None where the interval is open, the value is None where nothing is known, and then `reason`
    says why. `tight`: whether the interval is as narrow as was asked for.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    tight: bool = True

    def to_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        if self.reason is not None:
            said["reason"] = self.reason
        if not self.tight:
            said["tight"] = False
        return said


PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
"""The percentiles that every report shows, by their names in JSON."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency in seconds: of those that were answered, and of all (a failed request is never answered in
    time).

    `answered` and `of_all` have `p50` to `p999`; `answered` also `mean`. `histogram`: the upper ends of cells
    in seconds and the share of the answered requests at or below each, for plots. `quantile_of_all(q)`
    answers for any other q.
    """

    answered: Mapping[str, Figure]
    of_all: Mapping[str, Figure]
    longest: float | None
    histogram: tuple[tuple[float, float], ...] = ()
    quantiles_of_all: Mapping[float, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FlowResult:
    """A flow, a named step or a span (`kind` says which). `offered`, `completed`, `failed` are rates per
    second.
    """

    name: str
    kind: str  # flow | step | span
    offered: Figure
    completed: Figure
    failed: Mapping[str, Figure]  # by cause: refused, failed, timed out, busy, answered with an error
    latency: Latency
    availability: Figure  # the share of requests that were answered
    counted: int  # requests that the figures rest on


@dataclass(frozen=True, slots=True)
class ComponentResult:
    """A component. Rates per second; waiting is the mean wait in seconds, queue the mean number that wait."""

    name: str
    arrivals: Figure
    utilisation: Figure  # of slots, else of cores
    core_utilisation: Figure
    busy: Figure  # slots held, on average
    waiting: Figure
    queue: Figure
    refused: Figure
    abandoned: Figure
    hit_ratio: Figure | None = None
    lag: Figure | None = None  # seconds, of a queue (mean)
    depth: Figure | None = None  # messages, of a queue (mean)
    lock_waiting: Figure | None = None  # the mean wait for a lock, in seconds, where it has any
    lock_refused: Figure | None = None  # the share of those who asked for a lock and were refused
    redelivered: Figure | None = None  # per second, of a queue: put back to be delivered again
    dead: Figure | None = None  # per second: messages that had all their deliveries in vain
    expired: Figure | None = None  # per second: messages that grew too old
    cold: Figure | None = None  # of a function: the share of its calls that start an instance
    instances: Figure | None = None  # busy or idle, the mean
    machines: Figure | None = None  # that are there, starting and leaving ones included: the mean
    most_machines: int | None = None  # that served at one time
    short: Figure | None = None  # the share of the time in which fewer serve than the load asks for
    coalesced: Figure | None = None  # the share of misses for which another call was waited for
    stale: Figure | None = None  # the share of the reads at copies that lacked the latest write
    staleness: Figure | None = None  # seconds until a copy has a write (mean)


@dataclass(frozen=True, slots=True)
class BoundResult:
    """A bounded thing. Rates in units per second.

    `held` is the mean number that is held, `line` that of those in line, `wait` the mean wait of those who got
    theirs from the line, in seconds. `excess` is what was let through beyond the bound, as a share of what it
    allows; `shortfall` what was refused though within the bound, as a share of all that was within.
    """

    name: str
    taken: Figure
    refused: Figure
    held: Figure
    line: Figure
    wait: Figure
    excess: Figure
    shortfall: Figure


@dataclass(frozen=True, slots=True)
class ConnectionResult:
    """What is held open. Rates per second; `held` is the mean number that are open, `fullest` what the fullest
    machine holds, on average, `memory` what that takes there, in bytes; `limit` is that of a machine.
    """

    name: str
    component: str
    held: Figure
    opened: Figure
    closed: Figure
    lost: Figure
    refused: Figure
    each: Figure  # the mean of one machine
    fullest: Figure
    memory: Figure
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """A call with a breaker, a hedge or a budget of retries, by its path in the file; None for what it has
    not.
    """

    path: str
    calls: Figure  # per second, with retries; those that a breaker cuts included
    cut: Figure | None = None  # the share of them that the breaker ended at once
    open: Figure | None = None  # the share of time in which it does, over all callers
    opened: Figure | None = None  # per second, over all callers
    hedged: Figure | None = None  # further calls for each
    retries: Figure | None = None  # for each call, of those with a budget
    denied: Figure | None = None  # for each call: retries for which the budget had nothing left


class Ending(Enum):
    """How a run came to its end."""

    TIGHT = "every interval is as narrow as asked for"
    NOT_TIGHT = "stopped at its bound before every interval was as narrow as asked for"
    OVERLOADED = "something grows without bound"
    BOUND = "stopped at a bound before it had measured anything"
    TIME = "ran for the time asked for"
    NOTHING = "no request came, and so nothing was measured"


@dataclass(frozen=True, slots=True)
class Overload:
    """What grows without bound, and by how many more each second."""

    component: str
    growth: float
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """Figures over time, one value a window, for plots: the start of each window in seconds, and the values
    by name.
    """

    starts: tuple[float, ...]
    values: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True)
class RunResult:
    """One simulated load: all figures, and how they came about."""

    flows: Mapping[str, FlowResult]  # flows, named steps and spans, by name
    components: Mapping[str, ComponentResult]
    ending: Ending
    overloads: tuple[Overload, ...]
    simulated: float  # seconds of simulated time per replication, without warm-up
    warm_up: float  # seconds cut off
    replications: int
    requests: int  # requests started in all
    events: int
    notes: tuple[str, ...] = ()  # what the reader must know, such as a bound that was hit
    series: Series | None = None
    bounds: Mapping[str, BoundResult] = field(default_factory=dict)  # bounded things, by name
    connections: Mapping[str, ConnectionResult] = field(default_factory=dict)
    calls: Mapping[str, CallResult] = field(default_factory=dict)  # with breakers, hedges or budgets, by path


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where theory and simulation differ by more than the interval, and which assumption is broken there."""

    subject: str
    measure: str
    theory: float
    simulated: Figure
    why: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated design: at the median of its rates and at their upper end, beside its theory."""

    median: RunResult
    upper: RunResult | None
    seed: int
    precision: float
    multiple: float  # of the design's growth
    disagreements: tuple[Disagreement, ...] = ()
    defaults: tuple[Any, ...] = ()  # what was taken from a kind's defaults, with its source
    not_simulated: tuple[Any, ...] = ()  # parts of the design that the simulation does not carry out, and why
    notes: tuple[Any, ...] = ()  # what the lowering says of its reading of the file
    compiled_in: float | None = None  # seconds spent on compiling the engine, once for each version
