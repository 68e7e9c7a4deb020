"""What must be true of every schedule, whatever the length, the factor and the wish."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.interview.phases import FACTORS, LONGEST, PHASES, SHORTEST, Phase, Schedule, fitted
from toscale.interview.times import MINUTE, SECOND, minutes

LENGTHS = st.integers(SHORTEST, LONGEST)


def test_for_45_minutes_it_is_the_methods_own():
    schedule = Schedule.of()
    assert schedule.length == 45 * MINUTE
    assert [one / MINUTE for one in schedule.minima] == [3, 10, 10, 3]
    assert [one / MINUTE for one in schedule.maxima] == [10, 15, 25, 5]
    assert [one / MINUTE for one in schedule.plan] == [7, 14, 20, 4]


@given(LENGTHS, st.sampled_from(FACTORS))
def test_bounds_scale_with_the_length_and_the_plan_adds_up(length, factor):
    schedule = Schedule.of(length, factor)
    usual = Schedule.of()
    assert schedule.length == length * factor // 100 == sum(schedule.plan)
    assert sum(schedule.minima) < schedule.length < sum(schedule.maxima)
    for mine, its in (
        (schedule.minima, usual.minima),
        (schedule.maxima, usual.maxima),
        (schedule.plan, usual.plan),
    ):
        for one, other in zip(mine, its, strict=True):
            assert abs(one - Fraction(other * schedule.length, usual.length)) <= 4


@given(st.integers(SHORTEST // 8, LONGEST // 8).map(lambda one: 8 * one), st.sampled_from(FACTORS))
def test_a_factor_cannot_be_told_from_a_length(length, factor):
    longer = length * factor // 100
    if longer <= LONGEST:
        assert Schedule.of(length, factor) == Schedule.of(longer)


@given(st.lists(st.integers(0, 100 * MINUTE), min_size=4, max_size=4), LENGTHS)
def test_any_wish_is_fitted_into_the_bounds(wish, length):
    bounds = Schedule.of(length)
    plan = fitted([Fraction(one) for one in wish], bounds.minima, bounds.maxima, length)
    assert Schedule(length, bounds.minima, bounds.maxima, plan).plan == plan


@given(LENGTHS, st.sampled_from(FACTORS))
def test_a_wish_that_fits_is_kept(length, factor):
    schedule = Schedule.of(length, factor)
    wish = [Fraction(one) for one in schedule.plan]
    assert fitted(wish, schedule.minima, schedule.maxima, schedule.length) == schedule.plan


def test_a_plan_of_ones_own_is_scaled_too():
    own = [5 * MINUTE, 15 * MINUTE, 20 * MINUTE, 5 * MINUTE]
    assert [one / MINUTE for one in Schedule.of(45 * MINUTE, 200, own).plan] == [10, 30, 40, 10]


@pytest.mark.parametrize(
    ("length", "factor", "plan", "said"),
    [
        (45 * MINUTE, 110, None, "110%"),
        (SHORTEST - 1, 100, None, "within"),
        (LONGEST + 1, 100, None, "within"),
        (45 * MINUTE, 100, [45 * MINUTE], "each of the 4 phases"),
        (45 * MINUTE, 100, [7 * MINUTE, 14 * MINUTE, 20 * MINUTE, 5 * MINUTE], "45 min in all"),
        (45 * MINUTE, 100, [2 * MINUTE, 15 * MINUTE, 24 * MINUTE, 4 * MINUTE], "2 min for requirements"),
    ],
)
def test_what_cannot_be_is_refused_by_name(length, factor, plan, said):
    with pytest.raises(ValueError, match=said):
        Schedule.of(length, factor, plan)


def test_lending_moves_plan_and_an_extension_moves_the_end():
    usual = Schedule.of()
    lent = usual.lent(Phase.DEEP_DIVE, Phase.REQUIREMENTS, 3 * MINUTE)
    assert [one / MINUTE for one in lent.plan] == [10, 14, 17, 4]
    longer = usual.lent(None, Phase.WRAP_UP, 5 * MINUTE)
    assert (longer.length, longer.plan[3], longer.maxima[3]) == (50 * MINUTE, 9 * MINUTE, 9 * MINUTE)
    assert longer.minima == usual.minima
    with pytest.raises(ValueError, match="18 min for requirements"):
        usual.lent(Phase.DEEP_DIVE, Phase.REQUIREMENTS, 11 * MINUTE)


def test_the_phases_have_names_that_can_be_said():
    assert [phase.called for phase in PHASES] == ["requirements", "high-level design", "deep dive", "wrap-up"]
    assert [PHASES[phase.position] for phase in PHASES] == list(PHASES)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (0, "0 s"),
        (999, "0 s"),
        (40 * SECOND, "40 s"),
        (7 * MINUTE, "7 min"),
        (67 * MINUTE + 30 * SECOND, "67 min 30 s"),
        (-2 * MINUTE, "-2 min"),
    ],
)
def test_times_are_written_as_on_a_clock(span, said):
    assert minutes(span) == said
