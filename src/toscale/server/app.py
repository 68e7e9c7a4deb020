"""What is the whole server? The rooms with what they stand on, the routes, the pages, and the guard before all."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from toscale.server import store
from toscale.server.capabilities import fresh, hashed
from toscale.server.disk import WatchedFile
from toscale.server.guard import Guard, Names, refusal_json
from toscale.server.limits import Limits
from toscale.server.results import Compute
from toscale.server.rooms import Rooms
from toscale.server.routes import Refused, answer, make_router
from toscale.server.socket import Socket
from toscale.server.workers import Workers
from toscale.server.writer import Writer

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["Running", "Settings", "make_app"]

STATIC = Path(__file__).parent / "static"
"""Where the browser's files lie: `index.html` and what it loads. The build puts them here."""

DESCRIPTION = """\
Rooms for the four-step system design interview. Show the token of your seat as a bearer; only making a room needs the
server's key. Over `/api/rooms/{room}/socket` the document and the session are live: docs/server.md describes it.
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is started. `simulations` is how many run at once."""

    data: Path
    names: Names
    limits: Limits = field(default_factory=Limits)
    simulations: int = 1


@dataclass(frozen=True, slots=True)
class Running:
    """What whoever has started the server gets: its rooms, its key, and how to watch a file."""

    rooms: Rooms
    key: str
    watch: Callable[[str], Awaitable[None]]


def make_app(settings: Settings, ready: Callable[[Running], Awaitable[None]]) -> ASGIApp:
    """The server as an ASGI application. `ready` is awaited when it can be used, before it answers.

    What keeps it from starting is raised by its start: `store.InUse`, `migrations.NewerDatabase`, OSError.
    """
    key = fresh()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        limits = settings.limits
        writer = Writer(await asyncio.to_thread(store.open_database, settings.data))
        compute = Compute(Workers(1, "warm quick"), Workers(settings.simulations, "warm simulation"))
        rooms = Rooms(writer, compute, limits)
        watched: list[WatchedFile] = []

        async def watch(name: str) -> None:
            room = await rooms.get(name)
            kept = await writer.do(lambda db: store.room(db, name))
            if room is None or kept is None or kept.file is None:
                raise ValueError("only a room that was made of a file has one to watch")
            watched.append(
                WatchedFile(
                    lambda: rooms.get(name), Path(kept.file.path), kept.file.base, writer, limits.file
                )
            )

        kept_key = hashed(key)
        assert kept_key is not None
        app.include_router(make_router(rooms, Socket(rooms, limits), kept_key))
        try:
            await ready(Running(rooms, key, watch))
            yield
        finally:
            await asyncio.gather(*(file.close() for file in watched))
            await rooms.close()
            await compute.close()
            await writer.close()

    app = FastAPI(
        title="ToScale",
        version=version("toscale"),
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # these pages load scripts from elsewhere, and run them inline
        redoc_url=None,
        lifespan=life,
    )
    # Not mounted: a mount at the root would answer for each path of the API that is asked in a wrong way.
    app.router.default = StaticFiles(directory=STATIC, html=True)
    _answer_refusals(app)
    mimetypes.add_type("text/javascript", ".js")  # what Windows has in its registry may be another
    return Guard(app, settings.names, settings.limits)


def _answer_refusals(app: FastAPI) -> None:
    """Every refusal has the same form, and repeats nothing of what was sent: it may have held a secret."""

    @app.exception_handler(Refused)
    async def refused(_request: Request, error: Refused) -> JSONResponse:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5])
        return JSONResponse(refusal_json("value", said, "See /api/openapi.json."), 422)

    @app.exception_handler(HTTPException)
    async def other(_request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse(refusal_json("http", str(error.detail)), error.status_code, error.headers)
