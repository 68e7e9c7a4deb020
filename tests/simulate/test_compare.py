"""Theory and simulation disagree where an assumption is broken, and only there."""

from __future__ import annotations

from dataclasses import replace

from toscale.engine.laws import Law
from toscale.engine.model import Flow, Model, Poisson, Station, Visit, Work
from toscale.simulate.compare import TOLERANCE, disagreements
from toscale.simulate.run import simulate_model
from toscale.theory import solve


def queue() -> Model:
    visit = Visit("v", "s", Work.of(Law.exponential(0.01)))
    return Model(stations=(Station("s", slots=1),), flows=(Flow("f", Poisson.at(70.0), (visit,)),))


def test_an_exact_theory_agrees() -> None:
    model = queue()
    assert disagreements(solve(model), simulate_model(model, precision=0.05)) == ()


def test_a_wrong_theory_is_named_with_both_figures_and_a_reason() -> None:
    """The theory of a queue at another load, beside the simulation of this one."""
    model = queue()
    other = replace(model, flows=(replace(model.flows[0], source=Poisson.at(90.0)),))
    found = disagreements(solve(other), simulate_model(model, precision=0.05))
    assert {(d.subject, d.measure) for d in found} == {
        ("f", "mean latency"),
        ("s", "utilisation"),
        ("s", "waiting"),
    }
    for one in found:
        assert one.why
        low, high = one.simulated.low, one.simulated.high
        assert low is not None
        assert high is not None
        assert one.theory > high * (1 + TOLERANCE / 2)


def test_what_lies_within_the_interval_or_close_by_is_not_worth_a_word() -> None:
    model = queue()
    near = replace(model, flows=(replace(model.flows[0], source=Poisson.at(70.5)),))
    assert disagreements(solve(near), simulate_model(model, precision=0.05)) == ()
