"""How is a time of the session written? In minutes and seconds, as on a clock.

All times of a session are whole milliseconds: moments since the beginning of 1970, as the server's clock
gives them, and spans. Whole, so that sums are exact on every machine.
"""

from __future__ import annotations

__all__ = ["LAST_MOMENT", "MINUTE", "SECOND", "minutes"]

SECOND = 1_000
MINUTE = 60 * SECOND

LAST_MOMENT = 2**53 - 1
"""No moment is later: so far a browser counts exactly."""


def minutes(span: int) -> str:
    """A span as `7 min`, `67 min 30 s` or `40 s`; parts of a second are left out."""
    whole, seconds = divmod(abs(span) // SECOND, 60)
    sign = "-" if span <= -SECOND else ""
    if not whole:
        return f"{sign}{seconds} s"
    return f"{sign}{whole} min" + (f" {seconds} s" if seconds else "")
