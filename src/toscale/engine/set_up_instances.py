"""Which instances of a function are warm when a run begins? As many as in the stationary state, idle for longer and
longer: of those kept for T seconds, the one that is used least is used every T seconds or so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine import arrivals
from toscale.engine.model import Model
from toscale.engine.state import INSTANCE, TICK, records
from toscale.engine.tables import ModelError

__all__ = ["MOST_IDLE", "instance_rows"]

MOST_IDLE = 1 << 16
"""So many instances of a function can be idle at one time; the oldest are gone beyond that."""


def instance_rows(model: Model, empty: bool) -> tuple[Any, Any]:
    """The functions, and when each of their idle instances became so. Raises ModelError for an impossible one."""
    functions = [(k, s) for k, s in enumerate(model.stations) if s.instances is not None]
    rows = records(INSTANCE, len(functions))
    for n, (k, station) in enumerate(functions):
        instances = station.instances
        assert instances is not None
        if station.machines != 1 or station.shards or station.cores is not None:
            raise ModelError(
                f"{station.name!r} is a function: one machine without cores, with a slot for each call"
            )
        row = rows[n]
        row.station = k
        row.keep = round(min(instances.keep / TICK, arrivals.LONGEST))
        row.room = min(MOST_IDLE, station.slots or MOST_IDLE)
        row.begun = row.idle = 0 if empty else min(round(instances.begins), int(row.room))
    warm = np.zeros((len(rows), max(1, int(rows["room"].max()))), dtype=np.int64)
    for n, row in enumerate(rows):
        warm[n, : row.idle] = -(row.keep * (1 - (np.arange(row.idle) + 1) / (row.idle + 1))).astype(np.int64)
    return rows, warm
