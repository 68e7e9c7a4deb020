"""Everything the interpreter reads and writes: a few arrays of records, in one named tuple.

The first group describes the model and never changes during a run (`toscale.engine.tables` makes it); the second is the
state of the run; the third collects figures per window. Times are integer ticks of a nanosecond.
"""

from __future__ import annotations

from collections import namedtuple
from enum import IntEnum
from typing import Any

import numpy as np

TICK = 1e-9
"""Seconds per tick."""

Op = IntEnum(
    "Op",
    "JUMP PICK HOP ACQUIRE WORK RELEASE COUNT DELAY KEY NEWKEY GET PUT DROP SCATTER MGET MPUT SEND CALL RETRY HANDLE "
    "SPAWN FORK JOIN EACH IF_CHANCE IF_FLAG IF_COMPARE SET RAISE MARK UNMARK MARKFAIL TAKE DONE DIE END FAIL",
    start=0,
)
"""The instructions; what each does stands beside its branch in `toscale.engine.interpreter`."""

CODE = np.dtype(
    [
        ("salt", "u8"),  # of the step's draws
        ("mask", "u8"),  # registers to be drawn anew, for EACH
        ("x", "f8"),
        ("y", "f8"),
        ("z", "f8"),
        ("op", "i4"),
        ("a", "i4"),
        ("b", "i4"),
        ("c", "i4"),
        ("d", "i4"),
        ("law", "i4"),
        ("num", "i4"),
        ("fail", "i4"),  # where to go on when this step ends otherwise than well
        ("sync", "i4"),  # happens at a moment: time on the wire must have passed before it
    ],
    align=True,
)
LAW = np.dtype([("value", "f8"), ("kind", "i4"), ("first", "i4"), ("number", "i4")], align=True)
NUMBER = np.dtype([("salt", "u8"), ("value", "f8"), ("kind", "i4"), ("law", "i4"), ("register", "i4")], align=True)
POPULATION = np.dtype(
    [
        ("exponent", "f8"),
        ("total", "f8"),  # the sum of the weights
        ("head_mass", "f8"),
        ("tail_low", "f8"),
        ("tail_span", "f8"),
        ("size", "i8"),
        ("tag", "i8"),  # the upper bits of its keys
    ],
    align=True,
)
LINK = np.dtype([("loss", "f8"), ("resend", "f8"), ("near", "i4"), ("far", "i4")], align=True)
STATION = np.dtype(
    [
        ("inside", "i8"),
        ("waiting", "i8"),
        ("busy", "i8"),
        ("working", "i8"),  # cores at work
        ("touched", "i8"),  # when the integrals below were brought up to date
        ("waiting_time", "f8"),  # integrals over time, in ticks
        ("busy_time", "f8"),
        ("working_time", "f8"),
        ("inside_time", "f8"),
        ("waited", "f8"),  # the sum of the waits of those who got a slot, in ticks
        ("arrived", "i8"),
        ("admitted", "i8"),
        ("refused", "i8"),
        ("abandoned", "i8"),
        ("first", "i4"),  # its first machine
        ("machines", "i4"),
        ("slots", "i4"),  # per machine; -1 without limit
        ("cores", "i4"),
        ("places", "i4"),
        ("policy", "i4"),
        ("lifo", "i4"),
        ("shards", "i4"),
        ("copies", "i4"),
        ("turn", "i4"),
    ],
    align=True,
)
MACHINE = np.dtype(
    [
        ("virtual", "f8"),  # work done for each request so far, in ticks
        ("at", "i8"),  # when that was
        ("busy", "i4"),
        ("outstanding", "i4"),
        ("head", "i4"),
        ("tail", "i4"),
        ("queued", "i4"),
        ("station", "i4"),
        ("zone", "i4"),
        ("heap", "i4"),  # whose work is done next
        ("active", "i4"),
        ("leaf", "i4"),
    ],
    align=True,
)
STORE = np.dtype(
    [
        ("memory", "f8"),  # per shard; infinite without limit
        ("ttl", "i8"),
        ("recent", "i8"),  # without lists: how long an entry stays after its last use
        ("gets", "i8"),
        ("hits", "i8"),
        ("evicted", "i8"),
        ("lists", "i4"),  # whether entries are kept in lists and evicted one by one
        ("evict", "i4"),
        ("shards", "i4"),
        ("first", "i4"),  # its first shard
    ],
    align=True,
)
SHARD = np.dtype([("used", "f8"), ("newest", "i4"), ("oldest", "i4"), ("entries", "i4")], align=True)
ENTRY = np.dtype(
    [
        ("key", "u8"),
        ("last", "i8"),
        ("inserted", "i8"),
        ("bytes", "f4"),
        ("store", "i4"),
        ("shard", "i4"),
        ("newer", "i4"),
        ("older", "i4"),
        ("chain", "i4"),
        ("present", "i4"),
    ],
    align=True,
)
BUFFER = np.dtype(
    [
        ("salt", "u8"),
        ("sent", "i8"),
        ("taken", "i8"),
        ("depth", "i8"),
        ("touched", "i8"),
        ("depth_time", "f8"),
        ("first", "i4"),  # its first partition
        ("partitions", "i4"),
        ("turn", "i4"),
        ("flow", "i4"),  # that consumes it; -1
        ("batch", "i4"),
    ],
    align=True,
)
PARTITION = np.dtype([("starts", "i8"), ("head", "i4"), ("tail", "i4"), ("length", "i4"), ("consumer", "i4"), ("buffer", "i4")], align=True)
MESSAGE = np.dtype([("request", "u8"), ("sent", "i8"), ("next", "i4"), ("tracker", "i4")], align=True)
FLOW = np.dtype(
    [
        ("salt", "u8"),
        ("rate", "f8"),  # per tick, where it is constant
        ("every", "i8"),
        ("count", "i8"),  # requests started so far
        ("clock", "f8"),  # the arrivals' own time: unit exponentials added up
        ("entry", "i4"),
        ("kind", "i4"),
        ("first", "i4"),  # of its rate's points, or of its phases
        ("points", "i4"),
        ("spans", "i4"),  # whether requests of this flow are followed to the last that they cause
        ("buffer", "i4"),
    ],
    align=True,
)
AFTER = np.dtype([("salt", "u8"), ("mask", "u8"), ("chance", "f8"), ("flow", "i4"), ("then", "i4"), ("law", "i4")], align=True)
SPAN = np.dtype([("first", "i4"), ("last", "i4"), ("meter", "i4"), ("column", "i4")], align=True)

