"""What are results as tables of figures? Rows of plain values, and data frames of them where pandas is installed.

Times are in seconds, rates per second, shares between 0 and 1; what is not known is None (NaN in a frame).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from toscale.requirements.estimates import Estimates
from toscale.requirements.verdicts import Verdict
from toscale.simulate.result import ComponentResult, Figure, FlowResult, RunResult, Simulation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["component_rows", "estimate_rows", "flow_rows", "frame", "series_rows", "verdict_rows"]

Value: TypeAlias = "str | float | int | bool | None"
Row: TypeAlias = Mapping[str, Value]


def frame(rows: Iterable[Row], index: tuple[str, ...] = ()) -> pd.DataFrame:
    """The rows as a data frame, with these columns as its index. Raises ImportError, which says what to install,
    where there is no pandas.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(
            "data frames are those of pandas, which is not installed: pip install pandas"
        ) from None
    found = pd.DataFrame(list(rows))
    return found.set_index(list(index)) if index and not found.empty else found


def estimate_rows(estimates: Estimates) -> list[Row]:
    """One row an estimate, in its unit and (`si`) in s, byte and USD."""
    return [
        {
            "estimate": name,
            "median": one.in_unit(one.median),
            "low": one.in_unit(one.low),
            "high": one.in_unit(one.high),
            "unit": "" if one.unit is None else one.unit.name,
            "si": one.median,
            "formula": one.formula,
        }
        for name, one in estimates.sheet.items()
    ]


def _runs(simulation: Simulation) -> list[tuple[str, RunResult]]:
    runs = [("median", simulation.median)]
    return runs if simulation.upper is None else [*runs, ("upper", simulation.upper)]


def _spread(figures: Mapping[str, Figure | None]) -> dict[str, Value]:
    """Each figure with the ends of its interval in columns of their own."""
    found: dict[str, Value] = {}
    for name, figure in figures.items():
        found[name] = None if figure is None else figure.value
        found[f"{name}_low"] = None if figure is None else figure.low
        found[f"{name}_high"] = None if figure is None else figure.high
    return found


def flow_rows(simulation: Simulation) -> list[Row]:
    """One row for each flow, step and span at each load: rates, availability, and the latency of the answered."""
    return [
        {"flow": name, "load": load, "kind": flow.kind, **_of_flow(flow), "counted": flow.counted}
        for load, run in _runs(simulation)
        for name, flow in run.flows.items()
    ]


def _of_flow(flow: FlowResult) -> dict[str, Value]:
    rates = {"offered": flow.offered, "completed": flow.completed, "availability": flow.availability}
    return _spread({**rates, **flow.latency.answered})


def component_rows(simulation: Simulation) -> list[Row]:
    """One row for each component at each load."""
    return [
        {"component": name, "load": load, **_of_component(result)}
        for load, run in _runs(simulation)
        for name, result in run.components.items()
    ]


def _of_component(result: ComponentResult) -> dict[str, Value]:
    names = (
        "arrivals",
        "utilisation",
        "core_utilisation",
        "waiting",
        "queue",
        "refused",
        "hit_ratio",
        "lag",
        "depth",
        "stale",
        "staleness",
    )
    return _spread({name: getattr(result, name) for name in names})


def series_rows(simulation: Simulation) -> list[Row]:
    """One row for each window of the run at the median rates; empty where none was kept."""
    series = simulation.median.series
    if series is None:
        return []
    return [
        {"start": start, **{name: values[at] for name, values in series.values.items()}}
        for at, start in enumerate(series.starts)
    ]


def verdict_rows(verdicts: Iterable[Verdict]) -> list[Row]:
    """One row for each condition."""
    return [
        {
            "quality": one.name,
            "condition": one.text,
            "verdict": one.status.value,
            "median": None if one.median is None else one.median.value,
            "upper": None if one.upper is None else one.upper.value,
            "why": one.reason,
        }
        for one in verdicts
    ]
