"""What an imported design is: its components with their kinds, and its relations, as the drawing sees them."""

from __future__ import annotations

from toscale.architecture import draw
from toscale.design import Design, check_design
from toscale.document.imports import NotImported, import_text


def imported(text: str, name: str) -> Design:
    """The design of a file; it must be one without errors."""
    made, _ = import_text(text, name)
    loaded = check_design(made)
    assert loaded.errors == (), f"{[str(problem) for problem in loaded.errors]}\n{made}"
    return loaded.sound()


def imported_or_refused(text: str, name: str) -> None:
    """A text is a design without errors, or is refused with a line of it and a mend."""
    refused = None
    try:
        imported(text, name)
    except NotImported as error:
        refused = error
    if refused is not None:
        assert 1 <= refused.line <= max(1, len(text.splitlines())) + 1
        assert refused.message
        assert refused.mend


def kinds(design: Design) -> dict[str, str]:
    return {name: node.kind for name, node in draw(design).graph.nodes.items()}


def relations(design: Design) -> set[tuple[str, str, bool]]:
    return {(edge.source, edge.target, edge.waits) for edge in draw(design).graph.edges}


def pairs(design: Design) -> set[tuple[str, str]]:
    return {(source, target) for source, target, _ in relations(design)}
