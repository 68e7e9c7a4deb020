"""Is anything lost through 200 kills and cuts? `python -m benchmarks.durable [KILLS] [CUTS]`, 60 and 140 if not given.

Three protocol clients type at once into one document while the server is killed (kill -9) and started again, and
connections are cut without a word. At the end all documents, and the server's, must be equal, and every character be
there once.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.clients import Client, Server, whole

SIZE = 3
"""Every character typed has so many bytes of UTF-8, so that any place between two is a multiple of it."""


def mark(number: int, count: int) -> str:
    """The character that a client types at a count: there is no other like it."""
    code = 3 * count + number
    return chr(0x4E00 + code if code < 20_000 else 0xAC00 + code - 20_000)


async def typing(
    client: Client, number: int, stop: asyncio.Event, typed: list[str], dice: random.Random, pause: float
) -> None:
    """Type at random places, never waiting for the server."""
    while not stop.is_set():
        typed.append(mark(number, len(typed)))
        client.text.insert(SIZE * dice.randint(0, len(client.text) // SIZE), typed[-1])
        await asyncio.sleep(pause * (0.5 + dice.random()))


async def storm(
    server: Server, kills: int, cuts: int, seed: int = 1, pause: float = 0.02
) -> tuple[list[Client], list[list[str]]]:
    """Three clients, so many kills and cuts in an order that is thrown; the clients at the end, and what they
    typed.
    """
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


def main() -> None:
    """Does it, and prints what came of it; exit code 1 if something was lost."""
    kills, cuts = (int(text) for text in (sys.argv[1:] + ["60", "140"][len(sys.argv) - 1 :])[:2])
    began = time.perf_counter()

    async def body(server: Server) -> tuple[str, list[list[str]], bool]:
        clients, typed = await storm(server, kills, cuts, pause=0.06)
        texts = {client.content for client in clients}
        texts.add(await asyncio.to_thread(server.file, clients[0].seat))
        for client in clients:
            await client.end()
        return clients[0].content, typed, len(texts) == 1

    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        try:
            text, typed, equal = asyncio.run(body(server))
        finally:
            server.stop()
    missing = lost(text, typed)
    print(
        f"{kills} kills and {cuts} cuts, {sum(map(len, typed)):,} characters typed: documents "
        f"{'equal' if equal else 'DIFFERENT'}, {len(missing)} characters lost or doubled "
        f"({time.perf_counter() - began:.0f} s)"
    )
    sys.exit(0 if equal and not missing else 1)


if __name__ == "__main__":
    main()
