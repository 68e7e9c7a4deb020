"""Is everything accounted for? Arrived = answered + failed + still inside, wherever something arrives."""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine.model import Model
from toscale.engine.state import State


def check_conservation(model: Model, s: State) -> None:
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
        _equal(f"buffer {buffer.name}", int(row.sent), int(row.taken) + int(row.depth))
    for k, connection in enumerate(model.connections):
        _check_connection(connection.name, s, k)
    if any(row.lists for row in s.stores):
        entries = s.entries[: int(s.control[0].entries)]
        there = entries["shard"][(entries["store"] >= 0) & (entries["present"] > 0)]
        held = np.bincount(there, minlength=len(s.shards))
        for k, shard in enumerate(s.shards):
            if s.stores[_store_of(s.stores, k)].lists:
                _equal(f"entries of shard {k}", int(shard.entries), int(held[k]))


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


def _store_of(rows: Any, shard: int) -> int:
    return int(np.searchsorted(rows["first"], shard, side="right")) - 1