TASK = np.dtype(
    [
        ("key", "u8"),  # what its draws depend on
        ("request", "u8"),  # what the things it touches depend on
        ("start", "i8"),
        ("asked", "i8"),  # when it began to wait for a slot
        ("deadline", "i8"),
        ("finish", "f8"),  # the virtual time at which its work is done
        ("mask", "u8"),
        ("pc", "i4"),
        ("state", "i4"),
        ("flow", "i4"),
        ("parent", "i4"),
        ("held", "i4"),  # slots
        ("abandoned", "i4"),
        ("outcome", "i4"),
        ("code", "i4"),
        ("pending", "i4"),  # children at work
        ("done", "i4"),
        ("failed", "i4"),
        ("total", "i4"),
        ("need", "i4"),
        ("copy", "i4"),  # whether its end hands its registers back
        ("child", "i4"),  # its first child
        ("elder", "i4"),  # among its parent's children
        ("younger", "i4"),
        ("ahead", "i4"),  # in the queue of a machine; the next free one
        ("behind", "i4"),
        ("machine", "i4"),
        ("left", "i4"),  # in the heap of a machine: its first child, its next sibling
        ("right", "i4"),
        ("ring", "i4"),  # of time-outs; -1
        ("sooner", "i4"),
        ("later", "i4"),
        ("tracker", "i4"),
        ("partition", "i4"),
        ("message", "i4"),  # the first of its batch
        ("messages", "i4"),
        ("each_pc", "i4"),  # the EACH whose next passes it starts
        ("each_next", "i4"),
        ("each_things", "i4"),
    ],
    align=True,
)
RING = np.dtype([("length", "i8"), ("set", "i8"), ("head", "i4"), ("tail", "i4"), ("leaf", "i4")], align=True)
TRACKER = np.dtype([("start", "i8"), ("pending", "i4"), ("flow", "i4")], align=True)
LEAF = np.dtype([("kind", "i4"), ("which", "i4")], align=True)

METER = np.dtype(
    [
        ("started", "i8"),
        ("done", "i8"),
        ("total", "f8"),  # of the times of those that were answered, in ticks
        ("squares", "f8"),
        ("longest", "i8"),
        ("causes", "i8", (8,)),  # failed, by outcome
    ],
    align=True,
)

CONTROL = np.dtype(
    [
        ("seed", "u8"),
        ("now", "i8"),
        ("until", "i8"),
        ("horizon", "i8"),
        ("window_ends", "i8"),
        ("window_length", "i8"),
        ("events", "i8"),
        ("budget", "i8"),
        ("leaves", "i8"),
        ("leaf_bits", "i8"),
        ("fixed", "i8"),  # leaves before the first task's
        ("live", "i8"),
        ("free", "i8"),
        ("margin", "i8"),  # tasks that one step may start at most
        ("ready_head", "i8"),
        ("ready_count", "i8"),
        ("window", "i8"),
        ("free_message", "i8"),
        ("messages", "i8"),
        ("free_tracker", "i8"),
        ("trackers", "i8"),
        ("entries", "i8"),
        ("free_entry", "i8"),
        ("inside", "f8"),
        ("lost_passes", "i8"),
    ],
    align=True,
)

Status = IntEnum("Status", "DONE TASKS MESSAGES TRACKERS ENTRIES EVENTS HORIZON", start=0)
"""Why the interpreter came back: the time is reached, an array is full (it is enlarged and the run goes on), or a bound."""


State = namedtuple(  # noqa: PYI024 (numba knows this kind of named tuple; a NamedTuple class would have to repeat each type)
    "State",
    "code laws tables values numbers populations heads guides links after spans points phases leaves carried "
    "control stations machines stores shards entries buckets buffers partitions messages payload flows tasks registers "
    "rings trackers lasts tree ready counts touched "
    "meters snap_meters snap_stations snap_stores snap_buffers histogram",
)

BITS = 7
"""Histogram: cells per factor of two are 2 ** BITS, so that a cell is less than 0.8% wide."""
TOP_BIT = 44
"""Times of 2 ** TOP_BIT ticks (nearly five hours) and more fall into the last cell."""
CELL_COUNT = (TOP_BIT - BITS + 1) << BITS


def records(dtype: np.dtype[Any], number: int) -> Any:
    """`number` records, all zero, with fields as attributes."""
    return np.zeros(max(number, 1), dtype=dtype).view(np.recarray)
