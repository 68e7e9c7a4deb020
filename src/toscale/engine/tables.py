"""The small tables that the interpreter reads beside the code: quantiles of laws, weights of populations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from toscale.engine.draws import CELLS, FIXED, HEAD, LEVELS, TABLE, TOP, VALUES, ZOOM
from toscale.engine.laws import Law
from toscale.engine.model import Population
from toscale.engine.state import LAW, POPULATION, records


class ModelError(ValueError):
    """The model cannot be simulated as it stands; the message says why."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One place on the way of a request: a station or a buffer, by which step of the file. `number`
    distinguishes passages of one step that stand in the code more than once.
    """

    number: int
    part: str
    path: str


@dataclass(frozen=True, slots=True)
class CodePlace:
    """Where in the model an instruction stands: its step, and the passages around it, the outermost first."""

    path: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """What the interpreter reads, and what the names in the model have become."""

    arrays: dict[str, Any]
    registers: int
    entries: tuple[int, ...]  # of the flows, in the code
    meters: tuple[str, ...]  # flows, named steps, spans
    rings: tuple[float, ...]  # lengths of the time-outs, in seconds
    margin: int  # tasks, and messages, that may begin at one moment
    touches: int  # keys that may be touched at one moment
    populations: tuple[Population, ...]
    register_of: dict[str, int]
    law_of: dict[Law, int]
    labels: tuple[tuple[str, ...], ...] = ()  # the fields of each instruction that name instructions
    places: tuple[CodePlace, ...] = ()  # where in the model each instruction stands
    notes: int = 0  # how many notes there is room for


def salt_of(path: str) -> int:
    """64 bits out of a step's stable name: what its draws depend on."""
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=8).digest(), "little")


def law_tables(laws: list[Law]) -> tuple[Any, Any, Any]:
    """The rows of the laws, their tables (laws, LEVELS, CELLS + 1), and the values of those that were
    measured.

    A continuous law's table is scaled so that its mean is exact in spite of the straight lines between its
    points.
    """
    rows = records(LAW, len(laws))
    tables = np.zeros((max(len(laws), 1), LEVELS, CELLS + 1))
    values: list[float] = []
    for k, law in enumerate(laws):
        if law.shape == "fixed":
            rows[k].kind, rows[k].value = FIXED, min(law.a, law.cap)
        elif law.shape == "empirical":
            rows[k].kind, rows[k].first, rows[k].number = VALUES, len(values), len(law.values)
            values.extend(min(v, law.cap) for v in law.values)
        else:
            rows[k].kind = TABLE
            tables[k] = law_table(law)
    return rows, tables, np.array(values or [0.0])


@lru_cache(maxsize=64)  # 3 MB at most
def law_table(law: Law) -> Any:
    """Quantiles of a law: level n covers the top ZOOM ** -n of the chances, in CELLS cells. Not to be written to."""
    cells = np.arange(CELLS + 1) / CELLS
    widths = ZOOM ** -np.arange(LEVELS, dtype=np.float64)[:, None]
    rest = (1 - cells) * widths  # the chance of a larger draw
    rest[:, -1] = 1e-15
    rest[-1, -1] = widths[-1, 0] / CELLS / 8
    below = np.clip(1 - rest, 1e-15, 1 - 1e-15)
    below[0, 0] = 1e-15
    table = law.quantile(below.ravel()).reshape(below.shape)
    if law.shape in ("exponential", "lognormal", "gamma", "pareto", "uniform"):
        mean = law.mean
        measured = 0.0
        used = int(TOP * CELLS)  # cells of a level that are not covered by the next
        for level in range(LEVELS):
            upto = CELLS if level == LEVELS - 1 else used
            middle = (table[level, :upto] + table[level, 1 : upto + 1]) / 2
            measured += float(np.sum(middle)) / CELLS * ZOOM**-level
        table *= mean / measured
    table.flags.writeable = False
    return table


def population_tables(populations: list[Population]) -> tuple[Any, Any, Any]:
    """The rows of the populations, the summed weights of their first HEAD keys, and where to begin to look
    among them.
    """
    rows = records(POPULATION, len(populations))
    heads = np.ones((max(len(populations), 1), HEAD + 1))
    guides = np.zeros((max(len(populations), 1), HEAD + 1), dtype=np.int64)
    for k, population in enumerate(populations):
        row = rows[k]
        s, size = population.exponent, population.size
        row.exponent, row.keys, row.tag = s, size, population.number << 48
        if s == 0:
            continue
        head = min(HEAD, size)
        weights = np.arange(1, head + 1, dtype=np.float64) ** -s
        low, high = HEAD + 0.5, size + 0.5
        tail = 0.0
        if size > HEAD:
            tail = float(np.log(high / low)) if s == 1 else (high ** (1 - s) - low ** (1 - s)) / (1 - s)
        row.total = weights.sum() + tail
        cumulated = np.cumsum(weights) / row.total
        row.head_mass = cumulated[-1] if size > HEAD else 1.0
        heads[k, :head] = cumulated
        heads[k, head - 1] = row.head_mass
        row.tail_low = low if s == 1 else low ** (1 - s)
        row.tail_span = np.log(high / low) if s == 1 else high ** (1 - s) - low ** (1 - s)
        starts = np.searchsorted(heads[k, :head], np.arange(HEAD + 1) / HEAD * row.head_mass, side="right")
        guides[k] = np.minimum(starts, head - 1)
    return rows, heads, guides
