"""W1 and W2: one queue with 1 or 8 servers at a load of 0.9; for the engine, in SimPy, and as a loop over heapq."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Generator
from typing import Any

from toscale.engine.laws import Law
from toscale.engine.model import Flow, Model, Poisson, Policy, Station, Visit, Work

LOAD = 0.9
SERVICE = 0.001


def queue(servers: int) -> Model:
    """The model for `simulate_model`: exponential work, one queue."""
    visit = Visit("serve", "servers", Work.of(Law.exponential(SERVICE)))
    station = Station("servers", slots=servers, policy=Policy.SHARED)
    return Model(stations=(station,), flows=(Flow("requests", Poisson.at(rate(servers)), (visit,)),))


def rate(servers: int) -> float:
    """Requests per second."""
    return LOAD * servers / SERVICE


def simulated_with_simpy(servers: int, requests: int) -> list[float]:
    """The latencies of so many requests, by SimPy's processes and resource."""
    import simpy

    environment = simpy.Environment()
    place = simpy.Resource(environment, servers)
    draw = random.Random(1).expovariate
    latencies: list[float] = []

    def customer() -> Generator[Any, Any, None]:
        came = environment.now
        with place.request() as turn:
            yield turn
            yield environment.timeout(draw(1 / SERVICE))
        latencies.append(environment.now - came)

    def arrivals() -> Generator[Any, Any, None]:
        for _ in range(requests):
            yield environment.timeout(draw(rate(servers)))
            environment.process(customer())

    environment.process(arrivals())
    environment.run()
    return latencies


def simulated_with_heapq(servers: int, requests: int) -> list[float]:
    """The same as a bare loop over Python's heap: what is left of a simulator without its kernel."""
    draw = random.Random(1).expovariate
    latencies: list[float] = []
    waiting: deque[float] = deque()
    arriving, serving = rate(servers), 1 / SERVICE
    free, begun = servers, 1
    events: list[tuple[float, float]] = [
        (draw(arriving), -1.0)
    ]  # when, and since when who is served then has been here
    while events:
        now, came = heapq.heappop(events)
        if came < 0:
            if begun < requests:
                begun += 1
                heapq.heappush(events, (now + draw(arriving), -1.0))
            if free:
                free -= 1
                heapq.heappush(events, (now + draw(serving), now))
            else:
                waiting.append(now)
        else:
            latencies.append(now - came)
            if waiting:
                heapq.heappush(events, (now + draw(serving), waiting.popleft()))
            else:
                free += 1
    return latencies
