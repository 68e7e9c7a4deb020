"""How is a design walked through in a terminal? In the four steps of the method, as far as they exist in the
file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from toscale.cli.show_estimates import show_budgets, show_estimates
from toscale.cli.show_problems import show_problems
from toscale.cli.show_simulation import show_figures, show_trust, show_verdicts
from toscale.cli.show_tables import heading, show_table
from toscale.cli.terminal import Terminal
from toscale.design.model import Decision, Design, Prose, Question, Requirements
from toscale.document.deep import api_table, data_table
from toscale.document.fault_tables import faults_table
from toscale.document.figures import used
from toscale.document.findings import Findings, saturation
from toscale.document.tables import Column, Meter, Table, components_table, growth_table
from toscale.document.tree import Branch, flow_tree
from toscale.simulate.result import Simulation

__all__ = ["show_steps"]

NOTHING = "Nothing is written of this step yet."


def show_steps(findings: Findings, terminal: Terminal, verbose: bool) -> None:
    """Writes the whole walk."""
    design = findings.design
    _step(terminal, 1, "Requirements")
    if design.requirements == Requirements() and not design.estimates:
        terminal.say(NOTHING, style="quiet")
    _requirements(design, terminal)
    show_estimates(design, findings.estimates, terminal)
    _step(terminal, 2, "High-level design")
    if not (design.components or design.flows):
        terminal.say(NOTHING, style="quiet")
    _architecture(design, terminal)
    show_budgets(findings.budgets, terminal)
    _step(terminal, 3, "Deep dive")
    if not (design.api or design.data or design.decisions):
        terminal.say(NOTHING, style="quiet")
    show_table(api_table(design), terminal)
    show_table(data_table(design, findings.estimates), terminal)
    _decisions(design.decisions, terminal)
    _step(terminal, 4, "Wrap-up")
    _wrap_up(findings, terminal, verbose)


def _step(terminal: Terminal, number: int, title: str) -> None:
    terminal.say()
    line = f"── Step {number}: {title} "
    terminal.say(Text(line + "─" * max(0, min(terminal.width, 100) - len(line)), "step"))


# ---- step 1


def _requirements(design: Design, terminal: Terminal) -> None:
    requirements = design.requirements
    _named(terminal, "Users", requirements.users)
    _questions(terminal, requirements.questions)
    _named(terminal, "Functional", requirements.functional)
    _named(
        terminal,
        "Non-functional",
        {n: getattr(line, "text", str(line)) for n, line in requirements.non_functional.items()},
    )
    _listed(terminal, "Extra", map(str, requirements.extra))
    _listed(terminal, "Out of scope", map(str, requirements.out_of_scope))
    _listed(terminal, "Suggestions", (suggestion.text for suggestion in requirements.suggestions))


def _named(terminal: Terminal, title: str, lines: Mapping[str, Prose | str]) -> None:
    if lines:
        heading(terminal, title)
    for name, line in lines.items():
        _line(terminal, Text.assemble((f"{name}: ", "name"), str(line)))


def _listed(terminal: Terminal, title: str, lines: Iterable[str]) -> None:
    found = list(lines)
    if found:
        heading(terminal, title)
    for line in found:
        _line(terminal, Text(f"· {line}"))


def _line(terminal: Terminal, text: Text, indent: int = 2) -> None:
    terminal.say(Padding(text, (0, 0, 0, indent), expand=False))


def _questions(terminal: Terminal, questions: tuple[Question, ...]) -> None:
    if questions:
        heading(terminal, "Questions")
    for question in questions:
        if question.assume is not None:
            _line(terminal, Text.assemble(("Assumed: ", "warning"), question.assume))
            continue
        answer = question.answer or "not answered"
        sets = f"  sets {', '.join(question.sets)}" if question.sets else ""
        _line(terminal, Text.assemble((f"{question.ask} ", "name"), answer, (sets, "quiet")))


# ---- step 2


def _architecture(design: Design, terminal: Terminal) -> None:
    show_table(components_table(design), terminal)
    if design.flows:
        heading(terminal, "Flows")
    for flow in design.flows.values():
        branch = flow_tree(flow)
        tree = Tree(Text.assemble((branch.text, "name"), (f"  {branch.quiet}", "quiet")), guide_style="quiet")
        _grow(tree, branch.below)
        terminal.say(Padding(tree, (0, 0, 0, 2), expand=False))
    if design.focus:
        heading(terminal, "To look at more closely")
        _line(terminal, Text(", ".join(design.focus)))


def _grow(tree: Tree, branches: Iterable[Branch]) -> None:
    for branch in branches:
        quiet = f"  {branch.quiet}" if branch.quiet else ""
        _grow(tree.add(Text.assemble(branch.text, (quiet, "quiet"))), branch.below)


# ---- step 3


def _decisions(decisions: Mapping[str, Decision], terminal: Terminal) -> None:
    if decisions:
        heading(terminal, "Decisions")
    for name, decision in decisions.items():
        _line(terminal, Text.assemble((f"{name}: ", "name"), decision.question or ""))
        for option in decision.options.values():
            chosen = option.name == decision.chosen
            _line(
                terminal, Text.assemble(("✓ " if chosen else "· ", "met" if chosen else ""), option.name), 4
            )
            for sign, reasons in (("+", option.pros), ("-", option.cons)):
                for reason in reasons:
                    _line(terminal, Text(f"{sign} {reason}", "quiet"), 8)
        if decision.because:
            _line(terminal, Text.assemble(("Why: ", "quiet"), decision.because), 4)


# ---- step 4


def _wrap_up(findings: Findings, terminal: Terminal, verbose: bool) -> None:
    simulation = findings.simulation
    if simulation is None:
        terminal.say("There is no flow yet, and so nothing to simulate.", style="quiet")
    else:
        show_figures(simulation, terminal)
        _saturation(findings.design, simulation, terminal)
    show_table(growth_table(findings), terminal)
    _faults(findings, terminal)
    _listed(terminal, "Open refinements", map(str, findings.design.refinements))
    if simulation is not None:
        show_trust(simulation, terminal, verbose)
    if findings.problems:
        heading(terminal, "Still vague, or worth a look")
        show_problems(findings.problems, terminal)
    show_verdicts(findings.verdicts, terminal)


def _saturation(design: Design, simulation: Simulation, terminal: Terminal) -> None:
    run = simulation.upper or simulation.median
    rows = tuple(
        (
            str(place),
            one.component,
            Meter(min(1.0, one.used.value or 0.0), f"{used(one.used.value or 0.0)} of its {one.of}"),
        )
        for place, one in enumerate(saturation(design, run)[:5], start=1)
    )
    at = "at the upper end of the rates" if simulation.upper is not None else "at its rates"
    show_table(
        Table("What fills up first", (Column("", True), Column("Component"), Column(f"In use, {at}")), rows),
        terminal,
    )


def _faults(findings: Findings, terminal: Terminal) -> None:
    if findings.faults:
        table = faults_table(findings.faults.values(), findings.during())
        show_table(table, terminal)
        return
    if findings.design.faults:
        heading(terminal, "Faults")
    for name in findings.design.faults:
        _line(terminal, Text.assemble(f"· {name}", (": not simulated", "quiet")))
