"""How is a workspace of the Structurizr DSL read? Line by line, as the DSL is written: people become actors, and
containers components; of a software system that has none, the system itself.

Views, styles and deployments are passed over. A component of a container is a part of it: its relations are those
of the container. What would need other files (`!include`, `extends`) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from toscale.design.problems import nearest, quoted
from toscale.document.exports.structurizr import DESIGN, HELD, MESSAGE
from toscale.document.imports.guesses import guessed, kind_named
from toscale.document.imports.sketch import NotImported, Part, Relation, Sketch, free_name

__all__ = ["structurizr"]

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)|\s+|(")')
_ARGUMENTS = {
    "person": ("description", "tags"),
    "softwaresystem": ("description", "tags"),
    "container": ("description", "technology", "tags"),
    "component": ("description", "technology", "tags"),
    "element": ("metadata", "description", "tags"),
}
"""What may follow the name of an element, in this order."""
_TRANSPARENT = {"workspace", "model", "group", "enterprise"}
"""Blocks within which elements stand as if they were outside of them."""
_REFUSED = {
    "!include": "the file that it names",
    "!extend": "the element",
    "!script": "what the script makes",
}
_SEPARATE = {"external", "outside", "existing"}
"""Words of tags that say that a system is somebody else's."""


@dataclass(slots=True)
class _Element:
    sort: str
    name: str
    line: int
    parent: _Element | None = None
    words: dict[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    has_containers: bool = False


@dataclass(slots=True)
class _Block:
    """An open brace: its keyword, the element that it belongs to, and the groups around."""

    keyword: str
    element: _Element | None
    groups: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class _Arrow:
    source: str
    target: str
    arguments: tuple[str, ...]
    scope: _Element | None
    line: int


def structurizr(text: str) -> Sketch:
    """The sketch of a workspace. Raises NotImported for what is none."""
    reader = _Reader()
    for number, line in _lines(text):
        reader.read(number, _tokens(line, number))
    if reader.blocks:
        block = reader.blocks[-1]
        raise NotImported(block.line, f"The brace of {quoted(block.keyword)} is not closed.", "Write a `}`.")
    return reader.sketch()


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines with their numbers, without comments; a line that ends in a backslash goes on in the next."""
    found: list[tuple[int, str]] = []
    comment, held, started = False, "", 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if comment or (not held and stripped.startswith("/*")):
            comment = "*/" not in stripped
            continue
        if not held and (not stripped or stripped.startswith(("#", "//"))):
            continue
        started = started if held else number
        if stripped.endswith("\\") and not stripped.endswith('\\"'):
            held += stripped[:-1] + " "
            continue
        found.append((started, held + stripped))
        held = ""
    if held:
        found.append((started, held))
    return found


def _tokens(line: str, number: int) -> list[tuple[str, bool]]:
    """The words of a line, each with whether it stood in quotes."""
    tokens: list[tuple[str, bool]] = []
    for match in _TOKEN.finditer(line):
        if match[3]:
            raise NotImported(number, "A quotation mark is not closed on its line.", 'Write a second `"`.')
        if match[1] is not None:
            tokens.append((match[1].replace('\\"', '"').replace("\\n", " "), True))
        elif match[2]:
            tokens.append((match[2], False))
    return tokens


class _Reader:
    """The state while the lines are read."""

    def __init__(self) -> None:
        self.title = ""
        self.elements: list[_Element] = []
        self.by_id: dict[str, _Element] = {}
        self.arrows: list[_Arrow] = []
        self.blocks: list[_Block] = []
        self.skipping = 0
        self.constants: dict[str, str] = {}
        self.hierarchical = False

    def read(self, number: int, tokens: list[tuple[str, bool]]) -> None:
        opens = bool(tokens) and tokens[-1] == ("{", False)
        if self.skipping:
            closes = tokens == [("}", False)]
            self.skipping += opens - closes
            return
        if tokens == [("}", False)]:
            if not self.blocks:
                raise NotImported(number, "A `}` closes nothing.", "Remove it.")
            self.blocks.pop()
            return
        words = [self._substituted(text) for text, _ in (tokens[:-1] if opens else tokens)]
        if not words:
            raise NotImported(
                number, "A `{` stands alone.", "Write it at the end of the line that it belongs to."
            )
        self._statement(number, words, opens)

    def _substituted(self, text: str) -> str:
        return re.sub(r"\$\{([\w.-]+)\}", lambda found: self.constants.get(found[1], found[0]), text)

    def _statement(self, number: int, words: list[str], opens: bool) -> None:
        around = self.blocks[-1] if self.blocks else None
        element = around.element if around else None
        groups = around.groups if around else ()
        identifier = ""
        if len(words) > 2 and words[1] == "=":
            identifier, words = words[0], words[2:]
        keyword = words[0].lower()
        if keyword in _REFUSED or (
            keyword == "workspace" and "extends" in [word.lower() for word in words[1:2]]
        ):
            what = _REFUSED.get(keyword, "the workspace that it extends")
            mend = f"Put {what} into this file, in place of the line."
            raise NotImported(number, f"{quoted(' '.join(words[:2]))} needs more than this file.", mend)
        if "->" in words[:2]:
            at = words.index("->")
            if len(words) <= at + 1:
                raise NotImported(number, "A relation leads nowhere.", "Write `SOURCE -> TARGET`.")
            source = "this" if at == 0 else words[0]
            self.arrows.append(_Arrow(source, words[at + 1], tuple(words[at + 2 :]), element, number))
            self.skipping += opens
        elif keyword in _ARGUMENTS:
            made = self._element(number, identifier, keyword, words[1:], element, groups)
            if opens:
                self.blocks.append(_Block(keyword, made, groups, number))
        elif keyword in _TRANSPARENT and opens:
            if keyword == "workspace":
                self.title = words[1] if len(words) > 1 else ""
            label = (words[1],) if keyword == "group" and len(words) > 1 else ()
            self.blocks.append(_Block(keyword, element, (*groups, *label), number))
        else:
            self._other(number, keyword, words, element, opens)

    def _other(
        self, number: int, keyword: str, words: list[str], element: _Element | None, opens: bool
    ) -> None:
        """What describes an element or sets an option; a block that is of neither sort is passed over."""
        if keyword in ("!const", "!constant", "!var") and len(words) > 2:
            self.constants[words[1]] = words[2]
        elif keyword == "!identifiers":
            self.hierarchical = words[1:2] == ["hierarchical"]
        elif not self.blocks and not keyword.startswith("!"):
            mend = 'Begin with `workspace "NAME" {`.'
            raise NotImported(number, f"{quoted(words[0])} stands outside of a workspace.", mend)
        elif element is not None and keyword in ("description", "technology", "tags", "tag", "metadata"):
            key = "tags" if keyword == "tag" else keyword
            said = ",".join(words[1:])
            element.words[key] = (
                f"{element.words[key]},{said}" if key == "tags" and key in element.words else said
            )
        self.skipping += opens

    def _element(
        self,
        number: int,
        identifier: str,
        keyword: str,
        words: list[str],
        parent: _Element | None,
        groups: tuple[str, ...],
    ) -> _Element:
        if not words or not words[0].strip():
            raise NotImported(number, f"The {keyword} has no name.", f'Write `{keyword} "NAME"`.')
        made = _Element(keyword, words[0], number, parent, groups=groups)
        made.words.update(zip(_ARGUMENTS[keyword], words[1:], strict=False))
        if keyword == "container" and parent is not None:
            parent.has_containers = True
        self.elements.append(made)
        if identifier:
            key = identifier.lower()
            if self.hierarchical and parent is not None:
                path = next((known for known, one in self.by_id.items() if one is parent), "")
                key = f"{path}.{key}" if path else key
            if key in self.by_id:
                first = self.by_id[key].line
                raise NotImported(
                    number, f"{quoted(identifier)} is the id of line {first} already.", "Choose another id."
                )
            self.by_id[key] = made
        return made

    # ---- what comes of it

    def sketch(self) -> Sketch:
        """Actors and components with their relations."""
        sketch = Sketch("Structurizr DSL", self.title)
        names: dict[int, str] = {}
        for element in self.elements:
            is_design = element.sort == "softwaresystem" and element.words.get("tags") == DESIGN
            if element.sort == "component" or element.has_containers or is_design:
                continue
            taken = {*sketch.actors, *sketch.components}
            part = _part(element, free_name(element.name, taken))
            sketch.add(part, element.line)
            names[id(element)] = part.name
        for arrow in self.arrows:
            ends = [self._found(end, arrow) for end in (arrow.source, arrow.target)]
            inside = [self._lifted(end) for end in ends]
            whole = [end.name for end in inside if id(end) not in names]
            if whole:
                said = f"{ends[0].name} -> {ends[1].name}: {whole[0]} is related as a whole, not one of its containers."
                sketch.lost.append(said)
                continue
            if inside[0] is inside[1] and ends[0] is not ends[1]:
                sketch.lost.append(f"{ends[0].name} -> {ends[1].name} is within {inside[0].name}.")
                continue
            source, target = (names[id(end)] for end in inside)
            tags = _listed(arrow.arguments[2]) if len(arrow.arguments) > 2 else []
            marks = {tag.lower() for tag in tags}
            waits = not {MESSAGE, "asynchronous", "async"} & marks
            said = arrow.arguments[0] if arrow.arguments else ""
            sketch.relate(Relation(source, target, said, waits, HELD in marks), arrow.line)
        return sketch

    def _lifted(self, element: _Element) -> _Element:
        return element.parent if element.sort == "component" and element.parent is not None else element

    def _found(self, end: str, arrow: _Arrow) -> _Element:
        """The element of an id: as it stands, or within the elements around the relation."""
        if end.lower() == "this" and arrow.scope is not None:
            return arrow.scope
        scope = arrow.scope
        while scope is not None:
            path = next((known for known, one in self.by_id.items() if one is scope), "")
            if f"{path}.{end.lower()}" in self.by_id:
                return self.by_id[f"{path}.{end.lower()}"]
            scope = scope.parent
        if end.lower() in self.by_id:
            return self.by_id[end.lower()]
        near = nearest(end.lower(), self.by_id)
        mend = f"Did you mean `{near}`?" if near else f'Write `{end} = container "NAME"` in the model.'
        raise NotImported(arrow.line, f"No element has the id {quoted(end)}.", mend)


def _listed(tags: str) -> list[str]:
    return [tag.strip() for tag in tags.split(",") if tag.strip()]


def _part(element: _Element, name: str) -> Part:
    about = element.words.get("description", "")
    if element.sort == "person":
        return Part(name, None, about=about)
    tags, technology = _listed(element.words.get("tags", "")), element.words.get("technology", "")
    named = next((kind for tag in tags if (kind := kind_named(tag)) and kind == tag.lower()), None)
    if named:
        return Part(name, named, about=about, groups=element.groups)
    if element.sort == "softwaresystem" and _SEPARATE & {
        word for tag in tags for word in tag.lower().split()
    }:
        return Part(name, "external", "its tag", about, groups=element.groups)
    kind, why = guessed(technology, *tags, element.name, about) or ("service", "nothing better known")
    if element.sort == "softwaresystem" and why == "nothing better known":
        kind, why = "external", "being a system without containers"
    return Part(name, kind, why, about, groups=element.groups)
