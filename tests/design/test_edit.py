"""An edit changes what is meant and nothing else: comments, order and style stay."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.design.strategies import TEXTS, VALUES, values_of
from toscale.design.edit import EditError, append, insert, remove, rename_key, set_value

TEXT = """\
# the top
title: Links   # its name
components:
  # what stands first
  app:   {kind: service, replicas: 9}   # beside the app
  cache:
    kind: cache     # of all
    memory: 16 GB   # enough
flows:
  open:
    steps:
      - app: 1 ms      # work
        then:
          - cache: get link
      - cache: put link   # last
focus: [app, cache]  # both
brief: |
  Two lines,
  as they are.
data:
"""


def comments(text):
    return sorted(re.findall(r"(?:^|\s)(#[^\n]*)", text))


def differing(before, after):
    """The lines that are not the same in both."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in new if line not in old], [line for line in old if line not in new]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("title",), "Short links", "title: Short links   # its name"),
        (("components", "app", "replicas"), 12, "  app:   {kind: service, replicas: 12}   # beside the app"),
        (("components", "cache", "memory"), "8 GB", "    memory: 8 GB   # enough"),
        (("flows", "open", "steps", 0, "app"), "2 ms", "      - app: 2 ms      # work"),
        (("focus", 1), "a, b", 'focus: [app, "a, b"]  # both'),
        (("data",), "none", "data: none"),
        (
            ("components", "app", "cores"),
            4,
            "  app:   {kind: service, replicas: 9, cores: 4}   # beside the app",
        ),
        (("components", "cache", "ttl"), "1 day", "    ttl: 1 day"),
        (("flows", "open", "steps", 0, "timeout"), "5 ms", "        timeout: 5 ms"),
    ],
)
def test_a_value_is_set_in_its_line_and_all_else_stays(path, value, line):
    edited = set_value(TEXT, path, value)
    added, removed = differing(TEXT, edited)
    assert added == [line]
    assert len(removed) <= 1
    assert comments(edited) == comments(TEXT)


def test_setting_what_is_there_changes_no_character():
    for path, value in (
        (("title",), "Links"),
        ((), values_of(TEXT)),
        (("components",), values_of(TEXT)["components"]),
    ):
        assert set_value(TEXT, path, value) == TEXT


def test_a_mapping_is_set_key_by_key():
    new = {"kind": "cache", "memory": "8 GB", "ttl": "1 day"}
    edited = set_value(TEXT, ("components", "cache"), new)
    assert differing(TEXT, edited) == (
        ["    memory: 8 GB   # enough", "    ttl: 1 day"],
        ["    memory: 16 GB   # enough"],
    )


def test_missing_keys_on_the_way_are_added():
    edited = set_value(TEXT, ("estimates", "peak"), "3 to 6")
    assert edited == TEXT + "estimates: {peak: 3 to 6}\n" or edited == TEXT + "estimates:\n  peak: 3 to 6\n"
    edited = set_value(TEXT, ("data", "link", "stored in"), "cache")
    assert values_of(edited)["data"] == {"link": {"stored in": "cache"}}


def test_entries_are_appended_and_inserted():
    steps = ("flows", "open", "steps")
    assert "      - cache: put link   # last\n      - stop\n" in append(TEXT, steps, "stop")
    assert "    steps:\n      - stop\n      - app: 1 ms" in insert(TEXT, steps, 0, "stop")
    assert "focus: [app, cache, open]  # both" in append(TEXT, ("focus",), "open")
    assert values_of(append(TEXT, ("refinements",), "later"))["refinements"] == ["later"]


def test_what_is_removed_goes_with_the_comment_beside_it_only():
    edited = remove(TEXT, ("components", "cache", "memory"))
    assert differing(TEXT, edited) == ([], ["    memory: 16 GB   # enough"])
    edited = remove(TEXT, ("flows", "open", "steps", 0, "app"))
    assert "      - then:\n" in edited
    edited = remove(TEXT, ("components", "app", "kind"))
    assert "  app:   {replicas: 9}   # beside the app" in edited


def test_a_key_is_renamed_in_its_place():
    edited = rename_key(TEXT, ("components", "app"), "web app")
    assert differing(TEXT, edited)[0] == ["  web app:   {kind: service, replicas: 9}   # beside the app"]
    with pytest.raises(EditError, match="already"):
        rename_key(TEXT, ("components", "app"), "cache")


def test_windows_line_ends_stay():
    text = TEXT.replace("\n", "\r\n")
    edited = set_value(text, ("components", "spare"), {"kind": "cache", "zones": ["a"]})
    assert edited.replace("\r\n", "").count("\n") == 0
    assert values_of(edited)["components"]["spare"]["zones"] == ["a"]


def test_an_alias_is_not_edited_in_two_places_at_once():
    text = "a: &x {k: 1}\nb: *x\n"
    with pytest.raises(EditError):
        set_value(text, ("b", "k"), 2)


@pytest.mark.parametrize("path", [("nothing",), ("components", "x"), ("focus", 9), ("title", "x")])
def test_what_is_not_there_cannot_be_removed(path):
    with pytest.raises(EditError):
        remove(TEXT, path)


def test_a_text_that_is_no_yaml_is_not_edited():
    with pytest.raises(EditError):
        set_value("a: [", ("a",), 1)


def paths_in(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths_in(inner, (*path, index))


PATHS = {name: [path for path in paths_in(value) if path] for name, value in VALUES.items()}
NEW = st.recursive(
    st.one_of(
        st.text(max_size=12),
        st.integers(-9, 9),
        st.booleans(),
        st.sampled_from(["a: b", "x #y", "- z", "3 s"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(st.text(min_size=1, max_size=8), inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)


def at(value, path):
    for name in path:
        value = value[name]
    return value


def said(value):
    """The value as it counts: what says nothing is left out of no list, but an empty collection is nothing."""
    if isinstance(value, dict):
        return {key: said(inner) for key, inner in value.items()} or None
    if isinstance(value, list):
        return [said(inner) for inner in value] or None
    return value if isinstance(value, bool) or value is None else str(value)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_value_set_anywhere_in_an_example_reads_back_and_comments_outside_it_stay(data):
    name = data.draw(st.sampled_from(sorted(TEXTS)))
    path = data.draw(st.sampled_from(PATHS[name]))
    new = data.draw(NEW)
    old = at(VALUES[name], path)
    edited = set_value(TEXTS[name], path, new)
    read = values_of(edited)
    assert said(at(read, path)) == said(new)
    if not isinstance(old, dict | list) and not isinstance(new, dict | list) and "#" not in str(new):
        assert comments(edited) == comments(TEXTS[name])
    parent = at(read, path[:-1])
    was = at(VALUES[name], path[:-1])
    if isinstance(was, dict):
        assert [said((k, v)) for k, v in parent.items() if k != path[-1]] == [
            said((k, v)) for k, v in was.items() if k != path[-1]
        ]


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_appended_to_an_example_and_removed_again_leaves_the_text_as_it_was(data):
    name = data.draw(st.sampled_from(sorted(TEXTS)))
    lists = [path for path in PATHS[name] if isinstance(at(VALUES[name], path), list)]
    path = data.draw(st.sampled_from(lists))
    new = data.draw(NEW)
    assume(said(new) is not None)
    longer = append(TEXTS[name], path, new)
    assert "#" in str(new) or comments(longer) == comments(TEXTS[name])
    assert remove(longer, (*path, len(at(VALUES[name], path)))) == TEXTS[name]
