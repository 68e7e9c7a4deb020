"""The budget is the twin's account of a flow, hop by hop, set against the targets on it."""

from __future__ import annotations

import json

import pytest

from toscale.design.load import read_design
from toscale.requirements.budget import Budget, budgets
from toscale.theory.results import FlowTheory, Part, StepTheory, Twin

DESIGN = read_design("""
requirements:
  users: {user: asks}
  non_functional:
    quick: p99(ask) <= 150 ms
    usually quick: mean(ask) <= 40 ms
    oddly quick: p95(ask) <= 100 ms
    looked up: p99(look) <= 2 ms
    there: availability(ask) >= 99%
    in trouble: p99(ask) during it is slow <= 1 s
components:
  edge: {kind: load_balancer}
  app: {kind: service}
  near: {kind: cache}
  store: {kind: database}
flows:
  ask:
    from: user
    rate: 5 / s
    steps:
      - edge > app: 0.8 ms
        then:
          - near: get item
            name: look
            miss: [{store: read item}]
data: {item: {stored in: store}}
faults: {it is slow: {at: 5 s, slow: store, by: 10x, for: 1 min}}
""").sound()
APP, NEAR = "ask/edge > app", "ask/look"
STORE = f"{NEAR}/miss/store: read item"


def budget(
    *parts: Part, latency: float | None, p99: float | None = None, overlap: float = 0.0, reason: str = ""
) -> Budget:
    flow = FlowTheory("ask", 5.0, latency, None, None, None, p99, parts, overlap, {}, reason)
    step = StepTheory("look", 5.0, 0.001, 0.001, 0.0015, 0.003)
    twin = Twin({}, {}, {}, {"ask": flow}, {"look": step}, (), (), 1, True, {})
    return budgets(DESIGN, twin)["ask"]


PARTS = (
    Part(APP, "edge", 1.0, 0.0, 0.0, 0.040),
    Part(APP, "app", 1.0, 0.0008, 0.0002, 0.0003),
    Part(NEAR, "near", 1.0, 0.0001, 0.0, 0.0003),
    Part(STORE, "store", 0.2, 0.0002, 0.0001, 0.0001),
)
MEAN = 0.0421


def test_hops_add_up_to_the_mean() -> None:
    found = budget(*PARTS, latency=MEAN, p99=0.060)
    totals = [hop.total for hop in found.hops]
    assert None not in totals
    assert sum(total for total in totals if total is not None) == pytest.approx(MEAN)
    assert found.wire == pytest.approx(0.0407)
    assert found.waiting == pytest.approx(0.0003)
    assert found.work_by_component() == {"app": 0.0008, "store": 0.0002, "near": 0.0001}


def test_each_target_on_the_time_of_the_flow_or_of_its_step() -> None:
    found = budget(*PARTS, latency=MEAN, p99=0.060)
    left = {one.target: (one.measure, one.left) for one in found.allowances}
    assert left == {
        "quick": ("p99", pytest.approx(0.090)),
        "usually quick": ("mean", pytest.approx(-0.0021)),
        "oddly quick": ("mean", pytest.approx(0.1 - MEAN)),  # theory knows no p95
        "looked up": ("p99", pytest.approx(-0.001)),
    }


def test_the_sentence_says_all_of_it() -> None:
    said = budget(*PARTS, latency=MEAN, p99=0.060).sentence()
    for part in ("41 ms on the wire", "0.8 ms in app", "0.3 ms waiting", "42 ms on average", "leaves 90 ms"):
        assert part.replace("0.8 ms", "800 us").replace("0.3 ms", "300 us") in said or part in said, said
    assert "is 110% of it" in said


def test_times_that_the_file_does_not_give_have_their_source() -> None:
    sources = {hop.component: hop.source for hop in budget(*PARTS, latency=MEAN).hops}
    assert sources["app"] == ""
    assert "Redis" in sources["near"]
    assert "PostgreSQL" in sources["store"]


def test_what_passes_side_by_side_is_taken_off() -> None:
    found = budget(*PARTS, latency=MEAN - 0.0002, overlap=0.0002)
    assert found.overlap == pytest.approx(0.0002)
    assert "side by side" in found.sentence()


def test_what_grows_without_bound_has_no_mean_and_a_reason() -> None:
    parts = (*PARTS[:3], Part(STORE, "store", 0.2, 0.0002, None, 0.0001))
    found = budget(*parts, latency=None, reason="it waits for store, which cannot keep up")
    assert found.mean is None
    assert found.waiting is None
    assert "store, which cannot keep up" in found.sentence()
    assert len(found.unknown) == 3
    assert len(found.allowances) == 1  # the step is known
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["mean"] is None
