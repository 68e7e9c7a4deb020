"""A model as tables: its flows as instructions, its stations, stores and laws as rows.

Every block of steps becomes straight code. A step that may end otherwise than well has a way out (`fail`):
code that gives back what the block holds, in the reverse order, and ends at the nearest handler, so that no
slot outlives its request. What may be given up, tried again or run side by side is a child with code of its
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from toscale.engine.laws import Law
from toscale.engine.layout import Label, LaidOut, Row, lay_out
from toscale.engine.machines import BY_ANY, BY_COPY, BY_POLICY, BY_PRIMARY, BY_SHARD, PART, SHARD
from toscale.engine.model import (
    HANDLED,
    After,
    Attribute,
    Call,
    Chance,
    Compare,
    Consume,
    Delay,
    Drop,
    Each,
    End,
    Flag,
    Fork,
    Get,
    If,
    Key,
    Link,
    Measure,
    Model,
    NewKey,
    Number,
    Outcome,
    Parallel,
    Pick,
    Policy,
    Population,
    Put,
    Register,
    Retry,
    Scatter,
    Send,
    Set,
    Station,
    Steps,
    Visit,
    Work,
    walk,
)
from toscale.engine.state import CODE, LINK, NUMBER, TICK, Op, records
from toscale.engine.tables import (
    CodePlace,
    ModelError,
    Passage,
    Tables,
    law_tables,
    population_tables,
    salt_of,
)

OPERATORS = ("<", "<=", ">", ">=", "=", "!=")
_POLICIES = {
    Policy.ROUND_ROBIN: 0,
    Policy.RANDOM: 1,
    Policy.LEAST_OUTSTANDING: 2,
    Policy.TWO_CHOICES: 3,
    Policy.SHARED: 0,
}
_PICKS = {Pick.POLICY: BY_POLICY, Pick.PRIMARY: BY_PRIMARY, Pick.COPY: BY_COPY, Pick.ANY: BY_ANY}
_SIDE_BY_SIDE = 4_096
"""No step starts more passes than this at one moment."""
MOST_REGISTERS = 20_000

# Steps that happen at a moment: all time decided before them must have passed.
_SYNC = {
    Op.ACQUIRE, Op.RELEASE, Op.GET, Op.PUT, Op.DROP, Op.SCATTER, Op.MGET, Op.MPUT, Op.SEND, Op.CALL, Op.SPAWN, Op.FORK,
    Op.JOIN, Op.EACH, Op.MARK, Op.UNMARK, Op.MARKFAIL, Op.TAKE, Op.DONE, Op.DIE, Op.END, Op.FAIL,
}  # fmt: skip


def compile_model(model: Model) -> Tables:
    """The tables of a model. Raises ModelError where a name is unknown or a bound is passed."""
    return _Compiler(model).compile()


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a block stands: its way out, the register with the machine that it runs on (-1: none), and how
    deep it is.
    """

    out: Label
    machine: int = -1
    depth: int = 0

    def inside(self, out: Label, machine: int | None = None) -> _Frame:
        return _Frame(out, self.machine if machine is None else machine, self.depth + 1)


@dataclass(frozen=True, slots=True)
class _ListAt:
    """The register at which a list of keys begins; known when all registers are."""

    name: str | None


@dataclass(frozen=True, slots=True)
class _Shard:
    """The part of a scattered call that goes to one shard."""

    visit: Visit
    pick: Pick


@dataclass(frozen=True, slots=True)
class _Raw:
    """A SEND that happens while the buffer's machine holds the message."""

    fields: tuple[Op, str, int, int]


