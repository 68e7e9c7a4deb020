"""How does a call of a function find its instance, and give it back? `c` is the compiler."""

from __future__ import annotations

from typing import Any

from toscale.engine.layout import Label
from toscale.engine.model import Work
from toscale.engine.state import Op

__all__ = ["emit_cool", "emit_warm"]


def emit_warm(c: Any, station: int, path: str) -> None:
    """An instance, with the time of a cold start where none is warm."""
    instances = c.model.stations[station].instances
    if instances is None:
        return
    warm = Label()
    c.emit(Op.WARM, a=_number(c, station), b=warm)
    c.work(Op.DELAY, f"{path}/cold start", Work.of(instances.cold))
    c.place(warm)


def emit_cool(c: Any, station: int) -> None:
    """The instance is idle from now on."""
    if c.model.stations[station].instances is not None:
        c.emit(Op.COOL, a=_number(c, station))


def _number(c: Any, station: int) -> int:
    """Which of the functions it is."""
    return sum(s.instances is not None for s in c.model.stations[:station])
