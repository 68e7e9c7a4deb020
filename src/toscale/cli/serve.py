"""`toscale serve [FILE]`: holds rooms in which people work on one design at the same time."""

from __future__ import annotations

import argparse
from pathlib import Path

from toscale.cli.files import read
from toscale.cli.terminal import Terminal, Unreadable

__all__ = ["run"]


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Serves until Ctrl-C; exit code 2 where it cannot be started."""
    if options.file is not None:
        read(options.file)  # says at once, and in the usual words, why a file cannot be opened
    from toscale.interview.roles import Role, SessionKind
    from toscale.server.serve import CannotServe, Options, serve

    chosen = Options(
        host=options.host,
        port=options.port,
        file=None if options.file is None else Path(options.file),
        kind=SessionKind(options.kind),
        role=Role(options.role),
        new=options.new,
        data=None if options.data is None else Path(options.data),
        origins=options.origin,
        simulations=options.simulations,
    )

    def say(line: str) -> None:
        terminal.plain(line)
        terminal.out.file.flush()  # whoever reads it through a pipe waits for it

    try:
        serve(chosen, say)
    except CannotServe as error:
        raise Unreadable(str(error)) from None
    return 0
