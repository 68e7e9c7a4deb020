"""`toscale new`: a start that works, and that destroys nothing."""

from __future__ import annotations

import re

from tests.cli.calls import Shell
from toscale.cli.new import starting_design


def test_the_start_checks_simulates_and_meets_its_targets(toscale: Shell) -> None:
    assert toscale("new", "shop.design.yaml").code == 0
    checked = toscale("check", "shop.design.yaml")
    assert checked.code == 0
    assert not re.search("error|warning", checked.out)
    simulated = toscale("simulate", "shop.design.yaml", "--json")
    assert simulated.code == 0
    assert {one["status"] for one in simulated.json["conditions"]} == {"met"}
    assert simulated.json["not_simulated"] == []


def test_the_start_explains_itself_and_has_all_four_steps() -> None:
    text = starting_design()
    assert [f"Step {number}" in text for number in (1, 2, 3, 4)] == [True] * 4
    for command in ("check", "estimate", "simulate", "report"):
        assert f"toscale {command} " in text


def test_a_file_that_is_there_is_left_as_it_is(toscale: Shell) -> None:
    path = toscale.write("mine", "shop.design.yaml")
    called = toscale("new", path)
    assert called.code == 2
    assert "shop.design.yaml" in called.err
    assert (toscale.folder / "shop.design.yaml").read_text() == "mine"


def test_a_name_without_an_ending_gets_the_one_that_folders_are_searched_for(toscale: Shell) -> None:
    assert toscale("new", "shop").code == 0
    assert toscale("new").code == 0
    assert sorted(path.name for path in toscale.folder.iterdir()) == [
        "shop.design.yaml",
        "system.design.yaml",
    ]


def test_where_nothing_can_be_written_it_says_so(toscale: Shell) -> None:
    for name in ("missing/shop.design.yaml", "a\0b.design.yaml"):
        called = toscale("new", name)
        assert called.code == 2
        assert called.err.startswith("toscale: cannot write ")
