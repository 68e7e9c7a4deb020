"""The arrays of a run begin small and grow when they are full, up to a limit.

The interpreter allocates nothing: it comes back where an array is full, and goes on in the larger one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toscale.engine import accounts, copies, locked, members, stores
from toscale.engine.state import (
    ACCOUNT,
    ENTRY,
    LEASE,
    LOCKED,
    SOCKET,
    TASK,
    UNSET,
    WRITE,
    State,
    Status,
    records,
)
from toscale.engine.tree import NEVER, rebuild

ENTRIES = 1 << 20
"""Entries that a state with a store begins with: unused ones take no memory, and to copy many takes long."""

SOCKETS = 1 << 12
"""Members that a state with connections can remember at first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a replication may use at most."""

    tasks: int = 1 << 19  # requests, and parts of them, on their way at one time
    messages: int = 1 << 21
    entries: int = 1 << 23  # keys touched
    sockets: int = 1 << 22  # members whose connections have changed
    events: int = 1 << 40
    accounts: int = 1 << 22  # keys of bounded things touched, and leases


def enlarged(s: State, status: Status, limits: Limits) -> State | None:
    """The state with twice the room of what is full; None where the limit is reached."""
    control = s.control[0]
    match status:
        case Status.TASKS:
            old = len(s.tasks)
            if 2 * old > limits.tasks:
                return None
            keys = s.tree[int(control.leaves) :]
            leaves = power_of_two(int(control.fixed) + 2 * old)
            bits = leaves.bit_length() - 1
            if int(control.window_ends) >= (1 << (63 - bits)) - 1:
                return None
            number = np.arange(len(keys), dtype=np.int64)
            moved = np.full(leaves, NEVER, dtype=np.int64)
            times = keys >> control.leaf_bits
            moved[: len(keys)] = np.where(
                (keys == NEVER) | (times >= (1 << (63 - bits)) - 1), NEVER, (times << bits) | number
            )
            ready = np.zeros(2 * old, dtype=np.int64)
            waiting = int(control.ready_count)
            ready[:waiting] = np.take(
                s.ready,
                np.arange(int(control.ready_head), int(control.ready_head) + waiting),
                mode="wrap",
            )
            control.ready_head = 0
            control.leaves, control.leaf_bits, control.horizon = leaves, bits, (1 << (63 - bits)) - 1
            tasks, control.free = _lengthened(s.tasks, "ahead", int(control.free))
            return s.replaced(
                tasks=tasks, registers=_longer(s.registers, -1), ready=ready, tree=rebuild(moved)
            )
        case Status.MESSAGES:
            if 2 * len(s.messages) > limits.messages:
                return None
            messages, control.free_message = _lengthened(s.messages, "next", int(control.free_message))
            return s.replaced(messages=messages, payload=_longer(s.payload, 0))
        case Status.TRACKERS:
            if 2 * len(s.trackers) > limits.messages:
                return None
            trackers, control.free_tracker = _lengthened(s.trackers, "pending", int(control.free_tracker))
            return s.replaced(trackers=trackers, lasts=_longer(s.lasts, -1))
        case Status.ACCOUNTS:
            return _more_accounts(s, limits)
        case Status.LOCKED:
            if 2 * len(s.locked) > limits.entries:
                return None
            rows, control.free_locked = _lengthened(s.locked, "chain", int(control.free_locked))
            larger = s.replaced(locked=rows, locked_buckets=np.full(4 * len(rows), -1, dtype=np.int32))
            locked.rehash_locked(larger)
            return larger
        case Status.SOCKETS:
            more = 2 * len(s.sockets)
            if more > limits.sockets:
                return None
            sockets = records(SOCKET, more)
            sockets[: len(s.sockets)] = s.sockets
            due = np.zeros((len(s.due), more), dtype=np.int32)
            due[:, : s.due.shape[1]] = s.due
            larger = s.replaced(
                sockets=sockets, due=due, socket_buckets=np.full(2 * more, -1, dtype=np.int32)
            )
            members.rehash_sockets(larger)
            return larger
        case _:
            most = 2 * power_of_two(limits.entries)  # two buckets for each entry, so that chains are short
            more = min(4 * len(s.buckets), most)
            if more <= len(s.buckets):
                return None
            buckets = np.full(more, -1, dtype=np.int32)
            larger = s.replaced(entries=_with_room(s.entries, more // 2), buckets=buckets)
            stores.rehash(larger)
            return larger


def _more_accounts(s: State, limits: Limits) -> State | None:
    """Twice the accounts, leases or writes, where they are nearly used up; two buckets for each account or write."""
    control = s.control[0]
    near = int(control.touches)
    larger: dict[str, Any] = {}
    if int(control.accounts) + near >= len(s.accounts) > 1:
        more = 2 * len(s.accounts)
        if more > limits.accounts:
            return None
        rows = records(ACCOUNT, more)
        rows[: len(s.accounts)] = s.accounts
        larger.update(accounts=rows, account_buckets=np.full(2 * more, -1, dtype=np.int32))
    if int(control.leases) + near >= len(s.leases) > 1:
        if 2 * len(s.leases) > limits.accounts:
            return None
        larger["leases"], control.free_lease = _lengthened(s.leases, "later", int(control.free_lease))
    if int(control.written) + near >= len(s.writes) > 1:
        if 2 * len(s.writes) > limits.entries:
            return None
        larger["writes"], control.free_write = _lengthened(s.writes, "chain", int(control.free_write))
        larger["seen"] = _longer(s.seen, 0)
        larger["write_buckets"] = np.full(4 * len(s.writes), -1, dtype=np.int32)
    state = s.replaced(**larger)
    if "accounts" in larger:
        accounts.rehash(state)
    if "writes" in larger:
        with np.errstate(over="ignore"):  # 64-bit hashes wrap around
            copies.rehash_writes(state)
    control.scarce = 0
    return state


def leases(number: int) -> Any:
    """Leases that are all free."""
    return chained(LEASE, number, "later")


def power_of_two(n: int) -> int:
    """The smallest power of two that is at least n, and at least 2."""
    return 1 << max(1, (n - 1).bit_length())


def chained(dtype: Any, number: int, link: str) -> Any:
    """Records that are all free: each names the next."""
    rows = records(dtype, number)
    _unset(rows)
    rows[link] = np.arange(1, number + 1)
    return rows


def _unset(rows: Any) -> None:
    """Tasks that are free."""
    if rows.dtype == TASK:
        for name in ("pc", *UNSET):
            rows[name] = -1
    if rows.dtype == LOCKED:
        rows["lock"] = -1
    if rows.dtype == WRITE:
        rows["replicated"] = -1


def _lengthened(rows: Any, link: str, free: int) -> tuple[Any, int]:
    """Twice as many records, the new ones in front of the free list."""
    n = len(rows)
    more = records(rows.dtype, 2 * n)
    more[:n] = rows
    _unset(more[n:])
    more[link][n:] = np.arange(n + 1, 2 * n + 1)
    more[link][2 * n - 1] = free
    return more, n


def _with_room(entries: Any, number: int) -> Any:
    if number <= len(entries):
        return entries
    more = records(ENTRY, number)
    more[: len(entries)] = entries
    return more


def _longer(array: Any, fill: int) -> Any:
    return np.concatenate([array, np.full_like(array, fill)])
