"""Whatever a design says, it is lowered or there are problems: no other exception, no reference into nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toscale.design.load import read_design
from toscale.design.problems import Problem
from toscale.engine.compiler import compile_model
from toscale.engine.model import (
    After,
    Attribute,
    Consume,
    Each,
    Get,
    Key,
    Measure,
    NewKey,
    Put,
    Scatter,
    Send,
    Visit,
    walk,
)
from toscale.engine.tables import ModelError
from toscale.simulate.lower import lower
from toscale.simulate.lowering import Lowered, LoweringError

GOOD = st.sampled_from(["1", "3", "200", "few", "2.5"])
COUNT = st.one_of(*[GOOD] * 30, st.sampled_from(["0", "1e9", "1e300"]))  # one in thirty is impossible
TIME = st.sampled_from(
    [
        "1 ms",
        "0 ms",
        "4 ms (p99 30 ms)",
        "2 s exponential",
        "between 1 s and 3 s",
        "wait",
        "1 ms to 3 ms",
        "1e12 s",
    ]
)
CHANCE = st.sampled_from(["0%", "30%", "100%", "share", "2"])
NUMBER = st.sampled_from(
    ["2", "few", "row.friends", "row.owner.friends", "user.friends", "0", "1e6", "those whose seat is over"]
)
ZONES = st.sampled_from([{}, {"zones": ["a"]}, {"zones": ["a", "b", "c"]}])

DATA: dict[str, Any] = {
    "row": {
        "stored in": "db",
        "how many": "1M",
        "popularity": "zipf(0.9) over 1k",
        "fields": {"id": "uuid key", "owner": "person"},
        "has many": {"friends": {"of": "person", "mean": 20, "shape": "pareto(1.3)", "at most": "1M"}},
    },
    "person": {"how many": "few", "has many": {"friends": {"of": "person", "mean": 3, "shape": "geometric"}}},
    "token": {"stored in": "kv", "fields": {"id": "uuid key"}},
    "seat": {
        "stored in": "db",
        "how many": 10,
        "at most": 1,
        "for": "1 min",
        "popularity": "zipf(1) over those that are free",
    },
    "event": {"stored in": "q", "fields": {"id": "uuid"}},
}


def components() -> st.SearchStrategy[dict[str, Any]]:
    def code(kind: str) -> st.SearchStrategy[dict[str, Any]]:
        extra = st.fixed_dictionaries(
            {},
            optional={
                "replicas": COUNT,
                "concurrency": COUNT,
                "cores": COUNT,
                "queue": COUNT,
                "async": st.booleans(),
            },
        )
        return st.builds(lambda e, z: {"kind": kind, **e, **z}, extra, ZONES)

    def store(kind: str, **more: Any) -> st.SearchStrategy[dict[str, Any]]:
        extra = st.fixed_dictionaries(
            {}, optional={"shards": COUNT, "copies": COUNT, "memory": st.just("1 MB")}
        )
        return st.builds(lambda e, z: {"kind": kind, **more, **e, **z}, extra, ZONES)

    return st.fixed_dictionaries(
        {
            "app": code("service"),
            "wk": code("worker"),
            "lb": st.just({"kind": "load_balancer"}),
            "c": st.one_of(store("cache", ttl="1 min"), st.just({"kind": "cache", "hit ratio": "80%"})),
            "db": store("database"),
            "kv": store("key_value", ttl="10 s"),
            "q": st.builds(lambda n: {"kind": "queue", "partitions": n}, COUNT),
            "out": st.just({"kind": "external"}),
        }
    )


def calls() -> st.SearchStrategy[dict[str, Any]]:
    timed = st.builds(
        lambda r, t: {r: t},
        st.sampled_from(["app", "lb > app", "wk", "out", "app > out", "lb > app > wk"]),
        TIME,
    )
    operations = st.sampled_from(
        ["c: get row", "c: put row", "c: delete row", "db: read row", "db: insert row", "db: update person", "kv: get token",
         "kv: put token", "kv: read row", "app > db: read row", "q: send event", "db: take seat", "db: read seat", "app > c: get row"]
    )  # fmt: skip
    amounts = st.fixed_dictionaries({}, optional={"rows": NUMBER, "keys": NUMBER, "one at a time": st.sampled_from(["per row", "per person"]), "busy": st.just("refuse")})  # fmt: skip
    operated = st.builds(lambda o, a: {o.split(": ")[0]: o.split(": ")[1], **a}, operations, amounts)
    return st.one_of(timed, operated)


def wrapped(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    block = st.lists(inner, max_size=3)
    policies = st.fixed_dictionaries(
        {},
        optional={
            "timeout": st.sampled_from(["10 ms", "0 s", "1e13 s"]),
            "retry": st.sampled_from([{"times": 2, "backoff": "1 ms"}, {"times": "1e9"}, 1]),
            "optional": st.sampled_from([True, "after 5 ms"]),
            "async": st.booleans(),
            "name": st.sampled_from(["one", "two"]),
        },
    )
    handlers = st.fixed_dictionaries(
        {}, optional={"then": block, "failed": block, "timed out": block, "miss": block}
    )
    call = st.builds(lambda c, p, h: {**c, **p, **h}, calls(), policies, handlers)
    each = st.builds(lambda n, b, s: {"each": n, "then": b, **s}, NUMBER, block, st.fixed_dictionaries({}, optional={"batch": COUNT, "at once": st.one_of(COUNT, st.just("all"))}))  # fmt: skip
    parallel = st.builds(lambda b, w: {"parallel": b, "wait": w}, st.lists(inner, min_size=1, max_size=3), st.sampled_from(["all", "any", "2"]))  # fmt: skip
    condition = st.one_of(
        CHANCE.map(lambda c: f"{c} of the time"),
        st.sampled_from(
            ["row.friends > few", "row.owner.friends <= 3", "few > 2", "seat is taken", "event.size > 1"]
        ),
    )
    branch = st.builds(lambda c, a, b: {"if": c, "then": a, "else": b}, condition, block, block)
    small = st.sampled_from(["stop", "go on", {"answer": 404}, {"answer": 500}, {"run": "sub"}, {"run": "f"}])
    wait = st.builds(lambda t: {"wait": t}, TIME)
    repeat = st.builds(
        lambda r, b, more: {"repeat": r, "steps": b, **more},
        st.sampled_from(
            [{"at most": "3 times"}, {"until": "answered"}, {"every": "wait", "until": ["20% of the time"], "at most": "1 min"}]
        ),
        block,
        st.sampled_from([{}, {"in vain": ["stop"]}]),
    )  # fmt: skip
    return st.one_of(call, call, call, each, parallel, branch, small, wait, repeat)


STEPS = st.lists(st.recursive(calls(), wrapped, max_leaves=6), min_size=1, max_size=4)
RATE = st.sampled_from(["10 / s", "0 / s", "many", "1e12 / s", {"total": "1k", "shape": {"0 s": 0, "10 s": 1}}, {"users": 5, "think": "1 s"}, None])  # fmt: skip
SECOND = st.one_of(
    st.builds(lambda b: {"from": "q", "batch": b}, COUNT),
    st.builds(lambda c, w: {"after": ["f", "g"], "chance": c, "wait": w}, CHANCE, TIME),
    st.builds(lambda t: {"every": t, "per": "app"}, TIME),
    st.just({"after": "f"}),
)


@st.composite
def designs(draw: st.DrawFn) -> dict[str, Any]:
    rate = draw(RATE)
    first: dict[str, Any] = {"from": "user", "steps": draw(STEPS)}
    if rate is not None:
        first["rate"] = rate
    return {
        "toscale": 1,
        "requirements": {"users": {"user": "somebody"}, "non_functional": {"soon": "p99(f until g) <= 1 s"}},
        "estimates": {"few": "2 to 7", "share": "20% to 40%", "many": "100 to 900 / s", "wait": "3 s"},
        "components": draw(components()),
        "network": draw(
            st.sampled_from(
                [{}, {"within a zone": "1 ms", "between zones": "2 ms", "loss": "1%"}, {"app - db": "3 ms"}]
            )
        ),
        "data": DATA,
        "flows": {
            "f": first,
            "g": {**draw(SECOND), "steps": draw(STEPS)},
            "sub": {"steps": draw(STEPS)},
        },
        "growth": {"of": ["many"], "curve": ["1x", "10x"]},
    }


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(designs(), st.sampled_from(["median", "upper"]), st.sampled_from([1.0, 10.0]))
def test_a_design_is_lowered_or_has_problems(design: dict[str, Any], at: str, multiple: float) -> None:
    loaded = read_design(yaml.safe_dump(design, sort_keys=False), "random.design.yaml")
    if loaded.design is None:
        return
    problems: tuple[Problem, ...] = ()
    result: Lowered | None
    # What has errors is not to be lowered, and must not crash the lowering all the same.
    try:
        result = lower(loaded.design, at=at, multiple=multiple)  # type: ignore[arg-type]
    except LoweringError as refused:
        problems = refused.problems
        result = None
    if result is None:
        assert problems
        assert all(problem.code.startswith("TS9") and problem.suggestion for problem in problems)
        return
    check(result, {name: flow.trigger is not None for name, flow in loaded.design.flows.items()})
    with suppress(ModelError):  # a bound of the engine, such as too many registers
        compile_model(result.model)


def check(result: Lowered, flows: dict[str, bool]) -> None:
    model = result.model
    stations = {each.name: each for each in model.stations}
    stores, buffers = {each.name for each in model.stores}, {each.name: each for each in model.buffers}
    names = {flow.name for flow in model.flows}
    for name, triggered in flows.items():
        assert (name in names) + (name in result.left_out) == int(triggered)
    for flow in model.flows:
        drawn: set[str] = set()
        if isinstance(flow.source, Consume):
            drawn |= set(buffers[flow.source.buffer].carries)
        if isinstance(flow.source, After):
            assert set(flow.source.flows) & names
            drawn |= set(flow.source.carries)
        measures = set(result.steps.values())
        for step in walk(flow.steps):
            match step:
                case Key() | NewKey():
                    drawn.add(step.register)
                    assert 1 <= step.population.size < 2**47
                case Visit():
                    assert step.station in stations
                    assert step.key is None or step.key in drawn
                    if step.key is not None:
                        assert stations[step.station].shards > 0
                case Get() | Put():
                    assert step.store in stores
                    assert step.key in drawn
                case Scatter():
                    assert stations[step.station].shards > 0
                    assert step.store is None or step.store in stores
                case Send():
                    assert step.buffer in buffers
                case Each():
                    if isinstance(step.count, Attribute):
                        assert step.count.of in drawn
                case Measure():
                    assert step.name in measures
