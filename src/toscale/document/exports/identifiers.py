"""What is an element called in a format whose names are words of letters? An id that follows from its name alone.

Ids are lower-case letters, digits and underscores, begin with a letter, and differ where names differ: two formats
take `App` and `app` for one. A name that is no such word keeps what can be read of it, and gets a mark of the
rest, so that adding or moving one element changes the id of no other.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from toscale.architecture.draw import Drawing
from toscale.architecture.graph import Node
from toscale.architecture.picture import edge_label

__all__ = ["RESERVED", "identifier", "labelled_edges", "one_line", "shown_name"]

RESERVED = frozenset(
    # Mermaid
    "end graph flowchart subgraph style class click default linkstyle classdef direction call href interpolate "
    "acctitle accdescr "
    # D2
    "label shape icon style width height top left tooltip link near classes vars layers scenarios steps class "
    "direction constraint source target null suspend unsuspend title "
    # Structurizr
    "workspace model views person softwaresystem container component group element this system properties tags "
    "description technology deploymentenvironment deploymentnode infrastructurenode relationship theme themes url "
    "styles branding configuration enterprise perspectives instances docs adrs custom dynamic filtered image".split()
)
"""Words that mean something in one of the formats."""

_WORD = re.compile(r"[a-z][a-z0-9_]*")
_MARKED = re.compile(r".*_[0-9a-f]{8}")


def identifier(name: str, sort: str = "") -> str:
    """The id of an element by its name; `sort` keeps apart the ids of different sorts of elements of one name."""
    if not sort and _WORD.fullmatch(name) and name not in RESERVED and not _MARKED.fullmatch(name):
        return name
    mark = blake2b(f"{sort}\0{name}".encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    readable = re.sub(r"[^a-z0-9]+", "_", f"{sort} {name}".casefold()).strip("_")[:40]
    if not readable[:1].isalpha():
        readable = f"n_{readable}".rstrip("_")
    return f"{readable}_{mark}"


def one_line(text: str) -> str:
    """A text of the design on one line, without signs that cannot be printed."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def shown_name(node: Node) -> str:
    """The name of a box as it is shown."""
    return one_line(node.name) or "?"


def labelled_edges(drawing: Drawing) -> list[tuple[str, str, str, bool]]:
    """The edges in the order of the graph: source, target, label, and whether somebody waits for the answer."""
    return [
        (edge.source, edge.target, one_line(edge_label(edge, drawing.figures)), edge.waits)
        for edge in drawing.graph.edges
    ]
