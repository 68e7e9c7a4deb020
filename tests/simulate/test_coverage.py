"""The exact value lies in the 95% interval about as often as it should, stopping rule included.

`make validate` counts over 1,000 seeds; here 60 seeds of each case tell whether something is badly wrong.
"""

from __future__ import annotations

import pytest

from benchmarks.cases import all_cases
from benchmarks.coverage import count, outside, run_seeds

SEEDS = 60
FEWEST = 48
"""An honest 95% interval holds the value in fewer than 48 of 60 runs with a chance of 7e-6, one of 93% with 2e-4."""


@pytest.mark.parametrize("number", range(len(all_cases())), ids=lambda number: all_cases()[number].name)
def test_exact_values_lie_in_their_intervals(number: int) -> None:
    assert outside(SEEDS, FEWEST, SEEDS) < 1e-5
    rows, _, _ = run_seeds(number, range(1, SEEDS + 1))
    for row in count(all_cases()[number], rows):
        assert row.inside >= FEWEST, f"{row.case}: {row.figure} in {row.inside} of {row.seeds} intervals"
        assert abs(row.bias) < 0.25 * row.half_width + 0.003, (
            f"{row.case}: {row.figure} is off by {row.bias:.2%}"
        )


def test_a_wrong_value_is_found_out() -> None:
    """The count itself: values that are off by two half widths are in few of the intervals."""
    from dataclasses import replace

    case = all_cases()[5]
    rows, _, _ = run_seeds(5, range(1, 13))
    honest = count(case, rows)
    for k, row in enumerate(honest):
        wrong = replace(case.figures[k], value=row.exact * (1 + 2 * row.half_width))
        assert count(replace(case, figures=(wrong,)), [[r[k]] for r in rows])[0].inside < FEWEST / SEEDS * 12
