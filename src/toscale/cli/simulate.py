"""`toscale simulate FILE`: runs a design at both ends of its rates, and judges it against its own targets."""

from __future__ import annotations

import argparse

from toscale.cli.files import load, refuse
from toscale.cli.terminal import Terminal
from toscale.design.problems import DesignError

__all__ = ["run"]


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints what was simulated; exit code 1 where a target is missed or the design has errors."""
    design = load(options.file, terminal, as_json=options.json, to_run=True)
    if isinstance(design, int):
        return design
    if not design.flows and not options.json:
        terminal.say("There is no flow yet, and so nothing to simulate. Write one under `flows`, such as:")
        terminal.line("  look: {from: visitor, rate: 20 / s, steps: [{app: 5 ms}]}")
        return 0
    if options.fault is not None:
        from toscale.cli.faults import run_one

        return run_one(design, options, terminal)
    from toscale.cli.running import run_design, run_faults
    from toscale.document.findings import all_problems, judge_at
    from toscale.requirements.verdicts import Status

    try:
        simulations = run_design(design, options, terminal)
        faults = run_faults(design, options, terminal)
    except DesignError as error:
        return refuse(error.problems, options.file, terminal, options.json)
    simulation = simulations[options.at]
    verdicts = judge_at(design, simulations, options.at, options.seed, faults)
    if options.json:
        from toscale.document.as_json import simulation_json, text_of

        said = simulation_json(design, simulation, verdicts, all_problems(design))
        terminal.plain(text_of({"file": options.file, **said}))
    else:
        from toscale.cli.show_simulation import (
            show_figures,
            show_summary,
            show_title,
            show_trust,
            show_verdicts,
        )

        show_title(
            design,
            options.file,
            terminal,
            "simulated" if options.at == 1 else f"simulated at {options.at:g}x",
        )
        show_figures(simulation, terminal)
        show_trust(simulation, terminal, options.verbose)
        show_verdicts(verdicts, terminal)
        show_summary(verdicts, terminal)
    return 1 if any(verdict.status is Status.MISSED for verdict in verdicts) else 0
