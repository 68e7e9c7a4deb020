"""How often does a copy show an old version, and how far behind is it?

A key that is written w times a second is stale at a copy with chance 1 - E[exp(-w L)], L the lag: its last write is
exponentially old (Poisson writes), and stale while it is younger than the lag of that copy. It is the PBS model of
Bailis, Venkataraman, Franklin, Hellerstein and Stoica (2012), PVLDB 5(8), of reads from one copy, with Poisson writes.
Where copies confirm writes, which of them are late depends on their queues: then theory says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import Commit, Population, Replicated, Version
from toscale.theory.popularity import Array, keys

if TYPE_CHECKING:
    from toscale.theory.knowledge import Known

_POINTS = 4_000
"""Quantiles by which a transform is integrated."""


@dataclass(frozen=True, slots=True)
class CopyTheory:
    """The copies of one station. `stale`: the share of reads at copies; None where there are none, or where theory
    does not say. `lag`: the mean time until a copy has a write, in seconds.
    """

    name: str
    stale: float | None
    lag: float | None


@dataclass(slots=True)
class Versions:
    """Writes and reads at copies of one station, per second: by population, by cells; and reads of other keys."""

    writes: dict[int, Array] = field(default_factory=dict)
    reads: dict[int, Array] = field(default_factory=dict)
    populations: dict[int, Population] = field(default_factory=dict)
    others: float = 0.0

    def meet(self, step: Commit | Version, known: Known, rate: float) -> None:
        """Counts a step that runs so often, per second. Reads stand in visits of copies.

        Keys without popularity are new ones, or somebody's own: theory takes them as not written when they are read.
        """
        drawn = known.keys.get(step.key)
        if drawn is None or drawn.weights is None:
            self.others += rate if isinstance(step, Version) else 0.0
            return
        number = drawn.population.number
        self.populations[number] = drawn.population
        into = self.reads if isinstance(step, Version) else self.writes
        into[number] = into.get(number, 0.0) + rate * drawn.weights


def copy_theory(replicated: Replicated, versions: Versions) -> CopyTheory:
    """What is known of the copies of a station from what a walk has counted."""
    total = versions.others + sum(float(reads.sum()) for reads in versions.reads.values())
    if replicated.elects:
        return CopyTheory(replicated.station, None, None)
    if replicated.lag is None:
        return CopyTheory(replicated.station, 0.0 if total > 0 else None, 0.0)
    middles = (np.arange(_POINTS) + 0.5) / _POINTS
    lags = replicated.lag.quantile(middles)
    stale = 0.0
    for number, reads in versions.reads.items():
        if number in versions.writes:
            each = versions.writes[number] / keys(versions.populations[number]).counts
            missed = np.array([-np.expm1(-w * lags).mean() for w in each])
            stale += float(reads @ missed)
    return CopyTheory(replicated.station, stale / total if total > 0 else None, replicated.lag.mean)
