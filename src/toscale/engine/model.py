"""What can be simulated: stations, stores, buffers, and flows made of a few steps that combine.

A `Model` is a value. It is what a design becomes (`toscale.simulate` lowers it), what the analytic twin
solves (`toscale.theory`) and what the engine compiles to tables (`toscale.engine.tables`). All times are
seconds, all rates are per second, all sizes are bytes. Names of registers (`key:link`, `size`) are plain
strings; a register belongs to one request and is inherited by what that request spawns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from toscale.engine.laws import Law


class Policy(Enum):
    """How a call chooses a machine of a station that is not addressed by key."""

    ROUND_ROBIN = "round robin"
    RANDOM = "random"
    LEAST_OUTSTANDING = "least outstanding"
    TWO_CHOICES = "two choices"
    SHARED = "shared queue"


class Discipline(Enum):
    """Which of those who wait for a slot is served next."""

    FIFO = "fifo"
    LIFO = "lifo"


class Outcome(IntEnum):
    """How a step ended; all but `DONE` go up to the nearest handler for them."""

    DONE = 0
    REFUSED = 1  # no place in the queue
    FAILED = 2  # the callee answered with an error
    TIMED_OUT = 3  # no answer in time
    BUSY = 4  # somebody else holds it
    ANSWERED = 5  # the request ends here with an answer that counts as one (such as 404 or 429)
    ENDED = 6  # the request ends here with an answer that counts as a failure (5xx)
    STOPPED = 7  # the flow ends here, well


HANDLED = (Outcome.REFUSED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.BUSY)
"""The outcomes that a handler may name; the others always end the request."""


@dataclass(frozen=True, slots=True)
class Station:
    """Machines that hold requests in slots and work on them with cores.

    `slots` and `cores` are per machine; None is "no limit". Work on a machine with cores is processor
    sharing: each request gets a whole core while there are enough, an equal part of them otherwise. Without
    cores, each request proceeds at full speed as soon as it has its slot. `waiting` bounds those who wait per
    machine (None: no bound). With `shards` > 0 there are `shards * copies` machines; the machine of shard s
    that takes the writes is number `s * copies`. `zones` gives each machine's zone, repeated as needed;
    empty: outside all zones.
    """

    name: str
    machines: int = 1
    slots: int | None = None
    cores: int | None = None
    waiting: int | None = None
    policy: Policy = Policy.ROUND_ROBIN
    discipline: Discipline = Discipline.FIFO
    shards: int = 0
    copies: int = 1
    zones: tuple[int, ...] = ()


class Evict(Enum):
    """Which entry goes when another one needs its room."""

    LRU = "lru"
    FIFO = "fifo"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Store:
    """Keys in memory: a cache, or any store whose entries can expire or be evicted.

    `memory` is bytes per shard (None: no bound), `ttl` seconds from the insertion (None: for ever). Keys are
    spread over `shards` by their hash.
    """

    name: str
    shards: int = 1
    memory: float | None = None
    ttl: float | None = None
    evict: Evict = Evict.LRU


@dataclass(frozen=True, slots=True)
class Population:
    """The keys of an entity and how often each is drawn: key i (from 1) with weight i ** -exponent.

    exponent 0 is uniform. `number` distinguishes populations (it becomes part of the key).
    """

    name: str
    number: int
    size: int
    exponent: float = 0.0


@dataclass(frozen=True, slots=True)
class Buffer:
    """A queue of messages in partitions. `carries`: the registers that a message takes along."""

    name: str
    partitions: int = 1
    carries: tuple[str, ...] = ()


# ---- numbers that are known only when a request is there ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attribute:
    """A number that belongs to a thing: the same key always has the same number. Rounded down to a whole
    number.
    """

    law: Law
    of: str  # the register that holds the key
    salt: str  # distinguishes two attributes of one key


@dataclass(frozen=True, slots=True)
class Register:
    """The number in a register."""

    name: str


Number = float | Attribute | Register


# ---- bounded things ----------------------------------------------------------------------------------------------


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


# ---- tests of a branch -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chance:
    """True for so many of the requests, drawn for each."""

    probability: float


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`; operator is one of < <= > >= = !=."""

    left: Number
    operator: str
    right: Number


@dataclass(frozen=True, slots=True)
class Flag:
    """True where the register is not zero."""

    register: str


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


Test = Chance | Compare | Flag | Holds | Left


