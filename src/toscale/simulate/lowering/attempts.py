"""What surrounds a step? Its time-out, its retries, what is done when it fails, and whether anyone waits
for it.

A time-out runs per attempt, from the moment of sending, and a retry is a further attempt after a backoff
that doubles, unless `growth` says otherwise. An optional step is given up without harm; an async one is not
waited for.
"""

from __future__ import annotations

from dataclasses import dataclass

from toscale.design import flow as language
from toscale.design.parts import Formula
from toscale.engine.model import HANDLED, Call, Fork, Outcome, Retry, Steps
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.record import Record
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import NEVER, Values

__all__ = ["MOST_RETRIES", "Attempts"]

MOST_RETRIES = 1_000
"""A retry that goes on for longer is a repetition."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Wraps steps in what surrounds them."""

    values: Values
    record: Record
    ledger: Ledger

    def within_reach(self, time: Formula) -> float | None:
        """A time-out in seconds; None where it lies beyond all that is simulated."""
        seconds = self.values.time(time)
        return seconds if seconds < NEVER else None

    def given_up(
        self,
        path: str,
        policies: language.Policies,
        scope: Scope,
        body: Steps,
        handlers: dict[Outcome, Steps],
    ) -> Steps:
        """The body with its time-out, its retries and its handlers."""
        timeout = None if policies.timeout is None else self.within_reach(policies.timeout)
        retry = None if policies.retry is None else self.retry(policies.retry, scope, path)
        if timeout is None and retry is None and not handlers:
            return body
        return (Call(path, body, timeout, retry, handlers),)

    def retry(self, retry: language.Retry, scope: Scope, path: str) -> Retry:
        times = self.values.at_least_zero(retry.times, self.values.number(retry.times))
        if times > MOST_RETRIES:
            raise NotComputable(f"at most {MOST_RETRIES:,} retries can be simulated", retry.place)
        if retry.budget is not None:
            self.record.lacks(
                scope,
                f"`{path}`: the `budget` of retries is not simulated: every failure is tried again.",
                retry.place,
                path,
            )
        backoff = 0.0
        if retry.backoff is not None:
            random = self.values.random(retry.backoff)
            backoff = self.values.law(retry.backoff, 0.0)[0].mean
            if random.spread_given and random.cv:
                self.ledger.note(
                    f"`{path}`: of the backoff `{retry.backoff}` the mean is taken; use `jitter`.",
                    retry.place,
                )
        growth = 2.0 if retry.growth is None else self.values.number(retry.growth)
        if retry.growth is None and times > 1 and backoff > 0:
            self.ledger.default(
                "retries",
                "growth of the backoff",
                "2x",
                "RFC 9110 leaves it open; exponential backoff by 2 is that of Ethernet (Metcalfe and "
                "Boggs, CACM 1976) and of most clients.",
            )
        jitter = 0.0 if retry.jitter is None else self.values.share(retry.jitter)
        return Retry(int(times), backoff, growth, jitter)

    def unawaited(self, path: str, policies: language.Policies, scope: Scope, body: Steps) -> Steps:
        """The body when the request goes on without it: if it is late or fails, or at once."""
        if policies.optional is not None:
            after = policies.optional.after
            timeout = None if after is None else self.within_reach(after)
            body = (Call(f"{path} optional", body, timeout, handlers=dict.fromkeys(HANDLED, ())),)
        if policies.is_async:
            body = (Fork(f"{path} async", body),)
        if policies.breaker is not None:
            self.record.lacks(
                scope,
                f"`{path}`: the breaker is not simulated: calls go on however many fail.",
                policies.breaker.place,
                path,
            )
        if policies.hedge is not None:
            self.record.lacks(
                scope,
                f"`{path}`: the hedge is not simulated: there is one call only.",
                policies.hedge.place,
                path,
            )
        return body
