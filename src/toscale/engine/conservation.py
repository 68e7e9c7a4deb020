"""Is everything accounted for? Arrived = answered + failed + still inside, wherever something arrives."""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine import leases
from toscale.engine.model import Evict, Model, Pool
from toscale.engine.scaling import AWAY, BY_SCALING, SERVING
from toscale.engine.state import State
from toscale.engine.tables import Tables
from toscale.engine.tasks import ALOFT, WAITING
from toscale.engine.tree import NEVER


def check_conservation(model: Model, tables: Tables, s: State) -> None:
    """Arrived = answered + failed + still inside, for each flow, station, buffer and store; AssertionError
    otherwise.
    """
    going = s.tasks[s.tasks["pc"] >= 0] if s.control[0].live else s.tasks[:0]
    _equal("tasks", len(going), int(s.control[0].live))
    queued = {int(b.flow): int(b.depth) for b in s.buffers if b.flow >= 0}
    for k, flow in enumerate(model.flows):
        meter = s.meters[k]
        here = going[going["flow"] == k]
        inside = int(np.sum(here["root"])) + int(np.sum(here["messages"])) + queued.get(k, 0)
        _equal(f"flow {flow.name}", int(meter.started), int(meter.done) + int(np.sum(meter.causes)) + inside)
    for k, station in enumerate(model.stations):
        row = s.stations[k]
        gone = int(row.admitted) + int(row.refused) + int(row.abandoned) + int(s.losses[k])
        _equal(f"station {station.name}", int(row.arrived), gone + int(row.waiting))
        machines = s.machines[s.machines["station"] == k]
        _equal(f"slots of {station.name}", int(row.busy), int(np.sum(machines["busy"])))
        _equal(f"queues of {station.name}", int(row.waiting), int(np.sum(machines["queued"])))
        _equal(f"inside {station.name}", int(row.inside), int(row.busy) + int(row.waiting))
    for k, row in enumerate(s.instances):
        _at_most(f"cold starts of function {k}", int(row.cold), int(row.calls))
        _at_most(f"idle instances of function {k}", int(row.idle), int(row.room))
        if (
            row.room and not model.timeline.changes
        ):  # busy ones that are lost are gone without having been idle
            there = int(row.idle) + int(s.stations[row.station].busy)
            _equal(f"instances of function {k}", int(row.begun) + int(row.cold), there + int(row.gone))
    for row in s.scalers:
        _check_scaler(s, row)
    locked = s.locked[s.locked["lock"] >= 0]
    _equal("locked keys", len(locked), int(s.control[0].locked_keys))
    busy = int(np.sum(s.stations["busy"]))
    _equal("slots and locks held", int(np.sum(going["held"])), busy + len(locked))
    waiting = going[going["state"] == WAITING]
    for k, lock in enumerate(model.locks):
        row = s.locks[k]
        gone = int(row.granted) + int(row.refused) + int(row.abandoned)
        _equal(f"lock {lock.name}", int(row.asked), gone + int(row.waiting))
        _equal(f"keys of {lock.name}", int(row.held), int(np.sum(locked["lock"] == k)))
        queued = s.locked["lock"][waiting["machine"]]
        _equal(f"queues of {lock.name}", int(row.waiting), int(np.sum(queued == k)))
    for k, buffer in enumerate(model.buffers):
        row = s.buffers[k]
        gone = int(row.taken) + int(row.expired)
        _equal(f"buffer {buffer.name}", int(row.sent) + int(row.again), gone + int(row.depth))
        lengths = s.partitions["length"][s.partitions["buffer"] == k]
        _equal(f"partitions of {buffer.name}", int(np.sum(lengths)), int(row.depth))
    for k, pool in enumerate(model.pools):
        _check_pool(pool, s, k)
    for k in range(len(model.pools), len(s.pools)):  # what machines have taken ahead
        row = s.pools[k]
        there = s.accounts["left"][: int(s.control[0].accounts)][_of_pool(s, k)]
        _equal("units taken ahead", int(row.taken), int(row.passed) + int(row.ended) + int(there.sum()))
    for k, connection in enumerate(model.connections):
        _check_connection(connection.name, s, k)
    for path, row in zip(tables.guarded, s.guards, strict=False):
        _at_most(f"calls that the breaker of {path} cut", int(row.cut), int(row.calls))
        _at_most(f"retries of {path} by what was paid in", int(row.retries), float(row.begun * row.deposit))
        callers = s.callers[int(row.first) : int(row.first) + int(row.callers)]
        _at_most(f"errors of {path}", int(np.sum(callers["wrong"])), int(np.sum(callers["calls"])))
        _at_most(f"time that {path} was open", float(row.open_time), float(row.callers * s.control[0].now))
    aloft = int(np.sum(going["state"] == ALOFT))
    _equal("waiting for flights", int(np.sum(s.flights["waiting"])), aloft)
    on_their_way = s.writes["replicated"][s.writes["replicated"] >= 0]
    _equal("writes on their way", len(on_their_way), int(s.control[0].written))
    for k, replicated in enumerate(model.replicated):
        row = s.replicated[k]
        others = int(s.stations[row.station].copies) - 1
        told = int(row.copied) + int(np.sum(s.seen[s.writes["replicated"] == k] == NEVER))
        if not model.timeline.changes:  # a machine that is lost sends nothing any more
            _equal(f"copies of writes to {replicated.station}", told, int(row.committed) * others)
        _at_most(f"stale reads of {replicated.station}", int(row.stale), int(row.read))
    entries = s.entries[: int(s.control[0].entries)]
    beyond = len(s.stores) + len(s.flights)  # from there on, the runs of stores that evict by frequency
    flights = int(np.sum((entries["store"] >= len(s.stores)) & (entries["store"] < beyond)))
    _equal("flights", int(np.sum(s.flights["aloft"])), flights)
    if any(row.lists for row in s.stores):
        there = entries["shard"][(entries["store"] >= 0) & (entries["present"] > 0)]
        held = np.bincount(there, minlength=len(s.shards))
        for k, shard in enumerate(s.shards):
            if s.stores[_store_of(s.stores, k)].lists:
                _equal(f"entries of shard {k}", int(shard.entries), int(held[k]))
        for k, store in enumerate(model.stores):
            if store.evict is Evict.LFU and s.stores[k].lists:
                mine = entries[(entries["store"] == k) & (entries["present"] > 0)]
                runs = len(np.unique(np.stack([mine["shard"], mine["spare"]]), axis=1).T)
                _equal(f"runs of {store.name}", int(np.sum(entries["store"] == beyond + k)), runs)


