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

from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, inf, lgamma, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from toscale.theory import queues

if TYPE_CHECKING:
    from toscale.theory.popularity import Array

MANY_SLOTS = 10_000
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
    think: float = 0.0  # mean seconds from the answer to one of these callers until it calls again
    # per second, with 1, 2, ... slots taken: what the stations called from here let through
    curve: tuple[float, ...] | None = None
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
    slots, cores = _reached(load), load.cores
    if cores is not None and slots is not None and slots <= cores:
        cores = None  # nobody ever shares a core
    if load.work <= 0:
        cores = None
    rates = _rates(load, slots, cores)
    if rates is None:
        capacity = None if cores is None else cores / load.work
    else:
        capacity = float(rates[-1])
    if load.rate <= 0 or hold <= 0:
        return Answer(capacity=capacity)
    if capacity is not None and load.rate >= capacity * (1 - 1e-9) and load.waiting is None:
        if load.closed and load.callers is not None:
            return _crowded(load, load.callers, capacity)
        return Answer(excess=max(1e-12, 1 - capacity / load.rate), capacity=capacity)
    if slots is None or rates is None:
        return _cores_only(load, cores, capacity)
    if slots > MANY_SLOTS and capacity is not None and load.rate >= capacity and load.waiting is not None:
        return _full(load, slots, capacity, cores)
    if load.callers is not None and load.callers <= slots and load.waiting is None:
        waiting = Answer(capacity=capacity)  # each caller finds a slot
    elif cores is None and load.curve is None:
        waiting = _slots_only(load, slots, capacity)
    else:
        waiting = _by_population(load, rates)
    if cores is None:
        return waiting
    inside = throughputs(slots, cores, load.work, load.body)
    return replace(waiting, stretch=_stretch(load, inside))


def _reached(load: Load) -> int | None:
    """The slots of a machine, less those that are never taken: a million slots are not looked at one by one.

    Below saturation the number inside is Poisson where it waits for others, and geometric, with the load of the cores
    as its ratio, where it shares them: what is left out has a chance of about exp(-40). Never fewer are left than
    keep all cores busy.
    """
    slots, cores = load.slots, load.cores
    if slots is None or cores is None or slots <= MANY_SLOTS or load.work <= 0 or load.curve is not None:
        return slots
    hold, ratio = load.work + load.body, load.rate * load.work / cores
    if ratio >= 1 or hold == inf:
        return slots
    inside = load.rate * hold
    return int(
        min(
            slots, max(inside + 10 * sqrt(inside) + 40 / (1 - ratio), cores * (hold / load.work)) + MANY_SLOTS
        )
    )


def _rates(load: Load, slots: int | None, cores: int | None) -> Array | None:
    """How many per second leave with 1, 2, ... slots taken; None: no limit of slots."""
    hold = load.work + load.body
    if slots is None or hold <= 0:
        return None
    if cores is None:
        rates = np.array([slots / hold]) if load.curve is None else np.arange(1, slots + 1) / hold
    else:
        rates = throughputs(slots, cores, load.work, load.body)
    return rates if load.curve is None else np.minimum(rates, np.asarray(load.curve))


def _crowded(load: Load, callers: int, capacity: float) -> Answer:
    """All callers of a closed loop are there all the time: they share what the machine can do (Little's law)."""
    inside = callers if load.slots is None else min(callers, load.slots)
    stretch = (
        max(1.0, (inside / capacity - load.body) / load.work)
        if load.cores is not None and load.work > 0
        else 1.0
    )
    return Answer(stretch, (callers - inside) / capacity, float(callers > inside), capacity=capacity)


def _full(load: Load, slots: int, capacity: float, cores: int | None) -> Answer:
    """More come than can be served, to so many slots that they are all taken and the queue is full: the fluid
    limit, from which the number inside strays by some square root of it.
    """
    waiting = float(load.waiting or 0)
    inside = max(1.0, (slots / capacity - load.body) / load.work) if cores is not None else 1.0
    return Answer(inside, waiting / capacity, float(waiting > 0), 1 - capacity / load.rate, 0.0, capacity)


