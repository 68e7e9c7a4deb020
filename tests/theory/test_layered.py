"""One machine against chains solved by numpy: slots, cores, both, few callers, and slots held across a call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.engine.laws import Law
from toscale.engine.model import Flow, Model, Poisson, Policy, Station, Visit, Work
from toscale.theory import queues, solve
from toscale.theory.layered import Load, machine, throughputs, two_choices

loads = st.floats(0.02, 0.97)


def load(**given_values: object) -> Load:
    values = {"rate": 1.0, "work": 1.0, "body": 0.0, "cv2": 1.0, "slots": None, "cores": None, **given_values}
    return Load(**values)  # type: ignore[arg-type]


@given(loads, st.integers(1, 30))
def test_slots_alone_are_mmc(rho, slots):
    answer = machine(load(rate=rho * slots, slots=slots))
    exact = queues.mmc(rho * slots, 1.0, slots)
    assert answer.wait == pytest.approx(exact.wait)
    assert answer.wait_probability == pytest.approx(exact.wait_probability)
    assert answer.stretch == 1


@given(loads, st.integers(1, 30))
def test_cores_alone_are_processor_sharing(rho, cores):
    answer = machine(load(rate=rho * cores, cores=cores))
    assert answer.stretch == pytest.approx(queues.mgc_ps(rho * cores, 1.0, cores))
    assert answer.wait == 0


@given(loads, st.integers(1, 6), st.integers(1, 10))
def test_slots_and_cores_with_exponential_work_have_as_many_inside_as_mmc(rho, cores, more):
    # whether one waits for a slot or shares a core, the number in the machine is that of M/M/c
    answer = machine(load(rate=rho * cores, cores=cores, slots=cores + more))
    assert answer.stretch + answer.wait == pytest.approx(queues.mmc(rho * cores, 1.0, cores).response)


@given(loads, st.integers(1, 6), st.integers(1, 10), st.integers(0, 20))
def test_a_waiting_limit_with_slots_and_cores_is_mmck(rho, cores, more, waiting):
    answer = machine(load(rate=2 * rho * cores, cores=cores, slots=cores + more, waiting=waiting))
    exact = queues.mmck(2 * rho * cores, 1.0, cores, cores + more + waiting)
    assert answer.refused == pytest.approx(exact.refused, rel=1e-6)
    assert answer.stretch + answer.wait == pytest.approx(exact.response, rel=1e-6)


@given(st.integers(1, 40), st.integers(1, 8), st.floats(0.01, 20))
def test_throughputs_grow_to_what_the_cores_can_do(slots, cores, body):
    rates = throughputs(slots, cores, 1.0, body)
    assert rates[0] == pytest.approx(1 / (1 + body))
    assert np.all(np.diff(rates) > -1e-9)
    assert rates[-1] <= cores * (1 + 1e-9)


@given(st.floats(1.01, 4), st.integers(1, 20))
def test_an_overload_names_the_share_that_is_too_much(rho, slots):
    answer = machine(load(rate=rho * slots, slots=slots))
    assert answer.excess == pytest.approx(1 - 1 / rho)


def test_as_many_callers_as_slots_never_wait():
    assert machine(load(rate=3.9, slots=4, callers=4)).wait == 0
    assert machine(load(rate=3.9, slots=4, callers=5)).wait < machine(load(rate=3.9, slots=4)).wait
    many = machine(load(rate=3.0, slots=4, callers=1000))
    assert many.wait == pytest.approx(machine(load(rate=3.0, slots=4)).wait)


def test_a_closed_loop_slows_down_instead_of_overloading():
    crowded = machine(load(rate=9.0, slots=4, callers=10, closed=True))
    assert crowded.excess == 0
    assert crowded.wait == pytest.approx(6 / 4)  # ten callers, four in service: Little's law at 4 per second


# ---- two choices -------------------------------------------------------------------------------------------------


@given(st.floats(0.05, 0.97))
def test_two_choices_among_single_servers_is_mitzenmachers_sum(rho):
    response = sum(rho ** (2.0**i - 2) for i in range(1, 40))
    wait, _ = two_choices(rho, 1)
    assert wait + 1 == pytest.approx(response, rel=1e-9)


@given(st.floats(0.1, 0.95), st.integers(2, 40))
def test_two_choices_among_machines_is_a_fixed_point_of_its_equations(rho, slots):
    """Iterating the mean-field equations from empty machines reaches the same queue."""
    wait, waits = two_choices(rho, slots)
    a = rho * slots
    size = slots + 60
    served = np.minimum(np.arange(1, size), slots)
    s = np.concatenate([[1.0], np.zeros(size)])
    step = 0.4 / (a + slots)
    for _ in range(30_000):
        change = a * (s[:-2] ** 2 - s[1:-1] ** 2) - served * (s[1:-1] - s[2:])
        s[1:-1] += step * change
        if np.abs(change).max() < 1e-9:
            break
    assert waits == pytest.approx(s[slots] ** 2, abs=1e-5)
    assert wait == pytest.approx(s[slots + 1 :].sum() / a, abs=1e-5)


# ---- slots held across a call ------------------------------------------------------------------------------------


def held_across(
    rate: float, first: float, slots: int, second: float, connections: int
) -> tuple[float, float]:
    """Mean response, and mean wait for the second station, of a solved chain: Poisson calls hold one of `slots`
    for an exponential time and then for a call of the second station, which has `connections`.

    States: (in the system, at the second station); at most 150 in the system.
    """
    most = 150
    index: dict[tuple[int, int], int] = {}
    for n in range(most + 1):
        for k in range(min(n, slots) + 1):
            index[n, k] = len(index)
    generator = np.zeros((len(index), len(index)))
    for (n, k), here in index.items():
        if n < most:
            generator[here, index[n + 1, k]] += rate
        working = min(n, slots) - k
        if working:
            generator[here, index[n, k + 1]] += working / first
        if k:
            generator[here, index[n - 1, k - 1]] += min(k, connections) / second
    generator -= np.diag(generator.sum(axis=1))
    generator[:, -1] = 1.0
    p = np.linalg.solve(generator.T, np.append(np.zeros(len(index) - 1), 1.0))
    inside = sum(p[i] * n for (n, _), i in index.items())
    waiting = sum(p[i] * max(0, k - connections) for (_, k), i in index.items())
    return inside / rate, waiting / rate


def held_model(rate: float, first: float, slots: int, second: float, connections: int) -> Model:
    inner = Visit("db", "db", Work.of(Law.exponential(second)))
    outer = Visit("app", "app", Work.of(Law.exponential(first)), body=(inner,))
    return Model(
        stations=(Station("app", slots=slots), Station("db", slots=connections)),
        flows=(Flow("ask", Poisson.at(rate), (outer,)),),
    )


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.8])
@pytest.mark.parametrize(
    ("first", "slots", "second", "connections"),
    [
        (1.0, 4, 1.0, 4),
        (1.0, 6, 1.0, 3),
        (0.5, 8, 2.0, 6),
        (2.0, 10, 0.5, 2),
        (1.0, 16, 1.0, 7),
        (0.2, 4, 1.0, 3),
    ],
)
def test_two_stations_are_within_6_percent_of_the_solved_chain(
    utilisation, first, slots, second, connections
):
    """The error of the layered fixed point: below 6% of the mean response, and 3% of the wait inside, up to 80% of the throughput limit."""
    rate = utilisation * min(connections / second, slots / (first + second))
    exact, waiting = held_across(rate, first, slots, second, connections)
    twin = solve(held_model(rate, first, slots, second, connections))
    assert twin.flows["ask"].latency == pytest.approx(exact, rel=0.06)
    assert twin.stations["db"].wait == pytest.approx(waiting, rel=0.03, abs=1e-9)


def test_nobody_waits_for_connections_where_each_slot_has_its_own():
    exact, waiting = held_across(1.5, 1.0, 4, 1.0, 4)
    twin = solve(held_model(1.5, 1.0, 4, 1.0, 4))
    assert waiting == pytest.approx(0)
    assert twin.stations["db"].wait == 0
    assert twin.flows["ask"].latency == pytest.approx(exact, rel=0.05)


# ---- policies ----------------------------------------------------------------------------------------------------


def waits(policy: Policy) -> float:
    visit = Visit("call", "app", Work.of(Law.exponential(1.0)))
    model = Model(
        (Station("app", 8, slots=2, policy=policy),), flows=(Flow("f", Poisson.at(13.0), (visit,)),)
    )
    wait = solve(model).stations["app"].wait
    assert wait is not None
    return wait


def test_policies_wait_in_their_order():
    assert waits(Policy.SHARED) == pytest.approx(queues.mmc(13.0, 1.0, 16).wait)
    assert waits(Policy.RANDOM) == pytest.approx(queues.mmc(13.0 / 8, 1.0, 2).wait)
    order = [Policy.SHARED, Policy.TWO_CHOICES, Policy.ROUND_ROBIN, Policy.RANDOM]
    figures = [waits(policy) for policy in order]
    assert figures == sorted(figures)
    assert waits(Policy.LEAST_OUTSTANDING) == waits(Policy.SHARED)


@pytest.mark.parametrize("rate", [0.01, 100.0, 3_900.0])
def test_slots_that_are_never_taken_change_nothing(rate):
    few, many = (machine(load(rate=rate, work=0.001, body=0.2, slots=n, cores=4)) for n in (9_000, 1_000_000))
    assert many.stretch == pytest.approx(few.stretch, rel=1e-9)
    assert [many.wait, few.wait] == pytest.approx([0, 0])
    assert many.capacity == few.capacity


@pytest.mark.parametrize(("slots", "body"), [(1_000_000, 0.0), (1_000_000, 100.0), (20_000, 1.0)])
def test_too_many_for_a_million_slots_fill_them_and_the_queue(slots, body):
    answer = machine(load(rate=8_000.0, work=0.001, body=body, slots=slots, cores=4, waiting=400))
    capacity = min(4_000.0, slots / (0.001 + body))
    assert answer.capacity == pytest.approx(capacity)
    assert answer.refused == pytest.approx(1 - capacity / 8_000)
    assert answer.wait == pytest.approx(400 / capacity)
    assert capacity * (0.001 * answer.stretch + body) == pytest.approx(slots)  # Little's law


def test_the_fluid_limit_is_near_the_chain_at_its_border():
    full, chain = (
        machine(load(rate=8_000.0, work=0.001, slots=n, cores=4, waiting=400)) for n in (10_001, 10_000)
    )
    for figure in ("stretch", "wait", "wait_probability", "refused"):
        assert getattr(full, figure) == pytest.approx(getattr(chain, figure), rel=0.01)


def test_nearly_all_refused_leaves_finite_waits():
    answer = machine(load(rate=1e12, work=0.0, body=5e8, slots=4, waiting=3, curve=(2e-9, 4e-9, 6e-9, 8e-9)))
    assert answer.refused == pytest.approx(1)
    assert answer.wait == pytest.approx(3 / 8e-9)
