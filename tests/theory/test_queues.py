"""Closed forms against textbook numbers, against each other in their limits, and against chains solved by numpy."""

from __future__ import annotations

from math import exp, factorial, isclose, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.theory import queues
from toscale.theory.queues import Overloaded

loads = st.floats(0.01, 0.98)
counts = st.integers(1, 40)


def chain(rate: float, service: float, servers: int, places: int) -> np.ndarray:
    """The stationary distribution of the number in M/M/c/K, from its balance equations."""
    generator = np.zeros((places + 1, places + 1))
    for n in range(places):
        generator[n, n + 1] = rate
        generator[n + 1, n] = min(n + 1, servers) / service
    generator -= np.diag(generator.sum(axis=1))
    system = np.vstack([generator.T, np.ones(places + 1)])
    return np.linalg.lstsq(system, np.append(np.zeros(places + 1), 1.0), rcond=None)[0]


@pytest.mark.parametrize(
    ("load", "servers", "blocked"),
    # from published Erlang B tables: erlangs that give 1% blocking
    [(0.0101, 1, 0.01), (4.4612, 10, 0.01), (84.064, 100, 0.01), (0.1526, 2, 0.01)],
)
def test_erlang_b_agrees_with_the_published_tables(load, servers, blocked):
    assert queues.erlang_b(load, servers) == pytest.approx(blocked, rel=2e-3)


@given(st.floats(0.01, 60), st.integers(0, 120))
def test_erlang_b_is_the_formula_itself(load, servers):
    exact = (load**servers / factorial(servers)) / sum(load**k / factorial(k) for k in range(servers + 1))
    assert queues.erlang_b(load, servers) == pytest.approx(exact, rel=1e-9, abs=1e-28)


def test_erlang_b_is_stable_for_a_million_servers():
    # heavy traffic limit: B ~ sqrt(2 / (pi c)) at load c (Jagerman 1974)
    c = 1_000_000
    assert queues.erlang_b(float(c), c) == pytest.approx((2 / (np.pi * c)) ** 0.5, rel=1e-3)
    assert 0 <= queues.erlang_b(0.5 * c, c) < 1e-100
    assert queues.erlang_b(2.0 * c, c) == pytest.approx(0.5, abs=1e-5)


def test_erlang_c_of_a_textbook_example():
    # Gross and Harris: lambda 6 per hour, service 20 minutes, 3 servers: r = 2, p0 = 1/9, Lq = 8/9
    queue = queues.mmc(6, 1 / 3, 3)
    assert queue.wait_probability == pytest.approx(4 / 9)
    assert queue.queue == pytest.approx(8 / 9)


@given(loads)
def test_one_server_is_mm1(rho):
    queue = queues.mmc(rho, 1.0, 1)
    assert queue.response == pytest.approx(1 / (1 - rho))
    assert queue.wait_probability == pytest.approx(rho)
    assert queues.mm1(rho, 1.0) == queue


@given(loads, counts)
def test_mmc_is_mmck_with_many_places(rho, servers):
    places = servers + int(40 / (1 - rho))
    queue, bounded = queues.mmc(rho * servers, 1.0, servers), queues.mmck(rho * servers, 1.0, servers, places)
    assert bounded.wait == pytest.approx(queue.wait, rel=1e-6, abs=1e-12)
    assert bounded.wait_probability == pytest.approx(queue.wait_probability, rel=1e-6)
    assert bounded.refused < 1e-12


@given(st.floats(0.05, 4.0), st.integers(1, 6), st.integers(0, 12))
def test_mmck_solves_the_chain(rho, servers, waiting):
    rate, places = rho * servers, servers + waiting
    p = chain(rate, 1.0, servers, places)
    queue = queues.mmck(rate, 1.0, servers, places)
    n = np.arange(places + 1)
    waiting_number = float(p @ np.maximum(n - servers, 0))
    assert queue.refused == pytest.approx(p[-1], rel=1e-6)
    assert queue.queue == pytest.approx(waiting_number, rel=1e-6, abs=1e-12)
    assert queue.wait == pytest.approx(waiting_number / (rate * (1 - p[-1])), rel=1e-6, abs=1e-12)
    assert queue.wait_probability == pytest.approx(p[servers:-1].sum() / (1 - p[-1]), rel=1e-6, abs=1e-12)
    assert queue.utilisation == pytest.approx(float(p @ np.minimum(n, servers)) / servers, rel=1e-6)


