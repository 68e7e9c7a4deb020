"""What components become: machines, slots, shards, zones, memory, and the defaults that are written down."""

from __future__ import annotations

import pytest

from tests.simulate.lower_designs import lowered, one_flow, station, visit
from toscale.engine.model import Discipline, Evict, Link, Pick, Policy, Priority
from toscale.simulate.lowering import LoweringError


def of(component: str, step: str = "x: 1 ms", more: str = "") -> str:
    return one_flow(components=f"{{x: {component}{more}}}", steps=f"[{{{step}}}]")


def test_a_service_is_replicas_with_slots_and_cores() -> None:
    x = station(lowered(of("{kind: service, replicas: 9, cores: 4, concurrency: 64, queue: 100}")), "x")
    assert (x.machines, x.slots, x.cores, x.waiting, x.shards) == (9, 64, 4, 100, 0)


def test_without_concurrency_cores_and_queue_nothing_is_limited_and_missing_cores_are_said() -> None:
    result = lowered(of("{kind: service}"))
    x = station(result, "x")
    assert (x.machines, x.slots, x.cores, x.waiting) == (1, None, None, None)
    assert any("`cores`" in note.text and "`x`" in note.text for note in result.notes)


def test_a_queue_limit_of_zero_refuses_whoever_finds_no_slot() -> None:
    assert station(lowered(of("{kind: service, concurrency: 1, queue: 0}")), "x").waiting == 0


@pytest.mark.parametrize("policy", list(Policy))
def test_the_policy_is_that_of_the_file(policy: Policy) -> None:
    assert station(lowered(of(f"{{kind: service, balance: {policy.value}}}")), "x").policy is policy


def test_round_robin_is_a_default_with_a_source() -> None:
    result = lowered(of("{kind: service, replicas: 2}"))
    assert station(result, "x").policy is Policy.ROUND_ROBIN
    (used,) = [d for d in result.defaults if d.component == "x" and d.what == "balance"]
    assert "nginx" in used.source


def test_lifo() -> None:
    assert station(lowered(of("{kind: service, discipline: lifo}")), "x").discipline is Discipline.LIFO


def test_a_worker_does_one_job_at_a_time_unless_it_says_how_many() -> None:
    assert station(lowered(of("{kind: worker}")), "x").slots == 1
    assert station(lowered(of("{kind: worker, concurrency: 3}")), "x").slots == 3


def test_a_load_balancer_has_no_slots_to_run_out_of() -> None:
    assert station(lowered(of("{kind: load_balancer}")), "x").slots is None


def test_four_shards_with_three_copies_are_twelve_machines() -> None:
    data = "{row: {stored in: x, how many: 1k, fields: {id: uuid key}}}"
    text = one_flow(
        components="{x: {kind: database, shards: 4, copies: 3, connections: 100}}",
        steps="[{x: read row}]",
        data=data,
    )
    result = lowered(text)
    x = station(result, "x")
    assert (x.machines, x.shards, x.copies, x.slots) == (12, 4, 3, 100)
    assert result.machines["x"] == 12


def test_the_copies_of_a_shard_lie_in_different_zones_and_primaries_in_all() -> None:
    data = "{row: {stored in: x, how many: 1k, fields: {id: uuid key}}}"
    text = one_flow(
        components="{x: {kind: database, shards: 6, copies: 3, zones: [a, b, c]}}",
        steps="[{x: read row}]",
        data=data,
    )
    zones = station(lowered(text), "x").zones
    machines = [zones[k % len(zones)] for k in range(18)]
    assert all(len(set(machines[s * 3 : s * 3 + 3])) == 3 for s in range(6))
    assert sorted(machines[::3]) == [0, 0, 1, 1, 2, 2]


def test_a_postgresql_has_a_hundred_connections_unless_it_says_so() -> None:
    data = "{row: {stored in: x, how many: 1k}}"
    result = lowered(one_flow(components="{x: {kind: database}}", steps="[{x: read row}]", data=data))
    assert station(result, "x").slots == 100
    (used,) = [d for d in result.defaults if d.what == "slots of a machine"]
    assert "max_connections" in used.source


def test_a_cache_is_one_thread_and_a_store_with_memory_per_shard() -> None:
    data = "{row: {stored in: x, how many: 1k}}"
    text = one_flow(
        components="{x: {kind: cache, memory: 16 GB, shards: 8, ttl: 1 day, evict: fifo}}",
        steps="[{x: get row}]",
        data=data,
    )
    result = lowered(text)
    (store,) = result.model.stores
    assert (store.name, store.shards, store.memory, store.ttl, store.evict) == (
        "x",
        8,
        16e9,
        86400.0,
        Evict.FIFO,
    )
    assert station(result, "x").slots == 1


