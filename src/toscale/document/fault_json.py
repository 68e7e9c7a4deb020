"""What does `--json` say of faults? Plain values, documented in `docs/json.md`: the figures of three phases and the
curves over time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toscale.document.as_json import figure_json, finite, run_json, verdict_json
from toscale.requirements.verdicts import Verdict
from toscale.simulate.fault_result import FaultComponent, FaultFlow, FaultResult, FaultRun

__all__ = ["fault_json"]

Plain = dict[str, Any]


def fault_json(result: FaultResult, verdicts: Iterable[Verdict] = ()) -> Plain:
    """One fault; `median` and `upper` are null where it was not simulated, and then `reason` says why."""
    said: Plain = {
        "name": result.name,
        "action": result.action,
        "simulated": result.median is not None,
        "reason": result.reason or None,
        "multiple": result.multiple,
        "seed": result.seed,
        "median": None if result.median is None else _run(result.median),
        "upper": None if result.upper is None else _run(result.upper),
        "targets": [verdict_json(verdict) for verdict in verdicts],
        "defaults": [
            {"component": one.component, "what": one.what, "value": one.value, "source": one.source}
            for one in result.defaults
        ],
        "notes": [{"text": one.text, "line": one.place.line or None} for one in result.notes],
    }
    return dict(finite(said))


def _run(run: FaultRun) -> Plain:
    return {
        "begins": run.begins,
        "ends": run.ends,
        "window": run.window,
        "starts": list(run.starts),
        "recovery": run.recovery.to_json(),
        "bound": run.bound,
        "replications": run.replications,
        "events": run.events,
        "flows": {name: _flow(flow) for name, flow in run.flows.items()},
        "components": {name: _component(one) for name, one in run.components.items()},
        "before": run_json(run.before),
        "during": run_json(run.during),
        "after": None if run.after is None else run_json(run.after),
    }


def _flow(flow: FaultFlow) -> Plain:
    return {
        "kind": flow.kind,
        "worst_p99": figure_json(flow.worst_p99),
        "worst_failed": figure_json(flow.worst_failed),
        "lost": figure_json(flow.lost),
        "amplified": flow.amplified,
        "recovery": flow.recovery.to_json(),
        "series": {
            "offered": list(flow.offered),
            "completed": list(flow.completed),
            "failed_share": list(flow.failed_share),
            "p50": list(flow.p50),
            "p99": list(flow.p99),
            "p99_low": list(flow.p99_low),
            "p99_high": list(flow.p99_high),
            "retries": list(flow.retries),
        },
    }


def _component(one: FaultComponent) -> Plain:
    said: Plain = {
        "series": {
            "calls": list(one.calls),
            "utilisation": list(one.utilisation),
            "queue": list(one.queue),
            "hit_ratio": list(one.hit_ratio),
            "depth": list(one.depth),
            "machines": list(one.machines),
        },
        "grown": one.grown,
    }
    if one.lost_writes is not None:
        said["series"]["stale"] = list(one.stale)
        said["lost_writes"] = figure_json(one.lost_writes)
    return said
