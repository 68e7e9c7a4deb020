"""How is a docker-compose file read? Services are components, of kinds guessed from their images and names; who needs
whom is read as who calls whom.

A service needs another when it is in its `depends_on` or `links`, or when an address in its environment or command
names it. What publishes a port, and is no store, is called by an actor: the file does not say by whom.
"""

from __future__ import annotations

import re

from toscale.design.problems import quoted
from toscale.design.source import Mapping, Node, Scalar, Sequence, read_source
from toscale.document.imports.guesses import guessed
from toscale.document.imports.sketch import NotImported, Part, Relation, Sketch, free_name
from toscale.kinds import KINDS, Primitive

__all__ = ["compose"]

ENGINES = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mariadb"}
"""The word for an image's engine in a design."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgBKMG]?)[bB]?")
_UNITS = {"": "bytes", "b": "bytes", "k": "KiB", "m": "MiB", "g": "GiB"}


def compose(text: str) -> Sketch:
    """The sketch of a docker-compose file. Raises NotImported for what is none."""
    source, problems = read_source(text, "")
    if source is None or problems.failed:
        problem = problems.sorted()[0]
        raise NotImported(problem.place.line, problem.message, problem.suggestion)
    services = source.root.get("services") if isinstance(source.root, Mapping) else None
    if not isinstance(services, Mapping):
        raise NotImported(
            1, "There is no mapping `services`.", "A docker-compose file has `services:` with names below."
        )
    title = source.root.get("name") if isinstance(source.root, Mapping) else None
    sketch = Sketch("docker-compose", _text(title))
    names: dict[str, str] = {}
    nodes: dict[str, Mapping] = {}
    for key, node in services.items:
        if not isinstance(node, Mapping):
            said = f"The service {quoted(key.text)} says nothing."
            raise NotImported(key.place.line, said, "Give it an `image:` or a `build:`.")
        nodes[key.text] = node
        names[key.text] = free_name(key.text, set(names.values()))
        sketch.add(_part(names[key.text], key.text, node, sketch), key.place.line)
    for service, node in nodes.items():
        for other in _needed(node, service, nodes):
            sketch.relate(_relation(sketch, names[service], names[other]), node.place.line)
        for missing in _listed(_value(node, "depends_on")):
            if missing not in nodes:
                said = f"{quoted(service)} depends on {quoted(missing)}, which is no service of this file."
                raise NotImported(node.place.line, said, "Add the service, or remove the dependency.")
    _called_from_outside(sketch, nodes, names)
    return sketch


def _part(name: str, service: str, node: Mapping, sketch: Sketch) -> Part:
    image = _text(_value(node, "image"))
    product = re.sub(r"[@:].*$", "", image.rpartition("/")[2])
    found = guessed(product, service)
    kind, why = found or ("service", "nothing better known")
    attributes = [("engine", ENGINES[product])] if product in ENGINES else []
    deploy = _value(node, "deploy")
    replicas = _text(_value(deploy, "replicas")) or _text(_value(node, "scale"))
    if re.fullmatch(r"[1-9]\d{0,5}", replicas):
        station = KINDS[kind].primitive is Primitive.STATION
        if station:
            attributes.append(("replicas", replicas))
        elif replicas != "1":
            sketch.lost.append(
                f"{service} has {replicas} replicas: whether as copies or as shards is unknown."
            )
    limits = _value(_value(deploy, "resources"), "limits")
    cores = _text(_value(limits, "cpus")) or _text(_value(node, "cpus"))
    if re.fullmatch(r"\d{1,4}(\.\d{1,4})?", cores) and float(cores) > 0:
        attributes.append(("cores", cores))
    memory = _SIZE.fullmatch(_text(_value(limits, "memory")) or _text(_value(node, "mem_limit")))
    if memory and float(memory[1]) > 0:
        attributes.append(("memory", f"{memory[1]} {_UNITS[memory[2].lower()]}"))
    about = (
        f"image {image}" if image else "built from its source" if _value(node, "build") is not None else ""
    )
    return Part(name, kind, why, about, tuple(attributes))


def _relation(sketch: Sketch, caller: str, needed: str) -> Relation:
    """Who needs whom as who calls whom: a worker reads from the queue that it needs, all others write to it."""
    of_caller, of_needed = (sketch.components[name].kind for name in (caller, needed))
    is_buffer = KINDS[str(of_needed)].primitive is Primitive.BUFFER
    if is_buffer and of_caller == "worker":
        return Relation(needed, caller, "a guess: a worker reads from the queue that it needs", waits=False)
    return Relation(caller, needed, "a guess: it needs it", waits=not is_buffer)


def _needed(node: Mapping, service: str, nodes: dict[str, Mapping]) -> list[str]:
    """The services that one needs, each once: first those that it names itself."""
    found = [*_listed(_value(node, "depends_on"))]
    found += [link.partition(":")[0] for link in _listed(_value(node, "links"))]
    said = " ".join([*_texts(_value(node, "environment")), *_texts(_value(node, "command"))])
    for other in nodes:
        if re.search(
            rf"(?:(?://|@){re.escape(other)}(?![\w.-]))|(?:(?<![\w./-]){re.escape(other)}:\d)", said
        ):
            found.append(other)
    return [name for name in dict.fromkeys(found) if name in nodes and name != service]


def _called_from_outside(sketch: Sketch, nodes: dict[str, Mapping], names: dict[str, str]) -> None:
    """An actor for what publishes ports and answers requests."""
    doors = [
        names[service]
        for service, node in nodes.items()
        if _value(node, "ports") is not None
        and KINDS[str(sketch.components[names[service]].kind)].primitive is Primitive.STATION
    ]
    if doors:
        actor = free_name("user", sketch.components)
        sketch.add(Part(actor, None, about="who calls the published ports is unknown"), 1)
        for door in doors:
            sketch.relate(Relation(actor, door, "a guess: it publishes a port"), 1)


# ---- nodes


def _value(node: Node | None, key: str) -> Node | None:
    """The value of a key, also through merge keys (`<<`)."""
    if not isinstance(node, Mapping):
        return None
    found = node.get(key)
    if found is not None:
        return found
    merged = node.get("<<")
    for base in merged.items if isinstance(merged, Sequence) else [merged]:
        if isinstance(base, Mapping) and (value := _value(base, key)) is not None:
            return value
    return None


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _listed(node: Node | None) -> list[str]:
    """The entries of a list, or the keys of a mapping."""
    if isinstance(node, Mapping):
        return [key.text for key, _ in node.items]
    return [_text(item) for item in node.items] if isinstance(node, Sequence) else []


def _texts(node: Node | None) -> list[str]:
    """All texts in a value."""
    if isinstance(node, Scalar):
        return [node.text]
    if isinstance(node, Mapping):
        return [text for _, value in node.items for text in _texts(value)]
    return [text for item in node.items for text in _texts(item)] if isinstance(node, Sequence) else []
