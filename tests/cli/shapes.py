"""JSON Schemas of what `--json` says, as docs/json.md has it."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}


def record(optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def named(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def listing(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


# Null anywhere in a figure needs a reason beside it.
FIGURE: Schema = {
    **record(value=NUMBER_OR_NULL, low=NUMBER_OR_NULL, high=NUMBER_OR_NULL),
    "if": record(value={"type": "number"}, low={"type": "number"}, high={"type": "number"}),
    "else": {"required": ["reason"], "properties": {"reason": {"type": "string", "minLength": 1}}},
}

PROBLEM = record(
    code={"type": "string", "pattern": "^TS[0-9]{3}$"},
    severity={"enum": ["error", "warning", "note"]},
    file=TEXT_OR_NULL,
    line={"type": ["integer", "null"], "minimum": 1},
    column={"type": ["integer", "null"], "minimum": 1},
    message={"type": "string", "minLength": 1},
    suggestion=TEXT_OR_NULL,
)

INTERVAL = record(median=NUMBER_OR_NULL, low=NUMBER_OR_NULL, high=NUMBER_OR_NULL)

ESTIMATE = record(
    file={"type": "string"},
    problems=listing(PROBLEM),
    multiple={"type": "number"},
    seed={"type": "integer"},
    estimates=named(
        record(
            median=NUMBER_OR_NULL,
            low=NUMBER_OR_NULL,
            high=NUMBER_OR_NULL,
            unit={"type": "string"},
            formula={"type": "string"},
            si={**INTERVAL, "required": ["median", "low", "high", "unit"]},
            shares=named({"type": "number", "minimum": 0, "maximum": 1.001}),
        )
    ),
    flows=named(record(rate=INTERVAL, average=INTERVAL, unit={"const": "1/s"})),
    storage={"type": "object"},
    memory={"type": "object"},
    cost={"type": "object"},
)

PERCENTILES = ("p50", "p90", "p95", "p99", "p999")
LATENCY = record(mean=FIGURE, **dict.fromkeys(PERCENTILES, FIGURE))
FLOW = record(
    offered=FIGURE,
    completed=FIGURE,
    failed=named(FIGURE),
    availability=FIGURE,
    latency=LATENCY,
    latency_of_all=record(**dict.fromkeys(PERCENTILES, FIGURE)),
    counted={"type": "integer"},
)
COMPONENT = record(
    optional=("hit_ratio", "lag", "depth"),
    arrivals=FIGURE,
    utilisation=FIGURE,
    waiting=FIGURE,
    queue=FIGURE,
    hit_ratio=FIGURE,
    lag=FIGURE,
    depth=FIGURE,
)
RUN: dict[str, Schema] = {
    "flows": named(FLOW),
    "steps": named(FLOW),
    "spans": named(FLOW),
    "components": named(COMPONENT),
    "run": record(
        ending={"enum": ["tight", "not_tight", "overloaded", "bound", "time", "nothing"]},
        overloads={"type": "array"},
        requests={"type": "integer"},
    ),
}
CONDITION: Schema = {
    **record(
        text={"type": "string"},
        name={"type": "string"},
        status={"enum": ["met", "at risk", "missed", "unknown"]},
        median={"anyOf": [FIGURE, {"type": "null"}]},
        upper={"anyOf": [FIGURE, {"type": "null"}]},
        reason={"type": "string", "minLength": 1},
    ),
}
SIMULATION = record(
    **RUN,
    file={"type": "string"},
    upper={"anyOf": [record(**RUN), {"type": "null"}]},
    conditions=listing(CONDITION),
    problems=listing(PROBLEM),
    defaults=listing(record(component={"type": "string"}, source={"type": "string", "minLength": 1})),
    not_simulated={"type": "array"},
    disagreements={"type": "array"},
    seed={"type": "integer"},
    precision={"type": "number"},
    multiple={"type": "number"},
)

CHECK = record(
    problems=listing(PROBLEM),
    files=listing(
        record(
            optional=("conditions",),
            file={"type": "string"},
            unreadable=TEXT_OR_NULL,
            conditions={"anyOf": [listing(CONDITION), {"type": "null"}]},
        )
    ),
    errors={"type": "integer"},
    warnings={"type": "integer"},
    notes={"type": "integer"},
)
