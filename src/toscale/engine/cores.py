"""Who is served next on a machine's cores: processor sharing in virtual time.

Each of n requests proceeds at the speed min(1, cores / n). The machine counts the work done for each request
so far, its virtual time; a request that arrives at virtual time v with demand d is done at v + d. The
earliest of them is the root of a pairing heap (Fredman, Sedgewick, Sleator & Tarjan 1986), linked through the
tasks: no memory of its own.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.jit import inlined, jit
from toscale.engine.tasks import touch
from toscale.engine.tree import NEVER, schedule


@jit
def meld(S, a, b):  # type: ignore[no-untyped-def]
    """The heap of two heaps' tasks."""
    if a < 0:
        return b
    if b < 0:
        return a
    if S.tasks[b].finish < S.tasks[a].finish:
        a, b = b, a
    S.tasks[b].right = S.tasks[a].left
    S.tasks[a].left = b
    return a


@jit
def without_root(S, root):  # type: ignore[no-untyped-def]
    """The heap without its root: its children melded in pairs, then the pairs from the last to the first."""
    a = S.tasks[root].left
    S.tasks[root].left = -1
    pairs = -1
    while a >= 0:
        b = S.tasks[a].right
        rest = S.tasks[b].right if b >= 0 else -1
        S.tasks[a].right = -1
        if b >= 0:
            S.tasks[b].right = -1
        pair = meld(S, a, b)
        S.tasks[pair].right = pairs
        pairs = pair
        a = rest
    heap = -1
    while pairs >= 0:
        rest = S.tasks[pairs].right
        S.tasks[pairs].right = -1
        heap = meld(S, heap, pairs)
        pairs = rest
    return heap


@inlined
def advance_work(S, machine):  # type: ignore[no-untyped-def]
    """Counts the work done since the last change."""
    m = S.machines[machine]
    now = S.control[0].now
    cores = S.stations[m.station].cores
    if m.active == 0:
        m.virtual = 0.0
    elif m.active <= cores:
        m.virtual += now - m.at
    else:
        m.virtual += np.float64(now - m.at) * cores / m.active
    m.at = now


@inlined
def plan_next(S, machine):  # type: ignore[no-untyped-def]
    """Schedules the moment at which the next request on this machine's cores is done."""
    m = S.machines[machine]
    if m.heap < 0:
        schedule(S, m.leaf, NEVER)
        return
    left = S.tasks[m.heap].finish - m.virtual
    cores = S.stations[m.station].cores
    if m.active > cores:
        left = left * m.active / cores
    schedule(S, m.leaf, m.at + max(np.int64(np.ceil(left)), np.int64(0)))


@inlined
def count_cores(S, machine, change):  # type: ignore[no-untyped-def]
    """One request more or less on the cores; `working` counts the cores in use."""
    m = S.machines[machine]
    touch(S, m.station)
    s = S.stations[m.station]
    s.working -= min(m.active, s.cores)
    m.active += change
    s.working += min(m.active, s.cores)


@inlined
def start_work(S, machine, i, demand):  # type: ignore[no-untyped-def]
    """A request begins to need `demand` ticks of a core."""
    advance_work(S, machine)
    m = S.machines[machine]
    S.tasks[i].finish = m.virtual + demand
    S.tasks[i].left = -1
    S.tasks[i].right = -1
    m.heap = meld(S, m.heap, i)
    count_cores(S, machine, 1)
    plan_next(S, machine)


@inlined
def end_work(S, machine):  # type: ignore[no-untyped-def]
    """The request whose work is done now."""
    advance_work(S, machine)
    m = S.machines[machine]
    i = m.heap
    m.heap = without_root(S, i)
    count_cores(S, machine, -1)
    plan_next(S, machine)
    return i
