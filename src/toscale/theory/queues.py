"""How long does one wait? Closed forms and the best known approximations for a single station, with their
sources.

Throughout: `rate` is arrivals per second, `service` a mean in seconds, `cv2` a squared coefficient of
variation (variance over squared mean), `servers` a whole number from 1. The offered load is rate * service
erlangs; where it is not below the number of servers and nobody is refused, there is no stationary state and
the functions raise `Overloaded`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, expm1, lgamma, log, log1p, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


class Overloaded(ValueError):
    """More arrives than can be served: no stationary state."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The stationary state of one station. Times in seconds; `wait` is that of the admitted, before service."""

    utilisation: float  # mean share of the servers that are busy
    wait: float
    wait_probability: float  # of the admitted
    queue: float  # mean number waiting
    response: float  # wait and service
    number: float  # mean number in the station
    refused: float = 0.0  # the share of arrivals that find no place


def _stable(rate: float, service: float, servers: int) -> float:
    """The offered load in erlangs; raises where it cannot be carried."""
    if servers < 1:
        raise ValueError(f"a station has at least one server, not {servers}")
    if rate < 0 or service < 0:
        raise ValueError("a rate and a service time are not negative")
    load = rate * service
    if load >= servers:
        raise Overloaded(f"{load:.4g} erlangs are offered to {servers} servers")
    return load


# ---- Erlang's formulas
# -------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def erlang_b(load: float, servers: int) -> float:
    """The share of calls lost where nobody can wait: (a^c / c!) / sum of a^k / k!. Any law of service
    (insensitive).

    `load` in erlangs >= 0, `servers` >= 0. Computed as the Poisson probability of c over that of at most c,
    from the terms that count, so that a million servers cost no more than a few thousand steps. Source:
    Erlang (1917).
    """
    if load <= 0:
        return 0.0 if servers > 0 else 1.0
    if servers <= 64:
        inverse = 1.0
        for k in range(1, servers + 1):
            inverse = 1.0 + inverse * k / load
        return 1.0 / inverse
    spread = 12 * sqrt(load) + 60
    if servers > load + spread:  # the Poisson probability of more than c is below 1e-30
        return exp(servers * log(load) - load - lgamma(servers + 1))
    low = max(0, int(min(load, servers) - spread))
    terms = np.cumsum(np.log(np.arange(servers, low, -1) / load))  # of c - 1, c - 2, ... against that of c
    top = max(0.0, float(terms.max()))
    return exp(-top) / (exp(-top) + float(np.exp(terms - top).sum()))


def erlang_c(load: float, servers: int) -> float:
    """The chance of waiting in M/M/c: B / (1 - (a / c)(1 - B)). Source: Erlang (1917)."""
    blocked = erlang_b(load, servers)
    return blocked / (1 - load / servers * (1 - blocked))


# ---- exponential service
# -----------------------------------------------------------------------------------------


def mm1(rate: float, service: float) -> Queue:
    """M/M/1: the response time is exponential with mean s / (1 - rho)."""
    return mmc(rate, service, 1)


def mmc(rate: float, service: float, servers: int) -> Queue:
    """M/M/c: the mean wait is C(c, a) s / (c - a). Source: Erlang (1917); Kleinrock, Queueing Systems I
    (1975), 3.5.
    """
    load = _stable(rate, service, servers)
    waits = erlang_c(load, servers)
    wait = waits * service / (servers - load)
    return Queue(load / servers, wait, waits, rate * wait, wait + service, rate * (wait + service))


def mmck(rate: float, service: float, servers: int, places: int) -> Queue:
    """M/M/c/K with K = `places` >= c places in all, those in service included: who finds none is refused.

    Any load. Source: Gross and Harris, Fundamentals of Queueing Theory (1998), 2.4.
    """
    if places < servers:
        raise ValueError("the places include those in service")
    return limited(rate, service, servers, float(places - servers), 1.0)


