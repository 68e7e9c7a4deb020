"""The number of machines follows the load: as many as the target asks for, a little later, and nothing is lost.

Statistical tests have fixed seeds; bounds are more than 4.5 standard deviations away (one seed in 150,000 would fail).
"""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Connection,
    Flow,
    Model,
    Poisson,
    Policy,
    Population,
    Scaling,
    Station,
    Visit,
    Work,
)
from toscale.engine.run import Replication
from toscale.engine.state import TICK, Status
from toscale.engine.tables import ModelError
from toscale.engine.timeline import Change, Timeline, What
from toscale.theory import solve

EVERY = 2.0
POLICIES = list(Policy)


def elastic(
    rates: tuple[float, ...],
    times: tuple[float, ...] = (0.0,),
    *,
    mean: float = 0.01,
    most: int = 12,
    boot: float = 0.5,
    cores: int | None = None,
    policy: Policy = Policy.ROUND_ROBIN,
    timeline: Timeline | None = None,
    **scaling: float,
) -> Model:
    """Exponential times at machines of two slots (or so many cores), of which 60% are to be used."""
    asked = {"least": 1, "begins": 1, "pause": 0.0, "memory": 10.0, **scaling}
    station = Station(
        "app",
        machines=most,
        slots=2 if cores is None else None,
        cores=cores,
        policy=policy,
        scaling=Scaling(0.6, boot=Law.fixed(boot), every=EVERY, **asked),  # type: ignore[arg-type]
    )
    visit = Visit("v", "app", Work.of(Law.exponential(mean)))
    return Model(
        stations=(station,),
        flows=(Flow("f", Poisson(rates, times), (visit,)),),
        timeline=timeline or Timeline(),
    )


