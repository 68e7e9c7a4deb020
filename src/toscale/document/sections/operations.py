"""How is it watched when it runs, and what would come next?"""

from __future__ import annotations

from toscale.design.model import Objective, Operations
from toscale.document.draft import Draft, bullets, section
from toscale.document.text import Paragraph, Section, Spans, Toned

__all__ = ["operations", "refinements"]


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
