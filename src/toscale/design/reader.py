"""How is one value of a design read? By its type, into a value of the model; what is wrong becomes a problem
at its place.

The reader knows the types of `shapes`, formulas, times and names. The sections of the file are read by its
subclasses' modules. A value that cannot be read is left out (None), after a problem has been added.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from toscale.design.attributes import AttributePaths
from toscale.design.flow import AttributePath
from toscale.design.names import NUMBER_WORDS, Names
from toscale.design.parts import Formula, Place, Time
from toscale.design.problems import Problems, nearest, quoted
from toscale.design.rules import FORMULA_RULES
from toscale.design.shapes import (
    Custom,
    Dimension,
    Key,
    Listing,
    Part,
    Quantity,
    Ref,
    Shape,
    Table,
    Text,
    Type,
    Varying,
    Word,
    YesNo,
)
from toscale.design.source import Mapping, Node, Scalar, Sequence, Source
from toscale.design.vocabulary import SHAPES
from toscale.quantity.errors import QuantityError
from toscale.quantity.formula import Formula as ParsedFormula
from toscale.quantity.formula import Name as FormulaName
from toscale.quantity.formula import walk
from toscale.quantity.grammar import parse
from toscale.quantity.times import Shape as TimeShape
from toscale.quantity.times import parse_time_expression

__all__ = ["Reader", "Reference", "Use"]

MOST_ENTRIES = 2_000
"""The most entries of one section: components, flows, entities, ..."""
MOST_NAME = 100
MOST_COMPARISONS = 20_000
"""So many names are compared with misspelt ones in one file, which takes a second at most."""

_NAME = re.compile(r"[^\W_][\w' /&+-]*")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name where it is used: of which sort (component, flow, entity, ...), and its place, of the name
    alone.
    """

    sort: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Use:
    """A formula with the dimension that its place asks for; `of` says the place in words."""

    formula: Formula
    dimension: Dimension
    of: str


def sub_place(source: Source, node: Scalar, start: int, end: int) -> Place:
    """The place of `text[start:end]` of a scalar; the whole scalar where it is written over lines or with
    escapes.
    """
    offset = node.start + (1 if node.quoted else 0)
    place = node.place
    if node.start < 0 or place.line != place.end_line or not node.text:
        return place
    if source.text[offset : offset + len(node.text)] != node.text:
        return place
    column = place.column + offset - node.start
    end = max(end, start + 1)
    return Place(place.file, place.line, column + start, place.line, column + end)


