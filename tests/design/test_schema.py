"""The JSON Schema holds for the examples, and not for what reading would refuse by its form."""

from __future__ import annotations

import copy
import json

import jsonschema
import pytest

from tests.design.strategies import VALUES
from toscale.design.change import changed
from toscale.design.flow_vocabulary import STEP_KEYS
from toscale.design.kinds_vocabulary import KINDS
from toscale.design.model import Component, Design
from toscale.design.schema import json_schema
from toscale.design.vocabulary import SHAPES

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one_of_the_draft_and_is_json():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("name", VALUES)
def test_the_examples_are_valid(name):
    assert [error.message for error in VALIDATOR.iter_errors(VALUES[name])] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("componets",), {}),
        (("components", "app", "replica"), 9),
        (("components", "app", "ttl"), "5 s"),
        (("components", "app", "kind"), "servcie"),
        (("components", "app"), {"replicas": 9}),
        (("components", "cache", "evict"), "oldest"),
        (("flows", "redirect", "steps", 0, "timout"), {"times": 1}),
        (("flows", "redirect", "steps", 0, "retry"), {"backoff": "1 ms"}),
        (("flows", "redirect", "steps", 0), "go away"),
        (("flows", "redirect", "form"), "visitor"),
        (("requirements", "users"), ["creator"]),
        (("estimates", "peak"), {"low": 3}),
        (("data", "link", "popularity"), "normal(3)"),
        (("faults", "a zone is lost", "empty"), "cache"),
        (("faults", "a zone is lost", "shard"), 3),
        (("decisions", "codes", "option"), {}),
        (("api", "shorten", "request"), "post /links"),
        (("toscale",), 2),
        (("network", "los"), "1%"),
        (("growth", "curve"), {"a": 1}),
    ],
)
def test_what_has_the_wrong_form_is_not_valid_and_is_refused_by_reading_too(path, value):
    values = copy.deepcopy(VALUES["url_shortener"])
    place = values
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert not VALIDATOR.is_valid(values)
    text = json.dumps(values)
    from toscale.design import read_design

    assert read_design(text).errors


def test_every_option_of_the_examples_stays_valid_when_it_is_chosen():
    for values in VALUES.values():
        design = Design.from_dict(values)
        for decision in design.decisions.values():
            for option in decision.options.values():
                if option.change is not None:
                    other = changed(design, option.change).design
                    assert VALIDATOR.is_valid(other.to_dict())


def test_each_key_of_the_language_says_what_it_is():
    keys = [key for shape in SHAPES.values() for key in shape.keys.values()] + list(STEP_KEYS.values())
    assert all(key.doc and not key.doc.endswith(".") for key in keys)


@pytest.mark.parametrize("kind", KINDS)
def test_each_attribute_of_a_kind_has_its_field_in_the_model(kind):
    from toscale.design.kinds_vocabulary import ATTRIBUTES

    fields = Component.__dataclass_fields__
    assert all(ATTRIBUTES[name].attribute in fields for name in KINDS[kind].attributes)
