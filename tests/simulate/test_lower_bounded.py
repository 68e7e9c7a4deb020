"""Bounded things of a file become pools, and steps on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulate.lower_designs import all_of, design_of, flow_of, lowered, only, visit
from toscale.design.flow import HeldState
from toscale.design.load import load
from toscale.document.as_json import run_json
from toscale.document.simulated_tables import bounds_table
from toscale.engine.model import (
    After,
    Await,
    ByShare,
    Call,
    Choose,
    Extend,
    FromStash,
    GiveBack,
    Holds,
    If,
    Keep,
    Left,
    Look,
    Outcome,
    Over,
    Pass,
    Pick,
    Pool,
    See,
    Sweep,
    Take,
    TakeAhead,
    Write,
    walk,
)
from toscale.requirements.verdicts import Status, judge
from toscale.simulate.lower import lower
from toscale.simulate.lowering import Found, Lowered, Unknown
from toscale.simulate.lowering.bounded import Bounds, Usual
from toscale.simulate.run import simulate

LIMITER = """
    toscale: 1
    title: Limiter
    requirements:
      users: {tenant: calls}
      non_functional:
        not much more: excess(allowance) <= 5%
        not less: shortfall(allowance) <= 1%
    components:
      api: {kind: service, replicas: 4, concurrency: 64}
      limiter: {kind: service, beside: api, concurrency: 16}
      counters: {kind: key_value, shards: 2}
    flows:
      call:
        from: tenant
        rate: 400 / s
        steps:
          - api: 1 ms
            then:
              - limiter: 0.1 ms
                name: check
                then:
                  - counters: take allowance
                    STEP
                refused:
                  - answer: 429
                failed:
                  - go on
    data:
      tenant:
        stored in: counters
        how many: 1000
        popularity: zipf(1) over 1000
        each has:
          limit: max(2 / s, 2 * usual rate)
      allowance:
        stored in: counters
        per: tenant
        at most: tenant.limit * 2 s
        refills: tenant.limit
        fields: {tenant: uuid key, left: integer}
        how many: 1000
        shard by: tenant
