"""A fault goes from the file to its course: what each action changes, when it is found out, how it ends.

Rates and times are chosen so that chance cannot reach the bounds: each is more than 5 standard deviations away.
"""

from __future__ import annotations

import pytest

from tests.document.pages import page
from toscale.design import read_design
from toscale.design.model import Design
from toscale.document.fault_json import fault_json
from toscale.document.findings import find
from toscale.requirements.verdicts import Status, judge
from toscale.simulate.fault_result import FaultResult, FaultRun
from toscale.simulate.faults import simulate_fault
from toscale.simulate.lower import lower
from toscale.simulate.lowering.faults import ACTIONS, FaultPlan, plan
from toscale.simulate.lowering.ledger import Ledger, NotComputable

SHOP = """\
title: A shop
requirements:
  users: {visitor: looks}
  non_functional:
    most are answered: availability(look) during FAULT >= 80%
    all are answered: availability(look) during FAULT >= 99.9%
    in calm: p99(look) <= 1 s
components:
  edge: {kind: load_balancer}
  app: {kind: service, replicas: 4, balance: random, zones: [a, b], health check: 2 s}
  cache: {kind: cache, shards: 2, memory: 1 GB}
  db: {kind: database, shards: 2, copies: 2, failover: 3 s, connections: 500}
  jobs: {kind: queue, partitions: 4}
  worker: {kind: worker, replicas: 2}
network:
  visitor - edge: 10 ms
flows:
  look:
    from: visitor
    rate: 300 / s
    steps:
      - edge > app: 2 ms
        name: serve
        then:
          - cache: get item
            miss: [{db: read item, timeout: 100 ms, retry: {times: 1, backoff: 5 ms}}, {cache: put item}]
          - jobs: send job
  work:
    from: jobs
    steps: [{worker: 2 ms}]
  write:
    from: visitor
    rate: 50 / s
    steps: [{db: insert item}]
data:
  item: {stored in: db, size: 1 kB, how many: 5000, popularity: zipf(1)}
faults:
  NAME: FAULT_WORDS
"""


def shop(words: str, name: str = "it happens") -> Design:
    text = SHOP.replace("FAULT_WORDS", words).replace("NAME", name).replace("during FAULT", f"during {name}")
    return read_design(text).sound()


def planned(words: str) -> FaultPlan:
    design = shop(words)
    fault = design.faults["it happens"]
    pair = (fault.target[0], fault.target[1]) if len(fault.target) == 2 else None
    return plan(design, fault, lower(design, apart=pair), 100.0, Ledger())


def ran(words: str, **options: object) -> FaultRun:
    result = simulate_fault(shop(words), "it happens", upper=False, **options)  # type: ignore[arg-type]
    assert result.median is not None, result.reason
    return result.median


def told(found: FaultPlan) -> list[tuple[float, str, str, tuple[int, ...], float]]:
    """The changes, their times from the fault's beginning."""
    return [
        (round(c.time - found.begins, 6), c.what.name, c.part, c.which, c.value)
        for c in found.model.timeline.changes
    ]


# ---- from the file to changes -----------------------------------------------------------------------------------


def test_there_is_an_entry_for_each_action_of_the_language() -> None:
    from toscale.design.vocabulary import FAULT_WORDS

    assert ACTIONS.keys() == FAULT_WORDS.keys()


def test_a_lost_machine_is_found_out_and_put_in_again_after_its_health_check() -> None:
    found = planned("{at: 60 s, lose: app, replicas: 1, for: 30 s}")
    assert found.begins == 160.0
    assert found.ends == 190.0
    assert sorted(told(found)) == [
        (0.0, "DOWN", "app", (0,), 0.0),
        (2.0, "OUT", "app", (0,), 0.0),
        (30.0, "UP", "app", (0,), 0.0),
        (32.0, "IN", "app", (0,), 0.0),
    ]


