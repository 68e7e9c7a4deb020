"""What happens when somebody uses it? Each flow in plain sentences, from what starts it to its end."""

from __future__ import annotations

from toscale.document.draft import Draft, section
from toscale.document.figures import amount
from toscale.document.narrative import steps_of, trigger_of
from toscale.document.text import Bullets, Paragraph, Section, Span

__all__ = ["flows"]


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
        f"{often}.{unknown} ",
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
            *((Paragraph((f"It is not simulated: {left_out}.",), is_note=True),) if left_out else ()),
        ),
    )
