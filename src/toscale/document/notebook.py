"""How do a design and its results show themselves in a notebook? As sheets of HTML with the tables and plots of the
document, and as data frames.

The classes are those of the results with a way to be shown: whatever takes the one takes the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from toscale.document import frames, pictures, tables, words
from toscale.document.anchors import in_code
from toscale.document.draft import figure_of, table
from toscale.document.plots import bars
from toscale.document.simulated_tables import tables_of
from toscale.document.text import Block, Code, Column, Figures, Paragraph, Row, Spans, Strong, Table, Toned
from toscale.document.writers.html import fragment
from toscale.quantity import estimate as quantity
from toscale.requirements import estimates as step_one
from toscale.requirements.estimates import tornado
from toscale.requirements.verdicts import Verdict
from toscale.simulate import result

if TYPE_CHECKING:
    import pandas as pd

    from toscale.design.model import Design

__all__ = ["Estimate", "Estimates", "Simulation", "Verdicts", "shown_design"]


def shown_design(design: Design) -> str:
    """A design: its title, its brief, its drawing, and the worst of its problems in a number."""
    from toscale.architecture import draw

    count = len(design.problems)
    said: list[Block] = [Paragraph((Strong(design.title or "A design without a title"),))]
    said += [Paragraph((design.brief,))] if design.brief else []
    if count:
        noted = "1 thing is" if count == 1 else f"{count} things are"
        said.append(Paragraph((f"{noted} worth a look: ", Code("design.check()"), "."), is_note=True))
    picture = draw(design).svg("light", heading=False) if design.components else ""
    return fragment(said).removesuffix("</div>") + f"{picture}</div>"


class Estimate(quantity.Estimate):
    """The value of one formula, which shows itself."""

    def _repr_html_(self) -> str:
        said: list[Block] = [
            Paragraph((Strong(self.name), f": {self.shown()}")),
            *(Paragraph((Code(line),)) for line in self.derivation_lines()),
        ]
        rows = [(name, share, f"{share:.0%}  {text}", "one") for name, share, text in tornado(self).bars]
        if len(rows) > 1:
            alt = "; ".join(f"{name} {text}" for name, _, text, _ in rows)
            svg = bars(f"What {self.name} is uncertain by", alt, rows)
            said.append(Figures((figure_of(pictures.Picture("What it is uncertain by", svg, alt), ""),)))
        return fragment(said)


class Estimates(step_one.Estimates):
    """All estimates, which show themselves as a table and as a data frame."""

    @classmethod
    def of(cls, estimates: step_one.Estimates) -> Estimates:
        """The same estimates."""
        return cls(**{one.name: getattr(estimates, one.name) for one in fields(estimates)})

    def __getitem__(self, name: str) -> Estimate:
        one = self.sheet[name]
        return Estimate(**{part.name: getattr(one, part.name) for part in fields(one)})

    def to_frame(self) -> pd.DataFrame:
        """One row an estimate: `median`, `low`, `high` in `unit`, and the median in `si`. Needs pandas."""
        return frames.frame(frames.estimate_rows(self), ("estimate",))

    def _repr_html_(self) -> str:
        shown = (tables.estimates_table(self), tables.rates_table(self), tables.storage_table(self))
        return fragment(block for one in shown if (block := table(one)) is not None)


class Simulation(result.Simulation):
    """A simulated design, which shows itself as tables and plots and as data frames."""

    @classmethod
    def of(cls, simulation: result.Simulation) -> Simulation:
        """The same simulation."""
        return cls(**{one.name: getattr(simulation, one.name) for one in fields(simulation)})

    def to_frame(self) -> pd.DataFrame:
        """One row for each flow, step and span at each load. Needs pandas; see `frames` for the rest."""
        return self.frames()["flows"]

    def frames(self) -> dict[str, pd.DataFrame]:
        """`flows`, `components`, and `series` (over time, at the median rates). Needs pandas."""
        return {
            "flows": frames.frame(frames.flow_rows(self), ("flow", "load")),
            "components": frames.frame(frames.component_rows(self), ("component", "load")),
            "series": frames.frame(frames.series_rows(self), ("start",)),
        }

    def _repr_html_(self) -> str:
        said: list[Block] = [
            Paragraph((Toned("Overload. ", "missed"), words.overload_text(load, one)))
            for load, run in words.runs(self)
            for one in run.overloads
        ]
        said += [block for one in tables_of(self) if (block := table(one)) is not None]
        said += [
            Paragraph((words.how_it_ran(load, run, self),), is_note=True) for load, run in words.runs(self)
        ]
        return fragment(said)


class Verdicts(tuple[Verdict, ...]):
    """The verdicts on all conditions, which show themselves as a table and as a data frame."""

    __slots__ = ()

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> Verdicts:
        """The same verdicts."""
        return cls(verdicts)

    def to_frame(self) -> pd.DataFrame:
        """One row for each condition, figures in s, byte and USD. Needs pandas."""
        return frames.frame(frames.verdict_rows(self), ("quality",))

    def _repr_html_(self) -> str:
        columns = (Column("Quality"), Column("Condition"), Column("Verdict"), Column("Why", is_sentence=True))
        rows = []
        for one in self:
            said: Spans = (Toned(f"{words.MARKS[one.status]} {one.status.value}", one.status.value),)
            rows.append(Row(((one.name,), (Code(one.text),), said, in_code(words.sentence(one.reason)))))
        return fragment(
            (Paragraph((Strong(words.summary(self)),)), Table("Conditions", columns, tuple(rows)))
        )
