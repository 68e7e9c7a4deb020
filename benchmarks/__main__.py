"""How fast is it? `python -m benchmarks` measures side by side, in one run, on one core; writes docs/benchmarks.md.

Absolute figures drift with the machine and with what else it does; ratios within one run hold. Three rounds are made in
turn, so that a slow minute meets all alike, and medians are given.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from benchmarks import queue, rooms, scaling, tree
from benchmarks.clients import Server
from toscale.design.load import load
from toscale.engine.model import Model
from toscale.simulate.lower import lower
from toscale.simulate.run import compile_engine, simulate_model
from toscale.theory import solve

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
PEERS = ROOT / ".bench" / "bin" / "python"
ROUNDS = 3

Measure = Callable[[], tuple[float, float]]
"""Requests, and the seconds of processor time that they took."""


def timed(run: Callable[[], float]) -> tuple[float, float]:
    """How many requests a run says it simulated, and the processor time that it took."""
    began = process_time()
    requests = run()
    return requests, process_time() - began


def engine(model: Model, seconds: float) -> Measure:
    """The engine through the public API, with all results collected, on one thread."""
    return lambda: timed(lambda: float(simulate_model(model, duration=seconds, workers=1).requests))


def simpy_tree() -> float:
    return simulated(tree.simulated_with_simpy(4.0, 1, warm_up=0.0))


def simulated(figures: Mapping[str, float]) -> float:
    return figures["requests"]


def contenders() -> dict[str, dict[str, Measure]]:
    """By workload, by engine."""
    found: dict[str, dict[str, Measure]] = {}
    for name, servers in (("W1: M/M/1 at load 0.9", 1), ("W2: M/M/8 at load 0.9", 8)):
        found[name] = {
            "ToScale": engine(queue.queue(servers), 2e6 / queue.rate(servers)),
            "a loop over heapq": _python(queue.simulated_with_heapq, servers, 200_000),
            "SimPy": _python(queue.simulated_with_simpy, servers, 60_000),
            "cimba": _peer("cimba", servers, 2_000_000),
            "Ciw": _peer("ciw", servers, 40_000),
        }
    found["W3: web tier, cache, database with time-outs"] = {
        "ToScale": engine(tree.tree(), 1.5e6 / tree.RATE),
        "SimPy": lambda: timed(simpy_tree),
    }
    return found


def _python(run: Callable[[int, int], list[float]], servers: int, requests: int) -> Measure:
    return lambda: timed(lambda: float(len(run(servers, requests))))


def _peer(module: str, servers: int, requests: int) -> Measure:
    """A simulator in the environment of `requirements/bench.txt`, which `make bench` sets up."""

    def measure() -> tuple[float, float]:
        done = subprocess.run(
            [str(PEERS), "-m", f"benchmarks.peers.{module}", str(servers), str(requests)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        simulated, seconds, _ = json.loads(done.stdout)
        return float(simulated), float(seconds)

    return measure


def race() -> dict[str, dict[str, float]]:
    """Requests per second of processor time: medians of rounds in which each runs once."""
    speeds: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for workload, engines in contenders().items():
            for name, measure in engines.items():
                requests, seconds = measure()
                speeds.setdefault(workload, {}).setdefault(name, []).append(requests / seconds)
    return {w: {n: median(values) for n, values in engines.items()} for w, engines in speeds.items()}


def tight_tree() -> tuple[float, int]:
    """Processor seconds until the p99 and the mean of W3 are within 2%, and the requests that it took."""
    took, requests = [], 0
    for _ in range(ROUNDS):
        began = process_time()
        requests = simulate_model(tree.tree(), precision=0.02, workers=1).requests
        took.append(process_time() - began)
    return median(took), requests


def shortener() -> tuple[float, int, int]:
    """Wall seconds for 60 s of the URL shortener's upper-end peak on one core; its requests, in all and a second."""
    model = lower(load(ROOT / "examples" / "url_shortener.design.yaml"), at="upper").model
    twin, took, requests = solve(model), [], 0
    for _ in range(ROUNDS):
        began = perf_counter()
        requests = simulate_model(model, twin=twin, duration=60.0, workers=1).requests
        took.append(perf_counter() - began)
    return median(took), requests, round(sum(f.rate for f in twin.flows.values()))


