"""Ids: they follow from the name alone, and differ where names differ, in formats that do not tell cases apart."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.document.exports.drawings import HOSTILE, names
from toscale.document.exports.identifiers import RESERVED, identifier


@given(names, names)
def test_different_names_have_different_ids(one: str, other: str) -> None:
    assert (identifier(one) == identifier(other)) == (one == other)


@given(names, st.sampled_from(["", "group", "edge"]))
def test_an_id_is_a_word_that_means_nothing_else(name: str, sort: str) -> None:
    mark = identifier(name, sort)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", mark)
    assert mark not in RESERVED


def test_a_plain_name_is_its_own_id_and_nobody_elses() -> None:
    assert identifier("app") == "app"
    taken = {identifier(name) for name in HOSTILE}
    for mark in taken:
        assert mark in HOSTILE or identifier(mark) not in taken
