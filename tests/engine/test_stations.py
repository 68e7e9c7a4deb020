"""Stations serve as naive simulations of the same arrivals and demands do: slots, places, order, shared cores, choice.

The naive ones are a few lines of Python over lists. Arrivals and demands are the engine's own: they do not depend on
the station. Times are compared to a millionth, for the engine rounds them to whole ticks, which adds up while it is busy.
"""

from __future__ import annotations

import heapq
from collections import deque
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.engine.arrivals import next_arrival
from toscale.engine.compiler import compile_model
from toscale.engine.draws import GOLDEN, mix
from toscale.engine.laws import Law
from toscale.engine.machines import demand
from toscale.engine.model import (
    Clock,
    Delay,
    Discipline,
    Flow,
    Key,
    Model,
    Pick,
    Poisson,
    Policy,
    Population,
    Station,
    Steps,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK, Op
from toscale.engine.stores import shard_of
from toscale.engine.tasks import end_task, start_request

SECONDS = 5.0
RATE = 200.0
LAWS = (Law.exponential(0.01), Law.lognormal(0.01, 2.0), Law.fixed(0.01))

Arrivals = list[tuple[float, float]]
"""When each request comes, and how much it asks for, in ticks."""


def model_of(station: Station, steps: Steps, rate: float = RATE) -> Model:
    return Model(stations=(station,), flows=(Flow("f", Poisson.at(rate), steps),))


def simulated(model: Model, seconds: float = SECONDS) -> Replication:
    made = Replication(model, compile_model(model), "1", seconds)
    made.run(1)
    made.check_conservation()
    return made


@cache
def arrivals(law: Law) -> Arrivals:
    """The engine's own, drawn beside a run."""
    model = model_of(Station("s"), (Visit("v", "s", Work.of(law)),))
    state = Replication(model, compile_model(model), "1", SECONDS).state
    work = next(row for row in state.code if row.op == Op.WORK)
    flow = state.flows[0]
    salt = np.uint64(mix(np.uint64(int(state.control[0].seed) ^ int(flow.salt))))
    found: Arrivals = []
    with np.errstate(over="ignore"):
        at = int(state.tree[1]) >> int(state.control[0].leaf_bits)  # the first arrival is planned already
        while at < SECONDS / TICK:
            task = start_request(state, 0, np.uint64(mix(salt + np.uint64(len(found)) * GOLDEN)))
            found.append((float(at), float(demand(state, task, work))))
            end_task(state, task)
            flow.count = len(found)
            at = int(next_arrival(state, 0))
    return found


def slots(requests: Arrivals, servers: int, places: int | None, lifo: bool) -> tuple[list[float], int]:
    """The latencies of those who are done in time, and how many are refused."""
    end = SECONDS / TICK
    busy: list[float] = []  # when each server in use is free again
    waiting: deque[tuple[float, float]] = deque()
    latencies: list[float] = []
    refused = 0

    def serve(came: float, asks: float, now: float) -> None:
        heapq.heappush(busy, now + asks)
        if now + asks < end:
            latencies.append(now + asks - came)

    def until(moment: float) -> None:
        while busy and busy[0] <= moment:
            free = heapq.heappop(busy)
            if waiting:
                came, asks = waiting.pop() if lifo else waiting.popleft()
                serve(came, asks, free)

    for came, asks in requests:
        until(came)
        if len(busy) < servers:
            serve(came, asks, came)
        elif places is None or len(waiting) < places:
            waiting.append((came, asks))
        else:
            refused += 1
    until(end)
    return latencies, refused


def shared(requests: Arrivals, cores: int) -> list[float]:
    """Latencies of those who are done in time, where each has the speed min(1, cores / n)."""
    end = SECONDS / TICK
    inside: list[list[float]] = []  # what is left, when it came
    latencies: list[float] = []
    now = 0.0
    for came, asks in [*requests, (end, 0.0)]:
        while inside:
            speed = min(1.0, cores / len(inside))
            first = min(inside)
            done = now + first[0] / speed
            if done > came:
                break
            for one in inside:
                one[0] -= (done - now) * speed
            inside.remove(first)
            latencies.append(done - first[1])
            now = done
        for one in inside:
            one[0] -= (came - now) * min(1.0, cores / len(inside))
        now = came
        inside.append([asks, came])
    return latencies


def assert_alike(made: Replication, latencies: list[float]) -> None:
    row = made.state.meters[0]
    assert int(row.done) == len(latencies)
    assert float(row.total) == pytest.approx(sum(latencies), abs=2.0 * len(latencies) + 1e-6 * sum(latencies))
    assert int(row.longest) == pytest.approx(max(latencies), rel=1e-5)


@settings(max_examples=60)
@given(
    st.sampled_from(LAWS),
    st.integers(1, 5),
    st.none() | st.integers(0, 6),
    st.sampled_from(Discipline),
)
def test_slots_and_places(law: Law, servers: int, places: int | None, discipline: Discipline) -> None:
    station = Station("s", slots=servers, waiting=places, discipline=discipline)
    made = simulated(model_of(station, (Visit("v", "s", Work.of(law)),)))
    latencies, refused = slots(arrivals(law), servers, places, discipline is Discipline.LIFO)
    assert_alike(made, latencies)
    assert int(made.state.stations[0].refused) == refused


@settings(max_examples=12)
@given(st.sampled_from(LAWS), st.integers(1, 5))
def test_cores_are_shared_by_all_who_are_there(law: Law, cores: int) -> None:
    made = simulated(model_of(Station("s", cores=cores), (Visit("v", "s", Work.of(law)),)))
    assert_alike(made, shared(arrivals(law), cores))


def test_a_shared_queue_is_one_station_with_all_slots() -> None:
    """Three machines of two slots behind one queue serve as one of six does."""
    law = LAWS[0]
    steps = (Visit("v", "s", Work.of(law)),)
    made = simulated(model_of(Station("s", machines=3, slots=2, policy=Policy.SHARED), steps))
    assert_alike(made, slots(arrivals(law), 6, None, lifo=False)[0])


def test_machines_in_turn_serve_every_nth_request_each() -> None:
    law = LAWS[1]
    steps = (Visit("v", "s", Work.of(law)),)
    made = simulated(model_of(Station("s", machines=3, slots=1, policy=Policy.ROUND_ROBIN), steps))
    latencies = [x for k in range(3) for x in slots(arrivals(law)[k::3], 1, None, lifo=False)[0]]
    assert_alike(made, latencies)


def test_better_informed_policies_wait_less() -> None:
    """Random, two choices, least outstanding: the mean wait falls at each step (Mitzenmacher 2001), by far."""
    wait = {}
    for policy in (Policy.RANDOM, Policy.TWO_CHOICES, Policy.LEAST_OUTSTANDING, Policy.SHARED):
        station = Station("s", machines=10, slots=1, policy=policy)
        steps = (Visit("v", "s", Work.of(Law.exponential(0.01))),)
        row = simulated(model_of(station, steps, 800.0), 200.0).state.stations[0]
        wait[policy] = float(row.waited) / int(row.admitted)
    assert wait[Policy.RANDOM] > 2 * wait[Policy.TWO_CHOICES]
    assert wait[Policy.TWO_CHOICES] > 1.3 * wait[Policy.LEAST_OUTSTANDING]
    assert wait[Policy.LEAST_OUTSTANDING] > wait[Policy.SHARED]


@pytest.mark.parametrize("policy", [Policy.RANDOM, Policy.TWO_CHOICES, Policy.LEAST_OUTSTANDING])
def test_choices_are_even_over_machines(policy: Policy) -> None:
    """Each of eight machines is chosen an eighth of the time: chi-square below a one-in-a-million bound."""
    stations = Station("s", machines=8, policy=policy, slots=4)
    body = (Delay("d", Work.of(Law.fixed(0.002))),)
    made = simulated(model_of(stations, (Visit("v", "s", None, body=body),), 1_000.0), 0.5)
    counts = np.zeros(8)
    for _ in range(2_000):  # looked at every half millisecond: how many each holds
        made.cut(0.0005)
        made.run(1)
        counts += made.state.machines["busy"]
    share = counts / counts.sum()
    assert np.all(np.abs(share - 1 / 8) < 0.02)


def test_a_key_s_calls_go_to_its_shard_and_writes_to_the_first_copy() -> None:
    """Two shards of three copies; every call holds its machine until the end of the run."""
    keys = Population("k", 1, 1)  # a single key: a single shard
    steps: Steps
    for pick, machines in ((Pick.PRIMARY, {0}), (Pick.COPY, {1, 2}), (Pick.ANY, {0, 1, 2})):
        hold = (Delay("d", Work.of(Law.fixed(1_000.0))),)
        steps = (Key("k", "key", keys), Visit("v", "s", None, pick=pick, key="key", body=hold))
        model = Model(
            stations=(Station("s", slots=10_000, shards=2, copies=3),), flows=(Flow("f", Clock(0.01), steps),)
        )
        made = simulated(model, 10.0)
        shard = int(shard_of(np.uint64((1 << 48) + 1), 2))
        held = {int(m) - 3 * shard for m in np.flatnonzero(made.state.machines["busy"])}
        assert held == machines
        counts = made.state.machines["busy"][3 * shard : 3 * shard + 3]
        assert int(counts.max()) - int(counts[counts > 0].min()) <= 1  # in turn


def test_utilisation_and_queue_are_integrals_over_time() -> None:
    """Little's law holds exactly for what a run has counted: the queue's integral is the sum of the waits."""
    made = simulated(model_of(Station("s", slots=3), (Visit("v", "s", Work.of(LAWS[1])),), 100.0), 50.0)
    row = made.state.stations[0]
    still = sum(
        int(made.state.control[0].now) - int(t.asked) for t in made.state.tasks if t.pc >= 0 and t.state == 1
    )
    assert float(row.waiting_time) == pytest.approx(float(row.waited) + still, rel=1e-12)
    assert float(row.inside_time) == pytest.approx(float(row.waiting_time) + float(row.busy_time), rel=1e-12)
