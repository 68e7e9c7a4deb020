"""How is a simulation shown? The verdict on each target, the flows and components at both loads, and what a
reader must know to trust the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.padding import Padding
from rich.text import Text

from toscale.cli.show_tables import heading, show_table
from toscale.cli.terminal import Terminal
from toscale.design.model import Design
from toscale.document.simulated_tables import tables_of
from toscale.document.words import (
    AGREES,
    MARKS,
    disagreement,
    how_it_ran,
    overload_text,
    runs,
    sentence,
    summary,
    worst,
)
from toscale.requirements.verdicts import Status, Verdict
from toscale.simulate.result import Simulation

__all__ = ["show_figures", "show_summary", "show_title", "show_trust", "show_verdicts"]

FEW = 4
"""So many entries of a list are shown without --verbose."""


def show_title(design: Design, file: str, terminal: Terminal, what: str) -> None:
    """The first line: which design, and what is shown of it."""
    where = f"  {file}" if design.title else ""
    terminal.say(Text.assemble((design.title or file, "head"), (f"  {what}{where}", "quiet")))


def show_figures(simulation: Simulation, terminal: Terminal) -> None:
    """Writes overloads, and the tables of what was simulated."""
    show_overloads(simulation, terminal)
    for table in tables_of(simulation):
        show_table(table, terminal)


# ---- verdicts


def show_verdicts(verdicts: Sequence[Verdict], terminal: Terminal, only_unmet: bool = False) -> None:
    """Writes each target with its status, its figures and the reason."""
    shown = [verdict for verdict in verdicts if not (only_unmet and verdict.status is Status.MET)]
    if shown:
        heading(terminal, "Targets")
    for verdict in shown:
        head = Text.assemble(
            (f"{MARKS[verdict.status]} {verdict.status.value:<8}", verdict.status.value),
            (f"{verdict.name}: ", "name"),
            verdict.text,
        )
        terminal.say(Padding(head, (0, 0, 0, 2), expand=False))
        terminal.say(Padding(Text(sentence(verdict.reason), "quiet"), (0, 0, 0, 12), expand=False))


def show_summary(verdicts: Sequence[Verdict], terminal: Terminal) -> None:
    """The last line."""
    terminal.say()
    terminal.say(Text(summary(verdicts), worst(verdicts).value))


# ---- overload, and what a reader must know


def show_overloads(simulation: Simulation, terminal: Terminal) -> None:
    """Writes what grows without bound: the figures of what waits there mean little."""
    for load, run in runs(simulation):
        for overload in run.overloads:
            terminal.say()
            terminal.say(Text.assemble(("Overload. ", "missed"), overload_text(load, overload)))


def show_trust(simulation: Simulation, terminal: Terminal, verbose: bool) -> None:
    """Writes how the runs went, where theory disagrees, what is not simulated, and what was taken from
    defaults.
    """
    heading(terminal, "How far to trust this")
    for load, run in runs(simulation):
        _bullet(terminal, how_it_ran(load, run, simulation))
        for note in run.notes:
            _bullet(terminal, sentence(note), 4)
    said = [disagreement(one) for one in simulation.disagreements]
    if said:
        _listed(terminal, "Theory and simulation differ", said, verbose)
    else:
        _bullet(terminal, AGREES)
    _listed(terminal, "Not simulated", [sentence(part.text) for part in simulation.not_simulated], verbose)
    _listed(terminal, "How the file was read", [sentence(note.text) for note in simulation.notes], verbose)
    defaults = [
        f"{one.component}, {one.what}: {one.value}" + (f". {one.source}" if verbose else "")
        for one in simulation.defaults
    ]
    _listed(terminal, "Taken from defaults", defaults, verbose)


def _listed(terminal: Terminal, title: str, lines: Sequence[str], verbose: bool) -> None:
    if not lines:
        return
    shown = lines if verbose or len(lines) <= FEW + 1 else lines[:FEW]
    _bullet(terminal, f"{title} ({len(lines)}):")
    for line in shown:
        _bullet(terminal, line, 4)
    if len(shown) < len(lines):
        _bullet(terminal, f"and {len(lines) - len(shown)} more: --verbose shows all, with their sources.", 4)


def _bullet(terminal: Terminal, text: str, indent: int = 2) -> None:
    terminal.say(Padding(Text(text, "quiet" if indent > 2 else ""), (0, 0, 0, indent), expand=False))
