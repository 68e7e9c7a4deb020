"""How are the steps of a flow read? Each by its head: the components that it calls, or a word such as
`each`, `if`, `repeat`.

The paths that steps get are made here: `FLOW/NAME` for a named step, else the path around it, `/` and the
step's head; the second one of the same path gets ` #2`.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import Any, cast

from toscale.design.flow import (
    Answer,
    AttributePath,
    Call,
    Each,
    GoOn,
    HeldSet,
    If,
    Operation,
    Outcome,
    Parallel,
    Policies,
    Repeat,
    Replicas,
    RunFlow,
    Step,
    Stop,
    Wait,
)
from toscale.design.flow_vocabulary import HEADS, OUTCOMES, STEP_KEYS, STEP_WORDS
from toscale.design.flow_words import amount, condition, held_set
from toscale.design.kinds_vocabulary import KINDS, OPERATIONS
from toscale.design.parts import Formula
from toscale.design.problems import listed, quoted
from toscale.design.reader import Reader
from toscale.design.shapes import Part
from toscale.design.source import Mapping, Node, Scalar, Sequence

__all__ = ["StepReader", "find_head"]

MOST_STEPS = 20_000

_STEPS = frozenset(OUTCOMES) | {"then", "else", "steps", "in vain"}
_OPERATION_KEYS: dict[str, tuple[str, ...]] = {
    "rows": tuple(OPERATIONS),
    "keys": tuple(OPERATIONS),
    "key": ("send",),
    "from": ("read", "get"),
    "for": ("take", "queue for", "extend"),
    "at a time": ("take",),
    "keep for": ("take",),
    "one at a time": tuple(OPERATIONS),
    "work": tuple(OPERATIONS),
}
"""Words of a call that belong to certain operations."""


def find_head(step: Mapping, names: AnyMapping[str, object]) -> Scalar | None:
    """The key that says what a step is; None if there is none. `names` are those that can be called."""
    words = [key for key, _ in step.items if key.text in HEADS and key.text != "call"]
    others = [key for key, _ in step.items if key.text not in STEP_WORDS]
    for key in others:
        if all(part.strip() in names for part in key.text.split(" > ")):
            return key
    heads = [key for key in words if key.text != "wait"] or words
    if heads:
        return heads[0]
    routes = [key for key in others if " > " in key.text] or others
    return routes[0] if routes else None


class StepReader:
    """Reads the steps of one flow."""

    def __init__(self, reader: Reader, flow: str) -> None:
        self.reader, self.flow = reader, flow
        self.count = 0
        self.paths: dict[str, int] = {}
        self.callable: dict[str, object] = {**reader.names.components, **reader.names.actors}

    def steps(self, node: Node | None, path: str) -> tuple[Step, ...]:
        """The steps of a list; a single step may stand alone."""
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return ()
        items = list(node.items) if isinstance(node, Sequence) else [node]
        found = [self.step(item, path) for item in items]
        return tuple(step for step in found if step is not None)

    def step(self, node: Node, path: str) -> Step | None:
        """One step, or None with a problem."""
        self.count += 1
        if self.count > MOST_STEPS:
            if self.count == MOST_STEPS + 1:
                self.reader.wrong("TS109", node, f"A flow has more than {MOST_STEPS:,} steps.")
            return None
        if isinstance(node, Scalar):
            return self.word(node, path)
        if isinstance(node, Sequence):
            self.reader.wrong(
                "TS102", node, "A step is not a list.", "Write its entries as steps of their own."
            )
            return None
        head = find_head(node, self.callable)
        if head is None:
            self.reader.wrong(
                "TS407",
                node,
                "Nothing says what this step does.",
                "Begin it with `COMPONENT: TIME`, `COMPONENT: OPERATION ENTITY`, or a word such as `each` or `if`.",
            )
            return None
        kind = head.text if head.text in HEADS and head.text not in self.callable else "call"
        value = cast("Node", node.get(head.text))
        self.check_keys(node, head, kind)
        match kind:
            case "call":
                return self.call(node, head, value, path)
            case "each":
                return self.each(node, value, path)
            case "parallel":
                return self.parallel(node, value, path)
            case "if":
                return self.branch(node, value, path)
            case "repeat":
                return self.repeat(node, value, path)
            case _:
                return self.simple(node, kind, value, path)

    def check_keys(self, node: Mapping, head: Scalar, kind: str) -> None:
        """Each key beside the head must be a word that goes with it."""
        allowed = HEADS[kind]
        for key, _ in node.items:
            if key is head or key.text in allowed:
                continue
            if key.text in STEP_WORDS:
                what = "a call" if kind == "call" else f"`{kind}`"
                self.reader.wrong(
                    "TS402",
                    key,
                    f"`{key.text}` does not go with {what}.",
                    f"Beside it may stand {listed(allowed)}; begin a new step with `- `.",
                )
            elif key.text in self.callable or " > " in key.text:
                self.reader.wrong(
                    "TS407",
                    key,
                    f"A second call, {quoted(key.text)}, in one step.",
                    "Begin a new step with `- `.",
                )
            else:
                candidates = (*allowed, *self.callable)
                near = self.reader.nearest(key.text, candidates)
                mend = f"Did you mean `{near}`?" if near else "Begin a new step with `- `, or remove it."
                self.reader.wrong("TS101", key, f"A step has no word {quoted(key.text)}.", mend)

    # --- paths

    def path(self, node: Node, around: str, label: str) -> tuple[str, str | None]:
        """The path of a step and its name, if it has one."""
        name = None
        if isinstance(node, Mapping):
            key = node.get("name")
            name = self.reader.text(key, "`name`") if key is not None else None
            if name is not None and isinstance(key, Scalar) and not self.reader.name(key, "a step"):
                name = None
        path = f"{self.flow}/{name}" if name else f"{around}/{label}"
        count = self.paths[path] = self.paths.get(path, 0) + 1
        if count > 1:
            path = f"{path} #{count}"
        return path, name

    # --- words that stand alone

    def word(self, node: Scalar, path: str) -> Step | None:
        if node.text in ("go on", "stop"):
            own, _ = self.path(node, path, node.text)
            return (
                GoOn(path=own, place=node.place) if node.text == "go on" else Stop(path=own, place=node.place)
            )
        mend = f"Write `- {node.text}: TIME` or `- {node.text}: OPERATION ENTITY`."
        if node.text not in self.callable:
            mend = self.reader.did_you_mean(
                node.text, ("go on", "stop", *self.callable), "Write `KEY: VALUE`."
            )
        self.reader.wrong("TS407", node, f"{quoted(node.text or 'nothing')} is no step.", mend)
        return None

    def simple(self, node: Mapping, kind: str, value: Node, path: str) -> Step | None:
        reader = self.reader
        if kind == "wait":
            time = reader.time(value, "`wait`")
            own, name = self.path(node, path, "wait")
            return None if time is None else Wait(path=own, name=name, time=time, place=node.place)
        if kind == "run":
            flow = reader.ref(value, ("flow",), "`run`")
            own, name = self.path(node, path, f"run {flow}")
            return None if flow is None else RunFlow(path=own, name=name, flow=flow, place=node.place)
        if kind == "answer":
            scalar = reader.scalar(value, "`answer`")
            code = scalar.value if scalar else None
            if not isinstance(code, int) or isinstance(code, bool) or not 100 <= code <= 599:
                reader.wrong(
                    "TS104", value, "An answer is a status code between 100 and 599.", "Write `answer: 429`."
                )
                return None
            own, name = self.path(node, path, f"answer {code}")
            return Answer(path=own, name=name, code=code, place=node.place)
        own, name = self.path(node, path, kind)
        if kind == "go on":
            return GoOn(path=own, name=name, place=node.place)
        return Stop(path=own, name=name, place=node.place)

    # --- calls

    def call(self, node: Mapping, head: Scalar, value: Node, path: str) -> Step | None:
        reader = self.reader
        route = self.route(head)
        text = "" if isinstance(value, Scalar) and value.value is None else reader.text(value, "A call")
        if text is None or not route:
            return None
        found = self.operation(cast("Scalar", value), route[-1]) if text else {}
        label = " > ".join(route)
        if "operation" in found:
            whose = f" of {found['of']}" if found.get("of") else ""
            label = f"{label}: {found['operation']} {found['entity']}{whose}"
        own, name = self.path(node, path, label)
        options = self.options(node, "call")
        self.check_operation_keys(node, found.get("operation"))
        busy = options.pop("busy", None)
        return Call(
            path=own,
            name=name,
            route=route,
            policies=self.policies(options),
            on=self.handlers(node, own),
            then=self.steps(node.get("then"), own),
            when_busy=busy if isinstance(busy, str) else None,  # type: ignore[arg-type]
            from_copy=options.pop("from", False),
            one_at_a_time=options.pop("one_at_a_time", ()),
            place=node.place,
            **found,
            **options,
        )

    def route(self, head: Scalar) -> tuple[str, ...]:
        """The components that a call passes; the last may be an actor. Empty if one of them is unknown."""
        names: list[str] = []
        at = 0
        parts = head.text.split(">")
        for index, part in enumerate(parts):
            name = part.strip()
            start = at + len(part) - len(part.lstrip())
            at += len(part) + 1
            to = ("component", "actor") if index == len(parts) - 1 else ("component",)
            known = self.reader.known(name, to, self.reader.part(head, start, start + len(name)))
            if known is not None:
                names.append(known)
        return tuple(names) if len(names) == len(parts) else ()

    def operation(self, value: Scalar, target: str) -> dict[str, Any]:
        """What the value of a call says: an operation with its entity, or a time. Empty, with a problem, if
        neither.
        """
        reader, text = self.reader, value.text
        operation = next(
            (
                op
                for op in sorted(OPERATIONS, key=len, reverse=True)
                if text == op or text.startswith(op + " ")
            ),
            None,
        )
        if operation is None:
            return self.work(value)
        rest = text[len(operation) :].strip()
        if not rest:
            reader.wrong("TS405", value, f"`{operation}` needs an entity.", f"Write `{operation} ENTITY`.")
            return {}
        start = text.index(rest, len(operation))
        entity, of = rest, None
        if rest not in reader.names.entities and " of " in rest:
            entity, _, of = rest.rpartition(" of ")
            self.check_whose(of, value, text.rindex(of))
        reader.known(entity, ("entity",), reader.part(value, start, start + len(entity)))
        self.check_accepts(operation, target, value)
        return {"operation": cast("Operation", operation), "entity": entity, "of": of}

    def check_whose(self, of: str, value: Scalar, start: int) -> None:
        reader = self.reader
        known = {**reader.items, **reader.names.actors, **reader.names.entities}
        place = reader.part(value, start, start + len(of))
        reader.refer_to_someone(of, place)
        if of not in known:
            mend = reader.did_you_mean(of, known, "Name the items of the `each` around it with `as:`.")
            reader.wrong("TS206", place, f"Nothing is called {quoted(of)} here.", mend)

    def check_accepts(self, operation: str, target: str, value: Scalar) -> None:
        """Whether the kind of the component knows the operation."""
        node = self.reader.names.components.get(target)
        kind = node.get("kind") if isinstance(node, Mapping) else None
        if not isinstance(kind, Scalar) or kind.text not in KINDS:
            if target in self.reader.names.actors and node is None:
                self.reader.wrong(
                    "TS401", value, f"{quoted(target)} is an actor and accepts no `{operation}`."
                )
            return
        accepted = KINDS[kind.text].operations
        if operation in accepted:
            return
        mend = f"It accepts {listed(accepted)}." if accepted else "Give a time, such as `2 ms`."
        place = self.reader.part(value, 0, len(operation))
        self.reader.wrong("TS401", place, f"A {kind.text} accepts no `{operation}`.", mend)

    def work(self, value: Scalar) -> dict[str, Any]:
        reader, text = self.reader, value.text
        first = text.split()[0] if text.split() else ""
        names = reader.names.estimates
        is_time = (
            text[:1] in "0123456789.(-+"
            or first in ("between", "from")
            or any(text == name or text.startswith((name + " ", name + ",")) for name in names)
        )
        if not is_time and "(" not in first and first.isidentifier():
            near = reader.nearest(first, (*OPERATIONS, *names))
            mend = (
                f"Did you mean `{near}`?"
                if near
                else f"Write a time, such as `2 ms`, or an operation: {listed(OPERATIONS)}."
            )
            reader.wrong("TS405", value, f"{quoted(first)} is neither a time nor an operation.", mend)
            return {}
        time = reader.time_in(value, 0, len(text), "The time of a call")
        return {} if time is None else {"time": time, "per_batch": time.expr.per_batch}

    def check_operation_keys(self, node: Mapping, operation: str | None) -> None:
        for key, _ in node.items:
            wanted = _OPERATION_KEYS.get(key.text)
            if wanted is None or operation in wanted:
                continue
            if operation is None:
                message = f"`{key.text}` belongs to an operation on an entity, and this call has none."
            else:
                message = f"`{key.text}` does not go with `{operation}`."
            self.reader.wrong("TS402", key, message, f"It goes with {listed(wanted)}.")

    # --- what stands beside a head

    def options(self, node: Mapping, kind: str) -> dict[str, Any]:
        """The values beside the head that are no steps and no name, by attribute of the model."""
        found: dict[str, Any] = {}
        for name, value in node.items:
            key = STEP_KEYS.get(name.text)
            if (
                key is None
                or key.name == "name"
                or key.name not in HEADS[kind]
                or key.name in _STEPS - {"busy"}
            ):
                continue
            if key.name == "busy" and not isinstance(value, Scalar):
                continue
            read = self.reader.value(value, key.type, f"`{name.text}`")
            if read is not None:
                found[key.attribute if not isinstance(key.type, Part) else key.name] = read
        return found

    def policies(self, options: dict[str, Any]) -> Policies:
        names = ("timeout", "retry", "breaker", "hedge", "optional", "is_async")
        return Policies(**{name: options.pop(name) for name in names if name in options})

    def handlers(self, node: Mapping, path: str) -> dict[Outcome, tuple[Step, ...]]:
        found: dict[Outcome, tuple[Step, ...]] = {}
        for name in OUTCOMES:
            value = node.get(name)
            if value is None or (
                name == "busy" and isinstance(value, Scalar) and value.text in ("wait", "refuse")
            ):
                continue
            found[cast("Outcome", name)] = self.steps(value, f"{path}/{name}")
        return found

    # --- groups

    def each(self, node: Mapping, value: Node, path: str) -> Step | None:
        reader = self.reader
        scalar = reader.scalar(value, "`each`")
        of = self.each_of(scalar) if scalar is not None else None
        own, name = self.path(node, path, f"each {scalar.text if scalar else ''}")
        options = self.options(node, "each")
        called = options.get("called")
        before = dict(reader.items)
        if called is not None:
            reader.items[called] = self.entity_of(of)
        then, on = self.steps(node.get("then"), own), self.handlers(node, own)
        reader.items = before
        if of is None:
            return None
        return Each(
            path=own,
            name=name,
            of=of,
            policies=self.policies(options),
            on=on,
            then=then,
            place=node.place,
            **options,
        )

    def each_of(self, scalar: Scalar) -> Formula | AttributePath | Replicas | HeldSet | None:
        if scalar.text in self.reader.names.components:
            self.reader.refer("component", scalar.text, scalar.place)
            return Replicas(scalar.text, scalar.place)
        if scalar.text.endswith(" is over"):
            return held_set(self.reader, scalar)
        return cast("Formula | AttributePath | None", amount(self.reader, scalar, "`each`"))

    def entity_of(self, of: object) -> str | None:
        """The entity of the items of an each: that of the relation at the end of its path."""
        if isinstance(of, HeldSet):
            return of.entity
        if not isinstance(of, AttributePath):
            return None
        return self.reader.paths.relation_end(of.names[-1])

    def parallel(self, node: Mapping, value: Node, path: str) -> Step | None:
        own, name = self.path(node, path, "parallel")
        options = self.options(node, "parallel")
        branches = tuple(self.steps(branch, own) for branch in self.reader.items_of(value, "`parallel`"))
        policies = self.policies(options)
        return Parallel(
            path=own,
            name=name,
            branches=branches,
            policies=policies,
            on=self.handlers(node, own),
            place=node.place,
            **options,
        )

    def branch(self, node: Mapping, value: Node, path: str) -> Step | None:
        scalar = self.reader.scalar(value, "`if`")
        found = condition(self.reader, scalar) if scalar is not None else None
        own, name = self.path(node, path, f"if {scalar.text if scalar else ''}")
        then, otherwise = self.steps(node.get("then"), own), self.steps(node.get("else"), f"{own}/else")
        if found is None:
            return None
        return If(path=own, name=name, condition=found, then=then, otherwise=otherwise, place=node.place)

    def repeat(self, node: Mapping, value: Node, path: str) -> Step | None:
        own, name = self.path(node, path, "repeat")
        options = self.reader.part_of(value, "repeat", None) or {}
        steps, in_vain = self.steps(node.get("steps"), own), self.steps(node.get("in vain"), f"{own}/in vain")
        if not ({"until", "at_most_times", "at_most_time"} & set(options)):
            self.reader.wrong(
                "TS408",
                node,
                "This repetition never ends.",
                "Give it `until: CONDITION`, or `at most: 5 times`.",
            )
        return Repeat(path=own, name=name, steps=steps, in_vain=in_vain, place=node.place, **options)
