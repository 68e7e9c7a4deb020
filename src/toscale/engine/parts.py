"""How does the loop reach what few designs need? By a number, through a table of addresses.

What stands behind a number is a part of the interpreter (`toscale.engine.seldom`) that is compiled by itself, so that a
design waits only for the compilation of what it uses, and the loop does not grow with what it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toscale.engine.jit import INTERPRETED, address_of
from toscale.engine.state import PARTS, Op

BOUNDED, CONNECTIONS, FAULTS, GUARDS, REPEATS, SCALING, COPIES = 0, 1, 2, 3, 4, 5, 6
"""The parts."""
WINDOW, TERMS, ABANDON, HAPPEN, CHANGE, STREAM, HEDGES = -1, -2, -3, -4, -5, -6, -7
WAKE, MACHINES, INSTANCES = -8, -9, -10
"""Events that concern a part: a window of a connection ends; leases end; nobody waits any more for what a task stands
in line for; something happens to a connection; a change of the timeline, or a request of its streams; a hedge is
due; the number of machines is looked at; a window of machines that follow the load, or of instances, ends.
"""

_OPS = {
    BOUNDED: "CHOOSE SEE CLAIM AHEAD STASH AWAIT RETURN EXTEND KEEP SWEEP OVER LOOK WRITE PASS IF_HOLDS IF_LEFT",
    CONNECTIONS: "HOLDER REACH IF_OPEN",
    FAULTS: "ROUTE ENTER FAULTY HOT",
    GUARDS: "GUARD REPORT HEDGE DEPOSIT SPEND FLY LAND",
    REPEATS: "REPEAT JUDGE AGAIN VAIN LEAVE LOCK UNLOCK",
    SCALING: "WARM COOL",
    COPIES: "COMMIT COPIED VERSION",
}
PART_OF = np.full(len(Op), -1, dtype=np.int64)
"""The part that has an instruction, by its number; -1: it is in the loop itself, or in `run_step`."""
for _part, _names in _OPS.items():
    PART_OF[[int(Op[name]) for name in _names.split()]] = _part

FUNCTIONS: dict[int, Callable[..., Any]] = {}
"""The parts by their numbers: (state, instruction or event, task or what it concerns, place in the code)."""

if INTERPRETED:

    def call_part(S: Any, part: int, what: int, i: int, pc: int) -> Any:
        """Does an instruction, or what an event asks for, where that part is."""
        return FUNCTIONS[int(part)](S, what, i, pc)

else:
    from toscale.engine.compiled_state import call_part as call_part


def load(state: Any, leaves: dict[int, int]) -> None:
    """Compiles the parts that a run of this state can reach, or loads what was compiled before: those of its
    instructions, and of the kinds of its `leaves` (kind: part).
    """
    if INTERPRETED:
        return
    needed = {int(part) for part in PART_OF[np.unique(state.code["op"])]}
    needed |= {leaves.get(int(kind), -1) for kind in np.unique(state.leaves["kind"])}
    if np.any(state.connections["members"] > 0):  # they are counted at the end of each window
        needed.add(CONNECTIONS)
    if np.any(state.scalers["most"] > 0) or np.any(state.instances["room"] > 0):  # likewise
        needed.add(SCALING)
    for part in needed - {-1}:
        if not PARTS[part]:
            PARTS[part] = address_of(FUNCTIONS[part], 3)
