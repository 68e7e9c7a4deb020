"""How does a change become durable without keeping the others waiting? One thread has the database; it takes all
changes that wait into one transaction, commits, and then says so to each.

A change is a function of the connection. They are carried out in the order in which they came, so what is durable
is always a beginning of what was asked for. One that raises is undone alone; if the commit fails, all of it is.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

__all__ = ["Writer"]

T = TypeVar("T")
Change: TypeAlias = Callable[[sqlite3.Connection], T]
_Asked: TypeAlias = "tuple[Change[Any], asyncio.Future[Any]]"

MOST_AT_ONCE = 512


class Writer:
    """Carries changes out in a thread of its own. It is made, used and closed in one event loop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="toscale-writer", daemon=True)
        self._thread.start()

    def do(self, change: Change[T]) -> asyncio.Future[T]:
        """Ask for a change, now; the future is done once it is durable, with its result or what it raised."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._asked.put((change, future))
        return future

    async def close(self) -> None:
        """Carry out what was asked for until here, and close the database."""
        self._asked.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while True:
            first = self._asked.get()
            asked = [first]
            while first is not None and len(asked) < MOST_AT_ONCE:
                try:
                    asked.append(self._asked.get_nowait())
                except queue.Empty:
                    break
                if asked[-1] is None:
                    break
            changes = [one for one in asked if one is not None]
            if changes:
                done = self._carry_out(changes)
                self._loop.call_soon_threadsafe(_tell, changes, done)
            if asked[-1] is None:
                self._db.close()
                return

    def _carry_out(self, asked: list[_Asked]) -> list[Any]:
        """The result of each, or what it raised."""
        done: list[Any] = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for change, _ in asked:
                self._db.execute("SAVEPOINT one")
                try:
                    done.append(change(self._db))
                except Exception as error:
                    if not self._db.in_transaction:  # a full disk has undone all of it
                        raise
                    self._db.execute("ROLLBACK TO one")
                    done.append(error)
                self._db.execute("RELEASE one")
            self._db.execute("COMMIT")
        except sqlite3.Error as error:  # the disk is full, or gone
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            return [error] * len(asked)
        return done


def _tell(asked: list[_Asked], done: list[Any]) -> None:
    for (_, future), result in zip(asked, done, strict=True):
        if future.cancelled():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
