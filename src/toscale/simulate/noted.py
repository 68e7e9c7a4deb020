"""How do a request's notes become spans? Each note begins an instruction, which lasts until its task's next note;
the passages around the instruction say where that was, and the tasks that a task has started hang below it.

Whole ticks throughout: the stretches of a request add up to its latency exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toscale.engine.draws import GOLDEN, mix
from toscale.engine.model import Outcome
from toscale.engine.replay import Replay, ticks_at
from toscale.engine.setup import machines_of
from toscale.engine.state import TICK, Op
from toscale.simulate.spans import Doing, Leg, Part, Span

__all__ = ["OUTCOMES", "spans_of"]

OUTCOMES = {
    int(Outcome.DONE): "done",
    int(Outcome.REFUSED): "refused",
    int(Outcome.FAILED): "failed",
    int(Outcome.TIMED_OUT): "timed out",
    int(Outcome.BUSY): "busy",
    int(Outcome.ANSWERED): "answered",
    int(Outcome.ENDED): "answered with an error",
    int(Outcome.STOPPED): "done",
}
"""How a step, an attempt or a request ended, in words."""

_GIVEN_UP = "given up"
_NEVER = 1 << 62
_STARTS = {Op.CALL, Op.HEDGE, Op.SPAWN, Op.FORK, Op.EACH, Op.SCATTER}
_AWAITS = {Op.CALL, Op.HEDGE, Op.JOIN, Op.GATHER, Op.EACH, Op.SCATTER}
_ENDS = {Op.DONE, Op.DIE, Op.END, Op.FAIL, Op.NEXT}
_AT_MACHINE = (Op.ACQUIRE, Op.WORK, Op.RELEASE)
_DOINGS = {
    Op.HOP: Doing.WIRE,
    Op.WORK: Doing.WORKED,
    Op.DELAY: Doing.WORKED,
    Op.RETRY: Doing.PAUSED,
    **dict.fromkeys(_AWAITS, Doing.CALLED),
}
"""What a request does during an instruction; it waits in all others that take time."""


@dataclass(slots=True)
class _Open:
    """A span in the making; ticks since the request's start."""

    component: str | None
    path: str
    begin: int
    number: int = -1  # of the passage
    end: int = 0
    machine: int | None = None
    outcome: int | str = 0
    attempt: int = 1
    found: bool | None = None
    awaited: bool = True
    left: int | None = None
    parts: list[tuple[Doing, int, int]] = field(default_factory=list)
    children: list[_Open] = field(default_factory=list)

    def add(self, doing: Doing, begin: int, end: int) -> None:
        """Another stretch; one that goes on with the same is made longer."""
        if end <= begin:
            return
        if self.parts and self.parts[-1][0] is doing:
            begin = self.parts.pop()[1]
        self.parts.append((doing, begin, end))

    def closed(self) -> Span:
        return Span(
            component=self.component,
            machine=self.machine,
            path=self.path,
            begin=self.begin * TICK,
            end=self.end * TICK,
            parts=tuple(Part(doing, begin * TICK, end * TICK) for doing, begin, end in self.parts),
            outcome=self.outcome if isinstance(self.outcome, str) else OUTCOMES[self.outcome],
            attempt=self.attempt,
            found=self.found,
            awaited=self.awaited,
            left=None if self.left is None else self.left * TICK,
            children=tuple(child.closed() for child in self.children),
        )


@dataclass(frozen=True, slots=True)
class _Task:
    """The notes of one task, by their places in the log."""

    key: int
    at: list[int]


def spans_of(replay: Replay, notes: Any, request: Any) -> tuple[Span, tuple[Leg, ...]]:
    """The spans of one followed request, and the path that its answer waited for. `notes`: what
    `Replay.notes` has given; `request`: one of those that were wanted.
    """
    root = _Unravelled(replay, notes, request).root()
    legs = tuple(
        Leg(component, doing, begin * TICK, end * TICK)
        for component, doing, begin, end in _joined(_awaited(root, root.begin, root.end))
    )
    return root.closed(), legs


