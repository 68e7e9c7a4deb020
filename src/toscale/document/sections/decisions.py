"""What was decided, between which options, and why?"""

from __future__ import annotations

from toscale.design.model import Decision, Option
from toscale.document.draft import Draft, section
from toscale.document.text import Column, Paragraph, Quiet, Row, Section, Spans, Strong, Table, Toned
from toscale.document.words import sentence

__all__ = ["decisions"]


def decisions(draft: Draft) -> Section:
    """All decisions, each with its options side by side."""
    return section(
        "decisions",
        "Decisions",
        sections=(_decision(draft, one) for one in draft.findings.design.decisions.values()),
    )


def _decision(draft: Draft, decision: Decision) -> Section:
    rows = tuple(
        Row((_called(option, decision.chosen), _reasons(option.pros), _reasons(option.cons)))
        for option in decision.options.values()
    )
    columns = (
        Column("Option", is_sentence=True),
        Column("For it", is_sentence=True),
        Column("Against it", is_sentence=True),
    )
    unmade = [option.name for option in decision.options.values() if option.change is not None]
    asked = (sentence(decision.question), " ") if decision.question else ()
    why: Spans = (f" {sentence(decision.because)}",) if decision.because else (Quiet(" No reason is given."),)
    chosen: Spans = (
        ("Chosen: ", Strong(decision.chosen), ".", *why)
        if decision.chosen
        else (Toned("Not decided yet.", "unknown"),)
    )
    return Section(
        draft.anchors.id("decision", decision.name),
        decision.name,
        tuple(
            block
            for block in (
                Paragraph((*asked, draft.anchors.line(decision.place, decision.name))),
                Table("Options", columns, rows) if rows else None,
                Paragraph(chosen),
                Paragraph(
                    (
                        f"Written as a change of the file, but not simulated for this document: {', '.join(unmade)}.",
                    ),
                    is_note=True,
                )
                if unmade
                else None,
            )
            if block is not None
        ),
    )


def _called(option: Option, chosen: str | None) -> Spans:
    if option.name == chosen:
        return (option.name, " ", Toned("✓ chosen", "met"))
    return (option.name,)


def _reasons(reasons: tuple[str, ...]) -> Spans:
    return ("; ".join(reasons),) if reasons else (Quiet("nothing said"),)
