"""A function's `cold start` and `idle` go from the file to its instances, and to figures."""

from __future__ import annotations

import json
from math import exp

import pytest

from tests.simulate.lower_designs import design_of, lowered, one_flow, station
from toscale.document.as_json import component_json
from toscale.document.simulated_tables import simulated_components_table
from toscale.engine.laws import Law
from toscale.engine.model import Instances
from toscale.simulate.run import simulate


def of(words: str, rate: str = "10 / s") -> str:
    return one_flow(components=f"{{fn: {{kind: function{words}}}}}", steps="[{fn: 1 ms fixed}]", rate=rate)


def test_what_the_file_says_is_taken() -> None:
    found = station(lowered(of(", cold start: 300 ms fixed, idle: 5 min, concurrency: 50")), "fn")
    assert found.instances == Instances(Law.fixed(0.3), 300.0)
    assert found.slots == 50


def test_what_it_leaves_open_has_a_source_or_is_said() -> None:
    result = lowered(of(", cold start: 300 ms"))
    found = station(result, "fn").instances
    assert found is not None
    assert found.keep == 600.0
    assert found.cold.mean == pytest.approx(0.3)
    assert {"idle", "spread of times"} <= {one.what for one in result.defaults if one.component == "fn"}
    assert not result.not_simulated
    warm = lowered(of(""))
    assert station(warm, "fn").instances is None
    assert any("always warm" in note.text for note in warm.notes)


def test_the_share_of_cold_starts_and_the_instances_are_figures() -> None:
    """Calls of 1 ms, 2 a second, kept for a second: one in e^2 finds none that is warm, and takes 10 ms longer."""
    design = design_of(of(", cold start: 10 ms fixed, idle: 1 s", "2 / s"))
    simulation = simulate(design, seed=1, duration=8_000.0)
    fn = simulation.median.components["fn"]
    assert fn.cold is not None
    assert fn.cold.value is not None
    assert fn.instances is not None
    assert fn.instances.value is not None
    assert fn.cold.value == pytest.approx(exp(-2.0), rel=0.1)
    assert 0.8 < fn.instances.value < 1.2
    mean = simulation.median.flows["f"].latency.answered["mean"].value
    assert mean == pytest.approx(0.001 + 0.01 * fn.cold.value, rel=0.1)
    said = component_json(fn)
    assert said["cold"]["value"] == fn.cold.value
    assert said["instances"]["value"] == fn.instances.value
    json.dumps(said, allow_nan=False)
    heads = [column.head for column in simulated_components_table(simulation).columns]
    assert "Cold starts" in heads
    assert "Instances" in heads
