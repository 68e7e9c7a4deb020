"""`toscale estimate FILE`: what the numbers of a design come to."""

from __future__ import annotations

import argparse

from toscale.cli.files import load
from toscale.cli.terminal import Terminal

__all__ = ["run"]


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the estimates; exit code 1 where one of them cannot be computed."""
    design = load(options.file, terminal, as_json=options.json)
    if isinstance(design, int):
        return design
    from toscale.requirements.estimates import estimate

    estimates = estimate(design, multiple=options.at, seed=options.seed)
    if options.json:
        from toscale.document.as_json import estimates_json, problem_json, text_of

        problems = [problem_json(problem) for problem in estimates.problems]
        said = {
            "file": options.file,
            "title": design.title,
            **estimates_json(estimates),
            "problems": problems,
        }
        terminal.plain(text_of(said))
    else:
        from toscale.cli.show_estimates import show_estimates
        from toscale.cli.show_simulation import show_title

        show_title(
            design,
            options.file,
            terminal,
            "estimates" if options.at == 1 else f"estimates at {options.at:g}x",
        )
        if not design.estimates:
            terminal.say("There are no `estimates` yet. Write one, such as:")
            terminal.line("  estimates:")
            terminal.line("    visits: 10M to 30M / month")
        show_estimates(design, estimates, terminal)
    return 1 if any(problem.severity == "error" for problem in estimates.problems) else 0
