"""What does theory say about the whole model? Loads, waits, hit ratios and latencies, found together as a
fixed point.

Hit ratios decide who goes to the database, failures how often one tries, waits how long a slot is held, and
that how long the callers wait: each round walks through all flows with the answers of the last one
(`toscale.theory.traffic`), then solves stations (`stations`, `layered`), stores (`stores`, `cache`), buffers
and the rates of flows that others cause, until nothing changes.

What is not finite is None and has a reason. Rates are those offered: a station that cannot keep up does not
relieve those behind it.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import (
    After,
    Connected,
    Consume,
    Flow,
    Happening,
    Model,
    Outcome,
)
from toscale.theory import times
from toscale.theory.assumptions import broken
from toscale.theory.closed import answered, closed_rates
from toscale.theory.connections import connection
from toscale.theory.copies import Versions, copy_theory
from toscale.theory.deliveries import consumer, deliveries, refused
from toscale.theory.guards import guard_theory
from toscale.theory.instances import InstanceTheory, instances
from toscale.theory.knowledge import NOTHING, Drawn, Known, meet
from toscale.theory.locks import together
from toscale.theory.mixing import Mixing
from toscale.theory.numbers import constant
from toscale.theory.popularity import populations
from toscale.theory.queues import Batches
from toscale.theory.rates import caused, own_rate
from toscale.theory.results import (
    BufferTheory,
    FlowTheory,
    Overload,
    Part,
    StepTheory,
    Twin,
)
from toscale.theory.scaling import rescaled, with_machines
from toscale.theory.stations import CONSUMERS, Curves, StationTheory, curve, station
from toscale.theory.stores import Solved, StoreTheory, store
from toscale.theory.tally import Calm, Here, Ran, Round, Tally, count
from toscale.theory.tally import Part as Spent
from toscale.theory.times import Dice
from toscale.theory.traffic import Walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping


FEWEST_ROUNDS = 3  # what the first found of slots held is used by the third
MOST_ROUNDS = 100
CLOSE = 1e-6  # the relative change at which the fixed point is reached


def solve(model: Model, rates: Mapping[str, float] | None = None) -> Twin:
    """The analytic twin of a model. `rates` gives flows another rate of requests per second than their
    arrivals have.

    Never raises for a valid model: overload, a rate of zero and a flow that causes itself are results.
    """
    given = dict(rates or {})
    loops = closed_rates(model, given, lambda at, flow: _Solver(model, at).latency(flow))
    twin = _Solver(model, {**given, **loops}).solve()
    return answered(twin, model) if loops else twin


class _Solver:
    """The fixed point; see the module."""

    def __init__(self, model: Model, rates: Mapping[str, float]) -> None:
        self.model = with_machines(model, {s.name: s.running for s in model.stations})
        self.given = rates
        self.turn = 0
        self.rescaled = False
        self.last = Round()
        self.most = {s.name: s.machines for s in model.stations}
        self.populations = populations(model)
        self.partitions = {b.name: b.partitions for b in model.buffers}
        places = {station.name: station for station in model.stations}
        self.connections = {c.name: connection(c, places[c.station]) for c in model.connections}
        self.buffers = {b.name: b for b in model.buffers}
        self.deliveries: dict[str, float] = {}  # of a message, by the flow that consumes it
        self.rate = {flow.name: self.own_rate(flow) for flow in model.flows}  # requests
        self.batches: dict[str, Batches | None] = {}  # of consuming flows; None: cannot keep up
        self.sizes: dict[str, float] = {}  # of their batches
        self.arrives: dict[str, Known] = {}
        self.fills: dict[tuple[str, int], float] = {}
        self.stations: dict[str, StationTheory] = {}
        self.stores: dict[str, StoreTheory] = {}
        self.instances: dict[str, InstanceTheory] = {}
        self.shelved: dict[str, Solved] = {}
        self.mixing = Mixing()
        self.full: dict[str, float] = {}  # mean seconds that a batch takes
        self.endless = False  # flows that cause each other, more at each turn

    def own_rate(self, flow: Flow) -> float:
        return self.given[flow.name] if flow.name in self.given else own_rate(flow, self.connections)

    def solve(self) -> Twin:
        rounds, converged = self.settled()
        walked, runs = self.walk(Dice(True))
        return self.result(walked, runs, rounds, converged)

    def latency(self, flow: str) -> float:
        """The mean time of a flow's requests."""
        self.settled()
        return self.walk(Dice(False))[1][flow][0].time.mean

    def settled(self) -> tuple[int, bool]:
        """Goes round until nothing changes: after how many rounds, and whether that came about."""
        converged, rounds = False, 0
        for rounds in range(1, MOST_ROUNDS + 1):
            before = self.rate, self.last, {f: self.size(f) for f in self.rate}
            walked, runs = self.walk(Dice(False))
            self.follow(walked.tally, runs)
            self.settle(walked.tally)
            if rounds >= FEWEST_ROUNDS and self.change(*before) < CLOSE:
                converged = True
                break
        return rounds, converged

    # ---- one round
    # -----------------------------------------------------------------------------------------------

    def size(self, flow: str) -> float:
        """Requests of the flow for each run of its steps: the mean batch of a consumer, else 1."""
        batches = self.batches.get(flow)
        if batches is not None:
            return self.sizes.get(flow, batches.size)
        return float(self.consumes(flow).batch) if flow in self.batches else 1.0

    def consumes(self, flow: str) -> Consume:
        source = next(f.source for f in self.model.flows if f.name == flow)
        assert isinstance(source, Consume)
        return source

    def walk(self, dice: Dice) -> tuple[Walk, dict[str, tuple[Ran, dict[str, Spent]]]]:
        through = Walk(self.model, self.last, dice)
        runs: dict[str, tuple[Ran, dict[str, Spent]]] = {}
        for flow in self.model.flows:
            parts: dict[str, Spent] = {}
            here = Here(
                flow.name,
                self.rate[flow.name] * self.deliveries.get(flow.name, 1.0) / self.size(flow.name),
                parts=parts,
                priority=flow.priority,
            )
            if isinstance(flow.source, Consume):
                holder = (CONSUMERS + flow.source.buffer, float(self.partitions[flow.source.buffer]))
                here = replace(here, holder=holder)
            ran = through.block(flow.steps, self.arrives.get(flow.name, NOTHING), 1.0, here)
            runs[flow.name] = ran, parts
        return through, runs

    def follow(self, tally: Tally, runs: dict[str, tuple[Ran, dict[str, Spent]]]) -> None:
        """The rates of flows that others cause: x = e + G x, in requests per second; and what their requests
        know.
        """
        flows = self.model.flows
        place = {flow.name: i for i, flow in enumerate(flows)}
        own = np.array([self.own_rate(f) for f in flows])
        gain = np.zeros((len(flows), len(flows)))
        known: dict[str, Known] = {}
        for flow in flows:
            i = place[flow.name]
            if flow.name in self.given:
                pass
            elif isinstance(flow.source, Consume):
                for sender, reach, _ in tally.sent.get(flow.source.buffer, ()):
                    runs_each = self.deliveries.get(sender, 1.0) / self.size(sender)
                    gain[i, place[sender]] += reach * runs_each
                for sender in self.buried_by(flow.source.buffer):
                    gain[i, place[sender]] += 1 - self.well(sender, runs[sender][0])
            elif isinstance(flow.source, After):
                for earlier in flow.source.flows:
                    gain[i, place[earlier]] += flow.source.chance * self.well(earlier, runs[earlier][0])
            if isinstance(flow.source, Consume):
                known[flow.name] = meet(
                    [
                        (max(1e-30, self.rate[sender] * reach / self.size(sender)), known_there)
                        for sender, reach, known_there in tally.sent.get(flow.source.buffer, ())
                    ]
                    + [
                        (
                            1e-30,
                            self.arrives.get(sender, NOTHING).carried(
                                self.buffers[flow.source.buffer].carries
                            ),
                        )
                        for sender in self.buried_by(flow.source.buffer)
                    ]
                )
            elif isinstance(flow.source, After):
                known[flow.name] = meet(
                    [
                        *self.begun(flow.source),
                        *(
                            (
                                max(1e-30, self.rate[f] * _well(runs[f][0])),
                                runs[f][0].known.carried(flow.source.carries),
                            )
                            for f in flow.source.flows
                        ),
                    ]
                )
        self.arrives = known
        solved = caused(own, gain)
        self.endless = solved is None
        if solved is None:
            # each turn brings more than the last: what the first causes is all that can be said
            solved = own + gain @ own
        self.rate = {flow.name: float(x) for flow, x in zip(flows, solved, strict=True)}
        for flow in flows:
            if isinstance(flow.source, Consume):
                ran = runs[flow.name][0]
                self.full[flow.name] = ran.time.mean
                self.batches[flow.name] = self.consumer(flow.name, ran, flow.source, tally)

    def begun(self, source: After) -> list[tuple[float, Known]]:
        """What is known where an event starts a flow: whose connection has opened, or closed."""
        found = []
        for event in source.events:
            held = next(c for c in self.model.connections if c.name == event.connection)
            known = NOTHING.with_key(held.register, Drawn(held.population, None))
            is_open = constant(1.0 if event.happens is Happening.OPENS else 0.0)
            known = known.with_number(Connected(held.name, held.register), is_open)
            found.append((source.chance * self.connections[held.name].rate(event), known))
        return found

    def buried_by(self, buffer: str) -> list[str]:
        """The flows whose dead letters go into a buffer."""
        return [
            f.name
            for f in self.model.flows
            if isinstance(f.source, Consume) and self.buffers[f.source.buffer].dead == buffer
        ]

    def well(self, flow: str, ran: Ran) -> float:
        """The chance that a request ends well, in one of its deliveries."""
        source = next(f.source for f in self.model.flows if f.name == flow)
        if not isinstance(source, Consume):
            return _well(ran)
        return 1 - deliveries(self.buffers[source.buffer], 1 - _well(ran))[1]

    def consumer(self, flow: str, ran: Ran, source: Consume, tally: Tally) -> Batches | None:
        """One partition's consumer, given how a batch of it went."""
        buffer, time = self.buffers[source.buffer], ran.time
        self.deliveries[flow] = deliveries(buffer, 1 - _well(ran))[0]
        rate = self.rate[flow] * self.deliveries[flow] / buffer.partitions
        cv2 = 0.0
        if isfinite(time.mean) and time.mean > 0:
            cv2 = (sqrt(time.var) / time.mean) ** 2  # no square of what is tiny
        if buffer.most is not None:
            full = self.last.failing.get(("", f"{buffer.name} full"), 0.0)
            offered = rate / max(1 - full, 1e-9)
            tally.failing["", f"{buffer.name} full"] = refused(offered, time.mean, cv2, source.batch, buffer)
        return consumer(rate, time.mean, cv2, source, buffer)

    def settle(self, tally: Tally) -> None:
        """Stations and stores, given what the walk counted."""
        calm: dict[tuple[str, str], Calm] = {}
        held: dict[str, float] = {}
        for place in self.model.stations:
            calls = tally.calls.get(place.name, [])
            theory, roles = station(place, calls, self.last.held, self.last.curves)
            self.stations[place.name] = theory
            if place.slots is not None:
                held[place.name] = (theory.slot_utilisation or 0.0) * place.slots * count(place)
            for role, fares in roles.items():
                calm[place.name, role] = fares
        for flow in self.model.flows:
            if isinstance(flow.source, Consume):
                batches = self.batches.get(flow.name)
                busy = 1.0 if batches is None else batches.busy
                name = CONSUMERS + flow.source.buffer
                held[name] = held.get(name, 0.0) + busy * self.partitions[flow.source.buffer]
        present = {}
        for shelf in self.model.stores:
            theory_there, there, self.shelved[shelf.name] = store(
                shelf, tally, self.populations, self.fills, self.shelved.get(shelf.name)
            )
            self.stores[shelf.name] = theory_there
            for number, chances in there.items():
                present[shelf.name, number] = chances
        curves = self.curves(tally)
        locks = {name: together(held_there) for name, held_there in tally.locks.items()}
        self.turn += 1
        before, self.model = self.model, rescaled(self.model, self.most, self.stations, self.turn)
        self.rescaled = self.model is not before
        self.instances = instances(self.model, self.stations)
        tally.failing |= {("", f"{name} cold"): one.cold for name, one in self.instances.items()}
        self.last = replace(
            self.mixed(calm, dict(tally.failing), held), present=present, curves=curves, locks=locks
        )

    def curves(self, tally: Tally) -> Curves:
        """What the stations behind each station let through, by the number of its slots that are taken."""
        places = {place.name: place for place in self.model.stations}
        found: Curves = {}
        for place in self.model.stations:
            calls = tally.calls.get(place.name, [])
            only = next((c.holder[0] for c in calls if c.holder is not None), None)
            arrivals = self.stations[only].arrivals if only in self.stations else 0.0
            if only is None or arrivals <= 0:
                continue
            through = curve(place, calls, self.last.held, places, arrivals)
            if through is not None:
                name, rates = through
                found[name] = tuple(map(min, found[name], rates)) if name in found else rates
        return found

    def mixed(
        self,
        calm: dict[tuple[str, str], Calm],
        failing: dict[tuple[str, str], float],
        held: dict[str, float],
    ) -> Round:
        """What the next round starts from: the results of this one, and where that swings, a mixture with
        earlier ones.
        """
        state: dict[Hashable, float] = {}
        result: dict[Hashable, float] = {}
        for name, fares in calm.items():
            earlier = self.last.calm.get(name, Calm())
            for figure in ("stretch", "wait", "refused"):
                state[figure, name] = getattr(earlier, figure)
                result[figure, name] = getattr(fares, figure)
        for call, chance in failing.items():
            state["failing", call] = self.last.failing.get(call, 0.0)
            result["failing", call] = chance
        for place, number in held.items():
            state["held", place] = self.last.held.get(place, number)
            result["held", place] = number
        for flow, batches in self.batches.items():
            if batches is not None:
                state["batch", flow] = self.sizes.get(flow, batches.size)
                result["batch", flow] = batches.size
        proposed = self.mixing.next(state, result)
        for flow, batches in self.batches.items():
            if batches is not None:
                self.sizes[flow] = max(1.0, proposed["batch", flow])
        return Round(
            {
                name: replace(
                    fares,
                    stretch=max(1.0, proposed["stretch", name]),
                    wait=proposed["wait", name],
                    refused=min(1.0, proposed["refused", name]),
                )
                for name, fares in calm.items()
            },
            failing={call: min(1.0, proposed["failing", call]) for call in failing},
            held={name: proposed["held", name] for name in held},
        )

    def change(self, rate: dict[str, float], last: Round, size: dict[str, float]) -> float:
        """The largest relative change of anything since the round before."""
        largest = 1.0 if self.rescaled else 0.0
        for name, x in self.rate.items():
            largest = max(largest, _apart(x, rate[name], 1e-9), _apart(self.size(name), size[name], 1e-9))
        for role, fares in self.last.calm.items():
            earlier = last.calm.get(role, Calm())
            largest = max(
                largest, _apart(fares.wait, earlier.wait, 1e-6), abs(fares.stretch - earlier.stretch)
            )
            largest = max(largest, abs(fares.refused - earlier.refused))
        for place, chances in self.last.present.items():
            before = last.present.get(place)
            largest = max(largest, 1.0 if before is None else float(np.abs(chances - before).max()))
        for call, chance in self.last.failing.items():
            largest = max(largest, abs(chance - last.failing.get(call, 0.0)))
        for name, lock in self.last.locks.items():
            largest = max(
                largest, _apart(lock.mean, last.locks[name].mean, 1e-9) if name in last.locks else 1.0
            )
        return largest

    # ---- the result
    # ----------------------------------------------------------------------------------------------

    def result(
        self, walked: Walk, runs: dict[str, tuple[Ran, dict[str, Spent]]], rounds: int, converged: bool
    ) -> Twin:
        buffers = {b.name: self.buffer(b.name, walked.tally) for b in self.model.buffers}
        flows = {flow.name: self.flow(flow, *runs[flow.name], buffers) for flow in self.model.flows}
        steps = {
            name: StepTheory(
                name,
                m.rate,
                _finite(m.time.mean),
                times.percentile(m.time, 0.5),
                times.percentile(m.time, 0.9),
                times.percentile(m.time, 0.99),
            )
            for name, m in walked.measured.items()
        }
        overloaded = [Overload(s.name, s.excess, s.arrivals) for s in self.stations.values() if s.excess > 0]
        overloaded += [Overload(b.name, b.excess, b.rate) for b in buffers.values() if b.excess > 0]
        return Twin(
            dict(self.stations),
            dict(self.stores),
            buffers,
            flows,
            steps,
            tuple(overloaded),
            broken(self.model, self.stations, self.connections, self.endless, converged),
            rounds,
            converged,
            dict(walked.tally.asked),
            dict(self.connections),
            {path: guard_theory(path, guard) for path, guard in walked.guards.items()},
            dict(self.instances),
            {
                one.station: copy_theory(one, walked.tally.versions.get(one.station, Versions()))
                for one in self.model.replicated
            },
        )

    def buffer(self, name: str, tally: Tally) -> BufferTheory:
        sent = sum(
            reach * self.rate[f] * self.deliveries.get(f, 1.0) / self.size(f)
            for f, reach, _ in tally.sent.get(name, ())
        )
        readers = [f for f in self.model.flows if isinstance(f.source, Consume) and f.source.buffer == name]
        if not readers:
            return BufferTheory(
                name, sent, None, None, None, None, None, sent, "nobody reads it" if sent else ""
            )
        slow = next((f for f in readers if self.batches[f.name] is None), None)
        flow = slow or max(readers, key=lambda f: self.batches[f.name].wait)  # type: ignore[union-attr]
        rate = self.rate[flow.name]
        batches = self.batches[flow.name]
        if batches is None:
            most = self.consumes(flow.name).batch
            possible = self.partitions[name] * most / self.full[flow.name]  # 0 where a batch never ends
            reason = f"{flow.name} can consume {possible:.4g} of {rate:.4g} messages per second"
            return BufferTheory(
                name, rate, flow.name, float(most), None, None, 1.0, max(0.0, rate - possible), reason
            )
        return BufferTheory(
            name, rate, flow.name, batches.size, batches.wait, rate * batches.wait, batches.utilisation, 0.0
        )

    def flow(
        self, flow: Flow, ran: Ran, spent: dict[str, Spent], buffers: dict[str, BufferTheory]
    ) -> FlowTheory:
        time = ran.time
        again = 1.0
        if isinstance(flow.source, Consume):
            again = 1 - self.well(flow.name, ran)  # the chance that all its deliveries fail
            fails = 1 - _well(ran)
            for k in range(1, min(self.buffers[flow.source.buffer].deliveries, 20)):
                time = time.plus(times.sometimes(fails**k, ran.time, Dice(True)))
            again = again / fails if fails > 0 else 1.0
        parts = [
            Part(path, p.station, p.visits, p.work, _finite(p.waiting), p.wire) for path, p in spent.items()
        ]
        reason = ""
        if isinstance(flow.source, Consume):
            batches = self.batches[flow.name]
            wait = inf if batches is None else batches.wait
            chance = 1.0 if batches is None else batches.busy
            time = times.waiting(wait, chance, Dice(True)).plus(time)
            parts.insert(0, Part(flow.source.buffer, None, 1.0, 0.0, _finite(wait), 0.0))
            if batches is None:
                reason = buffers[flow.source.buffer].reason
        if not isfinite(time.mean) and not reason:
            full = [s.name for s in self.stations.values() if s.excess > 0]
            reason = f"it waits for {' and '.join(full)}, which cannot keep up"
        overlap = None
        if isfinite(time.mean) and all(p.waiting is not None for p in parts):
            overlap = sum(p.work + (p.waiting or 0.0) + p.wire for p in parts) - time.mean
        failed = {
            outcome.name.lower().replace("_", " "): chance * again
            for outcome, chance in ran.ends.items()
            if outcome not in (Outcome.ANSWERED, Outcome.STOPPED) and chance > 0
        }
        return FlowTheory(
            flow.name,
            self.rate[flow.name],
            _finite(time.mean),
            _finite(sqrt(time.var)) if time.var >= 0 else None,
            times.percentile(time, 0.5),
            times.percentile(time, 0.9),
            times.percentile(time, 0.99),
            tuple(parts),
            overlap,
            failed,
            reason,
        )


def _well(ran: Ran) -> float:
    """The chance that a request ends well."""
    return min(1.0, ran.done + ran.ends.get(Outcome.ANSWERED, 0.0) + ran.ends.get(Outcome.STOPPED, 0.0))


def _apart(one: float, other: float, floor: float) -> float:
    if one == other:
        return 0.0
    if not isfinite(one) or not isfinite(other):
        return 1.0
    return abs(one - other) / max(abs(one), abs(other), floor)


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
