"""How many connections does a machine hold, and how likely is it that a member is connected?

Members who open one after an exponential time and hold it for a time of any law are a system of M/G/infinity with
finitely many customers: each is connected with the chance held / members, and what all machines together hold is
binomial, Poisson where members are many (Engset; insensitive to the law of how long one lasts). A machine with a
limit refuses as Erlang's loss formula says (Erlang, 1917), where connections come to it at random; who is refused
tries again as everyone who has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from toscale.engine.model import Happening
from toscale.theory.queues import erlang_b
from toscale.theory.tally import count

if TYPE_CHECKING:
    from toscale.engine.model import Connection, Event, Station

_NEVER = 1e-9  # refused so seldom is as good as never
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class ConnectionTheory:
    """One connection in its stationary state. Rates per second; `each`: the mean of one machine, `memory` in
    bytes; `share`: the chance that a member is connected.
    """

    name: str
    opened: float
    closed: float
    refused: float
    held: float
    each: float
    memory: float
    share: float

    def rate(self, event: Event) -> float:
        """How often an event happens."""
        return self.opened if event.happens is Happening.OPENS else self.closed


@lru_cache(maxsize=64)
def connection(held: Connection, station: Station) -> ConnectionTheory:
    """The theory of one connection, held by the machines of that station."""
    machines = count(station)
    members, lasts = held.population.size, held.lasts.mean
    each = held.held / (members - held.held)  # tries of a member who has none, in the time that one lasts

    def blocked(there: float) -> float:
        """The chance of being refused where so many are open in all."""
        load = each * (members - there) / machines
        return 0.0 if held.limit is None else erlang_b(load, held.limit)

    low, there = 0.0, held.held
    if blocked(there) > _NEVER:  # who is refused tries again: as many are open as then come and stay
        high = there
        for _ in range(_HALVINGS):
            there = (low + high) / 2
            if each * (members - there) * (1 - blocked(there)) > there:
                low = there
            else:
                high = there
    tried = each * (members - there) / lasts
    opened = there / lasts
    return ConnectionTheory(
        held.name,
        opened,
        opened,
        max(0.0, tried - opened),
        there,
        there / machines,
        there / machines * held.memory,
        there / members,
    )
