"""What do the numbers of step 1 come to? Every estimate with its interval and its derivation, and what the
design itself adds up to.

Beside the estimates that the file names stand those that follow from the rest of it: the rate of each flow,
reads and writes, what is stored by the data model, the memory of caches. Estimates are shown in their unit;
`si` is in s, byte and USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from toscale.design.flow import FromActor, Operation
from toscale.design.model import Design
from toscale.design.problems import Problem
from toscale.quantity.estimate import Estimate
from toscale.quantity.formatting import format_quantity, format_range
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import DEFAULT_SEED, Quantity, quantile
from toscale.quantity.units import NUMBER, RATE, base_unit
from toscale.requirements.cost import Cost, cost
from toscale.requirements.storage import Stored, storage
from toscale.requirements.values import rate_factor, sheet_of
from toscale.requirements.working_set import Memory, forgets, memories
from toscale.requirements.workload import FlowRate, Occurrence, flow_rates, occurrences

__all__ = ["Estimates", "ReadsAndWrites", "Tornado", "estimate", "tornado"]

READS: frozenset[Operation] = frozenset({"read", "get"})
WRITES: frozenset[Operation] = frozenset(
    {"put", "insert", "update", "delete", "increment", "take", "queue for", "extend", "keep", "give back"}
)


@dataclass(frozen=True, slots=True)
class Tornado:
    """The assumptions behind one estimate, the one that its uncertainty is most due to first.

    A bar is an assumption, its share of the variance (of the logarithm, where the estimate is positive),
    and how it was written. What is missing to 1 is due to assumptions that act together.
    """

    estimate: str
    bars: tuple[tuple[str, float, str], ...]  # assumption, share, as it was written

    def lines(self) -> tuple[str, ...]:
        """One line for each assumption: `new_links (60M to 160M): 47%`."""
        return tuple(f"{name} ({text}): {share:.0%}" for name, share, text in self.bars)


def tornado(estimate: Estimate) -> Tornado:
    """Which assumption is the uncertainty of an estimate due to?"""
    texts = {assumption.name: assumption.text for assumption in estimate.assumptions}
    return Tornado(
        estimate.name, tuple((name, share, texts.get(name, "")) for name, share in estimate.shares.items())
    )


@dataclass(frozen=True, eq=False)
class ReadsAndWrites:
    """Reads and writes of one entity, or of all requests of actors, in 1/s, and the ratio of the one to the
    other.

    A read in the `miss:` of another read of the same entity asks for the same thing again, and is not
    counted twice. A write counts where the entity is stored: filling a cache is none. `left_out` says which
    calls are not in it, as the file does not say how often they are made.
    """

    name: str
    reads: Quantity
    writes: Quantity
    left_out: tuple[str, ...] = ()

    @cached_property
    def ratio(self) -> Quantity | None:
        """Reads for each write; None without any write."""
        least = self.writes.value if isinstance(self.writes.value, float) else float(self.writes.value.min())
        return Quantity(self.reads.value / self.writes.value, NUMBER) if least > 0 else None

    def to_json(self) -> dict[str, Any]:
        return {
            "reads": _figures(self.reads),
            "writes": _figures(self.writes),
            "ratio": None if self.ratio is None else _figures(self.ratio),
            "left_out": list(self.left_out),
        }


@dataclass(frozen=True, eq=False)
class Estimates:
    """All of step 1 in numbers, at a multiple of the growth.

    `sheet` holds the named estimates (`estimates.sheet["peak_reads"].shown()`); `problems` what is wrong
    with those that have no value.
    """

    sheet: Sheet
    rates: Mapping[str, FlowRate]
    requests: ReadsAndWrites | None
    entities: tuple[ReadsAndWrites, ...]
    storage: tuple[Stored, ...]
    memory: tuple[Memory, ...]
    cost: Cost
    problems: tuple[Problem, ...]
    multiple: float
    seed: int

    def __getitem__(self, name: str) -> Estimate:
        return self.sheet[name]

    def to_json(self) -> dict[str, Any]:
        """The public interface of `toscale estimate --json`: numbers in the unit shown, `si` beside them."""
        return {
            "estimates": {name: _estimate_json(one) for name, one in self.sheet.items()},
            "flows": {
                name: {
                    "rate": _figures(rate.rate),
                    "average": _figures(rate.average),
                    "unit": "1/s",
                    "how": rate.how,
                }
                for name, rate in self.rates.items()
            },
            "reads_per_write": None if self.requests is None else self.requests.to_json(),
            "entities": {entity.name: entity.to_json() for entity in self.entities},
            "storage": {part.entity: part.to_json() for part in self.storage},
            "memory": {part.component: part.to_json() for part in self.memory},
            "cost": self.cost.to_json(),
            "not_computed": {name: list(roots) for name, roots in self.sheet.not_computed.items()},
            "multiple": self.multiple,
            "seed": self.seed,
        }


def estimate(design: Design, *, multiple: float = 1.0, seed: int = DEFAULT_SEED) -> Estimates:
    """The estimates of a design, at a multiple of what its `growth` says grows, or of its rates if it says
    nothing.
    """
    sheet = sheet_of(design, multiple=multiple, seed=seed)
    rates = flow_rates(design, sheet, rate_factor(design, multiple))
    calls = {flow: tuple(occurrences(design, sheet, flow)) for flow in design.flows}
    return Estimates(
        sheet,
        rates,
        _requests(design, rates, calls),
        _entities(design, rates, calls),
        storage(design, sheet),
        memories(design, sheet, rates),
        cost(design, sheet),
        _problems(design, sheet),
        multiple,
        seed,
    )


def _problems(design: Design, sheet: Sheet) -> tuple[Problem, ...]:
    from toscale.design.rules import FORMULA_RULES

    found = []
    for problem in sheet.problems:
        formula = design.estimates.get(problem.name)
        place = formula.place if formula is not None else next(iter(design.estimates.values())).place
        error = problem.error
        found.append(Problem(FORMULA_RULES[error.code], "error", error.message, error.suggestion, place))
    return tuple(found)


# ---- reads and writes


def _requests(
    design: Design, rates: Mapping[str, FlowRate], calls: Mapping[str, tuple[Occurrence, ...]]
) -> ReadsAndWrites | None:
    """The requests of actors: one that changes what is stored is a write, another that looks something up
    is a read.
    """
    reads, writes = Quantity(0.0, RATE), Quantity(0.0, RATE)
    left_out: list[str] = []
    counted = False
    for name, flow in design.flows.items():
        if not isinstance(flow.trigger, FromActor):
            continue
        changes = any(_writes(design, one) for one in calls[name])
        looks = any(one.call.operation in READS for one in calls[name])
        if not changes and not looks:
            continue
        rate = rates[name].rate
        if isinstance(rate, str):
            left_out.append(f"`{name}`: {rate}")
            continue
        counted = True
        if changes:
            writes = Quantity(writes.value + rate.value, RATE)
        else:
            reads = Quantity(reads.value + rate.value, RATE)
    return ReadsAndWrites("requests", reads, writes, tuple(left_out)) if counted else None


def _entities(
    design: Design, rates: Mapping[str, FlowRate], calls: Mapping[str, tuple[Occurrence, ...]]
) -> tuple[ReadsAndWrites, ...]:
    found = []
    for entity in design.data:
        sums = {True: Quantity(0.0, RATE), False: Quantity(0.0, RATE)}
        left_out: list[str] = []
        used = False
        for occurrence in (one for every in calls.values() for one in every if one.call.entity == entity):
            read, write = occurrence.call.operation in READS, _writes(design, occurrence)
            if not read and not write:
                continue
            within = occurrence.within
            if read and within is not None and within.entity == entity and within.operation in READS:
                continue
            used = True
            rate = rates[occurrence.flow].rate
            if isinstance(rate, str) or isinstance(occurrence.times, str):
                why = rate if isinstance(rate, str) else str(occurrence.times)
                left_out.append(f"`{occurrence.call.path}`: {why}")
                continue
            sums[read] = Quantity(sums[read].value + rate.value * occurrence.times.value, RATE)
        if used:
            found.append(ReadsAndWrites(entity, sums[True], sums[False], tuple(dict.fromkeys(left_out))))
    return tuple(found)


def _writes(design: Design, occurrence: Occurrence) -> bool:
    """Whether a call changes an entity where it is stored, and stored to be kept."""
    call = occurrence.call
    component = design.components.get(call.target)
    if call.operation not in WRITES or call.entity is None or (component is not None and forgets(component)):
        return False
    entity = design.data.get(call.entity)
    return entity is None or entity.stored_in is None or entity.stored_in == call.target


# ---- as plain values


def _estimate_json(one: Estimate) -> dict[str, Any]:
    unit = one.unit
    return {
        "median": one.in_unit(one.median),
        "low": one.in_unit(one.low),
        "high": one.in_unit(one.high),
        "unit": "" if unit is None else unit.name,
        "formula": one.formula,
        "shown": one.shown(),
        "derivation": one.derivation,
        "shares": one.shares,
        "si": {
            "median": one.median,
            "low": one.low,
            "high": one.high,
            "unit": "" if one.dimension == NUMBER else base_unit(one.dimension).name,
        },
    }


def _figures(amount: Quantity | str) -> dict[str, Any]:
    if isinstance(amount, str):
        return {"median": None, "low": None, "high": None, "reason": amount}
    low, median, high = (quantile(amount.value, p) for p in (0.05, 0.5, 0.95))
    shown = format_quantity(median, amount.dimension)
    if high - low > 1e-9 * abs(median):
        shown += f" ({format_range(low, high, amount.dimension)})"
    return {"median": median, "low": low, "high": high, "shown": shown}
