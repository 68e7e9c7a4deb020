"""Which tables show a simulation? Flows, components, connections, bounded things and guarded calls, at both ends of
the rates.

The terminal and the documents share them, as the others in `tables`.
"""

from __future__ import annotations

from toscale.document.figures import DASH, causes, failures, number, percent, rate, seconds, used, with_margin
from toscale.document.tables import Cell, Column, Meter, Table
from toscale.quantity.formatting import format_quantity
from toscale.quantity.units import SIZE
from toscale.simulate.result import BoundResult, ComponentResult, Figure, FlowResult, RunResult, Simulation

__all__ = [
    "bounds_table",
    "calls_table",
    "connections_table",
    "flows_table",
    "simulated_components_table",
    "tables_of",
]


def tables_of(simulation: Simulation) -> tuple[Table, ...]:
    """All that the simulation has something for, flows first."""
    found = (
        flows_table(simulation),
        simulated_components_table(simulation),
        bounds_table(simulation),
        connections_table(simulation),
        calls_table(simulation),
    )
    return tuple(table for table in found if table.rows)


def flows_table(simulation: Simulation) -> Table:
    """Flows, steps and spans at both loads: offered, latency of the answered ones, failures."""
    rows = []
    runs = _runs(simulation)
    kinds = {"flow": 0, "span": 1, "step": 2}
    for name in sorted(simulation.median.flows, key=lambda name: kinds[simulation.median.flows[name].kind]):
        for load, run in runs:
            flow = run.flows.get(name)
            if flow is not None:
                rows.append((_called(flow) if load == runs[0][0] else "", *_flow_cells(load, flow)))
    columns: tuple[Column, ...] = (
        Column("Flow"),
        Column("Rates"),
        Column("Offered", True),
        Column("p50", True, 1),
        Column("p95", True, 2),
        Column("p99", True),
        Column("Failed", True),
    )
    if len(runs) == 1:
        columns, rows = _without(columns, rows, 1)
    answered = "Latency of the answered requests; ± is half of the 95% interval, shown from 0.1% on."
    note = f"{answered}{_why_failed(simulation)}"
    return Table("Flows", columns, tuple(tuple(row) for row in rows), note)


def _why_failed(simulation: Simulation) -> str:
    """Which flows fail, and why."""
    said = {}
    for _, run in _runs(simulation):
        for name, flow in run.flows.items():
            if causes(flow) and flow.kind == "flow":
                said[name] = causes(flow)
    return f" Failed: {'; '.join(f'{name} {why}' for name, why in said.items())}." if said else ""


def _runs(simulation: Simulation) -> list[tuple[str, RunResult]]:
    runs = [("median", simulation.median)]
    return runs if simulation.upper is None else [*runs, ("upper", simulation.upper)]


def _called(flow: FlowResult) -> str:
    return f"step {flow.name}" if flow.kind == "step" else flow.name


def _flow_cells(load: str, flow: FlowResult) -> tuple[str, ...]:
    times = tuple(with_margin(flow.latency.answered.get(name), seconds) for name in ("p50", "p95", "p99"))
    offered = DASH if flow.offered.value is None else rate(flow.offered.value)
    return (load, offered, *times, failures(flow))


def _without(
    columns: tuple[Column, ...], rows: list[tuple[str, ...]], at: int
) -> tuple[tuple[Column, ...], list[tuple[str, ...]]]:
    return (*columns[:at], *columns[at + 1 :]), [(*row[:at], *row[at + 1 :]) for row in rows]


def simulated_components_table(simulation: Simulation) -> Table:
    """Components at both loads: what arrives, how much is in use, what waits."""
    runs = _runs(simulation)
    rows = []
    for name in simulation.median.components:
        both = [run.components.get(name) for _, run in runs]
        rows.append((name, *_component_cells(both)))
    upper = (Column("At the upper end"),) if simulation.upper is not None else ()
    columns = (
        Column("Component"),
        Column("Arrivals", True, 2),
        Column("In use"),
        *upper,
        Column("Waiting", True),
        Column("Queue", True, 3),
        Column("Hit ratio", True, 1),
        Column("Refused", True, 4),
        Column("Waiting for locks", True, 2),
        Column("Found locked", True, 2),
        Column("Cold starts", True, 1),
        Column("Instances", True, 1),
        Column("Machines", True, 1),
        Column("Too few", True, 1),
        Column("Stale reads", True, 1),
        Column("Copies behind", True, 2),
    )
    where = (
        "waiting, queue and refused at the upper end of the rates"
        if upper
        else "waiting and queue on average"
    )
    note = f"In use: the larger of the shares of slots and of cores; {where}."
    if any(one.machines is not None for _, run in runs for one in run.components.values()):
        note += " Machines that follow the load: the mean, and the most that served; too few of the time for the load."
    if any(one.staleness is not None for one in simulation.median.components.values()):
        note += " Stale reads: of the reads at copies. Copies behind: the mean time until a copy has a write."
    return _trimmed(Table("Components", columns, tuple(rows), note))


