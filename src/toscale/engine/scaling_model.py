"""What decides how many machines a station has? A target for their use, looked at every so often; or, of a
function, the calls themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from toscale.engine.laws import Law

__all__ = ["Instances", "Scaling"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """The number of a station's machines follows their load; `Station.machines` is the most there can be.

    Every `every` seconds the share of the cores (without cores: of the slots) in use since the last look is compared
    with `target`. A share that differs from it by no more than `tolerance` of it changes nothing. A new machine
    serves after `boot`. For `pause` seconds after a change there is no other; the number is reduced to the highest
    that was wanted in the last `memory` seconds. `begins`: with so many machines a run begins.
    """

    target: float
    least: int
    begins: int
    boot: Law
    every: float
    pause: float
    memory: float
    tolerance: float = 0.1


@dataclass(frozen=True, slots=True)
class Instances:
    """A function: each call has an instance of its own, started (`cold`) where none is warm, and kept `keep` seconds
    after its last call. `begins`: so many are warm, and idle, when a run begins.
    """

    cold: Law
    keep: float
    begins: float = 0.0
