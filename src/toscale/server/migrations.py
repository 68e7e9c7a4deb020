"""How has the database become what it is? Each step from one version to the next, in SQL, never changed again.

`PRAGMA user_version` says how far a database has come; `migrate` takes the steps that are missing, each in a
transaction with its own number. A database from a newer ToScale is refused.
"""

from __future__ import annotations

import sqlite3

__all__ = ["MIGRATIONS", "NewerDatabase", "migrate"]

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    # 1: rooms, their events, the updates of their documents, and who may come in
    (
        "CREATE TABLE rooms (room TEXT PRIMARY KEY, created INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        """CREATE TABLE events (
            room TEXT NOT NULL REFERENCES rooms ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            line TEXT NOT NULL,
            PRIMARY KEY (room, seq)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE updates (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            room TEXT NOT NULL REFERENCES rooms ON DELETE CASCADE,
            data BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX updates_of_room ON updates (room, number)",
        """CREATE TABLE capabilities (
            hash BLOB PRIMARY KEY,
            room TEXT NOT NULL REFERENCES rooms ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('invitation', 'seat')),
            number INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX capabilities_of_room ON capabilities (room, kind, number)",
    ),
    # 2: the texts that a recorded session had, by their revisions; and files on the disk, as they were last alike
    (
        """CREATE TABLE texts (
            room TEXT NOT NULL REFERENCES rooms ON DELETE CASCADE,
            revision TEXT NOT NULL,
            packed BLOB NOT NULL,
            PRIMARY KEY (room, revision)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE files (
            room TEXT PRIMARY KEY REFERENCES rooms ON DELETE CASCADE,
            path TEXT NOT NULL,
            base BLOB NOT NULL
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX files_by_path ON files (path)",
    ),
)


class NewerDatabase(Exception):
    """The database was written by a newer ToScale."""


def migrate(connection: sqlite3.Connection, to: int = len(MIGRATIONS)) -> int:
    """Bring a database to a version; how many steps that took. `connection` is in autocommit mode."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise NewerDatabase(
            f"the rooms are in version {version} of the database, and this ToScale knows {len(MIGRATIONS)}: "
            "a newer one has written them. Start that one, or name another folder with --data"
        )
    steps = MIGRATIONS[version:to]
    for number, statements in enumerate(steps, version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number:d}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    return len(steps)
