"""What starts a flow, where that is no rate? Users who think between their requests, and moments from a file."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite

from toscale.design import flow as language
from toscale.engine.model import Trace, Users
from toscale.quantity.errors import QuantityError
from toscale.quantity.measured import read_measured
from toscale.quantity.units import NUMBER
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.values import NEVER, Values, shown_time

__all__ = ["MOST_USERS", "trace", "users"]

MOST_USERS = 200_000
"""Each user is a task of the engine for the whole run, and so are the calls of those who wait."""
_SINCE_1970 = 1e8
"""Moments that begin here and lie close together are times of day, not told from the beginning of a run."""


def users(loop: language.ClosedLoop, values: Values, ledger: Ledger, flow: str) -> Users:
    """A closed loop; what scales rates scales the number of its users. Raises `NotComputable`."""
    number = round(values.rate(loop.users, NUMBER))
    if number < 1:
        raise NotComputable(f"`{loop.users.text}` is less than one user", loop.users.place)
    if number > MOST_USERS:
        raise NotComputable(
            f"{number:,} users who each wait for their answers are too many: at most {MOST_USERS:,} can be "
            "simulated; give the flow a `rate` instead, which is as good for so many",
            loop.users.place,
        )
    think, by_default = values.law(loop.think, 0.0)
    if by_default:
        ledger.default(
            flow,
            "spread of the time to think",
            f"fixed: {shown_time(think.mean)}",
            "What the file does not mention does not happen: a wait has no spread of its own.",
        )
    return Users(number, think)


def trace(moments: language.Trace, values: Values) -> Trace:
    """The arrivals of a file, as they are; a load that is multiplied comes in as much less time. Raises
    `NotComputable`.
    """
    try:
        found = read_measured(moments.file, moments.place.file or "")
    except QuantityError as error:
        raise NotComputable(
            error.message[:1].lower() + error.message[1:].rstrip("."), moments.place
        ) from None
    for earlier, later in pairwise(found):
        if later < earlier:
            raise NotComputable(
                f"in `{moments.file}` the moment {later:.10g} s stands behind {earlier:.10g} s, and moments of "
                "arrival ascend",
                moments.place,
            )
    if found[0] > _SINCE_1970 and found[-1] - found[0] < found[0] / 10:
        raise NotComputable(
            f"the moments in `{moments.file}` begin at {found[0]:.10g} s, which seems to be a time of day: they are "
            "told from the beginning of the run, so subtract the first from each",
            moments.place,
        )
    factor = values.rate_factor
    times = tuple(moment / factor for moment in found)
    if not (isfinite(times[-1]) and times[-1] < NEVER):
        raise NotComputable(f"`{moments.file}` lasts longer than the clock runs, 285 years", moments.place)
    return Trace(times)
