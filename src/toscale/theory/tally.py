"""What a walk through the flows starts from, and what it counts: the words between traffic, stations and
stores.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from toscale.engine.model import Outcome, Pick, Policy, Station
from toscale.theory.copies import Versions
from toscale.theory.locks import Held
from toscale.theory.times import Time

if TYPE_CHECKING:
    from toscale.theory.knowledge import Known
    from toscale.theory.popularity import Array


@dataclass(frozen=True, slots=True)
class Calm:
    """How calls of a station fare, by the machines they go to: as `toscale.theory.layered.Answer`, averaged
    over machines.
    """

    stretch: float = 1.0
    wait: float = 0.0
    wait_probability: float = 0.0
    refused: float = 0.0
    excess: float = 0.0


@dataclass(slots=True)
class Round:
    """What the last round of the fixed point found."""

    calm: dict[tuple[str, str], Calm] = field(default_factory=dict)
    present: dict[tuple[str, int], Array] = field(default_factory=dict)
    failing: dict[tuple[str, str], float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)  # slots that are taken, of stations and of consumers
    curves: dict[str, tuple[float, ...]] = field(default_factory=dict)  # see `toscale.theory.stations`
    locks: dict[str, Held] = field(default_factory=dict)


@dataclass(slots=True)
class Calls:
    """Calls of one station by one step. Per second, seconds."""

    role: str
    rate: float  # offered
    work: Time
    body: Time
    stretch: float
    response: float  # from its coming to its end there: the wait, the stretched work, the body
    hottest: float  # the chance of the likeliest key
    spread: float  # the sum of the squares of the keys' chances
    holder: (
        tuple[str, float] | None
    )  # who holds a slot meanwhile, and how many such calls there can be at once
    priority: int = 1


@dataclass(slots=True)
class Lookups:
    """What happens to one population in one store, by cells, per second."""

    gets: Array
    hits: Array
    fills: float = 0.0  # puts after a miss
    enters: Array | None = None
    renews: Array | None = None
    drops: Array | None = None
    bytes: float = 0.0  # the sum of sizes over the gets and puts, of which there are
    entries: float = 0.0


@dataclass(slots=True)
class Tally:
    """What one walk through every flow counts, per second."""

    calls: dict[str, list[Calls]] = field(default_factory=dict)
    lookups: dict[tuple[str, int], Lookups] = field(default_factory=dict)
    # (store, population): gets and hits of keys without popularity
    others: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    fresh: dict[str, float] = field(default_factory=dict)  # store: bytes per second of new keys
    sent: dict[str, list[tuple[str, float, Known]]] = field(
        default_factory=dict
    )  # buffer: flow, per run, known
    failing: dict[tuple[str, str], float] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)  # pool: units asked for
    locks: dict[str, list[Held]] = field(default_factory=dict)
    versions: dict[str, Versions] = field(default_factory=dict)  # of replicated stations


@dataclass(slots=True)
class Part:
    """Where the time of a flow goes, at one step; per request of the flow. Seconds."""

    station: str | None
    visits: float = 0.0
    work: float = 0.0
    waiting: float = 0.0
    wire: float = 0.0


@dataclass(frozen=True, slots=True)
class Here:
    """Where a walk is: what of the surroundings matters to a step."""

    flow: str
    rate: float  # runs of the flow per second
    zones: tuple[
        tuple[int, float], ...
    ] = ()  # of the machine that calls, by chance; empty: outside all zones
    holder: tuple[str, float] | None = None
    at_once: float = 1.0  # so many of this step side by side, at most, for one holder
    parts: dict[str, Part] | None = None  # None: nobody waits for it
    machines: int = 1  # that make the calls from here, each by itself
    priority: int = 1  # of the flow

    def callers(self) -> tuple[str, float] | None:
        """Who holds a slot during a call from here, and how many such calls there are at once, at most."""
        return None if self.holder is None else (self.holder[0], self.holder[1] * self.at_once)

    def within(self, station: Station, zones: tuple[tuple[int, float], ...]) -> Here:
        """In a slot of that station: as many calls at once as it has slots, or fewer where its own callers
        are fewer.
        """
        callers = self.callers()
        if station.slots is not None:
            slots = float(station.slots * count(station))
            if callers is None or slots < callers[1]:
                callers = (station.name, slots)
        machines = 1 if station.policy is Policy.SHARED and station.shards <= 0 else count(station)
        return replace(self, zones=zones, holder=callers, at_once=1.0, machines=machines)


@dataclass(slots=True)
class Ran:
    """How a block of steps went: the time, the chance of its end by outcome, what is known where it went
    well.
    """

    time: Time
    done: float
    ends: dict[Outcome, float]
    known: Known
    stuck: float = 0.0  # the chance that it waits for ever, at a station that cannot keep up
    away: Time = field(default_factory=Time)  # the part of the time in which the caller's slot is given back


@dataclass(slots=True)
class Measured:
    """Of a named step: its time, and how often it runs per second."""

    rate: float
    time: Time


def count(station: Station) -> int:
    """How many machines a station has."""
    return station.shards * station.copies if station.shards > 0 else station.machines


def role_of(station: Station, pick: Pick) -> str:
    """Which machines a call goes to: "policy", or within the key's shard "primary", "copy" or "any"."""
    if pick is Pick.POLICY or station.shards <= 0:
        return "policy"
    if station.copies <= 1 or pick is Pick.PRIMARY:
        return "primary"
    return "copy" if pick is Pick.COPY else "any"


def of_class(role: str, priority: int) -> str:
    """The role of calls of one class, at a station by priority."""
    return f"{role} of class {priority}"


def mixed(parts: list[tuple[float, Calm]]) -> Calm:
    """The average of several, each with its share of the calls."""
    return Calm(
        sum(w * c.stretch for w, c in parts),
        sum(w * c.wait for w, c in parts if w > 0),
        sum(w * c.wait_probability for w, c in parts),
        sum(w * c.refused for w, c in parts),
        sum(w * c.excess for w, c in parts),
    )


def shared(missing: float, runs: list[Ran]) -> dict[Outcome, float]:
    """The chance of not going well, over outcomes as they come in the runs."""
    sums: dict[Outcome, float] = {}
    for ran in runs:
        for outcome, chance in ran.ends.items():
            sums[outcome] = sums.get(outcome, 0.0) + chance
    total = sum(sums.values())
    if missing <= 0 or total <= 0:
        return {}
    return {outcome: missing * chance / total for outcome, chance in sums.items()}
