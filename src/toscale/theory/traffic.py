"""How often does each step run, and how long does it take? One walk through a flow's steps, given how long
everything waits.

The walk is where the twin's fixed point turns: with the waits, hit ratios and failures of the last round
(`Round`) it gives the calls of every station, the look-ups of every store, the messages into every buffer and
the time of every flow (`Tally`), from which the next round's follow. Arrivals are taken as Poisson
everywhere, and what happens in one part of a request as independent of the rest, except through the numbers
and keys that a request carries (`toscale.theory.knowledge`).
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from toscale.engine.model import (
    Await,
    Call,
    Choose,
    Commit,
    Connected,
    Copied,
    Delay,
    Discipline,
    Drop,
    Each,
    End,
    Extend,
    Fork,
    FromStash,
    Get,
    GiveBack,
    Holder,
    If,
    Keep,
    Key,
    Link,
    Load,
    Locked,
    Look,
    Measure,
    Model,
    NewKey,
    Number,
    Once,
    Outcome,
    Over,
    Parallel,
    Pass,
    Pause,
    Pick,
    Pool,
    Put,
    Register,
    Repeat,
    Request,
    Scatter,
    See,
    Send,
    Set,
    Station,
    Step,
    Steps,
    Sweep,
    Take,
    TakeAhead,
    Version,
    Visit,
    Work,
    Write,
)
from toscale.theory import guards, times
from toscale.theory.attempts import call
from toscale.theory.bounded import from_stash
from toscale.theory.connections import connection
from toscale.theory.copies import Versions
from toscale.theory.knowledge import Drawn, Known, Listed, meet
from toscale.theory.loads import weighed
from toscale.theory.locks import Held, Wait, wait
from toscale.theory.lookups import Shelves
from toscale.theory.numbers import Spread, constant
from toscale.theory.parallel import each, parallel
from toscale.theory.popularity import keys
from toscale.theory.repetitions import repeat
from toscale.theory.scatters import scatter
from toscale.theory.tally import (
    Calls,
    Calm,
    Here,
    Measured,
    Part,
    Ran,
    Round,
    Tally,
    count,
    mixed,
    of_class,
    role_of,
)
from toscale.theory.times import Dice, Time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Walk:
    """One walk through the flows of a model, given the last round. `tally` and `measured` fill up."""

    def __init__(self, model: Model, last: Round, dice: Dice) -> None:
        self.stations: Mapping[str, Station] = {s.name: s for s in model.stations}
        self.pools: Mapping[str, Pool] = {p.name: p for p in model.pools}
        self.carries = {b.name: b.carries for b in model.buffers}
        self.holders = {c.name: c.population for c in model.connections}
        self.shares = {c.name: connection(c, self.stations[c.station]).share for c in model.connections}
        self.last = last
        self.dice = dice
        self.tally = Tally()
        self.measured: dict[str, Measured] = {}
        self.guards: dict[str, guards.Guard] = {}
        self.shelves = Shelves(last, self.tally)
        self.steps: dict[type, Callable[..., Ran]] = {
            Visit: self.visit,
            Delay: self.delay,
            Pause: self.pause,
            Repeat: lambda step, *rest: repeat(self, step, *rest),
            Request: self.request,
            Scatter: lambda step, *rest: scatter(self, step, *rest),
            Send: self.send,
            Call: lambda step, *rest: call(self, step, *rest),
            Fork: self.fork,
            Parallel: lambda step, *rest: parallel(self, step, *rest),
            Each: lambda step, *rest: each(self, step, *rest),
            Once: self.once,
            If: self.branch,
            Measure: self.measure,
        }

    # ---- blocks
    # --------------------------------------------------------------------------------------------------

    def block(self, steps: Steps, known: Known, reach: float, here: Here) -> Ran:
        """Steps one after the other, begun `reach` times per run of the flow."""
        time, alive, ends, stuck, away = times.NONE, 1.0, dict[Outcome, float](), 0.0, times.NONE
        for step in steps:
            if alive <= 0:
                break
            ran = self.step(step, known, reach * alive, here)
            time = time.plus(times.sometimes(alive, ran.time, self.dice))
            for outcome, chance in ran.ends.items():
                ends[outcome] = ends.get(outcome, 0.0) + alive * chance
            stuck += alive * ran.stuck
            if ran.away.mean > 0:
                away = Time(away.mean + alive * ran.away.mean, away.var + alive * ran.away.var)
            alive *= ran.done
            known = ran.known
        return Ran(time, alive, ends, known, min(1.0, stuck), away)

    def step(self, step: Step, known: Known, reach: float, here: Here) -> Ran:
        match step:
            case Key(_, register, population):
                if register not in known.keys:
                    known = known.with_key(register, Drawn(population, keys(population).weights))
                return Ran(times.NONE, 1.0, {}, known)
            case Holder(_, register, name):
                if register in known.keys:
                    return Ran(times.NONE, 1.0, {}, known)
                held = known.with_key(register, Drawn(self.holders[name], None))
                held = held.with_number(Connected(name, register), constant(1.0))
                return Ran(times.NONE, 1.0, {}, held)
            case NewKey(_, register, population):
                return Ran(times.NONE, 1.0, {}, known.with_key(register, Drawn(population, None)))
            case Set(register, value):
                return Ran(times.NONE, 1.0, {}, known.with_number(Register(register), constant(value)))
            case Get() | Put() | Drop():
                return Ran(times.NONE, 1.0, {}, self.shelves.meet(step, known, here.rate * reach))
            case Commit() | Version():
                counted = self.tally.versions.setdefault(step.station, Versions())
                counted.meet(step, known, here.rate * reach)
                return Ran(times.NONE, 1.0, {}, known)
            case Copied(body=body):
                return self.block(body, known, reach, here)
            case End(_, outcome):
                return Ran(times.NONE, 0.0, {outcome: 1.0}, known)
            case FromStash():
                return Ran(times.NONE, 1.0, {}, from_stash(step, known, here.rate * reach, self.tally))
            case Choose(into=into, count=wanted, at_most=most):
                return Ran(times.NONE, 1.0, {}, self.chosen(step.pool, into, wanted, most, known))
            case Over(register=register):
                return Ran(times.NONE, 1.0, {}, known.with_number(Register(register), constant(0.0)))
            case Take() | Look():
                asked = known.number(step.amount).mean if isinstance(step, Take) else 1.0
                self.tally.asked[step.pool] = self.tally.asked.get(step.pool, 0.0) + here.rate * reach * asked
                return Ran(times.NONE, 1.0, {}, known)
            case See() | TakeAhead() | Await() | GiveBack() | Extend() | Keep() | Sweep() | Write() | Pass():
                return Ran(times.NONE, 1.0, {}, known)
            case _:
                return self.steps[type(step)](step, known, reach, here)

    def chosen(self, pool: str, into: str, wanted: Number, most: int, known: Known) -> Known:
        """A list of keys that were chosen: as many as wanted, and at least one."""
        number = known.number(wanted).mapped(lambda n: np.clip(np.floor(n), 1.0, float(most)))
        population = self.pools[pool].per
        if population is None:
            return known
        return known.with_list(into, Listed(number, Drawn(population, keys(population).weights)))

    # ---- calls of stations
    # ---------------------------------------------------------------------------------------

    def work(self, work: Work | None, known: Known, times_count: Spread | None = None) -> Time:
        """The demand of a call, before cores are shared."""
        if work is None:
            return times.NONE
        shape, shape_var = times.moments(work.shape)
        if work.each == 0:
            size, size_var, number = work.base, 0.0, None
        else:
            number = times_count if times_count is not None else known.number(work.count)
            size = work.base + work.each * number.mean
            size_var = work.each**2 * number.variance
        mean = size * shape
        if mean <= 0:
            return times.NONE
        var = (size * size + size_var) * (shape_var + shape * shape) - mean * mean
        draws = None
        if self.dice.wanted:
            draws = self.dice.of(work.shape) * (
                size if number is None else work.base + work.each * number.quantiles(self.dice.uniform())
            )
        return Time(mean, max(0.0, var), draws)

    def zones(self, station: Station, role: str) -> tuple[tuple[int, float], ...]:
        """The zones of the machines that a call may go to, by chance."""
        if not station.zones:
            return ()
        machines = count(station)
        chosen = range(machines)
        if role == "primary" and station.shards:
            chosen = range(0, machines, station.copies)
        places: dict[int, float] = {}
        for i in chosen:
            zone = station.zones[i % len(station.zones)]
            places[zone] = places.get(zone, 0.0) + 1 / len(chosen)
        return tuple(places.items())

    def hop(
        self,
        path: str,
        station: str,
        link: Link,
        pick: Pick,
        drawn: Drawn | None,
        work: Time,
        body: Steps,
        known: Known,
        reach: float,
        here: Here,
        locks: tuple[tuple[Locked, Drawn | None, float], ...] = (),
        loads: tuple[Load | None, Load | None] = (None, None),
    ) -> Ran:
        """Over the wire, a slot, the locks (each for keys drawn so, and for how many), the work, the body, and back."""
        place = self.stations[station]
        role = role_of(place, pick)
        calm = self.calm(place, role, here.priority)
        zones = self.zones(place, role)
        near = sum(p * q for z, p in here.zones for y, q in zones if z == y)
        there = times.crossing(link, near, self.dice)
        back = times.crossing(link, near, self.dice) if self.dice.wanted else there
        there = there.plus(weighed(loads[0], link, near, known, self.dice))
        inside = Ran(times.NONE, 1.0, {}, known)
        admitted = 1 - calm.refused
        part = None if here.parts is None else here.parts.setdefault(path, Part(station))
        waits = [(lock, self.wait(lock, drawn_there), number) for lock, drawn_there, number in locks]
        busy = 1.0
        for lock, found, number in waits:
            if not lock.wait:
                busy *= (1 - found.chance) ** number
        busy = 1 - busy
        if body:
            inside = self.block(body, known, reach * admitted * (1 - busy), here.within(place, zones))
        if place.instances is not None:
            starts = times.sometimes(
                self.last.failing.get(("", f"{station} cold"), 0.0),
                times.of_law(place.instances.cold, self.dice),
                self.dice,
            )
            inside = replace(inside, time=starts.plus(inside.time))
        back = back.plus(weighed(loads[1], link, near, inside.known, self.dice))
        kept = inside.time
        if inside.away.mean > 0 and not locks and isfinite(kept.mean):
            kept = Time(
                max(0.0, kept.mean - inside.away.mean), max(0.0, kept.var - inside.away.var), kept.draws
            )
        for lock, found, number in waits:
            alone = work.times(calm.stretch).plus(inside.time)
            self.tally.locks.setdefault(lock.lock, []).append(
                Held(here.rate * reach * admitted * number, alone.mean, alone.second)
            )
            if lock.wait:
                queue = times.waiting(found.mean * number, min(1.0, found.chance * number), self.dice)
                inside = replace(inside, time=queue.plus(inside.time))
                kept = queue.plus(kept)
                if part is not None:
                    part.waiting += reach * admitted * queue.mean
        hottest, spread = drawn.concentration() if drawn is not None else (0.0, 0.0)
        slot = times.waiting(calm.wait, calm.wait_probability, self.dice)
        served = slot.plus(work.times(calm.stretch)).plus(inside.time)
        self.tally.calls.setdefault(station, []).append(
            Calls(
                role,
                here.rate * reach,
                work,
                kept,
                calm.stretch,
                served.mean,
                hottest,
                spread,
                here.callers(),
                here.priority,
            )
        )
        time = there.plus(times.sometimes(admitted, served, self.dice)).plus(back)
        if part is not None:
            part.visits += reach
            part.work += reach * admitted * work.mean
            part.waiting += reach * admitted * ((calm.stretch - 1) * work.mean + calm.wait)
            part.wire += reach * (there.mean + back.mean)
        ends = {outcome: chance * admitted * (1 - busy) for outcome, chance in inside.ends.items()}
        if busy > 0:
            ends[Outcome.BUSY] = ends.get(Outcome.BUSY, 0.0) + admitted * busy
        if calm.refused > 0:
            ends[Outcome.REFUSED] = ends.get(Outcome.REFUSED, 0.0) + calm.refused
        stuck = calm.excess + (1 - calm.excess) * inside.stuck
        return Ran(time, inside.done * admitted * (1 - busy), ends, inside.known, stuck)

    def locked(self, lock: Locked, known: Known) -> tuple[Drawn | None, float]:
        """The keys that a single call has a lock for: how they are drawn, and how many there are."""
        if not lock.keys:
            return known.keys.get(lock.key), 1.0
        listed = known.lists.get(lock.keys)
        return (None, 0.0) if listed is None else (listed.keys, listed.number.mean)

    def wait(self, lock: Locked, drawn: Drawn | None) -> Wait:
        """How a request for a lock fares, from what the last round has found of the others."""
        return wait(self.last.locks.get(lock.lock, Held(0.0, 0.0, 0.0)), drawn, lock.wait)

    def calm(self, station: Station, role: str, priority: int) -> Calm:
        """How this call fares; a call of any machine of a shard is a mixture."""
        if role == "any":
            share = 1 / station.copies
            one = self.calm(station, "primary", priority)
            other = self.calm(station, "copy", priority)
            return mixed([(share, one), (1 - share, other)])
        if station.discipline is Discipline.PRIORITY:
            role = of_class(role, priority)
        return self.last.calm.get((station.name, role), Calm())

    def visit(self, step: Visit, known: Known, reach: float, here: Here) -> Ran:
        drawn = known.keys.get(step.key) if step.key is not None and step.over is None else None
        work = self.work(step.work, known)
        locks = tuple((lock, *self.locked(lock, known)) for lock in step.locks)
        chance = 1.0
        if step.over is not None and step.key is not None:
            of = Connected(step.over, step.key)
            chance, known, _ = known.connected(of, self.shares[step.over])
        if chance <= 0:
            return Ran(times.NONE, 0.0, {Outcome.FAILED: 1.0}, known)
        ran = self.hop(
            step.path,
            step.station,
            step.link,
            step.pick,
            drawn,
            work,
            step.body,
            known,
            reach * chance,
            here,
            locks,
            (step.sends, step.returns),
        )
        if chance >= 1:
            return ran
        ends = {outcome: chance * share for outcome, share in ran.ends.items()}
        ends[Outcome.FAILED] = ends.get(Outcome.FAILED, 0.0) + 1 - chance
        time = times.sometimes(chance, ran.time, self.dice)
        return Ran(time, chance * ran.done, ends, ran.known, chance * ran.stuck)

    def send(self, step: Send, known: Known, reach: float, here: Here) -> Ran:
        carried = known.carried(self.carries.get(step.buffer, ()))
        full = self.last.failing.get(("", f"{step.buffer} full"), 0.0)
        self.tally.sent.setdefault(step.buffer, []).append((here.flow, reach * (1 - full), carried))
        work = self.work(step.work, known)
        ends = {Outcome.REFUSED: full} if full > 0 else {}
        if step.station is not None:
            drawn = known.keys.get(step.key) if step.key is not None else None
            ran = self.hop(
                step.path,
                step.station,
                step.link,
                Pick.POLICY,
                drawn,
                work,
                (),
                known,
                reach,
                here,
                loads=(step.sends, None),
            )
            ends = {o: c * (1 - full) for o, c in ran.ends.items()}
            ends[Outcome.REFUSED] = ends.get(Outcome.REFUSED, 0.0) + full
            return replace(ran, done=ran.done * (1 - full), ends=ends) if full > 0 else ran
        wire = times.crossing(step.link, 0.0, self.dice).plus(times.crossing(step.link, 0.0, self.dice))
        wire = wire.plus(weighed(step.sends, step.link, 0.0, known, self.dice))
        if here.parts is not None and (wire.mean > 0 or work.mean > 0):
            part = here.parts.setdefault(step.path, Part(None))
            part.visits += reach
            part.work += reach * work.mean
            part.wire += reach * wire.mean
        return Ran(wire.plus(work), 1.0 - full, ends, known)

    # ---- what combines
    # -------------------------------------------------------------------------------------------

    def delay(self, step: Delay, known: Known, reach: float, here: Here) -> Ran:
        time = self.work(step.work, known)
        if here.parts is not None:
            part = here.parts.setdefault(step.path, Part(None))
            part.visits += reach
            part.work += reach * time.mean
        return Ran(time, 1.0, {}, known)

    def pause(self, step: Pause, known: Known, reach: float, here: Here) -> Ran:
        ran = self.delay(Delay(step.path, step.work), known, reach, here)
        return replace(ran, away=ran.time)

    def request(self, step: Request, known: Known, reach: float, here: Here) -> Ran:
        """An answer ends it well for the flow, which goes on."""
        ran = self.block(step.body, known, reach, here)
        ends = dict(ran.ends)
        answered = ends.pop(Outcome.ANSWERED, 0.0)
        return replace(ran, done=min(1.0, ran.done + answered), ends=ends)

    def fork(self, step: Fork, known: Known, reach: float, here: Here) -> Ran:
        self.block(step.body, known, reach, replace(here, parts=None, holder=None, at_once=1.0))
        return Ran(times.NONE, 1.0, {}, known)

    def once(self, step: Once, known: Known, reach: float, here: Here) -> Ran:
        """One call for all who come for a key while it is on its way: of n that come Poisson at rate r to what
        takes D, one in 1 + r D makes it, and the others wait for the rest of it.
        """
        joined = self.last.failing.get((here.flow, f"{step.path} joined"), 0.0)
        ran = self.block(step.body, known, reach * (1 - joined), here)
        drawn = known.keys.get(step.key)
        if drawn is not None and drawn.weights is not None and isfinite(ran.time.mean):
            each = here.rate * reach * drawn.weights / keys(drawn.population).counts
            led = float(drawn.weights @ (1 / (1 + each * ran.time.mean)))
            self.tally.failing[here.flow, f"{step.path} joined"] = 1 - led
        rest = ran.time.times(ran.time.second / (2 * ran.time.mean**2) if ran.time.mean > 0 else 1.0)
        time = times.either(1 - joined, ran.time, rest, self.dice)
        return Ran(time, ran.done, ran.ends, known, ran.stuck)

    def branch(self, step: If, known: Known, reach: float, here: Here) -> Ran:
        if isinstance(step.test, Connected):
            chance, yes, no = known.connected(step.test, self.shares[step.test.connection])
        else:
            chance, yes, no = known.branch(step.test)
        first = self.block(step.then, yes, reach * chance, here) if chance > 0 else None
        second = self.block(step.otherwise, no, reach * (1 - chance), here) if chance < 1 else None
        if first is None or second is None:
            return first or second or Ran(times.NONE, 1.0, {}, known)
        ends: dict[Outcome, float] = {}
        for weight, ran in ((chance, first), (1 - chance, second)):
            for outcome, share in ran.ends.items():
                ends[outcome] = ends.get(outcome, 0.0) + weight * share
        done = chance * first.done + (1 - chance) * second.done
        ways = [(chance * first.done, first.known), ((1 - chance) * second.done, second.known)]
        stuck = chance * first.stuck + (1 - chance) * second.stuck
        time = times.either(chance, first.time, second.time, self.dice)
        away = Time(chance * first.away.mean + (1 - chance) * second.away.mean)
        return Ran(time, done, ends, meet(ways), stuck, away)

    def measure(self, step: Measure, known: Known, reach: float, here: Here) -> Ran:
        ran = self.block(step.body, known, reach, here)
        rate = here.rate * reach
        earlier = self.measured.get(step.name)
        if earlier is None or earlier.rate + rate <= 0:
            self.measured[step.name] = Measured(rate, ran.time)
        else:
            time = times.either(rate / (rate + earlier.rate), ran.time, earlier.time, self.dice)
            self.measured[step.name] = Measured(rate + earlier.rate, time)
        return ran
