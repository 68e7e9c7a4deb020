"""When does what happen next? A winner tree: one leaf for each thing that can happen, the earliest at the
root.

A key is a time in ticks above the number of the leaf, in one 64-bit word, so that an update is a minimum a
level and a cancellation is writing NEVER. A level whose winner stays the same ends the climb.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine.jit import jit

NEVER = np.int64(2**63 - 1)


@jit
def schedule(S, leaf, time):  # type: ignore[no-untyped-def]
    """Sets the time of a leaf; NEVER takes it out."""
    tree = S.tree
    c = S.control[0]
    i = leaf + c.leaves
    winner = NEVER if time >= c.horizon else (time << c.leaf_bits) | leaf
    tree[i] = winner
    while i > 1:  # the winner so far stays in hand: only its opponents are read
        other = tree[i ^ 1]
        if other < winner:
            winner = other
        i >>= 1
        if tree[i] == winner:
            break
        tree[i] = winner


def rebuild(keys: Any) -> Any:
    """The tree over these leaves (a power of two of them), as one array: node 1 is the root."""
    leaves = len(keys)
    tree = np.full(2 * leaves, NEVER, dtype=np.int64)
    tree[leaves:] = keys
    level = leaves
    while level > 1:
        half = level // 2
        tree[half:level] = np.minimum(tree[level : 2 * level : 2], tree[level + 1 : 2 * level : 2])
        level = half
    return tree