def test_a_loss_that_is_over_before_the_health_check_is_never_found_out() -> None:
    found = planned("{at: 1 s, lose: app, for: 1 s}")
    assert sorted(told(found)) == [
        (0.0, "DOWN", "app", (0, 1, 2, 3), 0.0),
        (1.0, "UP", "app", (0, 1, 2, 3), 0.0),
    ]


@pytest.mark.parametrize(
    ("words", "machines"),
    [
        ("replicas: 50%", (0, 1)),
        ("replicas: 30%", (0, 1)),  # never fewer than are asked for
        ("replicas: 3", (0, 1, 2)),
    ],
)
def test_replicas_are_a_number_or_a_share(words: str, machines: tuple[int, ...]) -> None:
    assert told(planned(f"{{at: 1 s, lose: app, {words}}}"))[0][3] == machines


def test_a_primary_is_replaced_after_its_failover_and_stays_replaced() -> None:
    found = planned("{at: 1 s, lose: db, role: primary, for: 10 s}")
    changes = told(found)
    assert (0.0, "DOWN", "db", (0, 2), 0.0) in changes
    assert (3.0, "LEAD", "db", (0, 1), 1.0) in changes
    assert [c for c in changes if c[1] == "LEAD"] == [(3.0, "LEAD", "db", (0, 1), 1.0)]
    one = told(planned("{at: 1 s, lose: db, role: primary, shard: 1}"))
    assert (0.0, "DOWN", "db", (2,), 0.0) in one
    assert (3.0, "LEAD", "db", (1,), 1.0) in one


def test_a_shard_without_a_copy_left_has_nobody_to_replace_its_primary() -> None:
    assert "LEAD" not in {c[1] for c in told(planned("{at: 1 s, lose: db, shard: 0}"))}


def test_a_cache_that_is_lost_comes_back_cold_and_a_database_does_not_forget() -> None:
    cache = told(planned("{at: 1 s, lose: cache, shard: 1, for: 5 s}"))
    assert (0.0, "EMPTY", "cache", (1,), 0.0) in cache
    assert "EMPTY" not in {c[1] for c in told(planned("{at: 1 s, lose: db, for: 5 s}"))}


def test_a_zone_takes_with_it_the_machines_that_are_in_it() -> None:
    downs = [c for c in told(planned("{at: 1 s, lose zone: b, for: 5 s}")) if c[1] == "DOWN"]
    assert downs == [(0.0, "DOWN", "app", (1, 3), 0.0)]


def test_replicas_are_restarted_one_after_the_other() -> None:
    found = planned("{at: 1 s, restart: app, each: 4 s}")
    downs = [(c[0], c[3]) for c in told(found) if c[1] == "DOWN"]
    ups = [(c[0], c[3]) for c in told(found) if c[1] == "UP"]
    assert downs == [(0.0, (0,)), (4.0, (1,)), (8.0, (2,)), (12.0, (3,))]
    assert ups == [(10.0, (0,)), (14.0, (1,)), (18.0, (2,)), (22.0, (3,))]
    assert found.ends == found.begins + 22.0


def test_a_bad_version_is_slow_and_fails_where_it_is() -> None:
    changes = told(planned("{at: 1 s, deploy: app, replicas: 25%, by: 3x, errors: 20%, for: 9 s}"))
    assert sorted(changes) == [
        (0.0, "ERRORS", "app", (0,), 0.2),
        (0.0, "SLOW", "app", (0,), 3.0),
        (9.0, "ERRORS", "app", (0,), 0.0),
        (9.0, "SLOW", "app", (0,), 1.0),
    ]


