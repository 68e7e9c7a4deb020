"""How long does a call wait for a slot, and how much do shared cores slow it down? One machine, whose slots
are held across nested calls.

A slot is held for the work, slowed down by those who share the cores, and for the body: everything that the
call itself waits for. So the waits of a station depend on those of the stations that it calls, and
`toscale.theory.twin` repeats until nothing changes: the method of layers (Rolia and Sevcik (1995), The Method
of Layers, IEEE Trans. Software Eng. 21; Franks et al. (2009), IEEE TSE 35).

Where both slots and cores are limited, a machine is a subnetwork with a population limit: inside, cores
shared by the n that are in (n at most the slots) and the body as a pure delay; its throughput X(n) as a
closed network makes it one server whose rate depends on n (Avi-Itzhak and Heyman (1973), Operations Research
21; Lazowska et al. (1984), Quantitative System Performance, 9.3). Exact for cores alone and for slots alone
with exponential times.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log
from typing import TYPE_CHECKING

import numpy as np

from toscale.theory import queues

if TYPE_CHECKING:
    from toscale.theory.popularity import Array

MOST_SLOTS = 600  # up to which the closed network is solved; beyond, its asymptotic bounds are as good


@dataclass(frozen=True, slots=True)
class Load:
    """What one machine is offered. Seconds and per second; `cv2` is that of the time that a slot is held."""

    rate: float
    work: float
    body: float
    cv2: float
    slots: int | None
    cores: int | None
    waiting: int | None = None  # places to wait
    arrival_cv2: float = 1.0  # of the times between arrivals
    callers: int | None = None  # at most so many calls can be under way, because each holds a slot elsewhere
    two_choices: bool = False
    # those callers are all there are: they come again when answered, and slow down with the station
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The stationary state of one machine; `wait` and `wait_probability` are those of a call that is let in."""

    stretch: float = 1.0  # the time in work over the work
    wait: float = 0.0
    wait_probability: float = 0.0
    refused: float = 0.0
    excess: float = 0.0  # the share of arrivals that it cannot carry; the figures above then mean nothing
    capacity: float | None = None  # per second; None: no limit


@lru_cache(maxsize=8192)
def machine(load: Load) -> Answer:
    """The stationary state of one machine under that load."""
    hold = load.work + load.body
    slots, cores = load.slots, load.cores
    if cores is not None and slots is not None and slots <= cores:
        cores = None  # nobody ever shares a core
    if load.work <= 0:
        cores = None
    capacity = _capacity(load, slots, cores)
    if load.rate <= 0 or hold <= 0:
        return Answer(capacity=capacity)
    if capacity is not None and load.rate >= capacity * (1 - 1e-9) and load.waiting is None:
        if load.closed and load.callers is not None:
            return _crowded(load, load.callers, capacity)
        return Answer(excess=max(1e-12, 1 - capacity / load.rate), capacity=capacity)
    if slots is None:
        return _cores_only(load, cores, capacity)
    if cores is None:
        return _slots_only(load, slots, capacity)
    return _both(load, slots, cores, capacity)


def _crowded(load: Load, callers: int, capacity: float) -> Answer:
    """All callers of a closed loop are there all the time: they share what the machine can do (Little's law)."""
    inside = callers if load.slots is None else min(callers, load.slots)
    stretch = (
        max(1.0, (inside / capacity - load.body) / load.work)
        if load.cores is not None and load.work > 0
        else 1.0
    )
    return Answer(stretch, (callers - inside) / capacity, float(callers > inside), capacity=capacity)


def _capacity(load: Load, slots: int | None, cores: int | None) -> float | None:
    hold = load.work + load.body
    if hold <= 0 or (slots is None and cores is None):
        return None
    if cores is None:
        return (slots or 1) / hold
    if slots is None:
        return cores / load.work
    return float(throughputs(slots, cores, load.work, load.body)[-1])


def _cores_only(load: Load, cores: int | None, capacity: float | None) -> Answer:
    if cores is None:
        return Answer(capacity=None)
    erlangs = load.rate * load.work
    if load.callers is not None:
        if load.callers <= cores:
            return Answer(capacity=capacity)
        shared = _few_callers(load.rate, load.work, cores, load.callers)[0] / load.work
    elif load.two_choices:
        shared = two_choices(erlangs / cores, cores)[0]
    else:
        shared = queues.erlang_c(erlangs, cores) / (cores - erlangs)
    shared *= queues.regularity(erlangs, cores, 1.0, load.arrival_cv2)
    return Answer(stretch=1 + shared, capacity=capacity)


def _slots_only(load: Load, slots: int, capacity: float | None) -> Answer:
    hold = load.work + load.body
    if load.waiting is not None:
        queue = queues.limited(load.rate, hold, slots, load.waiting, load.cv2)
        return Answer(1.0, queue.wait, queue.wait_probability, queue.refused, 0.0, capacity)
    erlangs = load.rate * hold
    if load.callers is not None:
        if load.callers <= slots:
            return Answer(capacity=capacity)
        wait, waits = _few_callers(load.rate, hold, slots, load.callers)
    elif load.two_choices:
        wait, waits = two_choices(erlangs / slots, slots)
        wait *= hold
    else:
        waits = queues.erlang_c(erlangs, slots)
        wait = waits * hold / (slots - erlangs)
    regular = queues.regularity(erlangs, slots, load.cv2, load.arrival_cv2)
    wait *= queues.variability(erlangs, slots, load.cv2) * regular
    return Answer(1.0, wait, min(1.0, waits * min(1.0, regular)), 0.0, 0.0, capacity)


