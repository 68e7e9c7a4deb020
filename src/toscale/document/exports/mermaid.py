"""How is a drawing written as a Mermaid flowchart? With the shapes that every version of Mermaid knows.

All texts stand in quotes, and every sign that could mean something to Mermaid, to Markdown or to HTML is written
as an entity code (`#60;` for `<`), as Mermaid's documentation asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from toscale.architecture.draw import Drawing
from toscale.architecture.graph import Node
from toscale.architecture.palette import CATEGORIES, LIGHT
from toscale.document.exports.identifiers import identifier, labelled_edges, one_line, shown_name
from toscale.document.exports.nesting import Nest, nested
from toscale.kinds import KINDS, Category
from toscale.kinds import Drawing as Outline

__all__ = ["mermaid"]

SHAPES: dict[Outline, tuple[str, str]] = {
    Outline.PERSON: ("([", "])"),
    Outline.CLOUD: ("(", ")"),
    Outline.DIAMOND: ("{{", "}}"),
    Outline.BOX: ("[", "]"),
    Outline.STACK: ("[[", "]]"),
    Outline.CYLINDER: ("[(", ")]"),
    Outline.BUCKET: ("[\\", "/]"),
    Outline.PIPE: ("[/", "/]"),
    Outline.OUTSIDE: (">", "]"),
}
"""The brackets that stand for an outline; a hexagon for a diamond, which would grow with its text."""

_LITERAL = re.compile(r"[^\W_]|[ ×·≥]|(?<=[^\W_])[-_.,/](?=[^\W_])")
_AFTER_DECODING = re.compile(r"(?<=:)(?=fa-)|(?<=\$)(?=\$)")
"""Within `fa:fa-car` and `$$`, which Mermaid takes for an icon and for a formula even in entity codes."""
_JOINER = "\u2060"
"""What keeps those apart: it has no width, and breaks no line."""


def mermaid(drawing: Drawing) -> str:
    """The drawing as a text of Mermaid. Figures are in the labels of edges; loads and positions are left out."""
    title = one_line(drawing.graph.title)
    lines = ["---", f"title: {json.dumps(title, ensure_ascii=False)}", "---"] if title else []
    lines.append("flowchart LR")
    lines += _nest(nested(drawing.graph), 1)
    for source, target, label, waits in labelled_edges(drawing):
        arrow = "-->" if waits else "-.->"
        said = f'|"{_text(label)}"|' if label else ""
        lines.append(f"  {identifier(source)} {arrow}{said} {identifier(target)}")
    lines += _classes(drawing)
    return "\n".join(lines) + "\n"


def _nest(nest: Nest, depth: int) -> Iterator[str]:
    margin = "  " * depth
    for node in nest.nodes:
        opening, closing = SHAPES[node.drawing]
        yield f'{margin}{identifier(node.name)}{opening}"{_label(node)}"{closing}'
    for inner in nest.inner.values():
        label = "" if inner.group is None else _text(one_line(inner.group.label))
        yield f'{margin}subgraph {identifier(" ".join(inner.path), "group")}["{label}"]'
        yield from _nest(inner, depth + 1)
        yield f"{margin}end"


def _label(node: Node) -> str:
    name = _text(shown_name(node))
    return name if node.is_actor else f"{name}<br/>{_text(one_line(node.caption))}"


def _classes(drawing: Drawing) -> Iterator[str]:
    members: dict[Category, list[str]] = {}
    for node in drawing.graph.nodes.values():
        category = Category.USER if node.is_actor else KINDS[node.kind].category
        members.setdefault(category, []).append(identifier(node.name))
    for category, ids in members.items():
        name = CATEGORIES[category]
        dashed = ",stroke-dasharray:5 3" if category is Category.OUTSIDE else ""
        fill, stroke, ink = LIGHT[f"{name}-fill"], LIGHT[name], LIGHT["ink"]
        yield f"  classDef {name}Kind fill:{fill},stroke:{stroke},color:{ink}{dashed}"
        yield f"  class {','.join(ids)} {name}Kind"


def _text(text: str) -> str:
    """A text within quotes: letters, digits and spaces as they are, other signs only between letters."""
    text = _AFTER_DECODING.sub(_JOINER, text)
    return "".join(
        sign if _LITERAL.match(text, place) else f"#{ord(sign)};" for place, sign in enumerate(text)
    )
