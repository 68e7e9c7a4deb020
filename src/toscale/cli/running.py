"""How does a design run from the command line? At every load that its targets want, with a bar whose interval
narrows.

The bar is drawn on the standard error, on a terminal only. The first run of a version compiles the engine,
and says so.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toscale.cli.terminal import Terminal
from toscale.design.model import Design
from toscale.document.figures import seconds
from toscale.document.findings import multiples
from toscale.simulate.result import Simulation

if TYPE_CHECKING:
    from toscale.simulate.fault_result import FaultResult
    from toscale.simulate.run import Progress

__all__ = ["COMPILING", "compile_first", "run_design", "run_faults"]

COMPILING = "compiling the engine: once for this version, about 20 s"


def run_design(design: Design, options: argparse.Namespace, terminal: Terminal) -> dict[float, Simulation]:
    """The simulations of a design by their multiples: at `--at`, and where its targets want others.

    Raises DesignError for a design that cannot be simulated at all.
    """
    compile_first(terminal)
    from toscale.simulate.run import simulate

    found = {}
    for multiple in multiples(design, options.at):
        with _bar(terminal, "" if multiple == 1 else f" at {multiple:g}x") as progress:
            found[multiple] = simulate(
                design,
                seed=options.seed,
                precision=options.precision,
                duration=options.duration,
                multiple=multiple,
                progress=progress,
            )
    return found


def run_faults(
    design: Design,
    options: argparse.Namespace,
    terminal: Terminal,
    names: Iterable[str] | None = None,
    upper: bool | None = None,
) -> dict[str, FaultResult]:
    """The faults of these names, by default those that targets name with `during`.

    A fault that a target names is simulated at both ends of the rates, others at the median only, unless
    `upper` says otherwise. Raises DesignError for a design that cannot be simulated at all.
    """
    named = dict.fromkeys(t.during for t in design.requirements.targets if t.during is not None)
    wanted = [name for name in (named if names is None else names) if name in design.faults]
    if not wanted:
        return {}
    compile_first(terminal)
    from toscale.simulate.faults import simulate_fault

    found = {}
    for name in wanted:
        with _bar(terminal, f", {name}") as progress:
            found[name] = simulate_fault(
                design,
                name,
                seed=options.seed,
                multiple=options.at,
                upper=name in named if upper is None else upper,
                progress=progress,
            )
    return found


def compile_first(terminal: Terminal) -> None:
    """Compiles the engine, if this version has not been compiled on this machine, and says that it does."""
    from toscale.engine.jit import compiled_before

    if compiled_before():
        return
    from toscale.simulate.run import compile_engine

    if terminal.err.is_terminal:
        with terminal.err.status(COMPILING):
            took = compile_engine()
        terminal.err.print(
            f"compiled the engine in {seconds(took)}: not needed again for this version", style="quiet"
        )
    else:
        terminal.err.print(COMPILING)
        compile_engine()


@contextmanager
def _bar(terminal: Terminal, at: str) -> Iterator[Callable[[Progress], None] | None]:
    """A callback that moves the bar of each load; None where nobody watches."""
    if not terminal.err.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, TaskID, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.percentage:>3.0f}%  {task.fields[figure]}"),
    )
    with Bars(*columns, console=terminal.err, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(progress: Progress) -> None:
            if progress.load not in tasks:
                what = "median rates" if progress.load == "median" else "upper end"
                tasks[progress.load] = bars.add_task(f"{what}{at}", total=1.0, figure="")
            bars.update(tasks[progress.load], completed=min(1.0, progress.fraction), figure=_figure(progress))

        yield show


def _figure(progress: Progress) -> str:
    """The figure whose interval narrows: `p99(redirect) 71.2 ms (66 to 78 ms)`."""
    if progress.value is None:
        return progress.what
    shown = f"{progress.what} {seconds(progress.value)}"
    if progress.low is None or progress.high is None:
        return shown
    return f"{shown} ({seconds(progress.low)} to {seconds(progress.high)})"
