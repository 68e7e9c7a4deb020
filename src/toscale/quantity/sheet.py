"""What are all estimates of a design worth? Named formulas that refer to each other, computed together.

`Sheet.evaluate` takes the formulas by name and gives an `Estimate` for each that can be computed, every
problem of the others at once, and for what depends on a broken formula the names that it waits for.
`evaluate_expression` computes one more formula (a rate in a flow, the memory of a cache) over them.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from toscale.quantity.errors import QuantityError, did_you_mean, excerpt, sentence
from toscale.quantity.estimate import Estimate
from toscale.quantity.evaluate import Evaluation, all_finite, arithmetic, assumptions_of, unknown_names
from toscale.quantity.formatting import format_number
from toscale.quantity.formula import Formula, Name, walk
from toscale.quantity.grammar import Vocabulary, is_reserved, parse
from toscale.quantity.uncertain import DEFAULT_SEED, SAMPLES, Assumption, Quantity
from toscale.quantity.units import Dimension, Unit, describe, example_of

MOST_FORMULAS = 1_000
"""The most formulas of a sheet: each may hold 80 kB of samples."""

MOST_ASSUMPTIONS = 300
"""The most uncertain literals of a sheet."""

MOST_TEXT = 200_000
"""The most characters of all formulas of a sheet together."""

MOST_SUGGESTIONS = 200
"""After so many problems of a sheet no nearest names are searched: hostile files cost no time."""

Text = str | int | float | Formula
"""A formula as it may be given: its text, a number, or already read."""


@dataclass(frozen=True, slots=True)
class SheetProblem:
    """What is wrong with one formula; the place in `error` is in the text of that formula."""

    name: str
    error: QuantityError


@dataclass(frozen=True, eq=False)
class Sheet(Mapping[str, Estimate]):
    """The estimates by name, in the order of the file, with the problems of those that have none.

    `not_computed` maps each estimate without a problem of its own to the broken ones that it depends on.
    """

    formulas: Mapping[str, Text]
    estimates: Mapping[str, Estimate]
    problems: tuple[SheetProblem, ...]
    not_computed: Mapping[str, tuple[str, ...]]
    given: Mapping[str, Quantity]
    seed: int
    overrides: Mapping[str, float]
    factors: Mapping[str, float]
    vocabulary: Vocabulary = field(repr=False)

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    @staticmethod
    def evaluate(
        formulas: Mapping[str, Text],
        *,
        seed: int = DEFAULT_SEED,
        overrides: Mapping[str, float] | None = None,
        factors: Mapping[str, float] | None = None,
        given: Mapping[str, Quantity] | None = None,
    ) -> Sheet:
        """The sheet of named formulas. Never raises for what the formulas say: see `problems`.

        `overrides` puts a certain value, in s, byte and USD, in the place of a formula, whose dimension it
        keeps. `factors` multiplies the values of estimates (growth): what depends on them follows. `given`
        are quantities that formulas may name beside each other.
        """
        return _Evaluator(formulas, seed, overrides or {}, factors or {}, given or {}).run()

    def scaled(self, factors: Mapping[str, float]) -> Sheet:
        """The sheet with those estimates multiplied, beyond what they are multiplied by already."""
        together = {
            name: self.factors.get(name, 1.0) * factors.get(name, 1.0) for name in {**self.factors, **factors}
        }
        return Sheet.evaluate(
            self.formulas, seed=self.seed, overrides=self.overrides, factors=together, given=self.given
        )

    def overridden(self, overrides: Mapping[str, float]) -> Sheet:
        """The sheet with certain values, in s, byte and USD, in the place of those formulas."""
        return Sheet.evaluate(
            self.formulas,
            seed=self.seed,
            overrides={**self.overrides, **overrides},
            factors=self.factors,
            given=self.given,
        )

    def parse(self, text: Text) -> Formula:
        """A formula over the names of this sheet, read and not computed."""
        return _read(text, self.vocabulary)

    def evaluate_expression(
        self,
        text: Text,
        *,
        expect: Dimension | None = None,
        name: str = "",
        given: Mapping[str, Quantity] | None = None,
    ) -> Estimate:
        """One more formula over this sheet; see the function of the same name.

        A name of this sheet that could not be computed raises the code `not-computed`.
        """
        names: dict[str, Estimate | Quantity] = {**self.given, **self.estimates, **(given or {})}
        vocabulary = Vocabulary({*self.vocabulary, *given}) if given else self.vocabulary
        formula = _read(text, vocabulary)
        broken = {name for name in self.formulas if name not in self.estimates}
        for node in walk(formula.expr):
            if isinstance(node, Name) and node.name in broken and node.name not in names:
                raise QuantityError(
                    "not-computed",
                    f"`{excerpt(node.name)}` could not be computed.",
                    "Mend that estimate first.",
                    node.start,
                    node.end,
                )
        return evaluate_expression(formula, names, expect=expect, name=name, seed=self.seed)


def evaluate_expression(
    text: Text,
    names: Mapping[str, Estimate | Quantity] = MappingProxyType({}),
    *,
    expect: Dimension | None = None,
    name: str = "",
    seed: int = DEFAULT_SEED,
) -> Estimate:
    """The value of one formula over known estimates and quantities.

    `expect` is the dimension that its place asks for (`RATE`, `TIME`, `SIZE`, `NUMBER`, `MONEY`, ...). `name` is
    what the formula is called; the streams of its own ranges are found by it, so that it should be a path
    in the design (`flows.open.rate`) and not change. Raises the first `QuantityError`.
    """
    if isinstance(names, Sheet):
        return names.evaluate_expression(text, expect=expect, name=name)
    formula = _read(text, Vocabulary(names) if isinstance(text, str) else Vocabulary())
    for error in unknown_names(formula, names):
        raise error
    owner = name or " ".join(formula.text.split())
    estimate = _compute(owner, formula, names, seed)
    if expect is not None and estimate.dimension != expect:
        is_what = f"`{excerpt(formula.text)}` is {describe(estimate.dimension)}"
        raise QuantityError(
            "wrong-dimension",
            f"{sentence(describe(expect))} is expected, and {is_what}.",
            f"Write {describe(expect)}, such as `{example_of(expect)}`.",
            0,
            len(formula.text),
        )
    return estimate


def _read(text: Text, vocabulary: Vocabulary) -> Formula:
    if isinstance(text, Formula):
        return text
    if isinstance(text, str):
        return parse(text, vocabulary)
    if isinstance(text, bool) or not abs(text) <= sys.float_info.max:
        raise QuantityError("unreadable", "This is not a number.", "Write a value, such as `20 ms`.")
    return parse(repr(text), vocabulary)


def _compute(
    owner: str,
    formula: Formula,
    names: Mapping[str, Estimate | Quantity],
    seed: int,
    factor: float = 1.0,
    override: float | None = None,
) -> Estimate:
    """The estimate of a formula whose names are all known. Raises `QuantityError`."""
    used = [(name, names[name]) for name in formula.names]
    quantities = {name: q if isinstance(q, Quantity) else Quantity(q.value, q.dimension) for name, q in used}
    result = Evaluation(formula, quantities, owner, seed).run()
    if formula.unit is not None and formula.unit.dimension != result.dimension:
        raise _wrong_conversion(formula, formula.unit, result.dimension)
    uses = tuple(q for _, q in used if isinstance(q, Estimate))
    assumptions: dict[str, Assumption] = {}
    if override is None:
        for estimate in uses:
            assumptions |= {a.key: a for a in estimate.assumptions}
        assumptions |= {a.key: a for a in assumptions_of(formula, owner)}
    value = result.value if override is None else float(override)
    if factor != 1.0:
        value = arithmetic(operator.mul, value, float(factor))
        if not all_finite(value):
            message = f"`{excerpt(owner)}` times {factor:g} is too large to be held."
            raise QuantityError("overflow", message, "The bound is about 1e308.", 0, len(formula.text))
    if not isinstance(value, float) and len(value) == SAMPLES and bool((value == value[0]).all()):
        value = float(value[0])  # such as `max(5, 1 to 2)`: nothing is uncertain any more
    return Estimate(
        owner,
        formula,
        value,
        result.dimension,
        seed,
        uses if override is None else (),
        tuple(assumptions.values()) if not isinstance(value, float) else (),
        factor,
        override,
    )


def _wrong_conversion(formula: Formula, unit: Unit, dimension: Dimension) -> QuantityError:
    return QuantityError(
        "wrong-dimension",
        f"{sentence(describe(dimension))} cannot be shown in `{unit.name}`, which is {describe(unit.dimension)}.",
        f"It is something like `{example_of(dimension)}`.",
        formula.unit_start,
        len(formula.text),
    )


class _Evaluator:
    """One evaluation of a sheet: read, order, compute; problems are gathered as they are found."""

    def __init__(
        self,
        formulas: Mapping[str, Text],
        seed: int,
        overrides: Mapping[str, float],
        factors: Mapping[str, float],
        given: Mapping[str, Quantity],
    ) -> None:
        self.formulas = formulas
        self.seed = seed
        self.overrides = overrides
        self.factors = factors
        self.given = given
        self.vocabulary = Vocabulary([*list(formulas)[:MOST_FORMULAS], *given])
        self.read: dict[str, Formula] = {}
        self.uses: dict[str, tuple[str, ...]] = {}
        self.problems: list[SheetProblem] = []
        self.estimates: dict[str, Estimate | Quantity] = dict(given)
        self.broken: set[str] = set()
        self.waits: dict[str, tuple[str, ...]] = {}

    def run(self) -> Sheet:
        self.read_all()
        self.bound_assumptions()
        self.check_points()
        for name in self.in_order():
            self.compute_one(name)
        place = {name: i for i, name in enumerate(self.formulas)}
        made = {n: e for n in self.formulas if isinstance(e := self.estimates.get(n), Estimate)}
        return Sheet(
            self.formulas,
            MappingProxyType(made),
            tuple(sorted(self.problems, key=lambda p: (place.get(p.name, len(place)), p.error.start))),
            MappingProxyType({n: self.waits[n] for n in self.formulas if n in self.waits}),
            self.given,
            self.seed,
            self.overrides,
            self.factors,
            self.vocabulary,
        )

    def problem(self, name: str, error: QuantityError) -> None:
        self.problems.append(SheetProblem(name, error))
        self.broken.add(name)

    def read_one(self, name: str) -> None:
        try:
            if is_reserved(name):
                raise QuantityError(
                    "reserved-name",
                    f"`{name}` is a word of the language, and cannot be the name of an estimate.",
                    f"Call it something longer, such as `{name}_count`.",
                )
            formula = _read(self.formulas[name], self.vocabulary)
        except QuantityError as error:
            self.problem(name, error)
            return
        unknown = unknown_names(formula, self.vocabulary, suggested=MOST_SUGGESTIONS - len(self.problems))
        for each in unknown:
            self.problem(name, each)
        self.read[name], self.uses[name] = formula, formula.names

    def read_all(self) -> None:
        """Read what is within the bounds of a sheet."""
        length = 0
        names = list(self.formulas)
        for i, name in enumerate(names):
            text = self.formulas[name]
            length += len(text) if isinstance(text, str) else 0
            if i == MOST_FORMULAS:
                message = f"A design has at most {MOST_FORMULAS} estimates; this is one more."
                self.refuse_past(names[i:], message)
                break
            if length > MOST_TEXT:
                message = f"The estimates of a design have at most {MOST_TEXT} characters together."
                self.refuse_past(names[i:], message)
                break
            self.read_one(name)

    def bound_assumptions(self) -> None:
        count = 0
        past: list[str] = []
        for name, formula in self.read.items():
            count += len(formula.uncertain)
            if count > MOST_ASSUMPTIONS and formula.uncertain and name not in self.broken:
                past.append(name)
        for name in past:
            del self.read[name]
        self.refuse_past(past, f"The estimates of a design have at most {MOST_ASSUMPTIONS} uncertain values.")

    def refuse_past(self, past: list[str], message: str) -> None:
        """Tell what is beyond a bound: the first has the problem, the others wait for it."""
        for name in past[:1]:
            self.problem(name, QuantityError("too-many-estimates", message))
        self.waits.update((name, (past[0],)) for name in past[1:])

    def check_points(self) -> None:
        """Refuse overrides and factors of what is not there, and values that are none."""
        for kind, points in (("value", self.overrides), ("factor", self.factors)):
            for name, point in points.items():
                shown = excerpt(name)
                if name not in self.formulas:
                    message = f"There is no estimate `{shown}` to which a {kind} could be given."
                    self.problems.append(
                        SheetProblem(
                            name, QuantityError("unknown-name", message, did_you_mean(name, self.formulas))
                        )
                    )
                elif not math.isfinite(point):
                    message = f"The {kind} given for `{shown}` is {format_number(point)}."
                    self.problem(name, QuantityError("overflow", message, "Give a number."))

    def in_order(self) -> list[str]:
        """The formulas that can be computed, each after what it uses; cycles become problems."""
        users: dict[str, list[str]] = {}
        open_uses: dict[str, int] = {}
        for name in self.read:
            uses = [used for used in self.uses[name] if used in self.read]
            open_uses[name] = len(uses)
            for used in uses:
                users.setdefault(used, []).append(name)
        ready = [name for name, count in open_uses.items() if count == 0]
        done, refused = 0, set[str]()
        while len(ready) < len(open_uses):
            if done == len(ready):
                # All that is left waits for itself. One cycle is refused, and its first estimate then counts
                # as settled, so that the others know what they wait for.
                settled = set(ready)
                first = self.refuse_cycle([name for name in open_uses if name not in settled])
                ready.append(first)
                refused.add(first)
            for user in users.get(ready[done], ()):
                open_uses[user] -= 1
                if open_uses[user] == 0 and user not in refused:
                    ready.append(user)
            done += 1
        return ready

    def refuse_cycle(self, left: list[str]) -> str:
        """A problem for one cycle among formulas that wait for each other; the estimate that it names."""
        place = {name: i for i, name in enumerate(left)}
        path: dict[str, None] = {}
        name = left[0]
        while name not in path:
            path[name] = None
            name = next(used for used in self.uses[name] if used in place)
        members = list(path)[list(path).index(name) :]
        turn = members.index(min(members, key=lambda member: place[member]))
        cycle = members[turn:] + members[:turn]
        first, following = cycle[0], (cycle[1:] + cycle[:1])[0]
        shown = [*cycle[:8], "...", cycle[-1]] if len(cycle) > 9 else cycle
        told = " -> ".join(excerpt(member) for member in [*shown, first])
        node = next(n for n in walk(self.read[first].expr) if isinstance(n, Name) and n.name == following)
        message = f"`{excerpt(first)}` depends on itself: {told}."
        self.problem(
            first, QuantityError("cycle", message, "Give one of them a value.", node.start, node.end)
        )
        return first

    def compute_one(self, name: str) -> None:
        if name in self.broken:
            return
        formula = self.read[name]
        missing = [used for used in self.uses[name] if used not in self.estimates]
        if missing:
            roots = dict.fromkeys(root for used in missing for root in self.waits.get(used, (used,)))
            self.waits[name] = tuple(roots)
            return
        try:
            self.estimates[name] = _compute(
                name,
                formula,
                self.estimates,
                self.seed,
                self.factors.get(name, 1.0),
                self.overrides.get(name),
            )
        except QuantityError as error:
            self.problem(name, error)
