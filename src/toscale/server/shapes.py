"""What do requests and answers over HTTP look like? The shapes from which the OpenAPI description is made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from toscale.interview.roles import Role, SessionKind
from toscale.interview.times import MINUTE

__all__ = [
    "Created",
    "Health",
    "Invitation",
    "Joined",
    "NewInvitation",
    "NewJoin",
    "NewRoom",
    "Problem",
    "Replaced",
    "RoomView",
]

# No control characters, no halves of characters: what the log can hold.
_Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"
    ),
]
_Secret = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Refused(_Shape):
    """Why a request came to nothing: `why` is the cause and `instead` the mend."""

    code: str
    why: str
    instead: str = ""


class Problem(_Shape):
    """A refusal."""

    error: Refused


class Health(_Shape):
    """The server answers."""

    status: Literal["ok"] = "ok"
    version: str


class NewRoom(_Shape):
    """A room to be made. `length` is in minutes; `text` is its first design."""

    title: _Line
    kind: SessionKind = SessionKind.INTERVIEW
    host: Role = Role.INTERVIEWER
    length: Annotated[int, Field(ge=5, le=720)] | None = None
    accommodation: Literal[100, 125, 150, 200] = 100
    text: Annotated[str, StringConstraints(max_length=900_000)] = ""

    @property
    def milliseconds(self) -> int | None:
        return None if self.length is None else self.length * MINUTE


class Created(_Shape):
    """A room that was made, and the secret of the host's invitation, which is shown this once."""

    room: str
    invitation: str


class NewJoin(_Shape):
    """Someone comes by an invitation: its secret, and what they want to be called."""

    invitation: _Secret
    name: _Line


class Joined(_Shape):
    """A seat in a room. `token` is shown this once: it is what the browser says hello with."""

    room: str
    participant: int
    role: Role
    host: bool
    token: str


class NewInvitation(_Shape):
    """An invitation to be made."""

    role: Role
    label: _Line


class Invitation(_Shape):
    """An invitation that was made. Its secret is shown this once."""

    invitation: int
    secret: str


class Replaced(_Shape):
    """The text of the room after it was replaced."""

    revision: str


class RoomView(_Shape):
    """A room as its reader may see it: the state of the session, the clock, and the latest results by slot."""

    room: str
    you: dict[str, Any]
    now: int
    seen: int
    state: dict[str, Any]
    clock: dict[str, Any]
    results: dict[str, Any]
