"""A message waits in its partition until the partition's consumer takes it, in a batch of those that are
there.

A batch that lingers begins when it is full, or when its oldest message has waited for so long. A batch that
fails goes back to the head of its partition and is delivered again at once, so that the order holds, until its
messages have had all their deliveries: they are then dead letters, in another buffer or lost. A message that
is older than it is kept is dropped when the consumer comes to it.
"""

from __future__ import annotations

import numpy as np

from toscale.engine.draws import GOLDEN, mix
from toscale.engine.jit import inlined, jit
from toscale.engine.model import Outcome
from toscale.engine.tasks import caused, end_task, follow, new_task, ready, record, untrack
from toscale.engine.tree import NEVER, schedule

_DONE, _ANSWERED, _STOPPED, _TIMED_OUT = (
    int(Outcome.DONE),
    int(Outcome.ANSWERED),
    int(Outcome.STOPPED),
    int(Outcome.TIMED_OUT),
)


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
    p.due = 0
    if b.linger > 0 and p.length < b.batch:
        p.due = S.messages[p.head].sent + b.linger
    if p.due > S.control[0].now:
        schedule(S, S.control[0].fixed + i, p.due)
    else:
        ready(S, i)


@jit
def hurry(S, part):  # type: ignore[no-untyped-def]
    """A consumer that waits for its batch to fill begins, if it is full."""
    p = S.partitions[part]
    if p.length >= S.buffers[p.buffer].batch and p.due > S.control[0].now:
        p.due = 0
        schedule(S, S.control[0].fixed + p.consumer, NEVER)
        ready(S, np.int64(p.consumer))


@jit
def offer(S, i, buffer, key_register, salt):  # type: ignore[no-untyped-def]
    """Sends to a buffer with a bound; False where no more may wait."""
    b = S.buffers[buffer]
    if b.depth >= b.most:
        b.refused += 1
        return False
    send(S, i, buffer, key_register, salt)
    return True


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
    m.tries = 0
    if t.tracker >= 0:
        S.trackers[t.tracker].pending += 1
    for k in range(S.control[0].n_payload):
        r = S.carried[buffer, k]
        if r >= 0:
            S.payload[n, k] = S.registers[i, r]
    if key_register >= 0:
        part = b.first + np.int64(mix(np.uint64(S.registers[i, key_register])) % np.uint64(b.partitions))
    else:
        part = b.first + b.turn
        b.turn = b.turn + 1 if b.turn + 1 < b.partitions else 0
    enter(S, buffer, part, n)


@inlined
def enter(S, buffer, part, n):  # type: ignore[no-untyped-def]
    """A message is in its partition, behind the others; its consumer is woken."""
    b = S.buffers[buffer]
    touch_buffer(S, buffer)
    b.sent += 1
    b.depth += 1
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
        elif p.due > 0:
            hurry(S, part)


@jit
def take_batch(S, i):  # type: ignore[no-untyped-def]
    """The consumer takes what is there, up to its batch, and goes on as the first message's request; False
    where all that was there was too old.
    """
    t = S.tasks[i]
    p = S.partitions[t.partition]
    b = S.buffers[p.buffer]
    touch_buffer(S, p.buffer)
    if b.keep != NEVER:
        drop_old(S, p, b)
        if p.length == 0:
            return False
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
    t.key = mix(t.request + GOLDEN * np.uint64(1 + first.tries))
    t.start = first.sent
    for k in range(S.control[0].n_payload):
        r = S.carried[p.buffer, k]
        if r >= 0:
            S.registers[i, r] = S.payload[t.message, k]
    if first.tracker >= 0:
        t.tracker = first.tracker
        S.trackers[first.tracker].pending += 1
    return True


@jit
def drop_old(S, p, b):  # type: ignore[no-untyped-def]
    """Drops the messages at the head of a partition that are older than they are kept."""
    while p.head >= 0 and S.control[0].now - S.messages[p.head].sent >= b.keep:
        n = p.head
        p.head = S.messages[n].next
        if p.head < 0:
            p.tail = -1
        p.length -= 1
        b.depth -= 1
        b.expired += 1
        S.meters[b.flow].causes[_TIMED_OUT] += 1
        free_message(S, n)


