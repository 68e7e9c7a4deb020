"""How is something done again and again? Pass by pass in the same task, each with draws of its own.

A repetition keeps what it needs in a few registers of the task: how many passes have begun, when the first
began, when this one began, how long the next one is waited for, and the two numbers that the task's draws
depend on outside of it, in halves, since a register has a sign.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, draw_law, mix, unit
from toscale.engine.jit import jit
from toscale.engine.model import Outcome
from toscale.engine.tasks import ready

PASSES, FIRST, BEGAN, WAIT, KEY, REQUEST, REGISTERS = 0, 1, 2, 3, 4, 6, 8
"""Places among the registers of a repetition, and their number."""

_DONE, _ANSWERED, _ENDED, _STOPPED = (
    int(Outcome.DONE),
    int(Outcome.ANSWERED),
    int(Outcome.ENDED),
    int(Outcome.STOPPED),
)
_ONE, _HALF, _LOW = np.uint64(1), np.uint64(32), np.uint64(0xFFFFFFFF)


AT_ONCE = 1_000
"""So many passes that take no time follow each other in the same moment."""
SOONEST = 10_000
"""Ticks that each pass takes that has no time of its own, once there have been more: a hundred thousand a second."""


@jit
def _keep(S, i, at, bits):  # type: ignore[no-untyped-def]
    S.registers[i, at] = np.int64(bits >> _HALF)
    S.registers[i, at + 1] = np.int64(bits & _LOW)


@jit
def _kept(S, i, at):  # type: ignore[no-untyped-def]
    return (np.uint64(S.registers[i, at]) << _HALF) | np.uint64(S.registers[i, at + 1])


@jit
def begin_pass(S, i, step):  # type: ignore[no-untyped-def]
    """Another pass begins: its draws differ from those of the one before, and some keys are drawn anew."""
    t = S.tasks[i]
    at = np.int64(step.a)
    n = S.registers[i, at + PASSES] + 1
    now = S.control[0].now
    S.registers[i, at + PASSES] = n
    S.registers[i, at + BEGAN] = now
    if n == 1:
        S.registers[i, at + FIRST] = now
        _keep(S, i, at + KEY, t.key)
        _keep(S, i, at + REQUEST, t.request)
    more = step.salt + np.uint64(n) * GOLDEN
    t.key = mix(_kept(S, i, at + KEY) + more)
    t.request = mix(_kept(S, i, at + REQUEST) + more)
    for r in range(64):
        rest = step.mask >> np.uint64(r)
        if rest == np.uint64(0):
            break
        if rest & _ONE == _ONE:
            S.registers[i, r] = -1


@jit
def leave_repeat(S, i, at):  # type: ignore[no-untyped-def]
    """What is drawn behind the repetition does not depend on its passes."""
    S.tasks[i].key = _kept(S, i, at + KEY)
    S.tasks[i].request = _kept(S, i, at + REQUEST)


@jit
def judge_pass(S, i, step, pc):  # type: ignore[no-untyped-def]
    """A pass is over, well or otherwise. How it ended is kept, and the repetition goes on to its tests, unless the
    flow is to stop, or nobody waits for it any more.
    """
    t = S.tasks[i]
    if t.abandoned and t.outcome == _DONE:
        t.outcome = _ENDED
    if t.abandoned or t.outcome == _STOPPED:
        leave_repeat(S, i, np.int64(step.a))
        return np.int64(step.fail)
    S.registers[i, step.b] = t.outcome
    t.outcome = _DONE
    return pc + 1


@jit
def pass_again(S, i, step, pc):  # type: ignore[no-untyped-def]
    """Whether there is another pass, and how long that is waited for: the time from one start to the next is drawn
    for each. Where neither that nor the pass takes any time, the clock would stand still for as long as there is
    another pass; so from some number of passes on it takes a little. What takes time, however short, takes just that.
    Returns where the task goes on, or -1 where it waits for its turn.
    """
    at = np.int64(step.a)
    n = S.registers[i, at + PASSES]
    if step.b >= 0 and n >= step.b:
        leave_repeat(S, i, at)
        return np.int64(step.fail)
    now = S.control[0].now
    gap = np.int64(0)
    if step.law >= 0:
        gap = np.int64(draw_law(S, np.int64(step.law), unit(mix(S.tasks[i].key + step.salt))) + 0.5)
    began = S.registers[i, at + BEGAN]
    if n > AT_ONCE and max(began + gap, now) == began:
        gap = np.int64(SOONEST)
    wait = max(began + gap - now, 0)
    if step.x > 0.0 and np.float64(now + wait - S.registers[i, at + FIRST]) > step.x:
        leave_repeat(S, i, at)
        return np.int64(step.fail)
    S.registers[i, at + WAIT] = wait
    if wait == 0:  # in this moment, but as another event: there is room for what a pass begins before each
        S.tasks[i].pc = pc + 1
        ready(S, i)
        return np.int64(-1)
    return pc + 1


@jit
def in_vain(S, i, step, pc):  # type: ignore[no-untyped-def]
    """A repetition that has come to its end without its condition ends as its last pass did; that an answer came
    is well.
    """
    outcome = S.registers[i, step.b]
    if outcome == _DONE or outcome == _ANSWERED:
        return pc + 1
    S.tasks[i].outcome = outcome
    return np.int64(step.fail)
