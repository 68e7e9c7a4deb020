"""What is known of a request at a point of its way: numbers, keys and lists, given the branches that led
there.

`Known` is a value: conditioning on a test gives two others, and what meets behind a branch is their mixture.
It is what makes "read the database on a miss" see the unpopular keys, and "for each follower, of authors with
few" the few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import (
    Attribute,
    Chance,
    Compare,
    Connected,
    Ended,
    Flag,
    Holds,
    Left,
    Number,
    Population,
    Register,
    Test,
)
from toscale.theory.numbers import OPERATORS, Spread, constant, floored, holds, mixture
from toscale.theory.popularity import Array, keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """The key in a register: of which population, and with which chance of each cell (None: a new key, or one
    without popularity).
    """

    population: Population
    weights: Array | None

    def concentration(self) -> tuple[float, float]:
        """The chance of the likeliest key, and the sum over keys of the square of their chance."""
        if self.weights is None:
            return 0.0, 0.0
        each = self.weights / keys(self.population).counts
        return float(each.max()), float(self.weights @ each)


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A look-up that set a flag: of the key in `register`, there with chance `present` by cells (None:
    nothing by cells is known).
    """

    store: str
    register: str
    present: Array | None
    missed: str | None = None  # for a look-up of several keys: the list of those that were not there


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """A list of keys: how many, and whose."""

    number: Spread
    keys: Drawn


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """All of it; names are registers, except those of lists. What is not there is a register that is 0, and
    an attribute by its law. `Connected` is 1 where the member surely has such a connection open, 0 where not.
    """

    numbers: dict[Register | Attribute | Connected, Spread]
    keys: dict[str, Drawn]
    looked: dict[str, Looked]
    lists: dict[str, Listed]
    put: frozenset[tuple[str, str]]  # (store, register): put on the way

    def number(self, number: Number) -> Spread:
        """The distribution of a number."""
        if isinstance(number, Attribute):
            return self.numbers.get(number) or floored(number.law)
        if isinstance(number, Register):
            return self.numbers.get(number) or constant(0.0)
        return constant(number)

    def connected(self, test: Connected, share: float) -> tuple[float, Known, Known]:
        """The chance that a member is connected, `share` where nothing is known of this one; and what is known
        where he is, and where he is not.
        """
        known = self.numbers.get(test)
        chance = share if known is None else known.mean
        return chance, self.with_number(test, constant(1.0)), self.with_number(test, constant(0.0))

    def with_number(self, number: Register | Attribute | Connected, spread: Spread) -> Known:
        looked = self.looked
        if isinstance(number, Register) and number.name in looked:
            looked = {name: look for name, look in looked.items() if name != number.name}
        return Known({**self.numbers, number: spread}, self.keys, looked, self.lists, self.put)

    def with_key(self, register: str, drawn: Drawn) -> Known:
        """A register that has got a key; what was known of attributes of an earlier one is forgotten."""
        known = self.without((register,))
        return Known(known.numbers, {**known.keys, register: drawn}, known.looked, known.lists, known.put)

    def with_look(self, flag: str, chance: float, look: Looked) -> Known:
        numbers: dict[Register | Attribute | Connected, Spread] = {
            **self.numbers,
            Register(flag): Spread(np.array([0.0, 1.0]), np.array([1 - chance, chance])),
        }
        return Known(numbers, self.keys, {**self.looked, flag: look}, self.lists, self.put)

    def with_list(self, name: str, listed: Listed) -> Known:
        return Known(self.numbers, self.keys, self.looked, {**self.lists, name: listed}, self.put)

    def with_put(self, store: str, register: str) -> Known:
        return Known(self.numbers, self.keys, self.looked, self.lists, self.put | {(store, register)})

    def without(self, registers: Iterable[str]) -> Known:
        """With those registers empty."""
        gone = set(registers)
        if not gone:
            return self
        return Known(
            {
                n: s
                for n, s in self.numbers.items()
                if (n.name if isinstance(n, Register) else n.of) not in gone
            },
            {r: d for r, d in self.keys.items() if r not in gone},
            {f: k for f, k in self.looked.items() if f not in gone and k.register not in gone},
            self.lists,
            frozenset(p for p in self.put if p[1] not in gone),
        )

    def carried(self, registers: Sequence[str]) -> Known:
        """What a message or a caused request takes along."""
        kept = set(registers)
        return Known(
            {n: s for n, s in self.numbers.items() if (n.name if isinstance(n, Register) else n.of) in kept},
            {r: d for r, d in self.keys.items() if r in kept},
            {},
            {},
            frozenset(),
        )

    def weighted(self, number: Number, by: Array) -> Known:
        """As seen by things met in proportion to `by` (a factor for each value of the number)."""
        if isinstance(number, Attribute | Register):
            spread = self.number(number)
            return Known(
                {**self.numbers, number: spread.weighted(by)}, self.keys, self.looked, self.lists, self.put
            )
        return self

    # ---- branches
    # ------------------------------------------------------------------------------------------------

    def branch(self, test: Test) -> tuple[float, Known, Known]:
        """The chance that the test holds, and what is known where it does and where it does not."""
        if isinstance(test, Chance):
            return test.probability, self, self
        if isinstance(test, Holds):  # nothing is refused, in theory
            return 1.0, self, self
        if isinstance(test, Left):
            return (0.0 if test.none else 1.0), self, self
        if isinstance(test, Flag):
            test = Compare(Register(test.register), "!=", 0.0)
        if isinstance(test, Ended):  # asked behind a repetition only, which knows how its passes end
            return 0.0, self, self
        assert isinstance(test, Compare)
        left, right = self.number(test.left), self.number(test.right)
        if test.left == test.right:
            true = bool(OPERATORS[test.operator](np.zeros(1), np.zeros(1))[0])
            return float(true), self, self
        chance, by_left, by_right = holds(test.operator, left, right)
        if chance <= 1e-15:
            return 0.0, self, self
        if chance >= 1 - 1e-15:
            return 1.0, self, self
        yes = self._given(test.left, left, by_left)._given(test.right, right, by_right)
        no = self._given(test.left, left, 1 - by_left)._given(test.right, right, 1 - by_right)
        return chance, yes, no

    def _given(self, number: Number, spread: Spread, likelihood: Array) -> Known:
        """After an event with that chance at each value of the number."""
        if not isinstance(number, Attribute | Register) or float(np.ptp(likelihood)) < 1e-15:
            return self
        known = Known(
            {**self.numbers, number: spread.weighted(likelihood)},
            self.keys,
            self.looked,
            self.lists,
            self.put,
        )
        look = self.looked.get(number.name) if isinstance(number, Register) else None
        if look is None or len(likelihood) != 2:
            return known
        listed = self.lists.get(look.missed) if look.missed is not None else None
        if look.missed is not None and listed is not None:
            some = listed.number.weighted(np.where(listed.number.values > 0, likelihood[0], likelihood[1]))
            return known.with_list(look.missed, Listed(some, listed.keys))
        if look.present is None:
            return known
        drawn = self.keys.get(look.register)
        if drawn is None or drawn.weights is None:
            return known
        weights = drawn.weights * (look.present * likelihood[1] + (1 - look.present) * likelihood[0])
        total = float(weights.sum())
        if total <= 0:
            return known
        given = Drawn(drawn.population, weights / total)
        return Known(
            known.numbers, {**known.keys, look.register: given}, known.looked, known.lists, known.put
        )


