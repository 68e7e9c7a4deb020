"""How much of the time can each flow be answered in the long run, if machines fail and are repaired?

Another figure than `availability`, the share of requests that were answered: that is measured in a run in which
only what the file says goes wrong. This one follows from `fails every` and `repaired in` of the components. A
component works while as many of its machines do as its load needs, by theory at the median rates; a store while
each of its shards has a machine that works. A flow works while all that it calls do. The time of a failover is
not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from toscale.design.model import Component, Design
from toscale.engine.model import Model, Station
from toscale.quantity.sheet import Sheet
from toscale.quantity.units import TIME
from toscale.requirements.reach import reach
from toscale.requirements.values import sheet_of, value_of
from toscale.theory import Twin
from toscale.theory.availability import at_least, in_series, working

__all__ = ["LongRun", "PartInLongRun", "long_run"]

MOST_MACHINES = 10_000
"""Of a component with more machines the binomial is not summed up: what fails is made up for."""


@dataclass(frozen=True, slots=True)
class PartInLongRun:
    """A component: of how many machines at least how many are needed (in each shard), and the share of the time
    that they work.
    """

    machines: int
    needed: int
    shards: int
    share: float


@dataclass(frozen=True, slots=True)
class LongRun:
    """Shares of the time: of each flow, as far as its components are known, and of each component.

    `unknown` are, by flow, the components that it calls and of which nobody says how often they fail.
    """

    flows: Mapping[str, float]
    components: Mapping[str, PartInLongRun]
    unknown: Mapping[str, tuple[str, ...]]


def long_run(design: Design, model: Model, twin: Twin) -> LongRun:
    """The steady-state availability; empty where no component says how often it fails."""
    sheet = sheet_of(design)
    stations = {station.name: station for station in model.stations}
    parts = {}
    for name, component in design.components.items():
        share = _machine(component, sheet)
        station = stations.get(name)
        if share is not None and station is not None and _number(station) <= MOST_MACHINES:
            parts[name] = _part(station, twin, share)
    if not parts:
        return LongRun({}, {}, {})
    touched = reach(design).touches
    flows = {name: sorted(touched.get(name, ())) for name in twin.flows if name in design.flows}
    return LongRun(
        {
            name: in_series(parts[c].share for c in called if c in parts)
            for name, called in flows.items()
            if any(c in parts for c in called)
        },
        parts,
        {name: tuple(c for c in called if c not in parts) for name, called in flows.items()},
    )


def _machine(component: Component, sheet: Sheet) -> float | None:
    """The share of the time that one machine works; None where the file does not give both times."""
    times = []
    for attribute in ("fails_every", "repaired_in"):
        formula = getattr(component, attribute)
        if formula is None:
            return None
        value = value_of(sheet, formula, f"components.{component.name}.{attribute}", TIME)
        if isinstance(value, str) or value.median < 0:
            return None
        times.append(value.median)
    return working(*times) if times[0] > 0 else None


def _number(station: Station) -> int:
    return station.shards * station.copies if station.shards else station.machines


def _part(station: Station, twin: Twin, share: float) -> PartInLongRun:
    if station.shards:
        one = at_least(1, station.copies, share)
        return PartInLongRun(station.copies, 1, station.shards, one**station.shards)
    theory = twin.stations.get(station.name)
    used = 0.0
    if theory is not None:
        used = max(theory.slot_utilisation or 0.0, theory.core_utilisation or 0.0)
    number = station.machines if theory is None else theory.machines  # it may follow the load
    needed = min(max(1, ceil(used * number - 1e-9)), number)
    return PartInLongRun(number, needed, 0, at_least(needed, number, share))
