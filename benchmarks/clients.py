"""What benchmarks and tests of the server share: a real server in a process of its own, and
clients that speak its protocol.

A `Client` is a browser without a screen: a Yjs document of its own that it may type into at any time, online or not,
and the events that it was sent. It keeps every byte that it received.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import IO, Any, Self, TypeAlias

from pycrdt import Doc, Text, TransactionEvent
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from toscale.server import yjs
from toscale.server.document import ROOT

LIMITS = "requests_per_second=5000 requests_burst=20000"


Headers: TypeAlias = Message
Values: TypeAlias = dict[str, Any]


class Server:
    """`toscale serve` as a user starts it, on a port that stays the same through restarts."""

    def __init__(self, data: Path, *arguments: str, limits: str = LIMITS, port: int = 0) -> None:
        self.data, self.arguments, self.limits, self.port = data, arguments, limits, port
        self.lines: list[str] = []
        self.start()

    def start(self) -> None:
        command = [
            sys.executable,
            "-c",
            "import sys; from toscale.cli import main; sys.exit(main())",
            "serve",
        ]
        command += ["--port", str(self.port), "--data", str(self.data), *self.arguments]
        environment = {**os.environ, "TOSCALE_LIMITS": self.limits, "PYTHONUNBUFFERED": "1"}
        self.errors = (self.data.parent / f"{self.data.name}.err").open("a")
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment,
            text=True,
            cwd=self.data.parent,
        )
        assert self.process.stdout is not None
        self.output: IO[str] = self.process.stdout
        self.lines = []
        for line in self.output:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Serving on "):
                break
        else:
            raise AssertionError(f"the server did not start: {self.stderr}")
        self.base = self.lines[-1].split()[2]
        self.port = int(self.base.rsplit(":", 1)[1])

    @property
    def stderr(self) -> str:
        return (self.data.parent / f"{self.data.name}.err").read_text()

    @property
    def key(self) -> str:
        return next(line for line in self.lines if "#key=" in line).split("#key=")[1]

    @property
    def host_secret(self) -> str:
        return next(line for line in self.lines if "#join=" in line).split("#join=")[1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.output.close()
        self.errors.close()

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Meanwhile it stands still."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        self.output.close()
        self.errors.close()

    # --- HTTP

    def ask(
        self,
        method: str,
        path: str,
        values: object = None,
        token: str | None = None,
        data: bytes | None = None,
    ) -> tuple[int, Headers, Any]:
        """Status, headers and body of an answer; the body as values where it is JSON."""
        body = data if data is not None else None if values is None else json.dumps(values).encode()
        request = urllib.request.Request(self.base + path, data=body, method=method)
        request.add_header("content-type", "application/json" if data is None else "application/yaml")
        if token is not None:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return self._answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return self._answer(error.code, error.headers, error.read())

    @staticmethod
    def _answer(status: int, headers: Headers, body: bytes) -> tuple[int, Headers, Any]:
        is_json = headers.get("content-type", "").startswith("application/json")
        return status, headers, json.loads(body) if is_json and body else body

    def create(self, text: str = "", **values: object) -> dict[str, str]:
        """A new room, and the secret of its host's invitation."""
        values = {"title": "A room", "text": text, **values}
        status, _, made = self.ask("POST", "/api/rooms", values, token=self.key)
        assert status == 201, made
        return dict(made)

    def join(self, secret: str, name: str = "Ann") -> Seat:
        """A seat, by an invitation."""
        status, _, seat = self.ask("POST", "/api/join", {"invitation": secret, "name": name})
        assert status == 201, seat
        return Seat(**seat)

    def invite(self, host: Seat, role: str, label: str = "a link") -> Values:
        """An invitation that the host makes, with its secret."""
        path = f"/api/rooms/{host.room}/invitations"
        status, _, made = self.ask("POST", path, {"role": role, "label": label}, token=host.token)
        assert status == 201, made
        return dict(made)

    def seats(
        self, text: str = "", roles: Sequence[str] = ("candidate", "candidate"), **values: object
    ) -> list[Seat]:
        """A new room's host, and one more seat for each role."""
        host = self.join(self.create(text, **values)["invitation"], "Host")
        return [
            host,
            *(self.join(self.invite(host, role)["secret"], f"{role} {n}") for n, role in enumerate(roles)),
        ]

    def file(self, seat: Seat) -> str:
        status, _, body = self.ask("GET", f"/api/rooms/{seat.room}/file", token=seat.token)
        assert status == 200
        return str(body.decode())


@dataclass
class Seat:
    """A seat in a room, as `POST /api/join` answers."""

    room: str
    participant: int
    role: str
    host: bool
    token: str


