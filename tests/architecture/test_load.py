"""Do the figures of a drawing add up? What goes into a box is what theory says that it gets."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import pytest

from toscale.architecture import draw
from toscale.architecture.load import BUSY, State
from toscale.design.load import read_design
from toscale.design.model import Design
from toscale.simulate.lower import lower
from toscale.theory import solve

EXAMPLES = Path(__file__).parents[2] / "examples"

WAYS = """
requirements: {users: {visitor: looks, robot: asks}}
estimates: {visits: RATE}
components:
  edge: {kind: load_balancer}
  app: {kind: service, replicas: 2, cores: 2, concurrency: 32}
  db: {kind: database, connections: 20}
flows:
  look: {from: visitor, rate: visits, steps: [{edge > app: 2 ms, then: [{db: read page}, {db: read page}]}]}
  ask: {from: robot, rate: 10 / s, steps: [{edge > app: 2 ms}]}
data: {page: {stored in: db, size: 1 kB, how many: 1000}}
"""


def design(rate: str = "100 / s") -> Design:
    return Design.from_text(WAYS.replace("RATE", rate))


@pytest.mark.parametrize("name", ["url_shortener", "news_feed"])
@pytest.mark.parametrize("multiple", [1.0, 0.2])
def test_what_comes_along_the_edges_is_what_arrives(name: str, multiple: float) -> None:
    of = Design.load(EXAMPLES / f"{name}.design.yaml")
    twin = solve(lower(of, multiple=multiple).model)
    into: dict[str, float] = defaultdict(float)
    for (_, target), rate in draw(of, multiple=multiple).figures.rates.items():
        assert not rate.at_least
        into[target] += rate.value
    batches = {"counter": twin.buffers["clicks"].batch or 1.0} if name == "url_shortener" else {}
    for component in of.components:
        if component in twin.buffers:
            assert into[component] == pytest.approx(twin.buffers[component].rate, rel=1e-6)
        else:
            arrivals = twin.stations[component].arrivals * batches.get(component, 1.0)
            assert into[component] == pytest.approx(arrivals, rel=1e-3)


def test_rates_are_those_of_the_flows() -> None:
    rates = {ends: rate.value for ends, rate in draw(design()).figures.rates.items()}
    assert rates == pytest.approx(
        {("visitor", "edge"): 100, ("edge", "app"): 110, ("app", "db"): 200, ("robot", "edge"): 10}
    )


def test_a_multiple_multiplies_and_the_upper_end_is_higher() -> None:
    uncertain = design("50 to 200 / s")
    median, tenfold, upper = (
        draw(uncertain, multiple=multiple, at=at).figures.rates["visitor", "edge"].value  # type: ignore[arg-type]
        for multiple, at in ((1, "median"), (10, "median"), (1, "upper"))
    )
    assert median == pytest.approx(100, rel=0.01)
    assert tenfold == pytest.approx(10 * median)
    assert upper == pytest.approx(200, rel=0.01)


@pytest.mark.parametrize(
    ("rate", "state"), [("100 / s", State.CALM), ("1750 / s", State.BUSY), ("3000 / s", State.OVERLOADED)]
)
def test_the_verdict_follows_the_load(rate: str, state: State) -> None:
    load = draw(design(rate)).figures.loads["app"]
    assert load.state is state
    asked = float(rate.split()[0]) + 10
    if state is State.OVERLOADED:
        assert "too many" in load.text
    else:
        assert load.used == pytest.approx(asked * 0.002 / 4, rel=1e-6)
        assert (load.used >= BUSY) is (state is State.BUSY)
        assert f"{100 * load.used:.0f}%" in load.text or f"{100 * load.used:.1f}%" in load.text


IMPOSSIBLE = """
toscale: 1
title: Impossible
requirements: {users: {buyer: asks again and again}}
components:
  edge: {kind: cdn}
  door: {kind: service, replicas: 2}
  settler: {kind: worker}
  provider: {kind: external}
  line: {kind: key_value}
flows:
  wait:
    from: buyer
    rate: 100 / s
    steps:
      - edge > door: 0.3 ms
      - repeat: {every: 10 s, at most: 5 times}
        steps:
          - edge > door: 0.3 ms
            then:
              - line: read place
      - provider: 300 ms (p99 5 s)        # no lognormal is like this, so that the flow is left out
  settle:
    every: 1 s
    steps:
      - settler: 2 ms
        then:
          - repeat: {every: 10 s, at most: 24 times}
            steps:
              - provider: 300 ms (p99 5 s)
data:
  place: {stored in: line, how many: 1k}
"""


def test_what_is_not_simulated_is_at_least_or_not_known() -> None:
    drawing = draw(read_design(IMPOSSIBLE).sound())
    assert drawing.figures.source == "the file alone, as no flow can be simulated, at the median of the rates"
    assert all(load.state is State.UNKNOWN and load.why for load in drawing.figures.loads.values())
    known = drawing.figures.rates["edge", "door"]
    assert known.at_least
    assert known.text.startswith("≥ ")
    assert ("settler", "provider") not in drawing.figures.rates


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("url_shortener", "theory, at the median of the rates"),
        ("chat", "theory, and the file alone where a flow cannot be simulated, at the median of the rates"),
    ],
)
def test_a_drawing_says_where_its_figures_are_from(name: str, source: str) -> None:
    assert draw(Design.load(EXAMPLES / f"{name}.design.yaml")).figures.source == source


def test_what_theory_says_is_never_reached_has_a_rate_of_zero() -> None:
    held = """
requirements: {users: {visitor: looks}}
components: {cache: {kind: cache, memory: 1 GB}, app: {kind: service}, db: {kind: database}}
flows:
  look: {from: visitor, rate: 50 / s, steps: [{app: 1 ms, then: [{cache: get page, miss: [{db: read page}, {cache: put page}]}]}]}
data: {page: {stored in: db, size: 1 kB, how many: 10, popularity: uniform}}
"""
    rate = draw(Design.from_text(held)).figures.rates["app", "db"]
    assert rate.value < 1e-3
    assert not rate.at_least


def test_rates_of_the_file_stand_in_where_theory_has_none() -> None:
    drawing = draw(Design.load(EXAMPLES / "rate_limiter.design.yaml"))
    assert drawing.figures.rates["tenant", "edge"].value == pytest.approx(1e6)
    assert drawing.figures.rates["limiter", "rules"].value == pytest.approx(500 / 20)


def test_a_design_that_cannot_be_lowered_is_drawn_all_the_same() -> None:
    wrong = Design.from_text(WAYS.replace("RATE", "100 / s").replace("replicas: 2", "replicas: 0 - 3"))
    drawing = draw(wrong)
    assert drawing.figures.loads["app"].state is State.UNKNOWN
    assert drawing.figures.rates["edge", "app"].value == pytest.approx(110)


def test_a_simulation_takes_the_place_of_theory_in_the_boxes() -> None:
    from toscale.simulate.run import simulate

    of = design()
    run = simulate(of, duration=5.0).median
    drawing = draw(of, run=run, source="a run of 5 s")
    measured = run.components["app"].core_utilisation.value
    assert measured is not None
    assert drawing.figures.loads["app"].used == measured
    assert drawing.figures.source == "a run of 5 s"
    assert math.isclose(measured, 0.055, rel_tol=0.3)
    assert drawing.figures.rates == draw(of).figures.rates
