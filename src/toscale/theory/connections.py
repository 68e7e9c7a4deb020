"""How many connections does a machine hold, and how likely is it that a member is connected?

Members who open one after an exponential time and hold it for a time of any law are a system of M/G/infinity with
finitely many customers: each is connected with the chance held / members, and what all machines together hold is
binomial, Poisson where members are many (Engset; insensitive to the law of how long one lasts). A machine with a
limit refuses as Erlang's loss formula says (Erlang, 1917), where connections come to it at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toscale.engine.model import Happening
from toscale.theory.queues import erlang_b
from toscale.theory.tally import count

if TYPE_CHECKING:
    from toscale.engine.model import Connection, Event, Station


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


def connection(held: Connection, station: Station) -> ConnectionTheory:
    """The theory of one connection, held by the machines of that station."""
    machines = count(station)
    tried = held.held / held.lasts.mean
    blocked = 0.0
    if held.limit is not None:
        blocked = erlang_b(held.held / machines, held.limit)
    opened = tried * (1 - blocked)
    there = opened * held.lasts.mean
    return ConnectionTheory(
        held.name,
        opened,
        opened,
        tried - opened,
        there,
        there / machines,
        there / machines * held.memory,
        there / held.population.size,
    )
