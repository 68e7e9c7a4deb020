"""What is the text that all edit at once? A Yjs text, merged by pycrdt; here with what it takes, and what it refuses.

It takes an update only if it has all that the update builds on, so nothing ever waits within it for something that
is missing, and a snapshot of it is all of it. (A snapshot that pycrdt makes leaves out what waits: tried.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from difflib import SequenceMatcher

from pycrdt import Doc, Text, TransactionEvent

from toscale.server.yjs import EMPTY, State, WireError, read_state, read_update

__all__ = ["ROOT", "Broken", "Document", "Missing", "edits", "revision_of"]

ROOT = "design"
"""What the text is called in the Yjs document."""

FINE = 4_000
"""So many characters of changed text are compared character by character; more go as a whole."""


class Missing(Exception):
    """An update builds on something that the document does not have: ask for it."""


class Broken(Exception):
    """The library failed within an update, or took a part of it only: the document must be built anew from what is
    kept. No browser writes such updates.
    """


class Document:
    """A shared text with its history."""

    def __init__(self, updates: Iterable[bytes] = (), text: str = "") -> None:
        """From the updates that are kept of it, or new with a text."""
        self._doc: Doc[Text] = Doc()
        self._text: Text = self._doc.get(ROOT, type=Text)
        self._known: str | None = None
        self.state: State = {}
        for update in updates:
            self._load(update)
        if text:
            self._text.insert(0, text)
            self.state = read_state(self._doc.get_state())

    @property
    def text(self) -> str:
        if self._known is None:
            self._known = str(self._text)
        return self._known

    @property
    def vector(self) -> bytes:
        """The state vector, as a sync message has it."""
        return self._doc.get_state()

    def snapshot(self) -> bytes:
        """One update that makes this document of an empty one."""
        return self._doc.get_update()

    def lacking(self, vector: bytes) -> bytes:
        """The update that a document of this state vector lacks. Raises `WireError`."""
        read_state(vector)
        return self._doc.get_update(vector)

    def take(self, update: bytes) -> bool:
        """Merge an update; whether it could change anything. Raises `WireError`, `Missing` and `Broken`."""
        if update == EMPTY:
            return False
        read = read_update(update, ROOT)
        if not read.fits(self.state):
            raise Missing
        state = read.after(self.state)
        if state == self.state and not read.deleted:
            return False
        self._apply(update)
        self.state = read_state(self._doc.get_state())
        if self.state != state:
            raise Broken("a part of an update did not find its place")
        return True

    def _load(self, update: bytes) -> None:
        """Take an update that was kept. One whose ground was lost with a failing disk was never acknowledged: its
        writer brings it again, with what it builds on.
        """
        with suppress(Missing, Broken, WireError):
            self.take(update)

    def _apply(self, update: bytes) -> None:
        self._known = None
        try:
            self._doc.apply_update(update)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic in Rust is no Exception
            raise Broken(f"{type(error).__name__}: {error}") from None

    def become(self, text: str) -> bytes:
        """Change the text into another by the fewest characters; the update that does so (`EMPTY`: nothing to do)."""
        made: list[bytes] = []

        def note(event: TransactionEvent) -> None:
            made.append(event.update)

        changes = edits(self.text, text)
        if not changes:
            return EMPTY
        watching = self._doc.observe(note)
        try:
            with self._doc.transaction():
                for start, end, new in reversed(changes):
                    if end > start:
                        del self._text[start:end]
                    if new:
                        self._text.insert(start, new)
        finally:
            self._doc.unobserve(watching)
        self._known = None
        self.state = read_state(self._doc.get_state())
        return made[0]

    def edited(self, text: str) -> bytes:
        """The update that changes the text into another; this document stays as it is."""
        return Document([self.snapshot()]).become(text)


def revision_of(text: str) -> str:
    """A name for a text, by which it is found again."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:24]


# --- what changed ---------------------------------------------------------------------------------------------------


def edits(old: str, new: str) -> list[tuple[int, int, str]]:
    """What makes one text of another: bytes (of UTF-8, as pycrdt counts) from where to where, and what comes there.

    Lines are compared first, then the characters of those that differ; from front to back, none overlaps another.
    """
    if old == new:
        return []
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    found: list[tuple[int, int, str]] = []
    start = sum(map(_size, before[:head]))
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    at = [start]
    for line in middle[0]:
        at.append(at[-1] + _size(line))
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, *middle, autojunk=len(middle[0]) > 2_000).get_opcodes():
        if tag != "equal":
            found += _fine(at[i1], "".join(middle[0][i1:i2]), "".join(middle[1][j1:j2]))
    return found


def _fine(at: int, old: str, new: str) -> list[tuple[int, int, str]]:
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    at += _size(old[:head])
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(old) + len(new) > FINE or not old or not new:
        return [(at, at + _size(old), new)]
    found = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            start = at + _size(old[:i1])
            found.append((start, start + _size(old[i1:i2]), new[j1:j2]))
    return found


def _common(one: Iterable[str], other: Iterable[str]) -> int:
    """How many entries two have in common at their beginning."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _size(text: str) -> int:
    return len(text.encode("utf-8"))
