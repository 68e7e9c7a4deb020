"""What does `counters: take allowance` do? A call of the store, and there units of a pool, or none.

A bounded thing is a pool: `at most` is its capacity, for each of what it is `per`. Without `per` it is bounded one by
one where its instances are told apart (they have a popularity, belong to something that has many of them, or are
taken by `keys`), and all together otherwise. With `refills` it is a token bucket and what is taken is spent; without,
it is held: until it is given back, or for its term. A term that is over frees it at once, unless a flow of the design
gives back those whose term is over: then not before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from toscale.design import flow as language
from toscale.design.entities import Entity
from toscale.design.model import Design
from toscale.design.parts import Formula
from toscale.engine.model import (
    Amount,
    Await,
    ByShare,
    Choose,
    Delay,
    Extend,
    FromStash,
    GiveBack,
    Holds,
    Keep,
    Left,
    Look,
    Number,
    Outcome,
    Over,
    Pass,
    Pick,
    Pool,
    Population,
    Register,
    Set,
    Step,
    Steps,
    Sweep,
    Take,
    TakeAhead,
    Test,
    Visit,
    Write,
)
from toscale.quantity.errors import QuantityError
from toscale.quantity.uncertain import Quantity
from toscale.quantity.units import NUMBER, RATE, Dimension
from toscale.simulate.lowering.entities import SIZE_REGISTER, Held
from toscale.simulate.lowering.ledger import NotComputable
from toscale.simulate.lowering.machines import Part
from toscale.simulate.lowering.operations import FOUND, Operation, Operations
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import NEVER
from toscale.simulate.lowering.walks import walk

__all__ = ["BOUNDED", "Bounds", "Usual"]

BOUNDED = ("take", "queue for", "extend", "keep", "give back")
"""The operations that only bounded things have."""

POINTS = 300
"""Points of a number that differs by popularity: a straight line between two of them is exact but at a kink."""

MOST_AT_ONCE = 64
"""The most keys that are taken at once."""


@dataclass(slots=True)
class Usual:
    """What is usual: starts per second of each flow, at the medians; and the numbers that were computed from them."""

    rates: Mapping[str, float]
    amounts: dict[tuple[str, str], Amount] = field(default_factory=dict)


@dataclass(slots=True)
class Bounds:
    """Lowers operations and conditions on bounded things; `pools` are those that were met."""

    design: Design
    operations: Operations
    usual: Usual
    pools: dict[str, Pool] = field(default_factory=dict)

    def is_bounded(self, entity: str | None) -> bool:
        """Whether there may be only so many of an entity."""
        found = self.design.data.get(entity or "")
        return found is not None and found.bound is not None

    def does(self, step: language.Call) -> bool:
        """Whether a call is an operation on a bounded thing that changes, or reads, how much of it is left."""
        if step.operation in BOUNDED:
            return True
        return step.operation in ("read", "update") and self.is_bounded(step.entity) and self._checked(step)

    # ---- pools ------------------------------------------------

    def pool(self, name: str, step: language.Step) -> Pool:
        """The pool of a bounded thing. Raises `NotComputable`."""
        if name not in self.pools:
            entity = self.design.data.get(name)
            if entity is None or entity.bound is None:
                raise NotComputable(f"`{name}` is not bounded: its `at most` is missing", step.place)
            self.pools[name] = self._pool(entity)
        return self.pools[name]

    def _pool(self, entity: Entity) -> Pool:
        bound, values = entity.bound, self.operations.values
        assert bound is not None
        held = self.held(entity)
        capacity = self._amount(entity, "at most", bound.at_most, NUMBER, held)
        refill = None
        if bound.refills is not None:
            refill = self._amount(entity, "refills", bound.refills, RATE, held)
        if bound.waiting == "in random order":
            self.operations.ledger.missing(
                f"`{entity.name}`: who waits is served in order of arrival, not in random order.",
                bound.place,
                path=f"data/{entity.name}",
            )
        beside = self._machine(entity)
        term = None if bound.held_for is None else values.time(bound.held_for)
        if not entity.per:
            each = "of each" if held is not None else "in all"
            self.operations.ledger.note(
                f"`{entity.name}`: there are at most `{bound.at_most.text}` {each}.", bound.place
            )
        return Pool(
            entity.name,
            capacity,
            refill,
            term if term is not None and term < NEVER else None,
            None if held is None else held.population,
            self._sweeper(entity),
            machines=0 if beside is None else self.operations.machines.parts[beside].station.machines,
            station=beside or entity.stored_in,
        )

    def held(self, entity: Entity) -> Held | None:
        """The key that a thing is bounded by; None where it is bounded in all."""
        assert entity.bound is not None
        things = [name for name in entity.per if name not in self.design.components]
        if len(things) > 1 or len(entity.per) - len(things) > 1:
            raise NotComputable(
                f"`{entity.name}` is bounded per {' and '.join(entity.per)}: per one entity, and per machine of one "
                "component, can be simulated",
                entity.bound.place,
            )
        if things:
            return self.operations.entities.key(things[0])
        if entity.per:
            return None
        return self.operations.entities.key(entity.name) if self._told_apart(entity) else None

    def _machine(self, entity: Entity) -> str | None:
        """The component of which each machine has units of its own."""
        return next((name for name in entity.per if name in self.operations.machines.parts), None)

    def _told_apart(self, entity: Entity) -> bool:
        related = any(
            relation.of == entity.name
            for other in self.design.data.values()
            for relation in other.has_many.values()
        )
        named = any(
            isinstance(step, language.Call) and step.entity == entity.name and step.keys is not None
            for flow in self.design.flows.values()
            for step in walk(flow.steps)
        )
        return entity.popularity is not None or related or named

    def _sweeper(self, entity: Entity) -> str | None:
        """The span from the end of a term until the flow that gives back those whose term is over."""
        for flow in self.design.flows.values():
            for step in walk(flow.steps):
                if isinstance(step, language.Each) and isinstance(step.of, language.HeldSet):
                    if step.of.entity == entity.name:
                        return f"{step.of.term} ends until {flow.name}"
        return None

    # ---- numbers that differ by popularity ------------------------------------------------

    def _amount(
        self, entity: Entity, what: str, formula: Formula, dimension: Dimension, held: Held | None
    ) -> Amount:
        values = self.operations.values
        if not formula.attributes:
            return values.at_least_zero(formula, values.number(formula, dimension))
        if (entity.name, what) not in self.usual.amounts:
            self.usual.amounts[entity.name, what] = self._by_share(entity, formula, dimension, held)
        return self.usual.amounts[entity.name, what]

    def _by_share(self, entity: Entity, formula: Formula, dimension: Dimension, held: Held | None) -> Amount:
        """The number at points over the popularity of what it is per."""
        owner = held.register.removeprefix("key:") if held is not None else entity.name
        rate = sum(self.usual.rates.get(flow, 0.0) for flow in self._takers(entity.name))
        shares = [0.0] if held is None or held.own else _shares(held.population)
        points = [(share, self._at(formula, dimension, owner, share * rate)) for share in shares]
        return points[0][1] if len({value for _, value in points}) == 1 else ByShare(tuple(points))

    def _takers(self, entity: str) -> set[str]:
        return {
            flow.name
            for flow in self.design.flows.values()
            for step in walk(flow.steps)
            if isinstance(step, language.Call) and step.entity == entity and self.does(step)
        }

    def _at(self, formula: Formula, dimension: Dimension | None, owner: str, rate: float) -> float:
        """The formula for one instance of `owner`, that asks at this rate per second."""
        return self._quantity(formula, dimension, owner, rate, frozenset()).value  # type: ignore[return-value]

    def _quantity(
        self,
        formula: Formula,
        dimension: Dimension | None,
        owner: str,
        rate: float,
        around: frozenset[str],
    ) -> Quantity:
        given = {"usual rate": Quantity(rate, RATE)}
        figures = self.design.data[owner].each_has if owner in self.design.data else {}
        for name in formula.attributes - {"usual rate"}:
            before, _, last = name.rpartition(".")
            if before != owner or last not in figures or name in around:
                raise NotComputable(
                    f"`{formula.text}`: `{name}` is no figure that each `{owner}` has", formula.place
                )
            given[name] = self._quantity(figures[last], None, owner, rate, around | {name})
        try:
            estimate = self.operations.values.sheet.evaluate_expression(
                formula.expr, expect=dimension, name=formula.text, given=given
            )
        except QuantityError as error:
            raise NotComputable(
                f"`{formula.text}` cannot be computed: {error.message}", formula.place
            ) from None
        if not estimate.is_certain:
            self.operations.ledger.at_median(formula.text)
        return Quantity(self.operations.values.at_least_zero(formula, estimate.median), estimate.dimension)

    # ---- operations ------------------------------------------------

    def operation(
        self, step: language.Call, part: Part | None, scope: Scope, caller: str | None, then: Steps
    ) -> Operation:
        """An operation on a bounded thing at a component; with `part` None at the one that has the request.

        Raises `NotComputable`.
        """
        path, entity = scope.path(step.path), step.entity or ""
        pool = self.pool(entity, step)
        if pool.refill is None:
            scope.touched.add(f"held:{entity}")
        before, key, keys, count = self._keys(step, pool, scope)
        machine = self._machine(self.design.data[entity])
        if machine is not None and machine != (scope.caller if part is None else part.name):
            raise NotComputable(
                f"`{entity}` is bounded per machine of `{machine}`, and is asked for at another place",
                step.place,
            )
        done, after = self._steps(step, pool, scope, path, key, keys)
        at = part if part is not None else self.operations.machines.parts[scope.caller or ""]
        work = self.operations.work(step, at, step.operation or "", count)
        if part is None:
            return Operation(tuple(before), (Delay(path, work), *done, *then, *after))
        link = self.operations.wire.link(caller, part.name)
        pick = Pick.PRIMARY if part.station.shards else self.operations.machines.pick(caller, part)
        asked, locks = self.operations.locks.of(
            step, part.name, scope, keys=keys or (f"keys:{pool.name}" if key is None else "")
        )
        before += asked
        visit = Visit(path, part.name, work, link, pick, key, (*done, *then), locks)
        ahead = self._ahead(step, pool, scope)
        if ahead is None:
            return Operation(tuple(before), (visit, *after))
        number, keep, machines = ahead
        taken = TakeAhead(path, pool.name, key, number, keep)
        stash = FromStash(path, pool.name, key, FOUND, number, keep, machines)
        return Operation(tuple(before), (replace(visit, body=(taken, *then)),), ahead=stash)

    def _keys(
        self, step: language.Call, pool: Pool, scope: Scope
    ) -> tuple[list[Step], str | None, str | None, Number]:
        """The steps that choose the keys; the register of the one that the call goes to; the list of several; and
        how many rows the call has.
        """
        path = scope.path(step.path)
        before: list[Step] = []
        if scope.sweeps == pool.name:
            scope.touched.add(SIZE_REGISTER)
            return before, None, None, Register(SIZE_REGISTER)
        held = self.held(self.design.data[pool.name])
        takes = step.operation in ("take", "queue for")
        if held is None:
            return before, None, None, 1.0
        free = self._among_free(pool.name)
        if step.keys is None and not (takes and free):
            if step.operation in ("extend", "keep", "give back") and pool.refill is None:
                return before, None, None, 1.0  # of what the request holds
            if step.of is not None:
                held = self.operations.entities.key(held.register.removeprefix("key:"), step.of)
            return scope.draw(path, [held]), held.register, None, 1.0
        if not takes:
            raise NotComputable(
                f"`keys` of a `{step.operation}` are those that were taken: leave it out", step.place
            )
        count, needed = (1.0, ()) if step.keys is None else self.operations.whole(step.keys, scope)
        before += scope.draw(path, needed)
        listed = f"keys:{pool.name}"
        seen = f"seen:{pool.name}" if free else None
        before.append(Choose(path, pool.name, listed, count, MOST_AT_ONCE, seen))
        return before, None, listed, count

    def _among_free(self, entity: str) -> bool:
        popularity = self.design.data[entity].popularity
        return popularity is not None and popularity.over == "free"

    def _steps(
        self, step: language.Call, pool: Pool, scope: Scope, path: str, key: str | None, keys: str | None
    ) -> tuple[Steps, Steps]:
        """What happens there, and what the request does behind the call."""
        entity = self.design.data[pool.name]
        assert entity.bound is not None
        match step.operation:
            case "take" | "queue for":
                line = entity.bound.waiting is not None or step.operation == "queue for"
                if line and keys is not None:
                    raise NotComputable("several keys at once have no line to wait in", step.place)
                if pool.refill is not None and step.operation == "queue for":
                    raise NotComputable(
                        f"`{pool.name}` refills: who wants it waits for it (`take`), and cannot have it later",
                        step.place,
                    )
                amount, needed = self.operations.amount(None if keys else step.rows, scope)
                if needed:
                    raise NotComputable("how much is taken is the same for all", step.place)
                took = Take(path, pool.name, key, keys, amount, self._term(step), line)
                stands = line and step.operation == "take"
                waits = Await(f"{path} in line", pool.name, key if pool.refill is not None else None)
                return (took,), ((waits,) if stands else ())
            case "extend":
                term = self._term(step)
                if term is None:
                    raise NotComputable("it is extended by no time: say `for`", step.place)
                return (Extend(path, pool.name, term),), ()
            case "keep":
                return (Keep(path, pool.name),), ()
            case "give back":
                if scope.sweeps == pool.name:
                    return (Sweep(path, pool.name, Register(SIZE_REGISTER)),), ()
                return (GiveBack(path, pool.name, key),), ()
            case "read":
                return (Look(path, pool.name, key),), ()
            case _:
                return (Write(path, pool.name, key),), ()

    def _term(self, step: language.Call) -> float | None:
        formula = step.held_for
        if formula is None:
            bound = self.design.data[step.entity or ""].bound
            formula = None if bound is None else bound.held_for
        if formula is None:
            return None
        seconds = self.operations.values.time(formula)
        return seconds if seconds < NEVER else None

    def _ahead(self, step: language.Call, pool: Pool, scope: Scope) -> tuple[int, float, int] | None:
        """How many are taken at a time, for how long they are kept, and on how many machines."""
        if step.at_a_time is None or step.operation != "take":
            return None
        number = round(min(self.operations.values.number(step.at_a_time), 1e6))
        if number < 2:
            return None
        bound = self.design.data[pool.name].bound
        if pool.refill is None or pool.machines or bound is None or bound.waiting is not None:
            raise NotComputable(
                f"only what `refills`, is one for all machines and has no line can be taken ahead, unlike "
                f"`{pool.name}`",
                step.place,
            )
        keep = NEVER / 2 if step.keep_for is None else self.operations.values.time(step.keep_for)
        caller = self.operations.machines.parts.get(scope.caller or "")
        scope.touched.add(f"stash:{pool.name}")
        return number, keep, 1 if caller is None else caller.machines

    def _checked(self, step: language.Call) -> bool:
        """Whether a flow reads how much is left and writes it back: not one step, though it may be meant as one."""
        flow = self.design.flows.get(step.path.partition("/")[0])
        steps = () if flow is None else tuple(walk(flow.steps))
        operations = {
            other.operation
            for other in steps
            if isinstance(other, language.Call) and other.entity == step.entity
        }
        return {"read", "update"} <= operations

    # ---- who goes past, what is seen, what is over ------------------------------------------------

    def passing(
        self, step: language.Call, handlers: dict[Outcome, Steps], scope: Scope, path: str
    ) -> tuple[list[Step], dict[Outcome, Steps]]:
        """Whoever goes on though a step has not given it what it asked for is let through all the same; and nobody is
        counted twice because an attempt has come too late.
        """
        if not handlers and not self._limits(step):
            return [], handlers
        before: list[Step] = []
        for name in dict.fromkeys(
            each.entity
            for each in walk((step,))
            if isinstance(each, language.Call) and each.entity and self._limits(each)
        ):
            entity = self.design.data[name]
            held = self.held(entity)
            if held is not None:
                before += scope.draw(path, [held])
            before.append(Set(f"passed:{name}", 0))
            passed = Pass(f"{path} past {name}", name, None if held is None else held.register)
            handlers = {outcome: (*steps, passed) for outcome, steps in handlers.items()}
        return before, handlers

    def _limits(self, step: language.Call) -> bool:
        entity = self.design.data.get(step.entity or "")
        refills = entity is not None and entity.bound is not None and entity.bound.refills is not None
        return refills and (step.operation == "take" or (step.operation == "update" and self.does(step)))

    def over(self, amount: object, step: language.Step, entity: str | None) -> tuple[Step, ...]:
        """The step that counts those whose term is over, where a number of rows or passes asks for it."""
        if not isinstance(amount, language.HeldSet):
            return ()
        name = amount.entity or entity or ""
        return (Over(self.pool(name, step).name, f"over:{name}"),)

    # ---- conditions ------------------------------------------------

    def test(self, condition: language.HeldState, scope: Scope) -> Test | None:
        """The test of a condition on a bounded thing; None where it is about something else."""
        if condition.state not in ("taken", "free", "none left") or not self.is_bounded(condition.subject):
            return None
        name = condition.subject or ""
        entity = self.design.data[name]
        if name not in self.pools:
            self.pools[name] = self._pool(entity)
        if condition.state == "taken":
            scope.touched.add(f"held:{name}")
            return Holds(name)
        held = self.held(entity)
        key = held.register if held is not None and held.register in scope.known else None
        return Left(name, key, none=condition.state == "none left")


def _shares(population: Population) -> list[float]:
    """Shares of the draws from the rarest key to the most popular one, at even distances of their logarithms."""
    from toscale.engine.tables import population_tables

    if population.exponent == 0 or population.size == 1:
        return [1.0 / population.size]
    total = float(population_tables([population])[0][0].total)
    indices = {round(population.size ** (k / (POINTS - 1))) for k in range(POINTS)}
    return sorted({index**-population.exponent / total for index in indices})
