"""Which kinds are there, how fast are they unless the file says otherwise, and who says so?

One entry for each kind, in the order of a drawing from the user to the data. A new kind is one new entry
here, and its words in `toscale.design.kinds_vocabulary`. The figures are those of an ordinary machine in a
data centre (some cores of 3 GHz, an SSD, 10 Gbit/s), for small records, without waiting and without the
network. They are starting points: whoever has measured writes the measured time into the file.
"""

from __future__ import annotations

from collections.abc import Mapping

from toscale.kinds.kind import FAILOVER, Category, Default, Drawing, Kind, OperationTime, Primitive

__all__ = ["KINDS", "NETWORK_CV", "RESEND_AFTER"]

_US, _MS = 1e-6, 1e-3

# ---- where the figures are from ------------------------------------------------

_CODE_SPREAD = (
    "Rule of thumb: the 99th percentile of a handler that computes is two to three times its mean "
    "(a lognormal with cv 0.5 has 2.7)."
)
_DATA_SPREAD = (
    "Rule of thumb after Dean and Barroso, The Tail at Scale (CACM 56(2), 2013): pages not in memory, "
    "compactions and locks make the 99th percentile of a data store about five times its mean (a "
    "lognormal with cv 1 has 4.9)."
)
_MEMORY_SPREAD = (
    "Rule of thumb: commands on small values in memory differ little; larger values and housekeeping "
    "give cv 0.5."
)
_OUTSIDE_SPREAD = "Rule of thumb: a system of others, over the internet, varies as much as it takes (cv 1)."

_REDIS = (
    "redis-benchmark (redis.io, Redis benchmark), fifty connections and no pipelining: published runs on virtual "
    "machines have GET, SET and INCR at 106k to 130k per second, on one core: 8 us with the connection."
)
_REDIS_ROWS = (
    _REDIS
    + " A further element: LRANGE_300 at 18k per second beside GET at 126k is (55 - 8) us / 300 = 0.16 us."
)
_REDIS_THREAD = "Documentation of Redis: commands are executed one after the other, by one thread."
_REDIS_MEMORY = (
    "Redis FAQ: a million small keys with string values take about 85 MB. The record comes on top, so a "
    "small key is counted twice."
)
_POSTGRES_READ = (
    "Rule of thumb for PostgreSQL: a point read by an index takes 0.2 ms with all pages in memory "
    "(pgbench -S) and about 1 ms when one comes from an SSD; 0.5 ms is between them. A further row of "
    "the same range costs some microseconds."
)
_POSTGRES_WRITE = (
    "Rule of thumb for PostgreSQL: a commit waits for its log to be on the disk; an fsync takes 0.5 to "
    "1.5 ms on a data-centre SSD (pg_test_fsync), and the row with its indexes some tenths. A further "
    "row of the same statement costs about 20 us."
)
_POSTGRES_CONNECTIONS = "PostgreSQL documentation, max_connections: typically 100."
_CASSANDRA_READ = (
    "Rule of thumb for Cassandra and its kin: a partition is read from memory and a few files in about 1 ms; "
    "a further row of it costs about 5 us."
)
_CASSANDRA_WRITE = (
    "Rule of thumb for Cassandra and its kin: a write goes to the commit log and to memory, without a "
    "read, in about 0.5 ms; a further row of the same batch costs about 5 us."
)
_CASSANDRA_SLOTS = "cassandra.yaml: concurrent_reads 32 and concurrent_writes 32 per node, so 64 together."
_MONGO_SLOTS = (
    "MongoDB documentation, WiredTiger (before 7.0): 128 read tickets and 128 write tickets; 128 is "
    "taken for both."
)
_MONGO = (
    "Rule of thumb: as for PostgreSQL, a point read by an index in 0.5 ms; a write that waits for the "
    "journal in 1.5 ms; a further document of the same call in 5 us (read) or 20 us (write)."
)
_SEARCH = (
    "Rule of thumb for Lucene-based search: a query over an index in memory takes about 10 ms, the "
    "indexing of a document about 2 ms; a further hit or document costs 20 us or 200 us."
)
_SEARCH_SLOTS = (
    "Elasticsearch documentation, thread pools: cores * 3 / 2 + 1 for search; 13 with eight cores."
)
_OBJECTS = (
    "Rule of thumb for object stores in one region: the first byte of a small object comes after 20 to 50 ms, "
    "a put is acknowledged after about 50 ms (three copies)."
)
_ETCD = (
    "etcd documentation, Performance: three members answer in less than 1 ms under light load; a write "
    "also waits for the fdatasync of a majority, about 1 ms on an SSD."
)
_ETCD_SLOTS = (
    "etcd documentation, Performance: about 30k requests per second; at 1 ms each that is 32 at once."
)
_LOG = (
    "Rule of thumb for a replicated log or queue (Kafka with acks=all, a quorum queue): a message is "
    "acknowledged when the copies in the same region have it, after 1 to 2 ms; a further message of the "
    "same batch costs some microseconds."
)
_WORKER_SLOTS = "Rule of thumb: a worker does one job at a time, unless `concurrency` says how many."
_DNS = (
    "Rule of thumb: a lookup that a resolver nearby has in its memory takes some milliseconds, one that "
    "goes on to authoritative servers some tens; 5 ms is the mean where most are in memory."
)
_CDN = "Rule of thumb: an edge server finds an object in memory or on its SSD in about 1 ms."

