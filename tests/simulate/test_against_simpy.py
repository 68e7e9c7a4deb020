"""Another simulator of the same model agrees: a web tier, a cache and a database, written independently in SimPy.

The tree of the speed tests (W3): round robin over eight replicas of sixteen slots, lognormal work, and then, the slot
still held, a cache that hits nine times in ten; on a miss a database of 32 connections with a time-out of 100 ms and
one retry. A query whose caller gave up while it waited is dropped, one that runs goes on and holds its connection.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.tree import HITS, simulated_with_simpy, tree
from toscale.simulate.result import Figure
from toscale.simulate.run import simulate_model
from toscale.simulate.statistics import t_quantile_975

RUNS = 6
SECONDS = 4.0
RATE, TIMEOUT = 11_500.0, 0.05  # busier and less patient than in the speed tests, so that calls are given up


def test_simpy_and_the_engine_agree() -> None:
    """Figures differ by less than twice the sum of the two half widths: four standard errors and more of a difference,
    a false-alarm rate below 1e-3 for each (the seeds are fixed).

    SimPy's interval is Student's over independent runs.
    """
    ours = simulate_model(tree(RATE, TIMEOUT), seed=1, duration=40.0)
    runs = [simulated_with_simpy(SECONDS, seed, rate=RATE, timeout=TIMEOUT) for seed in range(RUNS)]
    flow, database = ours.flows["requests"], ours.components["database"]
    figures: dict[str, Figure] = {
        "mean": flow.latency.answered["mean"],
        "p50": flow.latency.answered["p50"],
        "p99": flow.latency.answered["p99"],
        "web": ours.components["web"].utilisation,
        "database": database.utilisation,
        "queries": database.arrivals,
        "answered": flow.availability,
    }
    for name, figure in figures.items():
        theirs = np.array([run[name] for run in runs])
        assert figure.value is not None
        assert figure.low is not None
        assert figure.high is not None
        reach = t_quantile_975(RUNS - 1) * theirs.std(ddof=1) / RUNS**0.5 + (figure.high - figure.low) / 2
        assert figure.value == pytest.approx(theirs.mean(), abs=2 * reach), name
        assert reach < 0.1 * theirs.mean(), f"{name}: too wide to say anything"
    assert database.arrivals.value is not None
    assert database.arrivals.value > 1.05 * RATE * (1 - HITS)  # one query in ten was asked again
    assert flow.availability.value is not None
    assert flow.availability.value < 0.9997  # and some requests were given up
