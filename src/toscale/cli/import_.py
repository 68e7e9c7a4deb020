"""`toscale import PATH`: a Structurizr workspace, a Mermaid flowchart or a docker-compose file as a design."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from toscale.cli.files import reason_of
from toscale.cli.terminal import Terminal, Unreadable

__all__ = ["run"]

STDIN = "-"
MOST_BYTES = 4_000_001


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Writes the design; what was not taken over stands in its comments, and is counted on the standard error."""
    from toscale.cli.export import write_text
    from toscale.document.imports import NotImported, import_text

    name = "<stdin>" if options.path == STDIN else Path(options.path).name
    output = None if options.output is None else Path(options.output)
    if output is not None and output.exists():
        raise Unreadable(f"`{output}` is there already, and is left as it is: choose another name")
    try:
        text, sketch = import_text(_read(options.path), name)
    except NotImported as error:
        raise Unreadable(f"{options.path}:{error.line}: {error.message}\n  help: {error.mend}") from None
    if output is None:
        terminal.plain(text)
    else:
        write_text(output, text)
        terminal.line(f"Imported: {output}")
    parts = len(sketch.components)
    said = f"{parts} component{'s' * (parts != 1)}, {len(sketch.relations)} relations; rates and times are unknown"
    lost = f"; not taken over: {len(sketch.lost)}, see the comments at the top" if sketch.lost else ""
    terminal.err.print(f"{sketch.format}: {said}{lost}.", soft_wrap=True)
    return 0


def _read(path: str) -> str:
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read(MOST_BYTES)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MOST_BYTES)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(f"cannot read `{path}`: {reason_of(error)}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"cannot read `{path}`: it is no UTF-8 text. Save it as UTF-8") from None
    except ValueError:
        raise Unreadable(f"cannot read {path!r}: no file can be called so") from None
