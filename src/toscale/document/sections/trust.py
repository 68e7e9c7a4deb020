"""How far may the figures be trusted? Where theory and simulation differ, and how the file was read."""

from __future__ import annotations

from toscale.document import words
from toscale.document.anchors import in_code
from toscale.document.draft import Draft, bullets, section
from toscale.document.text import Paragraph, Section

__all__ = ["trust"]


def trust(draft: Draft) -> Section:
    """Two ways to the same figures, and where they part."""
    simulation = draft.findings.simulation
    if simulation is None:
        return section("trust", "How far to trust this")
    differing = [words.disagreement(one) for one in simulation.disagreements]
    notes = [
        (*in_code(words.sentence(note.text)), " ", draft.anchors.line(note.place))
        for note in simulation.notes
    ]
    return section(
        "trust",
        "How far to trust this",
        Paragraph(
            (
                "Every request was simulated on its way through the design, and the same figures were computed by "
                "queueing theory. " + (words.AGREES if not differing else "They differ here:"),
            )
        ),
        bullets(differing),
        Paragraph(("How the file was read where it could be read in two ways:",)) if notes else None,
        bullets(notes),
    )
