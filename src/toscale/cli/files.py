"""Which designs are meant, and what do they say? Files, folders and the standard input, read with all problems."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from toscale.cli.terminal import Terminal, Unreadable
from toscale.design import Design, Loaded, Problem, check_design
from toscale.design.source import MOST_BYTES

__all__ = ["ENDING", "NOT_TEXT", "designs_in", "load", "read", "reason_of"]

ENDING = ".design.yaml"
STDIN = "-"
NOT_TEXT = frozenset({"TS001", "TS002", "TS003"})
"""Problems of a file that cannot be read as a text at all: the exit code is 2 then."""


def reason_of(error: OSError) -> str:
    """Why a file could not be read or written, in a few words."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def designs_in(path: str) -> Iterator[str]:
    """The files that a path of a call stands for: itself, or all designs in the folder that it is.

    Folders whose names begin with a dot are left out, and links are not followed. Raises Unreadable for a
    folder without designs.
    """
    if path == STDIN or not Path(path).is_dir():
        yield path
        return
    found = False
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        for name in sorted(files):
            if name.endswith(ENDING):
                found = True
                yield str(Path(folder) / name)
    if not found:
        raise Unreadable(f"there is no *{ENDING} in `{path}`")


def read(path: str) -> Loaded:
    """The design in a file with all its problems. Raises Unreadable where it cannot be opened."""
    if path == STDIN:
        return check_design(sys.stdin.buffer.read(MOST_BYTES + 1), "<stdin>")
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except IsADirectoryError:
        raise Unreadable(f"`{path}` is a folder: name one design file in it") from None
    except OSError as error:
        new = isinstance(error, FileNotFoundError) and path.endswith(ENDING)
        mend = f". To start one: toscale new {path}" if new else ""
        raise Unreadable(f"cannot read `{path}`: {reason_of(error)}{mend}") from None
    except ValueError:  # a name that no file can have
        raise Unreadable(f"cannot read {path!r}: no file can be called so") from None
    return check_design(data, path)


def load(path: str, terminal: Terminal, *, as_json: bool = False, to_run: bool = False) -> Design | int:
    """The design in a file, or the exit code after its errors have been shown.

    `to_run`: errors of values that cannot be, and of what cannot be simulated, count too; without, they are
    said beside the figures that they spoil.
    """
    loaded = read(path)
    errors = loaded.errors
    if loaded.design is not None and not errors:
        if to_run:
            from toscale.document.findings import all_problems

            errors = tuple(p for p in all_problems(loaded.design) if p.severity == "error")
        if not errors:
            return loaded.design
    return refuse(errors, path, terminal, as_json)


def refuse(problems: tuple[Problem, ...], path: str, terminal: Terminal, as_json: bool = False) -> int:
    """Shows the problems for which nothing can be computed, and gives the exit code."""
    if as_json:
        from toscale.document.as_json import problem_json, text_of

        terminal.plain(text_of({"file": path, "problems": [problem_json(problem) for problem in problems]}))
    else:
        from toscale.cli.show_problems import show_problems, tally

        show_problems(problems, terminal)
        terminal.say()
        terminal.say(f"{tally(problems)}: nothing is computed before they are mended.")
    return 2 if any(problem.code in NOT_TEXT for problem in problems) else 1
