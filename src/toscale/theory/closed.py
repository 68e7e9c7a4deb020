"""How often do users ask who wait for each answer, and think before they ask again? As often as is in balance.

N users who each think for Z and wait for R ask N / (Z + R) times a second (Little's law). A request of theirs
finds the other N - 1 in the system, and so about (N - 1) / N of its load: the answer's time at that load is
what an arrival sees (the arrival theorem; Schweitzer's approximation of mean value analysis, 1979). The rate
is found by halving an interval, since R never falls when the load grows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite

from toscale.engine.model import Model, Users
from toscale.theory.results import Twin

CLOSE = 1e-5  # of the rate, relative
ROUGH = 1e-3  # and where there are several such flows, which are gone through in turn
SWEEPS = 15
STEPS = 40


def closed_rates(
    model: Model, given: Mapping[str, float], latency: Callable[[Mapping[str, float], str], float]
) -> dict[str, float]:
    """The rates of the flows with users, where `latency` is the mean time of a flow at given rates (infinite where
    it has none).
    """
    loops = {
        flow.name: flow.source
        for flow in model.flows
        if isinstance(flow.source, Users) and flow.name not in given
    }
    rates = dict.fromkeys(loops, 0.0)
    close = ROUGH if len(loops) > 1 else CLOSE
    for _ in range(SWEEPS if len(loops) > 1 else min(len(loops), 1)):
        before = dict(rates)
        for name, users in loops.items():
            others = {**given, **rates}
            rates[name] = _balanced(users, lambda x, n=name, o=others: latency({**o, n: x}, n), close)  # type: ignore[misc]
        if all(abs(rates[name] - before[name]) <= 2 * ROUGH * rates[name] for name in rates):
            break
    return rates


def _balanced(users: Users, latency: Callable[[float], float], close: float) -> float:
    number, think = users.number, users.think.mean
    if number <= 0:
        return 0.0
    seen = (number - 1) / number
    alone = think + latency(0.0)
    if alone <= 0 or not isfinite(alone):
        return 0.0
    low, high = 0.0, number / alone
    for _ in range(STEPS):
        if high - low <= close * high:
            break
        middle = (low + high) / 2
        if middle * (think + latency(middle * seen)) > number:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def answered(twin: Twin, model: Model) -> Twin:
    """The twin with the latencies of its closed loops as they follow from their rates: N / X - Z."""
    flows = dict(twin.flows)
    for flow in model.flows:
        if isinstance(flow.source, Users) and flows[flow.name].rate > 0:
            latency = flow.source.number / flows[flow.name].rate - flow.source.think.mean
            flows[flow.name] = replace(flows[flow.name], latency=max(0.0, latency))
    return replace(twin, flows=flows)