def test_a_full_station_without_places_refuses_as_erlang_b_whatever_the_law():
    for cv2 in (0.0, 1.0, 9.0):
        assert queues.limited(8.0, 1.0, 10, 0.0, cv2).refused == pytest.approx(queues.erlang_b(8.0, 10))


@given(st.floats(1.05, 5), st.integers(1, 20), st.floats(0, 4))
def test_an_overloaded_limited_station_carries_what_it_can(rho, servers, cv2):
    queue = queues.limited(rho * servers, 1.0, servers, 10_000.0, cv2)
    assert queue.refused == pytest.approx(1 - 1 / rho, abs=1e-6)
    assert 9_000 < queue.queue <= 10_000


@given(st.floats(1.0, 3.0), counts)
def test_an_overload_is_said(rho, servers):
    with pytest.raises(Overloaded):
        queues.mmc(rho * servers, 1.0, servers)


@given(loads, st.floats(0, 9))
def test_one_general_server_is_pollaczek_khinchine(rho, cv2):
    assert queues.mgc(rho, 1.0, 1, cv2).wait == pytest.approx(queues.mg1(rho, 1.0, cv2).wait)
    assert queues.allen_cunneen(rho, 1.0, 1, cv2).wait == pytest.approx(queues.mg1(rho, 1.0, cv2).wait)


@given(loads, counts)
def test_exponential_service_is_mmc(rho, servers):
    exact = queues.mmc(rho * servers, 1.0, servers).wait
    assert queues.mgc(rho * servers, 1.0, servers, 1.0).wait == pytest.approx(exact)
    assert queues.allen_cunneen(rho * servers, 1.0, servers, 1.0).wait == pytest.approx(exact)


def wait_in_mdc(load: float, servers: int) -> float:
    """The exact mean wait of M/D/c in service times, by Crommelin's (1932) embedded chain one service time apart."""
    size = servers + 400
    poisson = np.exp(-load + np.arange(size) * log(load) - np.cumsum(np.log(np.maximum(np.arange(size), 1))))
    p = np.zeros(size)
    p[0] = 1.0
    for _ in range(4000):
        left = np.concatenate([[p[: servers + 1].sum()], p[servers + 1 :]])
        after = np.convolve(left, poisson)[:size]
        if np.abs(after - p).max() < 1e-13:
            break
        p = after / after.sum()
    return float(p @ np.maximum(np.arange(size) - servers, 0)) / load


@pytest.mark.parametrize("servers", [2, 5, 20])
@pytest.mark.parametrize("rho", [0.5, 0.8, 0.95])
def test_fixed_service_is_within_four_percent_of_the_exact_wait(servers, rho):
    exact = wait_in_mdc(rho * servers, servers)
    assert queues.mgc(rho * servers, 1.0, servers, 0.0).wait == pytest.approx(exact, rel=0.04, abs=1e-4)


def test_the_better_formula_is_better_than_allen_cunneen_for_fixed_service():
    for servers, rho in [(5, 0.5), (20, 0.8)]:
        exact = wait_in_mdc(rho * servers, servers)
        ours = abs(queues.mgc(rho * servers, 1.0, servers, 0.0).wait - exact)
        assert ours < abs(queues.allen_cunneen(rho * servers, 1.0, servers, 0.0).wait - exact) / 2


@given(loads, counts, st.floats(0, 5), st.floats(0, 5))
def test_more_variable_service_waits_longer(rho, servers, one, other):
    low, high = sorted((one, other))
    assert queues.variability(rho * servers, servers, low) <= queues.variability(
        rho * servers, servers, high
    ) * (1 + 1e-9)


