"""What is computed of a text, away from the event loop? The quick answer (problems, estimates, theory, what is still
missing), and the simulation, step by step with narrower intervals.

These functions run in a worker process; what they take and give can be pickled, and what goes to browsers is JSON.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toscale.architecture.agreement import Accord, prints
from toscale.design.change import check_design
from toscale.design.model import Design
from toscale.design.problems import DesignError
from toscale.interview.state import Injection
from toscale.interview.work import Missing, missing_work

__all__ = [
    "PRECISIONS",
    "Quick",
    "QuickJob",
    "SimulateJob",
    "ThrowJob",
    "quick",
    "simulate_steps",
    "throwable",
]

FILE = "design.yaml"
"""What the shared text is called in problems."""

PRECISIONS = (0.2, 0.05)
"""The simulation runs until its intervals are so narrow, then again until they are narrower: the first takes a
sixteenth of the second's time. Each is a run of its own, so that no interval was looked at before it was reported.
"""


@dataclass(frozen=True, slots=True)
class QuickJob:
    """A text, what was thrown into it, and what was agreed on."""

    text: str
    injections: tuple[Injection, ...] = ()
    accord: Accord[int | None] = field(default_factory=Accord)


@dataclass(frozen=True, slots=True)
class Quick:
    """The quick answer. `prints` is None where the text does not read as a design without errors.

    `answer` goes to browsers. `simulable` says whether a simulation has something to run.
    """

    answer: Mapping[str, Any]
    prints: Mapping[str, str] | None
    missing: tuple[Missing, ...]
    simulable: bool


@dataclass(frozen=True, slots=True)
class SimulateJob:
    """A text with what was thrown into it, and how much work it may make."""

    text: str
    injections: tuple[Injection, ...]
    most_events: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ThrowJob:
    """A text, what was thrown into it already, and what is to be thrown in."""

    text: str
    injections: tuple[Injection, ...]
    new: Injection


def throwable(job: ThrowJob) -> str | None:
    """Why something cannot be thrown in, None if it can be computed, or is for people only.

    A text that does not read refuses nothing: it may read again in a moment.
    """
    loaded = check_design(job.text, FILE)
    if loaded.design is None or loaded.errors or job.new.kind == "curveball":
        return None
    (*_, said) = _theory(loaded.design, (*job.injections, job.new))["injections"]
    return None if said["why"] is None else str(said["why"])


def quick(job: QuickJob) -> Quick:
    """All that can be said at once of a text. Never raises for a text, whatever it is."""
    from toscale.document.as_json import estimates_json, problem_json
    from toscale.document.findings import all_problems
    from toscale.requirements.estimates import estimate

    loaded = check_design(job.text, FILE)
    answer: dict[str, Any] = {"problems": [problem_json(one) for one in loaded.problems]}
    if loaded.design is None or loaded.errors:
        answer["reason"] = "The text has errors: nothing is computed before they are mended."
        return Quick(answer, None, (), False)
    design = loaded.design
    fingerprints = prints(design)
    problems = all_problems(design)
    answer["problems"] = [problem_json(one) for one in problems]
    answer["title"] = design.title
    answer["estimates"] = estimates_json(estimate(design))
    answer.update(_theory(design, job.injections))
    sound = all(problem.severity != "error" for problem in problems)
    return Quick(
        answer,
        fingerprints,
        missing_work(design, fingerprints, job.accord),
        bool(design.flows) and sound and answer["theory"] is not None,
    )


def _theory(design: Design, injections: tuple[Injection, ...]) -> dict[str, Any]:
    """The theory, and what became of each injection."""
    from toscale.document.twin_json import twin_json
    from toscale.server.injections import apply, fault_name
    from toscale.simulate.lower import lower
    from toscale.theory import solve

    applied = apply(design, injections)
    said: dict[str, Any] = {"theory": None, "multiple": applied.multiple}
    outside: dict[str, str] = {}
    try:
        lowered = lower(applied.design, multiple=applied.multiple)
    except DesignError as error:
        said["reason"] = "; ".join(problem.message for problem in error.problems)
    else:
        outside = {one.path: one.text for one in lowered.not_simulated if one.path}
        said["theory"] = twin_json(solve(lowered.model))
    said["injections"] = []
    for one in injections:
        path = f"faults/{one.text.strip() if one.text.strip() in design.faults else fault_name(one.number)}"
        why = applied.refused.get(one.number)
        if one.kind == "fault" and why is None:
            why = outside.get(path)
        elif one.kind == "curveball":
            why = "It is for people: nothing of it is computed until someone writes it into the file."
        said["injections"].append({"number": one.number, "computed": why is None, "why": why})
    return said


def simulate_steps(
    job: SimulateJob, progress: Callable[[dict[str, Any]], None], cancelled: threading.Event
) -> Iterator[dict[str, Any]]:
    """The simulations of a design, the intervals of each narrower than those before.

    Raises DesignError for a text that cannot be simulated, `toscale.simulate.replications.Cancelled` after
    `cancelled` was set. It ends early when another step would take longer than is left of `job.seconds`.
    """
    from toscale.document.as_json import simulation_json
    from toscale.document.findings import judge_at
    from toscale.server.injections import apply
    from toscale.simulate.result import Ending
    from toscale.simulate.run import Progress, simulate

    loaded = check_design(job.text, FILE)
    applied = apply(loaded.sound(), job.injections)
    began = time.monotonic()
    for step, precision in enumerate(PRECISIONS, 1):

        def report(one: Progress, step: int = step) -> None:
            progress(
                {
                    "step": step,
                    "steps": len(PRECISIONS),
                    "load": one.load,
                    "fraction": round(min(one.fraction, 1.0), 3),
                    "what": one.what,
                    "value": one.value,
                    "low": one.low,
                    "high": one.high,
                }
            )

        at = time.monotonic()
        simulation = simulate(
            applied.design,
            precision=precision,
            multiple=applied.multiple,
            most_events=job.most_events,
            workers=1,
            progress=report,
            cancelled=cancelled,
        )
        took, now = time.monotonic() - at, time.monotonic()
        verdicts = judge_at(applied.design, {applied.multiple: simulation}, applied.multiple)
        last = (
            precision == PRECISIONS[-1]
            or simulation.median.ending is not Ending.TIGHT
            or now - began + took * (precision / PRECISIONS[-1]) ** 2 > job.seconds
        )
        yield {
            "step": step,
            "steps": len(PRECISIONS),
            "precision": precision,
            "last": last,
            **simulation_json(applied.design, simulation, verdicts),
        }
        if last:
            return
