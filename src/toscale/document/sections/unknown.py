"""What is not known? Everything that the document leaves open, in one place, each with the reason."""

from __future__ import annotations

from toscale.document.anchors import in_code
from toscale.document.draft import Draft, bullets, section
from toscale.document.text import Paragraph, Section, Spans
from toscale.document.words import sentence
from toscale.requirements.verdicts import Status

__all__ = ["unknown"]


def unknown(draft: Draft) -> Section:
    """Questions without an answer, verdicts without figures, parts without a price, vague words."""
    findings, anchors = draft.findings, draft.anchors
    design, simulation = findings.design, findings.simulation
    lines: list[Spans] = [
        (f"Asked and not answered: {one.ask} ", anchors.line(one.place))
        for one in design.requirements.questions
        if one.assume is None and not one.answer
    ]
    lines += [
        (
            "Whether this holds: ",
            anchors.link("quality", verdict.name),
            ". ",
            *in_code(_capital(verdict.reason)),
        )
        for verdict in findings.verdicts
        if verdict.status is Status.UNKNOWN
    ]
    lines += [
        ("How often ", anchors.link("flow", name), " runs: ", *in_code(sentence(rate.rate)))
        for name, rate in findings.estimates.rates.items()
        if isinstance(rate.rate, str) and design.flows[name].trigger is not None
    ]
    lines += [
        ("What ", anchors.link("entity", part.entity), " takes: ", *in_code(sentence(part.total)))
        for part in findings.estimates.storage
        if isinstance(part.total, str)
    ]
    unpriced = findings.estimates.cost.unpriced
    if unpriced:
        lines.append(("What these cost: ", *anchors.links("component", unpriced), "."))
    lines += [
        ("What becomes of it under ", anchors.link("fault", name), ": not simulated for this document.")
        for name in design.faults
        if name not in findings.faults
    ]
    if simulation is not None:
        lines += [
            (*in_code(sentence(part.text)), " ", anchors.line(part.place))
            for part in simulation.not_simulated
        ]
    vague: list[Spans] = [
        (*in_code(f"{problem.message} {problem.suggestion}".strip()), " ", anchors.line(problem.place))
        for problem in findings.problems
    ]
    return section(
        "unknown",
        "What is not known",
        bullets(lines),
        Paragraph(("Still vague, or worth a look:",)) if vague else None,
        bullets(vague),
    )


def _capital(text: str) -> str:
    return sentence(text[:1].upper() + text[1:])
