"""What fills a cache, by hand; and a curve that theory and common sense agree on."""

from __future__ import annotations

import pytest

from toscale.design.load import read_design
from toscale.quantity.uncertain import Quantity
from toscale.requirements.values import sheet_of
from toscale.requirements.working_set import CURVE, Memory, memories
from toscale.requirements.workload import flow_rates

TEXT = """
requirements: {users: {user: reads}}
components:
  app: {kind: service}
  near: {kind: cache, memory: MEMORY, shards: 4, evict: EVICT}
  far: {kind: database}
flows:
  look: {from: user, rate: 100 / s, steps: [{app: 1 ms, then: [{near: get item, miss: [far: read item, near: put item]}]}]}
data:
  item: {stored in: far, how many: 1M, fields: {id: uuid key, text: bytes(899)}, popularity: POPULARITY}
"""


def memory(
    size: str = "25 MB", popularity: str = "zipf(0.9) over 100k", evict: str = "lru", text: str = TEXT
) -> Memory:
    made = text.replace("MEMORY", size).replace("POPULARITY", popularity).replace("EVICT", evict)
    design = read_design(made).sound()
    sheet = sheet_of(design)
    (found,) = memories(design, sheet, flow_rates(design, sheet))
    return found


def test_the_working_set_is_what_is_asked_for_with_its_overhead() -> None:
    found = memory()
    assert isinstance(found.demanded, Quantity)
    assert found.demanded.value == pytest.approx(100e3 * (16 + 899 + 85))
    assert isinstance(found.given, Quantity)
    assert found.given.value == 4 * 25e6


def test_the_curve_rises_with_the_memory_and_ends_at_the_working_set() -> None:
    found = memory("12.5 MB")  # half of what is asked for, in four shards
    ratios = [ratio for _, ratio in found.curve]
    assert [size for size, _ in found.curve] == pytest.approx([50e6 * multiple for multiple in CURVE])
    assert ratios == sorted(ratios)
    assert 0 < ratios[0] < ratios[4] < 1
    assert ratios[-1] == pytest.approx(1.0)


def test_uniform_requests_hit_what_is_held() -> None:
    # LRU under independent, equally likely requests holds a random part: its share of the keys is the hit ratio
    found = memory("12.5 MB", "uniform over 100k")
    assert dict(found.curve)[50e6] == pytest.approx(0.5, abs=0.01)


def test_skew_helps() -> None:
    mild, strong = memory("1 MB", "zipf(0.6) over 100k"), memory("1 MB", "zipf(1.1) over 100k")
    assert all(b > a for (_, a), (_, b) in zip(mild.curve[:4], strong.curve[:4], strict=True))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (TEXT.replace(", popularity: POPULARITY", ""), "add `popularity`"),
        (TEXT.replace("evict: EVICT", "hit ratio: 90%"), "the file gives the hit ratio"),
        (
            TEXT.replace("near: get item, miss: [far: read item, near: put item]", "near: put item"),
            "nothing is looked up",
        ),
    ],
)
def test_where_there_is_no_curve_there_is_a_reason(changed: str, reason: str) -> None:
    found = memory(text=changed)
    assert found.curve == ()
    assert reason in found.reason


def test_an_entry_that_expires_is_missed_by_the_rare() -> None:
    expiring = memory("1 GB", text=TEXT.replace("evict: EVICT", "evict: lru, ttl: 1 min"))
    lasting = memory("1 GB")
    assert dict(expiring.curve)[4e9] < dict(lasting.curve)[4e9] == pytest.approx(1.0)
