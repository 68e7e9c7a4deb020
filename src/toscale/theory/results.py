"""What the twin answers: figures of flows, named steps, buffers, stations and stores, by name, as plain
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toscale.theory.assumptions import Assumption
    from toscale.theory.connections import ConnectionTheory
    from toscale.theory.copies import CopyTheory
    from toscale.theory.instances import InstanceTheory
    from toscale.theory.stations import StationTheory
    from toscale.theory.stores import StoreTheory


@dataclass(frozen=True, slots=True)
class Part:
    """Where the time of a flow goes, at one step. Mean seconds per request of the flow, all visits together.

    `station` is None for time that passes at no station. `waiting` is for slots, for cores and, in a buffer,
    for the consumer. What runs side by side is all counted: see `FlowTheory.overlap`. None: not finite.
    """

    path: str
    station: str | None
    visits: float
    work: float
    waiting: float | None
    wire: float


@dataclass(frozen=True, slots=True)
class FlowTheory:
    """One flow in its stationary state; `reason` says why a figure is None.

    `latency` and `deviation` are moments (the waits by theory, parts of a request taken as independent); the
    percentiles are read from 2,048 draws of the same times, to a few percent. All requests count, failed ones
    with the time until they failed. `failed`: the share that ends so, by cause.
    """

    name: str
    rate: float  # requests per second
    latency: float | None
    deviation: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    parts: tuple[Part, ...]
    overlap: float | None  # seconds by which the parts exceed the latency: what passed side by side
    failed: dict[str, float]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepTheory:
    """A named step: how often it runs, and its time as for a flow."""

    name: str
    rate: float
    latency: float | None
    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class GuardTheory:
    """A call with a breaker, a hedge or a budget of retries, by its path; None for what it has not.

    `cut`: the share of the calls that the breaker ends at once; `hedged`: further calls for each, `retries`
    for each.
    """

    path: str
    cut: float | None
    hedged: float | None
    retries: float | None


@dataclass(frozen=True, slots=True)
class BufferTheory:
    """A buffer as its (slowest) consumer sees it."""

    name: str
    rate: float  # messages per second
    consumer: str | None  # the flow; None: nobody reads it
    batch: float | None  # mean number of messages taken at once
    wait: float | None  # mean seconds until a message's batch begins
    depth: float | None  # mean number of messages that wait
    utilisation: float | None  # of what the consumers can do with full batches
    excess: float  # messages per second more than can be consumed
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Overload:
    """A part that cannot keep up: by so many calls or messages per second what waits there grows."""

    name: str
    excess: float
    arrivals: float


@dataclass(frozen=True, slots=True)
class Twin:
    """All that theory says; by name."""

    stations: dict[str, StationTheory]
    stores: dict[str, StoreTheory]
    buffers: dict[str, BufferTheory]
    flows: dict[str, FlowTheory]
    steps: dict[str, StepTheory]
    overloaded: tuple[Overload, ...]
    assumptions: tuple[Assumption, ...]
    rounds: int  # of the fixed point
    converged: bool
    asked: dict[str, float] = field(default_factory=dict)  # units of each pool that are asked for, per second
    connections: dict[str, ConnectionTheory] = field(default_factory=dict)
    guards: dict[str, GuardTheory] = field(default_factory=dict)
    instances: dict[str, InstanceTheory] = field(default_factory=dict)  # of functions
    copies: dict[str, CopyTheory] = field(default_factory=dict)  # of stations whose copies lag