def step_up(
    low: float, high: float, at: float, until: float = 1e6
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (low, low, high, high, low), (0.0, at, at + 1e-3, until, until + 1e-3)


def ran(model: Model, windows: int, window: float = EVERY, empty: bool = False) -> Replication:
    run = Replication(model, compile_model(model), "1", window, most_windows=windows, empty=empty)
    assert run.run(windows) is Status.DONE
    run.check_conservation()
    return run


def serving(run: Replication) -> list[int]:
    """At the end of each window."""
    return [int(x) for x in run.readings().scalers["serving"][1:, 0]]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cores", [None, 2])
def test_after_a_step_of_load_there_are_as_many_machines_as_the_target_asks_for(
    policy: Policy, cores: int | None
) -> None:
    """550 calls a second of 10 ms are 5.5 slots; 60% of two each: ceil(5.5 / 1.2) = 5. The mean over 2 s of 5.5 busy
    ones has a deviation below 0.3, so that 10% of 6 (the tolerance) is two of them; the bound is one machine.
    """
    model = elastic(*step_up(100.0, 550.0, 4.0), policy=policy, cores=cores)
    found = serving(ran(model, 30))
    assert found[0] == found[1] == 1
    assert ceil(5.5 / 1.2) <= found[-1] <= ceil(5.5 / 1.2) + 1
    assert len(set(found[-8:])) == 1


def test_each_look_at_what_is_full_asks_for_one_over_the_target_times_as_many() -> None:
    """The rule sees no more than that all is taken: 1, ceil(1 / 0.6) = 2, 4, 7, 12."""
    found = serving(ran(elastic((5_000.0,), boot=0.0), 7))
    assert found == [1, 2, 4, 7, 12, 12, 12]  # a window ends before the look at the same moment


def test_a_new_machine_serves_after_its_start_and_is_counted_from_its_beginning() -> None:
    run = ran(elastic((5_000.0,), boot=3.0, most=2), 7, 1.0)
    rows = run.readings().scalers
    assert rows["serving"][1:, 0].tolist() == [1, 1, 1, 1, 1, 2, 2]
    assert rows["there"][1:, 0].tolist() == [1, 1, 2, 2, 2, 2, 2]
    assert rows["serving_time"][-1, 0] * TICK == pytest.approx(5.0 + 2 * 2.0)
    assert rows["there_time"][-1, 0] * TICK == pytest.approx(2.0 + 2 * 5.0)
    assert rows["short_time"][-1, 0] * TICK == pytest.approx(3.0)


@pytest.mark.parametrize("policy", POLICIES)
def test_at_a_constant_load_nothing_is_changed(policy: Policy) -> None:
    """The mean over 2 s of 20 slots in use has a deviation of 0.45 (those in use forget each other within 10 ms, twice:
    sqrt(2 x 20 x 0.01 / 2) = 0.45); a change needs 10% of what 17 machines aim at, 2.04.
    """
    model = elastic((2_000.0,), begins=17, most=40, policy=policy)
    run = ran(model, 40)
    rows = run.readings().scalers
    assert rows["started"][-1, 0] == rows["stopped"][-1, 0] == 0
    assert set(serving(run)) == {17}


@pytest.mark.parametrize("policy", POLICIES)
def test_there_are_never_more_nor_fewer_than_the_bounds(policy: Policy) -> None:
    run = ran(
        elastic(*step_up(1.0, 2_000.0, 6.0, 20.0), least=2, begins=3, most=5, boot=0.0, policy=policy), 30
    )
    found = serving(run)
    assert min(found) == 2
    assert max(found) == run.readings().scalers["top"][1:].max() == 5


def test_the_number_is_not_changed_again_before_the_cool_down_is_over() -> None:
    found = serving(ran(elastic((5_000.0,), boot=0.0, pause=5.0), 12))
    changes = [k for k in range(1, len(found)) if found[k] != found[k - 1]]
    assert len(changes) > 2
    assert np.diff(changes).min() * EVERY >= 5.0


def test_fewer_machines_only_when_none_of_the_last_looks_asked_for_more() -> None:
    """The load falls at 10 s; the last look that asked for five is at 10 s, and is forgotten 8 s later."""
    found = serving(ran(elastic(*step_up(550.0, 20.0, 10.0), begins=5, memory=8.0), 12))
    assert found[4] == found[7] == 5
    assert found[9] == 1


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_on_a_machine_that_goes_is_done_before_it_is_gone(policy: Policy) -> None:
    """Requests of 5 s that come in the first second, on eight machines of two slots: half as many machines are wanted
    as there are requests, and all of these are answered after 5 s.
    """
    work = Visit("v", "app", Work.of(Law.fixed(5.0)))
    scaling = Scaling(1.0, 1, 8, Law.fixed(0.0), 1.0, 0.0, 0.0)
    station = Station("app", machines=8, slots=2, policy=policy, scaling=scaling)
    rates = Poisson((6.0, 6.0, 0.0), (0.0, 1.0, 1.001))
    run = ran(Model(stations=(station,), flows=(Flow("f", rates, (work,)),)), 20, 0.5)
    meters, rows = run.readings().meters, run.readings().scalers
    assert meters["done"][-1, 0] == meters["started"][-1, 0] > 0
    assert meters["causes"][-1, 0].sum() == 0
    assert rows["stopped"][-1, 0] > 0
    leaving = rows["there"][:, 0] - rows["serving"][:, 0]
    assert run.state.meters[0].longest * TICK == pytest.approx(5.0)
    if policy is not Policy.SHARED:
        assert leaving.max() > 0
    assert rows["there"][-1, 0] == rows["serving"][-1, 0]


def test_a_machine_that_goes_closes_its_connections_and_gets_none_of_the_new_ones() -> None:
    members = Population("member", 1, 2_000)
    held = Connection(
        "line", "app", members, 500.0, Law.exponential(30.0), "member", again=Law.uniform(0.0, 1.0)
    )
    scaling = Scaling(0.6, 1, 5, Law.fixed(0.0), EVERY, 0.0, 0.0)
    station = Station("app", machines=8, slots=4, scaling=scaling)
    visit = Visit("v", "app", Work.of(Law.fixed(0.01)))
    model = Model(stations=(station,), connections=(held,), flows=(Flow("f", Poisson.at(10.0), (visit,)),))
    run = ran(model, 6)
    row, holds = run.state.connections[0], run.state.holds
    assert serving(run)[-1] == 1
    assert row.lost > 0
    assert int(holds["open"][1:].sum()) == 0
    assert abs(int(row.open) - 500) < 4.5 * 500**0.5  # all have found another


def test_machines_that_a_fault_has_taken_are_replaced() -> None:
    lost = tuple(
        Change(at, what, "app", (0, 1, 2))
        for at, what in ((10.0, What.DOWN), (11.0, What.OUT), (40.0, What.UP), (41.0, What.IN))
    )
    model = elastic((550.0,), begins=5, timeline=Timeline(lost), memory=6.0)
    found = serving(ran(model, 40))
    assert found[3] == 5
    assert 8 <= max(found[8:19]) <= 9  # three of them are lost
    assert 5 <= found[-1] <= 6


def test_theory_has_as_many_machines_as_the_target_asks_for() -> None:
    for rate in (10.0, 119.0, 121.0, 550.0, 900.0, 5_000.0):
        model = elastic((rate,), begins=1)
        asked = min(max(ceil(rate * 0.01 / 1.2 - 1e-9), 1), 12)
        twin = solve(model)
        assert twin.stations["app"].machines == asked
        assert twin.converged
        assert any("target" in one.text for one in twin.assumptions)
    both = Station("beside", machines=12, slots=2, follows="app")
    model = elastic((550.0,))
    twin = solve(Model(stations=(*model.stations, both), flows=model.flows))
    assert twin.stations["beside"].machines == 5


@pytest.mark.parametrize(
    "station",
    [
        Station("app", machines=4, scaling=Scaling(0.5, 1, 1, Law.fixed(1.0), 1.0, 0.0, 0.0)),
        Station("app", machines=4, slots=1, scaling=Scaling(0.5, 2, 1, Law.fixed(1.0), 1.0, 0.0, 0.0)),
        Station("app", machines=4, slots=1, scaling=Scaling(0.5, 1, 5, Law.fixed(1.0), 1.0, 0.0, 0.0)),
        Station("app", slots=1, shards=4, scaling=Scaling(0.5, 1, 1, Law.fixed(1.0), 1.0, 0.0, 0.0)),
        Station("app", machines=4, slots=1, scaling=Scaling(0.0, 1, 1, Law.fixed(1.0), 1.0, 0.0, 0.0)),
    ],
)
def test_what_cannot_be_scaled_is_refused(station: Station) -> None:
    model = Model(stations=(station,), flows=(Flow("f", Poisson.at(1.0), (Visit("v", "app"),)),))
    with pytest.raises(ModelError):
        Replication(model, compile_model(model), "1", 1.0)