"""


def limiter(step: str = "timeout: 3 ms") -> str:
    return LIMITER.replace("STEP", step)


def pool(result: Lowered, name: str) -> Pool:
    return next(each for each in result.model.pools if each.name == name)


# ---- token buckets ----------------------------------------------------------------------------------------------


def test_a_limit_by_popularity_is_a_number_by_share() -> None:
    found = pool(lowered(limiter()), "allowance")
    assert isinstance(found.refill, ByShare)
    assert isinstance(found.capacity, ByShare)
    assert found.per is not None
    assert (found.per.name, found.per.size, found.per.exponent) == ("tenant", 1000, 1.0)
    total = sum(1 / k for k in range(1, 1001))
    rarest, busiest = found.refill.points[0], found.refill.points[-1]
    assert rarest == pytest.approx((1 / 1000 / total, 2.0))
    assert busiest == pytest.approx((1 / total, 2 * 400 / total), rel=1e-3)
    assert found.capacity.points[-1][1] == pytest.approx(2 * busiest[1])


def test_usual_is_what_is_usual_at_the_median() -> None:
    text = limiter().replace("400 / s", "(300 to 500) / s")
    assert pool(lowered(text, at="upper"), "allowance") == pool(lowered(text), "allowance")


def test_a_take_is_a_call_of_the_key_s_shard_in_one_step() -> None:
    result = lowered(limiter())
    call = visit(result, "counters", "call")
    assert (call.pick, call.key) == (Pick.PRIMARY, "key:tenant")
    taken = only(Take, result, "call")
    assert call.body == (Take(taken.path, "allowance", "key:tenant"),)
    assert visit(result, "limiter", "call").pick is Pick.BESIDE
    assert not [each for each in result.not_simulated if "limiter" in each.text]


def test_who_goes_on_though_the_limiter_failed_has_gone_past_it() -> None:
    result = lowered(limiter())
    outer = next(each for each in all_of(Call, result, "call") if each.handlers)
    for outcome in (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.REFUSED):
        assert isinstance(outer.handlers[outcome][-1], Pass)  # behind `answer: 429` nothing is reached


@pytest.mark.parametrize(("text", "ahead"), [("at a time: 1", False), ("at a time: 50", True)])
def test_a_sidecar_takes_several_ahead(text: str, ahead: bool) -> None:
    result = lowered(limiter(f"{text}\n                    keep for: 1 s"))
    if not ahead:
        assert not all_of(FromStash, result, "call")
        return
    first, taken = only(FromStash, result, "call"), only(TakeAhead, result, "call")
    assert (first.number, first.keep, first.machines) == (50, 1.0, 4)
    assert (taken.number, taken.keep, taken.key) == (50, 1.0, "key:tenant")
    branch = next(each for each in all_of(If, result, "call") if each.path.endswith("taken ahead"))
    assert not branch.then
    assert taken in list(walk(branch.otherwise))  # only who finds none calls the store


def test_read_then_write_is_two_steps() -> None:
    text = limiter().replace(
        "                  - counters: take allowance\n                    timeout: 3 ms\n",
        "                  - counters: read allowance\n                  - counters: update allowance\n",
    )
    result = lowered(text)
    assert only(Look, result, "call").key == only(Write, result, "call").key == "key:tenant"
    assert not all_of(Take, result, "call")


def test_excess_and_shortfall_are_figures_and_verdicts() -> None:
    design = design_of(limiter())
    simulation = simulate(design, duration=20.0, upper=False)
    bound = simulation.median.bounds["allowance"]
    assert bound.excess.value == bound.shortfall.value == 0.0  # one atomic step: exact
    assert bound.taken.value == pytest.approx(400, rel=0.05)
    assert {each.name: each.status for each in judge(design, simulation)} == {
        "not much more": Status.MET,
        "not less": Status.MET,
    }
    said = run_json(simulation.median)["bounds"]["allowance"]
    assert said["excess"]["value"] == said["excess"]["low"] == 0.0
    assert said["held"]["reason"] == "what is taken is spent, not held"
    table = bounds_table(simulation)
    assert [row[0] for row in table.rows] == ["allowance"]
    greedy = design_of(limiter("at a time: 50\n                    keep for: 1 s"))
    ahead = simulate(greedy, duration=20.0, upper=False)
    shortfall = ahead.median.bounds["allowance"].shortfall.value
    assert shortfall is not None
    assert shortfall > 0.01  # what a sidecar keeps unused is lost to the others
    assert next(each for each in judge(greedy, ahead) if each.name == "not less").status is Status.MISSED


# ---- holds ------------------------------------------------------------------------------------------------------

SHOP = """
    toscale: 1
    title: Shop
    requirements:
      users: {buyer: buys}
      non_functional:
        seats come back: p99(hold ends until free) <= 15 s
        nothing is oversold: excess(seat) = 0
    estimates:
      hold: 10 min
    components:
      shop: {kind: service, replicas: 2, concurrency: 64}
      map: {kind: cache, memory: 1 GB, ttl: 1 s}
      stock: {kind: database}
      line: {kind: key_value}
    flows:
      queue up:
        from: buyer
        rate: 10 / s
        steps:
          - line: queue for place
      buy:
        after: queue up
        wait: 20 s
        steps:
          - shop: 1 ms
            then:
              - map: get section
                miss:
                  - stock: read section
              - stock: take seat
                keys: order.seats
                for: hold
          - if: seat is taken
            then:
              - stock: extend seat
                for: 5 min
              - stock: keep seat
          - if: no seat is left
            then:
              - stop
          - line: give back place
      free:
        every: 5 s
        steps:
          - shop: 1 ms
            then:
              - stock: read seat
                rows: those whose hold is over
              - each: seat whose hold is over
                batch: 200
                then:
                  - stock: give back seat
    data:
      place:
        stored in: line
        at most: 100
        waiting: in order of arrival
        for: 20 min
      seat:
        stored in: stock
        how many: 500
        at most: 1
        popularity: zipf(0.8) over those that are free
        fields: {id: string(8) key, section: section}
      section:
        stored in: stock
        how many: 60
        fields: {id: string(4) key}
      order:
        stored in: stock
        has many:
          seats: {of: seat, mean: 2, shape: geometric, at most: 6}
        fields: {id: uuid key}
