"""What comes next is found: the winner tree against a sorted list; and a time's cell in the histogram holds that time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.engine import state as engine_state
from toscale.engine.compiler import compile_model
from toscale.engine.model import Clock, Flow, Model
from toscale.engine.run import Replication
from toscale.engine.state import BITS, CELL_COUNT, TOP_BIT, records
from toscale.engine.tasks import cell
from toscale.engine.tree import NEVER, rebuild, schedule
from toscale.simulate.statistics import EDGES

moments = st.one_of(st.just(int(NEVER)), st.integers(0, 10**9))


def empty() -> Replication:
    model = Model(flows=(Flow("f", Clock(1.0), ()),))
    return Replication(model, compile_model(model), "1", 1.0)


@given(st.lists(st.tuples(st.integers(0, 200), moments), max_size=200))
def test_the_root_is_the_earliest_of_all(changes: list[tuple[int, int]]) -> None:
    state = empty().state
    control = state.control[0]
    leaves, bits = int(control.leaves), int(control.leaf_bits)
    due = {0: int(state.tree[leaves]) >> bits}
    for leaf, time in changes:
        schedule(state, leaf, time)
        due[leaf] = time
        earliest = min((t, leaf) for leaf, t in due.items())
        root = int(state.tree[1])
        if earliest[0] == int(NEVER):
            assert root == int(NEVER)
        else:
            assert (root >> bits, root & (leaves - 1)) == earliest


@given(st.lists(moments, min_size=1, max_size=64))
def test_a_tree_rebuilt_is_the_tree_that_grew(times: list[int]) -> None:
    state = empty().state
    leaves, bits = int(state.control[0].leaves), int(state.control[0].leaf_bits)
    schedule(state, 0, int(NEVER))
    for leaf, time in enumerate(times):
        schedule(state, leaf, time)
    keys = np.full(leaves, NEVER, dtype=np.int64)
    for leaf, time in enumerate(times):
        keys[leaf] = NEVER if time == int(NEVER) else (time << bits) | leaf
    assert np.array_equal(rebuild(keys), state.tree)


@given(st.integers(0, 2**TOP_BIT - 1))
def test_a_time_lies_in_its_cell(ticks: int) -> None:
    k = int(cell(ticks))
    low, high = EDGES[k] / engine_state.TICK, EDGES[k + 1] / engine_state.TICK
    assert low * (1 - 1e-12) <= ticks < high * (1 + 1e-12) + 1e-6
    assert high - low <= max(1.000001, low * 2.0**-BITS * 1.000001)  # narrower than 0.8%


def test_cells_are_one_after_the_other() -> None:
    assert np.all(np.diff(EDGES) > 0)
    first = [int(cell(ticks)) for ticks in range(3 << BITS)]
    assert sorted(set(first)) == list(range(max(first) + 1))
    assert int(cell(2**62)) == CELL_COUNT - 1
    assert int(cell(0)) == 0


@pytest.mark.parametrize(
    "dtype", [value for value in vars(engine_state).values() if isinstance(value, np.dtype) and value.names]
)
def test_no_field_has_the_name_of_an_attribute_that_records_have_already(dtype: np.dtype[np.void]) -> None:
    """Records of numpy give `row.size` the meaning of its own `size`: such a field could never be read."""
    row = records(dtype, 1)[0]
    for name in dtype.names or ():
        assert not hasattr(np.record, name), name
        setattr(row, name, 1)
        assert np.all(row[name] == 1)


def test_times_in_the_past_come_at_once_and_beyond_the_clock_never() -> None:
    state = empty().state
    horizon = int(state.control[0].horizon)
    schedule(state, 0, horizon)
    assert int(state.tree[1]) == int(NEVER)
    schedule(state, 0, horizon - 1)
    assert int(state.tree[1]) != int(NEVER)
