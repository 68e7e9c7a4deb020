"""A note changes nothing, and a replay finds the requests of the run: all of them, with their latencies."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings

from tests.engine.test_conservation import models
from tests.engine.test_two_ways_to_run import everything
from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import (
    Buffer,
    Consume,
    Delay,
    Flow,
    Model,
    Outcome,
    Poisson,
    Send,
    Station,
    Visit,
    Work,
)
from toscale.engine.notes import with_notes
from toscale.engine.replay import ANSWERED, Replay
from toscale.engine.run import Replication, StoreStart
from toscale.engine.state import Op, Status

START = {"c": StoreStart(0.4, {"k": 1500.0})}
PARTS = ("meters", "stations", "stores", "buffers")


def figures(run: Replication) -> dict[str, bytes]:
    readings = run.readings()
    return {
        f"{part}.{name}": np.ascontiguousarray(getattr(readings, part)[name]).tobytes()
        for part in PARTS
        for name in getattr(readings, part).dtype.names
    } | {"histogram": readings.histogram.tobytes(), "live": readings.live.tobytes()}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_a_run_in_which_everything_is_noted_has_the_same_figures(model: Model) -> None:
    tables = compile_model(model)
    noted, entries = with_notes(tables, 1 << 12)
    plain, followed = Replication(model, tables, "1", 0.25), Replication(model, noted, "1", 0.25)
    followed.state.flows["entry"][: len(entries)] = entries
    assert plain.run(3) == followed.run(3)
    assert plain.events == followed.events
    assert figures(plain) == figures(followed)
    assert plain.started == 0 or followed.state.control[0].noted > 0


def test_the_copy_has_a_note_before_each_instruction_and_leads_nowhere_else() -> None:
    tables = compile_model(everything())
    code = tables.arrays["code"]
    noted, entries = with_notes(tables, 1)
    both = noted.arrays["code"]
    assert np.array_equal(both[: len(code)], code)
    copy = both[len(code) :]
    notes = copy["op"] == int(Op.NOTE)
    assert sorted(copy["a"][notes].tolist()) == np.flatnonzero(code["op"] != int(Op.JUMP)).tolist()
    assert all(entry >= len(code) for entry in entries)
    others = copy[~notes]
    assert others["salt"].tolist() == code["salt"].tolist()  # so that it draws the same
    for row, names in enumerate(tables.labels):
        for name in names:
            to = int(others[row][name])
            assert to < 0 or to >= len(code)


def test_a_replay_finds_every_request_with_its_latency() -> None:
    model = everything()
    tables = compile_model(model)
    replay = Replay(model, tables, "7", START, empty=False)
    found = replay.requests(0.0, 0.2, 1 << 40, 1 << 40)
    run = Replication(model, tables, "7", 0.2, start=START)
    run.run(1)
    for flow in range(len(model.flows)):
        own = found[found["flow"] == flow]
        well = own[np.isin(own["outcome"], ANSWERED)]
        meter = run.state.meters[flow]
        if isinstance(model.flows[flow].source, Consume):  # a batch is one request here: its first message's
            assert 0 < len(well) <= meter.done
            continue
        assert len(well) == meter.done
        assert (well["end"] - well["start"]).sum() == meter.total
        assert len(own) - len(well) == meter.causes.sum()


def test_a_consumer_that_finds_all_messages_too_old_is_no_request() -> None:
    """Messages are kept for less time than the consumer waits for its batch to fill."""
    model = Model(
        stations=(),
        buffers=(Buffer("q", 1, keep=0.02),),
        flows=(
            Flow("f", Poisson.at(20.0), (Send("s", "q"),)),
            Flow("take", Consume("q", 3, 0.03), (Delay("d", Work.of(Law.fixed(0.001))),)),
        ),
    )
    tables = compile_model(model)
    found = Replay(model, tables, "1", {}, empty=False).requests(0.0, 20.0, 1 << 40, 1 << 40)
    taken = found[found["flow"] == 1]
    run = Replication(model, tables, "1", 20.0)
    run.run(1)
    meter = run.state.meters[1]
    assert meter.causes[int(Outcome.TIMED_OUT)] > 0
    assert 0 < len(taken) <= meter.done
    assert (taken["end"] - taken["start"]).min() >= 1_000_000  # all of them have worked
    assert set(taken["outcome"].tolist()) == {int(Outcome.DONE)}


def test_what_went_wrong_is_found_out() -> None:
    """One slot and no queue: whoever comes while it is taken is refused."""
    model = Model(
        stations=(Station("s", slots=1, waiting=0),),
        flows=(Flow("f", Poisson.at(100.0), (Visit("v", "s", Work.of(Law.fixed(0.01))),)),),
    )
    replay = Replay(model, compile_model(model), "1", {}, empty=False)
    found = replay.requests(0.0, 5.0, 1 << 40, 1 << 40)
    refused = found[found["outcome"] == int(Outcome.REFUSED)]
    assert (
        0.4 < len(refused) / len(found) < 0.6
    )  # Erlang's loss of one server at load 1 is a half; 500 requests
    assert set((refused["end"] - refused["start"]).tolist()) == {0}


def test_the_notes_are_those_of_the_wanted_requests() -> None:
    model = everything()
    replay = Replay(model, compile_model(model), "7", START, empty=False)
    found = replay.requests(0.0, 0.15, 1 << 40, 1 << 40)
    wanted = np.concatenate([found[found["flow"] == flow][:2] for flow in range(len(model.flows))])
    notes = replay.notes(wanted, linger=0)
    for one in wanted:
        own = notes[(notes["root"] == one["task"]) & (notes["since"] == one["start"]) & (notes["row"] >= 0)]
        ops = {int(replay.tables.arrays["code"][row].op) for row in own["row"].tolist()}
        assert ops & {int(Op.END), int(Op.FAIL), int(Op.NEXT)}
        assert own["start"].min() == one["start"]
        assert own["now"].max() <= one["end"]


def test_looking_for_requests_ends_when_there_are_enough_or_events_run_out() -> None:
    model = everything()
    replay = Replay(model, compile_model(model), "7", START, empty=False)
    few = replay.requests(0.0, float("inf"), 1, 1)
    assert len(few) > 0  # a slice of the run, however little was asked for
    run = Replication(model, compile_model(model), "7", 0.2, start=START)
    assert run.run(1) is Status.DONE
