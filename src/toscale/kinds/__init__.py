"""The catalogue of components: what each kind is by default, where that figure is from, and what it
becomes.
"""

from toscale.kinds.catalogue import KINDS, NETWORK_CV, RESEND_AFTER
from toscale.kinds.kind import Category, Default, Drawing, Kind, OperationTime, Primitive

__all__ = [
    "Category",
    "Default",
    "Drawing",
    "KINDS",
    "Kind",
    "NETWORK_CV",
    "OperationTime",
    "Primitive",
    "RESEND_AFTER",
]
