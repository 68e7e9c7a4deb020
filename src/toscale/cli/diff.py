"""`toscale diff A B`: what is different in another design, or in another revision of one, in words and in numbers."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toscale.architecture.difference import differences
from toscale.cli.files import NOT_TEXT, read, refuse
from toscale.cli.git import at_revision, is_revision
from toscale.cli.terminal import Terminal, Unreadable
from toscale.design import Design, Loaded, check_design
from toscale.design.problems import DesignError

if TYPE_CHECKING:
    from toscale.architecture.effect import Effect
    from toscale.requirements.verdicts import Verdict

__all__ = ["Compared", "compare", "newly_missed", "run"]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two designs side by side: the verdicts on the targets of each, and the effects of the difference.

    `partly`: whether something in one of them was not simulated.
    """

    before: tuple[Verdict, ...]
    after: tuple[Verdict, ...]
    effects: tuple[Effect, ...]
    pairs: int
    partly: bool


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the differences and their effects.

    Exit code 1 where a target is missed after that was not before, or where a design has errors.
    """
    names = _names(options)
    designs = []
    for name in names:
        loaded = _read(name)
        errors = loaded.errors
        if loaded.design is not None and not errors and options.simulate:
            from toscale.document.findings import all_problems

            errors = tuple(p for p in all_problems(loaded.design) if p.severity == "error")
        if loaded.design is None or errors:
            refuse(errors, name, terminal, options.json)
            return 2 if any(problem.code in NOT_TEXT for problem in errors) else 1
        designs.append(loaded.design)
    before, after = designs
    found = differences(before, after)
    compared = None
    if found and options.simulate:
        try:
            compared = compare(before, after, options, terminal)
        except DesignError as error:
            return refuse(error.problems, names[1], terminal, options.json)
    if options.json:
        from toscale.cli.difference_json import difference_json
        from toscale.document.as_json import text_of

        terminal.plain(text_of(difference_json(names, designs, found, compared, options.seed)))
    else:
        from toscale.cli.show_difference import show_compared, show_differences, show_names

        show_names(names, terminal)
        show_differences(found, terminal)
        if compared is not None:
            show_compared(compared, terminal)
    return 1 if compared is not None and newly_missed(compared) else 0


def compare(before: Design, after: Design, options: argparse.Namespace, terminal: Terminal) -> Compared:
    """Both designs simulated and judged, and then as pairs. Raises DesignError for one that cannot be simulated."""
    from toscale.architecture.effect import PAIRS, effects
    from toscale.cli.running import run_design
    from toscale.document.findings import judge_at

    options.at = 1.0
    runs = run_design(before, options, terminal), run_design(after, options, terminal)
    if terminal.err.is_terminal:
        with terminal.err.status("simulating pairs") as status:
            found = effects(
                before,
                after,
                runs,
                seed=options.seed,
                duration=options.duration,
                progress=lambda share: status.update(f"simulating pairs: {share:.0%}"),
            )
    else:
        found = effects(before, after, runs, seed=options.seed, duration=options.duration)
    return Compared(
        judge_at(before, runs[0], seed=options.seed),
        judge_at(after, runs[1], seed=options.seed),
        found,
        PAIRS,
        any(simulation.not_simulated for side in runs for simulation in side.values()),
    )


def newly_missed(compared: Compared) -> tuple[str, ...]:
    """The names of the targets that are missed after, and were not before."""
    from toscale.requirements.verdicts import Status

    missed = {verdict.name for verdict in compared.before if verdict.status is Status.MISSED}
    return tuple(
        verdict.name
        for verdict in compared.after
        if verdict.status is Status.MISSED and verdict.name not in missed
    )


def _names(options: argparse.Namespace) -> tuple[str, str]:
    """What is compared with what: two paths, or the revision of `--git` and the file."""
    if options.git is None:
        if options.after is None:
            raise Unreadable(
                f"there is nothing to compare `{options.before}` with: name a second file, or a revision "
                f"(toscale diff --git HEAD {options.before})"
            )
        return options.before, options.after
    if options.after is None:
        return f"{options.git}:{options.before}", options.before
    raise Unreadable("`--git REVISION` takes one file, and compares it with itself at that revision")


def _read(name: str) -> Loaded:
    if is_revision(name):
        revision, _, path = name.partition(":")
        return check_design(at_revision(revision, path), name)
    return read(name)
