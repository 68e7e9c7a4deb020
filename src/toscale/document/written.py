"""Which files is a document made of? One of HTML or PDF; for Markdown, the text and a folder of pictures beside it."""

from __future__ import annotations

import os
from pathlib import Path

from toscale.document.text import Document

__all__ = ["written"]


def written(document: Document, output: Path) -> dict[Path, bytes]:
    """The files of a document by their paths, `output` first: its ending says how it is written.

    Raises ValueError for an ending that is not .html, .md or .pdf.
    """
    match output.suffix.lower():
        case ".html":
            from toscale.document.writers.html import html

            return {output: html(document).encode()}
        case ".pdf":
            from toscale.document.writers.pdf import pdf

            return {output: pdf(document)}
        case ".md":
            return _markdown(document, output)
        case other:
            raise ValueError(f"a document ends in .html, .md or .pdf, not in {other or 'nothing'}")


def _markdown(document: Document, output: Path) -> dict[Path, bytes]:
    from toscale.document.writers.markdown import markdown

    found = markdown(document, f"{output.stem}_files", _seen_from(output, document.file))
    pictures = {output.parent / name: picture.encode() for name, picture in found.pictures.items()}
    return {output: found.text.encode(), **pictures}


def _seen_from(output: Path, file: str) -> str | None:
    """The path of the design file as a link in the document names it; None where it was read from no file."""
    try:
        if not Path(file).is_file():
            return None
        return Path(os.path.relpath(file, output.parent)).as_posix()
    except (OSError, ValueError):  # a name that no file can have, or another drive
        return None
