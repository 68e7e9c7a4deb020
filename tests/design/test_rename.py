"""A part that is renamed is renamed everywhere, and nothing else is touched."""

from __future__ import annotations

import re

import pytest

from tests.design.strategies import TEXTS
from toscale.design import Design, check_design
from toscale.design.edit import EditError
from toscale.design.flow import walk_steps
from toscale.design.rename import rename


def parts(design):
    yield from (("component", name) for name in design.components)
    yield from (("flow", name) for name in design.flows)
    yield from (("entity", name) for name in design.data)
    yield from (("estimate", name) for name in design.estimates)
    yield from (("fault", name) for name in design.faults)
    yield from (("connection", name) for name in design.connections)
    yield from (("actor", name) for name in design.requirements.users)
    yield from (("target", name) for name in design.requirements.non_functional)
    yield from (("step", s.name) for f in design.flows.values() for s in walk_steps(f.steps) if s.name)


@pytest.mark.parametrize("name", TEXTS)
def test_parts_of_every_sort_in_an_example_can_be_renamed_and_back(name):
    text = TEXTS[name]
    found = {}
    for sort, old in parts(Design.from_text(text)):
        found.setdefault(sort, []).append(old)
    chosen = {(sort, name) for sort, names in found.items() for name in (names[0], names[-1])}
    for sort, old in sorted(chosen):
        renamed = rename(text, sort, old, "zork_7")
        assert renamed != text
        assert check_design(renamed).errors == (), (sort, old)
        assert rename(renamed, sort, "zork_7", old) == text


def test_a_renamed_component_is_renamed_in_steps_faults_prices_changes_and_conditions():
    text = rename(TEXTS["ticketing"], "component", "stock", "seat store")
    assert "stock" not in re.sub(r"#.*", "", text).replace("p99(stock", "")
    assert text.count("seat store") == TEXTS["ticketing"].count("stock")


@pytest.mark.parametrize(
    ("sort", "old", "new"),
    [
        ("component", "nothing", "x"),
        ("component", "app", "cache"),
        ("component", "app", "a.b"),
        ("component", "app", "wait"),
        ("component", "app", "visitor"),
        ("estimate", "peak", "ms"),
        ("galaxy", "app", "x"),
    ],
)
def test_a_name_that_cannot_be_is_refused(sort, old, new):
    with pytest.raises(EditError):
        rename(TEXTS["url_shortener"], sort, old, new)
