"""What is done again and again? A repetition: its passes, the time between them, and the end that it comes to.

A pass of somebody's flow is a request of its own: its keys are drawn anew. A pass of a component's is the same
request once more, for the same things. A pass that fails, or ends with an answer, is over, and the next one
follows; `in vain` is done when the end comes without the condition, and without it the repetition ends as its
last pass did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toscale.design import flow as language
from toscale.design.parts import Formula, Time
from toscale.engine.laws import Law
from toscale.engine.model import Ended, Measure, Outcome, Repeat, Step, Steps, Test
from toscale.simulate.lowering.ledger import NotComputable
from toscale.simulate.lowering.record import Record
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import Values

__all__ = ["MOST_PASSES", "RepeatLowering"]

MOST_PASSES = 1_000_000_000
"""A repetition of more passes has no bound that a run could reach."""

ANSWERED = Ended((Outcome.DONE, Outcome.ANSWERED))
"""The test of `until: answered`: each step of the pass was answered, by whatever answer."""


@dataclass(frozen=True, slots=True)
class RepeatLowering:
    """Lowers repetitions; `block` lowers the steps inside them, `condition` what they go on until (None: it is not
    simulated, which breaks the flow), `pause` a time that passes; `with_slots` says whether a component has slots.
    `measures` are the names of named steps.
    """

    values: Values
    record: Record
    measures: Mapping[str, str]
    block: Callable[[tuple[language.Step, ...], Scope], Steps]
    condition: Callable[[language.Condition, language.Step, Scope], tuple[list[Step], Test] | None]
    pause: Callable[[Time, Scope], Law]
    with_slots: Callable[[str], bool]

    def repeat(self, step: language.Repeat, scope: Scope) -> Steps:
        path = scope.path(step.path)
        before: list[Step] = []
        until: list[Test] = []
        whole = True
        for condition in step.until:
            if isinstance(condition, language.HeldState) and condition.state == "answered":
                until.append(ANSWERED)
                continue
            found = self.condition(condition, step, scope)
            whole = whole and found is not None
            if found is not None:
                before += found[0]
                until.append(found[1])
        every = None if step.every is None else self.pause(step.every, scope)
        if every is not None and every.mean > 0 and scope.keeps and self.with_slots(scope.caller or ""):
            self.record.lacks(
                scope, f"`{step.path}`: `{scope.caller}` keeps its slot between the passes.", step.place, path
            )
        times = None if step.at_most_times is None else self.passes(step.at_most_times)
        lasts = None if step.at_most_time is None else self.values.time(step.at_most_time)
        touched = scope.touched.begin()
        try:
            body = self.block(step.steps, scope.branch())
        finally:
            scope.touched.end()
        fresh: tuple[str, ...] = ()
        if scope.asks:
            fresh = tuple(sorted(r for r in touched if r.startswith("key:") and r not in scope.known))
        name = self.measures.get(step.path)
        if name is not None and body:
            body = (Measure(name, body),)
        in_vain = self.block(step.in_vain, scope.branch()) if step.in_vain else None
        if not whole:
            return ()
        repeat = Repeat(path, body, every, tuple(until), times, lasts, in_vain, fresh)
        return (*before, repeat)

    def passes(self, formula: Formula) -> int:
        value = self.values.number(formula)
        if value < 1:
            raise NotComputable(f"`{formula.text}` is {value:g}: at least one pass is made", formula.place)
        return round(min(value, MOST_PASSES))
