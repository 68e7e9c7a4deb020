"""Is the key there? Look-ups, insertions and removals on the way of a request, and what they tell of its
keys.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.model import Drop, Get, Put, Register, Scatter
from toscale.theory.knowledge import Drawn, Known, Listed, Looked
from toscale.theory.numbers import Spread
from toscale.theory.popularity import Array, keys
from toscale.theory.tally import Lookups, Round, Tally


class Shelves:
    """The stores as one walk meets them. `rate`: how often a step runs, per second."""

    def __init__(self, last: Round, tally: Tally) -> None:
        self.last = last
        self.tally = tally
        self.missed: dict[str, set[str]] = {}  # store: the lists of keys that were not there

    def meet(self, step: Get | Put | Drop, known: Known, rate: float) -> Known:
        """What is known after the step."""
        if isinstance(step, Get):
            return self.get(step, known, rate)
        return self.put(step, known, rate) if isinstance(step, Put) else self.drop(step, known, rate)

    def _lookups(self, store: str, drawn: Drawn) -> Lookups:
        place = (store, drawn.population.number)
        if place not in self.tally.lookups:
            size = len(keys(drawn.population).counts)
            self.tally.lookups[place] = Lookups(np.zeros(size), np.zeros(size))
        return self.tally.lookups[place]

    def get(self, step: Get, known: Known, rate: float) -> Known:
        drawn = known.keys.get(step.key) or Drawn(step.population, None)
        put_before = (step.store, step.key) in known.put
        if drawn.weights is None:
            hit = 1.0 if put_before else step.present
            other = self.tally.others.setdefault((step.store, step.population.name), [0.0, 0.0])
            other[0] += rate
            other[1] += rate * hit
            return known.with_look(step.found, hit, Looked(step.store, step.key, None))
        present = self._present(step.store, drawn)
        if put_before:
            present = np.ones_like(present)
        hit = float(drawn.weights @ present)
        look = self._lookups(step.store, drawn)
        look.gets += rate * drawn.weights
        look.hits += rate * drawn.weights * present
        look.bytes += rate * step.bytes
        look.entries += rate
        return known.with_look(step.found, hit, Looked(step.store, step.key, present))

    def _present(self, store: str, drawn: Drawn) -> Array:
        """The chance that each cell's key is there; a half in the first round."""
        known = self.last.present.get((store, drawn.population.number))
        return np.full(len(keys(drawn.population).counts), 0.5) if known is None else known

    def put(self, step: Put, known: Known, rate: float) -> Known:
        drawn = known.keys.get(step.key) or Drawn(step.population, None)
        if drawn.weights is None:
            self.tally.fresh[step.store] = self.tally.fresh.get(step.store, 0.0) + rate * step.bytes
            return known.with_put(step.store, step.key)
        look = self._lookups(step.store, drawn)
        look.bytes += rate * step.bytes
        look.entries += rate
        flag = next(
            (f for f, k in known.looked.items() if k.store == step.store and k.register == step.key), None
        )
        if flag is None:
            look.enters = rate * drawn.weights + (0.0 if look.enters is None else look.enters)
        else:
            there = known.number(Register(flag)).mean
            look.fills += rate * (1 - there)
            look.renews = rate * there * drawn.weights + (0.0 if look.renews is None else look.renews)
        return known.with_put(step.store, step.key)

    def drop(self, step: Drop, known: Known, rate: float) -> Known:
        drawn = known.keys.get(step.key) or Drawn(step.population, None)
        if drawn.weights is not None:
            look = self._lookups(step.store, drawn)
            look.drops = rate * drawn.weights + (0.0 if look.drops is None else look.drops)
        return known

    def scatter(self, step: Scatter, store: str, listed: Listed, known: Known, runs: float) -> Known:
        """The look-ups or insertions of the keys of a list; the number of them is in the rate."""
        drawn, number = listed.keys, listed.number
        rate = runs * number.mean
        if step.put:
            if drawn.weights is None:
                self.tally.fresh[store] = self.tally.fresh.get(store, 0.0) + rate * step.bytes
                return known
            look = self._lookups(store, drawn)
            look.bytes += rate * step.bytes
            look.entries += rate
            if step.source is not None and step.source in self._missed_of(store):
                look.fills += rate
            else:
                look.enters = rate * drawn.weights + (0.0 if look.enters is None else look.enters)
            return known
        if step.found is None:
            return known
        if drawn.weights is None:
            hit, present = 0.0, None
            other = self.tally.others.setdefault((store, step.population.name), [0.0, 0.0])
            other[0] += rate
        else:
            present = self._present(store, drawn)
            hit = float(drawn.weights @ present)
            look = self._lookups(store, drawn)
            look.gets += rate * drawn.weights
            look.hits += rate * drawn.weights * present
            look.bytes += rate * step.bytes
            look.entries += rate
        whole = hit**number.values
        known = known.with_look(
            step.found, float(number.weights @ whole), Looked(store, "", None, step.missed)
        )
        if step.missed is not None:
            self._missed_of(store).add(step.missed)
            values = np.where(whole < 1, number.values * (1 - hit) / np.maximum(1 - whole, 1e-300), 0.0)
            left = Spread(
                np.concatenate([np.zeros(len(values)), values]),
                np.concatenate([number.weights * whole, number.weights * (1 - whole)]),
            )
            weights = drawn.weights
            if weights is not None and present is not None and hit < 1:
                weights = weights * (1 - present) / (1 - hit)
            known = known.with_list(step.missed, Listed(left, Drawn(drawn.population, weights)))
        return known

    def _missed_of(self, store: str) -> set[str]:
        """The names of the lists of keys that missed in a store."""
        return self.missed.setdefault(store, set())
