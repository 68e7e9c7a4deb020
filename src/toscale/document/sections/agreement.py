"""Who agreed to it, what has changed since, and which concerns are there?"""

from __future__ import annotations

from toscale.architecture.agreement import prints
from toscale.architecture.agreement_file import accord_of
from toscale.document.draft import Draft, bullets, section
from toscale.document.text import Bullets, Item, Paragraph, Quiet, Section, Spans, Toned

__all__ = ["agreement"]


def agreement(draft: Draft) -> Section | None:
    """The agreements in the file, section by section, and the concerns with their answers."""
    design = draft.findings.design
    accord = accord_of(design)
    if not (design.components or accord.agreements or accord.concerns):
        return None
    now = prints(design)
    standing = accord.standing(now)
    lines: list[Spans] = []
    for one in standing:
        for agreements, said, tone in (
            (one.holding, "unchanged since", "met"),
            (tuple(old for old, _ in one.outdated), "changed since", "at risk"),
        ):
            if agreements:
                who = ", ".join(each.by for each in agreements)
                at = f" on {agreements[0].at}" if agreements[0].at is not None else ""
                lines.append((f"{one.section}: agreed by {who}{at}; ", Toned(said, tone), "."))  # type: ignore[arg-type]
    open_ones = [one.section for one in standing if not (one.holding or one.outdated)]
    items = []
    for concern in accord.concerns:
        at = f" on {concern.at}" if concern.at is not None else ""
        changed = " (it has changed since)" if concern.changed(now) else ""
        state = Toned(concern.status, "at risk" if concern.status == "open" else "met")
        items.append(
            Item(
                (state, f", raised by {concern.by}{at} about {concern.subject}{changed}: {concern.text}"),
                tuple(
                    Item((f"{each.by}{f' on {each.at}' if each.at is not None else ''}: {each.text}",))
                    for each in concern.answers
                ),
            )
        )
    return section(
        "agreement",
        "Agreement and concerns",
        bullets(lines),
        Paragraph((Quiet(f"Nobody has agreed to {', '.join(open_ones)}."),), is_note=True)
        if lines and open_ones
        else None,
        Paragraph(("Nobody has agreed to this design yet.",)) if not lines else None,
        Paragraph(("Concerns:",)) if items else None,
        Bullets(tuple(items), is_ordered=True) if items else None,
    )
