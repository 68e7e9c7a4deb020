"""A model as tables: its flows as instructions, its stations, stores and laws as rows.

Every block of steps becomes straight code. A step that may end otherwise than well has a way out (`fail`):
code that gives back what the block holds, in the reverse order, and ends at the nearest handler, so that no
slot outlives its request. What may be given up, tried again or run side by side is a child with code of its
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toscale.engine.bounded_code import bounded, bounded_test
from toscale.engine.laws import Law
from toscale.engine.layout import Label, LaidOut, Row, lay_out
from toscale.engine.lock_code import take_locks
from toscale.engine.machines import (
    BY_ANY,
    BY_BESIDE,
    BY_COPY,
    BY_NUMBER,
    BY_POLICY,
    BY_PRIMARY,
    BY_SHARD,
    PART,
    SHARD,
)
from toscale.engine.model import (
    HANDLED,
    After,
    Attribute,
    Await,
    Call,
    Chance,
    Choose,
    Compare,
    Connected,
    Connection,
    Consume,
    Delay,
    Drop,
    Each,
    End,
    Ended,
    Extend,
    Flag,
    Fork,
    FromStash,
    Get,
    GiveBack,
    Holder,
    Holds,
    If,
    Keep,
    Key,
    Knob,
    Left,
    Link,
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
    Policy,
    Population,
    Put,
    Register,
    Repeat,
    Request,
    Retry,
    Scatter,
    See,
    Send,
    Set,
    Station,
    Steps,
    Sweep,
    Take,
    TakeAhead,
    Test,
    Users,
    Visit,
    Work,
    Write,
    inner,
    walk,
)
from toscale.engine.repeat_code import away, repeat, think
from toscale.engine.state import CODE, LINK, NUMBER, TICK, Op, records
from toscale.engine.tables import (
    CodePlace,
    Guarded,
    ModelError,
    Passage,
    Tables,
    law_tables,
    population_tables,
    salt_of,
)
from toscale.engine.timeline import What

OPERATORS = ("<", "<=", ">", ">=", "=", "!=")
_POLICIES = {
    Policy.ROUND_ROBIN: 0,
    Policy.RANDOM: 1,
    Policy.LEAST_OUTSTANDING: 2,
    Policy.TWO_CHOICES: 3,
    Policy.SHARED: 0,
}
_PICKS = {
    Pick.POLICY: BY_POLICY,
    Pick.PRIMARY: BY_PRIMARY,
    Pick.COPY: BY_COPY,
    Pick.ANY: BY_ANY,
    Pick.BESIDE: BY_BESIDE,
}
_DRAWS_AS = {Op.ROUTE: Op.PICK, Op.ENTER: Op.ACQUIRE}
"""Instructions that draw as another does, so that a fault elsewhere changes no draw."""
_SIDE_BY_SIDE = 4_096
"""No step starts more passes than this at one moment."""
MOST_REGISTERS = 20_000

# Steps that happen at a moment: all time decided before them must have passed.
_SYNC = {
    Op.ACQUIRE, Op.RELEASE, Op.GET, Op.PUT, Op.DROP, Op.SCATTER, Op.MGET, Op.MPUT, Op.SEND, Op.CALL, Op.SPAWN, Op.FORK,
    Op.JOIN, Op.EACH, Op.MARK, Op.UNMARK, Op.MARKFAIL, Op.TAKE, Op.DONE, Op.DIE, Op.END, Op.FAIL,
    Op.CHOOSE, Op.SEE, Op.CLAIM, Op.AHEAD, Op.STASH, Op.AWAIT, Op.RETURN, Op.EXTEND, Op.KEEP, Op.SWEEP, Op.OVER,
    Op.LOOK, Op.WRITE, Op.PASS, Op.IF_HOLDS, Op.IF_LEFT,
    Op.REPEAT, Op.JUDGE, Op.AGAIN, Op.BACK, Op.LOCK, Op.UNLOCK, Op.BEGIN, Op.NEXT,
    Op.HOLDER, Op.REACH, Op.IF_OPEN,
    Op.ENTER,
    Op.GUARD, Op.REPORT, Op.HEDGE, Op.DEPOSIT, Op.SPEND, Op.FLY, Op.LAND, Op.OFFER, Op.GATHER,
}  # fmt: skip


def compile_model(model: Model) -> Tables:
    """The tables of a model. Raises ModelError where a name is unknown or a bound is passed."""
    return _Compiler(model).compile()


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a block stands: its way out, the register with the machine that it runs on (-1: none), how deep it is,
    the station of that machine, whose slot it may leave, and what (group and key) it is done once for.
    """

    out: Label
    machine: int = -1
    depth: int = 0
    station: int = -1
    leaves: int = -1  # the station of the slot that this task may give back for a while; -1: none
    refused: Label | None = None  # the way out of that visit without the slot
    around: Label | None = None  # the visit around that one
    once: frozenset[tuple[str, str]] = frozenset()

    def inside(self, out: Label, machine: int | None = None, station: int = -1) -> _Frame:
        """A block with its own way out; on another machine, whose slot is not to be left."""
        if machine is None:
            return replace(self, out=out, depth=self.depth + 1)
        return replace(
            self,
            out=out,
            machine=machine,
            depth=self.depth + 1,
            station=station,
            leaves=-1,
            refused=None,
            around=None,
        )


