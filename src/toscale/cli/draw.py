"""`toscale draw FILE`: the design as a picture, SVG or PNG, or as a drawing in the terminal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from toscale.cli.files import load, reason_of, refuse
from toscale.cli.terminal import Terminal, Unreadable
from toscale.design.model import Design
from toscale.design.problems import DesignError

if TYPE_CHECKING:
    from toscale.simulate.result import RunResult

__all__ = ["MOST_PIXELS", "SCALE", "run", "write_picture"]

SCALE = 2.0
"""A PNG has so many pixels for each of the SVG, so that it is sharp on today's screens and in print."""

MOST_PIXELS = 16_000
"""No side of a PNG is longer: large designs are drawn smaller, instead of needing gigabytes."""


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Draws the design; exit code 1 where it has errors, or cannot be simulated as asked for."""
    output = None if options.output is None else Path(options.output)
    if output is not None and (output.is_dir() or output.suffix.lower() not in (".svg", ".png")):
        raise Unreadable(f"`{output}` is no file for a picture: name one that ends in .svg or .png")
    design = load(options.file, terminal)
    if isinstance(design, int):
        return design
    from toscale.architecture import draw

    try:
        simulated = _simulated(design, options, terminal)
    except DesignError as error:
        return refuse(error.problems, options.file, terminal)
    drawing = draw(design, at="upper" if options.upper else "median", multiple=options.at, run=simulated)
    if output is None:
        from toscale.cli.show_simulation import show_title

        show_title(design, options.file, terminal, "drawing")
        if not drawing.graph.nodes:
            terminal.say("There are no `components` yet. Write one, such as:")
            terminal.line("  components:")
            terminal.line("    app: {kind: service}")
            return 0
        terminal.plain(drawing.text(terminal.width, ascii_only=terminal.is_ascii))
        terminal.say(f"\nFigures: {drawing.figures.source}.", style="quiet")
        return 0
    if output.suffix.lower() == ".svg":
        content = drawing.svg(options.theme).encode()
    else:
        longest = max(drawing.size)
        content = drawing.png(options.theme, min(SCALE, MOST_PIXELS / longest))
    write_picture(output, content)
    terminal.line(f"Picture: {output}")
    return 0


def _simulated(design: Design, options: argparse.Namespace, terminal: Terminal) -> RunResult | None:
    """The simulated run whose loads are to be drawn, if one is asked for."""
    if not options.simulate or not design.flows:
        return None
    from toscale.cli.running import run_design

    simulation = run_design(design, options, terminal)[options.at]
    return simulation.upper if options.upper and simulation.upper is not None else simulation.median


def write_picture(output: Path, content: bytes) -> None:
    """Writes a picture into its file, whose folder is made. Raises Unreadable where it cannot be written."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
    except OSError as error:
        raise Unreadable(f"cannot write `{output}`: {reason_of(error)}") from None
    except ValueError:
        raise Unreadable(f"cannot write {str(output)!r}: no file can be called so") from None
