"""How does work move through the design? A flow has a trigger, that starts it, and steps, that are done in
order.

A step is one of the small classes below. Each knows its place in the file and its `path`, such as
`redirect/edge > app/cache: get link`: the path depends on the step's name or, without one, on its head and
on the steps around it, not on its position. Random draws belong to a path, so that a step keeps its draws
when another is put before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from toscale.design.parts import NOWHERE, Formula, Place, Time

__all__ = [
    "After",
    "Answer",
    "AttributePath",
    "Breaker",
    "Busy",
    "Call",
    "Chance",
    "ClosedLoop",
    "Comparison",
    "Condition",
    "Consume",
    "Each",
    "Event",
    "Every",
    "Flow",
    "FlowDone",
    "FromActor",
    "GoOn",
    "HeldSet",
    "HeldState",
    "Hedge",
    "If",
    "Operation",
    "Optional",
    "Outcome",
    "Over",
    "Parallel",
    "Policies",
    "Rate",
    "Repeat",
    "Replicas",
    "Retry",
    "RunFlow",
    "ShapedRate",
    "Step",
    "Stop",
    "Trace",
    "Trigger",
    "Wait",
    "inner_steps",
    "walk_steps",
]

Outcome: TypeAlias = Literal["miss", "refused", "failed", "timed out", "busy"]
"""How a call may end, other than well. `timed out` is a `failed` that may be handled apart from it."""

Operation: TypeAlias = Literal[
    "read",
    "get",
    "put",
    "insert",
    "update",
    "delete",
    "increment",
    "send",
    "take",
    "queue for",
    "extend",
    "keep",
    "give back",
]

Comparator: TypeAlias = Literal["<", "<=", ">", ">=", "=", "!="]


# --- what steps refer to ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttributePath:
    """A value that belongs to a request: `post.author.followers` is ("post", "author", "followers").

    The first name is an entity, an actor, or what an `each` around it calls its items; the others are fields
    and relations.
    """

    names: tuple[str, ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class HeldSet:
    """Those instances of a bounded thing whose hold is over: a number that the simulation knows.

    `term` is what is over: the bounded thing itself or the estimate that says how long it is held. `entity`
    is None in `rows: those whose hold is over`, which means the entity of the step.
    """

    entity: str | None
    term: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Replicas:
    """Every replica of a component, as in `each: gateway`."""

    component: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Over:
    """By a held connection, to the replica that holds it: `over: socket`, `over: socket of recipient`."""

    connection: str
    of: str | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


# --- conditions of a branch or a repetition -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chance:
    """`60% of the time`: each request draws for itself. The share lies between 0 and 1."""

    share: Formula
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`post.author.followers > celebrity`: a condition on what is known of the request's data."""

    left: Formula
    comparator: Comparator
    right: Formula
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class HeldState:
    """A condition on state that the simulation holds.

    `place is taken` ("taken", "place"); `seat is free` ("free", "seat"); `no seat is left` ("none left",
    "seat"); `recipient has a socket` ("connected", "recipient", "socket"); `answered` ("answered"): the
    steps before it in this repetition were all answered.
    """

    state: Literal["taken", "free", "none left", "connected", "answered"]
    subject: str | None = None
    connection: str | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


Condition: TypeAlias = Chance | Comparison | HeldState


# --- policies of a call -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retry:
    """`times` further attempts. `backoff` before each, doubled each time unless `growth` says otherwise.

    `jitter` is the share of the backoff that is drawn at random; `budget` the most retries as a share of the
    calls.
    """

    times: Formula
    backoff: Time | None = None
    growth: Formula | None = None
    jitter: Formula | None = None
    budget: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Opens when the share of failed calls reaches `opens_at` over the time `over`, and there were `at_least`
    so many; lets a trial through after `tries_again_after`.
    """

    opens_at: Formula
    over: Formula
    tries_again_after: Formula
    at_least: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Hedge:
    """The same call once more when there is no answer `after` a time, at most `at_most` times (1); the first
    answer counts.
    """

    after: Formula
    at_most: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Optional:
    """The request goes on without this step when it fails, or when it has not answered `after` a time."""

    after: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What surrounds a step; None where the file says nothing. `is_async`: nobody waits for the answer."""

    timeout: Formula | None = None
    retry: Retry | None = None
    breaker: Breaker | None = None
    hedge: Hedge | None = None
    optional: Optional | None = None
    is_async: bool | None = None


# --- steps --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    path: str
    name: str | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


