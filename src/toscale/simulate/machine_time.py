"""How long did how many machines serve? As many as a station has, or, where their number follows its load, those that
were there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toscale.engine.model import Model, Station
from toscale.engine.state import TICK
from toscale.simulate.replications import Sampled
from toscale.simulate.result import Figure

__all__ = ["machine_time", "machines", "machines_of", "scaler_of"]


def machines_of(station: Station) -> int:
    """The number of a station's machines, where it stays the same."""
    return station.shards * station.copies if station.shards else station.machines


def scaler_of(model: Model, k: int) -> int | None:
    """Which of the scalers decides how many machines a station has; None where their number stays the same."""
    scaled = [s.name for s in model.stations if s.scaling is not None]
    name = model.stations[k].follows or model.stations[k].name
    return scaled.index(name) if name in scaled else None


def machine_time(model: Model, k: int, serving: Any, time: Any) -> Any:
    """Machines times seconds of a station, for each span of `time`; `serving`: (spans, scalers), likewise."""
    n = scaler_of(model, k)
    if n is not None:
        return serving[:, n]
    return time * machines_of(model.stations[k])


def machines(
    model: Model, k: int, sampled: Sampled, rate: Callable[..., Figure], part: Callable[..., Figure]
) -> dict[str, Any]:
    """The figures of a component's machines, or of a function's instances, where their number follows the load.

    `rate` makes a figure by the second, `part` one of parts of a whole.
    """
    station = model.stations[k]
    if station.instances is not None:
        rows = sampled.instances[:, sum(s.instances is not None for s in model.stations[:k])]
        there = rows["idle_time"] + sampled.stations[:, k]["busy_time"]
        return {"cold": part(rows["cold"], rows["calls"], 1.0), "instances": rate(there * TICK)}
    if station.scaling is None:
        return {}
    n = scaler_of(model, k)
    rows = sampled.scalers[:, n]
    return {
        "machines": rate(rows["there_time"] * TICK),
        "most_machines": int(sampled.tops[n]),
        "short": rate(rows["short_time"] * TICK, 1.0),
    }
