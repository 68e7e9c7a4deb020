"""Is what an earlier flow put into a store still there when a later one asks for it? The chance, for flows
that are started apart.

A flow that follows another after pauses inherits a key. The entry is as old as the pauses since it was put
in; it is there if they are shorter than its ttl. The age of each flow's key is a mixture over its causes:
that of the cause, plus one more pause.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toscale.engine.laws import Law
from toscale.engine.model import After

__all__ = ["presence"]

CELLS = 4096
"""The ttl is cut into so many cells; the chance is exact to about their square."""

Array = np.ndarray[Any, np.dtype[np.float64]]


def presence(
    flow: str,
    ttl: float | None,
    putters: frozenset[str],
    followers: Mapping[str, After],
    rates: Mapping[str, float],
) -> float:
    """The chance that an inherited key is there when `flow` asks for it; without a ttl, that it was put in
    at all.

    `putters` are the flows that put a new key in, `followers` the displaced flows with their causes and
    waits, `rates` starts per second. A follower neither puts nor renews: its key is that of its cause.
    """
    if ttl is None:
        return _reached(flow, putters, followers, rates)
    width = ttl / CELLS
    pauses = {name: _cells(source.wait, width) for name, source in followers.items()}
    ages: dict[str, Array] = {name: np.zeros(CELLS) for name in followers}
    new_key = np.zeros(CELLS)
    new_key[0] = 1.0
    for _ in range(10_000):
        change = 0.0
        for name, source in followers.items():
            total = sum(rates.get(cause, 0.0) for cause in source.flows)
            if total <= 0:
                continue
            mixed = np.zeros(CELLS)
            for cause in source.flows:
                age = new_key if cause in putters else ages.get(cause)
                if age is not None:
                    mixed += rates.get(cause, 0.0) / total * age
            aged = _add(mixed, pauses[name])
            change = max(change, float(np.abs(aged - ages[name]).sum()))
            ages[name] = aged
        if change < 1e-10:
            break
    return float(min(1.0, max(0.0, ages[flow].sum()))) if flow in ages else 0.0


def _reached(
    flow: str, putters: frozenset[str], followers: Mapping[str, After], rates: Mapping[str, float]
) -> float:
    """The share of the flow's requests that go back to a flow that put the key in."""
    shares = dict.fromkeys(followers, 0.0)
    for _ in range(10_000):
        new = {}
        for name, source in followers.items():
            total = sum(rates.get(cause, 0.0) for cause in source.flows)
            new[name] = sum(
                rates.get(c, 0.0) / total * (1.0 if c in putters else shares.get(c, 0.0))
                for c in source.flows
                if total > 0
            )
        change = max((abs(new[n] - shares[n]) for n in new), default=0.0)
        shares = new
        if change < 1e-12:
            break
    return shares.get(flow, 0.0)


def _cells(wait: Law | None, width: float) -> Array:
    """The chances of a pause by cells around the multiples of `width`; what is longer than the ttl is left
    out.
    """
    if wait is None:
        cells = np.zeros(CELLS)
        cells[0] = 1.0
        return cells
    edges = (np.arange(CELLS + 1) - 0.5) * width
    below = np.asarray(wait.cdf(np.maximum(edges, 0.0)))
    below[0] = 0.0
    return np.diff(below)


def _add(one: Array, other: Array) -> Array:
    """The law of a sum, up to the ttl."""
    size = 2 * CELLS
    product = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size), size)[:CELLS]
    return np.maximum(product, 0.0)