def _of_pool(s: State, k: int) -> Any:
    return s.accounts["pool"][: int(s.control[0].accounts)] == k


def _check_pool(pool: Pool, s: State, k: int) -> None:
    """Taken = given back + ended + still held (kept ones included); nobody has more than there is, unless what was
    read is written back without care.
    """
    row = s.pools[k]
    accounts = s.accounts[: int(s.control[0].accounts)][_of_pool(s, k)]
    if pool.refill is not None:
        full = (accounts["left"] <= accounts["capacity"]) & (accounts["bound"] <= accounts["capacity"])
        _equal(f"buckets of {pool.name} that are not too full", int(np.sum(full)), len(accounts))
        _equal(f"the truth of {pool.name}, not below 0", int(np.sum(accounts["bound"] < 0)), 0)
        return
    _equal(f"units of {pool.name}", int(row.taken), int(row.given_back) + int(row.ended) + int(row.held))
    _equal(f"units held of {pool.name}", int(row.held), int(np.sum(accounts["held"])))
    _equal(f"line of {pool.name}", int(row.joined), int(row.served) + int(row.left_line) + int(row.lined))
    mine = s.leases[_of_pool_leases(s, k)]
    held = mine[mine["state"] != leases.WAITING]
    _equal(f"leases of {pool.name}", int(np.sum(held["units"])), int(row.held))
    _equal(f"those in line for {pool.name}", int(np.sum(mine["state"] == leases.WAITING)), int(row.lined))
    _equal(f"kept of {pool.name}", int(np.sum(mine["units"][mine["state"] == leases.KEPT])), int(row.kept))
    _equal(f"over of {pool.name}", int(np.sum(mine["units"][mine["state"] == leases.OVER])), int(row.over))
    if row.beyond == 0:
        _equal(f"too many of {pool.name}", int(np.sum(accounts["held"] > np.floor(accounts["capacity"]))), 0)


def _of_pool_leases(s: State, k: int) -> Any:
    used = s.leases["state"] != leases.FREE
    return used & (s.accounts["pool"][s.leases["account"]] == k)


def _check_scaler(s: State, row: Any) -> None:
    """Begun with + started = serving + starting + leaving + gone; and never more or fewer than there may be."""
    stages = s.stages["stage"][int(row.first) : int(row.first) + int(row.most)]
    name = f"machines of station {int(row.station)}"
    _equal(f"serving {name}", int(row.serving), int(np.sum(stages == SERVING)))
    _equal(name, int(row.there), int(np.sum(stages != AWAY)))
    _at_most(f"wanted {name}", int(row.wanted), int(row.most))
    _at_most(f"fewest {name}", int(row.least), int(row.desired))
    if row.most and not row.shared:
        first = int(s.stations[row.station].first)
        out = s.conditions["out"][first : first + int(row.most)] & BY_SCALING
        _equal(f"{name} that take calls", int(np.sum(out == 0)), int(row.serving))


def _check_connection(name: str, s: State, k: int) -> None:
    """Open at the beginning + opened = open + closed + lost; and each machine holds those that are named there."""
    row = s.connections[k]
    gone = int(row.closed) + int(row.lost)
    _equal(f"connection {name}", int(row.first_open) + int(row.opened), int(row.open) + gone)
    machines = int(s.stations[row.station].machines)
    holds = s.holds[int(row.first) : int(row.first) + machines]
    _equal(f"machines of {name}", int(row.open), int(np.sum(holds["open"])))
    _equal(f"early ones of {name}", int(row.early), int(np.sum(holds["early"])))
    known = s.sockets[: int(s.control[0].used_sockets)]
    known = known[known["connection"] == k]
    there = known["machine"] >= 0
    there[there] = known["epoch"][there] == holds["epoch"][known["machine"][there]]
    here = np.bincount(known["machine"][there], minlength=machines)
    _equal(f"those opened of {name}", int(np.sum(holds["open"] - holds["early"] - here != 0)), 0)
    _equal(f"those waiting for {name}", int(row.waiting), int(np.sum(known["waiting"])))
    _equal(f"those due of {name}", int(row.due), int(np.sum(known["at"] >= 0)))
    named = (known["machine"] >= 0) | (known["waiting"] > 0)  # those just lost are due until they are seen to
    _equal(f"those named of {name}", int(np.sum(named & (known["at"] >= 0))), int(row.due))
    _equal(f"open but never due of {name}", int(np.sum(there & (known["at"] < 0))), 0)


def _equal(what: str, counted: int, expected: int) -> None:
    if counted != expected:
        raise AssertionError(f"not conserved: {what}: {counted} against {expected}")


def _at_most(what: str, counted: float, most: float) -> None:
    if counted > most + 1e-6 * abs(most):
        raise AssertionError(f"not conserved: {what}: {counted} of {most}")


def _store_of(rows: Any, shard: int) -> int:
    return int(np.searchsorted(rows["first"], shard, side="right")) - 1
