"""Who agreed to what, at which state of the design, what has changed since, and which concerns are open?

It needs no room: `prints` takes a design, `Accord` holds the agreements and concerns of whoever they are of,
and `standing` compares them with the design as it is now. A room keeps an accord of its participants' numbers;
a file keeps one of names, under `agreements` (`from_file`, `for_file`).

A *path* names a part of a design as a change does: `components`, `components.cache`,
`requirements.functional.redirect`. Agreements are to sections; a concern is about any part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Generic, Literal, TypeAlias, TypeVar

from toscale.design.fingerprint import fingerprint, fingerprints
from toscale.design.model import Design
from toscale.design.parts import Place
from toscale.design.problems import quoted

__all__ = [
    "SECTIONS",
    "Accord",
    "Agreement",
    "Answer",
    "Change",
    "Concern",
    "Prints",
    "Standing",
    "changes",
    "for_file",
    "from_file",
    "prints",
    "section_of",
]

Prints: TypeAlias = Mapping[str, str]
"""The fingerprint of each part of a design, by its path; a section that says nothing has none."""

Who = TypeVar("Who")

SECTIONS = tuple(
    part.name for part in fields(Design) if part.name not in ("layout", "agreements", "source", "problems")
)
"""What can be agreed on: every section whose meaning has a fingerprint."""

_OF_FIXED_KEYS = frozenset(name for name in SECTIONS if is_dataclass(getattr(Design(), name)))
"""The sections whose keys are the language's, and not names that the author gave."""


# --- the design ---------------------------------------------------------------------------------------------


def prints(design: Design) -> dict[str, str]:
    """The fingerprints of all sections, and of the named parts within them."""
    found: dict[str, str] = {}
    for section, own in fingerprints(design).items():
        found[section] = own
        value = getattr(design, section)
        if isinstance(value, Mapping):
            found |= _entries(section, value)
        elif is_dataclass(value) and not isinstance(value, type):
            for part in fields(value):
                inner = getattr(value, part.name)
                if not part.compare or inner is None or isinstance(inner, Place) or inner in ((), {}):
                    continue
                found[f"{section}.{part.name}"] = fingerprint(inner)
                if isinstance(inner, Mapping):
                    found |= _entries(f"{section}.{part.name}", inner)
    return found


def _entries(path: str, values: Mapping[str, object]) -> dict[str, str]:
    return {f"{path}.{_printable(name)}": fingerprint(value) for name, value in values.items()}


def _printable(name: str) -> str:
    """A name as it stands in a path: what cannot be printed, as a quoted key of YAML may hold, is escaped."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in name)


def section_of(path: str) -> str:
    """The section that a part is in."""
    return path.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Change:
    """One part that is not as it was."""

    path: str
    what: Literal["added", "removed", "changed"]

    def __str__(self) -> str:
        return f"{quoted(self.path)} was {self.what}"


def changes(then: Prints, now: Prints) -> tuple[Change, ...]:
    """What was added, removed and changed, each said of the smallest part that it is true of.

    A section whose parts are not known of then, as in a file's agreement, is only said to be changed.
    """
    found = [
        Change(path, "removed" if path not in now else "added" if path not in then else "changed")
        for path in sorted({*then, *now})
        if then.get(path) != now.get(path)
    ]
    with_parts = {outer for path in then for outer in _outer(path)}
    whole = {path for path in then if path in now and path not in with_parts}
    found = [one for one in found if whole.isdisjoint(_outer(one.path))]
    outer_ones = {outer for one in found for outer in _outer(one.path)}
    return tuple(one for one in found if one.path not in outer_ones)


def _outer(path: str) -> tuple[str, ...]:
    """The paths that a path leads through. Only the names of sections and of their fixed keys end at a dot:
    a name of the author's may hold one.
    """
    section, dot, rest = path.partition(".")
    if not dot:
        return ()
    key, dot, _ = rest.partition(".")
    return (section, f"{section}.{key}") if dot and section in _OF_FIXED_KEYS else (section,)


# --- agreements and concerns --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreement(Generic[Who]):
    """That someone agreed to a section. `prints` are those of the section and its parts as they then were;
    `at` is when, in whatever the holder counts time in.
    """

    section: str
    by: Who
    prints: Prints
    at: int | str | None = None


@dataclass(frozen=True, slots=True)
class Answer(Generic[Who]):
    """What was said to a concern. One that `reopens` says why the answers before it do not do."""

    text: str
    by: Who
    at: int | str | None = None
    reopens: bool = False


@dataclass(frozen=True, slots=True)
class Concern(Generic[Who]):
    """A doubt about a part of the design. `fingerprint` is the part's when it was raised, None if it was
    missing then.
    """

    subject: str
    text: str
    by: Who
    fingerprint: str | None = None
    at: int | str | None = None
    answers: tuple[Answer[Who], ...] = ()

    @property
    def status(self) -> Literal["open", "answered"]:
        return "answered" if self.answers and not self.answers[-1].reopens else "open"

    def changed(self, now: Prints) -> bool:
        """Whether its subject has changed since it was raised."""
        return now.get(self.subject) != self.fingerprint


@dataclass(frozen=True, slots=True)
class Standing(Generic[Who]):
    """A section with the agreements to it that hold, those that it has changed since, with the changes, and
    the concerns within it that are open.
    """

    section: str
    holding: tuple[Agreement[Who], ...]
    outdated: tuple[tuple[Agreement[Who], tuple[Change, ...]], ...]
    concerns: tuple[Concern[Who], ...]

    def agreed_by(self, who: Who) -> bool:
        """Whether someone's agreement holds."""
        return any(one.by == who for one in self.holding)


