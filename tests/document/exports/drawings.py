"""Drawings to be exported: the examples, and graphs whose every text is hostile to some format."""

from __future__ import annotations

import shutil
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

from hypothesis import strategies as st

from toscale.architecture import Drawing, draw
from toscale.architecture.graph import ACTOR, Edge, Graph, Group, Node
from toscale.architecture.load import Figures, Rate
from toscale.design import Design
from toscale.kinds import KINDS

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("*.design.yaml"))

HOSTILE = (
    'a "quoted" name',
    "it's",
    "[bracket] (round) {curly} <angle>",
    "]",
    ")}",
    "two\nlines",
    "a\r\nb\tc",
    "a --> b",
    "-.->|x|",
    "<script>alert(1)</script>",
    "<br/>",
    "&amp; &#60; #35; #quot;",
    "end",
    "End",
    "graph",
    "subgraph x",
    "style x fill:#f00;",
    "classDef a b:#c;d",
    "%% comment",
    "%%{init: {}}%%",
    "`**markdown**`",
    "1. list",
    "- list",
    "* list",
    "# heading",
    "_emphasis_ __strong__",
    "$$x^2$$",
    "${HOME}",
    "$(rm -rf /)",
    "back\\slash",
    "ends in \\",
    'ends in \\"',
    "// comment",
    "/* comment */",
    "!include http://x.invalid/",
    "a.b.c",
    "a -> b: c",
    "x; y",
    "|md x |",
    "label",
    "design_title",
    "design_system",
    "this",
    "App",
    "app",
    "app_",
    "0",
    "データ ベース",
    "Größe",
    "🦀 crab",
    "\u202eright to left",
    "a\u0000b\u0007",
    "é",
    "e\u0301",
    "x" * 300,
    "]]>",
    "%name%",
    "fa:fa-car",
    "::icon(x)",
    "a@{ shape: cyl }",
    "o--o",
)
"""Texts that mean something to one of the formats."""

names = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=12)).filter(lambda text: bool(text))


def drawing_of(names: list[str], labels: list[str], title: str, first: int = 0) -> Drawing:
    """A drawing of boxes with these names, in frames with these labels, in a chain of edges. The kinds are all
    there are in turn, from the `first` on.
    """
    groups = {f"zone {label}": Group(f"zone {label}", label) for label in labels}
    kinds = [ACTOR, *KINDS]
    nodes = {}
    for place, name in enumerate(dict.fromkeys(names)):
        kind = kinds[(first + place) % len(kinds)]
        inside = (list(groups)[place % len(groups)],) if groups and place % 3 == 2 else ()
        nodes[name] = Node(name, kind, kind if kind == ACTOR else f"{kind} ×{place}", inside)
    order = list(nodes)
    edges = tuple(
        Edge(source, target, waits=place % 2 == 0, held=f"{place} held" if place % 5 == 4 else "")
        for place, (source, target) in enumerate(pairwise(order))
    )
    used = {key for node in nodes.values() for key in node.groups}
    graph = Graph(title, nodes, edges, {key: group for key, group in groups.items() if key in used})
    rates = {
        (edge.source, edge.target): Rate(3.5 * (place + 1), place % 4 == 3)
        for place, edge in enumerate(edges)
    }
    return Drawing.of(graph, Figures({}, rates, "a test"), {})


drawings = st.builds(
    drawing_of,
    st.lists(names, min_size=1, max_size=8),
    st.lists(names, max_size=2, unique=True),
    st.one_of(st.just(""), names),
)


@cache
def example(path: Path) -> Drawing:
    return draw(Design.load(path))


@cache
def hostile() -> Drawing:
    """One drawing with all hostile texts as names, some as labels of frames."""
    return drawing_of(list(HOSTILE), [text for text in HOSTILE if len(text) < 60][:12], 'A "title" --> <b>')


def program(name: str) -> str | None:
    """A program beside the Python that runs, or on the path."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)
