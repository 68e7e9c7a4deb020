"""Which kinds of components are there, what may be said of each, and which operations does it accept?

Defaults, their sources and what a kind becomes in the simulator are in `toscale.kinds`, under the same names.
"""

from __future__ import annotations

from dataclasses import dataclass

from toscale.design.shapes import Key, Listing, Part, Quantity, Ref, Shape, Text, Varying, Word, YesNo

__all__ = [
    "ATTRIBUTES",
    "BOUNDED_OPERATIONS",
    "BUFFERS",
    "COMPONENT_SHAPES",
    "KINDS",
    "KindWords",
    "OPERATIONS",
]

OPERATIONS: dict[str, str] = {
    "read": "reads rows by a key or an index",
    "get": "looks one key up; a cache may miss",
    "put": "writes a key, whether it is there or not",
    "insert": "makes a new key",
    "update": "changes a key that is there",
    "delete": "removes a key",
    "increment": "reads, adds and writes in one step",
    "send": "hands a message over; acknowledged when it is kept",
    "take": "takes one of a bounded thing, or is refused",
    "queue for": "asks for one of a bounded thing and does not stand still for it",
    "extend": "makes the term of what is held longer",
    "keep": "makes what is held one's own: its term has no end any more",
    "give back": "gives back what is held",
}
"""The operations on an entity, each with what it does."""

BOUNDED_OPERATIONS = ("take", "queue for", "extend", "keep", "give back")
_RECORDS = ("read", "get", "put", "insert", "update", "delete", "increment")

ATTRIBUTES: dict[str, Key] = {
    key.name: key
    for key in (
        Key("replicas", Quantity("number"), "how many machines or processes do the same"),
        Key("cores", Quantity("number"), "how much a replica can compute at once"),
        Key(
            "concurrency",
            Quantity("number"),
            "how many requests a replica holds at once: threads, connections",
        ),
        Key("queue", Quantity("number"), "how many may wait at a replica; more are refused"),
        Key("discipline", Word(("fifo", "lifo", "priority")), "who of those that wait is next"),
        Key(
            "balance",
            Word(("round robin", "random", "least outstanding", "two choices", "shared queue")),
            "how requests are spread over the replicas",
        ),
        Key("time", Varying(), "how long a request takes here, where its step does not say"),
        Key("async", YesNo(), "holds no slot while it waits for others", field="is_async"),
        Key("scale", Part("scaling"), "replicas that follow the load"),
        Key("cold start", Varying(), "how long a new instance takes to begin"),
        Key("idle", Quantity("time"), "how long an instance without work is kept"),
        Key("health check", Quantity("time"), "how long until a dead replica gets no requests any more"),
        Key("beside", Ref(("component",)), "one on each machine of that component"),
        Key("zones", Listing(Text()), "the zones over which the machines are spread"),
        Key("region", Text(), "the region it is in"),
        Key("engine", Text(), "the product, for a database: postgresql, mysql"),
        Key("shards", Quantity("number"), "parts into which the keys are divided"),
        Key("copies", Quantity("number"), "machines of each shard, the primary among them"),
        Key("sync", Word(("none", "quorum", "all")), "whose confirmation a write waits for"),
        Key("lag", Varying(), "how far a copy is behind its primary"),
        Key("failover", Varying(), "how long until a lost primary is replaced"),
        Key("connections", Quantity("number"), "how many connections a machine accepts"),
        Key("memory", Quantity("size"), "the memory of a machine"),
        Key("evict", Word(("lru", "lfu", "fifo", "random")), "what goes when the memory is full"),
        Key("ttl", Quantity("time"), "how long an entry lives after it was put in"),
        Key("coalesce", YesNo(), "misses of one key at the same moment become one call"),
        Key("hit ratio", Quantity("share"), "how often what is asked for is there, where it is not computed"),
        Key("partitions", Quantity("number"), "parts of a queue; each is consumed in order, by one consumer"),
        Key("keep", Quantity("time"), "how long messages are kept"),
        Key("deliveries", Quantity("number"), "attempts until a message counts as dead"),
        Key("dead letters", Ref(("component",)), "the queue that takes dead messages"),
        Key("sockets", Quantity("number"), "how many connections a replica can hold"),
        Key("fails every", Quantity("time"), "the mean time between failures of a machine"),
        Key("repaired in", Quantity("time"), "the mean time until a machine works again"),
    )
}
"""Everything that may be said of some component."""

