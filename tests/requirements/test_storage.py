"""The bytes of the data model, added up by hand."""

from __future__ import annotations

import pytest

from toscale.design.load import read_design
from toscale.quantity.uncertain import Quantity, quantile
from toscale.requirements.storage import Stored, record_bytes, storage, stored_bytes
from toscale.requirements.values import sheet_of

PARTS = """
components:
  table: {kind: database, engine: ENGINE, copies: 3}
  wide: {kind: object_store}
  memory: {kind: key_value, copies: 2}
  jobs: {kind: queue}
estimates: {n: 1M to 4M, hand: n * 100 bytes, other: 5 GB, rate: n / day}
data:
"""


def stored(data: str, engine: str = "postgresql") -> Stored:
    design = read_design(PARTS.replace("ENGINE", engine) + data).sound()
    return storage(design, sheet_of(design))[0]


def total(part: Stored, probability: float = 0.5) -> float:
    assert isinstance(part.total, Quantity), part.total
    return quantile(part.total.value, probability)


LINK = "  link: {stored in: table, how many: 1M, indexes: [owner], fields: {code: string(7) key, url: string(~120), owner: uuid, created: timestamp}}\n"


def test_a_table_of_postgresql() -> None:
    part = stored(LINK)
    # (7 + 1) + (120 + 1) + 16 + 8 = 153, padded to 160; 24 of header and 4 of pointer
    assert part.record == 160 + 28
    # the key padded to 8, the owner 16: each 12 more, on pages filled to 90%
    assert part.indexes == pytest.approx((20 + 28) / 0.9)
    assert total(part) == pytest.approx(1e6 * 3 * (188 + 48 / 0.9))


def test_a_table_of_mysql_is_the_index_of_its_key() -> None:
    part = stored(LINK, "mysql")
    assert part.record == 153 + 18
    # the index of the owner holds the key: 16 + 7 + 5
    assert part.indexes == pytest.approx(28 / 0.94)


def test_a_long_text_has_a_longer_header() -> None:
    short, long = (
        stored(f"  a: {{stored in: table, how many: 1, fields: {{text: string({n})}}}}\n") for n in (126, 127)
    )
    assert (short.record, long.record) == (28 + 128, 28 + 136)


def test_an_engine_that_is_not_known_counts_fields_only_and_says_so() -> None:
    part = stored("  a: {stored in: wide, how many: 10, fields: {k: uuid key, v: bytes(100)}}\n")
    assert (part.record, part.indexes, total(part)) == (116, 0, 1160)
    assert "Only fields are counted" in part.layout


def test_a_store_in_memory_has_the_overhead_of_its_kind() -> None:
    part = stored("  a: {stored in: memory, how many: 10, fields: {k: uuid key}}\n")
    assert part.record == 16 + 85
    assert total(part) == 10 * 101 * 2
    assert "Redis" in part.layout


def test_a_reference_is_the_key_of_what_it_refers_to() -> None:
    data = "  a: {stored in: wide, how many: 1, fields: {of: b, also: a}}\n  b: {stored in: wide, fields: {x: string(9) key, y: bigint key}}\n"
    assert stored(data).record == 17 + 16


def test_a_size_by_hand_replaces_the_fields() -> None:
    assert stored("  a: {stored in: wide, how many: 1, size: 2 kB, fields: {k: uuid}}\n").record == 2000


def test_lengths_that_the_file_does_not_give_are_listed() -> None:
    part = stored("  a: {stored in: wide, how many: 1, fields: {k: uuid key, where: uri, note: string(8)}}\n")
    assert part.assumed == ("where: 100 bytes",)


def test_the_hand_estimate_of_the_same_number_stands_beside_it() -> None:
    part = stored("  a: {stored in: wide, how many: n, fields: {k: uuid}}\n")
    assert [estimate.name for estimate in part.by_hand] == ["hand"]
    assert total(part, 0.95) == pytest.approx(4e6 * 16, rel=0.01)
    assert stored("  a: {stored in: wide, how many: 7, fields: {k: uuid}}\n").by_hand == ()


def test_what_is_not_known_is_a_reason_and_never_a_zero() -> None:
    for data, reason in (
        ("  a: {stored in: wide, fields: {k: uuid}}\n", "add `how many`"),
        ("  a: {stored in: wide, how many: 5}\n", "neither `fields` nor a `size`"),
    ):
        part = stored(data)
        assert isinstance(part.total, str)
        assert reason in part.total
        assert part.to_json()["median"] is None


def test_one_for_each_of_another() -> None:
    data = "  bucket: {stored in: wide, per: [tenant, table], at most: 5, fields: {left: integer}}\n  tenant: {stored in: wide, how many: 10}\n"
    assert total(stored(data)) == 10 * 3 * 4


def test_messages_and_other_systems_are_left_out() -> None:
    data = "  m: {stored in: jobs, fields: {k: uuid}, how many: 5}\n  u: {stored in: nowhere here, how many: 5, fields: {k: uuid}}\n"
    design = read_design(PARTS.replace("ENGINE", "mysql") + data).sound()
    assert storage(design, sheet_of(design)) == ()


def test_a_component_stores_all_of_its_entities() -> None:
    data = "  a: {stored in: wide, how many: 10, fields: {k: uuid}}\n  b: {stored in: wide, how many: 5, fields: {k: bigint}}\n"
    design = read_design(PARTS.replace("ENGINE", "mysql") + data).sound()
    found = stored_bytes(design, sheet_of(design), "wide")
    assert isinstance(found, Quantity)
    assert found.value == 160 + 40
    assert isinstance(stored_bytes(design, sheet_of(design), "table"), str)


def test_a_record_as_it_travels_is_its_fields() -> None:
    design = read_design(PARTS.replace("ENGINE", "postgresql") + LINK).sound()
    assert record_bytes(design, sheet_of(design), design.data["link"]) == 7 + 120 + 16 + 8
