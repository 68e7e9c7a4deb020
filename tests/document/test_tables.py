"""Tables: every row as wide as its heads, every flow and component in them, columns of nothing left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.document.made import design, simulation
from toscale.document import deep, simulated_tables, tables
from toscale.document.figures import DASH
from toscale.document.findings import find
from toscale.document.tables import Meter, Table
from toscale.simulate.result import Simulation

FOUND = find(design(), {1.0: simulation()})
ALL = [
    tables.estimates_table(FOUND.estimates),
    tables.shares_table(FOUND.estimates),
    tables.rates_table(FOUND.estimates),
    tables.reads_table(FOUND.estimates),
    tables.storage_table(FOUND.estimates),
    tables.memory_table(FOUND.estimates),
    tables.cost_table(FOUND.estimates.cost),
    tables.components_table(FOUND.design),
    simulated_tables.flows_table(simulation()),
    simulated_tables.simulated_components_table(simulation()),
    tables.growth_table(FOUND),
    deep.api_table(FOUND.design),
    deep.data_table(FOUND.design, FOUND.estimates),
]


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.title)
def test_a_table_has_rows_as_wide_as_its_heads_and_a_first_column_that_stays(table: Table) -> None:
    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert table.columns[0].rank == 0
    for row in table.rows:
        for cell in row:
            assert 0 <= cell.share <= 1 if isinstance(cell, Meter) else isinstance(cell, str)


def column(table: Table, head: str) -> list[tables.Cell]:
    (at,) = (number for number, one in enumerate(table.columns) if one.head == head)
    return [row[at] for row in table.rows]


def test_both_loads_of_every_flow_are_shown() -> None:
    table = simulated_tables.flows_table(simulation())
    assert column(table, "Flow") == ["look", "", "step find", ""]
    assert column(table, "Rates") == ["median", "upper", "median", "upper"]
    assert column(table, "p99")[:2] == ["20 ms ±1.0%", "30 ms ±1.0%"]
    assert column(table, "Failed")[:2] == ["2%", "2%"]
    assert "look timed out" in table.note


def test_with_one_load_nothing_is_said_of_a_second() -> None:
    ran: Simulation = replace(simulation(), upper=None)
    assert "Rates" not in [one.head for one in simulated_tables.flows_table(ran).columns]
    assert "At the upper end" not in [
        one.head for one in simulated_tables.simulated_components_table(ran).columns
    ]


def test_a_component_is_shown_with_what_is_known_of_it() -> None:
    table = simulated_tables.simulated_components_table(simulation())
    assert column(table, "In use") == [Meter(0.4, "40%"), Meter(0.1, "10%")]
    assert column(table, "At the upper end")[0] == Meter(0.85, "85%")
    assert column(table, "Hit ratio") == [DASH, "90% ±1.0%"]
    # Nothing was refused: no column says so.
    assert "Refused" not in [one.head for one in table.columns]


def test_a_price_that_is_missing_is_said() -> None:
    table = tables.cost_table(FOUND.estimates.cost)
    assert column(table, "Component") == ["app"]
    assert "store" in table.note


def test_the_derivation_does_not_repeat_the_figures_beside_it() -> None:
    how = dict(zip(column(ALL[0], "Estimate"), column(ALL[0], "How"), strict=True))
    assert how["peak"] == "given"
    assert how["visits"] == "2M to 4M / day = 23 to 46 per s"
    assert how["rate"] == "visits * peak in 1/s = 32.7/s * 4.24"


def test_a_load_that_measured_nothing_of_a_component_has_dashes() -> None:
    ran = simulation()
    assert ran.upper is not None
    nothing = replace(ran, upper=replace(ran.upper, components={}))
    table = simulated_tables.simulated_components_table(nothing)
    at = [column.head for column in table.columns].index("In use")
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert all(row[at] != DASH for row in table.rows)
    assert "At the upper end" not in [column.head for column in table.columns]
