"""How is a design used from Python? Loaded or built, changed, estimated, simulated, judged and reported, as
the command does.

>>> from toscale import Design
>>> design = Design.from_text('''
... title: A counter
... requirements:
...   users: {visitor: looks}
...   non_functional: {quick: p99(look) <= 100 ms}
... estimates:
...   visits: 2M to 4M / day
... components:
...   app: {kind: service, replicas: 2, cores: 2}
... flows:
...   look: {from: visitor, rate: visits, steps: [{app: 5 ms}]}
... ''')
>>> design.estimate()["visits"].shown()
'32.7/s (23 to 46 per s)'
>>> slower = design.with_change({"flows.look.steps": [{"app": "60 ms"}]})
>>> simulation = slower.simulate(duration=20)
>>> [(verdict.name, verdict.status.value) for verdict in slower.judge(simulation)]
[('quick', 'missed')]

Everything else of the design is there by the names of the file: `design.components["app"].replicas`,
`design.flows["look"].steps`. In a notebook a design and its results show themselves, and `to_frame()` of the results
gives data frames, where pandas is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from toscale.design import model
from toscale.design.problems import DesignError, Problem

if TYPE_CHECKING:
    from toscale.architecture import Drawing
    from toscale.document.notebook import Estimates, Simulation, Verdicts
    from toscale.simulate import result
    from toscale.simulate.fault_result import FaultResult
    from toscale.simulate.run import Progress

__all__ = ["Design", "DesignError", "Problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design(model.Design):
    """A design without errors: what the file says, and what follows from it.

    `problems` are its warnings and notes; `check()` says more. Values do not change: `with_change` gives
    another design.
    """

    @classmethod
    def load(cls, path: str | Path) -> Design:
        """The design in a file. Raises `DesignError`, with all problems and their places, if it has errors;
        OSError if it cannot be opened.
        """
        return cls._of(model.Design.load(path))

    @classmethod
    def from_text(cls, text: str | bytes, file: str = "<text>") -> Design:
        """The design in a text; `file` names it in problems. Raises `DesignError` if it has errors."""
        return cls._of(model.Design.from_text(text, file))

    @classmethod
    def from_dict(cls, values: Mapping[str, object], file: str = "<values>") -> Design:
        """The design in plain Python values, in the form of the file. Raises `DesignError` if it has errors."""
        return cls._of(model.Design.from_dict(values, file))

    @classmethod
    def _of(cls, design: model.Design) -> Design:
        return cls(**{field.name: getattr(design, field.name) for field in fields(design)})

    def with_change(self, change: Mapping[str, object] | model.Change) -> Design:
        """The design with a change: paths, such as `estimates.peak` or `flows.shorten.store`, with what comes
        there.

        Mappings merge, `in place of:` replaces a step by others, None or "none" removes. Raises `DesignError`
        if a path leads nowhere or the changed design has errors.
        """
        return self._of(super(Design, self).with_change(change))

    @property
    def text(self) -> str:
        """The design as a file: as it was read, with its comments, or written anew if it was changed."""
        return self.to_yaml()

    def check(self) -> tuple[Problem, ...]:
        """Its warnings and notes, with what is vague, values that cannot be, and what keeps it from being
        simulated.
        """
        from toscale.document.findings import all_problems

        return all_problems(self)

    def draw(self, simulation: result.Simulation | None = None) -> Drawing:
        """Its drawing, with figures by theory or, with a simulation, as measured.

        The drawing has `.svg()`, `.png()` and `.text(width)`, and shows itself in a notebook.
        """
        from toscale.architecture import draw

        if simulation is None:
            return draw(self)
        return draw(self, multiple=simulation.multiple, run=simulation.median)

    def _repr_html_(self) -> str:
        from toscale.document.notebook import shown_design

        return shown_design(self)

    def estimate(self, *, multiple: float = 1.0, seed: int = 1) -> Estimates:
        """What its numbers come to, at a multiple of what grows: `estimates["peak"].median`, in s, byte and USD.

        `multiple` is above 0; `seed` is that of the samples of what is uncertain.
        """
        from toscale.document.notebook import Estimates
        from toscale.requirements.estimates import estimate

        return Estimates.of(estimate(self, multiple=multiple, seed=seed))

    def simulate(
        self,
        *,
        seed: int = 1,
        precision: float = 0.05,
        duration: float | None = None,
        multiple: float = 1.0,
        progress: Callable[[Progress], None] | None = None,
    ) -> Simulation:
        """Runs it at the median of its rates and at their upper end (each at its own 95th percentile).

        Runs until the 95% intervals are within plus or minus `precision`, or for `duration` seconds of
        traffic. `multiple` scales what grows. The first run of a version compiles the engine, which takes
        about 20 s. Raises `DesignError` where it cannot be simulated.
        """
        from toscale.document.notebook import Simulation
        from toscale.simulate.run import simulate

        return Simulation.of(
            simulate(
                self, seed=seed, precision=precision, duration=duration, multiple=multiple, progress=progress
            )
        )

    def simulate_fault(
        self,
        name: str,
        *,
        seed: int = 1,
        multiple: float = 1.0,
        upper: bool = True,
        progress: Callable[[Progress], None] | None = None,
    ) -> FaultResult:
        """Runs one of its faults: figures before, while it lasts and after, curves, and the time to recover.

        At the median of its rates and, with `upper`, at their upper end. Raises KeyError where no fault is called
        so, and `DesignError` where the design cannot be simulated.
        """
        from toscale.simulate.faults import simulate_fault

        return simulate_fault(self, name, seed=seed, multiple=multiple, upper=upper, progress=progress)

    def judge(
        self, simulation: result.Simulation | None = None, faults: Mapping[str, FaultResult] | None = None
    ) -> Verdicts:
        """The verdict on each target, by a simulation (by one that is run now, if none is given).

        A target that names no multiple is judged at that of the simulation, one `during` a fault by that of
        `faults`, where it is unknown otherwise.
        """
        from toscale.document.findings import judge_at
        from toscale.document.notebook import Verdicts

        ran: result.Simulation = self.simulate() if simulation is None else simulation
        return Verdicts.of(judge_at(self, {ran.multiple: ran}, ran.multiple, ran.seed, faults))

    def report(
        self,
        path: str | Path,
        simulation: result.Simulation | None = None,
        faults: Mapping[str, FaultResult] | None = None,
    ) -> Path:
        """Writes the design document, by a simulation (by one that is run now, if none is given) and with what the
        `faults` do that were simulated: one page of HTML, Markdown with its pictures in a folder beside it, or PDF,
        as the path ends in .html, .md or .pdf.

        Gives the path. Raises ValueError for another ending, OSError where the document cannot be written.
        """
        from toscale.document.compose import document_of
        from toscale.document.findings import find
        from toscale.document.written import written

        ran = simulation
        if ran is None and self.flows:
            ran = self.simulate()
        multiple = 1.0 if ran is None else ran.multiple
        findings = find(
            self,
            {} if ran is None else {multiple: ran},
            multiple=multiple,
            seed=1 if ran is None else ran.seed,
            faults=faults,
        )
        file = self.source.file if self.source is not None else "<values>"
        for name, content in written(document_of(findings, file), Path(path)).items():
            name.parent.mkdir(parents=True, exist_ok=True)
            name.write_bytes(content)
        return Path(path)
