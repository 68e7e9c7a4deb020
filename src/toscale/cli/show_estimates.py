"""How are estimates shown? Each with its range and derivation, then what its uncertainty is due to, and what
the rest of the design adds up to.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.padding import Padding
from rich.text import Text

from toscale.cli.show_problems import show_problems
from toscale.cli.show_tables import heading, show_table
from toscale.cli.terminal import Terminal
from toscale.design.model import Design
from toscale.document.tables import (
    cost_table,
    estimates_table,
    memory_table,
    rates_table,
    reads_table,
    shares_table,
    storage_table,
)
from toscale.document.uncertainty import Driver, drivers
from toscale.requirements.budget import Budget
from toscale.requirements.estimates import Estimates

__all__ = ["show_budgets", "show_estimates"]


def show_estimates(design: Design, estimates: Estimates, terminal: Terminal) -> None:
    """Writes all of step 1 that is a number."""
    show_table(estimates_table(estimates), terminal)
    show_problems(estimates.problems, terminal)
    _shares(design, estimates, terminal)
    show_table(rates_table(estimates), terminal)
    show_table(reads_table(estimates), terminal)
    show_table(storage_table(estimates), terminal)
    show_table(memory_table(estimates), terminal)
    show_table(cost_table(estimates.cost), terminal)


def _shares(design: Design, estimates: Estimates, terminal: Terminal) -> None:
    show_table(shares_table(estimates), terminal)
    for driver in drivers(design, estimates)[:1]:
        terminal.say(Padding(_question(driver), (0, 0, 0, 2), expand=False))


def _question(driver: Driver) -> Text:
    """Which assumption matters most, and whether anybody was asked."""
    said = Text.assemble(
        "Most depends on ",
        (driver.name, "name"),
        f" ({driver.written}): {driver.share:.0%} of {driver.result}",
    )
    said.append(
        f". It was asked: “{driver.question}”" if driver.question else ". Nobody was asked: a good question."
    )
    return said


def show_budgets(budgets: Mapping[str, Budget], terminal: Terminal) -> None:
    """Writes where the time of each flow goes, by theory."""
    if not budgets:
        return
    heading(terminal, "Latency budget, by theory at the median rates")
    for name, budget in budgets.items():
        text = Text.assemble((f"{name}: ", "name"), budget.sentence() + ".")
        terminal.say(Padding(text, (0, 0, 0, 2), expand=False))
