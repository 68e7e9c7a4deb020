"""Who waits for how long where the urgent go first: Cobham's formula, and the order itself.

Statistical tests have fixed seeds; the tolerance is some five standard errors.
"""

from __future__ import annotations

import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Call,
    Clock,
    Delay,
    Discipline,
    Flow,
    Model,
    Outcome,
    Poisson,
    Priority,
    Station,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK
from toscale.engine.tree import schedule
from toscale.theory import solve

CLASSES = tuple(Priority)


def classes(rates: tuple[float, ...], laws: tuple[Law, ...], slots: int = 1) -> Model:
    """A flow of each class at one station."""
    flows = tuple(
        Flow(p.name, Poisson.at(rate), (Visit(f"v{p}", "s", Work.of(law)),), p)
        for p, rate, law in zip(CLASSES, rates, laws, strict=True)
    )
    return Model(stations=(Station("s", slots=slots, discipline=Discipline.PRIORITY),), flows=flows)


def waits(model: Model, laws: tuple[Law, ...], seconds: float) -> list[float]:
    made = Replication(model, compile_model(model), "1", seconds / 4)
    made.run(4)
    made.check_conservation()
    meters = made.state.meters
    return [float(m.total) / int(m.done) * TICK - law.mean for m, law in zip(meters, laws, strict=True)]


def cobham(rates: tuple[float, ...], laws: tuple[Law, ...]) -> list[float]:
    """Residual work in service over (1 - s[k-1]) (1 - s[k])."""
    residual = sum(r * law.second_moment for r, law in zip(rates, laws, strict=True)) / 2
    found, before = [], 0.0
    for rate, law in zip(rates, laws, strict=True):
        upto = before + rate * law.mean
        found.append(residual / ((1 - before) * (1 - upto)))
        before = upto
    return found


@pytest.mark.parametrize(
    ("rates", "laws"),
    [
        ((2.0, 3.0, 3.0), (Law.exponential(0.1),) * 3),
        ((3.0, 1.0, 0.4), (Law.fixed(0.05), Law.exponential(0.3), Law.gamma(0.8, 0.5))),
    ],
)
def test_the_waits_at_one_slot_are_those_of_cobham_in_the_engine_and_in_theory(
    rates: tuple[float, ...], laws: tuple[Law, ...]
) -> None:
    model = classes(rates, laws)
    exact = cobham(rates, laws)
    assert waits(model, laws, 40_000.0) == pytest.approx(exact, rel=0.06)
    twin = solve(model)
    by_theory = [(twin.flows[p.name].latency or 0.0) - law.mean for p, law in zip(CLASSES, laws, strict=True)]
    assert by_theory == pytest.approx(exact, rel=1e-4)


def test_the_waits_at_several_slots_with_exponential_times() -> None:
    """M/M/c: the wait in the order of arrival times (1 - rho) / ((1 - s[k-1]) (1 - s[k]))."""
    rates, laws = (10.0, 12.0, 12.0), (Law.exponential(0.1),) * 3
    one = Model(
        stations=(Station("s", slots=4),),
        flows=(Flow("f", Poisson.at(34.0), (Visit("v", "s", Work.of(laws[0])),)),),
    )
    all_of_them = (solve(one).flows["f"].latency or 0.0) - 0.1
    exact, before = [], 0.0
    for rate in rates:
        upto = before + rate * 0.1 / 4
        exact.append(all_of_them * (1 - 0.85) / ((1 - before) * (1 - upto)))
        before = upto
    assert waits(classes(rates, laws, 4), laws, 20_000.0) == pytest.approx(exact, rel=0.06)


def test_the_urgent_go_first_and_each_class_in_the_order_of_arrival() -> None:
    """One slot of 100 ms; six come while it is taken, in the order low, high, normal, low, high, normal."""
    order = (Priority.LOW, Priority.HIGH, Priority.NORMAL) * 2
    work = Work.of(Law.fixed(0.1))
    flows = [Flow("first", Clock(1e3), (Visit("v", "s", work),))]
    flows += [
        Flow(
            f"f{k}",
            Clock(1e3),
            (Delay(f"d{k}", Work.of(Law.fixed(0.01 * (k + 1)))), Visit(f"v{k}", "s", work)),
            p,
        )
        for k, p in enumerate(order)
    ]
    model = Model(
        stations=(Station("s", slots=1, discipline=Discipline.PRIORITY),),
        flows=tuple(flows),
    )
    made = Replication(model, compile_model(model), "1", 1.0)
    for k in range(len(flows)):  # all clocks tick at the beginning
        schedule(made.state, k, 0)
    made.run(1)
    made.check_conservation()
    ends = [float(m.total) * TICK for m in made.state.meters]
    by_end = sorted(range(len(flows)), key=lambda k: ends[k])
    assert by_end == [0, 2, 5, 3, 6, 1, 4]


def test_who_gives_up_leaves_its_place_to_those_behind() -> None:
    """Many that give up while they wait, in all classes: the queue stays whole, as conservation counts it."""
    laws = (Law.exponential(0.1),) * 3
    call = {
        p: Call(
            f"c{p}", (Visit(f"v{p}", "s", Work.of(laws[0])),), timeout=0.15, handlers={Outcome.TIMED_OUT: ()}
        )
        for p in CLASSES
    }
    model = Model(
        stations=(Station("s", slots=1, waiting=8, discipline=Discipline.PRIORITY),),
        flows=tuple(
            Flow(p.name, Poisson((5.0, 5.0, 0.0), (0.0, 200.0, 200.001)), (call[p],), p) for p in CLASSES
        ),
    )
    made = Replication(model, compile_model(model), "1", 50.0)
    made.run(8)
    made.check_conservation()
    station = made.state.stations[0]
    assert int(station.abandoned) > 100
    assert int(station.waiting) == int(station.busy) == 0
    assert (made.state.lasts_by_class == -1).all()
