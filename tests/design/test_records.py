"""The size of a record is that of its fields in PostgreSQL, and what a page and an index add."""

from __future__ import annotations

import pytest

from tests.design.strategies import TEXTS
from toscale.design import Design
from toscale.design.records import field_bytes, index_bytes, record_bytes


def entity(fields, more=""):
    return Design.from_text(
        f"data:\n  other: {{fields: {{id: string(9) key}}}}\n  e:\n    fields: {{{fields}}}\n{more}"
    ).data


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("boolean", 1),
        ("smallint", 2),
        ("integer", 4),
        ("bigint", 8),
        ("uuid", 16),
        ("timestamp", 8),
        ("string(7)", 8),
        ("string(126)", 127),
        ("string(127)", 131),
        ("bytes(~4000)", 4004),
        ("other", 10),
        ("decimal(10)", 9),
    ],
)
def test_a_field_is_as_large_as_postgresql_stores_it(kind, size):
    data = entity(f"a: {kind}")
    assert field_bytes(data["e"].fields["a"], data) == size


def test_a_record_is_its_fields_and_a_row_header_and_a_line_pointer():
    data = Design.from_text(TEXTS["url_shortener"]).data
    size = record_bytes(data["link"], data)
    assert size.fields == 8 + 121 + 16 + 8 + 8
    assert size.total == size.fields + 28
    assert size.assumed == ()


def test_lengths_that_nobody_gave_are_named():
    data = entity("a: string, b: uri, c: string(4)")
    assert record_bytes(data["e"], data).assumed == ("a", "b")


def test_the_key_and_each_index_have_an_entry():
    data = entity("a: uuid key, b: integer", "    indexes: [b]\n")
    assert index_bytes(data["e"], data) == pytest.approx((16 + 12 + 4 + 12) / 0.9)


def test_an_entity_without_fields_has_no_size():
    data = entity("")
    assert record_bytes(data["e"], data) is None
