"""A message waits in its partition until the partition's consumer takes it, in a batch of those that are
there.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, mix
from toscale.engine.jit import inlined, jit
from toscale.engine.model import Outcome
from toscale.engine.tasks import caused, end_task, follow, new_task, ready, record, untrack
from toscale.engine.tree import NEVER

_DONE, _ANSWERED, _STOPPED = int(Outcome.DONE), int(Outcome.ANSWERED), int(Outcome.STOPPED)


@jit
def touch_buffer(S, buffer):  # type: ignore[no-untyped-def]
    """Brings a buffer's integral over time up to now."""
    b = S.buffers[buffer]
    now = S.control[0].now
    b.depth_time += np.float64(now - b.touched) * b.depth
    b.touched = now


@jit
def start_consumer(S, partition):  # type: ignore[no-untyped-def]
    """The partition's consumer sets out to take its next batch."""
    p = S.partitions[partition]
    b = S.buffers[p.buffer]
    p.starts += 1
    i = new_task(S, b.flow, S.flows[b.flow].entry)
    t = S.tasks[i]
    t.request = mix(mix(S.control[0].seed ^ b.salt) + np.uint64(partition) * GOLDEN + np.uint64(p.starts))
    t.key = mix(t.request + GOLDEN)
    t.partition = partition
    for r in range(S.control[0].n_registers):
        S.registers[i, r] = -1
    p.consumer = i
    ready(S, i)


@inlined
def send(S, i, buffer, key_register, salt):  # type: ignore[no-untyped-def]
    """Puts a message into a partition, by key or in turn, and wakes its consumer."""
    t = S.tasks[i]
    c = S.control[0]
    b = S.buffers[buffer]
    n = c.free_message
    m = S.messages[n]
    c.free_message = m.next
    c.messages += 1
    m.request = mix(t.request + salt + t.key)
    m.sent = c.now
    m.next = -1
    m.tracker = t.tracker
    if t.tracker >= 0:
        S.trackers[t.tracker].pending += 1
    for k in range(S.control[0].n_payload):
        r = S.carried[buffer, k]
        if r >= 0:
            S.payload[n, k] = S.registers[i, r]
    touch_buffer(S, buffer)
    b.sent += 1
    b.depth += 1
    if key_register >= 0:
        part = b.first + np.int64(mix(np.uint64(S.registers[i, key_register])) % np.uint64(b.partitions))
    else:
        part = b.first + b.turn
        b.turn = b.turn + 1 if b.turn + 1 < b.partitions else 0
    p = S.partitions[part]
    if p.tail >= 0:
        S.messages[p.tail].next = n
    else:
        p.head = n
    p.tail = n
    p.length += 1
    if b.flow >= 0:
        S.meters[b.flow].started += 1
        if p.consumer < 0:
            start_consumer(S, part)


@jit
def take_batch(S, i):  # type: ignore[no-untyped-def]
    """The consumer takes what is there, up to its batch, and goes on as the first message's request."""
    t = S.tasks[i]
    p = S.partitions[t.partition]
    b = S.buffers[p.buffer]
    touch_buffer(S, p.buffer)
    n = min(p.length, b.batch)
    t.message = p.head
    t.messages = n
    last = p.head
    for _ in range(n - 1):
        last = S.messages[last].next
    p.head = S.messages[last].next
    if p.head < 0:
        p.tail = -1
    S.messages[last].next = -1
    p.length -= n
    b.depth -= n
    b.taken += n
    first = S.messages[t.message]
    t.request = mix(first.request + b.salt)
    t.key = mix(t.request + GOLDEN)
    t.start = first.sent
    for k in range(S.control[0].n_payload):
        r = S.carried[p.buffer, k]
        if r >= 0:
            S.registers[i, r] = S.payload[t.message, k]
    if first.tracker >= 0:
        t.tracker = first.tracker
        S.trackers[first.tracker].pending += 1


@inlined
def end_request(S, i, passed):  # type: ignore[no-untyped-def]
    """The first task of a request has come to its end, well or otherwise: counted, and what it causes is
    started. `passed`: ticks until the answer has arrived, where nothing else waits for that. Returns when the
    task goes on, which only a consumer does that nobody had room for; else NEVER.
    """
    t = S.tasks[i]
    now = S.control[0].now
    well = t.outcome == _DONE or t.outcome == _ANSWERED or t.outcome == _STOPPED
    if t.partition >= 0:
        return end_batch(S, i, well)
    if well:
        record(S, t.flow, now + passed - t.start)
        if t.tracker >= 0:
            caused(S, t.tracker, t.flow)
        follow(S, i)
    else:
        S.meters[t.flow].causes[t.outcome] += 1
    end_task(S, i)
    return NEVER


@jit
def end_batch(S, i, well):  # type: ignore[no-untyped-def]
    """Each message of the batch has been dealt with; the partition's consumer goes on with the next."""
    t = S.tasks[i]
    c = S.control[0]
    now = c.now
    part = t.partition
    n = t.message
    if n < 0:  # no worker had room for it: the consumer tries again a little later
        t.pc = S.flows[t.flow].entry
        t.outcome = _DONE
        return now + np.int64(10_000_000)
    while n >= 0:
        m = S.messages[n]
        if well:
            record(S, t.flow, now - m.sent)
            if m.tracker >= 0:
                caused(S, m.tracker, t.flow)
        else:
            S.meters[t.flow].causes[t.outcome] += 1
        if m.tracker >= 0:
            untrack(S, m.tracker)
        following = m.next
        m.next = c.free_message
        c.free_message = n
        c.messages -= 1
        n = following
    if well:
        follow(S, i)
    t.message = -1
    t.messages = 0
    t.partition = -1
    end_task(S, i)
    p = S.partitions[part]
    p.consumer = -1
    if p.length > 0:
        start_consumer(S, part)
    return NEVER
