"""Two designs are compared as pairs: what is known of the difference beforehand is found, and no more is claimed."""

from __future__ import annotations

import pytest

from toscale.architecture.effect import Effect, effects
from toscale.design import Design
from toscale.simulate.result import Figure
from toscale.simulate.run import simulate

TEXT = """\
requirements:
  users: {buyer: buys}
  non_functional:
    quick: p99(buy) <= 200 ms
    cheap: cost <= 1000 USD / month
    survives: p99(buy) <= 1 s during outage
components:
  app: {kind: service, replicas: 2, cores: 4, concurrency: 8}
flows:
  buy: {from: buyer, rate: 100 / s, steps: [{app: 5 ms exponential, then: [{wait: 10 ms fixed}]}]}
faults: {outage: {lose: app, replicas: 1, at: 1 min, for: 1 min}}
prices: {app: 100 USD / month each}
"""
BEFORE = Design.from_text(TEXT)


def compared(before: Design, after: Design, pairs: int = 6) -> dict[str, Effect]:
    runs = tuple({1.0: simulate(design, duration=40, upper=False, workers=2)} for design in (before, after))
    return {
        effect.measure: effect
        for effect in effects(before, after, (runs[0], runs[1]), pairs=pairs, workers=2)
        if not (effect.kind == "flow" and effect.measure == "p99(buy)")  # the target measures it too
    }


def test_what_every_request_waits_longer_is_the_difference_and_is_sure():
    found = compared(BEFORE, Design.from_text(TEXT.replace("10 ms fixed", "13 ms fixed")))
    mean = found["mean(buy)"]
    assert mean.verdict == "rises"
    assert mean.change.value == pytest.approx(3e-3, rel=0.02)
    assert mean.change.high - mean.change.low < 2e-4  # the two see the same demands
    assert found["p99(buy)"].kind == "target"
    assert found["availability(buy)"].verdict == "the same"
    assert found["core utilisation(app)"].verdict in ("the same", "no difference seen")


def test_the_way_back_is_as_far():
    other = Design.from_text(TEXT.replace("replicas: 2, cores: 4", "replicas: 2, cores: 1"))
    there, back = compared(BEFORE, other), compared(other, BEFORE)
    assert there["mean(buy)"].verdict == "rises"
    assert back["mean(buy)"].verdict == "falls"
    for measure, effect in there.items():
        if effect.change.value is not None:
            assert back[measure].change.value == pytest.approx(-effect.change.value)
            assert back[measure].change.low == pytest.approx(-effect.change.high)


def test_twice_the_cores_are_half_as_busy():
    found = compared(BEFORE, Design.from_text(TEXT.replace("cores: 4", "cores: 8")))
    busy = found["core utilisation(app)"]
    assert busy.verdict == "falls"
    assert busy.after == pytest.approx(busy.before / 2, rel=0.01)
    assert "points" in busy.text


def test_designs_of_one_model_are_the_same_to_the_last_digit_and_prices_are_not():
    other = Design.from_text(TEXT.replace("100 USD", "150 USD").replace("buyer: buys", "buyer: buys a lot"))
    found = compared(BEFORE, other)
    cost = found.pop("cost")
    assert {effect.verdict for effect in found.values()} == {"the same"}
    assert cost.verdict == "rises"
    assert cost.text == "rises by 100 USD/month"


def test_what_grows_without_bound_cannot_be_compared_and_says_so():
    found = compared(
        BEFORE, Design.from_text(TEXT.replace("5 ms exponential", "120 ms exponential")), pairs=2
    )
    latency = found["mean(buy)"]
    assert latency.verdict == "unknown"
    assert latency.before is not None
    assert latency.after is None
    assert "after the change, grows without bound" in latency.text


def test_targets_that_nothing_can_be_read_of_have_no_effect():
    found = compared(BEFORE, Design.from_text(TEXT.replace("10 ms", "11 ms")), pairs=2)
    assert not [effect for effect in found.values() if effect.of == "survives"]


@pytest.mark.parametrize(
    ("sort", "change", "said"),
    [
        ("time", Figure(-0.012, -0.014, -0.010), "falls by 12 ms (10 to 14 ms)"),
        ("time", Figure(0.0001, -0.0001, 0.0003), "no difference seen: within ±300 us"),
        ("share", Figure(0.02, 0.01, 0.03), "rises by 2 points (1 to 3 points)"),
        ("share", Figure(0.0, -1e-9, 1e-9), "no difference seen: within ±0.001 points"),
        ("time", Figure(0.0, 0.0, 0.0), "the same in every pair"),
        ("time", Figure(None, reason="why"), "cannot be compared: why"),
    ],
)  # fmt: skip
def test_a_change_is_said_in_a_plain_verdict(sort, change, said):
    assert Effect("flow", "buy", "p99(buy)", sort, 0.1, 0.1, change).text == said
