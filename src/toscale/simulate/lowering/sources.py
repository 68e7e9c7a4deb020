"""What starts a flow, and how often? Actors at a rate, queues, clocks, other flows.

A flow that follows another one after a pause of more than a second is started by a Poisson process of its
own where that is exact: independent pauses move the points of a Poisson process to those of another (the
displacement theorem; Kingman, Poisson Processes, 1993, section 5.5). A run is then stationary from its
start, instead of after many pauses. Its rate follows from the traffic equations, as in a Jackson network.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

from toscale.design import flow as language
from toscale.design.conditions import Span
from toscale.design.model import Design
from toscale.design.parts import Formula
from toscale.engine.laws import Law
from toscale.engine.model import After, Clock, Consume, Event, Poisson, Source
from toscale.simulate.lowering.connections import Connections
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.loops import trace, users
from toscale.simulate.lowering.machines import Machines
from toscale.simulate.lowering.values import NEVER, Values
from toscale.simulate.lowering.walks import buffers_of, holds

__all__ = ["LONG_PAUSE", "Sources", "traffic", "usual_rates"]

LONG_PAUSE = 1.0
"""A pause of more than so many seconds is not waited for in a stationary run."""


@dataclass(slots=True)
class Sources:
    """The sources of the flows. `waits` are the pauses of the flows that follow others, `displaced` those
    that start by themselves.
    """

    design: Design
    values: Values
    machines: Machines
    ledger: Ledger
    connections: Connections
    sources: dict[str, Source] = field(default_factory=dict)
    because: dict[str, str] = field(default_factory=dict)  # why a flow has no source
    waits: dict[str, Law] = field(default_factory=dict)
    displaced: dict[str, float] = field(default_factory=dict)
    averages: dict[str, float] = field(default_factory=dict)

    def find(self) -> None:
        """The source of each flow that has a trigger."""
        for flow in self.design.flows.values():
            if flow.trigger is None:
                continue
            try:
                source = self._source(flow, flow.trigger)
                if flow.average is not None:
                    self.averages[flow.name] = self.values.rate(flow.average)
            except NotComputable as error:
                self._without(flow, error.because, missing=False)
                continue
            if source is not None:
                self.sources[flow.name] = source
        self._displace()

    def _without(self, flow: language.Flow, because: str, *, missing: bool) -> None:
        """The flow has no source: it is not simulated yet (`missing`), or nobody says how often it starts."""
        self.because[flow.name] = because
        place = flow.trigger.place if flow.trigger is not None else flow.place
        text = f"`{flow.name}` is left out: {because}."
        self.ledger.missing(text, place, path=flow.name, flow=flow.name, left_out=True)
        if not missing:
            self.ledger.note(text, place)

    def _source(self, flow: language.Flow, trigger: language.Trigger) -> Source | None:
        match trigger:
            case language.FromActor():
                return self._actor(flow, trigger)
            case language.Consume():
                return self._consumer(trigger)
            case language.Every():
                return self._clock(flow, trigger)
            case language.After():
                return self._after(flow, trigger)

    # ---- actors ------------------------------------------------

    def _actor(self, flow: language.Flow, trigger: language.FromActor) -> Source | None:
        if trigger.over is not None and trigger.over.connection not in self.connections.models:
            self.ledger.missing(
                f"`{flow.name}` does not come over the connection `{trigger.over.connection}`, which is not "
                "simulated.",
                trigger.over.place,
                path=flow.name,
                flow=flow.name,
            )
        match trigger.rate:
            case None:
                self._without(flow, "nobody says how often it is started (`rate`)", missing=False)
            case language.ShapedRate():
                return self._shaped(trigger.rate)
            case language.Trace():
                return trace(trigger.rate, self.values)
            case language.ClosedLoop():
                return users(trigger.rate, self.values, self.ledger, flow.name)
            case rate:
                return Poisson.at(self.values.rate(rate))
        return None

    def _shaped(self, rate: language.ShapedRate) -> Poisson:
        """A total spread over time: the area below the straight lines is the total."""
        from toscale.quantity.units import NUMBER

        points = sorted((self.values.time(time), self.values.number(weight)) for time, weight in rate.shape)
        if any(weight < 0 for _, weight in points):
            raise NotComputable("a relative rate is negative", rate.place)
        area = sum((t1 - t0) * (w0 + w1) / 2 for (t0, w0), (t1, w1) in pairwise(points))
        if area <= 0:
            raise NotComputable("the shape of the rate has no area", rate.place)
        total = self.values.rate(rate.total, NUMBER)
        times, weights = zip(*points, strict=True)
        if times[0] > 0:
            times, weights = (0.0, times[0], *times[1:]), (0.0, *weights)
        return Poisson(tuple(total * weight / area for weight in weights), tuple(times))

    # ---- queues and clocks ------------------------------------------------

    def _consumer(self, trigger: language.Consume) -> Source:
        batch = 1
        if trigger.batch is not None:
            value = self.values.number(trigger.batch)
            if value < 1:
                raise NotComputable("its `batch` is less than one message", trigger.batch.place)
            batch = round(min(value, 1e6))
        linger = 0.0 if trigger.linger is None else self.values.time(trigger.linger)
        return Consume(trigger.buffer, batch, min(linger, NEVER))

    def _clock(self, flow: language.Flow, trigger: language.Every) -> Source | None:
        law, _ = self.values.law(trigger.period, 0.0)
        if law.mean <= 0:
            raise NotComputable("its period is zero", trigger.place)
        if law.cv > 0:
            self.ledger.note(
                f"`{flow.name}` starts every {law.mean:g} s exactly: the spread of its period is not "
                "simulated.",
                trigger.place,
            )
        if trigger.per is None:
            return Clock(law.mean)
        if trigger.per in self.connections.models:
            held = self.connections.models[trigger.per].held
            self.ledger.note(
                f"`{flow.name}` runs every {law.mean:g} s for each `{trigger.per}`: as so many clocks without a "
                "common beat nearly are, it is simulated as a Poisson process, each time for one of those that "
                "are open.",
                trigger.place,
            )
            return Poisson.at(held / law.mean)
        part = self.machines.parts.get(trigger.per)
        if part is None:
            self._without(
                flow,
                f"it runs once for each connection `{trigger.per}`, which is not simulated",
                missing=True,
            )
            return None
        if part.station.scaling is not None:
            self.ledger.missing(
                f"`{flow.name}` runs for {part.machines} machines of `{trigger.per}`, however many there are.",
                trigger.place,
                path=f"flows/{flow.name}",
            )
        return Clock(law.mean, part.machines)

    # ---- other flows ------------------------------------------------

    def _after(self, flow: language.Flow, trigger: language.After) -> Source | None:
        events: list[Event] = []
        for cause in trigger.causes:
            if isinstance(cause, language.Event):
                found = self.connections.event(cause)
                if isinstance(found, str):
                    self._without(flow, found, missing=True)
                    return None
                events.append(found)
        chance = 1.0 if trigger.chance is None else self.values.share(trigger.chance)
        wait = None
        if trigger.wait is not None:
            wait = self.values.law(trigger.wait, 0.0)[0]
            self.waits[flow.name] = wait
        causes = tuple(cause.flow for cause in trigger.causes if isinstance(cause, language.FlowDone))
        pause = wait if wait is not None and wait.mean > 0 else None
        return After(causes, chance, pause, events=tuple(events))

    def _displace(self) -> None:
        """Flows behind long pauses get Poisson sources of their own, if the run is stationary and no span
        crosses the pause.
        """
        if self.design.run.lasts is not None or self.design.run.start == "empty":
            return
        known = {
            name: source.rates[0]
            for name, source in self.sources.items()
            if isinstance(source, Poisson) and len(source.rates) == 1
        }
        followers = {}
        for name, source in self.sources.items():
            if isinstance(source, After):
                if source.events:  # begins by itself; what it follows beside is left as it is
                    known[name] = source.chance * sum(map(self.connections.rate, source.events))
                else:
                    followers[name] = source
        rates = traffic(known, followers)
        spanned = self._spanned(followers)
        for name in followers:
            wait = self.waits.get(name)
            if wait is None or wait.mean <= LONG_PAUSE or name in spanned or rates.get(name) is None:
                continue
            if holds(self.design, name):  # it goes on with what its cause has taken
                continue
            self.displaced[name] = rates[name] or 0.0
        for name, rate in self.displaced.items():
            self.sources[name] = Poisson.at(rate)
            causes = " and ".join(f"`{cause}`" for cause in dict.fromkeys(followers[name].flows))
            self.ledger.note(
                f"`{name}` follows {causes} after a pause of {self.waits[name].mean:g} s on average: it "
                f"is simulated as a Poisson process of its own rate, {rate:.4g} per second, which is "
                "exact in the long run while nearly all of them end well. Keys that it shares with its "
                "cause are drawn anew.",
                self.design.flows[name].place,
            )
        for name, source in followers.items():
            looped = name in source.flows and source.chance >= 1
            if name not in self.displaced and looped:
                flow = self.design.flows[name]
                del self.sources[name]
                self._without(
                    flow,
                    "each of them causes a further one without end (give it a `chance` below 100%)",
                    missing=False,
                )

    def _spanned(self, followers: Mapping[str, After]) -> set[str]:
        """The followers on a way that a condition `A until B` is measured over: a pause there must pass."""
        found: set[str] = set()
        spans = [
            target.subject for target in self.design.requirements.targets if isinstance(target.subject, Span)
        ]
        sends = {name: buffers_of(self.design, name) for name in self.sources} if spans else {}
        for span in spans:
            reached = self._begun_by(span.start)
            while True:
                sent = {buffer for name in reached for buffer in sends.get(name, ())}
                more = {
                    name
                    for name, source in self.sources.items()
                    if name not in reached
                    and (
                        (isinstance(source, After) and reached & set(source.flows))
                        or (isinstance(source, Consume) and source.buffer in sent)
                    )
                }
                if not more:
                    break
                reached |= more
            if span.end in reached:
                found |= reached & set(followers)
        return found

    def _begun_by(self, start: language.FlowDone | language.Event) -> set[str]:
        """The flow that a span begins with, or those that its event starts."""
        if isinstance(start, language.FlowDone):
            return {start.flow}
        event = self.connections.event(start)
        return {
            name
            for name, source in self.sources.items()
            if isinstance(source, After) and event in source.events
        }


def usual_rates(design: Design, values: Values) -> dict[str, float]:
    """Starts per second of the flows that actors start at a steady rate, at the medians whatever the run is at."""
    usual = replace(values, at="median", ledger=Ledger())
    found: dict[str, float] = {}
    for flow in design.flows.values():
        if isinstance(flow.trigger, language.FromActor) and isinstance(flow.trigger.rate, Formula):
            with suppress(NotComputable):
                found[flow.name] = usual.rate(flow.trigger.rate)
    return found


def traffic(known: Mapping[str, float], followers: Mapping[str, After]) -> dict[str, float | None]:
    """The rates of flows that follow others: rate(f) = chance(f) * the sum of the rates of its causes.

    `known` are rates per second; None where a cause has no known rate, or the flows cause more and more of
    each other. Solved by iteration, which converges where the loop of chances is below one.
    """
    rates: dict[str, float | None] = {}
    order = list(followers)
    solvable = set(order)
    while True:  # a follower is solvable if each of its causes is known or solvable
        bad = {n for n in solvable if any(c not in known and c not in solvable for c in followers[n].flows)}
        if not bad:
            break
        solvable -= bad
    values = dict.fromkeys(solvable, 0.0)
    for _ in range(20_000):
        new = {
            n: followers[n].chance * sum(known[c] if c in known else values[c] for c in followers[n].flows)
            for n in values
        }
        change = max((abs(new[n] - values[n]) for n in new), default=0.0)
        largest = max(new.values(), default=0.0)
        values = new
        if change <= 1e-12 * max(largest, 1e-300):
            break
        if largest > 1e18:
            values = {}
            break
    else:
        values = {}
    for name in order:
        rates[name] = values.get(name)
    return rates
