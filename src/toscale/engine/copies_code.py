"""How do replicated writes, and reads at copies, become code, and their stations rows?

`c` is the compiler that collects the rows.
"""

from __future__ import annotations

from typing import Any

from toscale.engine.frames import Frame
from toscale.engine.layout import Label
from toscale.engine.model import Commit, Copied, Model, Version
from toscale.engine.state import REPLICATED, TICK, Op, records
from toscale.engine.tables import ModelError

MOST_COPIES = 31
"""Of so many machines of a shard a register can hold which have confirmed a write, and which have failed to."""


def emit_commit(c: Any, step: Commit, frame: Frame) -> None:
    """A write counts."""
    c.touches += 1
    confirmed = -1 if step.confirmed is None else c.register(step.confirmed)
    c.emit(Op.COMMIT, step.path, d=confirmed, law=_lag(c, step.station), **_where(c, step, frame.machine))


def emit_version(c: Any, step: Version, frame: Frame) -> None:
    """A read looks at which version its machine has."""
    c.emit(Op.VERSION, step.path, **_where(c, step, frame.machine))


def emit_copied(c: Any, step: Copied, frame: Frame) -> None:
    """The write at a copy, and what follows from its end, good or bad."""
    if next(s.copies for s in c.model.stations if s.name == step.station) > MOST_COPIES:
        raise ModelError(
            f"{step.path}: more than {MOST_COPIES} machines of a shard of {step.station!r} confirm"
        )
    out, over = Label(), Label()
    within = frame.inside(out)
    c.block(step.body, within)
    said = dict(_where(c, step, c.register(f"machine:{within.depth}")), d=c.register(step.confirmed))
    law = _lag(c, step.station)
    c.emit(Op.COPIED, step.path, y=1.0, law=law, **said)
    c.emit(Op.JUMP, a=over)
    c.place(out)
    c.emit(Op.COPIED, step.path, law=law, **said)
    c.emit(Op.JUMP, a=frame.out)
    c.place(over)


def _where(c: Any, step: Commit | Copied | Version, machine: int) -> dict[str, int]:
    if machine < 0:
        raise ModelError(f"{step.path}: a write or a read of {step.station!r} that is not made there")
    return {
        "a": c.find(c.replicated, step.station, "replicated station"),
        "b": c.register(step.key),
        "c": machine,
    }


def _lag(c: Any, station: str) -> int:
    lag = c.model.replicated[c.find(c.replicated, station, "replicated station")].lag
    return -1 if lag is None else int(c.law(lag.scaled(1 / TICK)))


def replicated_rows(model: Model) -> Any:
    """The stations whose copies have writes later. Raises ModelError for one without shards."""
    rows = records(REPLICATED, len(model.replicated))
    rows["station"] = rows["oldest"] = rows["newest"] = -1
    places = {station.name: k for k, station in enumerate(model.stations)}
    for row, replicated in zip(rows, model.replicated, strict=False):
        if replicated.station not in places or not model.stations[places[replicated.station]].shards:
            raise ModelError(f"{replicated.station!r} has no shards whose copies could lag")
        row.station, row.elects = places[replicated.station], replicated.elects
    return rows
