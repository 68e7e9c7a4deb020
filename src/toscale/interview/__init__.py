"""The session: clock, roles, agreement, and the log that rebuilds it all. It knows no web and no wall clock.

| question | module |
|---|---|
| how long is each phase? | `phases` |
| where does the time go, and until when can a phase be left? | `clock` |
| what work does a phase still lack? | `work` |
| who may do what, who sees what? | `roles` |
| what can happen, and what does it do? | `events`, `state` |
| what can be asked for, and when is it refused? | `commands`, `decider` |
| what reaches someone's browser? | `view` |
| how is it kept and rebuilt? | `log`, `codec` |
| who agreed to what, and what changed since? | `toscale.architecture.agreement`, which needs no room |

A server calls `open_session`, keeps the events, and for each command `decide` and `Session.after`; a browser gets
`seen_by` of the state and `project` of the events. docs/session.md tells it whole.
"""

from toscale.interview.decider import Refusal, decide, may, open_session
from toscale.interview.log import LogError, Session, decode, encode, replay
from toscale.interview.view import project, seen, seen_by

__all__ = [
    "LogError",
    "Refusal",
    "Session",
    "decide",
    "decode",
    "encode",
    "may",
    "open_session",
    "project",
    "replay",
    "seen",
    "seen_by",
]
