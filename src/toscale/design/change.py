"""What would the design be with a change? Paths with values, applied to the nodes of the file, and read
again.

A path goes through keys, with dots between them: `estimates.celebrity`, `data.user.has
many.celebrities.mean`. Below a flow the next name is that of a step, wherever it stands in the flow
(`flows.call.check`), then words of the step (`.failed`) or the component of a call within it (`.stock`).
What comes there:

- a mapping merges into a mapping, key by key;
- for a step, a mapping with another head than the step has takes its place, and its name; others merge;
- `in place of: [...]` puts these steps in the place of the one named; the first of them with the same head
takes its name;
- `none` removes the part;
- anything else takes the place of what is there.

The nodes keep their places in the file, so that a problem of the changed design is said where its cause
stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from toscale.design.build import node_of
from toscale.design.load import Loaded, read_design, read_nodes
from toscale.design.model import Change, Design
from toscale.design.names import gather
from toscale.design.parts import NOWHERE, Place
from toscale.design.problems import Problem, Problems, listed, nearest, quoted
from toscale.design.source import Mapping, Node, Scalar, Sequence, Source
from toscale.design.step_reader import find_head
from toscale.design.vocabulary import SHAPES

__all__ = ["changed", "check_changes", "check_design", "with_change"]

_IN_PLACE_OF = "in place of"
Edit: TypeAlias = Callable[[Node | None], "Node | None"]


class _Nowhere(Exception):
    """A path leads nowhere: the message says why, the suggestion what is there."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message, self.suggestion = message, suggestion


def with_change(design: Design, change: AnyMapping[str, object] | Change) -> Design:
    """The design with a change. Raises `DesignError` if a path leads nowhere or the changed design has
    errors.
    """
    return changed(design, change).sound()


def changed(design: Design, change: AnyMapping[str, object] | Change) -> Loaded:
    """The design with a change, and all problems: of the change itself (then there is no design), or of what
    it makes.
    """
    entries: dict[str, tuple[Node, Place]]
    if isinstance(change, Change):
        entries = {path: (node, change.places.get(path, node.place)) for path, node in change.entries.items()}
    else:
        entries = {path: (node_of(value), NOWHERE) for path, value in change.items()}
    source = _source_of(design)
    problems = Problems()
    root: Node = source.root if source.root is not None else Mapping(())
    for path, (value, place) in entries.items():
        try:
            root = _Changer(root).apply(path, value)
        except _Nowhere as error:
            said = f"The path {quoted(path)} leads nowhere: {error.message}"
            problems.add("TS406", place, said, error.suggestion)
    if problems.failed:
        return Loaded(None, problems.sorted())
    return read_nodes(Source(source.file, source.text, root), removed=_removed(source.root, root))


_SORTS = {"components": "component", "flows": "flow", "data": "entity", "faults": "fault"}


def _removed(before: Node | None, after: Node) -> frozenset[tuple[str, str]]:
    """What a change has taken away: sort and name."""
    gone: set[tuple[str, str]] = set()
    for section, sort in _SORTS.items():
        old = before.get(section) if isinstance(before, Mapping) else None
        new = after.get(section) if isinstance(after, Mapping) else None
        kept = {key.text for key, _ in new.items} if isinstance(new, Mapping) else set()
        if isinstance(old, Mapping):
            gone |= {(sort, key.text) for key, _ in old.items if key.text not in kept}
    return frozenset(gone)


def _source_of(design: Design) -> Source:
    if design.source is None:
        raise ValueError("a design that was put together part by part has no source: use Design.from_dict")
    return design.source


def check_design(data: bytes | str, file: str = "<text>") -> Loaded:
    """The design in a text with all its problems, those of the changes in its decisions and suggestions
    among them.
    """
    loaded = read_design(data, file)
    if loaded.design is None or loaded.errors:
        return loaded
    found = check_changes(loaded.design)
    problems = tuple(sorted((*loaded.problems, *found), key=lambda p: (p.place, p.code)))
    return Loaded(replace(loaded.design, problems=problems), problems)


MOST_CHANGES = 100
MOST_WORK = 2_000_000
"""So many options are tried out, fewer in a long file: so many characters are read again in all. Beyond that
the check says so.
"""


