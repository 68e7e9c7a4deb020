"""When does the next request of a flow begin? The n-th arrival depends on the seed, the flow and n alone."""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, mix, unit
from toscale.engine.jit import inlined, jit
from toscale.engine.tree import NEVER

POISSON, VARYING, TICKING, CAUSED, TRACED, USERS = 0, 1, 2, 3, 4, 5
"""Numbers of the kinds of sources in the tables; CAUSED: by messages or by other requests; USERS: each by itself."""

LONGEST = 4.0e18
"""No wait is longer than this many ticks (127 years)."""


@inlined
def next_arrival(S, flow):  # type: ignore[no-untyped-def]
    """When the next request begins: the n-th arrival depends on nothing but the seed, the flow and n."""
    f = S.flows[flow]
    c = S.control[0]
    if f.kind == TICKING:
        return np.int64(S.phases[f.first + f.count % f.points]) + (f.count // f.points) * f.every
    gap = -np.log(unit(mix(mix(mix(c.seed ^ f.salt) + np.uint64(f.count) * GOLDEN) + f.salt)))
    f.clock += gap
    if f.kind == POISSON:
        if f.rate <= 0.0:
            return NEVER
        return np.int64(min(f.clock / f.rate, LONGEST))
    return varying_arrival(S, f)


@jit
def varying_arrival(S, f):  # type: ignore[no-untyped-def]
    """The next moment of a trace; else the time at which the integral of the rate reaches the arrivals' own time
    (inversion, not thinning).

    Columns of `points`: time (ticks), rate (per tick), integral of the rate until then. Straight lines
    between points.
    """
    if f.kind == TRACED:
        return np.int64(S.phases[f.first + f.count]) if f.count < f.points else NEVER
    last = f.first + f.points - 1
    k = f.first
    while k < last and S.points[k + 1, 2] <= f.clock:
        k += 1
    rest = f.clock - S.points[k, 2]
    rate = S.points[k, 1]
    if k == last:
        if rate <= 0.0:
            return NEVER
        return np.int64(min(S.points[k, 0] + rest / rate, LONGEST))
    slope = (S.points[k + 1, 1] - rate) / (S.points[k + 1, 0] - S.points[k, 0])
    # rest = rate * x + slope * x^2 / 2, in the form that does not cancel
    x = 2.0 * rest / (rate + np.sqrt(max(rate * rate + 2.0 * slope * rest, 0.0)))
    return np.int64(S.points[k, 0] + x)
