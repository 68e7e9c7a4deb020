"""Rates follow from the file by arithmetic that can be done by hand; what the file does not say is not guessed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.design.load import read_design
from toscale.design.model import Design
from toscale.quantity.uncertain import Quantity, quantile
from toscale.requirements.values import sheet_of
from toscale.requirements.workload import FlowRate, flow_rates, occurrences, rates_are_uncertain

USERS = "requirements: {users: {user: uses it}}\n"
PARTS = """
components:
  app: {kind: service}
  jobs: {kind: queue}
  gateway: {kind: websocket, replicas: 750}
  worker: {kind: worker, replicas: 3}
  limiter: {kind: service, beside: gateway}
data:
  job: {stored in: jobs}
"""


def design(flows: str, rest: str = "") -> Design:
    return read_design(USERS + PARTS + rest + "flows:\n" + flows).sound()


def rates(flows: str, rest: str = "", factor: float = 1.0) -> dict[str, FlowRate]:
    made = design(flows, rest)
    return flow_rates(made, sheet_of(made), factor)


def median(rate: FlowRate) -> float:
    assert isinstance(rate.rate, Quantity), rate.rate
    return quantile(rate.rate.value, 0.5)


ONE = "  go: {from: user, rate: 6 / s, steps: [{app: 1 ms}]}\n"


def test_a_given_rate_and_its_average() -> None:
    found = rates("  go: {from: user, rate: 6 / s, average: 2 / s, steps: [{app: 1 ms}]}\n")["go"]
    assert median(found) == 6
    assert isinstance(found.average, Quantity)
    assert found.average.value == 2


def test_a_multiple_grows_what_actors_start_and_what_follows() -> None:
    flows = (
        ONE
        + "  next: {after: go, chance: 50%, steps: [{app: 1 ms}]}\n  tick: {every: 5 s, steps: [{app: 1 ms}]}\n"
    )
    grown = rates(flows, factor=10.0)
    assert median(grown["go"]) == 60
    assert median(grown["next"]) == 30
    assert median(grown["tick"]) == pytest.approx(0.2)


def test_what_is_sent_is_consumed() -> None:
    flows = (
        "  go:\n    from: user\n    rate: 6 / s\n    steps:\n"
        "      - app: 1 ms\n        then: [jobs: send job, {if: 25% of the time, then: [jobs: send job]}]\n"
        "  work: {from: jobs, steps: [{worker: 1 ms}]}\n"
    )
    assert median(rates(flows)["work"]) == pytest.approx(7.5)


@given(st.floats(0.01, 0.95))
def test_a_flow_that_causes_itself_is_a_geometric_series(chance: float) -> None:
    flows = ONE + f"  again: {{after: [go, again], chance: {chance:.6f}, steps: [{{app: 1 ms}}]}}\n"
    chance = float(f"{chance:.6f}")
    assert median(rates(flows)["again"]) == pytest.approx(6 * chance / (1 - chance), rel=1e-6)


def test_flows_that_cause_ever_more_of_each_other_have_no_rate() -> None:
    again = "  again: {after: [go, again], steps: [{app: 1 ms}]}\n"
    found = rates(ONE + again)["again"]
    assert isinstance(found.rate, str)
    assert "never come to rest" in found.rate


def test_the_clock_the_machines_and_what_stands_beside_them() -> None:
    flows = "  live: {every: 5 s, per: gateway, steps: [{gateway: 1 ms}]}\n"
    flows += "  load: {every: 20 s, per: limiter, steps: [{limiter: 1 ms}]}\n"
    found = rates(flows)
    assert median(found["live"]) == pytest.approx(150)
    assert median(found["load"]) == pytest.approx(37.5)


def test_connections_open_as_often_as_littles_law_says() -> None:
    rest = "estimates: {session: 30 to 50 min}\nconnections: {socket: {from: user, to: gateway, held: 50M, lasts: 'session, exponential'}}\n"
    flows = "  connect: {after: socket opens, steps: [{gateway: 1 ms}]}\n"
    found = rates(flows, rest)["connect"]
    assert median(found) == pytest.approx(50e6 / (math.sqrt(30 * 50) * 60), rel=1e-6)
    assert isinstance(found.rate, Quantity)
    assert quantile(found.rate.value, 0.95) == pytest.approx(50e6 / (30 * 60), rel=1e-3)


def test_a_shape_is_as_busy_as_its_highest_point() -> None:
    shape = "{total: 10M, shape: {0 s: 0, 30 s: 24, 3 min: 9, 10 min: 1, 14 min: 0}}"
    found = rates(f"  come: {{from: user, rate: {shape}, steps: [{{app: 1 ms}}]}}\n")["come"]
    # the area below the lines: 30 * 12 + 150 * 16.5 + 420 * 5 + 240 * 0.5
    assert median(found) == pytest.approx(10e6 * 24 / 5055)
    assert isinstance(found.average, Quantity)
    assert found.average.value == pytest.approx(10e6 / 840)


def test_fan_out_multiplies() -> None:
    rest = "  person:\n    stored in: nowhere here\n    has many: {friends: {of: person, mean: 4, shape: geometric}}\n"
    flows = (
        "  go:\n    from: user\n    rate: 6 / s\n    steps:\n      - app: 1 ms\n        then:\n"
        "          - {each: 3, then: [jobs: send job]}\n"
        "          - {each: person.friends, then: [jobs: send job]}\n"
        "  work: {from: jobs, steps: [{worker: 1 ms}]}\n"
    )
    assert median(rates(flows, rest)["work"]) == pytest.approx(6 * (3 + 4))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ("[{if: job.size > 4, then: [jobs: send job]}]", "only if `job.size > 4`"),
        ("[{app: 1 ms, failed: [jobs: send job]}]", "only when `app` ends with `failed`"),
        (
            "[{repeat: {until: answered, at most: 3 times}, steps: [jobs: send job]}]",
            "as often as it is repeated",
        ),
        ("[{app: 1 ms}]", "nothing is sent to `jobs`"),
    ],
)
def test_what_the_file_does_not_say_is_a_reason(steps: str, reason: str) -> None:
    flows = f"  go: {{from: user, rate: 6 / s, steps: {steps}}}\n  work: {{from: jobs, steps: [{{worker: 1 ms}}]}}\n"
    found = rates(flows)["work"]
    assert isinstance(found.rate, str)
    assert reason in found.rate


def test_steps_of_a_batch_are_done_once_for_it() -> None:
    flows = (
        "  go: {from: user, rate: 6 / s, steps: [jobs: send job]}\n"
        "  work: {from: jobs, batch: 50, steps: [{worker: 1 ms}]}\n"
    )
    made = design(flows)
    (call,) = occurrences(made, sheet_of(made), "work")
    assert isinstance(call.times, str)
    assert "once for a batch" in call.times
    assert median(rates(flows)["work"]) == 6


def test_a_branch_that_ends_the_request_spares_what_follows() -> None:
    flows = "  go: {from: user, rate: 1 / s, steps: [{if: 30% of the time, then: [stop]}, {app: 1 ms}]}\n"
    made = design(flows)
    (call,) = occurrences(made, sheet_of(made), "go")
    assert isinstance(call.times, Quantity)
    assert call.times.value == pytest.approx(0.7)


def test_a_flow_that_is_run_counts_in_the_flow_that_runs_it() -> None:
    flows = (
        "  go: {from: user, rate: 4 / s, steps: [{run: part}, {run: part}]}\n  part: {steps: [{app: 1 ms}]}\n"
    )
    made = design(flows)
    assert [call.call.target for call in occurrences(made, sheet_of(made), "go")] == ["app", "app"]
    assert median(rates(flows)["part"]) == 8


def test_uncertainty_is_carried_along() -> None:
    flows = "  go: {from: user, rate: n, steps: [jobs: send job]}\n  work: {from: jobs, steps: [{worker: 1 ms}]}\n"
    made = design(flows, "estimates: {n: 10 to 40 / s}\n")
    sheet = sheet_of(made)
    found = flow_rates(made, sheet)
    assert rates_are_uncertain(made, sheet)
    assert isinstance(found["go"].rate, Quantity)
    assert isinstance(found["work"].rate, Quantity)
    assert np.array_equal(found["work"].rate.value, found["go"].rate.value)
    sure = design(flows, "estimates: {n: 10 / s}\n")
    assert not rates_are_uncertain(sure, sheet_of(sure))


def test_without_a_rate_there_is_none() -> None:
    found = rates("  go: {from: user, steps: [{app: 1 ms}]}\n")["go"]
    assert found.rate == "nothing says how often it is started"
