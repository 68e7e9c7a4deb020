"""Intervals hold what they say: against scipy, on samples whose truth is known, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from toscale.engine.state import CELL_COUNT, TICK
from toscale.engine.tasks import cell
from toscale.simulate.result import Figure
from toscale.simulate.statistics import EDGES, half_width, percentile, quantile_at, ratio, t_quantile_975

BATCHES = 32


def inside(figures: list[Figure], exact: float) -> float:
    held = [f.low is not None and f.high is not None and f.low <= exact <= f.high for f in figures]
    return float(np.mean(held))


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 7, 10, 31, 63, 1_000])
def test_student_s_quantile_is_scipy_s(degrees: int) -> None:
    assert t_quantile_975(degrees) == pytest.approx(float(stats.t.ppf(0.975, degrees)), rel=1e-3)


def test_no_degrees_of_freedom_no_interval() -> None:
    with pytest.raises(ValueError, match="two batches"):
        t_quantile_975(0)
    figure = ratio([3.0], [2.0])
    assert figure is not None
    assert (figure.value, figure.low, figure.high) == (1.5, None, None)
    assert figure.reason is not None
    assert ratio([0.0, 0.0], [0.0, 0.0]) is None


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(1e-3, 1e9)), min_size=2, max_size=50))
def test_the_value_lies_in_its_own_interval(pairs: list[tuple[float, float]]) -> None:
    above, below = zip(*pairs, strict=True)
    figure = ratio(above, below)
    assert figure is not None
    assert figure.value is not None
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low <= figure.value * (1 + 1e-9)
    assert figure.value <= figure.high * (1 + 1e-9)


@pytest.mark.parametrize(
    ("name", "bounds"),
    [("normal", (0.93, 0.97)), ("exponential", (0.93, 0.97)), ("lognormal", (0.90, 0.97))],
)
def test_an_interval_of_batches_holds_the_mean_as_often_as_it_says(
    name: str, bounds: tuple[float, float]
) -> None:
    """4,000 samples of 32 batches: bounds wider than an honest interval misses by five standard deviations (0.9% each).

    Lognormal of cv 1.3: as skewed as batches of a busy queue; Student's own interval holds the mean in 88% of samples.
    """
    draw = np.random.default_rng(1)
    shape = {
        "normal": lambda: draw.normal(10.0, 1.0, BATCHES),
        "exponential": lambda: draw.exponential(10.0, BATCHES),
        "lognormal": lambda: draw.lognormal(np.log(10) - 0.5, 1.0, BATCHES),
    }[name]
    figures = [f for _ in range(4_000) if (f := ratio(shape(), np.ones(BATCHES))) is not None]
    assert bounds[0] < inside(figures, 10.0) < bounds[1]


def test_rates_of_both_counts_belong_together() -> None:
    """A ratio's interval is that of above - value * below: none where both move together."""
    below = np.array([5.0, 9.0, 2.0, 7.0])
    figure = ratio(3 * below, below)
    assert figure == Figure(3.0, 3.0, 3.0)


def test_an_interval_of_a_share_ends_at_1_and_of_a_count_at_0() -> None:
    ones = np.full(8, 100.0)
    share = ratio(ones - np.array([0, 0, 0, 0, 0, 0, 0, 3.0]), ones, most=1.0)
    seldom = ratio([0, 0, 0, 0, 0, 0, 0, 3.0], ones)
    assert share is not None
    assert seldom is not None
    assert share.high == 1.0
    assert seldom.low == 0.0


def histograms(times: np.ndarray) -> np.ndarray:
    """Times in seconds, (batches, number), as the engine counts them: how many at or below each cell."""
    counted = np.zeros((len(times), CELL_COUNT), dtype=np.int64)
    for k, row in enumerate(times):
        cells = np.searchsorted(EDGES, row, side="right") - 1
        counted[k] = np.bincount(cells, minlength=CELL_COUNT)[:CELL_COUNT]
    return np.cumsum(counted, axis=1)


def test_the_edges_are_the_engine_s_cells() -> None:
    for ticks in (0, 1, 127, 128, 129, 255, 256, 12_345, 10**9):
        assert int(cell(ticks)) == int(np.searchsorted(EDGES, (ticks + 0.5) * TICK, side="right")) - 1


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_a_percentile_is_that_of_the_times_to_a_cell(q: float) -> None:
    times = np.random.default_rng(1).exponential(0.01, (BATCHES, 1_000))
    figure = percentile(histograms(times), np.full(BATCHES, 1_000), q)
    assert figure.value == pytest.approx(float(np.quantile(times, q)), rel=0.004)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < figure.value < figure.high


