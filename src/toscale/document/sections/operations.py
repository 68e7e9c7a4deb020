"""What may go wrong, how is it watched, and what would come next?"""

from __future__ import annotations

from toscale.design.model import Fault, Objective, Operations
from toscale.document.draft import Draft, bullets, section, terms
from toscale.document.text import Paragraph, Section, Spans, Toned

__all__ = ["faults", "operations", "refinements"]


def faults(draft: Draft) -> Section:
    """The faults that the file names, in words. What they do is not simulated, and said not to be."""
    found = draft.findings.design.faults
    return section(
        "faults",
        "Faults",
        terms(
            (
                (name, (f"{in_words(fault)}. ", draft.anchors.line(fault.place, name)))
                for name, fault in found.items()
            ),
            (draft.anchors.id("fault", name) for name in found),
        ),
        Paragraph(
            (
                Toned("Not simulated: ", "unknown"),
                "what each of them does to the targets is not known from this document.",
            )
        )
        if found
        else None,
    )


def in_words(fault: Fault) -> str:
    """`1 min in, lose zone: a, for 2 min`: what happens, when, and for how long."""
    said = [f"{fault.at} in" if fault.at is not None else "", f"{fault.action}: {' – '.join(fault.target)}"]
    said += [
        f"{word}{value}{after}"
        for word, value, after in (
            ("for ", fault.lasts, ""),
            ("by ", fault.by, ""),
            ("replicas: ", fault.replicas, ""),
            ("shard ", fault.shard, ""),
            ("only the ", fault.role, ""),
            ("one each ", fault.each, ""),
            ("off by ", fault.off_by, ""),
            ("", fault.errors, " of the calls fail"),
            ("", fault.times, " times"),
        )
        if value is not None
    ]
    if fault.one is not None:
        said.append(f"{fault.one.share} of it of one {fault.one.of}")
    said += [f"where {path} {sign} {value}" for path, sign, value in fault.where]
    return ", ".join(part for part in said if part)


def operations(draft: Draft) -> Section:
    """What is watched and done when it runs."""
    given = draft.findings.design.operations
    if given == Operations():
        nothing = Paragraph((Toned("Not known: ", "unknown"), "the design says nothing of its operation."))
        return section("operations", "Operations", nothing if draft.findings.design.components else None)
    return section(
        "operations",
        "Operations",
        Paragraph(("Objectives, watched when it runs:",)) if given.objectives else None,
        bullets(_objective(draft, one) for one in given.objectives.values()),
        *(
            block
            for head, lines in (
                ("Metrics that are kept:", given.metrics),
                ("Logs that are kept:", given.logs),
                ("Alerts:", given.alerts),
                ("What to do when one of them comes:", given.runbook),
                ("How it is rolled out:", given.rollout),
            )
            if lines
            for block in (
                Paragraph((head,)),
                bullets((one.text, " ", draft.anchors.line(one.place)) for one in lines),
            )
        ),
    )


def _objective(draft: Draft, one: Objective) -> Spans:
    over = one.over if one.over is not None else one.over_runs
    period = f", over {over}" if over is not None else ""
    return (
        draft.anchors.link("quality", one.target),
        f"{period}. ",
        draft.anchors.line(one.place, one.target),
    )


def refinements(draft: Draft) -> Section:
    """What would come next."""
    lines = draft.findings.design.refinements
    return section("refinements", "What would come next", bullets((str(one),) for one in lines))