@dataclass(eq=False)
class Client:
    """A browser without a screen: see the module."""

    server: Server
    seat: Seat
    quiet: bool = False  # keeps no message and no frame: for long runs
    received: list[bytes] = field(default_factory=list)  # every frame, of all connections
    messages: list[Values] = field(default_factory=list)
    events: list[Values] = field(default_factory=list)
    state: Values | None = None
    seen: int = 0
    codes: list[int] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.doc: Doc[Text] = Doc()
        self.text: Text = self.doc.get(ROOT, type=Text)
        self.applying = False
        self.heard = asyncio.Event()  # something of others came
        self.updated = 0.0  # when it did
        self.counts: dict[str, int] = {}  # messages by their type
        self.synced = asyncio.Event()
        self.web: ClientConnection | None = None
        self.unsent: asyncio.Queue[bytes] = asyncio.Queue()
        self.sent = self.saved = 0
        self.presence: asyncio.Queue[list[yjs.Presence]] = asyncio.Queue()
        self.asked = 0
        self.replies: dict[int, asyncio.Future[Values]] = {}
        self._watch = self.doc.observe(self._changed)
        self.task: asyncio.Task[None] | None = None
        self.stopping = False

    def _changed(self, event: TransactionEvent) -> None:
        if not self.applying:
            self.unsent.put_nowait(event.update)

    @property
    def content(self) -> str:
        return str(self.text)

    def type(self, characters: str, at: float = 1.0) -> None:
        """Insert at a share of the text's length (in ASCII, so that bytes are characters)."""
        self.text.insert(int(len(self.text) * at), characters)

    # --- the connection

    async def once(self, hello: bool = True) -> int | None:
        """Be connected once, until the connection ends; its code."""
        address = f"ws://127.0.0.1:{self.server.port}/api/rooms/{self.seat.room}/socket"
        async with connect(address, max_size=None, compression=None, close_timeout=1, open_timeout=10) as web:
            self.web, self.sent, self.saved = web, 0, 0
            self.unsent = (
                asyncio.Queue()
            )  # what was typed before goes into the answer to the server's question
            self.synced.clear()
            sending = None
            try:
                if hello:
                    seen = self.seen if self.state is not None else None
                    await web.send(json.dumps({"type": "hello", "token": self.seat.token, "seen": seen}))
                    await web.send(yjs.step1(self.doc.get_state()))
                sending = asyncio.create_task(self._send(web))
                async for frame in web:
                    if not self.quiet:
                        self.received.append(frame.encode() if isinstance(frame, str) else frame)
                    if isinstance(frame, str):
                        if self.quiet and frame.startswith(
                            '{"type":"results"'
                        ):  # 10 kB, read by other machines
                            self.counts["results"] = self.counts.get("results", 0) + 1
                            continue
                        self._heard(json.loads(frame))
                    else:
                        await self._frame(frame, web)
            except ConnectionClosed:
                pass
            finally:
                if sending is not None:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
                self.web = None
        self.codes.append(web.close_code or 1006)
        return web.close_code

    async def stay(self) -> None:
        """Connect again and again, as a browser does."""
        while not self.stopping:
            try:
                code = await self.once()
                if code in (4401, 4403, 4410):
                    return
            except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError):
                pass
            await asyncio.sleep(0.05)

    def begin(self) -> Self:
        """Stay connected from now on."""
        self.task = asyncio.create_task(self.stay())
        return self

    async def end(self) -> None:
        """Be gone, and stay away."""
        self.stopping = True
        if self.web is not None:
            await self.web.close()
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def cut(self) -> None:
        """Lose the connection without a word."""
        if self.web is not None:
            self.web.transport.abort()

    async def _send(self, web: ClientConnection) -> None:
        await self.synced.wait()
        while True:
            update = await self.unsent.get()
            self.sent += 1
            await web.send(yjs.update(update))

    async def _frame(self, frame: bytes, web: ClientConnection) -> None:
        kind = frame[0]
        if kind == yjs.SYNC:
            message = yjs.read_message(frame)
            if message.kind == "step1":
                self.unsent = asyncio.Queue()
                self.sent += 1
                await web.send(yjs.step2(self.doc.get_update(message.data)))
                self.synced.set()
            else:
                self.applying = True
                self.doc.apply_update(message.data)
                self.applying = False
                self.updated = time.perf_counter()
                self.heard.set()
        elif kind == yjs.SAVED:
            self.saved = yjs._Reader(frame[1:]).number()
        elif kind == yjs.AWARENESS:
            self.presence.put_nowait(list(yjs.read_presence(yjs.read_message(frame).data)))
        elif kind == yjs.AUTH:
            self.denied.append(frame[3:].decode())

    def _heard(self, message: Values) -> None:
        self.counts[message["type"]] = self.counts.get(message["type"], 0) + 1
        if not self.quiet:
            self.messages.append(message)
        if message["type"] == "welcome":
            if "state" in message:
                self.state = message["state"]
            self.events += message.get("events", [])
            self.seen = message["seen"]
        elif message["type"] == "events":
            self.events += message["events"]
            self.seen = message["events"][-1]["seq"]
        elif message["type"] == "reply" and message["id"] in self.replies:
            self.replies.pop(message["id"]).set_result(message)

    async def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (
                f"it did not come to be: {str(self.messages[-3:])[:1000]} {self.codes}"
            )
            await asyncio.sleep(0.01)

    async def connected(self) -> Self:
        """Wait until it is in the room."""
        await self.until(lambda: self.web is not None and self.state is not None)
        return self

    async def command(self, name: str, **values: object) -> Values:
        """The reply to a command."""
        assert self.web is not None
        self.asked += 1
        future = asyncio.get_running_loop().create_future()
        self.replies[self.asked] = future
        message = {"type": "command", "id": self.asked, "command": {"command": name, **values}}
        await self.web.send(json.dumps(message))
        return await asyncio.wait_for(future, 20)

    def latest(self, kind: str) -> Any:
        """The last message of a type, None if there was none."""
        found = [message for message in self.messages if message["type"] == kind]
        return found[-1] if found else None

    @property
    def everything(self) -> bytes:
        return b"\n".join(self.received)


def whole(client: Client) -> bool:
    """Whether all that a client has typed is on the server's disk."""
    return client.synced.is_set() and client.unsent.empty() and client.saved == client.sent