def _few_callers(rate: float, hold: float, slots: int, callers: int) -> tuple[float, float]:
    """Mean wait and chance of waiting where at most `callers` can be there: M/M/c cut off at that number.

    Calls that find it full do not get lost, they come later: the offered rate is raised until the carried one
    is `rate`.
    """
    n = np.arange(0, callers + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(hold / np.minimum(n[1:], slots)))])
    offered = rate
    p = np.ones(1)
    for _ in range(100):
        terms = logs + n * log(offered)
        p = np.exp(terms - terms.max())
        p /= p.sum()
        carried = offered * (1 - p[-1])
        if abs(carried - rate) < 1e-9 * rate:
            break
        offered *= rate / carried
    waiting = float(p @ np.maximum(n - slots, 0))
    late = float(p[slots:-1].sum()) / max(1e-300, 1 - float(p[-1]))
    return waiting / rate, min(1.0, late)


@lru_cache(maxsize=1024)
def two_choices(utilisation: float, slots: int) -> tuple[float, float]:
    """Mean wait (in service times) and chance of waiting where each joins the shorter of two queues drawn at
    random.

    The limit of many machines (Mitzenmacher (2001), IEEE Trans. Parallel Distrib. Systems 12): with s(k) the
    share of machines that have k or more, a s(k-1)^2 = c s(k) from k = c on, and in balance a (s(k-1)^2 -
    s(k)^2) = k (s(k) - s(k+1)) below; a in erlangs per machine.
    """
    load = utilisation * slots
    low, high = 0.0, 1.0
    shares = [1.0]
    for _ in range(60):
        first = (low + high) / 2
        shares = [1.0, first]
        for k in range(1, slots):
            shares.append(shares[k] - load * (shares[k - 1] ** 2 - shares[k] ** 2) / k)
            if shares[-1] < 0:
                break
        # the flow upwards into "c or more" must be what c busy servers carry down
        if shares[-1] < 0 or load * shares[slots - 1] ** 2 > slots * shares[-1]:
            low = first
        else:
            high = first
    shares = shares[: slots + 1]
    waits = max(0.0, shares[-1]) ** 2
    queue = 0.0
    share = max(0.0, shares[-1])
    while share > 1e-15:
        share = utilisation * share * share
        queue += share
    return queue / load, waits


# ---- slots and cores
# ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def throughputs(slots: int, cores: int, work: float, body: float) -> Array:
    """X(1), ..., X(slots): how many per second leave a machine in which n are kept, in work or in the body.

    X(n) = G(n - 1) / G(n), with G the convolution of the two stations' terms (Buzen (1973), Comm. ACM 16),
    scaled so that none overflows. Above 600 slots the asymptotic bounds min(n / (work + body), cores / work).
    """
    n = np.arange(1, slots + 1, dtype=np.float64)
    bounds = np.minimum(n / (work + body), cores / work)
    if slots > MOST_SLOTS:
        return bounds
    if body <= 0:
        return bounds
    scale = float(bounds[-1])
    every = np.arange(0, slots + 1)
    working = every * log(work * scale) - np.concatenate([[0.0], np.cumsum(np.log(np.minimum(n, cores)))])
    away = every * log(body * scale) - np.array([lgamma(k + 1) for k in range(slots + 1)])
    g = np.convolve(np.exp(working), np.exp(away))[: slots + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = g[:-1] / g[1:] * scale
    return np.where(np.isfinite(exact), np.minimum(exact, bounds), bounds)


def _both(load: Load, slots: int, cores: int, capacity: float | None) -> Answer:
    rates = throughputs(slots, cores, load.work, load.body)
    ratio = load.rate / float(rates[-1])
    factor = (1 + load.cv2) / 2
    places = _places(load, slots, factor)
    # the number inside, up to the slots, relative to the most likely one
    logs = np.concatenate([[0.0], np.cumsum(np.log(load.rate / rates))])
    inside = np.exp(logs - logs.max())
    if places is None:
        scale, upto, weighted, last = 1.0, 1 / (1 - ratio), ratio / (1 - ratio) ** 2, 0.0
    else:
        scale, upto, weighted, last = queues.geometric(ratio, places)
    full = float(inside[-1])
    beyond, queue, last = full * (upto - scale), full * weighted, full * last
    total = scale * float(inside.sum()) + beyond
    callers = load.callers is not None and load.waiting is None
    refused = 0.0 if callers else last / total
    admitted = load.rate * (1 - refused)
    number = (scale * float(inside @ np.arange(slots + 1)) + beyond * slots) / total
    if callers:
        admitted = load.rate * (1 - last / total)  # what is carried at this offered rate, for the waits below
    stretch = max(1.0, (number / admitted - load.body) / load.work)
    regular = queues.regularity(min(ratio, 0.999999), 1, load.cv2, load.arrival_cv2)
    if load.two_choices and ratio < 1:
        alone = queues.mmc(
            ratio, 1.0, 1
        ).wait  # with one server in place of the machine, which is good near its limit
        regular = two_choices(ratio, 1)[0] / alone
        stretch = 1 + (stretch - 1) * regular
    wait = queue / total / admitted * factor * regular
    waits = (full * scale + beyond - last) / total / max(1e-300, 1 - last / total)
    return Answer(stretch, wait, float(min(1.0, max(0.0, waits))), float(refused), 0.0, capacity)


def _places(load: Load, slots: int, factor: float) -> float | None:
    """How many can wait; None: as many as like."""
    if load.waiting is not None:
        return load.waiting / factor
    if load.callers is not None:
        return float(max(0, load.callers - slots))
    return None
