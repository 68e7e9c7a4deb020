"""How are the sections beside the flows read? Their small grammars, and what makes the parts of the model
from their values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from toscale.design.conditions import read_target
from toscale.design.flow import After, Consume, Every, Flow, FromActor, Trigger
from toscale.design.kinds_vocabulary import ATTRIBUTES, BUFFERS, KINDS
from toscale.design.model import (
    Agreement,
    Change,
    Component,
    Concern,
    ConcernAnswer,
    Connection,
    Decision,
    Endpoint,
    Fault,
    Growth,
    Link,
    Network,
    Objective,
    OneThing,
    Operations,
    Option,
    Price,
    Prose,
    Question,
    Requirements,
    Run,
    Scaling,
    Suggestion,
)
from toscale.design.parts import Formula
from toscale.design.problems import listed, quoted
from toscale.design.reader import Reader
from toscale.design.shapes import Part
from toscale.design.source import Mapping, Node, Scalar
from toscale.design.vocabulary import FAULT_WORDS, SHAPES, VERSION

__all__ = ["SECTION_PARTS", "SECTION_WORDS"]


def prose(items: tuple[str, ...] | None) -> tuple[Prose, ...]:
    return tuple(Prose(item) for item in items or ())


def version(reader: Reader, node: Node, what: str) -> int | None:
    """`toscale: 1`."""
    scalar = reader.scalar(node, what)
    if scalar is None or scalar.value == VERSION:
        return None
    reader.wrong(
        "TS105",
        node,
        f"The version of the language is {VERSION}, not {quoted(scalar.text)}.",
        f"Write `toscale: {VERSION}`.",
    )
    return None


# --- step 1 -------------------------------------------------------------------------------------------------


def question(reader: Reader, node: Mapping, values: dict[str, Any]) -> Question | None:
    """A question with its answer, or an assumption."""
    if ("ask" in values) == ("assume" in values):
        reader.wrong(
            "TS108",
            node,
            "A question has `ask`, an assumption `assume`: one of them.",
            "Write `ask: ...` or `assume: ...`.",
        )
        return None
    if "assume" in values and "answer" in values:
        reader.wrong(
            "TS108", node, "An assumption was asked of nobody and has no answer.", "Write `ask` for `assume`."
        )
    return Question(place=node.place, **values)


def requirements(reader: Reader, node: Mapping, values: dict[str, Any]) -> Requirements:
    """Step 1 as a whole."""
    for name in ("users", "functional"):
        section = node.get(name)
        places = {key.text: key for key, _ in section.items} if isinstance(section, Mapping) else {}
        if name in values:
            values[name] = {
                key: Prose(text, places[key].place)
                for key, text in values[name].items()
                if reader.name(
                    places[key], "an actor" if name == "users" else "a requirement", strict=name == "users"
                )
            }
    for name in ("extra", "out_of_scope"):
        values[name] = prose(values.get(name))
    return Requirements(place=node.place, **values)


# --- step 2 -------------------------------------------------------------------------------------------------


def component(reader: Reader, node: Node, what: str) -> Component | None:
    """A component with the attributes that its kind has."""
    mapping = reader.mapping(node, what)
    if mapping is None:
        return None
    kind_node = mapping.get("kind")
    if kind_node is None:
        reader.wrong(
            "TS103", mapping, f"{what} has no kind.", f"Add `kind: service`, or another of {listed(KINDS)}."
        )
        return None
    kind = reader.text(kind_node, "`kind`")
    if kind is None or kind not in KINDS:
        if kind is not None:
            mend = reader.did_you_mean(kind, KINDS, f"It is one of {listed(KINDS)}.")
            reader.wrong("TS410", kind_node, f"There is no kind {quoted(kind)}.", mend)
        return None
    values: dict[str, Any] = {}
    places = {}
    for key, value in mapping.items:
        if key.text == "kind":
            continue
        word = ATTRIBUTES.get(key.text)
        if word is None:
            reader.unknown_key(key, "a component", (*KINDS[kind].attributes, "kind"))
        elif key.text not in KINDS[kind].attributes:
            mend = f"It has {listed(KINDS[kind].attributes)}."
            reader.wrong("TS403", key, f"A {kind} has no `{key.text}`.", mend)
        else:
            read = reader.value(value, word.type, f"`{key.text}`")
            if read is not None and read != ():
                values[word.attribute], places[word.attribute] = read, value.place
    return Component(name="", kind=kind, place=mapping.place, places=places, **values)


def network(reader: Reader, node: Node, what: str) -> Network | None:
    """Pairs `A - B` beside the keys of the shape."""
    mapping = reader.mapping(node, what)
    if mapping is None:
        return None
    shape = SHAPES["network"]
    values = reader.shape(mapping, shape, skip=lambda key: " - " in key)
    links: dict[tuple[str, str], Link] = {}
    for key, value in mapping.items:
        if key.text in shape.keys or " - " not in key.text:
            continue
        ends = pair(reader, key, what)
        link = reader.value(value, Part("link", short="latency"), quoted(key.text))
        if ends is None or link is None:
            continue
        ordered = cast("tuple[str, str]", tuple(sorted(ends)))
        if ordered in links:
            reader.wrong(
                "TS012", key, f"The way between {quoted(ends[0])} and {quoted(ends[1])} was given above."
            )
        links[ordered] = link
    return Network(links=links, place=mapping.place, **(values or {}))


def pair(reader: Reader, node: Node, what: str) -> tuple[str, str] | None:
    """Two ends, `A - B`, each a component or an actor."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    one, separator, other = scalar.text.partition(" - ")
    if not separator:
        reader.wrong("TS104", node, f"{what} names two ends, not {quoted(scalar.text)}.", "Write `A - B`.")
        return None
    ends = []
    for name, start in ((one.strip(), 0), (other.strip(), scalar.text.rindex(other.strip()))):
        place = reader.part(scalar, start, start + len(name))
        ends.append(reader.known(name, ("actor", "component"), place))
    return None if None in ends else cast("tuple[str, str]", tuple(ends))


