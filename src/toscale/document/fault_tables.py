"""Which tables show what faults do? One row for each fault, and for one fault its phases and its course.

The terminal and the page share them, as the others in `tables`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from toscale.document.figures import DASH, failures, number, percent, rate, seconds, used, with_margin
from toscale.document.tables import Cell, Column, Table
from toscale.document.words import MARKS, sentence
from toscale.requirements.availability import LongRun
from toscale.requirements.verdicts import Status, Verdict
from toscale.simulate.fault_result import FaultFlow, FaultResult, FaultRun

__all__ = ["course_table", "faults_table", "long_run_table", "most_raised", "phases_table", "said_of"]

MOST_ROWS = 24
"""So many windows of a course are shown in a terminal; of longer ones, every second, third, ..."""


def faults_table(results: Iterable[FaultResult], judged: Mapping[str, tuple[Verdict, ...]]) -> Table:
    """Each fault with what it does at the median rates."""
    found = list(results)
    writes = any(_lost_writes(result) is not None for result in found)
    rows = [_row(result, judged.get(result.name, ()), writes) for result in found]
    columns = (
        Column("Fault"),
        Column("Worst p99", True),
        Column("Failed at worst", True),
        Column("Lost", True, rank=1),
        *([Column("Writes lost", True)] if writes else []),
        Column("Tried again", True, rank=3),
        Column("Recovered", is_sentence=True),
        Column("Targets meanwhile", is_sentence=True),
    )
    note = (
        "At the median rates. The worst is that of a window; lost are the requests that failed beyond what fails "
        "without the fault."
    )
    if writes:
        note += " Writes lost: those that counted, and were on no copy that took over."
    return Table("Faults", columns, tuple(rows), note)


def long_run_table(found: LongRun) -> Table:
    """How much of the time each flow can be answered, from the failures and repairs of machines."""
    rows: list[tuple[Cell, ...]] = [
        (name, f"{100 * share:.6g}%", _time_a_year(1 - share), ", ".join(found.unknown.get(name, ())))
        for name, share in found.flows.items()
    ]
    columns = (
        Column("Flow"),
        Column("Works", True),
        Column("Down in a year", True),
        Column("Never fails, as nobody says how often", is_sentence=True),
    )
    parts = "; ".join(
        f"{name} needs {part.needed} of {part.machines}{' in each shard' if part.shards else ''}: "
        f"{100 * part.share:.6g}%"
        for name, part in found.components.items()
    )
    note = f"From `fails every` and `repaired in`, machines independent of each other. {parts}."
    return Table("In the long run", columns, tuple(rows), note)


def _time_a_year(share: float) -> str:
    return seconds(share * 365.25 * 86_400)


def _lost_writes(result: FaultResult) -> float | None:
    """Writes that a fault loses with machines; None where no store has copies that lag."""
    components = () if result.median is None else result.median.components.values()
    known = [one.lost_writes.value or 0.0 for one in components if one.lost_writes is not None]
    return sum(known) if known else None


def _row(result: FaultResult, verdicts: tuple[Verdict, ...], writes: bool) -> tuple[Cell, ...]:
    run = result.median
    if run is None:
        none = (DASH,) if writes else ()
        return (result.name, DASH, DASH, DASH, *none, DASH, sentence(f"not simulated: {result.reason}"), "")
    slowest = most_raised(run)
    failing = max(run.flows.values(), key=lambda flow: flow.worst_failed.value or 0.0)
    lost = sum(flow.lost.value or 0.0 for flow in run.flows.values() if flow.kind == "flow")
    amplified = max((flow.amplified or 1.0 for flow in run.flows.values()), default=1.0)
    recovered = run.recovery.text + (f"; {run.bound}" if run.bound else "")
    return (
        result.name,
        _or_dash(slowest.worst_p99.value, lambda p99: f"{seconds(p99)} of {slowest.name}"),
        _failed(failing),
        f"{lost:,.0f}" if lost >= 1 else "none",
        *((_or_dash(_lost_writes(result), _counted),) if writes else ()),
        f"x{amplified:.2f}" if amplified >= 1.005 else "no more",
        sentence(recovered),
        _targets(verdicts),
    )


def _counted(number: float) -> str:
    return "none" if number == 0 else f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def most_raised(run: FaultRun) -> FaultFlow:
    """The flow whose p99 is the highest, against what it was before."""

    def raised(flow: FaultFlow) -> float:
        usual = run.before.flows[flow.name].latency.answered["p99"].value
        return (flow.worst_p99.value or 0.0) / usual if usual else 0.0

    return max(run.flows.values(), key=raised)


def _failed(flow: FaultFlow) -> str:
    worst = flow.worst_failed.value
    return f"{percent(worst)} of {flow.name}" if worst else "none"


def _targets(verdicts: tuple[Verdict, ...]) -> str:
    said = [f"{MARKS[v.status]} {v.name}" for v in verdicts if v.status is not Status.MET]
    if not said:
        return "all hold" if verdicts else ""
    return "; ".join(said)


def phases_table(run: FaultRun) -> Table:
    """Each flow before the fault, while it lasts, and after it."""
    rows: list[tuple[Cell, ...]] = []
    phases = [("before", run.before), ("during", run.during)]
    if run.after is not None:
        phases.append(("after", run.after))
    for name, flow in run.flows.items():
        for k, (phase, result) in enumerate(phases):
            figures = result.flows[name]
            rows.append(
                (
                    name if k == 0 else "",
                    phase,
                    with_margin(figures.completed, rate),
                    with_margin(figures.latency.answered["p50"], seconds),
                    with_margin(figures.latency.answered["p99"], seconds),
                    failures(figures),
                    sentence(flow.recovery.text) if k == 0 else "",
                )
            )
    columns = (
        Column("Flow"),
        Column("Phase"),
        Column("Answered", True, rank=2),
        Column("p50", True, rank=1),
        Column("p99", True),
        Column("Failed", True),
        Column("Recovered", is_sentence=True),
    )
    return Table("Before, during and after", columns, tuple(rows))


def course_table(run: FaultRun, flow: str) -> Table:
    """The course of one flow, window by window, with what is in use."""
    course = run.flows[flow]
    busiest = sorted(
        (c for c in run.components.values() if any(c.utilisation)),
        key=lambda c: -max(x or 0.0 for x in c.utilisation),
    )[:2]
    hits = [c for c in run.components.values() if any(x is not None for x in c.hit_ratio)][:2]
    scaled = [c for c in run.components.values() if any(x is not None for x in c.machines)][:2]
    step = -(-len(run.starts) // MOST_ROWS)
    rows = []
    for k in range(0, len(run.starts), step):
        start = run.starts[k]
        rows.append(
            (
                f"{start:g} s",
                _phase(run, start),
                _or_dash(course.offered[k], rate),
                _or_dash(course.p99[k], seconds),
                _or_dash(course.failed_share[k], percent),
                *(_or_dash(c.utilisation[k], used) for c in busiest),
                *(_or_dash(c.hit_ratio[k], used) for c in hits),
                *(_or_dash(c.machines[k], number) for c in scaled),
            )
        )
    columns = (
        Column("From", True),
        Column(""),
        Column("Arrive", True, rank=1),
        Column("p99", True),
        Column("Failed", True),
        *(Column(f"{c.name} in use", True, rank=2) for c in busiest),
        *(Column(f"{c.name} hits", True, rank=3) for c in hits),
        *(Column(f"machines of {c.name}", True, rank=1) for c in scaled),
    )
    every = "" if step == 1 else f" One window of {step} is shown."
    return Table(f"The course of {flow}", columns, tuple(rows), f"In windows of {run.window:g} s.{every}")


def _phase(run: FaultRun, start: float) -> str:
    if start < run.begins - 1e-9:
        return ""
    if run.ends is None:
        return "·"
    return "│" if start < run.ends - 1e-9 else "·"


def _or_dash(value: float | None, write: Callable[[float], str]) -> str:
    return DASH if value is None else write(value)


def said_of(result: FaultResult, load: str, run: FaultRun) -> list[str]:
    """How a fault was simulated, in sentences."""
    times = f"{run.replications} times {seconds(run.window * len(run.starts))}"
    lasted = "" if run.ends is None or run.ends <= run.begins else f" until {seconds(run.ends)}"
    found = [
        sentence(
            f"At {load}: {times}, the fault from {seconds(run.begins)}{lasted}, in windows of "
            f"{seconds(run.window)}, seed {result.seed}"
        )
    ]
    for one in run.components.values():
        if one.grown is not None:
            most = max(x or 0.0 for x in one.machines)
            said = f"`{one.name}` had the most machines, {number(most)}, {seconds(one.grown)} after it began"
            found.append(sentence(said))
    if run.bound:
        found.append(sentence(f"It was not followed further: {run.bound}"))
    return found
