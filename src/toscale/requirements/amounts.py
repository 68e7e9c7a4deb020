"""What is known of an amount? A quantity, or the reason why there is none; reasons are carried through arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toscale.quantity.uncertain import Quantity

if TYPE_CHECKING:
    from toscale.quantity.uncertain import Value

__all__ = ["Amount", "greatest", "product", "quotient", "same", "total_of"]

Amount = Quantity | str
"""A quantity, or why it is not known."""


def product(left: Amount, right: Amount) -> Amount:
    """The product, in the product of the dimensions."""
    if isinstance(left, str) or isinstance(right, str):
        return _reason(left, right)
    return Quantity(left.value * right.value, left.dimension * right.dimension)


def quotient(left: Amount, right: Amount) -> Amount:
    """The quotient, in the quotient of the dimensions; a reason where the divisor may be zero."""
    if isinstance(left, str) or isinstance(right, str):
        return _reason(left, right)
    if _least(right.value) <= 0:
        return "it is divided by what may be zero"
    return Quantity(left.value / right.value, left.dimension / right.dimension)


def total_of(left: Amount, right: Amount) -> Amount:
    """The sum of two amounts of one dimension."""
    if isinstance(left, str) or isinstance(right, str):
        return _reason(left, right)
    return Quantity(left.value + right.value, left.dimension)


def _reason(*amounts: Amount) -> str:
    return next(amount for amount in amounts if isinstance(amount, str))


def _least(value: Value) -> float:
    return value if isinstance(value, float) else float(value.min())


def greatest(value: Value) -> float:
    """The largest sample of a value."""
    return value if isinstance(value, float) else float(value.max())


def same(one: Amount, other: Amount) -> bool:
    """Whether two amounts agree to twelve digits, sample by sample; reasons agree when they are equal."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if isinstance(one.value, float) and isinstance(other.value, float):
        return abs(one.value - other.value) <= 1e-12 * max(abs(one.value), abs(other.value))
    import numpy as np

    return bool(np.allclose(one.value, other.value, rtol=1e-12, atol=0.0))
