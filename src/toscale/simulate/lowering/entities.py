"""Which keys are asked for, how large is a record, and which number belongs to an instance?

The key of an entity lies in the register `key:ENTITY`; one that is reached by a reference, such as
`post.author`, in `key:post.author`; an actor's in `key:ACTOR`. A number such as `post.author.followers`
belongs to the key: the same author always has as many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from toscale.design.flow import AttributePath
from toscale.design.model import Design, Entity, Field, HasMany
from toscale.design.parts import Formula
from toscale.engine.model import Attribute, Number, Population, Register
from toscale.quantity.formula import Name
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.relations import count_law
from toscale.simulate.lowering.values import Values

__all__ = ["Entities", "Held", "SIZE_REGISTER", "record_size"]

SIZE_REGISTER = "size"
"""The register that tells how many are in one batch, and so in one message (`chunk.size`)."""

MOST_KEYS = 2**47 - 1
"""The largest population that the engine draws from."""

MOST_NUMBERS = 2**15
"""So many populations can be told apart by the upper bits of their keys."""

FIELD_BYTES: dict[str, float] = {
    "boolean": 1,
    "smallint": 2,
    "integer": 4,
    "bigint": 8,
    "float": 8,
    "decimal": 8,
    "uuid": 16,
    "date": 4,
    "timestamp": 8,
    "string": 32,
    "uri": 100,
    "json": 500,
    "bytes": 100,
}
"""Bytes of each type of field: PostgreSQL documentation, Data Types. Lengths that the file does not give
are rules of thumb.
"""


def record_size(design: Design, entity: Entity) -> float:
    """The bytes of the fields of one instance, without what its store adds; 0 where it has none.

    A reference takes as much as the key of the entity that it names, a `uuid` where that is not known.
    """
    return sum(_field_size(design, found) for found in entity.fields.values())


def _field_size(design: Design, found: Field, seen: frozenset[str] = frozenset()) -> float:
    if found.type is not None:
        if found.type.length is not None:
            return float(found.type.length)
        return FIELD_BYTES.get(found.type.name, 16.0)
    other = design.data.get(found.reference or "")
    keys = [] if other is None or other.name in seen else [each for each in other.fields.values() if each.key]
    if not keys or other is None:
        return FIELD_BYTES["uuid"]
    return sum(_field_size(design, key, seen | {other.name}) for key in keys)


@dataclass(frozen=True, slots=True)
class Held:
    """A key: the register that it lies in, and the population that it is drawn from.

    `own`: nothing says how many there are or how popular, so that each request has one of its own.
    """

    register: str
    population: Population
    own: bool = False


@dataclass(slots=True)
class Entities:
    """The entities of a design for the steps of its flows."""

    design: Design
    values: Values
    ledger: Ledger
    _held: dict[str, Held] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)

    # ---- keys ------------------------------------------------

    def key(self, entity: str, of: str | None = None) -> Held:
        """The key of an entity; `of` somebody, where more than one of them is in play."""
        held = self._key(entity)
        if of is None:
            return held
        return Held(f"{held.register} of {of}", held.population, held.own)

    def _key(self, entity: str) -> Held:
        if entity not in self._held:
            population, own = self._population(entity, entity)
            self._held[entity] = Held(f"key:{entity}", population, own)
        return self._held[entity]

    def _population(self, entity: str, name: str) -> tuple[Population, bool]:
        """How many keys there are and how popular each is. The same entity always has the same number."""
        found, number = self.design.data.get(entity), self._number(entity)
        if found is None:
            return Population(name, number, MOST_KEYS), True
        popularity = found.popularity
        if popularity is not None and popularity.over == "free" and found.bound is None:
            raise NotComputable(
                f"`{entity}` is drawn among those that are free, and nothing bounds it: say `at most`",
                popularity.place,
            )
        over = popularity.over if popularity is not None else None
        count = over if isinstance(over, Formula) else found.how_many
        if count is None:
            self.ledger.note(
                f"Nothing says how many `{entity}` there are (`how many`), or how popular they are: each "
                "request has one of its own.",
                found.place,
            )
            return Population(name, number, MOST_KEYS), True
        number_of = self.values.at_least_zero(count, self.values.number(count))
        if number_of < 1:
            self.ledger.note(
                f"`{count.text}` is less than one `{entity}`: its steps are simulated with one.", count.place
            )
        size = min(max(1, round(number_of)), MOST_KEYS)
        exponent = 0.0
        if popularity is not None and popularity.shape == "zipf" and popularity.exponent is not None:
            exponent = self.values.at_least_zero(popularity.exponent, self.values.number(popularity.exponent))
        return Population(name, number, size, exponent), False

    def _number(self, entity: str) -> int:
        """The number of an entity's keys: by its name, so that another entity in the file changes none of
        its draws.
        """
        if entity not in self._numbers:
            digest = hashlib.blake2b(entity.encode("utf-8", "surrogatepass"), digest_size=2).digest()
            number = int.from_bytes(digest, "big") % MOST_NUMBERS
            while number in self._numbers.values():
                number = (number + 1) % MOST_NUMBERS
            self._numbers[entity] = number
        return self._numbers[entity]

    def entry_bytes(self, entity: str) -> float:
        """The bytes of a record."""
        found = self.design.data.get(entity)
        if found is None:
            return 0.0
        if found.size is not None:
            return self.values.size(found.size)
        return record_size(self.design, found)

    # ---- somebody ------------------------------------------------

    def actor(self, name: str) -> Held:
        """The key of an actor: of the entity that a field of his name refers to, or that is called so."""
        entity = self.entity_of(name)
        population, own = self._population(entity or name, name)
        return Held(f"key:{name}", population, own)

    def somebody(self, who: str, items: Mapping[str, str | None], population: Population) -> Held:
        """The key of an item, an actor or an entity; an item of no known kind is one of `population`."""
        if who in items:
            if items[who] is None:
                return Held(f"key:{who}", population)
            found, own = self._population(items[who] or who, who)
            return Held(f"key:{who}", found, own)
        return self.actor(who) if who in self.design.requirements.users else self._key(who)

    def entity_of(self, actor: str) -> str | None:
        """The entity whose instances an actor is."""
        for entity in self.design.data.values():
            found = entity.fields.get(actor)
            if found is not None and found.reference is not None:
                return found.reference
        return actor if actor in self.design.data else None

    def _holds(self, name: str, entity: str) -> bool:
        """Whether a field is the actor who holds a connection: there is one of him in a request."""
        holders = {connection.from_actor for connection in self.design.connections.values()}
        return name in holders and self.entity_of(name) == entity

    # ---- paths ------------------------------------------------

    def holder(self, path: AttributePath, items: dict[str, str | None]) -> Held:
        """The key at the end of a path of references, such as `message.conversation`: that of the entity it
        leads to.
        """
        held, entity, rest = self._start(path, items)
        for name in rest:
            held, entity = self._follow(path, held, entity, name)
        return held

    def number(
        self, path: AttributePath, items: dict[str, str | None], *, less: int = 0
    ) -> tuple[Number, tuple[Held, ...]]:
        """The number at the end of a path, and the key that it belongs to. Raises `NotComputable`."""
        if path.names[-1] == SIZE_REGISTER:
            return Register(SIZE_REGISTER), ()
        held, entity, rest = self._start(path, items)
        for name in rest[:-1]:
            held, entity = self._follow(path, held, entity, name)
        relation = self._relation(path, entity, rest[-1] if rest else "")
        law = count_law(relation, self.values, less=less)
        if law.shape == "fixed":
            return law.mean, ()
        return Attribute(law, held.register, f"{entity}.{rest[-1]}" + (f" - {less}" if less else "")), (held,)

    def operand(self, formula: Formula, items: dict[str, str | None]) -> tuple[Number, tuple[Held, ...]]:
        """One side of a comparison: a formula of estimates, or a path alone."""
        if not formula.attributes:
            return self.values.number(formula, None), ()
        root = formula.expr.expr
        if isinstance(root, Name) and "." in root.name:
            return self.number(
                AttributePath(tuple(p.strip() for p in root.name.split(".")), formula.place), items
            )
        raise NotComputable(
            f"`{formula.text}` computes with values of the request, which is not simulated yet", formula.place
        )

    def _start(
        self, path: AttributePath, items: dict[str, str | None]
    ) -> tuple[Held, str | None, tuple[str, ...]]:
        first, *rest = path.names
        if first in items:
            entity = items[first]
            number = self._population(entity or first, first)
            return Held(f"key:{first}", number[0], number[1]), entity, tuple(rest)
        if first in self.design.data:
            return self._key(first), first, tuple(rest)
        entity = self.entity_of(first) or self._entity_of_actor(rest[0] if rest else "")
        population, own = self._population(entity or first, first)
        return Held(f"key:{first}", population, own), entity, tuple(rest)

    def _entity_of_actor(self, member: str) -> str | None:
        """The entity whose instances an actor is: the one that has such a relation, else such a field."""
        found = [
            name
            for name, entity in self.design.data.items()
            if member in entity.has_many or member in entity.fields or member in entity.each_has
        ]
        related = [name for name in found if member in self.design.data[name].has_many]
        return next(iter(related or found), None)

    def _follow(
        self, path: AttributePath, held: Held, entity: str | None, name: str
    ) -> tuple[Held, str | None]:
        """One step along a path: a reference of the entity."""
        found = self.design.data.get(entity or "")
        target = None
        if found is not None and name in found.fields:
            target = found.fields[name].reference
        elif found is not None and name in found.has_many:
            target = found.has_many[name].of
        if found is not None and target is None and name in found.fields:
            return held, None  # a plain field belongs to the instance, whose key decides as well as it would
        if target is None:
            raise NotComputable(f"`{path}` leads to nothing that is known of `{entity}`", path.place)
        if self._holds(name, target):
            return self.actor(name), target
        label = f"{held.register.removeprefix('key:')}.{name}"
        population, own = self._population(target, label)
        return Held(f"key:{label}", population, own), target

    def _relation(self, path: AttributePath, entity: str | None, name: str) -> HasMany:
        found = self.design.data.get(entity or "")
        if found is not None and name in found.has_many:
            return found.has_many[name]
        if found is not None and name in found.each_has:
            raise NotComputable(f"`{path}`, a figure of each `{entity}`, is not simulated yet", path.place)
        raise NotComputable(f"`{path}` is no number that `data` gives", path.place)
