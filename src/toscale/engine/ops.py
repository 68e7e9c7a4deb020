"""The instructions as plain numbers, which is what compiled code compares: `from toscale.engine.ops import JUMP`."""

from __future__ import annotations

from toscale.engine.state import Op


def __getattr__(name: str) -> int:
    if name not in Op.__members__:
        raise AttributeError(f"there is no instruction {name}")
    return int(Op[name])
