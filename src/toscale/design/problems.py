"""What is wrong with a design, where, why, and what to write instead?

A `Problem` belongs to a rule, whose code is stable: it may be searched for, cited and documented. The rules
are in `rules`; this module knows how problems are collected, ordered and written.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from toscale.design.parts import NOWHERE, Place

__all__ = ["DesignError", "Problem", "Problems", "Severity", "listed", "nearest", "quoted", "render"]

Severity: TypeAlias = Literal["error", "warning", "note"]

MOST_PROBLEMS = 200
"""So many are shown of one file; the rest is counted. A file with more is not mended by reading on."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or worth saying.

    An `error` means that a part cannot be understood; a `warning` that it is probably not what was meant, or
    that something cannot be computed; a `note` is only information. `message` is the cause and `suggestion`
    the mend (may be empty), both whole sentences.
    """

    code: str
    severity: Severity
    message: str
    suggestion: str
    place: Place = NOWHERE

    def __str__(self) -> str:
        head = f"{self.place}: {self.code} {self.message}"
        return f"{head}\n  help: {self.suggestion}" if self.suggestion else head


class DesignError(ValueError):
    """A design that has errors was used where one without is needed. `problems` holds all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(render(self.problems))


class Problems:
    """A list that grows while a design is read. Each problem is added once, its severity taken from its
    rule.
    """

    def __init__(self) -> None:
        self._problems: dict[tuple[str, Place, str], Problem] = {}
        self._more = 0

    def add(self, code: str, place: Place, message: str, suggestion: str = "") -> None:
        """Add a problem of the rule `code`; KeyError if there is no such rule."""
        from toscale.design.rules import RULES

        problem = Problem(code, RULES[code].severity, message, suggestion, place)
        key = (code, place, message)
        if key in self._problems:
            return
        if len(self._problems) >= MOST_PROBLEMS:
            self._more += 1
        else:
            self._problems[key] = problem

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._problems) + self._more

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(problem.severity == "error" for problem in self._problems.values()) + self._more

    @property
    def failed(self) -> bool:
        """Whether there is an error among them."""
        return self.errors > 0

    def sorted(self) -> tuple[Problem, ...]:
        """All of them, by place; when there were too many, the last one says how many more."""
        problems = sorted(self._problems.values(), key=lambda p: (p.place, p.code))
        if self._more:
            place = problems[-1].place
            problems.append(
                Problem(
                    "TS018", "error", f"There are {self._more} further problems.", "Mend these first.", place
                )
            )
        return tuple(problems)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be, or None. At most 2,000 candidates are compared."""
    if not word or len(word) > 80:
        return None
    choices = [c for c, _ in zip(candidates, range(2000), strict=False) if len(c) <= 80]
    folded = word.casefold().replace("_", " ").replace("-", " ")
    for choice in choices:
        if choice != word and choice.casefold().replace("_", " ").replace("-", " ") == folded:
            return choice
    near = difflib.get_close_matches(word, [c for c in choices if c != word], n=1, cutoff=0.65)
    return near[0] if near else None


def quoted(text: str, most: int = 60) -> str:
    """The text in backquotes, on one line, printable, cut to `most` characters: how a message cites the
    file.
    """
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return f"`{flat if len(flat) <= most else flat[: most - 1] + '…'}`"


def listed(words: Iterable[str], most: int = 24) -> str:
    """Names as a message lists them: each in backquotes, at most so many."""
    names = list(words)
    shown = ", ".join(quoted(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def render(problems: Iterable[Problem]) -> str:
    """The problems as lines `file:line:column: CODE message`, each with its help below it."""
    return "\n".join(str(problem) for problem in problems)