@jit
def free_message(S, n):  # type: ignore[no-untyped-def]
    """The message is gone; its number will be used again."""
    m = S.messages[n]
    c = S.control[0]
    if m.tracker >= 0:
        untrack(S, m.tracker)
    m.next = c.free_message
    c.free_message = n
    c.messages -= 1


@jit
def deliver_again(S, i, part):  # type: ignore[no-untyped-def]
    """Puts a batch that failed back in front, but for those of its messages that have had all deliveries.

    Those are dead: counted as failed, and sent on to where dead letters go, if anywhere.
    """
    t = S.tasks[i]
    p = S.partitions[part]
    b = S.buffers[p.buffer]
    touch_buffer(S, p.buffer)
    first = np.int64(-1)
    last = np.int64(-1)
    n = t.message
    while n >= 0:
        following = S.messages[n].next
        S.messages[n].next = -1
        S.messages[n].tries += 1
        if S.messages[n].tries >= b.deliveries:
            b.buried += 1
            S.meters[t.flow].causes[t.outcome] += 1
            if b.dead >= 0:
                bury(S, i, p.buffer, np.int64(b.dead), n)
            else:
                free_message(S, n)
        else:
            if last >= 0:
                S.messages[last].next = n
            else:
                first = n
            last = n
            p.length += 1
            b.depth += 1
            b.again += 1
        n = following
    if last >= 0:
        S.messages[last].next = p.head
        if p.head < 0:
            p.tail = last
        p.head = first


@jit
def bury(S, i, source, buffer, n):  # type: ignore[no-untyped-def]
    """A dead letter goes into another buffer, with what that carries of it.

    Sorted out in the registers of the task that could not deal with it, which needs them no more.
    """
    m = S.messages[n]
    b = S.buffers[buffer]
    m.sent = S.control[0].now
    m.tries = 0
    for k in range(S.control[0].n_payload):
        if S.carried[buffer, k] >= 0:
            S.registers[i, S.carried[buffer, k]] = -1
    for k in range(S.control[0].n_payload):
        if S.carried[source, k] >= 0:
            S.registers[i, S.carried[source, k]] = S.payload[n, k]
    for k in range(S.control[0].n_payload):
        if S.carried[buffer, k] >= 0:
            S.payload[n, k] = S.registers[i, S.carried[buffer, k]]
    part = b.first + b.turn
    b.turn = b.turn + 1 if b.turn + 1 < b.partitions else 0
    enter(S, buffer, part, n)


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
    now = S.control[0].now
    part = t.partition
    n = t.message
    if n < 0 and S.partitions[part].length > 0:
        # no worker had room for it: the consumer tries again a little later
        t.pc = S.flows[t.flow].entry
        t.outcome = _DONE
        return now + np.int64(10_000_000)
    b = S.buffers[S.partitions[part].buffer]
    if not well and n >= 0 and (b.deliveries > 1 or b.dead >= 0):
        deliver_again(S, i, part)
        n = np.int64(-1)
    while n >= 0:
        m = S.messages[n]
        if well:
            record(S, t.flow, now - m.sent)
            if m.tracker >= 0:
                caused(S, m.tracker, t.flow)
        else:
            S.meters[t.flow].causes[t.outcome] += 1
        following = m.next
        free_message(S, n)
        n = following
    if well and t.message >= 0:
        follow(S, i)
    t.message = -1
    t.messages = 0
    t.partition = -1
    end_task(S, i)
    p = S.partitions[part]
    p.consumer = -1
    if p.length > 0:
        start_consumer(S, part)
        if (
            p.consumer == i and p.due > now
        ):  # it has this task's number, whose time is set by what is returned
            return np.int64(p.due)
    return NEVER
