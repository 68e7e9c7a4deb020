"""What is it made of? The drawing, the components as the file says them, the network between them."""

from __future__ import annotations

from toscale.architecture import draw
from toscale.design.model import Link as NetworkLink
from toscale.document import tables
from toscale.document.draft import Draft, bullets, section, table
from toscale.document.text import Column, Figure, Paragraph, Row, Section, Spans, Table

__all__ = ["components", "drawing", "focus", "network"]

READABLE = 0.72
"""A drawing is not made smaller than this part of its size: a wider one is moved to and fro instead."""


def drawing(draft: Draft) -> Section | None:
    """The design as a picture."""
    findings = draft.findings
    simulation = findings.simulation
    drawn = draw(
        findings.design,
        multiple=findings.multiple,
        run=None if simulation is None else simulation.median,
        source="the simulation, at the median of the rates (on lines: theory)",
    )
    if not drawn.graph.nodes:
        return None
    return section(
        "drawing",
        "The drawing",
        Figure(
            "figure-drawing",
            "Who calls whom, how often, and how busy it is",
            drawn.svg(heading=False),
            drawn.svg("light", heading=False),
            "The components and who calls whom; the tables and the flows below say the same in words.",
            least_width=round(READABLE * drawn.size[0]),
        ),
    )


def components(draft: Draft) -> Section:
    """Each component with what the file says of it."""
    anchors, design = draft.anchors, draft.findings.design
    return section(
        "components",
        "Components",
        table(
            tables.components_table(design),
            ids=lambda name: anchors.id("component", name),
            links={
                "Kind": lambda kind: (kind.replace("_", " "),),
                "As the file says": lambda text: anchors.within(text, "estimate"),
            },
            caption="What the file says of each",
            more=(
                Column("Line", is_number=True),
                lambda name: anchors.number(design.components[name].place, name),
            ),
        ),
    )


def network(draft: Draft) -> Section:
    """Round trips, loss and bandwidth, and what is held open."""
    anchors, design = draft.anchors, draft.findings.design
    given = design.network
    named: list[tuple[str, NetworkLink]] = [
        (f"{one} – {other}", link) for (one, other), link in given.links.items()
    ]
    named += [
        (where, link)
        for where, link in (
            ("within a zone", given.within_a_zone),
            ("between zones", given.between_zones),
            ("between regions", given.between_regions),
        )
        if link is not None
    ]
    rows = tuple(
        Row(
            (
                (where,),
                (_or_dash(link.latency),),
                (_or_dash(link.bandwidth or given.bandwidth),),
                (_or_dash(link.loss or given.loss),),
                anchors.number(link.place),
            )
        )
        for where, link in named
    )
    columns = (
        Column("Between"),
        Column("Round trip", is_number=True),
        Column("Bandwidth", is_number=True),
        Column("Lost", is_number=True),
        Column("Line", is_number=True),
    )
    held = [
        (
            f"{name}: ",
            f"{_or_nothing('{} at any time, ', one.held)}held by a {one.from_actor} at ",
            anchors.link("component", one.to),
            _or_nothing(", each for {}", one.lasts),
            _or_nothing(", {} of memory each", one.memory),
            _or_nothing("; when lost, opened again after {}", one.reconnect_after),
            ". ",
            anchors.line(one.place),
        )
        for name, one in design.connections.items()
    ]
    return section(
        "network",
        "The network",
        _without_dashes(Table("Between what, how long and how wide", columns, rows)) if rows else None,
        Paragraph(("Nothing is said of the network: a call takes no time on its way.",))
        if not rows and design.components
        else None,
        Paragraph(("What is held open for longer than a request:",)) if held else None,
        bullets(held),
    )


def _or_dash(value: object) -> str:
    return "–" if value is None else str(value)


def _or_nothing(said: str, value: object) -> str:
    return "" if value is None else said.format(value)


def _without_dashes(given: Table) -> Table:
    """The table without the columns in which nothing is said."""
    kept = [
        at
        for at, _ in enumerate(given.columns)
        if any(row.cells[at] not in (("–",), ()) for row in given.rows)
    ]
    rows = tuple(Row(tuple(row.cells[at] for at in kept), row.id) for row in given.rows)
    return Table(given.caption, tuple(given.columns[at] for at in kept), rows, given.note)


def focus(draft: Draft) -> Section:
    """What the file marks for the deep dive."""
    names = draft.findings.design.focus
    found: list[Spans] = [(draft.anchors.first(name, "component", "flow"),) for name in names]
    return section("focus", "To look at more closely", bullets(found))
