"""What does the command write to? A terminal of any width, a pipe or a file; in colour, without, or in ASCII only.

Results go to the standard output, everything else to the standard error. Words and signs say what colours say.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.theme import Theme

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["PIPED_WIDTH", "Terminal", "Unreadable", "tolerant"]

PIPED_WIDTH = 100
"""Columns where the output is no terminal and COLUMNS does not say: the same on every machine."""

NARROWEST = 30
"""No layout is made for less: a narrower terminal wraps the lines itself."""

_ASCII = {
    "–": "-",
    "±": "+",
    "×": "x",
    "µ": "u",
    "≤": "<",
    "≥": ">",
    "…": ".",
    "·": "-",
    "→": ">",
    "✓": "+",
    "✗": "x",
    "█": "#",
    "░": ".",
    "’": "'",
    "“": '"',
    "”": '"',
    "─": "-",
    "│": "|",
    "├": "|",
    "└": "`",
    "−": "-",
}
"""What stands for a sign that the output cannot encode: one character for one, so that columns stay columns."""

_THEME = Theme(
    {
        "met": "green",
        "at risk": "yellow",
        "missed": "bold red",
        "unknown": "magenta",
        "error": "bold red",
        "warning": "yellow",
        "note": "cyan",
        "quiet": "dim",
        "head": "bold",
        "step": "bold blue",
        "name": "bold",
        "bar": "blue",
        "bar.high": "red",
    }
)


class Unreadable(Exception):
    """A file cannot be read or written; the text says which, why, and what to do."""


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ASCII.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error("toscale", _stand_in)


def tolerant(stream: TextIO) -> None:
    """Let a stream write another sign for one that it cannot encode, instead of failing."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
        stream.reconfigure(errors="toscale")


class _Console(Console):
    """A console that lets a broken pipe come through: `main` knows what to do."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where results (`out`) and everything else (`err`) go."""

    out: Console
    err: Console

    @staticmethod
    def open() -> Terminal:
        """The standard output and error as they are now."""
        return Terminal(_console(sys.stdout), _console(sys.stderr))

    @property
    def width(self) -> int:
        return self.out.width

    @property
    def is_ascii(self) -> bool:
        return not self.out.encoding.lower().startswith("utf")

    def say(self, *what: RenderableType, style: str | None = None) -> None:
        """Write a result. A file or a program gets no spaces at the ends of lines."""
        if self.out.is_terminal:
            self.out.print(*what, style=style)
            return
        with self.out.capture() as captured:
            self.out.print(*what, style=style)
        self.out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    def line(self, what: RenderableType = "") -> None:
        """Write a line that is not broken, whatever the width: for what programs and editors read."""
        self.out.print(what, soft_wrap=True)

    def plain(self, text: str) -> None:
        """Write a text as it is."""
        self.out.file.write(text if text.endswith("\n") else f"{text}\n")

    def complain(self, message: str) -> None:
        """Say what is wrong with the call or with a file."""
        self.err.print(f"toscale: {message}", soft_wrap=True)


def _console(stream: TextIO) -> Console:
    options: dict[str, Any] = {}
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit():
        options["width"] = max(NARROWEST, int(columns))
    elif not stream.isatty():
        options["width"] = PIPED_WIDTH
    console = _Console(file=stream, theme=_THEME, highlight=False, markup=False, emoji=False, **options)
    if console.width < NARROWEST:
        console.width = NARROWEST
    return console
