"""How do results keep up with typing? The quick answer follows each pause of the worker, the simulation each pause of
the hands; whatever is computed for a text that is no longer there is cancelled.

A room has at most one quick job and one simulation under way, always of its latest text, however many type. Each
room's simulations are paid from an account that fills up over an hour.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toscale.server.compute import Quick, QuickJob, SimulateJob
from toscale.server.connection import Bucket, as_text
from toscale.server.document import revision_of
from toscale.server.limits import Limits
from toscale.server.workers import Failed, Workers

__all__ = ["Compute", "Results", "Shown"]

LOG = logging.getLogger("toscale.server")
SETTLE = 0.4
"""Seconds without a change after which a simulation begins."""

SLOW = 1.0
"""Seconds beyond which a quick answer is slow."""


@dataclass(frozen=True, slots=True)
class Compute:
    """The workers that all rooms share."""

    quick: Workers
    simulation: Workers

    async def close(self) -> None:
        await asyncio.gather(self.quick.close(), self.simulation.close())


@dataclass(frozen=True, slots=True)
class Shown:
    """What results need of a room, and what they tell it.

    `job` gives the latest text with what counts for it; `show` sends a message of a slot to everyone; `known` is
    told of each quick answer with the text that it is of; `watched` says whether anyone is there to see results.
    """

    job: Callable[[], QuickJob]
    show: Callable[[str, str], None]
    known: Callable[[str, Quick], Awaitable[None]]
    watched: Callable[[], bool]


class Results:
    """The results of one room."""

    def __init__(self, room: Shown, compute: Compute, limits: Limits) -> None:
        self._room, self._compute, self._limits = room, compute, limits
        self._account = Bucket(limits.work_per_hour / 3600, limits.work_per_hour / 4)
        self._wanted = asyncio.Event()
        self._version = 0
        self._answered = -1
        self._done = asyncio.Event()
        self._simulation: asyncio.Task[None] | None = None
        self._simulated: tuple[object, ...] | None = None
        self._task: asyncio.Task[None] | None = None
        self.latest: dict[str, str] = {}

    def changed(self) -> None:
        """The text, or what counts for it, is another: what is computed is of yesterday."""
        self._version += 1
        if self._simulation is not None:
            self._simulation.cancel()
        self._wanted.set()
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    async def settled(self, seconds: float) -> None:
        """Wait until the quick answer is that of the present text, though not for ever."""
        try:
            async with asyncio.timeout(seconds):
                while self._task is not None and self._answered < self._version:
                    self._done.clear()
                    await self._done.wait()
        except TimeoutError:
            LOG.warning("a room's results did not settle within %g s", seconds)

    async def close(self) -> None:
        """Compute nothing more."""
        tasks = [task for task in (self._task, self._simulation) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._answer()
            except Exception:
                LOG.exception("a room's results could not be told")

    async def _answer(self) -> None:
        jobs: list[tuple[int, QuickJob]] = []

        def latest() -> QuickJob:  # asked for once a worker is free
            jobs.append((self._version, self._room.job()))
            return jobs[0][1]

        began = time.monotonic()
        try:
            found: Quick = await self._compute.quick.run(latest, self._limits.quick_seconds)
        except Failed as failed:
            version, asked = jobs[0]
            self._show("results", asked, {"problems": [], "theory": None, "reason": str(failed)})
            self._told(version)
            await self._rest(began)
            return
        version, asked = jobs[0]
        self._show("results", asked, found.answer)
        await self._room.known(asked.text, found)
        self._told(version)
        key = (asked.text, asked.injections)
        if version == self._version and key != self._simulated:
            await self._cancel()
            self._simulated = None
            if found.simulable and self._room.watched():
                self._simulation = asyncio.create_task(self._simulate(asked, key))
            elif not found.simulable:
                self._show("simulation", asked, {"state": "none"})
        await self._rest(began)

    async def _rest(self, began: float) -> None:
        """After a text that took long, leave the worker to the other rooms for as long."""
        took = time.monotonic() - began
        if took > SLOW:
            await asyncio.sleep(took)

    def _told(self, version: int) -> None:
        self._answered = version
        self._done.set()

    async def _cancel(self) -> None:
        if self._simulation is not None:
            self._simulation.cancel()
            await asyncio.gather(self._simulation, return_exceptions=True)
            self._simulation = None

    async def _simulate(self, asked: QuickJob, key: tuple[object, ...]) -> None:
        await asyncio.sleep(SETTLE)
        wait = self._account.take(0.0)
        if wait > 0:
            said = (
                f"This room has used up its time for simulations; there is more in {max(1, round(wait))} s."
            )
            self._show("simulation", asked, {"state": "waits", "reason": said})
            await asyncio.sleep(wait)
        steps: list[Mapping[str, Any]] = []
        began: list[float] = []

        def heard(kind: str, values: Any) -> None:
            if kind == "progress":
                self._show("progress", asked, values)
            else:
                steps.append(values)
                self._show("simulation", asked, {"state": "done" if values["last"] else "running", **values})

        limits = self._limits

        def job() -> SimulateJob:
            began.append(time.monotonic())
            return SimulateJob(
                asked.text, asked.injections, limits.simulated_events, limits.simulated_seconds / 2
            )

        try:
            await self._compute.simulation.run(job, limits.simulated_seconds, heard)
            self._simulated = key
        except Failed as failed:
            if not steps:
                self._show("simulation", asked, {"state": "failed", "reason": str(failed)})
            self._simulated = key
        finally:
            if began:
                self._account.take(time.monotonic() - began[0])

    def _show(self, slot: str, asked: QuickJob, values: Mapping[str, Any]) -> None:
        message = as_text({"type": slot, "revision": revision_of(asked.text), **values})
        self.latest[slot] = message
        if slot == "simulation":
            self.latest.pop("progress", None)
        self._room.show(slot, message)
