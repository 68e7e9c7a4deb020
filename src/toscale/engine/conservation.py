"""Is everything accounted for? Arrived = answered + failed + still inside, wherever something arrives."""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine.model import Model
from toscale.engine.state import State
from toscale.engine.tables import Tables
from toscale.engine.tasks import ALOFT


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
        gone = int(row.admitted) + int(row.refused) + int(row.abandoned)
        _equal(f"station {station.name}", int(row.arrived), gone + int(row.waiting))
        machines = s.machines[s.machines["station"] == k]
        _equal(f"slots of {station.name}", int(row.busy), int(np.sum(machines["busy"])))
        _equal(f"queues of {station.name}", int(row.waiting), int(np.sum(machines["queued"])))
        _equal(f"inside {station.name}", int(row.inside), int(row.busy) + int(row.waiting))
    _equal("slots held", int(np.sum(going["held"])), int(np.sum(s.stations["busy"])))
    for k, buffer in enumerate(model.buffers):
        row = s.buffers[k]
        gone = int(row.taken) + int(row.expired)
        _equal(f"buffer {buffer.name}", int(row.sent) + int(row.again), gone + int(row.depth))
        lengths = s.partitions["length"][s.partitions["buffer"] == k]
        _equal(f"partitions of {buffer.name}", int(np.sum(lengths)), int(row.depth))
    for path, row in zip(tables.guarded, s.guards, strict=False):
        _at_most(f"calls that the breaker of {path} cut", int(row.cut), int(row.calls))
        _at_most(f"retries of {path} by what was paid in", int(row.retries), float(row.begun * row.deposit))
        callers = s.callers[int(row.first) : int(row.first) + int(row.callers)]
        _at_most(f"errors of {path}", int(np.sum(callers["wrong"])), int(np.sum(callers["calls"])))
        _at_most(f"time that {path} was open", float(row.open_time), float(row.callers * s.control[0].now))
    aloft = int(np.sum(going["state"] == ALOFT))
    _equal("waiting for flights", int(np.sum(s.flights["waiting"])), aloft)
    entries = s.entries[: int(s.control[0].entries)]
    flights = int(np.sum(entries["store"] >= len(s.stores)))
    _equal("flights", int(np.sum(s.flights["aloft"])), flights)
    if any(row.lists for row in s.stores):
        there = entries["shard"][(entries["store"] >= 0) & (entries["present"] > 0)]
        held = np.bincount(there, minlength=len(s.shards))
        for k, shard in enumerate(s.shards):
            if s.stores[_store_of(s.stores, k)].lists:
                _equal(f"entries of shard {k}", int(shard.entries), int(held[k]))


def _equal(what: str, counted: int, expected: int) -> None:
    if counted != expected:
        raise AssertionError(f"not conserved: {what}: {counted} against {expected}")


def _at_most(what: str, counted: float, most: float) -> None:
    if counted > most + 1e-6 * abs(most):
        raise AssertionError(f"not conserved: {what}: {counted} of {most}")


def _store_of(rows: Any, shard: int) -> int:
    return int(np.searchsorted(rows["first"], shard, side="right")) - 1