class Reader:
    """Reads values by their types.

    `names` are those of the file; `custom` reads the values that have a grammar of their own, `builders`
    make the parts of the model from the values of a shape. `uses` collects the formulas, whose dimensions
    are checked when all have been read.
    """

    def __init__(
        self,
        source: Source,
        names: Names,
        problems: Problems,
        custom: dict[str, Callable[[Reader, Node, str], Any]],
        builders: dict[str, Callable[[Reader, Mapping, dict[str, Any]], Any]],
    ) -> None:
        self.source, self.names, self.problems = source, names, problems
        self.custom, self.builders = custom, builders
        self.uses: list[Use] = []
        self.references: list[Reference] = []
        self.comparisons = 0
        self.paths = AttributePaths(self)
        self.section = ""  # the section that is being read
        self.removed: frozenset[tuple[str, str]] = frozenset()  # what a change has taken away: sort and name
        self.items: dict[
            str, str | None
        ] = {}  # what `as:` calls the items around this place, with their entity

    # --- problems

    def wrong(self, code: str, at: Node | Place, message: str, suggestion: str = "") -> None:
        """Add a problem at a node or a place."""
        self.problems.add(code, at if isinstance(at, Place) else at.place, message, suggestion)

    def did_you_mean(self, word: str, candidates: Iterable[str], otherwise: str = "") -> str:
        """The nearest candidate as a suggestion, else the other suggestion."""
        near = self.nearest(word, candidates)
        return f"Did you mean `{near}`?" if near else otherwise

    def nearest(self, word: str, candidates: Iterable[str]) -> str | None:
        """The candidate that was probably meant. When much has been compared, nothing more is: a file of
        typos is no design.
        """
        if self.comparisons > MOST_COMPARISONS:
            return None
        choices = list(candidates)
        self.comparisons += len(choices)
        return nearest(word, choices)

    def part(self, node: Scalar, start: int, end: int) -> Place:
        """The place of a range of a scalar's text."""
        return sub_place(self.source, node, start, end)

    # --- plain values

    def scalar(self, node: Node, what: str) -> Scalar | None:
        """The node as a scalar that says something."""
        if isinstance(node, Scalar):
            return node if node.value is not None else None
        has = "a mapping" if isinstance(node, Mapping) else "a list"
        self.wrong("TS102", node, f"{what} is a single value, and here is {has}.", _colon_mend(node))
        return None

    def text(self, node: Node, what: str) -> str | None:
        """Any text."""
        scalar = self.scalar(node, what)
        return None if scalar is None else scalar.text

    def mapping(self, node: Node, what: str) -> Mapping | None:
        """The node as a mapping; an empty value is an empty mapping."""
        if isinstance(node, Mapping):
            return node
        if isinstance(node, Scalar) and node.value is None:
            return Mapping((), place=node.place)
        has = "a list" if isinstance(node, Sequence) else "a single value"
        self.wrong(
            "TS102", node, f"{what} has keys with values, and here is {has}.", "Write `key: value` lines."
        )
        return None

    def items_of(self, node: Node, what: str) -> list[Node]:
        """The entries of a list; a single value is a list of one."""
        if isinstance(node, Sequence):
            items = list(node.items)
        elif isinstance(node, Scalar):
            items = [] if node.value is None else [node]
        else:
            items = [node]
        if len(items) > MOST_ENTRIES:
            self.wrong(
                "TS109", node, f"{what} has {len(items):,} entries; at most {MOST_ENTRIES:,} are read."
            )
            return []
        return items

    def yes_no(self, node: Node, what: str) -> bool | None:
        scalar = self.scalar(node, what)
        if scalar is None or isinstance(scalar.value, bool):
            return None if scalar is None else bool(scalar.value)
        self.wrong(
            "TS104",
            node,
            f"{what} is `true` or `false`, not {quoted(scalar.text)}.",
            "Write `true` or `false`.",
        )
        return None

    def word(self, node: Node, choices: tuple[str, ...], what: str) -> str | None:
        scalar = self.scalar(node, what)
        if scalar is None or scalar.text in choices:
            return None if scalar is None else scalar.text
        listed = ", ".join(f"`{choice}`" for choice in choices)
        mend = self.did_you_mean(scalar.text, choices, f"It is one of {listed}.")
        self.wrong("TS104", node, f"{quoted(scalar.text)} is no {what}.", mend)
        return None

    # --- names

    def name(self, key: Scalar, what: str, strict: bool = True) -> bool:
        """Whether a key can be a name. Strict names stand in paths and in steps: letters, digits, spaces and
        few signs.
        """
        if len(key.text) > MOST_NAME:
            self.wrong(
                "TS106", key, f"The name of {what} has more than {MOST_NAME} characters.", "Shorten it."
            )
            return False
        if not strict or (_NAME.fullmatch(key.text) and not key.text.endswith(" ") and " - " not in key.text):
            return True
        self.wrong(
            "TS106",
            key,
            f"{quoted(key.text)} cannot be the name of {what}.",
            "Use letters, digits, spaces, `_` and `-`, a letter or digit first.",
        )
        return False

    def ref(self, node: Node, to: tuple[str, ...], what: str) -> str | None:
        """A name that is declared as one of `to`; None, with a problem, if it is not."""
        scalar = self.scalar(node, what)
        if scalar is None:
            return None
        return self.known(scalar.text, to, scalar.place)

    def known(self, name: str, to: tuple[str, ...], place: Place) -> str | None:
        """The name, if it is declared as one of `to`. An actor or entity is only warned of where the section
        is not yet there.
        """
        tables = [self.names.table(what) for what in to]
        for sort, table in zip(to, tables, strict=True):
            if name in table:
                self.refer(sort, name, place)
                return name
        gone = any((sort, name) in self.removed for sort in to)
        if gone and self.section in TALKING_SECTIONS:
            said = f"{quoted(name)} is taken away by the change: what is said of it is not judged."
            self.problems.add("TS509", place, said)
            return None
        candidates = [candidate for table in tables for candidate in table]
        code, section = REFERENCES[to[0]]
        soft = to[0] in ("actor", "entity")
        near = self.nearest(name, candidates)
        if soft and near is None:
            section_word = "requirements.users" if to[0] == "actor" else "data"
            article = "an" if to[0][0] in "ae" else "a"
            self.problems.add(
                "TS505" if to[0] == "actor" else "TS504",
                place,
                f"Nothing says what {quoted(name)} is: {article} {to[0]} of this name is not in `{section_word}`.",
                "Add it there, so that it can be computed with.",
            )
            return name
        kind = " or ".join(to)
        mend = f"Did you mean `{near}`?" if near else f"Declare it under `{section}`."
        self.problems.add(code, place, f"Unknown {kind} {quoted(name)}.", mend)
        return None

    def refer(self, sort: str, name: str, place: Place) -> None:
        """Note that a name is used at a place."""
        self.references.append(Reference(sort, name, place))

    def refer_to_someone(self, name: str, place: Place) -> None:
        """Note that an actor or an entity is used, where an item of an `each` could be."""
        if name not in self.items:
            self.refer("entity" if name in self.names.entities else "actor", name, place)

    # --- formulas and times

    def formula(self, node: Node, dimension: Dimension, what: str) -> Formula | None:
        """An expression, with the names it uses."""
        scalar = self.scalar(node, what)
        return None if scalar is None else self.formula_in(scalar, 0, len(scalar.text), dimension, what)

    def formula_in(
        self, node: Scalar, start: int, end: int, dimension: Dimension, what: str
    ) -> Formula | None:
        """The expression in a range of a scalar's text."""
        if isinstance(node.value, bool):
            self.wrong(
                "TS102", node, f"{what} is a value, not `{node.text}`.", "Write a number with its unit."
            )
            return None
        piece = node.text[start:end]
        start += len(piece) - len(piece.lstrip())
        piece = piece.strip()
        place = self.part(node, start, start + len(piece))
        try:
            parsed = parse(piece, self.names.vocabulary)
        except QuantityError as error:
            self.formula_error(error, node, start)
            return None
        names = frozenset(parsed.names)
        attributes = frozenset(name for name in names if "." in name or name in NUMBER_WORDS)
        if not self.check_names(parsed, node, start):
            return None
        formula = Formula(piece, parsed, names - attributes, attributes, place)
        self.uses.append(Use(formula, dimension, what))
        return formula

    def formula_error(self, error: QuantityError, node: Scalar, start: int) -> None:
        """A refusal of `toscale.quantity` as a problem with its place in the file."""
        place = self.part(node, start + error.start, start + error.end)
        self.wrong(FORMULA_RULES[error.code], place, error.message, error.suggestion)

    def time(self, node: Node, what: str) -> Time | None:
        """A time that differs from one request to the next."""
        scalar = self.scalar(node, what)
        return None if scalar is None else self.time_in(scalar, 0, len(scalar.text), what)

    def time_in(self, node: Scalar, start: int, end: int, what: str) -> Time | None:
        """The time in a range of a scalar's text."""
        piece = node.text[start:end]
        start += len(piece) - len(piece.lstrip())
        piece = piece.strip()
        place = self.part(node, start, start + len(piece))
        try:
            parsed = parse_time_expression(piece, self.names.vocabulary)
        except QuantityError as error:
            self.formula_error(error, node, start)
            return None
        formulas = ([parsed.value] if parsed.value else []) + list(parsed.parameters)
        offsets = parsed.offsets if parsed.value else parsed.offsets[1:]
        are_times = (
            parsed.shape is TimeShape.UNIFORM and parsed.value is None
        ) or parsed.probability is not None
        for index, (formula, offset) in enumerate(zip(formulas, offsets, strict=True)):
            at = start + offset
            if not self.check_names(formula, node, at):
                return None
            dimension: Dimension = "time" if are_times or (index == 0 and parsed.value) else "number"
            part = self.part(node, at, at + len(formula.text.rstrip()))
            self.uses.append(Use(Formula(formula.text, formula, place=part), dimension, what))
        return Time(piece, parsed, frozenset(parsed.names), place)

    # --- by type

    def value(self, node: Node, kind: Type, what: str) -> Any:
        """The value of a node by its type; None where it says nothing or cannot be read."""
        if isinstance(node, Scalar) and node.value is None and not isinstance(kind, Table | Listing | Part):
            return None
        match kind:
            case Quantity(dimension=dimension, words=words):
                if isinstance(node, Scalar) and node.text in words:
                    return node.text
                return self.formula(node, dimension, what)
            case Varying():
                return self.time(node, what)
            case Word(choices=choices):
                return self.word(node, choices, what)
            case Text():
                return self.text(node, what)
            case YesNo():
                return self.yes_no(node, what)
            case Ref(to=to):
                return self.ref(node, to, what)
            case Listing(of=of):
                read = (self.value(item, of, what) for item in self.items_of(node, what))
                return tuple(item for item in read if item is not None)
            case Table(of=of):
                return {key.text: read for key, read in self.entries(node, of, what)}
            case Part(shape=shape, short=short):
                return self.part_of(node, shape, short)
            case Custom(schema=schema):
                return self.custom[schema](self, node, what)

    def entries(self, node: Node, of: Type, what: str) -> list[tuple[Scalar, Any]]:
        """The entries of a table that could be read, with their keys."""
        mapping = self.mapping(node, what)
        if mapping is None:
            return []
        if len(mapping.items) > MOST_ENTRIES:
            count = f"{len(mapping.items):,}"
            self.wrong("TS109", node, f"{what} has {count} entries; at most {MOST_ENTRIES:,} are read.")
            return []
        found = [(key, self.value(value, of, quoted(key.text))) for key, value in mapping.items]
        return [(key, read) for key, read in found if read is not None]

    def part_of(self, node: Node, shape: str, short: str | None) -> Any:
        """A mapping of a shape, made into its part of the model by the function of that name."""
        if short is not None and isinstance(node, Scalar) and node.value is not None:
            key = Scalar(short, short, place=node.place)
            node = Mapping(((key, node),), place=node.place, start=node.start, end=node.end)
        mapping = self.mapping(node, SHAPES[shape].what[0].upper() + SHAPES[shape].what[1:])
        if mapping is None:
            return None
        values = self.shape(mapping, SHAPES[shape])
        return None if values is None else self.builders[shape](self, mapping, values)

    def shape(
        self, mapping: Mapping, shape: Shape, skip: Callable[[str], bool] | None = None
    ) -> dict[str, Any] | None:
        """The values of a mapping by attribute; None if a required key is missing. Unknown keys are
        problems.
        """
        values: dict[str, Any] = {}
        for name, node in mapping.items:
            key = shape.keys.get(name.text)
            if key is None:
                if skip is None or not skip(name.text):
                    self.unknown_key(name, shape.what, shape.keys)
                continue
            read = self.value(node, key.type, f"`{name.text}`")
            if read is not None:
                values[key.attribute] = read
        missing = [key for key in shape.keys.values() if key.required and mapping.get(key.name) is None]
        for key in missing:
            self.missing(mapping, key, shape.what)
        return (
            None
            if any(key.required and key.attribute not in values for key in shape.keys.values())
            else values
        )

    def missing(self, mapping: Mapping, key: Key, what: str) -> None:
        """A required key is not there."""
        self.wrong(
            "TS103",
            mapping,
            f"{what[0].upper()}{what[1:]} needs `{key.name}`: {key.doc}.",
            f"Add `{key.name}: ...`.",
        )

    def unknown_key(self, name: Scalar, what: str, keys: Iterable[str]) -> None:
        """A key that the shape does not have."""
        listed = ", ".join(f"`{key}`" for key in keys)
        mend = self.did_you_mean(name.text, keys, f"It may have {listed}.")
        self.wrong("TS101", name, f"{what[0].upper()}{what[1:]} has no key {quoted(name.text)}.", mend)

    # --- what belongs to a request

    def check_names(self, parsed: ParsedFormula, node: Scalar, start: int) -> bool:
        """Whether all names of a formula are known: estimates, and values that belong to a request."""
        good = True
        for part in walk(parsed.expr):
            if not isinstance(part, FormulaName) or part.name in NUMBER_WORDS:
                continue
            place = self.part(node, start + part.start, start + part.end)
            if "." in part.name:
                good = self.attribute(part.name, place) is not None and good
            elif part.name in self.names.estimates:
                self.refer("estimate", part.name, place)
            else:
                mend = self.did_you_mean(
                    part.name, self.names.estimates, "Add it to `estimates`, or write its value."
                )
                self.wrong("TS205", place, f"Unknown estimate {quoted(part.name)}.", mend)
                good = False
        return good

    def attribute(self, text: str, place: Place) -> AttributePath | None:
        """A dotted path, such as `post.author.followers`; see `attributes`."""
        return self.paths.attribute(text, place)


TALKING_SECTIONS = ("requirements", "focus", "api", "prices", "operations", "layout")
"""The sections that only talk of parts: what they say of a part that a change takes away falls with it."""

REFERENCES: dict[str, tuple[str, str]] = {
    "component": ("TS201", "components"),
    "flow": ("TS202", "flows"),
    "entity": ("TS203", "data"),
    "actor": ("TS204", "requirements.users"),
    "estimate": ("TS205", "estimates"),
    "zone": ("TS207", "components.NAME.zones"),
    "region": ("TS207", "components.NAME.region"),
    "fault": ("TS208", "faults"),
    "step": ("TS209", "flows"),
    "connection": ("TS210", "connections"),
    "target": ("TS211", "requirements.non_functional"),
}
"""For each sort of name: the rule for an unknown one, and the section that declares it."""


def _colon_mend(node: Node) -> str:
    if isinstance(node, Mapping):
        return "Quote a text that has `: ` in it."
    return "Write one value."
