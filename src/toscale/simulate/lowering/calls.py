"""What does a call become? Visits of the places on its route, and at the end a time, an operation or a
message.

Each place on the route but the last passes the request on and holds its slot until the answer. What is
written `then` is done by the last one, what follows a miss by whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toscale.design import flow as language
from toscale.engine.laws import Law
from toscale.engine.model import (
    HANDLED,
    Chance,
    Delay,
    Flag,
    If,
    Once,
    Outcome,
    Pick,
    Set,
    Step,
    Steps,
    Visit,
    Work,
)
from toscale.simulate.lowering.attempts import Attempts
from toscale.simulate.lowering.bounded import Bounds
from toscale.simulate.lowering.connections import Connections, Route
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.locks import held_inside
from toscale.simulate.lowering.machines import Machines, Part
from toscale.simulate.lowering.operations import FOUND, NONE_FOUND, Operation, Operations
from toscale.simulate.lowering.record import Record
from toscale.simulate.lowering.scope import Scope
from toscale.simulate.lowering.values import Values
from toscale.simulate.lowering.wire import Wire

__all__ = ["CallLowering"]

_OUTCOMES: dict[str, tuple[Outcome, ...]] = {
    "refused": (Outcome.REFUSED, Outcome.BUSY),
    "failed": (Outcome.FAILED, Outcome.TIMED_OUT),
    "timed out": (Outcome.TIMED_OUT,),
    "busy": (Outcome.BUSY,),
}
"""Which outcomes a handler of the language handles; `timed out` is a `failed` that may be handled apart from it,
and `busy` a `refused`.
"""


@dataclass(frozen=True, slots=True)
class CallLowering:
    """Lowers calls; `block` lowers the steps inside them."""

    values: Values
    machines: Machines
    wire: Wire
    operations: Operations
    attempts: Attempts
    record: Record
    ledger: Ledger
    bounds: Bounds
    connections: Connections
    block: Callable[[tuple[language.Step, ...], Scope], Steps]

    def call(self, step: language.Call, scope: Scope) -> Steps:
        route = self.route(step, scope)
        path = scope.path(step.path)
        self.name_what_it_lacks(step, scope, path)
        operation = self.last(step, scope, route)
        if operation is None:
            for handler in step.on.values():  # so that it is known what else is missing
                self.block(handler, scope.branch())
            return ()
        counted = self.bounds.over(step.rows, step, step.entity)
        done = self.around(step, scope, operation, route)
        if operation.ahead is not None:
            asked = Set(f"passed:{operation.ahead.pool}", 0)
            done = (asked, operation.ahead, If(f"{path} taken ahead", Flag(FOUND), (), done))
        return (*counted, *operation.before, *done)

    def route(self, step: language.Call, scope: Scope) -> tuple[str, ...]:
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

    def last(self, step: language.Call, scope: Scope, route: tuple[str, ...]) -> Operation | None:
        """What the last one of the route does, called by the one before it; None where that breaks the
        flow.
        """
        path = scope.path(step.path)
        for name in route:
            self.record.use(scope, name)
        if not route and self.bounds.does(step):
            return self.bounds.operation(step, None, scope, None, self.block(step.then, scope.within()))
        if not route:
            return self.at_work(step, scope, path)
        target = route[-1]
        caller = route[-2] if len(route) > 1 else scope.caller
        part = self.machines.parts.get(target)
        if part is None:
            return self.to_actor(step, scope, target, caller, path)

        def then() -> Steps:
            inside = held_inside(step, target, scope.locked)
            return self.block(step.then, scope.within(caller=target, **inside))

        if step.operation is None:
            way = self.connections.route(step, target, caller, scope)
            if part.component.is_async:
                return Operation(way.before, (*self.visit(step, part, caller, path, (), scope, way), *then()))
            return Operation(way.before, self.visit(step, part, caller, path, then(), scope, way))
        if self.bounds.does(step):
            return self.bounds.operation(step, part, scope, caller, then())
        if step.operation == "send":
            self.record.send(scope, part.name)
            if step.one_at_a_time:
                self.record.lacks(
                    scope,
                    f"`{step.path}` is sent at once: a queue keeps no locks, and `one at a time` is not simulated.",
                    step.place,
                    path,
                )
            if step.rows is not None or step.keys is not None:
                self.record.lacks(
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
        self,
        step: language.Call,
        part: Part,
        caller: str | None,
        path: str,
        then: Steps,
        scope: Scope,
        way: Route,
    ) -> Steps:
        """A call that takes a time. A store is asked at the primary of a shard drawn for the request."""
        work, link = self.work_of(step, part, scope), self.wire.link(caller, part.name)
        pick = Pick.PRIMARY if part.station.shards else self.machines.pick(caller, part)
        return (Visit(path, part.name, work, link, pick, way.key, then, over=way.over),)

    def work_of(self, step: language.Call, part: Part, scope: Scope) -> Work | None:
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

    def at_work(self, step: language.Call, scope: Scope, path: str) -> Operation:
        """More work of the component that has the request: no new slot is taken."""
        part = self.machines.parts[scope.caller or ""]
        if step.operation is not None:
            raise NotComputable(f"`{part.name}` cannot do `{step.operation}` at itself yet", step.place)
        work = self.work_of(step, part, scope)
        if work is not None and part.station.cores is not None:
            self.record.lacks(
                scope,
                f"`{step.path}`: this further work of `{part.name}` takes its time, but no core.",
                step.place,
                path,
            )
        then = self.block(step.then, scope.within())
        return Operation((), (*(() if work is None else (Delay(path, work),)), *then))

    def to_actor(
        self, step: language.Call, scope: Scope, actor: str, caller: str | None, path: str
    ) -> Operation:
        """Somebody at the end of a connection is called: no slot, only the way and the time."""
        self.record.actors.add(actor)
        law = Law.fixed(0.0) if step.time is None else self.values.law(step.time, 0.0)[0]
        work = Work.of(law) if law.mean > 0 else None
        then = self.block(step.then, scope.within(caller=actor))
        return Operation((), (Visit(path, actor, work, self.wire.link(caller, actor), body=then),))

    def passing(
        self, step: language.Call, path: str, scope: Scope, route: tuple[str, ...], body: Steps
    ) -> Steps:
        """The body, called by the last but one of the route: each before it holds its slot meanwhile."""
        for index in range(len(route) - 2, -1, -1):
            part = self.machines.parts.get(route[index])
            if part is None:
                raise NotComputable(
                    f"`{route[index]}` passes nothing on: a route leads through components", step.place
                )
            caller = route[index - 1] if index else scope.caller
            link = self.wire.link(caller, part.name)
            work = self.machines.own_work(part)
            own = f"{path} @ {part.name}"
            pick = self.machines.pick(caller, part)
            way = self.connections.route(step, part.name, caller, scope)
            if part.component.is_async:
                visit = Visit(own, part.name, work, link, pick, way.key, over=way.over)
                body = (*way.before, visit, *body)
            else:
                visit = Visit(own, part.name, work, link, pick, way.key, body, over=way.over)
                body = (*way.before, visit)
        return body

    def around(
        self, step: language.Call, scope: Scope, operation: Operation, route: tuple[str, ...]
    ) -> Steps:
        """The call with its time-out, retries and handlers; what follows a miss; and whether anyone waits
        for it.
        """
        path = scope.path(step.path)
        if operation.hit is not None:
            inner = scope if len(route) < 2 else scope.within(caller=route[-2])
            body = self.looked_up(step, inner, operation, self.handlers(step.on, inner))
            return self.attempts.unawaited(path, step.policies, self.passing(step, path, scope, route, body))
        if "miss" in step.on:
            self.ledger.note(
                f"`{step.path}`: `{step.target}` keeps what it is given, and never misses.", step.place
            )
        before, handlers = self.bounds.passing(step, self.handlers(step.on, scope), scope, path)
        if self.forgets(step, route):  # a failed put is ignored
            handlers = {**dict.fromkeys(HANDLED, ()), **handlers}
        body = self.attempts.given_up(
            path,
            step.policies,
            scope,
            self.passing(step, path, scope, route, operation.call),
            handlers,
            bounded=self.bounds.does(step),
        )
        return (*before, *self.attempts.unawaited(path, step.policies, body))

    def forgets(self, step: language.Call, route: tuple[str, ...]) -> bool:
        part = self.machines.parts.get(route[-1]) if route else None
        return step.operation == "put" and part is not None and part.may_miss

    def looked_up(
        self, step: language.Call, scope: Scope, operation: Operation, handlers: dict[Outcome, Steps]
    ) -> Steps:
        """A look-up that may miss. One that fails or times out behaves as a miss, unless the file handles
        that itself.
        """
        path, policies = scope.path(step.path), step.policies
        missed = dict(scope.missed)
        if operation.missed is not None:
            missed[step.entity or ""] = operation.missed
        miss = self.block(step.on.get("miss", ()), scope.branch(missed=missed))
        if miss and self.machines.parts[step.target].component.coalesce:
            if operation.asked is None:
                register = self.operations.entities.key(step.entity or "", step.of).register
                miss = (Once(f"{path} together", step.target, register, miss),)
            else:
                self.record.lacks(
                    scope,
                    f"`{path}`: misses of several keys in one call are not coalesced with those of others.",
                    step.place,
                    path,
                )
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

    def handlers(
        self, on: Mapping[language.Outcome, tuple[language.Step, ...]], scope: Scope
    ) -> dict[Outcome, Steps]:
        """The steps of each outcome that is handled."""
        found: dict[Outcome, Steps] = {}
        for name in ("refused", "failed", "timed out", "busy"):
            if name in on:
                steps = self.block(on[name], scope.branch())
                found.update(dict.fromkeys(_OUTCOMES[name], steps))
        return found

    def name_what_it_lacks(self, step: language.Call, scope: Scope, path: str) -> None:
        """Words of a call that the engine does not know, and without which the call is still nearly the
        same.
        """
        if step.over is not None and step.over.connection not in self.connections.models:
            self.record.lacks(
                scope,
                f"`{step.path}` goes to a machine by its policy, not to the one that holds the connection "
                f"`{step.over.connection}`, which is not simulated.",
                step.over.place,
                path,
            )
        elif step.over is not None and step.operation is not None:
            self.record.lacks(
                scope,
                f"`{step.path}` goes to the machine that has its key, not to the one that holds the connection "
                f"`{step.over.connection}`: only a call that takes a time goes over one.",
                step.over.place,
                path,
            )
