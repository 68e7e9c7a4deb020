"""What is a design? The whole of one file, as values: requirements, estimates, components, flows, data,
decisions, faults, ...

None, or an empty collection, means that the file says nothing; a kind's defaults are applied later, in
`toscale.kinds`. All names are those of the file, in its order. Steps and triggers are in `flow`, conditions
of requirements in `conditions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from toscale.design.entities import Bound, Entity, Field, FieldType, HasMany, Keep, Popularity, Share
from toscale.design.flow import Comparator, Flow
from toscale.design.parts import NOWHERE, Formula, Place, Time

if TYPE_CHECKING:
    from pathlib import Path

    from toscale.design.conditions import Target
    from toscale.design.problems import Problem
    from toscale.design.source import Node, Source

__all__ = [
    "Agreement",
    "Attribute",
    "Bound",
    "Change",
    "Component",
    "Concern",
    "ConcernAnswer",
    "Connection",
    "Decision",
    "Design",
    "Endpoint",
    "Entity",
    "Fault",
    "Field",
    "FieldType",
    "Growth",
    "HasMany",
    "Keep",
    "Link",
    "Network",
    "Objective",
    "OneThing",
    "Operations",
    "Option",
    "Popularity",
    "Price",
    "Prose",
    "Question",
    "Requirements",
    "Run",
    "Scaling",
    "Share",
    "Suggestion",
]


@dataclass(frozen=True, slots=True)
class Prose:
    """A sentence for readers, that nothing is computed from."""

    text: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return self.text


# --- step 1: requirements -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """A question that was asked, with its answer and the estimates that the answer sets; or an assumption,
    asked of nobody.

    An assumption has its text in `assume`, and neither `ask` nor `answer`.
    """

    ask: str | None = None
    answer: str | None = None
    assume: str | None = None
    sets: tuple[str, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An improvement of the question itself, with the change to the file that it would be, if said."""

    text: str
    change: Change | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """Step 1. In `non_functional` a line is a `Target`, which is judged, or prose, which is shown."""

    users: Mapping[str, Prose] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    functional: Mapping[str, Prose] = field(default_factory=dict)
    non_functional: Mapping[str, Target | Prose] = field(default_factory=dict)
    extra: tuple[Prose, ...] = ()
    out_of_scope: tuple[Prose, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The non-functional requirements that can be judged."""
        return tuple(line for line in self.non_functional.values() if not isinstance(line, Prose))


# --- step 2: components, connections, network ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scaling:
    """Replicas that follow the load: between `at_least` and `at_most`, towards a `target` utilisation."""

    target: Formula
    at_least: Formula | None = None
    at_most: Formula | None = None
    boot: Time | None = None
    over: Formula | None = None  # how long the load is measured, and how often looked at
    cool_down: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


Attribute: TypeAlias = "Formula | Time | str | bool | tuple[str, ...] | Scaling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A box of the drawing: a kind, with what the file says of it. `vocabulary.KINDS` says which attributes
    a kind has.
    """

    name: str
    kind: str
    # a station
    replicas: Formula | None = None
    cores: Formula | None = None  # of each replica
    concurrency: Formula | None = None  # slots of each replica
    queue: Formula | None = None  # the most that may wait at a replica
    discipline: Literal["fifo", "lifo", "priority"] | None = None
    balance: Literal["round robin", "random", "least outstanding", "two choices", "shared queue"] | None = (
        None
    )
    time: Time | None = None  # of a step that says none
    is_async: bool | None = None  # holds no slot while it waits for others
    scale: Scaling | None = None
    cold_start: Time | None = None
    idle: Formula | None = None  # how long an instance of a function is kept warm
    health_check: Formula | None = None  # how long until a dead replica is taken out
    beside: str | None = None  # one on each machine of that component
    # where it is
    zones: tuple[str, ...] = ()
    region: str | None = None
    # a store
    engine: str | None = None
    shards: Formula | None = None
    copies: Formula | None = None  # in each shard, the primary among them
    sync: Literal["none", "quorum", "all"] | None = None
    lag: Time | None = None  # of a copy behind its primary
    failover: Time | None = None
    connections: Formula | None = None  # of each machine
    memory: Formula | None = None  # of each machine
    evict: Literal["lru", "lfu", "fifo", "random"] | None = None
    ttl: Formula | None = None
    coalesce: bool | None = None  # concurrent misses of one key are one call
    hit_ratio: Formula | None = None  # given, instead of computed
    # a buffer
    partitions: Formula | None = None
    keep: Formula | None = None  # how long a message is kept
    deliveries: Formula | None = None  # attempts until a message is a dead letter
    dead_letters: str | None = None  # the queue that takes them
    # held connections
    sockets: Formula | None = None  # the most of each replica
    # availability in the long run
    fails_every: Formula | None = None
    repaired_in: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)  # of each attribute


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What is held open for much longer than a request lasts: `held` of them at any time, each for the time
    `lasts`.
    """

    name: str
    from_actor: str
    to: str
    held: Formula | None = None
    lasts: Time | None = None
    memory: Formula | None = None  # of each, at its component
    reconnect_after: Time | None = None  # when lost
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The way between two ends, in both directions. The latency is a round trip."""

    latency: Time | None = None
    bandwidth: Formula | None = None
    loss: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Round trips between pairs (in alphabetical order of the two names), and by where components are.

    `resend_after` is the time-out of the transport, after which a lost message is sent again.
    """

    links: Mapping[tuple[str, str], Link] = field(default_factory=dict)
    within_a_zone: Link | None = None
    between_zones: Link | None = None
    between_regions: Link | None = None
    loss: Formula | None = None
    bandwidth: Formula | None = None
    resend_after: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def link(self, one: str, other: str) -> Link | None:
        """The link that the file gives for this pair, whichever comes first."""
        return self.links.get((one, other) if one <= other else (other, one))


# --- step 3: API, data, decisions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The interface of a flow or of a named step: a request with a method and a path, or a frame on a
    connection.
    """

    name: str
    method: str | None = None
    path: str | None = None
    frame: str | None = None
    over: str | None = None
    body: Mapping[str, str] = field(default_factory=dict)  # field -> type
    returns: Mapping[str, str] = field(default_factory=dict)  # status code, or `ack` -> what comes back
    idempotent: str | None = None  # by which key
    auth: str | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the design: paths, such as `flows.shorten.store` or `estimates.celebrity`, with what comes
    there.
    """

    entries: Mapping[str, Node]
    place: Place = field(default=NOWHERE, compare=False, repr=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)  # of the paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to decide, with what speaks for and against it. The chosen one has no change: it is the file
    as it stands.
    """

    name: str
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()
    change: Change | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A question with its options, the one that was chosen, and why."""

    name: str
    question: str | None = None
    options: Mapping[str, Option] = field(default_factory=dict)
    chosen: str | None = None
    because: str | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


# --- step 4: faults, operations, growth, prices -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OneThing:
    """`one link: 50%`: one instance of an entity, or of an actor, is this share of the surge's requests."""

    of: str
    share: Formula
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens at a time after the warm-up. `vocabulary.FAULTS` says which words go with which action.

    `target` is a component, a zone, a region, a flow or named step (surge, send), or the two ends of a link.
    """

    name: str
    action: Literal[
        "lose",
        "lose zone",
        "lose region",
        "slow",
        "break",
        "empty",
        "restart",
        "surge",
        "send",
        "clock",
        "cut",
        "lossy",
        "deploy",
    ]
    target: tuple[str, ...]
    at: Formula | None = None
    lasts: Formula | None = None  # `for:`
    by: Formula | None = None
    replicas: Formula | None = None  # a number, or a share of them
    shard: Formula | None = None
    role: Literal["primary", "copy"] | None = None
    each: Formula | None = None  # restarted one after the other, so long apart
    off_by: Formula | None = None
    errors: Formula | None = None  # the share of calls that fail
    times: Formula | None = None  # how many requests are sent
    one: OneThing | None = None
    where: tuple[tuple[str, Comparator, Formula], ...] = ()  # attribute path, comparator, value
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Run:
    """How the design is simulated. With `lasts` it begins and ends; without, it is stationary.

    `start` "empty" starts with cold caches and empty queues; "stationary", or None, in the state that the
    average rate brought about.
    """

    lasts: Formula | None = None
    start: Literal["empty", "stationary"] | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Objective:
    """A target that is watched in operation, over a time, or over each run of a system that begins and ends
    (`1 sale`).
    """

    target: str
    over: Formula | None = None
    over_runs: str | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What is watched and done when the system runs."""

    objectives: Mapping[str, Objective] = field(default_factory=dict)
    metrics: tuple[Prose, ...] = ()
    logs: tuple[Prose, ...] = ()
    alerts: tuple[Prose, ...] = ()
    runbook: tuple[Prose, ...] = ()
    rollout: tuple[Prose, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Growth:
    """The estimates that grow, all together, and the multiples at which the design is looked at."""

    of: tuple[str, ...] = ()
    curve: tuple[Formula, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Price:
    """What a component costs: `0.17 USD / hour each` (per machine), `... / hour` in all, `... / GB / month`
    stored, `each request`.
    """

    component: str
    amount: Formula
    per: Literal["machine", "request", "all"]
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ConcernAnswer:
    """What was said to a concern. One that `reopens` says why the answers before it do not do."""

    says: str
    by: str
    at: str | None = None
    reopens: bool = False
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Concern:
    """A doubt about a part of a section. `fingerprint` is the part's when it was raised."""

    about: str
    says: str
    by: str
    at: str | None = None
    fingerprint: str | None = None
    answers: tuple[ConcernAnswer, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Agreement:
    """That a section was agreed on, bound to the fingerprint that it had then; and the concerns about it."""

    section: str
    fingerprint: str | None = None
    by: tuple[str, ...] = ()
    at: str | None = None
    concerns: tuple[Concern, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The whole of a design file. Two designs are equal when they mean the same.

    `source` is the text that it was read from, with its nodes: what edits and changes start from.
    """

    title: str | None = None
    brief: str | None = None
    requirements: Requirements = field(default_factory=Requirements)
    estimates: Mapping[str, Formula] = field(default_factory=dict)
    components: Mapping[str, Component] = field(default_factory=dict)
    connections: Mapping[str, Connection] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    focus: tuple[str, ...] = ()
    api: Mapping[str, Endpoint] = field(default_factory=dict)
    data: Mapping[str, Entity] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)
    run: Run = field(default_factory=Run)
    operations: Operations = field(default_factory=Operations)
    growth: Growth = field(default_factory=Growth)
    prices: Mapping[str, Price] = field(default_factory=dict)
    refinements: tuple[Prose, ...] = ()
    layout: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # component -> x, y on the canvas
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    source: Source | None = field(default=None, compare=False, repr=False)
    problems: tuple[Problem, ...] = field(
        default=(), compare=False, repr=False
    )  # warnings and notes, when it is sound

    @classmethod
    def load(cls, path: str | Path) -> Design:
        """The design in a file. Raises `DesignError`, with all problems, if it has errors; OSError if there
        is no such file.
        """
        from toscale.design.load import load

        return load(path)

    @classmethod
    def from_text(cls, text: str | bytes, file: str = "<text>") -> Design:
        """The design in a text; `file` names it in problems. Raises `DesignError` if it has errors."""
        from toscale.design.load import read_design

        return read_design(text, file).sound()

    @classmethod
    def from_dict(cls, values: Mapping[str, object], file: str = "<values>") -> Design:
        """The design in plain Python values, in the form of the file. Raises `DesignError` if it has
        errors.
        """
        from toscale.design.build import from_dict

        return from_dict(values, file)

    def with_change(self, change: Mapping[str, object] | Change) -> Design:
        """The design with a change: paths, such as `estimates.peak` or `flows.shorten.store`, with what
        comes there.

        Mappings merge, `in place of:` replaces a step by others, None or "none" removes. Raises
        `DesignError` if a path leads nowhere or the changed design has errors.
        """
        from toscale.design.change import with_change

        return with_change(self, change)

    def to_dict(self) -> dict[str, object]:
        """The design as plain Python values, in the form of the file: what `from_dict` takes."""
        from toscale.design.build import to_dict

        return to_dict(self)

    def to_yaml(self) -> str:
        """The text of the design, with its comments if it was read from a text."""
        from toscale.design.build import to_yaml

        return to_yaml(self)

    def fingerprints(self) -> dict[str, str]:
        """For each section that says something, a fingerprint of its meaning: of no comment, order, layout
        or way of writing.
        """
        from toscale.design.fingerprint import fingerprints

        return fingerprints(self)