@dataclass(frozen=True, slots=True)
class Accord(Generic[Who]):
    """All agreements and concerns. Of one person there is one agreement to a section, the last one.

    A concern is known by its position, counted from 1.
    """

    agreements: tuple[Agreement[Who], ...] = ()
    concerns: tuple[Concern[Who], ...] = field(default=())

    def agreed(
        self, by: Who, sections: Iterable[str], now: Prints, at: int | str | None = None
    ) -> Accord[Who]:
        """With someone's agreement to sections as they are. Raises ValueError for one that says nothing."""
        names = tuple(dict.fromkeys(sections))
        for name in names:
            if name not in SECTIONS or name not in now:
                raise ValueError(f"there is nothing under {quoted(name)} to agree to")
        new = (
            Agreement(name, by, {path: own for path, own in now.items() if section_of(path) == name}, at)
            for name in names
        )
        return replace(self, agreements=(*self.withdrawn(by, names).agreements, *new))

    def withdrawn(self, by: Who, sections: Iterable[str]) -> Accord[Who]:
        """Without someone's agreements to sections."""
        names = set(sections)
        kept = tuple(one for one in self.agreements if one.by != by or one.section not in names)
        return replace(self, agreements=kept)

    def raised(
        self, by: Who, subject: str, text: str, now: Prints, at: int | str | None = None
    ) -> Accord[Who]:
        """With one more concern. Its subject is a part that is there, or a section, which may be missing:
        that may be the concern. Raises ValueError for any other.
        """
        if subject not in now and subject not in SECTIONS:
            raise ValueError(f"there is no {quoted(subject)} in the design")
        concern = Concern(subject, text, by, now.get(subject), at)
        return replace(self, concerns=(*self.concerns, concern))

    def answered(
        self, concern: int, by: Who, text: str, at: int | str | None = None, *, reopens: bool = False
    ) -> Accord[Who]:
        """With an answer to a concern, or, where it `reopens`, with what the answers left open.

        Raises ValueError if there is no such concern, or if there is nothing to reopen.
        """
        if not 1 <= concern <= len(self.concerns):
            raise ValueError(f"there is no concern {concern}")
        old = self.concerns[concern - 1]
        if reopens and old.status == "open":
            raise ValueError(f"concern {concern} is open already")
        new = replace(old, answers=(*old.answers, Answer(text, by, at, reopens)))
        return replace(self, concerns=(*self.concerns[: concern - 1], new, *self.concerns[concern:]))

    def standing(self, now: Prints) -> tuple[Standing[Who], ...]:
        """How each section stands that is there, was agreed to, or has an open concern; in the file's order."""
        open_ones = [one for one in self.concerns if one.status == "open"]
        found = []
        for section in SECTIONS:
            present = {path: own for path, own in now.items() if section_of(path) == section}
            agreements = [one for one in self.agreements if one.section == section]
            concerns = tuple(one for one in open_ones if section_of(one.subject) == section)
            if not (present or agreements or concerns):
                continue
            holding = tuple(one for one in agreements if one.prints.get(section) == present.get(section))
            outdated = tuple((one, changes(one.prints, present)) for one in agreements if one not in holding)
            found.append(Standing(section, holding, outdated, concerns))
        return tuple(found)


# --- in a file ----------------------------------------------------------------------------------------------


def from_file(design: Design) -> Accord[str]:
    """The agreements that a design file holds, by name. Of a section's parts a file keeps no fingerprints."""
    return Accord(
        tuple(
            Agreement(section, name, {section: said.fingerprint}, said.at)
            for section, said in design.agreements.items()
            if said.fingerprint is not None
            for name in said.by
        )
    )


def for_file(accord: Accord[str]) -> dict[str, dict[str, object]]:
    """What comes under `agreements` in the file: for each section its fingerprint, who agreed at it, and when.

    A file has one fingerprint for a section, so of agreements at several only those at the latest are
    written, "latest" by their order in the accord. `agreement_file`
    adds the concerns.
    """
    found: dict[str, dict[str, object]] = {}
    for section in SECTIONS:
        agreements = [one for one in accord.agreements if one.section == section]
        if not agreements:
            continue
        last = agreements[-1]
        together = [one for one in agreements if one.prints[section] == last.prints[section]]
        found[section] = {"fingerprint": last.prints[section], "by": [one.by for one in together]}
        if last.at is not None:
            found[section]["at"] = str(last.at)
    return found
