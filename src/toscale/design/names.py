"""Which names does a design declare? They are gathered before anything is read, so that each use can be
checked at once.

A name is declared by being a key of its section; zones and regions by being used in a component; steps by
their `name:`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field

from toscale.design.source import Mapping, Node, Scalar, Sequence
from toscale.quantity.grammar import Vocabulary

__all__ = ["Names", "gather"]

NUMBER_WORDS = ("usual rate",)
"""Words of the language that stand for a figure of an instance: its share of the flow, by its popularity."""


@dataclass(slots=True)
class Names:
    """The names of a file by what they name. `raw` is the node of each section's entry."""

    actors: dict[str, Node] = field(default_factory=dict)
    estimates: dict[str, Node] = field(default_factory=dict)
    components: dict[str, Node] = field(default_factory=dict)
    connections: dict[str, Node] = field(default_factory=dict)
    flows: dict[str, Node] = field(default_factory=dict)
    entities: dict[str, Node] = field(default_factory=dict)
    faults: dict[str, Node] = field(default_factory=dict)
    targets: dict[str, Node] = field(default_factory=dict)
    steps: dict[str, list[str]] = field(default_factory=dict)  # name -> the flows that have such a step
    zones: dict[str, None] = field(default_factory=dict)
    regions: dict[str, None] = field(default_factory=dict)
    items: set[str] = field(default_factory=set)  # what `as:` calls the items of an each
    terms: set[str] = field(default_factory=set)  # estimates that stand in a `for:`, the terms of holds
    vocabulary: Vocabulary = field(default_factory=Vocabulary)

    def table(self, what: str) -> AnyMapping[str, object]:
        """The names of one sort, as `shapes.Ref` calls it. Raises KeyError for a sort that there is not."""
        return _TABLES[what](self)


_TABLES: dict[str, Callable[[Names], AnyMapping[str, object]]] = {
    "actor": lambda names: names.actors,
    "estimate": lambda names: names.estimates,
    "component": lambda names: names.components,
    "connection": lambda names: names.connections,
    "flow": lambda names: names.flows,
    "entity": lambda names: names.entities,
    "fault": lambda names: names.faults,
    "target": lambda names: names.targets,
    "step": lambda names: names.steps,
    "zone": lambda names: names.zones,
    "region": lambda names: names.regions,
}


def gather(root: Node | None) -> Names:
    """The names that a file declares, whatever else may be wrong with it."""
    names = Names()
    if not isinstance(root, Mapping):
        return names
    requirements = root.get("requirements")
    for table, section in (
        (names.estimates, root.get("estimates")),
        (names.components, root.get("components")),
        (names.connections, root.get("connections")),
        (names.flows, root.get("flows")),
        (names.entities, root.get("data")),
        (names.faults, root.get("faults")),
        (names.actors, requirements.get("users") if isinstance(requirements, Mapping) else None),
        (names.targets, requirements.get("non_functional") if isinstance(requirements, Mapping) else None),
    ):
        if isinstance(section, Mapping):
            table.update((key.text, value) for key, value in section.items)
    for component in names.components.values():
        if isinstance(component, Mapping):
            for zone in _texts(component.get("zones")):
                names.zones[zone] = None
            for region in _texts(component.get("region")):
                names.regions[region] = None
    for flow, node in names.flows.items():
        if isinstance(node, Mapping):
            for step in _mappings(node.get("steps")):
                _gather_step(names, flow, step)
    names.vocabulary = Vocabulary(_formula_words(names))
    return names


def _gather_step(names: Names, flow: str, step: Mapping) -> None:
    for key, value in step.items:
        if not isinstance(value, Scalar):
            continue
        if key.text == "name":
            names.steps.setdefault(value.text, []).append(flow)
        elif key.text == "as":
            names.items.add(value.text)
        elif key.text == "for" and value.text in names.estimates:
            names.terms.add(value.text)


def _mappings(node: Node | None) -> Iterator[Mapping]:
    if isinstance(node, Mapping):
        yield node
        for _, value in node.items:
            yield from _mappings(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _mappings(item)


def _texts(node: Node | None) -> list[str]:
    if isinstance(node, Scalar):
        return [node.text] if node.value is not None else []
    if isinstance(node, Sequence):
        return [item.text for item in node.items if isinstance(item, Scalar)]
    return []


def _formula_words(names: Names) -> Iterator[str]:
    """What may stand in a formula: estimates, and the paths that begin with a name of several words."""
    yield from names.estimates
    yield from NUMBER_WORDS
    own = {entity: _own_names(node) for entity, node in names.entities.items()}
    every = {name for found in own.values() for name in found}
    for root in (*names.actors, *names.entities, *names.items):
        if " " in root:
            for name in own.get(root) or every:
                yield f"{root}.{name}"
    for entity, found in own.items():
        for name in found:
            if " " in name:
                yield f"{entity}.{name}"


def _own_names(entity: Node) -> list[str]:
    found = ["size"]
    if isinstance(entity, Mapping):
        for key in ("fields", "has many", "each has"):
            section = entity.get(key)
            if isinstance(section, Mapping):
                found += [name.text for name, _ in section.items]
    return found
