"""One replication of a model: its arrays, set up, run window by window, enlarged as needed, and read out.

The interpreter allocates nothing. Where an array is full it comes back, the array is doubled here, and the run goes on
where it stopped; a bound (`Limits`) ends the run with a message instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toscale.engine import interpreter, stores
from toscale.engine.model import After, Clock, Consume, Discipline, Evict, Model, Poisson, Policy
from toscale.engine.state import (
    AFTER,
    BUFFER,
    CELL_COUNT,
    CONTROL,
    ENTRY,
    FLOW,
    LEAF,
    MACHINE,
    MESSAGE,
    METER,
    PARTITION,
    RING,
    SHARD,
    SPAN,
    STATION,
    STORE,
    TASK,
    TICK,
    TRACKER,
    UNSET,
    State,
    Status,
    records,
)
from toscale.engine.tables import ModelError, Tables, salt_of
from toscale.engine.tree import NEVER, rebuild

LISTED_KEYS = 1 << 18
"""Stores over populations with more keys than this in all are simulated by Che's approximation, not entry by entry."""

_POLICY_NUMBERS = {policy: k for k, policy in enumerate(Policy)}
_EVICT_NUMBERS = {Evict.LRU: stores.LRU, Evict.FIFO: stores.FIFO, Evict.RANDOM: stores.RANDOM}


