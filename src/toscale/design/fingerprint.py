"""Has a section changed its meaning since it was agreed on? A fingerprint of the meaning says so.

It is taken of the model, not of the text: comments, the order of keys, layout and how a number was written
do not matter (`1_000`, `1k` and `1000` are one number; `0.5 s` is `500 ms`). The order of steps, of
questions and of lists matters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from toscale.design.model import Change, Design
from toscale.design.parts import Formula, Place, Time
from toscale.design.source import Mapping as MappingNode
from toscale.design.source import Node, Scalar, Sequence
from toscale.quantity.errors import QuantityError
from toscale.quantity.formula import Binary, Call, Expr, Literal, Name, Negate, Range
from toscale.quantity.grammar import parse
from toscale.quantity.units import NUMBER, Dimension

__all__ = ["fingerprint", "fingerprints"]

_LEFT_OUT = ("source", "problems", "layout", "agreements")


def fingerprints(design: Design) -> dict[str, str]:
    """The fingerprint of every section that says something, by its key in the file; layout and agreements
    have none.
    """
    empty = Design()
    found = {}
    for part in fields(Design):
        value = getattr(design, part.name)
        if part.name not in _LEFT_OUT and value != getattr(empty, part.name):
            found[part.name] = fingerprint(value)
    return found


def fingerprint(part: object) -> str:
    """The fingerprint of a part of the model: 16 hexadecimal digits of SHA-256."""
    digest = hashlib.sha256()
    for piece in _meaning(part):
        digest.update(piece.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _meaning(part: object) -> list[str]:
    """The meaning of a part as a list of texts, the same for all ways to write it."""
    match part:
        case None:
            return ["nothing"]
        case bool() | int():
            return [repr(part)]
        case float():
            return [_number(part)]
        case str():
            return ["text", " ".join(part.split())]
        case Formula():
            unit = part.expr.unit
            return ["formula", *_expression(part.expr.expr), unit.name if unit else ""]
        case Time():
            time = part.expr
            parts = [time.value, *time.parameters]
            said = [text for formula in parts if formula is not None for text in _expression(formula.expr)]
            return [
                "time",
                time.shape.value,
                repr(time.probability),
                time.file or "",
                repr(time.per_batch),
                *said,
            ]
        case Change():
            return ["change", *_keyed({path: _node(node) for path, node in part.entries.items()})]
        case Mapping():
            return ["mapping", *_keyed({str(key): _meaning(value) for key, value in part.items()})]
        case tuple() | list():
            return ["list", str(len(part)), *(text for item in part for text in _meaning(item))]
        case frozenset() | set():
            return ["set", *sorted(str(item) for item in part)]
        case _ if is_dataclass(part) and not isinstance(part, type):
            found = {
                each.name: _meaning(value)
                for each in fields(part)
                if each.compare
                and (value := getattr(part, each.name)) is not None
                and not isinstance(value, Place)
            }
            return [type(part).__name__, *_keyed(found)]
        case _:
            raise TypeError(f"{type(part).__name__} is no part of a design")


def _keyed(parts: dict[str, list[str]]) -> list[str]:
    return ["{", *(text for key in sorted(parts) for text in ("key", key, *parts[key])), "}"]


def _number(value: float) -> str:
    return f"{value:.12g}"


def _expression(expr: Expr) -> list[str]:
    constant = _constant(expr)
    if constant is not None:
        return [_number(constant[0]), repr(constant[1])]
    match expr:
        case Literal():
            return [_number(expr.value), expr.unit.name if expr.unit else ""]
        case Name():
            return ["name", expr.name]
        case Negate():
            return ["-", *_expression(expr.operand)]
        case Binary():
            return ["(", expr.operator, *_expression(expr.left), *_expression(expr.right), ")"]
        case Range():
            return ["range", *_expression(expr.low), *_expression(expr.high)]
        case Call():
            inner = (text for argument in expr.arguments for text in _expression(argument))
            return ["(", expr.function, *inner, ")"]


def _constant(expr: Expr) -> tuple[float, Dimension] | None:
    """The value of an expression of literals alone, in base units, so that `60 / min` is `1 / s`; None for
    any other.
    """
    match expr:
        case Literal(value=value, unit=unit):
            return (value, NUMBER) if unit is None else (value * unit.factor_to_si, unit.dimension)
        case Negate(operand=operand):
            inner = _constant(operand)
            return None if inner is None else (-inner[0], inner[1])
        case Binary(operator="*" | "/" as operator, left=left, right=right):
            first, second = _constant(left), _constant(right)
            if first is None or second is None or (operator == "/" and second[0] == 0):
                return None
            if operator == "*":
                return first[0] * second[0], first[1] * second[1]
            return first[0] / second[0], first[1] / second[1]
        case _:
            return None


def _node(node: Node) -> list[str]:
    """The meaning of a node in a change, whose place in the model is not known: numbers by value, the rest
    by text.
    """
    if isinstance(node, Scalar):
        if isinstance(node.value, bool) or node.value is None:
            return [repr(node.value)]
        try:
            return ["value", *_expression(parse(node.text).expr)]
        except QuantityError:
            return ["text", " ".join(node.text.split())]
    if isinstance(node, MappingNode):
        return ["mapping", *_keyed({key.text: _node(value) for key, value in node.items})]
    if isinstance(node, Sequence):
        return ["list", str(len(node.items)), *(text for item in node.items for text in _node(item))]
    raise TypeError(f"{type(node).__name__} is no node")
