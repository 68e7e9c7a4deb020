"""Compiled and interpreted, in one thread or four, in small arrays or large: the figures are the same, bit for bit."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np

from toscale.engine.compiler import compile_model
from toscale.engine.connections import lose_connections
from toscale.engine.laws import Law
from toscale.engine.model import (
    After,
    Attribute,
    Await,
    Breaker,
    Buffer,
    ByShare,
    Call,
    Chance,
    Choose,
    Clock,
    Commit,
    Connected,
    Connection,
    Consume,
    Copied,
    Delay,
    Discipline,
    Each,
    End,
    Ended,
    Event,
    Evict,
    Extend,
    Flag,
    Flow,
    FromStash,
    Get,
    GiveBack,
    Happening,
    Hedge,
    Holder,
    Holds,
    If,
    Instances,
    Key,
    Link,
    Lock,
    Locked,
    Measure,
    Model,
    Once,
    Outcome,
    Over,
    Parallel,
    Pass,
    Pause,
    Pick,
    Poisson,
    Policy,
    Pool,
    Population,
    Priority,
    Put,
    Register,
    Repeat,
    Replicated,
    Request,
    Retry,
    Scaling,
    Scatter,
    See,
    Send,
    Set,
    Span,
    Station,
    Steps,
    Store,
    Sweep,
    Take,
    TakeAhead,
    Trace,
    Users,
    Version,
    Visit,
    Work,
)
from toscale.engine.replay import Replay
from toscale.engine.run import Replication, StoreStart

KEYS = Population("k", 1, 3_000, 0.9)
LINK = Link(Law.fixed(0.0003), Law.lognormal(0.0005, 0.3), 0.001)


def everything(
    policy: Policy = Policy.ROUND_ROBIN, evict: Evict = Evict.LRU, *, lagging: bool = False
) -> Model:
    """A model with every kind of step in it; those of copies that lag where asked for."""
    write_copy: Steps = (Visit("w2", "db", Work.of(Law.exponential(0.001)), LINK, Pick.COPY, "key", nth=1),)
    commit: Steps = ()
    look: Steps = ()
    if lagging:
        write_copy = (Copied("w3", "db", "key", "have it", write_copy),)
        commit = (Commit("w4", "db", "key", KEYS, "have it"),)
        look = (
            Visit("w5", "db", link=LINK, pick=Pick.COPY, key="key", body=(Version("w6", "db", "key", KEYS),)),
        )
    database = Call(
        "db",
        (Visit("db/visit", "db", Work.of(Law.lognormal(0.02, 1.0))),),
        timeout=0.05,
        retry=Retry(1, backoff=0.001, jitter=0.5, budget=0.1),
        breaker=Breaker(0.2, 0.05, 0.01, 5),
        hedge=Hedge(0.03),
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
        If(
            "i",
            Flag("found"),
            (),
            (If("j", Chance(0.3), (Once("o", "c", "key", (database,)),)), Put("p", "c", "key", 1.0, KEYS)),
        ),
        Send("s", "q", link=LINK),
        *look,
        Visit(
            "w1",
            "db",
            Work.of(Law.exponential(0.001)),
            LINK,
            Pick.PRIMARY,
            "key",
            (
                *((Set("have it", 0),) if lagging else ()),
                Parallel("copies", (write_copy, ()), 1, goes_on=True),
                *commit,
            ),
        ),
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
    limited = Call(
        "lim",
        (
            FromStash("st", "rate", "key", "ahead", 4, 0.01, 8),
            If(
                "ia", Flag("ahead"), (), (Visit("lv", "db", body=(TakeAhead("ta", "rate", "key", 4, 0.01),)),)
            ),
        ),
        handlers={Outcome.REFUSED: (Pass("ps", "rate", "key"),)},
    )
    booked = Call(
        "bk",
        (
            See("seen", "c", "key"),
            Delay("d6", Work.of(Law.exponential(0.001))),
            Choose("ch", "seat", "chosen", 2.0, 4, "seen"),
            Take("tk", "seat", keys="chosen"),
            Extend("ex", "seat", 0.05),
            If("ch2", Chance(0.3), (GiveBack("gb", "seat"),)),
            Take("tl", "place", line=True),
            Await("aw", "place"),
            Delay("d7", Work.of(Law.exponential(0.002))),
            If("hp", Holds("place"), (GiveBack("gp", "place"),), (End("en", Outcome.FAILED),)),
        ),
        timeout=0.03,
        handlers={Outcome.REFUSED: (), Outcome.TIMED_OUT: (), Outcome.FAILED: ()},
    )
    spread = Scatter("sc", "db", KEYS, Work(Law.fixed(1.0), 0.0001, 0.00001), 5.0, pick=Pick.ANY)
    spread = Scatter(
        "sc",
        "db",
        KEYS,
        Work(Law.fixed(1.0), 0.0001, 0.00001),
        5.0,
        pick=Pick.ANY,
        at_most=5,
        locks=(Locked("rows"),),
    )
    ask = Repeat(
        "r",
        (
            Key("k2", "key", KEYS),
            Measure("pass", (Visit("v2", "worker", Work.of(Law.exponential(0.002)), locks=(Locked("rows", "key", False),)),)),
            Request("rq", (If("a", Chance(0.1), (End("e", Outcome.ANSWERED),)),)),
            Pause("p2", Work.of(Law.exponential(0.001))),
        ),
        Law.uniform(0.004, 0.008),
        (Chance(0.2), Ended((Outcome.BUSY,))),
        times=4,
        in_vain=(Delay("v3", Work.of(Law.fixed(0.001))),),
        fresh=("key",),
    )  # fmt: skip
    return Model(
        stations=(
            Station("web", machines=8, slots=16, cores=4, zones=(0, 1, 2), policy=policy),
            Station("cache", instances=Instances(Law.exponential(0.0005), 0.005)),
            Station("db", slots=4, waiting=50, shards=3, copies=2, discipline=Discipline.PRIORITY),
            Station(
                "worker",
                machines=6,
                slots=2,
                scaling=Scaling(0.5, 1, 2, Law.uniform(0.0, 0.01), 0.02, 0.0, 0.06),
            ),
            Station(
                "held",
                machines=5,
                slots=3,
                zones=(0, 1),
                policy=policy,
                scaling=Scaling(0.9, 2, 5, Law.fixed(0.0), 0.03, 0.0, 0.03),
            ),
        ),
        stores=(Store("c", memory=600.0, ttl=100.0, evict=evict),),
        buffers=(Buffer("q", 4, ("key",), 60, 0.5, 3, "dead"), Buffer("dead", 1, ("key",))),
        flows=(
            Flow(
                "f",
                Poisson.at(1500.0),
                (
                    Visit(
                        "v", "web", Work.of(Law.lognormal(0.006, 1.0)), LINK, body=(*serve, limited, booked)
                    ),
                ),
            ),
            Flow(
                "con",
                Consume("q", 50, 0.002),
                (
                    Visit("w", "worker", Work.of(Law.uniform(0.0, 0.001)), body=(spread,)),
                    If("fails", Chance(0.2), (End("e", Outcome.FAILED),)),
                ),
                Priority.LOW,
            ),
            Flow(
                "aft",
                After(("f",), 0.1, Law.exponential(0.01), ("key",)),
                (Delay("d4", Work.of(Law.fixed(0.001))),),
            ),
            Flow("loop", Users(20, Law.exponential(0.02)), (ask,)),
            Flow("trace", Trace((0.01, 0.02, 0.15)), (Visit("v4", "worker", body=(ask,)),)),
            Flow(
                "look",
                Poisson.at(300.0),
                (
                    Key("k2", "key", KEYS),
                    If(
                        "o",
                        Connected("h", "key"),
                        (Visit("over", "held", Work.of(Law.exponential(0.002)), key="key", over="h"),),
                        (Holder("hh", "who", "h"), Visit("to", "held", key="who", over="h")),
                    ),
                ),
            ),
            Flow(
                "opened",
                After((), 0.7, Law.exponential(0.003), events=(Event("h", Happening.OPENS),)),
                (Visit("o1", "held", Work.of(Law.exponential(0.001)), LINK, key="who", over="h"),),
            ),
            Flow(
                "closed",
                After((), events=(Event("h", Happening.CLOSES),)),
                (Delay("d6", Work.of(Law.fixed(0.001))),),
            ),
            Flow("bury", Consume("dead"), (Delay("d9", Work.of(Law.exponential(0.002))),)),
            Flow("tick", Clock(0.01, 5), (Delay("d5", Work.of(Law.fixed(0.001))),)),
            Flow("sweep", Clock(0.02), (Over("seat", "over"), Sweep("sw", "seat", Register("over")))),
        ),
        pools=(
            Pool(
                "rate",
                ByShare(((0.0001, 2.0), (0.01, 5.0))),
                ByShare(((0.0, 5.0), (0.1, 300.0))),
                None,
                KEYS,
                asked=1e3,
            ),
            Pool("seat", 1.0, None, 0.04, Population("seat", 2, 200, 0.7), "hold ends until swept"),
            Pool("place", 20.0, None, 0.02),
        ),
        spans=(Span("f", "con"), Span("loop", "con")),
        locks=(Lock("rows", "db"),),
        replicated=(Replicated("db", Law.exponential(0.01), True),) if lagging else (),
        connections=(
            Connection(
                "h", "held", KEYS, 900.0, Law.lognormal(0.3, 1.0), "who", 260, again=Law.uniform(0.01, 0.05)
            ),
        ),
    )


def digest(policy: Policy, evict: Evict) -> str:
    model = everything(policy, evict, lagging=True)
    run = Replication(model, compile_model(model), "7", 0.05, start={"c": StoreStart(0.4, {"k": 1500.0})})
    run.run(2)
    with np.errstate(over="ignore"):
        lose_connections(run.state, len(run.state.machines) - 1, 0)
    run.run(4)
    run.check_conservation()
    readings = run.readings()
    counts = b"".join(
        np.ascontiguousarray(part[name]).tobytes()
        for part in (
            readings.meters,
            readings.stations,
            readings.stores,
            readings.buffers,
            readings.pools,
            readings.locks,
            readings.connections,
            readings.guards,
            readings.flights,
            readings.scalers,
            readings.instances,
            readings.replicated,
        )
        for name in part.dtype.names
    )
    return hashlib.sha256(counts + readings.histogram.tobytes()).hexdigest()


def digest_of_notes() -> str:
    """Of all requests of a replay, and of everything that some of them did."""
    model = everything()
    replay = Replay(model, compile_model(model), "7", {"c": StoreStart(0.4, {"k": 1500.0})}, empty=False)
    requests = replay.requests(0.0, 0.1, 1 << 40, 1 << 40)
    notes = replay.notes(requests[::20], 1_000_000)
    told = b"".join(np.ascontiguousarray(notes[name]).tobytes() for name in notes.dtype.names)
    return hashlib.sha256(requests.tobytes() + told).hexdigest()


CASES = (
    (Policy.ROUND_ROBIN, Evict.LRU),
    (Policy.LEAST_OUTSTANDING, Evict.RANDOM),
    (Policy.TWO_CHOICES, Evict.FIFO),
    (Policy.RANDOM, Evict.LFU),
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
    for part in ("meters", "stations", "locks"):
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
