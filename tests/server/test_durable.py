"""Nothing acknowledged is lost, and all end alike: while three type, the server is killed and connections are cut.

Every character typed is one of a kind, so that a lost or a doubled one is found. `python -m benchmarks.durable` does
it 200 times.
"""

from __future__ import annotations

import asyncio

from benchmarks.clients import Client, Server, whole
from benchmarks.durable import lost, storm


def test_three_who_type_through_kills_and_cuts_end_alike_and_lose_nothing(tmp_path):
    async def body():
        server = Server(tmp_path / "data")
        try:
            clients, typed = await storm(server, kills=4, cuts=16)
            text = clients[0].content
            assert all(len(marks) > 20 for marks in typed)
            assert lost(text, typed) == []
            assert len(text) == sum(map(len, typed))
            assert await asyncio.to_thread(server.file, clients[0].seat) == text
            for client in clients:
                await client.end()
        finally:
            server.stop()
        assert "Traceback" not in server.stderr

    asyncio.run(body())


def test_what_was_acknowledged_is_on_the_disk_when_all_clients_are_gone(tmp_path):
    """Nobody comes back to bring it again: the disk alone must have it, and every event that was seen."""

    async def body():
        server = Server(tmp_path / "data")
        try:
            (seat, *_) = server.seats("title: A\n", roles=())
            client = Client(server, seat).begin()
            await client.connected()
            await client.command("start")
            for round_ in range(2):
                client.type(f"x{round_}")
                await client.until(lambda: whole(client))
                assert (await client.command("ask", text=f"question {round_}?"))["refused"] is None
                server.kill()
                await asyncio.to_thread(server.start)
                assert f"x{round_}" in await asyncio.to_thread(server.file, seat)
                status, _, view = await asyncio.to_thread(
                    server.ask, "GET", f"/api/rooms/{seat.room}", None, seat.token
                )
                assert status == 200
                assert [one["text"] for one in view["state"]["questions"]][-1] == f"question {round_}?"
                assert view["clock"]["status"] == "running", "a restart changes nothing"
                await client.until(lambda: client.web is not None and client.synced.is_set())
            seqs = [event["seq"] for event in client.events]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "none is missing, none came twice"
            await client.end()
        finally:
            server.stop()

    asyncio.run(body())