_PLACED = ("zones", "region", "fails every", "repaired in")
_STATION = (
    "replicas",
    "cores",
    "concurrency",
    "queue",
    "discipline",
    "balance",
    "time",
    "health check",
    *_PLACED,
)
_CODE = (*_STATION, "async", "scale", "beside", "memory")
_MEMORY = ("memory", "evict", "ttl")
_STORE = (
    *("shards", "copies", "sync", "lag", "failover", "connections", "memory"),
    *("cores", "concurrency", "queue", "discipline", "balance", "time", "health check"),
    *_PLACED,
)
_BUFFER = (
    "partitions",
    "copies",
    "sync",
    "keep",
    "queue",
    "deliveries",
    "dead letters",
    "time",
    "failover",
    *_PLACED,
)


@dataclass(frozen=True, slots=True)
class KindWords:
    """The words of a kind: the attributes that may be said of it and the operations that it accepts."""

    doc: str
    attributes: tuple[str, ...]
    operations: tuple[str, ...] = ()


KINDS: dict[str, KindWords] = {
    "client": KindWords("the program of a user, on the user's machine", ("time", "async", *_PLACED)),
    "dns": KindWords("answers names with addresses", ("time", "ttl", "hit ratio", *_PLACED), ("get", "read")),
    "cdn": KindWords(
        "serves from close to the user, and passes on what it does not have",
        ("time", "coalesce", "hit ratio", *_MEMORY, *_PLACED),
        ("get", "put", "delete"),
    ),
    "load_balancer": KindWords("spreads requests over replicas", _STATION),
    "gateway": KindWords("lets requests in: routing, limits, authentication", _CODE, BOUNDED_OPERATIONS),
    "service": KindWords("a program that answers requests", _CODE, BOUNDED_OPERATIONS),
    "function": KindWords(
        "a program that is started when it is called",
        ("cores", "concurrency", "time", "cold start", "idle", "memory", "async", *_PLACED),
        BOUNDED_OPERATIONS,
    ),
    "worker": KindWords("a program that consumes messages or runs by the clock", _CODE, BOUNDED_OPERATIONS),
    "cache": KindWords(
        "keeps in memory what was asked for",
        (*_STORE, "evict", "ttl", "coalesce", "hit ratio", "replicas"),
        ("get", "put", "delete", "increment", *BOUNDED_OPERATIONS),
    ),
    "database": KindWords(
        "tables with transactions and SQL", (*_STORE, "engine"), (*_RECORDS, *BOUNDED_OPERATIONS)
    ),
    "document": KindWords(
        "documents by key, with indexes", (*_STORE, "engine", "ttl"), (*_RECORDS, *BOUNDED_OPERATIONS)
    ),
    "wide_column": KindWords(
        "rows in partitions, spread over many machines",
        (*_STORE, "engine", "ttl"),
        (*_RECORDS, *BOUNDED_OPERATIONS),
    ),
    "key_value": KindWords(
        "values by key, often in memory",
        (*_STORE, "engine", "ttl", "evict"),
        (*_RECORDS, *BOUNDED_OPERATIONS),
    ),
    "search": KindWords(
        "an index of words", (*_STORE, "engine"), ("read", "get", "insert", "update", "delete", "put")
    ),
    "object_store": KindWords(
        "large objects by key",
        ("time", "concurrency", "copies", "queue", *_PLACED),
        ("read", "get", "put", "insert", "delete"),
    ),
    "queue": KindWords("keeps messages until they are consumed", _BUFFER, ("send",)),
    "stream": KindWords("a log of messages in partitions, in order", _BUFFER, ("send",)),
    "websocket": KindWords("holds connections to users", (*_CODE, "sockets"), BOUNDED_OPERATIONS),
    "coordination": KindWords(
        "few keys, on which all agree: locks, leases, leaders",
        (*_STORE, "engine"),
        (*_RECORDS, *BOUNDED_OPERATIONS),
    ),
    "external": KindWords(
        "somebody else's system", ("concurrency", "queue", "time", "region", "fails every", "repaired in")
    ),
}
"""Every kind, in the order of a drawing from the user to the data."""

BUFFERS = ("queue", "stream")

COMPONENT_SHAPES: dict[str, Shape] = {
    "scaling": Shape(
        "scaling",
        Key("target", Quantity("share"), "the utilisation that is aimed at", required=True),
        Key("at least", Quantity("number"), "the fewest replicas"),
        Key("at most", Quantity("number"), "the most replicas"),
        Key("boot", Varying(), "how long a new replica takes to begin"),
        Key("over", Quantity("time"), "how long the load is measured before the number is changed"),
        Key("cool down", Quantity("time"), "how long until the number is changed again"),
    ),
}
