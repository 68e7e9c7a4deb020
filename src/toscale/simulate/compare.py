"""Where do theory and simulation differ, and which assumption of the theory is broken there? And how much do
two designs differ, that were simulated as pairs?
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from toscale.simulate.result import Disagreement, Figure, RunResult
from toscale.simulate.statistics import t_quantile_975
from toscale.theory import Twin

TOLERANCE = 0.05
"""Relative difference beyond the interval that is worth a word: the twin's own approximations are good to a
few percent.
"""

_ABSOLUTE = {
    "utilisation": 0.005,
    "hit ratio": 0.005,
    "mean latency": 1e-5,
    "waiting": 1e-4,
    "connections held": 1.0,
    "connections refused": 0.1,
    "stale reads": 0.002,
    "staleness": 1e-4,
}


def disagreements(twin: Twin, result: RunResult) -> tuple[Disagreement, ...]:
    """All figures that theory puts outside the simulated interval by more than TOLERANCE."""
    found: list[Disagreement] = []

    def look(subject: str, measure: str, theory: float | None, simulated: Figure | None) -> None:
        if theory is None or simulated is None or simulated.value is None:
            return
        low = simulated.value if simulated.low is None else simulated.low
        high = simulated.value if simulated.high is None else simulated.high
        beyond = max(low - theory, theory - high)
        if beyond > TOLERANCE * abs(simulated.value) and beyond > _ABSOLUTE[measure]:
            found.append(Disagreement(subject, measure, theory, simulated, _why(twin, subject)))

    for name, flow in twin.flows.items():
        if name in result.flows:
            look(name, "mean latency", flow.latency, result.flows[name].latency.answered["mean"])
    for name, station in twin.stations.items():
        if name in result.components:
            look(name, "utilisation", station.slot_utilisation, result.components[name].utilisation)
            look(name, "waiting", station.wait, result.components[name].waiting)
    for name, store in twin.stores.items():
        if name in result.components:
            look(name, "hit ratio", store.hit_ratio, result.components[name].hit_ratio)
    for name, copies in twin.copies.items():
        if name in result.components:
            look(name, "stale reads", copies.stale, result.components[name].stale)
            look(name, "staleness", copies.lag, result.components[name].staleness)
    for name, held in twin.connections.items():
        if name in result.connections:
            look(name, "connections held", held.held, result.connections[name].held)
            look(name, "connections refused", held.refused, result.connections[name].refused)
    return tuple(found)


def _why(twin: Twin, subject: str) -> str:
    said = [a.text for a in twin.assumptions if a.name == subject]
    said = said or [a.text for a in twin.assumptions if a.what == "model"]
    if said:
        return "; ".join(dict.fromkeys(said))
    return "the parts of the theory are approximations: calls are taken as independent of each other"


def paired_difference(before: Sequence[float], after: Sequence[float]) -> Figure:
    """By how much the second of each pair is above the first, on average, with its 95% interval.

    Pairs are independent of each other; the two of a pair are not, for they have the same seed, and see the same
    arrivals and demands. What they have in common cancels out, so that far smaller differences are seen than
    between two runs of their own (common random numbers: Law, "Simulation Modeling and Analysis", 5th edition,
    11.2; the interval is the paired t of its 10.2.1). One pair alone has no interval. Raises ValueError without
    pairs, or where the two are not equally many.
    """
    if not before or len(before) != len(after):
        raise ValueError(f"{len(before)} values before and {len(after)} after are no pairs")
    gaps = [late - early for early, late in zip(before, after, strict=True)]
    n = len(gaps)
    mean = sum(gaps) / n
    if n < 2:
        return Figure(mean, reason="one pair has no interval")
    half = t_quantile_975(n - 1) * sqrt(sum((gap - mean) ** 2 for gap in gaps) / (n - 1) / n)
    return Figure(mean, mean - half, mean + half)
