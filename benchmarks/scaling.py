"""What does a request cost as the design grows, as requests pass, and on two threads?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from benchmarks import queue, tree
from toscale.engine.laws import Law
from toscale.engine.model import Flow, Model, Poisson, Station, Visit, Work
from toscale.simulate.run import compile_engine, simulate_model

COMPONENTS = (3, 30, 300)
REQUESTS = (10**4, 10**5, 10**6, 10**7, 10**8, 10**9)
_NO_BOUND = 1 << 40  # events
_CALLS = 3


def wide(components: int) -> Model:
    """So many stations at a load of a half in all; each request calls three of them, one inside the other."""
    flows = []
    for first in range(0, components, _CALLS):
        steps: tuple[Visit, ...] = ()
        for k in range(first + _CALLS - 1, first - 1, -1):
            steps = (Visit(f"call {k}", f"s{k}", Work.of(Law.exponential(0.001)), body=steps),)
        flows.append(Flow(f"f{first}", Poisson.at(3000.0 / (components / _CALLS)), steps))
    stations = tuple(Station(f"s{k}", slots=64) for k in range(components))
    return Model(stations=stations, flows=tuple(flows))


def by_components(rounds: int) -> dict[int, tuple[float, float]]:
    """Microseconds of processor time for one request more, and seconds for set-up and results, by the number of
    components: from a short run and one five times as long.
    """
    found = {}
    for components in COMPONENTS:
        model, each, fixed = wide(components), [], []
        for _ in range(rounds):
            (short, few), (long, many) = _timed(model, 200.0), _timed(model, 1000.0)
            each.append((long - short) / (many - few))
            fixed.append(short - each[-1] * few)
        found[components] = median(each) * 1e6, max(0.0, median(fixed))
    return found


def _timed(model: Model, seconds: float) -> tuple[float, int]:
    began = process_time()
    requests = simulate_model(model, duration=seconds, workers=1).requests
    return process_time() - began, requests


def by_requests() -> dict[int, tuple[float, float]]:
    """W1: seconds of processor time, and MB that the process grew by, each run in a process of its own."""
    return {n: _alone(n) for n in REQUESTS}


def _alone(requests: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling", str(requests)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    seconds, grown = json.loads(done.stdout)
    return float(seconds), float(grown)


def threads(rounds: int) -> float:
    """How many times faster W3 is on two threads, by the clock on the wall; 0 where there is one processor only."""
    if (os.cpu_count() or 1) < 2:
        return 0.0
    took: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, times in took.items():
            began = perf_counter()
            simulate_model(tree.tree(), duration=6e6 / tree.RATE, workers=workers)
            times.append(perf_counter() - began)
    return median(took[1]) / median(took[2])


def _run(requests: int) -> tuple[float, float]:
    import resource

    compile_engine()
    simulate_model(queue.queue(1), duration=1.0, workers=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = process_time()
    simulate_model(queue.queue(1), duration=requests / queue.rate(1), workers=1, most_events=_NO_BOUND)
    took = process_time() - began
    return took, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


if __name__ == "__main__":
    print(json.dumps(_run(int(sys.argv[1]))))