def flow(reader: Reader, node: Mapping, values: dict[str, Any]) -> Flow:
    """A flow; its steps are read by `step_reader`."""
    return Flow(
        name="",
        trigger=trigger(reader, node, values),
        average=values.get("average"),
        priority=values.get("priority"),
        steps=values["steps"],
        place=node.place,
    )


_WITH = {
    "actor": ("from", "rate", "average", "over", "priority"),
    "buffer": ("from", "batch", "linger", "priority"),
    "every": ("every", "per", "average", "priority"),
    "after": ("after", "chance", "wait", "average", "priority"),
    "nothing": (),
}


def trigger(reader: Reader, node: Mapping, values: dict[str, Any]) -> Trigger | None:
    """What starts a flow: one of an actor, a buffer, the clock, a cause; or nothing."""
    starts = [key for key, value in node.items if key.text in ("from", "every", "after") and _says(value)]
    if len(starts) > 1:
        reader.wrong(
            "TS108",
            starts[1],
            "A flow is started by one of `from`, `every` and `after`.",
            "Make it two flows, or remove one.",
        )
    sort = starts[0].text if starts else "nothing"
    name = values.get("from", "")
    if sort == "from":
        sort = "buffer" if name in reader.names.components else "actor"
        kind = _kind(reader, name)
        if sort == "buffer" and kind in KINDS and kind not in BUFFERS:
            reader.wrong(
                "TS411",
                cast("Node", node.get("from")),
                f"{quoted(name)} is a {kind}, and a flow consumes the messages of a queue or a stream.",
                "Begin the flow with an actor, and call the component in its steps.",
            )
    for key, value in node.items:
        mine = key.text in _WITH[sort] or key.text in ("steps", "from", "every", "after")
        if key.text in SHAPES["flow"].keys and not mine and _says(value):
            reader.wrong("TS402", key, f"`{key.text}` does not go with {_SORTS[sort]}.", _SORT_MENDS[sort])
    place = node.place
    if sort == "actor":
        return FromActor(name, values.get("rate"), values.get("over"), place) if name else None
    if sort == "buffer":
        return Consume(name, values.get("batch"), values.get("linger"), place)
    if sort == "every":
        return Every(values["every"], values.get("per"), place) if "every" in values else None
    if sort == "after" and values.get("after"):
        return After(values["after"], values.get("chance"), values.get("wait"), place)
    return None


_SORTS = {
    "actor": "a flow that an actor starts",
    "buffer": "a flow that consumes messages",
    "every": "a flow that runs by the clock",
    "after": "a flow that another one or an event starts",
    "nothing": "a flow that nothing starts",
}
_SORT_MENDS = {
    sort: f"Beside its `steps` may stand {listed(words)}."
    if words
    else "Add `from: ACTOR`, `every: TIME` or `after: FLOW`."
    for sort, words in _WITH.items()
}


def _says(node: Node) -> bool:
    return not (isinstance(node, Scalar) and node.value is None)


def _kind(reader: Reader, name: str) -> str:
    node = reader.names.components.get(name)
    kind = node.get("kind") if isinstance(node, Mapping) else None
    return kind.text if isinstance(kind, Scalar) else ""


# --- step 3 -------------------------------------------------------------------------------------------------


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY")