@dataclass(frozen=True, slots=True)
class _ListAt:
    """The register at which a list of keys begins; known when all registers are."""

    name: str | None


@dataclass(frozen=True, slots=True)
class _Shard:
    """The part of a scattered call that goes to one shard."""

    visit: Visit
    pick: Pick
    listed: str | None  # the keys that are locked


@dataclass(frozen=True, slots=True)
class _OnMachine:
    """A piece of work in ticks, on the machine in this register, which may be slow."""

    base: float
    each: float
    count: Number
    machine: int


@dataclass(frozen=True, slots=True)
class _Hedged:
    """An attempt that is made once more when it is late."""

    call: Call
    guard: int


@dataclass(frozen=True, slots=True)
class _Flight:
    """What is done once for all, and its end: its group's number, the register with its entry."""

    once: Once
    group: int
    entry: int


@dataclass(frozen=True, slots=True)
class _Raw:
    """A SEND that happens while the buffer's machine holds the message."""

    fields: tuple[Op, str, int, int]


def _placed(station: Station) -> bool:
    return bool(station.zones)


def _guards(steps: Steps) -> bool:
    """Whether a block makes a call for which its machine keeps a state."""
    for step in steps:
        if isinstance(step, Call) and step.guarded:
            return True
        if not isinstance(step, Visit) and any(_guards(block) for block in inner(step)):
            return True
    return False


def _sensitive(station: Station) -> bool:
    """Whether the policy looks at the machines' state, so that the moment of the choice matters."""
    return station.policy in (Policy.LEAST_OUTSTANDING, Policy.TWO_CHOICES)


def _labels(row: Row) -> tuple[str, ...]:
    """The fields of an instruction that name others."""
    return tuple(name for name in ("a", "b", "c", "d", "fail") if isinstance(getattr(row, name), Label))


