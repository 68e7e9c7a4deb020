"""Which rooms are there, and which are in memory? A room is loaded when someone asks for it, and leaves the memory
when nobody has been in it for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from toscale.interview import open_session
from toscale.interview.clock import Status
from toscale.interview.events import Event
from toscale.interview.roles import Role, SessionKind
from toscale.server import store
from toscale.server.capabilities import Capability, fresh, hashed, room_name
from toscale.server.connection import Close
from toscale.server.document import Document
from toscale.server.limits import Limits
from toscale.server.results import Compute
from toscale.server.room import Room, now
from toscale.server.writer import Writer

__all__ = ["Full", "New", "Rooms"]

LOG = logging.getLogger("toscale.server")
TICK = 1.0
"""Seconds between two looks at all rooms: their clocks, and whether anyone is in them."""
CLOCK = 5
"""Every so many ticks a running clock is shown anew; browsers count on by themselves meanwhile."""


class Full(Exception):
    """There are as many rooms as there may be; the text says so."""


class New:
    """What a new room is: its name, and the secret of the host's invitation."""

    def __init__(self, room: str, invitation: str) -> None:
        self.room, self.invitation = room, invitation


class Rooms:
    """All rooms of a process. Made, used and closed in one event loop."""

    def __init__(self, writer: Writer, compute: Compute, limits: Limits) -> None:
        self.writer, self.compute, self.limits = writer, compute, limits
        self._open: dict[str, Room] = {}
        self._loading: dict[str, asyncio.Future[Room | None]] = {}
        self._ticking = asyncio.create_task(self._tick())

    # --- finding

    async def get(self, name: str) -> Room | None:
        """The room of a name, loaded if need be; None if there is none. Raises `Full`, LogError."""
        room = self._open.get(name)
        if room is not None:
            return room
        loading = self._loading.get(name)
        if loading is None:
            loading = asyncio.ensure_future(self._load(name))
            self._loading[name] = loading
            loading.add_done_callback(lambda _: self._loading.pop(name, None))
        return await asyncio.shield(loading)

    async def _load(self, name: str) -> Room | None:
        if len(self._open) >= self.limits.rooms_open:
            self._let_go(0.0)
        if len(self._open) >= self.limits.rooms_open:
            raise Full(f"{len(self._open)} rooms are in use, and no more can be: try again later.")
        kept = await self.writer.do(lambda db: store.room(db, name))
        if kept is None:
            return None
        room = Room(name, kept, self.writer, self.compute, self.limits, lambda: self._fell(name))
        self._open[name] = room
        return room

    def _fell(self, name: str) -> None:
        self._open.pop(name, None)

    async def holder(self, secret: str) -> Capability | None:
        """What a secret lets its holder do, None if nothing."""
        kept = hashed(secret)
        if kept is None:
            return None
        return await self.writer.do(lambda db: store.capability(db, kept))

    # --- making

    async def create(
        self,
        kind: SessionKind,
        title: str,
        host: Role,
        text: str,
        *,
        factor: int = 100,
        length: int | None = None,
        path: str | None = None,
    ) -> New:
        """A new room with a text; `path`: the file that it is of. `length` is in milliseconds.

        Raises `Full`, and ValueError for a title or a length that cannot be.
        """
        from toscale.interview.phases import Schedule

        schedule = Schedule.of(factor=factor) if length is None else Schedule.of(length, factor)
        events: tuple[Event, ...] = open_session(kind, title, host, now(), schedule=schedule, factor=factor)
        document = Document(text=text)
        name, secret, most = room_name(), fresh(), self.limits.rooms
        first = document.snapshot() if text else None

        def change(db: store.Database) -> bool:
            if store.count_rooms(db) >= most:
                return False
            store.add_room(db, name, events, first)
            store.add_secrets(db, name, {1: secret}, {})
            if path is not None:
                store.keep_file(db, name, store.KeptFile(path, document.snapshot()))
            return True

        if not await self.writer.do(change):
            raise Full(f"There are {most:,} rooms, and no more can be: erase one that is over.")
        return New(name, secret)

    async def of_file(self, path: str) -> New | None:
        """The newest room of a file, if its session is not over, with a new secret of the host's invitation: whoever
        starts the server is its host. What let people in before by that invitation does so no more.
        """
        name = await self.writer.do(lambda db: store.file_at(db, path))
        room = None if name is None else await self.get(name)
        if name is None or room is None or room.state.clock.status is Status.ENDED:
            return None
        links = [link for link in room.state.invitations if link.host and link.open]
        if not links:
            return None
        number, secret = links[-1].number, fresh()

        def change(db: store.Database) -> None:
            store.drop_capability(db, Capability(name, "invitation", number))
            store.add_secrets(db, name, {number: secret}, {})

        await self.writer.do(change)
        return New(name, secret)

    async def erase(self, room: Room) -> None:
        """Remove a room with everything in it."""
        room.close(Close.ERASED, "the room was erased")
        self._fell(room.name)
        await self.writer.do(lambda db: store.erase(db, room.name))

    # --- keeping house

    async def _tick(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(TICK)
            count += 1
            try:
                if count % CLOCK == 0:
                    for room in tuple(self._open.values()):
                        if room.running:
                            room.tick()
                self._let_go(self.limits.idle)
            except Exception:
                LOG.exception("the rooms could not be kept in order")

    def _let_go(self, idle: float) -> None:
        """Let rooms leave the memory in which nobody has been for so many seconds."""
        before = time.monotonic() - idle
        for name, room in tuple(self._open.items()):
            if room.idle and room.empty_since <= before:
                del self._open[name]
                room.close(Close.AGAIN, "come again")

    async def close(self) -> None:
        """End all connections, and keep what is still to be kept."""
        self._ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._ticking
        for room in self._open.values():
            room.close(Close.RESTART, "the server is being restarted: come again")
