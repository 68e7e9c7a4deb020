"""Nothing is lost: whatever a model does, arrived = answered + failed + still inside, and when arrivals end,
all leave.

Models are drawn at random out of every kind of step. `Replication.check_conservation` counts flows, stations,
slots, queues, buffers and stores; after the arrivals have ended, nothing may be inside any more, and no slot
be held.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    HANDLED,
    Attribute,
    Await,
    Breaker,
    Buffer,
    Call,
    Chance,
    Choose,
    Commit,
    Connected,
    Connection,
    Consume,
    Copied,
    Delay,
    Discipline,
    Drop,
    Each,
    End,
    Ended,
    Evict,
    Extend,
    Flag,
    Flow,
    Fork,
    FromStash,
    Get,
    GiveBack,
    Hedge,
    Holder,
    Holds,
    If,
    Instances,
    Keep,
    Key,
    Left,
    Link,
    Lock,
    Locked,
    Measure,
    Model,
    NewKey,
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
    Step,
    Steps,
    Store,
    Sweep,
    Take,
    TakeAhead,
    Version,
    Visit,
    Work,
)
from toscale.engine.run import Replication, StoreStart
from toscale.engine.state import Status
from toscale.engine.tree import NEVER

KEYS = Population("k", 1, 500, 0.8)
FEW = Population("f", 2, 2)
SEATS = Population("seat", 3, 12, 0.5)
ENDS = 2.0  # seconds after which no request begins

times = st.sampled_from(
    [
        Law.fixed(0.002),
        Law.exponential(0.005),
        Law.lognormal(0.004, 2.0),
        Law.gamma(0.003, 0.5),
        Law.fixed(0.0),
    ]
)
links = st.builds(
    Link,
    near=st.none() | times,
    far=st.none() | times,
    loss=st.sampled_from([0.0, 0.05]),
    resend_after=st.just(0.01),
)
stations = st.builds(
    Station,
    name=st.just(""),
    machines=st.integers(1, 3),
    slots=st.none() | st.integers(1, 3),
    cores=st.none() | st.integers(1, 2),
    waiting=st.none() | st.integers(0, 3),
    policy=st.sampled_from(Policy),
    discipline=st.sampled_from(Discipline),
    shards=st.sampled_from([0, 0, 2]),
    copies=st.integers(1, 2),
    zones=st.sampled_from([(), (0, 1)]),
)
scalings = st.none() | st.builds(
    Scaling,
    target=st.sampled_from([0.2, 0.6, 1.0]),
    least=st.integers(1, 2),
    begins=st.integers(2, 5),
    boot=st.sampled_from([Law.fixed(0.0), Law.exponential(0.1)]),
    every=st.sampled_from([0.05, 0.2]),
    pause=st.sampled_from([0.0, 0.3]),
    memory=st.sampled_from([0.0, 0.4]),
)
works = st.builds(Work.of, times)
locks = st.sampled_from(
    [
        (),
        (),
        (Locked("l0", "key"),),
        (Locked("l1", "few", False),),
        (Locked("l1", "few"), Locked("l0", "key")),
    ]
)
listed = st.sampled_from([(), (Locked("l0"),), (Locked("l0", wait=False), Locked("l1"))])
policies = st.fixed_dictionaries(
    {
        "timeout": st.none() | st.sampled_from([0.001, 0.01, 0.05]),
        "retry": st.none()
        | st.builds(
            Retry,
            times=st.integers(0, 2),
            backoff=st.sampled_from([0.0, 0.003]),
            budget=st.none() | st.sampled_from([0.1, 0.5]),
        ),
        "breaker": st.none()
        | st.builds(Breaker, st.just(0.5), st.just(0.1), st.just(0.05), st.integers(1, 3)),
        "hedge": st.none() | st.builds(Hedge, st.sampled_from([0.0, 0.002, 0.01]), st.integers(1, 2)),
    }
)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Two flows over three stations, a store and a buffer."""
    number = count()
    locked: list[Locked] = []
    holding = [-1]  # stations are called in their order only: who waits for its own slot waits for ever

    def path() -> str:
        return f"p{next(number)}"

    def steps(depth: int) -> Steps:
        return tuple(step(depth) for _ in range(draw(st.integers(0 if depth else 1, 2))))

    def step(depth: int) -> Step:
        calls = ["visit", "scatter"] if holding[-1] < 2 else []
        calls += ["held"] if holding[-1] < 0 else []
        flat = ["delay", "pause", "store", "send", "end", "bounded", "limit", "copied", *calls]
        match draw(
            st.sampled_from(
                flat
                if depth > 3
                else [
                    "call",
                    "once",
                    "each",
                    "repeat",
                    "parallel",
                    "if",
                    "fork",
                    "measure",
                    "request",
                    *flat,
                ]
            )
        ):
            case "visit":
                alone = () if locked else draw(locks)  # a lock within a lock may wait for itself, for ever
                locked.extend(alone)
                station = draw(st.integers(holding[-1] + 1, 2))
                holding.append(station)
                body = steps(depth + 1) if depth < 4 else ()
                holding.pop()
                del locked[len(locked) - len(alone) :]
                pick = draw(st.sampled_from([Pick.POLICY, Pick.ANY]))
                return Visit(path(), f"s{station}", draw(works), draw(links), pick, body=body, locks=alone)
            case "repeat":
                tests = [Chance(0.3), Flag("found"), Ended((Outcome.DONE, Outcome.ANSWERED))]
                return Repeat(
                    path(),
                    steps(depth + 1),
                    draw(st.none() | st.sampled_from([Law.fixed(0.004), Law.uniform(0.0, 0.01)])),
                    tuple(draw(st.lists(st.sampled_from(tests), max_size=2))),
                    *draw(st.sampled_from([(3, None), (None, 0.02), (2, 0.01)])),
                    in_vain=steps(depth + 1) if draw(st.booleans()) else None,
                    fresh=draw(st.sampled_from([(), ("key",)])),
                )
            case "request":
                return Request(path(), steps(depth + 1))
            case "pause":
                return Pause(path(), draw(works))
            case "call":
                handlers = {o: steps(depth + 1) for o in HANDLED if draw(st.booleans())}
                return Call(path(), steps(depth + 1), handlers=handlers, **draw(policies))
            case "each":
                amount = draw(st.sampled_from([0.0, 3.0, Attribute(Law.exponential(2.0), "key", "n")]))
                return Each(
                    path(),
                    amount,
                    steps(depth + 1),
                    draw(st.integers(1, 2)),
                    draw(st.sampled_from([1, 2, None])),
                    "size",
                    ("key",),
                )
            case "once":
                return Once(path(), path(), "key", steps(depth + 1))
            case "parallel":
                branches = tuple(steps(depth + 1) for _ in range(draw(st.integers(1, 3))))
                return Parallel(path(), branches, draw(st.sampled_from([None, 1])), draw(st.booleans()))
            case "if":
                return If(
                    path(),
                    draw(st.sampled_from([Chance(0.4), Flag("found")])),
                    steps(depth + 1),
                    steps(depth + 1),
                )
            case "fork":
                return Fork(path(), steps(depth + 1))
            case "measure":
                return Measure(draw(st.sampled_from(["m0", "m1"])), steps(depth + 1))
            case "delay":
                return Delay(path(), draw(works))
            case "store":
                return draw(
                    st.sampled_from(
                        [
                            Get(path(), "c", "key", "found", 1.0, KEYS),
                            Put(path(), "c", "key", 1.0, KEYS),
                            Drop(path(), "c", "key", KEYS),
                            NewKey(path(), "key", KEYS),
                        ]
                    )
                )
            case "bounded":
                pool = draw(st.sampled_from(["seat", "place"]))
                key = "seat" if pool == "seat" else None
                return draw(
                    st.sampled_from(
                        [
                            Take(path(), pool, key),
                            Take(path(), "seat", keys="chosen", term=0.03),
                            Take(path(), "place", term=draw(st.sampled_from([None, 0.02])), line=True),
                            Await(path(), pool),
                            GiveBack(path(), pool),
                            Extend(path(), pool, 0.05),
                            Keep(path(), "seat"),
                            Sweep(path(), "seat", Register("over")),
                            Over("seat", "over"),
                            Choose(path(), "seat", "chosen", 2.0, 4, draw(st.sampled_from([None, "seen"]))),
                            See("seen", "c", "key"),
                            If(path(), Holds(pool), (GiveBack(path(), pool),)),
                            If(path(), Left(pool, key, none=draw(st.booleans())), steps(depth + 1)),
                        ]
                    )
                )
            case "copied":
                register = path()
                copies = tuple(
                    (
                        Copied(
                            path(),
                            "d",
                            "key",
                            register,
                            (Visit(path(), "d", draw(works), draw(links), Pick.COPY, "key", nth=k),),
                        ),
                    )
                    for k in (1, 2)
                )
                need = draw(st.integers(1, 2))
                written = (Set(register, 0), Parallel(path(), copies, need, goes_on=True))
                commit = Commit(path(), "d", "key", KEYS, register)
                return draw(
                    st.sampled_from(
                        [
                            Visit(path(), "d", pick=Pick.PRIMARY, key="key", body=(*written, commit)),
                            Visit(
                                path(),
                                "d",
                                pick=Pick.COPY,
                                key="key",
                                body=(Version(path(), "d", "key", KEYS),),
                            ),
                        ]
                    )
                )
            case "limit":
                ahead = If(path(), Flag("found"), (), (TakeAhead(path(), "rate", "key", 4, 0.02),))
                return draw(
                    st.sampled_from(
                        [
                            Take(path(), "rate", "key"),
                            GiveBack(path(), "rate", "key"),
                            Pass(path(), "rate", "key"),
                            Measure("m0", (FromStash(path(), "rate", "key", "found", 4, 0.02, 2), ahead)),
                        ]
                    )
                )
            case "held":
                holding.append(0)
                body = steps(depth + 1) if depth < 4 else ()
                holding.pop()
                over = Visit(path(), "s0", draw(works), draw(links), key="key", body=body, over="h")
                who = Holder(path(), "who", "h")
                to_who = Visit(path(), "s0", draw(works), draw(links), key="who", over="h")
                either = If(path(), Connected("h", "key"), (over,), (who, to_who))
                return draw(st.sampled_from([over, who, to_who, either]))
            case "send":
                return Send(path(), "q", key=draw(st.sampled_from([None, "key"])))
            case "scatter":
                return Scatter(
                    path(),
                    "s2",
                    KEYS,
                    Work(Law.fixed(1.0), 0.001, 0.0005),
                    3.0,
                    pick=Pick.ANY,
                    store="c",
                    put=draw(st.booleans()),
                    at_most=3,
                    locks=() if locked else draw(listed),
                )
            case _:
                chance = draw(st.sampled_from([o for o in Outcome if o is not Outcome.DONE]))
                return If(path(), Chance(0.3), (End(path(), chance),))

    parts = tuple(_named(draw(stations), f"s{k}") for k in range(3))
    first = (
        Key(path(), "key", KEYS),
        Key(path(), "few", FEW),
        Key(path(), "seat", SEATS),
        *steps(0),
    )
    pools = (
        Pool("seat", 1.0, term=0.1, per=SEATS, swept=draw(st.sampled_from([None, "seat ends until swept"]))),
        Pool("place", 5.0, term=draw(st.sampled_from([0.005, 0.05]))),
        Pool("rate", 3.0, 20.0, per=KEYS, asked=draw(st.sampled_from([0.0, 150.0])), station="s2"),
    )
    parts = (_named(parts[0], "s0", shards=0), *parts[1:])  # what holds connections has no shards
    parts = tuple(_scaled(part, draw(scalings)) for part in parts)
    return Model(
        stations=(
            *parts,
            Station(
                "d",
                slots=draw(st.none() | st.just(1)),
                waiting=draw(st.none() | st.just(0)),
                shards=2,
                copies=3,
            ),
        ),
        replicated=(Replicated("d", draw(st.none() | times), True),),
        stores=(
            Store(
                "c",
                draw(st.integers(1, 2)),
                draw(st.sampled_from([None, 5.0, 60.0])),
                draw(st.sampled_from([None, 0.05])),
                draw(st.sampled_from(Evict)),
            ),
        ),
        buffers=(
            Buffer(
                "q",
                2,
                ("key",),
                draw(st.sampled_from([None, None, 0, 5])),
                draw(st.sampled_from([None, None, 0.02])),
                draw(st.integers(1, 3)),
                draw(st.sampled_from([None, "dead"])),
            ),
            Buffer("dead", 3, ("key",), deliveries=2),
        ),
        flows=(
            Flow("f", Poisson((150.0, 150.0, 0.0), (0.0, ENDS, ENDS + 1e-6)), first),
            Flow(
                "con",
                Consume("q", draw(st.integers(1, 4)), draw(st.sampled_from([0.0, 0.03]))),
                (
                    Visit(path(), "s1", draw(works), draw(links)),
                    If(path(), Chance(draw(st.sampled_from([0.0, 0.4]))), (End(path(), Outcome.FAILED),)),
                ),
                draw(st.sampled_from(Priority)),
            ),
            Flow("bury", Consume("dead", 2), (Delay(path(), draw(works)),)),
        ),
        spans=(Span("f", "con"),),
        locks=(Lock("l0", "s0"), Lock("l1", "s1")),
        pools=pools,
        connections=(
            Connection(
                "h",
                "s0",
                KEYS,
                draw(st.sampled_from([0.0, 50.0, 300.0])),
                draw(st.sampled_from([Law.exponential(0.5), Law.fixed(0.3)])),
                "who",
                draw(st.sampled_from([None, 20])),
            ),
        ),
    )