def limited(rate: float, service: float, servers: int, waiting: float, cv2: float) -> Queue:
    """M/G/c with at most `waiting` >= 0 in the queue, any load; exact for exponential service, and for no
    place to wait.

    The number in the queue is geometric, as in M/M/c/K. For other laws the queue of a heavily loaded station
    is (1 + cv2) / 2 as long (Allen-Cunneen), so that w places are as good as 2 w / (1 + cv2) with exponential
    service: the two-moment scaling of Gelenbe (1975) and of Kimura (1996), Eur. J. Oper. Res. 88.
    """
    load = rate * service
    if load <= 0:
        return Queue(0.0, 0.0, 0.0, 0.0, service, 0.0)
    blocked = erlang_b(load, servers)
    rho = load / servers
    if blocked < 1e-290:  # never full
        return Queue(rho, 0.0, 0.0, 0.0, service, load)
    stretch = (1 + cv2) / 2
    places = waiting / stretch
    below = 1 / blocked - 1  # relative to the probability of exactly c in the station
    scale, upto, weighted, last = geometric(rho, places)
    total = below * scale + upto
    refused = last / total
    admitted = 1 - refused
    if admitted <= 0:
        admitted = 1 / rho
    queue = min(weighted / total * stretch, waiting)
    wait = queue / (rate * admitted)
    waits = min(1.0, max(0.0, (upto - last) / total) / admitted)
    busy = load * admitted / servers
    return Queue(
        min(1.0, busy), wait, waits, queue, wait + service, rate * admitted * (wait + service), refused
    )


def geometric(rho: float, places: float) -> tuple[float, float, float, float]:
    """1, the sum of rho^k, the sum of k rho^k and the last term rho^places, for k from 0 to `places` (not
    always whole).

    All four are divided by rho^places where rho > 1, so that nothing overflows.
    """
    grows = log(rho)
    if abs(grows) * (places + 1) < 1e-3:  # by their series in log(rho), where the formulas below would cancel
        upto = expm1((places + 1) * grows) / expm1(grows) if grows != 0 else places + 1
        first = places * (places + 1) / 2
        weighted = first * (1 + grows * (2 * places + 1) / 3 + grows * grows / 2 * first)
        scale = exp(max(0.0, grows * places))
        return 1 / scale, upto / scale, weighted / scale, exp(grows * places) / scale
    scale = exp(-grows * places) if grows > 0 else 1.0
    last = 1.0 if grows > 0 else exp(grows * places)
    upto = (scale - last * rho) / (1 - rho)
    weighted = rho * (scale - (places + 1) * last + places * last * rho) / (1 - rho) ** 2
    return scale, upto, weighted, last


def wait_quantile(rate: float, service: float, servers: int, share: float) -> float:
    """The time that the given share of arrivals waits at most, in M/M/c: P(W > t) = C exp(-(c - a) t / s)."""
    load = _stable(rate, service, servers)
    waits = erlang_c(load, servers)
    return 0.0 if 1 - share >= waits else log(waits / (1 - share)) * service / (servers - load)


# ---- general service
# ---------------------------------------------------------------------------------------------


def mg1(rate: float, service: float, cv2: float) -> Queue:
    """M/G/1: the mean wait is rate E[S^2] / (2 (1 - rho)). Source: Pollaczek (1930), Khinchine (1932)."""
    load = _stable(rate, service, 1)
    wait = load * service * (1 + cv2) / (2 * (1 - load))
    return Queue(load, wait, load, rate * wait, wait + service, rate * (wait + service))


def allen_cunneen(rate: float, service: float, servers: int, cv2: float, arrival_cv2: float = 1.0) -> Queue:
    """GI/G/c: the wait of M/M/c times (ca^2 + cs^2) / 2. Source: Allen, Probability, Statistics and Queueing
    (1990).
    """
    exponential = mmc(rate, service, servers)
    return _scaled(exponential, rate, service, (arrival_cv2 + cv2) / 2)


def deterministic_ratio(load: float, servers: int) -> float:
    """The mean wait of M/D/c over that of M/M/c, between 1/2 (a long queue, or one server) and c / (c + 1)
    (no load).

    Source: Cosmetatos (1976), Oper. Res. Quarterly 27, held below its exact limit in light traffic.
    """
    rho, limit = load / servers, servers / (servers + 1)
    above = (1 - rho) * (servers - 1) * (sqrt(4 + 5 * servers) - 2)  # of the correction
    below = 16 * servers * rho
    return limit if above >= 2 * below or below == 0 else min((1 + above / below) / 2, limit)


