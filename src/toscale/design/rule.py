"""What is a rule? A code with its severity, why it exists, and examples of breaking and keeping it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the design file.

    `bad` is a design that breaks it, with the place of the problem between « and »; `good` one that does
    not. Both are empty where a text of a few lines cannot show it.
    """

    code: str
    severity: Literal["error", "warning", "note"]
    title: str
    why: str
    bad: str = ""
    good: str = ""

    @property
    def bad_text(self) -> str:
        """The bad example without its marks."""
        return self.bad.replace("«", "").replace("»", "")
