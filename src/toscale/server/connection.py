"""How does a message reach a browser that may be slow, asleep or gone? Through a bounded queue of its own.

What must arrive in order waits in line; of what is only worth something while it is new (results, the clock) the
latest waits. A browser that lets too much pile up is cut off: it comes again, and catches up from what is kept.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from typing import Any

from toscale.interview.roles import Viewer
from toscale.server.limits import Limits
from toscale.server.yjs import saved

__all__ = ["Bucket", "Close", "Connection", "as_text"]


class Close:
    """Why a connection is ended: the codes of WebSocket, and ours from 4400 on."""

    RESTART = 1012
    AGAIN = 1013
    MESSAGE = 4400
    SECRET = 4401
    GONE = 4403
    SLOW = 4408
    MANY = 4409
    ERASED = 4410


def as_text(values: object) -> str:
    """A message as JSON, on one line. Raises ValueError for what no JSON can say."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Connection:
    """One browser's way into a room. `seen` counts the events that it has been sent, of those it may see."""

    def __init__(self, viewer: Viewer, limits: Limits) -> None:
        self.viewer = viewer
        self.seen = 0
        self._received = 0
        self._unsaved: set[int] = set()
        self._limits = limits
        self._line: deque[str | bytes] = deque()
        self._latest: dict[str, str | bytes] = {}
        self._waiting = 0
        self._wake = asyncio.Event()
        self.closing: tuple[int, str] | None = None
        self.ended = asyncio.Event()

    def put(self, message: str | bytes) -> None:
        """Send this, after all that was put before."""
        if self.closing is not None:
            return
        self._line.append(message)
        self._waiting += len(message)
        limits = self._limits
        if len(self._line) > limits.backlog or self._waiting > limits.backlog_bytes:
            self.close(Close.SLOW, "too much waited to be sent")
        self._wake.set()

    def put_latest(self, slot: str, message: str | bytes) -> None:
        """Send this, unless something newer for the same slot comes before it was sent."""
        if self.closing is None:
            self._latest.pop(slot, None)
            self._latest[slot] = message
            self._wake.set()

    def say(self, kind: str, **values: Any) -> None:
        """Send values as a JSON message of a type."""
        self.put(as_text({"type": kind, **values}))

    def close(self, code: int, reason: str) -> None:
        """End it; what still waits is not sent."""
        if self.closing is None:
            self.closing = (code, reason)
            self._line.clear()
            self._latest.clear()
            self._wake.set()
            self.ended.set()

    # --- which of its updates are durable

    def received(self) -> int:
        """Count one more update that it has sent; its number."""
        self._received += 1
        self._unsaved.add(self._received)
        return self._received

    def saved(self, number: int, whole: bool) -> None:
        """An update is durable; `whole`: it held all that was sent until then, also what could not be taken."""
        self._unsaved = {one for one in self._unsaved if (one > number if whole else one != number)}
        first = min(self._unsaved, default=self._received + 1)
        self.put_latest("saved", saved(first - 1))

    async def next(self) -> str | bytes | None:
        """The next message to be sent, None once it is to be closed."""
        while True:
            if self.closing is not None:
                return None
            if self._line:
                message = self._line.popleft()
                self._waiting -= len(message)
                return message
            if self._latest:
                return self._latest.pop(next(iter(self._latest)))
            self._wake.clear()
            await self._wake.wait()


class Bucket:
    """So much a second, and so much at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._has, self._at = burst, time.monotonic()

    def take(self, amount: float = 1.0) -> float:
        """Take an amount; the seconds to wait until it was there, 0 if it is."""
        now = time.monotonic()
        self._has = min(self._burst, self._has + (now - self._at) * self._rate) - amount
        self._at = now
        return max(0.0, -self._has / self._rate)

    def has(self, amount: float = 1.0) -> bool:
        """Take an amount if it is there; whether it was."""
        if self.take(amount) == 0.0:
            return True
        self._has += amount
        return False

    @property
    def full(self) -> bool:
        """Whether nothing was taken lately."""
        return self._has + (time.monotonic() - self._at) * self._rate >= self._burst
