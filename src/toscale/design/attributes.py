"""What does a path such as `post.author.followers` lead to? From an entity, an actor or an item, along
fields and relations.

The first name is an entity of `data`, an actor, or what an `each` around the place calls its items; each
further one is a field, a relation or a figure of the entity before it. `size` is known of everything that is
handed on in batches.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from toscale.design.flow import AttributePath
from toscale.design.parts import Place
from toscale.design.problems import listed, quoted
from toscale.design.source import Mapping, Scalar

if TYPE_CHECKING:
    from toscale.design.reader import Reader

__all__ = ["AttributePaths", "members"]


class AttributePaths:
    """Checks paths against the data of a file; what it has found out about entities it keeps."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._members: dict[str, dict[str, str | None]] = {}
        self._of_actors: dict[tuple[str, str], str | None] = {}
        self._ends: dict[str, set[str]] | None = None

    def attribute(self, text: str, place: Place) -> AttributePath | None:
        """A dotted path such as `post.author.followers`, each name checked against the data; None if one is
        unknown.
        """
        first, *rest = (name.strip() for name in text.split("."))
        path = AttributePath((first, *rest), place)
        names = self.reader.names
        if place.line == place.end_line and first not in self.reader.items:
            sort = "entity" if first in names.entities else "actor"
            self.reader.refer(sort, first, replace(place, end_column=place.column + len(first)))
        if first in self.reader.items:
            entity = self.reader.items[first]
        elif first in names.entities:
            entity = first
        elif first in names.actors:
            entity = self.entity_of_actor(first, rest[0] if rest else "", place)
        elif first in names.items:
            self.reader.wrong(
                "TS206", place, f"{quoted(first)} is known only within the `each` that calls its items so."
            )
            return None
        else:
            candidates = (*self.reader.items, *names.entities, *names.actors)
            mend = self.reader.did_you_mean(
                first, candidates, "It begins with an entity of `data`, an actor, or an `as:` name."
            )
            self.reader.wrong("TS206", place, f"Nothing is called {quoted(first)} here.", mend)
            return None
        for name in rest:
            if entity is None:
                return path
            node = names.entities.get(entity)
            if not isinstance(node, Mapping):
                return path
            own = self.members_of(entity)
            if name not in own:
                mend = self.reader.did_you_mean(name, own, f"It has {listed(own)}." if own else "")
                self.reader.wrong(
                    "TS206", place, f"{quoted(entity)} has no field or relation {quoted(name)}.", mend
                )
                return None
            entity = own[name] if own[name] in names.entities else None
        return path

    def entity_of_actor(self, actor: str, member: str, place: Place) -> str | None:
        """The entity whose instances an actor is: the one of its name, else the only one that has such a
        member.
        """
        if (actor, member) in self._of_actors:
            return self._of_actors[actor, member]
        found = [name for name in self.reader.names.entities if member in self.members_of(name)]
        users = [
            name
            for name in found
            if isinstance(node := self.reader.names.entities[name], Mapping) and node.get("has many")
        ]
        found = users or found
        if len(found) > 1:
            listed = ", ".join(f"`{name}`" for name in found)
            self.reader.wrong(
                "TS212",
                place,
                f"{quoted(actor)} may be one of {listed}: all have {quoted(member)}.",
                "Begin with the entity.",
            )
        elif not found and self.reader.names.entities:
            self.reader.wrong(
                "TS206",
                place,
                f"{quoted(actor)} has no {quoted(member)}: no entity of `data` has.",
                "Add it to the entity that the actor is.",
            )
        answer = found[0] if len(found) == 1 else None
        self._of_actors[actor, member] = answer
        return answer

    def members_of(self, entity: str) -> dict[str, str | None]:
        """The fields, relations and figures of an entity, as `members` gives them."""
        if entity not in self._members:
            node = self.reader.names.entities.get(entity)
            self._members[entity] = members(node) if isinstance(node, Mapping) else {}
        return self._members[entity]

    def relation_end(self, relation: str) -> str | None:
        """The entity at the end of a relation of that name; None if there is none, or more than one."""
        if self._ends is None:
            self._ends = {}
            for node in self.reader.names.entities.values():
                many = node.get("has many") if isinstance(node, Mapping) else None
                for key, value in many.items if isinstance(many, Mapping) else ():
                    end = value.get("of") if isinstance(value, Mapping) else None
                    self._ends.setdefault(key.text, set()).add(end.text if isinstance(end, Scalar) else "")
        ends = self._ends.get(relation, set())
        return next(iter(ends)) or None if len(ends) == 1 else None

    def is_relation(self, name: str) -> bool:
        """Whether some entity has a relation of that name."""
        self.relation_end(name)
        return name in (self._ends or {})


def members(entity: Mapping) -> dict[str, str | None]:
    """The fields, relations and figures of an entity, each with the entity that it refers to, if it does."""
    own: dict[str, str | None] = {}
    fields, relations, figures = entity.get("fields"), entity.get("has many"), entity.get("each has")
    if isinstance(fields, Mapping):
        for key, value in fields.items:
            own[key.text] = value.text.removesuffix(" key").strip() if isinstance(value, Scalar) else None
    if isinstance(relations, Mapping):
        for key, value in relations.items:
            of = value.get("of") if isinstance(value, Mapping) else None
            own[key.text] = of.text if isinstance(of, Scalar) else None
    if isinstance(figures, Mapping):
        own.update((key.text, None) for key, _ in figures.items)
    own.setdefault("size", None)  # how many are in one batch
    return own