def request(reader: Reader, node: Node, what: str) -> tuple[str, str] | None:
    """`POST /links`."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    method, _, path = scalar.text.partition(" ")
    if method not in _METHODS:
        mend = reader.did_you_mean(method.upper(), _METHODS, f"It is one of {listed(_METHODS)}.")
        if method.upper() in _METHODS:
            mend = f"Write `{method.upper()}`."
        reader.wrong("TS412", reader.part(scalar, 0, len(method)), f"{quoted(method)} is no method.", mend)
        return None
    if not path.startswith("/"):
        reader.wrong(
            "TS412", node, f"{what} needs a path that begins with `/`.", f"Write `{method} /things/{{id}}`."
        )
        return None
    return method, path.strip()


def endpoint(reader: Reader, node: Mapping, values: dict[str, Any]) -> Endpoint:
    """An endpoint, with the status codes of its answers checked."""
    method, path = values.pop("request", (None, None))
    if method and "frame" in values:
        reader.wrong(
            "TS108", node, "An endpoint has a `request` or a `frame`, not both.", "Remove one of them."
        )
    returns = node.get("returns")
    for key, _ in returns.items if isinstance(returns, Mapping) else ():
        if key.text != "ack" and not re.fullmatch(r"[1-5][0-9][0-9]", key.text):
            reader.wrong(
                "TS412",
                key,
                f"{quoted(key.text)} is no status code.",
                "Write one between 100 and 599, or `ack`.",
            )
    return Endpoint(name="", method=method, path=path, place=node.place, **values)


def change(reader: Reader, node: Node, what: str) -> Change | None:
    """Paths with what comes there; it is applied, and so checked, by `change`."""
    mapping = reader.mapping(node, what)
    if mapping is None:
        return None
    entries = {key.text: value for key, value in mapping.items}
    return Change(entries, mapping.place, {key.text: key.place for key, _ in mapping.items})


def decision(reader: Reader, node: Mapping, values: dict[str, Any]) -> Decision:
    """A decision whose chosen option is one of its options and has no change."""
    options: dict[str, Option] = values.get("options", {})
    options = {name: Option(name=name, **vars_of(option)) for name, option in options.items()}
    chosen = node.get("chosen")
    if isinstance(chosen, Scalar) and chosen.value is not None:
        if chosen.text not in options:
            mend = reader.did_you_mean(
                chosen.text, options, f"Options are {listed(options)}." if options else ""
            )
            reader.wrong("TS213", chosen, f"No option is called {quoted(chosen.text)}.", mend)
        elif options[chosen.text].change is not None:
            reader.wrong(
                "TS413",
                options[chosen.text].change.place,  # type: ignore[union-attr]
                f"The chosen option {quoted(chosen.text)} has a change: the file as it stands is the chosen one.",
                "Remove its `change`, or choose another option.",
            )
    return Decision(name="", place=node.place, **{**values, "options": options})


def vars_of(option: Option) -> dict[str, Any]:
    """All of an option but its name."""
    return {"pros": option.pros, "cons": option.cons, "change": option.change, "place": option.place}


# --- step 4 -------------------------------------------------------------------------------------------------


def fault(reader: Reader, node: Node, what: str) -> Fault | None:
    """One action with its target, and the words that go with it."""
    mapping = reader.mapping(node, what)
    if mapping is None:
        return None
    actions = [key for key, _ in mapping.items if key.text in FAULT_WORDS]
    if len(actions) != 1:
        at = actions[1] if actions else mapping
        said = (
            "Two things that go wrong in one fault."
            if actions
            else f"Nothing says what goes wrong in {what}."
        )
        reader.wrong("TS108" if actions else "TS103", at, said, f"Write one of {listed(FAULT_WORDS)}.")
        return None
    action = actions[0].text
    ones = [(key, value) for key, value in mapping.items if key.text.startswith("one ")]
    loud = action in ("surge", "send")
    values = reader.shape(mapping, SHAPES["fault"], skip=lambda key: key.startswith("one ") and loud)
    one = None
    for key, value in ones if loud else ():
        of = reader.known(key.text[4:], _thing(reader, key.text[4:]), reader.part(key, 4, len(key.text)))
        share = reader.formula(value, "share", f"`{key.text}`")
        if of is not None and share is not None:
            one = OneThing(of, share, key.place)
    allowed = {action, "at", *FAULT_WORDS[action]}
    for key, _ in mapping.items:
        if key.text in SHAPES["fault"].keys and key.text not in allowed:
            reader.wrong(
                "TS402",
                key,
                f"`{key.text}` does not go with `{action}`.",
                f"It has {listed(sorted(allowed))}.",
            )
    if values is None or action.replace(" ", "_") not in values:
        return None
    target = values.pop(action.replace(" ", "_"))
    for word in FAULT_WORDS:
        values.pop(word.replace(" ", "_"), None)
    values["errors"] = values.pop("loss", None) or values.get("errors")
    where = mapping.get("where")
    values["where"] = tuple(
        (key.text, "=", values["where"][key.text])
        for key, _ in (where.items if isinstance(where, Mapping) else ())
        if key.text in values.get("where", {}) and reader.attribute(key.text, key.place) is not None
    )
    targets = target if isinstance(target, tuple) else (target,)
    return Fault(name="", action=cast("Any", action), target=targets, one=one, place=mapping.place, **values)


def _thing(reader: Reader, name: str) -> tuple[str, ...]:
    return ("actor",) if name in reader.names.actors and name not in reader.names.entities else ("entity",)


def window(reader: Reader, node: Node, what: str) -> Formula | str | None:
    """`30 days`, or `1 sale`: one run of a system that begins and ends."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    root = reader.source.root
    run = root.get("run") if isinstance(root, Mapping) else None
    if isinstance(run, Mapping) and run.get("for") is not None:
        found = re.fullmatch(r"[1-9][0-9]{0,5} ([^\W\d_]+)", scalar.text)
        from toscale.quantity.units import find_unit

        if found and find_unit(found[1]) is None:
            return scalar.text
    return reader.formula(scalar, "time", what)


