"""All edit one text: whatever the order, it becomes the same, and a text that takes its place does so by small steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.server.document import Document, Missing, edits, revision_of
from toscale.server.yjs import EMPTY

TEXTS = st.text("ab:\n é😀", max_size=40)


@given(TEXTS, TEXTS)
def test_a_text_becomes_another_and_its_update_does_so_elsewhere(old, new):
    here = Document(text=old)
    there = Document([here.snapshot()])
    update = here.become(new)
    assert here.text == new
    assert (update == EMPTY) == (old == new)
    there.take(update)
    assert there.text == new
    assert there.state == here.state


@given(TEXTS, TEXTS)
def test_edits_are_apart_and_in_order_and_make_the_other(old, new):
    data, at = b"", 0
    for start, end, put in edits(old, new):
        assert at <= start <= end
        data += old.encode()[at:start] + put.encode()
        at = end
    assert (data + old.encode()[at:]).decode() == new


@given(TEXTS, TEXTS, TEXTS)
def test_two_who_change_at_once_end_alike_and_lose_nothing_new(base, one, other):
    left = Document(text=base)
    right = Document([left.snapshot()])
    mine, yours = left.become(one), right.become(other)
    left.take(yours)
    right.take(mine)
    assert left.text == right.text


def test_what_others_typed_stays_when_a_file_takes_the_place_of_the_text():
    room = Document(text="title: A\nestimates:\n  x: 1\n")
    disk = Document([room.snapshot()])
    room.become("title: A\nestimates:\n  x: 1\n  typed: 2\n")
    room.take(disk.become("title: Better\nestimates:\n  x: 1\n"))
    assert room.text == "title: Better\nestimates:\n  x: 1\n  typed: 2\n"


def test_an_update_that_builds_on_something_missing_is_asked_for_and_changes_nothing():
    writer = Document(text="a")
    reader = Document([writer.snapshot()])
    first, second = writer.become("ab"), writer.become("abc")
    with pytest.raises(Missing):
        reader.take(second)
    assert reader.text == "a"
    assert reader.take(first)
    assert reader.take(second)
    assert not reader.take(second), "it holds nothing new the second time"
    assert Document([reader.snapshot()]).text == "abc"


def test_an_update_whose_ground_was_lost_is_left_out_and_comes_again():
    writer = Document(text="a")
    first, lost, kept = writer.snapshot(), writer.become("ab"), writer.become("abc")
    again = Document([first, kept])
    assert again.text == "a"
    assert again.take(writer.snapshot())
    assert again.text == "abc"
    assert lost != EMPTY
    assert Document([again.snapshot()]).text == "abc"


def test_the_library_counts_bytes_as_the_edits_do():
    document = Document(text="é😀x")
    document.become("é😀yx")
    assert document.text == "é😀yx"


def test_a_long_text_that_changes_in_places_is_compared_line_by_line():
    lines = [f"  line{n}: {n}\n" for n in range(3_000)]
    old = "".join(lines)
    lines[10], lines[2_900] = "  line10: 11\n", ""
    found = edits(old, "".join(lines))
    assert sum(end - start + len(new.encode()) for start, end, new in found) < 100


def test_a_revision_names_a_text():
    assert revision_of("a") == revision_of("a") != revision_of("b")
