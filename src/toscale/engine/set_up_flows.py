"""When do requests begin? The flows of a model, what follows what, and which times are taken from one to another."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from toscale.engine import arrivals
from toscale.engine.connections import event_code
from toscale.engine.model import After, Clock, Consume, Model, Poisson, Trace, Users
from toscale.engine.state import AFTER, FLOW, SPAN, TICK, records
from toscale.engine.tables import ModelError, Tables, salt_of

__all__ = ["after_rows", "flow_rows", "span_rows"]


def flow_rows(model: Model, tables: Tables, seed: str) -> tuple[Any, Any, Any]:
    """The flows, the points between which their rates vary (ticks; per tick; requests before), and the moments at which
    their clocks and traces begin (ticks).

    Raises ModelError for a rate or a trace that is none.
    """
    rows = records(FLOW, len(model.flows))
    points: list[tuple[float, float, float]] = []
    phases: list[float] = []
    for k, flow in enumerate(model.flows):
        row, source = rows[k], flow.source
        row.salt, row.entry = np.uint64(salt_of(f"flow:{flow.name}")), tables.entries[k]
        row.priority = flow.priority
        match source:
            case Poisson(rates, times) if len(rates) == 1:
                row.kind, row.rate = arrivals.POISSON, rates[0] * TICK
            case Poisson(rates, times):
                row.kind, row.first, row.points = arrivals.VARYING, len(points), len(rates)
                points.extend(_curve(flow.name, rates, times))
            case Clock(every, number):
                row.kind, row.first, row.points = arrivals.TICKING, len(phases), number
                row.every = max(1, round(every / TICK))
                generator = np.random.Generator(
                    np.random.Philox(key=[salt_of(f"seed:{seed}"), int(row.salt)])
                )
                phases.extend(np.sort(generator.random(number)) * every / TICK)
            case Consume() | After():
                row.kind = arrivals.CAUSED
            case Users(number):
                row.kind, row.points = arrivals.USERS, number
            case Trace(times):
                row.kind, row.first, row.points = arrivals.TRACED, len(phases), len(times)
                phases.extend(_moments(flow.name, times))
    return rows, np.array(points or [(0.0, 0.0, 0.0)]), np.array(phases or [0.0])


def after_rows(model: Model, tables: Tables) -> Any:
    """Which flow follows which, or an event of a connection. Raises ModelError where that is not there."""
    names = [f.name for f in model.flows]
    held = [c.name for c in model.connections]
    rules = []
    for then, flow in enumerate(model.flows):
        source = flow.source
        if isinstance(source, After):
            mask = sum(1 << tables.register_of[name] for name in source.carries)
            law = -1 if source.wait is None else tables.law_of[source.wait.scaled(1 / TICK)]
            for name in source.flows:
                if name not in names:
                    raise ModelError(f"flow {flow.name!r} follows {name!r}, which is not there")
                salt = salt_of(f"after:{name}:{flow.name}")
                rules.append((salt, mask, source.chance, names.index(name), then, law))
            for event in source.events:
                if event.connection not in held:
                    raise ModelError(f"flow {flow.name!r} follows a connection that is not there")
                salt = salt_of(f"after:{event.connection}:{event.happens.name}:{flow.name}")
                code = event_code(held.index(event.connection), int(event.happens))
                rules.append((salt, mask, source.chance, code, then, law))
    rows = records(AFTER, len(rules))
    rows["flow"] = -1
    for k, rule in enumerate(rules):
        rows[k] = rule
    return rows


def span_rows(model: Model, tables: Tables) -> tuple[Any, int]:
    """From which flow to which the time is taken, and how many such times a request has at most."""
    names = [f.name for f in model.flows]
    rows = records(SPAN, len(model.spans))
    rows["first"] = -1
    columns: dict[str, int] = {}
    for k, span in enumerate(model.spans):
        if span.first not in names or span.last not in names:
            raise ModelError(f"{span.name!r} names a flow that is not there")
        column = columns.get(span.first, 0)
        columns[span.first] = column + 1
        rows[k] = (
            names.index(span.first),
            names.index(span.last),
            tables.meters.index(span.name),
            column,
        )
    return rows, max([1, *columns.values()])


def _curve(name: str, rates: tuple[float, ...], times: tuple[float, ...]) -> list[tuple[float, float, float]]:
    if len(rates) != len(times) or any(b <= a for a, b in pairwise(times)) or times[0] != 0 or min(rates) < 0:
        raise ModelError(
            f"the rate of {name!r} needs a rate for each time, times from 0 upwards, and no rate below 0"
        )
    at = np.array(times) / TICK
    rate = np.array(rates) * TICK
    passed = np.concatenate([[0.0], np.cumsum(np.diff(at) * (rate[1:] + rate[:-1]) / 2)])
    return list(zip(at, rate, passed, strict=True))


def _moments(name: str, times: tuple[float, ...]) -> Any:
    if not times or times[0] < 0 or any(b < a for a, b in pairwise(times)):
        raise ModelError(f"the arrivals of {name!r} need moments, from 0 on, none before the one before it")
    return np.array(times) / TICK
