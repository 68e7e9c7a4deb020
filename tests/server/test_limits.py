"""Limits are read strictly, and hold back as much as they say."""

from __future__ import annotations

import time

import pytest

from toscale.interview.roles import Role, Viewer
from toscale.server.connection import Bucket, Close, Connection
from toscale.server.limits import Limits, LimitsError


def test_the_variable_changes_what_it_names_and_nothing_else():
    limits = Limits.of({"TOSCALE_LIMITS": "rooms=5  requests_per_second=2.5"})
    assert (limits.rooms, limits.requests_per_second) == (5, 2.5)
    assert limits.connections == Limits().connections
    assert Limits.of({}) == Limits()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("roms=5", "did you mean `rooms`"),
        ("rooms=0", "positive"),
        ("rooms=2.5", "positive"),
        ("idle=nan", "positive"),
    ],
)
def test_what_it_cannot_say_is_explained(text, why):
    with pytest.raises(LimitsError, match=why):
        Limits.of({"TOSCALE_LIMITS": text})


def test_a_bucket_lets_through_its_burst_and_then_its_rate(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bucket = Bucket(rate=2.0, burst=3.0)
    assert [bucket.has() for _ in range(4)] == [True, True, True, False]
    now[0] += 0.5
    assert [bucket.has(), bucket.has()] == [True, False]
    assert bucket.take(3.0) == pytest.approx(1.5)
    now[0] += 100
    assert bucket.full


def test_a_slow_browser_is_cut_off_before_it_fills_the_memory():
    limits = Limits(backlog=10, backlog_bytes=1_000)
    for message in (b"x", b"x" * 200):
        connection = Connection(Viewer(1, Role.CANDIDATE, False), limits)
        for _ in range(11):
            connection.put(message)
        assert connection.closing is not None
        assert connection.closing[0] == Close.SLOW
        assert connection.ended.is_set()


def test_of_what_is_only_worth_something_while_new_the_latest_waits():
    import asyncio

    async def body():
        connection = Connection(Viewer(1, Role.CANDIDATE, False), Limits())
        for number in range(1_000):
            connection.put_latest("clock", str(number))
            connection.put_latest("results", f"r{number}")
        connection.put("first")
        return [await connection.next() for _ in range(3)]

    assert asyncio.run(body()) == ["first", "999", "r999"]


def test_saved_counts_only_what_is_durable_with_all_before_it():
    connection = Connection(Viewer(1, Role.CANDIDATE, False), Limits())
    for _ in range(4):
        connection.received()
    sent = []
    connection.put_latest = lambda _slot, message: sent.append(message[1])
    connection.saved(1, False)
    connection.saved(3, False)
    connection.saved(4, True)
    assert sent == [1, 1, 4]


def test_an_address_that_asks_too_often_is_told_to_wait():
    import asyncio

    from toscale.server.guard import Guard, Names

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def body():
        guard = Guard(app, Names(("127.0.0.1",), 80), Limits(requests_per_second=0.001, requests_burst=3))
        statuses = []

        async def send(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        async def receive():
            return {"type": "http.request", "body": b""}

        headers = [(b"host", b"127.0.0.1")]
        for client in ("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"):
            scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (client, 1)}
            await guard(scope, receive, send)
        assert statuses == [200, 200, 200, 429, 200]

    asyncio.run(body())
