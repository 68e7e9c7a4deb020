"""`toscale check PATHS`: what is wrong in design files, what is vague, and with `--simulate` whether targets
are met.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from rich.text import Text

from toscale.cli.files import NOT_TEXT, designs_in, read
from toscale.cli.show_problems import show_problems, tally
from toscale.cli.terminal import Terminal, Unreadable
from toscale.design import Design, Problem
from toscale.design.problems import DesignError
from toscale.requirements.verdicts import Status, Verdict

__all__ = ["run"]


@dataclass
class _Checked:
    """One file: its problems, and the verdicts where it was simulated; or why it could not be read."""

    file: str
    problems: tuple[Problem, ...] = ()
    verdicts: tuple[Verdict, ...] | None = None
    unreadable: str = ""
    title: str | None = None

    @property
    def errors(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def code(self) -> int:
        if self.unreadable or any(problem.code in NOT_TEXT for problem in self.problems):
            return 2
        missed = any(verdict.status is Status.MISSED for verdict in self.verdicts or ())
        return 1 if self.errors or missed else 0


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Checks every file, and prints all problems; the exit code is the worst of theirs."""
    checked = []
    for file in _files(options.paths):
        one = file if isinstance(file, _Checked) else _check(file, options, terminal)
        checked.append(one)
        if not options.json:
            _show(one, options, terminal)
    if options.json:
        _show_json(checked, options.simulate, terminal)
    else:
        _show_summary(checked, terminal)
    return max(one.code for one in checked)


def _files(paths: list[str]) -> list[str | _Checked]:
    """The files of the call, each once, and the paths that cannot be read."""
    found: dict[str, str | _Checked] = {}
    for path in paths:
        try:
            found.update((file, file) for file in designs_in(path) if file not in found)
        except Unreadable as error:
            found[path] = _Checked(path, unreadable=str(error))
    return list(found.values())


def _check(file: str, options: argparse.Namespace, terminal: Terminal) -> _Checked:
    from toscale.document.findings import all_problems

    try:
        loaded = read(file)
    except Unreadable as error:
        return _Checked(file, unreadable=str(error))
    if loaded.design is None or loaded.errors:
        return _Checked(file, loaded.problems)
    problems = tuple(
        sorted({*loaded.problems, *all_problems(loaded.design)}, key=lambda p: (p.place, p.code))
    )
    if not options.simulate or any(problem.severity == "error" for problem in problems):
        return _Checked(file, problems, title=loaded.design.title)
    return _judge(file, loaded.design, problems, options, terminal)


def _judge(
    file: str, design: Design, problems: tuple[Problem, ...], options: argparse.Namespace, terminal: Terminal
) -> _Checked:
    from toscale.cli.running import run_design, run_faults
    from toscale.document.findings import judge_at

    if not design.requirements.targets:
        return _Checked(file, problems, (), title=design.title)
    try:
        simulations = run_design(design, options, terminal)
        faults = run_faults(design, options, terminal)
    except DesignError as error:
        return _Checked(file, (*problems, *error.problems), title=design.title)
    verdicts = judge_at(design, simulations, options.at, options.seed, faults)
    return _Checked(file, problems, verdicts, title=design.title)


# ---- what is shown


def _show(one: _Checked, options: argparse.Namespace, terminal: Terminal) -> None:
    if one.unreadable:
        terminal.complain(one.unreadable)
        return
    show_problems((p for p in one.problems if p.severity == "error" or not options.quiet), terminal)
    if one.verdicts is not None:
        from toscale.cli.show_simulation import show_verdicts
        from toscale.document.words import summary

        show_verdicts(one.verdicts, terminal, only_unmet=options.quiet)
        terminal.line(Text.assemble((f"{one.file}: ", "name"), summary(one.verdicts)))


def _show_summary(checked: list[_Checked], terminal: Terminal) -> None:
    read_ones = [one for one in checked if not one.unreadable]
    problems = [problem for one in read_ones for problem in one.problems]
    designs = f"{len(read_ones)} design{'' if len(read_ones) == 1 else 's'}"
    unreadable = len(checked) - len(read_ones)
    more = f"; {unreadable} could not be read" if unreadable else ""
    missed = sum(v.status is Status.MISSED for one in read_ones for v in one.verdicts or ())
    more = f"; {missed} target{'' if missed == 1 else 's'} missed{more}" if missed else more
    bad = any(one.code for one in checked)
    if problems:
        terminal.say()
    terminal.line(Text(f"{designs}: {tally(problems)}{more}.", "missed" if bad else "met"))


def _show_json(checked: list[_Checked], simulated: bool, terminal: Terminal) -> None:
    from toscale.document.as_json import problem_json, text_of, verdict_json

    problems = [problem for one in checked for problem in one.problems]
    files = []
    for one in checked:
        entry: dict[str, object] = {
            "file": one.file,
            "title": one.title,
            "unreadable": one.unreadable or None,
        }
        if simulated:
            entry["conditions"] = None if one.verdicts is None else [verdict_json(v) for v in one.verdicts]
        files.append(entry)
    count = {name: sum(p.severity == name for p in problems) for name in ("error", "warning", "note")}
    terminal.plain(
        text_of(
            {
                "problems": [problem_json(problem) for problem in problems],
                "files": files,
                "errors": count["error"],
                "warnings": count["warning"],
                "notes": count["note"],
            }
        )
    )
