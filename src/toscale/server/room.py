"""What is a room while someone is in it? A session, a document, the connections, and what is computed of them.

Everything is made durable before it counts: a command's events are committed before anyone sees them, an update of
the document before its sender is told that it is saved. (Others get an update at once: if the server dies before the
commit, they bring it back.) When the disk fails, the room leaves the memory and all come again to what is kept.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from toscale.architecture.agreement import Accord
from toscale.interview import Refusal, Session, decide, may, project, replay, seen_by
from toscale.interview import events as e
from toscale.interview.clock import Status, read
from toscale.interview.codec import plain
from toscale.interview.commands import Command, End, Mark, Throw
from toscale.interview.events import Event
from toscale.interview.log import event_values
from toscale.interview.state import Injection, State
from toscale.interview.work import Missing, advice
from toscale.server import store, yjs
from toscale.server.capabilities import Capability, fresh
from toscale.server.compute import Quick, QuickJob, ThrowJob
from toscale.server.connection import Close, Connection, as_text
from toscale.server.document import Broken, Document, revision_of
from toscale.server.limits import Limits
from toscale.server.presence import Presences
from toscale.server.results import Compute, Results, Shown
from toscale.server.workers import Failed
from toscale.server.writer import Writer

__all__ = ["Done", "Room", "now"]

LOG = logging.getLogger("toscale.server")

COMPACT_UPDATES, COMPACT_BYTES = 1_000, 1_000_000
"""After so much, what is kept of a document is put together into one update."""
PATIENCE = 5.0
"""Seconds for which a command waits for what is being computed of the text that it is about."""


def now() -> int:
    """The server's moment, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to: its events, and the secrets of the invitations and seats that it made, by number."""

    events: tuple[Event, ...]
    invitations: dict[int, str]
    seats: dict[int, str]


