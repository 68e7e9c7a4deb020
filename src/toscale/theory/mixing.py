"""How to reach a fixed point quickly, and without swinging around it: Anderson's acceleration.

Where x leads to g(x), the next x is taken from the last few pairs: that combination of the g for which the
combined change g - x is least. Source: Anderson (1965), J. ACM 12; Walker and Ni (2011), SIAM J. Numer. Anal.
49.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from toscale.theory.popularity import Array

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

MEMORY = 5  # pairs
PLAIN = 5  # rounds without: what depends on itself through no cycle is exact by then


class Mixing:
    """Proposes the next state of an iteration, given the last state and what it led to; both by the same
    names.
    """

    def __init__(self) -> None:
        self.names: tuple[Hashable, ...] = ()
        self.states: list[Array] = []
        self.results: list[Array] = []
        self.rounds = 0

    def next(
        self, state: Mapping[Hashable, float], result: Mapping[Hashable, float]
    ) -> dict[Hashable, float]:
        """What to try next. Not finite values start afresh; values stay between a tenth and ten times the
        result.
        """
        self.rounds += 1
        names = tuple(result)
        x = np.array([state.get(name, result[name]) for name in names])
        g = np.array([result[name] for name in names])
        if names != self.names or not (np.isfinite(x).all() and np.isfinite(g).all()):
            self.states, self.results, self.names = [], [], names
        if not np.isfinite(g).all() or not np.isfinite(x).all() or not names:
            return dict(result)
        self.states = [*self.states[-MEMORY:], x]
        self.results = [*self.results[-MEMORY:], g]
        if self.rounds <= PLAIN or len(self.states) < 2:
            return dict(result)
        scale = 1 / np.maximum(np.maximum(np.abs(g), np.abs(x)), 1e-9)
        changes = [(r - s) * scale for s, r in zip(self.states, self.results, strict=True)]
        past = np.stack([changes[-1] - c for c in changes[:-1]], axis=1)
        moved = np.stack([g - r for r in self.results[:-1]], axis=1)
        weights = np.linalg.lstsq(past, changes[-1], rcond=1e-10)[0]
        proposed = np.clip(g - moved @ weights, np.minimum(g, 0.0) + 0.1 * np.abs(g), 10 * np.abs(g))
        if not all(isfinite(v) for v in proposed):
            return dict(result)
        return {name: float(v) for name, v in zip(names, proposed, strict=True)}
