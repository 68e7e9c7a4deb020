"""What stands in a design document, and in which order? The four steps of the method, and before them the whole of
it in short.

A section is a function of a `Draft`, and gives None, or a section of nothing, where there is nothing to say. To add
one, write it and put it into its step below: the writers need not know.
"""

from __future__ import annotations

from collections.abc import Callable

from toscale.document.draft import Draft
from toscale.document.sections import (
    agreement,
    api_and_data,
    appendix,
    components,
    decisions,
    estimates,
    faults,
    flows,
    growth,
    operations,
    requirements,
    trust,
    under_load,
    unknown,
)
from toscale.document.text import Paragraph, Quiet, Section

__all__ = ["STEPS", "Writes", "appendices", "steps"]

Writes = Callable[[Draft], Section | None]

STEPS: tuple[tuple[str, tuple[Writes, ...]], ...] = (
    (
        "Requirements",
        (
            requirements.users,
            requirements.questions,
            requirements.functional,
            requirements.qualities,
            requirements.scope,
            estimates.named,
            estimates.uncertainty,
            estimates.traffic,
            estimates.storage,
            estimates.memory,
        ),
    ),
    (
        "High-level design",
        (
            components.drawing,
            components.components,
            components.network,
            flows.flows,
            flows.walks,
            agreement.agreement,
            components.focus,
        ),
    ),
    (
        "Deep dive",
        (
            api_and_data.api,
            api_and_data.data,
            decisions.decisions,
            under_load.latency,
            under_load.budgets,
            under_load.utilisation,
            under_load.bounded,
            under_load.connections,
            under_load.calls,
            under_load.hits,
            under_load.over_time,
        ),
    ),
    (
        "Wrap-up",
        (
            growth.bottlenecks,
            faults.faults,
            operations.operations,
            growth.growth,
            growth.cost,
            operations.refinements,
            unknown.unknown,
            trust.trust,
        ),
    ),
)
"""The steps with their sections, in the order in which they are read."""


def steps(draft: Draft) -> tuple[Section, ...]:
    """The four steps; one of which nothing is written says so."""
    return tuple(_step(number, title, writes, draft) for number, (title, writes) in enumerate(STEPS, 1))


def _step(number: int, title: str, writes: tuple[Writes, ...], draft: Draft) -> Section:
    found = [one for write in writes if (one := write(draft)) is not None and not one.is_empty]
    nothing = () if found else (Paragraph((Quiet("Nothing is written of this step yet."),)),)
    return Section(f"step-{number}", title, nothing, tuple(found), f"Step {number}")


def appendices(draft: Draft) -> tuple[Section, ...]:
    """What is looked up, not read."""
    found = (appendix.how_it_was_run(draft), appendix.defaults(draft), appendix.listing(draft))
    return tuple(one for one in found if not one.is_empty)
