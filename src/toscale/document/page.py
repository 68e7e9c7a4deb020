"""How does a report become one page? A template with the tables and plots of the findings, in one file that
needs no other.

Everything that comes from the design is escaped by the template; plots escape their own labels.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from toscale.architecture import draw
from toscale.design.model import Design
from toscale.document import deep, pictures, tables, words
from toscale.document.figures import used
from toscale.document.findings import Findings, saturation
from toscale.document.tables import Cell, Column, Meter, Table
from toscale.document.tree import flow_tree
from toscale.document.uncertainty import drivers
from toscale.document.walk_through import walk_through
from toscale.requirements.verdicts import Verdict

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["page"]


def page(findings: Findings, file: str) -> str:
    """The whole page as HTML; `file` is where the design was read from."""
    simulation = findings.simulation
    design = findings.design
    return _template().render(
        design=design,
        file=file,
        title=design.title or file,
        version=_version(),
        findings=findings,
        simulation=simulation,
        verdicts=[(verdict, words.MARKS[verdict.status], _style(verdict)) for verdict in findings.verdicts],
        summary=words.summary(findings.verdicts),
        worst=words.worst(findings.verdicts).value.replace(" ", "-"),
        sentence=words.sentence,
        step_one=[
            tables.estimates_table(findings.estimates),
            tables.rates_table(findings.estimates),
            tables.reads_table(findings.estimates),
            tables.storage_table(findings.estimates),
            tables.memory_table(findings.estimates),
            tables.cost_table(findings.estimates.cost),
        ],
        drivers=drivers(design, findings.estimates)[:3],
        tornados=pictures.tornados(findings),
        hit_curves=pictures.hit_curves(findings),
        drawing=_drawing(findings),
        components=tables.components_table(design),
        trees=[flow_tree(flow) for flow in design.flows.values()],
        walks=walk_through(design, simulation),
        budgets=[(name, budget.sentence()) for name, budget in findings.budgets.items()],
        api=deep.api_table(design),
        data=deep.data_table(design, findings.estimates),
        overloads=[] if simulation is None else _overloads(findings),
        simulated=[]
        if simulation is None
        else [tables.flows_table(simulation), tables.simulated_components_table(simulation)],
        latencies=pictures.latencies(findings),
        utilisation=pictures.utilisation(findings),
        saturation=_saturation(design, findings),
        growth=tables.growth_table(findings),
        ran=[] if simulation is None else _ran(findings),
        disagreements=[]
        if simulation is None
        else [words.disagreement(one) for one in simulation.disagreements],
        agrees=words.AGREES,
        over_time=pictures.over_time(findings),
        defaults=_defaults(findings),
        is_meter=_is_meter,
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("toscale.document", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def _version() -> str:
    from importlib.metadata import version

    return version("toscale")


def _is_meter(cell: Cell) -> bool:
    return isinstance(cell, Meter)


def _style(verdict: Verdict) -> str:
    return verdict.status.value.replace(" ", "-")


READABLE = 0.72
"""A drawing is not made smaller than this part of its size: a wider one is moved to and fro instead."""


def _drawing(findings: Findings) -> tuple[str, int] | None:
    """The drawing of the design as SVG, with the least width at which it can be read; None where there is nothing
    to draw.
    """
    simulation = findings.simulation
    run = None if simulation is None else simulation.median
    drawing = draw(
        findings.design,
        multiple=findings.multiple,
        run=run,
        source="the simulation, at the median of the rates (on lines: theory)",
    )
    if not drawing.graph.nodes:
        return None
    return drawing.svg(heading=False), round(READABLE * drawing.size[0])


def _overloads(findings: Findings) -> list[str]:
    simulation = findings.simulation
    if simulation is None:
        return []
    return [words.overload_text(load, one) for load, run in words.runs(simulation) for one in run.overloads]


def _ran(findings: Findings) -> list[str]:
    simulation = findings.simulation
    if simulation is None:
        return []
    return [
        line
        for load, run in words.runs(simulation)
        for line in (words.how_it_ran(load, run, simulation), *(words.sentence(note) for note in run.notes))
    ]


def _saturation(design: Design, findings: Findings) -> list[str]:
    """What fills up first, in words."""
    simulation = findings.simulation
    if simulation is None:
        return []
    run = simulation.upper or simulation.median
    return [
        f"{one.component}: {used(one.used.value or 0.0)} of its {one.of}"
        for one in saturation(design, run)[:5]
    ]


def _defaults(findings: Findings) -> Table:
    rows: Iterable[tuple[Cell, ...]] = ()
    if findings.simulation is not None:
        rows = ((one.component, one.what, one.value, one.source) for one in findings.simulation.defaults)
    columns = (Column("Of"), Column("What"), Column("Value"), Column("From", is_sentence=True))
    return Table("Taken from defaults", columns, tuple(rows))
