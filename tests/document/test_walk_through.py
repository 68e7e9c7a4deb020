"""Each flow has its sequences and, with a simulation, its waterfalls."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.cli.calls import EXAMPLES
from toscale.design.model import Design
from toscale.document.walk_through import walk_through
from toscale.simulate.run import simulate


def test_each_flow_is_told_and_its_requests_shown() -> None:
    design = Design.load(EXAMPLES / "url_shortener.design.yaml")
    told = walk_through(design)
    assert [walk.flow for walk in told] == list(design.flows)
    assert [step.heading for step in told[0].steps] == ["The happy path", "When something goes wrong"]
    simulation = simulate(design, duration=4.0, upper=False)
    shown = walk_through(design, simulation, most_events=500_000)
    for walk in shown:
        headings = " ".join(step.heading for step in walk.steps)
        assert "A typical request" in headings
        assert "A slow request" in headings
        for step in walk.steps:
            assert ET.fromstring(step.svg).get("role") == "img"
            assert step.least > 100
