"""What does a step of a flow become? Visits, look-ups, branches and groups, with what surrounds them:
time-outs, retries, handlers.

A step whose meaning the engine does not have yet breaks its flow, which is then left out whole; one that
only loses a refinement (a breaker, a hedge) is simulated without it. Both are written down with their
places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toscale.design import flow as design
from toscale.design.model import Design
from toscale.design.parts import NOWHERE, Formula, Place, Time
from toscale.engine.laws import Law
from toscale.engine.model import (
    HANDLED,
    Attribute,
    Chance,
    Compare,
    Delay,
    Each,
    End,
    Flag,
    If,
    Measure,
    Number,
    Outcome,
    Parallel,
    Set,
    Step,
    Steps,
    Test,
    Visit,
    Work,
)
from toscale.simulate.lowering.attempts import Attempts
from toscale.simulate.lowering.entities import SIZE_REGISTER, Entities, Held
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.machines import Machines, Part
from toscale.simulate.lowering.operations import FOUND, NONE_FOUND, Operation, Operations
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import Values, shown_time
from toscale.simulate.lowering.wire import Wire

__all__ = ["MOST_STEPS", "StepLowering", "TooManySteps"]

MOST_STEPS = 20_000
_BOUNDED = ("take", "queue for", "extend", "keep", "give back")
_OUTCOMES: dict[str, tuple[Outcome, ...]] = {
    "refused": (Outcome.REFUSED,),
    "failed": (Outcome.FAILED, Outcome.TIMED_OUT),
    "timed out": (Outcome.TIMED_OUT,),
    "busy": (Outcome.BUSY,),
}
"""Which outcomes a handler of the language handles; `timed out` is a `failed` that may be handled apart
from it.
"""


class TooManySteps(Exception):
    """The flows have more steps, once those that they run are put in, than can be simulated."""


@dataclass(slots=True)
class StepLowering:
    """Lowers the steps of flows. `broken` collects, for each flow, why its meaning cannot be simulated yet.

    `measures` are the names of the named steps in the figures, by path; `used` the components that are
    called, `actors` the actors that are called at the end of a connection; `sends` the buffers that each
    flow sends to.
    """

    design: Design
    values: Values
    machines: Machines
    wire: Wire
    entities: Entities
    operations: Operations
    attempts: Attempts
    ledger: Ledger
    measures: Mapping[str, str]
    count: int = 0
    broken: dict[str, list[str]] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)
    actors: set[str] = field(default_factory=set)
    sends: dict[str, set[str]] = field(default_factory=dict)

    # ---- what is missing ------------------------------------------------

    def breaks(self, scope: Scope, text: str, place: Place, path: str) -> None:
        """The flow cannot be simulated because of this."""
        because = text[:1].lower() + text[1:].rstrip(".")
        self.broken.setdefault(scope.flow, []).append(because)
        self.ledger.missing(text, place, path=path, flow=scope.flow, left_out=True)

    def lacks(self, scope: Scope, text: str, place: Place, path: str) -> None:
        """The flow is simulated without this."""
        self.attempts.lacks(scope, text, place, path)

    def finish(self) -> None:
        """To be called when all flows are lowered."""
        self.wire.say_outside()

    def use(self, scope: Scope, component: str) -> None:
        self.used.setdefault(component, set()).add(scope.flow)

    # ---- blocks ------------------------------------------------

    def block(self, steps: tuple[design.Step, ...], scope: Scope) -> Steps:
        """Steps in order."""
        lowered: list[Step] = []
        for step in steps:
            lowered += self.step(step, scope)
        return tuple(lowered)

    def step(self, step: design.Step, scope: Scope) -> Steps:
        """One step, as one or several; none where it does nothing, or breaks its flow."""
        self.count += 1
        if self.count > MOST_STEPS:
            raise TooManySteps
        try:
            made = self.kind_of(step, scope)
        except NotComputable as error:
            place = error.place if error.place != NOWHERE else step.place
            text = f"`{step.path}`: {error.because}."
            self.breaks(scope, text, place, scope.path(step.path))
            return ()
        name = self.measures.get(step.path)
        return (Measure(name, made),) if name is not None and made else made

    def kind_of(self, step: design.Step, scope: Scope) -> Steps:
        path = scope.path(step.path)
        match step:
            case design.Call():
                return self.call(step, scope)
            case design.Each():
                return self.each(step, scope)
            case design.Parallel():
                return self.parallel(step, scope)
            case design.If():
                return self.branch(step, scope)
            case design.Wait():
                return self.wait(step, scope)
            case design.RunFlow():
                return self.run(step, scope)
            case design.Answer(code=code):
                return (End(path, Outcome.ENDED if code >= 500 else Outcome.ANSWERED, code),)
            case design.Stop():
                return (End(path, Outcome.STOPPED),)
            case design.GoOn():
                return ()
            case design.Repeat():
                self.breaks(scope, f"`{step.path}`: repetitions are not simulated yet.", step.place, path)
                self.look_into(scope, step.steps, step.in_vain)
                return ()

    def look_into(self, scope: Scope, *blocks: tuple[design.Step, ...]) -> None:
        """Goes through what is below a step that is not simulated, so that it is known what else is missing
        and what it uses.
        """
        for block in blocks:
            self.block(block, scope.branch())

    # ---- calls ------------------------------------------------

    def call(self, step: design.Call, scope: Scope) -> Steps:
        route = self.route(step, scope)
        path = scope.path(step.path)
        self.name_what_it_lacks(step, scope, path)
        operation = self.last(step, scope, route)
        if operation is None:
            self.look_into(scope, *step.on.values())
            return ()
        return (*operation.before, *self.around(step, scope, operation, route))

    def route(self, step: design.Call, scope: Scope) -> tuple[str, ...]:
        """The places that the request passes from where it is. A route through the component that has it
        begins there.
        """
        caller = scope.caller
        if caller in step.route and caller in self.machines.parts:
            rest = step.route[step.route.index(caller) + 1 :]
            if step.route[0] != caller:
                self.ledger.note(
                    f"`{step.path}`: the request is at `{caller}` already, and is not sent there again.",
                    step.place,
                )
            return rest
        return step.route

    def last(self, step: design.Call, scope: Scope, route: tuple[str, ...]) -> Operation | None:
        """What the last one of the route does, called by the one before it; None where that breaks the
        flow.
        """
        path = scope.path(step.path)
        for name in route:
            self.use(scope, name)
        if not route:
            return self.at_work(step, scope, path)
        target = route[-1]
        caller = route[-2] if len(route) > 1 else scope.caller
        part = self.machines.parts.get(target)
        if part is None:
            return self.to_actor(step, scope, target, caller, path)

        def then() -> Steps:
            return self.block(step.then, scope.within(caller=target))

        if step.operation is None:
            if part.component.is_async:
                return Operation((), (*self.visit(step, part, caller, path, (), scope), *then()))
            return Operation((), self.visit(step, part, caller, path, then(), scope))
        if step.operation in _BOUNDED:
            text = f"`{step.path}`: bounded things (`{step.operation}`) are not simulated yet."
            self.breaks(scope, text, step.place, path)
            then()
            return None
        if step.operation == "send":
            self.sends.setdefault(scope.flow, set()).add(part.name)
            if step.rows is not None or step.keys is not None:
                self.lacks(
                    scope,
                    f"`{step.path}` sends one message: `rows` and `keys` of a `send` are not simulated.",
                    step.place,
                    path,
                )
            return self.operations.send(step, part, scope, caller)
        if part.is_buffer or part.station.shards == 0:
            raise NotComputable(f"a {part.kind.name} accepts no `{step.operation}`", step.place)
        return self.operations.operation(step, part, scope, caller, then)

    def visit(
        self, step: design.Call, part: Part, caller: str | None, path: str, then: Steps, scope: Scope
    ) -> Steps:
        """A call that takes a time."""
        return (
            Visit(
                path, part.name, self.work_of(step, part, scope), self.wire.link(caller, part.name), body=then
            ),
        )

    def work_of(self, step: design.Call, part: Part, scope: Scope) -> Work | None:
        if step.time is None:
            return self.machines.own_work(part)
        if scope.batch > 1 and not step.per_batch:
            self.ledger.note(
                f"`{step.path}` takes its time once for a batch, however many messages it has: say `per "
                "batch`.",
                step.place,
            )
        law, by_kind = self.values.law(step.time, part.kind.cv.value)
        if by_kind:
            self.machines.spread(part)
        return Work.of(law) if law.mean > 0 else None

    def at_work(self, step: design.Call, scope: Scope, path: str) -> Operation:
        """More work of the component that has the request: no new slot is taken."""
        part = self.machines.parts[scope.caller or ""]
        if step.operation is not None:
            raise NotComputable(f"`{part.name}` cannot do `{step.operation}` at itself yet", step.place)
        work = self.work_of(step, part, scope)
        if work is not None and part.station.cores is not None:
            self.lacks(
                scope,
                f"`{step.path}`: this further work of `{part.name}` takes its time, but no core.",
                step.place,
                path,
            )
        then = self.block(step.then, scope.within())
        return Operation((), (*(() if work is None else (Delay(path, work),)), *then))

    def to_actor(
        self, step: design.Call, scope: Scope, actor: str, caller: str | None, path: str
    ) -> Operation:
        """Somebody at the end of a connection is called: no slot, only the way and the time."""
        self.actors.add(actor)
        law = Law.fixed(0.0) if step.time is None else self.values.law(step.time, 0.0)[0]
        work = Work.of(law) if law.mean > 0 else None
        then = self.block(step.then, scope.within(caller=actor))
        return Operation((), (Visit(path, actor, work, self.wire.link(caller, actor), body=then),))

    def passing(self, path: str, scope: Scope, route: tuple[str, ...], body: Steps) -> Steps:
        """The body, called by the last but one of the route: each before it holds its slot meanwhile."""
        for index in range(len(route) - 2, -1, -1):
            part = self.machines.parts[route[index]]
            caller = route[index - 1] if index else scope.caller
            link = self.wire.link(caller, part.name)
            work = self.machines.own_work(part)
            own = f"{path} @ {part.name}"
            if part.component.is_async:
                body = (Visit(own, part.name, work, link), *body)
            else:
                body = (Visit(own, part.name, work, link, body=body),)
        return body

    def around(self, step: design.Call, scope: Scope, operation: Operation, route: tuple[str, ...]) -> Steps:
        """The call with its time-out, retries and handlers; what follows a miss; and whether anyone waits
        for it.
        """
        path = scope.path(step.path)
        if operation.hit is not None:
            inner = scope if len(route) < 2 else scope.within(caller=route[-2])
            body = self.looked_up(step, inner, operation, self.handlers(step.on, inner))
            return self.attempts.unawaited(path, step.policies, scope, self.passing(path, scope, route, body))
        if "miss" in step.on:
            self.ledger.note(
                f"`{step.path}`: `{step.target}` keeps what it is given, and never misses.", step.place
            )
        handlers = self.handlers(step.on, scope)
        if self.forgets(step, route):  # a failed put is ignored
            handlers = {**dict.fromkeys(HANDLED, ()), **handlers}
        body = self.attempts.given_up(
            path, step.policies, scope, self.passing(path, scope, route, operation.call), handlers
        )
        return self.attempts.unawaited(path, step.policies, scope, body)

    def forgets(self, step: design.Call, route: tuple[str, ...]) -> bool:
        part = self.machines.parts.get(route[-1]) if route else None
        return step.operation == "put" and part is not None and part.may_miss

    def looked_up(
        self, step: design.Call, scope: Scope, operation: Operation, handlers: dict[Outcome, Steps]
    ) -> Steps:
        """A look-up that may miss. One that fails or times out behaves as a miss, unless the file handles
        that itself.
        """
        path, policies = scope.path(step.path), step.policies
        missed = dict(scope.missed)
        if operation.missed is not None:
            missed[step.entity or ""] = operation.missed
        miss = self.block(step.on.get("miss", ()), scope.branch(missed=missed))
        hit = operation.hit
        assert hit is not None, "only a call that may miss is looked up"
        if isinstance(hit, Chance):  # the hit ratio is given: a failure is a miss too, told by the register
            body = (*operation.call, If(path, hit, (Set(FOUND, 1),), (Set(FOUND, 0),)))
        else:
            body = operation.call
        handled = {outcome: (*steps, Set(FOUND, 1)) for outcome, steps in handlers.items()}
        attempts = self.attempts
        if not miss:
            return attempts.given_up(path, policies, scope, body, {**dict.fromkeys(HANDLED, ()), **handled})
        checked: Step = If(f"{path} ?", Flag(FOUND), (), miss)
        if operation.asked is None:
            failed = dict.fromkeys(HANDLED, (Set(FOUND, 0),))
            return (*attempts.given_up(path, policies, scope, body, {**failed, **handled}), checked)
        # Where the call failed, no list of those missed was made: all that were asked for count as missed.
        asked = {**missed, step.entity or "": operation.asked}
        all_missed = self.block(step.on.get("miss", ()), scope.branch(missed=asked))
        failed = dict.fromkeys(HANDLED, (Set(NONE_FOUND, 1),))
        tried = attempts.given_up(path, policies, scope, body, {**failed, **handled})
        return (Set(NONE_FOUND, 0), *tried, If(f"{path} ??", Flag(NONE_FOUND), all_missed, (checked,)))

    # ---- policies ------------------------------------------------

    def handlers(
        self, on: Mapping[design.Outcome, tuple[design.Step, ...]], scope: Scope
    ) -> dict[Outcome, Steps]:
        """The steps of each outcome that is handled."""
        found: dict[Outcome, Steps] = {}
        for name in ("refused", "failed", "timed out", "busy"):
            if name in on:  # type: ignore[comparison-overlap]
                steps = self.block(on[name], scope.branch())  # type: ignore[index]
                found.update(dict.fromkeys(_OUTCOMES[name], steps))
        return found

    def name_what_it_lacks(self, step: design.Call, scope: Scope, path: str) -> None:
        """Words of a call that the engine does not know, and without which the call is still nearly the
        same.
        """
        if step.over is not None:
            self.lacks(
                scope,
                f"`{step.path}` goes to a machine by its policy, not to the one that holds the connection "
                f"`{step.over.connection}`: held connections are not simulated yet.",
                step.over.place,
                path,
            )
        if step.one_at_a_time:
            per = ", ".join(f"`{name}`" for name in step.one_at_a_time)
            self.lacks(
                scope,
                f"`{step.path}` does not wait for others of the same {per}: locks are not simulated yet.",
                step.place,
                path,
            )

    # ---- groups ------------------------------------------------

    def each(self, step: design.Each, scope: Scope) -> Steps:
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
        inner = scope.branch(items=items, in_batch=True)
        block = scope.touched.begin()
        try:
            body = self.block(step.then, inner)
        finally:
            scope.touched.end()
        fresh = tuple(sorted(name for name in block if name.startswith("key:") and name not in scope.known))
        made = Each(path, count, body, batch, at_once, SIZE_REGISTER, fresh)
        handled = self.attempts.given_up(path, step.policies, scope, (made,), self.handlers(step.on, scope))
        return (*before, *self.attempts.unawaited(path, step.policies, scope, handled))

    def how_many(self, step: design.Each, scope: Scope) -> tuple[Number, tuple[Held, ...]]:
        of = step.of
        if isinstance(of, design.Replicas):
            part = self.machines.parts.get(of.component)
            if part is None:
                raise NotComputable(f"`{of.component}` has no replicas", step.place)
            self.ledger.note(
                f"`{step.path}`: each pass goes to a machine of `{of.component}` by its policy: with "
                "round robin to each once.",
                step.place,
            )
            return float(part.machines), ()
        if step.excluding is not None and isinstance(of, design.AttributePath):
            self.ledger.note(
                f"`{step.path}`: who is left out (`except: {step.excluding}`) is counted as one of them: "
                "one less on average.",
                step.place,
            )
            return self.entities.number(of, scope.items, less=1)
        return self.operations.amount(of, scope)

    def whole(self, formula: Formula) -> int:
        value = self.values.number(formula)
        if value < 1:
            raise NotComputable(f"`{formula.text}` is {value:g}, and must be at least 1", formula.place)
        return round(min(value, 1e9))

    def item(self, step: design.Each) -> str | None:
        """The entity of the items of an `each`: that at the end of its relation."""
        if not isinstance(step.of, design.AttributePath):
            return None
        for entity in self.design.data.values():
            relation = entity.has_many.get(step.of.names[-1])
            if relation is not None:
                return relation.of
        return None

    def parallel(self, step: design.Parallel, scope: Scope) -> Steps:
        path = scope.path(step.path)
        before = self.inserts(step, scope, path)
        branches = tuple(self.block(branch, scope.branch()) for branch in step.branches)
        wait: int | None = None
        if step.wait == "any":
            wait = 1
        elif isinstance(step.wait, Formula):
            wait = self.whole(step.wait)
            if wait > len(branches):
                raise NotComputable(f"it waits for {wait} of {len(branches)} branches", step.place)
        body: Steps = (Parallel(path, branches, wait),)
        handled = self.attempts.given_up(path, step.policies, scope, body, self.handlers(step.on, scope))
        return (*before, *self.attempts.unawaited(path, step.policies, scope, handled))

    def inserts(self, step: design.Parallel, scope: Scope, path: str) -> list[Step]:
        """New keys are made before the branches part, so that what comes behind them knows the keys too."""
        made: list[Step] = []
        for branch in step.branches:
            for each in branch:
                if (
                    isinstance(each, design.Call)
                    and each.operation == "insert"
                    and each.entity
                    and each.keys is None
                ):
                    made += scope.make(path, self.entities.key(each.entity, each.of))
        return made

    def branch(self, step: design.If, scope: Scope) -> Steps:
        path = scope.path(step.path)
        before: list[Step] = []
        match step.condition:
            case design.Chance(share):
                test: Test = Chance(self.values.share(share))
            case design.Comparison(left, comparator, right):
                one, first = self.entities.operand(left, scope.items)
                other, second = self.entities.operand(right, scope.items)
                before += scope.draw(path, (*first, *second))
                test = Compare(one, comparator, other)
            case design.HeldState():
                text = f"`{step.path}`: conditions on what is held are not simulated yet."
                self.breaks(scope, text, step.place, path)
                self.look_into(scope, step.then, step.otherwise)
                return ()
        then = self.block(step.then, scope.branch())
        otherwise = self.block(step.otherwise, scope.branch())
        return (*before, If(path, test, then, otherwise))

    def wait(self, step: design.Wait, scope: Scope) -> Steps:
        path = scope.path(step.path)
        law = self.pause(step.time, scope)
        if self.machines.with_slots(scope.caller or ""):
            self.lacks(
                scope, f"`{step.path}`: `{scope.caller}` keeps its slot during this wait.", step.place, path
            )
        return (Delay(path, Work.of(law)),) if law.mean > 0 else ()

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

    def run(self, step: design.RunFlow, scope: Scope) -> Steps:
        """The steps of another flow, in place."""
        flow = self.design.flows.get(step.flow)
        if flow is None:
            raise NotComputable(f"there is no flow `{step.flow}`", step.place)
        if step.flow in scope.running or step.flow == scope.flow:
            raise NotComputable(f"`{step.flow}` runs itself", step.place)
        prefix = f"{scope.path(step.path)}/"
        return self.block(flow.steps, scope.within(prefix=prefix, running=(*scope.running, step.flow)))
