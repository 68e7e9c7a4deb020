"""`evict: lfu`, from the file to the hit ratio."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulate.lower_designs import design_of, lowered, one_flow
from toscale.engine.model import Evict, Get, Steps, walk
from toscale.simulate.run import simulate

TEXT = one_flow(
    components="{app: {kind: service}, c: {kind: cache, memory: 115.6 kB, evict: lfu}, db: {kind: database}}",
    steps="[{app: 1 ms, then: [{c: get item, miss: [{db: read item}, {c: put item}]}]}]",
    data="{item: {stored in: db, size: 1100 bytes, how many: 1000, popularity: zipf(0.9)}}",
    rate="500 / s",
)


def test_it_is_simulated_and_not_named_as_missing() -> None:
    result = lowered(TEXT)
    assert result.model.stores[0].evict is Evict.LFU
    assert not [each for each in result.not_simulated if "lfu" in each.text]


def test_the_hit_ratio_is_that_of_the_most_popular_keys() -> None:
    """As many as fit, each with what the cache adds to it."""
    result = lowered(TEXT)
    (size,) = {step.bytes for flow in result.model.flows for step in _gets(flow.steps)}
    room = int(115_600 // size)
    weights = np.arange(1, 1_001) ** -0.9
    weights /= weights.sum()
    others = weights[room - 1 :]
    exact = float(weights[: room - 1].sum() + (others**2).sum() / others.sum())
    run = simulate(design_of(TEXT), upper=False)
    found = run.median.components["c"].hit_ratio
    assert found is not None
    assert found.value == pytest.approx(exact, abs=0.02)
    assert not [one for one in run.disagreements if one.subject == "c"]


def _gets(steps: Steps) -> list[Get]:
    return [step for step in walk(steps) if isinstance(step, Get)]
