"""What does a fault do to a design? Figures before, while it lasts and after, curves over time, and how long
until all is as it was.

Times are seconds on the clock of the file: 0 is the end of the warm-up, a fault begins at its `at`. Rates are per
second, shares between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toscale.simulate.result import Figure, RunResult

__all__ = ["FaultComponent", "FaultFlow", "FaultResult", "FaultRun", "Recovery"]

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Recovery:
    """When a flow, or the whole, is as it was before, for good.

    `at`: seconds after the fault's beginning, None where it had not recovered when the run ended; `text` says it
    in words. `affected`: whether it ever was otherwise.
    """

    affected: bool
    at: float | None
    text: str

    def to_json(self) -> dict[str, Any]:
        return {"affected": self.affected, "seconds": self.at, "text": self.text}


@dataclass(frozen=True, slots=True)
class FaultFlow:
    """A flow, named step or span under a fault; one value for each window, None where nothing ended in it.

    `worst_p99` is the largest of a window from the fault's beginning on, `worst_failed` the largest share of
    requests that failed; each with its interval over the replications. `lost`: requests in one replication that
    failed from the beginning of the fault on, beyond the share that failed before. `retries`: further attempts
    for each request of a flow; `amplified`: by how many times the attempts are more than before, at the worst
    (None where nothing was tried again).
    """

    name: str
    kind: str
    offered: Values
    completed: Values
    failed_share: Values
    p50: Values
    p99: Values
    p99_low: Values
    p99_high: Values
    worst_p99: Figure
    worst_failed: Figure
    lost: Figure
    retries: Values
    amplified: float | None
    recovery: Recovery


@dataclass(frozen=True, slots=True)
class FaultComponent:
    """A component under a fault, one value for each window: calls per second, the share of its slots (else
    cores) in use, how many wait on average, the share of look-ups that hit, messages, and the machines that serve,
    where their number follows the load; None where it has none. `grown`: seconds from the beginning of the fault
    until as many serve as ever do from then on, where they become more.
    Where its copies lag, `stale` is the share of reads at them that lacked the latest write (else empty), and
    `lost_writes` how many writes that counted one replication lost with a machine.
    """

    name: str
    calls: Values
    utilisation: Values
    queue: Values
    hit_ratio: Values
    depth: Values
    machines: Values = ()
    grown: float | None = None
    stale: Values = ()
    lost_writes: Figure | None = None


@dataclass(frozen=True, slots=True)
class FaultRun:
    """A fault at one load.

    `starts` are the beginnings of the windows, `window` is their length. `begins` and `ends` are those of the
    fault (`ends` None: what broke is not repaired). `before`, `during` and `after` are the figures of the three
    phases; `during` lasts until `ends`, or without one until all has recovered. `after` is None where nothing
    was simulated after it. `bound` says which bound ended the run before it had recovered.
    """

    begins: float
    ends: float | None
    window: float
    starts: tuple[float, ...]
    flows: Mapping[str, FaultFlow]
    components: Mapping[str, FaultComponent]
    before: RunResult
    during: RunResult
    after: RunResult | None
    recovery: Recovery
    replications: int
    events: int
    bound: str | None = None


@dataclass(frozen=True, slots=True)
class FaultResult:
    """A fault of a design, simulated at the median of its rates and, if asked for, at their upper end.

    `reason` says why it was not simulated; then both runs are None.
    """

    name: str
    action: str
    median: FaultRun | None
    upper: FaultRun | None
    seed: int
    multiple: float
    reason: str = ""
    defaults: tuple[Any, ...] = ()  # of detection and recovery, with their sources
    notes: tuple[Any, ...] = ()
    not_simulated: tuple[Any, ...] = field(default=(), repr=False)
