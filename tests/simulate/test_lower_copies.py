"""Copies that lag, from the file to the verdict: when a write counts, what a read at a copy sees, what a fault loses.

Statistical tests have fixed seeds and tolerances of some five standard errors.
"""

from __future__ import annotations

import pytest

from tests.simulate.lower_designs import all_of, lowered, only
from toscale.design import read_design
from toscale.document.as_json import component_json
from toscale.document.fault_json import fault_json
from toscale.engine.copies_code import MOST_COPIES
from toscale.engine.laws import Law
from toscale.engine.model import Commit, Copied, Parallel, Replicated, Version, Visit
from toscale.requirements.verdicts import Status, judge
from toscale.simulate.faults import simulate_fault
from toscale.simulate.run import simulate
from toscale.theory import solve

SHOP = """\
title: A shop
requirements:
  users: {visitor: looks}
  non_functional:
    fresh enough: staleness(db) <= 500 ms
    fresher: staleness(db) <= 100 ms
components:
  db: {kind: database, shards: 2, copies: 3, failover: 3 s, connections: 500, WORDS}
flows:
  look:
    from: visitor
    rate: 300 / s
    steps: [{db: read item, from: a copy}]
  write:
    from: visitor
    rate: 50 / s
    steps: [{db: update item}]
data:
  item: {stored in: db, size: 1 kB, how many: 200, popularity: zipf(1)}
faults:
  it goes: {at: 20 s, lose: db, role: primary, for: 10 s}
"""


def shop(words: str) -> str:
    return SHOP.replace(", WORDS", f", {words}" if words else "")


def test_a_write_counts_when_the_primary_has_done_it_and_a_read_at_a_copy_looks_at_its_version() -> None:
    result = lowered(shop("lag: 200 ms exponential"))
    assert result.model.replicated == (Replicated("db", Law.exponential(0.2)),)
    assert only(Commit, result, "write").confirmed is None
    assert not all_of(Copied, result, "write")
    (read,) = all_of(Visit, result, "look")
    assert isinstance(read.body[0], Version)


def test_of_more_copies_that_confirm_than_can_be_told_apart_that_is_said() -> None:
    result = lowered(shop("sync: quorum").replace("copies: 3", f"copies: {MOST_COPIES + 1}"))
    assert not result.model.replicated
    assert not all_of(Copied, result, "write")
    said = "`db`: with `sync`, which copies lag is simulated for at most 31 of a shard."
    assert said in [one.text for one in result.not_simulated]


def test_a_lag_without_a_spread_is_fixed_and_that_is_said() -> None:
    result = lowered(shop("lag: 200 ms"))
    assert result.model.replicated[0].lag == Law.fixed(0.2)
    assert any(used.what == "spread of the lag" for used in result.defaults)


def test_with_sync_the_copies_say_when_they_have_it() -> None:
    result = lowered(shop("sync: quorum"))
    assert result.model.replicated == (Replicated("db", None, True),)
    assert len(all_of(Copied, result, "write")) == 2
    visit = all_of(Visit, result, "write")[0]
    assert isinstance(visit.body[-1], Commit)  # behind the confirmations
    assert isinstance(visit.body[-2], Parallel)


def test_where_nobody_gives_a_lag_that_is_said_and_the_target_is_unknown() -> None:
    result = lowered(shop(""))
    assert result.model.replicated == ()
    assert any("Nobody gave the `lag` of `db`" in note.text for note in result.notes)


def test_a_call_for_several_keys_is_named_as_not_told() -> None:
    text = shop("lag: 1 s").replace("[{db: update item}]", "[{db: update item, keys: 3}]")
    text = text.replace("[{db: read item, from: a copy}]", "[{db: read item, keys: 3, from: a copy}]")
    named = [each.text for each in lowered(text).not_simulated]
    assert len([each for each in named if "for single keys only" in each]) == 2


def test_stale_reads_and_staleness_agree_with_theory_and_are_judged() -> None:
    """The theory of exponential lags is exact: the mean over the keys of w m / (1 + w m)."""
    design = read_design(shop("lag: 200 ms exponential")).sound()
    simulation = simulate(design, upper=False)
    found, theory = simulation.median.components["db"], solve(lowered(shop("lag: 200 ms exponential")).model)
    weights = [1 / k for k in range(1, 201)]
    rates = [50 * weight / sum(weights) for weight in weights]
    exact = sum(w / 50 * (0.2 * w) / (1 + 0.2 * w) for w in rates)
    assert theory.copies["db"].stale == pytest.approx(exact, rel=1e-3)
    assert theory.copies["db"].lag == pytest.approx(0.2)
    assert found.stale is not None
    assert found.stale.value == pytest.approx(exact, rel=0.03)
    assert found.staleness is not None
    assert found.staleness.value == pytest.approx(0.2, rel=0.03)
    assert {"stale", "staleness"} <= component_json(found).keys()
    assert not simulation.disagreements
    verdicts = {one.name: one for one in judge(design, simulation)}
    assert verdicts["fresh enough"].status is Status.MET
    assert verdicts["fresher"].status is Status.MISSED
    assert "stale" in verdicts["fresher"].reason


def test_a_lost_primary_loses_what_its_follower_lacks_unless_copies_confirm() -> None:
    """Two shards of 25 writes a second: a lag of 2 s is 50 on their way in each; some are overwritten meanwhile."""

    def lost(words: str) -> float:
        design = read_design(
            shop(words).replace("how many: 200, popularity: zipf(1)", "how many: 1M")
        ).sound()
        result = simulate_fault(design, "it goes", upper=False)
        assert result.median is not None, result.reason
        said = fault_json(result, ())["median"]["components"]["db"]
        figure = result.median.components["db"].lost_writes
        assert figure is not None
        assert said["lost_writes"]["value"] == figure.value
        return figure.value or 0.0

    assert lost("lag: 2 s") == pytest.approx(100.0, abs=5 * (100 / 8) ** 0.5)
    assert lost("sync: quorum, lag: 2 s") == 0.0
