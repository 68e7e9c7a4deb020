"""What does a change do to the numbers? Both designs are simulated as pairs, and the differences have intervals.

The two designs of a pair have the same seed: they see the same arrivals and the same demands, for a draw depends
on seed, flow, request and step. Each of the PAIRS pairs has a seed of its own, and gives one difference of every
figure; from these come the mean and its 95% interval (`toscale.simulate.compare.paired_difference`). Pairs are run
at the median of the rates.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from toscale.design.conditions import Target
from toscale.design.model import Design
from toscale.quantity.formatting import format_number, format_quantity, format_range
from toscale.quantity.units import COST_RATE, NUMBER, RATE, TIME, UNITS, Dimension, Unit, parse_unit
from toscale.requirements.verdicts import judge
from toscale.simulate.compare import paired_difference
from toscale.simulate.lower import lower
from toscale.simulate.result import Figure, FlowResult, Simulation

__all__ = ["PAIRS", "Effect", "Sort", "effects"]

PAIRS = 8
"""So many pairs: with fewer, the interval pays for not knowing how much pairs vary."""

LEAST_POINTS = 1e-5
"""The least bound on a difference of shares that is written: a thousandth of a percentage point."""

Sort: TypeAlias = Literal["time", "share", "rate", "cost", "number"]
"""What a measure is: in s, 1/s, USD/s, a share between 0 and 1, or a plain number."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One measure in two designs. `before` and `after` are means over the pairs, None where nothing is known.

    `of` is the target, flow or component, and `measure` what is measured of it, as ``p99(redirect)``. `change` is
    how much more there is after, in the unit of `sort`, with its 95% interval; without a value it says why.
    """

    kind: Literal["target", "flow", "component"]
    of: str
    measure: str
    sort: Sort
    before: float | None
    after: float | None
    change: Figure
    multiple: float = 1.0

    @property
    def verdict(self) -> Literal["rises", "falls", "no difference seen", "the same", "unknown"]:
        """What can be said of the change, with 95% confidence."""
        value, low, high = self.change.value, self.change.low, self.change.high
        if value is None or low is None or high is None:
            return "unknown"
        if low == high == 0:
            return "the same"
        if low <= 0 <= high:
            return "no difference seen"
        return "rises" if value > 0 else "falls"

    @property
    def text(self) -> str:
        """The change in words: `falls by 12 ms (10 to 14 ms)`, `no difference seen: within ±0.3 ms`."""
        value, low, high = self.change.value, self.change.low, self.change.high
        verdict = self.verdict
        if value is None or low is None or high is None:
            return f"cannot be compared: {self.change.reason}"
        if verdict == "the same":
            return "the same in every pair"
        if verdict == "no difference seen":
            bound = max(-low, high, LEAST_POINTS if self.sort == "share" else 0.0)
            return f"no difference seen: within ±{self._gap(bound)}"
        said = f"{verdict} by {self._gap(abs(value))}"
        small, large = sorted((abs(low), abs(high)))
        return said if small == large else f"{said} ({self._gaps(small, large)})"

    def shown(self, value: float | None) -> str:
        """A value of this measure, a dash where there is none."""
        if value is None:
            return "–"
        dimension, unit = _UNITS[self.sort]
        return format_number(value) if self.sort == "number" else format_quantity(value, dimension, unit)

    def _gap(self, value: float) -> str:
        if self.sort == "share":
            return f"{format_number(100 * value)} points"
        return self.shown(value)

    def _gaps(self, low: float, high: float) -> str:
        dimension, unit = _UNITS[self.sort]
        if self.sort == "share":
            return f"{format_range(100 * low, 100 * high, NUMBER)} points"
        return format_range(low, high, dimension, unit)


_UNITS: Mapping[Sort, tuple[Dimension, Unit | None]] = {
    "time": (TIME, None),
    "share": (NUMBER, UNITS["%"]),
    "rate": (RATE, None),
    "cost": (COST_RATE, parse_unit("USD/month")),
    "number": (NUMBER, None),
}


def effects(
    before: Design,
    after: Design,
    runs: tuple[Mapping[float, Simulation], Mapping[float, Simulation]],
    *,
    seed: int = 1,
    duration: float | None = None,
    pairs: int = PAIRS,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: threading.Event | None = None,
) -> tuple[Effect, ...]:
    """What is different in `after`: each target that both have, then each flow's latency and availability, and each
    component's utilisation and hit ratio.

    `runs` are both designs' own simulations, by the multiple of the load. Each design of a pair sees `duration` seconds
    of traffic, or as much as a replication of the longer of the two did. A target `at 10x` is compared at 10, the
    rest at 1.
    Designs that come to the same model are not run again: their figures are equal. `seed`, `workers` and
    `cancelled` as for `simulate`; `progress` gets the share that is done.
    """
    found: list[Effect] = []
    shared = [multiple for multiple in runs[0] if multiple in runs[1]]
    for index, multiple in enumerate(shared):
        own = runs[0][multiple], runs[1][multiple]
        once = [
            dict(_measures(design, replace(run, upper=None)))
            for design, run in zip((before, after), own, strict=True)
        ]
        if lower(before, multiple=multiple).model == lower(after, multiple=multiple).model:
            seen: list[list[_Values]] = [[values, values] for values in once]
        else:

            def done(share: float, index: int = index) -> None:
                if progress is not None:
                    progress((index + share) / len(shared))

            seen = _run_pairs(before, after, own, seed, duration, pairs, workers, done, cancelled)
        found += _compared(before, after, once, seen, multiple)
    order = {"target": 0, "flow": 1, "component": 2}
    return tuple(sorted(found, key=lambda effect: order[effect.kind]))


_Key: TypeAlias = tuple[Literal["target", "flow", "component"], str, str, Sort]
_Values: TypeAlias = Mapping[_Key, Figure]


def _run_pairs(
    before: Design,
    after: Design,
    own: tuple[Simulation, Simulation],
    seed: int,
    duration: float | None,
    pairs: int,
    workers: int | None,
    done: Callable[[float], None],
    cancelled: threading.Event | None,
) -> list[list[_Values]]:
    """The measures of both designs, pair by pair."""
    from toscale.simulate.run import simulate

    length = duration or max(run.median.simulated for run in own)
    seen: list[list[_Values]] = [[], []]
    if length <= 0:  # one of the two could not be measured at all; its own simulation says why
        return seen
    for pair in range(pairs):
        for k, design in enumerate((before, after)):
            simulation = simulate(
                design,
                seed=seed * pairs + pair,
                duration=length,
                multiple=own[k].multiple,
                upper=False,
                workers=workers,
                cancelled=cancelled,
            )
            seen[k].append(dict(_measures(design, simulation)))
            done((2 * pair + k + 1) / (2 * pairs))
    return seen


def _compared(
    before: Design,
    after: Design,
    once: Sequence[_Values],
    seen: Sequence[Sequence[_Values]],
    multiple: float,
) -> Iterator[Effect]:
    """The effects on what is measured in both designs.

    What their own simulations cannot tell is not told from pairs, which are shorter: a queue that grows without
    bound may not yet be seen to do so there.
    """
    targets = [{target.name: target for target in design.requirements.targets} for design in (before, after)]
    for key in once[0]:
        kind, of, measure, sort = key
        if key not in once[1]:
            continue
        if kind == "target":
            if not _alike(targets[0][of], targets[1][of]):
                continue
        elif multiple != 1:
            continue
        sides = [
            [own[key], *(values.get(key, _GONE) for values in side)]
            for own, side in zip(once, seen, strict=True)
        ]
        unknown = [next((figure for figure in side if figure.value is None), None) for side in sides]
        values = [[figure.value or 0.0 for figure in side[1:]] for side in sides]
        means = [
            sum(side) / len(side) if reason is None and side else None
            for side, reason in zip(values, unknown, strict=True)
        ]
        if means == [None, None] and kind != "target":
            continue  # it has none, as a load balancer has no slots
        reasons = [
            f"{word} the change, {figure.reason or 'nothing is known'}"
            for word, figure in zip(("before", "after"), unknown, strict=True)
            if figure is not None
        ]
        if reasons or not values[0]:
            change = Figure(None, reason="; ".join(reasons) or "nothing was measured")
        else:
            change = paired_difference(*values)
        yield Effect(kind, of, measure, sort, means[0], means[1], change, multiple)


_GONE = Figure(None, reason="it was not measured")


def _alike(one: Target, other: Target) -> bool:
    """Whether two targets measure the same, whatever they ask for."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("measure", "percentile", "subject", "at", "during")
    )


