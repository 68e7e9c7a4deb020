"""How do a room and a file on the disk stay alike? The file is one more participant, with a copy of its own.

Its copy is what the file held when both were last alike. What someone saves in their own editor is compared with that
copy, and goes into the room as an update, merged with what others have typed meanwhile; what the room has goes into
the file, written beside it and put in its place at once. The copy is kept in the database, so that this also holds
for what was saved while the server was down.

Between the last look at a file and its replacement an editor may save: that moment cannot be excluded, and nothing but
the two calls lies in it. What is saved right after the replacement is seen, since the mark of our own file is taken
before it gets its name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from toscale.interview.clock import Status
from toscale.server import store
from toscale.server.document import Document
from toscale.server.room import Room
from toscale.server.writer import Writer
from toscale.server.yjs import EMPTY

__all__ = ["WatchedFile", "mark_of", "read_text", "replace_text"]

Mark = tuple[int, int, int]
LOG = logging.getLogger("toscale.server")
LOOK = 0.3
"""Seconds between two looks at the file."""


class Unfit(Exception):
    """A file that holds no text that a room can have; the message says why."""


def read_text(path: Path, most: int) -> str:
    """The text of a file. Raises `Unfit` for one that is none or too long, OSError."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Unfit(f"it has more than {most / 1e6:g} MB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unfit("it is no UTF-8") from None


def mark_of(path: Path) -> Mark | None:
    """What changes whenever a file is written or replaced, and not when it is renamed; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def replace_text(path: Path, text: str, seen: Mark | None) -> Mark | None:
    """Put a text in the place of a file at once, with its permissions, and give the mark of the new one; None, and
    nothing is done, where the file is no longer the one that was seen (None: whichever there is). Raises OSError.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            beside.chmod(stat.S_IMODE(path.stat().st_mode))
        mark = mark_of(beside)
        if seen is not None and mark_of(path) not in (None, seen):
            return None
        beside.replace(path)
        return mark
    finally:
        beside.unlink(missing_ok=True)


class WatchedFile:
    """Keeps a room and a file alike, until it is closed. `path` is the file itself, no link; `find` gives the room, or
    None once it was erased: a room may leave the memory, and be another one when it is back.
    """

    def __init__(
        self, find: Callable[[], Awaitable[Room | None]], path: Path, base: bytes, writer: Writer, most: int
    ) -> None:
        self._find, self._path, self._writer, self._most = find, path, writer, most
        self._room: Room | None = None
        self._copy = Document([base])
        self._mark: Mark | None = None
        self._said = ""
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Bring both together for a last time, and watch no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._looking is not None:
            await self._looking
        await self._look()
        if self._room is not None:
            self._room.watchers.discard(self._changed.set)

    async def _watch(self) -> None:
        while True:
            self._looking = asyncio.create_task(self._look())
            await asyncio.shield(self._looking)  # a look is never cut short between the file and the copy
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOK)
                await asyncio.sleep(LOOK)  # so that a burst of typing is one write

    async def _look(self) -> None:
        try:
            room = await self._find()
            if room is None:
                return
            if room is not self._room:
                self._room = room
                room.watchers.add(self._changed.set)
            await self._from_disk(room)
            await self._to_disk(room)
        except (OSError, Unfit) as error:
            self._complain(f"{self._path} and the room are not alike: {error}")
        except Exception:
            LOG.exception("%s could not be watched", self._path)
        else:
            self._said = ""

    def _complain(self, text: str) -> None:
        if text != self._said:
            self._said = text
            LOG.warning("%s", text)

    async def _from_disk(self, room: Room) -> None:
        mark = mark_of(self._path)
        if mark is None or mark == self._mark or room.state.clock.status is Status.ENDED:
            return
        text = await asyncio.to_thread(read_text, self._path, self._most)
        if mark_of(self._path) != mark:
            return  # it is being written: look again
        update = self._copy.become(text)
        if update != EMPTY:
            refusal = room.merge(update)
            if refusal is not None:
                raise Unfit(str(refusal))
            await self._keep(room)
        self._mark = mark

    async def _to_disk(self, room: Room) -> None:
        if room.document.text == self._copy.text:
            return
        new = Document([self._copy.snapshot(), room.document.lacking(self._copy.vector)])
        mark = await asyncio.to_thread(replace_text, self._path, new.text, self._mark)
        if mark is None:
            return  # someone has saved meanwhile: that comes first
        self._copy, self._mark = new, mark
        await self._keep(room)

    async def _keep(self, room: Room) -> None:
        file, name = store.KeptFile(str(self._path), self._copy.snapshot()), room.name
        await self._writer.do(lambda db: store.keep_file(db, name, file))