# ---- what steps are made of --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """One direction of the wire: a time, a chance that a message is lost, and the time-out after which it is
    resent.

    `near` holds between machines of one zone, `far` between two zones or where one side is outside all zones.
    Each resending doubles the time-out (RFC 6298). None is no time at all.
    """

    near: Law | None = None
    far: Law | None = None
    loss: float = 0.0
    resend_after: float = 0.2


@dataclass(frozen=True, slots=True)
class Work:
    """A demand in seconds: a draw of `shape` (mean 1) times (base + each * count)."""

    shape: Law
    base: float
    each: float = 0.0
    count: Number = 1.0

    @staticmethod
    def of(law: Law) -> Work:
        """The work whose demand is distributed as `law`."""
        mean = law.mean
        return Work(law.scaled(1.0 / mean), mean) if mean > 0 else Work(Law.fixed(1.0), 0.0)


class Pick(Enum):
    """Which machine of a station a call goes to."""

    POLICY = "by the station's policy"
    PRIMARY = "the machine of the key's shard that takes the writes"
    COPY = "a copy in the key's shard, in turn; the primary where there is no copy"
    ANY = "any machine of the key's shard, in turn"
    BESIDE = (
        "the machine beside that of the caller: of the same number; by the policy where the caller is on none"
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """A call of a station: over the link, a slot, the work, the body (the slot still held), and back.

    `key` names the register whose key decides the shard (for the PRIMARY, COPY and ANY picks; without a key
    the shard is drawn evenly). `path` is the step's stable name in the file: draws depend on it.
    """

    path: str
    station: str
    work: Work | None = None
    link: Link = Link()
    pick: Pick = Pick.POLICY
    key: str | None = None
    body: Steps = ()


@dataclass(frozen=True, slots=True)
class Delay:
    """Time passes; what is held stays held."""

    path: str
    work: Work


@dataclass(frozen=True, slots=True)
class Key:
    """Draws the key of a population into a register, unless the register holds one already."""

    path: str
    register: str
    population: Population


@dataclass(frozen=True, slots=True)
class NewKey:
    """Makes a key that no one has touched before (an insert). `population` numbers it."""

    path: str
    register: str
    population: Population


@dataclass(frozen=True, slots=True)
class Get:
    """Looks a key up in a store: sets the `found` register to 1 or 0, renews the entry's place among the
    recent.

    `bytes` is the size of the entry. `present` is the chance that a key without popularity, never touched in
    this run, is there in the stationary state.
    """

    path: str
    store: str
    key: str
    found: str
    bytes: float
    population: Population
    present: float = 0.0


@dataclass(frozen=True, slots=True)
class Put:
    """Inserts a key into a store, evicting as needed; the ttl starts anew."""

    path: str
    store: str
    key: str
    bytes: float
    population: Population


@dataclass(frozen=True, slots=True)
class Drop:
    """Removes a key from a store (a delete, an invalidation)."""

    path: str
    store: str
    key: str
    population: Population


@dataclass(frozen=True, slots=True)
class Scatter:
    """One call for several keys, split over the shards that have them, side by side; done when the last has
    answered.

    `count` keys are drawn from `population` (`fresh` makes them new ones), or, with `source`, the keys are
    those in the list of that name. With `found` (and a store) each key is looked up: those that missed form
    the list named `missed`, and the register `found` is 1 where none missed. With `put` each is inserted.
    `work.count` is ignored: each shard's work is base + each * (its number of keys).
    """

    path: str
    station: str
    population: Population
    work: Work
    count: Number = 1.0
    fresh: bool = False
    link: Link = Link()
    pick: Pick = Pick.PRIMARY
    source: str | None = None
    store: str | None = None
    found: str | None = None
    missed: str | None = None
    put: bool = False
    bytes: float = 0.0
    at_most: int = 1_000  # the longest list of keys
    keep: str | None = None  # the drawn keys are kept as the list of this name


@dataclass(frozen=True, slots=True)
class Send:
    """Puts a message into a buffer: acknowledged as soon as it is in."""

    path: str
    buffer: str
    station: str | None = None  # the machines that take the message, if they are modelled
    work: Work | None = None
    link: Link = Link()
    key: str | None = None  # the register whose key decides the partition; else in turn


@dataclass(frozen=True, slots=True)
class Retry:
    """`times` further attempts; before attempt k a wait of backoff * factor ** (k - 1), varied by +- jitter
    of it.
    """

    times: int
    backoff: float = 0.0
    factor: float = 2.0
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """Steps that may be given up, tried again, or handled when they end otherwise than well.

    The timeout runs per attempt. When it is over, the caller goes on; what of the body only waits for its
    first slot is removed, what runs goes on to its end and its result is thrown away. A handler's steps run
    in place of the rest of the body; after them the flow goes on behind the call. `count_errors`: a handled
    failure is counted for this component all the same.
    """

    path: str
    body: Steps
    timeout: float | None = None
    retry: Retry | None = None
    handlers: dict[Outcome, Steps] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fork:
    """Steps that nobody waits for; their failure is nobody's."""

    path: str
    body: Steps


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches side by side; goes on when `wait` of them are done (all of them by default).

    Fails as soon as so many have failed that `wait` can no longer be reached; the others are given up.
    """

    path: str
    branches: tuple[Steps, ...]
    wait: int | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """The body once for each of `count` things, or once for each `batch` of them, `at_once` side by side
    (None: all).

    `size`: the register that tells a pass how many things it has. Registers in `fresh` are drawn anew in each
    pass.
    """

    path: str
    count: Number
    body: Steps
    batch: int = 1
    at_once: int | None = 1
    size: str | None = None
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """A branch."""

    path: str
    test: Test
    then: Steps = ()
    otherwise: Steps = ()


@dataclass(frozen=True, slots=True)
class Set:
    """Puts a constant into a register."""

    register: str
    value: int


@dataclass(frozen=True, slots=True)
class End:
    """Ends the body, the call or the request with an outcome: FAILED goes up to a handler, ANSWERED, ENDED
    and STOPPED end the request.
    """

    path: str
    outcome: Outcome
    code: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """A named step: the time that its body takes is recorded under `name`, like a flow's."""

    name: str
    body: Steps


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


