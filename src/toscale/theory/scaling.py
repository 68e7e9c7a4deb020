"""How many machines does a target for their use ask for? As many as keep the use of each at or below it.

The offered load over what one machine gives times the target, rounded up, between the fewest and the most.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from toscale.engine.model import Model, Station

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toscale.theory.stations import StationTheory

__all__ = ["machines_asked", "rescaled", "with_machines"]

SWINGS = 20
"""From this round of the fixed point on the numbers only rise: what each round finds may depend on the last."""


def machines_asked(place: Station, most: int, state: StationTheory) -> int:
    """The number for the load that a round has found; `place.machines` is that of the round."""
    scaling = place.scaling
    assert scaling is not None
    if place.cores is not None:
        each, used = place.cores, state.arrivals * (1 - state.refused) * state.work
    else:
        each = place.slots or 1
        full = float(each * place.machines)  # nothing is known but that all are taken
        used = full if state.holding is None else state.arrivals * (1 - state.refused) * state.holding
    return min(max(ceil(used / (each * scaling.target) - 1e-9), scaling.least), most)


def rescaled(model: Model, most: Mapping[str, int], states: Mapping[str, StationTheory], turn: int) -> Model:
    """The model with as many machines as the load of this round (the `turn`-th) asks for; itself where it has them."""
    number = {}
    for place in model.stations:
        if place.scaling is not None:
            asked = machines_asked(place, most[place.name], states[place.name])
            number[place.name] = max(asked, place.machines) if turn > SWINGS else asked
    if all(place.machines == number.get(place.name, place.machines) for place in model.stations):
        return model
    return with_machines(model, number)


def with_machines(model: Model, number: Mapping[str, int]) -> Model:
    """The model with so many machines of those stations whose number follows their load, and beside them."""
    if all(station.scaling is None for station in model.stations):
        return model
    changed = {s.name: number[s.name] for s in model.stations if s.scaling is not None}
    return replace(
        model,
        stations=tuple(
            replace(s, machines=changed[s.follows or s.name]) if (s.follows or s.name) in changed else s
            for s in model.stations
        ),
    )
