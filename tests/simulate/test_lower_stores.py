"""Operations on entities: which machine, how long, which keys, and what a miss is."""

from __future__ import annotations

import pytest

from tests.simulate.lower_designs import all_of, design_of, lowered, one_flow, only, steps, visit
from toscale.engine.model import (
    HANDLED,
    Call,
    Chance,
    Drop,
    Flag,
    Get,
    If,
    Key,
    NewKey,
    Once,
    Parallel,
    Pick,
    Population,
    Put,
    Scatter,
    Set,
    Visit,
    Work,
    walk,
)
from toscale.kinds import KINDS
from toscale.simulate.run import simulate

COMPONENTS = """{app: {kind: service}, c: {kind: cache, memory: 1 GB, ttl: 1 day}, db: {kind: database, shards: 4, copies: 3},
  kv: {kind: key_value, shards: 8}}"""
DATA = """{link: {stored in: db, how many: 6M, popularity: zipf(0.95) over 50k, fields: {code: string(7) key, url: string(~120),
  owner: uuid, created: timestamp}}, click: {stored in: kv, how many: 1M}, free: {stored in: kv}}"""


def of(*calls: str, components: str = COMPONENTS, data: str = DATA):
    return lowered(
        one_flow(components=components, steps=f"[{{app: 1 ms, then: [{', '.join(calls)}]}}]", data=data)
    )


def test_a_read_goes_to_the_primary_of_its_key_and_takes_the_time_of_its_kind() -> None:
    result = of("{db: read link}")
    key, call = only(Key, result), visit(result, "db")
    assert (key.register, key.population.size, key.population.exponent) == ("key:link", 50_000, 0.95)
    assert (call.pick, call.key) == (Pick.PRIMARY, "key:link")
    assert call.work is not None
    assert call.work.base == KINDS["database"].operations["read"].first
    assert any(d.component == "db" and d.what == "time of read" for d in result.defaults)


def test_a_read_from_a_copy() -> None:
    assert visit(of("{db: read link, from: a copy}"), "db").pick is Pick.COPY


def test_the_first_row_and_each_further_one() -> None:
    work = visit(of("{db: read link, rows: 30}"), "db").work
    assert isinstance(work, Work)
    time = KINDS["database"].operations["read"]
    assert work.base + work.each * 30 == pytest.approx(time.first + 29 * time.further)


def test_work_is_a_factor_on_the_default() -> None:
    work = visit(of("{db: read link, work: 4x}"), "db").work
    assert work is not None
    assert work.base == pytest.approx(4 * KINDS["database"].operations["read"].first)


def test_an_insert_makes_a_new_key_before_its_time_out_begins_so_that_a_retry_has_the_same() -> None:
    result = of("{db: insert link, timeout: 1 s, retry: 1}", "{c: put link}")
    found = steps(result)
    (made,) = all_of(NewKey, result)
    assert found.index(made) < found.index(next(s for s in found if isinstance(s, Call)))
    assert not all_of(Key, result)  # what is put is what was inserted


def test_one_request_keeps_its_key() -> None:
    assert len(all_of(Key, of("{db: read link}", "{db: update link}"))) == 1


def test_a_look_up_that_finds_nothing_does_what_stands_under_miss() -> None:
    result = of("{c: get link, miss: [{db: read link}, {c: put link}]}")
    get, branch = only(Get, result), only(If, result)
    assert branch.test == Flag(get.found)
    assert branch.then == ()
    assert [s.station for s in branch.otherwise if isinstance(s, Visit)] == ["db"]
    assert only(Put, result).key == get.key


def test_a_look_up_that_fails_behaves_as_a_miss_and_a_put_that_fails_is_ignored() -> None:
    result = of("{c: get link, timeout: 5 ms, miss: [{c: put link}]}")
    looked_up, put = all_of(Call, result)
    assert looked_up.timeout == pytest.approx(0.005)
    assert looked_up.handlers == dict.fromkeys(HANDLED, (Set("found", 0),))
    assert put.handlers == dict.fromkeys(HANDLED, ())


def test_a_failure_that_the_file_handles_is_not_a_miss() -> None:
    result = of("{c: get link, failed: [{answer: 503}], miss: [{db: read link}]}")
    (call, *_) = all_of(Call, result)
    handled = [steps for outcome, steps in call.handlers.items() if outcome.name in ("FAILED", "TIMED_OUT")]
    assert all(steps[-1] == Set("found", 1) for steps in handled)


def test_an_entry_is_its_fields_and_a_sourced_overhead() -> None:
    result = of("{c: get link}")
    assert only(Get, result).bytes == 7 + 120 + 16 + 8 + 85
    (used,) = [d for d in result.defaults if d.what == "overhead of an entry"]
    assert "Redis" in used.source


def test_a_size_by_hand_beats_the_fields() -> None:
    data = DATA.replace("how many: 6M,", "how many: 6M, size: 500 bytes,")
    assert only(Get, of("{c: get link}", data=data)).bytes == 500 + 85


def test_a_given_hit_ratio_is_a_chance() -> None:
    components = COMPONENTS.replace("memory: 1 GB, ttl: 1 day", "hit ratio: 90%")
    result = of("{c: get link, miss: [{db: read link}]}", components=components)
    assert result.model.stores == ()
    tests = [step.test for step in all_of(If, result)]
    assert Chance(0.9) in tests
    assert Flag("found") in tests


