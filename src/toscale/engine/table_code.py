"""How do the rows that were collected become the arrays that the interpreter reads?

`c` is the compiler that has collected them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toscale.engine.frames import ListAt, OnMachine
from toscale.engine.layout import Label, LaidOut, Row, lay_out
from toscale.engine.model import (
    Attribute,
    Knob,
    Register,
)
from toscale.engine.state import CODE, LINK, NUMBER, TICK, records
from toscale.engine.tables import (
    CodePlace,
    ModelError,
    Tables,
    law_tables,
    population_tables,
    salt_of,
)

MOST_REGISTERS = 20_000


def _labels(row: Row) -> tuple[str, ...]:
    """The fields of an instruction that name others."""
    return tuple(name for name in ("a", "b", "c", "d", "fail") if isinstance(getattr(row, name), Label))


def tables_of(c: Any, entries: tuple[int, ...]) -> Tables:
    """The arrays of all that was collected. Raises ModelError where a request would carry too many numbers."""
    scalars = len(c.registers)
    for name, (_, size) in c.lists.items():
        c.lists[name] = (scalars, size)
        scalars += size
    if scalars > MOST_REGISTERS:
        raise ModelError(
            f"one request would carry {scalars:,} numbers: at most {MOST_REGISTERS:,} can be simulated"
        )
    laid_out = lay_out(c.rows, list(entries))
    code = records(CODE, len(laid_out.rows))
    for k, row in enumerate(laid_out.rows):
        code[k].op = int(row.op)
        for name in ("a", "b", "c", "d"):
            code[k][name] = resolve(c, getattr(row, name), laid_out)
        for name in ("x", "y", "z", "law", "num", "salt", "mask", "sync"):
            code[k][name] = getattr(row, name)
        code[k].fail = laid_out.place(row.fail)
    laws, tables, values = law_tables(list(c.laws))
    numbers = records(NUMBER, len(c.numbers))
    for number, k in c.numbers.items():
        row = numbers[k]
        if isinstance(number, Attribute):
            told = any(salt == number.salt for _, salt in c.told)
            row.kind, row.law = 3 if told else 1, c.laws[number.law]
            row.register = c.registers[number.of]
            row.salt = salt_of(f"attribute:{number.salt}")
        elif isinstance(number, Knob):
            row.value = number.value
        elif isinstance(number, Register):
            row.kind, row.register = 2, c.registers[number.name]
        elif isinstance(number, OnMachine):
            row.kind, row.value, row.each = 4, number.base, number.each
            row.law, row.register = c.numbers[number.count], number.machine
        else:
            row.value = float(number)
    links = records(LINK, len(c.links))
    for link, k in c.links.items():
        row = links[k]
        row.near = -1 if link.near is None else c.laws[link.near.scaled(1 / TICK)]
        row.far = -1 if link.far is None else c.laws[link.far.scaled(1 / TICK)]
        row.loss, row.resend = link.loss, link.resend_after / TICK
        row.usual = link.loss
        row.near_byte = 0.0 if link.near_bandwidth is None else 1 / link.near_bandwidth / TICK
        row.far_byte = 0.0 if link.far_bandwidth is None else 1 / link.far_bandwidth / TICK
    populations, heads, guides = population_tables(list(c.populations))
    arrays = {
        "code": code,
        "laws": laws,
        "tables": tables,
        "values": values,
        "numbers": numbers,
        "links": links,
        "populations": populations,
        "heads": heads,
        "guides": guides,
        "within": np.array([laid_out.place(row.within) for row in laid_out.rows], dtype=np.int64),
    }
    return Tables(
        arrays=arrays,
        registers=scalars,
        entries=tuple(laid_out.place(at) for at in entries),
        meters=tuple(c.meters),
        rings=tuple(c.rings),
        guards=tuple(c.guards),
        flights=tuple(c.flights),
        margin=c.margin,
        touches=c.touches,
        locked=c.locked + sum(c.lists[name][1] for name in c.locked_lists),
        populations=tuple(c.populations),
        register_of=dict(c.registers),
        law_of=dict(c.laws),
        terms=tuple(c.terms),
        stashes=tuple(step for _, step in c.stashes.values()),
        labels=tuple(_labels(row) for row in laid_out.rows),
        places=tuple(CodePlace(row.path, row.passages) for row in laid_out.rows),
        knobs={number.name: k for number, k in c.numbers.items() if isinstance(number, Knob)},
        between={name: tuple(k for link, k in c.links.items() if link.between == name) for name in c.cut},
        hots=c.hots,
    )


def resolve(c: Any, value: Any, laid_out: LaidOut) -> int:
    """What a field holds in the end."""
    if isinstance(value, Label):
        return laid_out.place(value)
    if isinstance(value, ListAt):
        return -1 if value.name is None else c.lists[value.name][0]
    return int(value)
