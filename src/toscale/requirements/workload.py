"""How often does each flow run, and how often does each of its steps? Rates from the file alone, with their
uncertainty.

A rate is carried from the actors through queues and causes: what is sent is consumed, what is done sets off
what comes after it. Where a step is done now and then only (on a miss, by a condition on data), the file
does not say how often; then the rate behind it is not guessed: it is None, with the reason, and theory or
simulation must say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toscale.design.flow import (
    After,
    Answer,
    AttributePath,
    Call,
    Chance,
    ClosedLoop,
    Consume,
    Each,
    Event,
    Every,
    Flow,
    FlowDone,
    FromActor,
    HeldSet,
    If,
    Parallel,
    Repeat,
    RunFlow,
    ShapedRate,
    Step,
    Stop,
    Trace,
)
from toscale.design.model import Design, HasMany
from toscale.design.parts import Formula, Time
from toscale.quantity.errors import QuantityError
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import Quantity
from toscale.quantity.units import NUMBER, RATE, TIME, Dimension
from toscale.requirements.amounts import Amount, greatest, product, quotient, same, total_of
from toscale.requirements.machines import machines
from toscale.requirements.values import value_of

__all__ = ["FlowRate", "Occurrence", "flow_rates", "occurrences", "rates_are_uncertain"]

MOST_ROUNDS = 5_000
"""So often are rates carried round a circle of flows that set each other off, before it counts as endless."""

MOST_RATE = 1e18
"""A rate, per second, beyond which a circle of flows counts as endless."""

ENDLESS = "the flows that set each other off never come to rest"


@dataclass(frozen=True, slots=True, eq=False)
class FlowRate:
    """How often a flow runs: `rate` is that of the run, the busiest moment of a shape; `average` is the
    rate beside it, if said.

    Both in 1/s, or the reason why the file does not say. `how`: where it comes from, in words.
    """

    flow: str
    rate: Amount
    average: Amount
    how: str

    @property
    def is_known(self) -> bool:
        return isinstance(self.rate, Quantity)


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """A call within a flow, with how often it is made in each request of it on average, or why that is not
    known.

    `within` is the call whose `miss:` it is in, if there is one: it then asks for the same thing again.
    """

    flow: str
    call: Call
    times: Amount
    within: Call | None = None


# ---- rates of flows


def flow_rates(design: Design, sheet: Sheet, factor: float = 1.0) -> dict[str, FlowRate]:
    """The rate of every flow, by its name, in the order of the file; those of actors multiplied by
    `factor`.
    """
    found = {name: _grown(_started(design, sheet, flow), flow, factor) for name, flow in design.flows.items()}
    caused = {name for name, rate in found.items() if rate is None}
    ways = _ways(design, sheet)
    known: dict[str, Amount] = {
        name: (rate.rate if rate else Quantity(0.0, RATE)) for name, rate in found.items()
    }
    for name in caused:
        if not ways.get(name):
            known[name] = _uncaused(design.flows[name])
    settled = _carry(known, {name: ways[name] for name in caused if ways.get(name)})
    return {
        name: rate or FlowRate(name, settled[name], settled[name], _how(design.flows[name]))
        for name, rate in found.items()
    }


def rates_are_uncertain(design: Design, sheet: Sheet) -> bool:
    """Whether some rate of a flow is not known exactly, so that its upper end is another load than its
    median.
    """
    rates = (rate.rate for rate in flow_rates(design, sheet).values())
    return any(isinstance(rate, Quantity) and not rate.is_certain for rate in rates)


def _started(design: Design, sheet: Sheet, flow: Flow) -> FlowRate | None:
    """The rate of a flow that starts by itself; None if others set it off."""
    path = f"flows.{flow.name}"
    match flow.trigger:
        case FromActor(rate=None):
            reason = "nothing says how often it is started"
            return FlowRate(flow.name, reason, reason, reason)
        case FromActor(rate=Formula() as formula):
            rate = _amount(sheet, formula, f"{path}.rate", RATE)
            average = rate if flow.average is None else _amount(sheet, flow.average, f"{path}.average", RATE)
            return FlowRate(flow.name, rate, average, f"given: {formula}")
        case FromActor(rate=ShapedRate() as shaped):
            return _shaped(sheet, flow, shaped)
        case FromActor(rate=Trace(file=file)):
            reason = f"the moments are in `{file}`, which only a simulation reads"
            return FlowRate(flow.name, reason, reason, f"from `{file}`")
        case FromActor(rate=ClosedLoop() as loop):
            reason = "its users wait for the answers, so that it depends on how fast they come"
            return FlowRate(flow.name, reason, reason, f"{loop.users} users, who think for {loop.think}")
        case Every(period=period, per=per):
            rate = quotient(_many(design, sheet, per), _mean(period, sheet, f"{path}.every"))
            return FlowRate(flow.name, rate, rate, f"every {period}" + (f" per {per}" if per else ""))
        case None:
            return None
        case _:
            return None


def _grown(rate: FlowRate | None, flow: Flow, factor: float) -> FlowRate | None:
    if rate is None or factor == 1.0 or not isinstance(flow.trigger, FromActor):
        return rate
    grows = Quantity(factor, NUMBER)
    return FlowRate(rate.flow, product(rate.rate, grows), product(rate.average, grows), rate.how)


def _uncaused(flow: Flow) -> Amount:
    match flow.trigger:
        case Consume(buffer=buffer):
            return f"nothing is sent to `{buffer}`"
        case After(causes=causes):
            return f"it is not known how often {' or '.join(_cause(cause) for cause in causes)}"
        case _:
            return "it is not started by anything but other flows that run it"


def _cause(cause: FlowDone | Event) -> str:
    return str(cause) if isinstance(cause, Event) else f"`{cause.flow}` is done"


def _how(flow: Flow) -> str:
    match flow.trigger:
        case Consume(buffer=buffer):
            return f"messages of `{buffer}`"
        case After(causes=causes):
            return "after " + " or ".join(_cause(cause) for cause in causes)
        case _:
            return "run by other flows"


def _shaped(sheet: Sheet, flow: Flow, shaped: ShapedRate) -> FlowRate:
    """The busiest moment and the mean of a rate that is made of straight lines."""
    path = f"flows.{flow.name}.rate"
    total = _amount(sheet, shaped.total, f"{path}.total", NUMBER)
    points = [
        (_amount(sheet, at, f"{path}.shape.{i}", TIME), _amount(sheet, height, f"{path}.shape.{i}", NUMBER))
        for i, (at, height) in enumerate(shaped.shape)
    ]
    times = [at.value for at, _ in points if isinstance(at, Quantity)]
    heights = [height.value for _, height in points if isinstance(height, Quantity)]
    how = f"{shaped.total} in all, by a shape"
    certain = all(isinstance(value, float) for value in (*times, *heights))
    if isinstance(total, str) or len(times) < len(points) or len(heights) < len(points) or not certain:
        reason = total if isinstance(total, str) else "the points of its shape are not certain"
        return FlowRate(flow.name, reason, reason, how)
    x, y = [float(t) for t in times], [float(h) for h in heights]
    area = sum((x[i + 1] - x[i]) * (y[i] + y[i + 1]) / 2 for i in range(len(x) - 1))
    if area <= 0 or x[-1] <= x[0]:
        reason = "its shape has no area"
        return FlowRate(flow.name, reason, reason, how)
    rate = Quantity(total.value * (max(y) / area), RATE)
    return FlowRate(flow.name, rate, Quantity(total.value / (x[-1] - x[0]), RATE), how)


# ---- what is set off


def _ways(design: Design, sheet: Sheet) -> dict[str, list[tuple[str | None, Amount]]]:
    """For each flow that is set off: by which flow (None: by the outside, then the amount is a rate), how
    often for each of it.
    """
    ways: dict[str, list[tuple[str | None, Amount]]] = {}
    sends: dict[str, list[tuple[str, Amount]]] = {}
    runs: dict[str, list[tuple[str, Amount]]] = {}
    for name in design.flows:
        for step, times in _repeated(design, sheet, name):
            if isinstance(step, Call) and step.operation == "send":
                sends.setdefault(step.target, []).append((name, times))
            elif isinstance(step, RunFlow):
                runs.setdefault(step.flow, []).append((name, times))
    for name, flow in design.flows.items():
        match flow.trigger:
            case Consume(buffer=buffer):
                ways[name] = list(sends.get(buffer, ()))
            case After(causes=causes, chance=chance):
                often: Amount = Quantity(1.0, NUMBER)
                if chance is not None:
                    often = _amount(sheet, chance, f"flows.{name}.chance", NUMBER)
                ways[name] = []
                for cause in causes:
                    if isinstance(cause, FlowDone):
                        ways[name].append((cause.flow, often))
                    else:
                        ways[name].append((None, product(_event(design, sheet, cause), often)))
            case None:
                ways[name] = list(runs.get(name, ()))
            case _:
                pass
    return ways


def _event(design: Design, sheet: Sheet, event: Event) -> Amount:
    """How often a held connection opens, or closes: by Little's law, as many as are held over how long each
    lasts.
    """
    connection = design.connections.get(event.subject)
    if connection is None or connection.held is None or connection.lasts is None:
        return f"it is not known how often `{event}`"
    held = _amount(sheet, connection.held, f"connections.{connection.name}.held", NUMBER)
    return quotient(held, _mean(connection.lasts, sheet, f"connections.{connection.name}.lasts"))


def _carry(
    rates: dict[str, Amount], ways: Mapping[str, list[tuple[str | None, Amount]]]
) -> dict[str, Amount]:
    """The rates with those of the flows that are set off, carried round until they stand still."""
    for _ in range(MOST_ROUNDS):
        moved = False
        for name, causes in ways.items():
            total: Amount = Quantity(0.0, RATE)
            for cause, times in causes:
                part = times if cause is None else product(rates.get(cause, "an unknown flow"), times)
                total = total_of(total, part)
            if isinstance(total, Quantity) and greatest(total.value) > MOST_RATE:
                return {**rates, **dict.fromkeys(ways, ENDLESS)}
            moved |= not same(rates[name], total)
            rates[name] = total
        if not moved:
            return rates
    return {**rates, **dict.fromkeys(ways, ENDLESS)}


# ---- how often a step is done


def occurrences(design: Design, sheet: Sheet, flow: str) -> Iterator[Occurrence]:
    """Every call of a flow, those of the flows that it runs among them, with how often it is made in a
    request.
    """
    once = _once(design.flows[flow])
    yield from _calls(design, sheet, flow, design.flows[flow].steps, once, None, (flow,))


def _calls(
    design: Design,
    sheet: Sheet,
    flow: str,
    steps: tuple[Step, ...],
    times: Amount,
    within: Call | None,
    running: tuple[str, ...],
) -> Iterator[Occurrence]:
    for step in steps:
        if isinstance(step, Call):
            yield Occurrence(flow, step, times, within)
        for inner, often, miss in _inside(design, sheet, flow, step, times):
            yield from _calls(design, sheet, flow, inner, often, miss or within, running)
        if isinstance(step, RunFlow) and step.flow in design.flows and step.flow not in running:
            inner = design.flows[step.flow].steps
            yield from _calls(design, sheet, flow, inner, times, within, (*running, step.flow))
        times = _after(sheet, flow, step, times)


def _repeated(design: Design, sheet: Sheet, flow: str) -> Iterator[tuple[Step, Amount]]:
    """Every step of a flow itself, flows that it runs not entered, with how often it is done in a request."""
    waiting: list[tuple[tuple[Step, ...], Amount]] = [(design.flows[flow].steps, _once(design.flows[flow]))]
    while waiting:
        steps, times = waiting.pop()
        for step in steps:
            yield step, times
            waiting += [(inner, often) for inner, often, _ in _inside(design, sheet, flow, step, times)]
            times = _after(sheet, flow, step, times)


def _once(flow: Flow) -> Amount:
    """How often the steps of a flow are done for each of its requests: once, or once for a batch of messages."""
    if isinstance(flow.trigger, Consume) and flow.trigger.batch is not None:
        return f"once for a batch of up to {flow.trigger.batch} messages"
    return Quantity(1.0, NUMBER)


def _after(sheet: Sheet, flow: str, step: Step, times: Amount) -> Amount:
    """How often what stands behind a step is done: not at all behind an end, less often behind a branch that
    ends the request.
    """
    if isinstance(step, Answer | Stop):
        return Quantity(0.0, NUMBER)
    if not isinstance(step, If):
        return times
    ends = [_ends(step.then), _ends(step.otherwise)]
    if not any(ends):
        return times
    if not isinstance(step.condition, Chance):
        return f"only if `{_condition(step)}` does not end it"
    chance = _amount(sheet, step.condition.share, f"flows.{flow}.{step.path}", NUMBER)
    if isinstance(chance, str):
        return chance
    goes_on = 0.0 if all(ends) else (1.0 - chance.value if ends[0] else chance.value)
    return product(times, Quantity(goes_on, NUMBER))


def _ends(steps: tuple[Step, ...]) -> bool:
    """Whether a block ends the request, whatever happens in it."""
    return any(isinstance(step, Answer | Stop) for step in steps)


def _inside(
    design: Design, sheet: Sheet, flow: str, step: Step, times: Amount
) -> Iterator[tuple[tuple[Step, ...], Amount, Call | None]]:
    """The blocks inside a step with how often each is done, and the call on whose miss, if so."""
    match step:
        case Call():
            yield step.then, times, None
            for outcome, steps in step.on.items():
                missed = step if outcome == "miss" else None
                yield steps, f"only when `{step.target}` ends with `{outcome}`", missed
        case Each():
            yield step.then, product(times, _passes(design, sheet, flow, step)), None
            for outcome, steps in step.on.items():
                yield steps, f"only on `{outcome}`", None
        case Parallel():
            for branch in step.branches:
                yield branch, times, None
            for outcome, steps in step.on.items():
                yield steps, f"only on `{outcome}`", None
        case If(condition=Chance(share=share)):
            chance = _amount(sheet, share, f"flows.{flow}.{step.path}", NUMBER)
            yield step.then, product(times, chance), None
            rest = chance if isinstance(chance, str) else Quantity(1.0 - chance.value, NUMBER)
            yield step.otherwise, product(times, rest), None
        case If():
            yield step.then, f"only if `{_condition(step)}`", None
            yield step.otherwise, f"only if not `{_condition(step)}`", None
        case Repeat():
            yield step.steps, "as often as it is repeated", None
            yield step.in_vain, "only in vain", None
        case _:
            pass


def _condition(step: If) -> str:
    condition = step.condition
    match condition:
        case Chance(share=share):
            return f"{share} of the time"
        case _:
            left, right = getattr(condition, "left", None), getattr(condition, "right", None)
            if left is not None and right is not None:
                return f"{left} {getattr(condition, 'comparator', '')} {right}"
            words = (getattr(condition, "subject", None), getattr(condition, "state", None))
            return " ".join(str(word) for word in words if word)


def _passes(design: Design, sheet: Sheet, flow: str, step: Each) -> Amount:
    """How often an `each` does its steps, on average."""
    path = f"flows.{flow}.{step.path}"
    match step.of:
        case Formula() as formula if not formula.attributes:
            number = _amount(sheet, formula, path, NUMBER)
        case Formula() as formula:
            number = _relation(design, sheet, tuple(str(formula).split(".")), path)
        case AttributePath(names=names):
            number = _relation(design, sheet, names, path)
        case HeldSet():
            number = "as many as are held too long"
        case replicas:
            number = _many(design, sheet, replicas.component)
    if step.batch is None or isinstance(number, str):
        return number
    batch = _amount(sheet, step.batch, f"{path}.batch", NUMBER)
    if not (isinstance(batch, Quantity) and isinstance(batch.value, float) and number.is_certain):
        return "as often as its batches are many"
    if isinstance(step.of, Formula) and not step.of.attributes:
        return Quantity(float(-(-number.value // batch.value)), NUMBER)
    return "as often as its batches are many"


def _relation(design: Design, sheet: Sheet, names: tuple[str, ...], path: str) -> Amount:
    """The mean number of a relation, found by the last of its names: exact where nothing cuts it off."""
    owners = [entity.has_many[names[-1]] for entity in design.data.values() if names[-1] in entity.has_many]
    written = ".".join(names)
    if len(owners) != 1:
        return f"as many as `{written}`"
    return _mean_number(sheet, owners[0], written, path)


def _mean_number(sheet: Sheet, relation: HasMany, written: str, path: str) -> Amount:
    if relation.exactly is not None:
        return _amount(sheet, relation.exactly, path, NUMBER)
    if relation.mean is not None:
        return _amount(sheet, relation.mean, path, NUMBER)
    total: Amount = Quantity(0.0, NUMBER)
    for part in relation.one_of:
        share = _amount(sheet, part.share, path, NUMBER)
        total = total_of(total, product(share, _mean_number(sheet, part.number, written, path)))
    return total if relation.one_of else f"as many as `{written}`"


# ---- what the file says


def _amount(sheet: Sheet, formula: Formula, path: str, dimension: Dimension) -> Amount:
    found = value_of(sheet, formula, path, dimension)
    return found if isinstance(found, str) else Quantity(found.value, found.dimension)


def _mean(time: Time, sheet: Sheet, path: str) -> Amount:
    """The mean of a time that varies, uncertain where its mean is."""
    from toscale.quantity.times import evaluate_time

    try:
        times = evaluate_time(time.expr, sheet, name=path, seed=sheet.seed)
    except QuantityError as error:
        return f"`{time}` could not be computed: {error.message}"
    if times.estimate is not None:
        return Quantity(times.estimate.value, TIME)
    return (
        f"the values of `{time}` are in a file" if times.mean is None else Quantity(float(times.mean), TIME)
    )


def _many(design: Design, sheet: Sheet, name: str | None) -> Amount:
    """The replicas of a component, or the connections held."""
    if name is None:
        return Quantity(1.0, NUMBER)
    connection = design.connections.get(name)
    if connection is not None and connection.held is not None:
        return _amount(sheet, connection.held, f"connections.{name}.held", NUMBER)
    component = design.components.get(name)
    if component is None:
        return f"nothing says how many `{name}` there are"
    return machines(design, sheet, component)
