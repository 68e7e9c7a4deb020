"""The difference of two designs is that of their meaning, said of the smallest part that it is true of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.design.edited import EDITS, NAMES, PLACES, POSITIONS, WORDS, changed_at, commented, moved, value_at
from tests.design.strategies import TEXTS, VALUES
from toscale.architecture.difference import differences
from toscale.design import Design

DESIGNS = {name: Design.from_text(text) for name, text in TEXTS.items()}


@settings(max_examples=25, deadline=None)
@given(NAMES, PLACES, WORDS, POSITIONS)
def test_comments_and_positions_are_no_difference(name, places, comment, positions):
    other = Design.from_text(moved(commented(TEXTS[name], places, comment), positions))
    assert differences(DESIGNS[name], other) == ()


@pytest.mark.parametrize("name", TEXTS)
def test_the_order_of_sections_and_names_is_no_difference(name):
    values = dict(reversed(VALUES[name].items()))
    for section in ("components", "estimates", "flows"):
        values[section] = dict(reversed(values[section].items()))
    assert differences(DESIGNS[name], Design.from_dict(values)) == ()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_change_of_one_value_is_one_difference_at_its_place(data):
    name = data.draw(NAMES)
    path, new = data.draw(st.sampled_from(EDITS[name]))
    other = Design.from_dict(changed_at(VALUES[name], path, new))
    found = differences(DESIGNS[name], other)
    keys = [str(key) for key in path if not isinstance(key, int)]
    assert {one.path[0] for one in found} == {path[0]}
    old = value_at(VALUES[name], path)
    if isinstance(path[-1], int):
        assert [one.what for one in found] == ["removed", "added"]  # an entry that is its own text
    else:
        assert [(one.what, one.path[-1]) for one in found] == [("changed", keys[-1])]
        assert str(old) in str(found[0].before)
        assert str(new) in str(found[0].after)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_way_back_is_the_opposite(data):
    name = data.draw(NAMES)
    path, new = data.draw(st.sampled_from(EDITS[name]))
    other = Design.from_dict(changed_at(VALUES[name], path, new))
    there, back = differences(DESIGNS[name], other), differences(other, DESIGNS[name])
    opposite = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted(
        (opposite[one.what], one.path, one.after or "", one.before or "") for one in back
    ) == sorted((one.what, one.path, one.before or "", one.after or "") for one in there)


BEFORE = """\
title: Shop
requirements:
  users: {buyer: buys}
  functional: {buy: A buyer buys.}
  non_functional: {quick: p99(buy) <= 200 ms}
  questions: [{ask: How many?, answer: Many.}]
estimates: {sales: 20 / s, load: sales in 1/s}
components:
  app: {kind: service, replicas: 2, cores: 2, zones: [a, b]}
  cache: {kind: cache, memory: 1 GB}
  items: {kind: database}
network: {buyer - app: 20 ms}
flows:
  buy:
    from: buyer
    rate: load
    steps:
      - app: 5 ms
        then:
          - cache: get item
            miss:
              - items: read item
              - cache: put item
data: {item: {stored in: items, size: 1 kB, how many: 1000}}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("replicas: 2", "replicas: 4", ["component `app`: replicas 2 → 4"]),
        ("zones: [a, b]", "zones: [a, b, c]", ["component `app`: zones [a, b] → [a, b, c]"]),
        (", cores: 2", "", ["component `app`: cores 2"]),
        ("  items:", "  more: {kind: service}\n  items:", ["component `more`: {kind: service}"]),
        ("sales: 20 / s", "sales: 30 / s", ["estimate `sales`: 20 / s → 30 / s"]),
        ("load: sales in 1/s", "load: sales in 1/min", ["estimate `load`: sales in 1/s → sales in 1/min"]),
        ("<= 200 ms", "<= 0.1 s", ["requirement `quick`: p99(buy) <= 200 ms → p99(buy) <= 0.1 s"]),
        ("answer: Many", "answer: Few", ["question `How many?`: answer Many. → Few."]),
        ("buyer - app: 20 ms", "buyer - app: 30 ms", ["network: buyer - app 20 ms → 30 ms"]),
        ("app: 5 ms", "app: 6 ms", ["flow `buy`, step `app`: 5 ms → 6 ms"]),
        ("              - cache: put item\n", "", ["flow `buy`, step `cache: put item` on miss of `cache: get item`"]),
        (
            "- items: read item\n",
            "- items: read item\n                timeout: 1 s\n",
            ["flow `buy`, step `items: read item` on miss of `cache: get item`: timeout 1 s"],
        ),
        ("title: Shop", "title: Store", ["title: Shop → Store"]),
        ("size: 1 kB", "size: 2 kB", ["entity `item`: size 1 kB → 2 kB"]),
    ],
)  # fmt: skip
def test_a_difference_is_said_in_the_words_of_the_file(old, new, said):
    assert old in BEFORE
    found = differences(Design.from_text(BEFORE), Design.from_text(BEFORE.replace(old, new)))
    assert [str(one) for one in found] == said


def test_the_order_of_steps_is_meaning():
    lines = "              - items: read item\n", "              - cache: put item\n"
    swapped = BEFORE.replace("".join(lines), "".join(reversed(lines)))
    found = differences(Design.from_text(BEFORE), Design.from_text(swapped))
    assert sorted(one.what for one in found) == ["added", "removed"]


def test_numbers_that_are_written_otherwise_are_the_same_beside_a_real_change():
    other = BEFORE.replace("app: 5 ms", "app: 0.005 s").replace("rate: load", "rate: load * 2")
    found = differences(Design.from_text(BEFORE), Design.from_text(other))
    assert [str(one) for one in found] == ["flow `buy`: rate load → load * 2"]
