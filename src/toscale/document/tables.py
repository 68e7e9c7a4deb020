"""What stands in which table of a report? Titles, columns and cells as text, which the terminal and the page
share.

A column with a higher `rank` is the first to go where there is no room. A cell is a text, or a `Meter`: a
share between 0 and 1 that is drawn as a bar beside its text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from toscale.design.conditions import OfFlow
from toscale.design.model import Component, Design
from toscale.document.figures import (
    DASH,
    amount,
    percent,
    seconds,
    used,
)
from toscale.document.findings import Findings, GrowthPoint
from toscale.document.uncertainty import results
from toscale.quantity.estimate import Estimate
from toscale.quantity.formatting import format_number, format_quantity
from toscale.quantity.uncertain import quantile
from toscale.quantity.units import COST_RATE, parse_unit
from toscale.requirements.cost import Cost
from toscale.requirements.estimates import Estimates, tornado

__all__ = [
    "Cell",
    "Column",
    "Meter",
    "Table",
    "components_table",
    "cost_table",
    "estimates_table",
    "growth_table",
    "memory_table",
    "rates_table",
    "reads_table",
    "shares_table",
    "storage_table",
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, whether its cells are numbers (set to the right) or sentences (broken into lines),
    and how soon it goes for want of room (0: never).
    """

    head: str
    is_number: bool = False
    rank: int = 0
    is_sentence: bool = False


@dataclass(frozen=True, slots=True)
class Meter:
    """A share that is drawn as a bar beside its text."""

    share: float
    text: str


Cell: TypeAlias = "str | Meter"

