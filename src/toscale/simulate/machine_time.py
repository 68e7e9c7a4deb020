"""How long did how many machines serve? As many as a station has, or, where their number follows its load, those that
were there.
"""

from __future__ import annotations

from typing import Any

from toscale.engine.model import Model, Station

__all__ = ["machine_time", "machines_of", "scaler_of"]


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
