"""How much may one ask of a server? Every bound on size, rate, number and work, in one place.

They protect rooms from each other, and the machine from a room. `TOSCALE_LIMITS` changes them for a process:
`TOSCALE_LIMITS="rooms=50 requests_per_second=500"`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from toscale.design.problems import listed, nearest, quoted

__all__ = ["Limits", "LimitsError"]

VARIABLE = "TOSCALE_LIMITS"


class LimitsError(ValueError):
    """The variable cannot be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds, rates per second. A burst is how much may come at once."""

    # what is sent
    body: int = 64_000  # of a request, but for a whole file
    file: int = 1_000_000  # of a design, as `toscale check` reads it
    message: int = 2_500_000  # on a WebSocket: a whole document with its history
    presence: int = 4_000  # what a browser says of itself: cursor, selection
    # how often
    requests_per_second: float = 50.0  # HTTP, by address
    requests_burst: float = 200.0
    messages_per_second: float = 100.0  # by connection; who sends more is read more slowly
    messages_burst: float = 400.0
    bytes_per_second: float = 500_000.0
    bytes_burst: float = 5_000_000.0
    # how many
    rooms: int = 10_000  # kept
    rooms_open: int = 1_000  # in memory
    connections: int = 4_000
    connections_per_room: int = 400
    connections_per_seat: int = 8  # tabs and devices of one person
    # a room
    document: int = 4_000_000  # a document with its history
    backlog: int = 4_000  # messages that wait for a slow browser
    backlog_bytes: int = 16_000_000
    hello: float = 10.0  # until a connection says whose it is
    idle: float = 60.0  # until a room that nobody is in leaves the memory
    # work
    quick_seconds: float = 15.0  # for the problems, the estimates and the theory of a text
    simulated_events: int = 20_000_000  # for each load of one simulation
    simulated_seconds: float = 60.0  # for one simulation
    work_per_hour: float = 1_200.0  # seconds of simulation that a room has in an hour

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The usual limits with those that `TOSCALE_LIMITS` names. Raises `LimitsError`."""
        changed: dict[str, int | float] = {}
        types = {field.name: field.type for field in fields(cls)}
        for word in environment.get(VARIABLE, "").split():
            name, _, value = word.partition("=")
            if name not in types:
                close = nearest(name, types)
                mend = f"did you mean {quoted(close)}?" if close else f"there are {listed(types, 40)}"
                raise LimitsError(f"{VARIABLE}: no limit is called {quoted(name)}: {mend}")
            try:
                number = int(value) if types[name] == "int" else float(value)
            except ValueError:
                number = -1
            if not 0 < number < float("inf"):
                raise LimitsError(f"{VARIABLE}: {name} must be a positive number, not {quoted(value)}")
            changed[name] = number
        return replace(cls(), **changed)  # type: ignore[arg-type]  # each is read as its own type
