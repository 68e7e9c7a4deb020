"""Simulations made by hand, so that what is written of them can be foretold."""

from __future__ import annotations

import json

from toscale.design import Design
from toscale.simulate.lowering.lowered import DefaultUsed, Note, NotSimulated
from toscale.simulate.result import (
    ComponentResult,
    Disagreement,
    Ending,
    Figure,
    FlowResult,
    Latency,
    Overload,
    RunResult,
    Series,
    Simulation,
)

TEXT = """\
title: TITLE
brief: TITLE
requirements:
  users: {visitor: TITLE}
  questions:
    - {ask: TITLE, answer: TITLE, sets: visits}
    - assume: TITLE
  functional: {look: TITLE}
  non_functional:
    quick: p99(look) <= 200 ms
    durable: A page survives the loss of a zone.
  extra: [TITLE]
  out_of_scope: [TITLE]
  suggestions: [TITLE]
estimates:
  visits: 2M to 4M / day
  peak: 3 to 6
  rate: visits * peak in 1/s
components:
  app: {kind: service, replicas: 2, concurrency: 8}
  store: {kind: cache, memory: 1 GB}
flows:
  look:
    from: visitor
    rate: rate
    steps:
      - app: 5 ms
        then: [{store: get page, name: find}]
api:
  look: {request: "GET /{page}", returns: {200: TITLE}}
data:
  page: {stored in: store, size: 1 kB, how many: 1M, popularity: zipf(1)}
decisions:
  why:
    question: TITLE
    options:
      this: {pros: [TITLE], cons: [TITLE]}
      that: {pros: [TITLE], cons: [TITLE]}
    chosen: this
    because: TITLE
faults:
  cold: {at: 1 min, empty: store}
growth: {of: visits, curve: [1x, 100x]}
prices: {app: 100 USD / month each}
refinements: [TITLE]
"""


def design(title: str = "A counter") -> Design:
    """A design with every part of a report, its texts being `title`."""
    return Design.from_text(TEXT.replace("TITLE", json.dumps(title, ensure_ascii=False)), "made.design.yaml")


def exact(value: float) -> Figure:
    return Figure(value, value, value)


def about(value: float, half: float = 0.01) -> Figure:
    return Figure(value, value * (1 - half), value * (1 + half))


NOTHING = Figure(None, reason="it was not asked for")


def flow(name: str = "look", kind: str = "flow", scale: float = 1.0, failed: float = 0.0) -> FlowResult:
    times = {"mean": 0.005, "p50": 0.004, "p90": 0.008, "p95": 0.01, "p99": 0.02, "p999": 0.04}
    answered = {name: about(scale * time) for name, time in times.items()}
    return FlowResult(
        name,
        kind,
        about(100.0),
        about(100.0 * (1 - failed)),
        {"timed out": about(100 * failed)} if failed else {},
        Latency(
            answered,
            {name: figure for name, figure in answered.items() if name != "mean"},
            scale * 0.1,
            tuple(
                (scale * time, share)
                for time, share in ((0.002, 0.1), (0.004, 0.5), (0.02, 0.99), (0.1, 1.0))
            ),
        ),
        exact(1 - failed),
        12_345,
    )


def component(name: str, used: float, hit_ratio: Figure | None = None) -> ComponentResult:
    return ComponentResult(
        name,
        about(100.0),
        about(used),
        NOTHING,
        about(used * 8),
        about(0.001),
        about(0.1),
        exact(0.0),
        exact(0.0),
        hit_ratio=hit_ratio,
    )


def run(
    scale: float = 1.0, used: float = 0.4, text: str = "x", overloads: tuple[Overload, ...] = ()
) -> RunResult:
    return RunResult(
        {"look": flow(scale=scale, failed=0.02), "find": flow("find", "step", scale / 10)},
        {"app": component("app", used), "store": component("store", 0.1, about(0.9))},
        Ending.OVERLOADED if overloads else Ending.TIGHT,
        overloads,
        60.0,
        5.0,
        4,
        24_000,
        100_000,
        (text,),
        Series(
            (0.0, 1.0, 2.0, 3.0),
            {
                "look: requests per second": (99.0, 101.0, 100.0, 98.0),
                "look: mean latency": (0.005, None, 0.006, 0.005),
                "app: utilisation": (0.4, 0.5, 0.4, 0.4),
            },
        ),
    )


def simulation(text: str = "x", overloads: tuple[Overload, ...] = (), multiple: float = 1.0) -> Simulation:
    """A whole simulation, every sentence in it being `text`."""
    return Simulation(
        run(text=text),
        run(1.5, 0.85, text, overloads),
        1,
        0.05,
        multiple,
        (Disagreement("app", "waiting", 0.002, about(0.001), text),),
        (DefaultUsed("app", text, text, text),),
        (NotSimulated(text),),
        (Note(text),),
    )
