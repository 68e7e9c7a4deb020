"""A design as a picture: who calls whom, how often, and how busy everything is.

>>> from toscale.design import Design
>>> design = Design.from_text('''
... components: {app: {kind: service, replicas: 2, concurrency: 8}, db: {kind: database}}
... requirements: {users: {visitor: looks}}
... flows: {look: {from: visitor, rate: 50 / s, steps: [{app: 5 ms, then: [{db: read page}]}]}}
... data: {page: {stored in: db, how many: 1000, size: 1 kB}}
... ''')
>>> draw(design).svg().startswith("<svg")
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toscale.architecture.geometry import Layout, Point
from toscale.architecture.graph import Graph, graph_of
from toscale.architecture.layout import lay_out
from toscale.architecture.load import Figures, by_theory, with_run
from toscale.architecture.palette import Theme
from toscale.architecture.picture import ROOM, Card, card_of, sketch_of
from toscale.design.model import Design
from toscale.requirements.values import sheet_of

if TYPE_CHECKING:
    from toscale.simulate.lowering.lowered import At
    from toscale.simulate.result import RunResult

__all__ = ["Drawing", "draw"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A design with its figures, laid out in pixels."""

    graph: Graph
    figures: Figures
    cards: Mapping[str, Card]
    layout: Layout

    @classmethod
    def of(cls, graph: Graph, figures: Figures, placed: Mapping[str, Point]) -> Drawing:
        """The drawing of a graph with its figures. `placed`: the upper left corners of boxes, where given."""
        cards = {name: card_of(node, figures.loads.get(name)) for name, node in graph.nodes.items()}
        return cls(graph, figures, cards, lay_out(sketch_of(graph, figures, cards, placed), ROOM))

    @property
    def size(self) -> tuple[float, float]:
        """The width and height of the picture in pixels of the SVG."""
        from toscale.architecture.svg import sheet_of_paper

        paper = sheet_of_paper(self.graph, self.figures, self.layout)
        return paper.width, paper.height

    def svg(self, theme: Theme = "auto", *, heading: bool = True) -> str:
        """The picture as SVG, with the title of the design as a `heading`."""
        from toscale.architecture.svg import svg

        return svg(self.graph, self.figures, self.cards, self.layout, theme, heading=heading)

    def _repr_svg_(self) -> str:
        """How a notebook shows it."""
        return self.svg("light")

    def text(self, width: int, *, ascii_only: bool = False) -> str:
        """The drawing in characters, at most `width` columns wide."""
        from toscale.architecture.characters import in_characters

        return in_characters(self.graph, self.figures, width, ascii_only=ascii_only)

    def png(self, theme: Theme = "light", scale: float = 2.0) -> bytes:
        """The picture as PNG, `scale` pixels for each of the SVG."""
        from toscale.architecture.png import png

        return png(self.svg("light" if theme == "auto" else theme), scale)


def draw(
    design: Design,
    *,
    at: At = "median",
    multiple: float = 1.0,
    run: RunResult | None = None,
    source: str = "the simulation",
) -> Drawing:
    """The drawing of a design without errors.

    Its figures are those of theory, at the median of the rates or their upper end and at a multiple of what
    grows; with a simulated `run`, the loads are measured, and `source` says where.
    """
    sheet = sheet_of(design, multiple=multiple)
    graph = graph_of(design, sheet)
    figures = by_theory(design, graph, sheet, at=at, multiple=multiple)
    if run is not None:
        figures = with_run(figures, run, source)
    return Drawing.of(graph, figures, design.layout)