def objective(_reader: Reader, node: Mapping, values: dict[str, Any]) -> Objective:
    over = values["over"]
    by_run = isinstance(over, str)
    return Objective("", None if by_run else over, over if by_run else None, node.place)


def operations(reader: Reader, node: Mapping, values: dict[str, Any]) -> Operations:
    """What is watched; each objective must be a target."""
    table = node.get("objectives")
    objectives = {}
    for key, _ in table.items if isinstance(table, Mapping) else ():
        known = reader.known(key.text, ("target",), key.place)
        read = values.get("objectives", {}).get(key.text)
        if known is not None and read is not None:
            objectives[known] = Objective(known, read.over, read.over_runs, read.place)
    rest = {name: prose(items) for name, items in values.items() if name != "objectives"}
    return Operations(objectives=objectives, place=node.place, **rest)


def price(reader: Reader, node: Node, what: str) -> Price | None:
    """`0.17 USD / hour each`."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    end, per = len(scalar.text), "all"
    for ending, meaning in ((" each request", "request"), (" each", "machine")):
        if scalar.text.endswith(ending):
            end, per = len(scalar.text) - len(ending), meaning
            break
    amount = reader.formula_in(scalar, 0, end, "any" if per == "request" else "cost", what)
    return None if amount is None else Price("", amount, cast("Any", per), node.place)


def position(reader: Reader, node: Node, what: str) -> tuple[float, float] | None:
    """`[x, y]` on the canvas."""
    items = reader.items_of(node, what)
    numbers = [
        item.value for item in items if isinstance(item, Scalar) and isinstance(item.value, int | float)
    ]
    if len(items) != 2 or len(numbers) != 2 or any(isinstance(number, bool) for number in numbers):
        reader.wrong("TS102", node, f"{what} stands at two numbers.", "Write `[120, 80]`.")
        return None
    return float(numbers[0] or 0), float(numbers[1] or 0)


def growth(_reader: Reader, node: Mapping, values: dict[str, Any]) -> Growth:
    return Growth(values.get("of", ()), values.get("curve", ()), node.place)


SECTION_WORDS: dict[str, Callable[[Reader, Node, str], Any]] = {
    "change": change,
    "component": component,
    "fault": fault,
    "network": network,
    "pair": pair,
    "position": position,
    "price": price,
    "request": request,
    "target": read_target,
    "version": version,
    "window": window,
}
"""The readers of this module, by the names that `shapes.Custom` uses."""


def _made(part: Callable[..., Any], **fixed: Any) -> Callable[[Reader, Mapping, dict[str, Any]], Any]:
    return lambda _, node, values: part(place=node.place, **fixed, **values)


SECTION_PARTS: dict[str, Callable[[Reader, Mapping, dict[str, Any]], Any]] = {
    "agreement": _made(Agreement, section=""),
    "concern": _made(Concern),
    "concern_answer": _made(ConcernAnswer),
    "connection": lambda _, node, values: Connection(
        name="", reconnect_after=values.pop("when_lost", None), place=node.place, **values
    ),
    "decision": decision,
    "endpoint": endpoint,
    "flow": flow,
    "growth": growth,
    "link": _made(Link),
    "objective": objective,
    "operations": operations,
    "option": _made(Option, name=""),
    "question": question,
    "requirements": requirements,
    "run": _made(Run),
    "scaling": _made(Scaling),
    "suggestion": _made(Suggestion),
    "when_lost": lambda _reader, _node, values: values["reconnect_after"],
}
"""What makes the parts of the model from their values, by the names of their shapes."""
