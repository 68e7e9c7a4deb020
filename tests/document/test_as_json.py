"""JSON for programs: finite numbers, and a reason wherever there is none."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.shapes import FIGURE, SIMULATION
from tests.document.made import about, design, run, simulation
from toscale.design import Problem
from toscale.document.as_json import figure_json, finite, problem_json, simulation_json, text_of
from toscale.document.findings import judge_at
from toscale.simulate.result import Figure

ANY = st.none() | st.floats()
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@given(VALUES)
def test_whatever_is_said_is_json(value: Any) -> None:
    assert json.loads(text_of(value), parse_constant=refuse) == json.loads(json.dumps(finite(value)))


@given(st.builds(Figure, ANY, ANY, ANY, st.none() | st.just("why"), st.booleans()))
def test_a_figure_without_a_number_says_why(figure: Figure) -> None:
    said = figure_json(figure)
    jsonschema.validate(said, FIGURE)
    for name in ("value", "low", "high"):
        given_number = getattr(figure, name)
        known = given_number is not None and math.isfinite(given_number)
        assert said[name] == (given_number if known else None)
    assert said.get("tight", True) == figure.tight


def test_a_figure_that_is_not_there_is_one_that_is_not_known() -> None:
    assert figure_json(None)["value"] is None
    jsonschema.validate(figure_json(None), FIGURE)
    assert figure_json(Figure(None, reason="too few requests"))["reason"] == "too few requests"


def test_a_simulation_has_the_documented_shape_whatever_its_figures_are() -> None:
    made = design()
    broken = replace(run(), components={"app": replace(run().components["app"], utilisation=about(math.inf))})
    for ran in (simulation(), replace(simulation(), upper=None), replace(simulation(), median=broken)):
        said = finite(simulation_json(made, ran, judge_at(made, {1.0: ran})))
        jsonschema.validate({"file": "x", **said}, SIMULATION)
        assert json.loads(text_of(said), parse_constant=refuse) == said
    assert said["components"]["app"]["utilisation"]["value"] is None
    assert said["components"]["app"]["utilisation"]["reason"]


def test_steps_are_not_flows() -> None:
    said = simulation_json(design(), simulation(), ())
    assert set(said["flows"]) == {"look"}
    assert set(said["steps"]) == {"find"}
    assert said["flows"]["look"]["failed"]["timed out"]["value"] == 2.0
    assert said["upper"]["flows"]["look"]["latency"]["p99"]["value"] == 0.03


def test_a_problem_that_stands_nowhere_has_no_place() -> None:
    said = problem_json(Problem("TS999", "error", "It is wrong.", ""))
    assert (said["file"], said["line"], said["column"], said["suggestion"]) == (None, None, None, None)