def _placed(station: Station) -> bool:
    return bool(station.zones)


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
        self.numbers: dict[Number, int] = {}
        self.links: dict[Link, int] = {}
        self.populations: dict[Population, int] = {}
        self.registers: dict[str, int] = {"shard": SHARD, "part": PART}
        self.lists: dict[str, tuple[int, int]] = {}
        self.rings: dict[float, int] = {}
        self.stations = {s.name: k for k, s in enumerate(model.stations)}
        self.stores = {s.name: k for k, s in enumerate(model.stores)}
        self.buffers = {b.name: k for k, b in enumerate(model.buffers)}
        measures = [s.name for f in model.flows for s in walk(f.steps) if isinstance(s, Measure)]
        self.meters = [f.name for f in model.flows]
        self.meters += [m for m in dict.fromkeys(measures) if m not in self.meters]
        self.meters += [s.name for s in model.spans]
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
        self.margin = 64
        self.touches = 64
        for (
            flow
        ) in model.flows:  # those that are reset or carried lie in the first 64, where a mask reaches them
            if isinstance(flow.source, After):
                for name in flow.source.carries:
                    self.register(name)
            for step in walk(flow.steps):
                if isinstance(step, Each):
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
        elif isinstance(number, Register):
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

    def population(self, population: Population) -> int:
        if not 1 <= population.size < 1 << 47:
            raise ModelError(
                f"{population.name} has {population.size} keys: between 1 and 2^47 can be simulated"
            )
        return self.populations.setdefault(population, len(self.populations))

    def link(self, link: Link) -> int:
        for law in (link.near, link.far):
            if law is not None:
                self.law(law.scaled(1 / TICK))
        return self.links.setdefault(link, len(self.links))

    def ring(self, length: float) -> int:
        return self.rings.setdefault(length, len(self.rings))

    # ---- code ------------------------------------------------------------------------------------------------------

    def emit(self, op: Op, path: str = "", **fields: Any) -> None:
        self.rows.append(
            Row(
                op,
                salt=salt_of(f"{op.name}:{path}"),
                sync=op in _SYNC,
                path=path,
                passages=self.passages,
                **fields,
            )
        )

    def place(self, label: Label) -> None:
        label.at = len(self.rows)

    def compile(self) -> Tables:
        entries = []
        for flow in self.model.flows:
            entries.append(len(self.rows))
            out = Label()
            steps = flow.steps
            frame = _Frame(out=out)
            if isinstance(flow.source, Consume):
                first = steps[0] if steps else None
                if isinstance(first, Visit):
                    self.visit(first, frame, take=True)
                    steps = steps[1:]
                else:
                    self.emit(Op.TAKE)
            self.block(steps, frame)
            self.emit(Op.END)
            self.rows[-1].sync = flow.name in self.awaited
            self.place(out)
            self.emit(Op.FAIL)
            self.rows[-1].sync = flow.name in self.awaited
            self.children()
        for flow in self.model.flows:
            if isinstance(flow.source, After):
                if flow.source.wait is not None:
                    self.law(flow.source.wait.scaled(1 / TICK))
        for buffer in self.model.buffers:
            for name in buffer.carries:
                self.register(name)
        return self.tables(tuple(entries))

    def children(self) -> None:
        """The code of the blocks that run as children."""
        while self.later:
            label, steps, frame = self.later.pop()
            self.passages = ()
            self.place(label)
            out = Label()
            self.block(steps, _Frame(out=out, machine=frame.machine, depth=frame.depth))
            self.emit(Op.DONE)
            self.place(out)
            self.emit(Op.DIE)

    def child(self, steps: Steps, frame: _Frame) -> Label:
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
            case NewKey():
                self.emit(
                    Op.NEWKEY,
                    step.population.name,
                    a=self.register(step.register),
                    b=self.population(step.population),
                )
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
            case Fork():
                self.margin += 1
                self.emit(Op.FORK, step.path, a=self.child(step.body, frame))
            case Parallel():
                if step.branches:
                    self.margin += len(step.branches)
                    for k, branch in enumerate(step.branches):
                        self.emit(Op.SPAWN, f"{step.path}/{k}", a=self.child(branch, frame), b=k)
                    need = len(step.branches) if step.wait is None else min(step.wait, len(step.branches))
                    self.emit(Op.JOIN, a=need, fail=frame.out)
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
            case If():
                self.branch(step, frame)
            case Set():
                self.emit(Op.SET, a=self.register(step.register), b=step.value)
            case End():
                self.emit(Op.RAISE, a=int(step.outcome), b=step.code, fail=frame.out)
            case Measure():
                start = self.register(f"start:{step.name}:{frame.depth}")
                meter = self.meters.index(step.name)
                out, over = Label(), Label()
                self.emit(Op.MARK, a=meter, b=start)
                self.block(step.body, frame.inside(out))
                self.emit(Op.UNMARK, a=meter, b=start)
                self.emit(Op.JUMP, a=over)
                self.place(out)
                self.emit(Op.MARKFAIL, a=meter, b=start, fail=frame.out)
                self.place(over)
            case _Shard(visit, pick):
                self.visit(visit, frame, shard=pick)
            case _Raw((op, path, buffer, key)):
                self.emit(op, path, a=buffer, b=key)
            case _:
                raise ModelError(f"{type(step).__name__} is not a step")

    def work(self, op: Op, path: str, work: Work, **fields: Any) -> None:
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
        if not still or link.loss > 0:
            self.emit(Op.HOP, path, a=self.link(link), b=here, c=there)

    @contextmanager
    def passing(self, part: str, path: str) -> Iterator[None]:
        """What is emitted within belongs to a passage of this station or buffer."""
        around = self.passages
        self.passages = (*around, Passage(self.passed, part, path))
        self.passed += 1
        yield
        self.passages = around

    def visit(self, step: Visit, frame: _Frame, *, take: bool = False, shard: Pick | None = None) -> None:
        with self.passing(step.station, step.path):
            self.visited(step, frame, take, shard)

    def visited(self, step: Visit, frame: _Frame, take: bool, shard: Pick | None) -> None:
        index = self.find(self.stations, step.station, "station")
        station = self.model.stations[index]
        if step.work is not None and step.work.base <= 0 and step.work.each <= 0:
            step = Visit(step.path, step.station, None, step.link, step.pick, step.key, step.body)
        machine = self.register(f"machine:{frame.depth}")
        counted = station.slots is not None or (station.cores is not None and step.work is not None)
        if not counted and step.work is None and not _placed(station):  # a place that only passes requests on
            self.hop(step.link, f"{step.path}/to", frame.machine, -1)
            self.emit(Op.COUNT, a=index)
            if take:
                self.emit(Op.TAKE)
            out, over = Label(), Label()
            self.block(step.body, frame.inside(out, machine=-1))
            self.hop(step.link, f"{step.path}/back", -1, frame.machine)
            self.emit(Op.JUMP, a=over)
            self.place(out)
            self.hop(step.link, f"{step.path}/back", -1, frame.machine)
            self.emit(Op.JUMP, a=frame.out)
            self.place(over)
            return
        if shard is not None:
            self.emit(Op.PICK, step.path, a=index, b=machine, c=BY_SHARD, d=_PICKS[shard])
        else:
            key = -1 if step.key is None else self.register(step.key)
            self.emit(Op.PICK, step.path, a=index, b=machine, c=_PICKS[step.pick], d=key)
        if _sensitive(station) and shard is None and step.pick is Pick.POLICY:
            self.rows[-1].sync = True
        self.hop(step.link, f"{step.path}/to", frame.machine, machine)
        refused, out, over = Label(), Label(), Label()
        self.emit(Op.ACQUIRE, a=index, b=machine, fail=refused)
        if take:
            self.emit(Op.TAKE)
        if step.work is not None:
            self.work(Op.WORK, step.path, step.work, a=index, b=machine)
            self.rows[-1].sync = station.cores is not None
            if step.body and isinstance(step.body[0], Get):  # its entry is on its way while the work is done
                self.rows[-1].c = self.find(self.stores, step.body[0].store, "store")
                self.rows[-1].d = self.register(step.body[0].key)
        self.block(step.body, frame.inside(out, machine=machine))
        self.emit(Op.RELEASE, a=index, b=machine)
        self.hop(step.link, f"{step.path}/back", machine, frame.machine)
        self.emit(Op.JUMP, a=over)
        self.place(out)
        self.emit(Op.RELEASE, a=index, b=machine)
        self.place(refused)
        self.hop(step.link, f"{step.path}/back", machine, frame.machine)
        self.emit(Op.JUMP, a=frame.out)
        self.place(over)

    def scatter(self, step: Scatter, frame: _Frame) -> None:
        index = self.find(self.stations, step.station, "station")
        self.margin += max(1, self.model.stations[index].shards)
        keep = step.keep
        if keep is None and step.source is None and (step.found is not None or step.put):
            keep = f"{step.path}:keys"
        listed = step.source or keep
        if step.store is not None:
            self.touches += step.at_most
        if keep is not None:
            self.list_of(keep, step.at_most)
        if step.missed is not None:
            self.list_of(step.missed, step.at_most)
        work = Work(step.work.shape, step.work.base, step.work.each, Register("part"))
        visit = Visit(step.path, step.station, work, step.link)
        label = Label()
        self.later.append((label, (_Shard(visit, step.pick),), frame))
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
        put = (Op.SEND, step.path, self.find(self.buffers, step.buffer, "buffer"), key)
        if step.station is not None:
            body: Any = (_Raw(put),)
            self.visit(Visit(step.path, step.station, step.work, step.link, body=body), frame)
            return
        with self.passing(step.buffer, step.path):
            self.hop(step.link, f"{step.path}/to", frame.machine, -1)
            self.emit(put[0], put[1], a=put[2], b=put[3])
            if step.work is not None:
                self.work(Op.DELAY, step.path, step.work)
            self.hop(step.link, f"{step.path}/back", -1, frame.machine)

    def call(self, step: Call, frame: _Frame) -> None:
        handlers = {o: s for o, s in step.handlers.items() if o in HANDLED}
        if (
            step.timeout is None and step.retry is None
        ):  # nothing that could be given up: the same task goes through it
            self.handled(handlers, frame, lambda out: self.block(step.body, frame.inside(out)))
            return
        attempt = self.register(f"attempt:{frame.depth}")

        def body(out: Label) -> None:
            again, failed, over = Label(), Label(), Label()
            self.emit(Op.SET, a=attempt, b=0)
            self.place(again)
            self.emit(
                Op.CALL,
                step.path,
                a=self.child(step.body, frame.inside(out)),
                b=-1 if step.timeout is None else self.ring(step.timeout),
                c=attempt,
                fail=failed,
            )
            self.emit(Op.JUMP, a=over)
            self.place(failed)
            if step.retry is not None:
                retry: Retry = step.retry
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
        otherwise, over = Label(), Label()
        match step.test:
            case Chance(probability):
                self.emit(Op.IF_CHANCE, step.path, a=otherwise, x=probability)
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
        self.block(step.then, frame)
        self.emit(Op.JUMP, a=over)
        self.place(otherwise)
        self.block(step.otherwise, frame)
        self.place(over)

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
                row.kind, row.law, row.register = 1, self.laws[number.law], self.registers[number.of]
                row.salt = salt_of(f"attribute:{number.salt}")
            elif isinstance(number, Register):
                row.kind, row.register = 2, self.registers[number.name]
            else:
                row.value = float(number)
        links = records(LINK, len(self.links))
        for link, k in self.links.items():
            row = links[k]
            row.near = -1 if link.near is None else self.laws[link.near.scaled(1 / TICK)]
            row.far = -1 if link.far is None else self.laws[link.far.scaled(1 / TICK)]
            row.loss, row.resend = link.loss, link.resend_after / TICK
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
        }
        return Tables(
            arrays=arrays,
            registers=scalars,
            entries=tuple(laid_out.place(at) for at in entries),
            meters=tuple(self.meters),
            rings=tuple(self.rings),
            margin=self.margin,
            touches=self.touches,
            populations=tuple(self.populations),
            register_of=dict(self.registers),
            law_of=dict(self.laws),
            labels=tuple(_labels(row) for row in laid_out.rows),
            places=tuple(CodePlace(row.path, row.passages) for row in laid_out.rows),
        )

    def resolve(self, value: Any, laid_out: LaidOut) -> int:
        if isinstance(value, Label):
            return laid_out.place(value)
        if isinstance(value, _ListAt):
            return -1 if value.name is None else self.lists[value.name][0]
        return int(value)
