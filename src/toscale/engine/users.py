"""What does a user of a closed loop do? Think, ask, wait for the answer, good or bad, and think again.

A user is one task for the whole run; each request is counted from the end of the thinking before it.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, mix
from toscale.engine.jit import jit
from toscale.engine.model import Outcome
from toscale.engine.tasks import caused, follow, new_task, record, track, untrack
from toscale.engine.tree import NEVER, schedule

_DONE, _ANSWERED, _STOPPED = int(Outcome.DONE), int(Outcome.ANSWERED), int(Outcome.STOPPED)


@jit
def enter(S, flow):  # type: ignore[no-untyped-def]
    """The next user comes, and begins to think."""
    f = S.flows[flow]
    c = S.control[0]
    i = new_task(S, flow, f.entry)
    _become(S, i, mix(mix(c.seed ^ f.salt) + np.uint64(f.count) * GOLDEN))
    f.count += 1
    schedule(S, flow, c.now if f.count < f.points else NEVER)
    return i


@jit
def _become(S, i, request):  # type: ignore[no-untyped-def]
    """The user's next request: what it draws depends on that alone."""
    t = S.tasks[i]
    t.request = request
    t.key = mix(request + GOLDEN)
    t.outcome = _DONE
    for r in range(S.control[0].n_registers):
        S.registers[i, r] = -1


@jit
def begin_request(S, i):  # type: ignore[no-untyped-def]
    """The user asks."""
    t = S.tasks[i]
    t.root = 1
    t.start = S.control[0].now
    S.meters[t.flow].started += 1
    if S.flows[t.flow].spans:
        track(S, i, t.flow)


@jit
def next_request(S, i):  # type: ignore[no-untyped-def]
    """The user has an answer, or knows that none will come, and thinks again; returns where that begins."""
    t = S.tasks[i]
    f = S.flows[t.flow]
    if t.outcome == _DONE or t.outcome == _ANSWERED or t.outcome == _STOPPED:
        record(S, t.flow, S.control[0].now - t.start)
        if t.tracker >= 0:
            caused(S, t.tracker, t.flow)
        follow(S, i)
    else:
        S.meters[t.flow].causes[t.outcome] += 1
    if t.tracker >= 0:
        untrack(S, t.tracker)
        t.tracker = -1
    t.root = 0
    _become(S, i, mix(t.request + f.salt))
    return f.entry
