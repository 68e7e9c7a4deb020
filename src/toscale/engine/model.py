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

# The other half of this module, handed on by its names:
# isort: off
from toscale.engine.bounded_model import (
    Amount as Amount,
    Await as Await,
    ByShare as ByShare,
    Choose as Choose,
    Extend as Extend,
    FromStash as FromStash,
    GiveBack as GiveBack,
    Holds as Holds,
    Keep as Keep,
    Left as Left,
    Look as Look,
    Over as Over,
    Pass as Pass,
    Pool as Pool,
    See as See,
    Sweep as Sweep,
    Take as Take,
    TakeAhead as TakeAhead,
    Write as Write,
)

# isort: on
from toscale.engine.laws import Law
from toscale.engine.scaling_model import Instances as Instances
from toscale.engine.scaling_model import Scaling as Scaling
from toscale.engine.timeline import Timeline


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
    PRIORITY = "priority"


class Priority(IntEnum):
    """How urgent the requests of a flow are where that counts: the lower, the sooner."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


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
    empty: outside all zones. By priority, of those who wait the most urgent go first, each class in the order
    of arrival; who is served is not interrupted. With `scaling` there are up to `machines` of them.
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
    scaling: Scaling | None = None
    instances: Instances | None = None  # of a function: a slot for each
    follows: str | None = None  # as many machines as that station has at the moment

    @property
    def running(self) -> int:
        """How many of its machines there are when a run begins."""
        return self.machines if self.scaling is None else self.scaling.begins


class Evict(Enum):
    """Which entry goes when another one needs its room."""

    LRU = "lru"
    FIFO = "fifo"
    RANDOM = "random"
    LFU = "lfu"  # the least often asked for since it was first asked for, in or out ("perfect" LFU)


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
    """A queue of messages in partitions. `carries`: the registers that a message takes along.

    At most `most` may wait (None: no bound); a further one is refused. What is older than `keep` seconds when
    the consumer comes to it is dropped. A batch that fails is delivered again, up to `deliveries` times in all,
    before anything behind it; then its messages go to the buffer `dead`, or are lost.
    """

    name: str
    partitions: int = 1
    carries: tuple[str, ...] = ()
    most: int | None = None
    keep: float | None = None
    deliveries: int = 1
    dead: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What members of a population hold open to the machines of a station, for much longer than a request takes.

    In the stationary state `held` are open on average: everyone who has none opens one after an exponential
    time, whose mean follows from `held`, `lasts` and the size of the population. A new one goes to a machine
    by the station's policy, for which a machine's load is the connections that it holds; it is refused where
    that machine holds `limit` of them. `memory` is bytes for each, at its machine. Who lost one (see
    `toscale.engine.connections.lose_connections`) tries again after `again`, and after each refusal; None:
    like everyone else. `register` is where a flow that an opening or closing starts finds the member.
    """

    name: str
    station: str
    population: Population
    held: float
    lasts: Law
    register: str
    limit: int | None = None
    memory: float = 0.0
    again: Law | None = None


@dataclass(frozen=True, slots=True)
class Replicated:
    """A station in shards whose copies have each write (a `Commit`) later than the machine that takes the writes:
    after `lag` (None: at once), or, where they confirm writes, when their own write (`Copied`) is done, and after
    `lag` as well if that comes too late to confirm.

    `elects`: a machine that is lost is followed by one that has all writes that count; else what its follower
    does not have yet is lost.
    """

    station: str
    lag: Law | None = None
    elects: bool = False


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


@dataclass(frozen=True, slots=True)
class Knob(Register):
    """A number that the timeline changes while the system runs: the same for all requests."""

    value: float


