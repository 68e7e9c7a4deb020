"""What is a kind of component? A set of defaults, each with its source, over one of three primitives.

A kind becomes a *station* (machines with slots and cores), a *store* (a station in shards with copies,
whose keys may be kept and missed) or a *buffer* (messages in partitions). It knows nothing of the
simulator: `toscale.simulate.lowering` builds the primitives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

__all__ = [
    "FAILOVER",
    "HEALTH_CHECK",
    "Category",
    "Default",
    "Drawing",
    "Kind",
    "OperationTime",
    "Primitive",
]


class Primitive(Enum):
    """What a component becomes in the simulator."""

    STATION = "machines with slots and cores, behind a policy"
    STORE = "machines in shards with copies, addressed by key"
    BUFFER = "messages in partitions, until they are consumed"


class Category(Enum):
    """Where a component stands in a drawing, from the user to the data."""

    USER = "user"
    EDGE = "edge"
    CODE = "code"
    MEMORY = "memory"
    DATA = "data"
    MESSAGES = "messages"
    OUTSIDE = "outside"


class Drawing(Enum):
    """The outline of a component in a drawing."""

    PERSON = "person"
    CLOUD = "cloud"
    DIAMOND = "diamond"
    BOX = "box"
    STACK = "stack"
    CYLINDER = "cylinder"
    BUCKET = "bucket"
    PIPE = "pipe"
    OUTSIDE = "dashed box"


@dataclass(frozen=True, slots=True)
class Default:
    """A figure that holds where the file says none, and where it is from: a publication, a documentation,
    or a rule of thumb.
    """

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class OperationTime:
    """How long an operation takes at its machine, in seconds: the first row, and each further row of the
    same call.

    Without the network and without waiting. The time of N rows is `first + further * (N - 1)`.
    """

    first: float
    further: float
    source: str


HEALTH_CHECK = Default(
    6.0,
    "HAProxy configuration manual, `check`: a server is tried every 2 s (inter), and is down after 3 failures (fall).",
)
FAILOVER = Default(
    30.0,
    "Documentation of Patroni (PostgreSQL), `ttl`: 30 s until another node may take the place of a lost leader.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of component with its defaults.

    `cv` is the coefficient of variation of every time that is given without a shape; the shape is then a
    lognormal (times of servers are positive and skewed to the right). `slots` are those of a machine;
    None: no limit unless the file gives one. `time` is the work of a request that passes through, or calls
    it without saying a time; None: it takes none. `keeps_keys`: what it holds may be missing when it is
    asked for (a cache); other stores keep what they are given, unless the file gives them a `ttl` or an
    `evict`. `overhead` is what an entry takes in memory beside its record, in bytes. `balance` is how calls
    are spread over its machines. `health_check` is how long until a machine
    that is gone gets no calls any more, and one that is back gets them again; `failover` how long until a lost
    primary is replaced by a copy. Both in seconds.
    """

    name: str
    primitive: Primitive
    category: Category
    drawing: Drawing
    cv: Default
    slots: Default | None = None
    time: Default | None = None
    balance: str = "round robin"
    balance_source: str = "nginx, ngx_http_upstream_module: round robin unless another method is named."
    keeps_keys: bool = False
    overhead: Default | None = None
    health_check: Default = HEALTH_CHECK
    failover: Default = FAILOVER
    operations: Mapping[str, OperationTime] = field(default_factory=dict)