@dataclass(frozen=True, slots=True)
class StoreStart:
    """The stationary state of a store: its characteristic time in seconds (None: nothing is ever evicted), and how often
    each population is asked for (per second, by name)."""

    recent: float | None
    rates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a replication may use at most."""

    tasks: int = 1 << 19  # requests, and parts of them, on their way at one time
    messages: int = 1 << 21
    entries: int = 1 << 23  # keys touched
    events: int = 1 << 40


@dataclass(frozen=True, slots=True)
class Readings:
    """The counts of a replication at the end of each window, cumulated, and its histograms per window.

    `meters`, `stations`, `stores`, `buffers`: record arrays (windows + 1, parts), row 0 is the beginning of the first window. `histogram`: (windows,
    meters, cells). `live`: requests and messages on their way at the end of each window. `length`: seconds a window.
    """

    meters: Any
    stations: Any
    stores: Any
    buffers: Any
    histogram: Any
    live: Any
    length: float

    @property
    def windows(self) -> int:
        return len(self.live)


class Replication:
    """A model's run from one seed. `run` goes on from where the last `run` ended."""

    def __init__(
        self,
        model: Model,
        tables: Tables,
        seed: str,
        window: float,
        *,
        start: Mapping[str, StoreStart] | None = None,
        empty: bool = False,
        most_windows: int = 64,
        limits: Limits | None = None,
    ) -> None:
        self.model = model
        self.tables = tables
        self.limits = limits or Limits()
        self.start = start or {}
        self.empty = empty
        self.most_windows = most_windows
        self._base: dict[str, Any] = {}
        self.state = self._set_up(seed, window)
        with np.errstate(over="ignore"):
            for flow in range(len(model.flows)):
                if self.state.flows[flow].kind != interpreter.CAUSED:
                    interpreter.schedule(self.state, flow, interpreter.next_arrival(self.state, flow))
            if not empty:
                self._fill_stores()

    # ---- running ---------------------------------------------------------------------------------------------------

    def run(self, windows: int, events: int | None = None) -> Status:
        """Simulates until so many windows are full; other than DONE, the status says which bound ended it first.

        `events`: stop after so many more events (EVENTS), to be called again.
        """
        control = self.state.control[0]
        stop = self.limits.events if events is None else min(self.limits.events, int(control.events) + events)
        control.budget = stop
        while True:
            if windows > self.most_windows:
                raise ValueError("more windows than the replication has room for: merge first")
            if int(control.window_ends) >= int(control.horizon):
                return Status.HORIZON
            with np.errstate(over="ignore"):  # 64-bit hashes wrap around, which plain Python would warn of
                status = Status(interpreter.advance(self.state, windows))
            if status in (Status.DONE, Status.EVENTS):
                return status
            if not self._enlarge(status):
                return status

    def cut(self, window: float) -> None:
        """Forgets what was measured so far (the warm-up), at the end of a window; new windows are so many seconds long."""
        s = self.state
        control = s.control[0]
        self._base = {
            "meters": s.meters.copy(),
            "stations": s.stations.copy(),
            "stores": s.stores.copy(),
            "buffers": s.buffers.copy(),
        }
        s.meters["longest"] = 0
        s.histogram[:] = 0
        control.window = 0
        control.window_length = max(1, round(window / TICK))
        control.window_ends = control.now + control.window_length

    def forget(self, windows: int) -> None:
        """Drops the first windows as well: the warm-up was longer than thought."""
        s = self.state
        n = self.windows
        for part in self._base:
            snaps = getattr(s, f"snap_{part}")
            self._base[part] = snaps[windows - 1].copy()
            snaps[: n - windows] = snaps[windows:n].copy()
        s.snap_live[: n - windows] = s.snap_live[windows:n].copy()
        s.histogram[: n - windows] = s.histogram[windows:n].copy()
        s.histogram[n - windows : n] = 0
        s.control[0].window = n - windows

    def merge_windows(self) -> None:
        """Makes one window of each two. Their number must be even."""
        s = self.state
        n = int(s.control[0].window)
        for name in ("snap_meters", "snap_stations", "snap_stores", "snap_buffers", "snap_live"):
            array = getattr(s, name)
            array[: n // 2] = array[1:n:2].copy()
        merged = s.histogram[0:n:2] + s.histogram[1:n:2]
        s.histogram[: n // 2] = merged
        s.histogram[n // 2 : n] = 0
        s.control[0].window = n // 2
        s.control[0].window_length *= 2
        s.control[0].window_ends = s.control[0].now + s.control[0].window_length

    @property
    def windows(self) -> int:
        return int(self.state.control[0].window)

    @property
    def window_seconds(self) -> float:
        return float(self.state.control[0].window_length) * TICK

    @property
    def live(self) -> Any:
        """Requests, parts of requests and messages on their way at the end of each window."""
        return self.state.snap_live[: self.windows].copy()

    @property
    def started(self) -> int:
        """Requests of all flows, since the beginning."""
        return int(np.sum(self.state.meters["started"][: len(self.model.flows)]))

    @property
    def events(self) -> int:
        return int(self.state.control[0].events)

    def readings(self) -> Readings:
        s = self.state
        n = self.windows

        def from_start(part: str) -> Any:
            array = getattr(s, f"snap_{part}")
            base = self._base.get(part)
            first = (
                np.zeros((1, array.shape[1]), dtype=array.dtype)
                if base is None
                else np.asarray(base)[None, :]
            )
            return np.concatenate([first.view(np.ndarray), array[:n].view(np.ndarray)])

        return Readings(
            meters=from_start("meters"),
            stations=from_start("stations"),
            stores=from_start("stores"),
            buffers=from_start("buffers"),
            histogram=s.histogram[:n],
            live=s.snap_live[:n].copy(),
            length=float(s.control[0].window_length) * TICK,
        )

    def check_conservation(self) -> None:
        """Arrived = answered + failed + still inside, for each flow, station, buffer and store; AssertionError otherwise."""
        s = self.state
        going = s.tasks[s.tasks["pc"] >= 0] if s.control[0].live else s.tasks[:0]
        _equal("tasks", len(going), int(s.control[0].live))
        queued = {int(b.flow): int(b.depth) for b in s.buffers if b.flow >= 0}
        for k, flow in enumerate(self.model.flows):
            meter = s.meters[k]
            here = going[going["flow"] == k]
            inside = int(np.sum(here["root"])) + int(np.sum(here["messages"])) + queued.get(k, 0)
            _equal(
                f"flow {flow.name}", int(meter.started), int(meter.done) + int(np.sum(meter.causes)) + inside
            )
        for k, station in enumerate(self.model.stations):
            row = s.stations[k]
            gone = int(row.admitted) + int(row.refused) + int(row.abandoned)
            _equal(f"station {station.name}", int(row.arrived), gone + int(row.waiting))
            machines = s.machines[s.machines["station"] == k]
            _equal(f"slots of {station.name}", int(row.busy), int(np.sum(machines["busy"])))
            _equal(f"queues of {station.name}", int(row.waiting), int(np.sum(machines["queued"])))
            _equal(f"inside {station.name}", int(row.inside), int(row.busy) + int(row.waiting))
        _equal("slots held", int(np.sum(going["held"])), int(np.sum(s.stations["busy"])))
        for k, buffer in enumerate(self.model.buffers):
            row = s.buffers[k]
            _equal(f"buffer {buffer.name}", int(row.sent), int(row.taken) + int(row.depth))
        live = s.entries[(s.entries["store"] >= 0) & (s.entries["present"] > 0)]
        for k, shard in enumerate(s.shards):
            if s.stores[_store_of(s.stores, k)].lists:
                _equal(f"entries of shard {k}", int(shard.entries), int(np.sum(live["shard"] == k)))

    # ---- the arrays ------------------------------------------------------------------------------------------------

    def _set_up(self, seed: str, window: float) -> Any:
        model, tables = self.model, self.tables
        arrays: dict[str, Any] = dict(tables.arrays)
        machine_counts = [_machines(s) for s in model.stations]
        leaves: list[tuple[int, int]] = [(interpreter.LEAF_FLOW, k) for k in range(len(model.flows))]

        stations = records(STATION, len(model.stations))
        machines = records(MACHINE, sum(machine_counts))
        first = 0
        for k, station in enumerate(model.stations):
            row, count = stations[k], machine_counts[k]
            shared = station.machines if station.policy is Policy.SHARED and not station.shards else 1
            row.first, row.machines = first, count
            row.slots = -1 if station.slots is None else station.slots * shared
            row.cores = 0 if station.cores is None else station.cores * shared
            row.places = -1 if station.waiting is None else station.waiting * shared
            row.policy = _POLICY_NUMBERS[station.policy] % 4
            row.lifo = station.discipline is Discipline.LIFO
            row.shards, row.copies = (station.shards, station.copies) if station.shards else (1, count)
            block = machines[first : first + count]
            block["station"] = k
            block["head"] = block["tail"] = block["heap"] = block["leaf"] = -1
            block["zone"] = np.resize(station.zones, count) if station.zones else -1
            if row.cores > 0:
                block["leaf"] = np.arange(len(leaves), len(leaves) + count)
                leaves.extend((interpreter.LEAF_MACHINE, first + j) for j in range(count))
            first += count

        rings = records(RING, len(tables.rings))
        for k, length in enumerate(tables.rings):
            row = rings[k]
            row.length, row.head, row.tail, row.leaf = max(1, round(length / TICK)), -1, -1, len(leaves)
            leaves.append((interpreter.LEAF_RING, k))
        leaf_rows = records(LEAF, len(leaves))
        for k, (kind, which) in enumerate(leaves):
            leaf_rows[k].kind, leaf_rows[k].which = kind, which

        store_rows, shards = self._stores()
        buffers, partitions, carried = self._buffers()
        flows, points, phases = self._flows(seed)
        spans, columns = self._spans()
        for row in spans:
            if row.first >= 0:
                flows[row.first].spans = 1

        fixed = len(leaves)
        tasks = max(256, 4 * tables.margin)
        control = records(CONTROL, 1)
        row = control[0]
        row.seed = np.uint64(salt_of(f"seed:{seed}"))
        row.window_length = max(1, round(window / TICK))
        row.window_ends = row.window_length
        row.fixed, row.margin = fixed, tables.margin
        row.leaves = _power_of_two(fixed + tasks)
        row.leaf_bits = int(row.leaves).bit_length() - 1
        row.horizon = (1 << (63 - int(row.leaf_bits))) - 1
        row.free_entry = -1
        meters = len(tables.meters)
        w = self.most_windows
        most_shards = max([1, *(int(s.shards) for s in stations)])
        arrays.update(
            after=self._after(),
            spans=spans,
            points=points,
            phases=phases,
            leaves=leaf_rows,
            carried=carried,
            control=control,
            stations=stations,
            machines=machines,
            stores=store_rows,
            shards=shards,
            entries=records(ENTRY, max(1024, 2 * tables.margin)),
            buckets=np.full(1024, -1, dtype=np.int32),
            buffers=buffers,
            partitions=partitions,
            messages=_chained(MESSAGE, max(256, 4 * tables.margin), "next"),
            payload=np.zeros((max(256, 4 * tables.margin), carried.shape[1]), dtype=np.int64),
            flows=flows,
            tasks=_chained(TASK, tasks, "ahead"),
            registers=np.full((tasks, max(tables.registers, 1)), -1, dtype=np.int64),
            rings=rings,
            trackers=_chained(TRACKER, max(256, 4 * tables.margin), "pending"),
            lasts=np.full((max(256, 4 * tables.margin), columns), -1, dtype=np.int64),
            tree=rebuild(np.full(int(row.leaves), NEVER, dtype=np.int64)),
            ready=np.zeros(tasks, dtype=np.int64),
            counts=np.zeros(most_shards, dtype=np.int64),
            distinct=np.zeros(most_shards, dtype=np.int64),
            store_rates=np.zeros((max(len(model.stores), 1), max(len(tables.populations), 1))),
            meters=records(METER, meters),
            snap_meters=np.zeros((w, max(meters, 1)), dtype=METER).view(np.recarray),
            snap_stations=np.zeros((w, len(stations)), dtype=STATION).view(np.recarray),
            snap_stores=np.zeros((w, len(store_rows)), dtype=STORE).view(np.recarray),
            snap_buffers=np.zeros((w, len(buffers)), dtype=BUFFER).view(np.recarray),
            snap_live=np.zeros(w, dtype=np.int64),
            histogram=np.zeros((w, max(meters, 1), CELL_COUNT), dtype=np.int32),
        )
        return State(**arrays)

    def _stores(self) -> tuple[Any, Any]:
        model = self.model
        rows = records(STORE, len(model.stores))
        shards = records(SHARD, sum(s.shards for s in model.stores))
        shards["newest"] = shards["oldest"] = -1
        first = 0
        for k, store in enumerate(model.stores):
            row = rows[k]
            start = self.start.get(store.name)
            row.memory = np.inf if store.memory is None else store.memory
            row.ttl = NEVER if store.ttl is None else min(round(store.ttl / TICK), int(NEVER))
            row.evict, row.shards, row.first = _EVICT_NUMBERS[store.evict], store.shards, first
            row.recent = NEVER
            row.lists = 1
            if start is not None:
                asked = [p for p in self.tables.populations if p.name in start.rates]
                row.lists = sum(p.size for p in asked) <= LISTED_KEYS
                if start.recent is not None:
                    row.recent = min(max(1, round(start.recent / TICK)), int(NEVER))
            first += store.shards
        return rows, shards

    def _buffers(self) -> tuple[Any, Any, Any]:
        model = self.model
        rows = records(BUFFER, len(model.buffers))
        partitions = records(PARTITION, sum(b.partitions for b in model.buffers))
        partitions["head"] = partitions["tail"] = partitions["consumer"] = -1
        carried = np.full(
            (max(len(model.buffers), 1), max([1, *(len(b.carries) for b in model.buffers)])),
            -1,
            dtype=np.int64,
        )
        first = 0
        for k, buffer in enumerate(model.buffers):
            row = rows[k]
            row.first, row.partitions, row.flow, row.batch = first, buffer.partitions, -1, 1
            row.salt = np.uint64(salt_of(f"buffer:{buffer.name}"))
            for n, flow in enumerate(model.flows):
                if isinstance(flow.source, Consume) and flow.source.buffer == buffer.name:
                    row.flow, row.batch = n, flow.source.batch
            partitions[first : first + buffer.partitions]["buffer"] = k
            for j, name in enumerate(buffer.carries):
                carried[k, j] = self.tables.register_of[name]
            first += buffer.partitions
        return rows, partitions, carried

    def _flows(self, seed: str) -> tuple[Any, Any, Any]:
        rows = records(FLOW, len(self.model.flows))
        points: list[tuple[float, float, float]] = []
        phases: list[float] = []
        for k, flow in enumerate(self.model.flows):
            row, source = rows[k], flow.source
            row.salt, row.entry = np.uint64(salt_of(f"flow:{flow.name}")), self.tables.entries[k]
            match source:
                case Poisson(rates, times) if len(rates) == 1:
                    row.kind, row.rate = interpreter.POISSON, rates[0] * TICK
                case Poisson(rates, times):
                    row.kind, row.first, row.points = interpreter.VARYING, len(points), len(rates)
                    points.extend(_curve(flow.name, rates, times))
                case Clock(every, number):
                    row.kind, row.first, row.points = interpreter.TICKING, len(phases), number
                    row.every = max(1, round(every / TICK))
                    generator = np.random.Generator(
                        np.random.Philox(key=[salt_of(f"seed:{seed}"), int(row.salt)])
                    )
                    phases.extend(np.sort(generator.random(number)) * every / TICK)
                case Consume() | After():
                    row.kind = interpreter.CAUSED
        return rows, np.array(points or [(0.0, 0.0, 0.0)]), np.array(phases or [0.0])

    def _after(self) -> Any:
        names = [f.name for f in self.model.flows]
        rules = []
        for then, flow in enumerate(self.model.flows):
            source = flow.source
            if isinstance(source, After):
                mask = sum(1 << self.tables.register_of[name] for name in source.carries)
                law = -1 if source.wait is None else self.tables.law_of[source.wait.scaled(1 / TICK)]
                for name in source.flows:
                    if name not in names:
                        raise ModelError(f"flow {flow.name!r} follows {name!r}, which is not there")
                    salt = salt_of(f"after:{name}:{flow.name}")
                    rules.append((salt, mask, source.chance, names.index(name), then, law))
        rows = records(AFTER, len(rules))
        rows["flow"] = -1
        for k, rule in enumerate(rules):
            rows[k] = rule
        return rows

    def _spans(self) -> tuple[Any, int]:
        names = [f.name for f in self.model.flows]
        rows = records(SPAN, len(self.model.spans))
        rows["first"] = -1
        columns: dict[str, int] = {}
        for k, span in enumerate(self.model.spans):
            if span.first not in names or span.last not in names:
                raise ModelError(f"{span.name!r} names a flow that is not there")
            column = columns.get(span.first, 0)
            columns[span.first] = column + 1
            rows[k] = (
                names.index(span.first),
                names.index(span.last),
                self.tables.meters.index(span.name),
                column,
            )
        return rows, max([1, *columns.values()])

    # ---- the stationary content of stores --------------------------------------------------------------------------

    def _fill_stores(self) -> None:
        s = self.state
        for k, store in enumerate(self.model.stores):
            start = self.start.get(store.name)
            if start is None:
                continue
            for p, population in enumerate(self.tables.populations):
                s.store_rates[k, p] = start.rates.get(population.name, 0.0) * TICK
            if s.stores[k].lists:
                self._lay_out(k)

    def _lay_out(self, k: int) -> None:
        """The content of an LRU store under independent requests: the keys used last, in that order (the move-to-front
        chain's stationary law: the times since the last use are independent exponentials)."""
        s = self.state
        generator = np.random.Generator(np.random.Philox(key=[int(s.control[0].seed), k]))
        store = s.stores[k]
        parts: list[tuple[Any, Any, Any, Any]] = []
        for p, population in enumerate(self.tables.populations):
            rate = float(s.store_rates[k, p])
            if rate <= 0:
                continue
            index = np.arange(1, population.size + 1, dtype=np.float64)
            weights = index**-population.exponent
            idle = generator.exponential(1.0, population.size) / (rate * weights / weights.sum())
            age = np.zeros(population.size)
            present = np.ones(population.size, dtype=bool)
            if store.ttl != NEVER:
                each = rate * weights / weights.sum() * float(store.ttl)
                present = generator.random(population.size) < each / (1 + each)
                age = generator.random(population.size) * float(store.ttl)
                idle = np.minimum(idle, age)
            keys = (population.number << 48) + np.arange(1, population.size + 1, dtype=np.int64)
            size = self._entry_bytes(k, p)
            parts.append((keys[present], idle[present], age[present], np.full(int(present.sum()), size)))
        if not parts:
            return
        keys, idle, age, sizes = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(idle)
        if np.isfinite(
            store.memory
        ):  # no more than fits, with room to spare for shards that get less than their share
            fits = np.searchsorted(
                np.cumsum(sizes[order]), 1.5 * store.memory * store.shards + 64 * sizes.max()
            )
            order = order[:fits]
        order = order[::-1]
        while len(s.entries) < len(order) + 2 * self.tables.margin:
            self._enlarge(Status.ENTRIES)
            s = self.state
        stores.lay_out(s, k, keys[order].astype(np.uint64), sizes[order], idle[order], age[order])

    def _entry_bytes(self, store: int, population: int) -> float:
        code = self.tables.arrays["code"]
        for row in code:
            if row.op == interpreter.GET and row.a == store and row.d == population:
                return float(row.x)
            if row.op == interpreter.MGET and row.a == store and row.law == population:
                return float(row.x)
        return 1.0

    # ---- room ------------------------------------------------------------------------------------------------------

    def _enlarge(self, status: Status) -> bool:
        """Doubles what is full. False where the limit is reached."""
        s = self.state
        control = s.control[0]
        match status:
            case Status.TASKS:
                old = len(s.tasks)
                if 2 * old > self.limits.tasks:
                    return False
                keys = s.tree[int(control.leaves) :]
                leaves = _power_of_two(int(control.fixed) + 2 * old)
                bits = leaves.bit_length() - 1
                if int(control.window_ends) >= (1 << (63 - bits)) - 1:
                    return False
                number = np.arange(len(keys), dtype=np.int64)
                moved = np.full(leaves, NEVER, dtype=np.int64)
                times = keys >> control.leaf_bits
                moved[: len(keys)] = np.where(
                    (keys == NEVER) | (times >= (1 << (63 - bits)) - 1), NEVER, (times << bits) | number
                )
                ready = np.zeros(2 * old, dtype=np.int64)
                waiting = int(control.ready_count)
                ready[:waiting] = np.take(
                    s.ready,
                    np.arange(int(control.ready_head), int(control.ready_head) + waiting),
                    mode="wrap",
                )
                control.ready_head = 0
                control.leaves, control.leaf_bits, control.horizon = leaves, bits, (1 << (63 - bits)) - 1
                tasks, control.free = _lengthened(s.tasks, "ahead", int(control.free))
                self.state = s.replaced(
                    tasks=tasks, registers=_longer(s.registers, -1), ready=ready, tree=rebuild(moved)
                )
            case Status.MESSAGES:
                if 2 * len(s.messages) > self.limits.messages:
                    return False
                messages, control.free_message = _lengthened(s.messages, "next", int(control.free_message))
                self.state = s.replaced(messages=messages, payload=_longer(s.payload, 0))
            case Status.TRACKERS:
                if 2 * len(s.trackers) > self.limits.messages:
                    return False
                trackers, control.free_tracker = _lengthened(s.trackers, "pending", int(control.free_tracker))
                self.state = s.replaced(trackers=trackers, lasts=_longer(s.lasts, -1))
            case _:
                if 2 * len(s.entries) > self.limits.entries:
                    return False
                entries = records(ENTRY, 2 * len(s.entries))
                entries[: len(s.entries)] = s.entries
                buckets = np.full(_power_of_two(len(entries)), -1, dtype=np.int32)
                self.state = s.replaced(entries=entries, buckets=buckets)
                stores.rehash(self.state)
        return True


def _equal(what: str, counted: int, expected: int) -> None:
    if counted != expected:
        raise AssertionError(f"not conserved: {what}: {counted} against {expected}")


def _store_of(rows: Any, shard: int) -> int:
    return int(np.searchsorted(rows["first"], shard, side="right")) - 1


def _machines(station: Any) -> int:
    if station.shards:
        return int(station.shards * station.copies)
    return 1 if station.policy is Policy.SHARED else int(station.machines)


def _power_of_two(n: int) -> int:
    return 1 << max(1, (n - 1).bit_length())


def _chained(dtype: Any, number: int, link: str) -> Any:
    """Records that are all free: each names the next."""
    rows = records(dtype, number)
    _unset(rows)
    rows[link] = np.arange(1, number + 1)
    return rows


def _unset(rows: Any) -> None:
    """Tasks that are free."""
    if rows.dtype == TASK:
        for name in ("pc", *UNSET):
            rows[name] = -1


def _lengthened(rows: Any, link: str, free: int) -> tuple[Any, int]:
    """Twice as many records, the new ones in front of the free list."""
    n = len(rows)
    more = records(rows.dtype, 2 * n)
    more[:n] = rows
    _unset(more[n:])
    more[link][n:] = np.arange(n + 1, 2 * n + 1)
    more[link][2 * n - 1] = free
    return more, n


def _longer(array: Any, fill: int) -> Any:
    return np.concatenate([array, np.full_like(array, fill)])


def _curve(name: str, rates: tuple[float, ...], times: tuple[float, ...]) -> list[tuple[float, float, float]]:
    if (
        len(rates) != len(times)
        or any(b <= a for a, b in zip(times, times[1:], strict=False))
        or times[0] != 0
        or min(rates) < 0
    ):
        raise ModelError(
            f"the rate of {name!r} needs a rate for each time, times from 0 upwards, and no rate below 0"
        )
    at = np.array(times) / TICK
    rate = np.array(rates) * TICK
    passed = np.concatenate([[0.0], np.cumsum(np.diff(at) * (rate[1:] + rate[:-1]) / 2)])
    return list(zip(at, rate, passed, strict=True))
