"""Compiled and interpreted, in one thread or four, in small arrays or large: the figures are the same, bit for bit."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    After,
    Attribute,
    Buffer,
    Call,
    Chance,
    Clock,
    Consume,
    Delay,
    Each,
    Evict,
    Flag,
    Flow,
    Get,
    If,
    Key,
    Link,
    Measure,
    Model,
    Parallel,
    Pick,
    Poisson,
    Policy,
    Population,
    Put,
    Retry,
    Scatter,
    Send,
    Span,
    Station,
    Store,
    Visit,
    Work,
)
from toscale.engine.replay import Replay
from toscale.engine.run import Replication, StoreStart

KEYS = Population("k", 1, 3_000, 0.9)
LINK = Link(Law.fixed(0.0003), Law.lognormal(0.0005, 0.3), 0.001)


def everything(policy: Policy = Policy.ROUND_ROBIN, evict: Evict = Evict.LRU) -> Model:
    """A model with every kind of step in it."""
    database = Call(
        "db",
        (Visit("db/visit", "db", Work.of(Law.lognormal(0.02, 1.0))),),
        timeout=0.05,
        retry=Retry(1, backoff=0.001, jitter=0.5),
    )
    serve = (
        Key("k", "key", KEYS),
        Visit(
            "c",
            "cache",
            Work.of(Law.exponential(0.0005)),
            LINK,
            body=(Get("g", "c", "key", "found", 1.0, KEYS),),
        ),
        If("i", Flag("found"), (), (If("j", Chance(0.3), (database,)), Put("p", "c", "key", 1.0, KEYS))),
        Send("s", "q", link=LINK),
        Measure(
            "race",
            (
                Parallel(
                    "pp",
                    (
                        (Delay("d1", Work.of(Law.exponential(0.001))),),
                        (Delay("d2", Work.of(Law.exponential(0.002))),),
                    ),
                    wait=1,
                ),
            ),
        ),
        Each(
            "e",
            Attribute(Law.exponential(3.0), "key", "n"),
            (Delay("d3", Work.of(Law.gamma(0.0001, 0.5))),),
            batch=2,
            at_once=2,
            size="size",
        ),
    )
    spread = Scatter("sc", "db", KEYS, Work(Law.fixed(1.0), 0.0001, 0.00001), 5.0, pick=Pick.ANY)
    return Model(
        stations=(
            Station("web", machines=8, slots=16, cores=4, zones=(0, 1, 2), policy=policy),
            Station("cache"),
            Station("db", slots=4, waiting=50, shards=3, copies=2),
            Station("worker", machines=2, slots=2),
        ),
        stores=(Store("c", memory=600.0, ttl=100.0, evict=evict),),
        buffers=(Buffer("q", 4, ("key",)),),
        flows=(
            Flow(
                "f",
                Poisson.at(1500.0),
                (Visit("v", "web", Work.of(Law.lognormal(0.006, 1.0)), LINK, body=serve),),
            ),
            Flow(
                "con",
                Consume("q", 50),
                (Visit("w", "worker", Work.of(Law.uniform(0.0, 0.001)), body=(spread,)),),
            ),
            Flow(
                "aft",
                After(("f",), 0.1, Law.exponential(0.01), ("key",)),
                (Delay("d4", Work.of(Law.fixed(0.001))),),
            ),
            Flow("tick", Clock(0.01, 5), (Delay("d5", Work.of(Law.fixed(0.001))),)),
        ),
        spans=(Span("f", "con"),),
    )


def digest(policy: Policy, evict: Evict) -> str:
    model = everything(policy, evict)
    run = Replication(model, compile_model(model), "7", 0.05, start={"c": StoreStart(0.4, {"k": 1500.0})})
    run.run(4)
    run.check_conservation()
    readings = run.readings()
    counts = b"".join(
        np.ascontiguousarray(part[name]).tobytes()
        for part in (readings.meters, readings.stations, readings.stores, readings.buffers)
        for name in part.dtype.names
    )
    return hashlib.sha256(counts + readings.histogram.tobytes()).hexdigest()


def digest_of_notes() -> str:
    """Of all requests of a replay, and of everything that some of them did."""
    model = everything()
    replay = Replay(model, compile_model(model), "7", {"c": StoreStart(0.4, {"k": 1500.0})}, empty=False)
    requests = replay.requests(0.0, 0.1, 1 << 40, 1 << 40)
    return hashlib.sha256(requests.tobytes() + replay.notes(requests[::20], 1_000_000).tobytes()).hexdigest()


CASES = (
    (Policy.ROUND_ROBIN, Evict.LRU),
    (Policy.LEAST_OUTSTANDING, Evict.RANDOM),
    (Policy.TWO_CHOICES, Evict.FIFO),
)


def test_compiled_and_interpreted_runs_give_the_same_figures() -> None:
    said = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "TOSCALE_ENGINE": "interpreted"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [*(digest(*case) for case in CASES), digest_of_notes()]


def test_the_arrays_may_begin_small_or_large() -> None:
    model = everything()
    tables = compile_model(model)
    found = []
    for more in (0, 5_000):
        larger = type(tables)(
            **{**{n: getattr(tables, n) for n in tables.__slots__}, "margin": tables.margin + more}
        )
        run = Replication(model, larger, "7", 0.05, start={"c": StoreStart(0.4, {"k": 1500.0})})
        run.run(4)
        found.append(run.readings())
    for part in ("meters", "stations"):
        one, other = getattr(found[0], part), getattr(found[1], part)
        for name in one.dtype.names:
            assert np.array_equal(one[name], other[name]), (part, name)


def test_a_change_elsewhere_leaves_arrivals_and_demands_as_they_were() -> None:
    """Another flow beside it takes no draws away: common random numbers depend on it."""
    alone = Model(
        stations=(Station("s", machines=1, slots=1),),
        flows=(Flow("f", Poisson.at(50.0), (Visit("v", "s", Work.of(Law.exponential(0.01))),)),),
    )
    beside = Model(
        stations=(*alone.stations, Station("t", slots=3)),
        flows=(
            Flow("other", Poisson.at(900.0), (Visit("u", "t", Work.of(Law.gamma(0.002, 2.0))),)),
            *alone.flows,
        ),
    )
    figures = []
    for model in (alone, beside):
        run = Replication(model, compile_model(model), "3", 10.0)
        run.run(1)
        k = [flow.name for flow in model.flows].index("f")
        figures.append((int(run.state.meters[k].started), float(run.state.meters[k].total)))
    assert figures[0] == figures[1]


if __name__ == "__main__":
    for case in CASES:
        print(digest(*case))
    print(digest_of_notes())
