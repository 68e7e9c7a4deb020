"""With how many machines does a station begin whose number of machines follows its load?"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from toscale.engine import interpreter
from toscale.engine.model import Model, Policy, Station
from toscale.engine.scaling import BY_SCALING, SERVING
from toscale.engine.state import SCALER, STAGE, TICK, State, records
from toscale.engine.tables import ModelError, Tables, salt_of
from toscale.engine.tree import schedule

__all__ = ["begin", "scaler_rows"]

MOST_LOOKS = 4_096
"""So many looks back the highest number that was wanted can be known."""


def scaler_rows(model: Model, tables: Tables, leaves: list[tuple[int, int]]) -> tuple[Any, Any, Any]:
    """The scalers, the stages of their machines, and the numbers that were wanted before: none as yet.

    `leaves` is added to. Raises ModelError for a station that cannot be scaled.
    """
    scaled = [(k, station) for k, station in enumerate(model.stations) if station.scaling is not None]
    rows = records(SCALER, len(scaled))
    stages = records(STAGE, sum(station.machines for _, station in scaled))
    first = 0
    for n, (k, station) in enumerate(scaled):
        scaling = station.scaling
        assert scaling is not None
        _check(station)
        row = rows[n]
        row.salt = np.uint64(salt_of(f"scaling:{station.name}"))
        row.station, row.first, row.leaf = k, first, len(leaves)
        leaves.append((interpreter.LEAF_SCALER, n))
        row.target, row.tolerance = scaling.target, scaling.tolerance
        row.by_cores = station.cores is not None
        row.each = station.cores if station.cores is not None else station.slots
        row.slots, row.cores, row.places = (
            0 if limit is None else limit for limit in (station.slots, station.cores, station.waiting)
        )
        row.shared = station.policy is Policy.SHARED
        row.boot = tables.law_of[scaling.boot.scaled(1 / TICK)]
        row.every, row.pause = max(1, round(scaling.every / TICK)), round(scaling.pause / TICK)
        row.memory = min(max(1, ceil(scaling.memory / scaling.every - 1e-9)), MOST_LOOKS)
        row.most, row.least = station.machines, scaling.least
        row.desired = row.wanted = row.serving = row.there = row.top = station.running
        row.look, row.changed = row.every, -row.pause
        stages[first : first + station.running]["stage"] = SERVING
        first += station.machines
    advice = np.zeros((len(rows), max([1, *(int(row.memory) for row in rows)])), dtype=np.int64)
    return rows, stages, advice


def _check(station: Station) -> None:
    scaling = station.scaling
    assert scaling is not None
    if station.shards:
        raise ModelError(f"{station.name!r} has shards, whose number cannot follow the load")
    if station.slots is None and station.cores is None:
        raise ModelError(f"{station.name!r} has neither slots nor cores whose use could be measured")
    if not 1 <= scaling.least <= station.running <= station.machines:
        raise ModelError(
            f"{station.name!r} begins with {station.running} machines, and has from {scaling.least} to "
            f"{station.machines}"
        )
    if not (0 < scaling.target and scaling.every > 0):
        raise ModelError(f"{station.name!r} has a target and looks at it from time to time: both above 0")


def begin(model: Model, state: State) -> None:
    """Leaves out the machines that are not there yet, and schedules the first looks."""
    for row in state.scalers:
        if row.most == 0:
            continue
        station = state.stations[row.station]
        if not row.shared:
            first = int(station.first)
            state.conditions[first + row.serving : first + row.most]["out"] = BY_SCALING
            for connection in state.connections:
                if connection.members and connection.station == row.station:
                    holds = state.holds[connection.first : connection.first + row.most]
                    holds["out"][row.serving :] = BY_SCALING
        schedule(state, int(row.leaf), row.look)
