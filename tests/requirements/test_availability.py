"""Availability in the long run: the parts of a design in series, their machines in parallel."""

from __future__ import annotations

import pytest

from toscale.design import read_design
from toscale.requirements.availability import LongRun, long_run
from toscale.simulate.lower import lower
from toscale.theory import solve

TEXT = """\
components:
  app: {kind: service, replicas: 4, concurrency: 1, fails every: 99 hours, repaired in: 1 hour}
  db: {kind: database, shards: 3, copies: 2, fails every: 999 hours, repaired in: 1 hour}
  mail: {kind: external}
flows:
  look: {from: visitor, rate: RATE, steps: [{app: 10 ms fixed, then: [{db: read item}]}]}
  write: {from: visitor, rate: 1 / s, steps: [{mail: 5 ms}]}
data: {item: {stored in: db, how many: 1000}}
requirements: {users: {visitor: somebody}}
"""


def of(text: str) -> LongRun:
    design = read_design(text).sound()
    model = lower(design).model
    return long_run(design, model, solve(model))


@pytest.mark.parametrize(("rate", "needed"), [("10 / s", 1), ("150 / s", 2)])
def test_a_flow_works_while_enough_machines_and_every_shard_do(rate: str, needed: int) -> None:
    found = of(TEXT.replace("RATE", rate))
    app = {1: 1 - 0.01**4, 2: 1 - 0.01**4 - 4 * 0.99 * 0.01**3}[needed]
    shard = 1 - 0.001**2
    assert found.components["app"].needed == needed
    assert found.components["app"].share == pytest.approx(app, abs=1e-12)
    assert found.components["db"].share == pytest.approx(shard**3, abs=1e-12)
    assert found.flows["look"] == pytest.approx(app * shard**3, abs=1e-12)
    assert found.unknown["write"] == ("mail",)


def test_nothing_is_said_where_nobody_says_how_often_something_fails() -> None:
    text = TEXT.replace("RATE", "10 / s").replace(", fails every: 99 hours, repaired in: 1 hour", "")
    text = text.replace(", fails every: 999 hours, repaired in: 1 hour", "")
    assert of(text) == LongRun({}, {}, {})
