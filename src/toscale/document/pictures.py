"""Which plots stand in a document? Latency of each flow against its targets, what is in use, what the
uncertainty is due to, hits over memory, growth, and the run over time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from toscale.design.conditions import OfFlow, OfStep, Span, Target
from toscale.design.flow import FlowDone
from toscale.document.figures import number, percent, rate, seconds, used
from toscale.document.findings import Findings
from toscale.document.plots import Axis, Line, Mark, bars, linear, lines, logarithmic
from toscale.document.uncertainty import results
from toscale.quantity.formatting import format_quantity
from toscale.quantity.uncertain import quantile
from toscale.quantity.units import SIZE
from toscale.requirements.estimates import tornado
from toscale.requirements.values import value_of
from toscale.requirements.working_set import Memory
from toscale.simulate.result import ComponentResult, FlowResult, RunResult, Series

__all__ = ["Picture", "growth", "hit_curves", "latencies", "over_time", "tornados", "utilisation"]

BUSY = 0.8
"""From this share in use on, queues grow steeply."""

SHOWN = (0.001, 0.9999)
"""The part of a distribution that the horizontal axis is made for."""

ROOM = 1.15
"""The axis goes on so far beyond a target."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot with the heading that it stands under, as SVG that is safe to put into a page; `alt` says what it
    shows.
    """

    title: str
    svg: str
    alt: str
    caption: str = ""


# ---- latency


TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)


def nines(share: float) -> float:
    """The height of a share in a plot of percentiles: 1 for 90%, 2 for 99%; as high as is shown at most."""
    return -math.log10(max(1.0 - share, 1.0 - SHOWN[1]))


def _share_of_nines(height: float) -> str:
    return f"{100 * (1 - 10.0**-height):.6g}%"


def latencies(findings: Findings) -> tuple[Picture, ...]:
    """The distribution of the latency of each flow, step and span, at both loads, with the targets on it."""
    simulation = findings.simulation
    if simulation is None:
        return ()
    found = []
    for name, flow in simulation.median.flows.items():
        loads = [("median rates", flow, "one")]
        if simulation.upper is not None and name in simulation.upper.flows:
            loads.append(("upper end", simulation.upper.flows[name], "two"))
        drawn = [
            Line(load, [(x, nines(share)) for x, share in one.latency.histogram], kind)
            for load, one, kind in loads
            if one.latency.histogram
        ]
        if drawn:
            found.append(_latency(name, flow, drawn, _marks(findings, name)))
    return tuple(found)


def _latency(name: str, flow: FlowResult, drawn: list[Line], marks: list[Mark]) -> Picture:
    ends = [
        x
        for line in drawn
        for x, height in line.points
        if height is not None and nines(SHOWN[0]) <= height < nines(SHOWN[1])
    ]
    ends += [mark.x * ROOM for mark in marks]
    x = logarithmic("latency of the answered requests", ends, seconds)
    y = Axis("share answered within it", 0.0, nines(SHOWN[1]), tuple(map(nines, TICKS)), _share_of_nines)
    figures = ", ".join(
        f"{label} {seconds(figure.value)}"
        for label in ("p50", "p95", "p99")
        if (figure := flow.latency.answered.get(label)) is not None and figure.value is not None
    )
    targets = "; ".join(mark.name for mark in marks)
    described = f"At the median rates: {figures}." + (f" Target: {targets}." if targets else "")
    kind = {"flow": "", "step": "step ", "span": ""}[flow.kind]
    return Picture(
        f"{kind}{name}", lines(f"Latency of {name}", described, x, y, drawn, marks), described, described
    )


def _marks(findings: Findings, name: str) -> list[Mark]:
    """The targets on the latency of a flow, step or span."""
    found = []
    for target in findings.design.requirements.targets:
        if (
            target.measure not in ("percentile", "mean", "max")
            or target.during is not None
            or _about(target) != name
        ):
            continue
        value = value_of(findings.estimates.sheet, target.value, f"requirements.non_functional.{target.name}")
        if not isinstance(value, str) and value.median > 0:
            label = target.measure if target.percentile is None else f"p{target.percentile:g}"
            y = None if target.percentile is None else nines(target.percentile / 100)
            sign = target.comparator.replace("<=", "≤").replace(">=", "≥")
            found.append(Mark(f"{label} {sign} {seconds(value.median)}", value.median, y))
    return found


def _about(target: Target) -> str:
    match target.subject:
        case OfFlow(flow=flow):
            return flow
        case OfStep(step=step):
            return step
        case Span(start=FlowDone(flow=flow), end=end):
            return f"{flow} until {end}"
        case _:
            return ""


# ---- utilisation


def utilisation(findings: Findings) -> Picture | None:
    """What is in use of each component that has a limit, at both loads."""
    simulation = findings.simulation
    if simulation is None:
        return None
    rows: list[tuple[str, float, str, str]] = []
    for name in simulation.median.components:
        for run, kind in ((simulation.median, "one"), (simulation.upper, "two")):
            share = _share(run, name)
            if share is not None:
                rows.append((name, share, used(share), kind))
    if not rows:
        return None
    described = "; ".join(f"{name} {text}" for name, _, text, kind in rows if kind == "one")
    alt = f"At the median rates: {described}."
    svg = bars("What is in use of each component", alt, rows, BUSY)
    upper = ", the lighter one the upper end" if simulation.upper is not None else ""
    caption = f"The larger of the shares of slots and of cores; the dark bar is at the median rates{upper}. "
    caption += f"Red from {BUSY:.0%} on."
    return Picture("In use", svg, alt, caption)


def _share(run: RunResult | None, name: str) -> float | None:
    result: ComponentResult | None = None if run is None else run.components.get(name)
    if result is None:
        return None
    shares = [f.value for f in (result.utilisation, result.core_utilisation) if f.value is not None]
    return max(shares) if shares else None


# ---- estimates, memory


def tornados(findings: Findings) -> tuple[Picture, ...]:
    """What each result is uncertain by."""
    found = []
    for one in results(findings.estimates):
        rows = [
            (name, share, f"{share:.0%}  {text}", "one")
            for name, share, text in tornado(one).bars
            if share >= 0.005
        ]
        said = "; ".join(f"{name} {share:.0%}" for name, share, _, _ in rows)
        alt = f"Shares of the variance: {said}."
        svg = bars(f"What {one.name} is uncertain by", alt, rows)
        found.append(Picture(one.name, svg, alt, one.shown()))
    return tuple(found)


def hit_curves(findings: Findings) -> tuple[Picture, ...]:
    """The share of look-ups that each cache answers over its memory, by theory, with the simulated one on it."""
    return tuple(_hits(memory, findings) for memory in findings.estimates.memory if len(memory.curve) > 1)


def _hits(memory: Memory, findings: Findings) -> Picture:
    x = logarithmic(
        "memory", [size for size, _ in memory.curve], lambda size: format_quantity(size, SIZE, None, 2)
    )
    y = Axis("hits", 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), lambda share: f"{100 * share:.0f}%")
    simulated = _simulated_hits(memory.component, findings)
    marks = []
    if not isinstance(memory.given, str):
        name = "as given" if simulated is None else f"as given: {percent(simulated)} simulated"
        marks.append(Mark(name, quantile(memory.given.value, 0.5), simulated))
    said = "; ".join(
        f"{format_quantity(size, SIZE, None, 2)} {percent(share)}" for size, share in memory.curve
    )
    svg = lines(
        f"Hits of {memory.component} over its memory", said, x, y, [Line("hits", memory.curve)], marks
    )
    caption = "The stationary state, by Che's approximation, at the median rates."
    return Picture(memory.component, svg, f"{said}.", caption)


def _simulated_hits(component: str, findings: Findings) -> float | None:
    simulation = findings.simulation
    result = None if simulation is None else simulation.median.components.get(component)
    return None if result is None or result.hit_ratio is None else result.hit_ratio.value


# ---- growth


def growth(findings: Findings) -> Picture | None:
    """How much of the busiest component is in use at each multiple of the load, by theory."""
    rows = [
        (f"{point.multiple:g}x", point.busiest[1], f"{used(point.busiest[1])} of {point.busiest[0]}", "one")
        for point in findings.growth
        if point.busiest is not None
    ]
    if not rows:
        return None
    alt = "; ".join(f"at {load} {text}" for load, _, text, _ in rows) + "."
    svg = bars("The busiest component at each multiple of the load", alt, rows, BUSY)
    caption = (
        f"What the rates ask of it, as a share of what it has. Red from {BUSY:.0%} on: queues grow there."
    )
    return Picture("The busiest component as the load grows", svg, alt, caption)


# ---- over time


def over_time(findings: Findings) -> tuple[Picture, ...]:
    """The requests and the latency of each flow, and what is in use, over the time of one run at the median
    rates.
    """
    simulation = findings.simulation
    series = None if simulation is None else simulation.median.series
    if series is None or len(series.starts) < 2:
        return ()
    return tuple(picture for name in series.values if (picture := _series(name, series)) is not None)


_WRITES: dict[str, Callable[[float], str]] = {
    "requests per second": rate,
    "mean latency": seconds,
    "utilisation": used,
}


def _series(name: str, series: Series) -> Picture | None:
    points = list(zip(series.starts, series.values[name], strict=False))
    known = [value for _, value in points if value is not None]
    if not known:
        return None
    _, _, measure = name.rpartition(": ")
    write = _WRITES.get(measure, number)
    x = linear("time since the warm-up", series.starts, seconds, low=series.starts[0])
    x = Axis(
        x.label,
        x.low,
        series.starts[-1],
        tuple(tick for tick in x.ticks if tick <= series.starts[-1]),
        seconds,
    )
    y = linear(measure, known, write, low=0.0)
    described = f"From {write(min(known))} to {write(max(known))}."
    return Picture(name, lines(name, described, x, y, [Line(name, points)]), described, described)