def fresh(code: str, **environment: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    return done.stdout


def peak_memory() -> float:
    """MB at most of a process that simulates those 60 s."""
    said = fresh(
        "import resource; from benchmarks.__main__ import shortener; shortener();"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    return float(said)


def start_up() -> float:
    """Seconds until `toscale --help` has answered."""
    took = []
    for _ in range(5):
        began = perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from toscale.cli import main; main(['--help'])"],
            capture_output=True,
            check=False,
        )
        took.append(perf_counter() - began)
    return median(took)


def compilation() -> tuple[float, float]:
    """Seconds to compile the engine with an empty cache, and to load it afterwards, each in a fresh process."""
    code = "from toscale.simulate.run import compile_engine; print(compile_engine())"
    with tempfile.TemporaryDirectory() as folder:
        return float(fresh(code, XDG_CACHE_HOME=folder)), float(fresh(code, XDG_CACHE_HOME=folder))


def keystrokes() -> rooms.Measured:
    """The way of keystrokes through 100 rooms of three, for half a minute; clients and server on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", limits=rooms.LIMITS)
        try:
            return asyncio.run(rooms.measure(server, 100, 30.0))
        finally:
            server.stop()


def page() -> str:
    """All of it, measured now, in Markdown."""
    compile_engine()
    lines = [
        "# Speed",
        "",
        "Generated by `make bench` (`python -m benchmarks`); not written by hand. Every figure is of one core, the",
        f"median of {ROUNDS} rounds in one run, by processor time; ToScale through its public API, with all results.",
        "",
    ]
    for workload, speeds in race().items():
        base = speeds["SimPy"]
        lines += [f"| {workload} | requests per second | times SimPy |", "|---|---:|---:|"]
        lines += [f"| {name} | {speed:,.0f} | {speed / base:.3g} |" for name, speed in speeds.items()]
        lines.append("")
    lines += [
        'About 8 of any "times SimPy" is SimPy\'s own overhead: the loop over heapq says how much.',
        "cimba is a C engine; here a store hands the customers to the servers, the fastest of its idioms.",
        "",
        *goals(),
        "",
        *growth(),
        "",
        f"Machine: {_machine()}; Python {platform.python_version()}.",
        "",
    ]
    return "\n".join(lines)


def goals() -> list[str]:
    """What speed.md and the issues ask for, beside what was measured."""
    typed = keystrokes()
    seconds, requests, rate = shortener()
    tight, needed = tight_tree()
    cold, warm = compilation()
    parallel = scaling.threads(ROUNDS)
    return [
        "| what | measured | goal |",
        "|---|---:|---:|",
        f"| 60 s of the URL shortener's upper-end peak ({requests:,} requests of all flows, {rate:,} a second) "
        f"| {seconds:.2f} s | 2 s |",
        f"| peak memory of that process | {peak_memory():.0f} MB | 500 MB |",
        f"| W3, mean and p99 within 2% ({needed:,} requests) | {tight * 1e3:.0f} ms | 30 ms |",
        f"| W3 on two threads, by the clock | {parallel:.2f} x | 1.9 x |",
        f"| `toscale --help` | {start_up():.2f} s | 0.3 s |",
        f"| a keystroke's way from one browser to another, {typed.rooms} rooms of three that type and compute, 95th "
        f"percentile of {typed.keystrokes:,} | {typed.p95:.0f} ms | 100 ms |",
        f"| compiling the engine, once for each version | {cold:.1f} s | |",
        f"| loading it in a fresh process afterwards | {warm:.2f} s | |",
    ]


def growth() -> list[str]:
    """The cost of a request as components grow, and as requests pass."""
    lines = [
        "| components, each request calling three | one request more | set-up and results |",
        "|---:|---:|---:|",
    ]
    for components, (each, fixed) in scaling.by_components(ROUNDS).items():
        lines.append(f"| {components} | {each:.2f} µs | {fixed:.2f} s |")
    lines += ["", "| W1: requests | processor time | memory grew by |", "|---:|---:|---:|"]
    for requests, (seconds, grown) in scaling.by_requests().items():
        lines.append(f"| {requests:,} | {seconds:.3g} s | {grown:.1f} MB |")
    return lines


def _machine() -> str:
    """The processor's name and number, where the system tells."""
    cpus = Path("/proc/cpuinfo")
    names = (
        [
            line.split(":", 1)[1].strip()
            for line in cpus.read_text().splitlines()
            if line.startswith("model name")
        ]
        if cpus.exists()
        else []
    )
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{os.cpu_count()} x {name}"


def main() -> None:
    """Measures, prints and writes the page."""
    text = page()
    PAGE.write_text(text, encoding="utf-8")
    print(f"{text}\nWrote {PAGE}.")


if __name__ == "__main__":
    main()
