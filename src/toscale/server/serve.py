"""How is a server started and ended? Its address, its folder, the room of a file, and what is printed for the host."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from toscale.interview.roles import Role, SessionKind
from toscale.server.app import Running, Settings, make_app
from toscale.server.disk import Unfit, read_text
from toscale.server.guard import Names
from toscale.server.limits import Limits, LimitsError
from toscale.server.migrations import NewerDatabase
from toscale.server.rooms import Full
from toscale.server.store import InUse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CannotServe", "Options", "data_folder", "serve"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANYWHERE = ("0.0.0.0", "::")


class CannotServe(Exception):
    """The server cannot be started; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a server is to be started. `port` 0 takes a free one; `file` is the design of its first room."""

    host: str = "127.0.0.1"
    port: int = 8642
    file: Path | None = None
    kind: SessionKind = SessionKind.REVIEW
    role: Role = Role.INTERVIEWER
    new: bool = False
    data: Path | None = None
    origins: Sequence[str] = ()
    simulations: int = 1


def data_folder() -> Path:
    """Where rooms are kept, as the system has it; `TOSCALE_DATA` names another folder."""
    if named := os.environ.get("TOSCALE_DATA"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "ToScale"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "toscale"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "toscale"


def serve(options: Options, say: Callable[[str], None]) -> None:
    """Serve until interrupted. `say` prints a line for the host. Raises `CannotServe`."""
    logging.basicConfig(level=logging.WARNING, format="toscale: %(message)s", stream=sys.stderr)
    listening = _listen(options)
    address = listening.getsockname()
    failed: list[CannotServe] = []
    try:
        names = Names(_called(options.host), address[1], options.origins)
        limits = Limits.of()
    except (ValueError, LimitsError) as error:
        listening.close()
        raise CannotServe(str(error)) from None
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    base = options.origins[0].rstrip("/") if options.origins else f"http://{shown}:{address[1]}"

    async def ready(running: Running) -> None:
        await _ready(options, limits, running, base, say)

    app = make_app(Settings(options.data or data_folder(), names, limits, options.simulations), ready)
    config = uvicorn.Config(
        _telling(app, failed),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=limits.message,
        ws_per_message_deflate=False,  # what is secret and what is not in one stream: lengths would tell
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    try:
        asyncio.run(server.serve(sockets=[listening]))
    except KeyboardInterrupt:
        pass  # the usual end: uvicorn has closed everything, and hands the signal on
    except SystemExit:
        if not failed:
            raise
    finally:
        listening.close()
    if failed:
        raise failed[0]


async def _ready(
    options: Options, limits: Limits, running: Running, base: str, say: Callable[[str], None]
) -> None:
    rooms = running.rooms
    if options.file is not None:
        path = options.file.resolve()
        text = await asyncio.to_thread(read_text, path, limits.file)
        made = None if options.new else await rooms.of_file(str(path))
        if made is None:
            title = path.name.removesuffix(".yaml").removesuffix(".design") or path.name
            made = await rooms.create(options.kind, title, options.role, text, path=str(path))
        await running.watch(made.room)
        say(f"Room of {options.file}, for its host: {base}/#join={made.invitation}")
    say(f"To make rooms: {base}/#key={running.key}")
    say(f"Serving on {base} (its interface: {base}/api/openapi.json). Press Ctrl-C to end.")


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((options.host, options.port))
        listening.listen(2_048)  # whoever reads the address and comes at once waits, and is not turned away
        listening.set_inheritable(False)
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or str(error)
        raise CannotServe(
            f"cannot serve on {options.host}, port {options.port}: {why.lower()}. Name another with --port, or "
            "--port 0 for a free one"
        ) from None
    return listening


def _called(host: str) -> Sequence[str]:
    return LOOPBACK if host in (*LOOPBACK, *ANYWHERE) else (host, *LOOPBACK)


def _telling(app: ASGIApp, failed: list[CannotServe]) -> ASGIApp:
    """The application, keeping what its start raises: uvicorn would print it whole and tell nobody."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        said: list[Message] = []

        async def sending(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                said.append(message)  # a whole traceback
            else:
                await send(message)

        try:
            await app(scope, receive, sending)
        except (InUse, NewerDatabase, Full, Unfit, OSError, sqlite3.Error, ValueError) as error:
            failed.append(CannotServe(str(error)))
            said = [{"type": "lifespan.startup.failed", "message": ""}]
        for message in said:
            await send(message)

    return told