Number = float | Attribute | Register


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
class Ended:
    """True where the last pass of a repetition ended with one of these outcomes; to be asked right behind it."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Connected:
    """True where the member in the register `of` has such a connection open."""

    connection: str
    of: str


Test = Chance | Compare | Flag | Holds | Left | Ended | Connected


# ---- what steps are made of --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """One direction of the wire: a time, a chance that a message is lost, and the time-out after which it is
    resent.

    `near` holds between machines of one zone, `far` between two zones or where one side is outside all zones.
    Each resending doubles the time-out (RFC 6298). None is no time at all. With a bandwidth (bytes per second) a
    message that has a size takes size / bandwidth longer; messages do not wait for each other.
    """

    near: Law | None = None
    far: Law | None = None
    loss: float = 0.0
    resend_after: float = 0.2
    between: str | None = None  # the name of a pair whose messages the timeline may lose
    near_bandwidth: float | None = None
    far_bandwidth: float | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What a message carries: `count` times `bytes`, or nothing where the register `found` is 0."""

    bytes: float
    count: Number = 1.0
    found: str | None = None


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
class Locked:
    """What a call does alone: while it works, nobody else has `lock` for the key in the register `key`, or for any
    of those in the list named `keys`; with neither, for those of the scattered call that this is written at.

    Who finds it taken waits, in order of arrival, or (`wait` False) ends BUSY. Of several keys all are had, or none.
    """

    lock: str
    key: str = ""
    wait: bool = True
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A call of a station: over the link, a slot, the work, the body (the slot still held), and back.

    `key` names the register whose key decides the shard (for the PRIMARY, COPY and ANY picks; without a key
    the shard is drawn evenly). With `over`, a connection, the call goes to the machine that holds that of the
    member in `key`, and fails at once where none is open. `path` is the step's stable name in the file: draws
    depend on it. `locks` are asked for while the slot is held, one after the other in the order of
    `Model.locks`, before the work, and given back with the slot, however the call ends.
    `nth` names one copy of the COPY pick, from 1. `sends` and `returns`: what the call and its answer carry.
    """

    path: str
    station: str
    work: Work | None = None
    link: Link = Link()
    pick: Pick = Pick.POLICY
    key: str | None = None
    body: Steps = ()
    locks: tuple[Locked, ...] = ()
    over: str | None = None
    nth: int | None = None
    sends: Load | None = None
    returns: Load | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """Time passes; what is held stays held."""

    path: str
    work: Work


@dataclass(frozen=True, slots=True)
class Pause:
    """Time passes, and the slot of the visit around it is given back meanwhile; then one is waited for again, at
    the same machine. Who comes back is never refused. What stands inside a lock, or runs as a part of its own
    (side by side, within a time-out), holds its visit's slot all the same.
    """

    path: str
    work: Work


@dataclass(frozen=True, slots=True)
class Key:
    """Draws the key of a population into a register, unless the register holds one already."""

    path: str
    register: str
    population: Population


@dataclass(frozen=True, slots=True)
class Holder:
    """Draws someone who has such a connection open into a register, unless it holds a key already; fails where
    nobody has.
    """

    path: str
    register: str
    connection: str


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
class Commit:
    """In a visit of the machine that takes the writes of a replicated station: a write of the key in a register
    counts from now on. `confirmed`: the register in which copies (`Copied`) say that they have it already.
    """

    path: str
    station: str
    key: str
    population: Population
    confirmed: str | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """The body is the write at a copy, side by side with others: when it has ended, the copy has the write."""

    path: str
    station: str
    key: str
    confirmed: str
    body: Steps


@dataclass(frozen=True, slots=True)
class Version:
    """In a visit of a replicated station: a key is read, and is stale where the latest write has not arrived."""

    path: str
    station: str
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
    locks: tuple[Locked, ...] = ()  # of each key, on each shard of those that lie there
    sends: Load | None = None  # for each key
    returns: Load | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Puts a message into a buffer: acknowledged as soon as it is in."""

    path: str
    buffer: str
    station: str | None = None  # the machines that take the message, if they are modelled
    work: Work | None = None
    link: Link = Link()
    key: str | None = None  # the register whose key decides the partition; else in turn
    sends: Load | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """`times` further attempts; before attempt k a wait of backoff * factor ** (k - 1), varied by +- jitter
    of it. With a `budget`, a caller's retries are at most that share of its calls: see `engine.guards`.
    """

    times: int
    backoff: float = 0.0
    factor: float = 2.0
    jitter: float = 0.0
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class Breaker:
    """Opens when `share` of a caller's calls within `over` seconds, and at least `least` of them, have ended
    in one of `errors`; after `stays` seconds one call may try whether it can close again.
    """

    share: float
    over: float
    stays: float
    least: int = 1
    errors: tuple[Outcome, ...] = (Outcome.REFUSED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.ENDED)


@dataclass(frozen=True, slots=True)
class Hedge:
    """The same once more when there is no answer `after` seconds, up to `at_most` times; the first good
    answer counts.
    """

    after: float
    at_most: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    """Steps that may be given up, tried again, or handled when they end otherwise than well.

    The timeout runs per attempt. When it is over, the caller goes on; what of the body only waits for its
    first slot is removed, what runs goes on to its end and its result is thrown away. A handler's steps run
    in place of the rest of the body; after them the flow goes on behind the call. From the inside out: the
    body, its `hedge`, the timeout, the `breaker`, the `retry`, the handlers; so each attempt asks the breaker,
    and ends FAILED at once where that is open.
    """

    path: str
    body: Steps
    timeout: float | None = None
    retry: Retry | None = None
    handlers: dict[Outcome, Steps] = field(default_factory=dict)
    breaker: Breaker | None = None
    hedge: Hedge | None = None

    @property
    def guarded(self) -> bool:
        """Whether its callers keep a state of their own for it."""
        budget = self.retry is not None and self.retry.budget is not None
        return self.breaker is not None or self.hedge is not None or budget


