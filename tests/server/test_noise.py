"""Noise on the WebSocket ends the connection that it came by, and nothing else: the room and all others go on."""

from __future__ import annotations

import asyncio
import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.clients import Client
from toscale.server import yjs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
COMMANDS = st.sampled_from(
    [
        "join",
        "mark",
        "throw",
        "ask",
        "note",
        "agree",
        "rotate",
        "revoke",
        "lend",
        "move",
        "clear",
        "disclose",
        "x",
        None,
    ]
)
FRAMES = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=50).map(yjs.update),
    st.binary(max_size=50).map(yjs.step1),
    st.binary(max_size=50).map(yjs.step2),
    st.binary(max_size=50).map(lambda data: bytes((1, len(data))) + data),
    st.text(max_size=200),
    JSON.map(json.dumps),
    st.builds(lambda n, i, v: json.dumps({"type": "command", "id": i, "command": {"command": n, **v}}),
              COMMANDS, st.integers(-1, 9) | st.none(), st.dictionaries(st.text(max_size=8), JSON, max_size=3)),
    st.just("[" * 10_000),
    st.just('{"type":"command","id":1,"id":2}'),
)  # fmt: skip


def test_noise_ends_its_own_connection_at_most(server):
    """Each list of frames goes in by a connection of its own; in between someone in another room, and someone in the
    same room, type to each other as ever.
    """
    here, mate, _ = server.seats("title: A\n")
    there, friend, _ = server.seats("title: B\n")

    async def send(frames, hello):
        address = f"ws://127.0.0.1:{server.port}/api/rooms/{here.room}/socket"
        async with connect(address, compression=None, max_size=None, close_timeout=1) as web:
            with contextlib.suppress(ConnectionClosed):
                if hello:
                    await web.send(json.dumps({"type": "hello", "token": mate.token}))
                for frame in frames:
                    await web.send(frame)
                await web.send("the end")  # no message either: the server must get here, and end it
                while True:
                    await asyncio.wait_for(web.recv(), 10)
        assert web.close_code in (4400, 4401, 4403, 1009)

    async def body():
        clients = [Client(server, seat).begin() for seat in (here, there, friend)]
        for client in clients:
            await client.connected()
            await client.until(lambda client=client: client.synced.is_set())
        mine, first, second = clients
        calm = {client: len(client.codes) for client in clients}

        @settings(max_examples=60, deadline=None)
        @given(st.lists(FRAMES, max_size=6), st.booleans())
        def noise(frames, hello):
            pending.append((frames, hello))

        pending: list = []
        noise()
        for count, (frames, hello) in enumerate(pending):
            await send(frames, hello)
            if count % 10 == 0:
                first.type(f"<{count}>")
                await second.until(lambda: second.content == first.content, 10)
        mine.type("still here")
        await mine.until(lambda: mine.saved == mine.sent)
        assert {client: len(client.codes) for client in clients} == calm, "nobody else was cut off"
        for client in clients:
            await client.end()

    asyncio.run(body())
    assert "Traceback" not in server.stderr
    assert "panicked" not in server.stderr


def test_who_says_no_hello_and_who_sends_too_much_at_once_is_let_go(server):
    async def body():
        address = f"ws://127.0.0.1:{server.port}/api/rooms/{'0' * 16}/socket"
        async with connect(address, compression=None, max_size=None) as web:
            with contextlib.suppress(ConnectionClosed):
                await web.send(b"x" * 3_000_000)
                await asyncio.wait_for(web.recv(), 10)
        assert web.close_code == 1009

    asyncio.run(body())


def test_whoever_floods_is_read_more_slowly_and_keeps_nobody_else_waiting(server):
    """A connection that sends as fast as it can; the others' way to each other stays short."""

    async def body():
        flooder, _ = server.seats("title: Flood\n", roles=("observer",))
        one, two = server.seats("title: Calm\n", roles=("candidate",))
        clients = [Client(server, seat).begin() for seat in (flooder, one, two)]
        for client in clients:
            await client.connected()
            await client.until(lambda client=client: client.content != "")
        flood, first, second = clients

        async def pour():
            much = json.dumps({"x": "y" * 3_000})
            for clock in range(10_000):
                entry = yjs.Presence(flood.doc.client_id, clock, much)
                await flood.web.send(yjs.written_presence([entry]))

        pouring = asyncio.create_task(pour())
        for count in range(10):
            first.type(f"<{count}>")
            await second.until(lambda: second.content == first.content, 5)
        assert not pouring.done(), "it still waits to be read"
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
        for client in clients:
            await client.cut()
            await client.end()

    asyncio.run(body())
