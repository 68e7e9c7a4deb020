"""The catalogue knows every kind of the language, every operation that a kind accepts, and where each figure is from."""

from __future__ import annotations

import pytest

from toscale.design.kinds_vocabulary import BUFFERS
from toscale.design.kinds_vocabulary import KINDS as WORDS
from toscale.kinds import KINDS, NETWORK_CV, RESEND_AFTER, Default, Kind, OperationTime, Primitive


def test_the_catalogue_has_the_kinds_of_the_language_in_its_order() -> None:
    assert list(KINDS) == list(WORDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_operation_that_the_language_accepts_has_a_time(kind: Kind) -> None:
    assert set(kind.operations) == set(WORDS[kind.name].operations)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_figure_is_positive_and_says_where_it_is_from(kind: Kind) -> None:
    defaults = [kind.cv, kind.slots, kind.time, kind.overhead, NETWORK_CV, RESEND_AFTER]
    for default in defaults:
        if default is not None:
            assert isinstance(default, Default)
            assert default.value > 0
            assert len(default.source) > 20
    for operation in kind.operations.values():
        assert isinstance(operation, OperationTime)
        assert 0 < operation.first < 1  # seconds: nothing in a data centre takes longer for one row
        assert 0 <= operation.further <= operation.first  # a further row is never dearer than the first
        assert len(operation.source) > 20


def test_only_queues_and_streams_are_buffers() -> None:
    assert {kind.name for kind in KINDS.values() if kind.primitive is Primitive.BUFFER} == set(BUFFERS)


def test_slots_are_given_only_where_a_shape_of_the_product_gives_them() -> None:
    assert KINDS["load_balancer"].slots is None  # it has none to run out of, unless it is given some
    assert KINDS["service"].slots is None  # without a limit a queue is unbounded
    one_thread = KINDS["cache"].slots
    assert one_thread is not None
    assert one_thread.value == 1


def test_a_shard_in_memory_counts_about_a_hundred_thousand_a_second() -> None:
    for name in ("cache", "key_value"):
        for operation in ("get", "put", "increment"):
            assert 1 / KINDS[name].operations[operation].first == pytest.approx(100_000, rel=0.3)


def test_a_write_to_a_log_on_disk_is_slower_than_a_read_from_memory() -> None:
    for name in ("database", "document", "coordination"):
        assert KINDS[name].operations["insert"].first > KINDS[name].operations["read"].first