"""


def test_instances_that_are_told_apart_are_bounded_one_by_one_and_others_all_together() -> None:
    result = lowered(SHOP)
    seat, place = pool(result, "seat"), pool(result, "place")
    assert seat.per is not None
    assert (seat.capacity, seat.per.size, seat.per.exponent, seat.refill) == (1.0, 500, 0.8, None)
    assert (place.capacity, place.per, place.term) == (100.0, None, 1200.0)
    said = " ".join(note.text for note in result.notes)
    assert "`seat`: there are at most `1` of each." in said
    assert "`place`: there are at most `100` in all." in said


def test_seats_are_chosen_as_the_map_showed_them_and_taken_all_or_none() -> None:
    result = lowered(SHOP)
    chosen, taken = only(Choose, result, "buy"), only(Take, result, "buy")
    assert (chosen.pool, chosen.into, chosen.seen) == ("seat", taken.keys, "seen:seat")
    assert taken.term == 600.0
    assert [each.store for each in all_of(See, result, "buy")] == [
        "map",
        None,
    ]  # from the cache, or from the database
    assert isinstance(only(Extend, result, "buy").term, float)
    assert only(Keep, result, "buy").pool == "seat"


def test_what_one_flow_takes_the_next_gives_back() -> None:
    result = lowered(SHOP)
    line = only(Take, result, "queue up")
    assert line.line
    assert not all_of(Await, result, "queue up")  # it asks for a place, and does not stand still for it
    source = flow_of(result, "buy").source
    assert isinstance(source, After)  # not a Poisson process of its own: it has what its cause has taken
    assert "held:place" in source.carries
    assert only(GiveBack, result, "buy").pool == "place"


def test_conditions_on_what_is_held() -> None:
    result = lowered(SHOP)
    assert {each.test for each in all_of(If, result, "buy")} >= {Holds("seat"), Left("seat", None, True)}


def test_who_takes_where_there_is_a_line_stands_still_in_it() -> None:
    result = lowered(SHOP.replace("line: queue for place", "line: take place"))
    taken, waits = only(Take, result, "queue up"), only(Await, result, "queue up")
    assert taken.line
    assert waits.pool == "place"
    assert waits not in visit(result, "line", "queue up").body  # no connection of the store is held meanwhile


def test_what_is_over_is_free_when_the_sweeper_has_been_there() -> None:
    result = lowered(SHOP)
    assert pool(result, "seat").swept == "hold ends until free"
    assert len(all_of(Over, result, "free")) == 2
    assert only(Sweep, result, "free").pool == "seat"
    wanted = [each.subject for each in design_of(SHOP).requirements.targets]
    assert [result.find(subject) for subject in wanted] == [
        Found("span", "hold ends until free"),
        Found("bound", "seat"),
    ]
    unswept = SHOP[: SHOP.index("      free:")] + SHOP[SHOP.index("    data:") :]
    asked = "seats come back: p99(hold ends until free) <= 15 s"
    without = lowered(unswept.replace(asked, "it works: availability(buy) > 0%"))
    assert pool(without, "seat").swept is None


def test_what_nobody_takes_is_unknown() -> None:
    text = limiter().replace(
        "counters: take allowance\n                    timeout: 3 ms", "counters: read tenant"
    )
    result = lowered(text)
    subject = design_of(text).requirements.targets[0].subject
    assert isinstance(result.find(subject), Unknown)


def test_who_takes_what_refills_may_wait_for_it() -> None:
    text = limiter().replace(
        "refills: tenant.limit", "refills: tenant.limit\n        waiting: in order of arrival"
    )
    result = lowered(text)
    assert only(Take, result, "call").line
    assert only(Await, result, "call").key == "key:tenant"
    later = lowered(text.replace("take allowance", "queue for allowance"))
    assert "cannot have it later" in later.left_out["call"]


def test_a_local_share_is_that_of_a_machine() -> None:
    text = (
        limiter().replace("- go on", "- limiter: take local allowance").rstrip()
        + """
      local allowance:
        stored in: limiter
        per: [tenant, limiter]
        at most: tenant.limit * 2 s / 4
        refills: tenant.limit / 4
"""
    )
    result = lowered(text)
    local = pool(result, "local allowance")
    assert local.machines == 4
    assert isinstance(local.capacity, ByShare)
    assert local.capacity.points[0][1] == pytest.approx(1.0)
    elsewhere = lowered(text.replace("limiter: take local allowance", "counters: take local allowance"))
    assert "is asked for at another place" in elsewhere.left_out["call"]


def test_other_states_are_left_to_others() -> None:
    bounds = Bounds(design_of(SHOP), None, Usual({}))  # type: ignore[arg-type]
    assert bounds.test(HeldState("answered"), None) is None  # type: ignore[arg-type]


def test_the_rate_limiter_and_the_ticket_sale_have_their_pools() -> None:
    examples = Path(__file__).parents[3] / "shared" / "examples"
    if not examples.is_dir():
        pytest.skip("the reference examples are not here")
    limited = lower(load(examples / "rate_limiter.design.yaml"))
    assert "call" not in limited.left_out
    assert [each.name for each in limited.model.pools] == ["allowance"]
    tickets = lower(load(examples / "ticketing.design.yaml"))
    assert pool(tickets, "seat").swept == "hold ends until free"
