"""What is committed is kept; a database of any version becomes the newest; nobody else has it meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import stat

import pytest

from toscale.interview import open_session
from toscale.interview.roles import Role, SessionKind
from toscale.server import store
from toscale.server.capabilities import Capability, fits, fresh, hashed
from toscale.server.document import Document
from toscale.server.migrations import MIGRATIONS, NewerDatabase, migrate
from toscale.server.writer import Writer

EVENTS = open_session(SessionKind.INTERVIEW, "A room", Role.INTERVIEWER, 1_764_000_000_000)


@pytest.fixture
def database(tmp_path):
    connection = store.open_database(tmp_path / "data")
    yield connection
    connection.close()


def schema(connection):
    return sorted(connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_database_of_any_version_becomes_the_newest_with_what_is_in_it(tmp_path, version):
    path = tmp_path / "data" / store.NAME
    path.parent.mkdir()
    old = sqlite3.connect(path, isolation_level=None)
    assert migrate(old, to=version) == version
    document, secret = Document(text="title: Old\n"), fresh()
    store.add_room(old, "a" * 16, EVENTS, document.snapshot())
    store.add_secrets(old, "a" * 16, {1: secret}, {})
    old.close()
    new = store.open_database(tmp_path / "data")
    kept = store.room(new, "a" * 16)
    assert kept.events == EVENTS
    assert Document(kept.updates).text == "title: Old\n"
    assert store.capability(new, hashed(secret)) == Capability("a" * 16, "invitation", 1)
    fresh_one = sqlite3.connect(":memory:", isolation_level=None)
    migrate(fresh_one)
    assert schema(new) == schema(fresh_one)
    fresh_one.close()
    new.close()


def test_version_1_is_what_it_was():
    """A migration that was published never changes: rooms of that version lie on disks."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, to=1)
    tables = {name for kind, name, _ in schema(connection) if kind == "table"}
    assert tables == {"rooms", "events", "updates", "capabilities", "sqlite_sequence"} - {
        "sqlite_sequence"
    } | (tables & {"sqlite_sequence"})
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


def test_a_step_that_fails_leaves_the_version_before(monkeypatch):
    from toscale.server import migrations

    broken = (*MIGRATIONS, ("CREATE TABLE more (x INTEGER)", "CREATE NONSENSE"))
    monkeypatch.setattr(migrations, "MIGRATIONS", broken)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, to=len(broken))
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert "more" not in {name for _, name, _ in schema(connection)}
    connection.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path):
    store.open_database(tmp_path).close()
    connection = sqlite3.connect(tmp_path / store.NAME)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(NewerDatabase, match="999"):
        store.open_database(tmp_path)


def test_two_processes_never_share_a_database(tmp_path, database, monkeypatch):
    monkeypatch.setattr(store, "BUSY", 0.1)
    with pytest.raises(store.InUse, match="--data"):
        store.open_database(tmp_path / "data")


def test_only_their_owner_reads_the_rooms(tmp_path, database):
    assert stat.S_IMODE((tmp_path / "data" / store.NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_what_is_committed_is_on_the_disk(database):
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_no_secret_is_kept(tmp_path, database):
    secret = fresh()
    store.add_room(database, "room", EVENTS, None)
    store.add_secrets(database, "room", {1: secret}, {})
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    everything = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir())
    assert secret.encode() not in everything
    assert hashed(secret) in everything
    assert fits(secret, hashed(secret))
    assert not fits(fresh(), hashed(secret))
    assert hashed("short") is None


def test_a_compacted_document_is_the_same(database):
    store.add_room(database, "room", EVENTS, None)
    document = Document()
    numbers = [store.add_updates(database, "room", (document.become("x" * n),)) for n in range(1, 6)]
    store.compact(database, "room", numbers[2], document.snapshot())
    kept = store.room(database, "room")
    assert len(kept.updates) == 3
    assert kept.last == numbers[-1]
    assert Document(kept.updates).text == "xxxxx"


def test_an_erased_room_is_gone_whole(database):
    store.add_room(database, "room", EVENTS, Document(text="a").snapshot())
    store.add_secrets(database, "room", {1: fresh()}, {1: fresh()})
    store.keep_text(database, "room", "r1", "a text")
    store.keep_file(database, "room", store.KeptFile("/a/file", b"\x00\x00"))
    assert store.text_at(database, "room", "r1") == "a text"
    store.erase(database, "room")
    for table in ("rooms", "events", "updates", "capabilities", "texts", "files"):
        assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_changes_are_carried_out_in_order_and_one_that_fails_fails_alone(tmp_path):
    async def body():
        writer = Writer(store.open_database(tmp_path))
        first = writer.do(lambda db: store.add_room(db, "one", EVENTS, None))
        again = writer.do(lambda db: store.add_room(db, "one", EVENTS, None))
        other = writer.do(lambda db: store.add_room(db, "two", EVENTS, None))
        count = writer.do(store.count_rooms)
        await first
        with pytest.raises(sqlite3.IntegrityError):
            await again
        await other
        assert await count == 2
        await writer.close()

    asyncio.run(body())
