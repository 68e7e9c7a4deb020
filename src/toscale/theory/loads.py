"""How much longer is a message on its way for its size? Size / bandwidth; messages do not wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toscale.engine.model import Link, Load, Register
from toscale.theory import times
from toscale.theory.times import Dice, Time

if TYPE_CHECKING:
    from toscale.theory.knowledge import Known


def weighed(load: Load | None, link: Link, near: float, known: Known, dice: Dice) -> Time:
    """The time that a message takes for what it carries, within a zone with chance `near`."""
    if load is None:
        return times.NONE
    each = 0.0 if link.near_bandwidth is None else near * load.bytes / link.near_bandwidth
    each += 0.0 if link.far_bandwidth is None else (1 - near) * load.bytes / link.far_bandwidth
    if each <= 0:
        return times.NONE
    number = known.number(load.count)
    draws = each * number.quantiles(dice.uniform()) if dice.wanted else None
    time = Time(each * number.mean, each**2 * number.variance, draws)
    if load.found is None:
        return time
    return times.sometimes(known.number(Register(load.found)).mean, time, dice)
