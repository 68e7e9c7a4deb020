"""Queues with a bound, a linger and deliveries: exact where there is a closed form, near the engine elsewhere."""

from __future__ import annotations

import pytest

from toscale.engine.laws import Law
from toscale.engine.model import (
    Buffer,
    Call,
    Chance,
    Consume,
    Delay,
    End,
    Flow,
    If,
    Model,
    Outcome,
    Poisson,
    Send,
    Step,
    Work,
)
from toscale.simulate.run import simulate_model
from toscale.theory import solve
from toscale.theory.queues import mmck


def model(
    rate: float, consume: Consume, *steps: Step, buffers: tuple[Buffer, ...], more: tuple[Flow, ...] = ()
) -> Model:
    send = Call("c", (Send("s", "q"),), handlers={Outcome.REFUSED: ()})
    return Model(
        buffers=buffers, flows=(Flow("f", Poisson.at(rate), (send,)), Flow("con", consume, steps), *more)
    )


WORK = Delay("w", Work.of(Law.exponential(0.1)))


@pytest.mark.parametrize(("rate", "most"), [(5.0, 3), (9.0, 1), (30.0, 10)])
def test_a_bound_is_m_m_1_k(rate: float, most: int) -> None:
    twin = solve(model(rate, Consume("q"), WORK, buffers=(Buffer("q", most=most),)))
    assert twin.converged
    lost = mmck(rate, 0.1, 1, most + 1).refused
    assert twin.flows["con"].rate == pytest.approx(rate * (1 - lost), rel=1e-4)
    assert not twin.overloaded


def test_a_linger_is_waited_for() -> None:
    """No work: of the 1 + r L messages of a batch the first waits L, the others L / 2."""
    twin = solve(model(4.0, Consume("q", 1000, 0.5), buffers=(Buffer("q"),)))
    assert twin.buffers["q"].wait == pytest.approx((0.5 + 2 * 0.25) / 3, rel=1e-6)
    assert twin.buffers["q"].batch == pytest.approx(3.0, rel=1e-6)


def test_deliveries_are_a_load_and_the_dead_go_on() -> None:
    fails = If("i", Chance(0.4), (End("e", Outcome.FAILED),))
    made = model(
        2.0,
        Consume("q"),
        WORK,
        fails,
        buffers=(Buffer("q", deliveries=3, dead="dead"), Buffer("dead")),
        more=(Flow("bury", Consume("dead"), ()),),
    )
    twin = solve(made)
    assert twin.flows["con"].rate == pytest.approx(2.0)
    assert twin.flows["con"].failed["failed"] == pytest.approx(0.4**3)
    assert twin.flows["bury"].rate == pytest.approx(2.0 * 0.4**3)
    assert twin.buffers["q"].utilisation == pytest.approx(2.0 * (1 + 0.4 + 0.16) * 0.1)
    seen = simulate_model(made, duration=8_000.0)
    queue = seen.components["q"]
    assert queue.redelivered is not None
    assert queue.dead is not None
    assert queue.redelivered.value == pytest.approx(2.0 * (0.4 + 0.16), rel=0.05)
    assert queue.dead.value == pytest.approx(2.0 * 0.4**3, rel=0.1)