def _cores_only(load: Load, cores: int | None, capacity: float | None) -> Answer:
    if cores is None:
        return Answer(capacity=None)
    erlangs = load.rate * load.work
    if load.callers is not None:
        if load.callers <= cores:
            return Answer(capacity=capacity)
        shared = few_callers(load.rate, load.work, cores, load.callers, load.think)[0] / load.work
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
        wait, waits = few_callers(load.rate, hold, slots, load.callers, load.think)
    elif load.two_choices:
        wait, waits = two_choices(erlangs / slots, slots)
        wait *= hold
    else:
        waits = queues.erlang_c(erlangs, slots)
        wait = waits * hold / (slots - erlangs)
    regular = queues.regularity(erlangs, slots, load.cv2, load.arrival_cv2)
    wait *= queues.variability(erlangs, slots, load.cv2) * regular
    return Answer(1.0, wait, min(1.0, waits * min(1.0, regular)), 0.0, 0.0, capacity)


def few_callers(rate: float, hold: float, servers: int, callers: int, think: float) -> tuple[float, float]:
    """Mean wait and chance of waiting at `servers`, where each of `callers` calls again after `think`
    seconds, but only while somebody has work for it: they are the slots of another station, to which `rate`
    arrives.

    A closed network of the n slots that are taken, and n by birth and death: the same flow equivalence as
    above, seen from inside. Above 600 callers as if there were no limit.
    """
    if callers > MOST_SLOTS:
        erlangs = rate * hold
        waits = queues.erlang_c(erlangs, servers)
        return waits * hold / (servers - erlangs), waits
    inner = closed_network(callers, servers, hold, think)
    taken = _taken(rate, inner.rates)
    carried = float(taken[1:] @ inner.rates)
    wait = float(taken[1:] @ inner.queues) / carried
    return wait, min(1.0, float((taken[1:] * inner.rates) @ inner.late) / carried)


def _taken(rate: float, rates: Array) -> Array:
    """The chance that 0, 1, ..., all are taken, where more wait for them without a limit; all, if too many
    come.
    """
    if rate >= rates[-1]:
        return np.append(np.zeros(len(rates)), 1.0)
    logs = np.concatenate([[0.0], np.cumsum(np.log(rate / rates))])
    p = np.exp(logs - logs.max())
    p[-1] /= 1 - rate / rates[-1]
    return np.asarray(p / p.sum())


@lru_cache(maxsize=1024)
def two_choices(utilisation: float, slots: int) -> tuple[float, float]:
    """Mean wait (in service times) and chance of waiting where each joins the shorter of two queues drawn at
    random.

    The limit of many machines (Mitzenmacher (2001), IEEE Trans. Parallel Distrib. Systems 12): with s(k) the
    share of machines that have k or more, a s(k-1)^2 = c s(k) from k = c on, and in balance a (s(k-1)^2 -
    s(k)^2) = k (s(k) - s(k+1)) below; a in erlangs per machine.
    """
    load = utilisation * slots
    low, high = -690.0, 0.0  # of the logarithm of s(c); downwards from it the recursion is stable
    for _ in range(60):
        middle = (low + high) / 2
        above, share = exp(middle), sqrt(slots * exp(middle) / load)
        for k in range(slots - 1, 0, -1):
            above, share = share, sqrt(share * share + k * (share - above) / load)
            if share > 1:
                break
        if share > 1:
            high = middle
        else:
            low = middle
    share = exp(low)
    waits = share * share
    queue = 0.0
    while share > 1e-15:
        share = utilisation * share * share
        queue += share
    return queue / load, waits


# ---- slots and cores
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """A closed network with 1, 2, ... customers: rates per second, mean number that waits, chance that a call
    waits.
    """

    rates: Array
    queues: Array
    late: Array


