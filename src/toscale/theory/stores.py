"""What does each store hold, and what share of look-ups does it answer? Che's approximation over what the
walk counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toscale.theory.cache import Contents, Demand, contents
from toscale.theory.popularity import Array, zipf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toscale.engine.model import Population, Store
    from toscale.theory.tally import Lookups, Tally


@dataclass(frozen=True, slots=True)
class StoreTheory:
    """The stationary state of one store."""

    name: str
    hit_ratio: float | None  # None: nothing is got
    characteristic_time: (
        float | None
    )  # seconds that a key stays without being asked for; None: nothing is evicted
    occupancy: float | None  # bytes, all shards together; None: grows without bound
    gets: dict[str, float]  # look-ups per second, by the name of the population
    hit_by_population: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """What a store was asked for, and its state then."""

    demands: tuple[Demand, ...]
    fresh: float
    state: Contents

    def stands(self, demands: Sequence[Demand], fresh: float) -> bool:
        """Whether that is still so, to 1e-9 of the rates."""
        if len(demands) != len(self.demands) or abs(fresh - self.fresh) > 1e-9 * fresh:
            return False
        for new, old in zip(demands, self.demands, strict=True):
            for one, other in (
                (new.gets, old.gets),
                (new.enter, old.enter),
                (new.renew, old.renew),
                (new.drop, old.drop),
                (new.fill, old.fill),
                (new.bytes, old.bytes),
            ):
                largest = float(np.max(one))
                if float(np.max(np.abs(np.subtract(one, other)))) > 1e-9 * largest:
                    return False
        return True


def store(
    place: Store,
    tally: Tally,
    populations: Mapping[int, Population],
    fills: dict[tuple[str, int], float],
    last: Solved | None,
) -> tuple[StoreTheory, dict[int, Array], Solved]:
    """The state of a store, and the chance that each cell's key is there by the number of its population.

    `fills` remembers, from round to round, which share of the misses of a population is followed by a put; `last` is
    what the round before solved, and stands while nothing has changed.
    """
    numbers = [number for name, number in tally.lookups if name == place.name]
    demands = []
    for number in numbers:
        look = tally.lookups[place.name, number]
        population = populations[number]
        counts = zipf(population.size, population.exponent).counts
        misses = float(look.gets.sum() - look.hits.sum())
        if misses > 1e-12 * float(look.gets.sum()):
            fills[place.name, number] = min(1.0, look.fills / misses)
        demands.append(_demand(look, counts, fills.get((place.name, number), 1.0 if look.fills > 0 else 0.0)))
    fresh = tally.fresh.get(place.name, 0.0)
    if last is None or not last.stands(demands, fresh):
        memory = None if place.memory is None else place.memory * place.shards
        guess = None if last is None else last.state.characteristic_time
        state = contents(demands, memory, evict=place.evict, ttl=place.ttl, fresh=fresh, guess=guess)
        last = Solved(tuple(demands), fresh, state)
    state = last.state
    present = dict(zip(numbers, state.present, strict=True))
    gets: dict[str, float] = {}
    hits: dict[str, float] = {}
    for number in numbers:
        name = populations[number].name
        got = tally.lookups[place.name, number].gets
        gets[name] = gets.get(name, 0.0) + float(got.sum())
        hits[name] = hits.get(name, 0.0) + float(got @ present[number])
    for (where, name), (got_others, hit_others) in tally.others.items():
        if where == place.name:
            gets[name] = gets.get(name, 0.0) + got_others
            hits[name] = hits.get(name, 0.0) + hit_others
    total = sum(gets.values())
    theory = StoreTheory(
        place.name,
        min(1.0, sum(hits.values()) / total) if total > 0 else None,
        state.characteristic_time,
        state.occupancy,
        {name: rate for name, rate in gets.items() if rate > 0},
        {name: min(1.0, hits[name] / rate) for name, rate in gets.items() if rate > 0},
    )
    return theory, present, last


def _demand(look: Lookups, counts: Array, fill: float) -> Demand:
    none = np.zeros_like(counts)
    return Demand(
        counts,
        look.gets / counts,
        fill,
        (none if look.enters is None else look.enters) / counts,
        (none if look.renews is None else look.renews) / counts,
        (none if look.drops is None else look.drops) / counts,
        look.bytes / look.entries if look.entries > 0 else 0.0,
    )
