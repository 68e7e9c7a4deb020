"""What must hold? A target compares a measure of the running system with a value: `p99(redirect) <= 150 ms`.

A line of `non_functional` that is a target is judged; one that looks like a target and is none is an error;
others are prose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from toscale.design.flow import Comparator, Event, FlowDone
from toscale.design.flow_words import comparator_in, event
from toscale.design.model import Prose
from toscale.design.parts import NOWHERE, Formula, Place
from toscale.design.problems import listed, quoted
from toscale.design.source import Mapping, Node, Scalar

if TYPE_CHECKING:
    from toscale.design.reader import Reader
    from toscale.design.shapes import Dimension

__all__ = [
    "MEASURES",
    "Measure",
    "OfBound",
    "OfComponent",
    "OfFlow",
    "OfStep",
    "OfSystem",
    "Span",
    "Subject",
    "Target",
    "read_target",
]

Measure: TypeAlias = Literal[
    "percentile",
    "mean",
    "max",
    "availability",
    "error_rate",
    "throughput",
    "utilisation",
    "lag",
    "depth",
    "staleness",
    "excess",
    "shortfall",
    "cost",
]


@dataclass(frozen=True, slots=True)
class OfFlow:
    """From the moment that the actor sends until it has the answer."""

    flow: str


@dataclass(frozen=True, slots=True)
class OfStep:
    """From the start of a named step to its end. `path` is that of the step."""

    flow: str
    step: str
    path: str


@dataclass(frozen=True, slots=True)
class Span:
    """`A until B`: from the start of flow A, or an event, to the end of the last flow B that it caused,
    through queues.
    """

    start: FlowDone | Event
    end: str


@dataclass(frozen=True, slots=True)
class OfComponent:
    """A component: its utilisation, its lag and depth if it is a queue, the staleness of its copies."""

    component: str


@dataclass(frozen=True, slots=True)
class OfBound:
    """A bounded thing: what was given out beyond its bound, or refused within it."""

    entity: str


@dataclass(frozen=True, slots=True)
class OfSystem:
    """The whole: its cost."""


Subject: TypeAlias = OfFlow | OfStep | Span | OfComponent | OfBound | OfSystem


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A condition with its name. `percentile` is 99.9 for `p99.9`, None unless the measure is "percentile".

    `during` names a fault; `at` is a multiple of the load, `10x`.
    """

    name: str
    text: str = field(compare=False)  # as it is written; the rest is what it means
    measure: Measure
    percentile: float | None = None
    subject: Subject
    comparator: Comparator
    value: Formula
    during: str | None = None
    at: Formula | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


# --- the grammar --------------------------------------------------------------------------------------------


MEASURES: dict[Measure, tuple[tuple[str, ...], Dimension, str]] = {
    "percentile": (("span", "flow", "step"), "time", "p99(redirect) <= 150 ms"),
    "mean": (("span", "flow", "step"), "time", "mean(redirect) <= 20 ms"),
    "max": (("span", "flow", "step"), "time", "max(redirect) <= 2 s"),
    "availability": (("flow", "step"), "share", "availability(redirect) >= 99.95%"),
    "error_rate": (("flow", "step"), "share", "error_rate(redirect) <= 0.1%"),
    "throughput": (("flow", "step"), "rate", "throughput(redirect) >= 10k / s"),
    "utilisation": (("component",), "share", "utilisation(app) <= 70%"),
    "lag": (("component",), "time", "lag(clicks) <= 1 min"),
    "depth": (("component",), "number", "depth(clicks) <= 100k"),
    "staleness": (("component",), "time", "staleness(links) <= 5 s"),
    "excess": (("entity",), "number", "excess(allowance) <= 5%"),
    "shortfall": (("entity",), "number", "shortfall(allowance) <= 1%"),
    "cost": ((), "cost", "cost <= 5000 USD / month"),
}
"""Each measure with what it is a measure of, the dimension of its value, and an example."""

