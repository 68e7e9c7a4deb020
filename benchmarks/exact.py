"""What is the exact answer? Closed forms, and one Markov chain solved, for the cases of the coverage test.

These are written for the test alone and share nothing with `toscale.theory` where that uses an approximation.
Rates are per second, times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np

from toscale.theory.queues import erlang_c


def mm1_quantile(rate: float, service: float, q: float) -> float:
    """The q-quantile of the sojourn in M/M/1 (FIFO), which is exponential with rate mu - lambda."""
    return -log(1 - q) / (1 / service - rate)


def mmc_exceeds(rate: float, service: float, servers: int, t: float) -> float:
    """The chance of a sojourn longer than t in M/M/c (FIFO).

    A wait is 0, or with Erlang's chance C exponential with rate b = c mu - lambda; the service is exponential
    with rate a = mu and independent of it: P(T > t) = e^(-a t) + C a (e^(-a t) - e^(-b t)) / (b - a).
    """
    a = 1 / service
    b = servers * a - rate
    waits = erlang_c(rate * service, servers)
    return exp(-a * t) + waits * a * (exp(-a * t) - exp(-b * t)) / (b - a)


def mmc_quantile(rate: float, service: float, servers: int, q: float) -> float:
    """The q-quantile of the sojourn in M/M/c, by bisection."""
    low, high = 0.0, service
    while mmc_exceeds(rate, service, servers, high) > 1 - q:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if mmc_exceeds(rate, service, servers, middle) > 1 - q:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@dataclass(frozen=True, slots=True)
class Nested:
    """The stationary figures of two stations of which the first holds its slot while it calls the second."""

    latency: float
    outer: float  # utilisation of the first station's slots
    inner: float


def nested(rate: float, outer: int, inner: int, work: float, call: float, most: int = 600) -> Nested:
    """Two stations, slots of the first held across the call of the second; exponential work, Poisson
    arrivals, FIFO.

    The chain's state is (n, k): n requests in all, of which min(n, `outer`) hold a slot of the first station,
    and k of those have done their work there and are at the second, where min(k, `inner`) are served. It is a
    quasi-birth-and-death process; solved by block elimination from n = `most` (beyond which the chance is
    negligible) downwards.
    """
    mu, nu = 1 / work, 1 / call
    width = outer + 1

    def blocks(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        holding = min(n, outer)
        up, within, down = (np.zeros((width, width)) for _ in range(3))
        for k in range(holding + 1):
            up[k, k] = rate if n < most else 0.0
            if k < holding:
                within[k, k + 1] = (holding - k) * mu
            if k > 0:
                down[k, k - 1] = min(k, inner) * nu
            within[k, k] = -(up[k].sum() + within[k].sum() + down[k].sum())
        for k in range(holding + 1, width):
            within[k, k] = -1.0  # states that do not exist are never entered
        return up, within, down

    # pi[n] = pi[n - 1] R[n], with R[n] = up[n - 1] (-(within[n] + R[n + 1] down[n + 1]))^-1
    factors: list[np.ndarray] = [np.zeros((width, width))] * (most + 2)
    for n in range(most, 0, -1):
        _, within, _ = blocks(n)
        inside = within + (factors[n + 1] @ blocks(n + 1)[2] if n < most else 0.0)
        factors[n] = blocks(n - 1)[0] @ np.linalg.inv(-inside)
    level = np.zeros(width)
    level[0] = 1.0  # n = 0 has the one state k = 0
    total = weighted = held = served = 0.0
    for n in range(most + 1):
        if n:
            level = level @ factors[n]
        mass = float(level.sum())
        total += mass
        weighted += n * mass
        held += min(n, outer) * mass
        served += float(level @ np.minimum(np.arange(width), inner))
    return Nested(weighted / total / rate, held / total / outer, served / total / inner)


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed network of users: requests per second, their mean time, the busy share of each station."""

    rate: float
    latency: float
    busy: tuple[float, ...]


def closed_network(users: int, think: float, services: tuple[float, ...]) -> Closed:
    """Mean value analysis of stations with one slot each (Reiser and Lavenberg 1980)."""
    queues = [0.0] * len(services)
    rate = latency = 0.0
    for n in range(1, users + 1):
        times = [s * (1 + q) for s, q in zip(services, queues, strict=True)]
        latency = sum(times)
        rate = n / (think + latency)
        queues = [rate * t for t in times]
    return Closed(rate, latency, tuple(rate * s for s in services))
