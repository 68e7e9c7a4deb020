"""`toscale report FILE`: walks through the four steps of a design, and writes them as a design document: a page of
HTML, Markdown or PDF, by the ending of its name.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from toscale.cli.files import ENDING, load, reason_of, refuse
from toscale.cli.terminal import Terminal, Unreadable
from toscale.design.model import Design
from toscale.design.problems import DesignError

if TYPE_CHECKING:
    from toscale.simulate.fault_result import FaultResult

__all__ = ["run"]

ENDINGS = (".html", ".md", ".pdf")
"""What the name of a document may end in."""


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Writes the document and prints the walk; exit code 1 where a target is missed or the design has errors."""
    output = Path(options.output) if options.output else _page_of(options.file)
    if output.is_dir():
        raise Unreadable(f"`{output}` is a folder: name a file for the document")
    if output.suffix.lower() not in ENDINGS:
        raise Unreadable(f"`{output}` is no file for a document: name one that ends in {', '.join(ENDINGS)}")
    design = load(options.file, terminal, to_run=True)
    if isinstance(design, int):
        return design
    from toscale.cli.running import run_design
    from toscale.cli.show_simulation import show_summary, show_title
    from toscale.cli.show_steps import show_steps
    from toscale.document.compose import document_of
    from toscale.document.findings import find
    from toscale.document.written import written

    try:
        simulations = run_design(design, options, terminal) if design.flows else {}
        faults = _faults(design, options, terminal) if design.flows else {}
    except DesignError as error:
        return refuse(error.problems, options.file, terminal)
    findings = find(design, simulations, multiple=options.at, seed=options.seed, faults=faults)
    for path, content in written(document_of(findings, options.file), output).items():
        _write(path, content)
    show_title(design, options.file, terminal, "report" if options.at == 1 else f"report at {options.at:g}x")
    if design.brief:
        terminal.say(design.brief)
    show_steps(findings, terminal, options.verbose)
    show_summary(findings.verdicts, terminal)
    terminal.line(f"Document: {output}")
    return 1 if findings.missed else 0


def _faults(design: Design, options: argparse.Namespace, terminal: Terminal) -> dict[str, FaultResult]:
    from toscale.cli.running import run_faults

    names = {"all": design.faults, "targeted": None, "none": ()}[options.faults]
    return run_faults(design, options, terminal, names)


def _page_of(file: str) -> Path:
    """The document's name if none is given, in the folder where the command runs."""
    name = "design" if file == "-" else Path(file).name
    return Path(name.removesuffix(ENDING).removesuffix(".yaml") + ".html")


def _write(output: Path, content: bytes) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
    except OSError as error:
        raise Unreadable(f"cannot write `{output}`: {reason_of(error)}") from None
    except ValueError:
        raise Unreadable(f"cannot write {str(output)!r}: no file can be called so") from None
