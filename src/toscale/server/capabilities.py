"""What lets someone in? A secret of 256 random bits: in an invitation link, or in the hands of who has taken a seat.

The server keeps SHA-256 of each, never the secret. A slow hash would add nothing: such a secret cannot be guessed,
and no list of likely ones exists. It is looked up by its hash, so comparing takes no time that tells something.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Capability", "Kind", "fits", "fresh", "hashed", "room_name"]

Kind: TypeAlias = Literal["invitation", "seat"]

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Capability:
    """What a secret is for: an invitation to a room, or a participant's seat in it, by its number there."""

    room: str
    kind: Kind
    number: int


def fresh() -> str:
    """A new secret: 256 bits in 43 characters that may stand in an address."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes | None:
    """What is kept of a secret; None for a text that can be none."""
    if not _SECRET.fullmatch(secret):
        return None
    return hashlib.sha256(secret.encode("ascii")).digest()


def fits(secret: str, kept: bytes) -> bool:
    """Whether a secret is the one of which this is kept."""
    own = hashed(secret)
    return own is not None and hmac.compare_digest(own, kept)


def room_name() -> str:
    """A new room's name in addresses. It lets nobody in, but tells no one how many rooms there are."""
    return secrets.token_hex(8)
