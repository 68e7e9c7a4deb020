"""Either the four minima can still be honoured, or the clock has said since when they cannot.

The oracle keeps the phase of every second that passed, and counts; it knows nothing of spans.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from toscale.interview.clock import Borrowed, Clock, Status, lendable, read
from toscale.interview.phases import PHASES, Phase, Schedule
from toscale.interview.times import MINUTE, SECOND

PHASE = st.sampled_from(PHASES)
START = 1_764_000_000_000


def walk(*steps, schedule=None):
    """A clock after steps, each a phase with its minutes; and the moment."""
    clock, now = Clock(schedule or Schedule.of()).started(START), START
    for phase, length in steps:
        if phase is not clock.phase:
            clock = clock.moved(phase, now)
        now += int(length * MINUTE)
    return clock, now


class TheClock(RuleBasedStateMachine):
    @initialize(factor=st.sampled_from((100, 150, 200)), length=st.sampled_from((15, 45, 60)))
    def begin(self, factor, length):
        self.clock = Clock(Schedule.of(length * MINUTE, factor))
        self.now = START
        self.seconds: list[Phase] = []

    @property
    def status(self):
        return self.clock.status

    def needs(self, until):
        schedule = self.clock.schedule
        within = self.seconds[: min(until, schedule.length // SECOND)]
        return [
            max(0, least - SECOND * within.count(phase))
            for phase, least in zip(PHASES, schedule.minima, strict=True)
        ]

    def fits(self, until):
        return sum(self.needs(until)) <= max(0, self.clock.schedule.length - until * SECOND)

    @rule(seconds=st.one_of(st.integers(1, 90), st.integers(60, 1500)))
    def wait(self, seconds):
        self.now += seconds * SECOND
        if self.status is Status.RUNNING:
            self.seconds += [self.clock.phase] * seconds

    @precondition(lambda self: self.status is Status.WAITING)
    @rule()
    def start(self):
        self.clock = self.clock.started(self.now)

    @precondition(lambda self: self.status in (Status.RUNNING, Status.PAUSED))
    @rule(phase=PHASE)
    def move(self, phase):
        if phase is not self.clock.phase:
            self.clock = self.clock.moved(phase, self.now)

    @precondition(lambda self: self.status is Status.RUNNING)
    @rule()
    def pause(self):
        self.clock = self.clock.paused(self.now)

    @precondition(lambda self: self.status is Status.PAUSED)
    @rule()
    def go_on(self):
        self.clock = self.clock.went_on(self.now)

    @precondition(lambda self: self.status is not Status.ENDED)
    @rule(source=PHASE, to=PHASE, share=st.floats(0.01, 1))
    def lend(self, source, to, share):
        amount = int(lendable(self.clock, source, to, self.now) * share)
        if amount and source is not to:
            before = read(self.clock, self.now)
            self.clock = self.clock.lent(source, to, amount, self.now)
            after = read(self.clock, self.now)
            assert after.starved_since == before.starved_since
            assert after.of(source).plan + amount == before.of(source).plan >= after.of(source).spent + amount

    @precondition(lambda self: self.status in (Status.RUNNING, Status.PAUSED))
    @rule(to=PHASE, seconds=st.integers(1, 600))
    def extend(self, to, seconds):
        self.clock = self.clock.lent(None, to, seconds * SECOND, self.now)

    @precondition(lambda self: self.status in (Status.RUNNING, Status.PAUSED) and len(self.seconds) > 1800)
    @rule()
    def end(self):
        self.clock = self.clock.ended(self.now)

    @invariant()
    def it_counts_what_passed(self):
        reading = read(self.clock, self.now)
        assert reading.elapsed == len(self.seconds) * SECOND
        assert reading.remaining == reading.length - reading.elapsed
        assert [one.spent for one in reading.phases] == [SECOND * self.seconds.count(p) for p in PHASES]

    @invariant()
    def the_minima_can_be_honoured_or_it_says_since_when_not(self):
        reading, passed = read(self.clock, self.now), len(self.seconds)
        assert [one.need for one in reading.phases] == self.needs(passed)
        assert reading.honourable is (reading.starved_since is None)
        if self.status is Status.ENDED:
            assert reading.honourable is not any(self.needs(passed))
        else:
            assert reading.honourable is self.fits(passed)
        if reading.starved_since is not None:
            since = reading.starved_since // SECOND
            assert 0 <= since <= passed
            for second in {0, since // 2, since}:
                assert self.fits(second)
            for second in {since + 1, (since + 1 + passed) // 2, passed}:
                assert second > passed or second <= since or not self.fits(second)

    @invariant()
    def what_can_be_honoured_can_be_played(self):
        reading = read(self.clock, self.now)
        if self.status is Status.ENDED or not reading.honourable:
            return
        clock, now = self.clock, self.now
        clock = {
            Status.WAITING: lambda: clock.started(now),
            Status.PAUSED: lambda: clock.went_on(now),
            Status.RUNNING: lambda: clock,
        }[self.status]()
        for one in reading.phases:
            if one.need:
                clock = clock if clock.phase is one.phase else clock.moved(one.phase, now)
                now += one.need
        after = read(clock.ended(now), now)
        assert after.honourable
        assert all(one.need == 0 for one in after.phases)
        assert all(one.spent >= one.minimum for one in after.phases)

    @invariant()
    def the_latest_exit_is_the_last_moment_that_starves_nobody(self):
        reading = read(self.clock, self.now)
        if self.status is not Status.RUNNING or not reading.honourable:
            return
        latest = reading.of(self.clock.phase).latest
        others = sum(one.need for one in reading.phases if one.phase is not self.clock.phase)
        assert latest >= reading.elapsed or not others
        then = self.now + latest - reading.elapsed
        if then >= self.now:
            assert read(self.clock, then).honourable
        if others:
            assert not read(self.clock, then + 1).honourable
            assert read(self.clock, then + 1).starved_since == latest

    @invariant()
    def the_forecast_adds_up(self):
        reading = read(self.clock, self.now)
        total = sum(one.forecast for one in reading.phases)
        assert total == reading.length + reading.unfunded - reading.spare
        assert not (reading.spare and (reading.unfunded or reading.borrowed))
        for one in reading.phases:
            assert one.forecast >= one.spent
            if one.latest is not None:
                assert one.forecast >= one.minimum
        assert sum(one.plan for one in reading.phases) == reading.length

    @invariant()
    def reading_between_changes_nothing(self):
        later = self.now + 77 * SECOND
        between = self.clock.at(self.now + 13 * SECOND)
        assert read(between, later) == read(self.clock, later)


TheClock.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
test_the_clock = TheClock.TestCase


def test_at_the_start_each_latest_exit_leaves_the_minima_of_the_rest():
    reading = read(Clock(Schedule.of()).started(START), START)
    assert [one.latest / MINUTE for one in reading.phases] == [22, 32, 42, 45]
    assert reading.honourable
    assert reading.spare == reading.unfunded == 0


def test_a_phase_that_was_not_left_in_time_starves_the_others_from_that_minute_on():
    clock, now = walk((Phase.REQUIREMENTS, 22))
    assert read(clock, now).honourable
    assert read(clock, now + 1).starved_since == 22 * MINUTE
    clock, now = walk((Phase.REQUIREMENTS, 30), (Phase.HIGH_LEVEL, 10))
    assert read(clock, now).starved_since == 22 * MINUTE


def test_a_phase_left_too_early_is_no_harm_as_long_as_one_can_come_back():
    clock, now = walk((Phase.REQUIREMENTS, 1), (Phase.HIGH_LEVEL, 14), (Phase.DEEP_DIVE, 20))
    reading = read(clock, now)
    assert reading.of(Phase.REQUIREMENTS).need == 2 * MINUTE
    assert reading.of(Phase.REQUIREMENTS).latest is None
    assert reading.honourable
    assert reading.of(Phase.DEEP_DIVE).latest == 40 * MINUTE
    clock, now = walk(
        (Phase.REQUIREMENTS, 1),
        (Phase.HIGH_LEVEL, 14),
        (Phase.DEEP_DIVE, 25),
        (Phase.REQUIREMENTS, 2),
        (Phase.WRAP_UP, 3),
    )
    assert read(clock.ended(now), now).honourable
    clock, now = walk((Phase.REQUIREMENTS, 1), (Phase.HIGH_LEVEL, 14), (Phase.DEEP_DIVE, 20))
    assert read(clock.ended(now), now).starved_since == 35 * MINUTE


def test_time_beyond_the_end_honours_nothing():
    clock, now = walk(
        (Phase.REQUIREMENTS, 32), (Phase.HIGH_LEVEL, 10), (Phase.DEEP_DIVE, 10), (Phase.WRAP_UP, 3)
    )
    reading = read(clock, now)
    assert reading.remaining == -10 * MINUTE
    assert [one.need / MINUTE for one in reading.phases] == [0, 0, 7, 3]
    assert reading.starved_since == 22 * MINUTE


def test_making_the_session_longer_can_save_it():
    clock, now = walk((Phase.REQUIREMENTS, 25))
    assert read(clock, now).starved_since == 22 * MINUTE
    clock = clock.lent(None, Phase.REQUIREMENTS, 3 * MINUTE, now)
    assert read(clock, now).honourable
    assert read(clock, now + 1).starved_since == 25 * MINUTE


def test_an_overdrawn_plan_is_borrowed_from_the_phase_with_most_to_spare():
    clock, now = walk((Phase.REQUIREMENTS, 10))
    assert read(clock, now).borrowed == (Borrowed(Phase.DEEP_DIVE, 3 * MINUTE),)
    clock, now = walk((Phase.REQUIREMENTS, 21))
    reading = read(clock, now)
    assert reading.borrowed == (
        Borrowed(Phase.HIGH_LEVEL, 4 * MINUTE),
        Borrowed(Phase.DEEP_DIVE, 10 * MINUTE),
    )
    assert reading.of(Phase.REQUIREMENTS).over == "maximum"
    assert reading.unfunded == 0


def test_a_pause_takes_no_time_and_a_clock_set_back_none_either():
    clock, now = walk((Phase.REQUIREMENTS, 5))
    clock = clock.paused(now)
    assert read(clock, now + 60 * MINUTE).elapsed == 5 * MINUTE
    clock = clock.went_on(now + 60 * MINUTE)
    assert read(clock, now).elapsed == 5 * MINUTE
    assert len(clock.at(now + 61 * MINUTE).spans) == 1


@given(st.lists(st.tuples(PHASE, st.integers(1, 20)), max_size=8), st.sampled_from((125, 150, 200)))
def test_a_factor_scales_everything_that_is_read(steps, factor):
    scaled = [(phase, length * factor / 100) for phase, length in steps]
    plain_clock, plain_now = walk(*steps)
    clock, now = walk(*scaled, schedule=Schedule.of(factor=factor))
    one, other = read(plain_clock, plain_now), read(clock, now)
    assert other.honourable is one.honourable
    assert other.elapsed * 100 == one.elapsed * factor
    if one.starved_since is not None:
        assert abs(other.starved_since * 100 - one.starved_since * factor) <= 400


@pytest.mark.parametrize(
    "act",
    [
        lambda clock: clock.moved(Phase.WRAP_UP, START),
        lambda clock: clock.paused(START),
        lambda clock: clock.went_on(START),
        lambda clock: clock.ended(START),
        lambda clock: clock.started(START).started(START),
        lambda clock: clock.started(START).moved(Phase.REQUIREMENTS, START),
        lambda clock: clock.started(START).ended(START).moved(Phase.WRAP_UP, START),
        lambda clock: clock.lent(Phase.WRAP_UP, Phase.WRAP_UP, 1, START),
        lambda clock: clock.lent(Phase.WRAP_UP, Phase.DEEP_DIVE, -1, START),
    ],
)
def test_what_cannot_happen_to_a_clock_is_refused(act):
    with pytest.raises(ValueError):
        act(Clock(Schedule.of()))
