"""How does the number of a component's machines follow its load? What `scale` says, and what it leaves open.

What is left open is as in Kubernetes' horizontal pod autoscaler, whose rule the engine follows.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from toscale.design.model import Component
from toscale.design.model import Scaling as Wanted
from toscale.engine.laws import Law
from toscale.engine.model import Scaling, Station
from toscale.kinds.kind import Default
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.values import Values, shown_time

__all__ = ["STARTS_IN", "scaled"]

STARTS_IN = Default(
    10.0,
    "Rule of thumb: a process is started, has its connections and answers its health check after about 10 s.",
)
"""How long a replica takes to start, where `scale` does not give a `boot` time."""

_DOCUMENTED = "Documentation of Kubernetes, Horizontal Pod Autoscaling"
LOOKS_EVERY = Default(15.0, f"{_DOCUMENTED}: the load is looked at every 15 s.")
COOLS_DOWN = Default(
    300.0,
    f"{_DOCUMENTED}: more machines at once; fewer only to the most that was wanted in the last 5 minutes.",
)
TOLERANCE = Default(
    0.1,
    f"{_DOCUMENTED}: a use within a tenth of the target changes nothing (horizontal-pod-autoscaler-tolerance).",
)
AT_MOST = Default(
    10.0,
    "An autoscaler needs a bound: ten times the number that the component has otherwise is taken for one.",
)


def scaled(station: Station, component: Component, values: Values, ledger: Ledger) -> Station:
    """The station with the scaling that the file asks for; without, where its use cannot be measured.

    Raises NotComputable where a figure is impossible.
    """
    wanted = component.scale
    if wanted is None:
        return station
    if component.beside is not None:
        ledger.note(
            f"`{component.name}` stands beside `{component.beside}`, one on each machine: its `scale` says nothing.",
            wanted.place,
        )
        return station
    if station.slots is None and station.cores is None:
        ledger.missing(
            f"`{component.name}`: the number of its replicas stays the same: it has neither `cores` nor `concurrency`, "
            "whose use could be measured.",
            wanted.place,
            path=f"components/{component.name}",
        )
        return station
    name = component.name
    target = values.number(wanted.target)
    if not 0 < target <= 1:
        raise NotComputable(
            f"the `target` of its scale is {target:.3g}, and lies above 0 and up to 1", wanted.place
        )
    least = 1 if wanted.at_least is None else _whole(values, wanted, "at_least")
    if wanted.at_most is not None:
        most = _whole(values, wanted, "at_most")
    else:
        most = round(AT_MOST.value) * max(station.machines, least)
        ledger.default(name, "most replicas", f"{most:,}", AT_MOST.source)
    if most < least:
        raise NotComputable(f"its scale is at least {least:,} and at most {most:,}", wanted.place)
    if wanted.boot is not None:
        boot, _ = values.law(wanted.boot, 0.0)
    else:
        boot = Law.fixed(ledger.take(name, "time of a start", STARTS_IN, shown_time(STARTS_IN.value)))
    if wanted.over is not None:
        every = values.time(wanted.over)
    else:
        every = ledger.take(name, "load is looked at every", LOOKS_EVERY, shown_time(LOOKS_EVERY.value))
    if every <= 0:
        raise NotComputable("its load is measured `over` no time", wanted.place)
    pause = memory = 0.0
    if wanted.cool_down is not None:
        pause = memory = values.time(wanted.cool_down)
    else:
        memory = ledger.take(name, "cool down", COOLS_DOWN, f"{shown_time(COOLS_DOWN.value)} before fewer")
    tolerance = ledger.take(name, "tolerance of scaling", TOLERANCE, f"{TOLERANCE.value:.0%}")
    begins = min(max(station.machines if component.replicas is not None else least, least), most)
    scaling = Scaling(target, least, begins, boot, every, pause, memory, tolerance)
    return replace(station, machines=most, scaling=scaling)


def _whole(values: Values, wanted: Wanted, attribute: str) -> int:
    formula = getattr(wanted, attribute)
    value = values.number(formula)
    found = ceil(value - 1e-9 * abs(value))
    if not 1 <= found <= 1_000_000_000:
        word = attribute.replace("_", " ")
        raise NotComputable(f"`{word}` of its scale is {value:,.6g}, and is at least 1", formula.place)
    return found
