"""What is to happen during a run, as tables: the rows of a model's timeline, and the leaves at which they begin."""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine.model import Model, Policy
from toscale.engine.state import CHANGE, GIVEN, HOT, PRESET, STREAM, TICK, State, records
from toscale.engine.tables import ModelError, Tables, salt_of
from toscale.engine.timeline import Change, What
from toscale.engine.tree import NEVER, schedule

__all__ = ["begin", "changes", "givens", "hots", "streams"]


def ticks(seconds: float | None) -> int:
    """A time in ticks; NEVER for none."""
    return int(NEVER) if seconds is None else min(round(seconds / TICK), int(NEVER))


def changes(model: Model, tables: Tables) -> Any:
    """The changes in the order of their times, one row for each machine, shard, link or knob."""
    rows = [
        (ticks(change.time), int(change.what), which, ticks(change.until), _value(change))
        for change in sorted(model.timeline.changes, key=lambda change: change.time)
        for which in _which(model, tables, change)
    ]
    table = np.zeros(len(rows), dtype=CHANGE).view(np.recarray)
    for k, row in enumerate(rows):
        table[k] = row
    return table


def _value(change: Change) -> float:
    """The value as the engine has it: of a clock in ticks."""
    return change.value / TICK if change.what is What.CLOCK else change.value


def _which(model: Model, tables: Tables, change: Change) -> list[int]:
    """The numbers of what a change concerns, in the arrays of the run."""
    if change.what is What.KNOB:
        return [_of(tables.knobs, change.part, "knob")]
    if change.what is What.LOSS:
        return list(tables.between.get(change.part, ()))
    parts: Any = model.stores if change.what is What.EMPTY else model.stations
    first = 0
    for part in parts:
        if change.what is What.EMPTY:
            count = part.shards
        elif part.shards:
            count = part.shards * part.copies
        else:
            count = 1 if part.policy is Policy.SHARED else part.machines
        if part.name == change.part:
            step = part.copies if change.what is What.LEAD else 1
            found = [k * step for k in change.which]
            if any(not 0 <= k < count for k in found):
                raise ModelError(f"{part.name!r} has {count} machines or shards: not one of them is changed")
            return [first + k for k in found]
        first += count
    raise ModelError(f"a change concerns {change.part!r}, which is not there")


def _of(names: dict[str, int], name: str, what: str) -> int:
    if name not in names:
        raise ModelError(f"the model has no {what} named {name!r}")
    return names[name]


def streams(model: Model, tables: Tables, seed: str, leaf: int) -> tuple[Any, Any]:
    """The streams, of which the first has this leaf, and the keys that their requests are given."""
    rows = records(STREAM, len(model.timeline.streams))
    presets: list[tuple[int, int]] = []
    names = [flow.name for flow in model.flows]
    for k, stream in enumerate(model.timeline.streams):
        if stream.flow not in names:
            raise ModelError(f"a stream is of {stream.flow!r}, which is not there")
        row = rows[k]
        row.salt = np.uint64(salt_of(f"stream:{seed}:{k}:{stream.flow}"))
        row.factor, row.times, row.flow = stream.factor, stream.times, names.index(stream.flow)
        row.begins, row.ends, row.leaf = ticks(stream.begins), ticks(stream.ends), leaf + k
        row.first, row.presets = len(presets), len(stream.given)
        for register, population, index in stream.given:
            given = tables.register_of.get(f"given:{register}")
            if given is not None:
                presets.append((given, population.number << 48 | index))
            else:  # nothing of the flow asks for it
                row.presets -= 1
    table = records(PRESET, len(presets))
    for k, preset in enumerate(presets):
        table[k] = preset
    return rows, table


def hots(model: Model) -> Any:
    """The keys that become hot."""
    rows = records(HOT, len(model.timeline.hots))
    for k, hot in enumerate(model.timeline.hots):
        key = hot.population.number << 48 | hot.index
        rows[k] = (hot.share, ticks(hot.begins), ticks(hot.ends), key)
    return rows


def givens(model: Model) -> Any:
    """The attributes that are given for single keys."""
    rows = np.zeros(len(model.timeline.givens), dtype=GIVEN).view(np.recarray)
    for k, given in enumerate(model.timeline.givens):
        key = given.population.number << 48 | given.index
        rows[k] = (salt_of(f"attribute:{given.salt}"), given.value, key)
    return rows


def begin(model: Model, state: State) -> None:
    """Puts the first change and the first request of each stream into the tree."""
    streaming = state.streams[: len(model.timeline.streams)]
    if len(state.changes):
        leaf = int(state.control[0].fixed) - len(streaming) - 1
        schedule(state, leaf, state.changes[0].time)
    for row in streaming:
        schedule(state, row.leaf, row.begins)
