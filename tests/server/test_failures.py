"""When the disk is full, or an update breaks the document, the room leaves the memory and what was kept comes back."""

from __future__ import annotations

import asyncio
import sqlite3
from types import SimpleNamespace

import pytest

from toscale.interview import Refusal
from toscale.interview.commands import Ask, Invite, Join
from toscale.interview.roles import Role, SessionKind, Viewer
from toscale.server import store, yjs
from toscale.server.connection import Close, Connection
from toscale.server.document import Document
from toscale.server.limits import Limits
from toscale.server.rooms import Full, Rooms
from toscale.server.workers import Failed
from toscale.server.writer import Writer


class NoWorkers:
    """Nothing is computed here."""

    async def run(self, job, *_):
        job()
        raise Failed("nothing is computed here")


def with_rooms(tmp_path, scene, limits=None):
    async def body():
        database = store.open_database(tmp_path)
        writer = Writer(database)
        rooms = Rooms(writer, SimpleNamespace(quick=NoWorkers(), simulation=NoWorkers()), limits or Limits())
        try:
            made = await rooms.create(SessionKind.INTERVIEW, "A room", Role.INTERVIEWER, "title: A\n")
            room = await rooms.get(made.room)
            await room.command(Join("Host", 1), None)
            await scene(rooms, room, database)
        finally:
            await rooms.close()
            await writer.close()

    asyncio.run(body())


def enter(room):
    connection = Connection(Viewer(1, Role.INTERVIEWER, True), Limits())
    room.enter(connection, None)
    return connection


async def roomy(rooms):
    """The disk has room again: said alone, as what is done together with a change that finds it full is undone too."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await rooms.writer.do(
                    lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchone()
                )
            except sqlite3.OperationalError:
                await asyncio.sleep(0.01)


def test_a_full_disk_loses_nothing_that_was_acknowledged_and_says_so(tmp_path):
    async def scene(rooms, room, database):
        connection, writer = enter(room), Document([room.document.snapshot()])
        saved = []
        put = connection.put_latest

        def put_latest(slot, message):
            if slot == "saved":
                saved.append(yjs._Reader(message[1:]).number())
            put(slot, message)

        connection.put_latest = put_latest
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        await rooms.writer.do(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 20}").fetchone())
        texts = [writer.text]
        for count in range(100):
            text = writer.text + f"{count} " + "x" * 3_000
            refusal = room.accept(writer.become(text), 1, connection)
            if refusal is not None or connection.closing is not None:
                break
            texts.append(text)
            await asyncio.sleep(0.005)
        async with asyncio.timeout(60):  # the writer may be behind
            while connection.closing is None:
                await asyncio.sleep(0.01)
        assert connection.closing[0] == Close.AGAIN
        assert isinstance(await room.command(Ask("Is it kept?"), 1), Refusal)
        await roomy(rooms)
        again = await rooms.get(room.name)
        assert again is not room
        assert again.document.text == texts[saved[-1] if saved else 0], (
            "what was said to be saved is there, and no more"
        )
        assert not again.state.questions
        assert again.accept(writer.snapshot(), 1) is None
        assert again.document.text == writer.text, "whoever typed it brings it again"

    with_rooms(tmp_path, scene)


def test_a_command_is_carried_out_though_nobody_waits_for_it_any_more(tmp_path):
    async def scene(rooms, room, _):
        task = asyncio.ensure_future(room.command(Invite(Role.CANDIDATE, "a link"), 1))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while len(room.state.invitations) < 2:
            await asyncio.sleep(0.01)
        assert len(await rooms.writer.do(lambda db: store.events_of(db, room.name))) == len(room.log)

    with_rooms(tmp_path, scene)


def test_a_document_has_a_most_and_is_put_together_before_it_is_refused(tmp_path):
    async def scene(_rooms, room, _):
        writer = Document([room.document.snapshot()])
        for _ in range(30):  # far more than the most in all, though little is left of it
            assert room.accept(writer.become("x" * 2_000), 1) is None
            assert room.accept(writer.become(""), 1) is None
        refusal = room.accept(writer.become("y" * 30_000), 1)
        assert refusal is not None
        assert refusal.code == "full"
        assert room.document.text == ""

    with_rooms(tmp_path, scene, Limits(document=20_000))


def test_rooms_leave_the_memory_and_come_back_and_have_a_most(tmp_path):
    async def scene(rooms, room, _):
        connection = enter(room)
        room.accept(Document([room.document.snapshot()]).become("title: B\n"), 1)
        room.leave(connection)
        while rooms._open:
            await asyncio.sleep(0.02)
            rooms._let_go(0.0)
        again = await rooms.get(room.name)
        assert again is not room
        assert again.document.text == "title: B\n"
        assert again.log == room.log
        for _ in range(2):
            await rooms.create(SessionKind.INTERVIEW, "A room", Role.INTERVIEWER, "")
        with pytest.raises(Full, match="3 rooms"):
            await rooms.create(SessionKind.INTERVIEW, "A room", Role.INTERVIEWER, "")

    with_rooms(tmp_path, scene, Limits(rooms=3))


def test_texts_are_kept_only_while_all_agree_to_be_recorded(tmp_path):
    from toscale.interview.commands import ChooseRecording
    from toscale.server.compute import QuickJob, quick
    from toscale.server.document import revision_of

    async def scene(rooms, room, _):
        texts = [f"title: A\nestimates:\n  visits: {n + 1}M / day\n" for n in range(2)]
        for text, agreed in zip(texts, (False, True), strict=True):
            await room.command(ChooseRecording(agreed), 1)
            await room._known(text, quick(QuickJob(text)))
        kept = [
            await rooms.writer.do(lambda db, t=t: store.text_at(db, room.name, revision_of(t))) for t in texts
        ]
        assert kept == [None, texts[1]]
        assert room.state.file.revision == revision_of(texts[1])

    with_rooms(tmp_path, scene)
