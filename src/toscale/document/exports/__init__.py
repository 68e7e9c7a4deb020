"""How does a drawing reach other tools? As a text of their format: Mermaid, D2, Structurizr, draw.io, Excalidraw.

Each format is one module with one function from a drawing to a text, and one entry in `EXPORTS`. What a format
cannot say is listed in docs/exports.md. The same design gives the same text, and an element keeps its id
while its name stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from toscale.architecture.draw import Drawing
from toscale.document.exports.d2 import d2
from toscale.document.exports.drawio import drawio
from toscale.document.exports.excalidraw import excalidraw
from toscale.document.exports.mermaid import mermaid
from toscale.document.exports.structurizr import structurizr

__all__ = ["EXPORTS", "export"]

EXPORTS: Mapping[str, Callable[[Drawing], str]] = MappingProxyType(
    {
        "mermaid": mermaid,
        "d2": d2,
        "structurizr": structurizr,
        "drawio": drawio,
        "excalidraw": excalidraw,
    }
)
"""The writers by the names of their formats, as `toscale export --to` takes them."""


def export(drawing: Drawing, to: str) -> str:
    """The drawing as a text of the format `to`. Raises KeyError for a format that there is not."""
    return EXPORTS[to](drawing)