_PERCENTILE = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,3})?)")
_HEAD = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(\()?")


def read_target(reader: Reader, node: Node, what: str) -> Target | Prose | None:
    """A line of `non_functional`: a target, or prose. What looks like a target and is none is a problem."""
    scalar = reader.scalar(node, what)
    if scalar is None:
        return None
    if not _looks_like_a_target(scalar.text):
        return Prose(scalar.text, scalar.place)
    before = reader.problems.errors
    target = _TargetReader(reader, scalar).read()
    if target is None and reader.problems.errors == before:
        return Prose(scalar.text, scalar.place)  # it is of something that a change has taken away
    return target


def _looks_like_a_target(text: str) -> bool:
    head = _HEAD.match(text)
    if head is not None and (head[1] in MEASURES or _PERCENTILE.fullmatch(head[1])):
        return bool(head[2]) or comparator_in(text) is not None
    if (
        head is not None
        and head[2]
        and " " not in text[head.start(1) : head.end(1)]
        and head.end(1) == head.start(2)
    ):
        return True
    sign = comparator_in(text)
    return sign is not None and sign[2] != "="


class _TargetReader:
    """Reads one target. Each method takes what it needs from the text, and says what is wrong with it."""

    def __init__(self, reader: Reader, node: Scalar) -> None:
        self.reader, self.node, self.text = reader, node, node.text

    def wrong(self, code: str, start: int, end: int, message: str, suggestion: str) -> None:
        self.reader.wrong(code, self.reader.part(self.node, start, end), message, suggestion)

    def read(self) -> Target | None:
        head = _HEAD.match(self.text)
        measure = self.measure(head) if head is not None else None
        if head is None or measure is None:
            if head is None:
                examples = "Write `p99(FLOW) <= 150 ms`, or prose without a comparison."
                self.wrong("TS404", 0, len(self.text), f"{quoted(self.text)} is no condition.", examples)
            return None
        wanted, dimension, example = MEASURES[measure]
        at = head.end()
        inside = (0, 0)
        if head[2]:
            closing = self.text.find(")", at)
            if closing < 0:
                self.wrong(
                    "TS404", head.start(2), head.end(2), "This bracket is not closed.", f"Write `{example}`."
                )
                return None
            inside = (at, closing)
            at = closing + 1
        if bool(wanted) != bool(self.text[inside[0] : inside[1]].strip()):
            said = (
                f"`{head[1]}` is measured of something" if wanted else f"`{head[1]}` is measured of the whole"
            )
            self.wrong("TS404", head.start(1), max(at, head.end(1)), f"{said}.", f"Write `{example}`.")
            return None
        return self.rest(measure, head[1], inside, at, dimension, example)

    def measure(self, head: re.Match[str]) -> Measure | None:
        word = head[1]
        if _PERCENTILE.fullmatch(word):
            return "percentile"
        if word in MEASURES and word != "percentile":
            return cast("Measure", word)
        words = [*MEASURES, "p50", "p90", "p95", "p99", "p99.9"]
        words.remove("percentile")
        if word == "utilization":
            mend = "Write `utilisation`."
        else:
            mend = self.reader.did_you_mean(word, words, f"It is one of {listed(words)}.")
        self.wrong("TS404", *head.span(1), f"{quoted(word)} is no measure.", mend)
        return None

    def rest(
        self,
        measure: Measure,
        word: str,
        inside: tuple[int, int],
        at: int,
        dimension: Dimension,
        example: str,
    ) -> Target | None:
        subject = self.subject(measure, inside)
        during, multiple, at = self.circumstances(at)
        sign = comparator_in(self.text, at)
        if sign is None or self.text[at : sign[0]].strip() or sign[2] == "==":
            start, end = (sign[0], sign[1]) if sign and sign[2] == "==" else (at, len(self.text))
            self.wrong("TS404", start, end, "A comparison must stand here.", f"Write `{example}`.")
            return None
        end = self.end_of_value(sign[1])
        value = self.reader.formula_in(self.node, sign[1], end, dimension, f"The value of `{word}`")
        after_during, after_multiple, at = self.circumstances(end)
        if self.text[at:].strip():
            said = f"{quoted(self.text[at:].strip())} has no meaning here."
            self.wrong("TS404", at, len(self.text), said, "Write `during FAULT` or `at 10x` after the value.")
            return None
        if subject is None or value is None or "?" in (during, after_during):
            return None
        percentile = _PERCENTILE.fullmatch(word)
        return Target(
            name="",
            text=self.text,
            measure=measure,
            percentile=float(percentile[1]) if percentile else None,
            subject=subject,
            comparator=cast("Comparator", sign[2]),
            value=value,
            during=during or after_during,
            at=multiple or after_multiple,
            place=self.node.place,
        )

    # --- of what

    def subject(self, measure: Measure, inside: tuple[int, int]) -> Subject | None:
        wanted = MEASURES[measure][0]
        if not wanted:
            return OfSystem()
        start, end = inside
        piece = self.text[start:end]
        start += len(piece) - len(piece.lstrip())
        name = piece.strip()
        place = self.reader.part(self.node, start, start + len(name))
        names = self.reader.names
        if "span" in wanted and " until " in name:
            return self.span(name, start)
        if wanted == ("component",):
            component = self.reader.known(name, ("component",), place)
            return None if component is None else OfComponent(component)
        if wanted == ("entity",):
            return self.bounded(name, place)
        flow, dot, step = name.rpartition(".")
        if dot and flow in names.flows and flow in names.steps.get(step, ()):
            middle = replace(place, end_column=place.column + len(flow))
            self.reader.refer("flow", flow, middle)
            self.reader.refer("step", step, replace(place, column=middle.end_column + 1))
            return OfStep(flow, step, f"{flow}/{step}")
        flows = names.steps.get(name, [])
        if (name in names.flows) + len(flows) > 1:
            ways = [f"`{flow}.{name}`" for flow in flows]
            said = f"{quoted(name)} is the name of more than one flow or step."
            self.reader.wrong("TS212", place, said, f"Write {' or '.join(ways)}, or rename one.")
            return None
        if flows:
            self.reader.refer("step", name, place)
            return OfStep(flows[0], name, f"{flows[0]}/{name}")
        known = self.reader.known(name, ("flow", "step"), place)
        return None if known is None else OfFlow(known)

    def span(self, text: str, start: int) -> Span | None:
        before, _, after = text.partition(" until ")
        begin = event(self.reader, self.node, start, start + len(before))
        end_at = start + len(text) - len(after)
        end = self.reader.known(
            after.strip(), ("flow",), self.reader.part(self.node, end_at, start + len(text))
        )
        return None if begin is None or end is None else Span(begin, end)

    def bounded(self, name: str, place: Place) -> OfBound | None:
        entity = self.reader.known(name, ("entity",), place)
        node = self.reader.names.entities.get(entity or "")
        if isinstance(node, Mapping) and node.get("at most") is None:
            mend = "Say in `data` how many there may be: `at most: 1`."
            self.reader.wrong("TS414", place, f"{quoted(name)} is no bounded thing.", mend)
            return None
        return None if entity is None else OfBound(entity)

    # --- when

    def circumstances(self, at: int) -> tuple[str | None, Formula | None, int]:
        """`during FAULT` and `at 10x`, in either order: the fault ("?" if unknown), the multiple, and where
        they end.
        """
        during: str | None = None
        multiple: Formula | None = None
        while True:
            rest = self.text[at:]
            start = at + len(rest) - len(rest.lstrip())
            if self.text.startswith("during ", start) and during is None:
                during, at = self.fault(start + len("during "))
            elif (
                found := re.compile(r"at ([0-9.]+x?)(?=\s|$)").match(self.text, start)
            ) and multiple is None:
                multiple = self.reader.formula_in(self.node, *found.span(1), "number", "The multiple")
                at = found.end()
            else:
                return during, multiple, at

    def fault(self, start: int) -> tuple[str, int]:
        for name in sorted(self.reader.names.faults, key=len, reverse=True):
            if self.text.startswith(name, start):
                self.reader.refer("fault", name, self.reader.part(self.node, start, start + len(name)))
                return name, start + len(name)
        sign = comparator_in(self.text, start)
        end = sign[0] if sign else len(self.text)
        cut = re.search(r" at [0-9.]+x", self.text[start:end])
        end = start + cut.start() if cut else end
        name = self.text[start:end].strip()
        self.reader.known(name, ("fault",), self.reader.part(self.node, start, start + max(len(name), 1)))
        return "?", end

    def end_of_value(self, start: int) -> int:
        found = re.compile(r"\s(during\s|at\s+[0-9.]+x?(\s|$))").search(self.text, start)
        return found.start() if found else len(self.text)