class _Unravelled:
    """The notes of a request, by task."""

    def __init__(self, replay: Replay, notes: Any, request: Any) -> None:
        self.replay, self.request = replay, request
        self.code = replay.tables.arrays["code"]
        self.ops = [Op(int(op)) for op in self.code["op"]]
        self.firsts = np.cumsum([0, *(machines_of(one) for one in replay.model.stations)])
        own = notes[notes["row"] >= 0]
        self.notes = own
        self.times = (ticks_at(own["now"], own["passed"]) - int(request["start"])).tolist()
        self.rows = own["row"].tolist()
        self.values = own["value"].tolist()
        self.outcomes = own["outcome"].tolist()
        self.by_key: dict[int, list[int]] = {}
        self.below: dict[int, list[int]] = {}  # keys of tasks by that of the task that waits for them
        for k, (key, parent) in enumerate(self.named(own)):
            if key not in self.by_key:
                self.by_key[key] = []
                self.below.setdefault(parent, []).append(key)
            self.by_key[key].append(k)

    def named(self, notes: Any) -> Iterator[tuple[int, int]]:
        """For each note a key that is that of no other task, and that of the task that waits for its own.

        A task has other keys in the passes of its repetitions, and the first call of a hedge has its caller's: it
        draws what it would without a hedge.
        """
        begun: dict[tuple[int, int], tuple[int, int]] = {}  # where a pass came from, and which one it is
        outside: dict[int, int] = {}  # the key outside of the repetitions, by that in a pass
        hedged: dict[tuple[int, int], int] = {}  # the name of the first call, by its caller, until it begins
        names: dict[tuple[int, int], int] = {}  # by the number of the task and its key
        columns = (notes[name].tolist() for name in ("task", "key", "above", "parent", "row"))
        for task, key, above, parent, row in zip(*columns, strict=True):
            if key == parent and (above, key) in hedged:
                names[task, key] = hedged.pop((above, key))
            name = names.get((task, key), outside.get(key, key))
            yield name, names.get((above, parent), outside.get(parent, parent))
            salt = int(self.code[row].salt)
            if self.ops[row] is Op.HEDGE:
                hedged[task, key] = _mixed(key + salt)
            elif self.ops[row] is Op.REPEAT:
                base, passes = begun.get((key, row), (key, 0))
                inside = _mixed(base + salt + (passes + 1) * int(GOLDEN))
                begun[inside, row] = base, passes + 1
                outer = outside.get(base)
                outside[inside] = base if outer is None else outer
                if (task, key) in names:
                    names[task, inside] = name

    def root(self) -> _Open:
        """The whole request, from its start to its end."""
        keys = [int(self.request["key"])]
        if int(self.request["first"]) != int(self.request["request"]):  # before a consumer took its message
            keys.insert(0, _mixed(int(self.request["first"]) + int(GOLDEN)))
        at = [
            k for key in keys for k in self.by_key.get(key, ()) if self.times[k] >= 0
        ]  # a user thinks before
        flow = self.replay.model.flows[int(self.request["flow"])]
        span = _Open(None, flow.name, 0)
        if at:
            span.add(Doing.WAITED, 0, self.times[at[0]])
        self.fill(span, keys, at, _NEVER)
        span.outcome = int(self.request["outcome"])
        return span

    def fill(self, span: _Open, keys: list[int], at: list[int], resumed: int) -> None:
        """Reads the notes of a task into its span. `resumed`: when whoever waited for it went on."""
        owners: dict[int, _Open] = {}
        until: dict[int, int] = {}
        stack = [span]
        for n, k in enumerate(at):
            row, now = self.rows[k], self.times[k]
            place, op = self.replay.tables.places[row], self.ops[row]
            looked_up = row > 0 and self.ops[row - 1] in (Op.GET, Op.MGET)
            if looked_up and self.ops[row - 1] is Op.GET:
                stack[-1].found = self.values[k] > 0
            _align(stack, place.passages, now, self.outcomes[k])
            top = stack[-1]
            top.outcome = self.outcomes[k]
            if op in _AT_MACHINE and not looked_up:
                top.machine = self.machine(row, self.values[k])
            owners[k] = top
            ends = self.times[at[n + 1]] if n + 1 < len(at) else self.last(op, now, resumed)
            until[k] = ends
            top.add(_DOINGS.get(op, Doing.WAITED), now, ends)
        end = max([span.begin, *(until[k] for k in at)])
        _align(stack, (), end, None)
        span.end = end
        over = bool(at) and self.ops[self.rows[at[-1]]] in _ENDS
        if not over or end > resumed:
            span.awaited = False
            span.left = resumed if resumed < _NEVER else None
        if not over:
            _give_up(span, end)
        self.children(keys, at, owners, until)

    def last(self, op: Op, now: int, resumed: int) -> int:
        """When a task's last instruction was over: at once where that ends it, else when it was given up, or
        when one has looked away.
        """
        if op in _ENDS or op is Op.RELEASE or resumed == _NEVER:
            return now
        return max(now, resumed)

    def machine(self, row: int, machine: int) -> int | None:
        """The number of a machine among those of the instruction's station; None where it is the only one."""
        station = int(self.code[row].a)
        first, behind = int(self.firsts[station]), int(self.firsts[station + 1])
        return machine - first + 1 if behind - first > 1 else None

    def children(
        self, keys: list[int], at: list[int], owners: dict[int, _Open], until: dict[int, int]
    ) -> None:
        """The tasks that this one has started, each below the span that did."""
        for key in self.started(keys, at):
            own = self.by_key[key]
            first = self.rows[own[0]]
            by = [k for k in at if k < own[0] and self.ops[self.rows[k]] in _STARTS]
            by = [k for k in by if int(self.code[self.rows[k]].a) == first] or by
            if not by:
                continue
            k = by[-1]
            row = self.rows[k]
            op = self.ops[row]
            resumed = until[k]
            if op is Op.FORK:
                resumed = _NEVER
            elif op is Op.SPAWN:
                joins = [j for j in at if j > k and self.ops[self.rows[j]] in (Op.JOIN, Op.GATHER)]
                resumed = until[joins[0]] if joins else until[at[-1]]
            child = _Open(None, self.replay.tables.places[row].path, self.times[own[0]])
            self.fill(child, [key], own, resumed)
            if op is Op.FORK:
                child.awaited = False
            child = _without_wrapping(child)
            if op is Op.CALL:
                child.attempt = self.values[k] + 1
            if op in (Op.CALL, Op.HEDGE):
                child.outcome = child.outcome if child.awaited else _GIVEN_UP
            owners[k].children.append(child)
        for owner in owners.values():
            owner.children.sort(key=lambda one: one.begin)

    def started(self, keys: list[int], at: list[int]) -> list[int]:
        """The keys of the tasks that this one has started, in the order of their first notes."""
        found = [key for parent in keys for key in self.below.get(parent, ())]
        for k in at:  # nobody waits for these (any more), so that they do not know who started them
            row = self.rows[k]
            if self.ops[row] in (Op.FORK, Op.SPAWN):
                branch = int(self.code[row].b) if self.ops[row] is Op.SPAWN else 0
                key = _mixed(int(self.notes["key"][k]) + int(self.code[row].salt) + branch * int(GOLDEN))
                if key in self.by_key:
                    found.append(key)
        return sorted(dict.fromkeys(found), key=lambda key: self.by_key[key][0])


