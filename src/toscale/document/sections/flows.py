"""What happens when somebody uses it? Each flow in plain sentences, from what starts it to its end; and walked through
in pictures: who calls whom, and where the time of a simulated request went.
"""

from __future__ import annotations

from toscale.document.anchors import in_code
from toscale.document.draft import Draft, section
from toscale.document.figures import amount
from toscale.document.narrative import steps_of, trigger_of
from toscale.document.text import Bullets, Figure, Paragraph, Section, Span
from toscale.document.walk_through import walk_through

__all__ = ["flows", "walks"]


def flows(draft: Draft) -> Section:
    """All flows, in the order of the file."""
    return section(
        "flows",
        "Flows, step by step",
        sections=(_flow(draft, name) for name in draft.findings.design.flows),
    )


def _flow(draft: Draft, name: str) -> Section:
    flow = draft.findings.design.flows[name]
    rate = draft.findings.estimates.rates[name]
    often = "" if isinstance(rate.rate, str) else f", {amount(rate.rate)}"
    unknown = f" How often is not known: {rate.rate}." if isinstance(rate.rate, str) and flow.trigger else ""
    said: tuple[Span, ...] = (
        *trigger_of(flow, draft.anchors),
        f"{often}.",
        *in_code(f"{unknown} "),
        draft.anchors.line(flow.place, name),
    )
    left_out = draft.findings.left_out.get(name)
    steps = steps_of(flow, draft.anchors)
    return Section(
        draft.anchors.id("flow", name),
        name,
        (
            Paragraph(said),
            *((Bullets(steps, is_ordered=True),) if steps else ()),
            *((Paragraph(in_code(f"It is not simulated: {left_out}."), is_note=True),) if left_out else ()),
        ),
    )


def walks(draft: Draft) -> Section:
    """Each flow in pictures: on its happy path, on a failing one, and as a typical and a slow request went through."""
    findings = draft.findings
    found = [
        Section(
            draft.taken.new("walk", walk.flow),
            walk.flow,
            tuple(
                Figure(
                    draft.taken.new("figure-walk", f"{walk.flow} {step.heading}"),
                    step.heading,
                    step.svg,
                    step.alone,
                    f"{walk.flow}: {step.heading}. {step.said}".strip(),
                    step.said,
                    step.least,
                )
                for step in walk.steps
            ),
        )
        for walk in walk_through(findings.design, findings.simulation)
    ]
    return section("walks", "Walk-through", sections=(one for one in found if one.blocks))
