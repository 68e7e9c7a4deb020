"""What happens to a system while it runs? Changes at moments, further requests, and keys that are suddenly hot.

A `Timeline` belongs to a `Model`; an empty one costs nothing. Times are seconds from the beginning of the run,
its warm-up included. `toscale.engine.faults` carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toscale.engine.model import Population

__all__ = ["Change", "Given", "Hot", "Stream", "Timeline", "What"]


class What(IntEnum):
    """What changes, and what its value means."""

    DOWN = 0  # machines are gone: what is there fails, calls sent to them fail
    UP = 1  # machines are there again, empty
    OUT = 2  # no call is sent to these machines any more
    IN = 3  # calls are sent to them again
    SLOW = 4  # work that begins on these machines takes so many times as long
    ERRORS = 5  # so large a share of the requests on these machines fails, once the work is done
    LEAD = 6  # the machine number `value` of these shards takes the writes
    EMPTY = 7  # what these shards of a store hold is forgotten
    LOSS = 8  # so large a share of the messages on a link is lost, until `until`
    KNOB = 9  # a `Knob` gets this value
    CLOCK = 10  # the clocks of these machines jump ahead by so many seconds


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `part` is a station (machines by number, LEAD: shards), a store (EMPTY: shards), the
    `between` of links, or the name of a knob.
    """

    time: float
    what: What
    part: str
    which: tuple[int, ...] = (0,)
    value: float = 0.0
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of a flow beside its own: Poisson with `factor` times its own rate from `begins` to `ends`,
    or (`times` > 0) so many at `begins`.

    `given`: registers of these requests with the number of a key of a population, in place of a draw.
    """

    flow: str
    begins: float
    ends: float | None = None
    factor: float = 0.0
    times: int = 0
    given: tuple[tuple[str, Population, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Hot:
    """From `begins` to `ends` a flow's draws into a register are, with the chance `share`, one and the same
    key, number `index` of the population.
    """

    flow: str
    register: str
    population: Population
    index: int
    share: float
    begins: float
    ends: float | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """The attribute with this salt is `value` for one key of a population, in place of its draw."""

    population: Population
    index: int
    salt: str
    value: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that happens to a system while it runs."""

    changes: tuple[Change, ...] = ()
    streams: tuple[Stream, ...] = ()
    hots: tuple[Hot, ...] = ()
    givens: tuple[Given, ...] = ()

    def machines_of(self, *what: What) -> frozenset[str]:
        """The parts that a kind of change concerns."""
        return frozenset(change.part for change in self.changes if change.what in what)
