"""Where does the time go, and until when can this phase still be left? One constraint over four phases.

The clock holds what happened: the schedule, and the spans of running time that each phase had. All else is
read from that at a given moment: nothing ticks, so a restart or a browser asleep changes nothing. A pause
takes no running time. Phases may be entered in any order, and again.

The constraint is that each phase gets its minimum within the length. What a phase still lacks is its need;
as long as the needs fit into the time that is left, the minima *can be honoured*, by whoever wants to. Time
beyond the length honours nothing. So once they cannot be honoured they never can again, unless the session
is made longer, and there is one instant since when they cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from toscale.interview.phases import PHASES, Four, Phase, Schedule

__all__ = ["Borrowed", "Clock", "Loan", "PhaseReading", "Reading", "Span", "Status", "lendable", "read"]


class Status(StrEnum):
    """Whether time passes."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Span:
    """A phase's own stretch of running time, in milliseconds since the start, pauses left out."""

    phase: Phase
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Loan:
    """Minutes of the plan that went to a phase from another, or from nowhere: the session then got longer.
    `at` is the running time when they were lent.
    """

    source: Phase | None
    to: Phase
    amount: int
    at: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The schedule and the spans so far. `resumed` is the moment since when the present phase runs, None
    unless it runs; `phase` is None before the start only.
    """

    schedule: Schedule
    status: Status = Status.WAITING
    phase: Phase | None = None
    spans: tuple[Span, ...] = ()
    resumed: int | None = None
    loans: tuple[Loan, ...] = ()

    def elapsed(self, now: int) -> int:
        """The running time until a moment; a moment before the last change counts as that change."""
        done = self.spans[-1].end if self.spans else 0
        return done if self.resumed is None else done + max(0, now - self.resumed)

    def at(self, now: int) -> Clock:
        """The same clock with the running time until a moment in its spans."""
        if self.resumed is None or self.phase is None or now <= self.resumed:
            return self
        start, spans = self.elapsed(self.resumed), self.spans
        if spans and spans[-1].phase is self.phase:
            start, spans = spans[-1].start, spans[:-1]
        return replace(self, spans=(*spans, Span(self.phase, start, self.elapsed(now))), resumed=now)

    # What happens to a clock. Each raises ValueError where it cannot happen.

    def started(self, now: int) -> Clock:
        self._must_be(Status.WAITING)
        return replace(self, status=Status.RUNNING, phase=PHASES[0], resumed=now)

    def moved(self, phase: Phase, now: int) -> Clock:
        self._must_be(Status.RUNNING, Status.PAUSED)
        if phase is self.phase:
            raise ValueError(f"this is the {phase.called} already")
        return replace(self.at(now), phase=phase)

    def paused(self, now: int) -> Clock:
        self._must_be(Status.RUNNING)
        return replace(self.at(now), status=Status.PAUSED, resumed=None)

    def went_on(self, now: int) -> Clock:
        self._must_be(Status.PAUSED)
        return replace(self, status=Status.RUNNING, resumed=now)

    def ended(self, now: int) -> Clock:
        self._must_be(Status.RUNNING, Status.PAUSED)
        return replace(self.at(now), status=Status.ENDED, resumed=None)

    def lent(self, source: Phase | None, to: Phase, amount: int, now: int) -> Clock:
        self._must_be(Status.WAITING, Status.RUNNING, Status.PAUSED)
        if amount <= 0 or source is to:
            raise ValueError("what is lent goes from one phase to another")
        schedule = self.schedule.lent(source, to, amount)
        loan = Loan(source, to, amount, self.elapsed(now))
        return replace(self, schedule=schedule, loans=(*self.loans, loan))

    def _must_be(self, *status: Status) -> None:
        if self.status not in status:
            raise ValueError(f"the clock is {self.status}, not {' or '.join(status)}")


@dataclass(frozen=True, slots=True)
class PhaseReading:
    """One phase at a moment. All are running times, or spans of them, in milliseconds.

    `minimum`, `maximum` and `plan` are its bounds and its plan, loans included. `spent` is what it had; `need`
    what it still lacks of its minimum. `forecast` is what it will have had at the end if, from here on, the
    plan is kept as far as time allows. `latest` is when it can be left at the latest without starving
    another, None for a phase that was left; it may be in the past. `over` says which line was crossed.
    """

    phase: Phase
    minimum: int
    maximum: int
    plan: int
    spent: int
    need: int
    forecast: int
    latest: int | None
    over: str | None


@dataclass(frozen=True, slots=True)
class Borrowed:
    """What was overdrawn so far is taken, in the forecast, from this phase."""

    source: Phase
    amount: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The clock at a moment. `remaining` is negative beyond the length.

    `honourable` says whether the four minima can still be honoured, and `starved_since` the running time
    since when they cannot; exactly one of the two says so. `borrowed` is where the forecast takes the
    overdrawn time from, `unfunded` what it finds nowhere, and `spare` what nobody needs.
    """

    status: Status
    phase: Phase | None
    elapsed: int
    length: int
    remaining: int
    phases: tuple[PhaseReading, PhaseReading, PhaseReading, PhaseReading]
    honourable: bool
    starved_since: int | None
    borrowed: tuple[Borrowed, ...]
    unfunded: int
    spare: int
    loans: tuple[Loan, ...]

    def of(self, phase: Phase) -> PhaseReading:
        """One of the phases."""
        return self.phases[phase.position]


