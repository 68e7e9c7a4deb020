"""Everything from outside is read strictly: what Yjs writes is understood, and nothing else passes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from toscale.server import yjs
from toscale.server.document import ROOT


def typed(*steps):
    """The updates of a document into which someone types and deletes, and the document."""
    doc, made = Doc(client_id=5_000), []
    text = doc.get(ROOT, type=Text)
    watching = doc.observe(lambda event: made.append(event.update))
    for step in steps:
        step(text)
    doc.unobserve(watching)
    return doc, made


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.text("ab\n", min_size=1, max_size=5)), max_size=20)
)
def test_what_yjs_writes_is_read_with_its_state(steps):
    def step(insert, where, new):
        def change(text):
            at = int(where * len(text))
            if insert or not len(text):
                text.insert(at, new)
            else:
                del text[min(at, len(text) - 1)]

        return change

    doc, updates = typed(*(step(*one) for one in steps))
    state: yjs.State = {}
    for update in updates:
        read = yjs.read_update(update, ROOT)
        assert read.fits(state)
        state = read.after(state)
    assert state == yjs.read_state(doc.get_state())
    whole = yjs.read_update(doc.get_update(), ROOT)
    assert whole.fits({})
    assert whole.after({}) == state


def test_characters_are_counted_as_javascript_does():
    _, (update,) = typed(lambda text: text.insert(0, "aé😀"))
    read = yjs.read_update(update, ROOT)
    assert [end for _, end in read.ranges.values()] == [4]


def test_an_update_that_builds_on_another_does_not_fit_before_it():
    _, (first, second, gone) = typed(
        lambda text: text.insert(0, "a"), lambda text: text.insert(1, "b"), lambda text: text.clear()
    )
    state = yjs.read_update(first, ROOT).after({})
    assert not yjs.read_update(second, ROOT).fits({})
    assert not yjs.read_update(gone, ROOT).fits(state)
    assert yjs.read_update(gone, ROOT).fits(yjs.read_update(second, ROOT).after(state))


@pytest.mark.parametrize(
    "hide",
    [
        lambda doc: doc.get("another", type=Text).insert(0, "hidden"),
        lambda doc: doc.get("map", type=Map).update({"key": "hidden"}),
        lambda doc: doc.get("list", type=Array).append("hidden"),
        lambda doc: doc.get(ROOT, type=Text).insert_embed(0, {"hidden": 1}),
        lambda doc: doc.get(ROOT, type=Text).insert(0, "bold", {"bold": True}),
    ],
)
def test_nothing_but_the_text_can_be_put_into_a_document(hide):
    doc = Doc()
    doc.get(ROOT, type=Text).insert(0, "a design")
    before = doc.get_state()
    hide(doc)
    for update in (doc.get_update(), doc.get_update(before)):
        with pytest.raises(yjs.WireError):
            yjs.read_update(update, ROOT)


@given(st.binary(max_size=60))
def test_noise_is_refused_or_read_and_never_more(noise):
    for read in (
        yjs.read_message,
        yjs.read_state,
        yjs.read_presence,
        lambda data: yjs.read_update(data, ROOT),
    ):
        with contextlib.suppress(yjs.WireError):
            read(noise)


@given(st.data())
def test_a_damaged_update_is_refused_or_does_not_break_a_document(data):
    from toscale.server.document import Broken, Document, Missing

    doc, updates = typed(lambda text: text.insert(0, "a design"), lambda text: text.insert(3, "good "))
    damaged = bytearray(data.draw(st.sampled_from([*updates, doc.get_update()])))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    shared = Document([doc.get_update()])
    try:
        shared.take(bytes(damaged))
    except (yjs.WireError, Missing):
        assert shared.text == "a dgood esign"
    except Broken:
        return  # it must not be used any more
    assert Document([shared.snapshot()]).text == shared.text
    assert yjs.read_state(shared.vector) == shared.state


def test_a_small_message_cannot_promise_a_large_one():
    with pytest.raises(yjs.WireError, match="more parts than bytes"):
        yjs.read_update(b"\xff\xff\xff\xff\x0f", ROOT)
    with pytest.raises(yjs.WireError, match="too early"):
        yjs.read_message(b"\x00\x02\xff\xff\xff\x7f")