Busy: TypeAlias = Literal["wait", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(_Step):
    """`edge > app: 0.8 ms`, `cache: get link`, `gateway: 0.1 ms` with `over: socket of recipient`.

    `route` holds the components that the request passes, the last of which works (for `time`) or does the
    `operation` on the `entity`. An actor may be the last one: somebody at the end of a connection. One of
    `time` and `operation` is given.
    """

    route: tuple[str, ...]
    time: Time | None = None
    per_batch: bool = False
    operation: Operation | None = None
    entity: str | None = None
    of: str | None = None  # whose, where more than one instance is in play: `get session of recipient`
    rows: Formula | AttributePath | HeldSet | None = None  # under one key
    keys: Formula | AttributePath | HeldSet | None = None  # spread over the shards
    key: AttributePath | None = None  # that chooses the partition
    from_copy: bool = False
    over: Over | None = None
    held_for: Formula | None = None  # `for:`, the term of what is taken or extended
    at_a_time: Formula | None = None  # taken ahead, so many at once ...
    keep_for: Formula | None = None  # ... and kept for so long
    one_at_a_time: tuple[str, ...] = ()  # entities by whose key the step is serialised
    when_busy: Busy | None = None
    work: Formula | None = None  # a factor on the time that the operation takes by default
    policies: Policies = Policies()
    on: Mapping[Outcome, tuple[Step, ...]] = field(default_factory=dict)
    then: tuple[Step, ...] = ()

    @property
    def target(self) -> str:
        """The component, or actor, that answers the call."""
        return self.route[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Each(_Step):
    """`each: post.author.followers` with `batch: 500` and `at once: 4`: the same steps for each, or for each
    `batch` of them.

    `at_once` is how many go side by side: None for one, "all" for all.
    """

    of: Formula | AttributePath | Replicas | HeldSet
    called: str | None = None  # `as:`
    excluding: AttributePath | None = None  # `except:`
    batch: Formula | None = None
    at_once: Formula | Literal["all"] | None = None
    policies: Policies = Policies()
    on: Mapping[Outcome, tuple[Step, ...]] = field(default_factory=dict)
    then: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(_Step):
    """Different steps at once; goes on when all, any, or so many of them are done (None: all)."""

    branches: tuple[tuple[Step, ...], ...]
    wait: Literal["all", "any"] | Formula | None = None
    policies: Policies = Policies()
    on: Mapping[Outcome, tuple[Step, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class If(_Step):
    """A branch."""

    condition: Condition
    then: tuple[Step, ...] = ()
    otherwise: tuple[Step, ...] = ()  # `else:`


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(_Step):
    """The steps again and again until one of the conditions holds; at most so many times, or for so long.

    `every` is the time from one start to the next (None: at once). `in_vain` is done when the end comes
    without the condition.
    """

    every: Time | None = None
    until: tuple[Condition, ...] = ()
    at_most_times: Formula | None = None
    at_most_time: Formula | None = None
    steps: tuple[Step, ...] = ()
    in_vain: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(_Step):
    """Time passes, holding no slot."""

    time: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(_Step):
    """The request ends here with this status code."""

    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOn(_Step):
    """What happened is handled by doing nothing: the request goes on as if it had not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(_Step):
    """The flow ends here, well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlow(_Step):
    """The steps of another flow, as part of this one."""

    flow: str


Step: TypeAlias = Call | Each | Parallel | If | Repeat | Wait | Answer | GoOn | Stop | RunFlow


def inner_steps(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps that stand within a step, in the order in which they are written."""
    match step:
        case Call() | Each():
            return (step.then, *step.on.values())
        case Parallel():
            return (*step.branches, *step.on.values())
        case If():
            return (step.then, step.otherwise)
        case Repeat():
            return (step.steps, step.in_vain)
        case _:
            return ()


def walk_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step among the given ones and within them, each before what stands within it."""
    waiting = list(reversed(steps))
    while waiting:
        step = waiting.pop()
        yield step
        for inner in reversed(inner_steps(step)):
            waiting.extend(reversed(inner))


# --- what starts a flow -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShapedRate:
    """`total` requests in all, spread over time: straight lines between the points (time, relative rate)."""

    total: Formula
    shape: tuple[tuple[Formula, Formula], ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Trace:
    """The moments of arrival, in seconds, one a line, from a file beside the design."""

    file: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """So many users, each of whom thinks for a time after each answer before asking again."""

    users: Formula
    think: Time
    place: Place = field(default=NOWHERE, compare=False, repr=False)


Rate: TypeAlias = Formula | ShapedRate | Trace | ClosedLoop


@dataclass(frozen=True, slots=True)
class FromActor:
    """An actor starts the flow, at a rate (requests in a time); `over` a connection that it holds, if
    said.
    """

    actor: str
    rate: Rate | None = None
    over: Over | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Consume:
    """The messages of a queue or stream start the flow, one by one or up to `batch` at once.

    `linger` is how long a batch waits to fill (None: it does not).
    """

    buffer: str
    batch: Formula | None = None
    linger: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Every:
    """The clock starts the flow; `per` replica of a component, or per held connection, each at its own
    moment, if said.
    """

    period: Time
    per: str | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FlowDone:
    """The end of another flow."""

    flow: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """`socket opens`, `socket closes` (a connection), `hold ends` (the term of a bounded thing, or the thing
    itself).
    """

    subject: str
    happens: Literal["opens", "closes", "ends"]
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.subject} {self.happens}"


@dataclass(frozen=True, slots=True)
class After:
    """Another flow that is done, or an event, starts the flow: with a `chance` (None: always), after a
    `wait` (None: at once).
    """

    causes: tuple[FlowDone | Event, ...]
    chance: Formula | None = None
    wait: Time | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


Trigger: TypeAlias = FromActor | Consume | Every | After


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow. Without a trigger it is started only by `run:` in another.

    `average` is the rate that has filled caches and queues before the run begins (None: the rate of the
    trigger).
    """

    name: str
    trigger: Trigger | None = None
    average: Formula | None = None
    priority: Literal["high", "normal", "low"] | None = None  # where components serve by priority
    steps: tuple[Step, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)
