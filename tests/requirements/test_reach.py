"""What a flow touches and sets off, read from the steps."""

from __future__ import annotations

from toscale.design.load import read_design
from toscale.requirements.reach import reach, walk

DESIGN = read_design("""
requirements: {users: {user: asks}}
components:
  edge: {kind: load_balancer}
  app: {kind: service}
  near: {kind: cache}
  store: {kind: database}
  jobs: {kind: queue}
  worker: {kind: worker}
flows:
  ask:
    from: user
    rate: 1 / s
    steps:
      - edge > app: 1 ms
        then:
          - near: get item
            miss: [{store: read item}]
          - {parallel: [{jobs: send job}, {run: part}]}
  part: {steps: [{if: 50% of the time, then: [{store: update item, async: true}]}]}
  work: {from: jobs, steps: [{worker: 1 ms}]}
  then: {after: work, steps: [{app: 1 ms}]}
data: {item: {stored in: store}, job: {stored in: jobs}}
""").sound()


def test_walk_meets_every_step_outer_before_inner() -> None:
    paths = [step.path for step in walk(DESIGN.flows["ask"].steps)]
    assert len(paths) == 6
    assert all(
        paths.index(outer) < paths.index(inner)
        for outer in paths
        for inner in paths
        if inner.startswith(outer + "/")
    )


def test_touches_sends_runs() -> None:
    found = reach(DESIGN)
    assert found.touches["ask"] == {"edge", "app", "near", "store"}
    assert found.sends["ask"] == {"jobs"}
    assert found.runs["ask"] == {"part"}
    assert found.touches["work"] == {"worker"}


def test_causes_and_the_way_between_two_flows() -> None:
    found = reach(DESIGN)
    assert found.causes["ask"] == {"work"}
    assert found.causes["work"] == {"then"}
    assert found.between("ask", "then") == {"ask", "work", "then"}
    assert found.between("then", "ask") == frozenset()
    assert found.between(None, "work") == {"ask", "work"}


def test_who_waits_holds_and_who_does_not_wait_does_not() -> None:
    holds = reach(DESIGN).holds
    assert ("app", "near") in holds["ask"]
    assert ("edge", "app") in holds["ask"]
    # the cache has answered when the miss goes to the store
    assert ("near", "store") not in holds["ask"]
    assert ("app", "store") in holds["ask"]
    assert not any(callee == "store" for _, callee in holds["part"])
