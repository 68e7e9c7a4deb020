"""What does a component become? Machines with slots and cores, keys in memory, or messages in partitions.

What the file gives is taken; what its kind gives is written down with its source; what neither gives is
without limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil

from toscale.design.model import Component, Design
from toscale.design.parts import NOWHERE, Formula, Place
from toscale.engine.laws import Law
from toscale.engine.model import Buffer, Discipline, Evict, Instances, Pick, Policy, Station, Store, Work
from toscale.kinds import KINDS, Kind, OperationTime, Primitive
from toscale.kinds.kind import Default
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.scaling import scaled
from toscale.simulate.lowering.values import NEVER, Values, shown_time

__all__ = ["MOST_MACHINES", "Machines", "Part"]

MOST_MACHINES = 200_000
_MOST = 1_000_000_000
"""The largest count of anything at one component that is not a mistake."""
KEPT_WARM = Default(
    600.0,
    "Mahmoudi and Khazaei, Performance Modeling of Serverless Computing Platforms (IEEE TCC 10, 2022): an instance of "
    "AWS Lambda without work is kept for about 10 minutes.",
)
"""How long an instance of a function is kept, where the file gives no `idle`."""
_THREADED = ("cache", "key_value")
"""Kinds whose shards execute one command at a time, however many connections they accept."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component as primitives: a station, unless it is a buffer, and a store where keys may be missing.

    `hit_ratio` is given in the file instead of being computed.
    """

    component: Component
    kind: Kind
    machines: int
    station: Station
    store: Store | None = None
    partitions: int = 0
    hit_ratio: float | None = None
    buffer: Buffer | None = None

    @property
    def confirmations(self) -> int:
        """How many copies a write waits for, beside the primary: for most of all machines of a shard, or for
        all.
        """
        match self.component.sync:
            case "quorum":
                return self.station.copies // 2
            case "all":
                return self.station.copies - 1
            case _:
                return 0

    @property
    def name(self) -> str:
        return self.component.name

    @property
    def is_buffer(self) -> bool:
        return self.kind.primitive is Primitive.BUFFER

    @property
    def may_miss(self) -> bool:
        """Whether what is asked for may be missing."""
        return self.store is not None or self.hit_ratio is not None


@dataclass(slots=True)
class Machines:
    """The components of a design as primitives; `zones` numbers the zones in the order of the file."""

    design: Design
    values: Values
    ledger: Ledger
    parts: dict[str, Part] = field(default_factory=dict)
    zones: dict[str, int] = field(default_factory=dict)

    def build(self) -> None:
        """Every component; problems are collected in the ledger."""
        for component in self.design.components.values():
            for zone in component.zones:
                self.zones.setdefault(zone, len(self.zones))
        for component in self.design.components.values():
            if component.kind in KINDS:
                self.parts[component.name] = self._part(component, KINDS[component.kind])
        self._beside_scaled()
        self._without_cores()
        for part in self.parts.values():
            if part.partitions > MOST_MACHINES:
                self.ledger.problem(
                    "TS902",
                    f"`{part.name}` has {part.partitions:,} partitions; at most {MOST_MACHINES:,} can be "
                    "simulated.",
                    "Give it fewer `partitions`.",
                    part.component.place,
                )
        total = sum(_most(part) for part in self.parts.values())
        if total > MOST_MACHINES:
            largest = max(self.parts.values(), key=_most)
            self.ledger.problem(
                "TS902",
                f"The components have {total:,} machines in all; at most {MOST_MACHINES:,} can be simulated.",
                f"Most are those of `{largest.name}`, {_most(largest):,}: simulate a part of the "
                "system, with its part of the rates.",
                largest.component.place,
            )

    def _beside_scaled(self) -> None:
        """Beside a component whose machines come and go there is one on each, however many there are."""
        for name, part in self.parts.items():
            host = self.parts.get(part.station.follows or "")
            if host is not None and host.station.scaling is not None:
                station = replace(part.station, machines=host.station.machines)
                self.parts[name] = replace(part, station=station, machines=host.machines)

    # ---- figures ------------------------------------------------

    def count(self, component: Component, attribute: str, otherwise: int, least: int = 1) -> int:
        """A whole number of something that the file gives, rounded up; `otherwise` where it gives none."""
        formula: Formula | None = getattr(component, attribute)
        if formula is None:
            return otherwise
        try:
            value = self.values.number(formula)
        except NotComputable as error:
            self._impossible(error, component)
            return otherwise
        found = ceil(value - 1e-9 * abs(value))
        if not least <= found <= _MOST:
            said = (
                f"`{attribute}` of `{component.name}` is {value:,.6g}; it lies between {least} and {_MOST:,}."
            )
            self.ledger.problem("TS901", said, f"Give it another number for `{attribute}`.", formula.place)
            return otherwise
        return found

    def _amount(self, component: Component, attribute: str) -> float | None:
        """A time in s or a size in bytes, or None."""
        formula: Formula | None = getattr(component, attribute)
        if formula is None:
            return None
        try:
            if attribute == "hit_ratio":
                return self.values.share(formula)
            if attribute == "memory":
                return self.values.size(formula)
            seconds = self.values.time(formula)
            return seconds if seconds < NEVER else None
        except NotComputable as error:
            self._impossible(error, component)
            return None

    def _impossible(self, error: NotComputable, component: Component) -> None:
        place = error.place if error.place != NOWHERE else component.place
        self.ledger.problem("TS901", f"`{component.name}`: {error.because}.", "Give it a value.", place)

    # ---- parts ------------------------------------------------

    def _part(self, component: Component, kind: Kind) -> Part:
        if kind.primitive is Primitive.BUFFER:
            return self._buffer(component, kind)
        part = (
            self._store(component, kind)
            if kind.primitive is Primitive.STORE
            else self._station(component, kind)
        )
        return part

    def _station(self, component: Component, kind: Kind) -> Part:
        if kind.name == "function":
            return self._function(component, kind)
        beside = self.design.components.get(component.beside or "")
        if beside is not None:
            machines = self.count(beside, "replicas", 1)
        else:
            machines = self.count(component, "replicas", 1)
        station = Station(
            component.name,
            machines=machines,
            slots=self._slots(component, kind, "concurrency"),
            cores=self.count(component, "cores", 0) or None,
            waiting=self._waiting(component),
            policy=self._policy(component, kind, machines),
            discipline=self._discipline(component),
            zones=tuple(self.zones[zone] for zone in component.zones or (beside.zones if beside else ())),
            follows=None if beside is None else beside.name,
        )
        try:
            station = scaled(station, component, self.values, self.ledger)
        except NotComputable as error:
            self._impossible(error, component)
        return Part(component, kind, station.running, station)

    def pick(self, caller: str | None, part: Part) -> Pick:
        """How a call of a station finds its machine: beside its caller's, where one stands on the other's."""
        host, guest = part.component.beside, self.design.components.get(caller or "")
        if guest is not None and (
            host == guest.name or guest.beside == part.name or (host is not None and host == guest.beside)
        ):
            return Pick.BESIDE
        return Pick.POLICY

    def _function(self, component: Component, kind: Kind) -> Part:
        """As many instances as requests: one slot for each request, up to `concurrency` of them in all."""
        slots = self.count(component, "concurrency", 0) or None
        instances = None
        if component.cold_start is not None:
            try:
                cold, by_kind = self.values.law(component.cold_start, kind.cv.value)
            except NotComputable as error:
                self._impossible(error, component)
                cold, by_kind = Law.fixed(0.0), False
            if by_kind:
                self.ledger.take(
                    component.name, "spread of times", kind.cv, f"cv {kind.cv.value:g} (lognormal)"
                )
            keep = self._amount(component, "idle") if component.idle is not None else None
            if component.idle is None:
                keep = self.ledger.take(component.name, "idle", KEPT_WARM, shown_time(KEPT_WARM.value))
            instances = Instances(cold, NEVER if keep is None else keep)
        else:
            self.ledger.note(
                f"Nobody gave the `cold start` of `{component.name}`: an instance is always warm.",
                component.place,
            )
        if component.cores is not None:
            self.ledger.note(
                f"`{component.name}`: each instance of a function works on one request at a time, so its "
                "`cores` are not shared.",
                self._place(component, "cores"),
            )
        station = Station(
            component.name,
            slots=slots,
            zones=tuple(self.zones[zone] for zone in component.zones[:1]),
            instances=instances,
        )
        return Part(component, kind, 1, station)

    def _store(self, component: Component, kind: Kind) -> Part:
        shards = self.count(component, "shards", 1)
        copies = self.count(component, "copies", 1)
        if component.replicas is not None:
            replicas = self.count(component, "replicas", 1)
            if component.shards is None:
                self.ledger.note(
                    f"`replicas` of `{component.name}` are read as shards: each holds its part of the keys.",
                    self._place(component, "replicas"),
                )
                shards = replicas
        station = Station(
            component.name,
            machines=shards * copies,
            slots=self._store_slots(component, kind),
            cores=self.count(component, "cores", 0) or None,
            waiting=self._waiting(component),
            policy=self._policy(component, kind, shards * copies),
            discipline=self._discipline(component),
            shards=shards,
            copies=copies,
            zones=self._spread(component, shards, copies),
        )
        hit_ratio = self._amount(component, "hit_ratio")
        forgets = kind.keeps_keys or component.ttl is not None or component.evict is not None
        store = None
        if forgets and hit_ratio is None:
            bounded = kind.keeps_keys or component.evict is not None
            store = Store(
                component.name,
                shards=shards,
                memory=self._amount(component, "memory") if bounded else None,
                ttl=self._amount(component, "ttl"),
                evict=self._evict(component, bounded),
            )
        return Part(component, kind, shards * copies, station, store, hit_ratio=hit_ratio)

    def _buffer(self, component: Component, kind: Kind) -> Part:
        zones = tuple(self.zones[zone] for zone in component.zones)
        station = Station(component.name, machines=max(1, len(zones)), zones=zones)
        copies = self.count(component, "copies", 1)
        if component.sync in ("quorum", "all"):
            self.ledger.note(
                f"`{component.name}`: the time of `send` includes that copies confirm, whatever `sync` says.",
                self._place(component, "sync"),
            )
        dead = component.dead_letters
        if dead == component.name:
            self.ledger.note(
                f"Dead letters of `{dead}` do not go back into it: they are lost.",
                self._place(component, "dead_letters"),
            )
            dead = None
        if dead is not None and component.deliveries is None:
            self.ledger.default(
                component.name,
                "deliveries",
                "1: a message that fails once is a dead letter",
                "What the file does not mention does not happen: nothing is delivered again without `deliveries`.",
            )
        buffer = Buffer(
            component.name,
            self.count(component, "partitions", 1),
            most=None if component.queue is None else self.count(component, "queue", 0, least=0),
            keep=self._amount(component, "keep"),
            deliveries=self.count(component, "deliveries", 1),
            dead=dead,
        )
        return Part(component, kind, copies, station, partitions=buffer.partitions, buffer=buffer)

    def _spread(self, component: Component, shards: int, copies: int) -> tuple[int, ...]:
        """The zones of a store's machines: the copies of a shard in different zones, its primaries in each
        zone equally often.
        """
        zones = tuple(self.zones[zone] for zone in component.zones)
        if not zones or shards * copies > MOST_MACHINES:  # the latter is refused as a whole
            return ()
        turns = min(shards, len(zones))
        return tuple(zones[(shard + copy) % len(zones)] for shard in range(turns) for copy in range(copies))

    # ---- limits ------------------------------------------------

    def _slots(self, component: Component, kind: Kind, attribute: str) -> int | None:
        if getattr(component, attribute) is not None:
            return self.count(component, attribute, 0) or None
        if kind.slots is None:
            return None
        return int(self.ledger.take(component.name, "slots of a machine", kind.slots))

    def _store_slots(self, component: Component, kind: Kind) -> int | None:
        if component.concurrency is not None:
            return self._slots(component, kind, "concurrency")
        if kind.name in _THREADED:
            if component.connections is not None:
                self.ledger.note(
                    f"`connections` of `{component.name}` bound nothing: it executes one command after "
                    "the other.",
                    self._place(component, "connections"),
                )
            return self.count(component, "cores", 0) or self._slots(component, kind, "concurrency")
        return self._slots(component, kind, "connections")

    def _waiting(self, component: Component) -> int | None:
        return None if component.queue is None else self.count(component, "queue", 0, least=0)

    def _policy(self, component: Component, kind: Kind, machines: int) -> Policy:
        if component.balance is not None:
            return Policy(component.balance)
        if machines > 1 and kind.primitive is Primitive.STATION:
            self.ledger.default(component.name, "balance", kind.balance, kind.balance_source)
        return Policy(kind.balance)

    def _discipline(self, component: Component) -> Discipline:
        if component.discipline == "priority" and all(f.priority is None for f in self.design.flows.values()):
            self.ledger.note(
                f"`{component.name}` serves by priority, and no flow has one: all are served in the order of "
                "arrival. Give flows a `priority: high` or `low`.",
                self._place(component, "discipline"),
            )
        return Discipline(component.discipline or "fifo")

    def _evict(self, component: Component, bounded: bool) -> Evict:
        if component.evict is not None:
            return Evict(component.evict)
        if bounded and component.memory is not None:
            self.ledger.default(
                component.name,
                "eviction",
                "lru",
                "Documentation of Memcached: the least recently used goes first; Redis as a cache is set "
                "up so (allkeys-lru).",
            )
        return Evict.LRU

    def _without_cores(self) -> None:
        """The report says that nobody gave cores."""
        bare = [
            f"`{part.name}`"
            for part in self.parts.values()
            if part.kind.category.value == "code"
            and part.station.cores is None
            and part.kind.name != "function"
        ]
        if bare:
            self.ledger.note(
                f"Nobody gave `cores` for {', '.join(bare)}: slots are the only limit there, and work "
                "takes as long at any load."
            )

    def _place(self, component: Component, attribute: str) -> Place:
        return component.places.get(
            attribute, component.places.get(attribute.replace("_", " "), component.place)
        )

    # ---- work ------------------------------------------------

    def spread(self, part: Part) -> Law:
        """The shape, of mean 1, of times that the file gives without one; written down."""
        cv = self.ledger.take(
            part.name, "spread of times", part.kind.cv, f"cv {part.kind.cv.value:g} (lognormal)"
        )
        return Law.lognormal(1.0, cv)

    def operation(self, part: Part, name: str) -> OperationTime | None:
        """The time of an operation by the part's kind, written down; None where the kind has no such
        operation.
        """
        found = part.kind.operations.get(name)
        if found is None:
            return None
        further = f", and {shown_time(found.further)} for each further row" if found.further else ""
        self.ledger.default(part.name, f"time of {name}", shown_time(found.first) + further, found.source)
        return found

    def own_work(self, part: Part) -> Work | None:
        """What a request costs that passes through, or that says no time: `time` of the component, else of
        its kind.
        """
        component = part.component
        if component.time is not None:
            law, by_kind = self.values.law(component.time, part.kind.cv.value)
            if by_kind:
                self.spread(part)
            return Work.of(law)
        if part.kind.time is None:
            return None
        mean = self.ledger.take(
            part.name, "time of a request", part.kind.time, shown_time(part.kind.time.value)
        )
        return Work(self.spread(part), mean)

    def with_slots(self, name: str) -> bool:
        """Whether a request that is at this component holds a slot that may run out."""
        part = self.parts.get(name)
        return part is not None and part.station.slots is not None


def _most(part: Part) -> int:
    """How many machines there can be at one time."""
    return max(part.machines, part.station.machines)
