"""How long is a keystroke's way from one person to another, and does the server's memory stay flat?

`python -m benchmarks.rooms [ROOMS] [SECONDS]` starts a real server and has ROOMS rooms (100) of three protocol clients
each for SECONDS (60); in each room one types three characters a second into a design whose results are computed all
the while. The way is measured from the moment of typing to the moment at which another client's document has it;
clients and server share the machine.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.clients import Client, Server

PER_SECOND = 3
LIMITS = "requests_per_second=100000 requests_burst=100000"
DESIGN = """\
title: A counter
requirements:
  users: {visitor: looks}
  non_functional: {quick: p99(look) <= 100 ms}
estimates:
  visits: 2M to 4M / day
components:
  app: {kind: service, replicas: 2, cores: 2}
flows:
  look: {from: visitor, rate: visits, steps: [{app: 5 ms}]}
# notes:
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of a keystroke's way, how many were measured and computed, and the server's memory in MB."""

    rooms: int
    p50: float
    p95: float
    p99: float
    keystrokes: int
    quick: int
    memory: tuple[float, ...]


def memory_of(pid: int) -> float:
    """MB that a process and its workers have in memory; 0 where the system does not tell."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except (OSError, ValueError):
            continue
        if str(pid) in (lines.get("Pid", "").strip(), lines.get("PPid", "").strip()):
            total += float(lines.get("VmRSS", "0 kB").split()[0]) / 1024
    return total


def has(client: Client, text: str) -> bool:
    """Whether a client has a text."""
    return client.content == text


async def typist(writer: Client, reader: Client, seconds: float, offset: float, ways: list[float]) -> None:
    await asyncio.sleep(offset)
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        writer.type("x")
        wanted = len(writer.text)
        while len(reader.text) < wanted:
            reader.heard.clear()
            await asyncio.wait_for(reader.heard.wait(), 30)
        ways.append(reader.updated - began)
        await asyncio.sleep(max(0.0, began + 1 / PER_SECOND - time.perf_counter()))


async def measure(server: Server, rooms: int, seconds: float) -> Measured:
    """Have so many rooms type for so long."""
    groups = []
    for _ in range(rooms):
        seats = await asyncio.to_thread(server.seats, DESIGN)
        groups.append([Client(server, seat, quiet=True).begin() for seat in seats])
    clients = [client for group in groups for client in group]
    for client in clients:
        await client.connected()
        await client.until(partial(has, client, DESIGN))
    await asyncio.sleep(3)
    ways: list[float] = []
    memory: list[float] = []

    async def watch() -> None:
        while True:
            memory.append(memory_of(server.process.pid))
            await asyncio.sleep(max(1.0, seconds / 6))

    watching = asyncio.create_task(watch())
    await asyncio.gather(
        *(
            typist(writer, reader, seconds, number / rooms / PER_SECOND, ways)
            for number, (writer, reader, _) in enumerate(groups)
        )
    )
    watching.cancel()
    memory.append(memory_of(server.process.pid))
    quick = sum(client.counts.get("results", 0) for group in groups for client in group[:1])
    for client in clients:
        await client.end()
    ways.sort()

    def share(part: float) -> float:
        return 1e3 * ways[min(len(ways) - 1, int(part * len(ways)))]

    return Measured(rooms, 1e3 * median(ways), share(0.95), share(0.99), len(ways), quick, tuple(memory))


def main() -> None:
    """Measures and prints."""
    rooms, seconds = (int(text) for text in (sys.argv[1:] + ["100", "60"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", limits=LIMITS)
        try:
            found = asyncio.run(measure(server, rooms, seconds))
        finally:
            server.stop()
    print(
        f"{found.rooms} rooms of 3, {found.keystrokes:,} keystrokes: p50 {found.p50:.1f} ms, p95 {found.p95:.1f} ms, "
        f"p99 {found.p99:.1f} ms; {found.quick:,} quick answers meanwhile; "
        f"memory with workers: {', '.join(f'{one:.0f}' for one in found.memory)} MB"
    )


if __name__ == "__main__":
    main()