@dataclass(frozen=True, slots=True)
class Fork:
    """Steps that nobody waits for; their failure is nobody's."""

    path: str
    body: Steps


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches side by side; goes on when `wait` of them are done (all of them by default).

    Fails as soon as so many have failed that `wait` can no longer be reached; the others are given up, or,
    with `goes_on`, left to themselves.
    """

    path: str
    branches: tuple[Steps, ...]
    wait: int | None = None
    goes_on: bool = False


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
class Repeat:
    """The body again and again until, after a pass, one of the tests of `until` holds.

    `every` is the time from one start to the next (drawn anew; a longer pass is followed at once), and passes as
    in a `Pause`. A pass that fails, or is answered, is over, and the next one follows; one that is STOPPED ends
    the flow. Registers in `fresh` are drawn anew in each pass. At most `times` passes are made, and none is begun
    later than `lasts` seconds after the first. When the end comes without `until`, the steps `in_vain` are done in
    place of what has failed; without such steps (None), the repetition ends as its last pass did.
    """

    path: str
    body: Steps
    every: Law | None = None
    until: tuple[Test, ...] = ()
    times: int | None = None
    lasts: float | None = None
    in_vain: Steps | None = None
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """Steps that are one request of somebody who makes several: when it is ANSWERED, the flow goes on behind it."""

    path: str
    body: Steps


@dataclass(frozen=True, slots=True)
class Once:
    """The body once for all who come for the key in a register while it is done: they wait and have its outcome.

    `group`: those with the same name share it. The body is nobody's: it goes on when all have given up. Its
    registers are not handed back.
    """

    path: str
    group: str
    key: str
    body: Steps


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


Step = (
    Visit
    | Delay
    | Pause
    | Key
    | Holder
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
    | Repeat
    | Request
    | Once
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
    | Commit
    | Copied
    | Version
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
    once, or when it is full or its oldest message has waited `linger` seconds.

    A message is one request of the flow: it arrives when it is sent, its latency runs until its batch is
    done.
    """

    buffer: str
    batch: int = 1
    linger: float = 0.0


class Happening(IntEnum):
    """What may happen to a connection."""

    OPENS = 0
    CLOSES = 1


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a connection, to one after the other."""

    connection: str
    happens: Happening


@dataclass(frozen=True, slots=True)
class After:
    """Each time a request of one of `flows` has ended well, or one of `events` has happened: with `chance`,
    after `wait`, by the same user.
    """

    flows: tuple[str, ...]
    chance: float = 1.0
    wait: Law | None = None
    carries: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Clock:
    """`number` independent clocks, each ticking every `every` seconds from a phase of its own."""

    every: float
    number: int = 1


@dataclass(frozen=True, slots=True)
class Users:
    """`number` users, each of whom thinks for a while, asks, and thinks again when the answer has come, good or
    bad: a closed loop. All of them begin by thinking.
    """

    number: int
    think: Law


@dataclass(frozen=True, slots=True)
class Trace:
    """Arrivals at these moments, ascending, in seconds; none after the last."""

    times: tuple[float, ...]


Source = Poisson | Consume | After | Clock | Users | Trace


@dataclass(frozen=True, slots=True)
class Flow:
    """What requests do, and what makes them begin."""

    name: str
    source: Source
    steps: Steps
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class Span:
    """`first until last`: from the start of a request of `first` to the end of the last of `last` that it
    caused. Where an event starts `first`, it may be `called` by that.
    """

    first: str
    last: str
    called: str = ""

    @property
    def name(self) -> str:
        return f"{self.called or self.first} until {self.last}"


@dataclass(frozen=True, slots=True)
class Lock:
    """Something that one at a time may hold for each key, such as a row of a table. `station` is whose figure it
    is.
    """

    name: str
    station: str


@dataclass(frozen=True, slots=True)
class Model:
    """A whole system. Names are unique within each kind of part."""

    stations: tuple[Station, ...] = ()
    stores: tuple[Store, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    flows: tuple[Flow, ...] = ()
    spans: tuple[Span, ...] = ()
    pools: tuple[Pool, ...] = ()
    locks: tuple[Lock, ...] = ()
    connections: tuple[Connection, ...] = ()
    replicated: tuple[Replicated, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)


def inner(step: Step) -> tuple[Steps, ...]:
    """The blocks of steps inside a step, in the order of the file."""
    match step:
        case Visit() | Fork() | Each() | Once() | Measure() | Request() | Copied():
            return (step.body,)
        case Repeat():
            return (step.body, step.in_vain or ())
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
