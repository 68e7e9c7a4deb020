"""Which requests did a replication have, and what did some of them go through? The same replication, made again
from the start.

Draws depend on seed, flow, request and step only, and notes make no event: what happens in a replay is what has
happened in the run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toscale.engine.draws import GOLDEN
from toscale.engine.model import Consume, Model, Outcome
from toscale.engine.notes import with_notes
from toscale.engine.run import Limits, Replication, StoreStart
from toscale.engine.state import NOTE, TICK, Op, Status
from toscale.engine.tables import Tables

__all__ = ["ANSWERED", "Replay"]

ANSWERED = (int(Outcome.DONE), int(Outcome.ANSWERED), int(Outcome.STOPPED))
"""Outcomes of a request that has got an answer."""

_ROOM = 1 << 18
"""Notes that are kept at a time, until they are fetched."""
_SLICE = _ROOM >> 2
"""Events between two fetches: none of them ends so many requests that their notes would not find room."""
_GROWTH = 12
"""So many times the room for tasks may double, each of which halves the longest time that can be simulated."""

REQUEST = np.dtype(
    [
        ("request", "u8"),
        ("first", "u8"),  # the request as which it entered: a consumer becomes its message's
        ("key", "u8"),  # its task's at the end: each delivery of a message has its own
        ("flow", "i8"),
        ("task", "i8"),
        ("entered", "i8"),  # when its first instruction was done
        ("start", "i8"),
        ("end", "i8"),
        ("outcome", "i8"),
        ("troubled", "i8"),  # something was tried again, or went wrong and was dealt with
    ]
)


@dataclass(frozen=True, slots=True)
class Replay:
    """A replication that can be made again: with what it was made the first time."""

    model: Model
    tables: Tables
    seed: str
    start: Mapping[str, StoreStart]
    empty: bool
    limits: Limits | None = None

    def _again(self, tables: Tables) -> Replication:
        return Replication(
            self.model,
            tables,
            self.seed,
            1.0,
            start=self.start,
            empty=self.empty,
            most_windows=1,
            limits=self.limits,
        )

    def requests(self, begin: float, end: float, most_events: int, enough: int) -> Any:
        """The requests of all flows that began after `begin` and ended before `end` (seconds), until there are
        `enough` of each flow or `most_events` have happened since `begin`: an array of REQUEST.

        They are those that the run counts. A consumer that came to no message (none had room, or all were too old)
        is no request.
        """
        code = self.tables.arrays["code"]
        closing = {int(op) for op in (Op.END, Op.FAIL, Op.NEXT)}
        trouble = {int(op) for op in (Op.RETRY, Op.HANDLE)}
        rows = range(len(self.tables.labels))
        ends = {row for row in rows if int(code[row].op) in closing}
        wrong = {row for row in rows if int(code[row].op) in trouble}
        entries = set(self.tables.entries)
        consumers = [k for k, flow in enumerate(self.model.flows) if isinstance(flow.source, Consume)]
        tables, noted = with_notes(self.tables, _ROOM, ends | wrong | entries)
        run = self._again(tables)
        run.state.flows["entry"][: len(noted)] = noted
        _redirect(run, self.tables.entries, noted)
        found: list[Any] = []
        troubled: list[Any] = []
        entered = np.zeros(0, dtype=NOTE)
        counts = np.zeros(len(self.model.flows), dtype=np.int64)
        last = round(min(end, 1e9) / TICK)
        before = 0  # events of the warm-up
        while run.events - before < most_events:
            status = _advance(run, last, _SLICE)
            if int(run.state.control[0].now) < round(begin / TICK):
                before = run.events
            notes = _fetched(run)
            bad = notes[np.isin(notes["row"], list(wrong))]
            troubled.append(np.unique(np.concatenate([bad["top"], _whose(bad["root"], bad["since"])])))
            both = np.concatenate([entered, notes[np.isin(notes["row"], list(ends | entries))]])
            entered, ended = _paired(both, entries, ends)
            took_none = np.isin(ended["flow"], consumers) & (ended["request"] == ended["first"])
            ended = ended[(ended["start"] >= round(begin / TICK)) & ~took_none]
            found.append(ended)
            counts += np.bincount(ended["flow"], minlength=len(counts))[: len(counts)]
            if status is not Status.EVENTS or counts.min() >= enough:
                break
        requests = np.concatenate(found)
        known = np.concatenate(troubled)
        own = _whose(requests["task"], requests["start"])  # in a repetition a request goes by other numbers
        requests["troubled"] = np.isin(requests["request"], known) | np.isin(own, known)
        return requests[np.argsort(requests["start"], kind="stable")]

    def notes(self, wanted: Any, linger: int) -> Any:
        """Everything that the wanted requests (an array of REQUEST) did, and `linger` ticks more: an array of
        NOTE, in the order in which it happened.
        """
        tables, noted = with_notes(self.tables, _ROOM)
        run = self._again(tables)
        found = [np.zeros(0, dtype=NOTE)]
        at = np.unique(wanted["entered"])
        for entered in at:
            if _advance(run, int(entered)) is not Status.DONE:
                break
            here = wanted[wanted["entered"] == entered]
            flows = sorted({int(flow) for flow in here["flow"]})
            tasks = run.state.tasks
            for one in here:
                entry = self.tables.entries[int(one["flow"])]
                waits = (tasks["pc"] == entry) & (tasks["request"] == one["first"]) & (tasks["root"] == 1)
                tasks["pc"][waits] = noted[int(one["flow"])]
                if int(one["first"]) != int(one["request"]):  # a consumer is no root
                    waits = (tasks["pc"] == entry) & (tasks["request"] == one["first"])
                    tasks["pc"][waits] = noted[int(one["flow"])]
            for flow in flows:
                run.state.flows["entry"][flow] = noted[flow]
            _advance(run, int(entered) + 1)
            for flow in flows:
                run.state.flows["entry"][flow] = self.tables.entries[flow]
            found.append(_fetched(run))
        if len(wanted):
            _advance(run, int(wanted["end"].max()) + linger + 1)
            found.append(_fetched(run))
        return np.concatenate(found)


def _redirect(run: Replication, entries: Sequence[int], noted: Sequence[int]) -> None:
    """Those that are set up already go through the copy, too."""
    pc = run.state.tasks["pc"]
    for entry, copy in zip(entries, noted, strict=True):
        pc[pc == entry] = copy


def _advance(run: Replication, until: int, events: int | None = None) -> Status:
    """Simulates everything that happens before a tick; its windows, which nobody reads, are moved for that."""
    control = run.state.control[0]
    control.window = 0
    control.window_ends = max(min(until, int(control.horizon) >> _GROWTH), int(control.now))
    control.window_length = 1
    return run.run(1, events)


def _fetched(run: Replication) -> Any:
    """The notes since the last time."""
    control = run.state.control[0]
    notes = run.state.notes[: min(int(control.noted), len(run.state.notes))].view(np.ndarray).copy()
    control.noted = 0
    return notes


def _whose(task: Any, start: Any) -> Any:
    """A number for the request that a task began at a tick: no other one begins there in this task."""
    return start.astype(np.uint64) * GOLDEN ^ task.astype(np.uint64)


def _paired(notes: Any, entries: Collection[int], ends: Collection[int]) -> tuple[Any, Any]:
    """Entries that still wait for their end, and the requests whose end was found: each end belongs to the last
    entry of its task.
    """
    if not len(notes):
        return notes, np.zeros(0, dtype=REQUEST)
    order = np.argsort(notes["task"], kind="stable")
    sorted_ = notes[order]
    enters = np.isin(sorted_["row"], list(entries))
    closes = np.isin(sorted_["row"], list(ends))
    place = np.arange(len(sorted_))
    last = np.maximum.accumulate(np.where(enters, place, -1))
    at = place[closes]
    before = last[closes]
    paired = before >= 0
    at, before = at[paired], before[paired]
    same = sorted_["task"][at] == sorted_["task"][before]
    at, before = at[same], before[same]
    requests = np.zeros(len(at), dtype=REQUEST)
    requests["request"] = sorted_["request"][at]
    requests["first"] = sorted_["request"][before]
    requests["key"] = sorted_["key"][at]
    requests["flow"] = sorted_["flow"][at]
    requests["task"] = sorted_["task"][at]
    requests["entered"] = sorted_["now"][before]
    requests["start"] = sorted_["start"][at]
    requests["end"] = ticks_at(sorted_["now"][at], sorted_["passed"][at])
    requests["outcome"] = sorted_["outcome"][at]
    ends_task = np.append(sorted_["task"][1:] != sorted_["task"][:-1], True)
    waiting = last[ends_task]  # only the last entry of a task can still wait for its end
    waiting = np.setdiff1d(waiting[waiting >= 0], before)
    return sorted_[waiting], requests


def ticks_at(now: Any, passed: Any) -> Any:
    """The tick at which an instruction begins: what is decided has passed by then, rounded as the engine does."""
    return now + np.floor(np.asarray(passed) + 0.5).astype(np.int64)