def variability(load: float, servers: int, cv2: float) -> float:
    """The mean wait of M/G/c over that of M/M/c: exact for c = 1 and for cv2 = 1.

    Source: Kimura (1986), Operations Research 34: the waits of M/M/c and M/D/c interpolated harmonically.
    Within some percent of the exact wait for cv2 up to 2 or so.
    """
    inverse = 1 / deterministic_ratio(load, servers)  # from 1 to 2
    return (1 + cv2) / (inverse + cv2 * (2 - inverse))


def regularity(load: float, servers: int, cv2: float, arrival_cv2: float) -> float:
    """The mean wait of GI/G/c over that of M/G/c, for arrivals more regular or more bursty than Poisson.

    Source: (ca^2 + cs^2) / (1 + cs^2), with the correction of Kraemer and Langenbach-Belz (1976) where ca^2 <
    1, which matters at low load.
    """
    if arrival_cv2 == 1:
        return 1.0
    rho = load / servers
    total = arrival_cv2 + cv2
    if total <= 0 or rho <= 0:
        return 0.0
    factor = total / (1 + cv2)
    if arrival_cv2 < 1:
        factor *= exp(-2 * (1 - rho) * (1 - arrival_cv2) ** 2 / (3 * rho * total))
    return factor


def mgc(rate: float, service: float, servers: int, cv2: float, arrival_cv2: float = 1.0) -> Queue:
    """M/G/c (GI/G/c with another `arrival_cv2`), first come first served: M/M/c's wait times the two factors
    above.
    """
    exponential = mmc(rate, service, servers)
    load = rate * service
    factor = variability(load, servers, cv2) * regularity(load, servers, cv2, arrival_cv2)
    return _scaled(exponential, rate, service, factor)


def _scaled(queue: Queue, rate: float, service: float, factor: float) -> Queue:
    wait = queue.wait * factor
    return Queue(
        queue.utilisation, wait, queue.wait_probability, rate * wait, wait + service, rate * (wait + service)
    )


# ---- processor sharing
# -------------------------------------------------------------------------------------------


def mg1_ps(rate: float, service: float) -> float:
    """The mean response of M/G/1 with processor sharing: s / (1 - rho), whatever the law (insensitive).

    Source: Kleinrock (1967), J. ACM 14; Sakata, Noguchi and Oizumi (1971).
    """
    return service / (1 - _stable(rate, service, 1))


def mgc_ps(rate: float, service: float, cores: int) -> float:
    """The mean response where c cores are shared and nobody gets more than one: as in M/M/c, whatever the
    law.

    Source: Cohen (1979), Acta Informatica 12 (generalised processor sharing is insensitive, and the rates are
    those of M/M/c).
    """
    return mmc(rate, service, cores).response


# ---- several stations
# --------------------------------------------------------------------------------------------


def fork_join_two(rate: float, service: float) -> float:
    """The mean response of a fork over two like M/M/1 that ends with the later: (12 - rho) / 8 times one's
    response.

    Exact. Source: Flatto and Hahn (1984), SIAM J. Appl. Math. 44; Nelson and Tantawi (1988), IEEE Trans.
    Computers 37.
    """
    return (12 - rate * service) / 8 * mm1(rate, service).response


def jackson(
    arrivals: Sequence[float],
    routing: Sequence[Sequence[float]],
    service: Sequence[float],
    servers: Sequence[int],
) -> tuple[Queue, ...]:
    """A network of M/M/c stations: each is as if alone, at the rates that solve r = arrivals + r routing.

    `routing[i][j]` is the chance that who leaves i goes to j (the rest leaves). Source: Jackson (1957), Oper.
    Res. 5.
    """
    n = len(arrivals)
    matrix = np.eye(n) - np.asarray(routing, dtype=np.float64).T
    rates = np.linalg.solve(matrix, np.asarray(arrivals, dtype=np.float64))
    return tuple(mmc(float(r), s, c) for r, s, c in zip(rates, service, servers, strict=True))


