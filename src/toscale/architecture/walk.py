"""How is a flow walked through on one page? Its happy path and a failing one as sequences, and some of its simulated
requests as waterfalls, one below the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from toscale.architecture import sequence, waterfall
from toscale.architecture.conversation import Conversation, Way, converse
from toscale.architecture.palette import Theme
from toscale.architecture.pen import Sheet, number
from toscale.design.model import Design
from toscale.simulate.spans import Trace

__all__ = ["WalkThrough", "Written", "walk_through", "written"]

HEADING, SAID = 15.0, 11.5
"""Sizes of fonts."""
BETWEEN = 34.0
"""What is free between two pictures."""


@dataclass(frozen=True, slots=True)
class WalkThrough:
    """A flow as told, and those of its requests that were followed."""

    flow: str
    conversations: tuple[Conversation, ...]
    traces: tuple[Trace, ...]

    def pictures(self) -> Iterator[tuple[str, str, Sheet]]:
        """Each picture with its heading and what is said below that."""
        for conversation in self.conversations:
            yield f"{self.flow}: {conversation.way.value}", "", sequence.sequence_sheet(conversation)
        for trace in self.traces:
            head = f"{self.flow}. {waterfall.heading(trace)}"
            yield head, waterfall.explained(trace), waterfall.waterfall_sheet(trace)

    def to_json(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "sequences": [one.to_json() for one in self.conversations],
            "traces": [one.to_json() for one in self.traces],
        }


@dataclass(frozen=True, slots=True)
class Written:
    """Walks on one page."""

    sheet: Sheet
    headings: tuple[str, ...]

    @property
    def size(self) -> tuple[float, float]:
        """The width and height of the picture in pixels of the SVG."""
        return self.sheet.right - self.sheet.left, self.sheet.bottom - self.sheet.top

    def svg(self, theme: Theme = "auto") -> str:
        """The page as SVG."""
        title = self.headings[0] if self.headings else "Nothing to walk through"
        return self.sheet.svg(title, ". ".join(self.headings), theme, sequence.RULES + waterfall.RULES)

    def png(self, theme: Theme = "light", scale: float = 2.0) -> bytes:
        """The page as PNG, `scale` pixels for each of the SVG."""
        from toscale.architecture.png import png

        return png(self.svg("light" if theme == "auto" else theme), scale)


def written(walks: Iterable[WalkThrough]) -> Written:
    """All pictures of the walks, one below the other, each under its heading."""
    whole = Sheet()
    headings = []
    for walk in walks:
        for heading, said, part in walk.pictures():
            headings.append(heading)
            top = whole.bottom + (BETWEEN if whole.parts else 0.0)
            whole.write(heading, 0.0, top + HEADING, HEADING, "name")
            top += HEADING + 6
            if said:
                whole.write(said, 0.0, top + SAID, SAID, "quiet")
                top += SAID + 4
            right, down = -part.left, top + 14 - part.top
            whole.draw(f'<g transform="translate({number(right)} {number(down)})">')
            whole.parts += part.parts
            whole.draw("</g>")
            whole.texts += [(text, rect.moved(right, down)) for text, rect in part.texts]
            whole.reach(part.right + right, part.bottom + down)
    return Written(whole, tuple(headings))


def walk_through(
    design: Design,
    flow: str,
    traces: Iterable[Trace] = (),
    ways: Iterable[Way] = (Way.HAPPY, Way.FAILING),
) -> WalkThrough:
    """A flow walked through, on these ways and with those of the traces that are its own. Raises KeyError for a
    flow that is not there.
    """
    told = [converse(design, flow, way) for way in ways]
    own = tuple(trace for trace in traces if trace.flow == flow)
    return WalkThrough(flow, tuple(one for one in told if one is not None), own)
