"""How does an editor complete and check a design while it is typed? By a JSON Schema (2020-12), generated
from the vocabulary.

The schema knows keys, words and forms; names, units and meaning are checked by reading the design. Since any
name may be that of a component, it cannot tell a misspelt word of a step from a second call: that too is
found by reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from toscale.design.flow_vocabulary import HEADS, STEP_KEYS, STEP_WORDS
from toscale.design.kinds_vocabulary import ATTRIBUTES, KINDS
from toscale.design.shapes import (
    Custom,
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
from toscale.design.vocabulary import FAULT_WORDS, SHAPES, VERSION

__all__ = ["SCHEMA_ID", "json_schema"]

Schema = dict[str, Any]

SCHEMA_ID = "urn:toscale:design:1"

_VALUE: Schema = {"type": ["string", "number"], "description": "a formula with its unit"}
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 100}


def json_schema() -> Schema:
    """The JSON Schema of a design file, as plain values that `json.dumps` writes."""
    definitions: Schema = {
        name: _shape(shape) for name, shape in SHAPES.items() if name not in ("design", *_BY_HAND)
    }
    for name, make in _BY_HAND.items():
        definitions[name] = make()
    definitions |= _CUSTOM
    top = _shape(SHAPES["design"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "A system design",
        "description": "A design file of ToScale: requirements, estimates, components, flows, data, decisions, faults.",
        **top,
        "type": ["object", "null"],
        "$defs": definitions,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _or_null(schema: Schema) -> Schema:
    """A key without a value says nothing, and is allowed."""
    return {"anyOf": [schema, {"type": "null"}]}


def _shape(shape: Shape) -> Schema:
    made: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(key) for name, key in shape.keys.items()},
    }
    required = [key.name for key in shape.keys.values() if key.required]
    return made | ({"required": required} if required else {})


def _property(key: Key) -> Schema:
    schema = _type(key.type)
    return {"description": key.doc, **(schema if key.required else _or_null(schema))}


def _type(kind: Type) -> Schema:
    match kind:
        case Quantity() | Varying():
            return _VALUE
        case Word(choices=choices):
            return {"enum": list(choices)}
        case Text():
            return _TEXT
        case YesNo():
            return {"type": "boolean"}
        case Ref():
            return _NAME
        case Listing(of=of):
            inner = _type(of)
            return {"anyOf": [inner, {"type": "array", "items": inner}]}
        case Table(of=of):
            return {"type": "object", "additionalProperties": _or_null(_type(of))}
        case Part(shape=shape, short=short):
            if short is None:
                return _ref(shape)
            return {"anyOf": [_type(SHAPES[shape].keys[short].type), _ref(shape)]}
        case Custom(schema=schema):
            return _ref(schema)


# --- mappings with rules of their own -----------------------------------------------------------------------


def _component() -> Schema:
    """Each kind with its own attributes."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS), "description": "what it is"}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {
                    "properties": {
                        "kind": {"description": words.doc},
                        **{name: _property(ATTRIBUTES[name]) for name in words.attributes},
                    },
                    "additionalProperties": False,
                },
            }
            for kind, words in KINDS.items()
        ],
    }


def _entity() -> Schema:
    return _shape(SHAPES["entity"])


def _fault() -> Schema:
    """Each thing that goes wrong with its own words."""
    shape = SHAPES["fault"].keys
    return {
        "type": "object",
        "oneOf": [
            {
                "required": [action],
                "properties": {name: _property(shape[name]) for name in (action, "at", *words)},
                "patternProperties": {"^one .": _VALUE} if action in ("surge", "send") else {},
                "additionalProperties": False,
            }
            for action, words in FAULT_WORDS.items()
        ],
    }


def _network() -> Schema:
    made = _shape(SHAPES["network"])
    return made | {"patternProperties": {"^.+ - .+$": _or_null(_type(Part("link", short="latency")))}}


def _step() -> Schema:
    """A step: by its head, with the words that go with it."""
    routes = "^(?!(" + "|".join(re.escape(word) for word in sorted(STEP_WORDS)) + ")$)"
    choices: list[Schema] = [{"enum": ["go on", "stop"]}]
    for head, words in HEADS.items():
        properties = {word: _step_word(word) for word in words}
        if head == "call":
            call = {"anyOf": [_VALUE, {"type": "null"}]}
            choices.append(
                {
                    "type": "object",
                    "properties": properties,
                    "patternProperties": {routes: call},
                    "additionalProperties": False,
                    "minProperties": 1,
                }
            )
        else:
            choices.append(
                {
                    "type": "object",
                    "required": [head],
                    "properties": {**properties, head: _HEAD_VALUES[head]},
                    "additionalProperties": False,
                }
            )
    return {"anyOf": choices}


def _step_word(word: str) -> Schema:
    return _property(STEP_KEYS[word])


_STEPS: Schema = {"anyOf": [{"type": "array", "items": _ref("step")}, _ref("step"), {"type": "null"}]}
_HEAD_VALUES: dict[str, Schema] = {
    "each": _VALUE,
    "parallel": {
        "type": "array",
        "items": {"anyOf": [_ref("step"), {"type": "array", "items": _ref("step")}]},
    },
    "if": {"type": "string"},
    "repeat": _ref("repeat"),
    "run": _NAME,
    "answer": {"type": "integer", "minimum": 100, "maximum": 599},
    "wait": _VALUE,
    "go on": {"type": "null"},
    "stop": {"type": "null"},
}

_BY_HAND: dict[str, Callable[[], Schema]] = {
    "component": _component,
    "entity": _entity,
    "fault": _fault,
    "network": _network,
    "step": _step,
    "rate_part": lambda: _shape(SHAPES["rate"]),
    "rate": lambda: {"anyOf": [_VALUE, _ref("rate_part")]},
}

_CUSTOM: dict[str, Schema] = {
    "version": {"const": VERSION},
    "target": {**_TEXT, "description": "`p99(FLOW) <= 150 ms`, or prose"},
    "price": {"type": "string", "description": "`0.17 USD / hour each`"},
    "position": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "request": {"type": "string", "pattern": "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|ANY) /"},
    "change": {"type": "object", "description": "paths, such as `flows.FLOW.STEP`, with what comes there"},
    "pair": {"type": "string", "pattern": "^.+ - .+$"},
    "window": _VALUE,
    "index": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "popularity": {"type": "string", "pattern": "^(zipf\\(.+\\)|uniform)( over .+)?$"},
    "number_shape": {"type": "string", "pattern": "^(geometric|poisson|lognormal|pareto\\(.+\\)|uniform)$"},
    "keep": _VALUE,
    "steps": _STEPS,
    "optional": {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^after "}]},
    "amount": _VALUE,
    "attribute": {"type": "string"},
    "copy": {"enum": ["a copy", "the primary"]},
    "over": {"type": "string"},
    "locks": {
        "anyOf": [
            {"type": "string", "pattern": "^per "},
            {"type": "array", "items": {"type": "string", "pattern": "^per "}},
        ]
    },
    "busy": {"anyOf": [{"enum": ["wait", "refuse"]}, _ref("steps")]},
    "join": _VALUE,
    "until": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "bound": _VALUE,
    "breaker_threshold": {"type": "string", "pattern": " errors over "},
    "causes": {"anyOf": [_NAME, {"type": "array", "items": _NAME}]},
    "points": {"type": "object", "additionalProperties": _VALUE, "minProperties": 2},
}
"""The values that have a grammar of their own, as far as a schema can say it."""
