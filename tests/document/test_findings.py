"""What is gathered of a design: at which loads it is judged, what fills up first, what breaks as it grows."""

from __future__ import annotations

import pytest

from tests.document.made import design, simulation
from toscale.design import Design
from toscale.document.findings import all_problems, find, judge_at, multiples, saturation
from toscale.requirements.verdicts import Status

AT = "    grown: p99(look) <= 10 ms at 10x\n"


def with_target(line: str) -> Design:
    text = design().source.text.replace("    quick:", line + "    quick:")  # type: ignore[union-attr]
    return Design.from_text(text)


def test_a_design_is_simulated_at_the_loads_that_its_targets_name() -> None:
    assert multiples(design()) == (1.0,)
    assert multiples(with_target(AT)) == (1.0, 10.0)
    assert multiples(with_target(AT), 10.0) == (10.0,)
    assert multiples(with_target(AT), 3.0) == (3.0, 10.0)
    many = "".join(f"    g{k}: p99(look) <= 10 ms at {k}x\n" for k in range(2, 40))
    assert len(multiples(with_target(many))) <= 4


def test_targets_are_judged_at_the_load_that_is_asked_for() -> None:
    made = with_target(AT)
    ten_times = simulation(multiple=10.0)
    named, unnamed = judge_at(made, {10.0: ten_times}, 10.0)
    # p99 is 20 ms at the median: above 10 ms, below 200 ms.
    assert (named.status, unnamed.status) == (Status.MISSED, Status.MET)
    assert unnamed.text == "p99(look) <= 200 ms"
    named, unnamed = judge_at(made, {1.0: simulation()}, 1.0)
    assert (named.status, unnamed.status) == (Status.UNKNOWN, Status.MET)


def test_what_fills_up_first_is_what_is_used_most() -> None:
    made, ran = design(), simulation()
    assert ran.upper is not None
    assert [(one.component, one.of) for one in saturation(made, ran.upper)] == [
        ("app", "slots"),
        ("store", "slots"),
    ]


def test_growth_is_told_by_theory_at_each_multiple() -> None:
    found = find(design(), {1.0: simulation()})
    once, hundredfold = found.growth
    assert (once.multiple, hundredfold.multiple) == (1.0, 100.0)
    # 2.8M visits a day at 4.2 times: 139 a second, 5 ms each, 16 slots. A hundredfold needs 69 of the 16.
    assert once.overloaded == ()
    assert once.busiest is not None
    assert once.busiest[1] == pytest.approx(139 * 0.005 / 16, rel=0.1)
    assert "app" in hundredfold.overloaded
    assert hundredfold.p99["look"] is None


def test_a_design_without_flows_has_findings_too() -> None:
    found = find(Design.from_text(""), {})
    assert found.verdicts == ()
    assert found.simulation is None
    assert not found.missed


def test_problems_are_those_of_the_file_of_its_values_and_of_what_is_vague() -> None:
    found = all_problems(design())
    assert list(found) == sorted(found, key=lambda problem: (problem.place, problem.code))
    codes = {problem.code for problem in found}
    assert {"TS602", "TS607"} <= codes
    assert not [problem for problem in found if problem.severity == "error"]
    beyond = Design.from_text("estimates: {a: 1 / s, none: 1 - 1, b: a / none}")
    assert [p for p in all_problems(beyond) if p.severity == "error"]
