"""What there is only so much of, as a model: pools, the steps that take from them, and the tests on what is left.

A part of `toscale.engine.model`, which has all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toscale.engine.model import Number, Population


@dataclass(frozen=True, slots=True)
class ByShare:
    """A number that belongs to a key by its popularity: straight lines between points (the key's share of the
    draws, the number), by rising share; the first and the last hold beyond.
    """

    points: tuple[tuple[float, float], ...]


Amount = float | ByShare


@dataclass(frozen=True, slots=True)
class Pool:
    """Units of which only so many can be had at a time: `capacity` of them for each key of `per` (None: in all).

    Without `refill` a unit is held by who took it until it is given back, or for `term` seconds at the longest
    (None: without end). With `refill`, units per second, it is a token bucket: what is taken is spent, and comes
    back at that rate up to the capacity. With `swept` a unit whose term is over is free again only once a `Sweep`
    has given it back; the times until then are shown as the span of this name. `asked`: units per second asked for
    by all keys in the state in which a run begins (0: every bucket is full then). `machines`: 0, or how many machines
    there are of which each has units of its own, for those that ask at it.
    """

    name: str
    capacity: Amount = 1.0
    refill: Amount | None = None
    term: float | None = None
    per: Population | None = None
    swept: str | None = None
    asked: float = 0.0
    machines: int = 0
    station: str | None = None  # by whose clocks it is refilled


# ---- tests ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holds:
    """True where this request holds what it took last of a pool: not while it stands in line, not after its term."""

    pool: str


@dataclass(frozen=True, slots=True)
class Left:
    """True where a pool has a unit left: of the key in a register, or (None) of any key; with `none`, where it has
    none.
    """

    pool: str
    key: str | None = None
    none: bool = False


# ---- steps ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choose:
    """Draws `count` different keys of a pool, at least one, among those that were free at the moment in the register
    `seen` (None, or empty: now), into the list named `into`.

    After `CHOICES` draws by popularity that were not free, the keys behind the last one are looked through; if none
    of those is free either, the last one drawn stands: whoever takes it will be refused.
    """

    path: str
    pool: str
    into: str
    count: Number = 1.0
    at_most: int = 64
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class See:
    """Notes in a register from when the picture is that a request has seen: from now, or, with a store, from when
    the entry of the key was put into it.
    """

    register: str
    store: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """Takes `amount` units of a pool, at one moment; where they are not there it ends as REFUSED, or, with `line`,
    stands in line for them: in order of arrival, the request going on (see `Await`). Of a pool with refill the next
    units are promised to it, though nobody should wait for them in the end.
    Where a request may ask for it more than once, the register `passed:POOL` of a pool with refill is set to 0 before
    each time, though not before each attempt: whom an attempt has let through is not counted again.

    `key` is the register with the key, `keys` the name of a list of them, of which all are taken or none. `term`:
    seconds instead of the pool's. What a request holds is what its last `Take` got; with a request that ends, or is
    given up, it stays held until its term is over.
    """

    path: str
    pool: str
    key: str | None = None
    keys: str | None = None
    amount: Number = 1.0
    term: float | None = None
    line: bool = False


@dataclass(frozen=True, slots=True)
class TakeAhead:
    """Takes up to `number` units of a pool with refill at once: one for this request, the others are kept for `keep`
    seconds on the machine and for the key that the last `FromStash` was asked for. REFUSED where none is left.
    """

    path: str
    pool: str
    key: str | None
    number: int
    keep: float


@dataclass(frozen=True, slots=True)
class FromStash:
    """Uses one of the units that this machine has taken ahead; sets the `found` register to 1, or to 0 where it has
    none left. `machines`: how many machines share the requests.
    """

    path: str
    pool: str
    key: str | None
    found: str
    number: int
    keep: float
    machines: int = 1


@dataclass(frozen=True, slots=True)
class Await:
    """Stands still until the request has what it stands in line for."""

    path: str
    pool: str
    key: str | None = None  # of a pool with refill


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Gives back what the request holds of a pool, or leaves its line; of a pool with refill, one unit (of a key)."""

    path: str
    pool: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Extend:
    """What the request holds is held for at least `term` seconds from now; REFUSED where its term is over."""

    path: str
    pool: str
    term: float


@dataclass(frozen=True, slots=True)
class Keep:
    """What the request holds is held without end; REFUSED where its term is over."""

    path: str
    pool: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """Gives back up to `count` of the units whose term is over, the longest over first."""

    path: str
    pool: str
    count: Number = 1.0


@dataclass(frozen=True, slots=True)
class Over:
    """How many units of a pool are over and not swept yet, into a register."""

    pool: str
    register: str


@dataclass(frozen=True, slots=True)
class Look:
    """Reads how much is left (for a later `Write`); REFUSED where that is less than one unit."""

    path: str
    pool: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """Writes back what a `Look` has read, less one unit, whatever has happened since: not one step with it, so that
    two requests may both take the last one.
    """

    path: str
    pool: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """The request goes past a pool that is refilled: let through, where it has not got a unit of it (the register
    `passed:POOL` says so, which is to be set to 0 before) all the same.
    """

    path: str
    pool: str
    key: str | None = None
