"""`toscale estimate`: every number with its range and where it comes from."""

from __future__ import annotations

import jsonschema
import pytest

from tests.cli.calls import BROKEN, EXAMPLES, MEETS, Shell
from tests.cli.shapes import ESTIMATE, PROBLEM

SHORTENER = str(EXAMPLES / "url_shortener.design.yaml")


def test_estimates_have_their_range_their_derivation_and_what_they_are_due_to(toscale: Shell) -> None:
    called = toscale("estimate", SHORTENER)
    assert called.code == 0
    assert "60M to 160M / month = 23 to 61 per s" in " ".join(called.out.split())
    assert "average_writes * reads_per_write" in called.out
    assert "How many links are created in a month?" in " ".join(called.out.split())
    assert "8.82 TB" in called.out


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.design.yaml")), ids=lambda path: path.name)
def test_json_has_the_documented_shape(toscale: Shell, example: object) -> None:
    said = toscale("estimate", str(example), "--json").json
    jsonschema.validate(said, ESTIMATE)
    assert said["estimates"]


def test_the_unit_shown_and_the_base_unit_are_the_same_value(toscale: Shell) -> None:
    said = toscale("estimate", SHORTENER, "--json").json["estimates"]["storage"]
    assert said["unit"] == "TB"
    assert said["si"]["unit"] == "byte"
    for end in ("low", "median", "high"):
        assert said[end] * 1e12 == pytest.approx(said["si"][end])
    assert said["low"] < said["median"] < said["high"]
    assert said["formula"] == "links_kept * record * 3 in TB"


def test_a_multiple_multiplies_what_grows(toscale: Shell) -> None:
    once = toscale("estimate", SHORTENER, "--json").json["estimates"]
    ten_times = toscale("estimate", SHORTENER, "--json", "--at", "10x").json["estimates"]
    assert ten_times["peak_reads"]["median"] == pytest.approx(10 * once["peak_reads"]["median"])
    assert ten_times["peak"]["median"] == once["peak"]["median"]


def test_the_seed_decides_the_samples(toscale: Shell) -> None:
    def shares(seed: str) -> float:
        return float(
            toscale("estimate", SHORTENER, "--json", "--seed", seed).json["estimates"]["peak_reads"]["high"]
        )

    assert shares("7") == shares("7")
    assert shares("7") != shares("8")
    assert shares("7") == pytest.approx(shares("8"), rel=0.05)


def test_a_design_with_errors_gives_its_problems(toscale: Shell) -> None:
    path = toscale.write(BROKEN)
    said = toscale("estimate", path, "--json")
    assert said.code == 1
    for problem in said.json["problems"]:
        jsonschema.validate(problem, PROBLEM)
    assert {"TS410", "TS201", "TS310"} <= {problem["code"] for problem in said.json["problems"]}
    text = toscale("estimate", path)
    assert text.code == 1
    assert "TS310 error" in text.out


def test_an_estimate_without_a_value_fails_and_the_others_are_shown(toscale: Shell) -> None:
    path = toscale.write("estimates:\n  rate: 5 / s\n  none: 1 - 1\n  much: rate / none\n")
    called = toscale("estimate", path, "--json")
    assert called.code == 1
    assert called.json["estimates"]["rate"]["median"] == 5
    assert called.json["problems"]


@pytest.mark.parametrize("width", [30, 50, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(
    toscale: Shell, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    called = toscale("estimate", toscale.write(MEETS))
    assert max(map(len, called.out.splitlines())) <= width
    said = " ".join(called.out.split())
    for figure in ("23 to 46 per s", "69 to 140 per s", "2M to 4M / day", "98.2/s"):
        assert figure in said, figure
