"""How much memory would hold everything that is asked for, how much is there, and what does the difference
cost in hits?

The working set of a cache is every entity that is kept in it: as many entries as are asked for at all, each
with its record and what the cache adds to it. The curve says which share of the look-ups is answered at
other sizes of the memory, by Che's approximation (`toscale.theory.cache`) at the median rates; it is the
stationary state, not that after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toscale.design.model import Component, Design, Entity
from toscale.kinds import KINDS
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import Quantity, quantile
from toscale.quantity.units import NUMBER, SIZE, TIME
from toscale.requirements.machines import number_of, shards_of
from toscale.requirements.storage import record_bytes
from toscale.requirements.values import value_of
from toscale.requirements.workload import FlowRate, Occurrence, occurrences

if TYPE_CHECKING:
    from toscale.theory.cache import Demand

__all__ = ["CURVE", "Memory", "WorkingSet", "forgets", "memories"]

CURVE = (1 / 64, 1 / 16, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 16.0)
"""The multiples of the memory at which the curve is shown."""

MOST_ENTRIES = 1e12
"""The most entries of an entity that are laid out for a curve."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkingSet:
    """One entity in a cache: how many entries are asked for, and the bytes of one, with what the cache
    adds.
    """

    entity: str
    entries: Quantity | str
    entry: float | str

    @property
    def size(self) -> Quantity | str:
        """All of its entries together, in bytes."""
        if isinstance(self.entries, str):
            return self.entries
        if isinstance(self.entry, str):
            return self.entry
        return Quantity(self.entries.value * self.entry, SIZE)


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """The memory of a cache beside what would fill it.

    `given`: the memory of all its shards, in bytes. `curve`: pairs of a memory and the share of look-ups
    that it answers; empty where that cannot be computed, and then `reason` says why.
    """

    component: str
    given: Quantity | str
    sets: tuple[WorkingSet, ...]
    curve: tuple[tuple[float, float], ...]
    reason: str = ""

    @property
    def demanded(self) -> Quantity | str:
        """The working sets together, in bytes."""
        total = Quantity(0.0, SIZE)
        for part in self.sets:
            size = part.size
            if isinstance(size, str):
                return size
            total = Quantity(total.value + size.value, SIZE)
        return total

    def to_json(self) -> dict[str, Any]:
        return {
            "unit": "byte",
            "given": _plain(self.given),
            "working_set": _plain(self.demanded),
            "entities": {part.entity: _plain(part.size) for part in self.sets},
            "curve": [{"memory": memory, "hit_ratio": ratio} for memory, ratio in self.curve],
            "reason": self.reason or None,
        }


def _plain(amount: Quantity | str) -> dict[str, Any]:
    if isinstance(amount, str):
        return {"median": None, "reason": amount}
    low, median, high = (quantile(amount.value, p) for p in (0.05, 0.5, 0.95))
    return {"median": median, "low": low, "high": high}


def memories(design: Design, sheet: Sheet, rates: Mapping[str, FlowRate]) -> tuple[Memory, ...]:
    """The memory of every component that may forget what it was given: a cache, or a store with a `ttl` or
    `evict`.
    """
    calls = [call for flow in design.flows for call in occurrences(design, sheet, flow)]
    return tuple(
        _memory(design, sheet, component, rates, [c for c in calls if c.call.target == component.name])
        for component in design.components.values()
        if forgets(component) and component.memory is not None
    )


def forgets(component: Component) -> bool:
    """Whether what was put into a component may be gone: in a cache, or where a `ttl` or an `evict` is given."""
    kind = KINDS.get(component.kind)
    return (kind is not None and kind.keeps_keys) or component.ttl is not None or component.evict is not None


def _memory(
    design: Design, sheet: Sheet, component: Component, rates: Mapping[str, FlowRate], calls: list[Occurrence]
) -> Memory:
    entities = dict.fromkeys(
        name
        for name in (
            *(occurrence.call.entity for occurrence in calls),
            *(entity.name for entity in design.data.values() if entity.stored_in == component.name),
        )
        if name is not None and name in design.data
    )
    kind = KINDS[component.kind]
    overhead = kind.overhead.value if kind.overhead is not None else 0.0
    sets = tuple(_set(design, sheet, design.data[name], overhead) for name in entities)
    given = _given(sheet, component)
    curve, reason = _curve(design, sheet, component, sets, given, rates, calls)
    return Memory(component.name, given, sets, curve, reason)


def _given(sheet: Sheet, component: Component) -> Quantity | str:
    """The memory of one copy of everything: that of a machine times the shards."""
    assert component.memory is not None
    each = value_of(sheet, component.memory, f"components.{component.name}.memory", SIZE)
    shards = shards_of(sheet, component)
    if isinstance(each, str) or isinstance(shards, str):
        return each if isinstance(each, str) else str(shards)
    return Quantity(each.value * shards.value, SIZE)


def _set(design: Design, sheet: Sheet, entity: Entity, overhead: float) -> WorkingSet:
    record = record_bytes(design, sheet, entity)
    entry = record if isinstance(record, str) else record + overhead
    return WorkingSet(entity.name, _entries(sheet, entity), entry)


