"""Overload is a result: what grows, how fast, and a target that is missed for it; never a hang, never a partial figure."""

from __future__ import annotations

import pytest

from toscale import Design
from toscale.requirements.verdicts import Status
from toscale.simulate.result import Ending
from toscale.simulate.run import simulate

TEXT = """
requirements:
  users: {u: someone}
  non_functional:
    quick: p99(look) <= 10 ms
components:
  app: {kind: service, replicas: 2, LIMIT}
flows:
  look:
    from: u
    rate: RATE / s
    steps:
      - app: 4 ms
"""


@pytest.mark.parametrize("limit", ["concurrency: 2", "cores: 2", "cores: 2, concurrency: 8"])
def test_what_cannot_keep_up_is_named_and_its_target_missed(limit: str) -> None:
    design = Design.from_text(TEXT.replace("LIMIT", limit).replace("RATE", "1500"), "a.design.yaml")
    found = simulate(design, upper=False, most_events=2_000_000)
    assert found.median.ending is Ending.OVERLOADED
    assert [overload.component for overload in found.median.overloads] == ["app"]
    # 1,500 come each second and 1,000 can be served; shared cores let more than the difference pile up
    assert 400 < found.median.overloads[0].growth < 1_000
    assert found.median.flows["look"].latency.answered["p99"].value is None
    (verdict,) = design.judge(found)
    assert verdict.status is Status.MISSED


def test_an_overload_beyond_the_bounds_of_a_run_is_missed_too() -> None:
    design = Design.from_text(TEXT.replace("LIMIT", "cores: 2").replace("RATE", "1e9"), "a.design.yaml")
    found = simulate(design, upper=False, most_events=5_000)
    assert found.median.ending is Ending.BOUND
    assert found.median.flows == {}
    (verdict,) = design.judge(found)
    assert verdict.status is Status.MISSED
    assert "app" in verdict.reason


def test_what_just_keeps_up_does_not_grow() -> None:
    design = Design.from_text(TEXT.replace("LIMIT", "concurrency: 2").replace("RATE", "850"), "a.design.yaml")
    found = simulate(design, upper=False, most_events=2_000_000)
    assert found.median.overloads == ()
    assert found.median.flows["look"].latency.answered["p99"].value is not None


def test_few_requests_that_ask_for_too_many_calls_each_overload_too() -> None:
    text = TEXT.replace("LIMIT", "concurrency: 2").replace("RATE", "2")
    text = text.replace("- app: 4 ms", "- each: 2000\n        at once: all\n        then: [{app: 4 ms}]")
    found = simulate(Design.from_text(text, "a.design.yaml"), upper=False, most_events=10_000_000)
    assert found.median.ending is Ending.OVERLOADED
    assert [overload.component for overload in found.median.overloads] == ["app"]
