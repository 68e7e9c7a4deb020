"""Does a call find an instance that is warm? Those of a function are started when needed, and kept for a while.

A call takes the instance that became idle last; where none is idle it starts one, which takes the time of a cold start.
One that has been idle for so long as it is kept is gone. As the last to become idle is the first to be used, there are
at any time as many instances as there were calls at once at most within that time. Busy ones are those slots of the
station that are taken; only the times at which the others became idle are held, in a ring, the oldest first.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.jit import jit


@jit
def touch_instances(S, k):  # type: ignore[no-untyped-def]
    """Lets go those that have been idle too long, each at its time; the integral over time up to now."""
    r = S.instances[k]
    now = S.control[0].now
    if r.room == 0:
        return
    while r.idle > 0 and S.warm[k, r.oldest] + r.keep <= now:
        gone = S.warm[k, r.oldest] + r.keep
        r.idle_time += np.float64(gone - r.touched) * r.idle
        r.touched = gone
        forget_oldest(S, k)
    r.idle_time += np.float64(now - r.touched) * r.idle
    r.touched = now


@jit
def forget_oldest(S, k):  # type: ignore[no-untyped-def]
    """The one that has been idle the longest is gone."""
    r = S.instances[k]
    r.oldest = r.oldest + 1 if r.oldest + 1 < r.room else 0
    r.idle -= 1
    r.gone += 1


@jit
def find_warm(S, k):  # type: ignore[no-untyped-def]
    """Whether a call finds an instance that is idle, which it takes; if not, one is started."""
    touch_instances(S, k)
    r = S.instances[k]
    r.calls += 1
    if r.idle == 0:
        r.cold += 1
        return False
    r.idle -= 1
    return True


@jit
def keep_warm(S, k):  # type: ignore[no-untyped-def]
    """A call is done: its instance is idle from now on."""
    touch_instances(S, k)
    r = S.instances[k]
    if r.idle == r.room:
        forget_oldest(S, k)
    at = r.oldest + r.idle
    S.warm[k, at if at < r.room else at - r.room] = S.control[0].now
    r.idle += 1


@jit
def lose_instances(S, station):  # type: ignore[no-untyped-def]
    """A function has gone down: none of its instances is left."""
    for k in range(S.control[0].n_instances):
        r = S.instances[k]
        if r.room > 0 and r.station == station:
            touch_instances(S, k)
            while r.idle > 0:
                forget_oldest(S, k)
