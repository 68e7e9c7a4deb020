"""How many connections does each machine hold when a run begins? As many as in the stationary state, drawn.

Openings are Poisson, or nearly: as many as of the members have none. Where they choose their machine at random,
each machine holds a Poisson number. Where they are dealt out in turn, those of one machine come at nearly equal
distances, and their number varies less: with p the chance that of two connections, one opened now and one at a
random earlier moment while it could be open still, both are, p = E[min(X, Y)] / E[X], the number is binomial with
p out of its mean over p. (The variance of the sum of independent indicators at equal distances; for exponential
times p is 1/2, and the variance half the mean: the limit of D/M/infinity.) All machines together hold as many as
one would alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine import interpreter
from toscale.engine.connections import CELLS, LAST, LEAVES, plan_closing, plan_opening
from toscale.engine.draws import GOLDEN, mix, unit
from toscale.engine.laws import Law
from toscale.engine.model import Connection, Model, Policy
from toscale.engine.state import CONNECTION, HOLD, TICK, State, records
from toscale.engine.tables import ModelError, Tables, salt_of

_STEPS = 4096


def held_rows(
    model: Model, tables: Tables, machines: list[int], leaves: list[tuple[int, int]]
) -> tuple[Any, Any]:
    """The rows of the connections and of what each machine holds of them, all without any that is open.

    `machines` counts those of each station; `leaves` is added to. Raises ModelError for a connection that more
    hold than there are.
    """
    names = [station.name for station in model.stations]
    rows = records(CONNECTION, len(model.connections))
    counts = [machines[names.index(c.station)] for c in model.connections]
    holds = records(HOLD, sum(counts))
    holds["newest"] = holds["lost"] = holds["place"] = holds["sweep"] = -1
    first = 0
    for k, connection in enumerate(model.connections):
        row, population = rows[k], connection.population
        if not 0 <= connection.held < population.size:
            raise ModelError(
                f"{connection.name}: {connection.held:,.6g} of {population.size:,} hold one, and some must hold none"
            )
        row.salt = np.uint64(salt_of(f"connection:{connection.name}"))
        row.rate = TICK * connection.held / connection.lasts.mean / (population.size - connection.held)
        row.members, row.tag = population.size, population.number << 48
        row.population = tables.populations.index(population)
        row.half = ((population.size - 1).bit_length() + 1) // 2
        row.lasts = tables.law_of[connection.lasts.scaled(1 / TICK)]
        row.again = -1 if connection.again is None else tables.law_of[connection.again.scaled(1 / TICK)]
        row.register = tables.register_of[connection.register]
        row.station = names.index(connection.station)
        row.limit = -1 if connection.limit is None else connection.limit
        row.first, row.sweep = first, -1
        row.leaf = len(leaves)
        leaves.extend((interpreter.LEAF_CONNECTION, LEAVES * k + what) for what in range(LEAVES))
        first += counts[k]
    return rows, holds


def residuals(model: Model) -> Any:
    """When so much of the early ones' own time is over, in ticks: (connections, LAST * CELLS + 1)."""
    own = np.arange(LAST * CELLS + 1) / CELLS
    rows = [Law.residual(c.lasts).quantile(-np.expm1(-own)) / TICK for c in model.connections]
    return np.array(rows) if rows else np.zeros((1, LAST * CELLS + 1))


def begin(model: Model, state: State, empty: bool) -> None:
    """Opens as many as are held in the stationary state, none where the run begins `empty`, and schedules what
    comes first.
    """
    for k, connection in enumerate(model.connections):
        row = state.connections[k]
        seed = np.uint64(mix(state.control[0].seed ^ row.salt))  # compiled, it comes back as an int
        machines = int(state.stations[row.station].machines)
        if not empty:
            policy = next(s.policy for s in model.stations if s.name == connection.station)
            generator = np.random.Generator(np.random.Philox(key=[int(seed), 1]))
            running = next(s.running for s in model.stations if s.name == connection.station)
            running = min(running, machines)  # of a shared queue there is one
            held = np.zeros(machines, dtype=np.int64)
            held[:running] = stationary(connection, running, policy, generator)
            block = state.holds[row.first : row.first + machines]
            block["open"] = block["early"] = held
            block["first"] = np.concatenate([[0], np.cumsum(held)[:-1]])
            row.open = row.early = row.first_open = int(held.sum())
        row.debt = -np.log(unit(np.uint64(mix(seed + GOLDEN))))
        plan_opening(state, k)
        plan_closing(state, k, np.uint64(mix(seed + GOLDEN + GOLDEN)))


def stationary(connection: Connection, machines: int, policy: Policy, generator: np.random.Generator) -> Any:
    """How many each machine holds in the stationary state: (machines,), whole numbers."""
    size = connection.population.size
    share = connection.held / size
    if policy is Policy.ROUND_ROBIN:
        together = max(overlap(connection.lasts), share)
        places = int(generator.binomial(size, min(1.0, share / together)))
        start = int(generator.integers(machines))
        even = places // machines + ((np.arange(machines) - start) % machines < places % machines)
        held = generator.binomial(even, together)
    else:
        total = int(generator.binomial(size, share))
        if policy is Policy.RANDOM:
            held = generator.multinomial(total, np.full(machines, 1 / machines))
        else:
            held = total // machines + (np.arange(machines) < total % machines)
    held = np.minimum(held, size)
    return held if connection.limit is None else np.minimum(held, connection.limit)


def overlap(law: Law) -> float:
    """E[min(X, Y)] / E[X] of two independent draws: 1/2 for an exponential, 1 for a fixed time."""
    u = (np.arange(_STEPS) + 0.5) / _STEPS
    times = law.quantile(u)
    return min(1.0, float(2 * (1 - u) @ times / times.sum()))
