"""How do findings become a document? What it is about and how it stands in a few lines, then the four steps, then
what is looked up.
"""

from __future__ import annotations

from toscale.document import words
from toscale.document.anchors import Anchors, Taken, file_lines
from toscale.document.draft import Draft, section, terms
from toscale.document.figures import amount, used
from toscale.document.findings import Findings, saturation
from toscale.document.sections import appendices, steps
from toscale.document.sections.requirements import verdict_of
from toscale.document.text import (
    Alarm,
    Block,
    Code,
    Column,
    Document,
    Link,
    Paragraph,
    Row,
    Section,
    Span,
    Spans,
    Strong,
    Table,
    Toned,
)
from toscale.quantity.formatting import format_quantity
from toscale.quantity.uncertain import Quantity, quantile
from toscale.quantity.units import COST_RATE, parse_unit

__all__ = ["document_of"]


def document_of(findings: Findings, file: str) -> Document:
    """The whole document; `file` is where the design was read from."""
    draft = Draft(findings, file, Anchors(findings.design), Taken())
    version = _version()
    return Document(
        findings.design.title or file,
        file,
        _lead(draft),
        (_summary(draft), *steps(draft), *appendices(draft)),
        f"Computed by ToScale {version} from {file}, seed {findings.seed}. The same file, version and seed give the "
        "same figures.",
        f"ToScale {version}",
    )


def _version() -> str:
    from importlib.metadata import version

    return version("toscale")


def _lead(draft: Draft) -> tuple[Block, ...]:
    findings = draft.findings
    found: list[Block] = []
    for part in (findings.design.brief or "").split("\n\n"):
        if part.strip():
            found.append(Paragraph((part.strip(),)))
    if findings.multiple != 1:
        found.append(Paragraph((Strong(f"At {findings.multiple:g} times the load."),)))
    return tuple(found)


def _summary(draft: Draft) -> Section:
    findings = draft.findings
    worst = words.worst(findings.verdicts).value
    alarms = []
    if findings.simulation is not None:
        for load, run in words.runs(findings.simulation):
            alarms += [
                Alarm((Strong("Overload."), f" {words.overload_text(load, one)}")) for one in run.overloads
            ]
    rows = tuple(
        Row(
            (
                (draft.anchors.link("quality", verdict.name),),
                (Code(verdict.text),),
                (verdict_of(verdict),),
            )
        )
        for verdict in findings.verdicts
    )
    columns = (Column("Quality"), Column("Condition"), Column("Verdict"))
    return section(
        "summary",
        "In short",
        Paragraph((Toned(words.summary(findings.verdicts), worst),))  # type: ignore[arg-type]
        if findings.verdicts
        else Paragraph((Toned("No quality is given as a condition, and so nothing is judged.", "unknown"),)),
        *alarms,
        Table("Is it good enough?", columns, rows) if rows else None,
        terms(_facts(draft)),
        Paragraph(
            (
                "Every figure is computed from the design file, whose lines stand at the end of this document; a "
                "number in a column “Line” leads there. A range in brackets says how sure a figure is: 90% for an "
                "estimate, 95% for a simulated figure.",
            ),
            is_note=True,
        )
        if file_lines(findings.design)
        else None,
    )


def _facts(draft: Draft) -> list[tuple[Span, Spans]]:
    """What a reader in a hurry wants to know."""
    findings, anchors = draft.findings, draft.anchors
    design, estimates = findings.design, findings.estimates
    found: list[tuple[Span, Spans]] = []
    rates = [
        (anchors.link("flow", name), f" {amount(rate.rate)}")
        for name, rate in estimates.rates.items()
        if not isinstance(rate.rate, str) and design.flows[name].trigger is not None
    ]
    if rates:
        joined: list[Span] = []
        for link, said in rates[:4]:
            joined += [", "] if joined else []
            joined += [link, said]
        found.append(("It carries", tuple(joined)))
    totals = [part for part in estimates.storage if not isinstance(part.total, str)]
    if totals:
        largest = max(totals, key=lambda part: _median(part.total))
        found.append(
            ("It stores most of", (anchors.link("entity", largest.entity), f": {amount(largest.total)}"))
        )
    simulation = findings.simulation
    if simulation is not None:
        run = simulation.upper or simulation.median
        busiest = saturation(design, run)[:1]
        found += [
            (
                "Fills up first",
                (
                    anchors.link("component", one.component),
                    f", {used(one.used.value or 0.0)} of its {one.of} in use",
                ),
            )
            for one in busiest
        ]
    over = [point for point in findings.growth if point.overloaded]
    if findings.growth:
        how_far: Spans = (
            f"to every multiple that it names, up to {findings.growth[-1].multiple:g}x, by theory",
        )
        if over:
            failing = anchors.links("component", over[0].overloaded)
            how_far = (f"not to {over[0].multiple:g}x: by theory, ", *failing, " cannot keep up")
        found.append((Link("It grows", "growth"), how_far))
    cost = estimates.cost
    if cost.parts:
        least = "at least " if cost.unpriced else ""
        total = format_quantity(cost.total(), COST_RATE, parse_unit("USD/month"))
        found.append((Link("It costs", "cost"), (f"{least}{total}",)))
    return found


def _median(total: Quantity | str) -> float:
    return 0.0 if isinstance(total, str) else quantile(total.value, 0.5)
