"""What must be told about a lowering? It is written down here while the design is gone through, each thing
once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from toscale.design.parts import NOWHERE, Place
from toscale.design.problems import Problem
from toscale.kinds import Default
from toscale.simulate.lowering.lowered import DefaultUsed, LoweringError, Note, NotSimulated

__all__ = ["Ledger", "NotComputable"]


class NotComputable(Exception):
    """A value of the file that cannot be computed; `because` ends a sentence."""

    def __init__(self, because: str, place: Place = NOWHERE) -> None:
        super().__init__(because)
        self.because, self.place = because, place


@dataclass(slots=True)
class Ledger:
    """Collects defaults, notes, what is not simulated, and problems, in the order in which they are met."""

    _defaults: dict[tuple[str, str], DefaultUsed] = field(default_factory=dict)
    _notes: dict[str, Note] = field(default_factory=dict)
    _missing: dict[tuple[str, str, str | None], NotSimulated] = field(default_factory=dict)
    _medians: dict[str, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def default(self, component: str, what: str, value: str, source: str) -> None:
        """A figure that the file does not give was taken."""
        self._defaults.setdefault((component, what), DefaultUsed(component, what, value, source))

    def take(self, component: str, what: str, default: Default, value: str = "") -> float:
        """The value of a default, which is written down; `value` says it in words (the number, if not
        given).
        """
        self.default(component, what, value or f"{default.value:g}", default.source)
        return default.value

    def note(self, text: str, place: Place = NOWHERE) -> None:
        """Something was read in a way that must be said."""
        self._notes.setdefault(text, Note(text, place))

    def missing(
        self,
        text: str,
        place: Place = NOWHERE,
        *,
        path: str = "",
        flow: str | None = None,
        left_out: bool = False,
    ) -> None:
        """Something is not carried out."""
        self._missing.setdefault((text, path, flow), NotSimulated(text, place, path, flow, left_out))

    def at_median(self, text: str) -> None:
        """An uncertain figure other than a rate was taken at its median."""
        self._medians[text] = None

    def problem(self, code: str, message: str, suggestion: str, place: Place = NOWHERE) -> None:
        """Something makes the whole impossible."""
        found = Problem(code, "error", message, suggestion, place)
        if found not in self.problems:
            self.problems.append(found)

    def stop_on_problems(self) -> None:
        """Raise what has been collected, if anything."""
        if self.problems:
            raise LoweringError(sorted(self.problems, key=lambda problem: (problem.place, problem.code)))

    @property
    def defaults(self) -> tuple[DefaultUsed, ...]:
        return tuple(self._defaults.values())

    @property
    def notes(self) -> tuple[Note, ...]:
        notes = list(self._notes.values())
        if self._medians:
            figures = ", ".join(f"`{text}`" for text in self._medians)
            notes.append(
                Note(f"Uncertain, and taken at the median, as all figures but rates are: {figures}.")
            )
        return tuple(notes)

    @property
    def not_simulated(self) -> tuple[NotSimulated, ...]:
        return tuple(self._missing.values())