def test_a_delete_drops_the_key_from_a_cache() -> None:
    assert only(Drop, of("{c: delete link}")).key == "key:link"


def test_several_keys_are_one_call_over_their_shards() -> None:
    scatter = only(Scatter, of("{db: read link, keys: 20}"))
    time = KINDS["database"].operations["read"]
    assert scatter.count == 20.0
    assert scatter.work.base + scatter.work.each == pytest.approx(time.first)  # one key in a shard
    assert not scatter.fresh
    assert only(Scatter, of("{db: insert link, keys: 20}")).fresh


def test_what_follows_a_miss_of_several_keys_acts_on_those_that_missed() -> None:
    result = of("{c: get link, keys: 20, miss: [{db: read link}, {c: put link}]}")
    looked_up, *others = all_of(Scatter, result)
    assert looked_up.at_most == 20
    assert {other.source for other in others} == {looked_up.missed, looked_up.keep}
    missed = [other for other in others if other.source == looked_up.missed]
    assert [(other.station, other.put) for other in missed] == [("db", False), ("c", True)]


def test_an_entity_without_numbers_gives_each_request_a_key_of_its_own_and_says_so() -> None:
    result = of("{kv: read free}")
    assert all_of(NewKey, result)
    assert any("`free`" in note.text and "of its own" in note.text for note in result.notes)


def test_entities_are_told_apart_by_their_names_alone() -> None:
    def population(result: object) -> Population:
        return only(Key, result).population  # type: ignore[arg-type]

    more = DATA.replace("{link:", "{first: {how many: 5}, link:")
    assert population(of("{db: read link}")) == population(of("{db: read link}", data=more))


@pytest.mark.parametrize("popularity", ["", "popularity: uniform,"])
def test_without_popularity_keys_are_drawn_evenly_from_all(popularity: str) -> None:
    data = f"{{link: {{stored in: db, {popularity} how many: 6M}}}}"
    population = only(Key, of("{db: read link}", data=data)).population
    assert (population.size, population.exponent) == (6_000_000, 0.0)


COALESCING = COMPONENTS.replace("ttl: 1 day}", "ttl: 1 day, coalesce: true}")
MISS = "{c: get link, miss: [{db: read link}, {c: put link}]}"


def test_what_follows_a_miss_is_done_once_where_the_cache_coalesces() -> None:
    result = of(MISS, components=COALESCING)
    once = only(Once, result)
    assert (once.group, once.key) == ("c", "key:link")
    assert [step.station for step in walk(once.body) if isinstance(step, Visit)] == ["db", "c"]
    assert not [each for each in result.not_simulated if "coalesc" in each.text]
    assert all_of(Once, of(MISS)) == []


def test_several_keys_of_one_call_are_not_coalesced_and_that_is_named() -> None:
    several = "{c: get link, keys: 5, miss: [{db: read link}]}"
    result = of(several, components=COALESCING)
    assert all_of(Once, result) == []
    (found,) = [each for each in result.not_simulated if "coalesced" in each.text]
    assert found.place.line > 0


def test_a_burst_of_misses_reaches_the_database_as_one_call_for_each_key() -> None:
    """An empty cache and one key: 1,000 requests a second, and a read of 100 ms or so."""
    data = DATA.replace("over 50k", "over 1")
    text = one_flow(
        components=COALESCING,
        steps=f"[{{app: 1 ms, then: [{MISS.replace('{db: read link}', '{db: read link, work: 200x}')}]}}]",
        data=data,
        rate="1000 / s",
        more="run: {for: 2 s, start: empty}\n",
    )
    result = simulate(design_of(text)).median
    database, cache = result.components["db"].arrivals.value, result.components["c"].coalesced
    assert database is not None
    assert cache is not None
    assert database == pytest.approx(0.5, abs=0.01)  # one in two seconds
    assert cache.value is not None
    assert cache.value > 0.9


@pytest.mark.parametrize(("sync", "wait"), [("quorum", 1), ("all", 2), ("none", None)])
def test_a_write_waits_for_as_many_copies_as_must_confirm_it(sync: str, wait: int | None) -> None:
    result = of(
        "{db: update link}", components=COMPONENTS.replace("copies: 3}", f"copies: 3, sync: {sync}}}")
    )
    if wait is None:
        assert all_of(Parallel, result) == []
        return
    copies = only(Parallel, result)
    assert (copies.wait, copies.goes_on) == (wait, True)
    visits = [step for branch in copies.branches for step in branch if isinstance(step, Visit)]
    assert [(step.pick, step.nth, step.key) for step in visits] == [
        (Pick.COPY, 1, "key:link"),
        (Pick.COPY, 2, "key:link"),
    ]
    assert result.not_simulated == ()


def test_reads_wait_for_no_copy() -> None:
    components = COMPONENTS.replace("copies: 3}", "copies: 3, sync: all}")
    assert all_of(Parallel, of("{db: read link}", components=components)) == []


def test_a_write_of_several_keys_is_named_as_not_confirmed() -> None:
    components = COMPONENTS.replace("copies: 3}", "copies: 3, sync: all}")
    result = of("{db: update link, keys: 5}", components=components)
    (found,) = [each for each in result.not_simulated if "single keys" in each.text]
    assert found.place.line > 0