def connections_table(simulation: Simulation) -> Table:
    """What is held open: how many in all, at the fullest machine, and how often one opens."""
    rows = []
    for name, held in simulation.median.connections.items():
        refused = held.refused.value
        fullest = with_margin(held.fullest, number)
        rows.append(
            (
                name,
                held.component,
                with_margin(held.held, number),
                fullest if held.limit is None else f"{fullest} of {number(held.limit)}",
                with_margin(held.memory, lambda value: format_quantity(value, SIZE)),
                DASH if held.opened.value is None else rate(held.opened.value),
                DASH if held.closed.value is None else rate(held.closed.value),
                rate(refused) if refused else DASH,
            )
        )
    columns = (
        Column("Connection"),
        Column("Held by"),
        Column("Open", True),
        Column("At the fullest machine", True),
        Column("Its memory", True),
        Column("Opened", True),
        Column("Closed", True),
        Column("Refused", True, 1),
    )
    return _trimmed(Table("Connections", columns, tuple(rows), "At the median of the rates."))


def _component_cells(both: list[ComponentResult | None]) -> tuple[Cell, ...]:
    """The cells of a component. A load that ended before it had measured anything has none of it."""
    median = both[0]
    busiest = both[-1] if both[-1] is not None else median
    if median is None or busiest is None:
        return (DASH, *(DASH for _ in both), *(DASH,) * 12)
    refused = busiest.refused.value
    return (
        DASH if median.arrivals.value is None else rate(median.arrivals.value),
        *(DASH if result is None else _use(result) for result in both),
        _waiting(busiest),
        _queue(busiest),
        with_margin(median.hit_ratio, percent),
        rate(refused) if refused else DASH,
        with_margin(busiest.lock_waiting, seconds),
        DASH if busiest.lock_refused is None or not busiest.lock_refused.value else _found_locked(busiest),
        with_margin(busiest.cold, percent),
        with_margin(busiest.instances, number),
        _machines(busiest),
        DASH if busiest.short is None or not busiest.short.value else with_margin(busiest.short, percent),
        with_margin(busiest.stale, percent),
        with_margin(busiest.staleness, seconds),
    )


def bounds_table(simulation: Simulation) -> Table:
    """Bounded things at both loads: what is taken and refused, and whether the bound held."""
    runs = _runs(simulation)
    rows = []
    for name in simulation.median.bounds:
        for load, run in runs:
            bound = run.bounds.get(name)
            if bound is not None:
                rows.append((name if load == runs[0][0] else "", *_bound_cells(load, bound)))
    columns: tuple[Column, ...] = (
        Column("Thing"),
        Column("Rates"),
        Column("Taken", True),
        Column("Refused", True, 3),
        Column("Held", True, 1),
        Column("In line", True, 2),
        Column("Wait", True, 4),
        Column("Excess", True),
        Column("Shortfall", True),
    )
    if len(runs) == 1:
        columns, rows = _without(columns, rows, 1)
    note = (
        "Excess: let through beyond the bound, of what it allows. Shortfall: refused though within the bound, of "
        "all that was within."
    )
    return _trimmed(Table("Bounded things", columns, tuple(tuple(row) for row in rows), note))


def _bound_cells(load: str, bound: BoundResult) -> tuple[str, ...]:
    counts = tuple(DASH if f.value is None else rate(f.value) for f in (bound.taken, bound.refused))
    return (
        load,
        *counts,
        with_margin(bound.held, number),
        with_margin(bound.line, number),
        with_margin(bound.wait, seconds),
        with_margin(bound.excess, percent),
        with_margin(bound.shortfall, percent),
    )


def _machines(result: ComponentResult) -> str:
    """How many machines there are, where their number follows the load, and the most that served."""
    if result.machines is None or result.most_machines is None:
        return DASH
    return f"{with_margin(result.machines, number)}, up to {result.most_machines:,}"


def _found_locked(result: ComponentResult) -> str:
    """The share of those that asked for a lock and were refused."""
    return with_margin(result.lock_refused, percent)


def _use(result: ComponentResult) -> Cell:
    shares = [f.value for f in (result.utilisation, result.core_utilisation) if f.value is not None]
    return Meter(min(1.0, max(0.0, max(shares))), used(max(shares))) if shares else DASH


def _waiting(result: ComponentResult) -> str:
    figure: Figure | None = result.waiting if result.waiting.value is not None else result.lag
    return with_margin(figure, seconds)


def _queue(result: ComponentResult) -> str:
    figure: Figure | None = result.queue if result.queue.value is not None else result.depth
    return with_margin(figure, number)


def calls_table(simulation: Simulation) -> Table:
    """Calls with breakers, hedges and budgets of retries, at the upper end of the rates where there is one."""
    run = _runs(simulation)[-1][1]
    rows = [
        (
            path,
            DASH if call.calls.value is None else rate(call.calls.value),
            with_margin(call.open, used),
            with_margin(call.cut, used),
            with_margin(call.hedged, used),
            with_margin(call.retries, used),
            with_margin(call.denied, used),
        )
        for path, call in run.calls.items()
    ]
    columns = (
        Column("Call"),
        Column("Made", True, 3),
        Column("Breaker open", True),
        Column("Cut short", True),
        Column("Hedged", True),
        Column("Retried", True),
        Column("Denied", True, 1),
    )
    where = "at the upper end of the rates" if simulation.upper is not None else "on average"
    note = f"Breaker open: of the time, over all callers; the others are shares of the calls, {where}."
    return _trimmed(Table("Breakers, hedges and budgets of retries", columns, tuple(rows), note))


def _trimmed(table: Table) -> Table:
    """The table without the columns in which nothing is known."""
    kept = [i for i in range(len(table.columns)) if i == 0 or any(row[i] != DASH for row in table.rows)]
    return Table(
        table.title,
        tuple(table.columns[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in table.rows),
        table.note,
    )
