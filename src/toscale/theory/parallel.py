"""How long does it take what happens side by side? Branches of which some are waited for, and a pass for each thing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import Each, Parallel, Register
from toscale.theory import times
from toscale.theory.knowledge import Known
from toscale.theory.numbers import Spread
from toscale.theory.tally import Here, Ran, shared

if TYPE_CHECKING:
    from toscale.theory.traffic import Walk


def parallel(walk: Walk, step: Parallel, known: Known, reach: float, here: Here) -> Ran:
    """Branches side by side: done when so many of them are as are waited for."""
    inside = replace(here, at_once=here.at_once * max(1, len(step.branches)))
    runs = [walk.block(branch, known, reach, inside) for branch in step.branches]
    needed = len(runs) if step.wait is None else min(step.wait, len(runs))
    time = times.race([r.time for r in runs], needed, walk.dice)
    # the chance that exactly k branches are done
    chances = np.zeros(len(runs) + 1)
    chances[0] = 1.0
    for ran in runs:
        chances[1:] = chances[1:] * (1 - ran.done) + chances[:-1] * ran.done
        chances[0] *= 1 - ran.done
    done = float(chances[needed:].sum()) if needed > 0 else 1.0
    ends = shared(1 - done, runs)
    stuck = max((r.stuck for r in runs), default=0.0) if needed == len(runs) else 0.0
    return Ran(time, done, ends, beside(known, runs), stuck)


def each(walk: Walk, step: Each, known: Known, reach: float, here: Here) -> Ran:
    """A pass for each thing, or batch of things, so many at once."""
    number = known.number(step.count).mapped(np.floor)
    batch = max(1, step.batch)
    passes = number.mapped(lambda n: np.ceil(np.maximum(n, 0.0) / batch))
    mean = passes.mean
    if mean <= 0:
        return Ran(times.NONE, 1.0, {}, known)
    inside = known.weighted(step.count, passes.values).without(step.fresh)
    if step.size is not None:
        full = float(np.floor(number.values / batch) @ number.weights)
        rest = np.mod(number.values, batch)
        values = np.concatenate([[float(batch)], rest])
        weights = np.concatenate([[full], number.weights * (rest > 0)])
        sizes = Spread(values, weights / weights.sum()).compressed(200)
        inside = inside.with_number(Register(step.size), sizes)
    side = float(passes.values.max()) if step.at_once is None else float(step.at_once)
    ran = walk.block(step.body, inside, reach * mean, replace(here, at_once=here.at_once * side))
    time = times.repeated(ran.time, passes, step.at_once, walk.dice)
    if ran.done >= 1 - 1e-15:
        return Ran(time, 1.0, {}, known, ran.stuck)
    done = float(passes.weights @ ran.done**passes.values)
    return Ran(time, done, shared(1 - done, [ran]), known, ran.stuck)


def beside(known: Known, runs: list[Ran]) -> Known:
    """What is known after branches side by side: what each has changed."""
    numbers, drawn, looked, lists, put = (
        dict(known.numbers),
        dict(known.keys),
        dict(known.looked),
        dict(known.lists),
        set(known.put),
    )
    for ran in runs:
        numbers.update({n: s for n, s in ran.known.numbers.items() if known.numbers.get(n) is not s})
        drawn.update({r: d for r, d in ran.known.keys.items() if known.keys.get(r) is not d})
        looked.update(ran.known.looked)
        lists.update(ran.known.lists)
        put |= ran.known.put
    return Known(numbers, drawn, looked, lists, frozenset(put))
