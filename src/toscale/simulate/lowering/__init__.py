"""From a design to a model: what each component, entity and step becomes in the primitives of the engine."""

from toscale.simulate.lowering.lowered import (
    LOWERING_CODES,
    At,
    DefaultUsed,
    Found,
    Lowered,
    LoweringError,
    Note,
    NotSimulated,
    Unknown,
)

__all__ = [
    "At",
    "DefaultUsed",
    "Found",
    "LOWERING_CODES",
    "Lowered",
    "LoweringError",
    "NotSimulated",
    "Note",
    "Unknown",
]