def _entries(sheet: Sheet, entity: Entity) -> Quantity | str:
    """As many as are asked for at all: `popularity: ... over N`, else all there are."""
    over = entity.popularity.over if entity.popularity is not None else None
    if over == "free":
        return f"`{entity.name}` is asked for as far as it is free"
    formula = over if over is not None else entity.how_many
    if formula is None:
        return f"nothing says how many `{entity.name}` are asked for: add `popularity` or `how many`"
    return number_of(sheet, formula, f"data.{entity.name}.popularity")


# ---- the curve


def _curve(
    design: Design,
    sheet: Sheet,
    component: Component,
    sets: tuple[WorkingSet, ...],
    given: Quantity | str,
    rates: Mapping[str, FlowRate],
    calls: list[Occurrence],
) -> tuple[tuple[tuple[float, float], ...], str]:
    if component.hit_ratio is not None:
        return (), "the file gives the hit ratio"
    if isinstance(given, str):
        return (), given
    if not KINDS[component.kind].keeps_keys and component.evict is None:
        return (), "its memory bounds nothing: nothing is evicted unless `evict` says how"
    ttl = _ttl(sheet, component)
    if isinstance(ttl, str):
        return (), ttl
    demands: list[Demand] = []
    for part in sets:
        demand = _demand(design, sheet, part, rates, calls)
        if isinstance(demand, str):
            return (), demand
        if demand is not None:
            demands.append(demand)
    if not demands:
        return (), "nothing is looked up in it"
    from toscale.engine.model import Evict
    from toscale.theory.cache import contents

    evict = Evict(component.evict or "lru")
    memory = quantile(given.value, 0.5)
    sizes = [memory * multiple for multiple in CURVE]
    return tuple(
        (size, _hit_ratio(demands, contents(demands, size, evict=evict, ttl=ttl).present)) for size in sizes
    ), ""


def _ttl(sheet: Sheet, component: Component) -> float | str | None:
    if component.ttl is None:
        return None
    found = value_of(sheet, component.ttl, f"components.{component.name}.ttl", TIME)
    return found if isinstance(found, str) else found.median


def _demand(
    design: Design,
    sheet: Sheet,
    part: WorkingSet,
    rates: Mapping[str, FlowRate],
    calls: list[Occurrence],
) -> Demand | str | None:
    """How often each key of an entity is looked up; None if never, or why that is not known.

    Look-ups of which the file does not say how often they are made are left out, as long as there are others.
    """
    entity = design.data[part.entity]
    looks = [c for c in calls if c.call.entity == part.entity and c.call.operation in ("get", "read")]
    if not looks:
        return None
    if isinstance(part.entries, str) or isinstance(part.entry, str):
        return str(part.size)
    if entity.popularity is None:
        return f"nothing says how unequally `{entity.name}` is asked for: add `popularity`"
    size = quantile(part.entries.value, 0.5)
    if not 1 <= size <= MOST_ENTRIES:
        return f"`{entity.name}` has no number of entries that a curve can be drawn for"
    exponent = number_of(sheet, entity.popularity.exponent, f"data.{entity.name}.popularity")
    if isinstance(exponent, str):
        return exponent
    found = [_rate(sheet, look, rates) for look in looks]
    known = [rate for rate in found if not isinstance(rate, str)]
    if not known:
        return str(found[0])
    total = sum(known)
    from toscale.theory.cache import Demand
    from toscale.theory.popularity import zipf

    zipfian = entity.popularity.shape == "zipf"
    keys = zipf(int(size), quantile(exponent.value, 0.5) if zipfian else 0.0)
    filled = any(c.call.entity == part.entity and c.call.operation == "put" for c in calls)
    gets = total * keys.weights / keys.counts
    return Demand(keys.counts, gets, fill=1.0 if filled else 0.0, bytes=part.entry)


def _rate(sheet: Sheet, look: Occurrence, rates: Mapping[str, FlowRate]) -> float | str:
    """Keys looked up in a second, at the median."""
    rate = rates[look.flow].average
    if isinstance(rate, str):
        return rate
    if isinstance(look.times, str):
        return f"`{look.call.path}` is done {look.times}"
    keys = look.call.keys
    number: Quantity | str = Quantity(1.0, NUMBER)
    if keys is not None:
        from toscale.design.parts import Formula

        if not isinstance(keys, Formula):
            return f"`{look.call.path}` looks up as many keys as `{keys}`"
        number = number_of(sheet, keys, f"flows.{look.flow}.{look.call.path}.keys")
    if isinstance(number, str):
        return number
    return quantile(rate.value, 0.5) * quantile(look.times.value, 0.5) * quantile(number.value, 0.5)


def _hit_ratio(demands: Iterable[Demand], present: Iterable[Any]) -> float:
    import numpy as np

    found, asked = 0.0, 0.0
    for demand, there in zip(demands, present, strict=True):
        every = np.asarray(demand.counts) * np.asarray(demand.gets)
        found += float(every @ there)
        asked += float(every.sum())
    return min(1.0, found / asked) if asked else 0.0
