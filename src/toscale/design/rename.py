"""How is a part renamed, everywhere it is used? At the places that reading the file has noted, and in the
paths of changes.

`rename(text, "component", "cache", "link cache")` renames the component in `components`, in every step,
fault, price and condition, and in the changes of decisions. Comments and prose are left alone.
"""

from __future__ import annotations

from toscale.design.change import changed
from toscale.design.edit import EditError, quote_key
from toscale.design.load import Loaded, read_design
from toscale.design.model import Change, Design
from toscale.design.names import gather
from toscale.design.parts import Place
from toscale.design.source import Mapping, Node, Scalar, Sequence, Source

__all__ = ["rename"]

_SECTIONS = {
    "component": ("components",),
    "flow": ("flows",),
    "entity": ("data",),
    "estimate": ("estimates",),
    "connection": ("connections",),
    "fault": ("faults",),
    "actor": ("requirements", "users"),
    "target": ("requirements", "non_functional"),
}
"""Where each sort of name is declared."""


def rename(text: str, sort: str, old: str, new: str) -> str:
    """The text with the part of that sort and name called `new`, everywhere.

    `sort` is component, flow, entity, estimate, connection, fault, actor, target or step. Raises `EditError`
    if the text has errors, if there is no such part, if the new name is taken or cannot be a name.
    """
    before = read_design(text)
    if before.design is None or before.errors:
        raise EditError(f"the design has errors: {before.errors[0]}")
    if old == new:
        return text
    source = before.design.source
    assert source is not None, "a design that was read has a source"
    declared = _declared(source, sort, old)
    if not declared:
        raise EditError(f"there is no {sort} {old!r}")
    if _declared(source, sort, new):
        raise EditError(f"there is a {sort} {new!r} already")
    places = set(declared)
    places |= _references(before, sort, old)
    paths: dict[Place, str] = {}
    for change in _changes(before.design):
        places |= {
            p for p in _references(changed(before.design, change), sort, old) if _inside(p, change.place)
        }
        paths.update(_paths(before.design, change, sort, old, new))
    result = _replaced(source, places, paths, old, new)
    after = read_design(result)
    if after.errors:
        raise EditError(f"{new!r} cannot be its name: {after.errors[0].message}")
    return result


def _declared(source: Source, sort: str, name: str) -> list[Place]:
    if sort == "step":
        return [scalar.place for scalar in _step_names(source.root) if scalar.text == name]
    if sort not in _SECTIONS:
        raise EditError(f"a {sort} has no name that can be changed")
    node = source.root
    for key in _SECTIONS[sort]:
        node = node.get(key) if isinstance(node, Mapping) else None
    found = node.key(name) if isinstance(node, Mapping) else None
    return [] if found is None else [found.place]


def _step_names(root: Node | None) -> list[Scalar]:
    flows = root.get("flows") if isinstance(root, Mapping) else None
    waiting: list[Node] = [] if flows is None else [flows]
    found: list[Scalar] = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            found += [value for key, value in node.items if key.text == "name" and isinstance(value, Scalar)]
            waiting += [value for _, value in node.items]
        elif isinstance(node, Sequence):
            waiting += node.items
    return found


def _references(loaded: Loaded, sort: str, name: str) -> set[Place]:
    return {use.place for use in loaded.references if use.sort == sort and use.name == name}


def _changes(design: Design) -> list[Change]:
    options = [
        option.change for decision in design.decisions.values() for option in decision.options.values()
    ]
    return [change for change in (*options, *(s.change for s in design.requirements.suggestions)) if change]


def _inside(place: Place, outer: Place) -> bool:
    starts = (outer.line, outer.column) <= (place.line, place.column)
    return starts and (place.end_line, place.end_column) <= (outer.end_line, outer.end_column)


def _paths(design: Design, change: Change, sort: str, old: str, new: str) -> dict[Place, str]:
    """The paths of a change in which the name occurs, each as it must be then."""
    assert design.source is not None, "a design that was read has a source"
    steps = gather(design.source.root).steps
    found: dict[Place, str] = {}
    for path, place in change.places.items():
        names = path.split(".")
        section = _SECTIONS.get(sort, ("flows",))[0]
        for index, name in enumerate(names):
            if name != old:
                continue
            is_declared = index == 1 and names[0] == section and sort not in ("actor", "target", "step")
            is_step = sort == "step" and index == 2 and names[0] == "flows" and old in steps
            is_call = sort == "component" and index >= 3 and names[0] == "flows"
            is_user = sort in ("actor", "target") and names[:2] == list(_SECTIONS[sort]) and index == 2
            if is_declared or is_step or is_call or is_user:
                names[index] = new
        if ".".join(names) != path:
            found[place] = ".".join(names)
    return found


def _replaced(source: Source, places: set[Place], paths: dict[Place, str], old: str, new: str) -> str:
    """The text with the new name at all places, from its end to its start."""
    text = source.text
    starts = _line_starts(text)
    patches: list[tuple[int, int, str]] = []
    for place in places:
        start = starts[place.line - 1] + place.column - 1
        end = starts[place.end_line - 1] + place.end_column - 1
        written = text[start:end]
        if written == old:
            patches.append((start, end, new))
        elif written.strip("\"'") == old:
            patches.append((start, end, quote_key(new, True)))
        else:
            raise EditError(f"at {place} the name is written in a way that cannot be edited safely")
    for place, renamed in paths.items():
        start = starts[place.line - 1] + place.column - 1
        end = starts[place.end_line - 1] + place.end_column - 1
        patches.append((start, end, quote_key(renamed, True)))
    for start, end, written in sorted(set(patches), reverse=True):
        text = text[:start] + written + text[end:]
    return text


def _line_starts(text: str) -> list[int]:
    from toscale.design.syntax import line_breaks

    return [0, *(found.end() for found in line_breaks(text))]
