"""How often does a flow begin? By its own arrivals, and as others cause it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import After, Clock, Flow, Poisson, Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toscale.theory.connections import ConnectionTheory


def average(source: Poisson) -> float:
    """The mean rate over the time that a varying rate is given for; straight lines between its points."""
    if len(source.rates) == 1 or source.times[-1] <= source.times[0]:
        return source.rates[-1]
    spans = np.diff(source.times)
    rates = np.asarray(source.rates)
    return float(spans @ (rates[:-1] + rates[1:]) / 2 / spans.sum())


def own_rate(flow: Flow, connections: Mapping[str, ConnectionTheory]) -> float:
    """Requests per second by the flow's own arrivals and by events of connections; 0 where others cause it."""
    match flow.source:
        case Poisson():
            return average(flow.source)
        case Clock(every, number):
            return number / every if every > 0 else 0.0
        case Trace(moments):
            lasts = max(moments, default=0.0)
            return len(moments) / lasts if lasts > 0 else 0.0
        case After(events=events, chance=chance):
            return chance * sum(connections[event.connection].rate(event) for event in events)
        case _:
            return 0.0


def caused(own: np.ndarray, gain: np.ndarray) -> np.ndarray | None:
    """X = own + gain x, or None where each turn brings more than the last."""
    try:
        x = np.linalg.solve(np.eye(len(own)) - gain, own)
    except np.linalg.LinAlgError:
        return None
    return x if np.all(np.isfinite(x)) and np.all(x >= -1e-9 * (1 + np.abs(own).max(initial=0.0))) else None
