"""Where does theory not quite fit the model? The assumptions of the twin that a model breaks, in words for a
report.

Where twin and simulation differ by more than their intervals, these are the first suspects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toscale.engine.model import (
    Call,
    Clock,
    Commit,
    Consume,
    Discipline,
    Each,
    Fork,
    Get,
    Model,
    Once,
    Parallel,
    Poisson,
    Policy,
    Scatter,
    Send,
    Step,
    Trace,
    Users,
    Version,
    Visit,
    inner,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toscale.engine.model import Flow, Steps
    from toscale.theory.connections import ConnectionTheory
    from toscale.theory.stations import StationTheory


@dataclass(frozen=True, slots=True)
class Assumption:
    """`what`: flow, station, store, buffer, pool or model; `text` says what theory takes to be so and is not."""

    what: str
    name: str
    text: str


def broken(
    model: Model,
    stations: Mapping[str, StationTheory],
    theory: Mapping[str, ConnectionTheory],
    endless: bool,
    converged: bool,
) -> tuple[Assumption, ...]:
    """The assumptions that this model breaks."""
    found: dict[Assumption, None] = {}
    places = {station.name: station for station in model.stations}

    def add(what: str, name: str, text: str) -> None:
        found[Assumption(what, name, text)] = None

    if endless:
        add("model", "", "flows cause each other, more at each turn: only what the first cause is counted")
    if not converged:
        add(
            "model",
            "",
            "the fixed point of waits and loads did not settle: the figures are those of the last round",
        )
    for flow in model.flows:
        _of_source(flow, add)
        for step in walk(flow.steps):
            if isinstance(step, Call) and step.timeout is not None:
                add(
                    "flow",
                    flow.name,
                    f"{step.path}: how often the time-out strikes is estimated from the mean and variance",
                )
                break
        for step in walk(flow.steps):
            if isinstance(step, Call) and step.breaker is not None:
                add(
                    "flow",
                    flow.name,
                    f"{step.path}: how often its breaker is open is estimated from the mean share of errors",
                )
            if isinstance(step, Once):
                add(
                    "flow",
                    flow.name,
                    f"{step.path}: those who wait for another's call are counted from the misses of a cache that is "
                    "filled at once",
                )
            if isinstance(step, Call) and step.hedge is not None:
                add(
                    "flow",
                    flow.name,
                    f"{step.path}: a hedge is taken as independent of the call that is late",
                )
        for step, around in _calls(flow.steps, ()):
            name = step.station
            if name is None:
                continue
            if any(isinstance(a, Each | Parallel | Scatter) for a in around):
                add(
                    "station",
                    name,
                    f"the calls of {flow.name} come several at once, theory takes them one by one (Poisson)",
                )
            if isinstance(flow.source, Users):
                add(
                    "station",
                    name,
                    f"the users of {flow.name} wait for their answers, theory takes their calls as Poisson",
                )
            locks = () if isinstance(step, Send) else step.locks
            for lock in locks:
                add(
                    "station",
                    name,
                    f"who asks for the lock {lock.lock} is taken to come by chance (Poisson), for each key by itself",
                )
            if isinstance(flow.source, Consume):
                add(
                    "station",
                    name,
                    f"the calls of {flow.name} follow each other from few consumers, theory takes them as Poisson",
                )
        written = {(s.station, s.key) for s in walk(flow.steps) if isinstance(s, Commit)}
        for step in walk(flow.steps):
            if isinstance(step, Version) and (step.station, step.key) in written:
                text = f"{flow.name} reads at a copy what it has written itself, theory takes the two as independent"
                add("station", step.station, text)
        gets = [s for s in walk(flow.steps) if isinstance(s, Get)]
        if len(gets) > len({(g.store, g.key) for g in gets}):
            add(
                "flow",
                flow.name,
                "it looks the same key up twice, theory takes the second look-up as independent",
            )
    for place in model.stations:
        state = stations[place.name]
        if state.machines > 1 and place.shards <= 0 and place.policy is Policy.LEAST_OUTSTANDING:
            add("station", place.name, "least outstanding is taken as one shared queue, which waits less")
        if state.machines > 1 and place.policy is Policy.TWO_CHOICES:
            add("station", place.name, "two choices are taken as among very many machines")
        if place.instances is not None:
            add(
                "station",
                place.name,
                "its cold starts are those of Poisson calls with exponential times and no limit of their number",
            )
        if place.scaling is not None:
            add(
                "station",
                place.name,
                f"its {state.machines} machines are those that its target asks for at the mean load",
            )
        if place.discipline is Discipline.LIFO:
            add(
                "station",
                place.name,
                "last in, first out has the same mean wait, but longer percentiles than theory says",
            )
        if place.discipline is Discipline.PRIORITY:
            add(
                "station",
                place.name,
                "priorities are taken at the mean load of all slots, and where that is too much, as if there were none",
            )
        if (
            place.slots is not None
            and state.holding is not None
            and state.holding > state.work * state.stretch * 1.01
        ):
            add(
                "station",
                place.name,
                "its slots are held across calls, whose times depend on how many are held",
            )
        if (place.slots, place.cores) != (None, None) and max(
            state.slot_utilisation or 0, state.core_utilisation or 0
        ) > 0.9:
            add(
                "station",
                place.name,
                "so close to its limit, the wait depends on more than means and variances",
            )
    for pool in model.pools:
        text = "it is taken as enough for all: theory knows nobody who is refused, waits in line, or whose term ends"
        add("pool", pool.name, text)
        for flow in model.flows:
            if any(getattr(step, "pool", None) == pool.name for step in walk(flow.steps)):
                add("flow", flow.name, f"{pool.name} is taken as enough for all")
                for name in sorted({s.station for s in walk(flow.steps) if isinstance(s, Visit)}):
                    add(
                        "station",
                        name,
                        f"{pool.name}, which {flow.name} asks for, is taken as enough for all",
                    )
    for buffer in model.buffers:
        if buffer.keep is not None:
            add("buffer", buffer.name, "messages that grow too old are not dropped in theory")
        if buffer.most is not None and (buffer.partitions > 1):
            add("buffer", buffer.name, "each partition is taken to have its part of the places")
        if buffer.deliveries > 1:
            add("buffer", buffer.name, "what is delivered again is taken to come at any time, not at once")
    for shelf in model.stores:
        if shelf.memory is not None and shelf.shards > 1:
            add("store", shelf.name, "all shards are taken as alike, though each has other keys")
    for replicated in model.replicated:
        if replicated.elects:
            text = "how far behind a copy is that confirms too late is known from the simulation only"
            add("station", replicated.station, text)
    for held in model.connections:
        policy = places[held.station].policy
        if theory[held.name].refused > 1e-6 and policy is not Policy.RANDOM:
            add(
                "connection",
                held.name,
                "how many are refused is that of machines chosen at random: in turn, or by load, fewer are",
            )
    return tuple(found)


def _of_source(flow: Flow, add: object) -> None:
    assert callable(add)
    match flow.source:
        case Poisson(rates) if len(rates) > 1:
            add("flow", flow.name, "its rate varies, theory takes its mean")
        case Users():
            add(
                "flow",
                flow.name,
                "its users wait for their answers: theory takes a Poisson process of the rate that is in balance",
            )
        case Trace():
            add("flow", flow.name, "its arrivals are those of a file, theory takes them as Poisson")
        case Clock():
            add("flow", flow.name, "a clock ticks regularly, theory takes its ticks as Poisson")
        case Consume(_, batch) if batch > 1:
            add(
                "flow",
                flow.name,
                "the size of a batch follows from the mean time of one, not from its whole distribution",
            )


def _calls(
    steps: Steps, around: tuple[Step, ...]
) -> Iterator[tuple[Visit | Scatter | Send, tuple[Step, ...]]]:
    """Every call of a station with the steps around it; a fork's are nobody's."""
    for step in steps:
        if isinstance(step, Visit | Scatter | Send):
            yield step, (*around, step)
        outer = () if isinstance(step, Fork) else (*around, step)
        for block in inner(step):
            yield from _calls(block, outer)
