"""How fast are other simulators at the same queue? Run in the environment of `requirements/bench.txt`, apart from ours.

`python -m benchmarks.peers.NAME SERVERS REQUESTS` simulates W1 or W2 and prints, as JSON, the requests, the seconds of
processor time that they took, compilation left out, and the mean latency over the mean work, which shows that it was
the same queue. Each is written as its own documentation would write it.
"""

import json
import sys
from collections.abc import Callable

LOAD = 0.9
"""Of each server; the mean work is 1."""

Measured = tuple[int, float, float]
"""Requests, seconds of processor time, mean latency over mean work."""


def main(run: Callable[[int, int], Measured]) -> None:
    """What a peer's module does when it is run."""
    servers, requests = sys.argv[1:]
    print(json.dumps(run(int(servers), int(requests))))