# ---- retries
# -----------------------------------------------------------------------------------------------------


def attempts(failure: float, retries: int) -> float:
    """The mean number of attempts where each fails independently with chance `failure` and there are
    `retries` more.

    (1 - f^(n + 1)) / (1 - f): the amplification of the load by retries, between 1 and n + 1.
    """
    if not 0 <= failure <= 1:
        raise ValueError(f"a chance lies between 0 and 1, not at {failure!r}")
    if failure == 1:
        return retries + 1.0
    return -expm1((retries + 1) * log(failure)) / (1 - failure) if failure > 0 else 1.0


def gives_up(failure: float, retries: int) -> float:
    """The chance that every attempt fails: f^(n + 1)."""
    return float(failure ** (retries + 1))


# ---- batches
# -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batches:
    """One consumer that takes what is there, up to a size, at once."""

    size: float  # mean number in a batch
    busy: float  # share of the time that it works
    wait: float  # of a message, before its batch begins
    utilisation: float  # of its capacity with full batches


def bulk(rate: float, service: float, cv2: float, most: int) -> Batches:
    """M/G/1 with bulk service of 1 to `most` at once, first come first served.

    Exact for exponential service, where the number that waits behind a batch is geometric with the root r < 1
    of s rate (1 - r) = r - r^(most + 1) (Chaudhry and Templeton, A First Course in Bulk Queues (1983), 4.3),
    and for most = 1 (Pollaczek-Khinchine). For fixed service: who finds the consumer busy waits for half a
    service time; a batch has grown to rate * s + P(nobody came) by its start; full batches ahead add the
    heavy-traffic wait of batches that arrive with variability 1 / most, entered with the chance of
    Sakasegawa's (1977) formula. Other laws by a line in cv2, as in Pollaczek-Khinchine. Within 10% of
    simulated waits for cv2 up to 1.
    """
    load = rate * service
    rho = load / most
    if rho >= 1:
        raise Overloaded(f"{rate:.4g} messages per second for a consumer of {most / service:.4g} per second")
    if load <= 0:
        return Batches(1.0, 0.0, 0.0, 0.0)
    size, wait = _fixed_batches(load, most)
    if cv2 > 0:
        size_exponential, wait_exponential = _exponential_batches(load, most)
        size += cv2 * (size_exponential - size)
        wait += cv2 * (wait_exponential - wait)
    size = min(float(most), max(1.0, load, size))
    return Batches(size, load / size, max(0.0, wait) * service, rho)


def _fixed_batches(load: float, most: int) -> tuple[float, float]:
    """Mean size, and mean wait in service times, for fixed service."""
    rho = load / most
    size = min(float(most), load + exp(-load)) if most > 1 else 1.0
    behind = rho ** sqrt(2 * (most + 1)) / (2 * most * (1 - rho))
    return size, load / size / 2 + behind


def _exponential_batches(load: float, most: int) -> tuple[float, float]:
    """Mean size, and mean wait in service times, for exponential service.

    The root r of r + r^2 + ... + r^most = load lies between load / (1 + load) and load, and u = 1 - r between
    2 (1 - load / most) / (most + 1) and 1 / (1 + load), so that whichever of them is small has all its digits.
    """

    def below(r: float, u: float) -> bool:
        return -r * expm1(most * (log(r) if r < 0.5 else log1p(-u))) / u < load

    if load < 0.5:
        low, high = load / (1 + load), load
        for _ in range(60):
            r = sqrt(low) * sqrt(high)
            low, high = (r, high) if below(r, 1 - r) else (low, r)
        r = sqrt(low) * sqrt(high)
        u = 1 - r
    else:
        low, high = 2 * (1 - load / most) / (most + 1), 1 / (1 + load)
        for _ in range(60):
            u = sqrt(low) * sqrt(high)
            low, high = (low, u) if below(1 - u, u) else (u, high)
        u = sqrt(low) * sqrt(high)
        r = 1 - u
    idle = u / (u + load)
    return u + load, idle * r / u**2
