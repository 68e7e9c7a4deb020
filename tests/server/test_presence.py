"""Browsers hear of each other's cursors, and nobody speaks for another."""

from __future__ import annotations

import json

import pytest

from toscale.server import yjs
from toscale.server.presence import Presences


def said(client, clock, state):
    message = yjs.written_presence([yjs.Presence(client, clock, json.dumps(state))])
    return yjs.read_message(message).data


def entries(message):
    found = yjs.read_presence(yjs.read_message(message).data)
    return [(one.client, one.clock, json.loads(one.state)) for one in found]


def test_what_one_says_reaches_the_others_with_the_number_of_the_participant():
    all_of_them = Presences(1_000)
    message = all_of_them.take(said(7, 1, {"cursor": 3, "participant": 99}), "a", 2)
    assert entries(message) == [(7, 1, {"cursor": 3, "participant": 2})]
    assert entries(all_of_them.all()) == entries(message)


def test_nobody_speaks_for_another_and_nothing_is_heard_twice():
    all_of_them = Presences(1_000)
    all_of_them.take(said(7, 1, {"cursor": 3}), "a", 1)
    assert all_of_them.take(said(7, 2, {"cursor": 9}), "b", 2) is None
    assert all_of_them.take(said(7, 2, None), "b", 2) is None
    assert all_of_them.take(said(7, 1, {"cursor": 4}), "a", 1) is None


def test_whoever_goes_is_gone_for_the_others():
    all_of_them = Presences(1_000)
    all_of_them.take(said(7, 4, {"cursor": 3}), "a", 1)
    assert entries(all_of_them.gone("a")) == [(7, 5, None)]
    assert all_of_them.all() is None
    assert all_of_them.gone("a") is None
    assert all_of_them.take(said(7, 6, {"cursor": 1}), "b", 1) is not None, (
        "it came again by another connection"
    )


@pytest.mark.parametrize("state", [[1], "text", 3, {"x": "y" * 2_000}])
def test_what_is_no_presence_is_refused(state):
    with pytest.raises(yjs.WireError):
        Presences(1_000).take(said(1, 1, state), "a", 1)


def test_one_connection_is_not_a_crowd():
    all_of_them = Presences(1_000)
    for client in range(4):
        all_of_them.take(said(client, 1, {}), "a", 1)
    with pytest.raises(yjs.WireError, match="not many"):
        all_of_them.take(said(4, 1, {}), "a", 1)