NOTHING = Known({}, {}, {}, {}, frozenset())


def meet(parts: Sequence[tuple[float, Known]]) -> Known:
    """What is known where several ways meet, each with its weight."""
    parts = [(w, k) for w, k in parts if w > 0]
    if not parts:
        return NOTHING
    first = parts[0][1]
    if all(k is first for _, k in parts):
        return first
    numbers: dict[Register | Attribute | Connected, Spread] = {}
    for number in dict.fromkeys(n for _, k in parts for n in k.numbers):
        if isinstance(number, Connected):  # where it is not known, it is as likely as of anyone
            if all(number in k.numbers for _, k in parts):
                numbers[number] = mixture([(w, k.numbers[number]) for w, k in parts])
            continue
        spreads = [(w, k.number(number)) for w, k in parts]
        one = spreads[0][1]
        numbers[number] = one if all(s is one for _, s in spreads) else mixture(spreads)
    drawn: dict[str, Drawn] = {}
    for register in dict.fromkeys(r for _, k in parts for r in k.keys):
        those = [(w, k.keys[register]) for w, k in parts if register in k.keys]
        drawn[register] = _met_keys(those)
    lists: dict[str, Listed] = {}
    for name in dict.fromkeys(n for _, k in parts for n in k.lists):
        there = [(w, k.lists[name]) for w, k in parts if name in k.lists]
        if all(entry is there[0][1] for _, entry in there) and len(there) == len(parts):
            lists[name] = there[0][1]
            continue
        spreads = [(w, k.lists[name].number if name in k.lists else constant(0.0)) for w, k in parts]
        lists[name] = Listed(mixture(spreads), _met_keys([(w, entry.keys) for w, entry in there]))
    looked = {f: look for f, look in first.looked.items() if all(k.looked.get(f) is look for _, k in parts)}
    put = frozenset.intersection(*(k.put for _, k in parts))
    return Known(numbers, drawn, looked, lists, put)


def _met_keys(parts: Sequence[tuple[float, Drawn]]) -> Drawn:
    first = parts[0][1]
    if all(d is first for _, d in parts):
        return first
    same = [(w, d) for w, d in parts if d.weights is not None and d.population == first.population]
    total = sum(w for w, _ in same)
    if len(same) < len(parts) or total <= 0:
        return first  # of different populations: the first stands for all
    mixed = sum(
        (w / total * d.weights for w, d in same if d.weights is not None), np.zeros_like(same[0][1].weights)
    )
    return Drawn(first.population, mixed)
