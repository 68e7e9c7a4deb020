"""Nothing acknowledged is lost, and all end alike: while three type, the server is killed and connections are cut.

Every character typed is one of a kind, so that a lost or a doubled one is found. `python -m benchmarks.durable` does
it 200 times.
"""

from __future__ import annotations

import asyncio
import random

from tests.server.clients import Client, Server, whole

SIZE = 3
"""Every character typed has so many bytes of UTF-8, so that any place between two is a multiple of it."""


def mark(number: int, count: int) -> str:
    """The character that a client types at a count: there is no other like it."""
    code = 3 * count + number
    return chr(0x4E00 + code if code < 20_000 else 0xAC00 + code - 20_000)


async def typing(
    client: Client, number: int, stop: asyncio.Event, typed: list[str], dice: random.Random, pause: float
):
    """Type at random places, never waiting for the server."""
    while not stop.is_set():
        typed.append(mark(number, len(typed)))
        client.text.insert(SIZE * dice.randint(0, len(client.text) // SIZE), typed[-1])
        await asyncio.sleep(pause * (0.5 + dice.random()))


async def storm(
    server: Server, kills: int, cuts: int, seed: int = 1, pause: float = 0.02
) -> tuple[list[Client], list[list[str]]]:
    """Three clients, so many kills and cuts, in an order that is thrown; the clients at the end, and what they typed."""
    dice = random.Random(seed)
    clients = [Client(server, seat).begin() for seat in server.seats("")]
    for client in clients:
        await client.connected()
    stop = asyncio.Event()
    typed: list[list[str]] = [[], [], []]
    hands = [
        asyncio.create_task(typing(client, number, stop, typed[number], random.Random(seed + number), pause))
        for number, client in enumerate(clients)
    ]
    blows = [True] * kills + [False] * cuts
    dice.shuffle(blows)
    for kill in blows:
        await asyncio.sleep(0.05 + 0.15 * dice.random())
        if kill:
            server.kill()
            await asyncio.to_thread(server.start)
        else:
            await dice.choice(clients).cut()
    stop.set()
    await asyncio.gather(*hands)
    await clients[0].until(
        lambda: all(whole(client) for client in clients) and len({client.content for client in clients}) == 1,
        60,
    )
    return clients, typed


def lost(text: str, typed: list[list[str]]) -> list[str]:
    """The characters that are not there once."""
    return [one for marks in typed for one in marks if text.count(one) != 1]


def test_three_who_type_through_kills_and_cuts_end_alike_and_lose_nothing(tmp_path):
    async def body():
        server = Server(tmp_path / "data")
        try:
            clients, typed = await storm(server, kills=5, cuts=15)
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
