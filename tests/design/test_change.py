"""A change says what a design would be; options are tried, and what they break is said."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.design.strategies import ODD_VALUES, TEXTS
from toscale.design import Design, DesignError, changed, check_design
from toscale.design.flow import Call, Repeat, RunFlow, walk_steps
from toscale.design.model import Prose

DESIGNS = {name: Design.from_text(text, name) for name, text in TEXTS.items()}
OPTIONS = [
    pytest.param(design, option, id=f"{name}: {option.name}")
    for name, design in DESIGNS.items()
    for decision in design.decisions.values()
    for option in decision.options.values()
    if option.change is not None
]


def steps(design, flow):
    return {s.path: s for s in walk_steps(design.flows[flow].steps)}


@pytest.mark.parametrize(("design", "option"), OPTIONS)
def test_the_change_of_every_option_of_the_examples_gives_another_sound_design(design, option):
    other = design.with_change(option.change)
    assert other != design
    assert other.components.keys() == design.components.keys()


def test_a_value_takes_the_place_of_a_value_and_a_mapping_merges():
    design = DESIGNS["url_shortener"]
    other = design.with_change({"estimates.peak": 7, "components.cache": {"memory": "8 GB", "zones": ["a"]}})
    assert str(other.estimates["peak"]) == "7"
    cache = other.components["cache"]
    assert (str(cache.memory), cache.evict, cache.zones) == ("8 GB", "lru", ("a",))
    assert str(design.estimates["peak"]) == "3 to 6"


def test_none_removes():
    other = DESIGNS["url_shortener"].with_change({"components.cache.ttl": None, "decisions": "none"})
    assert other.components["cache"].ttl is None
    assert other.decisions == {}


def test_a_new_part_may_be_added_at_the_end_of_a_path():
    other = DESIGNS["url_shortener"].with_change({"components.spare": {"kind": "cache"}, "run.for": "5 min"})
    assert other.components["spare"].kind == "cache"
    assert str(other.run.lasts) == "5 min"


def test_in_place_of_puts_steps_there_and_the_one_that_is_the_same_keeps_its_name():
    design = DESIGNS["url_shortener"]
    change = design.decisions["codes"].options["random, six characters"].change
    other = steps(design.with_change(change), "shorten")
    assert "shorten/store" in other
    assert "shorten/edge > app/if collision of the time/links: insert link" in other
    assert [p for p in other if p in steps(design, "shorten")] == list(steps(design, "shorten"))


def test_another_head_takes_the_place_of_a_step_and_its_name():
    other = DESIGNS["news_feed"].with_change({"flows.scroll.page": {"run": "open"}})
    page = steps(other, "scroll")["scroll/page"]
    assert isinstance(page, RunFlow)
    assert page.flow == "open"


def test_words_of_a_step_merge():
    other = DESIGNS["rate_limiter"].with_change({"flows.call.count": {"work": "4x", "at a time": None}})
    count = steps(other, "call")["call/count"]
    assert isinstance(count, Call)
    assert (str(count.work), count.at_a_time, str(count.policies.timeout)) == ("4x", None, "3 ms")


def test_a_call_within_a_named_step_is_found_by_its_component():
    other = DESIGNS["ticketing"].with_change({"flows.buy.hold seats.stock.busy": "wait"})
    take = steps(other, "buy")["buy/hold seats/stock: take seat"]
    assert take.when_busy == "wait"


def test_the_words_of_a_flow_can_be_changed():
    other = DESIGNS["chat"].with_change({"flows.live": {"every": "30 s", "per": "socket"}})
    assert (str(other.flows["live"].trigger.period), other.flows["live"].trigger.per) == ("30 s", "socket")
    assert other.flows["live"].steps == DESIGNS["chat"].flows["live"].steps


def test_a_repetition_is_changed_by_its_name():
    other = DESIGNS["ticketing"].with_change({"flows.wait.look.repeat.every": "5 s"})
    look = steps(other, "wait")["wait/look"]
    assert isinstance(look, Repeat)
    assert str(look.every) == "5 s"


def test_a_condition_of_what_is_taken_away_is_shown_and_not_judged():
    loaded = changed(DESIGNS["ticketing"], {"flows.free": None})
    assert loaded.errors == ()
    assert [(p.code, p.severity) for p in loaded.problems] == [
        ("TS509", "note"),
        ("TS508", "note"),
    ]  # and the sweeper rests
    assert isinstance(loaded.design.requirements.non_functional["seats come back"], Prose)


@pytest.mark.parametrize(
    ("path", "mend"),
    [
        ("estimates.peek.x", "peak"),
        ("component.app.replicas", "components"),
        ("flows.shorten.stor", "store"),
        ("flows.shrten.store", "shorten"),
        ("flows.shorten.store.cahce.x", "name"),
        ("components.nothing", ""),
        ("a..b", ""),
        ("", ""),
    ],
)
def test_a_path_that_leads_nowhere_is_a_problem(path, mend):
    with pytest.raises(DesignError) as error:
        DESIGNS["url_shortener"].with_change({path: None})
    (problem,) = error.value.problems
    assert problem.code == "TS406"
    assert mend in problem.suggestion


def test_a_change_that_breaks_the_design_is_said_at_its_place():
    text = TEXTS["url_shortener"].replace("- if: collision of the time", "- if: colision of the time")
    (problem,) = check_design(text, "f").problems
    assert problem.code == "TS415"
    line = text.split("\n")[problem.place.line - 1]
    assert line[problem.place.column - 1 : problem.place.end_column - 1] == "colision"
    assert "Did you mean `collision`?" in problem.suggestion


PATHS = st.lists(
    st.sampled_from(
        [
            "estimates",
            "peak",
            "flows",
            "shorten",
            "store",
            "components",
            "app",
            "steps",
            "links",
            "then",
            "data",
            "x",
        ]
    ),
    min_size=1,
    max_size=5,
).map(".".join)


@given(st.dictionaries(PATHS, ODD_VALUES, max_size=3))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_change_ends_in_a_design_or_in_problems(change):
    loaded = changed(DESIGNS["url_shortener"], change)
    assert loaded.design is not None or loaded.errors
