"""What does `cache: get link` do? A call of the machine that has the key, and what happens to the key there.

A read or a write goes to the primary of the key's shard (`from: a copy`: to a copy), works for as long as
its kind says, and reads or changes the keys that the store holds. Several `keys` are one call, split over
the shards that have them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from toscale.design import flow as language
from toscale.design.model import Design
from toscale.design.parts import Formula
from toscale.engine.model import (
    Attribute,
    Chance,
    Drop,
    Flag,
    FromStash,
    Get,
    Link,
    Load,
    Number,
    Pick,
    Put,
    Register,
    Scatter,
    See,
    Send,
    Set,
    Step,
    Steps,
    Visit,
    Work,
)
from toscale.simulate.lowering.copies import CopyLowering
from toscale.simulate.lowering.entities import SIZE_REGISTER, Entities, Held
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.locks import LockLowering
from toscale.simulate.lowering.machines import Machines, Part
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import Values, shown_time
from toscale.simulate.lowering.wire import Wire

__all__ = ["FOUND", "NONE_FOUND", "Operation", "Operations"]

FOUND = "found"
"""The register that says whether the last look-up found its key; it is read at once."""

NONE_FOUND = "none found"
"""The register that says that the last look-up of several keys failed."""

LONGEST_LIST = 1_000
"""The most keys of one call that are looked up one by one."""

_READS = ("read", "get")
_CARRY = ("insert", "put", "update")
"""Operations that send a whole record; the others name one."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as steps: those before it (keys that it needs), the call, and what tells a hit from a
    miss.

    `hit` is the test that holds when nothing was missing (None: nothing is ever missed); `missed` names the
    list of keys that were missing, `asked` that of all that were asked for.
    """

    before: tuple[Step, ...]
    call: Steps
    hit: Flag | Chance | None = None
    missed: str | None = None
    asked: str | None = None
    ahead: FromStash | None = None  # what the caller may have taken ahead, so that it needs no call


@dataclass(slots=True)
class Operations:
    """Lowers operations on entities. `unread` are the buffers whose messages nobody takes, `sized` those
    whose messages tell how many things they hold. `present` is the chance that an inherited key is still
    there.
    """

    design: Design
    values: Values
    machines: Machines
    wire: Wire
    entities: Entities
    ledger: Ledger
    unread: frozenset[str]
    sized: frozenset[str]
    present: dict[tuple[str, str], float]  # by flow and entity
    locks: LockLowering
    copies: CopyLowering

    # ---- messages ------------------------------------------------

    def send(self, step: language.Call, part: Part, scope: Scope, caller: str | None) -> Operation:
        """A message, acknowledged as soon as it is kept."""
        path = scope.path(step.path)
        link = self.wire.link(caller, part.name)
        work = self.work(step, part, "send", 1.0)
        before: list[Step] = []
        sends = self.load(link, step.entity)
        if part.name in self.unread:
            return Operation((), (Visit(path, part.name, work, link, sends=sends),))
        key = None
        if step.key is not None:
            holder = self.entities.holder(step.key, scope.items)
            before += scope.draw(path, [holder])
            key = holder.register
        scope.touched.offered.add(SIZE_REGISTER)
        if part.name in self.sized and not scope.in_batch:
            before.append(Set(SIZE_REGISTER, 1))
        station = part.name if part.station.zones else None
        return Operation(tuple(before), (Send(path, part.name, station, work, link, key, sends),))

    # ---- records ------------------------------------------------

    def operation(
        self, step: language.Call, part: Part, scope: Scope, caller: str | None, then: Callable[[], Steps]
    ) -> Operation:
        """An operation on an entity at a store. Raises `NotComputable`."""
        path = scope.path(step.path)
        name, entity = step.operation or "", step.entity or ""
        held = self.entities.key(entity, step.of)
        link = self.wire.link(caller, part.name)
        if step.keys is None and entity in scope.missed and step.of is None:
            return self.scatter(step, part, scope, held, link, then, scope.missed[entity])
        if step.keys is not None:
            return self.scatter(step, part, scope, held, link, then, None)
        if name == "insert":
            before = scope.make(path, held)
        else:
            before = scope.draw(path, [held])
        rows, needed = self.amount(step.rows, scope, entity)
        before += scope.draw(path, needed)
        needed_too, locks = self.locks.of(step, part.name, scope)
        before += needed_too
        work = self.work(step, part, name, rows)
        inner, hit = self.keys_of(name, part, scope, held, entity, path)
        if name in _READS:
            inner = (
                *self.copies.read(step, part, path, held.register, held.population),
                *inner,
                *sees(self.design, entity, None if part.store is None else part.store.name, held.register),
            )
        pick = Pick.COPY if step.from_copy else Pick.PRIMARY
        copied = () if name in _READS else self.confirmed(step, part, path, work, held)
        sends, returns = self.carried(name, link, entity, rows, hit)
        visit = Visit(
            path,
            part.name,
            work,
            link,
            pick,
            held.register,
            (*inner, *copied, *then()),
            locks,
            sends=sends,
            returns=returns,
        )
        if part.hit_ratio is not None and name in _READS:
            return Operation(tuple(before), (visit,), Chance(part.hit_ratio))
        return Operation(tuple(before), (visit,), hit)

    def confirmed(self, step: language.Call, part: Part, path: str, work: Work, held: Held) -> Steps:
        """The write at every copy, side by side, sent on by the primary, which waits for as many as must
        confirm it.

        A copy works as long as the primary, by its own draw; those that nobody waits for do it all the same. Then the
        write counts.
        """
        link = self.wire.link(part.name, part.name)
        sends = self.load(link, step.entity if step.operation in _CARRY else None)
        copies = tuple(
            Visit(f"{path} copy {k}", part.name, work, link, Pick.COPY, held.register, nth=k, sends=sends)
            for k in range(1, part.station.copies)
            if part.confirmations > 0
        )
        return self.copies.write(part, path, held.register, held.population, copies)

    def keys_of(
        self, name: str, part: Part, scope: Scope, held: Held, entity: str, path: str
    ) -> tuple[tuple[Step, ...], Flag | None]:
        """What happens to the key in the memory of the store."""
        store = part.store
        if store is None:
            return (), None
        size = self.entry_bytes(part, entity)
        if name in _READS:
            present = self.present.get((scope.flow, entity), 0.0) if held.own else 0.0
            return (Get(path, store.name, held.register, FOUND, size, held.population, present),), Flag(FOUND)
        if name == "delete":
            return (Drop(path, store.name, held.register, held.population),), None
        return (Put(path, store.name, held.register, size, held.population),), None

    def scatter(
        self,
        step: language.Call,
        part: Part,
        scope: Scope,
        held: Held,
        link: Link,
        then: Callable[[], Steps],
        source: str | None,
    ) -> Operation:
        """One call for several keys."""
        path = scope.path(step.path)
        name = step.operation or ""
        count, needed = self.whole(step.keys, scope) if source is None else (1.0, ())
        before = scope.draw(path, needed)
        if step.rows is not None:
            self.ledger.missing(
                f"`{step.path}`: `rows` beside `keys` are not simulated: one row for each key.",
                step.place,
                path=path,
            )
        if then():
            raise NotComputable("`then` below a call for several keys is not simulated yet", step.place)
        needed_too, locks = self.locks.of(step, part.name, scope, listed=True)
        before += needed_too
        if part.confirmations > 0 and name not in _READS:
            self.ledger.missing(
                f"`{step.path}`: a write of several keys waits for the primaries only; `sync: "
                f"{part.component.sync}` is simulated for single keys.",
                step.place,
                path=path,
            )
        self.copies.of_several(step, part, path, reads=name in _READS)
        sends, returns = self.carried(name, link, step.entity, 1.0, None)
        looks_up = part.store is not None and name in _READS
        puts = part.store is not None and name not in (*_READS, "delete")
        listed = source or (f"keys:{path}" if looks_up or puts or locks else None)
        missed = f"missed:{path}" if looks_up else None
        scattered = Scatter(
            path,
            part.name,
            held.population,
            self.work(step, part, name, 0.0),
            count,
            fresh=name == "insert" or held.own,
            link=link,
            pick=Pick.COPY if step.from_copy else Pick.PRIMARY,
            source=source,
            store=part.name if looks_up or puts else None,
            found=FOUND if looks_up else None,
            missed=missed,
            put=puts,
            bytes=self.entry_bytes(part, step.entity or "") if looks_up or puts else 0.0,
            at_most=self.at_most(step, count) if listed is not None and source is None else LONGEST_LIST,
            keep=None if source is not None else listed,
            locks=locks,
            sends=sends,
            returns=returns,
        )
        if part.hit_ratio is not None and name in _READS:
            return Operation(tuple(before), (scattered,), Chance(part.hit_ratio))
        return Operation(tuple(before), (scattered,), Flag(FOUND) if looks_up else None, missed, listed)

    def carried(
        self, name: str, link: Link, entity: str | None, rows: Number, hit: Flag | None
    ) -> tuple[Load | None, Load | None]:
        """What an operation carries there and back: a write its records, a read those that it found."""
        if name in _CARRY:
            return self.load(link, entity, rows), None
        if name in _READS:
            return None, self.load(link, entity, rows, None if hit is None else hit.register)
        return None, None

    def load(
        self, link: Link, entity: str | None, rows: Number = 1.0, found: str | None = None
    ) -> Load | None:
        """The records of an entity in a message, where their size takes time on this link."""
        if entity is None or (link.near_bandwidth is None and link.far_bandwidth is None):
            return None
        size = self.entities.entry_bytes(entity)
        return Load(size, rows, found) if size > 0 else None

    def at_most(self, step: language.Call, count: Number) -> int:
        """The longest list of keys of a call: exactly as many as it names, or a bound, which is said."""
        if isinstance(count, Attribute | Register):
            self.ledger.note(
                f"`{step.path}` looks up at most {LONGEST_LIST:,} keys in one call; more are not looked up.",
                step.place,
            )
            return LONGEST_LIST
        wanted = max(1, ceil(count))
        if wanted > LONGEST_LIST:
            raise NotComputable(
                f"a call for {wanted:,} keys that are looked up is too long: at most {LONGEST_LIST:,}",
                step.place,
            )
        return wanted

    # ---- figures ------------------------------------------------

    def amount(
        self,
        amount: Formula | language.AttributePath | language.HeldSet | None,
        scope: Scope,
        entity: str | None = None,
    ) -> tuple[Number, tuple[Held, ...]]:
        """How many, and the keys that this depends on; 1 where nothing is said."""
        match amount:
            case None:
                return 1.0, ()
            case language.AttributePath():
                number, needed = self.entities.number(amount, scope.items)
            case Formula():
                number, needed = self.entities.operand(amount, scope.items)
            case _:  # counted at the moment: see `Bounds.over`
                number, needed = Register(f"over:{amount.entity or entity}"), ()
        if isinstance(number, Register):
            scope.touched.add(number.name)
        elif not isinstance(number, Attribute) and number < 0:
            raise NotComputable("a number of rows, keys or passes is negative", amount.place)
        return number, needed

    def whole(
        self, amount: Formula | language.AttributePath | language.HeldSet | None, scope: Scope
    ) -> tuple[Number, tuple[Held, ...]]:
        """As `amount`, a constant rounded to a whole number, which is said where it was none."""
        number, needed = self.amount(amount, scope)
        if isinstance(number, float | int) and number != round(number) and isinstance(amount, Formula):
            self.ledger.note(
                f"`{amount.text}` is {number:.4g}: as a number of things it counts as {round(number)}.",
                amount.place,
            )
        return (float(round(number)) if isinstance(number, float | int) else number), needed

    def work(self, step: language.Call, part: Part, name: str, rows: Number) -> Work:
        """How long an operation takes: that of its kind, times `work`; the first row, and each further one.

        With `rows` 0 the number is that of the keys of each shard.
        """
        time = self.machines.operation(part, name)
        if time is None:
            raise NotComputable(f"nothing says how long `{name}` takes at a {part.kind.name}", step.place)
        factor = (
            1.0 if step.work is None else self.values.at_least_zero(step.work, self.values.number(step.work))
        )
        if step.work is not None:
            self.ledger.note(
                f"`{step.path}` takes {factor:g} times the default of its kind, {shown_time(time.first)}.",
                step.place,
            )
        shape = self.machines.spread(part)
        if rows == 1.0:
            return Work(shape, time.first * factor)
        return Work(shape, (time.first - time.further) * factor, time.further * factor, rows)

    def entry_bytes(self, part: Part, entity: str) -> float:
        """A record with what its store adds to it."""
        overhead = part.kind.overhead
        added = (
            0.0
            if overhead is None
            else self.ledger.take(part.name, "overhead of an entry", overhead, f"{overhead.value:g} bytes")
        )
        return self.entities.entry_bytes(entity) + added


def sees(design: Design, entity: str, store: str | None, key: str | None) -> tuple[Step, ...]:
    """From when the picture of what is free is, after a look at an entity: of each thing that is chosen among the
    free, and that is looked at itself or refers to what is.
    """
    return tuple(
        See(f"seen:{thing.name}", store, key)
        for thing in design.data.values()
        if thing.popularity is not None
        and thing.popularity.over == "free"
        and (thing.name == entity or any(found.reference == entity for found in thing.fields.values()))
    )
