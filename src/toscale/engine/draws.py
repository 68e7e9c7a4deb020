"""Random draws that do not depend on the order of events.

A draw is a hash of what it is for: the request's key and the step's salt (Steele, Lea & Flood, "Fast
splittable pseudorandom number generators", 2014: the finaliser of SplitMix64). Two variants of a design
therefore see the same arrivals and the same demands wherever their steps are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine.jit import jit

Record = Any

_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_UNIT = 2.0**-53
_BELOW_ONE = 1.0 - 2.0**-53  # the largest would be rounded up to 1

# A law's table: each level covers the top 1/64 of the level before with as many cells again, so that tails
# are drawn as
# finely as the rest. LEVELS levels reach the quantile of 1 - 2^-40.
CELLS = 1024
LEVELS = 6
ZOOM = 64.0
TOP = 1.0 - 1.0 / ZOOM

FIXED, TABLE, VALUES = 0, 1, 2

HEAD = 1024  # keys of a population whose weights are kept one by one


@jit
def mix(z):  # type: ignore[no-untyped-def]
    """64 bits in, 64 well-mixed bits out."""
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@jit
def unit(z):  # type: ignore[no-untyped-def]
    """A number strictly between 0 and 1 out of 64 mixed bits."""
    return min((np.float64(z >> _S11) + 0.5) * _UNIT, _BELOW_ONE)


@jit
def draw_law(S, law, u):  # type: ignore[no-untyped-def]
    """The u-quantile of a law."""
    row = S.laws[law]
    if row.kind == FIXED:
        return row.value
    if row.kind == VALUES:
        return S.values[row.first + int(u * row.number)]
    level = 0
    while u >= TOP and level < LEVELS - 1:
        u = (u - TOP) * ZOOM
        level += 1
    x = u * CELLS
    k = min(int(x), CELLS - 1)
    low = S.tables[law, level, k]
    return low + (x - k) * (S.tables[law, level, k + 1] - low)


@jit
def draw_index(S, population, u):  # type: ignore[no-untyped-def]
    """The index (from 1) of a key drawn by its weight i^-s: the head by its table, the tail by inverting the
    integral.

    In the tail the weight of k is taken as the integral from k - 1/2 to k + 1/2, off by less than s(s+1)/24
    k^-2 of it.
    """
    row = S.populations[population]
    if row.exponent == 0.0:
        return 1 + int(u * row.keys)
    if u < row.head_mass:
        guide = int(u / row.head_mass * HEAD)
        k = S.guides[population, guide]
        while S.heads[population, k] <= u:
            k += 1
        return k + 1
    v = (u - row.head_mass) / (1.0 - row.head_mass)
    if row.exponent == 1.0:
        x = row.tail_low * np.exp(v * row.tail_span)
    else:
        x = (row.tail_low + v * row.tail_span) ** (1.0 / (1.0 - row.exponent))
    return min(max(int(x + 0.5), HEAD + 1), row.keys)


@jit
def weight(S, population, index):  # type: ignore[no-untyped-def]
    """The chance that a draw from the population is the key with this index."""
    row = S.populations[population]
    if row.exponent == 0.0:
        return 1.0 / row.keys
    return np.float64(index) ** -row.exponent / row.total


@jit
def number(S, i, which):  # type: ignore[no-untyped-def]
    """A number that a step asks for: a constant, an attribute of the thing in a register, or a register."""
    row = S.numbers[which]
    if row.kind == 0:
        return row.value
    if row.kind == 1:
        key = np.uint64(S.registers[i, row.register])
        return np.floor(draw_law(S, row.law, unit(mix(mix(key) + row.salt))) + 1e-9)
    if row.kind == 2:
        return np.float64(S.registers[i, row.register])
    return changed_number(S, i, which)


@jit
def changed_number(S, i, which):  # type: ignore[no-untyped-def]
    """A number that a fault changes: an attribute that is given for some keys, or the work on a machine that
    may be slow, in ticks.
    """
    row = S.numbers[which]
    key = np.uint64(S.registers[i, row.register])
    if row.kind == 3:
        for k in range(S.control[0].n_givens):
            given = S.givens[k]
            if np.uint64(given.key) == key and given.salt == row.salt:
                return given.value
        return np.floor(draw_law(S, row.law, unit(mix(mix(key) + row.salt))) + 1e-9)
    work = row.value
    if row.each > 0.0:
        work += row.each * number_of_rows(S, i, row.law)
    return work * S.conditions[S.registers[i, row.register]].slow


@jit
def number_of_rows(S, i, which):  # type: ignore[no-untyped-def]
    """As `number`, for the rows of a piece of work."""
    row = S.numbers[which]
    if row.kind == 0:
        return row.value
    key = np.uint64(S.registers[i, row.register])
    if row.kind == 2:
        return np.float64(S.registers[i, row.register])
    if row.kind == 3:
        for k in range(S.control[0].n_givens):
            given = S.givens[k]
            if np.uint64(given.key) == key and given.salt == row.salt:
                return given.value
    return np.floor(draw_law(S, row.law, unit(mix(mix(key) + row.salt))) + 1e-9)
