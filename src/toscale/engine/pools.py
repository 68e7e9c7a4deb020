"""The rows of a model's pools, and behind them those of what machines take ahead of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine.clocks import STASH
from toscale.engine.model import Amount, ByShare, Model, Pool
from toscale.engine.state import POOL, TICK, records
from toscale.engine.tables import ModelError, Tables, salt_of

__all__ = ["pool_rows", "pool_stations", "store_stations"]


def pool_rows(model: Model, tables: Tables, empty: bool) -> tuple[Any, Any]:
    """The rows (pools, then stashes), and the points of all numbers by share. `empty`: the run begins with full
    buckets, not in the stationary state.
    """
    names = [pool.name for pool in model.pools]
    rows = records(POOL, len(model.pools) + len(tables.stashes))
    rows["total"] = rows["population"] = rows["over_head"] = rows["over_tail"] = rows["meter"] = -1
    rows["ahead"] = rows["shared"] = 1.0
    points: list[tuple[float, float]] = []

    def number(amount: Amount, factor: float) -> tuple[float, int, int]:
        """A number for all keys, or the place of one by share."""
        if not isinstance(amount, ByShare):
            return amount * factor, 0, 0
        first = len(points)
        points.extend((share, value * factor) for share, value in amount.points)
        return 0.0, first, len(points) - first

    for k, pool in enumerate(model.pools):
        row = rows[k]
        _check(pool)
        row.salt = np.uint64(salt_of(f"pool:{pool.name}"))
        row.capacity, row.capacities, row.n_capacities = number(pool.capacity, 1.0)
        row.spends = pool.refill is not None
        if pool.refill is not None:
            row.refill, row.refills, row.n_refills = number(pool.refill, TICK)
        else:
            row.capacity = np.floor(row.capacity)
        if pool.per is not None:
            row.population = tables.populations.index(pool.per)
        if not isinstance(pool.capacity, ByShare) and pool.refill is None:
            row.total = row.capacity * (1 if pool.per is None else pool.per.size) * max(1, pool.machines)
        row.asked = 0.0 if empty else pool.asked * TICK
        row.machines = pool.machines
        row.swept = pool.swept is not None
        row.meter = -1 if pool.swept is None else tables.meters.index(pool.swept)
    for j, step in enumerate(tables.stashes):
        row = rows[names.index(step.pool)]
        row.ahead, row.shared, row.keep = float(step.number), float(max(1, step.machines)), step.keep / TICK
        rows[len(model.pools) + j].salt = np.uint64(salt_of(f"stash:{step.pool}"))
    return rows, np.array(points or [(0.0, 0.0)])


def _check(pool: Pool) -> None:
    for amount in (pool.capacity, pool.refill):
        if isinstance(amount, ByShare):
            shares = [share for share, _ in amount.points]
            if not shares or shares != sorted(set(shares)):
                raise ModelError(f"the numbers of {pool.name!r} need points with rising shares")
            values = [value for _, value in amount.points]
        else:
            values = [] if amount is None else [amount]
        if any(value < 0 for value in values):
            raise ModelError(f"{pool.name!r} has less than nothing")


def pool_stations(model: Model, tables: Tables) -> Any:
    """The station by whose clocks each pool is counted, -1 for none; behind them the stashes."""
    names = [station.name for station in model.stations]
    found = [names.index(pool.station) if pool.station in names else -1 for pool in model.pools]
    return np.array([*found, *[STASH] * len(tables.stashes)] or [-1], dtype=np.int64)


def store_stations(model: Model) -> Any:
    """The station of each store: that of its name; -1 where there is none with as many shards."""
    shards = {station.name: (k, max(1, station.shards)) for k, station in enumerate(model.stations)}
    found = []
    for store in model.stores:
        k, number = shards.get(store.name, (-1, store.shards))
        found.append(k if number == store.shards else -1)
    return np.array(found or [-1], dtype=np.int64)