def test_a_percentile_s_interval_holds_it_as_often_as_it_says() -> None:
    """p95 of exponential times, 1,000 samples: within five standard deviations (0.7% each) of 95%."""
    draw = np.random.default_rng(2)
    exact = -0.01 * np.log(0.05)
    figures = []
    for _ in range(1_000):
        times = draw.exponential(0.01, (BATCHES, 60))
        figures.append(percentile(histograms(times), np.full(BATCHES, 60), 0.95))
    assert 0.915 < inside(figures, exact) < 0.985


def test_a_percentile_s_interval_holds_it_where_long_times_come_in_bursts() -> None:
    """p99, 1,000 samples whose batches differ as those of a busy queue: each batch has a scale of its own, most of
    the long times are of a few batches. Within five standard deviations (0.7% each) of 95%, and neither end
    misses it much more often than the other.
    """
    draw = np.random.default_rng(3)
    scales = draw.gamma(25.0, 0.04, 2_000_000)
    exact = float(np.quantile(draw.exponential(0.01, len(scales)) * scales, 0.99))
    figures = []
    for _ in range(1_000):
        times = draw.exponential(0.01, (BATCHES, 400)) * draw.gamma(25.0, 0.04, (BATCHES, 1))
        figures.append(percentile(histograms(times), np.full(BATCHES, 400), 0.99))
    assert 0.915 < inside(figures, exact) < 0.985
    below = sum(f.high is not None and f.high < exact for f in figures)
    above = sum(f.low is not None and f.low > exact for f in figures)
    assert abs(below - above) < 5 * (below + above) ** 0.5


def test_skewness_widens_an_interval_by_no_more_than_is_known() -> None:
    """One batch far above 31 others: the long side is longer than Student's, but not by the cube root's zero."""
    batches = np.concatenate([np.zeros(31), [100.0]])
    figure = ratio(batches + 100.0, np.ones(BATCHES))
    assert figure is not None
    assert figure.value is not None
    assert figure.high is not None
    error = float(np.std(batches, ddof=1)) / BATCHES**0.5
    assert 2.04 < (figure.high - figure.value) / error < 3.5


def test_percentiles_of_all_count_those_that_were_never_answered() -> None:
    """Two in a hundred failed: the p99 of all is not known, the p50 is that of a little more than half."""
    times = np.random.default_rng(1).exponential(0.01, (BATCHES, 980))
    cumulated, counted = histograms(times), np.full(BATCHES, 1_000)
    assert percentile(cumulated, counted, 0.99).value is None
    assert "2.00% of the requests" in (percentile(cumulated, counted, 0.99).reason or "")
    figure = percentile(cumulated, counted, 0.5)
    assert figure.value == pytest.approx(float(np.quantile(times, 0.5 / 0.98)), rel=0.004)


def test_too_few_requests_know_no_percentile() -> None:
    cumulated = histograms(np.full((4, 10), 0.01))
    figure = percentile(cumulated, np.full(4, 10), 0.99)
    assert figure.value is None
    assert "too few" in (figure.reason or "")
    assert percentile(cumulated[:0], np.zeros(0), 0.5).reason == "no request ended"


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_within_its_cell(counts: list[int], q: float) -> None:
    whole = np.cumsum(np.concatenate([counts, np.zeros(CELL_COUNT - len(counts), dtype=np.int64)]))
    if whole[-1] == 0:
        return
    rank = q * float(whole[-1])
    value = quantile_at(whole, rank)
    k = min(int(np.searchsorted(whole, rank)), CELL_COUNT - 1)
    assert EDGES[k] <= value <= EDGES[k + 1]


def test_half_widths_are_relative() -> None:
    assert half_width(Figure(10.0, 9.0, 12.0)) == pytest.approx(0.15)
    assert half_width(Figure(0.0, 0.0, 0.0)) == 0.0
    for unknown in (None, Figure(None, reason="x"), Figure(1.0, 0.5, None), Figure(0.0, 0.0, 1.0)):
        assert half_width(unknown) is None
