"""What reaches someone's browser? The events that they may see, and the state that follows from those.

`project` filters events and numbers them anew, without gaps: a gap would tell that something was hidden, and
when. `seen_by` filters a state. The two agree: the state of the filtered events is the filtered state. So a
browser that gets a snapshot, and then events, ends where one ends that saw all its events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from toscale.interview.events import Event, Happening
from toscale.interview.roles import AUDIENCES, Viewer
from toscale.interview.state import State

__all__ = ["project", "seen", "seen_by"]


def seen(event: Event, viewer: Viewer) -> Happening | None:
    """What someone sees of an event, None if nothing. It depends on the event alone, so it never changes."""
    sees = AUDIENCES[event.what.NAME]
    if not sees.audience.includes(viewer, event.by):
        return None
    hidden: dict[str, Any] = {
        name: None for name, audience in sees.fields.items() if not audience.includes(viewer, event.by)
    }
    return replace(event.what, **hidden) if hidden else event.what  # type: ignore[type-var]


def project(events: Iterable[Event], viewer: Viewer, after: int = 0) -> Iterator[Event]:
    """What someone sees of a log, numbered from `after` + 1.

    Of a browser that has seen so many events, and comes back, the server skips that many of its projection.
    """
    seq = after
    for event in events:
        what = seen(event, viewer)
        if what is not None:
            seq += 1
            yield Event(seq, event.at, event.by, what)


def seen_by(state: State, viewer: Viewer) -> State:
    """What someone sees of a state."""

    def has(event: str, field: str | None = None, author: int | None = None) -> bool:
        sees = AUDIENCES[event]
        audience = sees.audience if field is None else sees.fields[field]
        return audience.includes(viewer, author)

    return replace(
        state,
        factor=state.factor if has("opened", "factor") else None,
        participants=tuple(
            one if has("joined", "invitation", one.number) else replace(one, invitation=None)
            for one in state.participants
        ),
        invitations=state.invitations if has("invited") else (),
        facts=tuple(one for one in state.facts if has("fact_added")),
        disclosures=tuple(
            one if has("disclosed", "fact", one.by) else replace(one, fact=None) for one in state.disclosures
        ),
        notes=tuple(one for one in state.notes if has("noted", author=one.by)),
    )
