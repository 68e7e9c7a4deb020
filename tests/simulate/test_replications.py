"""A run goes on until it is tight, and says so when it is not: planning, bounds, overload, warm-up."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from toscale.engine.compiler import compile_model
from toscale.engine.laws import Law
from toscale.engine.model import Delay, Flow, Model, Poisson, Station, Visit, Work
from toscale.engine.run import Replication
from toscale.simulate.pace import Pace, pace
from toscale.simulate.replications import MARGIN, Cancelled, Outcome, Sampled, run_until_tight, sample
from toscale.simulate.result import Ending
from toscale.theory import solve


def queue(load: float, service: float = 0.01) -> Model:
    visit = Visit("v", "s", Work.of(Law.exponential(service)))
    return Model(stations=(Station("s", slots=1),), flows=(Flow("f", Poisson.at(load / service), (visit,)),))


def until(model: Model, judged: list[float], *, most_events: int = 10_000_000, **options: object) -> Outcome:
    """A run whose judge says what is wished, one after the other; the last one for ever."""
    said = iter(judged)
    last = [judged[-1]]

    def judge(sampled: Sampled) -> float:
        last[0] = next(said, last[0])
        return last[0]

    return run_until_tight(
        model,
        compile_model(model),
        options.pop("pace", Pace(1.0, 8.0, 300.0)),  # type: ignore[arg-type]
        judge,
        seed=1,
        start={},
        most_events=most_events,
        **options,  # type: ignore[arg-type]
    )


def requests(sampled: Sampled | None) -> int:
    assert sampled is not None
    return int(sampled.meters["done"].sum())


def test_a_pilot_that_is_tight_by_far_is_the_result() -> None:
    went = until(queue(0.5), [0.5])
    assert went.ending is Ending.TIGHT
    assert went.measured == pytest.approx(8.0)
    assert requests(went.sampled) == pytest.approx(4 * 8 * 50, rel=0.1)


@pytest.mark.parametrize("far", [0.6, 0.9, 1.5, 2.5, 3.2, 9.0])
def test_a_plan_is_carried_out_and_nothing_of_it_is_lost(far: float) -> None:
    """As long as the variance asks for, with a margin, but not short, for calm pilots would have short plans; and not
    longer than so few batches can tell. All that is reported belongs together.
    """
    went = until(queue(0.5), [far, 1.0])
    assert went.ending is Ending.TIGHT
    assert went.measured == pytest.approx(8.0 * min(max(3.0, far**2 * MARGIN), 16.0), rel=1e-6)
    sampled = went.sampled
    assert sampled is not None
    assert sampled.seconds * 8 == pytest.approx(went.measured, rel=1e-6)
    assert requests(sampled) == int(sampled.cumulated[:, 0, -1].sum())
    assert requests(sampled) == pytest.approx(4 * went.measured * 50, rel=0.1)


@pytest.mark.parametrize(
    "judged",
    [[2.0, 1.2, 1.0], [2.0, 1.2, 1.2, 1.2, 1.2, 1.2], [9.0, 9.0, 9.0, 1.0], [1.1, 1.01, 1.01, 1.01, 1.0]],
)
def test_longer_and_longer_and_nothing_is_lost(judged: list[float]) -> None:
    went = until(queue(0.5), judged)
    sampled = went.sampled
    assert sampled is not None
    assert requests(sampled) == int(sampled.cumulated[:, 0, -1].sum())
    assert sampled.seconds * 8 == pytest.approx(went.measured, rel=0.15)  # whole batches of what was measured
    assert requests(sampled) == pytest.approx(4 * 8 * sampled.seconds * 50, rel=0.1)
    assert went.ending is (Ending.TIGHT if judged[-1] <= 1 else Ending.NOT_TIGHT)


def test_the_bound_on_events_holds_and_is_said() -> None:
    went = until(queue(0.5), [100.0], most_events=30_000)
    assert went.events <= 30_000
    assert went.ending is Ending.NOT_TIGHT
    assert requests(went.sampled) > 1_000


def test_a_bound_before_anything_was_measured_leaves_nothing() -> None:
    went = until(queue(0.5), [1.0], most_events=300)
    assert went.ending is Ending.BOUND
    assert went.sampled is None
    assert "300 events" in (went.bound or "")


def test_what_grows_is_overloaded_and_ends() -> None:
    went = until(queue(1.5), [9.0])
    assert went.ending is Ending.OVERLOADED
    assert went.events < 1_000_000


def test_a_busy_station_is_not_overloaded() -> None:
    model = queue(0.95)
    went = until(model, [0.1], pace=pace(model, solve(model)))
    assert went.ending is Ending.TIGHT


def test_a_duration_is_kept() -> None:
    went = until(queue(0.5), [9.0], duration=20.0)
    assert went.ending is Ending.TIME
    assert went.measured == pytest.approx(5.0)
    assert went.replications == 4


def test_workers_and_looks_change_nothing() -> None:
    runs = [until(queue(0.7), [2.0, 1.0], workers=workers) for workers in (1, 4)]
    one, four = (run.sampled for run in runs)
    assert one is not None
    assert four is not None
    for name in one.meters.dtype.names:
        assert np.array_equal(one.meters[name], four.meters[name])
    assert np.array_equal(one.cumulated, four.cumulated)


def test_a_run_can_be_called_off() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        until(queue(0.5), [100.0], cancelled=cancelled)


def test_a_transient_run_is_replications_from_the_beginning() -> None:
    """From 0 to 3 s at a rate that falls to nothing after 2: every replication sees all of it, none is cut off."""
    model = Model(
        flows=(
            Flow(
                "f", Poisson((100.0, 100.0, 0.0), (0.0, 2.0, 2.001)), (Delay("d", Work.of(Law.fixed(0.1))),)
            ),
        )
    )
    went = until(model, [0.5], transient=3.0)
    assert went.replications == 8
    assert went.warm_up == 0.0
    assert requests(went.sampled) == pytest.approx(8 * 200, abs=5 * 1_600**0.5)
    more = until(model, [1.2, 1.0], transient=3.0)
    assert more.replications == pytest.approx(8 * 1.2**2 * MARGIN, abs=1)


def test_a_warm_up_that_was_longer_than_thought_is_cut_off() -> None:
    """A station with room for all fills up for nine seconds, where theory would have cut one: it begins low."""
    steps = (Visit("v", "s", Work.of(Law.fixed(9.0))),)
    model = Model(stations=(Station("s", slots=10_000),), flows=(Flow("f", Poisson.at(300.0), steps),))
    went = until(model, [0.1], pace=Pace(1.0, 30.0, 300.0))
    assert went.warm_up > 5.0
    settled = until(model, [0.1], pace=Pace(20.0, 30.0, 300.0))
    assert settled.warm_up == 20.0


def test_a_warm_up_that_is_not_affordable_is_cut_short_and_that_is_known() -> None:
    """As many events as there may be are shared by the warm-up and what is measured behind it."""
    bound = 400_000
    went = until(queue(0.5), [2.0], pace=Pace(10_000.0, 50_000.0, 300.0), most_events=bound)
    assert went.asked == 10_000.0
    assert 0 < went.warm_up < 1_000.0
    assert went.measured > went.warm_up / 4
    assert went.sampled is not None
    assert went.events <= bound
    assert went.ending is Ending.NOT_TIGHT


def test_a_warm_up_that_turns_out_to_be_affordable_is_not_called_short() -> None:
    """A second costs a tenth of what was thought."""
    went = until(queue(0.5), [0.4], pace=Pace(100.0, 400.0, 3_000.0), most_events=1_000_000)
    assert went.asked is None
    assert went.warm_up == pytest.approx(100.0)


def test_batches_are_the_windows_added_up() -> None:
    model = queue(0.5)
    replication = Replication(model, compile_model(model), "1", 1.0)
    replication.run(16)
    sixteen, four = sample([replication], 16), sample([replication], 4)
    for name in ("started", "done", "total"):
        whole = sixteen.meters[name][:, 0].reshape(4, 4).sum(axis=1)
        assert np.allclose(whole, four.meters[name][:, 0])
    assert np.array_equal(sixteen.cumulated[:, 0].reshape(4, 4, -1).sum(axis=1), four.cumulated[:, 0])
    assert (sixteen.seconds, four.seconds) == (1.0, 4.0)


@pytest.mark.parametrize("windows", [2, 8, 40])
def test_merged_windows_are_the_same_counts_in_half_as_many(windows: int) -> None:
    model = queue(0.5)
    one, other = (Replication(model, compile_model(model), "1", 0.5) for _ in range(2))
    one.run(windows)
    other.run(windows)
    other.merge_windows()
    assert other.windows == windows // 2
    before, after = one.readings(), other.readings()
    assert np.array_equal(before.meters["done"][::2], after.meters["done"])
    assert np.array_equal(before.histogram[0::2] + before.histogram[1::2], after.histogram)
    other.run(windows // 2 + 1)  # and goes on in windows of the new length
    one.run(windows + 2)
    assert np.array_equal(one.readings().meters["done"][::2], other.readings().meters["done"])
