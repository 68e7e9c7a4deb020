"""How much is stored? From the data model: the fields of each entity, its rows, its indexes and its copies;
beside the estimate by hand.

The size of a field is that of its type; of a text, the length that the file says (`string(~120)` an
average, `string(7)` a limit that is taken as the length). What a storage engine adds to a record and to an
index is in `LAYOUTS`, each with its source. For an engine that is not there, only fields are counted, and
said so. Free space, logs, snapshots and compression are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from toscale.design.model import Component, Design, Entity, Field
from toscale.design.parts import NOWHERE, Place
from toscale.kinds import KINDS
from toscale.quantity.estimate import Estimate
from toscale.quantity.sheet import Sheet
from toscale.quantity.uncertain import Quantity, quantile
from toscale.quantity.units import NUMBER, SIZE
from toscale.requirements.machines import machines, number_of
from toscale.requirements.values import value_of
from toscale.simulate.lowering.entities import FIELD_BYTES, record_size

__all__ = ["LAYOUTS", "Layout", "Stored", "by_hand", "record_bytes", "storage", "stored_bytes"]

VARYING = frozenset({"string", "uri", "json", "bytes"})
"""Types whose length the file may give. Where it does not, `FIELD_BYTES` has a rule of thumb, which is
listed where it is used.
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """What an engine adds, in bytes: to each record, to each value of varying length, to each entry of an
    index.

    `align`: records are padded to multiples of it. `fill`: the share of an index page that is filled.
    """

    record: float
    varying: float
    index_entry: float
    align: int
    fill: float
    source: str
    key_index: bool = True  # whether the key has an index of its own


LAYOUTS: dict[str, Layout] = {
    "postgresql": Layout(
        28,
        1,
        12,
        8,
        0.9,
        "PostgreSQL documentation, Database Page Layout: a header of 23 bytes padded to 24 and a pointer of 4; texts "
        "below 127 bytes have a header of 1. An index entry has a header of 8 and a pointer of 4; pages of a "
        "B-tree are filled to 90%.",
    ),
    "mysql": Layout(
        18,
        1,
        5,
        1,
        0.94,
        "MySQL documentation, InnoDB Row Formats: 5 bytes of header, 6 of transaction, 7 of rollback pointer; the "
        "table is the index of its key (pages filled to 15/16), and an entry of another index holds the key.",
        key_index=False,
    ),
}
"""By the `engine` of a database. A database without one is taken as PostgreSQL."""

