"""Everything the interpreter reads and writes: a few arrays of records, in one named tuple.

The first group describes the model and never changes during a run (`toscale.engine.tables` makes it); the
second is the state of the run; the third collects figures per window. Times are integer ticks of a
nanosecond.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

TICK = 1e-9
"""Seconds per tick."""

Op = IntEnum(
    "Op",
    "JUMP PICK HOP ACQUIRE WORK RELEASE COUNT DELAY KEY NEWKEY GET PUT DROP SCATTER MGET MPUT SEND CALL RETRY HANDLE "
    "SPAWN FORK JOIN EACH IF_CHANCE IF_FLAG IF_COMPARE SET RAISE MARK UNMARK MARKFAIL TAKE DONE DIE END FAIL "
    "CHOOSE SEE CLAIM AHEAD STASH AWAIT RETURN EXTEND KEEP SWEEP OVER LOOK WRITE PASS IF_HOLDS IF_LEFT "
    "REPEAT JUDGE AGAIN VAIN IF_ENDED ANSWERED BACK LOCK UNLOCK BEGIN NEXT LEAVE "
    "HOLDER REACH IF_OPEN NOTE "
    "ROUTE ENTER FAULTY HOT "
    "GUARD REPORT HEDGE DEPOSIT SPEND FLY LAND OFFER GATHER "
    "WARM COOL COMMIT COPIED VERSION",
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
        ("sync", "i4"),  # happens at a moment: time on the wire must have passed before it
        ("a", "i4"),
        ("b", "i4"),
        ("c", "i4"),
        ("d", "i4"),
        ("law", "i4"),
        ("num", "i4"),
        ("fail", "i4"),  # where to go on when this step ends otherwise than well
    ],
    align=True,
)
LAW = np.dtype([("value", "f8"), ("kind", "i8"), ("first", "i8"), ("number", "i8")], align=True)
NUMBER = np.dtype(
    [("salt", "u8"), ("value", "f8"), ("kind", "i8"), ("law", "i8"), ("register", "i8"), ("each", "f8")],
    align=True,
)
POPULATION = np.dtype(
    [
        ("exponent", "f8"),
        ("total", "f8"),  # the sum of the weights
        ("head_mass", "f8"),
        ("tail_low", "f8"),
        ("tail_span", "f8"),
        ("keys", "i8"),
        ("tag", "i8"),  # the upper bits of its keys
    ],
    align=True,
)
LINK = np.dtype(
    [
        ("loss", "f8"),
        ("resend", "f8"),
        ("near", "i8"),
        ("far", "i8"),
        ("until", "i8"),  # so long is `loss` what it is
        ("usual", "f8"),  # and this from then on
        ("near_byte", "f8"),  # ticks that each byte takes
        ("far_byte", "f8"),
    ],
    align=True,
)
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
        ("first", "i8"),  # its first machine
        ("machines", "i8"),
        ("slots", "i8"),  # per machine; -1 without limit
        ("cores", "i8"),
        ("places", "i8"),
        ("policy", "i8"),
        ("discipline", "i8"),
        ("shards", "i8"),
        ("copies", "i8"),
        ("turn", "i8"),
    ],
    align=True,
)
MACHINE = np.dtype(
    [
        ("virtual", "f8"),  # work done for each request so far, in ticks
        ("at", "i8"),  # when that was
        ("busy", "i8"),
        ("outstanding", "i8"),
        ("head", "i8"),
        ("tail", "i8"),
        ("queued", "i8"),
        ("station", "i8"),
        ("zone", "i8"),
        ("heap", "i8"),  # whose work is done next
        ("active", "i8"),
        ("leaf", "i8"),
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
        ("lists", "i8"),  # whether entries are kept in lists and evicted one by one
        ("evict", "i8"),
        ("shards", "i8"),
        ("first", "i8"),  # its first shard
    ],
    align=True,
)
SHARD = np.dtype([("used", "f8"), ("newest", "i8"), ("oldest", "i8"), ("entries", "i8")], align=True)
ENTRY = np.dtype(
    [
        ("key", "u8"),
        ("last", "i8"),
        ("inserted", "i8"),
        ("store", "i4"),
        ("chain", "i4"),
        ("present", "i4"),
        ("shard", "i4"),
        ("newer", "i4"),
        ("older", "i4"),
        ("bytes", "f8"),  # in full: what is given back must be what was taken
        ("spare", "i8"),  # a power of two: an entry lies in one line of the processor's cache
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
        ("first", "i8"),  # its first partition
        ("partitions", "i8"),
        ("turn", "i8"),
        ("flow", "i8"),  # that consumes it; -1
        ("batch", "i8"),
        ("refused", "i8"),
        ("expired", "i8"),
        ("again", "i8"),  # messages put back to be delivered again
        ("buried", "i8"),  # dead letters
        ("most", "i8"),  # that may wait
        ("keep", "i8"),
        ("linger", "i8"),
        ("deliveries", "i8"),
        ("dead", "i8"),  # the buffer that takes its dead letters; -1
    ],
    align=True,
)
PARTITION = np.dtype(
    [
        ("starts", "i8"),
        ("head", "i8"),
        ("tail", "i8"),
        ("length", "i8"),
        ("consumer", "i8"),
        ("buffer", "i8"),
        ("due", "i8"),  # until when the consumer waits for its batch to fill
    ],
    align=True,
)
MESSAGE = np.dtype(
    [
        ("request", "u8"),
        ("sent", "i8"),
        ("tracker", "i8"),
        ("next", "i4"),
        ("tries", "i4"),  # deliveries that failed; a power of two: a message lies in one line of the cache
    ],
    align=True,
)
FLOW = np.dtype(
    [
        ("salt", "u8"),
        ("rate", "f8"),  # per tick, where it is constant
        ("every", "i8"),
        ("count", "i8"),  # requests started so far
        ("clock", "f8"),  # the arrivals' own time: unit exponentials added up
        ("entry", "i8"),
        ("kind", "i8"),
        ("first", "i8"),  # of its rate's points, or of its phases
        ("points", "i8"),
        ("spans", "i8"),  # whether requests of this flow are followed to the last that they cause
        ("buffer", "i8"),
        ("priority", "i8"),
    ],
    align=True,
)
AFTER = np.dtype(
    [("salt", "u8"), ("mask", "u8"), ("chance", "f8"), ("flow", "i8"), ("then", "i8"), ("law", "i8")],
    align=True,
)
SPAN = np.dtype([("first", "i8"), ("last", "i8"), ("meter", "i8"), ("column", "i8")], align=True)

TASK = np.dtype(
    [
        ("key", "u8"),  # what its draws depend on
        ("request", "u8"),  # what the things it touches depend on
        ("start", "i8"),
        ("pc", "i8"),  # -1: this task is free
        ("flow", "i8"),
        ("parent", "i8"),
        ("state", "i4"),
        ("held", "i4"),  # slots
        ("abandoned", "i4"),
        ("outcome", "i4"),
        ("tracker", "i8"),
        ("machine", "i8"),  # that it waits at; or the locked key that it waits for
        ("asked", "i8"),  # when it began to wait for a slot, or for a lock
        ("ahead", "i8"),  # in the queue of a machine; the next free one
        ("behind", "i8"),
        ("finish", "f8"),  # the virtual time at which its work is done
        ("left", "i8"),  # in the heap of a machine: its first child, its next sibling
        ("right", "i8"),
        ("child", "i8"),  # its first child
        ("elder", "i8"),  # among its parent's children; of one that was let go: who was its parent
        ("younger", "i8"),
        ("pending", "i4"),  # children at work
        ("done", "i4"),
        ("failed", "i4"),
        ("total", "i4"),
        ("need", "i4"),
        ("hands_back", "i4"),  # whether its end hands its registers to its parent
        ("ring", "i8"),  # of time-outs; -1
        ("deadline", "i8"),
        ("sooner", "i8"),
        ("later", "i8"),
        ("root", "i4"),  # whether it is the first task of a request
        ("messages", "i4"),
        ("message", "i8"),  # the first of its batch
        ("partition", "i8"),
        ("each_pc", "i8"),  # the EACH whose next passes it starts
        ("each_next", "i8"),
        ("each_things", "i8"),
    ],
    align=True,
)
UNSET = ("parent", "tracker", "child", "elder", "younger", "ring", "message", "partition", "each_pc")
"""Fields of a task that are -1 unless they are in use: whoever uses one sets it back."""

RING = np.dtype([("length", "i8"), ("set", "i8"), ("head", "i8"), ("tail", "i8"), ("leaf", "i8")], align=True)
TRACKER = np.dtype([("start", "i8"), ("pending", "i8"), ("flow", "i8")], align=True)
SLICES = 10
"""The time that a breaker or a budget looks back over is counted in so many slices."""
GUARD = np.dtype(
    [
        ("calls", "i8"),  # that came to the breaker
        ("cut", "i8"),  # of these, ended at once
        ("opened", "i8"),
        ("open_time", "f8"),  # in ticks, summed over the callers: while calls are cut
        ("sent", "i8"),  # first calls of hedges
        ("hedged", "i8"),  # further ones
        ("begun", "i8"),  # calls that paid into the budget
        ("retries", "i8"),  # paid out of it
        ("denied", "i8"),
        ("first", "i8"),  # its first caller
        ("callers", "i8"),
        ("machine", "i8"),  # of the first caller
        ("over", "i8"),  # ticks of a breaker's slice
        ("stays", "i8"),
        ("least", "i8"),
        ("errors", "i8"),  # bits of the outcomes that are errors
        ("share", "f8"),
        ("deposit", "f8"),
    ],
    align=True,
)
FLIGHT = np.dtype(
    [
        ("asked", "i8"),  # who missed
        ("led", "i8"),  # calls that this became
        ("aloft", "i8"),
        ("waiting", "i8"),
    ],
    align=True,
)
CALLER = np.dtype(
    [
        ("probe_key", "u8"),
        ("probe", "i8"),  # the task that tries
        ("state", "i8"),
        ("until", "i8"),  # when it may be tried again
        ("touched", "i8"),
        ("slice", "i8"),  # the latest, by its number since the start
        ("calls", "i8", (SLICES,)),
        ("wrong", "i8", (SLICES,)),
        ("spent", "i8"),  # the budget's latest slice
        ("tokens", "f8", (SLICES,)),
    ],
    align=True,
)
LEAF = np.dtype([("kind", "i8"), ("which", "i8")], align=True)
LOCK = np.dtype(
    [
        ("held", "i8"),  # keys
        ("waiting", "i8"),
        ("touched", "i8"),  # when the integrals below were brought up to date
        ("waiting_time", "f8"),  # integrals over time, in ticks
        ("held_time", "f8"),
        ("waited", "f8"),  # the sum of the waits of those who got it, in ticks
        ("asked", "i8"),
        ("granted", "i8"),
        ("refused", "i8"),
        ("abandoned", "i8"),
    ],
    align=True,
)
LOCKED = np.dtype(
    [
        ("key", "u8"),
        ("lock", "i4"),
        ("chain", "i4"),  # in its bucket; the next free one
        ("next", "i4"),  # of those that the same step has taken
        ("head", "i4"),  # of the tasks that wait for it
        ("tail", "i4"),
        ("spare", "i4"),
    ],
    align=True,
)

POOL = np.dtype(
    [
        ("capacity", "f8"),  # of each key, where it is the same for all
        ("refill", "f8"),  # per tick, likewise
        ("total", "f8"),  # units of all keys; -1 where that is not known
        ("asked", "f8"),  # units per tick that all keys ask for, when the run begins
        ("ahead", "f8"),  # units that are taken at a time
        ("shared", "f8"),  # machines that take ahead, each for itself
        ("salt", "u8"),
        ("held_time", "f8"),  # integrals over time, in ticks
        ("lined_time", "f8"),
        ("waited", "f8"),  # the sum of the waits of those who got theirs from the line, in ticks
        ("touched", "i8"),
        ("taken", "i8"),  # units, from the beginning
        ("given_back", "i8"),
        ("ended", "i8"),
        ("refused", "i8"),
        ("passed", "i8"),  # let through, by a take or otherwise
        ("beyond", "i8"),  # of these, beyond the bound
        ("within", "i8"),  # of those refused, within the bound
        ("joined", "i8"),  # the line
        ("served", "i8"),
        ("left_line", "i8"),
        ("held", "i8"),  # now; kept ones and those that are over included
        ("kept", "i8"),
        ("over", "i8"),
        ("lined", "i8"),
        ("over_head", "i8"),  # leases that are over, the longest first
        ("over_tail", "i8"),
        ("meter", "i8"),  # that shows how long what is over was not free; -1
        ("spends", "i8"),
        ("keep", "i8"),  # ticks that what is taken ahead is kept
        ("swept", "i8"),
        ("machines", "i8"),  # of which each has accounts of its own; 0: there is one for all
        ("population", "i8"),  # whose keys it has; -1
        ("capacities", "i8"),  # where its numbers by share begin, and how many they are; 0: the same for all
        ("n_capacities", "i8"),
        ("refills", "i8"),
        ("n_refills", "i8"),
    ],
    align=True,
)
ACCOUNT = np.dtype(
    [
        ("key", "u8"),
        ("left", "f8"),  # of a pool that is refilled
        ("bound", "f8"),  # what would be left if exactly those let through had taken: the truth
        ("capacity", "f8"),
        ("refill", "f8"),  # per tick
        ("at", "i8"),  # when `left` was so; when what was taken ahead is no longer good
        ("true", "i8"),  # when `bound` was so
        ("since", "i8"),  # when it became full or free
        ("held", "i4"),
        ("over", "i4"),
        ("head", "i4"),  # of its line
        ("tail", "i4"),
        ("chain", "i4"),
        ("pool", "i4"),
        ("machine", "i4"),  # that counts it, where each has its own; -1
        ("spare", "i4"),
    ],
    align=True,
)
LEASE = np.dtype(
    [
        ("until", "i8"),  # when its term is over; while in line: when it joined
        ("also", "i8"),  # what was taken with it; -1
        ("generation", "i4"),
        ("state", "i4"),
        ("account", "i4"),
        ("units", "i4"),
        ("term", "i4"),  # -1
        ("task", "i4"),  # that stands still for it; -1
        ("sooner", "i4"),  # among those of its term, in its line, or among those that are over
        ("later", "i4"),
    ],
    align=True,
)
TERM = np.dtype([("length", "i8"), ("set", "i8"), ("head", "i8"), ("tail", "i8"), ("leaf", "i8")], align=True)

CONNECTION = np.dtype(
    [
        ("salt", "u8"),
        ("rate", "f8"),  # openings per tick of each member who has none
        ("debt", "f8"),  # what is left of the next opening's own time, a unit exponential
        ("outlived", "f8"),  # of the own time of those held at the beginning, a unit exponential
        ("touched", "i8"),  # when `debt` and the integral below were brought up to date
        ("open_time", "f8"),  # the integral of `open` over time, in ticks
        ("fullest", "f8"),  # the sum over the ends of windows of what the fullest machine held
        ("windows", "i8"),
        ("open", "i8"),
        ("early", "i8"),  # of them, those held since the beginning
        ("waiting", "i8"),  # members who have lost theirs and will try again
        ("first_open", "i8"),  # open at the beginning
        ("opened", "i8"),
        ("closed", "i8"),
        ("lost", "i8"),
        ("refused", "i8"),
        ("tries", "i8"),  # so far, by members with none: what draws depend on
        ("members", "i8"),
        ("tag", "i8"),  # the upper bits of their keys
        ("population", "i8"),
        ("half", "i8"),  # bits of half a member's place
        ("lasts", "i8"),  # a law
        ("again", "i8"),  # a law; -1: who lost one does as everyone does
        ("register", "i8"),
        ("station", "i8"),
        ("limit", "i8"),  # of a machine; -1
        ("first", "i8"),  # the row of its first machine among the holds
        ("turn", "i8"),
        ("leaf", "i8"),  # the first of its leaves
        ("due", "i8"),  # members in its heap
        ("sweep", "i8"),  # the machine whose lost connections are being seen to; -1
    ],
    align=True,
)
HOLD = np.dtype(
    [
        ("open", "i8"),
        ("early", "i8"),
        ("epoch", "i8"),  # how often all have been lost: those of earlier epochs are closed
        ("first", "i8"),  # those held since the beginning have the places from here to the next row's
        ("newest", "i8"),  # the list of those that were opened in the run
        ("lost", "i8"),  # the list of those yet to be seen to; and the places
        ("place", "i8"),
        ("noticed", "i8"),  # ticks until a loss is noticed
        ("sweep", "i8"),  # the next machine to be seen to
        ("out", "i8"),  # whether new ones are sent elsewhere
        ("down", "i8"),  # whether those that come all the same are refused
    ],
    align=True,
)
SOCKET = np.dtype(
    [
        ("key", "i8"),
        ("until", "i8"),  # when it closes, or when its member tries again
        ("epoch", "i8"),
        ("connection", "i4"),  # -1: not in use
        ("machine", "i4"),  # -1: closed
        ("waiting", "i4"),
        ("at", "i4"),  # its place in the heap of what is due; -1
        ("chain", "i4"),
        ("newer", "i4"),
        ("older", "i4"),
    ],
    align=True,
)

CHANGE = np.dtype(
    [("time", "i8"), ("what", "i8"), ("which", "i8"), ("until", "i8"), ("value", "f8")], align=True
)
CONDITION = np.dtype(  # of a machine
    [
        ("slow", "f8"),  # work takes so many times as long
        ("errors", "f8"),
        ("down", "i8"),
        ("out", "i8"),  # of the balancing: bits, by a fault (1), as it is not needed (2)
        ("dying", "i8"),  # while what is there is being ended
        ("jump", "i8"),  # of its clock, at this moment
        ("lead", "i8"),  # of the first machine of a shard: which of them takes the writes
    ],
    align=True,
)
STREAM = np.dtype(
    [
        ("salt", "u8"),
        ("factor", "f8"),
        ("clock", "f8"),
        ("begins", "i8"),
        ("ends", "i8"),
        ("flow", "i8"),
        ("count", "i8"),
        ("times", "i8"),
        ("leaf", "i8"),
        ("first", "i8"),  # of its presets
        ("presets", "i8"),
    ],
    align=True,
)
PRESET = np.dtype([("register", "i8"), ("key", "i8")], align=True)
HOT = np.dtype([("share", "f8"), ("begins", "i8"), ("ends", "i8"), ("key", "i8")], align=True)
GIVEN = np.dtype([("salt", "u8"), ("value", "f8"), ("key", "i8")], align=True)

SCALER = np.dtype(
    [
        ("salt", "u8"),
        ("target", "f8"),
        ("tolerance", "f8"),
        ("each", "f8"),  # slots or cores of a machine, whichever are measured
        ("work_before", "f8"),  # the integral of those in use, at the last look
        ("there_time", "f8"),  # integrals over time, in ticks: machines that are paid for
        ("serving_time", "f8"),
        ("short_time", "f8"),  # the time in which fewer serve than are wanted
        ("touched", "i8"),
        ("started", "i8"),
        ("stopped", "i8"),
        ("top", "i8"),  # the most that served since the last window began
        ("there", "i8"),  # starting, serving and leaving
        ("serving", "i8"),
        ("wanted", "i8"),  # by the last look
        ("desired", "i8"),  # what it was changed to
        ("looks", "i8"),
        ("looked", "i8"),
        ("look", "i8"),  # the time of the next one
        ("changed", "i8"),
        ("every", "i8"),
        ("pause", "i8"),
        ("memory", "i8"),  # in looks
        ("boot", "i8"),
        ("least", "i8"),
        ("most", "i8"),
        ("first", "i8"),  # its first stage
        ("station", "i8"),
        ("leaf", "i8"),
        ("by_cores", "i8"),
        ("shared", "i8"),
        ("slots", "i8"),  # of one machine, where all are behind a shared queue; likewise the others
        ("cores", "i8"),
        ("places", "i8"),
    ],
    align=True,
)
INSTANCE = np.dtype(  # those of a function
    [
        ("idle_time", "f8"),  # the integral of `idle` over time, in ticks
        ("touched", "i8"),
        ("calls", "i8"),
        ("cold", "i8"),  # of these, with a cold start
        ("gone", "i8"),
        ("begun", "i8"),  # idle when the run began
        ("idle", "i8"),
        ("oldest", "i8"),  # its place in the ring
        ("room", "i8"),
        ("keep", "i8"),
        ("station", "i8"),
    ],
    align=True,
)
STAGE = np.dtype([("stage", "i8"), ("until", "i8")], align=True)
REPLICATED = np.dtype(  # a station whose copies have its writes later
    [
        ("behind", "f8"),  # the sum of the lags of the copies, in ticks
        ("committed", "i8"),
        ("copied", "i8"),  # lags that were added up: one for each write and copy
        ("read", "i8"),  # at copies
        ("stale", "i8"),  # of these
        ("lost", "i8"),  # writes, with a machine that took them
        ("station", "i8"),  # -1
        ("elects", "i8"),  # whether only who has all writes takes the place of a lost machine
        ("oldest", "i8"),  # of the writes on their way
        ("newest", "i8"),
    ],
    align=True,
)
WRITE = np.dtype(
    [
        ("key", "u8"),
        ("request", "u8"),
        ("at", "i8"),
        ("until", "i8"),  # when all copies have it
        ("lowest", "i8"),  # the first machine of its shard
        ("replicated", "i4"),
        ("chain", "i4"),  # in its bucket, the next older; the next free one
        ("newer", "i4"),
        ("later", "i4"),  # of its station
    ],
    align=True,
)

METER = np.dtype(
    [
        ("started", "i8"),
        ("done", "i8"),
        ("total", "f8"),  # of the times of those that were answered, in ticks
        ("longest", "i8"),
        ("causes", "i8", (8,)),  # failed, by outcome
    ],
    align=True,
)

NOTE = np.dtype(
    [
        ("key", "u8"),  # of the task
        ("parent", "u8"),  # the key of the task that waits for it; 0
        ("request", "u8"),
        ("top", "u8"),  # the request of the first of those that wait for it
        ("start", "i8"),
        ("since", "i8"),  # the start of that first one
        ("root", "i8"),  # its task
        ("now", "i8"),
        ("passed", "f8"),  # ticks that are decided but have not passed yet
        ("value", "i8"),  # of the register that the note names
        ("row", "i4"),  # of the instruction that comes next; -1: a message of the batch that is done
        ("task", "i4"),
        ("above", "i4"),  # the task that waits for it; -1
        ("outcome", "i4"),
        ("flow", "i4"),
    ],
    align=True,
)
"""What a NOTE writes down: a task is about to do an instruction."""

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
        ("margin", "i8"),  # tasks that one step may start at most, and messages
        ("touches", "i8"),  # keys that one step may touch at most
        ("ready_head", "i8"),
        ("ready_count", "i8"),
        ("window", "i8"),
        ("free_message", "i8"),
        ("messages", "i8"),
        ("free_tracker", "i8"),
        ("trackers", "i8"),
        ("entries", "i8"),
        ("free_entry", "i8"),
        ("lost_passes", "i8"),
        ("locked_keys", "i8"),
        ("free_locked", "i8"),
        ("locked_margin", "i8"),  # keys that may be locked at one moment
        ("used_sockets", "i8"),
        ("free_socket", "i8"),
        ("noted", "i8"),  # notes that were to be written, those that found no room included
        ("n_tasks", "i8"),  # lengths of the arrays
        ("n_messages", "i8"),
        ("n_trackers", "i8"),
        ("n_entries", "i8"),
        ("n_buckets", "i8"),
        ("n_stations", "i8"),
        ("n_meters", "i8"),
        ("n_stores", "i8"),
        ("n_buffers", "i8"),
        ("n_spans", "i8"),
        ("n_after", "i8"),
        ("n_connections", "i8"),
        ("n_sockets", "i8"),
        ("n_socket_buckets", "i8"),
        ("n_registers", "i8"),  # and their widths
        ("n_payload", "i8"),
        ("n_lasts", "i8"),
        ("accounts", "i8"),
        ("leases", "i8"),
        ("free_lease", "i8"),
        ("scarce", "i8"),  # whether accounts or leases are nearly used up
        ("n_accounts", "i8"),
        ("n_leases", "i8"),
        ("n_account_buckets", "i8"),
        ("n_pools", "i8"),
        ("n_locks", "i8"),
        ("n_locked", "i8"),
        ("n_locked_buckets", "i8"),
        ("n_notes", "i8"),
        ("n_changes", "i8"),
        ("n_givens", "i8"),
        ("n_retries", "i8"),
        ("n_guards", "i8"),
        ("n_flights", "i8"),
        ("n_scalers", "i8"),
        ("n_instances", "i8"),
        ("n_conditions", "i8"),
        ("n_store_stations", "i8"),
        ("written", "i8"),
        ("free_write", "i8"),
        ("n_replicated", "i8"),
        ("n_writes", "i8"),
        ("n_write_buckets", "i8"),
    ],
    align=True,
)

Status = IntEnum(
    "Status", "DONE TASKS MESSAGES TRACKERS ENTRIES EVENTS HORIZON ACCOUNTS LOCKED SOCKETS", start=0
)
"""Why the interpreter came back: the time is reached, an array is full (it is enlarged and the run goes on),
or a bound.
"""


ARRAYS: dict[str, tuple[Any, int]] = {
    # the model
    "code": (CODE, 1),
    "laws": (LAW, 1),
    "tables": (np.float64, 3),
    "values": (np.float64, 1),
    "numbers": (NUMBER, 1),
    "populations": (POPULATION, 1),
    "heads": (np.float64, 2),
    "guides": (np.int64, 2),
    "links": (LINK, 1),
    "after": (AFTER, 1),
    "spans": (SPAN, 1),
    "points": (np.float64, 2),
    "phases": (np.float64, 1),
    "leaves": (LEAF, 1),
    "carried": (np.int64, 2),
    "shares": (np.float64, 2),
    "within": (np.int64, 1),
    "changes": (CHANGE, 1),
    "presets": (PRESET, 1),
    "hots": (HOT, 1),
    "givens": (GIVEN, 1),
    # the state
    "control": (CONTROL, 1),
    "stations": (STATION, 1),
    "machines": (MACHINE, 1),
    "stores": (STORE, 1),
    "shards": (SHARD, 1),
    "entries": (ENTRY, 1),
    "buckets": (np.int32, 1),
    "store_rates": (np.float64, 2),
    "buffers": (BUFFER, 1),
    "partitions": (PARTITION, 1),
    "messages": (MESSAGE, 1),
    "payload": (np.int64, 2),
    "flows": (FLOW, 1),
    "tasks": (TASK, 1),
    "registers": (np.int64, 2),
    "rings": (RING, 1),
    "trackers": (TRACKER, 1),
    "lasts": (np.int64, 2),
    "tree": (np.int64, 1),
    "ready": (np.int64, 1),
    "counts": (np.int64, 1),
    "distinct": (np.int64, 1),
    "pools": (POOL, 1),
    "accounts": (ACCOUNT, 1),
    "account_buckets": (np.int32, 1),
    "leases": (LEASE, 1),
    "terms": (TERM, 1),
    "locks": (LOCK, 1),
    "locked": (LOCKED, 1),
    "locked_buckets": (np.int32, 1),
    "connections": (CONNECTION, 1),
    "holds": (HOLD, 1),
    "sockets": (SOCKET, 1),
    "socket_buckets": (np.int32, 1),
    "due": (np.int32, 2),
    "residuals": (np.float64, 2),
    "conditions": (CONDITION, 1),
    "streams": (STREAM, 1),
    "emptied": (np.int64, 1),
    "losses": (np.int64, 1),
    "retries": (np.int64, 1),
    "lasts_by_class": (np.int64, 2),  # at stations by priority: the last who waits of each class
    "guards": (GUARD, 1),
    "callers": (CALLER, 1),
    "flights": (FLIGHT, 1),
    "scalers": (SCALER, 1),
    "stages": (STAGE, 1),
    "advice": (np.int64, 2),
    "instances": (INSTANCE, 1),
    "warm": (np.int64, 2),
    "pool_stations": (np.int64, 1),
    "store_stations": (np.int64, 1),
    "replicated": (REPLICATED, 1),
    "writes": (WRITE, 1),
    "write_buckets": (np.int32, 1),
    "seen": (np.int64, 2),  # by write and machine of its shard: when it is there
    "exposed": (np.int64, 1),  # by machine: writes that are lost where it takes the place of the lost one
    # the figures
    "meters": (METER, 1),
    "snap_meters": (METER, 2),
    "snap_stations": (STATION, 2),
    "snap_stores": (STORE, 2),
    "snap_buffers": (BUFFER, 2),
    "snap_pools": (POOL, 2),
    "snap_locks": (LOCK, 2),
    "snap_connections": (CONNECTION, 2),
    "snap_live": (np.int64, 1),
    "snap_retries": (np.int64, 2),
    "snap_guards": (GUARD, 2),
    "snap_flights": (FLIGHT, 2),
    "snap_scalers": (SCALER, 2),
    "snap_instances": (INSTANCE, 2),
    "snap_replicated": (REPLICATED, 2),
    "histogram": (np.int32, 3),
    "notes": (NOTE, 1),
}
"""The arrays of a run: what each holds, and how many dimensions it has."""


PARTS = np.zeros(8, dtype=np.int64)
"""Addresses of the compiled parts, in this process (`toscale.engine.parts`)."""


class State:
    """The arrays of a run, by name.

    To compiled code a state is one pointer, to a table of the arrays' addresses and shapes: four dozen arrays
    as arguments of every function would take the compiler a minute.
    """

    def __init__(self, **arrays: Any) -> None:
        if arrays.keys() != ARRAYS.keys():
            raise ValueError(f"missing or unknown arrays: {sorted(arrays.keys() ^ ARRAYS.keys())}")
        rows = []
        for name, (dtype, dimensions) in ARRAYS.items():
            array = arrays[name]
            if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
                raise ValueError(f"{name} must be a contiguous array of {dimensions} dimensions of {dtype}")
            rows.append([array.ctypes.data, *array.shape, *[0] * (3 - dimensions)])
            setattr(self, name, array)
        rows.append([PARTS.ctypes.data, 0, 0, 0])
        self.table = np.array(rows, dtype=np.int64)
        control = arrays["control"][0]
        for name in control.dtype.names:
            if name.startswith("n_"):
                array = arrays[name[2:]]
                control[name] = array.shape[-1]
        self.address = self.table.ctypes.data

    def replaced(self, **arrays: Any) -> State:
        """The state with other arrays in place of some."""
        return State(**{name: arrays.get(name, getattr(self, name)) for name in ARRAYS})

    def __getattr__(self, name: str) -> Any:  # for the type checker: every array is an attribute
        raise AttributeError(name)


BITS = 7
"""Histogram: cells per factor of two are 2 ** BITS, so that a cell is less than 0.8% wide."""
TOP_BIT = 44
"""Times of 2 ** TOP_BIT ticks (nearly five hours) and more fall into the last cell."""
CELL_COUNT = (TOP_BIT - BITS + 1) << BITS


def records(dtype: np.dtype[Any], number: int) -> Any:
    """`number` records, all zero, with fields as attributes."""
    return np.zeros(max(number, 1), dtype=dtype).view(np.recarray)
