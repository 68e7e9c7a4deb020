"""What may a browser send over the WebSocket as text? A hello, then commands with a number of the browser's own.

`{"type": "hello", "token": "...", "seen": 12}` and `{"type": "command", "id": 3, "command": {"command": "ask", ...}}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toscale.interview.codec import Within

__all__ = ["Asked", "Hello"]

_Token = Annotated[str, Within(1, 100)]
_Count = Annotated[int, Within(0, 10_000_000)]


@dataclass(frozen=True, slots=True)
class Hello:
    """Whose connection it is, and how many events of its own numbering the browser has (None: it wants the state)."""

    token: _Token
    seen: _Count | None


@dataclass(frozen=True, slots=True)
class Asked:
    """The browser's number of a command, which the reply repeats."""

    id: _Count
