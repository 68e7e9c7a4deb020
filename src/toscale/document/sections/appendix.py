"""What is looked up, not read: how the design was run, which figures were taken from defaults, and the file."""

from __future__ import annotations

from toscale.document import words
from toscale.document.anchors import file_lines
from toscale.document.draft import Draft, bullets, section
from toscale.document.text import Column, Listing, Row, Section, Table

__all__ = ["defaults", "how_it_was_run", "listing"]


def how_it_was_run(draft: Draft) -> Section:
    """How long each load was simulated, and how that ended."""
    simulation = draft.findings.simulation
    if simulation is None:
        return section("runs", "Appendix: how it was run")
    lines = [
        line
        for load, run in words.runs(simulation)
        for line in (words.how_it_ran(load, run, simulation), *(words.sentence(note) for note in run.notes))
    ]
    return section("runs", "Appendix: how it was run", bullets(lines))


def defaults(draft: Draft) -> Section:
    """The figures that the file does not give, with their sources."""
    simulation = draft.findings.simulation
    rows = tuple(
        Row(((draft.anchors.link("component", one.component),), (one.what,), (one.value,), (one.source,)))
        for one in (() if simulation is None else simulation.defaults)
    )
    columns = (
        Column("Of"),
        Column("What", is_sentence=True),
        Column("Value"),
        Column("From", is_sentence=True),
    )
    return section(
        "defaults",
        "Appendix: figures taken from defaults",
        Table("What the file does not say, and was taken from elsewhere", columns, rows) if rows else None,
    )


def listing(draft: Draft) -> Section:
    """The design file, line by line."""
    lines = file_lines(draft.findings.design)
    return section("file", "Appendix: the design file", Listing(lines) if lines else None)