LEAST_SHARE = 0.01
"""An assumption with a smaller part in the variance of a result is not worth a line."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with what must be known to read it in `note`."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


# ---- step 1


def estimates_table(estimates: Estimates) -> Table:
    """The named estimates, each with its interval and how it comes about."""
    rows = tuple(
        (name, one.shown_median(), "certain" if one.is_certain else one.shown_interval(), _how(one))
        for name, one in estimates.sheet.items()
    )
    columns = (
        Column("Estimate"),
        Column("Median", True),
        Column("90% interval", True),
        Column("How", is_sentence=True),
    )
    return Table("Estimates", columns, rows)


def _how(one: Estimate) -> str:
    """The derivation without the result at its end, which stands in the columns beside it."""
    derivation = one.derivation
    if derivation in (one.shown_median(), one.shown_interval()):
        return "given"
    for result in (one.shown(), one.shown_median()):
        if derivation.endswith(f" = {result}"):
            return derivation.removesuffix(f" = {result}")
    return derivation


def shares_table(estimates: Estimates) -> Table:
    """Which assumption each result is uncertain by, the largest part first; parts below 1% are left out."""
    rows: list[tuple[Cell, ...]] = []
    for one in results(estimates):
        bars = [bar for bar in tornado(one).bars if bar[1] >= LEAST_SHARE]
        for position, (name, share, written) in enumerate(bars):
            rows.append((one.name if position == 0 else "", name, written, Meter(share, f"{share:.0%}")))
    columns = (Column("Result"), Column("Assumption"), Column("As written"), Column("Share of the variance"))
    return Table("What the uncertainty is due to", columns, tuple(rows))


def rates_table(estimates: Estimates) -> Table:
    """How often each flow runs."""
    rows = []
    for name, flow in estimates.rates.items():
        known = not isinstance(flow.rate, str)
        rows.append((name, amount(flow.rate), flow.how if known else f"not known: {flow.rate}"))
    return Table(
        "How often the flows run",
        (Column("Flow"), Column("Rate", True), Column("From", is_sentence=True)),
        tuple(rows),
    )


def reads_table(estimates: Estimates) -> Table:
    """Reads and writes of requests and of each entity, with the ratio."""
    all_of_them = [] if estimates.requests is None else [estimates.requests]
    rows = tuple(
        (
            "all requests" if part is estimates.requests else part.name,
            amount(part.reads),
            amount(part.writes) + (" and more" if part.left_out else ""),
            DASH if part.ratio is None or part.left_out else amount(part.ratio),
        )
        for part in (*all_of_them, *estimates.entities)
    )
    left_out = [line for part in (*all_of_them, *estimates.entities) for line in part.left_out]
    note = (
        f"Not counted, as the file does not say how often: {'; '.join(dict.fromkeys(left_out))}."
        if left_out
        else ""
    )
    heads = (Column("Of"), Column("Reads", True), Column("Writes", True), Column("Reads per write", True))
    return Table("Reads and writes", heads, rows, note)


def storage_table(estimates: Estimates) -> Table:
    """What each entity takes, from the data model, beside what was computed by hand."""
    rows = []
    notes = []
    for part in estimates.storage:
        hand = ", ".join(f"{one.name} {one.shown_median()}" for one in part.by_hand)
        how = part.how if not isinstance(part.total, str) else part.total
        rows.append((part.entity, part.component, amount(part.total), how, hand or DASH))
        if part.assumed:
            notes.append(f"{part.entity}: lengths that nobody gave are taken as {', '.join(part.assumed)}")
    columns = (
        Column("Entity"),
        Column("Stored in"),
        Column("Takes", True),
        Column("How", rank=2, is_sentence=True),
        Column("By hand", rank=1),
    )
    return Table("Storage, by the data model", columns, tuple(rows), "; ".join(notes))


def memory_table(estimates: Estimates) -> Table:
    """The memory of each cache beside what would fill it, and the hits at other sizes."""
    rows = []
    for part in estimates.memory:
        curve = dict(part.curve)
        given = amount(part.given)
        ratios = [DASH] * 3
        if curve and not isinstance(part.given, str):
            given_bytes = quantile(part.given.value, 0.5)
            ratios = [percent(curve[_nearest(curve, given_bytes * m)]) for m in (1 / 4, 1, 4)]
        rows.append((part.component, given, amount(part.demanded), *ratios))
    columns = (
        Column("Cache"),
        Column("Memory", True),
        Column("Everything asked for", True),
        Column("Hits at a quarter", True, 1),
        Column("Hits", True),
        Column("Hits at four times", True, 1),
    )
    reasons = [f"{part.component}: {part.reason}" for part in estimates.memory if part.reason]
    return Table("Memory, with hits by theory", columns, tuple(rows), "; ".join(reasons))


def _nearest(sizes: Iterable[float], wanted: float) -> float:
    return min(sizes, key=lambda size: abs(size - wanted))


def cost_table(cost: Cost) -> Table:
    """What has a price, by the month."""
    unit = parse_unit("USD/month")
    rows: list[tuple[Cell, ...]] = [
        (part.component, format_quantity(quantile(part.amount.value, 0.5), COST_RATE, unit), part.how)
        for part in cost.parts
    ]
    if len(rows) > 1:
        rows.append(("together", format_quantity(cost.total(), COST_RATE, unit), ""))
    note = f"Without a price: {', '.join(cost.unpriced)}. The sum is at least this." if cost.unpriced else ""
    return Table(
        "Cost",
        (Column("Component"), Column("A month", True), Column("How", is_sentence=True)),
        tuple(rows),
        note,
    )


# ---- step 2


_SAID_ELSEWHERE = frozenset({"name", "kind", "place", "places"})


def components_table(design: Design) -> Table:
    """Each component with what the file says of it."""
    rows = tuple(
        (name, component.kind, _attributes(component)) for name, component in design.components.items()
    )
    return Table(
        "Components",
        (Column("Component"), Column("Kind"), Column("As the file says", is_sentence=True)),
        rows,
    )


def _attributes(component: Component) -> str:
    said = []
    for name in Component.__dataclass_fields__:
        value = getattr(component, name)
        if name in _SAID_ELSEWHERE or value is None or value == ():
            continue
        word = {"is_async": "async"}.get(name, name.replace("_", " "))
        said.append(f"{word} {_written(value)}")
    return ", ".join(said)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(str(item) for item in value)
    if hasattr(value, "at_least"):
        ends = [
            f"{getattr(value, 'at_least', None) or 1}",
            f"{getattr(value, 'at_most', None) or 'any number'}",
        ]
        return f"{' to '.join(ends)} towards {getattr(value, 'target', '')}"
    return str(value)


# ---- step 4


def growth_table(findings: Findings) -> Table:
    """The design at the multiples of its growth curve, by theory."""
    targeted = _targeted(findings.design)
    columns = (
        Column("Load", True),
        Column("Busiest"),
        Column("Cannot keep up"),
        *(Column(f"p99 of {flow}", True, 1 + i) for i, flow in enumerate(targeted)),
    )
    rows = tuple(_growth_cells(point, targeted) for point in findings.growth)
    of = ", ".join(findings.design.growth.of)
    note = f"By theory, at the median rates; what grows: {of or 'the rates'}."
    return Table("Growth", columns, rows, note)


def _targeted(design: Design) -> list[str]:
    """The flows that a target on a time is about."""
    found = [
        target.subject.flow
        for target in design.requirements.targets
        if target.measure in ("percentile", "mean", "max") and isinstance(target.subject, OfFlow)
    ]
    return list(dict.fromkeys(found))


def _growth_cells(point: GrowthPoint, targeted: list[str]) -> tuple[Cell, ...]:
    load = f"{format_number(point.multiple)}x"
    if point.reason:
        return (load, DASH, point.reason, *(DASH for _ in targeted))
    busiest: Cell = DASH
    if point.busiest is not None:
        name, share = point.busiest
        busiest = Meter(min(1.0, share), f"{name} {used(share) if share < 1 else 'full'}")
    times = (point.p99.get(flow) for flow in targeted)
    return (
        load,
        busiest,
        ", ".join(point.overloaded) or DASH,
        *("without bound" if time is None else seconds(time) for time in times),
    )