FIELDS_ONLY = Layout(
    0, 0, 0, 1, 1.0, "Only fields are counted: what the engine adds is not known.", key_index=False
)


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What one entity takes. Quantities in bytes, or the reason why one is not known.

    `record` is one record with what the engine adds, `indexes` all index entries of one record. `copies` is
    how often the whole is there. `layout` is the source of what was added; `assumed` lists lengths that the
    file does not give.
    """

    entity: str
    component: str
    record: float | str
    indexes: float
    rows: Quantity | str
    copies: Quantity | str
    total: Quantity | str
    layout: str
    assumed: tuple[str, ...] = ()
    by_hand: tuple[Estimate, ...] = ()
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    @property
    def how(self) -> str:
        """The product in words: `3.2 billion rows x (228 + 72 bytes) x 3 copies`."""
        from toscale.quantity.formatting import format_number, format_quantity

        if isinstance(self.rows, str) or isinstance(self.copies, str) or isinstance(self.record, str):
            return ""
        rows, copies = (format_number(quantile(q.value, 0.5)) for q in (self.rows, self.copies))
        each = format_quantity(self.record, SIZE)
        if self.indexes:
            each = f"({each} + {format_quantity(self.indexes, SIZE)} of indexes)"
        return f"{rows} rows x {each}" + ("" if copies == "1" else f" x {copies} copies")

    def to_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "component": self.component,
            "record": None,
            "indexes": self.indexes,
            "how": self.how,
        }
        if isinstance(self.record, str):
            said["reason"] = self.record
        else:
            said["record"] = self.record
        if isinstance(self.total, str):
            said |= {"median": None, "low": None, "high": None, "reason": self.total}
        else:
            low, median, high = (quantile(self.total.value, p) for p in (0.05, 0.5, 0.95))
            said |= {"median": median, "low": low, "high": high}
        said |= {"unit": "byte", "layout": self.layout, "assumed": list(self.assumed)}
        said["by_hand"] = {estimate.name: estimate.median for estimate in self.by_hand}
        return said


def storage(design: Design, sheet: Sheet) -> tuple[Stored, ...]:
    """What each entity takes where it is stored; entities of other systems, and messages in queues, are
    left out.
    """
    found = []
    for entity in design.data.values():
        component = design.components.get(entity.stored_in or "")
        if component is None or entity.elsewhere or component.kind in ("queue", "stream"):
            continue
        found.append(_stored(design, sheet, entity, component))
    return tuple(found)


def stored_bytes(design: Design, sheet: Sheet, component: str) -> Quantity | str:
    """All that a component stores, its copies included, in bytes; or why that is not known."""
    total = Quantity(0.0, SIZE)
    parts = [part for part in storage(design, sheet) if part.component == component]
    if not parts:
        return f"no entity of `data` is stored in `{component}`"
    for part in parts:
        if isinstance(part.total, str):
            return part.total
        total = Quantity(total.value + part.total.value, SIZE)
    return total


def _stored(design: Design, sheet: Sheet, entity: Entity, component: Component) -> Stored:
    layout = _layout(component)
    sizes, assumed = _field_sizes(design, entity)
    record: float | str = _record(layout, entity, sizes) if sizes or entity.size is not None else ""
    if entity.size is not None:
        given = value_of(sheet, entity.size, f"data.{entity.name}.size", SIZE)
        record, assumed = (given if isinstance(given, str) else given.median), ()
    elif not sizes:
        record = f"`{entity.name}` has neither `fields` nor a `size`"
    indexes = _indexes(layout, entity, sizes)
    rows = _rows(design, sheet, entity)
    copies = number_of(sheet, component.copies, f"components.{component.name}.copies")
    total: Quantity | str
    if isinstance(record, str) or isinstance(rows, str) or isinstance(copies, str):
        total = next(part for part in (record, rows, copies) if isinstance(part, str))
    else:
        total = Quantity(rows.value * (record + indexes) * copies.value, SIZE)
    hand = by_hand(sheet, entity)
    return Stored(
        entity.name,
        component.name,
        record,
        indexes,
        rows,
        copies,
        total,
        layout.source,
        assumed,
        hand,
        entity.place,
    )


def by_hand(sheet: Sheet, entity: Entity) -> tuple[Estimate, ...]:
    """The estimates of a size that rest on the same number as the entity: what somebody computed by hand
    for it.
    """
    names = entity.how_many.names if entity.how_many is not None else frozenset()
    return tuple(
        estimate
        for estimate in sheet.values()
        if estimate.dimension == SIZE and names & {used.name for used in estimate.uses}
    )


def record_bytes(design: Design, sheet: Sheet, entity: Entity) -> float | str:
    """The bytes of one record as it travels, without what an engine adds: its `size`, else the sum of its
    fields.
    """
    if entity.size is not None:
        given = value_of(sheet, entity.size, f"data.{entity.name}.size", SIZE)
        return given if isinstance(given, str) else given.median
    return record_size(design, entity) or f"`{entity.name}` has neither `fields` nor a `size`"


def _layout(component: Component) -> Layout:
    engine = component.engine or ("postgresql" if component.kind == "database" else "")
    found = LAYOUTS.get(engine)
    if found is not None:
        return found
    kind = KINDS.get(component.kind)
    if kind is not None and kind.overhead is not None:
        return Layout(kind.overhead.value, 0, 0, 1, 1.0, kind.overhead.source, key_index=False)
    return FIELDS_ONLY


def _rows(design: Design, sheet: Sheet, entity: Entity) -> Quantity | str:
    if entity.how_many is not None:
        return number_of(sheet, entity.how_many, f"data.{entity.name}.how many")
    if not entity.per:
        return f"nothing says how many `{entity.name}` there are: add `how many`"
    number = Quantity(1.0, NUMBER)
    for owner in entity.per:
        of: Quantity | str
        if owner in design.data and owner != entity.name and design.data[owner].how_many is not None:
            of = number_of(sheet, design.data[owner].how_many, f"data.{owner}.how many")
        elif owner in design.components:
            of = machines(design, sheet, design.components[owner])
        else:
            of = f"nothing says how many `{owner}` there are"
        if isinstance(of, str):
            return of
        number = Quantity(number.value * of.value, NUMBER)
    return number


# ---- sizes


def _field_sizes(design: Design, entity: Entity) -> tuple[dict[str, float], tuple[str, ...]]:
    """The bytes of each field, and those of which the file gives no length."""
    assumed: list[str] = []
    sizes = {name: _field_bytes(design, one, assumed, (entity.name,)) for name, one in entity.fields.items()}
    return sizes, tuple(assumed)


def _field_bytes(design: Design, one: Field, assumed: list[str], seen: tuple[str, ...]) -> float:
    if one.reference is not None:
        # a reference is the key of what it refers to
        other = design.data.get(one.reference)
        keys = [f for f in other.fields.values() if f.key] if other and one.reference not in seen else []
        if not keys:
            return FIELD_BYTES["uuid"]
        return sum(_field_bytes(design, key, assumed, (*seen, one.reference)) for key in keys)
    if one.type is None:
        return FIELD_BYTES["uuid"]
    if one.type.length is not None:
        return float(one.type.length)
    size = FIELD_BYTES.get(one.type.name, FIELD_BYTES["uuid"])
    if one.type.name in VARYING:
        assumed.append(f"{one.name}: {size:g} bytes")
    return size


def _varies(one: Field) -> bool:
    return one.type is not None and one.type.name in VARYING


def _padded(size: float, align: int) -> float:
    return float(-(-size // align) * align)


def _record(layout: Layout, entity: Entity, sizes: dict[str, float]) -> float:
    varying = sum(_varying(layout, sizes[name]) for name, one in entity.fields.items() if _varies(one))
    # the pointer to a record in its page is not part of what is aligned
    return _padded(sum(sizes.values()) + varying, layout.align) + layout.record


def _varying(layout: Layout, size: float) -> float:
    """The header of a text: one byte while it is short, four beyond (PostgreSQL: 126 bytes)."""
    return layout.varying if size <= 126 else 4 * layout.varying


def _indexes(layout: Layout, entity: Entity, sizes: dict[str, float]) -> float:
    """All index entries of one record, in bytes; the key's index among them where the engine has one apart
    from the table.
    """
    if not layout.index_entry:
        return 0.0
    key = tuple(name for name, one in entity.fields.items() if one.key)
    indexes = list(entity.indexes)
    if key and layout.key_index:
        indexes.append(key)
    of_key = 0.0 if layout.key_index else sum(sizes[name] for name in key)
    each = (sum(sizes.get(name, 0.0) for name in index) + of_key for index in indexes)
    return sum((_padded(size, layout.align) + layout.index_entry) / layout.fill for size in each)
