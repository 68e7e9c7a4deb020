"""How does a run begin? The arrays of a model, its first arrivals, and its stores in the stationary state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toscale.engine import arrivals, interpreter, ops, stores
from toscale.engine import set_up_scaling as scaling
from toscale.engine import set_up_timeline as timeline
from toscale.engine.copies_code import replicated_rows
from toscale.engine.held import held_rows, residuals
from toscale.engine.model import (
    Consume,
    Discipline,
    Evict,
    Model,
    Policy,
    Priority,
    Users,
)
from toscale.engine.pools import pool_rows, pool_stations, store_stations
from toscale.engine.room import ENTRIES, SOCKETS, Limits, chained, enlarged, leases, power_of_two
from toscale.engine.set_up_flows import after_rows, flow_rows, span_rows
from toscale.engine.set_up_instances import instance_rows
from toscale.engine.set_up_scaling import scaler_rows
from toscale.engine.state import (
    ACCOUNT,
    BUFFER,
    CALLER,
    CELL_COUNT,
    CONDITION,
    CONNECTION,
    CONTROL,
    ENTRY,
    FLIGHT,
    GUARD,
    INSTANCE,
    LEAF,
    LOCK,
    LOCKED,
    MACHINE,
    MESSAGE,
    METER,
    NOTE,
    PARTITION,
    REPLICATED,
    RING,
    SCALER,
    SHARD,
    SLICES,
    SOCKET,
    STATION,
    STORE,
    TASK,
    TERM,
    TICK,
    TRACKER,
    WRITE,
    State,
    Status,
    records,
)
from toscale.engine.tables import Tables, salt_of
from toscale.engine.tree import NEVER, rebuild

LISTED_KEYS = 1 << 18
"""Stores over populations with more keys than this in all are simulated by Che's approximation, not entry by
entry.
"""

_POLICY_NUMBERS = {policy: k for k, policy in enumerate(Policy)}
_DISCIPLINE_NUMBERS = {discipline: k for k, discipline in enumerate(Discipline)}
_EVICT_NUMBERS = {
    Evict.LRU: stores.LRU,
    Evict.FIFO: stores.FIFO,
    Evict.RANDOM: stores.RANDOM,
    Evict.LFU: stores.LFU,
}


@dataclass(frozen=True, slots=True)
class StoreStart:
    """The stationary state of a store: its characteristic time in seconds (None: nothing is ever evicted),
    and how often each population is asked for (per second, by name).
    """

    recent: float | None
    rates: Mapping[str, float] = field(default_factory=dict)


class SetUp:
    """Makes the state of a model at time 0."""

    def __init__(
        self,
        model: Model,
        tables: Tables,
        seed: str,
        start: Mapping[str, StoreStart],
        most_windows: int,
        limits: Limits,
        empty: bool = False,
    ) -> None:
        self.model, self.tables, self.seed, self.start = model, tables, seed, start
        self.most_windows, self.limits, self.empty = most_windows, limits, empty

    def state(self, window: float) -> State:
        model, tables = self.model, self.tables
        arrays: dict[str, Any] = dict(tables.arrays)
        machine_counts = [machines_of(s) for s in model.stations]
        leaves: list[tuple[int, int]] = [
            (interpreter.LEAF_USERS if isinstance(flow.source, Users) else interpreter.LEAF_FLOW, k)
            for k, flow in enumerate(model.flows)
        ]

        stations = records(STATION, len(model.stations))
        machines = records(MACHINE, sum(machine_counts))
        first = 0
        for k, station in enumerate(model.stations):
            row, count = stations[k], machine_counts[k]
            shared = station.running if station.policy is Policy.SHARED and not station.shards else 1
            row.first, row.machines = first, count
            row.slots = -1 if station.slots is None else station.slots * shared
            row.cores = 0 if station.cores is None else station.cores * shared
            row.places = -1 if station.waiting is None else station.waiting * shared
            row.policy = _POLICY_NUMBERS[station.policy] % 4
            row.discipline = _DISCIPLINE_NUMBERS[station.discipline]
            row.shards, row.copies = (station.shards, station.copies) if station.shards else (1, count)
            if station.scaling is not None and station.policy is not Policy.SHARED:
                row.copies = station.running
            block = machines[first : first + count]
            block["station"] = k
            block["head"] = block["tail"] = block["heap"] = block["leaf"] = -1
            block["zone"] = np.resize(station.zones, count) if station.zones else -1
            if row.cores > 0:
                block["leaf"] = np.arange(len(leaves), len(leaves) + count)
                leaves.extend((interpreter.LEAF_MACHINE, first + j) for j in range(count))
            first += count

        rings = records(RING, len(tables.rings))
        for k, (length, hedges) in enumerate(tables.rings):
            row = rings[k]
            row.length, row.head, row.tail, row.leaf = max(1, round(length / TICK)), -1, -1, len(leaves)
            leaves.append((interpreter.LEAF_HEDGE if hedges else interpreter.LEAF_RING, k))
        terms = records(TERM, len(tables.terms))
        terms["head"] = terms["tail"] = -1
        for k, length in enumerate(tables.terms):
            terms[k].length, terms[k].leaf = max(1, round(min(length / TICK, arrivals.LONGEST))), len(leaves)
            leaves.append((interpreter.LEAF_TERM, k))
        held, holds = held_rows(model, tables, machine_counts, leaves)
        instances, warm = instance_rows(model, self.empty)
        scalers, stages, advice = scaler_rows(model, tables, leaves)
        changes = timeline.changes(model, tables)
        if len(changes):
            for name in ("links", "numbers"):  # which it changes: they are this run's own
                arrays[name] = arrays[name].copy()
            leaves.append((interpreter.LEAF_CHANGE, 0))
        streams, presets = timeline.streams(model, tables, self.seed, len(leaves))
        leaves.extend((interpreter.LEAF_STREAM, k) for k in range(len(model.timeline.streams)))
        leaf_rows = records(LEAF, len(leaves))
        for k, (kind, which) in enumerate(leaves):
            leaf_rows[k].kind, leaf_rows[k].which = kind, which
        sockets = SOCKETS if model.connections else 1

        conditions = records(CONDITION, len(machines))
        conditions["slow"] = 1.0
        store_rows, shards = self._stores()
        buffers, partitions, carried = self._buffers()
        flows, points, phases = flow_rows(model, tables, self.seed)
        spans, columns = span_rows(model, tables)
        for row in spans:
            if row.first >= 0:
                flows[row.first].spans = 1

        guards = self._guards(stations)
        replicated = replicated_rows(model)
        writes = power_of_two(max(1024, 4 * tables.touches)) if model.replicated else 1
        fixed = len(leaves)
        tasks = max(256, 4 * tables.margin)
        control = records(CONTROL, 1)
        row = control[0]
        row.seed = np.uint64(salt_of(f"seed:{self.seed}"))
        row.window_length = window_ticks(window)
        row.window_ends = row.window_length
        touches = self._touches()
        row.fixed, row.margin, row.touches = fixed, tables.margin, touches
        row.leaves = power_of_two(fixed + tasks)
        row.leaf_bits = int(row.leaves).bit_length() - 1
        row.horizon = (1 << (63 - int(row.leaf_bits))) - 1
        row.free_entry = row.free_socket = -1
        row.locked_margin = tables.locked
        locked = 4 * tables.locked if tables.locked else 1
        meters = len(tables.meters)
        buckets = power_of_two(max(1024, 4 * touches))
        w = self.most_windows
        pools, shares = pool_rows(model, tables, self.empty)
        accounts = power_of_two(max(1024, 4 * tables.touches)) if model.pools else 1
        most_shards = max([1, *(int(s.shards) for s in stations)])
        most_copies = max(
            [1, *(s.copies for s in model.stations if s.name in {r.station for r in model.replicated})]
        )
        arrays.update(
            after=after_rows(model, tables),
            spans=spans,
            points=points,
            phases=phases,
            leaves=leaf_rows,
            carried=carried,
            shares=shares,
            pools=pools,
            accounts=records(ACCOUNT, accounts),
            account_buckets=np.full(2 * accounts, -1, dtype=np.int32),
            leases=leases(accounts),
            terms=terms,
            control=control,
            stations=stations,
            machines=machines,
            stores=store_rows,
            shards=shards,
            entries=records(ENTRY, max(ENTRIES if model.stores or tables.flights else 1, buckets // 2)),
            buckets=np.full(buckets, -1, dtype=np.int32),
            buffers=buffers,
            partitions=partitions,
            messages=chained(MESSAGE, max(256, 4 * tables.margin), "next"),
            payload=np.zeros((max(256, 4 * tables.margin), carried.shape[1]), dtype=np.int64),
            flows=flows,
            tasks=chained(TASK, tasks, "ahead"),
            registers=np.full((tasks, max(tables.registers, 1)), -1, dtype=np.int64),
            rings=rings,
            trackers=chained(TRACKER, max(256, 4 * tables.margin), "pending"),
            lasts=np.full((max(256, 4 * tables.margin), columns), -1, dtype=np.int64),
            tree=rebuild(np.full(int(row.leaves), NEVER, dtype=np.int64)),
            ready=np.zeros(tasks, dtype=np.int64),
            counts=np.zeros(most_shards, dtype=np.int64),
            distinct=np.zeros(most_shards, dtype=np.int64),
            locks=records(LOCK, len(model.locks)),
            locked=chained(LOCKED, locked, "chain"),
            locked_buckets=np.full(power_of_two(2 * locked), -1, dtype=np.int32),
            lasts_by_class=np.full(
                (
                    len(machines) if any(s.discipline is Discipline.PRIORITY for s in model.stations) else 1,
                    len(Priority),
                ),
                -1,
                dtype=np.int64,
            ),
            guards=guards,
            flights=records(FLIGHT, len(tables.flights)),
            scalers=scalers,
            instances=instances,
            warm=warm,
            pool_stations=pool_stations(model, tables),
            store_stations=store_stations(model),
            stages=stages,
            advice=advice,
            replicated=replicated,
            writes=chained(WRITE, writes, "chain"),
            write_buckets=np.full(2 * writes, -1, dtype=np.int32),
            seen=np.zeros((writes, most_copies), dtype=np.int64),
            exposed=np.zeros(len(machines), dtype=np.int64),
            callers=records(CALLER, int(np.sum(guards["callers"]))),
            store_rates=np.zeros((max(len(model.stores), 1), max(len(tables.populations), 1))),
            connections=held,
            holds=holds,
            sockets=records(SOCKET, sockets),
            socket_buckets=np.full(2 * power_of_two(sockets), -1, dtype=np.int32),
            due=np.zeros((max(len(model.connections), 1), sockets), dtype=np.int32),
            residuals=residuals(model),
            changes=changes,
            presets=presets,
            hots=timeline.hots(model),
            givens=timeline.givens(model),
            conditions=conditions,
            streams=streams,
            emptied=np.zeros(len(shards), dtype=np.int64),
            losses=np.zeros(max(len(model.stations), 1), dtype=np.int64),
            retries=np.zeros(max(len(model.flows), 1), dtype=np.int64),
            snap_retries=np.zeros((w, max(len(model.flows), 1)), dtype=np.int64),
            meters=records(METER, meters),
            snap_meters=np.zeros((w, max(meters, 1)), dtype=METER).view(np.recarray),
            snap_stations=np.zeros((w, len(stations)), dtype=STATION).view(np.recarray),
            snap_stores=np.zeros((w, len(store_rows)), dtype=STORE).view(np.recarray),
            snap_buffers=np.zeros((w, len(buffers)), dtype=BUFFER).view(np.recarray),
            snap_pools=np.zeros((w, len(pools)), dtype=pools.dtype).view(np.recarray),
            snap_locks=np.zeros((w, max(len(model.locks), 1)), dtype=LOCK).view(np.recarray),
            snap_connections=np.zeros((w, len(held)), dtype=CONNECTION).view(np.recarray),
            snap_live=np.zeros(w, dtype=np.int64),
            snap_flights=np.zeros((w, max(len(tables.flights), 1)), dtype=FLIGHT).view(np.recarray),
            snap_instances=np.zeros((w, len(instances)), dtype=INSTANCE).view(np.recarray),
            snap_scalers=np.zeros((w, len(scalers)), dtype=SCALER).view(np.recarray),
            snap_replicated=np.zeros((w, len(replicated)), dtype=REPLICATED).view(np.recarray),
            snap_guards=np.zeros((w, len(guards)), dtype=GUARD).view(np.recarray),
            histogram=np.zeros((w, max(meters, 1), CELL_COUNT), dtype=np.int32),
            notes=records(NOTE, tables.notes),
        )
        state = State(**arrays)
        timeline.begin(model, state)
        scaling.begin(model, state)
        return state

    def _guards(self, stations: Any) -> Any:
        """The calls with breakers, hedges or budgets, each with a caller for every machine that may make it."""
        rows = records(GUARD, len(self.tables.guards))
        first = 0
        for k, guarded in enumerate(self.tables.guards):
            row = rows[k]
            row.first, row.callers = first, guarded.callers(self.model)
            row.machine = stations[guarded.station].first if guarded.station >= 0 else -1
            first += int(row.callers)
            breaker = guarded.breaker
            if breaker is not None:
                row.over = max(1, round(min(breaker.over / TICK, arrivals.LONGEST) / SLICES))
                row.stays = round(min(breaker.stays / TICK, arrivals.LONGEST))
                row.least, row.share = breaker.least, breaker.share
                row.errors = sum(1 << int(outcome) for outcome in breaker.errors)
            else:
                row.over = 1
            row.deposit = guarded.budget or 0.0
        return rows

    def _touches(self) -> int:
        """Entries that one step may add: with LFU each key may begin a run of its own."""
        runs = any(store.evict is Evict.LFU for store in self.model.stores)
        return self.tables.touches * (2 if runs else 1)

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
            row.most = NEVER if buffer.most is None else buffer.most
            row.keep = NEVER if buffer.keep is None else min(round(buffer.keep / TICK), int(NEVER))
            row.deliveries = buffer.deliveries
            row.dead = -1
            for n, other in enumerate(model.buffers):
                if other.name == buffer.dead:
                    row.dead = n
            for n, flow in enumerate(model.flows):
                if isinstance(flow.source, Consume) and flow.source.buffer == buffer.name:
                    row.flow, row.batch = n, flow.source.batch
                    row.linger = round(min(flow.source.linger / TICK, arrivals.LONGEST))
            partitions[first : first + buffer.partitions]["buffer"] = k
            for j, name in enumerate(buffer.carries):
                carried[k, j] = self.tables.register_of[name]
            first += buffer.partitions
        return rows, partitions, carried

    def filled(self, s: State) -> State:
        """The state with its stores in the stationary state."""
        for k, store in enumerate(self.model.stores):
            start = self.start.get(store.name)
            if start is None:
                continue
            for p, population in enumerate(self.tables.populations):
                s.store_rates[k, p] = start.rates.get(population.name, 0.0) * TICK
            if s.stores[k].lists:
                s = self._laid_out(s, k)
        return s

    def _laid_out(self, s: State, k: int) -> State:
        """The content of an LRU store under independent requests: the keys used last, in that order (the
        move-to-front chain's stationary law: the times since the last use are independent exponentials). Of
        an LFU store: the keys that are asked for most often.
        """
        generator = np.random.Generator(np.random.Philox(key=[int(s.control[0].seed), k]))
        store = s.stores[k]
        parts: list[tuple[Any, Any, Any, Any]] = []
        for p, population in enumerate(self.tables.populations):
            rate = float(s.store_rates[k, p])
            if rate <= 0:
                continue
            index = np.arange(1, population.size + 1, dtype=np.float64)
            weights = index**-population.exponent
            with np.errstate(divide="ignore"):  # of the steepest skews, most keys are never asked for
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
            if store.evict == stores.LFU:  # in the order of how often they are asked for
                idle = 1.0 / (rate * weights / weights.sum())
            parts.append((keys[present], idle[present], age[present], np.full(int(present.sum()), size)))
        if not any(len(keys) for keys, *_ in parts):
            return s
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
        each = 2 if store.evict == stores.LFU else 1
        while len(s.buckets) < 2 * (each * len(order) + 2 * self._touches()):
            larger = enlarged(s, Status.ENTRIES, self.limits)
            if larger is None:
                return s
            s = larger
        stores.lay_out(s, k, keys[order].astype(np.uint64), sizes[order], idle[order], age[order])
        return s

    def _entry_bytes(self, store: int, population: int) -> float:
        code = self.tables.arrays["code"]
        for row in code:
            if row.op == ops.GET and row.a == store and row.d == population:
                return float(row.x)
            if row.op == ops.MGET and row.a == store and row.law == population:
                return float(row.x)
        return 1.0


def window_ticks(seconds: float) -> int:
    """The length of a window. One that is longer than the clock runs ends the run as such (HORIZON)."""
    return max(1, round(min(seconds / TICK, arrivals.LONGEST)))


def machines_of(station: Any) -> int:
    """How many machines a station's queue or policy chooses from."""
    if station.shards:
        return int(station.shards * station.copies)
    return 1 if station.policy is Policy.SHARED else int(station.machines)
