"""What is known of a design? Its problems, estimates, budgets, simulated figures, verdicts and growth, gathered in
one value that every report is written from.

The simulation itself is run by the caller, who knows about progress and patience; `multiples` says at which
loads the targets want it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from toscale.design.model import Component, Design, Prose
from toscale.design.parts import Formula
from toscale.design.problems import DesignError, Problem
from toscale.quantity.grammar import parse
from toscale.quantity.uncertain import DEFAULT_SEED
from toscale.quantity.units import NUMBER
from toscale.requirements.availability import LongRun, long_run
from toscale.requirements.budget import Budget, budgets
from toscale.requirements.estimates import Estimates, estimate
from toscale.requirements.impossible import impossible
from toscale.requirements.vague import vague
from toscale.requirements.values import sheet_of, value_of
from toscale.requirements.verdicts import Status, Verdict, judge, judged_during
from toscale.simulate.fault_result import FaultResult
from toscale.simulate.lower import lower
from toscale.simulate.result import ComponentResult, Figure, RunResult, Simulation
from toscale.theory import Twin, solve

__all__ = [
    "Findings",
    "GrowthPoint",
    "Saturation",
    "all_problems",
    "find",
    "judge_at",
    "multiples",
    "saturation",
]

MOST_MULTIPLES = 4
"""At so many loads is a design simulated for its targets; one at a further multiple is unknown, and says so."""

MOST_GROWTH = 12
"""So many points of a growth curve are computed."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """How busy a component is: the larger of the shares of its slots and of its cores that are in use."""

    component: str
    used: Figure
    of: str  # "slots" or "cores"


@dataclass(frozen=True, slots=True)
class GrowthPoint:
    """The design at a multiple of its load, by theory, at the median rates.

    `busiest`: the component with the highest utilisation of its busiest machine, and that utilisation (None:
    nothing has a limit). `overloaded`: what cannot keep up. `p99`: seconds, by flow; None where something
    grows without bound. `reason` says why nothing is known.
    """

    multiple: float
    busiest: tuple[str, float] | None
    overloaded: tuple[str, ...]
    p99: Mapping[str, float | None]
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a report says of a design, at one multiple of its load.

    `simulations` are by their multiples; `simulation` is the one that the report is about, None if none was
    run. `twin` is the theory at the median rates, None where the design cannot be lowered, and then `reason`
    says why.
    """

    design: Design
    problems: tuple[Problem, ...]
    estimates: Estimates
    simulations: Mapping[float, Simulation]
    verdicts: tuple[Verdict, ...]
    twin: Twin | None
    budgets: Mapping[str, Budget]
    growth: tuple[GrowthPoint, ...]
    multiple: float
    seed: int
    reason: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)  # flow -> why it is not simulated
    faults: Mapping[str, FaultResult] = field(default_factory=dict)  # those that were simulated, by name
    long_run: LongRun | None = None  # None where no component says how often it fails

    @property
    def simulation(self) -> Simulation | None:
        return self.simulations.get(self.multiple)

    def during(self) -> dict[str, tuple[Verdict, ...]]:
        """What becomes of the targets while each fault lasts."""
        return {name: judged_during(self.design, one, self.seed) for name, one in self.faults.items()}

    @property
    def missed(self) -> bool:
        """Whether a target is missed."""
        return any(verdict.status is Status.MISSED for verdict in self.verdicts)


def all_problems(design: Design) -> tuple[Problem, ...]:
    """All that can be said of a design that was read without errors, by place: its warnings and notes, values
    that cannot be, what is vague, and what keeps it from being simulated.
    """
    wrong = impossible(design)
    if not wrong:
        try:
            lower(design)
        except DesignError as error:
            wrong = tuple(error.problems)
    found = {(p.code, p.place, p.message): p for p in (*design.problems, *wrong, *vague(design))}
    return tuple(sorted(found.values(), key=lambda problem: (problem.place, problem.code)))


def multiples(design: Design, at: float = 1.0) -> tuple[float, ...]:
    """The multiples of the load that the targets are to be simulated at: `at`, for those that name none, then
    those that are named.
    """
    found = [at]
    named = [target for target in design.requirements.targets if target.at is not None]
    sheet = sheet_of(design) if named else None
    for target in named:
        if sheet is None or target.at is None or target.during is not None:
            continue
        value = value_of(sheet, target.at, f"requirements.non_functional.{target.name}.at", NUMBER)
        if not isinstance(value, str) and value.median > 0 and value.median not in found:
            found.append(value.median)
    return tuple(found[:MOST_MULTIPLES])


