"""What does the design cost in a month? The prices that the file gives, times machines, requests or bytes;
nothing is guessed.

A price is `0.17 USD / hour each` (of every machine), `200 USD / month` (in all), `0.02 USD / GB / month`
(of what is stored, all copies), or `0.4 USD / 1M each request`. A component without a price is listed as
unpriced, so that the sum is a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toscale.design.model import Component, Design, Price
from toscale.quantity.formatting import format_number, format_quantity
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import Quantity, quantile
from toscale.quantity.units import COST_RATE, MONEY, SIZE, UNITS
from toscale.requirements.machines import machines
from toscale.requirements.storage import stored_bytes
from toscale.requirements.values import value_of
from toscale.simulate.result import RunResult

__all__ = ["Cost", "Costs", "cost"]

MONTH = UNITS["month"].factor_to_si
OURS = "client"
"""Components of this kind are the users' own machines, which nobody here pays for."""

PER_BYTE = COST_RATE / SIZE


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What one component costs, in USD/s, and how that comes about."""

    component: str
    amount: Quantity
    how: str


@dataclass(frozen=True, slots=True, eq=False)
class Cost:
    """All that has a price, and the names of what has none, each with the reason in `why`."""

    parts: tuple[Costs, ...]
    unpriced: tuple[str, ...]
    why: tuple[str, ...]

    def total(self, probability: float = 0.5) -> float:
        """The sum of what is priced, in USD/s, each part at that quantile of what we do not know."""
        return sum(quantile(part.amount.value, probability) for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """By the month: `USD / month` in all and by component."""
        return {
            "unit": "USD/month",
            "median": self.total() * MONTH,
            "high": self.total(0.95) * MONTH,
            "complete": not self.unpriced,
            "components": {
                part.component: {"median": quantile(part.amount.value, 0.5) * MONTH, "how": part.how}
                for part in self.parts
            },
            "unpriced": dict(zip(self.unpriced, self.why, strict=True)),
        }


def cost(design: Design, sheet: Sheet, run: RunResult | None = None) -> Cost:
    """The cost of a design whose estimates are in `sheet`.

    Prices by the request need the requests of a simulated run; without one such a component is listed as
    unpriced.
    """
    parts: list[Costs] = []
    unpriced: dict[str, str] = {}
    for name, component in design.components.items():
        price = design.prices.get(name)
        if price is None:
            if component.kind != OURS:
                unpriced[name] = "no price is given"
            continue
        priced = _priced(design, sheet, component, price, run)
        if isinstance(priced, str):
            unpriced[name] = priced
        else:
            parts.append(priced)
    return Cost(tuple(parts), tuple(unpriced), tuple(unpriced.values()))


def _priced(
    design: Design, sheet: Sheet, component: Component, price: Price, run: RunResult | None
) -> Costs | str:
    amount = value_of(sheet, price.amount, f"prices.{component.name}")
    if isinstance(amount, str):
        return amount
    name, written = component.name, str(price.amount)
    if amount.dimension == PER_BYTE:
        stored = stored_bytes(design, sheet, name)
        if isinstance(stored, str):
            return stored
        shown = format_quantity(quantile(stored.value, 0.5), SIZE)
        return Costs(name, Quantity(amount.value * stored.value, COST_RATE), f"{shown} stored x {written}")
    if price.per == "request" and amount.dimension == MONEY:
        arrivals = run.components.get(name) if run else None
        if arrivals is None or arrivals.arrivals.value is None:
            return "its price is by the request, and its requests were not simulated"
        rate = arrivals.arrivals.value
        how = f"{format_number(rate)} requests per second x {written}"
        return Costs(name, Quantity(amount.value * rate, COST_RATE), how)
    if amount.dimension != COST_RATE:
        return f"`{written}` is no price: write an amount per time, such as `200 USD / month`"
    if price.per == "all":
        return Costs(name, Quantity(amount.value, COST_RATE), f"{written}, in all")
    ran = run.components.get(name) if run else None
    if ran is not None and ran.machines is not None and ran.machines.value is not None:
        shown = f"{format_number(ran.machines.value)} on average"
        each = "" if written.endswith("each") else " each"
        in_all = Quantity(amount.value * ran.machines.value, COST_RATE)
        return Costs(name, in_all, f"{shown} x {written}{each}")
    number = machines(design, sheet, component)
    if isinstance(number, str):
        return number
    shown = format_number(quantile(number.value, 0.5))
    each = "" if written.endswith("each") else " each"
    return Costs(name, Quantity(amount.value * number.value, COST_RATE), f"{shown} x {written}{each}")