def _align(stack: list[_Open], passages: Any, now: int, outcome: int | None) -> None:
    """Closes the spans that the request has left, with the outcome that it left them with (None: the last that is
    known), and opens those that it has come to.
    """
    depth = 0
    while depth < min(len(passages), len(stack) - 1) and stack[depth + 1].number == passages[depth].number:
        depth += 1
    while len(stack) - 1 > depth:
        span = stack.pop()
        span.end = now
        span.outcome = span.outcome if outcome is None else outcome
        stack[-1].add(Doing.CALLED, span.begin, now)
    for passage in passages[depth:]:
        span = _Open(passage.part, passage.path, now, passage.number)
        stack[-1].children.append(span)
        stack.append(span)


def _give_up(span: _Open, end: int) -> None:
    """Nobody waited any longer for what was going on at its end."""
    span.outcome = _GIVEN_UP
    for child in span.children:
        if child.end == end:
            _give_up(child, end)


def _without_wrapping(span: _Open) -> _Open:
    """A task that is one span and nothing else is that span."""
    if span.component is None and len(span.children) == 1:
        only = span.children[0]
        if only.awaited and (only.begin, only.end) == (span.begin, span.end):
            only.outcome, only.awaited, only.left = span.outcome, span.awaited, span.left
            return only
    return span


def _awaited(span: _Open, begin: int, end: int) -> Iterator[tuple[str | None, Doing, int, int]]:
    """The stretches between two moments that the span was waited for, in order of time: while it waits for
    others, those of the one that answered last, and before that one those of the one before.
    """
    for doing, first, last in span.parts:
        first, last = max(first, begin), min(last, end)
        if first >= last:
            continue
        if doing is not Doing.CALLED:
            yield span.component, doing, first, last
            continue
        pieces: list[tuple[_Open | None, int, int]] = []
        now = last
        while now > first:
            under = [child for child in span.children if child.begin < now and child.end > first]
            if not under:
                pieces.append((None, first, now))
                break
            child = max(under, key=lambda one: (min(one.end, now), one.awaited, one.begin))
            if child.end < now:
                pieces.append((None, child.end, now))
                now = child.end
            pieces.append((child, max(first, child.begin), now))
            now = max(first, child.begin)
        for piece, from_, to in reversed(pieces):
            if piece is None:
                yield span.component, Doing.CALLED, from_, to
            else:
                yield from _awaited(piece, from_, to)


def _joined(
    legs: Iterator[tuple[str | None, Doing, int, int]],
) -> Iterator[tuple[str | None, Doing, int, int]]:
    """Stretches of the same, made one."""
    held: tuple[str | None, Doing, int, int] | None = None
    for component, doing, begin, end in legs:
        if held is not None and held[:2] == (component, doing) and held[3] == begin:
            held = (component, doing, held[2], end)
            continue
        if held is not None:
            yield held
        held = (component, doing, begin, end)
    if held is not None:
        yield held


def _mixed(value: int) -> int:
    with np.errstate(over="ignore"):
        return int(mix(np.uint64(value & (1 << 64) - 1)))  # type: ignore[no-untyped-call]
