"""Who is here, and where is their cursor? What each browser says of itself, handed on to the others.

Nobody speaks for another: a Yjs client number belongs to the connection that used it first, and the participant's
number is put in by the room. Nothing of it is kept.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

from toscale.server.yjs import MOST_NUMBER, Presence, WireError, read_presence, written_presence

__all__ = ["Presences"]

MOST_CLIENTS = 4
"""So many Yjs clients may one connection be: one, and those that it was before it connected again."""


class Presences:
    """What all browsers in a room say of themselves."""

    def __init__(self, most: int) -> None:
        """`most`: bytes of one entry."""
        self._most = most
        self._said: dict[int, Presence] = {}
        self._owner: dict[int, Hashable] = {}

    def take(self, data: bytes, owner: Hashable, participant: int) -> bytes | None:
        """The message for the others, None if it says nothing new. Raises `WireError`."""
        new: list[Presence] = []
        for one in read_presence(data):
            if self._owner.get(one.client, owner) != owner:
                continue  # a browser also repeats what it heard of others
            known = self._said.get(one.client)
            if known is not None and one.clock < known.clock + (one.state != "null"):
                continue  # heard before; that one is gone may come with the clock that it had
            if one.clock >= MOST_NUMBER:
                raise WireError("a number is too large")
            if one.client not in self._owner:
                if one.state == "null":
                    continue
                if sum(whose == owner for whose in self._owner.values()) >= MOST_CLIENTS:
                    raise WireError("a connection is one browser, not many")
            entry = Presence(one.client, one.clock, self._stamped(one.state, participant))
            self._said[one.client], self._owner[one.client] = entry, owner
            new.append(entry)
        return written_presence(new) if new else None

    def _stamped(self, state: str, participant: int) -> str:
        if state == "null":
            return state
        if len(state) > self._most:
            raise WireError("it says more of itself than a cursor needs")
        try:
            values: Any = json.loads(state)
        except (ValueError, RecursionError):
            raise WireError("what it says of itself is no JSON") from None
        if not isinstance(values, dict):
            raise WireError("what it says of itself is no object")
        return json.dumps({**values, "participant": participant}, separators=(",", ":"))

    def all(self) -> bytes | None:
        """The message for one who comes, None in an empty room."""
        here = [one for one in self._said.values() if one.state != "null"]
        return written_presence(here) if here else None

    def gone(self, owner: Hashable) -> bytes | None:
        """The message for the others when a connection has ended."""
        clients = [client for client, whose in self._owner.items() if whose == owner]
        left = []
        for client in clients:
            said = self._said.pop(client)
            del self._owner[client]
            if said.state != "null":
                left.append(Presence(client, said.clock + 1, "null"))
        return written_presence(left) if left else None