def test_a_key_value_store_with_a_ttl_forgets_but_does_not_evict() -> None:
    data = "{row: {stored in: x, how many: 1k}}"
    text = one_flow(
        components="{x: {kind: key_value, memory: 1 GB, ttl: 10 min}}", steps="[{x: get row}]", data=data
    )
    (store,) = lowered(text).model.stores
    assert (store.memory, store.ttl) == (None, 600.0)


def test_a_key_value_store_without_a_ttl_never_misses() -> None:
    data = "{row: {stored in: x, how many: 1k}}"
    text = one_flow(
        components="{x: {kind: key_value, memory: 1 GB}}",
        steps="[{x: get row, miss: [{x: put row}]}]",
        data=data,
    )
    result = lowered(text)
    assert result.model.stores == ()
    assert any("never misses" in note.text for note in result.notes)


def test_what_is_beside_another_has_as_many_machines() -> None:
    text = one_flow(
        components="{api: {kind: service, replicas: 7}, x: {kind: service, beside: api}}",
        steps="[{api: 1 ms, then: [{x: 1 ms}]}]",
        network="{within a zone: 1 ms, between zones: 2 ms}",
    )
    result = lowered(text)
    assert station(result, "x").machines == 7
    assert visit(result, "x").link == Link()  # between the two there is no network
    assert visit(result, "x").pick is Pick.BESIDE
    assert not result.not_simulated


def test_impossible_figures_are_problems_all_at_once_with_places() -> None:
    text = one_flow(
        components="{x: {kind: service, replicas: 0}, y: {kind: service, replicas: -3}}", steps="[{x: 1 ms}]"
    )
    with pytest.raises(LoweringError) as raised:
        lowered(text)
    assert [problem.code for problem in raised.value.problems] == ["TS901", "TS901"]
    assert all(problem.place.line > 0 and problem.suggestion for problem in raised.value.problems)


@pytest.mark.parametrize(
    "component",
    [
        "{kind: service, replicas: 200001}",
        "{kind: database, shards: 1M, copies: 1M}",
        "{kind: service, replicas: 1e300}",
    ],
)
def test_a_million_machines_are_a_problem_and_not_a_hang(component: str) -> None:
    step = "x: 1 ms"
    with pytest.raises(LoweringError) as raised:
        lowered(of(component, step))
    assert raised.value.problems[0].code in ("TS901", "TS902")


def test_a_hundred_thousand_partitions_are_the_most() -> None:
    text = one_flow(components="{q: {kind: queue, partitions: 1M}, x: {kind: service}}", steps="[{x: 1 ms}]")
    with pytest.raises(LoweringError, match="partitions"):
        lowered(text)


def test_a_scale_without_anything_to_measure_is_named_with_its_place() -> None:
    result = lowered(of("{kind: service, scale: {target: 60%}}"))
    (found,) = [each for each in result.not_simulated if "could be measured" in each.text]
    assert found.place.line > 0
    assert not found.left_out


def test_components_that_no_flow_uses_are_said_and_left_out_of_the_model() -> None:
    result = lowered(one_flow(components="{x: {kind: service}, idle: {kind: service}}", steps="[{x: 1 ms}]"))
    assert [each.name for each in result.model.stations] == ["x"]
    assert any(note.text == "No flow uses `idle`." for note in result.notes)
    assert result.machines["idle"] == 1


def test_flows_have_priorities_where_a_component_serves_by_them() -> None:
    more = "  g:\n    from: user\n    rate: 1 / s\n    priority: high\n    steps: [{app: 1 ms}]\n"
    text = one_flow(
        components="{app: {kind: service, discipline: priority}}", steps="[{app: 1 ms}]", more=more
    )
    result = lowered(text)
    assert station(result, "app").discipline is Discipline.PRIORITY
    assert {flow.name: flow.priority for flow in result.model.flows} == {
        "f": Priority.NORMAL,
        "g": Priority.HIGH,
    }
    assert result.not_simulated == ()


def test_priorities_that_no_flow_has_are_pointed_out() -> None:
    text = one_flow(components="{app: {kind: service, discipline: priority}}", steps="[{app: 1 ms}]")
    assert [note for note in lowered(text).notes if "no flow has one" in note.text]
