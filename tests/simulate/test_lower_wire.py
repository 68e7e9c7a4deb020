"""Round trips become halves, and zones decide where no pair is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulate.lower_designs import lowered, one_flow, visit
from toscale.engine.laws import Law
from toscale.engine.model import Link
from toscale.simulate.lowering.wire import half

ZONED = "{edge: {kind: load_balancer}, app: {kind: service, zones: [a, b]}, db: {kind: service, zones: [a, b]}, out: {kind: service}}"


def of(network: str, steps: str = "[{edge > app: 1 ms, then: [{db: 1 ms}, {out: 1 ms}]}]"):
    return lowered(one_flow(components=ZONED, steps=steps, network=network))


def means(link: Link) -> tuple[float | None, float | None]:
    return (None if link.near is None else link.near.mean, None if link.far is None else link.far.mean)


def test_a_latency_is_a_round_trip_half_of_it_in_each_direction() -> None:
    result = of("{user - edge: 40 ms fixed}")
    assert visit(result, "edge").link == Link(Law.fixed(0.020), Law.fixed(0.020))


def test_within_and_between_zones_depend_on_the_two_machines() -> None:
    result = of("{within a zone: 0.4 ms fixed, between zones: 2 ms fixed}")
    assert means(visit(result, "db").link) == pytest.approx((0.0002, 0.001))


def test_what_is_in_no_zone_is_outside_all_and_said_to_be() -> None:
    result = of("{within a zone: 0.4 ms fixed, between zones: 2 ms fixed}")
    assert means(visit(result, "out").link) == pytest.approx((0.001, 0.001))
    (note,) = [note for note in result.notes if "outside all zones" in note.text]
    assert "`out`" in note.text
    assert "`edge`" in note.text


def test_without_a_time_between_zones_a_call_across_takes_none_and_that_is_said() -> None:
    result = of("{within a zone: 0.4 ms}")
    assert visit(result, "out").link == Link()
    assert means(visit(result, "db").link) == (pytest.approx(0.0002), None)
    assert any("no time `between zones`" in note.text for note in result.notes)


def test_nothing_is_on_the_wire_without_a_network() -> None:
    result = of("{}")
    assert all(visit(result, name).link == Link() for name in ("edge", "app", "db", "out"))


def test_a_pair_that_is_named_beats_the_zones() -> None:
    result = of("{within a zone: 0.4 ms, between zones: 2 ms, app - out: 8 ms fixed}")
    assert means(visit(result, "out").link) == pytest.approx((0.004, 0.004))


def test_loss_is_sent_again_after_a_sourced_time_out_and_only_where_there_is_a_wire() -> None:
    result = of("{user - edge: 40 ms, loss: 1%}")
    assert visit(result, "edge").link.loss == pytest.approx(0.01)
    assert visit(result, "edge").link.resend_after == pytest.approx(0.2)
    assert visit(result, "app").link.loss == 0
    (used,) = [d for d in result.defaults if d.what == "time-out of the transport"]
    assert "RFC 6298" in used.source


def test_the_time_out_of_the_transport_can_be_given() -> None:
    assert visit(of("{user - edge: 40 ms, loss: 1%, resend after: 1 s}"), "edge").link.resend_after == 1.0


def test_a_round_trip_without_a_shape_has_a_sourced_spread() -> None:
    result = of("{user - edge: 40 ms}")
    near = visit(result, "edge").link.near
    assert near is not None
    assert near.mean == pytest.approx(0.020)
    assert near.cv == pytest.approx(0.2 * np.sqrt(2))
    assert any(d.component == "network" and "round trips" in d.what for d in result.defaults)


def test_regions_decide_before_zones() -> None:
    components = (
        "{a: {kind: service, region: east, zones: [x]}, b: {kind: service, region: west, zones: [y]}}"
    )
    result = lowered(
        one_flow(
            components=components,
            steps="[{a: 1 ms, then: [{b: 1 ms}]}]",
            network="{between zones: 1 ms fixed, between regions: 80 ms fixed}",
        )
    )
    assert means(visit(result, "b").link) == pytest.approx((0.040, 0.040))


@given(st.floats(1e-5, 10), st.floats(0.05, 1.5))
def test_two_halves_have_the_mean_and_the_variance_of_the_round_trip(mean: float, cv: float) -> None:
    for law in (Law.lognormal(mean, cv), Law.gamma(mean, cv), Law.exponential(mean)):
        one = half(law)
        assert 2 * one.mean == pytest.approx(law.mean, rel=1e-9)
        assert 2 * (one.second_moment - one.mean**2) == pytest.approx(
            law.second_moment - law.mean**2, rel=1e-6
        )
