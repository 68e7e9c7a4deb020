"""What a message carries, and how much passes on its link."""

from __future__ import annotations

import pytest

from tests.simulate.lower_designs import design_of, lowered, one_flow, only, visit
from toscale.engine.model import Load, Scatter, Send
from toscale.simulate.run import simulate

COMPONENTS = (
    "{app: {kind: service}, cache: {kind: cache, memory: 1 GB}, db: {kind: database, zones: [a, b]}, "
    "near: {kind: service, zones: [a]}, jobs: {kind: queue}}"
)
DATA = "{item: {stored in: db, size: 2 kB, how many: 1000}, job: {size: 500 bytes}}"


def of(steps: str, network: str = "{bandwidth: 8 Mbit/s}"):
    return lowered(one_flow(components=COMPONENTS, steps=steps, network=network, data=DATA))


@pytest.mark.parametrize(
    ("operation", "sends", "returns"),
    [
        ("update item, rows: 3", Load(2_000.0, 3.0), None),
        ("insert item", Load(2_000.0), None),
        ("read item", None, Load(2_000.0)),
        ("delete item", None, None),
    ],
)
def test_writes_carry_their_records_there_and_reads_theirs_back(
    operation: str, sends: Load | None, returns: Load | None
) -> None:
    found = visit(of(f"[{{app: 1 ms, then: [{{db: {operation}}}]}}]"), "db")
    assert (found.sends, found.returns) == (sends, returns)
    assert found.link.far_bandwidth == pytest.approx(1e6)  # bytes


def test_a_look_up_carries_back_what_it_finds() -> None:
    found = visit(of("[{app: 1 ms, then: [{cache: get item}]}]"), "cache")
    assert found.returns == Load(2_000.0, found="found")


def test_several_keys_are_carried_by_the_shards_that_have_them() -> None:
    assert only(Scatter, of("[{app: 1 ms, then: [{db: read item, keys: 3}]}]")).returns == Load(2_000.0)


def test_a_message_to_a_queue_carries_its_record() -> None:
    found = of("[{app: 1 ms, then: [{jobs: send job}]}]\n  g: {from: jobs, steps: [{app: 1 ms}]}")
    assert only(Send, found).sends == Load(500.0)


def test_a_link_that_has_a_bandwidth_of_its_own_keeps_it() -> None:
    network = (
        "{bandwidth: 8 Mbit/s, within a zone: {latency: 1 ms, bandwidth: 80 Mbit/s}, between zones: 2 ms}"
    )
    link = visit(of("[{near: 1 ms, then: [{db: read item}]}]", network), "db").link
    assert (link.near_bandwidth, link.far_bandwidth) == pytest.approx((1e7, 1e6))
    network = "{app - db: {bandwidth: 16 Mbit/s}}"
    result = of("[{app: 1 ms, then: [{db: read item}, {cache: get item}]}]", network)
    assert visit(result, "db").link.far_bandwidth == pytest.approx(2e6)
    assert visit(result, "cache").link.far_bandwidth is None
    assert visit(result, "cache").returns is None  # of any size, at once
    assert not [each for each in result.not_simulated if "andwidth" in each.text]


def test_a_large_record_is_late_by_its_size() -> None:
    """2 kB at 1 MB a second are 2 ms; common random numbers leave nothing else between the two."""
    means = []
    for network in ("{}", "{bandwidth: 8 Mbit/s}"):
        steps = "[{app: 1 ms, then: [{db: read item}]}]"
        design = design_of(one_flow(components=COMPONENTS, steps=steps, network=network, data=DATA))
        run = simulate(design, upper=False, duration=60.0)
        assert not run.disagreements
        means.append(run.median.flows["f"].latency.answered["mean"].value or 0.0)
    assert means[1] - means[0] == pytest.approx(0.002, abs=1e-4)