Step = (
    Visit
    | Delay
    | Key
    | NewKey
    | Get
    | Put
    | Drop
    | Scatter
    | Send
    | Call
    | Fork
    | Parallel
    | Each
    | If
    | Set
    | End
    | Measure
    | Choose
    | See
    | Take
    | TakeAhead
    | FromStash
    | Await
    | GiveBack
    | Extend
    | Keep
    | Sweep
    | Over
    | Look
    | Write
    | Pass
)
Steps = tuple[Step, ...]


# ---- flows -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Poisson:
    """Poisson arrivals. `rates` at `times` (straight lines between, the last one holds on); one point: a
    constant.
    """

    rates: tuple[float, ...]
    times: tuple[float, ...] = (0.0,)

    @staticmethod
    def at(rate: float) -> Poisson:
        return Poisson((rate,))


@dataclass(frozen=True, slots=True)
class Consume:
    """Messages of a buffer, one consumer for each partition; a batch takes what is there, up to its size, at
    once.

    A message is one request of the flow: it arrives when it is sent, its latency runs until its batch is
    done.
    """

    buffer: str
    batch: int = 1


@dataclass(frozen=True, slots=True)
class After:
    """Each time a request of one of `flows` has ended well: with `chance`, after `wait`, by the same user."""

    flows: tuple[str, ...]
    chance: float = 1.0
    wait: Law | None = None
    carries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clock:
    """`number` independent clocks, each ticking every `every` seconds from a phase of its own."""

    every: float
    number: int = 1


Source = Poisson | Consume | After | Clock


@dataclass(frozen=True, slots=True)
class Flow:
    """What requests do, and what makes them begin."""

    name: str
    source: Source
    steps: Steps


@dataclass(frozen=True, slots=True)
class Span:
    """`first until last`: from the start of a request of `first` to the end of the last of `last` that it
    caused.
    """

    first: str
    last: str

    @property
    def name(self) -> str:
        return f"{self.first} until {self.last}"


@dataclass(frozen=True, slots=True)
class Model:
    """A whole system. Names are unique within each kind of part."""

    stations: tuple[Station, ...] = ()
    stores: tuple[Store, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    flows: tuple[Flow, ...] = ()
    spans: tuple[Span, ...] = ()
    pools: tuple[Pool, ...] = ()


def inner(step: Step) -> tuple[Steps, ...]:
    """The blocks of steps inside a step, in the order of the file."""
    match step:
        case Visit() | Fork() | Each() | Measure():
            return (step.body,)
        case Call():
            return (step.body, *step.handlers.values())
        case Parallel():
            return step.branches
        case If():
            return (step.then, step.otherwise)
        case _:
            return ()


def walk(steps: Steps) -> Iterator[Step]:
    """Every step of a block and of the blocks inside, outer before inner."""
    for step in steps:
        yield step
        for block in inner(step):
            yield from walk(block)