NETWORK_CV = Default(
    0.2,
    "Rule of thumb: round trips on an uncongested path vary by a fifth of their mean; retransmissions "
    "come on top, from `loss`.",
)
"""The spread of a round trip that is given without a shape (a gamma law)."""

RESEND_AFTER = Default(
    0.2,
    "RFC 6298 asks for at least 1 s; Linux takes the round trip and at least 200 ms (TCP_RTO_MIN), which "
    "is what is met with.",
)
"""After how many seconds the transport sends a lost message again."""


# ---- the families ------------------------------------------------


_WRITES = "put insert update delete increment"
_BOUNDED = "take queue-for extend keep give-back"


_FAILOVERS = {
    "cache": Default(
        15.0,
        "Documentation of Redis Cluster, cluster-node-timeout: 15 s until a master that does not answer is replaced.",
    ),
    "document": Default(
        12.0,
        "MongoDB documentation, Replica Set Elections: the median time until a new primary is elected is no more "
        "than 12 s.",
    ),
    "coordination": Default(
        1.0, "etcd documentation, Tuning: an election begins when 1,000 ms have passed without a heartbeat."
    ),
}
"""How long until a lost primary is replaced, by kind; Patroni's time for the others."""


def _operations(times: Mapping[str, tuple[float, float, str]]) -> dict[str, OperationTime]:
    """Operation times by names that may be joined by spaces: `read get`; a name of several words has
    hyphens.
    """
    return {
        name.replace("-", " "): OperationTime(first, further, source)
        for names, (first, further, source) in times.items()
        for name in names.split()
    }


def _code(
    name: str, drawing: Drawing, category: Category = Category.CODE, slots: Default | None = None
) -> Kind:
    """Code that serves requests. It can hold bounded things in its own memory, which costs it a
    microsecond.
    """
    bounded = (_US, 0.1 * _US, "Rule of thumb: a lock and a look into a table in the process's own memory.")
    return Kind(
        name=name,
        primitive=Primitive.STATION,
        category=category,
        drawing=drawing,
        cv=Default(0.5, _CODE_SPREAD),
        slots=slots,
        operations=_operations({_BOUNDED: bounded}),
    )


def _in_memory(name: str, drawing: Drawing, records: str, *, keeps_keys: bool) -> Kind:
    """Values in memory, worked on by one thread in each shard."""
    return Kind(
        name=name,
        primitive=Primitive.STORE,
        category=Category.MEMORY if keeps_keys else Category.DATA,
        drawing=drawing,
        cv=Default(0.5, _MEMORY_SPREAD),
        slots=Default(1, _REDIS_THREAD),
        keeps_keys=keeps_keys,
        overhead=Default(85, _REDIS_MEMORY),
        failover=_FAILOVERS["cache"],
        operations=_operations(
            {
                records: (8 * _US, 0.16 * _US, _REDIS_ROWS),
                _BOUNDED: (8 * _US, 0.16 * _US, _REDIS_ROWS),
            }
        ),
    )


def _on_disk(
    name: str,
    read: tuple[float, float, str],
    write: tuple[float, float, str],
    slots: Default,
) -> Kind:
    """Records on a disk, behind a log that a write waits for."""
    return Kind(
        name=name,
        primitive=Primitive.STORE,
        category=Category.DATA,
        drawing=Drawing.CYLINDER,
        cv=Default(1.0, _DATA_SPREAD),
        slots=slots,
        failover=_FAILOVERS.get(name, FAILOVER),
        overhead=Default(
            32,
            "PostgreSQL documentation, Database Page Layout: a row header of 23 bytes and an item "
            "pointer of 4, aligned.",
        ),
        operations=_operations({"read get": read, _WRITES: write, _BOUNDED: write}),
    )