def _scaled(station: Station, scaling: Scaling | None) -> Station:
    """The station with a number of machines that follows its load, where its use can be measured; or as a function."""
    if scaling is not None and station.machines == 1 and not station.shards and station.cores is None:
        return replace(station, instances=Instances(scaling.boot, scaling.memory))
    if scaling is None or station.shards or (station.slots is None and station.cores is None):
        return station
    return replace(station, machines=5, scaling=scaling)


def _named(station: Station, name: str, **changes: int) -> Station:
    return replace(station, name=name, **changes)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(models())
def test_whatever_a_model_does_nothing_is_lost_and_no_slot_stays_held(model: Model) -> None:
    tables = compile_model(model)
    run = Replication(
        model, tables, "1", ENDS / 4, start={"c": StoreStart(0.05, {"k": 100.0})}, most_windows=64
    )
    assert run.run(4) is Status.DONE
    run.check_conservation()
    assert run.run(60, 3_000_000) is Status.DONE  # 28 seconds later
    run.check_conservation()
    state = run.state
    assert int(state.control[0].live) == 0
    assert int(state.stations["busy"].sum()) == int(state.stations["waiting"].sum()) == 0
    assert int(state.machines["outstanding"].sum()) == 0
    assert int(state.pools[1].held) == int(state.pools[1].lined) == 0  # what has a term ends, in its time
    assert int(state.control[0].messages) == int(state.control[0].trackers) == 0
    assert (
        int(np.sum(state.seen[state.writes["replicated"] >= 0] == NEVER)) == 0
    )  # every copy has every write
    assert int(state.control[0].locked_keys) == int(state.locks["waiting"].sum()) == 0