def _measures(design: Design, simulation: Simulation) -> Iterator[tuple[_Key, Figure]]:
    for target, verdict in zip(design.requirements.targets, judge(design, simulation), strict=True):
        if verdict.median is not None:  # it is one of this load, and can be read at all
            yield ("target", target.name, _measure_of(target), _sort(target)), verdict.median
    for name, flow in simulation.median.flows.items():
        if flow.kind == "flow":
            for measure, sort, figure in _of_flow(flow):
                yield ("flow", name, measure, sort), figure
    for name, component in simulation.median.components.items():
        yield ("component", name, f"utilisation({name})", "share"), component.utilisation
        if component.core_utilisation is not component.utilisation:
            yield ("component", name, f"core utilisation({name})", "share"), component.core_utilisation
        if component.hit_ratio is not None:
            yield ("component", name, f"hit ratio({name})", "share"), component.hit_ratio


def _of_flow(flow: FlowResult) -> Iterator[tuple[str, Sort, Figure]]:
    for name in ("mean", "p50", "p99"):
        yield f"{name}({flow.name})", "time", flow.latency.answered[name]
    yield f"availability({flow.name})", "share", flow.availability


def _measure_of(target: Target) -> str:
    """The measure of a target as it is written, without what it is compared with."""
    return target.text.split(target.comparator, 1)[0].strip()


def _sort(target: Target) -> Sort:
    match target.measure:
        case "percentile" | "mean" | "max" | "lag" | "staleness":
            return "time"
        case "throughput":
            return "rate"
        case "cost":
            return "cost"
        case "depth":
            return "number"
        case _:
            return "share"
