"""How large is a record, in bytes? The sum of its fields, and what the store adds to each row.

Field sizes are those of PostgreSQL (documentation, chapter 8 "Data Types", and 8.4 for variable length): a
text or `bytes` value has a header of 1 byte up to 126 bytes, of 4 bytes above. Texts count one byte a
character, as in ASCII. The overhead of a row is that of PostgreSQL (documentation, section 73.6 "Database
Page Layout"): a header of 23 bytes, padded to 24, and a line pointer of 4; a page of 8,192 bytes has a
header of 24. An index entry (B-tree, section 67.1) has a header of 8 bytes and a line pointer of 4, and
pages that are filled to 90%.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toscale.design.model import Entity, Field, FieldType

__all__ = ["ROW_OVERHEAD", "RecordSize", "field_bytes", "index_bytes", "record_bytes"]

ROW_OVERHEAD = 28.0
"""Bytes that a row has beside its fields: a header of 24 and a line pointer of 4."""
INDEX_OVERHEAD = 12.0
INDEX_FILL = 0.9

_FIXED = {
    "boolean": 1.0,
    "smallint": 2.0,
    "integer": 4.0,
    "bigint": 8.0,
    "float": 8.0,
    "uuid": 16.0,
    "date": 4.0,
    "timestamp": 8.0,
}
_USUAL_LENGTH = {"string": 32, "uri": 100, "json": 500, "bytes": 100, "decimal": 10}
"""Lengths that are taken where a type says none; a report names them as assumptions."""


@dataclass(frozen=True, slots=True)
class RecordSize:
    """The size of a record in bytes. `assumed` are the fields whose length nobody gave."""

    fields: float
    overhead: float
    assumed: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Fields and overhead together."""
        return self.fields + self.overhead


def _type_bytes(kind: FieldType) -> float:
    if kind.name in _FIXED:
        return _FIXED[kind.name]
    length = kind.length if kind.length is not None else _USUAL_LENGTH[kind.name]
    if kind.name == "decimal":
        return 3.0 + 2.0 * -(-length // 4)  # two bytes for four digits, and a header of three (section 8.1.2)
    return length + (1.0 if length <= 126 else 4.0)


def field_bytes(field: Field, data: Mapping[str, Entity]) -> float:
    """The size of a field in bytes. A reference is as large as the key of its entity, or a uuid if that has
    none.
    """
    if field.type is not None:
        return _type_bytes(field.type)
    entity = data.get(field.reference or "")
    keys = [key for key in entity.fields.values() if key.key and key.type is not None] if entity else []
    return sum(_type_bytes(key.type) for key in keys if key.type is not None) if keys else _FIXED["uuid"]


def record_bytes(
    entity: Entity, data: Mapping[str, Entity], overhead: float = ROW_OVERHEAD
) -> RecordSize | None:
    """The size of one record of an entity; None if it has no fields. `overhead` is what its store adds to
    each.

    A `size:` that the file gives by hand is not looked at here: it is a formula, and has the word where it
    is evaluated.
    """
    if not entity.fields:
        return None
    total = sum(field_bytes(field, data) for field in entity.fields.values())
    assumed = tuple(
        field.name
        for field in entity.fields.values()
        if field.type is not None and field.type.length is None and field.type.name in _USUAL_LENGTH
    )
    return RecordSize(total, overhead, assumed)


def index_bytes(entity: Entity, data: Mapping[str, Entity]) -> float:
    """The size in bytes of all index entries of one record: that of its key, and of each further index."""
    keys = tuple(field.name for field in entity.fields.values() if field.key)
    total = 0.0
    for index in (*((keys,) if keys else ()), *entity.indexes):
        fields = [entity.fields[name] for name in index if name in entity.fields]
        total += (sum(field_bytes(field, data) for field in fields) + INDEX_OVERHEAD) / INDEX_FILL
    return total