def test_defaults_are_told_with_their_sources() -> None:
    text = SHOP.replace(", health check: 2 s", "").replace(", failover: 3 s", "")
    text = (
        text.replace("FAULT_WORDS", "{at: 1 s, lose zone: a}")
        .replace("NAME", "x")
        .replace("during FAULT", "")
    )
    design = read_design(text).sound()
    ledger = Ledger()
    plan(design, design.faults["x"], lower(design), 0.0, ledger)
    (one,) = ledger.defaults
    assert (one.component, one.what, one.value) == ("app", "health check", "6 s")
    assert "HAProxy" in one.source


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("{at: 1 s, clock: app, off by: 2 s}", "counted by the clocks of `app`"),
        ("{at: 1 s, clock: cache}", "how wrong the clocks are"),
        ("{at: 1 s, slow: app}", "does not say `by`"),
        ("{at: 1 s, slow: app, by: 2x, shard: 0}", "no shards"),
        ("{at: 1 s, lose: db, shard: 7}", "there is no shard 7"),
        ("{at: 1 s, empty: db}", "is never missed"),
        ("{at: 1 s, surge: work, by: 2x}", "started by others"),
        ("{at: 1 s, cut: worker - db}", "no simulated flow passes"),
        ("{at: 1 s, deploy: app}", "neither slow"),
        ("{at: 1 s, slow: edge, by: 2x}", "does no work"),
    ],
)
def test_what_cannot_be_simulated_says_why(words: str, reason: str) -> None:
    with pytest.raises(NotComputable, match=reason):
        planned(words)
    result = simulate_fault(shop(words), "it happens")
    assert result.median is None
    assert reason in result.reason


# ---- its course -------------------------------------------------------------------------------------------------


def test_a_lost_replica_fails_its_share_until_it_is_found_out() -> None:
    run = ran("{at: 30 s, lose: app, replicas: 1, for: 24 s}")
    look = run.flows["look"]
    assert run.begins == 30.0
    assert run.ends == 54.0
    assert look.worst_failed.value == pytest.approx(0.25, abs=0.05)
    assert look.recovery.affected
    assert look.recovery.at == pytest.approx(2.0, abs=run.window)
    assert look.lost.value == pytest.approx(300 * 2 / 4, rel=0.15)
    assert not run.flows["write"].recovery.affected
    assert run.before.flows["look"].availability.value == 1.0
    share = run.during.flows["look"].availability.value
    assert share == pytest.approx(1 - 0.25 * 2 / 24, abs=0.004)
    assert run.starts[0] < run.begins < run.ends < run.starts[-1]


def test_a_store_that_restarts_cold_is_followed_until_it_holds_again_what_it_held() -> None:
    run = ran("{at: 5 s, empty: cache}", most_events=6_000_000)
    hits = run.components["cache"].hit_ratio
    first = next(k for k, start in enumerate(run.starts) if start >= run.begins - 1e-9)
    before, after = hits[first - 1], hits[first]
    assert before is not None
    assert after is not None
    assert before > 0.99
    assert after < 0.9
    assert run.bound is not None
    assert "cache" in run.bound or "bound" in run.bound
    retried = run.components["db"].calls
    assert max(x or 0.0 for x in retried) > 1.2 * (retried[0] or 0.0)


def test_errors_are_tried_again_and_amplified() -> None:
    run = ran("{at: 5 s, break: db, errors: 50%, for: 5 s}")
    write = run.during.flows["write"].availability.value
    assert write == pytest.approx(0.5, abs=0.05)
    assert run.recovery.at == pytest.approx(5.0, abs=2 * run.window)


def test_a_surge_multiplies_and_the_run_without_it_sees_the_same_arrivals() -> None:
    run = ran("{at: 5 s, surge: look, by: 3x, one item: 50%, for: 4 s}")
    look = run.flows["look"]
    before = run.before.flows["look"].offered.value
    during = run.during.flows["look"].offered.value
    assert before == pytest.approx(300, rel=0.05)
    assert during == pytest.approx(900, rel=0.03)
    assert not look.recovery.affected
    again = ran("{at: 5 s, slow: worker, by: 1.5x, for: 4 s}")
    n = min(len(look.offered), len(again.flows["look"].offered), 6)
    assert look.offered[:n] == again.flows["look"].offered[:n]


def test_a_named_step_is_taken_more_often() -> None:
    run = ran("{at: 5 s, surge: serve, by: 3x, for: 4 s}")
    assert run.before.flows["serve"].offered.value == pytest.approx(300, rel=0.05)
    assert run.during.flows["serve"].offered.value == pytest.approx(900, rel=0.05)
    assert run.during.flows["look"].offered.value == pytest.approx(300, rel=0.05)


