"""What did one request go through? A trace: who called whom, how long it waited and worked, and what went wrong.

`trace` makes the first replication of a simulation again and follows some of its requests: typical ones, slow
ones, and some that failed or were tried again. The followed requests are those of the measured run, hop by hop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toscale.design.model import Design
from toscale.engine.replay import ANSWERED, Replay
from toscale.engine.state import TICK
from toscale.simulate.noted import OUTCOMES, spans_of
from toscale.simulate.result import RunResult, Simulation
from toscale.simulate.spans import Doing, Leg, Part, Span, Trace

if TYPE_CHECKING:
    from toscale.simulate.lowering.lowered import At

__all__ = ["Doing", "Leg", "Part", "Span", "Trace", "follow", "trace"]

MOST_EVENTS = 4_000_000
"""So far is looked for requests to be followed: a few seconds' work."""
ENOUGH = 20_000
"""So many requests of each flow are enough to choose from: 200 of them are slower than the p99."""
TYPICAL, SLOW, FAILED, TROUBLED = "typical", "slow", "failed", "troubled"
"""Why a request is followed."""


def trace(
    design: Design,
    flow: str | None = None,
    *,
    simulation: Simulation | None = None,
    seed: int = 1,
    at: At = "median",
    multiple: float = 1.0,
    enough: int = ENOUGH,
    most_events: int = MOST_EVENTS,
) -> tuple[Trace, ...]:
    """Some requests of a flow (of all flows that are simulated, without one), followed hop by hop.

    For each flow a typical one, nearest to the median of those that were answered; a slow one, nearest to the
    p99; a failed one; and a troubled one, of which something was tried again, or went wrong and was dealt with.
    Of what did not happen there is none. With a `simulation` they are requests of its first
    replication, at its seed and multiple, and nearest to its figures; else of the replication that `simulate`
    would make first. At most `most_events` of it are made again, or as many as give `enough` requests of each
    flow. Raises KeyError for a flow that is not simulated, LoweringError where the design cannot be.
    """
    from toscale.simulate.run import replay_of

    if simulation is not None:
        seed, multiple = simulation.seed, simulation.multiple
    replay, begin, end = replay_of(design, seed=seed, at=at, multiple=multiple)
    names = [one.name for one in replay.model.flows]
    if flow is not None and flow not in names:
        raise KeyError(flow)
    run = None if simulation is None else simulation.upper if at == "upper" else simulation.median
    return follow(
        replay,
        names if flow is None else [flow],
        begin if run is None else run.warm_up,
        end,
        run=run,
        enough=enough,
        most_events=most_events,
    )


def follow(
    replay: Replay,
    flows: list[str],
    begin: float,
    end: float,
    *,
    run: RunResult | None = None,
    enough: int = ENOUGH,
    most_events: int = MOST_EVENTS,
) -> tuple[Trace, ...]:
    """The traces of these flows' requests that began after `begin` and ended before `end` (seconds)."""
    requests = replay.requests(begin, end, most_events, enough)
    names = [one.name for one in replay.model.flows]
    chosen: list[tuple[str, Any, Any]] = []
    for name in flows:
        own = requests[requests["flow"] == names.index(name)]
        if len(own):
            chosen += _chosen(own, run, name)
    if not chosen:
        return ()
    rows = np.array([one for _, one, _ in chosen], dtype=requests.dtype)
    _, first = np.unique(rows["key"], return_index=True)
    linger = int((rows["end"] - rows["start"]).max())
    notes = replay.notes(rows[np.sort(first)], linger)
    found = []
    for why, one, among in chosen:
        root, legs = spans_of(replay, notes, one)
        answered = among[np.isin(among["outcome"], ANSWERED)]
        took = int(one["end"] - one["start"])
        quicker = float(np.mean(answered["end"] - answered["start"] < took)) if len(answered) else None
        found.append(
            Trace(
                flow=names[int(one["flow"])],
                why=why,
                seed=replay.seed,
                begins=int(one["start"]) * TICK,
                latency=took * TICK,
                outcome=OUTCOMES[int(one["outcome"])],
                slower_than=quicker,
                among=len(among),
                root=root,
                legs=legs,
            )
        )
    return tuple(found)


def _chosen(requests: Any, run: RunResult | None, flow: str) -> list[tuple[str, Any, Any]]:
    """The requests of one flow to be followed, each with why, and with those that it is chosen from."""
    took = requests["end"] - requests["start"]
    answered = np.isin(requests["outcome"], ANSWERED)
    found = []

    def nearest(why: str, among: Any, ticks: float) -> None:
        places = np.flatnonzero(among)
        found.append((why, requests[places[np.argmin(np.abs(took[places] - ticks))]], requests))

    if answered.any():
        measured = {} if run is None or flow not in run.flows else run.flows[flow].latency.answered
        for why, name, share in ((TYPICAL, "p50", 0.5), (SLOW, "p99", 0.99)):
            figure = measured.get(name)
            if figure is not None and figure.value is not None:
                nearest(why, answered, figure.value / TICK)
            else:
                nearest(why, answered, float(np.quantile(took[answered], share)))
    for why, bad in ((FAILED, ~answered), (TROUBLED, answered & (requests["troubled"] > 0))):
        if bad.any():
            nearest(why, bad, float(np.median(took[bad])))
    return found
