"""What does a browser say to a room, and hear from it? One WebSocket: binary frames are the document's, in the
protocol of Yjs; text frames are JSON, for the session.

A connection says first whose it is (`hello`); until then it hears nothing. What it sends is read strictly; a message
that is none ends the connection, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from toscale.interview import Refusal
from toscale.interview.codec import CodecError, object_from, parse
from toscale.interview.commands import command_from
from toscale.interview.log import LogError
from toscale.server import yjs
from toscale.server.connection import Bucket, Close, Connection
from toscale.server.document import Missing
from toscale.server.limits import Limits
from toscale.server.messages import Asked, Hello
from toscale.server.room import Room
from toscale.server.rooms import Full, Rooms

__all__ = ["Socket"]

LOG = logging.getLogger("toscale.server")


class _Bad(Exception):
    """The connection is ended, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason[:100]


class Socket:
    """Serves WebSockets; one for the whole process, so that it can count them."""

    def __init__(self, rooms: Rooms, limits: Limits) -> None:
        self._rooms, self._limits = rooms, limits
        self._open = 0

    async def serve(self, web: WebSocket, name: str) -> None:
        """Serve one connection to its end."""
        if self._open >= self._limits.connections:
            await web.close(Close.AGAIN)
            return
        self._open += 1
        try:
            await web.accept()
            await self._serve(web, name)
        except _Bad as bad:
            await _close(web, bad.code, bad.reason)
        except (WebSocketDisconnect, RuntimeError) as gone:
            if isinstance(gone, RuntimeError) and web.application_state is not WebSocketState.DISCONNECTED:
                LOG.info("a connection ended: %s", gone)
        finally:
            self._open -= 1

    async def _serve(self, web: WebSocket, name: str) -> None:
        hello = await self._hello(web)
        room, number = await self._let_in(hello, name)
        connection = self._enter(room, number, hello)
        sending = asyncio.create_task(_send(web, connection))
        receiving = asyncio.create_task(self._receive(web, room, connection))
        # A browser that takes nothing holds up the sending, so that the end must be heard of beside it.
        closing = asyncio.create_task(connection.ended.wait())
        tasks = (sending, receiving, closing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            room.leave(connection)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        if connection.closing is not None:
            raise _Bad(*connection.closing)
        for error in ended:
            if isinstance(error, _Bad):
                raise error
            if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect | RuntimeError):
                LOG.error("a connection failed", exc_info=error)
                raise _Bad(Close.AGAIN, "the server failed: come again")

    # --- coming in

    async def _hello(self, web: WebSocket) -> Hello:
        try:
            message = await asyncio.wait_for(web.receive(), self._limits.hello)
        except TimeoutError:
            raise _Bad(Close.SLOW, "nobody said hello") from None
        text = message.get("text")
        if message["type"] != "websocket.receive" or text is None:
            raise _Bad(Close.MESSAGE, "the first message must be a hello")
        try:
            values = parse(text, self._limits.body)
            if isinstance(values, dict) and values.pop("type", None) != "hello":
                raise CodecError("the first message must be a hello")
            return object_from(
                Hello, {"seen": None, **values} if isinstance(values, dict) else values, "the hello"
            )
        except CodecError as error:
            raise _Bad(Close.MESSAGE, str(error)) from None

    async def _let_in(self, hello: Hello, name: str) -> tuple[Room, int]:
        holder = await self._rooms.holder(hello.token)
        if holder is None or holder.kind != "seat" or holder.room != name:
            raise _Bad(Close.SECRET, "this token lets nobody into this room")
        try:
            room = await self._rooms.get(name)
        except Full as full:
            raise _Bad(Close.AGAIN, str(full)) from None
        except LogError:
            LOG.exception("a room cannot be read")
            raise _Bad(Close.AGAIN, "the room cannot be read") from None
        if room is None or not room.present(holder.number):
            raise _Bad(Close.SECRET, "this token lets nobody into this room")
        return room, holder.number

    def _enter(self, room: Room, number: int, hello: Hello) -> Connection:
        viewer = room.state.participant(number).viewer
        limits = self._limits
        if len(room.connections) >= limits.connections_per_room:
            raise _Bad(Close.MANY, "too many are in this room")
        same = sum(one.viewer == viewer for one in room.connections)
        if same >= limits.connections_per_seat:
            raise _Bad(Close.MANY, "you are here too many times: close other tabs")
        connection = Connection(viewer, limits)
        room.enter(connection, hello.seen)
        return connection

    # --- hearing

    async def _receive(self, web: WebSocket, room: Room, connection: Connection) -> None:
        limits = self._limits
        messages = Bucket(limits.messages_per_second, limits.messages_burst)
        sizes = Bucket(limits.bytes_per_second, limits.bytes_burst)
        while True:
            message = await web.receive()
            if message["type"] == "websocket.disconnect":
                return
            data, text = message.get("bytes"), message.get("text")
            size = len(data) if data is not None else len(text or "")
            wait = max(messages.take(), sizes.take(size))
            if wait > 0:  # what it sends waits in its own pipe
                await asyncio.sleep(wait)
            if data is not None:
                self._binary(data, room, connection)
            else:
                await self._text(text or "", room, connection)
            await asyncio.sleep(0)

    def _binary(self, data: bytes, room: Room, connection: Connection) -> None:
        try:
            message = yjs.read_message(data)
            if message.kind == "presence":
                room.presence(message.data, connection)
            elif message.kind == "step1":
                connection.put(yjs.step2(room.document.lacking(message.data)))
            else:
                whole = message.kind == "step2"
                refusal = room.accept(message.data, connection.viewer.participant, connection, whole)
                if refusal is not None:
                    connection.put(yjs.denied(str(refusal)))
        except Missing:
            connection.put(yjs.step1(room.document.vector))
        except yjs.WireError as error:
            raise _Bad(Close.MESSAGE, f"the message cannot be read: {error}") from None

    async def _text(self, text: str, room: Room, connection: Connection) -> None:
        try:
            values = parse(text, self._limits.body)
            if isinstance(values, dict) and values.get("type") == "command":
                rest = {key: value for key, value in values.items() if key != "type"}
                asked = object_from(Asked, {"id": rest.pop("id", None)}, "the message")
                command = command_from(rest.pop("command", None))
                if rest:
                    raise CodecError(f"the message has no {next(iter(rest))!r}")
            else:
                raise CodecError("a message has the type `command`")
        except CodecError as error:
            raise _Bad(Close.MESSAGE, f"the message cannot be read: {error}") from None
        done = await room.command(command, connection.viewer.participant)
        if isinstance(done, Refusal):
            refused = {"code": done.code, "why": done.why, "instead": done.instead}
            connection.say("reply", id=asked.id, refused=refused)
        else:
            invitations = [{"invitation": number, "secret": s} for number, s in done.invitations.items()]
            connection.say("reply", id=asked.id, refused=None, invitations=invitations)


async def _send(web: WebSocket, connection: Connection) -> None:
    while True:
        message = await connection.next()
        if message is None:
            return
        if isinstance(message, str):
            await web.send_text(message)
        else:
            await web.send_bytes(message)


async def _close(web: WebSocket, code: int, reason: str) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        await asyncio.wait_for(web.close(code, reason), 5)