def _messages(name: str) -> Kind:
    return Kind(
        name=name,
        primitive=Primitive.BUFFER,
        category=Category.MESSAGES,
        drawing=Drawing.PIPE,
        cv=Default(0.5, _MEMORY_SPREAD),
        operations=_operations({"send": (1.5 * _MS, 5 * _US, _LOG)}),
    )


# ---- the kinds ------------------------------------------------

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="client",
            primitive=Primitive.STATION,
            category=Category.USER,
            drawing=Drawing.PERSON,
            cv=Default(0.5, _CODE_SPREAD),
        ),
        Kind(
            name="dns",
            primitive=Primitive.STORE,
            category=Category.EDGE,
            drawing=Drawing.CLOUD,
            cv=Default(1.0, _OUTSIDE_SPREAD),
            time=Default(5 * _MS, _DNS),
            keeps_keys=True,
            overhead=Default(85, _REDIS_MEMORY),
            operations=_operations({"get read": (5 * _MS, 1 * _US, _DNS)}),
        ),
        Kind(
            name="cdn",
            primitive=Primitive.STORE,
            category=Category.EDGE,
            drawing=Drawing.CLOUD,
            cv=Default(1.0, _DATA_SPREAD),
            keeps_keys=True,
            overhead=Default(85, _REDIS_MEMORY),
            operations=_operations({"get put delete": (1 * _MS, 10 * _US, _CDN)}),
        ),
        Kind(
            name="load_balancer",
            primitive=Primitive.STATION,
            category=Category.EDGE,
            drawing=Drawing.DIAMOND,
            cv=Default(0.5, _CODE_SPREAD),
        ),
        _code("gateway", Drawing.DIAMOND, Category.EDGE),
        _code("service", Drawing.BOX),
        _code("function", Drawing.BOX),
        _code("worker", Drawing.BOX, slots=Default(1, _WORKER_SLOTS)),
        _in_memory("cache", Drawing.STACK, "get put delete increment", keeps_keys=True),
        _on_disk(
            "database",
            (0.5 * _MS, 5 * _US, _POSTGRES_READ),
            (1.5 * _MS, 20 * _US, _POSTGRES_WRITE),
            Default(100, _POSTGRES_CONNECTIONS),
        ),
        _on_disk(
            "document",
            (0.5 * _MS, 5 * _US, _MONGO),
            (1.5 * _MS, 20 * _US, _MONGO),
            Default(128, _MONGO_SLOTS),
        ),
        _on_disk(
            "wide_column",
            (1.0 * _MS, 5 * _US, _CASSANDRA_READ),
            (0.5 * _MS, 5 * _US, _CASSANDRA_WRITE),
            Default(64, _CASSANDRA_SLOTS),
        ),
        _in_memory("key_value", Drawing.CYLINDER, f"read get {_WRITES}", keeps_keys=False),
        Kind(
            name="search",
            primitive=Primitive.STORE,
            category=Category.DATA,
            drawing=Drawing.CYLINDER,
            cv=Default(1.0, _DATA_SPREAD),
            slots=Default(13, _SEARCH_SLOTS),
            operations=_operations(
                {
                    "read get": (10 * _MS, 20 * _US, _SEARCH),
                    "insert update delete put": (2 * _MS, 200 * _US, _SEARCH),
                }
            ),
        ),
        Kind(
            name="object_store",
            primitive=Primitive.STORE,
            category=Category.DATA,
            drawing=Drawing.BUCKET,
            cv=Default(1.0, _DATA_SPREAD),
            operations=_operations(
                {
                    "read get": (30 * _MS, 1 * _MS, _OBJECTS),
                    "put insert delete": (50 * _MS, 5 * _MS, _OBJECTS),
                }
            ),
        ),
        _messages("queue"),
        _messages("stream"),
        _code("websocket", Drawing.BOX),
        _on_disk(
            "coordination",
            (0.5 * _MS, 5 * _US, _ETCD),
            (1.5 * _MS, 20 * _US, _ETCD),
            Default(32, _ETCD_SLOTS),
        ),
        Kind(
            name="external",
            primitive=Primitive.STATION,
            category=Category.OUTSIDE,
            drawing=Drawing.OUTSIDE,
            cv=Default(1.0, _OUTSIDE_SPREAD),
        ),
    )
}
"""Every kind by its name in the file."""
