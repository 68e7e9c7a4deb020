"""What surrounds a step? Its hedge, its time-out, its breaker, its retries, what is done when it fails, and
whether anyone waits for it.

A time-out runs per attempt, from the moment of sending, and a retry is a further attempt after a backoff
that doubles, unless `growth` says otherwise. An optional step is given up without harm; an async one is not
waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from toscale.design import flow as language
from toscale.design.parts import Formula
from toscale.engine.model import HANDLED, Breaker, Call, Fork, Hedge, Outcome, Retry, Steps
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import NEVER, Values

__all__ = ["MOST_RETRIES", "Attempts"]

MOST_RETRIES = 1_000
"""A retry that goes on for longer is a repetition."""
MOST_HEDGES = 100
LEAST_CALLS = 20
"""So many calls must have ended within its time before a breaker opens, unless the file says otherwise."""
MOST_CALLS = 1 << 40


@dataclass(frozen=True, slots=True)
class Attempts:
    """Wraps steps in what surrounds them."""

    values: Values
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
        *,
        bounded: bool = False,
    ) -> Steps:
        """The body with its hedge, time-out, breaker, retries and handlers. `bounded`: it takes a bounded
        thing, and to be refused is an answer.
        """
        timeout = None if policies.timeout is None else self.within_reach(policies.timeout)
        retry = None if policies.retry is None else self.retry(policies.retry, path)
        breaker = None if policies.breaker is None else self.breaker(policies.breaker, scope, bounded)
        hedge = None if policies.hedge is None else self.hedge(policies.hedge)
        if timeout is None and retry is None and breaker is None and hedge is None and not handlers:
            return body
        return (Call(path, body, timeout, retry, handlers, breaker, hedge),)

    def breaker(self, breaker: language.Breaker, scope: Scope, bounded: bool) -> Breaker | None:
        """None where it opens beyond all that is simulated."""
        share = self.values.share(breaker.opens_at)
        over = self.values.time(breaker.over)
        if over <= 0:
            raise NotComputable("a breaker counts errors over a time", breaker.place)
        stays = self.values.time(breaker.tries_again_after)
        if breaker.at_least is None:
            least = LEAST_CALLS
            self.ledger.default(
                scope.flow,
                "fewest calls before a breaker opens",
                f"{LEAST_CALLS} calls within its time",
                "Hystrix: circuitBreaker.requestVolumeThreshold, 20. One failed call is 100% of one. "
                "`at least:` says otherwise.",
            )
        else:
            least = ceil(self.values.at_least_zero(breaker.at_least, self.values.number(breaker.at_least)))
        errors = [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.ENDED]
        if not bounded:  # that nothing is left is an answer; that there is no room in the queue is none
            errors.append(Outcome.REFUSED)
        return Breaker(share, over, min(stays, NEVER), min(max(1, least), MOST_CALLS), tuple(sorted(errors)))

    def hedge(self, hedge: language.Hedge) -> Hedge | None:
        """None where it would be sent beyond all that is simulated."""
        after = self.within_reach(hedge.after)
        most = 1.0
        if hedge.at_most is not None:
            most = self.values.at_least_zero(hedge.at_most, self.values.number(hedge.at_most))
            if most > MOST_HEDGES:
                raise NotComputable(f"at most {MOST_HEDGES} further calls can be simulated", hedge.place)
        return None if after is None or most < 1 else Hedge(after, int(most))

    def retry(self, retry: language.Retry, path: str) -> Retry:
        times = self.values.at_least_zero(retry.times, self.values.number(retry.times))
        if times > MOST_RETRIES:
            raise NotComputable(f"at most {MOST_RETRIES:,} retries can be simulated", retry.place)
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
        budget = None if retry.budget is None else self.values.number(retry.budget)
        if budget is not None and retry.budget is not None:
            budget = self.values.at_least_zero(retry.budget, budget)
        return Retry(int(times), backoff, growth, jitter, budget)

    def unawaited(self, path: str, policies: language.Policies, body: Steps) -> Steps:
        """The body when the request goes on without it: if it is late or fails, or at once."""
        if policies.optional is not None:
            after = policies.optional.after
            timeout = None if after is None else self.within_reach(after)
            body = (Call(f"{path} optional", body, timeout, handlers=dict.fromkeys(HANDLED, ())),)
        if policies.is_async:
            body = (Fork(f"{path} async", body),)
        return body
