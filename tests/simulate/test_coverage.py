"""The exact value lies in the 95% interval about as often as it should; `make validate` counts with more seeds."""

from __future__ import annotations

import pytest

from benchmarks.cases import all_cases
from benchmarks.coverage import count, outside, run_seeds

SEEDS = 40
FEWEST = 30
"""An honest 95% interval holds the value in fewer than 30 of 40 runs with a chance of 1e-5."""

QUICK = [
    k for k, case in enumerate(all_cases()) if case.name.startswith(("M/M/4/8", "M/D/1", "Retries", "LRU"))
]


@pytest.mark.parametrize("number", QUICK)
def test_exact_values_lie_in_their_intervals(number: int) -> None:
    assert outside(SEEDS, FEWEST, SEEDS) < 1e-4
    rows, _, _ = run_seeds(number, range(1, SEEDS + 1))
    for row in count(all_cases()[number], rows):
        assert row.inside >= FEWEST, f"{row.case}: {row.figure} in {row.inside} of {row.seeds} intervals"
