"""What can be asked over HTTP? Rooms, invitations, the file and the log; each answer as its reader may see it.

Who asks shows a secret as `Authorization: Bearer ...`: the server's key to make a room, the token of their seat for
all else. Nothing secret is ever part of an address, so none comes into a log or a history.

FastAPI reads the annotations below when the routes are made: they must not be postponed here.
"""

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Response, WebSocket
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from toscale.interview import Refusal, project, seen_by
from toscale.interview.clock import read
from toscale.interview.codec import plain
from toscale.interview.commands import Command, Invite, Join, Leave, Revoke, Rotate
from toscale.interview.decider import may
from toscale.interview.log import LogError, encode
from toscale.interview.state import Participant
from toscale.server import shapes
from toscale.server.capabilities import fits
from toscale.server.document import revision_of
from toscale.server.guard import refusal_json
from toscale.server.room import Done, Room, now
from toscale.server.rooms import Full, Rooms
from toscale.server.socket import Socket

__all__ = ["Refused", "answer", "make_router"]

YAML = "application/yaml; charset=utf-8"
LINES = "application/x-ndjson; charset=utf-8"
STATUS = {"role": 403, "time": 409, "stale": 409, "value": 409, "full": 409}

RoomName = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Number = Annotated[int, Path(ge=1, le=1_000_000)]


def _says(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route can refuse with: `statuses`, and what every one can."""
    why = {
        400: "The body cannot be read.",
        401: "Whoever asks has shown no secret, or one that lets nobody in.",
        403: "It is not theirs to do; or the request comes from a page elsewhere.",
        404: "There is nothing of that name.",
        409: "It cannot be so now.",
        413: "The request is too large.",
        415: "The text is no UTF-8.",
        421: "The server is not called so.",
        422: "The request is not what it should be.",
        429: "Too many requests come from this address.",
        503: "No more rooms can be in use.",
    }
    return {
        status: {"model": shapes.Problem, "description": why[status]}
        for status in {400, 403, 413, 421, 429, *statuses}
    }


class Refused(Exception):
    """A request is refused, with a status."""

    def __init__(self, status: int, code: str, why: str, instead: str = "") -> None:
        super().__init__(why)
        self.status, self.values = status, refusal_json(code, why, instead)


@dataclass(frozen=True, slots=True)
class Seat:
    """Who asks: a participant of a room."""

    room: Room
    one: Participant


def make_router(rooms: Rooms, socket: Socket, key: bytes) -> APIRouter:
    """All routes under /api. `key` is the hash of the server's key, by which rooms are made."""
    router = APIRouter(prefix="/api")
    bearer = HTTPBearer(auto_error=False, description="The server's key, or the token of a seat.")
    Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]

    async def seat(room: RoomName, shown: Bearer) -> Seat:
        holder = None if shown is None else await rooms.holder(shown.credentials)
        if holder is None or holder.kind != "seat" or holder.room != room:
            raise Refused(
                401, "secret", "This token lets nobody into this room.", "Join by an invitation link."
            )
        found = await _loaded(rooms, room)
        if not found.present(holder.number):
            raise Refused(
                401, "secret", "This token lets nobody into this room.", "Join by an invitation link."
            )
        return Seat(found, found.state.participant(holder.number))

    Seated = Annotated[Seat, Depends(seat)]

    @router.get("/health", responses=_says())
    async def health() -> shapes.Health:
        """Whether the server answers, and in which version."""
        return shapes.Health(version=version("toscale"))

    @router.post("/rooms", status_code=201, responses=_says(401, 422, 503))
    async def create_room(new: shapes.NewRoom, shown: Bearer) -> shapes.Created:
        """Make a room. It needs the server's key, which `toscale serve` prints."""
        if shown is None or not fits(shown.credentials, key):
            raise Refused(
                401, "secret", "Only whoever has the server's key makes rooms.", "`toscale serve` prints it."
            )
        try:
            made = await rooms.create(
                new.kind,
                new.title,
                new.host,
                _text(new.text),
                factor=new.accommodation,
                length=new.milliseconds,
            )
        except Full as full:
            raise Refused(503, "full", str(full)) from None
        except ValueError as error:
            raise Refused(422, "value", f"{error}") from None
        return shapes.Created(room=made.room, invitation=made.invitation)

    @router.post("/join", status_code=201, responses=_says(401, 409, 422, 503))
    async def join(new: shapes.NewJoin) -> shapes.Joined:
        """Take a seat in the room that an invitation is for."""
        holder = await rooms.holder(new.invitation)
        if holder is None or holder.kind != "invitation":
            raise Refused(
                401, "secret", "This invitation is not, or no longer, open.", "Ask the host for a new link."
            )
        room = await _loaded(rooms, holder.room)
        done = _done(await room.command(Join(new.name, holder.number), None))
        ((number, token),) = done.seats.items()
        one = room.state.participant(number)
        return shapes.Joined(room=room.name, participant=number, role=one.role, host=one.host, token=token)

    @router.get("/rooms/{room}", responses=_says(401, 422, 503))
    async def read_room(seated: Seated) -> shapes.RoomView:
        """The room as whoever asks may see it."""
        room, viewer, moment = seated.room, seated.one.viewer, now()
        return shapes.RoomView(
            room=room.name,
            you=plain(viewer),
            now=moment,
            seen=sum(1 for _ in project(room.log, viewer)),
            state=plain(seen_by(room.state, viewer)),
            clock=plain(read(room.state.clock, moment)),
            results={slot: json.loads(message) for slot, message in room.results.latest.items()},
        )

    @router.delete("/rooms/{room}", status_code=204, responses=_says(401, 422, 503))
    async def erase_room(seated: Seated) -> Response:
        """Erase the room with everything in it, for good. The host may."""
        if not seated.one.host:
            raise Refused(403, "role", "Only the host can erase a room.")
        await rooms.erase(seated.room)
        return Response(status_code=204)

    @router.post("/rooms/{room}/leave", status_code=204, responses=_says(401, 409, 422, 503))
    async def leave(seated: Seated) -> Response:
        """Leave the room for good: the token lets nobody in any more."""
        _done(await seated.room.command(Leave(), seated.one.number))
        return Response(status_code=204)

    # --- invitations

    @router.post("/rooms/{room}/invitations", status_code=201, responses=_says(401, 409, 422, 503))
    async def invite(seated: Seated, new: shapes.NewInvitation) -> shapes.Invitation:
        """Make an invitation for a role. The host may."""
        return _invitation(await _command(seated, Invite(new.role, new.label)))

    @router.post(
        "/rooms/{room}/invitations/{invitation}/rotate", status_code=201, responses=_says(401, 409, 422, 503)
    )
    async def rotate(seated: Seated, invitation: Number) -> shapes.Invitation:
        """Put a new link in the place of an invitation: who came by the old one stays."""
        return _invitation(await _command(seated, Rotate(invitation)))

    @router.delete(
        "/rooms/{room}/invitations/{invitation}", status_code=204, responses=_says(401, 409, 422, 503)
    )
    async def revoke(seated: Seated, invitation: Number) -> Response:
        """Close an invitation, and put out all who came by it."""
        await _command(seated, Revoke(invitation))
        return Response(status_code=204)

    # --- the file and the log

    @router.get(
        "/rooms/{room}/file",
        response_class=Response,
        responses={**_says(401, 422, 503), 200: {"content": {YAML: {"schema": {}}}}},
    )
    async def read_file(seated: Seated) -> Response:
        """The design, as a file to be kept."""
        text = seated.room.document.text
        headers = {
            "content-disposition": 'attachment; filename="system.design.yaml"',
            "etag": f'"{revision_of(text)}"',
        }
        return Response(text.encode("utf-8"), media_type=YAML, headers=headers)

    @router.put("/rooms/{room}/file", responses=_says(401, 409, 415, 422, 503))
    async def replace_file(
        seated: Seated, body: Annotated[bytes, Body(media_type="application/yaml")]
    ) -> shapes.Replaced:
        """Put a text in the place of the design, by the smallest change: cursors and comments stay where they can.
        It is merged with what others type meanwhile.
        """
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(415, "text", "The file is no UTF-8.", "Save it as UTF-8.") from None
        refusal = seated.room.replace_text(_text(text), seated.one.number)
        if refusal is not None:
            raise _refused(refusal)
        return shapes.Replaced(revision=revision_of(seated.room.document.text))

    @router.get(
        "/rooms/{room}/log",
        response_class=Response,
        responses={**_says(401, 422, 503), 200: {"content": {LINES: {"schema": {"type": "string"}}}}},
    )
    async def read_log(seated: Seated) -> Response:
        """All that happened, as whoever asks may see it: an event a line."""
        lines = "".join(f"{encode(event)}\n" for event in project(seated.room.log, seated.one.viewer))
        headers = {"content-disposition": 'attachment; filename="session.jsonl"'}
        return Response(lines.encode("utf-8"), media_type=LINES, headers=headers)

    @router.websocket("/rooms/{room}/socket")
    async def room_socket(web: WebSocket, room: str) -> None:
        await socket.serve(web, room)

    return router


