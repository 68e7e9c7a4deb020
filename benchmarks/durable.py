"""Is anything lost through 200 kills and cuts? `python -m benchmarks.durable [KILLS] [CUTS]`, 60 and 140 if not given.

Three protocol clients type at once into one document while the server is killed (kill -9) and started again, and
connections are cut without a word. At the end all documents, and the server's, must be equal, and every character be
there once.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.server.clients import Server
from tests.server.test_durable import lost, storm


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
