"""May this call be made? Breakers that cut calls short, and budgets of retries, each kept by its caller.

A caller is a machine that makes a call at a step of a flow: breakers live in the memory of a process, one for
each thing called, and nothing is told to other processes (Nygard, "Release It!", 2007; Hystrix, resilience4j,
Polly and gobreaker alike). Where no machine calls, all calls of the step have one caller.

Breaker. While it is closed each call's end is counted, over a time that is cut into ten slices as in Hystrix,
of which the oldest is dropped as a whole. When enough calls have ended and the share of errors among them is
reached it opens: calls end FAILED at once. The first call after its time is let through to try; until that has
ended all others are cut. Ending well it closes the breaker, with nothing counted; otherwise it opens anew.
What ends later than the breaker has changed counts for nothing.

Budget. As Finagle's `RetryBudget`: each call pays its share in, each retry takes one out, and what was paid
in or taken out longer than OVER ago is forgotten, so that no retries are saved up. Without Finagle's reserve
for callers that call seldom: the share is all that a file gives.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.jit import jit
from toscale.engine.state import SLICES, TICK

OVER = round(10.0 / TICK)
"""Ticks for which a budget remembers: Finagle's default of 10 s (`RetryBudget.DefaultTtl`)."""

CLOSED, OPEN, TRYING = 0, 1, 2
_SLICE = OVER // SLICES
_ROUNDED = 1e-9  # sums of shares are rounded


@jit
def caller_of(S, i, step):  # type: ignore[no-untyped-def]
    """The number of the task's caller at a guarded call."""
    g = S.guards[step.a]
    if step.b < 0 or g.machine < 0:
        return g.first
    return g.first + S.registers[i, step.b] - g.machine


@jit
def touch_caller(S, g, caller):  # type: ignore[no-untyped-def]
    """Brings the time for which calls have been cut up to now."""
    r = S.callers[caller]
    now = S.control[0].now
    if r.state == OPEN:
        g.open_time += max(min(now, r.until) - r.touched, 0)
    elif r.state == TRYING:
        g.open_time += now - r.touched
    r.touched = now


@jit
def touch_guard(S, guard):  # type: ignore[no-untyped-def]
    """The same for all callers of a guarded call."""
    g = S.guards[guard]
    for k in range(g.callers):
        touch_caller(S, g, g.first + k)


@jit
def guard(S, i, step):  # type: ignore[no-untyped-def]
    """Whether the breaker lets the call through."""
    g = S.guards[step.a]
    g.calls += 1
    caller = caller_of(S, i, step)
    r = S.callers[caller]
    if r.state == CLOSED:
        return True
    touch_caller(S, g, caller)
    if r.state == OPEN:
        cut = S.control[0].now < r.until
    else:  # unless whoever tried has been given up meanwhile, and will tell nothing
        tries = S.tasks[r.probe]
        cut = tries.pc >= 0 and tries.key == r.probe_key and tries.abandoned == 0
    if cut:
        g.cut += 1
        return False
    r.state = TRYING
    r.probe = i
    r.probe_key = S.tasks[i].key
    return True


@jit
def report(S, i, step):  # type: ignore[no-untyped-def]
    """A call that was let through has ended."""
    g = S.guards[step.a]
    caller = caller_of(S, i, step)
    r = S.callers[caller]
    t = S.tasks[i]
    wrong = (g.errors >> np.int64(t.outcome)) & 1
    if r.state == TRYING and r.probe == i and r.probe_key == t.key:
        touch_caller(S, g, caller)
        if wrong:
            open_breaker(S, g, r)
        else:
            r.state = CLOSED
            for k in range(SLICES):
                r.calls[k] = 0
                r.wrong[k] = 0
    elif r.state == CLOSED:
        at = S.control[0].now // g.over
        for k in range(min(at - r.slice, SLICES)):
            r.calls[(at - k) % SLICES] = 0
            r.wrong[(at - k) % SLICES] = 0
        r.slice = at
        r.calls[at % SLICES] += 1
        r.wrong[at % SLICES] += wrong
        calls = np.int64(0)
        errors = np.int64(0)
        for k in range(SLICES):
            calls += r.calls[k]
            errors += r.wrong[k]
        if wrong and calls >= g.least and errors >= g.share * calls - _ROUNDED:
            open_breaker(S, g, r)


@jit
def open_breaker(S, g, r):  # type: ignore[no-untyped-def]
    """No call from now on, until it may be tried again."""
    now = S.control[0].now
    r.state = OPEN
    r.until = now + g.stays
    r.touched = now
    g.opened += 1


# ---- budgets of retries ------------------------------------------------------------------------------------------


@jit
def turn(S, r):  # type: ignore[no-untyped-def]
    """The budget's slice of now, with what is too old forgotten."""
    at = S.control[0].now // _SLICE
    for k in range(min(at - r.spent, SLICES)):
        r.tokens[(at - k) % SLICES] = 0.0
    r.spent = at
    return at % SLICES


@jit
def deposit(S, i, step):  # type: ignore[no-untyped-def]
    """A call begins, and pays its share into its caller's budget."""
    g = S.guards[step.a]
    g.begun += 1
    r = S.callers[caller_of(S, i, step)]
    at = turn(S, r)
    r.tokens[at] += g.deposit


@jit
def spend(S, i, step):  # type: ignore[no-untyped-def]
    """Whether the caller's budget pays for one more retry, which it then has."""
    g = S.guards[step.a]
    r = S.callers[caller_of(S, i, step)]
    at = turn(S, r)
    left = 0.0
    for k in range(SLICES):
        left += r.tokens[k]
    if left < 1.0 - _ROUNDED:
        g.denied += 1
        return False
    r.tokens[at] -= 1.0
    g.retries += 1
    return True
