"""The command `toscale` with its commands, of which `parser` has the list. `main` is the way in.

The exit code says what happened: 0 nothing is missed, 1 a target is missed or a design has errors, 2 the call
or a file cannot be read. Each command is a module of this package with a `run`; nothing heavy is imported
before it is needed.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell reports of a program that SIGINT (2) or SIGPIPE (13) has ended: 128 and the number of the
signal.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; `arguments` are those of the process, if not given."""
    from toscale.cli.parser import parse
    from toscale.cli.terminal import Terminal, Unreadable, tolerant

    tolerant(sys.stdout)
    tolerant(sys.stderr)
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        if isinstance(options, int):
            return options
        terminal = Terminal.open()
        try:
            code = int(_module(options.command).run(options, terminal))
        except Unreadable as error:
            terminal.complain(str(error))
            code = 2
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone. Python would complain when it closes the pipe at its end: give it another.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _module(command: str):  # type: ignore[no-untyped-def]
    from importlib import import_module
    from keyword import iskeyword

    return import_module(f"toscale.cli.{command}{'_' if iskeyword(command) else ''}")
