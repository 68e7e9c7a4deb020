"""What is kept of a room, and where? Each question to the database, and each change of it, as a function.

SQLite in WAL mode with `synchronous=FULL`: what is committed is on the disk. Plain `sqlite3` and SQL, no ORM: there
are a dozen statements, the log is text and documents are bytes, and SQLAlchemy with Alembic takes two seconds to
import. The functions take a connection and belong into a transaction, which `writer` makes.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from toscale.interview.events import Event
from toscale.interview.log import decode, encode
from toscale.server.capabilities import Capability, hashed
from toscale.server.migrations import migrate

__all__ = [
    "Database",
    "InUse",
    "Kept",
    "KeptFile",
    "add_room",
    "add_secrets",
    "add_updates",
    "capability",
    "compact",
    "count_rooms",
    "drop_capability",
    "erase",
    "events_of",
    "file_at",
    "keep_events",
    "keep_file",
    "keep_text",
    "open_database",
    "room",
    "text_at",
]

Database: TypeAlias = sqlite3.Connection

NAME = "rooms.sqlite3"
BUSY = 2.0
"""Seconds that a database in use by another process is waited for."""


class InUse(Exception):
    """Another process has the database."""


def open_database(folder: Path) -> sqlite3.Connection:
    """The database in a folder, in its newest version, for this process alone. Makes folder and database if they
    are not there.

    Only their owner can read them. Raises `InUse`, `migrations.NewerDatabase`, OSError, sqlite3.Error.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / NAME
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        # Exclusive: of two servers on one folder each would overlook what the other one wrote.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
        migrate(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if "locked" in str(error) or "busy" in str(error):
            raise InUse(
                f"another `toscale serve` has the rooms in {folder}: end it, or name another folder with --data"
            ) from None
        raise
    except BaseException:
        connection.close()
        raise
    return connection


# --- rooms ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a room: its events, and the updates of its document in the order in which they came."""

    events: tuple[Event, ...]
    updates: tuple[bytes, ...]
    last: int  # the number of the last update
    file: KeptFile | None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that a room watches, and the document as it was when they were last alike."""

    path: str
    base: bytes


def count_rooms(db: Database) -> int:
    """How many rooms are kept."""
    return int(db.execute("SELECT count(*) FROM rooms").fetchone()[0])


def add_room(db: Database, name: str, events: Sequence[Event], update: bytes | None) -> None:
    """A new room with its first events and the first update of its document."""
    db.execute("INSERT INTO rooms (room, created) VALUES (?, ?)", (name, events[0].at))
    keep_events(db, name, events)
    if update is not None:
        add_updates(db, name, (update,))


def room(db: Database, name: str) -> Kept | None:
    """All of a room, None if there is none of that name. Raises LogError for a log that was damaged."""
    if db.execute("SELECT 1 FROM rooms WHERE room = ?", (name,)).fetchone() is None:
        return None
    rows = db.execute("SELECT number, data FROM updates WHERE room = ? ORDER BY number", (name,)).fetchall()
    file = db.execute("SELECT path, base FROM files WHERE room = ?", (name,)).fetchone()
    return Kept(
        events=events_of(db, name),
        updates=tuple(data for _, data in rows),
        last=rows[-1][0] if rows else 0,
        file=None if file is None else KeptFile(*file),
    )


def erase(db: Database, name: str) -> None:
    """Remove a room with everything in it."""
    db.execute("DELETE FROM rooms WHERE room = ?", (name,))


def events_of(db: Database, name: str) -> tuple[Event, ...]:
    """A room's log."""
    rows = db.execute("SELECT line FROM events WHERE room = ? ORDER BY seq", (name,))
    return tuple(decode(line) for (line,) in rows)


def keep_events(db: Database, name: str, events: Iterable[Event]) -> None:
    """More events of a room. Raises sqlite3.IntegrityError if one of that number is there."""
    rows = [(name, event.seq, encode(event)) for event in events]
    db.executemany("INSERT INTO events (room, seq, line) VALUES (?, ?, ?)", rows)


# --- the document ---------------------------------------------------------------------------------------------


def add_updates(db: Database, name: str, updates: Iterable[bytes]) -> int:
    """More updates of a room's document; the number of the last."""
    number = 0
    for data in updates:
        number = db.execute("INSERT INTO updates (room, data) VALUES (?, ?)", (name, data)).lastrowid or 0
    return number


def compact(db: Database, name: str, upto: int, snapshot: bytes) -> None:
    """One update in the place of all up to a number: `snapshot` holds at least what they held."""
    db.execute("DELETE FROM updates WHERE room = ? AND number < ?", (name, upto))
    db.execute("UPDATE updates SET data = ? WHERE room = ? AND number = ?", (snapshot, name, upto))


def keep_text(db: Database, name: str, revision: str, text: str) -> None:
    """The text that a revision had."""
    db.execute(
        "INSERT OR IGNORE INTO texts (room, revision, packed) VALUES (?, ?, ?)",
        (name, revision, zlib.compress(text.encode("utf-8"))),
    )


def text_at(db: Database, name: str, revision: str) -> str | None:
    """The text that a revision had, None if it was not kept."""
    row = db.execute("SELECT packed FROM texts WHERE room = ? AND revision = ?", (name, revision)).fetchone()
    return None if row is None else zlib.decompress(row[0]).decode("utf-8")


# --- who may come in ------------------------------------------------------------------------------------------


def add_secrets(db: Database, name: str, invitations: Mapping[int, str], seats: Mapping[int, str]) -> None:
    """Let in whoever has these secrets of invitations and of seats, given by their numbers."""
    for number, secret in invitations.items():
        _add_secret(db, secret, Capability(name, "invitation", number))
    for number, secret in seats.items():
        _add_secret(db, secret, Capability(name, "seat", number))


def _add_secret(db: Database, secret: str, what: Capability) -> None:
    kept = hashed(secret)
    if kept is None:
        raise ValueError("a secret must be one that `capabilities.fresh` has made")
    db.execute(
        "INSERT INTO capabilities (hash, room, kind, number) VALUES (?, ?, ?, ?)",
        (kept, what.room, what.kind, what.number),
    )


def drop_capability(db: Database, what: Capability) -> None:
    """Let nobody in for this any more."""
    db.execute(
        "DELETE FROM capabilities WHERE room = ? AND kind = ? AND number = ?",
        (what.room, what.kind, what.number),
    )


def capability(db: Database, kept: bytes) -> Capability | None:
    """What the secret of this hash is for, None if it is for nothing."""
    row = db.execute("SELECT room, kind, number FROM capabilities WHERE hash = ?", (kept,)).fetchone()
    return None if row is None else Capability(*row)


# --- files on the disk ------------------------------------------------------------------------------------------


def keep_file(db: Database, name: str, file: KeptFile) -> None:
    """The file that a room watches, and the document as it was when they were last alike."""
    db.execute(
        "INSERT INTO files (room, path, base) VALUES (?, ?, ?) "
        "ON CONFLICT (room) DO UPDATE SET path = excluded.path, base = excluded.base",
        (name, file.path, file.base),
    )


def file_at(db: Database, path: str) -> str | None:
    """The newest room that watches a file, None if none does."""
    row = db.execute(
        "SELECT files.room FROM files JOIN rooms USING (room) WHERE path = ? ORDER BY created DESC LIMIT 1",
        (path,),
    ).fetchone()
    return None if row is None else str(row[0])