class Room:
    """A room in memory. Made and used in one event loop; `fell` is called once it must leave the memory."""

    def __init__(
        self,
        name: str,
        kept: store.Kept,
        writer: Writer,
        compute: Compute,
        limits: Limits,
        fell: Callable[[], None],
    ) -> None:
        """Raises LogError for a log that was damaged."""
        self.name = name
        self.log: list[Event] = list(kept.events)
        self.session: Session = replay(kept.events)
        self.document = Document(kept.updates)
        self.connections: set[Connection] = set()
        self.empty_since = time.monotonic()
        self.watchers: set[Callable[[], None]] = set()
        self._writer, self._limits, self._compute, self._fell = writer, limits, compute, fell
        self._alive = True
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Done | Refusal]] = set()
        self._presences = Presences(limits.presence)
        self._last = kept.last
        self._pending, self._since = 0, len(kept.updates)
        self._size, self._bytes = 0, sum(map(len, kept.updates))
        self._missing: tuple[Missing, ...] = ()
        self.results = Results(
            Shown(self._job, self._show, self._known, lambda: bool(self.connections)), compute, limits
        )

    # --- what is so

    @property
    def state(self) -> State:
        return self.session.state

    @property
    def idle(self) -> bool:
        """Whether nothing is lost when it leaves the memory now."""
        return not self.connections and not self._pending and not self._tasks and not self.watchers

    def present(self, participant: int) -> bool:
        """Whether someone is in the room."""
        people = self.state.participants
        return 1 <= participant <= len(people) and people[participant - 1].present

    def active(self) -> tuple[Injection, ...]:
        """What was thrown in and not taken out again."""
        return tuple(one for one in self.state.injections if one.cleared is None)

    # --- commands

    async def command(self, command: Command, by: int | None) -> Done | Refusal:
        """Carry a command out, durably. Whoever waits for it may go away: it is carried out all the same."""
        task = asyncio.create_task(self._command(command, by))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _command(self, command: Command, by: int | None) -> Done | Refusal:
        if isinstance(command, End) and may(self.state, command.NAME, by) is None:
            await self.results.settled(PATIENCE)  # so that the last mark is that of the last text
        if isinstance(command, Throw) and (refusal := await self._throwable(command, by)) is not None:
            return refusal
        async with self._lock:
            if not self._alive:
                return Refusal("stale", "The room was closed.", "Come again.")
            made = decide(self.session, command, by, now())
            if isinstance(made, Refusal):
                return made
            if not made:
                return Done((), {}, {})
            after = replay(made, self.session)
            done, change = self._changes(made)
            try:
                await self._writer.do(change)
            except Exception as error:
                self._fail(error)
                return Refusal("stale", "It could not be kept: the disk failed.", "Try again in a moment.")
            self.session = after
            self.log += made
            self._tell(made)
            return done

    async def _throwable(self, command: Throw, by: int | None) -> Refusal | None:
        refusal = may(self.state, command.NAME, by)
        if refusal is not None or command.kind == "curveball":
            return refusal
        new = Injection(len(self.state.injections) + 1, command.kind, command.text, by, now())
        try:
            why = await asyncio.wait_for(
                self._compute.quick.run(
                    lambda: ThrowJob(self.document.text, self.active(), new), self._limits.quick_seconds
                ),
                PATIENCE,
            )
        except (Failed, TimeoutError):
            return None  # the results will say what became of it
        mend = "Throw it in as a curveball to talk about it."
        return None if why is None else Refusal("value", str(why), mend)

    def _changes(self, made: Sequence[Event]) -> tuple[Done, Callable[[store.Database], None]]:
        """What events come to in the database: themselves, and who may come in from now on."""
        done = Done(tuple(made), {}, {})
        gone: list[Capability] = []
        for event in made:
            match event.what:
                case e.Invited():
                    done.invitations[event.what.invitation] = fresh()
                case e.Joined():
                    done.seats[event.what.participant] = fresh()
                case e.InvitationClosed():
                    gone.append(Capability(self.name, "invitation", event.what.invitation))
                case e.Left():
                    gone.append(Capability(self.name, "seat", event.what.participant))
                case _:
                    pass
        name = self.name

        def change(db: store.Database) -> None:
            store.keep_events(db, name, made)
            for one in gone:
                store.drop_capability(db, one)
            store.add_secrets(db, name, done.invitations, done.seats)

        return done, change

    def _tell(self, made: Sequence[Event]) -> None:
        """Bring events to whoever may see them, and to what follows from them."""
        gone = {event.what.participant for event in made if isinstance(event.what, e.Left)}
        for connection in tuple(self.connections):
            own = list(project(made, connection.viewer, after=connection.seen))
            if own:
                connection.seen = own[-1].seq
                connection.say("events", events=[event_values(event) for event in own], now=now())
            if connection.viewer.participant in gone:
                connection.close(Close.GONE, "you are no longer in the room")
        kinds = {type(event.what) for event in made}
        if kinds & {
            e.Thrown,
            e.Cleared,
            e.Agreed,
            e.Withdrew,
            e.ConcernRaised,
            e.ConcernAnswered,
            e.ConcernReopened,
        }:
            self.results.changed()
        self.tick()

    # --- the document

    def accept(
        self, update: bytes, by: int, source: Connection | None = None, whole: bool = False
    ) -> Refusal | None:
        """Take an update of the document from someone; the refusal says why not. `whole`: it is the answer to the
        question for all that is missing.

        Raises `yjs.WireError` for what is none, `document.Missing` if it builds on what the room does not have.
        """
        number = 0 if source is None else source.received()
        refusal = may(self.state, "edit", by)
        if refusal is not None:
            # Whoever only reads answers, where asked, that they have nothing: that is no edit.
            return None if update == yjs.EMPTY else refusal

        def saved() -> None:
            if source is not None:
                source.saved(number, whole)

        return self.merge(update, source, saved)

    def merge(
        self, update: bytes, source: Connection | None = None, saved: Callable[[], None] = lambda: None
    ) -> Refusal | None:
        """Take an update, whoever it is from; see `accept`. `saved` is called once it is durable."""
        if self._size + self._bytes + len(update) > self._limits.document and not self._has_room(len(update)):
            most = self._limits.document / 1e6
            return Refusal("full", f"The document with its history has {most:g} MB, and no room has more.")
        try:
            new = self.document.take(update)
        except Broken as error:
            self._fail(error)
            return Refusal("stale", "The document could not take it.", "Come again.")
        if not new:
            # It holds nothing new; what it repeats may still be on its way to the disk.
            self._keep(b"", saved)
            return None
        self._keep(update, saved)
        frame = yjs.update(update)
        for connection in self.connections:
            if connection is not source:
                connection.put(frame)
        for watcher in tuple(self.watchers):
            watcher()
        self.results.changed()
        return None

    def replace_text(self, text: str, by: int) -> Refusal | None:
        """Make the document another text, by the smallest change."""
        return self.accept(self.document.edited(text), by)

    def _has_room(self, more: int) -> bool:
        self._size, self._bytes = len(self.document.snapshot()), 0
        return self._size + more <= self._limits.document

    def _keep(self, update: bytes, saved: Callable[[], None]) -> None:
        name = self.name
        self._pending += 1
        updates = (update,) if update else ()
        future = self._writer.do(lambda db: store.add_updates(db, name, updates))

        def kept(done: asyncio.Future[int]) -> None:
            self._pending -= 1
            if done.cancelled():
                return
            error = done.exception()
            if error is not None:
                self._fail(error)
                return
            saved()
            if not update:
                return
            self._last = done.result()
            self._since += 1
            self._bytes += len(update)
            if self._since >= COMPACT_UPDATES or self._bytes >= COMPACT_BYTES:
                self._compact()

        future.add_done_callback(kept)

    def _compact(self) -> None:
        name, last, snapshot = self.name, self._last, self.document.snapshot()
        self._since, self._bytes, self._size = 0, 0, len(snapshot)
        future = self._writer.do(lambda db: store.compact(db, name, last, snapshot))
        future.add_done_callback(lambda done: done.cancelled() or done.exception())

    # --- who is there

    def enter(self, connection: Connection, seen: int | None) -> None:
        """Let a browser in: it gets the state, or, if it has seen so many events, those that it lacks."""
        viewer = connection.viewer
        mine = list(project(self.log, viewer))
        values: dict[str, object] = {"state": plain(seen_by(self.state, viewer))}
        if seen is not None and seen <= len(mine):
            values = {"events": [event_values(event) for event in mine[seen:]]}
        connection.seen = len(mine)
        connection.say("welcome", room=self.name, you=plain(viewer), seen=len(mine), now=now(), **values)
        first = not self.connections
        self.connections.add(connection)
        if may(self.state, "edit", viewer.participant) is None:
            connection.put(yjs.step1(self.document.vector))
        if (here := self._presences.all()) is not None:
            connection.put(here)
        for slot, message in self.results.latest.items():
            connection.put_latest(slot, message)
        self.tick(connection)
        if first:
            self.results.changed()

    def leave(self, connection: Connection) -> None:
        """A connection has ended; its participant stays in the session."""
        self.connections.discard(connection)
        self.empty_since = time.monotonic()
        if (message := self._presences.gone(connection)) is not None:
            for other in self.connections:
                other.put(message)

    def presence(self, data: bytes, source: Connection) -> None:
        """What a browser says of itself. Raises `yjs.WireError`."""
        message = self._presences.take(data, source, source.viewer.participant)
        if message is not None:
            for connection in self.connections:
                if connection is not source:
                    connection.put(message)

    def tick(self, to: Connection | None = None) -> None:
        """Show everyone, or one, the clock."""
        targets: Iterable[Connection] = self.connections if to is None else (to,)
        if not self.connections:
            return
        moment = now()
        reading = read(self.state.clock, moment)
        message = as_text(
            {
                "type": "clock",
                "now": moment,
                "reading": plain(reading),
                "advice": plain(advice(reading, self._missing)),
                "missing": plain(self._missing),
            }
        )
        for connection in targets:
            connection.put_latest("clock", message)

    @property
    def running(self) -> bool:
        """Whether time passes in it."""
        return self.state.clock.status is Status.RUNNING

    # --- what is computed

    def _job(self) -> QuickJob:
        accord: Accord[int | None] = self.state.accord
        return QuickJob(self.document.text, self.active(), accord)

    def _show(self, slot: str, message: str) -> None:
        for connection in self.connections:
            connection.put_latest(slot, message)

    async def _known(self, text: str, found: Quick) -> None:
        if found.missing != self._missing:
            self._missing = found.missing
            self.tick()
        if found.prints is None or found.prints == self.state.file.prints or may(self.state, "mark", None):
            return
        revision = revision_of(text)
        done = await self.command(Mark(revision, found.prints), None)
        if isinstance(done, Refusal):
            LOG.warning("a room could not be marked: %s", done)
        elif self.state.recording:
            name = self.name
            await self._writer.do(lambda db: store.keep_text(db, name, revision, text))

    # --- the end

    def _fail(self, error: BaseException) -> None:
        if self._alive:
            LOG.error("a room leaves the memory: %s: %s", type(error).__name__, error)
            self.close(Close.AGAIN, "what was sent last could not be kept: come again")
            self._fell()

    def close(self, code: int, reason: str) -> None:
        """End all connections; the room takes no more."""
        self._alive = False
        for connection in tuple(self.connections):
            connection.close(code, reason)
        self._closing = asyncio.ensure_future(self.results.close())
