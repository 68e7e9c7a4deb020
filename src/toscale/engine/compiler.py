"""A model as tables: its flows as instructions, its stations, stores and laws as rows.

Every block of steps becomes straight code. A step that may end otherwise than well has a way out (`fail`):
code that gives back what the block holds, in the reverse order, and ends at the nearest handler, so that no
slot outlives its request. What may be given up, tried again or run side by side is a child with code of its
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from toscale.engine.bounded_code import bounded
from toscale.engine.branch_code import emit_branch
from toscale.engine.call_code import emit_call, emit_hedge
from toscale.engine.copies_code import emit_commit, emit_copied, emit_version
from toscale.engine.frames import Flight, Frame, Hedged, ListAt, OnMachine, Raw, Shard
from toscale.engine.laws import Law
from toscale.engine.layout import Label, Row
from toscale.engine.machines import (
    PART,
    SHARD,
)
from toscale.engine.model import (
    After,
    Attribute,
    Await,
    Call,
    Choose,
    Commit,
    Connection,
    Consume,
    Copied,
    Delay,
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
    Knob,
    Link,
    Look,
    Measure,
    Model,
    NewKey,
    Number,
    Once,
    Over,
    Parallel,
    Pass,
    Pause,
    Policy,
    Population,
    Put,
    Register,
    Repeat,
    Request,
    Scatter,
    See,
    Send,
    Set,
    Steps,
    Sweep,
    Take,
    TakeAhead,
    Users,
    Version,
    Visit,
    Work,
    Write,
    walk,
)
from toscale.engine.repeat_code import away, repeat, think
from toscale.engine.state import TICK, Op
from toscale.engine.table_code import tables_of
from toscale.engine.tables import (
    Guarded,
    ModelError,
    Passage,
    Tables,
    salt_of,
)
from toscale.engine.timeline import What
from toscale.engine.visit_code import emit_scatter, emit_send, emit_visit

_DRAWS_AS = {Op.ROUTE: Op.PICK, Op.ENTER: Op.ACQUIRE}
"""Instructions that draw as another does, so that a fault elsewhere changes no draw."""
_SIDE_BY_SIDE = 4_096
"""No step starts more passes than this at one moment."""

# Steps that happen at a moment: all time decided before them must have passed.
_SYNC = {
    Op.ACQUIRE, Op.RELEASE, Op.GET, Op.PUT, Op.DROP, Op.SCATTER, Op.MGET, Op.MPUT, Op.SEND, Op.CALL, Op.SPAWN, Op.FORK,
    Op.JOIN, Op.EACH, Op.MARK, Op.UNMARK, Op.MARKFAIL, Op.TAKE, Op.DONE, Op.DIE, Op.END, Op.FAIL,
    Op.CHOOSE, Op.SEE, Op.CLAIM, Op.AHEAD, Op.STASH, Op.AWAIT, Op.RETURN, Op.EXTEND, Op.KEEP, Op.SWEEP, Op.OVER,
    Op.LOOK, Op.WRITE, Op.PASS, Op.IF_HOLDS, Op.IF_LEFT,
    Op.REPEAT, Op.JUDGE, Op.AGAIN, Op.BACK, Op.LOCK, Op.UNLOCK, Op.BEGIN, Op.NEXT,
    Op.HOLDER, Op.REACH, Op.IF_OPEN,
    Op.ENTER, Op.WARM, Op.COOL,
    Op.GUARD, Op.REPORT, Op.HEDGE, Op.DEPOSIT, Op.SPEND, Op.FLY, Op.LAND, Op.OFFER, Op.GATHER,
    Op.COMMIT, Op.COPIED, Op.VERSION,
}  # fmt: skip


def compile_model(model: Model) -> Tables:
    """The tables of a model. Raises ModelError where a name is unknown or a bound is passed."""
    return _Compiler(model).compile()


class _Compiler:
    """Collects rows and tables; one for each model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.rows: list[Row] = []
        self.later: list[tuple[Label, tuple[Any, ...], Frame]] = []
        self.laws: dict[Law, int] = {}
        self.numbers: dict[Number | OnMachine, int] = {}
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
        self.replicated = {r.station: k for k, r in enumerate(model.replicated)}
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
        self.failing = changed(What.DOWN, What.OUT, What.LEAD) | {
            s.name for s in model.stations if s.scaling is not None and s.policy is not Policy.SHARED
        }
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

    def list_at(self, name: str) -> ListAt:
        """Where the list of a name begins."""
        return ListAt(name)

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
            frame = Frame(out=out)
            end, fail = Op.END, Op.FAIL
            if isinstance(flow.source, Users):
                end = fail = Op.NEXT
                think(self, flow.name, flow.source)
            if isinstance(flow.source, Consume):
                first = steps[0] if steps else None
                if isinstance(first, Visit):
                    emit_visit(self, first, frame, take=True)
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
        for station in self.model.stations:
            if station.scaling is not None:
                self.law(station.scaling.boot.scaled(1 / TICK))
        return tables_of(self, tuple(entries))

    def children(self) -> None:
        """The code of the blocks that run as children."""
        while self.later:
            label, steps, frame = self.later.pop()
            self.passages = ()
            self.within = None
            self.place(label)
            out = Label()
            self.block(steps, replace(frame, out=out, leaves=-1, refused=None, around=None))
            self.emit(Op.DONE)
            self.place(out)
            self.emit(Op.DIE)

    def child(self, steps: tuple[Any, ...], frame: Frame) -> Label:
        label = Label()
        self.later.append((label, steps, frame))
        return label

    def block(self, steps: Steps, frame: Frame) -> None:
        for step in steps:
            self.step(step, frame)

    def step(self, step: Any, frame: Frame) -> None:
        match step:
            case Visit():
                emit_visit(self, step, frame)
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
                emit_scatter(self, step, frame)
            case Send():
                emit_send(self, step, frame)
            case Call():
                emit_call(self, step, frame)
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
                    a=self.child((Flight(step, group, entry),), frame),
                    b=group,
                    c=self.register(step.key),
                    d=entry,
                    fail=frame.out,
                )
            case Flight(once, group, entry):
                out = Label()
                known = frame.once | {(once.group, once.key)}
                self.block(once.body, replace(frame.inside(out), once=known))
                self.place(out)  # however it has ended
                self.emit(Op.LAND, b=group, d=entry)
            case If():
                emit_branch(self, step, frame)
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
            case Shard(visit, pick, listed):
                emit_visit(self, visit, frame, shard=pick, listed=listed)
            case Commit():
                emit_commit(self, step, frame)
            case Copied():
                emit_copied(self, step, frame)
            case Version():
                emit_version(self, step, frame)
            case Hedged():
                emit_hedge(self, step, frame)
            case Raw((op, path, buffer, key)):
                self.emit(op, path, a=buffer, b=key, fail=frame.out)
            case _:
                raise ModelError(f"{type(step).__name__} is not a step")

    def work(self, op: Op, path: str, work: Work, on: int | None = None, **fields: Any) -> None:
        """`on`: the register of the machine, where that may be slow."""
        if on is not None:
            count = work.count if work.each > 0 else 0.0
            self.number(count)
            varied = OnMachine(work.base / TICK, work.each / TICK, count, on)
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

    @contextmanager
    def passing(self, part: str, path: str) -> Iterator[None]:
        """What is emitted within belongs to a passage of this station or buffer."""
        around = self.passages
        self.passages = (*around, Passage(self.passed, part, path))
        self.passed += 1
        yield
        self.passages = around

    # ---- arrays ----------------------------------------------------------------------------------------------------
