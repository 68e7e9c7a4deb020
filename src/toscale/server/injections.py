"""What does that which the interviewer throws in do to the design that is computed? A surge, growth, a fault.

The design in the file is not touched: it is computed as if these things were so. What cannot be computed is said, with
the reason, and never left out in silence. Words and targets are read by the design's own reader, as an entry of
`faults`, so mistakes are explained as in the file.

`HOW` has a line for each kind of injection. A fault becomes an entry of the `faults` of the design that is computed;
what lowering then says of it (`not_simulated`) decides whether it counts as computed, so that a fault which the engine
learns needs no change here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from toscale.design.change import changed
from toscale.design.flow import ClosedLoop, FromActor, ShapedRate, Trace
from toscale.design.model import Design
from toscale.design.parts import Formula
from toscale.design.problems import quoted
from toscale.design.source import Mapping as MappingNode
from toscale.design.source import Node, plain, read_source
from toscale.interview.state import Injection
from toscale.quantity.errors import QuantityError
from toscale.quantity.grammar import parse
from toscale.quantity.units import NUMBER
from toscale.requirements.values import sheet_of, value_of

__all__ = ["HOW", "Applied", "apply", "fault_name"]

MOST_MULTIPLE = 10_000.0
"""A design is computed at no more times its load: beyond, the figures mean nothing."""


class _Refused(Exception):
    """It cannot be computed; the text says why and what to write."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A design as it is computed: with what was thrown in, at a multiple of what grows.

    `refused` says of the injections that are not in it, by number, why.
    """

    design: Design
    multiple: float = 1.0
    refused: Mapping[int, str] = field(default_factory=dict)


def apply(design: Design, injections: Sequence[Injection]) -> Applied:
    """A design with all that was thrown into it, in order. `injections` are those that are not cleared."""
    applied = Applied(design)
    for one in injections:
        try:
            applied = HOW[one.kind](applied, one)
        except _Refused as refusal:
            applied = replace(applied, refused={**applied.refused, one.number: str(refusal)})
    return applied


def fault_name(number: int) -> str:
    """What a fault that was thrown in is called in the design that is computed."""
    return f"thrown in {number}"


# --- each kind ----------------------------------------------------------------------------------------------------


def _growth(applied: Applied, one: Injection) -> Applied:
    multiple = applied.multiple * _factor(applied.design, one.text)
    if multiple > MOST_MULTIPLE:
        raise _Refused(f"That makes {multiple:g} times the load, and at most {MOST_MULTIPLE:g} are computed.")
    return replace(applied, multiple=multiple)


def _surge(applied: Applied, one: Injection) -> Applied:
    """`10x` for all flows that someone outside starts; `{surge: redirect, by: 4x}` for one."""
    design = applied.design
    root = _mapping(one.text)
    if root is None:
        by = _factor(design, one.text)
        flows = [name for name, flow in design.flows.items() if isinstance(flow.trigger, FromActor)]
        if not flows:
            raise _Refused("No flow is started from outside: there is nothing that could surge.")
        return _faster(applied, flows, by)
    with_fault = _with_fault(design, one, root)
    fault = with_fault.faults[fault_name(one.number)]
    if fault.action != "surge":
        raise _Refused(f"`{fault.action}` is a fault, not a surge: throw it in as one.")
    if fault.by is None:
        raise _Refused("A surge needs its factor: write `{surge: FLOW, by: 4x}`.")
    for word, value in (
        ("at", fault.at),
        ("for", fault.lasts),
        ("one", fault.one),
        ("where", fault.where or None),
    ):
        if value is not None:
            raise _Refused(
                f"A surge that is thrown in lasts until it is taken out, and is of all alike: leave out `{word}`."
            )
    (target,) = fault.target
    if target not in design.flows:
        raise _Refused(f"{quoted(target)} is a step: throw the surge at the flow that it stands in.")
    return _faster(applied, [target], _number(design, fault.by, "its factor"))


def _fault(applied: Applied, one: Injection) -> Applied:
    root = _mapping(one.text)
    if root is None:
        name = one.text.strip()
        if name not in applied.design.faults:
            raise _Refused(
                f"No fault of the design is called {quoted(name)}: name one, or write `{{lose: COMPONENT}}`."
            )
        return applied  # it is in the design already
    return replace(applied, design=_with_fault(applied.design, one, root))


def _curveball(applied: Applied, _one: Injection) -> Applied:
    """A requirement that changes is for people; nothing of it is computed before someone writes it into the file."""
    return applied


HOW: Mapping[str, Callable[[Applied, Injection], Applied]] = {
    "growth": _growth,
    "surge": _surge,
    "fault": _fault,
    "curveball": _curveball,
}


def _faster(applied: Applied, flows: Sequence[str], by: float) -> Applied:
    """These flows are started so many times as often."""
    change: dict[str, object] = {}
    for name in flows:
        trigger = applied.design.flows[name].trigger
        rate = trigger.rate if isinstance(trigger, FromActor) else None
        match rate:
            case Formula():
                change[f"flows.{name}.rate"] = _times(rate, by)
            case ShapedRate():
                change[f"flows.{name}.rate.total"] = _times(rate.total, by)
            case ClosedLoop():
                change[f"flows.{name}.rate.users"] = _times(rate.users, by)
            case Trace():
                raise _Refused(
                    f"The requests of {quoted(name)} come at the moments of a trace: they cannot surge."
                )
            case None:
                raise _Refused(f"{quoted(name)} has no rate of its own: throw the surge at what starts it.")
    loaded = changed(applied.design, change)
    if loaded.design is None or loaded.errors:
        raise _Refused(
            f"A surge of {', '.join(map(quoted, flows))} makes an error: {loaded.errors[0].message}"
        )
    return replace(applied, design=loaded.design)


def _times(rate: Formula, by: float) -> str:
    text, _, unit = rate.text.partition(" in ")
    return f"({text}) * {by!r}" + (f" in {unit}" if unit else "")


# --- reading ------------------------------------------------------------------------------------------------------


def _mapping(text: str) -> MappingNode | None:
    """The mapping that a text is, as YAML; None for a word or a number. The braces may be left out."""
    for written in (text, f"{{{text}}}") if ":" in text else (text,):
        source, problems = read_source(written, "what is thrown in")
        if source is not None and not problems.failed and isinstance(source.root, MappingNode):
            return source.root
    return None


def _with_fault(design: Design, one: Injection, root: Node) -> Design:
    loaded = changed(design, {f"faults.{fault_name(one.number)}": plain(root)})
    if loaded.design is None or loaded.errors:
        first = (loaded.errors or loaded.problems)[0]
        raise _Refused(f"{first.message} {first.suggestion}".rstrip())
    return loaded.design


def _factor(design: Design, text: str) -> float:
    try:
        formula = Formula(text.strip(), parse(text.strip()))
    except QuantityError:
        raise _Refused(f"{quoted(text)} is no multiple: write `10x`.") from None
    return _number(design, formula, "the multiple")


def _number(design: Design, formula: Formula, what: str) -> float:
    value = value_of(sheet_of(design), formula, what, NUMBER)
    if isinstance(value, str):
        raise _Refused(f"{value.rstrip('.')}: write a multiple, such as `10x`.")
    if not 0 < value.median <= MOST_MULTIPLE:
        raise _Refused(f"A multiple is above 0 and at most {MOST_MULTIPLE:g}, not {value.median:g}.")
    return float(value.median)
