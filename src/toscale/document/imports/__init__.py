"""How does a drawing or a deployment of another tool become a design? Components, who calls whom, and in comments
what its file does not say.

Each format is one module with one function from a text to a `Sketch`, and one entry in `IMPORTS`; `design_text`
writes the sketch as a design file, the same way for all of them. What is lost is listed in docs/exports.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from toscale.document.imports.compose import compose
from toscale.document.imports.mermaid import mermaid
from toscale.document.imports.sketch import NotImported, Sketch
from toscale.document.imports.structurizr import structurizr
from toscale.document.imports.writing import design_text

__all__ = ["IMPORTS", "NotImported", "Sketch", "design_text", "format_of", "import_text"]

MOST_CHARACTERS = 1_000_000
"""A design may be so large; so may what becomes one."""

IMPORTS: Mapping[str, Callable[[str], Sketch]] = MappingProxyType(
    {"structurizr": structurizr, "mermaid": mermaid, "compose": compose}
)
"""The readers by the names of their formats."""

_BEGINNINGS = {
    "structurizr": re.compile(r"(?im)^\s*workspace\b"),
    "mermaid": re.compile(r"(?m)^\s*(flowchart|graph)\b"),
    "compose": re.compile(r"(?m)^services\s*:"),
}
_ENDINGS = {
    ".dsl": "structurizr",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".md": "mermaid",
}


def format_of(name: str, text: str) -> str:
    """The format of a text, by the ending of its file's name, else by its first words. Raises NotImported."""
    for ending, found in _ENDINGS.items():
        if name.lower().endswith(ending):
            return found
    for found, beginning in _BEGINNINGS.items():
        if beginning.search(text):
            return found
    raise NotImported(
        1,
        "This is no Structurizr workspace, Mermaid flowchart or docker-compose file.",
        "Such files have a line that begins with `workspace`, with `flowchart` or `graph`, or with `services:`.",
    )


def import_text(text: str, name: str) -> tuple[str, Sketch]:
    """The design file of a text, and what was read from it. `name` is that of the file.

    Raises NotImported, with the line and the mend, for a text that cannot be read.
    """
    if len(text) > MOST_CHARACTERS:
        raise NotImported(
            1, f"The file has more than {MOST_CHARACTERS:,} characters.", "Import a part of it."
        )
    sketch = IMPORTS[format_of(name, text)](text.removeprefix("\ufeff"))
    if not sketch.components:
        raise NotImported(
            1, "There is no component in it.", "A design needs a container, a box or a service."
        )
    return design_text(sketch, name), sketch
