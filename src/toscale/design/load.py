"""How does a text become a design? Into nodes, names, parts of the model, and then checks of what only the
whole shows.

All problems come at once. What can be understood of a design with errors is there all the same, so that an
editor can go on showing it; `Loaded.sound()` insists on none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from toscale.design.checks import check_whole
from toscale.design.conditions import Target
from toscale.design.data_reader import DATA_PARTS, DATA_WORDS, entity
from toscale.design.dimensions import check_dimensions
from toscale.design.flow_vocabulary import NOT_NAMES
from toscale.design.flow_words import FLOW_WORDS, RATE_PARTS
from toscale.design.model import Design, Prose, Requirements
from toscale.design.names import gather
from toscale.design.problems import DesignError, Problem, Problems, quoted
from toscale.design.reader import MOST_ENTRIES, Reader, Reference
from toscale.design.rules import FORMULA_RULES
from toscale.design.section_reader import SECTION_PARTS, SECTION_WORDS, flow
from toscale.design.source import Mapping, Node, Scalar, Source, read_source
from toscale.design.step_reader import StepReader
from toscale.design.vocabulary import SHAPES
from toscale.quantity.grammar import is_reserved

__all__ = ["Loaded", "load", "read_design", "read_nodes"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What reading has given: the design, as far as it could be understood (None if the text is no YAML),
    and all problems.
    """

    design: Design | None
    problems: tuple[Problem, ...]
    references: tuple[Reference, ...] = ()  # every use of a name, as far as it could be read

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that are errors."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def sound(self) -> Design:
        """The design, which has no errors. Raises `DesignError` with all of them otherwise."""
        if self.design is None or self.errors:
            raise DesignError(self.problems)
        return self.design


def load(path: str | Path) -> Design:
    """The design in a file. Raises `DesignError` if it has errors, OSError if it cannot be opened."""
    from toscale.design.source import MOST_BYTES

    with Path(path).open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    return read_design(data, str(path)).sound()


def read_design(data: bytes | str, file: str = "<text>") -> Loaded:
    """The design in a text, with all its problems. Never raises, whatever the text is."""
    source, problems = read_source(data, file)
    if source is None:
        return Loaded(None, problems.sorted())
    return read_nodes(source, problems)


def read_nodes(
    source: Source, problems: Problems | None = None, removed: frozenset[tuple[str, str]] = frozenset()
) -> Loaded:
    """The design in nodes that were read before, with all its problems.

    `problems` are those found until here; `removed` the parts that a change has taken away, each with its
    sort.
    """
    problems = Problems() if problems is None else problems
    root = source.root
    if root is not None and not isinstance(root, Mapping):
        problems.add(
            "TS102",
            root.place,
            "A design has sections, and here is a single value or a list.",
            "Write `title: ...` lines.",
        )
        return Loaded(None, problems.sorted())
    mapping = Mapping(()) if root is None else root
    names = gather(root)
    custom = {**FLOW_WORDS, **SECTION_WORDS, **DATA_WORDS, "entity": entity, "steps": _later, "flow": _later}
    reader = Reader(source, names, problems, custom, {**RATE_PARTS, **SECTION_PARTS, **DATA_PARTS})
    reader.removed = removed
    values: dict[str, Any] = {}
    for key, node in mapping.items:
        reader.section = key.text
        values.update(reader.shape(Mapping(((key, node),)), SHAPES["design"]) or {})
    reader.section = "flows"
    values["flows"] = _flows(reader, mapping.get("flows"))
    _check_names(reader, mapping)
    _name_parts(reader, mapping, values)
    design = Design(source=source, **values)
    check_whole(design, reader)
    check_dimensions(reader, design.estimates, {name: part.each_has for name, part in design.data.items()})
    found = problems.sorted()
    return Loaded(replace(design, problems=found), found, tuple(reader.references))


def _later(reader: Reader, node: Node, what: str) -> None:
    """Steps need the name of their flow: they are read by `_flows`."""


def _flows(reader: Reader, node: Node | None) -> dict[str, Any]:
    flows: dict[str, Any] = {}
    items = node.items if isinstance(node, Mapping) else ()
    for key, value in items[:MOST_ENTRIES]:
        mapping = reader.mapping(value, quoted(key.text))
        if mapping is None:
            continue
        values = reader.shape(mapping, SHAPES["flow"]) or {}
        values["steps"] = StepReader(reader, key.text).steps(mapping.get("steps"), key.text)
        flows[key.text] = replace(flow(reader, mapping, values), name=key.text)
    return flows


