"""`scale` goes from the file to machines that come and go, and to figures, curves and costs."""

from __future__ import annotations

import json

import pytest

from tests.simulate.lower_designs import design_of, lowered, one_flow, station
from toscale.design import read_design
from toscale.document.as_json import component_json
from toscale.document.fault_json import fault_json
from toscale.document.fault_pictures import curves
from toscale.document.fault_tables import course_table, said_of
from toscale.document.simulated_tables import simulated_components_table
from toscale.engine.laws import Law
from toscale.engine.model import Pick
from toscale.requirements.cost import MONTH, cost
from toscale.requirements.values import sheet_of
from toscale.simulate.faults import simulate_fault
from toscale.simulate.lower import lower
from toscale.simulate.lowering import LoweringError
from toscale.simulate.run import simulate, with_asked
from toscale.theory import solve

WHOLE = "{target: 50%, at least: 2, at most: 9, boot: 2 s, over: 1 s, cool down: 3 s}"


def elastic(scale: str = WHOLE, more: str = "cores: 1", rate: str = "200 / s", extra: str = "") -> str:
    """Four machines are asked for: 200 calls a second of 10 ms, at half of one core each."""
    return (
        one_flow(
            components=f"{{app: {{kind: service, {more}, scale: {scale}}}}}",
            steps="[{app: 10 ms}]",
            rate=rate,
        )
        + extra
    )


def test_what_the_file_says_is_taken() -> None:
    found = station(lowered(elastic(more="cores: 1, replicas: 3")), "app")
    assert found.machines == 9
    assert found.running == 3
    scaling = found.scaling
    assert scaling is not None
    assert (scaling.target, scaling.least, scaling.begins) == (0.5, 2, 3)
    assert (scaling.every, scaling.pause, scaling.memory) == (1.0, 3.0, 3.0)
    assert scaling.boot == Law.fixed(2.0)


def test_what_it_leaves_open_is_taken_from_defaults_with_their_sources() -> None:
    result = lowered(elastic("{target: 50%}", "cores: 1, replicas: 3"))
    found = station(result, "app")
    assert found.machines == 30
    assert found.scaling is not None
    assert (found.scaling.least, found.scaling.every, found.scaling.pause, found.scaling.memory) == (
        1,
        15,
        0,
        300,
    )
    said = {one.what: one for one in result.defaults if one.component == "app"}
    for what in (
        "most replicas",
        "time of a start",
        "load is looked at every",
        "cool down",
        "tolerance of scaling",
    ):
        assert said[what].source
    assert not result.not_simulated


@pytest.mark.parametrize(
    "scale",
    [
        "{target: 0%}",
        "{target: 50%, at least: 5, at most: 4}",
        "{target: 50%, at least: 0}",
        "{target: 50%, over: 0 s}",
    ],
)
def test_impossible_figures_are_problems_with_their_place(scale: str) -> None:
    with pytest.raises(LoweringError) as raised:
        lowered(elastic(scale))
    assert raised.value.problems[0].code == "TS901"
    assert raised.value.problems[0].place.line > 0


def test_too_many_machines_are_a_problem() -> None:
    with pytest.raises(LoweringError) as raised:
        lowered(elastic("{target: 50%, at most: 1M}"))
    assert raised.value.problems[0].code == "TS902"


def test_what_stands_beside_has_as_many_machines() -> None:
    text = one_flow(
        components=f"{{app: {{kind: service, cores: 1, scale: {WHOLE}}}, side: {{kind: service, beside: app}}}}",
        steps="[{app: 10 ms, then: [{side: 1 ms}]}]",
    )
    result = lowered(text)
    side = station(result, "side")
    assert (side.machines, side.follows, side.scaling) == (9, "app", None)
    assert any(getattr(step, "pick", None) is Pick.BESIDE for step in result.model.flows[0].steps[0].body)  # type: ignore[union-attr]


def test_a_run_begins_with_what_the_load_asks_for_unless_it_begins_empty() -> None:
    result = lower(design_of(elastic()))
    twin = solve(result.model)
    assert twin.stations["app"].machines == 4
    assert with_asked(result.model, twin).stations[0].running == 4
    assert with_asked(result.model, twin, empty=True).stations[0].running == 2


def test_figures_and_costs_are_those_of_the_machines_that_were_there() -> None:
    design = design_of(elastic(extra="prices: {app: 1 USD / hour each}\n"))
    simulation = simulate(design, seed=1, duration=100.0)
    app = simulation.median.components["app"]
    assert app.machines is not None
    assert app.machines.value is not None
    assert 3.9 < app.machines.value < 6.1
    assert app.most_machines in (4, 5, 6)
    assert app.utilisation.value == pytest.approx(2.0 / app.machines.value, rel=0.15)
    said = component_json(app)
    assert said["machines"]["value"] == app.machines.value
    assert said["most_machines"] == app.most_machines
    assert said["short"]["value"] < 0.2
    json.dumps(said, allow_nan=False)
    run = simulation.median
    found = cost(design, sheet_of(design), run)
    assert found.total() * MONTH == pytest.approx(app.machines.value * 730.5)
    assert cost(design, sheet_of(design)).total() * MONTH == pytest.approx(2 * 730.5)
    assert run.series is not None
    assert all(x is None or 3 <= x <= 6 for x in run.series.values["app: machines"])
    table = simulated_components_table(simulation)
    assert "Machines" in [column.head for column in table.columns]


def test_under_a_surge_machines_rise() -> None:
    """Twice the load for 12 s: 4 machines, then ceil(4 / 0.5) = 8."""
    text = elastic(extra="faults: {rush: {at: 5 s, surge: f, by: 2x, for: 12 s}}\n")
    result = simulate_fault(read_design(text).sound(), "rush", upper=False)
    run = result.median
    assert run is not None
    app = run.components["app"]
    first = next(k for k, start in enumerate(run.starts) if start >= run.begins)
    known = [x or 0.0 for x in app.machines]
    assert 3.9 < known[0] < 5.5
    assert 7.0 < max(known) <= 9.0
    assert max(known[:first]) < 5.6
    assert app.grown is not None
    assert 2.0 < app.grown <= 14.0
    said = fault_json(result)
    assert said["median"]["components"]["app"]["series"]["machines"] == list(app.machines)
    assert any(
        "machines of app" in picture.title for one in curves({"rush": result}) for picture in one.pictures
    )
    assert any(column.head == "machines of app" for column in course_table(run, "f").columns)
    assert any("machines" in line for line in said_of(result, "the median rates", run))


def test_a_fault_of_some_replicas_concerns_those_that_there_are() -> None:
    text = elastic(extra="faults: {crash: {at: 2 s, lose: app, replicas: 50%, for: 4 s}}\n")
    run = simulate_fault(read_design(text).sound(), "crash", upper=False).median
    assert run is not None
    worst = run.flows["f"].worst_failed.value
    assert worst is not None
    assert 0.3 < worst < 0.7
