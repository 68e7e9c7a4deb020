"""How is a fault shown? Its phases and its course as tables, and how it was simulated."""

from __future__ import annotations

from collections.abc import Iterable

from rich.padding import Padding
from rich.text import Text

from toscale.cli.show_tables import heading, show_table
from toscale.cli.terminal import Terminal
from toscale.document.fault_tables import course_table, phases_table, said_of
from toscale.document.words import sentence
from toscale.simulate.fault_result import FaultResult, FaultRun

__all__ = ["show_course", "show_details"]


def show_course(result: FaultResult, terminal: Terminal, verbose: bool) -> None:
    """Writes what one fault does at both loads; the course of its busiest flow, with `verbose` of each."""
    for load, run in _runs(result):
        heading(terminal, f"At {load}: {run.recovery.text}")
        show_table(phases_table(run), terminal)
        flows = [name for name, flow in run.flows.items() if flow.kind == "flow"]
        busiest = max(flows, key=lambda name: max(x or 0.0 for x in run.flows[name].offered))
        for name in flows if verbose else [busiest]:
            show_table(course_table(run, name), terminal)
    show_details([result], terminal, verbose)


def show_details(results: Iterable[FaultResult], terminal: Terminal, verbose: bool) -> None:
    """Writes how each was simulated, and what was taken from defaults."""
    heading(terminal, "How it was simulated")
    for result in results:
        for load, run in _runs(result):
            for line in said_of(result, load, run):
                _bullet(terminal, f"{result.name}. {line}")
        for note in result.notes:
            _bullet(terminal, sentence(note.text), 4)
        for one in result.defaults:
            source = f". {one.source}" if verbose else ""
            _bullet(terminal, f"{one.component}, {one.what}: {one.value} by default{source}", 4)


def _runs(result: FaultResult) -> list[tuple[str, FaultRun]]:
    loads = (("the median rates", result.median), ("the upper end of the rates", result.upper))
    return [(load, run) for load, run in loads if run is not None]


def _bullet(terminal: Terminal, text: str, indent: int = 2) -> None:
    terminal.say(Padding(Text(text, "quiet" if indent > 2 else ""), (0, 0, 0, indent), expand=False))