_NAMED = {
    "components": ("a component", "name"),
    "connections": ("a connection", "name"),
    "flows": ("a flow", ""),
    "data": ("an entity", "name"),
    "api": ("an endpoint", "name"),
    "decisions": ("a decision", "name"),
    "faults": ("a fault", "name"),
    "prices": ("a price", "component"),
    "agreements": ("an agreement", "section"),
}
"""The sections whose entries are named by their keys, with the attribute that takes the name."""
_FREE = ("decisions", "faults")


def _keys(root: Mapping, section: str) -> tuple[Scalar, ...]:
    node = root.get(section)
    return tuple(key for key, _ in node.items) if isinstance(node, Mapping) else ()


def _check_names(reader: Reader, root: Mapping) -> None:
    """Names can be names, and each names one thing."""
    for section, (what, _) in _NAMED.items():
        for key in _keys(root, section)[:MOST_ENTRIES]:
            if section not in ("prices", "agreements", "api"):
                reader.name(key, what, strict=section not in _FREE)
    requirements = root.get("requirements")
    actors = _keys(requirements, "users") if isinstance(requirements, Mapping) else ()
    for key, what in _with(actors, "an actor") + _with(_keys(root, "components"), "a component"):
        if key.text in NOT_NAMES:
            reader.wrong(
                "TS107",
                key,
                f"{quoted(key.text)} is a word of the language and cannot name {what}.",
                f"Call it something else, such as `{key.text} service`.",
            )
    called = {key.text for key in actors}
    for key in _keys(root, "components"):
        if key.text in called:
            said = f"{quoted(key.text)} is an actor, and cannot be a component too."
            reader.wrong("TS110", key, said, "Rename one of them.")
    for key in _keys(root, "estimates")[:MOST_ENTRIES]:
        _check_estimate_name(reader, key)
    for step, flows in reader.names.steps.items():
        for name in {name for name in flows if flows.count(name) > 1}:
            node = reader.names.flows[name]
            said = f"Two steps of {quoted(name)} are called {quoted(step)}."
            reader.wrong("TS110", node, said, "Give each a name of its own.")


def _with(keys: Iterable[Scalar], what: str) -> list[tuple[Scalar, str]]:
    return [(key, what) for key in keys]


def _check_estimate_name(reader: Reader, key: Scalar) -> None:
    if is_reserved(key.text):
        reader.wrong(
            FORMULA_RULES["reserved-name"],
            key,
            f"{quoted(key.text)} is a unit, a function or a word of formulas, and cannot name an estimate.",
            f"Call it `{key.text}_value`, say.",
        )
    elif not all(word.isidentifier() for word in key.text.split(" ")) or len(key.text) > 100:
        reader.wrong(
            "TS106",
            key,
            f"{quoted(key.text)} cannot be the name of an estimate.",
            "Use letters, digits and `_`.",
        )


def _name_parts(reader: Reader, root: Mapping, values: dict[str, Any]) -> None:
    """Give the parts of each section their names, and leave out those that are of nothing."""
    for section, (_, attribute) in _NAMED.items():
        if attribute and section in values:
            values[section] = {
                name: replace(part, **{attribute: name}) for name, part in values[section].items()
            }
    for section, to in (("prices", ("component",)), ("layout", ("component",)), ("api", ("step", "flow"))):
        reader.section = section
        for key in _keys(root, section):
            if reader.known(key.text, to, key.place) is None:
                values.get(section, {}).pop(key.text, None)
    for key in _keys(root, "agreements"):
        if key.text not in SHAPES["design"].keys:
            mend = reader.did_you_mean(key.text, SHAPES["design"].keys)
            reader.wrong("TS101", key, f"There is no section {quoted(key.text)}.", mend)
            values.get("agreements", {}).pop(key.text, None)
    requirements = values.get("requirements")
    if isinstance(requirements, Requirements):
        named: dict[str, Target | Prose] = {
            name: replace(line, name=name) if isinstance(line, Target) else line
            for name, line in requirements.non_functional.items()
        }
        values["requirements"] = replace(requirements, non_functional=named)
