"""What does theory say, as plain values for programs? Rates per second, times in seconds, shares between 0 and 1."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from toscale.document.as_json import finite
from toscale.theory import Twin

__all__ = ["twin_json"]

_STATION = (
    "machines",
    "arrivals",
    "slot_utilisation",
    "core_utilisation",
    "hottest_utilisation",
    "wait",
    "queue",
    "refused",
    "capacity",
    "excess",
    "reason",
)


def twin_json(twin: Twin) -> dict[str, Any]:
    """Flows with their parts, named steps, stations, stores, buffers and what is overloaded; null: not finite, and
    then there is a reason.
    """
    said = {
        "flows": {name: asdict(flow) for name, flow in twin.flows.items()},
        "steps": {name: asdict(step) for name, step in twin.steps.items()},
        "components": {
            name: {key: getattr(one, key) for key in _STATION} for name, one in twin.stations.items()
        },
        "functions": {name: asdict(one) for name, one in twin.instances.items()},
        "stores": {
            name: {"hit_ratio": one.hit_ratio, "occupancy": one.occupancy}
            for name, one in twin.stores.items()
        },
        "buffers": {name: asdict(one) for name, one in twin.buffers.items()},
        "copies": {name: asdict(one) for name, one in twin.copies.items()},
        "overloaded": [asdict(one) for one in twin.overloaded],
        "converged": twin.converged,
    }
    return dict(finite(said))