def test_a_queue_that_is_lost_takes_no_message_and_its_senders_fail() -> None:
    run = ran("{at: 5 s, lose: jobs, for: 3 s}")
    assert run.during.flows["look"].availability.value == pytest.approx(0.0, abs=0.02)
    assert run.recovery.at == pytest.approx(3.0, abs=2 * run.window)


def test_messages_wait_while_their_workers_are_gone_and_none_is_lost() -> None:
    run = ran("{at: 5 s, lose: worker, for: 3 s}")
    depth = [x or 0.0 for x in run.components["jobs"].depth]
    assert max(depth) > 500
    assert depth[-1] < 5
    assert run.flows["work"].lost.value == 0.0
    assert run.flows["work"].recovery.at is not None


def test_an_overload_ends_at_its_bound_and_says_so() -> None:
    words = "{at: 5 s, slow: app, by: 2x, for: 1 hour}"
    text = SHOP.replace("health check: 2 s", "health check: 2 s, concurrency: 1").replace(
        "rate: 300", "rate: 1500"
    )
    text = text.replace("FAULT_WORDS", words).replace("NAME", "it happens").replace("during FAULT", "")
    design = read_design(text).sound()
    result = simulate_fault(design, "it happens", upper=False, most_events=3_000_000)
    run = result.median
    assert run is not None
    assert run.bound is not None
    assert run.recovery.at is None
    assert "not recovered" in run.recovery.text
    assert len([start for start in run.starts if start >= run.begins]) >= 4


def test_a_run_that_begins_and_ends_is_compared_with_what_it_would_have_been() -> None:
    text = SHOP.replace("FAULT_WORDS", "{at: 6 s, lose: app, replicas: 2, for: 4 s}").replace(
        "NAME", "it happens"
    )
    design = read_design(text.replace("during FAULT", "") + "run: {for: 20 s, start: empty}\n").sound()
    run = simulate_fault(design, "it happens", upper=False).median
    assert run is not None
    assert run.starts[0] == 0.0
    assert run.starts[-1] + run.window == pytest.approx(20.0)
    assert run.recovery.at == pytest.approx(2.0, abs=2 * run.window)


def test_the_same_seed_gives_the_same_course_on_any_number_of_threads() -> None:
    design = shop("{at: 5 s, lose: app, replicas: 1, for: 2 s}")
    one, two = (simulate_fault(design, "it happens", upper=False, workers=workers) for workers in (1, 3))
    assert fault_json(one) == fault_json(two)


# ---- its verdicts, the page ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lost() -> tuple[Design, FaultResult]:
    design = shop("{at: 30 s, lose: app, replicas: 1, for: 24 s}")
    return design, simulate_fault(design, "it happens")


def test_conditions_during_a_fault_are_judged_by_the_figures_while_it_lasts(
    lost: tuple[Design, FaultResult],
) -> None:
    design, result = lost
    verdicts = {v.name: v for v in judge(design, {}, faults={"it happens": result})}
    assert verdicts["most are answered"].status is Status.MET
    assert verdicts["all are answered"].status is Status.MISSED
    assert verdicts["in calm"].status is Status.UNKNOWN  # the design itself was not simulated


def test_the_page_shows_its_curves(lost: tuple[Design, FaultResult]) -> None:
    design, result = lost
    html = page(find(design, {}, faults={"it happens": result}), "shop.design.yaml")
    for words in ("it happens", "p99 of", "failures of look", "answers of look", "begins", "ends"):
        assert words in html
    assert "nan" not in html.lower().replace("nanosecond", "")


def test_its_json_has_a_value_for_each_window(lost: tuple[Design, FaultResult]) -> None:
    _, result = lost
    said = fault_json(result)
    series = said["median"]["flows"]["look"]["series"]
    assert {len(values) for values in series.values()} == {len(said["median"]["starts"])}
    assert said["median"]["recovery"]["seconds"] is not None
    assert [one["what"] for one in said["defaults"]] == []
