"""How is what was imported written as a design file? Components of guessed kinds, flows of calls without times and
rates, and comments that say what is unknown.

A flow begins at each actor, at each queue that somebody reads, and where calls are left that neither of them
reaches. Each relation is a call exactly once: which of them one request really makes is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from toscale.design.build import quote
from toscale.design.kinds_vocabulary import KINDS as WORDS
from toscale.document.exports.identifiers import one_line
from toscale.document.imports.sketch import Part, Relation, Sketch, free_name
from toscale.kinds import KINDS, Primitive

__all__ = ["design_text"]

MOST_CALLS_DEEP = 8
"""Calls are nested so deep; what lies deeper begins a flow of its own."""

MOST_LOST = 100
"""So many sentences about what is lost are written; the rest is counted."""


def design_text(sketch: Sketch, name: str) -> str:
    """The text of a design file without errors. `name` is that of the file that the sketch was read from."""
    lines = [
        f"# Imported from {one_line(name)} ({sketch.format}) by `toscale import`.",
        "# Unknown, because that file does not say it: rates, times, data, targets, and which of its calls one",
        "# request makes. Nothing can be simulated before rates and times are written here.",
    ]
    lines += [f"# Not taken over: {one_line(lost)}" for lost in sketch.lost[:MOST_LOST]]
    if len(sketch.lost) > MOST_LOST:
        lines.append(f"# Not taken over: {len(sketch.lost) - MOST_LOST} things more.")
    lines += [
        "toscale: 1",
        *([f"title: {quote(one_line(sketch.title))}"] if one_line(sketch.title) else []),
        "",
    ]
    if sketch.actors:
        lines += ["requirements:", "  users:"]
        for actor in sketch.actors.values():
            about = one_line(actor.about) or "what for is unknown"
            lines.append(f"    {quote(actor.name)}: {quote(about)}")
        lines.append("")
    lines.append("components:")
    lines += [_component(part) for part in sketch.components.values()]
    messages = _messages(sketch)
    if sketch.connections:
        lines += ["", "connections:  # how long they last is unknown", *_connections(sketch, messages)]
    if sketch.relations:
        lines += ["", "flows:  # rates and times are unknown", *_Flows(sketch, messages).lines()]
    if messages:
        lines += ["", "data:  # what the messages hold is unknown"]
        lines += [
            f"  {quote(message)}: {{stored in: {quote(buffer, in_flow=True)}}}"
            for buffer, message in messages.items()
        ]
    return "\n".join(lines) + "\n"


def _component(part: Part) -> str:
    kind = str(part.kind)
    known = WORDS[kind].attributes
    said = [f"kind: {kind}"]
    said += [f"{word}: {value}" for word, value in part.attributes if word in known]
    for group in part.groups:
        for label in group.split(", "):
            sort, _, rest = label.partition(" ")
            if sort == "region" and "region" in known and rest.strip():
                said.append(f"region: {quote(one_line(rest), in_flow=True)}")
            elif sort == "zone" and "zones" in known and rest.strip():
                said.append(f"zones: [{quote(one_line(rest), in_flow=True)}]")
    about = one_line(". ".join(text for text in (part.about, part.why and f"kind by {part.why}") if text))
    comment = f"  # {about}" if about else ""
    said = list({word.partition(":")[0]: word for word in said}.values())
    return f"  {quote(part.name)}: {{{', '.join(said)}}}{comment}"


def _connections(sketch: Sketch, messages: Mapping[str, str]) -> Iterator[str]:
    taken = {*sketch.components, *sketch.actors, *messages.values()}
    for connection in sketch.connections:
        name = free_name(f"connection to {connection.target}", taken)
        taken.add(name)
        number = re.fullmatch(r"(\d+(?:\.\d+)?[kMGT]?)(?: held)?", connection.said)
        held = f", held: {number[1]}" if number else ""
        ends = f"from: {quote(connection.source, in_flow=True)}, to: {quote(connection.target, in_flow=True)}"
        yield f"  {quote(name)}: {{{ends}{held}}}"


def _is_buffer(sketch: Sketch, name: str) -> bool:
    part = sketch.components.get(name)
    return part is not None and KINDS[str(part.kind)].primitive is Primitive.BUFFER


def _messages(sketch: Sketch) -> dict[str, str]:
    """What is sent to each buffer: an entity of its own."""
    taken = {*sketch.components, *sketch.actors}
    found: dict[str, str] = {}
    for relation in sketch.relations:
        if _is_buffer(sketch, relation.target) and relation.target not in found:
            found[relation.target] = free_name(f"message of {relation.target}", taken)
            taken.add(found[relation.target])
    return found


class _Flows:
    """The flows of a sketch, line by line, while each relation is spent once."""

    def __init__(self, sketch: Sketch, messages: Mapping[str, str]) -> None:
        self.sketch = sketch
        self.messages = messages
        self.taken = {*sketch.components, *sketch.actors, *messages.values()}
        self.left: dict[str, list[Relation]] = {}
        for relation in sketch.relations:
            self.left.setdefault(relation.source, []).append(relation)

    def lines(self) -> Iterator[str]:
        """All flows: of actors, of those that read from a buffer, and of the calls that are left."""
        buffers = [name for name in self.sketch.components if _is_buffer(self.sketch, name)]
        for starter in (*self.sketch.actors, *buffers):
            for relation in self._spent(starter):
                yield from self._head(f"{starter} to {relation.target}")
                yield f"    from: {quote(starter)}"
                yield "    steps:"
                yield from self._call(relation, 6, 1)
        while self.left:
            name = next(iter(self.left))
            yield from self._head(f"{name} calls", "  # what starts it is unknown")
            yield "    steps:"
            yield f"      - {quote(name)}:"
            yield from self._then(name, 8, 1)

    def _head(self, name: str, comment: str = "") -> Iterator[str]:
        name = free_name(name, self.taken)
        self.taken.add(name)
        yield f"  {quote(name)}:{comment}"

    def _spent(self, name: str) -> list[Relation]:
        return self.left.pop(name, [])

    def _call(self, relation: Relation, indent: int, depth: int) -> Iterator[str]:
        """One step, with what its target calls in turn."""
        margin, target = " " * indent, relation.target
        said = one_line(relation.said)
        comment = f"  # {said}" if said else ""
        if target in self.messages:
            yield f"{margin}- {quote(target)}: {quote(f'send {self.messages[target]}')}{comment}"
            return
        yield f"{margin}- {quote(target)}:{comment}"
        if not relation.waits and not _is_buffer(self.sketch, relation.source):
            yield f"{margin}  async: true"
        if target in self.sketch.components:
            yield from self._then(target, indent + 2, depth + 1)

    def _then(self, name: str, indent: int, depth: int) -> Iterator[str]:
        if name in self.left and depth <= MOST_CALLS_DEEP:
            yield f"{' ' * indent}then:"
            for relation in self._spent(name):
                yield from self._call(relation, indent + 2, depth)
