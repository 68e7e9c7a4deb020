"""What is a formula of a design worth? The sheet of its estimates, and any other formula over it.

The streams of a formula's own ranges are found by its path in the design (`flows.open.rate`), so that a
range has the same samples wherever it is computed. At a multiple of the growth, the estimates that grow are
multiplied, and what depends on them follows.
"""

from __future__ import annotations

from toscale.design.model import Design
from toscale.design.parts import Formula
from toscale.quantity.errors import QuantityError
from toscale.quantity.estimate import Estimate
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import DEFAULT_SEED
from toscale.quantity.units import Dimension

__all__ = ["rate_factor", "sheet_of", "value_of"]


def sheet_of(design: Design, *, multiple: float = 1.0, seed: int = DEFAULT_SEED) -> Sheet:
    """The estimates of a design, computed. ValueError for a multiple of a design that does not say what
    grows.
    """
    formulas = {name: formula.text for name, formula in design.estimates.items()}
    if multiple == 1.0:
        return Sheet.evaluate(formulas, seed=seed)
    grows = [name for name in design.growth.of if name in formulas]
    return Sheet.evaluate(formulas, seed=seed, factors=dict.fromkeys(grows, multiple))


def rate_factor(design: Design, multiple: float) -> float:
    """What the rates of actors are multiplied by, where no estimate grows in their stead: as the simulation
    does.
    """
    return 1.0 if any(name in design.estimates for name in design.growth.of) else multiple


def value_of(sheet: Sheet, formula: Formula, path: str, expect: Dimension | None = None) -> Estimate | str:
    """The value of a formula over the estimates, or why it has none.

    `path` is where it stands in the design. What belongs to a request or to an instance (`tenant.limit`)
    has no single value.
    """
    if formula.attributes:
        return f"`{formula}` differs from one to the next"
    try:
        return sheet.evaluate_expression(formula.text, expect=expect, name=path)
    except QuantityError as error:
        return f"`{formula}` could not be computed: {error.message}"
