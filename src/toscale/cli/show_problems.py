"""How are problems shown? As linters do: `file:line:column: CODE severity: message`, with the help below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from toscale.cli.terminal import Terminal
from toscale.design.problems import Problem

__all__ = ["problem_lines", "show_problems", "tally"]


def show_problems(problems: Iterable[Problem], terminal: Terminal) -> None:
    """Writes each problem; lines are not broken, so that editors and `grep` find the places."""
    for problem in problems:
        for line in problem_lines(problem):
            terminal.line(line)


def problem_lines(problem: Problem) -> list[Text]:
    """The problem and its help, a line each."""
    place = str(problem.place) if problem.place.line else (problem.place.file or "<design>")
    lines = [
        Text.assemble(
            (place, "name"), ": ", (problem.code, problem.severity), f" {problem.severity}: {problem.message}"
        )
    ]
    if problem.suggestion:
        lines.append(Text.assemble(("  help: ", "quiet"), problem.suggestion))
    return lines


def tally(problems: Sequence[Problem]) -> str:
    """`1 error, 2 warnings, 3 notes`; `no problems`."""
    parts = []
    for severity in ("error", "warning", "note"):
        number = sum(problem.severity == severity for problem in problems)
        if number:
            parts.append(f"{number} {severity}{'' if number == 1 else 's'}")
    return ", ".join(parts) or "no problems"
