"""How is a measured figure written? The value as an engineer writes it, with the half of its interval beside it:
`71.2 ms ±0.6%`; a figure that is not known is a dash.
"""

from __future__ import annotations

from collections.abc import Callable

from toscale.quantity.formatting import format_number, format_quantity, format_range
from toscale.quantity.uncertain import Quantity, quantile
from toscale.quantity.units import NUMBER, RATE, TIME, UNITS, Dimension
from toscale.simulate.result import Figure, FlowResult

__all__ = [
    "DASH",
    "amount",
    "causes",
    "count",
    "failures",
    "interval",
    "margin",
    "number",
    "percent",
    "rate",
    "seconds",
    "share_of_failures",
    "used",
    "with_margin",
]

DASH = "–"
"""What stands for a figure that is not known, or does not apply."""

LEAST_MARGIN = 0.001
"""Half of an interval below this part of the value is not worth a digit: the value stands alone."""


def seconds(value: float) -> str:
    """A time, in the unit that fits: `66.8 ms`."""
    return format_quantity(value, TIME)


def rate(value: float) -> str:
    """A rate: `15k/s`."""
    return format_quantity(value, RATE)


def percent(value: float) -> str:
    """A share: `96.3%`."""
    return format_quantity(value, NUMBER, UNITS["%"])


def used(share: float) -> str:
    """A share that is in use: `62%`, `8.4%`, `<0.1%`."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{100 * share:.1f}%" if share < 0.0995 else f"{100 * share:.0f}%"


def number(value: float) -> str:
    """A plain number: `1.75`."""
    return format_number(value)


def count(value: int) -> str:
    """A number of things: `9999`, `1.24M`."""
    return format_number(float(value))


def margin(figure: Figure) -> float | None:
    """The half of the interval as a share of the value, the wider half where they differ; None where it is
    open.
    """
    if not figure.value or figure.low is None or figure.high is None:
        return None
    return max(figure.high - figure.value, figure.value - figure.low) / abs(figure.value)


def with_margin(figure: Figure | None, write: Callable[[float], str]) -> str:
    """`71.2 ms ±0.6%`; the value alone where that half is less than 0.1%, a dash where nothing is known.

    An interval that is open on one side is `71.2 ms ±?`.
    """
    if figure is None or figure.value is None:
        return DASH
    shown = write(figure.value)
    if figure.value == 0 or figure.low == figure.high == figure.value:
        return shown
    half = margin(figure)
    if half is None:
        return f"{shown} ±?"
    if half < LEAST_MARGIN:
        return shown
    return f"{shown} ±{100 * half:.1f}%" if half < 0.0995 else f"{shown} ±{100 * half:.0f}%"


def interval(figure: Figure | None, dimension: Dimension, percentage: bool = False) -> str:
    """The value with the ends of its interval: `71.2 ms (70.9 to 71.5 ms)`."""
    if figure is None or figure.value is None:
        return DASH
    unit = UNITS["%"] if percentage else None
    shown = format_quantity(figure.value, dimension, unit)
    if figure.low is None and figure.high is None:
        return shown
    if figure.high is None:
        return f"{shown} (at least {format_quantity(figure.low or 0.0, dimension, unit)})"
    if figure.low is None:
        return f"{shown} (at most {format_quantity(figure.high, dimension, unit)})"
    if figure.low == figure.high:
        return shown
    return f"{shown} ({format_range(figure.low, figure.high, dimension, unit, 3)})"


def amount(value: Quantity | str) -> str:
    """A quantity with its 90% interval, or a dash: why it is not known is said elsewhere."""
    if isinstance(value, str):
        return DASH
    low, median, high = (quantile(value.value, p) for p in (0.05, 0.5, 0.95))
    shown = format_quantity(median, value.dimension)
    if high - low > 1e-9 * abs(median):
        shown += f" ({format_range(low, high, value.dimension)})"
    return shown


def share_of_failures(flow: FlowResult) -> float | None:
    """The share of the requests that were not answered; None if nothing is known."""
    return None if flow.availability.value is None else max(0.0, 1.0 - flow.availability.value)


def failures(flow: FlowResult) -> str:
    """The share that failed: `0.02%`, `0%`."""
    share = share_of_failures(flow)
    if share is None:
        return DASH
    return "0%" if share == 0 else format_quantity(share, NUMBER, UNITS["%"], 2)


def causes(flow: FlowResult) -> str:
    """Why requests failed, the most frequent cause first: `timed out, refused`; empty where none did."""
    found = {name: figure.value for name, figure in flow.failed.items() if figure.value}
    return ", ".join(sorted(found, key=lambda name: -(found[name] or 0.0)))
