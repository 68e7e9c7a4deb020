"""What can be asked of it, and what does it keep? The interface of each flow, and the entities with their fields."""

from __future__ import annotations

from toscale.design.model import Entity, HasMany
from toscale.document import deep
from toscale.document.draft import Draft, bullets, section, table
from toscale.document.text import Column, Paragraph, Section

__all__ = ["api", "data"]


def api(draft: Draft) -> Section:
    """The interface."""
    anchors, design = draft.anchors, draft.findings.design
    return section(
        "api",
        "Interface",
        table(
            deep.api_table(design),
            links={"Operation": lambda name: (anchors.link("flow", name),)},
            more=(Column("Line", is_number=True), lambda name: anchors.number(design.api[name].place, name)),
            caption="Operations",
        ),
    )


def data(draft: Draft) -> Section:
    """The data model."""
    anchors, design = draft.anchors, draft.findings.design
    more = [
        (anchors.link("entity", name), f": {said}.")
        for name, entity in design.data.items()
        if (said := _more(entity))
    ]
    return section(
        "data",
        "Data model",
        table(
            deep.data_table(design, draft.findings.estimates),
            ids=lambda name: anchors.id("entity", name),
            links={"Stored in": lambda name: (anchors.link("component", name),)},
            more=(Column("Line", is_number=True), lambda name: anchors.number(design.data[name].place, name)),
            caption="Entities",
        ),
        Paragraph(("What else is known of them:",)) if more else None,
        bullets(more),
    )


def _more(entity: Entity) -> str:
    """What a table has no column for: how unequally it is asked for, its relations, its bounds."""
    said = []
    popularity = entity.popularity
    if popularity is not None:
        exponent = f" with exponent {popularity.exponent}" if popularity.exponent is not None else ""
        law = "by Zipf's law" if popularity.shape == "zipf" else "all alike"
        over = ""
        if popularity.over is not None:
            over = (
                ", only those that are free"
                if popularity.over == "free"
                else f", over {popularity.over} of them"
            )
        said.append(f"asked for {law}{exponent}{over}")
    said += [f"has {_number(many)} {relation}" for relation, many in entity.has_many.items()]
    said += [f"each has {name} {figure}" for name, figure in entity.each_has.items()]
    if entity.per:
        said.append(f"one for each {' and '.join(entity.per)}")
    if entity.bound is not None:
        said.append(f"at most {entity.bound.at_most} at once")
        said += [f"comes back at {entity.bound.refills}"] if entity.bound.refills is not None else []
        said += [f"held for at most {entity.bound.held_for}"] if entity.bound.held_for is not None else []
        said += [f"who finds none waits {entity.bound.waiting}"] if entity.bound.waiting is not None else []
    keep = entity.keep
    if keep is not None and keep.number is not None:
        said.append(f"the last {keep.number} are kept" + (f" for each {keep.per}" if keep.per else ""))
    if keep is not None and keep.time is not None:
        said.append(f"kept for {keep.time}")
    return "; ".join(said)


def _number(many: HasMany) -> str:
    """`4 on average (geometric), at most 200`; a mixture as the numbers of its parts."""
    if many.one_of:
        parts = (f"{part.share} of them {_number(part.number)}" for part in many.one_of)
        return f"a number that differs ({'; '.join(parts)}) of"
    number = f"{many.exactly}" if many.exactly is not None else f"{many.mean} on average"
    shape = f" ({many.shape})" if many.shape is not None else ""
    most = f", at most {many.at_most}" if many.at_most is not None else ""
    return f"{number}{shape}{most}"