def judge_at(
    design: Design,
    simulations: Mapping[float, Simulation],
    at: float = 1.0,
    seed: int = DEFAULT_SEED,
    faults: Mapping[str, FaultResult] | None = None,
) -> tuple[Verdict, ...]:
    """The verdict on each target; one that names no multiple is judged at `at`, with the estimates of that
    load.
    """
    if at == 1.0:
        return judge(design, simulations, seed=seed, faults=faults)
    multiple = Formula(repr(at), parse(repr(at)))
    lines = {
        name: line if isinstance(line, Prose) or line.at is not None else replace(line, at=multiple)
        for name, line in design.requirements.non_functional.items()
    }
    moved = replace(design, requirements=replace(design.requirements, non_functional=lines))
    return judge(moved, simulations, seed=seed, faults=faults)


def find(
    design: Design,
    simulations: Mapping[float, Simulation],
    *,
    multiple: float = 1.0,
    seed: int = DEFAULT_SEED,
    faults: Mapping[str, FaultResult] | None = None,
) -> Findings:
    """Everything that is known of a design without errors, at a multiple of its load.

    `simulations` are those that were run, by their multiples; may be empty, and then nothing is judged as met.
    """
    estimates = estimate(design, multiple=multiple, seed=seed)
    reason, twin, steady = "", None, None
    left_out: Mapping[str, str] = {}
    try:
        lowered = lower(design, multiple=multiple)
    except DesignError as error:
        reason = "; ".join(problem.message for problem in error.problems)
    else:
        twin, left_out = solve(lowered.model), lowered.left_out
        steady = long_run(design, lowered.model, twin)
    return Findings(
        design,
        all_problems(design),
        estimates,
        simulations,
        judge_at(design, simulations, multiple, seed, faults),
        twin,
        budgets(design, twin, estimates.sheet) if twin is not None else {},
        _growth(design),
        multiple,
        seed,
        reason,
        left_out,
        faults or {},
        steady if steady is not None and steady.flows else None,
    )


# ---- what fills up first


def saturation(design: Design, run: RunResult) -> tuple[Saturation, ...]:
    """The components that have a limit, the busiest first."""
    found = [
        busy
        for name, result in run.components.items()
        if name in design.components and (busy := _busy(design.components[name], result)) is not None
    ]
    return tuple(sorted(found, key=lambda busy: -(busy.used.value or 0.0)))


def _busy(component: Component, result: ComponentResult) -> Saturation | None:
    slots, cores = result.utilisation, result.core_utilisation
    if cores.value is not None and (slots.value is None or cores.value > slots.value):
        return Saturation(component.name, cores, "cores")
    return None if slots.value is None else Saturation(component.name, slots, "slots")


# ---- growth


def _growth(design: Design) -> tuple[GrowthPoint, ...]:
    sheet = sheet_of(design)
    points = []
    for formula in design.growth.curve[:MOST_GROWTH]:
        value = value_of(sheet, formula, "growth.curve", NUMBER)
        if isinstance(value, str) or not value.median > 0:
            continue
        points.append(_grown(design, value.median))
    return tuple(points)


def _grown(design: Design, multiple: float) -> GrowthPoint:
    try:
        lowered = lower(design, multiple=multiple)
    except DesignError as error:
        return GrowthPoint(multiple, None, (), {}, "; ".join(problem.message for problem in error.problems))
    twin = solve(lowered.model)
    used = [
        (name, station.hottest_utilisation)
        for name, station in twin.stations.items()
        if station.hottest_utilisation is not None and name in design.components
    ]
    used += [
        (name, buffer.utilisation) for name, buffer in twin.buffers.items() if buffer.utilisation is not None
    ]
    busiest = max(used, key=lambda one: one[1], default=None)
    return GrowthPoint(
        multiple,
        busiest,
        tuple(overload.name for overload in twin.overloaded),
        {name: flow.p99 for name, flow in twin.flows.items()},
    )