async def _loaded(rooms: Rooms, name: str) -> Room:
    try:
        room = await rooms.get(name)
    except (Full, LogError) as error:
        why = str(error) if isinstance(error, Full) else "The room cannot be read."
        raise Refused(503, "full", why) from None
    if room is None:
        raise Refused(401, "secret", "There is no such room any more.")
    return room


async def _command(seated: Seat, command: Command) -> Done:
    refusal = may(seated.room.state, command.NAME, seated.one.number)
    if refusal is not None:
        raise _refused(refusal)
    return _done(await seated.room.command(command, seated.one.number))


def _done(done: Done | Refusal) -> Done:
    if isinstance(done, Refusal):
        raise _refused(done)
    return done


def _refused(refusal: Refusal) -> Refused:
    return Refused(STATUS[refusal.code], refusal.code, refusal.why, refusal.instead)


def _invitation(done: Done) -> shapes.Invitation:
    ((number, secret),) = done.invitations.items()
    return shapes.Invitation(invitation=number, secret=secret)


def _text(text: str) -> str:
    """A text that a document can hold. Raises `Refused`."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Refused(422, "value", "The text holds what is no character of a text.")
    return text


def answer(refused: Refused) -> JSONResponse:
    """The answer to a request that is refused."""
    headers = {"www-authenticate": "Bearer"} if refused.status == 401 else None
    return JSONResponse(refused.values, refused.status, headers)
