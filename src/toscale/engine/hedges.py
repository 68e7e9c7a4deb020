"""A call that is late is made once more, and the first good answer counts (Dean & Barroso, "The tail at
scale", CACM 2013).

The caller waits for its calls as for children, with a time-out after which it does not go on but starts
another. The others are then given up as after a time-out: what only waits is removed, what runs goes on
unheard. A failure does not count while another call is on its way; when all have failed the call has, without
waiting for the hedge: for that there are retries.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.jit import jit
from toscale.engine.tasks import set_time_out, spawn, unring
from toscale.engine.tree import NEVER, schedule

_FURTHER = np.int64(1 << 32)
"""What the numbers of further calls begin with, beyond those of attempts."""


@jit
def start_hedged(S, i, step):  # type: ignore[no-untyped-def]
    """The first call, with the draws that it would have without a hedge."""
    S.guards[step.num].sent += 1
    j = spawn(S, i, np.int64(step.a), step.salt, np.int64(0), True)
    S.tasks[j].key = S.tasks[i].key
    S.tasks[j].hands_back = 1


@jit
def send_hedge(S, ring):  # type: ignore[no-untyped-def]
    """The first caller of a ring makes its call once more, unless it was answered meanwhile."""
    r = S.rings[ring]
    i = r.head
    if i >= 0 and S.tasks[i].deadline <= S.control[0].now:
        t = S.tasks[i]
        unring(S, i)
        step = S.code[t.pc]
        j = spawn(S, i, np.int64(step.a), step.salt, _FURTHER + np.int64(t.total), True)
        S.tasks[j].hands_back = 1
        S.guards[step.num].hedged += 1
        t.total += 1
        if t.total <= step.d:
            set_time_out(S, i, ring)
    schedule(S, r.leaf, S.tasks[r.head].deadline if r.head >= 0 else NEVER)
    r.set = 1 if r.head >= 0 else 0