@lru_cache(maxsize=2048)
def closed_network(customers: int, servers: int, work: float, away: float) -> Closed:
    """Customers that go between `servers`, where each takes `work` seconds, and a delay of `away` seconds.

    X(n) = G(n - 1) / G(n), with G the convolution of the two stations' terms (Buzen (1973), Comm. ACM 16),
    scaled so that none overflows (up to 600 customers). Who arrives sees the network with one customer less.
    """
    n = np.arange(1, customers + 1, dtype=np.float64)
    bounds = np.minimum(n / (work + away), servers / work)
    scale = float(bounds[-1])
    every = np.arange(0, customers + 1)
    there = np.exp(
        every * log(work * scale) - np.concatenate([[0.0], np.cumsum(np.log(np.minimum(n, servers)))])
    )
    if away > 0:
        factorials = np.array([lgamma(k + 1) for k in range(customers + 1)])
        gone = np.exp(every * log(away * scale) - factorials)
    else:
        gone = (every == 0).astype(np.float64)
    g = np.convolve(there, gone)[: customers + 1]
    waiting = np.convolve(there * np.maximum(every - servers, 0), gone)[: customers + 1]
    busy = np.convolve(there * (every >= servers), gone)[: customers + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.nan_to_num(g[:-1] / g[1:] * scale, nan=scale)
        return Closed(
            np.clip(rates, 1e-300, bounds),
            np.nan_to_num(waiting[1:] / g[1:], posinf=0.0),
            np.clip(np.nan_to_num(busy[:-1] / g[:-1], posinf=0.0), 0.0, 1.0),
        )


def throughputs(slots: int, cores: int, work: float, body: float) -> Array:
    """How many per second leave a machine in which 1, ..., `slots` are kept, in work or in the body.

    Above 600 slots the asymptotic bounds min(n / (work + body), cores / work).
    """
    if slots > MOST_SLOTS:
        return np.minimum(np.arange(1, slots + 1) / (work + body), cores / work)
    return closed_network(slots, cores, work, body).rates


def _stretch(load: Load, rates: Array) -> float:
    """How much sharing cores slows the work down, by Little's law over those inside."""
    if load.waiting is None:
        taken = _taken(load.rate, rates)
    else:
        taken = _limited(load, rates).taken
    carried = float(taken[1:] @ rates)
    number = float(taken @ np.arange(len(taken)))
    return max(1.0, (number / carried - load.body) / load.work)


@dataclass(frozen=True, slots=True, eq=False)
class _Population:
    """How many slots are taken, how many wait, and how an arrival fares."""

    taken: Array
    queue: float
    waits: float  # the chance that an arrival waits
    refused: float


def _limited(load: Load, rates: Array) -> _Population:
    """Birth and death with those rates; more wait, as many as may, and leave at the last rate."""
    ratio = load.rate / float(rates[-1])
    factor = (1 + load.cv2) / 2
    logs = np.concatenate([[0.0], np.cumsum(np.log(load.rate / rates))])
    inside = np.exp(logs - logs.max())
    if load.waiting is None:
        scale, upto, weighted, last = 1.0, 1 / (1 - ratio), ratio / (1 - ratio) ** 2, 0.0
    else:
        scale, upto, weighted, last = queues.geometric(ratio, load.waiting / factor)
    full = float(inside[-1])
    inside = inside * scale
    inside[-1] = full * upto
    total = float(inside.sum())
    return _Population(
        inside / total, full * weighted / total, full * (upto - last) / total, full * last / total
    )


def _by_population(load: Load, rates: Array) -> Answer:
    """Waiting for a slot where the rate depends on how many are taken."""
    state = _limited(load, rates)
    admitted = float(state.taken[1:] @ rates)  # as many leave: 1 - refused has no digits where nearly all are
    ratio = min(load.rate / float(rates[-1]), 0.999999)
    regular = queues.regularity(ratio, 1, load.cv2, load.arrival_cv2)
    if load.two_choices:
        # with one server in place of the machine, which is good near its limit
        regular = two_choices(ratio, 1)[0] / queues.mmc(ratio, 1.0, 1).wait
    wait = state.queue / admitted * (1 + load.cv2) / 2 * regular
    waits = min(1.0, max(0.0, state.waits * load.rate / admitted))
    return Answer(1.0, wait, waits, state.refused, 0.0, float(rates[-1]))
