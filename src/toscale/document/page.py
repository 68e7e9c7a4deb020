"""What is known of a design, as one page of HTML that needs no other file."""

from __future__ import annotations

from toscale.document.compose import document_of
from toscale.document.findings import Findings
from toscale.document.writers.html import html

__all__ = ["page"]


def page(findings: Findings, file: str) -> str:
    """The whole page as HTML; `file` is where the design was read from."""
    return html(document_of(findings, file))
