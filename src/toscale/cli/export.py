"""`toscale export FILE --to FORMAT`: the drawing of a design as a text of another tool."""

from __future__ import annotations

import argparse
from pathlib import Path

from toscale.cli.files import load, reason_of
from toscale.cli.terminal import Terminal, Unreadable

__all__ = ["run", "write_text"]


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Writes the text; exit code 1 where the design has errors."""
    design = load(options.file, terminal)
    if isinstance(design, int):
        return design
    from toscale.architecture import draw
    from toscale.document.exports import export

    drawing = draw(design, at="upper" if options.upper else "median", multiple=options.at)
    text = export(drawing, options.to)
    if options.output is None:
        terminal.plain(text)
    else:
        write_text(Path(options.output), text)
        terminal.line(f"Exported: {options.output}")
    return 0


def write_text(path: Path, text: str) -> None:
    """Write a text where the user said. Raises Unreadable where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Unreadable(f"cannot write `{path}`: {reason_of(error)}") from None
    except ValueError:
        raise Unreadable(f"cannot write {str(path)!r}: no file can be called so") from None
