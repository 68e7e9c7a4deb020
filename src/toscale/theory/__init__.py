"""The analytic twin: what queueing theory says about a model, in milliseconds. `solve(model)` gives a `Twin`."""

from toscale.theory.assumptions import Assumption
from toscale.theory.rates import average
from toscale.theory.results import BufferTheory, FlowTheory, Overload, Part, StepTheory, Twin
from toscale.theory.stations import StationTheory
from toscale.theory.stores import StoreTheory
from toscale.theory.twin import solve

__all__ = [
    "Assumption",
    "BufferTheory",
    "FlowTheory",
    "Overload",
    "Part",
    "StationTheory",
    "StepTheory",
    "StoreTheory",
    "Twin",
    "average",
    "solve",
]
