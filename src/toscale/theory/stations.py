"""How loaded is each station, and how do its calls fare? The machines of a station, from the calls that the
walk counted.

Machines behind a policy each get an equal part of the calls: a Poisson process where they are drawn at
random, every m-th call (Erlang, with variability 1/m) in turn. Least outstanding is taken as one shared
queue, which is a lower bound; two choices by the limit of many machines. Where a key decides the shard, the
busiest shard stands beside the average of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isfinite, log, sqrt
from typing import TYPE_CHECKING

from toscale.engine.model import Discipline, Policy, Station
from toscale.theory.layered import MOST_SLOTS, Answer, Load, closed_network, machine
from toscale.theory.tally import Calls, Calm, count, mixed, of_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONSUMERS = "the consumers of "  # so begins the name of those who hold a slot for a buffer

Curves = dict[str, tuple[float, ...]]
"""For a station, calls per second with 1, 2, ... of its slots taken, as what it calls lets them through."""


@dataclass(frozen=True, slots=True)
class StationTheory:
    """The stationary state of one station. None: not finite, or does not apply; `reason` says why."""

    name: str
    machines: int
    arrivals: float  # calls per second
    offered: float | None  # erlangs: slots that the calls would hold if all were served
    slot_utilisation: float | None  # None: no limit of slots
    core_utilisation: float | None  # None: no limit of cores
    holding: float | None  # seconds that a slot is held
    work: float  # seconds of work per call, before cores are shared
    stretch: float  # the time in work over the work
    wait: float | None  # mean seconds for a slot, of the calls let in
    wait_probability: float | None
    queue: float | None  # mean number waiting, at all machines
    refused: float  # the share of calls that find no place
    hottest_share: float  # of the calls, at the busiest machine
    hottest_utilisation: float | None  # of its slots or cores, whichever are busier
    capacity: float | None  # calls per second in this mix, until the busiest machine is full; None: no limit
    excess: float  # calls per second more than can be served: the queue grows by so much
    approximation: str
    reason: str = ""

    @property
    def overloaded(self) -> bool:
        return self.excess > 0


@dataclass(frozen=True, slots=True)
class _Group:
    """Machines that are alike but for the hottest."""

    machines: int
    rate: float
    answers: tuple[
        tuple[float, float, Answer], ...
    ]  # share of the calls, calls per second of one machine, its state
    calm: Calm


def station(
    place: Station, calls: Sequence[Calls], held: Mapping[str, float], curves: Curves
) -> tuple[StationTheory, dict[str, Calm]]:
    """What the calls make of a station, and how those of each role fare.

    `held`: how many slots of each holder are taken, by the last round; `curves`: what that round found of
    stations whose slots are held across calls.
    """
    rate = sum(c.rate for c in calls)
    if rate <= 0:
        return _idle(place, calls), {}
    parts: dict[str, list[tuple[float, Calls]]] = {}
    if place.shards <= 0:
        parts["policy"] = [(1.0, c) for c in calls]
    else:
        share = 1 / place.copies
        for c in calls:
            if c.role in ("primary", "copy"):
                parts.setdefault(c.role, []).append((1.0, c))
            else:
                parts.setdefault("primary", []).append((share, c))
                if place.copies > 1:
                    parts.setdefault("copy", []).append((1 - share, c))
    found = {role: _group(place, role, those, held, curves.get(place.name)) for role, those in parts.items()}
    groups = {role: group for role, group in found.items() if group is not None}
    calm = {role: group.calm for role, group in groups.items()}
    if place.shards > 0:
        total = sum(g.rate for g in groups.values())
        calm["policy"] = mixed([(g.rate / total, g.calm) for g in groups.values()]) if total > 0 else Calm()
    theory = _theory(place, calls, rate, groups)
    if place.discipline is Discipline.PRIORITY:
        shares = _by_class(calls, theory.slot_utilisation or 0.0)
        calm |= {
            of_class(role, k): replace(fares, wait=fares.wait * share)
            for role, fares in calm.items()
            for k, share in shares.items()
        }
    return theory, calm


def _by_class(calls: Sequence[Calls], load: float) -> dict[int, float]:
    """The wait of each class over the wait of all in the order of arrival, at the load of the slots.

    (1 - load) / ((1 - s[k - 1]) (1 - s[k])), with s[k] the load of class k and of those before it (Cobham,
    "Priority assignment in waiting line problems", Operations Research 2, 1954): exact for Poisson arrivals
    at one slot, and at several with exponential times of the same mean. 1 where the load is too much: all wait
    without bound by theory, though in truth only those of the lower classes do.
    """
    holding: dict[int, float] = {}
    for c in calls:
        time = c.stretch * c.work.mean + c.body.mean
        holding[c.priority] = holding.get(c.priority, 0.0) + (c.rate * time if isfinite(time) else 0.0)
    total = sum(holding.values())
    found, before = {}, 0.0
    for k in sorted(holding):
        upto = before + (load * holding[k] / total if total > 0 else 0.0)
        found[k] = (1 - load) / ((1 - before) * (1 - upto)) if load < 1 else 1.0
        before = min(upto, load)
    return found


def hottest_share(shards: int, hottest: float, spread: float) -> float:
    """The expected share of the calls at the busiest of the shards, with keys spread by a hash.

    The shard of the likeliest key has that key and its part of the rest. Else the largest of `shards` sums:
    mean 1/S, variance (1/S)(1 - 1/S) sum of p^2, and the largest is about sqrt(2 ln S) deviations above
    (Gumbel's normal maximum).
    """
    if shards <= 1:
        return 1.0
    even = hottest + (1 - hottest) / shards
    uneven = 1 / shards + sqrt(2 * log(shards) * spread * (1 - 1 / shards) / shards)
    return min(1.0, max(even, uneven))


def _idle(place: Station, calls: Sequence[Calls]) -> StationTheory:
    machines = count(place)
    return StationTheory(
        place.name,
        machines,
        0.0,
        0.0,
        None if place.slots is None else 0.0,
        None if place.cores is None else 0.0,
        None,
        0.0,
        1.0,
        0.0,
        0.0,
        0.0,
        0.0,
        1 / machines,
        0.0 if place.slots is not None or place.cores is not None else None,
        None,
        0.0,
        "nothing arrives",
        "no flow calls it" if not calls else "the flows that call it have no rate",
    )


@dataclass(frozen=True, slots=True)
class _Callers:
    """Who can call at once: `number` of them, because each holds a slot elsewhere; `held` of those slots are
    taken.
    """

    number: int
    held: float | None  # None: not known yet
    closed: bool  # all of them are consumers of buffers, who call again as soon as they can
    only: str | None  # the station whose slots they all are


def _callers(calls: Sequence[Calls], held: Mapping[str, float]) -> _Callers | None:
    """None: no limit, or so many that it makes no difference."""
    most: dict[str, float] = {}
    for c in calls:
        if c.holder is None:
            return None
        most[c.holder[0]] = max(most.get(c.holder[0], 0.0), c.holder[1])
    total = sum(most.values())
    if total > MOST_SLOTS:
        return None
    closed = all(name.startswith(CONSUMERS) for name in most)
    only = next(iter(most)) if len(most) == 1 and not closed else None
    known = closed or all(name in held for name in most)
    taken = sum(held.get(name, n) for name, n in most.items()) if known else None
    return _Callers(int(total), taken, closed, only)


def _group(
    place: Station,
    role: str,
    parts: Sequence[tuple[float, Calls]],
    held: Mapping[str, float],
    curve: tuple[float, ...] | None,
) -> _Group | None:
    rate = sum(w * c.rate for w, c in parts)
    if rate <= 0:
        return None
    work = sum(w * c.rate * c.work.mean for w, c in parts) / rate
    body = sum(w * c.rate * c.body.mean for w, c in parts if c.rate > 0) / rate
    callers = _callers([c for _, c in parts if c.rate > 0], held)
    if callers is not None and callers.held is None and callers.number > (place.slots or 0):
        callers = None  # the first round knows of no limit
    if not isfinite(body):
        body = 0.0
    hold = square = 0.0
    for w, c in parts:
        if c.rate > 0 and isfinite(c.body.mean):
            mean = c.stretch * c.work.mean + c.body.mean
            hold += w * c.rate * mean
            square += w * c.rate * (c.stretch**2 * c.work.var + c.body.var + mean * mean)
    cv2 = max(0.0, square / hold * (rate / hold) - 1) if hold > 0 else 1.0
    if not isfinite(cv2):
        cv2 = 1.0
    machines = count(place)
    if place.shards > 0:
        each = 1 if role == "primary" else place.copies - 1
        machines = place.shards * each
        hot = (
            sum(w * c.rate * hottest_share(place.shards, c.hottest, c.spread) for w, c in parts) / rate / each
        )
    else:
        each, hot = 1, 1 / machines
    # the mean number of the callers who are here, by the last round
    here = sum(w * c.rate * c.response for w, c in parts if c.rate > 0 and isfinite(c.response))

    def answer(share: float) -> tuple[float, float, Answer]:
        """One machine with that share of the calls; what its callers do at the others is thinking, to it."""
        mine = rate * share
        taken = 0.0 if callers is None or callers.held is None else callers.held
        think = max(0.0, taken - here * share) / mine
        return share, mine, machine(_load(place, mine, (work, body, cv2), callers, think, curve))

    if _pooled(place):
        answers = [answer(1.0)]
    elif hot * machines < 1 + 1e-9:
        answers = [(1.0, *answer(1 / machines)[1:])]
    else:
        rest = (1 - hot * each) / (machines - each)
        answers = [(hot * each, *answer(hot)[1:])]
        if rest > 0:  # else one key gets all calls
            answers.append((1 - hot * each, *answer(rest)[1:]))
    blocked = any(not isfinite(c.body.mean) for _, c in parts) and place.slots is not None
    calm = mixed([(share, _calm(answer, blocked)) for share, _, answer in answers])
    return _Group(machines, rate, tuple(answers), calm)


def _calm(answer: Answer, blocked: bool) -> Calm:
    if answer.excess > 0 or blocked:
        return Calm(1.0, inf, 1.0, 0.0, answer.excess)
    return Calm(answer.stretch, answer.wait, answer.wait_probability, answer.refused)


def _pooled(place: Station) -> bool:
    """Whether all machines are as one."""
    return place.shards <= 0 and (
        place.machines == 1 or place.policy in (Policy.SHARED, Policy.LEAST_OUTSTANDING)
    )


def _load(
    place: Station,
    rate: float,
    times: tuple[float, float, float],
    callers: _Callers | None,
    think: float,
    curve: tuple[float, ...] | None,
) -> Load:
    """What one machine is offered, or all as one where they share a queue. `times`: work, body, variability."""
    machines = place.machines if _pooled(place) else 1
    slots = None if place.slots is None else place.slots * machines
    if curve is not None and (slots is None or len(curve) != slots):
        curve = None
    behind = place.shards <= 0 and not _pooled(place)
    return Load(
        rate,
        *times,
        slots,
        None if place.cores is None else place.cores * machines,
        None if place.waiting is None else place.waiting * machines,
        1 / place.machines if behind and place.policy is Policy.ROUND_ROBIN else 1.0,
        None if callers is None else callers.number,
        think=think,
        curve=curve,
        two_choices=behind and place.policy is Policy.TWO_CHOICES,
        closed=callers is not None and callers.closed,
    )


def curve(
    place: Station,
    calls: Sequence[Calls],
    held: Mapping[str, float],
    holders: Mapping[str, Station],
    arrivals: float,
) -> tuple[str, tuple[float, ...]] | None:
    """How many calls per second of the station that holds all of the callers' slots this one lets through.

    By the closed network of those slots: see `toscale.theory.layered.few_callers`. `arrivals`: calls of that
    holder per second. None where several hold them, where one holder's slot makes several calls at once, or
    for several machines.
    """
    rate = sum(c.rate for c in calls)
    callers = _callers([c for c in calls if c.rate > 0], held)
    servers = place.slots if place.slots is not None else place.cores
    if rate <= 0 or callers is None or callers.only is None or servers is None or not _pooled(place):
        return None
    outer = holders.get(callers.only)
    if (
        outer is None
        or outer.slots is None
        or callers.held is None
        or callers.number != outer.slots * count(outer)
    ):
        return None
    hold = (
        sum(c.rate * (c.work.mean + (c.body.mean if place.slots is not None else 0.0)) for c in calls) / rate
    )
    here = sum(c.rate * c.response for c in calls)
    servers *= place.machines
    if not isfinite(hold + here) or hold <= 0 or callers.number <= servers:
        return None
    think = max(0.0, callers.held - here) / rate
    rates = closed_network(callers.number, servers, hold, think).rates * (arrivals / rate)
    machines = 1 if _pooled(outer) else count(outer)
    return outer.name, tuple(float(x) / machines for x in rates[machines - 1 :: machines])


def _theory(place: Station, calls: Sequence[Calls], rate: float, groups: dict[str, _Group]) -> StationTheory:
    machines = count(place)
    work = sum(c.rate * c.work.mean for c in calls) / rate
    body = sum(c.rate * c.body.mean for c in calls if c.rate > 0) / rate
    calm = mixed([(g.rate / rate, g.calm) for g in groups.values()])
    answers = [(a, share * g.rate, each) for g in groups.values() for share, each, a in g.answers]
    excess = sum(r * a.excess for a, r, _ in answers)
    limits = [a.capacity / each for a, _, each in answers if a.capacity is not None and each > 0]
    admitted = rate * (1 - calm.refused)
    holding = calm.stretch * work + body
    blocked = not isfinite(body) and place.slots is not None
    finite = excess <= 0 and not blocked
    hottest = max(each for _, _, each in answers) / rate
    if _pooled(place):
        hottest = 1 / machines
    reason = ""
    if excess > 0:
        reason = f"{excess:.4g} calls per second more arrive than can be served"
    elif blocked:
        reason = "its slots are held by calls of a station that cannot keep up"
    slot = core = hot_use = None
    scale = hottest * machines
    if place.slots is not None and isfinite(body):
        slot = min(1.0, admitted * holding / (place.slots * machines))
        hot_use = min(1.0, slot * scale)
    elif place.slots is not None:
        slot = hot_use = 1.0
    if place.cores is not None:
        core = min(1.0, admitted * work / (place.cores * machines))
        hot_use = max(hot_use or 0.0, min(1.0, core * scale))
    return StationTheory(
        place.name,
        machines,
        rate,
        rate * holding if finite and isfinite(holding) else None,
        slot,
        core,
        holding if isfinite(holding) else None,
        work,
        calm.stretch,
        calm.wait if finite else None,
        calm.wait_probability if finite else None,
        admitted * calm.wait if finite else None,
        calm.refused,
        hottest,
        hot_use,
        rate * min(limits) if limits else None,
        excess,
        _approximation(place, machines),
        reason,
    )


def _approximation(place: Station, machines: int) -> str:
    """Which formula stands behind the figures."""
    if place.slots is None and place.cores is None:
        return "a delay: nobody waits"
    if place.slots is None:
        text = "M/G/c with processor sharing (insensitive)"
    elif place.cores is None or place.cores >= place.slots:
        text = "M/G/c (Kimura)" if place.waiting is None else "M/G/c/K (two-moment scaling of M/M/c/K)"
    else:
        text = "a closed network under a population limit (flow equivalence)"
    if machines == 1:
        return text
    if place.shards > 0:
        return text + ", the busiest shard beside the others"
    return (
        text
        + {
            Policy.ROUND_ROBIN: ", every m-th call for each machine (Kraemer and Langenbach-Belz)",
            Policy.RANDOM: ", each machine alone",
            Policy.LEAST_OUTSTANDING: ", least outstanding as one shared queue (a lower bound)",
            Policy.TWO_CHOICES: ", two choices in the limit of many machines (Mitzenmacher)",
            Policy.SHARED: ", one shared queue",
        }[place.policy]
    )
