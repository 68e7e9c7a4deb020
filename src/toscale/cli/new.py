"""`toscale new`: a small, complete, commented design to start from."""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

from toscale.cli.terminal import Terminal, Unreadable

__all__ = ["run", "starting_design"]


def starting_design() -> str:
    """The text that a new design begins as."""
    return files("toscale.cli").joinpath("starting.design.yaml").read_text(encoding="utf-8")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Writes the file, unless there is one of that name."""
    path = Path(options.file)
    if not path.suffix:
        path = path.with_name(f"{path.name}.design.yaml")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(starting_design())
    except FileExistsError:
        raise Unreadable(f"`{path}` is there already, and is left as it is: choose another name") from None
    except OSError as error:
        from toscale.cli.files import reason_of

        raise Unreadable(f"cannot write `{path}`: {reason_of(error)}") from None
    except ValueError:
        raise Unreadable(f"cannot write {options.file!r}: no file can be called so") from None
    terminal.line(f"Wrote {path}. What to do with it:")
    terminal.line()
    for command, what in (
        ("check", "what is wrong, and what is vague"),
        ("estimate", "what its numbers come to"),
        ("simulate", "whether it meets its targets"),
        ("report", "all of it, as a design document"),
    ):
        terminal.line(f"  toscale {command:<9} {path}    {what}")
    return 0