@given(loads, counts, st.floats(0, 4), st.floats(0, 1))
def test_more_regular_arrivals_wait_less(rho, servers, cv2, arrival_cv2):
    assert 0 <= queues.regularity(rho * servers, servers, cv2, arrival_cv2) <= 1 + 1e-12
    assert queues.regularity(rho * servers, servers, cv2, 1.0) == 1


def test_erlang_arrivals_against_the_exact_root():
    # E2/M/1: the wait is sigma s / (1 - sigma) with sigma = (2 l / (2 l + m (1 - sigma)))^2; here rho = 0.8
    sigma = 0.5
    for _ in range(500):
        sigma = (1.6 / (1.6 + 1 - sigma)) ** 2
    exact = sigma / (1 - sigma)
    assert queues.mgc(0.8, 1.0, 1, 1.0, arrival_cv2=0.5).wait == pytest.approx(exact, rel=0.03)


@given(loads, counts, st.floats(0.5, 0.9999))
def test_the_quantile_of_the_wait_inverts_its_distribution(rho, servers, share):
    t = queues.wait_quantile(rho * servers, 1.0, servers, share)
    later = queues.erlang_c(rho * servers, servers) * exp(-(servers - rho * servers) * t)
    assert later <= 1 - share + 1e-12
    assert t == 0 or isclose(later, 1 - share, rel_tol=1e-9)


@given(loads, counts)
def test_processor_sharing_is_insensitive_and_as_mmc(rho, cores):
    assert queues.mgc_ps(rho * cores, 1.0, cores) == queues.mmc(rho * cores, 1.0, cores).response
    assert queues.mg1_ps(rho, 1.0) == pytest.approx(queues.mgc_ps(rho, 1.0, 1))


def test_fork_and_join_of_two_between_its_limits():
    # no load: the later of two exponentials, 3/2; heavy load: 11/8 of one response
    assert queues.fork_join_two(1e-9, 1.0) == pytest.approx(1.5)
    assert queues.fork_join_two(0.999999, 1.0) * 1e-6 == pytest.approx(11 / 8, rel=1e-4)


def test_fork_and_join_of_two_against_the_solved_chain():
    rate, size = 0.4, 40
    index = {(i, j): i * size + j for i in range(size) for j in range(size)}
    generator = np.zeros((size * size, size * size))
    for (i, j), k in index.items():
        if i + 1 < size and j + 1 < size:
            generator[k, index[i + 1, j + 1]] = rate
        if i:
            generator[k, index[i - 1, j]] = 1.0
        if j:
            generator[k, index[i, j - 1]] = 1.0
    generator -= np.diag(generator.sum(axis=1))
    generator[:, -1] = 1.0
    p = np.linalg.solve(generator.T, np.append(np.zeros(size * size - 1), 1.0))
    # a job is inside until its later half is done; halves leave in order, so max(i, j) jobs are inside
    inside = sum(p[k] * max(i, j) for (i, j), k in index.items())
    assert queues.fork_join_two(rate, 1.0) == pytest.approx(inside / rate, rel=1e-6)


def test_a_jackson_network_is_stations_as_if_alone():
    # a shop with a feedback of 1/4 from the second to the first: rates 1/(3/4)
    first, second = queues.jackson([0.6, 0.0], [[0, 1], [0.25, 0]], [0.5, 1.0], [1, 2])
    assert first.utilisation == pytest.approx(0.8 * 0.5)
    assert second.response == pytest.approx(queues.mmc(0.8, 1.0, 2).response)


@given(st.floats(0, 1), st.integers(0, 10))
def test_attempts_are_the_sum_of_the_chances_to_come_so_far(failure, retries):
    assert queues.attempts(failure, retries) == pytest.approx(sum(failure**k for k in range(retries + 1)))
    assert queues.gives_up(failure, retries) == pytest.approx(failure ** (retries + 1))


def test_a_chance_beyond_one_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        queues.attempts(1.5, 1)


# ---- batches -----------------------------------------------------------------------------------------------------


@given(loads, st.floats(0, 4))
def test_a_batch_of_one_is_pollaczek_khinchine(rho, cv2):
    batches = queues.bulk(rho, 1.0, cv2, 1)
    assert batches.wait == pytest.approx(queues.mg1(rho, 1.0, cv2).wait)
    assert batches.size == 1