def check_changes(design: Design) -> tuple[Problem, ...]:
    """The problems of every change that the design proposes, in its decisions and suggestions."""
    problems = Problems()
    options = [
        (f"the option {quoted(option.name)}", option.change)
        for decision in design.decisions.values()
        for option in decision.options.values()
        if option.change is not None
    ]
    options += [("the suggestion", s.change) for s in design.requirements.suggestions if s.change is not None]
    size = len(design.source.text) if design.source is not None else 0
    most = max(3, min(MOST_CHANGES, MOST_WORK // (size + 1)))
    for what, change in options[:most]:
        for problem in changed(design, change).problems:
            if problem.code == "TS406":
                problems.add(problem.code, problem.place, problem.message, problem.suggestion)
            elif problem.severity == "error":
                said = f"With {what} the design has an error: {problem.message}"
                problems.add("TS415", _within(change, problem.place), said, problem.suggestion)
    if len(options) > most:
        said = f"There are {len(options)} options with changes; the first {most} were tried."
        problems.add("TS109", options[most][1].place, said)
    return problems.sorted()


def _within(change: Change, place: Place) -> Place:
    """The place, if it lies in the change; else that of the change, which is the cause."""
    inside = change.place
    starts = (inside.line, inside.column) <= (place.line, place.column)
    ends = (place.end_line, place.end_column) <= (inside.end_line, inside.end_column)
    return place if starts and ends else inside


# --- applying one entry -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Changer:
    """Applies an entry to the nodes of a file, which are values: what is changed is made anew along the path."""

    root: Node

    def apply(self, path: str, value: Node) -> Node:
        """The nodes with the entry applied; `_Nowhere` if the path leads nowhere."""
        names = path.split(".")
        if not all(name.strip() for name in names):
            raise _Nowhere("a name is missing between two dots.")
        names = [name.strip() for name in names]
        if names[0] == "flows" and len(names) > 2:
            return self.in_flow(names, value)
        root = self.root
        if isinstance(root, Mapping) and root.get(names[0]) is None and names[0] in SHAPES["design"].keys:
            if not _is_none(value):
                root = _with_key(root, names[0], Mapping(()))  # a section that says nothing yet
        found = _at(root, names, lambda old: _merged(old, value))
        if found is None:
            raise _Nowhere("nothing would be left.")
        return found

    def in_flow(self, names: list[str], value: Node) -> Node:
        flow, rest = names[1], names[2:]
        known = gather(self.root)
        called: dict[str, object] = {**known.components, **known.actors}

        def change_flow(node: Node | None) -> Node | None:
            if not isinstance(node, Mapping):
                raise _Nowhere(f"there is no flow {quoted(flow)}.", _mend(flow, known.flows))
            if rest[0] in known.steps and flow in known.steps[rest[0]]:
                return _in_step(node, rest, value, called)
            if node.get(rest[0]) is not None or rest[0] in _FLOW_WORDS:
                return _at(node, rest, lambda old: _merged(old, value))
            own = [name for name, flows in known.steps.items() if flow in flows]
            raise _Nowhere(
                f"the flow {quoted(flow)} has no step called {quoted(rest[0])}.", _mend(rest[0], own)
            )

        found = _at(self.root, ["flows", flow], change_flow)
        assert found is not None, "a flow that was found is not removed by a path below it"
        return found


_FLOW_WORDS = (
    "from",
    "rate",
    "average",
    "priority",
    "over",
    "batch",
    "linger",
    "every",
    "per",
    "after",
    "chance",
    "wait",
    "steps",
)


def _mend(name: str, candidates: Iterable[str]) -> str:
    names = list(candidates)[:200]
    near = nearest(name, names)
    if near:
        return f"Did you mean `{near}`?"
    return f"There is {listed(names[:20])}." if names else ""


def _at(node: Node | None, names: list[str], edit: Edit) -> Node | None:
    """The node with what is at the end of a path edited. Only the last name of the path may be new."""
    if not names:
        return edit(node)
    if node is None or (isinstance(node, Scalar) and node.value is None):
        node = Mapping(())
    if not isinstance(node, Mapping):
        raise _Nowhere(f"{quoted(names[0])} is asked of what has no keys.")
    name, rest = names[0], names[1:]
    old = node.get(name)
    if old is None and rest:
        raise _Nowhere(f"there is no {quoted(name)}.", _mend(name, (key.text for key, _ in node.items)))
    new = _at(old, rest, edit)
    if old is None and new is None:
        raise _Nowhere(
            f"there is no {quoted(name)} to remove.", _mend(name, (key.text for key, _ in node.items))
        )
    return _with_key(node, name, new)


def _with_key(node: Mapping, name: str, value: Node | None) -> Mapping:
    """The mapping with a value under a key (None: without it); a new key comes last."""
    if node.get(name) is None:
        key = Scalar(name, name, place=value.place if value is not None else NOWHERE)
        return replace(node, items=(*node.items, (key, value))) if value is not None else node
    kept = ((key, value if key.text == name else old) for key, old in node.items)
    return replace(node, items=tuple((key, new) for key, new in kept if new is not None))


def _is_none(value: Node) -> bool:
    return isinstance(value, Scalar) and (value.value is None or (value.text == "none" and not value.quoted))


def _merged(old: Node | None, new: Node) -> Node | None:
    """What stands at a place after a change: see the module."""
    if _is_none(new):
        return None
    if isinstance(new, Mapping) and new.get(_IN_PLACE_OF) is not None:
        if len(new.items) > 1:
            raise _Nowhere("beside `in place of` nothing can be changed.")
        return new.get(_IN_PLACE_OF)
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    merged = old
    for key, value in new.items:
        was = merged.get(key.text)
        now = _merged(was, value)
        merged = _with_key(merged, key.text, now)
    return merged


# --- steps by name ------------------------------------------------------------------------------------------


def _in_step(flow: Mapping, names: list[str], value: Node, called: AnyMapping[str, object]) -> Node:
    """The flow with its step of that name changed."""
    found = False

    def visit(node: Node) -> list[Node]:
        """What comes in the place of a node that may be the step, or have it within."""
        nonlocal found
        if isinstance(node, Mapping):
            name = node.get("name")
            if isinstance(name, Scalar) and name.text == names[0] and not found:
                found = True
                return _changed_step(node, names[1:], value, called)
            items = tuple((key, visit_value(inner)) for key, inner in node.items)
            return [replace(node, items=items)]
        return [visit_value(node)]

    def visit_value(node: Node) -> Node:
        if isinstance(node, Sequence):
            return replace(node, items=tuple(new for item in node.items for new in visit(item)))
        if isinstance(node, Mapping):
            new = visit(node)
            return new[0] if len(new) == 1 else Sequence(tuple(new), place=node.place)
        return node

    result = visit_value(flow)
    if not found:
        raise _Nowhere(f"no step is called {quoted(names[0])}.")
    return result


def _changed_step(step: Mapping, rest: list[str], value: Node, called: AnyMapping[str, object]) -> list[Node]:
    if not rest:
        return _replaced_step(step, value, called)
    head = find_head(step, called)
    if rest[0] in step_words(step) or (len(rest) == 1 and not _calls_within(step, rest[0], called)):
        new = _at(step, rest, lambda old: _merged(old, value))
        return [] if new is None else [new]
    found = False

    def visit(node: Node) -> Node:
        nonlocal found
        if isinstance(node, Sequence):
            items: list[Node] = []
            for item in node.items:
                items += visit_step(item)
            return replace(node, items=tuple(items))
        if isinstance(node, Mapping):
            return replace(
                node,
                items=tuple((key, visit(inner) if key is not head else inner) for key, inner in node.items),
            )
        return node

    def visit_step(node: Node) -> list[Node]:
        nonlocal found
        if isinstance(node, Mapping) and not found:
            inner_head = find_head(node, called)
            if inner_head is not None and inner_head.text.split(" > ")[-1].strip() == rest[0]:
                found = True
                return _changed_step(node, rest[1:], value, called)
        return [visit(node)]

    result = visit(step)
    if not found:
        words = [key.text for key, _ in step.items]
        raise _Nowhere(f"the step calls no {quoted(rest[0])} and has no such word.", _mend(rest[0], words))
    return [result]


def step_words(step: Mapping) -> set[str]:
    """The keys of a step."""
    return {key.text for key, _ in step.items}


def _calls_within(step: Mapping, component: str, called: AnyMapping[str, object]) -> bool:
    """Whether a step within this one calls a component."""
    waiting: list[Node] = [value for _, value in step.items]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Sequence):
            waiting.extend(node.items)
        elif isinstance(node, Mapping):
            head = find_head(node, called)
            if head is not None and head.text.split(" > ")[-1].strip() == component:
                return True
            waiting.extend(value for _, value in node.items)
    return False


def _replaced_step(step: Mapping, value: Node, called: AnyMapping[str, object]) -> list[Node]:
    """The steps that come in the place of one: none, several, another, or the same with other words."""
    if _is_none(value):
        return []
    name = step.get("name")
    if isinstance(value, Mapping) and value.get(_IN_PLACE_OF) is not None:
        new = _merged(step, value)
        steps: list[Node] = list(new.items) if isinstance(new, Sequence) else [] if new is None else [new]
        head = find_head(step, called)
        for index, other in enumerate(steps):
            if isinstance(other, Mapping) and head is not None and other.get(head.text) is not None:
                same = other.get(head.text) == step.get(head.text)
                if same and other.get("name") is None and name is not None:
                    steps[index] = _with_key(other, "name", name)
                break
        return steps
    if isinstance(value, Mapping):
        old_head, new_head = find_head(step, called), _head_of_change(value, called)
        if new_head is not None and old_head is not None and new_head.text != old_head.text:
            return [
                value if value.get("name") is not None or name is None else _with_key(value, "name", name)
            ]
    merged = _merged(step, value)
    return [] if merged is None else [merged]


def _head_of_change(value: Mapping, called: AnyMapping[str, object]) -> Scalar | None:
    """The head in a change of a step; None where it only has words that stand beside a head."""
    head = find_head(value, called)
    return None if head is not None and head.text == "wait" else head
