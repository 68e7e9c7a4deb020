"""A text becomes a design, with all its problems at once; nothing that comes in raises."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.design.strategies import EXAMPLES, TEXTS, mutated_texts
from toscale.design import Design, DesignError, check_design, read_design
from toscale.design.flow import (
    After,
    AttributePath,
    Call,
    Chance,
    Consume,
    Each,
    Event,
    Every,
    FlowDone,
    FromActor,
    HeldSet,
    If,
    Repeat,
    ShapedRate,
    walk_steps,
)


def example(name) -> Design:
    return Design.from_text(TEXTS[name], name)


def step(design, path):
    flow = path.split("/")[0]
    return next(s for s in walk_steps(design.flows[flow].steps) if s.path == path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_each_example_checks_without_any_problem(path):
    assert [str(p) for p in check_design(path.read_bytes(), path.name).problems] == []
    assert Design.load(path).title


@pytest.mark.parametrize("name", TEXTS)
def test_every_step_has_a_path_of_its_own_that_begins_with_its_flow(name):
    design = example(name)
    paths = [s.path for flow in design.flows.values() for s in walk_steps(flow.steps)]
    assert len(paths) == len(set(paths))
    for flow in design.flows.values():
        assert all(s.path.startswith(f"{flow.name}/") for s in walk_steps(flow.steps))


def test_the_shortener_means_what_it_says():
    design = example("url_shortener")
    read = step(design, "redirect/edge > app/cache: get link/miss/links: read link")
    assert isinstance(read, Call)
    assert (read.operation, read.entity, read.target) == ("read", "link", "links")
    assert str(read.policies.timeout) == "60 ms"
    assert str(read.policies.retry.times) == "1"
    assert design.flows["count clicks"].trigger == Consume("clicks", step_formula(design, "count clicks"))
    assert step(design, "count clicks/counter").per_batch
    assert design.components["app"].zones == ("a", "b", "c")
    assert design.data["link"].popularity.shape == "zipf"
    assert [t.name for t in design.requirements.targets] == [
        "redirects feel instant",
        "shortening is quick",
        "redirects are there",
        "counts are fresh",
    ]
    assert design.network.link("edge", "visitor") == design.network.link("visitor", "edge") is not None


def step_formula(design, flow):
    return design.flows[flow].trigger.batch


def test_the_feed_means_what_it_says():
    design = example("news_feed")
    each = step(design, "split/splitter/if post.author.followers <= celebrity/each post.author.followers")
    assert isinstance(each, Each)
    assert each.of == AttributePath(("post", "author", "followers"))
    assert (str(each.batch), str(each.at_once)) == ("500", "4")
    scroll = design.flows["scroll"].trigger
    assert isinstance(scroll, After)
    assert scroll.causes == (FlowDone("open"), FlowDone("scroll"))
    page = step(design, "scroll/page")
    assert page.name == "page"
    assert [s.path for s in page.on["miss"]] == ["scroll/page/miss/run open"]


def test_the_chat_means_what_it_says():
    design = example("chat")
    assert design.flows["connect"].trigger.causes == (Event("socket", "opens"),)
    live = design.flows["live"].trigger
    assert isinstance(live, Every)
    assert live.per == "gateway"
    members = design.data["conversation"].has_many["members"]
    assert [str(part.share) for part in members.one_of] == ["85%", "15%"]
    branch = step(design, "keep for later/if 60% of the time")
    assert isinstance(branch, If)
    assert isinstance(branch.condition, Chance)
    assert design.data["user"].elsewhere


def test_the_sale_means_what_it_says():
    design = example("ticketing")
    trigger = design.flows["wait"].trigger
    assert isinstance(trigger, FromActor)
    assert isinstance(trigger.rate, ShapedRate)
    assert [(str(t), str(r)) for t, r in trigger.rate.shape][1] == ("30 s", "24")
    look = step(design, "wait/look")
    assert isinstance(look, Repeat)
    assert [c.state for c in look.until] == ["taken", "none left"]
    assert str(look.at_most_time) == "2 hours"
    take = step(design, "buy/hold seats/stock: take seat")
    assert (take.operation, take.when_busy, take.one_at_a_time) == ("take", "refuse", ("seat",))
    assert step(design, "free/sweeper/stock: read seat").rows == HeldSet(None, "hold")
    assert design.operations.objectives["the line stays up"].over_runs == "1 sale"
    assert set(step(design, "buy/pay/provider").on) == {"failed", "timed out"}


@pytest.mark.parametrize(
    "text", ["", "title: x\n", "flows:\n", "estimates: {}\n", "components:\ndata:\nrequirements:\n"]
)
def test_everything_is_optional(text):
    assert read_design(text).problems == ()


def test_all_problems_come_at_once_in_the_order_of_the_file():
    text = (
        "estimates:\n  load: peek * 2\n"
        "components:\n  app: {kind: servcie}\n  cache: {kind: cache, ttll: 5 s}\n"
        "flows:\n  tick:\n    every: 5 s\n    steps:\n      - cahce: get link\n      - cache: get link\n        timeout: 5\n"
    )
    problems = check_design(text, "f").errors
    assert [(p.code, p.place.line) for p in problems] == [
        ("TS205", 2),
        ("TS410", 4),
        ("TS101", 5),
        ("TS201", 10),
        ("TS325", 12),
    ]
    assert problems[3].message == "Unknown component or actor `cahce`."
    assert problems[3].suggestion == "Did you mean `cache`?"
    assert str(problems[3]).startswith("f:10:9: TS201 Unknown component or actor `cahce`.\n  help: ")


def test_what_can_be_understood_of_a_design_with_errors_is_there():
    loaded = read_design("components:\n  a: {kind: service, replicas: 3}\n  b: {kind: nothing}\nfoo: 1\n")
    assert [p.code for p in loaded.errors] == ["TS410", "TS101"]
    assert str(loaded.design.components["a"].replicas) == "3"
    with pytest.raises(DesignError) as error:
        loaded.sound()
    assert len(error.value.problems) == 2


def test_a_file_that_is_no_mapping_is_refused():
    assert [p.code for p in read_design("- a\n").problems] == ["TS102"]


def test_a_step_keeps_its_path_when_another_is_put_before_it():
    before = (
        "components:\n  a: {kind: service}\n  b: {kind: cache}\nflows:\n  f:\n    every: 1 s\n    steps:\n"
    )
    one = Design.from_text(before + "      - b: get x\n")
    two = Design.from_text(before + "      - a: 1 ms\n      - b: get x\n      - b: get x\n")
    assert [s.path for s in one.flows["f"].steps] == ["f/b: get x"]
    assert [s.path for s in two.flows["f"].steps] == ["f/a", "f/b: get x", "f/b: get x #2"]


def test_more_problems_than_can_be_mended_are_counted():
    problems = read_design("".join(f"k{n}: 1\n" for n in range(500))).problems
    assert len(problems) == 201
    assert problems[-1].code == "TS018"
    assert "300" in problems[-1].message


@given(mutated_texts())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_mutated_design_ends_in_a_design_or_in_problems_that_say_what_and_where(data):
    loaded = check_design(data, "f")
    assert loaded.design is not None or loaded.errors
    for problem in loaded.problems:
        assert problem.message[0].isupper() or problem.message[0] in "`(0123456789"
        assert problem.message.endswith(".")
        assert problem.place.file == "f"
        assert problem.place.line >= 1
        assert problem.place.column >= 1
        assert (problem.place.line, problem.place.column) <= (
            problem.place.end_line,
            problem.place.end_column,
        )
    assert [p.place for p in loaded.problems] == sorted(p.place for p in loaded.problems)
