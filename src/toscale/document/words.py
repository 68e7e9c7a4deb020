"""How are verdicts, runs, overloads and disagreements said in a sentence? The same in the terminal and on the
page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from toscale.document.figures import count, interval, percent, seconds
from toscale.quantity.formatting import format_number
from toscale.quantity.units import NUMBER, TIME
from toscale.requirements.verdicts import Status, Verdict
from toscale.simulate.result import Disagreement, Ending, Overload, RunResult, Simulation

__all__ = [
    "AGREES",
    "MARKS",
    "disagreement",
    "how_it_ran",
    "overload_text",
    "runs",
    "sentence",
    "summary",
    "worst",
]

MARKS = {Status.MET: "✓", Status.AT_RISK: "!", Status.MISSED: "✗", Status.UNKNOWN: "?"}
"""The sign of each status; its word stands beside it."""

AGREES = "Theory agrees with the simulation wherever both have a figure."

_BY_SEVERITY = (Status.MISSED, Status.UNKNOWN, Status.AT_RISK, Status.MET)


def sentence(text: str) -> str:
    """The text with a full stop at its end."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def worst(verdicts: Iterable[Verdict]) -> Status:
    """The worst status among the verdicts; unknown if there is none."""
    found = {verdict.status for verdict in verdicts}
    return next((status for status in _BY_SEVERITY if status in found), Status.UNKNOWN)


def summary(verdicts: Iterable[Verdict]) -> str:
    """`All 4 targets are met.`; `4 targets: 1 missed, 3 met.`"""
    numbers = Counter(verdict.status for verdict in verdicts)
    total = sum(numbers.values())
    if not total:
        return "There is no target to judge: add conditions to `non_functional`."
    if numbers[Status.MET] == total:
        return {1: "The target is met.", 2: "Both targets are met."}.get(
            total, f"All {total} targets are met."
        )
    parts = [f"{numbers[status]} {status.value}" for status in _BY_SEVERITY if numbers[status]]
    return f"{total} target{'' if total == 1 else 's'}: {', '.join(parts)}."


def runs(simulation: Simulation) -> list[tuple[str, RunResult]]:
    """The loads that were simulated, with their names."""
    found = [("the median rates", simulation.median)]
    return found if simulation.upper is None else [*found, ("the upper end of the rates", simulation.upper)]


def how_it_ran(load: str, run: RunResult, simulation: Simulation) -> str:
    """How long a load was simulated, and how the run ended."""
    times = "" if run.replications == 1 else f"{run.replications} times "
    warm_up = f" after {seconds(run.warm_up)} of warm-up" if run.warm_up > 0 else ""
    said = (
        f"At {load}: {times}{seconds(run.simulated)} of traffic{warm_up}, {count(run.requests)} requests, "
        f"seed {simulation.seed}"
    )
    if run.ending is Ending.TIGHT:
        return f"{said}; every interval that it ran for is within ±{100 * simulation.precision:.3g}%."
    return f"{said}; {run.ending.value}."


def overload_text(load: str, overload: Overload) -> str:
    """What grows without bound, and how fast."""
    more = f" by {format_number(overload.growth, 2)} each second" if overload.growth > 0 else ""
    said = overload.text or f"`{overload.component}` cannot keep up: what waits there grows{more}"
    return sentence(f"At {load}: {said}")


def disagreement(one: Disagreement) -> str:
    """Where theory and simulation differ, by how much, and why that may be."""
    if one.measure in ("utilisation", "hit ratio"):
        theory, simulated = percent(one.theory), interval(one.simulated, NUMBER, percentage=True)
    elif one.measure in ("waiting", "mean latency"):
        theory, simulated = seconds(one.theory), interval(one.simulated, TIME)
    else:
        theory, simulated = format_number(one.theory), interval(one.simulated, NUMBER)
    return sentence(
        f"{one.subject}, {one.measure}: {simulated} simulated, {theory} by theory. {one.why[:1].upper()}{one.why[1:]}"
    )
