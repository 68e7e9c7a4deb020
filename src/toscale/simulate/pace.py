"""How long must one look? The warm-up, and the first guess of a run's length, from what theory knows of the
system's own times.

A queue forgets its past within a few relaxation times; at the load rho that of c servers is about 2 E[S] (1 +
cv^2) / (c (1 - rho)^2) (Cohen 1982; for M/M/1 it is 1 / (mu (1 - sqrt rho)^2), which this bounds near
saturation). Where theory sees no stationary state the times are those of a load just below it: overload shows
itself soon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toscale.engine.model import After, Consume, Extend, Model, Scatter, Send, Take, Users, Visit, walk
from toscale.theory import Twin

WARM_UP = 4.0
"""Relaxation times, and latencies, that are cut off: what is left of the start is e^-4 of it, or less."""

PILOT = 40.0
"""The pilot is so many warm-ups long: its batches, an eighth of it, are 20 relaxation times, and nearly independent."""

PILED = 100_000.0
"""Where theory sees overload, a pilot in which so many pile up shows it; more would only fill the memory."""
SEEN = 100.0
"""Requests of the rarest flow that such a pilot sees all the same: one that saw none would show nothing."""

MOST_PILED = 600_000.0
ENDS = 2.5
"""Where theory sees overload, flows that have nothing to do with it must come to their end all the same: the warm-up
is so many of their latencies long, unless more than MOST_PILED would pile up in the pilot.
"""

_HIGHEST = 0.97  # load at which relaxation times are taken where it is higher or unknown
_PER_CALL = 3.0  # events, roughly, for each call of a station
_SHORTEST = 0.01
_LAGGED = 0.99  # of the writes have come to a copy when what was measured begins


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds to be cut off, seconds to be measured at first (per replication), and events per simulated
    second, roughly.
    """

    warm_up: float
    pilot: float
    events_per_second: float
    overloaded: bool = False  # as theory sees it: something fills up, and shows that soon


def pace(model: Model, twin: Twin, *, wanted: int = 2_000) -> Pace:
    """`wanted`: how many requests of each flow the pilot should see, where that is affordable."""
    slots = {s.name: s for s in model.stations}
    closed = _called_by_consumers_alone(model)
    varying = _variability(model)
    relaxation = 0.0
    for name, theory in twin.stations.items():
        if theory.arrivals <= 0:
            continue
        station = slots[name]
        servers = station.cores or station.slots
        if servers is None:
            continue
        load = max(
            x
            for x in (theory.slot_utilisation, theory.core_utilisation, theory.hottest_utilisation, 0.0)
            if x is not None
        )
        holding = theory.work if theory.holding is None else max(theory.holding, theory.work)
        own = 2 * (1 + varying.get(name, 1.0)) * holding / (servers * (1 - min(load, _HIGHEST)) ** 2)
        if name in closed:  # the queue cannot be longer than there are consumers, and forgets as quickly
            own = min(own, 4 * holding * max(1.0, closed[name] / (theory.machines * servers)))
        relaxation = max(relaxation, own)
    for buffer in twin.buffers.values():
        load = _HIGHEST if buffer.utilisation is None else min(buffer.utilisation, _HIGHEST)
        batch = (buffer.batch or 1.0) / max(buffer.rate, 1e-9)
        relaxation = max(relaxation, min(4 * batch / (1 - load) ** 2, 60.0))
    latency = max([_SHORTEST, *(f.latency or 0.0 for f in twin.flows.values())])
    latency += sum(f.source.think.mean for f in model.flows if isinstance(f.source, Users))
    latency += sum(
        f.source.wait.mean for f in model.flows if isinstance(f.source, After) and f.source.wait is not None
    )
    warm_up = WARM_UP * (relaxation + latency)
    terms = [s.term for f in model.flows for s in walk(f.steps) if isinstance(s, Take | Extend)]
    terms += [pool.term for pool in model.pools]
    terms += [
        float(one.lag.quantile(np.array([_LAGGED]))[0]) for one in model.replicated if one.lag is not None
    ]
    warm_up = max(
        [warm_up, *(term for term in terms if term is not None)]
    )  # until nobody is missing who holds one, and no write that is on its way
    scalings = [s.scaling for s in model.stations if s.scaling is not None]
    warm_up = max([warm_up, *(s.every + s.boot.mean for s in scalings)])
    warm_up = max([warm_up, *(s.instances.keep for s in model.stations if s.instances is not None)])
    rates = [f.rate for f in twin.flows.values() if f.rate > 0]
    events = _PER_CALL * sum(s.arrivals for s in twin.stations.values()) + 3.0 * sum(rates)
    slowest = min(rates, default=1.0)
    pilot = max(PILOT * warm_up, wanted / slowest)
    excess = max((o.excess for o in twin.overloaded), default=0.0)
    if excess > 0:
        seen = SEEN / slowest
        warm_up = min(warm_up, max(PILED / 4 / excess, seen / 4))
        pilot = min(pilot, max(PILED / excess, seen))
        lasting = ENDS * max([0.0, *(f.latency or 0.0 for f in twin.flows.values())])
        warm_up = max(warm_up, min(lasting, MOST_PILED / 4 / excess))
        pilot = max(pilot, min(2 * lasting, MOST_PILED / excess))
    return Pace(warm_up, pilot, max(events, 1.0), excess > 0)


def _called_by_consumers_alone(model: Model) -> dict[str, int]:
    """Stations that only consumers of buffers call, one at a time, with the number of those consumers."""
    partitions = {b.name: b.partitions for b in model.buffers}
    found: dict[str, int] = {}
    others: set[str] = set()
    for flow in model.flows:
        called = {s.station for s in walk(flow.steps) if isinstance(s, Visit | Scatter | Send) and s.station}
        if isinstance(flow.source, Consume):
            for name in called:
                found[name] = found.get(name, 0) + partitions[flow.source.buffer]
        else:
            others |= called
    return {name: number for name, number in found.items() if name not in others}


def _variability(model: Model) -> dict[str, float]:
    """The squared coefficient of variation of each station's most varying work, taken as at least 1 and at most 25."""
    found: dict[str, float] = {}
    for flow in model.flows:
        for step in walk(flow.steps):
            if (
                isinstance(step, Visit | Scatter | Send)
                and step.work is not None
                and step.station is not None
            ):
                cv2 = step.work.shape.cv**2
                found[step.station] = min(max(found.get(step.station, 1.0), cv2), 25.0)
    return found