def read(clock: Clock, now: int) -> Reading:
    """Everything that the clock knows at a moment."""
    clock = clock.at(now)
    schedule, elapsed = clock.schedule, clock.elapsed(now)
    spent = _spent(clock.spans)
    needs = _needs(schedule, clock.spans)
    since = _starved_since(clock)
    taken, unfunded = _taken(clock, spent)
    forecast = [_expected(clock, phase, spent) - taken[phase.position] for phase in PHASES]
    ahead = schedule.length - sum(needs)
    phases = tuple(
        PhaseReading(
            phase=phase,
            minimum=schedule.minima[i],
            maximum=schedule.maxima[i],
            plan=schedule.plan[i],
            spent=spent[i],
            need=needs[i],
            forecast=forecast[i],
            # Behind this phase come the needs of all others, but for those between now and then.
            latest=ahead + sum(needs[_first(clock) : i + 1]) if _is_ahead(clock, phase) else None,
            over="maximum"
            if spent[i] > schedule.maxima[i]
            else "plan"
            if spent[i] > schedule.plan[i]
            else None,
        )
        for i, phase in enumerate(PHASES)
    )
    return Reading(
        status=clock.status,
        phase=clock.phase,
        elapsed=elapsed,
        length=schedule.length,
        remaining=schedule.length - elapsed,
        phases=(phases[0], phases[1], phases[2], phases[3]),
        honourable=since is None,
        starved_since=since,
        borrowed=tuple(Borrowed(phase, taken[phase.position]) for phase in PHASES if taken[phase.position]),
        unfunded=unfunded,
        spare=max(0, schedule.length - sum(forecast)),
        loans=clock.loans,
    )


def lendable(clock: Clock, source: Phase, to: Phase, now: int) -> int:
    """How much can be lent at most: the source keeps its minimum and what it has had, and the other stays
    within its maximum.
    """
    spent = _spent(clock.at(now).spans)
    schedule = clock.schedule
    spares = schedule.plan[source.position] - max(schedule.minima[source.position], spent[source.position])
    takes = schedule.maxima[to.position] - schedule.plan[to.position]
    return max(0, min(spares, takes))


def _spent(spans: tuple[Span, ...], until: int | None = None) -> Four:
    spent = [0, 0, 0, 0]
    for span in spans:
        end = span.end if until is None else min(span.end, until)
        spent[span.phase.position] += max(0, end - span.start)
    return spent[0], spent[1], spent[2], spent[3]


def _needs(schedule: Schedule, spans: tuple[Span, ...]) -> Four:
    """What each phase lacks of its minimum; time beyond the length does not count."""
    within = _spent(spans, schedule.length)
    first, second, third, fourth = (
        max(0, least - had) for least, had in zip(schedule.minima, within, strict=True)
    )
    return first, second, third, fourth


def _starved_since(clock: Clock) -> int | None:
    """The running time since when the minima cannot be honoured, by the schedule as it is now.

    While a phase runs, its own need falls as fast as the time that is left; so the needs of the others fit
    until exactly they are left.
    """
    schedule, spans = clock.schedule, clock.spans
    for count, span in enumerate(spans):
        needs = _needs(schedule, spans[:count])
        others = sum(needs) - needs[span.phase.position]
        if others and span.end > schedule.length - others:
            return schedule.length - others
    # Nothing is left of a session that has ended, or that has used up its length.
    elapsed = spans[-1].end if spans else 0
    left = 0 if clock.status is Status.ENDED else max(0, schedule.length - elapsed)
    return elapsed if sum(_needs(schedule, spans)) > left else None


def _first(clock: Clock) -> int:
    """The index of the present phase; of the first before the start."""
    return 0 if clock.phase is None else clock.phase.position


def _is_ahead(clock: Clock, phase: Phase) -> bool:
    """Whether a phase runs or is to come, in the order of the method."""
    return clock.status is not Status.ENDED and phase.position >= _first(clock)


def _expected(clock: Clock, phase: Phase, spent: Four) -> int:
    """What a phase will have had if the plan is kept: a phase that was left gets no more."""
    had = spent[phase.position]
    return max(had, clock.schedule.plan[phase.position]) if _is_ahead(clock, phase) else had


def _taken(clock: Clock, spent: Four) -> tuple[Four, int]:
    """What the forecast takes from each phase, and what it finds nowhere.

    The phase with the most to spare gives first, down to its minimum: from one source if it can be, so that
    it can be said in a sentence.
    """
    taken = [0, 0, 0, 0]
    lacking = max(0, sum(_expected(clock, phase, spent) for phase in PHASES) - clock.schedule.length)
    spares = {
        phase: clock.schedule.plan[phase.position]
        - max(clock.schedule.minima[phase.position], spent[phase.position])
        for phase in PHASES
        if _is_ahead(clock, phase)
    }
    for phase, spare in sorted(spares.items(), key=lambda pair: -pair[1]):
        amount = min(lacking, max(0, spare))
        taken[phase.position] = amount
        lacking -= amount
    return (taken[0], taken[1], taken[2], taken[3]), lacking
