"""How large is it? The named estimates with their derivations, what they are uncertain by, the traffic, what is
stored, and the memory of caches.
"""

from __future__ import annotations

from toscale.document import pictures, tables
from toscale.document.draft import Draft, bullets, section, table
from toscale.document.text import Code, Column, Link, Paragraph, Section, Spans, Strong
from toscale.document.uncertainty import drivers

__all__ = ["memory", "named", "storage", "traffic", "uncertainty"]


def named(draft: Draft) -> Section:
    """The estimates that the file names."""
    anchors, design = draft.anchors, draft.findings.design
    sheet = draft.findings.estimates.sheet
    answers = {name: one.ask for one in design.requirements.questions if one.ask for name in one.sets}

    def how(text: str) -> Spans:
        return anchors.within(text, "estimate")

    def line(name: str) -> Spans:
        return anchors.number(design.estimates[name].place)

    found = table(
        tables.estimates_table(draft.findings.estimates),
        ids=lambda name: anchors.id("estimate", name),
        links={"How": how},
        more=(Column("Line", is_number=True), line),
        caption="Estimates, each with how it comes about",
    )
    missing = [
        (Code(name), ": it waits for ", *anchors.links("estimate", roots), ".")
        for name, roots in sheet.not_computed.items()
    ]
    wrong = [
        (problem.message, " ", anchors.line(problem.place)) for problem in draft.findings.estimates.problems
    ]
    asked = sum(name in answers for name in design.estimates)
    uncertain = sum(not one.is_certain for one in sheet.values())
    said = f"{_number(len(design.estimates), 'figure')} of the design"
    return section(
        "estimates",
        "Estimates",
        Paragraph(
            (
                f"{said}: {uncertain} of them uncertain, {asked} set by an answer. An uncertain figure is given as its "
                "median and the interval that it lies in with a chance of 90%; intervals are carried through every "
                "computation.",
            ),
            is_note=True,
        )
        if design.estimates
        else None,
        found,
        Paragraph(("Not computed:",)) if missing or wrong else None,
        bullets([*missing, *wrong]),
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def uncertainty(draft: Draft) -> Section:
    """What the results are uncertain by."""
    findings = draft.findings
    shown = pictures.tornados(findings)
    lines = []
    for place, driver in enumerate(drivers(findings.design, findings.estimates)[:3]):
        name = draft.anchors.link("estimate", driver.name)
        name = name if isinstance(name, Link) else Strong(driver.name)
        asked = f"It was asked: “{driver.question}”" if driver.question else "Nobody was asked about it."
        lines.append(
            (
                "Most depends on " if place == 0 else "Then on ",
                name,
                f" ({driver.written}): {driver.share:.0%} of the variance of {driver.result}. {asked}",
            )
        )
    return section(
        "uncertainty",
        "What the uncertainty is due to",
        bullets(lines) if shown else None,
        *draft.figures("uncertainty", shown),
    )


def traffic(draft: Draft) -> Section:
    """How often the flows run, and what they read and write."""
    anchors, estimates = draft.anchors, draft.findings.estimates
    return section(
        "traffic",
        "Traffic",
        table(
            tables.rates_table(estimates),
            links={
                "Flow": lambda name: (anchors.link("flow", name),),
                "From": lambda text: anchors.within(text, "estimate", "flow"),
            },
        ),
        table(tables.reads_table(estimates), links={"Of": lambda name: (anchors.link("entity", name),)}),
    )


def storage(draft: Draft) -> Section:
    """What is stored."""
    anchors = draft.anchors
    return section(
        "storage",
        "Storage",
        table(
            tables.storage_table(draft.findings.estimates),
            links={
                "Entity": lambda name: (anchors.link("entity", name),),
                "Stored in": lambda name: (anchors.link("component", name),),
                "By hand": lambda text: anchors.within(text, "estimate"),
            },
        ),
    )


def memory(draft: Draft) -> Section:
    """The memory of caches."""
    anchors = draft.anchors
    return section(
        "memory",
        "Memory",
        table(
            tables.memory_table(draft.findings.estimates),
            links={"Cache": lambda name: (anchors.link("component", name),)},
        ),
    )
