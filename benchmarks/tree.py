"""W3, the tree: a web tier, a cache and a database with time-outs; for the engine, and written by hand in SimPy."""

from __future__ import annotations

import random
from collections.abc import Generator
from math import log, sqrt
from typing import Any

from toscale.engine.laws import Law
from toscale.engine.model import (
    Call,
    Chance,
    Flow,
    If,
    Model,
    Poisson,
    Retry,
    Station,
    Visit,
    Work,
)

RATE = 11_200.0
REPLICAS, SLOTS, CONNECTIONS = 8, 16, 32
WEB, CACHE, DATABASE = 0.006, 0.0005, 0.02
HITS, TIMEOUT, RETRIES = 0.9, 0.1, 1


def tree(rate: float = RATE, timeout: float = TIMEOUT) -> Model:
    """The model for `simulate_model`."""
    query = Visit("query", "database", Work.of(Law.lognormal(DATABASE, 1.0)))
    ask = Call("ask", (query,), timeout=timeout, retry=Retry(RETRIES))
    look = Visit("look", "cache", Work.of(Law.exponential(CACHE)))
    serve = (look, If("miss", Chance(1 - HITS), (ask,)))
    steps = (Visit("serve", "web", Work.of(Law.lognormal(WEB, 1.0)), body=serve),)
    return Model(
        stations=(
            Station("web", machines=REPLICAS, slots=SLOTS),
            Station("cache"),
            Station("database", slots=CONNECTIONS),
        ),
        flows=(Flow("requests", Poisson.at(rate), steps),),
    )


def simulated_with_simpy(
    seconds: float, seed: int, *, rate: float = RATE, timeout: float = TIMEOUT, warm_up: float = 1.0
) -> dict[str, float]:
    """The same by hand in SimPy: the figures of so many seconds after the warm-up."""
    import simpy

    environment = simpy.Environment()
    draw = random.Random(seed)
    web = [simpy.Resource(environment, SLOTS) for _ in range(REPLICAS)]
    database = simpy.Resource(environment, CONNECTIONS)
    latencies: list[float] = []
    counts = {"failed": 0, "queries": 0}
    busy = {"web": 0.0, "database": 0.0}
    sigma = sqrt(log(2.0))  # of a lognormal of cv 1
    begin, end = warm_up, warm_up + seconds

    def lognormal(mean: float) -> float:
        return draw.lognormvariate(log(mean) - sigma * sigma / 2, sigma)

    def occupied(what: str, since: float) -> None:
        busy[what] += max(0.0, min(environment.now, end) - max(since, begin))

    def measured() -> bool:
        return begin <= environment.now < end

    def query(turn: Any, granted: float) -> Generator[Any, Any, None]:
        yield environment.timeout(lognormal(DATABASE))
        database.release(turn)
        occupied("database", granted)

    def ask() -> Generator[Any, Any, bool]:
        for _ in range(1 + RETRIES):
            limit = environment.timeout(timeout)
            turn = database.request()
            counts["queries"] += measured()
            yield turn | limit
            if not turn.triggered:
                turn.cancel()
                continue
            running = environment.process(query(turn, environment.now))
            yield running | limit
            if not running.is_alive:
                return True
        return False

    def request(replica: Any) -> Generator[Any, Any, None]:
        came = environment.now
        turn = replica.request()
        yield turn
        granted = environment.now
        yield environment.timeout(lognormal(WEB))
        yield environment.timeout(draw.expovariate(1 / CACHE))
        well = True
        if draw.random() >= HITS:
            well = yield from ask()
        replica.release(turn)
        occupied("web", granted)
        if measured():
            if well:
                latencies.append(environment.now - came)
            else:
                counts["failed"] += 1

    def arrivals() -> Generator[Any, Any, None]:
        number = 0
        while True:
            yield environment.timeout(draw.expovariate(rate))
            environment.process(request(web[number % REPLICAS]))
            number += 1

    environment.process(arrivals())
    environment.run(until=end)
    latencies.sort()
    done = len(latencies)
    return {
        "requests": float(done + counts["failed"]),
        "mean": sum(latencies) / done,
        "p50": latencies[int(0.5 * done)],
        "p99": latencies[int(0.99 * done)],
        "web": busy["web"] / seconds / (REPLICAS * SLOTS),
        "database": busy["database"] / seconds / CONNECTIONS,
        "answered": done / (done + counts["failed"]),
        "queries": counts["queries"] / seconds,
    }
