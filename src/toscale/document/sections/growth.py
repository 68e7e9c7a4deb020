"""What fills up first, how far does it grow, and what does it cost?"""

from __future__ import annotations

from toscale.document import pictures, tables
from toscale.document.draft import HIGH, Draft, section, table
from toscale.document.figures import used
from toscale.document.findings import saturation
from toscale.document.text import Column, Meter, Paragraph, Row, Section, Table, Toned

__all__ = ["bottlenecks", "cost", "growth"]

MOST = 7
"""So many components are worth a line among those that fill up first."""


def bottlenecks(draft: Draft) -> Section:
    """What fills up first."""
    simulation = draft.findings.simulation
    if simulation is None:
        return section("bottlenecks", "Bottlenecks")
    run = simulation.upper or simulation.median
    at = "at the upper end of the rates" if simulation.upper is not None else "at its rates"
    rows = []
    for place, one in enumerate(saturation(draft.findings.design, run)[:MOST], 1):
        share = one.used.value or 0.0
        rows.append(
            Row(
                (
                    (str(place),),
                    (draft.anchors.link("component", one.component),),
                    Meter(min(1.0, share), f"{used(share)} of its {one.of}", share >= HIGH),
                )
            )
        )
    columns = (Column("Rank", is_number=True), Column("Component"), Column(f"In use, {at}"))
    note = (
        f"From {HIGH:.0%} on, queues grow steeply with each further request. What has no limit in the file is not in "
        "this list.",
    )
    return section(
        "bottlenecks",
        "Bottlenecks",
        Table("What fills up first", columns, tuple(rows), note) if rows else None,
    )


def growth(draft: Draft) -> Section:
    """The design at multiples of its load."""
    drawn = pictures.growth(draft.findings)
    design = draft.findings.design
    nothing = Paragraph((Toned("Not known: ", "unknown"), "the design names no multiples to grow to."))
    return section(
        "growth",
        "Growth",
        table(tables.growth_table(draft.findings)),
        *draft.figures("growth", () if drawn is None else (drawn,)),
        nothing if design.flows and not design.growth.curve else None,
    )


def cost(draft: Draft) -> Section:
    """What it costs."""
    anchors, design = draft.anchors, draft.findings.design
    found = table(
        tables.cost_table(draft.findings.estimates.cost),
        links={"Component": lambda name: (anchors.link("component", name),)},
        more=(
            Column("Line", is_number=True),
            lambda name: anchors.number(design.prices[name].place) if name in design.prices else (),
        ),
        caption="Cost by the month",
    )
    nothing = Paragraph((Toned("Not known: ", "unknown"), "the design gives no prices."))
    return section("cost", "Cost", found, nothing if found is None and design.components else None)
