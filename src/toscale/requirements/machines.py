"""How many machines is a component? Its replicas, or its shards times copies; beside another one, as many
as that one. Where they follow the load it is the number that the file gives, or the fewest.

The same as in the simulation: a part of a machine is a whole one, and the replicas of a store without
shards are its shards.
"""

from __future__ import annotations

import math

from toscale.design.model import Component, Design
from toscale.design.parts import Formula
from toscale.kinds import KINDS, Primitive
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import Quantity
from toscale.quantity.units import NUMBER
from toscale.requirements.values import value_of

__all__ = ["machines", "number_of", "shards_of"]


def machines(design: Design, sheet: Sheet, component: Component) -> Quantity | str:
    """The number of machines, one where the file says nothing; or why it is not known."""
    seen: set[str] = set()
    while component.beside in design.components and component.name not in seen:
        seen.add(component.name)
        component = design.components[component.beside or ""]
    kind = KINDS.get(component.kind)
    if kind is None or kind.primitive is Primitive.STATION:
        scale = component.scale if component.replicas is None else None
        if scale is not None:
            return number_of(sheet, scale.at_least, f"components.{component.name}.scale")
        factors = [_whole(sheet, component, "replicas")]
    else:
        factors = [shards_of(sheet, component), _whole(sheet, component, "copies")]
    number = Quantity(1.0, NUMBER)
    for factor in factors:
        if isinstance(factor, str):
            return factor
        number = Quantity(number.value * factor.value, NUMBER)
    return number


def shards_of(sheet: Sheet, component: Component) -> Quantity | str:
    """The shards of a store, or its replicas if it says nothing of shards; one if it says nothing at all."""
    return _whole(sheet, component, "replicas" if component.shards is None else "shards")


def _whole(sheet: Sheet, component: Component, word: str) -> Quantity | str:
    """A number of machines of the file, rounded up."""
    found = number_of(sheet, getattr(component, word), f"components.{component.name}.{word}")
    if isinstance(found, str):
        return found
    if isinstance(found.value, float):
        return Quantity(float(math.ceil(found.value - 1e-9)), NUMBER)
    import numpy as np

    return Quantity(np.ceil(found.value - 1e-9), NUMBER)


def number_of(sheet: Sheet, formula: Formula | None, path: str) -> Quantity | str:
    """A plain number of the file, one where it says nothing; or why it is not known."""
    if formula is None:
        return Quantity(1.0, NUMBER)
    found = value_of(sheet, formula, path, NUMBER)
    return found if isinstance(found, str) else Quantity(found.value, NUMBER)