@pytest.mark.parametrize(("load", "most"), [(0.5, 1), (0.3, 4), (3.4, 4), (8.0, 10), (3.0, 100)])
def test_exponential_batches_solve_the_chain(load, most):
    size = 400  # states: idle, then busy with 0, 1, ... waiting
    generator = np.zeros((size + 1, size + 1))
    generator[0, 1] = load
    for n in range(size):
        if n + 1 < size:
            generator[n + 1, n + 2] = load
        generator[n + 1, 0 if n == 0 else n + 1 - min(n, most)] += 1.0
    generator -= np.diag(generator.sum(axis=1))
    generator[:, -1] = 1.0
    p = np.linalg.solve(generator.T, np.append(np.zeros(size), 1.0))
    batches = queues.bulk(load, 1.0, 1.0, most)
    assert batches.wait == pytest.approx(float(p[1:] @ np.arange(size)) / load, rel=1e-6)
    assert batches.size == pytest.approx(load / (1 - p[0]), rel=1e-6)
    assert batches.busy == pytest.approx(1 - p[0], rel=1e-6)


def simulated_batches(rate: float, most: int) -> tuple[float, float]:
    """Mean wait and batch of one consumer that takes 1 s for each batch, over 200,000 messages."""
    arrivals = np.cumsum(np.random.default_rng(7).exponential(1 / rate, 200_000))
    free, i, waits, batches = 0.0, 0, 0.0, 0
    while i < len(arrivals):
        start = max(free, arrivals[i])
        j = min(int(np.searchsorted(arrivals, start, side="right")), i + most)
        waits += (start - arrivals[i:j]).sum()
        free = start + 1.0
        batches += 1
        i = j
    return waits / len(arrivals), len(arrivals) / batches


@pytest.mark.parametrize(
    ("rate", "most"), [(0.3, 4), (2.0, 4), (3.4, 4), (20.0, 50), (45.0, 50), (5.0, 1000)]
)
def test_batches_of_fixed_service_are_within_10_percent_of_a_simulation(rate, most):
    wait, size = simulated_batches(rate, most)
    batches = queues.bulk(rate, 1.0, 0.0, most)
    assert batches.size == pytest.approx(size, rel=0.02)
    assert batches.wait == pytest.approx(wait, rel=0.10)


def test_a_consumer_that_cannot_keep_up_says_so():
    with pytest.raises(Overloaded, match="messages per second"):
        queues.bulk(10.0, 1.0, 1.0, 8)


@given(st.floats(1e-300, 1e-3), st.integers(1, 10**6))
def test_rare_batches_hold_one_message_that_meets_a_residual_service(load, most):
    batches = queues.bulk(load, 1.0, 1.0, most)
    assert batches.size == pytest.approx(1, rel=2e-3)
    assert batches.wait == pytest.approx(load, rel=5e-3)


@pytest.mark.parametrize("most", [1, 2, 500, 10**6])
def test_a_consumer_at_its_limit_waits_as_in_heavy_traffic(most):
    left = 1e-9
    # batches of about `most` leave once a second, and the queue drifts by `most * left` a second: its mean is the
    # variance per second over twice the drift, most^2 from exponential services and most from the arrivals
    batches = queues.bulk(most * (1 - left), 1.0, 1.0, most)
    assert batches.wait == pytest.approx((most**2 + most) / (2 * most * left) / most, rel=1e-3)


@pytest.mark.parametrize("cv2", [0.0, 1.0, 1e4, 1e17])
@given(loads, st.integers(1, 1000))
def test_a_single_server_varies_as_pollaczek_khinchine_however_much(cv2, rho, servers):
    assert queues.variability(rho, 1, cv2) == pytest.approx((1 + cv2) / 2)
    assert 0.5 <= queues.variability(rho * servers, servers, cv2) <= max(1.0, (1 + cv2) / 2) * (1 + 1e-9)


def test_hardly_any_load_has_the_ratio_of_light_traffic():
    assert queues.deterministic_ratio(5e-324, 1000) == pytest.approx(1000 / 1001)
