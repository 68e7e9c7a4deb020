"""How often does the exact value lie within the reported interval? The same model from many seeds, stopping
rule included.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from math import comb
from multiprocessing import get_context
from time import process_time

import numpy as np

from benchmarks.cases import Case, all_cases, hard_cases
from toscale.simulate.run import simulate_model

CHUNK = 20  # seeds that a worker is given at one time


@dataclass(frozen=True, slots=True)
class Coverage:
    """What many seeds have given for one figure: how many intervals hold the exact value, lie below it, above
    it, or are not there; the mean deviation and the mean half width, relative to the exact value.
    """

    case: str
    figure: str
    exact: float
    seeds: int
    inside: int
    below: int
    above: int
    absent: int
    bias: float
    half_width: float

    @property
    def share(self) -> float:
        return self.inside / self.seeds


@dataclass(frozen=True, slots=True)
class Cost:
    """What the seeds of one case have cost on average."""

    case: str
    requests: float
    seconds: float  # of processor time


Rows = list[list[tuple[float | None, float | None, float | None]]]


def numbered() -> tuple[Case, ...]:
    """All cases by number, the hard ones last."""
    return (*all_cases(), *hard_cases())


def run_seeds(number: int, seeds: Sequence[int]) -> tuple[Rows, int, float]:
    """The figures (value, low, high) of a case from each seed, all requests, and the processor time in
    seconds.
    """
    case = numbered()[number]
    rows: Rows = []
    requests = 0
    began = process_time()
    for seed in seeds:
        result = simulate_model(
            case.model, seed=seed, precision=case.precision, quantiles=case.quantiles, workers=1
        )
        requests += result.requests
        figures = [exact.read(result) for exact in case.figures]
        rows.append([(None, None, None) if f is None else (f.value, f.low, f.high) for f in figures])
    return rows, requests, process_time() - began


def count(case: Case, rows: Rows) -> list[Coverage]:
    """How the intervals of one case lie to the exact values."""
    found = []
    for k, exact in enumerate(case.figures):
        values = [row[k] for row in rows]
        whole = np.array([v for v in values if None not in v], dtype=np.float64).reshape(-1, 3)
        value, low, high = whole.T
        inside = int(np.sum((low <= exact.value) & (exact.value <= high)))
        found.append(
            Coverage(
                case.name,
                exact.name,
                exact.value,
                len(rows),
                inside,
                int(np.sum(high < exact.value)),
                int(np.sum(low > exact.value)),
                len(rows) - len(whole),
                float(np.mean(value) / exact.value - 1) if len(whole) else 0.0,
                float(np.mean(high - low) / 2 / exact.value) if len(whole) else 0.0,
            )
        )
    return found


def measure(
    seeds: int,
    numbers: Sequence[int] | None = None,
    *,
    workers: int | None = None,
    done: Callable[[float], None] | None = None,
) -> tuple[list[Coverage], list[Cost]]:
    """The coverage of all cases (or of those with these numbers) over seeds 1 to `seeds`, on all cores, and what
    each case costs.
    """
    cases = numbered()
    chosen = range(len(cases)) if numbers is None else numbers
    blocks = [range(first, min(first + CHUNK, seeds + 1)) for first in range(1, seeds + 1, CHUNK)]
    rows: dict[int, Rows] = {number: [] for number in chosen}
    requests, seconds = dict.fromkeys(chosen, 0), dict.fromkeys(chosen, 0.0)
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(run_seeds, n, block): n for n in chosen for block in blocks}
        for finished, future in enumerate(as_completed(futures), 1):
            number = futures[future]
            got, started, took = future.result()
            rows[number] += got
            requests[number] += started
            seconds[number] += took
            if done is not None:
                done(finished / len(futures))
    found = [row for number in chosen for row in count(cases[number], rows[number])]
    costs = [Cost(cases[n].name, requests[n] / seeds, seconds[n] / seeds) for n in chosen]
    return found, costs


def outside(seeds: int, low: int, high: int, chance: float = 0.95) -> float:
    """The chance that a binomial count of so many seeds lies below `low` or above `high`: the false alarm of
    an honest interval.
    """
    within = sum(comb(seeds, k) * chance**k * (1 - chance) ** (seeds - k) for k in range(low, high + 1))
    return max(0.0, 1 - within)