class _Compiler:
    """Collects rows and tables; one for each model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.rows: list[Row] = []
        self.later: list[tuple[Label, tuple[Any, ...], _Frame]] = []
        self.laws: dict[Law, int] = {}
        self.numbers: dict[Number | _OnMachine, int] = {}
        self.links: dict[Link, int] = {}
        self.populations: dict[Population, int] = {}
        self.registers: dict[str, int] = {"shard": SHARD, "part": PART}
        self.lists: dict[str, tuple[int, int]] = {}
        self.rings: dict[tuple[float, bool], int] = {}
        self.guards: dict[Guarded, int] = {}
        self.flights: dict[str, int] = {}
        self.stations = {s.name: k for k, s in enumerate(model.stations)}
        self.stores = {s.name: k for k, s in enumerate(model.stores)}
        self.locks = {lock.name: k for k, lock in enumerate(model.locks)}
        self.buffers = {b.name: k for k, b in enumerate(model.buffers)}
        self.pools = {p.name: k for k, p in enumerate(model.pools)}
        self.stashes: dict[
            str, tuple[int, FromStash]
        ] = {}  # of what is taken ahead, behind the model's own pools
        self.terms: dict[float, int] = {}
        for pool in model.pools:
            if pool.per is not None:
                self.population(pool.per)
        self.connections = {c.name: k for k, c in enumerate(model.connections)}
        measures = [s.name for f in model.flows for s in walk(f.steps) if isinstance(s, Measure)]
        self.meters = [f.name for f in model.flows]
        self.meters += [m for m in dict.fromkeys(measures) if m not in self.meters]
        self.meters += [s.name for s in model.spans]
        self.meters += [p.swept for p in model.pools if p.swept is not None]
        self.awaited = {s.last for s in model.spans} | {
            f.name for f in model.flows if isinstance(f.source, Consume)
        }
        self.awaited |= {name for f in model.flows if isinstance(f.source, After) for name in f.source.flows}
        self.asked = {  # the store that will be asked for a key, so that it can be made ready for that
            s.population.name: self.stores[s.store]
            for f in model.flows
            for s in walk(f.steps)
            if isinstance(s, Get) and s.store in self.stores
        }
        self.passages: tuple[Passage, ...] = ()
        self.passed = 0
        changed = model.timeline.machines_of
        self.failing = changed(What.DOWN, What.OUT, What.LEAD)
        self.slowed = changed(What.SLOW)
        self.erring = changed(What.ERRORS)
        self.cut = changed(What.LOSS)
        self.given = {(s.flow, register) for s in model.timeline.streams for register, *_ in s.given}
        self.hots = tuple((h.flow, h.register) for h in model.timeline.hots)
        self.told = {(given.population.number, given.salt) for given in model.timeline.givens}
        self.flow = ""
        self.within: Label | None = None  # the visit that the next row is a step of
        self.margin = 64
        self.touches = 64
        self.locked = 0
        self.locked_lists: list[str] = []
        for (
            flow
        ) in model.flows:  # those that are reset or carried lie in the first 64, where a mask reaches them
            if isinstance(flow.source, After):
                self.margin += len(flow.source.events)
                for name in flow.source.carries:
                    self.register(name)
            for step in walk(flow.steps):
                if isinstance(step, Each | Repeat):
                    for name in step.fresh:
                        self.register(name)
        if len(self.registers) > 64:
            raise ModelError(
                "more than 60 different things are drawn anew or carried on: too many for one request"
            )

    # ---- small tables ----------------------------------------------------------------------------------------------

    def find(self, names: dict[str, int], name: str, what: str) -> int:
        if name not in names:
            raise ModelError(f"the model has no {what} named {name!r}")
        return names[name]

    def law(self, law: Law) -> int:
        return self.laws.setdefault(law, len(self.laws))

    def number(self, number: Number) -> int:
        if isinstance(number, Attribute):
            self.law(number.law)
            self.register(number.of)
        elif isinstance(number, Register) and not isinstance(number, Knob):
            self.register(number.name)
        return self.numbers.setdefault(number, len(self.numbers))

    def register(self, name: str) -> int:
        if name not in self.registers:
            self.registers[name] = len(self.registers)
        return self.registers[name]

    def list_of(self, name: str, at_most: int) -> str:
        """A list of keys lies in registers of its own, its length first; they are placed behind the others."""
        _, size = self.lists.get(name, (0, 0))
        self.lists[name] = (0, max(size, at_most + 1))
        return name

    def list_at(self, name: str) -> _ListAt:
        """Where the list of a name begins."""
        return _ListAt(name)

    def population(self, population: Population) -> int:
        if not 1 <= population.size < 1 << 47:
            raise ModelError(
                f"{population.name} has {population.size} keys: between 1 and 2^47 can be simulated"
            )
        return self.populations.setdefault(population, len(self.populations))

    def held(self, connection: Connection) -> None:
        """What a connection needs beside its own rows."""
        self.find(self.stations, connection.station, "station")
        self.register(connection.register)
        self.population(connection.population)
        for law in (connection.lasts, connection.again):
            if law is not None:
                self.law(law.scaled(1 / TICK))

    def link(self, link: Link) -> int:
        for law in (link.near, link.far):
            if law is not None:
                self.law(law.scaled(1 / TICK))
        return self.links.setdefault(link, len(self.links))

    def ring(self, length: float, hedges: bool = False) -> int:
        return self.rings.setdefault((length, hedges), len(self.rings))

    def guard(self, step: Call, frame: _Frame) -> int:
        budget = None if step.retry is None else step.retry.budget
        guarded = Guarded(step.path, frame.station, step.breaker, budget, step.hedge is not None)
        return self.guards.setdefault(guarded, len(self.guards))

    # ---- code ------------------------------------------------------------------------------------------------------

    def emit(self, op: Op, path: str = "", **fields: Any) -> None:
        drawn = _DRAWS_AS.get(op, op).name
        self.rows.append(
            Row(
                op,
                salt=salt_of(f"{drawn}:{path}"),
                sync=op in _SYNC,
                path=path,
                passages=self.passages,
                within=self.within,
                **fields,
            )
        )

    def drawn(self, register: str) -> None:
        """A key has been drawn, in place of which the timeline may put another."""
        here = (self.flow, register)
        given = self.register(f"given:{register}") if here in self.given else -1
        if given >= 0 or here in self.hots:
            which = self.hots.index(here) if here in self.hots else -1
            self.emit(Op.HOT, register, a=self.register(register), b=given, c=which)

    def place(self, label: Label) -> None:
        label.at = len(self.rows)

    def compile(self) -> Tables:
        entries = []
        for flow in self.model.flows:
            entries.append(len(self.rows))
            self.flow = flow.name
            out = Label()
            steps = flow.steps
            frame = _Frame(out=out)
            end, fail = Op.END, Op.FAIL
            if isinstance(flow.source, Users):
                end = fail = Op.NEXT
                think(self, flow.name, flow.source)
            if isinstance(flow.source, Consume):
                first = steps[0] if steps else None
                if isinstance(first, Visit):
                    self.visit(first, frame, take=True)
                    steps = steps[1:]
                else:
                    self.emit(Op.TAKE, fail=out)
            self.block(steps, frame)
            self.emit(end)
            self.rows[-1].sync = flow.name in self.awaited or end is Op.NEXT
            self.place(out)
            self.emit(fail)
            self.rows[-1].sync = flow.name in self.awaited or fail is Op.NEXT
            self.children()
        for flow in self.model.flows:
            if isinstance(flow.source, After):
                if flow.source.wait is not None:
                    self.law(flow.source.wait.scaled(1 / TICK))
        parts = {buffer.name: buffer.partitions for buffer in self.model.buffers}
        for buffer in self.model.buffers:
            if buffer.dead is not None:
                self.find(self.buffers, buffer.dead, "buffer")
                self.margin += parts[buffer.dead]  # whose consumers may all begin at one moment
            for name in buffer.carries:
                self.register(name)
        for connection in self.model.connections:
            self.held(connection)
        return self.tables(tuple(entries))

    def children(self) -> None:
        """The code of the blocks that run as children."""
        while self.later:
            label, steps, frame = self.later.pop()
            self.passages = ()
            self.within = None
            self.place(label)
            out = Label()
            self.block(steps, replace(frame, out=out))
            self.emit(Op.DONE)
            self.place(out)
            self.emit(Op.DIE)

    def child(self, steps: tuple[Any, ...], frame: _Frame) -> Label:
        label = Label()
        self.later.append((label, steps, frame))
        return label

    def block(self, steps: Steps, frame: _Frame) -> None:
        for step in steps:
            self.step(step, frame)

    def step(self, step: Any, frame: _Frame) -> None:
        match step:
            case Visit():
                self.visit(step, frame)
            case Delay():
                self.work(Op.DELAY, step.path, step.work)
            case Key():
                self.emit(
                    Op.KEY,
                    step.population.name,
                    a=self.register(step.register),
                    b=self.population(step.population),
                    c=self.asked.get(step.population.name, -1),
                )
                self.drawn(step.register)
            case Holder():
                self.emit(
                    Op.HOLDER,
                    step.path,
                    a=self.register(step.register),
                    b=self.find(self.connections, step.connection, "connection"),
                    fail=frame.out,
                )
            case NewKey():
                self.emit(
                    Op.NEWKEY,
                    step.population.name,
                    a=self.register(step.register),
                    b=self.population(step.population),
                )
                self.drawn(step.register)
            case Get():
                self.emit(
                    Op.GET,
                    a=self.find(self.stores, step.store, "store"),
                    b=self.register(step.key),
                    c=self.register(step.found),
                    d=self.population(step.population),
                    x=step.bytes,
                    y=step.present,
                )
            case Put():
                self.population(step.population)
                self.emit(
                    Op.PUT,
                    a=self.find(self.stores, step.store, "store"),
                    b=self.register(step.key),
                    x=step.bytes,
                )
            case Drop():
                self.emit(Op.DROP, a=self.find(self.stores, step.store, "store"), b=self.register(step.key))
            case Scatter():
                self.scatter(step, frame)
            case Send():
                self.send(step, frame)
            case Call():
                self.call(step, frame)
            case Pause():
                away(self, frame, lambda: self.work(Op.DELAY, step.path, step.work))
            case Repeat():
                repeat(self, step, frame)
            case Request():
                out, over = Label(), Label()
                self.block(step.body, frame.inside(out))
                self.emit(Op.JUMP, a=over)
                self.place(out)
                self.emit(Op.ANSWERED, fail=frame.out)
                self.place(over)
            case Fork():
                self.margin += 1
                self.emit(Op.FORK, step.path, a=self.child(step.body, frame))
            case Parallel():
                if step.branches:
                    self.margin += len(step.branches)
                    for k, branch in enumerate(step.branches):
                        self.emit(Op.SPAWN, f"{step.path}/{k}", a=self.child(branch, frame), b=k)
                    need = len(step.branches) if step.wait is None else min(step.wait, len(step.branches))
                    self.emit(Op.GATHER if step.goes_on else Op.JOIN, a=need, fail=frame.out)
            case Each():
                at_once = _SIDE_BY_SIDE if step.at_once is None else min(step.at_once, _SIDE_BY_SIDE)
                self.margin += min(
                    at_once, int(step.count) if isinstance(step.count, int | float) else at_once
                )
                mask = 0
                for name in step.fresh:
                    mask |= 1 << self.register(name)
                self.emit(
                    Op.EACH,
                    step.path,
                    a=self.child(step.body, frame),
                    b=-1 if step.size is None else self.register(step.size),
                    c=at_once,
                    d=step.batch,
                    num=self.number(step.count),
                    mask=mask,
                    fail=frame.out,
                )
            case Once() if (step.group, step.key) in frame.once:
                self.block(step.body, frame)  # it would wait for itself
            case Once():
                self.margin += 1
                group = self.flights.setdefault(step.group, len(self.flights))
                entry = self.register(f"flight:{frame.depth}")
                self.emit(
                    Op.FLY,
                    step.path,
                    a=self.child((_Flight(step, group, entry),), frame),
                    b=group,
                    c=self.register(step.key),
                    d=entry,
                    fail=frame.out,
                )
            case _Flight(once, group, entry):
                out = Label()
                known = frame.once | {(once.group, once.key)}
                self.block(once.body, replace(frame.inside(out), once=known))
                self.place(out)  # however it has ended
                self.emit(Op.LAND, b=group, d=entry)
            case If():
                self.branch(step, frame)
            case Set():
                self.emit(Op.SET, a=self.register(step.register), b=step.value)
            case End():
                self.emit(Op.RAISE, a=int(step.outcome), b=step.code, fail=frame.out)
            case Measure():
                start = self.register(f"start:{step.name}:{frame.depth}")
                meter = self.meters.index(step.name)
                out, over, mark, around = Label(), Label(), Label(), self.within
                self.place(mark)
                self.emit(Op.MARK, a=meter, b=start)
                self.within = mark
                self.block(step.body, frame.inside(out))
                self.emit(Op.UNMARK, a=meter, b=start)
                self.emit(Op.JUMP, a=over)
                self.place(out)
                self.emit(Op.MARKFAIL, a=meter, b=start, fail=frame.out)
                self.place(over)
                self.within = around
            case (
                Choose()
                | See()
                | Take()
                | TakeAhead()
                | FromStash()
                | Await()
                | GiveBack()
                | Extend()
                | Keep()
            ):
                bounded(self, step, frame)
            case Sweep() | Over() | Look() | Write() | Pass():
                bounded(self, step, frame)
            case _Shard(visit, pick, listed):
                self.visit(visit, frame, shard=pick, listed=listed)
            case _Hedged():
                self.hedge(step, frame)
            case _Raw((op, path, buffer, key)):
                self.emit(op, path, a=buffer, b=key, fail=frame.out)
            case _:
                raise ModelError(f"{type(step).__name__} is not a step")

    def work(self, op: Op, path: str, work: Work, on: int | None = None, **fields: Any) -> None:
        """`on`: the register of the machine, where that may be slow."""
        if on is not None:
            count = work.count if work.each > 0 else 0.0
            self.number(count)
            varied = _OnMachine(work.base / TICK, work.each / TICK, count, on)
            number = self.numbers.setdefault(varied, len(self.numbers))
            self.emit(op, path, x=0.0, y=1.0, law=self.law(work.shape), num=number, **fields)
            return
        self.emit(
            op,
            path,
            x=work.base / TICK,
            y=work.each / TICK,
            law=self.law(work.shape),
            num=self.number(work.count) if work.each > 0 else -1,
            **fields,
        )

    def hop(self, link: Link, path: str, here: int, there: int) -> None:
        """A message over the wire, unless it takes no time and cannot be lost."""
        still = all(law is None or law.mean == 0 for law in (link.near, link.far))
        if not still or link.loss > 0 or link.between in self.cut:
            self.emit(Op.HOP, path, a=self.link(link), b=here, c=there)
            if link.between in self.cut:  # whether it arrives depends on when it is sent
                self.rows[-1].sync = True

    def visit(
        self,
        step: Visit,
        frame: _Frame,
        *,
        take: bool = False,
        shard: Pick | None = None,
        listed: str | None = None,
    ) -> None:
        with self.passing(step.station, step.path):
            self.visited(step, frame, take, shard, listed)

    @contextmanager
    def passing(self, part: str, path: str) -> Iterator[None]:
        """What is emitted within belongs to a passage of this station or buffer."""
        around = self.passages
        self.passages = (*around, Passage(self.passed, part, path))
        self.passed += 1
        yield
        self.passages = around

    def visited(self, step: Visit, frame: _Frame, take: bool, shard: Pick | None, listed: str | None) -> None:
        index = self.find(self.stations, step.station, "station")
        station = self.model.stations[index]
        if step.work is not None and step.work.base <= 0 and step.work.each <= 0:
            step = replace(step, work=None)
        machine = self.register(f"machine:{frame.depth}")
        failing, name = station.name in self.failing, station.name
        counted = station.slots is not None or (station.cores is not None and step.work is not None)
        counted = counted or step.over is not None or failing or name in self.slowed or name in self.erring
        counted = counted or step.work is not None or bool(step.locks) or _guards(step.body)
        if not counted and not _placed(station):  # a place that only passes requests on
            self.hop(step.link, f"{step.path}/to", frame.machine, -1)
            self.emit(Op.COUNT, a=index)
            out, over = Label(), Label()
            if take:
                self.emit(Op.TAKE, fail=out)
            self.block(step.body, frame.inside(out, machine=-1))
            self.hop(step.link, f"{step.path}/back", -1, frame.machine)
            self.emit(Op.JUMP, a=over)
            self.place(out)
            self.hop(step.link, f"{step.path}/back", -1, frame.machine)
            self.emit(Op.JUMP, a=frame.out)
            self.place(over)
            return
        choice = Op.ROUTE if failing else Op.PICK
        if shard is not None:
            self.emit(choice, step.path, a=index, b=machine, c=BY_SHARD, d=_PICKS[shard])
        elif step.over is not None:
            if step.key is None:
                raise ModelError(f"{step.path} goes over a connection, but nobody's")
            held = self.find(self.connections, step.over, "connection")
            if self.model.connections[held].station != step.station:
                raise ModelError(f"{step.path} goes over a connection to another station")
            self.emit(
                Op.REACH,
                step.path,
                a=index,
                b=machine,
                c=held,
                d=self.register(step.key),
                fail=frame.out,
            )
        else:
            key = -1 if step.key is None else self.register(step.key)
            pick, nth = _PICKS[step.pick] if step.nth is None else BY_NUMBER, float(step.nth or 0)
            if step.pick is Pick.BESIDE:
                pick, key = (BY_POLICY, key) if frame.machine < 0 else (BY_BESIDE, frame.machine)
            self.emit(choice, step.path, a=index, b=machine, c=pick, d=key, x=nth)
        if _sensitive(station) and shard is None and step.pick is Pick.POLICY:
            self.rows[-1].sync = True
        if step.link.between in self.cut:
            self.rows[-1].sync = True
        self.hop(step.link, f"{step.path}/to", frame.machine, machine)
        refused, out, over, entry, around = Label(), Label(), Label(), Label(), self.within
        self.place(entry)
        self.emit(Op.ENTER if failing else Op.ACQUIRE, a=index, b=machine, d=int(take), fail=refused)
        self.within = entry
        if take:
            self.emit(Op.TAKE, fail=out)
        unlocked = out
        locks = take_locks(self, step.locks, frame, station.shards, listed)
        if locks:
            out = Label()
        if step.work is not None:
            on = machine if name in self.slowed else None
            self.work(Op.WORK, step.path, step.work, on=on, a=index, b=machine)
            self.rows[-1].sync = station.cores is not None
            if step.body and isinstance(step.body[0], Get):  # its entry is on its way while the work is done
                self.rows[-1].c = self.find(self.stores, step.body[0].store, "store")
                self.rows[-1].d = self.register(step.body[0].key)
        if name in self.erring:
            self.emit(Op.FAULTY, step.path, a=index, b=machine, fail=out)
        within = frame.inside(out, machine, index)
        if not locks:  # a lock is held together with the slot
            within = replace(within, leaves=index, refused=refused, around=around)
        self.block(step.body, within)
        for chain, _ in reversed(locks):
            self.emit(Op.UNLOCK, b=chain)
        self.emit(Op.RELEASE, a=index, b=machine)
        self.within = around
        self.hop(step.link, f"{step.path}/back", machine, frame.machine)
        self.emit(Op.JUMP, a=over)
        self.within = entry
        if locks:
            self.place(out)
            for chain, given in reversed(locks):
                self.place(given)
                self.emit(Op.UNLOCK, b=chain)
        self.place(unlocked)
        self.emit(Op.RELEASE, a=index, b=machine)
        self.within = around
        self.place(refused)
        self.hop(step.link, f"{step.path}/back", machine, frame.machine)
        self.emit(Op.JUMP, a=frame.out)
        self.place(over)

    def scatter(self, step: Scatter, frame: _Frame) -> None:
        index = self.find(self.stations, step.station, "station")
        self.margin += max(1, self.model.stations[index].shards)
        keep = step.keep
        if keep is None and step.source is None and (step.found is not None or step.put or step.locks):
            keep = f"{step.path}:keys"
        listed = step.source or keep
        if step.store is not None:
            self.touches += step.at_most
        if keep is not None:
            self.list_of(keep, step.at_most)
        if step.missed is not None:
            self.list_of(step.missed, step.at_most)
        work = Work(step.work.shape, step.work.base, step.work.each, Register("part"))
        visit = Visit(step.path, step.station, work, step.link, locks=step.locks)
        label = Label()
        self.later.append((label, (_Shard(visit, step.pick, listed if step.locks else None),), frame))
        self.locked += step.at_most * len(step.locks)
        self.emit(
            Op.SCATTER,
            step.population.name if keep is None and step.source is None else step.path,
            a=label,
            b=self.population(step.population),
            c=_ListAt(step.source),
            d=_ListAt(keep),
            num=self.number(step.count),
            law=index,
            x=float(step.at_most),
            y=1.0 if step.fresh else 0.0,
            fail=frame.out,
        )
        if step.store is not None and step.found is not None:
            self.emit(
                Op.MGET,
                a=self.find(self.stores, step.store, "store"),
                b=_ListAt(listed),
                c=self.register(step.found),
                d=_ListAt(step.missed),
                law=self.population(step.population),
                x=step.bytes,
            )
        if step.store is not None and step.put:
            self.emit(Op.MPUT, a=self.find(self.stores, step.store, "store"), b=_ListAt(listed), x=step.bytes)

    def send(self, step: Send, frame: _Frame) -> None:
        key = -1 if step.key is None else self.register(step.key)
        buffer = self.find(self.buffers, step.buffer, "buffer")
        put = (Op.SEND if self.model.buffers[buffer].most is None else Op.OFFER, step.path, buffer, key)
        station = step.station
        if station is None and step.buffer in self.failing | self.slowed | self.erring:
            station = step.buffer  # its machines matter, as they may fail
        if station is not None:
            body: Any = (_Raw(put),)
            self.visit(Visit(step.path, station, step.work, step.link, body=body), frame)
            return
        with self.passing(step.buffer, step.path):
            self.hop(step.link, f"{step.path}/to", frame.machine, -1)
            self.emit(put[0], put[1], a=put[2], b=put[3], fail=frame.out)
            if step.work is not None:
                self.work(Op.DELAY, step.path, step.work)
            self.hop(step.link, f"{step.path}/back", -1, frame.machine)

    def call(self, step: Call, frame: _Frame) -> None:
        handlers = {o: s for o, s in step.handlers.items() if o in HANDLED}
        # nothing that could be given up: the same task goes through it
        alone = step.timeout is None and step.retry is None
        if alone and not step.guarded:
            self.handled(handlers, frame, lambda out: self.block(step.body, frame.inside(out)))
            return
        attempt = -1 if alone else self.register(f"attempt:{frame.depth}")
        guard = self.guard(step, frame) if step.guarded else -1
        budget = step.retry is not None and step.retry.budget is not None
        tried: Steps = step.body if step.hedge is None else (_Hedged(step, guard),)  # type: ignore[assignment]

        def body(out: Label) -> None:
            again, failed, short, over = Label(), Label(), Label(), Label()
            if not alone:
                self.emit(Op.SET, a=attempt, b=0)
            if budget:
                self.emit(Op.DEPOSIT, a=guard, b=frame.machine)
            self.place(again)
            if step.breaker is not None:
                self.emit(Op.GUARD, a=guard, b=frame.machine, fail=short)
            if alone:
                self.block(tried, frame.inside(failed))
            else:
                self.emit(
                    Op.CALL,
                    step.path,
                    a=self.child(tried, frame.inside(out)),
                    b=-1 if step.timeout is None else self.ring(step.timeout),
                    c=attempt,
                    fail=failed,
                )
            if step.breaker is not None:
                self.emit(Op.REPORT, a=guard, b=frame.machine)
            self.emit(Op.JUMP, a=over)
            self.place(failed)
            if step.breaker is not None:
                self.emit(Op.REPORT, a=guard, b=frame.machine)
                self.place(short)
            if step.retry is not None:
                retry: Retry = step.retry
                if budget:
                    self.emit(Op.SPEND, a=guard, b=frame.machine, c=attempt, d=retry.times, fail=out)
                self.emit(
                    Op.RETRY,
                    step.path,
                    a=attempt,
                    b=retry.times,
                    c=again,
                    x=retry.backoff / TICK,
                    y=retry.factor,
                    z=retry.jitter,
                )
            self.emit(Op.JUMP, a=out)
            self.place(over)

        self.handled(handlers, frame, body)

    def hedge(self, step: _Hedged, frame: _Frame) -> None:
        hedge = step.call.hedge
        assert hedge is not None, "only what has a hedge is hedged"
        self.margin += 1
        self.emit(
            Op.HEDGE,
            step.call.path,
            a=self.child(step.call.body, frame.inside(frame.out)),
            b=self.ring(hedge.after, hedges=True),
            d=hedge.at_most,
            num=step.guard,
            fail=frame.out,
        )

    def handled(self, handlers: dict[Outcome, Steps], frame: _Frame, body: Any) -> None:
        """A body whose outcomes are handled: each handler ends behind it."""
        if not handlers:
            body(frame.out)
            return
        out, over = Label(), Label()
        body(out)
        self.emit(Op.JUMP, a=over)
        self.place(out)
        at = {outcome: Label() for outcome in handlers}
        none = Label(-1)
        self.emit(
            Op.HANDLE,
            a=at.get(Outcome.REFUSED, none),
            b=at.get(Outcome.FAILED, none),
            c=at.get(Outcome.TIMED_OUT, none),
            d=at.get(Outcome.BUSY, none),
            fail=frame.out,
        )
        for outcome, steps in handlers.items():
            self.place(at[outcome])
            self.block(steps, frame)
            self.emit(Op.JUMP, a=over)
        self.place(over)

    def branch(self, step: If, frame: _Frame) -> None:
        if isinstance(step.test, Ended):
            raise ModelError(f"{step.path}: how a pass ended is known behind a repetition only")
        otherwise, over = Label(), Label()
        self.test(step.path, step.test, otherwise, frame)
        self.block(step.then, frame)
        self.emit(Op.JUMP, a=over)
        self.place(otherwise)
        self.block(step.otherwise, frame)
        self.place(over)

    def test(self, path: str, test: Test, otherwise: Label, frame: _Frame) -> None:
        """Goes on behind where the test holds, else at `otherwise`."""
        match test:
            case Chance(probability):
                self.emit(Op.IF_CHANCE, path, a=otherwise, x=probability)
            case Holds() | Left():
                bounded_test(self, test, otherwise, frame)
            case Connected(connection, of):
                held = self.find(self.connections, connection, "connection")
                self.emit(Op.IF_OPEN, a=otherwise, b=self.register(of), c=held)
            case Flag(register):
                self.emit(Op.IF_FLAG, a=otherwise, b=self.register(register))
            case Compare(left, operator, right):
                if operator not in OPERATORS:
                    raise ModelError(f"{operator!r} compares nothing: one of {' '.join(OPERATORS)}")
                self.emit(
                    Op.IF_COMPARE,
                    a=otherwise,
                    b=self.number(left),
                    c=OPERATORS.index(operator),
                    d=self.number(right),
                )
            case Ended(outcomes):
                mask = sum(1 << int(outcome) for outcome in set(outcomes))
                self.emit(Op.IF_ENDED, a=otherwise, b=self.register("ended"), mask=mask)

    # ---- arrays ----------------------------------------------------------------------------------------------------

    def tables(self, entries: tuple[int, ...]) -> Tables:
        scalars = len(self.registers)
        for name, (_, size) in self.lists.items():
            self.lists[name] = (scalars, size)
            scalars += size
        if scalars > MOST_REGISTERS:
            raise ModelError(
                f"one request would carry {scalars:,} numbers: at most {MOST_REGISTERS:,} can be simulated"
            )
        laid_out = lay_out(self.rows, list(entries))
        code = records(CODE, len(laid_out.rows))
        for k, row in enumerate(laid_out.rows):
            code[k].op = int(row.op)
            for name in ("a", "b", "c", "d"):
                code[k][name] = self.resolve(getattr(row, name), laid_out)
            for name in ("x", "y", "z", "law", "num", "salt", "mask", "sync"):
                code[k][name] = getattr(row, name)
            code[k].fail = laid_out.place(row.fail)
        laws, tables, values = law_tables(list(self.laws))
        numbers = records(NUMBER, len(self.numbers))
        for number, k in self.numbers.items():
            row = numbers[k]
            if isinstance(number, Attribute):
                told = any(salt == number.salt for _, salt in self.told)
                row.kind, row.law = 3 if told else 1, self.laws[number.law]
                row.register = self.registers[number.of]
                row.salt = salt_of(f"attribute:{number.salt}")
            elif isinstance(number, Knob):
                row.value = number.value
            elif isinstance(number, Register):
                row.kind, row.register = 2, self.registers[number.name]
            elif isinstance(number, _OnMachine):
                row.kind, row.value, row.each = 4, number.base, number.each
                row.law, row.register = self.numbers[number.count], number.machine
            else:
                row.value = float(number)
        links = records(LINK, len(self.links))
        for link, k in self.links.items():
            row = links[k]
            row.near = -1 if link.near is None else self.laws[link.near.scaled(1 / TICK)]
            row.far = -1 if link.far is None else self.laws[link.far.scaled(1 / TICK)]
            row.loss, row.resend = link.loss, link.resend_after / TICK
            row.usual = link.loss
        populations, heads, guides = population_tables(list(self.populations))
        arrays = {
            "code": code,
            "laws": laws,
            "tables": tables,
            "values": values,
            "numbers": numbers,
            "links": links,
            "populations": populations,
            "heads": heads,
            "guides": guides,
            "within": np.array([laid_out.place(row.within) for row in laid_out.rows], dtype=np.int64),
        }
        return Tables(
            arrays=arrays,
            registers=scalars,
            entries=tuple(laid_out.place(at) for at in entries),
            meters=tuple(self.meters),
            rings=tuple(self.rings),
            guards=tuple(self.guards),
            flights=tuple(self.flights),
            margin=self.margin,
            touches=self.touches,
            locked=self.locked + sum(self.lists[name][1] for name in self.locked_lists),
            populations=tuple(self.populations),
            register_of=dict(self.registers),
            law_of=dict(self.laws),
            terms=tuple(self.terms),
            stashes=tuple(step for _, step in self.stashes.values()),
            labels=tuple(_labels(row) for row in laid_out.rows),
            places=tuple(CodePlace(row.path, row.passages) for row in laid_out.rows),
            knobs={number.name: k for number, k in self.numbers.items() if isinstance(number, Knob)},
            between={
                name: tuple(k for link, k in self.links.items() if link.between == name) for name in self.cut
            },
            hots=self.hots,
        )

    def resolve(self, value: Any, laid_out: LaidOut) -> int:
        if isinstance(value, Label):
            return laid_out.place(value)
        if isinstance(value, _ListAt):
            return -1 if value.name is None else self.lists[value.name][0]
        return int(value)
