"""What was read from a file of another tool, before it is a design? Actors, components, who calls whom, and what
could not be taken over.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field

from toscale.design.flow_vocabulary import NOT_NAMES

__all__ = ["MOST_PARTS", "NotImported", "Part", "Relation", "Sketch", "free_name"]

MOST_PARTS = 2_000
"""So many components, or relations, are read of one file."""
MOST_NAME = 90
"""A name is cut here, so that a number can follow where two become equal."""


class NotImported(ValueError):
    """A text that cannot be read: in which line, why, and what to write instead."""

    def __init__(self, line: int, message: str, mend: str) -> None:
        self.line, self.message, self.mend = line, message, mend
        super().__init__(f"line {line}: {message} {mend}")


@dataclass(frozen=True, slots=True)
class Part:
    """An actor (`kind` is None) or a component, by its name in the design.

    `why` says what its kind was taken from; `attributes` are words of the design language with their values;
    `groups` the labels of the frames that it stands in.
    """

    name: str
    kind: str | None
    why: str = ""
    about: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """Who calls, or sends to, whom; `waits`: for an answer. `said` is what stood on the line. `held`: a
    connection that an actor holds open.
    """

    source: str
    target: str
    said: str = ""
    waits: bool = True
    held: bool = False


@dataclass(slots=True)
class Sketch:
    """Everything that was read, in the order of the file. `lost`: what the design cannot hold, in sentences."""

    format: str
    title: str = ""
    actors: dict[str, Part] = field(default_factory=dict)
    components: dict[str, Part] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    connections: list[Relation] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def add(self, part: Part, line: int) -> None:
        """One more actor or component. Raises NotImported where there are too many."""
        if len(self.actors) + len(self.components) >= MOST_PARTS:
            raise NotImported(line, f"There are more than {MOST_PARTS:,} elements.", "Import a part of them.")
        (self.actors if part.kind is None else self.components)[part.name] = part

    def relate(self, relation: Relation, line: int) -> None:
        """One more relation; one between the same two is not added twice, and what cannot be is noted."""
        source, target = relation.source, relation.target
        if source == target:
            self.lost.append(f"{source} calls itself: that is work inside it.")
        elif relation.held and source in self.actors and target in self.components:
            self.connections.append(relation)
        elif source in self.actors and target in self.actors:
            self.lost.append(f"{source} is related to {target}: both are actors.")
        elif any(known.source == source and known.target == target for known in self.relations):
            said = f" ({relation.said})" if relation.said else ""
            self.lost.append(f"{source} is related to {target} once more{said}.")
        else:
            if len(self.relations) >= MOST_PARTS:
                said = f"There are more than {MOST_PARTS:,} relations."
                raise NotImported(line, said, "Import a part of them.")
            self.relations.append(relation)


def free_name(text: str, taken: Container[str]) -> str:
    """A name that the design language takes, as near to the text as can be, and that is not taken yet."""
    words = re.sub(r"[^\w' /&+-]+", " ", text)
    words = re.sub(r" (-+ )+", " ", f" {words} ")
    words = re.sub(r"^[\W_]+", "", " ".join(words.split()))[:MOST_NAME].rstrip()
    words = words.removesuffix(" -") or "component"
    if words in NOT_NAMES:
        words = f"{words} component"
    name, number = words, 1
    while name in taken:
        number += 1
        name = f"{words} {number}"
    return name
