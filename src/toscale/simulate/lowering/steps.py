"""What does a step of a flow become? Visits, look-ups, branches and groups, with what surrounds them:
time-outs, retries, handlers.

A step whose meaning the engine does not have yet breaks its flow, which is then left out whole; one that
only loses a refinement (a lock, say) is simulated without it. Both are written down with their
places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toscale.design import flow as language
from toscale.design.model import Design
from toscale.design.parts import NOWHERE, Formula, Time
from toscale.engine.laws import Law
from toscale.engine.model import (
    Attribute,
    Chance,
    Compare,
    Each,
    End,
    If,
    Measure,
    Number,
    Outcome,
    Parallel,
    Pause,
    Register,
    Request,
    Step,
    Steps,
    Test,
    Work,
    walk,
)
from toscale.simulate.lowering.attempts import Attempts
from toscale.simulate.lowering.bounded import Bounds
from toscale.simulate.lowering.calls import CallLowering
from toscale.simulate.lowering.connections import Connections
from toscale.simulate.lowering.entities import SIZE_REGISTER, Entities, Held
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.machines import Machines
from toscale.simulate.lowering.operations import Operations
from toscale.simulate.lowering.record import Record
from toscale.simulate.lowering.repeat import RepeatLowering
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import Values, shown_time
from toscale.simulate.lowering.wire import Wire

__all__ = ["MOST_STEPS", "StepLowering", "TooManySteps"]

MOST_STEPS = 20_000
MOST_RUNS = 20


class TooManySteps(Exception):
    """The flows have more steps, once those that they run are put in, than can be simulated."""


@dataclass(slots=True)
class StepLowering:
    """Lowers the steps of flows. `measures` are the names of the named steps in the figures, by path; `record`
    collects what the flows use and why some cannot be simulated.
    """

    design: Design
    values: Values
    machines: Machines
    wire: Wire
    entities: Entities
    operations: Operations
    attempts: Attempts
    record: Record
    ledger: Ledger
    measures: Mapping[str, str]
    bounds: Bounds
    connections: Connections
    count: int = 0
    calls: CallLowering = field(init=False)
    repeats: RepeatLowering = field(init=False)

    def __post_init__(self) -> None:
        self.calls = CallLowering(
            self.values,
            self.machines,
            self.wire,
            self.operations,
            self.attempts,
            self.record,
            self.ledger,
            self.bounds,
            self.connections,
            self.block,
        )
        self.repeats = RepeatLowering(
            self.values,
            self.record,
            self.measures,
            self.block,
            self.condition,
            self.pause,
            self.machines.with_slots,
        )

    def finish(self) -> None:
        """To be called when all flows are lowered."""
        self.wire.say_outside()

    # ---- blocks ------------------------------------------------

    def block(self, steps: tuple[language.Step, ...], scope: Scope) -> Steps:
        """Steps in order."""
        lowered: list[Step] = []
        for step in steps:
            made = self.step(step, scope)
            if scope.asks and isinstance(step, language.Call) and self.answers(made):
                if step is not steps[-1] or steps is not self.design.flows[scope.flow].steps:
                    made = (Request(f"{scope.path(step.path)} request", made),)
            lowered += made
        return tuple(lowered)

    def answers(self, steps: Steps) -> bool:
        """Whether an answer may end the request that these steps are."""
        return any(isinstance(step, End) and step.outcome is Outcome.ANSWERED for step in walk(steps))

    def step(self, step: language.Step, scope: Scope) -> Steps:
        """One step, as one or several; none where it does nothing, or breaks its flow."""
        self.count += 1
        if self.count > MOST_STEPS:
            raise TooManySteps
        try:
            made = self.kind_of(step, scope)
        except NotComputable as error:
            place = error.place if error.place != NOWHERE else step.place
            text = f"`{step.path}`: {error.because}."
            self.record.breaks(scope, text, place, scope.path(step.path))
            return ()
        name = self.measures.get(step.path)
        if name is None or not made or isinstance(step, language.Repeat):  # which names its passes
            return made
        return (Measure(name, made),)

    def kind_of(self, step: language.Step, scope: Scope) -> Steps:
        path = scope.path(step.path)
        match step:
            case language.Call():
                return self.calls.call(step, scope)
            case language.Each():
                return self.each(step, scope)
            case language.Parallel():
                return self.parallel(step, scope)
            case language.If():
                return self.branch(step, scope)
            case language.Wait():
                return self.wait(step, scope)
            case language.RunFlow():
                return self.run(step, scope)
            case language.Answer(code=code):
                return (End(path, Outcome.ENDED if code >= 500 else Outcome.ANSWERED, code),)
            case language.Stop():
                return (End(path, Outcome.STOPPED),)
            case language.GoOn():
                return ()
            case language.Repeat():
                return self.repeats.repeat(step, scope)

    # ---- groups ------------------------------------------------

    def each(self, step: language.Each, scope: Scope) -> Steps:
        """The same steps for each of a number of things, or for each batch of them."""
        path = scope.path(step.path)
        count, needed = self.how_many(step, scope)
        before = scope.draw(path, needed)
        batch = 1 if step.batch is None else self.whole(step.batch)
        at_once: int | None = 1
        if step.at_once == "all":
            at_once = None
            if isinstance(count, Attribute) and count.law.cap < MOST_STEPS:
                at_once = max(1, int(count.law.cap))  # there are never more
        elif isinstance(step.at_once, Formula):
            at_once = self.whole(step.at_once)
        items = dict(scope.items)
        if step.called is not None:
            items[step.called] = self.item(step)
        over = self.bounds.over(step.of, step, None)
        sweeps = step.of.entity if isinstance(step.of, language.HeldSet) else scope.sweeps
        inner = scope.branch(items=items, in_batch=True, keeps=True, sweeps=sweeps)
        block = scope.touched.begin()
        try:
            body = self.block(step.then, inner)
        finally:
            scope.touched.end()
        fresh = tuple(sorted(name for name in block if name.startswith("key:") and name not in scope.known))
        made = Each(path, count, body, batch, at_once, SIZE_REGISTER, fresh)
        handled = self.attempts.given_up(
            path, step.policies, scope, (made,), self.calls.handlers(step.on, scope)
        )
        return (*over, *before, *self.attempts.unawaited(path, step.policies, handled))

    def how_many(self, step: language.Each, scope: Scope) -> tuple[Number, tuple[Held, ...]]:
        of = step.of
        if isinstance(of, language.Replicas):
            part = self.machines.parts.get(of.component)
            if part is None:
                raise NotComputable(f"`{of.component}` has no replicas", step.place)
            self.ledger.note(
                f"`{step.path}`: each pass goes to a machine of `{of.component}` by its policy: with "
                "round robin to each once.",
                step.place,
            )
            if part.station.scaling is not None:
                self.ledger.missing(
                    f"`{step.path}`: it is done for {part.machines} machines of `{of.component}`, however many "
                    "there are.",
                    step.place,
                    path=step.path,
                )
            return float(part.machines), ()
        if step.excluding is not None and isinstance(of, language.AttributePath):
            self.ledger.note(
                f"`{step.path}`: who is left out (`except: {step.excluding}`) is counted as one of them: "
                "one less on average.",
                step.place,
            )
            return self.entities.number(of, scope.items, less=1)
        return self.operations.whole(of, scope)

    def whole(self, formula: Formula) -> int:
        value = self.values.number(formula)
        if value < 1:
            raise NotComputable(f"`{formula.text}` is {value:g}, and must be at least 1", formula.place)
        return round(min(value, 1e9))

    def item(self, step: language.Each) -> str | None:
        """The entity of the items of an `each`: that at the end of its relation."""
        if not isinstance(step.of, language.AttributePath):
            return None
        for entity in self.design.data.values():
            relation = entity.has_many.get(step.of.names[-1])
            if relation is not None:
                return relation.of
        return None

    def parallel(self, step: language.Parallel, scope: Scope) -> Steps:
        path = scope.path(step.path)
        before = self.inserts(step, scope, path)
        branches = tuple(self.block(branch, scope.branch(keeps=True)) for branch in step.branches)
        wait: int | None = None
        if step.wait == "any":
            wait = 1
        elif isinstance(step.wait, Formula):
            wait = self.whole(step.wait)
            if wait > len(branches):
                raise NotComputable(f"it waits for {wait} of {len(branches)} branches", step.place)
        body: Steps = (Parallel(path, branches, wait),)
        handled = self.attempts.given_up(
            path, step.policies, scope, body, self.calls.handlers(step.on, scope)
        )
        return (*before, *self.attempts.unawaited(path, step.policies, handled))

    def inserts(self, step: language.Parallel, scope: Scope, path: str) -> list[Step]:
        """New keys are made before the branches part, so that what comes behind them knows the keys too."""
        made: list[Step] = []
        for branch in step.branches:
            for each in branch:
                if (
                    isinstance(each, language.Call)
                    and each.operation == "insert"
                    and each.entity
                    and each.keys is None
                ):
                    made += scope.make(path, self.entities.key(each.entity, each.of))
        return made

    def branch(self, step: language.If, scope: Scope) -> Steps:
        found = self.condition(step.condition, step, scope)
        then = self.block(step.then, scope.branch())
        otherwise = self.block(step.otherwise, scope.branch())
        return () if found is None else (*found[0], If(scope.path(step.path), found[1], then, otherwise))

    def condition(
        self, condition: language.Condition, step: language.Step, scope: Scope
    ) -> tuple[list[Step], Test] | None:
        """The steps that draw what a condition needs, and its test; None where it breaks the flow."""
        path = scope.path(step.path)
        before: list[Step] = []
        test: Test
        match condition:
            case language.Chance(share):
                test = Chance(self.values.share(share))
            case language.Comparison(left, comparator, right):
                one, first = self.entities.operand(left, scope.items)
                other, second = self.entities.operand(right, scope.items)
                before += scope.draw(path, (*first, *second))
                test = Compare(one, comparator, other)
                for number in (one, other):
                    if isinstance(number, Register):
                        scope.touched.add(number.name)
            case held:
                bound = self.bounds.test(held, scope)
                connected = None if bound is not None else self.connections.test(held, scope, path)
                if bound is not None:
                    test = bound
                elif connected is not None:
                    before += connected[0]
                    test = connected[1]
                else:
                    text = f"`{step.path}`: conditions on what is held are not simulated yet."
                    self.record.breaks(scope, text, step.place, path)
                    return None
        return before, test

    def wait(self, step: language.Wait, scope: Scope) -> Steps:
        path = scope.path(step.path)
        law = self.pause(step.time, scope)
        if scope.keeps and self.machines.with_slots(scope.caller or ""):
            self.record.lacks(
                scope, f"`{step.path}`: `{scope.caller}` keeps its slot during this wait.", step.place, path
            )
        return (Pause(path, Work.of(law)),) if law.mean > 0 else ()

    def pause(self, time: Time, scope: Scope) -> Law:
        """A wait of somebody; without a shape it is fixed."""
        law, by_default = self.values.law(time, 0.0)
        if by_default:
            self.ledger.default(
                scope.flow,
                "spread of a wait",
                f"fixed: {shown_time(law.mean)}",
                "What the file does not mention does not happen: a wait has no spread of its own.",
            )
        return law

    def run(self, step: language.RunFlow, scope: Scope) -> Steps:
        """The steps of another flow, in place."""
        flow = self.design.flows.get(step.flow)
        if flow is None:
            raise NotComputable(f"there is no flow `{step.flow}`", step.place)
        if step.flow in scope.running or step.flow == scope.flow:
            raise NotComputable(f"`{step.flow}` runs itself", step.place)
        if len(scope.running) >= MOST_RUNS:
            raise NotComputable(f"flows run each other more than {MOST_RUNS} deep", step.place)
        prefix = f"{scope.path(step.path)}/"
        return self.block(flow.steps, scope.within(prefix=prefix, running=(*scope.running, step.flow)))
