"""What each word of a flow becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulate.lower_designs import all_of, flow_of, lowered, one_flow, only, steps, visit
from toscale.design.load import load
from toscale.design.problems import DesignError
from toscale.engine.laws import Law
from toscale.engine.model import (
    HANDLED,
    Attribute,
    Call,
    Chance,
    Compare,
    Consume,
    Delay,
    Each,
    End,
    Fork,
    If,
    Link,
    Measure,
    NewKey,
    Outcome,
    Parallel,
    Pause,
    Pick,
    Register,
    Retry,
    Send,
    Set,
    Visit,
    Work,
)
from toscale.simulate.lower import lower

SERVICES = "{edge: {kind: load_balancer}, app: {kind: service, concurrency: 8}, other: {kind: service}}"
DATA = """{post: {stored in: db, how many: 1k, fields: {id: uuid key, author: user}},
  user: {how many: 100, has many: {followers: {of: user, mean: 200, shape: pareto(1.5), at most: 1M}, friends: {exactly: 3}}},
  seat: {stored in: db, how many: 5, at most: 1},
  token: {stored in: db, per: post, at most: user.followers}}"""
WITH_DATA = "{app: {kind: service}, db: {kind: database}, q: {kind: queue, partitions: 4}, w: {kind: worker, concurrency: 4}}"


def of(steps: str, **more: str):
    return lowered(one_flow(components=more.pop("components", SERVICES), steps=steps, **more))


def test_each_on_the_route_holds_its_slot_until_what_is_below_is_done() -> None:
    flow = flow_of(of("[{edge > app: 2 ms fixed, then: [{other: 1 ms fixed}]}]"))
    (edge,) = flow.steps
    assert isinstance(edge, Visit)
    (app,) = edge.body
    assert isinstance(app, Visit)
    (other,) = app.body
    assert isinstance(other, Visit)
    assert (edge.station, app.station, other.station) == ("edge", "app", "other")
    assert edge.work is None  # the time is that of the last one
    assert app.work == Work(Law.fixed(1.0), 0.002)


def test_a_time_without_a_shape_has_the_spread_of_its_kind_which_is_written_down() -> None:
    result = of("[{app: 2 ms}]")
    work = visit(result, "app").work
    assert work is not None
    assert (work.shape.shape, work.shape.cv, work.base) == (
        "lognormal",
        pytest.approx(0.5),
        pytest.approx(0.002),
    )
    assert any(d.component == "app" and d.what == "spread of times" for d in result.defaults)


def test_a_time_with_a_percentile_is_the_lognormal_that_has_it() -> None:
    work = visit(of("[{app: 4 ms (p99 30 ms)}]"), "app").work
    assert work is not None
    assert float(work.shape.quantile(0.99)) * work.base == pytest.approx(0.030, rel=1e-6)


def test_a_component_that_has_the_request_already_is_not_asked_for_a_second_slot() -> None:
    result = of("[{app: 1 ms, then: [{app > other: 1 ms}, {app: 3 ms fixed}]}]")
    assert [step.station for step in all_of(Visit, result)] == ["app", "other"]
    assert only(Delay, result).work.base == pytest.approx(0.003)


def test_a_time_out_and_retries_wrap_the_call() -> None:
    result = of("[{app: 1 ms, timeout: 60 ms, retry: {times: 2, backoff: 10 ms, growth: 3x, jitter: 50%}}]")
    call = only(Call, result)
    assert call.timeout == pytest.approx(0.060)
    assert call.retry == Retry(2, 0.010, 3.0, 0.5)
    assert isinstance(call.body[0], Visit)


def test_a_backoff_doubles_unless_it_says_so() -> None:
    assert only(Call, of("[{app: 1 ms, retry: {times: 2, backoff: 10 ms}}]")).retry == Retry(
        2, 0.010, 2.0, 0.0
    )


def test_failed_covers_a_time_out_unless_that_is_handled_apart() -> None:
    call = only(Call, of("[{app: 1 ms, failed: [{answer: 503}], refused: [{answer: 429}]}]"))
    assert set(call.handlers) == {Outcome.FAILED, Outcome.TIMED_OUT, Outcome.REFUSED, Outcome.BUSY}
    apart = only(Call, of("[{app: 1 ms, failed: [{answer: 503}], timed out: [go on]}]"))
    assert apart.handlers[Outcome.TIMED_OUT] == ()
    assert isinstance(apart.handlers[Outcome.FAILED][0], End)


def test_an_answer_of_500_or_more_is_a_failure_and_stop_is_none() -> None:
    result = of("[{if: 50% of the time, then: [{answer: 429}], else: [{answer: 503}]}, stop]")
    assert [(end.outcome, end.code) for end in all_of(End, result)] == [
        (Outcome.ANSWERED, 429),
        (Outcome.ENDED, 503),
        (Outcome.STOPPED, 0),
    ]


def test_optional_is_given_up_without_harm() -> None:
    late = only(Call, of("[{app: 1 ms, optional: after 40 ms}]"))
    assert late.timeout == pytest.approx(0.040)
    assert late.handlers == dict.fromkeys(HANDLED, ())
    plain = only(Call, of("[{app: 1 ms, optional: true}]"))
    assert plain.timeout is None
    assert plain.handlers == dict.fromkeys(HANDLED, ())


def test_async_is_not_waited_for() -> None:
    fork = only(Fork, of("[{app: 1 ms, async: true}]"))
    assert isinstance(fork.body[0], Visit)


def test_a_name_measures_the_step_with_its_retries_and_handlers() -> None:
    result = of("[{app: 1 ms, name: work, timeout: 1 s, failed: [{other: 1 ms}]}]")
    measure = only(Measure, result)
    assert measure.name == "work"
    assert isinstance(measure.body[0], Call)
    assert result.steps == {"f/work": "work"}


def test_a_name_that_is_used_twice_is_measured_by_its_path() -> None:
    more = "  g:\n    from: user\n    rate: 1 / s\n    steps: [{app: 1 ms, name: work}]\n"
    result = of("[{app: 1 ms, name: work}]", more=more)
    assert result.steps == {"f/work": "f/work", "g/work": "g/work"}


def test_parallel_branches_wait_for_all_any_or_some() -> None:
    branches = "[{app: 1 ms}, {other: 1 ms}]"
    assert only(Parallel, of(f"[{{parallel: {branches}}}]")).wait is None
    assert only(Parallel, of(f"[{{parallel: {branches}, wait: any}}]")).wait == 1
    assert only(Parallel, of(f"[{{parallel: {branches}, wait: 2}}]")).wait == 2


def test_a_wait_passes_time_and_a_pause_has_no_spread_of_its_own() -> None:
    assert only(Pause, of("[{wait: 20 s exponential}]")).work == Work(Law.exponential(1.0), 20.0)
    assert only(Pause, of("[{wait: 20 s}]")).work.shape == Law.fixed(1.0)


def test_a_wait_below_a_component_gives_its_slot_back_unless_others_need_it_and_that_is_said() -> None:
    assert not of("[{app: 1 ms, then: [{wait: 1 s}]}]").not_simulated
    result = of("[{app: 1 ms, then: [{parallel: [[{wait: 1 s}], [{other: 1 ms}]]}]}]")
    assert any("keeps its slot" in each.text and not each.left_out for each in result.not_simulated)


def test_a_branch_by_chance_and_by_a_formula_of_chance() -> None:
    assert only(If, of("[{if: 60% of the time, then: [{app: 1 ms}]}]")).test == Chance(0.6)


def test_a_branch_on_a_number_of_the_request_belongs_to_its_own_key() -> None:
    result = of(
        "[{app: 1 ms, then: [{db: insert post}, {if: post.author.followers > 10k, then: [{db: read post}]}]}]",
        components=WITH_DATA,
        data=DATA,
    )
    test = only(If, result).test
    assert isinstance(test, Compare)
    assert isinstance(test.left, Attribute)
    assert (test.left.of, test.left.salt, test.operator, test.right) == (
        "key:post.author",
        "user.followers",
        ">",
        10_000.0,
    )
    assert test.left.law.cap == 1e6
    assert only(NewKey, result).register == "key:post"


def test_each_over_a_relation_in_batches_side_by_side() -> None:
    result = of(
        "[{app: 1 ms, then: [{db: insert post}, {each: post.author.followers, batch: 500, at once: 4, then: [{db: read user}]}]}]",
        components=WITH_DATA,
        data=DATA,
    )
    each = only(Each, result)
    assert (each.batch, each.at_once, each.size) == (500, 4, "size")
    assert isinstance(each.count, Attribute)
    assert each.fresh == ("key:user",)  # what is first touched inside is another one in each pass


def test_each_over_a_number_one_after_the_other_or_all_at_once() -> None:
    assert (
        only(Each, of("[{each: 3, then: [{app: 1 ms}]}]")).count,
        only(Each, of("[{each: 3, then: [{app: 1 ms}]}]")).at_once,
    ) == (3.0, 1)
    assert only(Each, of("[{each: 3, at once: all, then: [{app: 1 ms}]}]")).at_once is None


def test_a_key_that_was_drawn_before_each_stays_the_same_in_every_pass() -> None:
    result = of(
        "[{app: 1 ms, then: [{db: read post}, {each: 3, then: [{db: update post}]}]}]",
        components=WITH_DATA,
        data=DATA,
    )
    assert only(Each, result).fresh == ()


def test_messages_carry_what_their_consumer_needs() -> None:
    more = "  g:\n    from: q\n    batch: 10\n    steps: [{w: 5 ms per batch, then: [{if: post.author.followers > 5, then: [{db: read post}]}]}]\n"
    result = of(
        "[{app: 1 ms, then: [{db: insert post}, {if: post.author.followers > 9, then: [{q: send post}]}]}]",
        components=WITH_DATA,
        data=DATA,
        more=more,
    )
    (buffer,) = result.model.buffers
    assert buffer.partitions == 4
    assert buffer.carries == ("key:post", "key:post.author")
    assert flow_of(result, "g").source == Consume("q", 10)
    assert not all_of(NewKey, result, "g")
    assert visit(result, "w", "g").work is not None


def test_a_message_is_acknowledged_after_the_time_of_its_kind_and_needs_a_reader() -> None:
    more = "  g:\n    from: q\n    steps: [{w: 1 ms}]\n"
    result = of("[{app: 1 ms, then: [{q: send post}]}]", components=WITH_DATA, data=DATA, more=more)
    send = only(Send, result)
    assert send.work is not None
    assert send.work.base == pytest.approx(0.0015)
    unread = of("[{app: 1 ms, then: [{q: send post}]}]", components=WITH_DATA, data=DATA)
    assert unread.model.buffers == ()
    assert any("Nobody reads `q`" in note.text for note in unread.notes)


def test_the_size_of_a_chunk_goes_along_with_it() -> None:
    more = "  g:\n    from: q\n    steps: [{w: 1 ms, then: [{db: insert entry, keys: chunk.size}]}]\n"
    data = DATA[:-1] + ", chunk: {stored in: q, fields: {id: uuid}}, entry: {stored in: db, how many: 5M}}"
    result = of(
        "[{app: 1 ms, then: [{each: 1200, batch: 500, then: [{q: send chunk}]}]}]",
        components=WITH_DATA,
        data=data,
        more=more,
    )
    (buffer,) = result.model.buffers
    assert buffer.carries == ("size",)
    assert not all_of(Set, result)  # the batch has said it
    assert any(getattr(step, "count", None) == Register("size") for step in steps(result, "g"))


def test_another_flow_is_run_in_place_with_paths_of_its_own() -> None:
    more = "  g:\n    steps: [{other: 1 ms}]\n"
    result = of("[{app: 1 ms, then: [{run: g}, {other: 2 ms}]}]", more=more)
    found = [step.path for step in all_of(Visit, result) if step.station == "other"]
    assert len(found) == len(set(found)) == 2
    assert [flow.name for flow in result.model.flows] == ["f"]


def test_equal_steps_have_equal_paths_whatever_stands_before_them() -> None:
    one = of("[{app: 1 ms}, {other: 1 ms}]")
    two = of("[{edge: 0 ms}, {app: 1 ms}, {other: 1 ms}]")
    assert visit(one, "other") == visit(two, "other")


@pytest.mark.parametrize(
    ("step", "word"),
    [
        ("{if: post is taken, then: [{app: 1 ms}]}", "held"),
        ("{db: take token}", "no figure"),
    ],
)
def test_what_cannot_be_simulated_leaves_its_flow_out_by_name_and_place(step: str, word: str) -> None:
    result = of(f"[{{app: 1 ms, then: [{step}]}}]", components=WITH_DATA, data=DATA)
    assert result.model.flows == ()
    assert word in result.left_out["f"]
    (found,) = [each for each in result.not_simulated if each.left_out]
    assert found.flow == "f"
    assert found.place.line > 0
    assert found.path.startswith("f/")


@pytest.mark.parametrize(
    ("step", "word"),
    [],
)
def test_what_is_only_a_refinement_is_simulated_without_it_and_named(step: str, word: str) -> None:
    result = of(f"[{step}]", components=WITH_DATA, data=DATA)
    assert [flow.name for flow in result.model.flows] == ["f"]
    (found,) = [each for each in result.not_simulated if word in each.text]
    assert not found.left_out
    assert found.place.line > 0


def test_a_flow_that_is_left_out_takes_those_with_it_that_only_it_starts_and_its_load_is_missed() -> None:
    more = "  g:\n    from: q\n    steps: [{w: 1 ms}]\n  h:\n    from: user\n    rate: 1 / s\n    steps: [{app: 1 ms}]\n"
    result = of(
        "[{app: 1 ms, then: [{db: take token}, {q: send post}]}]", components=WITH_DATA, data=DATA, more=more
    )
    assert set(result.left_out) == {"f", "g"}
    assert [flow.name for flow in result.model.flows] == ["h"]
    assert result.understated == {"app": ("f",)}


def test_flows_that_multiply_each_other_are_a_problem_and_not_a_hang() -> None:
    more = "".join(f"  g{k}:\n    steps: [{', '.join([f'{{run: g{k + 1}}}'] * 10)}]\n" for k in range(9))
    more += "  g9:\n    steps: [{app: 1 ms}]\n"
    with pytest.raises(DesignError) as raised:  # when the file is read already
        of("[{run: g0}]", more=more)
    assert "TS109" in [problem.code for problem in raised.value.problems]


def test_a_flow_that_runs_itself_is_left_out() -> None:
    more = "  g:\n    steps: [{run: h}]\n  h:\n    steps: [{run: g}]\n"
    try:
        result = of("[{run: g}]", more=more)
    except ValueError:
        return  # refused when the file is read: as good
    assert "runs itself" in result.left_out["f"]


def test_an_async_component_gives_its_slot_back_before_it_calls_others() -> None:
    components = "{app: {kind: service, concurrency: 8, async: true}, other: {kind: service}}"
    flow = flow_of(of("[{app: 1 ms, then: [{other: 1 ms}]}]", components=components))
    assert [step.station for step in flow.steps if isinstance(step, Visit)] == ["app", "other"]
    assert all(step.body == () for step in flow.steps if isinstance(step, Visit))


def test_a_flow_by_the_clock_begins_at_its_component_without_a_way_to_it() -> None:
    more = "  g:\n    every: 5 s\n    per: app\n    steps: [{app: 1 ms, then: [{other: 1 ms}]}]\n"
    result = of("[{app: 1 ms}]", more=more, network="{user - app: 10 ms, app - other: 4 ms fixed}")
    assert visit(result, "app", "g").link == Link()
    assert visit(result, "other", "g").link.near == Law.fixed(0.002)


def test_a_message_is_taken_before_the_machine_of_its_key_is_chosen() -> None:
    more = "  g:\n    from: q\n    steps: [{db: read post}]\n"
    result = of(
        "[{app: 1 ms, then: [{db: insert post}, {q: send post}]}]", components=WITH_DATA, data=DATA, more=more
    )
    assert result.model.buffers[0].carries == ("key:post",)
    first = flow_of(result, "g").steps[0]
    assert not isinstance(first, Visit)  # the engine takes the message with the first visit's slot
    assert visit(result, "db", "g").key == "key:post"


def test_a_number_of_things_is_whole_and_that_is_said() -> None:
    result = of("[{each: 2.6, then: [{app: 1 ms}]}]")
    assert only(Each, result).count == 3.0
    assert any("counts as 3" in note.text for note in result.notes)


def test_measured_times_are_read_from_their_file(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("# seconds\n0.001\n0.003,x\n")
    design = tmp_path / "d.design.yaml"
    design.write_text(one_flow(components=SERVICES, steps="[{app: from times.csv}]"))
    work = visit(lower(load(design)), "app").work
    assert work is not None
    assert work.base == pytest.approx(0.002)
    assert work.shape.values == pytest.approx((0.5, 1.5))


def test_a_file_that_is_not_there_leaves_the_flow_out() -> None:
    result = of("[{app: from nowhere.csv}]")
    assert "no file that is there" in result.left_out["f"]


def test_somebody_at_the_end_of_a_way_can_be_called() -> None:
    result = of("[{app: 1 ms, then: [{user: 5 ms}]}]", network="{user - app: 10 ms fixed}")
    assert visit(result, "user").link.near == Law.fixed(0.005)
    assert "user" in {station.name for station in result.model.stations}


def test_a_store_that_only_takes_a_time_is_asked_at_a_primary() -> None:
    components = "{app: {kind: service}, db: {kind: database, shards: 4, copies: 3}}"
    asked = visit(of("[{app: 1 ms, then: [{db: 3 ms}]}]", components=components), "db")
    assert (asked.pick, asked.key) == (Pick.PRIMARY, None)
