"""How does a call for several keys go, split over the shards that have them?"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import Load, Scatter
from toscale.theory import times
from toscale.theory.knowledge import Drawn, Known, Listed
from toscale.theory.numbers import Spread
from toscale.theory.popularity import keys
from toscale.theory.tally import (
    Here,
    Part,
    Ran,
    shared,
)

if TYPE_CHECKING:
    from toscale.theory.traffic import Walk


def scatter(walk: Walk, step: Scatter, known: Known, reach: float, here: Here) -> Ran:
    """As many calls as there are shards with a key, side by side; keys fall on shards evenly."""
    if step.source is not None:
        listed = known.lists.get(step.source)
        if listed is None:
            return Ran(times.NONE, 1.0, {}, known)
    else:
        most = float(step.at_most)
        number = known.number(step.count).mapped(lambda n: np.clip(np.floor(n), 0.0, most))
        weights = None if step.fresh else keys(step.population).weights
        listed = Listed(number, Drawn(step.population, weights))
    if step.keep is not None:
        known = known.with_list(step.keep, listed)
    number, drawn = listed.number, listed.keys
    some = float(number.weights[number.values > 0].sum())
    if some <= 0:
        return Ran(times.NONE, 1.0, {}, known)
    if step.store is not None:
        known = walk.shelves.scatter(step, step.store, listed, known, here.rate * reach)
    place = walk.stations[step.station]
    shards = max(1, place.shards)
    # so many shards have one of n keys; and n over that many keys each
    touched = number.mapped(
        lambda n: shards * -np.expm1(n * np.log1p(-1 / shards)) if shards > 1 else np.minimum(n, 1.0)
    )
    per_call = Spread(
        np.where(touched.values > 0, number.values / np.maximum(touched.values, 1e-300), 0.0),
        touched.weights,
    ).weighted(touched.values)
    work = walk.work(step.work, known, per_call)
    before = None if here.parts is None else dict[str, Part]()
    one = walk.hop(
        step.path,
        step.station,
        step.link,
        step.pick,
        drawn if shards > 1 else None,
        work,
        (),
        known,
        reach * touched.mean,
        replace(here, parts=before, at_once=here.at_once * shards),
        tuple(
            (lock, known.keys.get(lock.key), 1.0) if lock.key else (lock, drawn, per_call.mean)
            for lock in step.locks
        ),
        (_per_call(step.sends, per_call.mean), _per_call(step.returns, per_call.mean)),
    )
    time = times.latest(one.time, touched, walk.dice)
    if here.parts is not None and before:
        inner = before[step.path]
        whole = inner.work + inner.waiting + inner.wire
        scale = reach * time.mean / whole if whole > 0 and isfinite(whole) and isfinite(time.mean) else 1.0
        part = here.parts.setdefault(step.path, Part(step.station))
        part.visits += inner.visits
        part.work += inner.work * scale
        part.waiting += inner.waiting * scale
        part.wire += inner.wire * scale
    missed = min(1.0, sum(one.ends.values()))
    done = float(touched.weights @ (1 - missed) ** touched.values) if missed > 0 else 1.0
    ends = shared(1 - done, [one])
    return Ran(time, done, ends, known, one.stuck)


def _per_call(load: Load | None, number: float) -> Load | None:
    """What the part of one shard carries, on average."""
    return None if load is None else replace(load, bytes=load.bytes * number)
