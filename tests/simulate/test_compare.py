"""Theory and simulation disagree where an assumption is broken, and only there; pairs have a paired t interval."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from toscale.engine.laws import Law
from toscale.engine.model import Flow, Model, Poisson, Station, Visit, Work
from toscale.simulate.compare import TOLERANCE, disagreements, paired_difference
from toscale.simulate.result import Figure
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


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=20))
def test_the_difference_of_pairs_has_the_interval_of_the_paired_t_test(
    pairs: list[tuple[float, float]],
) -> None:
    before, after = zip(*pairs, strict=True)
    found = paired_difference(before, after)
    gaps = [b - a for a, b in pairs]
    assert found.value == pytest.approx(statistics.fmean(gaps), abs=1e-9)
    half = scipy.stats.t.ppf(0.975, len(gaps) - 1) * statistics.stdev(gaps) / len(gaps) ** 0.5
    assert found.low == pytest.approx(found.value - half, rel=1e-3, abs=1e-3 * half + 1e-9)
    assert found.high == pytest.approx(found.value + half, rel=1e-3, abs=1e-3 * half + 1e-9)


def test_one_pair_has_no_interval_and_none_no_difference() -> None:
    assert paired_difference([1.0], [3.0]) == Figure(2.0, reason="one pair has no interval")
    for before, after in (([], []), ([1.0], [1.0, 2.0])):
        with pytest.raises(ValueError, match="no pairs"):
            paired_difference(before, after)
