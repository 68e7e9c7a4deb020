"""What is held open stands in the tables and in JSON: how many, at the fullest machine, how often refused."""

from __future__ import annotations

from dataclasses import replace

from tests.document.made import simulation
from toscale.document.as_json import run_json
from toscale.document.simulated_tables import connections_table
from toscale.simulate.result import ConnectionResult, Figure, Simulation

HELD = ConnectionResult(
    name="socket",
    component="gateway",
    held=Figure(50e6, 49.9e6, 50.1e6),
    opened=Figure(20_833.0, 20_800.0, 20_860.0),
    closed=Figure(20_830.0, 20_800.0, 20_860.0),
    lost=Figure(0.0, 0.0, 0.0),
    refused=Figure(12.0, 11.0, 13.0),
    each=Figure(66_667.0, 66_600.0, 66_700.0),
    fullest=Figure(67_300.0, 67_250.0, 67_350.0),
    memory=Figure(None, reason="nobody gave the `memory` of one"),
    limit=100_000,
)


def ran(held: ConnectionResult) -> Simulation:
    made = simulation()
    return replace(made, median=replace(made.median, connections={held.name: held}))


def test_a_connection_is_a_row_without_what_nobody_knows() -> None:
    table = connections_table(ran(HELD))
    assert [column.head for column in table.columns] == [
        "Connection",
        "Held by",
        "Open",
        "At the fullest machine",
        "Opened",
        "Closed",
        "Refused",
    ]
    (row,) = table.rows
    assert row[:2] == ("socket", "gateway")
    assert str(row[3]).endswith("of 100k")
    assert "12/s" in str(row[6])


def test_where_nobody_is_refused_and_nothing_limits_neither_is_shown() -> None:
    table = connections_table(ran(replace(HELD, refused=Figure(0.0, 0.0, 0.0), limit=None)))
    assert "Refused" not in [column.head for column in table.columns]
    assert "of" not in str(table.rows[0][3])


def test_json_has_every_figure_and_says_why_one_is_missing() -> None:
    said = run_json(ran(HELD).median)["connections"]["socket"]
    assert said["component"] == "gateway"
    assert said["limit"] == 100_000
    assert said["held"]["value"] == 50e6
    assert said["memory"] == {
        "value": None,
        "low": None,
        "high": None,
        "reason": "nobody gave the `memory` of one",
    }
    assert set(said) == {
        "component",
        "held",
        "opened",
        "closed",
        "lost",
        "refused",
        "each",
        "fullest",
        "memory",
        "limit",
    }
