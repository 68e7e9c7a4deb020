"""The fault `clock` goes from the file to clocks that jump, where something is counted by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulate.lower_designs import design_of
from toscale.design.load import load
from toscale.simulate.faults import simulate_fault
from toscale.simulate.lower import lower
from toscale.simulate.lowering.faults import FaultPlan, plan
from toscale.simulate.lowering.ledger import Ledger, NotComputable

LIMITED = """\
toscale: 1
requirements: {users: {user: somebody}}
components:
  app: {kind: service, replicas: 4, concurrency: 50}
  counters: {kind: key_value, shards: 2}
  cache: {kind: cache, memory: 1 GB, ttl: 30 s}
flows:
  f:
    from: user
    rate: 200 / s
    steps:
      - app: 1 ms
        then:
          - cache: get page
          - counters: take allowance
            refused: [{answer: 429}]
data:
  tenant: {stored in: nowhere here, how many: 10}
  page: {stored in: nowhere here, how many: 100, size: 1 kB}
  allowance: {stored in: counters, per: tenant, at most: 10, refills: 10 / s}
faults:
  off: WORDS
"""


def planned(words: str) -> FaultPlan:
    design = design_of(LIMITED.replace("WORDS", words))
    return plan(design, design.faults["off"], lower(design), 100.0, Ledger())


def told(found: FaultPlan) -> list[tuple[float, str, str, tuple[int, ...], float]]:
    return [(c.time, c.what.name, c.part, c.which, c.value) for c in found.model.timeline.changes]


def test_the_clocks_jump_and_jump_back() -> None:
    assert told(planned("{at: 60 s, clock: counters, off by: 2 s, for: 30 s}")) == [
        (160.0, "CLOCK", "counters", (0, 1), 2.0),
        (190.0, "CLOCK", "counters", (0, 1), -2.0),
    ]


def test_where_nothing_is_counted_by_them_it_is_said() -> None:
    with pytest.raises(NotComputable, match="counted by the clocks of `app`"):
        planned("{at: 60 s, clock: app, off by: 2 s}")


def test_limits_let_more_through_when_the_clock_of_their_store_jumps_ahead() -> None:
    """Ten buckets of ten, twice as many asked for as there are: each is full again at once, a hundred in all."""
    design = design_of(LIMITED.replace("WORDS", "{at: 5 s, clock: counters, off by: 1 s, for: 10 s}"))
    run = simulate_fault(design, "off", upper=False).median
    assert run is not None
    excess = run.during.bounds["allowance"].excess.value
    before = run.before.bounds["allowance"].excess.value
    assert before == 0
    assert excess is not None
    assert 0.05 < excess < 0.15  # 100 of those 1,000 that ten seconds allow


def test_the_sidecars_of_the_rate_limiter_lose_what_they_have_taken_ahead() -> None:
    example = Path(__file__).parents[2] / "examples" / "rate_limiter.design.yaml"
    design = load(example)
    found = plan(design, design.faults["clocks differ"], lower(design, multiple=0.01), 100.0, Ledger())
    assert {(c.what.name, c.part, c.value) for c in found.model.timeline.changes} == {
        ("CLOCK", "limiter", 2.0),
        ("CLOCK", "limiter", -2.0),
    }
